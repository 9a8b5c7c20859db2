"""The ranking as one person sees it: a page and a CSV show the same object (FIGURES.md 23 to 25 and 29)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

from svd_tracker.accounts.models import Holder
from svd_tracker.accounts.permissions import Access
from svd_tracker.calculations import ranking as calculation
from svd_tracker.calculations.figures import Category
from svd_tracker.calculations.ranking import CriterionFact, CriterionResult, LineState, ProposalFact, Ranked
from svd_tracker.money import round_half_away
from svd_tracker.proposals import queries as proposals
from svd_tracker.proposals import reach
from svd_tracker.proposals.models import ProposalVersion
from svd_tracker.rounds import queries as rounds
from svd_tracker.rounds.models import Round
from svd_tracker.scoring import queries

Asks = Mapping[int, Mapping[Category, int]]  # holder id → category → pence
SHUT_WORDS = "You declared an interest"


@dataclass(frozen=True)
class RankingRow:
    """A proposal in the list. ``result`` is the share of the weight, ``means`` are in hundredths, both exact.

    For a proposal that is shut to the reader all of them are empty and ``reason`` says so.
    """

    proposal_id: int
    ref: str
    title: str
    organisation: str
    asks: Asks
    rank: int | None
    shares_rank: bool
    reason: str | None
    result: Fraction | None
    criteria: Sequence[CriterionResult]
    scorers: int
    shut: bool = False

    @property
    def asked(self) -> int:
        return sum(pence for by_category in self.asks.values() for pence in by_category.values())

    @property
    def result_text(self) -> str | None:
        """As shown: 83.33%. Rounded only here."""
        return None if self.result is None else f"{two_decimals(self.result * 10_000)}%"


@dataclass(frozen=True)
class LineRow:
    """One proposal on one partnership's line. Money in pence by category."""

    row: RankingRow
    state: LineState
    asks: Mapping[Category, int]
    gets: Mapping[Category, int]
    tied: bool


@dataclass(frozen=True)
class HolderLine:
    """Where one partnership's money for the round runs out."""

    holder: Holder
    money: Mapping[Category, int]
    rows: Sequence[LineRow]
    left: Mapping[Category, int]
    left_after_part: Mapping[Category, int]
    tied_refs: Sequence[str]


@dataclass(frozen=True)
class Ranking:
    """``lines`` is None for a reader with a shut proposal: the line would say where that proposal stands.

    ``whole`` is false for a reader who sees only what asks their partnership; the ranks are among those.
    """

    criteria: Sequence[CriterionFact]
    holders: Sequence[Holder]
    rows: Sequence[RankingRow]
    lines: Sequence[HolderLine] | None
    whole: bool

    @property
    def ranked(self) -> list[RankingRow]:
        return [row for row in self.rows if row.rank is not None]

    @property
    def unranked(self) -> list[RankingRow]:
        return [row for row in self.rows if row.rank is None]


def ranking(round_: Round, access: Access) -> Ranking:
    """The round's proposals, best first, as this person may see them. Ask ``queries.refuse_unless_shown`` first.

    Assessors and the auditor see all. Coordinators and members see the proposals that ask their partnership, with
    what those ask of others too, and the line of their partnership alone (DESIGN.md rule 10). A proposal shut to the
    person leaves the calculation, so that no rank or line tells where it stands; it is listed last, without a mark
    or an amount.
    """
    scheme = rounds.scheme_fact(round_.scheme)
    criteria = scheme.criteria
    holders = rounds.taking_part(round_.id)
    reached = reach.reach_of(access, round_, frozenset(holder.id for holder in holders))
    whole, theirs = reached.everything_submitted, reached.belongs_to
    submitted = queries.scored_versions(round_.id)
    asks = proposals.asks_of(each.id for each in submitted)
    versions = {each.proposal.ref: each for each in submitted if reached.reads(asks[each.id])}
    marks, shut_people = queries.sent_marks(round_.id), queries.shut_people(round_.id)
    shut = reached.shut
    results = calculation.rank(
        (
            calculation.score_proposal(
                scheme,
                ProposalFact(ref=ref, title=version.title, marks=marks.get(version.proposal_id, ())),
                shut_people.get(version.proposal_id, ()),
            )
            for ref, version in versions.items()
            if version.proposal_id not in shut
        ),
        scheme,
    )
    ranks = [each.rank for each in results if each.rank is not None]
    rows = [
        _row(
            each,
            versions[each.proposal.ref],
            asks[versions[each.proposal.ref].id],
            shares_rank=ranks.count(each.rank or 0) > 1,
        )
        for each in results
    ]
    hidden = [_shut_row(each) for each in versions.values() if each.proposal_id in shut]
    lines = None
    if not hidden:
        money = rounds.money_of_round(round_)
        shown = [holder for holder in holders if whole or holder.id in theirs]
        lines = [_line(holder, money.get(holder.id, {}), results, rows) for holder in shown]
    return Ranking(criteria, holders, [*rows, *hidden], lines, whole)


def two_decimals(hundredths: Fraction) -> str:
    """Hundredths as shown with two decimals: 1000/3 → "3.33", 300 → "3.00"."""
    whole, rest = divmod(round_half_away(hundredths), 100)
    return f"{whole}.{rest:02d}"


def mean_text(criterion: CriterionFact, result: CriterionResult) -> str | None:
    """A criterion's mean as shown; a gate in words. None where nobody's mark counts."""
    value = result.value
    if value is None:
        return None
    if not criterion.gate:
        return two_decimals(value)
    if value == criterion.scale_top_hundredths:
        return "Passed"
    return "Not passed" if value == 0 else "Not passed by everybody"


def _row(each: Ranked, version: ProposalVersion, asks: Asks, *, shares_rank: bool) -> RankingRow:
    scored = each.proposal
    return RankingRow(
        proposal_id=version.proposal_id,
        ref=scored.ref,
        title=version.title,
        organisation=version.proposal.organisation.name,
        asks=asks,
        rank=each.rank,
        shares_rank=shares_rank,
        reason=each.reason,
        result=scored.result,
        criteria=scored.criteria,
        scorers=max((part.given for part in scored.criteria), default=0),
    )


def _shut_row(version: ProposalVersion) -> RankingRow:
    return RankingRow(
        proposal_id=version.proposal_id,
        ref=version.proposal.ref,
        title=version.title,
        organisation=version.proposal.organisation.name,
        asks={},
        rank=None,
        shares_rank=False,
        reason=SHUT_WORDS,
        result=None,
        criteria=(),
        scorers=0,
        shut=True,
    )


def _line(
    holder: Holder, money: Mapping[Category, int], results: Sequence[Ranked], rows: Sequence[RankingRow]
) -> HolderLine:
    by_ref = {row.ref: row for row in rows}
    of_holder = [
        replace(each, proposal=replace(each.proposal, asks=by_ref[each.proposal.ref].asks.get(holder.id, {})))
        for each in results
    ]
    found = calculation.line(of_holder, money)
    return HolderLine(
        holder=holder,
        money={category: money.get(category, 0) for category in Category},
        rows=[
            LineRow(by_ref[place.ref], place.state, place.asks, place.gets, place.ref in found.tied_refs)
            for place in found.places
        ],
        left=found.left,
        left_after_part=found.left_after_part,
        tied_refs=found.tied_refs,
    )
