"""A cut on its whole path, what it makes repayable, and what can be done with a forecast underspend."""

import datetime as dt
import re

import pytest
from flask import Flask

from svd_tracker.accounts import services as accounts
from svd_tracker.calculations.figures import Category, EntryKind
from svd_tracker.extensions import db
from svd_tracker.finance import services
from svd_tracker.finance.models import LedgerEntry
from svd_tracker.grants import queries as grants
from svd_tracker.money import format_pounds
from tests.integration.finance.money_rows import make_funding, post
from tests.integration.finance.move_rows import (
    COORDINATOR,
    DECIDED,
    OCTOBER,
    OFFICER,
    OPCC,
    Year,
    claim,
    of,
    said,
    three_fundings,
    totals,
)
from tests.support.client import PageClient
from tests.support.money import holder, make_grant
from tests.support.world import act

pytestmark = pytest.mark.db


@pytest.fixture
def grant(app: Flask) -> int:
    app.config["TODAY"] = OCTOBER
    return make_grant().id


@pytest.fixture
def year(grant: int) -> Year:
    tool, nurse, labour = three_fundings(grants.get_grant(grant))
    return tool.id, nurse.id, labour.id


def test_a_cut_on_its_whole_path(client: PageClient, grant: int, year: Year) -> None:
    """Entered, shown by how much it breaks what, stopping new commitments, and the repayable told to both."""
    tool, nurse, _ = year
    dorset, grant_id, tool_id, allocation_id = holder("dorset").id, grant, tool, of(tool).allocation_id
    post(of(tool), 9_000_00)
    claim(of(tool), 9_000_00, 1)
    cut = {
        "amount": "20,000.00",
        "row_version": "1",
        "effective_on-day": "1",
        "effective_on-month": "10",
        "effective_on-year": "2025",
        "reason": "Cut by ministers",
        **DECIDED,
    }
    done = client.sign_in(COORDINATOR).post(f"/grants/{grant_id}/years/2025/non_labour", cut)
    share = 933_908  # 20,000.00 shared by what each had: 91,330.40 of 195,587.63
    page = said(client.follow(done))
    assert "over-committed by £8,660.92" in page
    assert "Provisional" in page
    assert totals(grants.get_grant(grant))[2][Category.NON_LABOUR] == share
    own = said(client.get(f"/finance/{dorset}/2025"))
    assert "£8,660.92 more is committed than the £9,339.08 allocated. Nothing new can be committed" in own
    stop = "Nothing more can be committed from the non-labour allocation"
    assert stop in said(client.get(f"/finance/{dorset}/2025/direct-decision"))
    direct = {
        "intervention": "new",
        "new_title": "One more",
        "new_kind": "project",
        "allocation": str(allocation_id),
        "amount": "1.00",
        "spread": "even",
        "body": "Dorset CSP",
        "decided_on-day": "14",
        "decided_on-month": "10",
        "decided_on-year": "2025",
        "minute_ref": "CSP/25/41",
        "reason": "Another",
    }
    refused = said(client.post(f"/finance/{dorset}/2025/direct-decision", direct, 200))
    assert "Nothing is left of the non-labour allocation: £18,000.00 of £9,339.08 is committed" in refused
    assert "it is repayable" not in said(client.get("/"))  # 9,000.00 fits into what is left
    cut |= {"amount": "10,000.00", "row_version": "2"}
    client.post(f"/grants/{grant_id}/years/2025/non_labour", cut)
    now = totals(grants.get_grant(grant))[2][Category.NON_LABOUR]
    for person in (COORDINATOR, OFFICER):
        home = said(client.sign_in(person).get("/"))
        assert f"{format_pounds(9_000_00 - now)} claimed can no longer be" in home
    grant_page = said(client.sign_in(OPCC).get(f"/grants/{grant_id}/years/2025"))
    assert f"Dorset claimed {format_pounds(9_000_00 - now)} that can no longer be: its next return" in grant_page
    client.sign_in(OFFICER)
    words = "claimed can no longer be: it is repayable, and the next return takes it off"
    assert words in said(client.get(f"/finance/{dorset}/2025"))
    assert words in said(client.get(f"/fundings/{tool_id}"))
    assert words not in said(client.get(f"/fundings/{nurse}"))
    assert "it is repayable" not in said(client.sign_in("finance.officer@bcp.example").get("/"))


def test_a_released_accrual_is_repayable_only_when_no_invoice_comes(client: PageClient, grant: int, year: Year) -> None:
    tool = year[0]
    accrued = post(of(tool), 3_150_00, dt.date(2025, 6, 20), kind=EntryKind.ACCRUAL)
    claim(of(tool), 3_150_00, 1)
    (release_id,) = services.close_quarters(
        act(),
        holder_id=holder("dorset").id,
        grant_id=grant,
        fy=2025,
        quarters=[1],
        ledger_seq=accrued.seq,
        return_ref="R-Q1",
    )
    db.session.commit()
    home = said(client.sign_in(OFFICER).get("/"))
    assert "1 released accrual waits for an invoice" in home
    assert "it is repayable" not in home
    services.drop_released(act(), db.session.get_one(LedgerEntry, release_id), "The work was not done")
    db.session.commit()
    assert "£3,150.00 claimed can no longer be: it is repayable" in said(client.get("/"))


@pytest.fixture
def underspent(grant: int, year: Year) -> Year:
    """The tool is forecast far below its funding, the others as they are funded; a half of those is spent."""
    for funding_id, quarter in zip(year, (625_00, 2_000_00, 5_000_00), strict=True):
        services.save_forecast(
            act(on=dt.date(2025, 4, 20)), of(funding_id), dict.fromkeys((1, 2, 3, 4), quarter), "", 0
        )
    post(of(year[1]), 4_000_00)
    post(of(year[2]), 10_000_00)
    return year


def test_a_forecast_underspend_offers_what_can_be_done(
    app: Flask, client: PageClient, grant: int, underspent: Year
) -> None:
    dorset, tool = holder("dorset").id, underspent[0]
    url = f"/finance/{dorset}/2025"
    page = client.sign_in(OFFICER).get(url).get_data(as_text=True)
    text = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page))
    assert "is forecast to spend £8,750.00 less than its £10,000.00" in text
    assert "by 31 March 2026 will be lost to the area" in text
    assert "the reserve list of the year is empty" in text
    assert "tell the OPCC" in text
    assert f"virement?from={tool}&amp;amount=8750.00" in page
    assert "£8,750.00 less" in said(client.get(f"/fundings/{tool}"))
    assert "will be lost to the area" not in said(client.get(f"/fundings/{underspent[1]}"))
    assert "Ask for a virement" not in said(client.sign_in("certifier@dorset.example").get(url))
    app.config["TODAY"] = dt.date(2025, 9, 30)
    assert "will be lost to the area" not in said(client.get(url))
    accounts.change_setting("underspend_from_quarter", "2", holder("dorset").area_id, "Earlier", act())
    db.session.commit()
    assert "will be lost to the area" in said(client.get(url))
    app.config["TODAY"] = dt.date(2026, 4, 1)
    assert "will be lost to the area" not in said(client.get(url))


def test_an_underspend_inside_the_tolerance_is_left_alone(client: PageClient, grant: int) -> None:
    funding = make_funding(grants.get_grant(grant), 10_000_00)
    post(funding, 5_000_00)
    quarters = {1: 0, 2: 0, 3: 2_500_00, 4: 2_000_00}
    services.save_forecast(act(), funding, quarters, "Late", 0)
    db.session.commit()
    url = f"/finance/{holder('dorset').id}/2025"
    assert "will be lost to the area" not in said(client.sign_in(OFFICER).get(url))  # at exactly 5 per cent
