"""The Match and the Certificate sheet of a partner's filled workbook."""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from svd_tracker.money import NotMoney
from svd_tracker.readers.ledger_values import NotADate, parse_ledger_date, parse_ledger_pounds
from svd_tracker.readers.line_findings import Severity
from svd_tracker.readers.partner_grid import LONGEST_TITLE, Grid, Problem, cell_name, found, hidden_problems, place_in
from svd_tracker.readers.partner_layout import (
    CERTIFICATE_LABELS,
    CERTIFIER,
    MATCH,
    MATCH_KINDS,
    MATCH_LABELS,
    NIL,
    POST,
    PREPARED_BY,
    SIGNED_ON,
    FormMatch,
    plain,
)
from svd_tracker.readers.table_types import Cell, TableRow

_STAGES = ("promised", "confirmed", "achieved")
_Fact = tuple[Cell, tuple[str, str]]  # what stands right of a label, with its sheet and cell


@dataclass(frozen=True)
class ReadMatch:
    """``cells`` are where its amounts stand, by stage, like Match!D6."""

    match: FormMatch
    cells: Mapping[str, str]


@dataclass(frozen=True)
class ReadCertificate:
    """``nil`` None: it is not said. The cells are (sheet, cell), empty where the label is not found."""

    nil: bool | None
    nil_cell: tuple[str, str]
    prepared_by: str
    prepared_by_cell: tuple[str, str]
    certifier: str
    certifier_cell: tuple[str, str]
    post: str
    signed_on: dt.date | None


def read_match(grids: Sequence[Grid], problems: list[Problem]) -> tuple[ReadMatch, ...]:
    """Every row with something in it; one with a problem is left out and said, and what is out of sight."""
    wanted = [plain(name) for name in MATCH_LABELS]
    tables = [(grid, row) for grid in grids for row in grid.rows if set(wanted) <= set(map(plain, grid.texts(row)))]
    if len(tables) != 1:
        words = f"The table of the sheet {MATCH} is not found" if not tables else f"The table of {MATCH} stands twice"
        problems.append(Problem(Severity.ERROR, "match_table", tables[1][0].name if tables else "", "", words))
        return ()
    grid, header = tables[0]
    headings = [plain(text) for text in grid.texts(header)]
    columns = [headings.index(name) for name in wanted]
    matches = []
    for row in grid.rows:
        if row.row_no <= header.row_no or plain(grid.text(row, columns[0])) == "total":
            continue
        if any(grid.text(row, column) for column in columns) and (one := _one(grid, row, columns, problems)):
            matches.append((row, one))
    used = [column for column in columns[3:] if any(grid.at(row, column) for row, _ in matches)]
    if matches:
        problems += hidden_problems(grid, header, used, "the match's amounts")
    return tuple(one for _, one in matches)


def _one(grid: Grid, row: TableRow, columns: Sequence[int], problems: list[Problem]) -> ReadMatch | None:
    before = len(problems)

    def wrong(code: str, column: int, words: str) -> None:
        problems.append(Problem(Severity.ERROR, code, grid.name, cell_name(row, column), words))

    title, source, kind = (grid.text(row, column)[:LONGEST_TITLE] for column in columns[:3])
    if not title:
        wrong("match_words", columns[0], "Enter the intervention that the match is for")
    if not source:
        wrong("match_words", columns[1], "Enter who gives the match")
    code = next((code for text, code in MATCH_KINDS.items() if plain(text) == plain(kind)), "")
    if not code:
        wrong("match_kind", columns[2], "Choose Cash or In kind" + (found(kind) if kind else ""))
    stages = []
    for column in columns[3:]:
        value = grid.at(row, column)
        try:
            stages.append(parse_ledger_pounds(value) if value not in (None, "") else 0)
            if stages[-1] < 0:
                wrong("negative_match", column, f"Enter the match as a plain amount, without a minus{found(value)}")
        except NotMoney as error:
            wrong("not_money", column, f"{error}{found(value)}")
    if len(problems) > before:
        return None
    cells = {
        stage: place_in(grid.name, cell_name(row, column)) for stage, column in zip(_STAGES, columns[3:], strict=True)
    }
    return ReadMatch(FormMatch(title, source, code, *stages), cells)


def read_certificate(grids: Sequence[Grid], problems: list[Problem]) -> ReadCertificate:
    """What stands beside each label, on the sheet that has the most of them."""
    facts = max((_facts(grid) for grid in grids), key=len, default={})
    nothing: _Fact = (None, ("", ""))
    (nil, nil_cell), (name, name_cell) = facts.get(NIL, nothing), facts.get(CERTIFIER, nothing)
    prepared_by, prepared_by_cell = facts.get(PREPARED_BY, nothing)
    return ReadCertificate(
        nil=_yes_or_no(nil, nil_cell, problems),
        nil_cell=nil_cell,
        prepared_by=_words(prepared_by),
        prepared_by_cell=prepared_by_cell,
        certifier=_words(name),
        certifier_cell=name_cell,
        post=_words(facts.get(POST, nothing)[0]),
        signed_on=_day(*facts.get(SIGNED_ON, nothing), problems),
    )


def _facts(grid: Grid) -> dict[str, _Fact]:
    by_label = {plain(name): name for name in CERTIFICATE_LABELS}
    return {
        by_label[plain(text)]: (grid.at(row, column + 1), (grid.name, cell_name(row, column + 1)))
        for row in grid.rows
        for column, text in enumerate(grid.texts(row))
        if plain(text) in by_label
    }


def _yes_or_no(value: Cell, where: tuple[str, str], problems: list[Problem]) -> bool | None:
    said = plain(_words(value))
    if said in ("yes", "y", "true"):
        return True
    if said in ("no", "n", "false"):
        return False
    if said:
        problems.append(Problem(Severity.ERROR, "nil_words", *where, f"Choose Yes or No{found(value)}"))
    return None


def _day(value: Cell, where: tuple[str, str], problems: list[Problem]) -> dt.date | None:
    if value in (None, ""):
        return None
    try:
        return parse_ledger_date(value)
    except NotADate as error:
        problems.append(Problem(Severity.WARNING, "not_a_date", *where, f"{error}{found(value)}"))
        return None


def _words(value: Cell) -> str:
    return "" if value is None else str(value).strip()[:LONGEST_TITLE]
