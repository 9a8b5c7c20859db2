"""The pages of a return's further life: whose they are, what they show and ask, how many queries they take."""

from collections.abc import Iterator
from io import BytesIO

import pytest
from flask import Flask

from svd_tracker.extensions import db
from svd_tracker.finance.models import Funding
from svd_tracker.returns import queries, revision_queries
from svd_tracker.returns.models import RevisionState
from tests.integration.finance.money_rows import make_funding, post
from tests.integration.returns.life_rows import QUERIED, WHY, explained, nothing_spent, query, reopen, send
from tests.integration.returns.year import OCTOBER, certified, check, draft, make_forecasts, make_year
from tests.support.client import PageClient

pytestmark = pytest.mark.db
OFFICER, CERTIFIER, OPCC = "finance.officer@dorset.example", "certifier@dorset.example", "opcc.officer@opcc.example"
AUDITOR = "auditor@audit.example"
ON = {"sent_on-day": "24", "sent_on-month": "7", "sent_on-year": "2025"}


@pytest.fixture(autouse=True)
def day(app: Flask) -> Iterator[None]:
    app.config["TODAY"] = QUERIED
    yield
    app.config["TODAY"] = None


def state(revision_id: int) -> RevisionState:
    found = queries.state_of(queries.get_revision(revision_id))
    db.session.rollback()
    return found


def test_sent_with_a_receipt_and_accepted(app: Flask, client: PageClient) -> None:
    make_year()
    revision_id = certified().id
    address = f"/returns/{revision_id}"
    page = client.sign_in(OFFICER).get(address).text
    assert "Record that it was sent" in page
    assert "Open it again" not in page, "the certifier opens it"
    assert "Enter how it was sent" in client.post(f"{address}/send", {"to_whom": "Dorset OPCC", **ON}, status=200).text
    late = {"to_whom": "Dorset OPCC", "how": "E-mail", **ON, "sent_on-day": "26"}
    assert "not still to come" in client.post(f"{address}/send", late, status=200).text
    assert state(revision_id) is RevisionState.CERTIFIED
    wrong = {"receipt": (BytesIO(b"GIF89a"), "answer.gif")}
    given = {"to_whom": "Dorset OPCC", "how": "E-mail", "reference": "Q1", **ON}
    assert "must be PDF" in client.post(f"{address}/send", {**given, **wrong}, status=200).text
    assert state(revision_id) is RevisionState.CERTIFIED, "nothing is sent with a receipt that cannot be kept"
    answer = (BytesIO(b"%PDF-1.7 thank you"), "answer.pdf")
    page = client.follow(client.post(f"{address}/send", {**given, "receipt": answer})).text
    assert "answer.pdf" in page
    assert "The return is with the OPCC" in page
    again = client.post(f"{address}/send", given, status=200).text
    assert "only a query of the OPCC makes another revision" in again

    (link,) = revision_queries.receipts_of(revision_queries.sending_of(revision_id))
    receipt = f"{address}/receipts/{link.id}"
    db.session.rollback()
    assert client.get(receipt).data == b"%PDF-1.7 thank you"
    client.sign_in("finance.officer@bcp.example").get(receipt, status=403)
    assert "Accept the return" not in client.sign_in(CERTIFIER).get(address).text

    page = client.sign_in(OPCC).get(address).text
    assert "Accept the return" in page
    assert "Query it" in page
    client.post(f"{address}/accept", {"reference": "Letter of 25 July"})
    assert state(revision_id) is RevisionState.ACCEPTED
    page = client.get(address).text
    assert "Accepted by the OPCC: Letter of 25 July" in page
    client.follow(client.post(f"{address}/query", {"reason": "Too late"}))
    assert state(revision_id) is RevisionState.ACCEPTED


def test_a_receipt_is_added_later_and_once(app: Flask, client: PageClient) -> None:
    make_year()
    revision_id = certified().id
    address = f"/returns/{revision_id}"
    client.sign_in(OFFICER).get(f"{address}/receipts/new", status=404)
    send(queries.get_revision(revision_id))
    assert "Select a file" in client.post(f"{address}/receipts/new", status=200).text
    file = {"file": (BytesIO(b"%PDF-1.7 thank you"), "answer.pdf"), "note": "Their answer"}
    page = client.follow(client.post(f"{address}/receipts/new", file)).text
    assert "Their answer" in page
    client.sign_in(AUDITOR).get(f"{address}/receipts/new", status=403)


def test_queried_explained_and_certified_again(app: Flask, client: PageClient) -> None:
    year = make_year()
    revision = certified()
    revision_id, ref, tool_id = revision.id, year.tool.ref, year.tool.id
    send(revision)
    client.sign_in(OPCC)
    assert "Say what is to be put right" in client.post(f"/returns/{revision_id}/query", status=200).text
    page = client.follow(client.post(f"/returns/{revision_id}/query", {"reason": "Is PO-12 twice in it?"})).text
    assert "Queried" in page
    newest = queries.newest_revision(queries.get_revision(revision_id).of.obligation_id)
    assert newest is not None
    newest_id = newest.id
    new = f"/returns/{newest_id}"
    db.session.rollback()
    assert new not in page, "a draft is its holder's alone"
    client.get(new, status=403)
    post(db.session.get_one(Funding, tool_id), 200_00, document="INV-99", on=QUERIED)

    page = client.sign_in(OFFICER).get(new).text
    assert "Queried by the OPCC: Is PO-12 twice in it?" in page
    assert "Build the draft" in page
    draft(on=QUERIED)
    page = client.get(new).text
    assert "What changed since revision 1" in page
    assert "£4,930.33 → £5,130.33" in page
    assert "Pass to the certifier" not in page, "the change has no reason yet"
    form = client.get(f"{new}/explain").text
    assert f'name="reason-{ref}"' in form
    assert "Specialist nurse" not in form, "only what changed is asked about"
    page = client.follow(client.post(f"{new}/explain", {f"reason-{ref}": WHY})).text
    assert WHY in page
    assert "Pass to the certifier" in page
    changes = client.get(f"{new}/changes").text
    assert "Locally funded" not in changes, "what is as it was is not listed"
    assert "Claimed to date" in changes
    csv = client.get(f"{new}/changes/download").text
    assert f"{ref},High harm perpetrator tool,Spent to date,4930.33,5130.33,{WHY}" in csv
    client.sign_in(CERTIFIER).get(f"{new}/explain", status=403)
    check(queries.get_revision(newest_id), on=QUERIED)
    page = client.get(f"{new}/certify").text
    assert WHY in page
    assert "Queried by the OPCC" in page


def test_the_certifier_opens_a_return_again_before_it_is_sent(app: Flask, client: PageClient) -> None:
    make_year()
    revision_id = certified().id
    address = f"/returns/{revision_id}"
    client.sign_in(OFFICER).post(f"{address}/reopen", {"reason": WHY}, status=403)
    client.sign_in(CERTIFIER)
    assert "Open it again" in client.get(address).text
    client.get(f"{address}/reopen")
    page = client.follow(client.post(f"{address}/reopen", {"reason": WHY})).text
    assert f"Opened again: {WHY}" in page
    assert "The finance officer puts right" in page
    again = client.follow(client.post(f"{address}/reopen", {"reason": WHY})).text
    assert "go on with its next revision" in again, "a double click opens it once"
    assert state(revision_id) is RevisionState.REOPENED


@pytest.mark.parametrize(
    ("who", "may"),
    [
        (OFFICER, {"send"}),
        (CERTIFIER, {"send", "reopen"}),
        (OPCC, {"accept", "query"}),
        (AUDITOR, set()),
        ("coordinator@dorset.example", set()),
        ("member@dorset.example", set()),
        ("administrator@dorset.example", set()),
        ("finance.officer@bcp.example", set()),
        ("certifier@bcp.example", set()),
        ("certifier@opcc.example", set()),
    ],
)
def test_who_may_do_what(app: Flask, client: PageClient, who: str, may: set[str]) -> None:
    make_year()
    revision_id = certified().id
    client.sign_in(who)
    for page in ("send", "reopen", "accept", "query"):
        client.get(f"/returns/{revision_id}/{page}", status=200 if page in may else 403)


def test_a_nil_return_is_ticked(app: Flask, client: PageClient) -> None:
    nothing_spent()
    revision_id = draft(2, on=OCTOBER).id
    app.config["TODAY"] = OCTOBER
    page = client.sign_in(OFFICER).get(f"/returns/{revision_id}").text
    assert "This is a nil return" in page
    build = queries.newest_build(revision_id)
    assert build is not None
    given = {"build": str(build.id)}
    db.session.rollback()
    refused = client.follow(client.post(f"/returns/{revision_id}/check", given)).text
    assert "say that this is a nil return" in refused
    page = client.follow(client.post(f"/returns/{revision_id}/check", {**given, "nil": "y"})).text
    assert "Nil return" in page
    page = client.sign_in(CERTIFIER).get(f"/returns/{revision_id}/certify").text
    assert "there is nothing to report for the period" in page
    assert "What changed since the last return, Q1 2025/26" in page
    assert "£14,830.50" in page


def test_the_page_of_changes_is_there_only_with_something_to_compare(app: Flask, client: PageClient) -> None:
    make_year()
    revision_id = draft().id
    client.sign_in(OFFICER).get(f"/returns/{revision_id}/changes", status=404)
    assert "No line of this draft differs" in client.get(f"/returns/{revision_id}/explain").text


def test_pages_of_a_second_revision_take_a_fixed_number_of_queries(app: Flask, client: PageClient) -> None:
    year = make_year()
    fundings = [make_funding(year.grant, 100_00, title=f"Small work {number}") for number in range(6)]
    for funding in fundings:
        post(funding, 10_00)
        make_forecasts(funding, {2: 30_00, 3: 30_00, 4: 30_00})
    revision = certified()
    send(revision)
    following = query(revision)
    post(year.tool, 5_00, document="INV-98", on=QUERIED)
    draft(on=QUERIED)
    explained(following, year.tool.ref, on=QUERIED)
    revision_id, first_id, funding_ids = following.id, revision.id, [funding.id for funding in fundings]
    db.session.rollback()
    client.sign_in(OFFICER)
    counts = {}
    for url in (f"/returns/{revision_id}", f"/returns/{first_id}", f"/returns/{revision_id}/changes"):
        client.get(url)
        counts[url] = len(client.queries)
    fundings = [db.session.get_one(Funding, funding_id) for funding_id in funding_ids]
    for funding in fundings:
        post(funding, 1_00, document="INV-97", on=QUERIED)
    draft(on=QUERIED)
    explained(queries.get_revision(revision_id), *(funding.ref for funding in fundings), on=QUERIED)
    db.session.rollback()
    for url, before in counts.items():
        client.get(url)
        assert len(client.queries) <= before, url
        assert before <= 40, (url, before)


def test_the_page_lists_the_revisions_that_the_reader_may_see(app: Flask, client: PageClient) -> None:
    make_year()
    first = certified()
    first_id, second_id = first.id, reopen(first).id
    draft(on=QUERIED)
    page = client.sign_in(AUDITOR).get(f"/returns/{second_id}").text
    assert "Revisions of this return" in page
    assert "Revision 1" in page
    page = client.sign_in(OPCC).get(f"/returns/{first_id}").text
    assert f"/returns/{second_id}" not in page


@pytest.mark.parametrize("verb", ["send", "accept", "query", "reopen"])
def test_a_double_click_is_led_to_where_the_first_one_led(app: Flask, client: PageClient, verb: str) -> None:
    make_year()
    revision_id = certified().id
    at = f"/returns/{revision_id}/{verb}"
    if verb in ("accept", "query"):
        send(queries.get_revision(revision_id))
    given = {"to_whom": "Dorset OPCC", "how": "E-mail", **ON} if verb == "send" else {"reason": WHY}
    page = client.sign_in({"send": OFFICER, "reopen": CERTIFIER}.get(verb, OPCC)).get(at).text
    key = page.split('name="once_key"')[1].split('value="')[1].split('"')[0]
    first = client.post(at, {**given, "once_key": key})
    second = client.post(at, {**given, "once_key": key})
    assert (second.status_code, second.location) == (303, first.location)
    shown = client.follow(second).text
    assert "This return is" not in shown, "nothing is refused"
    assert "This return was" not in shown
