"""What an area makes of each check: warn, block, or warn up to a day; and what a build says of all of them."""

import datetime as dt
from collections.abc import Iterator
from html import unescape

import pytest
from flask import Flask
from sqlalchemy import select

from svd_tracker.accounts.models import Area, Setting
from svd_tracker.accounts.services import change_setting
from svd_tracker.audit.models import AuditLine
from svd_tracker.calculations.figures import EntryKind
from svd_tracker.errors import Refused
from svd_tracker.extensions import db
from svd_tracker.finance.evidence import attach_to_accrual, entries_with_files, take_from_entry
from svd_tracker.finance.models import LedgerEntry
from svd_tracker.finance.queries import get_entry
from svd_tracker.returns.check_kinds import ERROR, KINDS, WARNING, check_kinds, rules_of
from svd_tracker.returns.models import ReturnRevision
from svd_tracker.returns.queries import checks_of, get_revision, newest_build
from svd_tracker.returns.services import prepare
from tests.integration.finance.money_rows import post
from tests.integration.returns.test_pages import hidden
from tests.integration.returns.year import (
    CHECKED,
    DRAFTED,
    OCTOBER,
    by,
    certified,
    check,
    draft,
    make_forecasts,
    make_year,
    obligation,
    workbook_of,
)
from tests.support.client import PageClient
from tests.support.money import holder
from tests.support.world import act

pytestmark = pytest.mark.db
OPCC, OFFICER = "opcc.officer@opcc.example", "finance.officer@dorset.example"


@pytest.fixture(autouse=True)
def day(app: Flask) -> Iterator[None]:
    app.config["TODAY"] = CHECKED
    yield
    app.config["TODAY"] = None


def area_id() -> int:
    return db.session.scalars(select(Area.id)).one()


def setting(code: str, value: str) -> None:
    change_setting(f"check_{code}", value, area_id(), "For this round", act(on=DRAFTED))
    db.session.commit()


def said(revision: ReturnRevision) -> dict[str, str]:
    """Severity by code of what the newest build's checks found."""
    build = newest_build(revision.id)
    assert build is not None
    return {each.code: each.severity for each in checks_of(build.id)[0]}


def passed(revision: ReturnRevision) -> dict[str, str]:
    build = newest_build(revision.id)
    assert build is not None
    return checks_of(build.id)[1]


def test_a_check_that_blocks_stops_the_return_and_one_that_warns_lets_it_go(app: Flask) -> None:
    make_year()
    revision = draft()
    assert said(revision)["accrual_no_evidence"] == WARNING
    setting("accrual_no_evidence", "block")
    revision = draft()
    assert said(revision)["accrual_no_evidence"] == ERROR
    with pytest.raises(Refused, match="The checks found 1 error"):
        check(revision)
    db.session.rollback()
    setting("accrual_no_evidence", "warn")
    check(draft())


def test_a_check_warns_up_to_its_day_and_blocks_from_the_next(app: Flask) -> None:
    make_year()
    setting("accrual_no_evidence", "warn_until:2025-07-18")
    assert said(draft(on=CHECKED))["accrual_no_evidence"] == WARNING
    before = prepare(obligation(1).id, act(on=CHECKED)).inputs_digest
    after = prepare(obligation(1).id, act(on=CHECKED + dt.timedelta(days=1)))
    assert before != after.inputs_digest, "what the checks do is an input"
    assert {each.code: each.severity for each in after.content.findings}["accrual_no_evidence"] == ERROR


def test_every_build_says_of_each_check_that_it_found_something_or_passed(app: Flask) -> None:
    year = make_year(forecasts=False)
    revision = draft()
    assert said(revision).keys() | passed(revision).keys() == KINDS.keys()
    assert not said(revision).keys() & passed(revision).keys()
    order = [kind.code for kind in check_kinds()]
    assert list(passed(revision)) == [code for code in order if code in passed(revision)]
    for funding in (year.nurse, year.tool):
        make_forecasts(funding, {2: 10_000_00, 3: 10_000_00, 4: 10_000_00}, "As planned")
    certified_one = certified()
    book = workbook_of(certified_one)
    cells = " ".join(str(cell.value) for row in book["Checks"].iter_rows() for cell in row if cell.value)
    for title in passed(certified_one).values():
        assert title in cells
    for code in said(certified_one):
        assert KINDS[code].title in cells


def test_the_page_says_what_each_check_does_and_the_opcc_changes_it(app: Flask, client: PageClient) -> None:
    number = area_id()
    client.sign_in(OFFICER)
    page = unescape(client.get("/returns/checks").text)
    for kind in check_kinds():
        assert kind.title in page
        assert kind.fixed in page
    assert "/returns/checks/" not in page, "others read"
    url = f"/returns/checks/{number}/change?check=output_missing"
    client.get(url, status=403)
    client.sign_in(OPCC)
    page = client.get("/returns/checks").text
    assert f'href="{url}"' in page
    assert f'href="/returns/checks/{number}/change?check=lines_waiting"' not in page
    given = {"row_version": "0", "reason": "From the second return on", "does": "warn_until"}
    assert "Enter the last day on which the check only warns" in client.post(url, given, 200).text
    until = {"until-day": "30", "until-month": "9", "until-year": "2025"}
    assert "Say why it changes" in client.post(url, {**given, **until, "reason": ""}, 200).text
    client.post(url, {**given, **until})
    rule = rules_of(number)["output_missing"]
    assert (rule.severity, rule.until) == (ERROR, dt.date(2025, 9, 30))
    page = client.get("/returns/checks").text
    assert "up to 30 September 2025, then stops the return" in page
    assert "From the second return on" in page
    line = db.session.scalars(select(AuditLine).order_by(AuditLine.seq.desc()).limit(1)).one()
    assert (line.action, line.subject_type, line.subject_ref) == ("change", "setting", "check_output_missing")
    client.get(f"/returns/checks/{number}/change?check=lines_waiting", status=404)
    client.get(f"/returns/checks/{number}/change?check=no_such_check", status=404)
    client.get("/returns/checks/999/change?check=output_missing", status=403)


def test_who_changes_a_check_at_the_same_time_sees_what_the_other_did(app: Flask, client: PageClient) -> None:
    url = f"/returns/checks/{area_id()}/change?check=output_missing"
    client.sign_in(OPCC)
    first = {"row_version": "0", "reason": "One", "does": "block"}
    client.post(url, first)
    page = client.post(url, {"row_version": "0", "reason": "Two", "does": "warn"}, 200).text
    assert "It stops the return until it is put right" in page
    assert db.session.scalar(select(Setting.value).where(Setting.key == "check_output_missing")) == "block"


def test_the_settings_page_is_left_alone_by_checks(app: Flask, client: PageClient) -> None:
    setting("output_missing", "block")
    page = client.sign_in(OPCC).get("/settings").text
    assert "check_output_missing" not in page
    assert hidden(page, "row_version") == "0", "a change of a check is no clash with the other settings"


def test_a_setting_of_a_check_takes_only_what_it_may_be(app: Flask) -> None:
    for wrong in ("", "1", "stop", "warn_until:2025-9-30"):
        with pytest.raises(Refused, match="Choose what the check does"):
            setting("output_missing", wrong)
        db.session.rollback()


def test_a_file_with_an_accrual_ends_the_finding_and_taking_it_away_brings_it_back(app: Flask) -> None:
    make_year()
    accrual = db.session.scalars(select(LedgerEntry).where(LedgerEntry.kind == EntryKind.ACCRUAL)).one()
    officer = by("finance.officer@dorset", DRAFTED)
    link = attach_to_accrual(officer, accrual, "Order.pdf", b"%PDF-1.7 order")
    db.session.commit()
    holder_id, entry_id = accrual.holder_id, accrual.id
    assert entries_with_files(holder_id, 2025) == {entry_id}
    assert entries_with_files(holder_id, 2024) == frozenset()
    assert "accrual_no_evidence" not in said(draft())
    take_from_entry(officer, get_entry(entry_id), link, "Of another order")
    db.session.commit()
    assert entries_with_files(holder_id, 2025) == frozenset()
    assert "accrual_no_evidence" in said(draft())


def test_the_next_quarter_asks_what_became_of_an_accrual(app: Flask, client: PageClient) -> None:
    year = make_year()
    certified()
    post(year.nurse, 9_000_00, dt.date(2025, 8, 6), on=OCTOBER)
    revision = draft(2, on=OCTOBER)
    assert "accrual_not_confirmed" in said(revision)
    page = client.sign_in(OFFICER).get(f"/returns/{revision.id}").text
    assert f"/finance/{holder('dorset').id}/2025/accruals" in page


def test_a_page_of_checks_asks_a_fixed_number_of_queries(app: Flask, client: PageClient) -> None:
    for code in ("output_missing", "control_total", "match_behind"):
        setting(code, "block")
    client.sign_in(OPCC).get("/returns/checks")
    assert len(client.queries) <= 16, client.queries


def test_a_cumulative_figure_that_falls_is_explained_before_the_return_goes(app: Flask, client: PageClient) -> None:
    year = make_year()
    certified()
    post(year.nurse, -500_00, dt.date(2025, 8, 6), document="CR-8", on=OCTOBER)
    post(year.tool, 4_000_00, dt.date(2025, 8, 6), on=OCTOBER)
    app.config["TODAY"] = OCTOBER
    revision = draft(2, on=OCTOBER)
    assert said(revision)["fall_unexplained"] == ERROR
    number, ref = revision.id, year.nurse.ref
    url = f"/returns/{number}"
    page = client.sign_in(OFFICER).get(url).text
    assert "Say why Specialist nurse (F-0001) is not as it was" in page
    form = client.get(f"{url}/explain").text
    client.post(
        f"{url}/explain", {"once_key": hidden(form, "once_key"), f"reason-{ref}": "A training course was credited"}
    )
    again = get_revision(number)
    assert "fall_unexplained" not in said(again)
    assert "fall_unexplained" in passed(again)
