# mypy: disallow-subclassing-any=False
"""The forms of virements and reallocations."""

from collections.abc import Iterable, Sequence
from typing import Any

from wtforms import Form as PlainForm

from svd_tracker.accounts.models import Holder
from svd_tracker.calculations.moves import Shift, Transfer, shifts_of
from svd_tracker.errors import Refused
from svd_tracker.finance.moves.services import funding_field
from svd_tracker.finance.queries import FundingNow
from svd_tracker.grants.queries import AwardTable
from svd_tracker.grants.split import allocation_field, short_name
from svd_tracker.money import format_pounds
from svd_tracker.periods import quarter_short
from svd_tracker.web.forms import (
    DateField,
    FieldList,
    Form,
    FormField,
    OnceMixin,
    PoundsField,
    SelectField,
    TextAreaField,
    TextField,
    VersionedForm,
    max_length,
    required,
)

TRANSFERS = 3  # more is another virement: an approver reads them at once


class TransferRow(PlainForm):
    """Money from one funding's quarter to another's. A row with no funding and no amount is passed over."""

    from_id = SelectField("From", coerce=int)
    from_quarter = SelectField("Out of quarter", coerce=int)
    to_id = SelectField("To", coerce=int)
    to_quarter = SelectField("Into quarter", coerce=int)
    pence = PoundsField("Amount", allow_blank=True)

    @property
    def is_blank(self) -> bool:
        return not (self.from_id.data or self.to_id.data or self.pence.data or (self.pence.typed or "").strip())

    def validate(self, extra_validators: Any = None) -> bool:
        right = bool(super().validate(extra_validators))
        if self.is_blank:
            return right
        for field, words in (
            (self.from_id, "Choose the funding that gives"),
            (self.to_id, "Choose the funding that gets"),
            (self.pence, PoundsField.blank_message),
        ):
            if not field.data and not field.errors:
                field.errors = [words]
                right = False
        if right and self.from_id.data == self.to_id.data:
            self.to_id.errors = ["Choose another funding than the one that gives"]
            right = False
        return right


class VirementForm(OnceMixin, Form):
    transfers = FieldList(FormField(TransferRow), min_entries=TRANSFERS, max_entries=TRANSFERS)
    reason = TextAreaField("Why the money is to move", [required("Say why the money is to move")], max_chars=2000)
    funder_ref = TextField(
        "Funder's reference",
        [max_length(250)],
        description="Only between labour and non-labour: the letter or email in which the funder agreed.",
    )

    def offer(self, fundings: Sequence[FundingNow], fy: int, quarters: Sequence[int]) -> None:
        """Put in the fundings that money can move between, and the quarters that are open."""
        for entry in self.transfers:
            row = entry.form
            choices = [("", "Choose"), *((each.id, _funding_words(each)) for each in fundings)]
            row.from_id.choices = row.to_id.choices = choices
            row.from_quarter.choices = row.to_quarter.choices = [(each, quarter_short(fy, each)) for each in quarters]
            for field in (row.from_quarter, row.to_quarter):
                field.data = field.data or quarters[-1]

    def shifts(self) -> tuple[Shift, ...]:
        """The changes that were typed, in pence by funding and quarter."""
        rows = [entry.form for entry in self.transfers if not entry.form.is_blank]
        return shifts_of(
            Transfer(row.from_id.data, row.from_quarter.data, row.to_id.data, row.to_quarter.data, row.pence.data)
            for row in rows
        )

    def show(self, refused: Refused) -> None:
        """A refusal at the amount of the first row that takes from its funding, or at its own field, or above."""
        for entry in self.transfers:
            row = entry.form
            if row.from_id.data and refused.field == funding_field(row.from_id.data):
                row.pence.errors = [refused.message]
                self.transfers.errors = [each.form.errors for each in self.transfers]  # WTForms gathers them once
                return
        if refused.field in ("reason", "funder_ref"):
            self[refused.field].errors = [refused.message]
        else:
            self.form_errors.append(refused.message)


class UndoForm(OnceMixin, Form):
    reason = TextAreaField("Why it is undone", [required("Say why it is undone")], max_chars=2000)
    funder_ref = TextField(
        "Funder's reference",
        [max_length(250)],
        description="The letter or email in which the funder agreed that it is undone.",
    )


class DecidedFields:
    """Who decided on a move."""

    body = TextField("Who decided", [required("Enter who decided"), max_length(250)])
    decided_on = DateField("Date of the decision")
    minute_ref = TextField(
        "Minute or letter reference", [required("Enter the reference of the minute or letter"), max_length(250)]
    )


class ApproveForm(DecidedFields, VersionedForm, OnceMixin, Form):
    note = TextAreaField("Note", max_chars=2000, description="Only if something is to be remembered.")


class RefuseForm(OnceMixin, Form):
    reason = TextAreaField("Why it is refused", [required("Say why it is refused")], max_chars=2000)


class WithdrawForm(OnceMixin, Form):
    reason = TextAreaField("Why it is withdrawn", max_chars=2000, description="You can leave this empty.")


def reallocation_form(table: AwardTable, holders: Iterable[Holder]) -> type[Form]:
    """A form with one box for each share: what it gains, or with a minus sign what it loses."""
    names = {holder.id: short_name(holder) for holder in holders}
    fields: dict[str, object] = {
        allocation_field(share.holder_id, share.category): PoundsField(
            f"{names[share.holder_id]}: change",
            description=f"to its {format_pounds(share.pence)}",
            allow_blank=True,
            allow_negative=True,
        )
        for share in table.shares
    }
    fields["reason"] = TextAreaField("Why the money moves", [required("Say why the money moves")], max_chars=2000)
    return type("ReallocationForm", (DecidedFields, VersionedForm, OnceMixin, Form), fields)


def changes_of(form: Any, table: AwardTable) -> dict[int, int]:
    """What was typed, in pence by allocation id; a box left empty changes nothing."""
    typed = {share.id: form[allocation_field(share.holder_id, share.category)].data for share in table.shares}
    return {allocation_id: pence for allocation_id, pence in typed.items() if pence}


def _funding_words(funding: FundingNow) -> str:
    return f"{funding.title}, {funding.category.label.lower()}: {format_pounds(funding.pence)} ({funding.ref})"
