"""A year of returns in a browser: four quarters, a late invoice, a query, a partner on Excel, a provisional, a final.

Preparer, certifier, her deputy, the OPCC's officer, the PCC's certifier and the auditor each see their own pages. Each
kind of page on the way is looked at once, with axe.
"""

import io
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import openpyxl
import pytest
from playwright.sync_api import Browser, Locator

from tests.browser.conftest import Cast, Server, Visitor, move_to, wait_for
from tests.support.partner import Changes, edited

pytestmark = pytest.mark.browser

PARTNER = "finance.officer@bcp.example"
PREPARER, CERTIFIER = "finance.officer@dorset.example", "certifier@dorset.example"
DEPUTY = "deputy.certifier@dorset.example"
OFFICER, PCCS_CERTIFIER = "opcc.officer@opcc.example", "certifier@opcc.example"
AUDITOR, ADMINISTRATOR = "auditor@audit.example", "administrator@dorset.example"
FILLED: Changes = {
    "Return": {
        f"{column}{row}": value
        for row, values in enumerate(
            (
                (8974.20, 0, 9100, 9100, 9225.80),
                (9380, 0, 9500, 9500, 9620),
                (6912.50, 0, 7250, 7250, 7587.50),
                (5020, 0, 6500, 6750, 6987.23),
            ),
            7,
        )
        for column, value in zip("EFHIJ", values, strict=True)
    },
    "Certificate": {
        "B6": "No",
        "B7": "Finance officer, BCP",
        "B8": "Chief finance officer, BCP",
        "B9": "Section 151 officer",
        "B10": "22/07/2025",
    },
}
PLANTED = {  # no amount, no forecast, and a spare line whose category (C11) is not chosen
    "E8": "about 9,380",
    "H9": None,
    **dict(
        zip(("B11", "D11", "E11", "F11", "H11", "I11", "J11"), ("Street pastors", 900, 0, 0, 0, 0, 900), strict=True)
    ),
}


def follow(visitor: Visitor, words: str) -> None:
    visitor.click(visitor.page.locator("main a", has_text=words))


def press(visitor: Visitor, words: str) -> None:
    visitor.click(visitor.page.locator("main button", has_text=words))


def fill_date(visitor: Visitor, name: str, day: str) -> None:
    for part, value in zip(("day", "month", "year"), day.split(), strict=True):
        visitor.page.fill(f"#{name}-{part}", value)


def download(visitor: Visitor, link: Locator) -> bytes:
    with visitor.page.expect_download() as saved:
        link.first.click()
    return saved.value.path().read_bytes()


def path_of(visitor: Visitor) -> str:
    return visitor.page.url.removeprefix(visitor.address).split("#")[0]


def drafted(cast: Cast, email: str, day: str, period: str) -> str:
    """Move to the day; the schedule drafts the return by itself. Its page."""
    visitor = cast(email)
    move_to(visitor, *day.split())
    wait_for(visitor, "/", f"Check the {period} return")
    visitor.go("/returns")
    visitor.click(visitor.page.get_by_role("link", name=period, exact=True))
    cast.look(visitor)
    return path_of(visitor)


def post(cast: Cast, title: str, kind: str, day: str, document: str, amount: str) -> str:
    """Post an entry to a funding of Dorset's, and what the page says then."""
    visitor = cast(PREPARER).go("/finance/1/2025")
    visitor.click(visitor.page.locator("main a[href^='/fundings/']", has_text=title))
    follow(visitor, "Post an entry")
    visitor.page.get_by_label(kind).check()
    fill_date(visitor, "spent_on", day)
    visitor.page.fill("#document", document)
    visitor.page.fill("#amount", amount)
    press(visitor, "Post")
    assert "Posted: " in visitor.text(), visitor.text()
    return visitor.text()


def pass_on(cast: Cast, email: str, address: str, nil: bool = False) -> None:
    visitor = cast(email).go(address)
    if nil:
        visitor.page.get_by_label("This is a nil return").check()
    press(visitor, "Pass to the certifier")
    assert "Checked" in visitor.text()


def certify(cast: Cast, email: str, address: str) -> Visitor:
    """A certifier finds the return on the first page, reads the page for certifying, and certifies."""
    visitor = cast(email)
    visitor.click(visitor.page.locator(f"main a[href='{address}/certify']"))
    cast.look(visitor)
    visitor.page.fill("#post", "Chief finance officer (section 151)")
    press(visitor, "Certify and seal")
    assert "The return is certified" in visitor.text()
    return visitor


def send(cast: Cast, visitor: Visitor) -> None:
    follow(visitor, "Record that it was sent")
    cast.look(visitor)
    visitor.page.fill("#how", "By e-mail")
    press(visitor, "Record it as sent")
    assert "recorded as sent" in visitor.text()


def accept(cast: Cast, address: str) -> None:
    visitor = cast(OFFICER).go(address)
    follow(visitor, "Accept the return")
    cast.look(visitor)
    press(visitor, "Accept the return")
    assert "The return is accepted" in visitor.text()


def through(cast: Cast, address: str) -> None:
    """A return of Dorset's from its draft to the OPCC's yes."""
    pass_on(cast, PREPARER, address)
    send(cast, certify(cast, CERTIFIER, address))
    accept(cast, address)


def explain(cast: Cast, address: str, reason: str) -> None:
    visitor = cast(PREPARER).go(address)
    follow(visitor, "Say why")
    cast.look(visitor)
    for box in visitor.page.locator("main textarea").all():
        box.fill(reason)
    press(visitor, "Keep the reasons")
    assert reason in visitor.text()


def partner_on_excel(cast: Cast) -> str:
    """BCP's workbook: three errors named on the page and in the marked copy; then right, signed, and certified."""
    partner = cast(PARTNER).go("/returns")
    partner.click(partner.page.get_by_role("link", name="Q1 2025/26", exact=True))
    follow(partner, "Our return comes as a workbook")
    cast.look(partner)
    partner.page.fill("#reason", "Our ledger is closed to new entries until August")
    press(partner, "It comes as a workbook")
    administrator = cast(ADMINISTRATOR).go("/people")  # BCP's certifier signs on paper: no account here certifies
    for words in ("Chief finance officer, BCP", "End"):
        follow(administrator, words)
    press(administrator, "End the role")
    officer = cast(OFFICER).go("/returns")
    officer.click(officer.page.locator("main tr", has_text="BCP").locator("a", has_text="Partner's workbook"))
    cast.look(officer)
    form = download(officer, officer.page.locator("main a", has_text="Get the partner's workbook"))

    follow(officer, "Take in the filled workbook")
    cast.look(officer)
    wrong: Changes = {**FILLED, "Return": {**FILLED["Return"], **PLANTED}}
    officer.page.set_input_files("#file", cast.file("BCP.xlsx", edited(form, wrong)))
    press(officer, "Check and take in")
    cast.look(officer)
    named = officer.page.locator("main tr", has_text="Put right").all_inner_texts()
    assert [re.findall(r"Return!(\w+)", row) for row in named] == [["E8"], ["H9"], ["C11"]], named
    copy = download(officer, officer.page.locator("main a", has_text="Get the marked copy"))
    marked = openpyxl.load_workbook(io.BytesIO(copy))
    listed = [(str(row[1]), str(row[2])) for row in marked.worksheets[0].values if row[0] == "Put right"]
    assert listed == [("Return", "E8"), ("Return", "H9"), ("Return", "C11")]
    assert all(marked["Return"][cell].comment for _, cell in listed)

    follow(officer, "Take in another workbook")
    officer.page.set_input_files("#file", cast.file("BCP right.xlsx", edited(form, FILLED)))
    press(officer, "Check and take in")
    assert "This workbook is taken in" in officer.text()
    follow(officer, "Look at the figures")
    assert "£30,286.70" in officer.text()
    follow(officer, "Record the certificate")
    cast.look(officer)
    assert officer.page.input_value("#name") == "Chief finance officer, BCP"
    officer.page.set_input_files("#file", cast.file("signed.png", officer.page.screenshot()))
    press(officer, "Record the certificate")
    assert "The certificate is recorded" in officer.text()
    follow(officer, "See the return")
    return path_of(officer)


def queried(cast: Cast, address: str) -> str:
    """The OPCC asks; the next revision says what changed and why, and the deputy certifies it in August."""
    officer = cast(OFFICER).go(address)
    follow(officer, "Query it")
    cast.look(officer)
    officer.page.fill("main textarea", "Is the agency's credit for June in it?")
    press(officer, "Query the return")
    assert "Queried" in officer.text()

    move_to(officer, "28", "7", "2025")
    post(cast, "Serious Violence Duty coordinator", "Actual", "13 6 2025", "CN-AG-2207", "-480.00")
    preparer = cast(PREPARER)
    follow(preparer, "again: the OPCC queried it")
    cast.look(preparer)
    assert "Is the agency's credit for June in it?" in preparer.text()
    following = path_of(preparer)
    assert following != address
    press(preparer, "Build the draft")
    assert "£8,955.45 → £8,475.45" in preparer.text()
    assert not preparer.page.get_by_role("button", name="Pass to the certifier").count()
    explain(cast, following, "The agency's credit for June came in July")
    follow(preparer, "Every figure, as it was and as it is")
    cast.look(preparer)
    pass_on(cast, PREPARER, following)
    deputy = certify(cast, DEPUTY, following)
    assert "for Chief finance officer, Dorset" in deputy.text()
    send(cast, deputy)
    accept(cast, following)
    return following


def joined(cast: Cast) -> None:
    """Joined by the OPCC's officer, certified by somebody else, sent to the Home Office, paid."""
    officer = cast(OFFICER)
    follow(officer, "3 of 3 returns of Q1 2025/26 are in")
    cast.look(officer)
    press(officer, "Join the returns")
    cast.look(officer)
    address = path_of(officer)
    assert "£65,120.55" in officer.text()

    certifier = cast(PCCS_CERTIFIER).go(address)
    follow(certifier, "Certify")
    cast.look(certifier)
    certifier.page.fill("#post", "Chief finance officer")
    press(certifier, "Certify and seal")

    officer.go(address)
    follow(officer, "sent")
    cast.look(officer)
    officer.page.fill("#how", "Through its grants portal")
    officer.page.set_input_files("#receipt", cast.file("receipt.png", officer.page.screenshot()))
    press(officer, "Record it as sent")
    assert "Sent to Home Office on 28 July 2025" in officer.text()

    officer.go("/returns")
    follow(officer, "Payments of 2025/26")
    cast.look(officer)
    follow(officer, "Record a payment")
    cast.look(officer)
    officer.page.get_by_label("Who was paid").select_option("Dorset OPCC, by the Home Office")
    officer.page.get_by_label("Which return it pays for").select_option("Q1 2025/26")
    officer.page.get_by_label("Amount").fill("65,120.55")
    fill_date(officer, "paid_on", "28 7 2025")
    officer.page.get_by_label("Reference").fill("BACS 1")
    press(officer, "Record the payment")
    assert "£65,120.55 paid" in officer.text()


def ledger_settled(cast: Cast) -> None:
    """The two lines of July: one is the invoice of June's accrual, the other is somebody else's cost."""
    preparer = cast(PREPARER).go("/finance/1/queue")
    follow(preparer, "It is this one")
    press(preparer, "Settle it")
    preparer.go("/finance/1/queue")
    preparer.page.get_by_label("Choose PRT-2290").check()
    preparer.page.get_by_label("Leave them out").check()
    preparer.page.fill("#reason", "Communications pays for the leaflets")
    press(preparer, "Do this with the chosen lines")
    assert "left out" in preparer.text()


def traced(cast: Cast, address: str) -> None:
    """From the adjustment to the late invoice behind it, and from the invoice back to the return."""
    auditor = cast(AUDITOR).go(address)
    auditor.click(auditor.page.locator("main a[href*='code=adjustment&']", has_text="£640.25"))
    cast.look(auditor)
    assert "NHS-LATE" in auditor.text()
    figure = path_of(auditor)
    auditor.click(auditor.page.locator("main a[href*='/entries/']"))
    cast.look(auditor)
    assert "£640.25" in auditor.text()
    auditor.click(auditor.page.locator(f"main a[href='{figure}']"))


def audited(cast: Cast) -> None:
    """The year's bundle is proved by the script that it carries, without this application; a changed byte is found."""
    auditor = cast(AUDITOR).go("/audit/bundles")
    cast.look(auditor)
    row = auditor.page.locator("main tr", has_text="2025/26").filter(has_text="Serious Violence Duty")
    with zipfile.ZipFile(io.BytesIO(download(auditor, row.locator("a")))) as bundle:
        bundle.extractall(cast.folder / "bundle")
    assert proved(cast.folder / "bundle").returncode == 0, proved(cast.folder / "bundle").stdout
    entries = cast.folder / "bundle" / "ledger" / "entries.csv"
    entries.write_bytes(entries.read_bytes().replace(b"NHS-LATE", b"NHS-MADE-UP"))
    assert proved(cast.folder / "bundle").returncode != 0


def proved(folder: Path) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-I", "verify.py"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=30)


def test_a_year_of_returns(cast: Cast) -> None:
    own = drafted(cast, OFFICER, "14 7 2025", "Q1 2025/26")
    first = drafted(cast, PREPARER, "22 7 2025", "Q1 2025/26")
    accept(cast, partner_on_excel(cast))
    pass_on(cast, OFFICER, own)
    certify(cast, PCCS_CERTIFIER, own)  # the OPCC's own is with the OPCC from then on
    pass_on(cast, PREPARER, first)
    send(cast, certify(cast, CERTIFIER, first))
    queried(cast, first)
    joined(cast)

    said = post(cast, "Specialist Nurse", "Actual", "20 6 2025", "NHS-LATE", "640.25")
    assert "it shows as an adjustment in the next return" in said
    nil = drafted(cast, OFFICER, "14 10 2025", "Q2 2025/26")
    pass_on(cast, OFFICER, nil, nil=True)
    assert "Nil return" in certify(cast, PCCS_CERTIFIER, nil).text()
    ledger_settled(cast)
    post(cast, "Healthy Relationships", "Actual", "15 9 2025", "SPP-140", "2,500.00")
    second = drafted(cast, PREPARER, "15 10 2025", "Q2 2025/26")
    press(cast(PREPARER).go(second), "Build again")
    assert "Adjustments to earlier quarters" in cast(PREPARER).go(second).text()
    through(cast, second)
    traced(cast, second)

    move_to(cast(PREPARER), "31", "12", "2025")
    post(cast, "Level-Up Project", "Accrual", "31 12 2025", "ACC-12-01", "4,500.00")
    third = drafted(cast, PREPARER, "15 1 2026", "Q3 2025/26")
    preparer = cast(PREPARER).go(third)
    unproved = preparer.page.locator("main li", has_text="has no file that shows")
    preparer.click(unproved.locator("a", has_text="Accept with a reason"))
    cast.look(preparer)
    preparer.page.fill("main textarea", "The school's order is on paper only")
    press(preparer, "Accept the warning")
    assert "The school's order is on paper only" in preparer.text()
    through(cast, third)

    move_to(cast(PREPARER), "31", "3", "2026")
    post(cast, "Level-Up Project", "Actual", "20 3 2026", "LU-0099", "4,810.00")
    provisional = drafted(cast, PREPARER, "9 4 2026", "Provisional 2025/26")
    through(cast, provisional)
    move_to(cast(PREPARER), "1", "5", "2026")
    post(cast, "Specialist Nurse", "Actual", "27 3 2026", "NHS-MARCH", "310.10")
    final = drafted(cast, PREPARER, "15 5 2026", "Final 2025/26")
    assert "has no result for Q2 2025/26" in cast(PREPARER).go(final).text()
    explain(cast, final, "The last quarter is now what was spent, with the nurse's March invoice")
    through(cast, final)
    spent = cast(CERTIFIER).go(final).page.locator(".app-figures").inner_text()
    statement = cast(CERTIFIER).go("/returns")
    follow(statement, "Statement of grant usage")
    cast.look(statement)
    total = statement.page.locator("main tr", has_text="Total").last.locator("td").nth(1).inner_text()
    assert total in spent
    assert "Chief internal auditor" in statement.text()
    audited(cast)


def test_certified_sent_and_accepted_without_scripts(browser: Browser, own_server: Server) -> None:
    context = browser.new_context(java_script_enabled=False)
    visitor = Visitor(context, own_server.address, scripts=False).sign_in(PREPARER)
    move_to(visitor, "14", "7", "2025")
    wait_for(visitor, "/", "Check the Q1 2025/26 return")
    follow(visitor, "Check the Q1 2025/26 return")
    address = path_of(visitor)
    press(visitor, "Pass to the certifier")
    visitor.sign_out()

    visitor.sign_in(CERTIFIER)
    follow(visitor, "Certify the Q1 2025/26 return")
    press(visitor, "Certify and seal")
    assert "There is a problem" in visitor.text()
    visitor.page.fill("#post", "Chief finance officer (section 151)")
    press(visitor, "Certify and seal")
    follow(visitor, "Record that it was sent")
    visitor.page.fill("#how", "By e-mail")
    press(visitor, "Record it as sent")
    visitor.sign_out()

    visitor.sign_in(OFFICER)
    visitor.go(address)
    follow(visitor, "Accept the return")
    press(visitor, "Accept the return")
    assert "The return is accepted" in visitor.text()
    visitor.look()
    context.close()
