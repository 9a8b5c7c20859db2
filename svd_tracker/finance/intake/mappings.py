"""How a holder's ledger files are read: layouts kept by name, found again by a file's headings."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import func, select

from svd_tracker.accounts.models import Holder
from svd_tracker.act import Act
from svd_tracker.audit import services as audit
from svd_tracker.errors import NotFound, Refused
from svd_tracker.extensions import db
from svd_tracker.finance.intake.models import LedgerMapping
from svd_tracker.finance.ledger import lock_ledger
from svd_tracker.readers.ledger_layout import Layout, problems

LONGEST_NAME = 250


def find_mapping(holder_id: int, headings_digest: str) -> LedgerMapping | None:
    """The mapping whose newest version has these headings (Layout.headings_digest); of several the one saved last."""
    return next((each for each in mappings(holder_id) if each.headings_digest == headings_digest), None)


def find_by_name(holder_id: int, name: str) -> LedgerMapping | None:
    """The newest version of a mapping."""
    return next((each for each in mappings(holder_id) if each.name == name.strip()), None)


def mappings(holder_id: int) -> Sequence[LedgerMapping]:
    """The newest version of each of a holder's mappings, the one saved last first. One query."""
    newest = select(func.max(LedgerMapping.id)).where(LedgerMapping.holder_id == holder_id).group_by(LedgerMapping.name)
    return db.session.scalars(
        select(LedgerMapping).where(LedgerMapping.id.in_(newest)).order_by(LedgerMapping.id.desc())
    ).all()


def get_mapping(mapping_id: int) -> LedgerMapping:
    mapping = db.session.get(LedgerMapping, mapping_id)
    if mapping is None:
        raise NotFound("ledger mapping")
    return mapping


def layout_of(mapping: LedgerMapping) -> Layout:
    return Layout.from_json(mapping.layout)


def save_mapping(act: Act, holder: Holder, name: str, layout: Layout) -> LedgerMapping:
    """Keep a layout under a name; a name that is there gets a new version, and only if the layout differs.

    Raises Refused for a name that is missing or too long, and for a layout that has problems (at its field).
    """
    name = name.strip()
    if not name:
        raise Refused("Enter a name for this kind of file, like SAP extract", field="name")
    if len(name) > LONGEST_NAME:
        raise Refused(f"Use {LONGEST_NAME} characters or fewer", field="name")
    for field, words in problems(layout):
        raise Refused(words, field=field)
    lock_ledger(holder.id)
    before = find_by_name(holder.id, name)
    if before is not None and layout_of(before) == layout:
        return before
    mapping = LedgerMapping(
        holder_id=holder.id,
        name=name,
        version_no=before.version_no + 1 if before else 1,
        headings_digest=layout.headings_digest,
        layout=layout.to_json(),
        recorded_at=act.at,
        recorded_by=act.by,
    )
    db.session.add(mapping)
    db.session.flush()
    audit.record(
        act,
        "change" if before else "add",
        "ledger_mapping",
        f"{holder.area.ref}/{holder.ref}/{mapping.id}",
        area_id=holder.area_id,
        holder_id=holder.id,
        before=_said(layout_of(before)) if before else None,
        after={"name": name, "version": mapping.version_no, **_said(layout)},
    )
    return mapping


def _said(layout: Layout) -> dict[str, Any]:
    columns = {field: layout.headings[position] for field, position in layout.columns.items()}
    return {"columns": columns, "vat_in_net": layout.vat_in_net, "turned": layout.turned, "sheet": layout.sheet}
