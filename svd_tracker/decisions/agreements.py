"""The delivery agreement that binds the body which runs funded work for one partnership."""

import datetime as dt
from collections.abc import Iterable

from sqlalchemy import select

from svd_tracker.act import Act
from svd_tracker.audit import services as audit
from svd_tracker.decisions import queries
from svd_tracker.decisions.models import AgreementKind, Decision, DeliveryAgreement
from svd_tracker.decisions.services import subject
from svd_tracker.errors import ChangedMeanwhile, Refused
from svd_tracker.extensions import db
from svd_tracker.proposals import queries as proposals


def newest(proposal_ids: Iterable[int]) -> dict[tuple[int, int], DeliveryAgreement]:
    """By (proposal id, holder id), the agreement that counts. One query."""
    found = db.session.scalars(
        select(DeliveryAgreement)
        .where(DeliveryAgreement.proposal_id.in_(list(proposal_ids)))
        .order_by(DeliveryAgreement.seq)
    )
    return {(each.proposal_id, each.holder_id): each for each in found}


def record_agreement(
    decision: Decision,
    kind: AgreementKind,
    body: str,
    reference: str,
    signed_on: dt.date | None,
    seen_seq: int,
    act: Act,
) -> DeliveryAgreement:
    """Say by what the body that runs the work is bound, from now on; without ``signed_on`` it is not signed yet.

    ``seen_seq`` is the one that was on the page (0: none). Raises Refused for a decision that gives no money or no
    longer stands, a body or reference not given, or a day still to come; ChangedMeanwhile when a newer one counts.
    """
    proposals.refuse_if_shut(act.by, decision.proposal)
    if not decision.outcome.funds or not queries.is_standing(decision):
        raise Refused("Only a standing decision that gives money has a delivery agreement")
    before = newest([decision.proposal_id]).get((decision.proposal_id, decision.holder_id))
    if (before.seq if before else 0) != seen_seq:
        raise ChangedMeanwhile("Somebody else recorded an agreement since you opened the page")
    if not body.strip():
        raise Refused("Enter the body that runs the work", field="body")
    if not reference.strip():
        raise Refused("Enter the reference of the agreement", field="reference")
    if signed_on is not None and signed_on > act.on:
        raise Refused("Enter a date that is today or in the past, or leave it empty until it is signed", "signed_on")
    agreement = DeliveryAgreement(
        proposal_id=decision.proposal_id,
        holder_id=decision.holder_id,
        seq=seen_seq + 1,
        kind=kind,
        body=body.strip(),
        reference=reference.strip(),
        signed_on=signed_on,
        recorded_at=act.at,
        recorded_by=act.by,
    )
    db.session.add(agreement)
    audit.record(
        act,
        "record_agreement",
        "decision",
        subject(decision.proposal, decision.holder),
        area_id=decision.proposal.round.area_id,
        holder_id=decision.holder_id,
        before=_facts(before) if before else None,
        after=_facts(agreement),
    )
    return agreement


def _facts(agreement: DeliveryAgreement) -> dict[str, object]:
    return {
        "kind": agreement.kind.value,
        "body": agreement.body,
        "reference": agreement.reference,
        "signed_on": agreement.signed_on,
    }
