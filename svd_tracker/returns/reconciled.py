"""What a holder's returns say of each quarter, for its reconciliation: the newest build of each return."""

from collections.abc import Sequence
from itertools import groupby

from sqlalchemy import func, select
from sqlalchemy.orm import aliased

from svd_tracker.calculations.figures import ObligationKind
from svd_tracker.calculations.ledger_facts import Built, Said, said_of
from svd_tracker.extensions import db
from svd_tracker.finance.models import Funding
from svd_tracker.periods import QUARTERS
from svd_tracker.returns import figures_store
from svd_tracker.returns.models import FigureBuild, FinanceReturn, Obligation, ReturnRevision, RevisionState

_KINDS = list(ObligationKind)


def said_by_quarter(holder_id: int, fy: int, instead: tuple[int, Built] | None = None) -> dict[int, tuple[Said, ...]]:
    """What the returns of a holder's year say, by quarter, a grant each. A fixed number of queries.

    ``instead`` is an obligation's id and a build of it that is not stored yet.
    """
    rows = db.session.execute(select(Funding.ref, Funding.id).where(Funding.holder_id == holder_id, Funding.fy == fy))
    ids = {ref: funding_id for ref, funding_id in rows}  # noqa: C416  rows are not pairs to the type checker
    found: dict[int, list[Said]] = {quarter: [] for quarter in QUARTERS}
    for _, built in groupby(_newest(holder_id, fy, instead), key=lambda each: each.grant_id):
        of_grant = tuple(built)
        for quarter in QUARTERS:
            if said := said_of(quarter, of_grant, ids):
                found[quarter].append(said)
    return {quarter: tuple(of_quarter) for quarter, of_quarter in found.items()}


def _newest(holder_id: int, fy: int, instead: tuple[int, Built] | None) -> Sequence[Built]:
    """The newest build of the newest revision of each return, by grant and in the order of their periods."""
    revision, build = aliased(ReturnRevision), aliased(FigureBuild)
    newest_revision = (
        select(func.max(revision.id)).where(revision.finance_return_id == FinanceReturn.id).scalar_subquery()
    )
    newest_build = select(func.max(build.id)).where(build.revision_id == ReturnRevision.id).scalar_subquery()
    rows = db.session.execute(
        select(Obligation, ReturnRevision.state, ReturnRevision.revision_no, FigureBuild.id, FigureBuild.build_no)
        .join(FinanceReturn, FinanceReturn.obligation_id == Obligation.id)
        .join(ReturnRevision, ReturnRevision.id == newest_revision)
        .join(FigureBuild, FigureBuild.id == newest_build)
        .where(Obligation.holder_id == holder_id, Obligation.fy == fy)
    ).all()
    stored = figures_store.load(row[3] for row in rows)
    ordered: list[tuple[tuple[int, int, int], Built]] = []
    for obligation, state, revision_no, build_id, build_no in rows:
        if instead is not None and obligation.id == instead[0]:
            continue
        certified = state is RevisionState.CERTIFIED
        words = f"certified, revision {revision_no}" if certified else f"{state.value}, build {build_no}"
        figures = figures_store.from_rows(stored[build_id])
        ordered.append((_order(obligation), Built(obligation.grant_id, words, certified, figures)))
    if instead is not None:
        ordered.append((_order(db.session.get_one(Obligation, instead[0])), instead[1]))
    return [built for _, built in sorted(ordered, key=lambda each: each[0])]


def _order(obligation: Obligation) -> tuple[int, int, int]:
    return obligation.grant_id, obligation.last_quarter, _KINDS.index(obligation.kind)
