"""The frame of the pages and every component, drawn by a small app and read as strict HTML."""

import base64
import datetime as dt
import hashlib
import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import html5lib
import pytest
from flask import Flask, flash, render_template, render_template_string
from flask.testing import FlaskClient
from jinja2 import UndefinedError

from svd_tracker.errors import NotFound, Refused
from svd_tracker.web import charts, headers, jinja, views
from svd_tracker.web.forms import Form, PoundsField, TextField, required

pytestmark = pytest.mark.unit

ROOT = Path(__file__).resolve().parent.parent.parent
PERSON = SimpleNamespace(is_authenticated=True, name="Amira <b>Shah</b>")

PAGE = """{% extends "base.html" %}
{% from "components/table.html" import table, row_head, cell, number, amount %}
{% from "components/status.html" import tag, status_words %}
{% from "components/money.html" import money, money_or_missing %}
{% from "components/summary.html" import summary, figures %}
{% from "components/history.html" import history %}
{% from "components/empty.html" import empty %}
{% from "components/pager.html" import pager %}
{% from "components/chart.html" import grouped_bars_chart, progress_bar %}
{% from "web/conflict.html" import conflict %}
{% block page_title %}Dorset, 2025/26{% endblock %}
{% block breadcrumbs %}{{ breadcrumbs([("Money", "/"), ("Dorset", none)]) }}{% endblock %}
{% block content %}<h1>Dorset</h1>
{{ money(-12000) }} {{ money_or_missing(none, "no ledger loaded") }} {{ tag("sent_back") }} {{ tag("some_new_one") }}
{{ status_words("fund_if") }}
{% set foot %}<tr>{{ row_head("All") }}{{ number(2) }}{{ amount(100) }}</tr>{% endset %}
{% call table("Projects", ["Name", ("Count", "numeric"), ("Spent", "numeric")], rows=[1], sortable=true, filter="Find",
              foot=foot) %}
<tr>{{ row_head("Nurse", "/n", "INT-001") }}{{ cell("a", sort="2") }}{{ amount(120, url="/e") }}</tr>
<tr>{{ row_head("Level-Up") }}{{ number("62.5%") }}{{ amount(none, "not given yet") }}</tr>
{% endcall %}
{% call table("None", ["A"], rows=[], empty="Nothing here. Add one.") %}{% endcall %}
{{ summary([("Reference", "R1"), ("Signed", none, "/change", "signing date")]) }}
{{ figures([("Award", "£1"), ("Left", "£2", "of £3")]) }}
{{ history(lines) }}{{ history([]) }}{{ empty("No match", "It is free.", "Record it", "/m") }}
{{ conflict([("Budget", "1", "2"), ("Reason", "", "")], "Beth", lines[0].at) }}
{% macro address(n) %}/?page={{ n }}{% endmacro %}{{ pager(3, 9, address) }}{{ pager(1, 1, address) }}
{{ grouped_bars_chart("spend", "Title", "Words", ["Profile", "Spent"], [("Q1", [700, -100]), ("Q2", [800, none])]) }}
{{ progress_bar("Nurse", 50, 200) }}
{% endblock %}"""

FORM = """{% extends "base.html" %}{% from "components/form.html" import field, post_form %}
{% block page_title %}Award{% endblock %}{% block content %}
{% call post_form(form, "Save", cancel_url="/", files=true) %}{{ field(form.name, {"hint": {"text": "In full"}}) }}
{{ field(form.amount) }}{% endcall %}{% endblock %}"""


class Award(Form):
    name = TextField("Name", [required("Enter the name")])
    amount = PoundsField("Amount")


class Login(Form):
    email = TextField("Email", [required("Email not provided")])
    password = TextField("Password")
    remember = TextField("Remember")
    new_password = TextField("New")
    new_password_confirm = TextField("Again")
    submit = TextField("Submit")


@pytest.fixture
def app() -> Flask:
    app = Flask("svd_tracker.app", template_folder=str(ROOT / "templates"), root_path=str(ROOT / "svd_tracker"))
    app.config.update(SECRET_KEY="for tests", WTF_CSRF_ENABLED=False, COUNCIL_NAME="Dorset Council", TESTING=True)
    jinja.init_app(app)
    headers.init_app(app)
    app.register_blueprint(views.bp)
    for path, endpoint in (("/sign-out", "logout"), ("/sign-in", "login"), ("/password", "change_password")):
        app.add_url_rule(path, f"security.{endpoint}", lambda: "", methods=["GET", "POST"])

    @app.get("/")
    def home() -> str:
        flash("The return was drafted.", "success")
        flash("One warning is open.")
        line = SimpleNamespace(
            at=dt.datetime(2025, 6, 16, 13, 5, tzinfo=dt.UTC),
            who="Beth",
            what="Changed",
            changes=[("Budget", None, "£2")],
        )
        return render_template_string(
            PAGE,
            lines=[line, SimpleNamespace(at=line.at, who="Beth", what="Opened")],
            current_user=PERSON,
            account_url="/account",
            demo_banner="Made up.",
            navigation=[SimpleNamespace(label="Money", url="/money", active=True)],
        )

    @app.route("/form", methods=["GET", "POST"])
    def form() -> str:
        form = Award()
        form.validate_on_submit()
        return render_template_string(FORM, form=form)

    @app.get("/confirm")
    def confirm() -> str:
        return render_template(
            "components/confirm.html",
            title="Certify?",
            action="Certify",
            form=Award(),
            facts=[("Holder", "Dorset")],
            trail=[("Returns", "/r"), ("Q1", None)],
        )

    @app.get("/template/<path:name>")
    def template(name: str) -> str:
        form = Login()
        form.validate()
        more: dict[str, Any] = {"demo_people": [("Coordinator", "c@example.org")], "demo_password": "a password"}
        return render_template(name, login_user_form=form, change_password_form=form, active_password=True, **more)

    return app


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


def read(client: FlaskClient, path: str, **post: str) -> str:
    """The page, after it was read as strict HTML and no id was found twice."""
    answer = client.post(path, data=post) if post else client.get(path)
    assert answer.status_code == 200
    page = answer.get_data(as_text=True)
    html5lib.HTMLParser(strict=True).parse(page)
    ids = re.findall(r'\sid="([^"]+)"', page)
    assert sorted(ids) == sorted(set(ids))
    assert " style=" not in page
    return page


def test_every_component_is_strict_html(client: FlaskClient) -> None:
    page = read(client, "/")
    assert "<title>Dorset, 2025/26 – Serious Violence Duty tracker</title>" in re.sub(r"\s*\n\s*", "", page)
    for words in (
        "−£120.00",
        "no ledger loaded",
        "Sent back",
        "Some new one",
        "Fund if",
        "Nothing here. Add one.",
        "16 June 2025, 2:05pm",
        "Dorset Council",
        "Amira &lt;b&gt;Shah&lt;/b&gt;",
        'action="/sign-out"',
        "Made up.",
        "The return was drafted.",
    ):
        assert words in page
    assert 'role="region" aria-label="Projects" tabindex="0"' in page


def test_a_form_shows_its_errors_at_the_top_and_at_the_field(client: FlaskClient) -> None:
    page = read(client, "/form")
    assert "There is a problem" not in page
    page = read(client, "/form", name=" ", amount="<script>")
    assert "<title>Error: Award" in page
    assert page.count("Enter the name") == 2
    assert '<a href="#amount">' in page
    assert 'value="&lt;script&gt;"' in page
    assert "Amira" not in page


def test_the_confirm_page_asks_and_offers_a_way_back(client: FlaskClient) -> None:
    page = read(client, "/confirm")
    assert "Certify?" in page
    assert 'data-prevent-double-click="true"' in page


@pytest.mark.parametrize(
    "name",
    [f"errors/{code}.html" for code in (400, 403, 404, 409, 413, 429, 500)]
    + ["security/login_user.html", "security/change_password.html"],
)
def test_pages_without_a_feature(client: FlaskClient, name: str) -> None:
    assert "<h1" in read(client, f"/template/{name}")


def test_a_refusal_is_told_in_its_own_words(app: Flask) -> None:
    with app.test_request_context():
        page = render_template("errors/409.html", error=Refused("The quarter is closed"))
        assert "The quarter is closed" in page
        assert "404" not in render_template("errors/404.html", error=NotFound())


def test_the_accessibility_statement(client: FlaskClient, app: Flask) -> None:
    assert "Tell your administrator" in read(client, "/accessibility")
    app.config["CONTACT_EMAIL"] = "help@example.gov.uk"
    assert "mailto:help@example.gov.uk" in read(client, "/accessibility")


def test_a_name_that_is_missing_is_an_error_in_our_templates(app: Flask) -> None:
    with app.test_request_context(), pytest.raises(UndefinedError):
        render_template_string("{{ nobody_gave_this }}")


def test_headers(client: FlaskClient, app: Flask) -> None:
    answer = client.get("/form")
    policy = answer.headers["Content-Security-Policy"]
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert answer.headers["Cache-Control"] == "no-store"
    assert "Strict-Transport-Security" not in answer.headers
    assert "no-store" not in client.get("/static/app.css").headers["Cache-Control"]
    app.config["SESSION_COOKIE_SECURE"] = True
    assert "Strict-Transport-Security" in client.get("/form").headers


def test_the_policy_lets_the_one_inline_script_run(client: FlaskClient) -> None:
    scripts = re.findall(r"<script>(.*?)</script>", client.get("/form").get_data(as_text=True), re.DOTALL)
    assert len(scripts) == 1
    digest = base64.b64encode(hashlib.sha256(scripts[0].encode()).digest()).decode()
    assert f"'sha256-{digest}'" == headers.GOVUK_SCRIPT


def test_nothing_of_gov_uk_alone_is_served() -> None:
    styles = (ROOT / "svd_tracker/static/govuk/govuk-frontend.min.css").read_text(encoding="utf-8")
    for mark in ("GDS Transport", "@font-face", "crest", "url(/"):
        assert mark not in styles


def test_the_councils_colour(client: FlaskClient, app: Flask) -> None:
    app.config["COUNCIL_COLOUR"] = "7A1F5C"
    answer = client.get("/brand.css")
    assert "--govuk-brand-colour:#7a1f5c" in answer.get_data(as_text=True)
    assert answer.headers["Cache-Control"] == "public, max-age=3600"
    assert "--app-on-brand:#0b0c0c" in views.brand_css("#ffd700")
    assert f"#{views.DEFAULT_COLOUR}" in views.brand_css("red;}body{display:none")


def test_filters() -> None:
    assert jinja.day(dt.date(2025, 6, 6)) == "6 June 2025"
    assert jinja.day(None) == "not given"
    assert jinja.moment(dt.datetime.fromisoformat("2025-06-16T23:30")) == "17 June 2025, 12:30am"
    assert jinja.moment(dt.datetime(2025, 1, 16, 12, 0, tzinfo=dt.UTC)) == "16 January 2025, 12:00pm"
    assert jinja.moment(None) == "not given"
    assert [jinja.percent_bp(bp) for bp in (6250, 10000, -5, 1, None)] == ["62.5%", "100%", "−0.05%", "0.01%", "–"]


def test_bars_stay_in_their_drawing_and_missing_is_not_nought() -> None:
    drawing = charts.grouped_bars([("Q1", [7036250, 6120411]), ("Q2", [-250000, None])])
    assert [bar.missing for bar in drawing.bars] == [False, False, False, True]
    for bar in drawing.bars:
        assert bar.x >= charts.LEFT
        assert bar.x + bar.width <= charts.WIDTH
        assert bar.y >= charts.TOP
        assert bar.y + bar.height <= charts.HEIGHT - charts.BOTTOM
    assert "£0" in [tick.text for tick in drawing.ticks]
    assert drawing.bars[2].y == drawing.zero_y
    assert charts.grouped_bars([]).bars == ()
    assert charts.grouped_bars([("Q1", [None, None])]).bars[0].missing
    assert [charts.progress(*pair) for pair in ((1, 2), (3, 2), (-1, 2), (1, 0))] == [50, 100, 0, 0]
