"""Scores given on paper, typed in by a coordinator; they count once their assessor sends them."""

from flask import flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy.orm.exc import StaleDataError

from svd_tracker.accounts.access import current_access, current_act, requires
from svd_tracker.accounts.permissions import Permission
from svd_tracker.accounts.queries import get_person
from svd_tracker.errors import ChangedMeanwhile, Refused
from svd_tracker.extensions import db
from svd_tracker.proposals import queries as proposals
from svd_tracker.proposals import reach
from svd_tracker.rounds import queries as rounds
from svd_tracker.rounds.forms import show_refusal
from svd_tracker.scoring import forms, queries, services
from svd_tracker.scoring.blueprint import bp


@bp.route("/proposals/<int:proposal_id>/paper/<int:person_id>", methods=["GET", "POST"])
@requires(Permission.MANAGE_ROUND, reach.of_proposal(Permission.MANAGE_ROUND))
def paper(proposal_id: int, person_id: int) -> ResponseReturnValue:
    proposal, person = proposals.get_proposal(proposal_id), get_person(person_id)
    round_ = proposal.round
    services.refuse_unless_paper(round_, proposal, person, current_access().person_id)
    criteria = rounds.criteria_of(round_.scheme)
    assessment = queries.assessment_of(proposal, person_id)
    form = forms.assess_form(criteria, round_.scheme.reasons_required, assessment, paper=True)
    back = url_for("scoring.index", round_id=round_.id)
    clash = None
    if form.validate_on_submit():
        given, comment = form.given(criteria), form["comment"].data or ""
        try:
            services.enter_paper(
                current_act(), proposal, person, given, comment, row_version=form.row_version.data or 0
            )
            db.session.commit()
        except (ChangedMeanwhile, StaleDataError):
            db.session.rollback()
            services.refuse_unless_paper(round_, proposal, person, current_access().person_id)
            now = dict(forms.saved_values(criteria, queries.assessment_of(proposal, person_id)))
            clash = form.take_newer(now, int(str(now.pop("row_version"))))
        except Refused as refused:
            db.session.rollback()
            show_refusal(form, refused)
        else:
            flash(f"Kept. It counts once {person.name} has looked at it and sent it.", "success")
            return redirect(back, 303)
    return render_template(
        "scoring/paper.html",
        round=round_,
        proposal=proposal,
        version=proposals.submitted_version(proposal),
        person=person,
        criteria=criteria,
        form=form,
        clash=clash,
        back=back,
    )
