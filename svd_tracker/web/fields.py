# mypy: disallow-subclassing-any=False
"""The fields of our forms: money in pence, dates in three parts, whole numbers, text.

A field keeps what was typed when it is wrong, and its message says what to do. Nothing sent to a field, however
odd, raises.
"""

import datetime as dt
import re
from collections.abc import Callable, Sequence
from typing import Any

from flask_wtf.file import FileField as FlaskFileField
from wtforms import BooleanField, Field, RadioField, SelectMultipleField, StringField
from wtforms import EmailField as PlainEmailField
from wtforms import PasswordField as PlainPasswordField
from wtforms import SelectField as PlainSelectField
from wtforms import SubmitField as PlainSubmitField
from wtforms import TextAreaField as PlainTextAreaField
from wtforms.validators import StopValidation, ValidationError

from svd_tracker.money import NotMoney, parse_pounds, plain_pounds
from svd_tracker.web import widgets

Validator = Callable[[Any, Any], None]

MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
FULL_MONTHS = (
    "january", "february", "march", "april", "may", "june",
    "july", "august", "september", "october", "november", "december",
)  # fmt: skip
EARLIEST_YEAR, LATEST_YEAR = 1900, 2199
LARGEST_WHOLE_NUMBER = 2**31 - 1  # what an INTEGER column holds


class Required:
    """Refuses an empty answer with a message of ours; 0 and £0.00 are answers. Keeps an earlier, better message."""

    def __init__(self, message: str) -> None:
        self.message = message

    def __call__(self, form: Any, field: Any) -> None:
        if field.errors:
            raise StopValidation
        data = field.data
        if data is None or data is False or (isinstance(data, (str, list, tuple)) and not _filled(data)):
            raise StopValidation(self.message)


def _filled(data: str | Sequence[Any]) -> bool:
    return bool(data.strip()) if isinstance(data, str) else bool(data)


def required(message: str) -> Validator:
    """``required("Enter the grant's name")``. Adds no HTML ``required``: the server's messages are the better ones."""
    return Required(message)


def max_length(n: int) -> Validator:
    """No more than ``n`` characters, with how many there are too many."""

    def check(form: Any, field: Any) -> None:
        over = len(field.data or "") - n
        if over > 0:
            raise ValidationError(f"Use {n:,} characters or fewer: this is {over:,} too many")

    return check


class TextField(StringField):
    """One line of text, without the spaces around it; "" when nothing was typed."""

    widget = widgets.TextWidget()

    def process_formdata(self, valuelist: list[Any]) -> None:
        self.data = _first(valuelist).strip()


class EmailField(PlainEmailField):
    widget = widgets.EmailWidget()


class TextAreaField(PlainTextAreaField):
    """Longer text, line ends as \\n. With ``max_chars`` it counts down as one types and refuses more."""

    widget = widgets.TextAreaWidget()

    def __init__(
        self, label: str = "", validators: Sequence[Validator] = (), *, max_chars: int | None = None, **kwargs: Any
    ) -> None:
        checks = [*validators, max_length(max_chars)] if max_chars else list(validators)
        super().__init__(label, checks, **kwargs)
        self.max_chars = max_chars
        if max_chars:
            self.widget = widgets.CharacterCountWidget()

    def __call__(self, **kwargs: Any) -> Any:
        if self.max_chars:
            kwargs["params"] = {"maxlength": self.max_chars, **kwargs.get("params", {})}
        return super().__call__(**kwargs)

    def process_formdata(self, valuelist: list[Any]) -> None:
        self.data = _first(valuelist).replace("\r\n", "\n").replace("\r", "\n").strip()


class _OneChoice(PlainSelectField):
    """One of several. Nothing chosen is None, for ``required(...)`` to speak of; ``missing`` refuses what is not there.

    ``coerce`` may be ``int``: an empty first choice of a select is still "nothing chosen".
    """

    def __init__(
        self,
        label: str = "",
        validators: Sequence[Validator] = (),
        *,
        choices: Any = None,
        coerce: Callable[[Any], Any] = str,
        missing: str = "Choose one from the list",
        **kwargs: Any,
    ) -> None:
        def blank_or(value: Any) -> Any:
            return None if value is None or value == "" else coerce(value)

        super().__init__(label, list(validators), coerce=blank_or, validate_choice=False, **kwargs)
        self.choices = choices  # set apart: the constructor of WTForms 3.3 frowns upon plain pairs
        self.missing = missing

    def process_formdata(self, valuelist: list[Any]) -> None:
        typed = _first(valuelist)
        try:
            self.data = self.coerce(typed)
        except (ValueError, TypeError):
            self.data = None
            raise ValueError(self.missing) from None

    def pre_validate(self, form: Any) -> None:
        if self.data is not None and not any(choice[2] for choice in self.iter_choices()):
            raise StopValidation(self.missing)


class SelectField(_OneChoice):
    widget = widgets.SelectWidget()


class RadiosField(_OneChoice, RadioField):
    widget = widgets.RadiosWidget()


class CheckboxesField(SelectMultipleField):
    """Any number of several; ``data`` is a list. Choices as pairs of value and words."""

    def __init__(
        self, label: str = "", validators: Sequence[Validator] = (), *, choices: Any = None, **kwargs: Any
    ) -> None:
        super().__init__(label, list(validators), **kwargs)
        self.choices = choices

    widget = widgets.CheckboxesWidget()


class CheckboxField(BooleanField):
    widget = widgets.CheckboxWidget()


class PasswordField(PlainPasswordField):
    widget = widgets.PasswordWidget()


class FileField(FlaskFileField):
    widget = widgets.FileWidget()


class SubmitField(PlainSubmitField):
    widget = widgets.SubmitWidget()


class _TypedField(Field):
    """A text box whose data is not text. ``typed`` is what came in; a box not sent at all counts as left empty."""

    typed: str | None = None

    def __init__(
        self, label: str = "", validators: Sequence[Validator] = (), *, allow_blank: bool = False, **kwargs: Any
    ) -> None:
        super().__init__(label, list(validators), **kwargs)
        self.allow_blank = allow_blank

    blank_message = ""

    def process_formdata(self, valuelist: list[Any]) -> None:
        self.typed = _first(valuelist)
        self.data = None
        if self.typed.strip():
            self.data = self.read(self.typed)

    def post_validate(self, form: Any, validation_stopped: bool) -> None:
        if self.data is None and not self.allow_blank and not self.errors:
            raise ValidationError(self.blank_message)

    def read(self, text: str) -> Any:
        raise NotImplementedError

    def shown(self) -> str:
        raise NotImplementedError

    def _value(self) -> str:
        if self.typed is not None:
            return self.typed
        return "" if self.data is None else self.shown()


class PoundsField(_TypedField):
    """Pounds as people type them; ``data`` is whole pence or None. Negative amounts only with ``allow_negative``."""

    widget = widgets.PoundsWidget()
    blank_message = "Enter an amount in pounds, like 1,250.00"

    def __init__(
        self, label: str = "", validators: Sequence[Validator] = (), *, allow_negative: bool = False, **kwargs: Any
    ) -> None:
        super().__init__(label, validators, **kwargs)
        self.allow_negative = allow_negative

    def read(self, text: str) -> int:
        pence = parse_pounds(text)  # NotMoney is a ValueError: WTForms keeps its message
        if pence < 0 and not self.allow_negative:
            raise NotMoney("Enter an amount of £0.00 or more")
        return pence

    def shown(self) -> str:
        return plain_pounds(self.data)


class WholeNumberField(_TypedField):
    """A whole number between ``smallest`` and ``largest``, both counted in; ``data`` is int or None."""

    widget = widgets.WholeNumberWidget()
    blank_message = "Enter a whole number, like 12"

    def __init__(
        self,
        label: str = "",
        validators: Sequence[Validator] = (),
        *,
        smallest: int = 0,
        largest: int = LARGEST_WHOLE_NUMBER,
        **kwargs: Any,
    ) -> None:
        super().__init__(label, validators, **kwargs)
        self.smallest, self.largest = smallest, largest

    def read(self, text: str) -> int:
        cleaned = text.strip().replace("\N{MINUS SIGN}", "-")
        if not re.fullmatch(r"-?(?:[0-9]{1,15}|[0-9]{1,3}(?:,[0-9]{3}){1,4})", cleaned):
            raise ValueError(self.blank_message)
        number = int(cleaned.replace(",", ""))
        if number < self.smallest:
            raise ValueError(f"Enter {self.smallest:,} or more")
        if number > self.largest:
            raise ValueError(f"Enter {self.largest:,} or less")
        return number

    def shown(self) -> str:
        return str(self.data)


class DateField(Field):
    """A date typed in three boxes named x-day, x-month and x-year; ``data`` is a date or None.

    ``parts`` is what the boxes hold, ``wrong_parts`` the boxes to mark, ``error_id`` the box an error links to.
    A month may be a number or a name. Nothing typed is None, refused unless ``allow_blank``.
    """

    PARTS = ("day", "month", "year")
    widget = widgets.DateWidget()

    def __init__(
        self, label: str = "", validators: Sequence[Validator] = (), *, allow_blank: bool = False, **kwargs: Any
    ) -> None:
        super().__init__(label, list(validators), **kwargs)
        self.allow_blank = allow_blank
        self.typed: tuple[str, str, str] | None = None
        self._wrong: tuple[str, ...] = ()

    @property
    def parts(self) -> tuple[str, str, str]:
        if self.typed is not None:
            return self.typed
        if not self.data:
            return ("", "", "")
        return (str(self.data.day), str(self.data.month), str(self.data.year))

    @property
    def wrong_parts(self) -> tuple[str, ...]:
        return (self._wrong or self.PARTS) if self.errors else ()

    @property
    def error_id(self) -> str:
        return f"{self.id}-{(self._wrong or self.PARTS)[0]}"

    def process(self, formdata: Any, *args: Any, **kwargs: Any) -> None:
        super().process(None, *args, **kwargs)
        if formdata is None:
            return
        day, month, year = (_first(formdata.getlist(f"{self.name}-{part}")).strip() for part in self.PARTS)
        self.typed, self.data = (day, month, year), None
        self.raw_data = [day, month, year]
        try:
            self.data = self._read(day, month, year)
        except ValueError as error:
            self.process_errors = [*self.process_errors, str(error)]

    def _read(self, day: str, month: str, year: str) -> dt.date | None:
        if not (day or month or year):
            return None
        name = self.label.text or "The date"
        missing = [part for part, typed in zip(self.PARTS, (day, month, year), strict=True) if not typed]
        if missing:
            self._wrong = tuple(missing)
            raise ValueError(f"{name} must include a {' and a '.join(missing)}")
        if not re.fullmatch(r"[0-9]{4}", year) or not EARLIEST_YEAR <= int(year) <= LATEST_YEAR:
            self._wrong = ("year",)
            raise ValueError("Year must have four figures, like 2025")
        month_no = _month(month)
        if month_no is None:
            self._wrong = ("month",)
            raise ValueError(f"{name} must be a real date: the month is 1 to 12")
        try:
            return dt.date(int(year), month_no, int(day) if re.fullmatch(r"[0-9]{1,2}", day) else 0)
        except ValueError:
            self._wrong = ("day",)
            raise ValueError(f"{name} must be a real date") from None

    def post_validate(self, form: Any, validation_stopped: bool) -> None:
        if self.data is None and not self.allow_blank and not self.errors:
            raise ValidationError("Enter a date, like 16 6 2025")


def _month(text: str) -> int | None:
    if re.fullmatch(r"[0-9]{1,2}", text):
        number = int(text)
        return number if 1 <= number <= 12 else None
    name = text.casefold()
    if name in FULL_MONTHS:
        return FULL_MONTHS.index(name) + 1
    return MONTHS.index(name) + 1 if name in MONTHS else None


def _first(values: Sequence[Any]) -> str:
    # The database refuses a NUL in text (PostgreSQL), and no keyboard makes one.
    return str(values[0]).replace("\0", "") if values else ""
