"""One reading of a ledger file on screen: what will happen, what has happened, taking in and withdrawing."""

from collections.abc import Sequence
from io import BytesIO
from typing import Any

from flask import flash, redirect, render_template, request, send_file, url_for
from flask.typing import ResponseReturnValue

from exports.marked_upload import marked_copy
from svd_tracker.accounts import queries as accounts
from svd_tracker.accounts.access import current_act, may, requires
from svd_tracker.accounts.permissions import Permission, Scope
from svd_tracker.act import Source
from svd_tracker.audit import once
from svd_tracker.calculations.placing import RuleOutcome
from svd_tracker.errors import NotAllowed, Refused
from svd_tracker.extensions import db
from svd_tracker.files import queries as files
from svd_tracker.files.models import Upload, UploadState
from svd_tracker.finance.blueprint import bp, get_upload, shut_years, upload_scope
from svd_tracker.finance.intake import background, forms, mappings, page_queries, receive, summary, uploads, withdraw
from svd_tracker.finance.intake.background import Verb, Work
from svd_tracker.finance.intake.summary import Share, Summary
from svd_tracker.finance.placing import like
from svd_tracker.finance.placing.book import standing_of
from svd_tracker.readers.ledger_lines import LineFinding, Severity
from svd_tracker.readers.table_file import UnreadableFile, open_table
from svd_tracker.web.fields import LARGEST_WHOLE_NUMBER

FINDINGS_SHOWN = 200
CHANGES_A_PAGE = 50
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


@bp.get("/uploads/<int:upload_id>")
@requires(Permission.VIEW_FINANCE, upload_scope)
def upload(upload_id: int) -> ResponseReturnValue:
    record = get_upload(upload_id)
    form = forms.TakeInForm()
    numbers = summary.summary_of(record)
    form.offer(_years(record, numbers))
    form.propose(record.covers_from, record.covers_to)
    return _page(record, form, numbers)


@bp.post("/uploads/<int:upload_id>")
@requires(Permission.POST_ENTRY, upload_scope)
def take_in(upload_id: int) -> ResponseReturnValue:
    record = get_upload(upload_id)
    form: Any = forms.TakeInForm()
    numbers = summary.summary_of(record)
    form.offer(_years(record, numbers))
    if not form.validate_on_submit():
        return _page(record, form, numbers)
    file_id, sha256, holder_id = record.file_id, record.file.sha256, record.holder_id
    try:
        if record.state is not UploadState.READ or record.mapping_id is None:
            raise Refused("This file does not wait to be taken in. Send it again")
        if page_queries.newest_reading(file_id) != upload_id:
            raise Refused("This file was read again since, perhaps by other columns. Take in its newest reading")
        work = Work(Verb.TAKE_IN, holder_id, file_id, record.mapping_id, form.covers)
        taken = background.do(current_act(Source.IMPORT), work)
    except Refused as refused:
        db.session.rollback()
        done = receive.find_taken_in(holder_id, sha256)
        if done is not None:  # a double click, or somebody else was quicker
            return redirect(url_for("finance.upload", upload_id=done.id), 303)
        if is_read_now(file_id):
            return redirect(url_for("finance.ledger_file_progress", file_id=file_id), 303)
        form.form_errors.append(refused.message)
        return _page(get_upload(upload_id), form, numbers)
    if taken is None:
        return redirect(url_for("finance.ledger_file_progress", file_id=file_id), 303)
    address = url_for("finance.upload", upload_id=taken.id)
    db.session.commit()
    return redirect(address, 303)


@bp.get("/uploads/<int:upload_id>/changed")
@requires(Permission.VIEW_FINANCE, upload_scope)
def changed_lines(upload_id: int) -> ResponseReturnValue:
    """What earlier files had in the months and cost centres of this one, and it no longer has."""
    record = get_upload(upload_id)
    after = min(max(request.args.get("after", 0, int), 0), LARGEST_WHOLE_NUMBER)
    found = uploads.changed_lines(record, CHANGES_A_PAGE + 1, after)
    shown = found[:CHANGES_A_PAGE]
    lines = [line for each in shown for line in (each.line, each.instead) if line is not None]
    standing = standing_of(lines)
    paid = {line_id: {part.funding_id for part in now.belongs.parts} for line_id, now in standing.items()}
    fundings = page_queries.fundings_by_id({each for ids in paid.values() for each in ids if each})
    years = shut_years(record.holder_id)
    shut = {each.id for each in fundings.values() if (each.fy, each.intervention_id) in years}
    return render_template(
        "finance/intake/changed.html",
        upload=record,
        holder=accounts.get_holder(record.holder_id),
        changes=shown,
        standing=standing,
        fundings=fundings,
        shut={line_id for line_id, ids in paid.items() if ids & shut},
        numbers=summary.summary_of(record),
        more=shown[-1].line.id if len(found) > CHANGES_A_PAGE else None,
        after=after,
    )


@bp.get("/uploads/<int:upload_id>/download-marked")
@requires(Permission.VIEW_FINANCE, upload_scope)
def marked_upload(upload_id: int) -> ResponseReturnValue:
    """The file as XLSX with what is wrong marked at the cells."""
    record = _whole_file(upload_id)
    found = [
        LineFinding(Severity(each.severity), each.code, each.row_no, each.column_no, each.column_name, each.message)
        for each in summary.findings_of(record)
    ]
    content = files.content_of(record.file)
    try:
        copy = marked_copy(open_table(content, record.file.name).rows(record.sheet), found, record.file.name)
    except UnreadableFile as error:
        raise Refused(str(error)) from error
    name = f"{record.file.name.rpartition('.')[0] or record.file.name} marked.xlsx"
    return send_file(BytesIO(copy), mimetype=XLSX, as_attachment=True, download_name=name)


@bp.get("/uploads/<int:upload_id>/file")
@requires(Permission.VIEW_FINANCE, upload_scope)
def upload_file(upload_id: int) -> ResponseReturnValue:
    """The file as it was received, checked against its SHA-256."""
    file = _whole_file(upload_id).file
    return send_file(
        BytesIO(files.content_of(file)), mimetype=file.media_type, as_attachment=True, download_name=file.name
    )


@bp.route("/uploads/<int:upload_id>/withdraw", methods=["GET", "POST"])
@requires(Permission.POST_ENTRY, upload_scope)
def withdraw_upload(upload_id: int) -> ResponseReturnValue:
    record = get_upload(upload_id)
    if request.method == "GET" and (record.state is not UploadState.TAKEN_IN or withdraw.withdrawal_of(record)):
        return redirect(url_for("finance.upload", upload_id=upload_id), 303)  # there is nothing to withdraw
    form: Any = forms.WithdrawForm()
    gave_way = like.gave_way_words(like.what_gave_way_to_file(upload_id), shut_years(record.holder_id))
    if form.validate_on_submit():
        act = current_act(Source.IMPORT)
        address = url_for("finance.upload", upload_id=upload_id)
        try:
            withdraw.withdraw(act, record, form.reason.data)
        except Refused as refused:
            db.session.rollback()
            forms.put_problem(form, refused.field, refused.message)
        else:
            once.use_up(form.once_key.data, address, act)
            db.session.commit()
            if gave_way:
                flash(gave_way, "success")
            return redirect(address, 303)
    record = get_upload(upload_id)
    return render_template(
        "finance/intake/withdraw.html",
        form=form,
        upload=record,
        holder=accounts.get_holder(record.holder_id),
        first=withdraw.in_the_way(record),
        gave_way=gave_way,
    )


def _whole_file(upload_id: int) -> Upload:
    """For those who may see every line. Raises NotAllowed for somebody whom an interest shuts any funding."""
    record = get_upload(upload_id)
    if shut_years(record.holder_id):
        raise NotAllowed(
            "You declared an interest in something that this ledger pays for: the file is not shown to you"
        )
    return record


def is_read_now(file_id: int) -> bool:
    """Whether a long file is at work in the background, as far as its row says."""
    progress = background.progress_of(file_id)
    return progress is not None and progress.upload_id is None and progress.refusal is None


def _page(record: Upload, form: Any, numbers: Summary) -> ResponseReturnValue:
    """The check page of what was only read, and what has happened with what was taken in."""
    holder = accounts.get_holder(record.holder_id)
    found = page_queries.readings(record.file_id)
    taken_in = record.state is UploadState.TAKEN_IN
    later = None if taken_in else receive.find_taken_in(record.holder_id, record.file.sha256)
    counts = summary.count_findings(record)
    shut = {intervention_id for _, intervention_id in shut_years(holder.id)}
    shares, hidden = _shares(numbers.shares, shut)
    mapping = mappings.get_mapping(record.mapping_id) if record.mapping_id else None
    return render_template(
        "finance/intake/upload.html" if taken_in else "finance/intake/check.html",
        form=form,
        upload=record,
        holder=holder,
        numbers=numbers,
        shares=shares,
        hidden=hidden,
        shut=bool(shut),
        by_outcome=_by_outcome(numbers.shares),
        findings=summary.findings_of(record, FINDINGS_SHOWN),
        errors=counts.get("error", 0),
        warnings=counts.get("warning", 0),
        mapping=mapping,
        later=later,
        later_who=accounts.person_names([later.recorded_by])[later.recorded_by] if later else None,
        newest=found[0].upload,
        waiting=page_queries.waiting_of(record.id) if taken_in else None,
        withdrawal=withdraw.withdrawal_of(record) if taken_in else None,
        first=withdraw.in_the_way(record) if taken_in else None,
        since=page_queries.dropped_by_later(record.id) if taken_in else {},
        history=page_queries.history_of(record.file, found),
        covers=forms.covers_words(record.covers_from, record.covers_to),
        may_post=may(Permission.POST_ENTRY, Scope(holder.area_id, holder.id)),
    )


def _shares(shares: Sequence[Share], shut: set[int]) -> tuple[list[dict[str, Any]], bool]:
    """Where the lines go, each with its rule, and whether an interest hides any amount of them."""
    outcomes = page_queries.outcomes_of({each.rule_id for each in shares if each.rule_id})
    listed = []
    for share in shares:
        rule, outcome = outcomes.get(share.rule_id or 0, (None, None))
        hidden = bool(shut) and share.outcome == "placed" and (outcome is None or _reaches(outcome, shut))
        listed.append({"share": share, "rule": rule, "hidden": hidden})
    return listed, any(each["hidden"] for each in listed)


def _by_outcome(shares: Sequence[Share]) -> dict[str, int]:
    """New lines that are placed, that wait, and that are neither."""
    placed, waiting = (sum(each.lines for each in shares if each.outcome == name) for name in ("placed", "waiting"))
    return {"placed": placed, "waiting": waiting, "other": sum(each.lines for each in shares) - placed - waiting}


def _reaches(outcome: RuleOutcome, interventions: set[int]) -> bool:
    return any(part.intervention_id in interventions for part in outcome.parts)


def _years(record: Upload, numbers: Summary) -> list[int]:
    """The years that the file may speak for: those of its lines, or of its reading's day."""
    years = {key // 100 for key in numbers.periods}
    years |= {key // 100 for key in (record.covers_from, record.covers_to) if key}
    return sorted(years)
