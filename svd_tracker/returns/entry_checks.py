"""What the ledger entries behind a return say of themselves: accruals without a file, dates that do not fit."""

import datetime as dt
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby

from svd_tracker.calculations.accruals import open_accruals
from svd_tracker.calculations.figures import EntryKind, ReversalWhy
from svd_tracker.calculations.limits import Limits
from svd_tracker.finance.facts import to_entry_facts
from svd_tracker.finance.queries import EntryRow
from svd_tracker.money import format_pounds
from svd_tracker.periods import format_date, quarter_end, quarter_short, quarter_start
from svd_tracker.returns.check_kinds import Finding, found

_OF_ACCRUALS = frozenset({EntryKind.ACCRUAL, EntryKind.REVERSAL})
_OUTSIDE = frozenset({"outside_period", "before_eligible"})


@dataclass(frozen=True)
class EntryFindings:
    """The entries that a check found, by seq."""

    no_evidence: Sequence[EntryRow] = field(default_factory=tuple)  # open accruals at the period's end
    not_confirmed: Sequence[EntryRow] = field(default_factory=tuple)  # releases that nothing has followed
    outside_period: Sequence[EntryRow] = field(default_factory=tuple)
    outside_quarter: Sequence[EntryRow] = field(default_factory=tuple)


def look_at_entries(
    rows: Sequence[EntryRow],
    *,
    fy: int,
    last_quarter: int,
    own_quarters: Collection[int],
    adjusted_after_seq: int,
    evidenced: Collection[int],
    limits: Mapping[int, Limits],
) -> EntryFindings:
    """What the checks find in all entries of a holder, grant and year up to the cut.

    ``evidenced`` are the ids of entries with a kept file: an accrual that was made again keeps those of the one it
    stands in for (FIGURES.md 13). Dates are looked at where they are new in this return: in its own quarters, and in
    adjustments to closed ones (FIGURES.md 3).
    """
    of_accruals = [row for row in rows if row.kind in _OF_ACCRUALS]
    by_seq, by_id = {row.seq: row for row in of_accruals}, {row.id: row for row in of_accruals}
    mistakes = {row.reverses_seq for row in of_accruals if row.reversal_why is ReversalWhy.MISTAKE}
    followed = {row.follows_id for row in rows if row.follows_id and row.seq not in mistakes}
    counted = [row for row in of_accruals if row.quarter <= last_quarter]

    def has_file(accrual: EntryRow | None) -> bool:
        while accrual is not None:
            if accrual.id in evidenced:
                return True
            release = by_id.get(accrual.follows_id or 0)
            accrual = by_seq.get(release.reverses_seq or 0) if release else None
        return False

    still_open = [by_seq[each.seq] for each in open_accruals(to_entry_facts(counted), last_quarter)]
    outside = _outside(rows, fy, last_quarter, own_quarters, adjusted_after_seq, mistakes, limits)
    return EntryFindings(
        no_evidence=[row for row in still_open if row.pence > 0 and not has_file(row)],
        not_confirmed=[
            row
            for row in counted
            if row.reversal_why is ReversalWhy.RELEASE
            and row.id not in followed
            and by_seq[row.reverses_seq or 0].quarter < row.quarter
        ],
        outside_period=outside["outside_period"],
        outside_quarter=outside["outside_quarter"],
    )


def _outside(
    rows: Iterable[EntryRow],
    fy: int,
    last_quarter: int,
    own_quarters: Collection[int],
    adjusted_after_seq: int,
    mistakes: Collection[int | None],
    limits: Mapping[int, Limits],
) -> dict[str, list[EntryRow]]:
    """The entries whose date does not fit, by check. A day is judged once, however many entries have it."""
    days: dict[tuple[int, int, dt.date, bool], str] = {}
    found: dict[str, list[EntryRow]] = {"outside_period": [], "outside_quarter": []}
    for row in rows:
        quarter = row.quarter
        if quarter > last_quarter or not (quarter in own_quarters or row.seq > adjusted_after_seq):
            continue
        key = (row.funding_id, quarter, row.spent_on, row.eligible)
        code = days.get(key)
        if code is None:
            code = days[key] = _why_outside(row, fy, limits[row.funding_id])
        if code and row.kind is not EntryKind.REVERSAL and row.seq not in mistakes:
            found[code].append(row)
    return found


def _why_outside(row: EntryRow, fy: int, limits: Limits) -> str:
    codes = limits.verdict(row.spent_on).codes
    if row.spent_on < limits.first_day or (row.eligible and not _OUTSIDE.isdisjoint(codes)):
        return "outside_period"
    inside = quarter_start(fy, row.quarter) <= row.spent_on <= quarter_end(fy, row.quarter)
    return "" if inside else "outside_quarter"


def entry_findings(entries: EntryFindings, holder_id: int, fy: int, names: Mapping[str, str]) -> Iterator[Finding]:
    """The findings, each of one funding, or of one and a quarter. ``names`` are by funding ref."""
    accruals = f"accruals:{holder_id}/{fy}"
    for ref, rows in _by_funding(entries.no_evidence):
        some = "1 open accrual" if len(rows) == 1 else f"{len(rows):,} open accruals"
        has = "has" if len(rows) == 1 else "have"
        yield found(
            "accrual_no_evidence",
            f"entry:{rows[0].id}" if len(rows) == 1 else accruals,
            f"{some} of {_pounds(rows)} of {names[ref]} {has} no file that shows what was ordered or came, like an "
            "order or a delivery note.",
            ref,
            "accruals",
        )
    for ref, quarter, rows in _by_quarter(entries.not_confirmed):
        one = len(rows) == 1
        yield found(
            "accrual_not_confirmed",
            accruals,
            f"{'1 accrual' if one else f'{len(rows):,} accruals'} of {format_pounds(-sum(row.pence for row in rows))} "
            f"of {names[ref]} {'was' if one else 'were'} released in {quarter_short(fy, quarter)}, and "
            f"{'its invoice has' if one else 'their invoices have'} not come: accrue {'it' if one else 'them'} again "
            f"if the cost is still expected, or drop {'it' if one else 'them'}.",
            ref,
            "spent",
            quarter,
        )
    for code, listed, why in (
        ("outside_period", entries.outside_period, "outside what the grant pays for in this year"),
        ("outside_quarter", entries.outside_quarter, "outside that quarter"),
    ):
        for ref, quarter, rows in _by_quarter(listed):
            one, first = len(rows) == 1, min(row.spent_on for row in rows)
            when = f"on {format_date(first)}" if one else f"the first on {format_date(first)}"
            yield found(
                code,
                f"entries:{holder_id}/{fy}/{rows[0].funding_id}/{quarter}",
                f"{'1 entry' if one else f'{len(rows):,} entries'} of {_pounds(rows)} of {names[ref]} "
                f"{'counts' if one else 'count'} in {quarter_short(fy, quarter)} and {'is' if one else 'are'} dated "
                f"{why}, {when}: see that {'it belongs' if one else 'they belong'} there.",
                ref,
                "spent",
                quarter,
            )


def _by_funding(rows: Iterable[EntryRow]) -> Iterator[tuple[str, list[EntryRow]]]:
    for ref, group in groupby(sorted(rows, key=lambda row: row.funding_ref), key=lambda row: row.funding_ref):
        yield ref, list(group)


def _by_quarter(rows: Iterable[EntryRow]) -> Iterator[tuple[str, int, list[EntryRow]]]:
    for ref, of_funding in _by_funding(rows):
        ordered = sorted(of_funding, key=lambda row: row.quarter)
        for quarter, group in groupby(ordered, key=lambda row: row.quarter):
            yield ref, quarter, list(group)


def _pounds(rows: Iterable[EntryRow]) -> str:
    return format_pounds(sum(row.pence for row in rows))
