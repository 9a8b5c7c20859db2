"""That Excel would have nothing to repair, and calculates what it opens."""

from exports import lint as package
from tests.exports.parts import parts


def lint(data: bytes) -> None:
    """The package lint finds nothing, and the workbook asks to be calculated on load."""
    assert package.lint(data) == []
    assert 'fullCalcOnLoad="1"' in parts(data)["xl/workbook.xml"]
