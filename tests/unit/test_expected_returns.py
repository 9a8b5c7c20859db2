"""Which returns an agreement asks for, whatever its days: in order, each date after the one before it."""

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from svd_tracker.calculations.figures import ObligationKind
from svd_tracker.errors import Refused
from svd_tracker.grants.calendar_terms import CalendarTerms
from svd_tracker.grants.models import Frequency, GrantTerms, YearEnd
from svd_tracker.returns.expected import expected, first_draft_day
from svd_tracker.returns.period_words import obligation_words

pytestmark = pytest.mark.unit
IN_YEAR, PROVISIONAL, FINAL = ObligationKind


@st.composite
def terms(draw: st.DrawFn) -> GrantTerms:
    draft, certify, due = sorted(draw(st.lists(st.integers(0, 60), min_size=3, max_size=3)))
    first, last = sorted(draw(st.lists(st.integers(-80, 30), min_size=2, max_size=2)))
    year_end = draw(st.sampled_from(YearEnd))
    provisional = year_end is YearEnd.PROVISIONAL_FINAL
    values = CalendarTerms(
        frequency=draw(st.sampled_from(Frequency)),
        year_end=year_end,
        certify_working_days=draw(st.sampled_from([None, certify])),
        provisional_draft_working_days=first if provisional else None,
        provisional_due_working_days=last if provisional else None,
    )
    values.refuse_wrong(draft, due)
    return GrantTerms(draft_working_days=draft, due_working_days=due, **vars(values))


@given(of=terms(), fy=st.integers(2023, 2040))
def test_each_date_follows_the_one_before_it(of: GrantTerms, fy: int) -> None:
    found = expected(of, fy)
    for each in found:
        dates = each.dates
        assert first_draft_day(fy, *each.key) <= dates.draft_on <= dates.certify_on <= dates.due_on
        if of.certify_working_days is None:
            assert dates.certify_on == dates.due_on
    order = [(each.last_quarter, list(ObligationKind).index(each.kind)) for each in found]
    assert order == sorted(set(order))
    assert found[-1].last_quarter == 4
    assert len(found) == (4 if of.frequency is Frequency.QUARTERLY else 2) + (of.year_end is YearEnd.PROVISIONAL_FINAL)


@pytest.mark.parametrize(
    ("kind", "day"),
    [(IN_YEAR, dt.date(2026, 4, 1)), (PROVISIONAL, dt.date(2026, 1, 1)), (FINAL, dt.date(2026, 4, 1))],
)
def test_a_provisional_alone_is_drafted_while_its_quarter_runs(kind: ObligationKind, day: dt.date) -> None:
    assert first_draft_day(2025, 4, kind) == day


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        (CalendarTerms(certify_working_days=9), "certify_working_days"),
        (CalendarTerms(certify_working_days=21), "certify_working_days"),
        (CalendarTerms(area_due_working_days=19), "area_due_working_days"),
        (CalendarTerms(final_draft_working_days=1, final_due_working_days=2), "final_draft_working_days"),
        (CalendarTerms(year_end=YearEnd.FINAL, final_draft_working_days=1), "final_due_working_days"),
        (CalendarTerms(year_end=YearEnd.PROVISIONAL_FINAL), "provisional_draft_working_days"),
    ],
)
def test_days_out_of_order_are_refused_at_their_field(changes: CalendarTerms, field: str) -> None:
    with pytest.raises(Refused) as refused:
        changes.refuse_wrong(10, 20)
    assert refused.value.field == field


def test_a_return_is_named_by_its_period_or_by_the_end_of_its_year() -> None:
    assert [obligation_words(2025, 4, kind) for kind in ObligationKind] == [
        "Q4 2025/26",
        "Provisional 2025/26",
        "Final 2025/26",
    ]
