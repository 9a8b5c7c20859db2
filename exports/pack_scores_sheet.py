"""The score matrix of a decision pack, with live weights: change one in Excel and the results and ranks move."""

from decimal import Decimal
from fractions import Fraction

from openpyxl.utils import get_column_letter
from openpyxl.worksheet.datavalidation import DataValidation

from exports.cells import Book, Page, Result
from exports.page_setup import Edges, set_up
from exports.papers import ScoreMatrix, ScoreRow

SCORES, LIST = "Scores", "Ranked list"
_FIRST_COLUMN = 3  # of the criteria: ref and proposal stand before them
_WEIGHT, _FACTOR, _TOP, _MINIMUM = 5, 6, 7, 8  # rows of the scheme
_OVERALL = 3  # row of the overall minimum
_FIRST = 10
_PLACES = 10  # a spreadsheet's binary fractions agree to this many places, and different results differ before


def add_scores(book: Book, matrix: ScoreMatrix, edges: Edges) -> None:
    """Both sheets: the matrix, and the proposals in the order that its ranks give.

    Each formula carries the application's own figure, so that a reader that calculates finds the same.
    """
    page = book.page(SCORES, (9, 44, *(13 for _ in matrix.columns), 8, 13, 13, 13, 10))
    width = len(page.widths)
    result, passes, ranked, order = (width - 3, width - 2, width - 1, width)
    page.text(1, 1, "Scores, with live weights", "svd title")
    page.height(1, 24)
    page.text(
        2,
        1,
        "Change a weight or the overall minimum (the tinted cells): results, ranks and the ranked list follow. What "
        "was decided on are the figures as this file came. Equal results share a rank and stand in the order of this "
        "list.",
        "svd subtitle",
    )
    page.text(_OVERALL, 1, "Overall minimum", "svd label")
    page.fill(_OVERALL, range(1, 3), "svd label")
    page.merge(_OVERALL, 1, 2)
    page.decimal(_OVERALL, _FIRST_COLUMN, _exact(matrix.overall_minimum or Fraction(0)), "svd input percent")
    _scheme(page, matrix)
    head = _FIRST - 1
    for column, words in (
        (1, "Ref"),
        (2, "Proposal"),
        *((at, each.name) for at, each in enumerate(matrix.columns, _FIRST_COLUMN)),
        (result - 1, "Stage"),
        (result, "Result"),
        (passes, "Passes gates, minimums"),
        (ranked, "Rank"),
        (order, "Order"),
    ):
        page.text(head, column, words, "svd header" if column < _FIRST_COLUMN else "svd header right")
    page.fit_height(head, *((each.name, 11.0) for each in matrix.columns), least=30, line=12)
    last = _FIRST + len(matrix.rows) - 1
    places = _order(matrix)
    for at, row in enumerate(matrix.rows, _FIRST):
        _proposal(page, matrix, row, at, last, (result, passes, ranked, order), places[row.ref])
    page.sheet.freeze_panes = f"{get_column_letter(_FIRST_COLUMN)}{_FIRST}"
    _lock(page)
    set_up(page, edges, f"{get_column_letter(width)}{max(last, head)}", f"{head}:{head}")
    _add_list(book, matrix, edges, last, (result, ranked, order), places)


def _scheme(page: Page, matrix: ScoreMatrix) -> None:
    for row, words in (
        (_WEIGHT, "Weight"),
        (_FACTOR, "Counts so many times in stage 2"),
        (_TOP, "Top of the scale"),
        (_MINIMUM, "Minimum"),
    ):
        page.fill(row, range(1, 3), "svd label")
        page.text(row, 1, words, "svd label")
        page.merge(row, 1, 2)
    weights = DataValidation(
        type="decimal",
        operator="between",
        formula1="0",
        formula2="1000",
        allow_blank=False,
        showErrorMessage=True,
        errorTitle="A weight",
        error="Enter a weight from 0 to 1,000",
    )
    for column, each in enumerate(matrix.columns, _FIRST_COLUMN):
        page.decimal(_WEIGHT, column, Decimal(each.weight_hundredths) / 100, "svd input mark")
        weights.add(page.sheet.cell(_WEIGHT, column).coordinate)
        page.number(_FACTOR, column, each.factor)
        page.decimal(_TOP, column, _exact(Fraction(each.top_hundredths, 100)))
        if each.minimum_hundredths is None:
            page.text(_MINIMUM, column, "–", "svd missing")
        else:
            page.decimal(_MINIMUM, column, _exact(Fraction(each.minimum_hundredths, 100)))
    page.sheet.add_data_validation(weights)


def _proposal(
    page: Page,
    matrix: ScoreMatrix,
    row: ScoreRow,
    at: int,
    last: int,
    columns: tuple[int, int, int, int],
    place: int | None,
) -> None:
    result, passes, ranked, order = columns
    page.text(at, 1, row.ref)
    page.text(at, 2, row.title)
    for column, each in enumerate(matrix.columns, _FIRST_COLUMN):
        page.decimal(at, column, _exact(row.values[each.ref] / 100))
    first, final = get_column_letter(_FIRST_COLUMN), get_column_letter(_FIRST_COLUMN + len(matrix.columns) - 1)
    stage = get_column_letter(result - 1)
    page.number(at, result - 1, row.stage)
    factors = f"1+(${first}${_FACTOR}:${final}${_FACTOR}-1)*(${stage}{at}=2)"
    weights = f"${first}${_WEIGHT}:${final}${_WEIGHT},{factors}"
    marks = f"{first}{at}:{final}{at}/${first}${_TOP}:${final}${_TOP}"
    page.formula(at, result, f"SUMPRODUCT({weights},{marks})/SUMPRODUCT({weights})", _exact(row.result), "svd result")
    page.text(at, passes, "yes" if row.passes else "no", "svd text")
    r, p = get_column_letter(result), get_column_letter(passes)
    minimum = f"${first}${_OVERALL}"
    good = f'(${p}${_FIRST}:${p}${last}="yes")*(ROUND(${r}${_FIRST}:${r}${last},{_PLACES})>=ROUND({minimum},{_PLACES}))'
    better = f"(ROUND(${r}${_FIRST}:${r}${last},{_PLACES})>ROUND(${r}{at},{_PLACES}))"
    page.formula(
        at,
        ranked,
        f'IF(AND(${p}{at}="yes",ROUND(${r}{at},{_PLACES})>=ROUND({minimum},{_PLACES})),'
        f'1+SUMPRODUCT({good}*{better}),"not ranked")',
        "not ranked" if row.rank is None else Decimal(row.rank),
        "svd count",
    )
    k = get_column_letter(ranked)
    # Equal ranks stand in the order of the rows, which is the order that the scheme's tie rule and the refs give.
    page.formula(
        at,
        order,
        f'IF(ISNUMBER({k}{at}),{k}{at}+COUNTIF(${k}${_FIRST}:{k}{at},{k}{at})-1,"–")',
        "–" if place is None else Decimal(place),
        "svd count",
    )
    page.fit_height(at, (row.title, 44.0), least=18)


def _add_list(
    book: Book,
    matrix: ScoreMatrix,
    edges: Edges,
    last: int,
    columns: tuple[int, int, int],
    places: dict[str, int | None],
) -> None:
    page = book.page(LIST, (10, 9, 60, 14))
    page.text(1, 1, "Ranked list", "svd title")
    page.height(1, 24)
    page.text(2, 1, "Follows the weights of the sheet Scores. “–”: not ranked.", "svd subtitle")
    for column, words in enumerate(("Rank", "Ref", "Proposal", "Result"), 1):
        page.text(4, column, words, "svd header right" if column == 4 else "svd header")
    page.height(4, 24)
    result, ranked, order = (get_column_letter(each) for each in columns)
    by_place = {place: row for row in matrix.rows if (place := places[row.ref]) is not None}
    longest = max((row.title for row in matrix.rows), key=len, default="")
    orders = f"{SCORES}!${order}${_FIRST}:${order}${last}"
    for number in range(1, len(matrix.rows) + 1):
        at, row = 4 + number, by_place.get(number)
        shown: tuple[tuple[str, Result, str], ...] = (
            (ranked, Decimal(row.rank) if row and row.rank else "–", "svd count"),
            ("A", row.ref if row else "–", "svd text"),
            ("B", row.title if row else "–", "svd text"),
            (result, _exact(row.result) if row else "–", "svd result"),
        )
        for column, (of, value, style) in enumerate(shown, 1):
            cells = f"{SCORES}!${of}${_FIRST}:${of}${last}"
            page.formula(at, column, f'IFERROR(INDEX({cells},MATCH({number},{orders},0)),"–")', value, style)
        page.fit_height(at, (longest, 60.0), least=18)  # any title may come to stand here
    _lock(page)
    set_up(page, edges, f"D{4 + len(matrix.rows)}", "4:4")


def _order(matrix: ScoreMatrix) -> dict[str, int | None]:
    """Each proposal's place in the list: its rank, and after it those of the same rank that stand below it."""
    seen: dict[int, int] = {}
    places: dict[str, int | None] = {}
    for row in matrix.rows:
        if row.rank is None:
            places[row.ref] = None
        else:
            places[row.ref] = row.rank + seen.get(row.rank, 0)
            seen[row.rank] = seen.get(row.rank, 0) + 1
    return places


def _exact(value: Fraction) -> Decimal:
    """To 15 places, more than a spreadsheet keeps."""
    return (Decimal(value.numerator) / Decimal(value.denominator)).quantize(Decimal("1e-15")).normalize() + Decimal(0)


def _lock(page: Page) -> None:
    """Lock what is no input, so that it can still be selected, copied and made wider."""
    protection = page.sheet.protection
    protection.sheet = True
    protection.formatColumns = protection.formatRows = False
