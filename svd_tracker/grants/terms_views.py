"""The agreement's terms: entered, and changed as a new version."""

from typing import Any

from flask import redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from svd_tracker.accounts.access import current_act, requires, today
from svd_tracker.accounts.permissions import Permission
from svd_tracker.audit import once
from svd_tracker.errors import Refused
from svd_tracker.grants import forms, pages, queries, services
from svd_tracker.grants.blueprint import again, bp, done, grant_scope
from svd_tracker.grants.models import (
    AgreementStatus,
    Frequency,
    Grant,
    GrantTerms,
    OutsidePeriod,
    PaymentBasis,
    YearEnd,
)


@bp.route("/grants/<int:grant_id>/terms", methods=["GET", "POST"])
@requires(Permission.MANAGE_GRANT, grant_scope)
def edit_terms(grant_id: int) -> ResponseReturnValue:
    grant = queries.get_grant(grant_id)
    terms = queries.current_terms(grant_id)
    form: Any = forms.TermsForm(data=_terms_data(grant, terms))
    if request.method == "POST" and (used := once.result_of(form.once_key.data)):
        return redirect(used, 303)
    page: dict[str, Any] = {"grant": grant, "first": terms is None, "clash": None}
    if form.validate_on_submit():
        act = current_act()
        try:
            services.new_terms(
                grant,
                act,
                status=AgreementStatus(form.status.data),
                agreement_ref=form.agreement_ref.data,
                signed_on=form.signed_on.data,
                payment_basis=PaymentBasis(form.payment_basis.data),
                over_programme_bp=form.over_programme_bp.data,
                draft_working_days=form.draft_working_days.data,
                due_working_days=form.due_days,
                retention_years=form.retention_years.data,
                declaration=form.declaration.data,
                match_required_bp=form.match_required_bp.data,
                match_required_pence=form.match_required_pence.data,
                eligible_from=form.eligible_from.data,
                outside_period=OutsidePeriod(form.outside_period.data),
                calendar=form.calendar(),
                signers=form.signers.data,
                effective_on=form.effective_on.data,
                reason=form.reason.data,
                version_seen=form.row_version.data,
            )
        except Refused as refused:
            return again(form, refused, "grants/edit_terms.html", **page)
        return done(form, act, url_for("grants.show", grant_id=grant_id), "The terms are saved as a new version.")
    return render_template("grants/edit_terms.html", form=form, **page)


def _terms_data(grant: Grant, terms: GrantTerms | None) -> dict[str, Any]:
    if terms is None:
        return {
            "status": AgreementStatus.INDICATIVE.value,
            "payment_basis": PaymentBasis.ARREARS.value,
            "over_programme_bp": 0,
            "draft_working_days": 10,
            "due_working_days": 20,
            "frequency": Frequency.QUARTERLY.value,
            "year_end": YearEnd.IN_YEAR.value,
            "retention_years": 7,
            "declaration": forms.DECLARATION,
            "outside_period": OutsidePeriod.REFUSE.value,
            "effective_on": min(grant.starts_on, today()),
            "row_version": 0,
        }
    now = {name: getattr(terms, name) for name in pages.TERMS_IN_WORDS}
    if terms.area_due_working_days is not None:
        now |= {"due_working_days": None, "lead_working_days": terms.area_due_working_days - terms.due_working_days}
    return {**now, "effective_on": today(), "row_version": terms.version_no}
