"""Fields and forms: what people type, and what nobody would."""

import datetime as dt
from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from werkzeug.datastructures import MultiDict

from svd_tracker.web import jinja
from svd_tracker.web.forms import (
    CheckboxesField,
    CheckboxField,
    DateField,
    FieldList,
    Form,
    FormField,
    OnceMixin,
    PoundsField,
    RadiosField,
    SelectField,
    TextAreaField,
    TextField,
    ValidationError,
    VersionedForm,
    WholeNumberField,
    error_summary,
    max_length,
    required,
)

pytestmark = pytest.mark.unit


class Award(OnceMixin, VersionedForm, Form):
    name = TextField("Name", [required("Enter the grant's name"), max_length(20)])
    amount = PoundsField("Amount", [required("Enter the amount of the award")])
    change = PoundsField("Change", allow_negative=True, allow_blank=True)
    signed_on = DateField("The date signed")
    ends_on = DateField("The end", allow_blank=True)
    people = WholeNumberField("People", smallest=1, largest=500, allow_blank=True)
    category = SelectField(
        "Category", [required("Choose a category")], choices=[("", "Choose one"), (1, "Labour")], coerce=int
    )
    level = RadiosField("Level", [required("Choose a level")], choices=[("u", "Universal"), ("t", "Targeted")])
    evidence = CheckboxesField("Evidence", choices=[("a", "Needs assessment"), ("b", "Evaluation")])
    sure = CheckboxField("I am sure", [required("Say that you are sure")])
    reason = TextAreaField("Reason", max_chars=10)


GOOD = {
    "row_version": "3",
    "name": "  Award 2025/26 ",
    "amount": "£1,250.50",
    "signed_on-day": "16",
    "signed_on-month": "6",
    "signed_on-year": "2025",
    "category": "1",
    "level": "t",
    "sure": "y",
}


@pytest.fixture(scope="module")
def app() -> Flask:
    app = Flask(__name__)
    app.config.update(SECRET_KEY="for tests", WTF_CSRF_ENABLED=False)
    jinja.init_app(app)
    return app


@pytest.fixture(autouse=True)
def _request(app: Flask) -> Iterator[None]:
    with app.test_request_context():
        yield


def sent(changes: dict[str, Any] | None = None, **more: Any) -> Award:
    """The form as it comes in; a list sends a name that often, None does not send it."""
    data: MultiDict[str, str] = MultiDict()
    for name, value in {**GOOD, **(changes or {}), **more}.items():
        for item in value if isinstance(value, list) else [] if value is None else [value]:
            data.add(name, item)
    form = Award(formdata=data)
    form.validate()
    return form


def test_a_good_form_gives_pence_dates_and_numbers() -> None:
    form = sent(change="(120.50)", people="1", evidence=["a", "b"])
    assert form.errors == {}
    assert form.name.data == "Award 2025/26"
    assert form.amount.data == 125050
    assert form.change.data == -12050
    assert form.signed_on.data == dt.date(2025, 6, 16)
    assert form.ends_on.data is None
    assert form.people.data == 1
    assert form.category.data == 1
    assert form.level.data == "t"
    assert form.evidence.data == ["a", "b"]
    assert form.row_version.data == 3


@pytest.mark.parametrize(
    ("typed", "message"),
    [
        ("", "Enter the amount of the award"),
        ("   ", "Enter the amount of the award"),
        (None, "Enter the amount of the award"),
        ("twelve", "Enter an amount in pounds, like 1,250.00"),
        ("1,25.00", "Enter an amount in pounds, like 1,250.00"),
        ("1.234", "Enter an amount with no more than two figures for the pence, like 1,250.00"),
        ("-5", "Enter an amount of £0.00 or more"),
    ],
)
def test_a_wrong_amount_says_what_to_do_and_stays(typed: str | None, message: str) -> None:
    form = sent(amount=typed)
    assert form.amount.errors == [message]
    assert form.amount.data is None
    assert form.amount._value() == (typed or "")


def test_nought_pounds_is_an_answer() -> None:
    assert sent(amount="0").errors == {}
    assert sent(amount="0").amount.data == 0


def test_an_amount_from_a_record_is_shown_as_one_would_type_it() -> None:
    assert Award(formdata=None, data={"amount": 1204010}).amount._value() == "12040.10"


@pytest.mark.parametrize(
    ("day", "month", "year", "message", "target"),
    [
        ("", "", "", "Enter a date, like 16 6 2025", "signed_on-day"),
        ("", "6", "2025", "The date signed must include a day", "signed_on-day"),
        ("16", "", "2025", "The date signed must include a month", "signed_on-month"),
        ("16", "", "", "The date signed must include a month and a year", "signed_on-month"),
        ("16", "6", "25", "Year must have four figures, like 2025", "signed_on-year"),
        ("16", "13", "2025", "The date signed must be a real date: the month is 1 to 12", "signed_on-month"),
        ("16", "Juno", "2025", "The date signed must be a real date: the month is 1 to 12", "signed_on-month"),
        ("31", "2", "2025", "The date signed must be a real date", "signed_on-day"),
        ("²", "2", "2025", "The date signed must be a real date", "signed_on-day"),
    ],
)
def test_a_wrong_date_names_the_part(day: str, month: str, year: str, message: str, target: str) -> None:
    form = sent({"signed_on-day": day, "signed_on-month": month, "signed_on-year": year})
    assert form.signed_on.errors == [message]
    assert error_summary(form) == [{"text": message, "href": f"#{target}"}]
    drawn = str(form.signed_on())
    assert f'id="{target}"' in drawn
    assert form.signed_on.parts == (day, month, year)


@pytest.mark.parametrize("month", ["6", "06", "June", "jun", " JUNE "])
def test_months_by_number_and_name(month: str) -> None:
    assert sent({"signed_on-month": month}).signed_on.data == dt.date(2025, 6, 16)


@pytest.mark.parametrize("times", [0, 1, 4])
@pytest.mark.parametrize("part", ["signed_on", "signed_on-day", "signed_on-month", "signed_on-year", "ends_on-year"])
def test_dates_sent_the_wrong_number_of_times_never_raise(part: str, times: int) -> None:
    form = sent({part: ["7"] * times})
    assert "<input" in str(form.signed_on())
    assert "<input" in str(form.ends_on())


hostile = st.one_of(
    st.none(),
    st.text(max_size=12),
    st.lists(st.text(max_size=5), max_size=4),
    st.sampled_from(["\0", "٣", "1e9", "NaN"]),
)


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(st.dictionaries(st.sampled_from([*GOOD, "change", "people", "evidence", "once_key", "ends_on-day"]), hostile))
def test_nothing_sent_makes_a_form_raise(app: Flask, changes: dict[str, Any]) -> None:
    with app.test_request_context():
        form = sent(changes)
        error_summary(form)
        assert "".join(str(item()) for item in form)


@pytest.mark.parametrize(
    ("typed", "message"),
    [
        ("1.5", "Enter a whole number, like 12"),
        ("٣", "Enter a whole number, like 12"),
        ("0", "Enter 1 or more"),
        ("501", "Enter 500 or less"),
        ("99999999999999999", "Enter a whole number, like 12"),
    ],
)
def test_wrong_whole_numbers(typed: str, message: str) -> None:
    assert sent(people=typed).people.errors == [message]


def test_choices_that_were_not_made_or_are_not_there() -> None:
    assert sent(category="").category.errors == ["Choose a category"]
    assert sent(category="9").category.errors == ["Choose one from the list"]
    assert sent(category="x").category.errors == ["Choose one from the list"]
    assert sent(level=None).level.errors == ["Choose a level"]
    assert sent(level="z").level.errors == ["Choose one from the list"]
    assert sent(sure=None).sure.errors == ["Say that you are sure"]
    assert "selected" in str(sent(category="1").category())


def test_too_long_says_by_how_much() -> None:
    assert sent(name="x" * 23).name.errors == ["Use 20 characters or fewer: this is 3 too many"]
    assert sent(reason="x" * 11).reason.errors == ["Use 10 characters or fewer: this is 1 too many"]
    assert sent(reason="a\r\nb").reason.data == "a\nb"


def test_a_lost_version_is_told_without_a_link() -> None:
    form = sent(row_version="")
    assert error_summary(form) == [
        {"text": "Open this page again: what you sent does not say which version you changed"}
    ]


def test_another_persons_change_is_set_beside_what_was_typed() -> None:
    form = sent(evidence=["a", "b"])
    current = {
        "name": "Award 2025/26",
        "amount": 100,
        "signed_on": dt.date(2025, 6, 1),
        "category": None,
        "level": "u",
        "evidence": ["a"],
        "sure": False,
        "reason": "Late",
        "not_on_this_page": 1,
    }
    assert form.take_newer(current, 4) == [
        ("Amount", "£1.00", "£1,250.50"),
        ("The date signed", "1 June 2025", "16 June 2025"),
        ("Category", "nothing", "Labour"),
        ("Level", "Universal", "Targeted"),
        ("Evidence", "Needs assessment", "Needs assessment, Evaluation"),
        ("I am sure", "no", "yes"),
        ("Reason", "Late", "nothing"),
    ]
    assert 'value="4"' in str(form.row_version())
    assert 'value="£1,250.50"' in str(form.amount())


def test_the_once_key_survives_sending_and_is_made_anew_when_it_is_not_one() -> None:
    first = Award(formdata=None).once_key.data
    assert first is not None
    assert len(first) == 32
    assert Award(formdata=None).once_key.data != first
    assert sent(once_key=first).once_key.data == first
    assert len(sent(once_key="x").once_key.data or "") == 32


class Line(Form):
    amount = PoundsField("Amount")


class Lines(Form):
    lines = FieldList(FormField(Line), min_entries=2)


def test_errors_within_lists_lead_to_their_box() -> None:
    form = Lines(formdata=MultiDict({"lines-0-amount": "1", "lines-1-amount": "x"}))
    form.validate()
    assert error_summary(form) == [{"text": "Enter an amount in pounds, like 1,250.00", "href": "#lines-1-amount"}]
    assert 'id="lines-1-amount"' in str(form.lines[1].form.amount())


def test_an_error_of_the_whole_form_comes_first() -> None:
    class Whole(Form):
        amount = PoundsField("Amount")

        def validate(self, extra_validators: Any = None) -> bool:
            super().validate(extra_validators)
            self.form_errors.append("The parts do not add up to the line")
            return False

    form = Whole(formdata=MultiDict({"amount": ""}))
    form.validate()
    assert [error["text"] for error in error_summary(form)] == [
        "The parts do not add up to the line",
        "Enter an amount in pounds, like 1,250.00",
    ]


def test_labels_are_bold_and_an_empty_hint_is_not_drawn() -> None:
    form = Award(formdata=None)
    assert "govuk-label--s" in str(form.name())
    assert "govuk-fieldset__legend--s" in str(form.level())
    assert "govuk-hint" not in str(form.level()) + str(form.name()) + str(form.sure()) + str(form.signed_on())
    assert "required" not in str(form.name())


def test_validation_error_is_there_for_features() -> None:
    assert issubclass(ValidationError, ValueError)
