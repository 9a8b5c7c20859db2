"""The meeting's pages: where members disagree, what the group agrees on, and what was said."""

import datetime as dt
from collections.abc import Iterator
from typing import Any

from flask import flash, jsonify, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from svd_tracker.accounts.access import current_access, current_act, may, requires
from svd_tracker.accounts.permissions import Access, Permission
from svd_tracker.audit import once
from svd_tracker.calculations.ranking import points
from svd_tracker.errors import ChangedMeanwhile, NotAllowed, Refused
from svd_tracker.extensions import db
from svd_tracker.proposals import queries as proposals
from svd_tracker.proposals import reach
from svd_tracker.proposals.models import Proposal
from svd_tracker.readers.text_safe import CsvCell, write_csv
from svd_tracker.rounds import queries as rounds
from svd_tracker.rounds.models import Round
from svd_tracker.rounds.scopes import of_round
from svd_tracker.scoring import (
    moderation_board,
    moderation_forms,
    moderation_queries,
    moderation_services,
    queries,
    ranking_queries,
)
from svd_tracker.scoring.blueprint import bp
from svd_tracker.scoring.forms import mark_words
from svd_tracker.scoring.moderation_board import Meeting, deviation_text, mark_text
from svd_tracker.web import navigation
from svd_tracker.web.downloads import csv_answer

VIEW, MODERATE = Permission.VIEW_RANKING, Permission.MODERATE


@bp.get("/rounds/<int:round_id>/moderation")
@requires(VIEW, of_round(VIEW))
def moderation(round_id: int) -> ResponseReturnValue:
    """The round on the screen: those where members disagree first."""
    round_, stamp = _round_to_moderate(round_id)
    found = moderation_board.meeting_of(round_, current_access())
    closed = moderation_queries.not_meeting_because(round_)
    return render_template(
        "scoring/moderation.html", round=round_, meeting=found, closed=closed, **_page(round_, closed, stamp)
    )


@bp.get("/rounds/<int:round_id>/moderation/stamp")
@requires(VIEW, of_round(VIEW))
def moderation_stamp(round_id: int) -> ResponseReturnValue:
    """What tells an open page that somebody changed what it shows."""
    return jsonify(stamp=_round_to_moderate(round_id)[1])


@bp.get("/rounds/<int:round_id>/moderation.csv")
@requires(VIEW, of_round(VIEW))
def moderation_csv(round_id: int) -> ResponseReturnValue:
    round_, _ = _round_to_moderate(round_id)
    found = moderation_board.meeting_of(round_, current_access())
    head = ["Ref", "Proposal", "Rank", "Result", "Members disagree", "Lowest member", "Highest member", "Deviation"]
    for each in found.criteria:
        head += [f"{each.name}: {part}" for part in ("mean", "lowest", "highest", "agreed")]
    return csv_answer(write_csv(head, _csv_rows(found)), f"moderation-{round_.ref}.csv")


@bp.get("/proposals/<int:proposal_id>/moderation")
@requires(VIEW, reach.of_proposal(VIEW))
def moderate(proposal_id: int) -> ResponseReturnValue:
    """One proposal: every criterion with its marks and reasons, nobody named, and what was agreed."""
    proposal, stamp = _proposal_to_moderate(proposal_id)
    closed = _closed_because(proposal)
    return render_template(
        "scoring/moderation_proposal.html",
        round=proposal.round,
        proposal=proposal,
        found=moderation_board.proposal_of(proposal, current_access()),
        closed=closed,
        **_page(proposal.round, closed, stamp),
    )


@bp.route("/proposals/<int:proposal_id>/moderation/<int:criterion_id>", methods=["GET", "POST"])
@requires(MODERATE, reach.of_proposal(MODERATE))
def agree(proposal_id: int, criterion_id: int) -> ResponseReturnValue:
    proposal, stamp = _proposal_to_moderate(proposal_id)
    criterion = rounds.get_criterion(proposal.round, criterion_id)
    found = moderation_board.proposal_of(proposal, current_access())
    part, marks = found.part(criterion)
    form = moderation_forms.AgreeForm(data=moderation_forms.saved_values(found.standing.get(criterion_id)))
    form.offer(criterion, ranking_queries.value_text(marks.criterion, part.mean))
    clash = None
    if form.validate_on_submit():
        reason, seen = form.reason.data or "", form.row_version.data or 0
        try:
            moderation_services.agree(proposal, criterion, form.hundredths, reason, seen, current_act())
            db.session.commit()
        except ChangedMeanwhile:
            db.session.rollback()
            proposal = proposals.get_proposal(proposal_id)
            now = moderation_forms.saved_values(moderation_queries.standing_of(proposal).get(criterion_id))
            clash = form.take_newer({key: now[key] for key in ("mark", "reason")}, now["row_version"])
        except NotAllowed:
            raise
        except Refused as refused:
            db.session.rollback()
            form[refused.field or "mark"].errors = [refused.message]
        else:
            flash(f"{criterion.name}: what the group agreed on is saved.", "success")
            return redirect(f"{url_for('scoring.moderate', proposal_id=proposal_id)}#{criterion.ref}", 303)
    closed = _closed_because(proposal)
    return render_template(
        "scoring/moderation_agree.html",
        round=proposal.round,
        proposal=proposal,
        criterion=criterion,
        part=part,
        marks=marks,
        found=found,
        form=form,
        clash=clash,
        closed=closed,
        **_page(proposal.round, closed, stamp),
    )


@bp.route("/proposals/<int:proposal_id>/moderation/note", methods=["GET", "POST"])
@requires(MODERATE, reach.of_proposal(MODERATE))
def proposal_note(proposal_id: int) -> ResponseReturnValue:
    proposal, _ = _proposal_to_moderate(proposal_id)
    return _note(proposal.round, proposal, url_for("scoring.moderate", proposal_id=proposal_id))


@bp.route("/rounds/<int:round_id>/moderation/note", methods=["GET", "POST"])
@requires(MODERATE, of_round(MODERATE))
def round_note(round_id: int) -> ResponseReturnValue:
    round_, _ = _round_to_moderate(round_id)
    return _note(round_, None, url_for("scoring.moderation", round_id=round_id))


def _note(round_: Round, proposal: Proposal | None, back: str) -> ResponseReturnValue:
    form = moderation_forms.NoteForm()
    if request.method == "POST" and (used := once.result_of(form.once_key.data)):
        return redirect(used, 303)
    if form.validate_on_submit():
        act = current_act()
        try:
            moderation_services.note(round_, proposal, form.text.data or "", act)
            once.use_up(form.once_key.data, back, act)
            db.session.commit()
        except NotAllowed:
            raise
        except Refused as refused:
            db.session.rollback()
            form.text.errors = [refused.message]
        else:
            flash("The note is kept.", "success")
            return redirect(back, 303)
    return render_template("scoring/note.html", round=round_, proposal=proposal, form=form, cancel_url=back)


def _round_to_moderate(round_id: int) -> tuple[Round, str]:
    """The round and its stamp, taken before anything else is read: what changes meanwhile is told of, never missed."""
    round_, access = rounds.get_round(round_id), current_access()
    queries.refuse_unless_shown(round_, access)
    return round_, moderation_queries.stamp_of(round_, proposals.shut_proposal_ids(access.person_id, round_id))


def _proposal_to_moderate(proposal_id: int) -> tuple[Proposal, str]:
    proposal, access = proposals.get_proposal(proposal_id), current_access()
    queries.refuse_unless_shown(proposal.round, access, proposal)
    shut = proposals.shut_proposal_ids(access.person_id, proposal.round_id)
    return proposal, moderation_queries.stamp_of(proposal.round, shut)


def _closed_because(proposal: Proposal) -> str | None:
    """Why the marks agreed on for a proposal no longer change, in words."""
    words = moderation_queries.not_meeting_because(proposal.round)
    if words is None:
        try:
            moderation_services.refuse_if_settled(proposal)
        except Refused as refused:
            return refused.message
    return words


def _page(round_: Round, closed: str | None, stamp: str) -> dict[str, Any]:
    """What the templates of the meeting share."""
    return {
        "may_moderate": closed is None and may(MODERATE, rounds.scope_of(round_, current_access(), MODERATE)),
        "stamp": stamp,
        "stamp_url": url_for("scoring.moderation_stamp", round_id=round_.id),
        "points": points,
        "mark_text": mark_text,
        "mark_words": mark_words,
        "value_text": ranking_queries.value_text,
        "percent_text": ranking_queries.percent_text,
        "deviation_text": deviation_text,
    }


@navigation.add_work
def _work(access: Access, today: dt.date) -> Iterator[navigation.WorkItem]:
    """To the chair, and to who stands in for a coordinator; the coordinators themselves are led to the ranking."""
    for round_id in sorted(access.round_ids(MODERATE)):
        round_ = rounds.get_round(round_id)
        if not (moderation_queries.not_meeting_because(round_) or queries.hidden_because(round_, access)):
            url = url_for("scoring.moderation", round_id=round_id)
            yield navigation.WorkItem(f"Moderate the scores: {round_.name}", url)


def _csv_rows(found: Meeting) -> Iterator[list[CsvCell]]:
    for each in found.rows:
        results = each.spread.results
        row: list[CsvCell] = [
            each.row.ref,
            each.row.title,
            each.row.rank,
            each.row.result_text,
            "yes" if each.spread.disagree else "no",
            ranking_queries.percent_text(results[0]) if results else None,
            ranking_queries.percent_text(results[-1]) if results else None,
            deviation_text(each.spread),
        ]
        for part, marks in each.parts:
            fact = marks.criterion
            ends = (marks.marks[0], marks.marks[-1], part.agreed) if marks.marks else (None, None, part.agreed)
            row.append(ranking_queries.value_text(fact, part.mean))
            row += [None if mark is None else mark_text(fact, mark) for mark in ends]
        yield row
