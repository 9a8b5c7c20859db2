"""Pages of a plan line's match: promises, what became of them, and the files that show it."""

from collections.abc import Sequence

from flask import flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from svd_tracker.accounts import queries as accounts
from svd_tracker.accounts import services as accounts_services
from svd_tracker.accounts.access import may, requires, today
from svd_tracker.accounts.models import Organisation
from svd_tracker.accounts.permissions import Permission
from svd_tracker.act import Act
from svd_tracker.audit import once
from svd_tracker.calculations.match import AFTER, BEFORE
from svd_tracker.delivery.blueprint import bp, done_once, plan_line_scope
from svd_tracker.delivery.forms import MatchEventForm, PromiseForm
from svd_tracker.errors import NotFound, Refused
from svd_tracker.files import evidence
from svd_tracker.files.models import FileLink
from svd_tracker.files.queries import content_of
from svd_tracker.finance import match_queries, match_services
from svd_tracker.finance.evidence import MATCH_EVENT, attach_to_match, take_from_match
from svd_tracker.finance.forms import EvidenceForm, TakeAwayForm
from svd_tracker.finance.models import Match, MatchEvent, MatchKind, MatchStage
from svd_tracker.finance.placing.line_queries import income_of_match
from svd_tracker.interventions.models import PlanLine
from svd_tracker.interventions.queries import get_plan_line
from svd_tracker.money import MINUS, format_pounds
from svd_tracker.periods import QUARTERS, format_date
from svd_tracker.readers.text_safe import Money, write_csv
from svd_tracker.web.downloads import csv_answer, file_answer
from svd_tracker.web.history import HistoryLine


@bp.get("/match/<int:match_id>")
@requires(Permission.VIEW_PLAN, plan_line_scope)
def match(plan_line_id: int, match_id: int) -> ResponseReturnValue:
    found, scope = _match(plan_line_id, match_id), plan_line_scope(plan_line_id)
    events = match_queries.match_history(match_id)
    income = income_of_match(match_id) if found.kind is MatchKind.CASH else []
    return render_template(
        "delivery/match.html",
        match=found,
        plan_line=found.plan_line,
        now=next(now for now in match_queries.match_of_plan_line(plan_line_id) if now.match_id == match_id),
        stages=match_queries.stage_rows(found.plan_line, match_id),
        events=events,
        income=income,
        recorded={one.line_id for one in income if any(_is_of_line(event, one.line_id) for event in events)},
        files=evidence.links_of(MATCH_EVENT, [event.event_id for event in events]),
        event_words=_match_words,
        history=[HistoryLine(event.at, event.who, _match_words(event)) for event in events],
        may_manage=may(Permission.MANAGE_PLAN, scope),
        may_open=may(Permission.VIEW_FINANCE, scope),
    )


@bp.route("/match/new", methods=["GET", "POST"])
@requires(Permission.MANAGE_PLAN, plan_line_scope)
def new_match(plan_line_id: int) -> ResponseReturnValue:
    plan_line = get_plan_line(plan_line_id)
    form = PromiseForm(happened_on=today())
    organisations = accounts.list_organisations(plan_line.holder.area_id)
    form.organisation.choices = [("", "Choose an organisation"), *((str(each.id), each.name) for each in organisations)]

    def promise(act: Act) -> str:
        added = match_services.promise(
            act,
            plan_line,
            _organisation(form, plan_line, organisations, act),
            MatchKind(form.kind.data),
            form.title.data or "",
            form.pence.data,
            form.happened_on.data,
            form.evidence.data or "",
        )
        flash("The promise is recorded.", "success")
        return url_for("delivery.match", plan_line_id=plan_line_id, match_id=added.id)

    return done_once(form, promise) or render_template("delivery/new_match.html", form=form, plan_line=plan_line)


@bp.route("/match/<int:match_id>/events/new", methods=["GET", "POST"])
@requires(Permission.MANAGE_PLAN, plan_line_scope)
def new_match_event(plan_line_id: int, match_id: int) -> ResponseReturnValue:
    found = _match(plan_line_id, match_id)
    form = MatchEventForm(happened_on=today())
    form.offer(found)

    def add(act: Act) -> str:
        event = match_services.add_event(
            act,
            found,
            MatchStage(form.stage.data),
            form.pence.data,
            form.happened_on.data,
            form.evidence.data or "",
            form.hours_hundredths,
            form.rate.data if "rate" in form else None,
            price_list=(form.price_list.data or "") if "price_list" in form else "",
        )
        if form.file.data:
            attach_to_match(act, event, form.file.data.filename or "", form.file.data.read())
        words = f"{format_pounds(abs(event.pence))} {'taken off' if event.pence < 0 else 'recorded'}"
        flash(f"{words} as {event.stage.value}.", "success")
        return url_for("delivery.match", plan_line_id=plan_line_id, match_id=match_id)

    return done_once(form, add) or render_template(
        "delivery/new_match_event.html", form=form, match=found, plan_line=found.plan_line
    )


@bp.get("/match/download")
@requires(Permission.VIEW_PLAN, plan_line_scope)
def match_csv(plan_line_id: int) -> ResponseReturnValue:
    plan_line = get_plan_line(plan_line_id)
    columns = [("Before the year", BEFORE), *((f"Q{quarter}", quarter) for quarter in QUARTERS), ("After it", AFTER)]
    content = write_csv(
        ["Partner", "Kind", "What for", "Stage", *(words for words, _ in columns), "Total"],
        (
            [
                row.organisation,
                row.kind.label,
                row.title,
                row.stage.value.capitalize(),
                *(Money(row.by_quarter.get(key, 0)) for _, key in columns),
                Money(row.total),
            ]
            for row in match_queries.stage_rows(plan_line)
        ),
    )
    return csv_answer(content, f"match {plan_line.intervention.ref} {plan_line.fy}.csv")


@bp.route("/match/<int:match_id>/events/<int:event_id>/files/new", methods=["GET", "POST"])
@requires(Permission.MANAGE_PLAN, plan_line_scope)
def attach_file(plan_line_id: int, match_id: int, event_id: int) -> ResponseReturnValue:
    found, event = _event(plan_line_id, match_id, event_id)
    form = EvidenceForm()
    address = url_for("delivery.match", plan_line_id=plan_line_id, match_id=match_id)

    def attach(act: Act) -> str:
        sent = form.file.data
        if not sent:
            raise Refused("Select a file", field="file")
        link = attach_to_match(act, event, sent.filename or "", sent.read(), form.note.data or "")
        flash(f"{link.file.name} is kept.", "success")
        return address

    return done_once(form, attach) or render_template(
        "delivery/attach_file.html", form=form, match=found, event=event, plan_line=found.plan_line
    )


@bp.get("/match/<int:match_id>/events/<int:event_id>/files/<int:link_id>")
@requires(Permission.VIEW_FINANCE, plan_line_scope)
def evidence_file(plan_line_id: int, match_id: int, event_id: int, link_id: int) -> ResponseReturnValue:
    """To save, never to show: what people send is not opened inside these pages."""
    _event(plan_line_id, match_id, event_id)
    file = _link(event_id, link_id).file
    return file_answer(content_of(file), file.name, file.media_type)


@bp.route("/match/<int:match_id>/events/<int:event_id>/files/<int:link_id>/take-away", methods=["GET", "POST"])
@requires(Permission.MANAGE_PLAN, plan_line_scope)
def take_file_away(plan_line_id: int, match_id: int, event_id: int, link_id: int) -> ResponseReturnValue:
    found, event = _event(plan_line_id, match_id, event_id)
    form = TakeAwayForm()
    address = url_for("delivery.match", plan_line_id=plan_line_id, match_id=match_id)
    if form.is_submitted() and (led := once.result_of(form.once_key.data)):
        return redirect(led, 303)
    link = _link(event_id, link_id)

    def take(act: Act) -> str:
        take_from_match(act, event, link, form.reason.data or "")
        flash("The file is taken away.", "success")
        return address

    return done_once(form, take) or render_template(
        "delivery/take_file_away.html", form=form, match=found, link=link, plan_line=found.plan_line, cancel_url=address
    )


def _event(plan_line_id: int, match_id: int, event_id: int) -> tuple[Match, MatchEvent]:
    found, event = _match(plan_line_id, match_id), match_queries.get_event(event_id)
    if event.match_id != match_id:
        raise NotFound("match event")
    return found, event


def _link(event_id: int, link_id: int) -> FileLink:
    link = evidence.get_link(link_id, MATCH_EVENT)
    if link.subject_id != event_id:
        raise NotFound("file")
    return link


def _organisation(form: PromiseForm, plan_line: PlanLine, listed: Sequence[Organisation], act: Act) -> Organisation:
    for each in listed:
        if str(each.id) == form.organisation.data:
            return each
    return accounts_services.add_organisation(plan_line.holder.area_id, form.other.data or "", act)


def _match(plan_line_id: int, match_id: int) -> Match:
    found = match_queries.get_match(match_id)
    if found.plan_line_id != plan_line_id:
        raise NotFound("match")
    return found


def _is_of_line(event: match_queries.MatchLine, line_id: int) -> bool:
    """Whether the evidence is what finance.record_received writes of this line of the ledger."""
    return event.evidence.endswith(f"(line {line_id})")


def _match_words(event: match_queries.MatchLine) -> str:
    verb = "Correction of what was" if event.pence < 0 else ""
    words = f"{verb} {event.stage.value}".strip().capitalize()
    time = ""
    if event.hours_hundredths is not None and event.rate_pence is not None:
        time = f" ({format_hours(event.hours_hundredths)} hours at {format_pounds(event.rate_pence)})"
    shown = f": {event.evidence}" if event.evidence else ""
    return f"{words}: {format_pounds(event.pence)}{time} on {format_date(event.happened_on)}{shown}"


def format_hours(hundredths: int) -> str:
    """750 as "7.5"."""
    whole, rest = divmod(abs(hundredths), 100)
    sign = MINUS if hundredths < 0 else ""
    return sign + f"{whole:,}.{rest:02d}".rstrip("0").rstrip(".")
