"""Findings as the pages show them: where each is put right, the figure that it is about, who accepted it and why."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flask import url_for

from svd_tracker.calculations.figure_words import figure_label
from svd_tracker.money import format_pounds
from svd_tracker.returns.acceptances import accepted_of
from svd_tracker.returns.accepting import why_not_acceptable
from svd_tracker.returns.check_kinds import title_of
from svd_tracker.returns.figures_store import FigureRow, LineRow
from svd_tracker.returns.models import LineSection, ReturnFinding, ReturnRevision
from svd_tracker.returns.trace import category_ref


@dataclass(frozen=True)
class FindingLink:
    """A finding of a check, the page where it is put right and the figure that it is about.

    ``accepted`` says who accepted it and why, empty while nobody has; ``accept_url`` leads to accepting it, or to taking
    that back, where the reader may.
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
    figures, accepted = _figures(rows), accepted_of(revision.id)
    return tuple(_linked(each, revision, figures, accepted, forecasts, accepts) for each in findings)


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
    """A finding's "kind:id" as words and the address of the page where it is put right."""
    kind, _, key = finding.subject_ref.partition(":")
    words, url = "", None
    if kind == "funding" or (kind == "forecast" and not forecasts):
        words, url = "See the funding", url_for("finance.funding", funding_id=int(key))
    elif kind == "forecast":
        words, url = "Enter the forecast and its note", url_for("finance.forecast", funding_id=int(key))
    elif kind == "grant":
        words, url = "See the agreement", url_for("grants.show", grant_id=int(key))
    elif kind == "plan_line":
        words, url = "See its line in the plan", url_for("members.plan_line", plan_line_id=int(key))
    elif kind == "returns":
        words, url = "See the returns", url_for("returns.index")
    elif kind in ("waiting", "carried", "dropped", "old_year", "reconciliation"):
        holder_id, fy, quarter = (int(part) for part in key.split("/"))
        here: dict[str, Any] = {"holder_id": holder_id, "fy": fy, "quarter": quarter}
        if kind == "reconciliation":
            words, url = "See the reconciliation", url_for("finance.reconciliation", **here)
        elif kind == "dropped":
            words, url = "See the lines", url_for("finance.ledger_lines", show="dropped", **here)
        elif kind == "old_year":
            words, url = "Place the lines", url_for("finance.queue", holder_id=holder_id, why="old_year")
        elif kind == "carried":
            words, url = "See the lines", url_for("finance.queue", holder_id=holder_id, carried="yes")
        else:
            words, url = "Place the lines", url_for("finance.queue", holder_id=holder_id)
    elif kind in ("ledger", "year"):
        of_holder, _, of_year = key.partition("/")
        endpoint, words = {
            "ledger": ("finance.ledger", "See the ledger"),
            "year": ("finance.year", "See the year's money"),
        }[kind]
        url = url_for(endpoint, holder_id=int(of_holder), fy=int(of_year))
    elif kind == "accruals":
        of_holder, _, of_year = key.partition("/")
        words, url = "See the accruals", url_for("finance.accruals", holder_id=int(of_holder), fy=int(of_year))
    elif kind == "entry":
        words, url = "Attach a file", url_for("finance.entry_files", entry_id=int(key))
    elif kind == "entries":
        holder_id, fy, funding_id, quarter = (int(part) for part in key.split("/"))
        wanted: dict[str, Any] = {"funding": funding_id, "quarter": quarter, "sort": "date"}
        words, url = "See the entries", url_for("finance.ledger", holder_id=holder_id, fy=fy, **wanted)
    elif kind == "changes":
        words, url = "Say why", url_for("returns.show", revision_id=revision.id, _anchor="changes")
    return words, url
