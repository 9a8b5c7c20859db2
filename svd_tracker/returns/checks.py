"""What is looked at before a return is passed on. Each finding says what is wrong and where it is put right.

An error stops the return from being checked; a warning goes with it to the certifier. ``check_kinds`` lists the checks.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from svd_tracker.approvals.models import ApprovalBody
from svd_tracker.calculations.figures import LineFigures, ReturnFigures
from svd_tracker.calculations.ledger_facts import Control, Lines, dropped_words, lines_words, month_name
from svd_tracker.calculations.nil import is_nil
from svd_tracker.finance.reconcile.queries import Outstanding
from svd_tracker.grants.models import AgreementStatus
from svd_tracker.money import format_pounds
from svd_tracker.periods import fy_label, quarter_short
from svd_tracker.returns.changing import ChangeFacts
from svd_tracker.returns.check_kinds import (
    LINES_CARRIED,
    LINES_DROPPED,
    LINES_OLD_YEAR,
    LINES_WAITING,
    Finding,
    found,
)
from svd_tracker.returns.entry_checks import EntryFindings, entry_findings


@dataclass(frozen=True)
class LedgerFacts:
    """How the council's ledger stands to a return: its lines that wait, its months, its totals by own quarter."""

    lines: Outstanding
    months_loaded: frozenset[int]
    totals: Mapping[int, int]
    controls: Mapping[int, Control]

    def months_missing(self, quarter: int) -> list[int]:
        """The months of a quarter without a ledger; none where no ledger was loaded in the whole year."""
        months = range(3 * quarter - 2, 3 * quarter + 1)
        return [month for month in months if month not in self.months_loaded] if self.months_loaded else []


@dataclass(frozen=True)
class CheckFacts:
    """What the figures alone do not say. Notes, bodies and conditions are by funding ref.

    ``severities`` are what the area makes of the checks on the day, by code; ``funding_ids`` lacks the lines of a
    partner whose fundings are not known here.
    """

    fy: int
    holder_id: int
    grant_id: int
    funding_ids: Mapping[str, int]
    notes: Mapping[str, str]
    quarters_with_entries: frozenset[int]  # other than what releases accruals and accrues them again
    agreement: AgreementStatus
    bodies_outstanding: Mapping[str, Sequence[ApprovalBody]]
    conditions_open: Mapping[str, Sequence[str]]
    earlier_not_certified: Sequence[str]  # the periods in words
    match_behind: Sequence[tuple[int, str]] = ()  # plan line id, and in words
    match_short: str = ""  # what the terms ask for and has not come, in words
    at_risk: Mapping[str, tuple[int, str]] = field(default_factory=dict)  # pence by funding ref, and before what
    ledger: LedgerFacts | None = None
    entries: EntryFindings = field(default_factory=EntryFindings)
    results_missing: Sequence[tuple[int, str]] = ()  # plan line id, and in words
    severities: Mapping[str, str] = field(default_factory=dict)


def run_checks(
    figures: ReturnFigures,
    facts: CheckFacts,
    changes: ChangeFacts = ChangeFacts(),  # noqa: B008  frozen
    only: Collection[str] | None = None,
) -> tuple[Finding, ...]:
    """Every finding, errors before warnings, each in the order of the lines.

    ``only`` are the codes of the checks that apply, all of them when not given. The ones that found nothing are
    ``passed_titles`` of the codes found.
    """
    findings = [*_of_the_period(figures, facts), *_of_the_money(figures, facts)]
    if facts.ledger:
        findings += lines_findings(facts.holder_id, facts.fy, figures.last_quarter, facts.ledger.lines)
        findings += _of_the_ledger(figures, facts, facts.ledger)
    for line in figures.lines:
        findings += _of_a_line(line, facts)
    findings += entry_findings(
        facts.entries, facts.holder_id, facts.fy, {line.ref: _name(line) for line in figures.lines}
    )
    findings += _of_changes(figures, changes)
    severities = [
        replace(each, severity=facts.severities.get(each.code, each.severity))
        for each in findings
        if only is None or each.code in only
    ]
    return tuple(sorted(severities, key=lambda finding: finding.severity))


def _of_the_period(figures: ReturnFigures, facts: CheckFacts) -> Iterator[Finding]:
    if not figures.lines:
        yield found(
            "no_fundings",
            f"year:{facts.holder_id}/{facts.fy}",
            "There are no fundings to report: open one first.",
        )
    for quarter in figures.own_quarters:
        said = facts.ledger and facts.ledger.months_missing(quarter)
        if quarter not in facts.quarters_with_entries and not said:
            yield found(
                "no_entries",
                f"ledger:{facts.holder_id}/{facts.fy}",
                f"No spend is recorded for {quarter_short(facts.fy, quarter)}: is the ledger in?",
                "",
                "spent",
                quarter,
            )
    if figures.lines and is_nil(figures):
        yield found(
            "nil_return",
            f"ledger:{facts.holder_id}/{facts.fy}",
            "Every line of this return is nought in its period: whoever passes it on says that it is a nil return.",
            "",
            "this_period",
        )
    for period in facts.earlier_not_certified:
        yield found(
            "earlier_not_certified",
            "returns:",
            f"The return of {period} is not certified. This one cannot be certified before it, and is built again "
            "once it is.",
        )
    if facts.agreement not in (AgreementStatus.SIGNED, AgreementStatus.CLOSED):
        yield found(
            "agreement_not_signed",
            f"grant:{facts.grant_id}",
            f"The grant agreement is {facts.agreement.value}, not signed: spend before it is signed is at risk.",
        )


def lines_findings(holder_id: int, fy: int, last_quarter: int, owed: Outstanding) -> Iterator[Finding]:
    """The ledger lines that stop a return, and those carried past it, which the certifier must accept.

    Those that the newest file no longer has are a warning: only a person can tell whether the ledger took a line out
    or the file was run for less, and a return must not wait for a file that never comes.
    """
    where = f"{holder_id}/{fy}/{last_quarter}"
    if owed.waiting.lines:
        them = "it" if owed.waiting.lines == 1 else "them"
        words = f"{lines_words(owed.waiting)} to be placed: place {them}, or carry {them} to the next return."
        yield found(LINES_WAITING, f"waiting:{where}", words)
    if owed.carried:
        total = sum(owed.carried.values(), Lines())
        some = "1 ledger line" if total.lines == 1 else f"{total.lines:,} ledger lines"
        reasons = "; ".join(
            (reason or "no reason given")
            + (f" ({each.lines:,} of {format_pounds(each.pence)})" if len(owed.carried) > 1 else "")
            for reason, each in owed.carried.items()
        )
        are = "is" if total.lines == 1 else "are"
        words = f"{some} of {format_pounds(total.pence)} {are} carried to the next return: {reasons}."
        yield found(LINES_CARRIED, f"carried:{where}", words)
    for quarter, lines in owed.dropped.items():
        words = (
            f"{dropped_words(lines)} of {quarter_short(fy, quarter)}. Where the ledger changed a line, the old one and "
            "the new one both count: leave the old one out."
        )
        yield found(LINES_DROPPED, f"dropped:{holder_id}/{fy}/{quarter}", words)
    if owed.old_year.lines:
        them, looks = ("it", "looks") if owed.old_year.lines == 1 else ("them", "look")
        words = (
            f"{lines_words(owed.old_year)} in {fy_label(fy + 1)} and {looks} like part of {fy_label(fy)}: "
            f"place {them} to its quarter 4 before this return goes."
        )
        yield found(LINES_OLD_YEAR, f"old_year:{where}", words)


def _of_the_ledger(figures: ReturnFigures, facts: CheckFacts, ledger: LedgerFacts) -> Iterator[Finding]:
    for quarter in figures.own_quarters:
        where = f"reconciliation:{facts.holder_id}/{facts.fy}/{quarter}"
        for month in ledger.months_missing(quarter):
            words = f"No ledger loaded for {month_name(facts.fy, month)}."
            yield found("ledger_not_loaded", where, words)
        control, total = ledger.controls.get(quarter), ledger.totals.get(quarter, 0)
        if control is not None and control.pence != total:
            words = (
                f"The ledger of {quarter_short(facts.fy, quarter)} comes to {format_pounds(total)}, and the control "
                f"total to {format_pounds(control.pence)}: they differ by {format_pounds(abs(total - control.pence))}."
            )
            yield found("control_total", where, words)


def _of_the_money(figures: ReturnFigures, facts: CheckFacts) -> Iterator[Finding]:
    total = figures.total
    if total.claimed_now < 0:
        yield found(
            "negative_claim",
            f"ledger:{facts.holder_id}/{facts.fy}",
            f"This claim is negative: {format_pounds(-total.claimed_now)} claimed before goes back.",
            "",
            "claimed_now",
        )
    if total.accruals:
        yield found(
            "open_accruals",
            f"accruals:{facts.holder_id}/{facts.fy}",
            f"Open accruals of {format_pounds(total.accruals)} are in the spend to date: is each still expected?",
            "",
            "accruals",
        )
    for plan_line_id, words in facts.match_behind:
        yield found("match_behind", f"plan_line:{plan_line_id}", f"{words}.")
    if facts.match_short:
        yield found("match_short", f"grant:{facts.grant_id}", facts.match_short)
    for plan_line_id, words in facts.results_missing:
        yield found("output_missing", f"plan_line:{plan_line_id}", f"{words}: enter it, or say why there is none.")
    for category, figure in figures.categories.items():
        if figure.over_committed:
            yield found(
                "over_committed",
                f"year:{facts.holder_id}/{facts.fy}",
                f"{category.label} fundings pass the allocation by {format_pounds(figure.over_committed)}.",
                f"category:{category.value}",
                "over_committed",
            )


def _of_a_line(line: LineFigures, facts: CheckFacts) -> Iterator[Finding]:
    funding, forecast = _subject("funding", line, facts), _subject("forecast", line, facts)
    name = _name(line)

    def of(code: str, subject: str, words: str, column: str) -> Finding:
        return found(code, subject, words, line.ref, column)

    if line.missing_reason:
        words = f"{name}: {_lower(line.missing_reason)}. Enter what is expected."
        yield of("forecast_missing", forecast, words, "outturn")
    if line.needs_explanation and line.variance is not None and not facts.notes.get(line.ref, "").strip():
        way = "over" if line.variance > 0 else "under"
        words = f"Explain the variance of {name}: its outturn is {format_pounds(abs(line.variance))} {way} its budget."
        yield of("variance_unexplained", forecast, words, "variance")
    for column, words in (("to_date", "to date"), ("this_period", "in this period")):
        if (pence := getattr(line, column)) < 0:
            words = (
                f"{name}: {format_pounds(-pence)} less than nothing was spent {words}: look for what was taken back."
            )
            yield of("negative_line", funding, words, column)
    if line.locally_funded > 0:
        words = f"{format_pounds(line.locally_funded)} of what was spent cannot be claimed and is locally funded."
        yield of("locally_funded", funding, f"{name}: {words}", "locally_funded")
    if line.repayable:
        words = f"{format_pounds(line.repayable)} was claimed before and can no longer be: it is repayable."
        yield of("repayable", funding, f"{name}: {words}", "repayable")
    if line.ref in facts.at_risk:
        pence, before = facts.at_risk[line.ref]
        words = f"{format_pounds(pence)} of {name} was spent before {before}: it is at risk."
        yield of("at_risk", funding, words, "eligible_to_date")
    if bodies := facts.bodies_outstanding.get(line.ref):
        names = " and ".join(sorted(_lower(body.label) for body in bodies))
        yield of("approval_outstanding", funding, f"{name}: the {names} has not agreed yet.", "funding")
    for condition in facts.conditions_open.get(line.ref, ()) if line.to_date else ():
        words = f"{format_pounds(line.to_date)} is spent, and a condition of its decision is not met: {condition}"
        yield of("condition_not_met", funding, f"{name}: {words}", "to_date")


def _of_changes(figures: ReturnFigures, changes: ChangeFacts) -> Iterator[Finding]:
    """Changes and falls without a reason; a line that went has no figure in this return any more."""
    names = {line.ref: _name(line) for line in figures.lines}
    for code, listed, column in (
        ("fall_unexplained", changes.fell, "to_date"),
        ("change_unexplained", changes.changed, None),
    ):
        for ref, words in listed.items():
            if not changes.reasons.get(ref, "").strip():
                yield found(
                    code,
                    f"changes:{ref}",
                    f"Say why {names.get(ref, ref)} is not as it was: {words}.",
                    ref if ref in names else None,
                    column if ref in names else None,
                )


def _subject(kind: str, line: LineFigures, facts: CheckFacts) -> str:
    return f"{kind}:{facts.funding_ids[line.ref]}" if line.ref in facts.funding_ids else f"line:{line.ref}"


def _name(line: LineFigures) -> str:
    return f"{line.title} ({line.ref})"


def _lower(text: str) -> str:
    return text if text[:2].isupper() else text[:1].lower() + text[1:]
