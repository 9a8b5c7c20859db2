"""A finance officer brings in the ledgers of three finance systems: columns, check, taken in, withdrawn."""

from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.browser.conftest import Server, Visitor
from tests.support.extracts import agresso_like, integra_like, sap_like

pytestmark = pytest.mark.browser

OFFICER = "finance.officer@dorset.example"
EXTRACTS = {"sap june.xlsx": sap_like, "agresso june.csv": agresso_like, "integra june.txt": integra_like}


def open_upload_page(visitor: Visitor) -> None:
    visitor.go("/finance")
    visitor.click(visitor.page.locator("main tbody a", has_text="2025/26"))
    visitor.click(visitor.page.locator("main a", has_text="Bring in the ledger"))


def send(visitor: Visitor, file: Path) -> None:
    visitor.page.set_input_files("#file", file)
    visitor.click(visitor.page.locator("main button", has_text="Read the file"))


def bring_in(visitor: Visitor, file: Path) -> None:
    """Every page on the way is looked at; nothing is known but the file and what the pages say."""
    open_upload_page(visitor)
    visitor.look()
    send(visitor, file)
    assert "Which column is what?" in visitor.text()
    visitor.look()
    visitor.click(visitor.page.locator("button[name=save]"))
    assert "There is a problem" in visitor.text()
    visitor.look()
    visitor.page.get_by_label("Yes, or there is none").check()
    visitor.click(visitor.page.locator("button[name=show]"))
    assert "The first lines, as they will be understood" in visitor.text()
    assert "Specialist nurse" in visitor.text()
    visitor.page.get_by_label("Name for this way of reading").fill(file.stem)
    visitor.click(visitor.page.locator("button[name=save]"))
    assert "It can be taken in" in visitor.text()
    assert visitor.page.locator("#covers_to option:checked").inner_text() == "June 2025"
    visitor.look()
    visitor.click(visitor.page.locator("main button", has_text="Take it in"))
    assert "new lines are in the ledger" in visitor.text()
    visitor.look()


@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "no scripts"])
def test_three_ledgers_are_brought_in(browser: Browser, own_server: Server, tmp_path: Path, scripts: bool) -> None:
    context = browser.new_context(viewport={"width": 1280, "height": 900}, java_script_enabled=scripts)
    visitor = Visitor(context, own_server.address, scripts).sign_in(OFFICER)
    for name, content in EXTRACTS.items():
        file = tmp_path / name
        file.write_bytes(content())
        bring_in(visitor, file)
    open_upload_page(visitor)
    visitor.look()
    for name in EXTRACTS:
        assert name in visitor.text()
    assert "No ledger loaded" not in visitor.text()

    longer = tmp_path / "sap july.xlsx"
    longer.write_bytes(sap_like([(None, None, 5100099, "SA", "D4410", 101000, None, "Posted by nobody", "1.00")]))
    send(visitor, longer)  # its headings are known: no question is asked
    assert "It cannot be taken in" in visitor.text()
    assert "What to do next" in visitor.text()
    visitor.look()
    with visitor.page.expect_download() as download:
        visitor.page.locator("main a", has_text="Download the marked copy").click()
    assert download.value.suggested_filename == "sap july marked.xlsx"

    dropped = tmp_path / "agresso july.csv"
    rows = agresso_like().split(b"\r\n")
    dropped.write_bytes(b"\r\n".join([*rows[:4], *rows[5:]]))
    open_upload_page(visitor)
    send(visitor, dropped)
    assert "Nothing in it is new" in visitor.text()
    visitor.click(visitor.page.locator("main button", has_text="Take it in"))
    visitor.click(visitor.page.locator("main a", has_text="Lines that earlier files had"))
    assert "1 line of earlier files is not in this one" in visitor.text()
    visitor.look()

    open_upload_page(visitor)
    visitor.click(visitor.page.locator("main a", has_text="integra june.txt"))
    visitor.click(visitor.page.locator("main a", has_text="Withdraw this file"))
    visitor.look()
    visitor.page.get_by_label("Why is it withdrawn?").fill("It was the wrong cost centre")
    visitor.click(visitor.page.locator("main button", has_text="Withdraw the file"))
    assert "It was withdrawn" in visitor.text()
    visitor.look()
    context.close()


def test_on_a_phone(browser: Browser, own_server: Server, tmp_path: Path) -> None:
    context = browser.new_context(viewport={"width": 320, "height": 640})
    visitor = Visitor(context, own_server.address).sign_in(OFFICER)
    file = tmp_path / "a file whose name somebody made long and without_any_space_from_the_middle_of_it_on.csv"
    file.write_bytes(agresso_like())
    bring_in(visitor, file)  # look() measures the width
    context.close()
