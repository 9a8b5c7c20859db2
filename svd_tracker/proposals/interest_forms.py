# mypy: disallow-subclassing-any=False
"""The forms of interests: declaring one, having gone through a list, and the chair's ruling."""

from svd_tracker.proposals.models import InterestEvent, InterestKind
from svd_tracker.web.forms import CheckboxField, Form, HiddenField, RadiosField, TextField, max_length, required


class InterestForm(Form):
    kind = RadiosField(
        "What kind of interest is it?",
        [required("Choose the kind of interest")],
        choices=[
            (InterestKind.DIRECT.value, "Direct: I, or the organisation that I work for, would gain or lose by it"),
            (InterestKind.INDIRECT.value, "Indirect: somebody close to me, or a body that I belong to, would"),
        ],
    )
    reason = TextField(
        "What the interest is",
        [required("Say what the interest is"), max_length(250)],
        description="It is printed in the papers, with your name.",
    )


class OrganisationsForm(Form):
    seen = HiddenField()

    @property
    def ids(self) -> frozenset[int]:
        """The organisations that stood on the page."""
        return frozenset(int(each) for each in (self.seen.data or "").split(",") if each.isdecimal() and len(each) < 10)


class FinishForm(Form):
    pass


class RuleForm(Form):
    event = RadiosField(
        "What may they do?",
        [required("Choose what they may do")],
        choices=[
            (InterestEvent.RULED_SCORE.value, "Read it and score it"),
            (InterestEvent.RULED_READ.value, "Read it: their scores do not count"),
            (InterestEvent.RULED_SHUT.value, "Take no part: it stays closed to them until publication"),
        ],
    )
    reason = TextField(
        "Why",
        [required("Enter the reason: it is printed in the papers"), max_length(250)],
    )
    also = CheckboxField("Also for the others")

    def offer(self, also: int, organisation: str) -> None:
        """``also``: how many other proposals wait for a ruling on the same interest in an organisation."""
        if not also:
            del self.also
            return
        others = "the other proposal" if also == 1 else f"the other {also} proposals"
        self.also.label.text = f"The same for {others} that the interest in {organisation} waits on"
