"""What must be true of a decision before it is recorded. Each check raises Refused with the field of the form."""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from svd_tracker.accounts.models import Holder
from svd_tracker.act import Act
from svd_tracker.approvals.models import ApprovalBody
from svd_tracker.calculations.figures import Category
from svd_tracker.clock import london_day
from svd_tracker.decisions import queries
from svd_tracker.decisions.models import Decision, Outcome
from svd_tracker.errors import Refused
from svd_tracker.finance import queries as finance
from svd_tracker.money import format_pounds
from svd_tracker.periods import format_date
from svd_tracker.proposals import queries as proposals
from svd_tracker.proposals.models import Proposal, ProposalState, ProposalVersion
from svd_tracker.rounds.models import Round, RoundState


class ConditionLine(NamedTuple):
    """What must be met, by when if a day was set, and who sees to it."""

    text: str
    due_on: dt.date | None = None
    owner: str = ""


class Votes(NamedTuple):
    """How a vote went, where one was taken."""

    in_favour: int
    against: int
    abstained: int


@dataclass(frozen=True)
class OverAllocation:
    """Why a past decision from paper passes the allocation and its margin, who allowed it, under which reference."""

    reason: str
    allowed_by: str
    reference: str

    @property
    def words(self) -> str:
        return f"{self.reason.strip()} (allowed by {self.allowed_by.strip()}, {self.reference.strip()})"


def amount_field(category: Category) -> str:
    """The name of a category's box in the form, which a refusal points at."""
    return f"amount_{category.value}"


def refuse_state(round_: Round, proposal: Proposal, before: Decision | None) -> None:
    """Raises Refused unless the round is being decided, or is published and an earlier decision is superseded."""
    if round_.state is not RoundState.DECIDING and not (round_.state is RoundState.PUBLISHED and before):
        raise Refused("Decisions are recorded while the round is being decided")
    if proposal.state is not ProposalState.SUBMITTED and before is None:
        raise Refused("This proposal is not submitted, so there is nothing to decide")


def check_words(act: Act, reason: str, decided_on: dt.date, minute_ref: str, before: Decision | None) -> None:
    """Raises Refused for a missing reason or reference, and for a day that is still to come or before what stands."""
    if not reason.strip():
        words = "why it takes the place of the earlier decision" if before else "the reason, whatever the outcome"
        raise Refused(f"Enter {words}", field="reason")
    if not minute_ref.strip():
        raise Refused("Enter the minute reference", field="minute_ref")
    if decided_on > act.on:
        raise Refused("Enter a date that is today or in the past", field="decided_on")
    if before and decided_on < before.decided_on:
        raise Refused("Enter a date that is not before the decision it supersedes", field="decided_on")


def check_amounts(
    outcome: Outcome, amounts: Mapping[Category, int], asked: Mapping[Category, int], over_reason: str
) -> None:
    """Raises Refused where the outcome and the pence by category do not belong together, or pass what was asked."""
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


def check_costs(
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


def check_conditions(outcome: Outcome, conditions: Sequence[ConditionLine], needs: Sequence[ApprovalBody]) -> None:
    """Raises Refused for “fund if” without a condition, conditions without money, money by a minute alone."""
    if outcome is Outcome.FUND_IF and not conditions:
        raise Refused("Enter the condition: “Fund if” needs one", field="conditions")
    if conditions and not outcome.funds:
        raise Refused("Conditions belong to a decision that gives money", field="conditions")
    if outcome.funds and not set(needs) - {ApprovalBody.PARTNERSHIP}:
        words = "Choose who else must agree: a partnership's minute alone authorises nothing"
        raise Refused(words, field="needs")


def check_left(
    act: Act,
    round_: Round,
    holder: Holder,
    amounts: Mapping[Category, int],
    was: Mapping[Category, int],
    beyond: bool,
) -> None:
    """What is more than before must be left, or inside the margin; ``beyond`` lets it pass both (FIGURES.md 21)."""
    left = finance.money_left(round_.grant_id, holder.id, round_.fy)
    for category, pence in amounts.items():
        more = pence - was[category]
        money = left.get(category)
        if money is None:
            words = f"{holder.name} has no {category.label.lower()} allocation for this year"
            raise Refused(words, field=amount_field(category))
        if more > 0 and more > money.available and not beyond:
            if queries.totals_hidden(act.by, round_, holder.id):
                raise Refused("That is more than is left of the allocation", field=amount_field(category))
            most = was[category] + money.available
            words = f"Enter {format_pounds(most)} or less: {format_pounds(money.left)} is left"
            if money.margin:
                words += f", and decisions may pass the allocation by {format_pounds(money.margin)}"
            raise Refused(words, field=amount_field(category))


def check_votes(votes: Votes | None) -> None:
    """Raises Refused for a count below nought, or votes that nobody cast."""
    if votes is None:
        return
    if min(votes) < 0:
        raise Refused("Enter the votes as whole numbers, 0 or more", field="votes_for")
    if not sum(votes):
        raise Refused("Enter how many voted, or leave all three empty", field="votes_for")


def check_beyond(proposal: Proposal, beyond: OverAllocation | None, outcome: Outcome, decided_on: dt.date) -> None:
    """Only a past decision from paper may pass the allocation, and it says who allowed it (FIGURES.md 21).

    It was taken before its proposal was first submitted here: this round's own meeting comes later.
    """
    if beyond is None:
        return
    for field, words in (
        ("reason", "why it passes the allocation"),
        ("allowed_by", "who allowed it to pass the allocation"),
        ("reference", "the reference under which it was allowed"),
    ):
        if not getattr(beyond, field).strip():
            raise Refused(f"Enter {words}", field=f"beyond_{field}")
    if not outcome.funds:
        raise Refused(f"“{outcome.label}” gives no money: leave this empty", field="beyond_reason")
    submitted = [london_day(each.submitted_at) for each in proposals.versions_of(proposal) if each.submitted_at]
    if submitted and decided_on >= min(submitted):
        words = (
            "Only a past decision from paper may pass the allocation: one dated before its proposal was first "
            f"submitted here, on {format_date(min(submitted))}"
        )
        raise Refused(words, field="beyond_reason")
