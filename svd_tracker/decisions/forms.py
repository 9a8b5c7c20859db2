"""Recording a decision, and what became of its conditions."""

import datetime as dt
from collections.abc import Mapping
from typing import Any

from svd_tracker.approvals.models import ApprovalBody
from svd_tracker.calculations.figures import Category
from svd_tracker.decisions.models import ConditionState, Outcome
from svd_tracker.decisions.services import amount_field
from svd_tracker.web.forms import (
    CheckboxesField,
    DateField,
    Form,
    HiddenField,
    OnceMixin,
    PoundsField,
    RadiosField,
    TextAreaField,
    TextField,
    max_length,
    required,
)

OUTCOMES = (
    (Outcome.FUND.value, "Fund – give what was asked"),
    (Outcome.FUND_IN_PART.value, "Fund in part – give less than was asked"),
    (Outcome.FUND_IF.value, "Fund if – give it on a condition"),
    (Outcome.RESERVE.value, "Reserve – give nothing now, look again if money comes free"),
    (Outcome.REJECT.value, "Reject"),
)
BODIES = (ApprovalBody.ACCOUNTABLE_BODY, ApprovalBody.OPCC, ApprovalBody.FUNDER)
CONDITIONS = (1, 2, 3)


class DecideForm(OnceMixin, Form):
    """``supersedes`` is the id of the decision that stood when the page was opened; empty when there was none."""

    outcome = RadiosField("What was decided?", [required("Choose what was decided")], choices=OUTCOMES)
    amount_labour = PoundsField("Labour", allow_blank=True)
    amount_non_labour = PoundsField("Non-labour", allow_blank=True)
    over_costs_reason = TextField(
        "Why more is given than was asked, or than it costs",
        [max_length(250)],
        description="Leave empty unless it is",
    )
    reason = TextAreaField(
        "Reason",
        [required("Enter the reason, whatever the outcome")],
        max_chars=4000,
        description="Every member and the other partnership asked will read it",
    )
    words_to_applicant = TextAreaField("Words to the applicant (if you wish)", max_chars=4000)
    decided_on = DateField("When was it decided?")
    minute_ref = TextField("Minute reference", [required("Enter the minute reference"), max_length(250)])
    needs = CheckboxesField(
        "Who else must agree before money is spent?",
        choices=[(body.value, body.label) for body in BODIES],
        description="A partnership is no legal person: its minute alone authorises nothing",
    )
    agreed_accountable_body = DateField("Accountable body agreed on (if it has)", allow_blank=True)
    reference_accountable_body = TextField("Accountable body’s reference", [max_length(250)])
    agreed_opcc = DateField("OPCC agreed on (if it has)", allow_blank=True)
    reference_opcc = TextField("OPCC’s reference", [max_length(250)])
    agreed_funder = DateField("Funder agreed on (if it has)", allow_blank=True)
    reference_funder = TextField("Funder’s reference", [max_length(250)])
    condition_1 = TextAreaField("First condition", [max_length(2000)])
    due_1 = DateField("First condition to be met by (if a date was set)", allow_blank=True)
    condition_2 = TextAreaField("Second condition", [max_length(2000)])
    due_2 = DateField("Second condition to be met by (if a date was set)", allow_blank=True)
    condition_3 = TextAreaField("Third condition", [max_length(2000)])
    due_3 = DateField("Third condition to be met by (if a date was set)", allow_blank=True)
    supersedes = HiddenField()

    def amounts(self) -> dict[Category, int]:
        """Pence by category; nothing where the outcome gives no money, whatever stands in the boxes."""
        if not Outcome(self.outcome.data).funds:
            return {}
        return {category: self._field(amount_field(category)).data or 0 for category in Category}

    def agreed(self) -> dict[ApprovalBody, tuple[dt.date, str]]:
        return {
            body: (self._field(f"agreed_{body.value}").data, self._field(f"reference_{body.value}").data)
            for body in BODIES
            if self._field(f"agreed_{body.value}").data
        }

    def conditions(self) -> list[tuple[str, dt.date | None]]:
        texts = [(self._field(f"condition_{no}").data or "", self._field(f"due_{no}").data) for no in CONDITIONS]
        return [(text, due_on) for text, due_on in texts if text.strip()]

    def refuse(self, message: str, field: str | None) -> None:
        """Put a service's refusal where it belongs."""
        name = {"conditions": "condition_1"}.get(field or "", field)
        if name is not None and name in self:
            self._field(name).errors = [message]
        else:
            self.form_errors.append(message)

    def _field(self, name: str) -> Any:
        return self[name]


def starting_values(amounts: Mapping[Category, int], supersedes_id: int | None) -> dict[str, object]:
    """What the page is first shown with: the amounts asked, or those of the decision to supersede."""
    return {
        **{amount_field(category): amounts.get(category, 0) for category in Category},
        "needs": [ApprovalBody.ACCOUNTABLE_BODY.value, ApprovalBody.OPCC.value],
        "supersedes": "" if supersedes_id is None else str(supersedes_id),
    }


class SettleForm(Form):
    state = RadiosField(
        "What became of it?",
        [required("Choose what became of it")],
        choices=[(state.value, state.value.capitalize()) for state in ConditionState],
    )
    happened_on = DateField("When?")
    reason = TextField("What shows it, or why", [required("Enter what shows it, or why"), max_length(250)])
