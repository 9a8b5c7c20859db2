"""A grant with its award and its split between holders, for the tests of what stands on them."""

import datetime as dt

from svd_tracker.accounts import queries as accounts
from svd_tracker.accounts.models import Holder
from svd_tracker.approvals.models import Approval, ApprovalKind
from svd_tracker.approvals.services import open_approval
from svd_tracker.calculations.figures import Category
from svd_tracker.extensions import db
from svd_tracker.grants import services
from svd_tracker.grants.models import AgreementStatus, Grant, PaymentBasis
from tests.support.prepared import prepared
from tests.support.world import act

AWARD = {Category.LABOUR: 96_412_37, Category.NON_LABOUR: 195_587_63}
SHARES = {
    "dorset": {Category.LABOUR: 41_200_15, Category.NON_LABOUR: 91_330_40},
    "bcp": {Category.LABOUR: 43_212_22, Category.NON_LABOUR: 92_257_23},
    "opcc": {Category.LABOUR: 12_000_00, Category.NON_LABOUR: 12_000_00},
}


def holder(ref: str) -> Holder:
    """The holder of the world with this ref: dorset, bcp, opcc."""
    found = accounts.find_holder(ref)
    assert found is not None
    return found


def make_approval(pence: int = 0, kind: ApprovalKind = ApprovalKind.AWARD) -> Approval:
    """An approval that everybody has agreed to, flushed."""
    return open_approval(
        act(),
        area_id=holder("dorset").area_id,
        kind=kind,
        body="Home Office",
        decided_on=dt.date(2025, 3, 20),
        minute_ref="Award letter",
        amount_pence=pence,
        reason="Award letter",
    )


def make_terms(grant: Grant, **changes: object) -> None:
    """Signed terms, a draft 10 and a return 20 working days after each period, no over-programming margin."""
    values: dict[str, object] = {
        "status": AgreementStatus.SIGNED,
        "agreement_ref": "SVD/25/DOR",
        "signed_on": dt.date(2025, 4, 1),
        "payment_basis": PaymentBasis.ARREARS,
        "over_programme_bp": 0,
        "draft_working_days": 10,
        "due_working_days": 20,
        "retention_years": 7,
        "declaration": "I certify that the expenditure in this return is eligible under the grant agreement.",
        "effective_on": dt.date(2025, 4, 1),
        "reason": "Agreement signed",
    }
    services.new_terms(grant, act(), **{**values, **changes})  # type: ignore[arg-type]


@prepared
def make_grant(fy: int = 2025, ref: str = "") -> Grant:
    """The Dorset grant of a year with AWARD and SHARES, signed, committed to the database."""
    area = holder("dorset").area
    grant = services.add_grant(
        area,
        ref or f"SVD-{fy}",
        "Home Office",
        "Serious Violence Duty grant",
        dt.date(fy, 4, 1),
        dt.date(fy + 1, 3, 31),
        act(),
    )
    make_terms(grant)
    shares = {(holder(ref).id, category): pence for ref, split in SHARES.items() for category, pence in split.items()}
    services.set_up_year(grant, fy, AWARD, shares, make_approval(sum(AWARD.values())), act(), reason="Award letter")
    db.session.commit()
    return grant
