"""A test browser that reads every page as strictly as HTML5 asks, and that the database holds to reading on a GET."""

import re
import warnings
from typing import Any

import html5lib
from flask import Flask
from sqlalchemy import event, select
from werkzeug.test import TestResponse

from svd_tracker import db as database
from svd_tracker.accounts.models import Person
from svd_tracker.extensions import db


class PageClient:
    """Flask's test client, signed in by e-mail address, with checked pages and counted queries."""

    def __init__(self, app: Flask) -> None:
        self.app = app
        self.http = app.test_client()
        self.queries: list[str] = []

    def sign_in(self, email: str) -> "PageClient":
        person = db.session.scalar(select(Person).where(Person.email == email))
        assert person is not None, f"nobody is called {email}"
        uniquifier = person.fs_uniquifier
        db.session.rollback()
        with self.http.session_transaction() as session:
            session["_user_id"] = uniquifier
            session["_fresh"] = True
        return self

    def sign_out(self) -> "PageClient":
        with self.http.session_transaction() as session:
            session.clear()
        return self

    def get(self, url: str, status: int = 200, **kwargs: Any) -> TestResponse:
        response = self._request("GET", url, **kwargs)
        assert response.status_code == status, _said(response)
        return response

    def post(self, url: str, data: dict[str, Any] | None = None, status: int = 303, **kwargs: Any) -> TestResponse:
        """Send a form. 303 is success and led on; 200 is the page again with its errors."""
        response = self._request("POST", url, data=data or {}, **kwargs)
        assert response.status_code == status, _said(response)
        return response

    def follow(self, response: TestResponse) -> TestResponse:
        return self.get(response.location)

    def _request(self, method: str, url: str, **kwargs: Any) -> TestResponse:
        self.queries = []
        db.session.remove()
        # A request must not see the test's own identity map or application context, so it runs in one of its own.
        engine = db.engine

        def count(_conn: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
            if not statement.startswith(("PRAGMA", "BEGIN", "SET TRANSACTION", "SAVEPOINT", "RELEASE")):
                self.queries.append(statement)

        event.listen(engine, "before_cursor_execute", count)
        try:
            with self.app.app_context():
                response = self.http.open(url, method=method, **kwargs)
        finally:
            event.remove(engine, "before_cursor_execute", count)
            database.begin_writing()
        if response.mimetype == "text/html" and response.status_code != 303:
            check_page(response.get_data(as_text=True), url)
        return response


def check_page(html: str, url: str) -> None:
    """Fail on broken HTML, a missing title or heading, or an id that stands twice."""
    parser = html5lib.HTMLParser(strict=False)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        parser.parse(html)
    errors = [error for error in parser.errors if error[1] not in _TOLERATED]
    assert not errors, f"{url}: {errors[:3]}\n{html}"
    title = re.search(r"<title>(.*?)</title>", html, re.S)
    assert title, f"{url} has no title"
    assert not title[1].strip().startswith(("–", "-")), f"{url} has an empty title"
    assert html.count("<h1") == 1, f"{url} has {html.count('<h1')} main headings"
    ids = re.findall(r'\sid="([^"]+)"', html)
    twice = sorted({name for name in ids if ids.count(name) > 1})
    assert not twice, f"{url} has ids twice: {twice}"


_TOLERATED = frozenset[str]()


def _said(response: TestResponse) -> str:
    text = response.get_data(as_text=True)
    body = re.sub(r"<[^>]+>", " ", text[text.find("<main") :])
    return f"{response.status_code} {response.location or ''} " + re.sub(r"\s+", " ", body)[:1500]
