"""What a reading of a ledger file comes to in numbers, kept with the upload so that its page costs one query."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field

from sqlalchemy import func, select

from svd_tracker.extensions import db
from svd_tracker.files.models import Upload, UploadFinding

SUMMARY = "summary"  # the severity of the row that keeps the numbers: neither an error nor a warning


@dataclass(frozen=True)
class Share:
    """Lines that go one way. ``outcome`` is a value of Outcome; ``label`` the rule's title, the reason, or why they

    wait. ``rule_id`` is the version of the rule that placed them. Money in pence.
    """

    outcome: str
    label: str
    rule_id: int | None
    lines: int
    pence: int


@dataclass(frozen=True)
class Summary:
    """The numbers of a reading. Of one that was only checked: what taking it in would do. Money in pence.

    ``shares`` are of the new lines: what is placed first, what waits last. ``periods`` counts lines, new and known,
    by fy * 100 + period; ``quarters`` the new lines' pence by fy * 10 + quarter. ``dropped`` lines are of earlier
    files and no longer in this one, ``back`` were dropped and are there again. ``hidden`` rows were under a filter.
    """

    new_lines: int = 0
    new_pence: int = 0
    known_lines: int = 0
    shares: tuple[Share, ...] = ()
    periods: Mapping[int, int] = field(default_factory=dict)
    quarters: Mapping[int, int] = field(default_factory=dict)
    dropped_lines: int = 0
    dropped_pence: int = 0
    back_lines: int = 0
    left_out_totals: int = 0
    left_out_zero: int = 0
    hidden: int = 0

    def to_json(self) -> str:
        return json.dumps(asdict(self), ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str) -> "Summary":
        values = json.loads(text)
        values["shares"] = tuple(Share(**each) for each in values["shares"])
        for name in ("periods", "quarters"):
            values[name] = {int(key): value for key, value in values[name].items()}
        return cls(**values)


def summary_of(upload: Upload) -> Summary:
    """The numbers kept with an upload; all nought for one of the time before mappings. One query."""
    text = db.session.scalar(
        select(UploadFinding.message).where(UploadFinding.upload_id == upload.id, UploadFinding.severity == SUMMARY)
    )
    return Summary.from_json(text) if text else Summary()


def findings_of(upload: Upload, limit: int | None = None) -> Sequence[UploadFinding]:
    """What is wrong with an upload, errors before warnings, in the order of the rows. One query."""
    query = (
        select(UploadFinding)
        .where(UploadFinding.upload_id == upload.id, UploadFinding.severity != SUMMARY)
        .order_by(UploadFinding.id)
    )
    return db.session.scalars(query if limit is None else query.limit(limit)).all()


def count_findings(upload: Upload) -> Mapping[str, int]:
    """How many errors and warnings are kept with an upload, by severity."""
    rows = db.session.execute(
        select(UploadFinding.severity, func.count())
        .where(UploadFinding.upload_id == upload.id, UploadFinding.severity != SUMMARY)
        .group_by(UploadFinding.severity)
    )
    return {severity: count for severity, count in rows}  # noqa: C416  rows are not pairs to the type checker
