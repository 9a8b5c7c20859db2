"""The identities of random years again, over many more of them: run apart (make deep)."""

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from tests.unit import test_return_histories as histories

pytestmark = pytest.mark.deep

MANY = settings(max_examples=3_000, deadline=None, suppress_health_check=list(HealthCheck))
IDENTITIES = [getattr(histories, name) for name in sorted(vars(histories)) if name.startswith("test_")]


@pytest.mark.parametrize("identity", IDENTITIES, ids=lambda identity: identity.__name__.removeprefix("test_"))
def test_identity(identity: Any) -> None:
    MANY(given(histories.years)(identity.hypothesis.inner_test))()
