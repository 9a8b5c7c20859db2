"""``svd ledger import``: its exit codes and what it prints."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from flask import Flask
from flask.cli import ScriptInfo

from svd_tracker.cli import cli
from svd_tracker.errors import Refused
from tests.integration.finance.money_rows import JULY, make_funding, spent
from tests.support.money import make_grant

pytestmark = pytest.mark.db


def run(app: Flask, *arguments: str) -> Result:
    info = ScriptInfo(create_app=lambda: app)
    return CliRunner().invoke(cli, ["ledger", "import", *arguments], obj=info)


def test_a_file_is_taken_in_once(app: Flask, tmp_path: Path) -> None:
    app.config["TODAY"] = JULY
    funding = make_funding(make_grant())
    file = tmp_path / "june.csv"
    file.write_text(f"Funding,Date,Kind,Document,Amount\n{funding.ref},06/05/2025,,INV 1,100.00\n")
    done = run(app, "dorset", str(file), "--json")
    assert done.exit_code == 0, done.output
    said = json.loads(done.stdout)
    assert (said["state"], said["lines_posted"], said["findings"]) == ("taken_in", 1, [])
    assert spent(funding) == {1: 100_00}
    again = run(app, "dorset", str(file))
    assert isinstance(again.exception, Refused)

    file.write_text(f"Funding,Date,Kind,Document,Amount\n{funding.ref},06/05/2025,,INV 1,100.00\n\n")
    same = run(app, "dorset", str(file))
    assert same.exit_code == 1
    assert "--same-rows-too" in same.stderr
    assert run(app, "dorset", str(file), "--same-rows-too").exit_code == 0
    assert spent(funding) == {1: 200_00}


def test_a_refused_file_is_told_row_by_row(app: Flask, tmp_path: Path) -> None:
    app.config["TODAY"] = JULY
    funding = make_funding(make_grant())
    file = tmp_path / "june.csv"
    file.write_text(
        f"Funding,Date,Kind,Document,Amount\n{funding.ref},06/05/2025,,INV 1,lots\nF-9,06/05/2025,,INV 2,1.00\n"
    )
    refused = run(app, "dorset", str(file))
    assert refused.exit_code == 1
    assert "Error: Row 2, Amount" in refused.stderr
    assert "Error: Row 3, Funding" in refused.stderr
    unknown = run(app, "poole", str(file))
    assert isinstance(unknown.exception, Refused)
    assert "dorset" in unknown.exception.message
