"""The workbook of a decision pack: a cover, a sheet a section, and the score matrix with live weights."""

from openpyxl.utils import get_column_letter

from exports.cells import Book, Page, quoted
from exports.cover_sheet import banner, contents, heading
from exports.pack_scores_sheet import LIST, SCORES, add_scores
from exports.package import describe, to_bytes
from exports.page_setup import Edges, set_up
from exports.papers import NOT_THERE, Mark, Paper, PaperCell, PaperTable, Percent, Pounds, Section

_COVER = "Cover"
_ABOUT_SCORES = "each proposal's marks by criterion, with weights that can be changed"
_ABOUT_LIST = "the proposals in the order that those weights give"


def build_pack_workbook(paper: Paper) -> bytes:
    """The .xlsx of a paper, amounts in pounds to the penny. The same paper gives the same bytes."""
    book = Book(paper.colour)
    edges = Edges(paper.marking, paper.title, paper.state)
    cover = book.page(_COVER, (28, 18, 18, 18, 18, 18))
    for section in paper.sections:
        _add_section(book, section, edges)
    if paper.scores and paper.scores.rows:
        add_scores(book, paper.scores, edges)
    _fill_cover(cover, paper, edges)
    describe(book, paper.title, paper.subtitle, f"{paper.made_by} (svd_tracker)", paper.made_at)
    return to_bytes(book, {})


def _fill_cover(page: Page, paper: Paper, edges: Edges) -> None:
    banner(page, paper.title, f"{paper.subtitle} · {paper.marking}", paper.state, True)
    row, across = 5, len(page.widths)
    for label, fact in paper.facts:
        page.text(row, 1, label, "svd label")
        page.fill(row, range(2, across + 1), "svd fact")
        page.text(row, 2, fact, "svd fact")
        page.merge(row, 2, across)
        page.fit_height(row, (fact, page.width(2, across)), least=18)
        row += 1
    for note in paper.notes:
        page.text(row, 1, note, "svd prose")
        page.merge(row, 1, across)
        page.fit_height(row, (note, page.width(1, across)), least=18)
        row += 1
    sheets = [(section.sheet, section.title) for section in paper.sections]
    if paper.scores and paper.scores.rows:
        sheets += [(SCORES, _ABOUT_SCORES), (LIST, _ABOUT_LIST)]
    row = contents(page, row + 1, sheets)
    set_up(page, edges, f"F{row}", pages_down=1)


def _add_section(book: Book, section: Section, edges: Edges) -> None:
    widest = max(section.tables, key=lambda table: len(table.heads), default=None)
    widths = [float(head.width) for head in widest.heads] if widest else []
    page = book.page(section.sheet, (*widths, *(14.0 for _ in range(6 - len(widths)))))
    across = len(page.widths)
    page.text(1, 1, section.title, "svd title")
    page.height(1, 24)
    row = 2
    for words in section.words:
        page.text(row, 1, words, "svd prose")
        page.merge(row, 1, across)
        page.fit_height(row, (words, page.width(1, across)), least=18)
        row += 1
    for table in section.tables:
        row = _add_table(page, table, row + 1)
    page.link(row + 1, 1, "Back to the cover", f"{quoted(_COVER)}!A1")
    set_up(page, edges, f"{get_column_letter(across)}{row + 1}")


def _add_table(page: Page, table: PaperTable, row: int) -> int:
    """A table under its caption. Gives back the first row after it."""
    heading(page, row, table.caption)
    row += 1
    if not table.rows:
        page.text(row, 1, table.empty, "svd note")
        return row + 1
    spans = _spans(page, table)
    for (first, last), head in zip(spans, table.heads, strict=True):
        style = "svd header right" if head.numeric else "svd header"
        page.fill(row, range(first, last + 1), style)
        page.text(row, first, head.words, style)
        page.merge(row, first, last)
    words = [(head.words, page.width(*span) - 3) for span, head in zip(spans, table.heads, strict=True)]
    page.fit_height(row, *words, least=24, line=12)
    for index, cells in enumerate(table.rows):
        row += 1
        is_total = table.total and index == len(table.rows) - 1
        for (first, last), head, cell in zip(spans, table.heads, cells, strict=True):
            for column in range(first, last + 1):
                _put(page, row, column, cell if column == first else None, head.numeric, is_total)
            page.merge(row, first, last)
        texts = [(cell, page.width(*span)) for span, cell in zip(spans, cells, strict=True) if isinstance(cell, str)]
        page.fit_height(row, *texts, least=18)
    return row + 1


def _spans(page: Page, table: PaperTable) -> list[tuple[int, int]]:
    """The columns of the sheet that each of the table takes: the widest table one each, narrower tables join some."""
    spans, at, count = [], 1, len(page.widths)
    for number, head in enumerate(table.heads, 1):
        last = at
        while last < count - (len(table.heads) - number) and page.width(at, last) < head.width * 0.8:
            last += 1
        spans.append((at, last))
        at = last + 1
    return spans


def _put(page: Page, row: int, column: int, cell: PaperCell, numeric: bool, is_total: bool) -> None:
    if isinstance(cell, Pounds):
        page.money(row, column, cell.pence, "svd total money" if is_total else "svd money")
    elif isinstance(cell, Percent):
        page.share(row, column, cell.basis_points)
    elif isinstance(cell, Mark):
        page.decimal(row, column, cell.rounded)
    elif isinstance(cell, int):
        page.number(row, column, cell)
    elif cell is None or cell == "":
        page.text(row, column, NOT_THERE if not is_total else "", "svd total" if is_total else "svd missing")
    else:
        page.text(row, column, cell, "svd total" if is_total else "svd mark" if numeric else "svd text")
