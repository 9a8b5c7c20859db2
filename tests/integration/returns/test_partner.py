"""A partner who works in Excel: the workbook made, taken in, sent back marked, certified by its signed page, joined."""

import datetime as dt
import io
import warnings
from collections.abc import Iterator

import openpyxl
import pytest
from flask import Flask
from sqlalchemy import select

from exports.partner_workbook import make_partner_workbook
from svd_tracker.accounts.queries import get_person
from svd_tracker.accounts.services import set_active
from svd_tracker.act import Source
from svd_tracker.calculations.figures import Category, ObligationKind
from svd_tracker.errors import ChangedMeanwhile, NotAllowed, Refused
from svd_tracker.extensions import db
from svd_tracker.files import queries as files
from svd_tracker.finance.models import ClaimLine
from svd_tracker.grants.models import Grant
from svd_tracker.grants.services import allocate
from svd_tracker.readers.partner_layout import CERTIFICATE, RETURN
from svd_tracker.returns import area_queries, figures_store, queries, revisions
from svd_tracker.returns.models import (
    FigureBuild,
    LineSection,
    Obligation,
    Origin,
    ReturnFigure,
    ReturnFileKind,
    ReturnLine,
    ReturnRevision,
    RevisionState,
)
from svd_tracker.returns.obligations import ensure_obligations
from svd_tracker.returns.partner import queries as partner
from svd_tracker.returns.partner.certificate import record_certificate
from svd_tracker.returns.partner.choosing import comes_as_workbook
from svd_tracker.returns.partner.form import partner_form
from svd_tracker.returns.partner.models import PartnerState, PartnerUpload
from svd_tracker.returns.partner.take_in import look, store, take_in
from svd_tracker.returns.services import BUDGET_CHANGED, check_return, draft_return, why_stale
from svd_tracker.returns.trace import trace_of
from tests.integration.finance.money_rows import make_funding, post
from tests.integration.returns.year import by, figures_of, make_year, obligation, person
from tests.support.client import PageClient
from tests.support.money import make_approval
from tests.support.partner import Changes, edited, saved
from tests.support.world import act

pytestmark = pytest.mark.db
APRIL = dt.date(2025, 4, 1)
JULY = dt.date(2025, 7, 21)
OCTOBER = dt.date(2025, 10, 20)
OPCC = "opcc.officer@opcc"
PAGE = b"%PDF-1.7\n1 0 obj\n<<>>\nendobj\ntrailer\n<<>>\n%%EOF\n"
NEW_LINES: Changes = {
    RETURN: {
        "B7": "Healthy relationships", "C7": "Non-labour", "D7": 30_000, "E7": 7_100.25, "F7": 100.25,
        "H7": 7_500, "I7": 7_500, "J7": 7_899.75,
        "B8": "Coordinator", "C8": "Labour", "D8": 40_000, "E8": 10_000, "H8": 10_000, "I8": 10_000, "J8": 10_000,
    },
    CERTIFICATE: {"B6": "No", "B7": "A Clerk", "B8": "B Treasurer", "B9": "Section 151 officer", "B10": "18/07/2025"},
}  # fmt: skip


@pytest.fixture
def grant(app: Flask) -> Grant:
    """BCP has an allocation and neither fundings nor a certifier here; Dorset keeps its ledger here."""
    found = make_year().grant
    set_active(get_person(person("certifier@bcp.example")), active=False, act=act())
    ensure_obligations(act(on=dt.date(2025, 4, 10)), dt.date(2025, 4, 10))
    db.session.commit()
    return found


@pytest.fixture
def bcp(grant: Grant) -> Obligation:
    return obligation(1, "bcp")


def workbook(of: Obligation, changes: Changes, on: dt.date = JULY) -> bytes:
    """The partner's workbook of a return as it comes back."""
    return edited(make_partner_workbook(partner_form(of, by(OPCC, on).at)), changes)


def taken(of: Obligation, content: bytes, on: dt.date = JULY) -> PartnerUpload:
    upload = take_in(of.id, "BCP Q1.xlsx", content, by(OPCC, on))
    db.session.commit()
    return partner.get_upload(upload.id)


def newest(of: Obligation) -> ReturnRevision:
    found = queries.newest_revision(of.id)
    assert found is not None
    return queries.get_revision(found.id)


def certified(of: Obligation, on: dt.date = JULY, signed_on: dt.date = dt.date(2025, 7, 18)) -> ReturnRevision:
    revision = newest(of)
    build = queries.newest_build(revision.id)
    assert build is not None
    given = ("B Treasurer", "Section 151 officer", signed_on, "signed.pdf", page_of(revision))
    record_certificate(revision.id, build.id, *given, by(OPCC, on))
    db.session.commit()
    return queries.get_revision(revision.id)


def page_of(revision: ReturnRevision) -> bytes:
    """The signed page of a revision: each its own."""
    return PAGE + f"%{revision.id}\n".encode()


def test_what_was_filled_in_becomes_the_figures_of_the_return(bcp: Obligation) -> None:
    content = workbook(bcp, NEW_LINES)
    upload = taken(bcp, content)
    assert upload.state is PartnerState.TAKEN_IN, [each.message for each in upload.findings]
    assert files.content_of(upload.file) == content, "kept as it came"
    revision = newest(bcp)
    assert (revision.state, revision.origin) == (RevisionState.DRAFT, Origin.BROUGHT_IN)
    figures = figures_of(revision)
    assert [(line.ref, line.title) for line in figures.lines] == [
        ("P02", "Coordinator"),
        ("P01", "Healthy relationships"),
    ]
    schools = figures.lines[1]
    assert (schools.this_period, schools.accruals, schools.to_date) == (7_100_25, 100_25, 7_100_25)
    assert (schools.outturn, schools.variance, schools.claimed_now) == (30_000_00, 0, 7_100_25)
    assert sum(schools.profile_by_quarter.values()) == 30_000_00
    assert figures.total.claimed_now == 17_100_25
    assert figures.categories[Category.LABOUR].allocation == 43_212_22
    (kept,) = queries.files_of(revision_id=revision.id)
    assert kept.kind is ReturnFileKind.RECEIVED


def test_each_figure_names_the_cell_that_it_was_read_from(bcp: Obligation) -> None:
    changes = {**NEW_LINES, "Match": {"A6": "Schools", "B6": "College", "C6": "Cash", "D6": 500, "E6": 400, "F6": 0}}
    taken(bcp, workbook(bcp, changes))
    rows = db.session.execute(
        select(ReturnLine.ref, ReturnFigure.column_code, ReturnFigure.quarter, ReturnFigure.source_cell)
        .join(ReturnLine, ReturnLine.id == ReturnFigure.return_line_id)
        .where(ReturnFigure.source_cell.is_not(None))
    )
    cells = {(row.ref, row.column_code, row.quarter): row.source_cell for row in rows}
    assert cells["P01", "spent", 1] == "Return!E7"
    assert cells["P01", "accruals", 0] == "Return!F7"
    assert cells["P01", "funding", 0] == "Return!D7"
    assert cells["P02", "forecast", 4] == "Return!J8"
    assert cells["cash", "confirmed", 0] == "Match!E6"
    assert ("P01", "to_date", 0) not in cells, "worked out here"


def test_three_errors_are_named_and_nothing_of_the_workbook_is_used(bcp: Obligation) -> None:
    wrong = {**NEW_LINES[RETURN], "E7": "seven thousand", "C8": None, "J8": None}
    upload = taken(bcp, workbook(bcp, {**NEW_LINES, RETURN: wrong}))
    errors = {(each.sheet, each.cell): each.message for each in upload.findings if each.severity == "error"}
    assert set(errors) == {(RETURN, "E7"), (RETURN, "C8"), (RETURN, "J8")}
    assert "found 'seven thousand'" in errors[RETURN, "E7"]
    assert upload.state is PartnerState.REFUSED
    assert queries.newest_revision(bcp.id) is None
    assert db.session.scalar(select(FigureBuild.id)) is None


def test_a_variance_without_an_explanation_is_an_error_at_its_cell(bcp: Obligation) -> None:
    wrong = {**NEW_LINES[RETURN], "D8": 45_000}
    upload = taken(bcp, workbook(bcp, {**NEW_LINES, RETURN: wrong}))
    (error,) = [each for each in upload.findings if each.severity == "error"]
    assert (error.code, error.sheet, error.cell) == ("variance_unexplained", RETURN, "M8")
    said = {**wrong, "M8": "A vacancy until June"}
    assert taken(bcp, workbook(bcp, {**NEW_LINES, RETURN: said})).state is PartnerState.TAKEN_IN
    rows = figures_store.load([queries.newest_build(newest(bcp).id).id])  # type: ignore[union-attr]
    (found,) = rows.values()
    assert {row.ref: row.explanation for row in found if row.section is LineSection.FUNDING}["P02"] == (
        "A vacancy until June"
    )


def test_a_second_workbook_is_another_build_and_leaves_the_first(bcp: Obligation) -> None:
    first = workbook(bcp, NEW_LINES)
    taken(bcp, first)
    with pytest.raises(Refused, match="This very file was taken in on 21 July 2025"):
        taken(bcp, first)
    db.session.rollback()
    second = {**NEW_LINES[RETURN], "E8": 9_000, "H8": 11_000}
    form = workbook(bcp, {RETURN: {"E7": 9_000, "G7": 11_000}})
    assert openpyxl.load_workbook(io.BytesIO(form))[RETURN]["B7"].value == "Coordinator", "what was given stands in it"
    content = edited(first, {RETURN: second})
    taken(bcp, content)
    assert figures_of(newest(bcp)).total.to_date == 16_100_25
    builds = list(db.session.scalars(select(FigureBuild).order_by(FigureBuild.build_no)))
    assert [build.build_no for build in builds] == [1, 2]
    before = figures_store.from_rows(figures_store.load([builds[0].id])[builds[0].id])
    assert before.total.to_date == 17_100_25
    assert [files.content_of(each.file) for each in partner.uploads_of(bcp.id)] == [content, first]


def test_figures_that_are_stale_are_worked_out_again_from_the_very_same_file(bcp: Obligation, grant: Grant) -> None:
    content = workbook(bcp, NEW_LINES)
    taken(bcp, content)
    less = {(bcp.holder_id, Category.LABOUR): 43_000_00}
    allocate(grant, 2025, less, make_approval(), act(), effective_on=APRIL, reason="Moved")
    db.session.commit()
    stale = obligation(1, "bcp")
    build = queries.newest_build(newest(stale).id)
    assert build is not None
    assert why_stale(stale, build) == BUDGET_CHANGED
    taken(obligation(1, "bcp"), content)
    with pytest.raises(Refused, match="This very file"):
        taken(obligation(1, "bcp"), content)


def test_two_at_the_same_moment_one_is_told(bcp: Obligation) -> None:
    looked = look(bcp.id, "a.xlsx", workbook(bcp, NEW_LINES), by(OPCC, JULY))
    other = look(bcp.id, "b.xlsx", edited(looked.content, {RETURN: {"K30": "note"}}), by(OPCC, JULY))
    store(looked, by(OPCC, JULY))
    db.session.commit()
    with pytest.raises(ChangedMeanwhile, match="at the same moment"):
        store(other, by(OPCC, JULY))


@pytest.mark.parametrize("content", [b"", b"%PDF-1.7", b"PK\x03\x04 nothing"])
def test_what_is_no_workbook_is_refused_and_not_kept(bcp: Obligation, content: bytes) -> None:
    with pytest.raises(Refused):
        taken(bcp, content)
    db.session.rollback()
    assert partner.uploads_of(bcp.id) == []


def test_another_partners_workbook_is_refused_and_not_kept(bcp: Obligation) -> None:
    theirs = workbook(obligation(1, "dorset"), {})
    with pytest.raises(Refused, match="made for another partner or grant"):
        taken(bcp, theirs)
    db.session.rollback()
    assert partner.uploads_of(bcp.id) == []


def test_before_its_period_is_over_nothing_is_taken_in(bcp: Obligation) -> None:
    with pytest.raises(Refused, match="ends on 30 June 2025"):
        taken(bcp, workbook(bcp, NEW_LINES), dt.date(2025, 6, 20))


def test_what_came_as_a_workbook_is_neither_built_nor_checked_here(bcp: Obligation) -> None:
    taken(bcp, workbook(bcp, NEW_LINES))
    with pytest.raises(Refused, match="comes from the partner's own workbook"):
        draft_return(bcp.id, act(None, JULY, Source.JOB))
    db.session.rollback()
    revision = newest(bcp)
    build = queries.newest_build(revision.id)
    assert build is not None
    with pytest.raises(Refused, match="signs this return outside"):
        check_return(revision, build.id, by("finance.officer@bcp", JULY))


def test_the_signed_page_certifies_it_and_it_joins_the_area(bcp: Obligation, grant: Grant) -> None:
    taken(bcp, workbook(bcp, NEW_LINES))
    revision = certified(bcp)
    assert (revision.state, revision.revision_no) == (RevisionState.CERTIFIED, 1)
    assert queries.state_of(revision) is RevisionState.SENT, "the OPCC has it"
    certificate = queries.certificate_of(revision.id)
    assert certificate is not None
    assert (certificate.name, certificate.signed_on) == ("B Treasurer", dt.date(2025, 7, 18))
    assert certificate.signed_file_id is not None
    assert files.content_of(files.get_file(certificate.signed_file_id)) == page_of(revision)
    assert certificate.audit_hash
    period = area_queries.Period(grant.id, 2025, 1, ObligationKind.IN_YEAR)
    member = next(each for each in area_queries.members_of(period) if each.holder.ref == "bcp")
    assert member.missing_reason is None
    assert member.figures is not None
    assert member.figures.total.claimed_now == 17_100_25


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"name": " "}, "Enter the certifier's name"),
        ({"post": ""}, "Enter the certifier's post"),
        ({"name": "a clerk"}, "prepared this return by its workbook"),
        ({"signed_on": dt.date(2025, 7, 22)}, "not still to come"),
        ({"signed_on": dt.date(2025, 6, 29)}, "The period ends on 30 June 2025"),
        ({"content": b""}, "Select the scan of the signed page"),
        ({"content": b"not a pdf"}, "what is in it is something else"),
        ({"file_name": "signed.csv", "content": b"a,b\n1,2\n"}, "must be a PDF, PNG or JPG"),
    ],
)
def test_a_certificate_needs_its_name_post_day_and_page(bcp: Obligation, change: dict[str, object], said: str) -> None:
    taken(bcp, workbook(bcp, NEW_LINES))
    revision = newest(bcp)
    build = queries.newest_build(revision.id)
    assert build is not None
    given: dict[str, object] = {
        "name": "B Treasurer",
        "post": "Section 151 officer",
        "signed_on": dt.date(2025, 7, 18),
        "file_name": "signed.pdf",
        "content": PAGE,
        **change,
    }
    with pytest.raises(Refused, match=said):
        record_certificate(revision.id, build.id, act=by(OPCC, JULY), **given)  # type: ignore[arg-type]
    db.session.rollback()
    assert newest(bcp).state is RevisionState.DRAFT


def test_a_long_name_of_a_sheet_is_kept_as_far_as_it_goes(bcp: Obligation) -> None:
    """Google Sheets gives a hundred characters, and PostgreSQL takes no more than the column has."""
    book = openpyxl.load_workbook(io.BytesIO(workbook(bcp, NEW_LINES)), data_only=True)
    with warnings.catch_warnings(action="ignore"):
        book[RETURN].title = "R" * 100
    assert taken(bcp, saved(book)).state is PartnerState.TAKEN_IN
    cells = set(db.session.scalars(select(ReturnFigure.source_cell).where(ReturnFigure.source_cell.is_not(None))))
    assert f"{'R' * 50}!E7" in cells


@pytest.mark.usefixtures("day")
def test_reasons_of_what_came_as_a_workbook_are_given_in_the_workbook(bcp: Obligation, client: PageClient) -> None:
    taken(bcp, workbook(bcp, NEW_LINES))
    revision = newest(bcp)
    page = client.sign_in("finance.officer@bcp.example").get(f"/returns/{revision.id}").text
    assert f"/returns/{revision.id}/explain" not in page
    assert client.get(f"/returns/{revision.id}/explain", status=303).location == f"/returns/{revision.id}"


def test_nobody_records_a_certificate_unseen(bcp: Obligation) -> None:
    taken(bcp, workbook(bcp, NEW_LINES))
    revision = newest(bcp)
    given = ("B Treasurer", "Section 151", dt.date(2025, 7, 18), "signed.pdf", PAGE)
    with pytest.raises(ChangedMeanwhile, match="Another workbook was taken in"):
        record_certificate(revision.id, 0, *given, by(OPCC, JULY))
    db.session.rollback()
    with pytest.raises(NotAllowed):
        record_certificate(revision.id, 0, *given, act(None, JULY, Source.JOB))


def test_once_certified_it_takes_in_no_other_until_it_is_queried(bcp: Obligation) -> None:
    content = workbook(bcp, NEW_LINES)
    taken(bcp, content)
    revision = certified(bcp)
    changed = edited(content, {RETURN: {"E8": 9_500, "M8": "An hour was booked twice"}})
    with pytest.raises(Refused, match="sent: only a query"):
        taken(bcp, changed)
    db.session.rollback()
    revisions.query(queries.get_revision(revision.id), "Is the coordinator's pay right?", by(OPCC, JULY))
    db.session.commit()
    upload = taken(bcp, workbook(bcp, {RETURN: {"E7": 9_500, "G7": 10_500}, CERTIFICATE: NEW_LINES[CERTIFICATE]}))
    (error,) = [each for each in upload.findings if each.severity == "error"]
    assert (error.code, error.cell) == ("change_unexplained", "M7"), "a revision says why each line changed"
    said: Changes = {
        RETURN: {"E7": 9_500, "H7": 10_500, "M7": "An hour was booked twice"},
        CERTIFICATE: NEW_LINES[CERTIFICATE],
    }
    assert taken(bcp, workbook(bcp, said)).state is PartnerState.TAKEN_IN
    with pytest.raises(Refused, match="This revision was asked for on 21 July 2025"):
        certified(bcp)
    db.session.rollback()
    build = queries.newest_build(newest(bcp).id)
    assert build is not None
    given = ("B Treasurer", "Section 151 officer", JULY, "again.pdf", page_of(queries.get_revision(revision.id)))
    with pytest.raises(Refused, match=r"This very page certified .*2025-26-Q1-bcp, revision 1"):
        record_certificate(build.revision_id or 0, build.id, *given, by(OPCC, JULY))
    db.session.rollback()
    again = certified(bcp, signed_on=JULY)
    assert again.revision_no == 2
    assert figures_of(again).total.to_date == 16_600_25
    assert figures_of(queries.get_revision(revision.id)).total.to_date == 17_100_25


def test_the_next_quarter_knows_what_was_reported_and_takes_adjustments(bcp: Obligation) -> None:
    taken(bcp, workbook(bcp, NEW_LINES))
    certified(bcp)
    second = obligation(2, "bcp")
    form = partner_form(second, by(OPCC, OCTOBER).at)
    assert (form.closed, form.own, form.ahead) == ((1,), (2,), (3, 4))
    assert [(line.ref, line.reported_before) for line in form.lines] == [("P02", 10_000_00), ("P01", 7_100_25)]
    assert form.spare_refs[0] == "P03"
    filled: Changes = {
        RETURN: {
            "F7": -250, "G7": 10_250, "J7": 10_000, "K7": 10_000,
            "F8": 0, "G8": 7_499.75, "J8": 7_500, "K8": 7_900,
        },
        CERTIFICATE: {**NEW_LINES[CERTIFICATE], "B10": "18/10/2025"},
    }  # fmt: skip
    upload = taken(second, workbook(second, filled, OCTOBER), OCTOBER)
    assert upload.state is PartnerState.TAKEN_IN, [each.message for each in upload.findings]
    figures = figures_of(newest(second))
    coordinator = figures.lines[0]
    assert (coordinator.reported_before, coordinator.adjustments, coordinator.this_period) == (
        10_000_00,
        -250_00,
        10_250_00,
    )
    assert (coordinator.to_date, coordinator.claimed_before, coordinator.claimed_now) == (
        20_000_00,
        10_000_00,
        10_000_00,
    )
    assert [(each.funding_ref, each.quarter, each.pence) for each in figures.adjustments] == [("P02", 1, -250_00)]
    with pytest.raises(Refused, match="comes from the partner's own workbook"):
        draft_return(obligation(3, "bcp").id, act(None, dt.date(2026, 1, 20), Source.JOB))


def test_a_partner_with_fundings_here_has_them_as_lines_and_its_claims_are_kept(grant: Grant) -> None:
    nurse = make_funding(grant, 40_000_00, title="Specialist nurse", of="bcp", category=Category.LABOUR)
    bcp = obligation(1, "bcp")
    form = partner_form(bcp, by(OPCC, JULY).at)
    assert [(line.ref, line.budget, line.budget_given) for line in form.lines] == [(nurse.ref, 40_000_00, False)]
    filled: Changes = {
        RETURN: {"E7": 9_900.17, "H7": 10_000, "I7": 10_000, "J7": 10_099.83},
        CERTIFICATE: NEW_LINES[CERTIFICATE],
    }
    taken(bcp, workbook(bcp, filled))
    line = figures_of(newest(bcp)).lines[0]
    assert line.profile_by_quarter == {1: 10_000_00, 2: 10_000_00, 3: 10_000_00, 4: 10_000_00}
    certified(bcp)
    assert not trace_of(newest(bcp), nurse.ref, "spent", 1).stands_on_entries
    (claim,) = db.session.scalars(select(ClaimLine).where(ClaimLine.funding_id == nurse.id))
    assert claim.claimed_to_date_pence == 9_900_17


def test_a_partner_whose_ledger_is_kept_here_too_is_told(grant: Grant) -> None:
    nurse = make_funding(grant, 10_000_00, title="Specialist nurse", of="bcp", category=Category.LABOUR)
    post(nurse, 2_000_00)
    bcp = obligation(1, "bcp")
    comes_as_workbook(bcp, "The ledger here is a trial", by("finance.officer@bcp", JULY))
    db.session.commit()
    filled: Changes = {
        RETURN: {"E7": 2_500, "H7": 2_500, "I7": 2_500, "J7": 2_500},
        CERTIFICATE: NEW_LINES[CERTIFICATE],
    }
    upload = taken(bcp, workbook(bcp, filled))
    assert upload.state is PartnerState.TAKEN_IN
    assert "ledger_here" in {each.code for each in upload.findings}
    assert figures_of(newest(bcp)).total.to_date == 2_500_00, "the workbook is what counts"


def test_a_nil_return_is_said_in_the_workbook(bcp: Obligation) -> None:
    nothing = {**NEW_LINES[RETURN], "E7": 0, "F7": 0, "E8": 0, "H7": 15_000, "H8": 20_000, "J7": 7_500}
    said = {**NEW_LINES[CERTIFICATE], "B6": "Yes"}
    upload = taken(bcp, workbook(bcp, {RETURN: nothing, CERTIFICATE: said}))
    assert upload.state is PartnerState.TAKEN_IN, [each.message for each in upload.findings]
    assert newest(bcp).nil


@pytest.fixture
def day(app: Flask) -> Iterator[None]:
    app.config["TODAY"] = JULY
    yield
    app.config["TODAY"] = None


@pytest.mark.usefixtures("day")
def test_the_pages_from_the_workbook_to_the_certificate(bcp: Obligation, client: PageClient) -> None:
    base = f"/obligations/{bcp.id}/partner"
    content = workbook(bcp, NEW_LINES)
    wrong = workbook(bcp, {**NEW_LINES, RETURN: {**NEW_LINES[RETURN], "E7": "n/a"}})
    client.sign_in(f"{OPCC}.example")
    assert "No workbook is taken in yet" in client.get(base).text
    made = client.get(f"{base}/download-workbook")
    assert openpyxl.load_workbook(io.BytesIO(made.data)).sheetnames[0] == "Read me"
    assert "BCP" in made.headers["Content-Disposition"]
    assert "Select the filled workbook" in client.post(f"{base}/take-in", status=200).text

    shown = client.follow(client.post(f"{base}/take-in", {"file": (io.BytesIO(wrong), "BCP.xlsx")}))
    assert "This workbook is to be put right" in shown.text
    assert "Return!E7" in shown.text
    assert "No figure of it is used" in shown.text
    upload = shown.request.path
    marked = openpyxl.load_workbook(io.BytesIO(client.get(f"{upload}/download-marked").data))
    assert marked.sheetnames[0] == "Problems"
    assert client.get(f"{upload}/file").data == wrong

    sent = {"file": (io.BytesIO(content), "BCP.xlsx"), "once_key": "a" * 32}
    first = client.post(f"{base}/take-in", sent)
    again = client.post(f"{base}/take-in", {"file": (io.BytesIO(content), "BCP.xlsx"), "once_key": "a" * 32})
    assert first.location == again.location
    assert "This workbook is taken in" in client.follow(first).text
    assert len(client.queries) <= 25, client.queries
    page = client.get(base).text
    assert "£17,100.25" in page
    assert "its certificate is not recorded yet" in page
    assert len(client.queries) <= 35, client.queries

    revision = newest(obligation(1, "bcp"))
    build = queries.newest_build(revision.id)
    assert build is not None
    certify = f"/returns/{revision.id}/partner-certificate"
    form = client.get(certify).text
    assert 'value="B Treasurer"' in form
    given = {"build": str(build.id), "name": "B Treasurer", "post": "Section 151 officer"}
    day = {"signed_on-day": "18", "signed_on-month": "7", "signed_on-year": "2025"}
    assert "Select the scan of the signed page" in client.post(certify, {**given, **day}, status=200).text
    done = client.post(certify, {**given, **day, "file": (io.BytesIO(PAGE), "signed.pdf")})
    page = client.follow(done).text
    assert "certified by B Treasurer, Section 151 officer, on 18 July 2025" in page
    assert client.get(f"/returns/{revision.id}/signed-page/download").data == PAGE
    assert client.post(certify, given, status=303).location == base

    client.sign_in("auditor@audit.example")
    client.get(base)
    client.post(f"{base}/take-in", status=403)
    client.get(f"{base}/download-workbook", status=403)
    client.sign_in("finance.officer@dorset.example")
    client.get(base, status=403)
    client.get(upload, status=403)
    client.get(f"/returns/{revision.id}/signed-page/download", status=403)


@pytest.mark.usefixtures("day")
def test_the_return_page_of_what_came_as_a_workbook(bcp: Obligation, client: PageClient) -> None:
    taken(bcp, workbook(bcp, NEW_LINES))
    address, workbooks = f"/returns/{certified(bcp).id}", f"/obligations/{bcp.id}/partner"
    page = client.sign_in(f"{OPCC}.example").get(address).text
    assert "Healthy relationships" in page
    assert "£17,100.25" in page
    assert "The partner, in its own workbook" in page
    assert "signed on 18 July 2025" in page
    assert workbooks in page
    figure = client.get(f"{address}/figure?line=P01&code=spent&quarter=1").text
    assert "Return!E7" in figure
    assert "The rows behind it" not in figure
