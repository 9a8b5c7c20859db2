"""Loading what placing a holder's lines looks at: rules, fundings, limits, sharing, typed entries."""

from collections.abc import Collection, Iterable, Sequence

from sqlalchemy import and_, exists, or_, select
from sqlalchemy.orm import aliased

from svd_tracker.calculations.figures import Category, EntryKind, ReversalWhy
from svd_tracker.calculations.placing import Rules
from svd_tracker.extensions import db
from svd_tracker.finance import queries
from svd_tracker.finance.intake.decide import Known, LineSaid, Typed, TypedEntries, may_reverse_old_year
from svd_tracker.finance.intake.models import LedgerLine, UploadWithdrawal
from svd_tracker.finance.limits import limits_for
from svd_tracker.finance.models import Funding, LedgerEntry
from svd_tracker.finance.placing.rules_store import rules_of
from svd_tracker.finance.placing.sharing import rooms, sharings_of
from svd_tracker.interventions.models import Intervention


def load_known(holder_id: int, fys: Collection[int]) -> Known:
    """What placing lines of these financial years looks at, as it stands now; the years before them too, because

    lines may undo them. A fixed number of queries. Take the ledger's lock first where lines are placed by it.
    """
    years = {*fys, *(fy - 1 for fy in fys)}
    rules = rules_of(holder_id)
    fundings = db.session.scalars(
        select(Funding).where(Funding.holder_id == holder_id, Funding.fy.in_(years)).order_by(Funding.id)
    ).all()
    by_place: dict[tuple[int, int, Category], tuple[int, ...]] = {}
    for each in fundings:
        place = (each.fy, each.intervention_id, each.category)
        by_place[place] = (*by_place.get(place, ()), each.id)
    sharings = sharings_of(holder_id, years)
    shared = [each.id for each in fundings if (each.fy, each.intervention_id) in sharings]
    return Known(
        rules=Rules(rules),
        by_ref={(each.fy, each.ref): each.id for each in fundings},
        by_place=by_place,
        titles=_titles(
            part.intervention_id for rule in rules for part in rule.outcome.parts if part.intervention_id is not None
        ),
        limits=limits_for(holder_id, years),
        sharings=sharings,
        rooms=rooms(shared, [sharing.match_id for sharing in sharings.values()]),
        typed=TypedEntries(typed_entries(holder_id, years)),
    )


def typed_entries(holder_id: int, fys: Collection[int]) -> list[Typed]:
    """Entries, accruals and journals typed for these years that still stand for themselves, by seq. One query.

    Not what was reversed as a mistake; nor an accrual that was dropped, or whose invoice or next accrual has come.
    """
    release, follower = aliased(LedgerEntry), aliased(LedgerEntry)
    settled = exists().where(
        release.reverses_id == LedgerEntry.id,
        release.reversal_why == ReversalWhy.RELEASE,
        or_(
            release.quarter == LedgerEntry.quarter,
            exists().where(and_(follower.follows_id == release.id, ~queries.was_a_mistake(follower))),
        ),
    )
    rows = db.session.execute(
        select(
            LedgerEntry.id,
            LedgerEntry.seq,
            LedgerEntry.funding_id,
            LedgerEntry.pence,
            LedgerEntry.document_total_pence,
            LedgerEntry.spent_on,
            LedgerEntry.document,
        )
        .where(
            LedgerEntry.holder_id == holder_id,
            LedgerEntry.fy.in_(fys),
            LedgerEntry.placement_id.is_(None),
            LedgerEntry.kind != EntryKind.REVERSAL,
            ~queries.was_a_mistake(LedgerEntry),
            ~settled,
        )
        .order_by(LedgerEntry.seq)
    )
    return [
        Typed(entry_id, seq, funding_id, pence, pence if whole is None else whole, spent_on, document)
        for entry_id, seq, funding_id, pence, whole, spent_on, document in rows
    ]


def old_year_opposites(holder_id: int, lines: Sequence[LineSaid]) -> set[tuple[int, str, int]]:
    """Which lines that stand these may undo, as (fy, document, pence): of the year before, costs. At most one query."""
    asked = {(line.fy - 1, line.document) for line in lines if may_reverse_old_year(line)}
    if not asked:
        return set()
    rows = db.session.execute(
        select(LedgerLine.fy, LedgerLine.document, LedgerLine.cost_pence)
        .outerjoin(UploadWithdrawal, UploadWithdrawal.upload_id == LedgerLine.upload_id)
        .where(
            LedgerLine.holder_id == holder_id,
            LedgerLine.document.in_({document for _, document in asked}),
            LedgerLine.cost_pence > 0,
            UploadWithdrawal.upload_id.is_(None),
        )
    )
    return {(fy, document, pence) for fy, document, pence in rows if (fy, document) in asked}


def reverses(line: LineSaid, opposites: set[tuple[int, str, int]]) -> bool:
    """Whether one of ``old_year_opposites`` is what the line undoes."""
    return bool(opposites) and (line.fy - 1, line.document, -line.cost_pence) in opposites


def _titles(intervention_ids: Iterable[int]) -> dict[int, str]:
    ids = set(intervention_ids)
    if not ids:
        return {}
    rows = db.session.execute(select(Intervention.id, Intervention.title).where(Intervention.id.in_(ids)))
    return {intervention_id: title for intervention_id, title in rows}  # noqa: C416
