"""One look for every workbook: named styles in the council's colour, registered once per workbook.

Arial, because it is on every council's machines and LibreOffice has a font of the same widths.
"""

import re
from collections.abc import Iterator

from openpyxl import Workbook
from openpyxl.styles import Alignment, Border, Font, NamedStyle, PatternFill, Protection, Side

FONT = "Arial"
MONEY = "#,##0.00_);(#,##0.00);0.00_);@_)"
COUNT = "#,##0_);(#,##0);0_);@_)"
PERCENT = "0.0%_);(0.0%);0.0%_);@_)"
RESULT = "0.00%_);(0.00%);0.00%_);@_)"
MARK = "0.00_)"
QUARTER = '"Q"0'
DATE = "d mmm yyyy_)"
INK = "1F2933"
GREY = "5F6B76"
RULE = "C5CCD3"
AMBER_TINT, AMBER_INK = "FFF1D6", "7A3E00"
CLOSED = "F3F4F6"
_HEX = re.compile(r"[0-9A-Fa-f]{6}")


class Palette:
    """The council's colour, a tint of it, and text colours that can be read on each (WCAG contrast of 4.5).

    Takes six hexadecimal digits, with or without "#"; raises ValueError for anything else.
    """

    def __init__(self, colour: str) -> None:
        self.colour = colour.removeprefix("#").upper()
        if not _HEX.fullmatch(self.colour):
            raise ValueError(f"not a colour of six hexadecimal digits: {colour!r}")
        self.tint = _mix(self.colour, 0.10)
        self.tint_strong = _mix(self.colour, 0.20)
        readable_on_white = _luminance(self.colour) <= 0.18
        self.on_colour = "FFFFFF" if readable_on_white else INK
        self.heading = self.colour if readable_on_white else INK


def _mix(colour: str, share: float) -> str:
    parts = (int(colour[i : i + 2], 16) for i in (0, 2, 4))
    return "".join(f"{round(255 - (255 - part) * share):02X}" for part in parts)


def _luminance(colour: str) -> float:
    def linear(part: int) -> float:
        value = part / 255
        return value / 12.92 if value <= 0.03928 else float(((value + 0.055) / 1.055) ** 2.4)

    red, green, blue = (linear(int(colour[i : i + 2], 16)) for i in (0, 2, 4))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def register(workbook: Workbook, palette: Palette) -> None:
    """Add every named style to the workbook, and make its base font ours (column widths count in it)."""
    normal = workbook._named_styles["Normal"]  # type: ignore[attr-defined]
    normal.font = Font(name=FONT, size=10, color=INK)
    for style in _styles(palette):
        workbook.add_named_style(style)


def _styles(palette: Palette) -> Iterator[NamedStyle]:
    rule = Side(style="thin", color=RULE)
    firm = Side(style="thin", color=palette.heading)
    heavy = Side(style="medium", color=palette.heading)
    double = Side(style="double", color=palette.heading)
    grid = Border(left=rule, right=rule, top=rule, bottom=rule)
    subtotal = Border(left=rule, right=rule, top=firm, bottom=firm)
    total = Border(left=rule, right=rule, top=heavy, bottom=double)
    white_rule = Side(style="thin", color="FFFFFF")
    header = Border(left=white_rule, right=white_rule, top=white_rule, bottom=white_rule)

    def font(colour: str = INK, size: int = 10, bold: bool = False, italic: bool = False, line: bool = False) -> Font:
        return Font(name=FONT, size=size, bold=bold, italic=italic, color=colour, underline="single" if line else None)

    def place(horizontal: str = "left", vertical: str = "center", wrap: bool = True, indent: int = 0) -> Alignment:
        return Alignment(horizontal=horizontal, vertical=vertical, wrap_text=wrap, indent=indent)

    def style(
        name: str,
        font: Font,
        alignment: Alignment,
        fill: str | None = None,
        border: Border | None = None,
        number_format: str = "General",
    ) -> NamedStyle:
        solid = PatternFill("solid", start_color=fill, end_color=fill) if fill else PatternFill()
        return NamedStyle(name, font, solid, border or Border(), alignment, number_format)

    right, centre = place("right"), place("center")
    plain, inset, inset_plain = place(wrap=False), place(indent=1), place(wrap=False, indent=1)
    yield style("svd cover title", font(palette.on_colour, 18, bold=True), place(wrap=False, indent=1), palette.colour)
    yield style("svd cover line", font(palette.on_colour, 11), place(wrap=False, indent=1), palette.colour)
    yield style("svd draft", font(AMBER_INK, 13, bold=True), place(wrap=False, indent=1), AMBER_TINT)
    yield style("svd certified", font(palette.heading, 13, bold=True), place(wrap=False, indent=1), palette.tint)
    yield style("svd title", font(palette.heading, 14, bold=True), plain)
    yield style("svd subtitle", font(GREY), plain)
    yield style("svd heading", font(palette.heading, 12, bold=True), plain, border=Border(bottom=heavy))
    yield style("svd note", font(GREY, 9), plain)
    yield style("svd warning", font(AMBER_INK, bold=True), plain)
    yield style("svd label", font(GREY), place(), border=Border(bottom=rule))
    yield style("svd fact", font(), place(), border=Border(bottom=rule))
    yield style("svd prose", font(), place(vertical="top"))
    yield style("svd link", font(palette.heading, line=True), plain)
    yield style("svd band", font(palette.heading, bold=True), centre, palette.tint_strong, header)
    yield style("svd header", font(palette.on_colour, 9, bold=True), inset, palette.colour, header)
    yield style(
        "svd header right", font(palette.on_colour, 9, bold=True), place("right", indent=1), palette.colour, header
    )
    yield style("svd group", font(palette.heading, bold=True), inset_plain, palette.tint, Border(top=rule, bottom=rule))
    yield style("svd text", font(), inset, border=grid)
    yield style("svd clipped", font(), inset_plain, border=grid)
    yield style("svd strong", font(bold=True), inset, border=grid)
    yield style("svd flag", font(AMBER_INK, bold=True), inset, AMBER_TINT, grid)
    yield style("svd error", font("9B1C1C", bold=True), inset, "FDE8E8", grid)
    yield style("svd count", font(), centre, border=grid, number_format="0")
    yield style("svd number", font(), right, border=grid, number_format=COUNT)
    yield style("svd figure", font(palette.heading, 14, bold=True), centre, border=grid, number_format=MONEY)
    yield style("svd quarter", font(), centre, border=grid, number_format=QUARTER)
    yield style("svd date", font(), right, border=grid, number_format=DATE)
    yield style("svd money", font(), right, border=grid, number_format=MONEY)
    yield style("svd strong money", font(bold=True), right, border=grid, number_format=MONEY)
    yield style("svd held", font(italic=True), right, AMBER_TINT, grid, MONEY)
    yield style("svd percent", font(), right, border=grid, number_format=PERCENT)
    yield style("svd result", font(), right, border=grid, number_format=RESULT)
    yield style("svd mark", font(), right, border=grid, number_format=MARK)
    for name, number_format in (("svd input mark", MARK), ("svd input percent", PERCENT)):
        given = style(name, font(), right, palette.tint_strong, grid, number_format)
        given.protection = Protection(locked=False)
        yield given
    yield style("svd missing", font(GREY, italic=True), right, border=grid, number_format=MONEY)
    yield style("svd missing text", font(GREY, italic=True), inset, border=grid)
    yield style("svd closed", font(), right, CLOSED, grid, MONEY)
    for row, border, fill in (("subtotal", subtotal, palette.tint), ("total", total, palette.tint_strong)):
        across = Border(top=border.top, bottom=border.bottom)
        yield style(f"svd {row}", font(bold=True), inset_plain, fill, across)
        yield style(f"svd {row} money", font(bold=True), right, fill, border, MONEY)
        yield style(f"svd {row} percent", font(bold=True), right, fill, border, PERCENT)
        yield style(f"svd {row} missing", font(GREY, bold=True, italic=True), right, fill, border, MONEY)
