"""The internal-audit bundle: checked by its own script outside the application, and only for the auditor."""

import csv
import datetime as dt
import hashlib
import io
import json
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask

from svd_tracker import db as database
from svd_tracker.extensions import db
from svd_tracker.grants.models import Grant
from svd_tracker.returns.bundle import write_bundle
from svd_tracker.returns.bundle_records import BundleZip
from tests.integration.returns.year import OCTOBER, by, certified, make_year
from tests.support.client import PageClient
from tests.support.world import act

pytestmark = pytest.mark.db


@pytest.fixture(autouse=True)
def day(app: Flask) -> Iterator[None]:
    app.config["TODAY"] = OCTOBER
    yield
    app.config["TODAY"] = None


def unpacked(grant: Grant, folder: Path) -> Path:
    into = io.BytesIO()
    db.session.rollback()
    grant_id = grant.id
    with database.reading(db.session()):
        write_bundle(db.session.get_one(Grant, grant_id), 2025, act(on=OCTOBER), into)
    zipfile.ZipFile(into).extractall(folder)
    return folder


def verify(folder: Path) -> subprocess.CompletedProcess[str]:
    """As an auditor would: Python alone, without this application to import."""
    return subprocess.run(
        [sys.executable, "-I", "-S", str(folder / "verify.py")], capture_output=True, text=True, check=False
    )


def test_a_bundle_is_verified_outside_the_application(app: Flask, tmp_path: Path) -> None:
    year = make_year()
    certified()
    folder = unpacked(year.grant, tmp_path)
    found = verify(folder)
    assert found.returncode == 0, found.stdout
    assert found.stdout.count("yes ") == 3
    with (folder / "figures.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["Figure"] == "spent" and row["Section"] == "funding"]
    assert {row["Value"] for row in rows} == {"990017", "493033"}
    assert len(list((folder / "returns" / "dorset").iterdir())) == 1


@pytest.mark.parametrize(
    ("name", "old", "new", "says"),
    [
        ("ledger/entries.csv", "990017", "990018", "its entries come to 990018"),
        ("audit/lines.jsonl", '"certify"', '"certifie"', "was changed"),
        ("certificates.csv", "revision 1", "revision 2", "is not as it was put into the bundle"),
    ],
)
def test_a_changed_bundle_is_found(app: Flask, tmp_path: Path, name: str, old: str, new: str, says: str) -> None:
    year = make_year()
    certified()
    folder = unpacked(year.grant, tmp_path)
    text = (folder / name).read_text(encoding="utf-8")
    assert old in text
    (folder / name).write_text(text.replace(old, new), encoding="utf-8")
    found = verify(folder)
    assert found.returncode == 1
    assert says in found.stdout
    assert "is not as it was put into the bundle" in found.stdout


def test_a_workbook_changed_together_with_the_manifest_is_found(app: Flask, tmp_path: Path) -> None:
    year = make_year()
    certified()
    folder = unpacked(year.grant, tmp_path)
    (workbook,) = (folder / "returns" / "dorset").iterdir()
    workbook.write_bytes(workbook.read_bytes() + b" ")
    manifest = json.loads((folder / "manifest.json").read_text())
    name = workbook.relative_to(folder).as_posix()
    manifest["files"][name]["sha256"] = hashlib.sha256(workbook.read_bytes()).hexdigest()
    (folder / "manifest.json").write_text(json.dumps(manifest))
    found = verify(folder)
    assert found.returncode == 1
    assert "is not the workbook that its certificate is of" in found.stdout


def test_two_files_of_one_name_are_both_there() -> None:
    bundle = BundleZip(io.BytesIO())
    bundle.put("a.txt", b"1")
    with pytest.raises(ValueError, match="already"):
        bundle.put("a.txt", b"2")


def test_a_missing_and_a_foreign_file_are_found(app: Flask, tmp_path: Path) -> None:
    year = make_year()
    certified()
    folder = unpacked(year.grant, tmp_path)
    (folder / "payments.csv").unlink()
    (folder / "more.txt").write_text("x")
    found = verify(folder)
    assert "payments.csv is missing" in found.stdout
    assert "more.txt is not in the manifest" in found.stdout


def test_an_emptied_payload_leaves_the_bundle_whole(app: Flask, tmp_path: Path) -> None:
    year = make_year()
    certified()
    db.session.execute(db.text("UPDATE audit_payload SET payload = NULL, salt = NULL WHERE audit_line_id = 3"))
    db.session.commit()
    assert verify(unpacked(year.grant, tmp_path)).returncode == 0


def test_only_the_auditor_takes_it(app: Flask, client: PageClient) -> None:
    year = make_year()
    certified()
    grant_id = year.grant.id
    db.session.rollback()
    url = f"/audit/bundle/{grant_id}/2025"
    client.sign_in("auditor@audit.example")
    assert url in client.get("/audit/bundles").text
    answer = client.get(url)
    manifest = json.loads(zipfile.ZipFile(io.BytesIO(answer.data)).read("manifest.json"))
    assert manifest["year"] == "2025/26"
    for email in ("finance.officer@dorset.example", "administrator@dorset.example"):
        client.sign_in(email)
        client.get(url, status=403)


def test_who_made_it_and_when_stand_in_it(app: Flask, tmp_path: Path) -> None:
    year = make_year()
    into = io.BytesIO()
    doer = by("finance.officer@dorset", dt.date(2025, 10, 20))
    grant_id = year.grant.id
    with database.reading(db.session()):
        write_bundle(db.session.get_one(Grant, grant_id), 2025, doer, into)
    assert b"Made on 2025-10-20" in zipfile.ZipFile(into).read("README.txt")
