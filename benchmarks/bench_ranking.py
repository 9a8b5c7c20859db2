"""The ranking of 200 proposals against the ranking of 10, each marked by 9 assessors on 8 criteria, in the same run.

    python -m benchmarks.bench_ranking

Makes two rounds in one database, signs in as the auditor and asks for the ranking, its CSV and the page of the
meeting of both rounds in turn. Target: per proposal shown, the page of the large round takes at most twice what the
page of the small one takes, the medians compared, and as many queries. Exit code 1 when that is missed.
"""

import argparse
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from flask import Flask
from sqlalchemy import event, insert

from benchmarks.bench_queue_page import make_app

SMALL, LARGE = 10, 200
ASSESSORS, CRITERIA = 9, 8
ROUNDS = 15
MOST_RATIO = 2.0
READER = "auditor@audit.example"
PAGES = ("ranking", "ranking.csv", "moderation")


def make_rounds(app: Flask, sizes: list[int]) -> list[int]:
    """The world of the tests with a round of each size, scored in full and decided on next; their ids."""
    from flask_migrate import upgrade

    from svd_tracker.accounts.services import add_person
    from svd_tracker.calculations.figures import Category
    from svd_tracker.extensions import db
    from svd_tracker.rounds.models import RoundState
    from svd_tracker.rounds.services import CriterionContent
    from tests.support import rounds, world
    from tests.support.money import make_grant

    with app.app_context():
        upgrade()
        db.session.remove()
    world.seed(app)
    with app.app_context():
        emails = [f"assessor.{number}@bench.example" for number in range(ASSESSORS)]
        for email in emails:
            add_person(email, email.split("@")[0], world.act(), password=world.PASSWORD)
        grant = make_grant()
        criteria = [
            CriterionContent(f"C{n}", f"Criterion {n}", "", 12_50, points=rounds.SCALE) for n in range(CRITERIA)
        ]
        found = []
        for size in sizes:
            round_ = rounds.make_round(grant, assessors=emails, criteria=criteria)
            costs = {"dorset": {Category.NON_LABOUR: 1_000_00}}
            content = rounds.full_content(costs=costs)
            for _ in range(size):
                rounds.make_proposal(round_, content=content)
            rounds.advance(round_, RoundState.SCORING)
            _send_marks(round_.id, [rounds.person(email).id for email in emails])
            round_.state = RoundState.DECIDING
            db.session.commit()
            found.append(round_.id)
        return found


def _send_marks(round_id: int, person_ids: list[int]) -> None:
    """Every assessor's marks for every proposal as rows: through the pages it would take an hour."""
    from svd_tracker.db import insert_rows, reserve_ids
    from svd_tracker.extensions import db
    from svd_tracker.proposals.queries import submitted_versions
    from svd_tracker.rounds.queries import criteria_of, get_round
    from svd_tracker.scoring.models import Assessment, AssessmentState, SentAssessment, SentScore
    from tests.support.world import act

    criteria, at = criteria_of(get_round(round_id).scheme), act().at
    pairs = [
        (proposal_id, version.id, person_id)
        for proposal_id, version in submitted_versions(round_id).items()
        for person_id in person_ids
    ]
    sent_ids = reserve_ids(db.session(), "sent_assessment", len(pairs))
    scores: list[dict[str, Any]] = []
    for sent_id, (proposal_id, version_id, person_id) in zip(sent_ids, pairs, strict=True):
        assessment = db.session.scalar(
            insert(Assessment)
            .values(
                proposal_id=proposal_id,
                person_id=person_id,
                proposal_version_id=version_id,
                state=AssessmentState.SENT,
                comment="",
                row_version=1,
            )
            .returning(Assessment.id)
        )
        sent = {"id": sent_id, "assessment_id": assessment, "proposal_version_id": version_id, "sent_no": 1}
        insert_rows(
            db.session(), SentAssessment, [{**sent, "comment": "", "recorded_at": at, "recorded_by": person_id}]
        )
        scores += [
            {
                "sent_assessment_id": sent_id,
                "criterion_id": each.id,
                "hundredths": 100 * ((proposal_id * 7 + person_id * 3 + each.position * 5) % 6),
                "reason": "Well shown",
            }
            for each in criteria
        ]
    insert_rows(db.session(), SentScore, scores)


class Page:
    """One page of one round, asked for by a signed-in reader."""

    def __init__(self, app: Flask, http: Any, url: str) -> None:
        self.http, self.url, self.queries, self.took = http, url, 0, list[float]()
        self.asking = False
        with app.app_context():
            from svd_tracker.extensions import db

            event.listen(db.engine, "before_cursor_execute", self._count)

    def ask(self) -> None:
        self.queries, self.asking = 0, True
        start = time.perf_counter()
        answer = self.http.get(self.url)
        self.took.append(time.perf_counter() - start)
        self.asking = False
        if answer.status_code != 200 or b"P-10" not in answer.data:
            raise SystemExit(f"{self.url} answered {answer.status_code}, not the page")

    @property
    def median(self) -> float:
        return statistics.median(self.took)

    def _count(self, _connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        self.queries += self.asking and not statement.startswith(("PRAGMA", "BEGIN"))


def main() -> int:
    parser = argparse.ArgumentParser(description="Time the ranking of a small and of a large round.")
    parser.add_argument("--proposals", type=int, default=LARGE, help="of the large round")
    given = parser.parse_args()
    sizes, all_met = [SMALL, given.proposals], True
    with tempfile.TemporaryDirectory() as name:
        from tests.support.client import PageClient

        app = make_app(Path(name))
        round_ids = make_rounds(app, sizes)
        with app.app_context():
            http = PageClient(app).sign_in(READER).http
        for page in PAGES:
            pages = [Page(app, http, f"/rounds/{round_id}/{page}") for round_id in round_ids]
            for each in pages:
                each.ask()  # warm
                each.took.clear()
            for _ in range(ROUNDS):
                for each in pages:
                    each.ask()
            small, large = (each.median / size for each, size in zip(pages, sizes, strict=True))
            met = large <= MOST_RATIO * small and pages[0].queries == pages[1].queries
            all_met = all_met and met
            for each, size in zip(pages, sizes, strict=True):
                print(
                    f"{page:12} {size:>4} proposals: {1000 * each.median:7.1f} ms, "
                    f"{1000 * each.median / size:5.2f} ms each, {each.queries} queries"
                )
            print(f"{'met   ' if met else 'MISSED'} {large / small:.2f} × per proposal shown, target {MOST_RATIO}")
    return 0 if all_met else 1


if __name__ == "__main__":
    sys.exit(main())
