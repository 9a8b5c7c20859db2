"""A ledger line waits that looks like one which is here already; the word that no line ever waited by goes."""

import sqlalchemy as sa
from alembic import op

from svd_tracker.schema_changes import set_words

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

BEFORE = ("no_rule", "no_funding", "like_an_entry", "old_year", "outside", "put_back")
AFTER = ("no_rule", "no_funding", "like_an_entry", "old_year", "like_a_line", "put_back")


def upgrade() -> None:
    set_words(op, "queue_line", "why", "ck_queue_line_whywaiting", BEFORE, AFTER)


def downgrade() -> None:
    op.execute(sa.text("UPDATE queue_line SET why = 'put_back' WHERE why = 'like_a_line'"))
    set_words(op, "queue_line", "why", "ck_queue_line_whywaiting", AFTER, BEFORE)
