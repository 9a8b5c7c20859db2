"""How sure a ranking is, and the best set, as one coordinator may see them (FIGURES.md 27 to 29)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache

from svd_tracker.accounts.models import Holder
from svd_tracker.accounts.permissions import Access
from svd_tracker.calculations import sensitivity
from svd_tracker.calculations.best_set import BestSet, Candidate, best_set
from svd_tracker.calculations.figures import Category
from svd_tracker.calculations.sensitivity import Sureness
from svd_tracker.errors import NotAllowed, NotFound
from svd_tracker.rounds.models import Round
from svd_tracker.scoring import queries, ranking_queries
from svd_tracker.scoring.ranking_queries import HolderLine, Ranking, RankingRow

SHUT = "This tells where each proposal stands, and you declared an interest in one of them."
LONGEST = 10  # seconds that the search for a best set may take
KEPT = 16  # best sets kept in memory, each under everything that it was worked out from


@dataclass(frozen=True)
class NearLine:
    """A proposal near one partnership's line."""

    row: RankingRow
    sure: Sureness


@dataclass(frozen=True)
class HolderSureness:
    """One partnership's line and what is near it, in the official order."""

    line: HolderLine
    near: Sequence[NearLine]

    @property
    def unsure(self) -> int:
        return sum(bool(each.sure.depends_on) for each in self.near)


@dataclass(frozen=True)
class HolderSet:
    """The best set of one partnership, beside what its line funds wholly. ``rows`` in the order of rank."""

    line: HolderLine
    best: BestSet
    rows: Sequence[RankingRow]
    line_sum: Fraction
    passed_over: Sequence[RankingRow]

    @property
    def holder(self) -> Holder:
        return self.line.holder


@dataclass(frozen=True)
class Analysis:
    """``best`` is None unless it was asked for."""

    ranking: Ranking
    lines: Sequence[HolderSureness]
    best: HolderSet | None


def analysis(round_: Round, access: Access, best_of: int | None = None) -> Analysis:
    """How sure the ranking is that this person sees, and the best set of the partnership ``best_of`` if one is named.

    Bounded queries. Raises NotAllowed while scores are hidden from them or a proposal is shut to them, and NotFound
    for a partnership whose line they do not see.
    """
    queries.refuse_unless_shown(round_, access)
    facts = ranking_queries.facts_of(round_, access)
    if facts.shut:
        raise NotAllowed(SHUT)
    ranking = ranking_queries.ranking_of(facts, round_)
    lines = ranking.lines or ()
    silent = {fact.ref: facts.silent[proposal_id] for proposal_id, fact in facts.facts.items()}
    found = sensitivity.variants(facts.scheme, list(facts.facts.values()), silent)
    rows = {row.ref: row for row in ranking.rows}
    return Analysis(
        ranking=ranking,
        lines=[
            HolderSureness(
                each,
                [
                    NearLine(rows[sure.ref], sure)
                    for sure in sensitivity.sureness(found, _asks(ranking.rows, each.holder.id), each.money)
                ],
            )
            for each in lines
        ],
        best=_best(lines, best_of) if best_of is not None else None,
    )


def _asks(rows: Sequence[RankingRow], holder_id: int) -> dict[str, Mapping[Category, int]]:
    return {row.ref: row.asks[holder_id] for row in rows if any(row.asks.get(holder_id, {}).values())}


def _best(lines: Sequence[HolderLine], holder_id: int) -> HolderSet:
    line = next((each for each in lines if each.holder.id == holder_id), None)
    if line is None:
        raise NotFound("partnership of the round")
    rows = {each.row.ref: each.row for each in line.rows}
    found = _search(
        tuple(
            (each.row.ref, each.row.rank or 0, each.row.result or Fraction(0), *(each.asks.get(c, 0) for c in Category))
            for each in line.rows
        ),
        tuple(line.money[category] for category in Category),
    )
    funded = (each.row.result or Fraction(0) for each in line.rows if each.state.value == "fits")
    return HolderSet(
        line=line,
        best=found,
        rows=[rows[ref] for ref in found.refs],
        line_sum=sum(funded, Fraction(0)),
        passed_over=[rows[ref] for ref in found.passed_over],
    )


@lru_cache(maxsize=KEPT)
def _search(asked: tuple[tuple[str, int, Fraction, int, int], ...], money: tuple[int, ...]) -> BestSet:
    """Kept under all that goes into it, so that a second look at the same round does not search again."""
    candidates = [
        Candidate(ref, rank, value, dict(zip(Category, pence, strict=True))) for ref, rank, value, *pence in asked
    ]
    return best_set(candidates, dict(zip(Category, money, strict=True)), LONGEST)
