"""Makes the pictures of the documents from the demonstration, behind the shipped server, in headless Chromium.

    python scripts/pictures.py

Needs Chromium and what ``python -m svd_tracker setup --dev`` installs. Writes docs/pictures/*.png and, for the guide
of the finance officer, docs/guides/pictures/*.png.
"""

import datetime as dt
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from openpyxl import Workbook
from playwright.sync_api import Page, sync_playwright

ROOT = Path(__file__).resolve().parents[1]
PICTURES = ROOT / "docs" / "pictures"
GUIDE = ROOT / "docs" / "guides" / "pictures"
PASSWORD = "demonstration only"
CHROMIUM = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-sync"]
WIDTH, HEIGHT = 1280, 860


def main() -> int:
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None:
        sys.stderr.write("Chromium is not installed\n")
        return 1
    for folder in (PICTURES, GUIDE):
        folder.mkdir(parents=True, exist_ok=True)
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
                _bring_in_a_ledger(page, address, Path(instance) / "BCP ledger Q2.xlsx")
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


def _picture(page: Page, name: str, folder: Path = PICTURES) -> None:
    page.screenshot(path=folder / f"{name}.png")
    sys.stdout.write(f"{(folder / name).relative_to(ROOT)}.png\n")


HEADINGS = ("Posting date", "Period", "Document no", "Document type", "Cost centre", "Cost element", "Vendor name",
            "Text", "Amount in local currency")  # fmt: skip
LINES = (
    (7, 31, "KR", "B620", "NHS Dorset", "Specialist nurse July", "3,126.40"),
    (8, 29, "KR", "B620", "NHS Dorset", "Specialist nurse August", "3,126.40"),
    (9, 30, "KR", "B620", "NHS Dorset", "Specialist nurse September", "3,126.40"),
    (9, 12, "KR", "B630", "Schools prevention partnership", "Mentors in Violence Prevention, 3 schools", "5,410.00"),
    (9, 26, "KG", "B630", "Schools prevention partnership", "Credit: one school cancelled", "610.00-"),
    (9, 19, "KR", "B640", "Alternative education charity", "Level-Up summer term", "6,240.00"),
    (9, 30, "SA", "B610", "", "Coordinator pay July to September", "8,974.20"),
    (9, 23, "SA", "B600", "", "Room hire charged in error", "96.20"),
    (9, 24, "SA", "B600", "", "Room hire charged in error", "96.20-"),
)
RULES = (
    ("Specialist nurse", "B620", "Specialist Nurse"),
    ("Healthy relationships and MVP", "B630", "Healthy Relationships"),
    ("Level-Up", "B640", "Level-Up"),
    ("Duty coordinator", "B610", "Duty coordinator"),
)


def _bcp_ledger(path: Path) -> None:
    """An extract as a finance system gives it: titles above the headings, amounts as text, a total below. Made up."""
    workbook = Workbook()
    sheet = workbook.worksheets[0]
    sheet.append(["Actual cost line items for cost centres (illustrative)"])
    sheet.append([])
    sheet.append(HEADINGS)
    for number, (month, day, kind, centre, vendor, text, amount) in enumerate(LINES, start=1900201):
        document = 1900208 if text.startswith("Room hire") else number
        posted = dt.date(2025, month, day)
        sheet.append([posted, month - 3, document, kind, centre, 430100, vendor, text, amount])
    sheet.append(["Total", *[None] * 7, "29,393.40"])
    workbook.save(path)


def _press(page: Page, words: str = "") -> None:
    """Press the page's button that has these words, or its first one, and wait for what follows."""
    with page.expect_navigation():
        page.locator("main form button", has_text=words).first.click()


def _bring_in_a_ledger(page: Page, address: str, file: Path) -> None:
    """The journey of docs/guides/finance-officer.md, each page of it a picture."""
    _bcp_ledger(file)
    _sign_in(page, address, "finance.officer@bcp.example")
    page.goto(address + "/demo/date")
    for part, value in (("day", "9"), ("month", "10"), ("year", "2025")):
        page.fill(f"#day-{part}", value)
    _press(page, "Move to this day")
    page.goto(address + "/finance")
    page.locator("main tbody a", has_text="2025/26").first.click()
    page.locator("main a", has_text="Bring in the ledger").first.click()
    page.set_input_files("#file", file)
    _picture(page, "1-file", GUIDE)
    _press(page, "Read the file")
    page.get_by_label("Yes, or there is none").check()
    page.get_by_label("Name for this way of reading").fill("BCP cost centre report")
    _picture(page, "2-columns", GUIDE)
    _press(page, "Read the whole file")
    _picture(page, "3-check", GUIDE)
    _press(page, "Take it in")
    holder = page.locator("main a[href*='/queue']").first.get_attribute("href") or ""
    queue = address + holder.split("?")[0]
    rules = queue.replace("/queue", "/rules")
    for number, (title, centre, place) in enumerate(RULES):
        page.goto(rules + "/new")
        page.fill("#title", title)
        page.fill("#cost_centre", centre)
        select = page.locator("select[id^=place-]").first
        value = select.locator("option", has_text=place).first.get_attribute("value")
        select.select_option(value)
        _press(page, "See what it would place")
        if number == 0:
            _picture(page, "4-rule", GUIDE)
        _press(page, "Save the rule")
    page.goto(rules + "/apply")
    _press(page, "")
    page.goto(queue)
    _picture(page, "5-queue", GUIDE)
    for box in page.locator("main tbody input[type=checkbox]").all():
        box.check()
    page.get_by_label("Leave them out").check()
    page.locator("#reason").fill("Charged in error and moved off again")
    _press(page, "Do this")
    year = queue.replace("/queue", "/2025")
    page.goto(year + "/2/control-total")
    page.fill("#pence", "29,393.40")
    page.fill("#source", "Cost centre report of 9 October 2025")
    _press(page, "")
    page.goto(year + "/2/reconciliation")
    _picture(page, "6-reconciled", GUIDE)


if __name__ == "__main__":
    sys.exit(main())
