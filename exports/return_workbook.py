"""The workbook of one holder's return, locked; as a copy without locks; or with the holder's working papers in it."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from exports.adjustments_sheet import add_adjustments_sheet
from exports.cells import Book, Figure
from exports.changes_sheet import add_changes_page, fill_changes
from exports.checks_sheet import add_checks_sheet
from exports.cover_sheet import add_cover_page, fill_cover
from exports.declaration_sheet import add_declaration_sheet
from exports.documents import ReturnDocument
from exports.entries_sheet import SHEET as ENTRIES
from exports.entries_sheet import add_entries_sheet, check_entries
from exports.full_entries_sheet import SHEET as FULL_ENTRIES
from exports.full_entries_sheet import add_full_entries_sheet
from exports.match_sheet import add_match_sheet
from exports.package import describe, to_bytes
from exports.page_setup import Edges
from exports.progress_sheet import add_progress_sheet
from exports.protection import lock
from exports.quarters_sheet import add_quarters_sheet
from exports.reconciliation_sheet import add_reconciliation_sheet
from exports.return_sheet import SHEET as RETURN
from exports.return_sheet import add_return_sheet
from exports.stream import Stream
from exports.summary_sheet import add_summary_page, fill_summary

_NOT_A_CRITERION = re.compile(r"[*?~]|^[=<>]|^[\s0-9.,/:eE+-]*$")


@dataclass(frozen=True)
class Built:
    """A workbook's bytes, by sheet and cell the stored figure that each amount in it stands for, and its long lists."""

    content: bytes
    figures: Mapping[str, Mapping[str, Figure]]
    lists: Mapping[str, Stream]


def build_return_workbook(document: ReturnDocument) -> bytes:
    """The .xlsx that build_with_map gives, without its map."""
    return build_with_map(document).content


def build_with_map(document: ReturnDocument) -> Built:
    """The .xlsx of one revision of a return, in pounds to the penny of ``document.figures``.

    The same document gives the same bytes. Raises FiguresDiffer when the entries do not come to the figures, and
    ValueError for a funding ref that a spreadsheet would take for a pattern, or a colour that is none.
    """
    if document.is_working_papers and not document.working_copy:
        raise ValueError("working papers stay with the holder: the return has none")
    _check_refs(document)
    check_entries(document)
    book, streams = _laid_out(document)
    describe(
        book,
        f"{document.grant_name}: finance return, {document.holder_name}, {document.period_label}",
        f"{document.grant_ref} · {document.kind_label} · {document.revision_label}",
        f"{document.accountable_body} (svd_tracker)",
        document.built_at,
    )
    return Built(to_bytes(book, streams), book.figures, streams)


def cells_of(document: ReturnDocument) -> Mapping[tuple[str, str, int], str]:
    """Where each stored figure stands first: "Return!H12" by (line ref, code, quarter). Entries need not be given."""
    book, _ = _laid_out(document)
    found: dict[tuple[str, str, int], str] = {}
    for sheet in (RETURN, *book.figures):
        for cell, figure in book.figures.get(sheet, {}).items():
            found.setdefault((figure.line_ref, figure.code, figure.quarter), f"{sheet}!{cell}")
    return found


def _laid_out(document: ReturnDocument) -> tuple[Book, dict[str, Stream]]:
    """Every sheet in its order, and the long ones' rows, which nothing has run through yet."""
    book = Book(document.council_colour)
    edges = Edges(
        document.marking,
        f"{document.period_label.partition(' (')[0]} · {document.grant_ref} · {document.holder_name}",
        " · ".join(word for word in (document.mark.partition(" – ")[0], document.revision_label) if word),
    )
    cover = add_cover_page(book)
    summary = add_summary_page(book, document.figures)
    rows = add_return_sheet(book, document, edges)
    add_quarters_sheet(book, document, edges, rows)
    add_match_sheet(book, document, edges)
    add_progress_sheet(book, document, edges)
    add_adjustments_sheet(book, document, edges)
    changes = add_changes_page(book, document)
    add_checks_sheet(book, document, edges, rows)
    streams = {ENTRIES: add_entries_sheet(book, document, edges)}
    add_declaration_sheet(book, document, edges, rows)
    if document.is_working_papers:
        for statement in document.reconciliations:
            add_reconciliation_sheet(book, statement, edges)
        streams[FULL_ENTRIES] = add_full_entries_sheet(book, document, edges)
    fill_summary(book, summary, document, edges, rows)
    fill_cover(cover, document, edges, rows)
    fill_changes(book, changes, document, edges)
    book.name_values()
    if not document.working_copy:
        lock(book)
    return book, streams


def _check_refs(document: ReturnDocument) -> None:
    """SUMIFS takes *, ?, ~ and a leading =, < or > for patterns, "007" for 7, and small letters for capitals."""
    refs = [line.ref for line in document.figures.lines]
    for ref in refs:
        if _NOT_A_CRITERION.search(ref):
            raise ValueError(f"a spreadsheet cannot add up by the funding ref {ref!r}")
    if len({ref.casefold() for ref in refs}) != len(refs):
        raise ValueError("two funding refs differ only in capitals")
