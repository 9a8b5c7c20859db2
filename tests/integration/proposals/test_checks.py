"""Checks before scoring, late and ineligible proposals, and what a new version changed: services and pages."""

import csv
import dataclasses
import datetime as dt
import io

import pytest
from flask import Flask

from svd_tracker.errors import NotAllowed, Refused
from svd_tracker.extensions import db
from svd_tracker.proposals import checks, queries, services
from svd_tracker.proposals.checks import Answer
from svd_tracker.proposals.models import CheckResult, InterestKind, Proposal, ProposalState
from svd_tracker.rounds import queries as rounds
from svd_tracker.rounds import services as round_services
from svd_tracker.rounds.models import Round, RoundState
from svd_tracker.rounds.scheme_services import CheckContent, save_checks
from tests.support.client import PageClient
from tests.support.rounds import (
    ASSESSORS,
    COORDINATOR,
    advance,
    finish_interests,
    full_content,
    make_draft,
    make_proposal,
    make_round,
    person,
)
from tests.support.world import DAY, act

pytestmark = pytest.mark.db

ELIGIBLE, INSURED = CheckContent("Eligible cost", "May be paid from the grant."), CheckContent("Insurance", "", True)
CLOSED = dt.date(2025, 4, 10)
AFTER = act(on=dt.date(2025, 4, 11))


@pytest.fixture(autouse=True)
def _in_april(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(app.config, "TODAY", DAY)


def make_checked_round(**kwargs: dt.date) -> Round:
    round_ = make_round(**kwargs)  # type: ignore[arg-type]
    save_checks(round_, act(), [ELIGIBLE, INSURED])
    db.session.commit()
    return round_


def ids(round_: Round) -> list[int]:
    return [each.id for each in rounds.checks_of_scheme(round_.scheme_id)]


def results(proposal: Proposal) -> list[CheckResult | None]:
    return [each.result for each in checks.checks_of(proposal)]


def late_proposal(round_: Round) -> Proposal:
    proposal = make_draft(round_, "Too late")
    services.submit(proposal, AFTER, late=True)
    db.session.commit()
    return proposal


def test_an_answer_of_the_organisation_holds_for_all_its_proposals(app: Flask) -> None:
    round_ = make_checked_round()
    one, two = make_proposal(round_), make_proposal(round_, "Boxing club")
    other = make_proposal(round_, "Lights", by_organisation="Dorset Council")
    eligible, insured = ids(round_)
    answers = {eligible: Answer(CheckResult.MET), insured: Answer(CheckResult.PART, "Until June")}
    checks.answer_checks(one, answers, act())
    assert results(one) == [CheckResult.MET, CheckResult.PART]
    assert results(two) == [None, CheckResult.PART]
    assert results(other) == [None, None]
    checks.answer_checks(two, {insured: Answer(CheckResult.MET)}, act())
    assert results(one) == [CheckResult.MET, CheckResult.MET]


def test_the_same_answer_again_writes_nothing_and_a_failing_one_owes_its_reason(app: Flask) -> None:
    round_ = make_checked_round()
    proposal = make_proposal(round_)
    eligible, _ = ids(round_)
    checks.answer_checks(proposal, {eligible: Answer(CheckResult.MET)}, act())
    checks.answer_checks(proposal, {eligible: Answer(CheckResult.MET)}, act())
    assert len(checks.history_of(proposal)) == 1
    for result in (CheckResult.PART, CheckResult.NOT_MET):
        with pytest.raises(Refused) as refused:
            checks.answer_checks(proposal, {eligible: Answer(result, " ")}, act())
        assert refused.value.field == f"reason_{eligible}"
    checks.answer_checks(proposal, {eligible: Answer(CheckResult.NOT_MET, "A car")}, act())
    assert [each.result for each in checks.history_of(proposal)] == [CheckResult.NOT_MET, CheckResult.MET]


def test_an_answered_check_stays_and_others_may_go(app: Flask) -> None:
    round_ = make_checked_round()
    proposal = make_proposal(round_)
    eligible, _ = ids(round_)
    checks.answer_checks(proposal, {eligible: Answer(CheckResult.MET)}, act())
    with pytest.raises(Refused, match="answered stays"):
        save_checks(round_, act(), [INSURED])
    db.session.rollback()
    checks.answer_checks(proposal, {eligible: Answer(CheckResult.MET)}, act())
    save_checks(round_, act(), [CheckContent("Data"), dataclasses.replace(ELIGIBLE, guidance="New words")])
    assert [each.name for each in rounds.checks_of_scheme(round_.scheme_id)] == ["Data", "Eligible cost"]
    assert results(proposal) == [None, CheckResult.MET]


def test_an_ineligible_proposal_is_kept_with_its_reason_and_may_come_back(app: Flask) -> None:
    round_ = make_checked_round()
    proposal = make_proposal(round_)
    with pytest.raises(Refused) as refused:
        checks.set_ineligible(proposal, "", act())
    assert refused.value.field == "reason"
    checks.set_ineligible(proposal, "No insurance", act())
    assert (proposal.state, proposal.state_reason) == (ProposalState.INELIGIBLE, "No insurance")
    with pytest.raises(Refused, match="Only a submitted"):
        checks.set_ineligible(proposal, "Again", act())
    checks.set_eligible(proposal, "Insured since", act())
    assert (proposal.state, proposal.state_reason) == (ProposalState.SUBMITTED, "")


def test_nothing_comes_back_once_scores_are_shown(app: Flask) -> None:
    round_ = make_checked_round()
    proposal = make_proposal(round_)
    checks.set_ineligible(proposal, "No insurance", act())
    round_.scores_shown_at = act().at
    with pytest.raises(Refused, match="Scoring is over"):
        checks.set_eligible(proposal, "Insured since", act())


def test_who_has_an_interest_answers_nothing(app: Flask) -> None:
    round_ = make_checked_round()
    proposal = make_proposal(round_)
    coordinator = person(COORDINATOR).id
    services.declare_interest(round_, proposal, coordinator, InterestKind.DIRECT, "Trustee", act(coordinator))
    by = act(coordinator)
    with pytest.raises(NotAllowed):
        checks.answer_checks(proposal, {ids(round_)[0]: Answer(CheckResult.MET)}, by)
    for verb in (checks.set_ineligible, checks.set_eligible, services.accept_late, services.refuse_late):
        with pytest.raises(NotAllowed):
            verb(proposal, "x", by)


def test_what_comes_late_is_kept_and_then_accepted_or_refused(app: Flask) -> None:
    round_ = make_round(closes_on=CLOSED)
    late = late_proposal(round_)
    assert (late.state, late.state_reason) == (ProposalState.LATE, "")
    assert queries.count_submitted(round_.id) == 0
    with pytest.raises(Refused, match="why"):
        services.refuse_late(late, " ", act())
    services.refuse_late(late, "Two days late", act())
    assert (late.state, late.state_reason) == (ProposalState.LATE, "Two days late")
    services.accept_late(late, "The portal was down", act())
    assert (late.state, late.state_reason, late.late_reason) == (ProposalState.SUBMITTED, "", "The portal was down")
    assert queries.count_submitted(round_.id) == 1
    with pytest.raises(Refused, match="not waiting"):
        services.accept_late(late, "Again", act())


def test_a_late_one_comes_in_while_others_are_scored(app: Flask) -> None:
    round_ = make_round(closes_on=CLOSED)
    make_proposal(round_)
    draft = make_draft(round_, "Too late")
    advance(round_, RoundState.SCORING)
    finish_interests(round_)
    with pytest.raises(Refused, match="no longer takes in new"):
        services.submit(draft, AFTER, late_allowed=True)
    services.submit(draft, AFTER, late=True)
    assert queries.finished_reviews(round_.id)
    services.accept_late(draft, "The portal was down", act())
    assert not queries.finished_reviews(round_.id)  # there is one more to look at


def test_a_coordinators_own_late_submission_says_so(app: Flask) -> None:
    proposal = make_draft(make_round(closes_on=CLOSED))
    services.submit(proposal, AFTER, late_allowed=True)
    assert proposal.late_reason == "Handed in by the coordinator after the round closed on 10 April 2025"


def test_scoring_opens_on_open_matters_only_with_a_reason(app: Flask) -> None:
    round_ = make_checked_round(closes_on=CLOSED)
    proposal = make_proposal(round_)
    late_proposal(round_)
    assert round_services.cautions(round_, RoundState.SCORING) == [
        "1 proposal came late and is neither accepted nor refused.",
        "1 proposal has checks that nobody has answered.",
    ]
    eligible, insured = ids(round_)
    checks.answer_checks(
        proposal, {eligible: Answer(CheckResult.NOT_MET, "A car"), insured: Answer(CheckResult.MET)}, act()
    )
    assert round_services.cautions(round_, RoundState.SCORING)[1:] == [
        "1 proposal has a check that is not met, and would be scored all the same."
    ]
    with pytest.raises(Refused, match="reason for going on") as refused:
        round_services.move(round_, RoundState.SCORING, act())
    assert refused.value.field == "reason"
    round_services.move(round_, RoundState.SCORING, act(), "The board will look at the car")
    assert round_.state is RoundState.SCORING
    assert round_services.cautions(round_, RoundState.DECIDING)[0].startswith("1 proposal came late")


# Pages


def test_checks_are_answered_on_screen_and_stand_on_one_page(client: PageClient) -> None:
    round_ = make_checked_round(closes_on=CLOSED)
    proposal, late = make_proposal(round_), late_proposal(round_)
    proposal_id, late_id, round_id = proposal.id, late.id, round_.id
    eligible, insured = ids(round_)
    client.sign_in(COORDINATOR)
    assert "Spring round: 2 proposals to be checked before scoring" in client.get("/").text
    page = client.get(f"/rounds/{round_id}/eligibility").text
    assert "2 of 2 wait for the coordinator" in page
    assert "Answer 2 of 2 checks" in page
    assert "Accept or refuse it: it came late" in page
    data = {
        "rows-0-check_id": str(eligible),
        "rows-0-seen": "",
        "rows-0-result": "not_met",
        "rows-1-check_id": str(insured),
        "rows-1-seen": "",
        "rows-1-result": "met",
    }
    url = f"/proposals/{proposal_id}/checks"
    bad = client.post(url, data, status=200).text
    assert "Enter what is missing" in bad
    assert 'href="#rows-0-reason"' in bad
    client.post(url, {**data, "rows-0-reason": "A car cannot be paid"})
    clash = client.post(url, {**data, "rows-0-reason": "Mine", "rows-0-result": "part"}, status=200).text
    assert "Somebody else answered this: Not met" in clash
    client.post(f"/proposals/{proposal_id}/ineligible", {"reason": "A car cannot be paid"})
    page = client.get(f"/rounds/{round_id}/eligibility").text
    assert "1 of 2 waits for the coordinator and stands first" in page
    assert page.index(f"/proposals/{late_id}/") < page.index(f"/proposals/{proposal_id}/"), "what waits stands first"
    client.post(f"/proposals/{late_id}/late/refuse", {"reason": "Two days late"})
    page = client.get(f"/rounds/{round_id}/eligibility").text
    for words in ("Ineligible", "A car cannot be paid", "Two days late", "not answered", "0 of 2 take part"):
        assert words in page
    rows = list(csv.reader(io.StringIO(client.get(f"/rounds/{round_id}/eligibility.csv").text.lstrip("\ufeff"))))
    assert rows[1][3:] == ["ineligible", "A car cannot be paid", "", "Not met", "A car cannot be paid", "Met", ""]
    client.post(f"/proposals/{proposal_id}/eligible", {"reason": "Bought by others"})
    client.post(f"/proposals/{late_id}/late/accept", {"reason": "The portal was down"})
    assert "Accepted though late: The portal was down" in client.get(f"/rounds/{round_id}/eligibility").text


def test_assessors_see_nothing_that_was_set_aside(client: PageClient) -> None:
    round_ = make_checked_round()
    proposal = make_proposal(round_)
    checks.set_ineligible(proposal, "No insurance", act())
    db.session.commit()
    proposal_id, round_id = proposal.id, round_.id
    client.sign_in(ASSESSORS[0]).get(f"/proposals/{proposal_id}", status=403)
    client.get(f"/rounds/{round_id}/eligibility", status=403)
    assert "No insurance" in client.sign_in("auditor@audit.example").get(f"/rounds/{round_id}/eligibility").text
    assert "No insurance" in client.sign_in("proposer@charity.example").get(f"/proposals/{proposal_id}").text


def test_a_shut_proposal_says_nothing_of_its_checks(client: PageClient) -> None:
    round_ = make_checked_round()
    proposal = make_proposal(round_)
    checks.answer_checks(proposal, {ids(round_)[0]: Answer(CheckResult.NOT_MET, "A car")}, act())
    coordinator = person(COORDINATOR).id
    services.declare_interest(round_, proposal, coordinator, InterestKind.DIRECT, "Trustee", act(coordinator))
    db.session.commit()
    proposal_id, round_id = proposal.id, round_.id
    client.sign_in(COORDINATOR)
    for path in (f"/rounds/{round_id}/eligibility", f"/rounds/{round_id}/eligibility.csv"):
        text = client.get(path).text
        assert "declared an interest" in text
        assert "A car" not in text
    for path in ("checks", "ineligible", "eligible", "late/accept", "late/refuse", "changes/1/2"):
        client.get(f"/proposals/{proposal_id}/{path}", status=403)


def test_the_overview_needs_as_many_queries_whatever_the_number(client: PageClient) -> None:
    round_ = make_checked_round()
    round_id = round_.id
    make_proposal(round_)
    client.sign_in(COORDINATOR).get(f"/rounds/{round_id}/eligibility")
    few = len(client.queries)
    for number in range(4):
        make_proposal(rounds.get_round(round_id), f"Proposal {number}")
    client.get(f"/rounds/{round_id}/eligibility")
    assert len(client.queries) == few <= 25


def test_moving_on_screen_lists_what_is_open_and_asks_why(client: PageClient) -> None:
    round_ = make_checked_round()
    make_proposal(round_)
    round_id, data = round_.id, {"row_version": str(round_.row_version)}
    url = f"/rounds/{round_id}/move/scoring"
    assert "1 proposal has checks that nobody has answered" in client.sign_in(COORDINATOR).get(url).text
    assert "Enter a reason" in client.post(url, data, status=200).text
    client.post(url, {**data, "reason": "The insurer answers tomorrow"})
    assert rounds.get_round(round_id).state is RoundState.SCORING


def test_what_changed_stands_field_by_field_and_line_by_line(client: PageClient) -> None:
    round_ = make_round()
    proposal = make_proposal(round_)
    services.return_for_correction(proposal, "Say more", act())
    content = full_content("Street mentors", match_pence=0)
    dearer = (dataclasses.replace(content.costs[0], pence=13_000_00), *content.costs[1:])
    changed = dataclasses.replace(content, summary="Now in Weymouth too.", costs=dearer)
    services.save_version(proposal, changed, proposal.row_version, act())
    services.submit(proposal, act())
    db.session.commit()
    proposal_id = proposal.id
    client.sign_in(COORDINATOR)
    assert f"/proposals/{proposal_id}/changes/1/2" in client.get(f"/proposals/{proposal_id}").text
    page = client.get(f"/proposals/{proposal_id}/changes/1/2").text
    for words in (
        "Mentors meet young people where they are.",
        "Now in Weymouth too.",
        "£12,000.00 of labour",
        "£13,000.00 of labour",
        "As before",
        "Room hire, £2,500.00 cash from Dorset Council",
        "Taken out",
    ):
        assert words in page
    for path in ("2/1", "1/1", "1/9"):
        client.get(f"/proposals/{proposal_id}/changes/{path}", status=404)


def test_a_draft_is_compared_only_by_who_writes_it(client: PageClient) -> None:
    round_ = make_round()
    proposal = make_proposal(round_)
    services.return_for_correction(proposal, "Say more", act())
    db.session.commit()
    url = f"/proposals/{proposal.id}/changes/1/2"
    assert "The two say the same" in client.sign_in(COORDINATOR).get(url).text
    client.sign_in("auditor@audit.example").get(url, status=404)


def test_a_blind_round_keeps_names_out_of_what_changed(client: PageClient) -> None:
    round_ = make_round(assessors=ASSESSORS[:1])
    round_.blind = True
    proposal = make_proposal(round_)
    services.return_for_correction(proposal, "Say more", act())
    changed = dataclasses.replace(full_content(match_pence=0), summary="Shorter.", deliverer="Secret Charity")
    services.save_version(proposal, changed, proposal.row_version, act())
    services.submit(proposal, act())
    db.session.commit()
    proposal_id = proposal.id
    advance(rounds.get_round(round_.id), RoundState.SCORING)
    finish_interests(round_, ASSESSORS[0])
    page = client.sign_in(ASSESSORS[0]).get(f"/proposals/{proposal_id}/changes/1/2").text
    assert "Shorter." in page
    assert "hidden until you have sent your scores: Who delivers it, Match offered" in page
    assert "Secret Charity" not in page
    assert "Dorset Council" not in page
