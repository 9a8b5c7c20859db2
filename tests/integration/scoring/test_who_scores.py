"""Who scores what and who is waited for: interests ruled on, gates that stop, substitutes, blind rounds, reminders."""

import datetime as dt

import pytest
from flask import Flask
from sqlalchemy import select

from svd_tracker.audit.models import AuditLine
from svd_tracker.errors import NotAllowed, Refused
from svd_tracker.extensions import db
from svd_tracker.mail.kinds import is_still_needed
from svd_tracker.mail.models import Choice, Outbox
from svd_tracker.mail.services import choose
from svd_tracker.proposals.interest_services import declare_interest, rule
from svd_tracker.proposals.models import InterestEvent, InterestKind, Proposal
from svd_tracker.proposals.queries import get_proposal, list_proposals
from svd_tracker.proposals.reach import HIDDEN_NAME
from svd_tracker.proposals.services import return_for_correction
from svd_tracker.rounds.models import Round, RoundAssessor, RoundState
from svd_tracker.rounds.people_services import name_substitute, set_chair
from svd_tracker.rounds.queries import get_round
from svd_tracker.rounds.services import cautions, move
from svd_tracker.scoring import queries, services
from svd_tracker.scoring.board import READ_ONLY, read_board
from svd_tracker.scoring.models import Assessment
from svd_tracker.scoring.reminders import Reminded, remind
from tests.integration.scoring.support import FULL, HEALTH, POLICE, PROBATION, declare, save, score_all, send
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

CHAIR = "member@dorset.example"


def scored_round(*titles: str, blind: bool = False, assessors: tuple[str, ...] = ASSESSORS) -> Round:
    """A round in scoring with these proposals, whose assessors have no interests."""
    round_ = make_round(assessors=assessors)
    round_.blind = blind
    for title in titles:
        make_proposal(round_, title)
    advance(round_, RoundState.SCORING)
    finish_interests(round_, *assessors)
    return round_


def proposals_of(round_: Round) -> list[Proposal]:
    ids = db.session.scalars(select(Proposal.id).where(Proposal.round_id == round_.id).order_by(Proposal.ref))
    return [get_proposal(each) for each in ids]


def rule_read(proposal: Proposal, email: str) -> None:
    """An indirect interest, on which the chair rules that the person may only read."""
    who = person(email).id
    found = declare_interest(proposal.round, proposal, who, InterestKind.INDIRECT, "A cousin works there", act(who))
    set_chair(proposal.round, person(CHAIR), proposal.round.row_version, act(person(COORDINATOR).id))
    db.session.flush()
    rule(found, InterestEvent.RULED_READ, "Far enough", act(person(CHAIR).id))
    db.session.commit()


def joined(round_: Round, email: str) -> RoundAssessor:
    query = select(RoundAssessor).where(RoundAssessor.round_id == round_.id)
    return db.session.scalars(query.where(RoundAssessor.person_id == person(email).id)).one()


def test_a_failed_gate_asks_no_more(app: Flask) -> None:
    round_ = scored_round("Street mentors")
    (proposal,) = proposals_of(round_)
    save(proposal, HEALTH, {"G1": 0}, reason=" ")
    (own,) = queries.own_proposals(round_, person(HEALTH).id)
    assert (own.stopped, own.missing) == ("Safeguarding policy", ("Safeguarding policy: no reason",))
    save(proposal, HEALTH, {"G1": 0}, reason="There is none")
    assert queries.own_proposals(round_, person(HEALTH).id)[0].complete
    assert send(round_, HEALTH) == 1
    assert [mark.criterion_ref for mark in queries.sent_marks(round_.id)[proposal.id]] == ["G1"]


def test_who_may_only_read_scores_nothing_and_is_not_waited_for(client: PageClient) -> None:
    round_ = scored_round("Street mentors", "Level-Up")
    one, two = proposals_of(round_)
    rule_read(one, HEALTH)
    with pytest.raises(NotAllowed, match="score nothing of it"):
        save(one, HEALTH, FULL)
    db.session.rollback()
    cells = {row.name: [cell.state for cell in row.cells] for row in read_board(round_).rows}
    assert cells["Health assessor"] == [READ_ONLY, "not_started"]
    save(two, HEALTH, FULL)
    assert send(round_, HEALTH) == 1
    assert not queries.waiting_by_assessor(round_.id)[person(HEALTH).id]
    url, round_id = f"/proposals/{one.id}/assessment", round_.id
    page = client.sign_in(HEALTH).get(url).text
    assert "Mentors meet young people where they are." in page
    assert "may read this proposal and score nothing of it" in page
    assert "<textarea" not in page
    client.post(url, {"row_version": "0"}, 403)
    assert "the chair ruled that you only read it" in client.get(f"/rounds/{round_id}/scoring").text


def test_a_late_ruling_takes_sent_marks_out_of_the_mean(client: PageClient) -> None:
    round_ = scored_round("Street mentors")
    (proposal,) = proposals_of(round_)
    score_all(round_, proposal)
    rule_read(proposal, HEALTH)
    assert person(HEALTH).id in queries.shut_people(round_.id)[proposal.id]
    page = client.sign_in(HEALTH).get(f"/proposals/{proposal.id}/assessment").text
    assert "Well shown" not in page


def test_the_last_one_who_sends_opens_everybodys_scores(app: Flask) -> None:
    round_ = scored_round("Street mentors")
    (proposal,) = proposals_of(round_)
    version = round_.row_version
    for email in ASSESSORS:
        assert round_.scores_shown_at is None
        save(proposal, email, FULL)
        send(round_, email)
        assert joined(round_, email).first_sent_at == act().at
    db.session.refresh(round_)
    assert (round_.scores_shown_at, round_.row_version) == (act().at, version)
    later = dt.date(2025, 5, 2)
    services.reopen(_assessment(proposal, HEALTH), "Read the wrong version", act(person(COORDINATOR).id))
    save(proposal, HEALTH, FULL)
    services.send_all(round_, person(HEALTH).id, act(person(HEALTH).id, later))
    assert joined(round_, HEALTH).first_sent_at == act().at, "the first time stays"


def _assessment(proposal: Proposal, email: str) -> Assessment:
    found = queries.assessment_of(proposal, person(email).id)
    assert found is not None
    return found


def test_an_interest_of_the_last_one_opens_them_too(app: Flask) -> None:
    round_ = scored_round("Street mentors")
    (proposal,) = proposals_of(round_)
    score_all(round_, proposal, emails=(HEALTH, POLICE))
    db.session.refresh(round_)
    assert round_.scores_shown_at is None
    declare(proposal, PROBATION)
    db.session.refresh(round_)
    assert round_.scores_shown_at is not None


def test_scores_of_one_that_was_returned_are_hidden_until_it_is_scored_again(client: PageClient) -> None:
    round_ = scored_round("Project 1", "Project 2")
    first, second = (each.id for each in list_proposals(round_.id))
    for proposal_id in (first, second):
        save(get_proposal(proposal_id), POLICE, FULL, reason="Kept from others")
    send(round_, POLICE)
    return_for_correction(get_proposal(first), "Costs do not add up", act(person(COORDINATOR).id))
    db.session.commit()
    save(get_proposal(second), HEALTH, FULL)
    send(get_round(round_.id), HEALTH)
    client.sign_in(HEALTH)
    assert "Kept from others" in client.get(f"/proposals/{second}/scores").text
    for page in ("scores", "moderation"):
        client.get(f"/proposals/{first}/{page}", status=403)
    for page in ("ranking", "ranking.csv", "moderation", "moderation.csv"):
        assert "Project 1" not in client.get(f"/rounds/1/{page}").text


def test_closing_the_scoring_opens_them(app: Flask) -> None:
    round_ = scored_round("Street mentors")
    assert round_.scores_shown_at is None
    advance(round_, RoundState.DECIDING)
    assert round_.scores_shown_at == act().at


def test_who_stood_down_is_not_waited_for_and_scores_no_more(client: PageClient) -> None:
    round_ = scored_round("Street mentors", "Level-Up", assessors=(HEALTH, POLICE))
    one, two = proposals_of(round_)
    for proposal in (one, two):
        save(proposal, HEALTH, FULL)
    by = act(person(COORDINATOR).id)
    name_substitute(round_, person(HEALTH), person(PROBATION), "Ill", by)
    db.session.commit()
    with pytest.raises(NotAllowed, match="assessors"):
        save(one, HEALTH, FULL | {"C1": 100})
    db.session.rollback()
    with pytest.raises(NotAllowed, match="assessors"):
        send(round_, HEALTH)
    db.session.rollback()
    assert queries.sent_marks(round_.id) == {}, "drafts of who stood down do not count"
    board = read_board(round_)
    assert [(row.name, row.stood_down, row.substitute_for) for row in board.rows] == [
        ("Health assessor", True, ""),
        ("Police assessor", False, ""),
        ("Probation assessor", False, "Health assessor"),
    ]
    assert (board.waiting, board.scoring) == (2, 2)
    page = client.sign_in(COORDINATOR).get(f"/rounds/{round_.id}/scoring").text
    assert "Stood down" in page
    assert "not waited for" in page
    assert "in place of Health assessor" in page
    assert "2 of 2 assessors still to send." in page


def test_too_few_scorers_are_shown_and_closing_needs_a_reason(client: PageClient) -> None:
    round_ = scored_round("Street mentors", "Level-Up")
    one, two = proposals_of(round_)
    round_.scheme.least_scorers = 3
    db.session.commit()
    declare(two, POLICE)
    score_all(round_, one, emails=())
    for email in ASSESSORS:
        save(one, email, FULL)
        if email != POLICE:
            save(two, email, FULL)
        send(round_, email)
    assert [(each.sent, each.able, each.short) for each in read_board(round_).scorers] == [(3, 3, False), (2, 2, True)]
    words = "1 proposal is scored by fewer people than the 3 that the scheme asks for."  # and not which: rule 7
    assert [each for each in cautions(round_, RoundState.DECIDING) if "scored by" in each] == [words]
    by = act(person(COORDINATOR).id)
    with pytest.raises(Refused):
        move(round_, RoundState.DECIDING, by)
    db.session.rollback()
    round_id = round_.id
    assert "too few: 3 are needed" in client.sign_in(COORDINATOR).get(f"/rounds/{round_id}/scoring").text
    fresh = get_round(round_id)
    move(fresh, RoundState.DECIDING, by, "Two know the field well")
    assert cautions(fresh, RoundState.DECIDING) == []


def test_a_blind_round_names_nobody_while_one_scores(client: PageClient) -> None:
    round_ = scored_round("Street mentors", blind=True)
    (proposal,) = proposals_of(round_)
    proposal_id, round_id = proposal.id, round_.id
    names = ("Harbour Youth Charity", "Dorset Council", "Project manager")
    client.sign_in(HEALTH)
    for url in (f"/proposals/{proposal_id}/assessment", f"/rounds/{round_id}/scoring"):
        main = _main(client.get(url).text)
        assert HIDDEN_NAME in main
        assert not [name for name in names if name in main]
    save(get_proposal(proposal_id), HEALTH, FULL)
    send(get_round(round_id), HEALTH)
    assert "Harbour Youth Charity" in client.get(f"/proposals/{proposal_id}/assessment").text
    assert "Harbour Youth Charity" in client.get(f"/proposals/{proposal_id}/scores").text
    assert HIDDEN_NAME in client.sign_in(POLICE).get(f"/proposals/{proposal_id}/assessment").text


def _main(page: str) -> str:
    return page[page.index("<main") : page.index("</main>")]


def test_the_page_of_scores_names_assessors_to_few(client: PageClient) -> None:
    round_ = scored_round("Street mentors")
    (proposal,) = proposals_of(round_)
    proposal_id = proposal.id
    set_chair(round_, person("member@bcp.example"), round_.row_version, act(person(COORDINATOR).id))
    db.session.commit()
    score_all(round_, proposal)
    finish_organisations(round_, "member@bcp.example")
    url = f"/proposals/{proposal_id}/scores"
    for email in (COORDINATOR, "auditor@audit.example", HEALTH):
        assert "Police assessor" in _main(client.sign_in(email).get(url).text), email
    for email in ("member@dorset.example", "member@bcp.example"):
        page = _main(client.sign_in(email).get(url).text)
        assert not [name for name in ("Police", "Health", "Probation") if f"{name} assessor" in page], email
        assert page.count("Well shown") == 12, email


def test_reminding_writes_to_each_once_a_day(client: PageClient) -> None:
    round_ = scored_round("Street mentors")
    (proposal,) = proposals_of(round_)
    score_all(round_, proposal, emails=(HEALTH,))
    choose(person(POLICE), Choice.NECESSARY, 0, act(person(POLICE).id))
    by = act(person(COORDINATOR).id)
    assert remind(round_, by) == Reminded(now=1, already=0, unwanted=1)
    assert remind(round_, by) == Reminded(now=0, already=1, unwanted=1)
    (message,) = db.session.scalars(select(Outbox)).all()
    assert (message.person_id, message.template) == (person(PROBATION).id, "scores_reminder")
    assert is_still_needed(message, DAY)
    tomorrow = act(person(COORDINATOR).id, DAY + dt.timedelta(days=1))
    assert remind(round_, tomorrow).now == 1
    save(proposal, PROBATION, FULL)
    send(round_, PROBATION)
    assert not is_still_needed(message, DAY)
    lines = db.session.scalars(select(AuditLine.id).where(AuditLine.action == "remind")).all()
    assert len(lines) == 2, "one for each time that somebody was written to"
    advance(round_, RoundState.DECIDING)
    with pytest.raises(Refused, match="being scored"):
        remind(round_, by)


def test_the_button_that_reminds(client: PageClient) -> None:
    round_ = scored_round("Street mentors")
    url, board = f"/rounds/{round_.id}/scoring/remind", f"/rounds/{round_.id}/scoring"
    assert "Remind those who have not sent" in client.sign_in(COORDINATOR).get(board).text
    client.post(url)
    assert "3 people are reminded by e-mail." in client.get(board).text
    client.post(url)
    assert "Reminded today already: 3." in client.get(board).text
    assert "Remind those" not in client.sign_in("auditor@audit.example").get(board).text
    for email in (HEALTH, "member@dorset.example", "auditor@audit.example", "administrator@dorset.example"):
        client.sign_in(email).post(url, status=403)


def test_the_message_says_what_is_left(client: PageClient) -> None:
    round_ = scored_round("Street mentors", "Level-Up")
    save(proposals_of(round_)[0], HEALTH, FULL)
    remind(round_, act(person(COORDINATOR).id))
    db.session.commit()
    message = db.session.scalars(select(Outbox).where(Outbox.person_id == person(HEALTH).id)).one()
    page = client.sign_in("administrator@dorset.example").get(f"/mail/{message.id}").text
    assert "1 of your 2 proposals is not complete." in page


def test_the_pages_ask_no_more_for_more_proposals_and_assessors(client: PageClient) -> None:
    small = scored_round("Street mentors", assessors=(HEALTH,))
    small_id = small.id
    few = _queries(client, small_id)
    many = make_round(get_round(small_id).grant, name="Autumn round")
    organisation("Another charity")
    for number in range(6):
        make_proposal(many, f"Proposal {number}")
    advance(many, RoundState.SCORING)
    finish_interests(many)
    assert _queries(client, many.id) == few


def _queries(client: PageClient, round_id: int) -> list[int]:
    counts = []
    for email in (HEALTH, COORDINATOR):
        client.sign_in(email).get(f"/rounds/{round_id}/scoring")
        counts.append(len(client.queries))
    client.sign_in(HEALTH).get(f"/rounds/{round_id}/scoring/send")
    return [*counts, len(client.queries)]
