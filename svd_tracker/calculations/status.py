"""The status of spend, by stated rules (DOMAIN.md section 6)."""

from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction

from svd_tracker.money import format_pounds_short, round_half_away

GREEN_BASIS_POINTS = 1_000
AMBER_BASIS_POINTS = 2_000


class SpendLevel(StrEnum):
    GREEN = "green"
    AMBER = "amber"
    RED = "red"
    NOT_STARTED = "not_started"
    NO_FIGURES = "no_figures"

    @property
    def label(self) -> str:
        return {"not_started": "Not started", "no_figures": "No figures yet"}.get(self.value, self.value.capitalize())


@dataclass(frozen=True)
class Status:
    """A level, and in words what was compared with what."""

    level: SpendLevel
    reason: str


def spend_rule(green_bp: int = GREEN_BASIS_POINTS, amber_bp: int = AMBER_BASIS_POINTS) -> str:
    """The rule of spend_status in words, to stand on the page beside the statuses."""
    return (
        f"Green: spent is within {_percent(green_bp)} of the profile to date, over or under. "
        f"Amber: within {_percent(amber_bp)}. Red: further away."
    )


def spend_status(
    spent: int | None,
    profile_to_date: int,
    started: bool,
    green_bp: int = GREEN_BASIS_POINTS,
    amber_bp: int = AMBER_BASIS_POINTS,
) -> Status:
    """How spend stands against the profile to date (both pence), by thresholds in basis points.

    ``spent`` None means that no ledger is loaded for the period, which is never nought. ``started`` False means
    that nothing was due to begin by the day looked at; it matters only where there is no figure to judge by.
    Exactly at a threshold is within it. Spend without any profile is red.
    """
    if spent is None and (started or profile_to_date != 0):
        return Status(SpendLevel.NO_FIGURES, "No ledger has been loaded for this period yet.")
    if not spent and profile_to_date == 0:
        return Status(SpendLevel.NOT_STARTED, "Nothing was planned by now and nothing is spent.")
    assert spent is not None  # missing was answered above
    distance = abs(spent - profile_to_date) * 10_000
    if distance <= green_bp * abs(profile_to_date):
        level = SpendLevel.GREEN
    elif distance <= amber_bp * abs(profile_to_date):
        level = SpendLevel.AMBER
    else:
        level = SpendLevel.RED
    return Status(level, _compared(spent, profile_to_date))


def _compared(spent: int, profile: int) -> str:
    words = f"{format_pounds_short(spent)} spent against {format_pounds_short(profile)} planned by now"
    if spent == profile:
        return f"{words}."
    direction = "over" if spent > profile else "under"
    if profile == 0:
        return f"{words}: {direction}."
    return f"{words}: {share_apart(spent, profile)} {direction}."


def share_apart(spent: int, profile: int) -> str:
    """How far spent is from a profile that is not nought, as a share of it to one decimal: "13.9%"."""
    return _percent(10 * round_half_away(Fraction(abs(spent - profile) * 1_000, abs(profile))))


def _percent(basis_points: int) -> str:
    """1000 → "10%", 1250 → "12.5%"."""
    whole, rest = divmod(basis_points, 100)
    return f"{whole}.{rest:02d}".rstrip("0").rstrip(".") + "%"
