"""The double click: a form's own key is used up by its first success, and the second click is led to the same place."""

from svd_tracker.act import Act
from svd_tracker.audit.models import OnceKey
from svd_tracker.extensions import db


def result_of(key: str | None) -> str | None:
    """Where an earlier success with this key led, or None when it was not used yet."""
    if not key:
        return None
    used = db.session.get(OnceKey, key[:64])
    return used.result_url if used else None


def use_up(key: str | None, result_url: str, act: Act) -> None:
    """Remember where this key's success led. Two at the same moment: the database refuses the second."""
    if key:
        db.session.add(OnceKey(key=key[:64], person_id=act.by, at=act.at, result_url=result_url))
        db.session.flush()  # a key already used must stop this transaction, not its commit
