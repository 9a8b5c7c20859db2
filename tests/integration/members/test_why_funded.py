"""A plan line leads to the decision that funded it, as it stood, and not past a declared interest."""

import datetime as dt

import pytest

from svd_tracker.extensions import db
from svd_tracker.proposals import services as proposals
from svd_tracker.proposals.models import InterestKind
from tests.integration.decisions.support import decide, deciding
from tests.support.client import PageClient
from tests.support.rounds import person
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
    round_, (proposal,) = deciding()
    decide(proposal)
    member = person("member@dorset.example")
    proposals.declare_interest(round_, proposal, member.id, InterestKind.DIRECT, "Trustee", act(member.id))
    db.session.commit()
    page = client.sign_in("member@dorset.example").get("/plan-lines/1").get_data(as_text=True)
    assert "It works, and schools ask for it." not in page
    assert "/decisions/" not in page
