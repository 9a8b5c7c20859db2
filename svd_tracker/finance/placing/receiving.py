"""The cash of a match that a ledger line shows, recorded as received with the line as its evidence."""

from svd_tracker.accounts.models import Holder
from svd_tracker.act import Act
from svd_tracker.errors import Refused
from svd_tracker.extensions import db
from svd_tracker.finance import match_services
from svd_tracker.finance.intake.models import LedgerLine, Outcome
from svd_tracker.finance.models import Match, MatchEvent, MatchStage
from svd_tracker.finance.placing.line_queries import is_recorded
from svd_tracker.finance.placing.services import take
from svd_tracker.periods import format_date, quarter_short


def record_received(act: Act, holder: Holder, line: LedgerLine) -> MatchEvent:
    """Record a line's cash as received from its match, once, under the ledger's lock. Raises Refused."""
    belongs = take(holder, [line])[line.id].belongs
    match_id = next((part.match_id for part in belongs.parts), None)
    if belongs.outcome is not Outcome.MATCH_INCOME or match_id is None:
        raise Refused("This line is the cash of a match no more. Look at where it is now")
    evidence = evidence_of(line)
    if is_recorded(match_id, evidence):
        raise Refused("This cash is recorded as received already")
    match = db.session.get_one(Match, match_id)
    return match_services.add_event(act, match, MatchStage.RECEIVED, -line.cost_pence, line.posted_on, evidence)


def evidence_of(line: LedgerLine) -> str:
    """What an event of the match says of the line; the row and file make it the line's alone."""
    document = f"{line.document}, " if line.document else ""
    file = line.upload.file.name[:100]
    return (
        f"The council's ledger: {document}{format_date(line.posted_on)}, "
        f"{quarter_short(line.fy, line.quarter)}, row {line.row_no} of {file} (line {line.id})"
    )[:250]
