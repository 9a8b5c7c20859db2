"""The reconciliation page of a quarter at 100,000 ledger lines against the same page at 1,000, in the same run.

    python -m benchmarks.bench_reconciliation_page [--lines 100000] [--runs 30]

Each size is a database of its own with the same fundings; its lines are put in through the book as an import does,
most of them placed, some left out, some waiting. The two pages are asked for in turn by a signed-in finance officer.
Target: at most 1.5 times the time, and the same number of queries. Exit code 1 when it is missed.
"""

import argparse
import datetime as dt
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from flask import Flask
from flask.testing import FlaskClient

import config

SMALL, TIMES = 1_000, 1.5
BATCH = 1_000
TODAY = dt.date(2025, 7, 16)
OFFICER = "finance.officer@dorset.example"
KINDS = 20  # of every twenty lines 17 are placed, and one each is left out, waits, is income


def make(folder: Path, lines: int) -> Flask:
    """An application over a database with so many lines in quarter 1."""
    from flask_migrate import upgrade

    from svd_tracker.app import create_app
    from svd_tracker.extensions import db
    from tests.support import world

    values = config.load({"SVD_ENV": "demo", "SVD_INSTANCE": str(folder), "SVD_SECRET_KEY": "of the benchmark alone"})
    app = create_app({**values, "TODAY": TODAY, "TESTING": True, "WTF_CSRF_ENABLED": False})
    with app.app_context():
        upgrade()
        db.session.remove()
    world.seed(app)
    with app.app_context():
        put_lines(lines)
        db.session.commit()
    return app


def put_lines(count: int) -> None:
    from sqlalchemy import insert

    from svd_tracker.db import insert_rows
    from svd_tracker.extensions import db
    from svd_tracker.finance.intake.models import LedgerLine, LedgerLineText, Outcome
    from svd_tracker.finance.ledger import lock_ledger
    from svd_tracker.finance.placing.book import Belongs, Book, LineFacts, Part
    from tests.integration.finance.money_rows import make_funding
    from tests.integration.finance.placing_rows import make_upload
    from tests.support.money import holder, make_grant
    from tests.support.world import act

    grant = make_grant()
    fundings = [make_funding(grant, 5_000_00, title=f"Intervention {number}").id for number in range(12)]
    upload = make_upload(lines=count)
    upload_id, holder_id = upload.id, holder("dorset").id
    lock_ledger(holder_id)
    book = Book(act(on=TODAY), holder_id)
    for start in range(0, count, BATCH):
        rows = [line_row(number, holder_id, upload_id) for number in range(start, min(count, start + BATCH))]
        ids = list(db.session.scalars(insert(LedgerLine).returning(LedgerLine.id, sort_by_parameter_order=True), rows))
        texts = [{"line_id": line_id, "supplier": "Supplier", "description": "What for"} for line_id in ids]
        insert_rows(db.session(), LedgerLineText, texts)
        items = []
        for line_id, row in zip(ids, rows, strict=True):
            number, pence = row["row_no"], row["cost_pence"]
            facts = LineFacts(line_id, 2025, 1, pence, 0, row["posted_on"], row["document"], False, upload_id, number)
            kind = number % KINDS
            outcome = {0: Outcome.LEFT_OUT, 1: Outcome.WAITING, 2: Outcome.GRANT_INCOME}.get(kind, Outcome.PLACED)
            parts = (Part(pence, fundings[number % len(fundings)]),) if outcome is Outcome.PLACED else ()
            items.append((facts, Belongs(outcome, 2025, 1, parts, f"Reason {number % 5}" if kind == 0 else "")))
        book.put(items)
    book.close()


def line_row(number: int, holder_id: int, upload_id: int) -> dict[str, Any]:
    month = number % 3
    return {
        "holder_id": holder_id, "upload_id": upload_id, "row_no": number, "posted_on": dt.date(2025, 4 + month, 10),
        "fy": 2025, "period": 1 + month, "document": f"INV-{number}", "cost_centre": "C100", "account": "4001",
        "project": "", "funding_ref": "", "net_pence": 100 + number % 977, "vat_pence": 0,
        "cost_pence": 100 + number % 977, "refund": False, "accrual": False, "signature": f"{number:032d}",
        "occurrence": 1,
    }  # fmt: skip


def signed_in(app: Flask) -> FlaskClient:
    from tests.support.client import PageClient

    with app.app_context():
        return PageClient(app).sign_in(OFFICER).http


def ask(client: FlaskClient, url: str) -> tuple[float, int]:
    """The seconds that the page takes, and its bytes."""
    start = time.perf_counter()
    response = client.get(url)
    took = time.perf_counter() - start
    if response.status_code != 200:
        raise SystemExit(f"{url} answered {response.status_code}")
    return took, len(response.data)


def count_queries(app: Flask, client: FlaskClient, url: str) -> int:
    from sqlalchemy import event

    from svd_tracker.extensions import db

    asked: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        asked.append(statement)

    with app.app_context():
        engine = db.engine
    event.listen(engine, "before_cursor_execute", note)
    client.get(url)
    event.remove(engine, "before_cursor_execute", note)
    return len(asked)


def main() -> int:
    parser = argparse.ArgumentParser(description="Time the reconciliation page at two sizes of ledger.")
    parser.add_argument("--lines", type=int, default=100_000)
    parser.add_argument("--runs", type=int, default=30)
    given = parser.parse_args()
    url = "/finance/1/2025/1/reconciliation"
    with tempfile.TemporaryDirectory(prefix="svd-bench-") as name:
        sizes = (SMALL, given.lines)
        apps = {size: make(Path(name) / str(size), size) for size in sizes}
        clients = {size: signed_in(app) for size, app in apps.items()}
        took: dict[int, list[float]] = {size: [] for size in sizes}
        for _ in range(3):
            for size in sizes:
                ask(clients[size], url)
        for _ in range(given.runs):
            for size in sizes:
                took[size].append(ask(clients[size], url)[0])
        queries = {size: count_queries(apps[size], clients[size], url) for size in sizes}
    medians = {size: statistics.median(times) for size, times in took.items()}
    for size in sizes:
        print(f"{size:>9,} lines   {1000 * medians[size]:7.1f} ms   {queries[size]} queries")
    ratio = medians[given.lines] / medians[SMALL]
    met = ratio <= TIMES and len(set(queries.values())) == 1
    print(f"{'met   ' if met else 'MISSED'} {ratio:.2f} times, target {TIMES}")
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
