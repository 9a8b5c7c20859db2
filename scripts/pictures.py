"""Makes the pictures of the documents from the demonstration, behind the shipped server, in headless Chromium.

    python scripts/pictures.py [coordinator] [assessor] [finance] [certifier] [opcc] [readme]

Needs Chromium, LibreOffice (soffice), poppler's pdftotext and pdftoppm, and what ``python -m svd_tracker setup --dev``
installs. Writes docs/pictures/*.png and, for the guides, docs/guides/pictures/*.png: all of them, or those that are
named.
"""

import datetime as dt
import sys

import pictures_certifier
import pictures_finance
import pictures_opcc
import pictures_rounds
from picture_tools import GUIDE, PICTURES, Demo, browser, demo

DRAFT_DAY = dt.date(2025, 7, 14)


def main(wanted: list[str]) -> int:
    for folder in (PICTURES, GUIDE):
        folder.mkdir(parents=True, exist_ok=True)
    sets = {
        "readme": _readme,
        "coordinator": pictures_rounds.coordinator,
        "assessor": pictures_rounds.assessor,
        "finance": pictures_finance.take,
        "certifier": pictures_certifier.take,
        "opcc": pictures_opcc.take,
    }
    try:
        with browser() as opened:
            for name in wanted or sets:
                with demo(opened) as running:
                    sets[name](running)
    except LookupError as missing:
        sys.stderr.write(f"{missing}\n")
        return 1
    return 0


def _readme(running: Demo) -> None:
    page = running.page
    running.sign_in("member@dorset.example")
    running.go("/plan")
    running.follow("2025/26")
    running.picture("plan", PICTURES)
    running.go("/rounds")
    running.follow("projects 2025/26")
    running.follow("ecisions")
    running.picture("decisions", PICTURES)
    running.sign_in("finance.officer@dorset.example")
    running.move_to(DRAFT_DAY)
    with page.expect_navigation():
        running.wait_for_work("Q1 2025/26 return").click()
    running.picture("return", PICTURES)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
