"""One line of the ledger on screen: where it is from, where it was, and everything that can be done with it."""

from collections.abc import Collection, Sequence
from typing import Any

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from svd_tracker.accounts import queries as accounts
from svd_tracker.accounts.access import current_act, may, requires
from svd_tracker.accounts.models import Holder
from svd_tracker.accounts.permissions import Permission, Scope
from svd_tracker.act import Act
from svd_tracker.audit import once
from svd_tracker.errors import ChangedMeanwhile, NotFound, Refused
from svd_tracker.extensions import db
from svd_tracker.finance import match_queries
from svd_tracker.finance import queries as finance
from svd_tracker.finance.blueprint import bp, holder_scope, refuse_shut_plans, shut_years
from svd_tracker.finance.forms import put_refusal
from svd_tracker.finance.intake.models import LedgerLine, LineEventKind, Outcome, Placement, SharingMethod, WhyWaiting
from svd_tracker.finance.ledger_list import reversed_ids
from svd_tracker.finance.models import Match
from svd_tracker.finance.placing import (
    applying,
    forms,
    like,
    line_queries,
    queries,
    receiving,
    services,
    settling,
    sharing,
)
from svd_tracker.finance.placing.book import Standing, standing_of
from svd_tracker.finance.placing.services import When
from svd_tracker.finance.placing.words import OUTCOME_WORDS, WHY_WORDS
from svd_tracker.money import format_pounds
from svd_tracker.periods import QUARTERS

_WAITS = (Outcome.WAITING, Outcome.CARRIED)


def line_scope(line_id: int, **_rest: object) -> Scope:
    """Where a line lives. One that was placed to what an interest shuts to the reader is shut too (DESIGN.md 5.7)."""
    line = line_queries.get_line(line_id)
    refuse_shut_plans(line_queries.places_of_line(line_id))
    return holder_scope(line.holder_id)


@bp.get("/ledger-lines/<int:line_id>")
@requires(Permission.VIEW_FINANCE, line_scope)
def line(line_id: int) -> ResponseReturnValue:
    record = line_queries.get_line(line_id)
    holder = accounts.get_holder(record.holder_id)
    history = line_queries.placements(line_id)
    entries = line_queries.entries_of([each.id for each in history])
    queued = line_queries.find_queued(line_id)
    match = _income_match(history)
    event = line_queries.newest_event(line_id)
    entry = finance.get_entry(queued.entry_id) if queued and queued.entry_id else None
    shut = shut_years(holder.id)
    return render_template(
        "finance/placing/line.html",
        line=record,
        holder=holder,
        standing=_standing(record),
        history=history,
        places=line_queries.names_of_places(
            (part.funding_id, part.match_id) for each in history for part in each.parts
        ),
        names=accounts.person_names(each.recorded_by for each in history),
        entries=entries,
        reversed=reversed_ids([each.id for each in entries]),
        queued=queued,
        entry=None if entry is None or _is_shut(entry.funding, shut) else entry,
        hidden=bool(shut),
        pair=queries.pairs_of(holder.id, [record]).get(line_id),
        dropped=event if event and event.event is LineEventKind.DROPPED else None,
        withdrawn=line_queries.is_withdrawn(record),
        match=match,
        received=match is not None and line_queries.is_recorded(match.id, receiving.evidence_of(record)),
        why_words=WHY_WORDS,
        outcome_words=OUTCOME_WORDS,
        may_post=may(Permission.POST_ENTRY, Scope(holder.area_id, holder.id)),
        may_match=may(Permission.MANAGE_PLAN, Scope(holder.area_id, holder.id)),
        may_rule=may(Permission.POST_ENTRY, Scope(holder.area_id, holder.id)),
    )


@bp.route("/ledger-lines/<int:line_id>/place", methods=["GET", "POST"])
@requires(Permission.POST_ENTRY, line_scope)
def place_line(line_id: int) -> ResponseReturnValue:
    record = line_queries.get_line(line_id)
    holder = accounts.get_holder(record.holder_id)
    form: Any = forms.LineForm()
    if request.method == "POST" and (used := once.result_of(form.once_key.data)):
        return redirect(used, 303)
    quarters = services.may_count_in(record)
    places = line_queries.places(holder.id, {each.fy for each in quarters}, shut_years(holder.id))
    standing = _standing(record)
    past = [When(record.fy, quarter) for quarter in QUARTERS if quarter >= record.quarter]
    form.offer(places, quarters, past, standing.belongs.outcome in _WAITS)
    rows = forms.PartsRows.sent(request.form)
    if request.method == "GET":
        form.seq.data = str(standing.seq)
        form.when.data = str(standing.belongs.fy * 10 + standing.belongs.quarter)
        form.do.data = "leave_out" if request.args.get("as") == "leave_out" else "place"
        form.reason.data = request.args.get("reason", "")[:250]
        form.not_eligible.data = forms.paid_for_nothing(standing.belongs.parts)
        rows = forms.PartsRows.standing(standing.belongs.parts if standing.belongs.outcome is Outcome.PLACED else ())
        queued = line_queries.find_queued(line_id)
        if queued and queued.why is WhyWaiting.OLD_YEAR:
            form.when.data = str((record.fy - 1) * 10 + 4)
            rows = _as_its_opposite(record, {value for value, _ in form.parts_choices})
    elif form.validate_on_submit():
        act = current_act()
        try:
            _do(act, holder, record, form, rows)
        except (Refused, ChangedMeanwhile) as refused:
            db.session.rollback()
            rows.error = refused.message if refused.field == "parts" else ""
            put_refusal(form, refused)
        else:
            return _done(form, act, line_id, "The line has its new place.")
    shares = sharing.sharings_of(holder.id, {each.fy for each in quarters}) if places.matches else {}
    return render_template(
        "finance/placing/place_line.html",
        form=form,
        rows=rows,
        line=line_queries.get_line(line_id),
        holder=accounts.get_holder(record.holder_id),
        standing=standing,
        sharing=[
            (each.title, shared.method)
            for each in places.fundings
            if (shared := shares.get((each.fy, each.intervention_id))) and shared.method is not SharingMethod.BY_LINE
        ],
    )


@bp.route("/ledger-lines/<int:line_id>/put-back", methods=["GET", "POST"])
@requires(Permission.POST_ENTRY, line_scope)
def put_line_back(line_id: int) -> ResponseReturnValue:
    record = line_queries.get_line(line_id)
    holder = accounts.get_holder(record.holder_id)
    form: Any = forms.PutBackForm()
    if request.method == "POST" and (used := once.result_of(form.once_key.data)):
        return redirect(used, 303)
    if request.method == "GET":
        form.seq.data = str(_standing(record).seq)
    gave_way = like.gave_way_words(like.what_gave_way(line_id))
    if form.validate_on_submit():
        act = current_act()
        try:
            services.put_back(act, holder, [record], form.reason.data, seq=_seq(form))
        except (Refused, ChangedMeanwhile) as refused:
            db.session.rollback()
            put_refusal(form, refused)
        else:
            return _done(form, act, line_id, f"The line waits again. {gave_way}".strip())
    return render_template(
        "finance/placing/put_back.html", form=form, line=line_queries.get_line(line_id), gave_way=gave_way
    )


@bp.route("/ledger-lines/<int:line_id>/settle", methods=["GET", "POST"])
@requires(Permission.POST_ENTRY, line_scope)
def settle_line(line_id: int) -> ResponseReturnValue:
    record = line_queries.get_line(line_id)
    holder = accounts.get_holder(record.holder_id)
    form: Any = forms.SettleForm()
    if request.method == "POST" and (used := once.result_of(form.once_key.data)):
        return redirect(used, 303)
    queued = line_queries.find_queued(line_id)
    if queued is None or queued.entry_id is None:
        raise NotFound("question")
    entry = finance.get_entry(queued.entry_id)
    refuse_shut_plans([(holder.id, entry.fy, entry.funding.intervention_id)])
    if request.method == "GET":
        form.seq.data = str(_standing(record).seq)
        form.same.data = {"yes": "yes", "no": "no"}.get(request.args.get("same", ""))
    if form.validate_on_submit():
        act = current_act()
        try:
            if form.same.data == "yes":
                settling.settle_with(act, holder, record, entry, seq=_seq(form))
                words = f"The line is placed, and entry {entry.seq} gave way to it."
            else:
                belongs = applying.another_cost(act, holder, record, seq=_seq(form))
                waits = belongs.outcome is Outcome.WAITING
                words = "The line is another cost. " + ("It waits to be placed." if waits else "A rule placed it.")
        except (Refused, ChangedMeanwhile) as refused:
            db.session.rollback()
            put_refusal(form, refused)
        else:
            return _done(form, act, line_id, words)
    return render_template(
        "finance/placing/settle.html",
        form=form,
        line=line_queries.get_line(line_id),
        entry=finance.get_entry(entry.id),
        holder=accounts.get_holder(record.holder_id),
    )


@bp.route("/ledger-lines/<int:line_id>/received", methods=["GET", "POST"])
@requires(Permission.MANAGE_PLAN, line_scope)
def record_received(line_id: int) -> ResponseReturnValue:
    """The cash of a match that a line shows, recorded as received with the line as its evidence."""
    record = line_queries.get_line(line_id)
    match = _income_match(line_queries.placements(line_id))
    if match is None:
        raise NotFound("match income")
    form: Any = forms.OnceForm()
    if request.method == "POST" and (used := once.result_of(form.once_key.data)):
        return redirect(used, 303)
    evidence, pence = receiving.evidence_of(record), -record.cost_pence
    if form.validate_on_submit():
        act = current_act()
        try:
            receiving.record_received(act, accounts.get_holder(record.holder_id), record)
        except Refused as refused:
            db.session.rollback()
            put_refusal(form, refused)
        else:
            return _done(form, act, line_id, f"{format_pounds(pence)} is recorded as received.")
    return render_template(
        "finance/placing/received.html",
        form=form,
        line=line_queries.get_line(line_id),
        match=match_queries.get_match(match.id),
        pence=pence,
        evidence=evidence,
    )


def _do(act: Act, holder: Holder, record: LedgerLine, form: Any, rows: forms.PartsRows) -> None:
    """One verb over the line. Raises Refused."""
    seq, reason = _seq(form), form.reason.data
    if form.do.data == "place":
        parts = rows.parts(record.cost_pence, (value for value, _ in form.parts_choices))
        ruled = form.rules(_standing(record).belongs.parts)
        services.split(act, holder, record, parts, when=form.counts_in(), reason=reason, not_eligible=ruled, seq=seq)
    elif form.do.data == "leave_out":
        services.leave_out(act, holder, [record], reason, seq=seq)
    elif form.do.data == "carry":
        past = forms.past_of(form)
        if past is None:
            raise Refused("Choose the return that goes on without it", field="past")
        services.carry(act, holder, [record], past, reason, seq=seq)
    elif form.do.data == "grant_income":
        services.income(act, holder, [record], None, reason=reason, seq=seq)
    else:
        _, match_id = forms.place_of(form.match.data)
        if match_id is None:
            raise Refused("Choose the match whose cash it is", field="match")
        services.income(act, holder, [record], match_queries.get_match(match_id), reason=reason, seq=seq)


def _as_its_opposite(record: LedgerLine, offered: Collection[str]) -> forms.PartsRows:
    """Where a line's opposite was placed, when that is one place that is offered: proposed for the line too."""
    pair = queries.pairs_of(record.holder_id, [record]).get(record.id)
    opposite = standing_of([line_queries.get_line(pair.line_id)])[pair.line_id].belongs if pair else None
    places = [forms.place_key(part) for part in opposite.parts] if opposite else []
    return forms.PartsRows([(places[0], "")] if len(places) == 1 and places[0] in offered else [])


def _done(form: Any, act: Act, line_id: int, words: str) -> ResponseReturnValue:
    address = url_for("finance.line", line_id=line_id)
    once.use_up(form.once_key.data, address, act)
    db.session.commit()
    flash(words, "success")
    return redirect(address, 303)


def _standing(record: LedgerLine) -> Standing:
    return standing_of([record])[record.id]


def _seq(form: Any) -> int | None:
    typed = form.seq.data or ""
    return int(typed) if typed.isascii() and typed.isdigit() else None


def _is_shut(funding: Any, shut: frozenset[tuple[int, int]]) -> bool:
    return (funding.fy, funding.intervention_id) in shut


def _income_match(history: Sequence[Placement]) -> Match | None:
    """The match whose cash the line is, as it stands."""
    if not history or history[0].outcome is not Outcome.MATCH_INCOME:
        return None
    match_id = next((part.match_id for part in history[0].parts), None)
    return match_queries.get_match(match_id) if match_id else None
