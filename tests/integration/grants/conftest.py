"""What the tests of grants start from."""

import pytest
from flask import Flask
from werkzeug.routing import Rule

from svd_tracker.grants.models import Grant
from tests.support.money import make_grant


@pytest.fixture(autouse=True)
def finance_page(app: Flask) -> None:
    """Until finance has its pages, an address for them."""
    if "finance.year" not in {rule.endpoint for rule in app.url_map.iter_rules()}:
        app.url_map.add(Rule("/finance/<int:holder_id>/<int:fy>", endpoint="finance.year"))


@pytest.fixture
def grant(app: Flask) -> Grant:
    return make_grant()
