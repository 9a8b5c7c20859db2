"""The form of how the costs of a plan line are shared."""

from collections.abc import Iterable

from svd_tracker.finance.intake.models import CostSharing, SharingMethod
from svd_tracker.finance.match_queries import MatchNow
from svd_tracker.web.forms import (
    Form,
    OnceMixin,
    PoundsField,
    RadiosField,
    SelectField,
    TextField,
    max_length,
    required,
)


class SharingForm(OnceMixin, Form):
    method = RadiosField(
        "How are the costs shared?",
        [required("Choose how the costs are shared")],
        choices=[(each.value, each.label) for each in SharingMethod],
    )
    match = SelectField("Which match?", coerce=int, description="Only match in cash pays what the ledger has.")
    grant_share = PoundsField(
        "The grant's share",
        allow_blank=True,
        description="How much of every cost the grant pays, like 60 or 33.33.",
    )
    reason = TextField(
        "What does this follow from?", [max_length(250)], description="Like the match agreement of 1 April 2025."
    )

    def offer(self, matches: Iterable[MatchNow]) -> None:
        self.match.choices = [
            ("", "None"),
            *((each.match_id, f"{each.organisation}, {each.title}") for each in matches),
        ]

    def fill(self, version: CostSharing) -> None:
        self.method.data, self.match.data = version.method.value, version.match_id
        self.grant_share.data = version.grant_bp
