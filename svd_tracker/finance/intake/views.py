"""Ledger files on screen: sending one, saying which column is what, watching a long one being read."""

from typing import Any

from flask import Response, flash, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from svd_tracker.accounts import queries as accounts
from svd_tracker.accounts.access import current_act, may, now, requires, today
from svd_tracker.accounts.models import Holder
from svd_tracker.accounts.permissions import Permission, Scope
from svd_tracker.act import Source
from svd_tracker.audit import once
from svd_tracker.errors import Refused
from svd_tracker.extensions import db
from svd_tracker.files import queries as files
from svd_tracker.files.models import StoredFile
from svd_tracker.finance.blueprint import bp, holder_scope, ledger_file_scope, shut_years
from svd_tracker.finance.intake import (
    background,
    forms,
    mappings,
    page_queries,
    receive,
    upload_views,
)
from svd_tracker.finance.intake.background import Verb, Work
from svd_tracker.finance.intake.beginning import Beginning, begin, known_mapping
from svd_tracker.finance.intake.models import LedgerMapping
from svd_tracker.periods import fy_of
from svd_tracker.readers.ledger_layout import FIELDS, Layout, advice, guess, problems
from svd_tracker.readers.table_file import Table, UnreadableFile, open_table
from svd_tracker.web.fields import LARGEST_WHOLE_NUMBER

LOOK_AGAIN_SECONDS = 4


@bp.get("/finance/<int:holder_id>/import")
@requires(Permission.VIEW_FINANCE, holder_scope)
def import_file(holder_id: int) -> ResponseReturnValue:
    return _import_page(accounts.get_holder(holder_id), forms.ReceiveForm())


@bp.post("/finance/<int:holder_id>/import")
@requires(Permission.POST_ENTRY, holder_scope)
def receive_file(holder_id: int) -> ResponseReturnValue:
    holder = accounts.get_holder(holder_id)
    form: Any = forms.ReceiveForm()
    if not form.validate_on_submit():
        return _import_page(holder, form)
    act, sent = current_act(Source.IMPORT), form.file.data
    try:
        if not sent:
            raise Refused("Select a file", field="file")
        file = receive.receive_file(act, holder, sent.filename or "ledger", sent.read())
        taken = receive.find_taken_in(holder_id, file.sha256)
        if taken is not None:  # the very same bytes need not be kept twice
            db.session.rollback()
            flash("These very bytes were taken in already, so nothing more was done. This is that file.", "important")
            return redirect(url_for("finance.upload", upload_id=taken.id), 303)
        once.use_up(form.once_key.data, url_for("finance.ledger_file", file_id=file.id), act)
        db.session.commit()
        mapping = known_mapping(holder_id, _table(file))
        if mapping is None:
            return redirect(url_for("finance.columns", file_id=file.id), 303)
        return _check(file, mapping)
    except Refused as refused:
        db.session.rollback()
        form.file.errors = [refused.message]
        return _import_page(holder, form)


@bp.get("/ledger-files/<int:file_id>")
@requires(Permission.VIEW_FINANCE, ledger_file_scope)
def ledger_file(file_id: int) -> ResponseReturnValue:
    """Leads to where the file has come to."""
    file = page_queries.get_file(file_id)
    progress = background.progress_of(file_id)
    if progress is not None and progress.upload_id is None:  # it goes on, has died, or was refused
        return redirect(url_for("finance.ledger_file_progress", file_id=file_id), 303)
    found = page_queries.readings(file_id)
    if found and found[0].upload:
        return redirect(url_for("finance.upload", upload_id=found[0].upload.id), 303)
    if _may_post(accounts.get_holder(file.holder_id or 0)):
        return redirect(url_for("finance.columns", file_id=file_id), 303)
    return redirect(url_for("finance.import_file", holder_id=file.holder_id), 303)


@bp.route("/ledger-files/<int:file_id>/columns", methods=["GET", "POST"])
@requires(Permission.POST_ENTRY, ledger_file_scope)
def columns(file_id: int) -> ResponseReturnValue:
    file = page_queries.get_file(file_id)
    holder = accounts.get_holder(file.holder_id or 0)
    form: Any = forms.ColumnsForm()
    known = _mapping_of(file)
    try:
        table = _table(file)
        first = _beginning(table, form, mappings.layout_of(known) if known else None)
    except Refused as refused:
        form.offer((), ())
        form.form_errors.append(refused.message)
        return render_template("finance/intake/columns.html", **_columns_page(file, holder, form, None, known))
    form.offer(first.found.headings, table.sheets)
    done = _columns_sent(file, holder, form, first) if request.method == "POST" else None
    if done is not None:
        return done
    return render_template("finance/intake/columns.html", **_columns_page(file, holder, form, first, known))


@bp.get("/ledger-files/<int:file_id>/progress")
@requires(Permission.VIEW_FINANCE, ledger_file_scope)
def ledger_file_progress(file_id: int) -> ResponseReturnValue:
    file = page_queries.get_file(file_id)
    progress = background.progress_of(file_id)
    if progress is None or progress.upload_id is not None:
        return redirect(url_for("finance.ledger_file", file_id=file_id), 303)
    dead = background.has_died(progress, now())
    holder = accounts.get_holder(file.holder_id or 0)
    refresh = 0 if dead or progress.refusal else LOOK_AGAIN_SECONDS
    page: Response = make_response(
        render_template(
            "finance/intake/progress.html",
            file=file,
            holder=holder,
            progress=progress,
            refusal=progress.refusal,
            dead=dead,
            refresh=refresh,
            form=forms.AgainForm(),
            may_post=_may_post(holder),
        )
    )
    if refresh:
        page.headers["Refresh"] = str(refresh)  # nothing is typed on this page that a look could lose
    return page


@bp.post("/ledger-files/<int:file_id>/progress")
@requires(Permission.POST_ENTRY, ledger_file_scope)
def begin_again(file_id: int) -> ResponseReturnValue:
    """Checks the file anew: whatever stopped, nothing of it was taken in."""
    file = page_queries.get_file(file_id)
    form: Any = forms.AgainForm()
    mapping = _mapping_of(file)
    if not form.validate_on_submit():
        return redirect(url_for("finance.ledger_file_progress", file_id=file_id), 303)
    if mapping is None:
        return redirect(url_for("finance.columns", file_id=file_id), 303)
    try:
        return _check(file, mapping)
    except Refused as refused:
        db.session.rollback()
        flash(refused.message, "important")
        return redirect(url_for("finance.import_file", holder_id=file.holder_id), 303)


def _columns_sent(file: StoredFile, holder: Holder, form: Any, first: Beginning) -> ResponseReturnValue | None:
    """Puts errors at the fields, or keeps the layout and has the file checked by it. None: the page is shown again."""
    if form.headings.data != first.found_digest:
        return None  # another sheet was asked for: what was chosen is of the one before
    saving = "save" in request.form
    good = form.validate() if saving else True
    layout = form.layout(first.found.headings, first.sheet)
    for field, words in problems(layout):
        forms.put_problem(form, field, words)
        good = False
    if not saving or not good:
        return None
    try:
        mapping = mappings.save_mapping(current_act(Source.IMPORT), holder, form.name.data, layout)
        db.session.commit()
        return _check(file, mapping)
    except Refused as refused:
        db.session.rollback()
        forms.put_problem(form, refused.field, refused.message)
    return None


def _check(file: StoredFile, mapping: LedgerMapping) -> ResponseReturnValue:
    """Check a kept file now, or start it; leads to what comes of it. Raises Refused."""
    act, file_id = current_act(Source.IMPORT), file.id
    try:
        upload = background.do(act, Work(Verb.CHECK, mapping.holder_id, file_id, mapping.id))
    except Refused:
        if not upload_views.is_read_now(file_id):
            raise
        upload = None
    if upload is None:
        return redirect(url_for("finance.ledger_file_progress", file_id=file_id), 303)
    address = url_for("finance.upload", upload_id=upload.id)
    db.session.commit()
    return redirect(address, 303)


def _mapping_of(file: StoredFile) -> LedgerMapping | None:
    """How a file was read last, or how one with its headings is known to be read."""
    for each in page_queries.readings(file.id):
        if each.upload and each.upload.mapping_id:
            return mappings.get_mapping(each.upload.mapping_id)
    return known_mapping(file.holder_id or 0, _table(file))


def _table(file: StoredFile) -> Table:
    try:
        return open_table(files.content_of(file), file.name)
    except UnreadableFile as error:
        raise Refused(str(error), field="file") from error


def _beginning(table: Table, form: Any, known: Layout | None) -> Beginning:
    """The first rows of the sheet that was asked for, or else of the one that was read last."""
    asked = form.sheet.data if request.method == "POST" else known.sheet if known else None
    sheet = asked if asked in table.sheets and len(table.sheets) > 1 else None
    form.sheet.data = sheet or (table.sheets[0] if table.sheets else None)
    try:
        return begin(table, sheet)
    except UnreadableFile as error:
        raise Refused(str(error), field="sheet") from error


def _columns_page(
    file: StoredFile, holder: Holder, form: Any, first: Beginning | None, known: LedgerMapping | None
) -> dict[str, Any]:
    page: dict[str, Any] = {
        "file": file, "holder": holder, "form": form, "found": None, "known": known.name if known else None,
        "why": {}, "guessed": {}, "seen": {}, "doubts": (), "sample": None, "shut": bool(shut_years(holder.id)),
        "address": url_for("finance.columns", file_id=file.id),
    }  # fmt: skip
    if first is None:
        return page
    guessed = guess(first.found.headings, first.found.sample)
    before = mappings.layout_of(known) if known else None
    if before and before.headings_digest != first.found_digest:
        before = None
    if form.headings.data != first.found_digest:  # nothing was chosen yet of these headings
        form.headings.data = first.found_digest
        form.show(before or Layout(first.found.headings, guessed.columns))
        form.name.data = form.name.data or (known.name if known else "")
        if before is None:
            form.vat_in_net.data = None
    layout = form.layout(first.found.headings, first.sheet)
    page |= {
        "found": first.found,
        "guessed": guessed.columns,
        "doubts": [*guessed.doubts, *(words for _, words in advice(layout))],
    }
    if page["shut"]:
        return page  # which lines are of what an interest shuts is not known before they are placed
    page |= {"why": guessed.why, "seen": first.seen(layout)}
    if not problems(layout):
        try:
            page["sample"] = first.sample(layout)
        except UnreadableFile as error:
            form.form_errors.append(str(error))
    return page


def _import_page(holder: Holder, form: Any) -> ResponseReturnValue:
    day = today()
    fy, month = fy_of(day), (day.month - 4) % 12 + 1
    page = max(1, min(request.args.get("page", 1, int), LARGEST_WHOLE_NUMBER // page_queries.FILES_A_PAGE))
    found, pages = page_queries.list_files(holder.id, page)
    years = [fy] if month > 3 else [fy, fy - 1]  # the old year's last lines come in the first quarter of the new
    return render_template(
        "finance/intake/import.html",
        form=form,
        holder=holder,
        fy=fy,
        headings_known=list(FIELDS.values()),
        month_names=list(forms.MONTHS),
        loaded=[
            (year, _months(page_queries.months_loaded(holder.id, year), month if year == fy else 13)) for year in years
        ],
        files=found,
        names=accounts.person_names((each.upload or each.file).recorded_by for each in found),
        page=page,
        pages=pages,
        address=lambda number: url_for("finance.import_file", holder_id=holder.id, page=number),
        hide_totals=bool(shut_years(holder.id)),
        covers_words=forms.covers_words,
        may_post=_may_post(holder),
    )


def _months(loaded: Any, this_month: int) -> list[dict[str, Any]]:
    return [{"upload_id": loaded.get(period), "over": period < this_month} for period in range(1, 13)]


def _may_post(holder: Holder) -> bool:
    return may(Permission.POST_ENTRY, Scope(holder.area_id, holder.id))
