"""The words of an area's letters: sensible first ones built in, others edited on screen, with places to fill.

A place is a name in braces, like {title}. A paragraph whose places are all empty is left out of a letter.
"""

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

from sqlalchemy import select

from svd_tracker.accounts.models import Area
from svd_tracker.act import Act
from svd_tracker.audit import services as audit
from svd_tracker.decisions.models import LetterKind, LetterTemplate
from svd_tracker.errors import ChangedMeanwhile, Refused
from svd_tracker.extensions import db

PLACES: Mapping[str, str] = MappingProxyType(
    {
        "to_name": "the person that the letter is addressed to",
        "title": "the title of the proposal",
        "ref": "the reference of the proposal",
        "organisation": "the organisation that proposed it",
        "round": "the name of the round",
        "partnership": "the partnership that decided",
        "decided_on": "the day of the decision",
        "asked": "what was asked of the partnership",
        "amount": "what the partnership gives; empty when it gives nothing",
        "split": "how much of it is for labour and non-labour costs, in words",
        "labour": "the labour part of it",
        "non_labour": "the non-labour part of it",
        "conditions": "the conditions, each on its own line with what became of it; empty when there are none",
        "approvals": "a sentence on who must still agree; empty when everybody has",
        "words": "the decision's words to the applicant",
        "strengths": "the strengths of the feedback",
        "gaps": "the gaps of the feedback",
        "contact": "the address for questions; empty when none is set up",
        "council": "the council's name",
    }
)
LABELS: Mapping[LetterKind, str] = {
    LetterKind.OFFER: "Offer of all that was asked",
    LetterKind.OFFER_IN_PART: "Offer of a part",
    LetterKind.OFFER_IF: "Offer on conditions",
    LetterKind.RESERVE: "Kept in reserve",
    LetterKind.REFUSAL: "Refusal",
}
_PLACE = re.compile(r"\{([^{}]*)\}")
_LOOSE = re.compile(r"[{}]")
_OPENING = "Dear {to_name}\n\nThank you for your proposal “{title}” ({ref}) to the round “{round}”.\n\n"
_MONEY = "That is {split}.\n\n"
_FEEDBACK = "What was strong in your proposal:\n{strengths}\n\nWhere it could be stronger:\n{gaps}\n\n"
_NEXT = (
    "We will send you a delivery agreement. Please do not spend against this offer until it is signed.\n\n"
    "{approvals}\n\n"
)
_CLOSING = "If you have questions, please write to {contact}.\n\nYours sincerely\n\n{partnership}\n{council}"


class Words(NamedTuple):
    """A letter's words with their places. ``version_no`` is 0 for those that are built in."""

    subject: str
    body: str
    version_no: int = 0


BUILT_IN: Mapping[LetterKind, Words] = {
    LetterKind.OFFER: Words(
        "Your proposal “{title}”: an offer of {amount}",
        _OPENING
        + "On {decided_on} {partnership} decided to fund it with {amount}, all that you asked of it. "
        + _MONEY
        + "The offer depends on this being met:\n{conditions}\n\n{words}\n\n"
        + _NEXT
        + _FEEDBACK
        + _CLOSING,
    ),
    LetterKind.OFFER_IN_PART: Words(
        "Your proposal “{title}”: an offer of {amount}",
        _OPENING
        + "On {decided_on} {partnership} decided to fund it in part: with {amount} of the {asked} that you asked of "
        "it. " + _MONEY + "Please tell us within two weeks whether you can deliver with this sum, and what would "
        "change.\n\nThe offer depends on this being met:\n{conditions}\n\n{words}\n\n" + _NEXT + _FEEDBACK + _CLOSING,
    ),
    LetterKind.OFFER_IF: Words(
        "Your proposal “{title}”: an offer of {amount} on conditions",
        _OPENING
        + "On {decided_on} {partnership} decided to fund it with {amount}, on these conditions:\n{conditions}\n\n"
        + _MONEY
        + "Please show us that they are met. Until then the offer may be taken back.\n\n{words}\n\n"
        + _NEXT
        + _FEEDBACK
        + _CLOSING,
    ),
    LetterKind.RESERVE: Words(
        "Your proposal “{title}” is kept in reserve",
        _OPENING
        + "On {decided_on} {partnership} decided to keep it in reserve: there is no money for it now, and it is looked "
        "at again if some becomes free.\n\n{words}\n\n" + _FEEDBACK + _CLOSING,
    ),
    LetterKind.REFUSAL: Words(
        "Your proposal “{title}”",
        _OPENING
        + "On {decided_on} {partnership} decided not to fund it. We know that this is a disappointment.\n\n{words}\n\n"
        + _FEEDBACK
        + _CLOSING,
    ),
}


def words_of(area_id: int) -> dict[LetterKind, Words]:
    """An area's words for each kind of letter: the newest version, or what is built in. One query."""
    found = db.session.scalars(
        select(LetterTemplate).where(LetterTemplate.area_id == area_id).order_by(LetterTemplate.version_no)
    )
    return {**BUILT_IN, **{each.kind: Words(each.subject, each.body, each.version_no) for each in found}}


def save_words(area: Area, kind: LetterKind, subject: str, body: str, seen_version: int, act: Act) -> LetterTemplate:
    """Set an area's words for one kind of letter from now on; letters already issued stay as they are.

    Raises Refused at ``subject`` or ``body`` for words not given and places that there are not, ChangedMeanwhile when
    a newer version counts than ``seen_version``.
    """
    now = words_of(area.id)[kind]
    if now.version_no != seen_version:
        raise ChangedMeanwhile(
            "Somebody else changed these words since you opened the page", {"subject": now.subject, "body": now.body}
        )
    for field, text, words in (("subject", subject, "Enter the subject"), ("body", body, "Enter the letter")):
        if not text.strip():
            raise Refused(words, field=field)
        if problem := wrong_place(text):
            raise Refused(problem, field=field)
    if "\n" in subject.strip():
        raise Refused("Enter the subject on one line", field="subject")
    template = LetterTemplate(
        area_id=area.id,
        kind=kind,
        version_no=seen_version + 1,
        subject=subject.strip(),
        body=_one_line_end(body).strip(),
        recorded_at=act.at,
        recorded_by=act.by,
    )
    db.session.add(template)
    audit.record(
        act,
        "save_letter_words",
        "letter_template",
        f"{area.ref}/{kind.value}",
        area_id=area.id,
        before={"version": seen_version},
        after={"version": template.version_no},
    )
    return template


def wrong_place(text: str) -> str | None:
    """What to do about a place that there is not, in words; None when every place is one of ours."""
    for name in _PLACE.findall(text):
        if name not in PLACES:
            return f"There is no place {{{name}}}. Use one of the places listed beside the letter, spelt as there"
    if _LOOSE.search(_PLACE.sub("", text)):
        return "Write each place with both its braces, like {title}, and no other braces"
    return None


def fill(text: str, values: Mapping[str, str]) -> str:
    """Words with their places filled in from ``values``; a paragraph whose places are all empty is left out.

    What stands in for a place is never read for places itself.
    """
    kept = []
    for paragraph in re.split(r"\n[ \t]*\n", _one_line_end(text).strip()):
        names = _PLACE.findall(paragraph)
        if not names or any(values[name].strip() for name in names):
            kept.append(_PLACE.sub(lambda place: values[place[1]].strip(), paragraph).strip())
    return "\n\n".join(paragraph for paragraph in kept if paragraph)


def _one_line_end(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n")
