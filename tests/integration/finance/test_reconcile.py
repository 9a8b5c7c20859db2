"""The reconciliation of a quarter: what it adds up, what it says does not agree, and the lines behind each figure."""

import datetime as dt
import io
import re
from collections.abc import Iterator

import openpyxl
import pytest
from flask import Flask

from svd_tracker.audit.models import AuditLine
from svd_tracker.calculations.figures import EntryKind
from svd_tracker.calculations.ledger_facts import Control, Lines, TypedKind
from svd_tracker.calculations.reconciliation import Statement
from svd_tracker.decisions.models import Decision
from svd_tracker.errors import Refused
from svd_tracker.extensions import db
from svd_tracker.files.models import Upload, UploadState
from svd_tracker.finance import services as finance
from svd_tracker.finance.intake.models import LedgerLine, LineEvent, LineEventKind, UploadWithdrawal
from svd_tracker.finance.intake.page_queries import months_loaded
from svd_tracker.finance.models import Funding
from svd_tracker.finance.placing import services as placing
from svd_tracker.finance.placing.book import Part
from svd_tracker.finance.placing.services import When
from svd_tracker.finance.reconcile import queries
from svd_tracker.finance.reconcile.services import enter_control_total
from svd_tracker.grants.models import Grant
from svd_tracker.proposals.queries import get_proposal
from svd_tracker.returns.reconciled import said_by_quarter
from tests.integration.decisions.support import decide, deciding
from tests.integration.finance.money_rows import JUNE, make_funding, post
from tests.integration.finance.placing_rows import make_line, make_match, make_upload, owner
from tests.integration.returns.year import certified, draft, make_year
from tests.integration.scoring.support import declare
from tests.support.client import PageClient
from tests.support.money import holder, make_grant
from tests.support.world import act

pytestmark = pytest.mark.db

OFFICER, AUDITOR = "finance.officer@dorset.example", "auditor@audit.example"
JULY = dt.date(2025, 7, 18)
EASTER, MAY, LATE_JUNE = dt.date(2025, 4, 20), dt.date(2025, 5, 6), dt.date(2025, 6, 28)
SECOND_JULY = dt.date(2025, 7, 2)


@pytest.fixture(autouse=True)
def day(app: Flask) -> Iterator[None]:
    app.config["TODAY"] = JULY
    yield
    app.config["TODAY"] = None


def statement(quarter: int = 1, fy: int = 2025) -> Statement:
    (found,) = queries.read_year(owner(), fy).statements([quarter], JULY, said_by_quarter(owner().id, fy))
    return found


def control(pence: int, source: str = "SAP report, 7 July", quarter: int = 1) -> None:
    enter_control_total(act(on=JUNE), owner(), 2025, quarter, pence, source)
    db.session.commit()


def place(line: LedgerLine, funding: Funding, when: When | None = None) -> None:
    placing.place(act(on=JUNE), owner(), [line], funding, when=when, reason="Late invoice" if when else "")
    db.session.commit()


def address(what: str = "reconciliation", quarter: int = 1, fy: int = 2025) -> str:
    return f"/finance/{holder('dorset').id}/{fy}/{quarter}/{what}"


def text_of(page: str) -> str:
    """A page as it is read, without its marks."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page[page.find("<main") :])).replace("&#39;", "'")


def full_quarter() -> tuple[Grant, Funding, dict[str, LedgerLine]]:
    """One line in every part of the statement, and one of July that counts in quarter 1."""
    grant = make_grant()
    tool, old = make_funding(grant), make_funding(make_grant(2024), fy=2024)
    match = make_match(tool)
    upload = make_upload()
    pence = {
        "placed": 600_00, "split": 100_00, "old_year": 70_00, "left_out": 11_00, "grant": -5_000_00,
        "match": -200_00, "carried": 9_00, "waiting": 7_00,
    }  # fmt: skip
    lines = {name: make_line(amount, MAY, upload=upload) for name, amount in pence.items()}
    lines["late"] = make_line(40_00, SECOND_JULY, upload=upload)
    make_line(3_00, EASTER, upload=upload)
    make_line(-3_00, LATE_JUNE, upload=upload)
    on = act(on=JUNE)
    place(lines["placed"], tool)
    place(lines["old_year"], old, When(2024, 4))
    place(lines["late"], tool, When(2025, 1))
    placing.split(on, owner(), lines["split"], [Part(60_00, tool.id), Part(25_00, None, match.id), Part(15_00)])
    placing.leave_out(on, owner(), [lines["left_out"]], "Not of this grant")
    placing.income(on, owner(), [lines["grant"]], None)
    placing.income(on, owner(), [lines["match"]], match)
    placing.carry(on, owner(), [lines["carried"]], When(2025, 1), "The supplier disputes it")
    db.session.commit()
    return grant, tool, lines


def test_every_line_stands_in_one_part_and_the_parts_add_up(app: Flask) -> None:
    _, tool, _ = full_quarter()
    post(tool, 300_00, kind=EntryKind.ACCRUAL, document="PO-9")
    post(tool, -5_00, kind=EntryKind.JOURNAL, document="J-1", reason="Shared cost")
    wrong = post(tool, 45_00, document="INV-9", another_cost=True)
    finance.reverse_mistake(act(on=JUNE), wrong, "Typed twice")
    db.session.commit()
    found = statement()
    ledger, (grant,) = found.ledger, found.grants
    assert ledger.here.pence == 660_00
    assert [(each.fy, each.quarter, each.lines) for each in ledger.elsewhere] == [(2024, 4, Lines(1, 70_00))]
    assert (ledger.match.pence, ledger.local.pence) == (25_00, 15_00)
    assert ledger.left_out == {"Not of this grant": Lines(1, 11_00)}
    assert (ledger.grant_income, ledger.match_income) == (Lines(1, -5_000_00), Lines(1, -200_00))
    assert (ledger.carried, ledger.waiting) == (Lines(1, 9_00), Lines(3, 7_00))
    assert ledger.total == Lines(10, 600_00 + 100_00 + 70_00 + 11_00 - 5_000_00 - 200_00 + 9_00 + 7_00)
    assert ledger.unexplained == 0
    (funding,) = grant.fundings
    assert (funding.own_lines, funding.other_lines) == (660_00, 40_00)
    assert funding.typed == {
        TypedKind.ACTUAL: 0,
        TypedKind.ACCRUAL: 300_00,
        TypedKind.RELEASE: 0,
        TypedKind.JOURNAL: -5_00,
    }
    assert funding.spent == 995_00
    assert statement(2).ledger.total == Lines(1, 40_00)
    assert statement(2).ledger.elsewhere[0].lines == Lines(1, 40_00)
    assert statement(4, 2024).grants[0].other_lines == 70_00


def test_the_control_total_agrees_or_shows_the_difference_and_keeps_its_history(app: Flask) -> None:
    line, funding = make_line(100_00), make_funding(make_grant())
    place(line, funding)
    assert statement().ledger.control is None
    with pytest.raises(Refused, match="where you read it"):
        control(1_00, "  ")
    control(90_00)
    assert statement().ledger.control_difference == 10_00
    control(100_00, "SAP report, run again")
    assert statement().ledger.control == Control(100_00, "SAP report, run again")
    assert statement().ledger.control_difference == 0
    assert [each.pence for each in queries.control_history(owner().id, 2025, 1)] == [100_00, 90_00]
    newest = db.session.query(AuditLine).order_by(AuditLine.id.desc()).first()
    assert newest is not None
    assert (newest.action, newest.subject_ref) == ("enter_control_total", "dorset Q1 2025/26")


def test_a_month_is_loaded_by_what_a_file_covers_or_by_its_lines(app: Flask) -> None:
    holder_id = holder("dorset").id
    assert not months_loaded(holder_id, 2025)
    first = make_upload()
    make_line(1_00, EASTER, upload=first)
    make_line(1_00, dt.date(2026, 3, 31), upload=first, period=14)
    assert set(months_loaded(holder_id, 2025)) == {1, 12}
    second = Upload(
        holder_id=holder_id,
        file_id=first.file_id,
        state=UploadState.TAKEN_IN,
        lines_read=0,
        lines_posted=0,
        covers_from=202502,
        covers_to=202504,
        recorded_at=act().at,
        recorded_by=None,
    )
    db.session.add(second)
    db.session.commit()
    assert set(months_loaded(holder_id, 2025)) == {1, 2, 3, 4, 12}
    assert not months_loaded(holder_id, 2024)
    assert not months_loaded(holder("bcp").id, 2025)
    for upload in (first, second):
        given = {"recorded_at": act().at, "recorded_by": None}
        db.session.add(UploadWithdrawal(upload_id=upload.id, reason="Wrong file", **given))
    db.session.commit()
    assert not months_loaded(holder_id, 2025)


def test_lines_that_the_newest_file_dropped_are_shown_until_they_are_back(app: Flask) -> None:
    first, line = make_upload(), make_line(5_00)
    later = make_upload(name="Later.csv")
    db.session.add(LineEvent(upload_id=later.id, line_id=line.id, event=LineEventKind.DROPPED))
    db.session.commit()
    assert statement().dropped == Lines(1, 5_00)
    db.session.add(LineEvent(upload_id=first.id, line_id=line.id, event=LineEventKind.BACK))
    db.session.commit()
    assert statement().dropped == Lines()
    withdrawn = {"recorded_at": act().at, "recorded_by": None}
    db.session.add(UploadWithdrawal(upload_id=first.id, reason="Wrong file", **withdrawn))
    db.session.commit()
    assert statement().dropped == Lines(1, 5_00), "what a withdrawn file said no longer counts"
    placing.leave_out(act(), owner(), [line], "The ledger no longer has it")
    db.session.commit()
    assert statement().dropped == Lines(), "what is left out counts no more"


def test_the_return_of_the_quarter_and_those_after_it_are_compared(app: Flask) -> None:
    year = make_year()
    assert statement().grants[0].said is None
    draft()
    agreed = statement().grants[0]
    assert agreed.said is not None
    assert (agreed.said.words, agreed.difference, agreed.to_date_difference) == ("draft, build 1", 0, 0)
    post(year.tool, 33_00, document="INV-88", on=JULY)
    behind = statement().grants[0]
    assert (behind.difference, behind.to_date_difference) == (33_00, 33_00)
    certified()
    assert statement().grants[0].difference == 0
    post(year.tool, 44_00, document="INV-99", on=JULY)
    assert "comes as an adjustment in the next return" in statement().gaps[0].words
    draft(2, on=dt.date(2025, 10, 14))
    of_first, of_second = statement(1).grants[0], statement(2).grants[0]
    assert (of_first.difference, of_first.to_date_difference) == (0, 0)
    assert (of_second.difference, of_second.to_date_difference) == (0, 0)
    assert of_second.said is not None
    assert of_second.said.adjustments == 44_00
    assert of_second.typed[TypedKind.RELEASE] == -950_33


def test_the_first_screen_says_what_does_not_reconcile_and_what_to_do(app: Flask, client: PageClient) -> None:
    _, _, lines = full_quarter()
    control(-4_408_00)
    page = text_of(client.sign_in(OFFICER).get(address()).text)
    assert "£7.00 and £5.00 do not reconcile." in page
    assert "3 ledger lines of £7.00 wait to be placed." in page
    assert "The ledger loaded here is £5.00 more than SAP report, 7 July says." in page
    assert "Left out: Not of this grant" in page
    assert "Placed to fundings in Q4 2024/25" in page
    placing.leave_out(act(on=JUNE), owner(), queued(), "Not ours")
    db.session.commit()
    control(-4_403_00)
    page = text_of(client.get(address()).text)
    assert "It reconciles." in page
    assert "£7.00 wait" not in page
    assert lines


def queued() -> list[LedgerLine]:
    return list(
        db.session.query(LedgerLine)
        .filter(LedgerLine.cost_pence.in_([7_00, 3_00, -3_00]), LedgerLine.fy == 2025)
        .order_by(LedgerLine.id)
    )


def test_no_ledger_is_said_and_is_not_nought(app: Flask, client: PageClient) -> None:
    make_grant()
    client.sign_in(OFFICER)
    page = text_of(client.get(address()).text)
    assert "No ledger is loaded for this quarter." in page
    assert "No ledger loaded for April 2025, May 2025 and June 2025." in page
    ledger = page[: page.index("The return:")] if "The return:" in page else page
    assert "which is not the same as £0.00" in ledger
    assert ledger.count("£0.00") <= 2  # that sentence, and what is posted
    make_line(5_00, EASTER)
    page = text_of(client.get(address()).text)
    assert "No ledger loaded for May 2025 and June 2025." in page
    year = text_of(client.get(f"/finance/{holder('dorset').id}/2025/reconciliation").text)
    assert "no ledger" in year
    assert "Q1 2025/26 : £5.00 does not reconcile." in year


def test_every_figure_of_the_ledger_leads_to_lines_that_add_up_to_it(app: Flask, client: PageClient) -> None:
    full_quarter()
    html = client.sign_in(AUDITOR).get(address()).text
    links = re.findall(r'href="([^"]*/lines\?[^"]*)"[^>]*><span class="app-money">([^<]*)</span>', html)
    assert len(links) >= 12
    for url, figure in links:
        listed = text_of(client.get(url.replace("&amp;", "&")).text)
        assert f"{figure} in all" in listed, (url, figure)


def test_the_lists_have_pages_and_a_download(app: Flask, client: PageClient) -> None:
    upload = make_upload()
    for number in range(51):
        make_line(1_00 + number, upload=upload, supplier="=Harbour" if number == 0 else "Harbour")
    client.sign_in(OFFICER)
    first = client.get(address("lines?show=waiting")).text
    assert "page 1 of 2" in first
    assert first.count("of its file") == 50
    assert client.get(address("lines?show=waiting&page=2")).text.count("of its file") == 1
    assert "There is no such line" in client.get(address("lines?show=match")).text
    assert "page 1 of 2" in client.get(address("lines?show=nonsense&page=-4")).text
    csv = client.get(address("lines/download?show=waiting")).data.decode("utf-8-sig")
    assert csv.count("\r\n") == 52
    assert "'=Harbour" in csv
    client.get(address("lines", quarter=5), 404)
    client.get(address(fy=1), 404)


def test_the_control_total_is_entered_on_its_page(app: Flask, client: PageClient) -> None:
    make_line(5_00)
    client.sign_in(AUDITOR).get(address("control-total"), 403)
    client.sign_in(OFFICER)
    page = client.get(address("control-total")).text
    key = re.search(r'name="once_key"[^>]*value="([^"]+)"', page)
    assert key is not None
    wrong = client.post(address("control-total"), {"pence": "five", "source": "", "once_key": key[1]}, 200).text
    assert "Enter an amount in pounds, like 1,250.00" in wrong
    assert "Say where you read it" in wrong
    given = {"pence": "-5.00", "source": "SAP report", "once_key": key[1]}
    client.post(address("control-total"), given)
    client.post(address("control-total"), given)
    assert len(queries.control_history(owner().id, 2025, 1)) == 1, "a double click enters it once"
    db.session.rollback()
    assert "SAP report" in client.get(address("control-total")).text
    assert "£10.00 more than SAP report" in text_of(client.get(address()).text)


def test_the_sheet_has_the_statement_and_no_payee(app: Flask, client: PageClient) -> None:
    full_quarter()
    control(-4_408_00)
    download = client.sign_in(OFFICER).get(address("reconciliation/download"))
    book = openpyxl.load_workbook(io.BytesIO(download.data), data_only=True)
    assert book.sheetnames == ["Reconciliation Q1"]
    rows = [[cell.value for cell in row] for row in book.worksheets[0].iter_rows()]
    said = {str(row[0]): row[2] for row in rows if row[0]}
    assert said["Left out: Not of this grant"] == 11
    assert said["Ledger of the quarter, in its own periods"] == -4403
    assert said["Difference"] == 5
    assert "£7.00 and £5.00 do not reconcile." in said
    words = " ".join(str(cell) for row in rows for cell in row)
    assert "Harbour" not in words
    assert "Sessions in schools" not in words


def test_other_holders_and_roles_are_kept_out(app: Flask, client: PageClient) -> None:
    make_line(5_00)
    for who in ("finance.officer@bcp.example", "member@dorset.example", "administrator@dorset.example"):
        client.sign_in(who)
        for what in ("reconciliation", "reconciliation/download", "lines", "lines/download"):
            client.get(address(what), 403)


def test_an_interest_shuts_the_sums_and_the_lines(app: Flask, client: PageClient) -> None:
    _, (proposal,) = deciding()
    decision: Decision = decide(proposal, "dorset")
    shut = db.session.query(Funding).filter(Funding.intervention_id == decision.intervention_id).first()
    assert shut is not None
    line = make_line(77_00, dt.date(shut.fy, 5, 6))
    place(line, shut)
    shut_id = shut.id
    placing.split(act(on=JUNE), owner(), make_line(66_00, dt.date(shut.fy, 5, 6)),
                  [Part(66_00, None, make_match(shut).id)])  # fmt: skip
    db.session.commit()
    make_line(5_00, dt.date(shut.fy, 5, 6))
    fy, number, coordinator = shut.fy, proposal.id, "coordinator@dorset.example"
    client.sign_in(coordinator)
    assert "£77.00" in client.get(address(fy=fy)).text
    assert "£148.00 in all" in text_of(client.get(address("lines", fy=fy)).text)
    declare(get_proposal(number), coordinator)
    page = text_of(client.get(address(fy=fy)).text)
    assert "£77.00" not in page
    assert "You declared an interest" in page
    client.get(address("reconciliation/download", fy=fy), 404)
    assert "You declared an interest" in client.get(f"/finance/{holder('dorset').id}/{fy}/reconciliation").text
    for what in (
        "lines",
        "lines?show=here",
        "lines?show=match",
        "lines?show=counted",
        f"lines?show=here&funding={shut_id}",
    ):
        listed = text_of(client.get(address(what, fy=fy)).text)
        assert "77.00" not in listed, what
        assert "66.00" not in listed, what
    download = client.get(address("lines/download", fy=fy)).text
    assert ("5.00" in download, "77.00" in download, "66.00" in download) == (True, False, False)
    assert "£5.00 in all" in text_of(client.get(address("lines", fy=fy)).text)


def test_the_pages_take_a_fixed_number_of_queries(app: Flask, client: PageClient) -> None:
    grant, tool, _ = full_quarter()
    grant_id, tool_id = grant.id, tool.id
    client.sign_in(OFFICER)
    counts = {}
    for url in (address(), address("lines"), f"/finance/{holder('dorset').id}/2025/reconciliation"):
        client.get(url)
        counts[url] = len(client.queries)
        assert counts[url] <= 25, (url, client.queries)
    grant, tool = db.session.get_one(Grant, grant_id), db.session.get_one(Funding, tool_id)
    for number in range(6):
        place(make_line(10_00), make_funding(grant, title=f"Small work {number}"))
        post(tool, 5_00, document=f"INV-{number}", another_cost=True)
    for url, count in counts.items():
        client.get(url)
        assert len(client.queries) == count, url
