"""The settings an area can change on screen, each with its visible default (DOMAIN.md marks them as assumptions).

A feature adds its own with ``add_settings``.
"""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class SettingKind:
    """``unit`` says how the value is typed and shown: bp (basis points, shown as per cent), pence, quarter, days,

    yes_no (1 or 0), date, check (block, warn or warn_until:2025-09-30, changed on the page of the checks).
    """

    label: str
    unit: str
    default: str
    hint: str


SETTINGS: dict[str, SettingKind] = {
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
    "mail_drafted": SettingKind(
        "Tell finance officers when a draft was built",
        "yes_no",
        "1",
        "On the day that the return is drafted by itself.",
    ),
    "mail_before_days": SettingKind(
        "Remind this many days before a return is due", "days", "7", "0 for no reminder before that day."
    ),
    "mail_on_day": SettingKind(
        "Remind on the day that a return is due", "yes_no", "1", "Whoever it waits for on that day."
    ),
    "mail_late_days": SettingKind(
        "Remind of a late return every so many days",
        "days",
        "7",
        "First on the day after it was due. 0 for no reminder of late returns.",
    ),
    "mail_next_days": SettingKind(
        "Tell the next person up when a return is this many days late",
        "days",
        "5",
        "The certifier first, and as many days later the OPCC officer; of one that waits for its certifier, the OPCC "
        "officer. 0 to tell nobody else.",
    ),
    "mail_checked": SettingKind(
        "Tell certifiers when a return waits for them", "yes_no", "1", "As soon as it was checked."
    ),
    "mail_sent_back": SettingKind(
        "Tell finance officers when a return comes back to them",
        "yes_no",
        "1",
        "Sent back by its certifier, queried by the OPCC, or opened again.",
    ),
    "mail_sent": SettingKind(
        "Tell OPCC officers when a return was sent to them", "yes_no", "1", "It waits for them to accept or query it."
    ),
    "mail_joined": SettingKind(
        "Tell the OPCC’s certifiers when an area return waits for them", "yes_no", "1", "As soon as it was joined."
    ),
    "demo_today": SettingKind("Today's date in the demo", "date", "", "Only an installation that runs the demo."),
}


def add_settings(kinds: Mapping[str, SettingKind]) -> None:
    """Settings of a feature, by key. Called once, when the feature is imported."""
    SETTINGS.update(kinds)
