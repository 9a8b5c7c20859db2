"""The pages of virements and reallocations, and the register of a grant's year."""

import io
import re

import pytest
from flask import Flask
from openpyxl import load_workbook

from svd_tracker.accounts import services as accounts
from svd_tracker.calculations.figures import Category
from svd_tracker.extensions import db
from svd_tracker.finance import queries as finance
from svd_tracker.finance import services
from svd_tracker.finance.moves.models import Virement, VirementState
from svd_tracker.grants import queries as grants
from svd_tracker.proposals.queries import get_proposal
from tests.integration.decisions.support import decide, deciding
from tests.integration.finance.money_rows import make_funding
from tests.integration.finance.move_rows import (
    COORDINATOR,
    DECIDED,
    OCTOBER,
    OFFICER,
    OPCC,
    READERS,
    Year,
    approve,
    ask,
    claim,
    of,
    pence_of,
    said,
    three_fundings,
    totals,
)
from tests.integration.scoring.support import declare
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


def transfer(from_: int, to: int, amount: str, **changed: str) -> dict[str, str]:
    row = {"from_id": str(from_), "from_quarter": "4", "to_id": str(to), "to_quarter": "4", "pence": amount, **changed}
    return {f"transfers-0-{name}": value for name, value in row.items()}


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
    assert "Waits for approval: the OPCC decides" in asked
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
    assert "Undoes V-0003: The post was filled" in said(client.get(f"/grants/{grant}/years/2025/moves"))
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


def test_a_declared_interest_shuts_the_moves_of_its_money(app: Flask, client: PageClient) -> None:
    round_, (proposal,) = deciding({"dorset": {Category.NON_LABOUR: 6_000_00}})
    proposal_id, grant_id = proposal.id, round_.grant_id
    decide(proposal)
    app.config["TODAY"] = OCTOBER
    (decided,) = finance.fundings(holder("dorset").id, round_.fy)
    other = make_funding(grants.get_grant(grant_id), 5_000_00, fy=round_.fy)
    other_id, fy = other.id, round_.fy
    virement_id = approve(ask(of(decided.id), other, 1_234_00)).id
    waiting_id = ask(of(decided.id), of(other_id), 17_00).id
    approval_id = db.session.get_one(Virement, virement_id).approval_id
    accounts.change_setting("free_movement_pence", "999999", holder("dorset").area_id, "Agreed", act())
    db.session.commit()
    register, url = f"/grants/{grant_id}/years/{fy}/moves", f"/finance/{holder('dorset').id}/{fy}/grants/{grant_id}"
    assert "£1,234.00" in said(client.sign_in(COORDINATOR).get(register))
    assert "waits for your approval" in said(client.get("/"))
    declare(get_proposal(proposal_id), COORDINATOR)
    client.sign_in(COORDINATOR)
    for each in (virement_id, waiting_id):
        client.get(f"/virements/{each}", 403)
        client.get(f"/virements/{each}/approve", 403)
    client.get(f"/approvals/{approval_id}", 403)
    for page in (said(client.get(register)), client.get(f"{register}.csv").get_data(as_text=True)):
        assert "Not shown: you declared an interest" in page
        for words in ("1,234.00", "1234.00", "A vacancy until January"):
            assert words not in page
    assert "waits for your approval" not in said(client.get("/"))
    assert decided.title not in said(client.get(f"{url}/virement"))
    assert "£1,234.00" in said(client.sign_in(OFFICER).get(register))
