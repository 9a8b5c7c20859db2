"""The shapes that go into and come out of a return's arithmetic (FIGURES.md 1 to 18).

All money is whole pence, all quarters 1 to 4 of one financial year. Everything here is frozen, so that a
figure once calculated is the figure that the page, the stored rows and the workbook show.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class Category(StrEnum):
    """The award's two lines. Set on the award, never worked out from an account code (DOMAIN.md section 1)."""

    LABOUR = "labour"
    NON_LABOUR = "non_labour"

    @property
    def label(self) -> str:
        return {"labour": "Labour", "non_labour": "Non-labour"}[self.value]


class EntryKind(StrEnum):
    ACTUAL = "actual"
    ACCRUAL = "accrual"
    REVERSAL = "reversal"
    JOURNAL = "journal"


class ReversalWhy(StrEnum):
    RELEASE = "release"
    MISTAKE = "mistake"


class ObligationKind(StrEnum):
    IN_YEAR = "in_year"
    PROVISIONAL = "provisional"
    FINAL = "final"


@dataclass(frozen=True)
class EntryFact:
    """One ledger entry as the arithmetic needs it. ``seq`` is the holder's own count, given under its lock.

    ``from_ledger``: it came with the council's ledger, so an accrual is released by the ledger's own line.
    """

    seq: int
    funding_ref: str
    quarter: int
    pence: int
    kind: EntryKind
    eligible: bool = True
    reverses_seq: int | None = None
    reversal_why: ReversalWhy | None = None
    from_ledger: bool = False


@dataclass(frozen=True)
class FundingFact:
    """One funding as recorded at the cut. ``forecast`` is the newest forecast by quarter, None when not given."""

    ref: str
    title: str
    category: Category
    funding_pence: int
    profile: Mapping[int, int]
    forecast: Mapping[int, int] | None


@dataclass(frozen=True)
class Earlier:
    """What the newest certified revisions of earlier periods said (FIGURES.md 3: never this return's own).

    ``closed_quarters`` are those that an earlier return of the year closed; ``reported`` and ``adjusted`` are
    keyed (funding ref, quarter); ``claimed`` is claimed to date by funding ref in the newest earlier return.
    ``final_claimed`` is set only after a certified final (FIGURES.md 15).
    """

    closed_quarters: frozenset[int] = frozenset()
    reported: Mapping[tuple[str, int], int] | None = None
    adjusted: Mapping[tuple[str, int], int] | None = None
    claimed: Mapping[str, int] | None = None
    final_claimed: Mapping[str, int] | None = None


@dataclass(frozen=True)
class Tolerance:
    """A variance is to be explained above either: basis points of the funding, or pence. Not at exactly that."""

    basis_points: int = 500
    pence: int = 100_000


@dataclass(frozen=True)
class ReturnInputs:
    kind: ObligationKind
    last_quarter: int
    allocations: Mapping[Category, int]
    fundings: tuple[FundingFact, ...]
    entries: tuple[EntryFact, ...]
    earlier: Earlier = Earlier()
    tolerance: Tolerance = Tolerance()


@dataclass(frozen=True)
class LineFigures:
    """One line of the return: a funding. None always means missing, never nought."""

    ref: str
    title: str
    category: Category
    funding: int
    profile_by_quarter: Mapping[int, int]
    profile_to_date: int
    spent_by_quarter: Mapping[int, int]  # quarters 1..last_quarter: the ledger as counted in each quarter
    this_period: int  # own quarters only (FIGURES.md 2)
    adjustments: int  # the sum of this return's adjustments to closed quarters
    reported_before: int  # reported + adjustments already certified
    to_date: int  # = reported_before + adjustments + this_period = the ledger
    accruals: int  # inside to_date: accruals of the period's quarters still open at the last quarter's end
    eligible_to_date: int
    claimed_to_date: int
    claimed_before: int
    claimed_now: int
    repayable: int
    locally_funded: int
    remaining: int
    forecast_by_quarter: Mapping[int, int | None]  # quarters after last_quarter (and 4 in a provisional)
    outturn: int | None
    variance: int | None  # outturn − funding, over is positive
    variance_bp: int | None  # of the funding, None when the funding is nought
    needs_explanation: bool
    missing_reason: str | None  # why outturn is missing


@dataclass(frozen=True)
class Adjustment:
    """A line of a return for entries of a closed quarter that were not in the return that closed it."""

    funding_ref: str
    quarter: int
    pence: int


@dataclass(frozen=True)
class TotalFigures:
    """A category's total, or the whole return's (category None). A missing part makes the total missing."""

    category: Category | None
    allocation: int
    funding: int
    profile_to_date: int
    spent_by_quarter: Mapping[int, int]
    this_period: int
    adjustments: int
    reported_before: int
    to_date: int
    accruals: int
    eligible_to_date: int
    claimed_to_date: int
    claimed_before: int
    claimed_now: int
    repayable: int
    locally_funded: int
    remaining: int
    forecast_by_quarter: Mapping[int, int | None]
    outturn: int | None
    variance: int | None
    over_committed: int  # max(0, funding − allocation) of a category; the whole return's is the sum of these


@dataclass(frozen=True)
class ReturnFigures:
    own_quarters: tuple[int, ...]
    last_quarter: int
    lines: tuple[LineFigures, ...]  # labour first, then non-labour, by ref
    adjustments: tuple[Adjustment, ...]  # by funding ref, then quarter; none is nought
    categories: Mapping[Category, TotalFigures]  # both categories, always
    total: TotalFigures
