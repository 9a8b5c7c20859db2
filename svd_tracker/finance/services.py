"""Every verb of money, from one place: fundings, the ledger, forecasts."""

from svd_tracker.finance.closing import close_quarters, reopen_quarters, write_claims
from svd_tracker.finance.forecasts import open_quarters, save_forecast
from svd_tracker.finance.fundings import (
    DirectDecision,
    NewIntervention,
    change_funding,
    even_profile,
    fund_directly,
    open_funding,
    subject_ref,
)
from svd_tracker.finance.ledger import (
    accrue_again,
    drop_released,
    lock_ledger,
    post_entry,
    release_accrual,
    reverse_mistake,
)

__all__ = [
    "DirectDecision",
    "NewIntervention",
    "accrue_again",
    "change_funding",
    "close_quarters",
    "drop_released",
    "even_profile",
    "fund_directly",
    "lock_ledger",
    "open_funding",
    "open_quarters",
    "post_entry",
    "release_accrual",
    "reopen_quarters",
    "reverse_mistake",
    "save_forecast",
    "subject_ref",
    "write_claims",
]
