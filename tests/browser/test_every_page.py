"""Every page that each role can reach by links is accessible, at a desk and on a phone."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from tests.browser.conftest import Server, Visitor

pytestmark = pytest.mark.browser

ROLES = (
    "administrator@dorset.example",
    "coordinator@dorset.example",
    "finance.officer@dorset.example",
    "certifier@dorset.example",
    "member@dorset.example",
    "opcc.officer@opcc.example",
    "auditor@audit.example",
    "proposer@youth.example",
    "assessor.fire@fire.example",
    "chair@dorset.example",
    "assessor.voluntary@voluntary.example",
    "assessor.schools@schools.example",
)
FILES = re.compile(  # not pages: a browser saves them
    r"\.csv|\.xlsx|\.docx|download|/layout|/file($|\?)|/files/\d+($|\?)|/working-(copy|papers)$|/audit/bundle/|/workbook$"
)
MOST = 200  # pages a role; each kind of page is looked at once


def kind_of(path: str) -> str:
    """A page's kind: its path with the numbers taken out."""
    return "/".join("#" if part.isdigit() else part for part in path.split("?")[0].split("/"))


def paths_on(visitor: Visitor) -> Iterator[str]:
    for href in visitor.page.eval_on_selector_all("a[href]", "links => links.map(link => link.getAttribute('href'))"):
        path = href.split("#")[0]
        if path.startswith("/") and not FILES.search(path):
            yield path


@pytest.mark.parametrize("email", ROLES)
def test_every_kind_of_page_a_role_reaches(visitor: Visitor, email: str) -> None:
    visitor.sign_in(email)
    seen: dict[str, str] = {}
    waiting = ["/"]
    while waiting and len(seen) < MOST:
        path = waiting.pop(0)
        if kind_of(path) in seen:
            continue
        seen[kind_of(path)] = path
        visitor.go(path).look()
        assert "Traceback" not in visitor.text()
        waiting.extend(one for one in paths_on(visitor) if kind_of(one) not in seen)
    assert 3 <= len(seen) < MOST, seen


@pytest.mark.parametrize(
    "email",
    [
        "finance.officer@dorset.example",
        "coordinator@dorset.example",
        "member@dorset.example",
        "assessor.fire@fire.example",
        "assessor.voluntary@voluntary.example",
    ],
)
def test_the_same_on_a_phone(browser: Browser, server: Server, email: str) -> None:
    context = browser.new_context(viewport={"width": 320, "height": 640})
    visitor = Visitor(context, server.address).sign_in(email)
    seen: dict[str, str] = {}
    waiting = ["/"]
    while waiting and len(seen) < MOST:
        path = waiting.pop(0)
        if kind_of(path) in seen:
            continue
        seen[kind_of(path)] = path
        visitor.go(path)
        wide = visitor.page.evaluate("document.documentElement.scrollWidth")
        assert wide <= 320, f"{path} is {wide} px wide"
        waiting.extend(one for one in paths_on(visitor) if kind_of(one) not in seen)
    context.close()


def test_the_pages_for_everybody(visitor: Visitor) -> None:
    for path in ("/sign-in", "/accessibility"):
        visitor.go(path).look()


def test_a_page_that_is_not_there_says_what_to_do(visitor: Visitor) -> None:
    visitor.sign_in("member@dorset.example")
    response = visitor.page.goto(visitor.address + "/nothing-here")
    assert response is not None
    assert response.status == 404
    assert "Page not found" in visitor.page.title()
