"""A reader of workbooks that shares nothing with Python: an npm one (read-excel-file, MIT), in Chromium."""

import base64
from pathlib import Path

import pytest
from openpyxl.utils import get_column_letter
from playwright.sync_api import Browser

from exports.area_workbook import build_area_workbook
from exports.return_workbook import build_return_workbook
from tests.exports import factory
from tests.exports.reading import plain, stored, values

pytestmark = pytest.mark.browser
READER = Path(__file__).resolve().parents[1] / "support" / "read_excel_file" / "read-excel-file.min.js"
READ = """async (text) => {
  const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  const sheets = await readXlsxFile(new Blob([bytes]), {trim: false});
  const plain = (value) => value instanceof Date ? value.toISOString().slice(0, 10) : value;
  return sheets.map(({sheet, data}) => [sheet, data.map((row) => row.map(plain))]);
}"""


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("sealed", build_return_workbook(factory.full())),
        ("papers", build_return_workbook(factory.papers())),
        ("area", build_area_workbook(factory.area())),
    ],
)
def test_an_npm_reader_finds_the_same_values(browser: Browser, name: str, content: bytes) -> None:
    page = browser.new_context().new_page()
    page.evaluate(READER.read_text(encoding="utf-8"))
    found = {
        title: {
            f"{get_column_letter(x)}{y}": plain(value)
            for y, row in enumerate(rows, 1)
            for x, value in enumerate(row, 1)
            if value is not None
        }
        for title, rows in page.evaluate(READ, base64.b64encode(content).decode())
    }
    expected = values(stored(content))
    assert list(found) == list(expected), name
    for title, cells in expected.items():
        assert found[title] == {cell: value for cell, value in cells.items() if value != ""}, (name, title)
    page.close()
