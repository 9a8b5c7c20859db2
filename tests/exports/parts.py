"""Looking into, and changing, a workbook's package."""

import io
import re
import zipfile


def parts(data: bytes) -> dict[str, str]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: archive.read(name).decode() for name in archive.namelist()}


def part_name(data: bytes, title: str) -> str:
    """The part in which a sheet stands: our builders number them in their order."""
    titles = re.findall(r'<sheet [^>]*name="([^"]*)"', parts(data)["xl/workbook.xml"])
    return f"xl/worksheets/sheet{1 + titles.index(title)}.xml"


def part_of(data: bytes, title: str) -> str:
    return parts(data)[part_name(data, title)]


def replaced(data: bytes, part: str, old: str, new: str) -> bytes:
    """The package with text of one part replaced, which must stand in it."""
    held = parts(data)
    assert old in held[part]
    held[part] = held[part].replace(old, new)
    changed = io.BytesIO()
    with zipfile.ZipFile(changed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in held.items():
            archive.writestr(name, text)
    return changed.getvalue()
