"""From rows to what the arithmetic takes: the one way for pages, returns and workbooks (FIGURES.md 1 to 14)."""

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence

from svd_tracker.calculations.figures import EntryFact, FundingFact
from svd_tracker.finance import queries
from svd_tracker.finance.queries import EntryRow, ForecastNow, FundingNow


def funding_facts(
    holder_id: int, grant_id: int, fy: int, as_recorded_by: dt.datetime | None = None
) -> tuple[FundingFact, ...]:
    """A holder's fundings with profile and newest forecast, as recorded up to a moment. Money in pence."""
    fundings = queries.fundings(holder_id, fy, grant_id, as_recorded_by)
    return to_funding_facts(fundings, queries.newest_forecasts([each.id for each in fundings], as_recorded_by))


def entry_facts(holder_id: int, grant_id: int, fy: int, up_to_seq: int | None = None) -> tuple[EntryFact, ...]:
    """A holder's ledger entries by seq, up to a cut."""
    return to_entry_facts(queries.entry_rows(holder_id, grant_id, fy, up_to_seq))


def to_funding_facts(fundings: Sequence[FundingNow], forecasts: Mapping[int, ForecastNow]) -> tuple[FundingFact, ...]:
    return tuple(
        FundingFact(
            ref=each.ref,
            title=each.title,
            category=each.category,
            funding_pence=each.pence,
            profile=each.profile,
            forecast=forecasts[each.id].quarters if each.id in forecasts else None,
        )
        for each in fundings
    )


def to_entry_facts(rows: Iterable[EntryRow]) -> tuple[EntryFact, ...]:
    """An accrual that came with an upload is released by the council's ledger itself (FIGURES.md 13)."""
    return tuple(
        EntryFact(
            row.seq,
            row.funding_ref,
            row.quarter,
            row.pence,
            row.kind,
            row.eligible,
            row.reverses_seq,
            row.reversal_why,
            row.upload_id is not None,
        )
        for row in rows
    )
