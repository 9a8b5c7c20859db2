"""The workbook of an area's join: Cover, Area, Interventions, Lines, Checks."""

import datetime as dt
from collections.abc import Mapping

from exports.area_lines_sheet import LINES, MISSING, add_lines_sheet
from exports.area_sheets import (
    AREA,
    CHECKS,
    INTERVENTIONS,
    AreaRows,
    add_area_checks,
    add_area_sheet,
    add_interventions_sheet,
    check_members,
)
from exports.cells import Book, Figure, Page
from exports.cover_sheet import add_cover_page, audit_head, banner, built, contents, facts, heading, summary
from exports.documents import AreaDocument
from exports.package import describe, to_bytes
from exports.page_setup import Edges, set_up
from exports.protection import lock
from svd_tracker.periods import format_date, fy_label

_CONTENTS = (
    (AREA, "the join: each holder's labour and non-labour, the totals, and a total per holder"),
    (INTERVENTIONS, "an intervention a row, a column per holder"),
    (LINES, "every line as its holder certified it: everything else adds up from here"),
    (CHECKS, "allocations and awards against the OPCC's record, and that the workbook agrees with itself"),
)


def build_area_workbook(document: AreaDocument) -> bytes:
    """The workbook alone: see ``build_area_with_map``."""
    return build_area_with_map(document)[0]


def build_area_with_map(document: AreaDocument) -> tuple[bytes, Mapping[str, Mapping[str, Figure]]]:
    """The .xlsx of the join, in pounds to the penny of ``document.figures``, and what its cells stand for.

    A certified one is locked. A figure of a holder goes by the holder's ref before its line's, like "DOR/F-0001".

    Totals are of the holders present and say so; a missing holder is "missing" with its reason, never nought
    (FIGURES.md 22). The same document gives the same bytes. Raises FiguresDiffer when a certified total does not come
    to its lines, or a holder present has no state.
    """
    check_members(document)
    book = Book(document.council_colour)
    edges = Edges(
        document.marking,
        f"{document.area_name} · {document.grant_ref} · {document.period_label.partition(' (')[0]}",
        " · ".join(
            [
                *([] if document.is_certified else ["DRAFT – not certified"]),
                *([] if document.figures.complete else ["INCOMPLETE"]),
                document.revision_label,
            ]
        ),
    )
    cover = add_cover_page(book)
    lines, lay_out_lines = add_lines_sheet(book, document, edges)
    rows = add_area_sheet(book, document, edges, lines)
    add_interventions_sheet(book, document, edges, lines)
    lay_out_lines()
    add_area_checks(book, document, edges, lines, rows)
    _fill_cover(book, cover, document, edges, rows)
    describe(
        book,
        f"{document.grant_name}: area return, {document.area_name}, {document.period_label}",
        f"{document.grant_ref} · {document.kind_label} · {document.revision_label}",
        f"{document.lead_name} (svd_tracker)",
        document.built_at,
    )
    if document.is_certified:
        lock(book)
    return to_bytes(book, {}), book.figures


def _state(document: AreaDocument) -> str:
    figures = document.figures
    certified = "CERTIFIED" if document.is_certified else "DRAFT – not certified"
    if figures.complete:
        return f"{certified} · COMPLETE – every holder's return is certified · {document.revision_label}"
    missing = f"{len(figures.missing)} of {len(figures.members)} returns missing"
    if len(figures.missing) == 1:
        missing = f"missing: {figures.missing[0]}"
    return f"{certified} · INCOMPLETE – {missing} · {document.revision_label}"


def _fill_cover(book: Book, page: Page, document: AreaDocument, edges: Edges, rows: AreaRows) -> None:
    banner(
        page,
        f"{document.grant_name}: area return",
        f"{document.area_name} · {document.period_label} · {document.marking}",
        _state(document),
        document.figures.complete and document.is_certified,
    )
    row = facts(
        page,
        5,
        (
            ("Grant", f"{document.grant_name} ({document.grant_ref})"),
            ("Agreement", document.agreement_ref),
            ("Funder", document.funder),
            ("Police force area", document.area_name),
            ("Joined by", document.lead_name),
        ),
        (
            ("Financial year", fy_label(document.fy)),
            ("Period", document.period_label),
            ("Kind of return", document.kind_label),
            ("Prepared by", f"{document.prepared_by}, {format_date(document.prepared_on)}"),
            ("Built", built(document.built_at)),
        ),
    )
    row = _holders(page, document, rows, row + 1)
    figures = document.figures
    if document.reason:
        why = "Why it goes on without those missing: " if figures.missing else "Why it takes an earlier one's place: "
        page.text(row, 1, f"{why}{document.reason}", "svd prose")
        page.merge(row, 1, len(page.widths))
        page.fit_height(row, (f"{why}{document.reason}", page.width(1, len(page.widths))))
        row += 1
    if figures.total:
        title = "Summary, £" if figures.complete else "Summary of the holders present, £"
        row = summary(book, page, figures.categories, figures.total, rows.totals, row + 1, title)
    if figures.differences:
        count = len(figures.differences)
        differ = "allocation differs" if count == 1 else "allocations differ"
        page.text(row, 1, f"{count} certified {differ} from the OPCC's record: see Checks.", "svd warning")
        row += 1
    if document.certified_at:
        row = _declaration(page, document, document.certified_at, row + 1)
    row = contents(page, row + 1, _CONTENTS)
    row = audit_head(page, row, document.audit_seq, document.audit_hash)
    set_up(page, edges, f"I{row}", pages_down=1)


def _holders(page: Page, document: AreaDocument, rows: AreaRows, row: int) -> int:
    """Each holder with its certified revision, or missing and why. Gives back the first row after them."""
    heading(page, row, "Holders")
    spans = ((1, 2), (3, 3), (4, 5), (6, 7), (8, 8), (9, 9))
    headers = ("Holder", "State", "Revision, or why missing", "Certified by", "Certified on", "Claimed now, £")
    for (first, last), header in zip(spans, headers, strict=True):
        page.fill(row + 1, range(first, last + 1), "svd header")
        page.text(row + 1, first, header, "svd header right" if first == 9 else "svd header")
        if last > first:
            page.merge(row + 1, first, last)
    page.height(row + 1, 24)
    for at, member in enumerate(document.figures.members, row + 2):
        page.fill(at, range(1, 10), "svd text")
        state = document.states.get(member.ref)
        if member.figures is None or state is None:
            texts = [member.name, "MISSING", member.missing_reason or "", "–", "–"]
            page.text(at, 9, MISSING, "svd missing")
        else:
            by = f"{state.certified_by}, {state.certified_post}"
            texts = [member.name, "Certified", state.revision_label, by, format_date(state.certified_at.date())]
            page.money_formula(at, 9, rows.holder_cell("claimed_now", member.ref), member.figures.total.claimed_now)
        for (first, last), text in zip(spans, texts, strict=False):
            page.text(at, first, text, "svd flag" if text == "MISSING" else "svd text")
            if last > first:
                page.merge(at, first, last)
        page.fit_height(at, *((text, page.width(*span)) for span, text in zip(spans, texts, strict=False)), least=20)
    return row + 2 + len(document.figures.members)


def _declaration(page: Page, document: AreaDocument, certified_at: dt.datetime, row: int) -> int:
    """What the PCC's certifier said, in the agreement's words. Gives back the first row after it."""
    heading(page, row, "Declaration")
    across = len(page.widths)
    page.text(row + 1, 1, document.statement, "svd prose")
    page.merge(row + 1, 1, across)
    page.fit_height(row + 1, (document.statement, page.width(1, across)))
    return facts(
        page,
        row + 2,
        (
            ("Certified by", document.certified_by or ""),
            ("Post", document.certified_post or ""),
        ),
        (
            ("Certified on", built(certified_at)),
            ("Standing in for", document.deputy_for or "–"),
        ),
    )
