"""Times taking in a ledger file against a bulk insert of the same ready rows into the same tables, in the same run.

    python -m benchmarks.bench_ledger_import [--runs 3] [--sizes 1000,10000,100000]

Rules, duplicates and findings are on: twenty rules place the lines, a tenth of them came with an earlier file, some
stand twice, some wait. Of an XLSX the floor is reading its cells by openpyxl and the bulk insert. Peak memory is
measured in runs of its own, because measuring slows.
"""

import argparse
import csv
import datetime as dt
import io
import os
import shutil
import statistics
import sys
import tempfile
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

SIZES = (1_000, 10_000, 100_000)
MOST_CSV, MOST_XLSX, MOST_MORE_MB = 3.0, 1.6, 60.0
HEADINGS = ("Posting date", "Period", "Document no", "Cost centre", "Account", "Supplier", "Description", "Net amount")
FIRST_DAY = dt.date(2025, 4, 1)
TODAY = dt.date(2025, 7, 10)
Rows = list[dict[str, Any]]


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    arguments.add_argument("--runs", type=int, default=3)
    arguments.add_argument("--sizes", default=",".join(map(str, SIZES)))
    given = arguments.parse_args()
    with tempfile.TemporaryDirectory(prefix="svd-bench-") as folder:
        return _compare(Path(folder), given.runs, [int(each) for each in given.sizes.split(",")])


def _compare(folder: Path, runs: int, sizes: list[int]) -> int:
    os.environ.update(SVD_ENV="demo", SVD_INSTANCE=str(folder))
    from svd_tracker.app import create_app

    app = create_app()
    with app.app_context():
        _prepare()
        print(f"Python {sys.version.split()[0]}, SQLite, {runs} runs, medians\n")
        print("  lines  kind   import s   floor s   import/floor   peak MB")
        missed, peaks = 0, {}
        for kind, most in (("csv", MOST_CSV), ("xlsx", MOST_XLSX)):
            for size in sizes:
                ratio, peaks[kind, size] = _measure(kind, size, runs)
                missed += ratio > most
    for kind in ("csv", "xlsx"):
        if {10_000, 100_000} <= set(sizes):
            missed += peaks[kind, 100_000] > peaks[kind, 10_000] + MOST_MORE_MB
    print(
        f"\nWanted: CSV at most {MOST_CSV}x a bulk insert of the ready rows; XLSX at most {MOST_XLSX}x reading it by "
        f"openpyxl and that; peak at 100,000 at most {MOST_MORE_MB:.0f} MB above 10,000."
        + (" MISSED" if missed else "")
    )
    return 1 if missed else 0


def _measure(kind: str, size: int, runs: int) -> tuple[float, float]:
    """One line of the table: the ratio to the floor, and the peak."""
    content, earlier = _file(kind, size), _csv(_lines(size // 10))
    bench = _Bench(content, kind, earlier)
    ready = bench.ready_rows()

    def floor() -> None:
        if kind == "xlsx":
            _read_by_openpyxl(content)
        bench.insert(ready)

    pairs = []
    for _ in range(runs):
        bench.reset()
        imported = _seconds(bench.take_in)
        bench.reset()
        pairs.append((imported, _seconds(floor)))
    bench.reset()
    peak = _peak(bench.take_in)
    ratio = statistics.median(one / other for one, other in pairs)
    print(
        f"{size:7,}  {kind:4}   {statistics.median(one for one, _ in pairs):8.3f}   "
        f"{statistics.median(other for _, other in pairs):7.3f}   {ratio:12.2f}   {peak:7.1f}",
        flush=True,
    )
    return ratio, peak


class _Bench:
    """A database with an earlier file in it, put back before each run."""

    def __init__(self, content: bytes, kind: str, earlier: bytes) -> None:
        from svd_tracker.extensions import db

        self.path = Path(db.engine.url.database or "")
        self.clean, self.begun = self.path.with_suffix(".clean"), self.path.with_suffix(".begun")
        if not self.clean.exists():
            self._copy(self.path, self.clean)
        self._copy(self.clean, self.path)
        self._receive(earlier, "earlier.csv")
        self.take_in()
        self._receive(content, f"ledger.{kind}")
        self._copy(self.path, self.begun)

    def reset(self) -> None:
        self._copy(self.begun, self.path)

    def take_in(self) -> None:
        from svd_tracker.demo.load_year import the_holder
        from svd_tracker.demo.story import act
        from svd_tracker.extensions import db
        from svd_tracker.files.models import UploadState
        from svd_tracker.files.queries import get_file
        from svd_tracker.finance.intake.mappings import mappings
        from svd_tracker.finance.intake.take_in import take_in

        holder = the_holder("dorset")
        upload = take_in(act(None, TODAY), holder, get_file(self.file_id), mappings(holder.id)[0])
        db.session.commit()
        if upload.state is not UploadState.TAKEN_IN:
            raise RuntimeError("the file of the benchmark was refused")

    def ready_rows(self) -> dict[str, Rows]:
        """What one import writes, by table, read back from the database."""
        from sqlalchemy import select

        from svd_tracker.extensions import db

        before = self._newest()
        self.take_in()
        found: dict[str, Rows] = {}
        for name, newest in before.items():
            table = db.metadata.tables[name]
            key = next(iter(table.primary_key.columns))
            rows = db.session.execute(select(table).where(key > newest).order_by(key)).mappings()
            found[name] = [dict(row) for row in rows]
        db.session.rollback()
        return found

    def insert(self, ready: dict[str, Rows]) -> None:
        """The floor: the ready rows, each table at one go, in one transaction."""
        from sqlalchemy import insert

        from svd_tracker.extensions import db

        with db.engine.begin() as connection:
            for name, rows in ready.items():
                if rows:
                    connection.execute(insert(db.metadata.tables[name]), rows)

    def _newest(self) -> dict[str, int]:
        from sqlalchemy import func, select

        from svd_tracker.extensions import db

        tables = (
            "upload",
            "ledger_line",
            "ledger_line_text",
            "placement",
            "placement_part",
            "ledger_entry",
            "queue_line",
            "ledger_movement",
            "upload_known",
            "upload_finding",
        )
        found = {}
        for name in tables:
            key = next(iter(db.metadata.tables[name].primary_key.columns))
            found[name] = db.session.scalar(select(func.coalesce(func.max(key), 0))) or 0
        db.session.rollback()
        return found

    def _receive(self, content: bytes, name: str) -> None:
        from svd_tracker.demo.load_year import the_holder
        from svd_tracker.demo.story import act
        from svd_tracker.extensions import db
        from svd_tracker.finance.intake.receive import receive_file

        self.file_id = receive_file(act(None, TODAY), the_holder("dorset"), name, content).id
        db.session.commit()

    def _copy(self, source: Path, target: Path) -> None:
        from svd_tracker.extensions import db

        db.session.remove()
        db.engine.dispose()
        shutil.copyfile(source, target)


def _prepare() -> None:
    """The demonstration's bodies and grant, twelve fundings, twenty rules, a mapping, some typed entries."""
    from flask import current_app

    from svd_tracker.calculations.figures import Category, EntryKind
    from svd_tracker.calculations.placing import RuleKind, RuleOutcome, RulePart, RuleTests
    from svd_tracker.demo import load_year
    from svd_tracker.demo.story import YEAR, act
    from svd_tracker.extensions import db
    from svd_tracker.finance import queries as finance
    from svd_tracker.finance import services as finance_services
    from svd_tracker.finance.intake.mappings import save_mapping
    from svd_tracker.finance.placing.rules_store import save_rule
    from svd_tracker.interventions.models import InterventionKind
    from svd_tracker.interventions.services import add_intervention
    from svd_tracker.readers.ledger_layout import Layout, guess
    from svd_tracker.web.cli import bring_up_to_date

    bring_up_to_date(current_app)
    load_year.load_bodies()
    load_year.load_grant()
    doing, holder = act(None, TODAY), load_year.the_holder("dorset")
    for number in range(1, 13):
        title = f"Intervention {number}"
        add_intervention(holder.area_id, InterventionKind.PROJECT, title, act(None, FIRST_DAY), ref=f"BEN-{number:02d}")
    db.session.commit()
    for number in range(1, 13):
        category = "labour" if number <= 4 else "non_labour"
        load_year.fund_directly(
            YEAR, "dorset", f"BEN-{number:02d}", category, 1_000_000, minute_ref="Minute 1", reason="Benchmark"
        )
    db.session.commit()
    fundings = finance.fundings(holder.id, YEAR)
    for number in range(20):
        one, other = fundings[number % 12], fundings[(number + 1) % 12]
        parts = [RulePart(one.intervention_id, Category(one.category), 3)]
        if number % 5 == 0:
            parts.append(RulePart(other.intervention_id, Category(other.category), 2))
        tests = RuleTests(cost_centre=f"C{number:02d}*", text="work" if number % 2 else "")
        outcome = RuleOutcome(RuleKind.PLACED, tuple(parts))
        if number == 19:
            outcome = RuleOutcome(RuleKind.LEFT_OUT, reason="Overheads")
        save_rule(doing, holder, title=f"Rule {number}", priority=number + 1, tests=tests, outcome=outcome)
    for number in range(20):
        funding = finance.get_funding(fundings[number % 12].id)
        finance_services.post_entry(
            doing, funding, kind=EntryKind.ACTUAL, spent_on=FIRST_DAY, document=f"TYPED-{number}", pence=1_00
        )
    save_mapping(doing, holder, "Extract", Layout(HEADINGS, guess(HEADINGS, ()).columns))
    db.session.commit()


def _lines(count: int) -> list[tuple[str, ...]]:
    """Lines of 22 cost centres (two of which no rule places), every fiftieth a twin of the one before."""
    found: list[tuple[str, ...]] = []
    for number in range(count):
        if number % 50 == 49:
            found.append(found[-1])
            continue
        day = FIRST_DAY + dt.timedelta(days=number % 90)
        document = f"TYPED-{number % 20}" if number % 1000 == 7 else f"51{number:06d}"
        found.append(
            (
                day.strftime("%d/%m/%Y"),
                str(day.month - 3),
                document,
                f"C{number % 22:02d}0",
                f"{4300 + number % 40}",
                f"Supplier {number % 300}",
                f"Work for the programme, part {number % 700}",
                f"{(number % 9000) + 1:,}.{number % 100:02d}",
            )
        )
    return found


def _file(kind: str, size: int) -> bytes:
    return _csv(_lines(size)) if kind == "csv" else _xlsx(_lines(size))


def _csv(lines: list[tuple[str, ...]]) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text).writerows([HEADINGS, *lines])
    return text.getvalue().encode()


def _xlsx(lines: list[tuple[str, ...]]) -> bytes:
    from openpyxl import Workbook

    workbook = Workbook(write_only=True)
    sheet = workbook.create_sheet("Ledger")
    sheet.append(HEADINGS)
    for day, period, *codes, amount in lines:
        posted = dt.date(int(day[6:]), int(day[3:5]), int(day[:2]))
        sheet.append([posted, int(period), *codes, float(amount.replace(",", ""))])
    target = io.BytesIO()
    workbook.save(target)
    return target.getvalue()


def _read_by_openpyxl(content: bytes) -> None:
    from openpyxl import load_workbook

    book = load_workbook(io.BytesIO(content), read_only=True)
    for _ in book.worksheets[0].iter_rows(values_only=True):
        pass


def _seconds(what: Callable[[], None]) -> float:
    started = time.perf_counter()
    what()
    return time.perf_counter() - started


def _peak(what: Callable[[], None]) -> float:
    """The most that Python held at once above the start, in MB."""
    tracemalloc.start()
    try:
        what()
        return tracemalloc.get_traced_memory()[1] / 1_000_000
    finally:
        tracemalloc.stop()


if __name__ == "__main__":
    sys.exit(main())
