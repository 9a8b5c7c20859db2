"""Moves of money on screen: the register of a grant's year, its files, reallocations, and what waits for approval."""

import datetime as dt
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO
from typing import Any

from flask import current_app, flash, redirect, render_template, request, send_file, url_for
from flask.typing import ResponseReturnValue

from exports.moves_workbook import build_moves_workbook
from svd_tracker.accounts import queries as accounts
from svd_tracker.accounts.access import current_access, current_act, holder_names, may, now, requires, today
from svd_tracker.accounts.models import Holder
from svd_tracker.accounts.permissions import Access, Permission, Scope
from svd_tracker.audit import once
from svd_tracker.audit import queries as audit
from svd_tracker.decisions import queries as decisions
from svd_tracker.decisions.models import Decision
from svd_tracker.errors import ChangedMeanwhile, NotAllowed, NotFound, Refused
from svd_tracker.extensions import db
from svd_tracker.finance.blueprint import bp, shut_plan
from svd_tracker.finance.figures import YearFigures
from svd_tracker.finance.forms import put_refusal
from svd_tracker.finance.moves import (
    forms,
    pages,
    queries,
    reallocation_services,
    register_file,
    repayable,
    services,
    underspend,
    virement_views,  # noqa: F401  its routes
)
from svd_tracker.finance.moves.models import VirementState
from svd_tracker.finance.moves.pages import Move, Wanted
from svd_tracker.finance.moves.repayable import Repayable
from svd_tracker.finance.moves.underspend import Underspend
from svd_tracker.finance.queries import FundingNow
from svd_tracker.grants import queries as grants
from svd_tracker.grants.queries import AwardTable
from svd_tracker.grants.split import allocation_field
from svd_tracker.money import format_pounds
from svd_tracker.periods import fy_end, fy_label
from svd_tracker.returns import obligation_queries as calendar
from svd_tracker.web import navigation
from svd_tracker.web.downloads import csv_answer
from svd_tracker.web.history import as_history
from svd_tracker.web.navigation import WorkItem

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def grant_scope(grant_id: int, **_rest: object) -> Scope:
    return Scope(grants.get_grant(grant_id).area_id)


def reallocation_scope(reallocation_id: int, **_rest: object) -> Scope:
    """Of the whole area; one that touches no holder of the reader's is nobody's (DESIGN.md rule 10)."""
    found = queries.get_reallocation(reallocation_id)
    if not {line.allocation.holder_id for line in found.lines} & current_access().holder_ids(Permission.VIEW_MOVES):
        raise NotFound("reallocation")
    return Scope(found.grant.area_id)


@bp.get("/grants/<int:grant_id>/years/<int:fy>/moves")
@requires(Permission.VIEW_MOVES, grant_scope)
def moves(grant_id: int, fy: int) -> ResponseReturnValue:
    grant, table, wanted = grants.get_grant(grant_id), _table(grant_id, fy), _wanted()
    everything, found = _found(grant_id, fy, wanted)
    access = current_access()
    asking = access.holder_ids(Permission.REQUEST_VIREMENT)
    held = {share.holder_id for share in table.shares}
    return render_template(
        "finance/moves/register.html",
        grant=grant,
        fy=fy,
        found=found,
        nothing=not everything,
        wanted=wanted,
        states=[(state.value, state.value.capitalize()) for state in VirementState],
        sums=pages.sums_of(found),
        names=pages.names_of(found),
        asked=_asked(wanted),
        askers=[one for one in accounts.list_holders(grant.area_id) if one.id in asking & held],
        may_reallocate=_reaches_all(access, table),
    )


@bp.get("/grants/<int:grant_id>/years/<int:fy>/moves.csv")
@requires(Permission.VIEW_MOVES, grant_scope)
def moves_csv(grant_id: int, fy: int) -> ResponseReturnValue:
    grant = grants.get_grant(grant_id)
    _, found = _found(grant_id, fy, _wanted())
    return csv_answer(register_file.as_csv(found, pages.names_of(found)), f"moves {grant.ref} {fy}.csv")


@bp.get("/grants/<int:grant_id>/years/<int:fy>/moves.xlsx")
@requires(Permission.VIEW_MOVES, grant_scope)
def moves_workbook(grant_id: int, fy: int) -> ResponseReturnValue:
    grant, wanted = grants.get_grant(grant_id), _wanted()
    _, found = _found(grant_id, fy, wanted)
    colour, marking = current_app.config["COUNCIL_COLOUR"], current_app.config["PROTECTIVE_MARKING"]
    document = register_file.as_document(grant, fy, wanted, found, pages.names_of(found), now(), colour, marking)
    return send_file(
        BytesIO(build_moves_workbook(document)),
        mimetype=XLSX,
        as_attachment=True,
        download_name=f"moves-{grant.ref}-{fy}.xlsx",
    )


@bp.route("/grants/<int:grant_id>/years/<int:fy>/reallocate", methods=["GET", "POST"])
@requires(Permission.MANAGE_GRANT, grant_scope)
def reallocate(grant_id: int, fy: int) -> ResponseReturnValue:
    """First sent, it shows before and after; sent once more, it is applied. For those who reach every holder of it."""
    grant, table = grants.get_grant(grant_id), _table(grant_id, fy)
    if not _reaches_all(current_access(), table):
        raise NotAllowed("The OPCC decides on a reallocation between holders")
    holders = accounts.list_holders(grant.area_id)
    form: Any = forms.reallocation_form(table, holders)(
        data={"row_version": table.versions, "decided_on": today(), "body": "OPCC"}
    )
    if request.method == "POST" and (used := once.result_of(form.once_key.data)):
        return redirect(used, 303)
    checked = False
    rows, _ = queries.plan_reallocation(table, {})
    if form.validate_on_submit():
        act, changes = current_act(), forms.changes_of(form, table)
        try:
            if form.row_version.data != table.versions:
                raise ChangedMeanwhile(reallocation_services.CHANGED)
            rows = reallocation_services.check_reallocation(grant, table, changes)
            checked = True
            if "send" in request.form:
                decided = services.Decided(form.body.data, form.decided_on.data, form.minute_ref.data)
                made = reallocation_services.reallocate(
                    act, grant, fy, changes, decided, form.reason.data, versions_seen=form.row_version.data
                )
                address = url_for("finance.reallocation", reallocation_id=made.id)
                once.use_up(form.once_key.data, address, act)
                db.session.commit()
                flash(f"Reallocated: {format_pounds(made.approval.amount_pence)} has moved.", "success")
                return redirect(address, 303)
        except Refused as refused:
            db.session.rollback()
            grant, table, holders = grants.get_grant(grant_id), _table(grant_id, fy), accounts.list_holders()
            form.row_version.data = table.versions
            put_refusal(form, refused)
    return render_template(
        "finance/moves/reallocate.html",
        form=form,
        grant=grant,
        fy=fy,
        award=table,
        rows=rows,
        checked=checked,
        holders={one.id: one for one in holders},
        box=allocation_field,
    )


@bp.get("/reallocations/<int:reallocation_id>")
@requires(Permission.VIEW_MOVES, reallocation_scope)
def reallocation(reallocation_id: int) -> ResponseReturnValue:
    found = queries.get_reallocation(reallocation_id)
    reached = current_access().holder_ids(Permission.VIEW_MOVES)
    lines = pages.lines_of_reallocation(found, reached)
    return render_template(
        "finance/moves/reallocation.html",
        reallocation=found,
        lines=lines,
        moved=found.approval.amount_pence,
        names=accounts.person_names([found.recorded_by]),
        history=as_history(audit.history("reallocation", reallocation_services.subject_ref(found.grant, found))),
        may_view_grant=may(Permission.VIEW_GRANT, Scope(found.grant.area_id)),
    )


@dataclass(frozen=True)
class Panel:
    """What the pages of a year and of a funding show beside its figures: repayable claims, forecast underspends."""

    holder_id: int
    grant_id: int
    fy: int
    repayable: Sequence[tuple[FundingNow, Repayable]]
    underspends: Sequence[Underspend]
    until: dt.date
    tell_by: dt.date
    reserve: Sequence[Decision]
    may_ask: bool


def panel_of(holder: Holder, now_: YearFigures, shown: Collection[int]) -> Panel:
    """The panel of a grant in a holder's year, of the fundings whose ids are given: those no interest shuts."""
    fundings = {each.funding.id: each.funding for each in now_.lines}
    access, day, until = current_access(), today(), fy_end(now_.fy)
    found = [each for each in underspend.underspends(now_, holder.area_id, day) if each.line.funding.id in shown]
    scope = Scope(holder.area_id, holder.id)
    due: list[dt.date] = []
    if found:
        rows = calendar.list_obligations([holder.id], grant_id=now_.grant_id, fy=now_.fy)
        due = [row.due_on for row in rows if day <= row.due_on <= until]
    return Panel(
        holder_id=holder.id,
        grant_id=now_.grant_id,
        fy=now_.fy,
        repayable=[
            (fundings[each.funding_id], each)
            for each in repayable.by_funding([holder.id], now_.fy)
            if each.funding_id in shown
        ],
        underspends=found,
        until=until,
        tell_by=min(due, default=until),
        reserve=decisions.reserve_list(access.person_id, holder.id, now_.grant_id, now_.fy) if found else (),
        may_ask=may(Permission.REQUEST_VIREMENT, scope),
    )


@navigation.add_work
def _work(access: Access, _on: dt.date) -> Iterator[WorkItem]:
    """Virements that wait for this person, and claims that can no longer be: they are repayable."""
    reached = access.holder_ids(Permission.APPROVE_VIREMENT)
    if reached:
        shut = shut_plan()
        for found in queries.waiting(reached):
            moved = queries.moved_by(found)
            keys = {(found.holder_id, found.fy, line.funding.intervention_id) for line in found.lines}
            if not keys & shut and services.may_approve(access, found, services.is_above_limit(found, moved)):
                yield WorkItem(
                    f"{found.holder.name}: virement {found.ref} of {format_pounds(moved)} waits for your approval",
                    url_for("finance.virement", virement_id=found.id),
                )
    told = access.holder_ids(Permission.REQUEST_VIREMENT)
    if told:
        names = holder_names(told)
        hidden = {key[:2] for key in shut_plan()}
        for (holder_id, fy), pence in repayable.totals(told).items():
            if (holder_id, fy) not in hidden:
                yield WorkItem(
                    f"{names[holder_id]} {fy_label(fy)}: {format_pounds(pence)} claimed can no longer be: "
                    "it is repayable",
                    url_for("finance.year", holder_id=holder_id, fy=fy),
                )


def _table(grant_id: int, fy: int) -> AwardTable:
    table = grants.award_table(grant_id, fy)
    if not table.lines:
        raise NotFound("year of the grant")
    return table


def _reaches_all(access: Access, table: AwardTable) -> bool:
    held = {share.holder_id for share in table.shares}
    return bool(held) and held <= access.holder_ids(Permission.MANAGE_GRANT)


def _found(grant_id: int, fy: int, wanted: Wanted) -> tuple[list[Move], list[Move]]:
    """Every move that the reader may see, and those of them that are asked for."""
    _table(grant_id, fy)
    access = current_access()
    everything = pages.register(grant_id, fy, access.holder_ids(Permission.VIEW_MOVES), shut_plan())
    return everything, [move for move in everything if wanted.takes(move)]


def _wanted() -> Wanted:
    state = request.args.get("state", "")
    return Wanted(_day("from"), _day("to"), state if state in set(VirementState) else "")


def _day(name: str) -> dt.date | None:
    try:
        return dt.date.fromisoformat(request.args.get(name, ""))
    except ValueError:
        return None


def _asked(wanted: Wanted) -> Mapping[str, str | None]:
    """The filter as the query string that asks for it."""
    return {
        "from": wanted.from_on.isoformat() if wanted.from_on else None,
        "to": wanted.to_on.isoformat() if wanted.to_on else None,
        "state": wanted.state or None,
    }
