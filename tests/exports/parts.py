"""Looking into, and changing, a workbook's package."""

import io
import zipfile


def parts(data: bytes) -> dict[str, str]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: archive.read(name).decode() for name in archive.namelist()}


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
