"""Why a partnership decided so: the page a councillor is handed, read off the ranking, the line and the decisions."""

import pytest
from flask import Flask

from svd_tracker.accounts.queries import load_access
from svd_tracker.decisions import explain
from svd_tracker.decisions.models import Outcome
from svd_tracker.proposals.models import Proposal
from svd_tracker.rounds.models import Round, RoundState
from svd_tracker.scoring import ranking_queries
from tests.integration.decisions.support import LABOUR, NON_LABOUR, decide
from tests.integration.scoring.support import FULL, declare, save, send
from tests.support.client import PageClient
from tests.support.money import holder
from tests.support.rounds import ASSESSORS, advance, finish_interests, make_proposal, make_round, person
from tests.support.world import DAY

pytestmark = pytest.mark.db

MEMBER = "member@dorset.example"
# Dorset has £41,200.15 of labour and £91,330.40 of non-labour for the round: the third by score does not fit.
COSTS = (
    {"dorset": {LABOUR: 20_000_00, NON_LABOUR: 30_000_00}},
    {"dorset": {LABOUR: 15_000_00, NON_LABOUR: 40_000_00}, "bcp": {NON_LABOUR: 5_000_00}},
    {"dorset": {LABOUR: 10_000_00, NON_LABOUR: 1_000_00}},
    {"bcp": {NON_LABOUR: 9_000_00}},
)
FITTED = (
    "By its score and the money it could have been funded whole. The partnership decided otherwise, for the "
    "reason that stands above."
)
MARKS = ((5, 5, 5), (4, 4, 4), (3, 3, 3), (2, 2, 2))


def a_round(state: RoundState = RoundState.DECIDING) -> tuple[Round, list[Proposal]]:
    """Four proposals scored one after the other, best first."""
    round_ = make_round()
    made = [make_proposal(round_, f"Project {number}", costs=costs) for number, costs in enumerate(COSTS, start=1)]
    advance(round_, RoundState.SCORING)
    finish_interests(round_)
    for email in ASSESSORS:
        for proposal, marks in zip(made, MARKS, strict=True):
            given = {"G1": 100} | {f"C{at}": mark * 100 for at, mark in enumerate(marks, start=1)}
            save(proposal, email, given)
        send(round_, email)
    advance(round_, state)
    return round_, made


def explained(proposal: Proposal, ref: str = "dorset", email: str = MEMBER) -> explain.Explanation:
    facts = ranking_queries.facts_of(proposal.round, load_access(person(email).id, DAY))
    return explain.explain(facts, proposal, holder(ref))


def test_what_would_have_had_to_be_different(app: Flask) -> None:
    _, made = a_round()
    decide(made[0])
    decide(made[1])
    decide(made[2], outcome=Outcome.REJECT, reason="The labour money ran out before it.")
    found = explained(made[2])
    assert found.result == "60.00%"
    assert found.place is not None
    assert (found.place.place, found.place.of, found.place.fits) == (3, 3, False)
    assert found.funded == ["P-01", "P-02"]
    assert found.lowest_funded == "80.00%"
    assert found.would == [
        "A result above 80.00%, that of P-02, would have put it where the money reached. It had 60.00%.",
        "At its place, the round would have needed £3,799.85 in labour more.",
        "Or it would have had to ask for no more than £6,200.15 in labour and £21,330.40 in non-labour.",
    ]
    need = next(line for line in found.criteria if line.name == "Need")
    assert (need.own, need.lowest, need.mean, need.highest, need.top) == ("3.00", "4.00", "4.50", "5.00", "5")
    gate = found.criteria[0]
    assert (gate.own, gate.weight, gate.mean) == ("Passed", "–", None)


def test_a_part_of_what_was_asked(app: Flask) -> None:
    _, made = a_round()
    decide(made[0])
    decide(made[1], outcome=Outcome.FUND_IN_PART, amounts={LABOUR: 15_000_00}, reason="Its equipment can wait.")
    found = explained(made[1])
    assert found.would == [
        "£40,000.00 more would have paid for all that it asked of this partnership.",
        FITTED,
    ]


def test_funded_though_lower_is_said(app: Flask) -> None:
    _, made = a_round()
    decide(made[0])
    decide(made[1], outcome=Outcome.REJECT, reason="Another area tries it first.")
    decide(made[2])
    assert explained(made[1]).would == [
        FITTED,
        "Funded though lower in the ranking: P-03. The reasons stand with those decisions.",
    ]
    assert explained(made[0]).would == []
    whole = explained(made[2])
    assert (whole.would, whole.given) == ([], {LABOUR: 10_000_00, NON_LABOUR: 1_000_00})


def test_one_that_failed_a_gate(app: Flask) -> None:
    round_ = make_round()
    good, bad = (make_proposal(round_, title, costs=COSTS[2]) for title in ("Good", "Bad"))
    advance(round_, RoundState.SCORING)
    finish_interests(round_)
    for email in ASSESSORS:
        save(good, email, FULL)
        save(bad, email, {**FULL, "G1": 0})
        send(round_, email)
    advance(round_, RoundState.DECIDING)
    decide(bad, outcome=Outcome.REJECT, reason="No policy.")
    found = explained(bad)
    assert found.place is None
    assert found.would == ["It would have had to be ranked. It was not: Safeguarding policy: not passed."]


def test_the_page_says_it_on_one_page(client: PageClient) -> None:
    _, made = a_round()
    ids, holders = [each.id for each in made], {ref: holder(ref).id for ref in ("dorset", "bcp")}
    decide(made[0])
    decide(made[1])
    decide(made[1], ref="bcp", outcome=Outcome.REJECT, reason="BCP has its own.")
    decide(made[2], outcome=Outcome.REJECT, reason="The labour money ran out before it.")
    client.sign_in(MEMBER)
    listed = client.get("/rounds/1/explanations").text
    assert len(client.queries) <= 30
    assert "BCP has its own." in listed
    assert "Project 4" not in listed, "it asks BCP alone"
    url = f"/proposals/{ids[2]}/decisions/{holders['dorset']}/why"
    assert url in listed
    assert f"/proposals/{ids[1]}/decisions/{holders['bcp']}/why" not in listed
    page = client.get(url).text
    assert len(client.queries) <= 45
    for words in (
        "Dorset Community Safety Partnership rejects it",
        "The labour money ran out before it.",
        "CSP 1 April 2025, minute 5",
        "Its rank is 3 of the 3 proposals with a rank",
        "the round would have needed £3,799.85 in labour more",
        "beside the 2 funded (P-01, P-02)",
    ):
        assert words in page
    for email in ASSESSORS:
        assert person(email).name not in page
    both = client.get(f"/proposals/{ids[1]}/decisions/{holders['dorset']}/why").text
    assert "BCP has its own." in both


def test_another_partnerships_line_is_not_shown(client: PageClient) -> None:
    _, made = a_round()
    ids, holders = [each.id for each in made], {ref: holder(ref).id for ref in ("dorset", "bcp")}
    decide(made[1], ref="bcp", outcome=Outcome.REJECT, reason="BCP has its own.")
    client.sign_in(MEMBER).get(f"/proposals/{ids[1]}/decisions/{holders['bcp']}/why", status=403)
    client.get(f"/proposals/{ids[3]}/decisions/{holders['bcp']}/why", status=403)
    client.get(f"/proposals/{ids[2]}/decisions/{holders['bcp']}/why", status=404)
    client.sign_in("finance.officer@dorset.example")
    client.get(f"/proposals/{ids[1]}/decisions/{holders['dorset']}/why", status=403)
    client.get("/rounds/1/explanations", status=403)


def test_an_interest_shuts_it_and_hides_the_comparison(client: PageClient) -> None:
    _, made = a_round()
    ids, holders = [each.id for each in made], {ref: holder(ref).id for ref in ("dorset", "bcp")}
    decide(made[0])
    decide(made[2], outcome=Outcome.REJECT, reason="The labour money ran out before it.")
    declare(made[0], MEMBER)
    client.sign_in(MEMBER).get(f"/proposals/{ids[0]}/decisions/{holders['dorset']}/why", status=403)
    page = client.get(f"/proposals/{ids[2]}/decisions/{holders['dorset']}/why").text
    assert "you declared an interest in another proposal" in page
    assert "20,000" not in page
    assert "P-01" not in page
    assert "needed £" not in page


def test_not_before_the_scores_are_shown(client: PageClient) -> None:
    round_ = make_round()
    proposal = make_proposal(round_)
    advance(round_, RoundState.SCORING)
    url = f"/proposals/{proposal.id}/decisions/{holder('dorset').id}/why"
    client.sign_in(MEMBER).get(url, status=403)
    assert "/why" not in client.get("/rounds/1/explanations").text
