"""Match by quarter, its evidence as kept files, list prices, and the alert when it lags the grant."""

import datetime as dt
import io
import re
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select, text
from sqlalchemy.exc import DBAPIError

from svd_tracker.calculations.match import BEFORE
from svd_tracker.errors import NotFound, Refused
from svd_tracker.extensions import db
from svd_tracker.files import evidence
from svd_tracker.files.models import FileLink, StoredFile
from svd_tracker.finance import match_queries
from svd_tracker.finance.evidence import MATCH_EVENT, attach_to_match, take_from_match
from svd_tracker.finance.intake.models import LedgerLine
from svd_tracker.finance.match_services import add_event, promise
from svd_tracker.finance.match_standing import standings
from svd_tracker.finance.models import Match, MatchEvent, MatchKind, MatchStage
from svd_tracker.finance.placing.services import income
from svd_tracker.grants import queries as grants
from svd_tracker.interventions import services as interventions
from tests.integration.delivery.lines import JUNE, TODAY, coordinator, make_line, on_form, organisation
from tests.integration.finance import placing_rows
from tests.integration.finance.money_rows import make_funding, post
from tests.support import world
from tests.support.chains import assert_chains_whole
from tests.support.client import PageClient
from tests.support.money import holder, make_grant, make_terms
from tests.unit.test_evidence_kinds import PDF, PNG

pytestmark = pytest.mark.db

COORDINATOR, MEMBER = "coordinator@dorset.example", "member@dorset.example"


def make_match(kind: MatchKind = MatchKind.CASH, pence: int = 500_000) -> Match:
    match = promise(coordinator(), make_line(), organisation(), kind, "Share of the post", pence, JUNE, "Letter")
    db.session.commit()
    return match


def first_event(match: Match) -> MatchEvent:
    return db.session.scalars(select(MatchEvent).where(MatchEvent.match_id == match.id)).first()  # type: ignore[return-value]


def said(page: Any) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page.get_data(as_text=True)))


def test_each_stage_stands_by_quarter_and_is_never_added_to_another(client: PageClient) -> None:
    match = make_match()
    line_id, match_id = match.plan_line_id, match.id
    add_event(coordinator(), match, MatchStage.RECEIVED, 100_000, JUNE, "Remittance 1")
    add_event(coordinator(), match, MatchStage.RECEIVED, 25_050, TODAY, "Remittance 2")
    add_event(coordinator(), match, MatchStage.CONFIRMED, 40_000, dt.date(2025, 3, 1), "Letter")
    db.session.commit()
    rows = match_queries.stage_rows(match.plan_line)
    assert [(row.stage, dict(row.by_quarter), row.total) for row in rows] == [
        (MatchStage.PROMISED, {1: 500_000}, 500_000),
        (MatchStage.CONFIRMED, {BEFORE: 40_000}, 40_000),
        (MatchStage.RECEIVED, {1: 100_000, 2: 25_050}, 125_050),
    ]
    assert match_queries.stage_rows(match.plan_line, up_to=JUNE)[2].total == 100_000
    client.sign_in(MEMBER)
    page = said(client.get(f"/plan-lines/{line_id}/match/{match_id}"))
    assert "Before 2025/26" in page
    assert "After 2025/26" not in page
    assert "£1,250.50" in page
    assert "£6,650.50" not in page  # nothing adds the stages
    csv = client.get(f"/plan-lines/{line_id}/match/download").get_data().decode("utf-8-sig").splitlines()
    assert csv[0] == "Partner,Kind,What for,Stage,Before the year,Q1,Q2,Q3,Q4,After it,Total"
    assert csv[3] == "Dorset Police,Cash,Share of the post,Received,0.00,1000.00,250.50,0.00,0.00,0.00,1250.50"


def test_its_cash_in_the_councils_ledger_is_shown_and_recorded_from_there(client: PageClient, app: Flask) -> None:
    match = placing_rows.make_match(make_funding(make_grant()))
    line_id = placing_rows.make_line(-40_00, document="RCT-5533").id
    match_id, received = match.id, f"/ledger-lines/{line_id}/received"
    page_url = f"/plan-lines/{match.plan_line_id}/match/{match_id}"
    assert "Cash of this match" not in said(client.sign_in(COORDINATOR).get(page_url))
    line = db.session.get_one(LedgerLine, line_id)
    income(coordinator(), placing_rows.owner(), [line], db.session.get_one(Match, match_id))
    db.session.commit()
    before = client.get(page_url).get_data(as_text=True)
    assert f'href="{received}"' in before
    assert "RCT-5533 6 May 2025 £40.00 Record it as received" in said(client.get(page_url))
    client.sign_in(MEMBER)
    assert "RCT-5533 6 May 2025 £40.00 not yet" in said(client.get(page_url))
    assert "/ledger-lines/" not in client.get(page_url).get_data(as_text=True)
    client.sign_in(COORDINATOR).post(received, {})
    after = client.get(page_url)
    assert "RCT-5533 6 May 2025 £40.00 yes" in said(after)
    assert received not in after.get_data(as_text=True)


def test_a_file_is_kept_shown_saved_and_taken_away_but_never_deleted(client: PageClient) -> None:
    match = make_match()
    event = first_event(match)
    url = f"/plan-lines/{match.plan_line_id}/match/{match.id}"
    client.sign_in(COORDINATOR)
    new = f"{url}/events/{event.id}/files/new"
    assert 'enctype="multipart/form-data"' in client.get(new).get_data(as_text=True)
    assert "Select a file" in said(client.post(new, {"note": ""}, 200))
    bad = {"file": (io.BytesIO(b"MZ\x90"), "letter.pdf")}
    assert "something else" in said(client.post(new, bad, 200, content_type="multipart/form-data"))
    sent = {"file": (io.BytesIO(PDF), "../Letter of June.pdf"), "note": "Signed", "once_key": "a" * 32}
    page = client.follow(client.post(new, sent, content_type="multipart/form-data")).get_data(as_text=True)
    assert "Letter of June.pdf is kept" in page
    again = {"file": (io.BytesIO(PDF), "Letter of June.pdf"), "note": "Signed", "once_key": "a" * 32}
    client.post(new, again, content_type="multipart/form-data")
    assert db.session.scalar(select(func.count()).select_from(FileLink)) == 1
    again = {"file": (io.BytesIO(PDF), "copy.pdf"), "once_key": "b" * 32}
    assert "here already, as Letter of June.pdf" in said(
        client.post(new, again, 200, content_type="multipart/form-data")
    )

    link = re.search(rf'href="({url}/events/{event.id}/files/\d+)"', page)
    assert link
    answer = client.get(link[1])
    assert answer.get_data() == PDF
    assert answer.headers["Content-Disposition"] == 'attachment; filename="Letter of June.pdf"'
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.mimetype == "application/pdf"

    client.sign_in(MEMBER)
    assert "1 file, kept for finance" in said(client.get(url))
    client.get(link[1], 403)
    client.get(f"{link[1]}/take-away", 403)

    client.sign_in(COORDINATOR)
    client.get(f"{link[1]}/take-away")
    assert "Say why" in said(client.post(f"{link[1]}/take-away", {"reason": ""}, 200))
    client.post(f"{link[1]}/take-away", {"reason": "Another project's", "once_key": "c" * 32})
    client.post(f"{link[1]}/take-away", {"reason": "Another project's", "once_key": "c" * 32})
    client.get(link[1], 404)
    assert "Letter of June.pdf" not in said(client.get(url))
    assert db.session.scalar(select(func.count()).select_from(StoredFile)) == 1
    assert db.session.scalar(select(func.count()).select_from(FileLink)) == 2
    assert_chains_whole()


def test_another_matchs_address_does_not_lead_to_a_file(client: PageClient) -> None:
    match = make_match()
    event = first_event(match)
    link = attach_to_match(coordinator(), event, "letter.pdf", PDF)
    other = promise(coordinator(), match.plan_line, organisation(), MatchKind.CASH, "Another", 1_00, JUNE)
    db.session.commit()
    line_id, link_id, event_id = match.plan_line_id, link.id, event.id
    other_id, other_event = other.id, first_event(other).id
    client.sign_in(COORDINATOR)
    client.get(f"/plan-lines/{line_id}/match/{other_id}/events/{event_id}/files/{link_id}", 404)
    client.get(f"/plan-lines/{line_id}/match/{other_id}/events/{other_event}/files/{link_id}", 404)
    client.sign_in("coordinator@bcp.example")
    client.get(f"/plan-lines/{line_id}/match/{other_id}", 403)


def test_a_link_never_changes_and_is_taken_away_once(app: Flask) -> None:
    event = first_event(make_match())
    link = attach_to_match(coordinator(), event, "letter.pdf", PDF)
    attach_to_match(coordinator(), event, "picture.png", PNG)
    take_from_match(coordinator(), event, link, "Not this one")
    db.session.commit()
    assert [each.file.name for each in evidence.links_of(MATCH_EVENT, [event.id])[event.id]] == ["picture.png"]
    with pytest.raises(Refused, match="already taken away"):
        take_from_match(coordinator(), event, link, "Again")
    with pytest.raises(NotFound):
        evidence.get_link(link.id, MATCH_EVENT)
    back = attach_to_match(coordinator(), event, "letter.pdf", PDF)
    assert back.file_id == link.file_id  # its bytes are kept once
    db.session.commit()
    for statement in ("DELETE FROM file_link", "UPDATE file_link SET note = 'x'"):
        with pytest.raises(DBAPIError):
            db.session.execute(text(statement))
        db.session.rollback()


def test_goods_are_valued_by_a_named_price_list(client: PageClient) -> None:
    match = make_match(MatchKind.IN_KIND)
    url = f"/plan-lines/{match.plan_line_id}/match/{match.id}/events/new"
    match_id = match.id
    client.sign_in(COORDINATOR)
    client.get(url)
    typed: dict[str, Any] = {"stage": "delivered", "pence": "120.00", "evidence": "Room diary"}
    typed |= on_form("happened_on", JUNE)
    assert "Enter the price list" in said(client.post(url, typed, 200))
    both = {**typed, "pence": "", "hours": "7.5", "rate": "16.00", "price_list": "Hire charges"}
    assert "not both" in said(client.post(url, both, 200))
    typed |= {"price_list": "Hire charges 2025", "file": (io.BytesIO(PNG), "diary.png")}
    page = said(client.follow(client.post(url, typed, content_type="multipart/form-data")))
    assert "Room diary; list price: Hire charges 2025" in page
    assert "diary.png" in page
    assert match_queries.match_history(match_id)[0].pence == 120_00


def test_a_price_list_is_not_for_cash_or_time(app: Flask) -> None:
    cash = make_match()
    with pytest.raises(Refused, match="in kind that is not time"):
        add_event(coordinator(), cash, MatchStage.RECEIVED, 1_00, JUNE, "Remittance", price_list="List")
    with pytest.raises(Refused, match="8 characters fewer"):
        add_event(coordinator(), cash, MatchStage.RECEIVED, 1_00, JUNE, "x" * 258)


def lagging() -> Match:
    """£60 of a £100 funding is spent, £40 of £100 match has come."""
    line = make_line("Level-Up")
    funding = make_funding(make_grant(), 100_00, title="Level-Up")
    match = promise(coordinator(), line, organisation(), MatchKind.CASH, "Share", 100_00, JUNE)
    add_event(coordinator(), match, MatchStage.RECEIVED, 40_00, JUNE, "Remittance")
    post(funding, 60_00)
    db.session.commit()
    return match


WORDS = "Level-Up: 60% of the grant is spent and 40% of the promised match has come"


def test_match_that_lags_waits_for_those_who_can_do_something(client: PageClient) -> None:
    match = lagging()
    line_id, match_id = match.plan_line_id, match.id
    for who in (COORDINATOR, "finance.officer@dorset.example"):
        page = client.sign_in(who).get("/").get_data(as_text=True)
        assert WORDS in page
        assert f'href="/plan-lines/{line_id}"' in page
    for who in (MEMBER, "coordinator@bcp.example", "opcc.officer@opcc.example"):
        assert WORDS not in client.sign_in(who).get("/").get_data(as_text=True)
    for who in (COORDINATOR, MEMBER):
        assert WORDS in said(client.sign_in(who).get(f"/plan-lines/{line_id}"))
    match = db.session.get_one(Match, match_id)
    add_event(coordinator(), match, MatchStage.RECEIVED, 20_00, JUNE, "Remittance 2")
    db.session.commit()
    assert "promised match has come" not in client.sign_in(COORDINATOR).get("/").get_data(as_text=True)
    assert "promised match has come" not in said(client.get(f"/plan-lines/{line_id}"))


def test_a_share_that_the_terms_require_stands_on_the_plan_line(client: PageClient) -> None:
    match = lagging()
    make_terms(grants.get_grant(1), match_required_bp=3333)
    db.session.commit()
    page = said(client.sign_in(MEMBER).get(f"/plan-lines/{match.plan_line_id}"))
    assert "asks for £20.00 of match on what is spent so far, and £40.00 has come" in page


def test_standing_is_that_of_its_day(app: Flask) -> None:
    match = lagging()
    (now,) = standings([holder("dorset").id], 2025)
    assert (now.standing.spent, now.standing.funding, now.standing.achieved, now.standing.expected) == (
        60_00,
        100_00,
        40_00,
        100_00,
    )
    assert standings([holder("dorset").id], 2025, on=dt.date(2025, 6, 9)) == []
    assert standings([holder("bcp").id], 2025) == standings([holder("dorset").id], 2024) == []
    assert len(standings([holder("dorset").id], 2025, match.plan_line_id)) == 1
    early = world.act(on=dt.date(2025, 6, 1)).at
    assert standings([holder("dorset").id], 2025, recorded_by=early) == []


def test_more_match_takes_no_more_queries(client: PageClient) -> None:
    match = lagging()
    match_id = match.id
    url = f"/plan-lines/{match.plan_line_id}/match/{match_id}"
    client.sign_in(COORDINATOR)
    client.get("/")
    home = len(client.queries)
    client.get(url)
    few = len(client.queries)
    match = db.session.get_one(Match, match_id)
    for number in range(6):
        add_event(coordinator(), match, MatchStage.RECEIVED, 1, JUNE, f"Remittance {number}")
        attach_to_match(coordinator(), first_event(match), f"{number}.pdf", PDF + bytes([number]))
        title = f"Project {number}"
        line = interventions.ensure_plan_line(
            holder("dorset"), 2025, make_line(title).intervention, world.act(), lead="Public health"
        )
        promise(coordinator(), line, organisation(), MatchKind.CASH, title, 100_00, JUNE)
    db.session.commit()
    client.get("/")
    assert len(client.queries) == home
    client.get(url)
    assert len(client.queries) == few
