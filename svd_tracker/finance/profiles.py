"""The budget of a funding by quarter, changed without its amount (FIGURES.md 17)."""

from collections.abc import Collection, Mapping

from svd_tracker.act import Act
from svd_tracker.errors import ChangedMeanwhile, Refused
from svd_tracker.finance import queries
from svd_tracker.finance.fundings import change_funding
from svd_tracker.finance.models import Funding, FundingVersion
from svd_tracker.grants.queries import lock_allocation
from svd_tracker.money import share_out
from svd_tracker.periods import QUARTERS


def spread(
    pence: int, standing: Mapping[int, int], closed: Collection[int], weights: Mapping[int, int]
) -> dict[int, int]:
    """A profile of ``pence`` that leaves closed quarters as they stand and shares the rest by weight over the others.

    It adds back to the penny, by largest remainder. Raises Refused when no open quarter has a weight.
    """
    still_open = [quarter for quarter in QUARTERS if quarter not in closed]
    kept = {quarter: standing.get(quarter, 0) for quarter in closed}
    rest = pence - sum(kept.values())
    shares = [weights.get(quarter, 0) for quarter in still_open]
    if rest and not sum(shares):
        raise Refused("The proposal has no costs in a quarter that is open: choose another way", field="spread")
    return {**kept, **dict(zip(still_open, share_out(rest, shares), strict=True))}


def change_profile(
    act: Act, funding: Funding, profile: Mapping[int, int], reason: str, version_seen: int
) -> FundingVersion:
    """A new version of a funding with the same amount under the same approval, and another profile.

    The same profile again is no new version. Raises ChangedMeanwhile when ``version_seen`` is not the newest; Refused
    without a reason, when the quarters do not add up to the funding, for a closed quarter, and when all are closed.
    """
    reason = reason.strip()
    if not reason:
        raise Refused("Say why the profile is changed", field="reason")
    lock_allocation(funding.allocation_id)
    before = queries.newest_version(funding.id)
    standing = {each.quarter: each.pence for each in before.quarters}
    if {quarter: profile.get(quarter, 0) for quarter in QUARTERS} == standing:
        return before
    if before.version_no != version_seen:
        current = {f"q{quarter}": pence for quarter, pence in standing.items()}
        words = "Somebody else changed this funding after you opened this page"
        raise ChangedMeanwhile(words, {**current, "row_version": before.version_no})
    if len(queries.closed_quarters(funding.holder_id, funding.grant_id, funding.fy)) == len(QUARTERS):
        raise Refused("Every quarter is closed, so the profile stays as it is")
    return change_funding(act, funding, before.pence, profile, before.approval, reason, act.on)
