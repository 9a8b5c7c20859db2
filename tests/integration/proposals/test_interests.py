"""Interests through the services: organisations, rulings, what follows a change of a proposal, the papers' lines."""

import dataclasses

import pytest
from flask import Flask

from svd_tracker.audit import queries as audit_queries
from svd_tracker.errors import ChangedMeanwhile, NotAllowed, Refused
from svd_tracker.extensions import db
from svd_tracker.finance.models import MatchKind
from svd_tracker.proposals import interest_queries, interest_services, queries, services
from svd_tracker.proposals.content import MatchLine
from svd_tracker.proposals.models import Interest, InterestEvent, InterestKind, Proposal
from svd_tracker.rounds import people_services
from svd_tracker.rounds.models import Round, RoundState
from svd_tracker.scoring import queries as scoring
from tests.integration.scoring.support import FULL, save, send
from tests.support.chains import assert_chains_whole
from tests.support.rounds import (
    ASSESSORS,
    COORDINATOR,
    advance,
    finish_interests,
    make_draft,
    make_proposal,
    make_round,
    organisation,
    person,
)
from tests.support.world import act

pytestmark = pytest.mark.db

HEALTH, POLICE, PROBATION = ASSESSORS
BCP, CHAIR = "coordinator@bcp.example", "member@bcp.example"
DIRECT, INDIRECT = InterestKind.DIRECT, InterestKind.INDIRECT
SCORE, READ, SHUT = InterestEvent.RULED_SCORE, InterestEvent.RULED_READ, InterestEvent.RULED_SHUT
CHARITY = "Harbour Youth Charity"


def chaired(round_: Round, email: str = CHAIR) -> None:
    people_services.set_chair(round_, person(email), round_.row_version, act(person(COORDINATOR).id))
    db.session.commit()


def declare(proposal: Proposal, email: str, kind: InterestKind = INDIRECT, reason: str = "A cousin") -> Interest:
    who = person(email).id
    found = interest_services.declare_interest(proposal.round, proposal, who, kind, reason, act(who))
    db.session.commit()
    return found


def declare_in(round_: Round, name: str, email: str, kind: InterestKind = DIRECT) -> None:
    who = person(email).id
    interest_services.declare_for_organisation(round_, organisation(name), who, kind, "On its board", act(who))
    db.session.commit()


def rule(interest: Interest, event: InterestEvent, email: str = CHAIR, reason: str = "Far enough") -> Interest:
    found = interest_services.rule(interest, event, reason, act(person(email).id))
    db.session.commit()
    return found


def shut(proposal: Proposal, email: str) -> bool:
    return queries.is_shut(person(email).id, proposal)


def test_an_organisation_is_every_proposal_it_makes_or_gives_match_to(app: Flask) -> None:
    round_ = make_round()
    own = make_proposal(round_, "Own")
    draft = make_draft(round_, "A draft of theirs")
    other = make_proposal(round_, "Other", by_organisation="Safer Streets Trust")
    declare_in(round_, CHARITY, HEALTH)
    assert (shut(own, HEALTH), shut(draft, HEALTH), shut(other, HEALTH)) == (True, True, False)
    declare_in(round_, "Dorset Council", POLICE)  # gives match to every one of them
    assert all(shut(each, POLICE) for each in (own, draft, other))
    declare_in(round_, CHARITY, HEALTH)
    declare_in(round_, CHARITY, HEALTH, INDIRECT)  # says no more than the direct one
    assert len([each for each in queries.interests(round_.id) if each.person_id == person(HEALTH).id]) == 2
    assert_chains_whole()


def test_what_comes_later_is_shut_in_the_same_transaction(app: Flask) -> None:
    round_ = make_round()
    declare_in(round_, CHARITY, HEALTH)
    declare_in(round_, "Safer Streets Trust", COORDINATOR)
    by = act(person(BCP).id)
    added = services.add_proposal(round_, organisation(CHARITY), by, title="Theirs")
    assert shut(added, HEALTH)
    assert not shut(added, COORDINATOR)
    partner = MatchLine(organisation("Safer Streets Trust").id, MatchKind.CASH, "Buses", 100_00)
    content = queries.content_of(queries.newest_version(added))
    services.save_version(added, dataclasses.replace(content, matches=(partner,)), added.row_version, by)
    assert shut(added, COORDINATOR)
    services.save_version(added, dataclasses.replace(content, matches=()), added.row_version, by)
    assert shut(added, COORDINATOR)  # what was declared is cleared by a person, not by a change of the bid
    assert len(queries.interests(round_.id)) == 2
    db.session.rollback()
    assert queries.interests(round_.id) == []


def test_nobody_declares_for_another_nor_after_publication(app: Flask) -> None:
    round_ = make_round()
    charity, health = organisation(CHARITY), person(HEALTH).id
    for verb in (
        lambda: interest_services.declare_for_organisation(round_, charity, health, DIRECT, "x", act(1)),
        lambda: interest_services.finish_organisations(round_, health, [charity.id], act(1)),
    ):
        with pytest.raises(NotAllowed, match="their own"):
            verb()
    with pytest.raises(Refused, match="Say what"):
        interest_services.declare_for_organisation(round_, charity, health, DIRECT, " ", act(health))
    round_.state = RoundState.PUBLISHED
    with pytest.raises(Refused, match="published"):
        interest_services.declare_for_organisation(round_, charity, health, DIRECT, "x", act(health))


def test_organisations_gone_through_are_those_that_were_on_the_page(app: Flask) -> None:
    round_ = make_round()
    make_proposal(round_)
    health = person(HEALTH).id
    left = interest_queries.organisations_left(round_.id, health)
    assert [each.name for each in left] == ["Dorset Council", CHARITY]
    interest_services.finish_organisations(round_, health, [left[0].id], act(health))
    assert [each.name for each in interest_queries.organisations_left(round_.id, health)] == [CHARITY]
    advance(round_, RoundState.SCORING)
    with pytest.raises(Refused, match="organisations first"):
        services.finish_interest_review(round_, health, act(health))
    assert queries.interests(round_.id) == []  # having none shuts nothing


@pytest.mark.parametrize("again", [DIRECT, INDIRECT])
def test_an_interest_said_again_after_it_was_cleared_shuts_again(app: Flask, again: InterestKind) -> None:
    round_ = make_round()
    cleared, other = make_proposal(round_, "A", by_organisation=CHARITY), make_proposal(round_, "B")
    declare_in(round_, CHARITY, HEALTH, DIRECT)
    who, by = person(HEALTH).id, act(person(COORDINATOR).id)
    interest_services.clear_interest(round_, cleared, who, "A mistake", by)
    db.session.commit()
    assert (shut(cleared, HEALTH), shut(other, HEALTH)) == (False, True)
    declare_in(round_, CHARITY, HEALTH, again)
    assert (shut(cleared, HEALTH), shut(other, HEALTH)) == (True, True)
    standing = interest_queries.standing_of(cleared, who)
    assert standing is not None
    assert standing.kind is DIRECT, "what was said as direct is not softened"
    declare_in(round_, CHARITY, HEALTH, again)
    assert interest_queries.standing_of(cleared, who) == standing, "saying it twice changes nothing"


def test_an_organisation_gone_through_can_still_be_declared(app: Flask) -> None:
    round_ = make_round()
    proposal = make_proposal(round_)
    advance(round_, RoundState.SCORING)
    finish_interests(round_)
    declare_in(round_, CHARITY, HEALTH)
    assert shut(proposal, HEALTH)
    assert not interest_queries.organisations_left(round_.id, person(HEALTH).id)


@pytest.mark.parametrize(
    ("event", "is_shut", "is_silent"), [(SCORE, False, False), (READ, False, True), (SHUT, True, True)]
)
def test_what_a_ruling_means(app: Flask, event: InterestEvent, is_shut: bool, is_silent: bool) -> None:
    round_ = make_round()
    proposal = make_proposal(round_)
    chaired(round_)
    interest = declare(proposal, HEALTH)
    pair = (person(HEALTH).id, proposal.id)
    assert pair in queries.shut_pairs(round_.id)  # until the chair rules
    ruled = rule(interest, event)
    assert (pair in queries.shut_pairs(round_.id)) is is_shut
    assert (pair in queries.silent_pairs(round_.id)) is is_silent
    rule(ruled, SHUT, reason="On reflection")
    assert pair in queries.shut_pairs(round_.id)
    with pytest.raises(ChangedMeanwhile):
        rule(ruled, SCORE)  # another ruling stands since


def test_who_rules(app: Flask) -> None:
    round_ = make_round()
    proposal = make_proposal(round_)
    waiting = declare(proposal, HEALTH)
    with pytest.raises(Refused, match="Name the chair"):
        rule(waiting, SCORE)
    chaired(round_)
    with pytest.raises(NotAllowed, match="chair of the round rules"):
        rule(waiting, SCORE, COORDINATOR)
    with pytest.raises(Refused, match="reason"):
        rule(waiting, SCORE, reason=" ")
    with pytest.raises(Refused, match="Choose what"):
        rule(waiting, InterestEvent.CLEARED)
    of_coordinator, of_chair = declare(proposal, COORDINATOR), declare(proposal, CHAIR)
    with pytest.raises(NotAllowed, match="of your own"):
        rule(of_chair, SCORE)
    with pytest.raises(NotAllowed, match="declared an interest"):
        rule(of_chair, SCORE, COORDINATOR)  # shut to that one as well
    mine = {
        email: [each.person.email for each in interest_queries.for_ruling(round_, person(email).id, coordinates)]
        for email, coordinates in ((CHAIR, False), (COORDINATOR, True), (BCP, True), (HEALTH, False))
    }
    assert mine == {CHAIR: [], COORDINATOR: [], BCP: [HEALTH, COORDINATOR, CHAIR], HEALTH: []}
    rule(of_chair, SCORE, BCP)  # the chair's own goes to a coordinator
    rule(of_coordinator, SHUT)  # the coordinator's own to the chair, who is free again
    rule(waiting, READ)


def test_a_direct_one_is_not_ruled_on_and_an_indirect_one_not_cleared(app: Flask) -> None:
    round_ = make_round()
    proposal = make_proposal(round_)
    chaired(round_)
    coordinator = act(person(COORDINATOR).id)
    direct, indirect = declare(proposal, HEALTH, DIRECT), declare(proposal, POLICE)
    with pytest.raises(Refused, match="always shuts"):
        rule(direct, SCORE)
    with pytest.raises(Refused, match="chair rules"):
        services.clear_interest(round_, proposal, indirect.person_id, "A friend only", coordinator)
    services.clear_interest(round_, proposal, direct.person_id, "Left the board", coordinator)
    assert not shut(proposal, HEALTH)
    rule(indirect, SCORE)
    declare(proposal, POLICE, DIRECT)  # worse than the chair knew
    assert shut(proposal, POLICE)


def test_a_ruling_stands_when_the_proposal_changes(app: Flask) -> None:
    round_ = make_round()
    proposal = make_proposal(round_)
    chaired(round_)
    declare_in(round_, CHARITY, HEALTH, INDIRECT)
    [interest] = queries.interests(round_.id)
    rule(interest, SCORE)
    by = act(person(COORDINATOR).id)
    services.return_for_correction(proposal, "Costs", by)
    content = queries.content_of(queries.newest_version(proposal))
    services.save_version(proposal, dataclasses.replace(content, matches=()), proposal.row_version, by)
    assert not shut(proposal, HEALTH)


def test_a_late_interest_takes_sent_scores_out_of_the_mean_with_a_trail(app: Flask) -> None:
    round_ = make_round()
    proposal = make_proposal(round_)
    advance(round_, RoundState.SCORING)
    finish_interests(round_)
    chaired(round_)
    save(proposal, HEALTH, FULL)
    send(round_, HEALTH)
    interest = declare(proposal, HEALTH)
    assert scoring.shut_people(round_.id)[proposal.id] == {person(HEALTH).id}
    rule(interest, READ)
    [ruled] = queries.interests(round_.id)
    rule(ruled, SCORE)
    assert proposal.id not in scoring.shut_people(round_.id)
    lines = audit_queries.history("scores", queries.subject(proposal))
    assert [(line.action, line.actor_id) for line in lines] == [
        ("put_scores_back", person(CHAIR).id),
        ("withdraw_scores", person(HEALTH).id),
    ] + [(line.action, line.actor_id) for line in lines[2:]]
    assert not {"withdraw_scores", "put_scores_back"} & {line.action for line in lines[2:]}
    assert [mark.assessor_id for mark in scoring.sent_marks(round_.id)[proposal.id]]  # they stay on record


def test_the_lines_of_the_papers(app: Flask) -> None:
    round_ = make_round()
    first = make_proposal(round_)
    second = make_proposal(round_, "Night buses", by_organisation="Safer Streets Trust")
    chaired(round_)
    declare_in(round_, CHARITY, HEALTH, INDIRECT)
    declare(second, POLICE, DIRECT, "I work there")
    [interest] = [each for each in queries.interests(round_.id) if each.person_id == person(HEALTH).id]
    health, police = interest_queries.interests_for_papers(round_.id)
    assert (health.person, health.organisation, health.ref, health.about) == (
        "Health assessor",
        "NHS Dorset",
        first.ref,
        CHARITY,
    )
    assert health.ruling == "Takes no part until the chair rules"
    assert (police.title, police.proposer, police.about, police.kind) == (
        "Night buses",
        "Safer Streets Trust",
        "",
        DIRECT,
    )
    assert (police.ruling, police.ruling_by) == ("Takes no part", "")
    rule(interest, READ, reason="A distant post")
    health = interest_queries.interests_for_papers(round_.id)[0]
    assert (health.reason, health.ruling, health.ruling_by, health.ruling_reason) == (
        "On its board",
        "May read, and scores nothing",
        "BCP member",
        "A distant post",
    )
