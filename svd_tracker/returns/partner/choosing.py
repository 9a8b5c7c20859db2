"""A holder that works here says that one of its returns comes as its own workbook: nobody else can decide that."""

from svd_tracker.accounts.models import HolderKind
from svd_tracker.act import Act
from svd_tracker.audit import services as audit
from svd_tracker.errors import Refused
from svd_tracker.finance import services as finance
from svd_tracker.returns import queries
from svd_tracker.returns.models import Obligation, Origin, ReturnRevision
from svd_tracker.returns.partner import queries as partner
from svd_tracker.returns.services import add_event, first_revision, lock_revision, refuse_unless

TAKEN_IN = "A workbook of this return was taken in already"


def comes_as_workbook(obligation: Obligation, reason: str, act: Act) -> ReturnRevision:
    """Say, as a finance officer or certifier of the holder, that this return comes as a workbook, and why.

    From then on the OPCC may take one in and nothing is built here; what was built is kept and counts no more. Raises
    Refused without a reason, for a return that is no draft or comes as one already, and for the OPCC's own.
    """
    return _choose(obligation, Origin.BROUGHT_IN, reason, act)


def comes_from_ledger(obligation: Obligation, reason: str, act: Act) -> ReturnRevision:
    """Take that back, with the reason, as long as no workbook of the return was taken in."""
    return _choose(obligation, Origin.BUILT, reason, act)


def may_choose(obligation: Obligation, revision: ReturnRevision | None, origin: Origin) -> bool:
    """Whether the holder can say now that the return is to be made this way, as far as its state goes."""
    try:
        _refuse(obligation, revision, origin)
    except Refused:
        return False
    return True


def _choose(obligation: Obligation, origin: Origin, reason: str, act: Act) -> ReturnRevision:
    reason = reason.strip()
    if not reason:
        raise Refused("Say why", field="reason")
    finance.lock_ledger(obligation.holder_id)
    revision = queries.newest_revision(obligation.id)
    if revision is not None:
        lock_revision(revision)
    _refuse(obligation, revision, origin)
    revision = revision or first_revision(obligation, origin)
    revision.origin = origin
    event = _event(origin)
    add_event(revision, event, reason, act)
    audit.record(
        act,
        event,
        "finance_return",
        revision.of.ref,
        area_id=obligation.grant.area_id,
        holder_id=obligation.holder_id,
        after={"origin": origin.value, "reason": reason},
    )
    return revision


def _refuse(obligation: Obligation, revision: ReturnRevision | None, origin: Origin) -> None:
    if obligation.holder.kind is HolderKind.OPCC:
        raise Refused("The OPCC's own return is built from its ledger here")
    if revision is not None:
        refuse_unless(_event(origin), revision)
    if (revision.origin if revision else Origin.BUILT) is origin:
        raise Refused("This return is made that way already")
    if origin is Origin.BUILT and partner.newest_taken_in(obligation.id):
        raise Refused(TAKEN_IN)


def _event(origin: Origin) -> str:
    return "as_workbook" if origin is Origin.BROUGHT_IN else "from_ledger"
