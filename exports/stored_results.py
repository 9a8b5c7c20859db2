"""The stored result of every formula cell, so that Protected View, previews and phones show figures, not blanks.

openpyxl writes formulas without a result. The workbook also asks for a full recalculation on load, so a
program that can calculate does.
"""

import re
from collections.abc import Mapping
from html import escape

from exports.cells import Result

_FORMULA_CELL = re.compile(r'<c r="([A-Z]+[0-9]+)"((?: s="[0-9]+")?)><f>(.*?)</f><v(?: ?/>|></v>)</c>')


class ResultsDiffer(Exception):
    """A formula has no stored result, or a result has no formula: the builder is wrong."""


def with_results(xml: str, results: Mapping[str, Result]) -> str:
    """The sheet's XML with each formula's result in it. Raises ResultsDiffer unless they pair up one to one."""
    seen: set[str] = set()

    def put(match: re.Match[str]) -> str:
        coordinate, style, formula = match.groups()
        seen.add(coordinate)
        result = results.get(coordinate)
        if result is None:
            raise ResultsDiffer(f"no stored result for the formula in {coordinate}")
        if isinstance(result, str):
            return f'<c r="{coordinate}"{style} t="str"><f>{formula}</f><v>{escape(result, quote=False)}</v></c>'
        return f'<c r="{coordinate}"{style}><f>{formula}</f><v>{result}</v></c>'

    filled = _FORMULA_CELL.sub(put, xml)
    if left := results.keys() - seen:
        raise ResultsDiffer(f"no formula for the stored results of {', '.join(sorted(left))}")
    if filled.count("<f>") != len(seen):
        raise ResultsDiffer("a formula stands in a cell of unknown shape")
    return filled
