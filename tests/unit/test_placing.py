"""Where ledger lines belong: rules, splits that add back, sharing with match, pairs."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from svd_tracker.calculations import placing
from svd_tracker.calculations.figures import Category
from svd_tracker.calculations.placing import (
    WHOLE_BP,
    LineWords,
    MatchRoom,
    Rule,
    RuleKind,
    RuleOutcome,
    RulePart,
    Rules,
    RuleTests,
    document_reversed,
    find_pairs,
    meets,
    normal_document,
    outcome_from_json,
    outcome_to_json,
    share_with_match,
    split_by_weight,
)

pytestmark = pytest.mark.unit

PENCE = st.integers(-10_000_000, 10_000_000)
ROOM = st.builds(MatchRoom, PENCE, st.integers(0, 10_000_000), PENCE, st.integers(0, 10_000_000))
METHOD = st.sampled_from(["grant_first", "match_first", "per_cent", "by_line"])


@given(PENCE, st.lists(st.integers(1, WHOLE_BP), min_size=1, max_size=6))
def test_a_split_adds_back_and_no_part_is_a_penny_off(pence: int, weights: list[int]) -> None:
    shares = split_by_weight(pence, [RulePart(None, None, weight) for weight in weights])
    assert sum(shares) == pence
    for share, weight in zip(shares, weights, strict=True):
        assert abs(share * sum(weights) - pence * weight) < sum(weights)


def test_a_split_by_per_cent() -> None:
    assert split_by_weight(100_01, [RulePart(None, None, 33_33), RulePart(None, None, 66_67)]) == [33_33, 66_68]
    assert split_by_weight(-100, [RulePart(None, None)] * 3) == [-34, -33, -33]


@given(PENCE, METHOD, st.integers(0, WHOLE_BP), ROOM)
def test_what_grant_and_match_pay_is_the_cost(pence: int, method: str, bp: int, room: MatchRoom) -> None:
    grant, match = share_with_match(pence, method, bp, room)
    assert grant + match == pence
    assert all(part == 0 or (part > 0) == (pence > 0) for part in (grant, match))


@given(st.integers(0, 10_000_000), METHOD, st.integers(0, WHOLE_BP), ROOM)
def test_who_pays_first_never_passes_their_room(pence: int, method: str, bp: int, room: MatchRoom) -> None:
    grant, match = share_with_match(pence, method, bp, room)
    if method == "grant_first":
        assert grant <= max(0, room.grant_most - room.grant_paid)
        assert match == 0 or room.grant_paid + grant >= room.grant_most  # the rest only when the first is used up
    if method == "match_first":
        assert match <= max(0, room.match_most - room.match_paid)
        assert grant == 0 or room.match_paid + match >= room.match_most


@given(
    st.lists(st.integers(1, 1_000_000), max_size=8),
    st.sampled_from(["grant_first", "match_first"]),
    st.integers(0, 2_000_000),
    st.integers(0, 2_000_000),
)
def test_what_is_credited_whole_leaves_nothing_behind(
    costs: list[int], method: str, grant_most: int, match_most: int
) -> None:
    """Every cost and then its credit, the last first: grant and match end where they began."""
    paid = [0, 0]
    for pence in [*costs, *(-pence for pence in reversed(costs))]:
        room = MatchRoom(paid[0], grant_most, paid[1], match_most)
        grant, match = share_with_match(pence, method, None, room)
        paid = [paid[0] + grant, paid[1] + match]
        assert min(paid) >= 0
    assert paid == [0, 0]


@given(st.integers(0, 10_000_000), st.integers(0, WHOLE_BP))
def test_a_credit_by_per_cent_is_its_cost_turned(pence: int, bp: int) -> None:
    room = MatchRoom(0, 0, 0, 0)
    cost, credit = (share_with_match(each, "per_cent", bp, room) for each in (pence, -pence))
    assert credit == (-cost[0], -cost[1])


LINE = LineWords("C100", "46100", "SVD/25", "Harbour Youth Charity", "Sessions, May")


@pytest.mark.parametrize(
    ("tests", "meet"),
    [
        (RuleTests(), False),
        (RuleTests(cost_centre=" , "), False),
        (RuleTests(cost_centre="c100"), True),
        (RuleTests(cost_centre="C10"), False),
        (RuleTests(cost_centre="C10*"), True),
        (RuleTests(cost_centre="*100, D2"), True),
        (RuleTests(cost_centre="C.*"), False),  # a full stop is a full stop
        (RuleTests(account="46*0", supplier="harbour"), True),
        (RuleTests(account="46*1", supplier="harbour"), False),
        (RuleTests(supplier="nobody, YOUTH"), True),
        (RuleTests(text="sessions", supplier="nobody"), False),
        (RuleTests(project="svd/25"), True),
    ],
)
def test_what_a_line_meets(tests: RuleTests, meet: bool) -> None:
    assert meets(tests)(LINE) is meet
    assert tests.given is any(words.strip(" ,") for words in vars(tests).values())


def rule(no: int, priority: int, **tests: str) -> Rule:
    return Rule(no, no, priority, f"Rule {no}", RuleTests(**tests), RuleOutcome(RuleKind.GRANT_INCOME))


def test_the_lowest_priority_is_asked_first_then_the_lowest_number() -> None:
    rules = Rules([rule(1, 20, supplier="harbour"), rule(3, 10, account="46*"), rule(2, 10, supplier="harbour")])
    asked = [rules.first(words) for words in (LINE, LINE, LineWords(account="46100"))]
    assert [found.no for found in asked if found] == [2, 2, 3]  # and what was asked once is remembered
    assert rules.first(LineWords(account="1")) is None


@given(
    st.lists(
        st.builds(
            RulePart, st.none() | st.integers(1, 9), st.sampled_from([None, *Category]), st.integers(1, WHOLE_BP)
        ),
        max_size=3,
    ),
    st.sampled_from(RuleKind),
    st.text(max_size=20),
    st.booleans(),
)
def test_a_rule_is_kept_as_it_was_said(parts: list[RulePart], kind: RuleKind, reason: str, old_year: bool) -> None:
    outcome = RuleOutcome(kind, tuple(parts), reason, old_year)
    assert outcome_from_json(outcome_to_json(outcome)) == outcome
    tests = RuleTests(reason, supplier=reason)
    assert placing.tests_from_json(placing.tests_to_json(tests)) == tests
    assert json.loads(placing.tests_to_json(tests))["supplier"] == reason


@pytest.mark.parametrize(
    ("one", "other"), [("INV-0042", "inv 0042"), ("000417", "417"), ("PO/7.1", "po71"), ("", "--"), ("0", "00")]
)
def test_documents_that_two_systems_write_apart(one: str, other: str) -> None:
    assert normal_document(one) == normal_document(other)


def test_a_nought_in_the_middle_of_a_document_counts() -> None:
    assert normal_document("INV 102") != normal_document("INV 12")


def test_pairs_need_codes_document_and_the_opposite_amount() -> None:
    lines = [
        (1, "C1", "4", "J-1", 100),
        (2, "C1", "4", "J-1", 100),
        (3, "C1", "4", "j1", -100),
        (4, "C2", "4", "J-1", -100),
        (5, "C1", "4", "", 100),
        (6, "C1", "4", "", -100),
        (7, "C1", "4", "J-2", -100),
    ]
    assert find_pairs(lines) == {2: 3, 3: 2}  # the nearest before it; the other waits for its own


@pytest.mark.parametrize(
    ("words", "document"),
    [
        ("Reversal of 5100012", "5100012"),
        ("REVERSE JNL/0042-1, wrong code", "JNL/0042-1"),
        ("Reversing journal no. J006091", "J006091"),
        ("Reversal of accrual", ""),
        ("Irreversible 12", ""),
        ("Stationery 5100012", ""),
    ],
)
def test_what_a_line_says_it_reverses(words: str, document: str) -> None:
    assert document_reversed(words) == document


@given(st.lists(st.tuples(st.sampled_from(["A", "B"]), st.integers(-2, 2).filter(bool)), max_size=12))
def test_pairs_are_of_two_and_of_opposites(said: list[tuple[str, int]]) -> None:
    lines = [(number, "C", "4", document, pence) for number, (document, pence) in enumerate(said)]
    pairs = find_pairs(lines)
    for one, other in pairs.items():
        assert pairs[other] == one
        assert one != other
        assert (said[one][0], said[one][1]) == (said[other][0], -said[other][1])
    alone = [each for number, each in enumerate(said) if number not in pairs]
    assert not any((document, -pence) in alone for document, pence in alone)  # no two that could be a pair are left
