"""Pages of what is claimed, paid and outstanding in a grant's year."""

from typing import Any

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from svd_tracker.accounts import queries as accounts
from svd_tracker.accounts.access import current_access, current_act, may, requires
from svd_tracker.accounts.models import HolderKind
from svd_tracker.accounts.permissions import Permission, Scope
from svd_tracker.accounts.queries import person_names
from svd_tracker.audit import once
from svd_tracker.errors import NotFound, Refused
from svd_tracker.extensions import db
from svd_tracker.grants import queries as grants
from svd_tracker.grants.models import Grant
from svd_tracker.money import format_pounds
from svd_tracker.periods import fy_label, quarter_short
from svd_tracker.readers.text_safe import Money, write_csv
from svd_tracker.returns import payment_queries, payments
from svd_tracker.returns.area_models import Payment
from svd_tracker.returns.forms import show_refusal
from svd_tracker.returns.payment_forms import PaymentForm, TakeBackForm
from svd_tracker.returns.scopes import bp, of_lead, of_period
from svd_tracker.web.downloads import csv_answer


def of_grant(grant_id: int, **_rest: object) -> Scope:
    """The page is the area's; each person sees on it the holders whose returns they see."""
    return Scope(grants.get_grant(grant_id).area_id)


def of_payment(payment_id: int) -> Scope:
    return of_period(payment_queries.get_payment(payment_id).grant_id)


@bp.get("/payments/<int:grant_id>/<int:fy>")
@requires(Permission.VIEW_CERTIFIED_RETURN, of_grant)
def payments_index(grant_id: int, fy: int) -> ResponseReturnValue:
    """Claimed, paid and outstanding by holder and period; the funder's payments for those who see the area's."""
    grant = _grant_of_year(grant_id, fy)
    found, from_funder = _seen(grant, fy)
    holders = _holders(grant)
    lead = next((each.name for each in accounts.list_holders(grant.area_id) if each.kind is HolderKind.OPCC), "")
    own = payment_queries.accounts_of(grant_id, fy, holders, found)
    return render_template(
        "returns/payments.html",
        grant=grant,
        fy=fy,
        years=grants.years_of(grant_id),
        lead=lead or grant.area.name,
        funder=payment_queries.funder_account(grant_id, fy, lead or grant.area.name, found) if from_funder else None,
        accounts=[each for each in own if each.rows],
        payments=found,
        taken_back=payment_queries.taken_back(found),
        holder_names={holder.id: holder.name for holder in holders},
        names=person_names(each.recorded_by for each in found),
        may_record=may(Permission.JOIN_AREA_RETURN, of_lead(grant.area_id)),
    )


@bp.get("/payments/<int:grant_id>/<int:fy>/download")
@requires(Permission.VIEW_CERTIFIED_RETURN, of_grant)
def payments_csv(grant_id: int, fy: int) -> ResponseReturnValue:
    grant = _grant_of_year(grant_id, fy)
    found, _ = _seen(grant, fy)
    holders = {holder.id: holder.name for holder in _holders(grant)}
    names = person_names(each.recorded_by for each in found)
    rows = [
        [
            each.paid_on,
            grant.funder if each.holder_id is None else "OPCC",
            "OPCC" if each.holder_id is None else holders[each.holder_id],
            quarter_short(fy, each.last_quarter) if each.last_quarter else "no one return",
            Money(each.pence),
            each.reference,
            each.note,
            f"takes back payment {each.reverses_id}" if each.reverses_id else "",
            names[each.recorded_by],
        ]
        for each in found
    ]
    headings = ["Paid on", "From", "To", "Return", "Amount", "Reference", "Note", "Takes back", "Recorded by"]
    return csv_answer(write_csv(headings, rows), f"payments {grant.ref} {fy_label(fy).replace('/', '-')}.csv")


@bp.route("/payments/<int:grant_id>/<int:fy>/new", methods=["GET", "POST"])
@requires(Permission.JOIN_AREA_RETURN, of_period)
def new_payment(grant_id: int, fy: int) -> ResponseReturnValue:
    grant = _grant_of_year(grant_id, fy)
    form: Any = PaymentForm()
    holders = [each for each in accounts.list_holders(grant.area_id) if each.kind is HolderKind.CSP]
    lead = next((each.name for each in accounts.list_holders(grant.area_id) if each.kind is HolderKind.OPCC), "OPCC")
    form.offer(grant.funder, lead, holders, fy)
    if request.method == "POST" and (used := once.result_of(form.once_key.data)):
        return redirect(used, 303)
    back = url_for("returns.payments_index", grant_id=grant_id, fy=fy)
    if form.validate_on_submit():
        act = current_act()
        try:
            payment = payments.record_payment(
                grant,
                holder_id=form.holder_id(),
                fy=fy,
                last_quarter=form.last_quarter(),
                pence=form.pence.data,
                paid_on=form.paid_on.data,
                reference=form.reference.data,
                note=form.note.data,
                act=act,
            )
            once.use_up(form.once_key.data, back, act)
        except Refused as refused:
            db.session.rollback()
            show_refusal(form, refused)
        else:
            words = f"The payment of {format_pounds(payment.pence)} is recorded."
            db.session.commit()
            flash(words, "success")
            return redirect(back, 303)
    return render_template(
        "returns/payment_new.html", form=form, grant=grants.get_grant(grant_id), fy=fy, cancel_url=back
    )


@bp.route("/payments/<int:payment_id>/take-back", methods=["GET", "POST"])
@requires(Permission.JOIN_AREA_RETURN, of_payment)
def take_back_payment(payment_id: int) -> ResponseReturnValue:
    payment = payment_queries.get_payment(payment_id)
    form: Any = TakeBackForm()
    if request.method == "POST" and (used := once.result_of(form.once_key.data)):
        return redirect(used, 303)
    back = url_for("returns.payments_index", grant_id=payment.grant_id, fy=payment.fy)
    what, words = f"{format_pounds(payment.pence)}, {payment.reference}", "The payment is taken back."
    if form.validate_on_submit():
        act = current_act()
        try:
            payments.take_back_payment(payment, form.reason.data, act)
            once.use_up(form.once_key.data, back, act)
        except Refused as refused:
            db.session.rollback()
            show_refusal(form, refused)
        else:
            db.session.commit()
            flash(words, "success")
            return redirect(back, 303)
    return render_template(
        "components/confirm.html",
        title=f"Take back the payment of {what}?",
        body="It stays in the list, with one of minus the amount beside it.",
        action="Take the payment back",
        form=form,
        cancel_url=back,
        trail=[("Returns", url_for("returns.index")), ("Payments", back), ("Take back", None)],
    )


def _grant_of_year(grant_id: int, fy: int) -> Grant:
    if fy not in grants.years_of(grant_id):
        raise NotFound("year")
    return grants.get_grant(grant_id)


def _holders(grant: Grant) -> list[Any]:
    """The area's partnerships whose returns this person sees. The OPCC pays itself nothing."""
    seen = current_access().holder_ids(Permission.VIEW_CERTIFIED_RETURN)
    return [each for each in accounts.list_holders(grant.area_id) if each.kind is HolderKind.CSP and each.id in seen]


def _seen(grant: Grant, fy: int) -> tuple[list[Payment], bool]:
    """The payments that this person sees, and whether the funder's are among them."""
    from_funder = may(Permission.VIEW_AREA_RETURN, of_lead(grant.area_id))
    ids = {holder.id for holder in _holders(grant)}
    return list(payment_queries.list_payments(grant.id, fy, ids, from_funder=from_funder)), from_funder
