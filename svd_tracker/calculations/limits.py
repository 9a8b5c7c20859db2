"""Which spend the grant pays for, by its day and its account (DOMAIN.md sections 3 and 9.8; issue 3)."""

import datetime as dt
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from svd_tracker.periods import format_date

_Said = tuple[str, str, bool]  # code, words, whether it refuses


@dataclass(frozen=True)
class Verdict:
    """Whether spend may be claimed. ``flags`` say in words what is to be known of it, ``codes`` what each of them is:

    at_risk_unsigned, at_risk_signed, at_risk_waiting, at_risk_approval, outside_period, before_eligible, account.
    What is not eligible is kept and locally funded; ``reason`` are the words of why, empty for what is eligible.
    """

    eligible: bool = True
    flags: tuple[str, ...] = ()
    codes: tuple[str, ...] = ()
    reason: str = ""


@dataclass(frozen=True)
class AccountRule:
    """A kind of cost known by its account codes: with commas between them, a * for any characters, either case."""

    accounts: str
    kind: str
    refuse: bool

    @property
    def patterns(self) -> tuple[str, ...]:
        return tuple(each.strip() for each in self.accounts.split(",") if each.strip())


class AccountRules:
    """The rules of one grant, made ready once: each account is matched once, however many lines have it."""

    def __init__(self, rules: Iterable[AccountRule] = ()) -> None:
        self._rules = [(rule, _compiled(rule.patterns)) for rule in rules]
        self._known: dict[str, tuple[AccountRule, ...]] = {}

    @property
    def refused(self) -> tuple[str, ...]:
        """The kinds of cost that the grant does not pay for, for people: an entry typed by hand has no account."""
        return tuple(rule.kind for rule, _ in self._rules if rule.refuse)

    def of(self, account: str) -> tuple[AccountRule, ...]:
        """The rules that an account falls under, in their order."""
        found = self._known.get(account)
        if found is None:
            code = account.strip()
            found = tuple(rule for rule, pattern in self._rules if code and pattern.fullmatch(code))
            self._known[account] = found
        return found


@dataclass(frozen=True)
class Limits:
    """What one funding's spend is measured against.

    ``first_day`` and ``last_day`` are of its financial year. ``refuse_outside``: by the terms, spend outside the
    grant's period or before ``eligible_from`` is not paid for; else it is flagged. ``signed_on`` is None while the
    agreement is not signed, ``agreed_on`` while a body of the funding's own approval has still to agree.
    """

    first_day: dt.date
    last_day: dt.date
    starts_on: dt.date
    ends_on: dt.date
    eligible_from: dt.date | None
    refuse_outside: bool
    signed_on: dt.date | None
    agreed_on: dt.date | None
    accounts: AccountRules = field(default_factory=AccountRules, compare=False)
    _known: dict[dt.date, Verdict] = field(default_factory=dict, init=False, compare=False, repr=False)

    def verdict(self, day: dt.date, account: str = "") -> Verdict:
        """Whether spend of a day under an account code ("" for none) may be claimed, and what is to be known of it.

        ``day`` is when it was spent or posted. What the ledger posts after the year to one of its closing periods
        was spent in the year, and counts as of its last day. Spend at risk is flagged and never refused.
        """
        found = self._known.get(day)
        if found is None:
            found = self._known[day] = _verdict(self._of_a_day(min(max(day, self.first_day), self.last_day)))
        rules = self.accounts.of(account)
        return found if not rules else _with_rules(found, rules, account.strip())

    @property
    def at_risk_before(self) -> tuple[dt.date, str] | None:
        """The day before which spend was at risk, and what happened on it; None when there is none, or not yet one."""
        days = []
        if self.signed_on is not None:
            days.append((self.signed_on, "the agreement was signed"))
        if self.agreed_on is not None:
            days.append((self.agreed_on, "the last approval was given"))
        late = [each for each in days if each[0] > max(self.first_day, self.starts_on)]
        return max(late, key=lambda each: each[0], default=None)

    @property
    def words(self) -> tuple[str, ...]:
        """What is to be known before spend is posted, in sentences; none for a signed and agreed whole year."""
        said = []
        first, last = max(self.eligible_from or self.starts_on, self.first_day), min(self.ends_on, self.last_day)
        if (first, last) != (self.first_day, self.last_day):
            outside = "cannot be claimed" if self.refuse_outside else "is flagged"
            said.append(f"The grant pays from {format_date(first)} to {format_date(last)}: other spend {outside}.")
        if self.signed_on is None:
            said.append("The agreement is not signed yet: spend is at risk.")
        if self.at_risk_before:
            said.append(
                f"Spend before {format_date(self.at_risk_before[0])}, when {self.at_risk_before[1]}, is at risk."
            )
        return tuple(said)

    def _of_a_day(self, day: dt.date) -> list[_Said]:
        return [*self._of_the_period(day), *self._at_risk(day)]

    def _of_the_period(self, day: dt.date) -> Iterator[_Said]:
        if not self.starts_on <= day <= self.ends_on:
            words = f"Outside the grant's period, {format_date(self.starts_on)} to {format_date(self.ends_on)}"
            yield "outside_period", words, self.refuse_outside
        elif self.eligible_from is not None and day < self.eligible_from:
            words = f"Before {format_date(self.eligible_from)}, from when the grant pays"
            yield "before_eligible", words, self.refuse_outside

    def _at_risk(self, day: dt.date) -> Iterator[_Said]:
        if self.signed_on is None:
            yield "at_risk_unsigned", "At risk: the agreement is not signed yet", False
        elif day < self.signed_on:
            yield (
                "at_risk_signed",
                f"At risk: before {format_date(self.signed_on)}, when the agreement was signed",
                False,
            )
        if self.agreed_on is None:
            yield "at_risk_waiting", "At risk: not everybody has agreed to the funding yet", False
        elif day < self.agreed_on:
            words = f"At risk: before {format_date(self.agreed_on)}, when the last approval was given"
            yield "at_risk_approval", words, False


def _verdict(said: Iterable[_Said]) -> Verdict:
    found = list(said)
    refused = [words for _, words, refuse in found if refuse]
    return Verdict(
        eligible=not refused,
        flags=tuple(words for _, words, _ in found),
        codes=tuple(code for code, _, _ in found),
        reason="; ".join(refused),
    )


def _with_rules(verdict: Verdict, rules: Iterable[AccountRule], account: str) -> Verdict:
    reasons = [verdict.reason] if verdict.reason else []
    flags = []
    for rule in rules:
        words = f"Account {account}: {rule.kind}"
        if rule.refuse:
            words += ", which the grant does not pay for"
            reasons.append(words)
        flags.append(words)
    codes = ("account",) * len(flags)
    return Verdict(not reasons, (*verdict.flags, *flags), (*verdict.codes, *codes), "; ".join(reasons))


def _compiled(patterns: Iterable[str]) -> re.Pattern[str]:
    either = "|".join(".*".join(re.escape(part) for part in re.split(r"\*+", pattern)) for pattern in patterns)
    return re.compile(either or r"(?!)", re.IGNORECASE | re.DOTALL)
