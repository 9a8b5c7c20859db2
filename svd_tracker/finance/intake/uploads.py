"""The ledger files of a holder on lists and pages."""

from collections.abc import Sequence
from dataclasses import dataclass

from svd_tracker.files.models import Upload
from svd_tracker.finance.intake.models import LedgerLine, LedgerMapping, LineEventKind, UploadWithdrawal


@dataclass(frozen=True)
class UploadRow:
    """An upload with its file, the mapping it was read by (None: before mappings) and its withdrawal, if any."""

    upload: Upload
    mapping: LedgerMapping | None
    withdrawal: UploadWithdrawal | None


@dataclass(frozen=True)
class ChangedLine:
    """A line of an earlier file that this one dropped or had again.

    ``instead`` is the new line of this file with the same codes and document that seems to stand in its place.
    """

    line: LedgerLine
    event: LineEventKind
    instead: LedgerLine | None


def list_uploads(holder_id: int, limit: int) -> Sequence[UploadRow]:
    """A holder's newest readings of ledger files, one a file (its newest). Two queries."""
    raise NotImplementedError


def changed_lines(upload: Upload, limit: int, after_line_id: int = 0) -> Sequence[ChangedLine]:
    """Lines that this upload dropped or brought back, by line id, with their texts. Two queries."""
    raise NotImplementedError


def count_dropped(holder_id: int) -> int:
    """How many standing lines of a holder the newest file that speaks for them no longer has."""
    raise NotImplementedError
