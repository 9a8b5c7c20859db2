"""Money of a round that other fundings have taken: not offered again, kept as it was once published, told to nobody

to whom it would tell of a proposal that an interest shuts.
"""

import datetime as dt
from collections.abc import Mapping

import pytest
from flask import Flask

from svd_tracker.accounts.queries import load_access
from svd_tracker.act import Act
from svd_tracker.calculations.figures import Category
from svd_tracker.calculations.ranking import LineState
from svd_tracker.decisions import explain, queries
from svd_tracker.decisions.models import Outcome
from svd_tracker.errors import NotAllowed
from svd_tracker.extensions import db
from svd_tracker.finance import queries as finance
from svd_tracker.finance import services as finance_services
from svd_tracker.finance.models import FundingVersion
from svd_tracker.grants.models import Grant
from svd_tracker.proposals.models import Proposal
from svd_tracker.rounds import queries as rounds
from svd_tracker.rounds import services as round_services
from svd_tracker.rounds.models import Round, RoundState
from svd_tracker.rounds.queries import ShareNow, get_round
from svd_tracker.scoring import option_queries, ranking_queries
from tests.integration.decisions.support import LABOUR, NON_LABOUR, decide
from tests.integration.scoring.support import declare, score_all
from tests.support.client import PageClient
from tests.support.money import holder, make_approval, make_grant
from tests.support.rounds import COORDINATOR, advance, make_proposal, make_round, person
from tests.support.world import DAY, act

pytestmark = pytest.mark.db

FIRST, SECOND = {"dorset": {LABOUR: 41_000_00}}, {"dorset": {LABOUR: 5_000_00}}
ALLOCATED = 41_200_15


def two_rounds(kept_back: int = 0) -> tuple[Round, Proposal, Round, Proposal]:
    """Two rounds of the same money: the first decides on £41,000.00, the second is asked for £5,000.00."""
    grant = make_grant()
    first, second = (_deciding(grant, "First", FIRST, 0), _deciding(grant, "Second", SECOND, kept_back))
    return *first, *second


def _deciding(
    grant: Grant, name: str, costs: Mapping[str, Mapping[Category, int]], kept_back: int
) -> tuple[Round, Proposal]:
    round_ = make_round(grant, name=name, kept_back=kept_back)
    proposal = make_proposal(round_, f"Of the {name.lower()}", costs=costs)
    advance(round_, RoundState.SCORING)
    score_all(round_, proposal)
    advance(round_, RoundState.DECIDING)
    return round_, proposal


def labour_of(round_: Round) -> ShareNow:
    return next(
        each for each in rounds.shares_of(round_) if each.holder_id == holder("dorset").id and each.category is LABOUR
    )


def later(days: int = 1) -> Act:
    return act(person(COORDINATOR).id, DAY + dt.timedelta(days=days))


def test_what_another_round_committed_is_not_offered_again(app: Flask, client: PageClient) -> None:
    first, proposal, second, asking = two_rounds()
    assert labour_of(second).available == ALLOCATED
    decide(proposal)
    share = labour_of(second)
    assert (share.elsewhere, share.available) == (41_000_00, 200_15)
    assert (labour_of(first).elsewhere, labour_of(first).available) == (0, ALLOCATED), "its own decisions do not count"
    access = load_access(person(COORDINATOR).id, DAY)
    ranking = ranking_queries.ranking(second, access)
    assert ranking.lines is not None
    assert ranking.lines[0].money[LABOUR] == 200_15
    assert [row.state for row in ranking.lines[0].rows] == [LineState.ON_LINE]
    basis = option_queries.basis_of(second, holder("dorset"), access)
    assert (basis.money.pence[LABOUR], basis.elsewhere) == (200_15, {LABOUR: 41_000_00})
    told = explain.explain(ranking_queries.facts_of(second, access), asking, holder("dorset"))
    assert told.place is not None
    assert told.place.short == {LABOUR: 4_799_85, NON_LABOUR: 0}
    first_id, second_id, dorset = first.id, second.id, holder("dorset").id
    client.sign_in(COORDINATOR)
    for url in (f"/rounds/{second_id}", f"/rounds/{second_id}/pack", f"/rounds/{second_id}/options/{dorset}"):
        page = client.get(url).text
        assert "£41,000.00" in page, url
        assert "takes up what is kept back first" in page, url
    assert "Committed elsewhere" not in client.get(f"/rounds/{first_id}").text


def test_what_is_kept_back_is_taken_up_first(app: Flask) -> None:
    """A post that goes on is kept back and then committed: it is not taken off twice."""
    _, proposal, second, _ = two_rounds(kept_back=1_000_00)
    allocation = finance.money_left(second.grant_id, holder("dorset").id, 2025)[LABOUR].allocation
    intervention = decide(proposal, outcome=Outcome.FUND_IN_PART, amounts={LABOUR: 600_00}).intervention
    assert (labour_of(second).elsewhere, labour_of(second).available) == (600_00, ALLOCATED - 1_000_00)
    assert intervention is not None
    funding = finance.find_funding(intervention.id, allocation.id)
    assert funding is not None
    raise_to(funding.id, 1_600_00)
    assert (labour_of(second).elsewhere, labour_of(second).available) == (1_600_00, ALLOCATED - 1_600_00)


def raise_to(funding_id: int, pence: int) -> FundingVersion:
    funding = finance.get_funding(funding_id)
    approval = make_approval(pence)
    return finance_services.change_funding(
        later(), funding, pence, {1: pence, 2: 0, 3: 0, 4: 0}, approval, "More of it", DAY + dt.timedelta(days=1)
    )


def test_a_funding_that_goes_on_counts_elsewhere_but_for_what_this_round_gave(app: Flask) -> None:
    """One intervention's money of both: the decision's part is this round's, the rest was committed before it."""
    first, proposal, _, _ = two_rounds()
    decision = decide(proposal, outcome=Outcome.FUND_IN_PART, amounts={LABOUR: 10_000_00})
    assert decision.intervention is not None
    allocation = finance.money_left(first.grant_id, holder("dorset").id, 2025)[LABOUR].allocation
    funding = finance.find_funding(decision.intervention.id, allocation.id)
    assert funding is not None
    raise_to(funding.id, 12_000_00)
    assert labour_of(first).elsewhere == 2_000_00


def test_a_published_round_keeps_the_money_that_it_decided_on(app: Flask) -> None:
    first, proposal, second, asking = two_rounds()
    decide(asking)
    assert (labour_of(first).elsewhere, labour_of(first).available) == (5_000_00, 36_200_15)
    decide(proposal, outcome=Outcome.FUND_IN_PART, amounts={LABOUR: 30_000_00})
    round_services.move(first, RoundState.PUBLISHED, later())
    db.session.commit()
    funding = next(each for each in finance.fundings(holder("dorset").id, 2025) if each.pence == 5_000_00)
    finance_services.change_funding(
        later(2),
        finance.get_funding(funding.id),
        6_000_00,
        {1: 6_000_00, 2: 0, 3: 0, 4: 0},
        make_approval(6_000_00),
        "More of it",
        DAY,
    )
    db.session.commit()
    assert (labour_of(first).elsewhere, labour_of(first).available) == (5_000_00, 36_200_15)
    assert labour_of(second).elsewhere == 31_000_00  # £30,000.00, and £1,000.00 that no decision of it gave


def test_an_interest_in_another_rounds_proposal_keeps_its_money_untold(app: Flask, client: PageClient) -> None:
    first, proposal, second, asking = two_rounds()
    decide(proposal)
    declare(proposal, COORDINATOR)
    first_id, second_id, dorset = first.id, second.id, holder("dorset").id
    access = load_access(person(COORDINATOR).id, DAY)
    assert ranking_queries.ranking(second, access).lines is None
    assert queries.totals_hidden(access.person_id, second, dorset)
    with pytest.raises(NotAllowed):
        option_queries.basis_of(second, holder("dorset"), access)
    facts = ranking_queries.facts_of(second, access)
    assert explain.explain(facts, asking, holder("dorset")).place is None
    client.sign_in(COORDINATOR)
    for path in ("", "/ranking", "/pack", "/decisions", "/explanations"):
        page = client.get(f"/rounds/{second_id}{path}").text
        assert "41,000.00" not in page, path
        assert "£200.15" not in page, path
    assert "not shown to you" in client.get(f"/rounds/{second_id}").text
    client.get(f"/rounds/{second_id}/options/{dorset}", 403)
    assert labour_of(get_round(first_id)).available == ALLOCATED
