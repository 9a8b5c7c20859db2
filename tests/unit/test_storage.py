"""A SQLite database on a network drive is refused."""

from pathlib import Path

import pytest

from svd_tracker import storage

pytestmark = pytest.mark.unit

MOUNTS = """/dev/sda1 / ext4 rw 0 0
//files/share /mnt/share cifs rw 0 0
server:/export /srv/with\\040space nfs4 rw 0 0
/dev/sdb1 /mnt/share/local ext4 rw 0 0
"""


@pytest.fixture
def mounts(tmp_path: Path) -> Path:
    path = tmp_path / "mounts"
    path.write_text(MOUNTS, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("folder", "kind"),
    [
        ("/var/lib/svd", "ext4"),
        ("/mnt/share", "cifs"),
        ("/mnt/share/svd/instance", "cifs"),
        ("/mnt/share/local/svd", "ext4"),
        ("/srv/with space/svd", "nfs4"),
        ("/mnt/shared", "ext4"),
    ],
)
def test_the_nearest_mount_counts(mounts: Path, folder: str, kind: str) -> None:
    assert storage._mount_kind(Path(folder), mounts) == kind


def test_a_network_drive_is_refused_with_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(storage, "_mount_kind", lambda _folder, _mounts: "nfs4")
    with pytest.raises(storage.BadStore, match="SVD_INSTANCE"):
        storage.check("sqlite:////mnt/share/svd.sqlite3")
    with pytest.raises(storage.BadStore):
        storage.check("sqlite+pysqlite:////mnt/share/svd.sqlite3")
    storage.check("postgresql+psycopg://svd@server/svd")
    storage.check("sqlite:///:memory:")


def test_a_disk_of_the_machine_is_fine(tmp_path: Path) -> None:
    storage.check(f"sqlite:///{tmp_path / 'svd.sqlite3'}")


def test_where_mounts_cannot_be_read_nothing_is_refused(tmp_path: Path) -> None:
    assert storage._mount_kind(tmp_path, tmp_path / "missing") == ""
