"""The checks of a return: what each finds, the figure it names, what it does by itself and as the area chose."""

import datetime as dt
import re
from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from svd_tracker.calculations.figures import EntryKind, ReturnFigures, ReversalWhy
from svd_tracker.calculations.limits import Limits
from svd_tracker.finance.queries import EntryRow
from svd_tracker.grants.models import AgreementStatus
from svd_tracker.money import format_pounds
from svd_tracker.returns.changing import ChangeFacts
from svd_tracker.returns.check_kinds import (
    ERROR,
    KINDS,
    WARNING,
    CheckRule,
    Finding,
    check_kinds,
    passed_titles,
    rule_of,
    title_of,
    where_of,
)
from svd_tracker.returns.checks import CheckFacts, run_checks
from svd_tracker.returns.entry_checks import EntryFindings, entry_findings, look_at_entries
from tests.unit.return_cases import actual, certified, figures_of, funding, quick

pytestmark = pytest.mark.unit

MAY, JULY = dt.date(2025, 5, 6), dt.date(2025, 7, 3)
LIMITS = {
    1: Limits(
        first_day=dt.date(2025, 4, 1),
        last_day=dt.date(2026, 3, 31),
        starts_on=dt.date(2025, 4, 1),
        ends_on=dt.date(2026, 3, 31),
        eligible_from=dt.date(2025, 4, 15),
        refuse_outside=False,
        signed_on=dt.date(2025, 4, 1),
        agreed_on=dt.date(2025, 4, 1),
    )
}


def facts(**more: Any) -> CheckFacts:
    """Facts that nothing is wrong with."""
    given: dict[str, Any] = {
        "fy": 2025,
        "holder_id": 7,
        "grant_id": 3,
        "funding_ids": {"F01": 11, "F02": 12},
        "notes": {"F01": "As planned", "F02": "As planned"},
        "quarters_with_entries": frozenset({1, 2, 3, 4}),
        "agreement": AgreementStatus.SIGNED,
        "bodies_outstanding": {},
        "conditions_open": {},
        "earlier_not_certified": (),
        **more,
    }
    return CheckFacts(**given)


def spent(*entries: tuple[int, int], pence: int = 100_000) -> ReturnFigures:
    """A quarter 1 return of one funding with (quarter, pence) entries."""
    rows = [actual(seq, quarter, amount) for seq, (quarter, amount) in enumerate(entries, 1)]
    return figures_of(1, rows, [funding(pence=pence, profile={1: pence})])


def codes(found: Sequence[Finding]) -> set[str]:
    return {each.code for each in found}


def row(seq: int, **more: Any) -> EntryRow:
    given: dict[str, Any] = {
        "id": 100 + seq,
        "seq": seq,
        "funding_id": 1,
        "funding_ref": "F01",
        "kind": EntryKind.ACTUAL,
        "quarter": 1,
        "pence": 10_00,
        "vat_pence": 0,
        "document_total_pence": None,
        "spent_on": MAY,
        "document": "INV",
        "eligible": True,
        "reverses_seq": None,
        "reversal_why": None,
        "upload_id": None,
        "recorded_at": dt.datetime(2025, 5, 6, tzinfo=dt.UTC),
        "follows_id": None,
        **more,
    }
    return EntryRow(**given)


def release(seq: int, of: EntryRow, **more: Any) -> EntryRow:
    return row(
        seq,
        kind=EntryKind.REVERSAL,
        reversal_why=ReversalWhy.RELEASE,
        reverses_seq=of.seq,
        quarter=of.quarter + 1,
        pence=-of.pence,
        spent_on=dt.date(2025, 7, 1),
        **more,
    )


def look(rows: Sequence[EntryRow], last: int = 1, own: Sequence[int] = (1,), **more: Any) -> EntryFindings:
    given: dict[str, Any] = {"adjusted_after_seq": 0, "evidenced": (), "limits": LIMITS, **more}
    return look_at_entries(rows, fy=2025, last_quarter=last, own_quarters=own, **given)


def test_a_return_that_nothing_is_wrong_with_passes_every_check() -> None:
    figures = spent((1, 100_000))
    assert run_checks(figures, facts()) == ()
    assert list(passed_titles(())) == [kind.code for kind in check_kinds()]


@quick
@given(
    amounts=st.lists(st.tuples(st.integers(1, 2), st.integers(-300_000, 300_000).filter(bool)), max_size=6),
    funded=st.integers(0, 200_000),
    forecast=st.booleans(),
    unsigned=st.booleans(),
    waiting=st.sets(st.sampled_from(sorted(KINDS))),
)
def test_a_check_that_failed_shows_a_finding_and_one_that_passed_none(
    amounts: list[tuple[int, int]], funded: int, forecast: bool, unsigned: bool, waiting: set[str]
) -> None:
    """Every check either stands among the passed or shows at least one finding, whatever the return."""
    entries = [actual(seq, quarter, pence) for seq, (quarter, pence) in enumerate(amounts, 1)]
    given_forecast: Mapping[int, int] | None = {3: 1_00, 4: 0} if forecast else None
    figures = figures_of(2, entries, [funding(pence=funded, forecast=given_forecast)], allocations={})
    found = run_checks(
        figures,
        facts(notes={}, agreement=AgreementStatus.OFFERED if unsigned else AgreementStatus.SIGNED),
        only=waiting,
    )
    passed = passed_titles((each.code for each in found), ran=waiting)
    assert codes(found) | passed.keys() == waiting
    assert not codes(found) & passed.keys()
    assert all(each.message and each.subject_ref for each in found)
    assert [each.severity for each in found] == sorted(each.severity for each in found)


def test_each_check_has_a_title_a_place_and_a_reason_where_it_cannot_be_changed() -> None:
    assert len({kind.title for kind in check_kinds()}) == len(check_kinds())
    for kind in check_kinds():
        assert kind.severity in (ERROR, WARNING)
        assert kind.where
        assert kind.may_change is (kind.fixed == "")
        assert not kind.fixed or kind.fixed.endswith(".")
    assert (title_of("gone_since"), where_of("gone_since")) == ("Gone since", "Returns")


def test_findings_of_figures_name_the_figure_to_the_penny() -> None:
    figures = figures_of(
        1,
        [actual(1, 1, 150_000), actual(2, 1, -5_000, ref="F02")],
        [funding(profile={1: 100_000}), funding("F02", 20_000, forecast=None)],
        allocations={},
    )
    found = {each.code: each for each in run_checks(figures, facts(notes={}))}
    lines = {line.ref: line for line in figures.lines}
    assert (found["variance_unexplained"].line_ref, found["variance_unexplained"].column_code) == ("F01", "variance")
    assert (found["forecast_missing"].line_ref, found["forecast_missing"].column_code) == ("F02", "outturn")
    assert found["locally_funded"].column_code == "locally_funded"
    assert format_pounds(lines["F01"].locally_funded) in found["locally_funded"].message
    assert (found["over_committed"].line_ref, found["over_committed"].quarter) == ("category:non_labour", 0)
    for each in found.values():
        assert (each.column_code is None) == (each.quarter is None)


def test_a_line_below_nought_is_said_of_the_figure_that_is() -> None:
    figures = spent((1, -20_00))
    found = [each for each in run_checks(figures, facts()) if each.code == "negative_line"]
    assert [each.column_code for each in found] == ["to_date", "this_period"]
    assert found[0].message == (
        "Title of F01 (F01): £20.00 less than nothing was spent to date: look for what was taken back."
    )
    first = spent((1, 50_00))
    second = figures_of(2, [actual(1, 1, 50_00), actual(2, 2, -20_00)], earlier=certified(first))
    negative = [each.column_code for each in run_checks(second, facts()) if each.code == "negative_line"]
    assert negative == ["this_period"]
    assert not [each for each in run_checks(first, facts()) if each.code == "negative_line"]


def test_a_return_in_which_nothing_was_spent_says_so() -> None:
    assert "nil_return" in codes(run_checks(spent(), facts()))
    assert "nil_return" not in codes(run_checks(spent((1, 1)), facts()))
    before = spent((1, 50_00))
    late = figures_of(2, [actual(1, 1, 50_00), actual(2, 1, 1_00)], earlier=certified(before))
    assert late.adjustments
    assert "nil_return" not in codes(run_checks(late, facts())), "an adjustment is something to report"
    assert "nil_return" in codes(run_checks(figures_of(2, [actual(1, 1, 50_00)], earlier=certified(before)), facts()))


def test_changes_and_falls_without_a_reason_stop_the_return() -> None:
    figures = spent((1, 100_000))
    changes = ChangeFacts(
        changed={"F01": "spent £1.00 → £2.00", "F09": "went"}, fell={"F01": "£3.00 → £2.00"}, reasons={"F09": "Merged"}
    )
    found = run_checks(figures, facts(), changes)
    assert [(each.severity, each.code, each.subject_ref, each.column_code) for each in found] == [
        (ERROR, "fall_unexplained", "changes:F01", "to_date"),
        (ERROR, "change_unexplained", "changes:F01", None),
    ]
    assert "Say why Title of F01 (F01) is not as it was: £3.00 → £2.00." in [each.message for each in found]
    unknown = run_checks(figures, facts(), ChangeFacts(changed={"F09": "went"}))
    assert (unknown[0].line_ref, unknown[0].message) == (None, "Say why F09 is not as it was: went.")
    assert run_checks(figures, facts(), ChangeFacts(changed={"F01": "x"}, reasons={"F01": "  "}))
    assert not run_checks(figures, facts(), ChangeFacts(changed={"F01": "x"}, reasons={"F01": "A late invoice"}))


def test_the_area_says_what_a_check_does_and_only_some_may_apply() -> None:
    figures = spent((1, 100_000))
    missing = facts(results_missing=[(5, "Nurse: “seen” has no result for Q1 2025/26")])
    (found,) = run_checks(figures, missing)
    assert (found.severity, found.subject_ref) == (WARNING, "plan_line:5")
    (blocks,) = run_checks(
        figures, facts(results_missing=missing.results_missing, severities={"output_missing": ERROR})
    )
    assert blocks.severity == ERROR
    assert not run_checks(figures, missing, only=("nil_return",))


def test_a_partners_line_that_is_not_known_here_is_named_and_leads_nowhere() -> None:
    figures = figures_of(1, [actual(1, 1, 150_000)], [funding(profile={1: 100_000})])
    found = run_checks(figures, facts(funding_ids={}, notes={}))
    assert {each.subject_ref for each in found} == {"line:F01"}


def test_a_rule_warns_up_to_its_day_and_blocks_after_it() -> None:
    rule = rule_of("warn_until:2025-09-30")
    assert rule == CheckRule(ERROR, dt.date(2025, 9, 30))
    assert rule.on(dt.date(2025, 9, 30)) == WARNING
    assert rule.on(dt.date(2025, 10, 1)) == ERROR
    assert (rule_of("warn").on(MAY), rule_of("block").on(MAY)) == (WARNING, ERROR)
    for stored in ("warn", "block", "warn_until:2025-09-30"):
        assert rule_of(stored).stored == stored
    for wrong in ("", "warn:2025-09-30", "warn_until", "warn_until:soon", "stop"):
        with pytest.raises(ValueError, match=r".+"):
            rule_of(wrong)


def test_an_open_accrual_is_asked_for_its_file_and_keeps_that_of_the_one_it_stands_in_for() -> None:
    accrual = row(1, kind=EntryKind.ACCRUAL, pence=95_00)
    assert look([accrual]).no_evidence == [accrual]
    assert look([accrual], evidenced={accrual.id}).no_evidence == []
    released = release(2, accrual)
    again = row(3, kind=EntryKind.ACCRUAL, pence=95_00, quarter=2, follows_id=released.id, spent_on=JULY)
    rows = [accrual, released, again]
    assert look(rows, last=2, own=(2,)).no_evidence == [again]
    assert look(rows, last=2, own=(2,), evidenced={accrual.id}).no_evidence == []
    assert look(rows).no_evidence == [accrual], "open at the end of its own quarter"
    of_ledger = row(4, kind=EntryKind.ACCRUAL, upload_id=9)
    assert look([of_ledger]).no_evidence == [], "the ledger's own accruals have the ledger behind them"


def test_a_released_accrual_is_confirmed_by_its_invoice_or_by_being_made_again() -> None:
    accrual = row(1, kind=EntryKind.ACCRUAL)
    released = release(2, accrual)
    assert look([accrual, released], last=2, own=(2,)).not_confirmed == [released]
    assert look([accrual, released]).not_confirmed == [], "the release counts in the next quarter"
    invoice = row(3, quarter=3, follows_id=released.id)
    assert look([accrual, released, invoice], last=2, own=(2,)).not_confirmed == [], "it came later"
    back = row(4, kind=EntryKind.REVERSAL, reversal_why=ReversalWhy.MISTAKE, reverses_seq=3, quarter=3, pence=-10_00)
    again = [accrual, released, invoice, back]
    assert look(again, last=2, own=(2,)).not_confirmed == [released], "the invoice was a mistake"
    at_the_end = row(5, kind=EntryKind.ACCRUAL, quarter=4)
    with_invoice = release(6, at_the_end)._replace(quarter=4)
    assert look([at_the_end, with_invoice], last=4, own=(4,)).not_confirmed == []


def test_dates_are_looked_at_where_they_are_new() -> None:
    before_year, before_paid = row(1, spent_on=dt.date(2025, 3, 30)), row(2, spent_on=dt.date(2025, 4, 2))
    late, fine = row(3, spent_on=JULY), row(4)
    found = look([before_year, before_paid, late, fine])
    assert found.outside_period == [before_year, before_paid]
    assert found.outside_quarter == [late]
    left_out = before_paid._replace(eligible=False)
    assert look([left_out]).outside_period == [], "it is locally funded already"
    assert look([before_year._replace(eligible=False)]).outside_period, "of another year whoever pays"
    taken_back = row(5, kind=EntryKind.REVERSAL, reversal_why=ReversalWhy.MISTAKE, reverses_seq=3, spent_on=JULY)
    assert look([late, taken_back]).outside_quarter == []
    closed = look([late], last=2, own=(2,), adjusted_after_seq=3)
    assert closed.outside_quarter == [], "the return of its quarter has said it"
    assert look([late], last=2, own=(2,), adjusted_after_seq=2).outside_quarter == [late], (
        "an adjustment of this return"
    )
    later = row(6, quarter=2, spent_on=MAY)
    assert look([later]).outside_quarter == [], "not of this return's quarters"
    assert look([later], last=2, own=(1, 2)).outside_quarter == [later]
    first, last = row(7, spent_on=dt.date(2025, 4, 15)), row(8, spent_on=dt.date(2025, 6, 30))
    assert look([first, last]) == EntryFindings([], [], [], [])


def test_findings_of_entries_count_them_and_lead_to_them() -> None:
    accruals = [row(1, kind=EntryKind.ACCRUAL, pence=95_00), row(2, kind=EntryKind.ACCRUAL, pence=5_00)]
    released = release(3, accruals[0])
    late = [row(4, spent_on=JULY), row(5, spent_on=dt.date(2025, 7, 1)), row(6, quarter=2)]
    found = EntryFindings(accruals, [released], [row(7, spent_on=dt.date(2025, 4, 2))], late)
    said = list(entry_findings(found, 7, 2025, {"F01": "Nurse (F01)"}))
    messages = [each.message for each in said]
    assert messages[0].startswith("2 open accruals of £100.00 of Nurse (F01) have no file that shows what was ordered")
    assert messages[1] == (
        "1 accrual of £95.00 of Nurse (F01) was released in Q2 2025/26, and its invoice has not come: accrue it again "
        "if the cost is still expected, or drop it."
    )
    assert messages[2] == (
        "1 entry of £10.00 of Nurse (F01) counts in Q1 2025/26 and is dated outside what the grant pays for in this "
        "year, on 2 April 2025: see that it belongs there."
    )
    assert messages[3] == (
        "2 entries of £20.00 of Nurse (F01) count in Q1 2025/26 and are dated outside that quarter, the first on "
        "1 July 2025: see that they belong there."
    )
    assert messages[4].startswith("1 entry of £10.00 of Nurse (F01) counts in Q2 2025/26 and is dated outside that")
    assert [each.subject_ref for each in said] == [
        "accruals:7/2025",
        "accruals:7/2025",
        "entries:7/2025/1/1",
        "entries:7/2025/1/1",
        "entries:7/2025/1/2",
    ]
    assert [(each.column_code, each.quarter) for each in said] == [
        ("accruals", 0),
        ("spent", 2),
        ("spent", 1),
        ("spent", 1),
        ("spent", 2),
    ]
    (one,) = entry_findings(EntryFindings(no_evidence=accruals[:1]), 7, 2025, {"F01": "Nurse (F01)"})
    assert one.subject_ref == "entry:101"
    assert re.match(r"1 open accrual of £95.00 of Nurse \(F01\) has no file", one.message)
