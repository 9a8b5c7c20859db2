"""Who does what in a round: assessors, substitutes, the chair, stand-ins. One verb a function; the caller commits."""

from collections.abc import Callable
from enum import StrEnum

from sqlalchemy import select

from svd_tracker.accounts.models import Holder, Person, Role
from svd_tracker.accounts.queries import standing_role_grants
from svd_tracker.act import Act
from svd_tracker.audit import services as audit
from svd_tracker.errors import ChangedMeanwhile, Refused
from svd_tracker.extensions import db
from svd_tracker.rounds import people_queries, queries
from svd_tracker.rounds.models import Round, RoundAssessor, RoundStandIn, RoundState


class Part(StrEnum):
    """What somebody is to do in a round, for the checks of higher features."""

    ASSESSOR = "assessor"
    SUBSTITUTE = "substitute"
    STAND_IN = "stand_in"


PeopleCheck = Callable[[Round, Person, Part, Person | None], None]
WaitingListener = Callable[[Round, Act], None]
_checks: list[PeopleCheck] = []
_listeners: list[WaitingListener] = []


def add_people_check(check: PeopleCheck) -> PeopleCheck:
    """Lets a higher feature refuse that somebody takes a part in a round: called with the round, the person, the

    part, and whose place they take (None for an assessor of their own); raises Refused.
    """
    if check not in _checks:
        _checks.append(check)
    return check


def on_less_to_wait_for(listener: WaitingListener) -> WaitingListener:
    """Lets a higher feature do its part when an assessor may have less left to do, in the same transaction.

    Whoever tells it holds the round (queries.lock_round).
    """
    if listener not in _listeners:
        _listeners.append(listener)
    return listener


def less_to_wait_for(round_: Round, act: Act) -> None:
    """Part of a verb after which somebody who was waited for may be waited for no more."""
    for listener in _listeners:
        listener(round_, act)


def add_assessor(round_: Round, person: Person, act: Act) -> RoundAssessor:
    """Put somebody into the group that scores, for the organisation they belong to now.

    Raises Refused once a score is saved: who may have seen scores must not give any (DESIGN.md rule 7).
    """
    if round_.scheme.frozen_at is not None or round_.state in (RoundState.DECIDING, RoundState.PUBLISHED):
        raise Refused("Scoring has begun: name a substitute for somebody who cannot score", field="person_id")
    _check_joins(round_, person, Part.ASSESSOR, None)
    return _join(round_, person, None, "add_assessor", "", act)


def remove_assessor(round_: Round, person: Person, act: Act) -> None:
    """Take somebody out of the group. Raises Refused once scoring has begun: their scores would be left behind."""
    if round_.state not in (RoundState.PREPARING, RoundState.OPEN):
        raise Refused("Scoring has begun: name a substitute for an assessor who cannot score")
    assessor = people_queries.find_assessor(round_.id, person.id)
    if assessor is None:
        return
    db.session.delete(assessor)
    db.session.flush()
    db.session.expire(round_, ["assessors"])
    _record(round_, "remove_assessor", act, before={"person_id": person.id})


def name_substitute(round_: Round, for_person: Person, person: Person, reason: str, act: Act) -> RoundAssessor:
    """Somebody scores in the place of an assessor, who stands down: scores that are sent still count, drafts do not.

    Raises Refused outside scoring, and once scores are shown: who may have seen them must not give any.
    """
    queries.lock_round(round_)  # the last one may be sending at this moment
    if round_.state is not RoundState.SCORING:
        raise Refused("Name a substitute while the round is scored: before that, add an assessor")
    if round_.scores_shown_at is not None:
        raise Refused("Every assessor has sent their scores, so nobody can join who may have seen them")
    stands_down = people_queries.find_assessor(round_.id, for_person.id)
    if stands_down is None or stands_down.stood_down_at is not None:
        raise Refused(f"{for_person.name} is not an assessor of this round")
    if not reason.strip():
        raise Refused("Enter why the substitute is needed", field="reason")
    if person.id == act.by:
        raise Refused("You cannot name yourself: choose somebody else", field="person_id")
    _check_joins(round_, person, Part.SUBSTITUTE, for_person)
    stands_down.stood_down_at = act.at
    return _join(round_, person, for_person, "name_substitute", reason.strip(), act)


def set_chair(round_: Round, person: Person | None, row_version: int, act: Act) -> None:
    """Say who chairs the group: they rule on indirect interests. Nobody names themselves.

    Raises ChangedMeanwhile, or Refused once the decisions are published.
    """
    if round_.row_version != row_version:
        raise ChangedMeanwhile("Somebody else changed this round since you opened the page. Check it and choose again.")
    if round_.state is RoundState.PUBLISHED:
        raise Refused("This round is published and no longer changes")
    if person is not None and person.id == act.by:
        raise Refused("You cannot make yourself the chair: another coordinator can", field="person_id")
    _check_active(person)
    before = round_.chair_id
    after = person.id if person else None
    if before == after:
        return
    round_.chair = person
    _record(round_, "set_chair", act, before={"person_id": before}, after={"person_id": after})


def name_stand_in(
    round_: Round, holder: Holder, person: Person, for_person: Person, reason: str, act: Act
) -> RoundStandIn:
    """Somebody does a coordinator's part for a partnership in this round, because an interest shuts proposals to them.

    Nobody names themselves. Raises Refused for somebody who coordinates for it already or who has an interest there.
    """
    queries.lock_round(round_)
    if round_.state is RoundState.PUBLISHED:
        raise Refused("This round is published: nobody needs to stand in any more")
    if holder.id not in queries.holder_ids_of([round_.id]).get(round_.id, frozenset()):
        raise Refused(f"{holder.name} takes no part in this round", field="for_id")
    if not reason.strip():
        raise Refused("Enter why somebody stands in", field="reason")
    if person.id == act.by:
        raise Refused("You cannot name yourself: choose somebody else", field="person_id")
    coordinators = {
        grant.person_id
        for grant in standing_role_grants(act.on)
        if grant.role == Role.COORDINATOR and grant.holder_id == holder.id
    }
    if for_person.id not in coordinators:
        raise Refused(f"{for_person.name} does not coordinate for {holder.name}", field="for_id")
    if person.id in coordinators:
        raise Refused(f"{person.name} coordinates for {holder.name} already", field="person_id")
    _check_active(person)
    if any(
        each.person_id == person.id and each.holder_id == holder.id for each in people_queries.stand_ins_of(round_.id)
    ):
        raise Refused(f"{person.name} stands in here already", field="person_id")
    if round_.blind and queries.has_yet_to_send(round_.id, person.id):
        raise Refused(
            f"{person.name} still has to score without names, which a coordinator sees: choose somebody else",
            field="person_id",
        )
    for check in _checks:
        check(round_, person, Part.STAND_IN, for_person)
    stand_in = RoundStandIn(
        round_id=round_.id,
        holder_id=holder.id,
        person_id=person.id,
        for_id=for_person.id,
        reason=reason.strip(),
        recorded_at=act.at,
        recorded_by=act.by,
    )
    db.session.add(stand_in)
    _record(
        round_,
        "name_stand_in",
        act,
        holder_id=holder.id,
        after={"person_id": person.id, "for_id": for_person.id, "reason": reason.strip()},
    )
    return stand_in


def end_stand_in(round_: Round, stand_in: RoundStandIn, reason: str, act: Act) -> None:
    """From now on the person stands in no more. Ending it twice changes nothing."""
    if not reason.strip():
        raise Refused("Enter why it ends", field="reason")
    if db.session.scalar(select(RoundStandIn.id).where(RoundStandIn.ends_id == stand_in.id)):
        return
    db.session.add(
        RoundStandIn(
            round_id=round_.id,
            holder_id=stand_in.holder_id,
            person_id=stand_in.person_id,
            for_id=stand_in.for_id,
            reason=reason.strip(),
            ends_id=stand_in.id,
            recorded_at=act.at,
            recorded_by=act.by,
        )
    )
    _record(
        round_,
        "end_stand_in",
        act,
        holder_id=stand_in.holder_id,
        before={"person_id": stand_in.person_id, "for_id": stand_in.for_id},
        after={"reason": reason.strip()},
    )


def _check_joins(round_: Round, person: Person, part: Part, for_person: Person | None) -> None:
    _check_active(person)
    known = people_queries.find_assessor(round_.id, person.id)
    if known is not None:
        words = "was an assessor of this round and stood down" if known.stood_down_at else "is already an assessor"
        raise Refused(f"{person.name} {words}", field="person_id")
    for check in _checks:
        check(round_, person, part, for_person)


def _check_active(person: Person | None) -> None:
    if person is not None and not person.active:
        raise Refused(f"{person.name} cannot sign in: ask your administrator to open the account", field="person_id")


def _join(
    round_: Round, person: Person, for_person: Person | None, action: str, reason: str, act: Act
) -> RoundAssessor:
    assessor = RoundAssessor(
        round=round_,
        person=person,
        organisation_id=person.organisation_id,
        substitute_for_id=for_person.id if for_person else None,
    )
    db.session.add(assessor)
    after: dict[str, object] = {"person_id": person.id, "organisation_id": person.organisation_id}
    if for_person is not None:
        after |= {"for_id": for_person.id, "reason": reason}
    _record(round_, action, act, after=after)
    return assessor


def _record(
    round_: Round,
    action: str,
    act: Act,
    *,
    holder_id: int | None = None,
    before: dict[str, object] | None = None,
    after: dict[str, object] | None = None,
) -> None:
    audit.record(
        act,
        action,
        "round",
        queries.subject(round_),
        area_id=round_.area_id,
        holder_id=holder_id,
        before=before,
        after=after,
    )
