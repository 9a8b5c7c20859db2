"""Where ledger lines belong: rules that place them, and how match shares their cost (DATA_MODEL.md section 7)."""

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum

from svd_tracker.calculations.figures import Category
from svd_tracker.money import share_out

WHOLE_BP = 10_000
_REVERSES = re.compile(r"\brevers\w*\W+(?:(?:of|document|doc|journal|no)\W+)*([\w/-]*\d[\w/-]*)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class LineWords:
    """What a rule looks at in a ledger line."""

    cost_centre: str = ""
    account: str = ""
    project: str = ""
    supplier: str = ""
    text: str = ""


@dataclass(frozen=True)
class RuleTests:
    """All that are given must hold. Codes are separated by commas, a * stands for any characters; of the words

    of a supplier or a text, separated by commas, any one is enough. Letters' case never matters.
    """

    cost_centre: str = ""
    account: str = ""
    project: str = ""
    supplier: str = ""
    text: str = ""

    @property
    def given(self) -> bool:
        return any(_listed(words) for words in asdict(self).values())


class RuleKind(StrEnum):
    PLACED = "placed"
    LEFT_OUT = "left_out"
    GRANT_INCOME = "grant_income"
    MATCH_INCOME = "match_income"


@dataclass(frozen=True)
class RulePart:
    """A share of a line for an intervention's funding of a category, or (no intervention) for local money.

    The funding follows the line's own year. ``weight`` is parts or basis points: shares add back to the penny.
    """

    intervention_id: int | None
    category: Category | None
    weight: int = 1


@dataclass(frozen=True)
class RuleOutcome:
    """What becomes of a line. ``reason`` is needed to leave it out; ``old_year`` places it to the quarter 4 before."""

    kind: RuleKind
    parts: tuple[RulePart, ...] = ()
    reason: str = ""
    old_year: bool = False


@dataclass(frozen=True)
class Rule:
    """``id`` is the version's, ``no`` the rule's own number. The lowest priority is asked first, then the lowest no."""

    id: int
    no: int
    priority: int
    title: str
    tests: RuleTests
    outcome: RuleOutcome


def tests_to_json(tests: RuleTests) -> str:
    return json.dumps(asdict(tests), sort_keys=True)


def tests_from_json(text: str) -> RuleTests:
    return RuleTests(**json.loads(text))


def outcome_to_json(outcome: RuleOutcome) -> str:
    return json.dumps(asdict(outcome), sort_keys=True)


def outcome_from_json(text: str) -> RuleOutcome:
    values = json.loads(text)
    parts = tuple(
        RulePart(part["intervention_id"], Category(part["category"]) if part["category"] else None, part["weight"])
        for part in values["parts"]
    )
    return RuleOutcome(RuleKind(values["kind"]), parts, values["reason"], values["old_year"])


class Rules:
    """Finds the first rule that a line meets. Which rules a line's codes meet is worked out once for the same codes."""

    def __init__(self, rules: Iterable[Rule]) -> None:
        self.rules = sorted(rules, key=lambda rule: (rule.priority, rule.no))
        self._compiled = [(rule, _Compiled(rule.tests)) for rule in self.rules if rule.tests.given]
        self._known: dict[tuple[str, str, str], list[tuple[Rule, _Compiled]]] = {}

    def first(self, words: LineWords) -> Rule | None:
        codes = (words.cost_centre, words.account, words.project)
        met = self._known.get(codes)
        if met is None:
            met = self._known[codes] = [each for each in self._compiled if each[1].meets_codes(words)]
        return next((rule for rule, compiled in met if not compiled.words or compiled.meets_words(words)), None)


def meets(tests: RuleTests) -> Callable[[LineWords], bool]:
    """The test of a line's words. A rule that tests nothing meets no line: it would swallow the ledger."""
    if not tests.given:
        return lambda _: False
    compiled = _Compiled(tests)
    return lambda line: compiled.meets_codes(line) and compiled.meets_words(line)


class _Compiled:
    def __init__(self, tests: RuleTests) -> None:
        codes = [(name, codes_pattern(getattr(tests, name))) for name in ("cost_centre", "account", "project")]
        words = [(name, _listed(getattr(tests, name))) for name in ("supplier", "text")]
        self.codes = [(name, pattern) for name, pattern in codes if pattern is not None]
        self.words = [(name, found) for name, found in words if found]

    def meets_codes(self, line: LineWords) -> bool:
        return all(pattern.fullmatch(getattr(line, name).strip().casefold()) for name, pattern in self.codes)

    def meets_words(self, line: LineWords) -> bool:
        return all(any(word in getattr(line, name).casefold() for word in found) for name, found in self.words)


def codes_pattern(codes: str) -> re.Pattern[str] | None:
    """Codes with commas between them, a * for any characters, as one pattern over case-folded text; None for none."""
    listed = _listed(codes)
    if not listed:
        return None
    return re.compile("|".join(".*".join(map(re.escape, code.split("*"))) for code in listed), re.DOTALL)


def _listed(words: str) -> tuple[str, ...]:
    return tuple(word.strip().casefold() for word in words.split(",") if word.strip())


def split_by_weight(pence: int, parts: Sequence[RulePart]) -> list[int]:
    """A line's pence over the parts of a rule, adding back to the penny (DESIGN.md rule 1)."""
    return share_out(pence, [part.weight for part in parts])


@dataclass(frozen=True)
class MatchRoom:
    """What grant and match have paid so far of an intervention's costs, and how far each goes. Pence."""

    grant_paid: int
    grant_most: int
    match_paid: int
    match_most: int


def share_with_match(pence: int, method: str, grant_bp: int | None, room: MatchRoom) -> tuple[int, int]:
    """What of a cost the grant and the match pay, in pence; together they are the cost.

    ``method`` is grant_first, match_first, per_cent or by_line (all to the grant until somebody says otherwise).
    Who pays first pays up to what there is of it; the rest is the other's, without end: an overspend of a funding is
    shown by the return. A credit goes back first to who paid last.
    """
    if method == "per_cent":
        grant, match = share_out(pence, [grant_bp or 0, WHOLE_BP - (grant_bp or 0)])
        return grant, match
    if method == "grant_first":
        if pence >= 0:
            grant = min(pence, max(0, room.grant_most - room.grant_paid))
            return grant, pence - grant
        match = -min(-pence, max(0, room.match_paid))
        return pence - match, match
    if method == "match_first":
        if pence >= 0:
            match = min(pence, max(0, room.match_most - room.match_paid))
            return pence - match, match
        grant = -min(-pence, max(0, room.grant_paid))
        return grant, pence - grant
    return pence, 0


def normal_document(document: str) -> str:
    """A document number as two systems would agree on it: letters and digits alone, no leading noughts."""
    return "".join(sign for sign in document.casefold() if sign.isalnum()).lstrip("0")


def document_reversed(description: str) -> str:
    """The document that a line's words say it takes back ("Reversal of 5100012"), or nothing."""
    found = _REVERSES.search(description)
    return found[1] if found else ""


def find_pairs(lines: Iterable[tuple[int, str, str, str, int]]) -> Mapping[int, int]:
    """Which lines undo each other: (id, cost centre, account, document, pence) → the id of its opposite.

    Two lines are a pair when codes and document agree and the amounts are opposite; each has one partner, the nearest
    before it. A line without a document has none. Of a line that says which document it reverses, give that document.
    """
    waiting: dict[tuple[str, str, str, int], list[int]] = {}
    pairs: dict[int, int] = {}
    for line_id, cost_centre, account, document, pence in lines:
        name = normal_document(document)
        if not name:
            continue
        opposite = waiting.get((cost_centre, account, name, -pence))
        if opposite:
            partner = opposite.pop()
            pairs[line_id], pairs[partner] = partner, line_id
        else:
            waiting.setdefault((cost_centre, account, name, pence), []).append(line_id)
    return pairs
