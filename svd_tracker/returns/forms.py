"""Forms of the returns' pages."""

from collections.abc import Iterable
from typing import Any

from svd_tracker.errors import Refused
from svd_tracker.files.evidence import ALLOWED
from svd_tracker.returns.life_pages import LineChange
from svd_tracker.web.forms import (
    CheckboxField,
    DateField,
    FileField,
    Form,
    HiddenField,
    OnceMixin,
    RadiosField,
    TextAreaField,
    TextField,
    ValidationError,
    VersionedForm,
    max_length,
    required,
)


class BuildForm(OnceMixin, Form):
    """The button that builds a draft."""


class SeenForm(Form):
    """The button that passes a draft on. ``build`` is the build whose figures were on the page."""

    build = HiddenField()

    def build_id(self) -> int:
        """Nought when what was sent is not a build's id: no build is taken for it."""
        text = str(self.build.data or "")
        return int(text) if text.isascii() and text.isdecimal() and len(text) < 10 else 0


class CheckForm(SeenForm):
    nil = CheckboxField("This is a nil return: there is nothing to report for the period")


class CertifyForm(SeenForm):
    post = TextField(
        "Your post",
        [required("Enter your post, like chief finance officer (section 151)"), max_length(250)],
        description="It stands beside your name in the return, like chief finance officer (section 151)",
    )
    accepts_carried = CheckboxField("I accept that this return goes on without these lines")


class SendBackForm(Form):
    reason = TextAreaField(
        "What is to be put right",
        [required("Say what is to be put right")],
        max_chars=1000,
        description="The preparer sees this first when they open the return",
    )


class DatesForm(VersionedForm, Form):
    """``row_version`` is the number of the dates that were on the page."""

    draft_on = DateField("The draft is built on")
    certify_on = DateField("It is to be certified by")
    due_on = DateField("The return is due at the OPCC on")
    reason = TextField("Why the dates change", [required("Say why the dates change"), max_length(250)])


class WithdrawForm(VersionedForm, Form):
    """Takes a return out of the calendar, or puts it back; ``row_version`` is the number of its dates."""

    reason = TextField("Why", [required("Say why"), max_length(250)])


class SendForm(OnceMixin, Form):
    to_whom = TextField("To whom", [required("Enter to whom it was sent"), max_length(250)])
    how = TextField(
        "How",
        [required("Enter how it was sent, like by e-mail"), max_length(250)],
        description="Like by e-mail, or by the funder's portal",
    )
    reference = TextField("Reference", [max_length(250)], description="You can leave this blank.")
    sent_on = DateField("On which day")
    receipt = FileField("What shows that it arrived", description=f"You can add it later. {ALLOWED}.")


class ReceiptForm(OnceMixin, Form):
    file = FileField("File", description=f"{ALLOWED}.")
    note = TextField("What it shows", [max_length(250)], description="You can leave this blank.")


class AcceptReturnForm(OnceMixin, Form):
    reference = TextField(
        "Reference",
        [max_length(250)],
        description="Of the letter or e-mail that says so. You can leave this blank.",
    )


class QueryForm(OnceMixin, Form):
    reason = TextAreaField(
        "What is to be put right",
        [required("Say what is to be put right")],
        max_chars=1000,
        description="The preparer reads this first",
    )


class ReopenForm(OnceMixin, Form):
    reason = TextAreaField(
        "Why the return is opened again", [required("Say why the return is opened again")], max_chars=1000
    )


class ExplainForm(OnceMixin, Form):
    """A reason for each line that changed; see ``explain_form``."""


def reason_box(line_ref: str) -> str:
    """The name of a line's box: by its ref, so that a reason never goes to another line."""
    return f"reason-{line_ref}"


def explain_form(lines: Iterable[LineChange]) -> Any:
    """A form with a box for each of these lines, which holds the reason given so far."""
    boxes = {
        reason_box(line.ref): TextAreaField(f"Why {line.title} is not as it was", default=line.reason, max_chars=1000)
        for line in lines
    }
    return type("ExplainLinesForm", (ExplainForm,), boxes)()


class JoinForm(Form):
    reason = TextAreaField(
        "Why the join goes on without those missing",
        max_chars=1000,
        description="It stands in the area return, beside who is missing",
    )


class AcceptForm(Form):
    reason = TextAreaField(
        "Why the return can go with it",
        [required("Say why the return can go with this warning")],
        max_chars=1000,
        description="It stands in the return beside the warning, with your name",
    )


class CheckRuleForm(VersionedForm, Form):
    """What an area makes of a check. ``row_version`` is its newest setting's id, 0 before the first."""

    does = RadiosField(
        "What it does when it finds something",
        [required("Choose what the check does")],
        choices=[
            ("warn", "It warns: the return may go, and its certifier sees the warning"),
            ("warn_until", "It warns up to a day, and stops a return from then on"),
            ("block", "It stops the return until it is put right"),
        ],
    )
    until = DateField("The last day on which it only warns", allow_blank=True)
    reason = TextField("Why it changes", [required("Say why it changes"), max_length(250)])

    def validate_until(self, field: Any) -> None:
        if self.does.data == "warn_until" and field.data is None:
            raise ValidationError("Enter the last day on which the check only warns")

    @property
    def stored(self) -> str:
        """As the setting keeps it."""
        return f"warn_until:{self.until.data.isoformat()}" if self.does.data == "warn_until" else str(self.does.data)


def show_refusal(form: Any, refused: Refused) -> None:
    """Say a service's refusal at the field that it names, or else above the form."""
    if refused.field and refused.field in form:
        form[refused.field].errors = [*form[refused.field].errors, refused.message]
    else:
        form.form_errors.append(refused.message)
