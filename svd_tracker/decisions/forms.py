"""Recording a decision, and what became of its conditions."""

import datetime as dt
from collections.abc import Mapping
from typing import Any

from svd_tracker.approvals.models import ApprovalBody
from svd_tracker.calculations.figures import Category
from svd_tracker.decisions.drafts import Draft
from svd_tracker.decisions.models import ConditionState, Decision, Outcome
from svd_tracker.decisions.rules import ConditionLine, OverAllocation, Votes, amount_field
from svd_tracker.web.forms import (
    CheckboxesField,
    CheckboxField,
    DateField,
    Form,
    HiddenField,
    OnceMixin,
    PoundsField,
    RadiosField,
    TextAreaField,
    TextField,
    WholeNumberField,
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
    beyond_reason = TextField("Why it passes the allocation", [max_length(110)])
    beyond_allowed_by = TextField("Who allowed it", [max_length(60)])
    beyond_reference = TextField("Their reference", [max_length(50)])
    reason = TextAreaField(
        "Reason",
        [required("Enter the reason, whatever the outcome")],
        max_chars=4000,
        description="Every member and the other partnership asked will read it",
    )
    words_to_applicant = TextAreaField("Words to the applicant (if you wish)", max_chars=4000)
    decided_on = DateField("When was it decided?")
    minute_ref = TextField("Minute reference", [required("Enter the minute reference"), max_length(250)])
    chairs_action = CheckboxField(
        "The chair decided between meetings",
        description="Chair’s action: it is reported to the next meeting, and waits on your first page until it is",
    )
    votes_for = WholeNumberField("Votes for", allow_blank=True)
    votes_against = WholeNumberField("Votes against", allow_blank=True)
    votes_abstained = WholeNumberField("Abstained", allow_blank=True)
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
    owner_1 = TextField("Who sees to the first condition (if agreed)", [max_length(250)])
    due_1 = DateField("First condition to be met by (if a date was set)", allow_blank=True)
    condition_2 = TextAreaField("Second condition", [max_length(2000)])
    owner_2 = TextField("Who sees to the second condition (if agreed)", [max_length(250)])
    due_2 = DateField("Second condition to be met by (if a date was set)", allow_blank=True)
    condition_3 = TextAreaField("Third condition", [max_length(2000)])
    owner_3 = TextField("Who sees to the third condition (if agreed)", [max_length(250)])
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

    def conditions(self) -> list[ConditionLine]:
        lines = [
            ConditionLine(
                self._field(f"condition_{no}").data or "",
                self._field(f"due_{no}").data,
                self._field(f"owner_{no}").data or "",
            )
            for no in CONDITIONS
        ]
        return [line for line in lines if line.text.strip()]

    def votes(self) -> Votes | None:
        """None when no box is filled in; one left empty beside others is nought."""
        given = [self.votes_for.data, self.votes_against.data, self.votes_abstained.data]
        return None if all(each is None for each in given) else Votes(*(each or 0 for each in given))

    def beyond(self) -> OverAllocation | None:
        """None when nothing is said of passing the allocation."""
        said = [self._field(f"beyond_{name}").data or "" for name in ("reason", "allowed_by", "reference")]
        return OverAllocation(*said) if any(each.strip() for each in said) else None

    def refuse(self, message: str, field: str | None) -> None:
        """Put a service's refusal where it belongs."""
        name = {"conditions": "condition_1"}.get(field or "", field)
        if name is not None and name in self:
            self._field(name).errors = [message]
        else:
            self.form_errors.append(message)

    def _field(self, name: str) -> Any:
        return self[name]


def starting_values(
    amounts: Mapping[Category, int],
    supersedes_id: int | None,
    draft: Draft | None = None,
    meeting: Decision | None = None,
) -> dict[str, object]:
    """What the page is first shown with: the amounts asked, those of the decision to supersede, or a draft's words.

    ``meeting``: a decision whose day, minute and approvals are filled in, for the next one of the same meeting.
    """
    needs = [ApprovalBody.ACCOUNTABLE_BODY, ApprovalBody.OPCC]
    if meeting and meeting.approval:
        needs = list(dict.fromkeys(step.body for step in meeting.approval.steps))
    return {
        **{amount_field(category): amounts.get(category, 0) for category in Category},
        **({"outcome": draft.outcome.value, "reason": draft.reason} if draft else {}),
        **({"decided_on": meeting.decided_on, "minute_ref": meeting.minute_ref} if meeting else {}),
        "needs": [body.value for body in needs],
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
