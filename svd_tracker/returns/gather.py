"""Everything that goes into a return, read at one cut (FIGURES.md 5).

Called inside one reading transaction: what it sees is the cut, whatever the clocks of those who recorded it say.
"""

import datetime as dt
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

from svd_tracker.accounts.queries import read_whole_setting
from svd_tracker.audit.services import canonical
from svd_tracker.calculations.figures import (
    Earlier,
    EntryKind,
    ObligationKind,
    ReturnInputs,
    ReversalWhy,
    Tolerance,
)
from svd_tracker.calculations.progress import PlanLineProgress
from svd_tracker.calculations.returns import own_quarters
from svd_tracker.decisions import queries as decisions
from svd_tracker.delivery.progress import missing_results, progress_of
from svd_tracker.errors import Refused
from svd_tracker.finance import match_queries
from svd_tracker.finance import queries as finance
from svd_tracker.finance.evidence import entries_with_files
from svd_tracker.finance.facts import to_entry_facts, to_funding_facts
from svd_tracker.finance.limits import FundingLimits, limits_for
from svd_tracker.finance.match_queries import MatchNow
from svd_tracker.finance.match_standing import YearMatch, match_of_year
from svd_tracker.finance.queries import EntryRow, FundingNow
from svd_tracker.finance.reconcile.queries import YearFacts, outstanding, read_year
from svd_tracker.grants import queries as grants
from svd_tracker.grants.models import GrantTerms
from svd_tracker.money import format_pounds
from svd_tracker.periods import QUARTERS, format_date, quarter_end
from svd_tracker.returns import figures_store, queries
from svd_tracker.returns.check_kinds import rules_of
from svd_tracker.returns.checks import CheckFacts, LedgerFacts
from svd_tracker.returns.entry_checks import look_at_entries
from svd_tracker.returns.figures_store import MatchFigures
from svd_tracker.returns.models import Obligation
from svd_tracker.returns.period_words import obligation_words
from svd_tracker.returns.queries import CertifiedBuild


@dataclass(frozen=True)
class Gathered:
    """The inputs of a return and what its checks and its workbook need beside them. ``notes`` are by funding ref."""

    inputs: ReturnInputs
    terms: GrantTerms
    entries: Sequence[EntryRow]
    funding_ids: Mapping[str, int]
    notes: Mapping[str, str]
    match: tuple[MatchFigures, ...]
    progress: tuple[PlanLineProgress, ...]
    facts: CheckFacts
    reconciled: YearFacts
    adjusted_after_seq: int
    ledger_seq: int
    inputs_digest: str
    budgets_digest: str


def gather(obligation: Obligation, on: dt.date) -> Gathered:
    """Read all that one return is made of. Raises Refused while the grant has no terms.

    ``on`` is the day: what the area makes of the checks may change with it. A fixed number of queries, whatever the
    number of fundings and entries.
    """
    holder_id, grant_id, fy = obligation.holder_id, obligation.grant_id, obligation.fy
    area_id, last = obligation.grant.area_id, obligation.last_quarter
    terms = grants.current_terms(grant_id)
    if terms is None:
        raise Refused("The grant has no agreement terms yet: enter them before a return is built")
    ledger_seq = finance.ledger_seq(holder_id)
    rows = finance.entry_rows(holder_id, grant_id, fy, ledger_seq)
    entries = tuple(entry for entry in rows if entry.quarter <= last)
    fundings = finance.fundings(holder_id, fy, grant_id)
    forecasts = finance.newest_forecasts([funding.id for funding in fundings])
    budgets = queries.budget_versions(obligation)
    tolerance = Tolerance(read_whole_setting("variance_bp", area_id), read_whole_setting("variance_pence", area_id))
    builds = queries.earlier_builds(obligation)
    matches = match_queries.match_lines(holder_id, fy, quarter_end(fy, last))
    match = tuple(
        MatchFigures(
            line.plan_line_title,
            line.organisation,
            line.kind.value,
            line.promised,
            line.confirmed,
            line.achieved,
            line.withdrawn,
        )
        for line in matches
    )
    beside = _match_of(terms, matches, fundings, entries)
    funding_ids = {funding.ref: funding.id for funding in fundings}
    notes = {funding.ref: forecasts[funding.id].note for funding in fundings if funding.id in forecasts}
    earlier = earlier_of(builds)
    own = own_quarters(last, earlier.closed_quarters)
    adjusted_after_seq = builds[-1].ledger_seq if builds else 0
    progress = progress_of(holder_id, fy, last, own)
    limits = limits_for(holder_id, [fy])
    looked_at = look_at_entries(
        rows,
        fy=fy,
        last_quarter=last,
        own_quarters=own,
        adjusted_after_seq=adjusted_after_seq,
        evidenced=entries_with_files(holder_id, fy),
        limits=limits,
    )
    severities = {code: rule.on(on) for code, rule in rules_of(area_id).items()}
    conditions = decisions.conditions_open(holder_id, grant_id, fy)
    bodies = queries.bodies_outstanding(funding_ids.values())
    reconciled, lines = read_year(obligation.holder, fy), outstanding(holder_id, fy, last)
    inputs = ReturnInputs(
        kind=obligation.kind,
        last_quarter=last,
        allocations={
            category: pence for category, (_, pence) in grants.allocations_of_holder(grant_id, holder_id, fy).items()
        },
        fundings=to_funding_facts(fundings, forecasts),
        entries=to_entry_facts(entries),
        earlier=earlier,
        tolerance=tolerance,
    )
    digest_of = {
        "ledger_seq": ledger_seq,
        "budgets": budgets,
        "terms": terms.id,
        "forecasts": {funding.ref: forecasts[funding.id].id for funding in fundings if funding.id in forecasts},
        "settings": [tolerance.basis_points, tolerance.pence],
        "earlier": [build.build_id for build in builds],
        "ledger_lines": [lines.plain(), reconciled.plain()],
        "progress": [asdict(line) for line in progress],
        "checks": severities,
        "accruals_without_a_file": [entry.seq for entry in looked_at.no_evidence],
        "match": [[line.plan_line, line.source, line.kind, *_stages(line)] for line in match],
    }
    return Gathered(
        inputs=inputs,
        terms=terms,
        entries=entries,
        funding_ids=funding_ids,
        notes=notes,
        match=match,
        progress=progress,
        facts=CheckFacts(
            fy=fy,
            holder_id=holder_id,
            grant_id=grant_id,
            funding_ids=funding_ids,
            notes=notes,
            quarters_with_entries=frozenset(
                entry.quarter
                for entry in entries
                if entry.reversal_why is not ReversalWhy.RELEASE
                and not (entry.kind is EntryKind.ACCRUAL and entry.follows_id)
            ),
            agreement=terms.status,
            bodies_outstanding={ref: bodies[key] for ref, key in funding_ids.items() if key in bodies},
            conditions_open={
                each.ref: conditions[each.intervention_id] for each in fundings if each.intervention_id in conditions
            },
            earlier_not_certified=[
                obligation_words(fy, each.last_quarter, each.kind) for each in queries.uncertified_before(obligation)
            ],
            match_behind=[(match.plan_line_id, f"{match.plan_line_title}: {by.words}") for match, by in beside.behind],
            match_short=match_short(beside, last),
            at_risk=_at_risk(entries, limits),
            ledger=LedgerFacts(lines, reconciled.months_loaded, reconciled.ledger_totals, reconciled.controls),
            entries=looked_at,
            results_missing=missing_results(holder_id, fy, own or QUARTERS),  # a final covers none of its own, and all
            severities=severities,
        ),
        reconciled=reconciled,
        adjusted_after_seq=adjusted_after_seq,
        ledger_seq=ledger_seq,
        inputs_digest=digest(digest_of),
        budgets_digest=digest(budgets),
    )


def _match_of(
    terms: GrantTerms, matches: Sequence[MatchNow], fundings: Sequence[FundingNow], entries: Sequence[EntryRow]
) -> YearMatch:
    """Match beside the spend of this return (FIGURES.md 16)."""
    spent: dict[int, int] = {}
    for entry in entries:
        spent[entry.funding_id] = spent.get(entry.funding_id, 0) + entry.pence
    return match_of_year(terms, matches, fundings, spent)


def match_short(beside: YearMatch, last_quarter: int) -> str:
    """In words, match that the terms ask for and that has not come; a sum for the year is asked at its end."""
    if beside.required is None or beside.achieved >= beside.required:
        return ""
    if beside.fixed and last_quarter < max(QUARTERS):
        return ""
    asked = "for the year" if beside.fixed else f"on the {format_pounds(beside.spent)} spent so far"
    return (
        f"The agreement asks for {format_pounds(beside.required)} of match {asked}, and "
        f"{format_pounds(beside.achieved)} has come."
    )


def _at_risk(entries: Sequence[EntryRow], limits: Mapping[int, FundingLimits]) -> dict[str, tuple[int, str]]:
    """Eligible spend from before the agreement was signed or the last body agreed: pence by funding ref, and when."""
    befores = {funding_id: each.at_risk_before for funding_id, each in limits.items()}
    found: dict[str, tuple[int, str]] = {}
    for entry in entries:
        before = befores[entry.funding_id]
        if before and entry.eligible and entry.spent_on < before[0]:
            pence = found.get(entry.funding_ref, (0, ""))[0] + entry.pence
            found[entry.funding_ref] = (pence, f"{format_date(before[0])}, when {before[1]}")
    return {ref: each for ref, each in found.items() if each[0] > 0}


def digest(value: object) -> str:
    """SHA-256 of a value's canonical JSON."""
    return hashlib.sha256(canonical(value).encode()).hexdigest()


def _stages(line: MatchFigures) -> list[int]:
    return [getattr(line, stage) for stage in figures_store.MATCH_STAGES]


def earlier_of(builds: Sequence[CertifiedBuild]) -> Earlier:
    """What the newest certified revisions of earlier periods said, from their stored rows (FIGURES.md 3)."""
    if not builds:
        return Earlier()
    rows = figures_store.load(build.build_id for build in builds)
    reported: dict[tuple[str, int], int] = {}
    adjusted: dict[tuple[str, int], int] = {}
    claimed: dict[str, int] = {}
    final: dict[str, int] | None = None
    for build in builds:
        figures = figures_store.from_rows(rows[build.build_id])
        claimed = {line.ref: line.claimed_to_date for line in figures.lines}
        if build.kind is ObligationKind.FINAL:
            final = claimed
        for line in figures.lines:
            for quarter in figures.own_quarters:
                reported[line.ref, quarter] = line.spent_by_quarter[quarter]
        for change in figures.adjustments:
            key = (change.funding_ref, change.quarter)
            adjusted[key] = adjusted.get(key, 0) + change.pence
    closed = frozenset(range(1, builds[-1].last_quarter + 1))
    return Earlier(closed, reported, adjusted, claimed, final)
