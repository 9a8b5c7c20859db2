"""How an award line is split between holders: what passes it, and where in a form that is said."""

from collections.abc import Mapping

from svd_tracker.accounts.models import Holder
from svd_tracker.calculations.figures import Category
from svd_tracker.errors import Refused
from svd_tracker.money import format_pounds


def check_split(
    awards: Mapping[Category, int],
    before: Mapping[tuple[int, Category], int],
    wanted: Mapping[tuple[int, Category], int],
    holders: Mapping[int, Holder],
) -> None:
    """Refuse shares that pass their award line, at the last of them that was raised, saying how much is left."""
    for holder_id, _ in wanted:
        if holder_id not in holders:
            raise Refused("There is no such holder in this area")
    for category, award in awards.items():
        after = {key: pence for key, pence in {**before, **wanted}.items() if key[1] is category}
        over = sum(after.values()) - award
        if over <= 0:
            continue
        raised = [key for key in wanted if key[1] is category and wanted[key] > before.get(key, 0)]
        if not raised:
            raise Refused(f"The {category.label.lower()} allocations come to more than the award")
        at = raised[-1]
        left, field = wanted[at] - over, allocation_field(*at)
        if left < 0:
            raise Refused(
                f"{category.label}: the allocations come to {format_pounds(over)} more than the award of "
                f"{format_pounds(award)}. Lower them by that much",
                field=field,
            )
        raise Refused(
            f"{short_name(holders[at[0]])} {category.label.lower()}: enter {format_pounds(left)} or less, "
            "which is all that is left of the award",
            field=field,
        )


def allocation_field(holder_id: int, category: Category) -> str:
    """The name of a share's box in the forms, which a refusal points at."""
    return f"allocation_{holder_id}_{category.value}"


def short_name(holder: Holder) -> str:
    """A holder's name for a sentence or a narrow column: Dorset, BCP, Dorset OPCC."""
    return holder.name.removesuffix(" Community Safety Partnership")
