# mypy: disallow-subclassing-any=False
"""The form of a quarter's progress: the words and the results of one plan line, or of a holder's whole plan."""

from collections.abc import Sequence
from typing import Any

from wtforms import Form as PlainForm

from svd_tracker.delivery.forms import hundredths
from svd_tracker.delivery.models import OutputMeasure
from svd_tracker.delivery.progress import LineNow, ResultNow
from svd_tracker.delivery.progress_services import LONGEST
from svd_tracker.delivery.queries import OutputNow
from svd_tracker.web.forms import (
    Form,
    FormField,
    OnceMixin,
    TextAreaField,
    TextField,
    ValidationError,
    VersionedForm,
    max_length,
)

_LARGEST = 10_000_000  # whole units of a count


class ResultRow(VersionedForm, PlainForm):
    """An output's result in the quarter. All empty and never recorded: it is passed over."""

    is_share = False
    value = TextField("Result of the quarter", [max_length(12)])
    missing_reason = TextField("If there is no figure, why", [max_length(250)])
    note = TextField("Note, if it needs one", [max_length(250)])

    def validate_value(self, field: Any) -> None:
        if field.data and self.number is None:
            example = "a share like 80 or 62.5" if self.is_share else "a whole number, like 120"
            raise ValidationError(f"Enter {example}")
        if field.data and self.missing_reason.data:
            raise ValidationError("Enter the result or say why there is none, not both")
        if not field.data and not self.missing_reason.data and (self.note.data or self.row_version.data):
            raise ValidationError("Enter the result, or say why there is none")

    @property
    def is_blank(self) -> bool:
        return not (self.value.data or self.missing_reason.data or self.note.data or self.row_version.data)

    @property
    def number(self) -> int | None:
        """What was typed as the service takes it: a whole count, or basis points."""
        read = hundredths((self.value.data or "").removesuffix("%"), _LARGEST)
        if read is None or self.is_share:
            return read
        return None if read % 100 else read // 100


class ShareRow(ResultRow):
    is_share = True
    value = TextField("Result of the quarter, in per cent", [max_length(12)])


class LineRow(VersionedForm, PlainForm):
    narrative = TextAreaField("How it went", max_chars=LONGEST)
    risks = TextAreaField("What could go wrong, and what is done about it", max_chars=LONGEST)


def progress_form(lines: Sequence[LineNow], quarter: int) -> Any:
    """The form of these plan lines with what stands in the boxes: ``line_12`` with ``output_34`` in it, by id."""
    fields: dict[str, Any] = {}
    for line in lines:
        rows = {
            f"output_{output.output_id}": FormField(
                ShareRow if output.measure is OutputMeasure.SHARE else ResultRow, output.definition
            )
            for output, _ in line.outputs
        }
        fields[f"line_{line.plan_line_id}"] = FormField(type("LineForm", (LineRow,), rows), line.title)
    return type("ProgressForm", (OnceMixin, Form), fields)(
        data={f"line_{line.plan_line_id}": _standing(line, quarter) for line in lines}
    )


def result_words(value: int | None, measure: OutputMeasure) -> str:
    """A result as its box takes it: 120 as "120", 6250 basis points as "62.5"; "" for none."""
    if value is None:
        return ""
    if measure is OutputMeasure.COUNT:
        return str(value)
    return f"{value // 100}.{value % 100:02d}".rstrip("0").rstrip(".")


def _standing(line: LineNow, quarter: int) -> dict[str, object]:
    note = line.notes.get(quarter)
    return {
        "narrative": note.narrative if note else "",
        "risks": note.risks if note else "",
        "row_version": note.version_no if note else 0,
        **{f"output_{output.output_id}": _result(output, results.get(quarter)) for output, results in line.outputs},
    }


def _result(output: OutputNow, result: ResultNow | None) -> dict[str, object]:
    return {
        "value": result_words(result.value if result else None, output.measure),
        "missing_reason": (result.missing_reason or "") if result else "",
        "note": result.note if result else "",
        "row_version": result.version_no if result else 0,
    }
