"""Reading decisions: the standing ones, their history, what is still to be decided."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import joinedload, selectinload

from svd_tracker.accounts.models import Holder
from svd_tracker.accounts.permissions import ROLES_WITH, Access, Permission, Scope
from svd_tracker.accounts.queries import list_holders
from svd_tracker.approvals.models import Approval
from svd_tracker.calculations.figures import Category
from svd_tracker.decisions.models import (
    Condition,
    ConditionEvent,
    ConditionState,
    Decision,
    Outcome,
)
from svd_tracker.errors import NotAllowed, NotFound
from svd_tracker.extensions import db
from svd_tracker.finance import queries as finance
from svd_tracker.finance.moves import queries as moves
from svd_tracker.proposals import queries as proposals
from svd_tracker.proposals import reach
from svd_tracker.proposals.models import Proposal, ProposalState
from svd_tracker.proposals.queries import ProposalRow
from svd_tracker.rounds.models import Round

_PARTS = (
    joinedload(Decision.holder),
    joinedload(Decision.intervention),
    joinedload(Decision.report),
    selectinload(Decision.amounts),
    selectinload(Decision.conditions).selectinload(Condition.events),
)


@dataclass(frozen=True)
class DecisionRow:
    """One proposal and one partnership asked, with its standing decision. Pence by category.

    ``shut``: a declared interest keeps it from the reader, so that no amount and nothing of the decision is in the row.
    """

    proposal_id: int
    ref: str
    title: str
    organisation: str
    holder: Holder
    asked: Mapping[Category, int]
    decision: Decision | None
    shut: bool
    withdrawn: bool


@dataclass(frozen=True)
class HolderTotals:
    """What one partnership was asked, has decided to give, and has left of its allocations. Pence by category.

    ``hidden``: there are none, because they would give away what is shut to the reader.
    """

    holder: Holder
    asked: Mapping[Category, int]
    decided: Mapping[Category, int]
    left: Mapping[Category, int]
    undecided: int
    hidden: bool


@dataclass(frozen=True)
class Shut:
    """What the decisions on proposals opened that an interest shuts to a person (DESIGN.md rule 7).

    ``plan`` holds (holder id, year, intervention id): the plan line and the fundings of each are shut.
    """

    plan: frozenset[tuple[int, int, int]] = frozenset()
    approval_ids: frozenset[int] = frozenset()

    def refuse_plan(self, holder_id: int, fy: int, intervention_id: int) -> None:
        """Raises NotAllowed for a record of a plan line that is shut."""
        if (holder_id, fy, intervention_id) in self.plan:
            raise NotAllowed(proposals.SHUT)

    def refuse_approval(self, approval_id: int) -> None:
        """Raises NotAllowed for an approval that is shut."""
        if approval_id in self.approval_ids:
            raise NotAllowed(proposals.SHUT)


def get_decision(decision_id: int) -> Decision:
    found = db.session.get(
        Decision,
        decision_id,
        options=[
            *_PARTS,
            joinedload(Decision.proposal).joinedload(Proposal.round),
            joinedload(Decision.proposal).joinedload(Proposal.organisation),
            joinedload(Decision.approval).selectinload(Approval.steps),
            joinedload(Decision.version),
        ],
    )
    if found is None:
        raise NotFound("decision")
    return found


def get_condition(condition_id: int) -> Condition:
    found = db.session.get(Condition, condition_id, options=[selectinload(Condition.events)])
    if found is None:
        raise NotFound("condition")
    return found


def standing(proposal_ids: Iterable[int]) -> dict[tuple[int, int], Decision]:
    """By (proposal id, holder id), the decision that nothing supersedes."""
    superseded = select(Decision.supersedes_id).where(Decision.supersedes_id.is_not(None))
    found = db.session.scalars(
        select(Decision)
        .where(Decision.proposal_id.in_(list(proposal_ids)), Decision.id.not_in(superseded))
        .options(*_PARTS)
    )
    return {(each.proposal_id, each.holder_id): each for each in found}


def shut_by_interest(person_id: int | None) -> Shut:
    """What a person may not be shown of plans, money and approvals. Superseded decisions count. Three queries."""
    shut = proposals.shut_proposal_ids(person_id)
    if not shut:
        return Shut()
    rows = db.session.execute(
        select(Decision.holder_id, Round.fy, Decision.intervention_id, Decision.approval_id)
        .join(Decision.proposal)
        .join(Round, Round.id == Proposal.round_id)
        .where(Decision.proposal_id.in_(shut))
    ).all()
    plan = frozenset((row.holder_id, row.fy, row.intervention_id) for row in rows if row.intervention_id)
    return Shut(plan, frozenset(row.approval_id for row in rows if row.approval_id) | moves.approvals_of(plan))


def reserve_list(person_id: int | None, holder_id: int, grant_id: int, fy: int) -> Sequence[Decision]:
    """What a partnership keeps in reserve of a grant's year, as far as no interest shuts it, by ref of the proposal."""
    superseded = select(Decision.supersedes_id).where(Decision.supersedes_id.is_not(None))
    return db.session.scalars(
        select(Decision)
        .join(Proposal, Proposal.id == Decision.proposal_id)
        .join(Round, Round.id == Proposal.round_id)
        .where(
            Decision.holder_id == holder_id,
            Decision.outcome == Outcome.RESERVE,
            Decision.id.not_in(superseded),
            Proposal.state == ProposalState.SUBMITTED,
            Proposal.id.not_in(proposals.shut_proposal_ids(person_id)),
            Round.grant_id == grant_id,
            Round.fy == fy,
        )
        .options(joinedload(Decision.proposal), joinedload(Decision.version))
        .order_by(Proposal.ref)
    ).all()


def conditions_open(holder_id: int, grant_id: int, fy: int) -> dict[int, list[str]]:
    """By intervention id, the conditions of a holder's standing decisions of a grant's year that are not met yet.

    A condition that failed counts, one that was waived does not. One query.
    """
    superseded = select(Decision.supersedes_id).where(Decision.supersedes_id.is_not(None))
    newest = select(func.max(ConditionEvent.id)).group_by(ConditionEvent.condition_id)
    settled = select(ConditionEvent.condition_id).where(
        ConditionEvent.id.in_(newest), ConditionEvent.state != ConditionState.FAILED
    )
    rows = db.session.execute(
        select(Decision.intervention_id, Condition.text)
        .join(Condition, Condition.decision_id == Decision.id)
        .join(Decision.proposal)
        .join(Round, Round.id == Proposal.round_id)
        .where(
            Decision.holder_id == holder_id,
            Decision.id.not_in(superseded),
            Condition.id.not_in(settled),
            Round.fy == fy,
            Round.grant_id == grant_id,
        )
        .order_by(Decision.id, Condition.id)
    )
    found: dict[int, list[str]] = {}
    for intervention_id, text in rows:
        if intervention_id is not None:
            found.setdefault(intervention_id, []).append(text)
    return found


def find_standing(proposal_id: int, holder_id: int) -> Decision | None:
    return standing([proposal_id]).get((proposal_id, holder_id))


def is_standing(decision: Decision) -> bool:
    return db.session.scalar(select(Decision.id).where(Decision.supersedes_id == decision.id)) is None


def chain(proposal_id: int, holder_id: int) -> Sequence[Decision]:
    """Every decision of a partnership on a proposal, newest first."""
    return db.session.scalars(
        select(Decision)
        .where(Decision.proposal_id == proposal_id, Decision.holder_id == holder_id)
        .options(*_PARTS)
        .order_by(Decision.seq.desc())
    ).all()


def decisions_of_round(round_id: int) -> Sequence[Decision]:
    """Every decision of a round with its holder, amounts and conditions, superseded ones too, in their order."""
    return db.session.scalars(
        select(Decision)
        .join(Proposal, Proposal.id == Decision.proposal_id)
        .where(Proposal.round_id == round_id)
        .options(*_PARTS)
        .order_by(Proposal.ref, Decision.holder_id, Decision.seq)
    ).all()


def last_meeting(round_id: int, holder_id: int) -> Decision | None:
    """What a partnership last decided at a meeting in a round: the next decision is most often of the same one."""
    return db.session.scalars(
        select(Decision)
        .join(Proposal, Proposal.id == Decision.proposal_id)
        .where(Proposal.round_id == round_id, Decision.holder_id == holder_id, Decision.chairs_action.is_(False))
        .order_by(Decision.id.desc())
        .limit(1)
    ).first()


def next_to_decide(person_id: int | None, round_id: int, holder_id: int, after: str) -> ProposalRow | None:
    """The next proposal by ref that a partnership has not decided, after one and then from the first again.

    What an interest shuts to this person is passed over (DESIGN.md rule 7).
    """
    shut = proposals.shut_proposal_ids(person_id, round_id)
    rows = [
        each
        for each in proposals.rows_of(round_id)
        if each.state is ProposalState.SUBMITTED and holder_id in each.holder_ids and each.id not in shut
    ]
    decided = standing(each.id for each in rows)
    waiting = [each for each in rows if (each.id, holder_id) not in decided]
    return next((each for each in waiting if each.ref > after), waiting[0] if waiting else None)


def amounts_of(decision: Decision | None) -> dict[Category, int]:
    """Pence by category, with every category there; noughts where nothing was decided or given."""
    given = {each.category: each.pence for each in decision.amounts} if decision else {}
    return {category: given.get(category, 0) for category in Category}


def state_of(condition: Condition) -> ConditionState | None:
    """What became of a condition; None while it is open. The newest event counts."""
    return condition.events[-1].state if condition.events else None


def rows_for(access: Access, round_: Round) -> list[DecisionRow]:
    """Every proposal with each partnership asked, as far as this person may see it, by ref (DESIGN.md rule 10).

    A proposal asked of several is shown whole to each of them; finance officers and certifiers see what their own
    holder decides. Raises NotAllowed for an assessor while the round is scored, and for an assessor or chair who has
    organisations left to go through: names and asks are the proposals' own pages' to show (``reach``).
    """
    reached = reach.reach_of(access, round_)
    reached.refuse_before_declaring()
    if reached.assesses and round_.state in reach.BEFORE_DECIDING:
        raise NotAllowed("Nothing is decided while the proposals are scored.")
    hidden = reach.names_hidden(access, round_)
    everything, own = _sees_all(access, round_), access.holder_ids(Permission.VIEW_DECISIONS, round_.id)
    listed = [
        each
        for each in proposals.rows_of(round_.id)
        if each.was_submitted and each.state in (ProposalState.SUBMITTED, ProposalState.WITHDRAWN)
    ]
    decided = standing(each.id for each in listed)
    holders = {holder.id: holder for holder in list_holders(round_.area_id)}
    return [
        DecisionRow(
            proposal_id=each.id,
            ref=each.ref,
            title=each.title,
            organisation=reach.HIDDEN_NAME if hidden else each.organisation,
            holder=holders[holder_id],
            asked={} if each.id in reached.shut else each.asked[holder_id],
            decision=None if each.id in reached.shut else decided.get((each.id, holder_id)),
            shut=each.id in reached.shut,
            withdrawn=each.state is ProposalState.WITHDRAWN,
        )
        for each in listed
        for holder_id in sorted(each.asked, key=lambda holder_id: holders[holder_id].name)
        if (everything or each.holder_ids & reached.belongs_to or holder_id in own)
        and (each.state is ProposalState.SUBMITTED or (each.id, holder_id) in decided)
    ]


def sees(access: Access, decision: Decision) -> bool:
    """Whether a person may read one decision; interests are asked apart. Superseded ones stay with their holder."""
    round_ = decision.proposal.round
    if decision.holder_id in access.holder_ids(Permission.VIEW_DECISIONS, round_.id) or _sees_all(access, round_):
        return True
    asked = {ask.holder_id for ask in decision.version.asks}
    return bool(asked & reach.reach_of(access, round_).belongs_to) and is_standing(decision)


def _sees_all(access: Access, round_: Round) -> bool:
    """The round's assessors, and those whose role is the whole area's: its auditor, the OPCC's officer."""
    here = Scope(round_.area_id, None, round_.id)
    roles = ROLES_WITH[Permission.VIEW_DECISIONS]
    return any(held.holder_id is None and held.role in roles and held.covers(here) for held in access.roles)


def totals_of(
    access: Access, round_: Round, rows: Sequence[DecisionRow], holder_ids: Collection[int]
) -> list[HolderTotals]:
    """What is asked, decided and left of these partnerships, in the order of the rows."""
    found, shut = [], proposals.money_shut(access.person_id, round_)
    for holder in dict.fromkeys(row.holder for row in rows if row.holder.id in holder_ids):
        own = [row for row in rows if row.holder is holder]
        hidden = holder.id in shut
        left = {} if hidden else finance.money_left(round_.grant_id, holder.id, round_.fy)
        given = [amounts_of(row.decision) for row in own]
        found.append(
            HolderTotals(
                holder=holder,
                asked={}
                if hidden
                else {each: sum(row.asked.get(each, 0) for row in own if not row.withdrawn) for each in Category},
                decided={} if hidden else {each: sum(amounts[each] for amounts in given) for each in Category},
                left={category: money.left for category, money in left.items()},
                undecided=sum(row.decision is None and not row.shut for row in own),
                hidden=hidden,
            )
        )
    return found


def totals_hidden(person_id: int | None, round_: Round, holder_id: int) -> bool:
    """Whether a partnership's totals would give away what a declared interest shuts to a person (DESIGN.md rule 7)."""
    return holder_id in proposals.money_shut(person_id, round_)
