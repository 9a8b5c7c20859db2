"""The pages of virements, reallocations and their register, a cut on its whole path, and forecast underspends."""

import datetime as dt
import io
import re
from typing import Any

import pytest
from flask import Flask
from openpyxl import load_workbook

from svd_tracker.accounts import services as accounts
from svd_tracker.calculations.figures import Category
from svd_tracker.extensions import db
from svd_tracker.finance import services
from svd_tracker.finance.models import Funding
from svd_tracker.finance.moves.models import Virement, VirementState
from svd_tracker.grants import queries as grants
from tests.integration.finance.money_rows import make_funding, post
from tests.integration.finance.move_rows import (
    COORDINATOR,
    OCTOBER,
    OFFICER,
    OPCC,
    approve,
    ask,
    claim,
    pence_of,
    three_fundings,
    totals,
)
from tests.support.client import PageClient
from tests.support.money import holder, make_grant
from tests.support.world import act

pytestmark = pytest.mark.db

Year = tuple[int, int, int]  # ids: a request ends what the test had loaded
READERS = {OFFICER, COORDINATOR, "certifier@dorset.example", "auditor@audit.example", OPCC}
DECIDED = {
    "body": "OPCC",
    "decided_on-day": "14",
    "decided_on-month": "10",
    "decided_on-year": "2025",
    "minute_ref": "OPCC/25/9",
}


@pytest.fixture
def grant(app: Flask) -> int:
    app.config["TODAY"] = OCTOBER
    return make_grant().id


@pytest.fixture
def year(grant: int) -> Year:
    tool, nurse, labour = three_fundings(grants.get_grant(grant))
    return tool.id, nurse.id, labour.id


def of(funding_id: int) -> Funding:
    return db.session.get_one(Funding, funding_id)


def said(page: Any) -> str:
    text = re.sub(r"</?strong>", "", page.get_data(as_text=True))
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", text)).replace("&#39;", "'")


def transfer(from_: int, to: int, amount: str, number: int = 0, **changed: str) -> dict[str, str]:
    row = {"from_id": str(from_), "from_quarter": "4", "to_id": str(to), "to_quarter": "4", "pence": amount, **changed}
    return {f"transfers-{number}-{name}": value for name, value in row.items()}


def version_on(html: str) -> str:
    found = re.search(r'name="row_version"[^>]*value="([0-9]+)"', html)
    assert found
    return found[1]


def test_a_virement_is_asked_for_approved_and_seen_in_the_register(client: PageClient, grant: int, year: Year) -> None:
    (tool, nurse, _), dorset, grant_id = year, holder("dorset").id, grant
    tool_id, nurse_id = tool, nurse
    claim(of(tool), 4_000_00)
    url = f"/finance/{dorset}/2025/grants/{grant_id}/virement"
    page = client.sign_in(OFFICER).get(f"{url}?from={tool_id}&amount=1250.50").get_data(as_text=True)
    assert 'value="1250.50"' in page
    assert re.search(rf'<option value="{tool_id}" selected>High harm', page)
    sent = {**transfer(tool_id, nurse_id, "1,500.00"), "reason": "A vacancy until January"}
    shown = said(client.post(url, sent, 200))
    assert "£10,000.00 −£1,500.00 Q4 −£1,500.00 £8,500.00 £4,000.00" in shown
    assert "Non-labour £91,330.40 £91,330.40 £18,000.00 £18,000.00" in shown
    assert db.session.query(Virement).count() == 0
    done = client.post(url, {**sent, "send": "1"})
    asked = said(client.follow(done))
    assert "Waits for approval" in asked
    assert "Dorset finance officer" in asked
    assert client.get(done.location).get_data(as_text=True).count("/approve") == 0
    assert "virement V-0001 of £1,500.00 waits for your approval" not in said(client.get("/"))
    assert "waits for your approval" not in said(client.sign_in(COORDINATOR).get("/"))  # above the limit of nought
    home = said(client.sign_in(OPCC).get("/"))
    assert "virement V-0001 of £1,500.00 waits for your approval" in home
    html = client.get(f"{done.location}/approve").get_data(as_text=True)
    approved = client.post(f"{done.location}/approve", {**DECIDED, "row_version": version_on(html)})
    shown = said(client.follow(approved))
    assert "Approved: £1,500.00 has moved" in shown
    assert "£10,000.00 −£1,500.00 Q4 −£1,500.00 £8,500.00" in shown
    assert "OPCC, 14 October 2025, OPCC/25/9" in shown
    assert "Approved virement V-0001" in shown
    found = db.session.get_one(Virement, 1)
    assert found.approval_id
    assert "Virement" in said(client.get(f"/approvals/{found.approval_id}"))
    register = said(client.get(f"/grants/{grant_id}/years/2025/moves"))
    assert "Virements approved 1 £1,500.00" in register
    assert "High harm perpetrator tool: £10,000.00 → £8,500.00" in register
    assert "waits for your approval" not in said(client.get("/"))


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"pence": "6,000.01"}, "must keep £4,000.00 or more: its newest certified return claimed that"),
        ({"pence": ""}, "Enter an amount in pounds"),
        ({"pence": "lots"}, "Enter an amount in pounds"),
        ({"pence": "0"}, "Enter an amount in pounds"),
        ({"to_id": ""}, "Choose the funding that gets"),
        ({"from_id": ""}, "Choose the funding that gives"),
        ({"to_id": "same"}, "Choose another funding"),
        ({"to_id": "theirs"}, "Choose one from the list"),
        ({"to_quarter": "1"}, "Choose one from the list"),
        ({"to_id": "labour"}, "Enter the funder's reference"),
    ],
)
def test_what_is_wrong_is_said_at_its_field(
    client: PageClient, grant: int, year: Year, changed: dict[str, str], words: str
) -> None:
    tool, nurse, labour = year
    claim(of(tool), 4_000_00)
    services.close_quarters(
        act(), holder_id=of(tool).holder_id, grant_id=grant, fy=2025, quarters=[1], ledger_seq=0, return_ref="R-1"
    )
    theirs = make_funding(grants.get_grant(grant), 100_00, title="Theirs", of="bcp")
    ids = {"same": tool, "theirs": theirs.id, "labour": labour}
    changed = {name: str(ids.get(value, value)) for name, value in changed.items()}
    url = f"/finance/{holder('dorset').id}/2025/grants/{grant}/virement"
    sent = {**transfer(tool, nurse, "100.00", **changed), "reason": "A vacancy", "send": "1"}
    page = client.sign_in(OFFICER).post(url, sent, 200)
    assert words in said(page)
    assert "There is a problem" in said(page)
    assert "A vacancy" in said(page)
    assert db.session.query(Virement).count() == 0


def test_an_empty_form_says_what_to_enter(client: PageClient, grant: int, year: Year) -> None:
    url = f"/finance/{holder('dorset').id}/2025/grants/{grant}/virement"
    page = said(client.sign_in(OFFICER).post(url, {"reason": "Nothing"}, 200))
    assert "Enter an amount that moves from one funding to another" in page
    client.get(f"/finance/{holder('dorset').id}/2025/grants/999/virement", 404)
    client.get(f"/finance/{holder('dorset').id}/2031/grants/{grant}/virement", 404)


def test_two_clicks_ask_once(client: PageClient, grant: int, year: Year) -> None:
    url = f"/finance/{holder('dorset').id}/2025/grants/{grant}/virement"
    sent = {**transfer(year[0], year[1], "1.00"), "reason": "Once", "send": "1"}
    key = re.search(r'name="once_key"[^>]*value="([0-9a-f]{32})"', client.sign_in(OFFICER).get(url).get_data(True))
    assert key
    first, second = (client.post(url, {**sent, "once_key": key[1]}) for _ in range(2))
    assert first.location == second.location
    assert db.session.query(Virement).count() == 1


def test_the_approver_is_told_what_changed_since(client: PageClient, grant: int, year: Year) -> None:
    tool, nurse, _ = year
    virement_id = ask(of(tool), of(nurse), 1_000_00).id
    page = client.sign_in(OPCC).get(f"/virements/{virement_id}/approve").get_data(as_text=True)
    approve(ask(of(nurse), of(tool), 500_00))
    told = client.post(f"/virements/{virement_id}/approve", {**DECIDED, "row_version": version_on(page)}, 200)
    text = said(told)
    assert "A funding of this virement has changed" in text
    assert "£10,500.00 £10,000.00 when it was asked for" in text
    again = version_on(told.get_data(as_text=True))
    client.post(f"/virements/{virement_id}/approve", {**DECIDED, "row_version": again})
    assert pence_of(of(tool), of(nurse)) == [9_500_00, 8_500_00]


def test_refusing_withdrawing_and_undoing_on_their_pages(client: PageClient, grant: int, year: Year) -> None:
    tool, nurse, _ = year
    first, second, third = (ask(of(tool), of(nurse), pence).id for pence in (100, 200, 300))
    assert "Say why it is refused" in said(client.sign_in(OPCC).post(f"/virements/{first}/refuse", {}, 200))
    assert "Wait for Q3" in said(client.follow(client.post(f"/virements/{first}/refuse", {"reason": "Wait for Q3"})))
    client.get(f"/virements/{second}/withdraw", 403)
    assert "Somebody else decides" in said(
        client.follow(client.sign_in(COORDINATOR).get(f"/virements/{second}/withdraw", 303))
    )
    client.sign_in(OFFICER).get(f"/virements/{second}/withdraw")
    assert "Withdrawn" in said(client.follow(client.post(f"/virements/{second}/withdraw", {"reason": ""})))
    assert "already withdrawn" in said(client.follow(client.post(f"/virements/{second}/withdraw")))
    approve(db.session.get_one(Virement, third))
    url = f"/virements/{third}/undo"
    assert "Undo virement V-0003?" in said(client.get(url))
    undone = client.post(url, {"reason": "The post was filled"})
    assert "which this one undoes" in said(client.follow(undone))
    assert "would undo this one" in said(client.get(f"/virements/{third}"))
    assert "V-0004 undoes it already" in said(client.post(url, {"reason": "Again"}, 200))
    states = [each.state for each in db.session.query(Virement).order_by(Virement.id)]
    assert states == [
        VirementState.REFUSED,
        VirementState.WITHDRAWN,
        VirementState.APPROVED,
        VirementState.REQUESTED,
    ]


def test_between_categories_on_the_page(client: PageClient, grant: int, year: Year) -> None:
    tool, _, labour = year
    url = f"/finance/{holder('dorset').id}/2025/grants/{grant}/virement"
    sent = {**transfer(labour, tool, "2,000"), "reason": "Less staff", "funder_ref": "HO/25/117"}
    shown = said(client.sign_in(OFFICER).post(url, sent, 200))
    assert "Labour £41,200.15 £39,200.15 £20,000.00 £18,000.00" in shown
    assert "under the funder's reference" in shown
    before = totals(grants.get_grant(grant))[0]
    done = client.post(url, {**sent, "send": "1"})
    approve(db.session.get_one(Virement, 1))
    assert "HO/25/117" in said(client.follow(done))
    assert totals(grants.get_grant(grant))[0] == before
    assert "Virement V-0001 of Dorset Community Safety Partnership, funder's reference HO/25/117" in said(
        client.sign_in(OPCC).get(f"/grants/{grant}/years/2025")
    )


def reallocation(**changed: str) -> dict[str, str]:
    """The form, with an amount by holder's ref and category: ``dorset_labour="-5"``."""
    boxes = {}
    for name, amount in changed.items():
        ref, category = name.split("_", 1)
        boxes[f"allocation_{holder(ref).id}_{category}"] = amount
    return {**DECIDED, "row_version": "8", "reason": "Underspend reported at Q3", **boxes}


def test_a_reallocation_moves_allocation_and_no_award(client: PageClient, grant: int, year: Year) -> None:
    grant_id = grant
    award, lines, own = totals(grants.get_grant(grant))
    url = f"/grants/{grant_id}/years/2025/reallocate"
    html = client.sign_in(OPCC).get(url).get_data(as_text=True)
    sent = {
        **reallocation(dorset_non_labour="-80,000.00", bcp_non_labour="80,000.00"),
        "row_version": version_on(html),
    }
    shown = said(client.post(url, sent, 200))
    assert "£91,330.40 −£80,000.00 £11,330.40" in shown
    assert "Over-committed by £6,669.60" in shown
    assert totals(grants.get_grant(grant))[2] == own
    page = said(client.follow(client.post(url, {**sent, "send": "1"})))
    assert "Reallocated: £80,000.00 has moved" in page
    assert "Decided on reallocation R-0001" in page
    now, lines_now, own_now = totals(grants.get_grant(grant))
    assert (now, lines_now) == (award, lines)
    assert own_now[Category.NON_LABOUR] == own[Category.NON_LABOUR] - 80_000_00
    told = client.post(url, {**sent, "send": "1", "once_key": ""}, 200)
    assert "Somebody else changed the allocations" in said(told)
    mine = said(client.sign_in(OFFICER).get("/reallocations/1"))
    assert "Other holders Non-labour £92,257.23 +£80,000.00 £172,257.23" in mine
    assert "Over-committed" in said(client.get(f"/finance/{holder('dorset').id}/2025"))


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"dorset_non_labour": "-100.00"}, "The non-labour award changes by −£100.00 in all"),
        ({"dorset_labour": "-5", "bcp_non_labour": "5"}, "The labour award changes by −£5.00 in all"),
        ({"dorset_non_labour": "-86,330.41", "bcp_non_labour": "86,330.41"}, "must keep £5,000.00 or more"),
        ({"dorset_labour": "-41,200.16", "bcp_labour": "41,200.16"}, "labour cannot fall below £0.00"),
        ({}, "Enter what one holder loses"),
        ({"dorset_labour": "lots"}, "Enter an amount in pounds"),
    ],
)
def test_a_reallocation_that_cannot_be(
    client: PageClient, grant: int, year: Year, changed: dict[str, str], words: str
) -> None:
    claim(of(year[0]), 5_000_00)
    before = totals(grants.get_grant(grant))
    url = f"/grants/{grant}/years/2025/reallocate"
    page = client.sign_in(OPCC).post(url, {**reallocation(**changed), "send": "1"}, 200)
    assert words in said(page)
    assert totals(grants.get_grant(grant)) == before


def test_a_reallocation_is_not_a_matter_of_one_holder(client: PageClient, grant: int) -> None:
    url = f"/grants/{grant}/years/2025/reallocate"
    for person in (COORDINATOR, OFFICER, "auditor@audit.example"):
        client.sign_in(person).get(url, 403)
        client.post(url, reallocation(dorset_labour="-1", bcp_labour="1"), 403)
    assert "Reallocate between holders" not in said(
        client.sign_in(COORDINATOR).get(f"/grants/{grant}/years/2025/moves")
    )


def test_each_role_reaches_its_own(client: PageClient, grant: int, year: Year) -> None:
    virement_id, dorset = ask(of(year[0]), of(year[1]), 100).id, holder("dorset").id
    pages = {
        f"/virements/{virement_id}": READERS,
        f"/virements/{virement_id}/approve": {OPCC},
        f"/finance/{dorset}/2025/grants/{grant}/virement": {OFFICER, COORDINATOR},
        f"/grants/{grant}/years/2025/moves": READERS | {"finance.officer@bcp.example"},
    }
    for person in sorted(READERS | {"finance.officer@bcp.example", "member@dorset.example"}):
        client.sign_in(person)
        for url, allowed in pages.items():
            led_on = 303 if url.endswith("approve") and person == COORDINATOR else 403
            client.get(url, 200 if person in allowed else led_on)
    theirs = said(client.sign_in("finance.officer@bcp.example").get(f"/grants/{grant}/years/2025/moves"))
    assert "V-0001" not in theirs
    assert "Nothing has moved" in theirs
    client.sign_in(OFFICER).get("/virements/999", 404)
    client.get("/reallocations/999", 404)
    client.get(f"/grants/{grant}/years/2031/moves", 404)


def test_the_register_by_date_and_state_and_as_files(client: PageClient, grant: int, year: Year) -> None:
    tool, nurse, _ = year
    approve(ask(of(tool), of(nurse), 1_000_00))
    ask(of(nurse), of(tool), 40_00)
    url = f"/grants/{grant}/years/2025/moves"
    page = said(client.sign_in(OFFICER).get(url))
    assert "Virements approved 1 £1,000.00" in page
    assert "Waiting for approval 1 £40.00" in page
    waiting = said(client.get(f"{url}?state=requested"))
    assert "V-0002" in waiting
    assert "V-0001" not in waiting
    assert "Virements approved 0 £0.00" in said(client.get(f"{url}?from=2025-10-15"))
    assert "Virements approved 1 £1,000.00" in said(client.get(f"{url}?from=2025-10-14&to=2025-10-14"))
    assert "No move is found" in said(client.get(f"{url}?to=2025-10-13"))
    assert "V-0001" in said(client.get(f"{url}?from=nonsense&state=nonsense&to=2025-99-99"))
    csv = client.get(f"{url}.csv?state=approved").get_data().decode("utf-8-sig")
    assert "2025-10-14,virement,V-0001,Dorset,approved,1000.00," in csv
    assert "F-0001,Non-labour,10000.00,-1000.00,9000.00" in csv
    assert "V-0002" not in csv
    book = load_workbook(io.BytesIO(client.get(f"{url}.xlsx?from=2025-10-14").get_data()), data_only=True)
    assert [row[2].value for row in book["Register"].iter_rows(min_row=5, max_row=6)] == ["V-0002", "V-0001"]
    few = len(client.queries)
    for _ in range(5):
        ask(of(tool), of(nurse), 1_00)
    client.get(url)
    many = len(client.queries)
    assert many <= few + 6 <= 35
    client.get("/")
    assert len(client.queries) <= 45


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
        assert f"£{(9_000_00 - now) // 100:,}.{(9_000_00 - now) % 100:02d} claimed can no longer be" in home
    words = "claimed can no longer be: it is repayable, and the next return takes it off"
    assert words in said(client.get(f"/finance/{dorset}/2025"))
    assert words in said(client.get(f"/fundings/{tool_id}"))
    assert words not in said(client.get(f"/fundings/{nurse}"))
    assert "it is repayable" not in said(client.sign_in("finance.officer@bcp.example").get("/"))


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
