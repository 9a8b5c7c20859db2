"""What is said of the sharing of a plan line's costs, how far grant and match go, and what an interest shuts."""

import pytest
from flask import Flask

from svd_tracker.audit import queries as audit
from svd_tracker.calculations.placing import MatchRoom, RuleKind, RuleOutcome, RulePart, RuleTests
from svd_tracker.decisions import queries as decisions
from svd_tracker.errors import Refused
from svd_tracker.extensions import db
from svd_tracker.finance import match_services
from svd_tracker.finance.intake.models import SharingMethod, UploadWithdrawal, WhyWaiting
from svd_tracker.finance.models import Funding, MatchKind, MatchStage
from svd_tracker.finance.placing import rules_store, services, sharing
from svd_tracker.finance.placing.book import Part
from svd_tracker.finance.placing.sharing import Rooms, Sharing
from tests.integration.finance.money_rows import JULY, JUNE, make_funding, post
from tests.integration.finance.placing_rows import make_line, make_match, owner, plan_line_of
from tests.support.client import PageClient
from tests.support.money import holder, make_grant
from tests.support.world import act

pytestmark = pytest.mark.db


@pytest.fixture
def funding(app: Flask) -> Funding:
    app.config["TODAY"] = JULY
    return make_funding(make_grant(), 1_000_00)


def test_the_newest_said_counts_for_its_year_and_intervention(funding: Funding) -> None:
    match, plan_line = make_match(funding), plan_line_of(funding)
    dorset = holder("dorset").id
    assert sharing.sharings_of(dorset, [2025]) == {}
    sharing.set_sharing(act(), plan_line, SharingMethod.PER_CENT, match.id, 60_00, "Agreement")
    sharing.set_sharing(act(), plan_line, SharingMethod.GRANT_FIRST, match.id, 60_00, "Letter of May")
    db.session.commit()
    key = (2025, funding.intervention_id)
    assert sharing.sharings_of(dorset, [2025, 2026]) == {key: Sharing(SharingMethod.GRANT_FIRST, None, match.id)}
    assert sharing.sharings_of(dorset, [2024]) == {}
    assert sharing.sharings_of(holder("bcp").id, [2025]) == {}
    assert [each.version_no for each in sharing.sharing_versions(plan_line.id)] == [2, 1]
    (newest, _) = audit.history("plan_line", "dorset/2025/INT-01")[:2]
    assert newest.action == "share_costs"


def test_what_a_sharing_refuses(funding: Funding) -> None:
    plan_line = plan_line_of(funding)
    in_kind = make_match(funding, kind=MatchKind.IN_KIND)
    other = make_match(make_funding(make_grant(2026), fy=2026))
    for method, match_id, bp, reason, field in (
        (SharingMethod.BY_LINE, None, None, " ", "reason"),
        (SharingMethod.GRANT_FIRST, None, None, "x", "match"),
        (SharingMethod.MATCH_FIRST, in_kind.id, None, "x", "match"),
        (SharingMethod.MATCH_FIRST, other.id, None, "x", "match"),
        (SharingMethod.PER_CENT, None, None, "x", "grant_share"),
        (SharingMethod.PER_CENT, None, 100_01, "x", "grant_share"),
    ):
        with pytest.raises(Refused) as refused:
            sharing.set_sharing(act(), plan_line, method, match_id, bp, reason)
        assert refused.value.field == field


def test_rooms_are_what_the_ledger_has_and_what_was_promised(funding: Funding) -> None:
    match = make_match(funding, 500_00)
    match_services.add_event(act(on=JUNE), match, MatchStage.WITHDRAWN, 100_00, JUNE, "Letter")
    match_services.add_event(act(on=JUNE), match, MatchStage.RECEIVED, 50_00, JUNE, "Remittance")
    post(funding, 120_00)
    stays, moved, gone = make_line(100_00), make_line(40_00), make_line(70_00)
    for line in (stays, moved, gone):
        parts = [Part(line.cost_pence - 10_00, match_id=match.id), Part(10_00, funding.id)]
        services.split(act(on=JUNE), owner(), line, parts)
    services.leave_out(act(on=JUNE), owner(), [moved], "Not ours")
    db.session.add(UploadWithdrawal(upload_id=gone.upload_id, reason="Wrong", recorded_at=act().at, recorded_by=None))
    db.session.commit()
    found = sharing.rooms([funding.id], [match.id, None])
    assert found.room(funding.id, match.id) == MatchRoom(140_00, 1_000_00, 90_00, 400_00)
    assert found.room(funding.id, None) == MatchRoom(140_00, 1_000_00, 0, 0)
    assert sharing.rooms([], []) == Rooms()


def test_without_a_match_the_rest_per_cent_is_local_money(funding: Funding) -> None:
    running = sharing.rooms([funding.id], [])
    parts = running.share(Sharing(SharingMethod.PER_CENT, 33_33, None), funding.id, 100_01)
    assert parts == [Part(33_33, funding.id), Part(66_68)]


@pytest.fixture
def shut(app: Flask, funding: Funding, monkeypatch: pytest.MonkeyPatch) -> Funding:
    """The reader has declared an interest in what the funding's plan line came from."""
    key = (funding.holder_id, funding.fy, funding.intervention_id)
    monkeypatch.setattr(decisions, "shut_by_interest", lambda _person: decisions.Shut(frozenset([key])))
    return funding


def test_what_an_interest_shuts_is_neither_offered_nor_named(client: PageClient, shut: Funding) -> None:
    title, dorset, funding_id = shut.intervention.title, shut.holder_id, shut.id
    match = make_match(shut)
    plan_line_id = match.plan_line_id
    open_one = make_funding(shut.allocation.award_line.grant, title="Specialist nurse").id
    hint = f"{title} has no labour funding in 2025/26"
    waits = make_line(why=WhyWaiting.NO_FUNDING, hint=hint).id
    typed = post(db.session.get_one(Funding, funding_id), 5_00, document="SECRET")
    like = make_line(document="SECRET-2", why=WhyWaiting.LIKE_AN_ENTRY, hint="Looks like SECRET", entry=typed).id
    placed = make_line()
    services.place(act(on=JULY), owner(), [placed], db.session.get_one(Funding, funding_id))
    outcome = RuleOutcome(RuleKind.PLACED, (RulePart(shut.intervention_id, shut.category),))
    rule = rules_store.save_rule(
        act(), owner(), title="Rule", priority=1, tests=RuleTests(supplier="x"), outcome=outcome
    )
    db.session.commit()
    placed_id, rule_no = placed.id, rule.rule_no
    client.sign_in("finance.officer@dorset.example")
    for url in (
        f"/finance/{dorset}/queue",
        f"/finance/{dorset}/queue/download",
        f"/finance/{dorset}/rules",
        f"/finance/{dorset}/rules/new",
        f"/ledger-lines/{waits}",
        f"/ledger-lines/{waits}/place",
        f"/ledger-lines/{like}",
    ):
        page = client.get(url).get_data(as_text=True)
        assert title not in page, url
        assert "Looks like SECRET" not in page, url
        assert f'value="F{funding_id}"' not in page, url
    assert f'value="F{open_one}"' in client.get(f"/finance/{dorset}/queue").get_data(as_text=True)
    for url, status in (
        (f"/ledger-lines/{placed_id}", 403),
        (f"/ledger-lines/{placed_id}/place", 403),
        (f"/ledger-lines/{like}/settle", 403),
        (f"/finance/{dorset}/rules/{rule_no}", 404),
        (f"/finance/{dorset}/rules/{rule_no}/retire", 404),
        (f"/finance/{dorset}/rules/new?line={placed_id}", 403),
        (f"/finance/{dorset}/rules/new?line=99999999999999999999", 200),
        (f"/plan-lines/{plan_line_id}/sharing", 404),
    ):
        client.get(url, status)
    client.post(f"/finance/{dorset}/rules/{rule_no}/retire", {}, 404)
    tests = {"title": "x", "priority": "5", "cost_centre": "C1*", "kind": "left_out", "reason": "r", "by": "parts"}
    tried = client.post(f"/finance/{dorset}/rules/new", {**tests, "year": "own", "try": "1"}, 200).get_data(
        as_text=True
    )
    assert "Of all lines of 2025/26 it fits 2, £200.00" in tried, "the line that was placed to what is shut is left out"
    assert "What an interest of yours shuts is not counted" in tried
    sent = {"lines": [str(waits)], "do": "place", "to": f"F{funding_id}"}
    assert "Choose one from the list" in client.post(f"/finance/{dorset}/queue", sent, 200).get_data(as_text=True)
