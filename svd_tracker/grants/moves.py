"""Moving shares of a grant's year under an approved move: the grant's total never changes by it."""

import datetime as dt
from collections.abc import Mapping

from svd_tracker.act import Act
from svd_tracker.approvals.models import Approval
from svd_tracker.calculations.figures import Category
from svd_tracker.grants import queries
from svd_tracker.grants.models import Grant
from svd_tracker.grants.services import write_award, write_share


def move_shares(
    act: Act,
    grant: Grant,
    fy: int,
    changes: Mapping[tuple[int, Category], int],
    approval: Approval,
    *,
    effective_on: dt.date,
    reason: str,
    settles: bool = False,
) -> None:
    """New versions of shares that exist, changed by pence by (holder id, category), which come to nought together.

    An award line goes with what its shares come to: between holders it stays, between categories it moves. With
    ``settles`` what is provisional in these categories no longer is (FIGURES.md 19). Part of the verb that moves, which
    holds the locks of the grant and the allocations, has checked the floors, and writes the audit line.
    """
    if sum(changes.values()):
        raise ValueError("a move of money comes to nought over the grant")
    table = queries.award_table(grant.id, fy)
    for category, line in table.lines.items():
        of_line = {holder_id: pence for (holder_id, of), pence in changes.items() if of is category}
        if not of_line:
            continue
        added = sum(of_line.values())
        if added:
            write_award(grant, fy, category, line.pence + added, line.version_no, approval, act, effective_on, reason)
        for holder_id, share in line.allocations.items():
            if holder_id in of_line or (settles and share.provisional):
                pence = share.pence + of_line.pop(holder_id, 0)
                provisional = share.provisional and not settles
                write_share(line.id, holder_id, share, pence, approval, act, effective_on, reason, provisional)
        if of_line:
            raise ValueError("a share that does not exist cannot be moved")
