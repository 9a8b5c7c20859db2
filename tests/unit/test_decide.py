"""Where a line belongs, by the order in which typed entries, the old year, fundings and rules are asked."""

import datetime as dt
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from svd_tracker.calculations.figures import Category
from svd_tracker.calculations.limits import AccountRule, AccountRules, Limits
from svd_tracker.calculations.placing import Rule, RuleKind, RuleOutcome, RulePart, Rules, RuleTests
from svd_tracker.finance.intake.decide import Known, Typed, TypedEntries, Undone, decide
from svd_tracker.finance.intake.models import Outcome, SharingMethod, WhyWaiting
from svd_tracker.finance.intake.spool import Line
from svd_tracker.finance.placing.book import Belongs, Part
from svd_tracker.finance.placing.sharing import Rooms, Sharing

pytestmark = pytest.mark.unit

NURSE, SCHOOLS = 1, 2
LABOUR, GOODS, OLD = 11, 12, 10  # fundings: the nurse's labour and non-labour of 2025, and labour of 2024
MATCH = 7


def line(pence: int = 100_00, **more: Any) -> Line:
    values: dict[str, Any] = {
        "row_no": 2, "posted_on": dt.date(2025, 5, 6), "fy": 2025, "period": 2, "document": "INV 1",
        "cost_centre": "N100", "account": "4300", "project": "", "supplier": "A supplier", "text": "Work",
        "funding_ref": "", "net_pence": pence, "vat_pence": 0, "cost_pence": pence, "refund": False, "accrual": False,
        "quarter": 1,
    }  # fmt: skip
    return Line(**{**values, **more})


def rule(outcome: RuleOutcome, tests: RuleTests | None = None, no: int = 1, priority: int = 10) -> Rule:
    return Rule(no * 100, no, priority, f"Rule {no}", tests or RuleTests(cost_centre="N*"), outcome)


def placing(*parts: tuple[int | None, Category | None, int], **more: Any) -> RuleOutcome:
    return RuleOutcome(RuleKind.PLACED, tuple(RulePart(*part) for part in parts), **more)


TO_NURSE = placing((NURSE, Category.LABOUR, 1))


def known(*rules: Rule, **more: Any) -> Known:
    values: dict[str, Any] = {
        "rules": Rules(rules),
        "by_ref": {(2025, "F-1"): LABOUR, (2024, "F-0"): OLD},
        "by_place": {
            (2025, NURSE, Category.LABOUR): (LABOUR,),
            (2025, NURSE, Category.NON_LABOUR): (GOODS,),
            (2024, NURSE, Category.LABOUR): (OLD,),
        },
        "titles": {NURSE: "Specialist nurse", SCHOOLS: "Schools"},
        "limits": {},
        "sharings": {},
        "rooms": Rooms(),
    }
    return Known(**{**values, **more})


def typed(**more: Any) -> TypedEntries:
    entry = Typed(55, 3, LABOUR, 100_00, 100_00, dt.date(2025, 5, 20), "inv-0001")
    return TypedEntries([entry._replace(**more)])


def waits(belongs: Belongs) -> tuple[WhyWaiting, str]:
    assert (belongs.outcome, belongs.parts) == (Outcome.WAITING, ())
    return belongs.why, belongs.hint


def test_the_funding_of_a_rule_follows_the_lines_own_year() -> None:
    place = known(rule(TO_NURSE))
    assert decide(line(), place) == Belongs(Outcome.PLACED, 2025, 1, (Part(100_00, LABOUR),), rule_id=100)
    assert decide(line(fy=2024, period=13, quarter=4), place).parts == (Part(100_00, OLD),)
    why, hint = waits(decide(line(fy=2023), place))
    assert (why, hint) == (WhyWaiting.NO_FUNDING, "Specialist nurse has no labour funding in 2023/24")


def test_what_no_rule_meets_waits() -> None:
    assert waits(decide(line(cost_centre="X"), known(rule(TO_NURSE)))) == (WhyWaiting.NO_RULE, "")


def test_the_lowest_priority_is_asked_first() -> None:
    left_out = rule(RuleOutcome(RuleKind.LEFT_OUT, reason="Overheads"), no=2, priority=1)
    belongs = decide(line(), known(rule(TO_NURSE), left_out))
    assert (belongs.outcome, belongs.reason, belongs.rule_id) == (Outcome.LEFT_OUT, "Overheads", 200)


@pytest.mark.parametrize(
    ("kind", "outcome"),
    [(RuleKind.GRANT_INCOME, Outcome.GRANT_INCOME), (RuleKind.MATCH_INCOME, Outcome.MATCH_INCOME)],
)
def test_income_never_has_parts(kind: RuleKind, outcome: Outcome) -> None:
    belongs = decide(line(-500_00), known(rule(RuleOutcome(kind))))
    assert (belongs.outcome, belongs.parts) == (outcome, ())


def test_two_grants_for_one_intervention_wait_for_a_choice() -> None:
    place = known(rule(TO_NURSE), by_place={(2025, NURSE, Category.LABOUR): (LABOUR, 99)})
    why, hint = waits(decide(line(), place))
    assert (why, hint) == (
        WhyWaiting.NO_FUNDING,
        "Specialist nurse has more than one labour funding in 2025/26: choose one",
    )


def test_a_shared_post_is_split_to_the_penny_and_local_money_pays_its_part() -> None:
    outcome = placing((NURSE, Category.LABOUR, 1), (NURSE, Category.NON_LABOUR, 1), (None, None, 1))
    belongs = decide(line(100), known(rule(outcome)))
    assert belongs.parts == (Part(34, LABOUR), Part(33, GOODS), Part(33))
    assert decide(line(1), known(rule(outcome))).parts == (Part(1, LABOUR),), "a part of nought is none"


def test_a_line_of_nought_is_left_out() -> None:
    belongs = decide(line(0), known(rule(TO_NURSE)))
    assert (belongs.outcome, belongs.parts) == (Outcome.LEFT_OUT, ())
    assert belongs.reason


def test_the_file_may_name_the_funding_of_its_own_year() -> None:
    place = known(rule(RuleOutcome(RuleKind.LEFT_OUT, reason="Never")))
    assert decide(line(funding_ref="F-1"), place).parts == (Part(100_00, LABOUR),)
    why, hint = waits(decide(line(funding_ref="F-0"), place))
    assert (why, hint) == (WhyWaiting.NO_FUNDING, "There is no funding F-0 in 2025/26")


@pytest.mark.parametrize(
    ("document", "pence", "like"),
    [("INV 0001", 90_00, True), ("INV 1", 90_00, False), ("inv/0001", 90_00, True), ("INV0001", -90_00, False)],
)
def test_a_typed_entry_is_known_by_its_document_and_sign(document: str, pence: int, like: bool) -> None:
    place = known(rule(TO_NURSE), typed=typed(document="INV-0001", spent_on=dt.date(2024, 4, 1)))
    belongs = decide(line(pence, document=document), place)
    assert (belongs.why is WhyWaiting.LIKE_AN_ENTRY) is like
    if like:
        assert (belongs.entry_id, belongs.hint) == (55, "Looks like typed entry 3 of £100.00, INV-0001")


@pytest.mark.parametrize(
    ("changes", "like"),
    [
        ({}, True),
        ({"spent_on": dt.date(2025, 6, 20)}, True),
        ({"spent_on": dt.date(2025, 6, 21)}, False),
        ({"pence": 100_01, "whole_pence": 100_01}, False),
        ({"pence": 40_00}, True),
        ({"funding_id": GOODS}, False),
    ],
)
def test_a_typed_entry_is_known_by_its_amount_near_the_day(changes: dict[str, Any], like: bool) -> None:
    place = known(rule(TO_NURSE), typed=typed(document="", **changes))
    assert (decide(line(), place).why is WhyWaiting.LIKE_AN_ENTRY) is like


@pytest.mark.parametrize(
    ("changes", "undoes", "waits_for_old_year"),
    [
        ({"period": 1}, True, True),
        ({"period": 3, "text": "Reversal of accrual March"}, False, True),
        ({"period": 2, "text": "Accr rev P12"}, False, True),
        ({"period": 4}, True, False),
        ({"period": 2, "text": "Credit note"}, False, False),
        ({"period": 2, "text": "Revenue, no accrual"}, False, False),
        ({"period": 1, "accrual": True}, False, True),
        ({"period": 3, "accrual": True}, False, True),
        ({"period": 4, "accrual": True}, False, False),
    ],
)
def test_what_undoes_the_old_year_waits(changes: dict[str, Any], undoes: bool, waits_for_old_year: bool) -> None:
    undone = Undone.OLD_YEAR if undoes else Undone.NOTHING
    belongs = decide(line(-100_00, **changes), known(rule(TO_NURSE)), undone)
    assert (belongs.why is WhyWaiting.OLD_YEAR) is waits_for_old_year
    assert decide(line(100_00, **changes), known(rule(TO_NURSE)), undone).outcome is Outcome.PLACED


@pytest.mark.parametrize(("period", "waits"), [(1, True), (2, False), (3, False)])
def test_a_release_of_an_accrual_of_its_own_year_is_the_years(period: int, waits: bool) -> None:
    belongs = decide(line(-100_00, period=period, accrual=True), known(rule(TO_NURSE)), Undone.OWN_YEAR)
    assert (belongs.why is WhyWaiting.OLD_YEAR) is waits


def test_a_rule_may_place_to_the_old_years_last_quarter() -> None:
    outcome = replace(TO_NURSE, old_year=True, reason="Accruals of March")
    belongs = decide(line(-100_00, period=1, text="Accrual reversal"), known(rule(outcome)))
    assert belongs == Belongs(Outcome.PLACED, 2024, 4, (Part(-100_00, OLD),), reason="Accruals of March", rule_id=100)


def test_grant_pays_first_and_the_room_runs_on() -> None:
    rooms = Rooms({LABOUR: 0}, {LABOUR: 150_00}, {MATCH: 0}, {MATCH: 1_000_00})
    place = known(
        rule(TO_NURSE), sharings={(2025, NURSE): Sharing(SharingMethod.GRANT_FIRST, None, MATCH)}, rooms=rooms
    )
    assert decide(line(), place).parts == (Part(100_00, LABOUR),)
    assert decide(line(), place).parts == (Part(50_00, LABOUR), Part(50_00, match_id=MATCH))
    assert decide(line(), place).parts == (Part(100_00, match_id=MATCH),)


def test_what_the_grant_does_not_pay_for_is_placed_and_marked() -> None:
    limits = Limits(
        dt.date(2025, 4, 1), dt.date(2026, 3, 31), dt.date(2025, 4, 1), dt.date(2026, 3, 31), None, True,
        dt.date(2025, 4, 1), dt.date(2025, 4, 1), AccountRules([AccountRule("43*", "Hospitality", True)]),
    )  # fmt: skip
    place = known(rule(TO_NURSE), limits={LABOUR: limits})
    (part,) = decide(line(), place).parts
    assert (part.eligible, part.reason) == (False, "Account 4300: Hospitality, which the grant does not pay for")
    assert place.flagged == {("account", part.reason, False): [1, 100_00]}
    assert decide(line(account="4400"), place).parts == (Part(100_00, LABOUR),)


@given(
    st.integers(-(10**9), 10**9),
    st.lists(st.tuples(st.sampled_from([NURSE, None]), st.integers(1, 10_000)), min_size=1, max_size=4),
    st.sampled_from(list(SharingMethod)),
    st.integers(0, 10_000),
)
def test_the_parts_always_add_up_to_the_line(
    pence: int, parts: list[tuple[int | None, int]], method: SharingMethod, grant_bp: int
) -> None:
    outcome = placing(*((each, Category.LABOUR if each else None, weight) for each, weight in parts))
    place = known(
        rule(outcome),
        sharings={(2025, NURSE): Sharing(method, grant_bp, MATCH)},
        rooms=Rooms({LABOUR: 0}, {LABOUR: 500_00}, {MATCH: 0}, {MATCH: 300_00}),
    )
    belongs = decide(line(pence, period=7, quarter=3), place)
    if pence:
        assert sum(part.pence for part in belongs.parts) == pence
        assert all(part.pence for part in belongs.parts)
