"""Recording a decision on its page, and who reads which decisions."""

import re

import pytest
from flask import Flask
from sqlalchemy import func, select

from svd_tracker.decisions.models import Condition, Decision, Outcome
from svd_tracker.extensions import db
from svd_tracker.proposals.queries import get_proposal
from svd_tracker.rounds.models import RoundState
from svd_tracker.rounds.queries import get_round
from tests.integration.decisions.support import BOTH, NON_LABOUR, decide, deciding, form, spend
from tests.integration.scoring.support import declare, save, send
from tests.support.client import PageClient
from tests.support.money import holder
from tests.support.rounds import ASSESSORS, COORDINATOR, advance, finish_interests, make_proposal, make_round

pytestmark = pytest.mark.db


def recorded() -> int:
    return db.session.scalar(select(func.count()).select_from(Decision)) or 0


def test_a_decision_is_recorded_once_whatever_is_clicked(app: Flask, client: PageClient) -> None:
    _, (proposal,) = deciding()
    number = proposal.id
    url = f"/proposals/{number}/decisions/{holder('dorset').id}"
    page = client.sign_in(COORDINATOR).get(url).get_data(as_text=True)
    assert 'value="12000.00"' in page
    assert "91,330.40" in page  # what is left
    data = form(once_key="a" * 32)
    first = client.post(url, data)
    assert client.post(url, data).location == first.location
    assert recorded() == 1
    shown = client.follow(first).get_data(as_text=True)
    assert "funds it with £15,000.10, all that was asked of it." in shown
    assert "Accountable body: not agreed yet" in shown
    assert f"/plan/{holder('dorset').id}/2025" in shown
    assert "All decisions of this round" in shown
    assert "Decided on proposal P-01" in client.get("/").text
    assert f"/proposals/{number}/withdraw" not in client.get(f"/proposals/{number}").text


def test_refusals_stand_at_the_field_and_keep_what_was_typed(app: Flask, client: PageClient) -> None:
    costs = {"dorset": {NON_LABOUR: 95_000_00}}
    _, (proposal,) = deciding(costs)
    url = f"/proposals/{proposal.id}/decisions/{holder('dorset').id}"
    client.sign_in(COORDINATOR)
    page = client.post(url, form(amount_labour="", amount_non_labour="95000"), 200).get_data(as_text=True)
    assert "Enter £91,330.40 or less: £91,330.40 is left" in page
    assert "#amount_non_labour" in page
    assert "schools ask for it" in page
    page = client.post(url, form(outcome="fund_if", amount_labour="", amount_non_labour="9"), 200).get_data(
        as_text=True
    )
    assert "“Fund if” needs one" in page
    assert "#condition_1" in page
    page = client.post(url, form(amount_labour="lots"), 200).get_data(as_text=True)
    assert "Enter an amount in pounds, like 1,250.00" in page
    assert recorded() == 0


def test_rejecting_does_not_read_the_amounts(app: Flask, client: PageClient) -> None:
    _, (proposal,) = deciding()
    url = f"/proposals/{proposal.id}/decisions/{holder('dorset').id}"
    answer = client.sign_in(COORDINATOR).post(url, form(outcome="reject"))
    assert "rejects it" in client.follow(answer).get_data(as_text=True)


def test_superseding_on_the_page_and_somebody_being_quicker(app: Flask, client: PageClient) -> None:
    _, (proposal,) = deciding()
    proposal_id = proposal.id
    first = decide(proposal, "dorset", Outcome.RESERVE, reason="Wait for the underspend.").id
    url = f"/proposals/{proposal_id}/decisions/{holder('dorset').id}"
    client.sign_in(COORDINATOR)
    page = client.post(url, form(), 200).get_data(as_text=True)
    assert "Somebody else recorded a decision after you opened this page" in page
    assert "schools ask for it" in page
    assert "Somebody else recorded a decision" in client.post(url, form(supersedes="9" * 23), 200).text
    shown = client.follow(client.post(url, form(supersedes=str(first)))).get_data(as_text=True)
    assert "Decisions so far" in shown
    assert "Wait for the underspend." in shown
    assert "A later decision has taken the place of this one" in client.get(f"/decisions/{first}").get_data(
        as_text=True
    )


def test_agreed_bodies_and_conditions(app: Flask, client: PageClient) -> None:
    _, (proposal,) = deciding()
    url = f"/proposals/{proposal.id}/decisions/{holder('dorset').id}"
    agreed = {"agreed_opcc-day": "1", "agreed_opcc-month": "4", "agreed_opcc-year": "2025", "reference_opcc": "DR 12"}
    data = form(outcome="fund_if", condition_1="Sign the agreement", **agreed)
    shown = client.sign_in(COORDINATOR).follow(client.post(url, data)).get_data(as_text=True)
    assert "OPCC: agreed on 1 April 2025, DR 12" in shown
    condition = db.session.scalars(select(Condition)).one()
    settle = f"/conditions/{condition.id}"
    assert settle in shown
    client.get(settle)
    day = {"happened_on-day": "1", "happened_on-month": "5", "happened_on-year": "2025"}
    assert "Enter what shows it" in client.post(settle, {"state": "met", **day}, 200).get_data(as_text=True)
    answer = client.post(settle, {"state": "met", "reason": "Signed by both", **day})
    assert "Met on 1 May 2025: Signed by both" in client.follow(answer).get_data(as_text=True)
    client.sign_in("coordinator@bcp.example").get(settle, 403)


def test_every_decision_is_shown_with_its_reason_to_those_it_is_for(app: Flask, client: PageClient) -> None:
    round_, (shared, own) = deciding(BOTH, {"dorset": BOTH["dorset"]})
    url = f"/rounds/{round_.id}/decisions"
    nos = [decide(shared, "dorset", reason="Reason of Dorset").id]
    nos.append(decide(shared, "bcp", Outcome.REJECT, reason="Reason of BCP").id)
    nos.append(decide(own, "dorset", Outcome.REJECT, reason="Only for Dorset").id)
    everything = ("Reason of Dorset", "Reason of BCP", "Only for Dorset")
    sees = {
        COORDINATOR: everything,
        "member@dorset.example": everything,
        "auditor@audit.example": everything,
        "opcc.officer@opcc.example": everything,
        "assessor.health@nhs.example": everything,
        "member@bcp.example": everything[:2],
        "finance.officer@bcp.example": everything[1:2],
        "certifier@dorset.example": (everything[0], everything[2]),
    }
    for email, wanted in sees.items():
        client.sign_in(email)
        for route in (url, f"{url}.csv"):
            page = client.get(route).get_data(as_text=True)
            assert [words for words in everything if words in page] == list(wanted), (email, route)
        for number, words in zip(nos, everything, strict=True):
            client.get(f"/decisions/{number}", 200 if words in wanted else 403)
    for email in ("administrator@dorset.example", "proposer@charity.example"):
        client.sign_in(email).get(url, 403)
        client.get(f"{url}.csv", 403)
        client.get(f"/decisions/{nos[0]}", 403)


def test_who_wrote_a_proposal_reads_what_was_decided_once_it_is_published(app: Flask, client: PageClient) -> None:
    round_, (proposal,) = deciding()
    url, round_id = f"/proposals/{proposal.id}", round_.id
    decide(proposal, "dorset", reason="Reason of Dorset", words_to_applicant="Well argued: please start in May.")
    decide(proposal, "bcp", Outcome.REJECT, reason="Reason of BCP")
    assert "What was decided" not in client.sign_in("proposer@charity.example").get(url).text
    advance(get_round(round_id), RoundState.PUBLISHED)
    page = client.get(url).text
    assert "funds it with £15,000.10, all that was asked of it. Well argued: please start in May." in page
    assert "rejects it. It was asked for £8,000." in page
    assert "Reason of" not in page  # the reasons are for the partnerships
    assert "/decisions/" not in page
    page = client.sign_in("member@bcp.example").get(url).text
    assert "Reason of BCP" in page


def test_what_is_kept_back_and_given_elsewhere_is_said_where_one_decides(app: Flask, client: PageClient) -> None:
    _, (proposal,) = deciding(kept_back=1_000_00)
    proposal_id = proposal.id
    decide(proposal, "bcp", Outcome.REJECT, reason="Reason of BCP")
    client.sign_in(COORDINATOR)
    page = client.get(f"/proposals/{proposal_id}/decisions/{holder('dorset').id}").text
    assert "£1,000.00 of the labour allocation is kept back from this round: Continuing posts." in page
    assert "BCP Community Safety Partnership: Reason of BCP" in page
    assert "gives £0" not in page


def test_who_may_record_a_decision(app: Flask, client: PageClient) -> None:
    _, (proposal,) = deciding()
    url = f"/proposals/{proposal.id}/decisions/{holder('dorset').id}"
    for email in (
        "coordinator@bcp.example",
        "member@dorset.example",
        "finance.officer@dorset.example",
        "auditor@audit.example",
    ):
        client.sign_in(email).get(url, 403)
        client.post(url, form(), 403)
    assert recorded() == 0


def test_a_declared_interest_shuts_the_decision_until_it_is_published(app: Flask, client: PageClient) -> None:
    round_, (proposal,) = deciding()
    url, ids = f"/rounds/{round_.id}/decisions", (proposal.id, round_.id)
    number = decide(proposal, "dorset", reason="Reason of Dorset").id
    decide(proposal, "bcp", Outcome.REJECT)
    declare(proposal, "member@dorset.example")
    client.sign_in("member@dorset.example")
    for route in (url, f"{url}.csv"):
        page = client.get(route).get_data(as_text=True)
        assert "Reason of Dorset" not in page
        assert "You declared an interest" in page
        for amount in ("15,000.10", "12000.00", "3000.10", "8,000.00", "8000.00"):
            assert amount not in page  # what is asked is shut as well
    client.get(f"/decisions/{number}", 403)
    declare(get_proposal(ids[0]), COORDINATOR)
    client.sign_in(COORDINATOR).get(f"/proposals/{ids[0]}/decisions/{holder('dorset').id}", 403)
    advance(get_round(ids[1]), RoundState.PUBLISHED)
    client.sign_in("member@dorset.example").get(f"/decisions/{number}")


def test_a_declared_interest_hides_totals_that_a_subtraction_would_give_away(app: Flask, client: PageClient) -> None:
    costs = {"dorset": {NON_LABOUR: 60_000_00}}
    round_, (shut, other) = deciding(costs, costs)
    decide(shut)
    shut_id, left = shut.id, "31,330.40"  # of £91,330.40, so that it tells the £60,000
    url, page_of_other = f"/rounds/{round_.id}/decisions", f"/proposals/{other.id}/decisions/{holder('dorset').id}"
    too_much = form(amount_labour="", amount_non_labour="60,000.00")
    client.sign_in(COORDINATOR)
    assert left in client.get(url).text
    assert left in client.get(page_of_other).text
    assert left in client.post(page_of_other, too_much, 200).text
    declare(get_proposal(shut_id), COORDINATOR)
    for page in (client.get(url), client.get(page_of_other), client.post(page_of_other, too_much, 200)):
        assert left not in page.text
        assert "ot shown: you declared an interest" in page.text
    assert "That is more than is left of the allocation" in page.text
    assert left in client.sign_in("member@dorset.example").get(url).text


def test_the_page_says_what_a_cut_below_what_is_spent_will_do(app: Flask, client: PageClient) -> None:
    _, (proposal,) = deciding()
    url, first = f"/proposals/{proposal.id}/decisions/{holder('dorset').id}", decide(proposal)
    spend(first, 100_00)
    number = str(first.id)
    page = client.sign_in(COORDINATOR).get(url).text
    assert "Labour: £100.00 is already spent: what of it passes the new amount will show as locally funded." in page
    client.post(url, form(outcome="reject", supersedes=number))


def test_the_list_asks_few_queries_however_much_there_is(app: Flask, client: PageClient) -> None:
    small = {"dorset": {NON_LABOUR: 1_000_00}, "bcp": {NON_LABOUR: 500_00}}
    round_, made = deciding(*[small] * 12)
    url, found = f"/rounds/{round_.id}/decisions", []
    client.sign_in("auditor@audit.example")
    ids = [each.id for each in made]
    for part in (ids[:2], ids[2:]):
        for proposal_id in part:
            decide(get_proposal(proposal_id))
        client.get(url)
        found.append(len(client.queries))
    assert found[0] == found[1] <= 40, found  # a quarter of them for the ranks


def test_the_list_stands_in_the_order_of_the_ranks_once_scores_are_shown(app: Flask, client: PageClient) -> None:
    round_ = make_round()
    made = [make_proposal(round_, f"Project {number}", costs=BOTH) for number in range(4)]
    advance(round_, RoundState.SCORING)
    finish_interests(round_)
    for email in ASSESSORS:
        for proposal, mark in zip(made, (300, 500, 0, 300), strict=True):
            save(proposal, email, {"G1": 100, "C1": mark, "C2": mark, "C3": mark})
        send(round_, email)
    advance(round_, RoundState.DECIDING)
    url = f"/rounds/{round_.id}/decisions"
    page = client.sign_in(COORDINATOR).get(url).text
    order = re.findall(r'numeric"(?: data-sort-value="\d")?>([^<]+)</td>\s*<th scope="row"[^>]*>(P-\d\d)', page)
    both = [(" ".join(rank.split()), ref) for rank, ref in order]
    wanted = [("1", "P-02"), ("2 =", "P-01"), ("2 =", "P-04"), ("–", "P-03")]
    assert both == [each for each in wanted for _ in range(2)]
    page = client.sign_in("finance.officer@dorset.example").get(url).text
    assert ">Rank<" not in page, "who may not see the ranking finds no rank here"


def test_what_waits_for_the_coordinator(app: Flask, client: PageClient) -> None:
    deciding(BOTH, {"dorset": BOTH["dorset"]})
    assert "Decide 2 proposals" in client.sign_in(COORDINATOR).get("/").get_data(as_text=True)
    assert "Decide 1 proposal:" in client.sign_in("coordinator@bcp.example").get("/").get_data(as_text=True)


def test_the_round_is_published_from_its_page_once_all_is_decided(app: Flask, client: PageClient) -> None:
    round_, (proposal,) = deciding({"dorset": BOTH["dorset"]})
    round_id, number = round_.id, proposal.id
    page = client.sign_in(COORDINATOR).get(f"/rounds/{round_id}").text
    assert "Decisions are still to be recorded." in page
    assert "1 is your own partnership’s to record" in page
    assert "Go to the decisions" in page
    assert "/move/published" not in page
    decide(get_proposal(number), "dorset", Outcome.REJECT)
    db.session.remove()
    assert "/move/published" in client.get(f"/rounds/{round_id}").text
    advance(get_round(round_id), RoundState.PUBLISHED)  # as the page does it: with what the page loads beside it
    page = client.sign_in("member@dorset.example").get(f"/rounds/{round_id}/decisions").get_data(as_text=True)
    assert "Published" in page
