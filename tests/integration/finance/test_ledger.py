"""The ledger: what is posted, reversed, accrued, released; and that nothing of it ever changes."""

import datetime as dt
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from svd_tracker.audit import queries as audit
from svd_tracker.calculations.figures import EntryKind, ReversalWhy
from svd_tracker.errors import Refused
from svd_tracker.extensions import db
from svd_tracker.finance import facts, ledger_list, overview, queries, services
from svd_tracker.finance.models import LedgerEntry
from tests.integration.finance.ledger_files import bring_in
from tests.integration.finance.money_rows import JULY, JUNE, make_funding, post, spent
from tests.support.chains import assert_chains_whole
from tests.support.money import holder, make_grant
from tests.support.world import act

pytestmark = pytest.mark.db


def close(grant_id: int, quarter: int, seq: int, on: dt.date) -> list[LedgerEntry]:
    ids = services.close_quarters(
        act(on=on),
        holder_id=holder("dorset").id,
        grant_id=grant_id,
        fy=2025,
        quarters=[quarter],
        ledger_seq=seq,
        return_ref=f"R-Q{quarter}",
    )
    db.session.commit()
    return [queries.get_entry(entry_id) for entry_id in ids]


def test_post_accrue_close_release_and_accrue_again(app: Flask) -> None:
    grant = make_grant()
    funding = make_funding(grant)
    post(funding, 1_200_40, vat_pence=200_00)
    half = {"kind": EntryKind.ACCRUAL, "document": "PO 7", "document_total_pence": 1_600_00}
    accrual = post(funding, 800_00, dt.date(2025, 6, 30), on=JULY, **half)
    assert spent(funding) == {1: 2_000_40}
    seq = queries.ledger_seq(holder("dorset").id)
    assert seq == 2

    (release,) = close(grant.id, 1, seq, JULY)
    assert (release.reverses_id, release.reversal_why, release.pence) == (accrual.id, ReversalWhy.RELEASE, -800_00)
    assert (release.quarter, release.spent_on) == (2, dt.date(2025, 7, 1))
    assert spent(funding) == {1: 2_000_40, 2: -800_00}
    assert queries.closed_quarters(holder("dorset").id, grant.id, 2025) == {1: "R-Q1"}
    assert close(grant.id, 1, seq, JULY) == []  # closed already

    again = services.accrue_again(act(on=JULY), release)
    db.session.commit()
    assert (again.kind, again.quarter, again.pence, again.follows_id) == (EntryKind.ACCRUAL, 2, 800_00, release.id)
    assert (release.document_total_pence, again.document_total_pence) == (-1_600_00, 1_600_00)
    assert sum(spent(funding).values()) == 2_000_40  # to date does not move until the invoice comes
    with pytest.raises(Refused, match="already accrued again"):
        services.accrue_again(act(on=JULY), release)

    october = dt.date(2025, 10, 3)
    (second,) = close(grant.id, 2, queries.ledger_seq(holder("dorset").id), october)
    assert (second.reverses_id, second.quarter) == (again.id, 3)
    invoice = post(funding, 812_15, dt.date(2025, 10, 2), follows=second, on=october)
    assert invoice.follows_id == second.id
    with pytest.raises(Refused, match="its invoice has come"):
        services.accrue_again(act(on=october), second)
    assert spent(funding) == {1: 2_000_40, 2: 0, 3: 12_15}


def test_an_invoice_that_was_a_mistake_leaves_its_accrual_waiting(app: Flask) -> None:
    grant = make_grant()
    funding = make_funding(grant)
    accrual = post(funding, 100_00, kind=EntryKind.ACCRUAL)
    (release,) = close(grant.id, 1, 1, JULY)
    wrong = post(funding, 90_00, dt.date(2025, 7, 2), follows=release, on=JULY)
    dorset = holder("dorset").id
    assert overview.count_waiting([dorset]) == {}
    services.reverse_mistake(act(on=JULY), wrong, "Another supplier's")
    assert overview.count_waiting([dorset]) == {(dorset, 2025): 1}
    assert [each.id for each in ledger_list.find_waiting(funding)] == [release.id]
    post(funding, 100_00, dt.date(2025, 7, 2), follows=release, on=JULY)
    with pytest.raises(Refused, match="by a journal"):
        services.reverse_mistake(act(on=JULY), accrual, "Never happened")


def test_an_accrual_after_the_cut_waits_for_the_next_close(app: Flask) -> None:
    grant = make_grant()
    funding = make_funding(grant)
    seen = post(funding, 100_00, kind=EntryKind.ACCRUAL)
    late = post(funding, 50_00, kind=EntryKind.ACCRUAL)
    assert [each.reverses_id for each in close(grant.id, 1, seen.seq, JULY)] == [seen.id]
    (release,) = close(grant.id, 2, queries.ledger_seq(holder("dorset").id), dt.date(2025, 10, 3))
    assert (release.reverses_id, release.quarter) == (late.id, 2)  # the quarter after its own, though closed


def test_an_accrual_reversed_after_the_cut_is_not_released(app: Flask) -> None:
    grant = make_grant()
    funding = make_funding(grant)
    accrual = post(funding, 100_00, kind=EntryKind.ACCRUAL)
    services.reverse_mistake(act(on=JULY), accrual, "Twice")
    assert close(grant.id, 1, accrual.seq, JULY) == []


def test_quarter_four_is_released_by_hand_only(app: Flask) -> None:
    grant = make_grant()
    funding = make_funding(grant)
    april = dt.date(2026, 4, 10)
    accrual = post(funding, 300_00, dt.date(2026, 3, 31), kind=EntryKind.ACCRUAL, on=april)
    assert close(grant.id, 4, accrual.seq, april) == []
    with pytest.raises(Refused, match="whether its invoice has come"):
        services.release_accrual(act(on=april), accrual, " ")
    release = services.release_accrual(act(on=april), accrual, "Invoice 12 came")
    assert (release.quarter, release.pence, release.spent_on) == (4, -300_00, dt.date(2026, 3, 31))
    with pytest.raises(Refused, match="nothing waits for it"):
        services.accrue_again(act(on=april), release)
    early = post(funding, 10_00, kind=EntryKind.ACCRUAL)
    with pytest.raises(Refused, match="Only an accrual of quarter 4"):
        services.release_accrual(act(on=april), early, "Invoice came")


def test_a_mistake_is_reversed_whole_in_its_own_quarter(app: Flask) -> None:
    funding = make_funding(make_grant())
    entry = post(
        funding, 120_00, vat_pence=20_00, document_total_pence=240_00, eligible=False, reason="Alcohol", supplier="Inn"
    )
    october = dt.date(2025, 10, 3)
    with pytest.raises(Refused, match="what was wrong"):
        services.reverse_mistake(act(on=october), entry, " ")
    reversal = services.reverse_mistake(act(on=october), entry, "Wrong funding")
    db.session.commit()
    assert (reversal.kind, reversal.reversal_why) == (EntryKind.REVERSAL, ReversalWhy.MISTAKE)
    assert (reversal.pence, reversal.vat_pence, reversal.document_total_pence) == (-120_00, -20_00, -240_00)
    assert (reversal.quarter, reversal.eligible, reversal.spent_on) == (1, False, dt.date(2025, 5, 6))
    assert (reversal.reason, reversal.supplier) == ("Wrong funding", "Inn")
    assert spent(funding) == {1: 0}
    with pytest.raises(Refused, match="already reversed"):
        services.reverse_mistake(act(on=october), entry, "Again")
    with pytest.raises(Refused, match="not reversed"):
        services.reverse_mistake(act(on=october), reversal, "Undo")


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"spent_on": dt.date(2025, 3, 31)}, "spent_on"),
        ({"spent_on": dt.date(2025, 6, 21)}, "spent_on"),
        ({"pence": 0}, "pence"),
        ({"vat_pence": 101_00}, "vat_pence"),
        ({"vat_pence": -1}, "vat_pence"),
        ({"document_total_pence": 99_99}, "document_total_pence"),
        ({"pence": -100_00, "document_total_pence": -50_00}, "document_total_pence"),
        ({"document": "x" * 121}, "document"),
        ({"quarter": 2}, "quarter"),
        ({"kind": EntryKind.JOURNAL}, "reason"),
        ({"eligible": False}, "reason"),
        ({"spent_on": dt.date(2025, 7, 1), "quarter": 1, "on": JULY}, "reason"),
    ],
)
def test_what_is_refused_is_refused_at_its_field(app: Flask, given: dict[str, Any], field: str) -> None:
    funding = make_funding(make_grant())
    values = {"pence": 100_00, **given}
    with pytest.raises(Refused) as refused:
        post(funding, **values)
    assert refused.value.field == field
    assert queries.ledger_seq(holder("dorset").id) == 0


def test_a_part_above_a_whole_credit_is_told_as_a_credit(app: Flask) -> None:
    funding = make_funding(make_grant())
    with pytest.raises(Refused, match=r"Enter a credit of £100\.00 or more, with a minus sign"):
        post(funding, -100_00, document_total_pence=-50_00)


def test_a_late_item_goes_to_an_earlier_quarter_with_a_reason(app: Flask) -> None:
    funding = make_funding(make_grant())
    entry = post(funding, 60_00, dt.date(2025, 7, 2), quarter=1, reason="Work of June, invoiced late", on=JULY)
    assert (entry.quarter, entry.spent_on) == (1, dt.date(2025, 7, 2))


def test_spend_past_the_funding_is_kept(app: Flask) -> None:
    funding = make_funding(make_grant(), 100_00)
    post(funding, 250_00)
    assert spent(funding) == {1: 250_00}


@pytest.mark.parametrize("statement", ["UPDATE ledger_entry SET pence = 1", "DELETE FROM ledger_entry"])
def test_an_entry_never_changes(app: Flask, statement: str) -> None:
    post(make_funding(make_grant()), 100_00)
    with pytest.raises(DBAPIError, match="append-only"):
        db.session.execute(text(statement))
    db.session.rollback()


def test_an_accrual_from_an_upload_is_released_by_the_ledger_itself(app: Flask) -> None:
    grant = make_grant()
    funding = make_funding(grant)
    content = f"Funding,Date,Kind,Document,Amount\n{funding.ref},30/05/2025,accrual,PO 1,100.00\n".encode()
    assert bring_in(content, on=JUNE).lines_posted == 1
    assert close(grant.id, 1, 1, JULY) == []
    (fact,) = facts.entry_facts(holder("dorset").id, grant.id, 2025)
    assert (fact.from_ledger, fact.pence, fact.kind) == (True, 100_00, EntryKind.ACCRUAL)


def test_claims_are_kept_by_funding(app: Flask) -> None:
    grant = make_grant()
    funding = make_funding(grant)
    services.write_claims(act(), {funding.id: (90_00, 10_00)}, 2025, 1, "R-Q1")
    services.write_claims(act(), {funding.id: (95_00, 10_00)}, 2025, 2, "R-Q2")
    dorset = holder("dorset").id
    assert queries.newest_claims(dorset, grant.id, 2025) == {funding.ref: 95_00}
    assert queries.newest_claims(dorset, grant.id, 2025, before_quarter=2) == {funding.ref: 90_00}


def test_each_posting_leaves_one_audit_line(app: Flask) -> None:
    funding = make_funding(make_grant())
    entry = post(funding, 100_00)
    services.reverse_mistake(act(on=JUNE), entry, "Wrong")
    lines = audit.history("funding", services.subject_ref(funding))
    assert [line.action for line in lines] == ["reverse", "post", "open"]
    assert_chains_whole()
