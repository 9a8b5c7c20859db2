"""Bodies, people, the grant and the year 2024/25, through the same services as the pages."""

import datetime as dt

from svd_tracker.accounts import queries as accounts
from svd_tracker.accounts import services as account_services
from svd_tracker.accounts.models import SCOPE_OF_ROLE, Area, Holder, HolderKind, Role, RoleScope
from svd_tracker.approvals import queries as approvals
from svd_tracker.approvals.models import Approval, ApprovalBody, ApprovalKind
from svd_tracker.approvals.services import agree_step, open_approval
from svd_tracker.calculations.figures import Category, EntryKind
from svd_tracker.demo.story import (
    COORDINATOR,
    FINANCE_OFFICER,
    LAST_YEAR,
    OPCC_OFFICER,
    SHORT,
    YEAR,
    act,
    amounts,
    pence,
    story,
)
from svd_tracker.extensions import db
from svd_tracker.finance import queries as finance
from svd_tracker.finance import services as finance_services
from svd_tracker.grants import queries as grant_queries
from svd_tracker.grants import services as grant_services
from svd_tracker.grants.calendar_terms import CalendarTerms
from svd_tracker.grants.eligibility import add_rule
from svd_tracker.grants.models import AgreementStatus, Grant, PaymentBasis, RuleEffect, YearEnd
from svd_tracker.interventions import queries as interventions
from svd_tracker.interventions import services as intervention_services
from svd_tracker.interventions.models import Intervention, InterventionKind
from svd_tracker.periods import QUARTERS, quarter_end

BEGINNING = dt.date(2024, 3, 1)
DIRECT_DECISIONS = {LAST_YEAR: dt.date(2024, 3, 25), YEAR: dt.date(2025, 3, 18)}
AGREE = (ApprovalBody.ACCOUNTABLE_BODY, ApprovalBody.OPCC)


def load_bodies() -> None:
    """The area, who holds money in it, and everybody who signs in."""
    told = story()
    system = act(None, BEGINNING)
    area = account_services.add_area(told["area"]["ref"], told["area"]["name"], told["area"]["police_force"], system)
    db.session.flush()  # holders need the area's id
    for one in told["holders"]:
        account_services.add_holder(
            area, HolderKind(one["kind"]), one["ref"], one["name"], one["accountable_body"], system
        )
    for someone in told["people"]["all"]:
        organisation = account_services.add_organisation(area.id, someone["organisation"], system)
        db.session.flush()  # the person needs the organisation's id
        person, _ = account_services.add_person(
            someone["email"],
            someone["name"],
            system,
            password=told["people"]["password"],
            organisation_id=organisation.id,
        )
        for words in someone["roles"]:
            word, _, ref = words.partition(":")
            role = Role(word)
            holder = accounts.find_holder(ref) if SCOPE_OF_ROLE[role] is RoleScope.HOLDER else None
            account_services.grant_role(person, role, system, area_id=area.id, holder_id=holder.id if holder else None)
    db.session.commit()


def load_grant() -> None:
    """The agreement, the award of 2024/25 and its allocations; then 2025/26 set up by copying it."""
    told = story()["grant"]
    area = the_area()
    first = act(OPCC_OFFICER, told["award_letters"]["2024"]["on"])
    grant = grant_services.add_grant(
        area, told["ref"], told["funder"], told["name"], told["starts_on"], told["ends_on"], first
    )
    db.session.flush()  # terms and awards need the grant's id
    _terms(grant, AgreementStatus.OFFERED, None, first.on, "The Home Office's offer")
    signed: dt.date = told["signed_on"]
    _terms(grant, AgreementStatus.SIGNED, signed, signed, "Signed by the OPCC")
    for one in told["rules"]:
        add_rule(grant, one["accounts"], one["kind"], RuleEffect(one["effect"]), act(OPCC_OFFICER, signed))
    awards = amounts(told["award"])
    shares = {
        (holder.id, category): pence_
        for holder in accounts.list_holders(area.id)
        for category, pence_ in amounts(told["allocations"][holder.ref]).items()
    }
    grant_services.set_up_year(
        grant, LAST_YEAR, awards, shares, _award_letter(area, LAST_YEAR, sum(awards.values())), first, reason="Award"
    )
    second = act(OPCC_OFFICER, told["award_letters"]["2025"]["on"])
    letter = _award_letter(area, YEAR, sum(awards.values()))
    grant_services.copy_year(grant, LAST_YEAR, YEAR, letter, second)
    db.session.commit()


def load_last_year() -> None:
    """What ran in 2024/25: fundings by direct decision, and their spend by quarter. Its returns come after."""
    told = story()
    area = the_area()
    for one in told["interventions"]:
        intervention_services.add_intervention(
            area.id, InterventionKind(one["kind"]), one["title"], act(None, BEGINNING), ref=one["ref"]
        )
    db.session.commit()
    for one in told["last_year"]:
        fund_directly(
            LAST_YEAR,
            one["holder"],
            one["intervention"],
            one["category"],
            pence(one["amount"]),
            minute_ref=f"{SHORT[one['holder']]}, delivery plan 2024/25 (illustrative)",
            reason="Delivery plan 2024/25",
        )
    db.session.commit()


def post_last_year(quarter: int) -> None:
    """The spend of a quarter of 2024/25, posted on its last day, and the forecasts for what is left of the year."""
    on = quarter_end(LAST_YEAR, quarter)
    for one in story()["last_year"]:
        holder, funding = the_funding(one["holder"], LAST_YEAR, one["category"], ref=one["intervention"])
        acting = act(FINANCE_OFFICER[holder.ref], on)
        spent = [pence(text) for text in one["spent"]]
        finance_services.post_entry(
            acting,
            finance.get_funding(funding.id),
            kind=EntryKind.ACTUAL,
            spent_on=on,
            document=f"Q{quarter}-{one['intervention']}",
            pence=spent[quarter - 1],
            description=f"Spend of quarter {quarter}",
        )
        if quarter < max(QUARTERS):
            versions = finance.newest_forecasts([funding.id])
            seen = versions[funding.id].version_no if funding.id in versions else 0
            finance_services.save_forecast(
                act(FINANCE_OFFICER[holder.ref], on + dt.timedelta(days=1)),
                finance.get_funding(funding.id),
                {later: spent[later - 1] for later in QUARTERS if later > quarter},
                "As last seen in the delivery plan; what is not spent goes back.",
                seen,
            )
    db.session.commit()


def load_direct_decisions() -> None:
    """Continuing posts and programme costs of 2025/26."""
    for one in story()["direct"]:
        fund_directly(
            YEAR,
            one["holder"],
            one["intervention"],
            one["category"],
            pence(one["amount"]),
            minute_ref=one["minute_ref"],
            reason="Continuing cost of running the Duty",
            lead=one["lead"],
            summary=one["summary"],
        )
    db.session.commit()


def fund_directly(
    fy: int,
    holder_ref: str,
    intervention_ref: str,
    category: str,
    amount: int,
    *,
    minute_ref: str,
    reason: str,
    lead: str = "",
    summary: str = "",
) -> None:
    """A funding by direct decision, agreed by all who must agree, with an even profile and a plan line."""
    holder = the_holder(holder_ref)
    on = DIRECT_DECISIONS[fy]
    acting = act(COORDINATOR[holder_ref], on)
    allocation = grant_queries.find_allocation(the_grant().id, fy, Category(category), holder.id)
    if allocation is None:
        raise LookupError(f"{holder.name} has no {category} allocation of {fy}")
    intervention = the_intervention(intervention_ref)
    funding = finance_services.fund_directly(
        acting,
        intervention=intervention,
        allocation=allocation,
        pence=amount,
        profile=finance_services.even_profile(amount),
        decision=finance_services.DirectDecision(
            body=holder.name, decided_on=on, minute_ref=minute_ref, reason=reason, needs=AGREE
        ),
    )
    agree_all(funding.id, on)
    intervention_services.ensure_plan_line(
        holder,
        fy,
        intervention,
        acting,
        lead=lead or holder.accountable_body,
        deliverer=holder.accountable_body,
        summary=summary or intervention.title,
        reason=reason,
    )


def agree_all(funding_id: int, on: dt.date) -> None:
    """The bodies that must agree do so a week later."""
    on += dt.timedelta(days=7)
    later = act(OPCC_OFFICER, on)
    approval = finance.newest_version(funding_id).approval
    for body in approvals.outstanding(approval):
        agree_step(approval, body, on, f"{body.label} agreed (illustrative)", later)


def the_area() -> Area:
    return accounts.list_areas()[0]


def the_grant() -> Grant:
    wanted = story()["grant"]["ref"]
    return next(grant for grant in grant_queries.list_grants([the_area().id]) if grant.ref == wanted)


def the_holder(ref: str) -> Holder:
    holder = accounts.find_holder(ref)
    if holder is None:
        raise LookupError(f"the demonstration has no holder {ref}")
    return holder


def the_intervention(ref: str) -> Intervention:
    return next(one for one in interventions.list_interventions(the_area().id) if one.ref == ref)


def the_funding(
    holder_ref: str, fy: int, category: str, *, ref: str | None = None, title: str | None = None
) -> tuple[Holder, finance.FundingNow]:
    """A holder's funding of a year, by its intervention's ref or title."""
    holder = the_holder(holder_ref)
    wanted = the_intervention(ref).title if ref else title
    for one in finance.fundings(holder.id, fy):
        if one.title == wanted and one.category is Category(category):
            return holder, one
    raise LookupError(f"{holder.name} has no {category} funding of {wanted} in {fy}")


def _terms(grant: Grant, status: AgreementStatus, signed_on: dt.date | None, on: dt.date, reason: str) -> None:
    told = story()["grant"]
    grant_services.new_terms(
        grant,
        act(OPCC_OFFICER, on),
        status=status,
        agreement_ref=told["agreement_ref"],
        signed_on=signed_on,
        payment_basis=PaymentBasis.ARREARS,
        over_programme_bp=told["over_programme_bp"],
        draft_working_days=told["draft_working_days"],
        due_working_days=told["due_working_days"],
        retention_years=told["retention_years"],
        declaration=told["declaration"],
        calendar=CalendarTerms(**told["calendar"], year_end=YearEnd(told["year_end"])),
        signers="\n".join(told["signers"]),
        effective_on=on,
        reason=reason,
    )


def _award_letter(area: Area, fy: int, pence_: int) -> Approval:
    letter = story()["grant"]["award_letters"][str(fy)]
    return open_approval(
        act(OPCC_OFFICER, letter["on"]),
        area_id=area.id,
        kind=ApprovalKind.AWARD,
        body=story()["grant"]["funder"],
        decided_on=letter["on"],
        minute_ref=letter["minute_ref"],
        amount_pence=pence_,
        reason=f"The award of {fy}",
    )
