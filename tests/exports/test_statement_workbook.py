"""The statement of grant usage read back: the certified totals to the penny, and a block for each signer."""

import dataclasses
import datetime as dt
from pathlib import Path

import pytest

from exports.documents import FiguresDiffer
from exports.lint import lint
from exports.statement_workbook import StatementDocument, build_statement_workbook
from svd_tracker.calculations.figures import Category
from tests.exports import factory
from tests.exports.libreoffice import recalculated
from tests.exports.reading import calamine_values, pence, stored, values

pytestmark = pytest.mark.xlsx


def document(**changes: object) -> StatementDocument:
    member = factory.area().figures.members[1]
    assert member.figures
    made = StatementDocument(
        grant_name="Serious Violence Duty 2025/26",
        grant_ref="SVD-2025",
        agreement_ref="HO/SVD/DOR/2025-26",
        funder="Home Office",
        area_name="Dorset",
        holder_name=member.name,
        accountable_body="Dorset Council",
        fy=2025,
        return_label="Final 2025/26, revision 1",
        certified_by="A. Treasurer, Chief finance officer",
        certified_at=dt.datetime(2026, 5, 20, 12, tzinfo=dt.UTC),
        built_at=dt.datetime(2026, 5, 21, 12, tzinfo=dt.UTC),
        figures=member.figures,
        paid=20_000_00,
        signers=("Chief finance officer", "=Chief internal auditor"),
    )
    return dataclasses.replace(made, **changes)  # type: ignore[arg-type]


def assert_says(data: bytes, made: StatementDocument) -> None:
    rows = {str(row[0]): row for row in stored(data)["Statement"].iter_rows(values_only=True)}
    total = made.figures.total
    for label, of in {
        "Labour total": made.figures.categories[Category.LABOUR],
        "Non-labour total": made.figures.categories[Category.NON_LABOUR],
        "Total": total,
    }.items():
        shown = [pence(value) for value in rows[label][5:9]]
        assert shown == [of.funding, of.to_date, of.claimed_to_date, of.locally_funded], label
    for label, amount in {
        "Allocation": total.allocation,
        "Claimed": total.claimed_to_date,
        "Not used": total.allocation - total.claimed_to_date,
    }.items():
        assert pence(rows[label][5]) == amount, label
    if made.paid is None:
        assert "Still due to the holder" not in rows
    else:
        assert pence(rows["Still due to the holder"][5]) == total.claimed_to_date - made.paid


@pytest.mark.parametrize("changes", [{}, {"paid": None}], ids=["a partnership", "the OPCC"])
def test_every_reader_finds_the_certified_totals(changes: dict[str, object], tmp_path: Path) -> None:
    made = document(**changes)
    data = build_statement_workbook(made)
    assert lint(data) == []
    assert_says(data, made)
    assert calamine_values(data) == values(stored(data))
    assert build_statement_workbook(made) == data, "the same bytes"
    assert_says(recalculated(data, tmp_path), made)


def test_each_signer_has_a_block_and_is_text() -> None:
    cells = [cell for row in stored(build_statement_workbook(document()))["Statement"].iter_rows() for cell in row]
    posts = [cell for cell in cells if cell.value in ("Chief finance officer", "=Chief internal auditor")]
    assert [cell.data_type for cell in posts] == ["s", "s"]
    assert sum(cell.value == "Signature" for cell in cells) == 2


def test_a_total_that_is_not_the_sum_of_its_lines_is_refused() -> None:
    figures = document().figures
    with pytest.raises(FiguresDiffer, match="Labour"):
        build_statement_workbook(document(figures=dataclasses.replace(figures, lines=figures.lines[1:])))
