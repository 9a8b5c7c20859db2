"""What the meeting writes down: an agreed mark, a note."""

from typing import Any

from svd_tracker.rounds.models import Criterion
from svd_tracker.scoring.forms import mark_words
from svd_tracker.scoring.models import Moderation
from svd_tracker.scoring.moderation_services import LONGEST
from svd_tracker.web.forms import Form, OnceMixin, RadiosField, TextAreaField, VersionedForm, max_length, required

THE_MEAN = "mean"
CHOOSE = "Choose the mark that the group agreed on, or that the mean counts"


class AgreeForm(VersionedForm, Form):
    """``row_version`` is the ``seq`` of the agreement that was on the page, 0 for none."""

    mark = RadiosField("Agreed mark", [required(CHOOSE)], missing=CHOOSE)
    reason = TextAreaField(
        "Why",
        [max_length(LONGEST)],
        max_chars=LONGEST,
        description="Needed where the mark is not the mean of the marks. It goes into the feedback, so name nobody.",
    )

    @property
    def hundredths(self) -> int | None:
        return None if self.mark.data == THE_MEAN else int(self.mark.data)

    def offer(self, criterion: Criterion, mean: str | None) -> None:
        self.mark.choices = [
            *((str(each.hundredths), mark_words(criterion, each.hundredths, each.words)) for each in criterion.points),
            (THE_MEAN, f"No agreed mark: the mean counts ({mean})" if mean else "No agreed mark"),
        ]


class NoteForm(OnceMixin, Form):
    text = TextAreaField(
        "What was said",
        [required("Enter what was said"), max_length(LONGEST)],
        max_chars=LONGEST,
        description="A note stays as it is written: to put one right, add another",
    )


def saved_values(standing: Moderation | None) -> dict[str, Any]:
    """What stands now, by field name."""
    if standing is None:
        return {"mark": None, "reason": "", "row_version": 0}
    mark = THE_MEAN if standing.hundredths is None else str(standing.hundredths)
    return {"mark": mark, "reason": standing.reason, "row_version": standing.seq}
