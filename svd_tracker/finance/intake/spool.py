"""Reading a ledger file to its end before anything is locked, its lines kept in an unnamed temporary file."""

import datetime as dt
import pickle
import tempfile
from array import array
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from operator import attrgetter
from typing import IO, NamedTuple

from svd_tracker.calculations.placing import normal_document
from svd_tracker.errors import Refused
from svd_tracker.finance.intake.findings import Findings
from svd_tracker.periods import format_date
from svd_tracker.readers.ledger_layout import Layout
from svd_tracker.readers.ledger_lines import LedgerReading, LedgerRow
from svd_tracker.readers.table_file import UnreadableFile, open_table

BATCH = 1_000

Progress = Callable[[str, int, int], None]
"""Told of a step in words, how much of it is done, and of how much in all."""


class Line(NamedTuple):
    """A readers.ledger_lines.LedgerRow as it is kept aside: light to write, to read and to make. Money in pence."""

    row_no: int
    posted_on: dt.date
    fy: int
    period: int
    document: str
    cost_centre: str
    account: str
    project: str
    supplier: str
    text: str
    funding_ref: str
    net_pence: int
    vat_pence: int
    cost_pence: int
    refund: bool
    accrual: bool
    quarter: int


_said = attrgetter(*Line._fields)


def likeness(posted_on: dt.date, document: str, account: str, pence: int) -> int:
    """What stays the same of a line when another report of it is read by another mapping; only for this process."""
    return hash((posted_on, normal_document(document), account, pence))


class Spool:
    """A file read by a layout. Its lines wait on disk in batches; what is known of the whole is here. Close it.

    ``signatures``, ``pence`` and ``likenesses`` are of each line in the file's order; ``days`` are the first and the
    last that a line was posted on; ``periods`` counts the lines by
    fy * 100 + period. ``lines_read`` counts every row under the headings.
    """

    def __init__(
        self, content: bytes, name: str, layout: Layout, today: dt.date, progress: Progress | None = None
    ) -> None:
        """Read it all. Raises Refused for a file that cannot be read."""
        self.signatures: list[str] = []
        self.pence = array("q")
        self.likenesses = array("q")
        self.days = (dt.date.max, dt.date.min)
        self.periods: Counter[int] = Counter()
        self.cost_centres: set[str] = set()
        self.accruals: list[LedgerRow] = []  # costs of the ledger's own accruals, which lines of the file may undo
        self.findings = Findings()
        self._file: IO[bytes] = tempfile.TemporaryFile(prefix="svd-")  # noqa: SIM115  closed by close
        try:
            self._read(content, name, layout, today, progress)
        except UnreadableFile as error:
            self.close()
            raise Refused(str(error), field="file") from error
        except BaseException:
            self.close()
            raise

    @property
    def count(self) -> int:
        return len(self.signatures)

    @property
    def fys(self) -> set[int]:
        return {period // 100 for period in self.periods}

    def batches(self) -> Iterator[Sequence[Line]]:
        """The lines in the file's order, BATCH at a time."""
        self._file.seek(0)
        for _ in range(0, self.count, BATCH):
            yield list(map(Line._make, pickle.load(self._file)))

    def close(self) -> None:
        self._file.close()

    def __enter__(self) -> "Spool":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _read(self, content: bytes, name: str, layout: Layout, today: dt.date, progress: Progress | None) -> None:
        table = open_table(content, name)
        reading = LedgerReading(table, layout)
        batch: list[tuple[object, ...]] = []
        for row in reading.rows():
            batch.append(_said(row))
            self.signatures.append(row.signature())
            self.pence.append(row.cost_pence)
            self.likenesses.append(likeness(row.posted_on, row.document, row.account, row.cost_pence))
            self.days = (min(self.days[0], row.posted_on), max(self.days[1], row.posted_on))
            self.periods[row.fy * 100 + row.period] += 1
            self.cost_centres.add(row.cost_centre)
            if row.accrual and row.cost_pence > 0:
                self.accruals.append(row)
            if row.posted_on > today:
                self._in_the_future(row, layout)
            if len(batch) == BATCH:
                pickle.dump(batch, self._file, pickle.HIGHEST_PROTOCOL)
                batch = []
                if progress:
                    progress("Reading the file", round(table.share_read * 100), 100)
        if batch:
            pickle.dump(batch, self._file, pickle.HIGHEST_PROTOCOL)
        self.findings.extend(reading.findings)
        self.lines_read, self.hidden = reading.lines, reading.hidden
        self.left_out_totals, self.left_out_zero = reading.left_out_totals, reading.left_out_zero

    def _in_the_future(self, row: LedgerRow, layout: Layout) -> None:
        position = layout.columns.get("posted_on")
        heading = None if position is None else layout.headings[position]
        where = f"Row {row.row_no}, {heading}" if heading else f"Row {row.row_no}"
        words = f"{where}: posted in the future, on {format_date(row.posted_on)}. Take the row out, or correct its date"
        self.findings.error("in_the_future", words, row.row_no, position, heading)
