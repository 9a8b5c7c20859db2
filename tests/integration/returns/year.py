"""A small year of a holder for the tests of returns: two fundings, a quarter of ledger, forecasts, the calendar."""

import datetime as dt
import io
from dataclasses import dataclass

import openpyxl
from sqlalchemy import select

from svd_tracker.accounts.models import Person
from svd_tracker.act import Act, Source
from svd_tracker.calculations.figures import Category, EntryKind, ReturnFigures
from svd_tracker.calculations.nil import is_nil
from svd_tracker.extensions import db
from svd_tracker.files import queries as files
from svd_tracker.finance import services as finance
from svd_tracker.finance.models import Funding
from svd_tracker.grants.models import Grant
from svd_tracker.returns import changing, figures_store, obligation_queries, queries
from svd_tracker.returns.certify import Sealed, certify_return
from svd_tracker.returns.models import Obligation, ReturnRevision
from svd_tracker.returns.obligations import ensure_obligations
from svd_tracker.returns.services import check_return, draft_return
from tests.integration.finance.money_rows import make_funding, post
from tests.support.money import make_grant
from tests.support.prepared import prepared
from tests.support.world import act

APRIL = dt.date(2025, 4, 10)
DRAFTED = dt.date(2025, 7, 14)  # ten working days after 30 June 2025
CHECKED = dt.date(2025, 7, 18)
OCTOBER = dt.date(2025, 10, 14)
POST = "Chief finance officer (section 151)"


@dataclass(frozen=True)
class Year:
    grant: Grant
    nurse: Funding
    tool: Funding


def person(email: str) -> int:
    found = db.session.scalar(select(Person.id).where(Person.email == email))
    assert found is not None
    return found


def by(who: str, on: dt.date) -> Act:
    """An act of "finance.officer@dorset" or "certifier@dorset" on a day."""
    return act(person(f"{who}.example"), on)


@prepared
def make_year(of: str = "dorset", grant: Grant | None = None, forecasts: bool = True) -> Year:
    """£40,000 labour and £20,000 non-labour; Q1 has an invoice, an accrual, a credit and a post's pay."""
    grant = grant or make_grant()
    nurse = make_funding(grant, 40_000_00, title="Specialist nurse", of=of, category=Category.LABOUR)
    tool = make_funding(grant, 20_000_00, of=of)
    post(nurse, 9_900_17, document="PAY-0425")
    post(tool, 4_100_00, document="INV-77")
    post(tool, 950_33, kind=EntryKind.ACCRUAL, document="PO-12")
    post(tool, -120_00, document="CR-3")
    if forecasts:
        make_forecasts(nurse, {2: 10_000_00, 3: 10_000_00, 4: 10_000_00})
        make_forecasts(tool, {2: 5_000_00, 3: 5_000_00, 4: 5_000_00})
    ensure_obligations(act(on=APRIL), APRIL)
    db.session.commit()
    return Year(grant, nurse, tool)


@prepared
def make_forecasts(
    funding: Funding, quarters: dict[int, int], note: str = "", on: dt.date = dt.date(2025, 7, 2)
) -> None:
    finance.save_forecast(act(on=on), funding, quarters, note, 0)
    db.session.commit()


def obligation(quarter: int, of: str = "dorset") -> Obligation:
    (found,) = obligation_queries.find_obligations(of, 2025, quarter)
    return found


@prepared
def draft(quarter: int = 1, of: str = "dorset", on: dt.date = DRAFTED) -> ReturnRevision:
    revision = draft_return(obligation(quarter, of).id, act(None, on, Source.JOB))
    db.session.commit()
    return revision


def drafted_with_reasons(obligation_id: int, preparer: Act) -> ReturnRevision:
    """A draft, and a reason for each line that fell or is not as it was certified before."""
    revision = draft_return(obligation_id, preparer)
    db.session.commit()
    facts = changing.facts_for(revision.of.obligation, revision, figures_of(revision))
    unexplained = {*facts.changed, *facts.fell} - set(facts.reasons)
    if not unexplained:
        return revision
    for ref in sorted(unexplained):
        changing.explain_line(revision, ref, "As the ledger says", preparer)
    db.session.commit()
    revision = draft_return(obligation_id, preparer)
    db.session.commit()
    return revision


@prepared
def check(revision: ReturnRevision, of: str = "dorset", on: dt.date = CHECKED) -> None:
    build = queries.newest_build(revision.id)
    assert build is not None
    check_return(revision, build.id, by(f"finance.officer@{of}", on), nil=is_nil(figures_of(revision)))
    db.session.commit()


@prepared
def certify(revision: ReturnRevision, of: str = "dorset", on: dt.date = CHECKED) -> Sealed:
    build = queries.newest_build(revision.id)
    assert build is not None
    sealed = certify_return(revision.id, build.id, POST, by(f"certifier@{of}", on))
    db.session.commit()
    return sealed


@prepared
def certified(quarter: int = 1, of: str = "dorset", on: dt.date = DRAFTED) -> ReturnRevision:
    """A return taken through its whole life on one day."""
    officer = "opcc.officer@opcc" if of == "opcc" else f"finance.officer@{of}"
    revision = drafted_with_reasons(obligation(quarter, of).id, act(None, on, Source.JOB))
    build = queries.newest_build(revision.id)
    assert build is not None
    check_return(revision, build.id, by(officer, on), nil=is_nil(figures_of(revision)))
    db.session.commit()
    certify(revision, of, on)
    return queries.get_revision(revision.id)


def figures_of(revision: ReturnRevision) -> ReturnFigures:
    """The stored figures of a revision's newest build."""
    build = queries.newest_build(revision.id)
    assert build is not None
    return figures_store.from_rows(figures_store.load([build.id])[build.id])


def workbook_of(revision: ReturnRevision) -> openpyxl.Workbook:
    """The newest workbook of a revision, read with its stored results."""
    file = files.get_file(queries.files_of(revision_id=revision.id)[0].id)
    return openpyxl.load_workbook(io.BytesIO(files.content_of(file)), data_only=True)
