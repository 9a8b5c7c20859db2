"""The sections of a decision pack that say what was decided, on which conditions, and who agreed."""

from exports.papers import (
    Head,
    PaperCell,
    PaperTable,
    Pounds,
    Section,
    joined,
)
from svd_tracker.approvals import queries as approvals
from svd_tracker.calculations.figures import Category
from svd_tracker.decisions import queries
from svd_tracker.decisions.models import Decision
from svd_tracker.decisions.pack_reading import Read
from svd_tracker.grants.split import short_name
from svd_tracker.periods import format_date


def decisions(read: Read) -> Section:
    heads = (
        Head("Ref", width=9),
        Head("Proposal", width=36),
        Head("Partnership", width=16),
        Head("Decision", width=14),
        *(Head(each.label, True, 16) for each in Category),
        Head("Reason", width=48),
        Head("When", width=30),
    )
    rows: list[tuple[PaperCell, ...]] = []
    for row, made in read.decided():
        amounts = queries.amounts_of(made)
        told = not read.public or made.outcome.funds
        rows.append(
            (
                row.ref,
                row.title,
                short_name(row.holder),
                made.outcome.label,
                *(Pounds(amounts[each]) if made.outcome.funds else None for each in Category),
                made.reason if told else None,
                _when(made),
            )
        )
    return Section(
        "Decisions", "Decisions", tables=(PaperTable("Decisions", heads, tuple(rows), "Nothing is decided yet."),)
    )


def _when(made: Decision) -> str:
    votes = [
        f"{count} {words}"
        for count, words in (
            (made.votes_for, "for"),
            (made.votes_against, "against"),
            (made.votes_abstained, "abstained"),
        )
        if count is not None
    ]
    chair = ""
    if made.chairs_action:
        report = made.report
        reported = (
            f"reported {format_date(report.meeting_on)}, {report.minute_ref}" if report else "still to be reported"
        )
        chair = f"chair's action, {reported}"
    return joined([f"{format_date(made.decided_on)}, {made.minute_ref}", ", ".join(votes), chair])


def conditions(read: Read) -> Section:
    rows: list[tuple[PaperCell, ...]] = []
    for row, made in read.decided():
        for condition in made.conditions:
            state = queries.state_of(condition)
            rows.append(
                (
                    row.ref,
                    short_name(row.holder),
                    condition.text,
                    None if read.public else condition.owner,
                    format_date(condition.due_on) if condition.due_on else None,
                    state.value if state else "open: what is spent before is at risk",
                )
            )
    heads = (
        Head("Ref", width=9),
        Head("Partnership", width=16),
        Head("Condition", width=50),
        Head("Who", width=22),
        Head("By", width=18),
        Head("State", width=24),
    )
    return Section(
        "Conditions", "Conditions", tables=(PaperTable("Conditions", heads, tuple(rows), "There are none."),)
    )


def approvals_of(read: Read) -> Section:
    """The approvals: who must agree before the money is spent, and who has."""
    rows: list[tuple[PaperCell, ...]] = []
    for row, made in read.decided():
        approval = read.approvals.get(made.approval_id or 0)
        if approval is None or not made.outcome.funds:
            continue
        for step in approval.steps:
            if step.agreed:
                on = format_date(step.agreed_on) if step.agreed_on else None
                rows.append((row.ref, short_name(row.holder), step.body.label, on, step.reference))
        rows += [
            (row.ref, short_name(row.holder), body.label, None, "not yet: what is spent before is at risk")
            for body in approvals.outstanding(approval)
        ]
    heads = (
        Head("Ref", width=9),
        Head("Partnership", width=16),
        Head("Body", width=24),
        Head("Agreed on", width=20),
        Head("Reference", width=44),
    )
    return Section("Approvals", "Approvals", tables=(PaperTable("Who agreed", heads, tuple(rows), "There are none."),))
