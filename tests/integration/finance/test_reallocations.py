"""Reallocations between holders: no award moves, no floor breaks, what a cut left provisional is settled."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from flask import Flask

from svd_tracker import db as database
from svd_tracker.approvals.models import ApprovalKind
from svd_tracker.calculations.figures import Category
from svd_tracker.errors import ChangedMeanwhile, Refused
from svd_tracker.extensions import db
from svd_tracker.finance import queries as finance
from svd_tracker.finance.moves import queries
from svd_tracker.finance.moves.models import Reallocation
from svd_tracker.finance.moves.reallocation_services import check_reallocation, reallocate
from svd_tracker.grants import queries as grants
from svd_tracker.grants import services as grant_services
from svd_tracker.grants.models import Grant
from tests.integration.finance.money_rows import make_funding
from tests.integration.finance.move_rows import MINUTE, OPCC, by, claim, totals
from tests.support.money import AWARD, SHARES, holder, make_approval, make_grant
from tests.support.stores import Store
from tests.support.world import act

pytestmark = pytest.mark.db

NON_LABOUR, LABOUR = Category.NON_LABOUR, Category.LABOUR


def share(grant: Grant, of: str, category: Category = NON_LABOUR, fy: int = 2025) -> int:
    found = grants.find_allocation(grant.id, fy, category, holder(of).id)
    assert found is not None
    return found.id


def move(grant: Grant, changes: dict[int, int], fy: int = 2025) -> Reallocation:
    made = reallocate(by(OPCC), grant, fy, changes, MINUTE, "Underspend reported at Q3")
    db.session.commit()
    return made


def test_it_moves_shares_and_nothing_else(app: Flask) -> None:
    grant = make_grant()
    award, lines, _ = totals(grant)
    made = move(grant, {share(grant, "dorset"): -1_000_01, share(grant, "bcp"): 400_01, share(grant, "opcc"): 600_00})
    now, lines_now, own = totals(grant)
    assert (now, lines_now) == (award, lines)
    assert own[NON_LABOUR] == SHARES["dorset"][NON_LABOUR] - 1_000_01
    assert grants.award_table(grant.id, 2025).not_allocated == 0
    approval = made.approval
    assert (made.ref, approval.kind, approval.amount_pence) == ("R-0001", ApprovalKind.REALLOCATION, 1_000_01)
    assert [line.before_pence for line in made.lines if line.delta_pence < 0] == [SHARES["dorset"][NON_LABOUR]]
    assert all(
        version.approval_id == approval.id
        for category, _, version in grants.allocation_versions(grant.id, 2025, [holder("bcp").id])[:1]
        if category is NON_LABOUR
    )
    assert move(grant, {share(grant, "dorset"): 1, share(grant, "bcp"): -1}).ref == "R-0002"


def test_the_floor_is_what_its_newest_certified_return_claimed(app: Flask) -> None:
    grant = make_grant()
    for title, pence in (("One", 30_000_00), ("Two", 20_000_00)):
        funding = make_funding(grant, pence, title=title)
        claim(funding, pence // 2, 1)
        claim(funding, pence, 2)
    mine, theirs = share(grant, "dorset"), share(grant, "bcp")
    most = SHARES["dorset"][NON_LABOUR] - 50_000_00
    with pytest.raises(Refused, match=r"Dorset non-labour must keep £50,000\.00 or more") as refused:
        move(grant, {mine: -most - 1, theirs: most + 1})
    assert refused.value.field == f"allocation_{holder('dorset').id}_non_labour"
    db.session.rollback()
    move(grant, {mine: -most, theirs: most})
    assert finance.money_left(grant.id, holder("dorset").id, 2025)[NON_LABOUR].left == 0


def test_below_what_is_committed_it_may_and_shows_it(app: Flask) -> None:
    grant = make_grant()
    make_funding(grant, SHARES["dorset"][NON_LABOUR])
    changes = {share(grant, "dorset"): -5_00, share(grant, "bcp"): 5_00}
    rows = check_reallocation(grant, grants.award_table(grant.id, 2025), changes)
    assert {row.share.holder_id: row.over_committed for row in rows if row.over_committed} == {holder("dorset").id: 500}
    move(grant, changes)
    with pytest.raises(Refused, match="Nothing is left of the non-labour allocation"):
        make_funding(grant, 1, title="One more")


def test_a_move_that_does_not_come_to_nought_in_its_award_line_is_refused(app: Flask) -> None:
    grant = make_grant()
    with pytest.raises(Refused, match="labour award changes by"):
        move(grant, {share(grant, "dorset", LABOUR): -100, share(grant, "bcp"): 100})
    with pytest.raises(Refused, match="what one loses another must gain"):
        move(grant, {share(grant, "dorset"): -100, share(grant, "bcp"): 99})
    with pytest.raises(Refused, match="Enter what one holder loses"):
        move(grant, {share(grant, "dorset"): 0})


def test_no_reallocation_leaves_its_grant_or_its_year(app: Flask) -> None:
    grant, other, later = make_grant(), make_grant(2025, "OTHER"), make_grant(2026)
    for stranger, fy in ((other, 2025), (later, 2026)):
        with pytest.raises(Refused, match="nothing is carried to another year"):
            move(grant, {share(grant, "dorset"): -100, share(stranger, "dorset", fy=fy): 100})
        db.session.rollback()
    with pytest.raises(Refused):
        move(grant, {share(grant, "dorset"): -100, share(grant, "bcp"): 100}, fy=2026)
    assert totals(grant)[0] == totals(other)[0] == totals(later, 2026)[0] == sum(AWARD.values())


def test_what_a_cut_left_provisional_is_settled_in_its_category(app: Flask) -> None:
    grant = make_grant()
    for category in Category:
        grant_services.set_award(
            grant, 2025, category, 10_000_00, make_approval(), act(), effective_on=act().on, reason="Cut"
        )
    db.session.commit()
    assert all(row.provisional for row in grants.award_table(grant.id, 2025).shares)
    move(grant, {share(grant, "dorset"): -1_00, share(grant, "bcp"): 1_00})
    after = grants.award_table(grant.id, 2025)
    assert {row.category for row in after.shares if row.provisional} == {LABOUR}
    assert after.lines[NON_LABOUR].allocated == 10_000_00
    assert len(queries.get_reallocation(1).lines) == 2


def test_the_allocations_that_were_looked_at_are_those_that_move(app: Flask) -> None:
    grant = make_grant()
    seen = grants.award_table(grant.id, 2025).versions
    changes = {share(grant, "dorset"): -1_00, share(grant, "bcp"): 1_00}
    move(grant, changes)
    with pytest.raises(ChangedMeanwhile):
        reallocate(by(OPCC), grant, 2025, changes, MINUTE, "Again", versions_seen=seen)


def test_two_at_the_same_moment_cannot_both_take_the_last_of_it(app: Flask, store: Store) -> None:
    """Each in a thread and a transaction of its own, both begun before either has finished."""
    grant = make_grant()
    funding = make_funding(grant, 1_000_00)
    claim(funding, 1_000_00)
    most = SHARES["dorset"][NON_LABOUR] - 1_000_00
    grant_id, mine, theirs = grant.id, share(grant, "dorset"), share(grant, "bcp")
    db.session.rollback()
    start = Barrier(2)

    def take(_number: int) -> str:
        with store.app.app_context():
            database.begin_writing()
            start.wait(10)
            try:
                move(grants.get_grant(grant_id), {mine: -most, theirs: most})
            except Refused as refused:
                db.session.rollback()
                return refused.message
            return "moved"

    with ThreadPoolExecutor(2) as pool:
        answers = sorted(pool.map(take, range(2)))
    assert answers[0].startswith("Dorset non-labour must keep £1,000.00")
    assert answers[1] == "moved"
