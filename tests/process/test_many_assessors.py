"""Fifty assessors who save at once, over four server processes: nothing is lost, on both stores."""

import http.client
import itertools
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import Barrier
from urllib.parse import urlencode

import pytest
from flask import Flask
from itsdangerous import URLSafeTimedSerializer
from sqlalchemy import func, select

from svd_tracker.accounts.models import Person
from svd_tracker.accounts.services import add_person
from svd_tracker.audit.models import AuditLine
from svd_tracker.extensions import db
from svd_tracker.proposals.models import Proposal
from svd_tracker.rounds.models import Round, RoundAssessor, RoundState
from svd_tracker.scoring.models import Assessment, AssessmentState, DraftScore, SentAssessment, SentScore
from tests.integration.scoring.support import criterion_ids
from tests.process.running import begin, environment
from tests.support.rounds import advance, finish_interests, make_proposal, make_round
from tests.support.world import PASSWORD, act

pytestmark = [pytest.mark.process, pytest.mark.crowd]

PEOPLE, PROPOSALS, SERVERS = 50, 2, 4
AFTER_FIRST = 2  # the row version of an assessment that was saved once: made, then filled
EMAILS = tuple(f"assessor.{number:02d}@many.example" for number in range(PEOPLE))
SECRET = "for the tests of many processes alone, 32 letters and more"
RAW_TOKEN = "0123456789abcdef0123456789abcdef01234567"
TOKEN = URLSafeTimedSerializer(SECRET, salt="wtf-csrf-token").dumps(RAW_TOKEN)


@contextmanager
def servers(app: Flask) -> Iterator[list[int]]:
    """Four processes of the shipped server on one database, as their ports."""
    environ = environment(app, SVD_SECRET_KEY=SECRET)
    processes = [begin(environ, "serve", "--port", "0", "--no-schedule") for _ in range(SERVERS)]
    try:
        yield [int(match[1]) for each in processes if (match := re.search(r":(\d+)  ", _first_line(each.stdout)))]
    finally:
        for each in processes:
            each.terminate()
        warnings = [each.communicate(timeout=30)[1] for each in processes]
    assert not any("Traceback" in each for each in warnings), warnings


def _first_line(stream: Iterator[str] | None) -> str:
    return next(stream) if stream else ""


class Assessor:
    """One of them at a browser, whose every request another of the servers may answer."""

    def __init__(self, app: Flask, number: int, uniquifier: str, ports: list[int]) -> None:
        self.ports = itertools.islice(itertools.cycle(ports), number, None)
        app.secret_key, before = SECRET, app.secret_key
        try:
            session = {"_user_id": uniquifier, "_fresh": True, "csrf_token": RAW_TOKEN}
            signed = app.session_interface.get_signing_serializer(app).dumps(session)  # type: ignore[attr-defined]
        finally:
            app.secret_key = before
        self.cookie = f"{app.config['SESSION_COOKIE_NAME']}={signed}"
        self.number = number
        self.answers: Counter[int] = Counter()

    def post(self, path: str, data: Mapping[str, object]) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", next(self.ports), timeout=60)
        try:
            kind = "application/x-www-form-urlencoded"
            headers = {"Cookie": self.cookie, "Content-Type": kind}
            connection.request("POST", path, urlencode({**data, "csrf_token": TOKEN}), headers)
            answer = connection.getresponse()
            answer.read()
            self.answers[answer.status] += 1
        finally:
            connection.close()

    def score(self, proposal_ids: list[int], criteria: Mapping[str, int], round_id: int, start: Barrier) -> None:
        """Each proposal in two goes, as the page saves by itself, then all are sent."""
        start.wait(60)
        for proposal_id in proposal_ids:
            for row_version, refs in ((0, ("G1", "C1")), (AFTER_FIRST, tuple(criteria))):
                data: dict[str, object] = {"row_version": row_version, "comment": said(self.number, proposal_id, "")}
                for ref in refs:
                    data[f"mark_{criteria[ref]}"] = mark(self.number, ref)
                    data[f"reason_{criteria[ref]}"] = said(self.number, proposal_id, ref)
                self.post(f"/proposals/{proposal_id}/assessment", data)
        self.post(f"/rounds/{round_id}/scoring/send", {})


def mark(number: int, ref: str) -> int:
    return 100 if ref == "G1" else 100 * ((number + int(ref[1])) % 6)


def said(number: int, proposal_id: int, ref: str) -> str:
    return f"Assessor {number} of proposal {proposal_id} on {ref}: “every sentence” stays."


def make_many() -> Round:
    """A round in scoring with fifty assessors who have no interests."""
    for email in EMAILS:
        add_person(email, email.partition("@")[0], act(), password=PASSWORD)
    db.session.commit()
    round_ = make_round(assessors=EMAILS)
    for number in range(PROPOSALS):
        make_proposal(round_, f"Proposal {number}")
    advance(round_, RoundState.SCORING)
    finish_interests(round_, *EMAILS)
    return round_


def test_fifty_assessors_saving_at_once_lose_nothing(app: Flask) -> None:
    round_ = make_many()
    round_id, criteria = round_.id, criterion_ids(round_)
    proposal_ids = list(db.session.scalars(select(Proposal.id).order_by(Proposal.id)))
    people = {row.email: row for row in db.session.execute(select(Person.email, Person.id, Person.fs_uniquifier))}
    with servers(app) as ports:
        assert len(ports) == SERVERS
        start = Barrier(PEOPLE)
        assessors = [Assessor(app, number, people[email].fs_uniquifier, ports) for number, email in enumerate(EMAILS)]
        with ThreadPoolExecutor(PEOPLE) as pool:
            for done in [pool.submit(each.score, proposal_ids, criteria, round_id, start) for each in assessors]:
                done.result(120)
    answers = sum((each.answers for each in assessors), Counter[int]())
    assert answers == {303: PEOPLE * (2 * PROPOSALS + 1)}

    refs = {criterion_id: ref for ref, criterion_id in criteria.items()}
    expected = {
        (people[email].id, proposal_id, ref): (mark(number, ref), said(number, proposal_id, ref))
        for number, email in enumerate(EMAILS)
        for proposal_id in proposal_ids
        for ref in criteria
    }
    drafts = select(
        Assessment.person_id, Assessment.proposal_id, DraftScore.criterion_id, DraftScore.hundredths, DraftScore.reason
    ).join(DraftScore, DraftScore.assessment_id == Assessment.id)
    sent = (
        select(
            Assessment.person_id, Assessment.proposal_id, SentScore.criterion_id, SentScore.hundredths, SentScore.reason
        )
        .join(SentAssessment, SentAssessment.assessment_id == Assessment.id)
        .join(SentScore, SentScore.sent_assessment_id == SentAssessment.id)
    )
    for query in (drafts, sent):
        rows = db.session.execute(query).all()
        assert len(rows) == len(expected)
        assert {(row[0], row[1], refs[row[2]]): (row[3], row[4]) for row in rows} == expected
    assert set(db.session.scalars(select(Assessment.state))) == {AssessmentState.SENT}
    comments = {(row.person_id, row.proposal_id): row.comment for row in db.session.scalars(select(Assessment))}
    assert all(comments[people[EMAILS[n]].id, p] == said(n, p, "") for n in range(PEOPLE) for p in proposal_ids)
    counted = select(AuditLine.action, func.count()).where(AuditLine.subject_type == "scores")
    lines = {row[0]: row[1] for row in db.session.execute(counted.group_by(AuditLine.action))}
    assert lines == {"save": PEOPLE * PROPOSALS * 2, "send": PEOPLE}
    moments = db.session.scalars(select(RoundAssessor.first_sent_at)).all()
    sent_at = [moment for moment in moments if moment]
    assert len(sent_at) == PEOPLE
    shown = db.session.scalars(select(Round.scores_shown_at)).one()
    assert shown is not None
    assert shown == max(sent_at), "the last one who sent opened everybody's scores"
