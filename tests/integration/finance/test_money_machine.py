"""Random sequences of everything that moves money, on both databases: no ceiling breaks, every total is its lines' sum.

Awards and cuts, direct decisions, virements, typed entries, imports, placing, withdrawals, reversals and returns, in
any order that the services allow. What they refuse is refused whole.
"""

import datetime as dt
import random
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test
from sqlalchemy import func, select
from sqlalchemy.orm import selectinload

from svd_tracker import db as database
from svd_tracker.accounts import queries as accounts
from svd_tracker.calculations.figures import Category, EntryKind, ReturnFigures
from svd_tracker.calculations.moves import Shift
from svd_tracker.calculations.nil import is_nil
from svd_tracker.calculations.placing import RuleKind, RuleOutcome, RulePart, RuleTests
from svd_tracker.db import sum_pence
from svd_tracker.errors import Refused
from svd_tracker.extensions import db
from svd_tracker.files.models import Upload, UploadState
from svd_tracker.finance import figures, ledger_list, queries
from svd_tracker.finance import services as finance
from svd_tracker.finance.intake import mappings
from svd_tracker.finance.intake.models import (
    Bucket,
    LedgerLine,
    LedgerMovement,
    Outcome,
    Placement,
    QueueLine,
    SharingMethod,
    UploadWithdrawal,
)
from svd_tracker.finance.intake.receive import receive_file
from svd_tracker.finance.intake.take_in import take_in
from svd_tracker.finance.intake.withdraw import withdraw
from svd_tracker.finance.match_services import promise
from svd_tracker.finance.models import Funding, LedgerEntry, MatchKind
from svd_tracker.finance.moves import queries as move_queries
from svd_tracker.finance.moves import services as moves
from svd_tracker.finance.moves.services import Decided
from svd_tracker.finance.placing import rules_store
from svd_tracker.finance.placing import services as placing
from svd_tracker.finance.placing.applying import another_cost, apply_rules
from svd_tracker.finance.placing.book import Part
from svd_tracker.finance.placing.services import When
from svd_tracker.finance.placing.settling import settle_with
from svd_tracker.finance.placing.sharing import set_sharing
from svd_tracker.grants import queries as grant_queries
from svd_tracker.grants import services as grants
from svd_tracker.interventions import queries as intervention_queries
from svd_tracker.interventions import services as interventions
from svd_tracker.periods import add_working_days, quarter_end, quarter_start
from svd_tracker.readers.ledger_layout import Layout
from svd_tracker.returns import queries as returns
from svd_tracker.returns.certify import certify_return
from svd_tracker.returns.obligations import ensure_obligations
from svd_tracker.returns.services import check_return
from tests.integration.finance.money_rows import make_funding
from tests.integration.returns.year import POST, by, drafted_with_reasons, figures_of, obligation
from tests.support.chains import assert_chains_whole
from tests.support.money import holder, make_approval, make_grant
from tests.support.stores import Store
from tests.support.world import act

pytestmark = pytest.mark.db
FY = 2025
OFFICER, COORDINATOR, OPCC = "finance.officer@dorset", "coordinator@dorset", "opcc.officer@opcc"
CENTRES = ("4010", "4020", "4030")  # of the three fundings, by rule; 9000 has none
LEDGER = Layout(
    ("Posting date", "Document no", "Document type", "Cost centre", "Amount"),
    {"posted_on": 0, "document": 1, "kind": 2, "cost_centre": 3, "net": 4},
)
AMOUNTS = st.sampled_from([1, 99, 12_345, 950_001, -3_333, 2_000_000])


class Money(RuleBasedStateMachine):
    """A year of the Dorset partnership with three fundings in two categories, from April until all is returned."""

    store: Store  # given by the test

    def __init__(self) -> None:
        super().__init__()
        self.store.reset()
        database.begin_writing()
        self.context = self.store.app.app_context()
        self.context.push()
        self.grant_id = make_grant().id
        grant = grant_queries.get_grant(self.grant_id)
        self.funding_ids = [
            make_funding(grant, 20_000_00, title="Specialist nurse", category=Category.LABOUR).id,
            make_funding(grant, 30_000_00, title="Level-Up").id,
            make_funding(grant, 10_000_00, title="High harm perpetrator tool").id,
        ]
        self.holder_id = holder("dorset").id
        for centre, funding_id in zip(CENTRES, self.funding_ids, strict=True):
            funding = queries.get_funding(funding_id)
            part = RulePart(funding.intervention_id, funding.category)
            outcome = RuleOutcome(RuleKind.PLACED, (part,))
            tests = RuleTests(cost_centre=centre)
            rules_store.save_rule(
                act(), holder("dorset"), title=f"Rule {centre}", priority=1, tests=tests, outcome=outcome
            )
        self.share_level_up()
        mappings.save_mapping(act(), holder("dorset"), "Ledger", LEDGER)
        ensure_obligations(act(), dt.date(FY, 4, 10))
        db.session.commit()
        self.certified: dict[int, tuple[int, ReturnFigures]] = {}
        self.lines: list[str] = []
        self.number = 0
        self.type_an_entry(1, 12_345, 1, accrual=True, eligible=False)
        self.take_in_lines([(0, 950_001, 4), (1, 12_345, 5), (2, 2_000_000, 6), (3, 99, 4), (1, -3_333, 6)], 0)
        assert len(standing_lines(self.holder_id)) == 5  # or the machine would have nothing to work on

    def share_level_up(self) -> None:
        """Two fifths of every Level-Up invoice are paid by match in cash."""
        intervention = queries.get_funding(self.funding_ids[1]).intervention
        line = interventions.ensure_plan_line(holder("dorset"), FY, intervention, act(), lead="Public health")
        giver = accounts.list_organisations(holder("dorset").area_id)[0]
        match = promise(act(), line, giver, MatchKind.CASH, "Match for Level-Up", 5_000_00, dt.date(FY, 4, 1))
        self.plan_line_id, self.match_id = line.id, match.id
        set_sharing(act(), line, SharingMethod.PER_CENT, match.id, 6_000, "The match agreement")

    def teardown(self) -> None:
        assert_chains_whole()
        db.session.remove()
        self.context.pop()

    @property
    def quarter(self) -> int:
        """The first quarter that is not returned yet."""
        return len(self.certified) + 1

    @property
    def on(self) -> dt.date:
        return add_working_days(quarter_end(FY, min(self.quarter, 4)), 12)

    def do(self, verb: Callable[..., Any], *given: Any, **more: Any) -> Any:
        """A verb and its commit; what it refuses is taken back whole, and None."""
        try:
            found = verb(*given, **more)
        except Refused:
            db.session.rollback()
            return None
        db.session.commit()
        return found

    def funding(self, which: int) -> Funding:
        return queries.get_funding(self.funding_ids[which % len(self.funding_ids)])

    @rule(
        which=st.integers(0, 2), pence=AMOUNTS, quarter=st.integers(1, 4), accrual=st.booleans(), eligible=st.booleans()
    )
    def post_entry(self, which: int, pence: int, quarter: int, accrual: bool, eligible: bool) -> None:
        self.type_an_entry(which, pence, quarter, accrual, eligible)

    def type_an_entry(self, which: int, pence: int, quarter: int, accrual: bool, eligible: bool) -> None:
        self.number += 1
        self.do(
            finance.post_entry,
            by(OFFICER, self.on),
            self.funding(which),
            kind=EntryKind.ACCRUAL if accrual else EntryKind.ACTUAL,
            spent_on=quarter_start(FY, min(quarter, self.quarter, 4)),
            document=f"TYPED-{self.number}",
            pence=pence,
            eligible=eligible,
            reason="" if eligible else "Hospitality",
        )

    @rule(chance=st.randoms())
    def reverse_entry(self, chance: random.Random) -> None:
        entries = db.session.scalars(
            select(LedgerEntry).where(LedgerEntry.placement_id.is_(None), LedgerEntry.kind != EntryKind.REVERSAL)
        ).all()
        if entries:
            self.do(finance.reverse_mistake, by(OFFICER, self.on), chance.choice(entries), "A mistake")

    @rule(category=st.sampled_from(list(Category)), pence=st.integers(0, 120_000_00))
    def set_award(self, category: Category, pence: int) -> None:
        grant = grant_queries.get_grant(self.grant_id)
        self.do(
            grants.set_award, grant, FY, category, pence, make_approval(pence), by(OPCC, self.on),
            effective_on=self.on, reason="Letter of the funder",
        )  # fmt: skip

    @rule(which=st.integers(0, 2), pence=st.integers(1, 5_000_00))
    def decide_directly(self, which: int, pence: int) -> None:
        funding = self.funding(which)
        open_quarters = [quarter for quarter in (1, 2, 3, 4) if quarter not in self.certified] or [4]
        self.do(
            finance.open_funding, by(COORDINATOR, self.on), intervention=funding.intervention,
            allocation=funding.allocation, pence=pence, profile=finance.even_profile(pence, open_quarters),
            approval=make_approval(pence), reason="More is needed", effective_on=self.on,
        )  # fmt: skip

    @rule(source=st.integers(0, 2), to=st.integers(0, 2), pence=st.integers(1, 9_000_00), approver=st.booleans())
    def virement(self, source: int, to: int, pence: int, approver: bool) -> None:
        quarter = min(self.quarter, 4)
        shifts = [Shift(self.funding_ids[source], quarter, -pence), Shift(self.funding_ids[to], quarter, pence)]
        before = self.grant_total()
        asked = self.do(
            moves.request_virement, by(OFFICER, self.on), holder=holder("dorset"),
            grant=grant_queries.get_grant(self.grant_id), fy=FY, shifts=shifts, reason="More sessions",
            funder_ref="HO/77",
        )  # fmt: skip
        if asked and approver:
            plan = move_queries.plan_virement(self.holder_id, self.grant_id, FY, shifts)
            decided = Decided("OPCC", self.on, "Letter 4")
            self.do(moves.approve_virement, by(OPCC, self.on), asked, decided, note="", versions_seen=plan.versions)
        assert self.grant_total() == before

    @rule(method=st.sampled_from(list(SharingMethod)))
    def share_otherwise(self, method: SharingMethod) -> None:
        line = intervention_queries.get_plan_line(self.plan_line_id)
        share = 7_500 if method is SharingMethod.PER_CENT else None
        match_id = None if method is SharingMethod.BY_LINE else self.match_id
        self.do(set_sharing, by(COORDINATOR, self.on), line, method, match_id, share, "Agreed anew")

    @rule(
        chosen=st.lists(st.tuples(st.integers(0, 3), AMOUNTS, st.integers(1, 12)), min_size=1, max_size=6),
        again=st.integers(0, 20),
    )
    def import_file(self, chosen: list[tuple[int, int, int]], again: int) -> None:
        self.take_in_lines(chosen, again)

    def take_in_lines(self, chosen: list[tuple[int, int, int]], again: int) -> None:
        """A ledger file: some lines of earlier ones again, and new ones; cost centre 9000 has no rule."""
        fresh = []
        for which, pence, month in chosen:
            self.number += 1
            day = dt.date(FY + (month < 4), month, 15)
            if day <= self.on:
                centre = (*CENTRES, "9000")[which]
                kind = "ACR" if self.number % 5 == 0 else "INV"
                # Some are the invoices of what was typed.
                document = f"TYPED-{self.number - 2}" if self.number % 3 == 0 else f"L-{self.number}"
                fresh.append(f"{day:%d/%m/%Y},{document},{kind},{centre},{pence / 100:.2f}")
        self.lines += fresh
        content = "\n".join([",".join(LEDGER.headings), *self.lines[-again - len(fresh) :]]).encode()
        if not self.lines:
            return
        act = by(OFFICER, self.on)
        file = self.do(receive_file, act, holder("dorset"), f"ledger-{self.number}.csv", content)
        if file:
            self.do(take_in, act, holder("dorset"), file, mappings.find_by_name(self.holder_id, "Ledger"))

    @rule(chance=st.randoms())
    def withdraw_file(self, chance: random.Random) -> None:
        uploads = db.session.scalars(
            select(Upload).where(
                Upload.state == UploadState.TAKEN_IN, Upload.id.not_in(select(UploadWithdrawal.upload_id))
            )
        ).all()
        if uploads:
            self.do(withdraw, by(OFFICER, self.on), chance.choice(uploads), "The wrong file")

    @rule(chance=st.randoms(), what=st.sampled_from(["place", "split", "leave_out", "carry", "put_back"]))
    def decide_a_line(self, chance: random.Random, what: str) -> None:
        lines = standing_lines(self.holder_id)
        if lines:
            self.move_line(chance.choice(lines), what, self.funding(chance.randrange(3)), chance.randint(1, 4))

    def move_line(self, line: LedgerLine, what: str, funding: Funding, quarter: int) -> None:
        given = (by(OFFICER, self.on), holder("dorset"))
        if what == "place":
            when = When(FY, min(quarter, line.quarter))
            self.do(placing.place, *given, [line], funding, when=when, reason="It came then")
        elif what == "split":
            half = line.cost_pence // 2
            parts = [Part(half, funding.id), Part(line.cost_pence - half)]
            self.do(placing.split, *given, line, [part for part in parts if part.pence], reason="Half is ours")
        elif what == "leave_out":
            self.do(placing.leave_out, *given, [line], "Not of this grant")
        elif what == "carry":
            self.do(placing.carry, *given, [line], When(FY, min(self.quarter, 4)), "The invoice is queried")
        else:
            self.do(placing.put_back, *given, [line], "Looked at again")

    @rule()
    def place_by_the_rules(self) -> None:
        self.do(apply_rules, by(OFFICER, self.on), holder("dorset"))

    @rule(chance=st.randoms(), same=st.booleans())
    def tell_apart(self, chance: random.Random, same: bool) -> None:
        """A line that looks like a typed entry is that one, or another cost."""
        rows = db.session.scalars(select(QueueLine).where(QueueLine.entry_id.is_not(None))).all()
        if not rows:
            return
        row = chance.choice(rows)
        line, entry = db.session.get_one(LedgerLine, row.line_id), db.session.get_one(LedgerEntry, row.entry_id)
        given = (by(OFFICER, self.on), holder("dorset"), line)
        if same:
            self.do(settle_with, *given, entry)
        else:
            self.do(another_cost, *given)

    @rule(chance=st.randoms(), dropped=st.booleans())
    def answer_for_a_released_accrual(self, chance: random.Random, dropped: bool) -> None:
        waiting = [each.release for each in ledger_list.releases(self.holder_id, FY) if each.followed is None]
        if waiting:
            release = chance.choice(waiting)
            if dropped:
                self.do(finance.drop_released, by(OFFICER, self.on), release, "No invoice will come")
            else:
                self.do(finance.accrue_again, by(OFFICER, self.on), release)

    @rule(carrying=st.sampled_from([True, True, False]))
    def make_return(self, carrying: bool) -> None:
        """The next quarter's return, over whatever was done; waiting lines stop it unless they are carried past it."""
        quarter, on = self.quarter, self.on
        if quarter > 4:
            return
        if carrying:
            queue = select(QueueLine.line_id).where(QueueLine.quarter <= quarter)
            for line in db.session.scalars(select(LedgerLine).where(LedgerLine.id.in_(queue))).all():
                self.move_line(line, "carry", self.funding(0), 1)
        for funding_id in self.funding_ids:
            self.forecast(queries.get_funding(funding_id))
        waiting = db.session.scalar(
            select(func.count()).where(
                QueueLine.quarter <= quarter, func.coalesce(QueueLine.carried_past, 0) < FY * 10 + quarter
            )
        )
        try:
            revision_id = self.return_of(quarter, on)
        except Refused:
            db.session.rollback()
            assert waiting, "nothing stood in the way of the return"
            return
        assert not waiting
        stored = figures_of(returns.get_revision(revision_id))
        self.certified[quarter] = (revision_id, stored)
        assert stored.total.to_date == sum(stored.total.spent_by_quarter.values())
        assert stored.total.claimed_to_date == sum(each.total.claimed_now for _, each in self.certified.values())
        assert stored.total.claimed_to_date + stored.total.locally_funded == stored.total.to_date
        for each in stored.lines:
            assert each.to_date == each.reported_before + each.adjustments + each.this_period

    def return_of(self, quarter: int, on: dt.date) -> int:
        revision = drafted_with_reasons(obligation(quarter).id, by(OFFICER, on))
        build = returns.newest_build(revision.id)
        assert build is not None
        check_return(revision, build.id, by(OFFICER, on), nil=is_nil(figures_of(revision)))
        db.session.commit()
        revision_id, build_id = revision.id, build.id
        certify_return(revision_id, build_id, POST, by("certifier@dorset", on), accepts_carried=True)
        db.session.commit()
        return revision_id

    def forecast(self, funding: Funding) -> None:
        to_come = finance.open_quarters(funding, self.on)
        newest = queries.newest_forecasts([funding.id]).get(funding.id)
        note = "What passes the funding is locally funded."
        if to_come:
            self.do(
                finance.save_forecast, by(OFFICER, self.on), funding, dict.fromkeys(to_come, 100), note,
                newest.version_no if newest else 0,
            )  # fmt: skip

    def grant_total(self) -> int:
        return grant_queries.award_table(self.grant_id, FY).awarded

    @invariant()
    def no_ceiling_breaks_and_every_total_is_the_sum_of_its_lines(self) -> None:
        now = figures.year_figures(holder("dorset"), self.grant_id, FY, self.on)
        ledger = ledger_by_quarter(self.holder_id)
        for line in now.lines:
            assert line.figures.claimed_to_date <= line.funding.pence
            assert line.figures.spent_by_quarter == {
                quarter: ledger.get((line.funding.id, quarter), 0) for quarter in range(1, now.last + 1)
            }
        for category, total in now.categories.items():
            lines = [line.figures for line in now.lines if line.funding.category is category]
            assert total.figures.claimed_to_date == sum(line.claimed_to_date for line in lines)
            assert total.figures.claimed_to_date <= now.left[category].pence
            assert total.figures.to_date == sum(line.to_date for line in lines)
            assert total.figures.claimed_to_date + total.figures.locally_funded == total.figures.to_date

    @invariant()
    def budgets_add_up(self) -> None:
        table = grant_queries.award_table(self.grant_id, FY)
        for line in table.lines.values():
            assert line.allocated <= line.pence
        for funding in queries.fundings(self.holder_id, FY):
            assert sum(funding.profile.values()) == funding.pence

    @invariant()
    def lines_movements_queue_and_entries_say_the_same(self) -> None:
        lines = standing_lines(self.holder_id)
        placements = newest_placements()
        buckets: dict[Bucket, int] = {}
        entries: dict[tuple[int, int], int] = {}
        waiting = set()
        for line in lines:
            placement = placements.get(line.id)
            if placement is not None and placement.outcome is Outcome.PLACED:
                assert sum(part.pence for part in placement.parts) == line.cost_pence
                for part in placement.parts:
                    bucket = Bucket.FUNDING if part.funding_id else Bucket.MATCH if part.match_id else Bucket.LOCAL
                    buckets[bucket] = buckets.get(bucket, 0) + part.pence
                    if part.funding_id:
                        key = (part.funding_id, placement.quarter)
                        entries[key] = entries.get(key, 0) + part.pence
                continue
            outcome = placement.outcome if placement else Outcome.WAITING
            buckets[Bucket(outcome.value)] = buckets.get(Bucket(outcome.value), 0) + line.cost_pence
            if outcome in (Outcome.WAITING, Outcome.CARRIED):
                waiting.add(line.id)
        moved = db.session.execute(
            select(LedgerMovement.bucket, sum_pence(LedgerMovement.pence)).group_by(LedgerMovement.bucket)
        )
        assert {bucket: pence for bucket, pence in moved if pence} == {b: p for b, p in buckets.items() if p}
        assert set(db.session.scalars(select(QueueLine.line_id))) == waiting
        assert {key: pence for key, pence in ledger_by_quarter(self.holder_id, lines_only=True).items() if pence} == {
            key: pence for key, pence in entries.items() if pence
        }

    @invariant()
    def a_certified_return_never_changes(self) -> None:
        for revision_id, kept in self.certified.values():
            assert figures_of(returns.get_revision(revision_id)) == kept


def ledger_by_quarter(holder_id: int, *, lines_only: bool = False) -> dict[tuple[int, int], int]:
    """Pence by funding and quarter, straight from the entries."""
    query = select(LedgerEntry.funding_id, LedgerEntry.quarter, sum_pence(LedgerEntry.pence)).where(
        LedgerEntry.holder_id == holder_id
    )
    if lines_only:
        query = query.where(LedgerEntry.placement_id.is_not(None))
    rows = db.session.execute(query.group_by(LedgerEntry.funding_id, LedgerEntry.quarter))
    return {(funding_id, quarter): pence for funding_id, quarter, pence in rows}


def standing_lines(holder_id: int) -> list[LedgerLine]:
    withdrawn = select(UploadWithdrawal.upload_id)
    return list(
        db.session.scalars(
            select(LedgerLine).where(LedgerLine.holder_id == holder_id, LedgerLine.upload_id.not_in(withdrawn))
        )
    )


def newest_placements() -> dict[int, Placement]:
    found = db.session.scalars(select(Placement).options(selectinload(Placement.parts)).order_by(Placement.seq))
    return {placement.line_id: placement for placement in found}


@pytest.fixture(params=["sqlite", "postgresql"])
def machine(request: pytest.FixtureRequest) -> type[Money]:
    name = "sqlite_store" if request.param == "sqlite" else "postgres_store"
    return type("Of" + request.param, (Money,), {"store": request.getfixturevalue(name)})


def run(machine: type[Money], examples: int, steps: int) -> None:
    few = settings(
        max_examples=examples,
        stateful_step_count=steps,
        deadline=None,
        derandomize=True,
        suppress_health_check=list(HealthCheck),
    )
    run_state_machine_as_test(machine, settings=few)


def test_money_in_any_order(machine: type[Money]) -> None:
    run(machine, 10, 40)


@pytest.mark.deep
def test_money_in_any_order_for_long(machine: type[Money]) -> None:
    run(machine, 150, 60)
