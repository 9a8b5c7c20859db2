"""Parts of a proposal as short text, for the list of differences and for telling two editors apart."""

from collections.abc import Mapping
from typing import Any

from svd_tracker.money import format_pounds
from svd_tracker.periods import format_date
from svd_tracker.proposals.content import LABELS, CostLine, MatchLine, MilestoneLine, OutputLine, ProposalContent


def part_in_words(content: ProposalContent, name: str, holder_names: Mapping[int, str]) -> str:
    """One field or part of a proposal in words; repeating lines are set apart by semicolons."""
    value = getattr(content, name)
    if name == "asks":
        return ", ".join(holder_names.get(holder_id, "another partnership") for holder_id in value)
    if isinstance(value, tuple):
        return "; ".join(_line(line, holder_names) for line in value)
    return "" if value is None else str(getattr(value, "value", value))


def differences(
    before: ProposalContent, after: ProposalContent, names: list[str], holder_names: Mapping[int, str]
) -> list[tuple[str, str, str]]:
    """For each name: its label, how it was, how it is."""
    return [
        (LABELS[name], part_in_words(before, name, holder_names), part_in_words(after, name, holder_names))
        for name in names
    ]


def _line(line: Any, holder_names: Mapping[int, str]) -> str:
    if isinstance(line, CostLine):
        whose = holder_names.get(line.holder_id, "another partnership")
        return f"{line.text}, {format_pounds(line.pence)} of {line.category.label.lower()}, Q{line.quarter}, {whose}"
    if isinstance(line, MatchLine):
        return f"{line.title}, {format_pounds(line.pence)} {line.kind.label.lower()}"
    if isinstance(line, OutputLine):
        return line.definition
    if isinstance(line, MilestoneLine):
        return f"{line.title} by {format_date(line.due_on)}"
    return str(line.text)
