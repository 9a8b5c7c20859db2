"""The year-end statement of grant usage of a holder: the totals of its newest certified year-end return (issue 4)."""

import datetime as dt
from dataclasses import dataclass

from flask import current_app

from exports.statement_workbook import StatementDocument
from svd_tracker.accounts.models import Holder, HolderKind
from svd_tracker.calculations.figures import ObligationKind, ReturnFigures
from svd_tracker.clock import LONDON
from svd_tracker.errors import Refused
from svd_tracker.grants import queries as grants
from svd_tracker.grants.models import Grant
from svd_tracker.periods import fy_label
from svd_tracker.returns import figures_store, obligation_queries, payment_queries, queries
from svd_tracker.returns.models import Certificate
from svd_tracker.returns.obligation_queries import ObligationRow

_YEAR_END = (ObligationKind.FINAL, ObligationKind.PROVISIONAL, ObligationKind.IN_YEAR)


@dataclass(frozen=True)
class YearEnd:
    """What a holder certified of a whole year: its final, else its provisional, else its quarter 4 return."""

    row: ObligationRow
    certificate: Certificate
    figures: ReturnFigures
    paid: int | None  # in pence, to the holder for the year; None for the OPCC, which pays itself nothing


def year_end(grant_id: int, fy: int, holder: Holder) -> YearEnd:
    """The newest certified year-end return. Raises Refused where there is none, or where it is open again."""
    rows = {
        row.kind: row
        for row in obligation_queries.list_obligations([holder.id], grant_id=grant_id, fy=fy, last_quarter=4)
    }
    for kind in _YEAR_END:
        row = rows.get(kind)
        if row is None or row.revision_id is None:
            continue
        certificate = queries.certificate_of(row.revision_id)
        if certificate is not None:
            stored = figures_store.load([certificate.build_id])[certificate.build_id]
            payments = payment_queries.list_payments(grant_id, fy, [holder.id], from_funder=False)
            paid = None if holder.kind is HolderKind.OPCC else sum(each.pence for each in payments)
            return YearEnd(row, certificate, figures_store.from_rows(stored), paid)
        if len(queries.get_revision(row.revision_id).of.revisions) > 1:
            raise Refused(f"The {row.words} return is open again. The statement follows it once it is certified")
    raise Refused(f"No year-end return of {fy_label(fy)} is certified yet, so there is nothing to state")


def signers_of(grant_id: int, found: YearEnd) -> tuple[str, ...]:
    """The posts that sign the statement: those of the agreement, else the one that certified the return."""
    terms = grants.current_terms(grant_id)
    named = tuple(line.strip() for line in (terms.signers if terms else "").splitlines() if line.strip())
    return named or (found.certificate.post,)


def document_of_statement(
    grant: Grant, holder: Holder, fy: int, found: YearEnd, built_at: dt.datetime
) -> StatementDocument:
    """What the workbook says; the page says the same."""
    terms = grants.current_terms(grant.id)
    return StatementDocument(
        grant_name=grant.name,
        grant_ref=grant.ref,
        agreement_ref=terms.agreement_ref if terms else "",
        funder=grant.funder,
        area_name=grant.area.name,
        holder_name=holder.name,
        accountable_body=holder.accountable_body,
        fy=fy,
        return_label=f"{found.row.words}, revision {found.row.revision_no}",
        certified_by=f"{found.certificate.name}, {found.certificate.post}",
        certified_at=found.certificate.recorded_at.astimezone(LONDON),
        built_at=built_at.astimezone(LONDON),
        figures=found.figures,
        paid=found.paid,
        signers=signers_of(grant.id, found),
        council_colour=current_app.config["COUNCIL_COLOUR"],
        marking=current_app.config["PROTECTIVE_MARKING"],
    )
