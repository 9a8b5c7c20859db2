"""Claims: whoever runs it, a job's work for one slot is done once (DATA_MODEL.md section 2)."""

import datetime as dt
from enum import StrEnum

from sqlalchemy import String, Text
from sqlalchemy.orm import Mapped, mapped_column

from svd_tracker.db import Base


class ClaimState(StrEnum):
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


class JobClaim(Base):
    """``slot`` is what falls due (an obligation and its date), never the time of the run.

    ``lease_until`` lets another process take over after a crash; ``attempt`` tells how often it was tried.
    """

    __tablename__ = "job_claim"

    job: Mapped[str] = mapped_column(String(64), primary_key=True)
    slot: Mapped[str] = mapped_column(String(160), primary_key=True)
    state: Mapped[ClaimState]
    attempt: Mapped[int]
    lease_until: Mapped[dt.datetime]
    started_at: Mapped[dt.datetime]
    finished_at: Mapped[dt.datetime | None]
    result: Mapped[str | None] = mapped_column(Text)
