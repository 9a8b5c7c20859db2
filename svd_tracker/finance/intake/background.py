"""Short files are read inside the request, long ones in a thread that says how far it has come."""

import datetime as dt
from dataclasses import dataclass
from enum import StrEnum

from svd_tracker.act import Act
from svd_tracker.files.models import StoredFile, Upload
from svd_tracker.finance.intake.models import IntakeProgress


class Verb(StrEnum):
    CHECK = "check"
    TAKE_IN = "take_in"


@dataclass(frozen=True)
class Work:
    """What is asked: a kept file to check or take in by a mapping. ``covers`` as take_in's."""

    verb: Verb
    holder_id: int
    file_id: int
    mapping_id: int
    covers: tuple[int, int] | None = None


def is_long(file: StoredFile) -> bool:
    """Whether a file is read in the background: about 5,000 rows or more, by its size."""
    raise NotImplementedError


def do(act: Act, work: Work) -> Upload | None:
    """Do it now and give the upload (the caller commits), or start it in the background and give None.

    Commit what was changed before: the session is rolled back. Raises Refused, also while the file is being read.
    """
    raise NotImplementedError


def progress_of(file_id: int) -> IntakeProgress | None:
    """How far a long file has come: ``upload_id`` when it has ended, ``refusal`` when it was refused."""
    raise NotImplementedError


def has_died(progress: IntakeProgress, now: dt.datetime) -> bool:
    """Whether nothing was heard of a reading for so long that it can be started again."""
    raise NotImplementedError
