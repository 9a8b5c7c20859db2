"""What a decision opens from its proposal: the intervention, the plan line and what hangs on it, the fundings."""

import datetime as dt
from collections.abc import Mapping

from sqlalchemy import select

from svd_tracker.accounts.models import Holder
from svd_tracker.act import Act
from svd_tracker.approvals.models import Approval
from svd_tracker.calculations.figures import Category
from svd_tracker.decisions.models import Decision
from svd_tracker.delivery import services as delivery
from svd_tracker.errors import Refused
from svd_tracker.extensions import db
from svd_tracker.finance import match_services, queries
from svd_tracker.finance import services as finance
from svd_tracker.finance.models import Funding
from svd_tracker.grants import queries as grants
from svd_tracker.interventions import queries as intervention_queries
from svd_tracker.interventions import services as interventions
from svd_tracker.interventions.models import Intervention, InterventionKind, PlanLine
from svd_tracker.money import share_out
from svd_tracker.periods import QUARTERS
from svd_tracker.proposals import queries as proposals
from svd_tracker.proposals.models import ProposalVersion
from svd_tracker.rounds.models import Round


def open_or_change(
    act: Act,
    round_: Round,
    version: ProposalVersion,
    holder: Holder,
    approval: Approval,
    decided_on: dt.date,
    amounts: Mapping[Category, int],
    was: Mapping[Category, int],
    before: Decision | None,
    *,
    beyond: bool = False,
) -> Intervention:
    """The intervention of a decision, with its fundings moved from ``was`` to ``amounts`` (pence by category).

    The plan line, outputs, milestones and match come with the first decision that funds. New money is profiled over
    the open quarters; a cut is recorded also below what is spent or claimed (DESIGN.md rule 2). ``beyond`` lets the
    money pass the allocation (FIGURES.md 21). Raises Refused with the field of the amount.
    """
    intervention = before.intervention if before and before.intervention else _intervention(act, round_, version)
    reason = f"Decision {approval.ref} on {round_.ref} {version.proposal.ref}"
    if any(amounts.values()):
        known = _known(version.proposal_id)
        plan_line = interventions.ensure_plan_line(
            holder,
            round_.fy,
            intervention,
            act,
            lead=version.lead,
            deliverer=version.deliverer or version.proposal.organisation.name,
            level=version.level,
            summary=version.summary,
            reason=reason,
        )
        if holder.id not in known:
            for milestone in version.milestones:
                delivery.add_milestone(plan_line, milestone.title, milestone.due_on, act)
        if not known:
            _promise(act, version, plan_line, decided_on)
    allocations = grants.allocations_of_holder(round_.grant_id, holder.id, round_.fy)
    closed = frozenset(queries.closed_quarters(holder.id, round_.grant_id, round_.fy))
    for category in Category:
        now, then = amounts.get(category, 0), was.get(category, 0)
        if now == then:
            continue
        allocation, _ = allocations[category]
        asked = proposals.profile_asked(version, holder.id, category)
        funding = queries.find_funding(intervention.id, allocation.id)
        try:
            if funding is None:
                finance.open_funding(
                    act,
                    intervention=intervention,
                    allocation=allocation,
                    pence=now,
                    profile=_spread(now, asked, closed),
                    approval=approval,
                    reason=reason,
                    effective_on=decided_on,
                    beyond=beyond,
                )
            else:
                _move(act, funding, now - then, asked, closed, approval, reason, decided_on, beyond=beyond)
        except Refused as refused:
            raise Refused(refused.message, field=f"amount_{category.value}") from None
    return intervention


def used_of(decision: Decision, round_: Round) -> dict[Category, tuple[int, int]]:
    """By category, what is spent and what is claimed of the money that a decision opened, in pence."""
    fundings = [
        each
        for each in queries.fundings(decision.holder_id, round_.fy, round_.grant_id)
        if each.intervention_id == decision.intervention_id
    ]
    claims = queries.newest_claims(decision.holder_id, round_.grant_id, round_.fy)
    spent = queries.spent_by_funding(each.id for each in fundings)
    return {
        each.category: (sum(pence for (of, _), pence in spent.items() if of == each.id), claims.get(each.ref, 0))
        for each in fundings
    }


def _intervention(act: Act, round_: Round, version: ProposalVersion) -> Intervention:
    """The one that the proposal goes on with, the one another partnership's decision opened for it, or a new one."""
    proposal = version.proposal
    if proposal.continues is not None:
        return proposal.continues
    opened = db.session.scalars(
        select(Intervention)
        .join(Decision, Decision.intervention_id == Intervention.id)
        .where(Decision.proposal_id == proposal.id)
        .order_by(Decision.id)
    ).first()
    if opened is not None:
        return opened
    titles = {each.title.casefold() for each in intervention_queries.list_interventions(round_.area_id)}
    title = version.title.strip()
    if title.casefold() in titles:
        ref = f" ({round_.ref} {proposal.ref})"  # it says that it goes on with none, so it is another one
        title = title[: 250 - len(ref)] + ref
    return interventions.add_intervention(round_.area_id, InterventionKind.PROJECT, title, act)


def _known(proposal_id: int) -> frozenset[int]:
    """The partnerships that already opened something for this proposal, whatever stands of it now."""
    return frozenset(
        db.session.scalars(
            select(Decision.holder_id).where(Decision.proposal_id == proposal_id, Decision.intervention_id.is_not(None))
        )
    )


def _promise(act: Act, version: ProposalVersion, plan_line: PlanLine, on: dt.date) -> None:
    """Outputs and match go to the plan line of the first partnership that funds: two would count them twice."""
    for output in version.outputs:
        delivery.add_output(plan_line, output.definition, output.measure, output.target, act)
    for match in version.matches:
        match_services.promise(
            act,
            plan_line,
            match.organisation,
            match.kind,
            match.title,
            match.pence,
            on,
            f"Offered in proposal {version.proposal.ref}",
        )


def _move(
    act: Act,
    funding: Funding,
    pence: int,
    asked: Mapping[int, int],
    closed: frozenset[int],
    approval: Approval,
    reason: str,
    effective_on: dt.date,
    *,
    beyond: bool,
) -> None:
    """Raise or lower a funding by ``pence``; a closed quarter's profile stays as it was (FIGURES.md 17)."""
    newest = queries.newest_version(funding.id)
    standing = {each.quarter: each.pence for each in newest.quarters}
    pence = max(pence, -newest.pence)  # a virement may have taken some of it away
    if not pence:
        return
    weights = {quarter: max(0, standing.get(quarter, 0)) for quarter in QUARTERS} if pence < 0 else asked
    change = _spread(pence, weights, closed)
    profile = {quarter: standing.get(quarter, 0) + change[quarter] for quarter in QUARTERS}
    finance.change_funding(act, funding, newest.pence + pence, profile, approval, reason, effective_on, beyond=beyond)


def _spread(pence: int, weights: Mapping[int, int], closed: frozenset[int]) -> dict[int, int]:
    """Pence over the open quarters in proportion to ``weights``; evenly where those have none."""
    quarters = [quarter for quarter in QUARTERS if quarter not in closed] or list(QUARTERS)
    shares = [weights.get(quarter, 0) for quarter in quarters]
    parts = dict(zip(quarters, share_out(pence, shares if any(shares) else [1] * len(quarters)), strict=True))
    return {quarter: parts.get(quarter, 0) for quarter in QUARTERS}
