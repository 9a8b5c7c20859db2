"""The checks that apply to a return that came as a workbook, and where in it each finding is put right."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import replace

from svd_tracker.calculations.figures import ReturnFigures
from svd_tracker.finance.reconcile.queries import outstanding
from svd_tracker.grants import queries as grants
from svd_tracker.readers.line_findings import Severity
from svd_tracker.readers.partner_grid import Problem
from svd_tracker.readers.partner_layout import EXPLANATION
from svd_tracker.readers.partner_return import ReadReturn
from svd_tracker.returns import queries
from svd_tracker.returns.changing import ChangeFacts
from svd_tracker.returns.check_kinds import ERROR, LINES_WAITING, OF_LINES, WARNING, Finding, rules_of
from svd_tracker.returns.checks import CheckFacts, lines_findings, run_checks
from svd_tracker.returns.models import Obligation
from svd_tracker.returns.period_words import obligation_words

APPLY = (
    "nil_return",
    "earlier_not_certified",
    "agreement_not_signed",
    "negative_claim",
    "negative_line",
    "open_accruals",
    "over_committed",
    "locally_funded",
    "repayable",
    "forecast_missing",
    "variance_unexplained",
    "approval_outstanding",
    "change_unexplained",
    "fall_unexplained",
)
_EXPLAINED = ("variance_unexplained", "change_unexplained", "fall_unexplained")


def checks_of(
    obligation: Obligation,
    figures: ReturnFigures,
    notes: Mapping[str, str],
    funding_ids: Mapping[str, int],
    changes: ChangeFacts,
    on: dt.date,
) -> tuple[Finding, ...]:
    """What the checks find in figures that a workbook gave: those that need no ledger of ours.

    Ledger lines that wait here are told, and stop nothing: the workbook is what counts.
    """
    terms = grants.current_terms(obligation.grant_id)
    assert terms is not None  # the form was made by them
    bodies = queries.bodies_outstanding(funding_ids.values())
    facts = CheckFacts(
        fy=obligation.fy,
        holder_id=obligation.holder_id,
        grant_id=obligation.grant_id,
        funding_ids=funding_ids,
        notes=notes,
        quarters_with_entries=frozenset(figures.own_quarters),
        agreement=terms.status,
        bodies_outstanding={ref: bodies[key] for ref, key in funding_ids.items() if key in bodies},
        conditions_open={},
        earlier_not_certified=[
            obligation_words(each.fy, each.last_quarter, each.kind) for each in queries.uncertified_before(obligation)
        ],
        severities={code: rule.on(on) for code, rule in rules_of(obligation.grant.area_id).items()},
    )
    holder_id, fy, last = obligation.holder_id, obligation.fy, obligation.last_quarter
    lines = [
        replace(each, severity=WARNING) if each.code == LINES_WAITING else each
        for each in lines_findings(holder_id, fy, last, outstanding(holder_id, fy, last))
        if each.code in OF_LINES
    ]
    return (*run_checks(figures, facts, changes, only=APPLY), *lines)


def problems_of(findings: tuple[Finding, ...], read: ReadReturn) -> tuple[Problem, ...]:
    """The findings as problems of the workbook, at the cell where the partner puts each right.

    One of no cell, like an agreement that is not signed, is not the partner's to put right: here it is no error, and
    the return's own finding stays what it is.
    """
    lines = {line.ref: line for line in read.lines}
    problems = []
    for each in findings:
        line = lines.get(each.line_ref or "")
        cell = ""
        if line is not None:
            place = EXPLANATION if each.code in _EXPLAINED else (each.column_code or "", each.quarter or 0)
            cell = line.cells.get(place, line.ref_cell)
        severity = Severity.ERROR if each.severity == ERROR and cell else Severity.WARNING
        problems.append(Problem(severity, each.code, read.sheet if cell else "", cell, each.message))
    return tuple(problems)
