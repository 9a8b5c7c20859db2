"""Taking a ledger file in: all of it or nothing, and what an earlier file brought only once."""

from svd_tracker.accounts.models import Holder
from svd_tracker.act import Act
from svd_tracker.files.models import StoredFile, Upload
from svd_tracker.finance.intake.models import LedgerMapping
from svd_tracker.finance.intake.spool import Progress


def take_in(
    act: Act,
    holder: Holder,
    file: StoredFile,
    mapping: LedgerMapping,
    *,
    covers: tuple[int, int] | None = None,
    progress: Progress | None = None,
) -> Upload:
    """Read a kept file again and take it in: an Upload in state TAKEN_IN, or REFUSED when it has errors.

    ``covers`` are the first and last period that the file speaks for, as fy * 100 + period; None for those of its
    lines. Commit what was changed before: the session is rolled back first, so that no lock is held while the file
    is read. The caller commits. Raises Refused for bytes that were taken in before and for a file that cannot be
    read at all.
    """
    raise NotImplementedError
