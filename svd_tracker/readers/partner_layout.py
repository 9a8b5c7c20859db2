"""What a partner's return workbook is made of: shared by what makes it and what reads it.

A partner's lines are found again by ref, their columns by label, and the workbook itself by its version mark, so that
rows and sheets may move.
"""

import datetime as dt
import re
from collections.abc import Mapping
from dataclasses import dataclass

from svd_tracker.calculations.figures import Category, ObligationKind, Tolerance
from svd_tracker.periods import QUARTERS

TEMPLATE_VERSION = 1
SPARE_LINES = 10
MATCH_ROWS = 12

README, RETURN, MATCH, CERTIFICATE, VERSION = "Read me", "Return", "Match", "Certificate", "Version"
MARK_TITLE = "svd_tracker partner return"
MARK_ROWS = ("Template", "Area", "Grant", "Partner", "Year", "Quarter", "Kind", "Made from")

Place = tuple[str, int]  # a figure's column code, and its quarter or 0

REF, TITLE, CATEGORY = "Ref", "Line", "Category"
FUNDING: Place = ("funding", 0)
REPORTED: Place = ("reported_before", 0)
ACCRUALS: Place = ("accruals", 0)
TO_DATE: Place = ("to_date", 0)
OUTTURN: Place = ("outturn", 0)
VARIANCE: Place = ("variance", 0)
EXPLANATION: Place = ("explanation", 0)
WORKED_OUT = (TO_DATE, OUTTURN, VARIANCE)

_LABELS = {
    FUNDING: "Budget for the year, £",
    REPORTED: "Reported before, £",
    ACCRUALS: "Of which accruals, £",
    TO_DATE: "Spent to date, £",
    OUTTURN: "Outturn, £",
    VARIANCE: "Outturn less budget, £",
    EXPLANATION: "Explanation",
    **{("adjustment", quarter): f"Adjustment to Q{quarter}, £" for quarter in QUARTERS},
    **{("spent", quarter): f"Spent in Q{quarter}, £" for quarter in QUARTERS},
    **{("forecast", quarter): f"Forecast for Q{quarter}, £" for quarter in QUARTERS},
}
MATCH_LABELS = ("Intervention", "From", "Kind", "Promised, £", "Confirmed, £", "Received or delivered, £")
MATCH_KINDS = {"Cash": "cash", "In kind": "in_kind"}
NIL, PREPARED_BY, CERTIFIER, POST, SIGNED_ON = (
    "Is this a nil return?",
    "Prepared by",
    "Certifier's name",
    "Certifier's post",
    "Date signed",
)
CERTIFICATE_LABELS = (NIL, PREPARED_BY, CERTIFIER, POST, SIGNED_ON)


@dataclass(frozen=True)
class Mark:
    """What a workbook was made for. ``made_from`` is a digest of its lines as they stood then."""

    template: int
    area: str
    grant: str
    holder: str
    fy: int
    last_quarter: int
    kind: ObligationKind
    made_from: str


@dataclass(frozen=True)
class Given:
    """What a partner gave for a line, in pence: ``amounts`` by figure."""

    amounts: Mapping[Place, int]
    explanation: str = ""


@dataclass(frozen=True)
class FormLine:
    """A line of the workbook. ``reported_before`` is what certified returns said of closed quarters, in pence.

    ``budget_given``: the partner says the budget, as no funding of it is recorded here. ``given`` fills the line in.
    """

    ref: str
    title: str
    category: Category
    budget: int
    reported_before: int
    budget_given: bool
    given: Given | None = None


@dataclass(frozen=True)
class FormMatch:
    """Match of one source, for information, in pence. ``kind`` is "cash" or "in_kind"."""

    intervention: str
    source: str
    kind: str
    promised: int
    confirmed: int
    achieved: int


@dataclass(frozen=True)
class PartnerForm:
    """A partner's return workbook before it is filled in. ``spare_refs`` are for lines that are not known here.

    ``closed``, ``own`` and ``ahead`` are the quarters that earlier returns closed, those that this one reports, and
    those whose forecast it asks for. A variance beyond ``tolerance`` is to be explained;
    ``variance_blocks``: one that is not is an error.
    """

    mark: Mark
    grant_name: str
    holder_name: str
    accountable_body: str
    opcc_name: str
    period_label: str
    kind_label: str
    due_on: str
    statement: str
    allocations: Mapping[Category, int]
    tolerance: Tolerance
    variance_blocks: bool
    closed: tuple[int, ...]
    own: tuple[int, ...]
    ahead: tuple[int, ...]
    lines: tuple[FormLine, ...]
    spare_refs: tuple[str, ...]
    match: tuple[FormMatch, ...]
    made_at: dt.datetime
    council_colour: str
    marking: str

    @property
    def asked(self) -> tuple[Place, ...]:
        """The figures that are asked for of a line, in the order of their columns."""
        return (
            *(("adjustment", quarter) for quarter in self.closed),
            *(("spent", quarter) for quarter in self.own),
            ACCRUALS,
            *(("forecast", quarter) for quarter in self.ahead),
        )

    @property
    def columns(self) -> tuple[Place, ...]:
        """Every column of the Return sheet after ref, title and category."""
        return (
            FUNDING,
            *((REPORTED,) if self.closed else ()),
            *(place for place in self.asked if place[0] != "forecast"),
            TO_DATE,
            *(place for place in self.asked if place[0] == "forecast"),
            OUTTURN,
            VARIANCE,
            EXPLANATION,
        )


def label(place: Place) -> str:
    """The heading of a figure's column."""
    return _LABELS[place]


def place_of(heading: str) -> Place | None:
    """The figure that a heading stands for, however it is spaced or spelled in capitals."""
    return _PLACES.get(plain(heading))


def plain(text: str) -> str:
    """A label without what a program or a person changes about it: capitals, spaces, a colon, the sign £."""
    return re.sub(r"\s+", " ", text.replace("\u00a0", " ").replace("\u2019", "'")).strip(" :,£").casefold()


def mark_values(mark: Mark) -> tuple[str, ...]:
    """The mark's values as texts, in the order of MARK_ROWS."""
    return (
        str(mark.template),
        mark.area,
        mark.grant,
        mark.holder,
        str(mark.fy),
        str(mark.last_quarter),
        mark.kind.value,
        mark.made_from,
    )


def mark_from(values: Mapping[str, str]) -> Mark:
    """The mark of these values by the words of MARK_ROWS. Raises ValueError or LookupError for none."""
    return Mark(
        template=int(values["Template"]),
        area=values["Area"],
        grant=values["Grant"],
        holder=values["Partner"],
        fy=int(values["Year"]),
        last_quarter=int(values["Quarter"]),
        kind=ObligationKind(values["Kind"]),
        made_from=values["Made from"],
    )


def period_of(mark: Mark) -> str:
    """For words: "in-year return to Q1 2025/26"."""
    return f"{mark.kind.value.replace('_', '-')} return to Q{mark.last_quarter} {mark.fy}/{(mark.fy + 1) % 100:02d}"


_PLACES = {plain(heading): place for place, heading in _LABELS.items()}
