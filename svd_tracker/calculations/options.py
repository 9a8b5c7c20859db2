"""What-ifs of where one partnership's money runs out: what each would fund and leave (FIGURES.md 21 and 29).

Money is whole pence by category; a missing category is nought. Nothing here decides: the chosen option fills in
draft decisions, and passing over a proposal that ranks higher is said with its reason.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from fractions import Fraction

from svd_tracker.calculations.figures import Category
from svd_tracker.money import format_pounds, share_out

WHOLE_BP = 10_000
COVERED = "Its own cash match covers what it asks"


class OptionPlace(StrEnum):
    FUND = "fund"
    FUND_IN_PART = "fund_in_part"
    RESERVE = "reserve"
    PASS_OVER = "pass_over"

    @property
    def gives(self) -> bool:
        return self in (OptionPlace.FUND, OptionPlace.FUND_IN_PART)


class Start(StrEnum):
    """Where a new option's first version comes from."""

    LINE = "line"  # as the line says
    IN_PART = "in_part"  # and the one on the line gets what is left
    AFTER = "after"  # the line moved behind a rank
    NEXT_THAT_FITS = "next_that_fits"  # what does not fit is passed over


@dataclass(frozen=True)
class RankedAsk:
    """A proposal that asks this money, in pence by category. Without a rank, ``why_unranked`` says why.

    ``match``: the part of the ask that its own cash match would pay (``match_shares``).
    """

    ref: str
    rank: int | None
    asks: Mapping[Category, int]
    match: Mapping[Category, int] = field(default_factory=dict)
    why_unranked: str = ""

    def wanted(self, count_match: bool) -> dict[Category, int]:
        """What it would be given whole: all that it asks, or that less its match."""
        off = self.match if count_match else {}
        return {category: self.asks.get(category, 0) - off.get(category, 0) for category in Category}


@dataclass(frozen=True)
class OptionMoney:
    """What there is to decide on, and the allocations that a margin is a share of (FIGURES.md 21).

    ``margin_bp`` is the most over-programming that the grant's terms allow.
    """

    pence: Mapping[Category, int]
    allocated: Mapping[Category, int]
    margin_bp: int = 0

    def ceiling(self, over_bp: int) -> dict[Category, int]:
        """The money with the margin, rounded down to whole pence."""
        return {
            category: self.pence.get(category, 0) + max(0, self.allocated.get(category, 0)) * over_bp // WHOLE_BP
            for category in Category
        }


@dataclass(frozen=True)
class Item:
    """What an option does with one proposal. ``amounts``: pence by category, for one that is funded."""

    place: OptionPlace
    amounts: Mapping[Category, int] = field(default_factory=dict)
    reason: str = ""


@dataclass(frozen=True)
class OptionInput:
    """One option over the proposals in their ranked order. ``items`` is by ref."""

    ranked: Sequence[RankedAsk]
    money: OptionMoney
    items: Mapping[str, Item]
    over_bp: int = 0
    count_match: bool = False


@dataclass(frozen=True)
class OptionProblem:
    """What an option may not do, in words for the page, at the proposal and category where it is."""

    words: str
    ref: str | None = None
    category: Category | None = None
    owes_reason: bool = False


@dataclass(frozen=True)
class OptionRow:
    """One proposal in an option; ``item`` is None where the option says nothing of it."""

    ask: RankedAsk
    item: Item | None
    gets: Mapping[Category, int]

    @property
    def total(self) -> int:
        return sum(self.gets.values())


@dataclass(frozen=True)
class OptionResult:
    """What an option funds and leaves by category, every category there. ``left`` is of the money without a margin:

    below nought it is over-programmed. An option with ``problems`` cannot be kept or chosen.
    """

    rows: tuple[OptionRow, ...]
    money: Mapping[Category, int]
    ceiling: Mapping[Category, int]
    funded: Mapping[Category, int]
    left: Mapping[Category, int]
    problems: tuple[OptionProblem, ...]

    def count(self, *places: OptionPlace) -> int:
        return sum(row.item is not None and row.item.place in places for row in self.rows)

    @property
    def funded_count(self) -> int:
        return self.count(OptionPlace.FUND, OptionPlace.FUND_IN_PART)


def match_shares(asks: Mapping[int, Mapping[Category, int]], cash: int) -> dict[int, dict[Category, int]]:
    """A proposal's cash match shared over all that it asks, by partnership and category (largest remainder).

    No share passes what is asked there. Equal remainders: the lower holder id, then labour, first.
    """
    cells = [(holder_id, category) for holder_id in sorted(asks) for category in Category]
    weights = [asks[holder_id].get(category, 0) for holder_id, category in cells]
    shares = share_out(min(max(cash, 0), sum(weights)), weights)
    found: dict[int, dict[Category, int]] = {holder_id: {} for holder_id in asks}
    for (holder_id, category), pence in zip(cells, shares, strict=True):
        found[holder_id][category] = pence
    return found


def begin(
    how: Start,
    ranked: Sequence[RankedAsk],
    money: OptionMoney,
    *,
    after: int = 0,
    over_bp: int = 0,
    count_match: bool = False,
    reserve: bool = False,
) -> dict[str, Item]:
    """An option's first items by ref, for every ranked proposal that asks something.

    ``after`` is the last rank that is funded, for Start.AFTER, whether the money reaches that far or not: evaluating
    it says so. ``reserve`` keeps those that get nothing in reserve.
    """
    left = money.ceiling(over_bp)
    rest = OptionPlace.RESERVE if reserve else OptionPlace.PASS_OVER
    items: dict[str, Item] = {}
    stopped = False
    for each in ranked:
        wanted = each.wanted(count_match)
        if each.rank is None or not any(each.asks.values()):
            continue
        if not any(wanted.values()):
            items[each.ref] = Item(OptionPlace.PASS_OVER, reason=COVERED)
            continue
        fits = all(wanted[category] <= max(0, left[category]) for category in Category if wanted[category])
        if (each.rank <= after) if how is Start.AFTER else (fits and not stopped):
            items[each.ref] = Item(OptionPlace.FUND, _given(wanted))
        elif how is Start.IN_PART and not stopped:
            part = {category: max(0, min(wanted[category], left[category])) for category in Category}
            items[each.ref] = Item(OptionPlace.FUND_IN_PART, _given(part)) if any(part.values()) else Item(rest)
        elif how is Start.NEXT_THAT_FITS:
            items[each.ref] = Item(rest, reason=_does_not_fit(wanted, left))
        else:
            items[each.ref] = Item(rest)
        stopped = stopped or (how is not Start.NEXT_THAT_FITS and not fits)
        left = {category: left[category] - items[each.ref].amounts.get(category, 0) for category in Category}
    return items


def evaluate(given: OptionInput) -> OptionResult:
    """What the option funds and leaves, and everything that it may not do."""
    by_ref = {each.ref: each for each in given.ranked}
    rows = tuple(_row(each, given.items.get(each.ref)) for each in given.ranked)
    ceiling = given.money.ceiling(given.over_bp)
    money = {category: given.money.pence.get(category, 0) for category in Category}
    funded = {
        category: sum(item.amounts.get(category, 0) for item in given.items.values() if item.place.gives)
        for category in Category
    }
    problems = [
        OptionProblem(f"{ref} no longer asks this partnership for money: take it out", ref)
        for ref in given.items
        if ref not in by_ref
    ]
    for row in rows:
        problems += _problems_of(row, given.count_match)
    problems += _passed_over(rows, given.count_match)
    if given.over_bp > given.money.margin_bp:
        allowed = _percent(given.money.margin_bp)
        problems.append(OptionProblem(f"The grant’s terms let decisions pass an allocation by {allowed} at most"))
    problems += [
        OptionProblem(_over_words(category, funded[category] - ceiling[category], given.over_bp), None, category)
        for category in Category
        if funded[category] > max(0, ceiling[category])
    ]
    left = {category: money[category] - funded[category] for category in Category}
    return OptionResult(rows, money, ceiling, funded, left, tuple(problems))


def _row(ask: RankedAsk, item: Item | None) -> OptionRow:
    amounts = item.amounts if item is not None and item.place.gives else {}
    return OptionRow(ask, item, {category: amounts.get(category, 0) for category in Category})


def _problems_of(row: OptionRow, count_match: bool) -> Iterator[OptionProblem]:
    ref, item = row.ask.ref, row.item
    if item is None:
        return
    if row.ask.rank is None and item.place is not OptionPlace.PASS_OVER:
        why = f" ({row.ask.why_unranked})" if row.ask.why_unranked else ""
        yield OptionProblem(f"{ref} has no rank{why}: it can be neither funded nor kept in reserve", ref)
    if not item.place.gives:
        return
    wanted = row.ask.wanted(count_match)
    if any(wanted.values()):
        yield from _amount_problems(
            row, item.place, wanted, "what it asks less its match" if count_match else "what it asks"
        )
    else:
        yield OptionProblem(f"{ref}: {COVERED[0].lower()}{COVERED[1:]}, so there is nothing to give", ref)


def _amount_problems(
    row: OptionRow, place: OptionPlace, wanted: Mapping[Category, int], asked: str
) -> Iterator[OptionProblem]:
    ref = row.ask.ref
    if place is OptionPlace.FUND_IN_PART and not row.total:
        yield OptionProblem(f"{ref}: enter the part that it gets, or pass it over", ref, _first(wanted))
    elif place is OptionPlace.FUND_IN_PART and row.gets == wanted:
        yield OptionProblem(f"{ref} gets {asked}: choose “fund”", ref)
    for category in Category:
        gets, most = row.gets[category], f"{format_pounds(wanted[category])} of {_lower(category)}"
        if place is OptionPlace.FUND and gets != wanted[category]:
            yield OptionProblem(f"{ref}: “fund” gives {asked}, {most}", ref, category)
        elif gets > wanted[category]:
            yield OptionProblem(f"{ref}: give no more than {asked}, {most}", ref, category)
        elif gets < 0:
            yield OptionProblem(f"{ref}: enter an amount of £0.00 or more", ref, category)


def _passed_over(rows: Sequence[OptionRow], count_match: bool) -> Iterator[OptionProblem]:
    """Those that get a smaller part of what they ask, or nothing of it, than one that ranks lower, without a reason."""
    parts = {row.ask.ref: _part(row, count_match) for row in rows}
    for row in rows:
        rank, own = row.ask.rank, parts[row.ask.ref]
        if rank is None or (row.item is not None and row.item.reason.strip()):
            continue
        better = [each.ask for each in rows if each.total and (each.ask.rank or 0) > rank and parts[each.ask.ref] > own]
        if not better:
            continue
        ref = max(better, key=lambda each: each.rank or 0).ref
        gets = "a larger part of what it asks: say why" if row.total else "money: say why it is passed over"
        yield OptionProblem(f"{row.ask.ref} ranks higher than {ref}, which gets {gets}", row.ask.ref, owes_reason=True)


def _part(row: OptionRow, count_match: bool) -> Fraction:
    """The part of what it asks that a proposal gets; of nothing, all."""
    wanted = sum(row.ask.wanted(count_match).values())
    return Fraction(row.total, wanted) if wanted else Fraction(1)


def _over_words(category: Category, over: int, over_bp: int) -> str:
    margin = f", with {_percent(over_bp)} over-programmed" if over_bp else ""
    return f"{category.label}: {format_pounds(over)} more than there is{margin}"


def _does_not_fit(wanted: Mapping[Category, int], left: Mapping[Category, int]) -> str:
    short = [
        f"{format_pounds(wanted[category] - max(0, left[category]))} more {_lower(category)}"
        for category in Category
        if wanted[category] > max(0, left[category])
    ]
    return f"It needs {' and '.join(short)} than is left"


def _given(amounts: Mapping[Category, int]) -> dict[Category, int]:
    return {category: pence for category, pence in amounts.items() if pence}


def _first(wanted: Mapping[Category, int]) -> Category:
    return next(category for category in Category if wanted[category])


def _percent(basis_points: int) -> str:
    whole, rest = divmod(basis_points, 100)
    return (f"{whole}.{rest:02d}".rstrip("0") if rest else str(whole)) + "%"


def _lower(category: Category) -> str:
    return category.label.lower()
