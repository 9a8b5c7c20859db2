"""A proposer's pages by personal link, from the e-mail to the copy, and who is kept out of them."""

import datetime as dt
import io
import re
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from svd_tracker.act import Act
from svd_tracker.audit.queries import trail
from svd_tracker.extensions import db
from svd_tracker.files.models import FileLink, StoredFile
from svd_tracker.mail import jobs
from svd_tracker.mail.models import Outbox
from svd_tracker.proposals import attachments, link_queries, link_services, links, queries, services
from svd_tracker.proposals.models import InterestKind, PersonalLink, Proposal, ProposalState
from svd_tracker.rounds.models import RoundState
from tests.integration.mail.conftest import inbox as inbox
from tests.integration.test_routes import LINK
from tests.support.client import PageClient
from tests.support.money import holder
from tests.support.rounds import COORDINATOR, advance, make_draft, make_proposal, make_round, person
from tests.support.smtp import Inbox
from tests.support.world import DAY, act

pytestmark = pytest.mark.db
UNTIL = dt.date(2025, 5, 14)
PDF = b"%PDF-1.7\n"


@pytest.fixture(autouse=True)
def _in_april(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(app.config, "TODAY", DAY)


def by_coordinator() -> Act:
    return act(person(COORDINATOR).id)


def make(proposal: Proposal) -> tuple[int, str]:
    """A link to it: its id and the path of its pages."""
    link = link_services.make_link(proposal, "Ada Field", "ada@charity.example", UNTIL, by_coordinator())
    db.session.commit()
    return link.id, links.path_of(link.id)


def stored(link_id: int) -> PersonalLink:
    db.session.rollback()
    return db.session.get_one(PersonalLink, link_id)


def standing(proposal_id: int) -> Proposal:
    db.session.rollback()
    return queries.get_proposal(proposal_id)


def codes(inbox: Inbox) -> list[str]:
    found = [re.search(r"Your code is (\d{6})", str(message.email.get_body(("plain",)))) for message in inbox.messages]
    return [each[1] for each in found if each]


def opened(client: PageClient, inbox: Inbox, path: str) -> str:
    """Go in by a new code; where that leads."""
    client.post(path)
    return str(client.post(f"{path}/code", {"code": codes(inbox)[-1]}).location)


def version(proposal_id: int) -> dict[str, str]:
    return {"row_version": str(standing(proposal_id).row_version)}


def test_from_the_link_to_the_copy(client: PageClient, inbox: Inbox, app: Flask) -> None:
    draft = make_draft(make_round())
    number, (link_id, path) = draft.id, make(draft)
    client.sign_in(COORDINATOR)
    page = client.get(f"/proposals/{number}/links").text
    assert "ada@charity.example" in page
    client.sign_out()
    page = client.get(path).text
    assert "E-mail me a code" in page
    assert "ada@charity.example" not in page, "the page tells nobody the address"
    assert stored(link_id).code_sent_at is None, "opening it starts nothing"
    assert opened(client, inbox, path) == f"{path}/proposal"
    (message,) = inbox.messages
    assert message.recipients == ("ada@charity.example",)
    page = client.get(f"{path}/proposal").text
    assert "You are here by the personal link of Ada Field" in page
    assert "Not handed in yet" in page
    dorset = str(holder("dorset").id)
    words = dict.fromkeys(("summary", "purpose", "evidence", "target_group", "safeguarding", "after_funding"), "Words")
    about = {
        **version(number),
        **words,
        **dict.fromkeys(("deliverer", "lead", "where", "priority"), "Words"),
        "title": "Mentors by link",
        "asks": dorset,
        "level": "targeted",
    }
    assert client.post(f"{path}/edit/about", about).location == f"{path}/edit/costs"
    assert "You are here by" in client.get(f"{path}/edit/delivery").text
    page = client.get(f"{path}/check").text
    assert "Submit the proposal" in page
    client.post(f"{path}/check", version(number))
    client.post(f"{path}/check", version(number))  # a double click hands it in once
    proposal = standing(number)
    assert proposal.state is ProposalState.SUBMITTED
    submitted = queries.submitted_version(proposal)
    assert submitted is not None
    assert (submitted.title, submitted.version_no) == ("Mentors by link", 1)
    page = client.get(f"{path}/proposal").text
    assert "A copy goes to ada@charity.example" in page
    assert "Handed in" in page
    client.get(f"{path}/edit/about", status=409)
    assert client.get(f"{path}/check", status=303).location == f"{path}/proposal"
    db.session.rollback()
    assert str(jobs.send_waiting()) == "1 sent"
    copy = inbox.messages[-1].email
    for form in ("plain", "html"):
        body = copy.get_body((form,))
        assert body is not None
        text = body.get_content()
        assert all(part in text for part in ("Mentors by link", "£12,000.00", "Room hire", "30 June 2025"))
    client.post(f"{path}/leave")
    assert client.get(f"{path}/proposal", status=303).location == path
    page = client.sign_in(COORDINATOR).get(f"/proposals/{number}").text
    assert "The proposer, by a personal link" in page
    said = {each.line.action: each.after or {} for each in trail(None, 50) if each.line.actor_id is None}
    assert (said["save"]["link"], said["submit"]["link"]) == (link_id, link_id)


def test_without_its_code_every_page_leads_to_the_start(client: PageClient) -> None:
    proposal = make_proposal(make_round())
    _, path = make(proposal)
    db.session.rollback()
    for name, url in all_pages(client, path).items():
        if name in ("proposals.link", "proposals.link_code", "proposals.link_leave"):
            continue
        for verb in ("GET", "POST"):
            response = client._request(verb, url)
            if response.status_code != 405:
                assert (response.status_code, response.location) == (303, path), f"{verb} {name}"


def test_a_link_opens_no_other_proposal(client: PageClient, inbox: Inbox) -> None:
    round_ = make_round()
    one, other = make_draft(round_), make_draft(round_, "Another")
    add_file(other)
    (file_id,) = db.session.scalars(select(FileLink.id))
    one_path, other_path = make(one)[1], make(other)[1]
    number = other.id
    db.session.rollback()
    opened(client, inbox, one_path)
    for name, url in all_pages(client, other_path).items():
        if name not in ("proposals.link", "proposals.link_code", "proposals.link_leave"):
            response = client._request("GET", url)
            assert (response.status_code, response.location) == (303, other_path), name
    client.get(f"{one_path}/files/{file_id}", status=404)
    client.get(f"{one_path}/files/{file_id}/take-away", status=404)
    for url in (f"/proposals/{number}", f"/proposals/{number}/edit/about", "/", f"/rounds/{round_id_of(number)}"):
        assert "/sign-in" in str(client.get(url, status=302).location), "a link is no signed-in person"


def round_id_of(proposal_id: int) -> int:
    return standing(proposal_id).round_id


def all_pages(client: PageClient, path: str) -> dict[str, str]:
    """Every page by link as the application has it, with the arguments filled in."""
    rules = [rule for rule in client.app.url_map.iter_rules() if rule.endpoint in LINK]
    assert {rule.endpoint for rule in rules} == LINK
    return {
        rule.endpoint: rule.rule.replace("/link/<token>", path).replace("<page>", "about").replace("<int:link_id>", "1")
        for rule in rules
    }


def add_file(proposal: Proposal, name: str = "bid.pdf", content: bytes = PDF) -> None:
    attachments.attach(by_coordinator(), proposal, name, content, coordinator=True)
    db.session.commit()


@pytest.mark.parametrize(
    ("how", "status", "words"),
    [
        ("revoked", 410, "This link was withdrawn."),
        ("expired", 410, "This link worked until"),
        ("odd", 404, "none that"),
    ],
)
def test_a_closed_link_says_so_and_whom_to_ask(
    client: PageClient, inbox: Inbox, app: Flask, monkeypatch: pytest.MonkeyPatch, how: str, status: int, words: str
) -> None:
    link_id, path = make(make_draft(make_round()))
    opened(client, inbox, path)
    client.get(f"{path}/proposal")
    if how == "revoked":
        link_services.revoke_link(stored(link_id), "She has left", by_coordinator())
        db.session.commit()
    elif how == "expired":
        monkeypatch.setitem(app.config, "TODAY", UNTIL + dt.timedelta(days=1))
    else:
        path += "x"
    for url in (path, f"{path}/proposal", f"{path}/edit/about"):
        page = client.get(url, status=status).text
        assert words in page
        assert "She has left" not in page, "the reason is the coordinator's"
        assert "help@council.example" in page if how == "odd" else COORDINATOR in page


def test_a_wrong_code_is_told_and_counted(client: PageClient, inbox: Inbox) -> None:
    link_id, path = make(make_draft(make_round()))
    client.post(path)
    (code,) = codes(inbox)
    wrong = f"{(int(code) + 1) % 1_000_000:06d}"
    page = client.post(f"{path}/code", {"code": wrong}, status=200).text
    assert "This is not the code that was sent. You have 4 more tries." in page
    assert code not in page
    for _ in range(4):
        page = client.post(f"{path}/code", {"code": wrong}, status=200).text
    assert stored(link_id).tries == 5
    assert "tried too often" in client.post(f"{path}/code", {"code": code}, status=200).text
    assert client.get(f"{path}/proposal", status=303).location == path
    assert "less than a minute ago" in client.post(path, status=200).text


def test_a_code_that_cannot_be_sent_is_said(client: PageClient, inbox: Inbox, app: Flask) -> None:
    _, path = make(make_draft(make_round()))
    inbox.rcpt = "550 no such user"
    page = client.post(path, status=200).text
    assert "The code could not be sent just now" in page
    assert "550" not in page
    app.config["SMTP_HOST"] = ""
    assert "No code can be sent from here now" in client.post(path, status=200).text


def test_a_code_to_an_address_that_makes_no_header_is_said(client: PageClient, inbox: Inbox) -> None:
    """Such a link can be there from before they were refused."""
    link_id, path = make(make_draft(make_round()))
    stored(link_id).address = "ada.@charity.example"
    db.session.commit()
    assert "The code could not be sent just now" in client.post(path, status=200).text


def test_the_demonstration_shows_the_code(client: PageClient, app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    _, path = make(make_draft(make_round()))
    monkeypatch.setitem(app.config, "DEMO", True)
    client.post(path)
    found = re.search(r"would have been sent is <strong>(\d{6})</strong>", client.get(f"{path}/code").text)
    assert found
    assert client.post(f"{path}/code", {"code": found[1]}).location == f"{path}/proposal"


def test_an_open_link_ends_after_eight_hours(client: PageClient, inbox: Inbox) -> None:
    link_id, path = make(make_draft(make_round()))
    opened(client, inbox, path)
    with client.http.session_transaction() as session:
        at = dt.datetime.fromisoformat(session["svd_link"][1])
        session["svd_link"] = [link_id, (at - dt.timedelta(hours=8)).isoformat()]
    assert client.get(f"{path}/proposal", status=303).location == path


def test_after_the_close_it_is_kept_as_late(
    client: PageClient, inbox: Inbox, app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    round_ = make_round(closes_on=dt.date(2025, 4, 10))
    make_proposal(round_, "In time")
    draft = make_draft(round_)
    number, (_, path) = draft.id, make(draft)
    advance(round_, RoundState.SCORING)
    monkeypatch.setitem(app.config, "TODAY", dt.date(2025, 4, 11))
    opened(client, inbox, path)
    page = client.get(f"{path}/proposal").text
    assert "hand it in late" in page
    client.get(f"{path}/edit/about", status=409)
    assert "it is kept as late" in client.get(f"{path}/check").text
    client.post(f"{path}/check", version(number))
    assert standing(number).state is ProposalState.LATE
    assert "The coordinator decides whether it takes part" in client.get(f"{path}/proposal").text


def test_a_returned_proposal_is_corrected_by_the_link(client: PageClient, inbox: Inbox) -> None:
    proposal = make_proposal(make_round())
    number, (_, path) = proposal.id, make(proposal)
    client.sign_in(COORDINATOR).post(f"/proposals/{number}/return", {"reason": "Say where"})
    client.sign_out()
    (told,) = db.session.scalars(select(Outbox))
    assert "Say where" in told.details
    opened(client, inbox, path)
    for page in ("proposal", "edit/about", "check"):
        assert "To be corrected: Say where" in client.get(f"{path}/{page}").text
    client.post(f"{path}/check", version(number))
    submitted = queries.submitted_version(standing(number))
    assert submitted is not None
    assert submitted.version_no == 2


def test_files_by_link(client: PageClient, inbox: Inbox) -> None:
    draft = make_draft(make_round())
    number, (_, path) = draft.id, make(draft)
    opened(client, inbox, path)
    page = client.get(f"{path}/files/new").text
    key = re.search(r'name="once_key"[^>]*value="([0-9a-f]{32})"', page)
    assert key

    def sent(name: str, content: bytes) -> dict[str, Any]:
        return {"once_key": key[1], "note": "Letter of support", "file": (io.BytesIO(content), name)}

    text = client.post(f"{path}/files/new", sent("bid.exe", b"MZ"), status=200).text
    assert "The selected file must be PDF, Word" in text
    client.post(f"{path}/files/new", sent("bid.pdf", PDF))
    client.post(f"{path}/files/new", sent("bid.pdf", PDF))  # a double click keeps it once
    db.session.rollback()
    (kept,) = db.session.scalars(select(StoredFile))
    (link_id,) = db.session.scalars(select(FileLink.id))
    assert (kept.name, kept.kind.value, kept.holder_id, kept.recorded_by) == ("bid.pdf", "proposal", None, None)
    assert "Letter of support" in client.get(f"{path}/check").text
    response = client.get(f"{path}/files/{link_id}")
    assert response.data == PDF
    assert response.headers["Content-Disposition"] == "attachment; filename=bid.pdf"
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert "Say why" in client.post(f"{path}/files/{link_id}/take-away", {"reason": ""}, status=200).text
    client.post(f"{path}/files/{link_id}/take-away", {"reason": "The wrong one"})
    client.get(f"{path}/files/{link_id}", status=404)
    assert standing(number).state is ProposalState.DRAFT


def test_the_coordinator_makes_sends_and_revokes(client: PageClient) -> None:
    number = make_draft(make_round()).id
    client.sign_in(COORDINATOR)
    assert "Personal links" in client.get(f"/proposals/{number}").text
    page = client.get(f"/proposals/{number}/links/new").text
    assert re.search(r'name="expires_on-day"[^>]*value="14"', page), "14 days after the round closes"
    key = re.search(r'name="once_key"[^>]*value="([0-9a-f]{32})"', page)
    assert key
    data = {
        "once_key": key[1],
        "contact_name": "Ada Field",
        "address": "ada@charity.example",
        "expires_on-day": "14",
        "expires_on-month": "5",
        "expires_on-year": "2025",
    }
    assert "Enter an email address" in client.post(f"/proposals/{number}/links/new", {**data, "address": "x"}, 200).text
    client.post(f"/proposals/{number}/links/new", data)
    client.post(f"/proposals/{number}/links/new", data)  # a double click makes one
    db.session.rollback()
    (link,) = link_queries.links_of(number)
    link_id = link.id
    assert len(db.session.scalars(select(Outbox.id)).all()) == 1
    client.follow(client.post(f"/proposals/{number}/links/{link_id}/send"))
    page = client.get(f"/proposals/{number}/links").text
    assert "Ada Field" in page
    assert len(client.queries) <= 20
    client.post(f"/proposals/{number}/links/{link_id}/revoke", {"reason": "She has left"})
    assert "She has left" in client.get(f"/proposals/{number}/links").text
    client.get(f"/proposals/{number}/links/99/revoke", status=404)
    for email in ("coordinator@bcp.example", "member@dorset.example", "auditor@audit.example"):
        client.sign_in(email).get(f"/proposals/{number}/links", status=403)


def test_an_interest_shuts_the_links_and_files(client: PageClient) -> None:
    proposal = make_proposal(make_round())
    add_file(proposal)
    link_id, _ = make(proposal)
    number, who = proposal.id, person(COORDINATOR).id
    (file_id,) = db.session.scalars(select(FileLink.id))
    services.declare_interest(proposal.round, proposal, who, InterestKind.DIRECT, "My brother", act(who))
    db.session.commit()
    client.sign_in(COORDINATOR)
    base = f"/proposals/{number}"
    for url in ("/links", "/links/new", f"/links/{link_id}/revoke", f"/files/{file_id}", "/files/new"):
        client.get(base + url, status=403)
    client.post(f"{base}/links/{link_id}/send", status=403)


def test_saving_by_itself(client: PageClient, inbox: Inbox) -> None:
    """The script sends the page as it stands: unfinished rows change nothing, and no page is left."""
    draft = make_draft(make_round())
    number, (_, path) = draft.id, make(draft)
    opened(client, inbox, path)
    data = {**version(number), "by_itself": "1", "title": "Typed so far", "asks": str(holder("dorset").id)}
    assert client.post(f"{path}/edit/about", data).location == f"{path}/edit/about"
    page = client.get(f"{path}/edit/about").text
    assert 'value="Typed so far"' in page
    assert "data-autosave-status" in page
    before = queries.content_of(queries.newest_version(standing(number))).costs
    unfinished = {**version(number), "by_itself": "1", "costs-0-text": "A mentor"}
    assert client.post(f"{path}/edit/costs", unfinished, status=204).data == b""
    assert queries.content_of(queries.newest_version(standing(number))).costs == before
    assert "Choose whose money" in client.post(f"{path}/edit/costs", {**unfinished, "go": "1"}, status=200).text


def test_pages_by_link_need_few_queries(client: PageClient, inbox: Inbox) -> None:
    _, path = make(make_draft(make_round()))
    opened(client, inbox, path)
    for page in ("proposal", "edit/about", "edit/costs", "edit/match", "edit/delivery", "check", "files/new"):
        client.get(f"{path}/{page}")
        assert len(client.queries) <= 22, f"{page}: {len(client.queries)}"
