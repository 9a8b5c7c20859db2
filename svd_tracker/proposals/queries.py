"""Reading proposals, and who is kept from which by an interest. Every reader above asks ``refuse_if_shut``."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Select, func, select
from sqlalchemy.orm import joinedload, selectinload

from svd_tracker.calculations.figures import Category
from svd_tracker.db import sum_pence
from svd_tracker.errors import NotAllowed, NotFound
from svd_tracker.extensions import db
from svd_tracker.proposals.content import (
    CostLine,
    MatchLine,
    MilestoneLine,
    OutputLine,
    ProposalContent,
    RiskLine,
)
from svd_tracker.proposals.models import (
    Interest,
    InterestEvent,
    InterestReview,
    Proposal,
    ProposalAsk,
    ProposalCost,
    ProposalMatch,
    ProposalState,
    ProposalVersion,
)
from svd_tracker.rounds.models import Round, RoundState
from svd_tracker.rounds.queries import lock_round
from svd_tracker.rounds.queries import subject as round_subject

_PARTS = (
    selectinload(ProposalVersion.asks).joinedload(ProposalAsk.holder),
    selectinload(ProposalVersion.costs).joinedload(ProposalCost.holder),
    selectinload(ProposalVersion.matches).joinedload(ProposalMatch.organisation),
    selectinload(ProposalVersion.outputs),
    selectinload(ProposalVersion.milestones),
    selectinload(ProposalVersion.risks),
)

SHUT = "You declared an interest in this proposal, so it is closed to you until the decisions are published."


@dataclass(frozen=True)
class ProposalRow:
    """One proposal in a list. ``asked`` is pence by partnership and category of the version that ``title`` is from."""

    id: int
    ref: str
    title: str
    organisation_id: int
    organisation: str
    state: ProposalState
    version_id: int
    version_no: int
    was_submitted: bool
    author_id: int | None
    holder_ids: frozenset[int]
    asked: Mapping[int, Mapping[Category, int]]
    continues: bool

    @property
    def total(self) -> int:
        return sum(pence for by_category in self.asked.values() for pence in by_category.values())


def get_proposal(proposal_id: int) -> Proposal:
    found = db.session.get(
        Proposal,
        proposal_id,
        options=[
            joinedload(Proposal.round).joinedload(Round.area),
            joinedload(Proposal.organisation),
            joinedload(Proposal.continues),
        ],
    )
    if found is None:
        raise NotFound("proposal")
    return found


def list_proposals(round_id: int, states: Collection[ProposalState] | None = None) -> Sequence[Proposal]:
    """A round's proposals by ref, in some states or in all. For what a person may see use ``reach.list_for``."""
    query = select(Proposal).where(Proposal.round_id == round_id).options(joinedload(Proposal.organisation))
    if states is not None:
        query = query.where(Proposal.state.in_(states))
    return db.session.scalars(query.order_by(Proposal.ref)).all()


def lock_proposal(proposal: Proposal) -> Round:
    """Hold the round of a proposal until the transaction ends, and read the states of both as they are now."""
    lock_round(proposal.round)
    db.session.refresh(proposal, ["state", "row_version"])
    return proposal.round


def submitted_version(proposal: Proposal) -> ProposalVersion | None:
    """The newest submitted version with its parts: what assessors read and partnerships decide on."""
    return _newest(proposal, submitted=True)


def newest_version(proposal: Proposal) -> ProposalVersion:
    """The newest version with its parts, draft or submitted."""
    found = _newest(proposal, submitted=False)
    if found is None:
        raise NotFound("proposal version")
    return found


def get_version(proposal: Proposal, version_no: int) -> ProposalVersion:
    found = db.session.scalars(
        select(ProposalVersion)
        .where(ProposalVersion.proposal_id == proposal.id, ProposalVersion.version_no == version_no)
        .options(*_PARTS)
    ).one_or_none()
    if found is None:
        raise NotFound("proposal version")
    return found


def versions_of(proposal: Proposal) -> Sequence[ProposalVersion]:
    """Every version, newest first, without parts."""
    return db.session.scalars(
        select(ProposalVersion)
        .where(ProposalVersion.proposal_id == proposal.id)
        .order_by(ProposalVersion.version_no.desc())
    ).all()


def _newest(proposal: Proposal, *, submitted: bool) -> ProposalVersion | None:
    query = select(ProposalVersion).where(ProposalVersion.proposal_id == proposal.id).options(*_PARTS)
    if submitted:
        query = query.where(ProposalVersion.submitted_at.is_not(None))
    return db.session.scalars(query.order_by(ProposalVersion.version_no.desc()).limit(1)).first()


def newest_submitted(round_id: int) -> Select[int]:
    """To select the id of the newest submitted version of each proposal of a round."""
    return (
        select(func.max(ProposalVersion.id))
        .join(Proposal, Proposal.id == ProposalVersion.proposal_id)
        .where(Proposal.round_id == round_id, ProposalVersion.submitted_at.is_not(None))
        .group_by(ProposalVersion.proposal_id)
    )


def submitted_versions(round_id: int) -> Mapping[int, ProposalVersion]:
    """By proposal id, the newest submitted version of each proposal of a round, without parts, in one query."""
    found = db.session.scalars(select(ProposalVersion).where(ProposalVersion.id.in_(newest_submitted(round_id))))
    return {version.proposal_id: version for version in found}


def asks(version: ProposalVersion) -> dict[int, dict[Category, int]]:
    """By partnership asked, pence by category; a partnership without costs has nothing in it."""
    found: dict[int, dict[Category, int]] = {ask.holder_id: {} for ask in version.asks}
    for cost in version.costs:
        by_category = found.setdefault(cost.holder_id, {})
        by_category[cost.category] = by_category.get(cost.category, 0) + cost.pence
    return found


def asks_of(version_ids: Iterable[int]) -> dict[int, dict[int, dict[Category, int]]]:
    """By version id what ``asks`` says of each, in one query."""
    ids = list(version_ids)
    found: dict[int, dict[int, dict[Category, int]]] = {version_id: {} for version_id in ids}
    same = (ProposalCost.proposal_version_id == ProposalAsk.proposal_version_id) & (
        ProposalCost.holder_id == ProposalAsk.holder_id
    )
    rows = db.session.execute(
        select(
            ProposalAsk.proposal_version_id,
            ProposalAsk.holder_id,
            ProposalCost.category,
            sum_pence(ProposalCost.pence).label("pence"),
        )
        .outerjoin(ProposalCost, same)
        .where(ProposalAsk.proposal_version_id.in_(ids))
        .group_by(ProposalAsk.proposal_version_id, ProposalAsk.holder_id, ProposalCost.category)
    )
    for row in rows:
        by_category = found[row.proposal_version_id].setdefault(row.holder_id, {})
        if row.category is not None:
            by_category[row.category] = row.pence
    return found


def profile_asked(version: ProposalVersion, holder_id: int, category: Category) -> dict[int, int]:
    """By quarter, pence asked of one partnership in one category; every quarter is there."""
    profile = dict.fromkeys((1, 2, 3, 4), 0)
    for cost in version.costs:
        if cost.holder_id == holder_id and cost.category is category:
            profile[cost.quarter] += cost.pence
    return profile


def rows_of(round_id: int) -> list[ProposalRow]:
    """Every proposal of a round for lists, by ref, each as its newest submitted version says, else its draft."""
    versions = db.session.scalars(
        select(ProposalVersion)
        .join(Proposal, Proposal.id == ProposalVersion.proposal_id)
        .where(Proposal.round_id == round_id)
        .options(joinedload(ProposalVersion.proposal).joinedload(Proposal.organisation))
        .order_by(Proposal.ref, ProposalVersion.version_no)
    ).all()
    first: dict[int, ProposalVersion] = {}
    shown: dict[int, ProposalVersion] = {}
    for version in versions:
        first.setdefault(version.proposal_id, version)
        if version.submitted_at is not None or version.proposal_id not in shown:
            shown[version.proposal_id] = version
    asked = asks_of(version.id for version in shown.values())
    return [
        ProposalRow(
            id=version.proposal_id,
            ref=version.proposal.ref,
            title=version.title,
            organisation_id=version.proposal.organisation_id,
            organisation=version.proposal.organisation.name,
            state=version.proposal.state,
            version_id=version.id,
            version_no=version.version_no,
            was_submitted=version.submitted_at is not None,
            author_id=first[version.proposal_id].recorded_by,
            holder_ids=frozenset(asked[version.id]),
            asked=asked[version.id],
            continues=version.proposal.continues_intervention_id is not None,
        )
        for version in shown.values()
    ]


def content_of(version: ProposalVersion) -> ProposalContent:
    """What a version says, as plain values: to change a part of it, to copy it, to compare it."""
    return ProposalContent(
        title=version.title,
        summary=version.summary,
        purpose=version.purpose,
        level=version.level,
        priority=version.priority,
        evidence=version.evidence,
        target_group=version.target_group,
        people_reached=version.people_reached,
        deliverer=version.deliverer,
        lead=version.lead,
        where=version.where,
        safeguarding=version.safeguarding,
        after_funding=version.after_funding,
        governance=version.governance,
        asks=tuple(ask.holder_id for ask in version.asks),
        costs=tuple(
            CostLine(each.holder_id, each.category, each.quarter, each.text, each.pence, each.pay_award_pending)
            for each in version.costs
        ),
        matches=tuple(MatchLine(each.organisation_id, each.kind, each.title, each.pence) for each in version.matches),
        outputs=tuple(OutputLine(each.definition, each.measure, each.target) for each in version.outputs),
        milestones=tuple(MilestoneLine(each.title, each.due_on) for each in version.milestones),
        risks=tuple(RiskLine(each.text, each.rating, each.response) for each in version.risks),
    )


def next_ref(round_id: int) -> str:
    """P-01, P-02 … in a round: zero-padded, because refs compare as plain text."""
    taken = set(db.session.scalars(select(Proposal.ref).where(Proposal.round_id == round_id)))
    number = len(taken) + 1
    while f"P-{number:02d}" in taken:
        number += 1
    return f"P-{number:02d}"


def subject(proposal: Proposal) -> str:
    """What the audit calls a proposal."""
    return f"{round_subject(proposal.round)}/{proposal.ref}"


def interests(round_id: int) -> list[Interest]:
    """The newest event of each person and proposal in a round, with the person, in the order declared."""
    newest = select(func.max(Interest.id)).where(Interest.round_id == round_id)
    return list(
        db.session.scalars(
            select(Interest)
            .where(Interest.id.in_(newest.group_by(Interest.person_id, Interest.proposal_id)))
            .options(joinedload(Interest.person))
            .order_by(Interest.id)
        )
    )


SHUTTING = (InterestEvent.DECLARED, InterestEvent.RULED_SHUT)
SILENCING = (*SHUTTING, InterestEvent.RULED_READ)


def shut_pairs(round_id: int) -> frozenset[tuple[int, int]]:
    """Every (person id, proposal id) that an interest shuts, published or not."""
    return frozenset((each.person_id, each.proposal_id) for each in interests(round_id) if each.event in SHUTTING)


def silent_pairs(round_id: int) -> frozenset[tuple[int, int]]:
    """Every (person id, proposal id) whose marks leave the mean: what is shut, and what may only be read."""
    return frozenset((each.person_id, each.proposal_id) for each in interests(round_id) if each.event in SILENCING)


def shut_proposal_ids(person_id: int | None, round_id: int | None = None) -> frozenset[int]:
    """The proposals, of one round or of all, that a declared interest keeps from a person until the round is

    published (DESIGN.md rule 7).
    """
    if person_id is None:
        return frozenset()
    newest = select(func.max(Interest.id)).where(Interest.person_id == person_id).group_by(Interest.proposal_id)
    if round_id is not None:
        newest = newest.where(Interest.round_id == round_id)
    return frozenset(
        db.session.scalars(
            select(Interest.proposal_id)
            .join(Round, Round.id == Interest.round_id)
            .where(
                Interest.id.in_(newest),
                Interest.event.in_(SHUTTING),
                Round.state != RoundState.PUBLISHED,
            )
        )
    )


def money_shut(person_id: int | None, round_: Round, *, elsewhere: bool = False) -> frozenset[int]:
    """The partnerships whose totals of a round's grant and year would tell of a proposal that a declared interest

    shuts to the person (DESIGN.md rule 7), in any round or, ``elsewhere``, in another round of the same money.
    """
    shut = shut_proposal_ids(person_id)
    if not shut:
        return frozenset()
    query = (
        select(ProposalAsk.holder_id)
        .join(ProposalVersion, ProposalVersion.id == ProposalAsk.proposal_version_id)
        .join(Proposal, Proposal.id == ProposalVersion.proposal_id)
        .join(Round, Round.id == Proposal.round_id)
        .where(Proposal.id.in_(shut), Round.grant_id == round_.grant_id, Round.fy == round_.fy)
    )
    return frozenset(db.session.scalars(query.where(Round.id != round_.id) if elsewhere else query))


def is_shut(person_id: int | None, proposal: Proposal) -> bool:
    return proposal.id in shut_proposal_ids(person_id, proposal.round_id)


def refuse_if_shut(person_id: int | None, proposal: Proposal) -> None:
    """Raises NotAllowed while a declared interest keeps the proposal from the person (DESIGN.md rule 7)."""
    if is_shut(person_id, proposal):
        raise NotAllowed(SHUT)


def count_submitted(round_id: int) -> int:
    """How many proposals of a round were ever submitted in time or accepted since: it only grows."""
    query = select(func.count(ProposalVersion.proposal_id.distinct())).join(Proposal)
    query = query.where(Proposal.round_id == round_id, Proposal.state != ProposalState.LATE)
    return db.session.scalar(query.where(ProposalVersion.submitted_at.is_not(None))) or 0


def finished_reviews(round_id: int) -> frozenset[int]:
    """The people who went through the round's whole list: no proposal was first submitted after they finished."""
    seen = (
        select(InterestReview.person_id)
        .where(InterestReview.round_id == round_id)
        .group_by(InterestReview.person_id)
        .having(func.max(InterestReview.proposals_seen) >= count_submitted(round_id))
    )
    return frozenset(db.session.scalars(seen))


def has_finished_review(round_id: int, person_id: int) -> bool:
    return person_id in finished_reviews(round_id)
