"""Changing the rules that name, by account code, what a grant does not pay for (DOMAIN.md section 3)."""

from collections.abc import Sequence

from svd_tracker.act import Act
from svd_tracker.audit import services as audit
from svd_tracker.calculations.limits import AccountRule
from svd_tracker.errors import ChangedMeanwhile, NotFound, Refused
from svd_tracker.extensions import db
from svd_tracker.grants import queries
from svd_tracker.grants.models import EligibilityRule, Grant, RuleEffect


def add_rule(grant: Grant, accounts: str, kind: str, effect: RuleEffect, act: Act) -> EligibilityRule:
    """A rule of a grant: account codes with commas between them, a * for any characters. Raises Refused.

    Entries that stand keep their eligibility; to change it, reverse and post again (FIGURES.md 6).
    """
    queries.lock_grant(grant.id)
    number = max((rule.rule_no for rule in queries.eligibility_versions(grant.id)), default=0) + 1
    return _write(grant, number, None, accounts, kind, effect, False, act)


def change_rule(
    grant: Grant, rule_no: int, accounts: str, kind: str, effect: RuleEffect, act: Act, version_seen: int
) -> EligibilityRule:
    """A new version of a rule; one that says the same is none. Raises Refused, and ChangedMeanwhile when

    ``version_seen`` is not the newest.
    """
    last = _newest(grant, rule_no, version_seen)
    if (last.accounts, last.kind, last.effect) == (_listed(accounts), kind.strip(), effect):
        return last
    return _write(grant, rule_no, last, accounts, kind, effect, False, act)


def retire_rule(grant: Grant, rule_no: int, act: Act, version_seen: int) -> EligibilityRule:
    """From now on the rule finds nothing. Raises as ``change_rule``."""
    last = _newest(grant, rule_no, version_seen)
    return _write(grant, rule_no, last, last.accounts, last.kind, last.effect, True, act)


def find_rule(rules: Sequence[EligibilityRule], rule_no: int) -> EligibilityRule:
    """The rule of that number. Raises NotFound."""
    found = next((rule for rule in rules if rule.rule_no == rule_no), None)
    if found is None:
        raise NotFound("rule")
    return found


def _newest(grant: Grant, rule_no: int, version_seen: int) -> EligibilityRule:
    queries.lock_grant(grant.id)
    last = find_rule(queries.eligibility_versions(grant.id), rule_no)
    if last.retired:
        raise Refused("This rule was retired. Add a new one instead")
    if last.version_no != version_seen:
        current = {"accounts": last.accounts, "kind": last.kind, "effect": last.effect.value}
        words = "Somebody else changed this since you opened the page."
        raise ChangedMeanwhile(words, {**current, "row_version": last.version_no})
    return last


def _listed(accounts: str) -> str:
    """The codes as they are kept: one comma and a space between them."""
    return ", ".join(AccountRule(accounts, "", True).patterns)


def _write(
    grant: Grant,
    rule_no: int,
    last: EligibilityRule | None,
    accounts: str,
    kind: str,
    effect: RuleEffect,
    retired: bool,
    act: Act,
) -> EligibilityRule:
    listed, kind = _listed(accounts), kind.strip()
    if not kind:
        raise Refused("Enter the kind of cost, like gifts and entertaining", field="kind")
    if not listed:
        raise Refused("Enter the account codes, like 4711, 48*", field="accounts")
    if any(not pattern.strip("*") for pattern in listed.split(", ")):
        raise Refused("A * alone is every account: enter the codes that the grant does not pay for", field="accounts")
    rule = EligibilityRule(
        grant_id=grant.id,
        rule_no=rule_no,
        version_no=last.version_no + 1 if last else 1,
        retired=retired,
        accounts=listed,
        kind=kind,
        effect=effect,
        recorded_at=act.at,
        recorded_by=act.by,
    )
    db.session.add(rule)
    db.session.flush()
    audit.record(
        act,
        "retire_rule" if retired else "change_rule" if last else "add_rule",
        "grant",
        grant.ref,
        area_id=grant.area_id,
        before=_plain(last) if last else None,
        after={"rule": rule_no, **_plain(rule)},
    )
    return rule


def _plain(rule: EligibilityRule) -> dict[str, object]:
    return {"accounts": rule.accounts, "kind": rule.kind, "effect": rule.effect.value}
