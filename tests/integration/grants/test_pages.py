"""The pages of grants and approvals, as each kind of person meets them."""

import re

import pytest
from flask import Flask

from svd_tracker import db as database
from svd_tracker.approvals import queries as approvals
from svd_tracker.audit import queries as audit
from svd_tracker.calculations.figures import Category
from svd_tracker.extensions import db
from svd_tracker.finance.services import even_profile, open_funding
from svd_tracker.grants import queries
from svd_tracker.grants.models import AgreementStatus, Grant
from svd_tracker.interventions.models import InterventionKind
from svd_tracker.interventions.services import add_intervention
from tests.support.chains import assert_chains_whole
from tests.support.client import PageClient
from tests.support.money import holder, make_approval, make_terms
from tests.support.world import DAY, act

pytestmark = pytest.mark.db

COORDINATOR = "coordinator@dorset.example"
APPROVAL = {
    "body": "Home Office",
    "minute_ref": "HO/25/2",
    "decided_on-day": "20",
    "decided_on-month": "3",
    "decided_on-year": "2025",
    "reason": "Second award letter",
    "effective_on-day": "1",
    "effective_on-month": "4",
    "effective_on-year": "2025",
}
TERMS = {
    "status": "signed",
    "agreement_ref": "SVD/25/DOR",
    "signed_on-day": "1",
    "signed_on-month": "4",
    "signed_on-year": "2025",
    "payment_basis": "arrears",
    "over_programme_bp": "2.5",
    "draft_working_days": "10",
    "due_working_days": "20",
    "frequency": "quarterly",
    "year_end": "in_year",
    "retention_years": "7",
    "outside_period": "refuse",
    "declaration": "I certify it.",
    "effective_on-day": "1",
    "effective_on-month": "4",
    "effective_on-year": "2025",
    "reason": "Margin agreed",
}
ADD = {
    "area": "1",
    "name": "Serious Violence Duty grant",
    "ref": "SVD-25",
    "funder": "Home Office",
    "starts_on-day": "1",
    "starts_on-month": "4",
    "starts_on-year": "2025",
    "ends_on-day": "31",
    "ends_on-month": "3",
    "ends_on-year": "2027",
}


def text_of(client: PageClient, url: str) -> str:
    return client.get(url).get_data(as_text=True)


def share(ref: str, category: str = "labour") -> str:
    return f"allocation_{holder(ref).id}_{category}"


def shares(**changes: str) -> dict[str, str]:
    """The form of allocations as make_grant leaves them, with changes by holder ref to the labour boxes."""
    labour = {"dorset": "41,200.15", "bcp": "43,212.22", "opcc": "12,000.00", **changes}
    other = {"dorset": "91,330.40", "bcp": "92,257.23", "opcc": "12,000.00"}
    return {share(ref): typed for ref, typed in labour.items()} | {
        share(ref, "non_labour"): typed for ref, typed in other.items()
    }


def test_a_coordinator_is_led_from_nothing_to_a_year(client: PageClient) -> None:
    client.sign_in(COORDINATOR)
    assert "Add a grant" in text_of(client, "/grants")
    client.get("/grants/add")
    terms = client.post("/grants/add", ADD).location
    assert "Now enter its terms" in text_of(client, terms)
    shown = client.post(terms, {**TERMS, "row_version": "0"}).location
    page = text_of(client, shown)
    assert "2.5%" in page
    assert "Set up a year" in page
    new = f"{shown}/years/new"
    assert "Set up 2025/26" in text_of(client, new)
    typed = {
        "award_labour": "1,000.00",
        share("dorset"): "600.50",
        share("bcp"): "399.50",
        **APPROVAL,
        "minute": "TFG 3",
    }
    address = f"{new}?to=2025&from=none"
    page = text_of(client, client.post(address, typed).location)
    assert "£600.50" in page
    assert "£399.50" not in page.split("How these amounts")[0].split("The other holders")[0]
    assert "HO/25/2; minute TFG 3" in page
    again = client.post(address, typed, 200).get_data(as_text=True)
    assert "2025/26 is already set up" in again
    client.post(f"{new}?to=99999", typed, 404)
    copied = text_of(client, new)
    assert "Set up 2026/27" in copied
    assert 'value="600.50"' in copied
    assert_chains_whole()


def test_a_year_after_the_grant_is_for_the_next_agreement(client: PageClient) -> None:
    client.sign_in(COORDINATOR)
    shown = client.post(
        client.post("/grants/add", {**ADD, "ends_on-year": "2026", "starts_on-year": "2023"}).location,
        {**TERMS, "row_version": "0"},
    ).location
    new = f"{shown}/years/new"
    client.post(f"{new}?to=2024&from=none", {"award_labour": "1,000.00", **APPROVAL})
    assert '<h1 class="govuk-heading-l">Set up 2025/26</h1>' in text_of(client, new)  # not the one left out before
    client.post(f"{new}?to=2025&from=none", {"award_labour": "1,000.00", **APPROVAL})
    page = text_of(client, new)
    assert "This grant ends on 31 March 2026, and its last year is set up." in page
    assert "add the grant of the next agreement" in page


def test_a_member_with_nothing_yet_is_told_who_adds_it(client: PageClient) -> None:
    page = text_of(client.sign_in("member@bcp.example"), "/grants")
    assert "The coordinator adds it" in page
    assert "/grants/add" not in page


@pytest.mark.parametrize(
    ("email", "status"),
    [
        ("member@dorset.example", 200),
        ("finance.officer@bcp.example", 200),
        ("auditor@audit.example", 200),
        ("administrator@dorset.example", 403),
        ("proposer@charity.example", 403),
        ("assessor.health@nhs.example", 403),
    ],
)
def test_who_may_read(client: PageClient, grant: Grant, email: str, status: int) -> None:
    grant_id = grant.id
    client.sign_in(email)
    for url in ("/grants", f"/grants/{grant_id}", f"/grants/{grant_id}/years/2025", "/approvals/1"):
        client.get(url, status=status)
    for path in ("terms", "years/new", "years/2025/labour", "years/2025/allocate"):
        client.get(f"/grants/{grant_id}/{path}", status=403)
        client.post(f"/grants/{grant_id}/{path}", status=403)
    client.get("/approvals/1/agree", status=403)


def test_one_holder_does_not_see_anothers_share(client: PageClient, grant: Grant) -> None:
    url, overview = f"/grants/{grant.id}/years/2025", f"/grants/{grant.id}"
    for email in ("member@bcp.example", "coordinator@bcp.example"):
        page = text_of(client.sign_in(email), url)
        assert "£43,212.22" in page
        assert "£41,200.15" not in page
        assert "£91,330.40" not in page
        assert "£53,200.15 of the labour award" in page  # Dorset and the OPCC together
        assert "£292,000.00" in page
        assert "BCP: committed" in text_of(client, overview)
    for email in ("opcc.officer@opcc.example", "auditor@audit.example"):
        page = text_of(client.sign_in(email), url)
        assert "£43,212.22" in page
        assert "£41,200.15" in page


def test_a_year_that_is_not_set_up_is_not_found(client: PageClient, grant: Grant) -> None:
    grant_id = grant.id
    client.sign_in(COORDINATOR)
    for path in ("years/2031", "years/2031/allocate", "years/2031/labour"):
        client.get(f"/grants/{grant_id}/{path}", status=404)
    client.get("/grants/999", status=404)
    client.get("/approvals/999", status=404)
    assert "Every year of this grant is set up" in text_of(client, f"/grants/{grant_id}/years/new")


def test_the_pages_ask_a_bounded_number_of_questions(client: PageClient, grant: Grant) -> None:
    grant_id = grant.id
    client.sign_in("auditor@audit.example")
    for url in (f"/grants/{grant_id}/years/2025", f"/grants/{grant_id}", "/grants", "/approvals/1"):
        client.get(url)
        assert len(client.queries) <= 25, client.queries


def test_too_much_is_refused_at_its_box(client: PageClient, grant: Grant) -> None:
    url = f"/grants/{grant.id}/years/2025/allocate"
    client.sign_in(COORDINATOR)
    page = client.post(url, {**shares(dorset="41,200.16"), **APPROVAL, "row_version": "8"}, 200).get_data(as_text=True)
    assert "Dorset labour: enter £41,200.15 or less, which is all that is left of the award" in page
    assert f'href="#{share("dorset")}"' in page
    assert 'value="41,200.16"' in page
    assert queries.award_table(1, 2025).versions == 8
    assert approvals.list_outstanding([1]) == []
    assert "Enter an amount, or 0.00" in client.post(
        url, {**shares(opcc=""), **APPROVAL, "row_version": "8"}, 200
    ).get_data(as_text=True)


def test_a_split_is_changed_once_however_often_it_is_sent(client: PageClient, grant: Grant) -> None:
    grant_id = grant.id
    client.sign_in(COORDINATOR)
    url = f"/grants/{grant_id}/years/2025/allocate"
    typed = {**shares(dorset="42,200.15", opcc="11,000.00"), **APPROVAL, "row_version": "8", "once_key": "a" * 32}
    first = client.post(url, typed).location
    assert "Saved: 2 allocations changed." in text_of(client, first)
    assert client.post(url, typed).location == first
    table = queries.award_table(grant_id, 2025)
    assert table.versions == 10
    assert table.of_holder(holder("dorset").id)[Category.LABOUR].pence == 42_200_15
    assert [line.action for line in audit.history("grant", "SVD-2025")] == [
        "allocate",
        "set_up_year",
        "new_terms",
        "add",
    ]


def test_the_second_of_two_is_told_and_keeps_what_they_typed(client: PageClient, grant: Grant) -> None:
    grant_id = grant.id
    client.sign_in(COORDINATOR)
    url = f"/grants/{grant_id}/terms"
    client.post(url, {**TERMS, "row_version": "1"})
    page = client.post(url, {**TERMS, "row_version": "1", "due_working_days": "25"}, 200).get_data(as_text=True)
    assert "changed this after you opened it" in page
    assert 'name="due_working_days"' in page
    assert 'value="25"' in page
    assert 'name="row_version" type="hidden" value="2"' in page
    client.post(url, {**TERMS, "row_version": "2", "due_working_days": "25"})
    assert [terms.due_working_days for terms in queries.terms_versions(grant_id)] == [25, 20, 20]
    url = f"/grants/{grant_id}/years/2025/allocate"
    client.post(url, {**shares(dorset="40,000.00"), **APPROVAL, "row_version": "8"})
    page = client.post(url, {**shares(dorset="39,000.00"), **APPROVAL, "row_version": "8"}, 200).get_data(as_text=True)
    assert "<strong>£39,000.00</strong>" in page
    assert "£40,000.00" in page
    url = f"/grants/{grant_id}/years/2025/labour"
    page = client.post(url, {"amount": "1.00", **APPROVAL, "row_version": "7"}, 200).get_data(as_text=True)
    assert "£96,412.37" in page
    assert "changed this after you opened it" in page


def test_a_cut_lowers_the_shares_and_says_so(client: PageClient, grant: Grant) -> None:
    client.sign_in("opcc.officer@opcc.example")
    url = f"/grants/{grant.id}/years/2025/labour"
    page = text_of(client, client.post(url, {"amount": "48,206.18", **APPROVAL, "row_version": "1"}).location)
    assert page.count("Provisional") == 3
    assert "Lowered with the award" in page
    assert "£20,600.07" in page
    assert "£48,206.18" in page


def test_unsigned_terms_put_spend_at_risk(client: PageClient, grant: Grant) -> None:
    make_terms(grant, status=AgreementStatus.OFFERED, signed_on=None, reason="Sent back for a new signature")
    db.session.commit()
    page = text_of(client.sign_in("member@dorset.example"), f"/grants/{grant.id}/years/2025")
    assert "Spend is at risk: the agreement is offered, not signed." in page


def test_an_approval_waits_for_those_who_must_agree(client: PageClient, grant: Grant) -> None:
    client.sign_in(COORDINATOR)
    client.post(
        f"/grants/{grant.id}/years/2025/labour",
        {"amount": "96,412.37", **APPROVAL, "needs": ["accountable_body", "opcc"], "row_version": "1"},
    )
    assert "Accountable body and OPCC still to agree to APP-0002, Second award letter" in text_of(client, "/")
    assert "is at risk: not everybody has agreed" in text_of(client, f"/grants/{grant.id}/years/2025")
    page = text_of(client, "/approvals/2")
    assert "Accountable body, OPCC have not agreed yet" in page
    client.get("/approvals/2/agree")
    agreed = {"agreed_on-day": "1", "agreed_on-month": "4", "agreed_on-year": "2025", "reference": "Email"}
    bad = client.post("/approvals/2/agree", {**agreed, "body": "opcc", "agreed_on-year": "2099"}, 200)
    assert "Enter a date that is today or in the past" in bad.get_data(as_text=True)
    for body in ("opcc", "accountable_body"):
        client.post("/approvals/2/agree", {**agreed, "body": body})
    page = text_of(client, "/approvals/2")
    assert "Until 1 April 2025, no longer" in page
    assert "APP-0002" not in text_of(client, "/")
    assert [line.action for line in audit.history("approval", "APP-0002")] == ["agree", "agree"]
    client.post("/approvals/2/agree", {**agreed, "body": "opcc"})  # nobody is left: led back


def test_bad_input_is_answered_at_its_place(client: PageClient, grant: Grant) -> None:
    grant_id = grant.id
    client.sign_in(COORDINATOR)
    page = client.post("/grants/add", {**ADD, "ends_on-year": "2024", "ref": "SVD-2025"}, 200).get_data(as_text=True)
    assert "Enter a last day that is after the first day" in page
    assert "There is already a grant &#34;SVD-2025&#34;" in client.post(
        "/grants/add", {**ADD, "ref": "SVD-2025"}, 200
    ).get_data(as_text=True)
    for changes, words in (
        ({"signed_on-day": "", "signed_on-month": "", "signed_on-year": ""}, "Enter the day the agreement was signed"),
        ({"over_programme_bp": "101"}, "Enter a percentage between 0 and 100"),
        ({"draft_working_days": "21"}, "The draft must come before the return is due"),
        ({"due_working_days": ""}, "Enter a whole number, like 20"),
        ({"area_due_working_days": "25", "lead_working_days": "5"}, "days before the OPCC’s own date, or when"),
        ({"lead_working_days": "5"}, "Enter when the OPCC’s own return is due"),
        ({"certify_working_days": "9"}, "between the days of the draft and those of the return"),
        ({"area_due_working_days": "19"}, "returns must come before the OPCC"),
        ({"year_end": "provisional_final"}, "Enter the working days of the provisional return"),
        ({"final_draft_working_days": "30"}, "Leave this blank: the year has no final return"),
        ({"year_end": "final", "final_draft_working_days": "30"}, "Enter both of the days, or neither"),
        ({"reason": ""}, "Say why"),
    ):
        sent = {**TERMS, "row_version": "1", **changes}
        assert words in client.post(f"/grants/{grant_id}/terms", sent, 200).get_data(as_text=True)
    sent = {**APPROVAL, "amount": "lots", "row_version": "1"}
    page = client.post(f"/grants/{grant_id}/years/2025/labour", sent, 200).get_data(as_text=True)
    assert "Enter an amount in pounds, like 1,250.00" in page
    assert 'value="lots"' in page


def test_the_calendar_of_returns_stands_in_the_terms(client: PageClient, grant: Grant) -> None:
    """The returns are due at the OPCC five working days before its own, which the agreement names."""
    grant_id = grant.id
    client.sign_in(COORDINATOR)
    url = f"/grants/{grant_id}/terms"
    typed = {
        **TERMS,
        "frequency": "half_yearly",
        "year_end": "provisional_final",
        "certify_working_days": "15",
        "due_working_days": "",
        "area_due_working_days": "25",
        "lead_working_days": "5",
        "provisional_draft_working_days": "-12",
        "provisional_due_working_days": "-2",
        "final_draft_working_days": "30",
        "final_due_working_days": "40",
        "signers": "Chief executive\r\n\r\n Chief finance officer (section 151) ",
        "row_version": "1",
    }
    page = text_of(client, client.post(url, typed).location)
    assert "20 working days after its period: 5 before the OPCC’s own is due at the funder" in page
    assert "drafted 12 working days before the year’s end, due 2 working days before the year’s end" in page
    assert "Every half year" in page
    assert "Chief executive; Chief finance officer (section 151)" in page
    terms = queries.current_terms(grant_id)
    assert terms is not None
    assert (terms.due_working_days, terms.area_due_working_days) == (20, 25)
    page = text_of(client, url)
    assert re.search(r'name="lead_working_days"[^>]*value="5"', page)
    assert not re.search(r'name="due_working_days"[^>]*value="[0-9]', page), "it follows from the OPCC's own date"
    plain = {
        **typed,
        "due_working_days": "20",
        "area_due_working_days": "",
        "lead_working_days": "",
        "row_version": "2",
    }
    client.post(url, plain)
    newest = queries.current_terms(grant_id)
    assert newest is not None
    assert (newest.due_working_days, newest.area_due_working_days) == (20, None)


def test_a_form_is_saved_after_a_page_was_read_in_the_same_thread(client: PageClient) -> None:
    client.sign_in(COORDINATOR)
    database.begin_reading()  # as the GET before it leaves a server's thread
    client.post("/grants/add", ADD)


def test_a_stranger_is_led_to_sign_in(app: Flask, client: PageClient, grant: Grant) -> None:
    assert "/sign-in" in client.get(f"/grants/{grant.id}", status=302).location


def test_an_address_with_a_number_too_large_is_not_found(client: PageClient, grant: Grant) -> None:
    client.sign_in(COORDINATOR)
    client.get(f"/grants/{10**20}", status=404)


def test_a_cut_below_what_is_committed_is_kept_and_shown(
    app: Flask, client: PageClient, grant: Grant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(app.config, "TODAY", DAY)
    nurse = add_intervention(grant.area_id, InterventionKind.PROJECT, "Specialist nurse", act())
    allocation = queries.find_allocation(grant.id, 2025, Category.LABOUR, holder("dorset").id)
    assert allocation is not None
    open_funding(
        act(),
        intervention=nurse,
        allocation=allocation,
        pence=30_000_00,
        profile=even_profile(30_000_00),
        approval=make_approval(30_000_00),
        reason="Continuing post",
        effective_on=DAY,
    )
    db.session.commit()
    url = f"/grants/{grant.id}/years/2025"
    assert "Over-committed" not in text_of(client.sign_in(COORDINATOR), url)
    client.post(f"{url}/labour", {"amount": "60,000.00", **APPROVAL, "row_version": "1"})
    page = text_of(client, url)
    assert "Dorset labour is over-committed by £4,360.04" in page
    work = text_of(client, "/")
    assert "Over-committed in Serious Violence Duty grant 2025/26: Dorset labour" in work
    assert "Settle the split of Serious Violence Duty grant 2025/26" in work
    assert "Over-committed" not in text_of(client.sign_in("coordinator@bcp.example"), "/")
    assert "Dorset labour" in text_of(client.sign_in("opcc.officer@opcc.example"), "/")
    assert "Over-committed" not in text_of(client.sign_in("member@dorset.example"), "/")
    client.sign_in(COORDINATOR)
    assert "−£4,360.04" in page
    assert "over-committed" not in text_of(client.sign_in("member@bcp.example"), url)


def test_references_that_are_too_long_are_refused_at_their_field(client: PageClient) -> None:
    client.sign_in(COORDINATOR)
    page = client.post("/grants/add", {**ADD, "ref": "S" * 25}, 200).get_data(as_text=True)
    assert "24 characters or fewer" in page
    terms = client.post("/grants/add", ADD).location
    new = client.post(terms, {**TERMS, "row_version": "0"}).location + "/years/new?to=2025&from=none"
    typed = {"award_labour": "1.00", **APPROVAL}
    for longest, name in ((180, "minute_ref"), (60, "minute")):
        page = client.post(new, {**typed, name: "x" * (longest + 1)}, 200).get_data(as_text=True)
        assert f"{longest} characters or fewer" in page
    client.post(new, {**typed, "minute_ref": "x" * 180, "minute": "x" * 60})


def test_allocations_are_locked_before_the_area(client: PageClient, grant: Grant) -> None:
    """As a decision of a round locks them: two that lock in other orders would wait for each other."""
    url = f"/grants/{grant.id}/years/2025"
    client.sign_in(COORDINATOR)
    for page, typed in (
        (f"{url}/labour", {"amount": "100,000.00", "row_version": "1"}),
        (f"{url}/allocate", {**shares(bcp="43,212.21"), "row_version": "9"}),
    ):
        client.post(page, {**typed, **APPROVAL})
        locks = [query.split("FROM ")[1].split()[0] for query in client.queries if "FOR NO KEY UPDATE" in query]
        if db.engine.dialect.name == "postgresql":  # SQLite has one writer and no row locks
            assert locks[:3] == ["grants", "allocation", "area"]
