"""What the pages of a grant show beside its rows: committed and left, and who changed what."""

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from svd_tracker.accounts import queries as accounts
from svd_tracker.accounts.models import Holder
from svd_tracker.approvals.models import Approval
from svd_tracker.calculations.figures import Category
from svd_tracker.grants import queries
from svd_tracker.grants.models import GrantTerms
from svd_tracker.grants.queries import AllocationNow, AwardTable
from svd_tracker.grants.split import short_name
from svd_tracker.money import format_pounds
from svd_tracker.periods import format_date

WHOLE_BP = 10_000
TERMS_IN_WORDS = {
    "status": "Where the agreement stands",
    "agreement_ref": "Agreement reference",
    "signed_on": "Signed on",
    "payment_basis": "How the grant is paid",
    "over_programme_bp": "Over-programming margin in basis points",
    "frequency": "How often a return is made",
    "year_end": "What closes the year",
    "draft_working_days": "Working days to the draft",
    "certify_working_days": "Working days to the certificate",
    "due_working_days": "Working days to the return",
    "area_due_working_days": "Working days to the OPCC’s own return",
    "provisional_draft_working_days": "Working days from the year’s end to the provisional draft",
    "provisional_due_working_days": "Working days from the year’s end to the provisional return",
    "final_draft_working_days": "Working days from the year’s end to the final draft",
    "final_due_working_days": "Working days from the year’s end to the final return",
    "retention_years": "Years that records are kept",
    "declaration": "What the certifier declares",
    "match_required_bp": "Match required, in basis points of grant spend",
    "match_required_pence": "Match required in a year, in pence",
    "signers": "Who signs the year-end statement",
    "eligible_from": "The grant pays from",
    "outside_period": "Spend outside the grant's period",
    "effective_on": "Apply from",
}


@dataclass(frozen=True)
class ShareRow:
    """A holder's share of one category with what is committed of it, in pence."""

    holder: Holder
    share: AllocationNow
    committed: int
    margin: int

    @property
    def left(self) -> int:
        return self.share.pence - self.committed

    @property
    def over(self) -> int:
        return max(0, -self.left)


@dataclass(frozen=True)
class Split:
    """The shares that a person may see, and what the others of the area have together, in pence by category."""

    rows: Sequence[ShareRow]
    others: Mapping[Category, int]

    @property
    def allocated(self) -> int:
        return sum(row.share.pence for row in self.rows)

    @property
    def committed(self) -> int:
        return sum(row.committed for row in self.rows)

    @property
    def left(self) -> int:
        return self.allocated - self.committed

    @property
    def over_committed(self) -> list[ShareRow]:
        return [row for row in self.rows if row.over]


@dataclass(frozen=True)
class TermsLine:
    """One version of the terms, for components/history.html."""

    at: dt.datetime
    who: str
    what: str
    changes: Sequence[tuple[str, str, str]]


@dataclass(frozen=True)
class AmountLine:
    """One version of an award line or a share: what it was set to, from what, and under which approval."""

    at: dt.datetime
    who: str
    what: str
    pence: int
    before: int | None
    reason: str
    effective_on: dt.date
    approval: Approval


def split_of(table: AwardTable, holders: Sequence[Holder], committed: Mapping[int, int], margin_bp: int) -> Split:
    """The year's shares of these holders; ``committed`` is pence by allocation id, margins as FIGURES.md 21 says."""
    rows = [
        ShareRow(one, share, committed.get(share.id, 0), share.pence * margin_bp // WHOLE_BP)
        for one in holders
        for share in table.of_holder(one.id).values()
    ]
    seen = {one.id for one in holders}
    others = {
        category: sum(share.pence for share in line.allocations.values() if share.holder_id not in seen)
        for category, line in table.lines.items()
        if set(line.allocations) - seen
    }
    return Split(rows, others)


def terms_history(versions: Sequence[GrantTerms]) -> list[TermsLine]:
    """The versions of the terms, newest first as given, each with what it changed of the one before."""
    names = accounts.person_names(version.recorded_by for version in versions)
    lines = []
    for index, version in enumerate(versions):
        before = versions[index + 1] if index + 1 < len(versions) else None
        changed = [name for name in TERMS_IN_WORDS if before and getattr(before, name) != getattr(version, name)]
        lines.append(
            TermsLine(
                version.recorded_at,
                names.get(version.recorded_by, "Somebody no longer here"),
                f"Version {version.version_no}, {version.status}: {version.reason}",
                [(TERMS_IN_WORDS[name], _words(before, name), _words(version, name)) for name in changed],
            )
        )
    return lines


def _words(terms: GrantTerms | None, name: str) -> str:
    value = getattr(terms, name)
    if isinstance(value, dt.date):
        return format_date(value)
    return str(getattr(value, "label", value)) if value not in (None, "") else "nothing"


def amount_history(grant_id: int, fy: int, holders: Iterable[Holder]) -> list[AmountLine]:
    """Every version of a year's award lines and of these holders' shares, newest first. Three queries."""
    by_id = {one.id: one for one in holders}
    found = [
        (f"{category.label} award", f"award {category}", version)
        for category, version in queries.award_versions(grant_id, fy)
    ] + [
        (f"{short_name(by_id[holder_id])}, {category.label.lower()}", f"{holder_id} {category}", version)
        for category, holder_id, version in queries.allocation_versions(grant_id, fy, by_id)
    ]
    names = accounts.person_names(version.recorded_by for _, _, version in found)
    before = {(key, version.version_no): version.pence for _, key, version in found}
    lines = [
        AmountLine(
            version.recorded_at,
            names.get(version.recorded_by, "Somebody no longer here"),
            what,
            version.pence,
            before.get((key, version.version_no - 1)),
            version.reason,
            version.effective_on,
            version.approval,
        )
        for what, key, version in found
    ]
    return sorted(lines, key=lambda line: line.at, reverse=True)


def over_words(row: ShareRow) -> str:
    """Why a share shows as over-committed, in a sentence."""
    what = f"{short_name(row.holder)} {row.share.category.label.lower()}"
    if row.over <= row.margin:
        return (
            f"{what} is over-committed by {format_pounds(row.over)}, within the margin of {format_pounds(row.margin)} "
            "that the agreement's terms allow."
        )
    return (
        f"{what} is over-committed by {format_pounds(row.over)}: its fundings come to more than its allocation. "
        "Nothing more can be committed until a funding is lowered or the allocation is raised."
    )
