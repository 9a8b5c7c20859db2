# mypy: disallow-subclassing-any=False
"""The form of the demonstration's page."""

from svd_tracker.web.forms import DateField, Form, required


class DayForm(Form):
    day = DateField(
        "What day is it?",
        [required("Enter a day")],
        description="The next working day is filled in. Returns are drafted on the tenth working day after a quarter.",
    )
