"""The pictures of docs/guides/finance-officer.md: a ledger of BCP's second quarter, until the quarter reconciles."""

import datetime as dt
from pathlib import Path

from openpyxl import Workbook
from picture_tools import Demo

DAY = dt.date(2025, 10, 9)
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


def take(demo: Demo) -> None:
    page = demo.page
    file = demo.folder / "BCP ledger Q2.xlsx"
    _bcp_ledger(file)
    demo.sign_in("finance.officer@bcp.example")
    demo.move_to(DAY)
    demo.go("/finance")
    page.locator("main tbody a", has_text="2025/26").first.click()
    page.locator("main a", has_text="Bring in the ledger").first.click()
    page.set_input_files("#file", file)
    demo.picture("1-file")
    demo.press("Read the file")
    page.get_by_label("Yes, or there is none").check()
    page.get_by_label("Name for this way of reading").fill("BCP cost centre report")
    demo.picture("2-columns")
    demo.press("Read the whole file")
    demo.picture("3-check")
    demo.press("Take it in")
    holder = page.locator("main a[href*='/queue']").first.get_attribute("href") or ""
    queue = holder.split("?")[0]
    rules = queue.replace("/queue", "/rules")
    for number, (title, centre, place) in enumerate(RULES):
        demo.go(rules + "/new")
        demo.fill(title=title, cost_centre=centre)
        select = page.locator("select[id^=place-]").first
        value = select.locator("option", has_text=place).first.get_attribute("value")
        select.select_option(value)
        demo.press("See what it would place")
        if number == 0:
            demo.picture("4-rule")
        demo.press("Save the rule")
    demo.go(rules + "/apply")
    demo.press()
    demo.go(queue)
    demo.picture("5-queue")
    for box in page.locator("main tbody input[type=checkbox]").all():
        box.check()
    page.get_by_label("Leave them out").check()
    demo.fill(reason="Charged in error and moved off again")
    demo.press("Do this")
    year = queue.replace("/queue", "/2025")
    demo.go(year + "/2/control-total")
    demo.fill(pence="29,393.40", source="Cost centre report of 9 October 2025")
    demo.press()
    demo.go(year + "/2/reconciliation")
    demo.picture("6-reconciled")
