"""The decision pack of a round: a page to print, a Word document and a workbook, each also in its public version."""

from flask import render_template, request
from flask.typing import ResponseReturnValue

from exports.pack_document import build_pack_document
from exports.pack_workbook import build_pack_workbook
from exports.papers import Paper, Pounds, shown
from svd_tracker.accounts.access import current_access, now, requires
from svd_tracker.accounts.permissions import Permission
from svd_tracker.decisions import pack
from svd_tracker.decisions.blueprint import bp
from svd_tracker.files.evidence import MEDIA_TYPES
from svd_tracker.rounds import queries as rounds
from svd_tracker.rounds.scopes import of_round
from svd_tracker.web.downloads import file_answer

_PACK = "/rounds/<int:round_id>/pack"


@bp.get(_PACK, endpoint="pack")
@requires(Permission.VIEW_PAPERS, of_round(Permission.VIEW_PAPERS))
def pack_page(round_id: int) -> ResponseReturnValue:
    round_ = rounds.get_round(round_id)
    return render_template(
        "decisions/pack.html",
        round=round_,
        paper=_paper(round_id),
        public=_public(),
        shown=shown,
        is_money=lambda cell: isinstance(cell, Pounds),
    )


@bp.get(f"{_PACK}.docx")
@requires(Permission.VIEW_PAPERS, of_round(Permission.VIEW_PAPERS))
def pack_docx(round_id: int) -> ResponseReturnValue:
    return file_answer(build_pack_document(_paper(round_id)), _name(round_id, "docx"), MEDIA_TYPES["docx"])


@bp.get(f"{_PACK}.xlsx")
@requires(Permission.VIEW_PAPERS, of_round(Permission.VIEW_PAPERS))
def pack_xlsx(round_id: int) -> ResponseReturnValue:
    return file_answer(build_pack_workbook(_paper(round_id)), _name(round_id, "xlsx"), MEDIA_TYPES["xlsx"])


def _paper(round_id: int) -> Paper:
    return pack.pack_of(rounds.get_round(round_id), current_access(), now(), public=_public())


def _public() -> bool:
    return request.args.get("public") == "1"


def _name(round_id: int, ending: str) -> str:
    version = "-public" if _public() else ""
    return f"decision-pack-{rounds.get_round(round_id).ref}{version}.{ending}"
