"""The short pages in which a proposal is written, and the check before it is handed in.

The same for somebody signed in (edit_views) and by a personal link (link_views): a ``Way`` says where they lead.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flask import Response, flash, redirect, render_template, request
from flask.typing import ResponseReturnValue

from svd_tracker.accounts import queries as accounts
from svd_tracker.accounts.models import Holder
from svd_tracker.act import Act
from svd_tracker.calculations.figures import Category
from svd_tracker.errors import ChangedMeanwhile, NotFound, Refused
from svd_tracker.extensions import db
from svd_tracker.interventions import queries as interventions
from svd_tracker.proposals import attachments, forms, queries, services
from svd_tracker.proposals.content import changed_fields, missing_in
from svd_tracker.proposals.in_words import differences
from svd_tracker.proposals.models import PersonalLink, Proposal, ProposalState, ProposalVersion
from svd_tracker.rounds import queries as rounds
from svd_tracker.rounds.models import RoundState

PAGES = {"about": "About", "costs": "Costs", "match": "Match", "delivery": "Delivery"}
ORDER = (*PAGES, "check")


@dataclass(frozen=True)
class Way:
    """Where the pages of one proposal lead.

    ``key`` names the writer and the proposal, for what the browser keeps. ``page`` gives the address of "about",
    "costs" … and "check", ``leave`` that of leaving, ``done`` that of a proposal handed in. ``link`` is the personal
    link that one came by, None for somebody signed in; ``close_url`` closes it in this browser. ``late``: handed in
    after the round closed, it is kept for the coordinator to decide on.
    """

    key: str
    page: Callable[[str], str]
    leave: str
    done: str
    file_url: Callable[[int], str]
    take_url: Callable[[int], str]
    add_file_url: str
    trail: Sequence[tuple[str, str | None]]
    coordinates: bool = False
    link: PersonalLink | None = None
    close_url: str = ""

    @property
    def late(self) -> bool:
        return self.link is not None


def editable(proposal: Proposal) -> bool:
    """Whether its newest version is a draft that may be changed now."""
    open_states = (RoundState.OPEN,) if proposal.state is ProposalState.DRAFT else services.TAKING_IN
    return proposal.state in services.EDITABLE and proposal.round.state in open_states


def edit_page(proposal: Proposal, page: str, way: Way, act: Act) -> ResponseReturnValue:
    """One of the short pages, shown or saved. Commits. What the script saves by itself changes no page:

    while something is unfinished, nothing is saved and the answer is empty.
    """
    if page not in PAGES:
        raise NotFound("page")
    version = queries.newest_version(proposal)
    content = queries.content_of(version)
    holders = rounds.taking_part(proposal.round_id)
    form = _page_form(page, proposal, version, holders)
    by_itself = "by_itself" in request.form and not {"go", "more"} & set(request.form)
    clash = None
    if form.validate_on_submit():
        try:
            services.save_version(
                proposal,
                form.apply(content),
                form.row_version.data,
                act,
                change_continues=page == "about",
                continues=intervention(form.continues.data) if isinstance(form, forms.AboutForm) else None,
            )
        except ChangedMeanwhile:
            db.session.rollback()
            clash = _clash(form, proposal, holders)
        except Refused as refused:
            db.session.rollback()
            form.show(refused)
        else:
            db.session.commit()
            if by_itself:
                return redirect(way.page(page), 303)
            flash("Saved.", "success")
            following = page if "more" in request.form else ORDER[ORDER.index(page) + 1]
            return redirect(way.page(following), 303)
    if by_itself and clash is None:
        return Response(status=204, mimetype="text/plain")
    return render_template(
        f"proposals/edit_{page}.html",
        form=form,
        clash=clash,
        page=page,
        pages=PAGES,
        proposal=proposal,
        version=version,
        way=way,
        totals=queries.asks(version),
        holders=holders,
        checks=proposal.round.scheme.checks if page == "delivery" else [],
    )


def check_page(proposal: Proposal, way: Way, act: Act, after: Callable[[], None] | None = None) -> ResponseReturnValue:
    """What is written and what is missing; a POST hands it in. Commits; ``after`` takes part in the same commit."""
    version = queries.newest_version(proposal)
    form = forms.SubmitForm(data={"row_version": proposal.row_version})
    if form.validate_on_submit():
        try:
            services.submit(
                proposal, act, row_version=form.row_version.data, late_allowed=way.coordinates, late=way.late
            )
            if after:
                after()
        except Refused as refused:
            db.session.rollback()
            form.row_version.data = proposal.row_version
            form.form_errors.append(refused.message)
        else:
            db.session.commit()
            flash("The proposal is submitted. It can no longer be changed.", "success")
            return redirect(way.done, 303)
    files = attachments.written(proposal)
    return render_template(
        "proposals/check.html",
        form=form,
        pages=PAGES,
        page="check",
        way=way,
        missing=list(missing_in(queries.content_of(version))),
        closed=proposal.state is ProposalState.DRAFT and act.on > proposal.round.closes_on,
        may_edit=editable(proposal),
        files=files,
        takeable=attachments.takeable(proposal, files),
        **reading(proposal, version),
    )


def reading(proposal: Proposal, version: ProposalVersion) -> Mapping[str, Any]:
    """What the text of a version is drawn from."""
    asked = queries.asks(version)
    return {
        "proposal": proposal,
        "round": proposal.round,
        "version": version,
        "asked": asked,
        "holders": [holder for holder in rounds.taking_part(proposal.round_id) if holder.id in asked],
        "categories": list(Category),
    }


def intervention(intervention_id: int | None) -> Any:
    return interventions.get_intervention(intervention_id) if intervention_id else None


def _page_form(
    page: str, proposal: Proposal, version: ProposalVersion, holders: Sequence[Holder]
) -> forms.AboutForm | forms.RowsForm:
    content, area_id = queries.content_of(version), proposal.round.area_id
    if page == "about":
        data = {
            **forms.AboutForm.values(content),
            "row_version": proposal.row_version,
            "continues": proposal.continues_intervention_id,
        }
        about = forms.AboutForm(data=data)
        about.offer(holders, interventions.list_interventions(area_id))
        return about
    form = forms.ROW_FORMS[page].of(content, proposal.row_version)
    asked = {*content.asks, *(line.holder_id for line in content.costs)}
    form.offer(
        holder_id=[(holder.id, holder.name) for holder in holders if holder.id in asked or not asked],
        quarter=[(quarter, f"Q{quarter}") for quarter in (1, 2, 3, 4)],
        organisation_id=[(each.id, each.name) for each in accounts.list_organisations(area_id)]
        if page == "match"
        else [],
    )
    return form


def _clash(
    form: forms.AboutForm | forms.RowsForm, proposal: Proposal, holders: Sequence[Holder]
) -> list[tuple[str, str, str]]:
    """What somebody else saved beside what was typed; the form now carries the newer version."""
    saved = queries.content_of(queries.newest_version(proposal))
    typed = form.apply(saved)
    form.row_version.data = proposal.row_version
    return differences(saved, typed, changed_fields(saved, typed), {holder.id: holder.name for holder in holders})
