"""A partnership decides on a proposal, and in the same transaction its money, plan, outputs and match are opened.

What becomes of a decision afterwards is here too: its conditions, and a chair's action reported to the meeting.
"""

import datetime as dt
from collections.abc import Mapping, Sequence
from types import MappingProxyType

from sqlalchemy import select

from svd_tracker.accounts.models import Holder
from svd_tracker.act import Act
from svd_tracker.approvals import services as approvals
from svd_tracker.approvals.models import Approval, ApprovalBody, ApprovalKind
from svd_tracker.audit import services as audit
from svd_tracker.calculations.figures import Category
from svd_tracker.decisions import opening, queries, rules, waiting
from svd_tracker.decisions.models import (
    Condition,
    ConditionEvent,
    ConditionState,
    Decision,
    DecisionAmount,
    DecisionReport,
    Outcome,
)
from svd_tracker.decisions.rules import ConditionLine, OverAllocation, Votes
from svd_tracker.errors import ChangedMeanwhile, Refused
from svd_tracker.extensions import db
from svd_tracker.grants import queries as grants
from svd_tracker.proposals import queries as proposals
from svd_tracker.proposals.models import Proposal
from svd_tracker.rounds import services as rounds
from svd_tracker.rounds.models import Round, RoundState
from svd_tracker.scoring import moderation_services as moderation

NEEDED = (ApprovalBody.ACCOUNTABLE_BODY, ApprovalBody.OPCC)
NONE_AGREED: Mapping[ApprovalBody, tuple[dt.date, str]] = MappingProxyType({})


def decide(
    act: Act,
    proposal: Proposal,
    holder: Holder,
    *,
    outcome: Outcome,
    reason: str,
    decided_on: dt.date,
    minute_ref: str,
    amounts: Mapping[Category, int] = MappingProxyType({}),
    words_to_applicant: str = "",
    needs: Sequence[ApprovalBody] = NEEDED,
    agreed: Mapping[ApprovalBody, tuple[dt.date, str]] = NONE_AGREED,
    conditions: Sequence[ConditionLine] = (),
    over_costs_reason: str = "",
    beyond: OverAllocation | None = None,
    votes: Votes | None = None,
    chairs_action: bool = False,
    supersedes: Decision | None = None,
) -> Decision:
    """Record what a partnership decided on a proposal asked of it; ``amounts`` are pence by category.

    A decision that funds opens, in this transaction: the approval, the intervention, the plan line, a funding for
    each category, outputs, milestones and match. ``supersedes`` must be the standing decision, if there is one; what
    it funded is then changed to the new amounts, also below what is spent or claimed. Locks the allocations, then
    the round, so that two decisions at once cannot spend the same pound. ``beyond`` lets a past decision from paper,
    dated before the proposal was submitted here, pass the allocation and its margin (FIGURES.md 21); a
    ``chairs_action`` is to be reported to the next meeting.

    Raises Refused with the field (``amount_labour``, ``amount_non_labour``, ``outcome``, ``reason``, ``decided_on``,
    ``minute_ref``, ``needs``, ``conditions``, ``over_costs_reason``, ``beyond_reason``, ``beyond_allowed_by``,
    ``beyond_reference``, ``votes_for``), NotAllowed for a declared interest, and
    ChangedMeanwhile when the decision to supersede no longer stands.
    """
    round_ = _lock(proposal, holder)
    proposals.refuse_if_shut(act.by, proposal)
    before = queries.find_standing(proposal.id, holder.id)
    if before is not supersedes:
        raise ChangedMeanwhile("Another decision on this proposal was recorded after this page was opened")
    rules.refuse_state(round_, proposal, before)
    version = proposals.submitted_version(proposal)
    asks = proposals.asks(version) if version else {}
    if version is None or holder.id not in asks:
        raise Refused(f"{holder.name} is not asked to decide on this proposal")
    amounts = {category: pence for category, pence in amounts.items() if pence}
    rules.check_words(act, reason, decided_on, minute_ref, before)
    rules.check_amounts(outcome, amounts, asks[holder.id], over_costs_reason)
    rules.check_costs(proposal, holder, version, amounts, over_costs_reason)
    wanted = [each for each in conditions if each.text.strip()]
    rules.check_conditions(outcome, wanted, needs)
    rules.check_votes(votes)
    rules.check_beyond(proposal, beyond, outcome, decided_on)
    was = queries.amounts_of(before)
    rules.check_left(act, round_, holder, amounts, was, beyond is not None)
    approval = None
    if outcome.funds or any(was.values()):
        approval = _approve(act, round_, holder, proposal, amounts, decided_on, minute_ref, needs, agreed)
    decision = Decision(
        proposal_id=proposal.id,
        holder_id=holder.id,
        seq=before.seq + 1 if before else 1,
        proposal_version_id=version.id,
        outcome=outcome,
        reason=reason.strip(),
        words_to_applicant=words_to_applicant.strip(),
        decided_on=decided_on,
        minute_ref=minute_ref.strip(),
        over_costs_reason=over_costs_reason.strip(),
        over_allocation_reason=beyond.words if beyond else "",
        votes_for=votes.in_favour if votes else None,
        votes_against=votes.against if votes else None,
        votes_abstained=votes.abstained if votes else None,
        chairs_action=chairs_action,
        approval=approval,
        supersedes_id=before.id if before else None,
        amounts=[DecisionAmount(category=category, pence=pence) for category, pence in amounts.items()],
        conditions=[Condition(text=each.text.strip(), due_on=each.due_on, owner=each.owner.strip()) for each in wanted],
        recorded_at=act.at,
        recorded_by=act.by,
    )
    if approval is not None:
        decision.intervention = opening.open_or_change(
            act, round_, version, holder, approval, decided_on, amounts, was, before, beyond=beyond is not None
        )
    db.session.add(decision)
    audit.record(
        act,
        "decide",
        "decision",
        subject(proposal, holder),
        area_id=round_.area_id,
        holder_id=holder.id,
        before=_facts(before) if before else None,
        after=_facts(decision) | {"reason": decision.reason, "approval": approval.ref if approval else None},
    )
    return decision


def settle_condition(condition: Condition, state: ConditionState, on: dt.date, reason: str, act: Act) -> ConditionEvent:
    """Say what became of a condition: met, waived or failed. A later word counts over an earlier one.

    Raises Refused for a superseded decision, a day still to come, or no reason where one is owed.
    """
    decision = queries.get_decision(condition.decision_id)
    proposals.refuse_if_shut(act.by, decision.proposal)
    if not queries.is_standing(decision):
        raise Refused("This decision is superseded: its conditions no longer matter")
    if on > act.on:
        raise Refused("Enter a date that is today or in the past", field="happened_on")
    if not reason.strip():
        words = "what shows that it is met" if state is ConditionState.MET else f"why it is {state.value}"
        raise Refused(f"Enter {words}", field="reason")
    event = ConditionEvent(state=state, happened_on=on, reason=reason.strip(), recorded_at=act.at, recorded_by=act.by)
    condition.events.append(event)
    audit.record(
        act,
        "settle_condition",
        "decision",
        subject(decision.proposal, decision.holder),
        area_id=decision.proposal.round.area_id,
        holder_id=decision.holder_id,
        after={"condition": condition.text, "state": state.value, "on": on, "reason": reason.strip()},
    )
    return event


def report_chairs_action(decision: Decision, meeting_on: dt.date, minute_ref: str, act: Act) -> DecisionReport:
    """A chair's action was reported to a meeting of the partnership.

    Raises Refused for a decision that is none, one reported before, a day still to come or before the action, or no
    minute reference.
    """
    proposals.refuse_if_shut(act.by, decision.proposal)
    if not decision.chairs_action:
        raise Refused("This decision was the meeting's own: there is nothing to report")
    if decision.report is not None:
        raise Refused("This chair's action was reported already")
    if not decision.decided_on <= meeting_on <= act.on:
        raise Refused("Enter a date from the day of the action up to today", field="meeting_on")
    if not minute_ref.strip():
        raise Refused("Enter the minute reference of the meeting", field="minute_ref")
    report = DecisionReport(
        decision_id=decision.id,
        meeting_on=meeting_on,
        minute_ref=minute_ref.strip(),
        recorded_at=act.at,
        recorded_by=act.by,
    )
    decision.report = report
    audit.record(
        act,
        "report_chairs_action",
        "decision",
        subject(decision.proposal, decision.holder),
        area_id=decision.proposal.round.area_id,
        holder_id=decision.holder_id,
        after={"meeting_on": meeting_on, "minute_ref": report.minute_ref},
    )
    return report


@rounds.add_move_check
def refuse_step(round_: Round, state: RoundState) -> None:
    """A round is published when everything asked is decided, and goes back to scoring only while nothing is."""
    if state is RoundState.SCORING and queries.decisions_of_round(round_.id):
        raise Refused("Decisions have been recorded, so the round cannot go back to scoring")
    if state is RoundState.PUBLISHED and any(waiting.undecided(round_.id, None).values()):
        # Without a number: it would tell who has an interest when what is shut to them was decided.
        raise Refused("Decisions are still to be recorded. Then the round can be published")


@moderation.add_agree_check
def refuse_agreeing(proposal: Proposal) -> None:
    """The marks that a decision was taken on stay as they were."""
    if queries.standing([proposal.id]):
        raise Refused("A decision on this proposal stands, so its agreed marks no longer change")


def _lock(proposal: Proposal, holder: Holder) -> Round:
    """The allocations first, then the round (DATA_MODEL.md section 0), each read as it is once held."""
    round_ = proposal.round
    allocations = grants.allocations_of_holder(round_.grant_id, holder.id, round_.fy)
    grants.lock_allocations(allocation.id for allocation, _ in allocations.values())
    return db.session.scalars(
        select(Round)
        .where(Round.id == round_.id)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    ).one()


def _approve(
    act: Act,
    round_: Round,
    holder: Holder,
    proposal: Proposal,
    amounts: Mapping[Category, int],
    decided_on: dt.date,
    minute_ref: str,
    needs: Sequence[ApprovalBody],
    agreed: Mapping[ApprovalBody, tuple[dt.date, str]],
) -> Approval:
    """The approval says which decision it is of, not why: a declared interest does not shut the pages of approvals."""
    return approvals.open_approval(
        act,
        area_id=round_.area_id,
        holder_id=holder.id,
        kind=ApprovalKind.DECISION,
        body=holder.name,
        decided_on=decided_on,
        minute_ref=minute_ref.strip(),
        amount_pence=sum(amounts.values()),
        reason=f"Decision on proposal {proposal.ref} of round {round_.ref}",
        needs=needs,
        agreed=agreed,
    )


def subject(proposal: Proposal, holder: Holder) -> str:
    """What the audit calls a partnership's decision on a proposal."""
    return f"{proposals.subject(proposal)}/{holder.ref}"


def _facts(decision: Decision) -> dict[str, object]:
    return {
        "outcome": decision.outcome.value,
        "amounts": {each.category.value: each.pence for each in decision.amounts},
        "decided_on": decision.decided_on,
        "minute_ref": decision.minute_ref,
        **({"over_allocation": decision.over_allocation_reason} if decision.over_allocation_reason else {}),
        **({"chairs_action": True} if decision.chairs_action else {}),
    }
