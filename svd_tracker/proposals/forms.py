# mypy: disallow-subclassing-any=False
"""The forms of a proposal, in short pages. Repeating tables have spare rows, so no script is needed.

Names of fields are those of ``content``, so that a refusal finds its place.
"""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from wtforms import Form as PlainForm

from svd_tracker.accounts.models import Holder, Organisation
from svd_tracker.calculations.figures import Category
from svd_tracker.delivery.models import OutputMeasure
from svd_tracker.errors import Refused
from svd_tracker.files.evidence import ALLOWED
from svd_tracker.finance.models import MatchKind
from svd_tracker.interventions.models import Intervention, Level
from svd_tracker.proposals.content import (
    PLAIN_FIELDS,
    CostLine,
    MatchLine,
    MilestoneLine,
    OutputLine,
    ProposalContent,
    RiskLine,
)
from svd_tracker.proposals.models import RiskRating
from svd_tracker.rounds.forms import HundredthsField, gather_errors, show_refusal
from svd_tracker.web.forms import (
    CheckboxesField,
    CheckboxField,
    DateField,
    FieldList,
    FileField,
    Form,
    FormField,
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

MOST_ROWS = 200
LONG = 4000
CHOOSE = ("", "Choose one")


def whole(value: object) -> int:
    return int(str(value))


class AddProposalForm(Form, OnceMixin):
    organisation_id = SelectField("Organisation", [required("Choose the organisation")], coerce=int)
    title = TextField("Title", [required("Enter a title"), max_length(250)])
    continues = SelectField("Does it go on with something funded before?", coerce=int)

    def offer(self, organisations: Sequence[Organisation], interventions: Sequence[Intervention]) -> None:
        self.organisation_id.choices = [CHOOSE] + [(each.id, each.name) for each in organisations]
        if len(organisations) == 1 and self.organisation_id.data is None:
            self.organisation_id.data = organisations[0].id
        self.continues.choices = _continues(interventions)


class AboutForm(Form, VersionedForm):
    title = TextField("Title", [max_length(250)])
    asks = CheckboxesField("Which partnerships do you ask?", coerce=whole)
    summary = TextAreaField("Summary", description="What you will do, in a few sentences.", max_chars=LONG)
    purpose = TextAreaField("What it is for", description="The change you want to see.", max_chars=LONG)
    level = RadiosField(
        "Level of prevention",
        choices=[
            (Level.UNIVERSAL.value, "Universal: everybody"),
            (Level.FOCUSED.value, "Focused: people at risk"),
            (Level.TARGETED.value, "Targeted: people already involved"),
        ],
    )
    priority = TextField("Which priority of the strategy it serves", [max_length(250)])
    evidence = TextAreaField("Evidence", description="Why you expect it to work here.", max_chars=LONG)
    target_group = TextAreaField("Who it is for", max_chars=LONG)
    people_reached = WholeNumberField("People reached in the year", allow_blank=True)
    deliverer = TextField("Who delivers it", [max_length(250)])
    lead = TextField("Lead", [max_length(250)], description="The name or the post of the person who answers for it.")
    where = TextField("Where", [max_length(250)])
    safeguarding = TextAreaField("How people are kept safe", max_chars=LONG)
    after_funding = TextAreaField("What happens after the funding", max_chars=LONG)
    continues = SelectField("Does it go on with something funded before?", coerce=int)

    def offer(self, holders: Sequence[Holder], interventions: Sequence[Intervention]) -> None:
        self.asks.choices = [(holder.id, holder.name) for holder in holders]
        self.continues.choices = _continues(interventions)

    @staticmethod
    def values(content: ProposalContent) -> dict[str, object]:
        """What stands, in the fields' own data."""
        values: dict[str, object] = {
            name: getattr(content, name) for name in AboutForm.names() if hasattr(content, name)
        }
        return {**values, "asks": list(content.asks), "level": content.level.value if content.level else None}

    @staticmethod
    def names() -> tuple[str, ...]:
        return ("asks", *(name for name in PLAIN_FIELDS if name != "governance"))

    def apply(self, content: ProposalContent) -> ProposalContent:
        """The content with this page's answers in it."""
        answers = {name: self[name].data for name in self.names()}
        answers["asks"] = tuple(answers["asks"])
        answers["level"] = Level(answers["level"]) if answers["level"] else None
        return dataclasses.replace(content, **answers)

    def show(self, refused: Refused) -> None:
        """A cost of a partnership that was taken away here is a matter of this page."""
        if (refused.field or "").startswith("costs-"):
            message = "A partnership that you no longer ask has costs: take those away first, on the next page"
            refused = Refused(message, field="asks")
        show_refusal(self, refused)


class Row(PlainForm):
    """A row of a repeating table. One with nothing in it is passed over; one begun must be complete."""

    NEEDED: Mapping[str, str] = {}

    @property
    def is_blank(self) -> bool:
        boxes = (field for field in self if not isinstance(field, CheckboxField))
        return not any(str(part).strip() for field in boxes for part in field.raw_data or ())

    def validate(self, extra_validators: Any = None) -> bool:
        if self.is_blank:
            return True
        right = bool(super().validate(extra_validators))
        for name, message in self.NEEDED.items():
            field = self[name]
            if field.data in (None, "") and not field.errors:
                field.errors = [message]
                right = False
        return right


class CostRow(Row):
    NEEDED = {
        "holder_id": "Choose whose money",
        "category": "Choose a category",
        "quarter": "Choose a quarter",
        "text": "Say what it is for",
        "pence": PoundsField.blank_message,
    }
    holder_id = SelectField("Whose money", coerce=int)
    category = SelectField("Category", choices=[CHOOSE] + [(each.value, each.label) for each in Category])
    quarter = SelectField("Quarter", coerce=int)
    text = TextField("What for", [max_length(250)])
    pence = PoundsField("Pounds", allow_blank=True)
    pay_award_pending = CheckboxField("Pay award still to come")

    @property
    def line(self) -> CostLine:
        return CostLine(
            holder_id=self.holder_id.data,
            category=Category(self.category.data),
            quarter=self.quarter.data,
            text=self.text.data or "",
            pence=self.pence.data,
            pay_award_pending=bool(self.pay_award_pending.data),
        )


class MatchRow(Row):
    NEEDED = {
        "organisation_id": "Choose who gives it",
        "kind": "Choose cash or in kind",
        "title": "Say what it is",
        "pence": PoundsField.blank_message,
    }
    organisation_id = SelectField("Who gives it", coerce=int)
    kind = SelectField("Cash or in kind", choices=[CHOOSE] + [(each.value, each.label) for each in MatchKind])
    title = TextField("What", [max_length(250)])
    pence = PoundsField("Pounds", allow_blank=True)

    @property
    def line(self) -> MatchLine:
        return MatchLine(self.organisation_id.data, MatchKind(self.kind.data), self.title.data or "", self.pence.data)


class OutputRow(Row):
    NEEDED = {
        "definition": "Say what is counted",
        "measure": "Choose a count or a share",
        "target": "Enter the target for the year",
    }
    definition = TextField("What is counted", [max_length(250)])
    measure = SelectField(
        "Count or share",
        choices=[CHOOSE, (OutputMeasure.COUNT.value, "A count"), (OutputMeasure.SHARE.value, "A share (%)")],
    )
    target = HundredthsField("Target for the year", allow_blank=True)

    def validate_target(self, field: Any) -> None:
        if field.data is None or field.errors:
            return
        if self.measure.data == OutputMeasure.SHARE.value and field.data > 100_00:
            field.errors = [*field.errors, "A share lies between 0 and 100%"]
        if self.measure.data == OutputMeasure.COUNT.value and field.data % 100:
            field.errors = [*field.errors, "Enter a whole number, like 12"]

    @property
    def line(self) -> OutputLine:
        measure = OutputMeasure(self.measure.data)
        target = self.target.data if measure is OutputMeasure.SHARE else self.target.data // 100
        return OutputLine(self.definition.data or "", measure, target)


class MilestoneRow(Row):
    NEEDED = {"title": "Say what is reached", "due_on": "Enter a date, like 16 6 2025"}
    title = TextField("Milestone", [max_length(250)])
    due_on = DateField("By when", allow_blank=True)

    @property
    def line(self) -> MilestoneLine:
        assert self.due_on.data is not None  # Row.validate refused a row without it
        return MilestoneLine(self.title.data or "", self.due_on.data)


class RiskRow(Row):
    NEEDED = {"text": "Say what may go wrong", "rating": "Choose a rating", "response": "Say what you will do"}
    text = TextField("What may go wrong", [max_length(250)])
    rating = SelectField("Rating", choices=[CHOOSE] + [(each.value, each.value.capitalize()) for each in RiskRating])
    response = TextField("What you will do about it", [max_length(250)])

    @property
    def line(self) -> RiskLine:
        return RiskLine(self.text.data or "", RiskRating(self.rating.data), self.response.data or "")


class RowsForm(Form, VersionedForm):
    """A page of repeating tables, named as the parts of the content, and maybe of plain ``TEXTS``."""

    PARTS: tuple[str, ...] = ()
    TEXTS: tuple[str, ...] = ()
    SPARE_ROWS = 3

    @classmethod
    def of(cls, content: ProposalContent, row_version: int) -> "RowsForm":
        """The form with what stands and spare rows below, or with what was sent."""
        data: dict[str, object] = {"row_version": row_version, **{name: getattr(content, name) for name in cls.TEXTS}}
        for part in cls.PARTS:
            data[part] = [_row_values(line) for line in getattr(content, part)]
        form = cls(data=data)
        for part in cls.PARTS:
            wanted = len(getattr(content, part)) + cls.SPARE_ROWS
            while len(form[part].entries) < min(wanted, MOST_ROWS):
                form[part].append_entry()
        return form

    def offer(self, **choices: Sequence[tuple[object, str]]) -> None:
        """Put choices into the rows' select fields, by the fields' names."""
        for part in self.PARTS:
            for entry in self[part].entries:
                for name, offered in choices.items():
                    if name in entry.form:
                        entry.form[name].choices = [CHOOSE, *offered]

    def filled(self, part: str) -> list[Any]:
        return [entry.form for entry in self[part].entries if not entry.form.is_blank]

    def apply(self, content: ProposalContent) -> ProposalContent:
        """The content with this page's rows in it."""
        answers: dict[str, Any] = {part: tuple(row.line for row in self.filled(part)) for part in self.PARTS}
        answers |= {name: self[name].data or "" for name in self.TEXTS}
        return dataclasses.replace(content, **answers)

    def show(self, refused: Refused) -> None:
        """Put a refusal such as "costs-2-pence" at the row it is about: rows left blank do not count."""
        part, _, rest = (refused.field or "").partition("-")
        number, _, column = rest.partition("-")
        if part in self.PARTS and number.isdigit():
            field = self.filled(part)[int(number)][column]
            field.errors = [*field.errors, refused.message]
            gather_errors(self[part])
        else:
            show_refusal(self, refused)


class CostsForm(RowsForm):
    PARTS = ("costs",)
    SPARE_ROWS = 5
    costs = FieldList(FormField(CostRow), max_entries=MOST_ROWS)


class MatchForm(RowsForm):
    PARTS = ("matches",)
    matches = FieldList(FormField(MatchRow), max_entries=MOST_ROWS)


class DeliveryForm(RowsForm):
    PARTS = ("outputs", "milestones", "risks")
    TEXTS = ("governance",)
    outputs = FieldList(FormField(OutputRow), max_entries=MOST_ROWS)
    milestones = FieldList(FormField(MilestoneRow), max_entries=MOST_ROWS)
    risks = FieldList(FormField(RiskRow), max_entries=MOST_ROWS)
    governance = TextAreaField("How you meet the round’s conditions", max_chars=LONG)


ROW_FORMS: Mapping[str, type[RowsForm]] = {"costs": CostsForm, "match": MatchForm, "delivery": DeliveryForm}


class SubmitForm(Form, VersionedForm):
    pass


class ReasonForm(Form):
    reason = TextField("Reason", [required("Enter a reason"), max_length(250)])


class AttachmentForm(OnceMixin, Form):
    file = FileField("File", description=f"{ALLOWED}. 10 MB or smaller.")
    note = TextField(
        "What it is", [max_length(250)], description="Like “the bid as it was sent in Word”. You can leave this blank."
    )


class TakeAwayForm(OnceMixin, Form):
    reason = TextField("Why it is taken away", [required("Say why the file is taken away"), max_length(250)])


def _continues(interventions: Sequence[Intervention]) -> list[tuple[object, str]]:
    return [("", "No, it is new")] + [(each.id, f"Yes: {each.title} ({each.ref})") for each in interventions]


def _row_values(line: Any) -> dict[str, object]:
    values = {name: getattr(value, "value", value) for name, value in vars(line).items()}
    if isinstance(line, OutputLine) and line.measure is OutputMeasure.COUNT:
        values["target"] = line.target * 100
    return values
