"""Recording what was paid: by the funder to the OPCC, by the OPCC to its holders (DATA_MODEL.md section 8)."""

import datetime as dt

from svd_tracker.accounts import queries as accounts
from svd_tracker.act import Act
from svd_tracker.audit import services as audit
from svd_tracker.errors import Refused
from svd_tracker.extensions import db
from svd_tracker.grants import queries as grants
from svd_tracker.grants.models import Grant
from svd_tracker.periods import QUARTERS
from svd_tracker.returns import payment_queries
from svd_tracker.returns.area_models import Payment, PaymentSource

LONGEST = 250


def record_payment(
    grant: Grant,
    *,
    holder_id: int | None,
    fy: int,
    last_quarter: int | None,
    pence: int,
    paid_on: dt.date,
    reference: str,
    note: str,
    act: Act,
) -> Payment:
    """Record a payment in pence: to a holder by the OPCC, or without one to the OPCC by the funder.

    ``last_quarter`` is the period that it pays for, None for no one return, such as an advance. A negative amount is
    money that went back. Raises Refused for nothing, for a day still to come, for a year that the grant does not have,
    and for a holder outside the area.
    """
    if pence == 0:
        raise Refused("Enter the amount that was paid", field="pence")
    if paid_on > act.on:
        raise Refused("The day it was paid must be today or in the past", field="paid_on")
    if fy not in grants.years_of(grant.id):
        raise Refused("The grant has no award for that year", field="fy")
    if last_quarter is not None and last_quarter not in QUARTERS:
        raise Refused("Choose a quarter", field="last_quarter")
    if holder_id is not None and accounts.get_holder(holder_id).area_id != grant.area_id:
        raise Refused("Choose a holder of the area", field="holder_id")
    return _add(
        grant,
        act,
        "pay",
        Payment(
            grant_id=grant.id,
            source=PaymentSource.OPCC if holder_id is not None else PaymentSource.FUNDER,
            holder_id=holder_id,
            fy=fy,
            last_quarter=last_quarter,
            pence=pence,
            paid_on=paid_on,
            reference=_line(reference, "reference", "Enter the payment's reference, like the remittance number"),
            note=_line(note, "note", ""),
        ),
    )


def take_back_payment(payment: Payment, reason: str, act: Act) -> Payment:
    """Take a mistaken payment back by one of minus its amount that names it; both stay.

    Raises Refused without a reason, for one that is itself a taking back, and for one that was taken back already.
    """
    reason = _line(reason, "reason", "Say why the payment is taken back")
    grant = grants.get_grant(payment.grant_id)
    grants.lock_grant(grant.id)
    if payment.reverses_id is not None:
        raise Refused("This takes a payment back itself. Record the payment again instead")
    if payment_queries.is_taken_back(payment.id):
        raise Refused("This payment was taken back already")
    return _add(
        grant,
        act,
        "take_back_payment",
        Payment(
            grant_id=payment.grant_id,
            source=payment.source,
            holder_id=payment.holder_id,
            fy=payment.fy,
            last_quarter=payment.last_quarter,
            pence=-payment.pence,
            paid_on=payment.paid_on,
            reference=payment.reference,
            note=reason,
            reverses_id=payment.id,
        ),
    )


def _add(grant: Grant, act: Act, verb: str, payment: Payment) -> Payment:
    payment.recorded_at, payment.recorded_by = act.at, act.by
    db.session.add(payment)
    db.session.flush()
    audit.record(
        act,
        verb,
        "payment",
        f"{grant.ref}/{payment.reference}",
        area_id=grant.area_id,
        holder_id=payment.holder_id,
        after={
            "payment": payment.id,
            "from": payment.source.value,
            "fy": payment.fy,
            "quarter": payment.last_quarter,
            "pence": payment.pence,
            "paid_on": payment.paid_on,
            "note": payment.note,
            **({"takes_back": payment.reverses_id} if payment.reverses_id else {}),
        },
    )
    return payment


def _line(text: str, field: str, needed: str) -> str:
    text = text.strip()
    if needed and not text:
        raise Refused(needed, field=field)
    if len(text) > LONGEST:
        raise Refused(f"Use {LONGEST} characters or fewer", field=field)
    return text
