"""How match shares the cost of a plan line: what was said, and how far grant and match go."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import case, exists, func, select
from sqlalchemy.orm import aliased

from svd_tracker.act import Act
from svd_tracker.audit import services as audit
from svd_tracker.calculations.placing import WHOLE_BP, MatchRoom, share_with_match
from svd_tracker.db import sum_pence
from svd_tracker.errors import Refused
from svd_tracker.extensions import db
from svd_tracker.finance import match_queries
from svd_tracker.finance.intake.models import (
    CostSharing,
    LedgerLine,
    Outcome,
    Placement,
    PlacementPart,
    SharingMethod,
    UploadWithdrawal,
)
from svd_tracker.finance.ledger import lock_ledger
from svd_tracker.finance.models import FundingVersion, LedgerEntry, Match, MatchEvent, MatchKind, MatchStage
from svd_tracker.finance.placing.book import Belongs, Part
from svd_tracker.finance.queries import newest_version_ids
from svd_tracker.interventions.models import PlanLine

LONGEST_REASON = 250


@dataclass(frozen=True)
class Sharing:
    """How the costs of one plan line are shared. ``grant_bp`` is the grant's share in hundredths of a per cent.

    Without a match, what the grant does not pay per cent is local money.
    """

    method: SharingMethod
    grant_bp: int | None
    match_id: int | None


@dataclass
class Rooms:
    """What grant and match have paid so far and how far each goes, running on as lines are shared. Pence."""

    grant_paid: dict[int, int] = field(default_factory=dict)
    grant_most: dict[int, int] = field(default_factory=dict)
    match_paid: dict[int, int] = field(default_factory=dict)
    match_most: dict[int, int] = field(default_factory=dict)

    def room(self, funding_id: int, match_id: int | None) -> MatchRoom:
        paid, most = (0, 0) if match_id is None else (self.match_paid[match_id], self.match_most[match_id])
        return MatchRoom(self.grant_paid[funding_id], self.grant_most[funding_id], paid, most)

    def share(self, sharing: Sharing, funding_id: int, pence: int) -> list[Part]:
        """The parts of a cost that grant and match pay; a part of nought is left out, and the rooms run on."""
        room = self.room(funding_id, sharing.match_id)
        grant, rest = share_with_match(pence, sharing.method.value, sharing.grant_bp, room)
        self.grant_paid[funding_id] += grant
        if sharing.match_id is not None:
            self.match_paid[sharing.match_id] += rest
        parts = [Part(grant, funding_id=funding_id), Part(rest, match_id=sharing.match_id)]
        return [part for part in parts if part.pence]

    def give_back(self, belongs: Belongs) -> None:
        """Take out what a line that is about to move took from these rooms."""
        for part in belongs.parts if belongs.outcome is Outcome.PLACED else ():
            if part.funding_id in self.grant_paid:
                self.grant_paid[part.funding_id] -= part.pence
            elif part.match_id in self.match_paid:
                self.match_paid[part.match_id] -= part.pence


def sharings_of(holder_id: int, fys: Collection[int]) -> Mapping[tuple[int, int], Sharing]:
    """What is said of a holder's plan lines of some years, by (fy, intervention id). One query.

    One of which nothing was said is absent: the grant pays its costs.
    """
    newest = select(func.max(CostSharing.id)).group_by(CostSharing.plan_line_id)
    rows = db.session.execute(
        select(PlanLine.fy, PlanLine.intervention_id, CostSharing)
        .join(CostSharing, CostSharing.plan_line_id == PlanLine.id)
        .where(PlanLine.holder_id == holder_id, PlanLine.fy.in_(list(fys)), CostSharing.id.in_(newest))
    )
    return {(fy, intervention_id): Sharing(s.method, s.grant_bp, s.match_id) for fy, intervention_id, s in rows}


def sharing_versions(plan_line_id: int) -> Sequence[CostSharing]:
    """Every version of what was said of a plan line, the newest first."""
    return db.session.scalars(
        select(CostSharing).where(CostSharing.plan_line_id == plan_line_id).order_by(CostSharing.version_no.desc())
    ).all()


def rooms(funding_ids: Iterable[int], match_ids: Iterable[int | None]) -> Rooms:
    """The rooms of these fundings and matches as the ledger stands. Four queries.

    A funding goes as far as its newest version, a match as far as it is promised and not withdrawn; match has paid
    what lines were placed to it.
    """
    fundings, matches = set(funding_ids), {each for each in match_ids if each is not None}
    found = Rooms(
        dict.fromkeys(fundings, 0), dict.fromkeys(fundings, 0), dict.fromkeys(matches, 0), dict.fromkeys(matches, 0)
    )
    if fundings:
        found.grant_paid.update(_spent(fundings))
        found.grant_most.update(_granted(fundings))
    if matches:
        found.match_paid.update(_placed_to(matches))
        found.match_most.update(_expected(matches))
    return found


def set_sharing(
    act: Act, plan_line: PlanLine, method: SharingMethod, match_id: int | None, grant_bp: int | None, reason: str
) -> CostSharing:
    """Say how the costs of a plan line are shared from now on; lines that stand are not moved. Raises Refused."""
    _refuse_bad(plan_line, method, match_id, grant_bp, reason)
    lock_ledger(plan_line.holder_id)
    before = next(iter(sharing_versions(plan_line.id)), None)
    version = CostSharing(
        plan_line_id=plan_line.id,
        version_no=before.version_no + 1 if before else 1,
        method=method,
        match_id=match_id if method is not SharingMethod.BY_LINE else None,
        grant_bp=grant_bp if method is SharingMethod.PER_CENT else None,
        reason=reason.strip(),
        recorded_at=act.at,
        recorded_by=act.by,
    )
    db.session.add(version)
    db.session.flush()
    audit.record(
        act,
        "share_costs",
        "plan_line",
        f"{plan_line.holder.ref}/{plan_line.fy}/{plan_line.intervention.ref}",
        area_id=plan_line.holder.area_id,
        holder_id=plan_line.holder_id,
        before=_said(before) if before else None,
        after=_said(version),
    )
    return version


def cash_matches(plan_line_id: int) -> list[match_queries.MatchNow]:
    """The matches in cash of a plan line: match in kind pays no line of the ledger."""
    return [each for each in match_queries.match_of_plan_line(plan_line_id) if each.kind is MatchKind.CASH]


def _refuse_bad(
    plan_line: PlanLine, method: SharingMethod, match_id: int | None, grant_bp: int | None, reason: str
) -> None:
    if not reason.strip():
        raise Refused("Say what this follows from, like the match agreement", field="reason")
    if len(reason.strip()) > LONGEST_REASON:
        raise Refused(f"Use {LONGEST_REASON} characters or fewer", field="reason")
    if method in (SharingMethod.GRANT_FIRST, SharingMethod.MATCH_FIRST) and match_id is None:
        raise Refused("Choose the match that shares the costs", field="match")
    if match_id is not None:
        match = db.session.get(Match, match_id)
        if match is None or match.plan_line_id != plan_line.id or match.kind is not MatchKind.CASH:
            raise Refused("Choose a match in cash of this plan line", field="match")
    if method is SharingMethod.PER_CENT and (grant_bp is None or not 0 <= grant_bp <= WHOLE_BP):
        raise Refused("Enter the grant's share, from 0 to 100 per cent", field="grant_share")


def _said(version: CostSharing) -> dict[str, object]:
    return {
        "method": version.method.value,
        "match": version.match_id,
        "grant_bp": version.grant_bp,
        "reason": version.reason,
    }


def _pairs(rows: Iterable[Any]) -> dict[int, int]:
    return {row[0]: row[1] for row in rows}


def _spent(funding_ids: set[int]) -> dict[int, int]:
    return _pairs(
        db.session.execute(
            select(LedgerEntry.funding_id, sum_pence(LedgerEntry.pence))
            .where(LedgerEntry.funding_id.in_(funding_ids))
            .group_by(LedgerEntry.funding_id)
        )
    )


def _granted(funding_ids: set[int]) -> dict[int, int]:
    return _pairs(
        db.session.execute(
            select(FundingVersion.funding_id, FundingVersion.pence).where(
                FundingVersion.funding_id.in_(funding_ids), FundingVersion.id.in_(newest_version_ids())
            )
        )
    )


def _placed_to(match_ids: set[int]) -> dict[int, int]:
    """By the placements that stand, of files that were not withdrawn."""
    later = aliased(Placement)
    return _pairs(
        db.session.execute(
            select(PlacementPart.match_id, sum_pence(PlacementPart.pence))
            .join(Placement, Placement.id == PlacementPart.placement_id)
            .join(LedgerLine, LedgerLine.id == Placement.line_id)
            .where(
                PlacementPart.match_id.in_(match_ids),
                Placement.outcome == Outcome.PLACED,
                ~exists().where(later.line_id == Placement.line_id, later.seq > Placement.seq),
                ~exists().where(UploadWithdrawal.upload_id == LedgerLine.upload_id),
            )
            .group_by(PlacementPart.match_id)
        )
    )


def _expected(match_ids: set[int]) -> dict[int, int]:
    """Promised less withdrawn."""
    promised = case((MatchEvent.stage == MatchStage.PROMISED, MatchEvent.pence), else_=-MatchEvent.pence)
    return _pairs(
        db.session.execute(
            select(MatchEvent.match_id, sum_pence(promised))
            .where(
                MatchEvent.match_id.in_(match_ids), MatchEvent.stage.in_([MatchStage.PROMISED, MatchStage.WITHDRAWN])
            )
            .group_by(MatchEvent.match_id)
        )
    )
