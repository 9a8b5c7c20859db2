"""``svd returns``: a year's end has commands of its own, and the list says of which kind each return is."""

import datetime as dt
import json
from collections.abc import Iterator

import pytest
from click.testing import CliRunner, Result
from flask import Flask
from flask.cli import ScriptInfo

from svd_tracker.cli import cli
from svd_tracker.errors import Refused
from svd_tracker.extensions import db
from svd_tracker.grants.calendar_terms import CalendarTerms
from svd_tracker.grants.models import YearEnd
from svd_tracker.returns.obligations import ensure_obligations
from tests.integration.returns.year import APRIL, make_year
from tests.support.money import make_terms
from tests.support.world import act

pytestmark = pytest.mark.db


@pytest.fixture(autouse=True)
def year(app: Flask) -> Iterator[None]:
    make_terms(make_year().grant, calendar=CalendarTerms(year_end=YearEnd.FINAL), reason="A final")
    ensure_obligations(act(on=APRIL), APRIL)
    db.session.commit()
    app.config["TODAY"] = dt.date(2026, 5, 1)
    yield
    app.config["TODAY"] = None


def run(app: Flask, *arguments: str) -> Result:
    db.session.remove()
    return CliRunner().invoke(cli, ["returns", *arguments], obj=ScriptInfo(create_app=lambda: app))


def test_the_list_says_of_which_kind_each_return_is(app: Flask) -> None:
    found = {row["obligation"]: row for row in json.loads(run(app, "list", "--json").stdout)}
    assert found["2025-26-final-dorset"]["kind"] == "final"
    assert found["2025-26-final-dorset"]["certify_on"] == "2026-04-30"
    words = "2025-26-final-dorset: Final 2025/26, not built, late; draft 16 April 2026, certify 30 April 2026, due 30"
    assert words in run(app, "list").stdout


def test_a_years_end_is_built_by_its_name(app: Flask) -> None:
    built = run(app, "build", "dorset", "2025-final", "--json")
    assert built.exit_code == 0, built.output
    assert json.loads(built.stdout)["return"].endswith("/2025-26-final-dorset")
    missing = run(app, "build", "dorset", "2025-provisional")
    assert isinstance(missing.exception, Refused)
    assert missing.exception.message == ("There is no return of dorset for Provisional 2025/26: see svd returns list")
    wrong = run(app, "build", "dorset", "2025-q4-final")
    assert wrong.exit_code == 2
    assert "2025-provisional" in wrong.output
