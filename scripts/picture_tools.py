"""What the pictures of the documents are made with: the demonstration behind the shipped server, and a browser."""

import datetime as dt
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, Locator, Page, sync_playwright

ROOT = Path(__file__).resolve().parents[1]
PICTURES = ROOT / "docs" / "pictures"
GUIDE = ROOT / "docs" / "guides" / "pictures"
PASSWORD = "demonstration only"
CHROMIUM = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-sync"]
WIDTH, HEIGHT = 1280, 860
SCHEDULE_WAIT = 120


@contextmanager
def browser() -> Iterator[Browser]:
    """Chromium, headless. LookupError where it is not installed."""
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None:
        raise LookupError("Chromium is not installed")
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=chromium, args=CHROMIUM)
        yield opened
        opened.close()


class Demo:
    """A demonstration of its own, with a page on which somebody is signed in."""

    def __init__(self, page: Page, address: str, folder: Path) -> None:
        self.page, self.address, self.folder = page, address, folder

    def sign_in(self, email: str) -> None:
        self.page.context.clear_cookies()
        self.go("/sign-in")
        self.page.fill("#email", email)
        self.page.fill("#password", PASSWORD)
        with self.page.expect_navigation():
            self.page.click("button[name=submit]")

    def go(self, path: str) -> None:
        self.page.goto(path if path.startswith("http") else self.address + path)

    def move_to(self, day: dt.date) -> None:
        """The demonstration's date, which moves for everybody."""
        self.go("/demo/date")
        self.day("day", day)
        self.press("Move to this day")

    def wait_for_work(self, words: str) -> Locator:
        """The link of the work that the schedule brings about. LookupError where it does not come."""
        for _ in range(SCHEDULE_WAIT):
            self.go("/")
            link = self.page.locator("main a", has_text=words)
            if link.count():
                return link.first
            self.page.wait_for_timeout(1000)
        raise LookupError(f"the schedule brings no work of these words: {words}")

    def follow(self, words: str) -> None:
        """The first link of the page that has these words, and what comes behind it."""
        with self.page.expect_navigation():
            self.page.locator("main a", has_text=words).first.click()

    def press(self, words: str = "") -> None:
        """The page's button that has these words, or its first one, and what comes behind it."""
        with self.page.expect_navigation():
            self.page.locator("main form button", has_text=words).first.click()

    def fill(self, **texts: str) -> None:
        for field, text in texts.items():
            self.page.fill(f"#{field}", text)

    def day(self, field: str, day: dt.date) -> None:
        for part in ("day", "month", "year"):
            self.page.fill(f"#{field}-{part}", str(getattr(day, part)))

    def download(self, words: str) -> Path:
        """What the first link with these words downloads."""
        with self.page.expect_download() as coming:
            self.page.locator("main a", has_text=words).first.click()
        path = self.folder / coming.value.suggested_filename
        coming.value.save_as(path)
        return path

    def picture(
        self, name: str, folder: Path = GUIDE, heading: str = "", height: int = HEIGHT, width: int = WIDTH
    ) -> None:
        """What a window of this size shows, from its top or from the heading that has these words."""
        self.page.set_viewport_size({"width": width, "height": height})
        above = 0
        if heading:
            headings = self.page.locator("main :is(h1, h2, h3, caption, .govuk-caption-l)", has_text=heading)
            box = headings.first.bounding_box()
            above = int(box["y"] if box else 0) + self.page.evaluate("window.scrollY") - 12
        self.page.evaluate("above => window.scrollTo(0, above)", above)
        self.page.screenshot(path=folder / f"{name}.png")
        self.page.evaluate("window.scrollTo(0, 0)")
        told(folder / f"{name}.png")


def told(path: Path) -> None:
    sys.stdout.write(f"{path.relative_to(ROOT)}\n")
    sys.stdout.flush()


def sheet_picture(workbook: Path, sheet: str, name: str) -> None:
    """The first page of a sheet as LibreOffice prints it. LookupError where that or poppler's tools are missing."""
    office, text_of, picture_of = (shutil.which(each) for each in ("soffice", "pdftotext", "pdftoppm"))
    if not (office and text_of and picture_of):
        raise LookupError("LibreOffice and poppler's pdftotext and pdftoppm make the pictures of workbooks")
    printed = workbook.with_suffix(".pdf")
    if not printed.exists():
        command = [office, "--headless", "--convert-to", "pdf", "--outdir", str(workbook.parent), str(workbook)]
        subprocess.run(command, check=True, capture_output=True, timeout=120)
    pages = subprocess.run([text_of, printed, "-"], check=True, capture_output=True, text=True).stdout.split("\f")
    page = str(next(number for number, text in enumerate(pages, start=1) if text.lstrip().startswith(sheet)))
    target = GUIDE / name
    subprocess.run([picture_of, "-r", "90", "-f", page, "-l", page, "-singlefile", "-png", printed, target], check=True)
    told(target.with_suffix(".png"))


@contextmanager
def demo(opened: Browser) -> Iterator[Demo]:
    """The demonstration as it is on its first day, on a port of its own; gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="svd-pictures-") as instance:
        environment = {**os.environ, "SVD_ENV": "demo", "SVD_INSTANCE": instance, "SVD_SCHEDULE_SECONDS": "1"}
        server = subprocess.Popen(
            [sys.executable, "-m", "svd_tracker", "demo", "--port", "0"],
            cwd=ROOT,
            env=environment,
            stdout=subprocess.PIPE,
            text=True,
        )
        try:
            address = next(line for line in server.stdout or () if "Serving on" in line).split()[2].rstrip("/")
            page = opened.new_page(viewport={"width": WIDTH, "height": HEIGHT})
            yield Demo(page, address, Path(instance))
            page.close()
        finally:
            server.terminate()
            server.wait(30)
