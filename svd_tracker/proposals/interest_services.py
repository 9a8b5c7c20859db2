"""Declaring interests, ruling on them, clearing them. A declared one shuts the proposal to the person until

publication (DESIGN.md rule 7); an indirect one until the chair rules. One verb a function; the caller commits.
"""

from collections.abc import Callable, Collection

from sqlalchemy import select

from svd_tracker.accounts.models import Organisation, Person
from svd_tracker.act import Act
from svd_tracker.audit import services as audit
from svd_tracker.errors import ChangedMeanwhile, NotAllowed, Refused
from svd_tracker.extensions import db
from svd_tracker.proposals import interest_queries, queries
from svd_tracker.proposals.models import (
    Interest,
    InterestEvent,
    InterestKind,
    InterestReview,
    OrganisationInterest,
    Proposal,
)
from svd_tracker.rounds import people_services
from svd_tracker.rounds import queries as round_queries
from svd_tracker.rounds.models import Round, RoundState

NONE = "No interest"  # the reason of an organisation that somebody went through and has nothing to declare in
_ACTIONS = {InterestEvent.DECLARED: "declare_interest", InterestEvent.CLEARED: "clear_interest"}

InterestListener = Callable[[Interest, Act], None]
ScoreCheck = Callable[[Proposal, int], None]
_listeners: list[InterestListener] = []
_checks: list[ScoreCheck] = []


def on_interest(listener: InterestListener) -> InterestListener:
    """Lets a higher feature do its part when what a person may do with a proposal changes, in the same transaction."""
    if listener not in _listeners:
        _listeners.append(listener)
    return listener


def before_letting_score(check: ScoreCheck) -> ScoreCheck:
    """Lets a higher feature refuse that somebody, to whom an interest kept a proposal from, scores it: called with the

    proposal and the person's id, raises Refused.
    """
    if check not in _checks:
        _checks.append(check)
    return check


def declare_interest(
    round_: Round, proposal: Proposal, person_id: int, kind: InterestKind, reason: str, act: Act
) -> Interest:
    """A person's own interest in a proposal, at any time until publication. Saying it twice changes nothing."""
    _refuse_another(person_id, act)
    if proposal.round_id != round_.id:
        raise Refused("Choose a proposal of this round")
    round_queries.lock_round(round_)  # somebody who is waited for may be sending at this moment
    _still_matters(round_)
    if not reason.strip():
        raise Refused("Say what the interest is", field="reason")
    standing = interest_queries.standing_of(proposal, person_id)
    if standing is not None and _says_as_much(standing, kind):
        return standing
    return _add(proposal, person_id, kind, InterestEvent.DECLARED, reason, act)


def declare_for_organisation(
    round_: Round, organisation: Organisation, person_id: int, kind: InterestKind, reason: str, act: Act
) -> OrganisationInterest:
    """A person's own interest in an organisation: in all that it proposes here or gives match to, later ones too.

    Saying it twice changes nothing; said again where it was cleared on a proposal meanwhile, it shuts that again.
    """
    _refuse_another(person_id, act)
    _still_matters(round_)
    if organisation.area_id != round_.area_id:
        raise Refused("Choose an organisation of this area")
    if not reason.strip():
        raise Refused("Say what the interest is", field="reason")
    round_queries.lock_round(round_)  # a proposal of theirs may be coming in at this moment
    standing = _standing_organisation(round_, organisation.id, person_id)
    same = standing is not None and _says_as_much(standing, kind)
    if standing is not None and same:
        kind = standing.kind  # a direct one stays so
    open_to_them = [
        each
        for each in interest_queries.proposals_of(round_.id, organisation.id)
        if not _shuts_as_firmly(each, person_id, kind)
    ]
    if standing is not None and same and not open_to_them:
        return standing
    declared = _add_organisation(round_, organisation.id, person_id, kind, InterestEvent.DECLARED, reason.strip(), act)
    for proposal in open_to_them:
        _take_over(proposal, declared, act)
    _record_round(
        round_,
        "declare_organisation_interest",
        act,
        {"person_id": person_id, "organisation_id": organisation.id, "kind": kind.value, "reason": reason.strip()},
    )
    return declared


def follow_organisations(proposal: Proposal, act: Act) -> None:
    """When a proposal is added or changed: who has an interest in an organisation of it has one in the proposal.

    Part of its caller's verb, in the same transaction.
    """
    involved = {
        proposal.organisation_id,
        *(match.organisation_id for match in queries.newest_version(proposal).matches),
    }
    known = {
        (each.person_id, each.organisation_id)
        for each in db.session.scalars(select(Interest).where(Interest.proposal_id == proposal.id))
    }
    for declared in interest_queries.organisation_interests(proposal.round_id):
        stands = declared.event is InterestEvent.DECLARED and declared.organisation_id in involved
        if (
            stands
            and (declared.person_id, declared.organisation_id) not in known
            and not _shuts_as_firmly(proposal, declared.person_id, declared.kind)
        ):
            _take_over(proposal, declared, act)


def finish_organisations(round_: Round, person_id: int, seen: Collection[int], act: Act) -> None:
    """The person has gone through these organisations and declared what there was: in the others they have none.

    ``seen``: the ids that stood on their page; one that came meanwhile is asked about another time.
    """
    _refuse_another(person_id, act)
    _still_matters(round_)
    left = [each.id for each in interest_queries.organisations_left(round_.id, person_id) if each.id in seen]
    if not left:
        return
    for organisation_id in left:
        _add_organisation(round_, organisation_id, person_id, InterestKind.INDIRECT, InterestEvent.CLEARED, NONE, act)
    _record_round(round_, "finish_organisations", act, {"person_id": person_id, "organisations": len(left)})


def finish_interest_review(round_: Round, person_id: int, act: Act) -> None:
    """The person has gone through the whole list and has no other interests: scoring is open to them now.

    Raises Refused before scoring, and while there are organisations that they have not gone through.
    """
    _refuse_another(person_id, act)
    if round_.state not in (RoundState.SCORING, RoundState.DECIDING):
        raise Refused("The list of proposals is not complete yet: finish once scoring has begun")
    if interest_queries.organisations_left(round_.id, person_id):
        raise Refused("Go through the organisations first")
    round_queries.lock_round(round_)  # somebody who is waited for may be sending at this moment
    if queries.has_finished_review(round_.id, person_id):
        return
    db.session.add(
        InterestReview(
            round_id=round_.id,
            person_id=person_id,
            proposals_seen=queries.count_submitted(round_.id),
            recorded_at=act.at,
            recorded_by=act.by,
        )
    )
    people_services.less_to_wait_for(round_, act)
    _record_round(round_, "finish_interests", act, {"person_id": person_id})


def rule(interest: Interest, event: InterestEvent, reason: str, act: Act) -> Interest:
    """The chair says what an indirect interest means: score, read or shut. A later ruling takes its place.

    Never on one's own: the chair's is ruled on by a coordinator, as is one in a proposal that is shut to the chair.
    Raises NotAllowed for anybody else, ChangedMeanwhile when something newer stands.
    """
    proposal = queries.get_proposal(interest.proposal_id)
    round_ = proposal.round
    if event not in interest_queries.RULINGS:
        raise Refused("Choose what the person may do", field="event")
    round_queries.lock_round(round_)  # somebody who is waited for may be sending at this moment
    _still_matters(round_)
    if act.by == interest.person_id:
        raise NotAllowed("You cannot rule on an interest of your own.")
    queries.refuse_if_shut(act.by, proposal)
    if round_.chair_id is None:
        raise Refused("Name the chair of this round first: the chair rules on indirect interests")
    if interest_queries.chair_rules(round_, interest, queries.shut_pairs(round_.id)) and act.by != round_.chair_id:
        raise NotAllowed("The chair of the round rules on this interest.")
    if interest.kind is not InterestKind.INDIRECT:
        raise Refused("A direct interest always shuts the proposal")
    standing = interest_queries.standing_of(proposal, interest.person_id)
    if standing is None or standing.id != interest.id or standing.event is InterestEvent.CLEARED:
        raise ChangedMeanwhile("Something newer was recorded on this interest. Check it first.")
    if not reason.strip():
        raise Refused("Enter the reason: it is printed in the papers", field="reason")
    if event is InterestEvent.RULED_SCORE:
        _refuse_to_let_score(proposal, interest.person_id)
    return _add(
        proposal,
        interest.person_id,
        interest.kind,
        event,
        reason,
        act,
        organisation_id=interest.organisation_id,
    )


def clear_interest(round_: Round, proposal: Proposal, person_id: int, reason: str, act: Act) -> Interest:
    """A coordinator opens the proposal again to another person, with a reason. Never one's own interest.

    An indirect one is the chair's to rule on.
    """
    if act.by == person_id:
        raise NotAllowed("You cannot clear an interest of your own: another coordinator can.")
    queries.refuse_if_shut(act.by, proposal)
    round_queries.lock_round(round_)  # somebody who is waited for may be sending at this moment
    _still_matters(round_)
    if not reason.strip():
        raise Refused("Enter why the interest no longer stands", field="reason")
    standing = interest_queries.standing_of(proposal, person_id)
    if standing is None or standing.event is InterestEvent.CLEARED:
        raise Refused("There is no interest to clear")
    if standing.kind is InterestKind.INDIRECT:
        raise Refused("The chair rules on an indirect interest: it is not cleared")
    _refuse_to_let_score(proposal, person_id)
    return _add(
        proposal, person_id, standing.kind, InterestEvent.CLEARED, reason, act, organisation_id=standing.organisation_id
    )


def _refuse_to_let_score(proposal: Proposal, person_id: int) -> None:
    for check in _checks:
        check(proposal, person_id)


def _refuse_another(person_id: int, act: Act) -> None:
    if act.by is not None and act.by != person_id:
        raise NotAllowed("Everybody declares their own interests.")


def _still_matters(round_: Round) -> None:
    if round_.state is RoundState.PUBLISHED:
        raise Refused("The decisions are published: an interest no longer shuts anything")


def _says_as_much(standing: Interest | OrganisationInterest, kind: InterestKind) -> bool:
    """Whether a declaration of this kind adds nothing: a direct one takes the place of an indirect, never the reverse.

    After a ruling an indirect one is new: there is something that the chair did not know.
    """
    return standing.event is InterestEvent.DECLARED and (standing.kind is kind or standing.kind is InterestKind.DIRECT)


def _shuts_as_firmly(proposal: Proposal, person_id: int, kind: InterestKind) -> bool:
    """Whether an interest of this kind would add nothing to what the person has in a proposal."""
    standing = interest_queries.standing_of(proposal, person_id)
    return standing is not None and (
        _says_as_much(standing, kind) or (standing.event is InterestEvent.RULED_SHUT and kind is InterestKind.INDIRECT)
    )


def _take_over(proposal: Proposal, declared: OrganisationInterest, act: Act) -> None:
    """Into a proposal's interests what was declared in an organisation of it."""
    _add(
        proposal,
        declared.person_id,
        declared.kind,
        InterestEvent.DECLARED,
        declared.reason,
        act,
        organisation_id=declared.organisation_id,
    )


def _standing_organisation(round_: Round, organisation_id: int, person_id: int) -> OrganisationInterest | None:
    return next(
        (
            each
            for each in interest_queries.organisation_interests(round_.id, person_id)
            if each.organisation_id == organisation_id
        ),
        None,
    )


def _add_organisation(
    round_: Round,
    organisation_id: int,
    person_id: int,
    kind: InterestKind,
    event: InterestEvent,
    reason: str,
    act: Act,
) -> OrganisationInterest:
    declared = OrganisationInterest(
        round_id=round_.id,
        person_id=person_id,
        organisation_id=organisation_id,
        kind=kind,
        event=event,
        reason=reason,
        recorded_at=act.at,
        recorded_by=act.by,
    )
    db.session.add(declared)
    return declared


def _add(
    proposal: Proposal,
    person_id: int,
    kind: InterestKind,
    event: InterestEvent,
    reason: str,
    act: Act,
    *,
    organisation_id: int | None = None,
) -> Interest:
    interest = Interest(
        round_id=proposal.round_id,
        person_id=person_id,
        proposal_id=proposal.id,
        organisation_id=organisation_id,
        kind=kind,
        event=event,
        reason=reason.strip(),
        recorded_at=act.at,
        recorded_by=act.by,
    )
    db.session.add(interest)
    audit.record(
        act,
        _ACTIONS.get(event, "rule_interest"),
        "proposal",
        queries.subject(proposal),
        area_id=proposal.round.area_id,
        after={"person_id": person_id, "kind": kind.value, "event": event.value, "reason": reason.strip()},
    )
    for listener in _listeners:
        listener(interest, act)
    people_services.less_to_wait_for(proposal.round, act)
    return interest


def _record_round(round_: Round, action: str, act: Act, after: dict[str, object]) -> None:
    audit.record(act, action, "round", round_queries.subject(round_), area_id=round_.area_id, after=after)


def _refuse_stand_in(round_: Round, person: Person, part: people_services.Part, for_person: Person | None) -> None:
    """Who stands in must be free where the coordinator is not (rounds.people_services)."""
    if part is not people_services.Part.STAND_IN or for_person is None:
        return
    if queries.shut_proposal_ids(person.id, round_.id) & queries.shut_proposal_ids(for_person.id, round_.id):
        raise Refused(f"{person.name} has an interest there too: choose somebody who has none", field="person_id")


people_services.add_people_check(_refuse_stand_in)
