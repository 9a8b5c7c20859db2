# mypy: disallow-subclassing-any=False
"""The forms of rounds and of how they are scored. Weights, marks and percentages are typed as plain numbers."""

import re
from collections.abc import Collection, Sequence
from fractions import Fraction
from typing import Any

from wtforms import Form as PlainForm

from svd_tracker.accounts.models import Person
from svd_tracker.calculations.ranking import points
from svd_tracker.errors import NotAllowed, Refused
from svd_tracker.grants.models import Grant
from svd_tracker.periods import fy_label
from svd_tracker.rounds.models import Criterion, Round, RoundState, Scheme
from svd_tracker.rounds.queries import ShareNow
from svd_tracker.rounds.services import CriterionContent, content_of
from svd_tracker.web.forms import (
    CheckboxField,
    DateField,
    FieldList,
    Form,
    FormField,
    HiddenField,
    OnceMixin,
    PoundsField,
    RadiosField,
    SelectField,
    TextAreaField,
    TextField,
    VersionedForm,
    WholeNumberField,
    max_length,
    required,
)

SPARE_POINTS = 3
LEAST_POINTS = 6
MOST_POINTS = 40

Differences = list[tuple[str, str, str]]  # what, saved now, typed


def show_refusal(form: Any, refused: Refused) -> None:
    """Put a service's refusal at its field, or at the top of the page when it belongs to none that is shown.

    What a person may not do whatever they type is no matter of the form: it goes on to be a page of its own (403).
    """
    if isinstance(refused, NotAllowed):
        raise refused
    if refused.field and refused.field in form:
        form[refused.field].errors = [*form[refused.field].errors, refused.message]
    else:
        form.form_errors.append(refused.message)


def gather_errors(rows: Any) -> None:
    """Let a repeating table know of errors that were put into its rows after it was validated."""
    rows.errors = [entry.errors for entry in rows.entries]


class HundredthsField(WholeNumberField):
    """A plain number with up to two decimals, 12.5; ``data`` is whole hundredths, 1250, or None."""

    blank_message = "Enter a number, like 12 or 12.5"

    def read(self, text: str) -> int:
        cleaned = text.strip().removesuffix("%").strip()
        if not re.fullmatch(r"[0-9]{1,6}(?:\.[0-9]{1,2})?", cleaned):
            raise ValueError(self.blank_message)
        whole, _, rest = cleaned.partition(".")
        hundredths = int(whole) * 100 + int(rest.ljust(2, "0"))
        if not self.smallest <= hundredths <= self.largest:
            between = f"{points(Fraction(self.smallest))} and {points(Fraction(self.largest))}"
            raise ValueError(f"Enter a number between {between}")
        return hundredths

    def shown(self) -> str:
        return points(Fraction(self.data))


def _differing(*compared: tuple[Any, str, str]) -> Differences:
    return [(field.label.text, saved, typed) for field, saved, typed in compared if saved != typed]


def _plain(hundredths: int | None) -> str:
    return "nothing" if hundredths is None else points(Fraction(hundredths))


def _yes(value: bool | None) -> str:
    return "yes" if value else "no"


def _scale(scale: Sequence[tuple[int, str]]) -> str:
    return "; ".join(f"{_plain(mark)}: {words}" for mark, words in sorted(scale))


class _RoundFields(Form):
    name = TextField("Name of the round", [required("Enter a name"), max_length(250)])
    opens_on = DateField("Opens on")
    closes_on = DateField("Closes on", description="The last day on which proposers can submit.")


class RoundForm(_RoundFields, OnceMixin):
    year = SelectField("Grant and year", [required("Choose the grant and year")])

    def offer(self, grants: Sequence[Grant], years: Sequence[tuple[int, int]]) -> None:
        names = {grant.id: grant.name for grant in grants}
        self.year.choices = [("", "Choose one")] + [
            (f"{grant_id}-{fy}", f"{names[grant_id]}, {fy_label(fy)}") for grant_id, fy in years
        ]


class EditRoundForm(_RoundFields, VersionedForm):
    pass


class MoveForm(Form, VersionedForm):
    pass


class BackForm(MoveForm):
    reason = TextField("Why the round goes back a step", [required("Enter a reason"), max_length(250)])


class ConfirmForm(Form):
    pass


class ShareRow(PlainForm):
    allocation_id = HiddenField()
    kept_back_seen = HiddenField()
    in_round = CheckboxField("Takes part")
    kept_back = PoundsField("Kept back", allow_blank=True)
    reason = TextField("Why", [max_length(250)])


class SharesForm(Form):
    rows = FieldList(FormField(ShareRow))

    @classmethod
    def of(cls, shares: Sequence[ShareNow], in_round: Collection[int]) -> "SharesForm":
        """A row per allocation with what stands, or what was sent."""
        return cls(
            data={
                "rows": [
                    {
                        "allocation_id": share.allocation_id,
                        "in_round": share.allocation_id in in_round,
                        "kept_back_seen": share.kept_back,
                        "kept_back": share.kept_back or None,
                        "reason": share.reason,
                    }
                    for share in shares
                ]
            }
        )

    def pairs(self, shares: Sequence[ShareNow]) -> list[tuple[ShareNow, Any]]:
        """Each row's form beside its allocation; rows of no allocation of the round's year are passed over."""
        by_id = {str(share.allocation_id): share for share in shares}
        rows = [entry.form for entry in self.rows.entries]
        return [(by_id[str(row.allocation_id.data)], row) for row in rows if str(row.allocation_id.data) in by_id]


class AssessorForm(Form):
    person_id = SelectField("Person", [required("Choose a person")], coerce=int)

    def offer(self, people: Sequence[Person]) -> None:
        self.person_id.choices = [("", "Choose one")] + [
            (person.id, f"{person.name}, {person.organisation.name if person.organisation else 'no organisation'}")
            for person in people
        ]


class SchemeForm(Form, VersionedForm):
    overall_minimum = HundredthsField(
        "Least result that can be funded (%)",
        largest=100_00,
        allow_blank=True,
        description="A share of all the points, 0 to 100. Leave empty when there is none.",
    )
    reasons_required = CheckboxField("Assessors give a reason with every mark")

    def beside(self, scheme: Scheme) -> Differences:
        """After somebody else's change: what is saved now beside what was typed; the form carries the new version."""
        self.row_version.data = scheme.row_version
        return _differing(
            (self.overall_minimum, _plain(scheme.overall_minimum_bp), _plain(self.overall_minimum.data)),
            (self.reasons_required, _yes(scheme.reasons_required), _yes(self.reasons_required.data)),
        )


class CopySchemeForm(Form):
    from_round_id = SelectField("Earlier round", [required("Choose a round")], coerce=int)

    def offer(self, rounds: Sequence[Round]) -> None:
        self.from_round_id.choices = [("", "Choose one")] + [
            (each.id, f"{each.name}, {fy_label(each.fy)}") for each in rounds
        ]


class PointRow(PlainForm):
    mark = HundredthsField("Mark", allow_blank=True)
    words = TextField("What it means", [max_length(500)])

    def validate_mark(self, field: Any) -> None:
        if field.data is None and not field.errors and self.words.data:
            field.errors = [*field.errors, "Enter the mark, like 3"]

    @property
    def is_blank(self) -> bool:
        return self.mark.data is None and not self.words.data


class CriterionForm(Form, OnceMixin, VersionedForm):
    name = TextField("What is judged", [required("Enter what is judged"), max_length(250)])
    ref = TextField("Reference", [required("Enter a short reference, like C1"), max_length(64)])
    guidance = TextAreaField("Guidance for assessors", max_chars=4000)
    kind = RadiosField(
        "How it is judged",
        [required("Choose how it is judged")],
        choices=[("weighted", "With a mark and a weight"), ("gate", "Pass or fail")],
    )
    weight = HundredthsField("Weight", allow_blank=True, description="Weights are shared out over their own total.")
    minimum = HundredthsField(
        "Least mark that can be funded", allow_blank=True, description="Leave empty when there is none."
    )
    position = WholeNumberField("Place in the list", smallest=1, largest=200, allow_blank=True)
    points = FieldList(FormField(PointRow), "The scale", min_entries=LEAST_POINTS, max_entries=MOST_POINTS)

    def fill(self, criterion: Criterion) -> None:
        """What stands, with spare rows under the scale's points."""
        self.name.data, self.ref.data, self.guidance.data = criterion.name, criterion.ref, criterion.guidance
        self.kind.data = "gate" if criterion.is_gate else "weighted"
        self.weight.data = criterion.weight_hundredths or None
        self.minimum.data, self.position.data = criterion.minimum_hundredths, criterion.position
        if not criterion.is_gate:
            self.add_rows(len(criterion.points) + SPARE_POINTS - len(self.points.entries))
            for row, point in zip(self.points.entries, criterion.points, strict=False):
                row.form.mark.data, row.form.words.data = point.hundredths, point.words

    def beside(self, criterion: Criterion) -> Differences:
        """As ``SchemeForm.beside``, for one criterion."""
        self.row_version.data = criterion.scheme.row_version
        saved, typed = content_of(criterion), self.content
        return _differing(
            (self.name, saved.name, typed.name),
            (self.ref, saved.ref, typed.ref),
            (self.guidance, saved.guidance, typed.guidance),
            (self.kind, "Pass or fail" if saved.is_gate else "Mark", "Pass or fail" if typed.is_gate else "Mark"),
            (self.weight, _plain(saved.weight_hundredths), _plain(typed.weight_hundredths)),
            (self.minimum, _plain(saved.minimum_hundredths), _plain(typed.minimum_hundredths)),
            (self.points, _scale(() if saved.is_gate else saved.points), _scale(typed.points)),
        )

    def add_rows(self, count: int) -> None:
        for _ in range(min(count, MOST_POINTS - len(self.points.entries))):
            self.points.append_entry()

    @property
    def content(self) -> CriterionContent:
        filled = (row.form for row in self.points.entries if not row.form.is_blank)
        return CriterionContent(
            ref=self.ref.data or "",
            name=self.name.data or "",
            guidance=self.guidance.data or "",
            weight_hundredths=self.weight.data or 0,
            minimum_hundredths=self.minimum.data,
            is_gate=self.kind.data == "gate",
            points=tuple((row.mark.data, row.words.data or "") for row in filled),
        )


NEXT_STEP: dict[RoundState, tuple[str, str]] = {
    RoundState.OPEN: ("Open for proposals", "Once it is open, proposers can write and submit until it closes."),
    RoundState.SCORING: (
        "Close for proposals and open scoring",
        "Once it is closed, nobody can submit any more. Assessors declare their interests, then score.",
    ),
    RoundState.DECIDING: (
        "Close scoring",
        "Once scoring is closed, no more scores can be sent, and the partnerships decide.",
    ),
    RoundState.PUBLISHED: (
        "Publish the decisions",
        "Once published, the round is finished and interests shut nothing any more. This cannot be undone.",
    ),
}
STEP_BACK: dict[RoundState, str] = {
    RoundState.PREPARING: "Go back to preparing",
    RoundState.OPEN: "Open for proposals again",
    RoundState.SCORING: "Open scoring again",
}
