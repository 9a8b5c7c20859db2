"""A holder that works here: nobody but itself says that a return comes as a workbook, and its certifier signs it."""

import datetime as dt

import pytest
from flask import Flask

from svd_tracker.accounts.queries import get_person
from svd_tracker.accounts.services import set_active
from svd_tracker.act import Source
from svd_tracker.audit import queries as audit
from svd_tracker.errors import NotAllowed, Refused
from svd_tracker.extensions import db
from svd_tracker.finance import queries as finance
from svd_tracker.returns import queries
from svd_tracker.returns.certify import certify_return
from svd_tracker.returns.models import Obligation, Origin, ReturnFileKind, ReturnRevision, RevisionState
from svd_tracker.returns.partner import queries as partner
from svd_tracker.returns.partner.choosing import comes_as_workbook, comes_from_ledger
from svd_tracker.returns.partner.models import PartnerState
from svd_tracker.returns.services import check_return, draft_return
from tests.integration.returns.test_partner import JULY, NEW_LINES, OPCC, certified, newest, taken, workbook
from tests.integration.returns.year import POST, by, draft, figures_of, make_year, obligation
from tests.support.client import PageClient
from tests.support.partner import Changes
from tests.support.world import act

pytestmark = pytest.mark.db
OFFICER = "finance.officer@dorset"
FILLED: Changes = {
    "Return": {
        "E7": 9_000, "H7": 10_000, "I7": 10_000, "J7": 11_000,
        "E8": 4_000, "H8": 5_000, "I8": 5_000, "J8": 6_000,
    },
    "Certificate": NEW_LINES["Certificate"],
}  # fmt: skip


@pytest.fixture
def dorset(app: Flask) -> Obligation:
    """Dorset keeps its ledger here, and its certifier has an account."""
    make_year()
    return obligation(1)


def said(of: Obligation, who: str = OFFICER) -> ReturnRevision:
    revision = comes_as_workbook(of, "The ledger here is not complete", by(who, JULY))
    db.session.commit()
    return revision


def passed_on(of: Obligation) -> tuple[int, int]:
    """A workbook taken in by the OPCC and passed on by the holder: its revision and build."""
    said(of)
    assert taken(of, workbook(of, FILLED)).state is PartnerState.TAKEN_IN
    revision = newest(of)
    build = queries.newest_build(revision.id)
    assert build is not None
    check_return(revision, build.id, by(OFFICER, JULY))
    db.session.commit()
    return revision.id, build.id


def test_the_opcc_alone_takes_in_nothing_for_a_holder_that_works_here(dorset: Obligation) -> None:
    content = workbook(dorset, FILLED)
    with pytest.raises(Refused, match=r"has a certifier here\. Ask its finance officer or certifier"):
        taken(dorset, content)
    db.session.rollback()
    draft()
    with pytest.raises(Refused, match="has a certifier here"):
        taken(obligation(1), content)
    db.session.rollback()
    revision = newest(obligation(1))
    assert revision.origin is Origin.BUILT
    assert figures_of(revision).total.to_date == 14_830_50
    assert partner.uploads_of(dorset.id) == []


def test_what_a_partner_outside_built_or_posted_here_is_its_own_too(dorset: Obligation) -> None:
    deactivate("certifier@dorset")
    with pytest.raises(Refused, match="has entries of this return's quarters"):
        taken(obligation(1), workbook(obligation(1), FILLED))
    db.session.rollback()
    deactivate("certifier@bcp")
    draft_return(obligation(1, "bcp").id, act(None, JULY, Source.JOB))
    db.session.commit()
    assert partner.why_not_taken_in(obligation(1, "bcp"), newest(obligation(1, "bcp")), JULY) is None
    draft_return(obligation(1, "bcp").id, by("finance.officer@bcp", JULY))
    db.session.commit()
    with pytest.raises(Refused, match="built this return here"):
        taken(obligation(1, "bcp"), workbook(obligation(1, "bcp"), NEW_LINES))


def test_the_opccs_own_return_is_never_a_workbook(dorset: Obligation) -> None:
    own = obligation(1, "opcc")
    with pytest.raises(Refused, match="built from its ledger here"):
        taken(own, workbook(own, FILLED))
    db.session.rollback()
    with pytest.raises(Refused, match="built from its ledger here"):
        said(obligation(1, "opcc"), "opcc.officer@opcc")


@pytest.mark.parametrize("who", [OFFICER, "certifier@dorset"])
def test_the_holder_says_so_with_a_reason_and_its_own_certifier_certifies(dorset: Obligation, who: str) -> None:
    with pytest.raises(Refused, match="Say why"):
        comes_as_workbook(dorset, " ", by(who, JULY))
    db.session.rollback()
    draft()
    said(obligation(1), who)
    assert "as_workbook" in [line.action for line in audit.history("finance_return", newest(dorset).of.ref)]
    with pytest.raises(Refused, match="none is taken in yet"):
        check_return(newest(dorset), queries.newest_build(newest(dorset).id).id, by(OFFICER, JULY))  # type: ignore[union-attr]
    db.session.rollback()
    with pytest.raises(Refused, match="comes from the partner's own workbook"):
        draft_return(dorset.id, by(OFFICER, JULY))
    db.session.rollback()
    taken(obligation(1), workbook(obligation(1), FILLED))
    with pytest.raises(Refused, match="certifier has an account here"):
        certified(obligation(1))
    db.session.rollback()
    revision = newest(dorset)
    build = queries.newest_build(revision.id)
    assert build is not None
    check_return(revision, build.id, by(OFFICER, JULY))
    db.session.commit()
    certify_return(revision.id, build.id, POST, by("certifier@dorset", JULY))
    db.session.commit()
    revision = newest(dorset)
    assert (revision.state, revision.revision_no) == (RevisionState.CERTIFIED, 1)
    assert figures_of(revision).total.to_date == 13_000_00
    certificate = queries.certificate_of(revision.id)
    assert certificate is not None
    assert (certificate.name, certificate.signed_file_id) == ("Dorset chief finance officer", None)
    assert {file.kind for file in queries.files_of(revision_id=revision.id)} == {
        ReturnFileKind.DRAFT,
        ReturnFileKind.RECEIVED,
    }
    assert finance.closed_quarters(dorset.holder_id, dorset.grant_id, 2025) == {1: revision.of.ref}


def test_who_took_the_workbook_in_prepared_it(dorset: Obligation) -> None:
    revision_id, build_id = passed_on(dorset)
    taker = by(OPCC, JULY).by
    assert taker in queries.preparers([revision_id])[revision_id]
    for who in (OPCC, OFFICER):
        with pytest.raises(NotAllowed, match="You prepared this return"):
            certify_return(revision_id, build_id, POST, by(who, JULY))
        db.session.rollback()


def test_it_is_taken_back_while_nothing_is_taken_in(dorset: Obligation) -> None:
    said(dorset)
    comes_from_ledger(obligation(1), "The ledger is complete now", by(OFFICER, JULY))
    db.session.commit()
    with pytest.raises(Refused, match="has a certifier here"):
        taken(obligation(1), workbook(obligation(1), FILLED))
    db.session.rollback()
    draft_return(dorset.id, by(OFFICER, JULY))
    db.session.commit()
    said(obligation(1))
    taken(obligation(1), workbook(obligation(1), FILLED))
    with pytest.raises(Refused, match="was taken in already"):
        comes_from_ledger(obligation(1), "After all", by(OFFICER, JULY))


def test_the_pages_of_the_choice(app: Flask, dorset: Obligation, client: PageClient) -> None:
    app.config["TODAY"] = JULY
    holders, offices = f"/obligations/{dorset.id}/comes-as-workbook", f"/obligations/{dorset.id}/partner"
    client.sign_in(f"{OPCC}.example")
    page = client.get(offices).text
    assert "Ask its finance officer or certifier to say" in page
    assert "Take in the filled workbook" not in page
    client.post(holders, {"reason": "So that I can"}, status=403)
    client.sign_in(f"{OFFICER}.example")
    assert holders in client.get("/returns").text
    assert "Say why" in client.post(holders, {"reason": ""}, status=200).text
    shown = client.follow(client.post(holders, {"reason": "Our new ledger is not loaded yet"}))
    assert "none is taken in yet" in shown.text
    assert "It is built from the ledger after all" in shown.text
    client.sign_in(f"{OPCC}.example")
    page = client.get(offices).text
    assert "Our new ledger is not loaded yet" in page
    assert "Take in the filled workbook" in page
    taken(obligation(1), workbook(obligation(1), FILLED))
    assert "certifier has an account here" in client.get(offices).text
    client.sign_in(f"{OFFICER}.example")
    revision = newest(obligation(1))
    page = client.get(f"/returns/{revision.id}").text
    assert "Pass to the certifier" in page
    assert "Build again" not in page
    build = queries.newest_build(revision.id)
    assert build is not None
    address, seen = f"/returns/{revision.id}", str(build.id)
    client.post(f"{address}/check", {"build": seen}, status=303)
    client.sign_in(f"{OPCC}.example")
    assert "own certifier has it" in client.get(offices).text
    client.sign_in("certifier@dorset.example")
    certify = f"{address}/certify"
    assert "from the workbook taken in on" in client.get(certify).text
    done = client.follow(client.post(certify, {"build": seen, "post": POST}))
    assert "The workbook that was taken in stays as it came" in done.text
    app.config["TODAY"] = None


def deactivate(who: str) -> None:
    set_active(get_person(by(who, JULY).by or 0), active=False, act=act(on=dt.date(2025, 4, 10)))
    db.session.commit()
