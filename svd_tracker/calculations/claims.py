"""What may be claimed of what was spent: the ceilings of a claim and how one is shared (FIGURES.md 7, 8 and 15)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from svd_tracker.money import share_out


@dataclass(frozen=True)
class ClaimFact:
    """One funding before its category's ceiling is looked at, in pence.

    ``before`` is what earlier periods claimed to date; ``final`` is what a certified final return claimed,
    None while there is none.
    """

    ref: str
    eligible: int
    funding: int
    before: int = 0
    final: int | None = None

    @property
    def wanted(self) -> int:
        """The least of eligible to date, funding and, after a final, what that claimed. No floor at nought."""
        least = min(self.eligible, self.funding)
        return least if self.final is None else min(least, self.final)

    @property
    def kept(self) -> int:
        """What stays of earlier claims when a ceiling is shared: never more than is still wanted."""
        return max(0, min(self.before, self.wanted))


def share_ceiling(claims: Sequence[ClaimFact], ceiling: int) -> Mapping[str, int]:
    """Claimed to date by funding ref, in pence, for the fundings of one category under its allocation.

    Below the ceiling each funding claims what it wants. Past it, a claim below nought is left whole, then
    what is kept of earlier claims comes first and the rest of the ceiling is shared over the new claims by
    largest remainder; a ceiling below what is kept is itself shared over what is kept. Spare pennies go to
    the first refs as plain text. Raises ValueError for a ceiling below nought or a ref given twice.
    """
    if ceiling < 0:
        raise ValueError("an allocation is nought or more")
    ordered = sorted(claims, key=lambda claim: claim.ref)
    claimed = {claim.ref: claim.wanted for claim in ordered}
    if len(claimed) != len(ordered):
        raise ValueError("a funding ref stands twice in one category")
    if sum(claimed.values()) <= ceiling:
        return claimed
    sharing = [claim for claim in ordered if claim.wanted >= 0]
    room = ceiling - sum(claim.wanted for claim in ordered if claim.wanted < 0)
    kept = [claim.kept for claim in sharing]
    if sum(kept) <= room:
        new = share_out(room - sum(kept), [claim.wanted - claim.kept for claim in sharing])
        shares = [old + more for old, more in zip(kept, new, strict=True)]
    else:
        shares = share_out(room, kept)
    return claimed | {claim.ref: share for claim, share in zip(sharing, shares, strict=True)}
