# mypy: disallow-subclassing-any=False
"""The forms of options of the funding line."""

from collections.abc import Mapping, Sequence
from typing import Any

from wtforms import Form as PlainForm

from svd_tracker.calculations.figures import Category
from svd_tracker.calculations.options import Item, OptionPlace, OptionProblem, Start, begin
from svd_tracker.grants.forms import PercentField
from svd_tracker.money import format_pounds
from svd_tracker.scoring.option_queries import Basis, ListedProposal
from svd_tracker.scoring.option_services import OptionContent
from svd_tracker.web.forms import (
    CheckboxField,
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

STARTS = (
    (Start.LINE.value, "As the line says: fund down to the first that does not fit"),
    (Start.IN_PART.value, "Fund in part: the one on the line gets what is left"),
    (Start.AFTER.value, "Move the line: fund down to a rank that I choose"),
    (Start.NEXT_THAT_FITS.value, "The next that fits: pass over what does not, with the reason"),
)
PLACES = (
    (OptionPlace.FUND.value, "Fund"),
    (OptionPlace.FUND_IN_PART.value, "Fund in part"),
    (OptionPlace.RESERVE.value, "Keep in reserve"),
    (OptionPlace.PASS_OVER.value, "No money"),
)
PLACE_WORDS = dict(PLACES)


class _OptionFields(Form):
    name = TextField("Name of the option", [required("Enter a name for the option"), max_length(250)])
    count_match = CheckboxField("Count match: cash match offered pays its part of what is asked")
    over_bp = PercentField(
        "Over-programme by (per cent)",
        allow_blank=True,
        description="How far the option may pass the allocation. Leave empty when it may not.",
    )
    over_approver = TextField("Who allows that", [max_length(250)])
    over_reference = TextField("Under which reference", [max_length(250)])
    note = TextAreaField("Note (if you wish)", max_chars=2000)

    def _content(self, items: Mapping[str, Item]) -> OptionContent:
        return OptionContent(
            name=self.name.data or "",
            items=items,
            note=self.note.data or "",
            over_bp=self.over_bp.data or 0,
            over_approver=self.over_approver.data or "",
            over_reference=self.over_reference.data or "",
            count_match=bool(self.count_match.data),
        )


class NewOptionForm(OnceMixin, _OptionFields):
    start = RadiosField("Start from", [required("Choose what it starts from")], choices=STARTS)
    after = WholeNumberField("The last rank that is funded", allow_blank=True, smallest=1, largest=1000)
    reserve = CheckboxField("Keep the others in reserve")

    def validate_after(self, field: Any) -> None:
        if self.start.data == Start.AFTER.value and field.data is None and not field.errors:
            field.errors = [*field.errors, "Enter the last rank that is funded, like 4"]

    def content(self, basis: Basis) -> OptionContent:
        items = begin(
            Start(self.start.data),
            basis.ranked,
            basis.money,
            after=self.after.data or 0,
            over_bp=self.over_bp.data or 0,
            count_match=bool(self.count_match.data),
            reserve=bool(self.reserve.data),
        )
        return self._content(items)

    def show(self, problems: Sequence[OptionProblem]) -> None:
        """What the start cannot give: at the rank where the money does not reach it, else at the margin."""
        for each in problems:
            reached = each.category is None or self.start.data != Start.AFTER.value
            field: Any = self.over_bp if reached else self.after
            field.errors = [*field.errors, each.words]


class CopyForm(OnceMixin, Form):
    name = TextField("Name of the copy", [required("Enter a name for the copy"), max_length(250)])


class TurnForm(VersionedForm, Form):
    """Choosing, taking back, deleting: nothing to type."""


class ItemRow(PlainForm):
    ref = HiddenField()
    place = SelectField("What becomes of it", [required("Choose what becomes of it")], choices=PLACES)
    labour = PoundsField("Labour", allow_blank=True)
    non_labour = PoundsField("Non-labour", allow_blank=True)
    reason = TextField("Reason", [max_length(250)])

    def amount(self, category: Category) -> Any:
        return self.labour if category is Category.LABOUR else self.non_labour


class EditOptionForm(VersionedForm, _OptionFields):
    rows = FieldList(FormField(ItemRow))

    def rows_of(self, basis: Basis) -> list[tuple[ListedProposal, Any]]:
        """Each proposal that can be placed beside its row; rows of none of them are passed over."""
        by_ref = {each.ask.ref: each for each in basis.listed}
        rows = [entry.form for entry in self.rows.entries]
        return [(by_ref[row.ref.data], row) for row in rows if row.ref.data in by_ref]

    def content(self, basis: Basis) -> OptionContent:
        """What was typed. What is funded whole gets what it asks, and only a part is read from the boxes.

        Proposals that are no longer listed leave the option.
        """
        match = bool(self.count_match.data)
        items = {}
        for listed, row in self.rows_of(basis):
            place = OptionPlace(row.place.data)
            amounts = {category: row.amount(category).data or 0 for category in Category}
            if place is not OptionPlace.FUND_IN_PART:
                amounts = listed.ask.wanted(match) if place is OptionPlace.FUND else {}
            items[listed.ask.ref] = Item(place, amounts, row.reason.data or "")
        return self._content(items)

    def show(self, basis: Basis, problems: Sequence[OptionProblem]) -> None:
        """Each problem at its box, or at the top of the page where it is nobody's in particular."""
        rows = {listed.ask.ref: row for listed, row in self.rows_of(basis)}
        for each in problems:
            if each.ref not in rows:
                self.form_errors.append(each.words)
                continue
            row = rows[each.ref]
            whole = row.place.data == OptionPlace.FUND.value
            box: Any = row.place
            if each.category is not None and not whole:
                box = row.amount(each.category)
            elif each.owes_reason:
                box = row.reason
            box.errors = [*box.errors, each.words]
        self.rows.errors = [entry.errors for entry in self.rows.entries]

    def beside(self, basis: Basis, saved: OptionContent, row_version: int) -> list[tuple[str, str, str]]:
        """After somebody else's change: what is saved now beside what was typed; the form carries the new version."""
        values: dict[str, object] = {
            name: getattr(saved, name)
            for name in ("name", "note", "over_bp", "over_approver", "over_reference", "count_match")
        }
        differing = self.take_newer(values, row_version)
        typed = self.content(basis).items
        for listed, _ in self.rows_of(basis):
            ref = listed.ask.ref
            pair = item_words(saved.items.get(ref)), item_words(typed.get(ref))
            if pair[0] != pair[1]:
                differing.append((f"{ref} {listed.title}", *pair))
        return differing


def item_words(item: Item | None) -> str:
    """What becomes of one proposal, in a line."""
    if item is None:
        return "nothing said"
    words = PLACE_WORDS[item.place.value]
    amounts = [f"{format_pounds(pence)} {each.label.lower()}" for each, pence in item.amounts.items() if pence]
    if amounts and item.place.gives:
        words += f", {' and '.join(amounts)}"
    return f"{words}: {item.reason}" if item.reason else words


def edit_form(basis: Basis, content: OptionContent, row_version: int) -> EditOptionForm:
    """The page of an option by hand: a row for each ranked proposal, with what stands or what was sent."""
    rows = []
    for each in basis.listed:
        item = content.items.get(each.ask.ref)
        if each.ask.rank is None and item is None:
            continue
        part = item.amounts if item is not None and item.place is OptionPlace.FUND_IN_PART else {}
        rows.append(
            {
                "ref": each.ask.ref,
                "place": (item.place if item else OptionPlace.PASS_OVER).value,
                "labour": part.get(Category.LABOUR),
                "non_labour": part.get(Category.NON_LABOUR),
                "reason": item.reason if item else "",
            }
        )
    return EditOptionForm(
        data={
            "row_version": row_version,
            "name": content.name,
            "note": content.note,
            "over_bp": content.over_bp or None,
            "over_approver": content.over_approver,
            "over_reference": content.over_reference,
            "count_match": content.count_match,
            "rows": rows,
        }
    )
