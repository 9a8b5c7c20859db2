"""Checking a ledger file: what is wrong with it and what taking it in would do. Nothing is posted."""

from svd_tracker import db as database
from svd_tracker.accounts.models import Holder
from svd_tracker.act import Act
from svd_tracker.extensions import db
from svd_tracker.files.models import StoredFile, Upload, UploadState
from svd_tracker.finance.intake.deciding import Deciding, covered
from svd_tracker.finance.intake.models import LedgerMapping
from svd_tracker.finance.intake.reading import Asked, add_upload, keep_findings, read_aside, record, refuse
from svd_tracker.finance.intake.sift import Gone, Sifted, find_gone, sift
from svd_tracker.finance.intake.spool import BATCH, Progress, Spool
from svd_tracker.finance.intake.summary import Summary


def check_file(
    act: Act, holder: Holder, file: StoredFile, mapping: LedgerMapping, *, progress: Progress | None = None
) -> Upload:
    """Read a kept file by a mapping: an Upload in state READ, or REFUSED when it has errors, with findings_of it and

    summary_of it. Its ``covers_from`` and ``covers_to`` are guessed from the periods of its lines. Commit what was
    changed before: the session is rolled back first, so that no lock is held while the file is read. The caller
    commits. Raises Refused for a file that cannot be read at all.
    """
    asked = Asked.of(holder, file, mapping)
    with read_aside(act, asked, progress) as spool:
        if spool.findings.refused:
            return refuse(act, asked, spool)
        with database.reading(db.session()):
            sifted, summary = _foresee(asked, spool, progress)
        upload = add_upload(act, asked, UploadState.READ, spool, sifted, covered(spool))
        keep_findings(upload, spool.findings, summary)
        record(act, asked, upload, spool)
        return upload


def _foresee(asked: Asked, spool: Spool, progress: Progress | None) -> tuple[Sifted, Summary]:
    """What taking the file in would do to the ledger as it stands now; the warnings go to the spool's findings."""
    sifted = sift(asked.holder_id, spool)
    covers = covered(spool)
    gone = find_gone(asked.holder_id, asked.mapping_name, covers, spool, sifted) if covers else Gone()
    deciding = Deciding(asked.holder_id, spool, sifted, gone)
    for number, _ in enumerate(deciding.batches(), 1):
        if progress:
            progress("Working out what will happen", min(number * BATCH, spool.count), spool.count)
    deciding.warn()
    return sifted, deciding.summary()
