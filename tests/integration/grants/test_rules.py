"""What the terms say of match and of the period, and the rules on what a grant does not pay for."""

import datetime as dt

import pytest
from flask import Flask

from svd_tracker.errors import ChangedMeanwhile, Refused
from svd_tracker.extensions import db
from svd_tracker.grants import eligibility, queries
from svd_tracker.grants.models import EligibilityRule, Grant, OutsidePeriod, RuleEffect
from tests.integration.grants.test_pages import COORDINATOR, TERMS, text_of
from tests.support.chains import assert_chains_whole
from tests.support.client import PageClient
from tests.support.money import make_terms
from tests.support.world import act

pytestmark = pytest.mark.db

REFUSE, FLAG = RuleEffect.REFUSE, RuleEffect.FLAG


def gifts(grant: Grant) -> EligibilityRule:
    rule = eligibility.add_rule(grant, " 4711 ,48*,", " Gifts ", REFUSE, act())
    db.session.commit()
    return rule


def test_terms_ask_for_a_share_or_a_sum_of_match_but_not_both(client: PageClient, grant: Grant) -> None:
    url = f"/grants/{grant.id}"
    client.sign_in(COORDINATOR)
    typed = {**TERMS, "row_version": "1", "match_required_bp": "30", "match_required_pence": "1,000.00"}
    page = client.post(f"{url}/terms", typed, 200).get_data(as_text=True)
    assert "Enter a share or a sum of match, not both" in page
    typed |= {"match_required_pence": "", "outside_period": "flag"}
    typed |= {"eligible_from-day": "1", "eligible_from-month": "5", "eligible_from-year": "2025"}
    shown = client.follow(client.post(f"{url}/terms", typed)).get_data(as_text=True)
    assert "30% of grant spend" in shown
    assert "1 May 2025" in shown
    assert "May be claimed, and is flagged" in shown
    terms = queries.current_terms(1)
    assert terms is not None
    assert (terms.match_required_bp, terms.match_required_pence) == (3000, None)
    assert (terms.eligible_from, terms.outside_period) == (dt.date(2025, 5, 1), OutsidePeriod.FLAG)
    assert 'value="30"' in text_of(client, f"{url}/terms")


def test_the_first_day_paid_for_lies_in_the_grants_period(grant: Grant) -> None:
    with pytest.raises(Refused, match="1 April 2025 to 31 March 2026") as refused:
        make_terms(grant, eligible_from=dt.date(2025, 3, 31))
    assert refused.value.field == "eligible_from"


def test_a_rule_has_versions_and_ends(grant: Grant) -> None:
    rule = gifts(grant)
    assert (rule.rule_no, rule.version_no, rule.accounts, rule.kind) == (1, 1, "4711, 48*", "Gifts")
    assert eligibility.change_rule(grant, 1, "4711,48*", "Gifts", REFUSE, act(), 1) is rule
    changed = eligibility.change_rule(grant, 1, "4711", "Gifts", FLAG, act(), 1)
    other = eligibility.add_rule(grant, "6*", "Depreciation", REFUSE, act())
    assert list(queries.eligibility_rules(grant.id)) == [changed, other]
    with pytest.raises(ChangedMeanwhile):
        eligibility.change_rule(grant, 1, "4712", "Gifts", FLAG, act(), 1)
    eligibility.retire_rule(grant, 1, act(), 2)
    assert list(queries.eligibility_rules(grant.id)) == [other]
    assert [rule.version_no for rule in queries.eligibility_versions(grant.id)] == [3, 1, 2, 1]
    with pytest.raises(Refused, match="retired"):
        eligibility.change_rule(grant, 1, "4711", "Gifts", FLAG, act(), 3)
    assert eligibility.add_rule(grant, "7", "Fines", REFUSE, act()).rule_no == 3
    db.session.commit()
    assert_chains_whole()


@pytest.mark.parametrize(
    ("accounts", "kind", "field"),
    [(" , ", "Gifts", "accounts"), ("4711", " ", "kind"), ("4711, **", "All", "accounts")],
)
def test_a_rule_that_says_nothing_is_refused(grant: Grant, accounts: str, kind: str, field: str) -> None:
    with pytest.raises(Refused) as refused:
        eligibility.add_rule(grant, accounts, kind, REFUSE, act())
    assert refused.value.field == field


def test_the_pages_add_change_and_retire(client: PageClient, grant: Grant) -> None:
    url = f"/grants/{grant.id}/rules"
    client.sign_in(COORDINATOR)
    assert "No rule yet" in text_of(client, url)
    client.get(f"{url}/new")
    assert "Enter the account codes" in client.post(f"{url}/new", {"kind": "Gifts"}, 200).get_data(as_text=True)
    once = {"once_key": "a" * 32}
    typed = {"kind": "Gifts", "accounts": "4711", "effect": "refuse", "row_version": "0", **once}
    client.post(f"{url}/new", typed)
    client.post(f"{url}/new", typed)
    assert len(queries.eligibility_rules(1)) == 1
    page = text_of(client, url)
    assert "Not eligible: locally funded" in page
    assert "Gifts" in text_of(client, "/grants/1")
    assert 'value="4711"' in text_of(client, f"{url}/1")
    page = client.post(f"{url}/1", {**typed, "once_key": "b" * 32, "row_version": "9"}, 200).get_data(as_text=True)
    assert "Somebody else changed" in page
    client.post(f"{url}/1", {**typed, "once_key": "b" * 32, "effect": "flag", "row_version": "1"})
    assert "Flagged, to be looked at" in text_of(client, url)
    client.get(f"{url}/1/retire")
    client.post(f"{url}/1/retire", {"row_version": "2", "once_key": "c" * 32})
    assert "Retired" in text_of(client, url)
    client.get(f"{url}/1", 404)
    client.sign_in("finance.officer@dorset.example")
    assert "Every version of the rules" in text_of(client, url)
    client.get(f"{url}/new", 403)


def test_the_rules_page_asks_the_same_number_of_queries_for_many(client: PageClient, grant: Grant, app: Flask) -> None:
    gifts(grant)
    client.sign_in(COORDINATOR)
    client.get("/grants/1/rules")
    few = len(client.queries)
    for number in range(10):
        eligibility.add_rule(queries.get_grant(1), f"5{number}", f"Kind {number}", FLAG, act())
    db.session.commit()
    client.get("/grants/1/rules")
    assert len(client.queries) == few
