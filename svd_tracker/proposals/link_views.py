"""A proposer's own pages, reached by a personal link and a code, and the coordinator's pages of such links.

Opening an address changes, uses and starts nothing (DESIGN.md rule 15): a mail scanner opens every link. A link that is
open in a browser is never a signed-in person: it reaches one proposal by these routes and nothing else.
"""

import dataclasses
import datetime as dt
from collections.abc import Callable
from functools import wraps
from typing import Any

from flask import Blueprint, current_app, flash, redirect, render_template, session, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from svd_tracker.accounts.access import current_act, requires
from svd_tracker.accounts.permissions import Permission, Scope
from svd_tracker.act import Act
from svd_tracker.audit import once
from svd_tracker.errors import Refused
from svd_tracker.extensions import db
from svd_tracker.files.queries import content_of
from svd_tracker.mail import messages
from svd_tracker.mail.transport import NotSent, Transport
from svd_tracker.proposals import (
    attachments,
    editing,
    file_pages,
    forms,
    link_forms,
    link_queries,
    link_services,
    links,
    queries,
    reach,
)
from svd_tracker.proposals.editing import Way
from svd_tracker.proposals.models import PersonalLink, ProposalState
from svd_tracker.rounds.forms import show_refusal
from svd_tracker.rounds.models import RoundState
from svd_tracker.web.downloads import file_answer

PUBLIC, MANAGE = Permission.PUBLIC, Permission.MANAGE_ROUND
OPEN = "svd_link"
View = Callable[..., ResponseReturnValue]


def add_to(bp: Blueprint) -> None:
    """Put these routes into the blueprint of proposals."""
    both, post = ["GET", "POST"], ["POST"]
    for rule, view, methods in (
        ("/proposals/<int:proposal_id>/links", proposal_links, ["GET"]),
        ("/proposals/<int:proposal_id>/links/new", new_link, both),
        ("/proposals/<int:proposal_id>/links/<int:link_id>/send", send_link, post),
        ("/proposals/<int:proposal_id>/links/<int:link_id>/revoke", revoke_link, both),
        ("/link/<token>", link, both),
        ("/link/<token>/code", link_code, both),
        ("/link/<token>/leave", link_leave, post),
        ("/link/<token>/proposal", link_proposal, ["GET"]),
        ("/link/<token>/edit/<page>", link_edit, both),
        ("/link/<token>/check", link_check, both),
        ("/link/<token>/files/new", link_attach, both),
        ("/link/<token>/files/<int:link_id>", link_file, ["GET"]),
        ("/link/<token>/files/<int:link_id>/take-away", link_take_file_away, both),
    ):
        bp.add_url_rule(rule, view.__name__, view, methods=methods)


def link_scope(token: str, **_: Any) -> Scope:
    """Where the proposal of a link lives. Who may open it is not asked of roles but of the link's own session."""
    found = link_queries.find_by_token(token)
    return Scope(found.proposal.round.area_id if found else 0)


def _by_link(needs_code: bool) -> Callable[[View], View]:
    """The one check of every route by link: the address is ours, it still works, and its code was entered here.

    Somebody who is signed in and has an interest in the proposal does not read it this way either.
    """

    def decorate(view: View) -> View:
        @requires(PUBLIC, link_scope)
        @wraps(view)
        def checked(token: str, **kwargs: Any) -> ResponseReturnValue:
            found = link_queries.find_by_token(token)
            act = _act(found)
            closed = link_queries.why_closed(found, act.on) if found else "This address is none that we sent."
            if found is None or closed:
                ask = link_queries.whom_to_ask(found, act.on) if found else []
                return render_template("proposals/link/closed.html", closed=closed, ask=ask), 410 if found else 404
            if current_user.is_authenticated:
                queries.refuse_if_shut(current_user.id, found.proposal)
            if needs_code and not _is_open(found, act):
                return redirect(url_for("proposals.link", token=token), 303)
            return view(found, **kwargs)

        return checked

    return decorate


def _act(found: PersonalLink | None) -> Act:
    """What is done by a link is done by nobody signed in, whoever else uses this browser."""
    return dataclasses.replace(current_act(), by=None, link=found.id if found else None)


def _is_open(found: PersonalLink, act: Act) -> bool:
    standing = session.get(OPEN)
    if not standing or standing[0] != found.id:
        return False
    return dt.timedelta(0) <= act.at - dt.datetime.fromisoformat(standing[1]) < links.OPEN_FOR


@_by_link(needs_code=False)
def link(found: PersonalLink) -> ResponseReturnValue:
    """The start page: one button, which sends a code."""
    act, token = _act(found), links.token_of(found.id)
    if _is_open(found, act):
        return redirect(url_for("proposals.link_proposal", token=token), 303)
    form = link_forms.ButtonForm()
    if form.validate_on_submit():
        try:
            if not (current_app.config["DEMO"] or current_app.config["SMTP_HOST"]):
                raise Refused("No code can be sent from here now. Ask one of the people below.")
            code = link_services.send_code(found, act)
        except Refused as refused:
            db.session.rollback()
            form.form_errors.append(refused.message)
        else:
            to = (found.contact_name, found.address)
            db.session.commit()  # the mail server may take its time: nobody waits behind us
            if _mail_code(code, *to):
                return redirect(url_for("proposals.link_code", token=token), 303)
            form.form_errors.append("The code could not be sent just now. Ask for another in a minute.")
    return render_template(
        "proposals/link/start.html",
        form=form,
        link=found,
        token=token,
        ask=link_queries.whom_to_ask(found, act.on),
    )


@_by_link(needs_code=False)
def link_code(found: PersonalLink) -> ResponseReturnValue:
    act, token = _act(found), links.token_of(found.id)
    form = link_forms.CodeForm()
    if form.validate_on_submit():
        try:
            right = link_services.enter_code(found, form.code.data or "", act)
            db.session.commit()
        except Refused as refused:
            db.session.rollback()
            form.code.errors = [refused.message]
        else:
            if right:
                session[OPEN] = [found.id, act.at.isoformat()]
                return redirect(url_for("proposals.link_proposal", token=token), 303)
            left = links.MOST_TRIES - found.tries
            form.code.errors = [
                f"This is not the code that was sent. You have {left} more {'try' if left == 1 else 'tries'}."
                if left > 0
                else "This code was tried too often. Ask for a new one."
            ]
    shown = None
    if current_app.config["DEMO"] and found.code_sent_at is not None and found.code_used is None:
        shown = links.code_of(found.code_secret, found.code_sent_at)
    return render_template("proposals/link/code.html", form=form, link=found, token=token, shown=shown)


@_by_link(needs_code=False)
def link_leave(found: PersonalLink) -> ResponseReturnValue:
    session.pop(OPEN, None)
    flash("You have left. The link opens it again, with a new code.", "success")
    return redirect(url_for("proposals.link", token=links.token_of(found.id)), 303)


@_by_link(needs_code=True)
def link_proposal(found: PersonalLink) -> ResponseReturnValue:
    """How the proposal stands and what one can do next; once handed in, the whole of it to read and print."""
    proposal = queries.get_proposal(found.proposal_id)
    files = attachments.written(proposal)
    version = queries.newest_version(proposal)
    return render_template(
        "proposals/link/proposal.html",
        way=_way(found),
        may_edit=editing.editable(proposal),
        may_submit=_may_submit(found),
        files=files,
        takeable=attachments.takeable(proposal, files),
        **editing.reading(proposal, version),
    )


@_by_link(needs_code=True)
def link_edit(found: PersonalLink, page: str) -> ResponseReturnValue:
    proposal = queries.get_proposal(found.proposal_id)
    if not editing.editable(proposal):
        raise Refused("This proposal was handed in or its round has moved on, so it can no longer be changed.")
    return editing.edit_page(proposal, page, _way(found), _act(found))


@_by_link(needs_code=True)
def link_check(found: PersonalLink) -> ResponseReturnValue:
    proposal, act = queries.get_proposal(found.proposal_id), _act(found)
    if not _may_submit(found):
        return redirect(url_for("proposals.link_proposal", token=links.token_of(found.id)), 303)
    return editing.check_page(proposal, _way(found), act, lambda: link_services.send_copy(found, act))


@_by_link(needs_code=True)
def link_attach(found: PersonalLink) -> ResponseReturnValue:
    proposal = queries.get_proposal(found.proposal_id)
    return file_pages.attach_page(proposal, _way(found).page("check"), _act(found), coordinator=False)


@_by_link(needs_code=True)
def link_file(found: PersonalLink, link_id: int) -> ResponseReturnValue:
    """To save, never to show."""
    file = attachments.get_attachment(found.proposal, link_id, writes=True).file
    return file_answer(content_of(file), file.name, file.media_type)


@_by_link(needs_code=True)
def link_take_file_away(found: PersonalLink, link_id: int) -> ResponseReturnValue:
    return file_pages.take_away_page(found.proposal, link_id, _way(found).page("check"), _act(found))


def _way(found: PersonalLink) -> Way:
    token = links.token_of(found.id)
    overview = url_for("proposals.link_proposal", token=token)
    return Way(
        key=f"link-{found.id}",
        page=lambda page: (
            url_for("proposals.link_check", token=token)
            if page == "check"
            else url_for("proposals.link_edit", token=token, page=page)
        ),
        leave=overview,
        done=overview,
        file_url=lambda link_id: url_for("proposals.link_file", token=token, link_id=link_id),
        take_url=lambda link_id: url_for("proposals.link_take_file_away", token=token, link_id=link_id),
        add_file_url=url_for("proposals.link_attach", token=token),
        trail=[],
        link=found,
        close_url=url_for("proposals.link_leave", token=token),
    )


def _may_submit(found: PersonalLink) -> bool:
    """A draft can be handed in for as long as proposals are taken in, late too; a returned one as editing says."""
    proposal = found.proposal
    late = proposal.state is ProposalState.DRAFT and proposal.round.state is RoundState.SCORING
    return late or editing.editable(proposal)


def _mail_code(code: str, name: str, address: str) -> bool:
    """Send a code at once. False when the mail server did not take it; in the demonstration the page shows it."""
    if current_app.config["DEMO"]:
        return True
    subject = "Your code"
    details = {"name": name, "code": code, "subject": subject, "base": current_app.config["PUBLIC_URL"]}
    try:
        email = messages.new_email(subject, name, address, messages.body_with("link_code", details))
        with Transport(current_app.config) as transport:
            transport.send(email)
    except (NotSent, ValueError) as why:
        current_app.logger.warning("a code for a personal link was not sent: %s", why)
        return False
    return True


@requires(MANAGE, reach.of_proposal(MANAGE))
def proposal_links(proposal_id: int) -> ResponseReturnValue:
    proposal, act = queries.get_proposal(proposal_id), current_act()
    found = link_queries.links_of(proposal_id)
    return render_template(
        "proposals/link/list.html",
        proposal=proposal,
        title=queries.newest_version(proposal).title or proposal.ref,
        links=found,
        closed={each.id: link_queries.why_closed(each, act.on) for each in found},
        tokens={each.id: links.token_of(each.id) for each in found} if current_app.config["DEMO"] else {},
        may_make=proposal.state is not ProposalState.WITHDRAWN,
    )


@requires(MANAGE, reach.of_proposal(MANAGE))
def new_link(proposal_id: int) -> ResponseReturnValue:
    proposal, act = queries.get_proposal(proposal_id), current_act()
    until = max(proposal.round.closes_on, act.on) + dt.timedelta(days=links.DAYS_AFTER_CLOSE)
    form, led_to = (
        link_forms.LinkForm(data={"expires_on": until}),
        url_for("proposals.proposal_links", proposal_id=proposal_id),
    )
    if form.validate_on_submit() and form.expires_on.data:
        try:
            made = link_services.make_link(
                proposal, form.contact_name.data or "", form.address.data or "", form.expires_on.data, act
            )
            link_services.send_link(made, act)
        except Refused as refused:
            db.session.rollback()
            show_refusal(form, refused)
        else:
            once.use_up(form.once_key.data, led_to, act)
            db.session.commit()
            flash("The link is made, and goes out with the next mail.", "success")
            return redirect(led_to, 303)
    proposal = queries.get_proposal(proposal_id)
    title = queries.newest_version(proposal).title or proposal.ref
    return render_template("proposals/link/new.html", form=form, proposal=proposal, title=title, cancel_url=led_to)


@requires(MANAGE, reach.of_proposal(MANAGE))
def send_link(proposal_id: int, link_id: int) -> ResponseReturnValue:
    proposal = queries.get_proposal(proposal_id)
    if link_forms.ButtonForm().validate_on_submit():
        try:
            link_services.send_link(link_queries.get_link(proposal, link_id), current_act())
        except Refused as refused:
            db.session.rollback()
            flash(refused.message, "important")
        else:
            db.session.commit()
            flash("The link goes out with the next mail.", "success")
    return redirect(url_for("proposals.proposal_links", proposal_id=proposal_id), 303)


@requires(MANAGE, reach.of_proposal(MANAGE))
def revoke_link(proposal_id: int, link_id: int) -> ResponseReturnValue:
    proposal = queries.get_proposal(proposal_id)
    found, form = link_queries.get_link(proposal, link_id), forms.ReasonForm()
    led_to = url_for("proposals.proposal_links", proposal_id=proposal_id)
    title = queries.newest_version(proposal).title or proposal.ref
    if form.validate_on_submit():
        try:
            link_services.revoke_link(found, form.reason.data or "", current_act())
        except Refused as refused:
            db.session.rollback()
            show_refusal(form, refused)
        else:
            db.session.commit()
            flash("The link is revoked.", "success")
            return redirect(led_to, 303)
    return render_template(
        "components/confirm.html",
        title="Revoke this link?",
        body="It opens nothing any more, at once, also where it is open now. What was saved stays.",
        action="Revoke the link",
        form=form,
        facts=[("Proposal", title), ("To", f"{found.contact_name}, {found.address}")],
        cancel_url=led_to,
        trail=[
            ("Rounds", url_for("rounds.index")),
            (proposal.round.name, url_for("rounds.show", round_id=proposal.round_id)),
            (title, url_for("proposals.show", proposal_id=proposal_id)),
            ("Links", led_to),
            ("Revoke", None),
        ],
    )
