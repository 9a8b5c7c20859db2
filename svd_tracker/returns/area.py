"""The area's return: the OPCC's join of the holders' certified returns (FIGURES.md 22; DESIGN.md rule 8).

As with a holder's return, ``prepare_join`` reads and makes the workbook, ``store_join`` writes it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from exports.area_workbook import build_area_workbook
from svd_tracker import db as database
from svd_tracker.act import Act
from svd_tracker.audit import services as audit
from svd_tracker.calculations.area import AreaFigures, AwardReconciliation
from svd_tracker.calculations.figures import ObligationKind
from svd_tracker.errors import ChangedMeanwhile, Refused
from svd_tracker.extensions import db
from svd_tracker.files import services as files
from svd_tracker.files.models import FileKind
from svd_tracker.grants import queries as grants
from svd_tracker.money import format_pounds
from svd_tracker.periods import fy_label
from svd_tracker.returns import area_queries, figures_store
from svd_tracker.returns.area_models import AreaMember, AreaReturn, AreaRevision, AreaState
from svd_tracker.returns.area_papers import area_file_name, awards_of, document_of_join
from svd_tracker.returns.area_queries import Member, Period
from svd_tracker.returns.gather import digest
from svd_tracker.returns.models import FigureBuild, ReturnFile, ReturnFileKind
from svd_tracker.returns.workbook import MEDIA_TYPE


@dataclass(frozen=True)
class PreparedJoin:
    """A join that is worked out and not yet stored. ``members`` is what it stands on, ``budgets`` the record then."""

    period: Period
    revision_no: int
    reason: str
    members: str
    budgets: str
    figures: AreaFigures
    file_name: str
    workbook: bytes


def join(period: Period, reason: str, act: Act) -> AreaRevision:
    """Join the newest certified return of every holder with an allocation, as the area's next revision.

    With a holder missing, a reason is needed to go on, and the totals are of those present; it is needed too where
    the join takes the place of a certified one. Raises Refused without it, with nobody present, where a certified
    allocation differs from the OPCC's record, where the allocations pass the award, when nothing has changed since the
    last join, or while the funder has it; ChangedMeanwhile when a return was certified while the join was made.
    """
    return store_join(prepare_join(period, reason, act), act)


def prepare_join(period: Period, reason: str, act: Act) -> PreparedJoin:
    """Work the join out in a reading transaction of its own, and make its workbook."""
    with database.reading(db.session()):
        grant = grants.get_grant(period.grant_id)
        members = area_queries.members_of(period)
        figures = area_queries.join_members(members)
        awards = awards_of(period, figures)
        standing = area_queries.revisions_of(period)
        _refuse_join(figures, awards, reason)
        if standing:
            _refuse_next(standing[-1], members, reason)
        number = len(standing) + 1
        kept = reason.strip() if needs_reason(figures, standing) else ""
        document = document_of_join(
            grant,
            grants.current_terms(period.grant_id),
            period,
            revision_no=number,
            reason=kept,
            figures=figures,
            holders=[member.holder for member in members],
            certificates={
                member.holder.id: (member.revision_no, member.certificate)
                for member in members
                if member.certificate and member.revision_no
            },
            awards=awards,
            joined_by=act.by,
            joined_at=act.at,
        )
        return PreparedJoin(
            period=period,
            revision_no=number,
            reason=kept,
            members=names_of_members(members),
            budgets=_budgets_of(members, awards),
            figures=figures,
            file_name=area_file_name(grant, period, number, " DRAFT"),
            workbook=build_area_workbook(document),
        )


def store_join(prepared: PreparedJoin, act: Act) -> AreaRevision:
    """Store a join, unless a return was certified or another join was made meanwhile."""
    period = prepared.period
    grant = grants.get_grant(period.grant_id)
    grants.lock_grant(grant.id)
    members = area_queries.members_of(period)
    standing = area_queries.revisions_of(period)
    if (
        names_of_members(members) != prepared.members
        or _budgets_of(members, awards_of(period, prepared.figures)) != prepared.budgets
        or len(standing) != prepared.revision_no - 1
    ):
        raise ChangedMeanwhile("A return was certified or joined at the same moment: look again and join")
    if standing:
        _refuse_next(standing[-1], members, prepared.reason)
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
        budgets_digest=prepared.budgets,
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
            build_id=build.id, kind=ReturnFileKind.DRAFT, file_id=file.id, recorded_at=act.at, recorded_by=act.by
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


def needs_reason(figures: AreaFigures, standing: Sequence[AreaRevision]) -> bool:
    """Whether a join must say why: a holder is missing, or it takes the place of one that is certified or sent."""
    if figures.missing:
        return True
    return bool(standing) and area_queries.states_of([standing[-1].id])[standing[-1].id] in _SETTLED


def why_not_next(newest: AreaRevision, members: Sequence[Member]) -> str | None:
    """Why the newest join may not be followed by another of these members; None where it may (DESIGN.md rule 4).

    One that was sent waits for the funder's query, unless a holder was missing from it and has come in since: the
    others then stand as they stood.
    """
    state = area_queries.states_of([newest.id])[newest.id]
    stood = {member.holder_id: member.return_revision_id for member in newest.members}
    now = {member.holder.id: member.revision_id for member in members}
    if stood == now and state not in (AreaState.SENT_BACK, AreaState.QUERIED):
        return "Nothing has changed since these returns were last joined"
    untouched = all(now.get(holder_id) == revision_id for holder_id, revision_id in stood.items() if revision_id)
    if untouched and not newest.complete:
        return None
    if state is AreaState.SENT:
        return (
            "The area return is with the funder. When the funder asks about it, record the query first: the returns "
            "are then joined again"
        )
    if state is AreaState.ACCEPTED:
        return "The funder has accepted the area return: what comes late is an adjustment in the open returns"
    return None


def _refuse_next(newest: AreaRevision, members: Sequence[Member], reason: str) -> None:
    if why := why_not_next(newest, members):
        raise Refused(why)
    if not reason.strip() and area_queries.states_of([newest.id])[newest.id] in _SETTLED:
        raise Refused(
            f"Say why these returns take the place of revision {newest.revision_no}, which is certified",
            field="reason",
        )


_SETTLED = (AreaState.CERTIFIED, AreaState.SENT, AreaState.ACCEPTED)


def _refuse_join(figures: AreaFigures, awards: Sequence[AwardReconciliation], reason: str) -> None:
    if figures.total is None:
        raise Refused("No return of this period is certified yet, so there is nothing to join")
    for difference in figures.differences:
        raise Refused(
            f"{difference.holder_name} certified a {difference.category.label.lower()} allocation of "
            f"{format_pounds(difference.certified)}; the OPCC's record says {format_pounds(difference.record)}. "
            "Settle which is right before the returns are joined"
        )
    for award in awards:
        if award.not_allocated < 0:
            raise Refused(
                f"The holders' {award.category.label.lower()} allocations pass the funder's award of "
                f"{format_pounds(award.award)} by {format_pounds(-award.not_allocated)}. Settle the split first"
            )
    if figures.missing and not reason.strip():
        raise Refused(f"Say why the join goes on without {' and '.join(figures.missing)}", field="reason")


def _budgets_of(members: Sequence[Member], awards: Sequence[AwardReconciliation]) -> str:
    """One digest of the allocations and awards that a join stands on."""
    return digest([[member.recorded_allocations for member in members], [award.award for award in awards]])


def names_of_members(members: Sequence[Member]) -> str:
    """What a join stands on, as text: the certified revision of each holder, or that there is none."""
    return area_queries.names_of({member.holder.id: member.revision_id for member in members})


def _first(period: Period, area_id: int, area_ref: str, grant_ref: str) -> AreaReturn:
    year = fy_label(period.fy).replace("/", "-")
    in_year = period.kind is ObligationKind.IN_YEAR
    label = f"{year}-Q{period.last_quarter}" if in_year else f"{year}-{period.kind.value}"
    of = AreaReturn(
        grant_id=period.grant_id,
        area_id=area_id,
        fy=period.fy,
        kind=period.kind,
        last_quarter=period.last_quarter,
        ref=f"{area_ref}/{grant_ref}/{label}",
    )
    db.session.add(of)
    db.session.flush()
    return of


def _save_lines(build_id: int, members: Sequence[Member], figures: AreaFigures) -> None:
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
