"""Every model of the application, imported in one place for migrations, the scheduler and tests."""

from svd_tracker.accounts import models as accounts
from svd_tracker.approvals import models as approvals
from svd_tracker.audit import models as audit
from svd_tracker.decisions import models as decisions
from svd_tracker.delivery import models as delivery
from svd_tracker.files import models as files
from svd_tracker.finance import models as finance
from svd_tracker.finance.intake import models as intake
from svd_tracker.finance.moves import models as moves
from svd_tracker.grants import models as grants
from svd_tracker.interventions import models as interventions
from svd_tracker.jobs import models as jobs
from svd_tracker.mail import models as mail
from svd_tracker.proposals import models as proposals
from svd_tracker.returns import area_models as area_returns
from svd_tracker.returns import models as returns
from svd_tracker.returns.partner import models as partner_returns
from svd_tracker.rounds import models as rounds
from svd_tracker.scoring import models as scoring

__all__ = [
    "accounts",
    "approvals",
    "area_returns",
    "audit",
    "decisions",
    "delivery",
    "files",
    "finance",
    "grants",
    "intake",
    "interventions",
    "jobs",
    "mail",
    "moves",
    "partner_returns",
    "proposals",
    "returns",
    "rounds",
    "scoring",
]
