"""``svd ledger import``: a council's job can bring its ledger in by itself."""

import hashlib
from dataclasses import asdict
from pathlib import Path

import click
from flask.cli import with_appcontext

from svd_tracker.accounts import queries as accounts
from svd_tracker.accounts.access import act_as
from svd_tracker.accounts.models import Holder
from svd_tracker.act import Source
from svd_tracker.cli import answer, say, warn
from svd_tracker.errors import Refused
from svd_tracker.extensions import db
from svd_tracker.files.models import Upload, UploadState
from svd_tracker.finance.intake.beginning import known_mapping
from svd_tracker.finance.intake.mappings import find_by_name, mappings
from svd_tracker.finance.intake.models import LedgerMapping, Outcome
from svd_tracker.finance.intake.receive import receive_file, refuse_taken_in
from svd_tracker.finance.intake.summary import findings_of, summary_of
from svd_tracker.finance.intake.take_in import take_in
from svd_tracker.money import format_pounds
from svd_tracker.readers.table_file import UnreadableFile, open_table


@click.group()
def ledger() -> None:
    """The ledger: what was spent against each funding."""


@ledger.command("import")
@click.argument("holder")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--area", help="The area's ref, where several areas have a holder of that name.")
@click.option("--mapping", "name", help="How the file is read, by name; else it is found by the file's headings.")
@click.option("--json", "as_json", is_flag=True, help="Answer in JSON.")
@with_appcontext
def import_file(holder: str, file: Path, area: str | None, name: str | None, as_json: bool) -> None:
    """Take in FILE (CSV or XLSX) for HOLDER (its ref, like dorset): all of it or nothing.

    Exit code 0 when it was taken in, 1 when it was refused.
    """
    found = _holder(holder, area)
    act, content = act_as(None, Source.COMMAND), file.read_bytes()
    try:
        refuse_taken_in(found.id, hashlib.sha256(content).hexdigest())
        mapping = _mapping(found, file.name, content, name)
        kept = receive_file(act, found, file.name, content)
        db.session.commit()
        upload = take_in(act, found, kept, mapping)
        db.session.commit()
    except Refused as refused:
        db.session.rollback()
        if as_json:
            answer({"state": "refused", "lines_read": 0, "lines_posted": 0, "message": refused.message})
        raise
    _report(upload, as_json)
    if upload.state is not UploadState.TAKEN_IN:
        raise click.exceptions.Exit(1)


def _holder(ref: str, area: str | None) -> Holder:
    areas = {each.ref: each.id for each in accounts.list_areas()}
    if area is not None and area not in areas:
        raise Refused(f'There is no area "{area}"')
    found = accounts.find_holder(ref, areas.get(area) if area else None)
    if found is None:
        known = ", ".join(each.ref for each in accounts.list_holders())
        raise Refused(f'There is no holder "{ref}". There are {known}')
    return found


def _mapping(holder: Holder, file_name: str, content: bytes, name: str | None) -> LedgerMapping:
    """The mapping of that name, or the one that the file's headings are known by. Raises Refused."""
    if name is not None:
        mapping = find_by_name(holder.id, name)
        if mapping is None:
            known = ", ".join(each.name for each in mappings(holder.id)) or "none yet"
            raise Refused(f'{holder.name} has no mapping "{name}". It has: {known}')
        return mapping
    try:
        mapping = known_mapping(holder.id, open_table(content, file_name))
    except UnreadableFile as error:
        raise Refused(str(error)) from error
    if mapping is None:
        raise Refused("These headings are new: bring a file like it in on the page once, or name --mapping")
    return mapping


def _report(upload: Upload, as_json: bool) -> None:
    findings, summary = findings_of(upload), summary_of(upload)
    for each in findings:
        warn(f"{each.severity.capitalize()}: {each.message}")
    if as_json:
        answer(
            {
                "upload": upload.id,
                "state": upload.state.value,
                "lines_read": upload.lines_read,
                "lines_posted": upload.lines_posted,
                "lines_known": upload.lines_known,
                "total_pence": upload.total_pence,
                "digest": upload.digest,
                "shares": [asdict(each) for each in summary.shares],
                "findings": [
                    {
                        "severity": each.severity,
                        "code": each.code,
                        "row": each.row_no,
                        "column": each.column_name,
                        "message": each.message,
                    }
                    for each in findings
                ],
            }
        )
    elif upload.state is UploadState.TAKEN_IN:
        waiting = sum(each.lines for each in summary.shares if each.outcome == Outcome.WAITING)
        say(
            f"Taken in: {_lines(upload.lines_posted)} posted, {format_pounds(upload.total_pence or 0)}; "
            f"{_lines(waiting)} waiting; {_lines(upload.lines_known or 0)} known before."
        )
    else:
        warn("Nothing was posted: correct the file and import it again.")


def _lines(count: int) -> str:
    return "1 line" if count == 1 else f"{count:,} lines"


commands = (ledger,)
