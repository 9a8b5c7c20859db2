# mypy: disallow-subclassing-any=False
"""Recording that a body has agreed to an approval."""

from collections.abc import Sequence

from svd_tracker.approvals.models import ApprovalBody
from svd_tracker.web.forms import DateField, Form, OnceMixin, RadiosField, TextField, max_length, required


class AgreeForm(OnceMixin, Form):
    body = RadiosField("Who has agreed", [required("Choose who has agreed")])
    agreed_on = DateField("Date they agreed")
    reference = TextField(
        "Reference",
        [required("Enter the reference of the minute, letter or email"), max_length(250)],
        description="Of the minute, letter or email that says so.",
    )

    def offer(self, bodies: Sequence[ApprovalBody]) -> None:
        self.body.choices = [(body.value, body.label) for body in bodies]
        if len(bodies) == 1 and self.body.data is None:
            self.body.data = bodies[0].value
