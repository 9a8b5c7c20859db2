"""What is looked at before a return is passed on. Each finding says what is wrong and where it is put right.

An error stops the return from being checked; a warning goes with it to the certifier.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from svd_tracker.approvals.models import ApprovalBody
from svd_tracker.calculations.figures import LineFigures, ReturnFigures
from svd_tracker.calculations.ledger_facts import Control, Lines, dropped_words, lines_words, month_name
from svd_tracker.finance.reconcile.queries import Outstanding
from svd_tracker.grants.models import AgreementStatus
from svd_tracker.money import format_pounds
from svd_tracker.periods import fy_label, quarter_short

ERROR, WARNING = "error", "warning"
LINES_WAITING, LINES_CARRIED = "lines_waiting", "lines_carried"
LINES_DROPPED, LINES_OLD_YEAR = "lines_dropped", "lines_old_year"
OF_LINES = frozenset((LINES_WAITING, LINES_CARRIED, LINES_DROPPED, LINES_OLD_YEAR))


@dataclass(frozen=True)
class Finding:
    """``subject_ref`` is "kind:id"; the page makes a link to where it is put right of it.

    The figure that it is about, where there is one: ``line_ref`` the funding's ref or "" for the return's total,
    ``column_code`` the figure's, ``quarter`` 0 for a figure of no single quarter.
    """

    severity: str
    code: str
    subject_ref: str
    message: str
    line_ref: str | None = None
    column_code: str | None = None
    quarter: int | None = None


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
    """What the figures alone do not say. Notes, bodies and conditions are by funding ref."""

    fy: int
    holder_id: int
    grant_id: int
    funding_ids: Mapping[str, int]
    notes: Mapping[str, str]
    quarters_with_entries: frozenset[int]  # other than what releases accruals and accrues them again
    agreement: AgreementStatus
    bodies_outstanding: Mapping[str, Sequence[ApprovalBody]]
    conditions_open: Mapping[str, Sequence[str]]
    earlier_not_certified: Sequence[int]
    match_behind: Sequence[tuple[int, str]] = ()  # plan line id, and in words
    match_short: str = ""  # what the terms ask for and has not come, in words
    at_risk: Mapping[str, tuple[int, str]] = field(default_factory=dict)  # pence by funding ref, and before what
    ledger: LedgerFacts | None = None


def run_checks(figures: ReturnFigures, facts: CheckFacts) -> tuple[Finding, ...]:
    """Every finding, errors before warnings, each in the order of the lines."""
    found = [*_of_the_period(figures, facts), *_of_the_money(figures, facts)]
    if facts.ledger:
        found += lines_findings(facts.holder_id, facts.fy, figures.last_quarter, facts.ledger.lines)
        found += _of_the_ledger(figures, facts, facts.ledger)
    for line in figures.lines:
        found += _of_a_line(line, facts)
    return tuple(sorted(found, key=lambda finding: finding.severity))


def _of_the_period(figures: ReturnFigures, facts: CheckFacts) -> Iterator[Finding]:
    if not figures.lines:
        yield Finding(
            ERROR,
            "no_fundings",
            f"year:{facts.holder_id}/{facts.fy}",
            "There are no fundings to report: open one first.",
        )
    for quarter in figures.own_quarters:
        said = facts.ledger and facts.ledger.months_missing(quarter)
        if quarter not in facts.quarters_with_entries and not said:
            yield Finding(
                WARNING,
                "no_entries",
                f"ledger:{facts.holder_id}/{facts.fy}",
                f"No spend is recorded for {quarter_short(facts.fy, quarter)}: is the ledger in?",
            )
    for quarter in facts.earlier_not_certified:
        yield Finding(
            WARNING,
            "earlier_not_certified",
            "returns:",
            f"The return of {quarter_short(facts.fy, quarter)} is not certified. This one cannot be certified "
            "before it, and is built again once it is.",
        )
    if facts.agreement not in (AgreementStatus.SIGNED, AgreementStatus.CLOSED):
        yield Finding(
            WARNING,
            "agreement_not_signed",
            f"grant:{facts.grant_id}",
            f"The grant agreement is {facts.agreement.value}, not signed: spend before it is signed is at risk.",
        )


def lines_findings(holder_id: int, fy: int, last_quarter: int, found: Outstanding) -> Iterator[Finding]:
    """The ledger lines that stop a return, and those carried past it, which the certifier must accept.

    Those that the newest file no longer has are a warning: only a person can tell whether the ledger took a line out
    or the file was run for less, and a return must not wait for a file that never comes.
    """
    where = f"{holder_id}/{fy}/{last_quarter}"
    if found.waiting.lines:
        them = "it" if found.waiting.lines == 1 else "them"
        words = f"{lines_words(found.waiting)} to be placed: place {them}, or carry {them} to the next return."
        yield Finding(ERROR, LINES_WAITING, f"waiting:{where}", words)
    if found.carried:
        total = sum(found.carried.values(), Lines())
        some = "1 ledger line" if total.lines == 1 else f"{total.lines:,} ledger lines"
        reasons = "; ".join(
            (reason or "no reason given")
            + (f" ({each.lines:,} of {format_pounds(each.pence)})" if len(found.carried) > 1 else "")
            for reason, each in found.carried.items()
        )
        are = "is" if total.lines == 1 else "are"
        words = f"{some} of {format_pounds(total.pence)} {are} carried to the next return: {reasons}."
        yield Finding(WARNING, LINES_CARRIED, f"carried:{where}", words)
    for quarter, lines in found.dropped.items():
        words = (
            f"{dropped_words(lines)} of {quarter_short(fy, quarter)}. Where the ledger changed a line, the old one and "
            "the new one both count: leave the old one out."
        )
        yield Finding(WARNING, LINES_DROPPED, f"dropped:{holder_id}/{fy}/{quarter}", words)
    if found.old_year.lines:
        them, looks = ("it", "looks") if found.old_year.lines == 1 else ("them", "look")
        words = (
            f"{lines_words(found.old_year)} in {fy_label(fy + 1)} and {looks} like part of {fy_label(fy)}: "
            f"place {them} to its quarter 4 before this return goes."
        )
        yield Finding(WARNING, LINES_OLD_YEAR, f"old_year:{where}", words)


def _of_the_ledger(figures: ReturnFigures, facts: CheckFacts, ledger: LedgerFacts) -> Iterator[Finding]:
    for quarter in figures.own_quarters:
        where = f"reconciliation:{facts.holder_id}/{facts.fy}/{quarter}"
        for month in ledger.months_missing(quarter):
            words = f"No ledger loaded for {month_name(facts.fy, month)}."
            yield Finding(WARNING, "ledger_not_loaded", where, words)
        control, total = ledger.controls.get(quarter), ledger.totals.get(quarter, 0)
        if control is not None and control.pence != total:
            words = (
                f"The ledger of {quarter_short(facts.fy, quarter)} comes to {format_pounds(total)}, and the control "
                f"total to {format_pounds(control.pence)}: they differ by {format_pounds(abs(total - control.pence))}."
            )
            yield Finding(WARNING, "control_total", where, words)


def _of_the_money(figures: ReturnFigures, facts: CheckFacts) -> Iterator[Finding]:
    total = figures.total
    if total.claimed_now < 0:
        yield Finding(
            WARNING,
            "negative_claim",
            f"ledger:{facts.holder_id}/{facts.fy}",
            f"This claim is negative: {format_pounds(-total.claimed_now)} claimed before goes back.",
        )
    if total.accruals:
        yield Finding(
            WARNING,
            "open_accruals",
            f"ledger:{facts.holder_id}/{facts.fy}",
            f"Open accruals of {format_pounds(total.accruals)} are in the spend to date: is each still expected?",
        )
    for plan_line_id, words in facts.match_behind:
        yield Finding(WARNING, "match_behind", f"plan_line:{plan_line_id}", f"{words}.")
    if facts.match_short:
        yield Finding(WARNING, "match_short", f"grant:{facts.grant_id}", facts.match_short)
    for category, figure in figures.categories.items():
        if figure.over_committed:
            yield Finding(
                WARNING,
                "over_committed",
                f"year:{facts.holder_id}/{facts.fy}",
                f"{category.label} fundings pass the allocation by {format_pounds(figure.over_committed)}.",
            )


def _of_a_line(line: LineFigures, facts: CheckFacts) -> Iterator[Finding]:
    funding = f"funding:{facts.funding_ids[line.ref]}"
    forecast = f"forecast:{facts.funding_ids[line.ref]}"
    name = f"{line.title} ({line.ref})"
    if line.missing_reason:
        yield Finding(
            ERROR, "forecast_missing", forecast, f"{name}: {_lower(line.missing_reason)}. Enter what is expected."
        )
    if line.needs_explanation and line.variance is not None and not facts.notes.get(line.ref, "").strip():
        way = "over" if line.variance > 0 else "under"
        yield Finding(
            ERROR,
            "variance_unexplained",
            forecast,
            f"Explain the variance of {name}: its outturn is {format_pounds(abs(line.variance))} {way} its budget.",
        )
    if line.locally_funded > 0:
        yield Finding(
            WARNING,
            "locally_funded",
            funding,
            f"{name}: {format_pounds(line.locally_funded)} of what was spent cannot be claimed and is locally funded.",
        )
    if line.repayable:
        yield Finding(
            WARNING,
            "repayable",
            funding,
            f"{name}: {format_pounds(line.repayable)} was claimed before and can no longer be: it is repayable.",
        )
    if line.ref in facts.at_risk:
        pence, before = facts.at_risk[line.ref]
        words = f"{format_pounds(pence)} of {name} was spent before {before}: it is at risk."
        yield Finding(WARNING, "at_risk", funding, words)
    if bodies := facts.bodies_outstanding.get(line.ref):
        names = " and ".join(sorted(_lower(body.label) for body in bodies))
        yield Finding(WARNING, "approval_outstanding", funding, f"{name}: the {names} has not agreed yet.")
    for condition in facts.conditions_open.get(line.ref, ()) if line.to_date else ():
        yield Finding(
            WARNING,
            "condition_not_met",
            funding,
            f"{name}: {format_pounds(line.to_date)} is spent, and a condition of its decision is not met: {condition}",
        )


def _lower(text: str) -> str:
    return text if text[:2].isupper() else text[:1].lower() + text[1:]
