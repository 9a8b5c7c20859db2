"""The kinds of message that there are. A feature registers its own, so that this module knows none of them."""

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass

from svd_tracker.mail.models import Outbox


@dataclass(frozen=True)
class Kind:
    """``template`` names templates/mail/messages/<template>.txt and .html.

    ``still_needed`` says, when a message's turn comes, whether what it says is still true on that day; it reads only.
    """

    template: str
    still_needed: Callable[[Outbox, dt.date], bool]


_kinds: dict[str, Kind] = {}


def register(kind: Kind) -> Kind:
    _kinds[kind.template] = kind
    return kind


def is_still_needed(message: Outbox, on: dt.date) -> bool:
    """Whether a message is still to be sent. One of a kind that is no longer known is not."""
    kind = _kinds.get(message.template)
    return kind is not None and kind.still_needed(message, on)
