"""Makes the pictures of the documents from the demonstration, behind the shipped server, in headless Chromium.

    python scripts/pictures.py

Needs Chromium and what ``python -m svd_tracker setup --dev`` installs. Writes docs/pictures/*.png.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

ROOT = Path(__file__).resolve().parents[1]
PICTURES = ROOT / "docs" / "pictures"
PASSWORD = "demonstration only"
CHROMIUM = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-sync"]
WIDTH, HEIGHT = 1280, 860


def main() -> int:
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None:
        sys.stderr.write("Chromium is not installed\n")
        return 1
    PICTURES.mkdir(parents=True, exist_ok=True)
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
            with sync_playwright() as playwright:
                browser = playwright.chromium.launch(executable_path=chromium, args=CHROMIUM)
                page = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT})
                _take(page, address)
                browser.close()
        finally:
            server.terminate()
            server.wait(30)
    return 0


def _take(page: Page, address: str) -> None:
    _sign_in(page, address, "member@dorset.example")
    page.goto(address + "/plan")
    page.locator("main a", has_text="2025/26").first.click()
    _picture(page, "plan")
    page.goto(address + "/rounds")
    page.locator("main a", has_text="projects 2025/26").first.click()
    page.locator("main a", has_text="ecisions").first.click()
    _picture(page, "decisions")
    _sign_in(page, address, "finance.officer@dorset.example")
    page.goto(address + "/demo/date")
    page.fill("#day-day", "14")
    page.click("text=Move to this day")
    for _ in range(60):
        page.goto(address + "/")
        link = page.locator("main a", has_text="Q1 2025/26 return")
        if link.count():
            link.first.click()
            break
        page.wait_for_timeout(500)
    _picture(page, "return")


def _sign_in(page: Page, address: str, email: str) -> None:
    page.context.clear_cookies()
    page.goto(address + "/sign-in")
    page.fill("#email", email)
    page.fill("#password", PASSWORD)
    page.click("button[name=submit]")


def _picture(page: Page, name: str) -> None:
    page.screenshot(path=PICTURES / f"{name}.png")
    sys.stdout.write(f"docs/pictures/{name}.png\n")


if __name__ == "__main__":
    sys.exit(main())
