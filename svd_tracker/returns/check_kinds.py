"""The checks of a return by name: what each looks at, where it is put right, and whether it stops the return.

An area may let a check warn, block, or warn up to a day and block from then on, so that a new one can be tried for a
round. Those that must stand as they are say why.
"""

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from svd_tracker.accounts import queries as accounts
from svd_tracker.accounts import settings

ERROR, WARNING, PASSED = "error", "warning", "passed"
LINES_WAITING, LINES_CARRIED = "lines_waiting", "lines_carried"
LINES_DROPPED, LINES_OLD_YEAR = "lines_dropped", "lines_old_year"
OF_LINES = frozenset((LINES_WAITING, LINES_CARRIED, LINES_DROPPED, LINES_OLD_YEAR))
FindingKey = tuple[str, str, str]  # code, subject and words: an acceptance holds for just these
_KEPT = "What passes a ceiling is always kept and shown: nobody could put it right by not reporting it."


@dataclass(frozen=True)
class Finding:
    """``subject_ref`` is "kind:id"; the page makes a link to where it is put right of it.

    The figure that it is about, where there is one: ``line_ref`` the funding's ref, "category:labour" for a category's
    total or "" for the return's; ``column_code`` the figure's, ``quarter`` 0 for a figure of no single quarter.
    """

    severity: str
    code: str
    subject_ref: str
    message: str
    line_ref: str | None = None
    column_code: str | None = None
    quarter: int | None = None


@dataclass(frozen=True)
class CheckKind:
    """``where`` names the place where it is put right; ``fixed`` says why the area cannot change its severity."""

    code: str
    title: str
    where: str
    severity: str
    fixed: str = ""

    @property
    def may_change(self) -> bool:
        return not self.fixed

    @property
    def setting(self) -> str:
        return f"check_{self.code}"


@dataclass(frozen=True)
class CheckRule:
    """What an area makes of a check. ``until`` is the last day on which it only warns, None where there is none."""

    severity: str
    until: dt.date | None = None

    def on(self, day: dt.date) -> str:
        """Error or warning, on a day."""
        return WARNING if self.until is not None and day <= self.until else self.severity

    @property
    def stored(self) -> str:
        """As the setting keeps it: "block", "warn" or "warn_until:2025-09-30"."""
        if self.until is not None:
            return f"warn_until:{self.until.isoformat()}"
        return "block" if self.severity == ERROR else "warn"


_KINDS = (
    CheckKind("no_fundings", "Fundings to report", "Allocation", ERROR, "Without fundings there is nothing to report."),
    CheckKind("no_entries", "Spend in every quarter", "Ledger", WARNING),
    CheckKind(
        "nil_return", "Something to report", "Ledger", WARNING, "Whoever passes the return on says that it is nil."
    ),
    CheckKind(
        "earlier_not_certified",
        "Earlier returns certified",
        "Returns",
        WARNING,
        "It may be drafted and checked; certifying waits for the earlier one whatever is chosen here.",
    ),
    CheckKind("agreement_not_signed", "Agreement signed", "Grant agreement", WARNING),
    CheckKind(
        LINES_WAITING,
        "Ledger lines placed",
        "Ledger",
        ERROR,
        "Every line of the ledger belongs somewhere before a return goes: placed, left out or carried.",
    ),
    CheckKind(LINES_CARRIED, "No ledger lines carried", "Ledger", WARNING, "The certifier accepts them by name."),
    CheckKind(
        LINES_DROPPED,
        "Ledger lines still in the ledger",
        "Ledger",
        WARNING,
        "Only a person can tell whether the ledger took a line out, and a return must not wait for a file that "
        "never comes.",
    ),
    CheckKind(LINES_OLD_YEAR, "No lines of this year in the next", "Ledger", WARNING),
    CheckKind("ledger_not_loaded", "A ledger for every month", "Reconciliation", WARNING),
    CheckKind("control_total", "Control totals met", "Reconciliation", WARNING),
    CheckKind("outside_period", "Spend inside the grant's period", "Ledger", WARNING),
    CheckKind("outside_quarter", "Spend dated in its quarter", "Ledger", WARNING),
    CheckKind("negative_claim", "Claim not negative", "Ledger", WARNING, _KEPT),
    CheckKind("negative_line", "No line below nought", "Ledger", WARNING),
    CheckKind(
        "open_accruals",
        "No open accruals",
        "Accruals",
        WARNING,
        "Accruals belong in a return: each is only to be looked at.",
    ),
    CheckKind("accrual_no_evidence", "Evidence with every accrual", "Accruals", WARNING),
    CheckKind("accrual_not_confirmed", "Accruals of earlier quarters confirmed", "Accruals", WARNING),
    CheckKind("over_committed", "Fundings inside the allocation", "Allocation", WARNING, _KEPT),
    CheckKind("locally_funded", "Spend inside the ceilings", "Funding", WARNING, _KEPT),
    CheckKind("repayable", "Nothing repayable", "Funding", WARNING, _KEPT),
    CheckKind("at_risk", "No spend at risk", "Funding", WARNING, "What was spent before a day stays spent before it."),
    CheckKind("forecast_missing", "A forecast for every line", "Forecast", ERROR),
    CheckKind("variance_unexplained", "Variances explained", "Forecast", ERROR),
    CheckKind("approval_outstanding", "Approvals complete", "Funding", WARNING),
    CheckKind("condition_not_met", "Conditions met", "Funding", WARNING),
    CheckKind("match_behind", "Match keeps up with spend", "Plan line", WARNING),
    CheckKind("match_short", "Match that the agreement asks for", "Grant agreement", WARNING),
    CheckKind("output_missing", "Results for every output", "Plan line", WARNING),
    CheckKind(
        "change_unexplained",
        "Changes explained",
        "Changes",
        ERROR,
        "A new revision says why each line is not as it was.",
    ),
    CheckKind(
        "fall_unexplained",
        "Falls of cumulative figures explained",
        "Changes",
        ERROR,
        "What was reported or claimed to date falls only with a reason.",
    ),
)
KINDS: Mapping[str, CheckKind] = {kind.code: kind for kind in _KINDS}

settings.add_settings(
    {
        kind.setting: settings.SettingKind(kind.title, "check", CheckRule(kind.severity).stored, "")
        for kind in _KINDS
        if kind.may_change
    }
)


def check_kinds() -> tuple[CheckKind, ...]:
    """Every check, in the order in which they are listed."""
    return _KINDS


def title_of(code: str) -> str:
    """A check's title; of one that is no more, the words of its code."""
    return KINDS[code].title if code in KINDS else code.replace("_", " ").capitalize()


def where_of(code: str) -> str:
    """Where a check's findings are put right, in words."""
    return KINDS[code].where if code in KINDS else "Returns"


def rule_of(stored: str) -> CheckRule:
    """What a setting's value says; the reverse of ``CheckRule.stored``. Raises ValueError for anything else."""
    word, _, day = stored.partition(":")
    if word == "warn_until":
        return CheckRule(ERROR, dt.date.fromisoformat(day))
    if day or word not in ("block", "warn"):
        raise ValueError(f"no check is set to {stored!r}")
    return CheckRule(ERROR if word == "block" else WARNING)


def rules_of(area_id: int) -> dict[str, CheckRule]:
    """What an area makes of each check, by code, those that it cannot change among them. One query."""
    stored = accounts.read_settings([kind.setting for kind in _KINDS if kind.may_change], area_id)
    return {
        kind.code: rule_of(stored[kind.setting]) if kind.may_change else CheckRule(kind.severity) for kind in _KINDS
    }


def found(
    code: str, subject_ref: str, message: str, line_ref: str | None = None, column: str | None = None, quarter: int = 0
) -> Finding:
    """A finding of a check, as severe as the check is by itself. Raises KeyError for a check that is not listed."""
    return Finding(
        KINDS[code].severity, code, subject_ref, message, line_ref, column, quarter if column is not None else None
    )


def passed_titles(failed: Iterable[str], ran: Iterable[str] | None = None) -> dict[str, str]:
    """The titles, by code, of the checks that ran (all of them when not given) and found nothing."""
    without, of = frozenset(failed), KINDS if ran is None else frozenset(ran)
    return {kind.code: kind.title for kind in _KINDS if kind.code in of and kind.code not in without}
