"""Personal links: made, sent, revoked, and opened by a code (issue 5)."""

import dataclasses
import datetime as dt

import pytest
from flask import Flask

from svd_tracker.act import Act, Source
from svd_tracker.audit import queries as audit
from svd_tracker.audit.queries import verify
from svd_tracker.errors import NotAllowed, Refused
from svd_tracker.extensions import db
from svd_tracker.mail.models import MailState, Outbox
from svd_tracker.proposals import attachments, link_queries, link_services, links, queries, services
from svd_tracker.proposals.models import InterestKind, PersonalLink, Proposal, ProposalState
from tests.support.rounds import COORDINATOR, make_draft, make_proposal, make_round, person
from tests.support.world import DAY, act

pytestmark = pytest.mark.db
UNTIL = dt.date(2025, 5, 14)
NOON = dt.datetime.combine(DAY, dt.time(12), tzinfo=dt.UTC)


def at(seconds: float = 0, days: int = 0) -> Act:
    """An act of nobody signed in, so long after noon."""
    moment = NOON + dt.timedelta(days=days, seconds=seconds)
    return Act(by=None, on=moment.date(), at=moment, source=Source.PAGE)


def make(proposal: Proposal | None = None, address: str = "ada@charity.example") -> PersonalLink:
    proposal = proposal or make_draft(make_round())
    link = link_services.make_link(proposal, "Ada Field", address, UNTIL, act(person(COORDINATOR).id))
    db.session.commit()
    return link


def outbox() -> list[Outbox]:
    return list(db.session.query(Outbox).order_by(Outbox.id))


def test_the_address_is_signed_and_kept_nowhere(app: Flask) -> None:
    link = make()
    link_services.send_link(link, act(person(COORDINATOR).id))
    db.session.commit()
    token = links.token_of(link.id)
    found = link_queries.find_by_token(token)
    assert found is not None
    assert found.id == link.id
    (message,) = outbox()
    assert (message.address, message.person_id) == ("ada@charity.example", None)
    assert token not in message.details
    for odd in ("", token[:-1], token + "x", "1", links.token_of(link.id + 1)):
        assert link_queries.find_by_token(odd) is None


@pytest.mark.parametrize(
    "address",
    [
        *("ada", "ada@", "ada@home", "a b@c.example", "a@b.example,c@d.example", "ä@b.example"),
        *("a..b@c.example", "ada.@c.example", ".a@c.example", 'a"b@c.example', "a:b@c.example", "a(b)@c.example"),
        *("a@c..example", "a@[c.example", "a@c.example.", "a\x01b@c.example", "a@c.example)"),
    ],
)
def test_an_address_that_is_none_is_refused(app: Flask, address: str) -> None:
    with pytest.raises(Refused) as refused:
        make(address=address)
    assert refused.value.field == "address"


@pytest.mark.parametrize("address", ["o'neil+svd@charity.example", "a.b@c-d.org.uk"])
def test_an_odd_address_that_is_one_is_taken(app: Flask, address: str) -> None:
    assert make(address=address).address == address


def test_a_link_needs_a_name_and_a_day_to_come(app: Flask) -> None:
    draft = make_draft(make_round())
    with pytest.raises(Refused) as refused:
        link_services.make_link(draft, "Ada", "a@b.example", DAY - dt.timedelta(days=1), act())
    assert refused.value.field == "expires_on"
    with pytest.raises(Refused) as refused:
        link_services.make_link(draft, " ", "a@b.example", UNTIL, act())
    assert refused.value.field == "contact_name"


def test_a_link_is_sent_once_a_day(app: Flask) -> None:
    link = make()
    link_services.send_link(link, act())
    with pytest.raises(Refused, match="sent today already"):
        link_services.send_link(link, act())
    link_services.send_link(link, act(on=DAY + dt.timedelta(days=1)))
    assert [message.state for message in outbox()] == [MailState.NOT_NEEDED, MailState.WAITING]


def test_revoked_expired_and_withdrawn_links_open_nothing(app: Flask) -> None:
    link = make()
    assert link_queries.why_closed(link, UNTIL) is None
    assert link_queries.why_closed(link, UNTIL + dt.timedelta(days=1)) == "This link worked until 14 May 2025."
    with pytest.raises(Refused, match="Enter why"):
        link_services.revoke_link(link, " ", act())
    link_services.revoke_link(link, "She has left", act())
    assert link_queries.why_closed(link, DAY) == "This link was withdrawn."
    for verb in (lambda: link_services.send_code(link, at()), lambda: link_services.send_link(link, at())):
        with pytest.raises(Refused, match="was withdrawn"):
            verb()
    other = make(make_draft(link.proposal.round, "Another"))
    services.withdraw(other.proposal, "No staff", act())
    assert link_queries.why_closed(other, DAY) == "This proposal was withdrawn."


def test_a_code_opens_once(app: Flask) -> None:
    link = make()
    with pytest.raises(Refused, match="Ask for a code first"):
        link_services.enter_code(link, "123456", at())
    code = link_services.send_code(link, at())
    assert len(code) == 6
    assert link_services.enter_code(link, f" {code[:3]} {code[3:]} ", at(599))
    with pytest.raises(Refused, match="Ask for a code first"):
        link_services.enter_code(link, code, at(600))
    again = link_services.send_code(link, at(700))
    assert link_services.enter_code(link, again, at(701))


def test_a_code_grows_old(app: Flask) -> None:
    link = make()
    code = link_services.send_code(link, at())
    with pytest.raises(Refused, match="more than 10 minutes old"):
        link_services.enter_code(link, code, at(601))


def test_a_code_is_tried_five_times(app: Flask) -> None:
    link = make()
    code = link_services.send_code(link, at())
    wrong = f"{(int(code) + 1) % 1_000_000:06d}"
    assert [link_services.enter_code(link, wrong, at(1)) for _ in range(5)] == [False] * 5
    with pytest.raises(Refused, match="tried too often"):
        link_services.enter_code(link, code, at(2))


def test_a_newer_code_voids_the_older(app: Flask) -> None:
    link = make()
    old = link_services.send_code(link, at())
    new = link_services.send_code(link, at(60))
    assert old == new or not link_services.enter_code(link, old, at(61))
    assert link_services.enter_code(link, new, at(62))


def test_codes_are_sent_once_a_minute_and_ten_times_a_day(app: Flask) -> None:
    link = make()
    link_services.send_code(link, at())
    with pytest.raises(Refused, match="less than a minute ago"):
        link_services.send_code(link, at(59))
    for number in range(1, 10):
        link_services.send_code(link, at(60 * number))
    with pytest.raises(Refused, match="10 codes were sent"):
        link_services.send_code(link, at(600))
    link_services.send_code(link, at(600, days=1))


def test_each_line_of_what_is_done_by_a_link_says_which(app: Flask) -> None:
    draft = make_draft(make_round())
    link = make(draft)
    by_link = dataclasses.replace(at(), link=link.id)
    content = dataclasses.replace(queries.content_of(queries.newest_version(draft)), title="Another title")
    services.save_version(draft, content, draft.row_version, by_link)
    kept = attachments.attach(by_link, draft, "bid.pdf", b"%PDF-1.7\n", coordinator=False)
    attachments.take_away(by_link, draft, kept, "Wrong one")
    services.submit(draft, by_link)
    db.session.commit()
    said = {each.line.action: each.after for each in audit.trail(None, 50) if each.line.actor_id is None}
    for action in ("save", "attach_file", "take_file_away", "submit"):
        assert (said[action] or {}).get("link") == link.id
    assert all(chain.broken_at is None for chain in verify())


def test_what_is_done_by_a_link_stands_in_the_audit(app: Flask) -> None:
    link = make()
    code = link_services.send_code(link, at())
    link_services.enter_code(link, "000000" if code != "000000" else "111111", at(1))
    link_services.enter_code(link, code, at(2))
    link_services.revoke_link(link, "Done", act(person(COORDINATOR).id))
    db.session.commit()
    lines = audit.history("personal_link", link_queries.subject(link))
    assert sorted((line.action, line.actor_id) for line in lines) == [
        ("open_link", None),
        ("send_code", None),
        ("wrong_code", None),
    ]
    actions = [line.action for line in audit.history("proposal", queries.subject(link.proposal))]
    assert {"make_link", "revoke_link"} <= set(actions)
    assert all(chain.broken_at is None for chain in verify())


def test_a_returned_proposal_is_told_to_who_can_still_open_it(app: Flask) -> None:
    proposal = make_proposal(make_round())
    link, gone = make(proposal), make(proposal, "gone@charity.example")
    link_services.revoke_link(gone, "Left", act())
    services.return_for_correction(proposal, "Say where", act())
    assert link_services.tell_returned(proposal, act()) == 1
    (message,) = outbox()
    assert message.address == link.address
    assert "Say where" in message.details


def test_an_interest_keeps_its_holder_from_the_links(app: Flask) -> None:
    link = make(make_proposal(make_round()))
    proposal, who = link.proposal, person(COORDINATOR).id
    services.declare_interest(proposal.round, proposal, who, InterestKind.DIRECT, "My brother", act(who))
    for verb in (
        lambda: link_services.make_link(proposal, "A", "a@b.example", UNTIL, act(who)),
        lambda: link_services.send_link(link, act(who)),
        lambda: link_services.revoke_link(link, "Why", act(who)),
    ):
        with pytest.raises(NotAllowed):
            verb()
    assert proposal.state is ProposalState.SUBMITTED
