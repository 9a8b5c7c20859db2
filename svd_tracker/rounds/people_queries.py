"""Who does what in a round: its assessors with their substitutes, its chair, and who stands in for a coordinator."""

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import joinedload

from svd_tracker.errors import NotFound
from svd_tracker.extensions import db
from svd_tracker.rounds.models import Round, RoundAssessor, RoundStandIn


def find_assessor(round_id: int, person_id: int) -> RoundAssessor | None:
    """A person's place among the assessors, stood down or not."""
    return db.session.scalar(
        select(RoundAssessor)
        .where(RoundAssessor.round_id == round_id, RoundAssessor.person_id == person_id)
        .options(joinedload(RoundAssessor.person))
    )


def stand_ins_of(round_id: int) -> Sequence[RoundStandIn]:
    """Who stands in for a coordinator now, in the order named: no row that ends, and none that is ended."""
    ended = select(RoundStandIn.ends_id).where(RoundStandIn.ends_id.is_not(None))
    return db.session.scalars(
        select(RoundStandIn)
        .where(
            RoundStandIn.round_id == round_id,
            RoundStandIn.ends_id.is_(None),
            RoundStandIn.id.not_in(ended),
        )
        .options(joinedload(RoundStandIn.person), joinedload(RoundStandIn.stands_in_for))
        .order_by(RoundStandIn.id)
    ).all()


def get_stand_in(round_: Round, stand_in_id: int) -> RoundStandIn:
    """One that stands now. Raises NotFound for another round's, and for one that has ended."""
    for each in stand_ins_of(round_.id):
        if each.id == stand_in_id:
            return each
    raise NotFound("stand-in")
