"""Match never in the claim: what the council's ledger says of match, by every way that a line can take."""

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask

from svd_tracker.calculations.placing import RuleKind, RuleOutcome, RulePart, RuleTests
from svd_tracker.extensions import db
from svd_tracker.finance import queries
from svd_tracker.finance.intake.models import LedgerLine, SharingMethod
from svd_tracker.finance.models import Match, MatchKind
from svd_tracker.finance.placing import services as placing
from svd_tracker.finance.placing.applying import apply_rules
from svd_tracker.finance.placing.book import Part
from svd_tracker.finance.placing.receiving import record_received
from svd_tracker.finance.placing.rules_store import save_rule
from svd_tracker.finance.placing.sharing import set_sharing
from svd_tracker.returns.services import prepare
from tests.integration.finance.placing_rows import make_line
from tests.integration.finance.test_match_beside import matched, plan_line_of
from tests.integration.returns.year import DRAFTED, make_year, obligation
from tests.support.money import holder
from tests.support.world import act

pytestmark = pytest.mark.db


def test_only_the_grants_part_of_a_line_is_ever_claimed(app: Flask) -> None:
    """Split by hand, shared by each method, placed by a rule, income, recorded as received, put back."""
    year = make_year()
    tool_id, obligation_id, dorset = year.tool.id, obligation(1).id, holder("dorset")
    match_id = matched(tool_id, MatchKind.CASH, 5_000_00).id
    doer = act(on=DRAFTED)
    claimed = prepare(obligation_id, doer).content.figures.total.claimed_now

    def after(does: Callable[[LedgerLine], object], pence: int = 100_00, **given: Any) -> int:
        """What the claim has grown by since this line came and something was done with it."""
        nonlocal claimed
        does(make_line(pence, **given))
        db.session.commit()
        before, claimed = claimed, prepare(obligation_id, doer).content.figures.total.claimed_now
        return claimed - before

    def split(*parts: Part) -> Callable[[LedgerLine], object]:
        return lambda line: placing.split(doer, holder("dorset"), line, parts, reason="The match agreement")

    def place(line: LedgerLine) -> None:
        placing.place(doer, holder("dorset"), [line], queries.get_funding(tool_id))

    def share(method: SharingMethod, grant_bp: int | None = None) -> None:
        set_sharing(doer, plan_line_of(tool_id), method, match_id, grant_bp, "The match agreement")
        db.session.commit()

    def income(line: LedgerLine) -> None:
        placing.income(doer, holder("dorset"), [line], db.session.get_one(Match, match_id))
        record_received(doer, holder("dorset"), line)

    assert after(split(Part(60_00, funding_id=tool_id), Part(40_00, match_id=match_id))) == 60_00
    assert after(split(Part(100_00, match_id=match_id))) == 0
    share(SharingMethod.PER_CENT, 7_500)
    assert after(place) == 75_00
    share(SharingMethod.MATCH_FIRST)
    assert after(place) == 0
    share(SharingMethod.GRANT_FIRST)
    assert after(place) == 100_00
    assert after(income, -500_00) == 0
    share(SharingMethod.PER_CENT, 2_500)
    part = RulePart(year.tool.intervention_id, year.tool.category)
    save_rule(
        doer,
        dorset,
        title="Tool",
        priority=1,
        tests=RuleTests(cost_centre="T1"),
        outcome=RuleOutcome(RuleKind.PLACED, (part,)),
    )
    save_rule(
        doer,
        dorset,
        title="Match comes in",
        priority=2,
        tests=RuleTests(account="9001"),
        outcome=RuleOutcome(RuleKind.MATCH_INCOME),
    )
    db.session.commit()
    assert after(lambda _: apply_rules(doer, holder("dorset")), cost_centre="T1") == 25_00
    assert after(lambda _: apply_rules(doer, holder("dorset")), -300_00, account="9001") == 0
