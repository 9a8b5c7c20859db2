"""What a return is called: its period, or the end of the year that it closes."""

from svd_tracker.calculations.figures import ObligationKind
from svd_tracker.periods import fy_label, quarter_short


def obligation_words(fy: int, last_quarter: int, kind: ObligationKind) -> str:
    """Give "Q1 2025/26", "Provisional 2025/26" or "Final 2025/26", as pages, mail and workbooks name a return.

    An in-year return is named by its last quarter, also where it is made every half year.
    """
    if kind is ObligationKind.IN_YEAR:
        return quarter_short(fy, last_quarter)
    return f"{kind.value.capitalize()} {fy_label(fy)}"
