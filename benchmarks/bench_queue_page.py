"""The page of waiting ledger lines with 1,000 and with 100,000 lines in the ledger, in the same run.

    python -m benchmarks.bench_queue_page

Makes two ledgers in folders of their own, a twentieth of each waiting, signs in as a finance officer and asks for the
queue of both in turn. Target: with 100,000 lines the page takes at most 1.5 times what it takes with 1,000, the
medians compared, and as many queries. Exit code 1 when that is missed.
"""

import argparse
import statistics
import sys
import tempfile
import time
from datetime import date
from pathlib import Path
from typing import Any

from flask import Flask
from sqlalchemy import event, insert

import config

SMALL, LARGE = 1_000, 100_000
WAITING = 20  # every twentieth line
BATCH = 5_000
ROUNDS = 40
MOST_RATIO = 1.5
TODAY = date(2025, 7, 16)
OFFICER = "finance.officer@dorset.example"


def make_app(folder: Path) -> Flask:
    from svd_tracker.app import create_app

    values = config.load({"SVD_ENV": "demo", "SVD_INSTANCE": str(folder), "SVD_SECRET_KEY": "of the benchmark alone"})
    return create_app({**values, "TODAY": TODAY})


def make_ledger(app: Flask, lines: int) -> int:
    """The world of the tests with a ledger of so many lines, placed through the book; the holder's id."""
    from flask_migrate import upgrade

    from svd_tracker.extensions import db
    from svd_tracker.finance.intake.models import LedgerLine, LedgerLineText, Outcome
    from svd_tracker.finance.ledger import lock_ledger
    from svd_tracker.finance.placing.book import Belongs, Book, LineFacts, Part
    from tests.integration.finance.money_rows import make_funding
    from tests.integration.finance.placing_rows import make_upload
    from tests.support import world
    from tests.support.money import make_grant

    with app.app_context():
        upgrade()
        db.session.remove()
    world.seed(app)
    with app.app_context():
        funding = make_funding(make_grant())
        upload = make_upload(lines=lines)
        lock_ledger(upload.holder_id)
        for start in range(0, lines, BATCH):
            numbers = range(start + 1, min(start + BATCH, lines) + 1)
            rows = [_line(number, upload.holder_id, upload.id) for number in numbers]
            db.session.execute(insert(LedgerLine), rows)
            texts = [
                {"line_id": number, "supplier": f"Supplier {number % 500}", "description": f"Sessions {number}"}
                for number in numbers
            ]
            db.session.execute(insert(LedgerLineText), texts)
            book = Book(world.act(), upload.holder_id)
            items = []
            for row in rows:
                facts = LineFacts(row["id"], 2025, 1, row["cost_pence"], 0, row["posted_on"], row["document"], False,
                                  upload.id, row["row_no"])  # fmt: skip
                if row["id"] % WAITING == 0:
                    belongs = Belongs(Outcome.WAITING, 2025, 1)
                else:
                    belongs = Belongs(Outcome.PLACED, 2025, 1, (Part(row["cost_pence"], funding.id),))
                items.append((facts, belongs))
            book.put(items)
            book.close()
        db.session.commit()
        return upload.holder_id


def _line(number: int, holder_id: int, upload_id: int) -> dict[str, Any]:
    return {
        "id": number,
        "holder_id": holder_id,
        "upload_id": upload_id,
        "row_no": number + 1,
        "posted_on": date(2025, 4 + number % 3, 1 + number % 28),
        "fy": 2025,
        "period": 1 + number % 3,
        "document": f"INV-{number}",
        "cost_centre": f"C{number % 40}",
        "account": f"4{number % 60:03d}",
        "project": "",
        "funding_ref": "",
        "net_pence": 1_000 + number,
        "vat_pence": 0,
        "cost_pence": 1_000 + number,
        "refund": False,
        "accrual": False,
        "signature": f"{number:032d}",
        "occurrence": 1,
    }


class Page:
    """One ledger's queue, asked for by a signed-in officer."""

    def __init__(self, folder: Path, lines: int) -> None:
        from svd_tracker.extensions import db
        from tests.support.client import PageClient

        self.app = make_app(folder)
        self.url = f"/finance/{make_ledger(self.app, lines)}/queue"
        self.lines, self.queries, self.took = lines, 0, list[float]()
        with self.app.app_context():
            self.http = PageClient(self.app).sign_in(OFFICER).http
            event.listen(db.engine, "before_cursor_execute", self._count)

    def ask(self) -> None:
        self.queries = 0
        start = time.perf_counter()
        answer = self.http.get(self.url)
        self.took.append(time.perf_counter() - start)
        if answer.status_code != 200 or f"{self.lines // WAITING:,}".encode() not in answer.data:
            raise SystemExit(f"{self.url} answered {answer.status_code}, not the queue")

    @property
    def median(self) -> float:
        return statistics.median(self.took)

    def _count(self, _connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        self.queries += not statement.startswith(("PRAGMA", "BEGIN"))


def main() -> int:
    parser = argparse.ArgumentParser(description="Time the queue of waiting lines with a short and a long ledger.")
    parser.add_argument("--lines", type=int, default=LARGE, help="of the long ledger")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as one, tempfile.TemporaryDirectory() as other:
        pages = [Page(Path(one), SMALL), Page(Path(other), given.lines)]
        for page in pages:
            page.ask()  # warm
            page.took.clear()
        for _ in range(ROUNDS):
            for page in pages:
                page.ask()
    for page in pages:
        print(
            f"{page.lines:>7,} lines, {page.lines // WAITING:>5,} waiting: {1000 * page.median:6.1f} ms, "
            f"{page.queries} queries"
        )
    ratio = pages[1].median / pages[0].median
    met = ratio <= MOST_RATIO and pages[0].queries == pages[1].queries
    print(f"{'met   ' if met else 'MISSED'} ratio {ratio:.2f}, target {MOST_RATIO}")
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
