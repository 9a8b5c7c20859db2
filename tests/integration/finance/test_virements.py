"""Virements: asked for, approved by another, applied at once; every limit on every path (FIGURES.md 17 and 20)."""

import datetime as dt
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from flask import Flask

from svd_tracker import db as database
from svd_tracker.accounts import services as accounts
from svd_tracker.approvals.models import ApprovalKind
from svd_tracker.audit import queries as audit
from svd_tracker.calculations.figures import Category
from svd_tracker.calculations.moves import Shift, reversal_of
from svd_tracker.errors import ChangedMeanwhile, NotAllowed, Refused
from svd_tracker.extensions import db
from svd_tracker.finance import queries as finance
from svd_tracker.finance import services
from svd_tracker.finance.models import Funding
from svd_tracker.finance.moves import queries
from svd_tracker.finance.moves import services as moves
from svd_tracker.finance.moves.models import Virement, VirementState
from svd_tracker.grants import queries as grants
from svd_tracker.grants import services as grant_services
from svd_tracker.grants.models import Grant
from tests.integration.finance.money_rows import make_funding, post
from tests.integration.finance.move_rows import (
    COORDINATOR,
    MINUTE,
    OCTOBER,
    OFFICER,
    OPCC,
    approve,
    ask,
    by,
    claim,
    pence_of,
    seen,
    three_fundings,
    totals,
)
from tests.support.money import SHARES, holder, make_approval, make_grant
from tests.support.stores import Store
from tests.support.world import act

pytestmark = pytest.mark.db


@pytest.fixture
def grant(app: Flask) -> Grant:
    return make_grant()


@pytest.fixture
def year(grant: Grant) -> tuple[Funding, Funding, Funding]:
    return three_fundings(grant)


def set_limit(pence: int) -> None:
    accounts.change_setting("free_movement_pence", str(pence), holder("dorset").area_id, "Agreed", act())
    db.session.commit()


def test_a_virement_moves_nothing_before_it_is_approved_and_everything_then(
    grant: Grant, year: tuple[Funding, Funding, Funding]
) -> None:
    tool, nurse, _ = year
    before = totals(grant)
    virement = ask(tool, nurse, 1_500_00)
    assert (virement.ref, virement.state) == ("V-0001", VirementState.REQUESTED)
    assert pence_of(tool, nurse) == [10_000_00, 8_000_00]
    approve(virement)
    assert pence_of(tool, nurse) == [8_500_00, 9_500_00]
    assert finance.profile_of(tool.id) == {1: 2_500_00, 2: 2_500_00, 3: 2_500_00, 4: 1_000_00}
    assert totals(grant) == before
    approval = virement.approval
    assert approval is not None
    assert (approval.kind, approval.amount_pence, approval.minute_ref) == (
        ApprovalKind.VIREMENT,
        1_500_00,
        "CSP/25/40",
    )
    assert finance.newest_version(nurse.id).approval_id == approval.id
    line = audit.history("virement", moves.subject_ref(virement))
    assert [each.action for each in line] == ["approve", "request"]


def test_the_floor_is_what_was_claimed_to_the_penny(year: tuple[Funding, Funding, Funding]) -> None:
    tool, nurse, _ = year
    claim(tool, 5_000_00, 1)
    claim(tool, 6_000_00, 2)
    with pytest.raises(Refused, match=r"must keep £6,000\.00 or more: its newest certified return claimed") as refused:
        ask(tool, nurse, 4_000_01)
    assert refused.value.field == f"funding_{tool.id}"
    db.session.rollback()
    waiting = ask(tool, nurse, 4_000_00)
    claim(tool, 6_000_01, 3)
    with pytest.raises(Refused, match=r"must keep £6,000\.01"):
        moves.approve_virement(by(OPCC), waiting, MINUTE, note="", versions_seen=seen(waiting))
    db.session.rollback()
    assert pence_of(tool, nurse) == [10_000_00, 8_000_00]


def test_below_what_is_spent_it_may_and_says_by_how_much(year: tuple[Funding, Funding, Funding]) -> None:
    tool, nurse, _ = year
    post(tool, 9_000_00)
    plan = moves.check_virement(
        tool.holder_id, tool.grant_id, 2025, [Shift(tool.id, 4, -3_000_00), Shift(nurse.id, 4, 3_000_00)]
    )
    assert [each.below_spent for each in plan.fundings] == [2_000_00, 0]
    approve(ask(tool, nurse, 3_000_00))
    assert pence_of(tool) == [7_000_00]


def test_a_closed_quarter_keeps_its_profile(year: tuple[Funding, Funding, Funding]) -> None:
    tool, nurse, _ = year
    services.close_quarters(
        act(), holder_id=tool.holder_id, grant_id=tool.grant_id, fy=2025, quarters=[1], ledger_seq=0, return_ref="R-1"
    )
    db.session.commit()
    with pytest.raises(Refused, match="Q1 is closed"):
        ask(tool, nurse, 100, quarter=1)
    db.session.rollback()
    approve(ask(tool, nurse, 7_000_00))
    assert finance.profile_of(tool.id) == {1: 2_500_00, 2: 2_500_00, 3: 2_500_00, 4: -4_500_00}


def test_no_virement_leaves_its_holder_its_grant_or_its_year(
    grant: Grant, year: tuple[Funding, Funding, Funding]
) -> None:
    tool = year[0]
    others = {
        "stays with one holder": make_funding(grant, 100_00, title="Theirs", of="bcp"),
        "stays in one grant": make_funding(make_grant(2025, "OTHER"), 100_00, title="Another funder's"),
    }
    for words, other in others.items():
        for shifts in ([(tool, -100), (other, 100)], [(other, -100), (tool, 100)]):
            with pytest.raises(Refused, match=words):
                moves.check_virement(
                    tool.holder_id, grant.id, 2025, [Shift(funding.id, 4, pence) for funding, pence in shifts]
                )
    with pytest.raises(Refused, match="stays with one holder"):
        moves.check_virement(tool.holder_id, grant.id, 2025, [Shift(tool.id, 4, -1), Shift(999, 4, 1)])


def test_nothing_is_carried_to_another_year_on_any_path(grant: Grant, year: tuple[Funding, Funding, Funding]) -> None:
    """There is no path that moves money across years: what the next year has comes from its own award alone."""
    tool = year[0]
    later = make_grant(2026)
    next_year = make_funding(later, 100_00, fy=2026)
    twin = make_funding(grant, 100_00, title="Next year")  # of the same grant, in a year that is not this one
    for of, other in ((2025, next_year), (2026, tool)):
        with pytest.raises(Refused, match="stays in"):
            moves.check_virement(
                tool.holder_id, grant.id, of, [Shift(tool.id, 4, -100), Shift(other.id, 4, 100), Shift(twin.id, 4, 0)]
            )
    with pytest.raises(Refused, match="not carried to another year"):
        moves.check_virement(tool.holder_id, grant.id, 2026, [Shift(tool.id, 4, -100), Shift(twin.id, 4, 100)])
    with pytest.raises(Refused, match="from 1 April 2025 to 31 March 2026"):
        post(tool, 100_00, dt.date(2026, 4, 1), on=dt.date(2026, 4, 20))
    db.session.rollback()
    assert totals(grant)[0] == totals(later, 2026)[0]
    assert {kind.value for kind in ApprovalKind} == {"award", "decision", "direct", "virement", "reallocation"}


def test_between_labour_and_non_labour_the_funder_must_agree(
    grant: Grant, year: tuple[Funding, Funding, Funding]
) -> None:
    tool, _, labour = year
    award, lines, own = totals(grant)
    with pytest.raises(Refused, match="funder's reference") as refused:
        ask(labour, tool, 2_000_00)
    assert refused.value.field == "funder_ref"
    db.session.rollback()
    virement = approve(ask(labour, tool, 2_000_00, funder_ref="HO/25/117"))
    now, lines_now, own_now = totals(grant)
    assert now == award
    for then, after in ((lines, lines_now), (own, own_now)):
        assert after[Category.LABOUR] == then[Category.LABOUR] - 2_000_00
        assert after[Category.NON_LABOUR] == then[Category.NON_LABOUR] + 2_000_00
    assert pence_of(tool, labour) == [12_000_00, 18_000_00]
    left = finance.money_left(grant.id, tool.holder_id, 2025)
    assert left[Category.LABOUR].left == SHARES["dorset"][Category.LABOUR] - 20_000_00
    versions = [version for _, version in grants.award_versions(grant.id, 2025)][:2]
    assert all(version.approval_id == virement.approval_id and "HO/25/117" in version.reason for version in versions)


def test_across_categories_an_allocation_keeps_what_was_claimed_of_it(
    grant: Grant, year: tuple[Funding, Funding, Funding]
) -> None:
    tool, _, labour = year
    claim(labour, 3_000_00)
    line = grants.find_award_line(grant.id, 2025, Category.LABOUR)
    assert line is not None
    grant_services.set_allocation(
        line, holder("dorset"), 4_000_00, make_approval(), act(), effective_on=dt.date(2025, 4, 1), reason="Cut"
    )
    db.session.commit()
    with pytest.raises(Refused, match=r"The labour allocation must keep £3,000\.00"):
        ask(labour, tool, 1_000_01, funder_ref="HO/25/117")
    db.session.rollback()
    approve(ask(labour, tool, 1_000_00, funder_ref="HO/25/117"))
    assert totals(grant)[2][Category.LABOUR] == 3_000_00


@pytest.mark.parametrize("email", [OFFICER, COORDINATOR])
def test_nobody_approves_what_they_asked_for(year: tuple[Funding, Funding, Funding], email: str) -> None:
    set_limit(5_000_00)
    virement = ask(year[0], year[1], 100_00, email=email)
    with pytest.raises(NotAllowed):
        approve(virement, email)
    db.session.rollback()
    with pytest.raises(NotAllowed):
        moves.refuse_virement(by(email), virement, "No")
    db.session.rollback()
    approve(virement)


def test_up_to_the_limit_of_the_year_the_coordinator_approves_and_above_it_the_opcc(
    year: tuple[Funding, Funding, Funding],
) -> None:
    tool, nurse, _ = year
    set_limit(1_000_00)
    first, second = ask(tool, nurse, 600_00), ask(tool, nurse, 400_00)
    third = ask(tool, nurse, 1)
    approve(first, COORDINATOR)
    approve(second, COORDINATOR)
    with pytest.raises(NotAllowed, match="the OPCC's officer"):
        approve(third, COORDINATOR)
    db.session.rollback()
    approve(third, OPCC)
    for stranger in ("coordinator@bcp.example", "member@dorset.example", "auditor@audit.example", OFFICER):
        another = ask(tool, nurse, 1, email=COORDINATOR)
        with pytest.raises(NotAllowed):
            approve(another, stranger)
        db.session.rollback()


def test_by_default_the_opcc_approves_every_virement(year: tuple[Funding, Funding, Funding]) -> None:
    virement = ask(year[0], year[1], 1)
    with pytest.raises(NotAllowed):
        approve(virement, COORDINATOR)
    db.session.rollback()
    approve(virement)


def test_an_approver_sees_what_changed_since_it_was_asked_for(
    grant: Grant, year: tuple[Funding, Funding, Funding]
) -> None:
    tool, nurse, _ = year
    virement = ask(tool, nurse, 1_000_00)
    looked = seen(virement)
    services.change_funding(
        act(), tool, 6_000_00, services.even_profile(6_000_00), make_approval(), "Cut", dt.date(2025, 10, 1)
    )
    db.session.commit()
    with pytest.raises(ChangedMeanwhile):
        moves.approve_virement(by(OPCC), virement, MINUTE, note="", versions_seen=looked)
    db.session.rollback()
    approve(virement)
    assert pence_of(tool, nurse) == [5_000_00, 9_000_00]
    assert virement.lines[0].before_pence == 10_000_00


def test_refused_and_withdrawn_move_nothing_and_are_final(year: tuple[Funding, Funding, Funding]) -> None:
    tool, nurse, _ = year
    refused, withdrawn = ask(tool, nurse, 100), ask(tool, nurse, 200)
    with pytest.raises(Refused, match="Say why"):
        moves.refuse_virement(by(OPCC), refused, " ")
    db.session.rollback()
    moves.refuse_virement(by(OPCC), refused, "Wait for Q3")
    with pytest.raises(NotAllowed, match="Only the person who asked"):
        moves.withdraw_virement(by(COORDINATOR), withdrawn)
    moves.withdraw_virement(by(OFFICER), withdrawn, "Not needed")
    db.session.commit()
    assert pence_of(tool, nurse) == [10_000_00, 8_000_00]
    for each, words in ((refused, "already refused"), (withdrawn, "already withdrawn")):
        with pytest.raises(Refused, match=words):
            approve(each)
        db.session.rollback()
        with pytest.raises(Refused, match=words):
            moves.withdraw_virement(by(OFFICER), each)
        db.session.rollback()


def test_only_another_virement_undoes_one(grant: Grant, year: tuple[Funding, Funding, Funding]) -> None:
    tool, nurse, _ = year

    def undo(virement: Virement) -> Virement:
        shifts = reversal_of(queries.shifts_of(virement), finance.closed_quarters(tool.holder_id, grant.id, 2025))
        undoing = moves.request_virement(
            by(OFFICER),
            holder=holder("dorset"),
            grant=grants.get_grant(virement.grant_id),
            fy=2025,
            shifts=shifts,
            reason="It was not needed",
            reverses=virement,
        )
        db.session.commit()
        return undoing

    first = ask(tool, nurse, 1_000_00, quarter=3)
    with pytest.raises(Refused, match="was not approved"):
        undo(first)
    db.session.rollback()
    approve(first)
    services.close_quarters(
        act(), holder_id=tool.holder_id, grant_id=grant.id, fy=2025, quarters=[1, 2, 3], ledger_seq=0, return_ref="R-3"
    )
    db.session.commit()
    tried = undo(first)
    with pytest.raises(Refused, match=r"V-0002 undoes it already"):
        undo(first)
    db.session.rollback()
    moves.withdraw_virement(by(OFFICER), tried)
    db.session.commit()
    approve(undo(first))
    assert pence_of(tool, nurse) == [10_000_00, 8_000_00]
    assert (
        finance.profile_of(tool.id)[3:5]
        if False
        else finance.profile_of(tool.id)
        == {
            1: 2_500_00,
            2: 2_500_00,
            3: 1_500_00,
            4: 3_500_00,
        }
    )


def test_two_approvals_at_the_same_moment_make_one(app: Flask, store: Store) -> None:
    """Each in a thread and a transaction of its own, both begun before either has finished."""
    tool, nurse, _ = three_fundings(make_grant())
    virement_id, tool_id, nurse_id = ask(tool, nurse, 1_000_00).id, tool.id, nurse.id
    db.session.rollback()
    start = Barrier(2)

    def approve_one(_number: int) -> str:
        with store.app.app_context():
            database.begin_writing()
            start.wait(10)
            virement = queries.get_virement(virement_id)
            try:
                approve(virement)
            except Refused as refused:
                db.session.rollback()
                return refused.message
            return "approved"

    with ThreadPoolExecutor(2) as pool:
        answers = sorted(pool.map(approve_one, range(2)))
    assert answers == ["This virement is already approved", "approved"]
    db.session.rollback()
    assert pence_of(db.session.get_one(Funding, tool_id), db.session.get_one(Funding, nurse_id)) == [9_000_00, 9_000_00]


def test_two_virements_at_the_same_moment_cannot_pass_the_limit(app: Flask, store: Store) -> None:
    tool, nurse, _ = three_fundings(make_grant())
    set_limit(1_000_00)
    ids = [ask(tool, nurse, 600_00).id, ask(tool, nurse, 700_00).id]
    versions, start = seen(queries.get_virement(ids[0])), Barrier(2)
    db.session.rollback()

    def approve_one(virement_id: int) -> str:
        with store.app.app_context():
            database.begin_writing()
            start.wait(10)
            virement = queries.get_virement(virement_id)
            try:
                moves.approve_virement(by(COORDINATOR), virement, MINUTE, note="", versions_seen=versions)
                db.session.commit()
            except (Refused, ChangedMeanwhile) as refused:
                db.session.rollback()
                return str(refused)
            return "approved"

    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(approve_one, ids))
    assert sorted(answer == "approved" for answer in answers) == [False, True]
    assert any("OPCC's officer" in answer for answer in answers)


def test_a_decision_on_a_future_day_is_refused(year: tuple[Funding, Funding, Funding]) -> None:
    virement = ask(year[0], year[1], 100)
    tomorrow = moves.Decided("Dorset CSP", OCTOBER + dt.timedelta(days=1), "CSP/25/41")
    with pytest.raises(Refused, match="today or in the past") as refused:
        approve(virement, decided=tomorrow)
    assert refused.value.field == "decided_on"
