"""Grants: the agreement, its years, and how the award is split."""

import datetime as dt
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from flask import redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from svd_tracker.accounts import queries as accounts
from svd_tracker.accounts.access import current_access, current_act, may, requires, today
from svd_tracker.accounts.models import Holder
from svd_tracker.accounts.permissions import Access, Permission, Scope
from svd_tracker.act import Act
from svd_tracker.approvals import queries as approvals
from svd_tracker.approvals.models import Approval, ApprovalBody, ApprovalKind
from svd_tracker.approvals.services import open_approval
from svd_tracker.audit import once
from svd_tracker.calculations.figures import Category
from svd_tracker.errors import NotFound, Refused
from svd_tracker.finance import queries as finance
from svd_tracker.finance.blueprint import shut_plan
from svd_tracker.finance.moves import repayable
from svd_tracker.grants import (
    forms,
    pages,
    queries,
    rule_views,  # noqa: F401  its routes
    services,
    split,
    terms_views,  # noqa: F401  its routes
)
from svd_tracker.grants.blueprint import again, bp, done, grant_scope
from svd_tracker.grants.models import Grant
from svd_tracker.periods import fy_label, fy_of
from svd_tracker.web import navigation

__all__ = ["bp"]


@bp.get("/grants")
@requires(Permission.VIEW_GRANT)
def index() -> ResponseReturnValue:
    grants = queries.list_grants(current_access().area_ids(Permission.VIEW_GRANT))
    ids = [grant.id for grant in grants]
    newest: dict[int, queries.AwardTable] = {}
    for table in queries.award_tables(ids).values():
        newest.setdefault(table.grant_id, table)
    return render_template(
        "grants/index.html",
        grants=grants,
        statuses=queries.statuses(ids),
        newest=newest,
        may_add=may(Permission.MANAGE_GRANT),
    )


@bp.route("/grants/add", methods=["GET", "POST"])
@requires(Permission.MANAGE_GRANT)
def add() -> ResponseReturnValue:
    form: Any = forms.GrantForm()
    reached = current_access().area_ids(Permission.MANAGE_GRANT)
    areas = [area for area in accounts.list_areas() if area.id in reached]
    form.offer(areas)
    if request.method == "POST" and (used := once.result_of(form.once_key.data)):
        return redirect(used, 303)
    if form.validate_on_submit():
        act = current_act()
        area = next(area for area in areas if area.id == form.area.data)
        try:
            grant = services.add_grant(
                area, form.ref.data, form.funder.data, form.name.data, form.starts_on.data, form.ends_on.data, act
            )
        except Refused as refused:
            return again(form, refused, "grants/add.html", areas=areas)
        return done(
            form, act, url_for("grants.edit_terms", grant_id=grant.id), "The grant is added. Now enter its terms."
        )
    return render_template("grants/add.html", form=form, areas=areas)


@bp.get("/grants/<int:grant_id>")
@requires(Permission.VIEW_GRANT, grant_scope)
def show(grant_id: int) -> ResponseReturnValue:
    grant = queries.get_grant(grant_id)
    versions = queries.terms_versions(grant_id)
    holders = _reached_holders(grant)
    tables = list(queries.award_tables([grant_id]).values())
    committed = finance.committed_by_allocation(share.id for table in tables for share in table.shares)
    return render_template(
        "grants/show.html",
        grant=grant,
        terms=versions[0] if versions else None,
        history=pages.terms_history(versions),
        rules=queries.eligibility_rules(grant_id),
        years=[(table, pages.split_of(table, holders, committed, 0)) for table in tables],
        who=_whose(grant, holders),
        may_manage=may(Permission.MANAGE_GRANT, Scope(grant.area_id)),
    )


@bp.get("/grants/<int:grant_id>/years/<int:fy>")
@requires(Permission.VIEW_GRANT, grant_scope)
def year(grant_id: int, fy: int) -> ResponseReturnValue:
    """The award of a year and its split. A person of one holder sees that holder's share (DESIGN.md rule 10)."""
    grant = queries.get_grant(grant_id)
    table = _set_up(grant_id, fy)
    holders = _reached_holders(grant)
    terms = queries.current_terms(grant_id)
    committed = finance.committed_by_allocation(share.id for share in table.shares)
    history = pages.amount_history(grant_id, fy, holders)
    used = {line.approval.id for line in history}
    return render_template(
        "grants/year.html",
        grant=grant,
        fy=fy,
        award=table,
        terms=terms,
        split=pages.split_of(table, holders, committed, terms.over_programme_bp if terms else 0),
        who=_whose(grant, holders),
        history=history,
        outstanding=[one for one in approvals.list_outstanding([grant.area_id]) if one.id in used],
        over_words=pages.over_words,
        repayable=_repayable(grant_id, fy, holders),
        short_name=split.short_name,
        may_manage=may(Permission.MANAGE_GRANT, Scope(grant.area_id)),
        money_pages=current_access().holder_ids(Permission.VIEW_FINANCE),
        may_view_moves=may(Permission.VIEW_MOVES, Scope(grant.area_id)),
        missing=[category for category in Category if category not in table.lines],
    )


@bp.route("/grants/<int:grant_id>/years/<int:fy>/<any(labour, non_labour):category>", methods=["GET", "POST"])
@requires(Permission.MANAGE_GRANT, grant_scope)
def set_award(grant_id: int, fy: int, category: str) -> ResponseReturnValue:
    grant, kind = queries.get_grant(grant_id), Category(category)
    table = _set_up(grant_id, fy)
    now = table.lines.get(kind)
    form: Any = forms.AwardForm(
        data={
            "amount": now.pence if now else None,
            "row_version": now.version_no if now else 0,
            "body": grant.funder,
            "effective_on": today(),
        }
    )
    if request.method == "POST" and (used := once.result_of(form.once_key.data)):
        return redirect(used, 303)
    page: dict[str, Any] = {"grant": grant, "fy": fy, "category": kind, "now": now, "clash": None}
    if form.validate_on_submit():
        act = current_act()
        try:
            services.set_award(
                grant,
                fy,
                kind,
                form.amount.data,
                _approve(act, grant, fy, form, ApprovalKind.AWARD, form.amount.data),
                act,
                effective_on=form.effective_on.data,
                reason=form.reason.data,
                version_seen=form.row_version.data,
            )
        except Refused as refused:
            return again(form, refused, "grants/set_award.html", **page)
        url = url_for("grants.year", grant_id=grant_id, fy=fy)
        return done(form, act, url, f"The {kind.label.lower()} award of {fy_label(fy)} is saved.")
    return render_template("grants/set_award.html", form=form, **page)


@bp.route("/grants/<int:grant_id>/years/<int:fy>/allocate", methods=["GET", "POST"])
@requires(Permission.MANAGE_GRANT, grant_scope)
def allocate(grant_id: int, fy: int) -> ResponseReturnValue:
    grant = queries.get_grant(grant_id)
    table = _set_up(grant_id, fy)
    holders, categories = accounts.list_holders(grant.area_id), list(table.lines)
    standing = {split.allocation_field(share.holder_id, share.category): share.pence for share in table.shares}
    form = forms.share_form(holders, categories)(
        data={**standing, "row_version": table.versions, "effective_on": today()}
    )
    if request.method == "POST" and (used := once.result_of(form.once_key.data)):
        return redirect(used, 303)
    page: dict[str, Any] = {
        "grant": grant,
        "fy": fy,
        "table": table,
        "holders": holders,
        "box": split.allocation_field,
        "clash": None,
    }
    if form.validate_on_submit() and not forms.refuse_emptied(form, standing):
        act = current_act()
        shares = forms.amounts(form, holders, categories)
        try:
            changed = services.allocate(
                grant,
                fy,
                shares,
                _approve(act, grant, fy, form, ApprovalKind.DIRECT, sum(shares.values())),
                act,
                effective_on=form.effective_on.data,
                reason=form.reason.data,
                version_seen=form.row_version.data,
            )
        except Refused as refused:
            return again(form, refused, "grants/allocate.html", **page)
        url = url_for("grants.year", grant_id=grant_id, fy=fy)
        return done(form, act, url, f"Saved: {changed} allocation{'s' if changed != 1 else ''} changed.")
    return render_template("grants/allocate.html", form=form, **page)


@bp.route("/grants/<int:grant_id>/years/new", methods=["GET", "POST"])
@requires(Permission.MANAGE_GRANT, grant_scope)
def copy_year(grant_id: int) -> ResponseReturnValue:
    """Set up a year: last year's amounts come filled in, are edited, and are saved all together under one approval."""
    grant = queries.get_grant(grant_id)
    holders = accounts.list_holders(grant.area_id)
    choice = _choose_year(grant)
    if choice["to_fy"] is None:
        return render_template("grants/copy_year.html", form=None, grant=grant, **choice)
    source = choice["source"]
    filled: dict[str, Any] = {"body": grant.funder, "reason": "Award of the year"}
    if source:
        filled |= {forms.award_field(category): line.pence for category, line in source.lines.items()}
        filled |= {split.allocation_field(share.holder_id, share.category): share.pence for share in source.shares}
    form = forms.year_form(holders)(data=filled)
    if request.method == "POST" and (used := once.result_of(form.once_key.data)):
        return redirect(used, 303)
    page: dict[str, Any] = {
        "grant": grant,
        "holders": holders,
        "box": split.allocation_field,
        "award_box": forms.award_field,
        "categories": list(Category),
        **choice,
    }
    if form.validate_on_submit():
        act, to_fy = current_act(), choice["to_fy"]
        typed = {category: form[forms.award_field(category)].data for category in Category}
        awards = {category: pence for category, pence in typed.items() if pence is not None}
        try:
            services.set_up_year(
                grant,
                to_fy,
                awards,
                forms.amounts(form, holders, list(Category)),
                _approve(act, grant, to_fy, form, ApprovalKind.AWARD, sum(awards.values())),
                act,
                reason=form.reason.data,
            )
        except Refused as refused:
            return again(form, refused, "grants/copy_year.html", **page)
        return done(
            form, act, url_for("grants.year", grant_id=grant_id, fy=to_fy), f"The year {fy_label(to_fy)} is set up."
        )
    return render_template("grants/copy_year.html", form=form, **page)


@navigation.add_work
def _work(access: Access, on: dt.date) -> Iterator[navigation.WorkItem]:
    """What is over-committed, and a split that a cut left provisional, in this year and the next; five queries."""
    areas, held = access.area_ids(Permission.MANAGE_GRANT), access.holder_ids(Permission.VIEW_GRANT)
    grants = {one.id: one for one in queries.list_grants(areas)} if areas else {}
    years = (fy_of(on), fy_of(on) + 1)
    tables = list(queries.award_tables(list(grants), years).values()) if grants else []
    holders = [one for area_id in areas for one in accounts.list_holders(area_id) if one.id in held] if tables else []
    committed = finance.committed_by_allocation(share.id for table in tables for share in table.shares)
    for table in tables:
        url = url_for("grants.year", grant_id=table.grant_id, fy=table.fy)
        name = f"{grants[table.grant_id].name} {fy_label(table.fy)}"
        rows = pages.split_of(table, holders, committed, 0)
        over = [f"{split.short_name(row.holder)} {row.share.category.label.lower()}" for row in rows.over_committed]
        if over:
            yield navigation.WorkItem(f"Over-committed in {name}: {', '.join(over)}", url)
        if any(row.share.provisional for row in rows.rows):
            yield navigation.WorkItem(f"Settle the split of {name}: it is provisional since the award was cut", url)


def _repayable(grant_id: int, fy: int, holders: Iterable[Holder]) -> list[tuple[Holder, int]]:
    """What each holder claimed and can no longer, in pence; not of a year that an interest shuts in part."""
    shown = {holder.id: holder for holder in holders}
    hidden = {holder_id for holder_id, year_of, _ in shut_plan() if year_of == fy}
    sums: dict[int, int] = {}
    for each in repayable.by_funding(shown.keys() - hidden, fy):
        if each.grant_id == grant_id:
            sums[each.holder_id] = sums.get(each.holder_id, 0) + each.pence
    return [(shown[holder_id], pence) for holder_id, pence in sums.items()]


def _set_up(grant_id: int, fy: int) -> queries.AwardTable:
    """The year's award; NotFound for a year that was never set up."""
    table = queries.award_table(grant_id, fy)
    if not table.lines:
        raise NotFound("year of the grant")
    return table


def _reached_holders(grant: Grant) -> list[Holder]:
    reached = current_access().holder_ids(Permission.VIEW_GRANT)
    return [one for one in accounts.list_holders(grant.area_id) if one.id in reached]


def _whose(grant: Grant, holders: Sequence[Holder]) -> str:
    """Whose committed and left a page shows: "" when it is everybody's."""
    everybody = len(holders) == len(accounts.list_holders(grant.area_id))
    return "" if everybody else " and ".join(split.short_name(one) for one in holders)


def _choose_year(grant: Grant) -> dict[str, Any]:
    """Which year is set up and which is copied: as asked for in the address, else the first one after those set up

    (or the first left out) and the newest before it, of this grant or of another of the area.
    """
    refs = {one.id: one.ref for one in queries.list_grants([grant.area_id])}
    sources = {f"{of}-{fy}": table for (of, fy), table in queries.award_tables(list(refs)).items()}
    done = {table.fy for table in sources.values() if table.grant_id == grant.id}
    period = range(fy_of(grant.starts_on), fy_of(grant.ends_on) + 1)
    targets = [fy for fy in period if fy not in done]
    asked = request.args.get("to", type=int)
    if asked is not None and asked not in period:
        raise NotFound("year of the grant")
    # What is sent keeps its year, also when somebody has set it up meanwhile: the service refuses it then.
    later = [fy for fy in targets if fy > max(done, default=0)]
    to_fy = asked if asked in targets or request.method == "POST" else next(iter(later or targets), None)
    newest_first = sorted(sources, key=lambda key: (-sources[key].fy, sources[key].grant_id != grant.id))
    before = [key for key in newest_first if to_fy is not None and sources[key].fy < to_fy]
    chosen = request.args.get("from", next(iter(before), ""))
    return {
        "targets": targets,
        "nothing_later": bool(done) and not later,
        "to_fy": to_fy,
        "chosen": chosen,
        "source": sources.get(chosen),
        "choices": [(key, f"{fy_label(sources[key].fy)} ({refs[sources[key].grant_id]})") for key in newest_first],
    }


def _approve(act: Act, grant: Grant, fy: int, form: Any, kind: ApprovalKind, pence: int) -> Approval:
    """The approval that a form describes: part of the verb that follows, so the two stand or fall together.

    The year's allocations are locked before the area, as a decision does: in any other order two would wait for
    each other.
    """
    queries.lock_grant(grant.id)
    queries.lock_allocations(share.id for share in queries.award_table(grant.id, fy).shares)
    minute = form.minute.data if "minute" in form else ""
    return open_approval(
        act,
        area_id=grant.area_id,
        kind=kind,
        body=form.body.data,
        decided_on=form.decided_on.data,
        minute_ref=f"{form.minute_ref.data}; minute {minute}" if minute else form.minute_ref.data,
        amount_pence=pence,
        reason=form.reason.data,
        needs=[ApprovalBody(body) for body in form.needs.data],
    )
