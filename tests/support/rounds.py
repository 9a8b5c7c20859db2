"""Rounds with their scheme and assessors, and submitted proposals, for the tests of what stands on them."""

import datetime as dt
from collections.abc import Mapping, Sequence

from sqlalchemy import select

from svd_tracker.accounts import queries as accounts
from svd_tracker.accounts.models import Organisation, Person
from svd_tracker.accounts.services import add_organisation
from svd_tracker.calculations.figures import Category
from svd_tracker.delivery.models import OutputMeasure
from svd_tracker.extensions import db
from svd_tracker.finance.models import MatchKind
from svd_tracker.grants.models import Grant
from svd_tracker.grants.queries import get_allocation
from svd_tracker.interventions.models import Intervention, Level
from svd_tracker.proposals import interest_queries, interest_services
from svd_tracker.proposals import queries as proposal_queries
from svd_tracker.proposals import services as proposals
from svd_tracker.proposals.content import (
    CostLine,
    MatchLine,
    MilestoneLine,
    OutputLine,
    ProposalContent,
    RiskLine,
)
from svd_tracker.proposals.models import Proposal, RiskRating
from svd_tracker.rounds import queries as round_queries
from svd_tracker.rounds import services as rounds
from svd_tracker.rounds.models import Round, RoundState
from svd_tracker.rounds.services import CriterionContent
from tests.support.money import holder, make_grant
from tests.support.prepared import prepared
from tests.support.world import act

SCALE = tuple((mark * 100, words) for mark, words in enumerate(("None", "Weak", "Fair", "Good", "Strong", "Excellent")))
CRITERIA = (
    CriterionContent("G1", "Safeguarding policy", "Is there a policy in force?", is_gate=True),
    CriterionContent("C1", "Need", "How well is the need shown?", 40_00, 200, points=SCALE),
    CriterionContent("C2", "Delivery", "Can it be delivered in the year?", 35_00, points=SCALE),
    CriterionContent("C3", "Value", "Is it worth the money?", 25_00, points=SCALE),
)
ASSESSORS = ("assessor.health@nhs.example", "assessor.police@police.example", "assessor.probation@probation.example")
COORDINATOR = "coordinator@dorset.example"
ORDER = (RoundState.PREPARING, RoundState.OPEN, RoundState.SCORING, RoundState.DECIDING, RoundState.PUBLISHED)
COSTS: Mapping[str, Mapping[Category, int]] = {"dorset": {Category.LABOUR: 12_000_00, Category.NON_LABOUR: 3_000_10}}


def person(email: str) -> Person:
    found = accounts.find_person(email)
    assert found is not None, email
    return found


@prepared
def make_round(
    grant: Grant | None = None,
    *,
    state: RoundState = RoundState.OPEN,
    holders: Sequence[str] = ("dorset", "bcp"),
    assessors: Sequence[str] = ASSESSORS,
    criteria: Sequence[CriterionContent] = CRITERIA,
    kept_back: int = 0,
    overall_minimum_bp: int | None = None,
    name: str = "Spring round",
    opens_on: dt.date = dt.date(2025, 3, 1),
    closes_on: dt.date = dt.date(2025, 4, 30),
) -> Round:
    """A round of 2025/26 with shares, scheme and assessors, moved on to ``state``, committed.

    Past SCORING it needs a proposal first: make it OPEN, add proposals, then ``advance``.
    """
    grant = grant or make_grant()
    by = act(person(COORDINATOR).id)
    round_ = rounds.add_round(grant.area, grant, 2025, None, name, opens_on, closes_on, by)
    wanted = {holder(ref).id for ref in holders}
    for share in round_queries.possible_shares(round_):
        if share.holder_id in wanted:
            rounds.add_share(round_, get_allocation(share.allocation_id), kept_back, "Continuing posts", by)
    rounds.save_scheme(round_, by, overall_minimum_bp=overall_minimum_bp, criteria=criteria)
    for email in assessors:
        rounds.add_assessor(round_, person(email), by)
    advance(round_, state)
    return round_


@prepared
def advance(round_: Round, state: RoundState) -> None:
    """Move a round on step by step, as the coordinator, and commit."""
    for step in ORDER[ORDER.index(round_.state) + 1 : ORDER.index(state) + 1]:
        rounds.move(round_, step, act(person(COORDINATOR).id))
    db.session.commit()


@prepared
def finish_organisations(round_: Round, *emails: str) -> None:
    """The assessors (or these people) say that they have no interest in the other organisations; commits."""
    seen = [each.id for each in interest_queries.organisations_in(round_.id)]
    for email in emails or ASSESSORS:
        interest_services.finish_organisations(round_, person(email).id, seen, act(person(email).id))
    db.session.commit()


@prepared
def finish_interests(round_: Round, *emails: str) -> None:
    """The assessors (or these people) say that they have no other interests; commits."""
    finish_organisations(round_, *emails)
    for email in emails or ASSESSORS:
        proposals.finish_interest_review(round_, person(email).id, act(person(email).id))
    db.session.commit()


def organisation(name: str) -> Organisation:
    return add_organisation(holder("dorset").area_id, name, act())


def full_content(
    title: str = "Street mentors",
    costs: Mapping[str, Mapping[Category, int]] = COSTS,
    match_pence: int = 2_500_00,
) -> ProposalContent:
    """Everything a proposal needs. ``costs``: by partnership ref, pence by category, all in quarter 1."""
    return ProposalContent(
        title=title,
        summary="Mentors meet young people where they are.",
        purpose="Fewer young people carry a knife.",
        level=Level.TARGETED,
        priority="Early help",
        evidence="Toolkit: mentoring lowers violence.",
        target_group="Young people aged 11 to 17",
        people_reached=60,
        deliverer="Harbour Youth Charity",
        lead="Project manager",
        where="Weymouth",
        safeguarding="Policy reviewed in January.",
        after_funding="Handed over to the youth service.",
        governance="Insured to £5 million; data protection officer named.",
        asks=tuple(holder(ref).id for ref in costs),
        costs=tuple(
            CostLine(holder(ref).id, category, 1, f"{category.label} costs", pence)
            for ref, by_category in costs.items()
            for category, pence in by_category.items()
        ),
        matches=(MatchLine(organisation("Dorset Council").id, MatchKind.CASH, "Room hire", match_pence),)
        if match_pence
        else (),
        outputs=(OutputLine("Young people mentored", OutputMeasure.COUNT, 60),),
        milestones=(MilestoneLine("First mentors trained", dt.date(2025, 6, 30)),),
        risks=(RiskLine("Recruitment is slow", RiskRating.MEDIUM, "Advertise early"),),
    )


@prepared
def make_draft(
    round_: Round,
    title: str = "Street mentors",
    *,
    costs: Mapping[str, Mapping[Category, int]] = COSTS,
    by_organisation: str = "Harbour Youth Charity",
    by: str = COORDINATOR,
    content: ProposalContent | None = None,
    continues: Intervention | None = None,
) -> Proposal:
    """A full draft, not submitted, committed."""
    who = act(person(by).id)
    proposal = proposals.add_proposal(round_, organisation(by_organisation), who, continues=continues)
    proposals.save_version(proposal, content or full_content(title, costs), proposal.row_version, who)
    db.session.commit()
    return proposal


@prepared
def make_proposal(
    round_: Round,
    title: str = "Street mentors",
    *,
    costs: Mapping[str, Mapping[Category, int]] = COSTS,
    by_organisation: str = "Harbour Youth Charity",
    content: ProposalContent | None = None,
    continues: Intervention | None = None,
) -> Proposal:
    """A submitted proposal with ``costs`` by partnership ref, pence by category; the round is OPEN. Committed."""
    proposal = make_draft(
        round_, title, costs=costs, by_organisation=by_organisation, content=content, continues=continues
    )
    proposals.submit(proposal, act(person(COORDINATOR).id))
    db.session.commit()
    return proposal


def find_draft(round_: Round, ref: str) -> Proposal:
    found = db.session.scalar(select(Proposal).where(Proposal.round_id == round_.id, Proposal.ref == ref))
    assert found is not None
    return proposal_queries.get_proposal(found.id)
