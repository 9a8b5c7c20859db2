"""Short files are read inside the request, long ones in a thread that says how far it has come."""

import contextvars
import datetime as dt
import logging
import threading
import time
from dataclasses import dataclass
from enum import StrEnum

from flask import Flask, current_app
from sqlalchemy import delete, insert, or_, select, update
from sqlalchemy.exc import IntegrityError

from svd_tracker import db as database
from svd_tracker.accounts import queries as accounts
from svd_tracker.act import Act
from svd_tracker.errors import Refused
from svd_tracker.extensions import db
from svd_tracker.files import queries as files
from svd_tracker.files.models import StoredFile, Upload
from svd_tracker.finance.intake.mappings import get_mapping
from svd_tracker.finance.intake.models import IntakeProgress
from svd_tracker.finance.intake.read_file import check_file
from svd_tracker.finance.intake.spool import Progress
from svd_tracker.finance.intake.take_in import POSTING, take_in

LONG_CSV = 1_000_000
LONG_XLSX = 300_000  # packed: the same rows in a third of the bytes
DEAD_AFTER = dt.timedelta(seconds=60)
DEAD_WHILE_POSTING = dt.timedelta(minutes=10)  # SQLite takes no second writer: nothing is heard until it has ended
SECONDS_BETWEEN_BEATS = 1.0
_BROKEN = "Reading the file broke off. Start it again; if it breaks off again, tell the administrator"
_log = logging.getLogger(__name__)


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
    return file.size >= (LONG_CSV if file.media_type == "text/csv" else LONG_XLSX)


def do(act: Act, work: Work) -> Upload | None:
    """Do it now and give the upload (the caller commits), or start it in the background and give None.

    Commit what was changed before: the session is rolled back. Raises Refused, also while the file is being read.
    """
    if not is_long(files.get_file(work.file_id)):
        return _work(act, work, None)
    db.session.rollback()
    _claim(act, work)
    app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]
    threading.Thread(target=_run, args=(app, act, work), name=f"intake-{work.file_id}", daemon=True).start()
    return None


def progress_of(file_id: int) -> IntakeProgress | None:
    """How far a long file has come: ``upload_id`` when it has ended, ``refusal`` when it was refused."""
    return db.session.scalar(
        select(IntakeProgress).where(IntakeProgress.file_id == file_id).execution_options(populate_existing=True)
    )


def has_died(progress: IntakeProgress, now: dt.datetime) -> bool:
    """Whether nothing was heard of a reading for so long that it can be started again."""
    if progress.upload_id is not None or progress.refusal is not None:
        return False
    return progress.beat_at < now - (DEAD_WHILE_POSTING if progress.step == POSTING else DEAD_AFTER)


def _work(act: Act, work: Work, progress: Progress | None) -> Upload:
    holder, file = accounts.get_holder(work.holder_id), files.get_file(work.file_id)
    mapping = get_mapping(work.mapping_id)
    if work.verb is Verb.CHECK:
        return check_file(act, holder, file, mapping, progress=progress)
    return take_in(act, holder, file, mapping, covers=work.covers, progress=progress)


def _claim(act: Act, work: Work) -> None:
    """Begin the file's row of progress, in a transaction of its own. Raises Refused while another is at work."""
    ended_or_dead = or_(
        IntakeProgress.upload_id.is_not(None),
        IntakeProgress.refusal.is_not(None),
        (IntakeProgress.step != POSTING) & (IntakeProgress.beat_at < act.at - DEAD_AFTER),
        IntakeProgress.beat_at < act.at - DEAD_WHILE_POSTING,
    )
    values = {"step": "Starting", "done": 0, "total": 100, "started_at": act.at, "beat_at": act.at}
    try:
        with db.engine.begin() as connection:
            connection.execute(delete(IntakeProgress).where(IntakeProgress.file_id == work.file_id, ended_or_dead))
            connection.execute(insert(IntakeProgress).values(file_id=work.file_id, **values))
    except IntegrityError as error:
        raise Refused("This file is being read already", field="file") from error


def _run(app: Flask, act: Act, work: Work) -> None:
    """The thread. Whatever happens, the row says how it ended."""
    database.begin_writing()
    with app.app_context():
        beat = _Beat(act, work.file_id)
        try:
            upload = _work(act, work, beat)
            upload_id = upload.id
            db.session.commit()
            beat.write(upload_id=upload_id, done=IntakeProgress.total)
        except Refused as refused:
            db.session.rollback()
            beat.write(refusal=refused.message[:1000])
        except Exception:
            db.session.rollback()
            _log.exception("a ledger file could not be read")
            beat.write(refusal=_BROKEN)
        finally:
            db.session.remove()


class _Beat:
    """Writes how far it has come, at most once a second, in short transactions of its own."""

    def __init__(self, act: Act, file_id: int) -> None:
        self._started, self._at, self._file_id = time.monotonic(), act.at, file_id
        self._last, self._step = 0.0, ""
        self._engine = db.engine
        self._one_writer = self._engine.dialect.name == "sqlite"

    def __call__(self, step: str, done: int, total: int) -> None:
        new = step != self._step
        if not new and (
            time.monotonic() - self._last < SECONDS_BETWEEN_BEATS or (self._one_writer and step == POSTING)
        ):
            return
        self._step, self._last = step, time.monotonic()
        self.write(step=step, done=done, total=total)

    def write(self, **values: object) -> None:
        values["beat_at"] = self._at + dt.timedelta(seconds=time.monotonic() - self._started)
        # A context of its own writes, also while the thread's is reading.
        contextvars.Context().run(self._write, values)

    def _write(self, values: dict[str, object]) -> None:
        with self._engine.begin() as connection:
            connection.execute(update(IntakeProgress).where(IntakeProgress.file_id == self._file_id).values(values))
