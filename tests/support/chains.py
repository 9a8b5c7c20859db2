"""The audit chains, for tests of verbs."""

from svd_tracker.audit import queries as audit


def assert_chains_whole() -> None:
    """The chains of the installation and of the area are there, with lines, and no line of theirs is broken."""
    results = audit.verify()
    assert len(results) >= 2, results
    assert all(result.lines for result in results), results
    assert [result for result in results if result.broken_at is not None] == []
