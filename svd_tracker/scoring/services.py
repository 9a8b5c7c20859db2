"""Scoring: saved as one goes, sent all at once, reopened by the coordinator alone (DATA_MODEL.md section 5).

Audit lines here carry counts and never a mark or a reason: an administrator reads the audit and sees no scores.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm.attributes import flag_modified

from svd_tracker.accounts.models import Person
from svd_tracker.act import Act
from svd_tracker.audit import services as audit
from svd_tracker.errors import ChangedMeanwhile, NotAllowed, Refused
from svd_tracker.extensions import db
from svd_tracker.proposals import interest_queries, interest_services
from svd_tracker.proposals import queries as proposals
from svd_tracker.proposals import services as proposal_services
from svd_tracker.proposals.models import Interest, Proposal, ProposalState
from svd_tracker.rounds import queries as rounds
from svd_tracker.rounds import services as round_services
from svd_tracker.rounds.models import Criterion, Round, RoundAssessor, RoundState
from svd_tracker.scoring import queries, shown
from svd_tracker.scoring.models import Assessment, AssessmentState, DraftScore, SentAssessment, SentScore

LONGEST_REASON = 4000


@dataclass(frozen=True)
class Given:
    """A mark (hundredths of a point; None is not given, never nought) and the words for it."""

    hundredths: int | None
    reason: str = ""


class Incomplete(Refused):
    """Scores cannot be sent yet. ``missing`` says for each proposal, as (id, ref and title), what is not given."""

    def __init__(self, missing: Sequence[tuple[int, str, list[str]]]) -> None:
        super().__init__("Your scores cannot be sent yet: some are not complete")
        self.missing = list(missing)


def save_draft(
    act: Act, proposal: Proposal, given: Mapping[int, Given], *, row_version: int, comment: str = ""
) -> Assessment:
    """Keep what the assessor (``act.by``) has so far, complete or not. ``given`` is by criterion id.

    ``row_version`` is that of the page, 0 when nothing had been saved. The first saved score of a round freezes its
    scheme. Nothing is recorded when nothing changed. Raises NotAllowed for who may not score this proposal now,
    Refused with ``mark_<criterion id>`` for a mark that the scale does not have, ChangedMeanwhile when another
    page of the same assessor saved first.
    """
    round_ = _lock_round(proposal.round_id)
    refuse_unless_scoring(round_, proposal, act.by)
    return _keep(act, round_, proposal, act.by or 0, given, row_version, comment)


def enter_paper(
    act: Act, proposal: Proposal, person: Person, given: Mapping[int, Given], comment: str, row_version: int
) -> Assessment:
    """Keep what an assessor gave on paper, typed in by a coordinator (``act.by``). The caller asked MANAGE_ROUND.

    It stays a draft: it counts once the assessor has looked at it and sends it. Raises what ``save_draft`` raises,
    and NotAllowed as ``refuse_unless_paper`` does.
    """
    round_ = _lock_round(proposal.round_id)
    refuse_unless_paper(round_, proposal, person, act.by)
    return _keep(act, round_, proposal, person.id, given, row_version, comment, entered_by=act.by)


def refuse_unless_paper(round_: Round, proposal: Proposal, person: Person, by: int | None) -> None:
    """Raises NotAllowed unless ``by`` may type in now what this assessor gave on paper.

    Never for oneself, while one's own scores are still to be sent, or over what the assessor keeps on their own
    page: nobody sees other people's scores before sending their own (DESIGN.md rule 7).
    """
    proposals.refuse_if_shut(by, proposal)
    if by == person.id:
        raise NotAllowed("Give your own scores on your own page")
    if queries.waiting_by_assessor(round_.id).get(by or 0):
        raise NotAllowed("Send your own scores first: until then other people's stay hidden from you")
    if not rounds.is_assessor(round_.id, person.id):
        raise NotAllowed(f"{person.name} does not score in this round")
    _refuse_unless_open(round_, proposal)
    if (person.id, proposal.id) in proposals.silent_pairs(round_.id):
        raise NotAllowed(f"{person.name} has an interest in this proposal and scores nothing of it")
    standing = queries.assessment_of(proposal, person.id)
    if standing and standing.state is AssessmentState.SENT:
        raise NotAllowed(f"{person.name} has sent these scores: reopen them first")
    if standing and standing.entered_by is None:
        raise NotAllowed(f"{person.name} scores this proposal on their own page")


def _keep(
    act: Act,
    round_: Round,
    proposal: Proposal,
    person_id: int,
    given: Mapping[int, Given],
    row_version: int,
    comment: str,
    entered_by: int | None = None,
) -> Assessment:
    assessment = next(iter(_locked_assessments([proposal.id], person_id)), None)
    if (assessment.row_version if assessment else 0) != row_version:
        raise ChangedMeanwhile("These scores or their proposal changed after this page was opened")
    if assessment and assessment.state is AssessmentState.SENT:
        raise NotAllowed("You have sent your scores: only the coordinator can reopen them")
    version_id = _read_version_id(proposal)
    criteria = rounds.criteria_of(round_.scheme)
    clean = {each.id: _checked(each, given.get(each.id, Given(None))) for each in criteria}
    if assessment is None:
        assessment = _begin(proposal, version_id, person_id)
    drafts = {draft.criterion_id: draft for draft in assessment.drafts}
    before = {key: Given(draft.hundredths, draft.reason) for key, draft in drafts.items()}
    same = before == clean and assessment.comment == comment.strip()
    if row_version and same and assessment.proposal_version_id == version_id:
        return assessment
    for criterion_id, now in clean.items():
        draft = drafts.get(criterion_id)
        if draft is None:
            draft = DraftScore(criterion_id=criterion_id)
            assessment.drafts.append(draft)
        draft.hundredths, draft.reason = now.hundredths, now.reason
    assessment.comment = comment.strip()
    assessment.proposal_version_id = version_id
    assessment.entered_by = entered_by
    flag_modified(assessment, "comment")  # the row's own version counts up even where only its scores changed
    if round_.scheme.frozen_at is None:
        round_services.freeze_scheme(round_.scheme, act)
    count = sum(each.hundredths is not None for each in clean.values())
    action = "enter_paper" if entered_by else "save"
    _record(act, action, round_, proposal, {"assessor": person_id, "given": count, "of": len(clean)})
    return assessment


def send_all(round_: Round, person_id: int, act: Act, confirmed: Collection[tuple[int, int]] = ()) -> int:
    """Send an assessor's scores of all proposals open to them, and freeze them. Returns how many were sent now.

    Those already sent stay as they are, so that a second click sends nothing twice. ``confirmed``: the (proposal id,
    row version) of what was typed in for them from paper, as they saw it. Raises Incomplete with what is missing,
    Refused (field "confirmed") for paper scores that they have not seen as they are now, NotAllowed when the round
    is not being scored by this person.
    """
    round_ = _lock_round(round_.id, alone=True)  # of two who are the last, one is the very last
    _refuse_unless_assessor(round_, person_id)
    own = queries.own_proposals(round_, person_id)
    lacking = [(each.proposal_id, f"{each.ref} {each.title}", list(each.missing)) for each in own if each.missing]
    if lacking:
        raise Incomplete(lacking)
    unsent = [each.proposal_id for each in own if each.scores and each.state is not AssessmentState.SENT]
    if any(each.paper and (each.proposal_id, each.paper) not in confirmed for each in own if each.scores):
        raise Refused("Look at what was typed in for you from paper, and say that it is yours", field="confirmed")
    for assessment in _locked_assessments(unsent, person_id):
        assessment.state = AssessmentState.SENT
        assessment.sent.append(
            SentAssessment(
                proposal_version_id=assessment.proposal_version_id,
                sent_no=len(assessment.sent) + 1,
                comment=assessment.comment,
                scores=[
                    SentScore(criterion_id=draft.criterion_id, hundredths=draft.hundredths, reason=draft.reason)
                    for draft in assessment.drafts
                    if draft.hundredths is not None
                ],
                recorded_at=act.at,
                recorded_by=act.by,
            )
        )
    _note_first_sending(round_, person_id, act)
    if unsent:
        audit.record(
            act,
            "send",
            "scores",
            rounds.subject(round_),
            area_id=round_.area_id,
            after={"assessor": person_id, "proposals": sorted(each.ref for each in own if each.proposal_id in unsent)},
        )
    return len(unsent)


def _note_first_sending(round_: Round, person_id: int, act: Act) -> None:
    """From here on the names of a blind round are open to them."""
    db.session.execute(
        update(RoundAssessor)
        .where(
            RoundAssessor.round_id == round_.id,
            RoundAssessor.person_id == person_id,
            RoundAssessor.first_sent_at.is_(None),
        )
        .values(first_sent_at=act.at)
    )
    db.session.flush()
    shown.note_shown(round_, act)


@interest_services.on_interest
def withdraw_scores(interest: Interest, act: Act) -> None:
    """An interest that comes after the scores takes them out of the mean, or a ruling puts them back: the trail of it.

    What was sent stays as it was sent.
    """
    sent = (
        select(SentAssessment.id)
        .join(Assessment)
        .where(Assessment.proposal_id == interest.proposal_id, Assessment.person_id == interest.person_id)
    )
    if db.session.scalar(sent.limit(1)) is None:
        return
    before = db.session.scalar(
        select(Interest.event)
        .where(Interest.proposal_id == interest.proposal_id, Interest.person_id == interest.person_id)
        .where(Interest.id != interest.id)
        .order_by(Interest.id.desc())
        .limit(1)
    )
    silent = interest.event in proposals.SILENCING
    if silent is not (before in proposals.SILENCING):
        proposal = proposals.get_proposal(interest.proposal_id)
        action = "withdraw_scores" if silent else "put_scores_back"
        _record(act, action, proposal.round, proposal, {"person_id": interest.person_id})


@round_services.add_caution
def short_of_scorers(round_: Round, state: RoundState) -> list[str]:
    """Before scoring is closed: how many proposals fewer people scored than the scheme asks for.

    Counts alone: whoever moves the round may have an interest in one of them. The board of scoring names the others.
    """
    least = round_.scheme.least_scorers
    if round_.state is not RoundState.SCORING or state is not RoundState.DECIDING or least == 1:
        return []
    marks, silent = queries.sent_marks(round_.id), queries.shut_people(round_.id)
    short = sum(
        len({mark.assessor_id for mark in marks.get(key, ())} - silent.get(key, frozenset())) < least
        for key in (version.proposal_id for version in queries.scored_versions(round_.id))
    )
    what = "1 proposal is" if short == 1 else f"{short} proposals are"
    return [f"{what} scored by fewer people than the {least} that the scheme asks for."] if short else []


def reopen(assessment: Assessment, reason: str, act: Act) -> Assessment:
    """Let an assessor change what they sent. It keeps counting until they send again, as the next ``sent_no``.

    Raises Refused without a reason, while it is not sent, or when the round is no longer being scored; NotAllowed
    for one's own scores and for a proposal that a declared interest shuts to whoever reopens.
    """
    proposal = assessment.proposal
    round_ = _lock_round(proposal.round_id)
    proposals.refuse_if_shut(act.by, proposal)
    if act.by == assessment.person_id:
        raise NotAllowed("Nobody reopens their own scores: ask another coordinator")
    if round_.state is not RoundState.SCORING:
        raise Refused("Scores can be reopened only while the round is being scored")
    _locked_assessments([proposal.id], assessment.person_id)
    if assessment.state is not AssessmentState.SENT:
        raise Refused("These scores are open already")
    if not reason.strip():
        raise Refused("Enter why these scores are reopened", field="reason")
    assessment.state = AssessmentState.DRAFT
    after = {"assessor": assessment.person_id, "reason": reason.strip(), "sent_no": len(assessment.sent)}
    _record(act, "reopen", round_, proposal, after)
    return assessment


@proposal_services.on_submit
def look_again(proposal: Proposal) -> None:
    """A corrected proposal is to be looked at again: its assessments open, with what was given kept.

    Part of submitting it. A page that was opened before the correction can no longer be saved.
    """
    for assessment in db.session.scalars(select(Assessment).where(Assessment.proposal_id == proposal.id)):
        assessment.state = AssessmentState.DRAFT
        flag_modified(assessment, "state")


def refuse_unless_scoring(round_: Round, proposal: Proposal, person_id: int | None) -> None:
    """Raises NotAllowed unless this person may score this proposal now (DESIGN.md rule 7)."""
    _refuse_unless_assessor(round_, person_id)
    proposals.refuse_if_shut(person_id, proposal)
    if (person_id, proposal.id) in proposals.silent_pairs(round_.id):
        raise NotAllowed("You may read this proposal and score nothing of it: the chair ruled so on your interest")
    _refuse_unless_open(round_, proposal)


def _refuse_unless_open(round_: Round, proposal: Proposal) -> None:
    if round_.state is not RoundState.SCORING:
        raise NotAllowed("This round is not being scored now")
    if proposal.state is not ProposalState.SUBMITTED:
        raise NotAllowed("This proposal is not submitted, so there is nothing to score")


def _refuse_unless_assessor(round_: Round, person_id: int | None) -> None:
    if person_id is None or not rounds.is_assessor(round_.id, person_id):
        raise NotAllowed("Only this round's assessors score its proposals")
    if round_.state is not RoundState.SCORING:
        raise NotAllowed("This round is not being scored now")
    if not interest_queries.has_declared(round_.id, person_id):
        raise NotAllowed("Say first whether you have an interest in any of the proposals")


def _lock_round(round_id: int, *, alone: bool = False) -> Round:
    """The round, held in its state until the commit. Shared unless ``alone``: who saves waits for nobody."""
    statement = select(Round).where(Round.id == round_id).with_for_update(read=not alone)
    return db.session.scalars(statement.execution_options(populate_existing=True)).one()


def _locked_assessments(proposal_ids: Sequence[int], person_id: int) -> Sequence[Assessment]:
    return db.session.scalars(
        select(Assessment)
        .where(Assessment.proposal_id.in_(proposal_ids), Assessment.person_id == person_id)
        .order_by(Assessment.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).all()


def _begin(proposal: Proposal, version_id: int, person_id: int) -> Assessment:
    assessment = Assessment(
        proposal_id=proposal.id,
        person_id=person_id,
        proposal_version_id=version_id,
        state=AssessmentState.DRAFT,
    )
    try:
        with db.session.begin_nested():
            db.session.add(assessment)
    except IntegrityError:
        raise ChangedMeanwhile("You saved other scores for this proposal after this page was opened") from None
    return assessment


def _read_version_id(proposal: Proposal) -> int:
    version = proposals.submitted_version(proposal)
    if version is None:
        raise NotAllowed("This proposal is not submitted, so there is nothing to score")
    return version.id


def _checked(criterion: Criterion, given: Given) -> Given:
    marks = {point.hundredths for point in criterion.points}
    if given.hundredths is not None and given.hundredths not in marks:
        raise Refused(f"{criterion.name}: choose one of the marks of the scale", field=f"mark_{criterion.id}")
    reason = given.reason.strip()
    if len(reason) > LONGEST_REASON:
        raise Refused(f"Use {LONGEST_REASON:,} characters or fewer", field=f"reason_{criterion.id}")
    return Given(given.hundredths, reason)


def _record(act: Act, action: str, round_: Round, proposal: Proposal, after: Mapping[str, object]) -> None:
    audit.record(act, action, "scores", proposals.subject(proposal), area_id=round_.area_id, after=after)
