"""Pages of what follows a decision: everything still owed in a round, the delivery agreement, a chair's action."""

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from svd_tracker.accounts import queries as accounts
from svd_tracker.accounts.access import current_access, current_act, requires
from svd_tracker.accounts.permissions import Permission
from svd_tracker.audit import once
from svd_tracker.decisions import agreements, follow_up_forms, queries, services
from svd_tracker.decisions import follow_up as found
from svd_tracker.decisions.blueprint import bp, own_decision_scope
from svd_tracker.decisions.models import AgreementKind
from svd_tracker.errors import ChangedMeanwhile, NotAllowed, Refused
from svd_tracker.extensions import db
from svd_tracker.grants.split import short_name
from svd_tracker.readers.text_safe import CsvCell, write_csv
from svd_tracker.rounds import queries as rounds
from svd_tracker.rounds.models import RoundState
from svd_tracker.rounds.scopes import of_round
from svd_tracker.web.downloads import csv_answer


@bp.get("/rounds/<int:round_id>/decisions/follow-up")
@requires(Permission.VIEW_PAPERS, of_round(Permission.VIEW_PAPERS))
def follow_up(round_id: int) -> ResponseReturnValue:
    round_, access = rounds.get_round(round_id), current_access()
    return render_template(
        "decisions/follow_up.html",
        round=round_,
        rows=found.follow_up(access, round_),
        may_decide=access.holder_ids(Permission.DECIDE, round_id),
        published=round_.state is RoundState.PUBLISHED,
        short_name=short_name,
        state_of=queries.state_of,
    )


@bp.get("/rounds/<int:round_id>/decisions/follow-up.csv")
@requires(Permission.VIEW_PAPERS, of_round(Permission.VIEW_PAPERS))
def follow_up_csv(round_id: int) -> ResponseReturnValue:
    round_ = rounds.get_round(round_id)
    head = ["Ref", "Proposal", "Partnership", "Outcome", "Not agreed yet", "Conditions not met", "Agreement"]
    head += ["Agreement reference", "Signed on", "Chair’s action to report", "Letter issued"]
    rows = (_csv_row(each) for each in found.follow_up(current_access(), round_))
    return csv_answer(write_csv(head, rows), f"after-decisions-{round_.ref}.csv")


def _csv_row(each: found.FollowUp) -> list[CsvCell]:
    agreement = each.agreement if each.decision.outcome.funds else None
    return [
        each.row.ref,
        each.row.title,
        each.row.holder.name,
        each.decision.outcome.label,
        "; ".join(body.label for body in each.waiting_for),
        "; ".join(condition.text for condition in each.conditions),
        agreement.kind.value.capitalize() if agreement else "None" if each.unsigned else None,
        agreement.reference if agreement else None,
        agreement.signed_on if agreement else None,
        "Yes" if each.unreported else None,
        each.letter.recorded_at.date() if each.letter else None,
    ]


@bp.route("/decisions/<int:decision_id>/agreement", methods=["GET", "POST"])
@requires(Permission.DECIDE, own_decision_scope)
def agreement(decision_id: int) -> ResponseReturnValue:
    decision = queries.get_decision(decision_id)
    standing = agreements.newest([decision.proposal_id]).get((decision.proposal_id, decision.holder_id))
    start = {
        "kind": standing.kind.value if standing else None,
        "body": standing.body if standing else decision.version.deliverer or decision.proposal.organisation.name,
        "reference": standing.reference if standing else "",
        "signed_on": standing.signed_on if standing else None,
        "row_version": standing.seq if standing else 0,
    }
    form = follow_up_forms.AgreementForm(data=start)
    back, clash = url_for("decisions.show", decision_id=decision.id), None
    if form.validate_on_submit():
        try:
            agreements.record_agreement(
                decision,
                AgreementKind(form.kind.data),
                form.body.data or "",
                form.reference.data or "",
                form.signed_on.data,
                form.row_version.data,
                current_act(),
            )
            db.session.commit()
        except ChangedMeanwhile:
            db.session.rollback()
            clash = form.take_newer(start, standing.seq if standing else 0)
        except NotAllowed:
            raise
        except Refused as refused:
            db.session.rollback()
            form.refuse(refused.message, refused.field)
        else:
            flash("The delivery agreement is recorded.", "success")
            return redirect(back, 303)
    return render_template(
        "decisions/agreement.html",
        form=form,
        decision=decision,
        standing=standing,
        names=accounts.person_names([standing.recorded_by] if standing else []),
        clash=clash,
        cancel_url=back,
    )


@bp.route("/decisions/<int:decision_id>/report", methods=["GET", "POST"])
@requires(Permission.DECIDE, own_decision_scope)
def report(decision_id: int) -> ResponseReturnValue:
    decision = queries.get_decision(decision_id)
    form, back = follow_up_forms.ReportForm(), url_for("decisions.show", decision_id=decision.id)
    used = once.result_of(form.once_key.data) if request.method == "POST" else None
    if used:
        return redirect(used, 303)
    if form.validate_on_submit():
        try:
            act = current_act()
            services.report_chairs_action(decision, form.meeting_on.data, form.minute_ref.data or "", act)
            once.use_up(form.once_key.data, back, act)
            db.session.commit()
        except NotAllowed:
            raise
        except Refused as refused:
            db.session.rollback()
            form.refuse(refused.message, refused.field)
        else:
            flash("The chair’s action is recorded as reported.", "success")
            return redirect(back, 303)
    return render_template("decisions/report.html", form=form, decision=decision, cancel_url=back)
