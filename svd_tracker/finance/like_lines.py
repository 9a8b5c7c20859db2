"""Lines of the council's ledger that an entry looks like which somebody is about to type (nothing counts twice)."""

import datetime as dt

from sqlalchemy import ColumnElement, exists, func, select
from sqlalchemy.orm import joinedload

from svd_tracker.calculations.figures import EntryKind
from svd_tracker.calculations.placing import normal_document
from svd_tracker.errors import Refused
from svd_tracker.extensions import db
from svd_tracker.files.models import Upload
from svd_tracker.finance import queries
from svd_tracker.finance.intake.models import LedgerLine, Placement, UploadWithdrawal
from svd_tracker.finance.models import Funding, LedgerEntry
from svd_tracker.periods import format_date

NEAR = dt.timedelta(days=45)
SHORTEST_DOCUMENT = 3  # letters and digits: "12" says nothing
_BETWEEN = " -/._:#,()"


class LooksLikeALine(Refused):
    """What was typed stands in the ledger already, as far as one can see; somebody may say that it does not."""


def refuse_like_a_line(funding: Funding, document: str, pence: int, spent_on: dt.date) -> None:
    """Raises LooksLikeALine (field ``document``) when a line that stands has this document and sign, in the funding's

    year or the next; or when one was placed to this funding with this very amount within 45 days.
    """
    line = _of_document(funding, document, pence) or _of_amount(funding, pence, spent_on)
    if line is None:
        return
    named = f"{line.document} of {format_date(line.posted_on)}" if line.document else format_date(line.posted_on)
    raise LooksLikeALine(
        f"The council's ledger has this already, it seems: {named}, row {line.row_no} of {line.upload.file.name}. "
        "If this is another cost, say so below",
        field="document",
    )


def _of_document(funding: Funding, document: str, pence: int) -> LedgerLine | None:
    name = normal_document(document)
    if len(name) < SHORTEST_DOCUMENT:
        return None
    said: ColumnElement[str] = func.lower(LedgerLine.document)
    for sign in _BETWEEN:
        said = func.replace(said, sign, "")
    found = db.session.scalars(
        select(LedgerLine)
        .where(
            LedgerLine.holder_id == funding.holder_id,
            LedgerLine.fy.in_([funding.fy, funding.fy + 1]),
            LedgerLine.cost_pence > 0 if pence > 0 else LedgerLine.cost_pence < 0,
            func.ltrim(said, "0") == name,
            _stands(),
        )
        .options(joinedload(LedgerLine.upload).joinedload(Upload.file))
        .order_by(LedgerLine.id)
        .limit(1)
    )
    return found.first()


def _of_amount(funding: Funding, pence: int, day: dt.date) -> LedgerLine | None:
    found = db.session.scalars(
        select(LedgerLine)
        .join(Placement, Placement.line_id == LedgerLine.id)
        .join(LedgerEntry, LedgerEntry.placement_id == Placement.id)
        .where(
            LedgerEntry.funding_id == funding.id,
            LedgerEntry.pence == pence,
            LedgerEntry.kind != EntryKind.REVERSAL,
            LedgerEntry.spent_on.between(day - NEAR, day + NEAR),
            ~queries.was_a_mistake(LedgerEntry),
        )
        .options(joinedload(LedgerLine.upload).joinedload(Upload.file))
        .order_by(LedgerLine.id)
        .limit(1)
    )
    return found.first()


def _stands() -> ColumnElement[bool]:
    return ~exists().where(UploadWithdrawal.upload_id == LedgerLine.upload_id)
