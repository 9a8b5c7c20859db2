"""Loads the whole demonstration, in the order in which it happened."""

from collections.abc import Callable, Iterator

from svd_tracker.accounts import queries as accounts
from svd_tracker.accounts import services as account_services
from svd_tracker.demo import load_progress, load_quarter, load_round, load_year
from svd_tracker.demo.story import CERTIFIER, FINANCE_OFFICER, FIRST_DAY, LAST_YEAR, act, story
from svd_tracker.extensions import db
from svd_tracker.periods import QUARTERS, add_working_days, quarter_end, quarter_label
from svd_tracker.returns import area, obligation_queries, obligations, queries
from svd_tracker.returns import services as return_services
from svd_tracker.returns.area_queries import Period
from svd_tracker.returns.certify import certify_return

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
        yield f"the return of {quarter_label(LAST_YEAR, quarter)}", _quarter_of_last_year(quarter)
    yield "the area's returns of 2024/25", join_last_year
    yield "continuing posts of 2025/26", load_year.load_direct_decisions
    yield "the round: six proposals, scores, decisions", load_round.load_round
    yield "the first quarter's ledger, match and milestones", load_quarter.load_first_quarter
    yield "results and words of the first quarter", load_progress.progress_of_first_quarter
    yield "today", set_first_day


def _quarter_of_last_year(quarter: int) -> Callable[[], None]:
    def run() -> None:
        load_year.post_last_year(quarter)
        load_progress.progress_of_last_year(quarter)
        return_last_year(quarter)

    return run


def return_last_year(quarter: int) -> None:
    """Each holder's return of a quarter of 2024/25: drafted on its day, checked, certified by another person."""
    end = quarter_end(LAST_YEAR, quarter)
    drafted = add_working_days(end, story()["grant"]["draft_working_days"])
    certified = add_working_days(end, story()["grant"]["due_working_days"])
    obligations.ensure_obligations(act(None, drafted), drafted)
    db.session.commit()
    for ref in FINANCE_OFFICER:
        found = obligation_queries.find_obligations(ref, LAST_YEAR, quarter)[0]
        revision_id = return_services.draft_return(found.id, act(None, drafted)).id
        db.session.commit()
        build = queries.newest_build(revision_id)
        if build is None:
            raise LookupError(f"the return of {ref} was not built")
        preparer, certifier = act(FINANCE_OFFICER[ref], drafted), act(CERTIFIER[ref], certified)
        return_services.check_return(queries.get_revision(revision_id), build.id, preparer)
        db.session.commit()
        certify_return(revision_id, build.id, "Chief finance officer (section 151)", certifier)
        db.session.commit()


def join_last_year() -> None:
    """The OPCC's join of each quarter of 2024/25, on the day after its returns were certified."""
    grant = load_year.the_grant()
    for quarter in QUARTERS:
        due = add_working_days(quarter_end(LAST_YEAR, quarter), story()["grant"]["due_working_days"])
        acting = act(FINANCE_OFFICER["opcc"], add_working_days(due, 1))
        area.join(Period(grant.id, LAST_YEAR, quarter), "", acting)
        db.session.commit()


def set_first_day() -> None:
    """The day on which the demonstration opens: just before the first draft of the year falls due."""
    account_services.change_setting(
        "demo_today", FIRST_DAY.isoformat(), None, "The demonstration opens here", act(None, FIRST_DAY)
    )
    db.session.commit()
