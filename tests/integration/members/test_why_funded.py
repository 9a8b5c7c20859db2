"""A plan line leads to the decision that funded it, as it stood, and not past a declared interest."""

import datetime as dt

import pytest
from sqlalchemy import select

from svd_tracker.extensions import db
from svd_tracker.finance.models import Funding
from svd_tracker.proposals import services as proposals
from svd_tracker.proposals.models import InterestKind
from svd_tracker.rounds.models import Round, RoundState
from tests.integration.decisions.support import BOTH, decide, deciding
from tests.support.client import PageClient
from tests.support.rounds import advance, person
from tests.support.world import DAY, act

pytestmark = pytest.mark.db


def test_the_decision_and_what_it_opened(client: PageClient) -> None:
    _, (proposal,) = deciding()
    decision = decide(proposal)
    decision_url = f"/decisions/{decision.id}"
    page = client.sign_in("member@dorset.example").get("/plan-lines/1?on=2025-07-16").get_data(as_text=True)
    assert f'href="{decision_url}"' in page
    assert "It works, and schools ask for it." in page
    assert "Decided on 1 April 2025: fund" in page
    client.get(decision_url)
    assert len(client.get("/plan/1/2025").get_data(as_text=True)) > 0
    assert len(client.queries) <= 25


def test_not_before_it_was_recorded(client: PageClient) -> None:
    decide(deciding()[1][0])
    client.sign_in("member@dorset.example").get(f"/plan-lines/1?on={DAY - dt.timedelta(days=1)}", status=404)


def test_not_past_a_declared_interest(client: PageClient) -> None:
    round_, (proposal,) = deciding({"dorset": BOTH["dorset"]})
    decide(proposal)
    member = person("member@dorset.example")
    proposals.declare_interest(round_, proposal, member.id, InterestKind.DIRECT, "Trustee", act(member.id))
    db.session.commit()
    round_id = round_.id
    client.sign_in("member@dorset.example").get("/plan-lines/1", status=403)
    plan = client.get("/plan/1/2025").get_data(as_text=True)
    assert len(client.queries) <= 25
    file = client.get("/plan/1/2025/download").get_data(as_text=True)
    for text in (plan, file):
        assert "Not shown: you declared an interest" in text
        assert not any(given in text for given in ("12,000", "12000", "3,000", "15,000", "15000", "Project 1"))
    published = db.session.get(Round, round_id)
    assert published is not None
    advance(published, RoundState.PUBLISHED)
    assert "£15,000" in client.get("/plan/1/2025").get_data(as_text=True)
    client.get("/plan-lines/1")


def test_nor_on_the_pages_of_its_money_and_of_its_approval(client: PageClient) -> None:
    round_, (proposal,) = deciding()
    decision = decide(proposal)
    funding_id = db.session.scalars(select(Funding.id)).first()
    pages = (f"/fundings/{funding_id}", f"/fundings/{funding_id}/forecast", f"/approvals/{decision.approval_id}")
    totals = ("/finance", "/finance/1/2025", "/finance/1/2025/download")
    officer = person("finance.officer@dorset.example")
    proposals.declare_interest(round_, proposal, officer.id, InterestKind.DIRECT, "Trustee", act(officer.id))
    db.session.commit()
    client.sign_in("finance.officer@dorset.example")
    for url in pages:
        client.get(url, status=403)
    for url in (*totals, "/finance/1/2025/ledger"):
        text = client.get(url).text
        assert not any(given in text for given in ("12,000", "12000", "15,000", "Project 1")), url
    assert "not shown" in client.get("/finance").text
    client.sign_in("coordinator@dorset.example")
    for url in pages:
        client.get(url)
    for url in totals[1:]:
        assert "12,000" in client.get(url).text or "12000" in client.get(url).text
