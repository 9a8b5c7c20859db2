"""Placing by hand: whatever is done to lines, the parts add up to them, and the entries and movements follow."""

import datetime as dt
import random
from collections.abc import Callable

import pytest
from flask import Flask

from svd_tracker.audit import queries as audit
from svd_tracker.calculations.figures import Category, EntryKind, ReversalWhy
from svd_tracker.errors import ChangedMeanwhile, Refused
from svd_tracker.extensions import db
from svd_tracker.finance import ledger, ledger_list, overview, queries
from svd_tracker.finance import services as finance
from svd_tracker.finance.intake.models import (
    Bucket,
    LedgerLine,
    Outcome,
    QueueLine,
    SharingMethod,
    UploadWithdrawal,
    WhyWaiting,
)
from svd_tracker.finance.models import LedgerEntry, MatchKind
from svd_tracker.finance.placing import services, sharing
from svd_tracker.finance.placing.book import Part
from svd_tracker.finance.placing.services import When
from svd_tracker.finance.placing.settling import settle_with
from svd_tracker.grants import eligibility
from svd_tracker.grants.models import RuleEffect
from tests.integration.finance.money_rows import JULY, JUNE, make_funding, post, spent
from tests.integration.finance.placing_rows import (
    buckets,
    check_ledger,
    make_line,
    make_match,
    make_upload,
    owner,
    placements,
    plan_line_of,
    where,
)
from tests.support.chains import assert_chains_whole
from tests.support.money import holder, make_grant
from tests.support.world import act

pytestmark = pytest.mark.db

AUGUST = dt.date(2025, 8, 4)


def entries_of(line: LedgerLine) -> list[LedgerEntry]:
    ids = [each.id for each in placements(line)]
    return list(db.session.query(LedgerEntry).filter(LedgerEntry.placement_id.in_(ids)).order_by(LedgerEntry.seq))


def test_a_line_is_placed_moved_and_put_back(app: Flask) -> None:
    grant = make_grant()
    first, second = make_funding(grant), make_funding(grant, title="Specialist nurse")
    line = make_line(120_00, vat_pence=20_00)
    assert buckets() == {Bucket.WAITING: (1, 120_00)}

    services.place(act(on=JUNE), owner(), [line], first)
    db.session.commit()
    (entry,) = entries_of(line)
    assert (entry.pence, entry.vat_pence, entry.quarter, entry.kind) == (120_00, 20_00, 1, EntryKind.ACTUAL)
    assert (entry.document, entry.spent_on, entry.supplier) == (line.document, line.posted_on, "Harbour Youth Charity")
    assert (entry.upload_id, entry.upload_row) == (line.upload_id, line.row_no)
    assert db.session.get(QueueLine, line.id) is None
    check_ledger()

    with pytest.raises(Refused, match="Say why the line is moved"):
        services.place(act(on=JUNE), owner(), [line], second)
    services.place(act(on=JUNE), owner(), [line], second, reason="The nurse's")
    db.session.commit()
    assert (spent(first), spent(second)) == ({1: 0}, {1: 120_00})
    check_ledger()

    with pytest.raises(Refused, match="Say why the line is put back"):
        services.put_back(act(on=JUNE), owner(), [line], " ")
    services.put_back(act(on=JUNE), owner(), [line], "Not sure")
    db.session.commit()
    assert spent(second) == {1: 0}
    row = db.session.get_one(QueueLine, line.id)
    assert (row.why, row.hint) == (WhyWaiting.PUT_BACK, "Not sure")
    assert [each.outcome for each in placements(line)] == [Outcome.PLACED, Outcome.PLACED, Outcome.WAITING]
    check_ledger()
    with pytest.raises(Refused, match="waits already"):
        services.put_back(act(on=JUNE), owner(), [line], "Again")
    lines = audit.history("ledger_line", f"dorset/{line.id}")
    assert [each.action for each in lines] == ["put_back", "place", "place"]
    assert_chains_whole()


def test_a_split_by_hand_adds_up_to_the_penny(app: Flask) -> None:
    grant = make_grant()
    funding, pay = make_funding(grant), make_funding(grant, category=Category.LABOUR)
    match = make_match(funding)
    line = make_line(100_01, vat_pence=16_67)
    for parts, words in (
        ([], "Choose where the line goes"),
        ([Part(100_00, funding.id)], r"The parts come to £100\.00 and the line to £100\.01: £0\.01 is left over"),
        ([Part(100_02, funding.id)], r"£0\.01 is too much"),
        ([Part(150_01, funding.id), Part(-50_00)], "above £0.00"),
        ([Part(50_01, funding.id), Part(50_00, funding.id)], "each place once"),
    ):
        with pytest.raises(Refused, match=words) as refused:
            services.split(act(on=JUNE), owner(), line, parts)
        assert refused.value.field == "parts"
    parts = [Part(33_33, funding.id), Part(33_34, pay.id), Part(20_00, match_id=match.id), Part(13_34)]
    services.split(act(on=JUNE), owner(), line, parts)
    db.session.commit()
    assert (spent(funding), spent(pay)) == ({1: 33_33}, {1: 33_34})
    assert {bucket: pence for bucket, (_, pence) in buckets().items()} == {
        Bucket.FUNDING: 66_67,
        Bucket.MATCH: 20_00,
        Bucket.LOCAL: 13_34,
    }
    assert [entry.document_total_pence for entry in entries_of(line)] == [100_01, 100_01]
    check_ledger()


def test_a_credit_is_split_with_a_minus_sign(app: Flask) -> None:
    funding = make_funding(make_grant())
    line = make_line(-100_00)
    with pytest.raises(Refused, match="with a minus sign, as the line is"):
        services.split(act(on=JUNE), owner(), line, [Part(-150_00, funding.id), Part(50_00)])
    with pytest.raises(Refused, match=r"£30\.00 is left over"):
        services.split(act(on=JUNE), owner(), line, [Part(-70_00, funding.id)])
    services.split(act(on=JUNE), owner(), line, [Part(-70_00, funding.id), Part(-30_00)])
    db.session.commit()
    assert spent(funding) == {1: -70_00}
    check_ledger()


def test_a_late_item_needs_a_reason_and_keeps_the_lines_own_period(app: Flask) -> None:
    funding = make_funding(make_grant())
    line = make_line(60_00, dt.date(2025, 7, 2))
    first_quarter = When(2025, 1)
    with pytest.raises(Refused, match="Say why this belongs to an earlier quarter") as refused:
        services.place(act(on=JULY), owner(), [line], funding, when=first_quarter)
    assert refused.value.field == "reason"
    with pytest.raises(Refused, match="choose that quarter, an earlier one, or quarter 4 of 2024/25"):
        services.place(act(on=JULY), owner(), [line], funding, when=When(2025, 3), reason="Later")
    services.place(act(on=JULY), owner(), [line], funding, when=first_quarter, reason="Work of June")
    db.session.commit()
    assert spent(funding) == {1: 60_00}
    assert (line.quarter, where(line).quarter) == (2, 1)
    check_ledger()


def test_a_line_of_april_goes_to_the_old_years_quarter_four_and_to_no_other_year(app: Flask) -> None:
    old, new = make_funding(make_grant()), make_funding(make_grant(2026), fy=2026)
    april = dt.date(2026, 4, 9)
    line = make_line(75_00, april)
    with pytest.raises(Refused, match="choose a funding of the same year"):
        services.place(act(on=april), owner(), [line], old)
    with pytest.raises(Refused, match="choose a funding of the same year"):
        services.place(act(on=april), owner(), [line], new, when=When(2025, 4), reason="Work of March")
    services.place(act(on=april), owner(), [line], old, when=When(2025, 4), reason="Work of March")
    db.session.commit()
    assert (spent(old), spent(new)) == ({4: 75_00}, {})
    check_ledger()


def test_another_holders_funding_and_match_are_refused(app: Flask) -> None:
    grant = make_grant()
    theirs = make_funding(grant, of="bcp")
    match = make_match(theirs)
    line = make_line()
    with pytest.raises(Refused, match="funding of this holder"):
        services.place(act(on=JUNE), owner(), [line], theirs)
    with pytest.raises(Refused, match="match in cash of this holder"):
        services.split(act(on=JUNE), owner(), line, [Part(100_00, match_id=match.id)])
    with pytest.raises(Refused, match="match in cash of this holder"):
        services.income(act(on=JUNE), owner(), [line], match)
    with pytest.raises(ValueError, match="another holder"):
        services.leave_out(act(on=JUNE), owner("bcp"), [line], "Theirs")
    assert buckets() == {Bucket.WAITING: (1, 100_00)}


def test_match_in_kind_pays_no_line(app: Flask) -> None:
    funding = make_funding(make_grant())
    match = make_match(funding, kind=MatchKind.IN_KIND)
    with pytest.raises(Refused, match="match in cash"):
        services.split(act(on=JUNE), owner(), make_line(), [Part(100_00, match_id=match.id)])


def test_left_out_and_income_never_become_entries(app: Flask) -> None:
    funding = make_funding(make_grant())
    match = make_match(funding)
    out, grant_in, match_in = make_line(10_00), make_line(-900_00), make_line(-250_00)
    with pytest.raises(Refused, match="Say why the line is left out"):
        services.leave_out(act(on=JUNE), owner(), [out], "")
    services.leave_out(act(on=JUNE), owner(), [out], "Refreshments")
    services.income(act(on=JUNE), owner(), [grant_in], None)
    services.income(act(on=JUNE), owner(), [match_in], match)
    db.session.commit()
    assert buckets() == {
        Bucket.LEFT_OUT: (1, 10_00),
        Bucket.GRANT_INCOME: (1, -900_00),
        Bucket.MATCH_INCOME: (1, -250_00),
    }
    assert where(match_in).parts == (Part(-250_00, match_id=match.id),)
    assert queries.ledger_seq(holder("dorset").id) == 0
    assert sharing.rooms([], [match.id]).match_paid == {match.id: 0}  # cash that came is not a cost that match paid
    check_ledger()


def test_carrying_keeps_the_line_in_the_queue_with_why_it_waits(app: Flask) -> None:
    make_grant()
    line = make_line(30_00, why=WhyWaiting.NO_FUNDING, hint="Specialist nurse has no labour funding in 2025/26")
    with pytest.raises(Refused, match="the certifier reads it"):
        services.carry(act(on=JULY), owner(), [line], When(2025, 1), "")
    with pytest.raises(Refused, match="does without it already"):
        services.carry(act(on=JULY), owner(), [line], When(2024, 4), "Late")
    services.carry(act(on=JULY), owner(), [line], When(2025, 1), "The invoice is disputed")
    db.session.commit()
    row = db.session.get_one(QueueLine, line.id)
    assert (row.carried_past, row.why, row.hint[:16]) == (20251, WhyWaiting.NO_FUNDING, "Specialist nurse")
    assert buckets() == {Bucket.CARRIED: (1, 30_00)}
    services.carry(act(on=AUGUST), owner(), [line], When(2025, 2), "Still disputed")
    services.leave_out(act(on=AUGUST), owner(), [line], "The supplier took it back")
    db.session.commit()
    with pytest.raises(Refused, match="nothing to carry"):
        services.carry(act(on=AUGUST), owner(), [line], When(2025, 2), "Why not")
    check_ledger()


def test_the_second_person_is_told(app: Flask) -> None:
    funding = make_funding(make_grant())
    line = make_line()
    services.place(act(on=JUNE), owner(), [line], funding, seq=0)
    with pytest.raises(ChangedMeanwhile, match="Somebody placed this line"):
        services.leave_out(act(on=JUNE), owner(), [line], "Not ours", seq=0)


def test_a_withdrawn_line_is_not_placed(app: Flask) -> None:
    line = make_line()
    withdrawal = UploadWithdrawal(
        upload_id=line.upload_id, reason="Wrong month", recorded_at=act().at, recorded_by=None
    )
    db.session.add(withdrawal)
    db.session.flush()
    with pytest.raises(Refused, match="file of this line was withdrawn"):
        services.leave_out(act(on=JUNE), owner(), [line], "Not ours")


def test_many_lines_are_one_verb_with_one_audit_line(app: Flask) -> None:
    funding = make_funding(make_grant())
    upload = make_upload()
    lines = [make_line(10_00 + number, upload=upload) for number in range(5)]
    services.place(act(on=JUNE), owner(), lines, funding)
    db.session.commit()
    assert spent(funding) == {1: 50_10}
    (line,) = audit.history("ledger_lines", "dorset")
    assert line.action == "place"
    check_ledger()
    services.put_back(act(on=JUNE), owner(), lines, "Undone")
    db.session.commit()
    assert spent(funding) == {1: 0}
    check_ledger()


def test_the_terms_decide_what_is_eligible(app: Flask) -> None:
    grant = make_grant()
    funding = make_funding(grant)
    eligibility.add_rule(grant, "46*", "Alcohol", RuleEffect.REFUSE, act())
    db.session.commit()
    line = make_line(account="4610")
    services.place(act(on=JUNE), owner(), [line], funding)
    db.session.commit()
    (entry,) = entries_of(line)
    assert not entry.eligible
    assert "Alcohol" in entry.reason


@pytest.mark.parametrize(
    ("method", "bp", "expected"),
    [
        (SharingMethod.GRANT_FIRST, None, [(150_00, 0), (50_00, 100_00), (0, 40_00)]),
        (SharingMethod.MATCH_FIRST, None, [(0, 150_00), (100_00, 50_00), (40_00, 0)]),
        (SharingMethod.PER_CENT, 33_33, [(50_00, 100_00), (50_00, 100_00), (13_33, 26_67)]),
        (SharingMethod.BY_LINE, None, [(150_00, 0), (150_00, 0), (40_00, 0)]),
    ],
)
def test_lines_are_shared_with_match_as_the_plan_line_says(
    app: Flask, method: SharingMethod, bp: int | None, expected: list[tuple[int, int]]
) -> None:
    funding = make_funding(make_grant(), 200_00)
    match = make_match(funding, 200_00)
    sharing.set_sharing(act(), plan_line_of(funding), method, match.id, bp, "Match agreement")
    db.session.commit()
    lines = [make_line(150_00), make_line(150_00), make_line(40_00)]
    services.place(act(on=JUNE), owner(), lines, funding)
    db.session.commit()
    found = [
        (
            sum(part.pence for part in where(line).parts if part.funding_id),
            sum(part.pence for part in where(line).parts if part.match_id),
        )
        for line in lines
    ]
    assert found == [(round(grant), round(rest)) for grant, rest in expected]
    check_ledger()
    before = [where(line).parts for line in lines]
    services.place(act(on=JUNE), owner(), lines, funding, reason="Once more")  # what they took before is given back
    db.session.commit()
    assert [where(line).parts for line in lines] == before


def test_a_typed_entry_gives_way_to_its_line(app: Flask) -> None:
    funding = make_funding(make_grant())
    typed = post(funding, 100_00, document="INV 7")
    line = make_line(102_50, document="INV 7", entry=typed, why=WhyWaiting.LIKE_AN_ENTRY)
    settle_with(act(on=JUNE), owner(), line, typed)
    db.session.commit()
    assert spent(funding) == {1: 102_50}
    check_ledger()
    other = make_line(100_00)
    with pytest.raises(Refused, match="reversed already"):
        settle_with(act(on=JUNE), owner(), other, typed)
    with pytest.raises(Refused, match="placed already"):
        settle_with(act(on=JUNE), owner(), line, typed)
    with pytest.raises(Refused, match="came with the council's ledger"):
        settle_with(act(on=JUNE), owner(), other, entries_of(line)[0])


def test_the_entrys_quarter_and_share_of_the_document_stay(app: Flask) -> None:
    funding = make_funding(make_grant())
    match = make_match(funding)
    sharing.set_sharing(act(), plan_line_of(funding), SharingMethod.BY_LINE, match.id, None, "Agreement")
    typed = post(funding, 40_00, dt.date(2025, 6, 18), document="INV 7", document_total_pence=100_00)
    line = make_line(100_00, dt.date(2025, 7, 2), document="INV 7")
    settle_with(act(on=JULY), owner(), line, typed)
    db.session.commit()
    assert spent(funding) == {1: 40_00}
    assert [part.pence for part in where(line).parts] == [40_00, 60_00]
    assert where(line).reason.startswith("Entry 1 stood for it")
    check_ledger()


def close(grant_id: int, quarter: int, on: dt.date) -> list[LedgerEntry]:
    ids = finance.close_quarters(
        act(on=on),
        holder_id=holder("dorset").id,
        grant_id=grant_id,
        fy=2025,
        quarters=[quarter],
        ledger_seq=queries.ledger_seq(holder("dorset").id),
        return_ref=f"R-Q{quarter}",
    )
    db.session.commit()
    return [queries.get_entry(entry_id) for entry_id in ids]


def test_a_released_accrual_is_followed_by_its_line(app: Flask) -> None:
    grant = make_grant()
    funding = make_funding(grant)
    accrual = post(funding, 80_00, kind=EntryKind.ACCRUAL)
    (release,) = close(grant.id, 1, JULY)
    line = make_line(82_00, dt.date(2025, 7, 5))
    settle_with(act(on=JULY), owner(), line, accrual)  # found by its accrual or by its release
    db.session.commit()
    assert spent(funding) == {1: 80_00, 2: 2_00}
    assert entries_of(line)[0].follows_id == release.id
    assert ledger_list.find_waiting(funding) == []
    with pytest.raises(Refused, match="its invoice has come"):
        settle_with(act(on=JULY), owner(), make_line(82_00, dt.date(2025, 7, 6)), release)
    services.put_back(act(on=JULY), owner(), [line], "Another invoice")
    db.session.commit()
    assert [each.id for each in ledger_list.find_waiting(funding)] == [release.id]  # waits again
    check_ledger()


def test_an_accrual_that_was_made_again_gives_way_and_its_release_waits_no_more(app: Flask) -> None:
    grant = make_grant()
    funding = make_funding(grant)
    post(funding, 80_00, kind=EntryKind.ACCRUAL)
    (release,) = close(grant.id, 1, JULY)
    again = finance.accrue_again(act(on=JULY), release)
    line = make_line(80_00, dt.date(2025, 8, 1))
    settle_with(act(on=AUGUST), owner(), line, again)
    db.session.commit()
    assert spent(funding) == {1: 80_00, 2: 0}
    assert ledger_list.find_waiting(funding) == []
    assert close(grant.id, 2, dt.date(2025, 10, 3)) == []
    check_ledger()


def test_an_accrual_of_quarter_four_is_released_in_its_own_year(app: Flask) -> None:
    funding = make_funding(make_grant())
    april = dt.date(2026, 4, 20)
    accrual = post(funding, 300_00, dt.date(2026, 3, 31), kind=EntryKind.ACCRUAL, on=april)
    line = make_line(310_00, dt.date(2026, 4, 15))
    settle_with(act(on=april), owner(), line, accrual)
    db.session.commit()
    assert spent(funding) == {4: 310_00}
    release = db.session.query(LedgerEntry).filter_by(reverses_id=accrual.id).one()
    assert (release.reversal_why, release.quarter, release.fy) == (ReversalWhy.RELEASE, 4, 2025)
    check_ledger()


def test_no_invoice_will_come(app: Flask) -> None:
    grant = make_grant()
    funding = make_funding(grant)
    post(funding, 80_00, kind=EntryKind.ACCRUAL)
    (release,) = close(grant.id, 1, JULY)
    dorset = holder("dorset").id
    assert overview.count_waiting([dorset]) == {(dorset, 2025): 1}
    with pytest.raises(Refused, match="no invoice will come"):
        ledger.drop_released(act(on=JULY), release, "")
    ledger.drop_released(act(on=JULY), release, "The order was cancelled")
    db.session.commit()
    assert overview.count_waiting([dorset]) == {}
    assert ledger_list.find_waiting(funding) == []
    assert spent(funding) == {1: 80_00, 2: -80_00}  # to date stays as the release left it
    with pytest.raises(Refused, match="already accrued again"):
        ledger.drop_released(act(on=JULY), release, "Again")
    assert close(grant.id, 2, dt.date(2025, 10, 3)) == []
    (dropped,) = [
        each
        for each in db.session.query(LedgerEntry).filter_by(reversal_why=ReversalWhy.RELEASE)
        if each.id != release.id
    ]
    with pytest.raises(Refused, match="nothing waits for it"):
        finance.accrue_again(act(on=JULY), dropped)
    (line,) = audit.history("funding", finance.subject_ref(funding), 1)
    assert line.action == "drop"


@pytest.mark.parametrize("seed", range(3))
def test_whatever_is_done_the_ledger_adds_up(app: Flask, seed: int) -> None:
    """Forty verbs at random over six lines: after each, movements, entries, parts and queue say the same."""
    chance = random.Random(seed)
    grant = make_grant()
    fundings = [make_funding(grant, 500_00), make_funding(grant, 500_00, title="Specialist nurse")]
    match = make_match(fundings[0], 300_00)
    sharing.set_sharing(act(), plan_line_of(fundings[0]), SharingMethod.GRANT_FIRST, match.id, None, "Agreement")
    db.session.commit()
    lines = [make_line(chance.choice([-1, 1]) * chance.randint(1, 400_00)) for _ in range(6)]

    def split(line: LedgerLine) -> None:
        first = line.cost_pence // 3 or line.cost_pence
        parts = [Part(first, fundings[1].id), Part(line.cost_pence - first, match_id=match.id)]
        services.split(act(on=JUNE), owner(), line, [part for part in parts if part.pence], reason="Split")

    verbs: list[Callable[[list[LedgerLine]], None]] = [
        lambda some: services.place(act(on=JUNE), owner(), some, fundings[0], reason="Shared"),
        lambda some: services.place(act(on=JUNE), owner(), some, fundings[1], reason="Whole"),
        lambda some: split(some[0]),
        lambda some: services.leave_out(act(on=JUNE), owner(), some, "Not ours"),
        lambda some: services.income(act(on=JUNE), owner(), some, chance.choice([None, match]), reason="Income"),
        lambda some: services.carry(act(on=JUNE), owner(), some, When(2025, 2), "Disputed"),
        lambda some: services.put_back(act(on=JUNE), owner(), some, "Again"),
    ]
    done = 0
    for _ in range(40):
        try:
            chance.choice(verbs)(chance.sample(lines, chance.randint(1, 3)))
        except Refused:
            db.session.rollback()
        else:
            db.session.commit()
            done += 1
        check_ledger()
    assert done > 15
