"""A round being decided, and decisions recorded through the service."""

import datetime as dt
from collections.abc import Mapping
from typing import Any

from svd_tracker.calculations.figures import Category, EntryKind
from svd_tracker.decisions import services
from svd_tracker.decisions.models import Decision, Outcome
from svd_tracker.decisions.rules import ConditionLine
from svd_tracker.extensions import db
from svd_tracker.finance import queries as finance
from svd_tracker.finance import services as finance_services
from svd_tracker.proposals import queries as proposals
from svd_tracker.proposals.models import Proposal
from svd_tracker.rounds.models import Round, RoundState
from tests.integration.scoring.support import score_all
from tests.support.money import holder
from tests.support.prepared import prepared
from tests.support.rounds import advance, make_proposal, make_round, person
from tests.support.world import DAY, act

LABOUR, NON_LABOUR = Category.LABOUR, Category.NON_LABOUR
BOTH = {"dorset": {LABOUR: 12_000_00, NON_LABOUR: 3_000_10}, "bcp": {NON_LABOUR: 8_000_00}}


@prepared
def deciding(*costs: Mapping[str, Mapping[Category, int]], **changes: Any) -> tuple[Round, list[Proposal]]:
    """A round in its deciding state with a scored proposal for each of ``costs``."""
    round_ = make_round(**changes)
    made = [make_proposal(round_, f"Project {number}", costs=each) for number, each in enumerate(costs or (BOTH,), 1)]
    advance(round_, RoundState.SCORING)
    score_all(round_, *made)
    advance(round_, RoundState.DECIDING)
    return round_, made


def asked(proposal: Proposal, ref: str) -> dict[Category, int]:
    version = proposals.submitted_version(proposal)
    assert version is not None
    return proposals.asks(version)[holder(ref).id]


@prepared
def decide(proposal: Proposal, ref: str = "dorset", outcome: Outcome = Outcome.FUND, **changes: Any) -> Decision:
    """Record and commit a decision of a partnership, by its coordinator; funds what was asked unless told otherwise."""
    values: dict[str, Any] = {
        "outcome": outcome,
        "amounts": asked(proposal, ref) if outcome.funds else {},
        "reason": "It works, and schools ask for it.",
        "decided_on": DAY,
        "minute_ref": "CSP 1 April 2025, minute 5",
        "conditions": [ConditionLine("A data sharing agreement is signed")] if outcome is Outcome.FUND_IF else [],
        **changes,
    }
    by = act(person(f"coordinator@{ref}.example").id)
    decision = services.decide(by, proposal, holder(ref), **values)
    db.session.commit()
    return decision


def spend(decision: Decision, pence: int) -> None:
    """The finance officer posts an invoice to the labour that Dorset's decision opened; commits."""
    labour = next(each for each in finance.fundings(decision.holder_id, 2025) if each.category is LABOUR)
    by = act(person("finance.officer@dorset.example").id)
    funding = finance.get_funding(labour.id)
    finance_services.post_entry(by, funding, kind=EntryKind.ACTUAL, spent_on=DAY, document="PAY-1", pence=pence)
    db.session.commit()


def form(**changes: str) -> dict[str, Any]:
    """What the page sends for a decision to fund what was asked, recorded on a day that is past for any clock."""
    day = dt.date(2025, 4, 1)
    return {
        "outcome": "fund",
        "amount_labour": "12,000.00",
        "amount_non_labour": "3,000.10",
        "reason": "It works, and schools ask for it.",
        "decided_on-day": str(day.day),
        "decided_on-month": str(day.month),
        "decided_on-year": str(day.year),
        "minute_ref": "Minute 5",
        "needs": ["accountable_body", "opcc"],
        "supersedes": "",
        **changes,
    }
