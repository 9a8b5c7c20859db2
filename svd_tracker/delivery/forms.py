"""Forms of match, milestones and outputs."""

import re
from decimal import Decimal
from typing import Any

from svd_tracker.delivery.models import MilestoneState, OutputMeasure
from svd_tracker.errors import Refused
from svd_tracker.files.evidence import ALLOWED
from svd_tracker.finance.match_services import ACHIEVED_STAGE
from svd_tracker.finance.models import Match, MatchKind, MatchStage
from svd_tracker.web.forms import (
    DateField,
    FileField,
    Form,
    OnceMixin,
    PoundsField,
    RadiosField,
    SelectField,
    TextField,
    ValidationError,
    max_length,
    required,
)

_LINE = 250
_STAGE_WORDS = {
    MatchStage.PROMISED: "Promised: more than was promised before",
    MatchStage.CONFIRMED: "Confirmed in writing",
    MatchStage.RECEIVED: "Received",
    MatchStage.DELIVERED: "Delivered",
    MatchStage.WITHDRAWN: "Withdrawn by the partner",
}
_STATE_WORDS = {
    MilestoneState.REACHED: "Reached",
    MilestoneState.SLIPPED: "Slipped to a later date",
    MilestoneState.DROPPED: "Dropped: it will not happen",
    MilestoneState.PLANNED: "Still planned: what was recorded was a mistake",
}


def show_refusal(form: Any, refused: Refused) -> None:
    """Put what a service refused at the field it belongs to, or over the form."""
    if refused.field and refused.field in form:
        form[refused.field].errors = [*form[refused.field].errors, refused.message]
    else:
        form.form_errors.append(refused.message)


def hundredths(text: str, largest: int) -> int | None:
    """ "7.5" as 750; None for what is no number of at most two decimals, or past ``largest`` whole units."""
    cleaned = text.strip().replace("\N{MINUS SIGN}", "-").replace(",", "")
    if not re.fullmatch(r"-?[0-9]{1,7}(?:\.[0-9]{1,2})?", cleaned):
        return None
    value = int(Decimal(cleaned) * 100)
    return value if abs(value) <= largest * 100 else None


class PromiseForm(OnceMixin, Form):
    organisation = SelectField("Who promised it", description="Leave empty to name an organisation that is not listed.")
    other = TextField("Another organisation", [max_length(_LINE)])
    kind = RadiosField(
        "What kind of match it is",
        [required("Choose cash or in kind")],
        choices=[
            (MatchKind.CASH.value, "Cash: money that is paid over"),
            (MatchKind.IN_KIND.value, "In kind: time, rooms or goods"),
        ],
    )
    title = TextField(
        "What it is for",
        [required("Enter what the match is for"), max_length(_LINE)],
        description="Like nurse's hours.",
    )
    pence = PoundsField("How much is promised", description="For time, its value in pounds.")
    happened_on = DateField("When it was promised")
    evidence = TextField(
        "What shows it", [max_length(_LINE)], description="Like a letter and its date. You can add it later."
    )

    def validate_organisation(self, field: Any) -> None:
        if not field.data and not self.other.data:
            raise ValidationError("Choose who promised it, or name another organisation")
        if field.data and self.other.data:
            raise ValidationError("Choose from the list or name another organisation, not both")


class MatchEventForm(OnceMixin, Form):
    stage = RadiosField("What happened", [required("Choose what happened")])
    pence = PoundsField(
        "Amount",
        allow_negative=True,
        allow_blank=True,
        description="Use a minus sign to take off what was recorded by mistake.",
    )
    hours = TextField("Hours", [max_length(12)], description="Like 7.5. For time given: leave the amount empty.")
    rate = PoundsField("Rate for an hour", allow_blank=True)
    price_list = TextField(
        "Price list",
        [max_length(100)],
        description="For rooms or goods: the list that the amount comes from, like Dorset Council hire charges 2025.",
    )
    happened_on = DateField("When it happened")
    evidence = TextField(
        "What shows it",
        [required("Enter what shows it, such as a letter, a remittance or a time sheet"), max_length(_LINE)],
        description="Like a remittance number or a signed time sheet. For a correction, what was wrong.",
    )
    file = FileField("A file that shows it", description=f"{ALLOWED}. You can add it later.")

    def offer(self, match: Match) -> None:
        """Only the stages that this kind of match has, and hours only in kind."""
        stages = (MatchStage.PROMISED, MatchStage.CONFIRMED, ACHIEVED_STAGE[match.kind], MatchStage.WITHDRAWN)
        self.stage.choices = [(stage.value, _STAGE_WORDS[stage]) for stage in stages]
        if match.kind is MatchKind.CASH:
            del self.hours
            del self.rate
            del self.price_list

    def validate_price_list(self, field: Any) -> None:
        given = self.pence.data or 0
        if self.stage.data == MatchStage.DELIVERED.value and given > 0 and not self.hours.data and not field.data:
            raise ValidationError("Enter the price list that the amount comes from, or the hours and a rate instead")
        if field.data and self.hours.data:
            raise ValidationError("Enter a price list or the hours and a rate, not both")

    def validate_hours(self, field: Any) -> None:
        if field.data and self.hours_hundredths is None:
            raise ValidationError("Enter the hours as a number with no more than two decimals, like 7.5")

    def validate_pence(self, field: Any) -> None:
        if field.data is None and not field.errors and not ("hours" in self and (self.hours.data or self.rate.data)):
            raise ValidationError("Enter an amount in pounds, like 1,250.00")

    @property
    def hours_hundredths(self) -> int | None:
        return hundredths(self.hours.data, 100_000) if "hours" in self and self.hours.data else None


class MilestoneForm(OnceMixin, Form):
    title = TextField("What will have happened", [required("Enter what will have happened"), max_length(_LINE)])
    due_on = DateField("When it is due")


class MilestoneEventForm(OnceMixin, Form):
    state = RadiosField("What became of it", [required("Choose what became of it")])
    happened_on = DateField("When that happened")
    slipped_to = DateField("New date", allow_blank=True, description="Only for one that has slipped.")
    why = TextField("Why", [max_length(_LINE)], description="Members read this. Not needed for one that was reached.")

    def offer(self, over: bool) -> None:
        """What may be said of a milestone: once it is over, only that it is not."""
        states = (
            [MilestoneState.PLANNED]
            if over
            else [MilestoneState.REACHED, MilestoneState.SLIPPED, MilestoneState.DROPPED]
        )
        self.state.choices = [(state.value, _STATE_WORDS[state]) for state in states]


class OutputForm(OnceMixin, Form):
    definition = TextField(
        "What is counted",
        [required("Enter what is counted"), max_length(_LINE)],
        description="Like sessions held, or pupils who report more confidence.",
    )
    measure = RadiosField(
        "How it is counted",
        [required("Choose a number or a share")],
        choices=[(OutputMeasure.COUNT.value, "A number"), (OutputMeasure.SHARE.value, "A share, in per cent")],
    )
    target = TextField(
        "Target for the year", [max_length(12)], description="Like 120, or 80 for 80%. Leave empty when none is set."
    )

    def validate_target(self, field: Any) -> None:
        if field.data and self.target_value is None:
            raise ValidationError("Enter a number, like 120, or a share like 80 or 62.5")

    @property
    def target_value(self) -> int | None:
        """The target as the service takes it: a whole count, or basis points."""
        read = hundredths(self.target.data.removesuffix("%"), 10_000_000) if self.target.data else None
        if read is None or self.measure.data == OutputMeasure.SHARE.value:
            return read
        return None if read % 100 else read // 100
