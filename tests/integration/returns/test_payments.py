"""What is claimed, paid and outstanding, by holder and period; who sees which; mistakes taken back."""

import datetime as dt
from collections.abc import Iterator

import pytest
from flask import Flask
from sqlalchemy import select

from svd_tracker.accounts import queries as accounts
from svd_tracker.errors import Refused
from svd_tracker.extensions import db
from svd_tracker.grants.models import Grant
from svd_tracker.returns import area_life, area_queries, payment_queries, payments, queries, revisions
from svd_tracker.returns.area import join
from svd_tracker.returns.area_models import Payment
from svd_tracker.returns.area_queries import Period
from svd_tracker.returns.payment_queries import Account, DueRow
from tests.integration.returns.year import by, certified, make_year, obligation
from tests.support.client import PageClient
from tests.support.money import holder

pytestmark = pytest.mark.db
DAY = dt.date(2025, 7, 29)
CLAIM = 14_830_50


@pytest.fixture(autouse=True)
def day(app: Flask) -> Iterator[None]:
    app.config["TODAY"] = DAY
    yield
    app.config["TODAY"] = None


@pytest.fixture
def grant(app: Flask) -> Grant:
    """Dorset certified for the first quarter, BCP not."""
    found = make_year().grant
    make_year("bcp", found)
    certified(1, "dorset")
    return found


def pay(
    grant: Grant, pence: int, to: str | None = "dorset", quarter: int | None = 1, on: dt.date = DAY, ref: str = "BACS 1"
) -> Payment:
    made = payments.record_payment(
        grant,
        holder_id=holder(to).id if to else None,
        fy=2025,
        last_quarter=quarter,
        pence=pence,
        paid_on=on,
        reference=ref,
        note="",
        act=by("opcc.officer@opcc", DAY),
    )
    db.session.commit()
    return made


def account(grant: Grant, ref: str = "dorset") -> Account:
    of = holder(ref)
    found = payment_queries.list_payments(grant.id, 2025, [of.id], from_funder=False)
    return payment_queries.accounts_of(grant.id, 2025, [of], found)[0]


def test_what_a_certified_return_claims_is_outstanding_until_it_is_paid(grant: Grant) -> None:
    first = account(grant).rows[0]
    assert (first.last_quarter, first.claimed, first.paid, first.outstanding) == (1, CLAIM, 0, CLAIM)
    pay(grant, 10_000_00)
    pay(grant, 4_000_00)
    assert account(grant).rows[0].outstanding == CLAIM - 14_000_00
    assert (account(grant).claimed, account(grant).paid) == (CLAIM, 14_000_00)


def test_a_return_that_is_not_certified_claims_nothing_yet_and_that_is_not_nought(grant: Grant) -> None:
    first = account(grant, "bcp").rows[0]
    assert (first.claimed, first.missing) == (None, "not certified: Q1 2025/26")


def test_what_was_paid_for_a_return_opened_again_is_not_owed_back(grant: Grant, client: PageClient) -> None:
    pay(grant, CLAIM)
    revision = queries.newest_revision(obligation(1).id)
    assert revision is not None
    revisions.reopen(revision, "An invoice was left out", by("certifier@dorset", DAY))
    db.session.commit()
    found, grant_id = account(grant), grant.id
    assert (found.rows[0].claimed, found.rows[0].paid, found.rows[0].outstanding) == (None, CLAIM, None)
    assert (found.outstanding, found.paid_without_claim) == (0, CLAIM)
    client.sign_in("opcc.officer@opcc.example")
    page = client.get(f"/payments/{grant_id}/2025").text
    assert "of it for a return that is open now" in page
    assert "−£14,830.50" not in page


def test_an_advance_is_for_no_one_return_and_counts_against_the_year(grant: Grant) -> None:
    pay(grant, 20_000_00, quarter=None)
    found = account(grant)
    assert found.rows[-1] == DueRow(None, None, 20_000_00)
    assert found.outstanding == CLAIM - 20_000_00


def test_a_mistake_is_taken_back_once_and_both_stay(grant: Grant) -> None:
    wrong = pay(grant, 1_00)
    back = payments.take_back_payment(wrong, "Typed in pounds", by("opcc.officer@opcc", DAY))
    db.session.commit()
    assert (back.pence, back.reverses_id, back.last_quarter) == (-1_00, wrong.id, 1)
    assert account(grant).paid == 0
    for again, words in ((wrong, "already"), (back, "itself")):
        with pytest.raises(Refused, match=words):
            payments.take_back_payment(again, "Again", by("opcc.officer@opcc", DAY))
        db.session.rollback()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"pence": 0}, "Enter the amount"),
        ({"on": dt.date(2025, 7, 30)}, "today or in the past"),
        ({"ref": "  "}, "Enter the payment's reference"),
        ({"quarter": 5}, "Choose a quarter"),
    ],
)
def test_a_payment_that_cannot_be_is_refused(grant: Grant, change: dict[str, object], words: str) -> None:
    with pytest.raises(Refused, match=words):
        pay(grant, **{"pence": 1_00, **change})  # type: ignore[arg-type]


def test_the_funder_owes_what_the_area_return_sent_to_it_claims(grant: Grant) -> None:
    period = Period(grant.id, 2025, 1)

    def owed() -> int:
        found = payment_queries.list_payments(grant.id, 2025, [], from_funder=True)
        return payment_queries.funder_account(grant.id, 2025, "Dorset OPCC", found).outstanding

    revision = join(period, "The others are late", by("opcc.officer@opcc", DAY))
    db.session.commit()
    assert owed() == 0, "it is not sent yet"
    area_life.certify_join(revision.id, "Chief finance officer", by("certifier@opcc", DAY))
    found = area_queries.get_area_revision(revision.id)
    area_life.send_join(found, "Home Office", "By e-mail", "", DAY, by("opcc.officer@opcc", DAY))
    db.session.commit()
    assert owed() == CLAIM
    pay(grant, CLAIM, to=None)
    assert owed() == 0
    certified(1, "bcp")
    join(period, "BCP's return came", by("opcc.officer@opcc", DAY))
    db.session.commit()
    assert owed() == 0, "the next join is not sent yet"


def test_each_sees_their_own(grant: Grant, client: PageClient) -> None:
    pay(grant, 77_00, ref="DORSET-77")
    pay(grant, 88_00, to="bcp", ref="BCP-88")
    pay(grant, 99_00, to=None, ref="HO-99")
    url = f"/payments/{grant.id}/2025"
    seen = {
        "opcc.officer@opcc": {"DORSET-77", "BCP-88", "HO-99"},
        "auditor@audit": {"DORSET-77", "BCP-88", "HO-99"},
        "finance.officer@dorset": {"DORSET-77"},
        "certifier@bcp": {"BCP-88"},
    }
    for who, refs in seen.items():
        client.sign_in(f"{who}.example")
        for text in (client.get(url).text, client.get(f"{url}/download").text):
            assert {ref for ref in ("DORSET-77", "BCP-88", "HO-99") if ref in text} == refs, who
    client.sign_in("finance.officer@dorset.example").get(f"{url}/new", status=403)
    client.get(url)
    assert "BCP Community" not in client.get(url).text
    client.sign_in("member@dorset.example").get(url, status=403)


def test_the_pages_of_payments(grant: Grant, client: PageClient) -> None:
    grant_id = grant.id
    url = f"/payments/{grant_id}/2025"
    client.sign_in("opcc.officer@opcc.example")
    form = client.get(f"{url}/new").text
    key = form.split('name="once_key"')[1].split('value="')[1].split('"')[0]
    given = {
        "once_key": key,
        "payee": str(holder("dorset").id),
        "period": "1",
        "pence": "14,830.50",
        "paid_on-day": "28",
        "paid_on-month": "7",
        "paid_on-year": "2025",
        "reference": "BACS 4471",
    }
    assert "Enter the payment&#39;s reference" in client.post(f"{url}/new", {**given, "reference": ""}, status=200).text
    page = client.follow(client.post(f"{url}/new", given))
    assert "BACS 4471" in page.text
    client.post(f"{url}/new", given)
    assert client.get(url).text.count("BACS 4471") == 2, "a double click: the payment, and its link's own words"
    assert len(client.queries) <= 25, client.queries
    payment = db.session.scalars(select(Payment)).one()
    assert accounts.get_person(payment.recorded_by or 0).name == "OPCC officer"
    client.post(f"/payments/{payment.id}/take-back", {"reason": "Paid to another grant"})
    assert "Taken back: Paid to another grant" in client.get(url).text
    client.get(f"/payments/{grant_id}/2031", status=404)
