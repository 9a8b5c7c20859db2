"""What checking a ledger file and taking it in have in common: reading it aside, and keeping what it came to."""

from dataclasses import dataclass

from svd_tracker import db as database
from svd_tracker.accounts.models import Holder
from svd_tracker.act import Act
from svd_tracker.audit import services as audit
from svd_tracker.errors import Refused
from svd_tracker.extensions import db
from svd_tracker.files import queries as files
from svd_tracker.files.models import StoredFile, Upload, UploadFinding, UploadState
from svd_tracker.finance.intake.findings import Findings
from svd_tracker.finance.intake.mappings import layout_of
from svd_tracker.finance.intake.models import LedgerMapping
from svd_tracker.finance.intake.sift import Sifted
from svd_tracker.finance.intake.spool import Progress, Spool
from svd_tracker.finance.intake.summary import SUMMARY, Summary
from svd_tracker.readers.ledger_layout import Layout

Covers = tuple[int, int]


@dataclass(frozen=True)
class Asked:
    """A file, its holder and its mapping as plain values, which outlive the transaction that loaded them."""

    holder_id: int
    area_id: int
    holder_ref: str
    file_id: int
    file_name: str
    sha256: str
    mapping_id: int
    mapping_name: str
    layout: Layout

    @classmethod
    def of(cls, holder: Holder, file: StoredFile, mapping: LedgerMapping) -> "Asked":
        if file.holder_id != holder.id or mapping.holder_id != holder.id:
            raise ValueError("the file and the mapping belong to the holder")
        return cls(
            holder_id=holder.id,
            area_id=holder.area_id,
            holder_ref=f"{holder.area.ref}/{holder.ref}",
            file_id=file.id,
            file_name=file.name,
            sha256=file.sha256,
            mapping_id=mapping.id,
            mapping_name=mapping.name,
            layout=layout_of(mapping),
        )


def read_aside(act: Act, asked: Asked, progress: Progress | None) -> Spool:
    """Read the file with no transaction open at all. Raises Refused for one that cannot be read."""
    with database.reading(db.session()):
        content = files.content_of(files.get_file(asked.file_id))
    spool = Spool(content, asked.file_name, asked.layout, act.on, progress)
    if not spool.count and not spool.findings.refused:
        spool.findings.error("no_rows", "There are no lines under the headings that could be taken in")
    return spool


def add_upload(
    act: Act, asked: Asked, state: UploadState, spool: Spool, sifted: Sifted | None = None, covers: Covers | None = None
) -> Upload:
    """The row of a reading, flushed; lines need its id. Its numbers are of what is posted, or known already."""
    taken_in = state is UploadState.TAKEN_IN
    upload = Upload(
        holder_id=asked.holder_id,
        file_id=asked.file_id,
        state=state,
        lines_read=spool.lines_read,
        lines_posted=sifted.new_lines if sifted and taken_in else 0,
        mapping_id=asked.mapping_id,
        sheet=asked.layout.sheet[:120] if asked.layout.sheet else None,
        lines_known=sum(sifted.known.values()) if sifted else None,
        total_pence=sifted.new_pence if sifted else None,
        digest=sifted.digest if sifted else None,
        covers_from=covers[0] if covers else None,
        covers_to=covers[1] if covers else None,
        recorded_at=act.at,
        recorded_by=act.by,
    )
    db.session.add(upload)
    db.session.flush()  # what follows needs its id
    return upload


def keep_findings(upload: Upload, findings: Findings, summary: Summary | None) -> None:
    rows = [{"upload_id": upload.id, **each} for each in findings.rows()]
    if summary is not None:
        numbers = {"severity": SUMMARY, "code": SUMMARY, "row_no": None, "column_name": None, "column_no": None}
        rows.append({"upload_id": upload.id, **numbers, "message": summary.to_json()})
    database.insert_rows(db.session(), UploadFinding, rows)


def record(act: Act, asked: Asked, upload: Upload, spool: Spool, **more: object) -> None:
    """The one audit line of a reading: how many lines, what they come to, and the digest of what they say."""
    audit.record(
        act,
        upload.state.value,
        "upload",
        f"{asked.holder_ref}/{upload.id}",
        area_id=asked.area_id,
        holder_id=asked.holder_id,
        after={
            "file": asked.file_name,
            "sha256": asked.sha256,
            "mapping": asked.mapping_name,
            "read": spool.lines_read,
            "posted": upload.lines_posted,
            "known": upload.lines_known,
            "total_pence": upload.total_pence,
            "digest": upload.digest,
            **more,
        },
    )


def refuse(act: Act, asked: Asked, spool: Spool) -> Upload:
    """Keep a reading that found errors: nothing is posted."""
    upload = add_upload(act, asked, UploadState.REFUSED, spool)
    keep_findings(upload, spool.findings, None)
    record(act, asked, upload, spool)
    return upload


def refuse_bad_covers(covers: Covers) -> None:
    """Raises Refused for periods that do not exist or stand the wrong way round."""
    first, last = covers
    if first > last:
        raise Refused("Choose a last month that is not before the first", field="covers_to")
    for field, period in (("covers_from", first), ("covers_to", last)):
        if period % 100 not in range(1, 17):
            raise Refused("Choose a month of the financial year", field=field)
