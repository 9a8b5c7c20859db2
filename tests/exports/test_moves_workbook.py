"""The workbook of the register of moves, read back cell by cell and by other readers."""

import datetime as dt
from dataclasses import replace
from pathlib import Path

import pytest

from exports.moves_workbook import MoveLineRow, MoveRow, MovesDocument, build_moves_workbook
from tests.exports.libreoffice import recalculated
from tests.exports.package_lint import lint
from tests.exports.reading import calamine_values, formulas, pence, stored, values

pytestmark = pytest.mark.xlsx

BIG = 987_654_321_09
VIREMENT = MoveRow(
    day=dt.date(2025, 10, 14),
    kind="Virement",
    ref="V-0001",
    holders="Dorset",
    state="Approved",
    moved=1_500_00,
    counts=True,
    reason="=A vacancy until January",
    asked_by="Dorset finance officer",
    decided_by="OPCC officer",
    approval="APP-0007",
    minute_ref="OPCC/25/9",
    lines=(
        MoveLineRow("High harm perpetrator tool", "F-0001", "Non-labour", 10_000_00, -1_500_00, 8_500_00),
        MoveLineRow("Specialist nurse", "F-0002", "Non-labour", 8_000_00, 1_500_00, 9_500_00),
    ),
)
WAITING = replace(VIREMENT, ref="V-0002", state="Requested", counts=False, moved=40_00, decided_by="", approval="")
REALLOCATION = replace(
    VIREMENT,
    kind="Reallocation",
    ref="R-0001",
    holders="BCP, Dorset",
    moved=BIG,
    lines=(MoveLineRow("Dorset", "", "Labour", BIG, -BIG, 0), MoveLineRow("BCP", "", "Labour", 1, BIG, BIG + 1)),
)
HIDDEN = replace(VIREMENT, ref="V-0003", moved=None, reason="Not shown: you declared an interest", lines=())


def document(*moves: MoveRow) -> MovesDocument:
    return MovesDocument(
        area_name="Dorset",
        grant_ref="SVD-2025",
        grant_name="Serious Violence Duty grant",
        year="2025/26",
        from_on=dt.date(2025, 4, 1),
        to_on=None,
        state="",
        built_at=dt.datetime(2025, 10, 20, 12, tzinfo=dt.UTC),
        council_colour="#00594f",
        marking="OFFICIAL",
        moves=moves,
    )


CASES = {
    "one of each": (VIREMENT, WAITING, REALLOCATION),
    "nothing": (),
    "one that is shut": (VIREMENT, HIDDEN, REALLOCATION),
}


@pytest.fixture(params=CASES)
def built(request: pytest.FixtureRequest) -> bytes:
    return build_moves_workbook(document(*CASES[request.param]))


def test_every_move_and_line_is_in_its_cells() -> None:
    book = stored(build_moves_workbook(document(VIREMENT, WAITING, REALLOCATION)))
    assert book.sheetnames == ["Register", "Lines"]
    register = [[cell.value for cell in row] for row in book["Register"].iter_rows(min_row=5, max_row=7)]
    assert [(row[1], row[2], row[4], pence(row[5])) for row in register] == [
        ("Virement", "V-0001", "Approved", 1_500_00),
        ("Virement", "V-0002", "Requested", 40_00),
        ("Reallocation", "R-0001", "Approved", BIG),
    ]
    assert str(register[0][0]) == "2025-10-14 00:00:00"
    assert book["Register"]["G5"].value == "=A vacancy until January"
    assert book["Register"]["G5"].data_type == "s"
    lines = [[cell.value for cell in row[5:]] for row in book["Lines"].iter_rows(min_row=5)]
    assert [(row[0], *map(pence, row[3:6])) for row in lines] == [
        (line.what, line.before, line.change, line.after)
        for move in (VIREMENT, WAITING, REALLOCATION)
        for line in move.lines
    ]


def test_sums_are_of_what_is_approved_by_kind() -> None:
    sheet = stored(build_moves_workbook(document(VIREMENT, WAITING, REALLOCATION, VIREMENT)))["Register"]
    found = {row[0].value: (row[4].value, pence(row[5].value)) for row in sheet.iter_rows(min_row=10, max_row=11)}
    assert found == {"Virements approved": (2, 3_000_00), "Reallocations approved": (1, BIG)}


def test_a_shut_move_is_in_no_sum() -> None:
    sheet = stored(build_moves_workbook(document(VIREMENT, HIDDEN)))["Register"]
    assert [sheet["F6"].value, sheet["F8"].value] == ["not shown", "not shown"]
    assert pence(sheet["F9"].value) == 0


def test_other_readers_read_the_same(built: bytes, tmp_path: Path) -> None:
    lint(built)
    own = values(stored(built))
    assert calamine_values(built) == own
    assert values(stored(recalculated(built, tmp_path))) == own
    for sheet in formulas(built).worksheets:
        for row in sheet.iter_rows():
            for cell in row:
                assert cell.data_type != "e", cell.coordinate


def test_the_same_document_gives_the_same_bytes() -> None:
    assert build_moves_workbook(document(*CASES["one of each"])) == build_moves_workbook(
        document(*CASES["one of each"])
    )
