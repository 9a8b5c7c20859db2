"""Which lines of the audit tell of a proposal that an interest shuts to a person, or of what its decisions opened."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from sqlalchemy import select, tuple_
from sqlalchemy.orm import joinedload

from svd_tracker.approvals.models import Approval
from svd_tracker.audit.models import AuditLine
from svd_tracker.decisions import queries
from svd_tracker.extensions import db
from svd_tracker.finance.fundings import subject_ref
from svd_tracker.finance.models import Funding, Match
from svd_tracker.finance.moves import services as moves
from svd_tracker.finance.moves.models import Virement, VirementLine
from svd_tracker.grants.models import Allocation
from svd_tracker.interventions.models import PlanLine
from svd_tracker.proposals import queries as proposals
from svd_tracker.proposals.models import Proposal


@dataclass(frozen=True)
class Subjects:
    """What the audit calls these records: ``under`` also stands for everything whose ref begins so."""

    refs: frozenset[tuple[str, str]]  # subject type, subject ref
    under: tuple[str, ...]

    def has(self, line: AuditLine) -> bool:
        return (line.subject_type, line.subject_ref) in self.refs or f"{line.subject_ref}/".startswith(self.under)


def open_to(person_id: int | None, lines: Iterable[AuditLine]) -> list[AuditLine]:
    """The lines without those that tell of what is shut to a person (DESIGN.md rule 7). Bounded queries."""
    shut = proposals.shut_proposal_ids(person_id)
    if not shut:
        return list(lines)
    subjects = _subjects(shut, queries.shut_by_interest(person_id))
    return [line for line in lines if not subjects.has(line)]


def _subjects(proposal_ids: Collection[int], shut: queries.Shut) -> Subjects:
    refs: set[tuple[str, str]] = set()
    under = [
        f"{proposals.subject(each)}/"
        for each in db.session.scalars(
            select(Proposal).where(Proposal.id.in_(proposal_ids)).options(joinedload(Proposal.round))
        )
    ]
    approvals = db.session.scalars(select(Approval.ref).where(Approval.id.in_(shut.approval_ids)))
    refs |= {("approval", ref) for ref in approvals}
    if shut.plan:
        lines = db.session.scalars(
            select(PlanLine)
            .where(tuple_(PlanLine.holder_id, PlanLine.fy, PlanLine.intervention_id).in_(shut.plan))
            .options(joinedload(PlanLine.holder), joinedload(PlanLine.intervention))
        ).all()
        for each in lines:
            under += [f"{each.id}/", f"{each.holder.ref}/{each.fy}/{each.intervention.ref}/"]
            under.append(f"{each.intervention.ref} {each.fy}/")
        matches = db.session.scalars(select(Match.id).where(Match.plan_line_id.in_([each.id for each in lines])))
        refs |= {("match", str(match_id)) for match_id in matches}
        fundings = db.session.scalars(
            select(Funding)
            .where(tuple_(Funding.holder_id, Funding.fy, Funding.intervention_id).in_(shut.plan))
            .options(joinedload(Funding.allocation).joinedload(Allocation.holder))
        ).all()
        refs |= {("funding", subject_ref(each)) for each in fundings}
        moved = select(VirementLine.virement_id).where(VirementLine.funding_id.in_([each.id for each in fundings]))
        virements = db.session.scalars(
            select(Virement).where(Virement.id.in_(moved)).options(joinedload(Virement.holder))
        )
        refs |= {("virement", moves.subject_ref(each)) for each in virements}
    return Subjects(frozenset(refs), tuple(under))
