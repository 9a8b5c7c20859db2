"""Which returns an agreement asks for: half years, a provisional and a final, terms that change in a year."""

import datetime as dt
from threading import Thread

import pytest
from flask import Flask

from svd_tracker.audit import queries as audit
from svd_tracker.calculations.figures import ObligationKind
from svd_tracker.errors import ChangedMeanwhile, Refused
from svd_tracker.extensions import db
from svd_tracker.finance.figures import year_figures
from svd_tracker.grants.calendar_terms import CalendarTerms
from svd_tracker.grants.models import Frequency, Grant, YearEnd
from svd_tracker.returns import obligation_queries as calendar
from svd_tracker.returns import queries
from svd_tracker.returns.jobs import CALENDAR
from svd_tracker.returns.models import Obligation, ObligationVersion
from svd_tracker.returns.obligation_queries import ObligationRow
from svd_tracker.returns.obligations import (
    change_dates,
    ensure_obligations,
    put_back_obligation,
    withdraw_obligation,
)
from svd_tracker.returns.services import draft_return
from tests.integration.finance.money_rows import post
from tests.integration.returns.life_rows import spend_in_q2
from tests.integration.returns.year import (
    APRIL,
    OCTOBER,
    by,
    certified,
    certify,
    check,
    draft,
    figures_of,
    make_forecasts,
    make_year,
    obligation,
)
from tests.support.money import holder, make_grant, make_terms
from tests.support.world import act

pytestmark = pytest.mark.db

PROVISIONAL, FINAL = ObligationKind.PROVISIONAL, ObligationKind.FINAL
YEAR_END = CalendarTerms(
    year_end=YearEnd.PROVISIONAL_FINAL,
    certify_working_days=15,
    provisional_draft_working_days=-12,
    provisional_due_working_days=-2,
    final_draft_working_days=30,
    final_due_working_days=40,
)
JUNE = dt.date(2025, 6, 2)


def with_terms(calendar_terms: CalendarTerms) -> Grant:
    grant = make_grant()
    make_terms(grant, calendar=calendar_terms)
    db.session.commit()
    return grant


def rows(of: str = "dorset", withdrawn: bool = False) -> list[ObligationRow]:
    return calendar.list_obligations([holder(of).id], withdrawn=withdrawn)


def refs(of: str = "dorset") -> list[str]:
    return [row.ref.removesuffix(f"-{of}") for row in rows(of)]


def of_kind(kind: ObligationKind) -> Obligation:
    (found,) = calendar.find_obligations("dorset", 2025, 4, kind)
    return found


def test_a_year_that_ends_with_a_provisional_and_a_final(app: Flask) -> None:
    with_terms(YEAR_END)
    assert ensure_obligations(act(on=APRIL), APRIL) == 15
    assert refs() == ["2025-26-Q1", "2025-26-Q2", "2025-26-Q3", "2025-26-provisional", "2025-26-final"]
    first, *_, provisional, final = rows()
    assert (first.draft_on, first.certify_on, first.due_on) == (
        dt.date(2025, 7, 14),
        dt.date(2025, 7, 21),
        dt.date(2025, 7, 28),
    )
    assert (provisional.draft_on, provisional.certify_on, provisional.due_on) == (
        dt.date(2026, 3, 13),
        dt.date(2026, 3, 20),
        dt.date(2026, 3, 27),
    ), "certified five working days before it is due, as the others"
    assert [final.draft_on, final.due_on] == [dt.date(2026, 5, 15), dt.date(2026, 6, 1)]
    assert [row.words for row in (first, provisional, final)] == ["Q1 2025/26", "Provisional 2025/26", "Final 2025/26"]


@pytest.mark.parametrize(
    ("terms", "expected"),
    [
        (CalendarTerms(frequency=Frequency.HALF_YEARLY), ["2025-26-Q2", "2025-26-Q4"]),
        (CalendarTerms(Frequency.HALF_YEARLY, YearEnd.FINAL), ["2025-26-Q2", "2025-26-final"]),
    ],
)
def test_half_years(app: Flask, terms: CalendarTerms, expected: list[str]) -> None:
    with_terms(terms)
    ensure_obligations(act(on=APRIL), APRIL)
    assert refs() == expected
    last = rows()[-1]
    assert (last.draft_on, last.due_on) == (dt.date(2026, 4, 16), dt.date(2026, 4, 30)), "as the other returns"


def test_a_half_years_return_has_both_quarters(app: Flask) -> None:
    """FIGURES.md 2: its own quarters are those that no earlier return has closed."""
    grant = with_terms(CalendarTerms(frequency=Frequency.HALF_YEARLY))
    year = make_year(grant=grant)
    post(year.tool, 700_00, dt.date(2025, 8, 4), on=dt.date(2025, 9, 1))
    db.session.commit()
    revision = draft(2, on=dt.date(2025, 10, 14))
    figures = figures_of(revision)
    assert figures.own_quarters == (1, 2)
    assert figures.total.this_period == 15_530_50


def test_terms_that_change_in_a_year_open_what_is_missing_and_show_what_is_not_asked_for(app: Flask) -> None:
    grant = with_terms(CalendarTerms())
    ensure_obligations(act(on=APRIL), APRIL)
    make_terms(grant, calendar=CalendarTerms(Frequency.HALF_YEARLY, YearEnd.FINAL), reason="A new agreement")
    db.session.commit()
    assert [slot.title for slot in CALENDAR.due(JUNE)] == [
        f"Open the 2025/26 returns of {of}" for of in ("bcp", "dorset", "opcc")
    ]
    assert ensure_obligations(act(on=JUNE), JUNE) == 3, "the final of each holder"
    assert ensure_obligations(act(on=JUNE), JUNE) == 0
    shown = calendar.not_asked_for(rows())
    assert [row.ref for row in rows() if row.id in shown] == [
        "2025-26-Q1-dorset",
        "2025-26-Q3-dorset",
        "2025-26-Q4-dorset",
    ]


def test_nothing_is_opened_before_a_return_that_is_built(app: Flask) -> None:
    grant = with_terms(CalendarTerms(frequency=Frequency.HALF_YEARLY))
    make_year(grant=grant)
    draft(2, on=dt.date(2025, 10, 14))
    make_terms(grant, calendar=CalendarTerms(), reason="Every quarter from now on")
    db.session.commit()
    october = dt.date(2025, 10, 20)
    ensure_obligations(act(on=october), october)
    assert refs() == ["2025-26-Q2", "2025-26-Q3", "2025-26-Q4"]
    assert refs("bcp") == ["2025-26-Q1", "2025-26-Q2", "2025-26-Q3", "2025-26-Q4"], "nothing of it was built"
    assert not calendar.not_asked_for(rows())


def test_a_withdrawn_return_is_not_asked_for_until_it_is_put_back(app: Flask) -> None:
    make_year()
    one = obligation(1)
    with pytest.raises(Refused, match="no longer asked for"):
        withdraw_obligation(one, " ", 1, act())
    with pytest.raises(Refused, match="in the calendar already"):
        put_back_obligation(one, "Needed", 1, act())
    withdraw_obligation(one, "Half years from now on", 1, act())
    db.session.commit()
    assert refs() == ["2025-26-Q2", "2025-26-Q3", "2025-26-Q4"]
    assert [row.withdrawn for row in rows(withdrawn=True)] == [True, False, False, False]
    assert ensure_obligations(act(on=JUNE), JUNE) == 0, "it is not opened by itself again"
    assert one.id not in [row.id for row in calendar.to_be_drafted()]
    assert not queries.uncertified_before(obligation(2)), "the next return does not wait for it"
    with pytest.raises(Refused, match="withdrawn"):
        draft(1)
    db.session.rollback()
    later = dt.date(2025, 8, 1), dt.date(2025, 8, 1), dt.date(2025, 8, 1)
    with pytest.raises(Refused, match="put it back before"):
        change_dates(obligation(1), *later, "Later", 2, act())
    with pytest.raises(ChangedMeanwhile):
        put_back_obligation(obligation(1), "Needed", 1, act())
    put_back_obligation(obligation(1), "Needed after all", 2, act())
    db.session.commit()
    assert refs()[0] == "2025-26-Q1"
    assert rows()[0].due_on == dt.date(2025, 7, 28), "the dates it had"
    assert [line.action for line in audit.history("obligation", "2025-26-Q1-dorset")] == ["put_back", "withdraw"]


def test_what_is_built_is_not_withdrawn(app: Flask) -> None:
    make_year()
    draft()
    with pytest.raises(Refused, match="built already"):
        withdraw_obligation(obligation(1), "Not needed", 1, act())


def test_three_dates_follow_one_another(app: Flask) -> None:
    make_year()
    july = dt.date(2025, 7, 14), dt.date(2025, 7, 21), dt.date(2025, 7, 28)
    for dates, field in (
        ((july[1], july[0], july[2]), "certify_on"),
        ((july[0], july[2], july[1]), "due_on"),
        ((dt.date(2025, 6, 30), july[1], july[2]), "draft_on"),
    ):
        with pytest.raises(Refused) as refused:
            change_dates(obligation(1), *dates, "Tried", 1, act())
        assert refused.value.field == field
    change_dates(obligation(1), *july, "The OPCC asks for it", 1, act())
    db.session.commit()
    row = rows()[0]
    assert (row.draft_on, row.certify_on, row.due_on) == july
    assert [row.late_for(day) for day in (july[0], july[1], july[2], dt.date(2025, 7, 29))] == [
        None,
        "draft",
        "certify",
        "due",
    ]


def test_a_provisional_is_drafted_while_its_quarter_runs(app: Flask) -> None:
    with_terms(YEAR_END)
    ensure_obligations(act(on=APRIL), APRIL)
    db.session.commit()
    january = dt.date(2026, 1, 1)
    due = dt.date(2026, 3, 27)
    with pytest.raises(Refused, match="Enter 1 January 2026"):
        change_dates(of_kind(PROVISIONAL), dt.date(2025, 12, 31), due, due, "Early", 1, act())
    change_dates(of_kind(PROVISIONAL), january, due, due, "The funder asks early", 1, act())
    db.session.commit()
    with pytest.raises(Refused, match="is built from 1 January 2026 on"):
        draft_return(of_kind(PROVISIONAL).id, act(on=dt.date(2025, 12, 31)))
    db.session.rollback()
    assert draft_return(of_kind(PROVISIONAL).id, act(on=january)).of.ref.endswith("2025-26-provisional-dorset")
    with pytest.raises(Refused, match="built after that"):
        draft_return(of_kind(FINAL).id, act(on=dt.date(2026, 3, 31)))


def test_after_the_final_the_finance_pages_claim_no_more_than_it_did(app: Flask) -> None:
    """FIGURES.md 15: what comes later is locally funded, though the funding has room for it."""
    grant = with_terms(CalendarTerms(year_end=YearEnd.FINAL))
    year = make_year(grant=grant, forecasts=False)
    for funding in (year.nurse, year.tool):
        make_forecasts(funding, {2: 0, 3: 0, 4: 0}, "The post was vacant")
    may = dt.date(2026, 5, 5)
    for quarter in (1, 2, 3):  # a year with a final return alone
        withdraw_obligation(obligation(quarter), "Nothing is asked for in the year", 1, act())
    for month in (8, 11):
        post(year.nurse, 9_900_00, dt.date(2025, month, 4), on=may)
    post(year.tool, 500_00, dt.date(2026, 3, 10), on=may)
    finish(of_kind(FINAL).id, dt.date(2026, 5, 20))
    june = dt.date(2026, 6, 1)
    grant_id, ref = grant.id, year.tool.ref
    line = year_figures(holder("dorset"), grant_id, 2025, june).line(ref).figures
    assert (line.claimed_before, line.claimed_to_date) == (5_430_33, 4_480_00), "its accrual was released by the close"
    post(year.tool, 1_000_00, dt.date(2026, 3, 20), on=june)
    line = year_figures(holder("dorset"), grant_id, 2025, june).line(ref).figures
    assert line.eligible_to_date == 5_480_00
    assert (line.claimed_to_date, line.locally_funded, line.funding) == (5_430_33, 49_67, 20_000_00)


def finish(obligation_id: int, on: dt.date) -> None:
    revision = draft_return(obligation_id, act(on=on))
    db.session.commit()
    check(revision, on=on)
    certify(queries.get_revision(revision.id), on=on)


def test_a_return_whose_quarters_a_later_one_has_is_neither_put_back_nor_built(app: Flask) -> None:
    year = make_year()
    one, officer = obligation(1), by("opcc.officer@opcc", OCTOBER)
    withdraw_obligation(one, "Half years from now on", 1, officer)
    db.session.commit()
    spend_in_q2(year)
    post(year.nurse, 9_000_00, dt.date(2025, 8, 1), document="PAY-0825", on=OCTOBER)
    certified(2, on=OCTOBER)
    with pytest.raises(Refused, match="later return is certified"):
        put_back_obligation(obligation(1), "Needed after all", 2, officer)
    db.session.rollback()
    dates = calendar.newest_dates(one.id)
    db.session.add(
        ObligationVersion(
            obligation_id=one.id, version_no=3, draft_on=dates.draft_on, due_on=dates.due_on, withdrawn=False,
            reason="As if it had been", recorded_at=officer.at, recorded_by=officer.by,
        )
    )  # fmt: skip
    db.session.commit()
    with pytest.raises(Refused, match="later return is certified"):
        draft(1, on=OCTOBER)


@pytest.mark.parametrize("verb", ["change", "withdraw", "put back"])
def test_of_two_changes_at_once_the_second_is_told_of_the_first(app: Flask, verb: str) -> None:
    def change() -> None:
        one, officer = obligation(1), by("opcc.officer@opcc", JUNE)
        if verb == "change":
            day = dt.date(2025, 8, 1)
            change_dates(one, day, day, day, "Later", seen, officer)
        else:
            (withdraw_obligation if verb == "withdraw" else put_back_obligation)(one, "Not needed", seen, officer)

    def meanwhile() -> None:
        with app.app_context():
            try:
                change()
                db.session.commit()
                said.append("done")
            except ChangedMeanwhile:
                said.append("changed meanwhile")

    make_year()
    seen, said = 1, list[str]()
    if verb == "put back":
        withdraw_obligation(obligation(1), "Not needed", 1, act())
        db.session.commit()
        seen = 2
    db.session.rollback()
    change()
    db.session.flush()
    other = Thread(target=meanwhile)
    other.start()
    other.join(1)
    db.session.commit()
    other.join(30)
    assert said == ["changed meanwhile"]
