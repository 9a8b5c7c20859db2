"""What a decision pack is made of, read once for all of its sections."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from svd_tracker.accounts.models import Holder
from svd_tracker.accounts.permissions import Access
from svd_tracker.approvals.models import Approval
from svd_tracker.decisions.models import Decision
from svd_tracker.decisions.queries import DecisionRow
from svd_tracker.proposals.queries import ProposalRow
from svd_tracker.rounds.models import Round
from svd_tracker.scoring.ranking_queries import Ranking, RoundFacts


@dataclass(frozen=True)
class Read:
    """What a pack is made of, read once."""

    round: Round
    access: Access
    facts: RoundFacts
    ranking: Ranking
    rows: list[DecisionRow]
    received: list[ProposalRow]
    approvals: Mapping[int, Approval]
    public: bool

    @property
    def hidden(self) -> bool:
        return self.ranking.lines is None

    @property
    def holders(self) -> list[Holder]:
        return [line.holder for line in self.ranking.lines or ()]

    def decided(self) -> Iterator[tuple[DecisionRow, Decision]]:
        for row in self.rows:
            if row.decision is not None:
                yield row, row.decision

    def funded(self, proposal_id: int) -> bool:
        return any(row.proposal_id == proposal_id and made.outcome.funds for row, made in self.decided())
