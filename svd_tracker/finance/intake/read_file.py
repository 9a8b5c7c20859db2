"""Checking a ledger file: what is wrong with it and what taking it in would do. Nothing is posted."""

from svd_tracker.accounts.models import Holder
from svd_tracker.act import Act
from svd_tracker.files.models import StoredFile, Upload
from svd_tracker.finance.intake.models import LedgerMapping
from svd_tracker.finance.intake.spool import Progress


def check_file(
    act: Act, holder: Holder, file: StoredFile, mapping: LedgerMapping, *, progress: Progress | None = None
) -> Upload:
    """Read a kept file by a mapping: an Upload in state READ, or REFUSED when it has errors, with findings_of it and

    summary_of it. Its ``covers_from`` and ``covers_to`` are guessed from the periods of its lines. Commit what was
    changed before: the session is rolled back first, so that no lock is held while the file is read. The caller
    commits. Raises Refused for a file that cannot be read at all.
    """
    raise NotImplementedError
