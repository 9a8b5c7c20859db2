"""Setting up a round and moving it on. One verb a function; the caller commits."""

import datetime as dt
from collections.abc import Callable, Iterable, Mapping

from sqlalchemy import select

from svd_tracker.accounts.models import Area, HolderKind
from svd_tracker.act import Act
from svd_tracker.audit import services as audit
from svd_tracker.errors import ChangedMeanwhile, Refused
from svd_tracker.extensions import db
from svd_tracker.grants.models import Allocation, Grant
from svd_tracker.periods import fy_label
from svd_tracker.rounds import queries
from svd_tracker.rounds.models import Round, RoundShare, RoundState, Scheme, TieRule
from svd_tracker.rounds.people_services import add_assessor, remove_assessor
from svd_tracker.rounds.scheme_services import (
    CriterionContent,
    content_of,
    copy_scheme,
    freeze_scheme,
    remove_criterion,
    save_checks,
    save_criterion,
    save_scheme,
    save_settings,
)

__all__ = [
    "BACK",
    "FORWARD",
    "CriterionContent",
    "add_assessor",
    "add_caution",
    "add_move_check",
    "add_round",
    "add_share",
    "cautions",
    "content_of",
    "copy_scheme",
    "edit_round",
    "freeze_scheme",
    "move",
    "objections",
    "on_move",
    "remove_assessor",
    "remove_criterion",
    "save_checks",
    "save_criterion",
    "save_scheme",
    "save_settings",
]

FORWARD: Mapping[RoundState, RoundState] = {
    RoundState.PREPARING: RoundState.OPEN,
    RoundState.OPEN: RoundState.SCORING,
    RoundState.SCORING: RoundState.DECIDING,
    RoundState.DECIDING: RoundState.PUBLISHED,
}
BACK: Mapping[RoundState, RoundState] = {
    RoundState.OPEN: RoundState.PREPARING,
    RoundState.SCORING: RoundState.OPEN,
    RoundState.DECIDING: RoundState.SCORING,
}

MoveCheck = Callable[[Round, RoundState], None]
MoveListener = Callable[[Round, Act], None]
Caution = Callable[[Round, RoundState], Iterable[str]]
_checks: list[MoveCheck] = []
_cautions: list[Caution] = []
_listeners: list[MoveListener] = []


def add_move_check(check: MoveCheck) -> MoveCheck:
    """Lets a higher feature refuse a step: called with the round and the state it would go to, raises Refused."""
    if check not in _checks:
        _checks.append(check)
    return check


def add_caution(caution: Caution) -> Caution:
    """Lets a higher feature ask for a reason: called with the round and the state it would go to, says what is open.

    The step can still be taken, with a reason that is kept.
    """
    if caution not in _cautions:
        _cautions.append(caution)
    return caution


def on_move(listener: MoveListener) -> MoveListener:
    """Lets a higher feature do its part of a step, in the same transaction, once the round is in its new state."""
    if listener not in _listeners:
        _listeners.append(listener)
    return listener


def add_round(
    area: Area,
    grant: Grant,
    fy: int,
    ref: str | None,
    name: str,
    opens_on: dt.date,
    closes_on: dt.date,
    act: Act,
    *,
    blind: bool = False,
) -> Round:
    """A round in preparation, with an empty scheme. Without a ref it gets the next of the area.

    ``blind``: assessors see no names of organisations until they have sent their scores.

    Raises Refused for dates the wrong way round, a ref that is taken, or a year outside the grant.
    """
    if grant.area_id != area.id:
        raise Refused(f"{grant.name} is not a grant of {area.name}", field="grant_id")
    if fy not in range(grant.starts_on.year - (grant.starts_on.month < 4), grant.ends_on.year + 1):
        raise Refused(f"{grant.name} has no money for {fy_label(fy)}", field="fy")
    _check_dates(opens_on, closes_on)
    ref = ref or queries.next_ref(area.id)
    if db.session.scalar(select(Round.id).where(Round.area_id == area.id, Round.ref == ref)):
        raise Refused(f'There is already a round "{ref}": choose another reference', field="ref")
    round_ = Round(
        area=area,
        grant=grant,
        fy=fy,
        ref=ref,
        name=name.strip(),
        opens_on=opens_on,
        closes_on=closes_on,
        state=RoundState.PREPARING,
        blind=blind,
        scheme=Scheme(name=name.strip(), overall_minimum_bp=None, reasons_required=True, frozen_at=None),
    )
    db.session.add(round_)
    audit.record(act, "add", "round", queries.subject(round_), area_id=area.id, after=_facts(round_))
    return round_


def edit_round(
    round_: Round,
    name: str,
    opens_on: dt.date,
    closes_on: dt.date,
    row_version: int,
    act: Act,
    *,
    blind: bool | None = None,
) -> None:
    """Change a round's name and dates, and until scoring begins whether it is blind (None leaves it).

    Raises ChangedMeanwhile, or Refused once it is published.
    """
    if round_.row_version != row_version:
        raise ChangedMeanwhile(
            "Somebody else changed this round since you opened the page.",
            {"name": round_.name, "opens_on": round_.opens_on, "closes_on": round_.closes_on, "blind": round_.blind},
        )
    if round_.state is RoundState.PUBLISHED:
        raise Refused("This round is published and no longer changes")
    _check_dates(opens_on, closes_on)
    if blind is not None and blind is not round_.blind and round_.state not in (RoundState.PREPARING, RoundState.OPEN):
        raise Refused("Scoring has begun: names stay as hidden or shown as they were", field="blind")
    before = _facts(round_)
    round_.name, round_.opens_on, round_.closes_on = name.strip(), opens_on, closes_on
    round_.blind = round_.blind if blind is None else blind
    audit.record(
        act, "edit", "round", queries.subject(round_), area_id=round_.area_id, before=before, after=_facts(round_)
    )


def _check_dates(opens_on: dt.date, closes_on: dt.date) -> None:
    if closes_on < opens_on:
        raise Refused("The round must close on or after the day it opens", field="closes_on")


def _facts(round_: Round) -> dict[str, object]:
    return {
        "name": round_.name,
        "fy": round_.fy,
        "opens_on": round_.opens_on,
        "closes_on": round_.closes_on,
        "blind": round_.blind,
    }


def add_share(round_: Round, allocation: Allocation, kept_back_pence: int, reason: str, act: Act) -> RoundShare:
    """Put a partnership's allocation into the round, or change what of it is kept back (pence). A new version.

    Raises Refused for an allocation of another grant, year or the OPCC, and for more kept back than there is.
    """
    if round_.state is RoundState.PUBLISHED:
        raise Refused("This round is published and no longer changes")
    line = allocation.award_line
    if line.grant_id != round_.grant_id or line.fy != round_.fy or allocation.holder.kind is not HolderKind.CSP:
        raise Refused("Choose a partnership's allocation of the round's own grant and year")
    if kept_back_pence < 0:
        raise Refused("Enter £0.00 or more to keep back", field="kept_back")
    known = {share.allocation_id: share for share in queries.possible_shares(round_)}[allocation.id]
    if kept_back_pence > known.allocated:
        raise Refused("You cannot keep back more than the allocation", field="kept_back")
    newest = _newest_share(round_, allocation)
    if newest is not None and newest.kept_back_pence == kept_back_pence:
        return newest
    share = RoundShare(
        round_id=round_.id,
        allocation_id=allocation.id,
        version_no=newest.version_no + 1 if newest else 1,
        kept_back_pence=kept_back_pence,
        reason=reason.strip(),
        recorded_at=act.at,
        recorded_by=act.by,
    )
    db.session.add(share)
    audit.record(
        act,
        "share",
        "round",
        queries.subject(round_),
        area_id=round_.area_id,
        holder_id=allocation.holder_id,
        before={"kept_back_pence": newest.kept_back_pence} if newest else None,
        after={"category": line.category.value, "kept_back_pence": kept_back_pence, "reason": reason},
    )
    return share


def _newest_share(round_: Round, allocation: Allocation) -> RoundShare | None:
    return db.session.scalars(
        select(RoundShare)
        .where(RoundShare.round_id == round_.id, RoundShare.allocation_id == allocation.id)
        .order_by(RoundShare.version_no.desc())
        .limit(1)
    ).first()


def move(round_: Round, state: RoundState, act: Act, reason: str = "") -> None:
    """Take a round one step on, or one step back with a reason (the one transition table).

    Raises Refused for any other step, for what is missing, and for a step back that would leave something behind.
    """
    db.session.execute(select(Round.id).where(Round.id == round_.id).with_for_update())
    db.session.refresh(round_)
    before = round_.state
    forward = FORWARD.get(before) is state
    if not forward and BACK.get(before) is not state:
        raise Refused(f"A round that is {before.value} cannot become {state.value}", field="state")
    if not forward and not reason.strip():
        raise Refused("Enter a reason for going back a step", field="reason")
    if forward and not reason.strip() and (open_matters := cautions(round_, state)):
        raise Refused(f"Enter a reason for going on. {open_matters[0]}", field="reason")
    missing = missing_for(round_, state) if forward else _harm_of_going_back(round_)
    missing += objections(round_, state)
    if missing:
        raise Refused(missing[0])
    round_.state = state
    if state is RoundState.PUBLISHED:
        _keep_money(round_, act)
    for listener in _listeners:
        listener(round_, act)
    audit.record(
        act,
        f"move_to_{state.value}",
        "round",
        queries.subject(round_),
        area_id=round_.area_id,
        before={"state": before.value},
        after={"state": state.value, "reason": reason.strip()},
    )


def missing_for(round_: Round, state: RoundState) -> list[str]:
    """What the round still needs before it can go on to a state, in words for the page."""
    missing: list[str] = []
    if state in (RoundState.OPEN, RoundState.SCORING) and not queries.holder_ids_of([round_.id]):
        missing.append("Say whose money the round is for")
    if state is RoundState.SCORING:
        criteria = queries.criteria_of(round_.scheme)
        if not any(each.weight_hundredths for each in criteria):
            missing.append("Add a criterion with a weight to the scheme")
        if round_.scheme.first_stage_bp is None and any(each.counts_double for each in criteria):
            missing.append("Say which share goes on to the second stage, or let no criterion count double")
        if round_.scheme.tie_rule is TieRule.CRITERION and all(
            each.ref != round_.scheme.tie_criterion_ref for each in criteria
        ):
            missing.append("Choose the criterion that decides between equal results")
        if not queries.assessors_of(round_.id):
            missing.append("Add at least one assessor")
    return missing


def _keep_money(round_: Round, act: Act) -> None:
    """Publication writes down the allocations that were decided on: the line stays as it was drawn."""
    round_.published_at = act.at
    for share in queries.shares_of(round_):
        db.session.add(
            RoundShare(
                round_id=round_.id,
                allocation_id=share.allocation_id,
                version_no=share.version_no + 1,
                kept_back_pence=share.kept_back,
                allocated_pence=share.allocated,
                reason=share.reason,
                recorded_at=act.at,
                recorded_by=act.by,
            )
        )


def cautions(round_: Round, state: RoundState) -> list[str]:
    """What is still open before a step that may be taken all the same with a reason, in words for the page."""
    return [words for caution in _cautions for words in caution(round_, state)]


def objections(round_: Round, state: RoundState) -> list[str]:
    """What higher features have to say against a step."""
    found: list[str] = []
    for check in _checks:
        try:
            check(round_, state)
        except Refused as refused:
            found.append(refused.message)
    return found


def _harm_of_going_back(round_: Round) -> list[str]:
    if round_.state is RoundState.SCORING and round_.scheme.frozen_at is not None:
        return ["A score has been saved, so the round cannot be opened for proposals again"]
    return []
