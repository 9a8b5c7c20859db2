"""What was typed and what the council's ledger brings never count twice without somebody having said so."""

import datetime as dt
import re
from functools import partial
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from svd_tracker.calculations.figures import EntryKind
from svd_tracker.calculations.placing import RuleTests
from svd_tracker.errors import Refused
from svd_tracker.extensions import db
from svd_tracker.finance import services as finance
from svd_tracker.finance.intake.models import LedgerLine, Outcome, QueueLine
from svd_tracker.finance.intake.withdraw import withdraw
from svd_tracker.finance.models import Funding, LedgerEntry
from svd_tracker.finance.placing import applying, services, settling
from svd_tracker.finance.placing import like as like_entries
from svd_tracker.finance.placing.book import Part
from tests.integration.finance.ledger_files import (
    HEADINGS,
    bring_in,
    csv_of,
    line,
    refuse_a_crooked_ledger,
    rule,
    waiting,
)
from tests.integration.finance.money_rows import JULY, make_funding, post, spent
from tests.integration.finance.placing_rows import make_line, make_match, owner, where
from tests.support.client import PageClient
from tests.support.money import make_grant
from tests.support.world import act

pytestmark = pytest.mark.db

ALL = RuleTests(cost_centre="N*")
NEXT_APRIL = dt.date(2026, 4, 20)


def lines_of() -> list[LedgerLine]:
    return list(db.session.scalars(select(LedgerLine).order_by(LedgerLine.id)))


def test_a_line_like_an_entry_is_told_apart_before_it_is_placed(app: Flask) -> None:
    funding = make_funding(make_grant())
    rule("All", ALL, funding)
    typed = post(funding, 100_00, document="I1")
    bring_in(csv_of([line("100.00", "I1"), line("7.00", "I2", centre="X")]))
    match = make_match(funding)
    like, other = lines_of()
    given = (act(on=JULY), owner())
    for verb in (
        partial(services.place, *given, [other, like], funding),
        partial(services.split, *given, like, [Part(100_00, funding.id)]),
        partial(services.income, *given, [like], match),
    ):
        with pytest.raises(Refused, match="Say first whether it is entry 1: open the line I1 of row 2") as refused:
            verb()
        assert refused.value.field == "lines"
        db.session.rollback()
    services.carry(*given, [like], services.When(2025, 1), "Asked the school")
    with pytest.raises(Refused, match="Say first"):
        services.place(*given, [like], funding)
    db.session.rollback()
    assert spent(funding) == {1: 100_00}
    applying.another_cost(*given, like)
    services.place(*given, [other], funding)
    db.session.commit()
    assert spent(funding) == {1: 207_00}, "somebody said that it is another cost"
    services.put_back(*given, [like], "Look again")
    settling.settle_with(*given, like, typed)
    db.session.commit()
    assert spent(funding) == {1: 107_00}
    refuse_a_crooked_ledger()


def test_a_line_is_placed_once_its_entry_is_reversed(app: Flask) -> None:
    funding = make_funding(make_grant())
    rule("All", ALL, funding)
    typed = post(funding, 100_00, document="I1")
    bring_in(csv_of([line("100.00", "I1")]))
    finance.reverse_mistake(act(on=JULY), typed, "The line stands for it")
    services.place(act(on=JULY), owner(), lines_of(), funding)
    db.session.commit()
    assert spent(funding) == {1: 100_00}


ACCRUALS = (*HEADINGS, "Document type")


def test_the_ledgers_own_accruals_of_march_wait_for_the_old_year(app: Flask) -> None:
    old, new = make_funding(make_grant()), make_funding(make_grant(2026), fy=2026)
    rule("All", ALL, old)
    rows = [
        (*line("-500.00", "ACR77", "01/04/2026"), "ACR"),  # period 1: whatever else there is
        (*line("-40.00", "REV2", "04/05/2026"), "ACR"),  # undoes April's, of the very same file
        (*line("40.00", "ACR90", "30/04/2026"), "ACR"),
        (*line("-41.00", "REV3", "05/05/2026"), "ACR"),  # undoes nothing of the year
        (*line("-42.00", "REV4", "05/08/2026"), "ACR"),  # too late to be the old year's
        (*line("-43.00", "CN1", "05/05/2026"), "CN"),
    ]
    bring_in(csv_of(rows, ACCRUALS), on=dt.date(2026, 9, 1))
    assert waiting() == [("ACR77", "old_year"), ("REV3", "old_year")]
    assert (spent(new), spent(old)) == ({1: -43_00, 2: -42_00}, {})
    may = [(*line("-40.00", "REV5", "06/05/2026"), "ACR"), (*line("60.00", "ACR91", "30/04/2026"), "ACR")]
    bring_in(csv_of(may, ACCRUALS), "may.csv", on=dt.date(2026, 9, 1))
    june = [(*line("-60.00", "REV6", "06/06/2026"), "ACR")]
    bring_in(csv_of(june, ACCRUALS), "june.csv", on=dt.date(2026, 9, 1))
    assert waiting() == [("ACR77", "old_year"), ("REV3", "old_year")], "its opposite stands in the ledger"
    assert applying.apply_rules(act(on=dt.date(2026, 9, 1)), owner()) == (0, 0)


def test_another_cost_may_still_be_the_old_years(app: Flask) -> None:
    old, new = make_funding(make_grant()), make_funding(make_grant(2026), fy=2026)
    rule("All", ALL, old)
    bring_in(csv_of([line("500.00", "A1", "31/03/2026")]), on=dt.date(2026, 4, 2))
    post(new, -10_00, dt.date(2026, 4, 5), document="A1", on=dt.date(2026, 4, 6))
    bring_in(csv_of([line("-500.00", "A1", "03/04/2026")]), "apr.csv", on=NEXT_APRIL)
    assert waiting() == [("A1", "like_an_entry")]
    belongs = applying.another_cost(act(on=NEXT_APRIL), owner(), lines_of()[-1])
    db.session.commit()
    assert (belongs.outcome, where(lines_of()[-1]).outcome) == (Outcome.WAITING, Outcome.WAITING)
    assert waiting() == [("A1", "old_year")]
    assert spent(new) == {1: -10_00}


def test_an_accrual_that_was_made_again_gives_way_from_its_first_form(app: Flask) -> None:
    """The line waits with the accrual that it looked like when it came, which was released and accrued again since."""
    grant = make_grant()
    funding = make_funding(grant)
    rule("All", ALL, funding)
    accrual = post(funding, 100_00, dt.date(2025, 6, 20), document="PO 9", kind=EntryKind.ACCRUAL)
    finance.close_quarters(
        act(on=JULY), holder_id=funding.holder_id, grant_id=grant.id, fy=2025, quarters=[1], ledger_seq=1,
        return_ref="R",
    )  # fmt: skip
    db.session.commit()
    bring_in(csv_of([line("100.00", "INV 44", "05/07/2025")]), on=JULY)
    release = db.session.scalars(select(LedgerEntry).where(LedgerEntry.reverses_id == accrual.id)).one()
    again = finance.accrue_again(act(on=JULY), release)
    db.session.commit()
    (like,) = lines_of()
    with pytest.raises(Refused, match=f"Say first whether it is entry {again.seq}"):
        services.place(act(on=JULY), owner(), [like], funding)
    db.session.rollback()
    assert applying.apply_rules(act(on=JULY), owner()) == (0, 0)
    db.session.commit()
    queued = db.session.get_one(QueueLine, like.id)
    assert (queued.entry_id, queued.hint) == (again.id, f"Looks like typed entry {again.seq} of £100.00, PO 9")
    settling.settle_with(act(on=JULY), owner(), like, accrual)
    db.session.commit()
    assert spent(funding) == {1: 100_00, 2: 0}
    assert [entry.seq for entry in like_entries.what_gave_way(like.id)] == [again.seq]
    refuse_a_crooked_ledger()


def test_what_was_told_apart_stays_told_apart_when_rules_are_asked_again(app: Flask) -> None:
    funding = make_funding(make_grant())
    typed = post(funding, 100_00, document="I1")
    bring_in(csv_of([line("100.00", "I1")]))
    (like,) = lines_of()
    applying.another_cost(act(on=JULY), owner(), like)
    applying.apply_rules(act(on=JULY), owner())
    db.session.commit()
    assert db.session.get_one(QueueLine, like.id).entry_id == typed.id
    rule("All", ALL, funding)
    assert applying.apply_rules(act(on=JULY), owner()) == (1, 100_00)


def eligible_now() -> list[tuple[int, bool, str]]:
    """Pence, eligibility and why not of the entries that stand."""
    gone = set(db.session.scalars(select(LedgerEntry.reverses_id)))
    entries = db.session.scalars(select(LedgerEntry).order_by(LedgerEntry.seq))
    standing = [each for each in entries if each.id not in gone and each.kind is not EntryKind.REVERSAL]
    return [(each.pence, each.eligible, "" if each.eligible else each.reason) for each in standing]


def test_what_the_grant_does_not_pay_stays_so_when_the_line_moves(app: Flask) -> None:
    grant = make_grant()
    funding, other = make_funding(grant), make_funding(grant, title="Level-Up")
    rule("All", ALL, funding)
    typed = post(funding, 100_00, document="I1", eligible=False, reason="Alcohol")
    bring_in(csv_of([line("100.00", "I1")]))
    (like,) = lines_of()
    given = (act(on=JULY), owner(), like)
    settling.settle_with(*given, typed)
    assert eligible_now() == [(100_00, False, "Alcohol")]
    services.split(*given, [Part(60_00, funding.id), Part(40_00, other.id)], reason="Part is Level-Up's")
    assert eligible_now() == [(60_00, False, "Alcohol"), (40_00, True, "")]
    services.place(*given[:2], [like], funding, reason="It was not")
    assert eligible_now() == [(100_00, False, "Alcohol")]
    services.split(*given, [Part(100_00, other.id)], not_eligible=True, reason="Level-Up's")
    assert eligible_now() == [(100_00, False, "Alcohol")]
    services.split(*given, [Part(100_00, other.id)], not_eligible=False, reason="Soft drinks")
    assert eligible_now() == [(100_00, True, "")]
    services.split(*given, [Part(100_00, other.id)], not_eligible=True, reason="Gifts")
    db.session.commit()
    assert eligible_now() == [(100_00, False, "Gifts")]
    assert where(like).parts == (Part(100_00, other.id, eligible=False, reason="Gifts"),)
    refuse_a_crooked_ledger()


def test_a_waiting_line_is_ruled_not_eligible_with_a_reason(app: Flask, client: PageClient) -> None:
    app.config["TODAY"] = JULY
    funding_id = make_funding(make_grant()).id
    line_id = make_line(100_00).id
    url = f"/ledger-lines/{line_id}/place"
    form = client.sign_in("finance.officer@dorset.example").get(url).get_data(as_text=True)
    assert "The grant does not pay for this" in form
    sent = {"seq": "0", "do": "place", "when": "20251", "place-0": f"F{funding_id}", "not_eligible": "y"}
    refused = client.post(url, {**sent, "once_key": once_key(form)}, 200).get_data(as_text=True)
    assert "Say why the grant does not pay for this" in refused
    client.post(url, {**sent, "once_key": once_key(form), "reason": "A meal with wine"}, 303)
    assert eligible_now() == [(100_00, False, "A meal with wine")]
    page = client.get(f"/ledger-lines/{line_id}").get_data(as_text=True)
    assert "The grant does not pay for this: A meal with wine" in page
    assert re.search(r'name="not_eligible"[^>]*checked', client.get(url).get_data(as_text=True))


def once_key(page: str) -> str:
    found = re.search(r'name="once_key"[^>]*value="([^"]+)"', page)
    assert found
    return found[1]


def test_taking_a_settled_line_back_says_that_the_typed_entry_stays_reversed(app: Flask, client: PageClient) -> None:
    app.config["TODAY"] = JULY
    funding = make_funding(make_grant())
    typed = [post(funding, 100_00, document="I1"), post(funding, 7_00, document="I2")]
    upload_id = bring_in(csv_of([line("100.00", "I1"), line("7.00", "I2")])).id
    lines = lines_of()
    for each, entry in zip(lines, typed, strict=True):
        settling.settle_with(act(on=JULY), owner(), each, entry)
    db.session.commit()
    first, funding_id = lines[0].id, funding.id
    words = "1 typed entry gave way and stays reversed: I1, £100.00. Post it again if it was right."
    page = (
        client.sign_in("finance.officer@dorset.example").get(f"/ledger-lines/{first}/put-back").get_data(as_text=True)
    )
    assert words in page
    both = "2 typed entries gave way and stay reversed: I1, £100.00; I2, £7.00. Post them again if they were right."
    assert both in client.get(f"/uploads/{upload_id}/withdraw").get_data(as_text=True)
    sent = {"once_key": once_key(page), "seq": "1", "reason": "Not this one"}
    client.post(f"/ledger-lines/{first}/put-back", sent, 303)
    assert f"The line waits again. {words}" in client.get(f"/ledger-lines/{first}").get_data(as_text=True)
    page = client.get(f"/uploads/{upload_id}/withdraw").get_data(as_text=True)
    left = words.replace("I1, £100.00", "I2, £7.00")
    assert left in page, "what was put back was said then"
    client.post(f"/uploads/{upload_id}/withdraw", {"once_key": once_key(page), "reason": "Wrong file"}, 303)
    assert left in client.get(f"/uploads/{upload_id}").get_data(as_text=True)
    assert spent(db.session.get_one(Funding, funding_id)) == {1: 0}


def test_what_an_interest_shuts_is_counted_and_not_named(app: Flask) -> None:
    grant = make_grant()
    funding, secret = make_funding(grant), make_funding(grant, title="Level-Up")
    entries = [post(funding, 1_00, document="I1"), post(secret, 2_00, document="SECRET")]
    shut = {(secret.fy, secret.intervention_id)}
    assert "reversed: I1, £1.00 and 1 more. Post" in like_entries.gave_way_words(entries, shut)
    assert "reversed: 1 not shown. Post" in like_entries.gave_way_words(entries[1:], shut)
    assert like_entries.gave_way_words([]) == ""


@pytest.mark.parametrize(
    ("given", "found"),
    [
        ({"document": "inv-0012"}, True),
        ({"document": "INV 0012", "pence": -100_00}, False),
        ({"document": "INV 0012", "pence": 3_00, "spent_on": dt.date(2025, 4, 1)}, True),
        ({"document": "INV 13"}, True),  # the same funding and amount, near the day
        ({"document": "INV 13", "spent_on": dt.date(2025, 7, 2)}, False),
        ({"document": "INV 13", "pence": 100_01}, False),
        ({"document": "7", "pence": 9_00}, False),  # too short to say anything
        ({"document": "0012", "kind": EntryKind.ACCRUAL}, True),
    ],
)
def test_an_entry_that_the_ledger_has_already_is_asked_about(app: Flask, given: dict[str, Any], found: bool) -> None:
    funding = make_funding(make_grant())
    rule("All", ALL, funding)
    bring_in(csv_of([line("100.00", "INV/0012"), line("5.00", "7", centre="X")]))
    values = {"pence": 100_00, "spent_on": dt.date(2025, 6, 1), "on": JULY, **given}
    if not found:
        post(funding, **values)
        return
    with pytest.raises(Refused, match=r"INV/0012 of 6 May 2025, row 2 of ledger\.csv\. If this") as refused:
        post(funding, **values)
    assert refused.value.field == "document"
    db.session.rollback()
    post(funding, **values, another_cost=True)


def test_a_line_that_went_does_not_stop_an_entry(app: Flask) -> None:
    funding = make_funding(make_grant())
    upload = bring_in(csv_of([line("100.00", "INV 12")]))
    with pytest.raises(Refused, match="If this is another cost, say so below"):
        post(funding, 100_00, document="INV 12")
    withdraw(act(on=JULY), upload, "Wrong")
    post(funding, 100_00, document="INV 12")
    assert spent(funding) == {1: 100_00}


def test_the_page_asks_whether_an_entry_is_another_cost(app: Flask, client: PageClient) -> None:
    app.config["TODAY"] = JULY
    funding = make_funding(make_grant())
    rule("All", ALL, funding)
    bring_in(csv_of([line("100.00", "INV 12")]))
    url, funding_id = f"/fundings/{funding.id}/entries/new", funding.id
    form = client.sign_in("finance.officer@dorset.example").get(url).get_data(as_text=True)
    assert "It is another cost" not in form
    sent = {"once_key": once_key(form), "kind": "actual", "document": "INV 12", "amount": "100",
            "spent_on-day": "6", "spent_on-month": "5", "spent_on-year": "2025"}  # fmt: skip
    page = client.post(url, sent, 200).get_data(as_text=True)
    assert "It is another cost: both count" in page
    assert "row 2 of ledger.csv" in page
    assert spent(db.session.get_one(Funding, funding_id)) == {1: 100_00}
    client.post(url, {**sent, "another_cost": "y"}, 303)
    assert spent(db.session.get_one(Funding, funding_id)) == {1: 200_00}
