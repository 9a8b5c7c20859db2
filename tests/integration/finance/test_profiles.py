"""The profile of a funding, changed without its amount (FIGURES.md 17), and what of its costs can still rise."""

import datetime as dt
from dataclasses import replace

import pytest
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st

from svd_tracker.calculations.figures import Category
from svd_tracker.errors import ChangedMeanwhile, Refused
from svd_tracker.extensions import db
from svd_tracker.finance import queries, services
from svd_tracker.finance.models import Funding
from svd_tracker.finance.profiles import change_profile, spread
from svd_tracker.rounds.models import RoundState
from tests.integration.decisions.support import BOTH, decide
from tests.integration.finance.money_rows import JULY, make_funding, post
from tests.integration.finance.test_pages import COORDINATOR, OFFICER, said
from tests.integration.scoring.support import score_all
from tests.support.chains import assert_chains_whole
from tests.support.client import PageClient
from tests.support.money import holder, make_grant
from tests.support.rounds import advance, full_content, make_proposal, make_round
from tests.support.world import act

db_test = pytest.mark.db


@pytest.fixture
def funding(app: Flask) -> Funding:
    app.config["TODAY"] = JULY
    return make_funding(make_grant(), 10_000_01)


def profile(funding_id: int = 1) -> list[int]:
    return [each.pence for each in queries.newest_version(funding_id).quarters]


def close(funding: Funding, quarter: int) -> None:
    services.close_quarters(
        act(on=JULY),
        holder_id=holder("dorset").id,
        grant_id=funding.grant_id,
        fy=2025,
        quarters=[quarter],
        ledger_seq=queries.ledger_seq(holder("dorset").id),
        return_ref=f"SVD-2025/dorset/Q{quarter}/1",
    )
    db.session.commit()


@pytest.mark.unit
@given(
    pence=st.integers(0, 10**9),
    standing=st.lists(st.integers(-(10**9), 10**9), min_size=4, max_size=4),
    closed=st.sets(st.sampled_from([1, 2, 3, 4]), max_size=3),
    weights=st.lists(st.integers(1, 10**9), min_size=4, max_size=4),
)
def test_a_spread_adds_back_and_leaves_closed_quarters(
    pence: int, standing: list[int], closed: set[int], weights: list[int]
) -> None:
    now = dict(zip((1, 2, 3, 4), standing, strict=True))
    found = spread(pence, now, closed, dict(zip((1, 2, 3, 4), weights, strict=True)))
    assert sum(found.values()) == pence
    assert all(found[quarter] == now[quarter] for quarter in closed)


@pytest.mark.unit
def test_a_spread_needs_a_weight_where_it_can_go() -> None:
    assert spread(100, {1: 40, 2: 60}, {1}, {2: 1, 4: 2}) == {1: 40, 2: 20, 3: 0, 4: 40}
    assert spread(100, {1: 140}, {1}, {2: 1, 3: 1}) == {1: 140, 2: -20, 3: -20, 4: 0}
    with pytest.raises(Refused, match="no costs in a quarter that is open"):
        spread(100, {1: 40}, {1}, {1: 5})


@db_test
def test_the_amount_and_the_approval_stay(funding: Funding) -> None:
    before = queries.newest_version(funding.id)
    after = change_profile(act(on=JULY), funding, {1: 1, 2: 0, 3: 0, 4: 10_000_00}, "Starts late", 1)
    assert (after.pence, after.approval_id, after.version_no) == (before.pence, before.approval_id, 2)
    assert (after.effective_on, after.reason) == (JULY, "Starts late")
    assert profile() == [1, 0, 0, 10_000_00]
    assert change_profile(act(on=JULY), funding, {1: 1, 4: 10_000_00}, "Again", 1) is after
    with pytest.raises(ChangedMeanwhile):
        change_profile(act(on=JULY), funding, {1: 0, 4: 10_000_01}, "Other", 1)
    with pytest.raises(Refused, match=r"add up to £10,000\.01"):
        change_profile(act(on=JULY), funding, {1: 0, 4: 10_000_00}, "Short", 2)
    with pytest.raises(Refused, match="Say why"):
        change_profile(act(on=JULY), funding, {1: 0, 4: 10_000_01}, " ", 2)
    db.session.commit()
    assert_chains_whole()


@db_test
def test_closed_quarters_stay_and_open_ones_may_go_below_nought(funding: Funding) -> None:
    close(funding, 1)
    first = profile()[0]
    with pytest.raises(Refused, match="Q1 is closed") as refused:
        change_profile(act(on=JULY), funding, {1: 0, 2: 10_000_01}, "All later", 1)
    assert refused.value.field == "profile"
    change_profile(act(on=JULY), funding, {1: first, 2: -1, 4: 10_000_02 - first}, "Credit expected", 1)
    assert profile() == [first, -1, 0, 10_000_02 - first]
    for quarter in (2, 3, 4):
        close(funding, quarter)
    with pytest.raises(Refused, match="Every quarter is closed"):
        change_profile(act(on=JULY), funding, {1: 10_000_01}, "Too late", 2)


@db_test
def test_the_page_spreads_by_hand_or_evenly_once(client: PageClient, funding: Funding) -> None:
    close(funding, 1)
    client.sign_in(OFFICER)
    page = client.get("/fundings/1/profile").get_data(as_text=True)
    assert 'name="q1"' not in page
    assert 'value="costs"' not in page
    typed = {"spread": "hand", "q2": "0", "q3": "0", "q4": "7,500.01", "reason": "Late", "row_version": "1"}
    assert "must add up to £10,000.01" in said(client.post("/fundings/1/profile", typed, 200))
    rest = 10_000_01 - profile()[0]
    typed |= {"q4": f"{rest // 100}.{rest % 100:02d}", "once_key": "a" * 32}
    client.post("/fundings/1/profile", typed)
    client.post("/fundings/1/profile", typed)
    assert queries.newest_version(1).version_no == 2
    stale = {**typed, "q4": "0.00", "q2": typed["q4"], "once_key": "b" * 32}
    assert "Somebody else" in said(client.post("/fundings/1/profile", stale, 200))
    client.post("/fundings/1/profile", {**typed, "spread": "even", "row_version": "2", "once_key": "c" * 32})
    assert sum(profile()) == 10_000_01
    assert max(profile()[1:]) - min(profile()[1:]) <= 1
    client.sign_in("member@dorset.example").get("/fundings/1/profile", 403)
    assert "Change the profile" in said(client.sign_in(COORDINATOR).get("/fundings/1"))


@db_test
def test_from_the_costs_of_the_proposal_and_what_can_still_rise(client: PageClient, app: Flask) -> None:
    app.config["TODAY"] = JULY
    round_ = make_round()
    content = full_content("Project 1", BOTH)
    costs = tuple(
        replace(each, quarter=2, pay_award_pending=each.category is Category.LABOUR) for each in content.costs
    )
    proposal = make_proposal(round_, "Project 1", costs=BOTH, content=replace(content, costs=costs))
    advance(round_, RoundState.SCORING)
    score_all(round_, proposal)
    advance(round_, RoundState.DECIDING)
    decide(proposal)
    found = next(each for each in queries.fundings(holder("dorset").id, 2025) if each.category is Category.LABOUR)
    funding_id, pence = found.id, found.pence
    url = f"/fundings/{funding_id}"
    client.sign_in(COORDINATOR)
    asked = dict(found.profile)
    client.post(
        f"{url}/profile",
        {"spread": "even", "reason": "Even", "row_version": str(found.version_no), "once_key": "a" * 32},
    )
    assert profile(funding_id) == [pence // 4] * 4
    version = str(found.version_no + 1)
    client.post(
        f"{url}/profile", {"spread": "costs", "reason": "As asked", "row_version": version, "once_key": "b" * 32}
    )
    assert profile(funding_id) == [asked[quarter] for quarter in (1, 2, 3, 4)] == [0, pence, 0, 0]
    for page in (url, f"{url}/forecast"):
        words = said(client.get(page))
        assert f"£{pence // 100:,}.{pence % 100:02d} of this funding’s costs can still rise" in words
    other = next(each for each in queries.fundings(holder("dorset").id, 2025) if each.category is not Category.LABOUR)
    assert "can still rise" not in said(client.get(f"/fundings/{other.id}"))


@db_test
def test_above_the_funding_is_said_to_be_locally_funded(client: PageClient, funding: Funding) -> None:
    post(funding, 4_000_00, dt.date(2025, 5, 6))
    services.save_forecast(act(on=JULY), funding, {2: 2_500_00, 3: 2_500_00, 4: 2_500_01}, "More children", 0)
    db.session.commit()
    client.sign_in(OFFICER)
    for page in ("/fundings/1", "/fundings/1/forecast"):
        assert "above the funding by £1,500.00: it shows as locally funded" in said(client.get(page))
    assert "version 1, stands in the boxes" in said(client.get("/fundings/1/forecast"))
