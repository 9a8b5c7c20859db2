"""The year-end statement of grant usage: the totals of the newest certified year-end return, and who signs it."""

import datetime as dt
import io
from collections.abc import Iterator

import openpyxl
import pytest
from flask import Flask

from svd_tracker.act import Source
from svd_tracker.calculations.figures import ObligationKind
from svd_tracker.errors import Refused
from svd_tracker.extensions import db
from svd_tracker.finance import queries as finance
from svd_tracker.finance.figures import year_figures
from svd_tracker.grants.calendar_terms import CalendarTerms
from svd_tracker.grants.models import YearEnd
from svd_tracker.money import format_pounds
from svd_tracker.returns import area, area_queries, obligation_queries, payments, queries, revisions, statement
from svd_tracker.returns.area_queries import Period
from svd_tracker.returns.models import ReturnRevision
from svd_tracker.returns.services import draft_return
from tests.integration.finance.money_rows import post
from tests.integration.returns.year import (
    Year,
    by,
    certified,
    certify,
    check,
    drafted_with_reasons,
    figures_of,
    make_year,
)
from tests.support.client import PageClient
from tests.support.money import holder, make_grant, make_terms
from tests.support.world import act

pytestmark = pytest.mark.db
SPENT = {2: dt.date(2025, 8, 6), 3: dt.date(2025, 11, 6), 4: dt.date(2026, 2, 6)}
ENDS = {1: dt.date(2025, 7, 14), 2: dt.date(2025, 10, 14), 3: dt.date(2026, 1, 16)}
PROVISIONAL = dt.date(2026, 3, 25)
DAY = dt.date(2026, 5, 1)


@pytest.fixture
def year(app: Flask) -> Iterator[Year]:
    """Dorset's year of three quarters' returns, a provisional and a final; the provisional is certified."""
    grant = make_grant()
    make_terms(
        grant,
        calendar=CalendarTerms(
            year_end=YearEnd.PROVISIONAL_FINAL,
            provisional_draft_working_days=-5,
            provisional_due_working_days=5,
            final_draft_working_days=20,
            final_due_working_days=40,
        ),
        signers="Section 151 officer\nHead of internal audit",
        reason="A provisional and a final",
    )
    made = make_year(grant=grant)
    for quarter, day in SPENT.items():
        post(made.nurse, 10_000_00, day, document=f"PAY-{quarter}", on=day)
        post(made.tool, 6_020_00 if quarter == 2 else 5_000_00, day, document=f"INV-{quarter}", on=day)
    for quarter, on in ENDS.items():
        certified(quarter, on=on)
    certified_year_end(ObligationKind.PROVISIONAL, PROVISIONAL)
    app.config["TODAY"] = DAY
    yield made
    app.config["TODAY"] = None


def certified_year_end(kind: ObligationKind, on: dt.date) -> ReturnRevision:
    (obligation,) = obligation_queries.find_obligations("dorset", 2025, 4, kind)
    revision = draft_return(obligation.id, act(None, on, Source.JOB))
    db.session.commit()
    check(revision, on=on)
    certify(revision, on=on)
    return queries.get_revision(revision.id)


def test_without_a_certified_year_end_there_is_nothing_to_state(app: Flask, client: PageClient) -> None:
    year = make_year()
    with pytest.raises(Refused, match="No year-end return of 2025/26 is certified"):
        statement.year_end(year.grant.id, 2025, holder("dorset"))
    at = f"/statements/{year.grant.id}/2025/{holder('dorset').id}"
    client.sign_in("finance.officer@dorset.example")
    assert "nothing to state" in client.get(at).text
    assert client.get(f"{at}/workbook", status=303).location == at


def test_it_has_the_totals_of_the_return(year: Year, client: PageClient) -> None:
    found = statement.year_end(year.grant.id, 2025, holder("dorset"))
    assert found.row.kind is ObligationKind.PROVISIONAL
    assert found.figures == figures_of(queries.get_revision(found.row.revision_id or 0))
    payments.record_payment(
        year.grant, holder_id=holder("dorset").id, fy=2025, last_quarter=1, pence=10_000_00,
        paid_on=DAY, reference="BACS", note="", act=by("opcc.officer@opcc", DAY),
    )  # fmt: skip
    db.session.commit()
    at = f"/statements/{year.grant.id}/2025/{holder('dorset').id}"
    page = client.sign_in("finance.officer@dorset.example").get(at).text
    assert len(client.queries) <= 25, client.queries
    total = found.figures.total
    for words in ("Section 151 officer", "Head of internal audit", "£10,000.00", "Provisional 2025/26, revision 1"):
        assert words in page, words
    for pence in (total.claimed_to_date, total.allocation - total.claimed_to_date, total.claimed_to_date - 10_000_00):
        assert format_pounds(pence) in page
    book = openpyxl.load_workbook(io.BytesIO(client.get(f"{at}/workbook").data), data_only=True)
    rows = {str(row[0]): row for row in book["Statement"].iter_rows(values_only=True)}
    assert round(float(str(rows["Total"][7])) * 100) == total.claimed_to_date
    assert round(float(str(rows["Not used"][5])) * 100) == total.allocation - total.claimed_to_date
    assert {"Section 151 officer", "Head of internal audit"} <= {
        row[1] for row in book["Statement"].iter_rows(values_only=True)
    }
    client.sign_in("certifier@bcp.example").get(at, status=403)
    client.sign_in("opcc.officer@opcc.example").get(at)


def test_the_final_stands_before_the_provisional_and_waits_when_it_is_open_again(year: Year) -> None:
    def stated() -> statement.YearEnd:
        return statement.year_end(year.grant.id, 2025, holder("dorset"))

    final = certified_year_end(ObligationKind.FINAL, DAY)
    assert (stated().row.kind, stated().row.revision_id) == (ObligationKind.FINAL, final.id)
    revisions.reopen(final, "A late invoice", by("certifier@dorset", DAY))
    db.session.commit()
    with pytest.raises(Refused, match="The Final 2025/26 return is open again"):
        stated()
    again = certified_year_end(ObligationKind.FINAL, DAY)
    assert stated().row.revision_id == again.id


def test_a_provisional_and_a_final_are_joined_apart(year: Year) -> None:
    certified_year_end(ObligationKind.FINAL, DAY)
    kinds = (ObligationKind.PROVISIONAL, ObligationKind.FINAL)
    joins = []
    for kind in kinds:
        period = Period(year.grant.id, 2025, 4, kind)
        joins.append(area.join(period, "Only Dorset", by("opcc.officer@opcc", DAY)).id)
        db.session.commit()
    revisions_made = [area_queries.get_area_revision(each) for each in joins]
    found = [area_queries.get_area_return(each.area_return_id) for each in revisions_made]
    assert [of.ref.rsplit("/", 1)[-1] for of in found] == ["2025-26-provisional", "2025-26-final"]
    totals = [area_queries.stored_join(each).total for each in revisions_made]
    assert [total.claimed_before if total else None for total in totals] == [
        figures_of(queries.get_revision(_newest(kind))).total.claimed_before for kind in kinds
    ]


def _newest(kind: ObligationKind) -> int:
    (obligation,) = obligation_queries.find_obligations("dorset", 2025, 4, kind)
    revision = queries.newest_revision(obligation.id)
    assert revision is not None
    return revision.id


def test_an_open_final_is_no_ceiling_until_it_is_certified_again(year: Year) -> None:
    """Its provisional closed the quarter, and the finance pages follow the final (FIGURES.md 15)."""

    def claimed() -> int:
        return year_figures(dorset, year.grant.id, 2025, DAY).line(year.nurse.ref).figures.claimed_to_date

    dorset, march = holder("dorset"), dt.date(2026, 3, 2)
    final = certified_year_end(ObligationKind.FINAL, DAY)
    assert claimed() == 39_900_17
    post(year.nurse, 10_00, march, document="LATE-1", on=DAY)
    assert claimed() == 39_900_17, "no more than the final claimed"
    revisions.reopen(final, "A late invoice", by("certifier@dorset", DAY))
    db.session.commit()
    assert claimed() == 39_910_17
    revision = drafted_with_reasons(final.of.obligation_id, act(None, DAY, Source.JOB))
    check(revision, on=DAY)
    certify(revision, on=DAY)
    closed = finance.closed_quarters(dorset.id, year.grant.id, 2025)
    assert closed[4] == f"{final.of.ref}/rev2"
    post(year.nurse, 20_00, march, document="LATE-2", on=DAY)
    assert claimed() == 39_910_17
