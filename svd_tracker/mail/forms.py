# mypy: disallow-subclassing-any=False
"""How a person wants their reminders."""

from svd_tracker.mail.models import Choice
from svd_tracker.web.forms import Form, OnceMixin, RadiosField, VersionedForm, required

CHOICES = {
    Choice.AT_ONCE: "At once, each as it comes",
    Choice.WEEKLY: "One message a week, on Monday, when something waits",
    Choice.NECESSARY: "Only what is late",
}


class ChoiceForm(VersionedForm, Form):
    choice = RadiosField(
        "When do you want to be reminded of returns?",
        [required("Choose when you want to be reminded")],
        choices=[(choice.value, words) for choice, words in CHOICES.items()],
        description="What waits for you is also on your first page, whatever you choose.",
    )


class AgainForm(OnceMixin, Form):
    """Nothing to fill in: the button that sends a message again."""
