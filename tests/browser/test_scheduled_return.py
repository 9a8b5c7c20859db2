"""The Q1 return appears by itself on its day, is checked by one person and certified by another, and opens in Excel."""

import io

import openpyxl
import pytest
from playwright.sync_api import Browser

from tests.browser.conftest import Server, Visitor, move_to, wait_for

pytestmark = pytest.mark.browser

DRAFT_DAY = ("14", "7", "2025")


@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "no scripts"])
def test_from_the_draft_day_to_the_sealed_workbook(browser: Browser, own_server: Server, scripts: bool) -> None:
    context = browser.new_context(
        viewport={"width": 1280, "height": 900}, java_script_enabled=scripts, accept_downloads=True
    )
    visitor = Visitor(context, own_server.address, scripts)
    visitor.sign_in("finance.officer@dorset.example")
    assert "Check the Q1 2025/26 return" not in visitor.go("/").text()
    move_to(visitor, *DRAFT_DAY)
    wait_for(visitor, "/", "Check the Q1 2025/26 return")
    visitor.look()
    visitor.click(visitor.page.locator("main a", has_text="Check the Q1 2025/26 return"))
    assert "Draft" in visitor.text()
    visitor.look()
    visitor.click(visitor.page.locator("main button", has_text="Pass to the certifier"))
    assert "Checked" in visitor.text()
    address = visitor.page.url
    visitor.sign_out()

    visitor.sign_in("certifier@dorset.example")
    assert "Q1 2025/26" in visitor.go("/").text()
    visitor.page.goto(address)
    visitor.click(visitor.page.locator("main a", has_text="Certify"))
    visitor.look()
    visitor.page.fill("#post", "Chief finance officer (section 151)")
    visitor.click(visitor.page.locator("main button", has_text="Certify"))
    assert "Certified" in visitor.text()
    visitor.look()
    with visitor.page.expect_download() as download:
        visitor.page.locator("main a", has_text="revision 1").first.click()
    content = download.value.path().read_bytes()
    book = openpyxl.load_workbook(io.BytesIO(content), data_only=True)
    assert {"Cover", "Return", "Match", "Entries", "Checks"} <= set(book.sheetnames)
    context.close()
