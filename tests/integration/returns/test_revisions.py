"""What becomes of a certified return (DESIGN.md rule 4): every event in every state, and what each one does."""

import datetime as dt
from collections.abc import Callable, Iterable

import pytest
from flask import Flask
from sqlalchemy import func, select

from svd_tracker.accounts.delegations import delegate
from svd_tracker.accounts.queries import find_holder, get_person
from svd_tracker.audit import queries as audit
from svd_tracker.calculations.figures import ObligationKind
from svd_tracker.errors import NotAllowed, Refused
from svd_tracker.extensions import db
from svd_tracker.finance import queries as finance_queries
from svd_tracker.finance import services as finance
from svd_tracker.finance.models import ClaimLine, CloseEvent, QuarterClose
from svd_tracker.grants.calendar_terms import CalendarTerms
from svd_tracker.grants.models import YearEnd
from svd_tracker.returns import changing, queries, revisions
from svd_tracker.returns.certify import certify_return
from svd_tracker.returns.content import of_build
from svd_tracker.returns.models import (
    FigureBuild,
    Obligation,
    ReturnRevision,
    RevisionState,
)
from svd_tracker.returns.services import check_return, draft_return, send_back
from tests.integration.finance.money_rows import post
from tests.integration.returns.year import (
    DRAFTED,
    OCTOBER,
    POST,
    Year,
    by,
    certified,
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
SENT = dt.date(2025, 7, 21)
QUERIED = dt.date(2025, 7, 25)
AGAIN = dt.date(2025, 7, 28)
OFFICER, CERTIFIER, OPCC = "finance.officer@dorset", "certifier@dorset", "opcc.officer@opcc"
WHY = "The June invoice came late"


def send(revision: ReturnRevision, on: dt.date = SENT) -> None:
    revisions.send(revision, "Dorset OPCC", "E-mail", "Q1 return", on, by(OFFICER, on))
    db.session.commit()


def query(revision: ReturnRevision, on: dt.date = QUERIED) -> ReturnRevision:
    found = revisions.query(revision, "The tool's invoice looks too low", by(OPCC, on))
    db.session.commit()
    return found


def reopen(revision: ReturnRevision, on: dt.date = SENT) -> ReturnRevision:
    found = revisions.reopen(revision, WHY, by(CERTIFIER, on))
    db.session.commit()
    return found


def explained(revision: ReturnRevision, *refs: str, on: dt.date = AGAIN) -> None:
    """Reasons for these lines, and the draft built with them, as the page's form does."""
    for ref in refs:
        changing.explain_line(revision, ref, WHY, by(OFFICER, on))
    db.session.commit()
    draft(revision.of.obligation.last_quarter, on=on)


def forecast_again(year: Year, quarters: Iterable[int], on: dt.date) -> None:
    """£5,000.00 for each of these quarters, explained."""
    for funding in (year.nurse, year.tool):
        seen = finance_queries.newest_forecasts([funding.id])[funding.id].version_no
        finance.save_forecast(act(on=on), funding, dict.fromkeys(quarters, 5_000_00), "As planned", seen)
    db.session.commit()


def spend_in_q2(year: Year) -> None:
    """What was accrued in the first quarter is invoiced in the second, and nothing else is spent."""
    forecast_again(year, (3, 4), OCTOBER)
    post(year.tool, 950_33, spent_on=dt.date(2025, 8, 1), document="PO-12 invoiced", on=OCTOBER)


def codes(revision: ReturnRevision) -> set[str]:
    build = queries.newest_build(revision.id)
    assert build is not None
    return {finding.code for finding in queries.findings_of(build.id)}


VERBS: dict[str, Callable[[ReturnRevision], object]] = {
    "built": lambda revision: draft_return(revision.of.obligation_id, act(on=AGAIN)),
    "checked": lambda revision: check_return(revision, _build(revision), by(OFFICER, AGAIN)),
    "sent_back": lambda revision: send_back(revision, "The June pay", by(CERTIFIER, AGAIN)),
    "certified": lambda revision: certify_return(revision.id, _build(revision), POST, by(CERTIFIER, AGAIN)),
    "reopened": lambda revision: revisions.reopen(revision, WHY, by(CERTIFIER, AGAIN)),
    "sent": lambda revision: revisions.send(revision, "Dorset OPCC", "E-mail", "", AGAIN, by(OFFICER, AGAIN)),
    "accepted": lambda revision: revisions.accept(revision, "", by(OPCC, AGAIN)),
    "queried": lambda revision: revisions.query(revision, "Why?", by(OPCC, AGAIN)),
}
ALLOWED = {
    RevisionState.DRAFT: {"built", "checked"},
    RevisionState.CHECKED: {"sent_back", "certified"},
    RevisionState.CERTIFIED: {"sent", "reopened"},
    RevisionState.SENT: {"accepted", "queried"},
    RevisionState.ACCEPTED: set(),
    RevisionState.QUERIED: {"built"},  # of the next revision, which is begun then
    RevisionState.REOPENED: {"built"},
}


def _build(revision: ReturnRevision) -> int:
    build = queries.newest_build(revision.id)
    assert build is not None
    return build.id


def in_state(state: RevisionState) -> ReturnRevision:
    make_year()
    revision = draft()
    if state is RevisionState.DRAFT:
        return revision
    check(revision)
    if state is RevisionState.CHECKED:
        return revision
    certify(revision)
    if state is RevisionState.REOPENED:
        reopen(revision)
    elif state is not RevisionState.CERTIFIED:
        send(revision)
    if state is RevisionState.ACCEPTED:
        revisions.accept(revision, "", by(OPCC, QUERIED))
    elif state is RevisionState.QUERIED:
        query(revision)
    db.session.commit()
    return queries.get_revision(revision.id)


@pytest.mark.parametrize("state", list(RevisionState))
def test_what_may_happen_in_each_state_and_nothing_else(app: Flask, state: RevisionState) -> None:
    revision = in_state(state)
    revision_id = revision.id
    assert queries.state_of(revision) is state
    happened = set()
    for event, verb in VERBS.items():
        try:
            verb(queries.get_revision(revision_id))
            db.session.flush()
        except Refused:
            pass
        else:
            happened.add(event)
        db.session.rollback()
    assert happened == ALLOWED[state]


def test_sent_and_accepted(app: Flask) -> None:
    make_year()
    revision = certified()
    send(revision)
    assert queries.state_of(revision) is RevisionState.SENT
    revisions.accept(revision, "Letter of 30 July", by(OPCC, AGAIN))
    db.session.commit()
    assert queries.state_of(revision) is RevisionState.ACCEPTED
    assert queries.get_revision(revision.id).state is RevisionState.CERTIFIED, "its row stays as it was certified"
    assert [event.event for event in queries.events_of(revision.id)][:2] == ["accepted", "sent"]
    assert all(result.broken_at is None for result in audit.verify())


@pytest.mark.parametrize(
    ("field", "given"),
    [
        ("to_whom", {"to_whom": " "}),
        ("how", {"how": ""}),
        ("sent_on", {"sent_on": DRAFTED - dt.timedelta(days=1)}),
        ("sent_on", {"sent_on": SENT + dt.timedelta(days=1)}),
        ("reference", {"reference": "x" * 251}),
    ],
)
def test_what_cannot_have_been_sent(app: Flask, field: str, given: dict[str, str | dt.date]) -> None:
    make_year()
    revision = certified()
    values = {"to_whom": "Dorset OPCC", "how": "E-mail", "reference": "", "sent_on": SENT} | given
    with pytest.raises(Refused) as refused:
        revisions.send(revision, act=by(OFFICER, SENT), **values)  # type: ignore[arg-type]
    assert refused.value.field == field


def test_a_query_opens_the_quarter_and_the_next_revision_closes_it(app: Flask) -> None:
    year = make_year()
    first = certified()
    ref, first_id = first.of.ref, first.id
    send(first)
    following = query(first)
    assert (following.state, following.revision_no) == (RevisionState.DRAFT, None)
    assert finance_queries.closed_quarters(first.of.obligation.holder_id, year.grant.id, 2025) == {}
    claims = finance_queries.newest_claims(first.of.obligation.holder_id, year.grant.id, 2025)
    assert claims[year.tool.ref] == 4_930_33, "what was claimed stays the floor until the next revision says otherwise"
    post(year.tool, 200_00, document="INV-99", on=QUERIED)

    draft(on=QUERIED)
    assert "change_unexplained" in codes(following)
    explained(following, year.tool.ref)
    assert "change_unexplained" not in codes(following)
    check(queries.get_revision(following.id), on=AGAIN)
    certify(queries.get_revision(following.id), on=AGAIN)

    second = queries.get_revision(following.id)
    assert second.revision_no == 2
    assert queries.state_of(queries.get_revision(first_id)) is RevisionState.QUERIED
    assert finance_queries.closed_quarters(second.of.obligation.holder_id, year.grant.id, 2025) == {1: f"{ref}/rev2"}
    assert [
        (row.event, row.return_ref) for row in db.session.scalars(select(QuarterClose).order_by(QuarterClose.seq))
    ] == [(CloseEvent.CLOSE, ref), (CloseEvent.REOPEN, ref), (CloseEvent.CLOSE, f"{ref}/rev2")]
    claims = finance_queries.newest_claims(second.of.obligation.holder_id, year.grant.id, 2025)
    assert claims[year.tool.ref] == 5_130_33
    total = figures_of(second).total
    assert (total.claimed_before, total.claimed_now) == (0, 9_900_17 + 5_130_33), "never an earlier revision's own"
    assert total.adjustments == 0, "its own quarter, not an adjustment"
    assert len(queries.earlier_builds(obligation(2))) == 1, "the newest revision stands for the period"
    assert all(result.broken_at is None for result in audit.verify())


def test_reopened_it_says_what_changed_in_rows_and_workbook(app: Flask) -> None:
    year = make_year()
    first = certified()
    base = _build(first)
    following = reopen(first)
    opened = queries.events_of(following.id)[0]
    assert (opened.event, opened.reason) == ("opened", f"Opened again: {WHY}")
    post(year.tool, 200_00, document="INV-99", on=SENT)
    draft(on=AGAIN)
    explained(following, year.tool.ref)
    build = queries.newest_build(following.id)
    assert build is not None
    assert build.base_build_id == base
    said = of_build(build, queries.get_revision(following.id)).changes
    assert said is not None
    assert said.against == "revision 1"
    assert said.reasons == {year.tool.ref: WHY}
    (to_date,) = [each for each in said.figures if (each.line_ref, each.code) == (year.tool.ref, "to_date")]
    assert (to_date.old, to_date.new) == (4_930_33, 5_130_33)
    assert not [each for each in said.figures if each.line_ref == year.nurse.ref]
    check(queries.get_revision(following.id), on=AGAIN)
    certify(queries.get_revision(following.id), on=AGAIN)
    words = [cell for row in workbook_of(following)["Changes"].iter_rows(values_only=True) for cell in row]
    assert WHY in words


def test_accruals_released_at_the_first_close_are_not_released_twice(app: Flask) -> None:
    make_year()
    first = certified()
    following = reopen(first)
    released = finance_queries.ledger_seq(first.of.obligation.holder_id)
    draft(on=AGAIN)
    check(queries.get_revision(following.id), on=AGAIN)
    certify(queries.get_revision(following.id), on=AGAIN)
    assert finance_queries.ledger_seq(first.of.obligation.holder_id) == released
    assert figures_of(following) == figures_of(first)


def test_once_a_later_return_is_certified_what_comes_late_is_an_adjustment(app: Flask) -> None:
    year = make_year()
    first = certified()
    send(first)
    spend_in_q2(year)
    second = certified(2, on=OCTOBER)
    with pytest.raises(Refused, match="adjustment in the open return"):
        revisions.query(queries.get_revision(first.id), "Too late", by(OPCC, OCTOBER))
    db.session.rollback()
    reopen(queries.get_revision(second.id), OCTOBER)
    with pytest.raises(Refused, match="adjustment in the open return"):
        revisions.query(queries.get_revision(first.id), "Still too late", by(OPCC, OCTOBER))


def test_nothing_is_certified_while_an_earlier_return_is_open_again(app: Flask) -> None:
    year = make_year()
    first = certified()
    spend_in_q2(year)
    second = draft(2, on=OCTOBER)
    check(second, on=OCTOBER)
    reopen(queries.get_revision(first.id), OCTOBER)
    with pytest.raises(Refused, match=r"Q1 2025/26 must be certified before this one"):
        certify_return(second.id, _build(second), POST, by(CERTIFIER, OCTOBER))


def test_who_prepared_the_next_revision_does_not_certify_it(app: Flask) -> None:
    make_year()
    following = reopen(certified())
    draft_return(obligation(1).id, by(CERTIFIER, AGAIN))
    db.session.commit()
    check(queries.get_revision(following.id), on=AGAIN)
    with pytest.raises(NotAllowed, match="You prepared this return"):
        certify_return(following.id, _build(following), POST, by(CERTIFIER, AGAIN))


def test_reasons_are_for_a_drafts_own_lines(app: Flask) -> None:
    year = make_year()
    following = reopen(certified())
    with pytest.raises(Refused, match="not in the return"):
        changing.explain_line(following, year.tool.ref, WHY, by(OFFICER, AGAIN))
    draft(on=AGAIN)
    with pytest.raises(Refused, match="not in the return"):
        changing.explain_line(following, "no-such-line", WHY, by(OFFICER, AGAIN))
    with pytest.raises(Refused, match="Say why"):
        changing.explain_line(following, year.tool.ref, " ", by(OFFICER, AGAIN))
    db.session.rollback()
    check(queries.get_revision(following.id), on=AGAIN)
    with pytest.raises(Refused, match="Only a draft"):
        changing.explain_line(queries.get_revision(following.id), year.tool.ref, WHY, by(OFFICER, AGAIN))


def test_a_cumulative_figure_that_falls_is_explained(app: Flask) -> None:
    year = make_year()
    certified()
    forecast_again(year, (3, 4), OCTOBER)
    post(year.nurse, -500_00, spent_on=dt.date(2025, 8, 1), document="CR-1", on=OCTOBER)
    revision = draft(2, on=OCTOBER)
    assert "fall_unexplained" in codes(revision)
    fallen = changing.facts_for(obligation(2), revision, figures_of(revision)).fell
    assert year.nurse.ref in fallen
    assert "£9,900.17 → £9,400.17" in fallen[year.nurse.ref]
    explained(revision, *fallen, on=OCTOBER)
    assert "fall_unexplained" not in codes(revision)
    build = queries.newest_build(revision.id)
    assert build is not None
    said = of_build(build, queries.get_revision(revision.id)).changes
    assert said is not None
    assert said.against == "Q1 2025/26"
    assert said.reasons[year.nurse.ref] == WHY


def nothing_spent() -> Year:
    """A certified first quarter, and a second in which nothing was spent and the accrual stands as it was."""
    year = make_year()
    certified()
    spend_in_q2(year)
    return year


def test_a_nil_return_is_said_and_no_other(app: Flask) -> None:
    nothing_spent()
    revision = draft(2, on=OCTOBER)
    assert figures_of(revision).total.this_period == 0
    with pytest.raises(Refused, match="say that this is a nil return") as refused:
        check_return(revision, _build(revision), by(OFFICER, OCTOBER))
    assert refused.value.field == "nil"
    check_return(revision, _build(revision), by(OFFICER, OCTOBER), nil=True)
    db.session.commit()
    assert queries.get_revision(revision.id).nil
    certify(revision, on=OCTOBER)
    words = [cell for sheet in workbook_of(revision) for row in sheet.iter_rows(values_only=True) for cell in row]
    assert any("nil return" in str(cell).lower() for cell in words)


def test_sent_back_a_nil_return_is_said_again(app: Flask) -> None:
    nothing_spent()
    revision = draft(2, on=OCTOBER)
    check_return(revision, _build(revision), by(OFFICER, OCTOBER), nil=True)
    send_back(revision, "Is that so?", by(CERTIFIER, OCTOBER))
    db.session.commit()
    assert not queries.get_revision(revision.id).nil


def test_spend_is_no_nil_return(app: Flask) -> None:
    make_year()
    revision = draft()
    with pytest.raises(Refused, match="not a nil return"):
        check_return(revision, _build(revision), by(OFFICER, AGAIN), nil=True)


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
            certify_return(revision.id, _build(revision), POST, act(deputy, day))
    certify_return(revision.id, _build(revision), "Deputy section 151 officer", act(deputy, SENT))
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
        certify_return(revision.id, _build(revision), POST, by(who, AGAIN))
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
    assert build.base_build_id == _build(provisional)
    for ref in changing.facts_for(final.of.obligation, final, figures_of(final)).changed:
        changing.explain_line(final, ref, WHY, by(OFFICER, june))
    db.session.commit()
    _certified_with_reasons(final.of.obligation, june)
    assert {row.final for row in db.session.scalars(select(ClaimLine).where(ClaimLine.return_ref == final.of.ref))} == {
        True
    }
    assert not db.session.scalar(select(ClaimLine.id).where(ClaimLine.return_ref != final.of.ref, ClaimLine.final))


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


def test_the_newest_certified_build_of_a_period_is_the_newest_revisions(app: Flask) -> None:
    make_year()
    first = certified()
    following = reopen(first)
    draft(on=AGAIN)
    check(queries.get_revision(following.id), on=AGAIN)
    certify(queries.get_revision(following.id), on=AGAIN)
    (earlier,) = queries.earlier_builds(obligation(2))
    assert earlier.build_id == _build(following)
    assert db.session.get_one(FigureBuild, earlier.build_id).base_build_id == _build(first)
