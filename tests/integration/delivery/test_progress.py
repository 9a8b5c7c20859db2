"""Results, narrative and risks of a quarter: kept in versions, filled in by hand, and missing when not given."""

import pytest
from flask import Flask
from sqlalchemy import func, select

from svd_tracker.audit.models import AuditLine
from svd_tracker.calculations.progress import NO_REASON
from svd_tracker.delivery.models import Output, OutputMeasure, OutputResult, ProgressNote
from svd_tracker.delivery.progress import missing_results, notes_of, progress_of, results_of
from svd_tracker.delivery.progress_services import LONGEST, record_result, write_progress
from svd_tracker.delivery.services import add_milestone, add_output
from svd_tracker.errors import ChangedMeanwhile, Refused
from svd_tracker.extensions import db
from svd_tracker.interventions.models import PlanLine
from svd_tracker.proposals import services as proposals
from svd_tracker.proposals.models import InterestKind
from tests.integration.decisions.support import decide, deciding
from tests.integration.delivery.lines import JUNE, coordinator, make_line
from tests.support.client import PageClient
from tests.support.rounds import person
from tests.support.world import act

pytestmark = pytest.mark.db

COUNT, SHARE = OutputMeasure.COUNT, OutputMeasure.SHARE


def make_output(line: PlanLine, measure: OutputMeasure = COUNT, target: int | None = 120) -> Output:
    output = add_output(line, "Sessions held" if measure is COUNT else "Report more confidence", measure, target,
                        coordinator(JUNE))  # fmt: skip
    db.session.commit()
    return output


def count_of(table: type[OutputResult] | type[ProgressNote]) -> int:
    return db.session.scalar(select(func.count()).select_from(table)) or 0


def test_a_result_is_kept_in_versions(app: Flask) -> None:
    line = make_line()
    output = make_output(line)
    record_result(output, line, 1, 30, "", "Registers", 0, coordinator(JUNE))
    record_result(output, line, 1, 30, "", "Registers", 0, coordinator())  # the same again is nothing
    record_result(output, line, 1, None, "Registers are lost", "", 1, coordinator())
    db.session.commit()
    now = results_of([line.id])[output.id][1]
    assert (now.version_no, now.value, now.missing_reason) == (2, None, "Registers are lost")
    then = results_of([line.id], coordinator(JUNE).at)[output.id][1]
    assert (then.value, then.note) == (30, "Registers")
    audited = db.session.scalars(select(AuditLine).where(AuditLine.action == "record_result")).all()
    assert [each.subject_ref for each in audited] == [f"{line.id}/O1"] * 2


@pytest.mark.parametrize(
    ("measure", "value", "reason", "field"),
    [
        (COUNT, None, " ", "value"),
        (COUNT, 3, "None held", "missing_reason"),
        (COUNT, -1, "", "value"),
        (SHARE, 10_001, "", "value"),
    ],
)
def test_which_results_are_refused(
    app: Flask, measure: OutputMeasure, value: int | None, reason: str, field: str
) -> None:
    line = make_line()
    output = make_output(line, measure, None)
    with pytest.raises(Refused) as refused:
        record_result(output, line, 1, value, reason, "", 0, coordinator())
    assert refused.value.field == field
    assert count_of(OutputResult) == 0


def test_nothing_is_said_of_a_quarter_to_come(app: Flask) -> None:
    line = make_line()
    output = make_output(line)
    with pytest.raises(Refused, match="Q3 2025/26 begins on 1 October 2025"):
        record_result(output, line, 3, 1, "", "", 0, coordinator())
    with pytest.raises(Refused, match="Q3 2025/26 begins on 1 October 2025"):
        write_progress(line, 3, "Went well", "", 0, coordinator())
    write_progress(line, 2, "Begun well", "", 0, coordinator())


def test_words_are_kept_in_versions(app: Flask) -> None:
    line = make_line()
    write_progress(line, 1, " Went well ", "", 0, coordinator(JUNE))
    write_progress(line, 1, "Went well", "", 0, coordinator())
    write_progress(line, 1, "", "The nurse may leave", 1, coordinator())
    db.session.commit()
    now = notes_of([line.id])[line.id][1]
    assert (now.version_no, now.narrative, now.risks) == (2, "", "The nurse may leave")
    assert notes_of([line.id], coordinator(JUNE).at)[line.id][1].narrative == "Went well"
    with pytest.raises(Refused) as refused:
        write_progress(line, 1, "x", "y" * (LONGEST + 1), 2, coordinator())
    assert refused.value.field == "risks"


def test_what_somebody_else_wrote_is_not_overwritten(app: Flask) -> None:
    line = make_line()
    output = make_output(line)
    record_result(output, line, 1, 30, "", "", 0, coordinator())
    write_progress(line, 1, "Went well", "", 0, coordinator())
    with pytest.raises(ChangedMeanwhile) as result:
        record_result(output, line, 1, 31, "", "", 0, coordinator())
    assert result.value.current["value"] == 30
    with pytest.raises(ChangedMeanwhile) as words:
        write_progress(line, 1, "Went badly", "", 0, coordinator())
    assert words.value.current == {"narrative": "Went well", "risks": "", "version_seen": 1}


def test_what_a_return_says(app: Flask) -> None:
    line = make_line()
    sessions, confidence = make_output(line), make_output(line, SHARE, None)
    record_result(sessions, line, 1, 30, "", "", 0, coordinator())
    record_result(confidence, line, 1, None, "Survey is in August", "", 0, coordinator())
    record_result(sessions, line, 2, 7, "", "", 0, coordinator())
    write_progress(line, 1, "Went well", "The nurse may leave", 0, coordinator())
    write_progress(line, 2, "Goes on", "", 0, coordinator())
    add_milestone(line, "Nurse in post", JUNE, coordinator())
    db.session.commit()
    (first,) = progress_of(line.holder_id, 2025, 1)
    assert (first.ref, first.title) == (line.intervention.ref, "Specialist nurse")
    assert (first.narrative, first.risks) == ("Went well", "The nurse may leave")
    assert (first.outputs[0].target, first.outputs[0].results, first.outputs[0].missing) == (120, {1: 30}, {})
    assert (first.outputs[1].results, first.outputs[1].missing) == ({1: None}, {1: "Survey is in August"})
    assert first.milestones[0].words == "Was due on 10 June 2025"
    (half,) = progress_of(line.holder_id, 2025, 2, own_quarters=(1, 2))
    assert half.narrative == "Q1 2025/26: Went well\n\nQ2 2025/26: Goes on"
    assert half.risks == "Q1 2025/26: The nurse may leave"
    assert half.outputs[0].so_far == 37
    assert half.outputs[1].missing == {1: "Survey is in August", 2: NO_REASON}
    (second,) = progress_of(line.holder_id, 2025, 2, own_quarters=(2,))
    assert (second.narrative, second.risks) == ("Goes on", "")


def test_which_results_are_missing(app: Flask) -> None:
    line = make_line()
    sessions, confidence = make_output(line), make_output(line, SHARE, None)
    record_result(sessions, line, 1, 0, "", "", 0, coordinator())
    db.session.commit()
    found = missing_results(line.holder_id, 2025, [1, 2])
    assert found == [
        (line.id, "Specialist nurse: “Sessions held” has no result for Q2 2025/26"),
        (line.id, "Specialist nurse: “Report more confidence” has no result for Q1 2025/26 and Q2 2025/26"),
    ]
    record_result(confidence, line, 1, None, "Survey is in August", "", 0, coordinator())
    assert missing_results(line.holder_id, 2025, [1]) == []
    assert missing_results(line.holder_id, 2025, []) == []


def fields_of(line_id: int, output_id: int, **changed: str) -> dict[str, str]:
    row, box = f"line_{line_id}", f"line_{line_id}-output_{output_id}"
    named = {(f"{row}-{key}" if key in ("narrative", "risks") else f"{box}-{key}"): changed[key] for key in changed}
    return {
        f"{row}-row_version": "0",
        f"{row}-narrative": "Went well",
        f"{row}-risks": "The nurse may leave",
        f"{box}-row_version": "0",
        f"{box}-value": "30",
        f"{box}-missing_reason": "",
        f"{box}-note": "Registers",
        **named,
    }


def test_a_quarter_is_filled_in_on_one_page(client: PageClient) -> None:
    nurse, level = make_line(), make_line("Level-Up")
    sent = fields_of(nurse.id, make_output(nurse).id) | fields_of(
        level.id, make_output(level, SHARE, 8_000).id, value="62.5%", narrative="Begun"
    )
    holder_id, line_id, other_id = nurse.holder_id, nurse.id, level.id
    page = f"/plan/{holder_id}/2025/progress"
    client.sign_in("finance.officer@dorset.example").get(f"{page}/1")
    key = {"once_key": "c" * 32}
    assert client.post(f"{page}/1", sent | key).location == page
    client.post(f"{page}/1", sent | key)
    assert (count_of(OutputResult), count_of(ProgressNote)) == (2, 2)
    shown = client.sign_in("member@dorset.example").get(page).get_data(as_text=True)
    for words in ("Went well", "The nurse may leave", "62.5%", "Registers", "Every output has a result for Q1 2025/26"):
        assert words in shown
    assert f"{page}/1" not in shown
    client.get(f"{page}/1", status=403)
    client.post(f"{page}/1", sent, status=403)
    line = client.get(f"/plan-lines/{line_id}").get_data(as_text=True)
    assert "Went well" in line
    assert "Result, Q1: Sessions held: 30" in line
    assert "Begun" in client.get(f"/plan-lines/{other_id}").get_data(as_text=True)
    file = client.get(f"{page}/download").get_data(as_text=True)
    assert "Level-Up,Report more confidence,80%,62.5%,Registers" in file
    client.sign_in("coordinator@bcp.example").get(page, status=403)


def test_as_it_stood_on_a_day(client: PageClient) -> None:
    line = make_line()
    write_progress(line, 1, "Too early to say", "", 0, coordinator(JUNE))
    write_progress(line, 1, "Went well", "", 1, coordinator())
    db.session.commit()
    page = f"/plan/{line.holder_id}/2025/progress"
    client.sign_in("member@dorset.example")
    then, now = (client.get(page + day).get_data(as_text=True) for day in (f"?on={JUNE}", ""))
    assert "Too early to say" in then
    assert "Too early to say" not in now
    assert "Went well" in now
    assert "Went well" not in then


def make_one() -> tuple[int, int, int]:
    """The ids of a plan line, its one output and its holder: a client's requests have sessions of their own."""
    line = make_line()
    return line.id, make_output(line).id, line.holder_id


def test_what_is_wrong_is_said_at_its_box(client: PageClient) -> None:
    line_id, output_id, _ = make_one()
    page = f"/plan-lines/{line_id}/progress/1"
    client.sign_in("coordinator@dorset.example").get(page)
    for changed, words in (
        ({"value": "many"}, "Enter a whole number, like 120"),
        ({"value": "7.5"}, "Enter a whole number, like 120"),
        ({"value": "-1"}, "Enter a result of 0 or more"),
        ({"missing_reason": "Lost"}, "Enter the result or say why there is none, not both"),
        ({"value": ""}, "Enter the result, or say why there is none"),
        ({"narrative": "x" * (LONGEST + 1)}, "Use 4,000 characters or fewer"),
    ):
        shown = client.post(page, fields_of(line_id, output_id, **changed), status=200).get_data(as_text=True)
        assert words in shown
        assert "The nurse may leave" in shown
    assert (count_of(OutputResult), count_of(ProgressNote)) == (0, 0)
    client.get(f"/plan-lines/{line_id}/progress/5", status=404)
    client.get(f"/plan-lines/{line_id}/progress/3", status=409)


def test_a_result_that_is_not_known_yet_is_left_empty(client: PageClient) -> None:
    line_id, output_id, holder_id = make_one()
    page = f"/plan-lines/{line_id}/progress/1"
    client.sign_in("coordinator@dorset.example").get(page)
    client.post(page, fields_of(line_id, output_id, value="", note=""))
    assert (count_of(OutputResult), count_of(ProgressNote)) == (0, 1)
    assert "1 of the 1 output has no result for Q1 2025/26 yet" in " ".join(
        client.get(f"/plan/{holder_id}/2025/progress").get_data(as_text=True).split()
    )


def test_two_people_at_once_see_what_differs(client: PageClient) -> None:
    line_id, output_id, _ = make_one()
    page = f"/plan-lines/{line_id}/progress/1"
    client.sign_in("coordinator@dorset.example").get(page)
    client.post(page, fields_of(line_id, output_id))
    again = client.post(page, fields_of(line_id, output_id, value="31", narrative="Went badly"), status=200)
    shown = " ".join(again.get_data(as_text=True).split())
    assert "Somebody else changed this after you opened it" in shown
    assert "Sessions held: Result of the quarter" in shown
    assert "Specialist nurse: How it went" in shown
    assert count_of(OutputResult) == 1
    knowing = fields_of(line_id, output_id, value="31", narrative="Went badly", row_version="1")
    client.post(page, knowing | {f"line_{line_id}-row_version": "1"})
    assert results_of([line_id])[output_id][1].value == 31
    assert notes_of([line_id])[line_id][1].narrative == "Went badly"


def test_the_pages_ask_as_much_whatever_the_lines(client: PageClient) -> None:
    line = make_line()
    make_output(line)
    page = f"/plan/{line.holder_id}/2025/progress"
    client.sign_in("coordinator@dorset.example")
    asked = {}
    for url in (page, f"{page}/1"):
        client.get(url)
        asked[url] = len(client.queries)
    for number in range(6):
        more = make_line(f"Programme {number}")
        make_output(more)
        make_output(more, SHARE, None)
    for url, queries in asked.items():
        client.get(url)
        assert len(client.queries) == queries, url


def test_before_there_is_a_plan(client: PageClient) -> None:
    holder_id = make_line().holder_id
    client.sign_in("coordinator@dorset.example")
    assert "There is no plan for this year" in client.get(f"/plan/{holder_id}/2024/progress").get_data(as_text=True)
    assert "No output is set" in client.get(f"/plan/{holder_id}/2025/progress").get_data(as_text=True)
    client.get(f"/plan/{holder_id}/1900/progress", status=404)


def test_a_result_waits_for_whoever_keeps_the_plan(client: PageClient) -> None:
    line_id, output_id, holder_id = make_one()
    words, url = "Give 1 result of Q1 2025/26", f"/plan/{holder_id}/2025/progress/1"
    page = client.sign_in("coordinator@dorset.example").get("/").get_data(as_text=True)
    assert words in page
    assert url in page
    assert words not in client.sign_in("coordinator@bcp.example").get("/").get_data(as_text=True)
    assert words not in client.sign_in("member@dorset.example").get("/").get_data(as_text=True)
    client.sign_in("coordinator@dorset.example").post(url, fields_of(line_id, output_id))
    assert "Give 1 result" not in client.get("/").get_data(as_text=True)


def test_an_interest_shuts_the_progress_of_its_plan_line(client: PageClient) -> None:
    round_, (proposal,) = deciding()
    decide(proposal)
    officer = person("finance.officer@dorset.example")
    (line,) = db.session.scalars(select(PlanLine).where(PlanLine.holder_id == 1))
    output = make_output(line)
    write_progress(line, 1, "Went well", "", 0, coordinator())
    proposals.declare_interest(round_, proposal, officer.id, InterestKind.DIRECT, "Trustee", act(officer.id))
    db.session.commit()
    sent = fields_of(line.id, output.id)
    progress, one = "/plan/1/2025/progress", f"/plan-lines/{line.id}/progress/1"
    client.sign_in("finance.officer@dorset.example")
    for url in (progress, f"{progress}/1", f"{progress}/download"):
        page = client.get(url).get_data(as_text=True)
        assert not any(words in page for words in ("Project 1", "Sessions held", "Went well")), url
    assert "You declared an interest" in client.get(progress).get_data(as_text=True)
    client.post(f"{progress}/1", sent)
    assert (count_of(OutputResult), count_of(ProgressNote)) == (0, 1)
    client.get(one, status=403)
    client.post(one, sent, status=403)
    assert "Give 1 result" not in client.get("/").get_data(as_text=True)
    assert "Went well" in client.sign_in("coordinator@dorset.example").get(progress).get_data(as_text=True)
