"""What may be kept as evidence is told by its content, never by its name alone."""

import io
import zipfile

import pytest

from svd_tracker.errors import Refused
from svd_tracker.files.evidence import MEDIA_TYPES, kind_of

pytestmark = pytest.mark.unit


def package(*names: str) -> bytes:
    kept = io.BytesIO()
    with zipfile.ZipFile(kept, "w") as archive:
        for name in names:
            archive.writestr(name, "x")
    return kept.getvalue()


PDF = b"%PDF-1.7\n%\xe2\xe3"
PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 20
JPG = b"\xff\xd8\xff\xe0\0\x10JFIF"
DOCX = package("[Content_Types].xml", "word/document.xml")
XLSX = package("[Content_Types].xml", "xl/workbook.xml")
MSG = bytes.fromhex("d0cf11e0a1b11ae1") + b"\0" * 504 + "__properties_version1.0".encode("utf-16-le")
EML = b"From: a@dorset.example\r\nSubject: Time sheet,\r\n of June\r\nDate: Mon, 2 Jun 2025\r\n\r\nHours: 7.5\r\n"
CSV = "Day,Hours\r\n2 June 2025,7.5\r\n£,1\r\n".encode()
GOOD = {"pdf": PDF, "png": PNG, "jpg": JPG, "docx": DOCX, "xlsx": XLSX, "msg": MSG, "eml": EML, "csv": CSV}


def test_every_kind_is_known_by_its_content() -> None:
    assert GOOD.keys() == MEDIA_TYPES.keys()
    for ending, content in GOOD.items():
        assert kind_of(f"Time sheet.{ending.upper()}", content) == ending
    assert kind_of("photo.jpeg", JPG) == "jpg"
    assert kind_of("hours.csv", "Day,£\n".encode("cp1252")) == "csv"
    assert kind_of("hours.csv", "Day,£\n".encode("utf-16")) == "csv"


@pytest.mark.parametrize("ending", [*MEDIA_TYPES])
def test_content_of_another_kind_is_refused(ending: str) -> None:
    for other, content in GOOD.items():
        if other != ending and not (ending == "csv" and other == "eml"):
            with pytest.raises(Refused, match="what is in it is something else"):
                kind_of(f"a.{ending}", content)


@pytest.mark.parametrize("name", ["a.exe", "a.html", "a.svg", "a.docm", "a.xls", "pdf", "a.", ".."])
def test_other_endings_are_refused(name: str) -> None:
    with pytest.raises(Refused, match="The selected file must be PDF"):
        kind_of(name, PDF)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.docx", package("[Content_Types].xml", "word/document.xml", "word/vbaProject.bin")),
        ("a.xlsx", package("[Content_Types].xml", "word/document.xml")),
        ("a.xlsx", package("xl/workbook.xml")),
        ("a.xlsx", XLSX[:-30]),
        ("a.msg", bytes.fromhex("d0cf11e0a1b11ae1") + b"\0" * 600),  # an old workbook
        ("a.eml", b"<html><body>Hello</body></html>"),
        ("a.csv", b"a,b\0c"),
        ("a.csv", b"MZ\x90\x00\x03"),
    ],
)
def test_what_only_looks_like_it_is_refused(name: str, content: bytes) -> None:
    with pytest.raises(Refused, match="something else"):
        kind_of(name, content)
