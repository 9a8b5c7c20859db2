"""What each figure of a return is called and how it is worked out of others (FIGURES.md 1 to 13)."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from svd_tracker.periods import quarter_short


@dataclass(frozen=True)
class Part:
    """A figure that another is made of; ``sign`` is "+", "−" or "" where it is compared, not added."""

    sign: str
    code: str
    quarter: int = 0


@dataclass(frozen=True)
class Made:
    """How a figure comes about: in words, of which other figures, and whether ledger rows stand behind it."""

    words: str
    parts: tuple[Part, ...] = ()
    has_rows: bool = False


_LABELS: Mapping[str, str] = {
    "allocation": "Allocation",
    "funding": "Budget",
    "profile": "Profile",
    "profile_to_date": "Profile to date",
    "spent": "Spent",
    "this_period": "Spent in this period",
    "adjustments": "Adjustments to earlier quarters",
    "adjustment": "Adjustment",
    "reported_before": "Reported before",
    "to_date": "Spent to date",
    "accruals": "Open accruals inside the spend to date",
    "eligible_to_date": "Eligible spend to date",
    "claimed_to_date": "Claimed to date",
    "claimed_before": "Claimed before",
    "claimed_now": "Claimed now",
    "repayable": "Repayable",
    "locally_funded": "Locally funded",
    "remaining": "Remaining",
    "forecast": "Forecast",
    "outturn": "Outturn",
    "variance": "Variance",
    "variance_bp": "Variance as a share of the budget",
    "over_committed": "Over-committed",
}


def is_figure(code: str) -> bool:
    return code in _LABELS


def figure_label(code: str, quarter: int, fy: int) -> str:
    """("spent", 1, 2025) → "Spent, Q1 2025/26"; a figure of no single quarter (0) by its name alone."""
    return f"{_LABELS[code]}, {quarter_short(fy, quarter)}" if quarter else _LABELS[code]


def made_of(code: str, quarter: int, own: Sequence[int], spent: Sequence[int], ahead: Iterable[int]) -> Made:
    """How a funding's figure comes about. Raises KeyError for a code that is none.

    ``own`` are the return's own quarters, ``spent`` those up to its last, ``ahead`` those whose forecast stands in the
    outturn.
    """
    forecast = tuple(ahead)
    closed = [each for each in spent if each not in own]
    made: dict[str, Made] = {
        "funding": Made("The newest version of the funding when the return was built."),
        "profile": Made("What the funding's profile gives this quarter."),
        "profile_to_date": Made(
            "The profile of the quarters up to the end of the return's period.",
            tuple(Part("+", "profile", each) for each in spent),
        ),
        "spent": Made("The ledger entries counted in this quarter, up to the return's cut.", has_rows=True),
        "this_period": Made(
            "What was spent in the return's own quarters: those that no earlier return has closed.",
            tuple(Part("+", "spent", each) for each in own),
            has_rows=True,
        ),
        "adjustment": Made(
            "The entries of this closed quarter that were not in the return that closed it, nor in an earlier "
            "adjustment.",
            has_rows=True,
        ),
        "adjustments": Made(
            "The entries of closed quarters that no earlier return has reported.",
            tuple(Part("+", "adjustment", each) for each in closed),
            has_rows=True,
        ),
        "reported_before": Made("What the certified returns of earlier periods said of their quarters."),
        "to_date": Made(
            "What was reported before, the adjustments to it and what was spent in this period: the ledger.",
            (Part("+", "reported_before"), Part("+", "adjustments"), Part("+", "this_period")),
            has_rows=True,
        ),
        "accruals": Made("The accruals of the period that nothing had taken back at its end.", has_rows=True),
        "eligible_to_date": Made("The entries that are marked eligible, up to the return's cut.", has_rows=True),
        "claimed_to_date": Made(
            "The least of eligible spend and budget, inside the allocation of its category.",
            (Part("", "eligible_to_date"), Part("", "funding")),
        ),
        "claimed_before": Made("What the newest certified return of an earlier period claimed to date."),
        "claimed_now": Made(
            "Claimed to date less what was claimed before.", (Part("+", "claimed_to_date"), Part("−", "claimed_before"))
        ),
        "repayable": Made(
            "Claimed before less claimed to date, where that is above nought. It is inside claimed now already.",
            (Part("+", "claimed_before"), Part("−", "claimed_to_date")),
        ),
        "locally_funded": Made(
            "Spent to date less claimed to date.", (Part("+", "to_date"), Part("−", "claimed_to_date"))
        ),
        "remaining": Made("Budget less spent to date.", (Part("+", "funding"), Part("−", "to_date"))),
        "forecast": Made("The newest forecast when the return was built."),
        "outturn": Made(
            "Spent so far and the newest forecast of the quarters ahead.",
            (
                *(Part("+", "spent", each) for each in spent if each not in forecast),
                *(Part("+", "forecast", each) for each in forecast),
            ),
        ),
        "variance": Made("Outturn less budget: over is positive.", (Part("+", "outturn"), Part("−", "funding"))),
        "variance_bp": Made("Variance over budget.", (Part("", "variance"), Part("", "funding"))),
    }
    return made[code]


def made_of_total(code: str) -> Made:
    """How a total's figure comes about, of which the lines are its parts."""
    if code == "allocation":
        return Made("The holder's allocation when the return was built.")
    if code == "over_committed":
        return Made("What the fundings pass the allocation by, category by category.")
    if code == "claimed_to_date":
        return Made("The sum of the lines, each held inside its budget and together inside the allocation.")
    return Made("The sum of the lines.")
