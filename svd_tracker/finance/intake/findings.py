"""Findings as they gather while a file is read, and as they are kept with its upload."""

from collections import Counter
from collections.abc import Iterable
from typing import Any

from svd_tracker.readers.ledger_lines import LineFinding, Severity

MOST_OF_A_KIND = 500


class Findings:
    """Gathers findings: past MOST_OF_A_KIND of a code at rows, only their number."""

    def __init__(self) -> None:
        self.refused = False
        self._kept: list[LineFinding] = []
        self._at_rows: Counter[tuple[Severity, str]] = Counter()

    def error(
        self,
        code: str,
        message: str,
        row_no: int | None = None,
        column_no: int | None = None,
        column: str | None = None,
    ) -> None:
        """With an error nothing of the file may be posted. ``column_no`` counts from 0."""
        self._add(LineFinding(Severity.ERROR, code, row_no, column_no, column, message))

    def warn(self, code: str, message: str, row_no: int | None = None) -> None:
        self._add(LineFinding(Severity.WARNING, code, row_no, None, None, message))

    def extend(self, findings: Iterable[LineFinding]) -> None:
        """What a reader found, which counts and caps for itself."""
        for each in findings:
            self.refused |= each.severity is Severity.ERROR
            self._kept.append(each)

    def _add(self, finding: LineFinding) -> None:
        self.refused |= finding.severity is Severity.ERROR
        if finding.row_no is not None:
            key = (finding.severity, finding.code)
            self._at_rows[key] += 1
            if self._at_rows[key] > MOST_OF_A_KIND:
                return
        self._kept.append(finding)

    def rows(self) -> list[dict[str, Any]]:
        """Rows of upload_finding: errors before warnings, in the order of the rows, what is of the whole file last."""
        more = [
            LineFinding(severity, code, None, None, None, f"{count - MOST_OF_A_KIND:,} more rows like these: {code}")
            for (severity, code), count in self._at_rows.items()
            if count > MOST_OF_A_KIND
        ]
        found = sorted(
            [*self._kept, *more],
            key=lambda each: (each.severity is not Severity.ERROR, each.row_no is None, each.row_no or 0),
        )
        return [
            {
                "severity": each.severity.value,
                "code": each.code[:64],
                "row_no": each.row_no,
                "column_name": each.column[:120] if each.column else None,
                "column_no": each.column_no,
                "message": each.message,
            }
            for each in found
        ]
