"""A Dorset plan of 2025/26 with any number of lines, spent, forecast and matched in the first quarter."""

import datetime as dt

from svd_tracker.accounts import queries as accounts
from svd_tracker.act import Act
from svd_tracker.approvals.models import ApprovalKind
from svd_tracker.calculations.figures import Category, EntryKind
from svd_tracker.delivery import services as delivery
from svd_tracker.delivery.models import OutputMeasure
from svd_tracker.extensions import db
from svd_tracker.finance import match_services, services
from svd_tracker.finance.models import Funding, MatchKind
from svd_tracker.grants import queries as grants
from svd_tracker.grants.models import Grant
from svd_tracker.interventions import services as interventions
from svd_tracker.interventions.models import InterventionKind, Level, PlanLine
from tests.support import money, world

YEAR = 2025
MEETING = dt.date(2025, 7, 16)
MAY, JULY = dt.date(2025, 5, 20), dt.date(2025, 7, 7)
TITLES = (
    "Specialist nurse in the emergency department",
    "Healthy relationships and mentors in violence prevention",
    "Level-Up mentoring",
)


def act(on: dt.date, email: str = "finance.officer@dorset.example") -> Act:
    person = accounts.find_person(email)
    return world.act(person.id if person else None, on)


def make_plan(lines: int = 3) -> Grant:
    """The grant, and so many plan lines: labour and non-labour money, an entry each in May, match, a milestone."""
    grant = money.make_grant(YEAR)
    for number in range(lines):
        add_line(grant, number, lines)
    db.session.commit()
    return grant


def add_line(grant: Grant, number: int, lines: int = 3) -> PlanLine:
    start = world.DAY
    holder = money.holder("dorset")
    title = TITLES[number] if number < len(TITLES) else f"Programme {number + 1}"
    intervention = interventions.add_intervention(holder.area_id, InterventionKind.PROJECT, title, act(start))
    db.session.flush()
    plan_line = interventions.ensure_plan_line(
        holder, YEAR, intervention, act(start), lead="Public health", deliverer="University Hospitals Dorset",
        level=Level.TARGETED, summary=f"What {title} does.", reason="Round of 2025/26",
    )  # fmt: skip
    approval = money.make_approval(kind=ApprovalKind.DIRECT)
    for allocation, whole in grants.allocations_of_holder(grant.id, holder.id, YEAR).values():
        pence = whole // (lines + 1)
        funding = services.open_funding(
            act(start), intervention=intervention, allocation=allocation, pence=pence,
            profile=services.even_profile(pence), approval=approval, reason="Round", effective_on=start,
        )  # fmt: skip
        post(funding, pence // 5 + number, MAY)
        services.save_forecast(act(JULY), funding, {2: pence // 4, 3: pence // 4, 4: pence // 4}, "As planned", 0)
    organisation = accounts.list_organisations(holder.area_id)[0]
    match_services.promise(
        act(start), plan_line, organisation, MatchKind.CASH, "Share of the post", 500_000, start, "Letter of 1 April"
    )
    delivery.add_milestone(plan_line, "First session held", dt.date(2025, 9, 1), act(start))
    delivery.add_output(plan_line, "Sessions held", OutputMeasure.COUNT, 120, act(start))
    return plan_line


def post(funding: Funding, pence: int, on: dt.date, recorded: dt.date = JULY) -> None:
    services.post_entry(
        act(recorded), funding, kind=EntryKind.ACTUAL, spent_on=on, document=f"INV {funding.ref}", pence=pence,
        supplier="University Hospitals Dorset", description="Invoice",
    )  # fmt: skip


def funding_of(number: int = 0, category: Category = Category.LABOUR) -> Funding:
    found = db.session.query(Funding).filter_by(fy=YEAR, category=category).order_by(Funding.id).all()
    return found[number]
