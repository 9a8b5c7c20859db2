"""Writing a proposal as somebody signed in: its short pages, its check, and its files."""

from flask import Blueprint, redirect, request, url_for
from flask.typing import ResponseReturnValue

from svd_tracker.accounts.access import current_access, current_act, requires
from svd_tracker.accounts.permissions import Permission
from svd_tracker.errors import NotAllowed, Refused
from svd_tracker.files.queries import content_of
from svd_tracker.proposals import attachments, editing, file_pages, queries, reach
from svd_tracker.proposals.editing import Way
from svd_tracker.proposals.models import Proposal, ProposalState
from svd_tracker.web.downloads import file_answer

PROPOSE, VIEW = Permission.PROPOSE, Permission.VIEW_PROPOSAL


def add_to(bp: Blueprint) -> None:
    """Put these routes into the blueprint of proposals."""
    both = ["GET", "POST"]
    base = "/proposals/<int:proposal_id>"
    bp.add_url_rule(f"{base}/edit/<page>", "edit", edit, methods=both)
    bp.add_url_rule(f"{base}/check", "check", check, methods=both)
    bp.add_url_rule(f"{base}/files/new", "attach", attach, methods=both)
    bp.add_url_rule(f"{base}/files/<int:link_id>", "attachment", attachment)
    bp.add_url_rule(f"{base}/files/<int:link_id>/take-away", "take_file_away", take_file_away, methods=both)


@requires(PROPOSE, reach.of_proposal(PROPOSE))
def edit(proposal_id: int, page: str) -> ResponseReturnValue:
    proposal = _writing(proposal_id)
    if not editing.editable(proposal):
        raise Refused("This proposal was handed in or its round has moved on, so it can no longer be changed.")
    return editing.edit_page(proposal, page, way_of(proposal), current_act())


@requires(PROPOSE, reach.of_proposal(PROPOSE))
def check(proposal_id: int) -> ResponseReturnValue:
    if request.method == "POST" and queries.get_proposal(proposal_id).state is ProposalState.SUBMITTED:
        return redirect(url_for("proposals.show", proposal_id=proposal_id), 303)
    proposal = _writing(proposal_id)
    if not editing.editable(proposal):
        raise Refused("This proposal was handed in or its round has moved on, so it can no longer be changed.")
    return editing.check_page(proposal, way_of(proposal), current_act())


@requires(PROPOSE, reach.of_proposal(PROPOSE))
def attach(proposal_id: int) -> ResponseReturnValue:
    proposal = _writing(proposal_id)
    coordinates, led_to = bool(reach.here().reach.coordinates), url_for("proposals.show", proposal_id=proposal_id)
    if attachments.takes_files(proposal, coordinates) and editing.editable(proposal):
        led_to = url_for("proposals.check", proposal_id=proposal_id)
    trail = _trail(proposal, "Add a file")
    return file_pages.attach_page(proposal, led_to, current_act(), coordinator=coordinates, trail=trail)


@requires(VIEW, reach.of_proposal(VIEW))
def attachment(proposal_id: int, link_id: int) -> ResponseReturnValue:
    """To save, never to show: what people send is not opened inside these pages."""
    proposal = queries.get_proposal(proposal_id)
    if reach.names_hidden(current_access(), proposal.round):
        raise NotAllowed("The files of this round are hidden until you have sent your scores.")
    file = attachments.get_attachment(proposal, link_id, writes=reach.here().writes).file
    return file_answer(content_of(file), file.name, file.media_type)


@requires(PROPOSE, reach.of_proposal(PROPOSE))
def take_file_away(proposal_id: int, link_id: int) -> ResponseReturnValue:
    proposal = _writing(proposal_id)
    led_to = url_for("proposals.check", proposal_id=proposal_id)
    trail = _trail(proposal, "Take a file away")
    return file_pages.take_away_page(proposal, link_id, led_to, current_act(), trail=trail)


def way_of(proposal: Proposal) -> Way:
    """The pages of a proposal as the person signed in reaches them."""
    number = proposal.id
    return Way(
        key=f"proposal-{current_access().person_id}-{number}",
        page=lambda page: (
            url_for("proposals.check", proposal_id=number)
            if page == "check"
            else url_for("proposals.edit", proposal_id=number, page=page)
        ),
        leave=url_for("proposals.show", proposal_id=number),
        done=url_for("proposals.show", proposal_id=number),
        file_url=lambda link_id: url_for("proposals.attachment", proposal_id=number, link_id=link_id),
        take_url=lambda link_id: url_for("proposals.take_file_away", proposal_id=number, link_id=link_id),
        add_file_url=url_for("proposals.attach", proposal_id=number),
        trail=_trail(proposal, None),
        coordinates=bool(reach.here().reach.coordinates),
    )


def _trail(proposal: Proposal, here: str | None) -> list[tuple[str, str | None]]:
    trail: list[tuple[str, str | None]] = [
        ("Rounds", url_for("rounds.index")),
        (proposal.round.name, url_for("rounds.show", round_id=proposal.round_id)),
        (reach.here().row.title or proposal.ref, url_for("proposals.show", proposal_id=proposal.id)),
    ]
    return trail if here is None else [*trail, (here, None)]


def _writing(proposal_id: int) -> Proposal:
    if not reach.here().writes:
        raise NotAllowed("This proposal is another organisation's.")
    return queries.get_proposal(proposal_id)
