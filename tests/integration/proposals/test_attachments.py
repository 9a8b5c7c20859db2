"""Files that come with a proposal: kept, limited, handed out to save, and shut as the proposal is (issue 5)."""

import datetime as dt
import io

import pytest
from flask import Flask
from sqlalchemy import select, update

from svd_tracker.audit import queries as audit
from svd_tracker.errors import NotAllowed, NotFound, Refused
from svd_tracker.extensions import db
from svd_tracker.files.models import FileKind, FileLink, StoredFile
from svd_tracker.proposals import attachments, queries, services
from svd_tracker.proposals.models import InterestKind, Proposal, ProposalState
from svd_tracker.rounds.models import Round, RoundAssessor, RoundState
from tests.support.client import PageClient
from tests.support.rounds import (
    COORDINATOR,
    advance,
    finish_interests,
    make_draft,
    make_proposal,
    make_round,
    person,
)
from tests.support.world import DAY, act

pytestmark = pytest.mark.db
PDF = b"%PDF-1.7\n"
HEALTH, POLICE = "assessor.health@nhs.example", "assessor.police@police.example"
PROPOSER = "proposer@charity.example"


@pytest.fixture(autouse=True)
def _in_april(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(app.config, "TODAY", DAY)


def attach(proposal: Proposal, name: str = "bid.pdf", content: bytes = PDF, *, coordinator: bool = True) -> FileLink:
    link = attachments.attach(act(person(COORDINATOR).id), proposal, name, content, "As sent", coordinator=coordinator)
    db.session.commit()
    return link


def standing(proposal: Proposal) -> list[str]:
    return [link.file.name for link in attachments.of_proposals([proposal.id]).get(proposal.id, [])]


def test_a_file_is_kept_with_its_proposal(app: Flask) -> None:
    draft = make_draft(make_round())
    link = attach(draft)
    assert (link.file.kind, link.file.holder_id, link.note) == (FileKind.PROPOSAL, None, "As sent")
    assert audit.history("proposal", queries.subject(draft))[0].action == "attach_file"
    other = make_draft(draft.round, "Another")
    assert attachments.of_proposals([draft.id, other.id]).keys() == {draft.id}
    with pytest.raises(NotFound):
        attachments.get_attachment(other, link.id, writes=True)


def test_the_same_bytes_are_kept_once_with_one_proposal_and_apart_with_another(app: Flask) -> None:
    draft = make_draft(make_round())
    attach(draft, "bid.pdf")
    with pytest.raises(Refused, match=r"here already, as bid\.pdf"):
        attach(draft, "again.pdf")
    other = make_draft(draft.round, "Another")
    attach(other, "other.pdf")
    assert (standing(draft), standing(other)) == (["bid.pdf"], ["other.pdf"]), "nobody is told another's name for it"


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("bid.exe", b"MZ", "must be PDF, Word"),
        ("bid.pdf", b"MZ", "what is in it is something else"),
        ("bid.html", b"<script>", "must be PDF, Word"),
        ("bid.pdf", b"", "is empty"),
        ("bid.pdf", PDF + b" " * (10 * 2**20), "10 MB or smaller"),
    ],
)
def test_what_may_not_be_kept_is_refused_at_its_field(app: Flask, name: str, content: bytes, words: str) -> None:
    draft = make_draft(make_round())
    with pytest.raises(Refused, match=words) as refused:
        attach(draft, name, content)
    assert refused.value.field == "file"


def test_ten_files_and_no_more(app: Flask) -> None:
    draft = make_draft(make_round())
    links = [attach(draft, f"{number}.pdf", PDF + bytes(str(number), "ascii")) for number in range(10)]
    with pytest.raises(Refused, match="at most 10 files"):
        attach(draft, "more.pdf", PDF)
    attachments.take_away(act(), draft, links[0], "The wrong one")
    attach(draft, "more.pdf", PDF)
    assert len(standing(draft)) == 10


def test_what_was_handed_in_stays(app: Flask) -> None:
    proposal = make_draft(make_round())
    early = attach(proposal, "early.pdf")
    services.submit(proposal, act())
    with pytest.raises(Refused, match="no longer change"):
        attachments.take_away(act(), proposal, early, "No")
    with pytest.raises(Refused, match="no longer change"):
        attach(proposal, "late.pdf", PDF + b"2", coordinator=False)
    attach(proposal, "original.pdf", PDF + b"3")
    services.return_for_correction(proposal, "Say where", act())
    later = act(on=DAY + dt.timedelta(days=1))
    new = attachments.attach(later, proposal, "new.pdf", PDF + b"4", coordinator=False)
    assert attachments.takeable(proposal, attachments.written(proposal)) == {new.id}
    assert standing(proposal) == ["early.pdf", "original.pdf"], "its readers see what was handed in"
    with pytest.raises(NotFound):
        attachments.get_attachment(proposal, new.id, writes=False)
    with pytest.raises(Refused, match="was handed in with the proposal"):
        attachments.take_away(later, proposal, early, "No")
    with pytest.raises(Refused, match="Say why"):
        attachments.take_away(later, proposal, new, " ")
    attachments.take_away(later, proposal, new, "Not needed")
    attachments.attach(later, proposal, "newer.pdf", PDF + b"5", coordinator=False)
    services.submit(proposal, later)
    assert standing(proposal) == ["early.pdf", "original.pdf", "newer.pdf"]
    assert len(db.session.scalars(select(StoredFile)).all()) == 4, "what is taken away stays on record"


def test_nothing_is_added_once_scoring_is_over(app: Flask) -> None:
    proposal = make_proposal(make_round())
    advance(proposal.round, RoundState.SCORING)
    assert attachments.takes_files(proposal, coordinator=True)
    proposal.round.state = RoundState.DECIDING
    with pytest.raises(Refused, match="no longer change"):
        attach(proposal)


def test_an_interest_shuts_the_files(app: Flask, client: PageClient) -> None:
    proposal = make_proposal(make_round())
    link = attach(proposal)
    number, link_id, who = proposal.id, link.id, person(COORDINATOR).id
    services.declare_interest(proposal.round, proposal, who, InterestKind.DIRECT, "My brother", act(who))
    db.session.commit()
    with pytest.raises(NotAllowed):
        attach(proposal, "more.pdf", PDF + b"2")
    db.session.rollback()
    client.sign_in(COORDINATOR)
    client.get(f"/proposals/{number}/files/{link_id}", status=403)
    client.get(f"/proposals/{number}/files/{link_id}/take-away", status=403)


def test_a_file_on_screen(client: PageClient) -> None:
    number = make_draft(make_round()).id
    db.session.rollback()
    client.sign_in(PROPOSER)
    page = client.get(f"/proposals/{number}/files/new").text
    assert "bank details" in page
    assert "Select a file" in client.post(f"/proposals/{number}/files/new", {"note": ""}, status=200).text
    sent = {"note": "Support", "file": (io.BytesIO(PDF), "../naïve, name.pdf")}
    assert client.post(f"/proposals/{number}/files/new", sent).location == f"/proposals/{number}/check"
    (link_id,) = db.session.scalars(select(FileLink.id))
    db.session.rollback()
    for url in (f"/proposals/{number}", f"/proposals/{number}/check"):
        page = client.get(url).text
        assert f"/proposals/{number}/files/{link_id}" in page
        assert "Support" in page
    response = client.get(f"/proposals/{number}/files/{link_id}")
    assert response.data == PDF
    assert response.headers["Content-Disposition"].startswith("attachment; ")
    assert (response.mimetype, response.headers["X-Content-Type-Options"]) == ("application/pdf", "nosniff")
    client.post(f"/proposals/{number}/files/{link_id}/take-away", {"reason": "The wrong one"})
    assert "No files." in client.get(f"/proposals/{number}").text


@pytest.mark.parametrize(
    ("email", "status"),
    [
        (COORDINATOR, 200),
        ("member@dorset.example", 200),
        ("member@bcp.example", 403),
        ("auditor@audit.example", 200),
        ("opcc.officer@opcc.example", 403),
        ("administrator@dorset.example", 403),
        (PROPOSER, 403),
    ],
)
def test_who_may_save_a_file_of_the_council(client: PageClient, email: str, status: int) -> None:
    proposal = make_proposal(make_round(), by_organisation="Dorset Council")
    number, link_id = proposal.id, attach(proposal).id
    db.session.rollback()
    client.sign_in(email).get(f"/proposals/{number}/files/{link_id}", status=status)
    for path in (f"/proposals/{number}/files/new", f"/proposals/{number}/files/{link_id}/take-away"):
        if email != COORDINATOR:
            client.get(path, status=403)


def test_a_blind_round_hides_the_files_until_one_has_sent(client: PageClient) -> None:
    proposal = make_proposal(make_round())
    number, link_id, round_id = proposal.id, attach(proposal, "harbour.pdf").id, proposal.round_id
    advance(proposal.round, RoundState.SCORING)
    finish_interests(proposal.round)
    db.session.execute(update(Round).where(Round.id == round_id).values(blind=True))
    db.session.commit()
    page = client.sign_in(HEALTH).get(f"/proposals/{number}").text
    assert "harbour.pdf" not in page
    assert "1 file is hidden" in page
    client.get(f"/proposals/{number}/files/{link_id}", status=403)
    db.session.execute(
        update(RoundAssessor)
        .where(RoundAssessor.round_id == round_id, RoundAssessor.person_id == person(HEALTH).id)
        .values(first_sent_at=dt.datetime(2025, 4, 1, 12, tzinfo=dt.UTC))
    )
    db.session.commit()
    assert "harbour.pdf" in client.get(f"/proposals/{number}").text
    client.get(f"/proposals/{number}/files/{link_id}")
    client.sign_in(POLICE).get(f"/proposals/{number}/files/{link_id}", status=403)
    client.sign_in(COORDINATOR).get(f"/proposals/{number}/files/{link_id}")
    assert queries.get_proposal(number).state is ProposalState.SUBMITTED
