"""The house itself: what must stand where, what the pages of docs promise, and that every test is run by a stage."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

from svd_tracker import bootstrap

pytestmark = pytest.mark.unit

ROOT = Path(__file__).resolve().parents[2]


def test_every_test_module_is_in_a_stage() -> None:
    markers = {marker.split()[0] for _, marker, _ in bootstrap.STAGES} | {"deep"}
    for path in sorted((ROOT / "tests").rglob("test_*.py")):
        source = path.read_text(encoding="utf-8")
        used = set(re.findall(r"pytest\.mark\.([a-z]+)", source))
        assert used & markers, f"{path.relative_to(ROOT)} has no marker of a stage: it would never run"


def test_every_make_target_is_one_plain_python_line() -> None:
    lines = (ROOT / "Makefile").read_text(encoding="utf-8").splitlines()
    commands = [line.strip() for line in lines if line.startswith("\t") and "grep" not in line]
    assert commands
    assert all(re.fullmatch(r"\$\(PYTHON\) -m svd_tracker .+", command) for command in commands)
    targets = re.findall(r"^([a-z]+):.*##", "\n".join(lines), re.M)
    assert len(targets) == len(commands) + 1  # and help


@pytest.mark.parametrize("lock", ["requirements.lock", "requirements-dev.lock"])
def test_locks_are_pinned_by_hash_and_name_no_index(lock: str) -> None:
    text = (ROOT / lock).read_text(encoding="utf-8")
    assert "http" not in text
    assert "index-url" not in text
    packages = re.split(r"\n(?=[a-z0-9])", text)[1:]
    assert packages
    assert all("==" in package and "--hash=sha256:" in package for package in packages)


def test_links_between_documents_lead_somewhere() -> None:
    for path in [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")]:
        for target in re.findall(r"\]\(([^)#]+)\)", path.read_text(encoding="utf-8")):
            if not target.startswith("http"):
                assert (path.parent / target).exists(), f"{path.relative_to(ROOT)} → {target}"


def test_commands_that_documents_name_exist() -> None:
    listed = subprocess.run(
        [sys.executable, "-m", "svd_tracker", "--help"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    commands = set(re.findall(r"^  ([a-z]+) ", listed, re.M)) | set(bootstrap.COMMANDS)
    for path in [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")]:
        named = re.findall(r"(?:^|`)(?:svd|python -m svd_tracker) ([a-z]+)", path.read_text(encoding="utf-8"), re.M)
        assert set(named) <= commands, f"{path.relative_to(ROOT)} names {set(named) - commands}"


def test_nothing_imports_the_views_but_the_application() -> None:
    for path in (ROOT / "svd_tracker").rglob("*.py"):
        if path.stem.endswith("views") or path.name in ("app.py", "cli.py"):
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and node.module:
                assert not node.module.endswith(".views"), f"{path.relative_to(ROOT)} imports {node.module}"


def test_services_and_queries_never_ask_the_clock_or_who_is_signed_in() -> None:
    for path in (ROOT / "svd_tracker").rglob("*.py"):
        if path.stem not in ("services", "queries", "models") and not path.stem.endswith(("_services", "_queries")):
            continue
        source = path.read_text(encoding="utf-8")
        for word in ("current_user", "current_act", "datetime.now", "date.today", "clock."):
            assert word not in source, f"{path.relative_to(ROOT)} uses {word}"


def test_views_neither_select_nor_do_services_commit() -> None:
    for path in (ROOT / "svd_tracker").rglob("*.py"):
        source = path.read_text(encoding="utf-8")
        if path.stem.endswith("views"):
            assert not re.search(r"\bselect\(", source), f"{path.relative_to(ROOT)} selects"
        if path.stem == "services" or path.stem.endswith("_services"):
            assert "session.commit(" not in source, f"{path.relative_to(ROOT)} commits"
