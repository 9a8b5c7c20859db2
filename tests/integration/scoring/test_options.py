"""Options of the funding line: kept, refused, chosen, drafts of decisions from them, and who reaches them."""

import re
from dataclasses import replace

import pytest
from flask import Flask

from svd_tracker.accounts.queries import load_access
from svd_tracker.act import Act
from svd_tracker.audit import queries as audit
from svd_tracker.calculations.figures import Category
from svd_tracker.calculations.options import Item, OptionPlace, Start, begin
from svd_tracker.decisions import drafts
from svd_tracker.decisions.models import Outcome
from svd_tracker.errors import ChangedMeanwhile, NotAllowed, Refused
from svd_tracker.extensions import db
from svd_tracker.grants.queries import get_grant
from svd_tracker.proposals.models import Proposal
from svd_tracker.proposals.queries import get_proposal
from svd_tracker.proposals.services import withdraw
from svd_tracker.rounds.models import Round, RoundState
from svd_tracker.rounds.queries import get_round
from svd_tracker.scoring import option_queries, option_services
from svd_tracker.scoring.models import LineOption
from svd_tracker.scoring.option_queries import Basis
from svd_tracker.scoring.option_services import OptionContent
from tests.integration.scoring.support import declare, save, score_all, send
from tests.support.client import PageClient
from tests.support.money import holder, make_grant, make_terms
from tests.support.rounds import ASSESSORS, COORDINATOR, advance, finish_interests, make_proposal, make_round, person
from tests.support.world import DAY, act

pytestmark = pytest.mark.db
LABOUR, OTHER = Category.LABOUR, Category.NON_LABOUR
COSTS = (
    {"dorset": {OTHER: 60_000_00}, "bcp": {OTHER: 20_000_00}},
    {"dorset": {OTHER: 50_000_00}},
    {"dorset": {LABOUR: 5_000_00, OTHER: 10_000_00}},
)
FUND, PART, RESERVE, OVER = OptionPlace
MEMBER = "member@dorset.example"


def scored(state: RoundState = RoundState.DECIDING, count: int = 3, **changes: object) -> tuple[Round, list[Proposal]]:
    """Proposals P-01 to P-03, best first, in a round where all scores are sent."""
    round_ = make_round(**changes)  # type: ignore[arg-type]
    made = [make_proposal(round_, f"Project {number}", costs=COSTS[number % 3]) for number in range(count)]
    advance(round_, RoundState.SCORING)
    finish_interests(round_)
    for email in ASSESSORS:
        for proposal, mark in zip(made, (500, 400, 300), strict=True):
            save(proposal, email, {"G1": 100, "C1": mark, "C2": mark, "C3": mark})
        send(round_, email)
    advance(round_, state)
    return round_, made


def basis_of(round_: Round, email: str = COORDINATOR, ref: str = "dorset") -> Basis:
    return option_queries.basis_of(round_, holder(ref), load_access(person(email).id, DAY))


def add(round_: Round, name: str = "The line", how: Start = Start.LINE, **changes: object) -> LineOption:
    basis = basis_of(round_)
    content = OptionContent(name, begin(how, basis.ranked, basis.money))
    made = option_services.add_option(by(), basis, replace(content, **changes))  # type: ignore[arg-type]
    db.session.commit()
    return made


def by() -> Act:
    return act(person(COORDINATOR).id)


def url_of(round_: Round, ref: str = "dorset") -> str:
    return f"/rounds/{round_.id}/options/{holder(ref).id}"


def test_what_options_stand_on(app: Flask) -> None:
    round_ = scored(kept_back=1_000_00)[0]
    basis = basis_of(round_)
    assert [(each.ask.ref, each.ask.rank) for each in basis.listed] == [("P-01", 1), ("P-02", 2), ("P-03", 3)]
    assert basis.money.pence == {LABOUR: 40_200_15, OTHER: 90_330_40}
    assert basis.money.allocated == {LABOUR: 41_200_15, OTHER: 91_330_40}
    # £2,500.00 of cash match over £60,000.00 and £20,000.00
    assert basis.listed[0].ask.match == {LABOUR: 0, OTHER: 1_875_00}
    # £2,500.00 over £5,000.00 and £10,000.00
    assert basis.listed[2].ask.match == {LABOUR: 833_33, OTHER: 1_666_67}
    auditor = basis_of(round_, "auditor@audit.example", "bcp")
    assert [(each.ask.ref, each.ask.rank) for each in auditor.listed] == [("P-01", 1)]


def test_equal_ranks_say_so(app: Flask, client: PageClient) -> None:
    round_ = make_round()
    made = [make_proposal(round_, f"Project {number}", costs=COSTS[2]) for number in range(2)]
    advance(round_, RoundState.SCORING)
    score_all(round_, *made)
    url = url_of(round_)
    option = add(round_)
    pages = url, f"/options/{option.id}", f"/options/{option.id}/edit"
    assert [each.shares_rank for each in basis_of(round_).listed] == [True, True]
    client.sign_in(COORDINATOR)
    for page in pages:
        assert client.get(page).text.count(">1 =</td>") == 2, page


def test_an_option_is_kept_as_it_was_made_and_says_what_is_left(app: Flask) -> None:
    round_ = scored()[0]
    option = add(round_, how=Start.IN_PART)
    db.session.expire_all()
    now = option_queries.held_against(basis_of(round_), option)
    assert [(row.ask.ref, row.item and row.item.place) for row in now.result.rows] == [
        ("P-01", FUND),
        ("P-02", PART),
        ("P-03", OVER),
    ]
    assert now.result.funded == {LABOUR: 0, OTHER: 91_330_40}
    assert now.result.left == {LABOUR: 41_200_15, OTHER: 0}
    assert now.result.problems == ()
    line = audit.history("funding_line", option_queries.subject(round_, holder("dorset")))[0]
    assert (line.action, line.holder_id) == ("add_option", holder("dorset").id)


def test_what_is_not_kept(app: Flask) -> None:
    round_ = scored()[0]
    add(round_)
    basis = basis_of(round_)
    good = OptionContent("Another", begin(Start.LINE, basis.ranked, basis.money))
    wrong: tuple[tuple[OptionContent, str | None, str], ...] = (
        (replace(good, name=" "), "name", "Enter a name"),
        (replace(good, name="the LINE"), "name", "Another option has this name"),
        (replace(good, over_bp=500), "over_approver", "Enter who allows"),
        (replace(good, over_bp=500, over_approver="OPCC"), "over_reference", "Enter the reference"),
        (replace(good, over_bp=500, over_approver="OPCC", over_reference="A1"), None, "by 0% at most"),
        (replace(good, items=begin(Start.AFTER, basis.ranked, basis.money, after=2)), None, "£18,669.60 more than"),
        (replace(good, items={"P-02": Item(FUND, {OTHER: 50_000_00})}), None, "P-01 ranks higher than P-02"),
    )
    for content, field, words in wrong:
        with pytest.raises(Refused, match=re.escape(words)) as refused:
            option_services.add_option(by(), basis, content)
        assert refused.value.field == field
        db.session.rollback()
    assert len(option_queries.options_of(round_.id, holder("dorset").id)) == 1


def test_over_programming_inside_the_terms_with_who_and_under_what(app: Flask) -> None:
    round_ = scored()[0]
    make_terms(round_.grant, over_programme_bp=2_500)
    db.session.commit()
    basis = basis_of(round_)
    items = begin(Start.LINE, basis.ranked, basis.money, over_bp=2_500)
    option = add(round_, "Over", items=items, over_bp=2_500, over_approver="Chief executive", over_reference="CE/12")
    now = option_queries.held_against(basis_of(round_), option)
    assert now.result.left[OTHER] == 91_330_40 - 110_000_00
    assert now.result.ceiling[OTHER] == 91_330_40 * 5 // 4  # £114,163.00
    plain = option_services.save_option(by(), basis_of(round_), option, replace_over(basis_of(round_)), 1)
    assert (plain.over_approver, plain.over_reference) == ("", "")


def replace_over(basis: Basis) -> OptionContent:
    items = begin(Start.LINE, basis.ranked, basis.money)
    return OptionContent("Over", items, over_approver="left behind", over_reference="left behind")


def test_a_change_of_any_row_counts_and_an_older_page_is_refused(app: Flask) -> None:
    round_ = scored()[0]
    option = add(round_)
    seen, basis = option.row_version, basis_of(round_)
    content = option_services.content_of(basis, option)
    kept = {**content.items, "P-03": Item(RESERVE)}
    option_services.save_option(by(), basis, option, replace(content, items=kept), seen)
    db.session.commit()
    assert option.row_version == seen + 1
    assert option_services.content_of(basis, option).items["P-03"].place is RESERVE
    for verb in (option_services.delete_option, option_services.choose):
        with pytest.raises(ChangedMeanwhile):
            verb(by(), basis, option, seen)
        db.session.rollback()
    with pytest.raises(ChangedMeanwhile):
        option_services.save_option(by(), basis, option, content, seen)


def test_one_is_chosen_and_fills_in_drafts(app: Flask) -> None:
    round_, made = scored()
    first, second = add(round_), add(round_, "In part", Start.IN_PART)
    dorset, basis = holder("dorset").id, basis_of(round_)
    assert drafts.drafts_of(round_.id, dorset) == {}
    option_services.choose(by(), basis, first, first.row_version)
    option_services.choose(by(), basis, second, second.row_version)
    db.session.commit()
    assert [each.chosen_at is not None for each in (first, second)] == [False, True]
    found = drafts.drafts_of(round_.id, dorset)
    assert {key: each.outcome for key, each in found.items()} == {
        made[0].id: Outcome.FUND,
        made[1].id: Outcome.FUND_IN_PART,
        made[2].id: Outcome.REJECT,
    }
    assert found[made[1].id].amounts == {OTHER: 31_330_40}
    assert found[made[2].id].reason == "The money for this round runs out before it"
    assert found[made[0].id].option == "In part"
    with pytest.raises(Refused, match="is chosen"):
        option_services.delete_option(by(), basis, second, second.row_version)
    db.session.rollback()
    option_services.take_choice_back(by(), basis, second, second.row_version)
    option_services.delete_option(by(), basis, second, second.row_version)
    db.session.commit()
    assert drafts.drafts_of(round_.id, dorset) == {}
    assert option_queries.options_of(round_.id, dorset) == [first]


def test_with_match_counted_a_draft_funds_in_part(app: Flask) -> None:
    round_, made = scored()
    basis = basis_of(round_)
    items = begin(Start.LINE, basis.ranked, basis.money, count_match=True)
    option = add(round_, count_match=True, items=items)
    option_services.choose(by(), basis, option, option.row_version)
    db.session.commit()
    draft = drafts.drafts_of(round_.id, holder("dorset").id)[made[0].id]
    assert (draft.outcome, draft.amounts) == (Outcome.FUND_IN_PART, {OTHER: 58_125_00})


def test_an_option_that_the_round_has_left_behind_says_so_and_is_not_chosen(app: Flask) -> None:
    round_, made = scored(RoundState.SCORING)
    option = add(round_, how=Start.IN_PART)
    withdraw(made[1], "The charity closes", by())
    db.session.commit()
    basis = basis_of(round_)
    now = option_queries.held_against(basis, option)
    assert [each.words for each in now.result.problems] == [
        "P-02 no longer asks this partnership for money: take it out"
    ]
    with pytest.raises(Refused, match="P-02 no longer asks"):
        option_services.choose(by(), basis, option, option.row_version)
    db.session.rollback()
    copied = option_services.copy_option(by(), basis_of(round_), option, "Copy")
    db.session.commit()
    assert option_services.content_of(basis, copied).items == option_services.content_of(basis, option).items
    assert drafts.drafts_of(round_.id, holder("dorset").id) == {}


def test_a_chosen_option_has_no_draft_for_what_was_withdrawn_since(app: Flask) -> None:
    round_, made = scored(RoundState.SCORING)
    option = add(round_)
    option_services.choose(by(), basis_of(round_), option, option.row_version)
    withdraw(made[0], "The charity closes", by())
    db.session.commit()
    assert set(drafts.drafts_of(round_.id, holder("dorset").id)) == {made[1].id, made[2].id}


def test_nothing_is_planned_while_scores_are_hidden_or_after_publication(app: Flask, client: PageClient) -> None:
    round_ = make_round()
    made = make_proposal(round_, costs=COSTS[1])
    advance(round_, RoundState.SCORING)
    round_id, proposal_id, url = round_.id, made.id, url_of(round_)
    client.sign_in(COORDINATOR).get(url, 403)
    client.get(f"{url}/new", 403)
    score_all(get_round(round_id), get_proposal(proposal_id))
    client.get(f"{url}/new")
    round_ = get_round(round_id)
    basis = basis_of(round_)
    round_.state = RoundState.PUBLISHED
    db.session.flush()
    with pytest.raises(NotAllowed, match="until the decisions are published"):
        option_services.add_option(by(), basis, OptionContent("Late", {}))


def test_pages_make_copy_change_choose_and_delete(app: Flask, client: PageClient) -> None:
    round_ = scored()[0]
    url = url_of(round_)
    client.sign_in(COORDINATOR)
    assert "No options yet" in client.get(url).get_data(as_text=True)
    key = once_key(client, f"{url}/new")
    data = {"name": "In part", "start": "in_part", "once_key": key}
    first = client.post(f"{url}/new", data).location
    assert client.post(f"{url}/new", data).location == first  # the second click
    page = client.get(first).get_data(as_text=True)
    assert "£91,330.40" in page
    assert "Fund in part" in page
    copied = client.post(f"{first}/copy", {"name": "By hand", "once_key": once_key(client, f"{first}/copy")}).location
    client.post(f"{copied}/edit", edited(1, [("fund", ""), ("reserve", ""), ("fund", "Ready to start")]), 200)
    said = client.post(f"{copied}/edit", edited(1, [("fund", ""), ("reserve", ""), ("fund", "")]), 200)
    assert "P-02 ranks higher than P-03, which gets money: say why it is passed over" in said.get_data(as_text=True)
    client.post(f"{copied}/edit", edited(1, [("fund", ""), ("reserve", "Starts late"), ("fund", "")]))
    client.post(f"{copied}/choose", {"row_version": 2})
    page = client.get(url).get_data(as_text=True)
    assert "the draft decisions are filled in from it" in page
    above = page[page.index("The money of each option") : page.index("Side by side</span>")]
    assert "£36,200.15" in above, "what is left of each stands above the proposals"
    assert "2 of 3" in above
    assert "Chose an option for the" in page
    client.post(f"{copied}/delete", {"row_version": 3}, 200)
    client.post(f"{copied}/take-back", {"row_version": 3})
    client.post(f"{first}/delete", {"row_version": 9}, 200)
    client.post(f"{first}/delete", {"row_version": 1})
    client.get(first, 404)
    rows = client.get(f"{url}.csv").get_data(as_text=True).splitlines()
    assert rows[2].endswith("0.00,50000.00,Keep in reserve,0.00,0.00,Starts late")
    assert rows[-1].endswith(",36200.15,21330.40,")


def test_over_programming_on_the_pages(app: Flask, client: PageClient) -> None:
    round_ = scored()[0]
    make_terms(round_.grant, over_programme_bp=2_550)
    db.session.commit()
    url = url_of(round_)
    client.sign_in(COORDINATOR)
    assert "pass an allocation by 25.50% at most" in client.get(f"{url}/new").get_data(as_text=True)
    over = {"name": "Over", "start": "line", "over_bp": "25"}
    assert "Enter who allows" in client.post(f"{url}/new", over, 200).get_data(as_text=True)
    over |= {"over_approver": "Chief executive", "over_reference": "CE/12"}
    made = client.post(f"{url}/new", over).location
    page = client.get(made).get_data(as_text=True)
    assert "It may over-programme by 25% of the allocation" in page
    assert "£18,669.60 over of £91,330.40" in page
    assert "over-programmed by up to 25%" in client.get(url).get_data(as_text=True)


def edited(row_version: int, rows: list[tuple[str, str]], name: str = "By hand") -> dict[str, object]:
    data: dict[str, object] = {"row_version": row_version, "name": name}
    for number, (place, reason) in enumerate(rows):
        data |= {f"rows-{number}-ref": f"P-{number + 1:02d}", f"rows-{number}-place": place}
        data |= {f"rows-{number}-labour": "", f"rows-{number}-non_labour": "", f"rows-{number}-reason": reason}
    return data


def once_key(client: PageClient, url: str) -> str:
    found = re.search(r'name="once_key"[^>]*value="([0-9a-f]+)"', client.get(url).get_data(as_text=True))
    assert found
    return found[1]


def test_the_page_sets_two_changes_beside_each_other(app: Flask, client: PageClient) -> None:
    round_ = scored()[0]
    option_id = add(round_, "By hand").id
    client.sign_in(COORDINATOR)
    client.post(f"/options/{option_id}/edit", edited(1, [("fund", ""), ("reserve", ""), ("reserve", "")]))
    mine = [("fund", ""), ("pass_over", ""), ("reserve", "")]
    clash = client.post(f"/options/{option_id}/edit", edited(1, mine), 200)
    page = clash.get_data(as_text=True)
    assert "changed this after you opened it" in page
    assert "P-02 Project 1" in page.split("<tbody")[1].split("</tbody>")[0]
    client.post(f"/options/{option_id}/edit", edited(2, mine))


def test_the_forms_say_what_is_wrong_where_it_is(app: Flask, client: PageClient) -> None:
    round_ = scored()[0]
    round_id, new = round_.id, f"{url_of(round_)}/new"
    client.sign_in(COORDINATOR)
    said = client.post(new, {"name": "Down to 2", "start": "after", "after": ""}, 200).get_data(as_text=True)
    assert 'href="#after">Enter the last rank that is funded' in said
    said = client.post(new, {"name": "Down to 2", "start": "after", "after": "2"}, 200).get_data(as_text=True)
    assert 'href="#after">Non-labour: £18,669.60 more than there is' in said
    over = {"over_bp": "5", "over_approver": "OPCC", "over_reference": "A1"}
    said = client.post(new, {"name": "Over", "start": "line", **over}, 200).get_data(as_text=True)
    assert "let decisions pass an allocation by 0% at most" in said
    option_id = add(get_round(round_id), "By hand").id
    data = edited(1, [("fund_in_part", ""), ("fund_in_part", ""), ("pass_over", "")])
    data["rows-0-non_labour"] = "60,000.01"
    said = client.post(f"/options/{option_id}/edit", data, 200).get_data(as_text=True)
    assert 'href="#rows-0-non_labour">P-01: give no more than what it asks, £60,000.00 of non-labour' in said
    assert 'href="#rows-1-non_labour">P-02: enter the part that it gets' in said


def test_who_reaches_options(app: Flask, client: PageClient) -> None:
    round_ = scored()[0]
    option_id, round_id, url = add(round_).id, round_.id, url_of(round_)
    reading, writing = (url, f"{url}.csv", f"/options/{option_id}"), (f"{url}/new", f"/options/{option_id}/edit")
    for email in (COORDINATOR, MEMBER, "auditor@audit.example"):
        client.sign_in(email)
        for route in reading:
            client.get(route)
    client.get(f"/rounds/{round_id}/options")  # the auditor chooses between both
    assert client.sign_in(MEMBER).get(f"/rounds/{round_id}/options", 302).location == url
    for email in (MEMBER, "auditor@audit.example"):
        client.sign_in(email)
        for route in writing:
            client.get(route, 403)
    for email in ("coordinator@bcp.example", "member@bcp.example", ASSESSORS[0], "administrator@dorset.example"):
        client.sign_in(email)
        for route in (*reading, *writing):
            client.get(route, 403)
    client.sign_in(COORDINATOR).get(f"/rounds/{round_id}/options/{holder('opcc').id}", 404)


def test_a_shut_proposal_shuts_every_route_of_its_partnerships_options(app: Flask, client: PageClient) -> None:
    round_, made = scored()
    option_id, round_id, url = add(round_).id, round_.id, url_of(round_)
    declare(made[1], MEMBER)
    declare(made[2], COORDINATOR)
    one = f"/options/{option_id}"
    routes = [url, f"{url}.csv", one, f"{url}/new", *(f"{one}/{verb}" for verb in VERBS)]
    for email, count in ((MEMBER, 3), (COORDINATOR, len(routes))):
        client.sign_in(email)
        for route in routes[:count]:
            client.get(route, 403)
    with pytest.raises(NotAllowed, match="declared an interest"):
        option_services.add_option(by(), basis_of(get_round(round_id), "auditor@audit.example"), OptionContent("X", {}))


VERBS = ("edit", "copy", "delete", "choose", "take-back")


def test_the_pages_ask_few_queries_however_many_options_and_proposals(app: Flask, client: PageClient) -> None:
    grant_id, counts = make_grant().id, []
    for number in (2, 12):
        round_ = make_round(get_grant(grant_id))
        made = [make_proposal(round_, f"Project {each}", costs=COSTS[2]) for each in range(number)]
        advance(round_, RoundState.SCORING)
        score_all(round_, *made)
        for each in range(number):
            option_id = add(round_, f"Option {each}").id
        url = url_of(round_)
        client.sign_in(COORDINATOR)
        for route in (url, f"{url}.csv", f"/options/{option_id}", f"/options/{option_id}/edit"):
            client.get(route)
            counts.append(len(client.queries))
    assert counts[:4] == counts[4:], counts
    assert max(counts) <= 40, counts
