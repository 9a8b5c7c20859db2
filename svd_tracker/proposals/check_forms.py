# mypy: disallow-subclassing-any=False
"""The form of a proposal's checks: one answer and its reason for each check of the scheme."""

from collections.abc import Mapping, Sequence
from typing import Any

from wtforms import Form as PlainForm

from svd_tracker.errors import Refused
from svd_tracker.proposals.checks import Answer, CheckNow
from svd_tracker.proposals.models import CheckResult
from svd_tracker.rounds.forms import gather_errors, show_refusal
from svd_tracker.web.forms import FieldList, Form, FormField, HiddenField, RadiosField, TextField, max_length

WORDS = {CheckResult.MET: "Met", CheckResult.PART: "Met in part", CheckResult.NOT_MET: "Not met"}


class CheckRow(PlainForm):
    check_id = HiddenField()
    seen = HiddenField()  # the answer that was on the page, so that two people tell each other's apart
    result = RadiosField("Answer", choices=[(each.value, words) for each, words in WORDS.items()])
    reason = TextField("What is missing, or what shows it", [max_length(250)])


class ChecksForm(Form):
    rows = FieldList(FormField(CheckRow))

    @classmethod
    def of(cls, checks: Sequence[CheckNow]) -> "ChecksForm":
        """A row per check with what stands, or what was sent."""
        return cls(
            data={
                "rows": [
                    {
                        "check_id": now.check.id,
                        "seen": _seen(now),
                        "result": now.result.value if now.result else None,
                        "reason": now.answer.reason if now.answer else "",
                    }
                    for now in checks
                    if not now.shut
                ]
            }
        )

    def pairs(self, checks: Sequence[CheckNow]) -> list[tuple[CheckNow, Any]]:
        """Each check beside its row; rows of no check of the scheme, or of one that is shut, are passed over."""
        by_id = {str(now.check.id): now for now in checks if not now.shut}
        rows = [entry.form for entry in self.rows.entries]
        return [(by_id[str(row.check_id.data)], row) for row in rows if str(row.check_id.data) in by_id]

    def answers(self, checks: Sequence[CheckNow]) -> Mapping[int, Answer]:
        """What was answered, by check id; a check without an answer is left as it is."""
        return {
            now.check.id: Answer(CheckResult(row.result.data), row.reason.data or "")
            for now, row in self.pairs(checks)
            if row.result.data
        }

    def take_newer(self, checks: Sequence[CheckNow]) -> bool:
        """Says at its row what somebody else answered meanwhile; sending again replaces it. True when there is any."""
        changed = False
        for now, row in self.pairs(checks):
            if row.seen.data != _seen(now):
                changed = True
                row.seen.data = _seen(now)
                told = WORDS[now.result] if now.result else "no answer"
                row.reason.errors = [
                    *row.reason.errors,
                    f"Somebody else answered this: {told}. Save again to replace it",
                ]
        gather_errors(self.rows)
        return changed

    def show(self, refused: Refused, checks: Sequence[CheckNow]) -> None:
        """Put a service's refusal at the row that it is about."""
        for now, row in self.pairs(checks):
            if refused.field == f"reason_{now.check.id}":
                row.reason.errors = [*row.reason.errors, refused.message]
                gather_errors(self.rows)
                return
        show_refusal(self, refused)


def _seen(now: CheckNow) -> str:
    return str(now.answer.id) if now.answer else ""
