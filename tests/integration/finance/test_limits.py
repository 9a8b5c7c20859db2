"""What the grant pays for, on the paths of typed entries (DOMAIN.md sections 3 and 9.8)."""

import datetime as dt

import pytest
from flask import Flask
from sqlalchemy import update

from svd_tracker.approvals.models import ApprovalBody, ApprovalKind
from svd_tracker.approvals.services import agree_step, open_approval
from svd_tracker.calculations.figures import Category
from svd_tracker.errors import Refused
from svd_tracker.extensions import db
from svd_tracker.finance import services
from svd_tracker.finance.limits import limits_for, limits_of
from svd_tracker.finance.models import Funding
from svd_tracker.grants import eligibility
from svd_tracker.grants import queries as grants
from svd_tracker.grants import services as grant_services
from svd_tracker.grants.models import Grant, OutsidePeriod, RuleEffect
from tests.integration.finance.money_rows import JULY, JUNE, make_funding, make_intervention, post
from tests.integration.finance.test_pages import OFFICER, entry, said
from tests.support.client import PageClient
from tests.support.money import holder, make_approval, make_grant, make_terms
from tests.support.world import act

pytestmark = pytest.mark.db

MAY = dt.date(2025, 5, 6)


@pytest.fixture
def funding(app: Flask) -> Funding:
    app.config["TODAY"] = JULY
    return make_funding(make_grant())


def pays_from(funding: Funding, day: dt.date, outside: OutsidePeriod = OutsidePeriod.REFUSE) -> None:
    make_terms(grants.get_grant(funding.grant_id), eligible_from=day, outside_period=outside)
    db.session.commit()


def test_spend_that_the_terms_refuse_is_kept_as_not_eligible_with_its_reason(funding: Funding) -> None:
    pays_from(funding, dt.date(2025, 5, 7))
    with pytest.raises(Refused, match="Before 7 May 2025, from when the grant pays: choose that") as refused:
        post(funding, 100_00, MAY)
    assert refused.value.field == "eligible"
    kept = post(funding, 100_00, MAY, eligible=False, reason="Before the grant pays")
    assert not kept.eligible
    assert post(funding, 100_00, dt.date(2025, 5, 7)).eligible


def test_what_the_terms_only_flag_is_taken(funding: Funding) -> None:
    pays_from(funding, dt.date(2025, 5, 7), OutsidePeriod.FLAG)
    assert post(funding, 100_00, MAY).eligible
    assert limits_of(funding).verdict(MAY).codes == ("before_eligible",)


def test_outside_the_grants_period_inside_the_year(funding: Funding) -> None:
    grant = grants.get_grant(funding.grant_id)
    db.session.execute(update(Grant).where(Grant.id == grant.id).values(starts_on=dt.date(2025, 6, 1)))
    db.session.commit()
    with pytest.raises(Refused, match="Outside the grant's period, 1 June 2025 to 31 March 2026"):
        post(funding, 100_00, MAY)


def test_limits_are_those_of_each_funding(app: Flask) -> None:
    grant = make_grant()
    plain = make_funding(grant)
    labour = grants.find_allocation(grant.id, 2025, Category.LABOUR, holder("dorset").id)
    assert labour is not None
    approval = open_approval(
        act(),
        area_id=holder("dorset").area_id,
        kind=ApprovalKind.DIRECT,
        body="Board",
        decided_on=dt.date(2025, 3, 20),
        minute_ref="12",
        amount_pence=1_00,
        reason="Post",
        needs=[ApprovalBody.OPCC],
    )
    waiting = services.open_funding(
        act(),
        intervention=make_intervention("Specialist nurse"),
        allocation=labour,
        pence=1_00,
        profile=services.even_profile(1_00),
        approval=approval,
        reason="Post",
        effective_on=dt.date(2025, 4, 1),
    )
    eligibility.add_rule(grant, "47*", "Gifts", RuleEffect.REFUSE, act())
    db.session.commit()
    found = limits_for(holder("dorset").id, [2024, 2025])
    assert found.keys() == {plain.id, waiting.id}
    assert found[waiting.id].verdict(MAY).codes == ("at_risk_waiting",)
    assert found[plain.id].verdict(MAY).codes == ()
    assert not found[plain.id].verdict(MAY, "4711").eligible
    assert limits_for(holder("bcp").id, [2025]) == {}
    agree_step(approval, ApprovalBody.OPCC, MAY, "Letter", act(on=JUNE))
    db.session.commit()
    assert limits_of(waiting).verdict(dt.date(2025, 5, 5)).codes == ("at_risk_approval",)
    assert limits_of(waiting).verdict(MAY).codes == ()


def test_a_grant_without_terms_refuses_nothing_and_is_unsigned(app: Flask) -> None:
    grant = grant_services.add_grant(
        holder("dorset").area, "NEW", "Home Office", "New grant", dt.date(2025, 6, 1), dt.date(2026, 3, 31), act()
    )
    shares = {(holder("dorset").id, Category.NON_LABOUR): 50_000_00}
    award = {Category.NON_LABOUR: 50_000_00}
    grant_services.set_up_year(grant, 2025, award, shares, make_approval(50_000_00), act(), reason="Award letter")
    funding = make_funding(grant)
    verdict = limits_of(funding).verdict(MAY)
    assert (verdict.eligible, verdict.codes) == (True, ("outside_period", "at_risk_unsigned"))
    assert post(funding, 100_00, MAY).eligible


def test_the_entry_page_says_what_to_do_and_shows_the_flags(client: PageClient, funding: Funding) -> None:
    eligibility.add_rule(grants.get_grant(funding.grant_id), "47*", "Gifts", RuleEffect.REFUSE, act())
    pays_from(funding, dt.date(2025, 5, 7))
    url = f"/fundings/{funding.id}"
    client.sign_in(OFFICER)
    assert "By its rules the grant does not pay for: Gifts. An entry typed here has no account code" in said(
        client.get(f"{url}/entries/new")
    )
    assert "The grant pays from 7 May 2025 to 31 March 2026" in said(client.get(f"{url}/entries/new"))
    assert "Before 7 May 2025" in said(client.post(f"{url}/entries/new", entry(), 200))
    kept = client.follow(client.post(f"{url}/entries/new", entry(not_eligible="y", reason="Too early")))
    assert said(kept).count("Before 7 May 2025, from when the grant pays") == 2  # said once posted, and at the entry
    assert "Locally funded" in said(kept)
    ledger = said(client.get(f"/finance/{holder('dorset').id}/2025/ledger"))
    assert "Before 7 May 2025, from when the grant pays" in ledger
