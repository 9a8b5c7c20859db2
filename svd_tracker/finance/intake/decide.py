"""Where a line of the council's ledger belongs: the one order in which everything that could place it is asked."""

import datetime as dt
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import NamedTuple, Protocol

from svd_tracker.calculations.figures import Category
from svd_tracker.calculations.limits import Limits
from svd_tracker.calculations.placing import (
    LineWords,
    Rule,
    RuleKind,
    RulePart,
    Rules,
    normal_document,
    split_by_weight,
)
from svd_tracker.finance.intake.models import Outcome, WhyWaiting
from svd_tracker.finance.placing.book import Belongs, Part
from svd_tracker.finance.placing.sharing import Rooms, Sharing
from svd_tracker.money import format_pounds
from svd_tracker.periods import fy_label

NEAR = dt.timedelta(days=45)
NOUGHT = "It comes to £0.00: there is nothing to place"
FIRST_PERIODS = range(1, 4)  # those in which the accruals of the old year are reversed
_REVERSES = re.compile(r"\b(rev\b|revers).*\baccr|\baccr.*\b(rev\b|revers)", re.IGNORECASE | re.DOTALL)
_OUTCOMES = {
    RuleKind.LEFT_OUT: Outcome.LEFT_OUT,
    RuleKind.GRANT_INCOME: Outcome.GRANT_INCOME,
    RuleKind.MATCH_INCOME: Outcome.MATCH_INCOME,
}


class CostSaid(Protocol):
    """What tells whether one line undoes another. Every kind of line has it."""

    @property
    def fy(self) -> int: ...
    @property
    def period(self) -> int: ...
    @property
    def document(self) -> str: ...
    @property
    def cost_centre(self) -> str: ...
    @property
    def account(self) -> str: ...
    @property
    def cost_pence(self) -> int: ...
    @property
    def accrual(self) -> bool: ...


class LineSaid(CostSaid, Protocol):
    """What is asked of a line: readers.ledger_lines.LedgerRow has it, a spooled Line too."""

    @property
    def posted_on(self) -> dt.date: ...
    @property
    def quarter(self) -> int: ...
    @property
    def project(self) -> str: ...
    @property
    def supplier(self) -> str: ...
    @property
    def text(self) -> str: ...
    @property
    def funding_ref(self) -> str: ...


class Typed(NamedTuple):
    """An entry or accrual that was typed here and still stands for itself. ``whole_pence`` is its document's."""

    entry_id: int
    seq: int
    funding_id: int
    pence: int
    whole_pence: int
    spent_on: dt.date
    document: str

    @property
    def hint(self) -> str:
        named = f", {self.document[:40]}" if self.document else ""
        return f"Looks like typed entry {self.seq} of {format_pounds(self.pence)}{named}"


class TypedEntries:
    """Finds the typed entry that a line looks like (issue 3: nothing counts twice)."""

    def __init__(self, entries: Iterable[Typed]) -> None:
        self._by_document: dict[tuple[str, bool], Typed] = {}
        self._by_amount: dict[tuple[int, int], list[Typed]] = {}
        for each in entries:
            name = normal_document(each.document)
            if name:
                self._by_document.setdefault((name, each.pence > 0), each)
            for pence in {each.pence, each.whole_pence}:
                self._by_amount.setdefault((each.funding_id, pence), []).append(each)

    def of_document(self, document: str, pence: int) -> Typed | None:
        """The one with the same document number and the same sign."""
        if not self._by_document or not document:
            return None
        return self._by_document.get((normal_document(document), pence > 0))

    def of_amount(self, funding_ids: Iterable[int], pence: int, day: dt.date) -> Typed | None:
        """One of these fundings with the same amount to the penny, within 45 days."""
        if not self._by_amount:
            return None
        near = (
            each
            for funding_id in funding_ids
            for each in self._by_amount.get((funding_id, pence), ())
            if abs(each.spent_on - day) <= NEAR
        )
        return next(near, None)


@dataclass
class Known:
    """Everything that placing a line of one holder looks at. Fundings by id unless said otherwise.

    ``by_ref``: by (fy, ref). ``by_place``: by (fy, intervention id, category); more than one where two grants pay.
    ``titles``: of interventions, by id. ``sharings``: by (fy, intervention id). ``flagged`` counts lines and pence
    by the code and words of a flag and whether the grant pays all the same (limits.Verdict).
    """

    rules: Rules
    by_ref: Mapping[tuple[int, str], int]
    by_place: Mapping[tuple[int, int, Category], tuple[int, ...]]
    titles: Mapping[int, str]
    limits: Mapping[int, Limits]
    sharings: Mapping[tuple[int, int], Sharing]
    rooms: Rooms
    typed: TypedEntries = field(default_factory=lambda: TypedEntries(()))
    flagged: dict[tuple[str, str, bool], list[int]] = field(default_factory=dict)


class Undone(Enum):
    """What stands that a line undoes, as far as documents, codes and amounts say: FIGURES.md 14."""

    NOTHING = "nothing"
    OLD_YEAR = "old_year"
    OWN_YEAR = "own_year"


class _NoFunding(Exception):
    pass


def decide(line: LineSaid, known: Known, undone: Undone = Undone.NOTHING) -> Belongs:
    """Where a line belongs; the rooms of ``known`` run on. Asked in this order: does it look like a typed entry; does

    it undo the old year (``undone``: whether a line that stands is its opposite); does it name a funding; which rule
    meets it first. What nothing places waits, with a hint.
    """
    pence = line.cost_pence
    if not pence:
        return Belongs(Outcome.LEFT_OUT, line.fy, line.quarter, reason=NOUGHT)
    typed = known.typed.of_document(line.document, pence)
    if typed is not None:
        return _waits(line, WhyWaiting.LIKE_AN_ENTRY, typed.hint, entry_id=typed.entry_id)
    rule = known.rules.first(LineWords(line.cost_centre, line.account, line.project, line.supplier, line.text))
    old_year = rule is not None and rule.outcome.old_year
    if not old_year and _seems_to_reverse(line, undone):
        words = f"It seems to reverse something of {fy_label(line.fy - 1)}: place it to that year's quarter 4"
        return _waits(line, WhyWaiting.OLD_YEAR, words)
    try:
        if line.funding_ref:
            return _placed(line, known, [(_of_ref(line, known), None, pence)], None)
        if rule is None:
            return _waits(line, WhyWaiting.NO_RULE)
        if rule.outcome.kind is not RuleKind.PLACED:
            kind = _OUTCOMES[rule.outcome.kind]
            return Belongs(kind, line.fy, line.quarter, reason=rule.outcome.reason, rule_id=rule.id)
        return _placed(line, known, _shares(line, known, rule), rule)
    except _NoFunding as words:
        return _waits(line, WhyWaiting.NO_FUNDING, str(words))


def may_reverse_old_year(line: LineSaid) -> bool:
    """Whether it is worth looking for the line that it undoes, of the old year or its own."""
    return line.cost_pence < 0 and line.period in FIRST_PERIODS and (line.accrual or bool(line.document))


def _seems_to_reverse(line: LineSaid, undone: Undone) -> bool:
    """A release of the ledger's own accruals is the old year's in period 1; later unless its year has the accrual."""
    if line.cost_pence > 0 or line.period not in FIRST_PERIODS:
        return False
    if undone is Undone.OLD_YEAR or _REVERSES.search(line.text) is not None:
        return True
    return line.accrual and (line.period == 1 or undone is Undone.NOTHING)


_Share = tuple[int | None, int | None, int]  # funding id (None: local money), intervention id to share by, pence


def _shares(line: LineSaid, known: Known, rule: Rule) -> list[_Share]:
    fy = line.fy - 1 if rule.outcome.old_year else line.fy
    parts = rule.outcome.parts
    amounts = split_by_weight(line.cost_pence, parts) if len(parts) > 1 else [line.cost_pence]
    return [
        (None, None, pence)
        if part.intervention_id is None
        else (_of_part(part, fy, known), part.intervention_id, pence)
        for part, pence in zip(parts, amounts, strict=True)
        if pence
    ]


def _of_part(part: RulePart, fy: int, known: Known) -> int:
    """The funding of a rule's intervention and category in a year."""
    assert part.intervention_id is not None
    assert part.category is not None
    found = known.by_place.get((fy, part.intervention_id, part.category), ())
    if len(found) == 1:
        return found[0]
    title = known.titles.get(part.intervention_id, "The rule's intervention")[:120]
    category = part.category.label.lower()
    if found:
        raise _NoFunding(f"{title} has more than one {category} funding in {fy_label(fy)}: choose one")
    raise _NoFunding(f"{title} has no {category} funding in {fy_label(fy)}")


def _of_ref(line: LineSaid, known: Known) -> int:
    found = known.by_ref.get((line.fy, line.funding_ref))
    if found is None:
        raise _NoFunding(f"There is no funding {line.funding_ref[:64]} in {fy_label(line.fy)}")
    return found


def _placed(line: LineSaid, known: Known, shares: list[_Share], rule: Rule | None) -> Belongs:
    funding_ids = [funding_id for funding_id, _, _ in shares if funding_id is not None]
    typed = known.typed.of_amount(funding_ids, line.cost_pence, line.posted_on)
    if typed is not None:
        return _waits(line, WhyWaiting.LIKE_AN_ENTRY, typed.hint, entry_id=typed.entry_id)
    old_year = rule is not None and rule.outcome.old_year
    fy = line.fy - 1 if old_year else line.fy
    parts: list[Part] = []
    for funding_id, intervention_id, pence in shares:
        if funding_id is None:
            parts.append(Part(pence))
            continue
        sharing = known.sharings.get((fy, intervention_id)) if intervention_id is not None else None
        if sharing is None:
            parts.append(_limited(Part(pence, funding_id), line, known))
        else:
            parts.extend(_limited(part, line, known) for part in known.rooms.share(sharing, funding_id, pence))
    return Belongs(
        Outcome.PLACED,
        fy,
        4 if old_year else line.quarter,
        tuple(parts),
        reason=rule.outcome.reason if rule is not None and old_year else "",
        rule_id=rule.id if rule is not None else None,
    )


def _limited(part: Part, line: LineSaid, known: Known) -> Part:
    """The part, marked as not eligible where the grant does not pay for it (DOMAIN.md section 3)."""
    limits = known.limits.get(part.funding_id) if part.funding_id is not None else None
    if limits is None:
        return part
    verdict = limits.verdict(line.posted_on, line.account)
    for code, words in zip(verdict.codes, verdict.flags, strict=True):
        count = known.flagged.setdefault((code, words, verdict.eligible), [0, 0])
        count[0] += 1
        count[1] += part.pence
    if verdict.eligible:
        return part
    return Part(part.pence, part.funding_id, part.match_id, eligible=False, reason=verdict.reason[:1000])


def _waits(line: LineSaid, why: WhyWaiting, hint: str = "", entry_id: int | None = None) -> Belongs:
    return Belongs(Outcome.WAITING, line.fy, line.quarter, why=why, hint=hint[:250], entry_id=entry_id)
