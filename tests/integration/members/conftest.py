import datetime as dt
from collections.abc import Iterator

import pytest
from flask import Flask

from tests.integration.members.plan import MEETING


@pytest.fixture(autouse=True)
def meeting_day(app: Flask) -> Iterator[dt.date]:
    """The business day is that of the partnership's meeting."""
    app.config["TODAY"] = MEETING
    yield MEETING
    app.config["TODAY"] = None
