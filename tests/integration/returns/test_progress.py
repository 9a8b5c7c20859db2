"""What a return says of progress: read at the cut, kept in its rows, shown on its page as it was."""

import datetime as dt

import pytest
from flask import Flask

from svd_tracker.decisions import queries as decisions
from svd_tracker.decisions.queries import Shut
from svd_tracker.delivery.models import Output, OutputMeasure
from svd_tracker.delivery.progress_services import record_result, write_progress
from svd_tracker.delivery.services import add_output
from svd_tracker.extensions import db
from svd_tracker.interventions.models import PlanLine
from svd_tracker.interventions.services import ensure_plan_line
from svd_tracker.returns import content, queries
from svd_tracker.returns.services import draft_return
from tests.integration.returns.year import APRIL, DRAFTED, Year, by, make_year, obligation
from tests.support.client import PageClient
from tests.support.world import act

pytestmark = pytest.mark.db

COORDINATOR = "coordinator@dorset"


def make_progress(year: Year) -> tuple[PlanLine, Output]:
    """The nurse's plan line with an output, 30 sessions of 120 in the first quarter, and its words."""
    line = ensure_plan_line(year.nurse.allocation.holder, 2025, year.nurse.intervention, act(on=APRIL))
    db.session.flush()
    output = add_output(line, "Sessions held", OutputMeasure.COUNT, 120, by(COORDINATOR, APRIL))
    record_result(output, line, 1, 30, "", "", 0, by(COORDINATOR, DRAFTED))
    write_progress(line, 1, "Went well", "The nurse may leave", 0, by(COORDINATOR, DRAFTED))
    db.session.commit()
    return line, output


def build() -> int:
    revision = draft_return(obligation(1).id, act(on=DRAFTED))
    db.session.commit()
    return revision.id


def test_a_build_keeps_what_it_said(app: Flask) -> None:
    line, output = make_progress(make_year())
    revision_id = build()
    first = queries.newest_build(revision_id)
    assert first is not None
    record_result(output, line, 1, 31, "", "", 1, by(COORDINATOR, DRAFTED + dt.timedelta(days=1)))
    write_progress(line, 1, "Went badly", "", 1, by(COORDINATOR, DRAFTED))
    db.session.commit()
    said = next(
        each
        for each in content.of_build(first, queries.get_revision(revision_id)).progress
        if each.ref == line.intervention.ref
    )
    assert (said.narrative, said.risks) == ("Went well", "The nurse may leave")
    (sessions,) = said.outputs
    assert (sessions.definition, sessions.target, sessions.results) == ("Sessions held", 120, {1: 30})
    build()
    second = queries.newest_build(revision_id)
    assert second is not None
    now = content.of_build(second, queries.get_revision(revision_id)).progress
    assert [each.narrative for each in now if each.ref == said.ref] == ["Went badly"]
    assert second.inputs_digest != first.inputs_digest


def test_the_page_of_the_return_shows_it(client: PageClient, monkeypatch: pytest.MonkeyPatch) -> None:
    year = make_year()
    line, _ = make_progress(year)
    intervention_id, holder_id = line.intervention_id, line.holder_id
    revision_id = build()
    client.sign_in("finance.officer@dorset.example")
    page = client.get(f"/returns/{revision_id}").get_data(as_text=True)
    for words in ("Sessions held", "Went well", "The nurse may leave", f"/plan/{holder_id}/2025/progress/1"):
        assert words in page
    read = client.sign_in("certifier@dorset.example").get(f"/returns/{revision_id}").get_data(as_text=True)
    assert "Went well" in read
    assert f"/plan/{holder_id}/2025/progress/1" not in read
    shut = Shut(plan=frozenset({(holder_id, 2025, intervention_id)}))
    monkeypatch.setattr(decisions, "shut_by_interest", lambda person_id: shut)
    kept = client.get(f"/returns/{revision_id}").get_data(as_text=True)
    assert not any(words in kept for words in ("Sessions held", "Went well", "The nurse may leave"))
