"""Feedback and letters: what they begin with, when they are issued, and that they stay as they were."""

import pytest
from flask import Flask
from sqlalchemy import select

from svd_tracker.decisions import feedback, letter_templates, letters, services
from svd_tracker.decisions.models import ConditionState, Decision, DecisionLetter, LetterKind, LetterTemplate, Outcome
from svd_tracker.decisions.rules import ConditionLine
from svd_tracker.errors import ChangedMeanwhile, NotAllowed, Refused
from svd_tracker.extensions import db
from svd_tracker.mail import kinds
from svd_tracker.mail.messages import body_of
from svd_tracker.mail.models import Outbox
from svd_tracker.proposals.models import PersonalLink, Proposal
from svd_tracker.rounds.models import RoundState
from svd_tracker.scoring.models import Moderation
from tests.integration.decisions.support import BOTH, LABOUR, NON_LABOUR, decide, deciding
from tests.integration.scoring.support import criterion_ids, declare
from tests.support.client import PageClient
from tests.support.rounds import COORDINATOR, advance, person
from tests.support.world import DAY, act

pytestmark = pytest.mark.db

ONE = {"dorset": {LABOUR: 12_000_00, NON_LABOUR: 3_000_10}}
TEXT = {"to_name": "Ms Hill", "address": ""}


def published(outcome: Outcome = Outcome.FUND, **changes: object) -> Decision:
    """Dorset's decision on the only proposal of a round that is published."""
    round_, (proposal,) = deciding(ONE)
    decision = decide(proposal, "dorset", outcome, **changes)
    advance(round_, RoundState.PUBLISHED)
    return decision


def agree(proposal: Proposal, ref: str, hundredths: int, reason: str) -> None:
    """The group agrees on a mark; commits."""
    by = act(person(COORDINATOR).id)
    db.session.add(
        Moderation(
            proposal_id=proposal.id,
            criterion_id=criterion_ids(proposal.round)[ref],
            seq=1,
            hundredths=hundredths,
            reason=reason,
            recorded_at=by.at,
            recorded_by=by.by,
        )
    )
    db.session.commit()


def coordinator() -> int:
    return person(COORDINATOR).id


def test_feedback_begins_with_means_in_words_and_agreed_reasons(app: Flask) -> None:
    _, (proposal,) = deciding(ONE)
    agree(proposal, "C1", 200, "The figures are of another town.")
    strengths, gaps = feedback.starting_words(proposal)
    assert strengths.split("\n") == ["Safeguarding policy: met.", "Value: “Excellent”."]
    assert gaps.split("\n") == ["Need: “Fair”. The figures are of another town.", "Delivery: “Good”."]


def test_feedback_is_written_on_its_page_in_versions(app: Flask, client: PageClient) -> None:
    _, (proposal,) = deciding(ONE)
    number = decide(proposal).id
    url = f"/decisions/{number}/feedback"
    page = client.sign_in(COORDINATOR).get(url).text
    assert "Delivery: “Good”." in page
    data = {"strengths": "A clear need", "gaps": "", "row_version": "0"}
    client.post(url, data)
    assert "changed this after you opened it" in client.post(url, data, 200).text
    client.post(url, data | {"row_version": "1", "gaps": "Costs need more detail"})
    page = client.get(url).text
    assert "Costs need more detail" in page
    assert "“Good”" not in page


def test_feedback_names_no_assessor(app: Flask) -> None:
    _, (proposal,) = deciding(ONE)
    decision = decide(proposal)
    by = act(coordinator())
    with pytest.raises(Refused, match="names no assessor") as refused:
        feedback.write_feedback(decision, "Strong", "The HEALTH ASSESSOR had doubts", 0, by)
    assert refused.value.field == "gaps"
    with pytest.raises(Refused, match="Enter what was strong"):
        feedback.write_feedback(decision, " ", "", 0, by)
    feedback.write_feedback(decision, "Strong", "", 0, by)
    with pytest.raises(ChangedMeanwhile):
        feedback.write_feedback(decision, "Stronger", "", 0, by)


def test_no_letter_before_publication(app: Flask, client: PageClient) -> None:
    _, (proposal,) = deciding(ONE)
    decision = decide(proposal)
    with pytest.raises(Refused, match="once the decisions are published"):
        letters.issue_letter(decision, "Ms Hill", "", act(coordinator()))
    url = f"/decisions/{decision.id}/letter"
    page = client.sign_in(COORDINATOR).get(url).text
    assert "once the decisions are published" in page
    assert "Dear colleague" in page
    assert "Issue the letter" not in page
    assert "once the decisions are published" in client.post(url, TEXT, 200).text
    assert db.session.scalars(select(DecisionLetter)).all() == []


def test_a_letter_says_the_decision_and_stays_as_it_was_issued(app: Flask, client: PageClient) -> None:
    decision = published(
        Outcome.FUND_IF,
        words_to_applicant="Well done.",
        conditions=[ConditionLine("Sign the data agreement", DAY), ConditionLine("Name a lead")],
    )
    by = act(coordinator())
    feedback.write_feedback(decision, "A clear need\nA good team", "", 0, by)
    db.session.commit()
    number, area = decision.id, decision.holder.area_id
    url = f"/decisions/{number}/letter"
    client.sign_in(COORDINATOR).get(url)
    issued = client.post(url, TEXT | {"once_key": "c" * 32})
    assert client.post(url, TEXT | {"once_key": "c" * 32}).location == issued.location
    (letter,) = db.session.scalars(select(DecisionLetter))
    assert letter.kind is LetterKind.OFFER_IF
    assert letter.subject == "Your proposal “Project 1”: an offer of £15,000.10 on conditions"
    for words in (
        "Dear Ms Hill",
        "On 1 April 2025 Dorset Community Safety Partnership decided to fund it with £15,000.10",
        "• Sign the data agreement (by 1 April 2025)\n• Name a lead",
        "That is £12,000.00 for labour and £3,000.10 for non-labour costs.",
        "Well done.",
        "the accountable body and the OPCC must agree too",
        "A clear need\nA good team",
    ):
        assert words in letter.body
    assert "could be stronger" not in letter.body
    body = letter.body
    edit = f"/rounds/{decision_round(number)}/letter-words/offer_if"
    client.post(edit, {"subject": "Other", "body": "Other words for {to_name}", "row_version": "0"})
    page = client.follow(issued).text
    assert "Name a lead" in page
    assert "to be printed" in page
    assert db.session.scalars(select(DecisionLetter.body)).all() == [body]
    assert letter_templates.words_of(area)[LetterKind.OFFER_IF].version_no == 1
    document = client.get(f"{issued.location}.docx")
    assert document.headers["Content-Disposition"].startswith("attachment")
    assert document.data == client.get(f"{issued.location}.docx").data
    assert "Other words for colleague" in client.get(url).text


def decision_round(decision_id: int) -> int:
    return db.session.get_one(Decision, decision_id).proposal.round_id


def test_a_letter_says_of_a_settled_condition_what_became_of_it(app: Flask) -> None:
    decision = published(
        Outcome.FUND_IF,
        conditions=[ConditionLine(text, DAY) for text in ("Sign it", "Name a lead", "Insure it", "Show the policy")],
    )
    for condition, state in zip(decision.conditions, ConditionState, strict=False):
        services.settle_condition(condition, state, DAY, "Minute 7", act(coordinator()))
    db.session.commit()
    assert (
        "• Sign it (met on 1 April 2025)\n"
        "• Name a lead (no longer asked for, since 1 April 2025)\n"
        "• Insure it (found not met on 1 April 2025)\n"
        "• Show the policy (by 1 April 2025)\n\n"
    ) in letters.compose(decision).body


def test_a_letter_without_an_address_for_questions_names_none(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    decision = published(Outcome.REJECT)
    monkeypatch.setitem(app.config, "CONTACT_EMAIL", "")
    assert "please write to" not in letters.compose(decision).body
    monkeypatch.setitem(app.config, "CONTACT_EMAIL", "svd@council.example")
    assert "please write to svd@council.example." in letters.compose(decision).body


def test_a_letter_with_an_address_goes_to_the_outbox(app: Flask, client: PageClient) -> None:
    decision = published(Outcome.REJECT)
    url = f"/decisions/{decision.id}/letter"
    client.sign_in(COORDINATOR)
    for address in ("nobody", "hill.@charity.example"):
        wrong = client.post(url, TEXT | {"address": address}, 200).text
        assert "like name@example.com" in wrong
    assert db.session.scalars(select(Outbox)).all() == []
    page = client.follow(client.post(url, TEXT | {"address": "hill@charity.example"})).text
    assert "sent by e-mail to hill@charity.example" in page
    (message,) = db.session.scalars(select(Outbox))
    assert (message.address, message.person_id) == ("hill@charity.example", None)
    assert "£" not in message.details
    body = body_of(message, "https://svd.example")
    assert "Dear Ms Hill" in body.text
    assert "decided not to fund it" in body.text
    assert "<p>Dear Ms Hill</p>" in body.html
    assert kinds.is_still_needed(message, DAY)
    standing = db.session.get_one(Decision, db.session.scalars(select(DecisionLetter.decision_id)).one())
    decide(standing.proposal, outcome=Outcome.RESERVE, supersedes=standing)
    assert not kinds.is_still_needed(db.session.scalars(select(Outbox)).one(), DAY)


def test_a_superseded_decisions_letter_says_so_and_no_other_is_issued_of_it(app: Flask, client: PageClient) -> None:
    decision = published(Outcome.REJECT)
    letter = letters.issue_letter(decision, "Ms Hill", "", act(coordinator()))
    db.session.commit()
    url = f"/letters/{letter.id}"
    words = "A later decision has taken the place of the one that this letter tells of"
    assert words not in client.sign_in(COORDINATOR).get(url).text
    before = client.get(f"{url}.docx").data
    decision = db.session.scalars(select(Decision)).one()
    decide(decision.proposal, outcome=Outcome.RESERVE, supersedes=decision)
    assert words in client.get(url).text
    assert client.get(f"{url}.docx").data != before
    with pytest.raises(Refused, match="issue its letter instead"):
        letters.issue_letter(db.session.get_one(Decision, decision_of(url)), "Ms Hill", "", act(coordinator()))


def decision_of(url: str) -> int:
    return db.session.get_one(DecisionLetter, int(url.rpartition("/")[2])).decision_id


def test_the_letter_page_begins_with_the_contact_of_the_newest_link_not_revoked(app: Flask, client: PageClient) -> None:
    decision = published(Outcome.REJECT)
    by = act(coordinator())
    for name in ("Mr Old", "Ms Hill", "Mr Wrong"):
        link = PersonalLink(
            proposal_id=decision.proposal_id,
            contact_name=name,
            address=f"{name[-3:].lower()}@charity.example",
            expires_on=DAY,
            code_secret="A" * 16,
            recorded_at=by.at,
            recorded_by=by.by,
            revoked_at=by.at if name == "Mr Wrong" else None,
            revoked_reason="Sent to the wrong person" if name == "Mr Wrong" else "",
        )
        db.session.add(link)
    db.session.commit()
    page = client.sign_in(COORDINATOR).get(f"/decisions/{decision.id}/letter").text
    assert 'value="Ms Hill"' in page
    assert 'value="ill@charity.example"' in page


def test_who_reads_letters(app: Flask, client: PageClient) -> None:
    decision = published(Outcome.REJECT)
    letter = letters.issue_letter(decision, "Ms Hill", "", act(coordinator()))
    db.session.commit()
    url = f"/letters/{letter.id}"
    for email in (COORDINATOR, "member@dorset.example", "auditor@audit.example"):
        client.sign_in(email).get(url)
    for email in ("member@bcp.example", "assessor.health@nhs.example", "finance.officer@dorset.example"):
        client.sign_in(email).get(url, 403)
        client.get(f"{url}.docx", 403)
    client.sign_in(COORDINATOR).get("/letters/99999", 404)


def test_an_interest_shuts_feedback_and_letters_to_the_services_too(app: Flask) -> None:
    _, (proposal,) = deciding(ONE)
    decision = decide(proposal)
    declare(proposal, COORDINATOR)
    by = act(coordinator())
    with pytest.raises(NotAllowed):
        feedback.write_feedback(decision, "Strong", "", 0, by)
    with pytest.raises(NotAllowed):
        letters.issue_letter(decision, "Ms Hill", "", by)


def test_words_are_refused_at_the_field_and_versions_do_not_overwrite(app: Flask, client: PageClient) -> None:
    round_, _ = deciding(BOTH)
    url = f"/rounds/{round_.id}/letter-words/refusal"
    page = client.sign_in(COORDINATOR).get(url).text
    assert "{strengths}" in page
    data = {"subject": "On {title}", "body": "Dear {name}", "row_version": "0"}
    page = client.post(url, data, 200).text
    assert "There is no place {name}" in page
    assert "#body" in page
    assert "There is no place {x}" in client.post(url, data | {"subject": "{x}", "body": "Hello"}, 200).text
    client.post(url, data | {"body": "Dear {to_name}\r\n\r\nNo."})
    assert "changed this after you opened it" in client.post(url, data | {"body": "Mine"}, 200).text
    (saved,) = db.session.scalars(select(LetterTemplate))
    assert saved.body == "Dear {to_name}\n\nNo."
    listed = client.get(f"/rounds/{round_id_of(url)}/letter-words").text
    assert "Your own, version 1" in listed
    client.get(f"/rounds/{round_id_of(url)}/letter-words/nonsense", 404)
    client.sign_in("member@dorset.example").get(url, 403)


def round_id_of(url: str) -> int:
    return int(url.split("/")[2])
