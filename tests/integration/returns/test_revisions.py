"""What becomes of a certified return (DESIGN.md rule 4): every event in every state, and what each one does."""

import datetime as dt
from collections.abc import Callable

import pytest
from flask import Flask
from sqlalchemy import select

from svd_tracker.errors import NotAllowed, Refused
from svd_tracker.extensions import db
from svd_tracker.finance import queries as finance_queries
from svd_tracker.finance.models import CloseEvent, QuarterClose
from svd_tracker.returns import changing, queries, revisions
from svd_tracker.returns.certify import certify_return
from svd_tracker.returns.content import of_build
from svd_tracker.returns.models import (
    FigureBuild,
    ReturnRevision,
    RevisionState,
)
from svd_tracker.returns.services import check_return, draft_return, send_back
from tests.integration.finance.money_rows import post
from tests.integration.returns.life_rows import (
    AGAIN,
    CERTIFIER,
    OFFICER,
    OPCC,
    QUERIED,
    SENT,
    WHY,
    build_of,
    codes,
    explained,
    forecast_again,
    query,
    reopen,
    send,
    spend_in_q2,
)
from tests.integration.returns.year import (
    DRAFTED,
    OCTOBER,
    POST,
    by,
    certified,
    certify,
    check,
    draft,
    figures_of,
    make_year,
    obligation,
    workbook_of,
)
from tests.support.chains import assert_chains_whole
from tests.support.world import act

pytestmark = pytest.mark.db

VERBS: dict[str, Callable[[ReturnRevision], object]] = {
    "built": lambda revision: draft_return(revision.of.obligation_id, act(on=AGAIN)),
    "checked": lambda revision: check_return(revision, build_of(revision), by(OFFICER, AGAIN)),
    "sent_back": lambda revision: send_back(revision, "The June pay", by(CERTIFIER, AGAIN)),
    "certified": lambda revision: certify_return(revision.id, build_of(revision), POST, by(CERTIFIER, AGAIN)),
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
    assert_chains_whole()


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
    assert_chains_whole()


def test_reopened_it_says_what_changed_in_rows_and_workbook(app: Flask) -> None:
    year = make_year()
    first = certified()
    base = build_of(first)
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
        certify_return(second.id, build_of(second), POST, by(CERTIFIER, OCTOBER))


def test_who_prepared_the_next_revision_does_not_certify_it(app: Flask) -> None:
    make_year()
    following = reopen(certified())
    draft_return(obligation(1).id, by(CERTIFIER, AGAIN))
    db.session.commit()
    check(queries.get_revision(following.id), on=AGAIN)
    with pytest.raises(NotAllowed, match="You prepared this return"):
        certify_return(following.id, build_of(following), POST, by(CERTIFIER, AGAIN))


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


def test_the_newest_certified_build_of_a_period_is_the_newest_revisions(app: Flask) -> None:
    make_year()
    first = certified()
    following = reopen(first)
    draft(on=AGAIN)
    check(queries.get_revision(following.id), on=AGAIN)
    certify(queries.get_revision(following.id), on=AGAIN)
    (earlier,) = queries.earlier_builds(obligation(2))
    assert earlier.build_id == build_of(following)
    assert db.session.get_one(FigureBuild, earlier.build_id).base_build_id == build_of(first)
