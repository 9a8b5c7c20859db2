"""The package itself: the same bytes every time, no repair needed, text that stays text, no framework loaded."""

import dataclasses
import hashlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

from exports.cells import Book
from exports.documents import FiguresDiffer, ReturnDocument
from exports.return_workbook import build_return_workbook
from exports.stored_results import ResultsDiffer, with_results
from exports.styles import Palette
from tests.exports import factory
from tests.exports.package_lint import lint
from tests.exports.parts import part_of, parts
from tests.exports.reading import calamine_values, formulas, stored

pytestmark = pytest.mark.unit

ROOT = Path(__file__).parents[2]
NASTY = (
    "=1+1",
    "+cmd|' /C calc'!A0",
    "@SUM(1)",
    "-2",
    '=HYPERLINK("http://x","y")',
    "\t=1",
    " kept ",
    "a\x07b\r\nc",
    "<&>\"'",
)


def in_a_fresh_process(code: str, **environment: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip()


@pytest.mark.parametrize("count", [0, 1, 1200])
def test_the_package_needs_no_repair(count: int) -> None:
    data = build_return_workbook(factory.document(factory.many(count)))
    lint(data)
    last = 5 + max(count, 1) - 1
    assert f'<dimension ref="A1:K{last}"' in part_of(data, "Entries")


def test_the_same_document_gives_the_same_bytes() -> None:
    first = build_return_workbook(factory.certified(factory.with_adjustments()))
    assert build_return_workbook(factory.certified(factory.with_adjustments())) == first
    assert "2025-07-14T09:30:00Z" in parts(first)["docProps/core.xml"]
    code = (
        "import hashlib\nfrom tests.exports import factory\n"
        "from exports.return_workbook import build_return_workbook as build\n"
        "print(hashlib.sha256(build(factory.certified(factory.with_adjustments()))).hexdigest())"
    )
    for seed in ("1", "2"):
        elsewhere = in_a_fresh_process(code, PYTHONHASHSEED=seed)
        assert elsewhere == hashlib.sha256(first).hexdigest()


def test_print_titles_stand_as_excel_writes_them() -> None:
    workbook = parts(build_return_workbook(factory.document()))["xl/workbook.xml"]
    assert "'Return'!$A:$B,'Return'!$4:$5</definedName>" in workbook


def nasty() -> ReturnDocument:
    """A document whose every free text is hostile."""
    made = factory.document()
    lines = tuple(dataclasses.replace(line, title=f"=SUM({n})") for n, line in enumerate(made.figures.lines))
    entries = tuple(
        entry._replace(funding_title="=1+1", document=text) for entry, text in zip(made.entries, NASTY, strict=False)
    )
    checks = tuple(
        dataclasses.replace(check, message=text, where=text) for check, text in zip(made.checks, NASTY, strict=False)
    )
    return dataclasses.replace(
        made,
        holder_name="=Holder & Sons",
        grant_name="=1+1",
        statement="=HYPERLINK(1)",
        prepared_by="@x",
        marking="OFFICIAL & SENSITIVE",
        explanations={"D25-03": "=2+2", "D25-01": "-2"},
        figures=dataclasses.replace(made.figures, lines=lines),
        entries=entries,
        match=tuple(dataclasses.replace(line, source="=cmd") for line in made.match),
        checks=checks,
    )


def test_text_that_people_typed_is_never_a_formula() -> None:
    document = nasty()
    plain = build_return_workbook(factory.document())
    data = build_return_workbook(document)
    lint(data)
    count = sum(text.count("<f>") for text in parts(plain).values())
    assert sum(text.count("<f>") for text in parts(data).values()) == count
    entries = list(formulas(data)["Entries"].iter_rows(min_row=5))
    wanted = [text.replace("\x07", "").replace("\r\n", "\n") for text in NASTY]
    assert [row[7].value for row in entries] == wanted[: len(entries)]
    assert {row[7].data_type for row in entries} == {"s"}
    assert stored(data)["Return"]["B7"].value == "=SUM(0)"
    assert calamine_values(data)["Return"]["B7"] == "=SUM(0)"


def test_entries_that_do_not_come_to_the_figures_are_refused() -> None:
    made = factory.document()
    first, *others = made.entries
    stray = first._replace(quarter=3, eligible=False)
    barred = first._replace(eligible=False)
    for entries, match in ((others, "D25-01"), ((*made.entries, stray), "D25-01"), ((barred, *others), "eligible")):
        with pytest.raises(FiguresDiffer, match=match):
            build_return_workbook(dataclasses.replace(made, entries=entries))


@pytest.mark.parametrize("ref", ["D*", "D?1", "=D", ">1", "~D", " ", "007", "1-2", "1E5"])
def test_a_ref_that_a_spreadsheet_takes_for_a_pattern_is_refused(ref: str) -> None:
    given = factory.inputs(fundings=[dataclasses.replace(factory.FUNDINGS[0], ref=ref)], entries=())
    with pytest.raises(ValueError, match="cannot add up"):
        build_return_workbook(factory.document(given))


def test_refs_that_differ_only_in_capitals_are_refused() -> None:
    fundings = [dataclasses.replace(factory.FUNDINGS[0], ref=ref) for ref in ("d1", "D1")]
    with pytest.raises(ValueError, match="capitals"):
        build_return_workbook(factory.document(factory.inputs(fundings=fundings, entries=())))


def test_a_formula_without_its_result_is_found() -> None:
    with pytest.raises(ResultsDiffer, match="no stored result"):
        with_results('<c r="A1" s="1"><f>SUM(B1)</f><v /></c>', {})
    with pytest.raises(ResultsDiffer, match="no formula"):
        with_results("<c/>", {"A1": "x"})
    assert with_results('<c r="A1"><f>B1</f><v></v></c>', {"A1": "<"}) == '<c r="A1" t="str"><f>B1</f><v>&lt;</v></c>'


def test_text_can_be_read_on_any_council_colour() -> None:
    assert Palette("#00594F").on_colour == "FFFFFF"
    assert Palette("FFD700").on_colour != "FFFFFF"
    assert Palette("FFD700").heading != "FFD700"
    with pytest.raises(ValueError, match="hexadecimal"):
        Palette("teal")


def test_long_text_is_cut_where_excel_would() -> None:
    page = Book("00594F").page("Long", (10,))
    cell = page.text(1, 1, "x" * 40_000)
    assert len(str(cell.value)) == 32_767


def test_exports_load_no_web_and_no_database() -> None:
    code = (
        "import pkgutil, sys, exports\n"
        "for found in pkgutil.iter_modules(exports.__path__): __import__('exports.' + found.name)\n"
        "print([name for name in ('flask', 'sqlalchemy', 'werkzeug', 'jinja2') if name in sys.modules])"
    )
    assert in_a_fresh_process(code) == "[]"
