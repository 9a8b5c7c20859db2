"""What a return's page shows of its life beside its figures: its revisions, where it was sent, what changed and why."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from svd_tracker.accounts.queries import person_names
from svd_tracker.calculations.changes import Changes, FigureChange, by_line, changes_in_words
from svd_tracker.calculations.figures import ReturnFigures
from svd_tracker.errors import NotFound
from svd_tracker.files.models import FileLink
from svd_tracker.returns import area_records, changing, queries, revision_queries
from svd_tracker.returns.models import FigureBuild, ReturnRevision, RevisionState, Sending
from svd_tracker.returns.revision_queries import RevisionRow
from svd_tracker.returns.revisions import is_own, may_reopen


@dataclass(frozen=True)
class LineChange:
    """What changed of one line, in words, and the reason given. ``ref`` is empty for the return's totals."""

    ref: str
    title: str
    words: str
    reason: str
    asks_reason: bool


@dataclass(frozen=True)
class Life:
    """How far a revision has come. ``changes`` is None where there is nothing to be compared with."""

    state: RevisionState
    is_newest: bool
    may_open_again: bool  # no later return of the year is certified
    is_own: bool  # the OPCC's own: certified, it is with the OPCC
    reopens: bool  # its certifier may open it again
    with_funder: bool  # in the area return: what is asked of it is recorded there
    opened: str
    revisions: tuple[RevisionRow, ...]
    names: Mapping[int | None, str]
    sending: Sending | None
    receipts: Sequence[FileLink]
    changes: Changes | None
    lines: tuple[LineChange, ...]

    @property
    def unexplained(self) -> tuple[LineChange, ...]:
        return tuple(line for line in self.lines if line.asks_reason and not line.reason)


def load_life(revision: ReturnRevision, build: FigureBuild | None, figures: ReturnFigures | None, drafts: bool) -> Life:
    """The life of a revision. ``drafts``: the reader sees what is not certified, and why it was begun.

    A fixed number of queries.
    """
    obligation = revision.of.obligation
    rows = revision_queries.revisions_of(revision.finance_return_id)
    shown = tuple(row for row in rows if drafts or row.state.is_certified)
    certified = revision.state.is_certified
    sending = revision_queries.sending_of(revision.id) if certified else None
    changes = None
    if build is not None and figures is not None:
        changes = changing.changes_of(obligation, revision.id, build.base_build_id, figures)
    state = next(row.state for row in rows if row.id == revision.id)
    may_open_again = certified and not queries.later_certified(obligation)
    return Life(
        state=state,
        is_newest=rows[0].id == revision.id,
        may_open_again=may_open_again,
        is_own=is_own(obligation),
        reopens=may_open_again and may_reopen(revision, state),
        with_funder=state is RevisionState.SENT and bool(area_records.with_funder([revision.id])),
        opened=revision_queries.opened_because(revision.id) if drafts and len(rows) > 1 else "",
        revisions=shown,
        names=person_names(row.by for row in shown) if len(shown) > 1 else {},
        sending=sending,
        receipts=revision_queries.receipts_of(sending),
        changes=changes,
        lines=line_changes(changes, obligation.fy) if changes else (),
    )


def changes_shown(revision: ReturnRevision) -> Changes:
    """What a revision's newest build changed. Raises NotFound where there is nothing to be compared with."""
    build = queries.newest_build(revision.id)
    if build is None:
        raise NotFound("build")
    figures = changing.figures_of(build.id)
    changes = changing.changes_of(revision.of.obligation, revision.id, build.base_build_id, figures)
    if changes is None:
        raise NotFound("changes")
    return changes


def lines_to_explain(revision: ReturnRevision, build: FigureBuild) -> list[LineChange]:
    """The lines of a draft that changed or fell, by ref, with the reasons given so far."""
    figures = changing.figures_of(build.id)
    facts = changing.facts_for(revision.of.obligation, revision, figures)
    titles = {line.ref: line.title for line in figures.lines}
    return [
        LineChange(
            ref,
            titles.get(ref, ref),
            "; ".join(words[ref] for words in (facts.changed, facts.fell) if ref in words),
            facts.reasons.get(ref, ""),
            True,
        )
        for ref in sorted({*facts.changed, *facts.fell})
    ]


def line_changes(changes: Changes, fy: int) -> tuple[LineChange, ...]:
    """The changes of a return by line; those of its allocations and total stand last and need no reason."""
    found = [
        LineChange(ref, each[0].title, changes_in_words(each, fy), changes.reasons.get(ref, ""), True)
        for ref, each in by_line(changes.figures).items()
    ]
    totals: dict[str, list[FigureChange]] = {}
    for figure in changes.figures:
        if not figure.is_of_a_line:
            totals.setdefault(figure.title, []).append(figure)
    found += [LineChange("", title, changes_in_words(each, fy), "", False) for title, each in totals.items()]
    return tuple(found)
