"""Long sheets: rows written as XML by hand and spliced into the sheet that openpyxl shaped.

openpyxl makes the sheet with its header, widths, filter, print set-up and one sample row that carries each
column's style; the sample row is replaced by the real ones (about ten times faster than openpyxl's own
writing, and none of the rows is held in memory).
"""

import datetime as dt
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from html import escape

from openpyxl.utils import get_column_letter

from exports.cells import clean_text

Value = int | str | dt.date | None
_EPOCH = dt.date(1899, 12, 30).toordinal()
_DIMENSION = re.compile(r'<dimension ref="([A-Z]+[0-9]+)(?::([A-Z]+)[0-9]+)?" ?/>')
_STYLE = re.compile(r'<c r="[A-Z]+[0-9]+" s="([0-9]+)"')
_CHUNK = 500
_KEPT = 5_000


@dataclass(frozen=True)
class Stream:
    """The rows of a sheet from ``first_row`` on, where its sample row stands.

    Each row has a value per column: text, a date, whole pence in the columns of ``money``, any other whole
    number as it is, or None for an empty cell. ``count`` is how many rows there are; with none, the sample row stays.
    ``rows`` gives them from the first on each time it is called: to be written, and to be compared with what was.
    """

    first_row: int
    count: int
    money: frozenset[int]
    rows: Callable[[], Iterable[tuple[Value, ...]]]


def text_cell(text: str) -> str:
    """The end of a text cell's XML, from its type on."""
    cleaned = clean_text(text)
    space = ' xml:space="preserve"' if cleaned != cleaned.strip() else ""
    return f' t="inlineStr"><is><t{space}>{escape(cleaned, quote=False)}</t></is></c>'


def _pounds(pence: int) -> str:
    sign = "-" if pence < 0 else ""
    pounds, rest = divmod(abs(pence), 100)
    return f"{sign}{pounds}.{rest:02d}"


def _row_xml(stream: Stream, styles: list[str]) -> Iterator[str]:
    """Each row's XML. What stands in a column often stands in it again: its XML is kept, up to a number."""
    columns = [
        (f'<c r="{get_column_letter(number)}', f'" s="{style}"', number - 1 in stream.money)
        for number, style in enumerate(styles, 1)
    ]
    kept: list[dict[Value, str]] = [{} for _ in columns]
    for number, row in enumerate(stream.rows(), stream.first_row):
        parts = [f'<row r="{number}">']
        for (start, style, is_money), ends, value in zip(columns, kept, row, strict=True):
            end = ends.get(value)
            if end is None:
                end = style + _cell_end(value, is_money)
                if len(ends) < _KEPT:
                    ends[value] = end
            parts.append(f"{start}{number}{end}")
        parts.append("</row>")
        yield "".join(parts)


def _cell_end(value: Value, is_money: bool) -> str:
    """The end of a cell's XML, from its type on."""
    if isinstance(value, str):
        return text_cell(value)
    if value is None:
        return "/>"
    if isinstance(value, int):
        return f"><v>{_pounds(value) if is_money else value}</v></c>"
    return f"><v>{value.toordinal() - _EPOCH}</v></c>"


def spliced(xml: str, stream: Stream) -> Iterator[bytes]:
    """The sheet's XML in pieces, its sample row replaced by the stream's rows and its dimension put right."""
    if not stream.count:
        yield xml.encode()
        return
    sample = re.search(rf'<row r="{stream.first_row}"[^>]*>.*?</row>', xml, re.DOTALL)
    assert sample is not None, "the sheet has no sample row"
    styles = _STYLE.findall(sample.group())
    last_row = stream.first_row + stream.count - 1
    head = _DIMENSION.sub(
        lambda found: f'<dimension ref="A1:{get_column_letter(len(styles))}{last_row}"/>',
        xml[: sample.start()],
        count=1,
    )
    yield head.encode()
    chunk: list[str] = []
    for row in _row_xml(stream, styles):
        chunk.append(row)
        if len(chunk) == _CHUNK:
            yield "".join(chunk).encode()
            chunk.clear()
    yield "".join(chunk).encode()
    yield xml[sample.end() :].encode()
