"""What the checks of a return say of match that lags and of spend at risk."""

import datetime as dt
from fractions import Fraction

import pytest
from flask import Flask

from svd_tracker.accounts import queries as accounts
from svd_tracker.extensions import db
from svd_tracker.finance.match_services import add_event, promise
from svd_tracker.finance.match_standing import YearMatch
from svd_tracker.finance.models import LedgerEntry, Match, MatchKind, MatchStage
from svd_tracker.grants import services as grants
from svd_tracker.grants.models import AgreementStatus, Grant, PaymentBasis
from svd_tracker.interventions import services as interventions
from svd_tracker.money import format_pounds, round_half_away
from svd_tracker.returns.gather import match_short
from svd_tracker.returns.services import prepare
from tests.integration.finance.money_rows import post
from tests.integration.returns.year import DRAFTED, Year, draft, make_year, obligation
from tests.support.client import PageClient
from tests.support.money import holder, make_terms
from tests.support.world import act

pytestmark = pytest.mark.db

JUNE, JULY = dt.date(2025, 6, 10), dt.date(2025, 7, 1)


def nurse_match(year: Year, pence: int) -> Match:
    line = interventions.ensure_plan_line(holder("dorset"), 2025, year.nurse.intervention, act(), lead="Public health")
    db.session.flush()
    given = accounts.list_organisations(holder("dorset").area_id)[0]
    match = promise(act(on=DRAFTED), line, given, MatchKind.CASH, "Share of the post", pence, JUNE)
    db.session.commit()
    return match


def findings(code: str) -> list[str]:
    found = prepare(obligation(1).id, act(on=DRAFTED)).content.findings
    return [each.message for each in found if each.code == code]


def sign_on(grant: Grant, day: dt.date) -> None:
    grants.new_terms(
        grant,
        act(on=DRAFTED),
        status=AgreementStatus.SIGNED,
        agreement_ref="SVD/25/DOR",
        signed_on=day,
        payment_basis=PaymentBasis.ARREARS,
        over_programme_bp=0,
        draft_working_days=10,
        due_working_days=20,
        retention_years=7,
        declaration="I certify it.",
        effective_on=day,
        reason="Signed",
    )
    db.session.commit()


def test_match_that_lags_is_a_warning_with_its_figures(app: Flask) -> None:
    year = make_year()  # £9,900.17 of £40,000 is spent on the nurse
    match = nurse_match(year, 10_000_00)
    wanted = "Specialist nurse: 25% of the grant is spent and 0% of the promised match has come."
    assert findings("match_behind") == [wanted]
    add_event(act(on=DRAFTED), match, MatchStage.RECEIVED, 3_000_00, JULY, "Remittance 4711")
    db.session.commit()
    assert findings("match_behind") == [wanted]  # it came in the next quarter
    add_event(act(on=DRAFTED), match, MatchStage.RECEIVED, 2_475_05, JUNE, "Remittance 4712")
    db.session.commit()
    assert findings("match_behind") == []


def test_the_finding_leads_to_the_plan_line(client: PageClient) -> None:
    match = nurse_match(make_year(), 10_000_00)
    line_id, revision = match.plan_line_id, draft()
    page = client.sign_in("finance.officer@dorset.example").get(f"/returns/{revision.id}").get_data(as_text=True)
    assert f'href="/plan-lines/{line_id}"' in page


def test_spend_from_before_the_agreement_is_at_risk_and_stays_in_the_claim(app: Flask) -> None:
    year = make_year()
    assert findings("at_risk") == []
    claimed = prepare(obligation(1).id, act(on=DRAFTED)).content.figures.total.claimed_now
    sign_on(year.grant, dt.date(2025, 5, 7))
    before = "was spent before 7 May 2025, when the agreement was signed: it is at risk."
    assert findings("at_risk") == [
        f"£9,900.17 of Specialist nurse (F-0001) {before}",
        f"£4,930.33 of High harm perpetrator tool (F-0002) {before}",
    ]
    assert prepare(obligation(1).id, act(on=DRAFTED)).content.figures.total.claimed_now == claimed
    sign_on(year.grant, dt.date(2025, 5, 6))
    assert findings("at_risk") == []


def test_only_what_the_grant_would_pay_for_is_at_risk(app: Flask) -> None:
    year = make_year()
    post(year.nurse, 50_00, eligible=False, reason="Entertaining")
    sign_on(year.grant, dt.date(2025, 5, 7))
    assert findings("at_risk")[0].startswith("£9,900.17 of")


def test_match_that_the_terms_ask_for_and_that_has_not_come_is_a_warning(app: Flask) -> None:
    year = make_year()
    match = nurse_match(year, 10_000_00)
    assert findings("match_short") == []  # the terms ask for none
    make_terms(year.grant, match_required_bp=2000)
    db.session.commit()
    spent = sum(one.pence for one in db.session.query(LedgerEntry) if one.holder_id == holder("dorset").id)
    asked = round_half_away(Fraction(spent, 5))
    (words,) = findings("match_short")
    assert words == (
        f"The agreement asks for {format_pounds(asked)} of match on the {format_pounds(spent)} spent so far, "
        "and £0.00 has come."
    )
    add_event(act(on=DRAFTED), match, MatchStage.RECEIVED, asked, JUNE, "Remittance 4711")
    db.session.commit()
    assert findings("match_short") == []
    make_terms(year.grant, match_required_pence=asked + 1)
    db.session.commit()
    assert findings("match_short") == []


def test_a_sum_of_match_for_the_year_is_asked_at_its_end() -> None:
    beside = YearMatch(required=5_000_00, fixed=True, spent=20_000_00, achieved=4_999_99, behind=())
    assert [match_short(beside, quarter) for quarter in (1, 3)] == ["", ""]
    assert match_short(beside, 4) == "The agreement asks for £5,000.00 of match for the year, and £4,999.99 has come."
