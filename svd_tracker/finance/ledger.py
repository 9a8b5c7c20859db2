"""Posting to the ledger, which only ever grows (DESIGN.md rule 3), and closing its quarters (FIGURES.md 13)."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

from sqlalchemy import Row, select, text

from svd_tracker.act import Act
from svd_tracker.audit import services as audit
from svd_tracker.calculations.figures import EntryKind, ReversalWhy
from svd_tracker.db import insert_rows, reserve_ids
from svd_tracker.errors import Refused
from svd_tracker.extensions import db
from svd_tracker.files.models import Upload
from svd_tracker.finance import queries
from svd_tracker.finance.fundings import subject_ref
from svd_tracker.finance.like_lines import refuse_like_a_line
from svd_tracker.finance.limits import limits_of
from svd_tracker.finance.models import (
    Funding,
    LedgerEntry,
    LedgerEntryText,
    LedgerHead,
)
from svd_tracker.money import format_pounds
from svd_tracker.periods import QUARTERS, format_date, fy_end, fy_of, fy_start, quarter_of, quarter_short, quarter_start


@dataclass(frozen=True)
class NewEntry:
    """An entry before it has its seq. Money in pence; ``pence`` has the irrecoverable VAT inside."""

    funding_id: int
    fy: int
    kind: EntryKind
    quarter: int
    pence: int
    spent_on: dt.date
    document: str
    vat_pence: int = 0
    document_total_pence: int | None = None
    eligible: bool = True
    reverses_id: int | None = None
    reversal_why: ReversalWhy | None = None
    follows_id: int | None = None
    upload_id: int | None = None
    upload_row: int | None = None
    placement_id: int | None = None
    supplier: str = ""
    description: str = ""
    reason: str = ""


LONGEST = {"document": 120, "supplier": 250, "description": 1000, "reason": 1000}
TEXT_COLUMNS = ("supplier", "description", "reason")
REVERSED_COLUMNS = (
    LedgerEntry.id, LedgerEntry.funding_id, LedgerEntry.fy, LedgerEntry.quarter, LedgerEntry.pence,
    LedgerEntry.vat_pence, LedgerEntry.document_total_pence, LedgerEntry.spent_on, LedgerEntry.document,
    LedgerEntry.eligible, LedgerEntry.upload_id, LedgerEntry.upload_row, LedgerEntry.placement_id,
)  # fmt: skip
_COLUMNS = tuple(each.name for each in fields(NewEntry) if each.name not in TEXT_COLUMNS)


def lock_ledger(holder_id: int) -> LedgerHead:
    """The holder's count of entries, locked until the transaction ends: taken to post and to certify.

    A cut by seq is a cut in time because of it. The first of all locks (DATA_MODEL.md section 0).
    """
    # Both databases know this form, and two first posts at one moment make one head.
    db.session.execute(
        text("INSERT INTO ledger_head (holder_id, seq) VALUES (:holder_id, 0) ON CONFLICT DO NOTHING"),
        {"holder_id": holder_id},
    )
    return db.session.scalars(
        select(LedgerHead)
        .where(LedgerHead.holder_id == holder_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one()


def append(act: Act, holder_id: int, entries: Sequence[NewEntry]) -> list[int]:
    """Add entries in their order under the ledger's lock and give their ids. The one place that writes the ledger."""
    if not entries:
        return []
    head = lock_ledger(holder_id)
    ids = reserve_ids(db.session(), "ledger_entry", len(entries))
    rows = [
        {
            "id": entry_id,
            "holder_id": holder_id,
            "seq": seq,
            "recorded_at": act.at,
            "recorded_by": act.by,
            **{name: getattr(entry, name) for name in _COLUMNS},
        }
        for seq, (entry_id, entry) in enumerate(zip(ids, entries, strict=True), head.seq + 1)
    ]
    head.seq += len(entries)
    db.session.flush()
    insert_rows(db.session(), LedgerEntry, rows)
    # What the council's ledger says of its own lines stands with the line, once.
    texts = [
        {"entry_id": entry_id} | {name: getattr(entry, name) or None for name in TEXT_COLUMNS}
        for entry_id, entry in zip(ids, entries, strict=True)
        if entry.supplier or entry.description or entry.reason
    ]
    insert_rows(db.session(), LedgerEntryText, texts)
    return list(ids)


def post_entry(
    act: Act,
    funding: Funding,
    *,
    kind: EntryKind,
    spent_on: dt.date,
    document: str,
    pence: int,
    vat_pence: int = 0,
    document_total_pence: int | None = None,
    supplier: str = "",
    description: str = "",
    reason: str = "",
    eligible: bool = True,
    quarter: int | None = None,
    follows: LedgerEntry | None = None,
    upload: Upload | None = None,
    upload_row: int | None = None,
    another_cost: bool = False,
) -> LedgerEntry:
    """Post an actual, an accrual or a journal to a funding. Spend past the funding is taken, never refused.

    ``pence`` is what is charged here with the irrecoverable VAT (``vat_pence``) inside it; ``document_total_pence``
    is the whole invoice when match or local money pays the rest. The quarter follows from the date; an earlier one
    needs a reason (FIGURES.md 14). What the terms do not pay for must say so (DOMAIN.md section 9.8). ``follows`` is
    the released accrual whose invoice this is. ``another_cost``: somebody says that it is none of the ledger's lines
    that it looks like. Raises Refused.
    """
    if kind is EntryKind.REVERSAL:
        raise ValueError("a reversal is posted by reversing its entry")
    refuse_bad_date(funding.fy, spent_on, act.on)
    refuse_bad_amounts(pence, vat_pence, document_total_pence)
    _refuse_long(document=document, supplier=supplier, description=description, reason=reason)
    dated = quarter_of(spent_on)
    if quarter is not None and quarter not in range(1, dated + 1):
        words = f"The date falls in {quarter_short(funding.fy, dated)}: choose that quarter or an earlier one"
        raise Refused(words, field="quarter")
    if eligible and (why_not := limits_of(funding).verdict(spent_on).reason):
        raise Refused(f"{why_not}: choose that the grant does not pay for this, and say why", field="eligible")
    why_reason = _why_a_reason_is_needed(kind, eligible, quarter not in (None, dated))
    if why_reason and not reason.strip():
        raise Refused(why_reason, field="reason")
    if follows is not None:
        refuse_not_waiting(follows, funding)
    if not another_cost:
        refuse_like_a_line(funding, document, pence, spent_on)
    new = NewEntry(
        funding_id=funding.id,
        fy=funding.fy,
        kind=kind,
        quarter=quarter or dated,
        pence=pence,
        vat_pence=vat_pence,
        document_total_pence=document_total_pence,
        spent_on=spent_on,
        document=document.strip(),
        eligible=eligible,
        follows_id=follows.id if follows else None,
        upload_id=upload.id if upload else None,
        upload_row=upload_row,
        supplier=supplier.strip(),
        description=description.strip(),
        reason=reason.strip(),
    )
    return _post(act, funding, new, "post")


def reverse_mistake(act: Act, entry: LedgerEntry, reason: str) -> LedgerEntry:
    """Take back a whole entry that was wrong, in its own quarter and with its own eligibility (FIGURES.md 6).

    Raises Refused for one that is reversed already or is itself a reversal, and without a reason.
    """
    if entry.kind is EntryKind.REVERSAL:
        raise Refused("A reversal is not reversed. Post the entry again instead")
    _refuse_of_ledger(entry)
    if not reason.strip():
        raise Refused("Say what was wrong with the entry", field="reason")
    return _post(act, entry.funding, reversal_of(entry, ReversalWhy.MISTAKE, entry.quarter, reason.strip()), "reverse")


def release_accrual(act: Act, entry: LedgerEntry, reason: str) -> LedgerEntry:
    """Release an accrual of quarter 4 with its invoice, or when it is dropped, in its own quarter (FIGURES.md 13).

    Those of earlier quarters are released by the close of a quarter. Raises Refused.
    """
    if entry.kind is not EntryKind.ACCRUAL or entry.quarter != QUARTERS[-1]:
        raise Refused("Only an accrual of quarter 4 is released by hand: closing a quarter releases the others")
    _refuse_of_ledger(entry)
    if not reason.strip():
        raise Refused("Say whether its invoice has come or why it is dropped", field="reason")
    return _post(act, entry.funding, reversal_of(entry, ReversalWhy.RELEASE, entry.quarter, reason.strip()), "release")


def accrue_again(act: Act, release_entry: LedgerEntry) -> LedgerEntry:
    """Accrue a released accrual again in the quarter of its release, so that to date stays until its invoice comes.

    Raises Refused for what is not a release, or one that was accrued again or invoiced already.
    """
    refuse_not_waiting(release_entry, release_entry.funding)
    return _post(act, release_entry.funding, _accrued_again(release_entry), "accrue_again")


def drop_released(act: Act, release_entry: LedgerEntry, reason: str) -> LedgerEntry:
    """No invoice will come for a released accrual, so nothing waits for one any more (FIGURES.md 13).

    It is accrued again and released in one go, in the quarter of its release: to date stays as the release left it.
    Raises Refused for what does not wait, and without a reason.
    """
    if not reason.strip():
        raise Refused("Say why no invoice will come", field="reason")
    _refuse_long(reason=reason)
    refuse_not_waiting(release_entry, release_entry.funding)
    (again_id,) = append(act, release_entry.holder_id, [_accrued_again(release_entry)])
    again = queries.get_entry(again_id)
    dropped = reversal_of(again, ReversalWhy.RELEASE, again.quarter, reason.strip())
    return _post(act, release_entry.funding, dropped, "drop")


def refuse_bad_date(fy: int, spent_on: dt.date, today: dt.date) -> None:
    """An entry's date lies in its funding's financial year and not in the future."""
    if fy_of(spent_on) != fy:
        raise Refused(
            f"Enter a date from {format_date(fy_start(fy))} to {format_date(fy_end(fy))}: the day the goods or the "
            "service came, not the day of the invoice. Spend of another year goes to that year's funding",
            field="spent_on",
        )
    if spent_on > today:
        words = f"Enter a date up to today, {format_date(today)}. What is still to come belongs in the forecast"
        raise Refused(words, field="spent_on")


def refuse_bad_amounts(pence: int, vat_pence: int, document_total_pence: int | None) -> None:
    """The VAT is part of the amount and the amount of its document, each with the same sign. Raises Refused."""
    if pence == 0:
        raise Refused("Enter an amount other than £0.00", field="pence")
    if abs(vat_pence) > abs(pence) or vat_pence * pence < 0:
        raise Refused("The VAT must be part of the amount, with the same sign", field="vat_pence")
    if document_total_pence is None:
        return
    if abs(document_total_pence) < abs(pence) or document_total_pence * pence < 0:
        if pence > 0:
            words = f"Enter {format_pounds(pence)} or more: the whole invoice is at least the part that is charged here"
        else:
            words = (
                f"Enter a credit of {format_pounds(-pence)} or more, with a minus sign: the whole credit is at least "
                "the part that is taken off here"
            )
        raise Refused(words, field="document_total_pence")


def _refuse_long(**given: str) -> None:
    for field, value in given.items():
        if len(value) > LONGEST[field]:
            raise Refused(f"Use {LONGEST[field]:,} characters or fewer", field=field)


def _why_a_reason_is_needed(kind: EntryKind, eligible: bool, earlier_quarter: bool) -> str | None:
    if not eligible:
        return "Say why the grant does not pay for this"
    if earlier_quarter:
        return "Say why this belongs to an earlier quarter than its date"
    if kind is EntryKind.JOURNAL:
        return "Say what the journal puts right"
    return None


def _refuse_of_ledger(entry: LedgerEntry) -> None:
    """An entry that stands for a ledger line goes where its line goes, or the two would say different things."""
    if entry.placement_id is not None:
        raise Refused("This entry stands for a line of the council's ledger: move the line instead")


def refuse_not_waiting(release: LedgerEntry, funding: Funding) -> None:
    """Raises Refused for what is not a release of this funding whose invoice is still to come. Takes the lock."""
    if release.reversal_why is not ReversalWhy.RELEASE or release.funding_id != funding.id:
        raise Refused("Choose a released accrual of this funding", field="follows")
    if _accrual_quarter(release) == release.quarter:  # of quarter 4, or one that was dropped
        raise Refused("This accrual was released with its invoice or dropped, so nothing waits for it", field="follows")
    lock_ledger(release.holder_id)
    follower = select(LedgerEntry.id).where(LedgerEntry.follows_id == release.id, ~queries.was_a_mistake(LedgerEntry))
    if db.session.scalar(follower):
        raise Refused("This accrual was already accrued again, or its invoice has come", field="follows")


def _accrued_again(release_entry: LedgerEntry) -> NewEntry:
    total = release_entry.document_total_pence
    return NewEntry(
        funding_id=release_entry.funding_id,
        fy=release_entry.fy,
        kind=EntryKind.ACCRUAL,
        quarter=release_entry.quarter,
        pence=-release_entry.pence,
        vat_pence=-release_entry.vat_pence,
        document_total_pence=None if total is None else -total,
        spent_on=release_entry.spent_on,
        document=release_entry.document,
        eligible=release_entry.eligible,
        follows_id=release_entry.id,
        supplier=release_entry.supplier,
        description=release_entry.description,
    )


def _accrual_quarter(release: LedgerEntry) -> int | None:
    return db.session.scalar(select(LedgerEntry.quarter).where(LedgerEntry.id == release.reverses_id))


def reversal_of(entry: LedgerEntry | Row[Any], why: ReversalWhy, quarter: int, reason: str) -> NewEntry:
    """The whole amount with the sign turned; a release of another quarter is dated to that quarter's first day.

    A row of REVERSED_COLUMNS will do for an entry of a placement, which has no words of its own.
    """
    total = entry.document_total_pence
    return NewEntry(
        funding_id=entry.funding_id,
        fy=entry.fy,
        kind=EntryKind.REVERSAL,
        quarter=quarter,
        pence=-entry.pence,
        vat_pence=-entry.vat_pence,
        document_total_pence=None if total is None else -total,
        spent_on=entry.spent_on if quarter == entry.quarter else quarter_start(entry.fy, quarter),
        document=entry.document,
        eligible=entry.eligible,
        reverses_id=entry.id,
        reversal_why=why,
        upload_id=entry.upload_id,
        upload_row=entry.upload_row,
        placement_id=entry.placement_id,
        supplier="" if entry.placement_id else entry.supplier,
        description="" if entry.placement_id else entry.description,
        reason=reason,
    )


def _post(act: Act, funding: Funding, new: NewEntry, action: str) -> LedgerEntry:
    lock_ledger(funding.holder_id)
    if new.reverses_id:
        why = db.session.scalar(select(LedgerEntry.reversal_why).where(LedgerEntry.reverses_id == new.reverses_id))
        if why is ReversalWhy.RELEASE:
            raise Refused("This accrual was already released. Put what was wrong with it right by a journal")
        if why is ReversalWhy.MISTAKE:
            raise Refused("This entry was already reversed")
    (entry_id,) = append(act, funding.holder_id, [new])
    entry = queries.get_entry(entry_id)
    audit.record(
        act,
        action,
        "funding",
        subject_ref(funding),
        area_id=funding.allocation.holder.area_id,
        holder_id=funding.holder_id,
        after={
            "entry": entry.seq,
            "kind": entry.kind.value,
            "quarter": entry.quarter,
            "pence": entry.pence,
            "document": entry.document,
            "eligible": entry.eligible,
            "reason": new.reason,
        },
    )
    return entry
