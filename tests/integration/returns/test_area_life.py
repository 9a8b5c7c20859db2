"""What becomes of a join: certified, sent back, sent, accepted, queried; by whom, and what it stops."""

import datetime as dt
import io
from collections.abc import Callable, Iterator
from threading import Thread

import openpyxl
import pytest
from flask import Flask

from svd_tracker.accounts.delegations import delegate
from svd_tracker.accounts.queries import get_person
from svd_tracker.act import Act
from svd_tracker.audit import queries as audit_queries
from svd_tracker.calculations.figures import Category
from svd_tracker.errors import NotAllowed, NotFound, Refused
from svd_tracker.extensions import db
from svd_tracker.files import queries as files
from svd_tracker.grants.models import Grant
from svd_tracker.returns import area_life, area_queries, area_records, queries, revisions
from svd_tracker.returns.area import join
from svd_tracker.returns.area_models import AreaRevision, AreaState
from svd_tracker.returns.area_queries import Period
from svd_tracker.returns.models import ReturnFileKind, ReturnRevision, RevisionState
from tests.integration.finance.money_rows import make_funding, post
from tests.integration.returns.year import by as acting
from tests.integration.returns.year import certified, make_forecasts, make_year, person
from tests.support.client import PageClient
from tests.support.money import holder
from tests.support.prepared import prepared

pytestmark = pytest.mark.db
DAY = dt.date(2025, 7, 29)
POST = "Chief finance officer to the PCC"


def by(who: str) -> Act:
    return acting(who, DAY)


@pytest.fixture(autouse=True)
def day(app: Flask) -> Iterator[None]:
    app.config["TODAY"] = DAY
    yield
    app.config["TODAY"] = None


@pytest.fixture
def period(app: Flask) -> Period:
    return certified_by_all()


@prepared
def certified_by_all() -> Period:
    """Every holder certified for the first quarter."""
    grant = make_year().grant
    make_year("bcp", grant)
    own_return_of_opcc(grant)
    certified(1, "dorset")
    certified(1, "bcp")
    certified(1, "opcc")
    return Period(grant.id, 2025, 1)


def own_return_of_opcc(grant: Grant) -> None:
    support = make_funding(grant, 12_000_00, title="Programme support", of="opcc", category=Category.LABOUR)
    post(support, 3_000_00)
    make_forecasts(support, {2: 3_000_00, 3: 3_000_00, 4: 3_000_00})


def joined(period: Period, reason: str = "") -> AreaRevision:
    revision = join(period, reason, by("opcc.officer@opcc"))
    db.session.commit()
    return area_queries.get_area_revision(revision.id)


def certify(revision: AreaRevision) -> area_life.SealedJoin:
    sealed = area_life.certify_join(revision.id, POST, by("certifier@opcc"))
    db.session.commit()
    return sealed


def sent(revision: AreaRevision) -> AreaRevision:
    certify(revision)
    area_life.send_join(revision, "Home Office", "By e-mail", "HO-1", DAY, by("opcc.officer@opcc"))
    db.session.commit()
    return area_queries.get_area_revision(revision.id)


def state_of(revision: AreaRevision) -> AreaState:
    return area_queries.states_of([revision.id])[revision.id]


def member(revision: AreaRevision, ref: str) -> int:
    return next(each.return_revision_id or 0 for each in revision.members if each.holder_id == holder(ref).id)


def send_to_opcc(revision: AreaRevision, ref: str) -> int:
    """Record that a holder's return of a join was sent to the OPCC."""
    found = queries.get_revision(member(revision, ref))
    revisions.send(found, "OPCC", "By e-mail", "", DAY, by(f"finance.officer@{ref}"))
    db.session.commit()
    return found.id


def test_a_join_is_certified_with_the_agreements_words_and_sealed(period: Period) -> None:
    revision = joined(period)
    assert state_of(revision) is AreaState.PREPARED
    head = audit_queries.head_of(holder("opcc").area_id)
    sealed = certify(revision)
    assert state_of(revision) is AreaState.CERTIFIED
    certificate = area_records.certificate_of(revision.id)
    assert certificate is not None
    assert (certificate.name, certificate.post) == ("OPCC chief finance officer", POST)
    assert certificate.statement.startswith("I certify that the expenditure")
    assert (certificate.audit_seq, certificate.audit_hash) == head
    kept = queries.files_of(area_revision_id=revision.id)
    assert [file.kind for file in kept] == [ReturnFileKind.SEALED, ReturnFileKind.DRAFT]
    content = files.content_of(files.get_file(kept[0].id))
    assert content == sealed.workbook
    book = openpyxl.load_workbook(io.BytesIO(content), data_only=True)
    cover = [str(cell.value) for row in book["Cover"].iter_rows() for cell in row if cell.value]
    assert any(text.startswith("CERTIFIED · COMPLETE") for text in cover)
    assert POST in cover
    assert any(certificate.audit_hash in text for text in cover)


def test_the_opccs_own_return_is_with_the_opcc_once_certified(period: Period, client: PageClient) -> None:
    own = next(each for each in area_queries.members_of(period) if each.holder.ref == "opcc")
    assert own.state is RevisionState.SENT
    address, revision_id = f"/returns/{own.revision_id}", own.revision_id or 0
    db.session.rollback()
    with pytest.raises(Refused, match="nobody there has to accept it"):
        revisions.accept(queries.get_revision(revision_id), "", by("opcc.officer@opcc"))
    db.session.rollback()
    officer = client.sign_in("opcc.officer@opcc.example")
    assert "Accept or query the Q1 2025/26 return of Dorset OPCC" not in officer.get("/").text
    page = officer.get(address).text
    assert "With the OPCC" in page
    assert "Query it" in page
    assert "Accept the return" not in page
    assert "Record that it was sent" not in page
    assert "nobody: it is with the OPCC, joined with the others" in officer.get("/returns").text
    assert "Open it again" in client.sign_in("certifier@opcc.example").get(address).text
    first = joined(period)
    with pytest.raises(Refused, match="only a query"):
        revisions.reopen(queries.get_revision(revision_id), "A late invoice", by("certifier@opcc"))
    db.session.rollback()
    sent(first)
    area_life.query_join(
        area_queries.get_area_revision(first.id), "Why so much?", [revision_id], by("opcc.officer@opcc")
    )
    db.session.commit()
    assert queries.state_of(queries.get_revision(revision_id)) is RevisionState.QUERIED


def test_the_opccs_own_return_is_opened_again_before_it_is_joined(period: Period) -> None:
    own = next(each.revision_id for each in area_queries.members_of(period) if each.holder.ref == "opcc")
    revisions.reopen(queries.get_revision(own or 0), "A late invoice", by("certifier@opcc"))
    db.session.commit()
    assert queries.state_of(queries.get_revision(own or 0)) is RevisionState.REOPENED


def test_whoever_joined_it_does_not_certify_it_nor_does_anybody_elses_certifier(period: Period) -> None:
    revision = joined(period)
    with pytest.raises(NotAllowed, match="somebody else"):
        area_life.certify_join(revision.id, POST, by("opcc.officer@opcc"))
    db.session.rollback()
    with pytest.raises(NotFound):
        area_life.certify_join(revision.id, POST, by("certifier@dorset"))
    db.session.rollback()
    assert state_of(revision) is AreaState.PREPARED


MOVES: dict[str, tuple[AreaState, Callable[[AreaRevision], object]]] = {  # verb: from which state alone, and how
    "certify": (
        AreaState.PREPARED,
        lambda revision: area_life.certify_join(revision.id, POST, by("certifier@opcc")),
    ),
    "send back": (
        AreaState.PREPARED,
        lambda revision: area_life.send_back_join(revision, "Wrong", by("certifier@opcc")),
    ),
    "send": (
        AreaState.CERTIFIED,
        lambda revision: area_life.send_join(revision, "Home Office", "Mail", "", DAY, by("opcc.officer@opcc")),
    ),
    "accept": (AreaState.SENT, lambda revision: area_life.accept_join(revision, "", by("opcc.officer@opcc"))),
    "query": (AreaState.SENT, lambda revision: area_life.query_join(revision, "Why?", [], by("opcc.officer@opcc"))),
}


@pytest.mark.parametrize(
    ("state", "way"),
    [
        (AreaState.PREPARED, ()),
        (AreaState.SENT_BACK, ("send back",)),
        (AreaState.CERTIFIED, ("certify",)),
        (AreaState.SENT, ("certify", "send")),
        (AreaState.ACCEPTED, ("certify", "send", "accept")),
        (AreaState.QUERIED, ("certify", "send", "query")),
    ],
)
def test_each_verb_moves_from_one_state_alone(period: Period, state: AreaState, way: tuple[str, ...]) -> None:
    revision = joined(period)
    for verb in way:
        MOVES[verb][1](revision)
        db.session.commit()
    assert state_of(revision) is state
    for verb, (start, move) in MOVES.items():
        if start is not state:
            with pytest.raises(Refused):
                move(revision)
            db.session.rollback()
            assert state_of(revision) is state, verb


def test_a_certified_join_gives_way_only_with_a_reason(app: Flask) -> None:
    grant = make_year().grant
    make_year("bcp", grant)
    own_return_of_opcc(grant)
    certified(1, "dorset")
    certified(1, "bcp")
    period = Period(grant.id, 2025, 1)
    first = joined(period, "The OPCC's officer is away")
    certify(first)
    certified(1, "opcc")
    with pytest.raises(Refused, match="take the place of revision 1"):
        joined(period)
    db.session.rollback()
    second = joined(period, "The OPCC's return came")
    assert (second.revision_no, second.complete, second.reason) == (2, True, "The OPCC's return came")
    with pytest.raises(Refused, match="Revision 2 has taken this one's place"):
        area_life.send_join(first, "Home Office", "By e-mail", "", DAY, by("opcc.officer@opcc"))
    db.session.rollback()
    assert [each.return_revision_id for each in second.members[:2]] == [
        each.return_revision_id for each in first.members[:2]
    ], "the others are untouched"


def test_a_join_that_was_sent_waits_for_the_funders_query_but_a_late_return_comes_in(app: Flask) -> None:
    grant = make_year().grant
    make_year("bcp", grant)
    own_return_of_opcc(grant)
    certified(1, "dorset")
    certified(1, "bcp")
    period = Period(grant.id, 2025, 1)
    first = sent(joined(period, "The OPCC's officer is away"))
    late = certified(1, "opcc")
    second = joined(period, "The OPCC's return came after it was sent")
    assert late.id in {each.return_revision_id for each in second.members}
    sent(second)
    with pytest.raises(Refused, match="Nothing has changed"):
        joined(period, "Again")
    db.session.rollback()
    assert state_of(area_queries.get_area_revision(first.id)) is AreaState.SENT


def test_a_query_opens_one_holders_return_and_the_next_join_takes_its_revision(period: Period) -> None:
    first = joined(period)
    dorset = send_to_opcc(first, "dorset")
    first = sent(first)
    others = {each.holder_id: each.return_revision_id for each in first.members if each.return_revision_id != dorset}
    area_life.query_join(first, "Is the nurse's overtime in?", [dorset], by("opcc.officer@opcc"))
    db.session.commit()
    assert state_of(first) is AreaState.QUERIED
    assert queries.state_of(queries.get_revision(dorset)) is RevisionState.QUERIED
    now = {each.holder.ref: each for each in area_queries.members_of(period)}
    queried = "Queried since it was certified, by the OPCC or with the funder's query, due 28 July 2025"
    assert now["dorset"].missing_reason == queried
    assert now["bcp"].missing_reason is None
    again = certified(1, "dorset", DAY)
    assert again.revision_no == 2
    second = joined(period)
    assert second.complete
    assert {each.holder_id: each.return_revision_id for each in second.members} == {
        **others,
        holder("dorset").id: again.id,
    }


def test_a_return_that_the_opcc_accepted_cannot_be_queried_and_then_nothing_is(period: Period) -> None:
    first = joined(period)
    bcp = send_to_opcc(first, "bcp")
    revisions.accept(queries.get_revision(bcp), "", by("opcc.officer@opcc"))
    db.session.commit()
    first, dorset = sent(first), member(first, "dorset")
    with pytest.raises(Refused, match="accepted"):
        area_life.query_join(first, "Why?", [dorset, bcp], by("opcc.officer@opcc"))
    db.session.rollback()
    assert state_of(first) is AreaState.SENT
    assert queries.state_of(queries.get_revision(dorset)) is RevisionState.SENT
    with pytest.raises(Refused, match="Choose among the returns"):
        area_life.query_join(first, "Why?", [999], by("opcc.officer@opcc"))


ALONE: dict[str, Callable[[ReturnRevision], object]] = {  # what is done to one holder's return by itself
    "reopen": lambda revision: revisions.reopen(revision, "A late invoice", by("certifier@dorset")),
    "query": lambda revision: revisions.query(revision, "The nurse's hours", by("opcc.officer@opcc")),
    "accept": lambda revision: revisions.accept(revision, "", by("opcc.officer@opcc")),
}


def refused_alone(revision_id: int) -> None:
    for do in ALONE.values():
        with pytest.raises(Refused):
            do(queries.get_revision(revision_id))
        db.session.rollback()


@pytest.mark.parametrize("to_opcc", [False, True])
def test_what_the_funder_has_is_neither_opened_nor_accepted_on_its_own(period: Period, to_opcc: bool) -> None:
    area = joined(period)
    dorset = send_to_opcc(area, "dorset") if to_opcc else member(area, "dorset")
    area = sent(area)
    states = area_records.member_states(area)
    assert set(states.values()) == {RevisionState.SENT}
    assert [each.event for each in queries.events_of(dorset)].count("to_funder") == (not to_opcc)
    refused_alone(dorset)
    area_life.accept_join(area, "HO letter", by("opcc.officer@opcc"))
    db.session.commit()
    assert set(area_records.member_states(area).values()) == {RevisionState.ACCEPTED}
    refused_alone(dorset)
    assert state_of(area) is AreaState.ACCEPTED


def test_once_the_funder_asks_the_opcc_may_query_another_holders_return(period: Period) -> None:
    area = sent(joined(period))
    dorset, bcp = member(area, "dorset"), member(area, "bcp")
    area_life.query_join(area, "Is the nurse's overtime in?", [dorset], by("opcc.officer@opcc"))
    db.session.commit()
    revisions.query(queries.get_revision(bcp), "The tool's invoice too", by("opcc.officer@opcc"))
    db.session.commit()
    assert queries.state_of(queries.get_revision(bcp)) is RevisionState.QUERIED


def test_what_the_funder_has_is_not_asked_of_the_opcc(period: Period, client: PageClient) -> None:
    area = joined(period)
    area_id, at = area.id, f"/returns/{send_to_opcc(area, 'dorset')}"
    client.sign_in("opcc.officer@opcc.example")
    to_do, query = "Accept or query the Q1 2025/26 return of Dorset", f"{at}/query"
    assert to_do in client.get("/").text
    assert query in client.get(at).text
    sent(area_queries.get_area_revision(area_id))
    assert to_do not in client.get("/").text
    page = client.get(at).text
    assert query not in page
    assert "what the funder accepts or asks is recorded there" in page


@pytest.mark.parametrize("verb", ["certify", "send"])
def test_a_join_waits_for_a_return_that_is_being_opened_again(app: Flask, period: Period, verb: str) -> None:
    """The reopening is not committed yet when the join is certified or sent: the join waits, and then is refused."""
    area = joined(period)
    sealed = area_life.seal_join(area.id, POST, by("certifier@opcc"))
    if verb == "send":
        certify(area)
    area_id, bcp = area.id, member(area, "bcp")
    acting, said = by("certifier@opcc" if verb == "certify" else "opcc.officer@opcc"), []
    db.session.rollback()

    def meanwhile() -> None:
        with app.app_context():
            try:
                if verb == "certify":
                    area_life.store_join_certificate(sealed, acting)
                else:
                    revision = area_queries.get_area_revision(area_id)
                    area_life.send_join(revision, "Home Office", "By e-mail", "", DAY, acting)
                db.session.commit()
                said.append("done")
            except Refused as refused:
                said.append(refused.message)

    revisions.reopen(queries.get_revision(bcp), "A late invoice", by("certifier@bcp"))
    other = Thread(target=meanwhile)
    other.start()
    other.join(1)
    db.session.commit()
    other.join(30)
    assert said == ["The return of BCP Community Safety Partnership was opened again since. Join the returns again"]


def test_a_join_is_not_certified_or_sent_on_a_return_that_was_opened_again(period: Period) -> None:
    first = joined(period)
    revisions.reopen(queries.get_revision(member(first, "bcp")), "A late invoice", by("certifier@bcp"))
    db.session.commit()
    with pytest.raises(Refused, match="The return of BCP Community Safety Partnership was opened again"):
        area_life.certify_join(first.id, POST, by("certifier@opcc"))
    db.session.rollback()
    certified(1, "bcp", DAY)
    second = joined(period)
    certify(second)
    revisions.reopen(queries.get_revision(member(second, "dorset")), "Another", by("certifier@dorset"))
    db.session.commit()
    with pytest.raises(Refused, match="opened again"):
        area_life.send_join(second, "Home Office", "By e-mail", "", DAY, by("opcc.officer@opcc"))


@pytest.mark.parametrize(
    ("on", "words"), [(dt.date(2025, 7, 30), "today or in the past"), (dt.date(2025, 7, 28), "certified on 29 July")]
)
def test_a_join_is_sent_on_a_day_between_its_certificate_and_today(period: Period, on: dt.date, words: str) -> None:
    revision = joined(period)
    certify(revision)
    with pytest.raises(Refused, match=words):
        area_life.send_join(revision, "Home Office", "By e-mail", "", on, by("opcc.officer@opcc"))


def test_the_whole_life_on_pages(period: Period, client: PageClient) -> None:
    officer, certifier = "opcc.officer@opcc.example", "certifier@opcc.example"
    client.sign_in(officer)
    page = client.follow(client.post(f"/area-returns/{period.grant_id}/2025/1"))
    assert "somebody other than OPCC officer" in page.text
    revision = area_queries.revisions_of(period)[0].id
    at = f"/area-returns/revisions/{revision}"
    client.get(f"{at}/certify", status=403)
    client.sign_in("certifier@dorset.example").get(at, status=403)
    client.get(f"{at}/certify", status=403)
    client.get("/area-returns", status=403)
    client.sign_in(certifier)
    home = client.get("/").text
    assert "Certify the area return of Q1 2025/26" in home
    assert "28 July 2025" in home.split("Certify the area return of Q1 2025/26")[1].split("</tr>")[0]
    assert "Certify this area return" in client.get(at).text
    shown = client.get(f"{at}/certify")
    assert "I certify that the expenditure" in shown.text
    assert len(client.queries) <= 30, client.queries
    assert "Enter your post" in client.post(f"{at}/certify", {"post": " "}, status=200).text
    key = shown.text.split('name="once_key"')[1].split('value="')[1].split('"')[0]
    client.post(f"{at}/certify", {"post": POST, "once_key": key})
    assert client.post(f"{at}/certify", {"post": POST, "once_key": key}).location == at, "a double click"
    assert "Certified by OPCC chief finance officer" in client.get(at).text
    client.get(f"{at}/send", status=403)
    client.sign_in(officer)
    date = {"sent_on-day": "29", "sent_on-month": "7", "sent_on-year": "2025"}
    receipt = (io.BytesIO(b"%PDF-1.4 receipt"), "receipt.pdf")
    given = {"to_whom": "Home Office", "how": "By e-mail", "reference": "HO-7", **date}
    wrong = client.post(f"{at}/send", {**given, "receipt": (io.BytesIO(b"MZ"), "a.exe")}, status=200)
    assert "The selected file must be" in wrong.text
    client.post(f"{at}/send", {**given, "receipt": receipt})
    sent_page = client.get(at).text
    assert "receipt.pdf" in sent_page
    assert len(client.queries) <= 30, client.queries
    link = sent_page.split("/receipts/")[1].split('"')[0]
    sending = sent_page.split("/area-returns/sendings/")[1].split("/")[0]
    assert client.get(f"/area-returns/sendings/{sending}/receipts/{link}").data == b"%PDF-1.4 receipt"
    client.sign_in("finance.officer@dorset.example").get(
        f"/area-returns/sendings/{sending}/receipts/{link}", status=403
    )
    client.sign_in(officer)
    assert "Say what the funder asks" in client.post(f"{at}/query", {"reason": ""}, status=200).text
    client.post(f"{at}/query", {"reason": "Is the overtime in?"})
    assert "The funder asks: Is the overtime in?" in client.get(at).text
    assert "Specialist nurse" in client.get(f"{at}/download").text
    client.sign_in("auditor@audit.example").get(at)
    client.post(f"{at}/accept", status=403)


def test_the_page_of_a_query_offers_the_returns_that_were_sent(period: Period, client: PageClient) -> None:
    first = joined(period)
    dorset, bcp = member(first, "dorset"), send_to_opcc(first, "bcp")
    revisions.accept(queries.get_revision(bcp), "", by("opcc.officer@opcc"))
    db.session.commit()
    at = f"/area-returns/revisions/{sent(first).id}/query"
    page = client.sign_in("opcc.officer@opcc.example").get(at).text
    assert f'value="{dorset}"' in page
    assert f'value="{bcp}"' not in page
    assert "The OPCC accepted the return of BCP Community Safety Partnership, so it cannot be chosen" in page
    client.post(at, {"reason": "Why?", "returns": str(bcp)}, status=200)
    shown = client.follow(client.post(at, {"reason": "Is the overtime in?", "returns": str(dorset)}))
    assert "The return of Dorset Community Safety Partnership was opened again since" in shown.text
    assert client.get(at, status=303).location == at.removesuffix("/query"), "queried already"
    assert queries.state_of(queries.get_revision(dorset)) is RevisionState.QUERIED


def test_a_join_sent_back_is_joined_again(period: Period, client: PageClient) -> None:
    revision = joined(period)
    at = f"/area-returns/revisions/{revision.id}"
    client.sign_in("certifier@opcc.example").post(f"{at}/send-back", {"reason": "Ask BCP about the tool"})
    client.sign_in("opcc.officer@opcc.example")
    assert "Sent back by the certifier: Ask BCP about the tool" in client.get(at).text
    page = client.follow(client.post(f"/area-returns/{period.grant_id}/2025/1"))
    assert "revision 2" in page.text
    assert "Revision 2 has taken this one’s place" in client.get(at).text


def test_the_funders_awards_reconcile_to_the_penny(period: Period, client: PageClient) -> None:
    revision = joined(period)
    page = client.sign_in("opcc.officer@opcc.example").get(f"/area-returns/revisions/{revision.id}").text
    table = page[page.index("The funder’s awards, to the penny") :]
    table = table[: table.index("</table>")]
    assert "£96,412.37" in table
    assert "£195,587.63" in table
    assert table.count("£0.00") == 3, "nothing is left unallocated"


def test_a_deputy_of_whoever_joined_the_returns_does_not_certify_them(period: Period) -> None:
    revision = join(period, "", by("certifier@opcc"))
    officer = get_person(person("opcc.officer@opcc.example"))
    delegate(holder("opcc"), officer, DAY, DAY + dt.timedelta(days=5), "Annual leave", by("certifier@opcc"))
    db.session.commit()
    with pytest.raises(NotAllowed, match="Whom you stand in for"):
        area_life.certify_join(revision.id, POST, by("opcc.officer@opcc"))
    db.session.rollback()
    assert state_of(revision) is AreaState.PREPARED
