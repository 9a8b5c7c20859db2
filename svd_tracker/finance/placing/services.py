"""Placing ledger lines by hand: to fundings, match and local money, left out, income, carried on, put back.

Each verb takes the ledger's lock, writes through one Book and leaves one audit line. A line that stands somewhere is
moved: its entries are reversed and new ones posted, and that needs a reason.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from sqlalchemy import select

from svd_tracker.accounts.models import Holder
from svd_tracker.act import Act
from svd_tracker.audit import services as audit
from svd_tracker.errors import ChangedMeanwhile, Refused
from svd_tracker.extensions import db
from svd_tracker.finance.intake.models import LedgerLine, Outcome, QueueLine, UploadWithdrawal, WhyWaiting
from svd_tracker.finance.ledger import lock_ledger
from svd_tracker.finance.limits import limits_for
from svd_tracker.finance.models import Funding, Match, MatchKind
from svd_tracker.finance.placing.book import Belongs, Book, LineFacts, Part, Standing, facts_of, standing_of
from svd_tracker.finance.placing.like import refuse_like_entries
from svd_tracker.finance.placing.sharing import rooms, sharings_of
from svd_tracker.money import format_pounds
from svd_tracker.periods import QUARTERS, fy_label, quarter_short

LONGEST_REASON = 250
_WAITS = (Outcome.WAITING, Outcome.CARRIED)


@dataclass(frozen=True)
class When:
    """The quarter in which a line's money counts (FIGURES.md 14)."""

    fy: int
    quarter: int


def place(
    act: Act,
    holder: Holder,
    lines: Sequence[LedgerLine],
    funding: Funding,
    *,
    when: When | None = None,
    reason: str = "",
    seq: int | None = None,
) -> None:
    """Place whole lines to a funding, each shared with match as its plan line says.

    ``when`` is an earlier quarter, or the old year's quarter 4, with a reason; a line's own otherwise. ``seq`` is that
    of the placement which the person saw. Raises Refused.
    """
    standing = take(holder, lines, seq)
    _refuse_move_without_reason(standing, reason)
    refuse_like_entries(lines)
    sharing = sharings_of(holder.id, [funding.fy]).get((funding.fy, funding.intervention_id))
    running = rooms([funding.id], [sharing.match_id]) if sharing else None
    items = []
    for line in lines:
        at = _refuse_bad_when(line, when, reason)
        refuse_other_funding(holder, line, funding, at.fy)
        if line.cost_pence == 0:
            raise Refused(f"{line_words(line)} comes to £0.00: leave it out")
        if sharing is None or running is None:
            parts = [Part(line.cost_pence, funding_id=funding.id)]
        else:
            running.give_back(standing[line.id].belongs)
            parts = running.share(sharing, funding.id, line.cost_pence)
        parts = _as_ruled(standing[line.id], parts, None, "")
        items.append((line, Belongs(Outcome.PLACED, at.fy, at.quarter, tuple(parts), reason.strip())))
    move(act, holder, standing, items, reason, "place")


def split(
    act: Act,
    holder: Holder,
    line: LedgerLine,
    parts: Sequence[Part],
    *,
    when: When | None = None,
    reason: str = "",
    not_eligible: bool | None = None,
    seq: int | None = None,
) -> None:
    """Place a line in parts that were said by hand: to fundings, matches and local money.

    ``not_eligible``: the grant pays for none of it, for ``reason`` or the one that stands; False: only the terms
    decide; None: what stands at each funding stays (DOMAIN.md section 3). Raises Refused.
    """
    standing = take(holder, [line], seq)
    _refuse_move_without_reason(standing, reason)
    refuse_like_entries([line])
    at = _refuse_bad_when(line, when, reason)
    _refuse_bad_parts(holder, line, parts, at.fy)
    parts = _as_ruled(standing[line.id], parts, not_eligible, reason)
    belongs = Belongs(Outcome.PLACED, at.fy, at.quarter, tuple(parts), reason.strip())
    move(act, holder, standing, [(line, belongs)], reason, "place")


def leave_out(act: Act, holder: Holder, lines: Sequence[LedgerLine], reason: str, *, seq: int | None = None) -> None:
    """The lines are none of the grant's, for a reason that the reconciliation shows. Raises Refused."""
    if not reason.strip():
        raise Refused("Say why the line is left out", field="reason")
    standing = take(holder, lines, seq)
    items = [(line, Belongs(Outcome.LEFT_OUT, line.fy, line.quarter, reason=reason.strip())) for line in lines]
    move(act, holder, standing, items, reason, "leave_out")


def income(
    act: Act,
    holder: Holder,
    lines: Sequence[LedgerLine],
    match: Match | None,
    *,
    reason: str = "",
    seq: int | None = None,
) -> None:
    """The lines are income: of the grant, or the cash of a ``match``. Neither ever enters a claim. Raises Refused."""
    standing = take(holder, lines, seq)
    _refuse_move_without_reason(standing, reason)
    refuse_like_entries(lines)
    items = []
    for line in lines:
        if match is None:
            belongs = Belongs(Outcome.GRANT_INCOME, line.fy, line.quarter, reason=reason.strip())
        else:
            _refuse_other_match(holder, line, match)
            if line.cost_pence == 0:
                raise Refused(f"{line_words(line)} comes to £0.00: leave it out")
            parts = (Part(line.cost_pence, match_id=match.id),)
            belongs = Belongs(Outcome.MATCH_INCOME, line.fy, line.quarter, parts, reason.strip())
        items.append((line, belongs))
    move(act, holder, standing, items, reason, "income")


def carry(
    act: Act, holder: Holder, lines: Sequence[LedgerLine], past: When, reason: str, *, seq: int | None = None
) -> None:
    """The return of a quarter goes on without these waiting lines, which stay in the queue. Raises Refused."""
    if not reason.strip():
        raise Refused("Say why the return can go on without the line: the certifier reads it", field="reason")
    standing = take(holder, lines, seq)
    queued = _queued(lines)
    items = []
    for line in lines:
        if line.id not in queued:
            raise Refused(f"{line_words(line)} does not wait, so there is nothing to carry")
        if (past.fy, past.quarter) < (line.fy, line.quarter):
            raise Refused(
                f"{line_words(line)} is of {quarter_short(line.fy, line.quarter)}: the return of "
                f"{quarter_short(past.fy, past.quarter)} does without it already",
                field="past",
            )
        row = queued[line.id]
        items.append(
            (
                line,
                Belongs(
                    Outcome.CARRIED,
                    past.fy,
                    past.quarter,
                    reason=reason.strip(),
                    why=row.why,
                    hint=row.hint,
                    entry_id=row.entry_id,
                ),
            )
        )
    move(act, holder, standing, items, reason, "carry")


def put_back(act: Act, holder: Holder, lines: Sequence[LedgerLine], reason: str, *, seq: int | None = None) -> None:
    """The lines wait again, and their entries are reversed. Raises Refused."""
    if not reason.strip():
        raise Refused("Say why the line is put back", field="reason")
    standing = take(holder, lines, seq)
    if any(each.belongs.outcome is Outcome.WAITING for each in standing.values()):
        raise Refused("A line that waits already cannot be put back")
    hint = reason.strip()[:LONGEST_REASON]
    items = [
        (line, Belongs(Outcome.WAITING, line.fy, line.quarter, reason=hint, why=WhyWaiting.PUT_BACK, hint=hint))
        for line in lines
    ]
    move(act, holder, standing, items, reason, "put_back")


def take(holder: Holder, lines: Sequence[LedgerLine], seq: int | None = None) -> dict[int, Standing]:
    """Lock the ledger and read where the lines stand. Raises Refused for another's, a withdrawn or a changed one."""
    if not lines:
        raise Refused("Choose at least one line", field="lines")
    if any(line.holder_id != holder.id for line in lines):
        raise ValueError("the lines are another holder's")
    lock_ledger(holder.id)
    uploads = {line.upload_id for line in lines}
    if db.session.scalar(select(UploadWithdrawal.upload_id).where(UploadWithdrawal.upload_id.in_(uploads)).limit(1)):
        raise Refused("The file of this line was withdrawn, so the line no longer counts")
    standing = standing_of(lines)
    if seq is not None and any(each.seq != seq for each in standing.values()):
        raise ChangedMeanwhile("Somebody placed this line since you opened the page. Look at where it is now")
    return standing


def move(
    act: Act,
    holder: Holder,
    standing: Mapping[int, Standing],
    items: Sequence[tuple[LedgerLine, Belongs]],
    reason: str,
    action: str,
) -> None:
    """Write the new places with the entries that follow, the queue and the movements, and one audit line."""
    if len(reason.strip()) > LONGEST_REASON:
        raise Refused(f"Use {LONGEST_REASON} characters or fewer", field="reason")
    checked = _with_eligibility(holder, items)
    book = Book(act, holder.id)
    why = reason.strip() or "Placed elsewhere"
    book.move([(facts_of(line), standing[line.id], belongs) for line, belongs in checked], why)
    book.close()
    _record(act, holder, action, standing, checked)


def refuse_other_funding(holder: Holder, line: LedgerLine, funding: Funding, fy: int) -> None:
    """Raises Refused when a funding is another holder's or another year's: DESIGN.md rule 5."""
    if funding.holder_id != holder.id:
        raise Refused("Choose a funding of this holder", field="to")
    if funding.fy != fy:
        raise Refused(
            f"{line_words(line)} would count in {fy_label(fy)} and {funding.ref} is of {fy_label(funding.fy)}: "
            "choose a funding of the same year",
            field="to",
        )


def line_words(line: LedgerLine) -> str:
    """A line in few words: "Line INV 7 of row 12, £100.00"."""
    document = f"{line.document} of row {line.row_no}" if line.document else f"of row {line.row_no}"
    return f"Line {document}, {format_pounds(line.cost_pence)},"


def may_count_in(line: LedgerLine) -> list[When]:
    """The quarters that a line may be placed in: its own, the earlier ones of its year, the old year's quarter 4."""
    own = [When(line.fy, quarter) for quarter in range(line.quarter, 0, -1)]
    return [*own, When(line.fy - 1, QUARTERS[-1])]


def _queued(lines: Sequence[LedgerLine]) -> dict[int, QueueLine]:
    rows = db.session.scalars(select(QueueLine).where(QueueLine.line_id.in_([line.id for line in lines])))
    return {row.line_id: row for row in rows}


def _refuse_bad_when(line: LedgerLine, when: When | None, reason: str) -> When:
    own = When(line.fy, line.quarter)
    if when is None or when == own:
        return own
    if when not in may_count_in(line):
        raise Refused(
            f"The ledger has it in {quarter_short(line.fy, line.quarter)}: choose that quarter, an earlier one, or "
            f"quarter 4 of {fy_label(line.fy - 1)}",
            field="when",
        )
    if not reason.strip():
        raise Refused("Say why this belongs to an earlier quarter than the ledger has it in", field="reason")
    return when


def _refuse_move_without_reason(standing: Mapping[int, Standing], reason: str) -> None:
    if not reason.strip() and any(each.belongs.outcome not in _WAITS for each in standing.values()):
        raise Refused("Say why the line is moved", field="reason")


def _refuse_bad_parts(holder: Holder, line: LedgerLine, parts: Sequence[Part], fy: int) -> None:
    if not parts:
        raise Refused("Choose where the line goes", field="parts")
    if any(part.pence == 0 or (part.pence < 0) != (line.cost_pence < 0) for part in parts):
        sign = "with a minus sign, as the line is" if line.cost_pence < 0 else "above £0.00, as the line is"
        raise Refused(f"Enter each part {sign}", field="parts")
    total = sum(part.pence for part in parts)
    if total != line.cost_pence:
        difference = line.cost_pence - total
        words = "left over" if (difference < 0) == (line.cost_pence < 0) else "too much"
        raise Refused(
            f"The parts come to {format_pounds(total)} and the line to {format_pounds(line.cost_pence)}: "
            f"{format_pounds(abs(difference))} is {words}",
            field="parts",
        )
    places = [(part.funding_id, part.match_id) for part in parts]
    if len(set(places)) != len(places):
        raise Refused("Choose each place once: put its amounts together", field="parts")
    for part in parts:
        if part.funding_id is not None:
            refuse_other_funding(holder, line, db.session.get_one(Funding, part.funding_id), fy)
        if part.match_id is not None:
            _refuse_other_match(holder, line, db.session.get_one(Match, part.match_id), fy)


def _refuse_other_match(holder: Holder, line: LedgerLine, match: Match, fy: int | None = None) -> None:
    plan_line = match.plan_line
    if plan_line.holder_id != holder.id or match.kind is not MatchKind.CASH:
        raise Refused("Choose a match in cash of this holder", field="match")
    if plan_line.fy != (line.fy if fy is None else fy):
        raise Refused(
            f"{line_words(line)} counts in {fy_label(line.fy if fy is None else fy)} and this match is of "
            f"{fy_label(plan_line.fy)}: choose a match of the same year",
            field="match",
        )


def _as_ruled(standing: Standing, parts: Sequence[Part], not_eligible: bool | None, reason: str) -> list[Part]:
    """The parts with what somebody has said of their eligibility; the terms are asked of the others."""
    kept = {part.funding_id: part.reason for part in standing.belongs.parts if not part.eligible}
    if not_eligible:
        words = next(iter(kept.values()), "") or reason.strip()
        if not words:
            raise Refused("Say why the grant does not pay for this", field="reason")
        kept = {part.funding_id: kept.get(part.funding_id) or words for part in parts if part.funding_id is not None}
    elif not_eligible is False:
        kept = {}
    return [
        replace(part, eligible=False, reason=kept[part.funding_id]) if part.funding_id in kept else part
        for part in parts
    ]


def _with_eligibility(holder: Holder, items: Sequence[tuple[LedgerLine, Belongs]]) -> list[tuple[LedgerLine, Belongs]]:
    """Each part to a funding with the verdict of the grant's terms; what is marked not eligible stays so."""
    placed = {belongs.fy for _, belongs in items if belongs.outcome is Outcome.PLACED}
    limits = limits_for(holder.id, placed) if placed else {}
    checked = []
    for line, belongs in items:
        parts = []
        for part in belongs.parts:
            if part.funding_id is not None and part.eligible:
                verdict = limits[part.funding_id].verdict(line.posted_on, line.account)
                part = replace(part, eligible=verdict.eligible, reason=verdict.reason)
            parts.append(part)
        checked.append((line, replace(belongs, parts=tuple(parts))))
    return checked


def _record(
    act: Act,
    holder: Holder,
    action: str,
    standing: Mapping[int, Standing],
    items: Sequence[tuple[LedgerLine, Belongs]],
) -> None:
    """One line of the audit: of a single ledger line where it was and is, of several their count, sum and digest."""
    if len(items) == 1:
        line, belongs = items[0]
        subject, ref = "ledger_line", f"{holder.ref}/{line.id}"
        before, after = said(standing[line.id].belongs), said(belongs)
    else:
        subject, ref = "ledger_lines", holder.ref
        before = None
        after = {
            "lines": len(items),
            "pence": sum(line.cost_pence for line, _ in items),
            "digest": digest_of(facts_of(line) for line, _ in items),
            "outcome": sorted({belongs.outcome.value for _, belongs in items}),
            "reason": items[0][1].reason,
        }
    audit.record(act, action, subject, ref, area_id=holder.area_id, holder_id=holder.id, before=before, after=after)


def digest_of(lines: Iterable[LineFacts]) -> str:
    """SHA-256 over the ids and amounts of lines, in their order."""
    return hashlib.sha256("\n".join(f"{line.id} {line.pence}" for line in lines).encode()).hexdigest()


def said(belongs: Belongs) -> dict[str, object]:
    """Where a line belongs, in plain values for the audit."""
    return {
        "outcome": belongs.outcome.value,
        "fy": belongs.fy,
        "quarter": belongs.quarter,
        "reason": belongs.reason,
        "parts": [
            {"pence": part.pence, "funding": part.funding_id, "match": part.match_id}
            | ({} if part.eligible else {"eligible": False, "why": part.reason})
            for part in belongs.parts
        ],
    }
