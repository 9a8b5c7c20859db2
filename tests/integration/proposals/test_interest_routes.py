"""Every route of a proposal is closed to who has an interest in it, and no page of its round tells what is in it.

The routes are read from the application itself, so that one that is added later is asked about too.
"""

import io
import re
import zipfile
from collections.abc import Iterator, Mapping

import pytest
from flask import Flask
from sqlalchemy import select
from werkzeug.routing import Rule

from svd_tracker.calculations.figures import Category
from svd_tracker.decisions.models import Condition, Outcome
from svd_tracker.extensions import db
from svd_tracker.proposals import interest_services
from svd_tracker.proposals.models import InterestKind, Proposal
from svd_tracker.rounds import people_services
from svd_tracker.rounds import queries as rounds
from svd_tracker.rounds.models import Round, RoundState
from svd_tracker.scoring.models import Assessment, LineOption
from tests.integration.decisions.support import decide
from tests.integration.scoring.support import FULL, save, send
from tests.support.client import PageClient
from tests.support.money import holder
from tests.support.rounds import (
    ASSESSORS,
    COORDINATOR,
    advance,
    finish_interests,
    full_content,
    make_proposal,
    make_round,
    person,
)
from tests.support.world import DAY, act

pytestmark = pytest.mark.db

HEALTH = ASSESSORS[0]
CHAIR, STAND_IN = "member@bcp.example", "finance.officer@dorset.example"
OF_A_PROPOSAL = {"proposal_id", "decision_id", "condition_id", "assessment_id", "letter_id"}
# To declare is what one does there: it leads back to the list. A letter comes after publication, when nothing is shut.
NOT_SHUT = {"proposals.declare"}
AFTER_PUBLICATION = {"decisions.issued", "decisions.letter_docx"}
SECRETS = (
    "12,345.67",
    "12345.67",
    "nobody may read this of them",
    "a mark for a secret reason",
    "Decided on proposal P-01",  # on the first page
)
COSTS = {"dorset": {Category.LABOUR: 12_345_67}}
OTHERS = {"dorset": {Category.LABOUR: 4_000_00, Category.NON_LABOUR: 1_000_00}}


@pytest.fixture(autouse=True)
def _in_april(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(app.config, "TODAY", DAY)


def scored() -> tuple[Round, Proposal]:
    """A round with its chair and two proposals, scored and sent by all three; the first is the secret one."""
    round_ = make_round()
    by = act(person(COORDINATOR).id)
    people_services.set_chair(round_, person(CHAIR), round_.row_version, by)
    for_whom = person(COORDINATOR)
    people_services.name_stand_in(round_, holder("dorset"), person(STAND_IN), for_whom, "Away", by)
    content = full_content("Street mentors", COSTS)
    object.__setattr__(content, "summary", "nobody may read this of them")
    first = make_proposal(round_, content=content)
    second = make_proposal(round_, "Night buses", costs=OTHERS, by_organisation="Safer Streets Trust")
    advance(round_, RoundState.SCORING)
    finish_interests(round_, *ASSESSORS, CHAIR)
    for email in ASSESSORS:
        save(first, email, FULL, "a mark for a secret reason")
        save(second, email, FULL)
        send(round_, email)
    return round_, first


def declare(proposal: Proposal, email: str) -> None:
    who = person(email).id
    interest_services.declare_interest(proposal.round, proposal, who, InterestKind.DIRECT, "On its board", act(who))
    db.session.commit()


def values_of(round_: Round, proposal: Proposal) -> dict[str, str]:
    """What stands in the addresses. A route with a new kind of argument says here what it is."""
    assessment = select(Assessment.id).where(Assessment.proposal_id == proposal.id)
    condition = db.session.scalars(select(Condition)).first()
    option = db.session.scalars(select(LineOption)).first()
    found: dict[str, object] = {
        "round_id": round_.id,
        "proposal_id": proposal.id,
        "assessment_id": db.session.scalar(assessment.limit(1)),
        "criterion_id": rounds.criteria_of(round_.scheme)[1].id,
        "holder_id": holder("dorset").id,
        "person_id": person(ASSESSORS[1]).id,
        "link_id": 1,
        "letter_id": 1,
        "option_id": option.id if option else 1,
        "organisation_id": proposal.organisation_id,
        "stand_in_id": 1,
        "version_no": 1,
        "before": 1,
        "after": 1,
        "page": "about",
        "kind": "offer",
        "state": "published",
    }
    if condition is not None:
        found |= {"decision_id": condition.decision_id, "condition_id": condition.id}
    return {name: str(value) for name, value in found.items()}


def address(rule: Rule, values: Mapping[str, str]) -> str:
    def value(match: re.Match[str]) -> str:
        assert match[1] in values, f"{rule.endpoint}: say in values_of what {match[1]} is"
        return values[match[1]]

    return re.sub(r"<(?:\w+:)?(\w+)>", value, rule.rule)


def of_a_proposal(app: Flask, values: Mapping[str, str]) -> Iterator[tuple[str, str, str]]:
    """Endpoint, method and address of every route about one proposal, but the proposer's own by a personal link."""
    for rule in app.url_map.iter_rules():
        theirs = bool(rule.arguments & OF_A_PROPOSAL) and "token" not in rule.arguments
        decided = bool({"decision_id", "condition_id"} & rule.arguments)
        if theirs and rule.endpoint not in NOT_SHUT | AFTER_PUBLICATION and (not decided or "decision_id" in values):
            for method in sorted({"GET", "POST"} & (rule.methods or set())):
                yield rule.endpoint, method, address(rule, values)


def status_of(client: PageClient, method: str, url: str) -> int:
    response = client._request(method, url, data={"reason": "x"} if method == "POST" else None)
    return response.status_code


@pytest.mark.parametrize("state", [RoundState.SCORING, RoundState.DECIDING])
def test_every_route_of_a_proposal_is_shut(app: Flask, client: PageClient, state: RoundState) -> None:
    round_, proposal = scored()
    if state is RoundState.DECIDING:
        advance(round_, state)
        decide(proposal, outcome=Outcome.FUND_IF, reason="a mark for a secret reason")
    values, people = values_of(round_, proposal), (COORDINATOR, HEALTH, "member@dorset.example", CHAIR, STAND_IN)
    routes = list(of_a_proposal(app, values))
    db.session.rollback()
    client.sign_in(COORDINATOR)
    open_before = {name for name, method, url in routes if method == "GET" and status_of(client, method, url) == 200}
    assert {"proposals.show", "scoring.scores", "proposals.version"} <= open_before  # or the test could not fail
    assert len(open_before) >= 8
    for email in people:
        declare(db.session.get_one(Proposal, int(values["proposal_id"])), email)
    answers = []
    for email in people:
        client.sign_in(email)
        answers += [(email, method, url, status_of(client, method, url)) for _, method, url in routes]
    assert [each for each in answers if each[-1] != 403] == []


def words_of(content: bytes) -> str:
    """What a file says: a page or CSV as it is, the parts of a workbook or document together."""
    if content[:2] == b"PK":
        with zipfile.ZipFile(io.BytesIO(content)) as package:
            return "".join(package.read(name).decode("utf-8", "replace") for name in package.namelist())
    return content.decode("utf-8", "replace")


@pytest.mark.parametrize("state", [RoundState.SCORING, RoundState.DECIDING])
def test_no_page_or_file_of_the_round_tells_what_is_shut(app: Flask, client: PageClient, state: RoundState) -> None:
    round_, proposal = scored()
    if state is RoundState.DECIDING:
        advance(round_, state)
        decide(proposal, outcome=Outcome.FUND_IF, reason="a mark for a secret reason")
    values = values_of(round_, proposal)
    urls = [
        address(rule, values)
        for rule in app.url_map.iter_rules()
        if "GET" in (rule.methods or set())
        and rule.arguments & {"round_id", "option_id"}
        and not rule.arguments & OF_A_PROPOSAL
        and not rule.endpoint.startswith("returns.")
    ]
    assert len(urls) >= 20
    db.session.rollback()

    def telling(email: str) -> list[tuple[str, str, str]]:
        client.sign_in(email)
        found = []
        for url in [*urls, "/"]:
            response = client._request("GET", url)
            assert response.status_code in (200, 302, 303, 403, 404, 409), (url, response.status_code)
            text = words_of(response.get_data())
            found += [(email, url, secret) for secret in SECRETS if secret in text]
        return found

    assert telling(COORDINATOR) != []  # or the test could not fail
    people = (COORDINATOR, HEALTH, "member@dorset.example", CHAIR, STAND_IN)
    for email in people:
        declare(db.session.get_one(Proposal, int(values["proposal_id"])), email)
    assert [each for email in people for each in telling(email)] == []
