"""``svd ledger import``: its exit codes and what it prints."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from flask import Flask
from flask.cli import ScriptInfo

from svd_tracker.calculations.placing import RuleTests
from svd_tracker.cli import cli
from svd_tracker.errors import Refused
from svd_tracker.extensions import db
from tests.integration.finance.ledger_files import csv_of, line, mapping_of, rule
from tests.integration.finance.money_rows import JULY, make_funding, spent
from tests.support.money import make_grant

pytestmark = pytest.mark.db


def run(app: Flask, *arguments: str) -> Result:
    info = ScriptInfo(create_app=lambda: app)
    return CliRunner().invoke(cli, ["ledger", "import", *arguments], obj=info)


def test_a_file_is_taken_in_once(app: Flask, tmp_path: Path) -> None:
    app.config["TODAY"] = JULY
    funding = make_funding(make_grant())
    rule("All", RuleTests(cost_centre="N*"), funding)
    file = tmp_path / "june.csv"
    file.write_bytes(csv_of([line("100.00")]))
    mapping_of(file.read_bytes())
    db.session.commit()
    done = run(app, "dorset", str(file), "--json")
    assert done.exit_code == 0, done.output
    said = json.loads(done.stdout)
    assert (said["state"], said["lines_posted"], said["total_pence"], said["findings"]) == ("taken_in", 1, 100_00, [])
    assert said["shares"] == [{"outcome": "placed", "label": "All", "rule_id": 1, "lines": 1, "pence": 100_00}]
    assert spent(funding) == {1: 100_00}
    db.session.rollback()
    again = run(app, "dorset", str(file))
    assert isinstance(again.exception, Refused)
    assert "taken in on 10 July 2025" in again.exception.message

    file.write_bytes(csv_of([line("100.00"), line("4.00", "INV 2", centre="X1")]))
    longer = run(app, "dorset", str(file))
    assert longer.stdout == "Taken in: 1 line posted, £4.00; 1 line waiting; 1 line known before.\n"


def test_a_refused_file_is_told_row_by_row(app: Flask, tmp_path: Path) -> None:
    app.config["TODAY"] = JULY
    file = tmp_path / "june.csv"
    file.write_bytes(csv_of([line("lots"), line("1.00", day="some day")]))
    mapping_of(csv_of([line("1.00")]))
    db.session.commit()
    refused = run(app, "dorset", str(file))
    assert refused.exit_code == 1
    assert "Error: Row 2, Net amount" in refused.stderr
    assert "Error: Row 3, Date" in refused.stderr
    assert "Nothing was posted" in refused.stderr
    unknown = run(app, "poole", str(file))
    assert isinstance(unknown.exception, Refused)
    assert "dorset" in unknown.exception.message


def test_a_mapping_is_found_by_headings_or_named(app: Flask, tmp_path: Path) -> None:
    app.config["TODAY"] = JULY
    file = tmp_path / "june.csv"
    file.write_bytes(csv_of([line("1.00")]))
    new = run(app, "dorset", str(file), "--json")
    assert isinstance(new.exception, Refused)
    assert "These headings are new" in json.loads(new.stdout)["message"]
    mapping_of(file.read_bytes(), "Civica")
    db.session.commit()
    wrong = run(app, "dorset", str(file), "--mapping", "SAP")
    assert isinstance(wrong.exception, Refused)
    assert wrong.exception.message.endswith('has no mapping "SAP". It has: Civica')
    assert run(app, "dorset", str(file), "--mapping", "Civica").exit_code == 0
    nothing = tmp_path / "nothing.csv"
    nothing.write_bytes(b"")
    assert isinstance(run(app, "dorset", str(nothing)).exception, Refused)
