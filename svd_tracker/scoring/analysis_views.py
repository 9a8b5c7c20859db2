"""How sure a ranking is, for its coordinators alone, and off until one turns it on. Never in the papers."""

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from svd_tracker.accounts.access import current_access, current_act, requires
from svd_tracker.accounts.permissions import Permission
from svd_tracker.calculations.figures import Category
from svd_tracker.errors import Refused
from svd_tracker.extensions import db
from svd_tracker.rounds import queries as rounds
from svd_tracker.rounds.scopes import of_round
from svd_tracker.scoring import analysis_queries, analysis_services, queries
from svd_tracker.scoring.blueprint import bp
from svd_tracker.scoring.ranking_queries import percent_text
from svd_tracker.web.forms import Form

ANALYSE = Permission.ANALYSE


@bp.get("/rounds/<int:round_id>/analysis")
@requires(ANALYSE, of_round(ANALYSE))
def analysis(round_id: int) -> ResponseReturnValue:
    """With ?set= and a partnership's id also its best set: a search that changes nothing and may take ten seconds."""
    round_, access = rounds.get_round(round_id), current_access()
    queries.refuse_unless_shown(round_, access)
    found = None
    if round_.analysis_on:
        found = analysis_queries.analysis(round_, access, request.args.get("set", type=int))
    return render_template(
        "scoring/analysis.html",
        round=round_,
        form=Form(),
        analysis=found,
        longest=analysis_queries.LONGEST,
        percent_text=percent_text,
        categories=list(Category),
    )


@bp.post("/rounds/<int:round_id>/analysis/switch")
@requires(ANALYSE, of_round(ANALYSE))
def switch_analysis(round_id: int) -> ResponseReturnValue:
    round_, on = rounds.get_round(round_id), "on" in request.form
    if Form().validate_on_submit():
        try:
            analysis_services.switch_analysis(round_, on, current_act())
            db.session.commit()
        except Refused as refused:
            db.session.rollback()
            flash(refused.message, "important")
        else:
            flash("How sure the ranking is can be seen now." if on else "It is turned off.", "success")
    return redirect(url_for("scoring.analysis", round_id=round_id), 303)
