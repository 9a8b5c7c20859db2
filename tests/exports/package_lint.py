"""What Excel would repair: content types, relations and parts that do not belong together."""

import io
import posixpath
import re
import zipfile
from xml.etree import ElementTree

from tests.exports.parts import parts

RELATION = "{http://schemas.openxmlformats.org/package/2006/relationships}Relationship"


def lint(data: bytes) -> None:
    """Content types, relations and parts that belong together, as Excel wants them."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert archive.testzip() is None
        names = archive.namelist()
    assert len(names) == len(set(names))
    assert names[0] == "[Content_Types].xml"
    held = parts(data)
    types = ElementTree.fromstring(held["[Content_Types].xml"])
    overrides = {str(node.get("PartName")) for node in types if node.tag.endswith("Override")}
    defaults = {str(node.get("Extension")) for node in types if node.tag.endswith("Default")}
    assert {name.removeprefix("/") for name in overrides} <= set(names)
    reached = {"[Content_Types].xml"}
    for name, text in held.items():
        ElementTree.fromstring(text)
        if not name.endswith(".rels"):
            assert f"/{name}" in overrides or name == "[Content_Types].xml" or name.rsplit(".", 1)[1] in defaults
            continue
        reached.add(name)
        folder = posixpath.dirname(posixpath.dirname(name))
        for relation in ElementTree.fromstring(text).iter(RELATION):
            target = str(relation.get("Target"))
            path = (
                target.removeprefix("/")
                if target.startswith("/")
                else posixpath.normpath(posixpath.join(folder, target))
            )
            assert path in names
            reached.add(path)
    assert reached == set(names)
    for name, text in held.items():
        if name.startswith("xl/worksheets/sheet"):
            rows = [int(number) for number in re.findall(r'<row r="(\d+)"', text)]
            assert rows == sorted(set(rows))
            merges = re.findall(r'<mergeCell ref="([^"]*)"', text)
            assert merges == sorted(set(merges))
            assert all(":" in merge for merge in merges), "Excel repairs a merge of one cell"
            cells = re.findall(r'<c r="([A-Z]+\d+)"', text)
            assert len(cells) == len(set(cells))
    assert 'fullCalcOnLoad="1"' in held["xl/workbook.xml"]
