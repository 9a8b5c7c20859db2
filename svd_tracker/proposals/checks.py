"""Whether a proposal may be scored at all: the scheme's checks, answered by the coordinator, and what follows.

A check of the organisation is answered once: the newest answer on any of its proposals in the round holds for all.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import func, select

from svd_tracker.act import Act
from svd_tracker.audit import services as audit
from svd_tracker.errors import NotAllowed, Refused
from svd_tracker.extensions import db
from svd_tracker.proposals import queries
from svd_tracker.proposals.models import CheckAnswer, CheckResult, Proposal, ProposalState
from svd_tracker.proposals.queries import ProposalRow
from svd_tracker.rounds import people_services, scheme_services
from svd_tracker.rounds import queries as round_queries
from svd_tracker.rounds import services as round_services
from svd_tracker.rounds.models import Round, RoundState, SchemeCheck

ANSWERED_ELSEWHERE = "Answered on a proposal that is closed to you"
TAKING_IN = (RoundState.OPEN, RoundState.SCORING)
CHECKED = (ProposalState.SUBMITTED, ProposalState.RETURNED, ProposalState.LATE, ProposalState.INELIGIBLE)


@dataclass(frozen=True)
class Answer:
    """What the coordinator says of one check; anything but met is said with a reason."""

    result: CheckResult
    reason: str = ""


@dataclass(frozen=True)
class CheckNow:
    """One check as it stands on one proposal. ``answer`` is None while nobody has answered it.

    ``shut``: it was answered on another proposal of the organisation, which an interest keeps from the reader.
    """

    check: SchemeCheck
    answer: CheckAnswer | None
    shut: bool = False

    @property
    def result(self) -> CheckResult | None:
        return self.answer.result if self.answer else None


def checks_of_round(
    round_: Round, proposals: Mapping[int, int], shut: Collection[int] = ()
) -> dict[int, list[CheckNow]]:
    """By proposal id, its checks in their order. ``proposals``: organisation id by proposal id. Two queries.

    ``shut``: the proposals that an interest keeps from the reader, and what was answered on them (DESIGN.md rule 7).
    """
    checks = round_queries.checks_of_scheme(round_.scheme_id)
    newest = select(func.max(CheckAnswer.id)).join(Proposal, Proposal.id == CheckAnswer.proposal_id)
    rows = db.session.execute(
        select(CheckAnswer, Proposal.organisation_id)
        .join(Proposal, Proposal.id == CheckAnswer.proposal_id)
        .where(
            CheckAnswer.id.in_(
                newest.where(Proposal.round_id == round_.id).group_by(CheckAnswer.proposal_id, CheckAnswer.check_id)
            )
        )
        .order_by(CheckAnswer.id)
    ).all()
    of_proposal = {(row.CheckAnswer.proposal_id, row.CheckAnswer.check_id): row.CheckAnswer for row in rows}
    of_organisation = {(row.organisation_id, row.CheckAnswer.check_id): row.CheckAnswer for row in rows}

    def now(check: SchemeCheck, proposal_id: int, organisation_id: int) -> CheckNow:
        answer = (
            of_organisation.get((organisation_id, check.id))
            if check.of_organisation
            else of_proposal.get((proposal_id, check.id))
        )
        hidden = answer is not None and answer.proposal_id in shut
        return CheckNow(check, None if hidden else answer, hidden)

    return {
        proposal_id: [now(check, proposal_id, organisation_id) for check in checks]
        for proposal_id, organisation_id in proposals.items()
    }


def checks_of(proposal: Proposal, person_id: int | None = None) -> list[CheckNow]:
    """The scheme's checks in their order, as they stand on one proposal; to a person, without what is shut to them."""
    shut = queries.shut_proposal_ids(person_id, proposal.round_id)
    return checks_of_round(proposal.round, {proposal.id: proposal.organisation_id}, shut)[proposal.id]


@dataclass(frozen=True)
class EligibilityRow:
    """A proposal with its checks. For one that is shut to the reader all but the title is empty (DESIGN.md rule 7)."""

    row: ProposalRow
    checks: Sequence[CheckNow]
    late_reason: str
    state_reason: str
    shut: bool

    @property
    def open_checks(self) -> int:
        return sum(each.answer is None and not each.shut for each in self.checks)

    @property
    def waits(self) -> str:
        """What the coordinator has still to do, in words; empty when nothing."""
        if self.shut:
            return ""
        if self.row.state is ProposalState.LATE and not self.state_reason:
            return "Accept or refuse it: it came late"
        if self.row.state is not ProposalState.SUBMITTED:
            return ""
        if self.open_checks:
            return f"Answer {self.open_checks} of {len(self.checks)} checks"
        failing = [each for each in self.checks if each.result is CheckResult.NOT_MET]
        return "Not met: return it, or set it aside as ineligible" if failing else ""


def handed_in(round_: Round, rows: Sequence[ProposalRow], shut: frozenset[int]) -> list[EligibilityRow]:
    """Every proposal that was handed in, by ref, with its checks. Bounded queries."""
    submitted = [row for row in rows if row.was_submitted]
    standing = checks_of_round(round_, {row.id: row.organisation_id for row in submitted}, shut)
    reasons = {each.id: each for each in queries.list_proposals(round_.id)}
    return [
        EligibilityRow(row, (), "", "", shut=True)
        if row.id in shut
        else EligibilityRow(
            row, standing[row.id], reasons[row.id].late_reason, reasons[row.id].state_reason, shut=False
        )
        for row in submitted
    ]


def history_of(proposal: Proposal) -> Sequence[CheckAnswer]:
    """Every answer given on this proposal, newest first."""
    return db.session.scalars(
        select(CheckAnswer).where(CheckAnswer.proposal_id == proposal.id).order_by(CheckAnswer.id.desc())
    ).all()


def answer_checks(proposal: Proposal, answers: Mapping[int, Answer], act: Act) -> None:
    """Record answers by check id; one that says what stands already writes nothing.

    Raises Refused with ``field`` "reason_<check id>" for a missing reason, and once the partnerships decide; NotAllowed
    for what was answered on a proposal that is shut to who answers.
    """
    round_ = _lock(proposal, act)
    if round_.state not in TAKING_IN or proposal.state not in CHECKED:
        raise Refused("This proposal is past its checks: they no longer change")
    standing = {each.check.id: each for each in checks_of(proposal, act.by)}
    said: dict[str, object] = {}
    for check_id, answer in answers.items():
        now = standing.get(check_id)
        if now is None:
            raise Refused("This check is not one of the scheme")
        if now.shut:
            raise NotAllowed(queries.SHUT)
        reason = answer.reason.strip()
        if answer.result is not CheckResult.MET and not reason:
            raise Refused("Enter what is missing", field=f"reason_{check_id}")
        if now.answer is not None and (now.answer.result, now.answer.reason) == (answer.result, reason):
            continue
        db.session.add(
            CheckAnswer(
                proposal_id=proposal.id,
                check_id=check_id,
                result=answer.result,
                reason=reason,
                recorded_at=act.at,
                recorded_by=act.by,
            )
        )
        said[now.check.name] = {"result": answer.result.value, "reason": reason}
    if said:
        _record(proposal, act, "answer_checks", said)


def set_ineligible(proposal: Proposal, reason: str, act: Act) -> None:
    """Keep a submitted proposal from being scored; it stays on record with the reason. Raises Refused."""
    round_ = _lock(proposal, act)
    if proposal.state is not ProposalState.SUBMITTED:
        raise Refused("Only a submitted proposal can be set aside as ineligible")
    if round_.state not in TAKING_IN:
        raise Refused("The partnerships are deciding: record it as the reason of a decision to reject")
    if not reason.strip():
        raise Refused("Enter why it is not eligible", field="reason")
    proposal.state, proposal.state_reason = ProposalState.INELIGIBLE, reason.strip()
    people_services.less_to_wait_for(round_, act)
    _record(proposal, act, "set_ineligible", {"reason": reason.strip()})


def set_eligible(proposal: Proposal, reason: str, act: Act) -> None:
    """Let a proposal that was set aside take part again. Raises Refused once scores are shown or scoring is over."""
    round_ = _lock(proposal, act)
    if proposal.state is not ProposalState.INELIGIBLE:
        raise Refused("This proposal is not set aside as ineligible")
    if round_.state not in TAKING_IN or round_.scores_shown_at is not None:
        raise Refused("Scoring is over, so this proposal can no longer take part")
    if not reason.strip():
        raise Refused("Enter why it is eligible after all", field="reason")
    proposal.state, proposal.state_reason = ProposalState.SUBMITTED, ""
    _record(proposal, act, "set_eligible", {"reason": reason.strip()})


def _lock(proposal: Proposal, act: Act) -> Round:
    queries.refuse_if_shut(act.by, proposal)
    return queries.lock_proposal(proposal)


def _record(proposal: Proposal, act: Act, action: str, after: dict[str, object]) -> None:
    audit.record(act, action, "proposal", queries.subject(proposal), area_id=proposal.round.area_id, after=after)


@round_services.add_caution
def _still_open(round_: Round, state: RoundState) -> Iterator[str]:
    """Counts alone: whoever moves the round may have an interest in one of them."""
    if state not in (RoundState.SCORING, RoundState.DECIDING):
        return
    rows = db.session.scalars(
        select(Proposal).where(
            Proposal.round_id == round_.id, Proposal.state.in_((ProposalState.SUBMITTED, ProposalState.LATE))
        )
    ).all()
    late = sum(1 for each in rows if each.state is ProposalState.LATE and not each.state_reason)
    if late:
        yield f"{_counted(late)} came late and {_is(late)} neither accepted nor refused."
    if state is RoundState.DECIDING:
        return
    submitted = {each.id: each.organisation_id for each in rows if each.state is ProposalState.SUBMITTED}
    standing = checks_of_round(round_, submitted).values()
    unanswered = sum(1 for each in standing if any(now.answer is None for now in each))
    if unanswered:
        yield f"{_counted(unanswered)} {_has(unanswered)} checks that nobody has answered."
    failing = sum(1 for each in standing if any(now.result is CheckResult.NOT_MET for now in each))
    if failing:
        yield f"{_counted(failing)} {_has(failing)} a check that is not met, and would be scored all the same."


def _counted(number: int) -> str:
    return "1 proposal" if number == 1 else f"{number} proposals"


def _is(number: int) -> str:
    return "is" if number == 1 else "are"


def _has(number: int) -> str:
    return "has" if number == 1 else "have"


@scheme_services.before_removing_checks
def _keep_answered(check_ids: Collection[int]) -> None:
    if db.session.scalar(select(CheckAnswer.id).where(CheckAnswer.check_id.in_(check_ids)).limit(1)):
        raise Refused("A check that has been answered stays: change its guidance instead", field="checks")
