"""Findings as the pages show them: where each is put right, the figure that it is about, who accepted it and why."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from flask import url_for

from svd_tracker.calculations.figure_words import figure_label
from svd_tracker.money import format_pounds
from svd_tracker.returns.acceptances import AcceptedBefore, accepted_with_earlier
from svd_tracker.returns.accepting import why_not_acceptable
from svd_tracker.returns.check_kinds import title_of
from svd_tracker.returns.figures_store import FigureRow, LineRow
from svd_tracker.returns.models import LineSection, ReturnFinding, ReturnRevision
from svd_tracker.returns.trace import category_ref


@dataclass(frozen=True)
class FindingLink:
    """A finding of a check, the page where it is put right and the figure that it is about.

    ``accepted`` says who accepted it and why, empty while nobody has; ``accept_url`` leads to accepting it, or to
    taking that back, where the reader may.
    """

    severity: str
    check: str
    message: str
    url: str | None
    words: str
    figure: str = ""
    figure_url: str | None = None
    accepted: str = ""
    accept_url: str | None = None
    before: AcceptedBefore | None = None  # the same warning was accepted in an earlier revision


def link_findings(
    revision: ReturnRevision,
    findings: Sequence[ReturnFinding],
    rows: Sequence[LineRow],
    *,
    forecasts: bool,
    accepts: bool,
) -> tuple[FindingLink, ...]:
    """The findings of a build with ``rows``. Two queries.

    ``forecasts``: the reader may enter them. ``accepts``: the reader may accept warnings now.
    """
    figures = _figures(rows)
    accepted, before = accepted_with_earlier(revision)
    return tuple(
        replace(
            _linked(each, revision, figures, accepted, forecasts, accepts),
            before=before.get((each.code, each.subject_ref, each.message)),
        )
        for each in findings
    )


@dataclass(frozen=True)
class _Place:
    """A page: what its link says, and what the parts of a subject's key are in its address."""

    words: str
    endpoint: str
    parts: tuple[str, ...] = ()
    asked: Mapping[str, Any] = field(default_factory=dict)


_YEAR = ("holder_id", "fy")
_QUARTER = (*_YEAR, "quarter")
_PLACES: Mapping[str, _Place] = {
    "funding": _Place("See the funding", "finance.funding", ("funding_id",)),
    "forecast": _Place("Enter the forecast and its note", "finance.forecast", ("funding_id",)),
    "grant": _Place("See the agreement", "grants.show", ("grant_id",)),
    "plan_line": _Place("See its line in the plan", "members.plan_line", ("plan_line_id",)),
    "returns": _Place("See the returns", "returns.index"),
    "ledger": _Place("See the ledger", "finance.ledger", _YEAR),
    "year": _Place("See the year's money", "finance.year", _YEAR),
    "accruals": _Place("See the accruals", "finance.accruals", _YEAR),
    "entry": _Place("See its files", "finance.entry_files", ("entry_id",)),
    "entries": _Place("See the entries", "finance.ledger", (*_YEAR, "funding", "quarter"), {"sort": "date"}),
    "reconciliation": _Place("See the reconciliation", "finance.reconciliation", _QUARTER),
    "dropped": _Place("See the lines", "finance.ledger_lines", _QUARTER, {"show": "dropped"}),
    "old_year": _Place("Place the lines", "finance.queue", ("holder_id",), {"why": "old_year"}),
    "carried": _Place("See the lines", "finance.queue", ("holder_id",), {"carried": "yes"}),
    "waiting": _Place("Place the lines", "finance.queue", ("holder_id",)),
}
_Figures = Mapping[tuple[str, str, int], FigureRow]


def _linked(
    finding: ReturnFinding,
    revision: ReturnRevision,
    figures: _Figures,
    accepted: Mapping[tuple[str, str, str], str],
    forecasts: bool,
    accepts: bool,
) -> FindingLink:
    words, url = _put_right(finding, revision, forecasts)
    by_whom = accepted.get((finding.code, finding.subject_ref, finding.message), "")
    figure, figure_url = "", None
    if finding.line_ref is not None and finding.column_code is not None:
        line, code, quarter = finding.line_ref, finding.column_code, finding.quarter or 0
        row = figures.get((line, code, quarter))
        if row is not None:
            value = format_pounds(row.value) if row.value is not None else "not given"
            figure = f"{figure_label(code, quarter, revision.of.obligation.fy)}: {value}"
            figure_url = url_for("returns.figure", revision_id=revision.id, line=line, code=code, quarter=quarter)
    accept_url = None
    if accepts and not why_not_acceptable(finding.severity, finding.code):
        endpoint = "returns.take_back_acceptance" if by_whom else "returns.accept_finding"
        accept_url = url_for(endpoint, revision_id=revision.id, finding_id=finding.id)
    return FindingLink(
        finding.severity, title_of(finding.code), finding.message, url, words, figure, figure_url, by_whom, accept_url
    )


def _figures(rows: Sequence[LineRow]) -> dict[tuple[str, str, int], FigureRow]:
    return {(line, figure.code, figure.quarter): figure for line, figure in _of_lines(rows)}


def _of_lines(rows: Sequence[LineRow]) -> Iterator[tuple[str, FigureRow]]:
    for row in rows:
        if row.section in (LineSection.FUNDING, LineSection.TOTAL):
            yield from ((row.ref, figure) for figure in row.figures)
        elif row.section is LineSection.CATEGORY and row.category is not None:
            yield from ((category_ref(row.category), figure) for figure in row.figures)


def _put_right(finding: ReturnFinding, revision: ReturnRevision, forecasts: bool) -> tuple[str, str | None]:
    """A finding's "kind:id" as words and the address of the page where it is put right, if there is one here."""
    kind, _, key = finding.subject_ref.partition(":")
    if kind == "changes":
        return "Say why", url_for("returns.show", revision_id=revision.id, _anchor="changes")
    if kind == "forecast" and not forecasts:
        kind = "funding"
    if kind not in _PLACES:
        return "", None
    place = _PLACES[kind]
    named = zip(place.parts, key.split("/"), strict=False)
    here: dict[str, Any] = {name: int(part) for name, part in named}
    return place.words, url_for(place.endpoint, **here, **place.asked)
