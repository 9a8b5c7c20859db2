"""Forms of the returns' pages."""

from typing import Any

from svd_tracker.errors import Refused
from svd_tracker.web.forms import (
    CheckboxField,
    DateField,
    Form,
    HiddenField,
    OnceMixin,
    TextAreaField,
    TextField,
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
    due_on = DateField("The return is due on")
    reason = TextField("Why the dates change", [required("Say why the dates change"), max_length(250)])


class JoinForm(Form):
    reason = TextAreaField(
        "Why the join goes on without those missing",
        max_chars=1000,
        description="It stands in the area return, beside who is missing",
    )


def show_refusal(form: Any, refused: Refused) -> None:
    """Say a service's refusal at the field that it names, or else above the form."""
    if refused.field and refused.field in form:
        form[refused.field].errors = [*form[refused.field].errors, refused.message]
    else:
        form.form_errors.append(refused.message)
