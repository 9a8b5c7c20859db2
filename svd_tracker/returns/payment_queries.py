"""What is claimed, paid and outstanding: from the funder to the OPCC, and from the OPCC to each holder.

Claimed of a holder is what its certified returns claim; from the funder, what the newest area return sent to it
claims. A return that is missing or open again has no claim yet, which is not a claim of nought (DESIGN.md rule 8).
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import func, select

from svd_tracker.accounts.models import Holder
from svd_tracker.errors import NotFound
from svd_tracker.extensions import db
from svd_tracker.money import format_pounds
from svd_tracker.returns import obligation_queries
from svd_tracker.returns.area_models import AreaReturn, AreaRevision, Payment, PaymentSource
from svd_tracker.returns.models import Certificate, FigureBuild, LineSection, ReturnFigure, ReturnLine, Sending
from svd_tracker.returns.period_words import obligation_words

Payee = int | None  # a holder's id; None is the OPCC itself, paid by the funder


@dataclass(frozen=True)
class DueRow:
    """One payee and period, in pence. ``last_quarter`` None: paid for no one return.

    ``claimed`` None: no return of the period claims anything yet, and ``missing`` says why.
    """

    last_quarter: int | None
    claimed: int | None
    paid: int
    missing: str = ""
    holds: str = ""  # the claims of each return, where a year's end has two of one quarter

    @property
    def outstanding(self) -> int | None:
        """Negative when more is paid than claimed, as in advance; None while the period's claim is missing."""
        if self.claimed is None and self.last_quarter is not None:
            return None
        return (self.claimed or 0) - self.paid


@dataclass(frozen=True)
class Account:
    """What one payee claimed and was paid in a year."""

    holder_id: Payee
    name: str
    rows: tuple[DueRow, ...]

    @property
    def claimed(self) -> int:
        return sum(row.claimed or 0 for row in self.rows)

    @property
    def paid(self) -> int:
        return sum(row.paid for row in self.rows)

    @property
    def outstanding(self) -> int:
        """Of the periods whose claim is there (DESIGN.md rule 8)."""
        return sum(row.outstanding or 0 for row in self.rows)

    @property
    def paid_without_claim(self) -> int:
        """Paid for periods whose return claims nothing now: missing, or open again. Not in ``outstanding``."""
        return sum(row.paid for row in self.rows if row.outstanding is None)


def get_payment(payment_id: int) -> Payment:
    found = db.session.get(Payment, payment_id)
    if found is None:
        raise NotFound("payment")
    return found


def list_payments(grant_id: int, fy: int, holder_ids: Collection[int], *, from_funder: bool) -> Sequence[Payment]:
    """The payments of a year to these holders, and those of the funder where they are seen, newest first."""
    payments = db.session.scalars(
        select(Payment)
        .where(Payment.grant_id == grant_id, Payment.fy == fy)
        .order_by(Payment.paid_on.desc(), Payment.id.desc())
    )
    return [each for each in payments if (from_funder if each.holder_id is None else each.holder_id in holder_ids)]


def is_taken_back(payment_id: int) -> bool:
    return db.session.scalar(select(Payment.id).where(Payment.reverses_id == payment_id)) is not None


def taken_back(payments: Iterable[Payment]) -> frozenset[int]:
    """The ids of payments that a later one takes back, among these."""
    return frozenset(each.reverses_id for each in payments if each.reverses_id is not None)


def accounts_of(grant_id: int, fy: int, holders: Sequence[Holder], payments: Sequence[Payment]) -> list[Account]:
    """Each holder's account of a year, in the order given. A fixed number of queries."""
    ids = [holder.id for holder in holders]
    rows = obligation_queries.list_obligations(ids, grant_id=grant_id, fy=fy)
    claims = _claimed_now([row.revision_id for row in rows if row.is_certified and row.revision_id])
    accounts = []
    for holder in holders:
        claimed: dict[int, int | None] = {}
        missing: dict[int, list[str]] = {}
        parts: dict[int, list[str]] = {}
        for row in rows:
            if row.holder_id != holder.id:
                continue
            if row.is_certified and row.revision_id:
                claimed[row.last_quarter] = (claimed.get(row.last_quarter) or 0) + claims[row.revision_id]
                parts.setdefault(row.last_quarter, []).append(_part(row.words, claims[row.revision_id]))
            else:
                claimed.setdefault(row.last_quarter, None)
                missing.setdefault(row.last_quarter, []).append(row.words)
        own = [each for each in payments if each.holder_id == holder.id]
        accounts.append(Account(holder.id, holder.name, _rows(claimed, missing, parts, own)))
    return accounts


def funder_account(grant_id: int, fy: int, name: str, payments: Sequence[Payment]) -> Account:
    """What the area claimed from the funder, by the newest area return sent of each period. Two queries."""
    newest = (
        select(func.max(AreaRevision.id))
        .join(Sending, Sending.area_revision_id == AreaRevision.id)
        .group_by(AreaRevision.area_return_id)
    )
    claimed: dict[int, int | None] = {}
    parts: dict[int, list[str]] = {}
    for quarter, kind, pence in db.session.execute(
        select(AreaReturn.last_quarter, AreaReturn.kind, ReturnFigure.value)
        .join(AreaRevision, AreaRevision.area_return_id == AreaReturn.id)
        .join(FigureBuild, FigureBuild.area_revision_id == AreaRevision.id)
        .join(ReturnLine, ReturnLine.build_id == FigureBuild.id)
        .join(ReturnFigure, ReturnFigure.return_line_id == ReturnLine.id)
        .where(
            AreaReturn.grant_id == grant_id,
            AreaReturn.fy == fy,
            AreaRevision.id.in_(newest),
            ReturnLine.section == LineSection.TOTAL,
            ReturnLine.holder_id.is_(None),
            ReturnFigure.column_code == "claimed_now",
        )
        .order_by(AreaReturn.id)
    ):
        claimed[quarter] = (claimed.get(quarter) or 0) + (pence or 0)
        parts.setdefault(quarter, []).append(_part(obligation_words(fy, quarter, kind), pence or 0))
    own = [each for each in payments if each.source is PaymentSource.FUNDER]
    return Account(None, name, _rows(claimed, {}, parts, own))


def _part(words: str, pence: int) -> str:
    return f"{words}: {format_pounds(pence)}"


def _rows(
    claimed: Mapping[int, int | None],
    missing: Mapping[int, Sequence[str]],
    parts: Mapping[int, Sequence[str]],
    payments: Sequence[Payment],
) -> tuple[DueRow, ...]:
    paid: dict[int | None, int] = {}
    for each in payments:
        paid[each.last_quarter] = paid.get(each.last_quarter, 0) + each.pence
    quarters = sorted({*claimed, *(quarter for quarter in paid if quarter is not None)})
    found = [
        DueRow(
            quarter,
            claimed.get(quarter),
            paid.get(quarter, 0),
            f"not certified: {' and '.join(missing[quarter])}" if quarter in missing else "",
            " and ".join(parts[quarter]) if len(parts.get(quarter, ())) > 1 else "",
        )
        for quarter in quarters
    ]
    if None in paid:
        found.append(DueRow(None, None, paid[None]))
    return tuple(found)


def _claimed_now(revision_ids: Collection[int]) -> dict[int, int]:
    """What each certified return claims, by its revision's id. One query."""
    rows = db.session.execute(
        select(Certificate.revision_id, ReturnFigure.value)
        .join(ReturnLine, ReturnLine.build_id == Certificate.build_id)
        .join(ReturnFigure, ReturnFigure.return_line_id == ReturnLine.id)
        .where(
            Certificate.revision_id.in_(revision_ids),
            ReturnLine.section == LineSection.TOTAL,
            ReturnFigure.column_code == "claimed_now",
        )
    )
    return {revision_id: value or 0 for revision_id, value in rows}
