"""Closing quarters for certified returns: what is released, what was claimed (FIGURES.md 13)."""

from collections.abc import Iterable, Mapping, Sequence

from sqlalchemy import func, select

from svd_tracker.accounts import queries as accounts
from svd_tracker.act import Act
from svd_tracker.audit import services as audit
from svd_tracker.calculations.accruals import accruals_to_release, release_quarter
from svd_tracker.calculations.figures import ReversalWhy
from svd_tracker.extensions import db
from svd_tracker.finance import facts, queries
from svd_tracker.finance.ledger import append, lock_ledger, reversal_of
from svd_tracker.finance.models import ClaimLine, CloseEvent, LedgerEntry, QuarterClose


def close_quarters(
    act: Act,
    *,
    holder_id: int,
    grant_id: int,
    fy: int,
    quarters: Iterable[int],
    ledger_seq: int,
    return_ref: str,
) -> list[int]:
    """Close quarters for a certified return that read the ledger up to ``ledger_seq``; release what it accrued.

    Each open accrual that the return saw is released in the quarter after its own (FIGURES.md 13). Gives the ids of
    the releases. A quarter that is closed already is passed over.
    """
    lock_ledger(holder_id)
    closing = [q for q in sorted(quarters) if q not in queries.closed_quarters(holder_id, grant_id, fy)]
    _add_events(act, holder_id, grant_id, fy, closing, CloseEvent.CLOSE, ledger_seq, return_ref)
    if not closing:
        return []
    seen = facts.entry_facts(holder_id, grant_id, fy)
    # What was reversed after the cut is not open any more; what was accrued after it waits for the next close.
    due = {accrual.seq for accrual in accruals_to_release(seen, max(closing)) if accrual.seq <= ledger_seq}
    accruals = db.session.scalars(
        select(LedgerEntry)
        .where(LedgerEntry.holder_id == holder_id, LedgerEntry.seq.in_(due))
        .order_by(LedgerEntry.seq)
    ).all()
    releases = [
        reversal_of(accrual, ReversalWhy.RELEASE, release_quarter(accrual.quarter), f"Released by {return_ref}")
        for accrual in accruals
    ]
    ids = append(act, holder_id, releases)
    holder = accounts.get_holder(holder_id)
    audit.record(
        act,
        "close",
        "quarter",
        f"{holder.area.ref}/{holder.ref}/{fy}-{'-'.join(f'Q{quarter}' for quarter in closing)}",
        area_id=holder.area_id,
        holder_id=holder_id,
        after={"return": return_ref, "quarters": closing, "ledger_seq": ledger_seq, "released": len(ids)},
    )
    return ids


def reopen_quarters(
    act: Act,
    *,
    holder_id: int,
    grant_id: int,
    fy: int,
    quarters: Iterable[int],
    ledger_seq: int,
    return_ref: str,
) -> list[int]:
    """Open again the quarters that a certified return closed, for its next revision; those that were closed.

    What their close released stays released: an accrual is reported again by accruing it again (FIGURES.md 13). Part
    of the verb that opens the return again, which writes the audit line.
    """
    lock_ledger(holder_id)
    closed = queries.closed_quarters(holder_id, grant_id, fy)
    opening = [quarter for quarter in sorted(quarters) if quarter in closed]
    _add_events(act, holder_id, grant_id, fy, opening, CloseEvent.REOPEN, ledger_seq, return_ref)
    return opening


def write_claims(
    act: Act,
    claims: Mapping[int, tuple[int, int]],
    fy: int,
    quarter: int,
    return_ref: str,
    *,
    final: bool = False,
) -> None:
    """Keep what a certified return claimed and left to local money, to date, in pence by funding id.

    ``final``: after it no more is claimed than this (FIGURES.md 15). Part of the verb that certifies, which writes the
    audit line.
    """
    db.session.add_all(
        ClaimLine(
            funding_id=funding_id,
            fy=fy,
            quarter=quarter,
            return_ref=return_ref,
            claimed_to_date_pence=claimed,
            local_to_date_pence=local,
            final=final,
            recorded_at=act.at,
            recorded_by=act.by,
        )
        for funding_id, (claimed, local) in claims.items()
    )
    db.session.flush()


def _add_events(
    act: Act,
    holder_id: int,
    grant_id: int,
    fy: int,
    quarters: Sequence[int],
    event: CloseEvent,
    ledger_seq: int,
    return_ref: str,
) -> None:
    newest = db.session.execute(
        select(QuarterClose.quarter, func.max(QuarterClose.seq))
        .where(QuarterClose.holder_id == holder_id, QuarterClose.grant_id == grant_id, QuarterClose.fy == fy)
        .group_by(QuarterClose.quarter)
    )
    before = {quarter: seq for quarter, seq in newest}  # noqa: C416
    db.session.add_all(
        QuarterClose(
            holder_id=holder_id,
            grant_id=grant_id,
            fy=fy,
            quarter=quarter,
            seq=before.get(quarter, 0) + 1,
            event=event,
            ledger_seq=ledger_seq,
            return_ref=return_ref,
            recorded_at=act.at,
            recorded_by=act.by,
        )
        for quarter in quarters
    )
    db.session.flush()
