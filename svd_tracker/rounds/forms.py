# mypy: disallow-subclassing-any=False
"""The forms of rounds, and what the forms of how they are scored share."""

import re
from collections.abc import Collection, Sequence
from fractions import Fraction
from typing import Any

from wtforms import Form as PlainForm

from svd_tracker.calculations.ranking import points
from svd_tracker.errors import NotAllowed, Refused
from svd_tracker.grants.models import Grant
from svd_tracker.periods import fy_label
from svd_tracker.rounds.models import Round, RoundState
from svd_tracker.rounds.queries import ShareNow
from svd_tracker.web.forms import (
    CheckboxField,
    DateField,
    FieldList,
    Form,
    FormField,
    HiddenField,
    OnceMixin,
    PoundsField,
    SelectField,
    TextField,
    VersionedForm,
    WholeNumberField,
    max_length,
    required,
)

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


def differing(*compared: tuple[Any, str, str]) -> Differences:
    return [(field.label.text, saved, typed) for field, saved, typed in compared if saved != typed]


def plain(hundredths: int | None) -> str:
    return "nothing" if hundredths is None else points(Fraction(hundredths))


def yes(value: bool | None) -> str:
    return "yes" if value else "no"


class _RoundFields(Form):
    name = TextField("Name of the round", [required("Enter a name"), max_length(250)])
    opens_on = DateField("Opens on")
    closes_on = DateField("Closes on", description="The last day on which proposers can submit.")
    blind = CheckboxField(
        "Hide the organisations’ names from assessors until they have sent their scores",
        description="What proposers write in their own words cannot be hidden: ask them to leave names out.",
    )


class RoundForm(_RoundFields, OnceMixin):
    year = SelectField("Grant and year", [required("Choose the grant and year")])

    def offer(self, grants: Sequence[Grant], years: Sequence[tuple[int, int]]) -> None:
        names = {grant.id: grant.name for grant in grants}
        self.year.choices = [("", "Choose one")] + [
            (f"{grant_id}-{fy}", f"{names[grant_id]}, {fy_label(fy)}") for grant_id, fy in years
        ]


class EditRoundForm(_RoundFields, VersionedForm):
    @staticmethod
    def may_hide(round_: Round) -> bool:
        """Whether it can still be chosen that names are hidden: until scoring begins."""
        return round_.state in (RoundState.PREPARING, RoundState.OPEN)


class MoveForm(Form, VersionedForm):
    pass


class GoOnForm(MoveForm):
    reason = TextField("Why the round goes on all the same", [required("Enter a reason"), max_length(250)])


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
