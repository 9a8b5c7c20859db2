"""When there is something to say about a return, to whom: what follows from its dates, its state and the settings."""

import datetime as dt
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from svd_tracker.accounts.models import HolderKind
from svd_tracker.calculations.figures import ObligationKind
from svd_tracker.returns.models import Origin, RevisionState
from svd_tracker.returns.obligation_queries import ObligationRow
from svd_tracker.returns.reminders import Moved, Reader, Rules, monday_of, occasions

pytestmark = pytest.mark.unit

DRAFTED, DUE = dt.date(2025, 7, 14), dt.date(2025, 7, 28)
BUILT = dt.datetime(2025, 7, 14, 6, tzinfo=dt.UTC)
ROW = ObligationRow(
    id=1,
    ref="2025-26-Q1-dorset",
    grant_id=1,
    grant_name="Serious Violence Duty",
    area_id=1,
    holder_id=1,
    holder_name="Dorset Community Safety Partnership",
    fy=2025,
    last_quarter=1,
    kind=ObligationKind.IN_YEAR,
    draft_on=DRAFTED,
    certify_on=DUE,
    due_on=DUE,
    version_no=1,
    withdrawn=False,
    revision_id=5,
    revision_no=None,
    state=RevisionState.DRAFT,
    certified_at=None,
    built_at=BUILT,
    opened_from=None,
    holder_kind=HolderKind.CSP,
    origin=Origin.BUILT,
    sent_back_by=None,
    newest_origin=Origin.BUILT,
)
CHECKED = Moved(77, "checked", dt.date(2025, 7, 18))


def on(day: str, row: ObligationRow = ROW, rules: Rules | None = None, moved: Moved | None = None) -> list[str]:
    """What is said on a day ("07-21"), as "reader: code"."""
    found = occasions(row, moved, rules or Rules(), dt.date.fromisoformat(f"2025-{day}"))
    return [f"{each.reader.value}: {each.code} {each.on:%m-%d}" for each in found]


@pytest.mark.parametrize(
    ("day", "said"),
    [
        ("07-13", []),
        ("07-14", ["finance officer: drafted 07-14"]),
        ("07-20", ["finance officer: drafted 07-14"]),
        ("07-21", ["finance officer: before 07-21"]),
        ("07-28", ["finance officer: due 07-28"]),
        ("07-29", ["finance officer: late 07-29"]),
        ("08-02", ["certifier: next-1 08-02", "finance officer: late 07-29"]),
        ("08-05", ["finance officer: late 08-05", "certifier: next-1 08-02"]),
        ("08-07", ["OPCC officer: next-2 08-07", "finance officer: late 08-05", "certifier: next-1 08-02"]),
        ("08-12", ["finance officer: late 08-12", "OPCC officer: next-2 08-07", "certifier: next-1 08-02"]),
    ],
)
def test_a_draft_that_nobody_checks(day: str, said: list[str]) -> None:
    assert on(day) == said


@pytest.mark.parametrize(
    ("day", "said"),
    [
        ("07-18", ["certifier: checked-77 07-18"]),
        ("07-21", ["certifier: before 07-21"]),
        ("07-28", ["certifier: due 07-28"]),
        ("08-02", ["OPCC officer: next-1 08-02", "certifier: late 07-29"]),
    ],
)
def test_one_that_waits_for_its_certifier(day: str, said: list[str]) -> None:
    assert on(day, replace(ROW, state=RevisionState.CHECKED), moved=CHECKED) == said


def test_one_checked_on_the_day_it_is_due_asks_to_certify_it() -> None:
    row = replace(ROW, state=RevisionState.CHECKED)
    assert on("07-28", row, moved=Moved(78, "checked", DUE)) == ["certifier: checked-78 07-28"]


@pytest.mark.parametrize(
    ("day", "said"),
    [
        ("07-18", ["certifier: before 07-17"]),
        ("07-24", ["certifier: due 07-24"]),
        ("07-25", ["certifier: late 07-25"]),
        ("08-02", ["OPCC officer: next-1 08-02", "certifier: late 08-01"]),
    ],
)
def test_a_certifier_is_reminded_of_their_own_day(day: str, said: list[str]) -> None:
    row = replace(ROW, state=RevisionState.CHECKED, certify_on=dt.date(2025, 7, 24))
    assert on(day, row, moved=Moved(79, "checked", dt.date(2025, 7, 15))) == said


@pytest.mark.parametrize("event", ["sent_back", "opened"])
def test_what_comes_back_is_told_at_once_and_nothing_older(event: str) -> None:
    moved = Moved(80, event, dt.date(2025, 7, 30))
    assert on("07-30", moved=moved) == [f"finance officer: {event}-80 07-30"]
    assert on("07-30", replace(ROW, built_at=None), moved=moved) == [f"finance officer: {event}-80 07-30"]
    assert on("08-05", moved=moved)[0] == "finance officer: late 08-05"
    assert on("07-30", rules=replace(Rules(), sent_back=0), moved=moved) == []


def test_the_opcc_is_told_of_one_that_was_sent() -> None:
    row, moved = replace(ROW, state=RevisionState.SENT), Moved(81, "sent", dt.date(2025, 7, 25))
    assert on("07-25", row, moved=moved) == ["OPCC officer: sent-81 07-25"]
    assert on("12-01", row, moved=moved) == ["OPCC officer: sent-81 07-25"]
    assert on("07-25", row, replace(Rules(), sent=0), moved) == []
    assert on("07-26", replace(row, state=RevisionState.ACCEPTED), moved=moved) == []


@pytest.mark.parametrize("day", ["07-14", "07-28", "12-31"])
def test_nothing_is_said_of_what_is_done(day: str) -> None:
    assert on(day, replace(ROW, state=RevisionState.CERTIFIED)) == []


def test_one_that_was_never_drafted_is_due_all_the_same() -> None:
    row = replace(ROW, state=None, revision_id=None, built_at=None)
    assert on("07-14", row) == []
    assert on("07-28", row) == ["finance officer: due 07-28"]


def test_a_draft_date_inside_the_days_before_is_said_once() -> None:
    row = replace(ROW, draft_on=dt.date(2025, 7, 25))
    assert on("07-24", row) == []
    assert on("07-25", row) == ["finance officer: before 07-25"]


@pytest.mark.parametrize(
    ("setting", "value", "day", "said"),
    [
        ("drafted", 0, "07-14", []),
        ("before_days", 0, "07-21", ["finance officer: drafted 07-14"]),
        ("before_days", 3, "07-25", ["finance officer: before 07-25"]),
        ("on_day", 0, "07-28", ["finance officer: before 07-21"]),
        ("late_days", 0, "07-29", ["finance officer: due 07-28"]),
        ("late_days", 2, "08-01", ["finance officer: late 07-31"]),
        ("next_days", 0, "08-03", ["finance officer: late 07-29"]),
        ("next_days", 1, "07-29", ["finance officer: late 07-29", "certifier: next-1 07-29"]),
    ],
)
def test_each_is_a_setting(setting: str, value: int, day: str, said: list[str]) -> None:
    assert on(day, rules=replace(Rules(), **{setting: value})) == said


def test_telling_certifiers_is_a_setting() -> None:
    row = replace(ROW, state=RevisionState.CHECKED)
    assert on("07-18", row, replace(Rules(), checked=0), CHECKED) == []


rules_of_any_kind = st.builds(
    Rules,
    drafted=st.integers(0, 1),
    before_days=st.integers(0, 30),
    on_day=st.integers(0, 1),
    late_days=st.integers(0, 20),
    next_days=st.integers(0, 20),
    checked=st.integers(0, 1),
)


@given(
    rules=rules_of_any_kind,
    gap=st.integers(0, 30),
    state=st.sampled_from([None, RevisionState.DRAFT, RevisionState.CHECKED]),
    days=st.lists(st.integers(-10, 120), min_size=1, max_size=20),
)
def test_however_often_the_schedule_runs_the_newest_alone_counts(
    rules: Rules, gap: int, state: RevisionState | None, days: list[int]
) -> None:
    row = replace(ROW, state=state, draft_on=DUE - dt.timedelta(days=gap))
    moved = CHECKED if state is RevisionState.CHECKED else None
    before: dict[Reader, dt.date] = {}
    for day in sorted(days):
        today = DUE + dt.timedelta(days=day)
        found = occasions(row, moved, rules, today)
        assert len({each.reader for each in found}) == len(found), "one for each reader"
        assert all(each.on <= today for each in found), "nothing that is to come"
        assert [each.on for each in found] == sorted((each.on for each in found), reverse=True)
        assert all(each.on >= before.get(each.reader, each.on) for each in found), "never back to an older one"
        assert before.keys() <= {each.reader for each in found}
        before |= {each.reader: each.on for each in found}
        assert found == occasions(row, moved, rules, today)


@given(st.dates(dt.date(2000, 1, 1), dt.date(2100, 1, 1)))
def test_the_monday_of_a_day(day: dt.date) -> None:
    monday = monday_of(day)
    assert monday.weekday() == 0
    assert 0 <= (day - monday).days < 7


def test_who_works_in_excel_is_not_reminded_of_a_draft() -> None:
    partner = replace(ROW, origin=None, newest_origin=Origin.BROUGHT_IN, state=None, built_at=None)
    assert on("07-21", partner) == []
    assert on("08-02", partner) == ["OPCC officer: next-1 08-02"]
    assert on("08-02", replace(partner, newest_origin=Origin.BUILT)) != []


def test_the_opccs_own_return_is_not_told_as_sent() -> None:
    sent, moved = replace(ROW, state=RevisionState.SENT), Moved(78, "sent", dt.date(2025, 7, 21))
    assert on("07-21", sent, moved=moved) == ["OPCC officer: sent-78 07-21"]
    assert on("07-21", replace(sent, holder_kind=HolderKind.OPCC), moved=moved) == []
