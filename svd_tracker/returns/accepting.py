"""Accepting a warning of a return with a reason, which prints in the workbook. The caller commits."""

from dataclasses import dataclass

from svd_tracker.act import Act
from svd_tracker.audit import services as audit
from svd_tracker.errors import ChangedMeanwhile, NotFound, Refused
from svd_tracker.extensions import db
from svd_tracker.returns import queries
from svd_tracker.returns.acceptances import accepted_of
from svd_tracker.returns.check_kinds import LINES_CARRIED, WARNING, FindingKey, title_of
from svd_tracker.returns.models import FindingAcceptance, ReturnFinding, ReturnRevision, RevisionState
from svd_tracker.returns.services import BUILT_AGAIN, lock_revision

LONGEST_REASON = 1000


@dataclass(frozen=True)
class Acceptable:
    """A finding of the newest build that may be accepted, or taken back."""

    finding: ReturnFinding
    accepted: str  # as in ``accepted_of``; empty while it is not accepted

    @property
    def key(self) -> FindingKey:
        return self.finding.code, self.finding.subject_ref, self.finding.message


def get_acceptable(revision: ReturnRevision, finding_id: int) -> Acceptable:
    """A warning of the revision's newest build. Raises NotFound for a finding of anything else, ChangedMeanwhile for

    one of an older build, Refused for one that is accepted in another way or not at all.
    """
    finding = db.session.get(ReturnFinding, finding_id)
    build = queries.newest_build(revision.id)
    if finding is None or build is None or queries.get_build(finding.build_id).revision_id != revision.id:
        raise NotFound("finding")
    if finding.build_id != build.id:
        raise ChangedMeanwhile(BUILT_AGAIN)
    if why := why_not_acceptable(finding.severity, finding.code):
        raise Refused(why)
    found = Acceptable(finding, "")
    return Acceptable(finding, accepted_of(revision.id).get(found.key, ""))


def why_not_acceptable(severity: str, code: str) -> str:
    """Why a finding cannot be accepted with a reason; empty for one that can."""
    if severity != WARNING:
        return "An error is put right, not accepted"
    if code == LINES_CARRIED:
        return "The certifier accepts the carried lines when certifying"
    return ""


def accept_finding(revision: ReturnRevision, finding_id: int, reason: str, act: Act) -> None:
    """Accept a warning of the newest build with a reason.

    Raises Refused for an error, without a reason, once the return is certified, and for one that is accepted already;
    ChangedMeanwhile when the return was built again.
    """
    found = _locked(revision, finding_id)
    reason = reason.strip()
    if not reason:
        raise Refused("Say why the return can go with this warning", field="reason")
    if len(reason) > LONGEST_REASON:
        raise Refused(f"Use {LONGEST_REASON:,} characters or fewer", field="reason")
    if found.accepted:
        raise Refused(f"This warning was accepted already. {found.accepted}")
    _record(revision, found, True, reason, act)


def take_back_acceptance(revision: ReturnRevision, finding_id: int, act: Act) -> None:
    """Let a warning stand as not accepted again. Raises as ``accept_finding``, and for one that is not accepted."""
    found = _locked(revision, finding_id)
    if not found.accepted:
        raise Refused("This warning is not accepted, so there is nothing to take back")
    _record(revision, found, False, "", act)


def _locked(revision: ReturnRevision, finding_id: int) -> Acceptable:
    lock_revision(revision)
    if revision.state not in (RevisionState.DRAFT, RevisionState.CHECKED):
        raise Refused("This return is certified and never changes")
    return get_acceptable(revision, finding_id)


def _record(revision: ReturnRevision, found: Acceptable, accepted: bool, reason: str, act: Act) -> None:
    code, subject_ref, message = found.key
    db.session.add(
        FindingAcceptance(
            revision_id=revision.id,
            code=code,
            subject_ref=subject_ref,
            message=message,
            accepted=accepted,
            reason=reason,
            recorded_at=act.at,
            recorded_by=act.by,
        )
    )
    obligation = revision.of.obligation
    audit.record(
        act,
        "accept_warning" if accepted else "take_back_acceptance",
        "finance_return",
        revision.of.ref,
        area_id=obligation.grant.area_id,
        holder_id=obligation.holder_id,
        before={"accepted": found.accepted} if found.accepted else None,
        after={"check": title_of(code), "warning": message, "reason": reason},
    )
    db.session.flush()
