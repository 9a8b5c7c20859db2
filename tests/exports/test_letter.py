"""A letter as a Word document: its heading, language, words, and the same bytes every time."""

import datetime as dt
import io
import subprocess
import sys
import zipfile
from dataclasses import replace

import pytest
from docx import Document

from exports.letter_document import LetterDocument, build_letter

pytestmark = pytest.mark.unit

LETTER = LetterDocument(
    council="Dorset Council",
    partnership="Dorset Community Safety Partnership",
    to_name="Ms Hill",
    reference="RND-01 P-01",
    subject="Your proposal “Street mentors”: an offer of £15,000.10",
    body="Dear Ms Hill\n\nWhat was strong:\nNeed & reach: “Good”.\nDelivery <ready>.\n\nYours sincerely",
    issued_at=dt.datetime(2025, 5, 1, 10, 30, tzinfo=dt.UTC),
)


def texts(content: bytes) -> list[str]:
    return [each.text for each in Document(io.BytesIO(content)).paragraphs]


def test_it_reads_as_it_was_issued() -> None:
    content = build_letter(LETTER)
    said = texts(content)
    assert said[0] == "Dorset Council\nDorset Community Safety Partnership"
    assert "Ms Hill" in said
    assert "1 May 2025\nOur reference: RND-01 P-01" in said
    assert said[-3:] == LETTER.body.split("\n\n")


def test_its_subject_is_the_one_heading_and_its_title_and_its_language_is_english() -> None:
    content = build_letter(LETTER)
    document = Document(io.BytesIO(content))
    headings = [each.text for each in document.paragraphs if each.style and str(each.style.name).startswith("Heading")]
    assert headings == [LETTER.subject]
    assert document.core_properties.title == LETTER.subject
    assert document.core_properties.language == "en-GB"


def test_the_same_letter_gives_the_same_bytes() -> None:
    first = build_letter(LETTER)
    assert build_letter(LETTER) == first
    with zipfile.ZipFile(io.BytesIO(first)) as archive:
        assert {each.date_time for each in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        assert archive.testzip() is None


def test_a_superseded_one_says_so_at_the_head_of_each_page() -> None:
    words = "A later decision has taken its place"
    content = build_letter(replace(LETTER, superseded=words))
    header = Document(io.BytesIO(content)).sections[0].header
    assert [each.text for each in header.paragraphs] == [words]
    assert words not in "".join(texts(build_letter(LETTER)))


def test_what_xml_forbids_is_left_out() -> None:
    assert texts(build_letter(replace(LETTER, body="a\x00b\x0bc")))[-1] == "abc"


def test_it_needs_no_flask() -> None:
    code = "import sys, exports.letter_document; assert not {'flask', 'sqlalchemy'} & set(sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
