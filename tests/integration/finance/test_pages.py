"""The money pages: what they show, what a form does once, who may, and how many queries it takes."""

import datetime as dt
import re
from typing import Any

import pytest
from flask import Flask

from svd_tracker.calculations.figures import Category, EntryKind, ObligationKind, ReturnInputs
from svd_tracker.calculations.returns import calculate_return
from svd_tracker.extensions import db
from svd_tracker.finance import facts, figures, queries, services
from svd_tracker.finance.models import Funding
from svd_tracker.grants import queries as grants
from svd_tracker.money import format_pounds
from tests.integration.finance.ledger_files import bring_in
from tests.integration.finance.money_rows import JULY, JUNE, make_funding, post, spent
from tests.support.client import PageClient
from tests.support.money import SHARES, holder, make_grant
from tests.support.world import act

pytestmark = pytest.mark.db

OFFICER = "finance.officer@dorset.example"
COORDINATOR = "coordinator@dorset.example"


@pytest.fixture
def funding(app: Flask) -> Funding:
    app.config["TODAY"] = JULY
    return make_funding(make_grant(), 10_000_00)


def entry(**changed: Any) -> dict[str, Any]:
    return {
        "kind": "actual",
        "spent_on-day": "6",
        "spent_on-month": "5",
        "spent_on-year": "2025",
        "document": "INV 20417",
        "amount": "1,200.00",
        **changed,
    }


def said(page: Any) -> str:
    text = re.sub(r"</?strong>", "", page.get_data(as_text=True))
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", text))


def test_the_year_shows_what_the_return_shows(client: PageClient, funding: Funding) -> None:
    post(funding, 2_600_40)
    post(funding, 800_00, dt.date(2025, 6, 30), kind=EntryKind.ACCRUAL, on=JULY)
    dorset, grant_id, funding_id = holder("dorset"), funding.grant_id, funding.id
    services.save_forecast(act(on=JULY), funding, {2: 2_500_00, 3: 2_500_00, 4: 2_000_10}, "Late start", 0)
    db.session.commit()
    now = figures.year_figures(dorset, grant_id, 2025, JULY)
    shares = grants.allocations_of_holder(grant_id, dorset.id, 2025)
    of_return = calculate_return(
        ReturnInputs(
            ObligationKind.IN_YEAR,
            1,
            {category: pence for category, (_, pence) in shares.items()},
            facts.funding_facts(dorset.id, grant_id, 2025),
            facts.entry_facts(dorset.id, grant_id, 2025),
        )
    )
    assert (now.last, now.over) == (2, 1)
    assert now.total.outlook.outturn == of_return.total.outturn == 10_400_50
    assert now.total.outlook.variance == of_return.total.variance == 400_50
    assert now.line("F-0001").figures.to_date == of_return.lines[0].to_date == 3_400_40

    page = said(client.sign_in(OFFICER).get(f"/finance/{dorset.id}/2025"))
    for words in ("£3,400.40", "£6,599.60", "£10,400.50", "£400.50", "Spent to date", "£7,000.10"):
        assert words in page
    assert "£3,400.40" in said(client.get(f"/fundings/{funding_id}"))
    assert "£132,530.55" in said(client.get("/finance"))
    csv = client.get(f"/finance/{dorset.id}/2025/download").get_data().decode("utf-8-sig")
    assert "10400.50,400.50,Late start" in csv


@pytest.mark.parametrize("today", [dt.date(2025, 3, 1), dt.date(2025, 4, 1), dt.date(2025, 6, 30), dt.date(2026, 6, 1)])
def test_the_year_on_any_day(app: Flask, today: dt.date) -> None:
    funding = make_funding(make_grant(), 1_000_00)
    services.save_forecast(act(), funding, dict.fromkeys((1, 2, 3, 4), 250_00), "", 0)
    db.session.commit()
    now = figures.year_figures(holder("dorset"), funding.grant_id, 2025, today)
    ended = today.year == 2026
    assert now.total.outlook.outturn == (0 if ended else 1_000_00)
    assert (now.last, now.over) == ((4, 4) if ended else (1, 0))


def test_a_missing_forecast_makes_the_outturn_missing(client: PageClient, funding: Funding) -> None:
    page = said(client.sign_in(OFFICER).get(f"/finance/{holder('dorset').id}/2025"))
    assert "no forecast" in page
    assert "a funding has no forecast" in page
    assert "1 funding has no forecast" in said(client.get("/"))


def test_an_entry_is_posted_once_however_often_it_is_sent(client: PageClient, funding: Funding) -> None:
    url = f"/fundings/{funding.id}/entries/new"
    funding_id = funding.id
    form = client.sign_in(OFFICER).get(url).get_data(as_text=True)
    key = re.search(r'name="once_key"[^>]*value="([0-9a-f]{32})"', form)
    assert key
    sent = entry(once_key=key[1], vat_pence="240.00", document_total_pence="2,880.00", supplier="=Acme")
    first, second = client.post(url, sent), client.post(url, sent)
    assert first.location == second.location == f"/fundings/{funding_id}"
    assert spent(db.session.get_one(Funding, funding_id)) == {1: 1_440_00}
    assert "Posted: £1,440.00 in Q1 2025/26" in said(client.get(first.location))
    dorset = holder("dorset").id
    assert "=Acme" in said(client.get(f"/finance/{dorset}/2025/ledger"))
    assert ",'=Acme," in client.get(f"/finance/{dorset}/2025/ledger/download").get_data(as_text=True)


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"amount": "lots"}, "Enter an amount in pounds"),
        ({"amount": ""}, "Enter an amount in pounds"),
        ({"amount": "0"}, "other than £0.00"),
        ({"spent_on-year": "2024"}, "Enter a date from 1 April 2025 to 31 March 2026"),
        ({"spent_on-month": "12"}, "What is still to come belongs in the forecast"),
        ({"document": " "}, "Enter the number of the invoice"),
        ({"document_total_pence": "5"}, "the whole invoice is at least the part"),
        ({"not_eligible": "y"}, "Say why the grant does not pay"),
        ({"kind": "reversal"}, "Choose one from the list"),
        ({"quarter": "3"}, "choose that quarter or an earlier one"),
    ],
)
def test_a_wrong_entry_keeps_what_was_typed(
    client: PageClient, funding: Funding, changed: dict[str, str], words: str
) -> None:
    page = client.sign_in(OFFICER).post(f"/fundings/{funding.id}/entries/new", entry(supplier="Acme", **changed), 200)
    assert words in said(page)
    assert 'value="Acme"' in page.get_data(as_text=True)
    assert "There is a problem" in said(page)
    assert queries.ledger_seq(holder("dorset").id) == 0


def test_what_the_grant_does_not_pay_for_shows_as_locally_funded(client: PageClient, funding: Funding) -> None:
    url = f"/fundings/{funding.id}"
    client.sign_in(OFFICER).post(f"{url}/entries/new", entry(not_eligible="y", reason="Alcohol"))
    assert "£1,200.00 of the spend is not paid by the grant" in said(client.get(url))
    client.post(f"{url}/entries/new", entry(amount="10,000.01"))
    page = said(client.get(f"/finance/{holder('dorset').id}/2025"))
    assert "Locally funded" in page
    assert "£1,200.01" in page


def test_an_entry_is_reversed_on_a_page_that_asks(client: PageClient, funding: Funding) -> None:
    posted = post(funding, 120_00)
    url = f"/entries/{posted.id}/reverse"
    assert "Reverse this entry?" in said(client.sign_in(OFFICER).get(url))
    assert "Say why" in said(client.post(url, {"reason": ""}, 200))
    done = client.post(url, {"reason": "Wrong funding"})
    page = said(client.follow(done))
    assert "Reversed: −£120.00 in Q1 2025/26" in page
    assert "Reversed as a mistake: entry 2" in page
    assert "already reversed" in said(client.post(url, {"reason": "Again"}, 200))


def test_accruals_are_seen_released_and_accrued_again(client: PageClient, funding: Funding) -> None:
    dorset, grant_id, funding_id = holder("dorset").id, funding.grant_id, funding.id
    accrual = post(funding, 500_00, kind=EntryKind.ACCRUAL, document="PO 7")
    accrual_id = accrual.id
    address = f"/finance/{dorset}/2025/accruals"
    assert "the close of its quarter" in said(client.sign_in(OFFICER).get(address))
    (release_id, *_rest) = services.close_quarters(
        act(on=JULY), holder_id=dorset, grant_id=grant_id, fy=2025, quarters=[1], ledger_seq=1, return_ref="R-1"
    )
    db.session.commit()
    assert "1 released accrual waits for an invoice" in said(client.get("/"))
    page = said(client.get(address))
    assert "Waiting" in page
    assert "No accrual is open" in page
    assert "Is it the invoice of a released accrual?" in said(client.get(f"/fundings/{funding_id}/entries/new"))
    client.get(f"/entries/{release_id}/accrue-again")
    client.post(f"/entries/{release_id}/accrue-again")
    assert "already accrued again" in said(client.post(f"/entries/{release_id}/accrue-again", status=200))
    assert "Accrued again" in said(client.get(address))
    assert "right by a journal" in said(client.post(f"/entries/{accrual_id}/reverse", {"reason": "No"}, 200))
    assert "closed: its return is certified" in said(client.get(f"/fundings/{funding_id}")).lower()


def test_an_accrual_of_the_old_year_waits_until_its_last_return(
    app: Flask, client: PageClient, funding: Funding
) -> None:
    dorset, grant_id, april = holder("dorset").id, funding.grant_id, dt.date(2026, 4, 20)

    def close(quarter: int, on: dt.date) -> None:
        services.close_quarters(
            act(on=on), holder_id=dorset, grant_id=grant_id, fy=2025, quarters=[quarter], ledger_seq=9, return_ref="R"
        )
        db.session.commit()

    post(funding, 100_00, kind=EntryKind.ACCRUAL)
    close(1, JULY)
    app.config["TODAY"] = april
    client.sign_in(OFFICER)
    assert "1 released accrual waits for an invoice of 2025/26" in said(client.get("/"))
    close(4, april)
    assert "released accrual" not in said(client.get("/"))


def test_the_invoice_takes_the_place_of_its_accrual(client: PageClient, funding: Funding) -> None:
    dorset, funding_id = holder("dorset").id, funding.id
    post(funding, 500_00, kind=EntryKind.ACCRUAL, document="PO 7")
    (release_id,) = services.close_quarters(
        act(on=JULY), holder_id=dorset, grant_id=funding.grant_id, fy=2025, quarters=[1], ledger_seq=1, return_ref="R-1"
    )
    db.session.commit()
    sent = entry(follows=str(release_id), amount="512.00", **{"spent_on-day": "8", "spent_on-month": "7"})
    client.sign_in(OFFICER).post(f"/fundings/{funding_id}/entries/new", sent)
    assert spent(db.session.get_one(Funding, funding_id)) == {1: 500_00, 2: 12_00}
    assert "Has come" in said(client.get(f"/finance/{dorset}/2025/accruals"))


def test_a_forecast_starts_from_the_profile_and_tells_the_second(client: PageClient, funding: Funding) -> None:
    url = f"/fundings/{funding.id}/forecast"
    page = client.sign_in(OFFICER).get(url).get_data(as_text=True)
    assert 'name="q1"' not in page
    assert 'value="2500.00"' in page
    sent = {"row_version": "0", "q2": "2,400", "q3": "2,500", "q4": "2,500", "note": ""}
    shown = said(client.follow(client.post(url, sent)))
    assert "The forecast is saved. Outturn £7,400.00, variance −£2,600.00" in shown
    client.post(url, sent)  # the same click again
    told = client.sign_in(COORDINATOR).post(url, {**sent, "q2": "2,000", "note": "Mine"}, 200)
    text = said(told)
    assert "changed this after you opened it" in text
    assert "£2,400.00" in text
    html = told.get_data(as_text=True)
    assert 'value="2,000"' in html
    assert re.search(r'name="row_version"[^>]*value="1"', html)
    client.post(url, {**sent, "q2": "2,000", "note": "Mine", "row_version": "1"})
    assert "Explain why" in said(client.post(url, {**sent, "q2": "9,000", "row_version": "2"}, 200))


def test_spend_above_the_forecast_asks_for_a_new_one(client: PageClient, funding: Funding) -> None:
    services.save_forecast(act(on=JULY), funding, {2: 100_00, 3: 0, 4: 0}, "", 0)
    post(funding, 200_00, dt.date(2025, 7, 8), on=JULY)
    page = said(client.sign_in(OFFICER).get(f"/fundings/{funding.id}"))
    assert "Q2 has already spent £200.00, more than its forecast of £100.00" in page
    assert "Q1 2025/26 (April to June 2025) £2,500.00 nothing posted" in page


def direct(allocation_id: int, **changed: str) -> dict[str, str]:
    return {
        "intervention": "new",
        "new_title": "Coordinator's post",
        "new_kind": "programme_cost",
        "allocation": str(allocation_id),
        "amount": "40,000.01",
        "spread": "even",
        "body": "Dorset CSP",
        "decided_on-day": "27",
        "decided_on-month": "3",
        "decided_on-year": "2025",
        "minute_ref": "CSP/25/14",
        "reason": "A continuing post",
        "needs": "opcc",
        **changed,
    }


def test_a_direct_decision_locks_its_allocation_before_all_else(client: PageClient, funding: Funding) -> None:
    """As the decisions of a round do: in any other order two at one moment would wait for each other."""
    dorset = holder("dorset").id
    allocation = grants.find_allocation(funding.grant_id, 2025, Category.LABOUR, dorset)
    assert allocation
    number = allocation.id
    client.sign_in(COORDINATOR).post(f"/finance/{dorset}/2025/direct-decision", direct(number))
    locks = [re.findall(r"FROM (\w+)", query)[0] for query in client.queries if "FOR " in query and "UPDATE" in query]
    assert locks[:1] == (["allocation"] if db.engine.dialect.name == "postgresql" else [])
    assert "audit_head" in locks or not locks


def test_a_direct_decision_on_its_page(client: PageClient, funding: Funding) -> None:
    dorset = holder("dorset").id
    url = f"/finance/{dorset}/2025/direct-decision"
    allocation = grants.find_allocation(funding.grant_id, 2025, Category.LABOUR, dorset)
    assert allocation
    number = allocation.id
    assert "£41,200.15 left" in said(client.sign_in(COORDINATOR).get(url))
    refused = client.post(url, direct(number, amount="41,200.16"), 200)
    assert "Enter £41,200.15 or less" in said(refused)
    assert "Coordinator&#39;s post" in refused.get_data(as_text=True)
    by_hand = direct(number, spread="hand", q1="40,000.00")
    assert "add up to £40,000.00. They must add up to £40,000.01" in said(client.post(url, by_hand, 200))
    assert "Enter the title" in said(client.post(url, direct(number, new_title=""), 200))
    page = said(client.follow(client.post(url, {**by_hand, "q4": "0.01"})))
    assert "Decided: £40,000.01 is committed" in page
    assert "Spend is at risk: OPCC has not agreed yet" in page
    now = next(each for each in queries.fundings(dorset, 2025) if each.category is Category.LABOUR)
    assert now.profile == {1: 40_000_00, 2: 0, 3: 0, 4: 1}
    assert "already an intervention" in said(client.post(url, direct(number, amount="1"), 200))


def test_each_role_reaches_its_own(client: PageClient, funding: Funding) -> None:
    dorset, funding_id = holder("dorset").id, funding.id
    entry_id = post(funding, 1_00).id
    pages = {
        f"/finance/{dorset}/2025": {OFFICER, COORDINATOR, "certifier@dorset.example", "auditor@audit.example"},
        f"/finance/{dorset}/2025/ledger": {OFFICER, COORDINATOR, "certifier@dorset.example", "auditor@audit.example"},
        f"/fundings/{funding_id}": {OFFICER, COORDINATOR, "certifier@dorset.example", "auditor@audit.example"},
        f"/fundings/{funding_id}/entries/new": {OFFICER},
        f"/fundings/{funding_id}/forecast": {OFFICER, COORDINATOR},
        f"/entries/{entry_id}/reverse": {OFFICER},
        f"/finance/{dorset}/import": {OFFICER, COORDINATOR, "certifier@dorset.example", "auditor@audit.example"},
        f"/finance/{dorset}/2025/direct-decision": {COORDINATOR},
    }
    everybody = {OFFICER, COORDINATOR, "certifier@dorset.example", "auditor@audit.example"}
    for person in sorted(
        everybody | {"finance.officer@bcp.example", "member@dorset.example", "opcc.officer@opcc.example"}
    ):
        client.sign_in(person)
        for url, allowed in pages.items():
            client.get(url, 200 if person in allowed else 403)
    client.sign_in("finance.officer@bcp.example").post(f"/fundings/{funding_id}/entries/new", entry(), 403)
    client.sign_out().get(f"/fundings/{funding_id}", 302)
    client.sign_in(OFFICER).get("/fundings/999", 404)
    client.get(f"/finance/{dorset}/2031", 404)


def test_the_ledger_filters_sorts_and_pages(client: PageClient, funding: Funding) -> None:
    ref, funding_id, dorset = funding.ref, funding.id, holder("dorset").id
    rows = "".join(f"{ref},0{1 + n % 9}/05/2025,actual,INV {n},{n}.00\n" for n in range(1, 251))
    head = "Funding,Date,Kind,Document,Amount\n"
    bring_in((head + rows).encode(), "may.csv", on=JUNE)
    url = f"/finance/{dorset}/2025/ledger"
    page = said(client.sign_in(OFFICER).get(url))
    assert "250 entries, £31,375.00 in all, page 1 of 3" in page
    assert len(client.queries) <= 25
    assert "INV 250" in page
    assert "INV 100 " not in page
    assert "page 3 of 3" in said(client.get(f"{url}?page=9&sort=amount&funding={funding_id}&quarter=1&kind=actual"))
    assert "No entry is found" in said(client.get(f"{url}?kind=accrual&sort=nonsense&page=x&quarter=q"))
    odd = client.get(f"{url}?_method=FOO&endpoint=x&_external=1&holder_id=9&sort=amount").get_data(as_text=True)
    assert f'href="{url}?sort=amount&amp;page=2"' in odd
    huge = 10**30
    assert "250 entries" in said(client.get(f"{url}?funding={huge}&quarter=-{huge}&grant={huge}&page={huge}"))
    csv = client.get(f"{url}/download?quarter=1").get_data(as_text=True)
    assert csv.count("\r\n") == 251
    client.get(f"/finance/{dorset}/2025")
    assert len(client.queries) <= 36
    assert format_pounds(31_375_00) in said(client.get(f"/fundings/{funding_id}"))
    assert len(client.queries) <= 30


def test_more_fundings_take_no_more_queries(client: PageClient, funding: Funding) -> None:
    dorset = holder("dorset").id
    client.sign_in(OFFICER).get(f"/finance/{dorset}/2025")
    few = len(client.queries)
    grant = grants.get_grant(db.session.get_one(Funding, 1).grant_id)
    for number in range(12):
        post(make_funding(grant, 10_00, title=f"Small {number}", category=Category.LABOUR), 5_00)
    client.get(f"/finance/{dorset}/2025")
    assert len(client.queries) == few <= 36  # with the reconciliation of the quarters that are over


def test_an_empty_year_says_what_to_do(client: PageClient, app: Flask) -> None:
    app.config["TODAY"] = JULY
    assert "No money yet" in said(client.sign_in(COORDINATOR).get("/finance"))
    make_grant()
    page = said(client.get(f"/finance/{holder('dorset').id}/2025"))
    assert "Make a direct decision" in page
    assert format_pounds(sum(SHARES["dorset"].values())) in page


def test_what_is_reversed_is_not_offered_again(funding: Funding, client: PageClient) -> None:
    kept, mistake, url = post(funding, 100_00).id, post(funding, 250_00, document="INV-2"), f"/fundings/{funding.id}"
    wrong = mistake.id
    services.reverse_mistake(act(on=JULY), mistake, "Typed twice")
    db.session.commit()
    page = client.sign_in(OFFICER).get(url).get_data(as_text=True)
    assert f"/entries/{kept}/reverse" in page
    assert f"/entries/{wrong}/reverse" not in page
