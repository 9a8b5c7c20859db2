"""Pages of whether a proposal may be scored: its checks, late and ineligible ones, and what a new version changed."""

from collections.abc import Callable, Mapping

from flask import Blueprint, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from svd_tracker.accounts.access import current_access, current_act, may, requires
from svd_tracker.accounts.permissions import Permission
from svd_tracker.accounts.queries import list_organisations, person_names
from svd_tracker.errors import NotFound, Refused
from svd_tracker.extensions import db
from svd_tracker.proposals import check_forms, checks, forms, queries, reach, services
from svd_tracker.proposals.content import LABELS, FieldChange, differences
from svd_tracker.proposals.in_words import line_in_words, value_in_words
from svd_tracker.proposals.models import Proposal
from svd_tracker.readers.text_safe import CsvCell, write_csv
from svd_tracker.rounds import queries as rounds
from svd_tracker.rounds.forms import show_refusal
from svd_tracker.rounds.scopes import of_round
from svd_tracker.web.downloads import csv_answer

MANAGE = Permission.MANAGE_ROUND
NAMING = ("deliverer", "lead", "matches")  # what a blind round keeps from assessors


def add_to(bp: Blueprint) -> None:
    """Put these routes into the blueprint of proposals."""
    both = ["GET", "POST"]
    of_one = "/proposals/<int:proposal_id>"
    bp.add_url_rule("/rounds/<int:round_id>/eligibility", "eligibility", eligibility)
    bp.add_url_rule("/rounds/<int:round_id>/eligibility.csv", "eligibility_csv", eligibility_csv)
    bp.add_url_rule(f"{of_one}/checks", "checks", proposal_checks, methods=both)
    bp.add_url_rule(f"{of_one}/ineligible", "set_ineligible", set_ineligible, methods=both)
    bp.add_url_rule(f"{of_one}/eligible", "set_eligible", set_eligible, methods=both)
    bp.add_url_rule(f"{of_one}/late/accept", "accept_late", accept_late, methods=both)
    bp.add_url_rule(f"{of_one}/late/refuse", "refuse_late", refuse_late, methods=both)
    bp.add_url_rule(f"{of_one}/changes/<int:before>/<int:after>", "changes", changes)


@requires(Permission.VIEW_PAPERS, of_round(Permission.VIEW_PAPERS))
def eligibility(round_id: int) -> ResponseReturnValue:
    round_, access = rounds.get_round(round_id), current_access()
    rows, reached = reach.list_for(access, round_)
    return render_template(
        "proposals/checks_round.html",
        round=round_,
        rows=sorted(checks.handed_in(round_, rows, reached.shut), key=lambda each: not each.waits),
        checks=rounds.checks_of_scheme(round_.scheme_id),
        words=check_forms.WORDS,
        answered_elsewhere=checks.ANSWERED_ELSEWHERE,
        manages=may(MANAGE, rounds.scope_of(round_, access, MANAGE)),
        taking_in=round_.state in checks.TAKING_IN,
    )


@requires(Permission.VIEW_PAPERS, of_round(Permission.VIEW_PAPERS))
def eligibility_csv(round_id: int) -> ResponseReturnValue:
    round_ = rounds.get_round(round_id)
    rows, reached = reach.list_for(current_access(), round_)
    asked = rounds.checks_of_scheme(round_.scheme_id)
    headings = ["Ref", "Title", "Organisation", "State", "Reason", "Late, accepted because"]
    headings += [title for check in asked for title in (check.name, f"{check.name}: reason")]
    lines: list[list[CsvCell]] = []
    for each in checks.handed_in(round_, rows, reached.shut):
        row = each.row
        if each.shut:
            lines.append(
                [row.ref, row.title, row.organisation, "You declared an interest", *[None] * (len(headings) - 4)]
            )
            continue
        line: list[CsvCell] = [
            row.ref,
            row.title,
            row.organisation,
            row.state.value,
            each.state_reason,
            each.late_reason,
        ]
        for now in each.checks:
            words = checks.ANSWERED_ELSEWHERE if now.shut else check_forms.WORDS[now.result] if now.result else ""
            line += [words, now.answer.reason if now.answer else ""]
        lines.append(line)
    return csv_answer(write_csv(headings, lines), f"eligibility-{round_.ref}.csv")


@requires(MANAGE, reach.of_proposal(MANAGE))
def proposal_checks(proposal_id: int) -> ResponseReturnValue:
    proposal = queries.get_proposal(proposal_id)
    standing = checks.checks_of(proposal, current_access().person_id)
    form = check_forms.ChecksForm.of(standing)
    open_ = proposal.round.state in checks.TAKING_IN and proposal.state in checks.CHECKED
    if form.validate_on_submit() and not form.take_newer(standing):
        try:
            checks.answer_checks(proposal, form.answers(standing), current_act())
        except Refused as refused:
            db.session.rollback()
            form.show(refused, standing)
        else:
            db.session.commit()
            flash("The checks are saved.", "success")
            return redirect(url_for("proposals.eligibility", round_id=proposal.round_id), 303)
    given = checks.history_of(proposal)
    return render_template(
        "proposals/checks.html",
        form=form,
        pairs=form.pairs(standing),
        standing=standing,
        proposal=proposal,
        version=queries.submitted_version(proposal) or queries.newest_version(proposal),
        round=proposal.round,
        open=open_,
        words=check_forms.WORDS,
        answered_elsewhere=checks.ANSWERED_ELSEWHERE,
        given=given,
        names={each.check.id: each.check.name for each in standing},
        people=person_names([each.recorded_by for each in (*given, *(n.answer for n in standing if n.answer))]),
    )


@requires(MANAGE, reach.of_proposal(MANAGE))
def set_ineligible(proposal_id: int) -> ResponseReturnValue:
    return _with_reason(
        proposal_id,
        "Set this proposal aside as ineligible?",
        "Set aside as ineligible",
        "Assessors do not see it and it is not scored. It stays on record with the reason, which its proposer reads.",
        checks.set_ineligible,
        "The proposal is set aside as ineligible.",
    )


@requires(MANAGE, reach.of_proposal(MANAGE))
def set_eligible(proposal_id: int) -> ResponseReturnValue:
    return _with_reason(
        proposal_id,
        "Let this proposal take part after all?",
        "Let it take part",
        "It is scored like every other.",
        checks.set_eligible,
        "The proposal takes part again.",
    )


@requires(MANAGE, reach.of_proposal(MANAGE))
def accept_late(proposal_id: int) -> ResponseReturnValue:
    return _with_reason(
        proposal_id,
        "Accept this late proposal?",
        "Accept it",
        "It was handed in after the round closed. Accepted, it is scored like every other; the papers say that it was "
        "late, and why it was accepted.",
        services.accept_late,
        "The late proposal is accepted.",
    )


@requires(MANAGE, reach.of_proposal(MANAGE))
def refuse_late(proposal_id: int) -> ResponseReturnValue:
    return _with_reason(
        proposal_id,
        "Refuse this late proposal?",
        "Refuse it",
        "It was handed in after the round closed. Refused, it is not scored; it stays on record with the reason.",
        services.refuse_late,
        "The late proposal is refused.",
    )


def _with_reason(
    proposal_id: int, title: str, action: str, body: str, verb: Callable[..., None], done: str
) -> ResponseReturnValue:
    proposal = queries.get_proposal(proposal_id)
    form = forms.ReasonForm()
    led_to = url_for("proposals.eligibility", round_id=proposal.round_id)
    if form.validate_on_submit():
        try:
            verb(proposal, form.reason.data or "", current_act())
        except Refused as refused:
            db.session.rollback()
            show_refusal(form, refused)
        else:
            db.session.commit()
            flash(done, "success")
            return redirect(led_to, 303)
    return render_template(
        "components/confirm.html",
        title=title,
        body=body,
        action=action,
        form=form,
        facts=[("Proposal", _title(proposal)), ("Organisation", proposal.organisation.name)],
        cancel_url=led_to,
        trail=[
            ("Rounds", url_for("rounds.index")),
            (proposal.round.name, url_for("rounds.show", round_id=proposal.round_id)),
            ("Checks", led_to),
            (action, None),
        ],
    )


@requires(Permission.VIEW_PROPOSAL, reach.of_proposal(Permission.VIEW_PROPOSAL))
def changes(proposal_id: int, before: int, after: int) -> ResponseReturnValue:
    proposal = queries.get_proposal(proposal_id)
    older, newer = queries.get_version(proposal, before), queries.get_version(proposal, after)
    if before >= after or not (reach.here().writes or (older.submitted_at and newer.submitted_at)):
        raise NotFound("version")
    holder_names = {holder.id: holder.name for holder in rounds.taking_part(proposal.round_id)}
    organisations = {each.id: each.name for each in list_organisations(proposal.round.area_id)}
    hidden = NAMING if reach.here().names_hidden else ()
    found = differences(queries.content_of(older), queries.content_of(newer))
    return render_template(
        "proposals/changes.html",
        proposal=proposal,
        round=proposal.round,
        older=older,
        newer=newer,
        title=newer.title or proposal.ref,
        fields=[_field(each, holder_names) for each in found if not each.lines and each.name not in hidden],
        parts=[_part(each, holder_names, organisations) for each in found if each.lines and each.name not in hidden],
        hidden=[LABELS[each.name] for each in found if each.name in hidden],
    )


def _field(change: FieldChange, holder_names: Mapping[int, str]) -> tuple[str, str, str]:
    return (
        LABELS[change.name],
        value_in_words(change.before, holder_names),
        value_in_words(change.after, holder_names),
    )


def _part(
    change: FieldChange, holder_names: Mapping[int, str], organisations: Mapping[int, str]
) -> tuple[str, list[tuple[str, str, bool]]]:
    """A repeating part's label, and its lines as (before, after, same)."""
    return LABELS[change.name], [
        (
            line_in_words(each.before, holder_names, organisations),
            line_in_words(each.after, holder_names, organisations),
            each.same,
        )
        for each in change.lines
    ]


def _title(proposal: Proposal) -> str:
    return queries.newest_version(proposal).title or proposal.ref
