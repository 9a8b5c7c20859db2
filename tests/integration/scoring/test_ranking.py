"""The ranking: worked numbers, the line, and who sees it when."""

import csv
from fractions import Fraction

import pytest
from flask import Flask

from svd_tracker.accounts.models import HolderKind, Role
from svd_tracker.accounts.permissions import Access
from svd_tracker.accounts.queries import load_access
from svd_tracker.accounts.services import add_holder, add_person, grant_role
from svd_tracker.calculations.figures import Category
from svd_tracker.calculations.ranking import LineState
from svd_tracker.extensions import db
from svd_tracker.grants.queries import get_grant
from svd_tracker.proposals.models import Proposal
from svd_tracker.rounds.models import Band, Round, RoundState, TieRule
from svd_tracker.rounds.queries import criteria_of, get_round
from svd_tracker.scoring import moderation_services, ranking_queries
from tests.integration.scoring.support import FULL, HEALTH, POLICE, PROBATION, declare, save, score_all, send
from tests.support.client import PageClient
from tests.support.money import holder, make_grant
from tests.support.rounds import ASSESSORS, advance, finish_interests, make_proposal, make_round, person
from tests.support.world import DAY, PASSWORD, act

pytestmark = pytest.mark.db
BIG = {"dorset": {Category.NON_LABOUR: 60_000_00}, "bcp": {Category.NON_LABOUR: 20_000_00}}
MIDDLE = {"dorset": {Category.NON_LABOUR: 50_000_00}}
SMALL = {"dorset": {Category.NON_LABOUR: 10_000_00}}


def three_scored(round_: Round) -> list[Proposal]:
    proposals = [
        make_proposal(round_, "Specialist nurse", costs=BIG),
        make_proposal(round_, "Level-Up", costs=MIDDLE),
        make_proposal(round_, "Street mentors", costs=SMALL),
    ]
    advance(round_, RoundState.SCORING)
    finish_interests(round_)
    marks = [
        {HEALTH: (400, 300, 500), POLICE: (500, 400, 300), PROBATION: (300, 300, 400)},
        {HEALTH: (300, 300, 300), POLICE: (300, 300, 300), PROBATION: (300, 300, 300)},
        {HEALTH: (100, 500, 500), POLICE: (200, 500, 500), PROBATION: (200, 500, 500)},
    ]
    for proposal, by_email in zip(proposals, marks, strict=True):
        for email, (need, delivery, value) in by_email.items():
            save(proposal, email, {"G1": 100, "C1": need, "C2": delivery, "C3": value})
    return proposals


def access_of(email: str) -> Access:
    return load_access(person(email).id, DAY)


def send_all(round_: Round) -> None:
    for email in ASSESSORS:
        send(round_, email)


def test_results_ranks_and_the_line_are_the_worked_numbers(app: Flask) -> None:
    round_ = make_round()
    three_scored(round_)
    send_all(round_)
    found = ranking_queries.ranking(round_, access_of("auditor@audit.example"))
    first, second, third = found.rows
    # (40 × 400/500 + 35 × (1000/3)/500 + 25 × 400/500) ÷ 100
    assert first.result == Fraction(32, 100) + Fraction(35, 100) * Fraction(2, 3) + Fraction(20, 100)
    assert first.result_text == "75.33%"
    assert [ranking_queries.mean_text(*pair) for pair in zip(found.criteria, first.criteria, strict=True)] == [
        "Passed",
        "4.00",
        "3.33",
        "4.00",
    ]
    assert (first.rank, second.rank, third.rank) == (1, 2, None)
    assert second.result_text == "60.00%"
    assert third.reason == "Need: 1.67 is below the minimum of 2"
    assert found.lines is not None
    bcp, dorset = found.lines
    assert [(place.row.ref, place.state) for place in bcp.rows] == [(first.ref, LineState.FITS)]
    assert [(place.row.ref, place.state) for place in dorset.rows] == [
        (first.ref, LineState.FITS),
        (second.ref, LineState.ON_LINE),
    ]
    assert dorset.rows[1].gets[Category.NON_LABOUR] == 91_330_40 - 60_000_00
    assert dorset.left[Category.NON_LABOUR] == 31_330_40


def test_equal_results_share_a_rank_and_a_tie_across_the_line_is_flagged(app: Flask, client: PageClient) -> None:
    round_ = make_round()
    proposals = [make_proposal(round_, title, costs=MIDDLE) for title in ("Nurse", "Mentors")]
    advance(round_, RoundState.SCORING)
    score_all(round_, *proposals)
    page = client.sign_in("member@dorset.example").get(f"/rounds/{round_.id}/ranking").get_data(as_text=True)
    assert "1 =" in page
    assert "The line runs through a tie:" in page
    assert "P-01, P-02 have the same result" in page


def test_others_scores_are_hidden_until_ones_own_are_sent_on_every_route(app: Flask, client: PageClient) -> None:
    round_ = make_round()
    proposal = three_scored(round_)[0]
    round_id, proposal_id = round_.id, proposal.id
    routes = (f"/rounds/{round_id}/ranking", f"/rounds/{round_id}/ranking.csv", f"/proposals/{proposal_id}/scores")
    send(round_, HEALTH)
    for email in (POLICE, "coordinator@dorset.example", "member@bcp.example", "auditor@audit.example"):
        client.sign_in(email)
        for route in routes:
            client.get(route, 403)
    assert "Well shown" not in client.sign_in(POLICE).get(f"/rounds/{round_id}/scoring").get_data(as_text=True)
    client.sign_in(HEALTH)
    for route in routes:
        client.get(route)
    round_ = get_round(round_id)  # a request leaves the objects of before it behind
    send(round_, POLICE)
    send(round_, PROBATION)
    for email in (POLICE, "coordinator@dorset.example", "member@bcp.example", "auditor@audit.example"):
        client.sign_in(email)
        for route in routes:
            client.get(route)


def test_an_assessor_who_never_sent_still_sees_nothing_while_it_is_decided(app: Flask, client: PageClient) -> None:
    round_ = make_round()
    three_scored(round_)
    send(round_, HEALTH)
    advance(round_, RoundState.DECIDING)
    url = f"/rounds/{round_.id}/ranking"
    client.sign_in(POLICE).get(url, 403)
    client.sign_in(HEALTH).get(url)
    client.sign_in("member@dorset.example").get(url)


def test_who_never_sees_scores(app: Flask, client: PageClient) -> None:
    round_ = make_round()
    proposal = three_scored(round_)[0]
    send_all(round_)
    holder_ = add_holder(holder("dorset").area, HolderKind.CSP, "purbeck", "Purbeck CSP", "Purbeck Council", act())
    db.session.flush()
    outsider, _ = add_person("coordinator@purbeck.example", "Outside coordinator", act(), password=PASSWORD)
    grant_role(outsider, Role.COORDINATOR, act(), area_id=holder_.area_id, holder_id=holder_.id)
    db.session.commit()
    round_id, proposal_id = round_.id, proposal.id
    for email in (
        "administrator@dorset.example",
        "finance.officer@dorset.example",
        "certifier@dorset.example",
        "opcc.officer@opcc.example",
        "proposer@charity.example",
        "coordinator@purbeck.example",
    ):
        client.sign_in(email)
        for route in ("ranking", "ranking.csv", "scoring"):
            client.get(f"/rounds/{round_id}/{route}", 403)
        client.get(f"/proposals/{proposal_id}/scores", 403)
        client.get(f"/proposals/{proposal_id}/assessment", 403)


def test_a_declared_interest_shuts_marks_rank_and_line_on_every_route(app: Flask, client: PageClient) -> None:
    round_ = make_round()
    proposals = three_scored(round_)
    send_all(round_)
    for email in ("member@dorset.example", HEALTH):
        declare(proposals[0], email)
    first, second = (f"/proposals/{each.id}" for each in proposals[:2])
    ranking = f"/rounds/{round_.id}/ranking"
    for email in ("member@dorset.example", HEALTH):
        client.sign_in(email)
        page = client.get(ranking).get_data(as_text=True)
        assert "You declared an interest" in page
        assert "75.33" not in page
        assert "The line is not shown to you" in page
        rows = client.get(f"{ranking}.csv").get_data(as_text=True).splitlines()
        shut = next(row for row in rows if "Specialist nurse" in row)
        assert "You declared an interest" in shut
        assert "%" not in shut
        assert shut.endswith("declared an interest,,,,")  # nor what it asks for
        assert "£15,000.10" not in page.split("Specialist nurse")[1].split("</tr>")[0]
        assert rows[1].startswith("1,P-02")  # no gap in the ranks tells where it stands
        client.get(f"{first}/scores", 403)
        client.get(f"{second}/scores")
    client.get(f"{first}/assessment", 403)


def test_marks_of_who_declared_afterwards_leave_the_mean(app: Flask, client: PageClient) -> None:
    round_ = make_round()
    proposals = three_scored(round_)
    send_all(round_)
    declare(proposals[0], PROBATION)
    found = ranking_queries.ranking(round_, access_of("auditor@audit.example"))
    row = next(row for row in found.rows if row.proposal_id == proposals[0].id)
    assert row.criteria[1].mean == 450
    assert row.scorers == 2
    url = f"/proposals/{proposals[0].id}/scores"
    assert "not counted" in client.sign_in("auditor@audit.example").get(url).get_data(as_text=True)


def test_bands_plain_points_agreed_marks_and_too_few_scorers_stand_on_page_and_csv(
    app: Flask, client: PageClient
) -> None:
    round_ = make_round()
    scheme = round_.scheme
    scheme.bands = [Band(from_bp=0, label="Weak"), Band(from_bp=75_00, label="Very good")]
    scheme.first_stage_bp, scheme.least_scorers, scheme.tie_rule = 50_00, 4, TieRule.LESS_MONEY
    next(each for each in scheme.criteria if each.ref == "C1").counts_double = True
    db.session.commit()
    first, second, _ = three_scored(round_)
    refs = first.ref, second.ref
    send_all(round_)
    by = person("coordinator@dorset.example").id
    value = next(each for each in criteria_of(scheme) if each.ref == "C3")
    moderation_services.agree(second, value, 500, "Cheaper than it looks", 0, act(by))
    db.session.commit()
    row, other, *_ = ranking_queries.ranking(round_, access_of("auditor@audit.example")).rows
    # (80 × 4/5 + 35 × 2/3 + 25 × 4/5) ÷ 140, and of the plain points (400 + 1000/3 + 400) ÷ 1500
    assert (row.result_text, row.plain_text, row.stage, row.band) == ("76.67%", "75.56%", 2, "Very good")
    assert (other.result_text, other.plain_text, other.band) == ("67.14%", "73.33%", "Weak")
    url = f"/rounds/{round_.id}/ranking"
    page = client.sign_in("member@dorset.example").get(url).get_data(as_text=True)
    for words in ("Very good", "75.56%", "fewer than 4", "agreed", "Need counts double", "with 50.00% of the plain"):
        assert words in page
    head, *rows = csv.reader(client.get(f"{url}.csv").get_data(as_text=True).splitlines())
    found = {line[1]: dict(zip(head, line, strict=True)) for line in rows}
    assert found[refs[0]]["Band"] == "Very good"
    assert found[refs[0]]["Plain points"] == "75.56%"
    assert (found[refs[1]]["Value (mean)"], found[refs[1]]["Value (agreed)"]) == ("3.00", "5.00")


def test_the_csv_says_what_the_page_says_and_text_stays_text(app: Flask, client: PageClient) -> None:
    round_ = make_round()
    proposal = make_proposal(round_, "=HYPERLINK()", costs=SMALL)
    advance(round_, RoundState.SCORING)
    finish_interests(round_)
    for email in ASSESSORS:
        save(proposal, email, FULL)
    send_all(round_)
    response = client.sign_in("member@dorset.example").get(f"/rounds/{round_.id}/ranking.csv")
    assert response.mimetype == "text/csv"
    text = response.get_data(as_text=True)
    assert "'=HYPERLINK()" in text
    assert "10000.00" in text


def test_the_ranking_asks_few_queries_however_much_there_is(app: Flask, client: PageClient) -> None:
    more = []
    for number in range(3):
        email = f"assessor.{number}@more.example"
        add_person(email, f"Assessor {number}", act(), password=PASSWORD)
        more.append(email)
    db.session.commit()
    emails = (*ASSESSORS, *more)
    grant_id, counts = make_grant().id, []
    client.sign_in("member@dorset.example")
    for number_of_proposals in (6, 30):
        round_ = make_round(get_grant(grant_id), assessors=emails)
        proposals = [make_proposal(round_, f"Project {number}", costs=SMALL) for number in range(number_of_proposals)]
        advance(round_, RoundState.SCORING)
        score_all(round_, *proposals, emails=emails)
        url = f"/rounds/{round_.id}"
        for route in ("ranking", "ranking.csv", "scoring"):
            client.get(f"{url}/{route}")
            counts.append(len(client.queries))
    assert max(counts) <= 27, counts
    assert counts[:3] == counts[3:], counts


def test_nothing_of_a_proposal_that_asks_only_another_partnership_is_shown(app: Flask, client: PageClient) -> None:
    round_ = make_round()
    nurse, level_up, mentors = three_scored(round_)  # the first asks both, the others Dorset alone
    send_all(round_)
    url, found = f"/rounds/{round_.id}", ranking_queries.ranking(round_, access_of("member@bcp.example"))
    assert [row.ref for row in found.rows] == [nurse.ref]
    assert set(found.rows[0].asks) == {holder("dorset").id, holder("bcp").id}
    assert [line.holder for line in found.lines or ()] == [holder("bcp")]
    dorset = ranking_queries.ranking(round_, access_of("member@dorset.example"))
    assert (len(dorset.rows), [line.holder for line in dorset.lines or ()]) == (3, [holder("dorset")])
    for email in (HEALTH, "auditor@audit.example"):
        everything = ranking_queries.ranking(round_, access_of(email))
        assert (len(everything.rows), len(everything.lines or ())) == (3, 2)
    routes = (f"{url}/ranking", f"{url}/ranking.csv", f"{url}/scoring")
    scores = [f"/proposals/{each.id}/scores" for each in (nurse, level_up, mentors)]
    for email in ("member@bcp.example", "coordinator@bcp.example"):
        client.sign_in(email)
        for route in routes:
            page = client.get(route).get_data(as_text=True)
            assert "Specialist nurse" in page
            assert "Level-Up" not in page
            assert "91,330" not in page
            assert "91330" not in page
        client.get(scores[0])
        for route in scores[1:]:
            client.get(route, 403)
    client.sign_in("member@dorset.example")
    for route in scores:
        client.get(route)
