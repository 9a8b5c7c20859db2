from collections.abc import Iterator

import pytest
from flask import Flask

from tests.integration.delivery.lines import TODAY


@pytest.fixture(autouse=True)
def business_day(app: Flask) -> Iterator[None]:
    app.config["TODAY"] = TODAY
    yield
    app.config["TODAY"] = None
