"""What a person is kept from by an interest, or before they have said which they have, on pages beside the proposal."""

import dataclasses
import datetime as dt
import re

import pytest
from flask import Flask
from sqlalchemy import select

from svd_tracker.approvals import services as approvals
from svd_tracker.approvals.models import ApprovalBody
from svd_tracker.decisions import services
from svd_tracker.decisions.models import Outcome
from svd_tracker.errors import NotAllowed
from svd_tracker.extensions import db
from svd_tracker.finance.models import MatchKind
from svd_tracker.proposals import checks, interest_services, link_services, links
from svd_tracker.proposals import services as proposal_services
from svd_tracker.proposals.content import MatchLine
from svd_tracker.proposals.models import CheckResult, InterestKind, Proposal
from svd_tracker.proposals.queries import content_of, get_proposal, newest_version
from svd_tracker.proposals.reach import HIDDEN_NAME
from svd_tracker.rounds import people_services
from svd_tracker.rounds import services as rounds
from svd_tracker.rounds.models import Round, RoundState
from svd_tracker.rounds.queries import checks_of_scheme, get_round
from svd_tracker.rounds.scheme_services import CheckContent, save_checks
from svd_tracker.scoring.models import Assessment
from tests.integration.decisions.support import BOTH, LABOUR, decide, deciding, spend
from tests.integration.scoring.support import FULL, HEALTH, declare, save, score_all, send
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
    organisation,
    person,
)
from tests.support.world import DAY, act

pytestmark = pytest.mark.db

BCP, MEMBER, CHAIR = "coordinator@bcp.example", "member@dorset.example", "opcc.officer@opcc.example"
DORSET = {"dorset": {LABOUR: 100_00}}


def status_of(client: PageClient, url: str) -> int:
    return client._request("GET", url).status_code


def test_a_coordinator_reopens_scores_of_what_asks_their_partnership(app: Flask, client: PageClient) -> None:
    round_ = make_round()
    ours, theirs = make_proposal(round_, costs=BOTH), make_proposal(round_, "Night buses", costs=DORSET)
    advance(round_, RoundState.SCORING)
    score_all(round_, ours, theirs, emails=(HEALTH,))
    of = {each.proposal_id: each.id for each in db.session.scalars(select(Assessment))}
    urls = [f"/assessments/{of[each.id]}/reopen" for each in (ours, theirs)]
    board = f"/rounds/{round_.id}/scoring"
    for email, statuses in ((COORDINATOR, [200, 200]), (BCP, [200, 403])):
        client.sign_in(email)
        assert [status_of(client, url) for url in urls] == statuses, email
        page = client.get(board).text
        assert [url in page for url in urls] == [status == 200 for status in statuses], email


def test_no_count_falls_when_what_is_shut_is_decided(app: Flask, client: PageClient) -> None:
    round_, (first, _) = deciding(DORSET, DORSET)
    declare(first, COORDINATOR)
    round_id, first_id = round_.id, first.id
    for_whom, by = person(COORDINATOR), act(person(BCP).id)
    people_services.name_stand_in(round_, holder("dorset"), person(MEMBER), for_whom, "An interest", by)
    db.session.commit()

    def counts(email: str) -> tuple[list[str], list[str]]:
        client.sign_in(email)
        work, page = client.get("/").text, client.get(f"/rounds/{round_id}").text
        return re.findall(r"Decide \d+ proposals?", work), re.findall(r"<li>(Decisions .*?)</li>", page)

    assert counts(MEMBER)[0] == ["Decide 2 proposals"]
    before = counts(COORDINATOR)
    assert before == (["Decide 1 proposal"], ["Decisions are still to be recorded. Then the round can be published"])
    by = act(person(MEMBER).id)
    services.decide(
        by,
        get_proposal(first_id),
        holder("dorset"),
        outcome=Outcome.REJECT,
        amounts={},
        reason="No",
        decided_on=DAY,
        minute_ref="5",
    )
    db.session.commit()
    assert counts(MEMBER)[0] == ["Decide 1 proposal"]
    assert counts(COORDINATOR) == before


def undeclared(**changes: bool) -> tuple[Round, Proposal]:
    """A round in scoring with a proposal and a chair; nobody has said which interests they have."""
    round_ = make_round()
    round_.blind = changes.get("blind", False)
    people_services.set_chair(round_, person(CHAIR), round_.row_version, act(person(COORDINATOR).id))
    proposal = make_proposal(round_)
    advance(round_, RoundState.SCORING)
    return round_, proposal


@pytest.mark.parametrize("state", [RoundState.SCORING, RoundState.DECIDING])
def test_an_assessor_finds_no_proposal_on_the_pages_of_decisions(
    app: Flask, client: PageClient, state: RoundState
) -> None:
    """Neither before they have declared, nor names in a blind round, nor anything while it is scored."""
    round_, proposal = undeclared(blind=True)
    if state is RoundState.DECIDING:
        score_all(round_, proposal, emails=ASSESSORS[1:])
        close_scoring(round_)
    round_id = round_.id
    urls = [f"/rounds/{round_id}/{page}" for page in ("decisions", "decisions.csv", "explanations")]
    client.sign_in(HEALTH)
    assert [status_of(client, url) for url in urls] == [403] * 3
    finish_interests(get_round(round_id), HEALTH)
    statuses = [403] * 3 if state is RoundState.SCORING else [200, 200, 403]  # papers are not an assessor's
    assert [status_of(client, url) for url in urls] == statuses


def close_scoring(round_: Round) -> None:
    rounds.move(round_, RoundState.DECIDING, act(person(COORDINATOR).id), "One is ill")
    db.session.commit()


def test_a_member_who_scores_a_blind_round_reads_no_name_off_the_decisions(app: Flask, client: PageClient) -> None:
    round_ = make_round(assessors=(*ASSESSORS, CHAIR, MEMBER))
    round_.blind = True
    people_services.set_chair(round_, person(CHAIR), round_.row_version, act(person(COORDINATOR).id))
    make_proposal(round_)
    advance(round_, RoundState.SCORING)
    finish_interests(round_, CHAIR, MEMBER)
    urls = [f"/rounds/{round_.id}/{page}" for page in ("decisions", "decisions.csv", "explanations")]
    client.sign_in(MEMBER)
    assert [status_of(client, url) for url in urls] == [403] * 3
    client.sign_in(CHAIR)  # who chairs reads them, but scores too
    pages = [client.get(url).text for url in urls]
    assert ["Harbour Youth" in page for page in pages] == [False] * 3
    assert all(HIDDEN_NAME in page for page in pages)


def test_the_chair_declares_before_reading(app: Flask, client: PageClient) -> None:
    round_, proposal = undeclared()
    score_all(round_, proposal)
    proposal_id, round_id = proposal.id, round_.id
    urls = [f"/proposals/{proposal_id}", f"/proposals/{proposal_id}/moderation", f"/proposals/{proposal_id}/scores"]
    urls += [f"/rounds/{round_id}/{page}" for page in ("ranking", "moderation", "decisions", "explanations", "pack")]
    todo = f"Declare your interests for {round_.name}"
    for state in (RoundState.SCORING, RoundState.DECIDING):
        advance(get_round(round_id), state)
        client.sign_in(CHAIR)
        assert [url for url in urls if status_of(client, url) != 403] == [], state
        assert todo in client.get("/").text
        assert "Street mentors" not in client.get(f"/rounds/{round_id}").text
        assert "Say first in which" in client.get(f"/rounds/{round_id}/interests/rulings").text
    finish_organisations(get_round(round_id), CHAIR)
    assert [url for url in urls if status_of(client, url) != 200] == []
    assert todo not in client.get("/").text


def test_an_interest_without_a_chair_asks_for_one(app: Flask, client: PageClient) -> None:
    round_ = make_round()
    proposal = make_proposal(round_)
    todo, round_id, proposal_id = "name the chair, an interest waits for a ruling", round_.id, proposal.id
    words, rulings = "1 interest waits for a ruling that nobody can give", f"/rounds/{round_id}/interests/rulings"
    client.sign_in(COORDINATOR)
    assert todo not in client.get("/").text
    who = person(HEALTH).id
    interest_services.declare_interest(
        get_round(round_id), get_proposal(proposal_id), who, InterestKind.INDIRECT, "A cousin", act(who)
    )
    db.session.commit()
    assert todo in client.get("/").text
    assert (
        "1 interest waits for a ruling that nobody can give" in client.get(f"/rounds/{round_id}/interests/rulings").text
    )
    round_ = get_round(round_id)
    people_services.set_chair(round_, person(CHAIR), round_.row_version, act(person(COORDINATOR).id))
    db.session.commit()
    assert todo not in client.get("/").text
    assert words not in client.get(rulings).text


def test_a_correction_that_brings_an_organisation_is_declared_before_it_is_scored(
    app: Flask, client: PageClient
) -> None:
    round_ = make_round()
    proposal = make_proposal(round_)
    advance(round_, RoundState.SCORING)
    finish_interests(round_)
    save(proposal, HEALTH, FULL)
    by = act(person(COORDINATOR).id)
    proposal_services.return_for_correction(proposal, "Who gives the match?", by)
    partner = MatchLine(organisation("Bus company").id, MatchKind.CASH, "Buses", 100_00)
    content = content_of(newest_version(proposal))
    proposal_services.save_version(proposal, dataclasses.replace(content, matches=(partner,)), proposal.row_version, by)
    proposal_services.submit(proposal, by)
    db.session.commit()
    url, round_id, proposal_id = f"/proposals/{proposal.id}/assessment", round_.id, proposal.id
    client.sign_in(HEALTH)
    assert client.get(url, 303).location.endswith(f"/rounds/{round_id}/interests")
    assert "Declare your interests for" in client.get("/").text
    assert "First: your interests" in client.get(f"/rounds/{round_id}/scoring").text
    with pytest.raises(NotAllowed, match="Say first"):
        save(get_proposal(proposal_id), HEALTH, {**FULL, "C1": 300})
    db.session.rollback()
    with pytest.raises(NotAllowed, match="Say first"):
        send(get_round(round_id), HEALTH)
    db.session.rollback()
    finish_organisations(get_round(round_id), HEALTH)
    assert "Bus company" in client.get(url).text


def test_the_first_page_tells_nothing_of_what_became_of_what_is_shut(app: Flask, client: PageClient) -> None:
    """Neither the decision, nor what it opened: plan line, outputs, milestones, money, approval."""
    _, (first, second) = deciding(DORSET, DORSET)
    made = decide(first, minute_ref="1")
    assert made.intervention is not None
    assert made.approval is not None
    approvals.agree_step(made.approval, ApprovalBody.OPCC, DAY, "OPCC 7", act(person(COORDINATOR).id))
    spend(made, 10_00)
    shut = ("P-01", made.intervention.ref, made.approval.ref, "funding", "output")
    first_id, second_id = first.id, second.id

    def news(email: str) -> str:
        return client.sign_in(email).get("/").text.partition("What changed lately")[2]

    assert "Recorded that a body agreed" in news(COORDINATOR)
    assert "funding" in news(COORDINATOR)
    declare(get_proposal(first_id), COORDINATOR)
    assert not [word for word in shut if word in news(COORDINATOR)]
    assert "funding" in news(MEMBER)
    decide(get_proposal(second_id), outcome=Outcome.REJECT)
    assert "Decided on proposal P-02" in news(COORDINATOR)
    assert not [word for word in shut if word in news(COORDINATOR)]


def test_a_check_of_the_organisation_answered_on_what_is_shut_stays_there(app: Flask, client: PageClient) -> None:
    round_ = make_round()
    by, bcp = act(person(COORDINATOR).id), act(person(BCP).id)
    save_checks(round_, by, [CheckContent("Eligible", "Any cost"), CheckContent("Insurance", "In force", True)])
    first, second = make_proposal(round_, "One", costs=BOTH), make_proposal(round_, "Two", costs=BOTH)
    eligible, insured = (each.id for each in checks_of_scheme(round_.scheme_id))
    met, part = checks.Answer(CheckResult.MET), checks.Answer(CheckResult.PART, "No cover on the water")
    checks.answer_checks(first, {eligible: met, insured: part}, by)
    declare(first, COORDINATOR)
    round_id, second_id = round_.id, second.id
    url = f"/proposals/{second_id}/checks"
    pages = (url, f"/rounds/{round_id}/eligibility", f"/rounds/{round_id}/eligibility.csv")

    def told(email: str, words: str) -> list[bool]:
        client.sign_in(email)
        return [words in client.get(page).text for page in pages]

    assert told(BCP, "No cover on the water") == [True] * 3
    assert told(COORDINATOR, "No cover on the water") == [False] * 3
    assert told(COORDINATOR, checks.ANSWERED_ELSEWHERE) == [True] * 3
    data = {"rows-0-check_id": str(eligible), "rows-0-seen": "", "rows-0-result": "met", "rows-0-reason": ""}
    data |= {"rows-1-check_id": str(insured), "rows-1-seen": "", "rows-1-result": "met", "rows-1-reason": ""}
    client.post(url, data)  # the form has no row for it, and a row that is sent all the same is passed over
    with pytest.raises(NotAllowed):
        checks.answer_checks(get_proposal(second_id), {insured: met}, by)
    db.session.rollback()
    standing = [(now.result, now.shut) for now in checks.checks_of(get_proposal(second_id), person(BCP).id)]
    assert standing == [(CheckResult.MET, False), (CheckResult.PART, False)]
    checks.answer_checks(get_proposal(second_id), {insured: met}, bcp)
    db.session.commit()
    assert told(COORDINATOR, checks.ANSWERED_ELSEWHERE) == [False] * 3


def test_who_is_signed_in_reads_nothing_shut_by_a_personal_link(
    app: Flask, client: PageClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(app.config, "DEMO", True)  # shows the code
    proposal = make_proposal(make_round())
    until = DAY + dt.timedelta(days=30)
    made = link_services.make_link(proposal, "Ada", "ada@charity.example", until, act(person(COORDINATOR).id))
    db.session.commit()
    path, proposal_id = links.path_of(made.id), proposal.id

    def go_in() -> list[int]:
        client._request("POST", path)
        code = re.findall(r"\b\d{6}\b", client._request("GET", f"{path}/code").text) or ["000000"]
        client._request("POST", f"{path}/code", data={"code": code[0]})
        return [status_of(client, f"{path}/{page}") for page in ("code", "proposal")]

    monkeypatch.setitem(app.config, "TODAY", DAY)
    assert go_in() == [200, 200]
    assert "Street mentors" in client.get(f"{path}/proposal").text
    declare(get_proposal(proposal_id), HEALTH)
    client.sign_in(HEALTH)
    assert go_in() == [403, 403]
    assert status_of(client, path) == 403
