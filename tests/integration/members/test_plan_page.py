"""The members' page: its figures are the return's, it stands as it stood, and it asks little of the database."""

import csv
import datetime as dt
import io
import re

import pytest
from flask import Flask

from svd_tracker.calculations.figures import Category, EntryKind, ObligationKind, ReturnInputs
from svd_tracker.calculations.returns import calculate_return
from svd_tracker.extensions import db
from svd_tracker.finance import facts, services
from svd_tracker.finance import queries as finance_queries
from svd_tracker.interventions import services as interventions
from svd_tracker.interventions.models import InterventionKind
from svd_tracker.money import format_pounds, format_pounds_short
from tests.integration.finance.money_rows import make_funding
from tests.integration.members.plan import MAY, YEAR, act, funding_of, make_plan, post
from tests.support.client import PageClient
from tests.support.money import holder, make_grant
from tests.support.world import DAY

pytestmark = pytest.mark.db


def url(rest: str = "") -> str:
    return f"/plan/{holder('dorset').id}/{YEAR}{rest}"


def text_of(html: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html[html.find("<main") :]))


def test_the_page_shows_the_figures_of_the_return(client: PageClient) -> None:
    grant = make_plan()
    figures = calculate_return(
        ReturnInputs(
            ObligationKind.IN_YEAR, 1, dict.fromkeys(Category, 10**9),
            facts.funding_facts(holder("dorset").id, grant.id, YEAR),
            facts.entry_facts(holder("dorset").id, grant.id, YEAR),
        )
    )  # fmt: skip
    page = client.sign_in("member@dorset.example").get(url())
    html = page.get_data(as_text=True)
    total = figures.total
    assert total.outturn is not None
    for pence in (total.funding, total.profile_to_date, total.to_date, total.outturn):
        assert format_pounds_short(pence) in html
    by_title: dict[str, list[int]] = {}
    for line in figures.lines:
        sums = by_title.setdefault(line.title, [0, 0, 0, 0])
        for index, pence in enumerate((line.funding, line.profile_to_date, line.to_date, line.outturn or 0)):
            sums[index] += pence
    for title, sums in by_title.items():
        row = html[html.index(f">{title}</a>") :].split("</tr>")[0]
        for pence in sums:
            assert format_pounds(pence) in row, (title, pence)
    rows = list(csv.reader(io.StringIO(client.get(url("/download")).data.decode("utf-8-sig"))))
    assert [row[1] for row in rows[1:]] == list(by_title)
    assert [row[4] for row in rows[1:]] == [f"{sums[2] / 100:.2f}" for sums in by_title.values()]


def test_the_page_says_how_to_read_it(client: PageClient) -> None:
    make_plan()
    page = text_of(client.sign_in("member@dorset.example").get(url()).get_data(as_text=True))
    assert "As it stood on 16 July 2025" in page
    assert "Planned by the end of June 2025" in page
    assert "Green: spent is within 10% of what was planned by then, over or under. Amber: within 20%." in page
    assert "20% under plan" in page
    for word in ("outturn", "variance", "accrual", "virement", "profile"):
        assert word not in page.lower()


@pytest.mark.parametrize("lines", [3, 30])
def test_the_queries_do_not_grow_with_the_lines(client: PageClient, lines: int) -> None:
    make_plan(lines)
    client.sign_in("member@dorset.example").get(url())
    assert len(client.queries) <= 25, client.queries


def test_as_it_stood_before_the_entries_were_recorded(client: PageClient) -> None:
    make_plan()
    page = text_of(client.sign_in("member@dorset.example").get(url("?on=2025-07-06")).get_data(as_text=True))
    assert "As it stood on 6 July 2025" in page
    assert "What was spent has not been loaded yet." in page
    assert "No figures yet" in page
    assert "No forecast for Q1, Q2, Q3, Q4" in page
    assert "£0.00" not in page.replace("£0.00 of £", "")  # match: nothing has arrived


def test_as_it_stood_keeps_versions_of_later_days_out(client: PageClient) -> None:
    make_plan()
    client.sign_in("member@dorset.example")

    def shown(day: str) -> str:
        return text_of(client.get(url(f"?on={day}")).get_data(as_text=True))

    before = shown("2025-07-10")
    funding, later = funding_of(), dt.date(2025, 7, 12)
    post(funding, 7_777_01, MAY, recorded=later)
    services.save_forecast(act(later), funding, {2: 1, 3: 1, 4: 1}, "Late start", 1)
    db.session.commit()
    assert shown("2025-07-10") == before
    assert "7,777.01" not in before
    assert shown("2025-07-12") != before.replace("10 July", "12 July")


def test_a_plan_that_was_not_there_yet(client: PageClient) -> None:
    make_plan()
    page = text_of(client.sign_in("member@dorset.example").get(url("?on=2025-03-31")).get_data(as_text=True))
    assert "There was no plan yet on 31 March 2025" in page


def test_before_the_first_quarter_is_over(client: PageClient) -> None:
    make_plan()
    page = text_of(client.sign_in("member@dorset.example").get(url("?on=2025-06-30")).get_data(as_text=True))
    assert "No quarter of the year has ended yet" in page


def test_a_quarter_not_loaded_is_said_and_not_counted(client: PageClient, app: Flask) -> None:
    make_plan()
    app.config["TODAY"] = dt.date(2025, 10, 3)
    page = text_of(client.sign_in("member@dorset.example").get(url()).get_data(as_text=True))
    assert "Spending of Q2 2025/26 (July to September 2025) has not been loaded yet" in page
    assert "Spent by the end of June 2025" in page


def test_a_quarter_left_out_is_missing_in_table_chart_and_totals(client: PageClient, app: Flask) -> None:
    august = dt.date(2025, 8, 6)
    services.post_entry(
        act(dt.date(2025, 10, 1)), make_funding(make_grant(), 10_000_00), kind=EntryKind.ACTUAL, spent_on=august,
        document="INV 8", pence=4_321_00,
    )  # fmt: skip
    db.session.commit()
    app.config["TODAY"] = dt.date(2025, 10, 3)
    page = text_of(client.sign_in("member@dorset.example").get(url()).get_data(as_text=True))
    assert "£0.00" not in page
    assert "Q1 2025/26 (April to June 2025) has not been loaded yet, so what was spent" in page
    assert "Q1 2025/26 (April to June 2025) £2,500.00 No figures yet" in page
    assert "Q2 2025/26 (July to September 2025) £2,500.00 £4,321.00" in page


def test_an_accrual_accrued_again_is_not_a_quarter_loaded(client: PageClient, app: Flask) -> None:
    grant = make_plan()
    accrual = services.post_entry(
        act(MAY), funding_of(), kind=EntryKind.ACCRUAL, spent_on=MAY, document="PO 7", pence=90_00
    )
    (release,) = services.close_quarters(
        act(DAY), holder_id=accrual.holder_id, grant_id=grant.id, fy=YEAR, quarters=[1], ledger_seq=accrual.seq,
        return_ref="R-Q1",
    )  # fmt: skip
    services.accrue_again(act(dt.date(2025, 10, 1)), finance_queries.get_entry(release))
    db.session.commit()
    app.config["TODAY"] = dt.date(2025, 10, 3)
    page = text_of(client.sign_in("member@dorset.example").get(url()).get_data(as_text=True))
    assert "Spending of Q2 2025/26 (July to September 2025) has not been loaded yet" in page


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ("tomorrow", "Enter a date, like 2025-07-16"),
        ("2025-07-17", "not after today, 16 July 2025"),
        ("0001-01-01", "Enter a date of this century"),
    ],
)
def test_a_day_that_cannot_be_shown(client: PageClient, asked: str, words: str) -> None:
    make_plan()
    page = client.sign_in("member@dorset.example").get(url(f"?on={asked}")).get_data(as_text=True)
    assert words in page
    assert asked in page


def test_who_sees_whose_page(client: PageClient) -> None:
    make_plan()
    dorset, bcp = holder("dorset").id, holder("bcp").id
    client.get(f"/plan/{dorset}/{YEAR}", status=302)
    client.sign_in("member@bcp.example")
    client.get(f"/plan/{dorset}/{YEAR}", status=403)
    client.get(f"/plan/{dorset}/{YEAR}/download", status=403)
    client.get("/plan-lines/1", status=403)
    client.get(f"/plan/{bcp}/{YEAR}")
    client.sign_in("administrator@dorset.example").get(f"/plan/{dorset}/{YEAR}", status=403)
    auditor = client.sign_in("auditor@audit.example")
    auditor.get(f"/plan/{dorset}/{YEAR}")
    auditor.get(f"/plan/{bcp}/{YEAR}")
    auditor.get(f"/plan/{dorset}/99999", status=404)
    auditor.get("/plan/999/2025", status=404)


def test_the_list_leads_straight_to_the_only_page(client: PageClient) -> None:
    empty = client.sign_in("member@bcp.example").get("/plan").get_data(as_text=True)
    assert "There is no plan yet" in empty
    make_plan()
    response = client.sign_in("member@dorset.example").get("/plan", status=303)
    assert response.location == url()
    assert "Dorset Community Safety Partnership" not in client.sign_in("member@bcp.example").get("/plan").get_data(
        as_text=True
    )


def test_a_line_with_its_parts(client: PageClient) -> None:
    make_plan()
    member = client.sign_in("member@dorset.example").get("/plan-lines/1").get_data(as_text=True)
    text = text_of(member)
    for words in (
        "Public health",
        "University Hospitals Dorset",
        "Targeted",
        "Award letter",
        "First session held",
        "120",
    ):
        assert words in text, words
    assert "/ledger" not in member
    assert len(client.queries) <= 36  # three of them its results, its words and their history
    officer = client.sign_in("finance.officer@dorset.example").get("/plan-lines/1").get_data(as_text=True)
    assert re.search(r"/ledger\?funding=\d+&amp;quarter=1", officer)
    client.get("/plan-lines/99", status=404)


def test_the_page_of_a_line_agrees_with_the_page_of_the_plan(client: PageClient) -> None:
    make_plan()
    plan = client.sign_in("member@dorset.example").get(url()).get_data(as_text=True)
    row = plan[plan.index("/plan-lines/2") :].split("</tr>")[0]
    budget, planned, spent, *_ = re.findall(r"£[\d,]+\.\d\d", row)
    line = client.get("/plan-lines/2").get_data(as_text=True)
    for figure in (budget, planned, spent):
        assert figure.removesuffix(".00") in line


def test_a_plan_line_without_grant_money(client: PageClient) -> None:
    make_plan(1)
    start = act(DAY)
    area_id = holder("dorset").area_id
    unfunded = interventions.add_intervention(area_id, InterventionKind.PROJECT, "Run by partners alone", start)
    db.session.flush()
    plan_line = interventions.ensure_plan_line(holder("dorset"), YEAR, unfunded, start, deliverer="Dorset Police")
    db.session.commit()
    line_url = f"/plan-lines/{plan_line.id}"
    page = text_of(client.sign_in("member@dorset.example").get(url()).get_data(as_text=True))
    assert "Run by partners alone Dorset Police No grant money none promised none set" in page
    assert "Why it is funded not given" in text_of(client.get(line_url).get_data(as_text=True))
