"""The returns of 2024/25 through their whole life: built, certified, sent, accepted, joined, forwarded and paid."""

import datetime as dt

from sqlalchemy import select

from svd_tracker.accounts import delegations
from svd_tracker.accounts import queries as accounts
from svd_tracker.accounts.models import Holder
from svd_tracker.calculations.figures import EntryKind, ObligationKind
from svd_tracker.demo import load_year
from svd_tracker.demo.story import CERTIFIER, FINANCE_OFFICER, LAST_YEAR, OPCC_OFFICER, SHORT, act, pence, story
from svd_tracker.errors import NotFound
from svd_tracker.extensions import db
from svd_tracker.finance import queries as finance
from svd_tracker.finance import services as finance_services
from svd_tracker.grants.models import Grant
from svd_tracker.periods import QUARTERS, add_working_days
from svd_tracker.returns import area, area_life, area_queries, obligation_queries, obligations, queries, revisions
from svd_tracker.returns import services as return_services
from svd_tracker.returns.area_queries import Period
from svd_tracker.returns.certify import certify_return
from svd_tracker.returns.changing import explain_line
from svd_tracker.returns.models import ReturnRevision
from svd_tracker.returns.obligation_queries import ObligationRow
from svd_tracker.returns.payments import record_payment

POST = "Chief finance officer (section 151)"
FIRST = next(iter(ObligationKind))


def period_of_last_year(quarter: int, kind: ObligationKind = FIRST) -> None:
    """A period of 2024/25 from each holder's draft to the last payment, each step on its own day."""
    grant = load_year.the_grant()
    period = Period(grant.id, LAST_YEAR, quarter, kind)
    if quarter == min(QUARTERS):
        opened = dt.date(LAST_YEAR, 4, 10)
        obligations.ensure_obligations(act(None, opened), opened)
        db.session.commit()
    rows = [
        row
        for row in obligation_queries.list_obligations(None, grant_id=grant.id, fy=LAST_YEAR, last_quarter=quarter)
        if row.kind is kind
    ]
    for row in rows:
        _return(row)
    _join(period, max(row.due_on for row in rows))


def late_invoice() -> None:
    """An invoice of March that came after the provisional return: it stands in the final as an adjustment."""
    late = story()["late_invoice"]
    holder, funding = load_year.the_funding(late["holder"], LAST_YEAR, late["category"], ref=late["intervention"])
    finance_services.post_entry(
        act(FINANCE_OFFICER[holder.ref], late["on"]),
        finance.get_funding(funding.id),
        kind=EntryKind.ACTUAL,
        spent_on=late["spent_on"],
        document=late["document"],
        pence=pence(late["amount"]),
        description=late["description"],
    )
    db.session.commit()


def name_a_deputy() -> None:
    """The chief finance officer's leave, and who certifies meanwhile."""
    told = story()["deputy"]
    holder: Holder = load_year.the_holder(told["holder"])
    deputy = accounts.find_person(told["deputy"])
    if deputy is None:
        raise NotFound(f"the demonstration has no {told['deputy']}")
    acting = act(CERTIFIER[holder.ref], told["on"])
    delegations.delegate(holder, deputy, told["from_on"], told["to_on"], told["reason"], acting)
    db.session.commit()


def _return(row: ObligationRow) -> None:
    holder = db.session.get_one(Holder, row.holder_id)
    preparer, certifier = FINANCE_OFFICER[holder.ref], CERTIFIER[holder.ref]
    revision_id = return_services.draft_return(row.id, act(None, row.draft_on)).id
    db.session.commit()
    if row.kind is ObligationKind.FINAL and holder.ref == story()["late_invoice"]["holder"]:
        _explain(revision_id, row)
    build = queries.newest_build(revision_id)
    if build is None:
        raise LookupError(f"the return of {holder.ref} was not built")
    return_services.check_return(queries.get_revision(revision_id), build.id, act(preparer, row.draft_on))
    db.session.commit()
    certify_return(revision_id, build.id, POST, act(certifier, row.certify_on))
    db.session.commit()
    if row.is_own:  # it is with the OPCC already
        return
    sent_on = row.due_on
    revision = queries.get_revision(revision_id)
    reference = f"{SHORT[holder.ref]} {row.words} (illustrative)"
    revisions.send(revision, "The OPCC", "By e-mail", reference, sent_on, act(preparer, sent_on))
    db.session.commit()
    accepted = act(OPCC_OFFICER, add_working_days(row.due_on, 1))
    revisions.accept(queries.get_revision(revision_id), "No questions (illustrative)", accepted)
    db.session.commit()


def _explain(revision_id: int, row: ObligationRow) -> None:
    """Why the line of the late invoice is not as the provisional return had it; the draft is built again with it."""
    late = story()["late_invoice"]
    holder, funding = load_year.the_funding(late["holder"], LAST_YEAR, late["category"], ref=late["intervention"])
    acting = act(FINANCE_OFFICER[holder.ref], row.draft_on)
    explain_line(db.session.get_one(ReturnRevision, revision_id), funding.ref, late["reason"], acting)
    db.session.commit()
    return_services.draft_return(row.id, acting)
    db.session.commit()


def _join(period: Period, due_on: dt.date) -> None:
    """Joined, certified by the PCC's chief finance officer, sent to the Home Office, accepted and paid."""
    days = [add_working_days(due_on, count) for count in (1, 3, 4, 15, 21, 24)]
    joined, certified, sent, accepted, paid, passed_on = days
    revision_id = area.join(period, "", act(OPCC_OFFICER, joined)).id
    db.session.commit()
    area_life.certify_join(revision_id, POST, act(CERTIFIER["opcc"], certified))
    db.session.commit()
    revision = area_queries.get_area_revision(revision_id)
    area_life.send_join(
        revision, "Home Office", "Through its grants portal", "Receipt (illustrative)", sent, act(OPCC_OFFICER, sent)
    )
    db.session.commit()
    area_life.accept_join(area_queries.get_area_revision(revision_id), "(illustrative)", act(OPCC_OFFICER, accepted))
    db.session.commit()
    figures = area_queries.stored_join(area_queries.get_area_revision(revision_id))
    total = figures.total.claimed_now if figures.total else 0
    _pay(period, None, total, paid)
    for member in figures.members:
        holder = db.session.scalars(select(Holder).where(Holder.ref == member.ref)).one()
        if holder.ref != "opcc" and member.figures:
            _pay(period, holder.id, member.figures.total.claimed_now, passed_on)
    db.session.commit()


def _pay(period: Period, holder_id: int | None, amount: int, paid_on: dt.date) -> None:
    if amount:
        record_payment(
            db.session.get_one(Grant, period.grant_id),
            holder_id=holder_id,
            fy=period.fy,
            last_quarter=period.last_quarter,
            pence=amount,
            paid_on=paid_on,
            reference=f"BACS {paid_on:%d%m%y} (illustrative)",
            note="",
            act=act(OPCC_OFFICER, paid_on),
        )
