"""The return workbook read back cell by cell: every figure is the document's, to the penny."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from openpyxl.worksheet.worksheet import Worksheet

from exports.documents import ReturnDocument
from exports.return_workbook import build_return_workbook
from svd_tracker.calculations.figures import Category, LineFigures, ReturnInputs, TotalFigures
from tests.exports import factory
from tests.exports.libreoffice import recalculated
from tests.exports.parts import part_name, replaced
from tests.exports.reading import calamine_values, formulas, pence, stored, values

pytestmark = pytest.mark.xlsx

CASES: dict[str, Callable[[], ReturnInputs]] = {
    "first quarter": factory.inputs,
    "adjustments": factory.with_adjustments,
    "held to a ceiling": factory.over_ceiling,
    "forecast missing": factory.missing_forecast,
    "negative claim": factory.negative_claim,
    "provisional": factory.provisional,
    "final": factory.final,
    "fourteen lines": factory.fourteen_lines,
    "no entries": factory.no_entries,
    "no fundings": factory.no_fundings,
    "large sums": factory.large_sums,
}
KEYS: dict[str, Callable[[LineFigures | TotalFigures], int | None]] = {
    "Funding this year": lambda f: f.funding,
    "Profile to date": lambda f: f.profile_to_date,
    "This period": lambda f: f.this_period,
    "Adjustments": lambda f: f.adjustments,
    "To date": lambda f: f.to_date,
    "Eligible to date": lambda f: f.eligible_to_date,
    "Of which accruals": lambda f: f.accruals,
    "Claimed to date": lambda f: f.claimed_to_date,
    "Claimed before": lambda f: f.claimed_before,
    "Claimed now": lambda f: f.claimed_now,
    "Locally funded": lambda f: f.locally_funded,
    "Remaining": lambda f: f.remaining,
    "Outturn": lambda f: f.outturn,
    "Variance": lambda f: f.variance,
}
SUMMARY: dict[str, Callable[[TotalFigures], int | None]] = {
    "Allocation": lambda f: f.allocation,
    "Funding given out of it": lambda f: f.funding,
    "Spent to date": lambda f: f.to_date,
    "Allocation less spent": lambda f: f.allocation - f.to_date,
    "Eligible to date": lambda f: f.eligible_to_date,
    "Inside funding and allocation: claimed to date": lambda f: f.claimed_to_date,
    "Less claimed before": lambda f: f.claimed_before,
    "Claimed now": lambda f: f.claimed_now,
    "Repayable, taken off in claimed now": lambda f: f.repayable,
    "Spent and not claimed: locally funded": lambda f: f.locally_funded,
    "Outturn: spent and forecast": lambda f: f.outturn,
    "Variance: over or (under) the funding": lambda f: f.variance,
}
SHEETS = [
    "Cover",
    "Summary",
    "Return",
    "Quarter by quarter",
    "Match",
    "Progress",
    "Adjustments",
    "Changes",
    "Checks",
    "Entries",
    "Declaration",
]
ALLOWED = {"SUM", "SUMIFS", "ROUND", "MIN", "MAX", "IF"}


@pytest.fixture(params=CASES)
def document(request: pytest.FixtureRequest) -> ReturnDocument:
    return factory.document(CASES[request.param]())


def by_label(sheet: Worksheet) -> dict[str, dict[str, object]]:
    """The Return sheet's rows by ref or label, each by header. The first of a label counts."""
    headers = {cell.column: cell.value for cell in sheet[5] if cell.value}
    rows: dict[str, dict[str, object]] = {}
    for row in sheet.iter_rows(min_row=6):
        if row[0].value:
            shown: dict[str, object] = {str(headers[cell.column]): cell.value for cell in row if cell.column in headers}
            rows.setdefault(str(row[0].value), shown)
    return rows


def by_name(sheet: Worksheet) -> dict[str, list[object]]:
    """The rows of a sheet by what stands in their first cell."""
    return {str(row[0].value): [cell.value for cell in row[1:]] for row in sheet.iter_rows() if row[0].value}


def assert_figures(row: dict[str, object], figures: LineFigures | TotalFigures) -> None:
    for header, value in KEYS.items():
        wanted = value(figures)
        assert row[header] == "not given" if wanted is None else pence(row[header]) == wanted, header
    for quarter in (1, 2, 3, 4):
        spent = row[f"Q{quarter} spent"]
        assert (
            spent is None
            if quarter not in figures.spent_by_quarter
            else pence(spent) == figures.spent_by_quarter[quarter]
        )
    for quarter, forecast in figures.forecast_by_quarter.items():
        shown = row[f"Q{quarter} forecast"]
        assert shown == "not given" if forecast is None else pence(shown) == forecast


def assert_shows(data: bytes, document: ReturnDocument) -> None:
    book = stored(data)
    assert book.sheetnames == SHEETS
    rows = by_label(book["Return"])
    for line in document.figures.lines:
        assert_figures(rows[line.ref], line)
    for category in Category:
        assert_figures(rows[f"{category.label} total"], document.figures.categories[category])
    assert_figures(rows["Total"], document.figures.total)
    summary = by_name(book["Summary"])
    for column, figures in enumerate((*document.figures.categories.values(), document.figures.total)):
        for label, value in SUMMARY.items():
            wanted = value(figures)
            shown = summary[label][column]
            assert shown == "not given" if wanted is None else pence(shown) == wanted, label


def test_every_figure_is_stored_in_its_cell(document: ReturnDocument) -> None:
    data = build_return_workbook(document)
    assert_shows(data, document)
    live = formulas(data)
    results = stored(data)
    looked_at = 0
    for sheet in live.worksheets:
        for row in sheet.iter_rows():
            for cell in row:
                if cell.data_type == "f":
                    looked_at += 1
                    assert results[sheet.title][cell.coordinate].value is not None, cell.coordinate
                    assert set(re.findall(r"([A-Z]+)\(", str(cell.value))) <= ALLOWED
    assert looked_at > 40


def test_calamine_reads_the_same(document: ReturnDocument) -> None:
    data = build_return_workbook(document)
    assert calamine_values(data) == values(stored(data))


def test_libreoffice_calculates_the_same(document: ReturnDocument, tmp_path: Path) -> None:
    data = build_return_workbook(document)
    again = recalculated(data, tmp_path)
    assert_shows(again, document)
    ours, theirs = values(stored(data)), values(stored(again))
    assert ours == theirs


def test_a_changed_entry_moves_every_total_in_libreoffice(tmp_path: Path) -> None:
    """The formulas are live: one penny on one entry reaches the Cover."""
    data = build_return_workbook(factory.document())
    changed = replaced(data, part_name(data, "Entries"), "<v>3010.01</v></c><c", "<v>3010.02</v></c><c")
    book = stored(recalculated(changed, tmp_path))
    summary, was = by_name(book["Summary"]), factory.document().figures.total
    assert pence(summary["Spent to date"][2]) == was.to_date + 1
    assert pence(summary["Claimed now"][2]) == was.claimed_now + 1
    row = next(cell.row for cell in book["Cover"]["A"] if cell.value == "Claimed now")
    assert pence(book["Cover"][f"A{row + 1}"].value) == was.claimed_now + 1


def test_entries_stand_row_by_row() -> None:
    document = factory.document(factory.with_adjustments())
    sheet = stored(build_return_workbook(document))["Entries"]
    rows = list(sheet.iter_rows(min_row=5, values_only=True))
    assert len(rows) == len(document.entries)
    for row, entry in zip(rows, document.entries, strict=True):
        assert row[:3] == (entry.seq, entry.funding_ref, entry.funding_title)
        assert row[3:6] == (entry.category.label, entry.quarter, entry.kind_label)
        assert getattr(row[6], "date", lambda: None)() == entry.spent_on
        assert (row[7], pence(row[8])) == (entry.document, entry.pence)
        assert (row[9], row[10] or "") == ("Yes" if entry.eligible else "No", "Yes" if entry.adjustment else "")


def test_adjustments_show_what_was_reported_and_what_stands_now() -> None:
    document = factory.document(factory.with_adjustments())
    rows = list(stored(build_return_workbook(document))["Adjustments"].iter_rows(min_row=5, max_row=6))
    found = [(row[0].value, row[2].value, *(pence(cell.value) for cell in row[3:6])) for row in rows]
    assert found == [("D25-04", 1, 443_110, 507_110, 64_000), ("D25-05", 1, 301_001, 101_000, -200_001)]


def test_a_claim_held_to_a_ceiling_is_a_value_and_marked() -> None:
    live = formulas(build_return_workbook(factory.document(factory.over_ceiling())))["Return"]
    rows = by_label(live)
    assert not isinstance(rows["D25-01"]["Claimed to date"], str)
    assert str(rows["D25-03"]["Claimed to date"]).startswith("=ROUND(MIN(")
    notes = [str(row[0]) for row in live.iter_rows(values_only=True)]
    assert any(note.startswith("A shaded claim was held") for note in notes)


def test_missing_is_never_nought() -> None:
    rows = by_label(stored(build_return_workbook(factory.document(factory.missing_forecast())))["Return"])
    for label in ("D25-05", "Non-labour total", "Total"):
        found = {rows[label][header] for header in ("Q4 forecast", "Outturn", "Variance", "Variance %")}
        assert found == {"not given"}
    assert pence(rows["Labour total"]["Outturn"])
    assert str(rows["D25-05"]["Of the variance"]).startswith("No forecast for Q4")


def test_names_lead_to_the_totals() -> None:
    document = factory.document()
    book = stored(build_return_workbook(document))
    total = document.figures.total
    wanted = {
        "Total_claimed_now": total.claimed_now,
        "Total_to_date": total.to_date,
        "Total_remaining": total.remaining,
        "Total_allocation": total.allocation,
        "Labour_claimed_to_date": document.figures.categories[Category.LABOUR].claimed_to_date,
        "Total_entries": total.to_date,
    }
    for name, value in wanted.items():
        ((title, coordinate),) = book.defined_names[name].destinations
        assert pence(book[title][coordinate.replace("$", "")].value) == value


def test_a_draft_says_so_and_a_certified_return_says_who() -> None:
    draft = stored(build_return_workbook(factory.document()))
    assert str(draft["Cover"]["A3"].value).startswith("DRAFT – not certified")
    assert "DRAFT" in str(draft["Return"].oddFooter)
    sealed = stored(build_return_workbook(factory.certified()))
    assert str(sealed["Cover"]["A3"].value).startswith("CERTIFIED")
    text = {cell.value for row in sealed["Declaration"].iter_rows() for cell in row}
    assert {"A. Treasurer", "Chief finance officer (section 151 officer)", "21 July 2025 at 14:05 UTC"} <= text
    assert factory.STATEMENT in text
    assert "As deputy for" not in text
    for sheet in draft.worksheets:
        assert "DRAFT – not certified" in str(sheet["A3" if sheet.title == "Cover" else "A2"].value)
    assert not [sheet.title for sheet in sealed.worksheets if "DRAFT" in str(sheet["A2"].value)]
    assert "DRAFT" not in str(sealed["Return"].oddFooter)


def test_sheets_are_set_up_for_paper_and_screen() -> None:
    book = formulas(build_return_workbook(factory.document()))
    for sheet in book.worksheets:
        assert (sheet.page_setup.orientation, sheet.page_setup.paperSize) == ("landscape", 9)
        assert sheet.print_area
        assert "OFFICIAL" in str(sheet.oddHeader)
        assert sheet["A1"].value
    assert book["Return"].freeze_panes == "C6"
    assert book["Return"].print_title_rows == "$4:$5"
    assert book["Entries"].auto_filter.ref == "A4:K12"
    assert book["Entries"].print_title_rows == "$4:$4"
    assert book.properties.creator == "Dorset Council (svd_tracker)"
    assert book.properties.title.startswith("Serious Violence Duty 2025/26: finance return, Dorset")
