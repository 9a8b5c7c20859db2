"""Work that falls due is done once: by one process, after a failure, after the machine was off."""

import datetime as dt
import logging
from collections.abc import Iterator
from threading import Barrier, Thread
from time import sleep

import pytest
from flask import Flask
from sqlalchemy import func, select

from svd_tracker.accounts.services import change_setting
from svd_tracker.act import Act
from svd_tracker.audit import queries as audit
from svd_tracker.clock import london_day
from svd_tracker.errors import Refused
from svd_tracker.extensions import db
from svd_tracker.jobs import claims, registry
from svd_tracker.jobs.models import ClaimState, JobClaim
from svd_tracker.jobs.registry import Job, Slot, Turn
from svd_tracker.jobs.schedule import Outcome, planned, run_due, start
from svd_tracker.returns import obligation_queries, queries
from svd_tracker.returns.models import FigureBuild, Obligation
from tests.integration.returns.year import certified, draft, make_year, obligation, person
from tests.support.client import PageClient
from tests.support.money import make_grant
from tests.support.world import act

pytestmark = pytest.mark.db
NOON = dt.datetime(2025, 7, 14, 12, tzinfo=dt.UTC)
HOUR = dt.timedelta(hours=1)


@pytest.fixture(autouse=True)
def day(app: Flask) -> Iterator[Flask]:
    app.config["TODAY"] = dt.date(2025, 7, 14)
    yield app
    app.config["TODAY"] = None


def runs(app: Flask, now: dt.datetime = NOON, **how: bool) -> list[Outcome]:
    db.session.rollback()
    found = run_due(app, now, **how)
    db.session.expire_all()
    return found


def builds() -> int:
    return db.session.scalar(select(func.count()).select_from(FigureBuild)) or 0


def claim_of(job: str) -> JobClaim:
    db.session.rollback()
    return db.session.scalars(select(JobClaim).where(JobClaim.job == job).order_by(JobClaim.slot)).one()


@pytest.fixture
def only(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """One job of our own in the registry, which fails as long as it is told to."""
    told: list[str] = []

    def work(slot: str, act: Act) -> str:
        if told:
            raise Refused(told[0])
        return f"did {slot}"

    job = Job("test.work", "Test work", lambda on: [Slot("one", "The one", dt.date(2025, 7, 1))], work)
    monkeypatch.setattr(registry, "_jobs", {job.name: job})
    monkeypatch.setattr(registry, "_turns", {})
    return told


def test_the_calendar_opens_by_itself_and_returns_are_drafted_on_their_day(app: Flask) -> None:
    make_grant()
    done = runs(app)
    assert [outcome.ok for outcome in done if outcome.job in ("returns.calendar", "returns.draft")] == [True] * 6
    assert db.session.scalar(select(func.count()).select_from(Obligation)) == 12
    assert builds() == 3, "one draft a holder, of the first quarter"
    assert runs(app) == []
    assert {each.slot.due_on for each in planned()} > {dt.date(2025, 10, 14)}


def test_nothing_is_drafted_before_its_day(app: Flask) -> None:
    make_year()
    app.config["TODAY"] = dt.date(2025, 7, 13)
    runs(app)
    assert builds() == 0


def test_what_fell_due_while_the_machine_was_off_is_caught_up_once(app: Flask) -> None:
    make_year()
    app.config["TODAY"] = dt.date(2026, 1, 20)
    drafted = [outcome for outcome in runs(app) if outcome.job == "returns.draft"]
    assert len(drafted) == 9, "three quarters of three holders"
    assert runs(app) == []


def test_one_drafted_early_by_hand_is_drafted_again_on_its_day_and_a_later_one_is_not(app: Flask) -> None:
    make_year()
    draft(on=dt.date(2025, 7, 8))
    runs(app)
    revision = queries.newest_revision(obligation(1).id)
    assert revision is not None
    newest = queries.newest_build(revision.id)
    assert newest is not None
    assert newest.build_no == 2
    assert not [row for row in obligation_queries.to_be_drafted() if row.ref == "2025-26-Q1-dorset"]


def test_a_certified_return_is_not_drafted_again(app: Flask) -> None:
    make_year()
    certified(on=dt.date(2025, 7, 8))
    runs(app)
    assert builds() == 3, "that one, and the two others'"


def test_two_claims_at_the_same_moment_give_the_slot_to_one(app: Flask) -> None:
    ready, got = Barrier(8), []

    def take() -> None:
        with app.app_context():
            ready.wait()
            got.append(claims.claim("test", "slot", NOON))

    db.session.rollback()
    threads = [Thread(target=take) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(got) == [0] * 7 + [1]


def test_a_lease_that_ran_out_is_taken_over_and_the_first_gives_way(app: Flask) -> None:
    assert claims.claim("test", "slot", NOON, HOUR) == 1
    assert claims.claim("test", "slot", NOON + HOUR / 2, HOUR) == 0
    assert claims.claim("test", "slot", NOON + HOUR, HOUR) == 2
    assert not claims.finish("test", "slot", 1, NOON, ClaimState.DONE, "late")
    assert claims.finish("test", "slot", 2, NOON, ClaimState.DONE, "in time")
    db.session.commit()
    assert claim_of("test").result == "in time"


def test_a_failure_is_recorded_and_tried_three_times(app: Flask, only: list[str]) -> None:
    only.append("The ledger is missing")
    assert [(outcome.ok, outcome.result) for outcome in runs(app)] == [(False, "The ledger is missing")]
    claim = claim_of("test.work")
    assert (claim.state, claim.attempt, claim.result) == (ClaimState.FAILED, 1, "The ledger is missing")
    assert runs(app) == [], "not at once"
    assert len(runs(app, NOON + HOUR)) == 1
    assert len(runs(app, NOON + 2 * HOUR)) == 1
    assert runs(app, NOON + 3 * HOUR) == []
    assert [each.state for each in planned()] == ["skipped"]
    only.clear()
    assert [outcome.result for outcome in runs(app, NOON + 4 * HOUR, insist=True)] == ["did one"]
    assert planned() == []


def test_work_and_word_stand_or_fall_together(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that loses its slot while it works leaves nothing behind."""
    make_year()
    real = claims.finish

    def lost(*given: object) -> bool:
        return False if given[0] == "returns.draft" else real(*given)  # type: ignore[arg-type]

    monkeypatch.setattr(claims, "finish", lost)
    runs(app)
    assert builds() == 0


def test_the_scheduler_runs_at_once_and_stops(app: Flask, only: list[str]) -> None:
    app.config["SCHEDULE_SECONDS"] = 3600
    db.session.rollback()
    scheduler = start(app)
    for _ in range(400):
        claim = db.session.get(JobClaim, ("test.work", "one"))
        if claim is not None and claim.state is not ClaimState.RUNNING:
            break
        db.session.rollback()
        sleep(0.05)
    scheduler.shutdown(wait=True)
    assert claim_of("test.work").state is ClaimState.DONE


def test_the_page_shows_what_comes_and_what_was_done(app: Flask, client: PageClient) -> None:
    make_year()
    client.sign_in("administrator@dorset.example")
    assert "Draft the Q1 2025/26 return of Dorset" in client.get("/jobs").text
    assert len(client.queries) <= 35  # what each job has due, a few queries a job
    client.post("/jobs/run")
    page = client.get("/jobs").text
    assert "Q1 2025/26 return of Dorset Community Safety Partnership drafted" in page
    assert builds() == 3
    client.sign_in("finance.officer@dorset.example")
    client.get("/jobs")
    client.post("/jobs/run", status=403)
    client.sign_in("member@dorset.example").get("/jobs", status=403)


def test_a_holders_own_jobs_are_what_its_officer_sees(app: Flask, client: PageClient) -> None:
    make_year()
    client.sign_in("finance.officer@bcp.example")
    before = client.get("/jobs").text
    runs(app)
    after = client.get("/jobs").text
    for page in (before, after):
        assert "BCP" in page or "Bournemouth" in page
        assert "Dorset Community Safety" not in page
    assert "drafted" in after
    assert "Dorset Community Safety" in client.sign_in("auditor@audit.example").get("/jobs").text


def test_who_pressed_the_button_is_in_the_audit(app: Flask, client: PageClient, only: list[str]) -> None:
    client.sign_in("administrator@dorset.example").post("/jobs/run")
    (line,) = audit.history("jobs", "due")
    assert (line.action, line.actor_id) == ("run_jobs", person("administrator@dorset.example"))


def test_the_page_speaks_of_work_and_never_of_slots(app: Flask, client: PageClient, only: list[str]) -> None:
    only.append("The disk is full")
    runs(app)
    client.sign_in("administrator@dorset.example")
    page = client.get("/jobs").text
    assert page.count("The one") == 2, "still to be done, and what was tried"
    assert "test.work" not in page


def test_the_start_is_told_by_the_installations_day(app: Flask, only: list[str]) -> None:
    db.session.rollback()
    app.config.update(DEMO=True)
    try:
        change_setting("demo_today", "2025-07-14", None, "The day of the test", act())
        db.session.commit()
        run_due(app)
    finally:
        app.config.update(DEMO=False)
    claim = claim_of("test.work")
    assert london_day(claim.started_at) == dt.date(2025, 7, 14)
    assert claim.lease_until.date() > dt.date(2025, 7, 14), "leases go by the machine's clock"


def test_a_turn_that_is_left_out_is_not_warned_of(app: Flask, only: list[str]) -> None:
    start(app).shutdown()
    assert not logging.getLogger("apscheduler.scheduler").isEnabledFor(logging.WARNING)


def test_work_of_every_turn_comes_after_the_jobs_and_says_what_it_did(
    app: Flask, only: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    answers: list[tuple[bool, str] | None] = [(True, "2 things done"), None]

    def fail() -> None:
        raise OSError("no more room")

    turns = [Turn("test.turn", "Every turn", lambda: answers.pop(0)), Turn("test.fails", "Fails", fail)]
    monkeypatch.setattr(registry, "_turns", {turn.name: turn for turn in turns})
    assert [(each.title, each.ok, each.result) for each in runs(app)] == [
        ("The one", True, "did one"),
        ("Every turn", True, "2 things done"),
        ("Fails", False, "OSError: no more room"),
    ]
    assert [each.title for each in runs(app)] == ["Fails"], "nothing is said of a turn with nothing to do"
