"""The reconciliation statement of a holder's quarter: what the ledger says against what the return says.

FIGURES.md 10, 13 and 14; DATA_MODEL.md 9.3. All money in whole pence. A difference is shown with its amount and
never absorbed; a month without a ledger is missing, never nought (DESIGN.md rule 8).
"""

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from svd_tracker.calculations.figures import ReturnFigures
from svd_tracker.money import format_pounds
from svd_tracker.periods import quarter_short

MONTHS_OF_YEAR = 12
_NAMES = (
    "April", "May", "June", "July", "August", "September",
    "October", "November", "December", "January", "February", "March",
)  # fmt: skip


class TypedKind(StrEnum):
    """What an entry without a ledger line is. A mistake that was taken back counts with what it took back."""

    ACTUAL = "actual"
    ACCRUAL = "accrual"
    RELEASE = "release"
    JOURNAL = "journal"

    @property
    def label(self) -> str:
        return {
            "actual": "Actuals typed here",
            "accrual": "Accruals not in the ledger",
            "release": "Releases of accruals",
            "journal": "Journals typed here",
        }[self.value]


@dataclass(frozen=True)
class Moved:
    """The sum of movements of one kind: ``fy`` and ``quarter`` are the ledger's own, ``placed_*`` where it counts."""

    fy: int
    quarter: int
    bucket: str
    funding_id: int | None
    reason: str
    placed_fy: int
    placed_quarter: int
    lines: int
    pence: int


@dataclass(frozen=True)
class Typed:
    """The sum of a funding's entries of one kind and quarter that stand for no ledger line."""

    funding_id: int
    quarter: int
    kind: TypedKind
    pence: int


@dataclass(frozen=True)
class Control:
    """What the finance system says that the ledger of a quarter comes to."""

    pence: int
    source: str


@dataclass(frozen=True)
class FundingName:
    id: int
    ref: str
    title: str
    grant_id: int


@dataclass(frozen=True)
class Said:
    """What the newest build of a quarter's return says, by funding id where it is of one funding.

    ``spent`` is what it says of the quarter, ``since`` what returns of later periods adjusted of it (FIGURES.md 3).
    ``to_date`` is both, of every quarter up to this one; ``adjustments`` what this return corrects of earlier ones.
    """

    grant_id: int
    words: str  # "draft, build 2" or "certified, revision 1"
    certified: bool
    spent: Mapping[int, int]
    since: Mapping[int, int]
    to_date: int
    adjustments: int


@dataclass(frozen=True)
class Built:
    """The newest build of one return of a grant."""

    grant_id: int
    words: str
    certified: bool
    figures: ReturnFigures


def said_of(quarter: int, built: Sequence[Built], funding_ids: Mapping[str, int]) -> Said | None:
    """What the returns of one grant say of a quarter, in the order of their periods; None while none covers it.

    The first that has the quarter among its own reports it; those after it adjust it (FIGURES.md 2 and 3).
    """
    number = next((n for n, each in enumerate(built) if quarter in each.figures.own_quarters), None)
    if number is None:
        return None
    of, later = built[number], built[number + 1 :]
    quarters = range(1, quarter + 1)
    since: dict[int, int] = {}
    to_date = sum(line.spent_by_quarter[each] for line in of.figures.lines for each in quarters)
    for change in (change for each in later for change in each.figures.adjustments):
        if change.quarter == quarter:
            funding_id = funding_ids[change.funding_ref]
            since[funding_id] = since.get(funding_id, 0) + change.pence
        if change.quarter <= quarter:
            to_date += change.pence
    return Said(
        grant_id=of.grant_id,
        words=of.words,
        certified=of.certified,
        spent={funding_ids[line.ref]: line.spent_by_quarter[quarter] for line in of.figures.lines},
        since=since,
        to_date=to_date,
        adjustments=sum(change.pence for change in of.figures.adjustments),
    )


@dataclass(frozen=True)
class Lines:
    """So many lines of so much. A line that is split counts once, with its first part."""

    lines: int = 0
    pence: int = 0

    def __add__(self, other: "Lines") -> "Lines":
        return Lines(self.lines + other.lines, self.pence + other.pence)


@dataclass(frozen=True)
class Elsewhere:
    """Lines of a quarter's ledger that count in another quarter (FIGURES.md 14)."""

    fy: int
    quarter: int
    lines: Lines


@dataclass(frozen=True)
class LedgerPart:
    """A part of a quarter's ledger: the code of the list of its lines, its words, and why, of what is left out."""

    code: str
    label: str
    lines: Lines
    reason: str | None = None


@dataclass(frozen=True)
class LedgerSide:
    """The ledger of one quarter, in its own periods, and where its lines belong: the parts add up to ``total``."""

    fy: int
    quarter: int
    total: Lines
    here: Lines
    elsewhere: tuple[Elsewhere, ...]
    match: Lines
    local: Lines
    left_out: Mapping[str, Lines]
    grant_income: Lines
    match_income: Lines
    carried: Lines
    waiting: Lines
    control: Control | None
    months_loaded: tuple[int, ...]
    months_missing: tuple[int, ...]

    @property
    def loaded(self) -> bool:
        """Whether there is a ledger to speak of: a quarter with none says so in place of nought."""
        return bool(self.months_loaded) or self.total != Lines()

    @property
    def parts(self) -> tuple[LedgerPart, ...]:
        """The parts of the ledger in the order of the statement."""
        return (
            LedgerPart("here", "Placed to fundings in this quarter", self.here),
            *(
                LedgerPart("elsewhere", f"Placed to fundings in {quarter_short(each.fy, each.quarter)}", each.lines)
                for each in self.elsewhere
            ),
            LedgerPart("match", "Placed to match", self.match),
            LedgerPart("local", "Placed to local money", self.local),
            *(
                LedgerPart("left_out", f"Left out: {reason or 'no reason given'}", lines, reason)
                for reason, lines in self.left_out.items()
            ),
            LedgerPart("grant_income", "Grant income", self.grant_income),
            LedgerPart("match_income", "Match income", self.match_income),
            LedgerPart("carried", "Carried to the next return", self.carried),
            LedgerPart("waiting", "Waiting to be placed", self.waiting),
        )

    @property
    def unexplained(self) -> int:
        """Pence of the ledger that stand in no part: always nought, and shown if it ever were not."""
        return self.total.pence - sum(part.lines.pence for part in self.parts)

    @property
    def control_difference(self) -> int | None:
        """Ledger less control total; None while no control total is given."""
        return None if self.control is None else self.total.pence - self.control.pence


@dataclass(frozen=True)
class FundingSide:
    """What counts in the quarter for a funding, and what its return and later ones say: None while there is none."""

    funding: FundingName
    own_lines: int
    other_lines: int
    typed: Mapping[TypedKind, int]
    said: int | None
    since: int

    @property
    def spent(self) -> int:
        return self.own_lines + self.other_lines + sum(self.typed.values())

    @property
    def difference(self) -> int | None:
        return None if self.said is None else self.spent - self.said - self.since


@dataclass(frozen=True)
class GrantSide:
    """The return's side of one grant. ``to_date`` is the entries up to the quarter's end as they are now."""

    grant_id: int
    grant_name: str
    fundings: tuple[FundingSide, ...]
    to_date: int
    said: Said | None

    @property
    def own_lines(self) -> int:
        return sum(each.own_lines for each in self.fundings)

    @property
    def other_lines(self) -> int:
        return sum(each.other_lines for each in self.fundings)

    @property
    def typed(self) -> Mapping[TypedKind, int]:
        return {kind: sum(each.typed.get(kind, 0) for each in self.fundings) for kind in TypedKind}

    @property
    def spent(self) -> int:
        return sum(each.spent for each in self.fundings)

    @property
    def difference(self) -> int | None:
        """What is posted for the quarter now, less what its return and later ones say of it."""
        if self.said is None:
            return None
        return self.spent - sum(self.said.spent.values()) - sum(self.said.since.values())

    @property
    def to_date_difference(self) -> int | None:
        return None if self.said is None else self.to_date - self.said.to_date


class Gap(StrEnum):
    """Why a quarter does not reconcile, the gravest first."""

    UNEXPLAINED = "unexplained"
    WAITING = "waiting"
    CONTROL = "control"
    RETURN = "return"
    TO_DATE = "to_date"
    NOT_LOADED = "not_loaded"


@dataclass(frozen=True)
class GapFound:
    """One reason, with its amount in pence where it has one, in words for the page and the sheet."""

    gap: Gap
    words: str
    pence: int | None = None
    grant_id: int | None = None


@dataclass(frozen=True)
class Statement:
    """The reconciliation of one holder and quarter."""

    holder_name: str
    fy: int
    quarter: int
    ledger: LedgerSide
    grants: tuple[GrantSide, ...]
    dropped: Lines = field(default_factory=Lines)

    @property
    def gaps(self) -> tuple[GapFound, ...]:
        return tuple(_gaps(self))

    @property
    def headline(self) -> str:
        """ "It reconciles", or what does not."""
        gaps = self.gaps
        amounts = [format_pounds(abs(each.pence)) for each in gaps if each.pence]
        if amounts:
            listed = " and ".join([", ".join(amounts[:-1]), amounts[-1]] if len(amounts) > 1 else amounts)
            return f"{listed} {'does' if len(amounts) == 1 else 'do'} not reconcile"
        if not self.ledger.loaded:
            return "No ledger is loaded for this quarter"
        if gaps:
            return "It does not reconcile yet"
        if self.ledger.control is None:
            return "It adds up, and is not yet checked against the finance system"
        return "It reconciles"


def ledger_side(
    fy: int,
    quarter: int,
    moved: Iterable[Moved],
    control: Control | None,
    months_loaded: Iterable[int],
    months_over: Iterable[int],
) -> LedgerSide:
    """Add up the movements of a quarter's own ledger; movements and months of other quarters are passed over.

    A month that is over and not loaded is missing.
    """
    months = range(3 * quarter - 2, 3 * quarter + 1)
    loaded = set(months_loaded)
    own = [each for each in moved if (each.fy, each.quarter) == (fy, quarter)]

    def bucket(name: str) -> Lines:
        return _sum(each for each in own if each.bucket == name)

    placed = [each for each in own if each.bucket == "funding"]
    others = sorted({(each.placed_fy, each.placed_quarter) for each in placed} - {(fy, quarter)})
    reasons = sorted({each.reason for each in own if each.bucket == "left_out"})
    return LedgerSide(
        fy=fy,
        quarter=quarter,
        total=_sum(own),
        here=_sum(each for each in placed if (each.placed_fy, each.placed_quarter) == (fy, quarter)),
        elsewhere=tuple(
            Elsewhere(*other, lines)
            for other in others
            if (lines := _sum(each for each in placed if (each.placed_fy, each.placed_quarter) == other)) != Lines()
        ),
        match=bucket("match"),
        local=bucket("local"),
        left_out={
            reason: lines
            for reason in reasons
            if (lines := _sum(each for each in own if each.bucket == "left_out" and each.reason == reason)) != Lines()
        },
        grant_income=bucket("grant_income"),
        match_income=bucket("match_income"),
        carried=bucket("carried"),
        waiting=bucket("waiting"),
        control=control,
        months_loaded=tuple(month for month in months if month in loaded),
        months_missing=tuple(month for month in months if month in set(months_over) - loaded),
    )


def grant_side(
    fy: int,
    quarter: int,
    grant: tuple[int, str],
    fundings: Iterable[FundingName],
    moved: Iterable[Moved],
    typed: Iterable[Typed],
    said: Said | None,
) -> GrantSide:
    """What counts in a quarter of a grant's fundings, from lines of this and other periods and from typed entries."""
    grant_id, name = grant
    named = [each for each in fundings if each.grant_id == grant_id]
    ids = {each.id for each in named}
    to_fundings = [each for each in moved if each.funding_id in ids and each.placed_fy == fy]
    entries = [each for each in typed if each.funding_id in ids]
    sides = []
    for funding in named:
        lines = [each for each in to_fundings if each.funding_id == funding.id and each.placed_quarter == quarter]
        own = sum(each.pence for each in lines if (each.fy, each.quarter) == (fy, quarter))
        kinds = {
            kind: sum(
                each.pence
                for each in entries
                if each.funding_id == funding.id and each.quarter == quarter and each.kind is kind
            )
            for kind in TypedKind
        }
        sides.append(
            FundingSide(
                funding=funding,
                own_lines=own,
                other_lines=sum(each.pence for each in lines) - own,
                typed=kinds,
                said=None if said is None else said.spent.get(funding.id, 0),
                since=0 if said is None else said.since.get(funding.id, 0),
            )
        )
    to_date = sum(each.pence for each in to_fundings if each.placed_quarter <= quarter)
    to_date += sum(each.pence for each in entries if each.quarter <= quarter)
    return GrantSide(grant_id, name, tuple(sides), to_date, said)


def month_name(fy: int, month: int) -> str:
    """The month of a financial year by its period: (2025, 3) is "June 2025"."""
    return f"{_NAMES[month - 1]} {fy if month <= 9 else fy + 1}"


def months_over(fy: int, day: dt.date) -> tuple[int, ...]:
    """The months of a financial year, by period, that are over on a day."""
    return tuple(month for month in range(1, MONTHS_OF_YEAR + 1) if day >= _after(fy, month))


def _after(fy: int, month: int) -> dt.date:
    """The first day after a month."""
    return dt.date(fy + 1, month - 8, 1) if month >= 9 else dt.date(fy, month + 4, 1)


def _sum(moved: Iterable[Moved]) -> Lines:
    return sum((Lines(each.lines, each.pence) for each in moved), Lines())


def _gaps(statement: Statement) -> Iterable[GapFound]:
    ledger = statement.ledger
    if ledger.unexplained:
        words = f"{format_pounds(ledger.unexplained)} of the ledger stands in no part of this statement."
        yield GapFound(Gap.UNEXPLAINED, words, ledger.unexplained)
    if ledger.waiting.lines or ledger.waiting.pence:
        yield GapFound(Gap.WAITING, f"{lines_words(ledger.waiting)} to be placed.", ledger.waiting.pence)
    if ledger.control is not None and ledger.control_difference:
        more = "more" if ledger.control_difference > 0 else "less"
        words = (
            f"The ledger loaded here is {format_pounds(abs(ledger.control_difference))} {more} than "
            f"{ledger.control.source} says."
        )
        yield GapFound(Gap.CONTROL, words, ledger.control_difference)
    for grant in statement.grants:
        yield from _gaps_of_return(grant, statement)
    for month in ledger.months_missing:
        yield GapFound(Gap.NOT_LOADED, f"No ledger loaded for {month_name(statement.fy, month)}.")


def _gaps_of_return(grant: GrantSide, statement: Statement) -> Iterable[GapFound]:
    if grant.said is None:
        return
    cure = "it comes as an adjustment in the next return" if grant.said.certified else "build the return again"
    period = quarter_short(statement.fy, statement.quarter)
    apart = any(each.difference for each in grant.fundings)
    if grant.difference or apart:
        words = (
            f"{grant.grant_name}: {format_pounds(grant.difference or 0)} of {period} is posted and not in the return "
            f"({grant.said.words}): {cure}."
        )
        yield GapFound(Gap.RETURN, words, grant.difference, grant.grant_id)
    if grant.to_date_difference and grant.to_date_difference != grant.difference:
        words = (
            f"{grant.grant_name}: spend to date is {format_pounds(grant.to_date_difference)} away from the return "
            f"({grant.said.words}): {cure}."
        )
        yield GapFound(Gap.TO_DATE, words, grant.to_date_difference, grant.grant_id)


def lines_words(lines: Lines) -> str:
    """ "12 ledger lines of £3,410.00 wait": so many lines, so much, and the verb that agrees."""
    some = "1 ledger line" if lines.lines == 1 else f"{lines.lines:,} ledger lines"
    return f"{some} of {format_pounds(lines.pence)} {'waits' if lines.lines == 1 else 'wait'}"
