"""The pages of ledger files: from sending one to withdrawing it, who sees what, and how many queries it takes."""

import datetime as dt
import io
import re
from typing import Any

import openpyxl
import pytest
from flask import Flask

from svd_tracker.accounts.models import Person
from svd_tracker.calculations.placing import RuleKind, RuleTests
from svd_tracker.extensions import db
from svd_tracker.files.models import StoredFile, Upload, UploadState
from svd_tracker.finance import queries
from svd_tracker.finance.intake import background
from svd_tracker.finance.intake.models import IntakeProgress, LedgerMapping
from svd_tracker.finance.intake.receive import receive_file
from svd_tracker.finance.models import Funding
from svd_tracker.proposals.queries import get_proposal
from tests.integration.decisions.support import NON_LABOUR, decide, deciding
from tests.integration.finance.ledger_files import HEADINGS, bring_in, csv_of, line, mapping_of, rule, standing
from tests.integration.finance.money_rows import JULY, make_funding, spent
from tests.integration.scoring.support import declare
from tests.support.client import PageClient
from tests.support.extracts import agresso_like, integra_like, sap_like
from tests.support.money import holder, make_grant
from tests.support.rounds import COORDINATOR
from tests.support.world import act

pytestmark = pytest.mark.db

OFFICER = "finance.officer@dorset.example"
READERS = (COORDINATOR, "certifier@dorset.example", "auditor@audit.example")
LAYOUT = {"vat_in_net": "yes", "turned": "no", "name": "Extract"}


@pytest.fixture
def funding(app: Flask) -> Funding:
    app.config["TODAY"] = JULY
    return make_funding(make_grant(), 10_000_00)


def said(page: Any) -> str:
    text = page if isinstance(page, str) else page.get_data(as_text=True)
    text = re.sub(r"<head>.*?</head>|</?strong>|</?a\b[^>]*>", "", text, flags=re.S)
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", text)).replace(" .", ".").replace(" :", ":")


def send(client: PageClient, content: bytes, name: str = "ledger.csv", status: int = 303) -> Any:
    """Send a file as the finance officer of Dorset."""
    url = f"/finance/{holder('dorset').id}/import"
    data = {"file": (io.BytesIO(content), name)}
    return client.sign_in(OFFICER).post(url, data, status, content_type="multipart/form-data")


def chosen(page: Any) -> dict[str, str]:
    """What the form of the columns holds as it is drawn."""
    html = page.get_data(as_text=True)
    found = dict(re.findall(r'<input[^>]*name="(headings|csrf_token)"[^>]*value="([^"]*)"', html))
    for name, options in re.findall(r'<select[^>]*name="([^"]+)"[^>]*>(.*?)</select>', html, re.S):
        picked = re.search(r'<option value="([^"]*)" selected', options)
        found[name] = picked[1] if picked else ""
    return found


def read(client: PageClient, content: bytes, name: str = "ledger.csv") -> Any:
    """Send a file with new headings and accept what was guessed; the answer of the check page."""
    address = send(client, content, name).location
    assert address.endswith("/columns"), address
    data = {**chosen(client.get(address)), **LAYOUT, "save": "1"}
    return client.follow(client.post(address, data))


def test_a_new_file_goes_from_its_columns_over_the_check_into_the_ledger(client: PageClient, funding: Funding) -> None:
    dorset, funding_id = holder("dorset").id, funding.id
    rule("Schools", RuleTests(cost_centre="D4420"), funding)
    rule("Pay is no cost of the grant", RuleTests(account="1015*"), kind=RuleKind.LEFT_OUT, reason="Paid by the PCC")
    address = send(client, sap_like(), "sap june.xlsx").location
    page = client.get(address)
    assert "The headings are in row 4; what stands above them is passed over" in said(page)
    for words in ("A: Posting date", "I: Amount in local currency", "It is headed Vendor name", "Holds D4410"):
        assert words in said(page)
    assert "−£275.00" in said(page)
    assert "Row 9: this is a total" in said(page)
    wrong = client.post(address, {**chosen(page), "turned": "no", "save": "1"}, 200)
    assert "Say whether the amount holds the VAT" in said(wrong)
    assert 'href="#vat_in_net"' in wrong.text or 'href="#vat_in_net-0"' in wrong.text
    check = client.follow(client.post(address, {**chosen(page), **LAYOUT, "save": "1"}))
    text = said(check)
    for words in (
        "Checked, not taken in It can be taken in. Look at 4 warnings first",
        "New lines 15 £32,818.15",
        "Placed by rules 5",
        "Will wait for you 9",
        "Left out or income 1",
        "Rule 1: Schools 5 £6,843.40",
        "Rule 2: Pay is no cost of the grant 1 £2,866.50",
        "9 – This is a total, so it was left out",
    ):
        assert words in text, (words, text)
    assert re.search(r'<option value="202501" selected', check.text)
    assert re.search(r'<option value="202503" selected', check.text)
    assert queries.ledger_seq(dorset) == 0  # nothing yet
    done = client.post(check.request.path, {"covers_from": "202501", "covers_to": "202504"})
    text = said(client.follow(done))
    assert "Taken in 15 new lines are in the ledger, and 9 of them wait" in text
    assert "April 2025 to July 2025" in text
    assert spent(db.session.get_one(Funding, funding_id)) == {1: 6_843_40}
    listed = said(client.get(f"/finance/{dorset}/import"))
    assert "sap june.xlsx Taken in April 2025 to July 2025 15 0 £32,818.15 Dorset finance officer" in listed
    assert listed.count("Loaded with this file") == 4
    assert "No ledger loaded" not in listed
    assert "Dorset finance officer took this file in" in said(client.get(check.request.path))


def test_the_very_same_bytes_lead_to_what_was_made_of_them(client: PageClient, funding: Funding) -> None:
    content = csv_of([line("100.00")])
    taken = bring_in(content).id
    again = send(client, content, "other name.csv")
    assert again.location == f"/uploads/{taken}"
    assert "taken in already" in said(client.follow(again))
    assert db.session.query(StoredFile).count() == 1


def test_two_columns_with_one_heading_are_told_apart(client: PageClient, funding: Funding) -> None:
    address = send(client, agresso_like(), "agresso.csv").location
    page = client.get(address)
    assert "J: Amount" in said(page)
    assert "K: Amount" in said(page)
    data = chosen(page)
    net, gross = said(page), said(client.post(address, {**data, "column_net": "10", "show": "1"}, 200))
    assert "£1,600.00" in net
    assert "£1,920.00" not in net
    assert "£1,920.00" in gross
    assert 'formaction="' in page.text  # the sample is where one looks next
    assert db.session.query(LedgerMapping).count() == 0


def test_what_cannot_be_a_layout_is_said_at_the_field(client: PageClient, funding: Funding) -> None:
    address = send(client, integra_like(), "integra.txt").location
    data = chosen(client.get(address))
    page = client.post(address, {**data, **LAYOUT, "column_posted_on": "", "save": "1"}, 200)
    assert 'href="#column_posted_on"' in page.text
    assert "The first lines, as they will be understood" not in said(page)
    page = client.post(address, {**data, **LAYOUT, "column_debit": "", "column_credit": "99", "save": "1"}, 200)
    assert 'href="#column_credit"' in page.text or 'href="#column_net"' in page.text
    page = client.post(address, {**data, **LAYOUT, "name": "n" * 300, "save": "1"}, 200)
    assert 'href="#name"' in page.text
    assert db.session.query(LedgerMapping).count() == 0


def test_known_headings_go_straight_to_the_check_and_count_what_is_new(client: PageClient, funding: Funding) -> None:
    first = csv_of([line("100.00"), line("20.00", "INV 2")])
    bring_in(first)
    longer = csv_of([line("100.00"), line("20.00", "INV 2"), line("3.50", "INV 3")])
    check = client.follow(send(client, longer, "longer.csv"))
    assert "New lines 1 £3.50" in said(check)
    assert "Here already 2" in said(check)
    same = client.follow(send(client, first + b"\r\n", "the same.csv"))
    assert "Nothing in it is new: all 2 lines are here already" in said(same)


def test_the_months_are_checked_before_anything_is_taken_in(client: PageClient, funding: Funding) -> None:
    check = read(client, csv_of([line("100.00")])).request.path
    page = client.post(check, {"covers_from": "202503", "covers_to": "202501"}, 200)
    assert "Choose a month that is not before the first one" in said(page)
    page = client.post(check, {"covers_from": "202503", "covers_to": ""}, 200)
    assert 'href="#covers_to"' in page.text
    client.post(check, {"covers_from": "999999", "covers_to": "202503"}, 200)
    assert db.session.query(Upload).filter_by(state=UploadState.TAKEN_IN).count() == 0
    first = client.post(check, {"covers_from": "202501", "covers_to": "202516"})
    second = client.post(check, {"covers_from": "202501", "covers_to": "202516"})
    assert first.location == second.location  # a double click
    assert db.session.query(Upload).filter_by(state=UploadState.TAKEN_IN).count() == 1
    assert "April 2025 to Year end 2025/26" in said(client.follow(first))


def test_errors_come_with_what_to_do_and_a_marked_copy(client: PageClient, funding: Funding) -> None:
    content = csv_of([line("100.00"), line("lots", "INV 2"), line("3.00", "INV 3", "31/02/2025")])
    page = read(client, content, "June; ledger.csv")
    text = said(page)
    assert "It cannot be taken in: 2 errors are to be put right first" in text
    assert text.index("3 Net amount Enter an amount") < text.index("4 Date Enter a date")
    assert "Take it in" not in text
    assert "can be taken in" not in text
    copy = client.get(f"{page.request.path}/download-marked")
    assert "June; ledger marked.xlsx" in copy.headers["Content-Disposition"].replace("%3B", ";").replace("%20", " ")
    book = openpyxl.load_workbook(io.BytesIO(copy.get_data()))
    assert len(book.sheetnames) == 2
    assert any("lots" in str(cell.value) for row in book.worksheets[0].iter_rows() for cell in row)
    assert client.get(f"{page.request.path}/file").get_data() == content
    refused = client.post(page.request.path, {"covers_from": "", "covers_to": ""}, 200)
    assert "does not wait to be taken in" in said(refused)
    assert "Has errors" in said(client.get(f"/finance/{holder('dorset').id}/import"))
    file_id = db.session.query(StoredFile).one().id
    again = client.get(f"/ledger-files/{file_id}/columns")
    assert "This file was read before as “Extract”" in said(again)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "empty"),
        (b"%PDF-1.7", "This is a PDF"),
        (b"PK\x03\x04 no workbook", ""),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "older Excel"),
    ],
)
def test_what_is_no_ledger_file_is_refused_at_the_field(
    client: PageClient, funding: Funding, content: bytes, words: str
) -> None:
    page = send(client, content, "x.csv", 200)
    assert 'href="#file"' in page.text
    assert words in said(page)
    assert db.session.query(StoredFile).count() == 0


def test_no_file_chosen(client: PageClient, funding: Funding) -> None:
    page = client.sign_in(OFFICER).post(f"/finance/{holder('dorset').id}/import", {}, 200)
    assert "Select a file" in said(page)


def test_the_sheet_is_asked_for_when_there_are_several(client: PageClient, funding: Funding) -> None:
    book = openpyxl.Workbook()
    book.active.title = "Notes"  # type: ignore[union-attr]
    book.active.append(["Run by", "the finance team"])  # type: ignore[union-attr]
    lines = book.create_sheet("Lines & all")
    lines.append(list(HEADINGS))
    lines.append([dt.date(2025, 5, 6), "INV 1", "N100", "4300", "A supplier", "Work", 12.5])
    kept = io.BytesIO()
    book.save(kept)
    address = send(client, kept.getvalue(), "two.xlsx").location
    page = client.get(address)
    assert 'name="sheet"' in page.text
    other = client.post(address, {**chosen(page), "sheet": "Lines & all", "show": "1"}, 200)
    assert "G: Net amount" in said(other)
    assert "£12.50" in said(other)
    data = {**chosen(other), **LAYOUT, "sheet": "Lines & all", "save": "1"}
    assert "New lines 1 £12.50" in said(client.follow(client.post(address, data)))
    assert "Sheet Lines & all" in said(client.get("/uploads/1")).replace("&amp;", "&")


def test_withdrawing_asks_why_and_says_which_file_comes_first(client: PageClient, funding: Funding) -> None:
    rule("All", RuleTests(cost_centre="N100"), funding)
    funding_id = funding.id
    first = bring_in(csv_of([line("100.00")]), "first.csv").id
    second = bring_in(csv_of([line("100.00"), line("5.00", "INV 2")]), "second.csv").id
    page = said(client.sign_in(OFFICER).get(f"/uploads/{first}"))
    assert "It cannot be withdrawn yet: second.csv came later" in page
    url = f"/uploads/{first}/withdraw"
    assert "First withdraw second.csv" in said(client.get(url))
    client.post(url, {"reason": "Wrong cost centre"}, 200)
    url = f"/uploads/{second}/withdraw"
    assert "Say why the file is withdrawn" in said(client.post(url, {"reason": " "}, 200))
    data = {"reason": "Wrong cost centre", "once_key": "a" * 32}
    assert client.post(url, data).location == client.post(url, data).location
    client.post(f"/uploads/{first}/withdraw", {"reason": "All of it"})
    page = said(client.get(f"/uploads/{second}"))
    assert "It was withdrawn: its entries are reversed" in page
    assert "Reason: Wrong cost centre" in page
    assert "Withdraw this file" not in page
    assert spent(db.session.get_one(Funding, funding_id)) == {1: 0}
    listed = said(client.get(f"/finance/{holder('dorset').id}/import"))
    assert listed.count("Withdrawn") == 2
    assert "No ledger loaded" in listed
    assert "There is a problem" in said(client.post(url, {"reason": "Twice"}, 200))
    assert client.get(url, 303).location == f"/uploads/{second}"


def test_lines_that_a_later_file_no_longer_has_stand_beside_what_came_instead(
    client: PageClient, funding: Funding
) -> None:
    rule("All", RuleTests(cost_centre="N100"), funding)
    first = bring_in(csv_of([line("100.00"), line("20.00", "INV 2")]), "first.csv").id
    second = bring_in(csv_of([line("110.00"), line("1.00", "INV 3")]), "second.csv").id
    page = said(client.sign_in(OFFICER).get(f"/uploads/{second}/changed"))
    assert "2 lines of earlier files are not in this one" in page
    assert re.search(r"INV 1, 6 May 2025.*£100\.00 High harm perpetrator tool INV 1, 6 May 2025.*£110\.00", page)
    assert re.search(r"INV 2, 6 May 2025.*£20\.00 High harm perpetrator tool No line –", page)
    assert len(client.queries) <= 25
    assert "2 lines of this file are no longer in a later one" in said(client.get(f"/uploads/{first}"))
    assert "Changed or dropped 2" in said(client.get(f"/uploads/{second}"))
    assert "Every line that earlier files had" in said(client.get(f"/uploads/{first}/changed"))


def test_readers_see_everything_and_no_button(client: PageClient, funding: Funding) -> None:
    dorset = holder("dorset").id
    read(client, csv_of([line("100.00")]))
    taken = bring_in(csv_of([line("7.00")]), "taken.csv").id
    file_id = db.session.query(StoredFile).order_by(StoredFile.id).first().id  # type: ignore[union-attr]
    mine = (f"/finance/{dorset}/import", "/uploads/1", f"/uploads/{taken}", f"/uploads/{taken}/changed")
    for email in READERS:
        client.sign_in(email)
        for url in mine:
            page = client.get(url).text
            main = page[page.index("<main") :]
            assert "<button" not in main
            assert 'type="file"' not in main
            assert "/withdraw" not in main
            assert "/columns" not in main
        client.get(f"/uploads/{taken}/file")
        client.get(f"/uploads/{taken}/download-marked")
        assert client.get(f"/ledger-files/{file_id}", 303).location == "/uploads/1"
        for url in (f"/uploads/{taken}/withdraw", f"/ledger-files/{file_id}/columns"):
            client.get(url, 403)
        for url in (*mine[:3], f"/uploads/{taken}/withdraw", f"/ledger-files/{file_id}/progress"):
            client.post(url, {}, 403)
    for email in ("finance.officer@bcp.example", "member@dorset.example", "opcc.officer@opcc.example"):
        client.sign_in(email)
        for url in (*mine, f"/uploads/{taken}/file", f"/uploads/{taken}/download-marked", f"/ledger-files/{file_id}"):
            client.get(url, 403)
    client.sign_in(OFFICER).get("/ledger-files/99/columns", 404)
    client.get("/uploads/99/download-marked", 404)


def test_a_long_file_says_how_far_it_is_and_that_it_died(client: PageClient, funding: Funding) -> None:
    at = act(on=JULY).at
    content = csv_of([line("100.00")])
    mapping_of(content)
    file_id = receive_file(act(on=JULY), holder("dorset"), "long.csv", content).id
    progress = {"step": "Reading the file", "done": 42, "total": 100, "started_at": at}
    db.session.add(IntakeProgress(file_id=file_id, beat_at=at + dt.timedelta(days=1), **progress))
    db.session.commit()
    url = f"/ledger-files/{file_id}/progress"
    assert client.sign_in(OFFICER).get(f"/ledger-files/{file_id}", 303).location == url
    page = client.get(url)
    assert "Reading the file: 42% done" in said(page)
    assert '<progress class="app-bar" id="progress" value="42" max="100">' in page.text
    assert int(page.headers["Refresh"]) > 0
    assert "Begin again" not in said(page)
    row = db.session.get_one(IntakeProgress, file_id)
    row.beat_at = at - dt.timedelta(days=1)
    db.session.commit()
    page = client.get(url)
    assert "The work has stopped" in said(page)
    assert "Refresh" not in page.headers
    assert "Begin again" not in said(client.sign_in("auditor@audit.example").get(url))
    checked = client.sign_in(OFFICER).post(url, {})
    assert "New lines 1 £100.00" in said(client.follow(checked))
    row = db.session.get_one(IntakeProgress, file_id)
    row.refusal = "The file has more than 200,000 rows"
    db.session.commit()
    page = client.get(url)
    assert "more than 200,000 rows" in said(page)
    assert "Refresh" not in page.headers
    row = db.session.get_one(IntakeProgress, file_id)
    row.upload_id, row.refusal = 1, None
    db.session.commit()
    assert client.get(url, 303).location == f"/ledger-files/{file_id}"
    assert client.get(f"/ledger-files/{file_id}", 303).location == "/uploads/1"


def test_a_second_press_while_a_long_file_is_read_leads_to_its_progress(
    client: PageClient, funding: Funding, monkeypatch: pytest.MonkeyPatch
) -> None:
    at = act(on=JULY).at
    content = csv_of([line("100.00")])
    mapping_of(content)
    db.session.commit()
    check = client.follow(send(client, content)).request.path
    file_id = db.session.query(StoredFile).one().id
    db.session.add(IntakeProgress(file_id=file_id, beat_at=at, step="Taking it in", done=1, total=9, started_at=at))
    db.session.commit()
    monkeypatch.setattr(background, "is_long", lambda file: True)
    monkeypatch.setattr(background, "DEAD_AFTER", dt.timedelta(days=9))
    for url in (check, f"/ledger-files/{file_id}/progress"):
        assert client.post(url, {"covers_from": "", "covers_to": ""}).location == f"/ledger-files/{file_id}/progress"


def test_a_reading_that_was_read_again_since_is_not_taken_in(client: PageClient, funding: Funding) -> None:
    old = read(client, csv_of([line("123.45")])).request.path
    file_id = db.session.query(StoredFile.id).scalar()
    columns = f"/ledger-files/{file_id}/columns"
    again = {**chosen(client.get(columns)), **LAYOUT, "save": "1", "turned": "yes"}
    new = client.follow(client.post(columns, again)).request.path
    assert new != old
    months = {"covers_from": "202501", "covers_to": "202503"}
    assert "This file was read again since" in said(client.post(old, months, 200))
    assert standing() == []
    client.post(new, months)
    assert [pence for _, _, pence in standing()] == [-123_45]


def test_what_an_interest_shuts_is_not_given_away(client: PageClient, app: Flask) -> None:
    app.config["TODAY"] = JULY
    _, (proposal,) = deciding({"dorset": {NON_LABOUR: 60_000_00}})
    decide(proposal)
    proposal_id = proposal.id
    shut = next(each for each in queries.fundings(holder("dorset").id, 2025))
    rule("The project", RuleTests(cost_centre="N100"), db.session.get_one(Funding, shut.id))
    first = csv_of([line("123.45"), line("7.00", "INV 2", centre="N200")])
    check = read(client, csv_of([line("123.45"), line("8.00", "INV 2", centre="N200")])).request.path
    taken = bring_in(first, "first.csv").id
    later = bring_in(csv_of([line("124.45"), line("7.00", "INV 2", centre="N200")]), "later.csv").id
    pages = (check, f"/uploads/{taken}", f"/uploads/{later}/changed")
    client.sign_in(COORDINATOR)
    for url in pages:
        assert "£123.45" in said(client.get(url))
    assert "£130.45" in said(client.get(f"/finance/{holder('dorset').id}/import"))
    client.get(f"/uploads/{taken}/file")
    declare(get_proposal(proposal_id), COORDINATOR)
    for url in pages:
        page = said(client.get(url))
        for amount in ("£123.45", "£124.45", "£130.45", "£131.45"):
            assert amount not in page, page[max(0, page.find(amount) - 300) : page.find(amount) + 60]
        assert "ot shown" in page
    assert "£130.45" not in said(client.get(f"/finance/{holder('dorset').id}/import"))
    client.get(f"/uploads/{taken}/file", 403)
    client.get(f"/uploads/{taken}/download-marked", 403)


def test_an_interest_shuts_the_first_lines_of_a_file(client: PageClient, app: Flask) -> None:
    app.config["TODAY"] = JULY
    _, (proposal,) = deciding({"dorset": {NON_LABOUR: 60_000_00}})
    decide(proposal)
    proposal_id = proposal.id
    address = send(client, csv_of([line("123.45")])).location
    for shown in (True, False):
        page = client.sign_in(OFFICER).get(address)
        assert (("£123.45" in page.text), ("INV 1" in page.text)) == (shown, shown)
        assert ("The first lines are not shown" in said(page)) is not shown
        if shown:
            declare(get_proposal(proposal_id), OFFICER)


def test_more_files_and_lines_take_no_more_queries(client: PageClient, funding: Funding) -> None:
    dorset = holder("dorset").id
    taken = bring_in(csv_of([line("100.00")]), "a.csv").id
    found = []
    for number in range(2):
        for each in range(4 * number):
            rows = [line(f"{10 + each}.00", f"X {number} {each} {row}") for row in range(30)]
            taken = bring_in(csv_of(rows), f"{number} {each}.csv").id
        counts = []
        for url in (f"/finance/{dorset}/import", f"/uploads/{taken}", f"/uploads/{taken}/changed"):
            client.sign_in(OFFICER).get(url)
            counts.append(len(client.queries))
        found.append(counts)
    assert max(found[1]) <= 25, found
    assert all(after <= before + 2 for before, after in zip(*found, strict=True)), found


def test_many_files_come_in_pages(client: PageClient, funding: Funding) -> None:
    dorset = holder("dorset").id
    for number in range(21):
        receive_file(act(on=JULY), holder("dorset"), f"file {number:02d}.csv", csv_of([line(f"{number + 1}.00")]))
    db.session.commit()
    person = db.session.query(Person).filter_by(email=OFFICER).one()
    assert person.name == "Dorset finance officer"
    page = said(client.sign_in(OFFICER).get(f"/finance/{dorset}/import"))
    assert "file 20.csv Not read yet" in page
    assert "file 00.csv" not in page
    assert "file 00.csv" in said(client.get(f"/finance/{dorset}/import?page=2"))
    client.get(f"/finance/{dorset}/import?page={10**30}")
    client.get(f"/finance/{dorset}/import?page=-3")


def test_what_a_layout_lacks_is_said_before_the_file_is_read(client: PageClient, funding: Funding) -> None:
    short = ("Date", "Account", "Net amount")
    page = said(client.get(send(client, csv_of([("06/05/2025", "4300", "12.00")], short)).location))
    assert "Without a document number, lines cannot be told apart" in page
    assert "Without a cost centre, rules can only go by account" in page
