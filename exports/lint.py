"""What Excel would repair, or a reader stumble over, in a workbook's package: a list of problems in words.

Content types, relations and parts that belong together, and inside the sheets: rows in order, no cell twice, styles
that are there, merges apart, links and defined names that lead somewhere. It knows the parts that our builders make.
"""

import io
import posixpath
import re
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations
from xml.etree import ElementTree

from openpyxl.worksheet.cell_range import CellRange

_RELATIONS = "{http://schemas.openxmlformats.org/package/2006/relationships}Relationship"
_MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
_REL_ID = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"
_TYPES = "[Content_Types].xml"
_SHEET_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml"
_PLACE = re.compile(r"^(?:'((?:[^']|'')+)'|([A-Za-z0-9_.]+))!(\$?[A-Z]{0,3}\$?[0-9]*(?::\$?[A-Z]{0,3}\$?[0-9]*)?)$")
_AREAS = re.compile(r",(?=(?:[^']*'[^']*')*[^']*$)")
_NAME = re.compile(r"^[A-Za-z_\\][A-Za-z0-9_.\\]*$")
_LOOKS_LIKE_A_CELL = re.compile(r"^([A-Za-z]{1,3}[0-9]{1,7}|[rRcC]|[rR][0-9]*[cC][0-9]*)$")
_ROW = re.compile(r'<row r="([0-9]+)"')
_CELL = re.compile(r'<c r="([A-Z]+)([0-9]+)"(?: s="([0-9]+)")?')
_MERGE = re.compile(r'<mergeCell ref="([^"]*)"')
_LINK = re.compile(r"<hyperlink ([^>]*)/>")
_ENTITIES = {"&amp;": "&", "&lt;": "<", "&gt;": ">", "&quot;": '"', "&apos;": "'"}
_LONGEST_TITLE = 31


@dataclass(frozen=True)
class _Package:
    names: list[str]
    text: dict[str, str]
    trees: dict[str, ElementTree.Element]


def lint(content: bytes) -> list[str]:
    """Every problem found in an .xlsx; empty when there is none."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            if (damaged := archive.testzip()) is not None:
                return [f"{damaged} is damaged"]
            names = archive.namelist()
            held = {name: archive.read(name) for name in names}
    except (zipfile.BadZipFile, zlib.error):
        return ["it is no zip package"]
    problems: list[str] = []
    text, trees = {}, {}
    for name, data in held.items():
        try:
            text[name] = data.decode()
            trees[name] = ElementTree.fromstring(data)
        except (UnicodeDecodeError, ElementTree.ParseError) as error:
            problems.append(f"{name} is no XML: {error}")
    if problems:
        return problems
    package = _Package(names, text, trees)
    if _TYPES not in trees or "xl/workbook.xml" not in trees:
        return ["it has no content types or no workbook"]
    return [*_parts(package), *_book(package)]


def _parts(package: _Package) -> Iterator[str]:
    if len(package.names) != len(set(package.names)):
        yield "a part stands in it twice"
    yield from _content_types(package)
    yield from _relations(package)


def _content_types(package: _Package) -> Iterator[str]:
    overrides: dict[str, str] = {}
    defaults = set()
    for node in package.trees[_TYPES]:
        part = str(node.get("PartName", "")).removeprefix("/")
        if node.tag.endswith("Default"):
            defaults.add(str(node.get("Extension")).lower())
        elif part in overrides:
            yield f"{part} has two content types"
        else:
            overrides[part] = str(node.get("ContentType"))
    for part in sorted(overrides.keys() - set(package.names)):
        yield f"a content type is given for {part}, which is not there"
    for name in package.names:
        if name != _TYPES and name not in overrides and name.rsplit(".", 1)[-1].lower() not in defaults:
            yield f"{name} has no content type"
        if name.startswith("xl/worksheets/sheet") and overrides.get(name) != _SHEET_TYPE:
            yield f"{name} is not said to be a sheet"


def _relations(package: _Package) -> Iterator[str]:
    names, reached = set(package.names), {_TYPES}
    for name in package.names:
        if not name.endswith(".rels"):
            continue
        reached.add(name)
        owner = _owner(name)
        if owner and owner not in names:
            yield f"{name} is of {owner}, which is not there"
        for _, target in _targets(package, name):
            if target not in names:
                yield f"{name} leads to {target}, which is not there"
            reached.add(target)
    for name in sorted(names - reached):
        yield f"nothing leads to {name}"


def _owner(rels: str) -> str:
    folder, file = posixpath.split(rels)
    return posixpath.join(posixpath.dirname(folder), file.removesuffix(".rels"))


def _targets(package: _Package, rels: str) -> Iterator[tuple[str, str]]:
    """The relations of a part: id and the part that each leads to. Links out of the workbook are left out."""
    folder = posixpath.dirname(_owner(rels))
    for relation in package.trees[rels].iter(_RELATIONS):
        if relation.get("TargetMode") != "External":
            target = str(relation.get("Target"))
            path = target.removeprefix("/") if target.startswith("/") else posixpath.join(folder, target)
            yield str(relation.get("Id")), posixpath.normpath(path)


def _book(package: _Package) -> Iterator[str]:
    workbook = package.trees["xl/workbook.xml"]
    rels = "xl/_rels/workbook.xml.rels"
    targets = dict(_targets(package, rels)) if rels in package.trees else {}
    titles: dict[str, str] = {}
    ids = set()
    for sheet in workbook.iter(f"{_MAIN}sheet"):
        title, part = str(sheet.get("name")), targets.get(str(sheet.get(_REL_ID)), "")
        if title.casefold() in (each.casefold() for each in titles):
            yield f"two sheets are called {title}"
        if not 0 < len(title) <= _LONGEST_TITLE or re.search(r"[\[\]:*?/\\]", title):
            yield f"no sheet can be called {title!r}"
        if sheet.get("sheetId") in ids:
            yield f"the sheet {title} shares its id"
        ids.add(sheet.get("sheetId"))
        if part not in package.trees:
            yield f"the sheet {title} has no part"
        titles[title] = part
    yield from _names(workbook, titles)
    styles = package.trees.get("xl/styles.xml")
    formats = styles.find(f"{_MAIN}cellXfs") if styles is not None else None
    for title, part in titles.items():
        if part in package.trees:
            yield from (f"{title}: {problem}" for problem in _sheet(package, part, titles, len(formats or ())))


def _names(workbook: ElementTree.Element, titles: dict[str, str]) -> Iterator[str]:
    seen = set()
    for node in workbook.iter(f"{_MAIN}definedName"):
        name, local = str(node.get("name")), node.get("localSheetId")
        if (name.casefold(), local) in seen:
            yield f"the name {name} is given twice"
        seen.add((name.casefold(), local))
        if not _NAME.match(name) or _LOOKS_LIKE_A_CELL.match(name):
            yield f"no cell can be called {name!r}"
        if local is not None and int(local) >= len(titles):
            yield f"the name {name} is of a sheet that is not there"
        if any(not _leads_somewhere(area, titles) for area in _AREAS.split(node.text or "")):
            yield f"the name {name} leads nowhere: {node.text}"


def _leads_somewhere(place: str, titles: dict[str, str]) -> bool:
    match = _PLACE.match(place)
    return match is not None and (match[1] or match[2]).replace("''", "'") in titles and bool(match[3])


def _sheet(package: _Package, part: str, titles: dict[str, str], formats: int) -> Iterator[str]:
    text = package.text[part]
    rows = [int(number) for number in _ROW.findall(text)]
    if rows != sorted(set(rows)):
        yield "its rows are not in order"
    seen = set()
    for column, row, style in _CELL.findall(text):
        if (column, row) in seen:
            yield f"the cell {column}{row} stands in it twice"
        seen.add((column, row))
        if style and int(style) >= formats:
            yield f"the cell {column}{row} has a style that is not there"
    merges = _MERGE.findall(text)
    yield from (f"the merge {merge} is of one cell" for merge in merges if ":" not in merge)
    for one, other in combinations(merges, 2):
        if not CellRange(one).isdisjoint(CellRange(other)):
            yield f"the merges {one} and {other} overlap"
    folder, file = posixpath.split(part)
    rels = f"{folder}/_rels/{file}.rels"
    known = {node.get("Id") for node in package.trees[rels].iter(_RELATIONS)} if rels in package.trees else set()
    wanted = {node.get(_REL_ID) for node in package.trees[part].iter() if node.get(_REL_ID)}
    for missing in sorted(str(each) for each in wanted - known):
        yield f"it asks for the relation {missing}, which is not there"
    for attributes in _LINK.findall(text):
        location = re.search(r'location="([^"]*)"', attributes)
        if location and not _leads_somewhere(_plain(location[1]), titles):
            yield f"a link leads nowhere: {_plain(location[1])}"


def _plain(text: str) -> str:
    for entity, character in _ENTITIES.items():
        text = text.replace(entity, character)
    return text
