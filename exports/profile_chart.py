"""The chart of spend against profile, with its figures stored in it and words for those who cannot see it."""

from collections.abc import Sequence

from openpyxl.chart import BarChart, Reference, Series
from openpyxl.chart.axis import ChartLines
from openpyxl.chart.data_source import NumData, NumVal, StrData, StrRef, StrVal
from openpyxl.chart.series import SeriesLabel
from openpyxl.chart.shapes import GraphicalProperties
from openpyxl.drawing.line import LineProperties
from openpyxl.utils import get_column_letter

from exports.cells import Book, Page
from svd_tracker.money import format_pounds, to_decimal_pounds
from svd_tracker.periods import QUARTERS

_TITLE = "Spend against profile"
_GREY, _PALE = "9AA5B1", "D9DEE4"
_WIDTH_CM, _HEIGHT_CM = 18.4, 8.6


def add_profile_chart(
    book: Book, page: Page, header_row: int, column: int, series: Sequence[tuple[str, Sequence[int | None]]]
) -> None:
    """A bar per quarter and series of the table under ``header_row``, whose labels stand in ``column``."""
    chart = BarChart()
    chart.type, chart.grouping, chart.gapWidth, chart.overlap = "col", "clustered", 60, -5
    chart.width, chart.height = _WIDTH_CM, _HEIGHT_CM  # type: ignore[assignment]  # centimetres need not be whole
    chart.legend.position = "b"
    chart.y_axis.number_format, chart.y_axis.numFmt.sourceLinked = "#,##0", False
    chart.y_axis.delete = chart.x_axis.delete = False
    chart.y_axis.majorGridlines = ChartLines(spPr=GraphicalProperties(ln=_line(_PALE)))
    chart.y_axis.title = None
    quarters = Reference(page.sheet, min_col=column + 1, max_col=column + len(QUARTERS), min_row=header_row)
    for at, ((label, amounts), colour) in enumerate(
        zip(series, (_GREY, book.palette.colour, book.palette.tint_strong), strict=True), header_row + 1
    ):
        if not any(pence is not None for pence in amounts):
            continue
        values = Reference(page.sheet, min_col=column + 1, max_col=column + len(QUARTERS), min_row=at)
        one = Series(values, title=None)
        one.tx = SeriesLabel(
            strRef=_text(f"'{page.sheet.title}'!${get_column_letter(column)}${at}", [StrVal(idx=0, v=label)])
        )
        one.graphicalProperties = GraphicalProperties(solidFill=colour, ln=_line(book.palette.heading))
        points = [
            NumVal(idx=n, v=str(to_decimal_pounds(pence))) for n, pence in enumerate(amounts) if pence is not None
        ]
        one.val.numRef.numCache = NumData(formatCode="#,##0", ptCount=len(QUARTERS), pt=points)
        chart.series.append(one)
    chart.set_categories(quarters)
    names = [StrVal(idx=n, v=f"Q{quarter}") for n, quarter in enumerate(QUARTERS)]
    for one in chart.series:
        one.cat.numRef, one.cat.strRef = None, _text(str(quarters), names)
    page.sheet.add_chart(chart, f"{get_column_letter(column)}{header_row + len(series) + 2}")
    book.alt_texts.append((_TITLE, _in_words(series)))


def _line(colour: str) -> LineProperties:
    return LineProperties(solidFill=colour, w=6350)


def _text(cells: str, points: list[StrVal]) -> StrRef:
    return StrRef(f=cells, strCache=StrData(ptCount=len(points), pt=points))


def _in_words(series: Sequence[tuple[str, Sequence[int | None]]]) -> str:
    said = []
    for label, amounts in series:
        quarters = [
            f"Q{q} {format_pounds(pence)}" for q, pence in zip(QUARTERS, amounts, strict=True) if pence is not None
        ]
        said.append(f"{label}: {', '.join(quarters) or 'none'}.")
    return f"{_TITLE} by quarter, as bars. {' '.join(said)}"
