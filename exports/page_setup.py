"""Print set-up of a sheet: A4 landscape, what repeats on each page, marking above, page numbers below."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from openpyxl.utils import get_column_letter
from openpyxl.worksheet.header_footer import HeaderFooter, HeaderFooterItem, _HeaderFooterPart
from openpyxl.worksheet.properties import PageSetupProperties

from exports.cells import Page, clean_text

A4 = 9
MARGIN_INCHES = 0.4
_CHARACTERS_ACROSS = 136  # of a landscape A4 page inside the margins, in 10 point Arial at full size


@dataclass(frozen=True)
class Edges:
    """What stands at the edges of every printed page."""

    marking: str
    left: str
    right: str


def set_up(page: Page, edges: Edges, last_cell: str, title_rows: str | None = None, pages_down: int = 0) -> None:
    """Fit the sheet to the width of a page, and to so many pages down (0: as many as it takes)."""
    sheet = page.sheet
    sheet.page_setup.orientation = "landscape"
    sheet.page_setup.paperSize = A4
    sheet.sheet_properties.pageSetUpPr = PageSetupProperties(fitToPage=True)
    sheet.page_setup.fitToWidth = 1
    sheet.page_setup.fitToHeight = pages_down
    sheet.print_area = f"A1:{last_cell}"
    if title_rows:
        sheet.print_title_rows = title_rows
    sheet.print_options.horizontalCentered = True
    margins = sheet.page_margins
    margins.left = margins.right = MARGIN_INCHES
    margins.top = margins.bottom = 0.7
    margins.header = margins.footer = 0.3
    marking, small = _literal(edges.marking, 40), "Arial,Regular"
    sheet.HeaderFooter = HeaderFooter(
        oddHeader=_edge(small, "&A", marking, ""),
        oddFooter=_edge(small, _literal(edges.left, 60), marking, f"{_literal(edges.right, 50)}, page &P of &N"),
    )


def split_across(page: Page, after: Sequence[int], repeated: int, rows: tuple[int, int, int]) -> None:
    """Print a sheet too wide for one page in parts, each at a size that can be read.

    The first part is the columns up to the first of ``after``, all rows; each further part the columns up to the next
    of ``after``, or the last, beside the first ``repeated`` columns, for the table alone. ``rows`` are the table's
    first and last and the sheet's last.
    """
    sheet = page.sheet
    table_first, table_last, last = rows
    ends = [*after, len(page.widths)]
    areas, widest = [f"A1:{get_column_letter(ends[0])}{last}"], page.width(1, ends[0])
    for before, end in pairwise(ends):
        areas.append(f"{get_column_letter(before + 1)}{table_first}:{get_column_letter(end)}{table_last}")
        widest = max(widest, page.width(1, repeated) + page.width(before + 1, end))
    sheet.print_area = ",".join(areas)
    sheet.sheet_properties.pageSetUpPr = PageSetupProperties(fitToPage=False)
    sheet.page_setup.fitToWidth = sheet.page_setup.fitToHeight = None
    sheet.page_setup.scale = max(10, min(100, int(100 * _CHARACTERS_ACROSS / widest)))
    sheet.print_title_cols = f"A:{get_column_letter(repeated)}"
    sheet.print_options.horizontalCentered = False


def _literal(text: str, most: int) -> str:
    """Text for a header or footer, where & begins a code; one line, and within Excel's limit of 255 in all."""
    one_line = " ".join(clean_text(text).split())
    return (one_line if len(one_line) <= most else one_line[: most - 1] + "…").replace("&", "&&")


def _edge(font: str, left: str, center: str, right: str) -> HeaderFooterItem:
    texts = {"left": left, "center": center, "right": right}
    return HeaderFooterItem(**{place: _HeaderFooterPart(text, font, 8) for place, text in texts.items() if text})
