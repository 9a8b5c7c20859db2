"""Times 300 returns that fall due in one night: the scheduler's own function, from opening the claims to the outbox.

    python -m benchmarks.bench_night [--returns 300] [--entries 100]

Holders are partnerships of one area, each with two fundings and so many entries. A tenth of them is timed first: what
is wanted is that each return of the whole night takes about as long as each of the tenth.
"""

import argparse
import datetime as dt
import os
import sys
import tempfile
import time

DRAFT_DAY = dt.date(2025, 7, 14)
LIMIT_SECONDS_EACH = 1.5
LIMIT_GROWTH = 1.5


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    arguments.add_argument("--returns", type=int, default=300)
    arguments.add_argument("--entries", type=int, default=100)
    given = arguments.parse_args()
    few = max(1, given.returns // 10)
    print(f"Python {sys.version.split()[0]}, SQLite, {given.entries} entries each\n")
    print("returns   seconds   each")
    took = [_night(count, given.entries) for count in (few, given.returns)]
    missed = took[1] > LIMIT_SECONDS_EACH or took[1] > took[0] * LIMIT_GROWTH
    print(
        f"\nWanted: at most {LIMIT_SECONDS_EACH} s each, and each of {given.returns} at most {LIMIT_GROWTH}x each of "
        f"{few}: {took[1] / took[0]:.2f}." + (" MISSED" if missed else "")
    )
    return 1 if missed else 0


def _night(returns: int, entries: int) -> float:
    """Seconds for each return of a night with so many, in a database of its own."""
    with tempfile.TemporaryDirectory(prefix="svd-bench-") as folder:
        os.environ.update(SVD_ENV="demo", SVD_INSTANCE=folder, SVD_TODAY=DRAFT_DAY.isoformat())
        from sqlalchemy import func, select

        from svd_tracker.app import create_app
        from svd_tracker.extensions import db
        from svd_tracker.jobs.schedule import run_due
        from svd_tracker.returns.models import FigureBuild

        app = create_app()
        with app.app_context():
            _prepare(returns, entries)
            db.session.remove()
        started = time.perf_counter()
        outcomes = run_due(app)
        took = time.perf_counter() - started
        with app.app_context():
            built = db.session.scalar(select(func.count()).select_from(FigureBuild))
            db.session.remove()
            db.engine.dispose()
        wrong = [each for each in outcomes if not each.ok and each.job.startswith("returns.")]
        assert built == returns, (built, wrong[:3])
        print(f"{returns:7,}   {took:7.1f}   {took / returns:.3f}")
        return took / returns


def _prepare(returns: int, entries: int) -> None:
    """So many partnerships with an allocation, two fundings, forecasts and a quarter of ledger, and their calendar."""
    from flask import current_app

    from svd_tracker.accounts import services as accounts
    from svd_tracker.accounts.models import HolderKind, Role
    from svd_tracker.approvals.models import ApprovalKind
    from svd_tracker.approvals.services import open_approval
    from svd_tracker.calculations.figures import Category, EntryKind
    from svd_tracker.demo.story import act
    from svd_tracker.extensions import db
    from svd_tracker.finance import services as finance
    from svd_tracker.finance.ledger import NewEntry, append
    from svd_tracker.grants import queries as grant_queries
    from svd_tracker.grants import services as grants
    from svd_tracker.grants.models import AgreementStatus, PaymentBasis
    from svd_tracker.interventions.models import InterventionKind
    from svd_tracker.interventions.services import add_intervention
    from svd_tracker.returns.obligations import ensure_obligations
    from svd_tracker.web.cli import bring_up_to_date

    bring_up_to_date(current_app)
    begin = act(None, dt.date(2025, 4, 1))
    share = 20_000_00
    area = accounts.add_area("county", "County", "County", begin)
    db.session.flush()
    organisation = accounts.add_organisation(area.id, "County", begin)
    db.session.flush()
    officer, _ = accounts.add_person("officer@county.example", "Officer", begin, organisation_id=organisation.id)
    holders = [
        accounts.add_holder(area, HolderKind.CSP, f"p{n:03d}", f"Partnership {n}", "County Council", begin)
        for n in range(returns)
    ]
    db.session.flush()
    for holder in holders:
        accounts.grant_role(officer, Role.FINANCE_OFFICER, begin, area_id=area.id, holder_id=holder.id)
    letter = open_approval(
        begin,
        area_id=area.id,
        kind=ApprovalKind.AWARD,
        body="Home Office",
        decided_on=dt.date(2025, 3, 20),
        minute_ref="Award letter",
        amount_pence=2 * share * returns,
        reason="Award letter",
    )
    grant = grants.add_grant(
        area, "SVD-2025", "Home Office", "Serious Violence Duty", dt.date(2025, 4, 1), dt.date(2026, 3, 31), begin
    )
    db.session.flush()
    grants.new_terms(
        grant,
        begin,
        status=AgreementStatus.SIGNED,
        agreement_ref="SVD/25",
        signed_on=dt.date(2025, 4, 1),
        payment_basis=PaymentBasis.ARREARS,
        over_programme_bp=0,
        draft_working_days=10,
        due_working_days=20,
        retention_years=7,
        declaration="I certify that the expenditure in this return is eligible under the grant agreement.",
        effective_on=dt.date(2025, 4, 1),
        reason="Agreement signed",
    )
    awards = dict.fromkeys(Category, share * returns)
    shares = {(holder.id, category): share for holder in holders for category in Category}
    grants.set_up_year(grant, 2025, awards, shares, letter, begin, reason="Award letter")
    intervention = add_intervention(area.id, InterventionKind.PROJECT, "High harm perpetrator tool", begin)
    db.session.commit()
    for holder in holders:
        opened = []
        for category in Category:
            allocation = grant_queries.find_allocation(grant.id, 2025, category, holder.id)
            assert allocation is not None
            funding = finance.open_funding(
                begin,
                intervention=intervention,
                allocation=allocation,
                pence=share,
                profile=finance.even_profile(share),
                approval=letter,
                reason="Delivery plan",
                effective_on=dt.date(2025, 4, 1),
            )
            db.session.flush()
            finance.save_forecast(act(None, dt.date(2025, 7, 1)), funding, {2: 1, 3: 1, 4: 1}, "As planned.", 0)
            opened.append(funding.id)
        append(
            act(None, dt.date(2025, 7, 1)),
            holder.id,
            [
                NewEntry(
                    funding_id=opened[number % 2],
                    fy=2025,
                    kind=EntryKind.ACTUAL,
                    quarter=1,
                    pence=100 + number % 97,
                    spent_on=dt.date(2025, 4, 1) + dt.timedelta(days=number % 90),
                    document=f"DOC-{number:06d}",
                    supplier="Supplier",
                    description="Entry",
                )
                for number in range(entries)
            ],
        )
        db.session.commit()
    ensure_obligations(act(None, dt.date(2025, 7, 1)), dt.date(2025, 7, 1))
    db.session.commit()


if __name__ == "__main__":
    sys.exit(main())
