"""The head of each sheet: its title, whose return it is and for which period, and the mark of what is no return."""

from exports.cells import Page
from exports.documents import ReturnDocument


def head(page: Page, title: str, document: ReturnDocument, *about: str) -> None:
    """The first two rows of a sheet."""
    page.text(1, 1, title, "svd title")
    page.height(1, 24)
    mark = document.mark.partition(",")[0]  # the whole of it stands on the cover: narrow sheets have no room
    words = (mark, document.holder_name, document.period_label, document.revision_label, *about)
    page.text(2, 1, " · ".join(word for word in words if word), "svd warning" if document.mark else "svd subtitle")


def heading(page: Page, row: int, words: str, last_column: int, first_column: int = 1) -> int:
    """A ruled heading within a sheet. Gives back the row after it."""
    page.fill(row, range(first_column, last_column + 1), "svd heading")
    page.text(row, first_column, words, "svd heading")
    page.height(row, 22)
    return row + 1


def headers(page: Page, row: int, words: list[str], numbers_from: int, height: float = 32) -> int:
    """The header row of a table; its numbers stand to the right. Gives back the row after it."""
    for number, header in enumerate(words, 1):
        page.text(row, number, header, "svd header right" if number >= numbers_from else "svd header")
    page.height(row, height)
    return row + 1
