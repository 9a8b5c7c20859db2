"""A round's money, scheme, assessors and steps."""

import datetime as dt

import pytest
from flask import Flask
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from svd_tracker.accounts.permissions import Permission
from svd_tracker.accounts.queries import load_access
from svd_tracker.audit import queries as audit_queries
from svd_tracker.calculations.figures import Category
from svd_tracker.errors import ChangedMeanwhile, Refused
from svd_tracker.extensions import db
from svd_tracker.grants.queries import find_allocation
from svd_tracker.grants.services import set_allocation
from svd_tracker.proposals.services import withdraw
from svd_tracker.rounds import queries, services
from svd_tracker.rounds.models import RoundState
from svd_tracker.rounds.services import CriterionContent
from tests.support.money import holder, make_approval, make_grant
from tests.support.rounds import ASSESSORS, CRITERIA, SCALE, advance, make_proposal, make_round, person
from tests.support.world import DAY, act

pytestmark = pytest.mark.db


def test_what_is_kept_back_is_not_available(app: Flask) -> None:
    round_ = make_round(kept_back=1_000_00)
    assert queries.money_of_round(round_) == {
        holder("dorset").id: {Category.LABOUR: 40_200_15, Category.NON_LABOUR: 90_330_40},
        holder("bcp").id: {Category.LABOUR: 42_212_22, Category.NON_LABOUR: 91_257_23},
    }
    assert [each.name for each in queries.taking_part(round_.id)] == [
        "BCP Community Safety Partnership",
        "Dorset Community Safety Partnership",
    ]


def test_the_newest_version_of_a_share_counts_and_more_than_there_is_is_refused(app: Flask) -> None:
    round_ = make_round()
    allocation = find_allocation(round_.grant_id, 2025, Category.LABOUR, holder("dorset").id)
    assert allocation is not None
    services.add_share(round_, allocation, 200_15, "Post", act())
    db.session.commit()
    assert queries.money_of_round(round_)[holder("dorset").id][Category.LABOUR] == 41_000_00
    with pytest.raises(Refused, match="more than the allocation") as refused:
        services.add_share(round_, allocation, 41_200_16, "Post", act())
    assert refused.value.field == "kept_back"


def test_the_opcc_takes_no_part(app: Flask) -> None:
    round_ = make_round()
    allocation = find_allocation(round_.grant_id, 2025, Category.LABOUR, holder("opcc").id)
    assert allocation is not None
    with pytest.raises(Refused, match="partnership's allocation"):
        services.add_share(round_, allocation, 0, "", act())


def test_dates_and_refs(app: Flask) -> None:
    grant = make_grant()
    with pytest.raises(Refused, match="on or after") as refused:
        services.add_round(grant.area, grant, 2025, None, "R", dt.date(2025, 5, 2), dt.date(2025, 5, 1), act())
    assert refused.value.field == "closes_on"
    first = services.add_round(grant.area, grant, 2025, None, "R", DAY, DAY, act())
    assert first.ref == "RND-01"
    with pytest.raises(Refused, match="already a round"):
        services.add_round(grant.area, grant, 2025, "RND-01", "R", DAY, DAY, act())


def test_a_round_goes_one_step_at_a_time(app: Flask) -> None:
    round_ = make_round(state=RoundState.PREPARING)
    with pytest.raises(Refused, match="cannot become"):
        services.move(round_, RoundState.SCORING, act())
    services.move(round_, RoundState.OPEN, act())
    with pytest.raises(Refused, match="reason"):
        services.move(round_, RoundState.PREPARING, act())
    services.move(round_, RoundState.PREPARING, act(), "Too early")
    assert round_.state is RoundState.PREPARING


def test_scoring_needs_a_weight_an_assessor_and_a_share(app: Flask) -> None:
    round_ = make_round(state=RoundState.PREPARING, holders=(), assessors=(), criteria=CRITERIA[:1])
    with pytest.raises(Refused, match="whose money"):
        services.move(round_, RoundState.OPEN, act())
    assert services.missing_for(round_, RoundState.SCORING) == [
        "Say whose money the round is for",
        "Add a criterion with a weight to the scheme",
        "Add at least one assessor",
    ]


def test_steps_that_proposals_speak_against(app: Flask) -> None:
    round_ = make_round()
    with pytest.raises(Refused, match="nothing to score"):
        services.move(round_, RoundState.SCORING, act())
    make_proposal(round_)
    with pytest.raises(Refused, match="proposals already"):
        services.move(round_, RoundState.PREPARING, act(), "x")


def test_assessors_have_their_role_from_opening_to_publication(app: Flask) -> None:
    round_ = make_round(state=RoundState.PREPARING)
    health = person(ASSESSORS[0]).id
    seen = {}
    for state in RoundState:
        round_.state = state
        db.session.commit()
        seen[state] = round_.id in load_access(health, DAY).round_ids(Permission.SCORE)
    assert seen == {state: state not in (RoundState.PREPARING, RoundState.PUBLISHED) for state in RoundState}


def test_assessors_are_added_once_and_leave_only_before_scoring(app: Flask) -> None:
    round_ = make_round(state=RoundState.PREPARING, assessors=ASSESSORS[:1])
    with pytest.raises(Refused, match="already an assessor"):
        services.add_assessor(round_, person(ASSESSORS[0]), act())
    services.add_assessor(round_, person(ASSESSORS[1]), act())
    services.remove_assessor(round_, person(ASSESSORS[0]), act())
    db.session.commit()
    assert [each.person.email for each in queries.assessors_of(round_.id)] == [ASSESSORS[1]]
    advance(round_, RoundState.OPEN)
    make_proposal(round_)
    advance(round_, RoundState.SCORING)
    with pytest.raises(Refused, match="Scoring has begun"):
        services.remove_assessor(round_, person(ASSESSORS[1]), act())


def test_the_scheme_as_the_ranking_wants_it(app: Flask) -> None:
    facts = queries.criterion_facts(make_round(overall_minimum_bp=50_00).scheme)
    assert [(f.ref, f.weight_hundredths, f.scale_top_hundredths, f.minimum_hundredths, f.gate) for f in facts] == [
        ("G1", 0, 100, None, True),
        ("C1", 4000, 500, 200, False),
        ("C2", 3500, 500, None, False),
        ("C3", 2500, 500, None, False),
    ]


@pytest.mark.parametrize(
    ("content", "field"),
    [
        (CriterionContent("C9", "x", weight_hundredths=1_000_01, points=SCALE), "weight"),
        (CriterionContent("C9", "x", weight_hundredths=0, minimum_hundredths=100, points=SCALE), "minimum"),
        (CriterionContent("C9", "x", weight_hundredths=0, counts_double=True, points=SCALE), "counts_double"),
        (CriterionContent("C9", "x", weight_hundredths=100, points=((0, "a"),)), "points"),
        (CriterionContent("C9", "x", weight_hundredths=100, points=SCALE[:1]), "points"),
        (CriterionContent("C9", "x", weight_hundredths=100, points=((0, "a"), (0, "b"))), "points"),
        (CriterionContent("C9", "x", weight_hundredths=100, points=((0, "a"), (100, " "))), "points"),
        (CriterionContent("C9", "x", weight_hundredths=100, minimum_hundredths=501, points=SCALE), "minimum"),
        (CriterionContent("C1", "x", weight_hundredths=100, points=SCALE), "ref"),
        (CriterionContent("", "x", weight_hundredths=100, points=SCALE), "ref"),
    ],
)
def test_a_criterion_that_cannot_be_scored_is_refused_at_its_field(
    app: Flask, content: CriterionContent, field: str
) -> None:
    round_ = make_round()
    with pytest.raises(Refused) as refused:
        services.save_criterion(round_, act(), content)
    assert refused.value.field == field


def test_criteria_are_changed_moved_and_removed(app: Flask) -> None:
    round_ = make_round()
    found = queries.criteria_of(round_.scheme)[3]
    content = CriterionContent("C3", "Worth", weight_hundredths=30_50, points=((0, "No"), (250, "Half"), (300, "Yes")))
    services.save_criterion(round_, act(), content, criterion=found, position=1)
    services.remove_criterion(round_, queries.criteria_of(round_.scheme)[2], act())
    db.session.commit()
    now = queries.criteria_of(round_.scheme)
    assert [(each.ref, each.position) for each in now] == [("C3", 1), ("G1", 2), ("C2", 3)]
    assert [(point.hundredths, point.words) for point in now[0].points] == [(0, "No"), (250, "Half"), (300, "Yes")]


def test_a_scheme_is_copied_whole(app: Flask) -> None:
    first = make_round(overall_minimum_bp=45_00)
    second = make_round(first.grant, state=RoundState.PREPARING, criteria=CRITERIA[:2], name="Autumn")
    services.copy_scheme(first, second, act())
    db.session.commit()
    assert queries.criterion_facts(second.scheme) == queries.criterion_facts(first.scheme)
    assert second.scheme.overall_minimum_bp == 45_00
    assert len(queries.criteria_of(first.scheme)) == 4


def test_the_second_to_change_a_scheme_is_told(app: Flask) -> None:
    round_ = make_round()
    seen = round_.scheme.row_version
    services.save_scheme(round_, act(), overall_minimum_bp=1, row_version=seen)
    db.session.commit()
    with pytest.raises(ChangedMeanwhile):
        services.save_scheme(round_, act(), overall_minimum_bp=2, row_version=seen)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE scheme SET overall_minimum_bp = 1",
        "UPDATE criterion SET weight_hundredths = 1 WHERE NOT is_gate",
        "DELETE FROM scale_point",
        "INSERT INTO scale_point (criterion_id, hundredths, words) SELECT id, 777, 'x' FROM criterion",
    ],
)
def test_a_frozen_scheme_is_kept_by_the_database(app: Flask, statement: str) -> None:
    round_ = make_round()
    services.freeze_scheme(round_.scheme, act())
    services.freeze_scheme(round_.scheme, act())
    db.session.commit()
    with pytest.raises(DBAPIError, match="never changes"):
        db.session.execute(text(statement))
    db.session.rollback()


def test_a_frozen_scheme_refuses_in_words_and_keeps_the_round_from_going_back(app: Flask) -> None:
    round_ = make_round()
    make_proposal(round_)
    advance(round_, RoundState.SCORING)
    services.freeze_scheme(round_.scheme, act())
    db.session.commit()
    with pytest.raises(Refused, match="no longer changes"):
        services.save_scheme(round_, act(), overall_minimum_bp=None)
    with pytest.raises(Refused, match="score has been saved"):
        services.move(round_, RoundState.OPEN, act(), "x")


def test_nobody_becomes_an_assessor_once_a_score_is_saved(app: Flask) -> None:
    round_ = make_round(assessors=ASSESSORS[:1])
    make_proposal(round_)
    advance(round_, RoundState.SCORING)
    services.add_assessor(round_, person(ASSESSORS[1]), act())
    services.freeze_scheme(round_.scheme, act())
    with pytest.raises(Refused, match="Scoring has begun") as refused:
        services.add_assessor(round_, person(ASSESSORS[2]), act())
    assert refused.value.field == "person_id"


def test_every_verb_leaves_its_line(app: Flask) -> None:
    round_ = make_round()
    actions = [line.action for line in reversed(audit_queries.history("round", queries.subject(round_)))]
    assert actions == [
        "add",
        *["share"] * 4,
        "save_scheme",
        *["add_assessor"] * 3,
        "move_to_open",
    ]


def test_publication_keeps_the_money_that_was_decided_on(app: Flask) -> None:
    round_ = make_round(kept_back=1_000_00)
    proposal = make_proposal(round_)
    advance(round_, RoundState.SCORING)
    withdraw(proposal, "Nothing is left to decide", act())
    advance(round_, RoundState.DECIDING)
    services.move(round_, RoundState.PUBLISHED, act(), "Nothing to publish")
    db.session.commit()
    assert round_.published_at == act().at
    before = queries.money_of_round(round_)
    allocation = find_allocation(round_.grant_id, 2025, Category.LABOUR, holder("dorset").id)
    assert allocation is not None
    set_allocation(
        allocation.award_line, holder("dorset"), 10_000_00, make_approval(), act(), effective_on=DAY, reason="A cut"
    )
    db.session.commit()
    assert before[holder("dorset").id][Category.LABOUR] == 40_200_15
    assert queries.money_of_round(round_) == before
    assert {each.version_no for each in queries.shares_of(round_)} == {2}


def test_a_round_is_blind_until_scoring_begins(app: Flask) -> None:
    round_ = make_round()
    services.edit_round(round_, "R", round_.opens_on, round_.closes_on, round_.row_version, act(), blind=True)
    db.session.commit()
    assert round_.blind
    make_proposal(round_)
    advance(round_, RoundState.SCORING)
    with pytest.raises(Refused, match="Scoring has begun") as refused:
        services.edit_round(round_, "R", round_.opens_on, round_.closes_on, round_.row_version, act(), blind=False)
    assert refused.value.field == "blind"
    services.edit_round(round_, "Other", round_.opens_on, round_.closes_on, round_.row_version, act())
    assert round_.blind
