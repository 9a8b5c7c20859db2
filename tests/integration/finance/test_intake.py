"""Ledger files taken in: once, whole or not at all, each line where it belongs."""

import datetime as dt
import json

import pytest
from flask import Flask
from sqlalchemy import func, select

from svd_tracker.audit import queries as audit
from svd_tracker.audit.models import AuditPayload
from svd_tracker.calculations.figures import EntryKind
from svd_tracker.calculations.placing import RuleKind, RuleTests
from svd_tracker.errors import Refused
from svd_tracker.extensions import db
from svd_tracker.files.models import UploadState
from svd_tracker.finance import queries, services
from svd_tracker.finance.intake.models import LedgerLine, LineEvent, QueueLine
from svd_tracker.finance.intake.page_queries import list_files
from svd_tracker.finance.intake.read_file import check_file
from svd_tracker.finance.intake.receive import receive_file
from svd_tracker.finance.intake.summary import Summary, findings_of, summary_of
from svd_tracker.finance.intake.take_in import take_in
from svd_tracker.finance.intake.uploads import changed_lines
from svd_tracker.finance.intake.withdraw import in_the_way, withdraw, withdrawal_of
from svd_tracker.finance.placing.applying import apply_rules
from svd_tracker.finance.reconcile.queries import dropped_lines
from tests.integration.finance.ledger_files import (
    bring_in,
    buckets,
    csv_of,
    line,
    mapping_of,
    refuse_a_crooked_ledger,
    rule,
    standing,
    waiting,
)
from tests.integration.finance.money_rows import JULY, make_funding, spent
from tests.support.extracts import agresso_like, integra_like, sap_like
from tests.support.money import holder, make_grant
from tests.support.world import act

pytestmark = pytest.mark.db


def test_three_finance_systems_are_taken_in(app: Flask) -> None:
    funding = make_funding(make_grant())
    rule("Nurse", RuleTests(text="nurse"), funding)
    for name, content, lines, pence in (
        ("sap.xlsx", sap_like(), 15, 32_818_15),
        ("agresso.csv", agresso_like(), 13, 3_832_00),
        ("integra.txt", integra_like(), 12, 14_450_30),
    ):
        upload = bring_in(content, name, mapping=name)
        assert upload.state is UploadState.TAKEN_IN, [each.message for each in findings_of(upload)]
        assert (upload.lines_posted, upload.lines_known, upload.total_pence) == (lines, 0, pence)
    refuse_a_crooked_ledger()
    assert buckets()["waiting"][0] + buckets()["funding"][0] == 40
    assert spent(funding)[1] == buckets()["funding"][1] > 0


def test_the_same_bytes_are_refused_and_a_longer_file_adds_only_what_is_new(app: Flask) -> None:
    funding = make_funding(make_grant())
    rule("All", RuleTests(cost_centre="N*"), funding)
    twins = [line("40.00", "INV 2"), line("40.00", "INV 2")]
    first = bring_in(csv_of([line("100.00"), *twins]))
    assert (first.lines_posted, spent(funding)) == (3, {1: 180_00})
    with pytest.raises(Refused, match="taken in on 10 July 2025 by The schedule or a command, as ledger"):
        bring_in(csv_of([line("100.00"), *twins]))
    db.session.rollback()
    longer = bring_in(csv_of([line("7.00", "INV 3"), *twins, line("40.00", "INV 2"), line("100.00")]))
    assert (longer.lines_posted, longer.lines_known, longer.total_pence) == (2, 3, 47_00)
    assert spent(funding) == {1: 227_00}
    twins_and_one = select(LedgerLine.occurrence).where(LedgerLine.document == "INV 2").order_by(LedgerLine.id)
    assert db.session.scalars(twins_and_one).all() == [1, 2, 3]
    refuse_a_crooked_ledger()


def test_a_line_that_the_ledger_changed_is_shown_and_nothing_is_altered(app: Flask) -> None:
    funding = make_funding(make_grant())
    rule("All", RuleTests(cost_centre="N*"), funding)
    bring_in(csv_of([line("100.00"), line("5.00", "INV 2"), line("9.00", "INV 9", centre="X9")]))
    upload = bring_in(csv_of([line("120.00"), line("5.00", "INV 2")]))
    assert [each.code for each in findings_of(upload)] == ["dropped"]
    assert summary_of(upload).dropped_pence == 100_00
    (changed,) = changed_lines(upload, 10)
    assert changed.instead is not None
    assert (changed.line.cost_pence, changed.instead.cost_pence) == (100_00, 120_00)
    assert spent(funding) == {1: 225_00}
    gone = dropped_lines(holder("dorset").id, 2025)
    assert len(db.session.scalars(gone).all()) == 1
    bring_in(csv_of([line("120.00"), line("5.00", "INV 2"), line("1.00", "INV 3")]))
    assert db.session.scalar(select(func.count()).select_from(LineEvent)) == 1, "it is said once"
    back = bring_in(csv_of([line("100.00"), line("120.00"), line("5.00", "INV 2"), line("1.00", "INV 3")]))
    assert (summary_of(back).back_lines, db.session.scalars(gone).all()) == (1, [])
    assert back.lines_posted == 0


def test_another_report_of_the_same_lines_waits_and_counts_nothing_twice(app: Flask) -> None:
    funding = make_funding(make_grant())
    rule("All", RuleTests(cost_centre="N*"), funding)
    bring_in(csv_of([line("100.00", "INV 1"), line("5.00", "INV 2"), line("7.00", "INV 3")]), "june.csv")
    again = csv_of([line("100.00", "inv-1", text="Another text"), line("5.00", "INV 2", centre="N0100"),
                    line("100.00", "INV 1", text="A second of its kind")])  # fmt: skip
    other = again.replace(b"Supplier", b"Payee", 1)
    upload = bring_in(other, "other.csv", mapping="Another report")
    said = {each.code: each.message for each in findings_of(upload)}
    assert said["like_a_line"] == (
        "2 lines, £105.00, look the same as what came with june.csv, read another way: they would count twice, and wait"
    )
    assert "1 line of earlier files, £7.00, is" in said["dropped"], "those that look alike are not gone"
    assert waiting() == [("INV 2", "like_a_line"), ("inv-1", "like_a_line")]
    hints = db.session.scalars(select(QueueLine.hint).order_by(QueueLine.line_id)).all()
    assert hints[0] == "Looks the same as row 2 of june.csv, which is here already"
    assert spent(funding) == {1: 212_00}, "a second line of a kind is new"
    apply_rules(act(on=JULY), holder("dorset"))
    db.session.commit()
    assert len(waiting()) == 2, "no rule places them"
    refuse_a_crooked_ledger()


def test_a_line_of_another_cost_centre_or_words_that_changed(app: Flask) -> None:
    funding = make_funding(make_grant())
    rule("All", RuleTests(cost_centre="N*"), funding)
    bring_in(csv_of([line("100.00", "JNL 1")]))
    split = bring_in(csv_of([line("100.00", "JNL 1", centre="N200")]))
    assert not findings_of(split), "a journal may share one amount to two cost centres"
    changed = bring_in(csv_of([line("100.00", "JNL 1", text="Corrected")]))
    assert {each.code for each in findings_of(changed)} == {"like_a_line", "dropped"}
    assert (waiting(), spent(funding)) == ([("JNL 1", "like_a_line")], {1: 200_00})


def test_a_file_speaks_for_the_months_that_are_said(app: Flask) -> None:
    bring_in(csv_of([line("1.00", day="06/04/2025"), line("2.00", day="06/06/2025")]))
    only_april = csv_of([line("1.00", day="06/04/2025"), line("3.00", "INV 3", day="06/04/2025")])
    silent = bring_in(only_april)
    assert (summary_of(silent).dropped_lines, silent.covers_from, silent.covers_to) == (0, 202501, 202501)
    speaks = bring_in(only_april + b"\n", covers=(202501, 202503))
    assert (summary_of(speaks).dropped_lines, speaks.covers_to) == (1, 202503)
    with pytest.raises(Refused, match="not before the first"):
        bring_in(only_april + b"\n\n", covers=(202503, 202501))


def test_a_withdrawn_file_counts_no_more_and_may_come_again(app: Flask) -> None:
    funding = make_funding(make_grant())
    rule("All", RuleTests(cost_centre="N*"), funding)
    content = csv_of([line("100.00"), line("100.00"), line("3.00", "INV 7", centre="X1")])
    first = bring_in(content)
    second = bring_in(csv_of([line("100.00"), line("8.00", "INV 8")]))
    with pytest.raises(Refused, match="Say why"):
        withdraw(act(on=JULY), first, " ")
    assert in_the_way(first) == second
    with pytest.raises(Refused, match="withdraw that one first"):
        withdraw(act(on=JULY), first, "Wrong year")
    db.session.rollback()
    for upload in (second, first):
        withdraw(act(on=JULY), upload, "Wrong year")
        db.session.commit()
    assert (spent(funding), standing(), waiting(), buckets()) == ({1: 0}, [], [], {})
    assert withdrawal_of(first) is not None
    refuse_a_crooked_ledger()
    with pytest.raises(Refused, match="withdrawn already"):
        withdraw(act(on=JULY), first, "Again")
    db.session.rollback()
    again = bring_in(content)
    assert (again.lines_posted, again.lines_known, spent(funding)) == (3, 0, {1: 200_00})
    actions = [each.action for each in audit.history("upload", f"dorset/dorset/{first.id}")]
    assert actions == ["withdraw", "taken_in"]
    assert [row.withdrawal is None for row in list_files(holder("dorset").id, 1)[0]] == [True, False, False]
    refuse_a_crooked_ledger()


def test_one_mistake_refuses_everything(app: Flask) -> None:
    make_funding(make_grant())
    rows = [line(f"{number}.00", f"INV {number}") for number in range(1, 30)]
    rows[15] = line("lots", "INV 16")
    rows[20] = line("1.00", "INV 21", day="11/07/2025")
    rows[21] = line("1.00", "INV 22", day="11/07/2025")
    upload = bring_in(csv_of(rows))
    assert (upload.state, upload.lines_read, upload.lines_posted) == (UploadState.REFUSED, 29, 0)
    found = [(each.severity, each.row_no, each.column_name) for each in findings_of(upload)]
    assert found[:3] == [("error", 17, "Net amount"), ("error", 22, "Date"), ("error", 23, "Date")]
    assert "posted in the future, on 11 July 2025" in findings_of(upload)[1].message
    assert standing() == []
    assert summary_of(upload) == Summary()
    rows[15], rows[20], rows[21] = line("16.00", "INV 16"), line("21.00", "INV 21"), line("22.00", "INV 22")
    assert bring_in(csv_of(rows)).lines_posted == 29


def test_a_check_says_what_taking_in_then_does(app: Flask) -> None:
    grant = make_grant()
    funding = make_funding(grant)
    rule("Tool", RuleTests(cost_centre="N*"), funding, priority=5)
    rule("Overheads", RuleTests(account="9*"), kind=RuleKind.LEFT_OUT, reason="Overheads of the council", priority=1)
    rule("Grant", RuleTests(account="8000"), kind=RuleKind.GRANT_INCOME, priority=1)
    rule("Match", RuleTests(account="8100"), kind=RuleKind.MATCH_INCOME, priority=1)
    bring_in(csv_of([line("1.00", "INV 0")]))
    services.close_quarters(
        act(on=JULY), holder_id=holder("dorset").id, grant_id=grant.id, fy=2025, quarters=[1], ledger_seq=0,
        return_ref="R-1",
    )  # fmt: skip
    db.session.commit()
    content = csv_of(
        [
            line("1.00", "INV 0"),
            line("10.00"),
            line("10.00", account="9100"),
            line("-500.00", account="8000"),
            line("-60.00", account="8100"),
            line("2.50", "INV 4", centre="X1"),
        ]
    )
    mapping = mapping_of(content)
    file = receive_file(act(on=JULY), holder("dorset"), "check.csv", content)
    db.session.commit()
    checked = check_file(act(on=JULY), holder("dorset"), file, mapping)
    db.session.commit()
    assert (checked.state, checked.lines_posted, checked.lines_known) == (UploadState.READ, 0, 1)
    assert (checked.covers_from, checked.covers_to, len(standing())) == (202502, 202502, 1)
    taken = take_in(act(on=JULY), holder("dorset"), file, mapping)
    db.session.commit()
    assert summary_of(checked) == summary_of(taken)
    assert [(each.outcome, each.label, each.lines, each.pence) for each in summary_of(taken).shares] == [
        ("placed", "Tool", 1, 10_00),
        ("left_out", "Overheads", 1, 10_00),
        ("grant_income", "Grant", 1, -500_00),
        ("match_income", "Match", 1, -60_00),
        ("waiting", "No rule places them", 1, 2_50),
    ]
    said = [[(each.code, each.message) for each in findings_of(one)] for one in (checked, taken)]
    assert said[0] == said[1] == [
        ("closed_quarter", "1 line counts in Q1 2025/26, which R-1 has closed: an adjustment in the next return")
    ]  # fmt: skip
    assert spent(funding) == {1: 11_00}
    refuse_a_crooked_ledger()


def test_one_audit_line_has_count_sum_and_digest(app: Flask) -> None:
    upload = bring_in(csv_of([line("1.00"), line("2.00")]))
    (said,) = audit.history("upload", f"dorset/dorset/{upload.id}")
    payload = db.session.scalar(select(AuditPayload.payload).where(AuditPayload.audit_line_id == said.id))
    after = json.loads(payload or "")["after"]
    assert (after["posted"], after["total_pence"], after["digest"]) == (2, 3_00, upload.digest)
    assert len(upload.digest or "") == 64


def test_a_file_that_names_its_fundings(app: Flask) -> None:
    grant = make_grant()
    funding = make_funding(grant)
    headings = ("Funding", "Date", "Kind", "Document", "Amount")
    rows = [
        (funding.ref, "06/05/2025", "", "INV 1", "100.00"),
        ("F-0099", "06/05/2025", "", "INV 2", "7.00"),
        (funding.ref, "30/06/2025", "accrual", "ACC 1", "20.00"),
    ]
    upload = bring_in(csv_of(rows, headings))
    assert (spent(funding), waiting()) == ({1: 120_00}, [("INV 2", "no_funding")])
    assert [each.message for each in findings_of(upload)] == [
        "There is no funding F-0099 in 2025/26: 1 line, £7.00, waits"
    ]
    kinds = [row.kind.value for row in queries.entry_rows(holder("dorset").id, grant.id, 2025)]
    assert kinds == ["actual", "accrual"]


def test_a_file_of_another_holder_is_none_of_ours(app: Flask) -> None:
    content = csv_of([line("1.00")])
    mapping = mapping_of(content, of="bcp")
    file = receive_file(act(on=JULY), holder("dorset"), "x.csv", content)
    with pytest.raises(ValueError, match="belong to the holder"):
        take_in(act(on=JULY), holder("dorset"), file, mapping)
    bring_in(content, of="bcp")
    assert bring_in(content).lines_posted == 1


@pytest.mark.parametrize("content", [b"", b"%PDF-1.7", b"PK\x03\x04 not a workbook", b"\x00\x01\x02"])
def test_what_is_no_ledger_file_is_not_kept(app: Flask, content: bytes) -> None:
    with pytest.raises(Refused) as refused:
        receive_file(act(), holder("dorset"), "x.csv", content)
    assert refused.value.field == "file"


def test_many_lines_like_typed_entries_are_counted_not_listed(app: Flask) -> None:
    funding = make_funding(make_grant())
    services.post_entry(
        act(on=JULY), funding, kind=EntryKind.ACTUAL, spent_on=dt.date(2025, 5, 6), document="J1", pence=5
    )
    db.session.commit()
    upload = bring_in(csv_of([line(f"{number}.00", "J-1") for number in range(1, 604)]))
    found = findings_of(upload)
    assert [each.row_no for each in found[:2]] == [2, 3]
    assert (len(found), found[-1].message) == (501, "103 more rows like these: like_an_entry")


def test_a_name_is_kept_without_signs_that_nobody_sees(app: Flask) -> None:
    kept = receive_file(act(), holder("dorset"), "a/l\x00ed\r\n\u202eger\ud800.csv", csv_of([line("1.00")]))
    assert kept.name == "ledger.csv"
    assert receive_file(act(), holder("dorset"), "\x01", csv_of([line("1.00")])).name == "file"
