"""Rules: kept in versions, tried before they are saved, and what they place of the lines that wait."""

import html
import re
from typing import Any

import pytest
from flask import Flask

from svd_tracker.audit import queries as audit
from svd_tracker.calculations.figures import Category
from svd_tracker.calculations.placing import RuleKind, RuleOutcome, RulePart, RuleTests
from svd_tracker.errors import NotFound, Refused
from svd_tracker.extensions import db
from svd_tracker.finance.intake.models import LedgerLine, Outcome, SharingMethod, WhyWaiting
from svd_tracker.finance.models import Funding
from svd_tracker.finance.placing import applying, rules_store, services, sharing
from svd_tracker.finance.placing.services import When
from svd_tracker.grants import queries as grants
from tests.integration.finance.money_rows import JULY, make_funding, post, spent
from tests.integration.finance.placing_rows import check_ledger, make_line, make_match, owner, plan_line_of, where
from tests.support.client import PageClient
from tests.support.money import holder, make_grant
from tests.support.world import act

pytestmark = pytest.mark.db

OFFICER = "finance.officer@dorset.example"
HARBOUR = RuleTests(supplier="harbour")


@pytest.fixture
def funding(app: Flask) -> Funding:
    app.config["TODAY"] = JULY
    return make_funding(make_grant(), 10_000_00)


def to(funding: Funding, weight: int = 1) -> RulePart:
    return RulePart(funding.intervention_id, funding.category, weight)


def save(tests: RuleTests, *parts: RulePart, **given: Any) -> int:
    outcome = given.pop("outcome", None) or RuleOutcome(RuleKind.PLACED, parts)
    values = {"title": "Harbour", "priority": 10, **given}
    version = rules_store.save_rule(act(on=JULY), owner(), tests=tests, outcome=outcome, **values)
    db.session.commit()
    return version.rule_no


def said(page: Any) -> str:
    text = re.sub(r"</?strong>", "", page.get_data(as_text=True))
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", text))


def test_a_rule_is_kept_in_versions_and_retired(funding: Funding) -> None:
    dorset = holder("dorset").id
    number = save(HARBOUR, to(funding))
    assert save(HARBOUR, to(funding), rule_no=number) == number  # says nothing new
    assert len(rules_store.versions_of(dorset, number)) == 1
    save(RuleTests(cost_centre="C1*"), to(funding), rule_no=number, title="Cost centre")
    second = save(HARBOUR, to(funding), priority=5)
    assert [(each.no, each.title) for each in rules_store.rules_of(dorset)] == [(second, "Harbour"), (1, "Cost centre")]
    rules_store.retire_rule(act(on=JULY), owner(), second)
    db.session.commit()
    with pytest.raises(Refused, match="retired already"):
        rules_store.retire_rule(act(on=JULY), owner(), second)
    with pytest.raises(NotFound):
        rules_store.get_rule(holder("bcp").id, number)
    assert [each.no for each in rules_store.rules_of(dorset)] == [number]
    assert [each.title for each in rules_store.retired_of(dorset)] == ["Harbour"]
    assert [line.action for line in audit.history("placement_rule", f"dorset/{second}")] == ["retire", "add"]
    assert save(HARBOUR, to(funding), rule_no=second) == second  # takes it up again
    assert len(rules_store.rules_of(dorset)) == 2


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"title": " "}, "title"),
        ({"priority": 0}, "priority"),
        ({"tests": RuleTests(supplier=" , ")}, "tests"),
        ({"outcome": RuleOutcome(RuleKind.PLACED)}, "parts"),
        ({"outcome": RuleOutcome(RuleKind.PLACED, (RulePart(None, None, 0),))}, "parts"),
        ({"outcome": RuleOutcome(RuleKind.PLACED, (RulePart(None, None), RulePart(None, None)))}, "parts"),
        ({"outcome": RuleOutcome(RuleKind.LEFT_OUT)}, "reason"),
        ({"outcome": RuleOutcome(RuleKind.PLACED, (RulePart(None, None),), old_year=True)}, "reason"),
    ],
)
def test_what_a_rule_refuses(app: Flask, given: dict[str, Any], field: str) -> None:
    values = {"title": "Rule", "priority": 1, "tests": HARBOUR, **given}
    values.setdefault("outcome", RuleOutcome(RuleKind.GRANT_INCOME))
    with pytest.raises(Refused) as refused:
        rules_store.save_rule(act(), owner(), **values)
    assert refused.value.field == field


def test_the_rules_place_what_waits(funding: Funding) -> None:
    pay = make_funding(grants.get_grant(funding.grant_id), category=Category.LABOUR)
    line = make_line(100_01)
    other = make_line(10_00, supplier="Somebody else")
    back = make_line(20_00)
    services.leave_out(act(on=JULY), owner(), [back], "Once")
    services.put_back(act(on=JULY), owner(), [back], "By hand, please")
    carried = make_line(30_00)
    services.carry(act(on=JULY), owner(), [carried], When(2025, 1), "Disputed")
    db.session.commit()
    number = save(HARBOUR, to(funding, 1), to(pay, 1), RulePart(None, None, 1))
    assert applying.apply_rules(act(on=JULY), owner()) == (1, 100_01)
    db.session.commit()
    assert [part.pence for part in where(line).parts] == [33_34, 33_34, 33_33]
    assert (spent(funding), spent(pay)) == ({1: 33_34}, {1: 33_34})
    outcomes = [where(each).outcome for each in (other, back, carried)]
    assert outcomes == [Outcome.WAITING, Outcome.WAITING, Outcome.CARRIED]
    assert rules_store.placed_by(holder("dorset").id) == {number: 1}
    (record,) = audit.history("ledger_lines", "dorset")
    assert record.action == "apply_rules"
    assert applying.apply_rules(act(on=JULY), owner()) == (0, 0)
    check_ledger()


def test_the_funding_follows_the_lines_own_year_and_match_shares(funding: Funding) -> None:
    match = make_match(funding, 40_00)
    sharing.set_sharing(act(), plan_line_of(funding), SharingMethod.MATCH_FIRST, match.id, None, "Agreement")
    db.session.commit()
    lines = [make_line(30_00), make_line(30_00)]
    number = save(HARBOUR, to(funding))
    applying.apply_rules(act(on=JULY), owner())
    db.session.commit()
    assert [[part.pence for part in where(each).parts] for each in lines] == [[30_00], [20_00, 10_00]]
    assert spent(funding) == {1: 20_00}
    next_year = make_line(5_00, JULY.replace(year=2026))
    assert applying.apply_rules(act(on=JULY), owner()) == (0, 0)  # that year has no funding
    assert where(next_year).outcome is Outcome.WAITING
    assert rules_store.placed_by(holder("dorset").id) == {number: 2}
    check_ledger()


def test_what_looks_like_an_entry_waits_until_it_is_told_apart(funding: Funding) -> None:
    typed = post(funding, 100_00, document="INV 7")
    line = make_line(100_00, document="INV 7", entry=typed, why=WhyWaiting.LIKE_AN_ENTRY)
    assert applying.another_cost(act(on=JULY), owner(), line).outcome is Outcome.WAITING
    db.session.commit()
    save(HARBOUR, to(funding))
    assert applying.apply_rules(act(on=JULY), owner()) == (1, 100_00)  # told apart once is told apart
    second = make_line(100_00, document="INV 7", entry=typed, why=WhyWaiting.LIKE_AN_ENTRY)
    assert applying.apply_rules(act(on=JULY), owner()) == (0, 0)
    assert applying.another_cost(act(on=JULY), owner(), second).outcome is Outcome.PLACED
    db.session.commit()
    assert spent(funding) == {1: 300_00}
    with pytest.raises(Refused, match="no longer waits"):
        applying.another_cost(act(on=JULY), owner(), second)
    check_ledger()


def test_the_test_box_counts_what_waits_and_the_year(funding: Funding) -> None:
    placed, _ = make_line(12_00), make_line(28_10)
    services.place(act(on=JULY), owner(), [placed], funding)
    make_line(5_00, supplier="Somebody else")
    make_line(7_00, of="bcp")
    make_line(9_00, JULY.replace(year=2024))
    db.session.commit()
    tried = applying.try_rule(holder("dorset").id, HARBOUR, 2025)
    assert (tried.waiting_lines, tried.waiting_pence) == (2, 37_10)
    assert (tried.year_lines, tried.year_pence) == (2, 40_10)
    assert len(tried.examples) == 2
    assert applying.try_rule(holder("dorset").id, RuleTests(), 2025).year_lines == 0


def sent(funding: Funding, **changed: str) -> dict[str, str]:
    return {
        "title": "Harbour",
        "priority": "10",
        "supplier": "harbour",
        "kind": "placed",
        "by": "parts",
        "year": "own",
        "place-0": f"{funding.intervention_id}:{funding.category.value}",
        **changed,
    }


def test_a_rule_is_tried_before_it_is_saved(client: PageClient, funding: Funding) -> None:
    line_id = make_line(12_00).id
    values, dorset = sent(funding), holder("dorset").id
    url = f"/finance/{dorset}/rules/new"
    first = client.sign_in(OFFICER).post(url, values, 200)  # even when sent without "try"
    assert "This rule would place 1 line that waits, £12.00" in said(first)
    assert rules_store.rules_of(dorset) == []
    tried = re.search(r'name="tried"[^>]*value="([^"]*)"', first.get_data(as_text=True))
    assert tried
    digest = html.unescape(tried[1])
    changed = client.post(url, {**values, "supplier": "nobody", "tried": digest}, 200)
    assert "This rule would place 0 lines that wait, £0.00" in said(changed)
    client.post(url, {**values, "tried": digest})
    (rule,) = rules_store.rules_of(dorset)
    assert (rule.title, rule.tests.supplier) == ("Harbour", "harbour")
    page = said(client.get(f"/finance/{dorset}/rules"))
    assert "Supplier has harbour" in page
    assert "High harm perpetrator tool, non-labour" in page
    response = client.post(f"/finance/{dorset}/rules/apply", {})
    assert "1 line, £12.00: placed to High harm perpetrator tool (F-0001)" in said(client.follow(response))
    assert "Undo" in said(client.get(response.location))
    assert where(db.session.get_one(LedgerLine, line_id)).outcome is Outcome.PLACED
    assert "The rules place none" in said(client.follow(client.post(f"/finance/{dorset}/rules/apply", {})))
    assert "Change the rule" in said(client.get(f"/finance/{dorset}/rules/{rule.no}"))
    client.post(f"/finance/{dorset}/rules/{rule.no}/retire", {})
    assert "Retired: Harbour (1 placed)" in said(client.get(f"/finance/{dorset}/rules"))


def test_a_rule_is_saved_and_places_what_waits_in_one_go(client: PageClient, funding: Funding) -> None:
    line_id = make_line(12_00).id
    values, url = sent(funding), f"/finance/{holder('dorset').id}/rules/new"
    first = client.sign_in(OFFICER).post(url, {**values, "apply": "1"}, 200)  # not before it was tried
    assert where(db.session.get_one(LedgerLine, line_id)).outcome is Outcome.WAITING
    page = first.get_data(as_text=True)
    assert "Save it and place what waits" in page
    assert "(INT-01), labour – no funding yet" in page
    assert "(INT-01), non-labour – no funding yet" not in page
    tried = re.search(r'name="tried"[^>]*value="([^"]*)"', page)
    assert tried
    response = client.post(url, {**values, "tried": html.unescape(tried[1]), "apply": "1"})
    assert "The rule Harbour is saved. 1 line, £12.00: placed to" in said(client.follow(response))
    assert where(db.session.get_one(LedgerLine, line_id)).outcome is Outcome.PLACED


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"supplier": ""}, "Enter at least one thing to look for"),
        ({"place-0": ""}, "Choose where the lines go"),
        ({"place-0": "99:labour"}, "Choose where this part goes"),
        ({"share-0": "x"}, "Enter a whole number above nought"),
        ({"place-1": "local", "by": "per_cent", "share-0": "50", "share-1": "40"}, "The per cents come to 90"),
        ({"place-1": "local", "by": "per_cent", "share-0": "0", "share-1": "100"}, "Enter a per cent above nought"),
        ({"kind": "left_out"}, "Say why these lines are left out"),
        ({"year": "old"}, "Say why these lines belong to the old year"),
        ({"title": ""}, "Enter a name"),
    ],
)
def test_what_a_rule_lacks_is_said(client: PageClient, funding: Funding, changed: dict[str, str], words: str) -> None:
    dorset = holder("dorset").id
    page = client.sign_in(OFFICER).post(f"/finance/{dorset}/rules/new", sent(funding, **changed), 200)
    assert words in said(page)
    assert rules_store.rules_of(dorset) == []


def test_per_cents_come_back_as_they_were_typed(client: PageClient, funding: Funding) -> None:
    parts = {"place-1": "local", "by": "per_cent", "share-0": "33.33", "share-1": "66.67"}
    dorset, values = holder("dorset").id, sent(funding, **parts)
    client.sign_in(OFFICER)
    tests = '{"account": "", "cost_centre": "", "project": "", "supplier": "harbour", "text": ""}'
    client.post(f"/finance/{dorset}/rules/new", {**values, "tried": tests})
    (rule,) = rules_store.rules_of(dorset)
    assert [part.weight for part in rule.outcome.parts] == [33_33, 66_67]
    page = client.get(f"/finance/{dorset}/rules/{rule.no}").get_data(as_text=True)
    assert 'value="33.33"' in page
    assert "non-labour 33.33% and Local money 66.67%" in said(client.get(f"/finance/{dorset}/rules"))


def test_a_rule_for_lines_like_this_is_filled_in(client: PageClient, funding: Funding) -> None:
    line = make_line(12_00, supplier="Harbour, Youth*", cost_centre="C100")
    line_id, dorset = line.id, holder("dorset").id
    page = client.sign_in(OFFICER).get(f"/finance/{dorset}/rules/new?line={line_id}").get_data(as_text=True)
    assert 'value="C100"' in page
    assert 'name="supplier" type="text" value="Harbour"' in page
    client.get(f"/finance/{dorset}/rules/new?line={make_line(of='bcp').id}", 404)
    client.sign_in("auditor@audit.example").get(f"/finance/{dorset}/rules")
    client.get(f"/finance/{dorset}/rules/new", 403)


def test_cost_sharing_is_said_on_its_page(client: PageClient, funding: Funding) -> None:
    match = make_match(funding)
    plan_line_id, match_id, dorset = match.plan_line_id, match.id, holder("dorset").id
    intervention_id = funding.intervention_id
    url = f"/plan-lines/{plan_line_id}/sharing"
    client.sign_in(OFFICER)
    assert "Not said: the grant pays every cost" in said(client.get(f"/finance/{dorset}/rules"))
    for given, words in (
        ({}, "Choose how the costs are shared"),
        ({"method": "per_cent", "reason": "x"}, "share, from 0 to 100 per cent"),
        ({"method": "per_cent", "grant_share": "100.01", "reason": "x"}, "from 0 to 100 per cent"),
        ({"method": "grant_first", "reason": "x"}, "Choose the match that shares the costs"),
        ({"method": "grant_first", "match": str(match_id)}, "Say what this follows from"),
    ):
        assert words in said(client.post(url, given, 200))
    client.post(url, {"method": "per_cent", "match": str(match_id), "grant_share": "33.33", "reason": "Agreement"})
    assert "the grant 33.33%" in said(client.get(f"/finance/{dorset}/rules"))
    assert 'value="33.33"' in client.get(url).get_data(as_text=True)
    assert sharing.sharings_of(dorset, [2025])[2025, intervention_id].grant_bp == 33_33
    client.sign_in("finance.officer@bcp.example").get(url, 403)
