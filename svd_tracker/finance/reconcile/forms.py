"""The form of a control total."""

from svd_tracker.web.forms import Form, OnceMixin, PoundsField, TextField, max_length, required


class ControlTotalForm(OnceMixin, Form):
    pence = PoundsField(
        "What the finance system says the quarter comes to",
        [required("Enter the total, like 12,040.10")],
        allow_negative=True,
        description="The total of all lines of the cost centres that are brought in, for the quarter's periods",
    )
    source = TextField(
        "Where you read it",
        [required("Say where you read it, like the name of the report"), max_length(250)],
        description="The report, its cost centres and the day it was run, like: SAP cost centre report 4410, 7 July",
    )
