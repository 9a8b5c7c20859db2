"""Forms of the pages of partners' workbooks."""

from svd_tracker.returns.forms import SeenForm
from svd_tracker.web.forms import (
    DateField,
    FileField,
    Form,
    OnceMixin,
    TextAreaField,
    TextField,
    max_length,
    required,
)


class TakeInForm(OnceMixin, Form):
    file = FileField(
        "The filled workbook", description="The Excel workbook (.xlsx) as the partner sent it. It is kept as it came"
    )


class CertificateForm(OnceMixin, SeenForm):
    """``build`` is the build whose figures were on the page."""

    name = TextField("The certifier's name", [required("Enter the certifier's name"), max_length(250)])
    post = TextField(
        "The certifier's post",
        [required("Enter the certifier's post"), max_length(250)],
        description="As it stands beside the signature, like chief finance officer (section 151)",
    )
    signed_on = DateField("The day on which it was signed")
    file = FileField("The signed page", description="A scan as PDF, PNG or JPG")


class ChooseForm(Form):
    reason = TextAreaField("Why", [required("Say why")], max_chars=1000, description="The OPCC and the auditor read it")
