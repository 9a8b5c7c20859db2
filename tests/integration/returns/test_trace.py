"""From a figure to its rows and back: on every revision, for readers inside the holder and outside."""

import csv
import datetime as dt
import io
from collections.abc import Iterator

import pytest
from flask import Flask, url_for
from sqlalchemy import select

from exports.return_workbook import cells_of
from svd_tracker.calculations.figure_words import is_figure
from svd_tracker.calculations.figures import EntryKind
from svd_tracker.extensions import db
from svd_tracker.finance import services as finance
from svd_tracker.finance.models import LedgerEntry
from svd_tracker.returns import figures_store, queries, trace
from svd_tracker.returns.figures_store import FigureRow, LineRow
from svd_tracker.returns.models import FigureUnit, LineSection, ReturnRevision
from svd_tracker.returns.papers import document_of_revision
from tests.exports.reading import pence
from tests.integration.returns.year import OCTOBER, Year, by, certified, draft, make_year, workbook_of
from tests.support.client import PageClient

pytestmark = pytest.mark.db
OFFICER, OPCC = "finance.officer@dorset.example", "opcc.officer@opcc.example"


@pytest.fixture(autouse=True)
def day(app: Flask) -> Iterator[None]:
    app.config["TODAY"] = OCTOBER
    yield
    app.config["TODAY"] = None


def make_two_quarters() -> tuple[Year, ReturnRevision, ReturnRevision]:
    """Q1 certified; a late invoice of Q1 and an invoice of Q2 after it; Q2 drafted."""
    year = make_year()
    first = certified()
    officer = by("finance.officer@dorset", OCTOBER)
    for amount, spent_on, document in (
        (333_33, dt.date(2025, 6, 20), "LATE-1"),
        (1_000_00, dt.date(2025, 8, 1), "INV-Q2"),
    ):
        finance.post_entry(
            officer,
            year.tool,
            kind=EntryKind.ACTUAL,
            spent_on=spent_on,
            document=document,
            pence=amount,
            eligible=True,
        )
    for funding in (year.nurse, year.tool):
        finance.save_forecast(officer, funding, {3: 5_000_00, 4: 5_000_00}, "Later than planned", 1)
    db.session.commit()
    return year, first, draft(2, on=OCTOBER)


def all_figures(revision: ReturnRevision) -> list[tuple[LineRow, FigureRow]]:
    build = queries.newest_build(revision.id)
    assert build is not None
    return [(row, figure) for row in figures_store.load([build.id])[build.id] for figure in row.figures]


def test_the_rows_behind_every_figure_of_spend_come_to_it(app: Flask) -> None:
    _, first, second = make_two_quarters()
    looked_at = 0
    for revision in (first, second):
        for row, figure in all_figures(revision):
            if row.section not in (LineSection.FUNDING, LineSection.ADJUSTMENT):
                continue
            if figure.code in ("needs_explanation", "variance_bp"):
                continue
            found = trace.trace_of(revision, row.ref, figure.code, figure.quarter)
            if not found.made.has_rows:
                continue
            build = queries.newest_build(revision.id)
            assert build is not None
            funding_id = queries.funding_ids_of(build.id)[row.ref]
            assert trace.entries_behind(found, funding_id).pence == figure.value, (row.ref, figure)
            looked_at += 1
    assert looked_at > 20


def test_the_parts_of_a_figure_come_to_it(app: Flask) -> None:
    _, _, second = make_two_quarters()
    added = 0
    for row, figure in all_figures(second):
        if row.section is not LineSection.FUNDING or not is_figure(figure.code):
            continue
        found = trace.trace_of(second, row.ref, figure.code, figure.quarter)
        parts = found.parts()
        if parts and all(part.sign for part in parts) and figure.code != "repayable":
            total = sum((1 if part.sign == "+" else -1) * (part.figure.value or 0) for part in parts)
            assert total == figure.value, (row.ref, figure)
            added += 1
    assert added > 10


def test_a_total_leads_to_its_lines(app: Flask) -> None:
    _, _, second = make_two_quarters()
    found = trace.trace_of(second, trace.TOTAL, "to_date", 0)
    assert sum(part.figure.value or 0 for part in found.parts()) == found.figure.value
    labour = trace.trace_of(second, "category:labour", "claimed_now", 0)
    assert [part.label for part in labour.parts()] == ["Specialist nurse"]


def test_a_late_entry_stands_in_the_next_return_as_an_adjustment(app: Flask) -> None:
    _, first, _ = make_two_quarters()
    entries = db.session.scalars(select(LedgerEntry).order_by(LedgerEntry.seq)).all()
    stands = trace.returns_of_entries(entries)
    by_document = {entry.document: stands[entry.id] for entry in entries if entry.kind is not EntryKind.REVERSAL}
    assert [(each.revision.id, each.code) for each in by_document["INV-77"]] == [(first.id, "spent")]
    assert by_document["LATE-1"] == ()  # the return of Q2 is a draft
    second = certified_second()
    stands = trace.returns_of_entries(entries)
    late = next(entry for entry in entries if entry.document == "LATE-1")
    assert [(each.revision.id, each.code, each.quarter) for each in stands[late.id]] == [(second.id, "adjustment", 1)]
    assert [each.revision.id for each in stands[entries[0].id]] == [first.id]


def certified_second() -> ReturnRevision:
    return certified(2, on=OCTOBER)


def test_pages_of_figures_lead_to_rows_and_back(app: Flask, client: PageClient) -> None:
    year, first, second = make_two_quarters()
    ref, of_first, of_second = year.tool.ref, first.id, second.id
    client.sign_in(OFFICER)
    page = client.get(f"/returns/{of_second}/figure?line={ref}&code=adjustment&quarter=1").text
    assert "LATE-1" in page
    assert "INV-Q2" not in page
    assert "£333.33" in page
    entry = db.session.scalar(select(LedgerEntry.id).where(LedgerEntry.document == "INV-77"))
    db.session.rollback()
    page = client.get(f"/entries/{entry}").text
    assert f"/returns/{of_first}/figure?line={ref}" in page.replace("&amp;", "&")
    with app.test_request_context():
        total = url_for("returns.figure", revision_id=of_second, line="", code="claimed_now", quarter=0)
    assert "Specialist nurse" in client.get(total).text
    answer = client.get(f"/returns/{of_second}/figure/download?line={ref}&code=to_date&quarter=0")
    rows = list(csv.reader(io.StringIO(answer.get_data(as_text=True).lstrip("\ufeff"))))
    assert {"LATE-1", "INV-Q2", "INV-77"} <= {row[6] for row in rows}


def test_the_opcc_sees_what_a_certified_return_says_and_no_draft(app: Flask, client: PageClient) -> None:
    year, first, second = make_two_quarters()
    ref, of_first, of_second = year.tool.ref, first.id, second.id
    client.sign_in(OPCC)
    page = client.get(f"/returns/{of_first}/figure?line={ref}&code=spent&quarter=1").text
    assert "INV-77" in page
    assert "Where it came from" not in page
    assert "/entries/" not in page
    client.get(f"/returns/{of_second}/figure?line={ref}&code=spent&quarter=1", status=403)


@pytest.mark.parametrize(
    "query", ["line=&code=&quarter=0", "line=none&code=to_date&quarter=0", "line=&code=spent&quarter=9", "code=ref"]
)
def test_a_figure_that_is_none_is_not_found(app: Flask, client: PageClient, query: str) -> None:
    make_year()
    revision_id = certified().id
    client.sign_in(OFFICER)
    client.get(f"/returns/{revision_id}/figure?{query}", status=404)


def test_the_cell_that_is_named_shows_the_figure(app: Flask) -> None:
    _, first, _ = make_two_quarters()
    cells = cells_of(document_of_revision(first, with_entries=False))
    workbook = workbook_of(first)
    looked_at = 0
    for row, figure in all_figures(first):
        key = (row.ref, figure.code, figure.quarter)
        if row.section is LineSection.FUNDING and figure.unit is FigureUnit.PENCE and key in cells:
            sheet, cell = cells[key].split("!")
            assert pence(workbook[sheet][cell].value) == figure.value, key
            looked_at += 1
    assert looked_at > 30
