"""Where a round lives, for the decorator of every route under it: partnerships that take no part are kept out."""

from collections.abc import Callable
from typing import Any

from flask import g

from svd_tracker.accounts.access import current_access
from svd_tracker.accounts.permissions import Permission, Scope
from svd_tracker.errors import NotFound
from svd_tracker.rounds import queries
from svd_tracker.rounds.models import RoundState


def of_round(permission: Permission) -> Callable[..., Scope]:
    """The scope function of routes with a ``round_id``. A proposer finds no round that is still being prepared."""

    def scope(round_id: int, **_: Any) -> Scope:
        round_, access = queries.get_round(round_id), current_access()
        g.svd_round = round_  # held, so that its page need not ask for it again
        holder_ids = queries.holder_ids_of([round_id]).get(round_id, frozenset())
        if round_.state is RoundState.PREPARING and queries.only_proposes(access, round_, holder_ids):
            raise NotFound("round")
        return queries.scope_within(round_, holder_ids, access, permission)

    return scope
