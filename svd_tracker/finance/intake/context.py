"""Loading what placing a holder's lines looks at: rules, fundings, limits, sharing, typed entries."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from sqlalchemy import and_, exists, or_, select
from sqlalchemy.orm import aliased

from svd_tracker.calculations.figures import Category, EntryKind, ReversalWhy
from svd_tracker.calculations.placing import Rules, normal_document
from svd_tracker.extensions import db
from svd_tracker.finance import queries
from svd_tracker.finance.intake.decide import (
    FIRST_PERIODS,
    CostSaid,
    Known,
    LineSaid,
    Typed,
    TypedEntries,
    Undone,
    may_reverse_old_year,
)
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


@dataclass
class Opposites:
    """Costs that stand and that lines may undo: of the year before by document, of a year by document or codes."""

    old: set[tuple[int, str, int]] = field(default_factory=set)  # fy, document, pence
    own: dict[tuple[int, str, str, int], int] = field(default_factory=dict)  # the first period that has it

    def add(self, line: CostSaid) -> None:
        """A cost of a line's own year, which a later line may undo."""
        for key in _keys(line, line.cost_pence):
            self.own[key] = min(line.period, self.own.get(key, line.period))

    def undone_by(self, line: LineSaid) -> Undone:
        if not may_reverse_old_year(line):
            return Undone.NOTHING
        if (line.fy - 1, line.document, -line.cost_pence) in self.old and line.document:
            return Undone.OLD_YEAR
        stands = any(self.own.get(key, line.period + 1) <= line.period for key in _keys(line, -line.cost_pence))
        return Undone.OWN_YEAR if stands else Undone.NOTHING


def opposites_of(holder_id: int, lines: Sequence[LineSaid]) -> Opposites:
    """The costs that stand and that these lines may undo. Two queries at most."""
    found = Opposites()
    asked = {(line.fy - 1, line.document) for line in lines if may_reverse_old_year(line) and line.document}
    own = [line for line in lines if may_reverse_old_year(line) and line.accrual]
    stands = (
        select(LedgerLine)
        .outerjoin(UploadWithdrawal, UploadWithdrawal.upload_id == LedgerLine.upload_id)
        .where(LedgerLine.holder_id == holder_id, LedgerLine.cost_pence > 0, UploadWithdrawal.upload_id.is_(None))
    )
    if asked:
        rows = db.session.execute(
            stands.with_only_columns(LedgerLine.fy, LedgerLine.document, LedgerLine.cost_pence).where(
                LedgerLine.document.in_({document for _, document in asked})
            )
        )
        found.old = {(fy, document, pence) for fy, document, pence in rows if (fy, document) in asked}
    if own:
        for each in db.session.scalars(
            stands.where(
                LedgerLine.fy.in_({line.fy for line in own}),
                LedgerLine.period.in_(FIRST_PERIODS),
                LedgerLine.cost_pence.in_({-line.cost_pence for line in own}),
            )
        ):
            found.add(each)
    return found


def _keys(line: CostSaid, pence: int) -> Iterator[tuple[int, str, str, int]]:
    """What the opposite of a line has in common with it: the document, or for the ledger's own accruals the codes."""
    name = normal_document(line.document)
    if name:
        yield line.fy, name, "", pence
    if line.accrual:
        yield line.fy, line.cost_centre, f"/{line.account}", pence


def _titles(intervention_ids: Iterable[int]) -> dict[int, str]:
    ids = set(intervention_ids)
    if not ids:
        return {}
    rows = db.session.execute(select(Intervention.id, Intervention.title).where(Intervention.id.in_(ids)))
    return {intervention_id: title for intervention_id, title in rows}  # noqa: C416
