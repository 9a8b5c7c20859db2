"""Making a Word document: one look, headings that screen readers find, and the same bytes every time."""

import datetime as dt
import io
import re
import zipfile
from collections.abc import Sequence

from docx import Document
from docx.document import Document as WordDocument
from docx.enum.section import WD_ORIENT
from docx.enum.text import WD_ALIGN_PARAGRAPH
from docx.oxml import OxmlElement
from docx.oxml.ns import qn
from docx.shared import Mm, Pt, RGBColor
from docx.table import Table, _Cell, _Row
from docx.text.paragraph import Paragraph

from exports.styles import FONT, INK, RULE, Palette

_ZIP_EPOCH = (1980, 1, 1, 0, 0, 0)
_NOT_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


def clean(text: str) -> str:
    """Text without what XML forbids."""
    return _NOT_XML.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))


def new_document(
    title: str, author: str, made_at: dt.datetime, *, colour: str, marking: str = "", landscape: bool = False
) -> WordDocument:
    """An empty A4 document in the council's colour, its title and language set, pages numbered, the marking on top."""
    document = Document()
    properties = document.core_properties
    properties.title, properties.author, properties.last_modified_by = clean(title), clean(author), "svd_tracker"
    properties.comments, properties.language = "Made by svd_tracker", "en-GB"
    moment = made_at.astimezone(dt.UTC).replace(tzinfo=None, microsecond=0)
    properties.created = properties.modified = moment
    properties.revision = 1
    _style(document, Palette(colour))
    page = document.sections[0]
    short, long = Mm(210), Mm(297)
    page.page_width, page.page_height = (long, short) if landscape else (short, long)
    page.orientation = WD_ORIENT.LANDSCAPE if landscape else WD_ORIENT.PORTRAIT
    page.left_margin = page.right_margin = Mm(20)
    page.top_margin = page.bottom_margin = Mm(18)
    if marking:
        head = page.header.paragraphs[0]
        head.alignment = WD_ALIGN_PARAGRAPH.CENTER
        head.add_run(clean(marking)).bold = True
    _page_number(page.footer.paragraphs[0])
    return document


def add_table(document: WordDocument, heads: Sequence[tuple[str, bool, int]], rows: Sequence[Sequence[str]]) -> Table:
    """A table with a header row that repeats on each page; ``heads`` are (words, to the right, width beside others)."""
    table: Table = document.add_table(rows=1, cols=len(heads))
    table.style = "Table Grid"
    table.autofit = False
    page = document.sections[-1]
    across = (page.page_width or 0) - (page.left_margin or 0) - (page.right_margin or 0)
    total = sum(width for _, _, width in heads)
    _repeat(table)
    for column, (_, _, width) in zip(table.columns, heads, strict=True):
        column.width = across * width // total
    for row in (None, *rows):
        made = table.rows[0] if row is None else table.add_row()  # type: ignore[no-untyped-call]
        _hold_together(made)
        cells = made.cells
        for at, (words, right, width) in enumerate(heads):
            cells[at].width = across * width // total
            _fill(cells[at], words if row is None else row[at], right, bold=row is None)
    return table


def to_bytes(document: WordDocument) -> bytes:
    """The finished .docx, its parts in one order and at one time: the same document gives the same bytes."""
    made = io.BytesIO()
    document.save(made)
    finished = io.BytesIO()
    with zipfile.ZipFile(made) as source, zipfile.ZipFile(finished, "w", zipfile.ZIP_DEFLATED) as target:
        names = source.namelist()
        for name in sorted(names, key=lambda name: (name != "[Content_Types].xml", name)):
            entry = zipfile.ZipInfo(name, _ZIP_EPOCH)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.create_system, entry.external_attr = 3, 0o600 << 16
            target.writestr(entry, source.read(name))
    return finished.getvalue()


def _style(document: WordDocument, palette: Palette) -> None:
    for name, size, colour in (
        ("Normal", 10.5, INK),
        ("Title", 22, palette.heading),
        ("Heading 1", 15, palette.heading),
        ("Heading 2", 12, palette.heading),
    ):
        style = document.styles[name]
        style.font.name, style.font.size = FONT, Pt(size)
        style.font.color.rgb = RGBColor.from_string(colour)
        fonts = style.element.get_or_add_rPr().get_or_add_rFonts()
        for kind in ("w:ascii", "w:hAnsi", "w:eastAsia", "w:cs"):
            fonts.set(qn(kind), FONT)
        for kind in ("w:asciiTheme", "w:hAnsiTheme", "w:eastAsiaTheme", "w:cstheme"):
            fonts.attrib.pop(qn(kind), None)
    language = OxmlElement("w:lang")
    language.set(qn("w:val"), "en-GB")
    properties = document.styles["Normal"].element.get_or_add_rPr()
    properties.append(language)


def _fill(cell: _Cell, words: str, right: bool, bold: bool) -> None:
    paragraph = cell.paragraphs[0]
    paragraph.paragraph_format.space_after = Pt(2)
    run = paragraph.add_run(clean(words))
    run.bold, run.font.size = bold, Pt(9)
    if right:
        paragraph.alignment = WD_ALIGN_PARAGRAPH.RIGHT
    if bold:
        shade = OxmlElement("w:shd")
        for name, value in (("w:val", "clear"), ("w:color", "auto"), ("w:fill", RULE)):
            shade.set(qn(name), value)
        cell._tc.get_or_add_tcPr().append(shade)


def _hold_together(row: _Row) -> None:
    """A row is not cut in two by the end of a page."""
    row._tr.get_or_add_trPr().append(OxmlElement("w:cantSplit"))


def _repeat(table: Table) -> None:
    properties = table.rows[0]._tr.get_or_add_trPr()
    header = OxmlElement("w:tblHeader")
    header.set(qn("w:val"), "true")
    properties.append(header)


def _page_number(paragraph: Paragraph) -> None:
    paragraph.alignment = WD_ALIGN_PARAGRAPH.RIGHT
    run = paragraph.add_run("Page ")
    for kind, words in (("begin", ""), ("", "PAGE"), ("end", "")):
        part = OxmlElement("w:fldChar" if kind else "w:instrText")
        if kind:
            part.set(qn("w:fldCharType"), kind)
        else:
            part.set(qn("xml:space"), "preserve")
            part.text = words
        run._r.append(part)
