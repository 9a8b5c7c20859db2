"""Fundings: opened and changed under approvals, never past what is left and the margin."""

import datetime as dt
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from flask import Flask

from svd_tracker import db as database
from svd_tracker.approvals.models import ApprovalBody, ApprovalKind
from svd_tracker.approvals.queries import get_approval, outstanding
from svd_tracker.calculations.figures import Category
from svd_tracker.errors import Refused
from svd_tracker.extensions import db
from svd_tracker.finance import facts, queries, services
from svd_tracker.grants import queries as grants
from svd_tracker.interventions import queries as interventions
from svd_tracker.interventions.models import InterventionKind
from svd_tracker.interventions.services import add_intervention, ensure_plan_line
from tests.integration.finance.money_rows import make_funding, make_intervention
from tests.support.money import SHARES, holder, make_approval, make_grant, make_terms
from tests.support.stores import Store
from tests.support.world import act

pytestmark = pytest.mark.db

NON_LABOUR = Category.NON_LABOUR
SHARE = SHARES["dorset"][NON_LABOUR]


def test_an_even_profile_adds_back_to_the_penny() -> None:
    assert services.even_profile(10_001) == {1: 2501, 2: 2500, 3: 2500, 4: 2500}
    assert services.even_profile(1_00, (3, 4)) == {1: 0, 2: 0, 3: 50, 4: 50}


def test_a_direct_decision_makes_approval_funding_and_plan_line(app: Flask) -> None:
    grant = make_grant()
    allocation = grants.find_allocation(grant.id, 2025, Category.LABOUR, holder("dorset").id)
    assert allocation is not None
    decision = services.DirectDecision(
        "Dorset CSP", dt.date(2025, 3, 27), "CSP/25/14", "Coordinator's post", (ApprovalBody.OPCC,)
    )
    funding = services.fund_directly(
        act(),
        intervention=make_intervention("Coordinator's post"),
        allocation=allocation,
        pence=40_000_01,
        profile=services.even_profile(40_000_01),
        decision=decision,
    )
    db.session.commit()
    (now,) = queries.fundings(holder("dorset").id, 2025)
    assert (now.ref, now.pence, now.category) == ("F-0001", 40_000_01, Category.LABOUR)
    assert now.profile == {1: 10_000_01, 2: 10_000_00, 3: 10_000_00, 4: 10_000_00}
    approval = get_approval(now.approval_id)
    assert (approval.kind, approval.minute_ref, approval.amount_pence) == (ApprovalKind.DIRECT, "CSP/25/14", 40_000_01)
    assert outstanding(approval) == [ApprovalBody.OPCC]
    assert interventions.find_plan_line(holder("dorset").id, 2025, funding.intervention_id) is not None
    left = queries.money_left(grant.id, holder("dorset").id, 2025)
    assert (left[Category.LABOUR].committed, left[Category.LABOUR].left) == (40_000_01, 1_200_14)
    assert left[NON_LABOUR].left == SHARE


def test_over_commitment_is_refused_with_the_sum_left(app: Flask) -> None:
    grant = make_grant()
    make_funding(grant, SHARE - 100)
    with pytest.raises(Refused, match=r"Enter £1\.00 or less") as refused:
        make_funding(grant, 101, title="Another")
    assert refused.value.field == "pence"
    db.session.rollback()
    make_funding(grant, 100, title="Another")
    with pytest.raises(Refused, match="Nothing is left"):
        make_funding(grant, 1, title="A third")


def test_the_margin_is_rounded_down(app: Flask) -> None:
    grant = make_grant()
    make_terms(grant, over_programme_bp=333, reason="Margin agreed")
    db.session.commit()
    margin = 91_330_40 * 333 // 10_000
    assert margin == 304_130  # 3.33% is 304,130.232 pence
    with pytest.raises(Refused, match=r"may pass it by £3,041\.30"):
        make_funding(grant, SHARE + margin + 1)
    db.session.rollback()
    make_funding(grant, SHARE + margin)
    left = queries.money_left(grant.id, holder("dorset").id, 2025)[NON_LABOUR]
    assert (left.left, left.margin, left.available) == (-margin, margin, 0)


def test_the_same_intervention_is_raised(app: Flask) -> None:
    grant = make_grant()
    first = make_funding(grant, 1_000_00)
    second = make_funding(grant, 500_00)
    assert first.id == second.id
    (now,) = queries.fundings(holder("dorset").id, 2025)
    assert (now.pence, now.version_no, now.profile[1]) == (1_500_00, 2, 375_00)


def close(grant_id: int, quarters: list[int]) -> None:
    services.close_quarters(
        act(),
        holder_id=holder("dorset").id,
        grant_id=grant_id,
        fy=2025,
        quarters=quarters,
        ledger_seq=0,
        return_ref=f"R-{quarters[-1]}",
    )


def test_new_money_has_no_budget_in_a_closed_quarter(app: Flask) -> None:
    grant = make_grant()
    close(grant.id, [1])
    with pytest.raises(Refused, match=r"Q1 is closed, so its budget stays £0\.00"):
        make_funding(grant, 1_000_00)


def test_a_cut_is_recorded_also_when_every_quarter_is_closed(app: Flask) -> None:
    grant = make_grant()
    funding = make_funding(grant, 1_000_00)
    close(grant.id, [1, 2, 3, 4])
    services.change_funding(
        act(), funding, 400_00, services.even_profile(400_00), make_approval(400_00), "Cut", dt.date(2026, 4, 20)
    )
    db.session.commit()
    assert queries.committed(funding.allocation_id) == 400_00


def test_a_change_keeps_closed_quarters_and_may_cut(app: Flask) -> None:
    grant = make_grant()
    funding = make_funding(grant, 1_000_00)
    services.close_quarters(
        act(),
        holder_id=holder("dorset").id,
        grant_id=grant.id,
        fy=2025,
        quarters=[1],
        ledger_seq=0,
        return_ref="R-1",
    )
    approval = make_approval(400_00)

    def change(pence: int, profile: dict[int, int]) -> None:
        services.change_funding(act(), funding, pence, profile, approval, "Less", dt.date(2025, 7, 1))

    with pytest.raises(Refused, match="Q1 is closed") as refused:
        change(400_00, {1: 100_00, 2: 100_00, 3: 100_00, 4: 100_00})
    assert refused.value.field == "profile"
    with pytest.raises(Refused, match=r"add up to £300\.00"):
        change(400_00, {1: 250_00, 2: 50_00})
    change(100_00, {1: 250_00, 2: -150_00})
    db.session.commit()
    assert queries.committed(funding.allocation_id) == 100_00
    with pytest.raises(Refused, match="Enter"):
        change(SHARE + 1, {1: 250_00, 2: SHARE + 1 - 250_00})


@pytest.mark.parametrize("pence", [0, -5])
def test_a_funding_is_above_nought(app: Flask, pence: int) -> None:
    with pytest.raises(Refused, match="above"):
        make_funding(make_grant(), pence)


def test_two_at_the_same_moment_cannot_spend_the_same_pound(app: Flask, store: Store) -> None:
    """Each in a thread and a transaction of its own, both begun before either has finished."""
    grant = make_grant()
    grant_id = grant.id
    titles = ("First", "Second")
    for title in titles:
        make_intervention(title)
    db.session.commit()
    start = Barrier(2)

    def open_one(title: str) -> str:
        with store.app.app_context():
            database.begin_writing()
            start.wait(10)
            try:
                make_funding(db.session.get_one(type(grant), grant_id), SHARE - 1, title=title)
            except Refused as refused:
                db.session.rollback()
                return refused.message
            return "opened"

    with ThreadPoolExecutor(2) as pool:
        answers = sorted(pool.map(open_one, titles), key=len)
    assert answers[0] == "opened"
    assert answers[1].startswith("Enter £0.01 or less")
    db.session.rollback()
    assert len(queries.fundings(holder("dorset").id, 2025)) == 1


def test_fundings_as_they_stood(app: Flask) -> None:
    grant = make_grant()
    make_funding(grant, 1_000_00)
    before = dt.datetime(2025, 3, 31, 12, tzinfo=dt.UTC)
    assert queries.fundings(holder("dorset").id, 2025, as_recorded_by=before) == []
    assert facts.funding_facts(holder("dorset").id, grant.id, 2025, before) == ()
    (fact,) = facts.funding_facts(holder("dorset").id, grant.id, 2025)
    assert (fact.funding_pence, fact.forecast, fact.title) == (1_000_00, None, "High harm perpetrator tool")


def test_interventions_have_refs_and_plan_lines_versions(app: Flask) -> None:
    area_id = holder("dorset").area_id
    first = add_intervention(area_id, InterventionKind.PROJECT, "Level-Up", act())
    assert first.ref == "INT-01"
    assert add_intervention(area_id, InterventionKind.PROGRAMME_COST, "Post", act(), ref="INT-07").ref == "INT-07"
    assert add_intervention(area_id, InterventionKind.PROJECT, "Nurse", act()).ref == "INT-03"
    with pytest.raises(Refused, match="already an intervention"):
        add_intervention(area_id, InterventionKind.PROJECT, "level-up", act())
    line = ensure_plan_line(holder("dorset"), 2025, first, act(), lead="A manager")
    assert ensure_plan_line(holder("dorset"), 2025, first, act()).id == line.id
    ensure_plan_line(holder("dorset"), 2025, first, act(), deliverer="A charity")
    version = interventions.newest_plan_line_versions([line.id])[line.id]
    assert (version.version_no, version.lead, version.deliverer) == (2, "A manager", "A charity")
    assert [each.id for each in interventions.plan_lines(holder("dorset").id, 2025)] == [line.id]
