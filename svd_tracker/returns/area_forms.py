"""Forms of the area return's life."""

from collections.abc import Iterable

from svd_tracker.files.evidence import ALLOWED
from svd_tracker.web.forms import (
    CheckboxesField,
    DateField,
    FileField,
    Form,
    OnceMixin,
    TextAreaField,
    TextField,
    max_length,
    required,
)


class CertifyJoinForm(OnceMixin, Form):
    post = TextField(
        "Your post",
        [required("Enter your post, like chief finance officer (section 151)"), max_length(250)],
        description="It stands beside your name in the area return",
    )


class SendBackJoinForm(OnceMixin, Form):
    reason = TextAreaField(
        "What is to be put right",
        [required("Say what is to be put right")],
        max_chars=1000,
        description="Whoever joins the returns sees this first",
    )


class SendJoinForm(OnceMixin, Form):
    to_whom = TextField("Sent to", [required("Enter who it was sent to"), max_length(250)])
    how = TextField(
        "How it was sent",
        [required("Enter how it was sent, like by e-mail"), max_length(250)],
        description="Like by e-mail, or uploaded to the funder's site",
    )
    reference = TextField("The funder's reference, if there is one", [max_length(250)])
    sent_on = DateField("Sent on")
    receipt = FileField("What shows that it arrived", description=f"{ALLOWED}. You can add it later.")


class AcceptJoinForm(OnceMixin, Form):
    reason = TextField(
        "The funder's reference or words",
        [max_length(250)],
        description="Like the date and reference of its e-mail. You may leave it empty",
    )


class QueryJoinForm(OnceMixin, Form):
    reason = TextAreaField("What the funder asks", [required("Say what the funder asks")], max_chars=1000)
    returns = CheckboxesField(
        "Whose return is to be put right",
        coerce=int,
        description="Each of these goes back to its holder with this reason, and comes again as its next revision",
    )

    def offer(self, holders: Iterable[tuple[int, str]]) -> None:
        """The returns that can be queried, as pairs of revision id and holder; without any there is nothing to ask."""
        self.returns.choices = list(holders)
        if not self.returns.choices:
            del self.returns


class ReceiptForm(OnceMixin, Form):
    file = FileField("What shows that it arrived", description=f"{ALLOWED}.")
    note = TextField("Note, if it needs one", [max_length(250)])
