"""A mail server on this machine's loopback, as small as the tests need: it keeps what it is sent."""

import re
import socketserver
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from threading import Lock, Thread
from typing import Any


@dataclass(frozen=True)
class Received:
    """A message that was taken: its envelope and its bytes."""

    sender: str
    recipients: tuple[str, ...]
    data: bytes

    @property
    def email(self) -> EmailMessage:
        return message_from_bytes(self.data, policy=default)

    @property
    def message_id(self) -> str:
        return str(self.email["Message-ID"])


@dataclass
class Inbox:
    """What the server has, and how it behaves: ``rcpt`` and ``data`` are its answers to those commands.

    ``on_taken`` is called when a message is kept and before the client hears so. With ``tls`` it offers STARTTLS and
    takes no mail without it.
    """

    port: int = 0
    messages: list[Received] = field(default_factory=list)
    rcpt: str = "250 fine"
    data: str = "250 taken"
    on_taken: Callable[[Received], None] = lambda _message: None
    tls: ssl.SSLContext | None = None
    signed_in: list[str] = field(default_factory=list)
    lock: Lock = field(default_factory=Lock)

    def ids(self) -> list[str]:
        return [message.message_id for message in self.messages]


class _Handler(socketserver.StreamRequestHandler):
    inbox: Inbox

    def handle(self) -> None:
        self.sender, self.recipients, self.secure = "", list[str](), False
        self.say("220 test")
        while line := self.rfile.readline().decode("utf-8", "replace").strip():
            verb = line.split()[0].upper()
            if verb == "QUIT":
                return self.say("221 bye")
            getattr(self, f"do_{verb.lower()}", self.unknown)(line)
        return None

    def say(self, *lines: str) -> None:
        self.wfile.write("".join(f"{line}\r\n" for line in lines).encode())

    def unknown(self, _line: str) -> None:
        self.say("500 what?")

    def do_ehlo(self, _line: str) -> None:
        offers = [] if self.inbox.tls is None else ["AUTH PLAIN"] if self.secure else ["STARTTLS"]
        said = ["test", *offers]
        self.say(*(f"250{'-' if number < len(said) else ' '}{word}" for number, word in enumerate(said, start=1)))

    def do_starttls(self, _line: str) -> None:
        if self.inbox.tls is None:
            return self.unknown(_line)
        self.say("220 go on")
        self.connection = self.inbox.tls.wrap_socket(self.connection, server_side=True)
        self.rfile = self.connection.makefile("rb")
        self.wfile: Any = self.connection.makefile("wb", buffering=0)
        self.secure = True
        return None

    def do_auth(self, line: str) -> None:
        self.inbox.signed_in.append(line.split()[-1])
        self.say("235 welcome")

    def do_mail(self, line: str) -> None:
        if self.inbox.tls is not None and not self.secure:
            return self.say("530 STARTTLS first")
        self.sender, self.recipients = _address(line), []
        return self.say("250 fine")

    def do_rcpt(self, line: str) -> None:
        if self.inbox.rcpt.startswith("2"):
            self.recipients.append(_address(line))
        self.say(self.inbox.rcpt)

    def do_rset(self, _line: str) -> None:
        self.say("250 fine")

    def do_noop(self, _line: str) -> None:
        self.say("250 fine")

    def do_data(self, _line: str) -> None:
        self.say("354 go on")
        lines = []
        while (line := self.rfile.readline()) not in (b".\r\n", b""):
            lines.append(line[1:] if line.startswith(b".") else line)
        if self.inbox.data.startswith("2"):
            message = Received(self.sender, tuple(self.recipients), b"".join(lines))
            with self.inbox.lock:
                self.inbox.messages.append(message)
            self.inbox.on_taken(message)
        self.say(self.inbox.data)


def _address(line: str) -> str:
    found = re.search(r"<([^>]*)>", line)
    assert found is not None, line
    return found[1]


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that was killed is no event."""


@contextmanager
def mail_server() -> Iterator[Inbox]:
    """Serve on a free port until the block ends."""
    inbox = Inbox()
    with _Server(("127.0.0.1", 0), type("Handler", (_Handler,), {"inbox": inbox})) as server:
        inbox.port = server.server_address[1]
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield inbox
        finally:
            server.shutdown()
            thread.join()
