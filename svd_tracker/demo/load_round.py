"""The round of 2025/26: six proposals, five assessors, two partnerships' decisions."""

import datetime as dt
from typing import Any

from svd_tracker.accounts import queries as accounts
from svd_tracker.accounts.models import Organisation
from svd_tracker.accounts.services import add_organisation
from svd_tracker.approvals.models import ApprovalBody
from svd_tracker.calculations.figures import Category
from svd_tracker.decisions import agreements, feedback, letters
from svd_tracker.decisions import queries as decisions
from svd_tracker.decisions import services as decision_services
from svd_tracker.decisions.models import AgreementKind, Outcome
from svd_tracker.delivery.models import OutputMeasure
from svd_tracker.demo.load_year import AGREE, the_area, the_grant, the_holder, the_intervention
from svd_tracker.demo.story import COORDINATOR, SHORT, YEAR, act, amounts, pence, person_id, story
from svd_tracker.extensions import db
from svd_tracker.finance.models import MatchKind
from svd_tracker.grants import queries as grants
from svd_tracker.interventions.models import Level
from svd_tracker.periods import QUARTERS
from svd_tracker.proposals import interest_queries, interest_services
from svd_tracker.proposals import queries as proposals
from svd_tracker.proposals import services as proposal_services
from svd_tracker.proposals.content import CostLine, MatchLine, MilestoneLine, OutputLine, ProposalContent, RiskLine
from svd_tracker.proposals.models import InterestKind, Proposal, RiskRating
from svd_tracker.rounds import queries as rounds
from svd_tracker.rounds import scheme_services
from svd_tracker.rounds import services as round_services
from svd_tracker.rounds.models import Round, RoundState
from svd_tracker.scoring import services as scoring_services

SET_UP = dt.date(2025, 3, 17)
KEYED_IN = dt.date(2025, 3, 24)
CLOSED = dt.date(2025, 4, 1)
SCORED = dt.date(2025, 4, 8)
DECIDED = {"dorset": dt.date(2025, 4, 16), "bcp": dt.date(2025, 4, 17)}
PUBLISHED = dt.date(2025, 4, 22)
PROPOSER = "proposer@youth.example"
LEADER = COORDINATOR["dorset"]


def load_round() -> None:
    """From the call to the published decisions, each on its day and by whoever does it."""
    round_ = _open_round()
    _take_in_proposals(round_)
    round_services.move(round_, RoundState.SCORING, act(LEADER, CLOSED))
    db.session.commit()
    _score(round_)
    round_services.move(round_, RoundState.DECIDING, act(LEADER, SCORED))
    db.session.commit()
    _decide(round_)
    round_services.move(round_, RoundState.PUBLISHED, act(LEADER, PUBLISHED))
    db.session.commit()
    _tell(round_)


def _open_round() -> Round:
    told = story()["round"]
    acting = act(LEADER, SET_UP)
    round_ = round_services.add_round(
        the_area(), the_grant(), YEAR, told["ref"], told["name"], told["opens_on"], told["closes_on"], acting
    )
    db.session.flush()  # shares, assessors and the scheme need the round's id
    for holder_ref in ("dorset", "bcp"):
        kept = amounts(told["kept_back"].get(holder_ref, {}))
        for category in Category:
            allocation = grants.find_allocation(the_grant().id, YEAR, category, the_holder(holder_ref).id)
            if allocation is not None:
                round_services.add_share(
                    round_, allocation, kept.get(category, 0), "Continuing posts are funded first", acting
                )
    scale = tuple((int(point) * 100, words) for point, words in told["words"].items())
    criteria = [
        scheme_services.CriterionContent(
            ref=one["ref"],
            name=one["name"],
            guidance=one["guidance"],
            weight_hundredths=int(one.get("weight", "0")) * 100,
            is_gate=one.get("gate", False),
            points=((0, "Fail"), (100, "Pass")) if one.get("gate") else scale,
        )
        for one in told["criteria"]
    ]
    scheme_services.save_scheme(
        round_, acting, overall_minimum_bp=told["overall_minimum_bp"], reasons_required=True, criteria=criteria
    )
    for email in told["assessors"]:
        person = accounts.get_person(person_id(email))
        round_services.add_assessor(round_, person, acting)
    round_services.move(round_, RoundState.OPEN, acting)
    db.session.commit()
    return round_


def _take_in_proposals(round_: Round) -> None:
    for one in story()["proposals"]:
        email = PROPOSER if one["organisation"].startswith("Youth outreach") else LEADER
        acting = act(email, KEYED_IN)
        continues = the_intervention(one["continues"]) if "continues" in one else None
        proposal = proposal_services.add_proposal(
            round_, _organisation(one["organisation"]), acting, title=one["title"], continues=continues, ref=one["ref"]
        )
        db.session.flush()  # the version is saved against the proposal's id
        proposal_services.save_version(proposal, _content(one), proposal.row_version, acting)
        proposal_services.submit(proposal, acting)
        db.session.commit()


def _content(one: dict[str, Any]) -> ProposalContent:
    costs = [
        CostLine(
            holder_id=the_holder(line["holder"]).id,
            category=Category(line["category"]),
            quarter=quarter,
            text=line["text"],
            pence=pence(pounds),
            pay_award_pending=line.get("pay_award", False),
        )
        for line in one["costs"]
        for quarter, pounds in zip(QUARTERS, line["quarters"], strict=True)
    ]
    return ProposalContent(
        title=one["title"],
        summary=one["summary"],
        purpose=one["purpose"],
        level=Level(one["level"]),
        priority=one["priority"],
        evidence=one["evidence"],
        target_group=one["target_group"],
        people_reached=one.get("people_reached"),
        deliverer=one["deliverer"],
        lead=one["lead"],
        where=one["where"],
        safeguarding="Policy, insurance and data protection papers seen (illustrative).",
        after_funding=one["after_funding"],
        asks=tuple(dict.fromkeys(cost.holder_id for cost in costs)),
        costs=tuple(costs),
        matches=tuple(
            MatchLine(
                _organisation(line["organisation"]).id, MatchKind(line["kind"]), line["title"], pence(line["amount"])
            )
            for line in one.get("match", [])
        ),
        outputs=tuple(
            OutputLine(line["definition"], OutputMeasure(line["measure"]), line["target"]) for line in one["outputs"]
        ),
        milestones=tuple(MilestoneLine(line["title"], line["due_on"]) for line in one["milestones"]),
        risks=tuple(RiskLine(line["text"], RiskRating(line["rating"]), line["response"]) for line in one["risks"]),
    )


def _score(round_: Round) -> None:
    by_ref = _by_ref(round_)
    criteria = {one.ref: one.id for one in rounds.criteria_of(round_.scheme)}
    assessors = story()["round"]["assessors"]
    for one in story()["interests"]:
        interest_services.declare_interest(
            round_,
            by_ref[one["proposal"]],
            person_id(one["person"]),
            InterestKind(one["kind"]),
            one["reason"],
            act(one["person"], CLOSED),
        )
    declared = {(one["person"], one["proposal"]) for one in story()["interests"]}
    seen = [each.id for each in interest_queries.organisations_in(round_.id)]
    for email in assessors:
        interest_services.finish_organisations(round_, person_id(email), seen, act(email, CLOSED))
        interest_services.finish_interest_review(round_, person_id(email), act(email, CLOSED))
    db.session.commit()
    for place, email in enumerate(assessors):
        acting = act(email, SCORED)
        for one in story()["proposals"]:
            if (email, one["ref"]) in declared:
                continue
            given = {criteria["SAFE"]: scoring_services.Given(100, "Papers seen")}
            weighted = [criterion["ref"] for criterion in story()["round"]["criteria"] if not criterion.get("gate")]
            for ref, mark in zip(weighted, one["marks"][place], strict=True):
                words = story()["round"]["words"][str(mark)]
                given[criteria[ref]] = scoring_services.Given(mark * 100, f"{words} (illustrative)")
            scoring_services.save_draft(acting, by_ref[one["ref"]], given, row_version=0)
        db.session.commit()
        scoring_services.send_all(round_, person_id(email), acting)
        db.session.commit()


def _decide(round_: Round) -> None:
    by_ref = _by_ref(round_)
    for holder_ref, on in DECIDED.items():
        holder = the_holder(holder_ref)
        for one in story()["proposals"]:
            for told in one["decisions"]:
                if told["holder"] != holder_ref:
                    continue
                proposal = by_ref[one["ref"]]
                version = proposals.submitted_version(proposal)
                if version is None:
                    raise LookupError(f"{one['ref']} was not submitted")
                outcome = Outcome(told["outcome"])
                asked = proposals.asks(version).get(holder.id, {})
                granted = amounts(told["amounts"]) if "amounts" in told else asked
                decision_services.decide(
                    act(COORDINATOR[holder_ref], on),
                    proposal,
                    holder,
                    outcome=outcome,
                    amounts=granted if outcome.funds else {},
                    reason=told["reason"],
                    words_to_applicant=told["reason"],
                    decided_on=on,
                    minute_ref=f"{SHORT[holder_ref]}, April 2025, minute 6 (illustrative)",
                    needs=AGREE if outcome.funds else (),
                    agreed=_agreed(on) if outcome.funds else {},
                    conditions=(),
                )
                db.session.commit()


def _tell(round_: Round) -> None:
    """What follows the decisions of Dorset: an agreement with who runs the funded work, and a letter of refusal."""
    told = story()["after"]
    by_ref, holder = _by_ref(round_), the_holder("dorset")
    acting = act(LEADER, told["on"])
    for one in told["agreements"]:
        decision = decisions.find_standing(by_ref[one["proposal"]].id, holder.id)
        if decision is None:
            raise LookupError(f"{one['proposal']} was not decided")
        agreements.record_agreement(
            decision, AgreementKind(one["kind"]), one["body"], one["reference"], one.get("signed_on"), 0, acting
        )
    for one in told["letters"]:
        decision = decisions.find_standing(by_ref[one["proposal"]].id, holder.id)
        if decision is None:
            raise LookupError(f"{one['proposal']} was not decided")
        feedback.write_feedback(decision, one["strengths"], one["gaps"], 0, acting)
        db.session.flush()  # the letter reads it
        letters.issue_letter(decision, one["to"], "", acting)
    db.session.commit()


def _agreed(on: dt.date) -> dict[ApprovalBody, tuple[dt.date, str]]:
    return {body: (on, f"{body.label} agreed (illustrative)") for body in AGREE}


def _by_ref(round_: Round) -> dict[str, Proposal]:
    return {proposal.ref: proposal for proposal in proposals.list_proposals(round_.id)}


def _organisation(name: str) -> Organisation:
    organisation = add_organisation(the_area().id, name, act(LEADER, SET_UP))
    db.session.flush()  # its id is needed
    return organisation
