"""Letters of offer and refusal: composed from the area's words, issued after publication, then frozen."""

import datetime as dt
from collections.abc import Iterable, Mapping

from flask import current_app
from sqlalchemy import select

from svd_tracker.act import Act
from svd_tracker.approvals import queries as approvals
from svd_tracker.audit import services as audit
from svd_tracker.calculations.figures import Category
from svd_tracker.decisions import feedback, letter_templates, queries
from svd_tracker.decisions.letter_templates import Words, fill
from svd_tracker.decisions.models import Condition, ConditionState, Decision, DecisionLetter, LetterKind, Outcome
from svd_tracker.decisions.services import subject
from svd_tracker.errors import NotFound, Refused
from svd_tracker.extensions import db
from svd_tracker.mail import kinds
from svd_tracker.mail import services as mail
from svd_tracker.mail.messages import is_address
from svd_tracker.mail.models import Outbox
from svd_tracker.money import format_pounds
from svd_tracker.periods import format_date
from svd_tracker.proposals import queries as proposals
from svd_tracker.rounds.models import RoundState

KIND_OF: Mapping[Outcome, LetterKind] = {
    Outcome.FUND: LetterKind.OFFER,
    Outcome.FUND_IN_PART: LetterKind.OFFER_IN_PART,
    Outcome.FUND_IF: LetterKind.OFFER_IF,
    Outcome.RESERVE: LetterKind.RESERVE,
    Outcome.REJECT: LetterKind.REFUSAL,
}
LONGEST_SUBJECT = 250
_SETTLED: Mapping[ConditionState, str] = {
    ConditionState.MET: "met on",
    ConditionState.WAIVED: "no longer asked for, since",
    ConditionState.FAILED: "found not met on",
}
SUPERSEDED = "A later decision has taken the place of the one that this letter tells of"


def _still_needed(message: Outbox, _on: dt.date) -> bool:
    """A letter whose decision is superseded before it went off would tell what is no longer so."""
    return queries.is_standing(queries.get_decision(_letter_of(message).decision_id))


def _more(message: Outbox) -> Mapping[str, object]:
    """The letter itself is kept where it was frozen, not in the outbox."""
    return {"paragraphs": _letter_of(message).body.split("\n\n")}


def _letter_of(message: Outbox) -> DecisionLetter:
    return get_letter(int(message.about.rpartition(":")[2]))


kinds.register(kinds.Kind("decision_letter", _still_needed, _more))


def compose(decision: Decision, to_name: str = "") -> Words:
    """The letter of a decision as the area's words make it now; without a name it says "colleague"."""
    proposal = decision.proposal
    given, asked = queries.amounts_of(decision), proposals.asks(decision.version).get(decision.holder_id, {})
    told = feedback.newest([proposal.id]).get((proposal.id, decision.holder_id))
    config = current_app.config
    values = {
        "to_name": to_name.strip() or "colleague",
        "title": decision.version.title,
        "ref": proposal.ref,
        "organisation": proposal.organisation.name,
        "round": proposal.round.name,
        "partnership": decision.holder.name,
        "decided_on": format_date(decision.decided_on),
        "asked": format_pounds(sum(asked.values())),
        "amount": format_pounds(sum(given.values())) if decision.outcome.funds else "",
        "split": _split(given) if decision.outcome.funds else "",
        "labour": format_pounds(given[Category.LABOUR]) if decision.outcome.funds else "",
        "non_labour": format_pounds(given[Category.NON_LABOUR]) if decision.outcome.funds else "",
        "conditions": "\n".join(_condition_lines(decision)),
        "approvals": _approvals(decision),
        "words": decision.words_to_applicant,
        "strengths": told.strengths if told else "",
        "gaps": told.gaps if told else "",
        "contact": str(config["CONTACT_EMAIL"]),
        "council": str(config["COUNCIL_NAME"]),
    }
    words = letter_templates.words_of(proposal.round.area_id)[KIND_OF[decision.outcome]]
    line = " ".join(fill(words.subject, values).split())[:LONGEST_SUBJECT]
    return Words(line, fill(words.body, values), words.version_no)


def why_not_yet(decision: Decision) -> str | None:
    """Why no letter of this decision can be issued now, in words; None when one can."""
    if decision.proposal.round.state is not RoundState.PUBLISHED:
        return "Letters are issued once the decisions are published."
    if not queries.is_standing(decision):
        return "A later decision has taken the place of this one: issue its letter instead."
    return None


def issue_letter(decision: Decision, to_name: str, address: str, act: Act) -> DecisionLetter:
    """Freeze the letter of a decision as it is composed now, and put it into the outbox when there is an ``address``.

    Raises Refused before publication, for a superseded decision, without a name, or for what is no address.
    """
    proposals.refuse_if_shut(act.by, decision.proposal)
    if words := why_not_yet(decision):
        raise Refused(words)
    if not to_name.strip():
        raise Refused("Enter who the letter is to", field="to_name")
    if address.strip() and not is_address(address.strip()):
        raise Refused("Enter an email address in the correct format, like name@example.com", field="address")
    text = compose(decision, to_name)
    letter = DecisionLetter(
        decision_id=decision.id,
        kind=KIND_OF[decision.outcome],
        subject=text.subject,
        body=text.body,
        to_name=to_name.strip(),
        address=address.strip(),
        recorded_at=act.at,
        recorded_by=act.by,
    )
    db.session.add(letter)
    db.session.flush()  # its id is needed
    if letter.address:
        mail.put(
            mail.Letter(
                person_id=None,
                address=letter.address,
                about=f"decision_letter:{letter.id}",
                occasion="issued",
                occasion_on=act.on,
                template="decision_letter",
                subject=letter.subject,
                details={"name": letter.to_name},
            ),
            act,
        )
    audit.record(
        act,
        "issue_letter",
        "decision",
        subject(decision.proposal, decision.holder),
        area_id=decision.proposal.round.area_id,
        holder_id=decision.holder_id,
        after={"letter": letter.id, "kind": letter.kind.value, "by_mail": bool(letter.address)},
    )
    return letter


def letters_of(decision_ids: Iterable[int]) -> dict[int, list[DecisionLetter]]:
    """By decision id, its letters, the newest first. One query."""
    found: dict[int, list[DecisionLetter]] = {}
    for each in db.session.scalars(
        select(DecisionLetter)
        .where(DecisionLetter.decision_id.in_(list(decision_ids)))
        .order_by(DecisionLetter.id.desc())
    ):
        found.setdefault(each.decision_id, []).append(each)
    return found


def get_letter(letter_id: int) -> DecisionLetter:
    letter = db.session.get(DecisionLetter, letter_id)
    if letter is None:
        raise NotFound("letter")
    return letter


def _split(given: Mapping[Category, int]) -> str:
    parts = {category: pence for category, pence in given.items() if pence}
    if len(parts) == 1:
        return f"all for {next(iter(parts)).label.lower()} costs"
    return (
        " and ".join(f"{format_pounds(pence)} for {category.label.lower()}" for category, pence in parts.items())
        + " costs"
    )


def _condition_lines(decision: Decision) -> list[str]:
    """Every condition, and of one that is settled what became of it: it binds no longer."""
    return [f"• {each.text}{_how_it_stands(each)}" for each in decision.conditions]


def _how_it_stands(condition: Condition) -> str:
    if not condition.events:
        return f" (by {format_date(condition.due_on)})" if condition.due_on else ""
    settled = condition.events[-1]
    return f" ({_SETTLED[settled.state]} {format_date(settled.happened_on)})"


def _approvals(decision: Decision) -> str:
    bodies = approvals.outstanding(decision.approval) if decision.approval else []
    if not bodies:
        return ""
    names = " and ".join(f"the {body.label if body.label == 'OPCC' else body.label.lower()}" for body in bodies)
    return f"Before any money is paid, {names} must agree too. What is spent before then is at your own risk."
