# mypy: disallow-subclassing-any=False
"""The forms of how a round is scored. Weights, marks and percentages are typed as plain numbers."""

from collections.abc import Sequence
from typing import Any

from wtforms import Form as PlainForm

from svd_tracker.calculations.ranking import TieRule
from svd_tracker.periods import fy_label
from svd_tracker.rounds.forms import Differences, HundredthsField, differing, plain, yes
from svd_tracker.rounds.models import Criterion, Round, Scheme
from svd_tracker.rounds.scales import SCALES
from svd_tracker.rounds.scheme_services import (
    USUAL_CHECKS,
    CheckContent,
    CriterionContent,
    SchemeSettings,
    checks_of,
    content_of,
    settings_of,
)
from svd_tracker.web.forms import (
    CheckboxField,
    FieldList,
    Form,
    FormField,
    OnceMixin,
    RadiosField,
    SelectField,
    TextAreaField,
    TextField,
    VersionedForm,
    WholeNumberField,
    max_length,
    required,
)

SPARE_ROWS = 3
LEAST_POINTS = 6
MOST_POINTS = 40
MOST_BANDS = 12
MOST_CHECKS = 30
TIE_WORDS = {
    TieRule.SHARED: "Nothing: they share the rank, and the partnership chooses",
    TieRule.CRITERION: "The higher mark for one criterion",
    TieRule.LESS_MONEY: "The smaller sum asked for",
}

KINDS = {
    "weighted": "With a mark and a weight",
    "gate": "Pass or fail: a proposal that fails is scored no further",
    "advice": "For advice: asked and shown, and not counted",
}


def _fill(rows: Any, values: Sequence[dict[str, object]], most: int, spare: int = SPARE_ROWS) -> None:
    """Put these rows in place of what is there, with spare ones under them."""
    while rows.entries:
        rows.pop_entry()
    for value in values:
        rows.append_entry(value)
    for _ in range(min(spare, most - len(rows.entries))):
        rows.append_entry()


class BandRow(PlainForm):
    begins = HundredthsField("From (%)", largest=100_00, allow_blank=True)
    label = TextField("Called", [max_length(250)])

    def validate_begins(self, field: Any) -> None:
        if field.data is None and not field.errors and self.label.data:
            field.errors = [*field.errors, "Enter where the band begins, like 70"]

    @property
    def is_blank(self) -> bool:
        return self.begins.data is None and not self.label.data


class SchemeForm(Form, VersionedForm):
    overall_minimum = HundredthsField(
        "Least result that can be funded (%)",
        largest=100_00,
        allow_blank=True,
        description="A share of all the points, 0 to 100. Leave empty when there is none.",
    )
    first_stage = HundredthsField(
        "Least share of the points to go on to a second stage (%)",
        largest=100_00,
        allow_blank=True,
        description="Leave empty when there is one stage. 66.67 means two thirds exactly. The first stage counts marks "
        "without weights; in the second, criteria can count double.",
    )
    tie_rule = RadiosField(
        "What comes first of equal results?", choices=[(each.value, TIE_WORDS[each]) for each in TieRule]
    )
    tie_criterion_ref = SelectField("Which criterion")
    least_scorers = WholeNumberField(
        "Least number of assessors for each proposal",
        smallest=1,
        largest=100,
        description="With fewer a proposal is marked as such, and closing scoring asks for a reason.",
    )
    reasons_required = CheckboxField("Assessors give a reason with every mark")
    bands = FieldList(FormField(BandRow), "Names for results", max_entries=MOST_BANDS)

    def offer(self, criteria: Sequence[Criterion]) -> None:
        self.tie_criterion_ref.choices = [("", "Choose one")] + [
            (each.ref, each.name) for each in criteria if not each.is_gate
        ]

    def fill(self, scheme: Scheme) -> None:
        """What stands, with spare rows under the bands."""
        settings = settings_of(scheme)
        self.overall_minimum.data, self.first_stage.data = settings.overall_minimum_bp, settings.first_stage_bp
        self.tie_rule.data, self.tie_criterion_ref.data = settings.tie_rule.value, settings.tie_criterion_ref or ""
        self.least_scorers.data, self.reasons_required.data = settings.least_scorers, settings.reasons_required
        _fill(self.bands, [{"begins": start, "label": label} for start, label in settings.bands], MOST_BANDS)

    def add_rows(self) -> None:
        for _ in range(min(SPARE_ROWS, MOST_BANDS - len(self.bands.entries))):
            self.bands.append_entry()

    @property
    def settings(self) -> SchemeSettings:
        filled = (row.form for row in self.bands.entries if not row.form.is_blank)
        return SchemeSettings(
            overall_minimum_bp=self.overall_minimum.data,
            reasons_required=bool(self.reasons_required.data),
            first_stage_bp=self.first_stage.data,
            tie_rule=TieRule(self.tie_rule.data or TieRule.SHARED),
            tie_criterion_ref=self.tie_criterion_ref.data or None,
            least_scorers=self.least_scorers.data or 1,
            bands=tuple(sorted((row.begins.data, row.label.data or "") for row in filled)),
        )

    def beside(self, scheme: Scheme) -> Differences:
        """After somebody else's change: what is saved now beside what was typed; the form carries the new version."""
        self.row_version.data = scheme.row_version
        saved, typed = settings_of(scheme), self.settings
        return differing(
            (self.overall_minimum, plain(saved.overall_minimum_bp), plain(typed.overall_minimum_bp)),
            (self.first_stage, plain(saved.first_stage_bp), plain(typed.first_stage_bp)),
            (self.tie_rule, TIE_WORDS[saved.tie_rule], TIE_WORDS[typed.tie_rule]),
            (self.tie_criterion_ref, saved.tie_criterion_ref or "none", typed.tie_criterion_ref or "none"),
            (self.least_scorers, str(saved.least_scorers), str(typed.least_scorers)),
            (self.reasons_required, yes(saved.reasons_required), yes(typed.reasons_required)),
            (self.bands, _scale(saved.bands), _scale(typed.bands)),
        )


class CopySchemeForm(Form):
    from_round_id = SelectField("Earlier round", [required("Choose a round")], coerce=int)

    def offer(self, rounds: Sequence[Round]) -> None:
        self.from_round_id.choices = [("", "Choose one")] + [
            (each.id, f"{each.name}, {fy_label(each.fy)}") for each in rounds
        ]


class CheckRow(PlainForm):
    name = TextField("What is checked", [max_length(250)])
    guidance = TextField("What it asks for", [max_length(1000)])
    of_organisation = CheckboxField("Asked of the organisation: one answer for all its proposals")


class ChecksForm(Form, VersionedForm):
    checks = FieldList(FormField(CheckRow), "Checks", max_entries=MOST_CHECKS)

    def fill(self, scheme: Scheme) -> None:
        self._put(checks_of(scheme))

    def add_usual(self) -> None:
        """The six usual ones after what is there; those of the same name are left as they are."""
        typed = self.content
        names = {each.name for each in typed}
        self._put((*typed, *(each for each in USUAL_CHECKS if each.name not in names)))

    def add_rows(self) -> None:
        self._put(self.content)

    def _put(self, checks: Sequence[CheckContent]) -> None:
        rows = [
            {"name": each.name, "guidance": each.guidance, "of_organisation": each.of_organisation} for each in checks
        ]
        _fill(self.checks, rows[:MOST_CHECKS], MOST_CHECKS)

    @property
    def content(self) -> tuple[CheckContent, ...]:
        rows = (row.form for row in self.checks.entries)
        return tuple(
            CheckContent((row.name.data or "").strip(), row.guidance.data or "", bool(row.of_organisation.data))
            for row in rows
            if row.name.data or row.guidance.data
        )

    def beside(self, scheme: Scheme) -> Differences:
        """As ``SchemeForm.beside``, for the checks."""
        self.row_version.data = scheme.row_version
        saved, typed = checks_of(scheme), self.content
        return differing((self.checks, "; ".join(c.name for c in saved), "; ".join(c.name for c in typed)))


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
        choices=list(KINDS.items()),
    )
    weight = HundredthsField("Weight", allow_blank=True, description="Weights are shared out over their own total.")
    minimum = HundredthsField(
        "Least mark that can be funded", allow_blank=True, description="Leave empty when there is none."
    )
    counts_double = CheckboxField("Counts double in the second stage")
    position = WholeNumberField("Place in the list", smallest=1, largest=200, allow_blank=True)
    template = SelectField(
        "Start from a scale that others use",
        choices=[("", "Choose one"), *((key, s.name) for key, s in SCALES.items())],
    )
    points = FieldList(FormField(PointRow), "The scale", min_entries=LEAST_POINTS, max_entries=MOST_POINTS)

    def validate_weight(self, field: Any) -> None:
        if self.kind.data == "weighted" and not field.errors and not field.data:
            field.errors = [*field.errors, "Enter a weight above 0, or choose that it is for advice"]

    def fill(self, criterion: Criterion) -> None:
        """What stands, with spare rows under the scale's points."""
        self.name.data, self.ref.data, self.guidance.data = criterion.name, criterion.ref, criterion.guidance
        self.kind.data = kind_of(content_of(criterion))
        self.weight.data = criterion.weight_hundredths or None
        self.minimum.data, self.position.data = criterion.minimum_hundredths, criterion.position
        self.counts_double.data = criterion.counts_double
        if not criterion.is_gate:
            self._put([(point.hundredths, point.words) for point in criterion.points])

    def fill_scale(self) -> bool:
        """Put the chosen scale's points in place of those typed. False when none is chosen."""
        chosen = SCALES.get(self.template.data or "")
        if chosen is not None:
            self._put(chosen.points)
        return chosen is not None

    def _put(self, points: Sequence[tuple[int, str]]) -> None:
        _fill(self.points, [{"mark": mark, "words": words} for mark, words in points], MOST_POINTS)

    def beside(self, criterion: Criterion) -> Differences:
        """As ``SchemeForm.beside``, for one criterion."""
        self.row_version.data = criterion.scheme.row_version
        saved, typed = content_of(criterion), self.content
        return differing(
            (self.name, saved.name, typed.name),
            (self.ref, saved.ref, typed.ref),
            (self.guidance, saved.guidance, typed.guidance),
            (self.kind, KINDS[kind_of(saved)], KINDS[kind_of(typed)]),
            (self.weight, plain(saved.weight_hundredths), plain(typed.weight_hundredths)),
            (self.minimum, plain(saved.minimum_hundredths), plain(typed.minimum_hundredths)),
            (self.counts_double, yes(saved.counts_double), yes(typed.counts_double)),
            (self.points, _scale(() if saved.is_gate else saved.points), _scale(typed.points)),
        )

    def add_rows(self, count: int) -> None:
        for _ in range(min(count, MOST_POINTS - len(self.points.entries))):
            self.points.append_entry()

    @property
    def content(self) -> CriterionContent:
        filled = (row.form for row in self.points.entries if not row.form.is_blank)
        weighted = self.kind.data == "weighted"
        return CriterionContent(
            ref=self.ref.data or "",
            name=self.name.data or "",
            guidance=self.guidance.data or "",
            weight_hundredths=(self.weight.data or 0) if weighted else 0,
            minimum_hundredths=self.minimum.data if weighted else None,
            is_gate=self.kind.data == "gate",
            points=tuple((row.mark.data, row.words.data or "") for row in filled),
            counts_double=weighted and bool(self.counts_double.data),
        )


def kind_of(content: CriterionContent) -> str:
    if content.is_gate:
        return "gate"
    return "weighted" if content.weight_hundredths else "advice"


def _scale(scale: Sequence[tuple[int, str]]) -> str:
    return "; ".join(f"{plain(mark)}: {words}" for mark, words in sorted(scale))
