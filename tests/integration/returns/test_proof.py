"""Nothing is certified whose workbook, opened again, says anything else than the stored figures."""

import dataclasses
import re

import pytest
from flask import Flask

from exports.documents import ReturnDocument
from exports.return_workbook import Built, build_with_map
from svd_tracker.errors import Refused
from svd_tracker.extensions import db
from svd_tracker.returns import certify, figures_store, queries
from svd_tracker.returns.models import LineSection, ReturnRevision, RevisionState
from svd_tracker.returns.proof import prove
from tests.exports.parts import parts, replaced
from tests.exports.test_read_back import part_of
from tests.integration.returns.year import CHECKED, POST, by, check, draft, make_year
from tests.integration.returns.year import certify as certify_it

pytestmark = pytest.mark.db


def checked() -> ReturnRevision:
    make_year()
    revision = draft()
    check(revision)
    return revision


def with_penny_more(built: Built) -> tuple[bytes, str]:
    """The bytes with a penny more in the first formula of the Return sheet, and its cell."""
    name = part_of(built.content, "Return")
    found = re.search(
        r'<c r="([A-Z]+[0-9]+)"[^>]*><f>ROUND\(SUMIFS[^<]*</f><v>([0-9.]+)</v></c>', parts(built.content)[name]
    )
    assert found is not None
    changed = found[0].replace(f"<v>{found[2]}<", f"<v>{float(found[2]) + 0.01:.2f}<")
    return replaced(built.content, name, found[0], changed), found[1]


def test_a_changed_cell_stops_the_certificate(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    revision = checked()
    build = queries.newest_build(revision.id)
    assert build is not None
    cells: list[str] = []

    def built_wrong(document: ReturnDocument) -> Built:
        built = build_with_map(document)
        content, cell = with_penny_more(built)
        cells.append(cell)
        return dataclasses.replace(built, content=content)

    monkeypatch.setattr(certify, "build_with_map", built_wrong)
    with pytest.raises(Refused, match="The workbook differs from the stored figures: Return!") as raised:
        certify.certify_return(revision.id, build.id, POST, by("certifier@dorset", CHECKED))
    assert f"Return!{cells[0]} shows" in str(raised.value)
    assert "Nothing was certified" in str(raised.value)
    db.session.rollback()
    db.session.refresh(revision)
    assert (revision.state, revision.revision_no) == (RevisionState.CHECKED, None)
    assert [file.kind.value for file in queries.files_of(revision_id=revision.id)] == ["draft"]
    monkeypatch.undo()
    certify_it(revision)
    assert revision.state is RevisionState.CERTIFIED


def test_the_rows_stored_decide_and_not_what_the_builder_meant(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    revision = checked()
    seen: list[Built] = []

    def watched(document: ReturnDocument) -> Built:
        seen.append(build_with_map(document))
        return seen[-1]

    monkeypatch.setattr(certify, "build_with_map", watched)
    certify_it(revision)
    build = queries.newest_build(revision.id)
    assert build is not None
    rows = figures_store.load([build.id])[build.id]
    prove(seen[0], rows)
    for section, code in (
        (LineSection.FUNDING, "spent"),
        (LineSection.CATEGORY, "to_date"),
        (LineSection.TOTAL, "claimed_now"),
    ):
        row = next(each for each in rows if each.section is section)
        figures = tuple(
            dataclasses.replace(each, value=each.value + 1) if each.code == code and each.value is not None else each
            for each in row.figures
        )
        other = [dataclasses.replace(each, figures=figures) if each is row else each for each in rows]
        with pytest.raises(Refused, match=r"![A-Z]+[0-9]+ shows .*, and the stored figure is"):
            prove(seen[0], other)
        without = [each for each in rows if each is not row]
        with pytest.raises(Refused, match="shows a figure that is not stored"):
            prove(seen[0], without)
