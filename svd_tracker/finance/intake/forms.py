"""The forms of the pages of ledger files."""

from collections.abc import Mapping, Sequence
from typing import Any

from svd_tracker.periods import fy_label
from svd_tracker.readers.ledger_layout import FIELDS, Layout
from svd_tracker.web.forms import (
    FileField,
    Form,
    HiddenField,
    OnceMixin,
    RadiosField,
    SelectField,
    TextAreaField,
    TextField,
    max_length,
    required,
)

MONTHS = (
    "April", "May", "June", "July", "August", "September",
    "October", "November", "December", "January", "February", "March",
)  # fmt: skip
YEAR_END = (13, 16)  # the first and the last period after March
LONGEST_HEADING = 40
HINTS = {
    "posted_on": "When it went into the ledger, not the day of the invoice.",
    "period": "1 is April. Without it the date decides.",
    "net": "Or debit and credit, where they stand apart.",
    "vat": "Only VAT that cannot be recovered.",
    "debit": "Where costs have a column of their own.",
    "credit": "Where credits have a column of their own.",
    "sign": "DR or CR, D or C, beside the amount.",
    "document": "Of the invoice or journal. It goes into the return.",
    "kind": "Tells credit notes and the ledger's accruals.",
    "supplier": "Stays with you: not in the return.",
    "text": "Stays with you: not in the return.",
    "cost_centre": "Which service spends.",
    "account": "What on: the subjective or nominal code.",
    "project": "Or work order, job, WBS element.",
    "funding": "Like F-0001. Most ledgers have none.",
}


class ReceiveForm(OnceMixin, Form):
    file = FileField("Ledger file", description="CSV or Excel (.xlsx), up to 10 MB.")


class ColumnsForm(Form):
    """Which column is what. The fields of the columns are named ``column_`` and the field of FIELDS.

    ``headings`` is the digest of the headings that the choices are of: another sheet has others.
    """

    headings = HiddenField()
    sheet = SelectField("Sheet")
    vat_in_net = RadiosField(
        "Does the amount hold the VAT that cannot be recovered?",
        [required("Say whether the amount holds the VAT that cannot be recovered")],
        choices=[
            ("yes", "Yes, or there is none: the amount is what it costs"),
            ("no", "No: it stands in a column of its own and is added"),
        ],
    )
    turned = RadiosField(
        "How do costs stand in the file?",
        [required("Say how costs stand in the file")],
        choices=[
            ("no", "As plain amounts; credits have a minus sign, brackets or CR"),
            ("yes", "The other way round: costs have the minus sign"),
        ],
    )
    name = TextField(
        "Name for this way of reading",
        [required("Enter a name, like General ledger transactions"), max_length(120)],
        description="A file with the same headings is read like this next time, without this page.",
    )

    def offer(self, headings: Sequence[str], sheets: Sequence[str]) -> None:
        """Put in the columns of the file, by letter and heading: two columns may have one heading."""
        columns = [(number, column_words(number, heading)) for number, heading in enumerate(headings)]
        for field in FIELDS:
            self[f"column_{field}"].choices = [("", "Not in this file"), *columns]
        if len(sheets) > 1:
            self.sheet.choices = [(each, each) for each in sheets]
        else:
            del self.sheet

    def show(self, layout: Layout) -> None:
        """Choose what a layout says."""
        for field in FIELDS:
            self[f"column_{field}"].data = layout.columns.get(field)
        self.vat_in_net.data = "yes" if layout.vat_in_net else "no"
        self.turned.data = "yes" if layout.turned else "no"

    def layout(self, headings: Sequence[str], sheet: str | None) -> Layout:
        """What was chosen; an unanswered question counts as its first answer, so that a sample can be shown."""
        chosen: Mapping[str, Any] = {field: self[f"column_{field}"].data for field in FIELDS}
        return Layout(
            tuple(headings),
            {field: number for field, number in chosen.items() if number is not None},
            self.vat_in_net.data != "no",
            self.turned.data == "yes",
            sheet,
        )


for _field, _label in FIELDS.items():
    setattr(
        ColumnsForm,
        f"column_{_field}",
        SelectField(_label, coerce=int, description=HINTS[_field], missing="Choose a column of this file"),
    )


class TakeInForm(Form):
    covers_from = SelectField("From", coerce=int)
    covers_to = SelectField("To", coerce=int)

    def offer(self, fys: Sequence[int]) -> None:
        """Put in the months of these years, each with its year's end after March."""
        for field, year_end in ((self.covers_from, YEAR_END[0]), (self.covers_to, YEAR_END[1])):
            keys = [fy * 100 + period for fy in sorted(fys) for period in (*range(1, len(MONTHS) + 1), year_end)]
            field.choices = [("", "Choose a month"), *((key, period_words(key)) for key in keys)]

    def propose(self, covers_from: int | None, covers_to: int | None) -> None:
        """Choose the months that the file was read to hold."""
        if covers_from is not None and covers_to is not None:
            self.covers_from.data = min(covers_from, covers_from // 100 * 100 + YEAR_END[0])
            past = covers_to % 100 > len(MONTHS)
            self.covers_to.data = covers_to // 100 * 100 + YEAR_END[1] if past else covers_to

    def validate(self, extra_validators: Any = None) -> bool:
        good = bool(super().validate(extra_validators))
        first, last = self.covers_from.data, self.covers_to.data
        if good and (first is None) != (last is None):
            wrong = self.covers_from if first is None else self.covers_to
            wrong.errors = ["Choose both months, or neither"]
            good = False
        if good and first is not None and first > last:
            self.covers_to.errors = ["Choose a month that is not before the first one"]
            good = False
        return good

    @property
    def covers(self) -> tuple[int, int] | None:
        """The chosen periods as fy * 100 + period, or None when none were."""
        if self.covers_from.data is None:
            return None
        return self.covers_from.data, self.covers_to.data


class WithdrawForm(OnceMixin, Form):
    reason = TextAreaField(
        "Why is it withdrawn?",
        [required("Say why the file is withdrawn")],
        max_chars=1000,
        description="It stays in the history of the file and goes with every reversal.",
    )


class AgainForm(Form):
    pass


def column_letter(number: int) -> str:
    """Excel's letter of a column, counted from 0: A, B, … Z, AA."""
    return (column_letter(number // 26 - 1) if number >= 26 else "") + chr(ord("A") + number % 26)


def column_words(number: int, heading: str) -> str:
    """A column as people name it: "C: Posting date"; a long heading is cut."""
    short = heading if len(heading) <= LONGEST_HEADING else f"{heading[: LONGEST_HEADING - 1]}…"
    return f"{column_letter(number)}: {short or 'no heading'}"


def period_words(key: int) -> str:
    """fy * 100 + period in words: 202503 → "June 2025"; after the twelfth "Year end 2025/26"."""
    fy, period = divmod(key, 100)
    if period > len(MONTHS):
        return f"Year end {fy_label(fy)}"
    return f"{MONTHS[period - 1]} {fy if period <= 9 else fy + 1}"


def covers_words(covers_from: int | None, covers_to: int | None) -> str | None:
    """The months of a file in words; None when it says none."""
    if covers_from is None or covers_to is None:
        return None
    first, last = period_words(covers_from), period_words(covers_to)
    return first if first == last else f"{first} to {last}"


def put_problem(form: Any, field: str | None, words: str) -> None:
    """What is wrong with a layout, at the select of its column or at its question, else over the form."""
    name = next((each for each in (f"column_{field}", field or "") if each in form), None)
    if name is None:
        form.form_errors.append(words)
    else:
        form[name].errors = [words]
