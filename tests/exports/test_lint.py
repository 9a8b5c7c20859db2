"""The package lint: it finds what is planted, and nothing in any workbook of the application."""

import io
import zipfile
from collections.abc import Callable

import pytest

from exports.area_workbook import build_area_workbook
from exports.lint import lint
from exports.marked_upload import marked_copy
from exports.partner_workbook import make_partner_workbook
from exports.return_workbook import build_return_workbook
from exports.statement_workbook import StatementDocument, build_statement_workbook
from svd_tracker.readers.ledger_lines import LineFinding, Severity
from svd_tracker.readers.table_file import TableRow
from tests.exports import factory
from tests.exports.parts import part_name, parts, replaced
from tests.support.partner import form

pytestmark = pytest.mark.unit


def statement() -> StatementDocument:
    made = factory.certified(factory.final())
    assert made.certified_at is not None
    return StatementDocument(
        grant_name=made.grant_name,
        grant_ref=made.grant_ref,
        agreement_ref=made.agreement_ref,
        funder=made.funder,
        area_name=made.area_name,
        holder_name=made.holder_name,
        accountable_body=made.accountable_body,
        fy=made.fy,
        return_label=made.kind_label,
        certified_by="A. Treasurer",
        certified_at=made.certified_at,
        built_at=made.built_at,
        figures=made.figures,
        paid=100_00,
        signers=("Chief finance officer", "Chair of the partnership"),
    )


WORKBOOKS: dict[str, Callable[[], bytes]] = {
    "draft": lambda: build_return_workbook(factory.document()),
    "sealed": lambda: build_return_workbook(factory.full()),
    "working papers": lambda: build_return_workbook(factory.papers()),
    "no fundings": lambda: build_return_workbook(factory.document(factory.no_fundings())),
    "no entries": lambda: build_return_workbook(factory.document(factory.no_entries())),
    "many entries": lambda: build_return_workbook(factory.document(factory.many(3_000))),
    "provisional": lambda: build_return_workbook(factory.document(factory.provisional())),
    "final": lambda: build_return_workbook(factory.certified(factory.final())),
    "area": lambda: build_area_workbook(factory.area()),
    "area with nobody": lambda: build_area_workbook(factory.area(nobody=True)),
    "year-end statement": lambda: build_statement_workbook(statement()),
    "partner's workbook": lambda: make_partner_workbook(form()),
    "marked upload": lambda: marked_copy(
        [TableRow(3, ("Date", "Amount"))], [LineFinding(Severity.ERROR, "code", 3, 2, "Amount", "wrong")], "june.csv"
    ),
}


@pytest.mark.parametrize("name", WORKBOOKS)
def test_nothing_is_found_in_our_own(name: str) -> None:
    assert lint(WORKBOOKS[name]()) == []


@pytest.fixture(scope="module")
def sound() -> bytes:
    return WORKBOOKS["sealed"]()


@pytest.mark.parametrize(
    ("part", "old", "new", "found"),
    [
        ("[Content_Types].xml", "/xl/styles.xml", "/xl/style.xml", "xl/style.xml, which is not there"),
        ("[Content_Types].xml", "spreadsheetml.worksheet+xml", "spreadsheetml.sheet+xml", "not said to be a sheet"),
        ("xl/_rels/workbook.xml.rels", "styles.xml", "missing.xml", "xl/missing.xml, which is not there"),
        ("xl/_rels/workbook.xml.rels", "styles.xml", "workbook.xml", "nothing leads to xl/styles.xml"),
        ("xl/workbook.xml", 'name="Match"', 'name="Return"', "two sheets are called Return"),
        ("xl/workbook.xml", 'name="Match"', 'name="Ma[tch"', "no sheet can be called"),
        ("xl/workbook.xml", "Entries!$I$3<", "Entry!$I$3<", "Total_entries leads nowhere"),
        ("xl/workbook.xml", "Entries!$I$3<", "#REF!<", "Total_entries leads nowhere"),
        ("xl/workbook.xml", 'name="Total_entries"', 'name="entries_AMOUNT"', "is given twice"),
        ("xl/workbook.xml", 'name="Total_entries"', 'name="A1"', "no cell can be called 'A1'"),
        ("Cover", "Declaration!A1", "Elsewhere!A1", "Cover: a link leads nowhere: Elsewhere!A1"),
        ("Match", 'r="B5"', 'r="A5"', "Match: the cell A5 stands in it twice"),
        ("Match", '<row r="6"', '<row r="5"', "Match: its rows are not in order"),
        ("Match", 'r="A5" s="', 'r="A5" s="9', "Match: the cell A5 has a style that is not there"),
        ("Summary", 'r:id="rId1"', 'r:id="rId7"', "Summary: it asks for the relation rId7"),
        ("Checks", '<mergeCell ref="A5:D5"', '<mergeCell ref="A5"', "Checks: the merge A5 is of one cell"),
        ("Checks", '<mergeCell ref="A5:D5"', '<mergeCell ref="A5:D6"', "Checks: the merges A5:D6 and A6:D6 overlap"),
        ("Entries", "</sheetData>", "<sheetData>", "is no XML"),
    ],
)
def test_what_is_planted_is_found(sound: bytes, part: str, old: str, new: str, found: str) -> None:
    name = part if "/" in part or part.startswith("[") else part_name(sound, part)
    problems = lint(replaced(sound, name, old, new))
    assert any(found in problem for problem in problems), problems


def test_parts_too_many_too_few_or_damaged_are_found(sound: bytes) -> None:
    def zipped(**changes: str | None) -> bytes:
        held = {
            **parts(sound),
            **{name.replace("__", "/").replace("_xml", ".xml"): text for name, text in changes.items()},
        }
        made = io.BytesIO()
        with zipfile.ZipFile(made, "w") as archive:
            for name, text in held.items():
                if text is not None:
                    archive.writestr(name, text)
        return made.getvalue()

    assert any("nothing leads to xl/stray.xml" in problem for problem in lint(zipped(xl__stray_xml="<a/>")))
    assert lint(zipped(xl__workbook_xml=None)) == ["it has no content types or no workbook"]
    assert lint(b"no zip") == ["it is no zip package"]
    made = io.BytesIO(sound)
    with zipfile.ZipFile(made, "a") as archive, pytest.warns(UserWarning, match="Duplicate name"):
        archive.writestr("xl/styles.xml", archive.read("xl/styles.xml"))
    assert "a part stands in it twice" in lint(made.getvalue())
    turned = bytearray(sound)
    turned[len(turned) // 2] ^= 0xFF
    assert lint(bytes(turned))
