"""What a personal link is made of: an address that is its row's number, signed, and short-lived codes. No database.

The address sent out is kept nowhere: whoever reads the tables cannot make one, nor a code that was used up.
"""

import datetime as dt
import hmac

from flask import current_app
from itsdangerous import BadSignature, URLSafeSerializer
from passlib.totp import TOTP  # type: ignore[import-untyped]

CODE_SECONDS = 600
MOST_TRIES = 5
LEAST_WAIT = dt.timedelta(minutes=1)
MOST_CODES = 10  # in any 24 hours
OPEN_FOR = dt.timedelta(hours=8)
DAYS_AFTER_CLOSE = 14


def token_of(link_id: int) -> str:
    """What stands in the address of a link."""
    return str(_signer().dumps(link_id))


def path_of(link_id: int) -> str:
    """The address of a link, without the installation's own."""
    return f"/link/{token_of(link_id)}"


def id_in(token: str) -> int | None:
    """The number that was signed here, or None for anything else."""
    try:
        found = _signer().loads(token)
    except BadSignature:
        return None
    return found if isinstance(found, int) else None


def new_secret() -> str:
    """What the next code is made from: a new one for each code, so that no code comes twice."""
    return str(TOTP.new(alg="sha1").base32_key)


def code_of(secret: str, sent_at: dt.datetime) -> str:
    """The code of 6 figures that was sent at that moment."""
    return str(TOTP(secret, digits=6, period=CODE_SECONDS).generate(sent_at).token)


def counter_of(secret: str, sent_at: dt.datetime) -> int:
    """Which code of its secret it is, to be kept as used."""
    return int(TOTP(secret, digits=6, period=CODE_SECONDS).generate(sent_at).counter)


def is_code(typed: str, secret: str, sent_at: dt.datetime) -> bool:
    """Whether these are the figures, however they are spaced."""
    return hmac.compare_digest("".join(typed.split()).encode(), code_of(secret, sent_at).encode())


def _signer() -> URLSafeSerializer:
    return URLSafeSerializer(current_app.config["SECRET_KEY"], salt="personal link")
