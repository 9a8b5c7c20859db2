"""Nil returns, deputies and the year's end: what a certificate says, and who may give it."""

import datetime as dt

import pytest
from flask import Flask
from sqlalchemy import func, select

from svd_tracker.accounts.delegations import delegate
from svd_tracker.accounts.queries import find_holder, get_person
from svd_tracker.calculations.figures import ObligationKind
from svd_tracker.errors import ChangedMeanwhile, NotAllowed, Refused
from svd_tracker.extensions import db
from svd_tracker.finance.models import ClaimLine
from svd_tracker.grants.calendar_terms import CalendarTerms
from svd_tracker.grants.models import YearEnd
from svd_tracker.returns import changing, payment_queries, queries
from svd_tracker.returns.accepting import accept_finding, why_not_acceptable
from svd_tracker.returns.certify import certify_return, seal, store_certificate
from svd_tracker.returns.models import (
    Obligation,
    ReturnRevision,
    RevisionState,
)
from svd_tracker.returns.services import check_return, draft_return, send_back
from tests.integration.finance.money_rows import post
from tests.integration.returns.life_rows import (
    AGAIN,
    CERTIFIER,
    OFFICER,
    SENT,
    WHY,
    build_of,
    codes,
    forecast_again,
    nothing_spent,
)
from tests.integration.returns.year import (
    DRAFTED,
    OCTOBER,
    POST,
    by,
    certify,
    check,
    draft,
    drafted_with_reasons,
    figures_of,
    make_year,
    obligation,
    person,
    workbook_of,
)
from tests.support.money import make_grant, make_terms
from tests.support.world import act

pytestmark = pytest.mark.db


def test_a_nil_return_is_said_and_no_other(app: Flask) -> None:
    nothing_spent()
    revision = draft(2, on=OCTOBER)
    assert figures_of(revision).total.this_period == 0
    with pytest.raises(Refused, match="say that this is a nil return") as refused:
        check_return(revision, build_of(revision), by(OFFICER, OCTOBER))
    assert refused.value.field == "nil"
    check_return(revision, build_of(revision), by(OFFICER, OCTOBER), nil=True)
    db.session.commit()
    assert queries.get_revision(revision.id).nil
    certify(revision, on=OCTOBER)
    words = [cell for sheet in workbook_of(revision) for row in sheet.iter_rows(values_only=True) for cell in row]
    assert any("nil return" in str(cell).lower() for cell in words)


def test_sent_back_a_nil_return_is_said_again(app: Flask) -> None:
    nothing_spent()
    revision = draft(2, on=OCTOBER)
    check_return(revision, build_of(revision), by(OFFICER, OCTOBER), nil=True)
    send_back(revision, "Is that so?", by(CERTIFIER, OCTOBER))
    db.session.commit()
    assert not queries.get_revision(revision.id).nil


def test_spend_is_no_nil_return(app: Flask) -> None:
    make_year()
    revision = draft()
    with pytest.raises(Refused, match="not a nil return"):
        check_return(revision, build_of(revision), by(OFFICER, AGAIN), nil=True)


def test_a_deputy_certifies_and_the_certificate_names_both(app: Flask) -> None:
    make_year()
    dorset = find_holder("dorset")
    assert dorset is not None
    deputy = person("coordinator@dorset.example")
    delegate(dorset, get_person(deputy), SENT, SENT, "Annual leave", by(CERTIFIER, DRAFTED))
    db.session.commit()
    revision = draft()
    check(revision)
    for day in (SENT - dt.timedelta(days=1), SENT + dt.timedelta(days=1)):
        with pytest.raises(NotAllowed, match="a deputy"):
            certify_return(revision.id, build_of(revision), POST, act(deputy, day))
    certify_return(revision.id, build_of(revision), "Deputy section 151 officer", act(deputy, SENT))
    db.session.commit()
    certificate = queries.certificate_of(revision.id)
    assert certificate is not None
    assert (certificate.name, certificate.deputy_for) == ("Dorset coordinator", "Dorset chief finance officer")
    words = [str(cell) for row in workbook_of(revision)["Declaration"].iter_rows(values_only=True) for cell in row]
    assert any("Dorset chief finance officer" in cell for cell in words)


@pytest.mark.parametrize("who", ["administrator@dorset", "opcc.officer@opcc", "certifier@bcp", "auditor@audit"])
def test_nobody_else_certifies_whatever_the_path(app: Flask, who: str) -> None:
    make_year()
    revision = draft()
    check(revision)
    with pytest.raises(NotAllowed, match="Only a certifier"):
        certify_return(revision.id, build_of(revision), POST, by(who, AGAIN))
    assert db.session.scalar(select(func.count()).select_from(ClaimLine)) == 0


def test_a_final_is_explained_against_its_provisional_and_its_claims_are_final(app: Flask) -> None:
    grant = make_grant()
    calendar = CalendarTerms(
        year_end=YearEnd.PROVISIONAL_FINAL, provisional_draft_working_days=2, provisional_due_working_days=5
    )
    make_terms(grant, calendar=calendar)
    year = make_year(grant=grant)
    quarters = {quarter: obligation(quarter) for quarter in (1, 2, 3)}
    days = {1: DRAFTED, 2: OCTOBER, 3: dt.date(2026, 1, 20)}
    june = dt.date(2026, 6, 10)
    for quarter in (1, 2, 3):
        forecast_again(year, range(quarter + 1, 5), days[quarter])
        _certified_with_reasons(quarters[quarter], days[quarter])
    provisional = _certified_with_reasons(_of_kind(ObligationKind.PROVISIONAL), june)
    post(year.tool, 300_00, spent_on=dt.date(2026, 3, 20), document="INV-LATE", on=june)
    final = draft_return(_of_kind(ObligationKind.FINAL).id, act(on=june))
    db.session.commit()
    assert "change_unexplained" in codes(final)
    build = queries.newest_build(final.id)
    assert build is not None
    assert build.base_build_id == build_of(provisional)
    for ref in changing.facts_for(final.of.obligation, final, figures_of(final)).changed:
        changing.explain_line(final, ref, WHY, by(OFFICER, june))
    db.session.commit()
    _certified_with_reasons(final.of.obligation, june)
    assert {row.final for row in db.session.scalars(select(ClaimLine).where(ClaimLine.return_ref == final.of.ref))} == {
        True
    }
    assert not db.session.scalar(select(ClaimLine.id).where(ClaimLine.return_ref != final.of.ref, ClaimLine.final))
    (account,) = payment_queries.accounts_of(grant.id, 2025, [final.of.obligation.holder], [])
    rows = {row.last_quarter: row for row in account.rows}
    assert rows[3].holds == ""
    assert rows[4].holds.startswith("Provisional 2025/26: £")
    assert " and Final 2025/26: £" in rows[4].holds


def _of_kind(kind: ObligationKind) -> Obligation:
    dorset = find_holder("dorset")
    assert dorset is not None
    return db.session.scalars(
        select(Obligation).where(Obligation.holder_id == dorset.id, Obligation.kind == kind)
    ).one()


def _certified_with_reasons(of: Obligation, on: dt.date) -> ReturnRevision:
    """Drafted, every fall and change explained, checked (as nil where it is) and certified."""
    revision = drafted_with_reasons(of.id, by(OFFICER, on))
    check(revision, on=on)
    certify(revision, on=on)
    return queries.get_revision(revision.id)


def test_a_preparers_own_deputy_does_not_certify(app: Flask) -> None:
    make_year()
    revision = draft()
    dorset, last = find_holder("dorset"), SENT + dt.timedelta(days=5)
    assert dorset is not None
    delegate(dorset, get_person(person("coordinator@dorset.example")), SENT, last, "Leave", by(CERTIFIER, SENT))
    check_return(revision, build_of(revision), by(CERTIFIER, SENT))
    db.session.commit()
    for who, words in (("coordinator@dorset", "Whom you stand in for prepared"), (CERTIFIER, "You prepared")):
        with pytest.raises(NotAllowed, match=words):
            certify_return(revision.id, build_of(revision), POST, by(who, SENT))
        db.session.rollback()
    assert queries.state_of(queries.get_revision(revision.id)) is RevisionState.CHECKED


@pytest.mark.parametrize("what", ["accepted", "sent back and passed on by another"])
def test_what_is_sealed_is_not_stored_once_it_says_something_else(app: Flask, what: str) -> None:
    make_year()
    revision = draft()
    check(revision)
    build, certifier = build_of(revision), by(CERTIFIER, SENT)
    sealed = seal(revision.id, build, POST, certifier)
    revision = queries.get_revision(revision.id)
    if what == "accepted":
        found = [each for each in queries.findings_of(build) if not why_not_acceptable(each.severity, each.code)]
        accept_finding(revision, found[0].id, "It is known", by(OFFICER, SENT))
    else:
        send_back(revision, "Once more", certifier)
        check_return(revision, build, by("opcc.officer@opcc", SENT))
    db.session.commit()
    with pytest.raises(ChangedMeanwhile):
        store_certificate(sealed, certifier)
    db.session.rollback()
    certify(queries.get_revision(revision.id), on=SENT)
