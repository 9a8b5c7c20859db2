"""Deciding the new lines of a file, and counting what that comes to: shares, quarters, warnings."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from sqlalchemy import select

from svd_tracker.extensions import db
from svd_tracker.finance import queries
from svd_tracker.finance.intake.context import Opposites, load_known, opposites_of
from svd_tracker.finance.intake.decide import decide
from svd_tracker.finance.intake.models import Outcome, WhyWaiting
from svd_tracker.finance.intake.sift import Gone, Sifted
from svd_tracker.finance.intake.spool import BATCH, Line, Spool
from svd_tracker.finance.intake.summary import Share, Summary
from svd_tracker.finance.models import Funding
from svd_tracker.finance.placing.book import Belongs
from svd_tracker.money import format_pounds
from svd_tracker.periods import quarter_short

_WAITS = {
    WhyWaiting.NO_RULE: "No rule places them",
    WhyWaiting.NO_FUNDING: "There is no funding for them",
    WhyWaiting.LIKE_AN_ENTRY: "They look like typed entries",
    WhyWaiting.OLD_YEAR: "They seem to belong to the old year",
    WhyWaiting.LIKE_A_LINE: "They look like lines that are here already",
}
_ORDER = (
    Outcome.PLACED,
    Outcome.LEFT_OUT,
    Outcome.GRANT_INCOME,
    Outcome.MATCH_INCOME,
    Outcome.WAITING,
)


class New(NamedTuple):
    """A new line: its position in the file, from 0, and its number among real lines that say the same."""

    position: int
    line: Line
    occurrence: int


class Deciding:
    """The new lines of one file against what stands. Under the ledger's lock where they are to be placed."""

    def __init__(self, holder_id: int, spool: Spool, sifted: Sifted, gone: Gone) -> None:
        self.holder_id, self.spool, self.sifted, self.gone = holder_id, spool, sifted, gone
        self.findings = spool.findings
        self.known = load_known(holder_id, spool.fys)
        self._shares: dict[tuple[Outcome, int | None, str], list[int]] = {}
        self._quarters: dict[int, int] = {}
        self._counted: dict[tuple[int, int, int], int] = {}  # lines by funding, fy and quarter
        self._unfunded: dict[str, list[int]] = {}
        self._alike: dict[str, list[int]] = {}  # lines and pence, by the file that has lines like them

    def batches(self) -> Iterator[tuple[Sequence[New], Sequence[Belongs]]]:
        """The new lines of each batch of the file, and where each belongs."""
        here = Opposites()  # wherever in the file they are: a release may come before its accrual
        for accrual in self.spool.accruals:
            here.add(accrual)
        for start, batch in zip(range(0, self.spool.count, BATCH), self.spool.batches(), strict=True):
            numbers = self.sifted.occurrences[start : start + len(batch)]
            new = [
                New(position, line, number)
                for position, (line, number) in enumerate(zip(batch, numbers, strict=True), start)
                if number
            ]
            opposites = opposites_of(self.holder_id, [each.line for each in new])
            opposites.own = here.own | opposites.own
            belongs = [
                self._like_a_line(each) or decide(each.line, self.known, opposites.undone_by(each.line)) for each in new
            ]
            for each, where in zip(new, belongs, strict=True):
                self._count(each.line, where)
            yield new, belongs

    def _like_a_line(self, new: New) -> Belongs | None:
        """That a line waits because one that stands says the same, read another way; each stands for one new line."""
        line = new.line
        standing = self.gone.alike.get(self.spool.likenesses[new.position], []) if line.cost_pence else []
        found = next((each for each in standing if each.may_be(line.cost_centre)), None)
        if found is None:
            return None
        standing.remove(found)
        alike = self._alike.setdefault(found.file_name, [0, 0])
        alike[0] += 1
        alike[1] += line.cost_pence
        hint = f"Looks the same as row {found.row_no} of {found.file_name[:120]}, which is here already"
        return Belongs(Outcome.WAITING, line.fy, line.quarter, why=WhyWaiting.LIKE_A_LINE, hint=hint)

    def _count(self, line: Line, belongs: Belongs) -> None:
        outcome, pence = belongs.outcome, line.cost_pence
        label = belongs.why.value if outcome is Outcome.WAITING else "" if belongs.rule_id else belongs.reason
        share = self._shares.setdefault((outcome, belongs.rule_id, label), [0, 0])
        share[0] += 1
        share[1] += pence
        quarter = line.fy * 10 + line.quarter
        self._quarters[quarter] = self._quarters.get(quarter, 0) + pence
        if outcome is Outcome.PLACED:
            for part in belongs.parts:
                if part.funding_id is not None:
                    key = (part.funding_id, belongs.fy, belongs.quarter)
                    self._counted[key] = self._counted.get(key, 0) + 1
        elif outcome is Outcome.WAITING:
            if belongs.why is WhyWaiting.LIKE_AN_ENTRY:
                self.findings.warn("like_an_entry", f"Row {line.row_no}: {_lower(belongs.hint)}. It waits", line.row_no)
            elif belongs.why is WhyWaiting.OLD_YEAR:
                self.findings.warn("old_year", f"Row {line.row_no}: {_lower(belongs.hint)}. It waits", line.row_no)
            elif belongs.why is WhyWaiting.NO_FUNDING:
                unfunded = self._unfunded.setdefault(belongs.hint, [0, 0])
                unfunded[0] += 1
                unfunded[1] += pence

    def summary(self) -> Summary:
        """The numbers, when all batches are decided."""
        titles = {rule.id: rule.title for rule in self.known.rules.rules}
        shares = [
            Share(outcome.value, _label(outcome, rule_id, label, titles), rule_id, lines, pence)
            for (outcome, rule_id, label), (lines, pence) in self._shares.items()
        ]
        shares.sort(key=lambda share: (_ORDER.index(Outcome(share.outcome)), -share.lines, share.label))
        return Summary(
            new_lines=self.sifted.new_lines,
            new_pence=self.sifted.new_pence,
            known_lines=sum(self.sifted.known.values()),
            shares=tuple(shares),
            periods=dict(sorted(self.spool.periods.items())),
            quarters=dict(sorted(self._quarters.items())),
            dropped_lines=len(self.gone.dropped),
            dropped_pence=self.gone.dropped_pence,
            back_lines=len(self.gone.back),
            left_out_totals=self.spool.left_out_totals,
            left_out_zero=self.spool.left_out_zero,
            hidden=self.spool.hidden,
        )

    def warn(self) -> None:
        """Add the warnings that are of the whole file, when all batches are decided."""
        gone = self.gone
        for name, (lines, pence) in sorted(self._alike.items()):
            look, they = ("looks", "it") if lines == 1 else ("look", "they")
            self.findings.warn(
                "like_a_line",
                f"{_lines(lines)}, {format_pounds(pence)}, {look} the same as what came with {name}, read another way: "
                f"{they} would count twice, and {_wait(lines)}",
            )
        for hint, (lines, pence) in sorted(self._unfunded.items()):
            self.findings.warn("no_funding", f"{hint}: {_lines(lines)}, {format_pounds(pence)}, {_wait(lines)}")
        for (code, words, eligible), (lines, pence) in sorted(self.known.flagged.items()):
            then = "" if eligible else ". Placed, and not claimed"
            self.findings.warn(code, f"{words}: {_lines(lines)}, {format_pounds(pence)}{then}")
        self._warn_of_closed_quarters()
        if gone.dropped:
            self.findings.warn(
                "dropped",
                f"{_lines(len(gone.dropped))} of earlier files, {format_pounds(gone.dropped_pence)}, "
                f"{'is' if len(gone.dropped) == 1 else 'are'} not in this one any more. Nothing is changed by itself",
            )

    def _warn_of_closed_quarters(self) -> None:
        """What counts in a closed quarter becomes an adjustment of the next return (FIGURES.md 3)."""
        funding_ids = {funding_id for funding_id, _, _ in self._counted}
        rows = db.session.execute(select(Funding.id, Funding.grant_id).where(Funding.id.in_(funding_ids)))
        grants = {funding_id: grant_id for funding_id, grant_id in rows}  # noqa: C416
        counts: dict[tuple[int, int, int], int] = {}
        for (funding_id, fy, quarter), lines in self._counted.items():
            key = (grants[funding_id], fy, quarter)
            counts[key] = counts.get(key, 0) + lines
        years = {(grant_id, fy) for grant_id, fy, _ in counts}
        closed = {each: queries.closed_quarters(self.holder_id, *each) for each in years}
        for (grant_id, fy, quarter), lines in sorted(counts.items()):
            if quarter in closed[grant_id, fy]:
                self.findings.warn(
                    "closed_quarter",
                    f"{_lines(lines)} {'counts' if lines == 1 else 'count'} in {quarter_short(fy, quarter)}, which "
                    f"{closed[grant_id, fy][quarter]} has closed: an adjustment in the next return",
                )


def covered(spool: Spool) -> tuple[int, int] | None:
    """The first and last period that the file's lines are of, as fy * 100 + period; None when it has none."""
    return (min(spool.periods), max(spool.periods)) if spool.periods else None


def _label(outcome: Outcome, rule_id: int | None, label: str, titles: dict[int, str]) -> str:
    if outcome is Outcome.WAITING:
        return _WAITS[WhyWaiting(label)]
    if rule_id is not None:
        return titles[rule_id]
    return label or "The file names the funding"


def _lines(count: int) -> str:
    return "1 line" if count == 1 else f"{count:,} lines"


def _wait(count: int) -> str:
    return "waits" if count == 1 else "wait"


def _lower(words: str) -> str:
    return words[:1].lower() + words[1:]
