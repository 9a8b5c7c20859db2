"""The evaluator against sums done apart from it, and against LibreOffice."""

import io
import operator
import random
from collections.abc import Callable, Mapping
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from openpyxl import Workbook

from exports.formulas import Key, NotComputable, Table, Value, evaluate, key_of, parse
from tests.exports.libreoffice import recalculated
from tests.exports.reading import stored

pytestmark = pytest.mark.xlsx

Built = tuple[str, Fraction]  # a formula and what it comes to, worked out beside it


class Sheet:
    """Cells of one sheet by column and row, and sums over them done the plain way."""

    def __init__(self, cells: Mapping[tuple[int, int], Value]) -> None:
        self.cells = cells

    def value(self, sheet: str, column: int, row: int) -> Value:
        assert sheet == "S"
        return self.cells.get((column, row))

    def sums(self, table: Table) -> Mapping[tuple[Key, ...], Fraction]:
        found: dict[tuple[Key, ...], Fraction] = {}
        for x, y in table.amounts.cells():
            amount = self.cells.get((x, y))
            if isinstance(amount, Fraction):
                key = tuple(key_of(self.cells.get((each.left, y))) for each in table.looked_at)
                found[key] = found.get(key, Fraction(0)) + amount
        return found


GRID = {
    (x, y): Fraction(random.Random(x * 100 + y).randrange(-(10**7), 10**7), 100) for x in (1, 2) for y in range(1, 9)
}
NAMES = {"First_column": "S!$A$1:$A$8", "One": "S!$B$3"}


def worked_out(formula: str, cells: Mapping[tuple[int, int], Value] = GRID) -> Value:
    return evaluate(parse(formula, "S", NAMES), Sheet(cells))


def numbers() -> st.SearchStrategy[Built]:
    amounts = st.decimals(0, 10**9, places=2).map(lambda one: (str(one), Fraction(one)))
    cells = st.sampled_from([(f"{'$' * (y % 2)}{' AB'[x]}{y}", value) for (x, y), value in GRID.items()])
    return amounts | cells | st.just(("S!B3", GRID[2, 3])) | st.just(("One", GRID[2, 3]))


def bigger(inner: st.SearchStrategy[Built]) -> st.SearchStrategy[Built]:
    signs: dict[str, Callable[[Fraction, Fraction], Fraction]] = {
        "+": operator.add,
        "-": operator.sub,
        "*": operator.mul,
        "/": operator.truediv,
    }

    def joined(sign: str, one: Built, other: Built) -> Built:
        assume(sign != "/" or other[1] != 0)
        return f"({one[0]}{sign} {other[0]})", signs[sign](one[1], other[1])

    def chosen(one: Built, sign: str, other: Built, either: Built) -> Built:
        tests = {"=": "eq", "<>": "ne", "<": "lt", "<=": "le", ">": "gt", ">=": "ge"}
        holds = getattr(operator, tests[sign])(one[1], other[1])
        return f"IF({one[0]}{sign}{other[0]},{either[0]},{one[0]})", either[1] if holds else one[1]

    def listed(function: str, parts: list[Built]) -> Built:
        functions: dict[str, Callable[[list[Fraction]], Fraction | int]] = {"SUM": sum, "MIN": min, "MAX": max}
        found = Fraction(functions[function]([value for _, value in parts]))
        return f"{function}({','.join(text for text, _ in parts)})", found

    def rounded(of: Built, digits: int) -> Built:
        scaled = abs(of[1]) * 10**digits
        nearest = Fraction(int(scaled + Fraction(1, 2)), 10**digits)
        return f"ROUND({of[0]},{digits})", nearest if of[1] >= 0 else -nearest

    return st.one_of(
        st.builds(joined, st.sampled_from(list(signs)), inner, inner),
        st.builds(chosen, inner, st.sampled_from(["=", "<>", "<", "<=", ">", ">="]), inner, inner),
        st.builds(listed, st.sampled_from(["SUM", "MIN", "MAX"]), st.lists(inner, min_size=1, max_size=4)),
        st.builds(rounded, inner, st.integers(0, 4)),
        inner.map(lambda of: (f"-{of[0]}", -of[1])),
    )


@given(st.recursive(numbers(), bigger, max_leaves=12))
def test_formulas_come_to_what_fractions_come_to(built: Built) -> None:
    assert worked_out(built[0]) == built[1]


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["D25-01", "d25-01", "D25-02", "B"]),
            st.integers(1, 4),
            st.none() | st.just("words") | st.decimals(-(10**9), 10**9, places=2).map(Fraction),
        ),
        max_size=12,
    ),
    st.sampled_from(["D25-01", "D25-02", "Nobody"]),
    st.integers(1, 4),
)
def test_sumifs_adds_what_fits_every_criterion(rows: list[tuple[str, int, Value]], ref: str, quarter: int) -> None:
    cells: dict[tuple[int, int], Value] = {}
    for y, (named, of, amount) in enumerate(rows, 1):
        cells.update({(1, y): named, (2, y): Fraction(of), (3, y): amount})
    fits = [
        amount
        for named, of, amount in rows
        if named.casefold() == ref.casefold() and of == quarter and isinstance(amount, Fraction)
    ]
    both = f'SUMIFS($C$1:$C$12,A1:A12,"{ref}",B1:B12,{quarter})'
    assert worked_out(both, cells) == sum(fits, Fraction(0))
    assert worked_out("SUM(C1:C12)", cells) == sum((a for *_, a in rows if isinstance(a, Fraction)), Fraction(0))


@pytest.mark.parametrize(
    ("formula", "value"),
    [
        ("1+2*3-4/2", Fraction(5)),
        ("-2*-3", Fraction(6)),
        ("2-1-1", Fraction(0)),
        ("ROUND(2.5,0)+ROUND(-2.5,0)", Fraction(0)),
        ("ROUND(-1.005,2)", Fraction(-101, 100)),
        ("ROUND(1234.5,-2)", Fraction(1200)),
        ('IF("a"="A","yes","no")', "yes"),
        ('IF(C9="","nothing","something")', "nothing"),
        ("IF(C9=0,1,2)", Fraction(1)),
        ("IF(1,2,1/0)", Fraction(2)),
        ('"a ""b"""', 'a "b"'),
        ("SUM(First_column)", sum((GRID[1, y] for y in range(1, 9)), Fraction(0))),
        ("MAX(A1:B8)", max(GRID.values())),
        ("MIN(C1:C3)", Fraction(0)),
        ("'S'!A1+S!$A$2", GRID[1, 1] + GRID[1, 2]),
    ],
)
def test_worked_by_hand(formula: str, value: Value) -> None:
    assert worked_out(formula) == value


@pytest.mark.parametrize(
    "formula",
    [
        "A1:A2", "A1:A2+1", "1/0", '1+"1"', '"a"<1', "1=1+", "SUM()", "(1", "SUMIFS(A1:A3,B1:B2,1)", "COUNT(A1)",
        'SUMIFS(A1:A3,B1:B3,">1")', "SUMIFS(A1:B3,B1:B3,1)", "SUMIFS(A1:A3,B1:B3,C9)", "ROUND(1,0.5)", "ROUND(1)",
        "IF(1,2)", 'IF("a",1,2)', "Nobody", "1 1", "#REF!", "",
    ],
)  # fmt: skip
def test_what_a_spreadsheet_would_guess_at_is_refused(formula: str) -> None:
    with pytest.raises(NotComputable):
        worked_out(formula)


def test_libreoffice_comes_to_the_same(tmp_path: Path) -> None:
    """A sheet of random formulas: ours stored as results, theirs calculated again."""
    drawn = random.Random(4)
    cells: dict[tuple[int, int], Value] = {**GRID, **{(3, y): ["D25-01", "D25-02"][y % 2] for y in range(1, 9)}}

    def made(depth: int) -> str:
        if not depth:
            return drawn.choice(
                [f"{'AB'[drawn.randrange(2)]}{drawn.randrange(1, 9)}", f"{drawn.randrange(99999) / 100}"]
            )
        one, other = made(depth - 1), made(depth - 1)
        ways = (
            f"({one}+{other})", f"({one}-{other})", f"-{one}", f"ROUND({one}*0.5,2)", f"ROUND({one}/7,4)",
            f"MIN({one},{other})", f"MAX({one},{other},A1:B3)", f"SUM({one},A2:A5,{other})",
            f"IF({one}<={other},{one},{other})", f"IF({one}<>{other},1,0)", 'SUMIFS(A$1:A$8,$C$1:$C$8,"d25-02")',
        )  # fmt: skip
        return drawn.choice(ways)

    workbook = Workbook()
    sheet = workbook.worksheets[0]
    sheet.title = "S"
    for (x, y), value in cells.items():
        sheet.cell(y, x).value = value if isinstance(value, str) else float(value)  # type: ignore[arg-type]
    results: dict[str, Fraction] = {}
    for y in range(1, 151):
        formula = f"ROUND({made(3)},2)"
        sheet.cell(y, 5).value = f"={formula}"
        value = worked_out(formula, cells)
        assert isinstance(value, Fraction)
        results[f"E{y}"] = value
    plain = io.BytesIO()
    workbook.save(plain)
    theirs = stored(recalculated(plain.getvalue(), tmp_path))["S"]
    for cell, result in results.items():
        assert abs(Fraction(str(theirs[cell].value)) - result) < Fraction(1, 1000), cell
