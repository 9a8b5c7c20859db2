"""The settings an area can change on screen, each with its visible default (DOMAIN.md marks them as assumptions)."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class SettingKind:
    """``unit`` says how the value is typed and shown: bp (basis points, shown as per cent), pence, quarter, date."""

    label: str
    unit: str
    default: str
    hint: str


SETTINGS: Mapping[str, SettingKind] = {
    "variance_bp": SettingKind(
        "Explain a variance above this share of the funding",
        "bp",
        "500",
        "A line is to be explained when it passes this share or the amount below, not at exactly that.",
    ),
    "variance_pence": SettingKind(
        "Explain a variance above this amount", "pence", "100000", "See the share above: either is enough."
    ),
    "spend_green_bp": SettingKind(
        "Spend is on track within this share of its profile", "bp", "1000", "Above or below the profile to date."
    ),
    "spend_amber_bp": SettingKind(
        "Spend is to be watched within this share of its profile",
        "bp",
        "2000",
        "Further away from the profile than this, spend is off track.",
    ),
    "free_movement_pence": SettingKind(
        "Virement that the coordinator may approve in a year",
        "pence",
        "0",
        "Of one holder and grant, all approved virements of the year together. Above it the OPCC approves.",
    ),
    "underspend_from_quarter": SettingKind(
        "Show what can be done with a forecast underspend from this quarter",
        "quarter",
        "3",
        "1 to 4. Before it there is time to spend as planned.",
    ),
    "demo_today": SettingKind("Today's date in the demo", "date", "", "Only an installation that runs the demo."),
}
