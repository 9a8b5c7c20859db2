"""What is not as it was: the figures of one build of a return beside those of another, in whole pence."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from svd_tracker.calculations.figure_words import figure_label
from svd_tracker.calculations.figures import LineFigures, ReturnFigures, TotalFigures
from svd_tracker.money import format_pounds

# The figures of one line in the order in which they are shown. Those of the period belong to one return's own
# quarters, so they say nothing beside a return of other quarters (FIGURES.md 2 and 3).
_OF_THE_YEAR = (
    "funding",
    "profile_to_date",
    "to_date",
    "accruals",
    "eligible_to_date",
    "claimed_to_date",
    "repayable",
    "locally_funded",
    "remaining",
    "outturn",
    "variance",
)
_OF_THE_PERIOD = ("reported_before", "adjustments", "this_period", "claimed_before", "claimed_now")
_OF_TOTALS = ("allocation", "over_committed")
_BY_QUARTER = ("profile", "spent", "forecast")
_ORDER = (*_OF_TOTALS, *_OF_THE_YEAR, *_OF_THE_PERIOD, "adjustment", *_BY_QUARTER)
_CUMULATIVE = ("to_date", "claimed_to_date")
_SAID_FIRST = ("to_date", "claimed_to_date", "outturn", "funding")
_CATEGORY = "category:"


@dataclass(frozen=True)
class FigureChange:
    """One figure, old and new, in pence; None is missing. ``quarter`` 0 is of no single quarter.

    ``line_ref`` is the funding's ref, "category:labour" for a category, or "" for the return's total.
    """

    line_ref: str
    title: str
    code: str
    quarter: int
    old: int | None
    new: int | None

    @property
    def is_of_a_line(self) -> bool:
        return bool(self.line_ref) and not self.line_ref.startswith(_CATEGORY)


@dataclass(frozen=True)
class Changes:
    """What changed since ``against`` ("revision 1 of this return"), with a reason for each line by its ref."""

    against: str
    figures: tuple[FigureChange, ...]
    reasons: dict[str, str]


_Key = tuple[str, str, int]  # line ref, code, quarter


def compare(old: ReturnFigures, new: ReturnFigures) -> tuple[FigureChange, ...]:
    """Every money figure of the lines, the allocations and the total that is not as it was; lines by ref, then total.

    A line that came has no old figures, one that went no new ones. Returns of other quarters than each other (a final
    beside its provisional) are compared in what is of the year, not in what is of the period, and quarter by quarter
    only where both have the quarter.
    """
    same_period = old.own_quarters == new.own_quarters and old.last_quarter == new.last_quarter
    before, after = dict(_figures(old, same_period)), dict(_figures(new, same_period))
    titles = {**_titles(old), **_titles(new)}
    both = {code: _quarters(old, code) & _quarters(new, code) for code in _BY_QUARTER}
    keys = sorted(before.keys() | after.keys(), key=_order)
    return tuple(
        FigureChange(ref, titles[ref], code, quarter, before.get((ref, code, quarter)), after.get((ref, code, quarter)))
        for ref, code, quarter in keys
        if before.get((ref, code, quarter)) != after.get((ref, code, quarter))
        and (code not in both or quarter in both[code])
    )


def falls(old: ReturnFigures, new: ReturnFigures) -> tuple[FigureChange, ...]:
    """The lines' spent and claimed to date that are lower than they were. A line that is gone counts as nought."""
    after = {line.ref: line for line in new.lines}
    found = []
    for line in old.lines:
        for code in _CUMULATIVE:
            then = getattr(line, code)
            now = getattr(after[line.ref], code) if line.ref in after else 0
            if now < then:
                found.append(FigureChange(line.ref, line.title, code, 0, then, now))
    return tuple(found)


def changes_in_words(changes: Sequence[FigureChange], fy: int) -> str:
    """The changes of one line in a sentence's part, the weightiest three: "spent to date £1.00 → £2.00"."""
    first = {code: number for number, code in enumerate(_SAID_FIRST)}
    ordered = sorted(changes, key=lambda each: first.get(each.code, len(first)))
    said = ", ".join(
        f"{_lower(figure_label(each.code, each.quarter, fy))} {_pounds(each.old)} → {_pounds(each.new)}"
        for each in ordered[:3]
    )
    more = len(ordered) - 3
    if more <= 0:
        return said
    return f"{said}, and {more} more {'figure' if more == 1 else 'figures'}"


def by_line(changes: Sequence[FigureChange]) -> dict[str, list[FigureChange]]:
    """The changes of the fundings' lines by ref; those of totals are no line's."""
    found: dict[str, list[FigureChange]] = {}
    for each in changes:
        if each.is_of_a_line:
            found.setdefault(each.line_ref, []).append(each)
    return found


def _figures(figures: ReturnFigures, period: bool) -> Iterator[tuple[_Key, int | None]]:
    codes = _OF_THE_YEAR + (_OF_THE_PERIOD if period else ())
    for line in figures.lines:
        yield from _of(line.ref, line, codes)
        yield from _by_quarter(line.ref, "profile", line.profile_by_quarter)
    for category, total in figures.categories.items():
        yield from _of(f"{_CATEGORY}{category.value}", total, _OF_TOTALS, quarters=False)
    yield from _of("", figures.total, (*_OF_TOTALS, *codes))
    if period:
        for each in figures.adjustments:
            yield (each.funding_ref, "adjustment", each.quarter), each.pence


def _of(
    ref: str, of: LineFigures | TotalFigures, codes: Sequence[str], *, quarters: bool = True
) -> Iterator[tuple[_Key, int | None]]:
    for code in codes:
        yield (ref, code, 0), getattr(of, code)
    if quarters:
        yield from _by_quarter(ref, "spent", of.spent_by_quarter)
        yield from _by_quarter(ref, "forecast", of.forecast_by_quarter)


def _by_quarter(ref: str, code: str, values: Mapping[int, int | None]) -> Iterator[tuple[_Key, int | None]]:
    for quarter, value in values.items():
        yield (ref, code, quarter), value


def _quarters(figures: ReturnFigures, code: str) -> set[int]:
    if code == "profile":
        return {1, 2, 3, 4}
    return set(figures.total.spent_by_quarter if code == "spent" else figures.total.forecast_by_quarter)


def _titles(figures: ReturnFigures) -> dict[str, str]:
    categories = {f"{_CATEGORY}{category.value}": category.label for category in figures.categories}
    return {"": "Total", **categories, **{line.ref: line.title for line in figures.lines}}


def _order(key: _Key) -> tuple[int, str, int, int]:
    ref, code, quarter = key
    kind = 2 if not ref else 1 if ref.startswith(_CATEGORY) else 0
    return kind, ref, _ORDER.index(code), quarter


def _pounds(pence: int | None) -> str:
    return "not given" if pence is None else format_pounds(pence)


def _lower(text: str) -> str:
    return text[:1].lower() + text[1:]
