"""Substitutes, the chair and stand-ins: services and pages."""

import pytest
from flask import Flask

from svd_tracker.accounts.models import Person
from svd_tracker.accounts.permissions import CHAIR as CHAIR_ROLE
from svd_tracker.accounts.permissions import Permission, Scope
from svd_tracker.accounts.queries import load_access
from svd_tracker.calculations.figures import Category
from svd_tracker.errors import ChangedMeanwhile, Refused
from svd_tracker.extensions import db
from svd_tracker.proposals import interest_services
from svd_tracker.proposals.models import InterestKind, Proposal
from svd_tracker.rounds import people_queries, people_services, queries
from svd_tracker.rounds.models import Round, RoundState
from svd_tracker.scoring import queries as scoring
from svd_tracker.scoring.services import Given, enter_paper, reopen
from tests.integration.scoring.support import FULL, criterion_ids, save, score_all, send
from tests.support.chains import assert_chains_whole
from tests.support.client import PageClient
from tests.support.money import holder
from tests.support.rounds import (
    ASSESSORS,
    COORDINATOR,
    advance,
    finish_interests,
    finish_organisations,
    make_proposal,
    make_round,
    person,
)
from tests.support.world import DAY, act

pytestmark = pytest.mark.db

HEALTH, POLICE, PROBATION = ASSESSORS
BCP, MEMBER = "coordinator@bcp.example", "member@dorset.example"


@pytest.fixture(autouse=True)
def _in_april(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(app.config, "TODAY", DAY)


def by(email: str = COORDINATOR) -> int:
    return person(email).id


def scoring_round() -> tuple[Round, Proposal]:
    round_ = make_round()
    proposal = make_proposal(round_)
    advance(round_, RoundState.SCORING)
    finish_interests(round_)
    return round_, proposal


def substitute(round_: Round, for_email: str = HEALTH, email: str = MEMBER, reason: str = "Ill") -> None:
    people_services.name_substitute(round_, person(for_email), person(email), reason, act(by()))
    db.session.commit()


def stand_in(round_: Round, email: str = MEMBER, acting: str = COORDINATOR, for_email: str = COORDINATOR) -> None:
    dorset, who, whom = holder("dorset"), person(email), person(for_email)
    people_services.name_stand_in(round_, dorset, who, whom, "Has an interest in P-01", act(by(acting)))
    db.session.commit()


def declare(proposal: Proposal, email: str) -> None:
    who = person(email).id
    interest_services.declare_interest(proposal.round, proposal, who, InterestKind.DIRECT, "On its board", act(who))
    db.session.commit()


def test_a_substitute_scores_and_the_other_stands_down(app: Flask) -> None:
    round_, proposal = scoring_round()
    save(proposal, HEALTH, FULL)
    send(round_, HEALTH)
    save(proposal, POLICE, FULL)  # a draft
    with pytest.raises(Refused, match="nothing left to send"):  # it would be one more scorer
        substitute(round_, HEALTH)
    db.session.rollback()
    assessment = scoring.assessment_of(proposal, by(HEALTH))
    assert assessment is not None
    reopen(assessment, "Read the wrong version", act(by()))
    substitute(round_, HEALTH)
    substitute(round_, POLICE, "member@bcp.example")
    marked = {mark.assessor_id for mark in scoring.sent_marks(round_.id)[proposal.id]}
    assert marked == {person(HEALTH).id}  # sent still counts; the draft is not sent
    assert set(scoring.waiting_by_assessor(round_.id)) == {by(MEMBER), by("member@bcp.example"), by(PROBATION)}
    assert not queries.is_assessor(round_.id, by(HEALTH))
    here = Scope(round_.area_id, None, round_.id)
    assert not load_access(by(HEALTH), DAY).may(Permission.SCORE, here)
    assert load_access(by(MEMBER), DAY).may(Permission.SCORE, here)
    finish_interests(round_, MEMBER)
    save(proposal, MEMBER, FULL)
    send(round_, MEMBER)
    assert {mark.assessor_id for mark in scoring.sent_marks(round_.id)[proposal.id]} == {by(HEALTH), by(MEMBER)}
    assert_chains_whole()


@pytest.mark.parametrize(
    ("for_email", "email", "reason", "words"),
    [
        (HEALTH, MEMBER, " ", "Enter why"),
        (HEALTH, COORDINATOR, "Ill", "cannot name yourself"),
        (HEALTH, POLICE, "Ill", "already an assessor"),
        (MEMBER, BCP, "Ill", "is not an assessor"),
    ],
)
def test_who_cannot_be_a_substitute(app: Flask, for_email: str, email: str, reason: str, words: str) -> None:
    round_, _ = scoring_round()
    with pytest.raises(Refused, match=words):
        substitute(round_, for_email, email, reason)


def test_nobody_substitutes_outside_scoring_nor_once_scores_are_shown(app: Flask) -> None:
    round_ = make_round()
    proposal = make_proposal(round_)
    with pytest.raises(Refused, match="while the round is scored"):
        substitute(round_)
    db.session.rollback()
    advance(round_, RoundState.SCORING)
    score_all(round_, proposal)
    with pytest.raises(Refused, match="may have seen"):
        substitute(round_)


def test_who_typed_in_scores_from_paper_gives_none(app: Flask) -> None:
    round_, proposal = scoring_round()
    given = {criterion_ids(round_)["C1"]: Given(500)}
    enter_paper(act(by(MEMBER)), proposal, person(POLICE), given, "", 0)
    db.session.commit()
    with pytest.raises(Refused, match="typed in scores"):
        substitute(round_)
    db.session.rollback()
    save(proposal, POLICE, FULL)  # they are the member's own now, and were seen all the same
    with pytest.raises(Refused, match="typed in scores"):
        substitute(round_)
    db.session.rollback()
    substitute(round_, HEALTH, "member@bcp.example")


def test_who_stood_down_does_not_come_back(app: Flask) -> None:
    round_, _ = scoring_round()
    substitute(round_)
    with pytest.raises(Refused, match="stood down"):
        substitute(round_, POLICE, HEALTH)


def test_the_chair_is_named_by_another_and_reads_everything(app: Flask) -> None:
    round_ = make_round()
    seen = round_.row_version
    with pytest.raises(Refused, match="cannot make yourself"):
        people_services.set_chair(round_, person(COORDINATOR), seen, act(by()))
    people_services.set_chair(round_, person("member@bcp.example"), seen, act(by()))
    db.session.commit()
    with pytest.raises(ChangedMeanwhile):
        people_services.set_chair(round_, person(MEMBER), seen, act(by()))
    roles = {held.role for held in load_access(by("member@bcp.example"), DAY).roles if held.round_id == round_.id}
    assert roles == {CHAIR_ROLE}
    round_.state = RoundState.PUBLISHED
    db.session.commit()
    with pytest.raises(Refused, match="published"):
        people_services.set_chair(round_, None, round_.row_version, act(by()))


def test_a_chair_with_no_other_part_is_led_to_their_interests(client: PageClient) -> None:
    round_ = make_round(assessors=(HEALTH, POLICE))
    people_services.set_chair(round_, person(PROBATION), round_.row_version, act(by()))
    db.session.commit()
    advance(round_, RoundState.OPEN)
    address = f"/rounds/{round_.id}"
    db.session.rollback()
    assert f'href="{address}/interests"' in client.sign_in(PROBATION).get(address).text


def test_a_stand_in_does_the_coordinators_part_in_this_round_alone(app: Flask) -> None:
    round_ = make_round()
    other = make_round(round_.grant, name="Another round")
    stand_in(round_)
    [standing] = people_queries.stand_ins_of(round_.id)
    access = load_access(by(MEMBER), DAY)
    assert access.may(Permission.MANAGE_ROUND, Scope(round_.area_id, holder("dorset").id, round_.id))
    assert not access.may(Permission.MANAGE_ROUND, Scope(other.area_id, holder("dorset").id, other.id))
    people_services.end_stand_in(round_, standing, "Back from leave", act(by()))
    people_services.end_stand_in(round_, standing, "Back from leave", act(by()))
    db.session.commit()
    assert people_queries.stand_ins_of(round_.id) == []
    assert not load_access(by(MEMBER), DAY).may(
        Permission.MANAGE_ROUND, Scope(round_.area_id, holder("dorset").id, round_.id)
    )
    stand_in(round_)  # again, later


def test_who_cannot_stand_in(app: Flask) -> None:
    round_ = make_round()
    proposal = make_proposal(round_)
    declare(proposal, COORDINATOR)
    declare(proposal, "certifier@dorset.example")
    with pytest.raises(Refused, match="an interest there too"):
        stand_in(round_, "certifier@dorset.example")
    with pytest.raises(Refused, match="cannot name yourself"):
        stand_in(round_, MEMBER, MEMBER)
    with pytest.raises(Refused, match="coordinates for"):
        stand_in(round_, COORDINATOR, BCP)
    with pytest.raises(Refused, match="does not coordinate"):
        stand_in(round_, MEMBER, COORDINATOR, BCP)
    stand_in(round_)
    with pytest.raises(Refused, match="stands in here already"):
        stand_in(round_)
    round_.blind = True
    with pytest.raises(Refused, match="without names"):
        stand_in(round_, HEALTH)


def test_people_on_screen(client: PageClient) -> None:
    round_, _ = scoring_round()
    round_id, health, member = round_.id, by(HEALTH), by(MEMBER)
    db.session.rollback()
    client.sign_in(COORDINATOR)
    base = f"/rounds/{round_id}"
    assert "Name a substitute" in client.get(f"{base}/assessors").text
    url = f"{base}/assessors/{health}/substitute"
    assert "Enter why" in client.post(url, {"person_id": str(member)}, status=200).text
    client.post(url, {"person_id": str(member), "reason": "Ill"})
    page = client.get(f"{base}/assessors").text
    assert "Stood down" in page
    assert "substitute for Health assessor" in page
    client.get(url, status=404)
    client.sign_in(HEALTH).get(base, status=403)
    client.sign_in(COORDINATOR)
    version = str(queries.get_round(round_id).row_version)
    db.session.rollback()
    chair = {"person_id": str(by(BCP)), "row_version": version}
    client.post(f"{base}/chair", chair)
    chair["person_id"] = str(member)
    assert "Somebody else changed this round" in client.post(f"{base}/chair", chair, status=200).text
    assert "BCP coordinator chairs this round" in client.get(base).text
    assert "Dorset coordinator" not in client.get(f"{base}/chair").text.split("<form")[-1]  # nobody names themselves


def test_a_coordinator_with_an_interest_is_told_to_name_a_stand_in(client: PageClient) -> None:
    round_ = make_round()
    proposal = make_proposal(round_)
    round_id, number, dorset = round_.id, proposal.id, holder("dorset").id
    finish_organisations(round_, HEALTH)
    declare(proposal, COORDINATOR)
    me, other = by(), by("finance.officer@dorset.example")
    db.session.rollback()
    client.sign_in(COORDINATOR)
    assert "1 proposal closed to you. Name who stands in" in client.get("/").text
    assert "nobody stands in" in client.get(f"/rounds/{round_id}").text
    url = f"/rounds/{round_id}/stand-ins"
    assert "Choose a person" in client.post(url, {"for_id": f"{me}-{dorset}", "reason": "x"}, status=200).text
    client.post(url, {"for_id": f"{me}-{dorset}", "person_id": str(other), "reason": "Sits on its board"})
    assert "nobody stands in" not in client.get(f"/rounds/{round_id}").text
    assert "Name who stands in" not in client.get("/").text
    client.get(f"/proposals/{number}", status=403)
    [standing] = people_queries.stand_ins_of(round_id)
    number_of_it = standing.id
    db.session.rollback()
    client.sign_in("finance.officer@dorset.example")
    assert "You stand in for Dorset coordinator" in client.get("/").text
    client.get(f"/proposals/{number}")
    client.post(f"/proposals/{number}/return", {"reason": "Say where"})
    client.post(f"{url}/{number_of_it}/end", {"reason": "x"})
    client.get(f"/proposals/{number}", status=403)
    client.sign_in(COORDINATOR).get(f"{url}/{number_of_it}/end", status=404)


def test_a_stand_in_decides_for_that_partnership_and_no_other(client: PageClient) -> None:
    round_ = make_round()
    both = {"dorset": {Category.LABOUR: 5_000_00}, "bcp": {Category.LABOUR: 4_000_00}}
    proposal = make_proposal(round_, costs=both)
    declare(proposal, COORDINATOR)
    stand_in(round_, "finance.officer@dorset.example")
    advance(round_, RoundState.SCORING)
    advance(round_, RoundState.DECIDING)
    number, round_id = proposal.id, round_.id
    dorset, bcp = holder("dorset").id, holder("bcp").id
    db.session.rollback()
    client.sign_in("finance.officer@dorset.example")
    assert "Decide 1 proposal" in client.get("/").text
    page = client.get(f"/rounds/{round_id}/decisions").text
    assert f"/proposals/{number}/decisions/{dorset}" in page
    assert f"/proposals/{number}/decisions/{bcp}" not in page
    client.get(f"/proposals/{number}/decisions/{dorset}")
    client.get(f"/proposals/{number}/decisions/{bcp}", status=403)
    client.sign_in(COORDINATOR).get(f"/proposals/{number}/decisions/{dorset}", status=403)


def test_a_person_is_not_offered_where_they_cannot_be(client: PageClient) -> None:
    round_, _ = scoring_round()
    round_id = round_.id
    inactive: Person = person(MEMBER)
    inactive.active = False
    db.session.commit()
    with pytest.raises(Refused, match="cannot sign in"):
        substitute(queries.get_round(round_id))
    db.session.rollback()
    page = client.sign_in(COORDINATOR).get(f"/rounds/{round_id}/assessors/{by(HEALTH)}/substitute").text
    assert "Dorset member" not in page
    assert "Police assessor" not in page
