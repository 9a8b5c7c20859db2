"""Lines of the council's ledger for the tests of placing, put in through the book as an import does."""

import datetime as dt
from collections.abc import Mapping
from typing import Any

from sqlalchemy import select

from svd_tracker.accounts import queries as accounts
from svd_tracker.accounts.models import Holder
from svd_tracker.db import sum_pence
from svd_tracker.extensions import db
from svd_tracker.files import services as files
from svd_tracker.files.models import FileKind, Upload, UploadState
from svd_tracker.finance import match_services
from svd_tracker.finance.intake.models import (
    Bucket,
    LedgerLine,
    LedgerLineText,
    LedgerMovement,
    Outcome,
    Placement,
    QueueLine,
    WhyWaiting,
)
from svd_tracker.finance.ledger import lock_ledger
from svd_tracker.finance.models import Funding, LedgerEntry, Match, MatchKind
from svd_tracker.finance.placing.book import Belongs, Book, facts_of, standing_of
from svd_tracker.interventions.models import PlanLine
from svd_tracker.interventions.services import ensure_plan_line
from svd_tracker.periods import fy_of
from tests.integration.finance.money_rows import JUNE
from tests.support.money import holder
from tests.support.world import act

MAY = dt.date(2025, 5, 6)


def make_upload(of: str = "dorset", name: str = "June.csv", lines: int = 1) -> Upload:
    owner = holder(of)
    file = files.keep(
        act(on=JUNE),
        area_id=owner.area_id,
        holder_id=owner.id,
        kind=FileKind.LEDGER_UPLOAD,
        name=name,
        media_type="text/csv",
        content=name.encode(),
    )
    db.session.flush()
    upload = Upload(
        holder_id=owner.id,
        file_id=file.id,
        state=UploadState.TAKEN_IN,
        lines_read=lines,
        lines_posted=lines,
        recorded_at=act(on=JUNE).at,
        recorded_by=None,
    )
    db.session.add(upload)
    db.session.flush()
    return upload


def make_line(
    pence: int = 100_00,
    posted_on: dt.date = MAY,
    *,
    of: str = "dorset",
    upload: Upload | None = None,
    supplier: str = "Harbour Youth Charity",
    text: str = "Sessions in schools",
    why: WhyWaiting = WhyWaiting.NO_RULE,
    hint: str = "",
    entry: LedgerEntry | None = None,
    **given: Any,
) -> LedgerLine:
    """A line that waits, committed."""
    upload = upload or make_upload(of)
    number = (db.session.scalar(select(LedgerLine.id).order_by(LedgerLine.id.desc()).limit(1)) or 0) + 1
    values: dict[str, Any] = {
        "document": f"INV-{number}",
        "cost_centre": "C100",
        "account": "4001",
        "project": "",
        "funding_ref": "",
        "vat_pence": 0,
        "refund": False,
        "accrual": False,
        "fy": fy_of(posted_on),
        "period": (posted_on.month - 4) % 12 + 1,
        **given,
    }
    line = LedgerLine(
        holder_id=upload.holder_id,
        upload_id=upload.id,
        row_no=number + 1,
        posted_on=posted_on,
        net_pence=pence - values["vat_pence"],
        cost_pence=pence,
        signature=f"{number:032d}",
        occurrence=1,
        **values,
    )
    db.session.add(line)
    db.session.flush()
    db.session.add(LedgerLineText(line_id=line.id, supplier=supplier, description=text))
    db.session.flush()
    lock_ledger(line.holder_id)
    book = Book(act(on=JUNE), line.holder_id)
    waits = Belongs(Outcome.WAITING, line.fy, line.quarter, why=why, hint=hint, entry_id=entry.id if entry else None)
    book.put([(facts_of(line), waits)])
    book.close()
    db.session.commit()
    return line


def owner(of: str = "dorset") -> Holder:
    return accounts.get_holder(holder(of).id)


def plan_line_of(funding: Funding) -> PlanLine:
    line = ensure_plan_line(accounts.get_holder(funding.holder_id), funding.fy, funding.intervention, act())
    db.session.commit()
    return line


def make_match(funding: Funding, pence: int = 500_00, kind: MatchKind = MatchKind.CASH) -> Match:
    """A promise to the plan line of a funding, committed."""
    plan_line = plan_line_of(funding)
    organisation = accounts.list_organisations(plan_line.holder.area_id)[0]
    match = match_services.promise(act(), plan_line, organisation, kind, "Half of the post", pence, dt.date(2025, 4, 1))
    db.session.commit()
    return match


def where(line: LedgerLine) -> Belongs:
    """Where a line stands now."""
    return standing_of([line])[line.id].belongs


def buckets(of: str = "dorset") -> Mapping[Bucket, tuple[int, int]]:
    """Lines and pence in each bucket of a holder, by the movements; those of nothing left out."""
    found: dict[Bucket, tuple[int, int]] = {}
    for movement in db.session.scalars(select(LedgerMovement).where(LedgerMovement.holder_id == holder(of).id)):
        lines, pence = found.get(movement.bucket, (0, 0))
        found[movement.bucket] = (lines + movement.lines, pence + movement.pence)
    return {bucket: each for bucket, each in found.items() if each != (0, 0)}


def check_ledger(of: str = "dorset") -> None:
    """What must always hold: movements are the ledger, entries are the parts to fundings, the queue is what waits."""
    lines = list(db.session.scalars(select(LedgerLine).where(LedgerLine.holder_id == holder(of).id)))
    standing = standing_of(lines)
    held = buckets(of)
    assert sum(count for count, _ in held.values()) == len(lines)
    assert sum(pence for _, pence in held.values()) == sum(line.cost_pence for line in lines)
    placed = {
        funding_id: pence
        for funding_id, pence in db.session.execute(
            select(LedgerEntry.funding_id, sum_pence(LedgerEntry.pence))
            .where(LedgerEntry.placement_id.is_not(None))
            .group_by(LedgerEntry.funding_id)
        )
        if pence
    }
    parts: dict[int, int] = {}
    for each in standing.values():
        if each.belongs.outcome is Outcome.PLACED:
            for part in each.belongs.parts:
                if part.funding_id is not None:
                    parts[part.funding_id] = parts.get(part.funding_id, 0) + part.pence
    assert placed == {funding_id: pence for funding_id, pence in parts.items() if pence}
    waiting = {
        line_id for line_id, each in standing.items() if each.belongs.outcome in (Outcome.WAITING, Outcome.CARRIED)
    }
    assert set(db.session.scalars(select(QueueLine.line_id))) == waiting


def placements(line: LedgerLine) -> list[Placement]:
    return list(db.session.scalars(select(Placement).where(Placement.line_id == line.id).order_by(Placement.seq)))
