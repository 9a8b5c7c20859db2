"""Taking an upload back, with a reason: its entries are reversed, its lines stay and count no more."""

from svd_tracker.act import Act
from svd_tracker.files.models import Upload
from svd_tracker.finance.intake.models import UploadWithdrawal


def withdraw(act: Act, upload: Upload, reason: str) -> UploadWithdrawal:
    """Withdraw a file that was taken in. Raises Refused (field ``reason``) without a reason, and for one that was not

    taken in, is withdrawn already, or whose lines a later file that stands counts as known: withdraw that one first.
    """
    raise NotImplementedError


def withdrawal_of(upload: Upload) -> UploadWithdrawal | None:
    raise NotImplementedError


def in_the_way(upload: Upload) -> Upload | None:
    """The newest later file that stands and counts lines of this one as known: it is withdrawn first."""
    raise NotImplementedError
