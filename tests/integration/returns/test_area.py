"""The area's return: certified returns joined, a missing one shown as missing, a late one in the next revision."""

import datetime as dt
import io
from collections.abc import Iterator

import openpyxl
import pytest
from flask import Flask

from svd_tracker.calculations.figures import Category
from svd_tracker.errors import ChangedMeanwhile, Refused
from svd_tracker.extensions import db
from svd_tracker.grants import services as grants
from svd_tracker.grants.models import Grant
from svd_tracker.returns import area_queries
from svd_tracker.returns.area import join, prepare_join, store_join
from svd_tracker.returns.area_models import AreaRevision
from svd_tracker.returns.area_queries import Period
from tests.integration.finance.money_rows import make_funding, post
from tests.integration.returns.year import CHECKED, by, certified, draft, make_forecasts, make_year
from tests.support.client import PageClient
from tests.support.money import SHARES, holder, make_approval
from tests.support.world import act

pytestmark = pytest.mark.db
OPCC = "opcc.officer@opcc.example"


@pytest.fixture
def period(app: Flask) -> Period:
    """Dorset and BCP certified for the first quarter, the OPCC's own return not drafted."""
    grant = make_year().grant
    make_year("bcp", grant)
    certified(1, "dorset")
    certified(1, "bcp")
    return Period(grant.id, 2025, 1)


@pytest.fixture(autouse=True)
def day(app: Flask) -> Iterator[None]:
    app.config["TODAY"] = dt.date(2025, 7, 29)
    yield
    app.config["TODAY"] = None


def joined(period: Period, reason: str = "The OPCC's finance officer is away") -> AreaRevision:
    revision = join(period, reason, by("opcc.officer@opcc", dt.date(2025, 7, 29)))
    db.session.commit()
    return revision


def test_a_missing_return_is_missing_and_never_nil(period: Period) -> None:
    with pytest.raises(Refused, match="without Dorset OPCC"):
        joined(period, " ")
    db.session.rollback()
    revision = joined(period)
    assert not revision.complete
    figures = area_queries.stored_join(area_queries.get_area_revision(revision.id))
    assert figures.missing == ("Dorset OPCC",)
    assert figures.total is not None
    assert figures.total.claimed_now == 2 * 14_830_50
    member = next(member for member in figures.members if member.name == "Dorset OPCC")
    assert (member.figures, member.missing_reason) == (None, "Not drafted yet, due 28 July 2025")


def test_the_stored_join_is_the_join(period: Period) -> None:
    live = area_queries.join_members(area_queries.members_of(period))
    stored = area_queries.stored_join(area_queries.get_area_revision(joined(period).id))
    assert (stored.total, stored.categories, stored.interventions) == (live.total, live.categories, live.interventions)
    assert {row.title for row in stored.interventions} == {"Specialist nurse", "High harm perpetrator tool"}


def test_a_late_return_joins_in_the_next_revision(period: Period, app: Flask) -> None:
    first = joined(period).id
    with pytest.raises(Refused, match="Nothing has changed"):
        joined(period)
    db.session.rollback()
    grant = db.session.get_one(Grant, period.grant_id)
    support = make_funding(grant, 12_000_00, title="Programme support", of="opcc", category=Category.LABOUR)
    post(support, 3_000_00)
    make_forecasts(support, {2: 3_000_00, 3: 3_000_00, 4: 3_000_00})
    certified(1, "opcc")
    second = joined(period, "")
    assert (second.revision_no, second.complete, second.reason) == (2, True, "")
    assert not area_queries.get_area_revision(first).complete, "the first stays as it was"


def test_an_allocation_that_differs_from_the_opccs_record_stops_the_join(period: Period) -> None:
    grant = db.session.get_one(Grant, period.grant_id)
    cut = SHARES["bcp"][Category.NON_LABOUR] - 100_00
    line = {(holder("bcp").id, Category.NON_LABOUR): cut}
    grants.allocate(grant, 2025, line, make_approval(), act(on=CHECKED), effective_on=CHECKED, reason="Cut")
    db.session.commit()
    with pytest.raises(Refused, match="BCP Community Safety Partnership certified a non-labour allocation"):
        joined(period)


def test_a_return_certified_while_joining_stops_it(period: Period) -> None:
    prepared = prepare_join(period, "Away", act(on=CHECKED))
    store_join(prepared, act(on=CHECKED))
    db.session.commit()
    with pytest.raises(ChangedMeanwhile):
        store_join(prepared, act(on=CHECKED))


def test_nothing_is_joined_when_nobody_has_certified(app: Flask) -> None:
    grant = make_year().grant
    draft()
    with pytest.raises(Refused, match="No return of this period is certified"):
        joined(Period(grant.id, 2025, 1))


def test_the_pages_of_the_join(period: Period, client: PageClient) -> None:
    url = f"/area-returns/{period.grant_id}/2025/1"
    client.sign_in(OPCC)
    assert "2 of 3 returns of Q1 2025/26 are in" in client.get("/").text
    assert "2 of 3" in client.get("/area-returns").text
    page = client.get(url).text
    assert "Not drafted yet, due 28 July 2025" in page
    assert "Totals of those present" in page
    assert len(client.queries) <= 25, client.queries
    assert "Say why the join goes on without Dorset OPCC" in client.post(url, status=200).text
    shown = client.follow(client.post(url, {"reason": "The OPCC's officer is away"}))
    assert "Missing: Not drafted yet, due 28 July 2025" in shown.text
    assert "£29,661.00" in shown.text
    assert len(client.queries) <= 25, client.queries
    assert "Nothing has changed" in client.post(url, {"reason": "Again"}, status=200).text
    link = shown.text.split("/returns/files/")[1].split('"')[0]
    book = openpyxl.load_workbook(io.BytesIO(client.get(f"/returns/files/{link}").data), data_only=True)
    assert "Area" in book.sheetnames
    client.sign_in("auditor@audit.example").get(url)
    client.post(url, status=403)
    client.sign_in("finance.officer@dorset.example")
    client.get("/area-returns", status=403)
    client.get(f"/returns/files/{link}", status=403)
