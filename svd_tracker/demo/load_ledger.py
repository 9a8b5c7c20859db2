"""The Dorset ledger: rules, the quarter's file, a longer one ten days later, an invoice shared with match."""

import datetime as dt
from typing import Any

from sqlalchemy import select

from svd_tracker.accounts.models import Holder
from svd_tracker.act import Act, Source
from svd_tracker.calculations.figures import Category
from svd_tracker.calculations.placing import RuleKind, RuleOutcome, RulePart, RuleTests
from svd_tracker.demo.load_year import the_funding, the_holder
from svd_tracker.demo.story import FINANCE_OFFICER, YEAR, act, ledger_extract, pence, story
from svd_tracker.extensions import db
from svd_tracker.files.models import UploadState
from svd_tracker.finance import match_queries
from svd_tracker.finance.intake.mappings import find_by_name, save_mapping
from svd_tracker.finance.intake.models import LedgerLine, LedgerMapping
from svd_tracker.finance.intake.receive import receive_file
from svd_tracker.finance.intake.summary import findings_of
from svd_tracker.finance.intake.take_in import take_in
from svd_tracker.finance.placing import rules_store
from svd_tracker.finance.placing.book import Part
from svd_tracker.finance.placing.services import split
from svd_tracker.finance.reconcile.services import enter_control_total
from svd_tracker.interventions import queries as interventions
from svd_tracker.readers.ledger_layout import Layout, find_headings, guess
from svd_tracker.readers.ledger_values import parse_ledger_date
from svd_tracker.readers.table_file import open_table

JULY = dt.date(2025, 7, 10)


def ledger_file(until: dt.date) -> bytes:
    """The extract as it would have been on a day: the title, the headings, and the lines posted by then."""
    title, headings, *lines = ledger_extract().splitlines()
    posted = [line for line in lines if parse_ledger_date(line.split(",")[0]) <= until]
    return "\r\n".join([title, headings, *posted, ""]).encode("cp1252")


def load_quarter_of_ledger(end: dt.date) -> None:
    """On the quarter's last day: how the file is read, the rules, the file, the shared invoice, the control total."""
    officer, holder, told = act(FINANCE_OFFICER["dorset"], end, Source.IMPORT), the_holder("dorset"), story()["ledger"]
    content = ledger_file(end)
    found = find_headings(open_table(content, "ledger.csv").rows())
    layout = Layout(found.headings, guess(found.headings, found.sample).columns, vat_in_net=False)
    mapping = save_mapping(officer, holder, told["mapping"], layout)
    for one in told["rules"]:
        _save_rule(officer, holder, one)
    db.session.commit()
    _take_in(officer, holder, "Ledger to 30 June 2025.csv", content, mapping)
    for one in told["shared"]:
        _share(officer, holder, one)
    control = told["control"]
    enter_control_total(officer, holder, YEAR, control["quarter"], pence(control["total"]), control["source"])
    db.session.commit()


def load_longer_ledger() -> None:
    """Ten days later: a file that holds the first and adds July, with an invoice that was accrued and one unknown."""
    officer, holder = act(FINANCE_OFFICER["dorset"], JULY, Source.IMPORT), the_holder("dorset")
    mapping = find_by_name(holder.id, story()["ledger"]["mapping"])
    if mapping is None:
        raise LookupError("the demonstration's mapping is not there")
    _take_in(officer, holder, "Ledger to 10 July 2025.csv", ledger_file(JULY), mapping)


def _save_rule(officer: Act, holder: Holder, told: dict[str, Any]) -> None:
    parts = tuple(
        RulePart(_intervention(holder, one["title"]), Category(one["category"])) for one in told.get("to", ())
    )
    rules_store.save_rule(
        officer,
        holder,
        title=told["title"],
        priority=told["priority"],
        tests=RuleTests(cost_centre=told.get("cost_centre", ""), account=told.get("account", "")),
        outcome=RuleOutcome(RuleKind(told.get("outcome", "placed")), parts, told.get("reason", "")),
    )


def _intervention(holder: Holder, title: str) -> int:
    for line in interventions.plan_lines(holder.id, YEAR):
        if line.intervention.title == title:
            return line.intervention_id
    raise LookupError(f"{holder.ref} has no plan line {title}")


def _take_in(officer: Act, holder: Holder, name: str, content: bytes, mapping: LedgerMapping) -> None:
    file = receive_file(officer, holder, name, content)
    db.session.commit()
    upload = take_in(officer, holder, file, mapping)
    db.session.commit()
    if upload.state is not UploadState.TAKEN_IN:
        messages = [one.message for one in findings_of(upload)]
        raise LookupError(f"the demonstration's {name} was not taken in: {messages}")


def _share(officer: Act, holder: Holder, told: dict[str, str]) -> None:
    line = db.session.scalars(select(LedgerLine).where(LedgerLine.document == told["document"])).one()
    funding = the_funding("dorset", YEAR, "non_labour", title="Level-Up Project")[1]
    plan_line = interventions.find_plan_line(holder.id, YEAR, funding.intervention_id)
    if plan_line is None:
        raise LookupError("Level-Up is not in the plan")
    match = match_queries.match_of_plan_line(plan_line.id)[0]
    parts = [Part(pence(told["grant"]), funding_id=funding.id), Part(pence(told["match"]), match_id=match.match_id)]
    split(officer, holder, line, parts, reason=told["reason"])
