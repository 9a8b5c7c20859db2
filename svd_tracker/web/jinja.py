"""Templates: the GOV.UK loaders, a name that is missing is an error, and the filters of our pages."""

import datetime as dt
from collections.abc import Callable, MutableMapping
from typing import Any
from zoneinfo import ZoneInfo

from flask import Flask
from jinja2 import (
    BaseLoader,
    ChoiceLoader,
    Environment,
    PackageLoader,
    PrefixLoader,
    StrictUndefined,
    Template,
    Undefined,
)

from svd_tracker import money, periods
from svd_tracker.web import charts
from svd_tracker.web.forms import error_summary

LONDON = ZoneInfo("Europe/London")


class LenientPackageLoader(PackageLoader):
    """Templates of a package that counts on Jinja's lenient undefined; ours stay strict.

    GOV.UK's macros ask for parameters that were not given on nearly every line, so they are compiled in an overlay
    of the same environment that differs in this one setting.
    """

    _overlay: Environment | None = None

    def load(self, environment: Environment, name: str, globals: MutableMapping[str, Any] | None = None) -> Template:
        if self._overlay is None:
            self._overlay = environment.overlay(undefined=Undefined)
        return super().load(self._overlay, name, globals)


def day(value: dt.date | None) -> str:
    """A date as a person reads it, 16 June 2025; "not given" when there is none."""
    return "not given" if value is None else periods.format_date(value)


def moment(value: dt.datetime | None) -> str:
    """An instant in London time, "16 June 2025, 2:05pm". A datetime without a zone is read as UTC."""
    if value is None:
        return "not given"
    local = (value if value.tzinfo else value.replace(tzinfo=dt.UTC)).astimezone(LONDON)
    hour = local.hour % 12 or 12
    half = "am" if local.hour < 12 else "pm"
    return f"{periods.format_date(local.date())}, {hour}:{local.minute:02d}{half}"


def percent_bp(basis_points: int | None) -> str:
    """Basis points as a percentage without idle noughts: 6250 → 62.5%; "–" when there is none."""
    if basis_points is None:
        return "–"
    sign = money.MINUS if basis_points < 0 else ""
    whole, rest = divmod(abs(basis_points), 100)
    return f"{sign}{whole}{f'.{rest:02d}'.rstrip('0') if rest else ''}%"


FILTERS: dict[str, Callable[..., str]] = {
    "pounds": money.format_pounds,
    "pounds_short": money.format_pounds_short,
    "plain_pounds": money.plain_pounds,
    "day": day,
    "moment": moment,
    "quarter_label": periods.quarter_label,
    "quarter_short": periods.quarter_short,
    "fy_label": periods.fy_label,
    "percent_bp": percent_bp,
}


def init_app(app: Flask) -> None:
    """Set up the app's templates. Call once, before the first page is drawn."""
    environment = app.jinja_env
    environment.undefined = StrictUndefined
    environment.trim_blocks = True
    environment.lstrip_blocks = True
    environment.add_extension("jinja2.ext.do")
    ours: BaseLoader = app.create_global_jinja_loader()
    govuk = {name: LenientPackageLoader(name) for name in ("govuk_frontend_jinja", "govuk_frontend_wtf")}
    environment.loader = ChoiceLoader([PrefixLoader(govuk), ours])
    environment.filters.update(FILTERS)
    environment.globals.update(
        error_summary=error_summary, chart_grouped_bars=charts.grouped_bars, chart_progress=charts.progress
    )
