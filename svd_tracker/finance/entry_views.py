"""The ledger on screen: listing, posting, reversing, accruals."""

from typing import Any

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from svd_tracker.accounts import queries as accounts
from svd_tracker.accounts.access import current_act, may, requires
from svd_tracker.accounts.permissions import Permission, Scope
from svd_tracker.audit import once
from svd_tracker.calculations.figures import EntryKind
from svd_tracker.errors import Refused
from svd_tracker.extensions import db
from svd_tracker.finance import forms, ledger_list, limits, overview, queries, services
from svd_tracker.finance.blueprint import bp, entry_scope, funding_scope, holder_scope, shut_fundings
from svd_tracker.finance.ledger_list import Filter
from svd_tracker.finance.like_lines import LooksLikeALine
from svd_tracker.finance.models import LedgerEntry
from svd_tracker.finance.placing import line_queries
from svd_tracker.finance.placing.forms import DropForm
from svd_tracker.money import format_pounds
from svd_tracker.periods import QUARTERS, quarter_short
from svd_tracker.readers.text_safe import CsvCell, Money, write_csv
from svd_tracker.web.downloads import csv_answer
from svd_tracker.web.fields import LARGEST_WHOLE_NUMBER


@bp.get("/finance/<int:holder_id>/<int:fy>/ledger")
@requires(Permission.VIEW_FINANCE, holder_scope)
def ledger(holder_id: int, fy: int) -> ResponseReturnValue:
    fundings = queries.fundings(holder_id, fy)
    shut = shut_fundings(fundings, holder_id, fy)
    wanted = _filter(shut)
    listing = ledger_list.list_entries(holder_id, fy, wanted, _whole("page") or 1)
    holder = accounts.get_holder(holder_id)
    here: dict[str, Any] = {"holder_id": holder_id, "fy": fy, **_asked(wanted)}
    return render_template(
        "finance/ledger.html",
        holder=holder,
        fy=fy,
        wanted=wanted,
        listing=listing,
        fundings=[each for each in fundings if each.id not in shut],
        reversed=ledger_list.reversed_ids([entry.id for entry in listing.entries]),
        flags=limits.flags_of(listing.entries, limits.limits_for(holder_id, [fy])),
        origins=line_queries.origins([entry.placement_id for entry in listing.entries if entry.placement_id]),
        kinds=list(EntryKind),
        sorts={key: words for key, (words, _) in ledger_list.SORTS.items()},
        address=lambda page: url_for("finance.ledger", **here, page=page),
        download=url_for("finance.ledger_csv", **here),
        may_post=may(Permission.POST_ENTRY, Scope(holder.area_id, holder.id)),
    )


@bp.get("/finance/<int:holder_id>/<int:fy>/ledger/download")
@requires(Permission.VIEW_FINANCE, holder_scope)
def ledger_csv(holder_id: int, fy: int) -> ResponseReturnValue:
    shut = shut_fundings(queries.fundings(holder_id, fy), holder_id, fy)
    entries = ledger_list.all_entries(holder_id, fy, _filter(shut))
    headings = [
        "Entry", "Funding", "Title", "Kind", "Quarter", "Date", "Document", "Amount", "Irrecoverable VAT inside",
        "Document total", "Eligible", "Payee", "Description", "Reason",
    ]  # fmt: skip
    holder = accounts.get_holder(holder_id)
    return csv_answer(write_csv(headings, map(_csv_row, entries)), f"ledger {holder.ref} {fy}.csv")


@bp.route("/fundings/<int:funding_id>/entries/new", methods=["GET", "POST"])
@requires(Permission.POST_ENTRY, funding_scope)
def new_entry(funding_id: int) -> ResponseReturnValue:
    funding = queries.get_funding(funding_id)
    form: Any = forms.EntryForm()
    waiting = ledger_list.find_waiting(funding)
    form.offer(funding.fy, waiting)
    if request.method == "POST" and (used := once.result_of(form.once_key.data)):
        return redirect(used, 303)
    asked = bool(form.another_cost.data)
    if form.validate_on_submit():
        act = current_act()
        vat = form.vat_pence.data or 0
        chosen = form.follows.data if "follows" in form else None
        try:
            entry = services.post_entry(
                act,
                funding,
                kind=EntryKind(form.kind.data),
                spent_on=form.spent_on.data,
                document=form.document.data,
                pence=form.amount.data + vat,
                vat_pence=vat,
                document_total_pence=form.document_total_pence.data,
                supplier=form.supplier.data,
                description=form.description.data,
                reason=form.reason.data,
                eligible=not form.not_eligible.data,
                quarter=form.quarter.data,
                follows=next((each for each in waiting if each.id == chosen), None),
                another_cost=bool(form.another_cost.data),
            )
        except Refused as refused:
            asked = asked or isinstance(refused, LooksLikeALine)
            forms.put_refusal(form, refused)
        else:
            return _posted(form, act, entry, "Posted")
    return render_template(
        "finance/new_entry.html",
        form=form,
        funding=funding,
        asked=asked,
        limits=limits.limits_of(funding),
        closed=queries.closed_quarters(funding.holder_id, funding.grant_id, funding.fy),
    )


@bp.route("/entries/<int:entry_id>/reverse", methods=["GET", "POST"])
@requires(Permission.POST_ENTRY, entry_scope)
def reverse(entry_id: int) -> ResponseReturnValue:
    entry = queries.get_entry(entry_id)
    if entry.placement is not None:  # it goes where its line goes
        return redirect(url_for("finance.line", line_id=entry.placement.line_id), 303)
    form: Any = forms.ReverseForm()
    if entry.kind is not EntryKind.ACCRUAL or entry.quarter != QUARTERS[-1]:
        del form.why
    if request.method == "POST" and (used := once.result_of(form.once_key.data)):
        return redirect(used, 303)
    if form.validate_on_submit():
        act = current_act()
        releasing = "why" in form and form.why.data == "release"
        verb = services.release_accrual if releasing else services.reverse_mistake
        try:
            reversal = verb(act, entry, form.reason.data)
        except Refused as refused:
            forms.put_refusal(form, refused)
        else:
            return _posted(form, act, reversal, "Released" if releasing else "Reversed")
    return render_template("finance/reverse.html", form=form, entry=entry, words=forms.entry_words(entry))


@bp.get("/finance/<int:holder_id>/<int:fy>/accruals")
@requires(Permission.VIEW_FINANCE, holder_scope)
def accruals(holder_id: int, fy: int) -> ResponseReturnValue:
    holder = accounts.get_holder(holder_id)
    shut = shut_fundings(queries.fundings(holder_id, fy), holder_id, fy)
    released = [each for each in ledger_list.releases(holder_id, fy) if each.release.funding_id not in shut]
    return render_template(
        "finance/accruals.html",
        holder=holder,
        fy=fy,
        open=[
            entry
            for grant_id in overview.grants_of_year(holder_id, fy)
            for entry in ledger_list.open_accruals_of(holder_id, grant_id, fy)
            if entry.funding_id not in shut
        ],
        releases=released,
        dropped=line_queries.dropped_accruals([each.followed.id for each in released if each.followed]),
        may_post=may(Permission.POST_ENTRY, Scope(holder.area_id, holder.id)),
    )


@bp.route("/entries/<int:entry_id>/accrue-again", methods=["GET", "POST"])
@requires(Permission.POST_ENTRY, entry_scope)
def accrue_again(entry_id: int) -> ResponseReturnValue:
    release = queries.get_entry(entry_id)
    form: Any = forms.AgainForm()
    if request.method == "POST" and (used := once.result_of(form.once_key.data)):
        return redirect(used, 303)
    if form.validate_on_submit():
        act = current_act()
        try:
            entry = services.accrue_again(act, release)
        except Refused as refused:
            forms.put_refusal(form, refused)
        else:
            return _posted(form, act, entry, "Accrued again")
    return render_template("finance/accrue_again.html", form=form, entry=release, words=forms.entry_words(release))


@bp.route("/entries/<int:entry_id>/no-invoice", methods=["GET", "POST"])
@requires(Permission.POST_ENTRY, entry_scope)
def drop_released(entry_id: int) -> ResponseReturnValue:
    release = queries.get_entry(entry_id)
    form: Any = DropForm()
    if request.method == "POST" and (used := once.result_of(form.once_key.data)):
        return redirect(used, 303)
    if form.validate_on_submit():
        act = current_act()
        try:
            dropped = services.drop_released(act, release, form.reason.data)
        except Refused as refused:
            forms.put_refusal(form, refused)
        else:
            return _posted(form, act, dropped, "No invoice will come")
    return render_template("finance/placing/drop.html", form=form, entry=release, words=forms.entry_words(release))


def _posted(form: Any, act: Any, entry: LedgerEntry, verb: str) -> ResponseReturnValue:
    """Used up, committed, said, and led to the funding."""
    address = url_for("finance.funding", funding_id=entry.funding_id)
    once.use_up(form.once_key.data, address, act)
    closed = queries.closed_quarters(entry.holder_id, entry.funding.grant_id, entry.fy)
    words = f"{verb}: {format_pounds(entry.pence)} in {quarter_short(entry.fy, entry.quarter)}."
    if entry.quarter in closed:
        words += " That quarter is closed, so it shows as an adjustment in the next return."
    said = limits.flags_of([entry], {entry.funding_id: limits.limits_of(entry.funding)})
    words += "".join(f" {flag}." for flag in said.get(entry.id, ()))
    db.session.commit()
    flash(words, "success")
    return redirect(address, 303)


def _filter(shut: frozenset[int]) -> Filter:
    kind, sort = request.args.get("kind", ""), request.args.get("sort", "")
    return Filter(
        funding_id=_whole("funding"),
        quarter=_whole("quarter"),
        kind=EntryKind(kind) if kind in set(EntryKind) else None,
        sort=sort if sort in ledger_list.SORTS else "newest",
        grant_id=_whole("grant"),
        without=shut,
    )


def _asked(wanted: Filter) -> dict[str, object]:
    """The filter as the query string that asks for it."""
    return {
        "funding": wanted.funding_id,
        "quarter": wanted.quarter,
        "kind": wanted.kind.value if wanted.kind else None,
        "sort": wanted.sort,
        "grant": wanted.grant_id,
    }


def _whole(name: str) -> int | None:
    """A whole number of the query string; one that no id can be is as good as absent."""
    number = request.args.get(name, None, int)
    return number if number is not None and 0 < number <= LARGEST_WHOLE_NUMBER else None


def _csv_row(entry: LedgerEntry) -> list[CsvCell]:
    return [
        entry.seq,
        entry.funding.ref,
        entry.funding.intervention.title,
        entry.kind.value,
        entry.quarter,
        entry.spent_on,
        entry.document,
        Money(entry.pence),
        Money(entry.vat_pence),
        None if entry.document_total_pence is None else Money(entry.document_total_pence),
        "yes" if entry.eligible else "no",
        entry.supplier,
        entry.description,
        entry.reason,
    ]
