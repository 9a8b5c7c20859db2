"""The ranking as a page and as a CSV: both show the same object."""

from collections.abc import Iterator
from fractions import Fraction

from flask import render_template
from flask.typing import ResponseReturnValue

from svd_tracker.accounts.access import current_access, requires
from svd_tracker.accounts.permissions import Permission
from svd_tracker.calculations.figures import Category
from svd_tracker.calculations.ranking import CriterionFact, SchemeFact, TieRule, points
from svd_tracker.grants.split import short_name
from svd_tracker.readers.text_safe import CsvCell, Money, write_csv
from svd_tracker.rounds import queries as rounds
from svd_tracker.rounds.scopes import of_round
from svd_tracker.scoring import queries, ranking_queries
from svd_tracker.scoring.blueprint import bp
from svd_tracker.web.downloads import csv_answer


@bp.get("/rounds/<int:round_id>/ranking")
@requires(Permission.VIEW_RANKING, of_round(Permission.VIEW_RANKING))
def ranking(round_id: int) -> ResponseReturnValue:
    round_ = rounds.get_round(round_id)
    queries.refuse_unless_shown(round_, current_access())
    found = ranking_queries.ranking(round_, current_access())
    return render_template(
        "scoring/ranking.html",
        round=round_,
        ranking=found,
        mean_text=ranking_queries.mean_text,
        percent_text=ranking_queries.percent_text,
        tie_words=_tie_words(found.scheme),
        categories=list(Category),
        points=points,
        short_name=short_name,
    )


@bp.get("/rounds/<int:round_id>/ranking.csv")
@requires(Permission.VIEW_RANKING, of_round(Permission.VIEW_RANKING))
def ranking_csv(round_id: int) -> ResponseReturnValue:
    round_ = rounds.get_round(round_id)
    queries.refuse_unless_shown(round_, current_access())
    found = ranking_queries.ranking(round_, current_access())
    return csv_answer(write_csv(_csv_head(found), _csv_rows(found)), f"ranking-{round_.ref}.csv")


def _csv_head(found: ranking_queries.Ranking) -> list[str]:
    asks = [f"Asked of {short_name(holder)}, {each.label.lower()}" for holder in found.holders for each in Category]
    lines = [f"Line of {short_name(line.holder)}" for line in found.lines or ()]
    means = [f"{each.name} (mean)" for each in found.criteria]
    agreed = [f"{each.name} (agreed)" for each in found.criteria]
    result = ["Result", *(["Band"] if found.scheme.bands else []), *(["Plain points"] if _two_stages(found) else [])]
    who = ["Rank", "Ref", "Proposal", "Organisation"]
    return [*who, *result, *means, *agreed, "Scorers", "Not ranked because", *asks, *lines]


def _csv_rows(found: ranking_queries.Ranking) -> Iterator[list[CsvCell]]:
    places = [{each.row.ref: each.state.value for each in line.rows} for line in found.lines or ()]
    for row in found.rows:
        parts = {each.ref: each for each in row.criteria}
        yield [
            row.rank,
            row.ref,
            row.title,
            row.organisation,
            row.result_text,
            *([row.band] if found.scheme.bands else []),
            *([row.plain_text] if _two_stages(found) else []),
            *(ranking_queries.value_text(each, parts[each.ref].mean) if parts else None for each in found.criteria),
            *(_agreed_text(each, parts[each.ref].agreed) if parts else None for each in found.criteria),
            None if row.shut else row.scorers,
            row.reason,
            *(
                None if row.shut else Money(row.asks.get(holder.id, {}).get(each, 0))
                for holder in found.holders
                for each in Category
            ),
            *((place.get(row.ref) or "").replace("_", " ") for place in places),
        ]


def _two_stages(found: ranking_queries.Ranking) -> bool:
    return found.scheme.first_stage is not None


def _agreed_text(criterion: CriterionFact, agreed: int | None) -> str | None:
    return None if agreed is None else ranking_queries.value_text(criterion, Fraction(agreed))


def _tie_words(scheme: SchemeFact) -> str:
    """What orders those that share a rank."""
    if scheme.tie_rule is TieRule.LESS_MONEY:
        return "Those that ask for less money stand first."
    if scheme.tie_rule is TieRule.CRITERION:
        name = next((each.name for each in scheme.criteria if each.ref == scheme.tie_criterion_ref), "one criterion")
        return f"Those with more for {name} stand first."
    return "Only their references order them."
