"""The queue on screen: the lines that wait, many of them placed in one go, and that undone."""

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import Row

from svd_tracker.accounts import queries as accounts
from svd_tracker.accounts.access import current_access, current_act, holder_names, may, requires
from svd_tracker.accounts.models import Holder
from svd_tracker.accounts.permissions import Access, Permission, Scope
from svd_tracker.act import Act
from svd_tracker.audit import once
from svd_tracker.errors import Refused
from svd_tracker.extensions import db
from svd_tracker.finance import match_queries
from svd_tracker.finance import queries as finance
from svd_tracker.finance.blueprint import bp, holder_scope, shut_years
from svd_tracker.finance.forms import put_refusal
from svd_tracker.finance.intake.models import LedgerLine, Outcome, PlacementRule, WhyWaiting
from svd_tracker.finance.ledger import lock_ledger
from svd_tracker.finance.placing import forms, line_queries, queries, rules_store, services
from svd_tracker.finance.placing.book import Standing, standing_of
from svd_tracker.finance.placing.line_queries import Places
from svd_tracker.finance.placing.queries import QuarterWaits, QueueFilter
from svd_tracker.finance.placing.services import When
from svd_tracker.finance.placing.words import OUTCOME_WORDS, WHY_WORDS
from svd_tracker.interventions import queries as interventions
from svd_tracker.money import format_pounds
from svd_tracker.periods import QUARTERS, quarter_short
from svd_tracker.readers.text_safe import CsvCell, Money, write_csv
from svd_tracker.web import navigation
from svd_tracker.web.downloads import csv_answer
from svd_tracker.web.fields import LARGEST_WHOLE_NUMBER
from svd_tracker.web.navigation import WorkItem

MOST_UNDONE = 1_000
MOST_NAMED = 4
_HIDDEN_HINT = "Not shown: you declared an interest"


@bp.get("/finance/<int:holder_id>/queue")
@requires(Permission.VIEW_FINANCE, holder_scope)
def queue(holder_id: int) -> ResponseReturnValue:
    return _page(accounts.get_holder(holder_id), forms.QueueForm(), frozenset())


@bp.post("/finance/<int:holder_id>/queue")
@requires(Permission.POST_ENTRY, holder_scope)
def place_lines(holder_id: int) -> ResponseReturnValue:
    holder = accounts.get_holder(holder_id)
    form: Any = forms.QueueForm()
    if used := once.result_of(form.once_key.data):
        return redirect(used, 303)
    quarters = queries.waiting_by_quarter(holder_id)
    places = _places(holder_id, quarters)
    form.offer(places, _pasts(quarters))
    pair = [number for text in request.form.get("pair", "").split("-") if (number := _number(text))]
    chosen = frozenset(number for text in request.form.getlist("lines") if (number := _number(text)))
    if not pair and not form.validate_on_submit():
        return _page(holder, form, chosen)
    act = current_act()
    lock_ledger(holder_id)
    before = line_queries.newest_placement_id()
    try:
        if pair:
            _leave_pair_out(act, holder, pair)
        else:
            lines = queries.queued_lines(holder_id, chosen)
            if len(lines) < len(chosen):
                raise Refused("Somebody placed some of the chosen lines meanwhile. Look at what is left")
            _do(act, holder, form, lines)
    except Refused as refused:
        db.session.rollback()
        if not pair and form.do.data == "carry" and refused.field == "reason":
            refused = Refused(refused.message, field="carry_reason")
        put_refusal(form, refused)
        return _page(accounts.get_holder(holder_id), form, chosen)
    done = f"{before + 1}-{line_queries.newest_placement_id()}"
    address = url_for("finance.queue", holder_id=holder_id, **_asked(_filter()), done=done)
    once.use_up(form.once_key.data, address[:250], act)
    db.session.commit()
    return redirect(address, 303)


@bp.post("/finance/<int:holder_id>/queue/undo")
@requires(Permission.POST_ENTRY, holder_scope)
def undo_placing(holder_id: int) -> ResponseReturnValue:
    holder = accounts.get_holder(holder_id)
    act = current_act()
    lock_ledger(holder_id)
    done = request.form.get("done", "")
    written = _done_lines(holder_id, done)
    standing = standing_of(written)
    lines = [line for line in written if _stands_as_done(standing[line.id], done)]
    since = len(written) - len(lines)
    address = url_for("finance.queue", holder_id=holder_id)
    try:
        if not lines:
            raise Refused("Nothing is undone: these lines were placed or put back since. Look at where they are now")
        if len(lines) > MOST_UNDONE:
            raise Refused("These are too many to undo at once: put them back from their own pages")
        services.put_back(act, holder, lines, "Undone")
    except Refused as refused:
        db.session.rollback()
        flash(refused.message, "error")
        return redirect(address, 303)
    db.session.commit()
    words = f"{_count(len(lines))} put back: {'it waits' if len(lines) == 1 else 'they wait'} again."
    if since:
        words += (
            f" {_count(since)} {'was' if since == 1 else 'were'} placed since and {'stays' if since == 1 else 'stay'}."
        )
    flash(words, "success")
    return redirect(address, 303)


@bp.get("/finance/<int:holder_id>/queue/download")
@requires(Permission.VIEW_FINANCE, holder_scope)
def queue_csv(holder_id: int) -> ResponseReturnValue:
    holder = accounts.get_holder(holder_id)
    hidden = _hidden_words(holder_id)
    rows = (_csv_row(each, hidden) for each in queries.all_queued(holder_id, _filter()))
    headings = [
        "Year", "Quarter", "Date", "Document", "Cost centre", "Account", "Project", "Supplier", "Description",
        "Amount", "Irrecoverable VAT inside", "Why it waits", "Hint", "Carried past", "File", "Row",
    ]  # fmt: skip
    return csv_answer(write_csv(headings, rows), f"waiting lines {holder.ref}.csv")


@navigation.add_work
def _work(access: Access, day: dt.date) -> Iterator[WorkItem]:
    """Ledger lines that wait to be placed."""
    reached = access.holder_ids(Permission.POST_ENTRY)
    if not reached:
        return
    names = holder_names(reached)
    for holder_id, (lines, pence) in queries.waiting_of(reached).items():
        verb = "waits" if lines == 1 else "wait"
        yield WorkItem(
            f"{names[holder_id]}: {lines:,} ledger {'line' if lines == 1 else 'lines'} {verb} to be placed "
            f"({format_pounds(pence)})",
            url_for("finance.queue", holder_id=holder_id),
        )


def _do(act: Act, holder: Holder, form: Any, lines: Sequence[LedgerLine]) -> None:
    """One verb over the chosen lines. Raises Refused."""
    if not lines:
        raise Refused("Choose at least one line in the table", field="lines")
    if form.do.data == "place":
        funding_id, _ = forms.place_of(form.to.data)
        if funding_id is None:
            raise Refused("Choose the funding to place them to", field="to")
        services.place(act, holder, lines, finance.get_funding(funding_id))
    elif form.do.data == "leave_out":
        services.leave_out(act, holder, lines, form.reason.data)
    elif form.do.data == "carry":
        past = forms.past_of(form)
        if past is None:
            raise Refused("Choose the return that goes on without them", field="past")
        services.carry(act, holder, lines, past, form.carry_reason.data)
    elif form.do.data == "grant_income":
        services.income(act, holder, lines, None)
    else:
        _, match_id = forms.place_of(form.match.data)
        if match_id is None:
            raise Refused("Choose the match whose cash they are", field="match")
        services.income(act, holder, lines, match_queries.get_match(match_id))


def _leave_pair_out(act: Act, holder: Holder, line_ids: Sequence[int]) -> None:
    both = queries.queued_lines(holder.id, line_ids)
    pairs = queries.pairs_of(holder.id, both)
    if len(both) != 2 or both[0].id not in pairs or pairs[both[0].id].line_id != both[1].id:
        raise Refused("These two lines no longer wait both: place them from their own pages")
    services.leave_out(act, holder, both, f"Undone by its opposite: {both[0].document}")


def _page(holder: Holder, form: Any, chosen: frozenset[int]) -> str:
    quarters = queries.waiting_by_quarter(holder.id)
    wanted = _filter()
    listing = queries.list_queue(holder.id, wanted, _whole("page", request.args) or 1, quarters)
    may_post = may(Permission.POST_ENTRY, Scope(holder.area_id, holder.id))
    if may_post:
        form.offer(_places(holder.id, quarters), _pasts(quarters))
    here: dict[str, Any] = {"holder_id": holder.id, **_asked(wanted)}
    done = _done_lines(holder.id, request.args.get("done", "")) if request.method == "GET" else []
    standing = standing_of(done)
    all_chosen = request.args.get("all") == "1"
    return render_template(
        "finance/placing/queue.html",
        holder=holder,
        form=form,
        wanted=wanted,
        quarters=quarters,
        by_why=queries.waiting_by_why(holder.id) if quarters else {},
        most_counted=queries.MOST_COUNTED,
        listing=listing,
        chosen=frozenset(row.line.id for row in listing.rows) if all_chosen else chosen,
        all_chosen=all_chosen,
        hidden=_hidden_words(holder.id),
        shut=shut_years(holder.id),
        hidden_hint=_HIDDEN_HINT,
        why_words=WHY_WORDS,
        sorts={key: words for key, (words, _) in queries.SORTS.items()},
        past_words=lambda key: quarter_short(key // 10, key % 10),
        address=lambda page: url_for("finance.queue", **here, page=page),
        choose_all=url_for("finance.queue", **here, page=listing.page, all=None if all_chosen else 1),
        download=url_for("finance.queue_csv", **here),
        done=request.args.get("done", "") if done and len(done) <= MOST_UNDONE else "",
        done_words=_done_words(done, standing),
        reconcile=max(((line.fy, line.quarter) for line in done), default=None),
        saved_rule=_saved_rule(holder.id) if done else None,
        undoable=any(_stands_as_done(each, request.args.get("done", "")) for each in standing.values()),
        may_post=may_post,
    )


def _done_lines(holder_id: int, done: str) -> list[LedgerLine]:
    """The lines of the reader's act whose placements run from the first to the last id of "first-last"."""
    first, _, last = done.partition("-")
    person_id = current_access().person_id
    if not (_number(first) and _number(last) and person_id):
        return []
    return line_queries.verb_range(holder_id, int(first), int(last), person_id)


def _stands_as_done(standing: Standing, done: str) -> bool:
    """Whether a line is still where the act of "first-last" put it: nobody placed it since, or put it back."""
    first, _, last = done.partition("-")
    placed = standing.placement_id is not None and int(first) <= standing.placement_id <= int(last)
    return placed and standing.belongs.outcome is not Outcome.WAITING


def _saved_rule(holder_id: int) -> PlacementRule | None:
    """The rule that was saved and at once placed what is said to be done."""
    rule_no = _whole("rule", request.args)
    return rules_store.get_rule(holder_id, rule_no) if rule_no else None


def _done_words(lines: Sequence[LedgerLine], standing: Mapping[int, Standing]) -> str:
    """ "3 lines, £120.00: placed to Specialist nurse (F-0001)." """
    if not lines:
        return ""
    found = [standing[line.id].belongs for line in lines]
    words = ", ".join(sorted({OUTCOME_WORDS[each.outcome].lower() for each in found}))
    shares: dict[tuple[int | None, int | None], int] = {}
    for part in (part for each in found for part in each.parts):
        place = (part.funding_id, part.match_id)
        shares[place] = shares.get(place, 0) + part.pence
    if len(shares) > MOST_NAMED or shut_years(lines[0].holder_id):  # a rule may have placed to what is shut
        shares = {}
    names = line_queries.names_of_places(shares)
    said = "; ".join(f"{names[place].words}, {format_pounds(pence)}" for place, pence in shares.items())
    if len(shares) == 1 and all(each.parts for each in found):
        said = next(names[place].words for place in shares)
    total = format_pounds(sum(line.cost_pence for line in lines))
    return f"{_count(len(lines))}, {total}: {words}{f' to {said}' if said else ''}."


def _count(lines: int) -> str:
    return f"{lines:,} {'line' if lines == 1 else 'lines'}"


def _places(holder_id: int, quarters: Sequence[QuarterWaits]) -> Places:
    return line_queries.places(holder_id, {each.fy for each in quarters}, shut_years(holder_id))


def _pasts(quarters: Sequence[QuarterWaits]) -> list[When]:
    """The returns that could go on without what waits: from the first waiting quarter to its year's end, and on."""
    years = sorted({each.fy for each in quarters})
    first = min(((each.fy, each.quarter) for each in quarters), default=(0, 0))
    return [When(fy, quarter) for fy in years for quarter in QUARTERS if (fy, quarter) >= first]


def _hidden_words(holder_id: int) -> frozenset[str]:
    """Titles that a hint must not name to the reader."""
    shut = {intervention_id for _, intervention_id in shut_years(holder_id)}
    return frozenset(interventions.get_intervention(each).title for each in shut)


def _filter() -> QueueFilter:
    given = request.args
    why, sort, carried = given.get("why", ""), given.get("sort", ""), given.get("carried", "")
    quarter = _whole("quarter", given)
    return QueueFilter(
        quarter=quarter if quarter is not None and quarter % 10 in QUARTERS else None,
        why=WhyWaiting(why) if why in set(WhyWaiting) else None,
        carried={"yes": True, "no": False}.get(carried),
        cost_centre=given.get("cost_centre", "").strip()[:64],
        account=given.get("account", "").strip()[:64],
        words=given.get("words", "").strip()[:100],
        sort=sort if sort in queries.SORTS else "ledger",
    )


def _asked(wanted: QueueFilter) -> dict[str, Any]:
    """The filter as the query string that asks for it."""
    return {
        "quarter": wanted.quarter,
        "why": wanted.why.value if wanted.why else None,
        "carried": None if wanted.carried is None else "yes" if wanted.carried else "no",
        "cost_centre": wanted.cost_centre or None,
        "account": wanted.account or None,
        "words": wanted.words or None,
        "sort": wanted.sort if wanted.sort != "ledger" else None,
    }


def _whole(name: str, given: Any) -> int | None:
    return _number(given.get(name, ""))


def _number(text: str) -> int | None:
    number = int(text) if text.isascii() and text.isdigit() and len(text) < 12 else 0
    return number if 0 < number <= LARGEST_WHOLE_NUMBER else None


def _csv_row(queued: Row[Any], hidden: frozenset[str]) -> list[CsvCell]:
    past = queued.carried_past
    return [
        queued.fy,
        queued.quarter,
        queued.posted_on,
        queued.document,
        queued.cost_centre,
        queued.account,
        queued.project,
        queued.supplier,
        queued.description,
        Money(queued.cost_pence),
        Money(queued.vat_pence),
        WHY_WORDS[queued.why],
        # What a typed entry is charged to may be one of those that an interest shuts.
        _HIDDEN_HINT if hidden and (queued.entry_id or any(title in queued.hint for title in hidden)) else queued.hint,
        quarter_short(past // 10, past % 10) if past else None,
        queued.file_name,
        queued.row_no,
    ]
