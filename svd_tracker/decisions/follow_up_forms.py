"""Forms of what follows a decision: agreement, chair's action, feedback, letters and their words."""

from typing import Any

from svd_tracker.decisions.models import AgreementKind
from svd_tracker.web.forms import (
    DateField,
    Form,
    OnceMixin,
    RadiosField,
    TextAreaField,
    TextField,
    VersionedForm,
    max_length,
    required,
)

KINDS = (
    (AgreementKind.GRANT.value, "Grant agreement"),
    (AgreementKind.CONTRACT.value, "Contract"),
    (AgreementKind.RECHARGE.value, "Recharge inside the public sector"),
)


class _Refusable(Form):
    def refuse(self, message: str, field: str | None) -> None:
        """Put a service's refusal where it belongs."""
        if field is not None and field in self:
            box: Any = self[field]
            box.errors = [message]
        else:
            self.form_errors.append(message)


class AgreementForm(VersionedForm, _Refusable):
    """``row_version`` is the ``seq`` of the agreement that was on the page."""

    kind = RadiosField("What kind of agreement?", [required("Choose the kind of agreement")], choices=KINDS)
    body = TextField("The body that runs the work", [required("Enter the body that runs the work"), max_length(250)])
    reference = TextField("Reference", [required("Enter the reference of the agreement"), max_length(250)])
    signed_on = DateField("Signed by the last party on (leave empty until it is)", allow_blank=True)


class ReportForm(OnceMixin, _Refusable):
    meeting_on = DateField("On which day was it reported?")
    minute_ref = TextField("Minute reference", [required("Enter the minute reference of the meeting"), max_length(250)])


class FeedbackForm(VersionedForm, _Refusable):
    strengths = TextAreaField("What was strong", max_chars=4000)
    gaps = TextAreaField("Where it could be stronger", max_chars=4000)


class LetterForm(OnceMixin, _Refusable):
    to_name = TextField("Who is the letter to?", [required("Enter who the letter is to"), max_length(250)])
    address = TextField(
        "E-mail address (leave empty to print it)", [max_length(250)], description="The letter goes there at once"
    )


class WordsForm(VersionedForm, _Refusable):
    subject = TextField("Subject", [required("Enter the subject"), max_length(200)])
    body = TextAreaField("Letter", [required("Enter the letter")], max_chars=8000)
