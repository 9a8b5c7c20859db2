"""What is looked at before a return is passed on. Each finding says what is wrong and where it is put right.

An error stops the return from being checked; a warning goes with it to the certifier.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from svd_tracker.approvals.models import ApprovalBody
from svd_tracker.calculations.figures import LineFigures, ReturnFigures
from svd_tracker.grants.models import AgreementStatus
from svd_tracker.money import format_pounds
from svd_tracker.periods import quarter_short

ERROR, WARNING = "error", "warning"


@dataclass(frozen=True)
class Finding:
    """``subject_ref`` is "kind:id"; the page makes a link to where it is put right of it."""

    severity: str
    code: str
    subject_ref: str
    message: str


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
    at_risk: Mapping[str, tuple[int, str]] = field(default_factory=dict)  # pence by funding ref, and before what


def run_checks(figures: ReturnFigures, facts: CheckFacts) -> tuple[Finding, ...]:
    """Every finding, errors before warnings, each in the order of the lines."""
    found = [*_of_the_period(figures, facts), *_of_the_money(figures, facts)]
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
        if quarter not in facts.quarters_with_entries:
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
