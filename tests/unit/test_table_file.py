"""Files of rows that people send: what is read of each kind, and in which words the rest is refused."""

import datetime as dt
import io
import random
import tracemalloc
import zipfile

import openpyxl
import pytest
import python_calamine
from hypothesis import example, given, settings
from hypothesis import strategies as st
from openpyxl.chart import BarChart

from svd_tracker.readers import xlsx_sheet
from svd_tracker.readers.csv_stream import CsvStream
from svd_tracker.readers.table_file import MAX_BYTES, Cell, TableRow, UnreadableFile, open_table
from svd_tracker.readers.xlsx_sheet import Workbook
from tests.support.extracts import agresso_like, integra_like, sap_like
from tests.support.packages import DEFAULT_PARTS, LINK, MAIN, package, sheet_xml

pytestmark = pytest.mark.unit


def read(content: bytes, sheet: str | None = None) -> list[TableRow]:
    return list(open_table(content, "ledger").rows(sheet))


def cells(rows: str) -> list[tuple[Cell, ...]]:
    return [row.cells for row in read(package(rows))]


def refusal(content: bytes) -> str:
    with pytest.raises(UnreadableFile) as refused:
        read(content)
    return str(refused.value)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_a_csv_of_any_encoding_and_delimiter(encoding: str, delimiter: str) -> None:
    content = f"Date{delimiter}Amount\r\n\r\n1/4/25{delimiter} £5 \r\n".encode(encoding)
    table = open_table(content, "whatever.xlsx")
    assert (table.kind, table.sheets) == ("csv", ())
    assert list(table.rows()) == [TableRow(1, ("Date", "Amount")), TableRow(3, ("1/4/25", "£5"))]
    assert list(table.rows("any")) == list(table.rows())
    assert table.share_read == 1.0


def test_a_csv_is_not_held_in_rows() -> None:
    """What reading holds does not grow with the rows: ten times as many need no more memory."""

    def peak(rows: int) -> int:
        content = b"Date,Amount,Text\n" + b"01/04/2025,12.50,Specialist nurse\n" * rows
        tracemalloc.start()
        try:
            assert sum(1 for _ in open_table(content, "x").rows()) == rows + 1
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    peak(500)
    assert peak(20_000) < peak(2_000) + 200_000


def test_an_xlsx_gives_its_rows_as_it_is_read() -> None:
    row = '<row r="{n}"><c r="A{n}"><v>{n}</v></c></row>'
    table = open_table(package("".join(row.format(n=n) for n in range(1, 20_001))), "x")
    rows = table.rows()
    assert next(rows).cells == (1,)
    assert 0 < table.share_read < 0.5
    assert sum(1 for _ in rows) == 19_999
    assert table.share_read == 1.0


def test_cells_of_every_kind() -> None:
    rows = (
        '<row r="2" hidden="1"><c r="A2" t="s"><v>0</v></c><c r="B2" t="s"><v>1</v></c>'
        '<c r="D2" t="inlineStr"><is><t> a_x0007_b </t></is></c><c r="E2"/></row>'
        '<row r="5"><c r="A5" s="1"><v>45824</v></c><c r="B5" s="3"><v>45824.75</v></c><c r="C5" s="2"><v>1.5</v></c>'
        '<c r="D5"><v>45824</v></c><c r="E5"><v>12.34</v></c><c r="F5" t="b"><v>1</v></c>'
        '<c r="G5" t="e"><v>#REF!</v></c><c r="H5" t="str"><f>A1</f><v>text</v></c><c r="I5"><f>1+1</f><v>2</v></c>'
        '<c r="J5" t="d"><v>2025-06-16</v></c><c r="K5" t="str"><f>""</f><v></v></c></row>'
        "<row><c><v>7</v></c><c><v>-8</v></c></row>"
    )
    assert read(package(rows)) == [
        TableRow(2, ("Date", "Amount", None, "a b"), hidden=True),
        TableRow(
            5,
            (
                dt.date(2025, 6, 16), dt.datetime.fromisoformat("2025-06-16T18:00"), 1.5, 45824, 12.34, True,
                "#REF!", "text", 2, dt.date(2025, 6, 16),
            ),
        ),
        TableRow(6, (7, -8)),
    ]  # fmt: skip


def test_dates_counted_from_1904() -> None:
    book = DEFAULT_PARTS["xl/workbook.xml"].replace("<sheets>", '<workbookPr date1904="1"/><sheets>')
    rows = '<row r="1"><c r="A1" s="1"><v>44362</v></c></row>'
    assert read(package(rows, {"xl/workbook.xml": book}))[0].cells == (dt.date(2025, 6, 16),)


def saved(workbook: openpyxl.Workbook) -> bytes:
    target = io.BytesIO()
    workbook.save(target)
    return target.getvalue()


def test_it_reads_what_openpyxl_and_calamine_read() -> None:
    content = sap_like()
    sheet = openpyxl.load_workbook(io.BytesIO(content)).worksheets[0]
    ours = {row.row_no: row.cells for row in read(content)}

    def plain(value: object) -> object:
        return value.date() if isinstance(value, dt.datetime) else value

    theirs = {
        number: tuple(map(plain, values))[: len(ours.get(number, ()))]
        for number, values in enumerate(sheet.iter_rows(values_only=True), 1)
        if any(value is not None for value in values)
    }
    assert ours == theirs
    calamine = python_calamine.CalamineWorkbook.from_filelike(io.BytesIO(content)).get_sheet_by_index(0)
    found = calamine.to_python(skip_empty_area=False)
    assert {n: [str(x or "") for x in ours[n]] for n in ours} == {
        n: [str(int(x) if isinstance(x, float) else x) for x in found[n - 1]][: len(ours[n])] for n in ours
    }


def test_hidden_sheets_charts_merged_cells_and_links_outside() -> None:
    workbook = openpyxl.Workbook()
    first = workbook.worksheets[0]
    first.title, first.sheet_state = "Old", "hidden"
    second = workbook.create_sheet("June")
    second.append(["Date", "Amount"])
    second.merge_cells("A3:B3")
    second["A3"] = "=[other.xlsx]Sheet1!A1"
    del second["A3"]
    workbook.create_chartsheet("Chart").add_chart(BarChart())
    table = open_table(saved(workbook), "x")
    assert table.sheets == ("Old", "June")
    assert list(table.rows()) == list(table.rows("June")) == [TableRow(1, ("Date", "Amount"))]
    assert list(table.rows("Old")) == []
    with pytest.raises(UnreadableFile, match=r"no sheet called July\. It has Old, June"):
        list(table.rows("July"))


def test_an_empty_chart_sheet_does_no_harm() -> None:
    workbook = openpyxl.Workbook()
    workbook.worksheets[0].append(["A"])
    workbook.create_chartsheet("Chart").add_chart(BarChart())
    with zipfile.ZipFile(io.BytesIO(saved(workbook))) as whole:
        parts = {name: whole.read(name) for name in whole.namelist()}
    parts["xl/chartsheets/sheet1.xml"] = f'<chartsheet xmlns="{MAIN}"/>'.encode()
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as made:
        for name, content in parts.items():
            made.writestr(name, content)
    assert read(target.getvalue()) == [TableRow(1, ("A",))]


def test_a_wrong_dimension_is_not_believed() -> None:
    xml = sheet_xml('<row r="1"><c r="A1"><v>1</v></c></row><row r="9"><c r="C9"><v>2</v></c></row>',
                    '<dimension ref="A1:A1"/>')  # fmt: skip
    assert read(package(changed={"xl/worksheets/sheet1.xml": xml})) == [TableRow(1, (1,)), TableRow(9, (None, None, 2))]


@pytest.mark.parametrize(
    "rows",
    [
        '<row r="2"><c r="A2"><v>1</v></c></row><row r="1"><c r="A1"><v>2</v></c></row>',
        '<row r="2"><c r="A2"><v>1</v></c></row><row r="2"><c r="B2"><v>2</v></c></row>',
        '<row r="1"><c r="B1"><v>1</v></c><c r="A1"><v>2</v></c></row>',
        '<row r="1"><c r="A1"><v>1</v></c><c r="A1"><v>2</v></c></row>',
        '<row r="1"><c r="A2"><v>1</v></c></row>',
    ],
)
def test_rows_and_cells_out_of_order_or_twice_are_refused(rows: str) -> None:
    assert "out of order" in refusal(package(rows))


def test_a_value_in_the_last_cell_is_refused_and_style_alone_there_ignored() -> None:
    assert refusal(package('<row r="1048576"><c r="XFD1048576"><v>1</v></c></row>')).startswith(
        "Row 1048576 has more than 100 columns"
    )
    assert cells('<row r="1"><c r="A1"><v>1</v></c><c r="XFD1" s="1"/></row>') == [(1,)]
    assert read(package('<row r="1048576"><c r="A1048576"><v>1</v></c></row>'))[0].row_no == 1_048_576


def test_a_formula_that_was_never_worked_out_is_refused() -> None:
    workbook = openpyxl.Workbook()
    workbook.worksheets[0]["C5"] = "=SUM(C1:C4)"
    assert refusal(saved(workbook)).startswith("Cell C5 holds a formula that was never worked out. Open the workbook")
    assert "never worked out" in refusal(package('<row r="1"><c r="A1"><f>1</f></c></row>'))


def bomb(size: int) -> bytes:
    return package(changed={"xl/worksheets/sheet1.xml": sheet_xml(" " * size)})


def with_kind(kind: str, **more: str) -> bytes:
    types = DEFAULT_PARTS["[Content_Types].xml"].replace(
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml", kind
    )
    return package(changed={"[Content_Types].xml": types, **more})


def twice() -> bytes:
    target = io.BytesIO(package('<row r="1"><c r="A1"><v>1</v></c></row>'))
    with zipfile.ZipFile(target, "a") as made, pytest.warns(UserWarning, match="Duplicate name"):
        made.writestr("xl/worksheets/sheet1.xml", sheet_xml('<row r="1"><c r="A1"><v>2</v></c></row>'))
    return target.getvalue()


def locked() -> bytes:
    content = bytearray(package())
    at = content.rindex(b"PK\x01\x02")
    content[at + 8] |= 1
    return bytes(content)


_DTD = '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY f SYSTEM "file:///etc/passwd">]>'
_CELL = '<row r="1"><c r="A1" t="inlineStr"><is><t>&f;</t></is></c></row>'
_MANY = {f"xl/media/{number}.txt": "" for number in range(2_001)}
_STRICT = "http://purl.oclc.org/ooxml/spreadsheetml/main"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "This is an older Excel file, or it has a password"),
        (b"%PDF-1.7\n", "This is a PDF"),
        (b"<html><table>", "This is a web page"),
        (b"\x1f\x8b\x08", "This is a compressed file"),
        (b"x" * (MAX_BYTES + 1), "The file is larger than 10 MB"),
        (b"PK\x03\x04", "This workbook is damaged"),
        (package()[:-30], "This workbook is damaged"),
        (package(changed={"[Content_Types].xml": None}), "This is a ZIP file"),
        (package(changed={"[Content_Types].xml": None, "mimetype": "x"}), "This is an OpenDocument file"),
        (with_kind("application/vnd.ms-excel.sheet.macroEnabled.main+xml"), "This workbook holds macros"),
        (package(changed={"xl/vbaProject.bin": b"x"}), "This workbook holds macros"),
        (with_kind("application/vnd.ms-excel.sheet.binary.macroEnabled.main"), "This is a binary Excel workbook"),
        (
            with_kind("application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"),
            "This is a Word or PowerPoint file",
        ),
        (locked(), "This workbook has a password"),
        (package(changed={"EncryptionInfo": b"x"}), "This workbook has a password"),
        (twice(), "This workbook is damaged"),
        (package(changed=_MANY), "This workbook is damaged"),
        (bomb(8 * 1024 * 1024), "This workbook unpacks to far more"),
        (package(changed={"xl/workbook.xml": _DTD + DEFAULT_PARTS["xl/workbook.xml"]}), "This workbook has a document"),
        (package(changed={"xl/worksheets/sheet1.xml": _DTD + sheet_xml(_CELL)}), "This workbook has a document type"),
        (
            package(changed={"xl/sharedStrings.xml": _DTD + DEFAULT_PARTS["xl/sharedStrings.xml"]}),
            "This workbook has a document type",
        ),
        (package(changed={"xl/workbook.xml": f'<workbook xmlns="{_STRICT}"/>'}), "This workbook is in the Strict"),
        (package(changed={"xl/worksheets/sheet1.xml": f'<worksheet xmlns="{_STRICT}"/>'}), "This workbook is damaged"),
        (package(changed={"xl/worksheets/sheet1.xml": None}), "This workbook is damaged"),
        (package(changed={"xl/workbook.xml": f'<workbook xmlns="{MAIN}"/>'}), "This workbook has no sheet with rows"),
        (package('<row r="1"><c r="A1" t="s"><v>9</v></c></row>'), "This workbook is damaged"),
        (package('<row r="1"><c r="A1" t="s"><v>-1</v></c></row>'), "This workbook is damaged"),
        (package('<row r="1"><c r="A1"><v>nan</v></c></row>'), "This workbook is damaged"),
        (package('<row r="0"><c r="A0"><v>1</v></c></row>'), "The rows of this workbook stand out of order"),
        (package('<row r="1048577"/>'), "This workbook is damaged"),
        (package(f'<row r="1"><c r="A1" t="str"><v>{"ab" * 60_000}</v></c></row>'), "A cell of this workbook holds"),
    ],
)
def test_hostile_and_foreign_files_are_refused_in_plain_words(content: bytes, words: str) -> None:
    assert refusal(content).startswith(words)


def test_a_tag_without_end_is_refused_before_it_is_read_again_and_again() -> None:
    noise = "".join(f'a{number}="{number * 7919 % 100_003}" ' for number in range(300_000))
    xml = sheet_xml(f"<row {noise}/>")
    assert "damaged" in refusal(package(changed={"xl/worksheets/sheet1.xml": xml}))


def test_nothing_outside_the_package_is_followed() -> None:
    relations = DEFAULT_PARTS["xl/_rels/workbook.xml.rels"].replace(
        f'<Relationship Id="s1" Type="{LINK}/worksheet" Target="worksheets/sheet1.xml"/>',
        f'<Relationship Id="s1" Type="{LINK}/worksheet" Target="http://example.test/x.xml" TargetMode="External"/>',
    )
    assert "no sheet with rows" in refusal(package(changed={"xl/_rels/workbook.xml.rels": relations}))
    relations = relations.replace("http://example.test/x.xml", "../../../etc/passwd").replace(
        ' TargetMode="External"', ""
    )
    assert "damaged" in refusal(package(changed={"xl/_rels/workbook.xml.rels": relations}))


def test_too_many_rows_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("svd_tracker.readers.xlsx_sheet.MAX_ROWS", 2)
    row = '<row><c t="inlineStr"><is><t>x</t></is></c></row>'
    assert len(cells(row * 2)) == 2
    assert "more than 200,000 rows" in refusal(package(row * 3))
    with pytest.raises(UnreadableFile, match="more than 2 rows"):
        list(CsvStream(b"a\nb\nc\n", max_rows=2).rows())


def rows_or_refusal(content: bytes) -> None:
    try:
        for row in open_table(content, "x").rows():
            assert any(cell not in (None, "") for cell in row.cells)
    except UnreadableFile:
        return


@given(st.binary(max_size=400))
@example(b"")
@example(b"PK\x03\x04" + bytes(30))
def test_any_bytes_are_read_or_refused(content: bytes) -> None:
    rows_or_refusal(content)


_WHOLE = (sap_like(), package('<row r="1"><c r="A1" t="s"><v>1</v></c><c r="B1" s="1"><v>45824</v></c></row>'))


@settings(max_examples=150)
@given(st.sampled_from(_WHOLE), st.data())
def test_a_workbook_with_bytes_changed_is_read_or_refused(whole: bytes, data: st.DataObject) -> None:
    changed = bytearray(whole)
    for _ in range(data.draw(st.integers(1, 4))):
        changed[data.draw(st.integers(0, len(changed) - 1))] = data.draw(st.integers(0, 255))
    rows_or_refusal(bytes(changed))


_XML = st.text(alphabet="<>/=\"'&;!-[]rcvtfs015A AB", max_size=60)
_PIECES = st.sampled_from(
    (
        '<row r="1">', "</row>", "<row>", '<c r="A1">', '<c t="s">', '<c t="inlineStr">', '<c s="1">', "<c>", "</c>",
        "<v>", "</v>", "1", "1e999", "1E5", "&#1;", "<v/>", "<f/>", "<is><t>x</t></is>", "9" * 5_000, "\ud7ff",
    )
)  # fmt: skip


@settings(max_examples=150)
@given(st.one_of(_XML, st.lists(_PIECES, max_size=12).map("".join)))
def test_any_sheet_is_read_or_refused(rows: str) -> None:
    rows_or_refusal(package(rows))


@pytest.mark.parametrize("part", ["xl/workbook.xml", "xl/styles.xml", "xl/_rels/workbook.xml.rels", "_rels/.rels"])
@given(data=st.data())
@settings(max_examples=40)
def test_any_other_part_is_read_or_refused(part: str, data: st.DataObject) -> None:
    whole = DEFAULT_PARTS[part]
    at = data.draw(st.integers(0, len(whole)))
    changed = whole[:at] + data.draw(_XML) + whole[at + data.draw(st.integers(0, 20)) :]
    rows_or_refusal(package('<row r="1"><c r="A1" s="1"><v>1</v></c></row>', {part: changed}))


@pytest.mark.parametrize(
    ("content", "kind"), [(sap_like(), Workbook), (agresso_like(), CsvStream), (integra_like(), CsvStream)]
)
def test_the_extracts_are_known_for_what_they_are(content: bytes, kind: type) -> None:
    assert isinstance(open_table(content, "extract"), kind)


def noisy(unit: str, count: int) -> str:
    """A unit so many times, with chance between, so that no cap on packing catches it."""
    chance = random.Random(1)
    every = 40
    return "".join(f"{unit * every}<!--{chance.getrandbits(64):x}-->" for _ in range(count // every))


@pytest.mark.parametrize(
    "rows",
    [
        '<row r="1"><c r="A1"><v>1</v></c></row><row r="2">' + noisy("<x/>", 4_000_000) + "</row>",
        '<row r="2">' + noisy("<x/>", 4_000_000) + "</row>",
        "".join(f'<row r="{number}">{noisy("<c/>", 80)}</row>' for number in range(1, 45_000)),
    ],
)
def test_elements_without_values_are_refused_before_they_cost_long(rows: str) -> None:
    assert "more cells and formatting than a ledger does" in refusal(package(rows))


def test_elements_among_the_shared_texts_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(xlsx_sheet, "_MAX_ELEMENTS", 50_000)
    strings = f'<sst xmlns="{MAIN}"><si><t>A</t></si>{noisy("<x/>", 60_000)}</sst>'
    cell = '<row r="1"><c r="A1" t="s"><v>0</v></c></row>'
    assert "more cells and formatting" in refusal(package(cell, {"xl/sharedStrings.xml": strings}))
    assert "more cells and formatting" in refusal(package(cell + noisy('<x a="1"/>', 60_000)))


def test_styled_cells_without_values_beside_a_ledger_are_read() -> None:
    rows = "".join(f'<row r="{n}"><c r="A{n}"><v>{n}</v></c>{"<c/>" * 20}</row>' for n in range(1, 2_000))
    assert len(read(package(rows))) == 1_999


def test_the_beginning_is_read_without_the_rest() -> None:
    rows = (
        '<row r="1"><c r="A1"><v>1</v></c></row>' + noisy("<x/>", 400_000) + '<row r="2"><c r="A2"><v>2</v></c></row>'
    )
    table = open_table(package(rows), "file")
    assert [row.row_no for row in table.rows(first_bytes=1_000_000)] == [1]
    assert [row.row_no for row in table.rows()] == [1, 2]


def test_a_workbook_of_very_many_sheets_is_refused() -> None:
    workbook = openpyxl.Workbook()
    for _ in range(50):
        workbook.create_sheet()
    assert "more than 50 sheets" in refusal(saved(workbook))
