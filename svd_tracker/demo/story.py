"""The demonstration's data as it stands in dorset.toml, with who acts on which day."""

import datetime as dt
import tomllib
from functools import cache
from pathlib import Path
from typing import Any

from svd_tracker import money
from svd_tracker.accounts import queries as accounts
from svd_tracker.act import Act, Source
from svd_tracker.calculations.figures import Category
from svd_tracker.errors import NotFound

FOLDER = Path(__file__).resolve().parent
LAST_YEAR, YEAR = 2024, 2025
FIRST_DAY = dt.date(2025, 7, 11)  # the Friday before the first quarter's draft falls due

OPCC_OFFICER = "opcc.officer@opcc.example"
SHORT = {"dorset": "Dorset CSP", "bcp": "BCP CSP", "opcc": "OPCC"}
COORDINATOR = {
    "dorset": "coordinator@dorset.example",
    "bcp": "coordinator@bcp.example",
    "opcc": OPCC_OFFICER,
}
FINANCE_OFFICER = {
    "dorset": "finance.officer@dorset.example",
    "bcp": "finance.officer@bcp.example",
    "opcc": OPCC_OFFICER,
}
CERTIFIER = {
    "dorset": "certifier@dorset.example",
    "bcp": "certifier@bcp.example",
    "opcc": "certifier@opcc.example",
}


@cache
def story() -> dict[str, Any]:
    """Everything in dorset.toml."""
    return tomllib.loads((FOLDER / "dorset.toml").read_text(encoding="utf-8"))


def ledger_extract() -> str:
    """The Dorset ledger to 10 July 2025 as the council's finance system gives it."""
    return (FOLDER / "dorset_ledger.csv").read_text(encoding="utf-8")


def pence(pounds: str) -> int:
    return money.parse_pounds(pounds)


def amounts(by_category: dict[str, str]) -> dict[Category, int]:
    return {Category(name): pence(pounds) for name, pounds in by_category.items()}


def person_id(email: str) -> int:
    person = accounts.find_person(email)
    if person is None:
        raise NotFound(f"the demonstration has no {email}")
    return person.id


def act(email: str | None, on: dt.date, source: Source = Source.PAGE) -> Act:
    """Somebody acting at noon of a day of the story; nobody for what the system does."""
    return Act(
        by=person_id(email) if email else None,
        on=on,
        at=dt.datetime.combine(on, dt.time(12), tzinfo=dt.UTC),
        source=source,
    )
