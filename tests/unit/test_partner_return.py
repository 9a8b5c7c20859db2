"""A partner's filled workbook read back: what it says, and each thing that is wrong, at its cell."""

import io
from dataclasses import replace
from typing import Literal

import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis.strategies import DataObject, data, integers

from exports.partner_workbook import make_partner_workbook
from svd_tracker.calculations.figures import ObligationKind
from svd_tracker.readers.line_findings import Severity
from svd_tracker.readers.partner_checks import check_partner_return, other_return, used_lines
from svd_tracker.readers.partner_grid import Problem
from svd_tracker.readers.partner_layout import CERTIFICATE, MATCH, RETURN, VERSION, Given, Place
from svd_tracker.readers.partner_return import read_partner_return
from svd_tracker.readers.table_types import UnreadableFile
from tests.support.partner import Changes, as_google_sheets, edited, form, rows_moved, saved

pytestmark = pytest.mark.unit
ASKED = form()
FILLED = make_partner_workbook(ASKED)
NAMED: Changes = {
    CERTIFICATE: {"B6": "No", "B7": "A Clerk", "B8": "B Treasurer", "B9": "Section 151", "B10": "16/10/2025"}
}


def problems(content: bytes) -> tuple[Problem, ...]:
    return check_partner_return(read_partner_return(content), ASKED)


def codes(content: bytes) -> set[str]:
    return {each.code for each in problems(content)}


def one(content: bytes, code: str) -> Problem:
    (found,) = [each for each in problems(content) if each.code == code]
    return found


def test_what_was_filled_in_is_read_with_its_cells() -> None:
    read = read_partner_return(edited(FILLED, NAMED))
    assert read.mark == ASKED.mark
    line = read.lines[0]
    place: Place = ("spent", 2)
    assert (line.ref, line.amounts[place], line.cells[place]) == ("B25-01", 12_100_50, "G7")
    assert read.lines[1].title == "=Specialist nurse", "text stays text"
    assert (read.certificate.certifier, read.certificate.post) == ("B Treasurer", "Section 151")
    assert read.certificate.nil is False
    assert str(read.certificate.signed_on) == "2025-10-16"
    (match,) = read.match
    assert match.match == ASKED.match[0]
    assert match.cells["achieved"] == "Match!F6"
    assert problems(edited(FILLED, NAMED)) == ()


def test_the_lines_that_count_are_those_asked_for_and_the_spare_ones_filled_in() -> None:
    new: Changes = {
        RETURN: {
            "B10": "Level-Up",
            "C10": "Non-labour",
            "D10": 12_040,
            "G10": "3,010.01",
            "J10": 0,
            "K10": 0,
            "N10": "Ends",
        }
    }
    content = edited(FILLED, {**NAMED, **new})
    assert codes(content) == {"new_line", "total_differs"}
    lines = used_lines(read_partner_return(content), ASKED)
    assert [asked.ref for asked, _ in lines] == ["B25-01", "B25-02", "P01", "P02"]
    assert (lines[-1][0].title, lines[-1][0].budget) == ("Level-Up", 12_040_00)
    assert lines[-1][1].amounts["spent", 2] == 3_010_01


@pytest.mark.parametrize(
    ("sheet", "cell", "value", "code", "said"),
    [
        (RETURN, "G7", "n/a", "not_money", "found 'n/a'"),
        (RETURN, "G7", "#REF!", "not_money", "found '#REF!'"),
        (RETURN, "G7", 12.345, "not_money", "no more than two figures"),
        (RETURN, "G8", None, "blank", "Enter what was spent on =Specialist nurse in Q2, or 0"),
        (RETURN, "K9", None, "forecast_missing", "in Q4, or 0"),
        (RETURN, "H7", -5, "negative_accrual", "plain amount"),
        (RETURN, "A9", "X99", "unknown_ref", "There is no line X99"),
        (RETURN, "A8", "B25-01", "twice", "rows 7 and 8"),
        (RETURN, "B11", "A project", "no_category", "Choose Labour or Non-labour"),
        (RETURN, "D9", None, "no_budget", "Enter the budget"),
        (MATCH, "C6", "Cheque", "match_kind", "Choose Cash or In kind (found 'Cheque')"),
        (MATCH, "D6", "lots", "not_money", "found 'lots'"),
        (RETURN, "D9", -1, "negative_budget", "is negative"),
        (MATCH, "D6", -500, "negative_match", "without a minus"),
        (CERTIFICATE, "B7", None, "no_preparer", "Enter who prepared this return"),
        (CERTIFICATE, "B6", "perhaps", "nil_words", "Choose Yes or No"),
        (CERTIFICATE, "B6", "Yes", "not_nil", "amounts are entered"),
    ],
)
def test_each_error_names_its_cell(sheet: str, cell: str, value: object, code: str, said: str) -> None:
    changes = {name: dict(cells) for name, cells in NAMED.items()}
    changes.setdefault(sheet, {})[cell] = value
    found = one(edited(FILLED, changes), code)
    assert found.severity is Severity.ERROR
    assert (found.sheet, found.cell) == (sheet, cell if code != "no_category" else "C11")
    assert said in found.message


@pytest.mark.parametrize(
    ("cell", "value", "code"),
    [
        ("B7", "Coordinator", "title"),
        ("C7", "Non-labour", "category"),
        ("D7", 50_000, "budget"),
        ("D9", 36_000, "budget"),
        ("G7", -100, "negative"),
        ("K7", -1, "negative"),
        ("G22", 1, "total_differs"),
    ],
)
def test_what_is_only_to_be_looked_at_names_its_cell(cell: str, value: object, code: str) -> None:
    found = one(edited(FILLED, {**NAMED, RETURN: {cell: value}}), code)
    assert (found.severity, found.sheet, found.cell) == (Severity.WARNING, RETURN, cell)


def test_a_locked_budget_stays_and_a_partners_own_is_taken() -> None:
    read = read_partner_return(edited(FILLED, {RETURN: {"D7": 50_000, "D9": 36_000}}))
    budgets = {asked.ref: asked.budget for asked, _ in used_lines(read, ASKED)}
    assert (budgets["B25-01"], budgets["P01"]) == (48_000_00, 36_000_00)


def test_sheets_inserted_rows_moved_and_columns_put_between_change_nothing() -> None:
    expected = read_partner_return(edited(FILLED, NAMED))
    book = openpyxl.load_workbook(
        io.BytesIO(rows_moved(edited(FILLED, NAMED), RETURN, range(7, 10), 40)), data_only=True
    )
    book.create_sheet("Our workings", 0)["A1"] = "Ref"
    book[RETURN].insert_cols(4)
    book[RETURN].title = "Return Q2"
    read = read_partner_return(saved(book))
    assert {line.ref: line.amounts for line in read.lines} == {line.ref: line.amounts for line in expected.lines}
    assert read.sheet == "Return Q2"
    moved = next(line for line in read.lines if line.ref == "B25-01")
    assert moved.cells["spent", 2] == "H47"
    assert check_partner_return(read, ASKED) == ()


def test_saved_by_google_sheets_it_says_the_same() -> None:
    content = as_google_sheets(edited(FILLED, NAMED))
    assert replace(read_partner_return(content), problems=()) == read_partner_return(edited(FILLED, NAMED))
    assert problems(content) == ()


def test_a_row_of_amounts_without_a_ref_is_not_lost() -> None:
    found = one(edited(FILLED, {**NAMED, RETURN: {"B30": "Extra", "G30": 500}}), "no_ref")
    assert (found.cell, found.severity) == ("A30", Severity.ERROR)


def test_a_hidden_row_with_amounts_is_told() -> None:
    book = openpyxl.load_workbook(io.BytesIO(edited(FILLED, NAMED)))
    book[RETURN].row_dimensions[7].hidden = True
    assert one(saved(book), "hidden").cell == "A7"


def test_a_new_lines_negative_budget_is_an_error() -> None:
    new = {"B11": "A project", "C11": "Labour", "D11": -100, "G11": 0, "J11": 0, "K11": 0, "L11": "New"}
    found = one(edited(FILLED, {**NAMED, RETURN: new}), "negative_budget")
    assert (found.severity, found.cell) == (Severity.ERROR, "D11")


@pytest.mark.parametrize("state", ["hidden", "veryHidden"])
@pytest.mark.parametrize("sheet", [RETURN, MATCH])
def test_figures_on_a_hidden_sheet_are_an_error(sheet: str, state: Literal["hidden", "veryHidden"]) -> None:
    book = openpyxl.load_workbook(io.BytesIO(edited(FILLED, NAMED)), data_only=True)
    book[sheet].sheet_state = state
    found = one(saved(book), "hidden_sheet")
    assert (found.severity, found.sheet) == (Severity.ERROR, sheet)


def test_hidden_columns_with_amounts_are_named() -> None:
    book = openpyxl.load_workbook(io.BytesIO(edited(FILLED, NAMED)), data_only=True)
    for column in "GZ":
        book[RETURN].column_dimensions[column].hidden = True
    book[MATCH].column_dimensions["F"].hidden = True
    found = {each.sheet: each for each in problems(saved(book)) if each.code == "hidden_columns"}
    assert set(found) == {RETURN, MATCH}
    assert "Spent in Q2, £ (G)" in found[RETURN].message
    assert "(F)" in found[MATCH].message
    assert {each.severity for each in found.values()} == {Severity.WARNING}


def test_a_missing_column_and_a_missing_line_are_errors() -> None:
    assert "Forecast for Q4" in one(edited(FILLED, {**NAMED, RETURN: {"K6": "Later"}}), "no_column").message
    assert "B25-02" in one(edited(FILLED, {**NAMED, RETURN: {"A8": None, "G8": None}}), "no_line").message


def test_a_workbook_made_before_a_quarter_was_reported_is_sent_back() -> None:
    older = make_partner_workbook(form((), (1, 2), (3, 4)))
    found = problems(older)
    assert {each.code for each in found if each.severity is Severity.ERROR} >= {"no_column", "other_column"}
    (said,) = [each for each in found if each.code == "other_column"]
    assert "Q1 is reported already" in said.message


def test_one_made_before_something_changed_here_is_told() -> None:
    asked = replace(ASKED, mark=replace(ASKED.mark, made_from="newer"))
    found = check_partner_return(read_partner_return(edited(FILLED, NAMED)), asked)
    assert [each.code for each in found] == ["made_earlier"]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"holder": "dorset"}, "made for another partner or grant (bcp"),
        ({"grant": "SVD-2024"}, "made for another partner or grant"),
        ({"last_quarter": 3}, "is the in-year return to Q2 2025/26, and this is the in-year return to Q3 2025/26"),
        ({"kind": ObligationKind.FINAL}, "and this is the final return"),
    ],
)
def test_another_partners_or_another_periods_workbook_is_told(change: dict[str, object], said: str) -> None:
    asked = replace(ASKED, mark=replace(ASKED.mark, **change))  # type: ignore[arg-type]
    assert said in other_return(ASKED.mark, asked)
    assert other_return(ASKED.mark, ASKED) == ""


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"%PDF-1.7", "not an Excel workbook"),
        (edited(FILLED, {VERSION: {"A1": "something else"}}), "no version mark"),
        (edited(FILLED, {VERSION: {"B2": "0"}}), "older form"),
        (edited(FILLED, {RETURN: {"A6": "Reference"}}), "The headings Ref, Line and Category"),
        (edited(FILLED, {RETURN: {"J6": "Forecast for Q4, £"}}), "two columns Forecast for Q4"),
        (edited(FILLED, {"Read me": {"A30": "Ref", "B30": "Line", "C30": "Category"}}), "stands twice"),
    ],
)
def test_what_is_no_workbook_of_ours_is_refused_in_plain_words(content: bytes, said: str) -> None:
    with pytest.raises(UnreadableFile, match=said):
        read_partner_return(content)


def test_a_formula_that_no_program_worked_out_is_named_with_its_sheet() -> None:
    never_opened = saved(openpyxl.load_workbook(io.BytesIO(FILLED)))  # formulas without their results
    with pytest.raises(UnreadableFile, match=r"^Sheet Return: Cell [A-Z]+7 holds a formula that was never worked out"):
        read_partner_return(never_opened)


def test_nothing_spent_must_be_said() -> None:
    nothing: Changes = {RETURN: {f"{column}{row}": 0 for column in "FGH" for row in (7, 8, 9)}}
    named = {CERTIFICATE: {**NAMED[CERTIFICATE], "B6": None}}
    assert one(edited(FILLED, {**nothing, **named}), "nil_not_said").cell == "B6"
    said: Changes = {CERTIFICATE: {**NAMED[CERTIFICATE], "B6": "Yes"}}
    assert codes(edited(FILLED, {**nothing, **said})) == {"total_differs"}


def test_who_prepares_does_not_certify() -> None:
    same: Changes = {CERTIFICATE: {**NAMED[CERTIFICATE], "B7": "b treasurer"}}
    assert one(edited(FILLED, same), "same_person").cell == "B8"
    assert one(FILLED, "no_certifier").cell == "B8"


def test_a_variance_beyond_the_tolerance_is_to_be_explained_even_beside_other_errors() -> None:
    changes: Changes = {**NAMED, RETURN: {"N7": None, "N8": None, "G8": "n/a", "N9": "Schools start in January"}}
    found = {each.cell: each for each in problems(edited(FILLED, changes)) if each.severity is Severity.ERROR}
    assert set(found) == {"N7", "G8"}, "a line that cannot be read says that first"
    assert "its outturn is £4,026.09 under its budget" in found["N7"].message
    lenient = replace(ASKED, variance_blocks=False)
    assert "N7" not in {
        each.cell for each in check_partner_return(read_partner_return(edited(FILLED, changes)), lenient)
    }
    exactly: Changes = {**NAMED, RETURN: {"N7": None, "K7": 14_026.09 - 1_000}}
    assert codes(edited(FILLED, exactly)) == {"total_differs"}, "at exactly the tolerance nothing is asked"


@settings(max_examples=20, deadline=None)
@given(data())
def test_any_amounts_are_read_as_they_were_given(draw: DataObject) -> None:
    pence = integers(-(10**9), 10**9)
    lines = tuple(
        replace(
            line,
            reported_before=draw.draw(pence),
            given=Given({place: draw.draw(pence) for place in ASKED.asked}, "Said"),
        )
        for line in ASKED.lines
    )
    read = read_partner_return(make_partner_workbook(replace(ASKED, lines=lines)))
    for line, found in zip(lines, read.lines, strict=False):
        assert line.given is not None
        assert {place: found.amounts[place] for place in ASKED.asked} == line.given.amounts
        adjusted, spent = line.given.amounts["adjustment", 1], line.given.amounts["spent", 2]
        assert found.amounts["to_date", 0] == line.reported_before + adjusted + spent
    assert not [each for each in check_partner_return(read, ASKED) if each.code == "total_differs"]
