"""Partners' workbooks for tests: a form, and what people and their programs do to a filled one."""

import datetime as dt
import io
from collections.abc import Iterable, Mapping

import openpyxl

from svd_tracker.calculations.figures import Category, ObligationKind, Tolerance
from svd_tracker.periods import quarter_short
from svd_tracker.readers.partner_layout import (
    ACCRUALS,
    FormLine,
    FormMatch,
    Given,
    Mark,
    PartnerForm,
)

LABOUR, NON_LABOUR = Category.LABOUR, Category.NON_LABOUR
Changes = Mapping[str, Mapping[str, object]]  # by sheet and cell
SPENT = {"B25-01": 12_100_50, "B25-02": 14_000_00, "P01": 9_000_00}


def given(form_of: tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]], spent: int, accruals: int = 0) -> Given:
    """Spend of each own quarter, 0 for each adjustment, £10,000 for each forecast."""
    closed, own, ahead = form_of
    return Given(
        {
            **{("adjustment", quarter): 0 for quarter in closed},
            **{("spent", quarter): spent for quarter in own},
            ACCRUALS: accruals,
            **{("forecast", quarter): 10_000_00 for quarter in ahead},
        },
        "As agreed with the OPCC",
    )


def form(
    closed: tuple[int, ...] = (1,),
    own: tuple[int, ...] = (2,),
    ahead: tuple[int, ...] = (3, 4),
    *,
    filled: bool = True,
    kind: ObligationKind = ObligationKind.IN_YEAR,
) -> PartnerForm:
    """Three lines of a partner: two with fundings here, one that only its workbooks name."""
    last = max((*closed, *own))
    parts = (closed, own, ahead)
    lines = (
        FormLine("B25-01", "Serious violence coordinator", LABOUR, 48_000_00, 11_873_41 if closed else 0, False),
        FormLine("B25-02", "=Specialist nurse", LABOUR, 61_500_00, 18_204_10 if closed else 0, False),
        FormLine("P01", "Healthy relationships & MVP", NON_LABOUR, 35_250_00, 4_310_77 if closed else 0, True),
    )
    if filled:
        lines = tuple(
            FormLine(
                each.ref,
                each.title,
                each.category,
                each.budget,
                each.reported_before,
                each.budget_given,
                given(parts, SPENT[each.ref]),
            )
            for each in lines
        )  # type: ignore[assignment]
    return PartnerForm(
        mark=Mark(1, "dorset", "SVD-2025", "bcp", 2025, last, kind, "abc123"),
        grant_name="Serious Violence Duty",
        holder_name="BCP Community Safety Partnership",
        accountable_body="BCP Council",
        opcc_name="Dorset OPCC",
        period_label=quarter_short(2025, last),
        kind_label="In-year return",
        due_on="14 October 2025",
        statement="I certify that the spend in this return is eligible and for the purpose of the grant.",
        allocations={LABOUR: 109_500_00, NON_LABOUR: 69_290_00},
        tolerance=Tolerance(),
        variance_blocks=True,
        closed=closed,
        own=own,
        ahead=ahead,
        lines=lines,
        spare_refs=tuple(f"P{number:02d}" for number in range(2, 12)),
        match=(FormMatch("Specialist nurse", "University Hospitals Dorset", "in_kind", 12_000_00, 9_000_00, 2_500_50),),
        made_at=dt.datetime(2025, 10, 3, 9, tzinfo=dt.UTC),
        council_colour="#1D70B8",
        marking="OFFICIAL",
    )


def edited(content: bytes, changes: Changes, *, values: bool = True) -> bytes:
    """The workbook with cells changed. ``values``: as after its values were pasted over its formulas."""
    book = openpyxl.load_workbook(io.BytesIO(content), data_only=values)
    for sheet, cells in changes.items():
        for name, value in cells.items():
            book[sheet][name] = value  # type: ignore[assignment]
    return saved(book)


def saved(book: openpyxl.Workbook) -> bytes:
    target = io.BytesIO()
    book.save(target)
    return target.getvalue()


def as_google_sheets(content: bytes) -> bytes:
    """As Google Sheets gives a workbook back: no styles, locks or properties of ours, and a thousand rows a sheet."""
    given_book, book = openpyxl.load_workbook(io.BytesIO(content), data_only=True), openpyxl.Workbook()
    book.remove(book.worksheets[0])
    for sheet in given_book.worksheets:
        copy = book.create_sheet(sheet.title)
        copy.sheet_state = sheet.sheet_state
        for row in sheet.iter_rows():
            for cell in row:
                if cell.value is not None:
                    copy[cell.coordinate] = cell.value
                    copy[cell.coordinate].data_type = cell.data_type  # "=Nurse" stays text
        copy.cell(1000, 26).number_format = "0.00"
    return saved(book)


def rows_moved(content: bytes, sheet: str, rows: Iterable[int], by: int) -> bytes:
    """Rows cut and put further down, as people do who sort or make room."""
    book = openpyxl.load_workbook(io.BytesIO(content), data_only=True)
    for row in sorted(rows, reverse=by > 0):
        book[sheet].move_range(f"A{row}:Z{row}", rows=by)
    return saved(book)
