"""The chain of a return on both stores: entries, draft, checked, certified, and what follows from it."""

import datetime as dt
import hashlib
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import func, select, text
from sqlalchemy.exc import DBAPIError

from exports.documents import ReturnDocument
from exports.return_workbook import build_return_workbook
from svd_tracker import db as database
from svd_tracker.calculations.figures import Adjustment, Category, ReversalWhy
from svd_tracker.decisions.models import ConditionState, Outcome
from svd_tracker.decisions.services import settle_condition
from svd_tracker.errors import ChangedMeanwhile, NotAllowed, Refused
from svd_tracker.extensions import db
from svd_tracker.files import queries as files
from svd_tracker.finance import queries as finance_queries
from svd_tracker.finance import services as finance
from svd_tracker.finance.models import Funding, LedgerEntry
from svd_tracker.returns import figures_store, queries, services
from svd_tracker.returns.certify import certify_return, seal, store_certificate
from svd_tracker.returns.models import FigureBuild, ReturnRevision, RevisionState
from svd_tracker.returns.obligations import ensure_obligations
from svd_tracker.returns.services import check_return, draft_return, prepare, send_back, store_draft
from svd_tracker.returns.workbook import write_copy
from tests.integration.decisions.support import decide, deciding
from tests.integration.finance.money_rows import post, spent
from tests.integration.returns.year import (
    APRIL,
    CHECKED,
    DRAFTED,
    OCTOBER,
    POST,
    Year,
    by,
    certified,
    certify,
    check,
    draft,
    figures_of,
    make_forecasts,
    make_year,
    obligation,
    workbook_of,
)
from tests.support.chains import assert_chains_whole
from tests.support.money import make_approval, make_grant
from tests.support.world import act

pytestmark = pytest.mark.db


def test_from_entries_to_a_certified_return(app: Flask) -> None:
    year = make_year()
    revision = draft()
    assert revision.state is RevisionState.DRAFT
    assert not [finding for finding in queries.findings_of(_build(revision).id) if finding.severity == "error"]
    check(revision)
    sealed = certify(revision)

    revision = queries.get_revision(revision.id)
    assert (revision.state, revision.revision_no) == (RevisionState.CERTIFIED, 1)
    total = figures_of(revision).total
    assert total.to_date == 9_900_17 + 4_100_00 + 950_33 - 120_00 == total.claimed_now
    certificate = queries.certificate_of(revision.id)
    assert certificate is not None
    assert (certificate.name, certificate.post) == ("Dorset chief finance officer", POST)
    file = queries.files_of(revision_id=revision.id)[0]
    assert file.kind == "sealed"
    assert file.name == "SVD return Dorset CSP Q1 2025-26 revision 1.xlsx"
    assert file.sha256 == hashlib.sha256(sealed.workbook or b"").hexdigest()
    ref = revision.of.ref
    assert finance_queries.closed_quarters(obligation(1).holder_id, year.grant.id, 2025) == {1: ref}
    assert finance_queries.newest_claims(obligation(1).holder_id, year.grant.id, 2025) == {
        year.nurse.ref: 9_900_17,
        year.tool.ref: 4_930_33,
    }
    assert [event.event for event in queries.events_of(revision.id)] == ["certified", "checked", "built"]
    assert_chains_whole()


def test_long_refs_are_kept_whole(app: Flask) -> None:
    ref = "SVD-" + "2025-" * 8 + "2026"
    make_year(grant=make_grant(ref=ref))
    revision = certified()
    assert ref in revision.of.ref
    assert len(revision.of.ref) > 64


def test_rows_and_workbook_say_what_was_calculated(app: Flask) -> None:
    make_year()
    prepared = prepare(obligation(1).id, act(on=DRAFTED))
    store_draft(prepared, act(on=DRAFTED))
    db.session.commit()
    revision = queries.newest_revision(obligation(1).id)
    assert revision is not None
    assert figures_of(revision) == prepared.content.figures
    book = workbook_of(revision)
    total = prepared.content.figures.total
    ((sheet, cell),) = book.defined_names["Summary_claimed_now"].destinations
    assert book[sheet][cell].value == total.claimed_now / 100
    ((sheet, cell),) = book.defined_names["Total_entries"].destinations
    assert book[sheet][cell].value == total.to_date / 100


def test_the_same_inputs_give_the_same_figures(app: Flask) -> None:
    make_year()
    first = prepare(obligation(1).id, act(on=DRAFTED))
    store_draft(first, act(on=DRAFTED))
    db.session.commit()
    second = prepare(obligation(1).id, act(on=DRAFTED))
    store_draft(second, act(on=DRAFTED))
    db.session.commit()
    assert (first.content.figures, first.inputs_digest) == (second.content.figures, second.inputs_digest)
    assert (first.build_no, second.build_no) == (1, 2)
    assert db.session.scalar(select(func.count()).select_from(FigureBuild)) == 2


def test_a_build_prepared_beside_another_is_not_stored(app: Flask) -> None:
    make_year()
    first, second = (prepare(obligation(1).id, act(on=DRAFTED)) for _ in range(2))
    store_draft(first, act(on=DRAFTED))
    db.session.commit()
    with pytest.raises(ChangedMeanwhile):
        store_draft(second, act(on=DRAFTED))


def test_a_budget_changed_while_it_is_prepared_stops_the_build(app: Flask) -> None:
    year = make_year()
    prepared = prepare(obligation(1).id, act(on=DRAFTED))
    _raise_funding(year.tool, 1_00)
    with pytest.raises(ChangedMeanwhile, match="build it again"):
        store_draft(prepared, act(on=DRAFTED))


def test_a_period_that_is_not_over_has_no_return(app: Flask) -> None:
    make_year()
    with pytest.raises(Refused, match="ends on 30 June 2025"):
        draft(on=dt.date(2025, 6, 30))


def test_errors_of_the_checks_stop_a_draft(app: Flask) -> None:
    make_year(forecasts=False)
    revision = draft()
    codes = {finding.code for finding in queries.findings_of(_build(revision).id) if finding.severity == "error"}
    assert codes == {"forecast_missing"}
    assert figures_of(revision).total.outturn is None
    sheet = workbook_of(revision)["Checks"]
    assert [sheet.cell(row, 2).value for row in (12, 13)] == ["A forecast for every line"] * 2, "in words"
    with pytest.raises(Refused, match="2 errors"):
        check(revision)


def test_a_variance_is_explained_by_the_forecasts_note(app: Flask) -> None:
    year = make_year(forecasts=False)
    make_forecasts(year.nurse, {2: 10_000_00, 3: 10_000_00, 4: 10_000_00})
    make_forecasts(year.tool, {2: 1_00, 3: 1_00, 4: 1_00})
    findings = queries.findings_of(_build(draft()).id)
    (message,) = [finding.message for finding in findings if finding.code == "variance_unexplained"]
    assert message.startswith(f"Explain the variance of High harm perpetrator tool ({year.tool.ref})")
    assert message.endswith("its outturn is £15,066.67 under its budget.")
    finance.save_forecast(act(on=DRAFTED), year.tool, {2: 1_00, 3: 1_00, 4: 1_00}, "Starts in January", 1)
    db.session.commit()
    revision = draft()
    assert not [each for each in queries.findings_of(_build(revision).id) if each.severity == "error"]
    check(revision)


def test_who_prepares_does_not_certify(app: Flask) -> None:
    make_year()
    revision = draft()
    check(revision)
    build = _build(revision).id
    with pytest.raises(NotAllowed):
        certify_return(revision.id, build, POST, by("finance.officer@dorset", CHECKED))
    with pytest.raises(NotAllowed):
        certify_return(revision.id, build, POST, act(None, CHECKED))
    db.session.rollback()
    with pytest.raises(DBAPIError):
        db.session.execute(
            text(
                "UPDATE return_revision SET certified_by = prepared_by, state = 'certified', revision_no = 1 "
                "WHERE id = :id"
            ),
            {"id": revision.id},
        )
    db.session.rollback()


def test_who_built_or_once_passed_a_return_on_does_not_certify_it(app: Flask) -> None:
    make_year()
    built = draft_return(obligation(1).id, by("opcc.officer@opcc", DRAFTED))
    db.session.commit()
    check(built)
    send_back(built, "The nurse's June pay is missing", by("certifier@dorset", CHECKED))
    db.session.commit()
    revision = draft()
    check_return(revision, _build(revision).id, by("coordinator@dorset", CHECKED))
    db.session.commit()
    for who in ("opcc.officer@opcc", "finance.officer@dorset", "coordinator@dorset"):
        with pytest.raises(NotAllowed, match="You prepared this return, so somebody else must certify it"):
            certify_return(revision.id, _build(revision).id, POST, by(who, CHECKED))
        db.session.rollback()
    certify(revision)


def test_a_return_sent_back_is_a_draft_with_the_reason(app: Flask) -> None:
    make_year()
    revision = draft()
    check(revision)
    with pytest.raises(Refused, match="with the certifier"):
        draft()
    db.session.rollback()
    send_back(revision, "The nurse's June pay is missing", by("certifier@dorset", CHECKED))
    db.session.commit()
    assert (revision.state, revision.prepared_by) == (RevisionState.DRAFT, None)
    assert queries.events_of(revision.id)[0].reason == "The nurse's June pay is missing"
    with pytest.raises(Refused, match="still a draft"):
        certify(revision)


def test_only_the_figures_that_were_seen_are_passed_on(app: Flask) -> None:
    make_year()
    revision = draft()
    seen = _build(revision).id
    draft()
    with pytest.raises(ChangedMeanwhile):
        check_return(revision, seen, by("finance.officer@dorset", CHECKED))


def test_a_newer_funding_makes_a_build_stale(app: Flask) -> None:
    year = make_year()
    revision = draft()
    check(revision)
    sealed = seal(revision.id, _build(revision).id, POST, by("certifier@dorset", CHECKED))
    _raise_funding(year.tool, 5_00)
    with pytest.raises(Refused, match="build it again"):
        certify(revision)
    db.session.rollback()
    with pytest.raises(Refused, match="build it again"):
        store_certificate(sealed, by("certifier@dorset", CHECKED))


def test_returns_are_certified_in_order(app: Flask) -> None:
    make_later_forecasts(make_year())
    second = draft(2, on=OCTOBER)
    assert figures_of(second).own_quarters == (1, 2)
    check(second, on=OCTOBER)
    with pytest.raises(Refused, match="Q1 2025/26 must be certified before"):
        certify(second, on=OCTOBER)
    db.session.rollback()
    certified(1, on=OCTOBER)
    assert second.state is RevisionState.CHECKED
    with pytest.raises(Refused, match="An earlier return was certified after"):
        certify(second, on=OCTOBER)


def test_a_certified_return_never_changes(app: Flask) -> None:
    make_year()
    revision = certified()
    for statement in (
        "UPDATE return_revision SET revision_no = 2",
        "UPDATE return_revision SET state = 'draft'",
        "DELETE FROM return_revision",
        "UPDATE return_figure SET value = 0",
        "DELETE FROM certificate",
    ):
        with pytest.raises(DBAPIError):
            db.session.execute(text(statement))
        db.session.rollback()
    with pytest.raises(Refused, match="never changes"):
        draft()
    db.session.rollback()
    assert db.session.get_one(ReturnRevision, revision.id).revision_no == 1


def test_what_comes_after_the_close_is_an_adjustment_and_an_accrual_is_released(app: Flask) -> None:
    year = make_year()
    certified(on=DRAFTED)
    assert spent(year.tool) == {1: 4_930_33, 2: -950_33}, "the close released the accrual into Q2"
    post(year.nurse, 300_00, dt.date(2025, 6, 25), document="PAY-LATE", on=dt.date(2025, 8, 1))
    post(year.tool, 1_000_00, dt.date(2025, 7, 20), document="INV-90", on=dt.date(2025, 8, 1))
    make_later_forecasts(year)
    revision = draft(2, on=OCTOBER)
    figures = figures_of(revision)
    assert figures.own_quarters == (2,)
    assert figures.adjustments == (Adjustment(year.nurse.ref, 1, 300_00),)
    lines = {line.ref: line for line in figures.lines}
    assert lines[year.tool.ref].this_period == 1_000_00 - 950_33
    assert lines[year.tool.ref].claimed_before == 4_930_33
    assert lines[year.tool.ref].claimed_now == 49_67
    assert lines[year.nurse.ref].claimed_now == 300_00
    assert figures.total.reported_before == 14_830_50
    entries = workbook_of(revision)["Entries"]
    marked = {row[7].value for row in entries.iter_rows(min_row=5) if row[10].value == "Yes"}
    assert marked == {"PAY-LATE"}


def test_spend_past_the_funding_is_locally_funded(app: Flask) -> None:
    year = make_year()
    post(year.tool, 18_000_00, document="INV-99")
    revision = draft()
    line = next(line for line in figures_of(revision).lines if line.ref == year.tool.ref)
    assert (line.claimed_to_date, line.locally_funded) == (20_000_00, 2_930_33)
    codes = {finding.code for finding in queries.findings_of(_build(revision).id)}
    assert {"locally_funded", "open_accruals", "variance_unexplained"} <= codes


def test_a_quarter_without_a_ledger_is_asked_about(app: Flask) -> None:
    make_year()
    certified()
    codes = {finding.code for finding in queries.findings_of(_build(draft(2, on=OCTOBER)).id)}
    assert "no_entries" in codes, "releases of accruals are not a ledger"
    release = db.session.scalars(select(LedgerEntry).where(LedgerEntry.reversal_why == ReversalWhy.RELEASE)).one()
    finance.accrue_again(act(on=OCTOBER), release)
    db.session.commit()
    codes = {finding.code for finding in queries.findings_of(_build(draft(2, on=OCTOBER)).id)}
    assert "no_entries" in codes, "nor are accruals that are accrued again"


def test_spend_before_a_condition_is_met_is_a_warning(app: Flask) -> None:
    _, (proposal,) = deciding()
    decision = decide(proposal, outcome=Outcome.FUND_IF)
    spender, other = db.session.scalars(select(Funding).order_by(Funding.id))
    post(spender, 100_00)
    ensure_obligations(act(on=APRIL), APRIL)
    db.session.commit()

    def found() -> list[tuple[str, str]]:
        findings = queries.findings_of(_build(draft()).id)
        return [(each.subject_ref, each.message) for each in findings if each.code == "condition_not_met"]

    ((subject, words),) = found()
    assert subject == f"funding:{spender.id}" != f"funding:{other.id}"
    assert "£100.00 is spent, and a condition of its decision is not met: A data sharing agreement is signed" in words
    settle_condition(decision.conditions[0], ConditionState.MET, CHECKED, "Signed", act(on=CHECKED))
    db.session.commit()
    assert found() == []


def test_figures_come_back_from_their_rows_with_what_is_missing(app: Flask) -> None:
    make_year(forecasts=False)
    prepared = prepare(obligation(1).id, act(on=DRAFTED))
    assert figures_store.from_rows(prepared.rows) == prepared.content.figures
    assert prepared.content.figures.categories[Category.LABOUR].outturn is None
    store_draft(prepared, act(on=DRAFTED))
    db.session.commit()
    (build_id,) = db.session.scalars(select(FigureBuild.id))
    assert figures_store.load([build_id])[build_id] == prepared.rows


def test_the_sealed_copy_goes_to_the_folder_whole(app: Flask, returns_dir: Path) -> None:
    make_year()
    revision = draft()
    check(revision)
    sealed = certify(revision)
    written = write_copy(str(returns_dir), sealed.file_name, sealed.workbook or b"")
    assert written.name == "SVD return Dorset CSP Q1 2025-26 revision 1.xlsx"
    stored = files.get_file(queries.files_of(revision_id=revision.id)[0].id)
    assert written.read_bytes() == files.content_of(stored)
    other = write_copy(str(returns_dir), sealed.file_name, b"another")
    assert (other.name, written.read_bytes()) == (
        "SVD return Dorset CSP Q1 2025-26 revision 1 (2).xlsx",
        files.content_of(stored),
    )
    assert [path.name for path in returns_dir.iterdir() if path.suffix != ".xlsx"] == []


def test_a_build_holds_no_write_lock(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    """A second connection writes while a return is being prepared."""
    year = make_year()
    real = build_return_workbook
    seqs = []

    def slow(document: ReturnDocument) -> bytes:
        with app.app_context():
            database.begin_writing()
            post(db.session.merge(year.nurse), 1_00, document="MEANWHILE")
            seqs.append(finance_queries.ledger_seq(year.nurse.holder_id))
            database.begin_reading()
        return real(document)

    monkeypatch.setattr(services, "build_return_workbook", slow)
    revision = draft_return(obligation(1).id, act(on=DRAFTED))
    db.session.commit()
    assert _build(revision).ledger_seq == seqs[0] - 1, "what came meanwhile is after the cut"


def _build(revision: ReturnRevision) -> FigureBuild:
    build = queries.newest_build(revision.id)
    assert build is not None
    return build


def _raise_funding(funding: Funding, pence: int) -> None:
    whole = finance_queries.newest_version(funding.id).pence + pence
    finance.change_funding(
        act(on=CHECKED),
        funding,
        whole,
        finance.even_profile(whole),
        make_approval(pence),
        "Raised",
        CHECKED,
    )
    db.session.commit()


def make_later_forecasts(year: Year) -> None:
    for funding in (year.nurse, year.tool):
        finance.save_forecast(act(on=OCTOBER), funding, {3: 5_000_00, 4: 5_000_00}, "As planned", 1)
    db.session.commit()
