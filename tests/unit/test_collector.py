"""The garbage collector rests while a return is made, and works again after the last of them."""

import gc

import pytest

from svd_tracker.returns.collector import collector_rests

pytestmark = pytest.mark.unit


def test_it_rests_until_the_last_is_done_and_after_an_error() -> None:
    assert gc.isenabled()
    with collector_rests():
        with collector_rests():
            assert not gc.isenabled()
        assert not gc.isenabled()
    assert gc.isenabled()
    with pytest.raises(ValueError), collector_rests():
        raise ValueError
    assert gc.isenabled()
