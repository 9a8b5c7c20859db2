"""A forecast underspend: of which fundings, and until when something can be done (issue 3; DOMAIN.md section 4)."""

import datetime as dt
from dataclasses import dataclass

from svd_tracker.accounts import queries as accounts
from svd_tracker.calculations.figures import Tolerance
from svd_tracker.calculations.returns import needs_explanation
from svd_tracker.finance.figures import YearFigures, YearLine
from svd_tracker.periods import fy_end


@dataclass(frozen=True)
class Underspend:
    """A funding that is forecast to be spent in part, in pence above nought."""

    line: YearLine
    pence: int


def underspends(now: YearFigures, area_id: int, today: dt.date) -> list[Underspend]:
    """The fundings whose outturn is below them by more than the variance tolerance, the largest first.

    From the quarter that the setting names, until 31 March: after that nothing can be done. A missing outturn is not
    an underspend.
    """
    below = [line for line in now.lines if line.outlook.variance is not None and line.outlook.variance < 0]
    if not below or today > fy_end(now.fy):
        return []
    if now.last < accounts.read_whole_setting("underspend_from_quarter", area_id):
        return []
    tolerance = Tolerance(
        accounts.read_whole_setting("variance_bp", area_id), accounts.read_whole_setting("variance_pence", area_id)
    )
    found = [
        Underspend(line, -(line.outlook.variance or 0))
        for line in below
        if needs_explanation(line.outlook.variance, line.funding.pence, tolerance)
    ]
    return sorted(found, key=lambda each: (-each.pence, each.line.funding.ref))
