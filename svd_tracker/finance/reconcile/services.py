"""The one verb of a reconciliation: what the finance system says that a quarter's ledger comes to."""

from svd_tracker.accounts.models import Holder
from svd_tracker.act import Act
from svd_tracker.audit import services as audit
from svd_tracker.errors import Refused
from svd_tracker.extensions import db
from svd_tracker.finance.intake.models import ControlTotal
from svd_tracker.finance.reconcile import queries
from svd_tracker.periods import QUARTERS, quarter_short

LONGEST_SOURCE = 250


def enter_control_total(act: Act, holder: Holder, fy: int, quarter: int, pence: int, source: str) -> ControlTotal:
    """Keep a control total of a quarter, in pence, and where it was read; the newest counts, the others stay.

    Raises Refused without a source, and for a quarter that there is not.
    """
    source = source.strip()
    if quarter not in QUARTERS:
        raise Refused("Choose a quarter from 1 to 4")
    if not source:
        raise Refused("Say where you read it, like the name of the report", field="source")
    if len(source) > LONGEST_SOURCE:
        raise Refused(f"Use {LONGEST_SOURCE} characters or fewer", field="source")
    before = queries.controls(holder.id, fy).get(quarter)
    total = ControlTotal(
        holder_id=holder.id,
        fy=fy,
        quarter=quarter,
        pence=pence,
        source=source,
        recorded_at=act.at,
        recorded_by=act.by,
    )
    db.session.add(total)
    audit.record(
        act,
        "enter_control_total",
        "ledger",
        f"{holder.ref} {quarter_short(fy, quarter)}",
        area_id=holder.area_id,
        holder_id=holder.id,
        before={"pence": before.pence, "source": before.source} if before else None,
        after={"pence": pence, "source": source},
    )
    return total
