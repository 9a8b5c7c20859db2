"""Milestones keep their slips; outputs have targets."""

import datetime as dt

import pytest
from flask import Flask
from sqlalchemy import func, select

from svd_tracker.delivery import queries
from svd_tracker.delivery.models import Milestone, MilestoneState, Output, OutputMeasure
from svd_tracker.delivery.queries import MilestoneNow
from svd_tracker.delivery.services import add_milestone, add_output, note_milestone
from svd_tracker.errors import Refused
from svd_tracker.extensions import db
from tests.integration.delivery.lines import JUNE, TODAY, coordinator, make_line, on_form
from tests.support.client import PageClient

pytestmark = pytest.mark.db

AUGUST, OCTOBER, DECEMBER = dt.date(2025, 8, 1), dt.date(2025, 10, 1), dt.date(2025, 12, 1)
SLIPPED, REACHED, DROPPED, PLANNED = (
    MilestoneState.SLIPPED,
    MilestoneState.REACHED,
    MilestoneState.DROPPED,
    MilestoneState.PLANNED,
)


def make_milestone(due_on: dt.date = AUGUST, title: str = "First session held") -> Milestone:
    milestone = add_milestone(make_line(), title, due_on, coordinator())
    db.session.commit()
    return milestone


def now(milestone: Milestone) -> MilestoneNow:
    return queries.milestone_now(milestone.id)


def test_a_slip_moves_the_day_and_stays_in_the_history(app: Flask) -> None:
    milestone = make_milestone()
    note_milestone(milestone, SLIPPED, JUNE, OCTOBER, "No venue", coordinator())
    note_milestone(milestone, SLIPPED, TODAY, DECEMBER, "Venue flooded", coordinator())
    standing = now(milestone)
    assert (standing.first_due_on, standing.due_on, standing.state) == (AUGUST, DECEMBER, SLIPPED)
    note_milestone(milestone, REACHED, TODAY, None, "", coordinator())
    history = queries.milestone_history(milestone.plan_line_id)
    assert [(line.state, line.slipped_to, line.why) for line in history] == [
        (REACHED, None, ""),
        (SLIPPED, DECEMBER, "Venue flooded"),
        (SLIPPED, OCTOBER, "No venue"),
    ]
    assert {line.who for line in history} == {"Dorset coordinator"}


def test_what_is_over_is_first_set_back(app: Flask) -> None:
    milestone = make_milestone()
    note_milestone(milestone, DROPPED, TODAY, None, "No money", coordinator())
    with pytest.raises(Refused, match="dropped already"):
        note_milestone(milestone, REACHED, TODAY, None, "", coordinator())
    note_milestone(milestone, PLANNED, TODAY, None, "The wrong one", coordinator())
    assert now(milestone).state is PLANNED
    assert not now(milestone).over


@pytest.mark.parametrize(
    ("state", "happened_on", "slipped_to", "why", "field"),
    [
        (SLIPPED, TODAY, None, "Why", "slipped_to"),
        (SLIPPED, TODAY, AUGUST, "Why", "slipped_to"),
        (SLIPPED, TODAY, OCTOBER, " ", "why"),
        (DROPPED, TODAY, None, "", "why"),
        (REACHED, TODAY, OCTOBER, "", "slipped_to"),
        (REACHED, TODAY + dt.timedelta(days=1), None, "", "happened_on"),
        (PLANNED, TODAY, None, "Why", "state"),
    ],
)
def test_what_is_refused(
    app: Flask, state: MilestoneState, happened_on: dt.date, slipped_to: dt.date | None, why: str, field: str
) -> None:
    with pytest.raises(Refused) as refused:
        note_milestone(make_milestone(), state, happened_on, slipped_to, why, coordinator())
    assert refused.value.field == field


def test_what_comes_next(app: Flask) -> None:
    line = make_line()
    late, first, second = (
        add_milestone(line, title, due, coordinator(JUNE))
        for title, due in (("Late", JUNE), ("First", AUGUST), ("Second", OCTOBER))
    )
    assert [late.ref, first.ref, second.ref] == ["M1", "M2", "M3"]

    def next_title(on: dt.date = TODAY, recorded_by: dt.datetime | None = None) -> str | None:
        found = queries.next_milestones([line.id], on, recorded_by).get(line.id)
        return found.title if found else None

    assert next_title() == "Late"
    note_milestone(late, REACHED, TODAY, None, "", coordinator())
    note_milestone(first, SLIPPED, TODAY, DECEMBER, "No venue", coordinator())
    assert next_title() == "Second"
    assert next_title(recorded_by=coordinator(JUNE).at) == "Late"
    for milestone in (first, second):
        note_milestone(milestone, DROPPED, TODAY, None, "No money", coordinator())
    assert next_title() is None


def test_outputs_have_targets(app: Flask) -> None:
    line = make_line()
    add_output(line, "Sessions held", OutputMeasure.COUNT, 120, coordinator())
    add_output(line, "Report more confidence", OutputMeasure.SHARE, 8_000, coordinator())
    add_output(line, "People reached", OutputMeasure.COUNT, None, coordinator())
    outputs = queries.outputs_of([line.id])[line.id]
    assert [(each.ref, each.targets) for each in outputs] == [("O1", {0: 120}), ("O2", {0: 8_000}), ("O3", {})]
    for measure, target in ((OutputMeasure.SHARE, 10_001), (OutputMeasure.COUNT, -1)):
        with pytest.raises(Refused):
            add_output(line, "Wrong", measure, target, coordinator())


def test_a_milestone_from_page_to_history(client: PageClient) -> None:
    line_id = make_line().id
    coordinator_client = client.sign_in("coordinator@dorset.example")
    new = f"/plan-lines/{line_id}/milestones/new"
    data = {"title": "First session held", **on_form("due_on", AUGUST), "once_key": "b" * 32}
    coordinator_client.get(new)
    coordinator_client.post(new, data)
    coordinator_client.post(new, data)
    assert db.session.scalar(select(func.count()).select_from(Milestone)) == 1
    page = f"/plan-lines/{line_id}/milestones/1"
    slip = {"state": "slipped", "why": "No venue", **on_form("happened_on", TODAY), **on_form("slipped_to", OCTOBER)}
    wrong = client.post(f"{page}/events/new", {**slip, **on_form("slipped_to", JUNE)}, status=200)
    assert "Enter a date after 1 August 2025, when it is due now" in wrong.get_data(as_text=True)
    assert "No venue" in wrong.get_data(as_text=True)
    client.post(f"{page}/events/new", slip)
    shown = client.sign_in("member@dorset.example").get(page).get_data(as_text=True)
    assert "Slipped to 1 October 2025: No venue" in shown
    assert "Say what became of it" not in shown
    client.post(f"{page}/events/new", slip, status=403)
    line = client.get(f"/plan-lines/{line_id}").get_data(as_text=True)
    assert "first planned for 1 August 2025" in line


def test_an_output_on_the_page(client: PageClient) -> None:
    line_id = make_line().id
    page = f"/plan-lines/{line_id}/outputs/new"
    data = {"definition": "Report more confidence", "measure": "share", "target": "62.5%"}
    client.sign_in("coordinator@dorset.example").get(page)
    for changed, words in (
        ({"target": "most"}, "Enter a number, like 120"),
        ({"target": "101"}, "Enter a share of 100% or less"),
        ({"measure": "count"}, "Enter a number, like 120"),
        ({"definition": " "}, "Enter what is counted"),
        ({"measure": ""}, "Choose a number or a share"),
    ):
        assert words in client.post(page, {**data, **changed}, status=200).get_data(as_text=True)
    client.post(page, data)
    assert db.session.scalars(select(Output)).one().measure is OutputMeasure.SHARE
    assert "62.5%" in client.get(f"/plan-lines/{line_id}").get_data(as_text=True)


def test_a_late_milestone_waits_for_whoever_keeps_the_plan(client: PageClient) -> None:
    make_milestone(due_on=JUNE, title="Nurse in post")
    assert [now.title for _, _, now in queries.late_milestones([1, 2, 3], TODAY)] == ["Nurse in post"]
    assert "Nurse in post" in client.sign_in("coordinator@dorset.example").get("/").get_data(as_text=True)
    assert "Nurse in post" not in client.sign_in("coordinator@bcp.example").get("/").get_data(as_text=True)
    assert "Nurse in post" not in client.sign_in("member@dorset.example").get("/").get_data(as_text=True)


def test_another_line_does_not_show_it(client: PageClient) -> None:
    milestone_id = make_milestone().id
    other = make_line("Level-Up").id
    client.sign_in("coordinator@dorset.example").get(f"/plan-lines/{other}/milestones/{milestone_id}", status=404)
    client.get("/plan-lines/1/milestones/99", status=404)
    client.sign_in("coordinator@bcp.example").get("/plan-lines/1/milestones/1", status=403)
