"""Match: its stages are never added together, a correction is a negative event, time is hours times rate."""

import datetime as dt

import pytest
from flask import Flask
from sqlalchemy import func, select

from svd_tracker.accounts import services as accounts_services
from svd_tracker.errors import Refused
from svd_tracker.extensions import db
from svd_tracker.finance import match_queries
from svd_tracker.finance.match_queries import MatchNow
from svd_tracker.finance.match_services import add_event, promise, value_of_time
from svd_tracker.finance.models import Match, MatchEvent, MatchKind, MatchStage
from tests.integration.delivery.lines import JUNE, TODAY, coordinator, make_line, on_form, organisation
from tests.support import world
from tests.support.client import PageClient

pytestmark = pytest.mark.db


def make_match(kind: MatchKind = MatchKind.CASH, pence: int = 500_000) -> Match:
    match = promise(coordinator(), make_line(), organisation(), kind, "Share of the post", pence, JUNE, "Letter")
    db.session.commit()
    return match


def now(match: Match) -> MatchNow:
    return match_queries.match_of_plan_line(match.plan_line_id)[0]


def test_stages_stand_beside_each_other(app: Flask) -> None:
    match = make_match()
    for stage, pence in (
        (MatchStage.CONFIRMED, 450_000),
        (MatchStage.RECEIVED, 100_000),
        (MatchStage.RECEIVED, 25_050),
        (MatchStage.WITHDRAWN, 50_000),
    ):
        add_event(coordinator(), match, stage, pence, JUNE, "Remittance 4711")
    standing = now(match)
    assert (standing.promised, standing.confirmed, standing.achieved, standing.withdrawn) == (
        500_000,
        450_000,
        125_050,
        50_000,
    )
    assert standing.expected == 450_000


def test_a_second_promise_of_the_same_raises_it(app: Flask) -> None:
    match = make_match()
    again = promise(coordinator(), match.plan_line, organisation(), MatchKind.CASH, " Share of the post ", 1, JUNE)
    assert again is match
    assert now(match).promised == 500_001


def test_a_correction_takes_off_and_stays_in_the_history(app: Flask) -> None:
    match = make_match()
    add_event(coordinator(), match, MatchStage.RECEIVED, 100_000, JUNE, "Remittance 4711")
    add_event(coordinator(), match, MatchStage.RECEIVED, -100_000, TODAY, "4711 was for another project")
    assert now(match).achieved == 0
    assert [event.pence for event in match_queries.match_history(match.id)] == [-100_000, 100_000, 500_000]


@pytest.mark.parametrize(
    ("hours_hundredths", "rate", "pence"),
    [(750, 2533, 18_998), (750, 2500, 18_750), (-750, 2533, -18_998), (1, 50, 1), (1, 49, 0), (33, 1001, 330)],
)
def test_time_is_rounded_once_a_half_away_from_nought(hours_hundredths: int, rate: int, pence: int) -> None:
    assert value_of_time(hours_hundredths, rate) == pence


def test_time_is_worked_out_and_kept(app: Flask) -> None:
    match = make_match(MatchKind.IN_KIND)
    event = add_event(coordinator(), match, MatchStage.DELIVERED, None, JUNE, "Time sheet", 750, 2533)
    assert (event.pence, event.hours_hundredths, event.rate_pence) == (18_998, 750, 2533)
    add_event(coordinator(), match, MatchStage.DELIVERED, None, JUNE, "Counted twice", -750, 2533)
    assert now(match).achieved == 0


@pytest.mark.parametrize(
    ("kind", "values", "field"),
    [
        (MatchKind.CASH, {"stage": MatchStage.DELIVERED}, "stage"),
        (MatchKind.IN_KIND, {"stage": MatchStage.RECEIVED}, "stage"),
        (MatchKind.CASH, {"evidence": "  "}, "evidence"),
        (MatchKind.CASH, {"stage": MatchStage.PROMISED, "pence": -1, "evidence": ""}, "evidence"),
        (MatchKind.CASH, {"pence": 0}, "pence"),
        (MatchKind.CASH, {"pence": -1}, "pence"),
        (MatchKind.CASH, {"stage": MatchStage.WITHDRAWN, "pence": 500_001}, "pence"),
        (MatchKind.CASH, {"on": TODAY + dt.timedelta(days=1)}, "happened_on"),
        (MatchKind.CASH, {"pence": None, "hours_hundredths": 100, "rate_pence": 100}, "hours"),
        (MatchKind.IN_KIND, {"pence": None, "rate_pence": 100}, "hours"),
        (MatchKind.IN_KIND, {"pence": None, "hours_hundredths": 100}, "rate"),
        (MatchKind.IN_KIND, {"pence": 99, "hours_hundredths": 100, "rate_pence": 100}, "pence"),
        (MatchKind.IN_KIND, {"pence": None, "hours_hundredths": 1, "rate_pence": 1}, "hours"),
    ],
)
def test_what_an_event_refuses(app: Flask, kind: MatchKind, values: dict[str, object], field: str) -> None:
    match = make_match(kind)
    achieved = MatchStage.RECEIVED if kind is MatchKind.CASH else MatchStage.DELIVERED
    given = {"stage": achieved, "pence": 100, "on": JUNE, "evidence": "Remittance 4711", **values}
    with pytest.raises(Refused) as refused:
        add_event(coordinator(), match, **given)  # type: ignore[arg-type]
    assert refused.value.field == field


def test_what_a_promise_refuses(app: Flask) -> None:
    line = make_line()
    with pytest.raises(Refused, match="more than"):
        promise(coordinator(), line, organisation(), MatchKind.CASH, "Post", 0, JUNE)
    with pytest.raises(Refused, match="what the match is for"):
        promise(coordinator(), line, organisation(), MatchKind.CASH, " ", 1, JUNE)
    area = accounts_services.add_area("devon", "Devon", "Devon Police", world.act())
    db.session.flush()
    stranger = accounts_services.add_organisation(area.id, "Devon Council", world.act())
    with pytest.raises(Refused, match="this area"):
        promise(coordinator(), line, stranger, MatchKind.CASH, "Post", 1, JUNE)


def test_as_it_stood(app: Flask) -> None:
    match = make_match()
    add_event(coordinator(), match, MatchStage.RECEIVED, 100, dt.date(2025, 7, 2), "Remittance 1")
    line = match.plan_line
    by_june = match_queries.match_lines(line.holder_id, line.fy, up_to=dt.date(2025, 6, 30))
    assert [each.achieved for each in by_june] == [0]
    before = coordinator().at - dt.timedelta(seconds=1)
    assert match_queries.match_lines(line.holder_id, line.fy, recorded_by=before) == []


def sent(**more: str) -> dict[str, str]:
    return {
        "organisation": str(organisation().id),
        "kind": "cash",
        "title": "Share of the post",
        "pence": "5,000.00",
        **on_form("happened_on", JUNE),
        "once_key": "a" * 32,
        **more,
    }


def test_a_promise_on_the_page_once_for_two_clicks(client: PageClient) -> None:
    line_id = make_line().id
    data = sent()
    page = f"/plan-lines/{line_id}/match/new"
    client.sign_in("coordinator@dorset.example").get(page)
    first = client.post(page, data)
    assert client.post(page, data).location == first.location
    assert db.session.scalar(select(func.count()).select_from(MatchEvent)) == 1
    shown = client.follow(first).get_data(as_text=True)
    assert "£5,000.00" in shown
    assert "The promise is recorded." in shown


def test_another_organisation_is_added(client: PageClient) -> None:
    line_id = make_line().id
    client.sign_in("coordinator@dorset.example")
    client.post(f"/plan-lines/{line_id}/match/new", sent(organisation="", other="Rotary Club of Poole"))
    match = db.session.scalars(select(Match)).one()
    assert match.organisation.name == "Rotary Club of Poole"


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"pence": "five"}, "Enter an amount in pounds, like 1,250.00"),
        ({"pence": "0"}, "Enter an amount of more than £0.00"),
        ({"organisation": ""}, "Choose who promised it, or name another organisation"),
        ({"other": "Rotary"}, "not both"),
        ({"organisation": "999"}, "Choose one from the list"),
        ({"kind": "gold"}, "Choose one from the list"),
        ({"title": ""}, "Enter what the match is for"),
        ({"title": "x" * 251}, "250 characters or fewer"),
        (on_form("happened_on", dt.date(2025, 7, 17)), "Enter a date that is not in the future"),
    ],
)
def test_bad_input_is_said_and_kept(client: PageClient, changed: dict[str, str], words: str) -> None:
    line_id = make_line().id
    data = sent(**changed)
    page = client.sign_in("coordinator@dorset.example").post(f"/plan-lines/{line_id}/match/new", data, status=200)
    html = page.get_data(as_text=True)
    assert words in html
    assert data["pence"] in html
    assert db.session.scalar(select(func.count()).select_from(Match)) == 0


def test_hours_on_the_page(client: PageClient) -> None:
    match = make_match(MatchKind.IN_KIND)
    page = f"/plan-lines/{match.plan_line_id}/match/{match.id}/events/new"
    data = {
        "stage": "delivered",
        "hours": "7.5",
        "rate": "25.33",
        "evidence": "=Time sheet",
        **on_form("happened_on", JUNE),
    }
    client.sign_in("finance.officer@dorset.example")
    wrong = client.post(page, {**data, "hours": "seven"}, status=200).get_data(as_text=True)
    assert "Enter the hours as a number with no more than two decimals" in wrong
    empty = client.post(page, {**data, "hours": "", "rate": ""}, status=200).get_data(as_text=True)
    assert "Enter an amount in pounds, like 1,250.00" in empty
    shown = client.follow(client.post(page, data)).get_data(as_text=True)
    assert "£189.98" in shown
    assert "7.5 hours at £25.33" in shown


def test_who_may(client: PageClient) -> None:
    match = make_match()
    page = f"/plan-lines/{match.plan_line_id}/match/{match.id}"
    elsewhere = f"/match/{match.id}"
    other_line = make_line("Level-Up").id
    client.sign_in("member@dorset.example").get(page)
    client.get(f"/plan-lines/{other_line}{elsewhere}", status=404)
    client.get(f"{page}/events/new", status=403)
    client.post(f"{page}/events/new", {}, status=403)
    client.sign_in("member@bcp.example").get(page, status=403)
    client.sign_in("coordinator@bcp.example").post(f"/plan-lines/{other_line}/match/new", {}, status=403)
