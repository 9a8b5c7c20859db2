"""The mail server, spoken to by the standard library's smtplib."""

import smtplib
import ssl
from collections.abc import Mapping
from email.message import EmailMessage
from types import TracebackType
from typing import Any, Self


class NotSent(Exception):
    """A message was not taken. ``for_good``: the server refused this message itself, so trying again is no use.

    ``unreachable``: there is no talking to the server, so the other messages need not be tried now either.
    """

    def __init__(self, reason: str, *, for_good: bool = False, unreachable: bool = False) -> None:
        super().__init__(reason)
        self.reason = reason
        self.for_good = for_good
        self.unreachable = unreachable


class Transport:
    """One connection for as many messages as there are, opened when the first is sent. Use as a context."""

    def __init__(self, config: Mapping[str, Any]) -> None:
        self._config = config
        self._server: smtplib.SMTP | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self._close()

    def send(self, email: EmailMessage) -> None:
        """Hand a message over. Returns when the server has taken it; raises NotSent, saying why, when it did not."""
        try:
            server = self._server or self._open()
        except (OSError, smtplib.SMTPException) as error:
            self._close()
            raise NotSent(f"The mail server could not be used: {_words(error)}", unreachable=True) from error
        try:
            server.send_message(email)
        except (OSError, smtplib.SMTPException) as error:
            self._close()  # whatever state it is in, a new connection is in a good one
            raise _not_sent(error) from error

    def _open(self) -> smtplib.SMTP:
        """Raises OSError or SMTPException. With starttls a server that does not offer it is not used."""
        config = self._config
        where = {"host": config["SMTP_HOST"], "port": config["SMTP_PORT"], "timeout": config["SMTP_TIMEOUT"]}
        if config["SMTP_SECURITY"] == "tls":
            self._server = smtplib.SMTP_SSL(**where, context=ssl.create_default_context())
        else:
            self._server = smtplib.SMTP(**where)
            if config["SMTP_SECURITY"] == "starttls":
                self._server.starttls(context=ssl.create_default_context())
        if config["SMTP_USER"]:
            self._server.login(config["SMTP_USER"], config["SMTP_PASSWORD"])
        return self._server

    def _close(self) -> None:
        server, self._server = self._server, None
        if server is not None:
            try:
                server.quit()
            except (OSError, smtplib.SMTPException):
                server.close()


def _not_sent(error: Exception) -> NotSent:
    match error:
        case smtplib.SMTPSenderRefused():  # our own address: no message would fare better
            return NotSent(_words(error), unreachable=True)
        case smtplib.SMTPRecipientsRefused():
            return NotSent(_words(error), for_good=all(_is_final(code) for code, _ in error.recipients.values()))
        case smtplib.SMTPResponseException():
            return NotSent(_words(error), for_good=_is_final(error.smtp_code))
        case smtplib.SMTPNotSupportedError():
            return NotSent(_words(error), for_good=True)
        case _:
            return NotSent(f"The connection was lost: {_words(error)}")


def _is_final(code: int) -> bool:
    return 500 <= code < 600


def _words(error: Exception) -> str:
    """What the server or the machine said, in one line. Passwords are in no answer of smtplib's."""
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        said = "; ".join(f"{code} {_text(words)}" for code, words in error.recipients.values())
    elif isinstance(error, smtplib.SMTPResponseException):
        said = f"{error.smtp_code} {_text(error.smtp_error)}"
    else:
        said = str(error) or type(error).__name__
    return " ".join(said.split())[:500]


def _text(words: bytes | str) -> str:
    return words.decode("utf-8", "replace") if isinstance(words, bytes) else words
