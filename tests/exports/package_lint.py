"""That Excel would have nothing to repair, and calculates what it opens."""

import re

from exports import lint as package
from tests.exports.parts import parts


def lint(data: bytes) -> None:
    """The package lint finds nothing; parts and merges stand in order; the workbook asks to be calculated on load."""
    assert package.lint(data) == []
    held = parts(data)
    assert next(iter(held)) == "[Content_Types].xml"
    assert 'fullCalcOnLoad="1"' in held["xl/workbook.xml"]
    for text in held.values():
        merges = re.findall(r'<mergeCell ref="([^"]*)"', text)
        assert merges == sorted(set(merges))
