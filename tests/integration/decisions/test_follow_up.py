"""What follows a decision: agreements, conditions that flag spend, a chair's action, money past the allocation."""

import datetime as dt

import pytest
from flask import Flask
from sqlalchemy import select

from svd_tracker.act import Act
from svd_tracker.decisions import agreements, queries, services
from svd_tracker.decisions.models import (
    AgreementKind,
    Condition,
    ConditionState,
    DecisionReport,
    DeliveryAgreement,
    Outcome,
)
from svd_tracker.decisions.rules import ConditionLine, OverAllocation, Votes
from svd_tracker.errors import ChangedMeanwhile, NotAllowed, Refused
from svd_tracker.extensions import db
from svd_tracker.finance import queries as finance
from svd_tracker.proposals.queries import get_proposal
from svd_tracker.rounds.models import RoundState
from svd_tracker.rounds.queries import get_round
from tests.integration.decisions.support import BOTH, LABOUR, NON_LABOUR, asked, decide, deciding, form, spend
from tests.integration.scoring.support import declare
from tests.support.client import PageClient
from tests.support.money import holder
from tests.support.rounds import COORDINATOR, advance, person
from tests.support.world import DAY, act

pytestmark = pytest.mark.db

LATER, BEFORE = DAY + dt.timedelta(days=10), DAY - dt.timedelta(days=1)
BEYOND = OverAllocation("Agreed before the award was cut", "Head of Community Safety", "HCS 12")


def coordinator(on: dt.date = LATER) -> Act:
    return act(person(COORDINATOR).id, on)


def settle(state: ConditionState, reason: str) -> None:
    """Say what became of the only condition; commits."""
    condition = db.session.scalars(select(Condition)).one()
    services.settle_condition(condition, state, DAY, reason, coordinator())
    db.session.commit()


def test_votes_and_owners_are_kept_and_shown(app: Flask, client: PageClient) -> None:
    _, (proposal,) = deciding()
    data = form(outcome="fund_if", condition_1="Sign the agreement", owner_1="Service manager")
    data |= {"votes_for": "6", "votes_against": "1", "votes_abstained": ""}
    url = f"/proposals/{proposal.id}/decisions/{holder('dorset').id}"
    page = client.sign_in(COORDINATOR).follow(client.post(url, data)).text
    assert "6 for, 1 against, 0 abstained" in page
    assert "Service manager" in page


@pytest.mark.parametrize("votes", [Votes(0, 0, 0), Votes(3, -1, 0)])
def test_votes_that_cannot_be_are_refused(app: Flask, votes: Votes) -> None:
    _, (proposal,) = deciding()
    with pytest.raises(Refused) as refused:
        decide(proposal, votes=votes)
    assert refused.value.field == "votes_for"


def test_a_chairs_action_waits_until_it_is_reported(app: Flask, client: PageClient) -> None:
    _, (proposal,) = deciding()
    decision = decide(proposal, chairs_action=True)
    number = decision.id
    client.sign_in(COORDINATOR)
    assert "Report the chair’s action on P-01" in client.get("/").text
    assert "still to be reported" in client.get(f"/decisions/{number}").text
    data = {"meeting_on-day": "1", "meeting_on-month": "5", "meeting_on-year": "2025", "minute_ref": "Minute 3"}
    url = f"/decisions/{number}/report"
    client.get(url)
    early = data | {"meeting_on-month": "3"}
    assert "from the day of the action" in client.post(url, early, 200).text
    shown = client.follow(client.post(url, data | {"once_key": "b" * 32})).text
    assert "Reported to the meeting of 1 May 2025, Minute 3" in shown
    client.post(url, data | {"once_key": "b" * 32})
    assert len(db.session.scalars(select(DecisionReport)).all()) == 1
    assert "Report the chair’s action" not in client.get("/").text
    assert "reported already" in client.post(url, data, 200).text


def test_only_a_chairs_action_is_reported(app: Flask) -> None:
    _, (proposal,) = deciding()
    with pytest.raises(Refused, match="meeting's own"):
        services.report_chairs_action(decide(proposal), LATER, "Minute 3", coordinator())


def test_a_past_decision_passes_the_allocation_with_who_allowed_it(app: Flask, client: PageClient) -> None:
    _, (proposal,) = deciding({"dorset": {NON_LABOUR: 95_000_00}})
    with pytest.raises(Refused, match="is left"):
        decide(proposal)
    db.session.rollback()
    later = coordinator()
    decision = services.decide(
        later,
        proposal,
        holder("dorset"),
        outcome=Outcome.FUND,
        amounts=asked(proposal, "dorset"),
        reason="Decided on paper",
        decided_on=BEFORE,
        minute_ref="Minute 2",
        beyond=BEYOND,
    )
    db.session.commit()
    number = decision.id
    left = finance.money_left(decision.proposal.round.grant_id, decision.holder_id, 2025)[NON_LABOUR].left
    assert left == 91_330_40 - 95_000_00
    page = client.sign_in(COORDINATOR).get(f"/decisions/{number}").text
    assert "allowed by Head of Community Safety, HCS 12" in page
    assert "over-committed by £3,669.60" in page


def test_a_rise_by_superseding_may_pass_it_too(app: Flask) -> None:
    _, (proposal,) = deciding({"dorset": {NON_LABOUR: 95_000_00}})
    first = decide(proposal, outcome=Outcome.FUND_IN_PART, amounts={NON_LABOUR: 50_000_00}, decided_on=BEFORE)
    services.decide(
        coordinator(),
        proposal,
        holder("dorset"),
        outcome=Outcome.FUND,
        amounts=asked(proposal, "dorset"),
        reason="The paper says all of it",
        decided_on=BEFORE,
        minute_ref="Minute 2",
        beyond=BEYOND,
        supersedes=first,
    )
    assert {each.pence for each in finance.fundings(holder("dorset").id, 2025)} == {95_000_00}


@pytest.mark.parametrize("missing", ["reason", "allowed_by", "reference"])
def test_passing_the_allocation_needs_its_reason_who_and_reference(app: Flask, missing: str) -> None:
    _, (proposal,) = deciding()
    facts = {"reason": BEYOND.reason, "allowed_by": BEYOND.allowed_by, "reference": BEYOND.reference, missing: " "}
    with pytest.raises(Refused) as refused:
        decide(proposal, beyond=OverAllocation(**facts))
    assert refused.value.field == f"beyond_{missing}"


@pytest.mark.parametrize("recorded_on", [DAY, LATER])
def test_a_decision_of_the_rounds_own_meeting_may_not_pass_the_allocation(app: Flask, recorded_on: dt.date) -> None:
    """Neither on the day nor recorded later: on paper means before the proposal was first submitted here."""
    _, (proposal,) = deciding({"dorset": {NON_LABOUR: 95_000_00}})
    with pytest.raises(Refused, match="first submitted here, on 1 April 2025") as refused:
        services.decide(
            coordinator(recorded_on),
            proposal,
            holder("dorset"),
            outcome=Outcome.FUND,
            amounts=asked(proposal, "dorset"),
            reason="The meeting wants it",
            decided_on=DAY,
            minute_ref="Minute 2",
            beyond=BEYOND,
        )
    assert refused.value.field == "beyond_reason"


def test_spend_is_flagged_until_the_condition_is_met(app: Flask, client: PageClient) -> None:
    _, (proposal,) = deciding()
    decision = decide(proposal, outcome=Outcome.FUND_IF)
    spend(decision, 100_00)
    labour = next(each.id for each in finance.fundings(holder("dorset").id, 2025) if each.category is LABOUR)
    url = f"/fundings/{labour}"
    words = "A condition of its decision is not met, and £100.00 is spent: A data sharing agreement is signed"
    client.sign_in("finance.officer@dorset.example")
    assert words in client.get(url).text
    year = f"/finance/{holder('dorset').id}/2025"
    assert "Condition not met" in client.get(year).text
    settle(ConditionState.FAILED, "They would not sign")
    assert words in client.get(url).text
    settle(ConditionState.MET, "Signed")
    assert "A condition of its decision" not in client.get(url).text
    assert "Condition not met" not in client.get(year).text


def test_a_condition_waits_on_the_first_page_when_its_day_is_near(app: Flask, client: PageClient) -> None:
    _, (proposal,) = deciding()
    lines = [
        ConditionLine("Soon", DAY + dt.timedelta(days=3)),
        ConditionLine("Far", dt.date(2099, 1, 1)),
        ConditionLine("No day"),
    ]
    decide(proposal, outcome=Outcome.FUND_IF, conditions=lines)
    page = client.sign_in(COORDINATOR).get("/").text
    assert "Condition of P-01, Dorset Community Safety Partnership: Soon" in page
    assert "Far" not in page
    assert "No day" not in page
    assert "Condition of P-01" not in client.sign_in("coordinator@bcp.example").get("/").text


def test_an_agreement_is_recorded_then_signed(app: Flask, client: PageClient) -> None:
    _, (proposal,) = deciding()
    number = decide(proposal).id
    url = f"/decisions/{number}/agreement"
    page = client.sign_in(COORDINATOR).get(url).text
    assert 'value="Harbour Youth Charity"' in page
    data = {"kind": "grant", "body": "Harbour Youth Charity", "reference": "GA 7", "row_version": "0"}
    assert "Enter the reference" in client.post(url, data | {"reference": ""}, 200).text
    shown = client.follow(client.post(url, data)).text
    assert "Grant with Harbour Youth Charity, GA 7." in shown
    signed = {"signed_on-day": "1", "signed_on-month": "4", "signed_on-year": "2025"}
    assert "changed this after you opened it" in client.post(url, data | signed, 200).text
    shown = client.follow(client.post(url, data | signed | {"row_version": "1"})).text
    assert "GA 7, signed on 1 April 2025." in shown
    assert [each.seq for each in db.session.scalars(select(DeliveryAgreement).order_by(DeliveryAgreement.seq))] == [
        1,
        2,
    ]


def test_an_agreement_belongs_to_money_that_stands(app: Flask) -> None:
    _, (proposal,) = deciding()
    rejected = decide(proposal, outcome=Outcome.REJECT)
    facts = (AgreementKind.CONTRACT, "Body", "C 1", None, 0)
    with pytest.raises(Refused, match="gives money"):
        agreements.record_agreement(rejected, *facts, coordinator())
    funded = decide(proposal, supersedes=rejected)
    with pytest.raises(Refused) as refused:
        agreements.record_agreement(
            funded, AgreementKind.CONTRACT, "Body", "C 1", LATER + dt.timedelta(days=1), 0, coordinator()
        )
    assert refused.value.field == "signed_on"
    agreements.record_agreement(funded, *facts, coordinator())
    with pytest.raises(ChangedMeanwhile):
        agreements.record_agreement(funded, *facts, coordinator())


def test_the_page_of_what_is_owed_lists_it_for_those_who_read_papers(app: Flask, client: PageClient) -> None:
    round_, made = deciding(BOTH, BOTH)
    number, proposal_ids = round_.id, [each.id for each in made]
    decide(made[0], outcome=Outcome.FUND_IF)
    decide(made[0], "bcp", Outcome.REJECT)
    url = f"/rounds/{number}/decisions/follow-up"
    page = client.sign_in(COORDINATOR).get(url).text
    few = len(client.queries)
    assert "Accountable body, OPCC" in page
    assert "A data sharing agreement is signed" in page
    assert "None yet" in page
    assert page.count("<tr class") == 2  # the head and Dorset's own
    assert f'href="{url}"' in client.get(f"/rounds/{number}/decisions").text
    text = client.get(f"{url}.csv").text
    assert "P-01,Project 1,Dorset Community Safety Partnership,Fund if,Accountable body; OPCC" in text
    member = client.sign_in("member@dorset.example").get(url).text
    assert "Record it" not in member
    client.sign_in("finance.officer@dorset.example").get(url, 403)
    client.sign_in("assessor.health@nhs.example").get(url, 403)
    decide(get_proposal(proposal_ids[1]))
    client.sign_in(COORDINATOR).get(url)
    assert len(client.queries) == few


def test_what_is_shut_is_neither_listed_nor_opened(app: Flask, client: PageClient) -> None:
    round_, (proposal,) = deciding({"dorset": {LABOUR: 12_000_00}})
    decision = decide(
        proposal, chairs_action=True, outcome=Outcome.FUND_IF, conditions=[ConditionLine("Hidden words", DAY)]
    )
    number, round_id = decision.id, round_.id
    declare(proposal, COORDINATOR)
    client.sign_in(COORDINATOR)
    for path in ("agreement", "report", "feedback", "letter"):
        client.get(f"/decisions/{number}/{path}", 403)
    assert "Project 1" not in client.get(f"/rounds/{round_id}/decisions/follow-up").text
    assert "P-01" not in client.get(f"/rounds/{round_id}/decisions/follow-up.csv").text
    page = client.get("/").text
    assert "Hidden words" not in page
    assert "chair’s action" not in page
    with pytest.raises(NotAllowed):
        agreements.record_agreement(queries.get_decision(number), AgreementKind.GRANT, "B", "R", None, 0, coordinator())
    with pytest.raises(NotAllowed):
        services.report_chairs_action(queries.get_decision(number), LATER, "Minute 3", coordinator())
    db.session.rollback()
    advance(get_round(round_id), RoundState.PUBLISHED)
    assert "Project 1" in client.get(f"/rounds/{round_id}/decisions/follow-up").text
