# mypy: disallow-subclassing-any=False
"""Forms for agreements, awards and their split."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any

from svd_tracker.accounts.models import Area, Holder
from svd_tracker.approvals.models import ApprovalBody
from svd_tracker.calculations.figures import Category
from svd_tracker.grants.calendar_terms import CalendarTerms
from svd_tracker.grants.models import AgreementStatus, Frequency, OutsidePeriod, PaymentBasis, RuleEffect, YearEnd
from svd_tracker.grants.split import allocation_field, short_name
from svd_tracker.web.forms import (
    CheckboxesField,
    DateField,
    Form,
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

DECLARATION = (
    "I certify that, to the best of my knowledge, the expenditure in this return was incurred for the purposes of the "
    "grant, is eligible under its agreement, and agrees with the accounts."
)


class PercentField(WholeNumberField):
    """A percentage as people type it, 2.5; ``data`` is basis points, 250."""

    blank_message = "Enter a percentage between 0 and 100, like 2.5"

    def read(self, text: str) -> int:
        typed = re.fullmatch(r"([0-9]{1,3})(?:\.([0-9]{1,2}))?", text.strip().removesuffix("%").strip())
        points = int(typed[1]) * 100 + int((typed[2] or "").ljust(2, "0")) if typed else None
        if points is None or points > 10_000:
            raise ValueError(self.blank_message)
        return points

    def shown(self) -> str:
        whole, rest = divmod(self.data, 100)
        return f"{whole}.{rest:02d}".rstrip("0").rstrip(".") if rest else str(whole)


class GrantForm(OnceMixin, Form):
    area = SelectField("Area", [required("Choose the area that the grant is for")], coerce=int)
    name = TextField("Name", [required("Enter the grant's name"), max_length(250)])
    ref = TextField(
        "Reference",
        [required("Enter a short reference for the grant, like SVD-2025"), max_length(24)],
        description="Short: it stands in the name of each return.",
    )
    funder = TextField("Funder", [required("Enter who pays the grant"), max_length(250)], default="Home Office")
    starts_on = DateField("First day of the grant")
    ends_on = DateField("Last day of the grant")

    def offer(self, areas: Sequence[Area]) -> None:
        self.area.choices = [(area.id, area.name) for area in areas]
        if len(areas) == 1:
            self.area.data = areas[0].id


def _from_year_end(label: str, smallest: int = -60) -> WholeNumberField:
    before = "A minus sign for days before it: -5. " if smallest < 0 else ""
    blank = "Leave blank if there is none." if smallest < 0 else "Leave blank if it has the days of the other returns."
    return WholeNumberField(
        f"{label} this many working days after the year’s end",
        allow_blank=True,
        smallest=smallest,
        largest=250,
        description=f"{before}{blank}",
    )


class TermsForm(VersionedForm, OnceMixin, Form):
    """Its fields are named as the columns of GrantTerms, so that another's newer version can be set beside it."""

    status = RadiosField(
        "Where the agreement stands",
        [required("Choose where the agreement stands")],
        choices=[(status.value, status.value.capitalize()) for status in AgreementStatus],
    )
    agreement_ref = TextField(
        "Agreement reference", [max_length(250)], description="As on the agreement, if it has one."
    )
    signed_on = DateField("Signed on", allow_blank=True, description="Leave blank until it is signed.")
    payment_basis = RadiosField(
        "How the grant is paid",
        [required("Choose how the grant is paid")],
        choices=[(basis.value, basis.label) for basis in PaymentBasis],
    )
    over_programme_bp = PercentField(
        "Over-programming margin (per cent)",
        description="How far decisions may pass an allocation. 0 when they may not.",
    )
    frequency = RadiosField(
        "How often a return is made",
        [required("Choose how often a return is made")],
        choices=[(each.value, each.label) for each in Frequency],
    )
    year_end = RadiosField(
        "What closes the year",
        [required("Choose what closes the year")],
        choices=[(each.value, each.label) for each in YearEnd],
    )
    draft_working_days = WholeNumberField("A return is drafted this many working days after its period", largest=250)
    certify_working_days = WholeNumberField(
        "It is to be certified this many working days after its period",
        allow_blank=True,
        largest=250,
        description="Leave blank when that is the day on which it is due.",
    )
    due_working_days = WholeNumberField(
        "It is due at the OPCC this many working days after its period",
        allow_blank=True,
        largest=250,
        description="Leave blank when it follows from the OPCC’s own date, below.",
    )
    area_due_working_days = WholeNumberField(
        "The OPCC’s own return is due at the funder this many working days after its period",
        allow_blank=True,
        largest=250,
        description="Leave blank if the agreement names no such day.",
    )
    lead_working_days = WholeNumberField(
        "The partnerships’ returns are due at the OPCC this many working days before that",
        allow_blank=True,
        largest=250,
    )
    provisional_draft_working_days = _from_year_end("The provisional return is drafted")
    provisional_due_working_days = _from_year_end("The provisional return is due at the OPCC")
    final_draft_working_days = _from_year_end("The final return is drafted", smallest=1)
    final_due_working_days = _from_year_end("The final return is due at the OPCC", smallest=1)
    retention_years = WholeNumberField("Years that records are kept", smallest=1, largest=100)
    declaration = TextAreaField(
        "What the certifier declares", [required("Enter the words that the certifier agrees to")], max_chars=4000
    )
    signers = TextAreaField(
        "Who signs the year-end statement",
        max_chars=1000,
        description="The posts that the agreement names, one on each line, like Chief finance officer (section 151).",
    )
    eligible_from = DateField(
        "The grant pays for spend from",
        allow_blank=True,
        description="Only if the agreement names a day after the grant's first. Leave blank otherwise.",
    )
    outside_period = RadiosField(
        "Spend before that day, or outside the grant's period",
        [required("Choose what happens to spend outside the period")],
        choices=[(each.value, each.label) for each in OutsidePeriod],
    )
    match_required_bp = PercentField(
        "Match required, as a share of grant spend (per cent)",
        allow_blank=True,
        description="Like 30: for every £100 of grant that is spent, partners give £30. Leave blank if none is.",
    )
    match_required_pence = PoundsField(
        "Match required, as a sum for the year",
        allow_blank=True,
        description="Of each holder, when the agreement names a sum. Leave blank if it names a share or nothing.",
    )
    effective_on = DateField("These terms apply from")
    reason = TextField("Why the terms are entered or changed", [required("Say why"), max_length(250)])

    def validate(self, extra_validators: Any = None) -> bool:
        """The return is due on a day of its own, or so many working days before the OPCC's own."""
        valid: bool = super().validate(extra_validators)
        due, area, lead = self.due_working_days, self.area_due_working_days, self.lead_working_days
        if area.data is None and lead.data is None:
            wrong = {due: "Enter a whole number, like 20"} if due.data is None else {}
        elif area.data is None:
            wrong = {area: "Enter when the OPCC’s own return is due, or leave the days before it blank"}
        elif (due.data is None) == (lead.data is None):
            wrong = {lead: "Enter how many working days before the OPCC’s own date, or when the return is due above"}
        else:
            wrong = {lead: "Enter fewer days than the OPCC’s own"} if (lead.data or 0) > area.data else {}
        found = {field: words for field, words in wrong.items() if not field.errors}
        for field, words in found.items():
            field.errors = [words]
        return valid and not found

    @property
    def due_days(self) -> int:
        """Working days from a period's end to the day on which its return is due at the OPCC."""
        if self.due_working_days.data is not None:
            return int(self.due_working_days.data)
        return int(self.area_due_working_days.data) - int(self.lead_working_days.data)

    def calendar(self) -> CalendarTerms:
        """The calendar as typed."""
        typed = {each.name: self[each.name].data for each in fields(CalendarTerms)}
        chosen = {"frequency": Frequency(typed["frequency"]), "year_end": YearEnd(typed["year_end"])}
        return CalendarTerms(**typed | chosen)


KINDS_NOT_PAID = (  # DOMAIN.md section 3
    "Recoverable VAT",
    "Contributions in kind",
    "Depreciation",
    "Interest and finance-lease charges",
    "Gifts and entertaining",
    "Fines and penalties",
    "Political or religious activity",
    "Lobbying and petitioning for more money",
    "Paid by another grant",
    "A statutory duty of the body",
    "Liabilities before the agreement",
    "Capital items",
)


class RuleForm(VersionedForm, OnceMixin, Form):
    """A kind of cost that the grant does not pay for."""

    kind = TextField(
        "Kind of cost",
        [required("Enter the kind of cost, like gifts and entertaining"), max_length(250)],
        description="As the agreement names it. It stands beside each entry that the rule finds.",
    )
    accounts = TextField(
        "Account codes",
        [required("Enter the account codes, like 4711, 48*"), max_length(250)],
        description="With commas between them. A * stands for any characters: 48* is every code that starts with 48.",
    )
    effect = RadiosField(
        "What happens to such spend",
        [required("Choose what happens to such spend")],
        choices=[(each.value, each.label) for each in RuleEffect],
    )


class RetireForm(VersionedForm, OnceMixin, Form):
    pass


class ApprovalFields:
    """Who allowed money to move: what every form that moves money asks."""

    body = TextField("Who allowed it", [required("Enter who allowed it, like Home Office"), max_length(250)])
    minute_ref = TextField(
        "Letter or minute reference", [required("Enter the reference of the letter or minute"), max_length(250)]
    )
    decided_on = DateField("Date of the letter or meeting")
    needs = CheckboxesField(
        "Who must still agree",
        choices=[(body.value, body.label) for body in ApprovalBody],
        description="Spend is at risk until they have. Leave blank when everybody has agreed.",
    )
    reason = TextField("Why", [required("Say why"), max_length(250)])


class AwardForm(ApprovalFields, VersionedForm, OnceMixin, Form):
    amount = PoundsField("Award")
    effective_on = DateField("It applies from")


class _ShareForm(ApprovalFields, VersionedForm, OnceMixin, Form):
    effective_on = DateField("It applies from")


class _YearForm(ApprovalFields, OnceMixin, Form):
    minute_ref = TextField(  # the minute is kept in one line with it
        "Letter or minute reference", [required("Enter the reference of the letter or minute"), max_length(180)]
    )
    minute = TextField(
        "Minute reference", [max_length(60)], description="Of the meeting that agreed the split, if there was one."
    )


def share_form(holders: Sequence[Holder], categories: Sequence[Category]) -> type[Any]:
    """Shares of several holders and categories in one form, a box for each; blank where there is none."""
    return type("ShareForm", (_ShareForm,), _share_boxes(holders, categories))


def year_form(holders: Sequence[Holder]) -> type[Any]:
    """A whole year in one form: each category's award and shares."""
    awards = {award_field(category): PoundsField(f"{category.label} award", allow_blank=True) for category in Category}
    return type("YearForm", (_YearForm,), {**awards, **_share_boxes(holders, list(Category))})


def award_field(category: Category) -> str:
    return f"award_{category.value}"


def amounts(form: Any, holders: Sequence[Holder], categories: Sequence[Category]) -> dict[tuple[int, Category], int]:
    """The shares that were typed, in pence by (holder id, category), in the order of the page."""
    boxes = {(one.id, category): form[allocation_field(one.id, category)] for category in categories for one in holders}
    return {key: box.data for key, box in boxes.items() if box.data is not None}


def refuse_emptied(form: Any, standing: Mapping[str, int]) -> bool:
    """Mark the boxes that were emptied though there is a share: missing is not nought. Whether there are any."""
    emptied = [form[name] for name in standing if name in form and form[name].data is None and not form[name].errors]
    for box in emptied:
        box.errors = ["Enter an amount, or 0.00 to take this allocation away"]
    return bool(emptied)


def _share_boxes(holders: Sequence[Holder], categories: Sequence[Category]) -> dict[str, PoundsField]:
    return {
        allocation_field(one.id, category): PoundsField(
            f"{short_name(one)}, {category.label.lower()}", allow_blank=True
        )
        for category in categories
        for one in holders
    }
