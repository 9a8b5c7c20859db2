"""What a message says: plain text and HTML from the same details, and the e-mail made of them."""

import json
import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from email.errors import MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from typing import Any

from flask import current_app

from svd_tracker.mail.kinds import more_details
from svd_tracker.mail.models import Outbox


@dataclass(frozen=True)
class Body:
    """The two forms of a message."""

    text: str
    html: str


def body_of(message: Outbox, base: str) -> Body:
    """A message as it is sent. ``base`` is the address of the pages, without a slash at its end."""
    details: dict[str, Any] = json.loads(message.details)
    return _render(
        message.template,
        {
            **details,
            **more_details(message),
            "name": message.to_name or details.get("name", ""),  # a letter to an address says whom it greets
            "subject": message.subject,
            "occasion": message.occasion,
            "base": base,
        },
    )


def trial_body(base: str) -> Body:
    """What the message says that tries the mail server."""
    return _render("trial", {"name": "", "subject": TRIAL, "base": base})


def body_with(template: str, details: Mapping[str, Any]) -> Body:
    """What a message says that is sent at once and not kept in the outbox: a code."""
    return _render(template, details)


TRIAL = "A test of the mail server"


def email_of(message: Outbox, body: Body) -> EmailMessage:
    """The e-mail of a message: the same Message-ID and date however often it is sent.

    Raises ValueError when the address, or a name with a line end in it, makes no header.
    """
    email = new_email(message.subject, message.to_name, message.to_address, body)
    email["Message-ID"] = message.message_id
    email["Date"] = format_datetime(message.due_at)
    return email


def new_email(subject: str, name: str, address: str, body: Body) -> EmailMessage:
    """An e-mail from this installation that no machine answers. Raises ValueError as email_of does."""
    config: Mapping[str, Any] = current_app.config
    email = EmailMessage(policy=SMTP)
    email["Subject"] = _one_line(subject)
    email["From"] = Address("Serious Violence Duty tracker", addr_spec=config["MAIL_FROM"])
    email["To"] = _address(_one_line(name), address)
    if config["CONTACT_EMAIL"]:
        email["Reply-To"] = Address(addr_spec=config["CONTACT_EMAIL"])
    email["Auto-Submitted"] = "auto-generated"
    email["X-Auto-Response-Suppress"] = "All"  # Exchange answers with absences otherwise
    email.set_content(body.text)
    email.add_alternative(body.html, subtype="html")
    return email


def is_address(text: str) -> bool:
    """Whether an e-mail can be sent to this address, typed by people: in ASCII, like name@example.com."""
    try:
        return text.isascii() and "." in _address("", text).domain
    except ValueError:
        return False


def _address(name: str, address: str) -> Address:
    """Raises ValueError for what is no address, or not as it stands ("a(b)@example.com" would go to another)."""
    if re.fullmatch(r"[^@\s<>,;]+@[^@\s<>,;]+", address):
        # The standard library fails at some of these in odd ways.
        with suppress(ValueError, MessageError, AttributeError, IndexError):
            found = Address(name, addr_spec=address)
            if found.addr_spec == address:
                return found
    raise ValueError("the address is not an email address")


def _render(template: str, context: Mapping[str, Any]) -> Body:
    more = {**context, "contact": current_app.config["CONTACT_EMAIL"], "council": current_app.config["COUNCIL_NAME"]}
    pages = current_app.jinja_env  # a job has no request, which render_template would ask for the pages' context
    text, html = (pages.get_template(f"mail/messages/{template}.{form}").render(more) for form in ("txt", "html"))
    return Body(text.strip() + "\n", html.strip() + "\n")


def _one_line(text: str) -> str:
    """Text typed by people, without the line ends that would begin another header."""
    return " ".join(text.split())
