"""Reading rounds, the money they are for, and how they are scored."""

import datetime as dt
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from sqlalchemy import Integer, cast, func, literal, null, select, union_all
from sqlalchemy.orm import joinedload

from svd_tracker.accounts.models import Holder, HolderKind, Role
from svd_tracker.accounts.permissions import ASSESSOR as ASSESSOR_ROLE
from svd_tracker.accounts.permissions import CHAIR, ROLES_WITH, Access, HeldRole, Permission, Scope
from svd_tracker.accounts.queries import add_role_source, list_holders
from svd_tracker.calculations.figures import Category
from svd_tracker.calculations.ranking import CriterionFact, SchemeFact
from svd_tracker.errors import NotFound
from svd_tracker.extensions import db
from svd_tracker.finance.queries import committed_by_allocation
from svd_tracker.grants.models import Allocation
from svd_tracker.grants.queries import award_table
from svd_tracker.rounds.models import (
    Criterion,
    Round,
    RoundAssessor,
    RoundShare,
    RoundStandIn,
    RoundState,
    Scheme,
    SchemeCheck,
)

DECIDED_IN = (RoundState.DECIDING, RoundState.PUBLISHED)  # a round with a decision never goes back before these
ASSESSING = (RoundState.OPEN, RoundState.SCORING, RoundState.DECIDING)  # assessors may look until it is published


@dataclass(frozen=True)
class ShareNow:
    """A partnership's money of one category in a round, as it stands now. Pence.

    ``elsewhere`` is what fundings take of the allocation that no decision of this round gave. It takes up what is kept
    back first: a post that goes on is kept back, and then committed.
    """

    allocation_id: int
    holder_id: int
    holder_name: str
    category: Category
    allocated: int
    kept_back: int
    elsewhere: int
    reason: str
    version_no: int = 0

    @property
    def available(self) -> int:
        """What is left to decide on. May be negative after a cut: shown so, never as nought."""
        return self.allocated - max(self.kept_back, self.elsewhere)


DecidedSource = Callable[[int, dt.datetime | None], Mapping[tuple[int, Category], int]]
_decided: list[DecidedSource] = []


def add_decided_source(source: DecidedSource) -> DecidedSource:
    """Lets a higher feature say what the decisions of a round (its id) gave, as they stand or stood at a moment:

    pence by partnership and category.
    """
    if source not in _decided:
        _decided.append(source)
    return source


def get_round(round_id: int) -> Round:
    found = db.session.get(
        Round, round_id, options=[joinedload(Round.area), joinedload(Round.grant), joinedload(Round.scheme)]
    )
    if found is None:
        raise NotFound("round")
    return found


def lock_round(round_: Round) -> None:
    """Hold the round until the transaction ends, and read its state, and whether scores are shown, as they are now."""
    db.session.execute(select(Round.id).where(Round.id == round_.id).with_for_update())
    db.session.refresh(round_, ["state", "scores_shown_at", "row_version"])


def list_rounds(access: Access) -> Sequence[Round]:
    """The rounds a person may look at, newest year first; proposers see none that is still being prepared."""
    area_ids = {area_id for _, area_id in access.holders}
    found = db.session.scalars(
        select(Round)
        .where(Round.area_id.in_(area_ids))
        .options(joinedload(Round.grant), joinedload(Round.area))
        .order_by(Round.fy.desc(), Round.ref.desc())
    ).all()
    taking_part = holder_ids_of([each.id for each in found])
    return [each for each in found if _sees(access, each, taking_part.get(each.id, frozenset()))]


def _sees(access: Access, round_: Round, holder_ids: frozenset[int]) -> bool:
    if not access.may(Permission.VIEW_ROUND, scope_within(round_, holder_ids, access, Permission.VIEW_ROUND)):
        return False
    return round_.state is not RoundState.PREPARING or not only_proposes(access, round_, holder_ids)


def only_proposes(access: Access, round_: Round, holder_ids: frozenset[int] | None = None) -> bool:
    """Whether a person reaches this round only to propose to it."""
    if holder_ids is None:
        holder_ids = holder_ids_of([round_.id]).get(round_.id, frozenset())
    scope = scope_within(round_, holder_ids, access, Permission.VIEW_ROUND)
    roles = {
        held.role for held in access.roles if held.role in ROLES_WITH[Permission.VIEW_ROUND] and held.covers(scope)
    }
    return roles == {Role.PROPOSER}


def scope_within(round_: Round, holder_ids: Iterable[int], access: Access, permission: Permission) -> Scope:
    """Where a round lives for one person: with a partnership of theirs that takes part, else with one that does.

    A round without shares is still its whole area's. So a partnership that takes no part is kept out.
    """
    theirs = {
        held.holder_id for held in access.roles if held.holder_id is not None and held.role in ROLES_WITH[permission]
    }
    ordered = sorted(holder_ids, key=lambda holder_id: (holder_id not in theirs, holder_id))
    return Scope(round_.area_id, ordered[0] if ordered else None, round_.id)


def scope_of(round_: Round, access: Access, permission: Permission) -> Scope:
    """As ``scope_within``, reading which partnerships take part."""
    return scope_within(round_, holder_ids_of([round_.id]).get(round_.id, frozenset()), access, permission)


def holder_ids_of(round_ids: Iterable[int]) -> Mapping[int, frozenset[int]]:
    """By round, the partnerships that take part, in one query."""
    rows = db.session.execute(
        select(RoundShare.round_id, Allocation.holder_id)
        .join(Allocation, Allocation.id == RoundShare.allocation_id)
        .where(RoundShare.round_id.in_(list(round_ids)))
        .distinct()
    )
    found: dict[int, set[int]] = {}
    for row in rows:
        found.setdefault(row.round_id, set()).add(row.holder_id)
    return {round_id: frozenset(holders) for round_id, holders in found.items()}


def taking_part(round_id: int) -> Sequence[Holder]:
    """The partnerships whose money is in the round, by name."""
    ids = select(Allocation.holder_id).join(RoundShare, RoundShare.allocation_id == Allocation.id)
    return db.session.scalars(
        select(Holder).where(Holder.id.in_(ids.where(RoundShare.round_id == round_id))).order_by(Holder.name)
    ).all()


def shares_of(round_: Round) -> list[ShareNow]:
    """The newest version of each share with its allocation's newest amount, by partnership and category."""
    return [share for share, in_round in _shares(round_) if in_round]


def possible_shares(round_: Round) -> list[ShareNow]:
    """Every partnership's allocation of the round's grant and year, those not in the round with nothing kept back."""
    return [share for share, _ in _shares(round_)]


def _shares(round_: Round) -> list[tuple[ShareNow, bool]]:
    newest = select(func.max(RoundShare.id)).where(RoundShare.round_id == round_.id).group_by(RoundShare.allocation_id)
    in_round = {
        share.allocation_id: share for share in db.session.scalars(select(RoundShare).where(RoundShare.id.in_(newest)))
    }
    allocations = award_table(round_.grant_id, round_.fy)
    of_holders = [(holder, allocations.of_holder(holder.id)) for holder in list_holders(round_.area_id)]
    # Publication keeps what was decided on: fundings and decisions are only added to, so that moment can be read again.
    taken = committed_by_allocation((each.id for _, own in of_holders for each in own.values()), round_.published_at)
    sources = _decided if round_.state in DECIDED_IN else ()
    given = {key: pence for source in sources for key, pence in source(round_.id, round_.published_at).items()}
    found: list[tuple[ShareNow, bool]] = []
    for holder, own in of_holders:
        for category, allocation in own.items():
            share = in_round.get(allocation.id)
            if holder.kind is HolderKind.CSP:
                now = ShareNow(
                    allocation_id=allocation.id,
                    holder_id=holder.id,
                    holder_name=holder.name,
                    category=category,
                    allocated=allocation.pence
                    if share is None or share.allocated_pence is None
                    else share.allocated_pence,
                    kept_back=share.kept_back_pence if share else 0,
                    elsewhere=max(0, taken.get(allocation.id, 0) - given.get((holder.id, category), 0)),
                    reason=share.reason if share else "",
                    version_no=share.version_no if share else 0,
                )
                found.append((now, share is not None))
    return found


def money_of_round(round_: Round) -> dict[int, dict[Category, int]]:
    """By partnership, pence to be decided on by category: its allocation less what is kept back or taken elsewhere."""
    found: dict[int, dict[Category, int]] = {}
    for share in shares_of(round_):
        found.setdefault(share.holder_id, {})[share.category] = share.available
    return found


def assessors_of(round_id: int) -> Sequence[RoundAssessor]:
    return db.session.scalars(
        select(RoundAssessor)
        .where(RoundAssessor.round_id == round_id)
        .options(joinedload(RoundAssessor.person), joinedload(RoundAssessor.organisation))
        .order_by(RoundAssessor.id)
    ).all()


def is_assessor(round_id: int, person_id: int) -> bool:
    return (
        db.session.scalar(
            select(RoundAssessor.id).where(
                RoundAssessor.round_id == round_id,
                RoundAssessor.person_id == person_id,
                RoundAssessor.stood_down_at.is_(None),
            )
        )
        is not None
    )


def has_yet_to_send(round_id: int, person_id: int) -> bool:
    """Whether this person scores in the round and has never sent their scores."""
    return (
        db.session.scalar(
            select(RoundAssessor.id).where(
                RoundAssessor.round_id == round_id,
                RoundAssessor.person_id == person_id,
                RoundAssessor.stood_down_at.is_(None),
                RoundAssessor.first_sent_at.is_(None),
            )
        )
        is not None
    )


def round_roles(person_id: int, on: dt.date) -> Iterable[HeldRole]:
    """What a person is in rounds, in one query.

    An assessor from the opening of a round until its decisions are published, unless they stood down; its chair from
    the opening, and after publication too; and the coordinator for whom they stand in, until that is ended or the
    round is published.
    """
    nobody = cast(null(), Integer)
    assessor = (
        select(literal(str(ASSESSOR_ROLE)).label("role"), Round.id, Round.area_id, nobody.label("holder_id"))
        .join(RoundAssessor, RoundAssessor.round_id == Round.id)
        .where(
            RoundAssessor.person_id == person_id,
            RoundAssessor.stood_down_at.is_(None),
            Round.state.in_(ASSESSING),
        )
    )
    chair = select(literal(str(CHAIR)), Round.id, Round.area_id, nobody).where(
        Round.chair_id == person_id, Round.state != RoundState.PREPARING
    )
    ended = select(RoundStandIn.ends_id).where(RoundStandIn.ends_id.is_not(None))
    stand_in = (
        select(literal(Role.COORDINATOR.value), Round.id, Round.area_id, RoundStandIn.holder_id)
        .join(RoundStandIn, RoundStandIn.round_id == Round.id)
        .where(
            RoundStandIn.person_id == person_id,
            RoundStandIn.ends_id.is_(None),
            RoundStandIn.id.not_in(ended),
            Round.state != RoundState.PUBLISHED,
        )
    )
    rows = db.session.execute(union_all(assessor, chair, stand_in))
    return [HeldRole(row.role, row.area_id, row.holder_id, row.id) for row in rows]


add_role_source(round_roles)


def criteria_of(scheme: Scheme) -> Sequence[Criterion]:
    """The criteria with their scale points, in order, in two queries."""
    return (
        db.session.scalars(
            select(Criterion)
            .where(Criterion.scheme_id == scheme.id)
            .options(joinedload(Criterion.points))
            .order_by(Criterion.position, Criterion.id)
        )
        .unique()
        .all()
    )


def criterion_facts(scheme: Scheme) -> list[CriterionFact]:
    """The scheme as the ranking wants it, in order. A criterion without points is left out: it cannot be scored."""
    return facts_of(criteria_of(scheme))


def facts_of(criteria: Iterable[Criterion]) -> list[CriterionFact]:
    """As ``criterion_facts``, of criteria that are read already."""
    return [
        CriterionFact(
            ref=each.ref,
            name=each.name,
            weight_hundredths=each.weight_hundredths,
            scale_top_hundredths=max(point.hundredths for point in each.points),
            minimum_hundredths=each.minimum_hundredths,
            gate=each.is_gate,
            counts_double=each.counts_double,
        )
        for each in criteria
        if each.points
    ]


def scheme_fact(scheme: Scheme) -> SchemeFact:
    """The whole scheme as the ranking wants it. Bounded queries."""
    return SchemeFact(
        criteria=tuple(criterion_facts(scheme)),
        overall_minimum=None if scheme.overall_minimum_bp is None else exact_share(scheme.overall_minimum_bp),
        first_stage=None if scheme.first_stage_bp is None else exact_share(scheme.first_stage_bp),
        tie_rule=scheme.tie_rule,
        tie_criterion_ref=scheme.tie_criterion_ref,
        bands={exact_share(each.from_bp): each.label for each in scheme.bands},
        least_scorers=scheme.least_scorers,
    )


THIRDS = {3333: Fraction(1, 3), 6667: Fraction(2, 3)}


def exact_share(bp: int) -> Fraction:
    """A share typed with two decimals, as basis points. 33.33% and 66.67% mean a third and two thirds exactly:

    whoever scores two thirds of the points has reached a threshold of two thirds (FIGURES.md 23).
    """
    return THIRDS.get(bp, Fraction(bp, 10_000))


def checks_of_scheme(scheme_id: int) -> Sequence[SchemeCheck]:
    """What is checked before scoring, in order."""
    return db.session.scalars(
        select(SchemeCheck).where(SchemeCheck.scheme_id == scheme_id).order_by(SchemeCheck.position)
    ).all()


def get_criterion(round_: Round, criterion_id: int) -> Criterion:
    found = db.session.get(Criterion, criterion_id)
    if found is None or found.scheme_id != round_.scheme_id:
        raise NotFound("criterion")
    return found


def rounds_with_scheme(round_: Round) -> Sequence[Round]:
    """Other rounds of the area whose scheme has criteria and can be copied, newest first."""
    filled = select(Criterion.scheme_id).distinct()
    return db.session.scalars(
        select(Round)
        .where(Round.area_id == round_.area_id, Round.id != round_.id, Round.scheme_id.in_(filled))
        .order_by(Round.fy.desc(), Round.ref.desc())
    ).all()


def next_ref(area_id: int) -> str:
    """RND-01, RND-02 … in an area: zero-padded, because refs compare as plain text."""
    taken = set(db.session.scalars(select(Round.ref).where(Round.area_id == area_id)))
    number = len(taken) + 1
    while f"RND-{number:02d}" in taken:
        number += 1
    return f"RND-{number:02d}"


def subject(round_: Round) -> str:
    """What the audit calls a round."""
    return f"{round_.area.ref}/{round_.ref}"
