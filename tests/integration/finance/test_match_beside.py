"""Match beside the grant on the money pages, the files of an accrual, and match never in the claim, by every path."""

import datetime as dt
import io
import re
from collections.abc import Callable

import pytest
from flask import Flask
from sqlalchemy import func, select

from svd_tracker.accounts import queries as accounts
from svd_tracker.calculations.figures import EntryKind
from svd_tracker.errors import Refused
from svd_tracker.extensions import db
from svd_tracker.files.models import FileLink
from svd_tracker.finance import facts, queries, services
from svd_tracker.finance.evidence import ENTRY, attach_to_accrual, attach_to_match, take_from_entry
from svd_tracker.finance.match_services import add_event, promise
from svd_tracker.finance.models import LedgerEntry, Match, MatchEvent, MatchKind, MatchStage
from svd_tracker.grants import queries as grants
from svd_tracker.interventions import services as interventions
from svd_tracker.interventions.models import PlanLine
from svd_tracker.returns.services import prepare
from tests.integration.finance.money_rows import JULY, make_funding, post
from tests.integration.finance.test_pages import OFFICER, said
from tests.integration.returns.year import DRAFTED, make_year, obligation
from tests.support.client import PageClient
from tests.support.money import holder, make_grant, make_terms
from tests.support.world import act
from tests.unit.test_evidence_kinds import PDF

pytestmark = pytest.mark.db

MAY, JUNE = dt.date(2025, 5, 6), dt.date(2025, 6, 10)


def plan_line_of(funding_id: int) -> PlanLine:
    intervention = queries.get_funding(funding_id).intervention
    line = interventions.ensure_plan_line(holder("dorset"), 2025, intervention, act(), lead="Public health")
    db.session.flush()
    return line


def matched(funding_id: int, kind: MatchKind, pence: int = 100_00) -> Match:
    given = accounts.list_organisations(holder("dorset").area_id)[0]
    match = promise(act(on=DRAFTED), plan_line_of(funding_id), given, kind, f"Match {kind}", pence, JUNE, "Letter")
    db.session.commit()
    return match


def test_the_year_shows_what_is_required_and_what_is_behind(client: PageClient, app: Flask) -> None:
    app.config["TODAY"] = JULY
    funding = make_funding(make_grant(), 100_00)
    post(funding, 60_00)
    match = matched(funding.id, MatchKind.CASH)
    add_event(act(on=DRAFTED), match, MatchStage.RECEIVED, 40_00, JUNE, "Remittance")
    db.session.commit()
    url = f"/finance/{holder('dorset').id}/2025"
    page = said(client.sign_in(OFFICER).get(url))
    assert "the agreement asks for" not in page
    assert ": 60% of the grant is spent and 40% of the promised match has come" in page
    make_terms(grants.get_grant(1), match_required_bp=3333)
    db.session.commit()
    assert "asks for £20.00 on the £60.00 spent so far, and £40.00 has come" in said(client.get(url))
    make_terms(grants.get_grant(1), match_required_pence=5_000_00)
    db.session.commit()
    assert "asks for £5,000.00 for the year, and £40.00 has come" in said(client.get(url))


def test_match_of_other_work_does_not_count_for_a_grant(client: PageClient, app: Flask) -> None:
    app.config["TODAY"] = JULY
    grant = make_grant()
    funding = make_funding(grant, 100_00)
    match = matched(funding.id, MatchKind.CASH)
    add_event(act(on=DRAFTED), match, MatchStage.RECEIVED, 40_00, JUNE, "Remittance")
    other = make_grant(ref="OTHER")
    make_funding(other, 100_00, title="Other work")
    make_terms(other, match_required_pence=1_00)
    db.session.commit()
    page = said(client.sign_in(OFFICER).get(f"/finance/{holder('dorset').id}/2025"))
    assert "asks for £1.00 for the year, and £0.00 has come" in page


def test_an_open_accrual_keeps_its_files(client: PageClient, app: Flask) -> None:
    app.config["TODAY"] = JULY
    funding = make_funding(make_grant(), 100_00)
    entry = post(funding, 60_00, kind=EntryKind.ACCRUAL, document="PO-12")
    actual = post(funding, 1_00)
    url = f"/entries/{entry.id}/files"
    with pytest.raises(Refused, match="open accrual"):
        attach_to_accrual(act(), actual, "order.pdf", PDF)
    actual_id, entry_id = actual.id, entry.id
    client.sign_in(OFFICER)
    assert url in client.get(f"/finance/{holder('dorset').id}/2025/accruals").get_data(as_text=True)
    assert "No file is kept yet" in said(client.get(url))
    client.get(f"{url}/new")
    assert "Select a file" in said(client.post(f"{url}/new", {}, 200))
    for _ in range(2):
        sent = {"file": (io.BytesIO(PDF), "Order 12.pdf"), "note": "Signed", "once_key": "a" * 32}
        client.post(f"{url}/new", sent, content_type="multipart/form-data")
    assert db.session.scalar(select(func.count()).select_from(FileLink)) == 1
    page = client.get(url).get_data(as_text=True)
    link = re.search(rf'href="({url}/\d+)"', page)
    assert link
    answer = client.get(link[1])
    assert answer.get_data() == PDF
    assert answer.headers["Content-Disposition"] == 'attachment; filename="Order 12.pdf"'
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    client.get(link[1].replace(f"/{entry_id}/", f"/{actual_id}/"), 404)
    client.sign_in("member@dorset.example").get(link[1], 403)
    client.sign_in("finance.officer@bcp.example").get(link[1], 403)
    client.sign_in(OFFICER).get(f"{link[1]}/take-away")
    client.post(f"{link[1]}/take-away", {"reason": "Another order", "once_key": "b" * 32})
    client.get(link[1], 404)
    services.reverse_mistake(act(on=JULY), queries.get_entry(entry_id), "Wrong")
    db.session.commit()
    sent = {"file": (io.BytesIO(PDF), "Order 12.pdf"), "once_key": "c" * 32}
    assert "open accrual" in said(client.post(f"{url}/new", sent, 200, content_type="multipart/form-data"))


def test_match_is_never_in_the_claim_by_any_path(client: PageClient, app: Flask) -> None:
    """Every verb and page of match, cash and in kind, in every stage: the ledger and the return stay as they were."""
    app.config["TODAY"] = DRAFTED
    year = make_year()
    nurse_id, grant_id, obligation_id = year.nurse.id, year.grant.id, obligation(1).id
    dorset_id = holder("dorset").id
    accrual = db.session.scalars(select(LedgerEntry).where(LedgerEntry.kind == EntryKind.ACCRUAL)).one()

    def claim() -> object:
        entries = facts.entry_facts(dorset_id, grant_id, 2025)
        fundings = facts.funding_facts(dorset_id, grant_id, 2025)
        return (
            prepare(obligation_id, act(on=DRAFTED)).content.figures,
            entries,
            fundings,
            queries.ledger_seq(dorset_id),
        )

    before = claim()
    assert before[0].total.claimed_now > 0  # type: ignore[index]
    cash, in_kind = matched(nurse_id, MatchKind.CASH, 20_000_00), matched(nurse_id, MatchKind.IN_KIND, 20_000_00)
    paths: list[Callable[[], object]] = [
        lambda: add_event(act(on=DRAFTED), cash, MatchStage.CONFIRMED, 5_000_00, JUNE, "Letter"),
        lambda: add_event(act(on=DRAFTED), cash, MatchStage.RECEIVED, 5_000_00, JUNE, "Remittance"),
        lambda: add_event(act(on=DRAFTED), cash, MatchStage.RECEIVED, -1_00, JUNE, "Too much"),
        lambda: add_event(act(on=DRAFTED), cash, MatchStage.WITHDRAWN, 1_000_00, JUNE, "Letter"),
        lambda: add_event(act(on=DRAFTED), in_kind, MatchStage.CONFIRMED, 5_000_00, JUNE, "Letter"),
        lambda: add_event(act(on=DRAFTED), in_kind, MatchStage.DELIVERED, None, JUNE, "Time sheet", 75_000, 25_00),
        lambda: add_event(act(on=DRAFTED), in_kind, MatchStage.DELIVERED, 50_00, JUNE, "Diary", price_list="Hire"),
        lambda: attach_to_match(act(on=DRAFTED), db.session.scalars(select(MatchEvent)).first(), "a.pdf", PDF),  # type: ignore[arg-type]
        lambda: attach_to_accrual(act(on=DRAFTED), accrual, "b.pdf", PDF + b"2"),
        lambda: take_from_entry(
            act(on=DRAFTED),
            accrual,
            db.session.scalars(select(FileLink).where(FileLink.subject_type == ENTRY)).one(),
            "Wrong",
        ),
        lambda: make_terms(grants.get_grant(grant_id), match_required_bp=3000),
        lambda: make_terms(grants.get_grant(grant_id), match_required_pence=9_000_00),
    ]
    for path in paths:
        path()
        db.session.commit()
        assert claim() == before

    line_id, cash_id, kind_id = cash.plan_line_id, cash.id, in_kind.id
    given = {"happened_on-day": "10", "happened_on-month": "6", "happened_on-year": "2025", "evidence": "Remittance"}
    client.sign_in("coordinator@dorset.example")
    partner = accounts.list_organisations(holder("dorset").area_id)[0].id
    new = {**given, "organisation": str(partner), "title": "By page", "pence": "900.00"}
    for number, kind in enumerate(MatchKind):
        client.post(f"/plan-lines/{line_id}/match/new", {**new, "kind": kind.value, "once_key": str(number) * 32})
    stages = [(cash_id, stage) for stage in ("promised", "confirmed", "received", "withdrawn")]
    stages += [(kind_id, stage) for stage in ("promised", "confirmed", "delivered", "withdrawn")]
    for number, (match_id, stage) in enumerate(stages):
        typed = {**given, "stage": stage, "pence": "10.00", "once_key": f"{number:x}a" * 16}
        if match_id == kind_id:
            typed["price_list"] = "Hire"
        client.post(f"/plan-lines/{line_id}/match/{match_id}/events/new", typed)
    client.sign_in(OFFICER)
    form = client.get(f"/fundings/{nurse_id}/entries/new").get_data(as_text=True)
    assert not re.search(r'name="[^"]*match', form)  # the entry form has no way to name match
    assert claim() == before

    # An invoice that match pays in part: only what is charged to the grant is spend (issue 3).
    post(queries.get_funding(nurse_id), 100_00, JUNE, document_total_pence=400_00, on=DRAFTED)
    after = claim()
    assert after[0].total.to_date == before[0].total.to_date + 100_00  # type: ignore[index]
