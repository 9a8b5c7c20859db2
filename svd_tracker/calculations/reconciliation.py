"""The reconciliation statement of a holder's quarter: what the ledger says against what the return says.

FIGURES.md 10, 13 and 14; DATA_MODEL.md 9.3. All money in whole pence. A difference is shown with its amount and
never absorbed; a month without a ledger is missing, never nought (DESIGN.md rule 8).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from svd_tracker.calculations.ledger_facts import (
    Control,
    FundingName,
    Lines,
    Moved,
    Said,
    Typed,
    TypedKind,
    dropped_words,
    lines_words,
    month_name,
)
from svd_tracker.money import format_pounds
from svd_tracker.periods import quarter_short


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
    def typed_actuals(self) -> int:
        return self.typed[TypedKind.ACTUAL]

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
    DROPPED = "dropped"
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
    """The reconciliation of one holder and quarter. ``dropped`` are lines that the newest file no longer has."""

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
    def reconciled(self) -> bool:
        """Whether nothing is left to do: a ledger, no gap, and a control total that agrees."""
        return not self.gaps and self.ledger.loaded and self.ledger.control is not None

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


def _sum(moved: Iterable[Moved]) -> Lines:
    return sum((Lines(each.lines, each.pence) for each in moved), Lines())


def _gaps(statement: Statement) -> Iterable[GapFound]:
    ledger = statement.ledger
    if ledger.unexplained:
        words = f"{format_pounds(ledger.unexplained)} of the ledger stands in no part of this statement."
        yield GapFound(Gap.UNEXPLAINED, words, ledger.unexplained)
    if ledger.waiting.lines or ledger.waiting.pence:
        yield GapFound(Gap.WAITING, f"{lines_words(ledger.waiting)} to be placed.", ledger.waiting.pence)
    if statement.dropped.lines:
        words = f"{dropped_words(statement.dropped)}: leave out what the ledger changed or took out."
        yield GapFound(Gap.DROPPED, words, statement.dropped.pence)
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
