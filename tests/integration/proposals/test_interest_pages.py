"""The pages of interests: organisations first, then proposals by title; the chair's rulings; blind rounds."""

import re

import pytest
from flask import Flask

from svd_tracker.accounts.models import Person
from svd_tracker.extensions import db
from svd_tracker.proposals import interest_queries, interest_services, queries
from svd_tracker.proposals.models import InterestEvent, InterestKind, Proposal, ProposalState
from svd_tracker.rounds import people_services
from svd_tracker.rounds import queries as rounds
from svd_tracker.rounds.models import Round, RoundState
from tests.support.client import PageClient
from tests.support.rounds import (
    ASSESSORS,
    COORDINATOR,
    advance,
    finish_interests,
    finish_organisations,
    make_proposal,
    make_round,
    organisation,
    person,
)
from tests.support.world import DAY, act

pytestmark = pytest.mark.db

HEALTH, POLICE, PROBATION = ASSESSORS
CHAIR = "member@bcp.example"
DIRECT = {"kind": "direct", "reason": "I sit on its board"}
INDIRECT = {"kind": "indirect", "reason": "My sister works there"}


@pytest.fixture(autouse=True)
def _in_april(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(app.config, "TODAY", DAY)


def chaired(round_: Round, email: str = CHAIR) -> None:
    people_services.set_chair(round_, person(email), round_.row_version, act(person(COORDINATOR).id))
    db.session.commit()


def declare(proposal: Proposal, email: str, kind: InterestKind = InterestKind.INDIRECT) -> None:
    who: Person = person(email)
    interest_services.declare_interest(proposal.round, proposal, who.id, kind, "My sister works there", act(who.id))
    db.session.commit()


def seen_field(page: str) -> dict[str, str]:
    found = re.search(r'name="seen"[^>]*value="([0-9,]+)"', page)
    assert found
    return {"seen": found[1], "organisations": "1"}


def test_organisations_come_before_proposals(client: PageClient) -> None:
    round_ = make_round()
    round_id, number = round_.id, make_proposal(round_).id
    client.sign_in(HEALTH)
    for url in (f"/rounds/{round_id}", f"/rounds/{round_id}/proposals"):
        page = client.get(url).text
        assert "Say first in which of the organisations" in page
        assert "Street mentors" not in page
    assert "Street mentors" not in client.get(f"/rounds/{round_id}/proposals.csv").text
    assert "£15,000.10" not in client.get(f"/rounds/{round_id}").text
    assert "Say first" in client.get(f"/proposals/{number}", status=403).text
    page = client.get(f"/rounds/{round_id}/interests").text
    assert "Harbour Youth Charity" in page
    assert "Dorset Council" in page  # it gives match
    assert "Street mentors" not in page
    client.post(f"/rounds/{round_id}/interests", {"proposals": "1"})  # a list not gone through is not finished so
    client.post(f"/rounds/{round_id}/interests", {"seen": f"{'9' * 5000},{'9' * 12}", "organisations": "1"})
    assert interest_queries.organisations_left(round_id, person(HEALTH).id)
    db.session.rollback()
    sent = seen_field(page)
    client.post(f"/rounds/{round_id}/interests", sent)
    client.post(f"/rounds/{round_id}/interests", sent)
    assert "Street mentors" in client.get(f"/rounds/{round_id}/interests").text
    client.get(f"/proposals/{number}")
    make_proposal(rounds.get_round(round_id), "Night buses", by_organisation="Safer Streets Trust")
    page = client.get(f"/rounds/{round_id}/interests").text
    assert "Safer Streets Trust" in page
    assert "Night buses" not in page
    client.get(f"/proposals/{number}", status=403)


def test_the_coordinator_and_members_need_not_declare_before_they_read(client: PageClient) -> None:
    round_ = make_round()
    number = make_proposal(round_).id
    for email in (COORDINATOR, "member@dorset.example", "auditor@audit.example"):
        client.sign_in(email).get(f"/proposals/{number}")


def test_an_interest_in_an_organisation_on_screen(client: PageClient) -> None:
    round_ = make_round()
    round_id, number = round_.id, make_proposal(round_).id
    charity, council = organisation("Harbour Youth Charity").id, organisation("BCP Council").id
    db.session.rollback()
    url = f"/rounds/{round_id}/interests/organisations/{charity}/declare"
    client.sign_in(HEALTH)
    assert "Say what the interest is" in client.post(url, {"kind": "direct"}, status=200).text
    client.post(url, DIRECT)
    client.post(url, DIRECT)
    assert len(queries.interests(round_id)) == 1
    db.session.rollback()
    client.get(f"/rounds/{round_id}/interests/organisations/{council}/declare", status=404)
    page = client.get(f"/rounds/{round_id}/interests").text
    assert "I sit on its board" in page
    client.post(f"/rounds/{round_id}/interests", seen_field(page))
    page = client.get(f"/rounds/{round_id}").text
    assert "You declared an interest" in page
    assert f'href="/proposals/{number}"' not in page
    client.get(f"/proposals/{number}", status=403)


def test_declaring_in_a_proposal_at_its_fields(client: PageClient) -> None:
    round_ = make_round()
    round_id, number = round_.id, make_proposal(round_).id
    finish_organisations(round_, HEALTH)
    url = f"/rounds/{round_id}/interests/{number}/declare"
    client.sign_in(HEALTH)
    assert "Choose the kind" in client.post(url, {}, status=200).text
    client.post(url, DIRECT)
    client.post(url, DIRECT)
    assert len(queries.interests(round_id)) == 1
    assert "12000.00" not in client.get(f"/rounds/{round_id}/proposals.csv").text
    me = person(HEALTH).id
    client.post(f"/rounds/{round_id}/interests/{number}/clear/{me}", {"reason": "x"}, status=403)


def test_the_coordinator_clears_anothers_direct_interest(client: PageClient) -> None:
    round_ = make_round()
    proposal = make_proposal(round_)
    number, round_id, health = proposal.id, round_.id, person(HEALTH).id
    finish_organisations(round_, HEALTH)
    declare(proposal, HEALTH, InterestKind.DIRECT)
    client.sign_in(COORDINATOR)
    assert "Health assessor" in client.get(f"/rounds/{round_id}/interests").text
    client.post(f"/rounds/{round_id}/interests/{number}/clear/{health}", {"reason": "Left the board"})
    client.sign_in(HEALTH).get(f"/proposals/{number}")
    assert "Cleared: Left the board" in client.get(f"/rounds/{round_id}/interests").text


def test_finishing_ones_interests(client: PageClient) -> None:
    round_ = make_round()
    round_id = round_.id
    make_proposal(round_)
    finish_organisations(round_, HEALTH)
    client.sign_in(HEALTH)
    assert "You finish it then" in client.get(f"/rounds/{round_id}/interests").text
    advance(rounds.get_round(round_id), RoundState.SCORING)
    assert "I have no other interests" in client.get(f"/rounds/{round_id}/interests").text
    client.post(f"/rounds/{round_id}/interests", {"proposals": "1"})
    client.post(f"/rounds/{round_id}/interests", {"proposals": "1"})
    assert queries.has_finished_review(round_id, person(HEALTH).id)


def test_the_chair_rules_on_screen(client: PageClient) -> None:
    round_ = make_round()
    proposal = make_proposal(round_)
    round_id, number, health = round_.id, proposal.id, person(HEALTH).id
    finish_organisations(round_, HEALTH, CHAIR)
    chaired(round_)
    declare(proposal, HEALTH)
    rule = f"/rounds/{round_id}/interests/{number}/rule/{health}"
    client.sign_in(COORDINATOR).get(rule, status=403)  # the chair's to rule on
    assert "BCP member, rules on these" in client.get(f"/rounds/{round_id}/interests/rulings").text
    client.sign_in(HEALTH).get(f"/rounds/{round_id}/interests/rulings", status=403)
    client.sign_in(CHAIR)
    assert "1 indirect interest to rule on" in client.get("/").text
    page = client.get(f"/rounds/{round_id}/interests/rulings").text
    assert "My sister works there" in page
    assert "NHS Dorset" in page
    assert "Choose what they may do" in client.post(rule, {"reason": "x"}, status=200).text
    client.post(rule, {"event": "ruled_read", "reason": "A distant post"})
    assert "A distant post" in client.get(f"/rounds/{round_id}/interests/rulings").text
    assert "to rule on" not in client.get("/").text
    client.sign_in(HEALTH).get(f"/proposals/{number}")
    assert "May read" in client.get(f"/rounds/{round_id}/interests").text


def test_one_ruling_for_all_that_an_organisation_brings(client: PageClient) -> None:
    round_ = make_round()
    numbers = [make_proposal(round_, title).id for title in ("One", "Two", "Three")]
    round_id, health = round_.id, person(HEALTH).id
    chaired(round_)
    finish_organisations(round_, CHAIR)
    charity = organisation("Harbour Youth Charity")
    interest_services.declare_for_organisation(
        round_, charity, health, InterestKind.INDIRECT, "My sister works there", act(health)
    )
    db.session.commit()
    url = f"/rounds/{round_id}/interests/{numbers[0]}/rule/{health}"
    client.sign_in(CHAIR)
    assert "the other 2 proposals that the interest in Harbour Youth Charity waits on" in client.get(url).text
    client.post(url, {"event": "ruled_score", "reason": "A distant post", "also": "y"})
    assert queries.shut_pairs(round_id) == frozenset()
    db.session.rollback()
    assert "waits on" not in client.get(url).text


def test_the_proposer_is_not_told_who_has_an_interest(client: PageClient) -> None:
    proposal = make_proposal(make_round())
    number = proposal.id
    declare(proposal, HEALTH, InterestKind.DIRECT)
    url = f"/proposals/{number}"
    assert "Health assessor" not in client.sign_in("proposer@charity.example").get(url).text
    assert "Health assessor" in client.sign_in(COORDINATOR).get(url).text


def test_an_assessor_does_not_read_what_is_late_or_not_eligible(client: PageClient) -> None:
    round_ = make_round()
    late, out = make_proposal(round_, "The late one"), make_proposal(round_, "The one that fails a check")
    make_proposal(round_)
    late.state, out.state = ProposalState.LATE, ProposalState.INELIGIBLE
    db.session.commit()
    finish_organisations(round_, HEALTH)
    numbers, round_id = (late.id, out.id), round_.id
    page = client.sign_in(HEALTH).get(f"/rounds/{round_id}/proposals").text
    assert "Street mentors" in page
    assert "The late one" not in page
    assert "fails a check" not in page
    for number in numbers:
        client.get(f"/proposals/{number}", status=403)
        client.sign_in(COORDINATOR).get(f"/proposals/{number}")
        client.sign_in(HEALTH)


def test_blind_names_are_nowhere_until_one_has_sent(app: Flask, client: PageClient) -> None:
    round_ = make_round()
    round_.blind = True
    proposal = make_proposal(round_)
    round_id, number = round_.id, proposal.id
    advance(round_, RoundState.SCORING)
    finish_interests(round_)
    names = ("Harbour Youth Charity", "Project manager", "Dorset Council")
    urls = (
        f"/rounds/{round_id}/proposals",
        f"/rounds/{round_id}/proposals.csv",
        f"/proposals/{number}",
        f"/rounds/{round_id}/interests/{number}/declare",
    )
    client.sign_in(HEALTH)
    for url in urls:
        text = client.get(url).text
        assert "Name hidden" in text, url
        for name in names:
            assert name not in text, (url, name)
    page = client.get(f"/rounds/{round_id}").text
    assert "Name hidden until" in page
    assert "Harbour Youth Charity" not in page
    page = client.get(f"/rounds/{round_id}/interests").text
    organisations, proposals = page.split('id="proposals"')
    assert "Harbour Youth Charity" in organisations  # the list of organisations is shown in blind rounds too
    assert "Harbour Youth Charity" not in proposals
    assert "your own organisation" not in proposals
    client.sign_in(COORDINATOR)
    for url in urls:
        assert "Harbour Youth Charity" in client.get(url).text, url
    assert "cannot be hidden" in client.get(f"/rounds/{round_id}/assessors").text
    place = next(each for each in rounds.assessors_of(round_id) if each.person_id == person(HEALTH).id)
    place.first_sent_at = act().at
    db.session.commit()
    assert "Harbour Youth Charity" in client.sign_in(HEALTH).get(f"/proposals/{number}").text


def test_the_pages_need_few_queries_however_many_interests(client: PageClient) -> None:
    round_ = make_round()
    round_id = round_.id
    chaired(round_)
    counts = []
    for title in ("One", "Two", "Three"):
        proposal = make_proposal(rounds.get_round(round_id), title, by_organisation=f"{title} Trust")
        for email in (HEALTH, POLICE, PROBATION):
            declare(proposal, email)
        finish_organisations(rounds.get_round(round_id), CHAIR)
        took = []
        for email, url in (
            (COORDINATOR, f"/rounds/{round_id}/interests"),
            (HEALTH, f"/rounds/{round_id}/interests"),
            (CHAIR, f"/rounds/{round_id}/interests/rulings"),
            (COORDINATOR, f"/rounds/{round_id}"),
        ):
            client.sign_in(email).get(url)
            took.append(len(client.queries))
        counts.append(took)
    assert max(counts[-1]) <= 28, counts
    assert counts[1] == counts[2], counts
    lines = interest_queries.interests_for_papers(round_id)
    assert len(lines) == 9
    assert {line.event for line in lines} == {InterestEvent.DECLARED}
