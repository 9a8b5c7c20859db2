"""Files to save from a page."""

from flask import Response


def csv_answer(content: bytes, name: str) -> Response:
    """A CSV to save under a name; its spaces become hyphens."""
    disposition = f'attachment; filename="{name.replace(" ", "-")}"'
    return Response(content, mimetype="text/csv", headers={"Content-Disposition": disposition})
