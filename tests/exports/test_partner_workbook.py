"""The workbook that a partner fills in, and its marked copy: what stands in them, and after LibreOffice saved them."""

import io
from pathlib import Path

import openpyxl
import pytest

from exports.lint import lint
from exports.partner_marked import PROBLEMS, TooLarge, marked_partner_workbook
from exports.partner_workbook import make_partner_workbook
from svd_tracker.calculations.figures import ObligationKind
from svd_tracker.readers.partner_checks import check_partner_return
from svd_tracker.readers.partner_layout import CERTIFICATE, MATCH, README, RETURN, VERSION
from svd_tracker.readers.partner_return import read_partner_return
from tests.exports.libreoffice import recalculated
from tests.exports.reading import calamine_values, formulas, pence, stored, values
from tests.support.partner import Changes, edited, form

pytestmark = pytest.mark.xlsx
FILLED_IN: Changes = {
    RETURN: {"G7": 13_000.25, "B10": "Level-Up", "C10": "Non-labour", "D10": 12_040, "F10": 0, "G10": 3_010.01,
             "H10": 10, "J10": 4_000, "K10": 5_000},
    CERTIFICATE: {"B6": "No", "B7": "A Clerk", "B8": "B Treasurer", "B9": "Section 151 officer"},
}  # fmt: skip


def test_the_same_form_gives_the_same_bytes_without_a_problem_in_the_package() -> None:
    content = make_partner_workbook(form())
    assert content == make_partner_workbook(form())
    assert lint(content) == []
    assert stored(content).sheetnames == [README, RETURN, MATCH, CERTIFICATE, VERSION]
    assert calamine_values(content) == values(stored(content))


def test_labels_are_locked_and_can_be_selected_and_the_cells_to_fill_in_are_open() -> None:
    book = formulas(make_partner_workbook(form()))
    for sheet in book.worksheets:
        assert sheet.protection.sheet, sheet.title
        assert not sheet.protection.selectLockedCells
        assert sheet.protection.password is None
    page = book[RETURN]
    open_cells = {cell.coordinate for row in page.iter_rows() for cell in row if not cell.protection.locked}
    assert {"F7", "G7", "H7", "J7", "K7", "N7", "D9", "B10", "C10", "D10", "N19"} <= open_cells
    assert not {"A7", "B7", "C7", "D7", "E7", "I7", "L7", "M7", "A10", "G20", "G22"} & open_cells
    assert book[VERSION].sheet_state == "hidden"
    lists = {
        str(each.formula1): str(each.sqref) for each in page.data_validations.dataValidation if each.type == "list"
    }
    assert lists == {'"Labour,Non-labour"': "C10:C19"}


@pytest.mark.parametrize(
    ("closed", "own", "ahead", "kind"),
    [
        ((), (1,), (2, 3, 4), ObligationKind.IN_YEAR),
        ((), (1, 2), (3, 4), ObligationKind.IN_YEAR),
        ((1, 2, 3), (4,), (4,), ObligationKind.PROVISIONAL),
        ((1, 2, 3, 4), (), (), ObligationKind.FINAL),
    ],
)
def test_every_period_asks_for_its_own_quarters(
    closed: tuple[int, ...], own: tuple[int, ...], ahead: tuple[int, ...], kind: ObligationKind
) -> None:
    asked = form(closed, own, ahead, kind=kind)
    content = make_partner_workbook(asked)
    read = read_partner_return(content)
    assert tuple(read.columns) == asked.columns
    line = read.lines[0]
    spent = sum(line.amounts["spent", quarter] for quarter in own)
    expected = asked.lines[0].reported_before + spent
    assert line.amounts["to_date", 0] == expected
    ahead_of_it = expected - sum(line.amounts["spent", quarter] for quarter in own if quarter in ahead)
    assert line.amounts["outturn", 0] == ahead_of_it + 10_000_00 * len(ahead)
    assert {each.code for each in check_partner_return(read, asked)} == {"no_certifier", "no_preparer"}


def test_filled_in_and_saved_by_libreoffice_it_says_the_same_and_its_formulas_are_worked_out(tmp_path: Path) -> None:
    content = recalculated(edited(make_partner_workbook(form()), FILLED_IN, values=False), tmp_path)
    read = read_partner_return(content)
    assert check_partner_return(read, form())[0].code == "new_line"
    assert [each.code for each in check_partner_return(read, form())] == ["new_line"]
    assert read.totals["spent", 2][0] == 13_000_25 + 14_000_00 + 9_000_00 + 3_010_01
    page = stored(content)[RETURN]
    assert pence(page["I10"].value) == 3_010_01
    assert pence(page["L10"].value) == 12_010_01
    assert pence(page["G21"].value) == 9_000_00 + 3_010_01, "non-labour by SUMIFS"
    assert pence(stored(content)[CERTIFICATE]["B4"].value) == read.totals["to_date", 0][0]


def test_libreoffice_works_out_what_was_stored(tmp_path: Path) -> None:
    content = make_partner_workbook(form())
    assert values(stored(recalculated(content, tmp_path))) == values(stored(content))


def test_the_marked_copy_lists_each_problem_with_a_link_and_marks_its_cell(tmp_path: Path) -> None:
    wrong: Changes = {RETURN: {"G7": "n/a", "K9": None, "D9": 36_000}, CERTIFICATE: {"B6": "perhaps"}}
    content = recalculated(edited(make_partner_workbook(form()), wrong, values=False), tmp_path)
    found = check_partner_return(read_partner_return(content), form())
    copy = marked_partner_workbook(content, found, "BCP Q2.xlsx")
    assert [each for each in lint(copy) if not each.endswith("its merges are not in order")] == []  # as openpyxl saves
    book = formulas(copy)
    assert book.sheetnames[0] == PROBLEMS
    listed = book[PROBLEMS]
    assert listed["A1"].value == "Problems in BCP Q2.xlsx"
    assert listed["A2"].value == "4 to put right, 2 to look at. Each cell's name is a link to it."
    by_cell = {(row[1].value, row[2].value): row for row in listed.iter_rows(min_row=5) if row[2].value}
    assert set(by_cell) == {
        (RETURN, "G7"),
        (RETURN, "K9"),
        (RETURN, "D9"),
        (CERTIFICATE, "B6"),
        (CERTIFICATE, "B7"),
        (CERTIFICATE, "B8"),
    }
    link = by_cell[RETURN, "G7"][2].hyperlink
    assert link is not None
    assert link.location == "'Return'!G7"
    assert "found 'n/a'" in book[RETURN]["G7"].comment.text
    assert book[RETURN]["G7"].fill.start_color.rgb == "00FDE8E8"
    assert not book[RETURN]["G7"].protection.locked, "they can put it right in the copy"
    assert book[RETURN].protection.sheet


def test_a_marked_copy_that_was_put_right_and_sent_again_is_clean(tmp_path: Path) -> None:
    first = edited(make_partner_workbook(form()), {RETURN: {"G7": "n/a"}})
    copy = marked_partner_workbook(first, check_partner_return(read_partner_return(first), form()), "BCP.xlsx")
    right = recalculated(edited(copy, {RETURN: {"G7": 500, "G8": "tbc"}}, values=False), tmp_path)
    again = marked_partner_workbook(right, check_partner_return(read_partner_return(right), form()), "BCP.xlsx")
    book = formulas(again)
    assert book.sheetnames.count(PROBLEMS) == 1
    assert book[RETURN]["G7"].comment is None
    assert book[RETURN]["G7"].fill.start_color.rgb == "00FFF9DB"
    assert "tbc" in book[RETURN]["G8"].comment.text


def test_a_workbook_of_far_more_cells_than_a_return_is_not_marked() -> None:
    book = openpyxl.load_workbook(io.BytesIO(make_partner_workbook(form())))
    for row in range(1, 1_500):
        book[MATCH].append([f"{row} {column} {'x' * 90}" for column in range(60)])
    target = io.BytesIO()
    book.save(target)
    with pytest.raises(TooLarge):
        marked_partner_workbook(target.getvalue(), (), "big.xlsx")
