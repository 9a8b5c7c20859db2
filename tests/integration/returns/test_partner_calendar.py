"""What the calendar, the first page and the area make of a partner who works in Excel."""

from collections.abc import Iterator

import pytest
from flask import Flask

from svd_tracker.extensions import db
from svd_tracker.returns import obligation_queries
from svd_tracker.returns.models import Obligation
from tests.integration.returns.test_partner import JULY, NEW_LINES, bcp, certified, grant, taken, workbook
from tests.integration.returns.year import draft, obligation
from tests.support.client import PageClient

pytestmark = pytest.mark.db
__all__ = ["bcp", "grant"]  # fixtures
OPCC, OFFICER = "opcc.officer@opcc.example", "finance.officer@bcp.example"


@pytest.fixture(autouse=True)
def day(app: Flask) -> Iterator[None]:
    app.config["TODAY"] = JULY
    yield
    app.config["TODAY"] = None


def to_be_drafted(of: Obligation) -> list[tuple[int, int]]:
    return [(row.fy, row.last_quarter) for row in obligation_queries.to_be_drafted() if row.holder_id == of.holder_id]


def test_its_later_returns_are_not_drafted_from_the_ledger(bcp: Obligation) -> None:
    assert to_be_drafted(bcp) == [(2025, 1), (2025, 2), (2025, 3), (2025, 4)]
    taken(bcp, workbook(bcp, NEW_LINES))
    assert to_be_drafted(bcp) == []
    certified(bcp)
    assert to_be_drafted(bcp) == []


def test_who_builds_here_is_drafted_as_always(bcp: Obligation) -> None:
    draft(1, "bcp", JULY)
    assert (2025, 2) in to_be_drafted(bcp)


def test_the_opcc_is_led_to_the_certificate_and_to_the_newer_workbook(bcp: Obligation, client: PageClient) -> None:
    address = f"/obligations/{bcp.id}/partner"
    period = f"/area-returns/{bcp.grant_id}/2025/1"
    db.session.rollback()
    assert f'href="{address}"' in client.sign_in(OPCC).get(period).text, "the missing holder leads to its workbooks"
    of = obligation(1, "bcp")
    taken(of, workbook(of, NEW_LINES))
    home = client.get("/").text
    assert "Record the certificate of the Q1 2025/26 return of BCP Community Safety Partnership" in home
    assert f'href="{address}"' in home
    listed = client.get("/returns").text
    assert "the OPCC, to record the certificate of the partner&#39;s workbook" in listed
    assert "the partner&#39;s workbook" in listed.split("Q2 2025/26")[1]
    assert "Record the certificate" not in client.sign_in(OFFICER).get("/").text
    revision_id = certified(obligation(1, "bcp")).id
    db.session.rollback()
    answer = client.sign_in(OPCC).post(f"/returns/{revision_id}/query", {"reason": "Is the nurse in it?"})
    assert answer.location == address, "its next revision is a draft, which is not the OPCC's to see"
    assert "Take in a newer workbook for the Q1 2025/26 return of BCP" in client.get("/").text
    assert "the partner&#39;s newer workbook" in client.get("/returns").text


def test_the_opccs_own_return_has_no_partners_workbook(bcp: Obligation, client: PageClient) -> None:
    own = next(row for row in obligation_queries.list_obligations(None) if row.is_own).id
    partners = f"/obligations/{bcp.id}/partner"
    db.session.rollback()
    page = client.sign_in(OPCC).get("/returns").text
    assert partners in page
    assert f"/obligations/{own}/partner" not in page
