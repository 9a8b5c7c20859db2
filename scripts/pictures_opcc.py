"""The pictures of docs/guides/opcc-officer.md: the first quarter of 2025/26 until the Home Office has it. Made up."""

import datetime as dt
import shutil
import subprocess
from pathlib import Path

import openpyxl
from picture_tools import Demo

OFFICER, OPCC_CERTIFIER = "opcc.officer@opcc.example", "certifier@opcc.example"
DORSET_FINANCE, DORSET_CERTIFIER = "finance.officer@dorset.example", "certifier@dorset.example"
POST = "Chief finance officer (section 151)"
DRAFT, SIGNED, CERTIFIED, JOINED = (dt.date(2025, 7, day) for day in (14, 22, 23, 30))
RETURN = "Q1 2025/26 return of"

# What BCP spent and expects, line by line: spent, accruals, forecasts of Q2 to Q4. The first file has three mistakes.
LINES = (
    (9100, 0, 9100, 9100, 9100),
    (9500, 0, 9500, 9500, 9500),
    (6200.40, 1200, 7500, 7600, 7699.60),
    (5100, 0, 6500, 6800, 6857.23),
)
MISTAKES = {"E8": "9,500 (est.)", "I9": None, "F10": 6000}


def take(demo: Demo) -> None:
    demo.sign_in(OFFICER)
    demo.move_to(DRAFT)
    demo.wait_for_work("Check the " + RETURN)
    demo.go("/returns")
    demo.picture("opcc-1-calendar")
    _terms(demo)
    _a_partner_in_excel(demo)
    _dorset(demo)
    _own(demo)
    _area(demo)
    _money(demo)


def _terms(demo: Demo) -> None:
    demo.go("/grants")
    demo.follow("Serious Violence Duty grant")
    demo.picture("opcc-2-terms", heading="The agreement", height=700)


def _a_partner_in_excel(demo: Demo) -> None:
    """BCP says that its return comes as a workbook, and its certifier signs on paper: no account here certifies."""
    demo.move_to(SIGNED)
    demo.sign_in("finance.officer@bcp.example")
    demo.go("/returns")
    with demo.page.expect_navigation():
        demo.page.get_by_role("link", name="Q1 2025/26", exact=True).click()
    demo.follow("Our return comes as a workbook")
    demo.fill(reason="Our ledger is closed to new entries until August")
    demo.press("It comes as a workbook")
    demo.sign_in("administrator@dorset.example")
    demo.go("/people")
    demo.follow("Chief finance officer, BCP")
    demo.follow("End")
    demo.press("End the role")
    demo.sign_in(OFFICER)
    demo.go("/returns?year=2025")
    row = demo.page.locator("main tbody tr", has_text="BCP").filter(has_text="Q1 2025/26")
    with demo.page.expect_navigation():
        row.locator("a", has_text="Partner's workbook").click()
    page = demo.page.url
    form = demo.download("Get the partner")
    _take_in(demo, page, _filled(form, "BCP Q1 2025-26.xlsx", MISTAKES))
    demo.picture("opcc-3-problems", height=900)
    _take_in(demo, page, _filled(form, "BCP Q1 2025-26 put right.xlsx", {}))
    demo.follow("Look at the figures")
    demo.picture("opcc-4-partner", height=900)
    scan = demo.folder / "Signed page.png"
    demo.page.screenshot(path=scan)
    demo.follow("Record the certificate")
    demo.fill(name="Chief finance officer, BCP", post=POST)
    demo.day("signed_on", SIGNED)
    demo.page.set_input_files("#file", scan)
    demo.press("Record the certificate")


def _take_in(demo: Demo, page: str, file: Path) -> None:
    demo.go(page)
    demo.follow("Take in")
    demo.page.set_input_files("#file", file)
    demo.press("Check and take in")


def _filled(form: Path, name: str, mistakes: dict[str, str | int | None]) -> Path:
    """The partner's workbook, filled in and saved by LibreOffice, so that its totals are worked out."""
    book = openpyxl.load_workbook(form)
    sheet = book["Return"]
    for row, amounts in enumerate(LINES, start=7):
        for column, amount in zip("EFHIJ", amounts, strict=True):
            sheet[f"{column}{row}"] = amount
    for cell, value in mistakes.items():
        sheet[cell] = value
    answers = ("No", "Finance officer, BCP", "Chief finance officer, BCP", POST, SIGNED)
    for row, answer in enumerate(answers, start=6):
        book["Certificate"][f"B{row}"] = answer  # type: ignore[assignment]  # a date or text
    typed = form.parent / "typed" / name
    typed.parent.mkdir(exist_ok=True)
    book.save(typed)
    office = shutil.which("soffice")
    if office is None:
        raise LookupError("LibreOffice is not installed")
    command = [office, "--headless", "--convert-to", "xlsx", "--outdir", str(form.parent), str(typed)]
    subprocess.run(command, check=True, capture_output=True, timeout=120)
    return form.parent / name


def _certified(demo: Demo, preparer: str, certifier: str) -> None:
    demo.sign_in(preparer)
    demo.follow("Check the " + RETURN)
    demo.press("Pass to the certifier")
    demo.sign_in(certifier)
    demo.follow("Certify the " + RETURN)
    demo.fill(post=POST)
    demo.press("Certify and seal")


def _sent(demo: Demo, preparer: str) -> None:
    demo.sign_in(preparer)
    demo.follow("Send the " + RETURN)
    demo.follow("Record that it was sent")
    demo.fill(to_whom="Dorset OPCC", how="By e-mail")
    demo.day("sent_on", CERTIFIED)
    demo.press("Record it as sent")


def _dorset(demo: Demo) -> None:
    demo.move_to(CERTIFIED)
    _certified(demo, DORSET_FINANCE, DORSET_CERTIFIER)
    _sent(demo, DORSET_FINANCE)
    demo.sign_in(OFFICER)
    demo.follow(f"Accept or query the {RETURN} Dorset")
    demo.picture("opcc-5-accept", height=900)


def _own(demo: Demo) -> None:
    _certified(demo, OFFICER, OPCC_CERTIFIER)


def _area(demo: Demo) -> None:
    demo.move_to(JOINED)
    demo.sign_in(OFFICER)
    demo.follow("returns of Q1 2025/26 are in")
    demo.picture("opcc-6-join", height=1000)
    demo.press("Join the returns")
    demo.sign_in(OPCC_CERTIFIER)
    demo.follow("Certify the area return")
    demo.follow("Certify this area return")
    demo.picture("opcc-7-certify", height=1000)
    demo.fill(post=POST)
    demo.press("Certify and seal")
    demo.sign_in(OFFICER)
    demo.go("/area-returns")
    demo.follow("Revision 1")
    demo.follow("Record that it was sent")
    receipt = demo.folder / "Receipt of the portal.png"
    demo.page.screenshot(path=receipt)
    demo.fill(to_whom="Home Office", how="Through its grants portal", reference="Receipt (illustrative)")
    demo.day("sent_on", JOINED)
    demo.page.set_input_files("#receipt", receipt)
    demo.press("Record it as sent")


def _money(demo: Demo) -> None:
    demo.go("/area-returns")
    demo.follow("Payments of 2024/25")
    demo.picture("opcc-8-payments")
    demo.go("/returns?year=2024")
    demo.follow("Statement of grant usage, Dorset Community")
    demo.picture("opcc-9-statement", height=1000)
