"""Files to save from a page."""

from io import BytesIO

from flask import Response, send_file


def csv_answer(content: bytes, name: str) -> Response:
    """A CSV to save under a name; its spaces become hyphens."""
    disposition = f'attachment; filename="{name.replace(" ", "-")}"'
    return Response(content, mimetype="text/csv", headers={"Content-Disposition": disposition})


def file_answer(content: bytes, name: str, media_type: str) -> Response:
    """A file to save under its name, never to be shown inside our pages. What kind it is, we say: not its sender."""
    return send_file(BytesIO(content), mimetype=media_type, as_attachment=True, download_name=name)
