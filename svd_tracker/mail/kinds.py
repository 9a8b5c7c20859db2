"""The kinds of message that there are. A feature registers its own, so that this module knows none of them."""

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from svd_tracker.mail.models import Outbox


@dataclass(frozen=True)
class Kind:
    """``template`` names templates/mail/messages/<template>.txt and .html.

    ``still_needed`` says, when a message's turn comes, whether what it says is still true on that day; it reads only.
    ``more`` adds to the details what is not to stand in the outbox: a signed address, a long text kept elsewhere.
    What such a message says is for its reader alone, and shown on no page but the demonstration's.
    """

    template: str
    still_needed: Callable[[Outbox, dt.date], bool]
    more: Callable[[Outbox], Mapping[str, object]] | None = None


_kinds: dict[str, Kind] = {}


def register(kind: Kind) -> Kind:
    _kinds[kind.template] = kind
    return kind


def more_details(message: Outbox) -> Mapping[str, object]:
    """What the kind of a message adds to its details when it is read; nothing for a kind that is no longer known."""
    kind = _kinds.get(message.template)
    return kind.more(message) if kind and kind.more else {}


def is_for_its_reader_alone(message: Outbox) -> bool:
    """Whether no page shows what a message says."""
    kind = _kinds.get(message.template)
    return kind is not None and kind.more is not None


def is_still_needed(message: Outbox, on: dt.date) -> bool:
    """Whether a message is still to be sent. One of a kind that is no longer known is not."""
    kind = _kinds.get(message.template)
    return kind is not None and kind.still_needed(message, on)
