"""LibreOffice as an independent calculator: convert a workbook, hand back what it says."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

# Left alone, LibreOffice trusts the results stored in a file that it did not write, and calculates nothing.
ALWAYS_RECALCULATE = """<?xml version="1.0" encoding="UTF-8"?>
<oor:items xmlns:oor="http://openoffice.org/2001/registry">
<item oor:path="/org.openoffice.Office.Calc/Formula/Load">
<prop oor:name="OOXMLRecalcMode" oor:op="fuse"><value>0</value></prop></item>
</oor:items>
"""


def find_soffice() -> str:
    """The soffice program. Missing: the test is skipped here and fails in CI."""
    for name in ("soffice", "libreoffice"):
        if found := shutil.which(name):
            return found
    if os.environ.get("CI"):
        pytest.fail("LibreOffice is missing: install libreoffice-calc")
    pytest.skip("LibreOffice is not installed")


def recalculated(workbook: bytes, folder: Path) -> bytes:
    """The workbook as LibreOffice saves it after calculating every formula again. ``folder`` is the test's own."""
    soffice = find_soffice()
    given, made = folder / "given.xlsx", folder / "out"
    given.write_bytes(workbook)
    settings = folder / "profile" / "user" / "registrymodifications.xcu"
    settings.parent.mkdir(parents=True)
    settings.write_text(ALWAYS_RECALCULATE, encoding="utf-8")
    subprocess.run(
        [
            soffice,
            f"-env:UserInstallation={(folder / 'profile').as_uri()}",
            "--headless",
            "--convert-to",
            "xlsx:Calc MS Excel 2007 XML",
            "--outdir",
            str(made),
            str(given),
        ],
        check=True,
        capture_output=True,
        timeout=180,
    )
    return (made / "given.xlsx").read_bytes()
