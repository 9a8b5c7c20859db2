"""A partnership decides on a proposal, and in the same transaction its money, plan, outputs and match are opened."""

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
from svd_tracker.decisions import opening, queries
from svd_tracker.decisions.models import Condition, ConditionEvent, ConditionState, Decision, DecisionAmount, Outcome
from svd_tracker.errors import ChangedMeanwhile, Refused
from svd_tracker.extensions import db
from svd_tracker.finance import queries as finance
from svd_tracker.grants import queries as grants
from svd_tracker.money import format_pounds
from svd_tracker.proposals import queries as proposals
from svd_tracker.proposals.models import Proposal, ProposalState, ProposalVersion
from svd_tracker.rounds import services as rounds
from svd_tracker.rounds.models import Round, RoundState

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
    conditions: Sequence[tuple[str, dt.date | None]] = (),
    over_costs_reason: str = "",
    supersedes: Decision | None = None,
) -> Decision:
    """Record what a partnership decided on a proposal asked of it; ``amounts`` are pence by category.

    A decision that funds opens, in this transaction: the approval, the intervention, the plan line, a funding for
    each category, outputs, milestones and match. ``supersedes`` must be the standing decision, if there is one; what
    it funded is then changed to the new amounts, also below what is spent or claimed. Locks the allocations, then
    the round, so that two decisions at once cannot spend the same pound.

    Raises Refused with the field (``amount_labour``, ``amount_non_labour``, ``outcome``, ``reason``, ``decided_on``,
    ``minute_ref``, ``needs``, ``conditions``, ``over_costs_reason``), NotAllowed for a declared interest, and
    ChangedMeanwhile when the decision to supersede no longer stands.
    """
    round_ = _lock(proposal, holder)
    proposals.refuse_if_shut(act.by, proposal)
    before = queries.find_standing(proposal.id, holder.id)
    if before is not supersedes:
        raise ChangedMeanwhile("Another decision on this proposal was recorded after this page was opened")
    _refuse_state(round_, proposal, before)
    version = proposals.submitted_version(proposal)
    asks = proposals.asks(version) if version else {}
    if version is None or holder.id not in asks:
        raise Refused(f"{holder.name} is not asked to decide on this proposal")
    amounts = {category: pence for category, pence in amounts.items() if pence}
    _check_words(act, reason, decided_on, minute_ref, before)
    _check_amounts(outcome, amounts, asks[holder.id], over_costs_reason)
    _check_costs(proposal, holder, version, amounts, over_costs_reason)
    wanted = [(text.strip(), due_on) for text, due_on in conditions if text.strip()]
    _check_conditions(outcome, wanted, needs)
    was = queries.amounts_of(before)
    _check_left(act, round_, holder, amounts, was)
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
        approval=approval,
        supersedes_id=before.id if before else None,
        amounts=[DecisionAmount(category=category, pence=pence) for category, pence in amounts.items()],
        conditions=[Condition(text=text, due_on=due_on) for text, due_on in wanted],
        recorded_at=act.at,
        recorded_by=act.by,
    )
    if approval is not None:
        decision.intervention = opening.open_or_change(
            act, round_, version, holder, approval, decided_on, amounts, was, before
        )
    db.session.add(decision)
    audit.record(
        act,
        "decide",
        "decision",
        _subject(proposal, holder),
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
        _subject(decision.proposal, decision.holder),
        area_id=decision.proposal.round.area_id,
        holder_id=decision.holder_id,
        after={"condition": condition.text, "state": state.value, "on": on, "reason": reason.strip()},
    )
    return event


@rounds.add_move_check
def refuse_step(round_: Round, state: RoundState) -> None:
    """A round is published when everything asked is decided, and goes back to scoring only while nothing is."""
    if state is RoundState.SCORING and queries.decisions_of_round(round_.id):
        raise Refused("Decisions have been recorded, so the round cannot go back to scoring")
    left = sum(queries.undecided(round_.id).values()) if state is RoundState.PUBLISHED else 0
    if left:
        raise Refused(f"Decisions still to record: {left}. Then the round can be published")


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


def _refuse_state(round_: Round, proposal: Proposal, before: Decision | None) -> None:
    if round_.state is not RoundState.DECIDING and not (round_.state is RoundState.PUBLISHED and before):
        raise Refused("Decisions are recorded while the round is being decided")
    if proposal.state is not ProposalState.SUBMITTED and before is None:
        raise Refused("This proposal is not submitted, so there is nothing to decide")


def _check_words(act: Act, reason: str, decided_on: dt.date, minute_ref: str, before: Decision | None) -> None:
    if not reason.strip():
        words = "why it takes the place of the earlier decision" if before else "the reason, whatever the outcome"
        raise Refused(f"Enter {words}", field="reason")
    if not minute_ref.strip():
        raise Refused("Enter the minute reference", field="minute_ref")
    if decided_on > act.on:
        raise Refused("Enter a date that is today or in the past", field="decided_on")
    if before and decided_on < before.decided_on:
        raise Refused("Enter a date that is not before the decision it supersedes", field="decided_on")


def _check_amounts(
    outcome: Outcome, amounts: Mapping[Category, int], asked: Mapping[Category, int], over_reason: str
) -> None:
    total, wanted = sum(amounts.values()), sum(asked.values())
    first = amount_field(next(iter(asked), Category.LABOUR))
    if any(pence < 0 for pence in amounts.values()):
        raise Refused("Enter an amount of £0.00 or more", field=first)
    if not outcome.funds:
        if amounts:
            raise Refused(f"“{outcome.label}” gives no money: leave the amounts empty", field=first)
        return
    if not total:
        raise Refused("Enter how much is given", field=first)
    if outcome is Outcome.FUND:
        for category in Category:
            if amounts.get(category, 0) != asked.get(category, 0):
                words = f"“Fund” gives what was asked, {format_pounds(asked.get(category, 0))}. Otherwise fund in part"
                raise Refused(words, field=amount_field(category))
    if outcome is Outcome.FUND_IN_PART and total >= wanted:
        raise Refused(f"Enter less than the {format_pounds(wanted)} asked, or choose “Fund”", field=first)
    for category, pence in amounts.items():
        most = asked.get(category, 0)
        if pence > most and outcome is Outcome.FUND_IN_PART:
            raise Refused(f"Enter {format_pounds(most)} or less: no more was asked", field=amount_field(category))
        if pence > most and not over_reason.strip():
            words = f"{format_pounds(most)} of {category.label.lower()} was asked. Give no more, or say why"
            raise Refused(words, field="over_costs_reason")


def _check_costs(
    proposal: Proposal, holder: Holder, version: ProposalVersion, amounts: Mapping[Category, int], over_reason: str
) -> None:
    """All partnerships together may give more than the proposal costs only with a reason (DATA_MODEL.md section 6)."""
    costs = sum(cost.pence for cost in version.costs)
    others = [each for key, each in queries.standing([proposal.id]).items() if key[1] != holder.id]
    given = sum(amounts.values()) + sum(sum(queries.amounts_of(each).values()) for each in others)
    if amounts and given > costs and not over_reason.strip():
        words = (
            f"All partnerships together would give {format_pounds(given)}, more than the {format_pounds(costs)} "
            "that it costs. Give less, or say why"
        )
        raise Refused(words, field="over_costs_reason")


def _check_conditions(
    outcome: Outcome, conditions: Sequence[tuple[str, dt.date | None]], needs: Sequence[ApprovalBody]
) -> None:
    if outcome is Outcome.FUND_IF and not conditions:
        raise Refused("Enter the condition: “Fund if” needs one", field="conditions")
    if conditions and not outcome.funds:
        raise Refused("Conditions belong to a decision that gives money", field="conditions")
    if outcome.funds and not set(needs) - {ApprovalBody.PARTNERSHIP}:
        words = "Choose who else must agree: a partnership's minute alone authorises nothing"
        raise Refused(words, field="needs")


def _check_left(
    act: Act, round_: Round, holder: Holder, amounts: Mapping[Category, int], was: Mapping[Category, int]
) -> None:
    left = finance.money_left(round_.grant_id, holder.id, round_.fy)
    for category, pence in amounts.items():
        more = pence - was[category]
        money = left.get(category)
        if money is None:
            words = f"{holder.name} has no {category.label.lower()} allocation for this year"
            raise Refused(words, field=amount_field(category))
        if more > 0 and more > money.available:
            if queries.totals_hidden(act.by, round_, holder.id):
                raise Refused("That is more than is left of the allocation", field=amount_field(category))
            most = was[category] + money.available
            words = f"Enter {format_pounds(most)} or less: {format_pounds(money.left)} is left"
            if money.margin:
                words += f", and decisions may pass the allocation by {format_pounds(money.margin)}"
            raise Refused(words, field=amount_field(category))


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


def amount_field(category: Category) -> str:
    """The name of a category's box in the form, which a refusal points at."""
    return f"amount_{category.value}"


def _subject(proposal: Proposal, holder: Holder) -> str:
    return f"{proposals.subject(proposal)}/{holder.ref}"


def _facts(decision: Decision) -> dict[str, object]:
    return {
        "outcome": decision.outcome.value,
        "amounts": {each.category.value: each.pence for each in decision.amounts},
        "decided_on": decision.decided_on,
        "minute_ref": decision.minute_ref,
    }
