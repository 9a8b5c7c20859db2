"""Ledger files for the tests of taking them in, and what stands in the ledger afterwards."""

import csv
import datetime as dt
import io
from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import func, select

from svd_tracker.calculations.placing import RuleKind, RuleOutcome, RulePart, RuleTests
from svd_tracker.db import sum_pence
from svd_tracker.extensions import db
from svd_tracker.files.models import Upload
from svd_tracker.finance.intake.mappings import save_mapping
from svd_tracker.finance.intake.models import (
    LedgerLine,
    LedgerMapping,
    LedgerMovement,
    Placement,
    PlacementPart,
    QueueLine,
    UploadWithdrawal,
)
from svd_tracker.finance.intake.receive import receive_file
from svd_tracker.finance.intake.take_in import take_in
from svd_tracker.finance.models import Funding, LedgerEntry
from svd_tracker.finance.placing.rules_store import save_rule
from svd_tracker.readers.ledger_layout import Layout, find_headings, guess
from svd_tracker.readers.table_file import open_table
from tests.integration.finance.money_rows import JULY
from tests.support.money import holder
from tests.support.world import act

HEADINGS = ("Date", "Document no", "Cost centre", "Account", "Supplier", "Description", "Net amount")
Row = Sequence[str]


def line(pounds: str, document: str = "INV 1", day: str = "06/05/2025", centre: str = "N100", **more: str) -> Row:
    """A row under HEADINGS."""
    return (day, document, centre, more.get("account", "4300"), more.get("supplier", "A supplier"),
            more.get("text", "Work done"), pounds)  # fmt: skip


def csv_of(rows: Iterable[Row], headings: Row = HEADINGS) -> bytes:
    text = io.StringIO()
    csv.writer(text).writerows([headings, *rows])
    return text.getvalue().encode()


def layout_of(content: bytes, **more: Any) -> Layout:
    found = find_headings(open_table(content, "file").rows())
    return Layout(found.headings, guess(found.headings, found.sample).columns, **more)


def mapping_of(content: bytes, name: str = "Extract", of: str = "dorset") -> LedgerMapping:
    return save_mapping(act(), holder(of), name, layout_of(content))


def bring_in(
    content: bytes,
    name: str = "ledger.csv",
    *,
    of: str = "dorset",
    mapping: str = "Extract",
    on: dt.date = JULY,
    covers: tuple[int, int] | None = None,
) -> Upload:
    """Receive a file, take it in by the mapping of that name, commit."""
    doing = act(on=on)
    kept = mapping_of(content, mapping, of)
    file = receive_file(doing, holder(of), name, content)
    db.session.commit()
    upload = take_in(doing, holder(of), file, kept, covers=covers)
    db.session.commit()
    return upload


def rule(title: str, tests: RuleTests, *to: Funding | None, priority: int = 10, **more: Any) -> None:
    """A rule that places lines to the interventions and categories of these fundings (None: local money) evenly."""
    parts = tuple(
        RulePart(None, None) if each is None else RulePart(each.intervention_id, each.category) for each in to
    )
    weights = more.pop("weights", [1] * len(parts))
    outcome = RuleOutcome(
        more.pop("kind", RuleKind.PLACED),
        tuple(
            RulePart(part.intervention_id, part.category, weight) for part, weight in zip(parts, weights, strict=True)
        ),
        **more,
    )
    save_rule(act(), holder("dorset"), title=title, priority=priority, tests=tests, outcome=outcome)
    db.session.commit()


def standing(of: str = "dorset") -> list[tuple[str, str, int]]:
    """The lines that stand, as (day, document, pence), in order."""
    rows = db.session.execute(
        select(LedgerLine.posted_on, LedgerLine.document, LedgerLine.cost_pence)
        .outerjoin(UploadWithdrawal, UploadWithdrawal.upload_id == LedgerLine.upload_id)
        .where(LedgerLine.holder_id == holder(of).id, UploadWithdrawal.upload_id.is_(None))
    )
    return sorted((day.isoformat(), document, pence) for day, document, pence in rows)


def waiting() -> list[tuple[str, str]]:
    """Document and why, of each line in the queue."""
    rows = db.session.execute(
        select(LedgerLine.document, QueueLine.why).join(QueueLine, QueueLine.line_id == LedgerLine.id)
    )
    return sorted((document, why.value) for document, why in rows)


def buckets() -> dict[str, tuple[int, int]]:
    """Lines and pence by bucket, from the movements; empty buckets left out."""
    rows = db.session.execute(
        select(LedgerMovement.bucket, func.sum(LedgerMovement.lines), sum_pence(LedgerMovement.pence)).group_by(
            LedgerMovement.bucket
        )
    )
    return {bucket.value: (int(lines), pence) for bucket, lines, pence in rows if lines or pence}


def refuse_a_crooked_ledger() -> None:
    """Every identity that must hold after any verb: parts are the line, entries the parts, movements the lines."""
    parts = select(sum_pence(PlacementPart.pence)).where(PlacementPart.placement_id == Placement.id)
    for placement, line_pence in db.session.execute(
        select(Placement, LedgerLine.cost_pence).join(LedgerLine, LedgerLine.id == Placement.line_id)
    ):
        if placement.outcome.value == "placed":
            assert db.session.scalar(parts.where(PlacementPart.placement_id == placement.id)) == line_pence
    stands = sum(pence for _, _, pence in standing()) + sum(pence for _, _, pence in standing("bcp"))
    assert sum(pence for _, pence in buckets().values()) == stands
    funded = db.session.scalar(select(sum_pence(LedgerMovement.pence)).where(LedgerMovement.funding_id.is_not(None)))
    posted = db.session.scalar(select(sum_pence(LedgerEntry.pence)).where(LedgerEntry.placement_id.is_not(None)))
    assert funded == posted
