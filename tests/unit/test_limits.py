"""Which spend the grant pays for (DOMAIN.md sections 3 and 9.8)."""

import datetime as dt
import fnmatch
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from svd_tracker.calculations.limits import AccountRule, AccountRules, Limits, Verdict

pytestmark = pytest.mark.unit

APRIL, MARCH = dt.date(2025, 4, 1), dt.date(2026, 3, 31)
DAY = dt.timedelta(days=1)
LIMITS = Limits(
    first_day=APRIL,
    last_day=MARCH,
    starts_on=APRIL,
    ends_on=MARCH,
    eligible_from=None,
    refuse_outside=True,
    signed_on=APRIL,
    agreed_on=APRIL,
)


def test_spend_inside_every_limit_needs_no_word() -> None:
    assert LIMITS.verdict(APRIL) == LIMITS.verdict(MARCH, "4711") == Verdict()


@pytest.mark.parametrize(("refuse", "eligible"), [(True, False), (False, True)])
def test_outside_the_period_is_refused_or_flagged_by_the_terms(refuse: bool, eligible: bool) -> None:
    limits = replace(LIMITS, starts_on=dt.date(2025, 6, 1), ends_on=dt.date(2025, 12, 31), refuse_outside=refuse)
    for day in (dt.date(2025, 5, 31), dt.date(2026, 1, 1)):
        verdict = limits.verdict(day)
        assert verdict.eligible is eligible
        assert verdict.codes == ("outside_period",)
        assert verdict.reason == ("Outside the grant's period, 1 June 2025 to 31 December 2025" if refuse else "")
        assert verdict.flags == ("Outside the grant's period, 1 June 2025 to 31 December 2025",)
    assert limits.verdict(dt.date(2025, 6, 1)) == limits.verdict(dt.date(2025, 12, 31)) == Verdict()


def test_before_the_first_day_that_is_paid_for() -> None:
    limits = replace(LIMITS, eligible_from=dt.date(2025, 7, 1))
    assert limits.verdict(dt.date(2025, 6, 30)).reason == "Before 1 July 2025, from when the grant pays"
    assert limits.verdict(dt.date(2025, 7, 1)).eligible
    assert replace(limits, refuse_outside=False).verdict(dt.date(2025, 6, 30)).codes == ("before_eligible",)


def test_what_is_posted_after_the_year_was_spent_in_it() -> None:
    """A line of period 13 is posted in April; its funding's year says when it was spent."""
    assert LIMITS.verdict(MARCH + 20 * DAY) == Verdict()


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"signed_on": dt.date(2025, 5, 3)}, "at_risk_signed"),
        ({"signed_on": None}, "at_risk_unsigned"),
        ({"agreed_on": dt.date(2025, 5, 3)}, "at_risk_approval"),
        ({"agreed_on": None}, "at_risk_waiting"),
    ],
)
def test_spend_at_risk_is_flagged_and_never_refused(changes: dict[str, dt.date | None], code: str) -> None:
    verdict = replace(LIMITS, **changes).verdict(dt.date(2025, 5, 2))  # type: ignore[arg-type]
    assert verdict.eligible
    assert verdict.reason == ""
    assert verdict.codes == (code,)
    if None not in changes.values():
        assert replace(LIMITS, **changes).verdict(dt.date(2025, 5, 3)) == Verdict()  # type: ignore[arg-type]


def test_at_risk_before_is_the_later_of_signing_and_agreeing() -> None:
    assert LIMITS.at_risk_before is None
    late = replace(LIMITS, signed_on=dt.date(2025, 5, 3), agreed_on=dt.date(2025, 6, 1))
    assert late.at_risk_before == (dt.date(2025, 6, 1), "the last approval was given")
    assert replace(late, agreed_on=None).at_risk_before == (dt.date(2025, 5, 3), "the agreement was signed")


def test_what_is_to_be_known_before_posting() -> None:
    assert LIMITS.words == ()
    limits = replace(LIMITS, eligible_from=dt.date(2025, 5, 1), signed_on=None, agreed_on=dt.date(2025, 6, 2))
    assert limits.words == (
        "The grant pays from 1 May 2025 to 31 March 2026: other spend cannot be claimed.",
        "The agreement is not signed yet: spend is at risk.",
        "Spend before 2 June 2025, when the last approval was given, is at risk.",
    )


def test_an_account_rule_refuses_or_flags() -> None:
    rules = AccountRules(
        [AccountRule("4711, 48*", "gifts and entertaining", True), AccountRule("*9", "fees", False)],
    )
    limits = replace(LIMITS, accounts=rules)
    assert (
        limits.verdict(APRIL, "4711").reason == "Account 4711: gifts and entertaining, which the grant does not pay for"
    )
    assert limits.verdict(APRIL, "4712").eligible
    assert limits.verdict(APRIL, " 4811 ").reason.startswith("Account 4811: gifts")
    assert limits.verdict(APRIL, "1009") == Verdict(True, ("Account 1009: fees",), ("account",))
    both = limits.verdict(APRIL, "4899")
    assert not both.eligible
    assert both.codes == ("account", "account")
    assert limits.verdict(APRIL, "") == Verdict()


def test_an_everything_rule_does_not_catch_a_line_without_an_account() -> None:
    assert AccountRules([AccountRule("*", "everything", True)]).of("") == ()


code = st.text(alphabet="0aB.[?*-", min_size=1, max_size=6)


@given(pattern=code, account=st.text(alphabet="0aB.[?-", min_size=1, max_size=6))
def test_a_star_stands_for_any_characters_and_nothing_else_is_special(pattern: str, account: str) -> None:
    rules = AccountRules([AccountRule(pattern, "", True)])
    plain = pattern.lower().replace("[", "[[]").replace("?", "[?]")
    assert bool(rules.of(account)) == fnmatch.fnmatchcase(account.lower(), plain)


days = st.dates(APRIL, MARCH)


@given(day=days, signed=days | st.none(), agreed=days | st.none(), refuse=st.booleans(), eligible_from=days | st.none())
def test_eligible_exactly_when_nothing_refuses(
    day: dt.date, signed: dt.date | None, agreed: dt.date | None, refuse: bool, eligible_from: dt.date | None
) -> None:
    limits = replace(LIMITS, signed_on=signed, agreed_on=agreed, refuse_outside=refuse, eligible_from=eligible_from)
    verdict = limits.verdict(day)
    assert verdict.eligible == (not (refuse and eligible_from is not None and day < eligible_from))
    assert verdict.eligible == (verdict.reason == "")
    assert len(verdict.flags) == len(verdict.codes)
    assert ("at_risk_signed" in verdict.codes) == (signed is not None and day < signed)
    assert limits.verdict(day) is verdict
