"""What was typed and what the council's ledger brings never count twice without somebody having said so."""

import datetime as dt

import pytest
from flask import Flask
from sqlalchemy import select

from svd_tracker.calculations.placing import RuleTests
from svd_tracker.errors import Refused
from svd_tracker.extensions import db
from svd_tracker.finance.intake.models import LedgerLine, Outcome
from svd_tracker.finance.placing import applying, services, settling
from svd_tracker.finance.placing.book import Part
from tests.integration.finance.ledger_files import (
    HEADINGS,
    bring_in,
    csv_of,
    line,
    refuse_a_crooked_ledger,
    rule,
    waiting,
)
from tests.integration.finance.money_rows import JULY, make_funding, post, spent
from tests.integration.finance.placing_rows import make_match, owner, where
from tests.support.money import make_grant
from tests.support.world import act

pytestmark = pytest.mark.db

ALL = RuleTests(cost_centre="N*")
NEXT_APRIL = dt.date(2026, 4, 20)


def lines_of() -> list[LedgerLine]:
    return list(db.session.scalars(select(LedgerLine).order_by(LedgerLine.id)))


def test_a_line_like_an_entry_is_told_apart_before_it_is_placed(app: Flask) -> None:
    funding = make_funding(make_grant())
    rule("All", ALL, funding)
    typed = post(funding, 100_00, document="I1")
    bring_in(csv_of([line("100.00", "I1"), line("7.00", "I2", centre="X")]))
    match = make_match(funding)
    like, other = lines_of()
    given = (act(on=JULY), owner())
    for verb in (
        lambda: services.place(*given, [other, like], funding),
        lambda: services.split(*given, like, [Part(100_00, funding.id)]),
        lambda: services.income(*given, [like], match),
    ):
        with pytest.raises(Refused, match="Say first whether it is entry 1: open the line I1 of row 2") as refused:
            verb()
        assert refused.value.field == "lines"
        db.session.rollback()
    services.carry(*given, [like], services.When(2025, 1), "Asked the school")
    with pytest.raises(Refused, match="Say first"):
        services.place(*given, [like], funding)
    db.session.rollback()
    assert spent(funding) == {1: 100_00}
    applying.another_cost(*given, like)
    services.place(*given, [other], funding)
    db.session.commit()
    assert spent(funding) == {1: 207_00}, "somebody said that it is another cost"
    services.put_back(*given, [like], "Look again")
    settling.settle_with(*given, like, typed)
    db.session.commit()
    assert spent(funding) == {1: 107_00}
    refuse_a_crooked_ledger()


def test_a_line_is_placed_once_its_entry_is_reversed(app: Flask) -> None:
    from svd_tracker.finance import services as finance

    funding = make_funding(make_grant())
    rule("All", ALL, funding)
    typed = post(funding, 100_00, document="I1")
    bring_in(csv_of([line("100.00", "I1")]))
    finance.reverse_mistake(act(on=JULY), typed, "The line stands for it")
    services.place(act(on=JULY), owner(), lines_of(), funding)
    db.session.commit()
    assert spent(funding) == {1: 100_00}


ACCRUALS = (*HEADINGS, "Document type")


def test_the_ledgers_own_accruals_of_march_wait_for_the_old_year(app: Flask) -> None:
    old, new = make_funding(make_grant()), make_funding(make_grant(2026), fy=2026)
    rule("All", ALL, old)
    rows = [
        (*line("-500.00", "ACR77", "01/04/2026"), "ACR"),  # period 1: whatever else there is
        (*line("-40.00", "REV2", "04/05/2026"), "ACR"),  # undoes April's, of the very same file
        (*line("40.00", "ACR90", "30/04/2026"), "ACR"),
        (*line("-41.00", "REV3", "05/05/2026"), "ACR"),  # undoes nothing of the year
        (*line("-42.00", "REV4", "05/08/2026"), "ACR"),  # too late to be the old year's
        (*line("-43.00", "CN1", "05/05/2026"), "CN"),
    ]
    bring_in(csv_of(rows, ACCRUALS), on=dt.date(2026, 9, 1))
    assert waiting() == [("ACR77", "old_year"), ("REV3", "old_year")]
    assert (spent(new), spent(old)) == ({1: -43_00, 2: -42_00}, {})
    may = [(*line("-40.00", "REV5", "06/05/2026"), "ACR"), (*line("60.00", "ACR91", "30/04/2026"), "ACR")]
    bring_in(csv_of(may, ACCRUALS), "may.csv", on=dt.date(2026, 9, 1))
    june = [(*line("-60.00", "REV6", "06/06/2026"), "ACR")]
    bring_in(csv_of(june, ACCRUALS), "june.csv", on=dt.date(2026, 9, 1))
    assert waiting() == [("ACR77", "old_year"), ("REV3", "old_year")], "its opposite stands in the ledger"
    assert applying.apply_rules(act(on=dt.date(2026, 9, 1)), owner()) == (0, 0)


def test_another_cost_may_still_be_the_old_years(app: Flask) -> None:
    old, new = make_funding(make_grant()), make_funding(make_grant(2026), fy=2026)
    rule("All", ALL, old)
    bring_in(csv_of([line("500.00", "A1", "31/03/2026")]), on=dt.date(2026, 4, 2))
    post(new, -10_00, dt.date(2026, 4, 5), document="A1", on=dt.date(2026, 4, 6))
    bring_in(csv_of([line("-500.00", "A1", "03/04/2026")]), "apr.csv", on=NEXT_APRIL)
    assert waiting() == [("A1", "like_an_entry")]
    belongs = applying.another_cost(act(on=NEXT_APRIL), owner(), lines_of()[-1])
    db.session.commit()
    assert (belongs.outcome, where(lines_of()[-1]).outcome) == (Outcome.WAITING, Outcome.WAITING)
    assert waiting() == [("A1", "old_year")]
    assert spent(new) == {1: -10_00}
