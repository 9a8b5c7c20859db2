"""The pictures of docs/guides/certifier.md: Dorset's first two quarters of 2025/26, all amounts made up."""

import datetime as dt

from picture_tools import Demo, sheet_picture

FINANCE, CERTIFIER = "finance.officer@dorset.example", "certifier@dorset.example"
POST = "Chief finance officer (section 151)"
DRAFT_Q1, CERTIFY_Q1 = dt.date(2025, 7, 14), dt.date(2025, 7, 22)
LEDGER, DRAFT_Q2, CERTIFY_Q2 = dt.date(2025, 10, 10), dt.date(2025, 10, 14), dt.date(2025, 10, 21)

EXTRACT = """Dorset Council: ledger extract for the Serious Violence Duty (illustrative),,,,,,,,,
Posting date,Period,Document no,Document type,Cost centre,Account,Supplier,Narrative,Net amount,Irrecoverable VAT
04/07/2025,202504,SPP-131,INV,CS103,4100,Schools prevention partnership (illustrative),June sessions,"3,150.00",
08/07/2025,202504,PRT-2290,INV,CS190,4300,Printer (illustrative),Leaflets for the summer,184.20,
31/07/2025,202504,PAY-07,PAY,CS101,1001,,Coordinator's pay July,"2,980.00",
31/07/2025,202504,PAY-07N,PAY,CS102,1001,,Nurse's pay July,"2,104.17",
29/08/2025,202505,PAY-08,PAY,CS101,1001,,Coordinator's pay August,"2,980.00",
29/08/2025,202505,PAY-08N,PAY,CS102,1001,,Nurse's pay August,"2,104.17",
12/09/2025,202506,SPP-160,INV,CS103,4100,Schools prevention partnership (illustrative),Sessions of the term,"4,860.00",
19/09/2025,202506,LU-0093,INV,CS104,4100,Alternative education charity (illustrative),Keyworkers,"4,720.00",
24/09/2025,202506,DEV-024,INV,CS105,4200,Software house (illustrative),Second version: in test,"3,150.00",630.00
30/09/2025,202506,PAY-09,PAY,CS101,1001,,Coordinator's pay September,"2,980.00",
30/09/2025,202506,PAY-09N,PAY,CS102,1001,,Nurse's pay September,"2,104.17",
30/09/2025,202506,PAY-Q2H,PAY,CS105,1001,,Officer time July to September,"2,437.54",
"""
RESULTS = ("15", "70", "630", "", "41", "22", "")


def take(demo: Demo) -> None:
    _first_quarter(demo)
    _second_quarter(demo)


def _first_quarter(demo: Demo) -> None:
    demo.sign_in(FINANCE)
    demo.move_to(DRAFT_Q1)
    with demo.page.expect_navigation():
        demo.wait_for_work("Q1 2025/26 return").click()
    demo.press("Pass to the certifier")
    demo.move_to(CERTIFY_Q1)
    demo.sign_in(CERTIFIER)
    demo.go("/deputies")
    demo.picture("certifier-7-deputies", height=700)
    demo.go("/")
    demo.follow("Certify the Q1")
    demo.fill(post=POST)
    demo.press("Certify and seal")
    demo.sign_in(FINANCE)
    demo.follow("Send the Q1")
    demo.follow("Record that it was sent")
    demo.fill(to_whom="Dorset OPCC", how="By e-mail")
    demo.day("sent_on", CERTIFY_Q1)
    demo.press("Record it as sent")


def _second_quarter(demo: Demo) -> None:
    demo.move_to(LEDGER)
    _bring_in_the_ledger(demo)
    demo.move_to(DRAFT_Q2)
    with demo.page.expect_navigation():
        demo.wait_for_work("Q2 2025/26 return").click()
    demo.press("Pass to the certifier")
    demo.move_to(CERTIFY_Q2)
    demo.sign_in(CERTIFIER)
    demo.picture("certifier-1-work", height=520)
    demo.follow("Certify the Q2")
    demo.picture("certifier-2-changes", height=900)
    with demo.page.expect_navigation():
        demo.page.locator("main li", has_text="step in safely").locator("a", has_text="Accept").click()
    demo.fill(reason="The survey is taken once a year, in October: it comes with the third quarter")
    demo.press("Accept")
    demo.sign_in(CERTIFIER)
    demo.follow("Certify the Q2")
    demo.fill(post=POST)
    demo.picture("certifier-3-warnings", heading="Warnings", height=1080)
    demo.press("Certify and seal")
    demo.picture("certifier-4-certified", height=880)
    workbook = demo.download("revision 1")
    sheet_picture(workbook, "Checks", "certifier-5-checks")
    sheet_picture(workbook, "Declaration", "certifier-6-declaration")


def _bring_in_the_ledger(demo: Demo) -> None:
    page = demo.page
    file = demo.folder / "Ledger to 10 October 2025.csv"
    file.write_text(EXTRACT, encoding="utf-8")
    demo.go("/finance")
    page.locator("main tbody a", has_text="2025/26").first.click()
    demo.follow("Bring in the ledger")
    page.set_input_files("#file", file)
    demo.press("Read the file")
    demo.press("Take it in")
    demo.go("/")
    demo.follow("lines wait to be placed")
    demo.follow("It is this one")
    demo.press()
    demo.go("/")
    demo.follow("ledger line")
    for box in page.locator("main tbody input[type=checkbox]").all():
        box.check()
    page.get_by_label("Leave them out").check()
    demo.fill(reason="Paid by the partnership itself: no cost of this grant")
    demo.press("Do this")
    demo.go("/")
    demo.follow("results of Q2")
    for field, result in zip(page.locator("main input[id$=-value]").all(), RESULTS, strict=False):
        field.fill(result)
    demo.press("Save")
