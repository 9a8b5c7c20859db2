"""The forms of the money pages."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from svd_tracker.approvals.models import ApprovalBody
from svd_tracker.calculations.figures import EntryKind
from svd_tracker.errors import Refused
from svd_tracker.files.evidence import ALLOWED
from svd_tracker.finance.models import LedgerEntry
from svd_tracker.finance.queries import MoneyLeft
from svd_tracker.interventions.models import Intervention, InterventionKind
from svd_tracker.money import format_pounds
from svd_tracker.periods import QUARTERS, format_date, quarter_label
from svd_tracker.web.forms import (
    CheckboxesField,
    CheckboxField,
    DateField,
    FileField,
    Form,
    OnceMixin,
    PoundsField,
    RadiosField,
    SelectField,
    TextAreaField,
    TextField,
    VersionedForm,
    max_length,
    required,
)

ADD_NEW = "new"
_FIELDS = {"pence": "amount", "eligible": "not_eligible", "profile": "spread", "title": "new_title"}


def put_refusal(form: Any, refused: Refused) -> None:
    """What a service refused, at its field, or over the form when it has none."""
    name = _FIELDS.get(refused.field or "", refused.field or "")
    if name in form:
        form[name].errors = [refused.message]
    else:
        form.form_errors.append(refused.message)


class EntryForm(OnceMixin, Form):
    kind = RadiosField(
        "What is it?",
        [required("Choose what it is")],
        choices=[
            (EntryKind.ACTUAL.value, "Actual: an invoice, pay or another cost that was charged, or a credit"),
            (EntryKind.ACCRUAL.value, "Accrual: the work is done, the invoice has not come"),
            (EntryKind.JOURNAL.value, "Journal: puts something right, with a reason"),
        ],
        default=EntryKind.ACTUAL.value,
    )
    spent_on = DateField("Date", description="The day the goods or the service came, for example 16 6 2025.")
    document = TextField(
        "Document",
        [required("Enter the number of the invoice, pay run or order"), max_length(120)],
        description="The number of the invoice, pay run or order. It goes into the return.",
    )
    another_cost = CheckboxField("It is another cost: both count")
    amount = PoundsField(
        "Amount charged here",
        allow_negative=True,
        description="Without VAT that can be recovered, and without the VAT below. A credit has a minus sign.",
    )
    vat_pence = PoundsField(
        "Irrecoverable VAT",
        allow_blank=True,
        allow_negative=True,
        description="Leave empty when all VAT can be recovered. It is added to the amount.",
    )
    document_total_pence = PoundsField(
        "Whole invoice",
        allow_blank=True,
        allow_negative=True,
        description="Only when this is a part of an invoice: match or local money pays the rest, "
        "and none of that is counted here.",
    )
    supplier = TextField("Payee", [max_length(250)], description="Stays with you: it does not go into the return.")
    description = TextField("What for", [max_length(1000)], description="Stays with you as well.")
    follows = SelectField("Is it the invoice of a released accrual?", coerce=int)
    quarter = SelectField(
        "Quarter",
        coerce=int,
        description="Choose an earlier quarter only for a late item, and say why below.",
    )
    not_eligible = CheckboxField("The grant does not pay for this: show it as locally funded, and say why below")
    reason = TextAreaField(
        "Reason",
        max_chars=1000,
        description="Needed for a journal, an earlier quarter, and what the grant does not pay for.",
    )

    def offer(self, fy: int, waiting: Sequence[LedgerEntry]) -> None:
        """Put in the quarters of the year and the released accruals that wait for an invoice."""
        self.quarter.choices = [("", "The quarter of the date"), *((q, quarter_label(fy, q)) for q in QUARTERS)]
        if waiting:
            self.follows.choices = [("", "No"), *((each.id, _release_words(each)) for each in waiting)]
        else:
            del self.follows


class ReverseForm(OnceMixin, Form):
    why = RadiosField(
        "What has happened?",
        [required("Choose what has happened")],
        choices=[
            ("release", "The accrual's invoice has come, or it is dropped"),
            ("mistake", "The entry was a mistake"),
        ],
    )
    reason = TextAreaField("Reason", [required("Say why")], max_chars=1000)


class EvidenceForm(OnceMixin, Form):
    file = FileField("File", description=f"{ALLOWED}.")
    note = TextField("What it shows", [max_length(250)], description="You can leave this blank.")


class TakeAwayForm(OnceMixin, Form):
    reason = TextField("Why it is taken away", [required("Say why the file is taken away"), max_length(250)])


class AgainForm(OnceMixin, Form):
    pass


class ForecastForm(VersionedForm, Form):
    q1 = PoundsField(allow_negative=True)
    q2 = PoundsField(allow_negative=True)
    q3 = PoundsField(allow_negative=True)
    q4 = PoundsField(allow_negative=True)
    note = TextAreaField(
        "Note",
        max_chars=2000,
        description="Explains the variance in the return. Needed when more will be spent than the funding.",
    )

    def keep(self, fy: int, quarters: Sequence[int]) -> None:
        """Only the quarters that can still be forecast."""
        for quarter in QUARTERS:
            if quarter in quarters:
                self[f"q{quarter}"].label.text = quarter_label(fy, quarter)
            else:
                del self[f"q{quarter}"]

    def pence(self) -> dict[int, int]:
        return {quarter: self[f"q{quarter}"].data for quarter in QUARTERS if f"q{quarter}" in self}


class ProfileForm(VersionedForm, OnceMixin, Form):
    spread = RadiosField("How is it spread?", [required("Choose how it is spread")], default="hand")
    q1 = PoundsField(allow_blank=True, allow_negative=True)
    q2 = PoundsField(allow_blank=True, allow_negative=True)
    q3 = PoundsField(allow_blank=True, allow_negative=True)
    q4 = PoundsField(allow_blank=True, allow_negative=True)
    reason = TextField("Reason", [required("Say why the profile is changed"), max_length(250)])

    def offer(self, fy: int, closed: Iterable[int], costs: bool) -> None:
        """The quarters that are open, and the proposal's costs as a way where there are any."""
        self.spread.choices = [
            ("hand", "By hand, as entered below"),
            ("even", "Evenly over the quarters that are open"),
            *([("costs", "As the costs of the proposal are, over the quarters that are open")] if costs else []),
        ]
        for quarter in QUARTERS:
            if quarter in closed:
                del self[f"q{quarter}"]
            else:
                self[f"q{quarter}"].label.text = quarter_label(fy, quarter)

    def pence(self) -> dict[int, int]:
        return {quarter: self[f"q{quarter}"].data or 0 for quarter in QUARTERS if f"q{quarter}" in self}


class DirectForm(OnceMixin, Form):
    intervention = SelectField("Intervention", [required("Choose an intervention, or add a new one")])
    new_kind = RadiosField(
        "What kind is the new one?",
        choices=[
            (InterventionKind.PROGRAMME_COST.value, "A programme cost, such as a coordinator's post"),
            (InterventionKind.PROJECT.value, "A project that continues"),
        ],
    )
    new_title = TextField("Title of the new one", [max_length(250)])
    allocation = RadiosField("Whose money", [required("Choose the allocation")], coerce=int)
    amount = PoundsField("Amount for the year")
    spread = RadiosField(
        "Profile",
        choices=[("even", "Evenly over the quarters that are open"), ("hand", "By hand, as entered below")],
        default="even",
    )
    q1 = PoundsField("Q1", allow_blank=True)
    q2 = PoundsField("Q2", allow_blank=True)
    q3 = PoundsField("Q3", allow_blank=True)
    q4 = PoundsField("Q4", allow_blank=True)
    body = TextField(
        "Who decided", [required("Enter who decided"), max_length(250)], description="The board, group or officer."
    )
    decided_on = DateField("Date of the decision")
    minute_ref = TextField(
        "Minute reference",
        [required("Enter the minute reference"), max_length(250)],
        description="Where it is written",
    )
    reason = TextAreaField("Reason", [required("Say why there was no round")], max_chars=2000)
    needs = CheckboxesField(
        "Who must agree as well?",
        choices=[(body.value, body.label) for body in ApprovalBody],
        description="Spend is at risk until they have.",
    )

    def offer(self, interventions: Iterable[Intervention], lefts: Iterable[tuple[str, MoneyLeft]], fy: int) -> None:
        """Put in the interventions of the area and the holder's allocations with what is left of each."""
        self.intervention.choices = [
            ("", "Choose"),
            (ADD_NEW, "A new one, entered below"),
            *((str(each.id), f"{each.title} ({each.ref})") for each in interventions),
        ]
        self.allocation.choices = [
            (
                left.allocation.id,
                f"{left.allocation.award_line.category.label}, {name}: {format_pounds(left.left)} left",
            )
            for name, left in lefts
        ]
        for quarter in QUARTERS:
            self[f"q{quarter}"].label.text = quarter_label(fy, quarter)

    def validate(self, extra_validators: Any = None) -> bool:
        good = bool(super().validate(extra_validators))
        if self.intervention.data == ADD_NEW:
            if not self.new_title.data:
                self.new_title.errors = ["Enter the title of the new intervention"]
                good = False
            if not self.new_kind.data:
                self.new_kind.errors = ["Choose what kind it is"]
                good = False
        return good

    def profile(self, even: Mapping[int, int]) -> Mapping[int, int]:
        """The profile that was asked for: the even one, or what was typed."""
        if self.spread.data == "even":
            return even
        return {quarter: self[f"q{quarter}"].data or 0 for quarter in QUARTERS}


def _release_words(release: LedgerEntry) -> str:
    return f"{release.document or 'No document'}, {format_pounds(-release.pence)}, released in Q{release.quarter}"


def entry_words(entry: LedgerEntry) -> str:
    """An entry in a few words: "Entry 12, INV 7 of 6 May 2025, £100.00"."""
    document = entry.document or "no document"
    return f"Entry {entry.seq}, {document} of {format_date(entry.spent_on)}, {format_pounds(entry.pence)}"
