"""A made-up round of forty proposals that is being scored: what a large call looks like (illustrative throughout)."""

import datetime as dt
import tomllib
from dataclasses import replace
from functools import cache
from typing import Any

from svd_tracker.accounts import queries as accounts
from svd_tracker.accounts.models import Organisation
from svd_tracker.accounts.services import add_organisation
from svd_tracker.approvals.models import ApprovalKind
from svd_tracker.approvals.services import open_approval
from svd_tracker.calculations.figures import Category
from svd_tracker.calculations.ranking import TieRule
from svd_tracker.delivery.models import OutputMeasure
from svd_tracker.demo.load_year import the_area, the_holder
from svd_tracker.demo.story import COORDINATOR, FOLDER, OPCC_OFFICER, YEAR, act, amounts, person_id
from svd_tracker.extensions import db
from svd_tracker.finance.models import MatchKind
from svd_tracker.grants import queries as grants
from svd_tracker.grants import services as grant_services
from svd_tracker.grants.models import Grant
from svd_tracker.interventions.models import Level
from svd_tracker.money import share_out
from svd_tracker.proposals import checks, interest_queries, interest_services
from svd_tracker.proposals import queries as proposals
from svd_tracker.proposals import services as proposal_services
from svd_tracker.proposals.content import CostLine, MatchLine, MilestoneLine, OutputLine, ProposalContent, RiskLine
from svd_tracker.proposals.models import CheckResult, InterestKind, Proposal, RiskRating
from svd_tracker.rounds import people_services, scheme_services
from svd_tracker.rounds import queries as rounds
from svd_tracker.rounds import services as round_services
from svd_tracker.rounds.models import Criterion, Round, RoundState
from svd_tracker.scoring import services as scoring_services

LEADER = COORDINATOR["dorset"]
FROM = 2  # the money is spent from quarter 2 on
WORDS = ("nothing to go on", "weak", "some of it", "good", "very good", "as good as it gets")


@cache
def told() -> dict[str, Any]:
    """Everything in forty.toml."""
    return tomllib.loads((FOLDER / "forty.toml").read_text(encoding="utf-8"))


def load_forty() -> None:
    """The fund, the round, its forty proposals, and the scores of most of its assessors."""
    round_ = _open_round(_fund())
    made = _take_in(round_)
    round_services.move(
        round_, RoundState.SCORING, act(LEADER, told()["round"]["closes_on"] + dt.timedelta(days=3)), "The round closed"
    )
    db.session.commit()
    _declare(round_)
    _score(round_, made)


def _fund() -> Grant:
    grant_told = told()["grant"]
    acting = act(OPCC_OFFICER, grant_told["on"])
    grant = grant_services.add_grant(
        the_area(),
        grant_told["ref"],
        grant_told["funder"],
        grant_told["name"],
        grant_told["starts_on"],
        grant_told["ends_on"],
        acting,
    )
    db.session.flush()  # awards need the grant's id
    awards = amounts(grant_told["award"])
    shares = {
        (the_holder(ref).id, category): pence
        for ref, by_category in grant_told["allocations"].items()
        for category, pence in amounts(by_category).items()
    }
    letter = open_approval(
        acting,
        area_id=the_area().id,
        kind=ApprovalKind.AWARD,
        body=grant_told["funder"],
        decided_on=acting.on,
        minute_ref=grant_told["letter"],
        amount_pence=sum(awards.values()),
        reason=f"The award of {YEAR}",
    )
    grant_services.set_up_year(grant, YEAR, awards, shares, letter, acting, reason="Award")
    db.session.commit()
    return grant


def _open_round(grant: Grant) -> Round:
    of_round = told()["round"]
    acting = act(LEADER, of_round["set_up_on"])
    round_ = round_services.add_round(
        the_area(),
        grant,
        YEAR,
        of_round["ref"],
        of_round["name"],
        of_round["opens_on"],
        of_round["closes_on"],
        acting,
        blind=True,
    )
    db.session.flush()  # shares, assessors and the scheme need the round's id
    for holder_ref in told()["grant"]["allocations"]:
        for category in Category:
            allocation = grants.find_allocation(grant.id, YEAR, category, the_holder(holder_ref).id)
            if allocation is not None:
                round_services.add_share(round_, allocation, 0, "The whole fund is for this round", acting)
    criteria = [
        scheme_services.CriterionContent(
            ref=one["ref"],
            name=one["name"],
            guidance=one["guidance"],
            weight_hundredths=one["weight"] * 100,
            points=tuple((mark * 100, WORDS[mark * 5 // one["top"]].capitalize()) for mark in range(one["top"] + 1)),
        )
        for one in of_round["criteria"]
    ]
    scheme_services.save_scheme(round_, acting, overall_minimum_bp=4_000, reasons_required=False, criteria=criteria)
    settings = replace(
        scheme_services.settings_of(round_.scheme),
        bands=tuple((from_bp, label) for from_bp, label in of_round["bands"]),
        least_scorers=4,
        tie_rule=TieRule.LESS_MONEY,
    )
    scheme_services.save_settings(round_, acting, settings)
    scheme_services.save_checks(round_, acting, scheme_services.USUAL_CHECKS)
    for email in of_round["assessors"]:
        people_services.add_assessor(round_, accounts.get_person(person_id(email)), acting)
    people_services.set_chair(round_, accounts.get_person(person_id(of_round["chair"])), round_.row_version, acting)
    round_services.move(round_, RoundState.OPEN, acting)
    db.session.commit()
    return round_


def _take_in(round_: Round) -> list[Proposal]:
    made = []
    opened: dt.date = told()["round"]["opens_on"]
    for number, (place, idea) in enumerate(
        (place, idea) for place in range(len(told()["places"])) for idea in range(len(told()["ideas"]))
    ):
        acting = act(LEADER, opened + dt.timedelta(days=number % 28))
        organisation = _organisation(
            told()["organisations"][(number * 3 + place) % len(told()["organisations"])]["name"]
        )
        proposal = proposal_services.add_proposal(round_, organisation, acting)
        db.session.flush()  # the version is saved against the proposal's id
        content = _content(number, told()["places"][place], told()["ideas"][idea], organisation)
        proposal_services.save_version(proposal, content, proposal.row_version, acting)
        proposal_services.submit(proposal, acting)
        made.append(proposal)
    _beside_the_call(round_, made)
    for proposal in made:
        _check(proposal)
    db.session.commit()
    return made


def _beside_the_call(round_: Round, made: list[Proposal]) -> None:
    """One that was withdrawn, one that is not eligible, and one that came late: kept with their reasons."""
    places, ideas = told()["places"], told()["ideas"]
    closed: dt.date = told()["round"]["closes_on"]
    for number, (title, words) in enumerate(told()["beside"].items(), start=len(made)):
        late = title == "late"
        acting = act(LEADER, closed)
        organisation = _organisation(told()["organisations"][number % len(told()["organisations"])]["name"])
        proposal = proposal_services.add_proposal(round_, organisation, acting)
        db.session.flush()  # the version is saved against the proposal's id
        content = _content(number, places[number % len(places)], ideas[number % len(ideas)], organisation)
        content = replace(content, title=words["title"])
        proposal_services.save_version(proposal, content, proposal.row_version, acting)
        after = act(LEADER, closed + dt.timedelta(days=2))
        proposal_services.submit(proposal, after if late else acting, late=late)
        if title == "withdrawn":
            proposal_services.withdraw(proposal, words["reason"], after)
        elif title == "ineligible":
            checks.set_ineligible(proposal, words["reason"], after)


def _check(proposal: Proposal) -> None:
    """The coordinator's answers: all met, one of them in part."""
    acting = act(LEADER, told()["round"]["closes_on"] + dt.timedelta(days=2))
    answers = {each.check.id: checks.Answer(CheckResult.MET) for each in checks.checks_of(proposal)}
    if proposal.ref.endswith("7"):
        first = next(iter(answers))
        answers[first] = checks.Answer(CheckResult.PART, "Refreshments are left out of what could be paid")
    checks.answer_checks(proposal, answers, acting)


def _content(number: int, place: dict[str, Any], idea: dict[str, Any], organisation: Organisation) -> ProposalContent:
    holder = the_holder(place["holder"])
    scale = 90 + number * 7 % 25  # per cent: no two places ask the same
    quarters = range(FROM, 5)
    costs = [
        CostLine(holder.id, category, quarter, words, pence, category is Category.LABOUR)
        for category, words, pounds in (
            (Category.LABOUR, "Staff", idea["labour"]),
            (Category.NON_LABOUR, "Running costs", idea["other"]),
        )
        for quarter, pence in zip(quarters, share_out(pounds * scale, [1] * len(quarters)), strict=True)
    ]
    return ProposalContent(
        title=f"{idea['title']}, {place['name']}",
        summary=idea["summary"],
        purpose=f"Fewer young people of {place['name']} hurt others or are hurt.",
        level=Level(idea["level"]),
        priority="Early intervention",
        evidence=idea["evidence"],
        target_group="Young people aged 11 to 18",
        people_reached=idea["reach"],
        deliverer=organisation.name,
        lead="Project manager",
        where=place["name"],
        safeguarding="Policy reviewed this year; staff are checked and trained.",
        after_funding="Taken over by the partners named above where it works.",
        governance="Insured; data protection lead named; equality impact assessed; not funded elsewhere.",
        asks=(holder.id,),
        costs=tuple(costs),
        matches=(MatchLine(organisation.id, MatchKind.CASH, "Own funds", 1_000_00 + number * 50_00),)
        if number % 4 == 0
        else (),
        outputs=(OutputLine("Young people reached", OutputMeasure.COUNT, idea["reach"]),),
        milestones=(MilestoneLine("First young people taken on", dt.date(2025, 10, 15)),),
        risks=(RiskLine("Staff are not found in time", RiskRating.MEDIUM, "Begin with those already there"),),
    )


def _declare(round_: Round) -> None:
    declared_on = told()["round"]["closes_on"] + dt.timedelta(days=3)
    for one in told()["interests"]:
        interest_services.declare_for_organisation(
            round_,
            _organisation(one["organisation"]),
            person_id(one["person"]),
            InterestKind(one["kind"]),
            one["reason"],
            act(one["person"], declared_on),
        )
    seen = [each.id for each in interest_queries.organisations_in(round_.id)]
    for email in told()["round"]["assessors"][:-1]:
        acting = act(email, declared_on)
        interest_services.finish_organisations(round_, person_id(email), seen, acting)
        interest_services.finish_interest_review(round_, person_id(email), acting)
    db.session.commit()


def _score(round_: Round, made: list[Proposal]) -> None:
    of_round = told()["round"]
    criteria = rounds.criteria_of(round_.scheme)
    for place, email in enumerate(of_round["assessors"][: of_round["sent"] + 1]):
        acting = act(email, of_round["scored_on"])
        shut = {proposal_id for person, proposal_id in proposals.silent_pairs(round_.id) if person == acting.by}
        sends = place < of_round["sent"]
        for number, proposal in enumerate(made if sends else made[: len(made) // 2]):
            if proposal.id in shut:
                continue
            given = {each.id: _given(each, at, number, place) for at, each in enumerate(criteria)}
            scoring_services.save_draft(acting, proposal, given, row_version=0)
        if sends:
            scoring_services.send_all(round_, person_id(email), acting)
        db.session.commit()


def _given(criterion: Criterion, at: int, number: int, place: int) -> scoring_services.Given:
    """A mark that depends on the idea most, on the place a little, and on who gives it: some are strict, two differ."""
    points = [point.hundredths for point in criterion.points]
    top = len(points) - 1
    idea, where = number % 10, number // 10
    worth = (7, 8, 6, 6, 5, 5, 3, 6, 2, 7)[idea] + (where + at + idea) % 3 - 1
    strict = (0, 1, 0, -1, 0, 1, 0)[place]
    apart = 4 if (idea, place) in ((3, 1), (5, 3)) else 0  # where members disagree
    mark = max(0, min(10, worth - strict - apart))
    return scoring_services.Given(points[(mark * top + 5) // 10], "")


def _organisation(name: str) -> Organisation:
    organisation = add_organisation(the_area().id, name, act(LEADER, told()["round"]["set_up_on"]))
    db.session.flush()  # its id is needed
    return organisation
