# mypy: disallow-subclassing-any=False
"""The forms of personal links: making and revoking one, and the code that opens it."""

from svd_tracker.web.forms import DateField, EmailField, Form, OnceMixin, TextField, max_length, required


class LinkForm(OnceMixin, Form):
    contact_name = TextField("Who writes the proposal", [required("Enter a name"), max_length(250)])
    address = EmailField(
        "Email address",
        [required("Enter an email address"), max_length(250)],
        description="The link goes there, and so does the code that opens it.",
    )
    expires_on = DateField("The link works until", description="That day included.")


class ButtonForm(Form):
    """Nothing to fill in: a button that sends something."""


class CodeForm(Form):
    code = TextField(
        "Code",
        [required("Enter the 6 figures of the code")],
        description="6 figures, from the e-mail that was just sent.",
    )
