"""The published schemes of DOMAIN.md section 5, entered on screen, are what the ranking works with."""

import re

import pytest

from svd_tracker.calculations.ranking import TieRule
from svd_tracker.errors import Refused
from svd_tracker.extensions import db
from svd_tracker.rounds import queries
from svd_tracker.rounds.models import RoundState
from svd_tracker.rounds.scheme_services import (
    USUAL_CHECKS,
    CheckContent,
    CriterionContent,
    SchemeSettings,
    checks_of,
    copy_scheme,
    save_checks,
    save_settings,
    settings_of,
)
from svd_tracker.rounds.services import missing_for
from tests.support.client import PageClient
from tests.support.rounds import COORDINATOR, SCALE, make_round
from tests.support.schemes import PUBLISHED, TWO_ROUNDS, PublishedScheme, fact_of
from tests.support.world import act

pytestmark = pytest.mark.db


def plain(hundredths: int | None) -> str:
    return "" if hundredths is None else f"{hundredths / 100:g}"


def criterion_data(content: CriterionContent) -> dict[str, str]:
    kind = "gate" if content.is_gate else "weighted" if content.weight_hundredths else "advice"
    data = {
        "name": content.name,
        "ref": content.ref,
        "kind": kind,
        "weight": plain(content.weight_hundredths or None),
        "minimum": plain(content.minimum_hundredths),
    }
    if content.counts_double:
        data["counts_double"] = "y"
    for number, (mark, words) in enumerate(() if content.is_gate else content.points):
        data |= {f"points-{number}-mark": plain(mark), f"points-{number}-words": words}
    return data


def settings_data(settings: SchemeSettings) -> dict[str, str]:
    data = {
        "overall_minimum": plain(settings.overall_minimum_bp),
        "first_stage": plain(settings.first_stage_bp),
        "tie_rule": settings.tie_rule.value,
        "tie_criterion_ref": settings.tie_criterion_ref or "",
        "least_scorers": str(settings.least_scorers),
        "reasons_required": "y",
    }
    for number, (start, label) in enumerate(settings.bands):
        data |= {f"bands-{number}-begins": plain(start), f"bands-{number}-label": label}
    return data


def version(page: str) -> str:
    found = re.search(r'name="row_version"[^>]*value="([0-9]+)"', page)
    assert found
    return found[1]


@pytest.mark.parametrize("name", PUBLISHED)
def test_a_published_scheme_is_entered_on_screen(client: PageClient, name: str) -> None:
    scheme: PublishedScheme = PUBLISHED[name]
    round_id = make_round(state=RoundState.PREPARING, criteria=()).id
    url = f"/rounds/{round_id}/scheme"
    client.sign_in(COORDINATOR)
    for content in scheme.criteria:
        page = client.get(f"{url}/criteria/add").text
        client.post(f"{url}/criteria/add", {**criterion_data(content), "row_version": version(page)})
    page = client.get(url).text
    client.post(url, {**settings_data(scheme.settings), "row_version": version(page)})
    if scheme.checks:
        data = {"row_version": version(client.get(f"{url}/checks").text)}
        for number, check in enumerate(scheme.checks):
            data |= {f"checks-{number}-name": check.name, f"checks-{number}-guidance": check.guidance}
            if check.of_organisation:
                data[f"checks-{number}-of_organisation"] = "y"
        client.post(f"{url}/checks", data)
    saved = queries.get_round(round_id).scheme
    assert queries.scheme_fact(saved) == fact_of(scheme)
    assert checks_of(saved) == scheme.checks
    client.get(f"{url}/preview")


def test_a_scale_that_others_use_fills_the_points(client: PageClient) -> None:
    round_id = make_round(state=RoundState.PREPARING, criteria=()).id
    url = f"/rounds/{round_id}/scheme/criteria/add"
    client.sign_in(COORDINATOR)
    page = client.post(url, {"kind": "weighted", "name": "Need", "fill": "1", "template": "grid"}, status=200).text
    assert "Exceptional fit and exceptional planning" in page
    assert 'value="Need"' in page
    assert "Choose the scale to start from" in client.post(url, {"fill": "1"}, status=200).text
    assert queries.criteria_of(queries.get_round(round_id).scheme) == []


def test_the_usual_checks_fill_in_beside_those_typed(client: PageClient) -> None:
    round_id = make_round(state=RoundState.PREPARING).id
    url = f"/rounds/{round_id}/scheme/checks"
    client.sign_in(COORDINATOR)
    seen = version(client.get(url).text)
    typed = {"checks-0-name": "Insurance", "checks-0-guidance": "Five million", "usual": "1", "row_version": seen}
    page = client.post(url, typed, status=200).text
    assert page.count('value="Insurance"') == 1
    assert all(f'value="{each.name}"' in page for each in USUAL_CHECKS)
    assert "Five million" in page
    assert "Enter what is checked" in client.post(url, {"checks-0-guidance": "x", "row_version": seen}, status=200).text
    assert checks_of(queries.get_round(round_id).scheme) == ()


def test_a_whole_scheme_is_copied(client: PageClient) -> None:
    first = make_round(state=RoundState.PREPARING, criteria=TWO_ROUNDS.criteria)
    settings = SchemeSettings(
        60_00, False, 66_67, TieRule.CRITERION, "NEED", least_scorers=3, bands=((0, "No"), (70_00, "Yes"))
    )
    save_settings(first, act(), settings)
    save_checks(first, act(), USUAL_CHECKS)
    second = make_round(first.grant, state=RoundState.PREPARING, name="Autumn")
    save_checks(second, act(), [CheckContent("Insurance", "Other"), CheckContent("Goes")])
    copy_scheme(first, second, act())
    db.session.commit()
    assert queries.scheme_fact(second.scheme) == queries.scheme_fact(first.scheme)
    assert settings_of(second.scheme) == settings
    assert checks_of(second.scheme) == USUAL_CHECKS


@pytest.mark.parametrize(
    ("settings", "field"),
    [
        (SchemeSettings(overall_minimum_bp=100_01), "overall_minimum"),
        (SchemeSettings(first_stage_bp=-1), "first_stage"),
        (SchemeSettings(tie_rule=TieRule.CRITERION, tie_criterion_ref="C9"), "tie_criterion_ref"),
        (SchemeSettings(least_scorers=0), "least_scorers"),
        (SchemeSettings(bands=((0, "a"), (0, "b"))), "bands"),
        (SchemeSettings(bands=((0, " "),)), "bands"),
    ],
)
def test_settings_that_cannot_be_are_refused_at_their_field(
    client: PageClient, settings: SchemeSettings, field: str
) -> None:
    with pytest.raises(Refused) as refused:
        save_settings(make_round(), act(), settings)
    assert refused.value.field == field


def test_scoring_waits_for_a_scheme_that_is_whole(client: PageClient) -> None:
    doubled = CriterionContent("C1", "Need", weight_hundredths=100, points=SCALE, counts_double=True)
    round_ = make_round(criteria=[doubled])
    assert missing_for(round_, RoundState.SCORING) == [
        "Say which share goes on to the second stage, or let no criterion count double"
    ]
    save_settings(round_, act(), SchemeSettings(first_stage_bp=50_00))
    assert missing_for(round_, RoundState.SCORING) == []
