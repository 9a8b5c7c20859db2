"""Nothing is certified whose workbook, opened again, says anything else than the stored figures."""

import dataclasses
import re

import pytest
from flask import Flask

from exports.area_workbook import build_area_with_map
from exports.documents import ReturnDocument
from exports.return_workbook import Built, build_with_map
from svd_tracker.errors import Refused
from svd_tracker.extensions import db
from svd_tracker.returns import area_queries, certify, figures_store, papers, queries
from svd_tracker.returns.area_papers import award_amounts, document_of_area_revision
from svd_tracker.returns.models import LineSection, ReturnRevision, RevisionState
from svd_tracker.returns.proof import prove, prove_cells
from tests.exports.parts import parts, replaced
from tests.exports.test_read_back import part_of
from tests.integration.finance.money_rows import post
from tests.integration.returns.life_rows import AGAIN, reopen
from tests.integration.returns.test_area_life import day as day
from tests.integration.returns.test_area_life import joined
from tests.integration.returns.test_area_life import period as period
from tests.integration.returns.year import CHECKED, POST, by, certified, check, draft, make_year
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


def changed_value(content: bytes, sheet: str, cell: str) -> bytes:
    """The bytes with a penny more in a cell, and in what a formula there came to."""
    name = part_of(content, sheet)
    found = re.search(rf'<c r="{cell}"[^>]*>(?:<f>[^<]*</f>)?<v>(-?[0-9.]+)</v></c>', parts(content)[name])
    assert found is not None
    return replaced(content, name, found[0], found[0].replace(f"<v>{found[1]}<", f"<v>{float(found[1]) + 0.01:.2f}<"))


def test_what_was_certified_before_and_every_name_is_read_back(app: Flask) -> None:
    year = make_year()
    first = certified()
    reopen(first)
    post(year.tool, 100_00, document="LATE", on=AGAIN)
    revision = draft(1, on=AGAIN)
    built = build_with_map(papers.document_of_revision(queries.get_revision(revision.id)))
    build = queries.newest_build(revision.id)
    assert build is not None
    assert build.base_build_id is not None
    rows = figures_store.load([build.id, build.base_build_id])
    now, base = rows[build.id], rows[build.base_build_id]
    prove(built, now, base)
    was = [cell for cell, figure in built.figures["Changes"].items() if figure.line_ref.startswith("was:")]
    assert len(was) > 3
    matched = [cell for cell, figure in built.figures["Match"].items() if figure.line_ref == "match:total"]
    assert len(matched) == 3
    for sheet, cell in (("Changes", was[0]), ("Match", matched[0]), ("Cover", next(iter(built.figures["Cover"])))):
        with pytest.raises(Refused, match=rf"differs from the stored figures: {sheet}!{cell} "):
            prove(dataclasses.replace(built, content=changed_value(built.content, sheet, cell)), now, base)
    name = '<definedName name="Total_claimed_now">'
    workbook = parts(built.content)["xl/workbook.xml"]
    target = workbook.split(name)[1].split("<")[0]
    elsewhere = replaced(built.content, "xl/workbook.xml", f"{name}{target}<", f"{name}Return!$A$1<")
    with pytest.raises(Refused, match="The name Total_claimed_now leads to"):
        prove(dataclasses.replace(built, content=elsewhere), now, base)


def test_an_amount_that_stands_nowhere_stops_the_certificate(app: Flask) -> None:
    revision = checked()
    built = build_with_map(papers.document_of_revision(revision))
    build = queries.newest_build(revision.id)
    assert build is not None
    hidden = {
        sheet: {
            cell: figure
            for cell, figure in cells.items()
            if (figure.line_ref, figure.code) != ("category:labour", "locally_funded")
        }
        for sheet, cells in built.figures.items()
    }
    with pytest.raises(Refused, match=r"does not show the stored figure .*category:labour.*locally_funded"):
        prove(dataclasses.replace(built, figures=hidden), figures_store.load([build.id])[build.id])


@pytest.mark.usefixtures("day")
def test_the_funders_awards_are_read_back_in_the_areas_workbook(period: area_queries.Period) -> None:
    revision = joined(period)
    content, cells = build_area_with_map(document_of_area_revision(revision))
    stored = area_queries.stored_amounts(revision)
    stored = {**stored, **award_amounts(revision, stored)}
    prove_cells(content, cells, stored, ())
    awards = [cell for cell, figure in cells["Checks"].items() if figure.code == "allocation"]
    assert len(awards) == 2 * (len(revision.members) + 2), "each member, what nobody holds, and the award"
    for cell in awards:
        with pytest.raises(Refused, match=rf"Checks!{cell} shows"):
            prove_cells(changed_value(content, "Checks", cell), cells, stored, ())
