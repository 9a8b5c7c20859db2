"""Commands: build a return, list the returns."""

import re

import click
from flask.cli import with_appcontext

from svd_tracker.accounts.access import act_as, today
from svd_tracker.act import Source
from svd_tracker.calculations.figures import ObligationKind
from svd_tracker.cli import answer, say
from svd_tracker.errors import Refused
from svd_tracker.extensions import db
from svd_tracker.money import format_pounds
from svd_tracker.periods import format_date
from svd_tracker.returns import figures_store, obligation_queries, queries
from svd_tracker.returns.period_words import obligation_words
from svd_tracker.returns.services import draft_return


@click.group()
def returns() -> None:
    """The returns of each holder."""


@returns.command()
@click.argument("holder")
@click.argument("period")
@click.option("--grant", help="The grant's reference, when the holder has several.")
@click.option("--json", "as_json", is_flag=True, help="One JSON value, for a program.")
@with_appcontext
def build(holder: str, period: str, grant: str | None, as_json: bool) -> None:
    """Build the draft of a return: svd returns build dorset 2025-Q1, or 2025-provisional, or 2025-final."""
    given = re.fullmatch(r"([0-9]{4})-?(?:[Qq]([1-4])|(provisional|final))", period)
    if given is None:
        words = "use a year and a quarter, like 2025-Q1 for April to June 2025, or 2025-provisional, or 2025-final"
        raise click.BadParameter(words, param_hint="PERIOD")
    fy, number, kind = int(given[1]), int(given[2] or 4), ObligationKind(given[3] or ObligationKind.IN_YEAR)
    every = obligation_queries.find_obligations(holder, fy, number, kind)
    found = [each for each in every if grant in (None, each.grant.ref)]
    if not found:
        raise Refused(f"There is no return of {holder} for {obligation_words(fy, number, kind)}: see svd returns list")
    if len(found) > 1:
        refs = ", ".join(each.grant.ref for each in found)
        raise Refused(f"{holder} has a return for several grants: say which with --grant ({refs})")
    revision = draft_return(found[0].id, act_as(None, Source.COMMAND))
    db.session.commit()
    newest = queries.newest_build(revision.id)
    assert newest is not None
    figures = figures_store.from_rows(figures_store.load([newest.id])[newest.id])
    file = queries.files_of(revision_id=revision.id)[0]
    findings = [each.severity for each in queries.findings_of(newest.id)]
    if as_json:
        answer(
            {
                "return": revision.of.ref,
                "build": newest.build_no,
                "spent_to_date_pence": figures.total.to_date,
                "claimed_now_pence": figures.total.claimed_now,
                "errors": findings.count("error"),
                "warnings": findings.count("warning"),
                "file": file.name,
                "sha256": file.sha256,
            }
        )
        return
    say(f"Draft {revision.of.ref}, build {newest.build_no}: {file.name}")
    say(
        f"Spent to date {format_pounds(figures.total.to_date)}, "
        f"claimed now {format_pounds(figures.total.claimed_now)}; "
        f"{_count(findings, 'error')}, {_count(findings, 'warning')}"
    )


def _count(found: list[str], severity: str) -> str:
    number = found.count(severity)
    return f"{number} {severity}{'' if number == 1 else 's'}"


@returns.command("list")
@click.option("--json", "as_json", is_flag=True, help="One JSON value, for a program.")
@with_appcontext
def list_(as_json: bool) -> None:
    """Every return that is due, with its dates and how far it is."""
    rows = obligation_queries.list_obligations(None)
    if as_json:
        answer(
            [
                {
                    "obligation": row.ref,
                    "grant": row.grant_name,
                    "holder": row.holder_name,
                    "fy": row.fy,
                    "last_quarter": row.last_quarter,
                    "kind": row.kind.value,
                    "draft_on": row.draft_on,
                    "certify_on": row.certify_on,
                    "due_on": row.due_on,
                    "state": row.state.value if row.state else None,
                    "revision": row.revision_no,
                    "late": row.is_late(today()),
                }
                for row in rows
            ]
        )
        return
    for row in rows:
        late = ", late" if row.is_late(today()) else ""
        state = row.state.value if row.state else "not built"
        dates = f"draft {format_date(row.draft_on)}, certify {format_date(row.certify_on)}"
        say(f"{row.ref}: {row.words}, {state}{late}; {dates}, due {format_date(row.due_on)}")
    if not rows:
        say("There are no returns yet: a grant needs allocations and terms that are offered or signed.")


commands = (returns,)
