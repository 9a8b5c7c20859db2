"""The ranking as one person sees it: a page and a CSV show the same object (FIGURES.md 23 to 25 and 29)."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property

from sqlalchemy import select

from svd_tracker.accounts.models import Holder
from svd_tracker.accounts.permissions import Access
from svd_tracker.calculations import ranking as calculation
from svd_tracker.calculations.figures import Category
from svd_tracker.calculations.ranking import (
    CriterionFact,
    CriterionResult,
    LineState,
    ProposalFact,
    Ranked,
    SchemeFact,
)
from svd_tracker.db import sum_pence
from svd_tracker.extensions import db
from svd_tracker.finance.models import MatchKind
from svd_tracker.money import round_half_away
from svd_tracker.proposals import queries as proposals
from svd_tracker.proposals import reach
from svd_tracker.proposals.models import ProposalMatch, ProposalVersion
from svd_tracker.rounds import queries as rounds
from svd_tracker.rounds.models import Round
from svd_tracker.scoring import moderation_queries, queries

Asks = Mapping[int, Mapping[Category, int]]  # holder id → category → pence
SHUT_WORDS = "You declared an interest"


@dataclass(frozen=True)
class RankingRow:
    """A proposal in the list. ``result`` is the share of the weight, ``plain`` of the plain points, both exact.

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
    short_of_scorers: bool = False
    plain: Fraction | None = None
    stage: int = 1
    band: str | None = None
    shut: bool = False

    @property
    def asked(self) -> int:
        return sum(pence for by_category in self.asks.values() for pence in by_category.values())

    @property
    def result_text(self) -> str | None:
        """As shown: 83.33%. Rounded only here."""
        return None if self.result is None else percent_text(self.result)

    @property
    def plain_text(self) -> str | None:
        return None if self.plain is None else percent_text(self.plain)


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
    tie_first: Sequence[str]


@dataclass(frozen=True)
class Ranking:
    """``lines`` is None for a reader with a shut proposal: the line would say where it stands or what it was given.

    ``whole`` is false for a reader who sees only what asks their partnership; the ranks are among those.
    """

    scheme: SchemeFact
    holders: Sequence[Holder]
    rows: Sequence[RankingRow]
    lines: Sequence[HolderLine] | None
    whole: bool

    @property
    def criteria(self) -> Sequence[CriterionFact]:
        return self.scheme.criteria

    @property
    def ranked(self) -> list[RankingRow]:
        return [row for row in self.rows if row.rank is not None]

    @property
    def unranked(self) -> list[RankingRow]:
        return [row for row in self.rows if row.rank is None]


@dataclass(frozen=True)
class RoundFacts:
    """All that a round's ranking is made of, as far as one person reaches it. Everything here is by proposal id.

    ``versions`` are the newest submitted texts in the order of their refs, those ``shut`` to the person too; nothing
    else holds a word of what is shut. ``facts`` are what is scored, ``asks`` pence by holder and category, ``silent``
    whose marks leave the mean. ``holders`` take part in the round, ``lines_of`` are those whose line the person sees.
    ``whole`` is false for somebody who sees only what asks their partnership.
    """

    scheme: SchemeFact
    holders: Sequence[Holder]
    lines_of: Sequence[Holder]
    whole: bool
    names_hidden: bool
    round: Round
    person_id: int
    versions: Mapping[int, ProposalVersion]
    shut: frozenset[int]
    facts: Mapping[int, ProposalFact]
    silent: Mapping[int, frozenset[int]]
    asks: Mapping[int, Asks]

    @cached_property
    def money_shut(self) -> frozenset[int]:
        """Of whose money a total would tell of a shut proposal, of this or another round, by holder id."""
        return proposals.money_shut(self.person_id, self.round)

    @property
    def money_hidden(self) -> bool:
        """Whether the line would tell of something that is shut to the person."""
        return bool(self.shut or self.money_shut)

    @cached_property
    def match(self) -> Mapping[int, Mapping[MatchKind, int]]:
        """Pence of match offered by kind, read when it is first asked for."""
        found = _match_of([self.versions[proposal_id].id for proposal_id in self.facts])
        return {proposal_id: found.get(self.versions[proposal_id].id, {}) for proposal_id in self.facts}

    def ranked(self) -> tuple[Ranked, ...]:
        """The official list (FIGURES.md 23 to 26), best first, without what is shut."""
        scored = (
            calculation.score_proposal(self.scheme, fact, self.silent.get(proposal_id, ()))
            for proposal_id, fact in self.facts.items()
        )
        return calculation.rank(scored, self.scheme)

    def organisation(self, version: ProposalVersion) -> str:
        return reach.HIDDEN_NAME if self.names_hidden else version.proposal.organisation.name


def facts_of(round_: Round, access: Access) -> RoundFacts:
    """What this person may calculate with. Ask ``queries.refuse_unless_shown`` first. Bounded queries.

    Raises NotAllowed for an assessor or chair who has organisations left to go through.
    Assessors, the chair and the auditor reach all. Coordinators and members reach the proposals that ask their
    partnership, with what those ask of others too, and the line of their partnership alone (DESIGN.md rule 10).
    """
    holders = rounds.taking_part(round_.id)
    reached = reach.reach_of(access, round_, frozenset(holder.id for holder in holders))
    reached.refuse_before_declaring()
    submitted = queries.scored_versions(round_.id)
    asked = proposals.asks_of(each.id for each in submitted)
    versions = {each.proposal_id: each for each in submitted if reached.reads(asked[each.id])}
    shut = reached.shut.intersection(versions)
    open_now = {key: version for key, version in versions.items() if key not in shut}
    marks, silent = queries.sent_marks(round_.id), queries.shut_people(round_.id)
    agreed = moderation_queries.agreed_of(round_.id)
    return RoundFacts(
        scheme=rounds.scheme_fact(round_.scheme),
        holders=holders,
        lines_of=[each for each in holders if reached.everything_submitted or each.id in reached.belongs_to],
        whole=reached.everything_submitted,
        names_hidden=reach.names_hidden(access, round_),
        round=round_,
        person_id=access.person_id,
        versions=versions,
        shut=shut,
        facts={
            key: ProposalFact(
                ref=version.proposal.ref,
                title=version.title,
                marks=marks.get(key, ()),
                agreed=agreed.get(key, {}),
                asks=_of_everybody(asked[version.id]),
            )
            for key, version in open_now.items()
        },
        silent={key: silent.get(key, frozenset()) for key in open_now},
        asks={key: asked[version.id] for key, version in open_now.items()},
    )


def ranking(round_: Round, access: Access) -> Ranking:
    """The round's proposals, best first, as this person may see them. Ask ``queries.refuse_unless_shown`` first.

    A proposal shut to the person leaves the calculation, so that no rank or line tells where it stands; it is listed
    last, without a mark or an amount.
    """
    return ranking_of(facts_of(round_, access), round_)


def ranking_of(facts: RoundFacts, round_: Round) -> Ranking:
    """The ranking from facts that were read already."""
    results = facts.ranked()
    rows = _rows(facts, results)
    lines = None
    if not facts.money_hidden:
        money = rounds.money_of_round(round_)
        lines = [_line(holder, money.get(holder.id, {}), results, rows) for holder in facts.lines_of]
    shut = [
        _shut_row(facts, facts.versions[proposal_id]) for proposal_id in facts.versions if proposal_id in facts.shut
    ]
    return Ranking(facts.scheme, facts.holders, [*rows, *shut], lines, facts.whole)


def rows_of(facts: RoundFacts) -> list[RankingRow]:
    """The rows of the ranking alone, without what is shut, from facts that were read already."""
    return _rows(facts, facts.ranked())


def two_decimals(hundredths: Fraction) -> str:
    """Hundredths as shown with two decimals: 1000/3 → "3.33", 300 → "3.00"."""
    whole, rest = divmod(round_half_away(hundredths), 100)
    return f"{whole}.{rest:02d}"


def percent_text(share: Fraction) -> str:
    """A share as shown with two decimals: 5/6 → "83.33%"."""
    return f"{two_decimals(share * 10_000)}%"


def mean_text(criterion: CriterionFact, result: CriterionResult) -> str | None:
    """What counts for a criterion as shown: the mean, or the mark agreed on in its place. None where not scored."""
    return value_text(criterion, result.value)


def value_text(criterion: CriterionFact, value: Fraction | None) -> str | None:
    """A mean in hundredths as shown; a gate in words."""
    if value is None:
        return None
    if not criterion.gate:
        return two_decimals(value)
    if value == criterion.scale_top_hundredths:
        return "Passed"
    return "Not passed" if value == 0 else "Not passed by everybody"


def _rows(facts: RoundFacts, results: Sequence[Ranked]) -> list[RankingRow]:
    ids = {fact.ref: proposal_id for proposal_id, fact in facts.facts.items()}
    places = Counter(each.rank for each in results)
    return [
        _row(each, facts, ids[each.proposal.ref], shares_rank=each.rank is not None and places[each.rank] > 1)
        for each in results
    ]


def _row(each: Ranked, facts: RoundFacts, proposal_id: int, *, shares_rank: bool) -> RankingRow:
    scored = each.proposal
    return RankingRow(
        proposal_id=proposal_id,
        ref=scored.ref,
        title=scored.title,
        organisation=facts.organisation(facts.versions[proposal_id]),
        asks=facts.asks[proposal_id],
        rank=each.rank,
        shares_rank=shares_rank,
        reason=each.reason,
        result=scored.result,
        criteria=scored.criteria,
        scorers=scored.scorers,
        short_of_scorers=scored.short_of_scorers,
        plain=scored.plain,
        stage=scored.stage,
        band=scored.band,
    )


def _shut_row(facts: RoundFacts, version: ProposalVersion) -> RankingRow:
    return RankingRow(
        proposal_id=version.proposal_id,
        ref=version.proposal.ref,
        title=version.title,
        organisation=facts.organisation(version),
        asks={},
        rank=None,
        shares_rank=False,
        reason=SHUT_WORDS,
        result=None,
        criteria=(),
        scorers=0,
        shut=True,
    )


def _match_of(version_ids: Collection[int]) -> dict[int, dict[MatchKind, int]]:
    """By version id, pence of match offered by kind, in one query."""
    rows = db.session.execute(
        select(ProposalMatch.proposal_version_id, ProposalMatch.kind, sum_pence(ProposalMatch.pence).label("pence"))
        .where(ProposalMatch.proposal_version_id.in_(version_ids))
        .group_by(ProposalMatch.proposal_version_id, ProposalMatch.kind)
    )
    found: dict[int, dict[MatchKind, int]] = {}
    for row in rows:
        found.setdefault(row.proposal_version_id, {})[row.kind] = row.pence
    return found


def _of_everybody(asks: Asks) -> dict[Category, int]:
    return {category: sum(each.get(category, 0) for each in asks.values()) for category in Category}


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
        tie_first=found.tie_first,
    )
