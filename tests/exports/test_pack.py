"""The decision pack as workbook and document: what it shows, and that its ranks move with its weights."""

import dataclasses
import datetime as dt
import io
from fractions import Fraction
from pathlib import Path

import pytest
from docx import Document
from openpyxl import load_workbook

from exports.pack_document import build_pack_document
from exports.pack_workbook import build_pack_workbook
from exports.papers import (
    Head,
    Paper,
    PaperTable,
    Percent,
    Pounds,
    ScoreColumn,
    ScoreMatrix,
    ScoreRow,
    Section,
)
from tests.exports.libreoffice import recalculated
from tests.exports.package_lint import lint
from tests.exports.reading import calamine_values, stored, values

pytestmark = pytest.mark.xlsx

COLUMNS = (
    ScoreColumn("NEED", "Need", 40_00, 5_00, None),
    ScoreColumn("WORKS", "Evidence that it works", 30_00, 4_00, 2_00, factor=2),
    ScoreColumn("VALUE", "Value for money", 30_00, 10_00, None),
)
MINIMUM = Fraction(3, 5)


def result_of(
    values: dict[str, Fraction], weights: tuple[int, ...] = (40_00, 30_00, 30_00), stage: int = 2
) -> Fraction:
    heavy = [weight * (column.factor if stage == 2 else 1) for weight, column in zip(weights, COLUMNS, strict=True)]
    parts = (weight * values[column.ref] / column.top_hundredths for weight, column in zip(heavy, COLUMNS, strict=True))
    return sum(parts, Fraction(0)) / sum(heavy)


def stage(passes: bool) -> int:
    """Here what does not pass failed the first stage, so that nothing of it is doubled."""
    return 2 if passes else 1


def rows(*given: tuple[str, tuple[Fraction, Fraction, Fraction], bool]) -> tuple[ScoreRow, ...]:
    """Rows as the application ranks them: best first, equal results sharing a rank."""
    scored = []
    for ref, marks, passes in given:
        by_ref = dict(zip((column.ref for column in COLUMNS), marks, strict=True))
        scored.append((ref, by_ref, passes, result_of(by_ref, stage=stage(passes))))
    good = [result for _, _, passes, result in scored if passes and result >= MINIMUM]
    made = [
        ScoreRow(
            ref,
            f"=Proposal {ref}",
            by_ref,
            passes,
            result,
            1 + sum(other > result for other in good) if passes and result >= MINIMUM else None,
            stage(passes),
        )
        for ref, by_ref, passes, result in scored
    ]
    return tuple(sorted(made, key=lambda row: (row.rank is None, row.rank or 0, row.ref)))


GIVEN = rows(
    ("P-01", (Fraction(1000, 3), Fraction(350), Fraction(700)), True),
    ("P-02", (Fraction(1000, 3), Fraction(350), Fraction(700)), True),  # the same: a shared rank
    ("P-03", (Fraction(500), Fraction(250), Fraction(900)), True),
    ("P-04", (Fraction(500), Fraction(100), Fraction(1000)), False),  # good, but it did not pass the first stage
    ("P-05", (Fraction(100), Fraction(200), Fraction(300)), True),  # below the overall minimum
)


def paper(**changes: object) -> Paper:
    made = Paper(
        title="Decision pack: Round of 2025/26",
        subtitle="Dorset Community Safety Partnership",
        state="Decisions published 22 April 2025",
        facts=(("Grant", "Serious Violence Duty (SVD-2025)"), ("Asked for", "£250,000.50")),
        sections=(
            Section(
                "Money",
                "Money",
                ("What there was to decide on.",),
                (
                    PaperTable(
                        "By partnership",
                        (Head("Partnership", width=40), Head("Asked", True), Head("Share", True), Head("Votes", True)),
                        (
                            ("=Dorset", Pounds(120_000_10), Percent(3333), 7),
                            ("BCP", Pounds(-5), None, 0),
                            ("In all", Pounds(120_000_05), None, None),
                        ),
                        total=True,
                    ),
                    PaperTable("Interests", (Head("Who"), Head("What")), (), empty="Nobody declared one."),
                ),
            ),
        ),
        made_at=dt.datetime(2025, 4, 22, 12, tzinfo=dt.UTC),
        made_by="Dorset Council",
        scores=ScoreMatrix(COLUMNS, GIVEN, MINIMUM),
    )
    return dataclasses.replace(made, **changes)  # type: ignore[arg-type]


def ranks(data: bytes) -> dict[str, object]:
    sheet = stored(data)["Scores"]
    return {str(row[0].value): row[8].value for row in sheet.iter_rows(min_row=10) if row[0].value}


def listed(data: bytes) -> list[tuple[object, ...]]:
    return [row[:2] for row in stored(data)["Ranked list"].iter_rows(min_row=5, values_only=True)]


def test_it_is_a_sound_workbook_that_says_what_the_paper_says(tmp_path: Path) -> None:
    data = build_pack_workbook(paper())
    lint(data)
    assert build_pack_workbook(paper()) == data, "the same bytes"
    assert calamine_values(data) == values(stored(data))
    money = stored(data)["Money"]
    cells = {str(row[0].value): row for row in money.iter_rows() if row[0].value}
    assert (cells["=Dorset"][1].value, cells["=Dorset"][2].value, cells["=Dorset"][3].value) == (120000.10, 0.3333, 7)
    assert load_workbook(io.BytesIO(data))["Money"][cells["=Dorset"][0].coordinate].data_type == "s"
    assert cells["BCP"][1].value == -0.05
    assert cells["BCP"][2].value == "–"
    assert cells["In all"][1].value == 120000.05
    assert "Nobody declared one." in cells


def test_its_ranks_are_the_applications_and_a_spreadsheets(tmp_path: Path) -> None:
    data = build_pack_workbook(paper())
    given = {row.ref: "not ranked" if row.rank is None else row.rank for row in GIVEN}
    assert given == {"P-03": 1, "P-01": 2, "P-02": 2, "P-04": "not ranked", "P-05": "not ranked"}
    assert ranks(data) == given
    again = recalculated(data, tmp_path)
    assert ranks(again) == given
    results = {row.ref: float(row.result) for row in GIVEN}
    assert results["P-04"] != float(result_of(dict(GIVEN[3].values))), "one that failed the first stage is not doubled"
    assert values(stored(again))["Scores"] == values(stored(data))["Scores"]
    assert listed(again) == listed(data) == [(1, "P-03"), (2, "P-01"), (2, "P-02"), ("–", "–"), ("–", "–")]


def test_a_changed_weight_moves_the_ranks(tmp_path: Path) -> None:
    book = load_workbook(io.BytesIO(build_pack_workbook(paper())))
    sheet = book["Scores"]
    assert [sheet.cell(5, column).value for column in (3, 4, 5)] == [40, 30, 30]
    assert not sheet.cell(5, 3).protection.locked
    assert sheet.cell(10, 3).protection.locked
    sheet.cell(5, 4).value = 90
    changed = io.BytesIO()
    book.save(changed)
    again = recalculated(changed.getvalue(), tmp_path)
    results = {row.ref: result_of(dict(row.values), (40_00, 90_00, 30_00)) for row in GIVEN if row.passes}
    good = {ref: result for ref, result in results.items() if result >= MINIMUM}
    expected = {ref: 1 + sum(other > result for other in good.values()) for ref, result in good.items()}
    assert expected == {"P-01": 1, "P-02": 1, "P-03": 3}, "the weight was chosen to move them"
    assert {ref: rank for ref, rank in ranks(again).items() if isinstance(rank, int)} == expected
    assert listed(again)[:3] == [(1, "P-01"), (1, "P-02"), (3, "P-03")]


def test_without_the_matrix_there_is_no_sheet_of_it() -> None:
    data = build_pack_workbook(paper(scores=None))
    lint(data)
    assert stored(data).sheetnames == ["Cover", "Money"]


def test_the_document_says_the_same() -> None:
    data = build_pack_document(paper())
    assert build_pack_document(paper()) == data, "the same bytes"
    made = Document(io.BytesIO(data))
    headings = [
        each.text for each in made.paragraphs if each.style and each.style.name.startswith(("Heading", "Title"))
    ]
    assert headings == ["Decision pack: Round of 2025/26", "Money", "By partnership", "Interests"]
    assert [[cell.text for cell in row.cells] for row in made.tables[0].rows] == [
        ["Partnership", "Asked", "Share", "Votes"],
        ["=Dorset", "£120,000.10", "33.33%", "7"],
        ["BCP", "−£0.05", "–", "0"],
        ["In all", "£120,000.05", "", ""],
    ]
    assert any(each.text == "Nobody declared one." for each in made.paragraphs)
    assert made.core_properties.title == "Decision pack: Round of 2025/26"
    assert made.sections[0].header.paragraphs[0].text == "OFFICIAL"


def test_a_row_has_a_cell_for_each_column() -> None:
    with pytest.raises(ValueError, match="By partnership"):
        PaperTable("By partnership", (Head("One"), Head("Two")), (("only one",),))
