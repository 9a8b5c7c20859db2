"""Reading a built workbook back: sound ones pass, and one changed cell stops it and is named."""

import dataclasses
import io
import re
import tracemalloc
import zipfile
from collections.abc import Callable, Mapping

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exports.area_workbook import build_area_workbook
from exports.entries_sheet import SHEET as ENTRIES
from exports.read_back import read_back
from exports.read_list import DiffersFromFigures
from exports.return_workbook import Built, build_with_map
from svd_tracker.calculations.figures import ReturnInputs
from tests.exports import factory
from tests.exports.parts import parts, replaced

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
BUILT = build_with_map(factory.certified(factory.with_adjustments()))
FIGURE_CELLS = [(sheet, cell) for sheet, cells in BUILT.figures.items() for cell in cells]


def look(built: Built, content: bytes | None = None) -> None:
    read_back(built.content if content is None else content, built.figures, built.lists)


def part_of(data: bytes, sheet: str) -> str:
    """The name of the part that a sheet stands in."""
    held = parts(data)
    found = re.search(rf'<sheet [^>]*name="{re.escape(sheet)}"[^>]*r:id="(\w+)"', held["xl/workbook.xml"])
    assert found is not None
    relations = held["xl/_rels/workbook.xml.rels"]
    target = next(each for each in re.findall(r"<Relationship [^>]*>", relations) if f'Id="{found[1]}"' in each)
    (part,) = re.findall(r'Target="/?(?:xl/)?([^"]+)"', target)
    return f"xl/{part}"


def with_cell(data: bytes, sheet: str, cell: str, change: Callable[[str], str]) -> bytes:
    """The workbook with the XML of one cell changed."""
    name = part_of(data, sheet)
    found = re.search(rf'<c r="{cell}"[^>]*?(?:/>|>.*?</c>)', parts(data)[name])
    assert found is not None, (sheet, cell)
    changed = change(found[0])
    assert changed != found[0]
    return replaced(data, name, found[0], changed)


def stopped(content: bytes, built: Built = BUILT) -> DiffersFromFigures:
    with pytest.raises(DiffersFromFigures) as raised:
        look(built, content)
    return raised.value


@pytest.mark.parametrize("name", CASES)
def test_a_sound_workbook_passes(name: str) -> None:
    look(build_with_map(factory.document(CASES[name]())))


def test_a_long_one_a_working_copy_and_the_areas_pass() -> None:
    look(build_with_map(factory.document(factory.many(3_000))))
    look(build_with_map(dataclasses.replace(factory.certified(), working_copy=True)))
    read_back(build_area_workbook(factory.area()), {})


@given(st.sampled_from(FIGURE_CELLS), st.sampled_from(["0.01", "-0.01", "1000000"]))
@settings(max_examples=60, deadline=None)
def test_any_figure_that_is_changed_by_a_penny_is_named(place: tuple[str, str], by: str) -> None:
    def change(xml: str) -> str:
        return re.sub(r"<v>(.*?)</v>", lambda found: f"<v>{float(found[1]) + float(by):.2f}</v>", xml)

    error = stopped(with_cell(BUILT.content, *place, change))
    if "<f>" in cell_xml(*place):
        assert (error.sheet, error.cell) == place
    assert error.stored != error.found or error.sheet == ENTRIES
    assert f"{error.sheet}!{error.cell}" in error.words


def cell_xml(sheet: str, cell: str) -> str:
    found = re.search(rf'<c r="{cell}"[^>]*?(?:/>|>.*?</c>)', parts(BUILT.content)[part_of(BUILT.content, sheet)])
    assert found is not None
    return found[0]


def first_with(sheet: str, wanted: str) -> str:
    """The first figure cell of a sheet whose XML has this in it."""
    return next(cell for cell in BUILT.figures[sheet] if wanted in cell_xml(sheet, cell))


def test_the_words_name_the_cell_and_both_amounts() -> None:
    cell = first_with("Return", "SUMIFS")
    was = BUILT.figures["Return"][cell].pence
    error = stopped(with_cell(BUILT.content, "Return", cell, lambda xml: re.sub("<v>.*</v>", "<v>1.5</v>", xml)))
    assert error.words == f"Return!{cell} shows 1.50, and its formula comes to {was / 100:,.2f}"


def test_a_changed_formula_is_named() -> None:
    cell = first_with("Return", "SUMIFS")
    changed = with_cell(BUILT.content, "Return", cell, lambda xml: xml.replace("SUMIFS(", "1+SUMIFS("))
    assert (stopped(changed).sheet, stopped(changed).cell) == ("Return", cell)


def test_a_formula_and_its_result_changed_together_are_named() -> None:
    """The bytes agree with themselves, and still not with what is stored."""
    cell = next(cell for sheet, cell in FIGURE_CELLS if sheet == "Cover")

    def change(xml: str) -> str:
        return re.sub("<f>.*</f><v>.*</v>", "<f>ROUND(1+1,2)</f><v>2</v>", xml)

    error = stopped(with_cell(BUILT.content, "Cover", cell, change))
    assert (error.sheet, error.cell, error.found) == ("Cover", cell, "2.00")
    assert "the stored figure is" in error.words


@pytest.mark.parametrize(
    ("cell", "change", "found"),
    [
        ("I5", lambda xml: re.sub("<v>.*</v>", "<v>1.00</v>", xml), "1.00"),
        ("B6", lambda xml: re.sub("<t>.*</t>", "<t>D25-09</t>", xml), "D25-09"),
        ("E5", lambda xml: re.sub("<v>.*</v>", "<v>2</v>", xml), "2"),
        ("G7", lambda xml: re.sub("<v>.*</v>", "<v>45749</v>", xml), "45749"),
        ("H5", lambda xml: re.sub("<t>.*</t>", "<t>INV-1</t>", xml), "INV-1"),
        ("J8", lambda xml: re.sub("<t>.*</t>", "<t>No</t>", xml), "No"),
        ("K5", lambda xml: xml.replace("/>", ' t="inlineStr"><is><t>Yes</t></is></c>'), "Yes"),
        ("I9", lambda xml: re.sub("<v>.*</v>", "<v>1e3</v>", xml), "1e3"),
    ],
)
def test_a_changed_cell_of_an_entry_is_named(cell: str, change: Callable[[str], str], found: str) -> None:
    error = stopped(with_cell(BUILT.content, ENTRIES, cell, change))
    assert (error.sheet, error.cell, error.found) == (ENTRIES, cell, found)


@pytest.mark.parametrize(
    "change",
    [
        lambda xml: re.sub("<v>(.*)</v>", r"<f>\1</f><v>\1</v>", xml),
        lambda xml: xml.replace("<v>", "<v> "),
        lambda xml: xml.replace("<c ", '<c cm="1" '),
        lambda xml: "",
        lambda xml: xml * 2,
    ],
)
def test_an_entry_written_in_another_way_is_named(change: Callable[[str], str]) -> None:
    error = stopped(with_cell(BUILT.content, ENTRIES, "I6", change))
    assert error.sheet == ENTRIES
    assert error.cell in ("I6", "A6")


def test_an_entry_left_out_put_in_or_put_elsewhere_is_found() -> None:
    name = part_of(BUILT.content, ENTRIES)
    last = BUILT.lists[ENTRIES].first_row + BUILT.lists[ENTRIES].count - 1
    first, second, end = (
        re.findall(rf'<row r="{row}".*?</row>', parts(BUILT.content)[name])[0] for row in (5, 6, last)
    )
    more = re.sub(rf"(?<=[A-Z\"]){last}(?=\")", str(last + 1), end)
    assert more.count(str(last + 1)) == 12
    for old, new in ((first, ""), (end, ""), (second, first), (first, second + first), (end, end + more)):
        assert stopped(replaced(BUILT.content, name, old, new)).sheet == ENTRIES


@pytest.mark.parametrize(
    ("formula", "words"),
    [
        ("AVERAGE(1,2)", "AVERAGE is not one of ours"),
        ("Nowhere_at_all", "leads nowhere"),
        ("Return!C7/0", "division by nought"),
        ("{cell}+1", "depends on itself"),
        ("ROUND(1", "is missing"),
        ("1 2", "follows"),
        ("SUM(Entries!I6)+Entries!I6", "in a list"),
        ("SUM(Elsewhere!A1:A3)", "is not there"),
        ("1+&quot;1&quot;", "where a number must be"),
        ("SUMIFS(Entries_amount,Entries_funding,&quot;D25*&quot;)", "pattern"),
        ("SUMIFS(Entries_amount,Entries_funding)", "SUMIFS takes"),
        ("1^2", "not understood"),
    ],
)
def test_a_formula_of_another_kind_stops_it(formula: str, words: str) -> None:
    cell = next(cell for sheet, cell in FIGURE_CELLS if sheet == "Cover")

    def change(xml: str) -> str:
        return re.sub("<f>.*</f>", f"<f>{formula.format(cell=f'Cover!{cell}')}</f>", xml)

    error = stopped(with_cell(BUILT.content, "Cover", cell, change))
    assert (error.sheet, error.cell) == ("Cover", cell)
    assert words in error.words


def test_a_cell_that_is_not_ours_is_named() -> None:
    cell = first_with("Return", "SUMIFS")
    for change in (lambda xml: xml.replace("<f>", '<f t="array">'), lambda xml: xml.replace("<v>", "<x/><v>")):
        error = stopped(with_cell(BUILT.content, "Return", cell, change))
        assert (error.sheet, error.cell) == ("Return", cell)
    error = stopped(with_cell(BUILT.content, "Return", cell, lambda xml: xml.replace("<c ", '<c t="e" ')))
    assert error.sheet == "Return"


def test_a_sheet_or_figure_that_is_not_there_is_named() -> None:
    assert stopped(replaced(BUILT.content, "xl/workbook.xml", 'name="Match"', 'name="Mtach"')).sheet == "Match"
    figure = next(iter(BUILT.figures["Return"].values()))
    with pytest.raises(DiffersFromFigures, match=r"Return!ZZ99 shows nothing"):
        read_back(BUILT.content, {"Return": {"ZZ99": figure}}, BUILT.lists)


def test_broken_bytes_are_said_to_be_broken() -> None:
    for broken in (b"", BUILT.content[:-100], BUILT.content[:2_000]):
        assert "cannot be opened again" in stopped(broken).words
    middle = len(BUILT.content) // 2
    damaged = bytearray(BUILT.content)
    damaged[middle : middle + 40] = bytes(40)
    stopped(bytes(damaged))
    empty = io.BytesIO()
    with zipfile.ZipFile(empty, "w"):
        pass
    assert "cannot be opened again" in stopped(empty.getvalue()).words


def test_a_long_list_takes_no_more_memory_than_a_short_one() -> None:
    peaks: Mapping[int, list[int]] = {2_000: [], 20_000: []}
    for count, peak in peaks.items():
        built = build_with_map(factory.document(factory.many(count)))
        tracemalloc.start()
        look(built)
        peak.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[20_000][0] < peaks[2_000][0] + 1_500_000
