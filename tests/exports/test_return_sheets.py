"""What each sheet of a return's workbook says beside its figures, and which stored figure each cell stands for."""

import dataclasses
import io
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from openpyxl import load_workbook
from openpyxl.worksheet.worksheet import Worksheet

from exports.cells import Figure
from exports.documents import ReturnDocument
from exports.return_workbook import Built, build_return_workbook, build_with_map
from svd_tracker.calculations.figures import Category, LineFigures, ReturnInputs, TotalFigures
from svd_tracker.periods import QUARTERS
from tests.exports import factory
from tests.exports.libreoffice import recalculated
from tests.exports.package_lint import lint
from tests.exports.parts import parts
from tests.exports.reading import calamine_values, formulas, pence, stored, values

pytestmark = pytest.mark.xlsx

CASES: dict[str, Callable[[], ReturnInputs]] = {
    "adjustments": factory.with_adjustments,
    "held to a ceiling": factory.over_ceiling,
    "forecast missing": factory.missing_forecast,
    "provisional": factory.provisional,
    "final": factory.final,
    "no fundings": factory.no_fundings,
}
OF_LINES = [
    "funding",
    "profile_to_date",
    "this_period",
    "adjustments",
    "to_date",
    "accruals",
    "eligible_to_date",
    "claimed_to_date",
    "claimed_before",
    "claimed_now",
    "locally_funded",
    "remaining",
    "outturn",
    "variance",
]
OF_TOTALS = [*OF_LINES, "allocation", "repayable"]


def wanted(document: ReturnDocument) -> dict[tuple[str, str, int], int]:
    """Every figure that a workbook must show, as the calculation gave it."""
    figures = document.figures
    found: dict[tuple[str, str, int], int | None] = {}
    rows: list[tuple[str, LineFigures | TotalFigures, list[str]]] = [
        *((line.ref, line, OF_LINES) for line in figures.lines),
        *((f"category:{category.value}", figures.categories[category], OF_TOTALS) for category in Category),
        ("", figures.total, OF_TOTALS),
    ]
    for ref, row, codes in rows:
        found |= {(ref, code, 0): getattr(row, code) for code in codes}
        found |= {(ref, "spent", quarter): value for quarter, value in row.spent_by_quarter.items()}
        found |= {(ref, "forecast", quarter): value for quarter, value in row.forecast_by_quarter.items()}
    for line in figures.lines:
        found |= {(line.ref, "profile", quarter): value for quarter, value in line.profile_by_quarter.items()}
    found |= {(each.funding_ref, "adjustment", each.quarter): each.pence for each in figures.adjustments}
    for number, match in enumerate(document.match, 1):
        stages = (match.promised, match.confirmed, match.received_or_delivered)
        found |= {
            (f"match:{number}", code, 0): value
            for code, value in zip(("promised", "confirmed", "achieved"), stages, strict=True)
        }
    for at, code in enumerate(("promised", "confirmed", "achieved")):
        stages_of = {kind: [match for match in document.match if match.kind == kind] for kind in ("Cash", "In kind")}
        for ref, lines in (("cash", stages_of["Cash"]), ("in_kind", stages_of["In kind"]), ("total", document.match)):
            amounts = [(each.promised, each.confirmed, each.received_or_delivered)[at] for each in lines]
            found[f"match:{ref}", code, 0] = sum(amounts)
    return {place: value for place, value in found.items() if value is not None}


def shown(built: Built) -> list[tuple[str, str, Figure]]:
    return [(sheet, cell, figure) for sheet, cells in built.figures.items() for cell, figure in cells.items()]


@pytest.mark.parametrize("case", CASES)
def test_every_figure_stands_in_a_cell_that_says_which_it_is(case: str) -> None:
    document = factory.document(CASES[case]())
    built = build_with_map(document)
    book = stored(built.content)
    expected = wanted(document)
    seen = set()
    for sheet, cell, figure in shown(built):
        place = (figure.line_ref, figure.code, figure.quarter)
        assert figure.pence == expected[place], (sheet, cell, place)
        assert pence(book[sheet][cell].value) == figure.pence, (sheet, cell, place)
        seen.add(place)
    assert seen == expected.keys()


@pytest.mark.parametrize("case", CASES)
def test_a_figure_is_a_formula_or_a_value_with_a_name(case: str) -> None:
    built = build_with_map(factory.document(CASES[case]()))
    book = formulas(built.content)
    named = {destination for name in book.defined_names.values() for destination in name.destinations}
    assert len(shown(built)) > 50
    for sheet, cell, figure in shown(built):
        column, row = re.fullmatch(r"([A-Z]+)([0-9]+)", cell).groups()  # type: ignore[union-attr]
        if book[sheet][cell].data_type != "f":
            assert (sheet, f"${column}${row}") in named, (sheet, cell, figure)


def test_refs_that_make_the_same_name_are_told_apart() -> None:
    fundings = [dataclasses.replace(factory.FUNDINGS[0], ref=ref) for ref in ("D-1", "D_1", "D 1")]
    names = formulas(
        build_return_workbook(factory.document(factory.inputs(fundings=fundings, entries=())))
    ).defined_names
    assert {"Funding_D_1", "Funding_D_1_2", "Funding_D_1_3"} <= set(names)


def rows_of(sheet: Worksheet) -> list[list[object]]:
    return [[cell.value for cell in row if cell.value is not None] for row in sheet.iter_rows()]


def test_progress_shows_results_against_targets_and_why_one_is_missing() -> None:
    rows = rows_of(stored(build_return_workbook(factory.full()))["Progress"])
    assert ["D25-02  Specialist nurse, emergency department"] in rows
    assert ["Young people seen within a day", 120, 31, 28, 59] in [row[:5] for row in rows]
    share = ["Of them, referred on", 0.6, 0.5483, "not given", "not given", "Q2: The clinic's count is late"]
    assert share in rows
    assert ["Milestone: Nurse in post", "Reached on 3 June 2025"] in rows
    assert ["Sessions held", "not given", "not given", "not given", "not given"] in [row[:5] for row in rows]
    assert rows.count(["Risks", "not given"]) == 1
    none = rows_of(stored(build_return_workbook(factory.document()))["Progress"])
    assert ["No plan line has progress recorded for this period."] in none


def test_changes_stand_old_and_new_with_the_reason_of_their_line() -> None:
    document = factory.full()
    built = build_with_map(document)
    sheet, live = stored(built.content)["Changes"], formulas(built.content)["Changes"]
    rows = [[cell.value for cell in row] for row in sheet.iter_rows(min_row=5, max_row=8)]
    line = document.figures.lines[3]
    assert rows[0][:3] == [line.ref, line.title, "Spent, Q1 2025/26"]
    assert [pence(value) for value in rows[0][3:6]] == [443_110, 507_110, 64_000]
    assert rows[0][6] == "An invoice of June came in August, after the return was certified."
    assert (rows[1][2], rows[1][3], rows[1][5]) == ("Outturn", "not given", "–")
    assert (rows[2][0], rows[2][4], rows[2][6]) == ("D25-99", "not given", "No reason is given yet")
    assert (rows[3][0], rows[3][1]) == ("–", "Total")
    assert live["E5"].data_type == live["F5"].data_type == "f", "nothing is typed twice"
    first = rows_of(stored(build_return_workbook(factory.certified()))["Changes"])
    assert any("first revision" in str(row) for row in first)


def test_an_accepted_warning_prints_who_accepted_it_and_why() -> None:
    rows = rows_of(stored(build_return_workbook(factory.full()))["Checks"])
    warning = next(row for row in rows if row[:1] == ["Warning"])
    assert warning[-1] == "Accepted by F. Officer on 10 July 2025: agreed locally."
    assert ["The checks of the return found 1 warning, 1 of them accepted"] in rows
    assert [row for row in rows if row[:1] == ["Passed"]] == [["Passed", name] for name in factory.PASSED]
    open_ones = rows_of(stored(build_return_workbook(factory.document()))["Checks"])
    assert ["The checks of the return found 1 error and 1 warning"] in open_ones


def test_a_deputy_and_a_nil_return_say_so() -> None:
    rows = rows_of(stored(build_return_workbook(factory.full()))["Declaration"])
    assert ["As deputy for", "B. Director, strategic finance"] in rows
    nil = stored(build_return_workbook(dataclasses.replace(factory.certified(factory.no_entries()), nil=True)))
    assert nil["Cover"]["A3"].value == "CERTIFIED · NIL RETURN · Revision 1"
    assert any("Nil return: there is nothing to report" in str(row) for row in rows_of(nil["Declaration"]))
    assert not any("Nil return" in str(row) for row in rows)


def test_the_chart_has_its_figures_in_it_and_words_for_who_cannot_see_it() -> None:
    document = factory.full()
    held = parts(build_return_workbook(document))
    chart, drawing = held["xl/charts/chart1.xml"], held["xl/drawings/drawing1.xml"]
    values = [re.findall(r"<v>([^<]*)</v>", cache) for cache in re.findall(r"<numCache>(.*?)</numCache>", chart)]
    total = document.figures.total
    assert [round(float(value) * 100) for value in values[1]] == list(total.spent_by_quarter.values())
    assert [round(float(value) * 100) for value in values[2]] == list(total.forecast_by_quarter.values())
    assert 'name="Spend against profile"' in drawing
    assert "Spent: Q1 £60,308.56, Q2 £13,165.25." in drawing


def test_the_return_is_locked_and_can_be_read_filtered_and_copied() -> None:
    for document in (factory.document(), factory.full()):
        book = load_workbook(io.BytesIO(build_return_workbook(document)))
        assert book.security.lockStructure
        assert len(book.worksheets) == 11
        for sheet in book.worksheets:
            locks = sheet.protection
            assert locks.sheet
            forbidden = [locks.selectLockedCells, locks.selectUnlockedCells, locks.autoFilter, locks.formatColumns]
            assert not any(forbidden)
            assert locks.password is None
        assert book["Entries"].auto_filter.ref


@pytest.mark.parametrize("certified", [True, False])
def test_a_working_copy_has_no_locks_and_says_what_it_is(certified: bool) -> None:
    document = factory.full() if certified else factory.document()
    copy = load_workbook(io.BytesIO(build_return_workbook(dataclasses.replace(document, working_copy=True))))
    sealed = load_workbook(io.BytesIO(build_return_workbook(document)))
    assert copy.sheetnames == sealed.sheetnames
    for sheet in copy.worksheets:
        assert not sheet.protection.sheet
        head = str(sheet["A3" if sheet.title == "Cover" else "A2"].value)
        assert head.startswith("WORKING COPY – not the return")
        assert "WORKING COPY" in str(sheet.oddFooter)
        assert "WORKING COPY" not in str(sealed[sheet.title].oddFooter)


def test_working_papers_carry_payees_and_never_pass_for_the_return() -> None:
    document = factory.papers()
    data = build_return_workbook(document)
    lint(data)
    book = stored(data)
    rows = [[cell.value for cell in row] for row in book["Full entries"].iter_rows(min_row=5)]
    assert [row[0] for row in rows] == [entry.seq for entry in document.entries]
    assert [pence(row[6]) for row in rows] == [entry.pence for entry in document.entries]
    assert rows[0][7:] == ["=Supplier & Sons", "Room hire", None, "F. Officer", "ledger.csv, row 1"]
    assert str(book["Cover"]["A3"].value).startswith("WORKING PAPERS – not the return, for the holder alone")
    with pytest.raises(ValueError, match="stay with the holder"):
        build_return_workbook(dataclasses.replace(document, working_copy=False))
    with pytest.raises(ValueError, match="stands where"):
        build_return_workbook(dataclasses.replace(document, full_entries=document.full_entries[::-1]))


def test_every_sheet_can_be_reached_from_the_cover() -> None:
    for document in (factory.document(), factory.papers()):
        book = formulas(build_return_workbook(document))
        links = {str(cell.hyperlink.location) for row in book["Cover"].iter_rows() for cell in row if cell.hyperlink}
        assert len(links) >= 10
        assert {link.replace("'", "") for link in links} == {f"{title}!A1" for title in book.sheetnames[1:]}


def test_spend_stands_beside_profile_and_forecast_for_each_quarter() -> None:
    """In a provisional return quarter 4 has both: what is spent so far and what is expected (FIGURES.md 12)."""
    document = factory.document(factory.provisional())
    total = document.figures.total
    sheet = stored(build_return_workbook(document))["Summary"]
    table = {str(row[5].value): [cell.value for cell in row[6:11]] for row in sheet.iter_rows(min_row=6, max_row=8)}
    assert [pence(value) for value in table["Spent"][:4]] == list(total.spent_by_quarter.values())
    assert pence(table["Spent"][4]) == total.to_date
    assert (table["Forecast"][:3], pence(table["Forecast"][3])) == ([None] * 3, total.forecast_by_quarter[4])
    profiles = [sum(line.profile_by_quarter[quarter] for line in document.figures.lines) for quarter in QUARTERS]
    assert [pence(value) for value in table["Profile"]] == [*profiles, sum(profiles)]


@pytest.mark.parametrize("papers", [False, True])
def test_other_programs_read_the_same(papers: bool, tmp_path: Path) -> None:
    """What openpyxl, calamine and LibreOffice, calculating for itself, find in every cell of every sheet."""
    data = build_return_workbook(factory.papers() if papers else factory.full())
    ours = values(stored(data))
    assert calamine_values(data) == ours
    assert values(stored(recalculated(data, tmp_path))) == ours
