"""Forms of payments."""

from collections.abc import Sequence

from svd_tracker.accounts.models import Holder
from svd_tracker.periods import QUARTERS, quarter_short
from svd_tracker.web.forms import (
    DateField,
    Form,
    OnceMixin,
    PoundsField,
    SelectField,
    TextAreaField,
    TextField,
    max_length,
    required,
)

FUNDER, NO_RETURN = "funder", "none"


class PaymentForm(OnceMixin, Form):
    payee = SelectField("Who was paid", [required("Choose who was paid")])
    period = SelectField(
        "Which return it pays for",
        [required("Choose a return, or that it is for no one return")],
        description="Money paid in advance is for no one return",
    )
    pence = PoundsField(
        "Amount", allow_negative=True, description="With a minus for money that went back, like -120.00"
    )
    paid_on = DateField("Paid on")
    reference = TextField(
        "Reference",
        [required("Enter the payment's reference, like the remittance number"), max_length(250)],
        description="Like the remittance number",
    )
    note = TextField("Note, if it needs one", [max_length(250)])

    def offer(self, funder: str, lead: str, holders: Sequence[Holder], fy: int) -> None:
        self.payee.choices = [
            ("", "Choose"),
            (FUNDER, f"{lead}, by the {funder}"),
            *((str(holder.id), f"{holder.name}, by {lead}") for holder in holders),
        ]
        self.period.choices = [
            ("", "Choose"),
            *((str(quarter), quarter_short(fy, quarter)) for quarter in QUARTERS),
            (NO_RETURN, "No one return, such as an advance"),
        ]

    def holder_id(self) -> int | None:
        return None if self.payee.data == FUNDER else int(self.payee.data)

    def last_quarter(self) -> int | None:
        return None if self.period.data == NO_RETURN else int(self.period.data)


class TakeBackForm(OnceMixin, Form):
    reason = TextAreaField(
        "Why the payment is taken back", [required("Say why the payment is taken back")], max_chars=250
    )
