"""From when on scores are shown to all, and who may not give any since, because they may have seen others'."""

from sqlalchemy import select, update

from svd_tracker.accounts.models import Person
from svd_tracker.act import Act
from svd_tracker.audit.models import AuditLine
from svd_tracker.errors import Refused
from svd_tracker.extensions import db
from svd_tracker.proposals import interest_queries, interest_services
from svd_tracker.proposals import queries as proposals
from svd_tracker.proposals.models import InterestEvent, Proposal, ProposalState
from svd_tracker.rounds import people_queries, people_services
from svd_tracker.rounds import services as round_services
from svd_tracker.rounds.models import Round, RoundState
from svd_tracker.rounds.people_services import Part
from svd_tracker.scoring import queries
from svd_tracker.scoring.models import AssessmentState


def note_shown(round_: Round, act: Act) -> None:
    """Once nobody is waited for, everybody's scores are shown to all: from then on nobody joins.

    The caller holds the round. Nothing is shown while no proposal is left that has scores.
    """
    if round_.scores_shown_at is not None or any(queries.waiting_by_assessor(round_.id).values()):
        return
    if proposals.list_proposals(round_.id, [ProposalState.SUBMITTED]):
        # Not through the row's own version: a page of the round that is open elsewhere has not changed.
        db.session.execute(update(Round).where(Round.id == round_.id).values(scores_shown_at=act.at))


@people_services.on_less_to_wait_for
def look_who_waits(round_: Round, act: Act) -> None:
    """Part of taking a proposal out, of declaring, ruling and finishing: the last one waited for may have no more to

    score.
    """
    if round_.state is RoundState.SCORING:
        db.session.flush()
        note_shown(round_, act)


@round_services.on_move
def show_scores(round_: Round, act: Act) -> None:
    """Part of closing the scoring: everybody's scores are shown, whoever has not sent theirs."""
    if round_.state is RoundState.DECIDING and round_.scores_shown_at is None:
        round_.scores_shown_at = act.at


@people_services.add_people_check
def refuse_who_typed(round_: Round, person: Person, part: Part, _: Person | None) -> None:
    """Who typed in another's scores from paper has seen marks, and must not give any, whoever changed them since."""
    subjects = [proposals.subject(each) for each in proposals.list_proposals(round_.id)]
    typed = select(AuditLine.id).where(
        AuditLine.actor_id == person.id, AuditLine.action == "enter_paper", AuditLine.subject_ref.in_(subjects)
    )
    if part is not Part.STAND_IN and db.session.scalar(typed.limit(1)):
        raise Refused(f"{person.name} typed in scores from paper and has seen them", field="person_id")


@people_services.add_people_check
def refuse_one_more(round_: Round, _: Person, part: Part, for_person: Person | None) -> None:
    """What was sent still counts: a substitute for somebody who sent everything would be one more scorer."""
    if part is Part.SUBSTITUTE and for_person and not queries.waiting_by_assessor(round_.id).get(for_person.id):
        raise Refused(f"{for_person.name} has nothing left to send, so nobody needs to score in their place")


@interest_services.before_letting_score
def refuse_who_read(proposal: Proposal, person_id: int) -> None:
    """Who could only read a proposal while marks were open to them gives none; what they sent before comes back."""
    if not interest_queries.was_ruled(proposal, person_id, InterestEvent.RULED_READ):
        return
    own = queries.assessment_of(proposal, person_id)
    if own is not None and own.state is AssessmentState.SENT:
        return
    assessor = people_queries.find_assessor(proposal.round_id, person_id)
    waits = queries.waiting_by_assessor(proposal.round_id).get(person_id, False)
    if assessor is not None and (assessor.first_sent_at is not None or not waits):
        raise Refused(
            f"{assessor.person.name} could read this proposal while others' marks were open to them, "
            "so they can no longer score it",
            field="event",
        )
