"""The placement rules of a holder: kept in versions, read, saved and retired."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from sqlalchemy import func, select

from svd_tracker.accounts.models import Holder
from svd_tracker.act import Act
from svd_tracker.audit import services as audit
from svd_tracker.calculations.placing import (
    WHOLE_BP,
    Rule,
    RuleKind,
    RuleOutcome,
    RuleTests,
    outcome_from_json,
    outcome_to_json,
    tests_from_json,
    tests_to_json,
)
from svd_tracker.errors import NotFound, Refused
from svd_tracker.extensions import db
from svd_tracker.finance.intake.models import Placement, PlacementRule
from svd_tracker.finance.ledger import lock_ledger

LONGEST_TITLE, LONGEST_REASON = 250, 250
LARGEST_PRIORITY = 9_999


def rules_of(holder_id: int) -> list[Rule]:
    """The rules of a holder that are not retired, each in its newest version, the first to be asked first."""
    found = [to_rule(each) for each in _newest(holder_id) if not each.retired]
    return sorted(found, key=lambda rule: (rule.priority, rule.no))


def retired_of(holder_id: int) -> list[PlacementRule]:
    """The rules that place nothing more, in their newest version, by name."""
    return sorted((each for each in _newest(holder_id) if each.retired), key=lambda each: each.title)


def placed_by(holder_id: int) -> dict[int, int]:
    """How many lines each rule has placed, in whichever version, by the rule's number. One query."""
    rows = db.session.execute(
        select(PlacementRule.rule_no, func.count(Placement.id))
        .join(Placement, Placement.rule_id == PlacementRule.id)
        .where(PlacementRule.holder_id == holder_id)
        .group_by(PlacementRule.rule_no)
    )
    return {rule_no: count for rule_no, count in rows}  # noqa: C416


def get_rule(holder_id: int, rule_no: int) -> PlacementRule:
    """The newest version of a rule, retired or not. Raises NotFound."""
    version = db.session.scalars(
        select(PlacementRule)
        .where(PlacementRule.holder_id == holder_id, PlacementRule.rule_no == rule_no)
        .order_by(PlacementRule.version_no.desc())
    ).first()
    if version is None:
        raise NotFound("rule")
    return version


def versions_of(holder_id: int, rule_no: int) -> Sequence[PlacementRule]:
    """Every version of a rule, the newest first."""
    return db.session.scalars(
        select(PlacementRule)
        .where(PlacementRule.holder_id == holder_id, PlacementRule.rule_no == rule_no)
        .order_by(PlacementRule.version_no.desc())
    ).all()


def save_rule(
    act: Act,
    holder: Holder,
    *,
    title: str,
    priority: int,
    tests: RuleTests,
    outcome: RuleOutcome,
    rule_no: int | None = None,
) -> PlacementRule:
    """Add a rule, or a new version of rule ``rule_no``; one that says nothing new leaves the version as it is.

    Lines that stand are not moved: a rule is for what waits and what comes. Raises Refused.
    """
    _refuse_bad(title, priority, tests, outcome)
    lock_ledger(holder.id)
    before = get_rule(holder.id, rule_no) if rule_no is not None else None
    values: dict[str, Any] = {
        "retired": False,
        "priority": priority,
        "title": title.strip(),
        "tests": tests_to_json(tests),
        "outcome": outcome_to_json(outcome),
    }
    if before is not None and all(getattr(before, name) == value for name, value in values.items()):
        return before
    version = _add(act, holder, before, values)
    _record(act, holder, "add" if before is None else "change", version, before)
    return version


def retire_rule(act: Act, holder: Holder, rule_no: int) -> PlacementRule:
    """The rule places nothing more; what it placed stays. Raises Refused when it is retired already."""
    lock_ledger(holder.id)
    before = get_rule(holder.id, rule_no)
    if before.retired:
        raise Refused("This rule is retired already")
    values = {name: getattr(before, name) for name in ("priority", "title", "tests", "outcome")}
    version = _add(act, holder, before, {**values, "retired": True})
    _record(act, holder, "retire", version, before)
    return version


def _newest(holder_id: int) -> Sequence[PlacementRule]:
    newest = select(func.max(PlacementRule.id)).where(PlacementRule.holder_id == holder_id)
    return db.session.scalars(
        select(PlacementRule).where(PlacementRule.id.in_(newest.group_by(PlacementRule.rule_no)))
    ).all()


def to_rule(version: PlacementRule) -> Rule:
    """A version as lines are held against it."""
    return Rule(
        version.id,
        version.rule_no,
        version.priority,
        version.title,
        tests_from_json(version.tests),
        outcome_from_json(version.outcome),
    )


def _add(act: Act, holder: Holder, before: PlacementRule | None, values: dict[str, Any]) -> PlacementRule:
    if before is None:
        highest = select(func.coalesce(func.max(PlacementRule.rule_no), 0)).where(PlacementRule.holder_id == holder.id)
        rule_no = (db.session.scalar(highest) or 0) + 1
    else:
        rule_no = before.rule_no
    version = PlacementRule(
        holder_id=holder.id,
        rule_no=rule_no,
        version_no=before.version_no + 1 if before else 1,
        recorded_at=act.at,
        recorded_by=act.by,
        **values,
    )
    db.session.add(version)
    db.session.flush()
    return version


def _record(act: Act, holder: Holder, action: str, version: PlacementRule, before: PlacementRule | None) -> None:
    audit.record(
        act,
        action,
        "placement_rule",
        f"{holder.ref}/{version.rule_no}",
        area_id=holder.area_id,
        holder_id=holder.id,
        before=_said(before) if before else None,
        after=_said(version),
    )


def _said(version: PlacementRule) -> dict[str, Any]:
    return {
        "title": version.title,
        "priority": version.priority,
        "tests": {name: words for name, words in asdict(tests_from_json(version.tests)).items() if words},
        "outcome": version.outcome,
        "retired": version.retired,
    }


def _refuse_bad(title: str, priority: int, tests: RuleTests, outcome: RuleOutcome) -> None:
    if not title.strip():
        raise Refused("Enter a name for the rule, like Specialist nurse, pay", field="title")
    if len(title.strip()) > LONGEST_TITLE:
        raise Refused(f"Use {LONGEST_TITLE} characters or fewer", field="title")
    if not 1 <= priority <= LARGEST_PRIORITY:
        raise Refused(f"Enter a whole number from 1 to {LARGEST_PRIORITY:,}", field="priority")
    if not tests.given:
        raise Refused("Enter at least one thing to look for: a rule that tests nothing places nothing", field="tests")
    if outcome.kind is RuleKind.PLACED:
        _refuse_bad_parts(outcome)
    elif outcome.parts:
        raise ValueError("only a rule that places has parts")
    if outcome.kind is RuleKind.LEFT_OUT and not outcome.reason.strip():
        raise Refused("Say why these lines are left out", field="reason")
    if outcome.old_year and not outcome.reason.strip():
        raise Refused("Say why these lines belong to the old year", field="reason")
    if len(outcome.reason) > LONGEST_REASON:
        raise Refused(f"Use {LONGEST_REASON} characters or fewer", field="reason")


def _refuse_bad_parts(outcome: RuleOutcome) -> None:
    if not outcome.parts:
        raise Refused("Choose where the lines go", field="parts")
    if any(part.weight <= 0 or part.weight > WHOLE_BP * WHOLE_BP for part in outcome.parts):
        raise Refused("Enter a share of more than nought for each part, or leave the part empty", field="parts")
    if any((part.intervention_id is None) != (part.category is None) for part in outcome.parts):
        raise ValueError("a part names an intervention with a category, or neither")
    places = [(part.intervention_id, part.category) for part in outcome.parts]
    if len(set(places)) != len(places):
        raise Refused("Choose each place once: put its shares together", field="parts")
