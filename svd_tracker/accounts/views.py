"""The first page, one's own account, people and roles, settings."""

from collections.abc import Callable

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from svd_tracker.accounts import deputy_views as _deputy_views  # noqa: F401  its routes
from svd_tracker.accounts import forms, queries, services
from svd_tracker.accounts.access import current_access, current_act, requires, today
from svd_tracker.accounts.blueprint import bp
from svd_tracker.accounts.delegation_queries import standing_delegations
from svd_tracker.accounts.models import Person, Role
from svd_tracker.accounts.permissions import Permission
from svd_tracker.accounts.settings import SETTINGS
from svd_tracker.audit import once
from svd_tracker.audit import queries as audit_queries
from svd_tracker.decisions import news
from svd_tracker.errors import ChangedMeanwhile, Refused
from svd_tracker.extensions import db
from svd_tracker.mail import queries as mail
from svd_tracker.mail.forms import CHOICES
from svd_tracker.mail.models import Choice
from svd_tracker.periods import format_date
from svd_tracker.web import navigation
from svd_tracker.web.history import as_history, as_news

navigation.add("Home", "accounts.home", Permission.SIGNED_IN, 0)
navigation.add(
    "People",
    "accounts.people",
    Permission.MANAGE_PEOPLE,
    80,
    also=[
        f"accounts.{page}" for page in ("person", "add_person", "edit_person", "add_role", "end_role", "reset_password")
    ],
)
navigation.add("Settings", "accounts.settings", Permission.MANAGE_SETTINGS, 85)

LATELY = 6
CHANGEABLE = {key: kind for key, kind in SETTINGS.items() if kind.unit not in ("date", "check")}


@bp.get("/")
@requires(Permission.SIGNED_IN)
def home() -> ResponseReturnValue:
    """What waits for me, what is late: each role's own page of work."""
    access = current_access()
    lately = audit_queries.lately(access.holder_ids(Permission.VIEW_PLAN), LATELY * 8)
    return render_template(
        "accounts/home.html",
        work=navigation.work(access, today()),
        roles=_role_words(access.person_id),
        links=[link for link in navigation.links() if not link.active],
        lately=as_news(news.open_to(access.person_id, lately), LATELY),
    )


@bp.get("/account")
@requires(Permission.SIGNED_IN)
def account() -> ResponseReturnValue:
    choice = mail.find_choice(current_user.id)
    return render_template(
        "accounts/account.html",
        person=current_user,
        roles=_role_words(current_user.id),
        reminders=CHOICES[choice.choice if choice else Choice.AT_ONCE],
    )


@bp.get("/people")
@requires(Permission.MANAGE_PEOPLE)
def people() -> ResponseReturnValue:
    words = queries.role_words_by_person(today())
    return render_template("accounts/people.html", people=queries.list_people(), words=words)


@bp.route("/people/add", methods=["GET", "POST"])
@requires(Permission.MANAGE_PEOPLE)
def add_person() -> ResponseReturnValue:
    form = forms.NewPersonForm()
    form.offer(queries.list_organisations())
    form.offer_areas(queries.list_areas())
    if form.validate_on_submit():
        act = current_act()
        try:
            organisation_id = form.organisation.data or None
            if form.new_organisation.data:
                organisation = services.add_organisation(form.area.data, form.new_organisation.data, act)
                db.session.flush()  # the person needs the organisation's id
                organisation_id = organisation.id
            person, first = services.add_person(
                form.email.data or "", form.name.data or "", act, organisation_id=organisation_id
            )
        except Refused as refused:
            db.session.rollback()
            if used := once.result_of(form.once_key.data):  # the other of two clicks at one moment was first
                return redirect(used, 303)
            form.email.errors = [refused.message]
        else:
            url = url_for("accounts.person", person_id=person.id)
            once.use_up(form.once_key.data, url, act)
            name = person.name
            db.session.commit()
            flash(f"{name} can sign in. Tell them their first password, shown only now: {first}", "success")
            return redirect(url, 303)
    return render_template("accounts/add_person.html", form=form)


@bp.get("/people/<int:person_id>")
@requires(Permission.MANAGE_PEOPLE)
def person(person_id: int) -> ResponseReturnValue:
    one = queries.get_person(person_id)
    return render_template(
        "accounts/person.html",
        person=one,
        grants=queries.role_rows(queries.standing_role_grants(today(), person_id)),
        history=as_history(audit_queries.history("person", services.subject(one))),
    )


@bp.route("/people/<int:person_id>/edit", methods=["GET", "POST"])
@requires(Permission.MANAGE_PEOPLE)
def edit_person(person_id: int) -> ResponseReturnValue:
    one = queries.get_person(person_id)
    form = forms.PersonForm(name=one.name, organisation=one.organisation_id or 0, row_version=one.row_version)
    form.offer(queries.list_organisations())
    clash = None
    if form.validate_on_submit():
        try:
            services.edit_person(
                one, form.name.data or "", form.organisation.data or None, form.row_version.data or 0, current_act()
            )
        except ChangedMeanwhile as changed:
            clash = form.take_newer(
                {"name": changed.current["name"], "organisation": changed.current["organisation_id"] or 0},
                one.row_version,
            )
        else:
            db.session.commit()
            flash("The person is saved.", "success")
            return redirect(url_for("accounts.person", person_id=person_id), 303)
    return render_template("accounts/edit_person.html", form=form, person=one, clash=clash)


@bp.route("/people/<int:person_id>/roles/add", methods=["GET", "POST"])
@requires(Permission.MANAGE_PEOPLE)
def add_role(person_id: int) -> ResponseReturnValue:
    one = queries.get_person(person_id)
    form = forms.RoleForm()
    form.offer(queries.list_holders(), queries.list_areas())
    if form.validate_on_submit():
        area_id, holder_id = form.chosen()
        try:
            act = current_act()
            services.grant_role(one, Role(form.role.data), act, area_id=area_id, holder_id=holder_id)
        except Refused as refused:
            form[refused.field or "role"].errors = [refused.message]
        else:
            url = url_for("accounts.person", person_id=person_id)
            once.use_up(form.once_key.data, url, act)
            db.session.commit()
            flash("The role is given, from today.", "success")
            return redirect(url, 303)
    return render_template("accounts/add_role.html", form=form, person=one)


@bp.route("/people/<int:person_id>/roles/<int:grant_id>/end", methods=["GET", "POST"])
@requires(Permission.MANAGE_PEOPLE)
def end_role(person_id: int, grant_id: int) -> ResponseReturnValue:
    one = queries.get_person(person_id)
    grant = queries.get_role_grant(person_id, grant_id, today())
    form = forms.ConfirmForm()
    if form.validate_on_submit():
        return _done(
            form, lambda: services.end_role(grant, current_act()), "The role has ended.", person_id
        ) or _ask_end(form, one, queries.role_rows([grant])[0].words)
    return _ask_end(form, one, queries.role_rows([grant])[0].words)


@bp.route("/people/<int:person_id>/password", methods=["GET", "POST"])
@requires(Permission.MANAGE_PEOPLE)
def reset_password(person_id: int) -> ResponseReturnValue:
    one = queries.get_person(person_id)
    form = forms.ConfirmForm()
    if form.validate_on_submit():
        act = current_act()
        first = services.set_first_password(one, act)
        url = url_for("accounts.person", person_id=person_id)
        once.use_up(form.once_key.data, url, act)
        db.session.commit()
        flash(f"{one.name} has a new password, shown only now: {first}. They are asked to change it.", "success")
        return redirect(url, 303)
    return render_template(
        "components/confirm.html",
        form=form,
        title=f"Give {one.name} a new password?",
        body="Their old password stops at once and they are signed out everywhere.",
        action="Give a new password",
        cancel_url=url_for("accounts.person", person_id=person_id),
    )


@bp.route("/people/<int:person_id>/<any(open, close):what>", methods=["GET", "POST"])
@requires(Permission.MANAGE_PEOPLE)
def set_active(person_id: int, what: str) -> ResponseReturnValue:
    one = queries.get_person(person_id)
    form = forms.ConfirmForm()
    if form.validate_on_submit():
        done = _done(
            form,
            lambda: services.set_active(one, what == "open", current_act()),
            "They can sign in again." if what == "open" else "They can no longer sign in.",
            person_id,
        )
        if done:
            return done
    return render_template(
        "components/confirm.html",
        form=form,
        title=f"{'Open' if what == 'open' else 'Close'} the account of {one.name}?",
        body="They can sign in again." if what == "open" else "They are signed out at once. What they did stays.",
        action=f"{'Open' if what == 'open' else 'Close'} the account",
        warning=what == "close",
        cancel_url=url_for("accounts.person", person_id=person_id),
    )


@bp.route("/settings", methods=["GET", "POST"])
@requires(Permission.MANAGE_SETTINGS)
def settings() -> ResponseReturnValue:
    """The tolerances of one's area, each with its default in view."""
    areas = [area for area in queries.list_areas() if area.id in current_access().area_ids(Permission.MANAGE_SETTINGS)]
    asked = request.args.get("area", type=int)
    area = next((one for one in areas if one.id == asked), areas[0] if areas else None)
    area_id = area.id if area else None
    versions = [version for version in queries.setting_versions(area_id) if version.key in CHANGEABLE]
    newest = versions[0].id if versions else 0
    now = {key: queries.read_whole_setting(key, area_id) for key in CHANGEABLE}
    shown = {key: value // 100 if CHANGEABLE[key].unit == "bp" else value for key, value in now.items()}
    form = forms.settings_form(CHANGEABLE)(data=shown | {"row_version": newest})
    clash = None
    if form.validate_on_submit():
        if form["row_version"].data != newest:
            clash = form.take_newer(shown, newest)
        else:
            services.change_settings(
                forms.typed_settings(form, CHANGEABLE), area_id, form["reason"].data, current_act()
            )
            db.session.commit()
            flash("The settings are saved. They count from the next figures that are built.", "success")
            return redirect(url_for("accounts.settings", area=asked), 303)
    return render_template(
        "accounts/settings.html",
        form=form,
        clash=clash,
        area=area,
        areas=areas,
        kinds=CHANGEABLE,
        versions=versions,
        names=queries.person_names(version.recorded_by for version in versions),
    )


def _role_words(person_id: int) -> list[str]:
    """What somebody is today, the time of a deputy too."""
    words = [row.words for row in queries.role_rows(queries.standing_role_grants(today(), person_id))]
    for delegation, holder in standing_delegations(today(), deputy_id=person_id):
        words.append(f"Deputy certifier, {holder.name}, until {format_date(delegation.to_on)}")
    return words


def _done(form: forms.ConfirmForm, verb: Callable[[], None], words: str, person_id: int) -> ResponseReturnValue | None:
    try:
        verb()
    except Refused as refused:
        form.form_errors.append(refused.message)
        return None
    db.session.commit()
    flash(words, "success")
    return redirect(url_for("accounts.person", person_id=person_id), 303)


def _ask_end(form: forms.ConfirmForm, one: Person, words: str) -> ResponseReturnValue:
    return render_template(
        "components/confirm.html",
        form=form,
        title=f"End this role of {one.name}?",
        body=f"{words}. It ends today; what they did in it stays.",
        action="End the role",
        warning=True,
        cancel_url=url_for("accounts.person", person_id=one.id),
    )
