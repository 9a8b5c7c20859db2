"""Workbooks made again from stored rows: as sealed, as a copy, as working papers."""

import datetime as dt
import io

import openpyxl
import pytest
from flask import Flask
from sqlalchemy import select

from exports.lint import lint
from exports.return_workbook import build_return_workbook
from svd_tracker.accounts.queries import person_names
from svd_tracker.act import Act, Source
from svd_tracker.calculations.figures import EntryKind
from svd_tracker.decisions import queries as decisions
from svd_tracker.decisions.queries import Shut
from svd_tracker.errors import Refused
from svd_tracker.extensions import db
from svd_tracker.files import queries as files
from svd_tracker.finance import services as finance
from svd_tracker.finance.models import Funding, LedgerEntry
from svd_tracker.finance.placing import services as placing
from svd_tracker.returns import papers, queries
from svd_tracker.returns.models import Origin, ReturnFileKind
from tests.integration.finance.money_rows import JUNE, post
from tests.integration.finance.placing_rows import make_line, owner
from tests.integration.returns.year import DRAFTED, OCTOBER, certified, draft, make_year, person
from tests.support.client import PageClient
from tests.support.world import act

pytestmark = pytest.mark.db
OFFICER = "finance.officer@dorset.example"


def kept(revision_id: int) -> bytes:
    """The newest workbook that was stored of a revision."""
    return files.content_of(files.get_file(queries.files_of(revision_id=revision_id)[0].id))


def texts(content: bytes) -> dict[str, list[str]]:
    book = openpyxl.load_workbook(io.BytesIO(content), data_only=True)
    return {
        sheet.title: [str(cell.value) for row in sheet.iter_rows() for cell in row if cell.value is not None]
        for sheet in book.worksheets
    }


def test_what_was_sealed_is_made_again_to_the_byte(app: Flask) -> None:
    year = make_year()
    first = certified(1)
    post(year.tool, 640_00, dt.date(2025, 6, 3), document="INV-late", on=dt.date(2025, 8, 4))
    post(year.tool, 5_000_00, dt.date(2025, 8, 6), document="INV-0825", on=dt.date(2025, 9, 4))
    post(year.nurse, 10_000_00, dt.date(2025, 8, 6), document="PAY-0825", on=dt.date(2025, 9, 4))
    for funding in (year.nurse, year.tool):
        finance.save_forecast(act(on=OCTOBER), funding, {3: 10_000_00, 4: 10_000_00}, "As the plan says", 1)
    db.session.commit()
    second = certified(2, on=OCTOBER)
    for revision_id in (first.id, second.id):
        assert queries.files_of(revision_id=revision_id)[0].kind is ReturnFileKind.SEALED
        again = build_return_workbook(papers.document_of_revision(queries.get_revision(revision_id)))
        assert again == kept(revision_id)
    assert "INV-late" in texts(kept(second.id))["Entries"]


def test_a_draft_is_made_again_from_its_build_and_not_from_the_ledger_of_now(app: Flask) -> None:
    year = make_year()
    revision = draft(1)
    before = texts(kept(revision.id))
    post(year.tool, 77_77, document="INV-after", on=DRAFTED)
    document = papers.document_of_revision(queries.get_revision(revision.id))
    assert document.figures.total.to_date == 14_830_50
    assert "INV-after" not in texts(build_return_workbook(document))["Entries"]
    assert texts(build_return_workbook(document))["Return"] == before["Return"]


def test_the_working_copy_is_marked_and_has_no_locks(app: Flask, client: PageClient) -> None:
    make_year()
    revision_id = certified(1).id
    page = client.sign_in(OFFICER).get(f"/returns/{revision_id}").text
    for path in ("working-copy", "working-papers"):
        assert f'href="/returns/{revision_id}/{path}"' in page
    answer = client.get(f"/returns/{revision_id}/working-copy")
    assert "Q1 2025-26 revision 1 WORKING COPY.xlsx" in answer.headers["Content-Disposition"]
    copy, sealed = texts(answer.data), texts(kept(revision_id))
    assert copy.keys() == sealed.keys()
    for title, said in copy.items():
        assert any("WORKING COPY – not the return" in text for text in said[:4]), title
    book = openpyxl.load_workbook(io.BytesIO(answer.data))
    assert not [sheet.title for sheet in book.worksheets if sheet.protection.sheet]
    locked = openpyxl.load_workbook(io.BytesIO(kept(revision_id)))
    assert all(sheet.protection.sheet for sheet in locked.worksheets)


def test_payees_and_reconciliation_stand_in_the_working_papers_alone(app: Flask, client: PageClient) -> None:
    year = make_year()
    post(year.tool, 10_00, document="INV-9", supplier="Harbour Youth Charity", description="Room hire, J. Smith")
    revision_id = certified(1).id
    client.sign_in(OFFICER)
    answer = client.get(f"/returns/{revision_id}/working-papers")
    assert "WORKING PAPERS.xlsx" in answer.headers["Content-Disposition"]
    assert lint(answer.data) == []
    said = texts(answer.data)
    assert "Reconciliation Q1" in said
    entries = db.session.scalars(select(LedgerEntry.seq).where(LedgerEntry.kind != EntryKind.REVERSAL)).all()
    rows = [str(seq) for seq in entries]
    assert set(rows) <= set(said["Full entries"])
    assert {"Harbour Youth Charity", "Room hire, J. Smith", "Typed in"} <= set(said["Full entries"])
    for content in (kept(revision_id), client.get(f"/returns/{revision_id}/working-copy").data):
        outward = texts(content)
        assert "Full entries" not in outward
        assert not any("Reconciliation" in title for title in outward)
        assert not any("Harbour" in text or "J. Smith" in text for sheet in outward.values() for text in sheet)


def test_an_entry_of_the_councils_ledger_says_who_placed_it_and_its_file_and_row(app: Flask) -> None:
    year = make_year()
    line = make_line(80_00, supplier="Harbour Youth Charity", text="Sessions in schools")
    officer = person(OFFICER)
    placing.place(Act(officer, JUNE, act(on=JUNE).at, Source.PAGE), owner(), [line], year.tool)
    row_no = line.row_no
    db.session.commit()
    revision = draft(1)
    build = queries.newest_build(revision.id)
    assert build is not None
    found = papers.full_entries(revision.of.obligation, build.ledger_seq)
    document = papers.document_of_revision(queries.get_revision(revision.id))
    assert [each.seq for each in found] == [each.seq for each in document.entries]
    assert found[-1].supplier == "Harbour Youth Charity"
    assert found[-1].description == "Sessions in schools"
    assert found[-1].placed_by == person_names([officer])[officer]
    assert found[-1].source == f"June.csv, row {row_no}"
    assert {each.source for each in found[:-1]} == {"Typed in"}


def test_a_fixed_number_of_queries_makes_them(app: Flask, client: PageClient) -> None:
    tool_id = make_year().tool.id
    first = draft(1).id
    client.sign_in(OFFICER)
    client.get(f"/returns/{first}/working-papers")
    few = len(client.queries)
    for number in range(40):
        tool = db.session.get_one(Funding, tool_id)
        post(tool, 1_00 + number, document=f"INV-{number}", supplier=f"Supplier {number}")
    draft(1)
    client.get(f"/returns/{first}/working-papers")
    assert len(client.queries) == few


def test_they_are_the_holders_own(app: Flask, client: PageClient, monkeypatch: pytest.MonkeyPatch) -> None:
    year = make_year()
    revision_id, plan = certified(1).id, (year.tool.holder_id, 2025, year.tool.intervention_id)
    for path in ("working-copy", "working-papers"):
        for stranger in ("finance.officer@bcp.example", "opcc.officer@opcc.example"):
            client.sign_in(stranger).get(f"/returns/{revision_id}/{path}", status=403)
    assert "working-papers" not in client.sign_in("opcc.officer@opcc.example").get(f"/returns/{revision_id}").text
    shut = Shut(plan=frozenset({plan}))
    monkeypatch.setattr(decisions, "shut_by_interest", lambda person_id: shut)
    client.sign_in(OFFICER)
    for path in ("working-copy", "working-papers"):
        client.get(f"/returns/{revision_id}/{path}", status=403)


def test_a_return_that_came_as_a_workbook_is_not_made_again(app: Flask, client: PageClient) -> None:
    make_year()
    revision = draft(1)
    revision.origin = Origin.BROUGHT_IN
    db.session.commit()
    with pytest.raises(Refused, match="partner's own workbook"):
        papers.document_of_revision(queries.get_revision(revision.id))
    answer = client.sign_in(OFFICER).get(f"/returns/{revision.id}/working-copy", status=303)
    assert answer.location.endswith(f"/returns/{revision.id}")
