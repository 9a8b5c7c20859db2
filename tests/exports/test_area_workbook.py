"""The area workbook read back: the join's figures to the penny, a missing holder missing and never nought."""

import dataclasses
import datetime as dt
from pathlib import Path

import pytest

from exports.area_workbook import build_area_with_map, build_area_workbook
from exports.documents import AreaDocument, FiguresDiffer
from exports.read_back import read_back
from exports.read_list import DiffersFromFigures
from svd_tracker.calculations.area import reconcile_awards
from svd_tracker.calculations.figures import Category, TotalFigures
from tests.exports import factory
from tests.exports.libreoffice import recalculated
from tests.exports.package_lint import lint
from tests.exports.reading import calamine_values, formulas, pence, stored, values

pytestmark = pytest.mark.xlsx

CASES = {"complete": {}, "one missing": {"missing": True}, "nobody": {"nobody": True}}
LETTERS = "BCDEFGHIJKLMN"


@pytest.fixture(params=CASES)
def document(request: pytest.FixtureRequest) -> AreaDocument:
    return factory.area(**CASES[request.param])


def wanted(total: TotalFigures | None) -> list[int | str]:
    if total is None:
        return ["missing"] * len(LETTERS)
    money: list[int | None] = [total.allocation, total.funding, total.profile_to_date, total.this_period]
    money += [total.adjustments, total.to_date, total.claimed_to_date, total.claimed_before, total.claimed_now]
    money += [total.locally_funded, total.remaining, total.outturn, total.variance]
    return ["not given" if value is None else value for value in money]


def shown(row: tuple[object, ...]) -> list[int | str]:
    return [value if isinstance(value, str) else pence(value) for value in row[1 : 1 + len(LETTERS)]]


def assert_shows(data: bytes, document: AreaDocument) -> None:
    book = stored(data)
    assert book.sheetnames == ["Cover", "Area", "Interventions", "Lines", "Checks"]
    figures = document.figures
    rows = list(book["Area"].iter_rows(min_row=5, values_only=True))
    count = len(figures.members)
    for block, category in enumerate(Category):
        start = block * (count + 2)
        assert rows[start][0] == category.label
        for row, member in zip(rows[start + 1 : start + 1 + count], figures.members, strict=True):
            assert row[0] == member.name
            assert shown(row) == wanted(member.figures.categories[category] if member.figures else None)
        assert shown(rows[start + 1 + count]) == wanted(figures.categories.get(category))
    total = rows[2 * (count + 2)]
    assert total[0] == ("Total" if figures.complete else "Total, of those present")
    assert shown(total) == wanted(figures.total)
    for row, member in zip(rows[2 * (count + 2) + 3 :], figures.members, strict=False):
        assert row[0] == member.name
        assert shown(row) == wanted(member.figures.total if member.figures else None)
    by_title = {row[0]: row[1:] for row in book["Interventions"].iter_rows(min_row=6, values_only=True)}
    for intervention in figures.interventions:
        cells = by_title[intervention.title]
        across = [intervention.funding, intervention.to_date, intervention.claimed_now]
        assert [pence(cells[count + block * (count + 1)]) for block in range(3)] == across
        for number, member in enumerate(figures.members):
            held = [each.line.funding for each in intervention.lines if each.holder_ref == member.ref]
            if member.figures is None:
                assert cells[number] == "missing"
            else:
                assert cells[number] is None if not held else pence(cells[number]) == sum(held)


def test_the_join_is_stored_in_every_cell(document: AreaDocument) -> None:
    data = build_area_workbook(document)
    lint(data)
    assert_shows(data, document)
    assert calamine_values(data) == values(stored(data))
    assert build_area_workbook(document) == data


def test_libreoffice_calculates_the_same(document: AreaDocument, tmp_path: Path) -> None:
    data = build_area_workbook(document)
    again = recalculated(data, tmp_path)
    assert_shows(again, document)
    assert values(stored(again)) == values(stored(data))


def test_totals_are_live() -> None:
    sheet = formulas(build_area_workbook(factory.area()))["Area"]
    assert str(sheet["C7"].value).startswith("=ROUND(SUM(Lines!$E$")
    assert str(sheet["C9"].value) == "=ROUND(SUM(C6:C8),2)"


def test_the_cover_says_who_is_in_and_who_is_missing() -> None:
    book = stored(build_area_workbook(factory.area(missing=True)))
    cover = [[cell.value for cell in row] for row in book["Cover"].iter_rows()]
    assert str(cover[2][0]).startswith("DRAFT – not certified · INCOMPLETE – missing: Bournemouth")
    rows = {str(row[0]): row for row in cover}
    missing = rows["Bournemouth, Christchurch and Poole Community Safety Partnership"]
    assert (missing[2], missing[3], missing[8]) == ("MISSING", "The return is not certified yet", "missing")
    present = rows["Dorset Community Safety Partnership"]
    assert (present[2], present[3], present[7]) == ("Certified", "Revision 1", "21 July 2025")
    member = factory.area(missing=True).figures.members[1]
    assert member.figures
    assert pence(present[8]) == member.figures.total.claimed_now
    complete = stored(build_area_workbook(factory.area()))["Cover"]
    assert str(complete["A3"].value).startswith("DRAFT – not certified · COMPLETE")


def test_an_allocation_that_differs_from_the_record_is_listed() -> None:
    rows = list(stored(build_area_workbook(factory.area()))["Checks"].iter_rows(min_row=6, max_row=6, values_only=True))
    assert rows[0][1] == "Non-labour"
    assert [pence(value) for value in rows[0][2:5]] == [40_000_00, 39_000_00, 1_000_00]


def test_a_total_that_is_not_the_sum_of_its_lines_is_refused() -> None:
    made = factory.area()
    member = made.figures.members[1]
    assert member.figures
    short = dataclasses.replace(member.figures, lines=member.figures.lines[1:])
    members = (made.figures.members[0], dataclasses.replace(member, figures=short), made.figures.members[2])
    figures = dataclasses.replace(made.figures, members=members)
    with pytest.raises(FiguresDiffer, match="Dorset"):
        build_area_workbook(dataclasses.replace(made, figures=figures))
    with pytest.raises(FiguresDiffer, match="without its certified revision"):
        build_area_workbook(dataclasses.replace(made, states={}))


def test_the_funders_awards_come_to_nought_with_what_the_holders_have() -> None:
    awards = reconcile_awards(factory.area().figures.members, {Category.LABOUR: 160_000_00, Category.NON_LABOUR: 1})
    book = stored(build_area_workbook(dataclasses.replace(factory.area(), awards=awards)))
    rows = {str(row[0]): row for row in book["Checks"].iter_rows(values_only=True)}
    assert pence(rows["Not allocated to a holder"][2]) == 160_000_00 - sum(awards[0].allocations.values())
    assert [pence(value) for value in rows["Award less all of these"][2:5]] == [0, 0, 0]
    assert [pence(value) for value in rows["Award of the Home Office"][2:5]] == [160_000_00, 1, 160_000_01]


def test_each_holders_lines_stand_with_their_subtotals() -> None:
    made = factory.area()
    rows = list(stored(build_area_workbook(made))["Lines"].iter_rows(min_row=5, values_only=True))
    assert len(made.figures.members) > 1
    for member in made.figures.members:
        assert member.figures
        assert member.figures.lines
        short = made.short_names.get(member.ref, member.name)
        totals = {str(row[2]): row for row in rows if row[0] == short and row[3] is None}
        assert pence(totals["Total"][8]) == member.figures.total.to_date
        for category in {line.category for line in member.figures.lines}:
            assert pence(totals[f"{category.label} total"][8]) == member.figures.categories[category].to_date


def test_a_certified_join_is_locked_and_says_who_certified_it() -> None:
    certified = dataclasses.replace(
        factory.area(),
        certified_by="T. Reasurer",
        certified_post="Chief finance officer to the PCC",
        certified_at=dt.datetime(2025, 7, 29, 12, 5, tzinfo=dt.UTC),
        deputy_for="A. Chief",
        statement="I certify it.",
    )
    book = formulas(build_area_workbook(certified))
    assert all(sheet.protection.sheet for sheet in book.worksheets)
    assert not any(sheet.protection.sheet for sheet in formulas(build_area_workbook(factory.area())).worksheets)
    cover = {cell.value for row in book["Cover"].iter_rows() for cell in row}
    assert {"T. Reasurer", "Chief finance officer to the PCC", "A. Chief", "I certify it."} <= cover


@pytest.mark.parametrize("sheet", ["Lines", "Area"])
def test_a_cell_that_does_not_say_what_is_stored_is_named(sheet: str) -> None:
    content, cells = build_area_with_map(factory.area())
    read_back(content, cells)
    cell, figure = next(iter(cells[sheet].items()))
    wrong = {**cells, sheet: {**cells[sheet], cell: dataclasses.replace(figure, pence=figure.pence + 1)}}
    with pytest.raises(DiffersFromFigures, match=f"{sheet}!{cell}"):
        read_back(content, wrong)
