"""The limits of each funding's spend, from the grant's terms, its rules and the funding's approval."""

from collections.abc import Collection, Mapping, Sequence

from sqlalchemy import select
from sqlalchemy.orm import selectinload

from svd_tracker.approvals.models import Approval
from svd_tracker.approvals.queries import at_risk_until
from svd_tracker.calculations.figures import EntryKind
from svd_tracker.calculations.limits import AccountRule, AccountRules, Limits
from svd_tracker.extensions import db
from svd_tracker.finance.intake.models import LedgerLine, Placement
from svd_tracker.finance.models import Funding, FundingVersion, LedgerEntry
from svd_tracker.grants import queries as grants
from svd_tracker.grants.models import AgreementStatus, Grant, OutsidePeriod, RuleEffect
from svd_tracker.periods import fy_end, fy_start

FundingLimits = Limits
_OF_ALL = frozenset({"at_risk_unsigned", "at_risk_waiting"})


def limits_for(holder_id: int, fys: Collection[int]) -> Mapping[int, FundingLimits]:
    """The limits of every funding of a holder's years, by funding id. Four queries, whatever their number.

    Spend is at risk until the last body agreed to the approval that opened the funding; what a later version adds
    is told by its own approval.
    """
    return _limits(Funding.holder_id == holder_id, Funding.fy.in_(list(fys)))


def limits_of(funding: Funding) -> FundingLimits:
    """The limits of one funding."""
    return _limits(Funding.id == funding.id)[funding.id]


def flags_of(entries: Sequence[LedgerEntry], limits: Mapping[int, FundingLimits]) -> dict[int, tuple[str, ...]]:
    """What is to be known of entries, in words by entry id; reversals and entries without a flag are absent.

    What holds for all spend alike (an unsigned agreement, a body that has not agreed) is left to the page. One query.
    """
    accounts = _accounts({entry.placement_id for entry in entries if entry.placement_id})
    found = {}
    for entry in entries:
        verdict = limits[entry.funding_id].verdict(entry.spent_on, accounts.get(entry.placement_id or 0, ""))
        said = [words for code, words in zip(verdict.codes, verdict.flags, strict=True) if code not in _OF_ALL]
        if said and entry.kind is not EntryKind.REVERSAL:
            found[entry.id] = tuple(said)
    return found


def _accounts(placement_ids: Collection[int]) -> dict[int, str]:
    if not placement_ids:
        return {}
    rows = db.session.execute(
        select(Placement.id, LedgerLine.account)
        .join(LedgerLine, LedgerLine.id == Placement.line_id)
        .where(Placement.id.in_(placement_ids))
    )
    return {row.id: row.account for row in rows}


def _limits(*where: object) -> dict[int, FundingLimits]:
    rows = db.session.execute(
        select(Funding.id, Funding.fy, Grant, Approval)
        .join(Grant, Grant.id == Funding.grant_id)
        .join(FundingVersion, FundingVersion.funding_id == Funding.id)
        .join(Approval, Approval.id == FundingVersion.approval_id)
        .where(FundingVersion.version_no == 1, *where)  # type: ignore[arg-type]
        .options(selectinload(Approval.steps))
    ).all()
    grant_ids = {grant.id for _, _, grant, _ in rows}
    terms = grants.newest_terms(grant_ids)
    rules = {
        grant_id: AccountRules(
            AccountRule(each.accounts, each.kind, each.effect is RuleEffect.REFUSE) for each in of_grant
        )
        for grant_id, of_grant in grants.eligibility_rules_of(grant_ids).items()
    }
    found = {}
    for funding_id, fy, grant, approval in rows:
        of_grant = terms.get(grant.id)
        signed = of_grant is not None and of_grant.status in (AgreementStatus.SIGNED, AgreementStatus.CLOSED)
        found[funding_id] = Limits(
            first_day=fy_start(fy),
            last_day=fy_end(fy),
            starts_on=grant.starts_on,
            ends_on=grant.ends_on,
            eligible_from=of_grant.eligible_from if of_grant else None,
            refuse_outside=of_grant is not None and of_grant.outside_period is OutsidePeriod.REFUSE,
            signed_on=of_grant.signed_on if of_grant and signed else None,
            agreed_on=at_risk_until(approval),
            accounts=rules.get(grant.id, AccountRules()),
        )
    return found
