"""The first quarter of 2025/26: a ledger file, typed entries, match, milestones, forecasts."""

import datetime as dt

from svd_tracker.calculations.figures import EntryKind
from svd_tracker.calculations.moves import Shift
from svd_tracker.delivery import queries as delivery
from svd_tracker.delivery import services as delivery_services
from svd_tracker.delivery.models import MilestoneState
from svd_tracker.demo.load_ledger import load_longer_ledger, load_quarter_of_ledger
from svd_tracker.demo.load_year import the_funding, the_grant, the_holder
from svd_tracker.demo.story import COORDINATOR, FINANCE_OFFICER, OPCC_OFFICER, YEAR, act, pence, story
from svd_tracker.extensions import db
from svd_tracker.finance import match_queries, match_services
from svd_tracker.finance import queries as finance
from svd_tracker.finance import services as finance_services
from svd_tracker.finance.evidence import attach_to_match
from svd_tracker.finance.models import MatchStage
from svd_tracker.finance.moves import queries
from svd_tracker.finance.moves import services as moves
from svd_tracker.interventions import queries as interventions
from svd_tracker.interventions.models import PlanLine
from svd_tracker.periods import quarter_end

QUARTER = 1


def load_first_quarter() -> None:
    """Everything that a finance officer and a coordinator put in by the first days of July 2025."""
    end = quarter_end(YEAR, QUARTER)
    told = story()["first_quarter"]
    load_quarter_of_ledger(end)
    for one in told["entries"]:
        holder, funding = the_funding(one["holder"], YEAR, one["category"], title=one["title"])
        finance_services.post_entry(
            act(FINANCE_OFFICER[holder.ref], end),
            finance.get_funding(funding.id),
            kind=EntryKind(one.get("kind", "actual")),
            spent_on=one["on"],
            document=one["document"],
            pence=pence(one["amount"]),
            supplier=one.get("supplier", ""),
            description=one["text"],
        )
    db.session.commit()
    for one in told["match"]:
        line = the_plan_line(one["holder"], one["title"])
        match = match_queries.match_of_plan_line(line.id)[0]
        event = match_services.add_event(
            act(COORDINATOR[one["holder"]], one["on"]),
            match_queries.get_match(match.match_id),
            MatchStage(one["stage"]),
            pence(one["amount"]) if "amount" in one else None,
            one["on"],
            one["evidence"],
            hours_hundredths=pence(one["hours"]) if "hours" in one else None,
            rate_pence=pence(one["rate"]) if "rate" in one else None,
        )
        if name := one.get("file"):
            content = story()["files"][name].lstrip().encode()
            attach_to_match(act(COORDINATOR[one["holder"]], one["on"]), event, name, content)
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
    _virements(is_approved=True)
    _forecast()
    _virements(is_approved=False)
    load_longer_ledger()


def _virements(is_approved: bool) -> None:
    """Asked for by the finance officer; the OPCC's officer approves, or has not looked yet."""
    for one in story()["virements"]:
        if ("approved_on" in one) is not is_approved:
            continue
        quarter, amount = one["quarter"], pence(one["amount"])
        ids = [the_funding(one["holder"], YEAR, one["category"], title=one[end])[1].id for end in ("from", "to")]
        virement = moves.request_virement(
            act(FINANCE_OFFICER[one["holder"]], one["asked_on"]),
            holder=the_holder(one["holder"]),
            grant=the_grant(),
            fy=YEAR,
            shifts=(Shift(ids[0], quarter, -amount), Shift(ids[1], quarter, amount)),
            reason=one["reason"],
        )
        db.session.commit()
        if is_approved:
            on = one["approved_on"]
            seen = queries.plan_virement(virement.holder_id, virement.grant_id, YEAR, queries.shifts_of(virement))
            decided = moves.Decided("OPCC", on, one["minute_ref"])
            moves.approve_virement(act(OPCC_OFFICER, on), virement, decided, note="", versions_seen=seen.versions)
            db.session.commit()


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
