"""svd mail …: trying the mail server, and sending what waits."""

import click
from flask import current_app
from flask.cli import with_appcontext

from svd_tracker.cli import say, warn
from svd_tracker.errors import Refused
from svd_tracker.mail import messages
from svd_tracker.mail.jobs import send_waiting
from svd_tracker.mail.transport import NotSent, Transport


@click.group()
def mail() -> None:
    """Reminders by e-mail."""


@mail.command("send-test")
@click.argument("address")
@with_appcontext
def send_test(address: str) -> None:
    """Send a message that says nothing but that the mail server works."""
    _refuse_without_server()
    try:
        email = messages.new_email(messages.TRIAL, "", address, messages.trial_body(current_app.config["PUBLIC_URL"]))
    except ValueError as error:
        raise Refused(f"{address} is not an email address") from error
    try:
        with Transport(current_app.config) as transport:
            transport.send(email)
    except NotSent as why:
        raise Refused(f"Not sent. {why.reason}") from why
    say(f"The mail server took a message for {address}.")


@mail.command()
@with_appcontext
def send() -> None:
    """Send what waits now, as each turn of the schedule does. The exit code is 1 when something was not sent."""
    _refuse_without_server()
    done = send_waiting()
    if not done.ok:
        warn(f"Mail: {done}.")
        raise click.exceptions.Exit(1)
    say(f"Mail: {str(done) or 'nothing waits to be sent'}.")


def _refuse_without_server() -> None:
    if current_app.config["DEMO"]:
        raise Refused("In the demo mail is shown on its page and goes nowhere")
    if not current_app.config["SMTP_HOST"]:
        raise Refused("No mail server is set: see SVD_SMTP_HOST in docs/guides/running.md")


commands = (mail,)
