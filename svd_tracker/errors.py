"""What a service refuses, said so that a person knows what to do next."""

from collections.abc import Mapping


class Refused(Exception):
    """A service refuses. ``message`` is for the person; ``field`` names the form field it belongs to, if any."""

    def __init__(self, message: str, field: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.field = field


class NotAllowed(Refused):
    """The person may not do this, whatever they type: a declared interest, preparing and certifying the same."""


class ChangedMeanwhile(Refused):
    """Somebody else changed the record since this person opened it. ``current`` holds the values as they are now."""

    def __init__(self, message: str, current: Mapping[str, object] | None = None) -> None:
        super().__init__(message)
        self.current = dict(current or {})


class NotFound(LookupError):
    """There is no such record, or this person may not know that there is. Pages answer 404."""
