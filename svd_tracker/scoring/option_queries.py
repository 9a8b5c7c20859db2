"""Reading what-ifs of where a partnership's money runs out (FIGURES.md 21 and 29)."""

from sqlalchemy import select
from sqlalchemy.orm import selectinload

from svd_tracker.extensions import db
from svd_tracker.scoring.models import LineOption, LineOptionItem


def chosen_option(round_id: int, holder_id: int) -> LineOption | None:
    """The option that a partnership chose in a round, with its items and amounts; None while none is."""
    return db.session.scalar(
        select(LineOption)
        .where(LineOption.round_id == round_id, LineOption.holder_id == holder_id, LineOption.chosen_at.is_not(None))
        .options(selectinload(LineOption.items).selectinload(LineOptionItem.amounts))
    )
