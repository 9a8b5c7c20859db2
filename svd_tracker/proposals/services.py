"""Taking in proposals: drafts, submission, correction, withdrawal. One verb a function; the caller commits."""

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy import delete, func, select
from sqlalchemy.orm.attributes import flag_modified

from svd_tracker.accounts.models import Organisation
from svd_tracker.act import Act
from svd_tracker.audit import services as audit
from svd_tracker.db import Base
from svd_tracker.errors import ChangedMeanwhile, Refused
from svd_tracker.extensions import db
from svd_tracker.interventions.models import Intervention
from svd_tracker.periods import format_date
from svd_tracker.proposals import queries
from svd_tracker.proposals.content import PLAIN_FIELDS, ProposalContent, changed_fields, missing_in, wrong_in
from svd_tracker.proposals.interest_services import (
    clear_interest,
    declare_interest,
    finish_interest_review,
    follow_organisations,
)
from svd_tracker.proposals.models import (
    Proposal,
    ProposalAsk,
    ProposalCost,
    ProposalMatch,
    ProposalMilestone,
    ProposalOutput,
    ProposalRisk,
    ProposalState,
    ProposalVersion,
)
from svd_tracker.rounds import people_services
from svd_tracker.rounds import queries as round_queries
from svd_tracker.rounds import services as round_services
from svd_tracker.rounds.models import Round, RoundState

__all__ = [
    "ProposalContent",
    "accept_late",
    "add_proposal",
    "clear_interest",
    "declare_interest",
    "finish_interest_review",
    "new_version",
    "on_submit",
    "refuse_late",
    "return_for_correction",
    "save_version",
    "submit",
    "withdraw",
]

EDITABLE = (ProposalState.DRAFT, ProposalState.RETURNED)
TAKING_IN = (RoundState.OPEN, RoundState.SCORING)
_TABLES: dict[str, type[Base]] = {
    "costs": ProposalCost,
    "asks": ProposalAsk,
    "matches": ProposalMatch,
    "outputs": ProposalOutput,
    "milestones": ProposalMilestone,
    "risks": ProposalRisk,
}  # costs before asks: a cost points at its ask


_on_submit: list[Callable[[Proposal], None]] = []


def on_submit(listener: Callable[[Proposal], None]) -> Callable[[Proposal], None]:
    """Lets a higher feature do its part when a proposal is submitted, in the same transaction."""
    if listener not in _on_submit:
        _on_submit.append(listener)
    return listener


def add_proposal(
    round_: Round,
    organisation: Organisation,
    act: Act,
    *,
    title: str = "",
    continues: Intervention | None = None,
    ref: str | None = None,
) -> Proposal:
    """An empty draft of an organisation. Raises Refused when the round is not open for proposals."""
    round_queries.lock_round(round_)  # two at once must not get one ref
    if round_.state is not RoundState.OPEN:
        raise Refused("This round is not open for proposals")
    if organisation.area_id != round_.area_id:
        raise Refused("Choose an organisation of this area", field="organisation_id")
    _check_continues(round_, continues)
    proposal = Proposal(
        round=round_,
        ref=ref or queries.next_ref(round_.id),
        organisation=organisation,
        state=ProposalState.DRAFT,
        continues=continues,
    )
    version = _empty_version(1, act)
    version.title = title.strip()
    proposal.versions = [version]
    db.session.add(proposal)
    db.session.flush()
    follow_organisations(proposal, act)
    _record(proposal, act, "add", after={"organisation": organisation.name, "title": version.title})
    return proposal


def save_version(
    proposal: Proposal,
    content: ProposalContent,
    row_version: int,
    act: Act,
    *,
    continues: Intervention | None = None,
    change_continues: bool = False,
) -> ProposalVersion:
    """Save a draft, finished or not. Only with ``change_continues`` is the intervention it goes on with changed too.

    Raises ChangedMeanwhile, or Refused with ``field`` "asks" or "costs-0-holder_id" for what contradicts the round.
    """
    queries.refuse_if_shut(act.by, proposal)
    _check_row_version(proposal, row_version)
    version = _draft_of(proposal)
    _check_content(proposal.round, content)
    before = queries.content_of(version)
    if change_continues:
        _check_continues(proposal.round, continues)
        proposal.continues = continues
    partners_change = before.matches != content.matches
    if partners_change:
        round_queries.lock_round(proposal.round)  # somebody may be declaring an interest in a new partner
    _write(version, before, content)
    if partners_change:
        follow_organisations(proposal, act)
    version.recorded_at = act.at
    flag_modified(proposal, "state")  # a change of any part counts as a change of the proposal
    _record(proposal, act, "save", after={"version": version.version_no, "changed": changed_fields(before, content)})
    return version


def submit(
    proposal: Proposal, act: Act, *, row_version: int | None = None, late_allowed: bool = False, late: bool = False
) -> None:
    """Hand a proposal in; from here on the database refuses every change of this version.

    After the closing date ``late`` keeps a first submission as LATE, for the coordinator to accept or refuse;
    ``late_allowed`` is the coordinator's own, accepted with it. One that was returned may always come back.
    Raises Refused for what is missing, and for a first submission after the round closed with neither of them.
    """
    queries.refuse_if_shut(act.by, proposal)
    round_ = queries.lock_proposal(proposal)  # it may be closing for proposals at this moment
    _check_row_version(proposal, row_version)
    too_late = proposal.state is ProposalState.DRAFT and act.on > round_.closes_on
    version = _draft_of(proposal, late=too_late and late)
    if too_late and not (late or late_allowed):
        raise Refused("This round has closed for proposals: ask the coordinator to submit yours")
    content = queries.content_of(version)
    _check_content(round_, content)
    missing = next(missing_in(content), None)
    if missing:
        raise Refused(missing.message, field=missing.field)
    version.submitted_at = act.at
    kept_late = too_late and not late_allowed
    proposal.state, proposal.state_reason = ProposalState.LATE if kept_late else ProposalState.SUBMITTED, ""
    if too_late and late_allowed:
        proposal.late_reason = f"Handed in by the coordinator after the round closed on {format_date(round_.closes_on)}"
    for listener in _on_submit:
        listener(proposal)
    _record(
        proposal,
        act,
        "submit_late" if kept_late else "submit",
        after={"version": version.version_no, "pence": sum(c.pence for c in content.costs)},
    )


def accept_late(proposal: Proposal, reason: str, act: Act) -> None:
    """Let a proposal that came late take part after all. Raises Refused once scores are shown, or with no reason."""
    round_ = _lock_late(proposal, act)
    if round_.state not in TAKING_IN or round_.scores_shown_at is not None:
        raise Refused("Scoring is over, so a late proposal can no longer take part")
    if not reason.strip():
        raise Refused("Enter why it is accepted though it came late", field="reason")
    proposal.state, proposal.late_reason, proposal.state_reason = ProposalState.SUBMITTED, reason.strip(), ""
    for listener in _on_submit:
        listener(proposal)
    _record(proposal, act, "accept_late", after={"reason": reason.strip()})


def refuse_late(proposal: Proposal, reason: str, act: Act) -> None:
    """Say that a late proposal does not take part, and why: it stays on record. Raises Refused with no reason."""
    _lock_late(proposal, act)
    if not reason.strip():
        raise Refused("Enter why it is not accepted", field="reason")
    proposal.state_reason = reason.strip()
    _record(proposal, act, "refuse_late", after={"reason": reason.strip()})


def _lock_late(proposal: Proposal, act: Act) -> Round:
    queries.refuse_if_shut(act.by, proposal)
    round_ = queries.lock_proposal(proposal)
    if proposal.state is not ProposalState.LATE:
        raise Refused("This proposal is not waiting as a late one")
    return round_


def return_for_correction(proposal: Proposal, reason: str, act: Act) -> ProposalVersion:
    """Give a submitted proposal back: a new version, copied from the last, that can be changed and submitted again."""
    queries.refuse_if_shut(act.by, proposal)
    round_ = queries.lock_proposal(proposal)
    if proposal.state is not ProposalState.SUBMITTED:
        raise Refused("Only a submitted proposal can be returned")
    if round_.state not in TAKING_IN:
        raise Refused("Scoring is over, so a proposal can no longer be returned")
    if not reason.strip():
        raise Refused("Enter what is to be corrected", field="reason")
    version = new_version(proposal, act)
    proposal.state, proposal.state_reason = ProposalState.RETURNED, reason.strip()
    people_services.less_to_wait_for(round_, act)
    _record(proposal, act, "return", after={"version": version.version_no, "reason": reason.strip()})
    return version


def withdraw(proposal: Proposal, reason: str, act: Act) -> None:
    """Take a proposal out of its round; it stays on record. Raises Refused once the partnerships decide."""
    queries.refuse_if_shut(act.by, proposal)
    round_ = queries.lock_proposal(proposal)
    if proposal.state is ProposalState.WITHDRAWN:
        raise Refused("This proposal is already withdrawn")
    if round_.state in (RoundState.DECIDING, RoundState.PUBLISHED):
        # A decision may already have opened money for it, which a withdrawal would leave open.
        raise Refused("The partnerships are deciding: record the withdrawal as the reason of a decision to reject")
    if not reason.strip():
        raise Refused("Enter why it is withdrawn", field="reason")
    before = proposal.state
    proposal.state, proposal.state_reason = ProposalState.WITHDRAWN, reason.strip()
    people_services.less_to_wait_for(round_, act)
    _record(
        proposal,
        act,
        "withdraw",
        before={"state": before.value},
        after={"state": ProposalState.WITHDRAWN.value, "reason": reason.strip()},
    )


def new_version(proposal: Proposal, act: Act) -> ProposalVersion:
    """The next version, copied from the newest. Part of its caller's verb: no audit line of its own."""
    last = queries.newest_version(proposal)
    if last.submitted_at is None:
        raise Refused("The newest version is still a draft")
    version = _empty_version(last.version_no + 1, act)
    version.proposal = proposal
    db.session.add(version)
    db.session.flush()
    _write(version, ProposalContent(), queries.content_of(last))
    return version


def _empty_version(version_no: int, act: Act) -> ProposalVersion:
    empty: dict[str, Any] = {name: getattr(ProposalContent(), name) for name in PLAIN_FIELDS}
    return ProposalVersion(version_no=version_no, submitted_at=None, recorded_at=act.at, recorded_by=act.by, **empty)


def _draft_of(proposal: Proposal, *, late: bool = False) -> ProposalVersion:
    if proposal.state not in EDITABLE:
        raise Refused(f"This proposal is {proposal.state.value} and no longer changes")
    if proposal.round.state not in TAKING_IN:
        raise Refused("This round no longer takes in proposals")
    if proposal.round.state is RoundState.SCORING and proposal.state is ProposalState.DRAFT and not late:
        raise Refused("Scoring has begun: this round no longer takes in new proposals")
    return queries.newest_version(proposal)


def _check_row_version(proposal: Proposal, row_version: int | None) -> None:
    if row_version is not None and proposal.row_version != row_version:
        raise ChangedMeanwhile(
            "Somebody else changed this proposal since you opened the page.",
            dataclasses.asdict(queries.content_of(queries.newest_version(proposal))),
        )


def _check_continues(round_: Round, continues: Intervention | None) -> None:
    if continues is not None and continues.area_id != round_.area_id:
        raise Refused("Choose an intervention of this area", field="continues")


def _check_content(round_: Round, content: ProposalContent) -> None:
    taking_part = round_queries.holder_ids_of([round_.id]).get(round_.id, frozenset())
    wrong = next(wrong_in(content, taking_part), None)
    if wrong:
        place = wrong.field if wrong.row is None else f"{wrong.field}-{wrong.row}-{wrong.column}"
        raise Refused(wrong.message, field=place)
    for row, line in enumerate(content.milestones):
        if line.due_on < round_.opens_on:
            day = format_date(round_.opens_on)
            raise Refused(f"Enter a date on or after {day}, when the round opens", field=f"milestones-{row}-due_on")


def _write(version: ProposalVersion, before: ProposalContent, content: ProposalContent) -> None:
    """Put the content into the version's rows; parts that did not change keep theirs."""
    for name in PLAIN_FIELDS:
        setattr(version, name, getattr(content, name))
    db.session.flush()
    changed = {name for name in _TABLES if getattr(before, name) != getattr(content, name)}
    if "asks" in changed:
        changed.add("costs")
    for name, table in _TABLES.items():
        if name in changed:
            db.session.execute(delete(table).where(table.proposal_version_id == version.id))  # type: ignore[attr-defined]
            db.session.expire(version, [name])
    if "asks" in changed:
        db.session.add_all(ProposalAsk(proposal_version_id=version.id, holder_id=each) for each in content.asks)
        db.session.flush()
    for name in changed - {"asks"}:
        db.session.add_all(_rows(version, _TABLES[name], getattr(content, name)))
    db.session.flush()


def _rows(version: ProposalVersion, table: type[Base], lines: Sequence[Any]) -> list[Base]:
    return [
        table(proposal_version_id=version.id, line_no=number, **dataclasses.asdict(line))
        for number, line in enumerate(lines, start=1)
    ]


def _record(
    proposal: Proposal,
    act: Act,
    action: str,
    *,
    before: dict[str, object] | None = None,
    after: dict[str, object] | None = None,
) -> None:
    audit.record(
        act,
        action,
        "proposal",
        queries.subject(proposal),
        area_id=proposal.round.area_id,
        before=before,
        after=after,
    )


def _refuse_steps(round_: Round, state: RoundState) -> None:
    """What proposals have to say about a round's next step (rounds.services.move)."""
    rows = db.session.execute(
        select(Proposal.state, func.count()).where(Proposal.round_id == round_.id).group_by(Proposal.state)
    )
    counts = {of_state: count for of_state, count in rows}  # noqa: C416  a row is not a pair to the type checker
    if state is RoundState.PREPARING and counts:
        raise Refused("There are proposals already, so the round cannot go back to preparing")
    if state is RoundState.SCORING and round_.state is RoundState.OPEN and not counts.get(ProposalState.SUBMITTED):
        raise Refused("No proposal has been submitted yet, so there is nothing to score")
    if state is RoundState.DECIDING and counts.get(ProposalState.RETURNED):
        raise Refused("A proposal that was returned has not come back yet: it must be submitted again or withdrawn")


round_services.add_move_check(_refuse_steps)
