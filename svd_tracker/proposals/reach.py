"""Which proposals of a round a person may read: one rule for lists, pages and everything built on them.

A proposer reads those of their own organisation. Coordinators and members read what is asked of their partnership
(DESIGN.md rule 10), coordinators its drafts too, and the one who keyed a draft in reads it before it asks anybody.
The round's chair and the area's auditor read everything that was submitted. So do its assessors, but for what is late
or not eligible. Chair and assessors read nothing before they have said in which of the organisations they have an
interest. A declared one shuts a proposal on top of that (rule 7), and a blind round keeps names from those who have yet
to send their scores.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from typing import Any, cast

from flask import g

from svd_tracker.accounts.access import current_access
from svd_tracker.accounts.models import Role
from svd_tracker.accounts.permissions import ASSESSOR, CHAIR, Access, Permission, Scope
from svd_tracker.accounts.queries import get_person
from svd_tracker.errors import NotAllowed
from svd_tracker.proposals import interest_queries, queries
from svd_tracker.proposals.models import ProposalState
from svd_tracker.proposals.queries import ProposalRow
from svd_tracker.rounds import queries as round_queries
from svd_tracker.rounds.models import Round, RoundState
from svd_tracker.rounds.queries import ASSESSING

BEFORE_DECIDING = (RoundState.OPEN, RoundState.SCORING)
HIDDEN_NAME = "Name hidden until you have sent your scores"
DECLARE_FIRST = "Say first in which of the organisations you have an interest: the proposals open to you then."


@dataclass(frozen=True)
class Reach:
    """What one person reaches in one round. ``shut`` holds the proposals that an interest keeps from them.

    ``declares_first``: an assessor or the chair with organisations left to go through, who reads no proposal before.
    """

    person_id: int
    organisation_id: int | None
    coordinates: frozenset[int]
    belongs_to: frozenset[int]
    everything_submitted: bool
    shut: frozenset[int]
    assesses: bool = False  # and is neither its chair nor an auditor
    declares_first: bool = False

    def writes(self, row: ProposalRow) -> bool:
        """Whether the person takes part in writing it: the organisation's own people, and coordinators."""
        if self.owns(row.organisation_id):
            return True
        keyed_in = bool(self.coordinates) and row.author_id == self.person_id
        return keyed_in or bool(self.coordinates & row.holder_ids)

    def covers(self, row: ProposalRow) -> bool:
        """Whether a proposal is within reach, interests aside."""
        if self.writes(row):
            return True
        if self.declares_first or not row.was_submitted or not self.reads(row.holder_ids):
            return False
        return not self.assesses or row.state not in (ProposalState.LATE, ProposalState.INELIGIBLE)

    def reads(self, asked: Collection[int]) -> bool:
        """Whether a submitted proposal that asks these partnerships is the person's to read, interests aside."""
        return self.everything_submitted or not self.belongs_to.isdisjoint(asked)

    def refuse_before_declaring(self) -> None:
        """Raises NotAllowed for a list or sum of proposals while the person has organisations left to go through."""
        if self.declares_first:
            raise NotAllowed(DECLARE_FIRST)

    def owns(self, organisation_id: int) -> bool:
        return self.organisation_id is not None and self.organisation_id == organisation_id


def reach_of(access: Access, round_: Round, holder_ids: frozenset[int] | None = None) -> Reach:
    """What a person reaches in a round. ``holder_ids``: the partnerships taking part, when they are known already."""
    if holder_ids is None:
        holder_ids = round_queries.holder_ids_of([round_.id]).get(round_.id, frozenset())
    here = Scope(round_.area_id, None, round_.id)
    roles = [held for held in access.roles if held.covers(here)]
    proposes = any(held.role == Role.PROPOSER for held in roles)
    reads_all = any(held.role in (Role.AUDITOR, CHAIR) for held in roles)
    assesses, chairs = (any(held.role == role for held in roles) for role in (ASSESSOR, CHAIR))
    coordinates = _coordinates(access, here, holder_ids)
    return Reach(
        person_id=access.person_id,
        organisation_id=get_person(access.person_id).organisation_id if proposes else None,
        coordinates=coordinates,
        belongs_to=holder_ids & {held.holder_id for held in roles if held.role in (Role.COORDINATOR, Role.MEMBER)},
        everything_submitted=reads_all or assesses,
        shut=queries.shut_proposal_ids(access.person_id, round_.id),
        assesses=assesses and not reads_all and not coordinates,
        declares_first=(assesses or chairs)
        and not coordinates
        and round_.state in ASSESSING
        and bool(interest_queries.organisations_left(round_.id, access.person_id)),
    )


def _coordinates(access: Access, here: Scope, holder_ids: Collection[int]) -> frozenset[int]:
    held_for = {held.holder_id for held in access.roles if held.role == Role.COORDINATOR and held.covers(here)}
    return frozenset(each for each in holder_ids if each in held_for)


def names_hidden(access: Access, round_: Round, holder_ids: Collection[int] | None = None) -> bool:
    """Whether a blind round keeps the names of organisations from this person: an assessor who has not sent yet.

    Not from who coordinates it, and from nobody once scoring is over. ``holder_ids`` as for ``reach_of``.
    """
    if not round_.blind or round_.state not in BEFORE_DECIDING:
        return False
    if holder_ids is None:
        holder_ids = round_queries.holder_ids_of([round_.id]).get(round_.id, frozenset())
    if _coordinates(access, Scope(round_.area_id, None, round_.id), holder_ids):
        return False
    return round_queries.has_yet_to_send(round_.id, access.person_id)


def list_for(
    access: Access, round_: Round, holder_ids: frozenset[int] | None = None
) -> tuple[list[ProposalRow], Reach]:
    """The proposals of a round that a person reaches, by ref; those in ``reach.shut`` show no more than their title.

    In a blind round the rows carry no name, and not that a proposal goes on from one before, as long as that is so.
    """
    reach = reach_of(access, round_, holder_ids)
    rows = [row for row in queries.rows_of(round_.id) if reach.covers(row)]
    if names_hidden(access, round_, holder_ids):
        rows = [row if reach.writes(row) else without_name(row) for row in rows]
    return rows, reach


def without_name(row: ProposalRow) -> ProposalRow:
    return replace(row, organisation=HIDDEN_NAME, continues=False)


@dataclass(frozen=True)
class Here:
    """The proposal that a route is about, as the person who asks reaches it."""

    reach: Reach
    row: ProposalRow
    holder_ids: frozenset[int]
    names_hidden: bool = False

    @property
    def writes(self) -> bool:
        return self.reach.writes(self.row)


def of_proposal(permission: Permission) -> Callable[..., Scope]:
    """The scope function of every route with a ``proposal_id``: refuses what is out of reach or shut (rule 7)."""

    def scope(proposal_id: int, **_: Any) -> Scope:
        proposal, access = queries.get_proposal(proposal_id), current_access()
        round_ = proposal.round
        holder_ids = round_queries.holder_ids_of([round_.id]).get(round_.id, frozenset())
        reach = reach_of(access, round_, holder_ids)
        row = next(row for row in queries.rows_of(round_.id) if row.id == proposal_id)
        if not reach.covers(row):
            raise NotAllowed(DECLARE_FIRST if reach.declares_first else "This proposal is not one that you may read.")
        queries.refuse_if_shut(access.person_id, proposal)
        hidden = names_hidden(access, round_, holder_ids) and not reach.writes(row)
        g.svd_proposal = Here(reach, row, holder_ids, hidden)
        return round_queries.scope_within(round_, holder_ids, access, permission)

    return scope


def here() -> Here:
    """What ``of_proposal`` found for this request, before anything was changed."""
    return cast(Here, g.svd_proposal)
