"""Loads the whole demonstration, in the order in which it happened."""

from collections.abc import Callable, Iterator

from svd_tracker.accounts import queries as accounts
from svd_tracker.accounts import services as account_services
from svd_tracker.calculations.figures import ObligationKind
from svd_tracker.demo import load_forty, load_progress, load_quarter, load_returns, load_round, load_year
from svd_tracker.demo.story import FIRST_DAY, LAST_YEAR, act
from svd_tracker.extensions import db
from svd_tracker.periods import QUARTERS, quarter_label

Step = tuple[str, Callable[[], None]]


def is_loaded() -> bool:
    """Whether the demonstration was loaded to its end: its day is set last."""
    return bool(accounts.read_setting("demo_today", None))


def is_empty() -> bool:
    return not accounts.list_areas()


def steps() -> Iterator[Step]:
    """What happens, in words and as a function each, to be run in order."""
    yield "the area, its partnerships and people", load_year.load_bodies
    yield "the grant, its award and allocations", load_year.load_grant
    yield "the delivery plans of 2024/25", load_year.load_last_year
    yield "what they count", load_progress.set_outputs_of_last_year
    for quarter in QUARTERS:
        yield f"the returns of {quarter_label(LAST_YEAR, quarter)}", _quarter_of_last_year(quarter)
    yield "the final returns of 2024/25", _final_of_last_year
    yield "continuing posts of 2025/26", load_year.load_direct_decisions
    yield "the round: six proposals, scores, decisions", load_round.load_round
    yield "the first quarter's ledger, match and milestones", load_quarter.load_first_quarter
    yield "results and words of the first quarter", load_progress.progress_of_first_quarter
    yield "a deputy for the summer", load_returns.name_a_deputy
    yield "a made-up round of forty proposals, being scored", load_forty.load_forty
    yield "today", set_first_day


def _quarter_of_last_year(quarter: int) -> Callable[[], None]:
    def run() -> None:
        load_year.post_last_year(quarter)
        load_progress.progress_of_last_year(quarter)
        kind = ObligationKind.PROVISIONAL if quarter == max(QUARTERS) else ObligationKind.IN_YEAR
        load_returns.period_of_last_year(quarter, kind)

    return run


def _final_of_last_year() -> None:
    load_returns.late_invoice()
    load_returns.period_of_last_year(max(QUARTERS), ObligationKind.FINAL)


def set_first_day() -> None:
    """The day on which the demonstration opens: just before the first draft of the year falls due."""
    account_services.change_setting(
        "demo_today", FIRST_DAY.isoformat(), None, "The demonstration opens here", act(None, FIRST_DAY)
    )
    db.session.commit()
