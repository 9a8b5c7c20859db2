"""Parts of a proposal as short text, for the list of differences and for telling two editors apart."""

from collections.abc import Mapping
from fractions import Fraction
from types import MappingProxyType
from typing import Any

from svd_tracker.calculations.ranking import points
from svd_tracker.delivery.models import OutputMeasure
from svd_tracker.money import format_pounds
from svd_tracker.periods import format_date
from svd_tracker.proposals.content import LABELS, CostLine, MatchLine, MilestoneLine, OutputLine, ProposalContent

NO_NAMES: Mapping[int, str] = MappingProxyType({})


def part_in_words(
    content: ProposalContent, name: str, holder_names: Mapping[int, str], organisations: Mapping[int, str] = NO_NAMES
) -> str:
    """One field or part of a proposal in words; repeating lines are set apart by semicolons."""
    return value_in_words(getattr(content, name), holder_names, organisations)


def value_in_words(value: Any, holder_names: Mapping[int, str], organisations: Mapping[int, str] = NO_NAMES) -> str:
    """The value of a field or part in words; nothing for one that is not given."""
    if isinstance(value, tuple):
        return "; ".join(line_in_words(line, holder_names, organisations) for line in value)
    return "" if value is None else str(getattr(value, "value", value))


def differences(
    before: ProposalContent, after: ProposalContent, names: list[str], holder_names: Mapping[int, str]
) -> list[tuple[str, str, str]]:
    """For each name: its label, how it was, how it is."""
    return [
        (LABELS[name], part_in_words(before, name, holder_names), part_in_words(after, name, holder_names))
        for name in names
    ]


def line_in_words(line: Any, holder_names: Mapping[int, str], organisations: Mapping[int, str] = NO_NAMES) -> str:
    """One line of a repeating part in words, nothing for None. A partnership asked is given by its id."""
    if line is None:
        return ""
    if isinstance(line, int):
        return holder_names.get(line, "another partnership")
    if isinstance(line, CostLine):
        whose = holder_names.get(line.holder_id, "another partnership")
        pending = ", pay award pending" if line.pay_award_pending else ""
        of = f"{format_pounds(line.pence)} of {line.category.label.lower()}"
        return f"{line.text}, {of}, Q{line.quarter}, {whose}{pending}"
    if isinstance(line, MatchLine):
        by = organisations.get(line.organisation_id)
        return f"{line.title}, {format_pounds(line.pence)} {line.kind.label.lower()}{f' from {by}' if by else ''}"
    if isinstance(line, OutputLine):
        share = line.measure is OutputMeasure.SHARE
        return (
            f"{line.definition}: {points(Fraction(line.target))}%" if share else f"{line.definition}: {line.target:,}"
        )
    if isinstance(line, MilestoneLine):
        return f"{line.title} by {format_date(line.due_on)}"
    return f"{line.text} ({line.rating.value}): {line.response}"
