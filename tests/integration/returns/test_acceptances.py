"""Warnings accepted with a reason: by whom, for which words, and where it is said."""

import json
import re
from collections.abc import Iterator

import pytest
from flask import Flask

from svd_tracker.audit.models import AuditPayload
from svd_tracker.calculations.figures import EntryKind
from svd_tracker.errors import ChangedMeanwhile, NotFound, Refused
from svd_tracker.extensions import db
from svd_tracker.returns.acceptances import accepted_of
from svd_tracker.returns.accepting import accept_finding, take_back_acceptance
from svd_tracker.returns.models import FindingAcceptance, ReturnFinding, ReturnRevision
from svd_tracker.returns.queries import findings_of, get_revision, newest_build
from tests.integration.finance.money_rows import post
from tests.integration.returns.life_rows import SENT, reopen
from tests.integration.returns.year import CHECKED, by, certify, check, draft, make_year, workbook_of
from tests.support.client import PageClient

pytestmark = pytest.mark.db
OFFICER, CERTIFIER = "finance.officer@dorset.example", "certifier@dorset.example"
WHY = "The order is with procurement"


@pytest.fixture(autouse=True)
def day(app: Flask) -> Iterator[None]:
    app.config["TODAY"] = CHECKED
    yield
    app.config["TODAY"] = None


def finding(revision: ReturnRevision, code: str) -> ReturnFinding:
    build = newest_build(revision.id)
    assert build is not None
    (found,) = [each for each in findings_of(build.id) if each.code == code]
    return found


def accept(revision: ReturnRevision, code: str = "open_accruals", reason: str = WHY) -> None:
    accept_finding(revision, finding(revision, code).id, reason, by("finance.officer@dorset", CHECKED))
    db.session.commit()


def test_an_accepted_warning_stands_on_the_page_in_the_workbook_and_in_the_audit(
    app: Flask, client: PageClient
) -> None:
    make_year()
    revision = draft()
    found, number = finding(revision, "open_accruals"), revision.id
    url, message = f"/returns/{number}/findings/{found.id}/accept", found.message
    client.sign_in(OFFICER)
    page = client.get(f"/returns/{number}").text
    assert f'href="{url}"' in page
    assert message in client.get(url).text
    assert "Say why the return can go with this warning" in client.post(url, {"reason": " "}, 200).text
    client.post(url, {"reason": WHY})
    said = f"Accepted by Dorset finance officer on 18 July 2025: {WHY}"
    page = client.get(f"/returns/{number}").text
    assert said in page
    assert f"/returns/{number}/findings/{finding(get_revision(number), 'open_accruals').id}/take-back" in page
    payloads = [json.loads(each.payload) for each in db.session.query(AuditPayload) if each.payload]
    kept = [each["after"] for each in payloads if (each.get("after") or {}).get("reason") == WHY]
    assert kept == [{"check": "No open accruals", "warning": message, "reason": WHY}]
    revision = get_revision(number)
    check(revision)
    assert said in client.sign_in(CERTIFIER).get(f"/returns/{number}/certify").text
    certify(get_revision(number))
    book = workbook_of(get_revision(number))
    cells = " ".join(str(cell.value) for line in book["Checks"].iter_rows() for cell in line if cell.value)
    assert said in cells
    assert url not in client.get(f"/returns/{number}").text, "nothing is accepted once it is certified"


def test_the_certifier_accepts_a_warning_of_a_checked_return_and_takes_it_back(app: Flask, client: PageClient) -> None:
    make_year()
    revision = draft()
    check(revision)
    number, found = revision.id, finding(revision, "open_accruals").id
    accept = f"/returns/{number}/findings/{found}/accept?from=certify"
    assert f'href="{accept}"' in client.sign_in(CERTIFIER).get(f"/returns/{number}/certify").text
    back = client.post(accept, {"reason": WHY}).location
    assert back == f"/returns/{number}/certify#checks", "the certifier goes on with certifying"
    assert len(accepted_of(number)) == 1
    take_back = f"/returns/{number}/findings/{found}/take-back"
    assert "Accepted by Dorset chief finance officer" in client.get(take_back).text
    assert len(accepted_of(number)) == 1, "a GET changes nothing"
    client.post(take_back)
    assert accepted_of(number) == {}
    assert db.session.query(FindingAcceptance).count() == 2, "both stay"


def test_what_was_accepted_in_an_earlier_revision_is_accepted_again_in_one_click(
    app: Flask, client: PageClient
) -> None:
    make_year()
    first = draft()
    accept(first)
    check(first)
    certify(get_revision(first.id))
    second = reopen(get_revision(first.id)).id
    draft(on=SENT)
    assert accepted_of(second) == {}, "it is a new acceptance"
    found = finding(get_revision(second), "open_accruals").id
    page = client.sign_in(OFFICER).get(f"/returns/{second}").text
    assert f"Accepted in revision 1 by Dorset finance officer: {WHY}" in page
    form = page.split(f'action="/returns/{second}/findings/{found}/accept"')[1].split("</form>")[0]
    assert f'name="reason" value="{WHY}"' in form
    client.post(f"/returns/{second}/findings/{found}/accept", {"reason": WHY})
    assert len(accepted_of(second)) == 1
    assert "Accept it again" not in client.get(f"/returns/{second}").text


def test_others_may_not_and_do_not_see_the_way(app: Flask, client: PageClient) -> None:
    make_year()
    revision = draft()
    url = f"/returns/{revision.id}/findings/{finding(revision, 'open_accruals').id}/accept"
    number = revision.id
    for other in ("auditor@audit.example", "coordinator@dorset.example", "finance.officer@bcp.example"):
        client.sign_in(other).get(url, status=403)
        client.post(url, {"reason": WHY}, status=403)
    assert url not in client.sign_in("auditor@audit.example").get(f"/returns/{number}").text
    assert accepted_of(number) == {}


def test_an_acceptance_holds_for_the_same_words_in_the_next_build_and_for_no_others(app: Flask) -> None:
    year = make_year()
    revision = draft()
    accept(revision)
    assert len(accepted_of(revision.id)) == 1
    again = draft()
    found = finding(again, "open_accruals")
    assert (found.code, found.subject_ref, found.message) in accepted_of(again.id)
    post(year.tool, 12_00, kind=EntryKind.ACCRUAL, document="PO-99")
    found = finding(draft(), "open_accruals")
    assert (found.code, found.subject_ref, found.message) not in accepted_of(again.id), "it says another amount now"


def test_only_warnings_of_the_newest_build_are_accepted_and_once(app: Flask) -> None:
    year = make_year(forecasts=False)
    revision = draft()
    officer = by("finance.officer@dorset", CHECKED)
    old = finding(revision, "open_accruals").id
    build = newest_build(revision.id)
    assert build is not None
    error = next(each for each in findings_of(build.id) if each.code == "forecast_missing").id
    with pytest.raises(Refused, match="put right, not accepted"):
        accept_finding(revision, error, WHY, officer)
    db.session.rollback()
    post(year.nurse, 1_00)
    revision = draft()
    with pytest.raises(ChangedMeanwhile):
        accept_finding(revision, old, WHY, officer)
    db.session.rollback()
    for words, refusal in (("  ", "Say why"), ("x" * 1001, "1,000 characters")):
        with pytest.raises(Refused, match=refusal) as refused:
            accept(get_revision(revision.id), reason=words)
        assert refused.value.field == "reason"
        db.session.rollback()
    with pytest.raises(Refused, match="nothing to take back"):
        take_back_acceptance(revision, finding(revision, "open_accruals").id, officer)
    db.session.rollback()
    accept(get_revision(revision.id))
    with pytest.raises(Refused, match=r"accepted already\. Accepted by Dorset finance officer"):
        accept(get_revision(revision.id))
    db.session.rollback()
    with pytest.raises(NotFound):
        accept_finding(get_revision(revision.id), 99_999, WHY, officer)


def test_nothing_is_accepted_in_a_certified_return_or_through_another(app: Flask, client: PageClient) -> None:
    make_year(of="bcp", grant=make_year().grant)
    revision, other = draft(), draft(of="bcp")
    theirs = finding(other, "open_accruals").id
    with pytest.raises(NotFound):
        accept_finding(revision, theirs, WHY, by("finance.officer@dorset", CHECKED))
    db.session.rollback()
    number, found = revision.id, finding(revision, "open_accruals").id
    check(get_revision(number))
    certify(get_revision(number))
    with pytest.raises(Refused, match="never changes"):
        accept_finding(get_revision(number), found, WHY, by("finance.officer@dorset", CHECKED))
    db.session.rollback()
    url = f"/returns/{number}/findings/{found}/accept"
    response = client.sign_in(OFFICER).post(url, {"reason": WHY})
    assert "never changes" in client.follow(response).text
    assert accepted_of(number) == {}


def test_the_figure_of_each_finding_is_a_link_that_leads_to_it(app: Flask, client: PageClient) -> None:
    year = make_year(forecasts=False)
    post(year.tool, -9_000_00, document="CR-9")
    number = draft().id
    client.sign_in(OFFICER)
    page = client.get(f"/returns/{number}").text
    checks = page[page.index('id="checks"') : page.index("<table")]
    links = [each.replace("&amp;", "&") for each in re.findall(rf'href="(/returns/{number}/figure[^"]+)"', checks)]
    assert len(links) >= 4
    for link in set(links):
        client.get(link)
    assert "Spent to date: −£4,069.67" in checks
    assert "Outturn: not given" in checks
    ways = [each.replace("&amp;", "&") for each in re.findall(r'href="(/[^"]+)"', checks)]
    for way in set(ways):
        client.get(way)
