"""The decision pack: its page, document and workbook say the same, and no more than the reader may have."""

import io

import pytest
from docx import Document
from flask import Flask

from svd_tracker.accounts.queries import load_access
from svd_tracker.decisions import pack
from svd_tracker.decisions.models import Outcome
from svd_tracker.proposals import queries as proposals
from svd_tracker.proposals.models import InterestKind, Proposal
from svd_tracker.proposals.services import declare_interest
from svd_tracker.rounds.models import RoundState
from tests.exports.package_lint import lint
from tests.exports.reading import stored
from tests.integration.decisions.support import decide
from tests.integration.decisions.test_explain import MEMBER, a_round
from tests.integration.scoring.support import declare
from tests.support.client import PageClient
from tests.support.rounds import ASSESSORS, COORDINATOR, advance, person
from tests.support.world import DAY, act

pytestmark = pytest.mark.db

AUDITOR = "auditor@audit.example"


def document_text(content: bytes) -> str:
    made = Document(io.BytesIO(content))
    cells = [cell.text for table in made.tables for row in table.rows for cell in row.cells]
    return "\n".join([paragraph.text for paragraph in made.paragraphs] + cells)


def workbook_text(content: bytes) -> str:
    return "\n".join(
        str(value) for sheet in stored(content).worksheets for row in sheet.iter_rows(values_only=True) for value in row
    )


def test_the_three_say_the_same(client: PageClient) -> None:
    _, made = a_round()
    decide(made[0])
    decide(made[1], outcome=Outcome.FUND_IF)
    decide(made[2], outcome=Outcome.REJECT, reason="The labour money ran out before it.")
    client.sign_in(COORDINATOR)
    page = client.get("/rounds/1/pack").text
    assert len(client.queries) <= 71
    word = client.get("/rounds/1/pack.docx")
    book = client.get("/rounds/1/pack.xlsx")
    lint(book.data)
    assert "attachment" in word.headers["Content-Disposition"]
    for text in (page, document_text(word.data), workbook_text(book.data)):
        for words in (
            "Project 3",
            "The labour money ran out before it.",
            "A data sharing agreement is signed",
            "Accountable body",
        ):
            assert words in text
        for email in ASSESSORS:
            assert person(email).name not in text, "no assessor is named"
    assert "£20,000.00" in page
    assert "100.00%" in page
    sheet = stored(book.data)["Scores"]
    ranks = {row[0]: row[8] for row in sheet.iter_rows(min_row=10, values_only=True) if row[0]}
    assert ranks == {"P-01": 1, "P-02": 2, "P-03": 3}


def test_a_member_has_their_own_partnerships_alone(client: PageClient) -> None:
    _, made = a_round()
    decide(made[3], ref="bcp")
    page = client.sign_in(MEMBER).get("/rounds/1/pack").text
    assert "Project 4" not in page
    assert "9,000" not in page
    assert "Project 2" in page
    money = page[page.index('id="pack-2"') : page.index('id="pack-3"')]
    assert "Dorset Community Safety Partnership" in money
    assert "BCP Community" not in money


def test_an_interest_leaves_the_proposal_and_its_order_out(client: PageClient) -> None:
    _, made = a_round()
    decide(made[0])
    declare(made[0], MEMBER)
    client.sign_in(MEMBER)
    page = client.get("/rounds/1/pack").text
    texts = (
        page,
        document_text(client.get("/rounds/1/pack.docx").data),
        workbook_text(client.get("/rounds/1/pack.xlsx").data),
    )
    for text in texts:
        assert "declared an interest in a proposal for this money" in text
        assert not any(words in text for words in ("Project 1", "P-01", "20,000", "20000", "50,000"))
        assert "Project 2" in text


def test_the_public_version_leaves_out_what_is_restricted(client: PageClient) -> None:
    round_, made = a_round()
    decide(made[0])
    decide(made[2], outcome=Outcome.REJECT, reason="The labour money ran out before it.")
    health = person(ASSESSORS[0])
    name = health.name
    declare_interest(round_, made[2], health.id, InterestKind.DIRECT, "Sits on its board", act(health.id))
    decide(made[1], outcome=Outcome.REJECT, reason="It can wait a year.")
    client.sign_in(COORDINATOR)
    full = client.get("/rounds/1/pack").text
    assert "Sits on its board" in full
    assert name in full, "interests are printed with their names"
    for answer in ("", ".docx", ".xlsx"):
        given = client.get(f"/rounds/1/pack{answer}?public=1")
        text = (
            given.text if not answer else document_text(given.data) if answer == ".docx" else workbook_text(given.data)
        )
        assert "Project 3" in text
        for words in ("Sits on its board", name, "The labour money ran out", "It can wait", "60.00%", "Need"):
            assert words not in text
        assert "It works, and schools ask for it." in text
    assert "Scores" not in stored(client.get("/rounds/1/pack.xlsx?public=1").data).sheetnames


def test_not_for_everybody_and_not_before_scores_are_shown(client: PageClient) -> None:
    a_round()
    for email, status in (
        (MEMBER, 200),
        (AUDITOR, 200),
        ("member@bcp.example", 200),
        ("finance.officer@dorset.example", 403),
        ("administrator@dorset.example", 403),
        (ASSESSORS[0], 403),
    ):
        client.sign_in(email)
        for ending in ("", ".docx", ".xlsx"):
            client.get(f"/rounds/1/pack{ending}", status=status)


def test_what_was_published_says_so(app: Flask) -> None:
    round_, made = a_round()
    for proposal in made[:3]:
        decide(proposal, outcome=Outcome.REJECT)
    for proposal in (made[1], made[3]):
        decide(proposal, ref="bcp", outcome=Outcome.REJECT)
    access = load_access(person(COORDINATOR).id, DAY)
    assert pack.pack_of(round_, access, act().at).state == "Before decisions are published"
    advance(round_, RoundState.PUBLISHED)
    assert pack.pack_of(round_, access, act().at).state.startswith("Decisions published")


def proposals_of(round_id: int) -> list[Proposal]:
    return list(proposals.list_proposals(round_id))


def test_it_asks_as_much_however_many_proposals_there_are(client: PageClient) -> None:
    a_round()
    client.sign_in(COORDINATOR).get("/rounds/1/pack")
    few = len(client.queries)
    for proposal in proposals_of(1)[:2]:
        decide(proposal)
    client.get("/rounds/1/pack")
    assert len(client.queries) <= few + 6, "conditions, steps and the like are read once"
