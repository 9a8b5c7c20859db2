"""Reminders of returns: who is told, once, whatever the machine, its clock and its schedule do."""

import datetime as dt
import json
import logging
import re
from collections.abc import Callable, Iterator

import pytest
import time_machine
from flask import Flask
from sqlalchemy import select, update

from svd_tracker.accounts import queries as accounts
from svd_tracker.accounts import services as account_services
from svd_tracker.accounts.delegations import delegate
from svd_tracker.accounts.models import Person, Role
from svd_tracker.act import Act
from svd_tracker.clock import london_day
from svd_tracker.extensions import db
from svd_tracker.jobs.models import ClaimState, JobClaim
from svd_tracker.jobs.schedule import run_due
from svd_tracker.mail import services as mail
from svd_tracker.mail.models import Choice, MailState, Outbox
from svd_tracker.returns import area_life, area_queries, queries, revisions
from svd_tracker.returns.area import join
from svd_tracker.returns.area_queries import Period
from svd_tracker.returns.obligations import change_dates
from svd_tracker.returns.services import send_back
from tests.integration.returns.year import by, certified, certify, check, draft, make_year, obligation, person
from tests.support.money import holder
from tests.support.smtp import Inbox
from tests.support.world import act

pytestmark = pytest.mark.db

OFFICER, CERTIFIER = "finance.officer@dorset.example", "certifier@dorset.example"
OPCC = "opcc.officer@opcc.example"
Said = list[tuple[str, str]]


@pytest.fixture
def on(app: Flask) -> Iterator[Callable[[str], Said]]:
    """Runs what is due on a day ("2025-07-14") and gives what was put in about Dorset then: (to, code), sorted."""

    def run(day: str, of: str = "dorset") -> Said:
        app.config["TODAY"] = dt.date.fromisoformat(day)
        before = newest()
        db.session.rollback()
        outcomes = run_due(app)
        assert all(outcome.ok for outcome in outcomes), outcomes
        db.session.expire_all()
        return sorted(
            (message.to_address, re.sub(r"^(checked|sent_back|opened|sent)-\d+$", r"\1", message.occasion))
            for message in db.session.scalars(select(Outbox).where(Outbox.id > before))
            if message.about in (f"obligation:{obligation(1, of).id}", "digest")
        )

    yield run
    app.config["TODAY"] = None


def newest() -> int:
    return db.session.scalar(select(Outbox.id).order_by(Outbox.id.desc()).limit(1)) or 0


def setting(key: str, value: int) -> None:
    (area,) = accounts.list_areas()
    account_services.change_setting(key, str(value), area.id, "Tried", act())
    db.session.commit()


def choose(email: str, choice: Choice, on: str = "2025-07-01") -> None:
    someone = accounts.get_person(person(email))
    mail.choose(someone, choice, 0, act(someone.id, dt.date.fromisoformat(on)))
    db.session.commit()


def test_a_return_that_nobody_does(app: Flask, on: Callable[[str], Said]) -> None:
    make_year()
    assert on("2025-07-13") == []
    assert on("2025-07-14") == [(OFFICER, "drafted")]
    assert on("2025-07-14") == on("2025-07-20") == []
    assert on("2025-07-21") == [(OFFICER, "before")]
    assert on("2025-07-28") == [(OFFICER, "due")]
    assert on("2025-07-29") == [(OFFICER, "late")]
    assert on("2025-08-02") == [(CERTIFIER, "next-1")]
    assert on("2025-08-05") == [(OFFICER, "late")]
    assert on("2025-08-07") == [(OPCC, "next-2")]
    assert on("2025-08-11") == []
    assert on("2025-08-12") == [(OFFICER, "late")]


def test_a_return_that_is_checked_and_certified(app: Flask, on: Callable[[str], Said]) -> None:
    make_year()
    assert on("2025-07-14") == [(OFFICER, "drafted")]
    revision = queries.newest_revision(obligation(1).id)
    assert revision is not None
    check(revision, on=dt.date(2025, 7, 18))
    assert on("2025-07-18") == [(CERTIFIER, "checked")]
    assert on("2025-07-19") == []
    assert on("2025-07-21") == [(CERTIFIER, "before")]
    certify(queries.get_revision(revision.id), on=dt.date(2025, 7, 22))
    assert on("2025-07-28") == on("2025-07-29") == on("2025-08-20") == []


def test_one_sent_back_and_checked_again_on_one_day_is_said_again(app: Flask, on: Callable[[str], Said]) -> None:
    make_year()
    on("2025-07-14")
    revision = queries.newest_revision(obligation(1).id)
    assert revision is not None
    day = dt.date(2025, 7, 18)
    check(revision, on=day)
    assert on("2025-07-18") == [(CERTIFIER, "checked")]
    send_back(queries.get_revision(revision.id), "A line is wrong", by("certifier@dorset", day))
    db.session.commit()
    assert on("2025-07-18") == [(OFFICER, "sent_back")]
    check(queries.get_revision(revision.id), on=day)
    assert on("2025-07-18") == [(CERTIFIER, "checked")]


def test_a_deputy_named_after_it_was_checked_is_told_too(app: Flask, on: Callable[[str], Said]) -> None:
    make_year()
    on("2025-07-14")
    revision = queries.newest_revision(obligation(1).id)
    assert revision is not None
    check(revision, on=dt.date(2025, 7, 17))
    assert on("2025-07-17") == [(CERTIFIER, "checked")]
    first, last = dt.date(2025, 7, 18), dt.date(2025, 7, 25)
    deputy = accounts.get_person(person("coordinator@dorset.example"))
    delegate(holder("dorset"), deputy, first, last, "Annual leave", by("certifier@dorset", first))
    db.session.commit()
    assert on("2025-07-18") == [(deputy.email, "checked")]
    assert on("2025-07-18") == on("2025-07-20") == []


def test_the_opcc_is_not_told_that_it_sent_the_area_return(app: Flask, on: Callable[[str], Said]) -> None:
    grant = make_year().grant
    day = dt.date(2025, 7, 18)
    certified(on=day)
    area = join(Period(grant.id, 2025, 1), "The others are late", by("opcc.officer@opcc", day))
    db.session.commit()
    area_life.certify_join(area.id, "Chief finance officer to the PCC", by("certifier@opcc", day))
    db.session.commit()
    revision = area_queries.get_area_revision(area.id)
    area_life.send_join(revision, "Home Office", "By e-mail", "", day, by("opcc.officer@opcc", day))
    db.session.commit()
    assert on("2025-07-18") == []


def test_the_certifier_is_reminded_of_the_day_by_which_to_certify(
    app: Flask, on: Callable[[str], Said], inbox: Inbox
) -> None:
    make_year()
    dates = dt.date(2025, 7, 14), dt.date(2025, 7, 23), dt.date(2025, 7, 28)
    change_dates(obligation(1), *dates, "Earlier", 1, by("opcc.officer@opcc", dates[0]))
    db.session.commit()
    on("2025-07-14")
    revision = queries.newest_revision(obligation(1).id)
    assert revision is not None
    check(revision, on=dt.date(2025, 7, 14))
    assert on("2025-07-14") == [(CERTIFIER, "checked")]
    assert on("2025-07-16") == [(CERTIFIER, "before")]
    assert on("2025-07-23") == [(CERTIFIER, "due")]
    assert on("2025-07-24") == [(CERTIFIER, "late")]
    mine = [str(each.email["Subject"]) for each in inbox.messages if each.recipients == (CERTIFIER,)]
    assert [subject.partition("2025/26 ")[2] for subject in mine] == [
        "waits for you to certify it by 23 July 2025",
        "is to be certified by 23 July 2025",
        "is to be certified today, 23 July 2025",
        "is late: it was to be certified by 23 July 2025",
    ]


def test_the_opcc_hears_of_one_sent_and_its_preparer_of_one_queried(
    app: Flask, on: Callable[[str], Said], inbox: Inbox
) -> None:
    make_year()
    day = dt.date(2025, 7, 18)
    revision = certified(on=day)
    revisions.send(revision, "OPCC", "By e-mail", "", day, by("finance.officer@dorset", day))
    db.session.commit()
    assert on("2025-07-18") == [(OPCC, "sent")]
    assert on("2025-07-30") == [], "sent in time: nothing of it is late"
    later = dt.date(2025, 8, 20)
    revisions.query(queries.get_revision(revision.id), "Which invoice is this?", by("opcc.officer@opcc", later))
    db.session.commit()
    assert on("2025-08-20") == [(OFFICER, "opened")], "nothing that was on a day before it was queried"
    assert on("2025-08-21") == []
    said = [" ".join(str(each.email["Subject"]).split()) for each in inbox.messages if each.recipients == (OFFICER,)]
    assert said[-1] == "The return of Dorset Community Safety Partnership for Q1 2025/26 was queried by the OPCC"
    setting("mail_sent_back", 0)
    assert on("2025-08-28") == [(OFFICER, "late")]


def test_the_opccs_certifier_hears_of_a_join_that_waits(app: Flask, on: Callable[[str], Said], inbox: Inbox) -> None:
    grant = make_year().grant
    day = dt.date(2025, 7, 18)
    certified(on=day)
    join(Period(grant.id, 2025, 1), "The others are away", by("opcc.officer@opcc", day))
    db.session.commit()
    on("2025-07-18")
    mine = db.session.scalars(select(Outbox).where(Outbox.about.startswith("area_revision:"))).all()
    assert [message.to_address for message in mine] == ["certifier@opcc.example"]
    assert mine[0].subject == "The area return for Q1 2025/26 waits for you to certify it"
    assert mine[0].state is MailState.SENT
    on("2025-07-19")
    assert len(db.session.scalars(select(Outbox).where(Outbox.about.startswith("area_revision:"))).all()) == 1


def test_who_prepared_a_return_is_not_asked_to_certify_it(app: Flask, on: Callable[[str], Said]) -> None:
    make_year()
    officer = accounts.get_person(person(OFFICER))
    (holder,) = [each for each in accounts.list_holders() if each.ref == "dorset"]
    account_services.grant_role(officer, Role.CERTIFIER, act(), holder_id=holder.id)
    db.session.commit()
    check(draft())
    assert on("2025-07-18") == [(CERTIFIER, "checked")]


def test_after_a_month_off_each_is_told_once_what_is_still_true(app: Flask, on: Callable[[str], Said]) -> None:
    make_year()
    assert on("2025-08-20") == [(CERTIFIER, "next-1"), (OFFICER, "late"), (OPCC, "next-2")]
    assert on("2025-08-20") == []
    late = db.session.scalars(select(Outbox).where(Outbox.occasion == "late")).all()
    assert {message.occasion_on for message in late} == {dt.date(2025, 8, 19)}


def test_people_of_another_partnership_hear_nothing_of_it(app: Flask, on: Callable[[str], Said]) -> None:
    make_year()
    assert on("2025-08-20")
    for message in db.session.scalars(select(Outbox)):
        if message.to_address.endswith("@bcp.example"):
            assert "BCP" in message.subject
        if message.to_address.endswith("@dorset.example"):
            assert "Dorset Community Safety Partnership" in message.subject


def test_the_opcc_officer_who_also_prepares_is_told_once(app: Flask, on: Callable[[str], Said]) -> None:
    make_year()
    app.config["TODAY"] = dt.date(2025, 8, 20)
    db.session.rollback()
    run_due(app)
    about = f"obligation:{obligation(1, 'opcc').id}"
    found = db.session.scalars(select(Outbox).where(Outbox.about == about, Outbox.person_id == person(OPCC))).all()
    assert [message.occasion for message in found] == ["late"], "the newest of the two"


def test_nobody_who_left_or_lost_the_role_is_told(app: Flask, on: Callable[[str], Said]) -> None:
    make_year()
    db.session.execute(update(Person).where(Person.email == OFFICER).values(active=False))
    certifier = person(CERTIFIER)
    (grant,) = accounts.standing_role_grants(dt.date(2025, 7, 1), certifier)
    account_services.end_role(grant, act(on=dt.date(2025, 7, 2)))
    db.session.commit()
    assert on("2025-08-04") == []


def test_each_person_chooses(app: Flask, on: Callable[[str], Said]) -> None:
    make_year()
    choose(OFFICER, Choice.NECESSARY)
    choose(CERTIFIER, Choice.WEEKLY)
    assert on("2025-07-14") == on("2025-07-21") == on("2025-07-28") == []
    assert on("2025-07-29") == [(OFFICER, "late")]
    assert on("2025-08-03") == [], "the certifier's waits for Monday"
    assert on("2025-08-04") == [(CERTIFIER, "weekly")]
    assert on("2025-08-04") == []


def test_the_digest_is_of_monday_and_says_all_of_it_once(app: Flask, on: Callable[[str], Said]) -> None:
    make_year()
    choose(OFFICER, Choice.WEEKLY)
    assert on("2025-07-11") == [], "nothing waits yet"
    assert on("2025-07-15") == [(OFFICER, "weekly")], "a day late, the machine was off"
    (message,) = db.session.scalars(select(Outbox).where(Outbox.person_id == person(OFFICER)))
    assert message.occasion_on == dt.date(2025, 7, 14)
    (item,) = json.loads(message.details)["items"]
    assert item["when"] == "is due on 28 July 2025."
    assert on("2025-07-20") == []
    assert on("2025-07-21") == [(OFFICER, "weekly")]


def test_a_digest_chosen_in_the_week_begins_with_the_next(app: Flask, on: Callable[[str], Said]) -> None:
    make_year()
    on("2025-07-14")
    choose(OFFICER, Choice.WEEKLY, "2025-07-16")
    assert on("2025-07-16") == []
    assert on("2025-07-21") == [(OFFICER, "weekly")]


def test_settings_count(app: Flask, on: Callable[[str], Said]) -> None:
    make_year()
    for key in ("mail_drafted", "mail_on_day", "mail_late_days", "mail_checked"):
        setting(key, 0)
    setting("mail_before_days", 3)
    setting("mail_next_days", 1)
    assert on("2025-07-14") == on("2025-07-24") == []
    assert on("2025-07-25") == [(OFFICER, "before")]
    assert on("2025-07-28") == []
    assert on("2025-07-29") == [(CERTIFIER, "next-1")]


def test_the_words_name_the_return_and_its_day_and_no_figure(
    app: Flask, on: Callable[[str], Said], inbox: Inbox
) -> None:
    make_year()
    choose(CERTIFIER, Choice.WEEKLY)
    for day in ("2025-07-14", "2025-07-28", "2025-08-04", "2025-08-20"):
        on(day)
    mine = [message.email for message in inbox.messages if message.recipients == (OFFICER,)]
    assert [email["Subject"] for email in mine] == [
        "The return of Dorset Community Safety Partnership for Q1 2025/26 is drafted: check it by 28 July 2025",
        "The return of Dorset Community Safety Partnership for Q1 2025/26 is due today, 28 July 2025",
        "The return of Dorset Community Safety Partnership for Q1 2025/26 is late: it was due on 28 July 2025",
        "The return of Dorset Community Safety Partnership for Q1 2025/26 is late: it was due on 28 July 2025",
    ]
    first = mine[0].get_body(("plain",)).get_content()  # type: ignore[union-attr]
    assert "The return of Dorset Community Safety Partnership for Q1 2025/26 is due on 28 July 2025." in first
    assert "Its draft is built and waits for you to check it." in first
    assert re.search(r"https://svd\.council\.example/returns/\d+\r?\n", first)
    for message in inbox.messages:
        for part in message.email.iter_parts():
            words = part.get_content()
            assert "due on 28 July 2025" in words or "due today, 28 July 2025" in words
            assert "£" not in words
            assert not re.search(r"\d[,.]\d", words)
            assert "https://svd.council.example/account/mail/choice" in words


def test_what_was_done_while_the_server_was_away_is_not_sent(
    app: Flask, on: Callable[[str], Said], inbox: Inbox, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.CRITICAL)
    make_year()
    app.config["SMTP_HOST"] = ""
    assert on("2025-07-14") == [(OFFICER, "drafted")]
    assert on("2025-07-28") == [(OFFICER, "due")]
    certified_by_hand()
    app.config["SMTP_HOST"] = "127.0.0.1"
    on("2025-07-28")
    assert (OFFICER,) not in [message.recipients for message in inbox.messages]
    mine = db.session.scalars(select(Outbox.state).where(Outbox.person_id == person(OFFICER))).all()
    assert set(mine) == {MailState.NOT_NEEDED}
    assert [message for message in inbox.messages if message.recipients == ("finance.officer@bcp.example",)]


def certified_by_hand() -> None:
    revision = queries.newest_revision(obligation(1).id)
    assert revision is not None
    check(revision, on=dt.date(2025, 7, 28))
    certify(queries.get_revision(revision.id), on=dt.date(2025, 7, 28))


def test_one_certified_early_is_never_reminded_of(app: Flask, on: Callable[[str], Said]) -> None:
    make_year()
    certified(on=dt.date(2025, 7, 8))
    assert on("2025-07-14") == on("2025-07-28") == on("2025-08-28") == []


@pytest.mark.parametrize("letters", [0, 1, 3, 6])
def test_a_crash_while_reminders_are_written_leaves_each_once(
    app: Flask, on: Callable[[str], Said], monkeypatch: pytest.MonkeyPatch, letters: int
) -> None:
    """The rows and the word that they are written stand or fall together; the next run writes what is missing."""
    make_year()
    put, written = mail.put, 0

    def put_then_die(letter: mail.Letter, acting: Act) -> Outbox | None:
        nonlocal written
        if written == letters:
            raise KeyboardInterrupt
        written += 1
        return put(letter, acting)

    with monkeypatch.context() as patched:
        patched.setattr(mail, "put", put_then_die)
        with pytest.raises(KeyboardInterrupt):
            on("2025-08-20")
    db.session.rollback()
    past = dt.datetime.now(dt.UTC) - dt.timedelta(seconds=1)
    db.session.execute(update(JobClaim).where(JobClaim.state == ClaimState.RUNNING).values(lease_until=past))
    db.session.commit()
    on("2025-08-20")
    keys = db.session.execute(select(Outbox.person_id, Outbox.about)).all()
    assert len({tuple(key) for key in keys}) == len(keys)
    assert len(keys) == 8, "preparer and certifier of three holders; the OPCC officer prepares one of them"


def test_a_clock_set_back_says_nothing_old(app: Flask, on: Callable[[str], Said], inbox: Inbox) -> None:
    make_year()
    assert on("2025-07-29") == [(OFFICER, "late")]
    sent = len(inbox.messages)
    for day in ("2025-07-28", "2025-07-21", "2025-07-14", "2025-07-29"):
        assert on(day) == []
    assert len(inbox.messages) == sent


def test_what_waits_survives_a_clock_set_back(app: Flask, on: Callable[[str], Said], inbox: Inbox) -> None:
    make_year()
    app.config["SMTP_HOST"] = ""
    assert on("2025-07-28") == [(OFFICER, "due")]
    app.config["SMTP_HOST"] = "127.0.0.1"
    assert on("2025-07-27") == []
    assert (OFFICER,) in [message.recipients for message in inbox.messages]


def test_the_hour_that_comes_twice_in_october_says_it_once(app: Flask, inbox: Inbox) -> None:
    make_year()
    app.config["TODAY"] = None
    db.session.rollback()
    hours = [dt.datetime(2025, 10, 26, hour, minute, tzinfo=dt.UTC) for hour in (0, 1, 2) for minute in (10, 40)]
    assert {london_day(hour) for hour in hours} == {dt.date(2025, 10, 26)}
    counts = []
    for hour in hours:
        with time_machine.travel(hour, tick=False):
            run_due(app)
            db.session.rollback()
            counts.append(len(inbox.messages))
    assert counts[0] > 0
    assert set(counts) == {counts[0]}
    assert len(set(inbox.ids())) == len(inbox.ids())
    keys = db.session.execute(select(Outbox.person_id, Outbox.about)).all()
    assert len(keys) == len({tuple(key) for key in keys})


def test_another_due_date_is_another_occasion(app: Flask, on: Callable[[str], Said]) -> None:
    make_year()
    assert on("2025-07-28") == [(OFFICER, "due")]
    later = dt.date(2025, 8, 11)
    change_dates(
        obligation(1), dt.date(2025, 7, 14), later, later, "The OPCC moved it", 1, by("opcc.officer@opcc", later)
    )
    db.session.commit()
    assert on("2025-07-29") == [], "no longer late, and nearer than its seven days later"
    assert on("2025-08-04") == [(OFFICER, "before")]
    assert on("2025-08-11") == [(OFFICER, "due")]
