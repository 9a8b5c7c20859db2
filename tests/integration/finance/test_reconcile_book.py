"""Random lines, placements, moves and withdrawals: the movements, the entries and the statement always agree."""

import datetime as dt
from collections import Counter
from dataclasses import dataclass, field

import pytest
from flask import Flask
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select

from svd_tracker.calculations.figures import EntryKind
from svd_tracker.calculations.ledger_facts import Lines
from svd_tracker.db import sum_pence
from svd_tracker.extensions import db
from svd_tracker.files.models import Upload
from svd_tracker.finance import services as finance
from svd_tracker.finance.intake.models import (
    Bucket,
    LedgerLine,
    LedgerLineText,
    LedgerMovement,
    Outcome,
    UploadWithdrawal,
)
from svd_tracker.finance.ledger import lock_ledger
from svd_tracker.finance.models import Funding, LedgerEntry
from svd_tracker.finance.placing.book import Belongs, Book, Part, facts_of, standing_of
from svd_tracker.finance.reconcile import queries
from svd_tracker.finance.reconcile.line_lists import Show, Wanted, list_lines
from svd_tracker.money import share_out
from tests.integration.finance.money_rows import make_funding
from tests.integration.finance.placing_rows import make_match, make_upload, owner
from tests.support.money import make_grant
from tests.support.world import act

pytestmark = pytest.mark.db

YEAR = 2025
NOW = dt.date(2026, 5, 1)
SHOWS = {
    Bucket.MATCH: Show.MATCH,
    Bucket.LOCAL: Show.LOCAL,
    Bucket.LEFT_OUT: Show.LEFT_OUT,
    Bucket.GRANT_INCOME: Show.GRANT_INCOME,
    Bucket.MATCH_INCOME: Show.MATCH_INCOME,
    Bucket.CARRIED: Show.CARRIED,
    Bucket.WAITING: Show.WAITING,
}


@dataclass(frozen=True)
class Going:
    """Where a line goes: of a placed one the weights of its payers, and how many quarters back it counts."""

    outcome: Outcome
    weights: tuple[int, ...]
    back: int
    reason: str


@dataclass
class Years:
    """Two fundings of the year, one of the year before, a match."""

    fundings: list[int]
    old: int
    match: int
    uploads: list[Upload] = field(default_factory=list)
    lines: list[LedgerLine] = field(default_factory=list)
    came: int = 0


going = st.builds(
    Going,
    st.sampled_from([Outcome.PLACED, Outcome.PLACED, *Outcome]),
    st.tuples(*[st.integers(0, 3)] * 4).filter(any),
    st.integers(0, 4),
    st.sampled_from(["Recharge", "Not of this grant", "x" * 300]),
)
pence = st.integers(-50_000_00, 50_000_00).filter(bool)
steps = st.lists(
    st.one_of(
        st.tuples(st.just("come"), pence, st.integers(1, 16), st.booleans(), going),
        st.tuples(st.just("move"), st.integers(0, 50), going),
        st.tuples(st.just("withdraw"), st.integers(0, 5)),
        st.tuples(st.just("type"), pence, st.sampled_from([EntryKind.ACTUAL, EntryKind.ACCRUAL, EntryKind.JOURNAL])),
    ),
    max_size=12,
)


def belongs(years: Years, line: LedgerLine, to: Going) -> Belongs:
    fy, quarter = line.fy, line.quarter
    if to.outcome is not Outcome.PLACED:
        return Belongs(to.outcome, fy, quarter, reason=to.reason)
    old = to.back >= quarter
    placed = (fy - 1, 4) if old else (fy, quarter - to.back)
    first, second = (years.old, years.old) if old else years.fundings
    payers = ((first, None), (second, None), (None, years.match), (None, None))
    shares = share_out(line.cost_pence, list(to.weights))
    parts = tuple(Part(share, *payer) for share, payer in zip(shares, payers, strict=True) if share)
    return Belongs(Outcome.PLACED, *placed, parts=parts, reason=to.reason)


def come(years: Years, amount: int, period: int, accrual: bool, to: Going) -> None:
    if years.came % 3 == 0 or not years.uploads:
        years.uploads.append(make_upload(name=f"{years.came}.csv"))
    years.came += 1
    number = years.came
    upload = years.uploads[-1]
    line = LedgerLine(
        holder_id=upload.holder_id, upload_id=upload.id, row_no=number, posted_on=dt.date(2025, 5, 6), fy=YEAR,
        period=period, document=f"INV-{number}", cost_centre="C100", account="4001", project="", funding_ref="",
        net_pence=amount, vat_pence=0, cost_pence=amount, refund=False, accrual=accrual,
        signature=f"{number:032d}", occurrence=1,
    )  # fmt: skip
    db.session.add(line)
    db.session.flush()
    db.session.add(LedgerLineText(line_id=line.id, supplier="Harbour", description=""))
    db.session.flush()
    years.lines.append(line)
    book = Book(act(on=NOW), line.holder_id)
    book.put([(facts_of(line), belongs(years, line, to))])
    book.close()


def move(years: Years, number: int, to: Going) -> None:
    if not years.lines:
        return
    line = years.lines[number % len(years.lines)]
    book = Book(act(on=NOW), line.holder_id)
    book.move([(facts_of(line), standing_of([line])[line.id], belongs(years, line, to))], "Moved")
    book.close()


def withdraw(years: Years, number: int) -> None:
    if not years.uploads:
        return
    upload = years.uploads.pop(number % len(years.uploads))
    lines = [line for line in years.lines if line.upload_id == upload.id]
    years.lines = [line for line in years.lines if line.upload_id != upload.id]
    book = Book(act(on=NOW), upload.holder_id)
    standing = standing_of(lines)
    book.take_back([(facts_of(line), standing[line.id]) for line in lines], "Wrong file")
    book.close()
    db.session.add(UploadWithdrawal(upload_id=upload.id, reason="Wrong file", recorded_at=act().at, recorded_by=None))
    db.session.flush()


def type_in(years: Years, amount: int, kind: EntryKind) -> None:
    funding = db.session.get_one(Funding, years.fundings[0])
    finance.post_entry(
        act(on=NOW), funding, kind=kind, spent_on=dt.date(2025, 5, 6), document="INV-1", pence=amount, reason="Typed",
        another_cost=True,
    )  # fmt: skip


def where_lines_are(years: Years) -> Counter[tuple[object, ...]]:
    """Pence by (own quarter, bucket, funding, year and quarter in which it counts), from the newest placements."""
    found: Counter[tuple[object, ...]] = Counter()
    for line in years.lines:
        at = standing_of([line])[line.id].belongs
        counts = (at.fy, at.quarter)
        if at.outcome is Outcome.PLACED:
            for part in at.parts:
                found[line.quarter, part.bucket, part.funding_id, *counts] += part.pence
        else:
            found[line.quarter, Bucket(at.outcome.value), None, *counts] += line.cost_pence
    return found


def check(years: Years) -> None:
    holder = owner()
    expected = where_lines_are(years)
    rows = db.session.execute(
        select(
            LedgerMovement.quarter,
            LedgerMovement.bucket,
            LedgerMovement.funding_id,
            LedgerMovement.placed_fy,
            LedgerMovement.placed_quarter,
            sum_pence(LedgerMovement.pence),
        ).group_by(
            LedgerMovement.quarter,
            LedgerMovement.bucket,
            LedgerMovement.funding_id,
            LedgerMovement.placed_fy,
            LedgerMovement.placed_quarter,
        )
    )
    assert {tuple(row[:5]): row[5] for row in rows if row[5]} == {key: each for key, each in expected.items() if each}
    of_lines = db.session.execute(
        select(LedgerEntry.funding_id, LedgerEntry.fy, LedgerEntry.quarter, sum_pence(LedgerEntry.pence))
        .where(LedgerEntry.placement_id.is_not(None))
        .group_by(LedgerEntry.funding_id, LedgerEntry.fy, LedgerEntry.quarter)
    )
    placed: Counter[tuple[object, ...]] = Counter()
    for (_, bucket, funding_id, fy, quarter), amount in expected.items():
        if bucket is Bucket.FUNDING:
            placed[funding_id, fy, quarter] += amount
    assert {tuple(row[:3]): row[3] for row in of_lines if row[3]} == {key: each for key, each in placed.items() if each}
    for fy in (YEAR, YEAR - 1):
        for statement in queries.read_year(holder, fy).statements((1, 2, 3, 4), NOW, {}):
            own = [line for line in years.lines if (line.fy, line.quarter) == (fy, statement.quarter)]
            assert statement.ledger.total == Lines(len(own), sum(line.cost_pence for line in own))
            assert statement.ledger.unexplained == 0
            assert not any(each.gap == "unexplained" for each in statement.gaps)
            posted = db.session.scalar(
                select(sum_pence(LedgerEntry.pence)).where(
                    LedgerEntry.fy == fy, LedgerEntry.quarter == statement.quarter
                )
            )
            assert sum(grant.spent for grant in statement.grants) == posted
    check_lists(holder.id, expected)


def check_lists(holder_id: int, expected: Counter[tuple[object, ...]]) -> None:
    """The lists behind the figures of each quarter come to the figures."""
    for quarter in (1, 2, 3, 4):
        for bucket, show in SHOWS.items():
            pence_in = sum(each for key, each in expected.items() if key[:2] == (quarter, bucket))
            assert list_lines(holder_id, YEAR, quarter, Wanted(show)).pence == pence_in
        to_fundings = [(key, each) for key, each in expected.items() if key[1] is Bucket.FUNDING]
        own = [(key, each) for key, each in to_fundings if key[0] == quarter]
        here = sum(each for key, each in own if key[3:] == (YEAR, quarter))
        other = sum(each for key, each in to_fundings if key[3:] == (YEAR, quarter) and key[0] != quarter)
        assert list_lines(holder_id, YEAR, quarter, Wanted(Show.HERE)).pence == here
        elsewhere = sum(each for _, each in own) - here
        assert list_lines(holder_id, YEAR, quarter, Wanted(Show.ELSEWHERE)).pence == elsewhere
        assert list_lines(holder_id, YEAR, quarter, Wanted(Show.OTHER_PERIODS)).pence == other


def test_random_histories_of_a_ledger_always_add_up(app: Flask) -> None:
    grant = make_grant()
    first, second = make_funding(grant), make_funding(grant, title="Specialist nurse")
    old = make_funding(make_grant(2024), fy=2024)
    ids = ([first.id, second.id], old.id, make_match(first).id)
    holder_id = owner().id
    counted = []

    @settings(
        max_examples=25,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        derandomize=True,
        phases=[Phase.generate],  # an example costs many queries: the first that fails is shown as it came
    )
    @given(steps)
    def history(taken: list[tuple[object, ...]]) -> None:
        db.session.rollback()
        years = Years(list(ids[0]), ids[1], ids[2])
        lock_ledger(holder_id)
        verbs = {"come": come, "move": move, "withdraw": withdraw, "type": type_in}
        for verb, *given_ in taken:
            verbs[str(verb)](years, *given_)  # type: ignore[operator]
        check(years)
        counted.append(db.session.scalar(select(func.count()).select_from(LedgerMovement)) or 0)
        db.session.rollback()

    history()
    assert max(counted) > 5, "the histories did something"
