"""The area's return: the OPCC's join of the holders' certified returns (FIGURES.md 22; DESIGN.md rule 8).

As with a holder's return, ``prepare_join`` reads and makes the workbook, ``store_join`` writes it.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from flask import current_app

from exports.area_workbook import build_area_workbook
from exports.documents import AreaDocument, HolderState
from svd_tracker import db as database
from svd_tracker.accounts.queries import person_names
from svd_tracker.act import Act
from svd_tracker.audit import services as audit
from svd_tracker.calculations.area import AreaFigures
from svd_tracker.calculations.figures import ObligationKind
from svd_tracker.clock import LONDON
from svd_tracker.errors import ChangedMeanwhile, Refused
from svd_tracker.extensions import db
from svd_tracker.files import services as files
from svd_tracker.files.models import FileKind
from svd_tracker.grants import queries as grants
from svd_tracker.money import format_pounds
from svd_tracker.periods import fy_label, quarter_label
from svd_tracker.returns import area_queries, figures_store
from svd_tracker.returns.area_queries import Period
from svd_tracker.returns.gather import digest
from svd_tracker.returns.models import AreaMember, AreaReturn, AreaRevision, FigureBuild, ReturnFile, ReturnFileKind
from svd_tracker.returns.workbook import KINDS, MEDIA_TYPE, safe_name


@dataclass(frozen=True)
class PreparedJoin:
    """A join that is worked out and not yet stored. ``members`` is what it stands on."""

    period: Period
    revision_no: int
    reason: str
    members: str
    figures: AreaFigures
    file_name: str
    workbook: bytes


def join(period: Period, reason: str, act: Act) -> AreaRevision:
    """Join the newest certified return of every holder with an allocation, as the area's next revision.

    With a holder missing, a reason is needed to go on, and the totals are of those present. Raises Refused without it,
    with nobody present, where a certified allocation differs from the OPCC's record, or when nothing has changed since
    the last join; ChangedMeanwhile when a return was certified while the join was made.
    """
    return store_join(prepare_join(period, reason, act), act)


def prepare_join(period: Period, reason: str, act: Act) -> PreparedJoin:
    """Work the join out in a reading transaction of its own, and make its workbook."""
    with database.reading(db.session()):
        grant = grants.get_grant(period.grant_id)
        terms = grants.current_terms(period.grant_id)
        members = area_queries.members_of(period)
        figures = area_queries.join_members(members)
        _refuse_join(figures, reason)
        standing = area_queries.revisions_of(period)
        if standing and area_queries.stands_on(standing[-1]) == names_of_members(members):
            raise Refused("Nothing has changed since these returns were last joined")
        number = len(standing) + 1
        leads = [member.holder for member in members if member.holder.kind == "opcc"]
        document = AreaDocument(
            grant_name=grant.name,
            grant_ref=grant.ref,
            agreement_ref=terms.agreement_ref if terms else "",
            funder=grant.funder,
            area_name=grant.area.name,
            lead_name=leads[0].name if leads else grant.area.name,
            fy=period.fy,
            last_quarter=period.last_quarter,
            period_label=quarter_label(period.fy, period.last_quarter),
            kind_label=KINDS[ObligationKind.IN_YEAR],
            revision_label=f"revision {number}",
            prepared_by=person_names([act.by])[act.by],
            prepared_on=act.on,
            built_at=act.at.astimezone(LONDON),
            figures=figures,
            states={
                member.holder.ref: HolderState(
                    f"revision {member.revision_no}",
                    member.certificate.name,
                    member.certificate.post,
                    member.certificate.recorded_at.astimezone(LONDON),
                )
                for member in members
                if member.certificate is not None
            },
            short_names={
                member.holder.ref: member.holder.name.removesuffix(" Community Safety Partnership")
                for member in members
            },
            council_colour=current_app.config["COUNCIL_COLOUR"],
            marking=current_app.config["PROTECTIVE_MARKING"],
        )
        quarter = f"Q{period.last_quarter} {fy_label(period.fy)}"
        return PreparedJoin(
            period=period,
            revision_no=number,
            reason=reason.strip() if figures.missing else "",
            members=names_of_members(members),
            figures=figures,
            file_name=safe_name(f"SVD area return {grant.area.name} {quarter} revision {number}.xlsx"),
            workbook=build_area_workbook(document),
        )


def store_join(prepared: PreparedJoin, act: Act) -> AreaRevision:
    """Store a join, unless a return was certified or another join was made meanwhile."""
    period = prepared.period
    grant = grants.get_grant(period.grant_id)
    grants.lock_grant(grant.id)
    members = area_queries.members_of(period)
    if (
        names_of_members(members) != prepared.members
        or len(area_queries.revisions_of(period)) != prepared.revision_no - 1
    ):
        raise ChangedMeanwhile("A return was certified or joined at the same moment: look again and join")
    of = area_queries.find_area_return(period) or _first(period, grant.area_id, grant.area.ref, grant.ref)
    revision = AreaRevision(
        area_return_id=of.id,
        revision_no=prepared.revision_no,
        complete=prepared.figures.complete,
        reason=prepared.reason,
        recorded_at=act.at,
        recorded_by=act.by,
    )
    db.session.add(revision)
    db.session.flush()
    db.session.add_all(
        AreaMember(
            area_revision_id=revision.id,
            holder_id=member.holder.id,
            return_revision_id=member.revision_id,
            missing_reason=member.missing_reason,
        )
        for member in members
    )
    build = FigureBuild(
        area_revision_id=revision.id,
        build_no=1,
        ledger_seq=0,  # a join stands on returns, not on a ledger
        inputs_digest=digest(prepared.members),
        budgets_digest=digest([member.recorded_allocations for member in members]),
        recorded_at=act.at,
        recorded_by=act.by,
    )
    db.session.add(build)
    db.session.flush()
    _save_lines(build.id, members, prepared.figures)
    file = files.keep(
        act,
        area_id=grant.area_id,
        holder_id=None,
        kind=FileKind.AREA_WORKBOOK,
        name=prepared.file_name,
        media_type=MEDIA_TYPE,
        content=prepared.workbook,
    )
    db.session.add(
        ReturnFile(
            build_id=build.id, kind=ReturnFileKind.SEALED, file_id=file.id, recorded_at=act.at, recorded_by=act.by
        )
    )
    total = prepared.figures.total
    audit.record(
        act,
        "join",
        "area_return",
        of.ref,
        area_id=grant.area_id,
        after={
            "revision": revision.revision_no,
            "complete": revision.complete,
            "missing": list(prepared.figures.missing),
            "reason": prepared.reason,
            "claimed_now": total.claimed_now if total else None,
            "sha256": file.sha256,
        },
    )
    return revision


def _refuse_join(figures: AreaFigures, reason: str) -> None:
    if figures.total is None:
        raise Refused("No return of this period is certified yet, so there is nothing to join")
    for difference in figures.differences:
        raise Refused(
            f"{difference.holder_name} certified a {difference.category.label.lower()} allocation of "
            f"{format_pounds(difference.certified)}; the OPCC's record says {format_pounds(difference.record)}. "
            "Settle which is right before the returns are joined"
        )
    if figures.missing and not reason.strip():
        raise Refused(f"Say why the join goes on without {' and '.join(figures.missing)}", field="reason")


def names_of_members(members: list[area_queries.Member]) -> str:
    """What a join stands on, as text: the certified revision of each holder, or that there is none."""
    return area_queries.names_of({member.holder.id: member.revision_id for member in members})


def _first(period: Period, area_id: int, area_ref: str, grant_ref: str) -> AreaReturn:
    label = f"{fy_label(period.fy).replace('/', '-')}-Q{period.last_quarter}"
    of = AreaReturn(
        grant_id=period.grant_id,
        area_id=area_id,
        fy=period.fy,
        kind=ObligationKind.IN_YEAR,
        last_quarter=period.last_quarter,
        ref=f"{area_ref}/{grant_ref}/{label}",
    )
    db.session.add(of)
    db.session.flush()
    return of


def _save_lines(build_id: int, members: list[area_queries.Member], figures: AreaFigures) -> None:
    """Every member's lines and totals under its holder, then the area's totals under none."""
    rows: list[figures_store.LineRow] = []
    for member in members:
        if member.figures is None:
            continue
        notes: Mapping[str, str] = {row.ref: row.explanation for row in member.rows}
        rows += figures_store.to_rows(member.figures, notes, member.holder.id)
    if figures.total is not None:
        rows += figures_store.total_rows(figures.categories, figures.total)
    figures_store.save(build_id, rows, {})
