"""Draft decisions of a chosen option: shown in the list, filled into the page, and never a decision."""

import pytest
from flask import Flask

from svd_tracker.calculations.options import OptionPlace
from svd_tracker.decisions import queries
from svd_tracker.errors import Refused
from svd_tracker.extensions import db
from svd_tracker.proposals import queries as proposals
from svd_tracker.proposals.models import Proposal
from svd_tracker.rounds.models import Round
from svd_tracker.scoring import moderation_services
from svd_tracker.scoring.models import LineOption, LineOptionAmount, LineOptionItem
from tests.integration.decisions.support import BOTH, LABOUR, NON_LABOUR, decide, deciding
from tests.integration.scoring.support import declare
from tests.support.client import PageClient
from tests.support.money import holder
from tests.support.rounds import COORDINATOR
from tests.support.world import act

pytestmark = pytest.mark.db


def choose(round_: Round, proposal: Proposal, place: OptionPlace, amounts: dict[object, int], reason: str = "") -> None:
    """Dorset's chosen option puts one proposal somewhere; commits."""
    now = act()
    item = LineOptionItem(
        proposal_id=proposal.id,
        place=place,
        reason=reason,
        amounts=[LineOptionAmount(category=category, pence=pence) for category, pence in amounts.items()],
    )
    option = LineOption(
        round_id=round_.id,
        holder_id=holder("dorset").id,
        name="Part fund the mentors",
        chosen_at=now.at,
        items=[item],
        recorded_at=now.at,
        recorded_by=None,
    )
    db.session.add(option)
    db.session.commit()


def test_a_draft_is_shown_and_filled_in_until_the_decision_is_recorded(app: Flask, client: PageClient) -> None:
    round_, (proposal,) = deciding(BOTH)
    number, listed = proposal.id, f"/rounds/{round_.id}/decisions"
    choose(round_, proposal, OptionPlace.FUND_IN_PART, {LABOUR: 5_000_00}, "Half a post is enough")
    page = client.sign_in(COORDINATOR).get(listed).text
    assert "Draft of “Part fund the mentors”: fund in part, £5,000" in page
    assert "Not decided" in page
    url = f"/proposals/{number}/decisions/{holder('dorset').id}"
    page = client.get(url).text
    assert 'value="5000.00"' in page
    assert 'value="0.00"' in page
    assert "Half a post is enough</textarea>" in page
    assert 'value="fund_in_part" checked' in page
    assert queries.standing([number]) == {}
    assert "Draft of" not in client.sign_in("member@dorset.example").get(listed).text
    assert "Draft of" not in client.sign_in("coordinator@bcp.example").get(listed).text
    theirs = client.get(f"/proposals/{number}/decisions/{holder('bcp').id}").text
    assert "Half a post" not in theirs


def test_a_reserve_fills_in_what_was_asked_as_amounts(app: Flask, client: PageClient) -> None:
    round_, (proposal,) = deciding(BOTH)
    choose(round_, proposal, OptionPlace.RESERVE, {})
    page = client.sign_in(COORDINATOR).get(f"/proposals/{proposal.id}/decisions/{holder('dorset').id}").text
    assert 'value="reserve" checked' in page
    assert 'value="12000.00"' in page


def test_drafts_would_tell_of_a_shut_proposal_and_are_left_out(app: Flask, client: PageClient) -> None:
    round_, (shut, other) = deciding(BOTH, {"dorset": {NON_LABOUR: 8_000_00}})
    url, listed = f"/proposals/{other.id}/decisions/{holder('dorset').id}", f"/rounds/{round_.id}/decisions"
    choose(round_, other, OptionPlace.FUND_IN_PART, {NON_LABOUR: 1_234_00})
    declare(shut, COORDINATOR)
    assert "Draft of" not in client.sign_in(COORDINATOR).get(listed).text
    page = client.get(url).text
    assert "1234.00" not in page
    assert "Filled in from the option" not in page


def test_the_next_decision_of_a_meeting_begins_with_its_day_and_minute(app: Flask, client: PageClient) -> None:
    _, (first, second, third) = deciding(BOTH, BOTH, BOTH)
    first_id, second_id, dorset, bcp = first.id, second.id, holder("dorset").id, holder("bcp").id
    url, last = (f"/proposals/{each}/decisions/{dorset}" for each in (second_id, third.id))
    others = f"/proposals/{third.id}/decisions/{bcp}"
    assert "filled in from the decision recorded before" not in client.sign_in(COORDINATOR).get(url).text
    recorded = decide(proposals.get_proposal(first_id), minute_ref="Minute 41").id
    page = client.get(url).text
    assert "filled in from the decision recorded before" in page
    assert 'value="Minute 41"' in page
    assert f'href="{url}"' in client.get(f"/decisions/{recorded}").text
    declare(proposals.get_proposal(second_id), COORDINATOR)
    page = client.get(f"/decisions/{recorded}").text
    assert f'href="{url}"' not in page
    assert f'href="{last}"' in page
    assert "Minute 41" not in client.sign_in("coordinator@bcp.example").get(others).text


def test_agreed_marks_stay_once_a_decision_stands(app: Flask) -> None:
    _, (first, second) = deciding(BOTH, BOTH)
    decide(first)
    with pytest.raises(Refused, match="A decision on this proposal stands"):
        moderation_services.refuse_if_settled(first)
    moderation_services.refuse_if_settled(second)
