"""The ``svd`` command: one group, to which each feature adds its own commands."""

import json
import os
import sys
from typing import Any

import click
from flask.cli import ScriptInfo
from sqlalchemy.exc import OperationalError, ProgrammingError

import config as configuration
from svd_tracker.errors import Refused
from svd_tracker.storage import BadStore


def _create() -> Any:
    from svd_tracker.app import create_app

    return create_app()


class _Group(click.Group):
    """The features' commands, read from their ``cli`` modules: help needs no settings and no database."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(self._found())

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        return self._found().get(cmd_name)

    def _found(self) -> dict[str, click.Command]:
        from svd_tracker.app import modules_of

        found = (command for module in modules_of("cli") for command in module.commands)
        return {command.name or "": command for command in found}


cli = _Group(name="svd", help="Serious Violence Duty money: proposals, scores, decisions, spend, match and returns.")


def say(text: str) -> None:
    """A line for the person, on standard output."""
    click.echo(text)


def warn(text: str) -> None:
    """A line about what went wrong, on standard error."""
    click.echo(text, err=True)


def answer(value: Any) -> None:
    """An answer that a program reads (--json): one JSON value on standard output."""
    click.echo(json.dumps(value, ensure_ascii=False, indent=2, default=str))


def main(arguments: list[str] | None = None) -> int:
    """Run a command. Returns 0 when it was done, 1 when it was refused or found something wrong, 2 for wrong use."""
    if arguments is None:
        arguments = sys.argv[1:]
    if arguments and arguments[0] == "demo":
        os.environ.setdefault("SVD_ENV", "demo")
    try:
        return cli.main(args=arguments, prog_name="svd", standalone_mode=False, obj=ScriptInfo(create_app=_create)) or 0
    except click.exceptions.Exit as done:
        return done.exit_code
    except click.ClickException as wrong:
        wrong.show()
        return wrong.exit_code
    except click.Abort:
        warn("Stopped.")
        return 1
    except (configuration.ConfigError, BadStore) as wrong:
        warn(str(wrong))
        return 1
    except Refused as refused:
        warn(refused.message)
        return 1
    except (OperationalError, ProgrammingError) as error:
        warn(f"The database could not be used: {error.orig}")
        warn("If it is new, or the application was just updated: svd init")
        return 1
