"""A partner's filled workbook, read by what its cells say and not by where they stand.

Sheets may be inserted or renamed, rows and columns moved, totals pasted over with values. What cannot be used is named
by sheet and cell; ``partner_checks`` holds what was read beside what was asked.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from svd_tracker.calculations.figures import Category
from svd_tracker.money import NotMoney, format_pounds
from svd_tracker.readers.ledger_values import parse_ledger_pounds
from svd_tracker.readers.line_findings import Severity
from svd_tracker.readers.partner_grid import LONGEST_TITLE, Grid, Problem, cell_name, found, hidden_problems
from svd_tracker.readers.partner_layout import (
    CATEGORY,
    EXPLANATION,
    MARK_ROWS,
    MARK_TITLE,
    REF,
    RETURN,
    TEMPLATE_VERSION,
    TITLE,
    WORKED_OUT,
    Mark,
    Place,
    mark_from,
    place_of,
    plain,
)
from svd_tracker.readers.partner_memo import ReadCertificate, ReadMatch, read_certificate, read_match
from svd_tracker.readers.table_types import MAX_BYTES, TableRow, UnreadableFile
from svd_tracker.readers.xlsx_sheet import Workbook

MAX_ROWS = 2_000  # of one sheet: no partner has more lines
LONGEST_TEXT = 4_000

_NOT_XLSX = "This is not an Excel workbook (.xlsx). Save the filled workbook as .xlsx and send that file"
_NO_MARK = (
    "This workbook has no version mark, so it is not one that was made here. Get the partner's workbook for this "
    "return, and copy the figures into it"
)
_OTHER_VERSION = (
    "This workbook is of an older form that is no longer taken in. Get a new one for this return, and copy the "
    "figures into it"
)
_TOTALS = {plain(words) for words in ("Total", *(f"{kind.label} total" for kind in Category))}


@dataclass(frozen=True)
class ReadLine:
    """A line as filled in. ``amounts`` are pence by figure, blank ones left out; ``cells`` say where each stands.

    ``category`` is None where the cell says neither. ``bad`` are figures whose cell holds no amount.
    """

    ref: str
    row_no: int
    title: str
    category: Category | None
    amounts: Mapping[Place, int]
    explanation: str
    cells: Mapping[Place, str]
    ref_cell: str
    title_cell: str
    category_cell: str
    bad: frozenset[Place] = frozenset()

    @property
    def is_blank(self) -> bool:
        return not (self.title or any(self.amounts.values()) or self.bad or self.explanation)


@dataclass(frozen=True)
class ReadReturn:
    """What a workbook says. ``columns`` are the figures that it has a column for, ``totals`` those of its last row."""

    mark: Mark
    sheet: str
    columns: Mapping[Place, int]
    lines: tuple[ReadLine, ...]
    totals: Mapping[Place, tuple[int, str]]
    match: tuple[ReadMatch, ...]
    certificate: ReadCertificate
    problems: tuple[Problem, ...]


def read_partner_return(content: bytes) -> ReadReturn:
    """Read a filled workbook. Raises UnreadableFile, in plain words, for what is none of ours or cannot be read."""
    if len(content) > MAX_BYTES:
        raise UnreadableFile(f"The file is larger than {MAX_BYTES // 1024 // 1024} MB. Send the filled workbook alone")
    if not content.startswith(b"PK\x03\x04"):
        raise UnreadableFile(_NOT_XLSX)
    book = Workbook(content)
    grids = [Grid(name, _rows(book, name), name in book.hidden_sheets, book.hidden_columns) for name in book.sheets]
    mark = _mark(grids)
    problems: list[Problem] = []
    grid, header, places = _return_table(grids)
    lines, totals = _lines(grid, header, places, problems)
    used = [column for place, column in places.items() if any(line.amounts.get(place) for line in lines)]
    problems += hidden_problems(grid, header, used, "the return's figures")
    return ReadReturn(
        mark=mark,
        sheet=grid.name,
        columns=places,
        lines=lines,
        totals=totals,
        match=read_match(grids, problems),
        certificate=read_certificate(grids, problems),
        problems=tuple(problems),
    )


def _rows(book: Workbook, name: str) -> list[TableRow]:
    rows = []
    try:
        for row in book.rows(name):
            rows.append(row)
            if len(rows) > MAX_ROWS:
                raise UnreadableFile(f"It has more than {MAX_ROWS:,} rows. Take out those that are no lines")
    except UnreadableFile as error:
        raise UnreadableFile(f"Sheet {name}: {error}") from error
    return rows


def _mark(grids: Sequence[Grid]) -> Mark:
    for grid in grids:
        for number, row in enumerate(grid.rows):
            if grid.text(row, 0) != MARK_TITLE:
                continue
            following = grid.rows[number + 1 : number + 1 + len(MARK_ROWS)]
            try:
                mark = mark_from({grid.text(each, 0): grid.text(each, 1) for each in following})
            except (ValueError, LookupError) as error:
                raise UnreadableFile(_NO_MARK) from error
            if mark.template != TEMPLATE_VERSION:
                raise UnreadableFile(_OTHER_VERSION)
            return mark
    raise UnreadableFile(_NO_MARK)


def _return_table(grids: Sequence[Grid]) -> tuple[Grid, TableRow, dict[Place, int]]:
    """The sheet with the lines, its row of headings, and the columns by figure."""
    tables = [
        (grid, row)
        for grid in grids
        for row in grid.rows
        if {plain(REF), plain(TITLE), plain(CATEGORY)} <= {plain(text) for text in grid.texts(row)}
    ]
    if not tables:
        raise UnreadableFile(
            f"The headings {REF}, {TITLE} and {CATEGORY} of the sheet {RETURN} are in no row together. Put them back, "
            "or get a new workbook and copy the figures into it"
        )
    if len(tables) > 1:
        where = " and ".join(f"{grid.name} row {row.row_no}" for grid, row in tables)
        raise UnreadableFile(f"The table of the return stands twice, in {where}. Take the one out that does not count")
    grid, header = tables[0]
    places: dict[Place, int] = {}
    for column, text in enumerate(grid.texts(header)):
        place = place_of(text)
        if place is None:
            continue
        if place in places:
            raise UnreadableFile(f"The sheet {grid.name} has two columns {text}. Take the one out that does not count")
        places[place] = column
    return grid, header, places


def _lines(
    grid: Grid, header: TableRow, places: Mapping[Place, int], problems: list[Problem]
) -> tuple[tuple[ReadLine, ...], dict[Place, tuple[int, str]]]:
    headings = [plain(text) for text in grid.texts(header)]
    ref_at, title_at, category_at = (headings.index(plain(name)) for name in (REF, TITLE, CATEGORY))
    lines: dict[str, ReadLine] = {}
    totals: dict[Place, tuple[int, str]] = {}
    for row in grid.rows:
        if row.row_no <= header.row_no:
            continue
        ref, title = grid.text(row, ref_at), grid.text(row, title_at)
        amounts, bad, wrong = _amounts(grid, row, places)
        if not ref:
            if plain(title) in _TOTALS:
                if plain(title) == plain("Total"):
                    totals = {place: (pence, cell_name(row, places[place])) for place, pence in amounts.items()}
            elif amounts or (title and bad):
                words = f"Row {row.row_no} has amounts and no ref. Put them on a line that has one"
                problems.append(Problem(Severity.ERROR, "no_ref", grid.name, cell_name(row, ref_at), words))
            continue
        if ref in lines:
            words = f"{ref} stands in rows {lines[ref].row_no} and {row.row_no}. Take one of them out"
            problems.append(Problem(Severity.ERROR, "twice", grid.name, cell_name(row, ref_at), words))
            continue
        problems += wrong
        if row.hidden and any(amounts.values()):
            words = f"Row {row.row_no} is hidden and has amounts, which count"
            problems.append(Problem(Severity.WARNING, "hidden", grid.name, cell_name(row, ref_at), words))
        lines[ref] = ReadLine(
            ref=ref,
            row_no=row.row_no,
            title=title[:LONGEST_TITLE],
            category=_category(grid.text(row, category_at)),
            amounts=amounts,
            explanation=grid.text(row, places[EXPLANATION])[:LONGEST_TEXT] if EXPLANATION in places else "",
            cells={place: cell_name(row, column) for place, column in places.items()},
            ref_cell=cell_name(row, ref_at),
            title_cell=cell_name(row, title_at),
            category_cell=cell_name(row, category_at),
            bad=frozenset(bad),
        )
    return tuple(lines.values()), totals


def _amounts(
    grid: Grid, row: TableRow, places: Mapping[Place, int]
) -> tuple[dict[Place, int], list[Place], list[Problem]]:
    amounts: dict[Place, int] = {}
    bad: list[Place] = []
    problems: list[Problem] = []
    for place, column in places.items():
        value = grid.at(row, column)
        if place == EXPLANATION or value is None or value == "":
            continue
        try:
            amounts[place] = parse_ledger_pounds(value)
        except NotMoney as error:
            bad.append(place)
            if place in WORKED_OUT:
                continue  # it follows from a cell that is told by itself
            words = f"{error}{found(value)}"
            problems.append(Problem(Severity.ERROR, "not_money", grid.name, cell_name(row, column), words))
    return amounts, bad, problems


def _category(text: str) -> Category | None:
    return next((kind for kind in Category if plain(kind.label) == plain(text)), None)


def total_differs(read: ReadReturn) -> Iterator[Problem]:
    """Where the last row's totals are not what the lines add up to, as after values were pasted over formulas."""
    for place, (pence, cell) in read.totals.items():
        if place == EXPLANATION or any(place in line.bad for line in read.lines):
            continue
        lines = sum(line.amounts.get(place, 0) for line in read.lines)
        if lines != pence:
            words = (
                f"The total says {format_pounds(pence)}, and the lines add up to {format_pounds(lines)}: the lines are "
                "used. Was a value pasted over the formula?"
            )
            yield Problem(Severity.WARNING, "total_differs", read.sheet, cell, words)
