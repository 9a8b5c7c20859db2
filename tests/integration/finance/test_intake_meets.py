"""Ledger files that meet what is there: match, the old year, typed entries, each other at the same moment."""

import datetime as dt
import threading
from collections.abc import Callable

import pytest
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from svd_tracker.calculations.figures import Category, EntryKind
from svd_tracker.calculations.placing import RuleTests
from svd_tracker.errors import Refused
from svd_tracker.extensions import db
from svd_tracker.files.models import UploadState
from svd_tracker.files.queries import get_file
from svd_tracker.finance import queries, services
from svd_tracker.finance.intake import background
from svd_tracker.finance.intake.background import Verb, Work
from svd_tracker.finance.intake.mappings import get_mapping
from svd_tracker.finance.intake.models import IntakeProgress, LedgerLine, PlacementPart, QueueLine, SharingMethod
from svd_tracker.finance.intake.receive import receive_file
from svd_tracker.finance.intake.summary import findings_of
from svd_tracker.finance.intake.take_in import take_in
from svd_tracker.finance.ledger import lock_ledger
from svd_tracker.finance.placing.settling import settle_with
from svd_tracker.finance.placing.sharing import set_sharing
from tests.integration.finance.ledger_files import (
    bring_in,
    buckets,
    csv_of,
    line,
    mapping_of,
    refuse_a_crooked_ledger,
    rule,
    standing,
    waiting,
)
from tests.integration.finance.money_rows import JULY, make_funding, post, spent
from tests.integration.finance.placing_rows import make_match, plan_line_of
from tests.support.money import holder, make_grant
from tests.support.stores import Store
from tests.support.world import act

pytestmark = pytest.mark.db
ALL = RuleTests(cost_centre="N*")


def queued(document: str) -> QueueLine:
    return db.session.scalars(select(QueueLine).join(QueueLine.line).where(LedgerLine.document == document)).one()


def test_an_invoice_is_shared_by_grant_and_match_per_cent(app: Flask) -> None:
    funding = make_funding(make_grant())
    match = make_match(funding, 500_00)
    set_sharing(act(), plan_line_of(funding), SharingMethod.PER_CENT, match.id, 60_00, "Match agreement")
    rule("All", ALL, funding)
    bring_in(csv_of([line("100.01"), line("-10.00", "CN 1")]))
    assert spent(funding) == {1: 54_01}
    parts = db.session.execute(select(PlacementPart.funding_id, PlacementPart.match_id, PlacementPart.pence)).all()
    assert [tuple(part) for part in parts] == [
        (funding.id, None, 60_01),
        (None, match.id, 40_00),
        (funding.id, None, -6_00),
        (None, match.id, -4_00),
    ]
    refuse_a_crooked_ledger()


def test_the_grant_pays_first_and_what_it_has_left_runs_on_over_files(app: Flask) -> None:
    funding = make_funding(make_grant(), 150_00)
    match = make_match(funding, 500_00)
    set_sharing(act(), plan_line_of(funding), SharingMethod.GRANT_FIRST, match.id, None, "Match agreement")
    rule("All", ALL, funding)
    bring_in(csv_of([line("100.00")]))
    bring_in(csv_of([line("100.00"), line("70.00", "INV 2"), line("30.00", "INV 3")]))
    assert (spent(funding), buckets()["match"]) == ({1: 150_00}, (1, 50_00))
    refuse_a_crooked_ledger()


def test_a_shared_post_is_split_over_two_interventions(app: Flask) -> None:
    grant = make_grant()
    one, other = make_funding(grant, 9_000_00), make_funding(grant, 9_000_00, title="Level-Up")
    rule("Shared post", ALL, one, other, weights=[2, 1])
    bring_in(csv_of([line("100.00")]))
    assert (spent(one), spent(other)) == ({1: 66_67}, {1: 33_33})


def test_april_undoes_an_accrual_of_march(app: Flask) -> None:
    old_grant, new_grant = make_grant(2024), make_grant(2025)
    old, new = make_funding(old_grant, fy=2024), make_funding(new_grant)
    rule("All", ALL, old)
    march = [line("300.00", "ACC 9", day="31/03/2025")]
    bring_in(csv_of(march), on=dt.date(2025, 4, 10))
    april = [
        line("-300.00", "ACC 9", day="01/04/2025"),
        line("290.00", "INV 77", day="15/04/2025"),
        line("-12.00", "J 5", day="01/04/2025", text="Reversal of accruals P12"),
        line("-1.00", "CN 1", day="15/04/2025", text="Credit note"),
    ]
    upload = bring_in(csv_of([*march, *april]))
    assert waiting() == [("ACC 9", "old_year"), ("J 5", "old_year")]
    assert [each.code for each in findings_of(upload)] == ["old_year", "old_year"]
    assert (spent(old), spent(new)) == ({4: 300_00}, {1: 289_00})
    old_year = RuleTests(text="accruals released")
    rule("Old year", old_year, old, priority=1, old_year=True, reason="Accruals of March")
    bring_in(csv_of([*march, *april, line("-7.00", "J 6", day="02/04/2025", text="Accruals released")]))
    assert (spent(old), spent(new)) == ({4: 293_00}, {1: 289_00})
    refuse_a_crooked_ledger()


def test_a_typed_accrual_is_met_by_its_invoice(app: Flask) -> None:
    grant = make_grant()
    funding = make_funding(grant)
    rule("All", ALL, funding)
    accrual = post(funding, 80_00, dt.date(2025, 6, 30), kind=EntryKind.ACCRUAL, document="PO 12", on=JULY)
    services.close_quarters(
        act(on=JULY), holder_id=holder("dorset").id, grant_id=grant.id, fy=2025, quarters=[1], ledger_seq=1,
        return_ref="R-1",
    )  # fmt: skip
    db.session.commit()
    day = dt.date(2025, 8, 20)
    upload = bring_in(
        csv_of([line("84.00", "PO-12", day="05/08/2025"), line("1.00", "INV 9", day="05/08/2025")]), on=day
    )
    assert [(each.code, each.row_no) for each in findings_of(upload)] == [("like_an_entry", 2)]
    waits = queued("PO-12")
    assert (waits.entry_id, waits.hint) == (accrual.id, "Looks like typed entry 1 of £80.00, PO 12")
    settle_with(act(on=day), holder("dorset"), waits.line, accrual)
    db.session.commit()
    assert spent(funding) == {1: 80_00, 2: 5_00}, "the accrual is released and its invoice counts once"
    assert bring_in(csv_of([line("9.00", "PO-12", day="06/08/2025")]), on=day).lines_posted == 1
    assert waiting() == [], "what was met is looked for no more"
    refuse_a_crooked_ledger()


def test_the_same_amount_near_the_day_looks_like_a_typed_entry(app: Flask) -> None:
    funding = make_funding(make_grant())
    rule("All", ALL, funding)
    mistake = post(funding, 55_00, document="X")
    services.reverse_mistake(act(on=JULY), mistake, "Typed twice")
    post(funding, 66_00, document="Y")
    bring_in(csv_of([line("55.00"), line("66.00", "INV 2"), line("66.00", "INV 3", centre="X1")]))
    assert waiting() == [("INV 2", "like_an_entry"), ("INV 3", "no_rule")]


def test_a_year_without_its_funding_waits_with_the_reason(app: Flask) -> None:
    grant = make_grant()
    make_grant(2026)
    funding = make_funding(grant, category=Category.LABOUR)
    rule("All", ALL, funding)
    upload = bring_in(csv_of([line("5.00", day="06/05/2026")]), on=dt.date(2026, 7, 1))
    assert [each.message for each in findings_of(upload)] == [
        "High harm perpetrator tool has no labour funding in 2026/27: 1 line, £5.00, waits"
    ]


def at_once(store: Store, *verbs: Callable[[], object]) -> list[object]:
    """Run each in a thread with an application context of its own, all beginning together; results or refusals."""
    barrier, found = threading.Barrier(len(verbs)), []

    def run(verb: Callable[[], object]) -> None:
        with store.app.app_context():
            barrier.wait()
            try:
                found.append(verb())
                db.session.commit()
            except Refused as refused:
                db.session.rollback()
                found.append(refused.message)

    threads = [threading.Thread(target=run, args=(verb,)) for verb in verbs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return found


def test_two_imports_of_one_file_at_the_same_moment_post_once(app: Flask, store: Store) -> None:
    funding = make_funding(make_grant())
    rule("All", ALL, funding)
    content = csv_of([line("1.00", f"INV {number}") for number in range(300)])
    longer = content + b"06/05/2025,INV X,N100,4300,A supplier,Work done,1.00\r\n"
    mapping_id, holder_id = mapping_of(content).id, holder("dorset").id
    files = [receive_file(act(on=JULY), holder("dorset"), "x.csv", each).id for each in (content, content, longer)]
    db.session.commit()

    def verb(file_id: int) -> Callable[[], object]:
        def take() -> object:
            owner = holder("dorset")
            return take_in(act(on=JULY), owner, get_file(file_id), get_mapping(mapping_id)).lines_posted

        return take

    found = at_once(store, *map(verb, files))
    assert sum(isinstance(each, str) and "taken in" in each for each in found) == 1, found
    assert sum(each for each in found if isinstance(each, int)) == 301
    assert spent(funding) == {1: 301_00}
    lock_ledger(holder_id)
    refuse_a_crooked_ledger()


def test_a_long_file_is_read_in_the_background_and_says_how_it_ended(
    app: Flask, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(background, "LONG_CSV", 100)
    make_funding(make_grant())
    contents = [csv_of([line(pounds) for _ in range(2_500)]) for pounds in ("1.00", "2.00")]
    mapping_id, owner = mapping_of(contents[0]).id, holder("dorset")
    doing, later = act(on=JULY), act(on=JULY + dt.timedelta(days=1))
    file_ids = [receive_file(doing, owner, "x.csv", each).id for each in contents]
    holder_id = owner.id
    db.session.commit()

    def ended(work: Work) -> IntakeProgress:
        assert background.do(doing, work) is None
        for thread in threading.enumerate():
            if thread.name == f"intake-{work.file_id}":
                thread.join(60)
        db.session.rollback()
        progress = background.progress_of(work.file_id)
        assert progress is not None
        return progress

    checked = ended(Work(Verb.CHECK, holder_id, file_ids[0], mapping_id))
    assert checked.refusal is None
    assert standing() == []
    taken = ended(Work(Verb.TAKE_IN, holder_id, file_ids[0], mapping_id))
    assert (taken.step, taken.done, taken.total, len(standing())) == ("Posting the lines", 2_500, 2_500, 2_500)
    assert not background.has_died(taken, later.at)
    refused = ended(Work(Verb.TAKE_IN, holder_id, file_ids[0], mapping_id))
    assert "This very file was taken in" in (refused.refusal or "")

    db.session.rollback()
    background._claim(doing, Work(Verb.CHECK, holder_id, file_ids[1], mapping_id))
    with pytest.raises(Refused, match="being read already"):
        background.do(doing, Work(Verb.CHECK, holder_id, file_ids[1], mapping_id))
    stuck = background.progress_of(file_ids[1])
    assert stuck is not None
    assert (background.has_died(stuck, doing.at), background.has_died(stuck, later.at)) == (False, True)
    db.session.rollback()
    background._claim(later, Work(Verb.CHECK, holder_id, file_ids[1], mapping_id))


def test_while_a_file_is_read_others_may_write(app: Flask, store: Store) -> None:
    """A check and the reading of an import hold no lock: somebody else posts meanwhile, on SQLite too."""
    funding_id = make_funding(make_grant()).id
    content = csv_of([line("1.00") for _ in range(1_200)])
    mapping, owner = mapping_of(content), holder("dorset")
    file = receive_file(act(on=JULY), owner, "x.csv", content)
    db.session.commit()
    steps: list[str] = []

    def post_meanwhile(step: str, done: int, total: int) -> None:
        if step == "Reading the file":
            steps.append(step)

            def write() -> None:
                post(queries.get_funding(funding_id), 1_00, on=JULY, document="OTHER")

            assert at_once(store, write) == [None]

    upload = take_in(act(on=JULY), owner, file, mapping, progress=post_meanwhile)
    db.session.commit()
    assert (len(steps), upload.state) == (1, UploadState.TAKEN_IN)


LINES = st.lists(
    st.tuples(
        st.integers(-300, 300).filter(bool), st.sampled_from(["A1", "A2", "B1"]), st.sampled_from(["N1", "X1"]),
        st.sampled_from(["06/04/2025", "06/05/2025", "09/06/2025"]),
    ),
    min_size=1,
    max_size=12,
)  # fmt: skip


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(LINES, st.data())
def test_overlapping_files_make_the_ledger_of_one_file(
    app: Flask, store: Store, lines: list[tuple[int, str, str, str]], data: st.DataObject
) -> None:
    """Each later file holds all that came before and more, in any order, cut anywhere."""
    rows = [line(f"{pence / 100:.2f}", document, day, centre) for pence, document, centre, day in lines]
    cuts = sorted(data.draw(st.lists(st.integers(1, len(rows)), max_size=3), label="cuts"))
    ledgers = []
    for files in ([rows], [*(rows[:cut] for cut in cuts), rows]):
        db.session.remove()
        store.reset()
        funding = make_funding(make_grant())
        rule("All", RuleTests(cost_centre="N*"), funding)
        for number, part in enumerate(files):
            shuffled = data.draw(st.permutations(part), label="order")
            content = csv_of(shuffled) + b"\r\n" * number  # other bytes, or the same file would be refused
            bring_in(content, on=JULY)
        refuse_a_crooked_ledger()
        ledgers.append((standing(), waiting(), buckets(), spent(funding)))
    assert ledgers[0] == ledgers[1]
