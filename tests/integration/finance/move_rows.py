"""Fundings, claims and moves for the tests of virements and reallocations."""

import datetime as dt
import re
from typing import Any

from sqlalchemy import select

from svd_tracker.accounts.models import Person
from svd_tracker.act import Act
from svd_tracker.calculations.figures import Category
from svd_tracker.calculations.moves import Shift
from svd_tracker.extensions import db
from svd_tracker.finance import queries as finance
from svd_tracker.finance import services
from svd_tracker.finance.models import Funding
from svd_tracker.finance.moves import queries
from svd_tracker.finance.moves import services as moves
from svd_tracker.finance.moves.models import Virement
from svd_tracker.finance.moves.services import Decided
from svd_tracker.grants import queries as grants
from svd_tracker.grants.models import Grant
from tests.integration.finance.money_rows import make_funding
from tests.support.money import holder
from tests.support.world import act

OFFICER = "finance.officer@dorset.example"
COORDINATOR = "coordinator@dorset.example"
OPCC = "opcc.officer@opcc.example"
OCTOBER = dt.date(2025, 10, 20)
MINUTE = Decided("Dorset CSP", dt.date(2025, 10, 14), "CSP/25/40")
Year = tuple[int, int, int]  # ids: a request ends what the test had loaded
READERS = {OFFICER, COORDINATOR, "certifier@dorset.example", "auditor@audit.example", OPCC}
DECIDED = {
    "body": "OPCC",
    "decided_on-day": "14",
    "decided_on-month": "10",
    "decided_on-year": "2025",
    "minute_ref": "OPCC/25/9",
}


def of(funding_id: int) -> Funding:
    return db.session.get_one(Funding, funding_id)


def said(page: Any) -> str:
    """What a page says, without its tags."""
    text = re.sub(r"</?strong>", "", page.get_data(as_text=True))
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", text)).replace("&#39;", "'")


def by(email: str, on: dt.date = OCTOBER) -> Act:
    """An act of a person of the world."""
    return act(person_id(email), on)


def person_id(email: str) -> int:
    found = db.session.scalar(select(Person.id).where(Person.email == email))
    assert found is not None
    return found


def three_fundings(grant: Grant) -> tuple[Funding, Funding, Funding]:
    """£10,000 tool and £8,000 nurse of non-labour, a £20,000 post of labour, Dorset's."""
    return (
        make_funding(grant, 10_000_00),
        make_funding(grant, 8_000_00, title="Specialist nurse"),
        make_funding(grant, 20_000_00, title="Coordinator's post", category=Category.LABOUR),
    )


def claim(funding: Funding, pence: int, quarter: int = 2, return_ref: str = "") -> None:
    """What a certified return claimed to date of a funding."""
    services.write_claims(act(), {funding.id: (pence, 0)}, funding.fy, quarter, return_ref or f"R-Q{quarter}")
    db.session.commit()


def ask(
    from_: Funding, to: Funding, pence: int, *, quarter: int = 4, email: str = OFFICER, funder_ref: str = ""
) -> Virement:
    """A virement asked for, committed."""
    virement = moves.request_virement(
        by(email),
        holder=from_.allocation.holder,
        grant=grants.get_grant(from_.grant_id),
        fy=from_.fy,
        shifts=[Shift(from_.id, quarter, -pence), Shift(to.id, quarter, pence)],
        reason="A vacancy until January",
        funder_ref=funder_ref,
    )
    db.session.commit()
    return virement


def approve(virement: Virement, email: str = OPCC, decided: Decided = MINUTE) -> Virement:
    """A virement approved by somebody who saw the newest amounts, committed."""
    moves.approve_virement(by(email), virement, decided, note="", versions_seen=seen(virement))
    db.session.commit()
    return virement


def seen(virement: Virement) -> int:
    plan = queries.plan_virement(virement.holder_id, virement.grant_id, virement.fy, queries.shifts_of(virement))
    return plan.versions


def pence_of(*fundings: Funding) -> list[int]:
    """What the fundings come to now."""
    return [finance.newest_version(each.id).pence for each in fundings]


def totals(grant: Grant, fy: int = 2025) -> tuple[int, dict[Category, int], dict[Category, int]]:
    """The grant's total of a year, its award by category, and Dorset's share by category, in pence."""
    table = grants.award_table(grant.id, fy)
    own = {category: share.pence for category, share in table.of_holder(holder("dorset").id).items()}
    return table.awarded, {category: line.pence for category, line in table.lines.items()}, own
