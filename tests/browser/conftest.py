"""The demonstration behind the shipped server, in a process of its own, and headless Chromium in front of it."""

import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Locator, Page, sync_playwright

from tests.conftest import missing

ROOT = Path(__file__).resolve().parents[2]
PASSWORD = "demonstration only"
CHROMIUM = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
WCAG = {
    "runOnly": {
        "type": "tag",
        "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
    }
}


def environment(instance: Path) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("SVD_")}
    return {**kept, "SVD_ENV": "demo", "SVD_INSTANCE": str(instance), "SVD_SCHEDULE_SECONDS": "1"}


@dataclass
class Server:
    address: str
    instance: Path


def serve(instance: Path) -> Iterator[Server]:
    """Start ``svd demo`` on a free port and stop it at the end."""
    process = subprocess.Popen(
        [sys.executable, "-m", "svd_tracker", "demo", "--port", "0"],
        cwd=ROOT,
        env=environment(instance),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    said: list[str] = []
    assert process.stdout is not None
    try:
        for line in process.stdout:
            said.append(line)
            if "Serving on " in line:
                yield Server(line.split("Serving on ")[1].split()[0].rstrip("/"), instance)
                break
        else:
            pytest.fail("the demonstration did not start:\n" + "".join(said))
    finally:
        process.terminate()
        process.wait(30)
        process.stdout.close()


@pytest.fixture(scope="session")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A loaded demonstration that tests copy before they change it."""
    instance = tmp_path_factory.mktemp("demo")
    subprocess.run(
        [sys.executable, "-m", "svd_tracker", "demo", "--load-only"],
        cwd=ROOT,
        env=environment(instance),
        check=True,
        capture_output=True,
        timeout=120,
    )
    return instance


@pytest.fixture(scope="session")
def server(loaded: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """For tests that only look."""
    instance = tmp_path_factory.mktemp("looking") / "instance"
    shutil.copytree(loaded, instance)
    yield from serve(instance)


@pytest.fixture
def own_server(loaded: Path, tmp_path: Path) -> Iterator[Server]:
    """For a test that changes things."""
    shutil.copytree(loaded, tmp_path / "instance")
    yield from serve(tmp_path / "instance")


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    path = next(
        (found for name in ("chromium", "chromium-browser", "google-chrome") if (found := shutil.which(name))), None
    )
    if path is None:
        missing("Chromium is not installed: apt-get install chromium")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=path, args=list(CHROMIUM))
        yield chromium
        chromium.close()


class Visitor:
    """Somebody at a browser, whose every page must be accessible, whole, and quiet in the console."""

    def __init__(self, context: BrowserContext, address: str, scripts: bool = True) -> None:
        self.address, self.scripts = address, scripts
        self.page: Page = context.new_page()
        self.noise: list[str] = []
        self.page.on("console", self._heard)

    def _heard(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.noise.append(f"{self.page.url}: {message.text}")

    def sign_in(self, email: str) -> "Visitor":
        self.go("/sign-in")
        self.page.fill("#email", email)
        self.page.fill("#password", PASSWORD)
        self.click(self.page.locator("button[name=submit]"))
        assert "/sign-in" not in self.page.url, self.page.inner_text("main")
        return self

    def sign_out(self) -> None:
        self.click(self.page.locator("text=Sign out"))

    def go(self, path: str) -> "Visitor":
        response = self.page.goto(self.address + path)
        assert response is not None
        assert response.status == 200, f"{path}: {response.status}"
        return self

    def click(self, what: Locator) -> None:
        """Click the first of these and wait for the page that it leads to."""
        with self.page.expect_navigation():
            what.first.click()

    def text(self) -> str:
        return self.page.inner_text("main")

    def look(self) -> None:
        """axe finds nothing, nothing is wider than the window, and nothing was said in the console."""
        if self.scripts:
            found: list[dict[str, Any]] = Axe().run(self.page, options=WCAG).response["violations"]
            assert not found, f"{self.page.url}: " + "; ".join(
                f"{one['id']}: {one['help']} {[node['target'] for node in one['nodes']][:3]}" for one in found
            )
            wide = self.page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
            assert wide <= 0, f"{self.page.url} is {wide} px too wide"
        assert not self.noise, self.noise


@pytest.fixture
def visitor(browser: Browser, server: Server) -> Iterator[Visitor]:
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    yield Visitor(context, server.address)
    context.close()


class Cast:
    """Everybody who takes part, each in a browser of their own; and the kinds of page that were looked at."""

    def __init__(self, browser: Browser, server: Server, folder: Path) -> None:
        self.browser, self.address, self.folder = browser, server.address, folder
        self.people: dict[str, Visitor] = {}
        self.seen: set[str] = set()

    def __call__(self, email: str) -> Visitor:
        if email not in self.people:
            context = self.browser.new_context(viewport={"width": 1280, "height": 900}, accept_downloads=True)
            context.set_default_timeout(10_000)
            self.people[email] = Visitor(context, self.address)
        visitor = self.people[email].go("/")
        return visitor.sign_in(email) if "/sign-in" in visitor.page.url else visitor

    def look(self, visitor: Visitor) -> Visitor:
        path = visitor.page.url.removeprefix(self.address).split("?")[0].split("#")[0]
        kind = re.sub(r"\d+", "#", path)
        if kind not in self.seen:
            visitor.look()
            self.seen.add(kind)
        return visitor

    def file(self, name: str, content: bytes) -> Path:
        path = self.folder / name
        path.write_bytes(content)
        return path

    def close(self) -> None:
        for visitor in self.people.values():
            visitor.page.context.close()


@pytest.fixture
def cast(browser: Browser, own_server: Server, tmp_path: Path) -> Iterator[Cast]:
    everybody = Cast(browser, own_server, tmp_path)
    yield everybody
    everybody.close()


def move_to(visitor: Visitor, day: str, month: str, year: str) -> None:
    """Move the demonstration's date."""
    visitor.go("/demo/date")
    for part, value in (("day", day), ("month", month), ("year", year)):
        visitor.page.fill(f"#day-{part}", value)
    visitor.click(visitor.page.locator("text=Move to this day"))


def wait_for(visitor: Visitor, path: str, words: str, seconds: int = 20) -> None:
    """Look at a page again and again until it says something: what a person does while they wait."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if words in visitor.go(path).text():
            return
        time.sleep(0.5)
    pytest.fail(f'{path} never said "{words}":\n{visitor.text()[:3000]}')
