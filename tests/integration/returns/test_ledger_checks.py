"""A return and the council's ledger: what waits stops it, what is carried is accepted, what is missing is said."""

import datetime as dt
import io
import json
from collections.abc import Iterator

import openpyxl
import pytest
from flask import Flask

from svd_tracker.audit.models import AuditPayload
from svd_tracker.calculations.ledger_facts import Lines
from svd_tracker.errors import Refused
from svd_tracker.extensions import db
from svd_tracker.finance.intake.models import LedgerLine, LineEvent, LineEventKind, WhyWaiting
from svd_tracker.finance.placing import services as placing
from svd_tracker.finance.placing.services import When
from svd_tracker.finance.reconcile import queries
from svd_tracker.finance.reconcile.services import enter_control_total
from svd_tracker.returns import certify as certifying
from svd_tracker.returns.certify import certify_return, seal, store_certificate
from svd_tracker.returns.check_kinds import WARNING
from svd_tracker.returns.checks import lines_findings
from svd_tracker.returns.models import ReturnRevision
from svd_tracker.returns.papers import working_papers
from svd_tracker.returns.queries import findings_of, get_revision, newest_build
from svd_tracker.returns.services import prepare
from tests.integration.finance.money_rows import JUNE
from tests.integration.finance.placing_rows import make_line, make_upload, owner
from tests.integration.returns.test_pages import CERTIFIER, OFFICER, hidden
from tests.integration.returns.year import (
    CHECKED,
    DRAFTED,
    OCTOBER,
    POST,
    by,
    certified,
    certify,
    check,
    draft,
    make_year,
    obligation,
    workbook_of,
)
from tests.support.client import PageClient
from tests.support.world import act

pytestmark = pytest.mark.db
MAY = dt.date(2025, 5, 6)
WHY = "The supplier disputes it"


@pytest.fixture(autouse=True)
def day(app: Flask) -> Iterator[None]:
    app.config["TODAY"] = CHECKED
    yield
    app.config["TODAY"] = None


def said(revision: ReturnRevision, code: str) -> list[str]:
    build = newest_build(revision.id)
    assert build is not None
    return [each.message for each in findings_of(build.id) if each.code == code]


def carry(*lines: LedgerLine, quarter: int = 1, why: str = WHY) -> None:
    placing.carry(act(on=JUNE), owner(), lines, When(2025, quarter), why)
    db.session.commit()


def whole_ledger() -> LedgerLine:
    """A line in each month of quarter 1 and none that waits; gives the one of May."""
    lines = [make_line(100_00, dt.date(2025, month, 6)) for month in (4, 5, 6)]
    placing.leave_out(act(on=JUNE), owner(), lines, "Not of this grant")
    db.session.commit()
    return lines[1]


def certify_accepting(revision: ReturnRevision) -> None:
    build = newest_build(revision.id)
    assert build is not None
    certify_return(revision.id, build.id, POST, by("certifier@dorset", CHECKED), accepts_carried=True)
    db.session.commit()


def test_waiting_lines_stop_a_return_until_they_belong_somewhere(app: Flask, client: PageClient) -> None:
    make_year()
    whole_ledger()
    first, second = make_line(3_000_00), make_line(410_00, dt.date(2024, 12, 3))
    make_line(77_00, dt.date(2025, 7, 3))
    revision = draft()
    words = "2 ledger lines of £3,410.00 wait to be placed: place them, or carry them to the next return."
    assert said(revision, "lines_waiting") == [words], "of older years too, and none of a later quarter"
    with pytest.raises(Refused, match="The checks found 1 error"):
        check(revision)
    db.session.rollback()
    number, ids = revision.id, [first.id, second.id]
    page = client.sign_in(OFFICER).get(f"/returns/{number}").text
    assert words in page
    lines = [db.session.get_one(LedgerLine, each) for each in ids]
    placing.leave_out(act(on=JUNE), owner(), lines, "Not of this grant")
    db.session.commit()
    revision = draft()
    assert not said(revision, "lines_waiting")
    check(revision)
    certify(revision)


def test_a_line_that_came_after_the_build_stops_checking_and_certifying(app: Flask) -> None:
    make_year()
    whole_ledger()
    revision = draft()
    line = make_line(5_00)
    with pytest.raises(Refused, match="Ledger lines came in"):
        check(revision)
    db.session.rollback()
    placing.leave_out(act(on=JUNE), owner(), [line], "Not of this grant")
    db.session.commit()
    check(revision)
    make_line(6_00)
    with pytest.raises(Refused, match="Ledger lines came in"):
        certify(revision)


def test_dropped_lines_are_said_to_whoever_checks_and_certifies(app: Flask, client: PageClient) -> None:
    year = make_year()
    whole_ledger()
    line = make_line(80_00)
    placing.place(act(on=JUNE), owner(), [line], year.tool)
    db.session.commit()
    revision = draft()
    assert not said(revision, "lines_dropped")
    later = make_upload(name="Later.csv")
    db.session.add(LineEvent(upload_id=later.id, line_id=line.id, event=LineEventKind.DROPPED))
    db.session.commit()
    with pytest.raises(Refused, match="Ledger lines came in"):
        check(revision)
    db.session.rollback()
    revision = draft()
    (words,) = said(revision, "lines_dropped")
    assert words.startswith("1 ledger line of £80.00 stands here and is no longer in the ledger's newest file")
    check(revision)
    certify(revision)
    assert "/1/lines?show=dropped" in client.sign_in(OFFICER).get(f"/returns/{revision.id}").text


def test_the_years_end_says_what_waits_in_april_and_looks_like_the_old_year(app: Flask) -> None:
    line = make_line(-70_00, dt.date(2026, 4, 20), why=WhyWaiting.OLD_YEAR)
    make_line(30_00, dt.date(2026, 4, 20))
    owed = queries.outstanding(owner().id, 2025, 4)
    assert (owed.old_year, owed.waiting) == (Lines(1, -70_00), Lines())
    (found,) = lines_findings(owner().id, 2025, 4, owed)
    assert (found.severity, found.code) == (WARNING, "lines_old_year")
    assert found.message.startswith("1 ledger line of −£70.00 waits in 2026/27 and looks like part of 2025/26:")
    assert queries.outstanding(owner().id, 2025, 3).old_year == Lines(), "only the year's end asks"
    assert queries.outstanding(owner().id, 2026, 1).waiting.lines == 2, "they stop their own year's return"
    placing.leave_out(act(on=JUNE), owner(), [line], "Not of this grant")
    assert queries.outstanding(owner().id, 2025, 4).old_year == Lines()


def test_a_line_that_comes_between_sealing_and_storing_stops_it(app: Flask) -> None:
    make_year()
    whole_ledger()
    revision = draft()
    check(revision)
    build, on = newest_build(revision.id), by("certifier@dorset", CHECKED)
    assert build is not None
    sealed = seal(revision.id, build.id, POST, on)
    make_line(6_00)
    with pytest.raises(Refused, match="Ledger lines came in"):
        store_certificate(sealed, on)
    db.session.rollback()
    assert get_revision(revision.id).revision_no is None


def test_carried_lines_are_accepted_by_the_certifier_and_it_stands_in_the_audit_and_the_workbook(app: Flask) -> None:
    make_year()
    whole_ledger()
    carry(make_line(300_00), make_line(100_00))
    carry(make_line(10_00), why="No order yet")
    revision = draft()
    words = (
        "3 ledger lines of £410.00 are carried to the next return: No order yet (1 of £10.00); "
        "The supplier disputes it (2 of £400.00)."
    )
    assert said(revision, "lines_carried") == [words]
    check(revision)
    with pytest.raises(Refused, match="Say that you accept") as refused:
        certify(revision)
    assert refused.value.field == "accepts_carried"
    db.session.rollback()
    certify_accepting(revision)
    payload = db.session.query(AuditPayload).order_by(AuditPayload.audit_line_id.desc()).limit(20)
    accepted = [json.loads(each.payload)["after"].get("accepted") for each in payload if each.payload]
    assert words in accepted
    book = workbook_of(get_revision(revision.id))
    cells = [str(cell.value) for row in book["Checks"].iter_rows() for cell in row if cell.value]
    assert words in cells
    assert f"Accepted by Dorset chief finance officer, {POST}." in " ".join(cells)
    assert not [name for name in book.sheetnames if "Reconciliation" in name], "working papers stay with the holder"


def test_a_line_carried_past_one_return_stops_the_next(app: Flask) -> None:
    make_year()
    whole_ledger()
    line = make_line(300_00)
    carry(line)
    revision = draft()
    check(revision)
    certify_accepting(revision)
    second = draft(2, on=OCTOBER)
    assert said(second, "lines_waiting")
    assert not said(second, "lines_carried")
    carry(line, quarter=2)
    second = draft(2, on=OCTOBER)
    assert not said(second, "lines_waiting")
    assert said(second, "lines_carried")


def test_what_is_carried_after_the_build_is_not_accepted_with_it(app: Flask) -> None:
    make_year()
    whole_ledger()
    line = make_line(300_00)
    carry(line)
    revision = draft()
    check(revision)
    carry(make_line(9_00))
    with pytest.raises(Refused, match="build it again"):
        certify_accepting(revision)


def test_the_certification_page_asks_for_the_tick(app: Flask, client: PageClient) -> None:
    make_year()
    whole_ledger()
    carry(make_line(300_00))
    revision = draft()
    number = revision.id
    check(revision)
    url = f"/returns/{number}/certify"
    page = client.sign_in(CERTIFIER).get(url).text
    assert "1 ledger line of £300.00 is carried to the next return: The supplier disputes it" in page
    assert "I accept that this return goes on without these lines" in page
    given = {"build": hidden(page, "build"), "post": POST}
    again = client.post(url, given, 200).text
    assert certifying.ACCEPT_CARRIED in again
    assert "#accepts_carried" in again
    client.post(url, {**given, "accepts_carried": "y"})
    assert get_revision(number).revision_no == 1


def test_a_month_without_a_ledger_is_said_only_where_a_ledger_is_loaded_at_all(app: Flask) -> None:
    make_year()
    assert not said(draft(), "ledger_not_loaded")
    line = make_line(5_00, MAY)
    placing.leave_out(act(on=JUNE), owner(), [line], "Not of this grant")
    db.session.commit()
    expected = ["No ledger loaded for April 2025.", "No ledger loaded for June 2025."]
    assert said(draft(), "ledger_not_loaded") == expected
    assert not said(draft(), "no_entries")
    whole_ledger()
    assert not said(draft(), "ledger_not_loaded")


def test_a_quarter_without_entries_or_ledger_is_said_once(app: Flask) -> None:
    make_year()
    whole_ledger()
    certified()
    second = draft(2, on=OCTOBER)
    assert len(said(second, "ledger_not_loaded")) == 3
    assert not said(second, "no_entries")


def test_a_control_total_that_does_not_agree_is_a_warning(app: Flask) -> None:
    make_year()
    whole_ledger()
    enter_control_total(act(on=JUNE), owner(), 2025, 1, 305_00, "SAP report")
    db.session.commit()
    words = "The ledger of Q1 2025/26 comes to £300.00, and the control total to £305.00: they differ by £5.00."
    assert said(draft(), "control_total") == [words]
    enter_control_total(act(on=JUNE), owner(), 2025, 1, 300_00, "SAP report, again")
    db.session.commit()
    assert not said(draft(), "control_total")


def test_the_working_papers_have_the_reconciliation_and_its_digest_follows_the_ledger(app: Flask) -> None:
    make_year()
    whole_ledger()
    book = openpyxl.load_workbook(io.BytesIO(working_papers(draft().id).content), data_only=True)
    first = {row[0].value: row[2].value for row in book["Reconciliation Q1"].iter_rows()}
    assert first["Left out: Not of this grant"] == 300
    assert first["Spent to date, as the returns say"] == pytest.approx(14830.5)

    def digest() -> str:
        return prepare(obligation(1).id, act(on=DRAFTED)).inputs_digest

    before = digest()
    assert digest() == before
    enter_control_total(act(on=JUNE), owner(), 2025, 1, 1, "SAP report")
    db.session.commit()
    with_control = digest()
    carry(make_line(1_00))
    assert len({before, with_control, digest()}) == 3
