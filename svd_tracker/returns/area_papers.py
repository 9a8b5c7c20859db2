"""From a join to the document that its workbook shows."""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from flask import current_app

from exports.area_lines_sheet import AWARD, NOT_ALLOCATED, RECORD, place_of
from exports.cells import Place, ref_of
from exports.documents import AreaDocument, HolderState
from svd_tracker.accounts.models import Holder, HolderKind
from svd_tracker.accounts.queries import person_names
from svd_tracker.calculations.area import AreaFigures, AwardReconciliation, reconcile_awards
from svd_tracker.calculations.figures import Category
from svd_tracker.clock import LONDON, london_day
from svd_tracker.grants import queries as grants
from svd_tracker.grants.models import Grant, GrantTerms
from svd_tracker.returns import area_queries, area_records
from svd_tracker.returns.area_models import AreaRevision
from svd_tracker.returns.area_queries import Period
from svd_tracker.returns.models import Certificate
from svd_tracker.returns.workbook import KINDS, period_label, safe_name


@dataclass(frozen=True)
class AreaSigned:
    """Who certified a join for the PCC, and what they said."""

    name: str
    post: str
    at: dt.datetime
    deputy_for: str | None
    statement: str
    audit_seq: int
    audit_hash: str


def awards_of(
    period: Period, figures: AreaFigures, recorded_by: dt.datetime | None = None
) -> tuple[AwardReconciliation, ...]:
    """The funder's awards of the year against what the holders have, as recorded by a moment (None: now)."""
    table = grants.award_table(period.grant_id, period.fy, recorded_by)
    return reconcile_awards(figures.members, {category: line.pence for category, line in table.lines.items()})


def award_amounts(revision: AreaRevision, stored: Mapping[Place, int]) -> dict[Place, int]:
    """The awards, and the allocations that no return certified, in pence as its workbook's cells name them.

    From the OPCC's record as it stood when the join was made, beside the join's ``stored`` amounts.
    """
    of = area_queries.get_area_return(revision.area_return_id)
    table = grants.award_table(of.grant_id, of.fy, revision.recorded_at)
    found: dict[Place, int] = {}
    for category in Category:
        ref, line = ref_of(category), table.lines.get(category)
        award = left = line.pence if line else 0
        for member in revision.members:
            allocation = line.allocations.get(member.holder_id) if line else None
            record = place_of(ref, "allocation", f"{RECORD}{member.holder.ref}")
            found[record] = allocation.pence if allocation else 0
            left -= stored.get(place_of(ref, "allocation", member.holder.ref), found[record])
        found[place_of(ref, "allocation", NOT_ALLOCATED)] = left
        found[place_of(ref, "allocation", AWARD)] = award
    return found


def document_of_join(
    grant: Grant,
    terms: GrantTerms | None,
    period: Period,
    *,
    revision_no: int,
    reason: str,
    figures: AreaFigures,
    holders: Sequence[Holder],
    certificates: Mapping[int, tuple[int, Certificate]],
    awards: tuple[AwardReconciliation, ...],
    joined_by: int | None,
    joined_at: dt.datetime,
    signed: AreaSigned | None = None,
) -> AreaDocument:
    """What the workbook says. ``certificates`` are by holder id, each with its revision's number."""
    leads = [holder for holder in holders if holder.kind is HolderKind.OPCC]
    return AreaDocument(
        grant_name=grant.name,
        grant_ref=grant.ref,
        agreement_ref=terms.agreement_ref if terms else "",
        funder=grant.funder,
        area_name=grant.area.name,
        lead_name=leads[0].name if leads else grant.area.name,
        fy=period.fy,
        last_quarter=period.last_quarter,
        period_label=period_label(period.fy, period.last_quarter, period.kind),
        kind_label=KINDS[period.kind],
        revision_label=f"revision {revision_no}",
        prepared_by=person_names([joined_by])[joined_by],
        prepared_on=london_day(joined_at),
        built_at=joined_at.astimezone(LONDON),
        figures=figures,
        states={
            holder.ref: HolderState(
                f"revision {certificates[holder.id][0]}",
                certificates[holder.id][1].name,
                certificates[holder.id][1].post,
                certificates[holder.id][1].recorded_at.astimezone(LONDON),
            )
            for holder in holders
            if holder.id in certificates
        },
        short_names={holder.ref: holder.name.removesuffix(" Community Safety Partnership") for holder in holders},
        reason=reason,
        awards=awards,
        certified_by=signed.name if signed else None,
        certified_post=signed.post if signed else None,
        certified_at=signed.at.astimezone(LONDON) if signed else None,
        deputy_for=signed.deputy_for if signed else None,
        statement=signed.statement if signed else "",
        audit_seq=signed.audit_seq if signed else None,
        audit_hash=signed.audit_hash if signed else None,
        council_colour=current_app.config["COUNCIL_COLOUR"],
        marking=current_app.config["PROTECTIVE_MARKING"],
    )


def document_of_area_revision(revision: AreaRevision, signed: AreaSigned | None = None) -> AreaDocument:
    """The document of a stored join, from its own rows. A fixed number of queries.

    The awards and the allocations of those missing are as they were recorded when it was made.
    """
    of = area_queries.get_area_return(revision.area_return_id)
    period = area_queries.period_of(of)
    figures = area_queries.stored_join(revision)
    return document_of_join(
        of.grant,
        grants.current_terms(of.grant_id, revision.recorded_at),
        period,
        revision_no=revision.revision_no,
        reason=revision.reason,
        figures=figures,
        holders=[member.holder for member in revision.members],
        certificates=area_records.certificates_of(revision),
        awards=awards_of(period, figures, revision.recorded_at),
        joined_by=revision.recorded_by,
        joined_at=revision.recorded_at,
        signed=signed,
    )


def area_file_name(grant: Grant, period: Period, revision_no: int, state: str = "") -> str:
    """Like "SVD area return Dorset Q1 2025-26 revision 1.xlsx"."""
    return safe_name(f"SVD area return {grant.area.name} {period.words} revision {revision_no}{state}.xlsx")
