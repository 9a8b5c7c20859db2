"""Ledger files: all or nothing, never the same bytes twice, never the same rows unasked."""

import datetime as dt
from dataclasses import replace

import pytest
from flask import Flask

from svd_tracker.audit import queries as audit
from svd_tracker.errors import Refused
from svd_tracker.extensions import db
from svd_tracker.files.models import Upload, UploadState
from svd_tracker.finance import queries, services
from tests.integration.finance.money_rows import JULY, JUNE, make_funding, post, spent
from tests.support.money import holder, make_grant
from tests.support.world import act

pytestmark = pytest.mark.db

HEAD = "Funding,Date,Kind,Document,Amount,Irrecoverable VAT,Document total,Supplier,Description\n"


def take_in(text: str, **given: bool) -> Upload:
    upload = services.import_ledger(act(on=JUNE), holder("dorset"), "june.csv", text.encode(), **given)
    db.session.commit()
    return upload


def codes(upload: Upload) -> list[tuple[str, int | None, str | None]]:
    return [(each.code, each.row_no, each.column_name) for each in upload.findings]


def test_a_good_file_is_taken_in_whole(app: Flask) -> None:
    funding = make_funding(make_grant())
    upload = take_in(
        f'{HEAD}{funding.ref},06/05/2025,actual,INV 1,"1,200.00",240.00,2880.00,Acme,"=HYPERLINK(""x"")"\n'
        f"{funding.ref},07/05/2025,,INV 2,-20.50,,,,\n"
    )
    assert (upload.state, upload.lines_read, upload.lines_posted) == (UploadState.TAKEN_IN, 2, 2)
    assert spent(funding) == {1: 1_440_00 - 20_50}
    first, second = queries.entry_rows(funding.holder_id, funding.grant_id, 2025)
    assert (first.seq, first.pence, first.vat_pence, first.document_total_pence) == (1, 1_440_00, 240_00, 2_880_00)
    entry = queries.get_entry(first.id)
    assert (entry.supplier, entry.description) == ("Acme", '=HYPERLINK("x")')
    assert (entry.upload_row, second.document) == (2, "INV 2")
    assert queries.ledger_seq(holder("dorset").id) == 2


def test_one_wrong_row_refuses_the_file_and_keeps_it(app: Flask) -> None:
    funding = make_funding(make_grant())
    bcp = make_funding(make_grant(2026), of="bcp", fy=2026)
    upload = take_in(
        f"{HEAD}{funding.ref},06/05/2025,actual,INV 1,100.00\n"
        f"F-0099,06/05/2025,actual,INV 2,100.00\n"
        f"{funding.ref},06/05/2024,actual,INV 3,100.00\n"
        f"{funding.ref},06/05/2025,actual,INV 4,lots\n"
        f"{funding.ref},21/06/2025,actual,{'x' * 121},1.00\n"
    )
    assert bcp.ref == funding.ref  # a ref is unique in its holder, and another's is not reached
    assert (upload.state, upload.lines_posted) == (UploadState.REFUSED, 0)
    assert codes(upload) == [
        ("unknown_funding", 3, "Funding"),
        ("date_outside", 4, "Date"),
        ("bad_amount", 5, "Amount"),
        ("too_long", 6, "Document"),
        ("date_outside", 6, "Date"),
    ]
    assert queries.ledger_seq(holder("dorset").id) == 0
    assert upload.file.size > 0
    lines = audit.history("upload", f"dorset/dorset/{upload.id}")
    assert [line.action for line in lines] == ["refused"]


def test_a_row_is_refused_where_the_page_refuses(app: Flask) -> None:
    funding = make_funding(make_grant())
    amounts = ("1,100,-20,", "2,100,20,119.99", "3,100,20,-500", "4,-100,,-50")
    rows = (*(f"INV {each}" for each in amounts), ",100,,", "INV 6,100,20,120")
    upload = take_in(HEAD + "".join(f"{funding.ref},06/05/2025,actual,{row}\n" for row in rows))
    assert upload.state is UploadState.REFUSED
    assert codes(upload) == [
        ("bad_amounts", 2, "Irrecoverable VAT"),
        ("bad_amounts", 3, "Document total"),
        ("bad_amounts", 4, "Document total"),
        ("bad_amounts", 5, "Document total"),
        ("no_document", 6, "Document"),
    ]
    assert "Row 3, Document total: enter £120.00 or more" in upload.findings[1].message


def test_a_refused_file_may_be_sent_again_and_taken_in_once(app: Flask) -> None:
    funding = make_funding(make_grant())
    good = f"{HEAD}{funding.ref},06/05/2025,actual,INV 1,100.00\n"
    take_in(good)
    with pytest.raises(Refused, match="taken in on 20 June 2025 by The schedule or a command, as june") as refused:
        take_in(good)
    assert refused.value.field == "file"
    assert spent(funding) == {1: 100_00}


def test_rows_that_look_the_same_wait_for_an_answer(app: Flask) -> None:
    funding = make_funding(make_grant())
    post(funding, 100_00, document="INV 1")
    text = f"{HEAD}{funding.ref},06/05/2025,actual,INV 1,100.00\n{funding.ref},08/05/2025,actual,INV 2,5.00\n"
    upload = take_in(text)
    assert (upload.state, upload.lines_posted) == (UploadState.READ, 0)
    assert codes(upload) == [("same_as_posted", 2, None)]
    taken = services.confirm_upload(act(on=JUNE), upload)
    db.session.commit()
    assert (taken.state, taken.lines_posted, taken.file_id) == (UploadState.TAKEN_IN, 2, upload.file_id)
    assert spent(funding) == {1: 205_00}
    with pytest.raises(Refused, match="taken in"):
        services.confirm_upload(act(on=JUNE), upload)
    with pytest.raises(Refused, match="waits for your answer"):
        services.confirm_upload(act(on=JUNE), taken)


def test_what_was_reversed_as_a_mistake_does_not_look_the_same(app: Flask) -> None:
    funding = make_funding(make_grant())
    entry = post(funding, 100_00, document="INV 1")
    services.reverse_mistake(act(on=JUNE), entry, "Wrong date")
    assert take_in(f"{HEAD}{funding.ref},06/05/2025,actual,INV 1,100.00\n").state is UploadState.TAKEN_IN


def test_the_same_rows_can_be_meant_at_once(app: Flask) -> None:
    funding = make_funding(make_grant())
    post(funding, 100_00, document="INV 1")
    upload = take_in(f"{HEAD}{funding.ref},06/05/2025,actual,INV 1,100.00\n", same_rows_too=True)
    assert upload.state is UploadState.TAKEN_IN


def test_rows_of_a_closed_quarter_are_taken_in_with_a_warning(app: Flask) -> None:
    grant = make_grant()
    funding = make_funding(grant)
    services.close_quarters(
        act(on=JULY),
        holder_id=holder("dorset").id,
        grant_id=grant.id,
        fy=2025,
        quarters=[1],
        ledger_seq=0,
        return_ref="R-1",
    )
    upload = take_in(f"{HEAD}{funding.ref},06/05/2025,actual,INV 1,100.00\n")
    assert upload.state is UploadState.TAKEN_IN
    assert [each.code for each in upload.findings] == ["closed_quarter"]
    assert "R-1 has closed" in upload.findings[0].message


@pytest.mark.parametrize(
    "content", [b"PK\x03\x04 xl/workbook", b"%PDF-1.7", b"\x00\x01\x02", b"Funding,Date\n", b"=1+1,\n"]
)
def test_a_file_that_is_not_what_it_says_is_kept_and_refused(app: Flask, content: bytes) -> None:
    upload = services.import_ledger(act(on=JUNE), holder("dorset"), "..\\..\\evil.csv", content)
    db.session.commit()
    assert (upload.state, upload.file.name) == (UploadState.REFUSED, "evil.csv")
    assert all(each.severity == "error" for each in upload.findings if each.code != "unknown_heading")


def test_an_empty_file_is_refused_at_its_field(app: Flask) -> None:
    with pytest.raises(Refused) as refused:
        services.import_ledger(act(on=JUNE), holder("dorset"), "empty.csv", b"")
    assert refused.value.field == "file"


def test_every_row_counts_as_read_and_the_day_is_londons(app: Flask) -> None:
    funding = make_funding(make_grant())
    bad = take_in(f"{HEAD}{funding.ref},06/05/2025,actual,INV 4,lots\n{funding.ref},07/05/2025,actual,INV 5,5.00\n")
    assert (bad.lines_read, bad.lines_posted) == (2, 0)
    text = f"{HEAD}{funding.ref},06/05/2025,actual,INV 1,100.00\nTotal,,,,100.00\n"
    midnight = replace(act(on=JUNE), at=dt.datetime(2025, 6, 19, 23, 17, tzinfo=dt.UTC))
    taken = services.import_ledger(midnight, holder("dorset"), "june.csv", text.encode())
    db.session.commit()
    assert (taken.lines_read, taken.lines_posted) == (2, 1)
    with pytest.raises(Refused, match="taken in on 20 June 2025"):
        take_in(text)
    assert "recorded on 20 June 2025" in take_in(text + "\n\n").findings[0].message
