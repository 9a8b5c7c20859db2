"""Scores given and sent through the services, for the tests of scoring and of decisions."""

from collections.abc import Mapping

from svd_tracker.extensions import db
from svd_tracker.proposals.models import InterestKind, Proposal
from svd_tracker.proposals.services import declare_interest, return_for_correction, submit
from svd_tracker.rounds import queries as rounds
from svd_tracker.rounds.models import Round
from svd_tracker.scoring import queries, services
from svd_tracker.scoring.models import Assessment
from svd_tracker.scoring.services import Given
from tests.support.prepared import prepared
from tests.support.rounds import ASSESSORS, COORDINATOR, finish_interests, person
from tests.support.world import act

HEALTH, POLICE, PROBATION = ASSESSORS
FULL = {"G1": 100, "C1": 400, "C2": 300, "C3": 500}


def criterion_ids(round_: Round) -> dict[str, int]:
    return {each.ref: each.id for each in rounds.criteria_of(round_.scheme)}


@prepared
def save(
    proposal: Proposal,
    email: str,
    marks: Mapping[str, int | None],
    reason: str = "Well shown",
    row_version: int | None = None,
) -> Assessment:
    """Save marks by criterion ref as a draft and commit; reasons go with marks that are given."""
    ids = criterion_ids(proposal.round)
    given = {ids[ref]: Given(mark, reason if mark is not None else "") for ref, mark in marks.items()}
    who = person(email).id
    if row_version is None:
        standing = queries.assessment_of(proposal, who)
        row_version = standing.row_version if standing else 0
    saved = services.save_draft(act(who), proposal, given, row_version=row_version)
    db.session.commit()
    return saved


@prepared
def send(round_: Round, email: str) -> int:
    sent = services.send_all(round_, person(email).id, act(person(email).id))
    db.session.commit()
    return sent


@prepared
def score_all(round_: Round, *proposals: Proposal, emails: tuple[str, ...] = ASSESSORS) -> None:
    """These assessors say that they have no interests, give every proposal FULL marks, and send."""
    finish_interests(round_, *emails)
    for email in emails:
        for proposal in proposals:
            save(proposal, email, FULL)
        send(round_, email)


@prepared
def declare(proposal: Proposal, email: str) -> None:
    who = person(email).id
    declare_interest(proposal.round, proposal, who, InterestKind.DIRECT, "Works there", act(who))
    db.session.commit()


@prepared
def correct(proposal: Proposal) -> None:
    """The coordinator returns a proposal and submits it again, corrected; commits."""
    by = act(person(COORDINATOR).id)
    return_for_correction(proposal, "Costs do not add up", by)
    submit(proposal, by)
    db.session.commit()


def form_of(
    round_: Round, marks: Mapping[str, int], row_version: int = 0, reason: str = "Well shown"
) -> dict[str, str]:
    """What the page of one proposal would send."""
    data = {"row_version": str(row_version), "comment": ""}
    for ref, criterion_id in criterion_ids(round_).items():
        data[f"mark_{criterion_id}"] = str(marks.get(ref, ""))
        data[f"reason_{criterion_id}"] = reason if ref in marks else ""
    return data
