"""What is done twice, late or at the same moment over ledger lines."""

import re
import threading
from collections.abc import Callable

import pytest
from flask import Flask
from sqlalchemy import select

from svd_tracker.errors import ChangedMeanwhile, Refused
from svd_tracker.extensions import db
from svd_tracker.finance.intake.models import LedgerLine, Outcome
from svd_tracker.finance.models import Match, MatchEvent, MatchStage
from svd_tracker.finance.placing import receiving, services
from svd_tracker.finance.placing.book import Part
from svd_tracker.finance.placing.services import When
from tests.integration.finance.money_rows import JULY, make_funding
from tests.integration.finance.placing_rows import check_ledger, make_line, make_match, owner, where
from tests.support.client import PageClient
from tests.support.money import holder, make_grant
from tests.support.stores import Store
from tests.support.world import act

pytestmark = pytest.mark.db

OFFICER = "finance.officer@dorset.example"


def at_once(store: Store, *verbs: Callable[[], object]) -> list[str]:
    """Run each in a thread with an application context of its own; what each was refused with."""
    barrier, refused = threading.Barrier(len(verbs)), []

    def run(verb: Callable[[], object]) -> None:
        with store.app.app_context():
            barrier.wait()
            try:
                verb()
                db.session.commit()
            except Refused as why:
                db.session.rollback()
                refused.append(why.message)

    threads = [threading.Thread(target=run, args=(verb,)) for verb in verbs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return refused


def test_cash_of_a_match_is_received_once_even_at_the_same_moment(app: Flask, store: Store) -> None:
    match_id = make_match(make_funding(make_grant())).id
    line_id = make_line(-100_00).id
    match = db.session.get_one(Match, match_id)
    services.income(act(on=JULY), owner(), [db.session.get_one(LedgerLine, line_id)], match)
    db.session.commit()

    def receive() -> None:
        receiving.record_received(act(on=JULY), owner(), db.session.get_one(LedgerLine, line_id))

    assert at_once(store, receive, receive) == ["This cash is recorded as received already"]
    events = db.session.scalars(select(MatchEvent).where(MatchEvent.match_id == match_id))
    assert [each.pence for each in events if each.stage is MatchStage.RECEIVED] == [100_00]


def test_cash_that_was_placed_elsewhere_is_not_received(app: Flask) -> None:
    match = make_match(make_funding(make_grant()))
    line = make_line(-100_00)
    services.income(act(on=JULY), owner(), [line], match)
    services.put_back(act(on=JULY), owner(), [line], "A refund")
    with pytest.raises(Refused, match="the cash of a match no more"):
        receiving.record_received(act(on=JULY), owner(), line)


def test_undo_leaves_what_somebody_placed_since(app: Flask, client: PageClient) -> None:
    app.config["TODAY"] = JULY
    grant = make_grant()
    funding, other = make_funding(grant), make_funding(grant, title="Level-Up")
    first, second = make_line(100_00), make_line(50_00)
    ids, other_id = [first.id, second.id], other.id
    url = f"/finance/{holder('dorset').id}/queue"
    client.sign_in(OFFICER)
    sent = {"do": "place", "to": f"F{funding.id}", "lines": [str(each) for each in ids]}
    placed = client.post(url, sent, 303)
    found = re.search(r"done=([\d-]+)", placed.location)
    assert found
    moved = db.session.get_one(LedgerLine, ids[0])
    services.split(act(on=JULY), owner(), moved, [Part(100_00, other_id)], reason="Corrected")
    db.session.commit()
    page = client.post(f"{url}/undo", {"done": found[1]}, 303)
    said = client.get(page.location).get_data(as_text=True)
    assert "1 line put back: it waits again. 1 line was placed since and stays." in said
    assert where(db.session.get_one(LedgerLine, ids[0])).parts == (Part(100_00, other_id),)
    assert where(db.session.get_one(LedgerLine, ids[1])).outcome is Outcome.WAITING
    assert 'name="done"' not in client.get(placed.location).get_data(as_text=True)
    page = client.post(f"{url}/undo", {"done": found[1]}, 303)
    assert "Nothing is undone: these lines were placed or put back since" in client.get(page.location).get_data(
        as_text=True
    )
    check_ledger()


def test_carrying_a_line_that_was_placed_and_carried_meanwhile_is_refused(app: Flask, client: PageClient) -> None:
    line = make_line(100_00)
    given = (act(on=JULY), owner(), [line], When(2025, 1))
    services.carry(*given, "Asked the school", seq=0)
    with pytest.raises(ChangedMeanwhile, match="Somebody placed this line"):
        services.carry(*given, "Asked the charity", seq=0)
    db.session.commit()
    app.config["TODAY"] = JULY
    line_id = line.id
    sent = {"seq": "0", "do": "carry", "past": "20251", "when": "20251", "reason": "Again"}
    page = client.sign_in(OFFICER).post(f"/ledger-lines/{line_id}/place", sent, 200)
    assert "Somebody placed this line" in page.get_data(as_text=True)
