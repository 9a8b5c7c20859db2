"""The pages of rounds: who sees them, what they say, what they do with bad input."""

import dataclasses
import re

import pytest
from flask import Flask

from svd_tracker.extensions import db
from svd_tracker.rounds import queries, services
from svd_tracker.rounds.models import RoundState
from tests.support.client import PageClient
from tests.support.money import make_grant
from tests.support.rounds import ASSESSORS, COORDINATOR, advance, make_draft, make_proposal, make_round, person
from tests.support.world import DAY, act

pytestmark = pytest.mark.db

DATES = {"opens_on-day": "1", "opens_on-month": "3", "opens_on-year": "2025"}
CLOSES = {"closes_on-day": "30", "closes_on-month": "4", "closes_on-year": "2025"}


@pytest.fixture(autouse=True)
def _in_april(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(app.config, "TODAY", DAY)


def test_an_empty_list_says_what_to_do(client: PageClient) -> None:
    assert "Add one, say whose money" in client.sign_in(COORDINATOR).get("/rounds").text


def test_a_round_is_set_up_on_screen(client: PageClient) -> None:
    grant_id = make_grant().id
    client.sign_in(COORDINATOR)
    page = client.get("/rounds/add").text
    key = re.search(r'name="once_key"[^>]*value="([0-9a-f]{32})"', page)
    assert key
    data = {"year": f"{grant_id}-2025", "name": "Spring round", "once_key": key[1], **DATES, **CLOSES}
    led_to = client.post("/rounds/add", data).location
    assert client.post("/rounds/add", data).location == led_to  # a double click makes one round
    page = client.get(led_to).text
    assert page.count("Say whose money the round is for") == 2
    round_id = int(led_to.rsplit("/", 1)[1])
    bcp, _, dorset, _ = [each.allocation_id for each in queries.possible_shares(queries.get_round(round_id))]
    bad = client.post(
        f"/rounds/{round_id}/shares",
        {"rows-0-allocation_id": str(bcp), "rows-0-kept_back_seen": "0", "rows-0-in_round": "y"},
        status=200,
    ).text
    assert "Your own partnership must take part" in bad
    client.post(
        f"/rounds/{round_id}/shares",
        {
            "rows-2-allocation_id": str(dorset),
            "rows-2-kept_back_seen": "0",
            "rows-2-in_round": "y",
            "rows-2-kept_back": "1,000.50",
        },
    )
    client.post(f"/rounds/{round_id}/assessors", {"person_id": str(person("assessor.health@nhs.example").id)})
    page = client.get(f"/rounds/{round_id}").text
    assert "£1,000.50" in page
    assert "Health assessor" in page
    client.post(f"/rounds/{round_id}/move/open", {"row_version": str(queries.get_round(round_id).row_version)})
    assert queries.get_round(round_id).state is RoundState.OPEN


def test_dates_that_are_not_real_are_told_at_the_field(client: PageClient) -> None:
    grant = make_grant()
    data = {"year": f"{grant.id}-2025", "name": "R", **CLOSES, **DATES, "opens_on-day": "31", "opens_on-month": "2"}
    page = client.sign_in(COORDINATOR).post("/rounds/add", data, status=200).text
    assert "Opens on must be a real date" in page
    assert 'id="opens_on-error"' in page


def test_money_is_told_at_its_row(client: PageClient) -> None:
    round_ = make_round()
    url = f"/rounds/{round_.id}/shares"
    first, second, *_ = [str(each.allocation_id) for each in queries.possible_shares(round_)]
    data = {"rows-0-allocation_id": first, "rows-0-kept_back_seen": "0", "rows-0-kept_back": "lots"}
    page = client.sign_in(COORDINATOR).post(url, data, status=200).text
    assert "Enter an amount in pounds, like 1,250.00" in page
    page = client.post(
        url,
        {"rows-0-allocation_id": second, "rows-0-kept_back_seen": "0", "rows-0-kept_back": "999,999.00"},
        status=200,
    ).text
    assert 'href="#rows-0-kept_back"' in page
    assert "You cannot keep back more than the allocation" in page
    assert 'value="999,999.00"' in page


def test_two_people_keeping_money_back(client: PageClient) -> None:
    round_ = make_round(kept_back=700_00)
    url = f"/rounds/{round_.id}/shares"
    first = str(queries.possible_shares(round_)[0].allocation_id)
    data = {"rows-0-allocation_id": first, "rows-0-kept_back_seen": "0", "rows-0-kept_back": "55.00"}
    page = client.sign_in(COORDINATOR).post(url, data, status=200).text
    assert "Somebody else changed this to £700.00" in page
    assert 'value="55.00"' in page
    client.post(url, {**data, "rows-0-kept_back_seen": "70000"})


def test_two_people_editing_a_round(client: PageClient) -> None:
    round_ = make_round()
    seen = str(round_.row_version)
    services.edit_round(round_, "Renamed", round_.opens_on, round_.closes_on, round_.row_version, act())
    db.session.commit()
    data = {"name": "Mine", "row_version": seen, **DATES, **CLOSES}
    page = client.sign_in(COORDINATOR).post(f"/rounds/{round_.id}/edit", data, status=200).text
    assert "Somebody else changed this after you opened it" in page
    assert "Renamed" in page
    assert 'value="Mine"' in page


def test_a_criterion_is_added_changed_and_previewed(client: PageClient) -> None:
    round_ = make_round(state=RoundState.PREPARING, criteria=())
    round_id = round_.id
    version = str(round_.scheme.row_version)
    client.sign_in(COORDINATOR)
    url = f"/rounds/{round_id}/scheme"
    data = {
        "name": "Need",
        "ref": "C1",
        "kind": "weighted",
        "weight": "12.5",
        "row_version": version,
        "points-0-mark": "0",
        "points-0-words": "No need shown",
        "points-1-mark": "2.5",
        "points-1-words": "Some need",
    }
    bad = client.post(f"{url}/criteria/add", {**data, "weight": "heavy"}, status=200).text
    assert "Enter a number, like 12 or 12.5" in bad
    bad = client.post(f"{url}/criteria/add", {**data, "points-1-mark": ""}, status=200).text
    assert "Enter the mark, like 3" in bad
    more = client.post(f"{url}/criteria/add", {**data, "more": "1"}, status=200).text
    assert more.count("What it means") > 2
    client.post(f"{url}/criteria/add", data)
    (criterion,) = queries.criteria_of(queries.get_round(round_id).scheme)
    criterion_id = criterion.id
    assert (criterion.weight_hundredths, [p.hundredths for p in criterion.points]) == (1250, [0, 250])
    assert 'value="12.5"' in client.get(f"{url}/criteria/{criterion_id}").text
    assert "No need shown" in client.get(f"{url}/preview").text
    gate = {"name": "Policy", "ref": "G1", "kind": "gate", "row_version": version}
    client.post(f"{url}/criteria/add", gate)
    assert "Pass or fail" in client.get(url).text
    client.post(f"{url}/criteria/{criterion_id}/remove")
    assert [each.ref for each in queries.criteria_of(queries.get_round(round_id).scheme)] == ["G1"]


def test_two_people_changing_one_criterion(client: PageClient) -> None:
    round_ = make_round()
    need = queries.criteria_of(round_.scheme)[1]
    url, seen = f"/rounds/{round_.id}/scheme/criteria/{need.id}", str(round_.scheme.row_version)
    changed = dataclasses.replace(services.content_of(need), weight_hundredths=45_50)
    services.save_criterion(round_, act(), changed, criterion=need)
    db.session.commit()
    data = {"name": "Need", "ref": "C1", "kind": "weighted", "weight": "41", "row_version": seen}
    rows = {
        f"points-{n}-{name}": text
        for n, row in enumerate((("0", "No"), ("5", "Yes")))
        for name, text in zip(("mark", "words"), row, strict=True)
    }
    page = client.sign_in(COORDINATOR).post(url, {**data, **rows}, status=200).text
    assert "Somebody else changed this" in page
    assert "45.5" in page
    assert 'value="41"' in page
    settings = {"overall_minimum": "50", "tie_rule": "shared", "least_scorers": "1", "row_version": seen}
    page = client.post(url.rsplit("/", 2)[0], settings, status=200).text
    assert "<strong>50</strong>" in page


def test_a_scheme_is_copied_on_screen(client: PageClient) -> None:
    first = make_round()
    second = make_round(first.grant, state=RoundState.PREPARING, criteria=(), name="Autumn round")
    client.sign_in(COORDINATOR).post(f"/rounds/{second.id}/scheme/copy", {"from_round_id": str(first.id)})
    assert len(queries.criteria_of(queries.get_round(second.id).scheme)) == 4


def test_a_frozen_scheme_says_so(client: PageClient) -> None:
    round_ = make_round()
    round_id, criterion_id = round_.id, queries.criteria_of(round_.scheme)[1].id
    services.freeze_scheme(round_.scheme, act())
    db.session.commit()
    page = client.sign_in(COORDINATOR).get(f"/rounds/{round_id}/scheme").text
    assert "Nothing here changes any more" in page
    assert "Add a criterion" not in page
    client.get(f"/rounds/{round_id}/scheme/criteria/{criterion_id}", status=409)


def test_a_step_that_was_taken_meanwhile(client: PageClient) -> None:
    round_ = make_round(state=RoundState.PREPARING)
    data = {"row_version": str(round_.row_version)}
    client.sign_in(COORDINATOR).post(f"/rounds/{round_.id}/move/open", data)
    client.post(f"/rounds/{round_.id}/move/open", data, status=409)


def test_a_step_back_asks_for_its_reason(client: PageClient) -> None:
    round_ = make_round()
    data = {"row_version": str(round_.row_version)}
    page = client.sign_in(COORDINATOR).post(f"/rounds/{round_.id}/move/preparing", data, status=200).text
    assert "Enter a reason" in page
    client.post(f"/rounds/{round_.id}/move/preparing", {**data, "reason": "Too early"})


@pytest.mark.parametrize(
    ("email", "status"),
    [
        (COORDINATOR, 200),
        ("member@dorset.example", 200),
        ("coordinator@bcp.example", 403),
        ("member@bcp.example", 403),
        ("opcc.officer@opcc.example", 200),
        ("auditor@audit.example", 200),
        ("assessor.health@nhs.example", 200),
        ("assessor.police@police.example", 403),
        ("proposer@charity.example", 200),
        ("finance.officer@dorset.example", 403),
        ("administrator@dorset.example", 403),
    ],
)
def test_who_opens_a_round_of_dorset_alone(client: PageClient, email: str, status: int) -> None:
    round_ = make_round(holders=("dorset",), assessors=("assessor.health@nhs.example",))
    client.sign_in(email).get(f"/rounds/{round_.id}", status=status)
    client.get(f"/rounds/{round_.id}/edit", status=200 if email == COORDINATOR else 403)


def test_a_proposer_finds_no_round_in_preparation(client: PageClient) -> None:
    round_ = make_round(state=RoundState.PREPARING)
    client.sign_in("proposer@charity.example").get(f"/rounds/{round_.id}", status=404)
    assert round_.name not in client.get("/rounds").text


def test_the_round_page_in_few_queries_and_words_for_each(client: PageClient) -> None:
    round_ = make_round()
    make_proposal(round_, "Street mentors")
    make_draft(round_, "Boxing club", by_organisation="Dorset Council")
    page = client.sign_in(COORDINATOR).get(f"/rounds/{round_.id}").text
    assert len(client.queries) <= 28
    assert "£12,000.00" in page  # asked of Dorset for labour
    assert "Boxing club" in page
    page = client.sign_in("proposer@charity.example").get(f"/rounds/{round_.id}").text
    assert "Street mentors" in page
    assert "Boxing club" not in page
    assert "Asked for" in page  # its own list alone
    assert "Kept back" not in page
    page = client.sign_in("member@bcp.example").get(f"/rounds/{round_.id}").text
    assert "Street mentors" not in page  # asked of Dorset alone (DESIGN.md rule 10)


def test_what_waits_for_whom(client: PageClient) -> None:
    round_ = make_round()
    round_id = round_.id
    make_proposal(round_)
    make_draft(round_, "Boxing club")
    assert "1 proposal submitted, 1 not finished" in client.sign_in(COORDINATOR).get("/").text
    assert "Finish your proposal Boxing club" in client.sign_in("proposer@charity.example").get("/").text
    advance(queries.get_round(round_id), RoundState.SCORING)
    assert "Declare your interests for Spring round" in client.sign_in("assessor.health@nhs.example").get("/").text


def test_pages_of_the_scheme_need_few_queries(app: Flask, client: PageClient) -> None:
    round_ = make_round()
    client.sign_in(COORDINATOR).get(f"/rounds/{round_.id}/scheme")
    assert len(client.queries) <= 25
    client.get("/rounds")
    assert len(client.queries) <= 25


def test_each_partnership_sees_its_own_money_and_a_proposer_the_sum(app: Flask, client: PageClient) -> None:
    round_ = make_round()
    make_proposal(round_)
    url = f"/rounds/{round_.id}"
    dorset, bcp, together = "£91,330.40", "£92,257.23", "£183,587.63"
    for email, seen in (
        ("coordinator@dorset.example", {dorset}),
        ("member@dorset.example", {dorset}),
        ("member@bcp.example", {bcp}),
        ("proposer@charity.example", {together}),
        (ASSESSORS[0], {dorset, bcp}),
        ("opcc.officer@opcc.example", {dorset, bcp}),
        ("auditor@audit.example", {dorset, bcp}),
    ):
        page = client.sign_in(email).get(url).get_data(as_text=True)
        assert {amount for amount in (dorset, bcp, together) if amount in page} == seen, email
