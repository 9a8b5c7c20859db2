"""Where a SQLite database may live: a disk of the machine itself, never a network drive, which loses its locks."""

import sys
from pathlib import Path

from sqlalchemy.engine import make_url

_NETWORK = frozenset({"nfs", "nfs4", "cifs", "smb3", "smbfs", "afs", "9p", "fuse.sshfs", "ncpfs", "glusterfs", "ceph"})


class BadStore(RuntimeError):
    """The database cannot be kept there. The message says where it can."""


def check(url: str) -> None:
    """Refuse a SQLite database on a network drive. Raises BadStore; says nothing about other databases."""
    path = sqlite_path(url)
    if path is not None and is_on_network(path):
        raise BadStore(
            f"The database {path} is on a network drive, where SQLite can lose what people save.\n"
            "Put SVD_INSTANCE on a disk of this machine, or use PostgreSQL: "
            "SVD_DATABASE_URL=postgresql+psycopg://user@host/name"
        )


def sqlite_path(url: str) -> Path | None:
    """The file of a SQLite address, None for PostgreSQL and for a database in memory."""
    address = make_url(url)
    if address.get_backend_name() != "sqlite" or not address.database or ":memory:" in address.database:
        return None
    return Path(address.database.removeprefix("file:"))


def is_on_network(path: Path) -> bool:
    """Whether a path lies on a network drive, as far as the system can tell."""
    folder = path.resolve().parent
    if sys.platform == "win32":
        return str(folder).startswith("\\\\") or _windows_drive_is_remote(folder)
    return _mount_kind(folder, Path("/proc/mounts")) in _NETWORK


def _mount_kind(folder: Path, mounts: Path) -> str:
    if not mounts.exists():
        return ""
    best, kind = -1, ""
    for line in mounts.read_text(encoding="utf-8", errors="replace").splitlines():
        fields = line.split(" ")
        if len(fields) < 3:
            continue
        point = Path(fields[1].replace("\\040", " "))
        if (point == folder or point in folder.parents) and len(point.parts) > best:
            best, kind = len(point.parts), fields[2]
    return kind


def _windows_drive_is_remote(folder: Path) -> bool:
    import ctypes

    remote = 4
    kind: int = ctypes.windll.kernel32.GetDriveTypeW(folder.anchor)  # type: ignore[attr-defined,unused-ignore]
    return kind == remote
