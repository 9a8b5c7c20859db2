"""Grants: what the services do and what they refuse."""

import datetime as dt
import hashlib
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from flask import Flask
from sqlalchemy import func, select, text
from sqlalchemy.exc import DBAPIError

from svd_tracker.accounts import services as accounts
from svd_tracker.approvals import queries as approvals
from svd_tracker.approvals.models import Approval, ApprovalBody, ApprovalKind
from svd_tracker.approvals.services import agree_step, open_approval
from svd_tracker.audit import queries as audit
from svd_tracker.calculations.figures import Category
from svd_tracker.errors import ChangedMeanwhile, NotFound, Refused
from svd_tracker.extensions import db
from svd_tracker.files import queries as file_queries
from svd_tracker.files import services as files
from svd_tracker.files.models import FileKind, StoredBytes, StoredFile
from svd_tracker.grants import queries, services
from svd_tracker.grants.models import AgreementStatus, Grant
from tests.support.chains import assert_chains_whole
from tests.support.money import AWARD, SHARES, holder, make_approval, make_grant, make_terms
from tests.support.world import DAY, act

pytestmark = pytest.mark.db

LABOUR, OTHER = Category.LABOUR, Category.NON_LABOUR


def test_the_helper_makes_a_grant_that_adds_up(app: Flask) -> None:
    grant = make_grant()
    table = queries.award_table(grant.id, 2025)
    assert {category: line.pence for category, line in table.lines.items()} == AWARD
    assert (table.awarded, table.allocated, table.not_allocated) == (292_000_00, 292_000_00, 0)
    found = queries.allocations_of_holder(grant.id, holder("dorset").id, 2025)
    assert {category: pence for category, (_, pence) in found.items()} == SHARES["dorset"]
    assert queries.years_of(grant.id) == [2025]
    terms = queries.current_terms(grant.id)
    assert terms is not None
    assert (terms.draft_working_days, terms.due_working_days, terms.signed_on) == (10, 20, dt.date(2025, 4, 1))


def test_a_share_above_the_award_is_refused_and_nothing_is_half_done(grant: Grant) -> None:
    line = queries.find_award_line(grant.id, 2025, LABOUR)
    assert line is not None
    with pytest.raises(Refused) as refused:
        services.set_allocation(
            line, holder("dorset"), 41_200_16, make_approval(), act(), effective_on=DAY, reason="One penny too many"
        )
    assert refused.value.message == ("Dorset labour: enter £41,200.15 or less, which is all that is left of the award")
    assert refused.value.field == f"allocation_{holder('dorset').id}_labour"
    db.session.rollback()
    assert queries.award_table(grant.id, 2025).versions == 8
    assert db.session.scalar(select(func.count()).select_from(Approval)) == 1


def test_what_one_loses_another_can_have_in_one_go(grant: Grant) -> None:
    shares = {(holder("dorset").id, LABOUR): 53_200_15, (holder("opcc").id, LABOUR): 0}
    assert services.allocate(grant, 2025, shares, make_approval(), act(), effective_on=DAY, reason="Moved") == 2
    assert queries.award_table(grant.id, 2025).lines[LABOUR].not_allocated == 0
    shares = {(holder("dorset").id, LABOUR): 53_200_16, (holder("bcp").id, LABOUR): 43_212_23}
    with pytest.raises(Refused, match=r"Dorset labour: enter £53,200\.14 or less"):
        services.allocate(
            grant, 2025, dict(reversed(shares.items())), make_approval(), act(), effective_on=DAY, reason="x"
        )


def test_shares_that_no_single_box_can_put_right(grant: Grant) -> None:
    shares = {(holder(ref).id, OTHER): 195_587_63 for ref in ("dorset", "bcp", "opcc")}
    with pytest.raises(Refused, match=r"Non-labour: the allocations come to £391,175\.26 more than the award"):
        services.allocate(grant, 2025, shares, make_approval(), act(), effective_on=DAY, reason="x")


def test_award_and_shares_as_they_stood_at_a_moment(grant: Grant) -> None:
    before, later = act(), act(on=dt.date(2025, 9, 1))
    line = services.set_award(
        grant, 2025, LABOUR, 90_000_00, make_approval(), later, effective_on=later.on, reason="Cut"
    )
    dorset = queries.find_allocation(grant.id, 2025, LABOUR, holder("dorset").id)
    assert dorset is not None
    table = queries.award_table(grant.id, 2025)
    shares = table.lines[LABOUR].allocations
    assert sum(share.pence for share in shares.values()) == 90_000_00
    assert all(share.provisional for share in shares.values())
    assert [shares[holder(ref).id].pence for ref in ("bcp", "dorset", "opcc")] == [40_338_18, 38_459_94, 11_201_88]
    was = queries.award_table(grant.id, 2025, as_recorded_by=before.at)
    assert (was.lines[LABOUR].pence, was.versions, was.lines[LABOUR].allocated) == (96_412_37, 8, 96_412_37)
    assert queries.allocation_pence(dorset.id, as_recorded_by=before.at) == 41_200_15
    assert queries.allocation_pence(dorset.id) == 38_459_94
    early = before.at - dt.timedelta(days=1)
    assert queries.award_table(grant.id, 2025, as_recorded_by=early).lines == {}
    assert queries.allocation_pence(dorset.id, as_recorded_by=early) == 0
    assert queries.allocations_of_holder(grant.id, holder("dorset").id, 2025, early) == {}
    assert queries.current_terms(grant.id, as_recorded_by=early) is None
    # Settling the split takes the mark away, though the amount stays.
    services.set_allocation(line, holder("dorset"), 38_459_94, make_approval(), later, effective_on=DAY, reason="Kept")
    assert not queries.award_table(grant.id, 2025).lines[LABOUR].allocations[holder("dorset").id].provisional


def test_an_award_that_grows_leaves_the_shares_alone(grant: Grant) -> None:
    services.set_award(grant, 2025, LABOUR, 100_000_00, make_approval(), act(), effective_on=DAY, reason="More")
    line = queries.award_table(grant.id, 2025).lines[LABOUR]
    assert (line.allocated, line.not_allocated, line.version_no) == (96_412_37, 3_587_63, 2)


def test_a_year_is_copied_whole_or_not_at_all(app: Flask) -> None:
    grant = make_grant()
    longer = services.add_grant(
        grant.area, "SVD-2026", "Home Office", "Next", dt.date(2026, 4, 1), dt.date(2028, 3, 31), act()
    )
    shares = {(holder("dorset").id, LABOUR): 60_00, (holder("bcp").id, LABOUR): 40_00}
    services.set_up_year(longer, 2026, {LABOUR: 100_00}, shares, make_approval(), act(), reason="Letter")
    services.copy_year(longer, 2026, 2027, make_approval(), act())
    table = queries.award_table(longer.id, 2027)
    assert {share.holder_id: share.pence for share in table.shares} == {
        who: pence for (who, _), pence in shares.items()
    }
    assert queries.years_of(longer.id) == [2027, 2026]
    assert [version.approval.ref for _, version in queries.award_versions(longer.id, 2027)] == ["APP-0003"]
    for from_fy, to_fy, words in (
        (2026, 2027, "2027/28 is already set up"),
        (2026, 2028, "2028/29 is outside the period"),
        (2020, 2027, "There is no award for 2020/21 to copy"),
    ):
        with pytest.raises(Refused, match=words):
            services.copy_year(longer, from_fy, to_fy, make_approval(), act())
    assert queries.years_of(longer.id) == [2027, 2026]


def test_terms_go_back_only_with_a_reason(grant: Grant) -> None:
    with pytest.raises(Refused, match="Say why the agreement goes back from signed to offered"):
        make_terms(grant, status=AgreementStatus.OFFERED, signed_on=None, reason=" ")
    make_terms(grant, status=AgreementStatus.OFFERED, signed_on=None, reason="Signed by the wrong person")
    with pytest.raises(Refused, match="Enter the day the agreement was signed"):
        make_terms(grant, signed_on=None)
    with pytest.raises(Refused, match="today or in the past"):
        make_terms(grant, signed_on=dt.date(2025, 4, 2))
    with pytest.raises(ChangedMeanwhile) as changed:
        make_terms(grant, version_seen=1)
    assert changed.value.current["status"] is AgreementStatus.OFFERED
    assert changed.value.current["row_version"] == 2


def test_every_verb_writes_one_line_and_the_versions_cannot_be_changed(grant: Grant) -> None:
    assert [(line.action, line.subject_ref) for line in audit.history("grant", "SVD-2025")] == [
        ("set_up_year", "SVD-2025"),
        ("new_terms", "SVD-2025"),
        ("add", "SVD-2025"),
    ]
    for table in ("grant_terms", "award_version", "allocation_version", "approval"):
        with pytest.raises(DBAPIError, match="append-only"):
            db.session.execute(text(f"UPDATE {table} SET reason = 'other'"))
        db.session.rollback()


def test_an_approval_of_another_area_moves_nothing_here(grant: Grant) -> None:
    elsewhere = accounts.add_area("wessex", "Wessex", "Wessex Police", act())
    db.session.flush()
    approval = open_approval(
        act(),
        area_id=elsewhere.id,
        kind=ApprovalKind.AWARD,
        body="Home Office",
        decided_on=DAY,
        minute_ref="",
        amount_pence=1,
        reason="",
    )
    assert approval.ref == "APP-0001"
    with pytest.raises(Refused, match="another area"):
        services.set_award(grant, 2025, LABOUR, 1, approval, act(), effective_on=DAY, reason="x")


def test_spend_is_at_risk_until_the_last_has_agreed(app: Flask) -> None:
    approval = open_approval(
        act(),
        area_id=holder("dorset").area_id,
        kind=ApprovalKind.DIRECT,
        body="Partnership",
        decided_on=dt.date(2025, 3, 1),
        minute_ref="M1",
        amount_pence=1,
        reason="x",
        needs=[ApprovalBody.OPCC, ApprovalBody.FUNDER],
        agreed={ApprovalBody.OPCC: (dt.date(2025, 3, 10), "Letter")},
    )
    assert approvals.outstanding(approval) == [ApprovalBody.FUNDER]
    assert approvals.at_risk_until(approval) is None
    assert [one.ref for one in approvals.list_outstanding([approval.area_id])] == [approval.ref]
    agree_step(approval, ApprovalBody.FUNDER, dt.date(2025, 3, 5), "Email", act())
    assert approvals.at_risk_until(approval) == dt.date(2025, 3, 10)
    assert approvals.list_outstanding([approval.area_id]) == []
    with pytest.raises(Refused, match="already agreed"):
        agree_step(approval, ApprovalBody.FUNDER, DAY, "Email", act())


def test_a_file_comes_back_as_it_was_kept_or_not_at_all(app: Flask) -> None:
    dorset = holder("dorset")

    def keep(content: bytes) -> StoredFile:
        return files.keep(
            act(),
            area_id=dorset.area_id,
            holder_id=dorset.id,
            kind=FileKind.LEDGER_UPLOAD,
            name="C:\\ledgers\\q1.csv",
            media_type="text/csv",
            content=content,
        )

    file = keep(b"a,b\n")
    assert (file.name, file.size, file.sha256) == ("q1.csv", 4, hashlib.sha256(b"a,b\n").hexdigest())
    assert file_queries.content_of(file_queries.get_file(file.id)) == b"a,b\n"
    assert keep(b"a,b\n").id != file.id
    assert file_queries.find_by_sha256(dorset.id, FileKind.LEDGER_UPLOAD, file.sha256) is file
    assert file_queries.find_by_sha256(holder("bcp").id, FileKind.LEDGER_UPLOAD, file.sha256) is None
    with pytest.raises(Refused, match="empty"):
        keep(b"")
    app.config["MAX_CONTENT_LENGTH"], was = 3, app.config["MAX_CONTENT_LENGTH"]
    try:
        with pytest.raises(Refused, match="smaller than"):
            keep(b"a,b\n")
    finally:
        app.config["MAX_CONTENT_LENGTH"] = was
    wrong = StoredFile(
        area_id=dorset.area_id,
        kind=FileKind.LEDGER_UPLOAD,
        name="x",
        media_type="text/csv",
        size=4,
        sha256="0" * 64,
        recorded_at=act().at,
    )
    db.session.add(wrong)
    db.session.flush()
    with pytest.raises(NotFound):
        file_queries.content_of(wrong)
    db.session.add(StoredBytes(file_id=wrong.id, content=b"a,b\n"))
    db.session.flush()
    with pytest.raises(file_queries.Damaged):
        file_queries.content_of(wrong)


def test_two_who_cut_at_the_same_moment_do_not_both_get_their_way(app: Flask, grant: Grant) -> None:
    grant_id = grant.id
    db.session.remove()
    together = threading.Barrier(2, timeout=30)

    def cut(pence: int) -> str:
        with app.app_context():
            together.wait()
            try:
                services.set_award(
                    queries.get_grant(grant_id),
                    2025,
                    LABOUR,
                    pence,
                    make_approval(),
                    act(),
                    effective_on=DAY,
                    reason="Cut",
                    version_seen=1,
                )
            except ChangedMeanwhile:
                return "told"
            db.session.commit()
            return "saved"

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(cut, (90_000_00, 80_000_00))) == ["saved", "told"]
    assert queries.award_table(grant_id, 2025).lines[LABOUR].version_no == 2
    assert_chains_whole()


def test_what_applies_from_a_day_to_come_is_recorded_on_that_day(grant: Grant) -> None:
    tomorrow = DAY + dt.timedelta(days=1)
    line = queries.find_award_line(grant.id, 2025, LABOUR)
    assert line is not None
    for verb in (
        lambda: services.set_award(grant, 2025, LABOUR, 1, make_approval(), act(), effective_on=tomorrow, reason="x"),
        lambda: services.set_allocation(
            line, holder("dorset"), 1, make_approval(), act(), effective_on=tomorrow, reason="x"
        ),
        lambda: make_terms(grant, effective_on=tomorrow),
    ):
        with pytest.raises(Refused, match="when it takes effect") as refused:
            verb()
        assert refused.value.field == "effective_on"
