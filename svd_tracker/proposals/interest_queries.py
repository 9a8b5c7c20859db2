"""Reading interests: the organisations of a round, what waits for a ruling, and the lines of the papers."""

import datetime as dt
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Select, func, select
from sqlalchemy.orm import joinedload

from svd_tracker.accounts.models import Organisation, Role
from svd_tracker.accounts.queries import person_names, standing_role_grants
from svd_tracker.extensions import db
from svd_tracker.proposals import queries
from svd_tracker.proposals.models import (
    Interest,
    InterestEvent,
    InterestKind,
    OrganisationInterest,
    Proposal,
    ProposalMatch,
    ProposalState,
    ProposalVersion,
)
from svd_tracker.rounds.models import Round, RoundAssessor, RoundStandIn

IN_PLAY = (ProposalState.SUBMITTED, ProposalState.RETURNED)  # what assessors are asked to read
RULINGS = (InterestEvent.RULED_SCORE, InterestEvent.RULED_READ, InterestEvent.RULED_SHUT)
RULING_WORDS: Mapping[InterestEvent, str] = {
    InterestEvent.RULED_SCORE: "May read and score",
    InterestEvent.RULED_READ: "May read, and scores nothing",
    InterestEvent.RULED_SHUT: "Takes no part",
    InterestEvent.CLEARED: "Cleared",
}


@dataclass(frozen=True)
class InterestLine:
    """One person's interest in one proposal, as the papers print it. ``organisation``: where the person works.

    ``about``: the organisation that the interest came through, empty where it was declared in the proposal alone.
    ``ruling`` says in words what holds now, with who said so, why and when; a declared direct one has no ruling.
    """

    person_id: int
    person: str
    organisation: str
    proposal_id: int
    ref: str
    title: str
    proposer: str
    about: str
    kind: InterestKind
    event: InterestEvent
    reason: str
    on: dt.datetime
    ruling: str
    ruling_by: str
    ruling_reason: str
    ruling_on: dt.datetime | None


@dataclass(frozen=True)
class Uncovered:
    """A coordinator to whom this many proposals of their partnerships are shut, and for whom nobody stands in."""

    person_id: int
    name: str
    proposals: int


def organisations_in(round_id: int) -> Sequence[Organisation]:
    """Those that proposed to a round or are match partners in what was submitted, by name: in blind rounds too."""
    return db.session.scalars(_organisations_in(round_id)).all()


def _organisations_in(round_id: int) -> Select[Organisation]:
    in_play = select(Proposal.id).where(Proposal.round_id == round_id, Proposal.state.in_(IN_PLAY))
    newest = queries.newest_submitted(round_id).where(Proposal.id.in_(in_play))
    proposing = (
        select(Proposal.organisation_id)
        .join(ProposalVersion, ProposalVersion.proposal_id == Proposal.id)
        .where(ProposalVersion.id.in_(newest))
    )
    matching = select(ProposalMatch.organisation_id).where(ProposalMatch.proposal_version_id.in_(newest))
    return (
        select(Organisation)
        .where(Organisation.id.in_(proposing.union(matching)))
        .order_by(func.lower(Organisation.name), Organisation.id)
    )


def organisation_interests(round_id: int, person_id: int | None = None) -> list[OrganisationInterest]:
    """The newest event of each person and organisation in a round, in the order recorded."""
    newest = select(func.max(OrganisationInterest.id)).where(OrganisationInterest.round_id == round_id)
    if person_id is not None:
        newest = newest.where(OrganisationInterest.person_id == person_id)
    newest = newest.group_by(OrganisationInterest.person_id, OrganisationInterest.organisation_id)
    return list(
        db.session.scalars(
            select(OrganisationInterest)
            .where(OrganisationInterest.id.in_(newest))
            .options(joinedload(OrganisationInterest.organisation))
            .order_by(OrganisationInterest.id)
        )
    )


def organisations_left(round_id: int, person_id: int) -> Sequence[Organisation]:
    """The organisations of a round of which this person has not said yet whether they have an interest. One query."""
    said = select(OrganisationInterest.organisation_id).where(
        OrganisationInterest.round_id == round_id, OrganisationInterest.person_id == person_id
    )
    return db.session.scalars(_organisations_in(round_id).where(Organisation.id.not_in(said))).all()


def has_declared(round_id: int, person_id: int) -> bool:
    """Whether a person went through the whole list, and no organisation came since that they were not asked about.

    A corrected proposal can bring one, as a new match partner.
    """
    return queries.has_finished_review(round_id, person_id) and not organisations_left(round_id, person_id)


def was_ruled(proposal: Proposal, person_id: int, event: InterestEvent) -> bool:
    """Whether this ever held of a person's interest in a proposal, whatever holds now."""
    ruled = select(Interest.id).where(Interest.proposal_id == proposal.id, Interest.person_id == person_id)
    return db.session.scalar(ruled.where(Interest.event == event).limit(1)) is not None


def proposals_of(round_id: int, organisation_id: int) -> Sequence[Proposal]:
    """A round's proposals that an organisation made or gives match to, drafts too, as their newest version says."""
    newest = (
        select(func.max(ProposalVersion.id))
        .join(Proposal, Proposal.id == ProposalVersion.proposal_id)
        .where(Proposal.round_id == round_id)
        .group_by(ProposalVersion.proposal_id)
    )
    matched = (
        select(ProposalVersion.proposal_id)
        .join(ProposalMatch, ProposalMatch.proposal_version_id == ProposalVersion.id)
        .where(
            ProposalMatch.organisation_id == organisation_id,
            ProposalVersion.id.in_(newest.union(queries.newest_submitted(round_id))),
        )
    )
    return db.session.scalars(
        select(Proposal)
        .where(Proposal.round_id == round_id)
        .where((Proposal.organisation_id == organisation_id) | Proposal.id.in_(matched))
        .options(joinedload(Proposal.round))
        .order_by(Proposal.ref)
    ).all()


def standing_of(proposal: Proposal, person_id: int) -> Interest | None:
    """The newest event of one person on one proposal."""
    return db.session.scalar(
        select(Interest)
        .where(Interest.person_id == person_id, Interest.proposal_id == proposal.id)
        .order_by(Interest.id.desc())
        .limit(1)
    )


def waits_for_ruling(interest: Interest) -> bool:
    """Whether it is an indirect interest that nobody has ruled on: shut until then."""
    return interest.kind is InterestKind.INDIRECT and interest.event is InterestEvent.DECLARED


def waiting_in(round_id: int) -> list[Interest]:
    """The indirect interests of a round that nobody has ruled on."""
    return [each for each in queries.interests(round_id) if waits_for_ruling(each)]


def chair_rules(round_: Round, interest: Interest, shut: frozenset[tuple[int, int]]) -> bool:
    """Whether the chair rules on an interest; else a coordinator: the chair's own, and what is shut to the chair.

    ``shut``: ``queries.shut_pairs`` of the round.
    """
    return interest.person_id != round_.chair_id and (round_.chair_id, interest.proposal_id) not in shut


def for_ruling(round_: Round, person_id: int, coordinates: bool) -> list[Interest]:
    """The indirect interests of a round that this person rules on, ruled or not: never their own, none shut to them."""
    standing = queries.interests(round_.id)
    shut = frozenset((each.person_id, each.proposal_id) for each in standing if each.event in queries.SHUTTING)
    return [
        each
        for each in standing
        if each.kind is InterestKind.INDIRECT
        and each.event is not InterestEvent.CLEARED
        and each.person_id != person_id
        and (person_id, each.proposal_id) not in shut
        and (person_id == round_.chair_id if chair_rules(round_, each, shut) else coordinates)
    ]


def interests_for_papers(round_id: int) -> list[InterestLine]:
    """Every interest of a round with what was ruled on it, by person and proposal; a bounded number of queries.

    Whoever shows it leaves out the lines of proposals that are shut to the reader (DESIGN.md rule 7).
    """
    events: dict[tuple[int, int], list[Interest]] = {}
    for each in db.session.scalars(
        select(Interest).where(Interest.round_id == round_id).options(joinedload(Interest.person)).order_by(Interest.id)
    ):
        events.setdefault((each.person_id, each.proposal_id), []).append(each)
    rows = {row.id: row for row in queries.rows_of(round_id)}
    parts = db.session.execute(
        select(RoundAssessor.person_id, RoundAssessor.organisation_id).where(RoundAssessor.round_id == round_id)
    )
    of_round = {row.person_id: row.organisation_id for row in parts}
    organisation_ids = {each.organisation_id for run in events.values() for each in run}
    organisation_ids |= {of_round.get(run[0].person_id) or run[0].person.organisation_id for run in events.values()}
    names = _organisation_names(organisation_ids)
    by = person_names(run[-1].recorded_by for run in events.values())
    found = []
    for (person_id, proposal_id), run in events.items():
        declared = [each for each in run if each.event is InterestEvent.DECLARED][-1]
        last, row = run[-1], rows[proposal_id]
        ruled = last.event in RULING_WORDS
        found.append(
            InterestLine(
                person_id=person_id,
                person=last.person.name,
                organisation=names.get(of_round.get(person_id) or last.person.organisation_id, ""),
                proposal_id=proposal_id,
                ref=row.ref,
                title=row.title,
                proposer=row.organisation,
                about=names.get(declared.organisation_id, ""),
                kind=last.kind,
                event=last.event,
                reason=declared.reason,
                on=declared.recorded_at,
                ruling=in_words(last),
                ruling_by=by.get(last.recorded_by, "") if ruled else "",
                ruling_reason=last.reason if ruled else "",
                ruling_on=last.recorded_at if ruled else None,
            )
        )
    return sorted(found, key=lambda line: (line.person.lower(), line.person_id, line.ref))


def in_words(interest: Interest) -> str:
    """What holds of an interest now: "Takes no part", or that the chair has still to rule."""
    if waits_for_ruling(interest):
        return "Takes no part until the chair rules"
    return RULING_WORDS.get(interest.event, "Takes no part")


def _organisation_names(organisation_ids: set[int | None]) -> dict[int | None, str]:
    wanted = {each for each in organisation_ids if each is not None}
    rows = db.session.execute(select(Organisation.id, Organisation.name).where(Organisation.id.in_(wanted)))
    return {row.id: row.name for row in rows}


def uncovered(
    round_: Round, holder_ids: Collection[int], on: dt.date, stand_ins: Sequence[RoundStandIn]
) -> list[Uncovered]:
    """The round's coordinators to whom proposals are shut while nobody stands in for them, by name.

    A coordinator's interest in what asks only other partnerships needs no stand-in of theirs.
    """
    kept_out = [each for each in queries.interests(round_.id) if each.event in queries.SHUTTING]
    if not kept_out:
        return []
    coordinators: dict[int, set[int]] = {}
    for grant in standing_role_grants(on):
        if grant.role == Role.COORDINATOR and grant.holder_id is not None and grant.holder_id in holder_ids:
            coordinators.setdefault(grant.person_id, set()).add(grant.holder_id)
    covered = {(each.for_id, each.holder_id) for each in stand_ins}
    shut = [each for each in kept_out if each.person_id in coordinators]
    if not shut:
        return []
    asked = {row.id: row.holder_ids for row in queries.rows_of(round_.id)}
    found: dict[int, Uncovered] = {}
    for each in shut:
        theirs = coordinators[each.person_id] & asked[each.proposal_id]
        if any((each.person_id, holder_id) not in covered for holder_id in theirs):
            count = found[each.person_id].proposals + 1 if each.person_id in found else 1
            found[each.person_id] = Uncovered(each.person_id, each.person.name, count)
    return sorted(found.values(), key=lambda one: (one.name, one.person_id))
