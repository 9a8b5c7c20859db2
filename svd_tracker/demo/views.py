"""The demonstration's own page: today's date, moved forward so that a return falls due while one watches."""

from flask import Blueprint, abort, current_app, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user
from markupsafe import Markup

from svd_tracker.accounts import services
from svd_tracker.accounts.access import current_act, requires, today
from svd_tracker.accounts.permissions import Permission
from svd_tracker.demo.forms import DayForm
from svd_tracker.demo.story import FIRST_DAY, story
from svd_tracker.extensions import db
from svd_tracker.periods import add_working_days, format_date

bp = Blueprint("demo", __name__)


@bp.route("/demo/date", methods=["GET", "POST"])
@requires(Permission.SIGNED_IN)
def date() -> ResponseReturnValue:
    if not current_app.config["DEMO"]:
        abort(404)
    form = DayForm(day=add_working_days(today(), 1))
    if form.validate_on_submit() and form.day.data:
        chosen = form.day.data
        if chosen < today():
            form.day.errors = ["Enter a day after today: what was recorded cannot be unrecorded"]
        else:
            reason = "Moved on in the demonstration"
            services.change_setting("demo_today", chosen.isoformat(), None, reason, current_act())
            db.session.commit()
            flash(f"It is now {format_date(chosen)}. What falls due is done within a few seconds.", "success")
            return redirect(url_for("accounts.home"), 303)
    return render_template("demo/date.html", form=form)


@bp.app_context_processor
def _demo_context() -> dict[str, object]:
    if not current_app.config["DEMO"] or request.endpoint == "static":
        return {}
    if not current_user.is_authenticated:
        people = [(one["name"], one["email"]) for one in story()["people"]["all"]]
        return {"demo_people": people, "demo_password": story()["people"]["password"]}
    banner = Markup('The data are made up. Today is {}. <a class="govuk-link" href="{}">Change the date</a>').format(
        format_date(today()), url_for("demo.date")
    )
    if today() == FIRST_DAY:
        banner += Markup(": the first quarter's returns are drafted on 14 July 2025")
    return {"demo_banner": banner}
