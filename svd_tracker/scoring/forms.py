"""Scoring a proposal, sending the scores, reopening them."""

import re
from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from typing import Any

from svd_tracker.calculations.ranking import points
from svd_tracker.rounds.models import Criterion
from svd_tracker.scoring.models import Assessment
from svd_tracker.scoring.queries import OwnProposal
from svd_tracker.scoring.services import LONGEST_REASON, Given
from svd_tracker.web.forms import CheckboxesField, Form, RadiosField, TextAreaField, VersionedForm, max_length, required

NOT_GIVEN = ("", "No mark yet")


class AssessForm(VersionedForm, Form):
    """One radio group and one reason for each criterion, named by its id; ``assess_form`` adds them."""

    def given(self, criteria: Sequence[Criterion]) -> dict[int, Given]:
        fields: Any = self
        return {
            each.id: Given(fields[f"mark_{each.id}"].data, fields[f"reason_{each.id}"].data or "") for each in criteria
        }


def assess_form(
    criteria: Sequence[Criterion], reasons_required: bool, assessment: Assessment | None, *, paper: bool = False
) -> AssessForm:
    """The form of one scheme, with what is saved already. ``paper``: somebody else types it in."""
    doubles = any(each.counts_double for each in criteria) and criteria[0].scheme.first_stage_bp is not None
    weight = sum(each.weight_hundredths for each in criteria)
    needed = "Needed before it is sent" if paper else "Needed before you send"
    fields: dict[str, Any] = {}
    for each in criteria:
        fields[f"mark_{each.id}"] = RadiosField(
            each.name,
            choices=[
                *((str(point.hundredths), mark_words(each, point.hundredths, point.words)) for point in each.points),
                NOT_GIVEN,
            ],
            coerce=int,
            description=" ".join(filter(None, (each.guidance, _how_it_counts(each, weight, doubles)))),
            missing="Choose one of the marks of the scale",
        )
        fields[f"reason_{each.id}"] = TextAreaField(
            f"{'Reason on the paper' if paper else 'Your reason'}: {each.name}",
            max_chars=LONGEST_REASON,
            description=needed if reasons_required else "If there is one" if paper else "If you wish",
        )
    fields["comment"] = TextAreaField("Anything else about this proposal (if you wish)", max_chars=LONGEST_REASON)
    form: type[AssessForm] = type("SchemeAssessForm", (AssessForm,), fields)
    return form(data=saved_values(criteria, assessment))


def _how_it_counts(criterion: Criterion, weight: int, doubles: bool) -> str:
    if criterion.is_gate:
        return "Pass or fail: a proposal that fails it is not ranked, and then you need give no other marks for it."
    if not criterion.weight_hundredths:
        return "Advice: everybody reads it afterwards, and it counts nothing."
    words = f"Weight {criterion.weight_hundredths * 100 // weight}% of the result."
    return f"{words} It counts double in the second stage." if doubles and criterion.counts_double else words


def saved_values(criteria: Sequence[Criterion], assessment: Assessment | None) -> Mapping[str, object]:
    """What is saved now, by field name."""
    drafts = {draft.criterion_id: draft for draft in assessment.drafts} if assessment else {}
    values: dict[str, object] = {"comment": assessment.comment if assessment else ""}
    for each in criteria:
        draft = drafts.get(each.id)
        values[f"mark_{each.id}"] = draft.hundredths if draft else None
        values[f"reason_{each.id}"] = draft.reason if draft else ""
    return {**values, "row_version": assessment.row_version if assessment else 0}


def mark_words(criterion: Criterion, hundredths: int, words: str) -> str:
    """A point of the scale as read: "3 – Good evidence"; a gate's points are words alone."""
    return words if criterion.is_gate else f"{points(Fraction(hundredths))} – {words}"


def words_of(criteria: Iterable[Criterion]) -> dict[int, dict[int, str]]:
    """By criterion id and mark, the points of each scale as read."""
    return {
        each.id: {point.hundredths: mark_words(each, point.hundredths, point.words) for point in each.points}
        for each in criteria
    }


class SendForm(Form):
    """Sending, and looking at what was typed in for one from paper first where there is any."""

    confirmed = CheckboxesField("Scores typed in for you from paper", validate_choice=False)

    def seen(self) -> set[tuple[int, int]]:
        """The (proposal id, row version) of each paper score that the assessor says is theirs."""
        found = (re.fullmatch(r"(\d{1,18}):(\d{1,18})", value) for value in self.confirmed.data or ())
        return {(int(each[1]), int(each[2])) for each in found if each}


def send_form(own: Iterable[OwnProposal]) -> SendForm:
    """The form that sends what is listed."""
    form = SendForm()
    form.confirmed.choices = [
        (f"{each.proposal_id}:{each.paper}", f"{each.ref} {each.title}: I have read these, and they are my scores")
        for each in own
        if each.scores and each.paper
    ]
    return form


class RemindForm(Form):
    pass


class ReopenForm(Form):
    reason = TextAreaField(
        "Why the scores are reopened",
        [required("Enter why the scores are reopened"), max_length(1000)],
        description="The assessor is not told in writing by this service: tell them as well",
    )
