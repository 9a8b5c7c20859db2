"""The queue, a line's page and its forms: what they say, what they do once, who may, and how many queries."""

import datetime as dt
import re
from typing import Any

import pytest
from flask import Flask

from svd_tracker.calculations.placing import RuleKind, RuleOutcome, RuleTests
from svd_tracker.extensions import db
from svd_tracker.finance import match_queries, queries
from svd_tracker.finance.intake.models import Bucket, LedgerLine, Outcome, WhyWaiting
from svd_tracker.finance.models import Funding
from svd_tracker.finance.placing import rules_store, services
from svd_tracker.grants.models import Grant
from tests.integration.finance.money_rows import JULY, make_funding, post, spent
from tests.integration.finance.placing_rows import (
    MAY,
    buckets,
    check_ledger,
    make_line,
    make_match,
    make_upload,
    owner,
    where,
)
from tests.support.client import PageClient
from tests.support.money import holder, make_grant
from tests.support.world import act

pytestmark = pytest.mark.db

OFFICER = "finance.officer@dorset.example"
AUDITOR = "auditor@audit.example"


@pytest.fixture
def funding(app: Flask) -> Funding:
    app.config["TODAY"] = JULY
    return make_funding(make_grant(), 10_000_00)


def said(page: Any) -> str:
    text = re.sub(r"</?strong>", "", page.get_data(as_text=True))
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", text))


def key_of(page: Any) -> str:
    found = re.search(r'name="once_key"[^>]*value="([0-9a-f]{32})"', page.get_data(as_text=True))
    assert found
    return found[1]


def queue_url() -> str:
    return f"/finance/{holder('dorset').id}/queue"


def again(line_id: int) -> LedgerLine:
    return db.session.get_one(LedgerLine, line_id)


def test_the_queue_says_first_how_much_waits_and_why(client: PageClient, funding: Funding) -> None:
    url = queue_url()
    assert "No line waits" in said(client.sign_in(OFFICER).get(url))
    make_line(3_000_00)
    make_line(410_00, why=WhyWaiting.NO_FUNDING, hint="Specialist nurse has no labour funding in 2025/26")
    page = said(client.get(url))
    assert "2 lines wait to be placed, £3,410.00 in all" in page
    assert "No rule places it : 1" in page
    assert "There is no funding for it : 1" in page
    assert "Specialist nurse has no labour funding" in page
    assert "Dorset Community Safety Partnership: 2 ledger lines wait to be placed (£3,410.00)" in said(client.get("/"))
    client.sign_in(AUDITOR)
    assert "2 lines wait" in said(client.get(url))
    assert "Do this with the chosen lines" not in said(client.get(url))
    client.post(url, {"do": "leave_out"}, 403)


def test_lines_are_placed_once_however_often_it_is_sent_and_undone(client: PageClient, funding: Funding) -> None:
    ids = [make_line(pence).id for pence in (100_00, 50_00, 25_00)]
    url, funding_id = queue_url(), funding.id
    form = client.sign_in(OFFICER).get(url)
    sent = {"once_key": key_of(form), "lines": [str(each) for each in ids[:2]], "do": "place", "to": f"F{funding_id}"}
    first, second = client.post(url, sent), client.post(url, sent)
    assert first.location == second.location
    assert spent(db.session.get_one(Funding, funding_id)) == {1: 150_00}
    page = client.get(first.location)
    assert "2 lines, £150.00: placed to High harm perpetrator tool (F-0001)." in said(page)
    assert "1 line waits to be placed, £25.00" in said(page)
    done = re.search(r'name="done" value="(\d+-\d+)"', page.get_data(as_text=True))
    assert done
    client.post(f"{url}/undo", {"done": done[1]})
    assert spent(db.session.get_one(Funding, funding_id)) == {1: 0}
    assert [where(again(each)).outcome for each in ids] == [Outcome.WAITING] * 3
    check_ledger()
    client.post(f"{url}/undo", {"done": done[1]})  # nothing left to undo
    client.sign_in("coordinator@dorset.example").post(f"{url}/undo", {"done": done[1]}, 403)


@pytest.mark.parametrize(
    ("sent", "words"),
    [
        ({}, "Choose what to do with the chosen lines"),
        ({"do": "place", "lines": []}, "Choose at least one line in the table"),
        ({"do": "place"}, "Choose the funding to place them to"),
        ({"do": "leave_out"}, "Say why the line is left out"),
        ({"do": "carry"}, "Choose the return that goes on without them"),
        ({"do": "carry", "past": "20251"}, "Say why the return can go on"),
        ({"do": "place", "to": "F999"}, "Choose one from the list"),
    ],
)
def test_what_is_missing_is_said_and_the_choice_is_kept(
    client: PageClient, funding: Funding, sent: dict[str, Any], words: str
) -> None:
    line_id = make_line().id
    page = client.sign_in(OFFICER).post(queue_url(), {"lines": [str(line_id)], **sent}, 200)
    assert words in said(page)
    assert "There is a problem" in said(page)
    checked = f'id="line-{line_id}" name="lines" type="checkbox" value="{line_id}" checked' in page.get_data(
        as_text=True
    )
    assert checked is (sent.get("lines") is None)
    assert buckets() == {Bucket.WAITING: (1, 100_00)}


def test_lines_are_left_out_carried_and_told_to_be_income(client: PageClient, funding: Funding) -> None:
    match = make_match(funding)
    match_id, plan_line_id = match.id, match.plan_line_id
    out, on, grant_in, match_in = (make_line(pence).id for pence in (10_00, 20_00, -30_00, -40_00))
    url = queue_url()
    client.sign_in(OFFICER)
    client.post(url, {"lines": [str(out)], "do": "leave_out", "reason": "Refreshments"})
    client.post(url, {"lines": [str(on)], "do": "carry", "past": "20251", "carry_reason": "Disputed"})
    client.post(url, {"lines": [str(grant_in)], "do": "grant_income"})
    client.post(url, {"lines": [str(match_in)], "do": "match_income", "match": f"M{match_id}"})
    outcomes = [where(again(each)).outcome for each in (out, on, grant_in, match_in)]
    assert outcomes == [Outcome.LEFT_OUT, Outcome.CARRIED, Outcome.GRANT_INCOME, Outcome.MATCH_INCOME]
    page = said(client.get(url))
    assert "Nothing waits to be placed. 1 line is carried past a return, £20.00 in all" in page
    assert "Carried past Q1 2025/26" in page
    assert "Disputed" in said(client.get(f"/ledger-lines/{on}"))
    check_ledger()

    assert "record it as received" in said(client.get(f"/ledger-lines/{match_in}"))
    assert match_queries.match_of_plan_line(plan_line_id)[0].achieved == 0  # never by itself
    form = client.get(f"/ledger-lines/{match_in}/received")
    client.post(f"/ledger-lines/{match_in}/received", {"once_key": key_of(form)})
    twice = client.post(f"/ledger-lines/{match_in}/received", {}, 200)
    assert "recorded as received already" in said(twice)
    assert "is recorded as received from" in said(client.get(f"/ledger-lines/{match_in}"))
    assert match_queries.match_of_plan_line(plan_line_id)[0].achieved == 40_00


def test_a_line_placed_meanwhile_is_said(client: PageClient, funding: Funding) -> None:
    mine, theirs = make_line(), make_line()
    ids = [str(mine.id), str(theirs.id)]
    services.place(act(on=JULY), owner(), [theirs], funding)
    db.session.commit()
    sent = {"lines": ids, "do": "leave_out", "reason": "Not ours"}
    page = client.sign_in(OFFICER).post(queue_url(), sent, 200)
    assert "Somebody placed some of the chosen lines meanwhile" in said(page)
    assert buckets() == {Bucket.WAITING: (1, 100_00), Bucket.FUNDING: (1, 100_00)}


def test_a_pair_stands_side_by_side_and_is_left_out_in_one_go(client: PageClient, funding: Funding) -> None:
    first = make_line(80_00, document="JNL-1")
    for number in range(3):
        make_line(number + 1)
    second = make_line(-80_00, document="JNL-1")
    pair, url = (first.id, second.id), queue_url()
    page = client.sign_in(OFFICER).get(url).get_data(as_text=True)
    order = [int(each) for each in re.findall(r'name="lines" type="checkbox" value="(\d+)"', page)]
    assert order[:2] == list(pair)
    client.post(url, {"pair": f"{pair[0]}-{pair[1]}"})
    assert [where(again(each)).outcome for each in pair] == [Outcome.LEFT_OUT] * 2
    assert where(again(pair[0])).reason == "Undone by its opposite: JNL-1"
    assert "no longer wait both" in said(client.post(url, {"pair": f"{pair[0]}-{pair[1]}"}, 200))


def test_a_line_that_says_what_it_reverses_stands_beside_it(client: PageClient, funding: Funding) -> None:
    first = make_line(96_20, document="5100012").id
    make_line(-96_20, document="5100014", text="Reversal of 5100013")
    second = make_line(-96_20, document="5100013", text="Reversal of 5100012").id
    page = client.sign_in(OFFICER).get(queue_url()).get_data(as_text=True)
    assert f'name="pair" value="{first}-{second}"' in page
    assert page.count('name="pair"') == 1
    client.post(queue_url(), {"pair": f"{first}-{second}"})
    assert [where(again(each)).outcome for each in (first, second)] == [Outcome.LEFT_OUT] * 2


def test_the_queue_filters_sorts_pages_and_downloads(client: PageClient, funding: Funding) -> None:
    upload = make_upload(name="A very long name of a file.csv")
    for number in range(60):
        make_line(100 + number, upload=upload, supplier=f"Supplier {number:02d}")
    make_line(999_00, supplier="=Harbour & Sons", cost_centre="D200", account="4610", document="X-1")
    url = queue_url()
    page = said(client.sign_in(OFFICER).get(url))
    assert "61 lines are found, page 1 of 2" in page
    assert len(client.queries) <= 30, client.queries
    assert "1 line is found" in said(client.get(f"{url}?words=harbour+%26"))
    assert "1 line is found" in said(client.get(f"{url}?cost_centre=d2&account=46"))
    assert "60 lines are found" in said(client.get(f"{url}?cost_centre=C1"))
    assert "No line is found" in said(client.get(f"{url}?words=100%25"))
    assert "61 lines are found" in said(client.get(f"{url}?quarter=20251&why=no_rule&carried=no"))
    assert "No line is found" in said(client.get(f"{url}?quarter=20252"))
    first = client.get(f"{url}?sort=amount").get_data(as_text=True)
    assert first.index("=Harbour") < first.index("Supplier 59") < first.index("Supplier 58")
    assert "61 lines are found" in said(client.get(f"{url}?sort=x&why=y&quarter=9&page=z&carried=w&done=1-x"))
    assert client.get(f"{url}?all=1").get_data(as_text=True).count(" checked>") == 50
    csv = client.get(f"{url}/download?words=harbour").get_data(as_text=True)
    assert csv.count("\r\n") == 2
    assert "'=Harbour & Sons" in csv
    assert "999.00" in csv


def test_the_queue_costs_the_same_number_of_queries_however_long(client: PageClient, funding: Funding) -> None:
    entry_id = post(funding, 5_00).id

    def cost(lines: int) -> int:
        upload, typed = make_upload(), queries.get_entry(entry_id)
        for number in range(lines):
            make_line(500 + number, upload=upload, entry=typed, why=WhyWaiting.LIKE_AN_ENTRY, document=f"J{number}")
            make_line(-500 - number, upload=upload, document=f"J{number}")
        client.sign_in(OFFICER).get(queue_url())
        return len(client.queries)

    assert cost(1) == cost(10) <= 30


def test_a_lines_page_and_a_rules_take_no_more_queries_for_more_fundings_and_versions(
    client: PageClient, funding: Funding
) -> None:
    line_id, grant_id = make_line().id, funding.grant_id
    make_match(funding)
    tests = RuleTests(cost_centre="C*")
    holder_id = funding.holder_id

    def save(number: int) -> None:
        outcome = RuleOutcome(RuleKind.LEFT_OUT, reason=f"Reason {number}")
        rule_no = 1 if number else None
        rules_store.save_rule(act(), owner(), title="Rule", priority=5, tests=tests, outcome=outcome, rule_no=rule_no)
        db.session.commit()

    def cost() -> list[int]:
        found = []
        for url in (f"/ledger-lines/{line_id}/place", f"/finance/{holder_id}/rules/1"):
            client.sign_in(OFFICER).get(url)
            found.append(len(client.queries))
        return found

    save(0)
    before = cost()
    for number in range(1, 5):
        make_funding(db.session.get_one(Grant, grant_id), 10_00, title=f"Work {number}")
        save(number)
    assert cost() == before


def test_a_line_of_the_old_year_is_offered_where_its_opposite_stands(client: PageClient, funding: Funding) -> None:
    """The ledger's own accrual of March and its release in April."""
    april, funding_id = dt.date(2026, 4, 2), funding.id
    accrued = make_line(700_00, dt.date(2026, 3, 31), document="ACR-9")
    services.place(act(on=april), owner(), [accrued], funding)
    release = make_line(-700_00, april, document="ACR-9", why=WhyWaiting.OLD_YEAR).id
    other = make_line(-50_00, april, document="ACR-10", why=WhyWaiting.OLD_YEAR).id
    page = client.sign_in(OFFICER).get(f"/ledger-lines/{release}/place").get_data(as_text=True)
    assert re.search(r'<option value="20254" selected', page)
    assert f'<option value="F{funding_id}" selected' in page
    page = client.get(f"/ledger-lines/{other}/place").get_data(as_text=True)
    assert re.search(r'<option value="20254" selected', page)
    assert f'<option value="F{funding_id}" selected' not in page


def test_a_line_is_split_on_its_page(client: PageClient, funding: Funding) -> None:
    match = make_match(funding)
    line_id, funding_id, match_id = make_line(100_01).id, funding.id, match.id
    url = f"/ledger-lines/{line_id}/place"
    form = client.sign_in(OFFICER).get(url)
    assert "The parts come to £100.01" in said(form)
    sent = {
        "once_key": key_of(form),
        "seq": "0",
        "do": "place",
        "when": "20251",
        "place-0": f"F{funding_id}",
        "pence-0": "60.00",
        "place-1": f"M{match_id}",
        "pence-1": "30",
        "place-2": "local",
    }
    wrong = client.post(url, {**sent, "pence-2": "10"}, 200)
    assert "The parts come to £100.00 and the line to £100.01: £0.01 is left over" in said(wrong)
    assert 'value="60.00"' in wrong.get_data(as_text=True)
    assert "Enter an amount in pounds" in said(client.post(url, {**sent, "pence-0": "lots"}, 200))
    assert "Choose where this part goes" in said(client.post(url, {**sent, "place-0": "", "pence-2": "1"}, 200))
    assert "Say why this belongs" in said(client.post(url, {**sent, "when": "20244"}, 200))
    response = client.post(url, sent)
    assert [part.pence for part in where(again(line_id)).parts] == [60_00, 30_00, 10_01]
    page = said(client.follow(response))
    for words in ("Local money", "Match: ", "60.00", "Dorset finance officer", "June.csv", "Harbour Youth Charity"):
        assert words in page
    assert len(client.queries) <= 30
    assert "Somebody placed this line" in said(client.post(url, {**sent, "once_key": "", "reason": "Again"}, 200))
    filled = client.get(url).get_data(as_text=True)
    assert 'value="10.01"' in filled


def test_a_line_is_put_back_and_its_history_stays(client: PageClient, funding: Funding) -> None:
    line = make_line()
    services.place(act(on=JULY), owner(), [line], funding)
    db.session.commit()
    line_id = line.id
    url = f"/ledger-lines/{line_id}/put-back"
    client.sign_in(OFFICER)
    assert "Say why the line is put back" in said(client.post(url, {}, 200))
    client.post(url, {"seq": "1", "reason": "Wrong intervention"})
    page = said(client.get(f"/ledger-lines/{line_id}"))
    assert "Put back" in page
    assert "Wrong intervention" in page
    assert "reversed" in page
    assert "waits already" in said(client.post(url, {"reason": "Again"}, 200))


def test_an_entry_leads_to_its_line_and_is_moved_there(client: PageClient, funding: Funding) -> None:
    line = make_line()
    services.place(act(on=JULY), owner(), [line], funding)
    db.session.commit()
    line_id, dorset = line.id, holder("dorset").id
    page = client.sign_in(OFFICER).get(f"/finance/{dorset}/2025/ledger")
    assert "Row 2 of June.csv" in said(page)
    assert f'href="/ledger-lines/{line_id}/place"' in page.get_data(as_text=True)
    entry_id = db.session.execute(db.text("SELECT id FROM ledger_entry")).scalar_one()
    assert client.get(f"/entries/{entry_id}/reverse", 303).location == f"/ledger-lines/{line_id}"


@pytest.mark.parametrize(("same", "by_quarter"), [("yes", {1: 102_50}), ("no", {1: 100_00})])
def test_a_line_that_looks_like_an_entry_is_settled(
    client: PageClient, funding: Funding, same: str, by_quarter: dict[int, int]
) -> None:
    typed = post(funding, 100_00, document="INV 7", supplier="Harbour")
    line_id = make_line(102_50, document="INV 7", entry=typed, why=WhyWaiting.LIKE_AN_ENTRY).id
    funding_id = funding.id
    page = client.sign_in(OFFICER).get(queue_url())
    assert "Entry 1: INV 7, 6 May 2025, £100.00, High harm perpetrator tool" in said(page)
    assert "It is this one" in said(page)
    url = f"/ledger-lines/{line_id}/settle"
    form = client.get(f"{url}?same={same}")
    assert "The ledger's line is £2.50 more than what was typed" in said(form)
    assert "Choose one" in said(client.post(url, {}, 200))
    client.post(url, {"once_key": key_of(form), "seq": "0", "same": same})
    assert spent(db.session.get_one(Funding, funding_id)) == by_quarter
    assert where(again(line_id)).outcome is (Outcome.PLACED if same == "yes" else Outcome.WAITING)
    check_ledger()
    if same == "no":
        assert "No rule places it" in said(client.get(queue_url()))


def test_another_holders_people_see_nothing(client: PageClient, funding: Funding) -> None:
    line_id = make_line().id
    client.sign_in("finance.officer@bcp.example")
    for url in (queue_url(), f"/ledger-lines/{line_id}", f"/ledger-lines/{line_id}/place", f"{queue_url()}/download"):
        client.get(url, 403)
    client.get("/ledger-lines/999", 404)


def test_a_line_dropped_since_and_a_withdrawn_one_are_said(client: PageClient, funding: Funding) -> None:
    from svd_tracker.finance.intake.models import LineEvent, LineEventKind, UploadWithdrawal

    line = make_line(posted_on=MAY)
    line_id = line.id
    db.session.add(LineEvent(upload_id=make_upload(name="July.csv").id, line_id=line_id, event=LineEventKind.DROPPED))
    db.session.commit()
    page = client.sign_in(OFFICER).get(f"/ledger-lines/{line_id}")
    assert "no longer has the line" in said(page)
    leave = f"/ledger-lines/{line_id}/place?as=leave_out&reason=The+ledger+no+longer+has+it"
    form = client.get(leave).get_data(as_text=True)
    assert 'value="The ledger no longer has it"' in form
    assert re.search(r'value="leave_out"\s+checked', form)
    client.post(f"/ledger-lines/{line_id}/place", {"do": "leave_out", "reason": "The ledger no longer has it"})
    assert where(again(line_id)).outcome is Outcome.LEFT_OUT
    upload_id = again(line_id).upload_id
    db.session.add(UploadWithdrawal(upload_id=upload_id, reason="Wrong", recorded_at=act().at, recorded_by=None))
    db.session.commit()
    assert "counts no more" in said(client.get(f"/ledger-lines/{line_id}"))
