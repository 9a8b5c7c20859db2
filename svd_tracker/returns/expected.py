"""Which returns an agreement asks for in a year, and when: worked out from its terms alone."""

import datetime as dt
from dataclasses import dataclass

from svd_tracker.calculations.figures import ObligationKind
from svd_tracker.grants.models import Frequency, GrantTerms, YearEnd
from svd_tracker.periods import QUARTERS, add_working_days, quarter_end, quarter_start

IN_YEAR, PROVISIONAL, FINAL = ObligationKind
LAST = max(QUARTERS)
DAY = dt.timedelta(days=1)


@dataclass(frozen=True)
class Dates:
    """When a return is drafted, by when it is certified, and when it is due at the OPCC."""

    draft_on: dt.date
    certify_on: dt.date
    due_on: dt.date


@dataclass(frozen=True)
class Expected:
    """A return that the terms ask for, up to ``last_quarter`` of its year."""

    last_quarter: int
    kind: ObligationKind
    dates: Dates

    @property
    def key(self) -> tuple[int, ObligationKind]:
        return self.last_quarter, self.kind

    @property
    def code(self) -> str:
        """Q1, provisional or final: what stands in its ref."""
        return f"Q{self.last_quarter}" if self.kind is IN_YEAR else self.kind.value


def expected(terms: GrantTerms, fy: int) -> tuple[Expected, ...]:
    """The returns of a holder for a year, in their order.

    Working days count from a period's end, those of the provisional and the final from the year's, before it when
    negative. A return is drafted after its period; a provisional from its last quarter's first day. One that is
    certified before it is due is so as many working days before, at the year's end too.
    """
    periods = QUARTERS if terms.frequency is Frequency.QUARTERLY else QUARTERS[1::2]
    kinds = {
        YearEnd.IN_YEAR: (IN_YEAR,),
        YearEnd.FINAL: (FINAL,),
        YearEnd.PROVISIONAL_FINAL: (PROVISIONAL, FINAL),
    }
    keys = [(quarter, IN_YEAR) for quarter in periods if quarter != LAST]
    keys += [(LAST, kind) for kind in kinds[terms.year_end]]
    return tuple(Expected(quarter, kind, _dates(terms, fy, quarter, kind)) for quarter, kind in keys)


def first_draft_day(fy: int, last_quarter: int, kind: ObligationKind) -> dt.date:
    """The first day on which a return may be drafted: its period is over, a provisional's last quarter has begun."""
    return quarter_start(fy, last_quarter) if kind is PROVISIONAL else quarter_end(fy, last_quarter) + DAY


def _dates(terms: GrantTerms, fy: int, quarter: int, kind: ObligationKind) -> Dates:
    draft, due = {
        IN_YEAR: (None, None),
        PROVISIONAL: (terms.provisional_draft_working_days, terms.provisional_due_working_days),
        FINAL: (terms.final_draft_working_days, terms.final_due_working_days),
    }[kind]
    if draft is None or due is None:
        draft, due = terms.draft_working_days, terms.due_working_days
    before = 0 if terms.certify_working_days is None else terms.due_working_days - terms.certify_working_days
    end = quarter_end(fy, quarter)
    draft_on = max(first_draft_day(fy, quarter, kind), add_working_days(end, draft))
    due_on = max(draft_on, add_working_days(end, due))
    return Dates(draft_on, min(due_on, max(draft_on, add_working_days(end, due - before))), due_on)
