# mypy: disallow-subclassing-any=False
"""Forms in the voice of the service, and everything that a feature's ``forms.py`` needs, from one place.

Every field is drawn by ``{{ field(form.x) }}`` of templates/components/form.html.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any
from uuid import uuid4

from flask_wtf import FlaskForm
from wtforms import FieldList, FormField, HiddenField
from wtforms.validators import ValidationError
from wtforms.widgets import HiddenInput

from svd_tracker.money import format_pounds
from svd_tracker.periods import format_date
from svd_tracker.web.fields import (
    CheckboxesField,
    CheckboxField,
    DateField,
    EmailField,
    FileField,
    PasswordField,
    PoundsField,
    RadiosField,
    Required,
    SelectField,
    SubmitField,
    TextAreaField,
    TextField,
    Validator,
    WholeNumberField,
    max_length,
    required,
)

__all__ = [
    "CheckboxField",
    "CheckboxesField",
    "DateField",
    "EmailField",
    "FieldList",
    "FileField",
    "Form",
    "FormField",
    "HiddenField",
    "OnceMixin",
    "PasswordField",
    "PoundsField",
    "RadiosField",
    "Required",
    "SelectField",
    "SubmitField",
    "TextAreaField",
    "TextField",
    "ValidationError",
    "Validator",
    "VersionedForm",
    "WholeNumberField",
    "error_summary",
    "in_words",
    "max_length",
    "required",
]


class Form(FlaskForm):
    """The base of every form of ours."""


class _VersionField(WholeNumberField):
    widget = HiddenInput()  # type: ignore[assignment]
    blank_message = "Open this page again: what you sent does not say which version you changed"

    def _value(self) -> str:
        # Not what was sent: take_newer puts the version in that the next sending is to be based on.
        return "" if self.data is None else str(self.data)


class VersionedForm:
    """Mixed in where two people may edit one row: ``row_version`` is the version that was on the page."""

    row_version = _VersionField()

    def take_newer(self, current: Mapping[str, object], row_version: int) -> list[tuple[str, str, str]]:
        """After somebody else's change: what differs, as (label, saved now, typed here), for web/conflict.html.

        ``current`` is by field name, in the fields' own data (pence, dates, values of choices); names that the form
        does not have are passed over. What was typed stays; sending again is then a change of ``row_version``.
        """
        self.row_version.data = row_version
        form: Any = self
        return [
            (form[name].label.text, in_words(form[name], saved), in_words(form[name], form[name].data))
            for name, saved in current.items()
            if name in form and saved != form[name].data
        ]


def in_words(field: Any, value: Any) -> str:
    """A value of a field as a page says it: £1,250.00, 16 June 2025, the words of a choice, yes or no."""
    if value is None or value == "" or value == []:
        return "nothing"
    if isinstance(field, PoundsField):
        return format_pounds(value)
    if isinstance(field, DateField):
        return format_date(value)
    if isinstance(field, CheckboxField):
        return "yes" if value else "no"
    if hasattr(field, "iter_choices"):
        words = {field.coerce(choice[0]): str(choice[1]) for choice in field.iter_choices()}
        return ", ".join(words.get(item, str(item)) for item in (value if isinstance(value, list) else [value]))
    return str(value)


def _once_key(value: object = None) -> str:
    return value if isinstance(value, str) and re.fullmatch(r"[0-9a-f]{32}", value) else uuid4().hex


class OnceMixin:
    """Mixed in where a double click must not do a thing twice.

    ``once_key.data`` is drawn when the page is first shown and comes back with every sending of that page; the
    service that it is given to does its work once for one key.
    """

    once_key = HiddenField(default=_once_key, filters=[_once_key])


def error_summary(form: Any) -> list[dict[str, str]]:
    """The errors of a form for the box at the top of the page: the first of each field, in the order of the page.

    Each is ``{"text", "href"}``; ``href`` leads to the box to correct and is absent where there is none to go to.
    """
    listed: list[dict[str, str]] = [{"text": str(message)} for message in form.form_errors]
    for item in form:
        listed.extend(_errors_of(item))
    return listed


def _errors_of(item: Any) -> Iterator[dict[str, str]]:
    if isinstance(item, FormField):
        yield from error_summary(item.form)
    elif isinstance(item, FieldList):
        yield from ({"text": str(message)} for message in item.errors if not isinstance(message, (list, Mapping)))
        for entry in item.entries:
            yield from _errors_of(entry)
    elif item.errors:
        if item.type == "CSRFTokenField":
            yield {"text": "This page was open for too long, so nothing was saved. Check it and send it again"}
        elif isinstance(item.widget, HiddenInput):
            yield {"text": str(item.errors[0])}
        else:
            yield {"text": str(item.errors[0]), "href": f"#{getattr(item, 'error_id', item.id)}"}
