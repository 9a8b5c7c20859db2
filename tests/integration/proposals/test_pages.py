"""The pages of proposals: writing, checking, submitting, reading, and who is kept out."""

import dataclasses
import datetime as dt
import re

import pytest
from flask import Flask

from svd_tracker.calculations.figures import Category
from svd_tracker.extensions import db
from svd_tracker.proposals import queries, services
from svd_tracker.proposals.models import Proposal, ProposalState
from svd_tracker.rounds import queries as rounds
from svd_tracker.rounds.models import RoundState
from tests.support.client import PageClient
from tests.support.money import holder
from tests.support.rounds import (
    COORDINATOR,
    advance,
    finish_organisations,
    full_content,
    make_draft,
    make_proposal,
    make_round,
    organisation,
)
from tests.support.world import DAY, act

pytestmark = pytest.mark.db

PROPOSER = "proposer@charity.example"
HEALTH = "assessor.health@nhs.example"
BOTH = {"dorset": {Category.LABOUR: 5_000_00}, "bcp": {Category.LABOUR: 4_000_00}}


@pytest.fixture(autouse=True)
def _in_april(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(app.config, "TODAY", DAY)


def proposal(proposal_id: int) -> Proposal:
    db.session.rollback()
    return queries.get_proposal(proposal_id)


def version_field(proposal_id: int) -> dict[str, str]:
    return {"row_version": str(proposal(proposal_id).row_version)}


def test_a_proposal_is_written_page_by_page_and_submitted(client: PageClient) -> None:
    round_id = make_round().id
    charity, dorset = str(organisation("Harbour Youth Charity").id), str(holder("dorset").id)
    db.session.rollback()
    client.sign_in(PROPOSER)
    page = client.get(f"/rounds/{round_id}/proposals/add").text
    key = re.search(r'name="once_key"[^>]*value="([0-9a-f]{32})"', page)
    assert key
    data = {"organisation_id": charity, "title": "Street mentors", "once_key": key[1]}
    led_to = client.post(f"/rounds/{round_id}/proposals/add", data).location
    assert client.post(f"/rounds/{round_id}/proposals/add", data).location == led_to
    found = re.search(r"/proposals/(\d+)/", led_to)
    assert found
    number = int(found[1])
    check = client.get(f"/proposals/{number}/check").text
    assert "Enter a summary" in check
    assert "Submit the proposal" not in check
    about = {
        **version_field(number),
        "title": "Street mentors",
        "asks": dorset,
        "level": "targeted",
        "people_reached": "60",
        **dict.fromkeys(("summary", "purpose", "evidence", "target_group", "safeguarding"), "Some words"),
        **dict.fromkeys(("deliverer", "lead", "where", "priority", "after_funding"), "Words"),
    }
    assert client.post(f"/proposals/{number}/edit/about", about).location.endswith("/edit/costs")
    assert client.get(f"/proposals/{number}/edit/costs").text.count("<legend") == 5
    costs = {
        **version_field(number),
        "costs-1-holder_id": dorset,
        "costs-1-category": "labour",
        "costs-1-quarter": "2",
        "costs-1-text": "A mentor",
        "costs-1-pence": "1,250.50",
        "costs-1-pay_award_pending": "y",
        "more": "1",
    }
    assert client.post(f"/proposals/{number}/edit/costs", costs).location.endswith("/edit/costs")
    page = client.get(f"/proposals/{number}/edit/costs").text
    assert page.count("<legend") == 6
    assert "£1,250.50" in page
    match = {
        **version_field(number),
        "matches-0-organisation_id": charity,
        "matches-0-kind": "in_kind",
        "matches-0-title": "Volunteers",
        "matches-0-pence": "500",
    }
    client.post(f"/proposals/{number}/edit/match", match)
    delivery = {
        **version_field(number),
        "outputs-0-definition": "More confident",
        "outputs-0-measure": "share",
        "outputs-0-target": "80",
        "outputs-1-definition": "Young people",
        "outputs-1-measure": "count",
        "outputs-1-target": "60",
        "milestones-0-title": "Trained",
        "milestones-0-due_on-day": "30",
        "milestones-0-due_on-month": "June",
        "milestones-0-due_on-year": "2025",
        "risks-0-text": "Late start",
        "risks-0-rating": "high",
        "risks-0-response": "Start early",
    }
    assert client.post(f"/proposals/{number}/edit/delivery", delivery).location.endswith("/check")
    assert 'value="80"' in client.get(f"/proposals/{number}/edit/delivery").text
    assert "Submit the proposal" in client.get(f"/proposals/{number}/check").text
    form = version_field(number)
    client.post(f"/proposals/{number}/check", form)
    client.post(f"/proposals/{number}/check", form)  # a double click submits once
    assert proposal(number).state is ProposalState.SUBMITTED
    page = client.get(f"/proposals/{number}").text
    for words in ("£1,250.50", "80%", "30 June 2025", "Pay award still to come", "Volunteers", "In kind", "High"):
        assert words in page
    client.get(f"/proposals/{number}/edit/about", status=409)
    client.post(f"/proposals/{number}/edit/about", about, status=409)


@pytest.mark.parametrize(
    ("page", "data", "message", "box"),
    [
        ("costs", {"costs-0-text": "A", "costs-0-pence": "lots"}, "Enter an amount in pounds", "costs-0-pence"),
        ("costs", {"costs-0-text": "A", "costs-0-pence": "0"}, "Choose whose money", "costs-0-holder_id"),
        (
            "costs",
            {"costs-0-pence": "", "costs-1-holder_id": "999", "costs-1-text": "A"},
            "Choose one from the list",
            "costs-1-holder_id",
        ),
        ("costs", {"costs-0-pence": "=1+1"}, "Enter an amount in pounds", "costs-0-pence"),
        ("match", {"matches-0-pence": "-5"}, "Enter an amount of £0.00 or more", "matches-0-pence"),
        (
            "delivery",
            {
                "milestones-0-title": "A",
                "milestones-0-due_on-day": "31",
                "milestones-0-due_on-month": "6",
                "milestones-0-due_on-year": "2025",
            },
            "By when must be a real date",
            "milestones-0-due_on-day",
        ),
        (
            "delivery",
            {
                "milestones-0-title": "A",
                "milestones-0-due_on-day": "1",
                "milestones-0-due_on-month": "5",
                "milestones-0-due_on-year": "2024",
            },
            "Enter a date on or after 1 March 2025, when the round opens",
            "milestones-0-due_on-day",
        ),
        (
            "delivery",
            {"outputs-0-definition": "A", "outputs-0-measure": "share", "outputs-0-target": "101"},
            "A share lies between 0 and 100%",
            "outputs-0-target",
        ),
        (
            "delivery",
            {"outputs-0-definition": "A", "outputs-0-measure": "count", "outputs-0-target": "1.5"},
            "Enter a whole number",
            "outputs-0-target",
        ),
        ("about", {"people_reached": "many"}, "Enter a whole number, like 12", "people_reached"),
        ("about", {"title": "x" * 251}, "Use 250 characters or fewer", "title"),
        ("about", {"asks": "999"}, "not a valid choice", "asks"),
    ],
)
def test_bad_input_is_told_at_its_field_and_kept(
    client: PageClient, page: str, data: dict[str, str], message: str, box: str
) -> None:
    number = make_draft(make_round()).id
    before = queries.content_of(queries.newest_version(proposal(number)))
    url = f"/proposals/{number}/edit/{page}"
    text = client.sign_in(COORDINATOR).post(url, {**version_field(number), **data}, status=200).text
    assert message in text
    assert f'href="#{box}' in text
    for typed in data.values():
        assert typed in text or page == "about" or typed == "999"  # a list shows no choice that it does not have
    assert queries.content_of(queries.newest_version(proposal(number))) == before


def test_a_cost_of_nought_and_a_cost_nobody_is_asked_for(client: PageClient) -> None:
    number = make_draft(make_round(), content=dataclasses.replace(full_content(), asks=(), costs=())).id
    row = {
        "costs-0-text": "",
        "costs-1-text": "",
        "costs-2-text": "",
        "costs-3-holder_id": str(holder("bcp").id),
        "costs-3-category": "labour",
        "costs-3-quarter": "1",
        "costs-3-text": "A",
        "costs-3-pence": "5",
    }
    url = f"/proposals/{number}/edit/costs"
    text = client.sign_in(COORDINATOR).post(url, {**version_field(number), **row}, status=200).text
    assert "This partnership is not asked" in text
    assert 'href="#costs-3-holder_id"' in text


def test_a_partnership_with_costs_is_not_taken_away_unseen(client: PageClient) -> None:
    number = make_draft(make_round(), costs=BOTH).id
    data = {**version_field(number), "title": "T", "asks": str(holder("dorset").id)}
    text = client.sign_in(COORDINATOR).post(f"/proposals/{number}/edit/about", data, status=200).text
    assert "take those away first" in text


def test_the_second_of_two_editors_keeps_what_they_typed(client: PageClient) -> None:
    draft = make_draft(make_round())
    number, seen = draft.id, str(draft.row_version)
    services.save_version(draft, full_content("Changed by another"), draft.row_version, act())
    db.session.commit()
    client.sign_in(COORDINATOR)
    data = {"row_version": seen, "title": "Mine", "asks": str(holder("dorset").id)}
    db.session.rollback()
    text = client.post(f"/proposals/{number}/edit/about", data, status=200).text
    assert "Somebody else changed this after you opened it" in text
    assert "Changed by another" in text
    assert 'value="Mine"' in text
    again = re.search(r'name="row_version"[^>]*value="(\d+)"', text)
    assert again
    client.post(f"/proposals/{number}/edit/about", {**data, "row_version": again[1]})
    assert queries.newest_version(proposal(number)).title == "Mine"
    stale = {"row_version": seen, "costs-0-holder_id": "1", "costs-0-text": "x"}
    client.post(f"/proposals/{number}/edit/costs", stale, status=200)


def test_the_closing_date_on_screen(client: PageClient, app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    number = make_draft(make_round(closes_on=dt.date(2025, 4, 10))).id
    monkeypatch.setitem(app.config, "TODAY", dt.date(2025, 4, 11))
    client.sign_in(PROPOSER)
    assert "Ask the coordinator to submit yours" in client.get(f"/proposals/{number}/check").text
    text = client.post(f"/proposals/{number}/check", version_field(number), status=200).text
    assert "ask the coordinator" in text
    client.sign_in(COORDINATOR).post(f"/proposals/{number}/check", version_field(number))
    assert proposal(number).state is ProposalState.SUBMITTED


def test_return_correct_and_read_both_versions(client: PageClient) -> None:
    number = make_proposal(make_round()).id
    client.sign_in(COORDINATOR)
    assert "Enter a reason" in client.post(f"/proposals/{number}/return", {"reason": ""}, status=200).text
    client.post(f"/proposals/{number}/return", {"reason": "Say where"})
    client.post(f"/proposals/{number}/edit/match", version_field(number))
    client.sign_in(PROPOSER)
    assert "Correct your proposal Street mentors" in client.get("/").text
    for path in ("", "/edit/about", "/check"):
        assert "To be corrected: Say where" in client.get(f"/proposals/{number}{path}").text
    client.post(f"/proposals/{number}/check", version_field(number))
    page = client.get(f"/proposals/{number}").text
    assert "Changed since the version before: Match offered." in page
    assert "To be corrected" not in page
    assert "Returned for correction: proposal P-01" in page  # in its history
    assert "Room hire" not in page
    assert "Room hire" in client.get(f"/proposals/{number}/versions/1").text
    client.get(f"/proposals/{number}/versions/9", status=404)
    client.get(f"/proposals/{number}/return", status=403)


def test_a_draft_version_is_for_its_writers(client: PageClient) -> None:
    round_ = make_round()
    number = make_proposal(round_).id
    finish_organisations(round_, HEALTH)
    client.sign_in(COORDINATOR).post(f"/proposals/{number}/return", {"reason": "Say where"})
    client.get(f"/proposals/{number}/versions/2")
    client.sign_in(HEALTH).get(f"/proposals/{number}/versions/2", status=404)
    client.get(f"/proposals/{number}")


def test_withdrawing(client: PageClient) -> None:
    number = make_proposal(make_round()).id
    client.sign_in(PROPOSER).post(f"/proposals/{number}/withdraw", {"reason": "No staff"})
    assert proposal(number).state is ProposalState.WITHDRAWN
    client.post(f"/proposals/{number}/withdraw", {"reason": "Again"}, status=200)
    assert "Withdrawn: No staff" in client.get(f"/proposals/{number}").text


def test_a_proposer_is_told_of_an_open_round_until_they_write(client: PageClient) -> None:
    round_id = make_round().id
    assert "Spring round takes in proposals: write yours" in client.sign_in(PROPOSER).get("/").text
    make_proposal(rounds.get_round(round_id))
    assert "write yours" not in client.get("/").text


def test_a_round_that_is_not_open_offers_no_form(client: PageClient) -> None:
    round_ = make_round()
    make_proposal(round_)
    advance(round_, RoundState.SCORING)
    page = client.sign_in(COORDINATOR).get(f"/rounds/{round_.id}/proposals/add", status=409).text
    assert "This round is not open for proposals" in page


@pytest.mark.parametrize(
    ("email", "submitted", "draft"),
    [
        (COORDINATOR, 200, 200),
        ("coordinator@bcp.example", 403, 403),
        ("member@dorset.example", 200, 403),
        ("member@bcp.example", 403, 403),
        (HEALTH, 200, 403),
        ("auditor@audit.example", 200, 403),
        ("opcc.officer@opcc.example", 403, 403),
        ("finance.officer@dorset.example", 403, 403),
        ("administrator@dorset.example", 403, 403),
        (PROPOSER, 403, 403),
    ],
)
def test_who_reads_a_proposal_of_the_council_to_dorset(
    client: PageClient, email: str, submitted: int, draft: int
) -> None:
    round_ = make_round()
    one = make_proposal(round_, by_organisation="Dorset Council").id
    other = make_draft(round_, "Draft", by_organisation="Dorset Council").id
    finish_organisations(round_, HEALTH)
    client.sign_in(email).get(f"/proposals/{one}", status=submitted)
    client.get(f"/proposals/{other}", status=draft)


def test_a_proposal_asked_of_both_is_read_by_both(client: PageClient) -> None:
    round_ = make_round()
    number, round_id = make_proposal(round_, costs=BOTH).id, round_.id
    page = client.sign_in("member@bcp.example").get(f"/proposals/{number}").text
    assert "£5,000.00" in page
    client.get(f"/proposals/{number}/edit/about", status=403)
    assert "Street mentors" in client.get(f"/rounds/{round_id}/proposals").text


def test_a_proposer_writes_for_their_own_organisation_alone(client: PageClient) -> None:
    round_ = make_round()
    round_id, council = round_.id, str(organisation("Dorset Council").id)
    theirs = make_draft(round_, "Theirs", by_organisation="Dorset Council").id
    client.sign_in(PROPOSER)
    data = {"organisation_id": council, "title": "x"}
    assert "Choose one from the list" in client.post(f"/rounds/{round_id}/proposals/add", data, status=200).text
    for url in (f"/proposals/{theirs}/edit/about", f"/proposals/{theirs}/check", f"/proposals/{theirs}/withdraw"):
        client.get(url, status=403)
        client.post(url, {}, status=403)
    assert "Theirs" not in client.get(f"/rounds/{round_id}/proposals").text
    assert "Theirs" not in client.get(f"/rounds/{round_id}/proposals.csv").text


def test_the_list_as_a_file_keeps_text_as_text(client: PageClient) -> None:
    round_id = make_round().id
    make_proposal(rounds.get_round(round_id), "=HYPERLINK(1)", costs=BOTH)
    text = client.sign_in(COORDINATOR).get(f"/rounds/{round_id}/proposals.csv").text
    assert "'=HYPERLINK(1)" in text
    assert "5000.00" in text


def test_pages_need_few_queries(client: PageClient) -> None:
    round_ = make_round()
    number, round_id = make_proposal(round_, costs=BOTH).id, round_.id
    draft = make_draft(round_, "Another", costs=BOTH).id
    for _ in range(4):
        make_proposal(rounds.get_round(round_id), "More", costs=BOTH)
    client.sign_in(COORDINATOR)
    for url in (
        f"/proposals/{number}",
        f"/proposals/{draft}/check",
        f"/proposals/{draft}/edit/about",
        f"/proposals/{draft}/edit/costs",
        f"/proposals/{draft}/edit/delivery",
        f"/rounds/{round_id}",
        f"/rounds/{round_id}/proposals",
        f"/rounds/{round_id}/interests",
    ):
        client.get(url)
        assert len(client.queries) <= 25, (url, len(client.queries), client.queries)
