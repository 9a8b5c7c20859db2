"""The first quarter of 2025/26: a ledger file, typed entries, match, milestones, forecasts."""

import csv
import datetime as dt
import io

from svd_tracker.act import Source
from svd_tracker.calculations.figures import EntryKind
from svd_tracker.delivery import queries as delivery
from svd_tracker.delivery import services as delivery_services
from svd_tracker.delivery.models import MilestoneState
from svd_tracker.demo.load_year import the_funding, the_holder
from svd_tracker.demo.story import COORDINATOR, FINANCE_OFFICER, YEAR, act, ledger_template, pence, story
from svd_tracker.extensions import db
from svd_tracker.files.models import UploadState
from svd_tracker.finance import match_queries, match_services
from svd_tracker.finance import queries as finance
from svd_tracker.finance import services as finance_services
from svd_tracker.finance.intake.mappings import save_mapping
from svd_tracker.finance.intake.receive import receive_file
from svd_tracker.finance.intake.summary import findings_of
from svd_tracker.finance.intake.take_in import take_in
from svd_tracker.finance.models import MatchStage
from svd_tracker.interventions import queries as interventions
from svd_tracker.interventions.models import PlanLine
from svd_tracker.periods import quarter_end
from svd_tracker.readers.ledger_layout import Layout, find_headings, guess
from svd_tracker.readers.table_file import open_table

QUARTER = 1
LEDGER_FILE = "dorset q1 2025-26.csv"


def ledger_file() -> bytes:
    """The Dorset ledger file of the quarter, with the refs that the fundings were given."""
    table = list(csv.DictReader(io.StringIO(ledger_template())))
    for row in table:
        title, _, category = row["Funding"].partition("/")
        row["Funding"] = the_funding("dorset", YEAR, category, title=title)[1].ref
    written = io.StringIO()
    writer = csv.DictWriter(written, fieldnames=list(table[0]), lineterminator="\r\n")
    writer.writeheader()
    writer.writerows(table)
    return written.getvalue().encode("utf-8-sig")


def load_first_quarter() -> None:
    """Everything that a finance officer and a coordinator put in by the first days of July 2025."""
    end = quarter_end(YEAR, QUARTER)
    told = story()["first_quarter"]
    _take_in_the_ledger(end)
    for one in told["entries"]:
        holder, funding = the_funding(one["holder"], YEAR, one["category"], title=one["title"])
        total = one.get("document_total")
        finance_services.post_entry(
            act(FINANCE_OFFICER[holder.ref], end),
            finance.get_funding(funding.id),
            kind=EntryKind(one.get("kind", "actual")),
            spent_on=one["on"],
            document=one["document"],
            pence=pence(one["amount"]),
            document_total_pence=pence(total) if total else None,
            supplier=one.get("supplier", ""),
            description=one["text"],
        )
    db.session.commit()
    for one in told["match"]:
        line = the_plan_line(one["holder"], one["title"])
        match = match_queries.match_of_plan_line(line.id)[0]
        match_services.add_event(
            act(COORDINATOR[one["holder"]], one["on"]),
            match_queries.get_match(match.match_id),
            MatchStage(one["stage"]),
            pence(one["amount"]) if "amount" in one else None,
            one["on"],
            one["evidence"],
            hours_hundredths=pence(one["hours"]) if "hours" in one else None,
            rate_pence=pence(one["rate"]) if "rate" in one else None,
        )
    db.session.commit()
    for one in told["reached"] + told["slipped"]:
        line = the_plan_line(one["holder"], one["title"])
        now = next(item for item in delivery.milestones_of([line.id])[line.id] if item.title == one["milestone"])
        delivery_services.note_milestone(
            delivery.get_milestone(now.milestone_id),
            MilestoneState.SLIPPED if "to" in one else MilestoneState.REACHED,
            one["on"],
            one.get("to"),
            one.get("why", ""),
            act(COORDINATOR[one["holder"]], one["on"]),
        )
    db.session.commit()
    _forecast()


def _take_in_the_ledger(on: dt.date) -> None:
    """The council's extract, read by a mapping that is kept for the next one."""
    officer, holder, content = act(FINANCE_OFFICER["dorset"], on, Source.IMPORT), the_holder("dorset"), ledger_file()
    found = find_headings(open_table(content, LEDGER_FILE).rows())
    layout = Layout(found.headings, guess(found.headings, found.sample).columns, vat_in_net=False)
    mapping = save_mapping(officer, holder, "Ledger extract", layout)
    file = receive_file(officer, holder, LEDGER_FILE, content)
    db.session.commit()
    upload = take_in(officer, holder, file, mapping)
    db.session.commit()
    if upload.state is not UploadState.TAKEN_IN:
        messages = [one.message for one in findings_of(upload)]
        raise LookupError(f"the demonstration's ledger file was not taken in: {messages}")


def _forecast() -> None:
    """Each later quarter as profiled, most of them making up for a light or heavy first; a note says why."""
    on = quarter_end(YEAR, QUARTER) + dt.timedelta(days=1)
    notes = story()["forecast_notes"]
    for ref, email in FINANCE_OFFICER.items():
        for funding in finance.fundings(the_holder(ref).id, YEAR):
            spent = finance.spent_by_funding([funding.id]).get((funding.id, QUARTER), 0)
            later = {quarter: sum_ for quarter, sum_ in funding.profile.items() if quarter > QUARTER}
            moved = funding.profile[QUARTER] - spent
            if funding.title not in story()["first_quarter"]["forecast_as_profiled"]:
                later[max(later)] += moved  # what the first quarter left, or took, comes at the end
            finance_services.save_forecast(
                act(email, on),
                finance.get_funding(funding.id),
                later,
                notes.get(funding.title, "In line with the delivery plan."),
                0,
            )
    db.session.commit()


def the_plan_line(holder_ref: str, title: str) -> PlanLine:
    for line in interventions.plan_lines(the_holder(holder_ref).id, YEAR):
        if line.intervention.title == title:
            return line
    raise LookupError(f"{holder_ref} has no plan line {title}")
