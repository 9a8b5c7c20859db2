"""Workbooks made when they are asked for: the working copy and the working papers of a return."""

from collections.abc import Callable

from flask import flash, redirect, url_for
from flask.typing import ResponseReturnValue

from svd_tracker.accounts.access import requires
from svd_tracker.accounts.permissions import Permission
from svd_tracker.errors import NotAllowed, Refused
from svd_tracker.finance.blueprint import shut_years
from svd_tracker.returns import papers, queries
from svd_tracker.returns.papers import Paper
from svd_tracker.returns.scopes import bp, of_revision
from svd_tracker.returns.workbook import MEDIA_TYPE
from svd_tracker.web.downloads import file_answer

_SHUT = "A declared interest shuts a line of this return to you, so its workbook cannot be made for you"


@bp.get("/returns/<int:revision_id>/working-copy")
@requires(Permission.VIEW_RETURN, of_revision)
def working_copy(revision_id: int) -> ResponseReturnValue:
    """The workbook without locks, marked as a copy."""
    return _answer(revision_id, papers.working_copy)


@bp.get("/returns/<int:revision_id>/working-papers")
@requires(Permission.VIEW_RETURN, of_revision)
def working_papers(revision_id: int) -> ResponseReturnValue:
    """The workbook with the reconciliations, payees and narratives, for the holder alone."""
    return _answer(revision_id, papers.working_papers)


def _answer(revision_id: int, make: Callable[[int], Paper]) -> ResponseReturnValue:
    obligation = queries.get_revision(revision_id).of.obligation
    if any(fy == obligation.fy for fy, _ in shut_years(obligation.holder_id)):
        raise NotAllowed(_SHUT)
    try:
        paper = make(revision_id)
    except Refused as refused:
        flash(refused.message, "important")
        return redirect(url_for("returns.show", revision_id=revision_id), 303)
    return file_answer(paper.content, paper.name, MEDIA_TYPE)
