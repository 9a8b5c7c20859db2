"""``svd ledger import``: a council's job can bring its ledger in by itself."""

from pathlib import Path

import click
from flask.cli import with_appcontext

from svd_tracker.accounts import queries as accounts
from svd_tracker.accounts.access import act_as
from svd_tracker.act import Source
from svd_tracker.cli import answer, say, warn
from svd_tracker.errors import Refused
from svd_tracker.extensions import db
from svd_tracker.files.models import Upload, UploadState
from svd_tracker.finance import services


@click.group()
def ledger() -> None:
    """The ledger: what was spent against each funding."""


@ledger.command("import")
@click.argument("holder")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--area", help="The area's ref, where several areas have a holder of that name.")
@click.option("--same-rows-too", is_flag=True, help="Also take in rows that look the same as entries in the ledger.")
@click.option("--json", "as_json", is_flag=True, help="Answer in JSON.")
@with_appcontext
def import_file(holder: str, file: Path, area: str | None, same_rows_too: bool, as_json: bool) -> None:
    """Take in FILE (CSV) for HOLDER (its ref, like dorset): all of it or nothing.

    Exit code 0 when it was taken in, 1 when it was refused or its rows need --same-rows-too.
    """
    areas = {each.ref: each.id for each in accounts.list_areas()}
    if area is not None and area not in areas:
        raise Refused(f'There is no area "{area}"')
    found = accounts.find_holder(holder, areas.get(area) if area else None)
    if found is None:
        known = ", ".join(each.ref for each in accounts.list_holders())
        raise Refused(f'There is no holder "{holder}". There are {known}')
    act = act_as(None, Source.COMMAND)
    try:
        upload = services.import_ledger(act, found, file.name, file.read_bytes(), same_rows_too=same_rows_too)
    except Refused as refused:
        db.session.rollback()
        if as_json:
            answer({"state": "refused", "lines_read": 0, "lines_posted": 0, "message": refused.message})
        raise
    db.session.commit()
    _report(upload, as_json)
    if upload.state is not UploadState.TAKEN_IN:
        raise click.exceptions.Exit(1)


def _report(upload: Upload, as_json: bool) -> None:
    for each in upload.findings:
        warn(f"{each.severity.capitalize()}: {each.message}")
    if as_json:
        answer(
            {
                "upload": upload.id,
                "state": upload.state.value,
                "lines_read": upload.lines_read,
                "lines_posted": upload.lines_posted,
                "findings": [
                    {
                        "severity": each.severity,
                        "code": each.code,
                        "row": each.row_no,
                        "column": each.column_name,
                        "message": each.message,
                    }
                    for each in upload.findings
                ],
            }
        )
    elif upload.state is UploadState.TAKEN_IN:
        entries = "1 entry" if upload.lines_posted == 1 else f"{upload.lines_posted:,} entries"
        say(f"Taken in: {entries} posted.")
    elif upload.state is UploadState.READ:
        warn("Nothing was posted: some rows look the same as entries in the ledger. To take them in, --same-rows-too.")
    else:
        warn("Nothing was posted: correct the file and import it again.")


commands = (ledger,)
