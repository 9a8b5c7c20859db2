"""How sure a ranking is: off by default, for coordinators alone, refused to who has an interest, and the best set."""

import pytest
from flask import Flask
from sqlalchemy import select

from svd_tracker.audit.models import AuditLine
from svd_tracker.calculations.figures import Category
from svd_tracker.errors import Refused
from svd_tracker.extensions import db
from svd_tracker.grants.queries import get_grant
from svd_tracker.proposals.queries import get_proposal
from svd_tracker.rounds.models import Round, RoundState
from svd_tracker.rounds.queries import get_round
from svd_tracker.scoring.analysis_services import switch_analysis
from tests.integration.scoring.support import HEALTH, POLICE, PROBATION, declare, save, score_all, send
from tests.support.client import PageClient
from tests.support.money import holder, make_grant
from tests.support.rounds import ASSESSORS, COORDINATOR, advance, finish_interests, make_proposal, make_round, person
from tests.support.world import act

pytestmark = pytest.mark.db
BIG = {"dorset": {Category.NON_LABOUR: 60_000_00}}
MIDDLE = {"dorset": {Category.NON_LABOUR: 50_000_00}}
SMALL = {"dorset": {Category.NON_LABOUR: 40_000_00}}


def scored(*, on: bool = True) -> Round:
    """Of £91,330.40: the first and third fit together with nothing for the second; the line stops at the second."""
    round_ = make_round()
    proposals = [
        make_proposal(round_, title, costs=costs)
        for title, costs in (("Specialist nurse", BIG), ("Level-Up", MIDDLE), ("Street mentors", SMALL))
    ]
    advance(round_, RoundState.SCORING)
    finish_interests(round_)
    marks = {
        HEALTH: ((400, 400, 400), (200, 200, 200), (300, 300, 300)),
        POLICE: ((400, 400, 400), (500, 500, 500), (400, 400, 400)),
        PROBATION: ((400, 400, 400), (400, 400, 400), (300, 300, 300)),
    }
    for email, of_each in marks.items():
        for proposal, (need, delivery, value) in zip(proposals, of_each, strict=True):
            save(proposal, email, {"G1": 100, "C1": need, "C2": delivery, "C3": value})
        send(round_, email)
    if on:
        turn(round_, on=True)
    return round_


def turn(round_: Round, *, on: bool) -> None:
    switch_analysis(round_, on, act(person(COORDINATOR).id))
    db.session.commit()


def url(round_: Round) -> str:
    return f"/rounds/{round_.id}/analysis"


def test_it_is_off_until_a_coordinator_turns_it_on_and_that_is_in_the_audit(app: Flask, client: PageClient) -> None:
    round_ = scored(on=False)
    round_id, address = round_.id, url(round_)
    client.sign_in(COORDINATOR)
    page = client.get(f"{address}?set={holder('dorset').id}").get_data(as_text=True)
    assert "This is turned off" in page
    assert "Specialist nurse" not in page
    client.post(f"{address}/switch", {"on": "1"})
    client.post(f"{address}/switch", {"on": "1"})  # the second click
    assert "Near the line of" in client.get(address).get_data(as_text=True)
    client.post(f"{address}/switch", {"off": "1"})
    assert not get_round(round_id).analysis_on
    actions = db.session.scalars(select(AuditLine.action).order_by(AuditLine.id)).all()
    assert [each for each in actions if "analysis" in each] == ["turn_on_analysis", "turn_off_analysis"]


def test_it_says_in_plain_words_what_each_side_depends_on_and_names_nobody(app: Flask, client: PageClient) -> None:
    round_ = scored()
    page = client.sign_in(COORDINATOR).get(url(round_)).get_data(as_text=True)
    # Level-Up has 73.33 against 66.67: without police 60 against 60, and it never fits beside the nurse.
    assert "Depends on one member’s scores" in page
    for email in ASSESSORS:
        assert person(email).name not in page


def test_the_best_set_names_what_it_passes_over(app: Flask, client: PageClient) -> None:
    round_ = scored()
    address = f"{url(round_)}?set={holder('dorset').id}"
    page = client.sign_in(COORDINATOR).get(address).get_data(as_text=True)
    # £91,330.40 holds the second and third (73.33 + 66.67), not the first with either.
    assert "2 proposals, results together 140.00%" in page
    assert "those that the line funds wholly come to 80.00%" in page
    assert "No other set that fits does better" in page
    assert "£1,330.40" in page
    assert "Specialist nurse" in page.split("Passed over, though ranked higher")[2]
    client.get(f"{address.partition('=')[0]}={holder('bcp').id}", 404)  # not a line that this coordinator sees


def test_nobody_but_a_coordinator_who_may_see_scores_reaches_it(app: Flask, client: PageClient) -> None:
    round_ = scored()
    address = url(round_)
    for email in (HEALTH, "member@dorset.example", "auditor@audit.example", "administrator@dorset.example"):
        client.sign_in(email).get(address, 403)
        client.post(f"{address}/switch", {"off": "1"}, 403)
    client.sign_in(COORDINATOR).get(address)


def test_it_is_refused_before_all_have_sent_and_with_an_interest(app: Flask, client: PageClient) -> None:
    round_ = make_round()
    proposal = make_proposal(round_, "Specialist nurse", costs=BIG)
    advance(round_, RoundState.SCORING)
    turn(round_, on=True)
    address, round_id, proposal_id = url(round_), round_.id, proposal.id
    client.sign_in(COORDINATOR).get(address, 403)
    score_all(get_round(round_id), get_proposal(proposal_id))  # a request leaves the objects of before it behind
    client.get(address)
    declare(get_proposal(proposal_id), COORDINATOR)
    page = client.get(address, 403).get_data(as_text=True)
    assert "Specialist nurse" not in page


def test_it_cannot_be_turned_on_before_scoring(app: Flask) -> None:
    round_ = make_round()
    with pytest.raises(Refused, match="no ranking before"):
        switch_analysis(round_, True, act(person(COORDINATOR).id))


def test_it_is_not_in_the_papers(app: Flask, client: PageClient) -> None:
    round_ = scored()
    client.sign_in(COORDINATOR)
    assert "member’s scores" not in client.get(f"/rounds/{round_.id}/ranking").get_data(as_text=True)


def test_the_page_asks_few_queries_however_much_there_is(app: Flask, client: PageClient) -> None:
    grant_id, counts = make_grant().id, []
    client.sign_in(COORDINATOR)
    for number in (4, 16):
        round_ = make_round(get_grant(grant_id))
        proposals = [make_proposal(round_, f"Project {each}", costs=SMALL) for each in range(number)]
        advance(round_, RoundState.SCORING)
        score_all(round_, *proposals)
        turn(round_, on=True)
        client.get(f"{url(round_)}?set={holder('dorset').id}")
        counts.append(len(client.queries))
    assert max(counts) <= 33, counts
    assert counts[0] == counts[1], counts
