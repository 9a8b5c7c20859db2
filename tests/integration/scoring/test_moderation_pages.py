"""The meeting's pages: nobody is named, who may see and change them, and what they say after another's change."""

import re

import pytest
from flask import Flask

from svd_tracker.extensions import db
from svd_tracker.grants.queries import get_grant
from svd_tracker.proposals.models import Proposal
from svd_tracker.proposals.queries import get_proposal
from svd_tracker.rounds.models import Round, RoundState
from svd_tracker.rounds.queries import get_round
from svd_tracker.scoring import moderation_services
from tests.integration.scoring.support import HEALTH, POLICE, declare, save, score_all, send
from tests.integration.scoring.test_moderation import agree, criterion, scored
from tests.support.client import PageClient
from tests.support.money import make_grant
from tests.support.rounds import (
    ASSESSORS,
    COORDINATOR,
    advance,
    finish_organisations,
    make_proposal,
    make_round,
    person,
)
from tests.support.world import act

pytestmark = pytest.mark.db


def pages_of(round_: Round, proposal: Proposal) -> list[str]:
    round_url, proposal_url = f"/rounds/{round_.id}/moderation", f"/proposals/{proposal.id}/moderation"
    return [round_url, f"{round_url}/stamp", f"{round_url}.csv", proposal_url]


def verbs_of(round_: Round, proposal: Proposal) -> list[str]:
    """The pages on which something is changed."""
    url = f"/proposals/{proposal.id}/moderation"
    return [f"{url}/{criterion(round_).id}", f"{url}/note", f"/rounds/{round_.id}/moderation/note"]


def test_marks_and_reasons_stand_without_names_in_order(app: Flask, client: PageClient) -> None:
    round_ = make_round()
    proposal = scored(round_, (400, 100, 500))
    urls = [*pages_of(round_, proposal), verbs_of(round_, proposal)[0]]
    client.sign_in(COORDINATOR)
    texts = [client.get(url).get_data(as_text=True) for url in urls]
    names = [person(email).name for email in ASSESSORS]
    assert not [name for name in names for text in texts if name in text]
    said = re.findall(r"Because of (\d+)", texts[3])
    assert said[:3] == ["100", "400", "500"]
    assert "1 4 5" in texts[0]
    assert "range 4 of 5" in texts[0]
    assert "Talk about these first" in texts[0]
    assert texts[2].splitlines()[1].startswith("P-01,Specialist nurse,1,62.67%,yes")


def test_a_mark_is_agreed_on_and_taken_back_on_screen(app: Flask, client: PageClient) -> None:
    round_ = make_round()
    proposal = scored(round_)
    url = verbs_of(round_, proposal)[0]
    page, _, _, own = pages_of(round_, proposal)
    client.sign_in(COORDINATOR)
    refused = client.post(url, {"mark": "200", "reason": "", "row_version": "0"}, 200).get_data(as_text=True)
    assert "Enter why the group agreed" in refused
    assert "Choose the mark" in client.post(url, {"reason": "x", "row_version": "0"}, 200).get_data(as_text=True)
    done = client.post(url, {"mark": "200", "reason": "Costs are unclear", "row_version": "0"})
    assert done.location.endswith(f"{own}#C1")
    assert "Costs are unclear" in client.get(own).get_data(as_text=True)
    assert "Agreed: 2" in client.get(page).get_data(as_text=True)
    assert "Costs are unclear" in client.get(page).get_data(as_text=True)
    client.post(url, {"mark": "mean", "reason": "Thought again", "row_version": "1"})
    assert "Agreed: 2" not in client.get(page).get_data(as_text=True)
    history = client.get(own).get_data(as_text=True)
    assert "Need: agreed on 2. Costs are unclear" in history
    assert "Need: taken back. Thought again" in history


def test_a_save_over_anothers_agreement_shows_both_and_saves_nothing(app: Flask, client: PageClient) -> None:
    round_ = make_round()
    proposal = scored(round_)
    url, own = verbs_of(round_, proposal)[0], pages_of(round_, proposal)[3]
    agree(proposal, 200, "Theirs")
    client.sign_in(COORDINATOR)
    page = client.post(url, {"mark": "300", "reason": "Mine", "row_version": "0"}, 200).get_data(as_text=True)
    assert "changed this after you opened it" in page
    assert "Theirs" in page
    assert "Mine" in page
    assert re.search(r'name="row_version"[^>]*value="1"', page)
    client.post(url, {"mark": "300", "reason": "Mine", "row_version": "1"})
    assert "Mine" in client.get(own).get_data(as_text=True)


def test_the_stamp_tells_an_open_page_of_anothers_change(app: Flask, client: PageClient) -> None:
    round_ = make_round()
    proposal = scored(round_)
    page, stamp_url, *_ = pages_of(round_, proposal)
    proposal_id = proposal.id
    client.sign_in(COORDINATOR)
    text = client.get(page).get_data(as_text=True)
    found = re.search(r'data-stamp="(\w+)" data-stamp-url="([^"]+)"', text)
    assert found
    assert found[2] == stamp_url
    assert 'aria-live="polite"' in text
    assert client.get(stamp_url).json == {"stamp": found[1]}
    agree(get_proposal(proposal_id), 200)
    assert client.get(stamp_url).json != {"stamp": found[1]}


def test_who_sees_the_meeting_and_who_changes_it(app: Flask, client: PageClient) -> None:
    round_ = make_round()
    proposal = scored(round_)
    pages, verbs = pages_of(round_, proposal), verbs_of(round_, proposal)
    for email in (HEALTH, "member@dorset.example", "auditor@audit.example"):
        client.sign_in(email)
        for url in pages:
            client.get(url)
        assert "Agree on a mark" not in client.get(pages[3]).get_data(as_text=True)
        for url in verbs:
            client.get(url, 403)
            client.post(url, {"mark": "200", "reason": "x", "text": "x", "row_version": "0"}, 403)
    for email in ("administrator@dorset.example", "finance.officer@dorset.example", "proposer@charity.example"):
        client.sign_in(email)
        for url in (*pages, *verbs):
            client.get(url, 403)
    client.sign_in("coordinator@bcp.example")  # it asks Dorset alone
    for url in (pages[3], *verbs[:2]):
        client.get(url, 403)
    assert "Specialist nurse" not in client.get(pages[0]).get_data(as_text=True)
    assert "Specialist nurse" not in client.get(pages[2]).get_data(as_text=True)


def test_the_rounds_chair_moderates(app: Flask, client: PageClient) -> None:
    round_ = make_round()
    proposal = scored(round_)
    round_.chair_id = person("member@dorset.example").id
    db.session.commit()
    finish_organisations(round_, "member@dorset.example")
    urls = [*pages_of(round_, proposal), *verbs_of(round_, proposal)]
    verb = verbs_of(round_, proposal)[0]
    client.sign_in("member@dorset.example")
    assert "Moderate the scores: Spring round" in client.get("/").get_data(as_text=True)
    for url in urls:
        client.get(url)
    client.post(verb, {"mark": "200", "reason": "x", "row_version": "0"})


def test_before_everybody_has_sent_nobody_meets(app: Flask, client: PageClient) -> None:
    round_ = make_round()
    proposal = scored(round_, sending=False)
    round_id = round_.id
    pages, verbs = pages_of(round_, proposal), verbs_of(round_, proposal)
    for email in (COORDINATOR, POLICE, "member@dorset.example", "auditor@audit.example"):
        client.sign_in(email)
        for url in pages:
            client.get(url, 403)
    client.sign_in(COORDINATOR)
    for url in verbs:
        client.get(url, 403)
    send(get_round(round_id), HEALTH)
    assert "once every assessor has sent" in client.sign_in(HEALTH).get(pages[0]).get_data(as_text=True)


def test_an_interest_shuts_every_page_of_that_proposal_and_leaves_it_out_of_the_others(
    app: Flask, client: PageClient
) -> None:
    round_ = make_round()
    other = make_proposal(round_, "Street mentors")
    proposal = scored(round_, sending=False)
    for email in ASSESSORS:
        save(other, email, {"G1": 100, "C1": 300, "C2": 300, "C3": 300})
        send(round_, email)
    agree(proposal, 200, "Agreed on in secret")
    moderation_services.note(round_, None, "Said of the nurse", act(person(COORDINATOR).id))
    db.session.commit()
    declare(proposal, COORDINATOR)
    page, stamp, csv, own = pages_of(round_, proposal)
    verb, note, _ = verbs_of(round_, proposal)
    client.sign_in(COORDINATOR)
    for url in (own, verb, note):
        client.get(url, 403)
    client.post(verb, {"mark": "300", "reason": "x", "row_version": "1"}, 403)
    client.post(note, {"text": "x"}, 403)
    for url in (page, csv):
        text = client.get(url).get_data(as_text=True)
        assert "Street mentors" in text
        for secret in ("Specialist nurse", "Agreed on in secret", "Said of the nurse"):
            assert secret not in text
    client.get(stamp)


def test_notes_are_kept_once_however_often_the_button_is_pressed(app: Flask, client: PageClient) -> None:
    round_ = make_round()
    proposal = scored(round_)
    client.sign_in(COORDINATOR)
    for url, back in zip(
        verbs_of(round_, proposal)[1:], (pages_of(round_, proposal)[3], pages_of(round_, proposal)[0]), strict=True
    ):
        key = re.search(r'name="once_key"[^>]*value="(\w+)"', client.get(url).get_data(as_text=True))
        assert key
        for _ in range(2):
            assert client.post(url, {"text": "It was close", "once_key": key[1]}).location.endswith(back)
        assert client.get(back).get_data(as_text=True).count("It was close") == 1
        assert "Enter what was said" in client.post(url, {"text": ""}, 200).get_data(as_text=True)


def test_the_meetings_pages_ask_few_queries_however_much_there_is(app: Flask, client: PageClient) -> None:
    counts = []
    grant_id = make_grant().id
    client.sign_in("auditor@audit.example")
    for number_of_proposals in (2, 12):
        round_ = make_round(get_grant(grant_id))
        made = [make_proposal(round_, f"Project {number}") for number in range(number_of_proposals)]
        advance(round_, RoundState.SCORING)
        score_all(round_, *made)
        for proposal in made:
            for ref in ("C1", "C2"):
                agree(proposal, 200, ref=ref)
            moderation_services.note(round_, proposal, "Words", act(person(COORDINATOR).id))
        db.session.commit()
        for url in (*pages_of(round_, made[0]), f"/rounds/{round_.id}/ranking"):
            client.get(url)
            counts.append(len(client.queries))
    assert counts[:5] == counts[5:], counts
    assert max(counts) <= 50, counts
