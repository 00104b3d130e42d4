"""What lies on the controller's disk: contents go with the save that forgets them."""

from __future__ import annotations

import hashlib
import threading
from pathlib import Path

import pytest
from winlab.host.files import FileSystem
from winlab.host.model import Host
from winlab.host.registry import Registry

from winlab import lab

SECRET = b"connection string with a password"


@pytest.fixture
def host(tmp_path: Path) -> Host:
    host = Host("win01", {}, tmp_path / "hosts" / "win01")
    host.files.write_bytes("C:\\secret.config", SECRET)
    host.save()
    return host


def blob(folder: Path) -> Path:
    return folder / "blobs" / hashlib.sha256(SECRET).hexdigest()


@pytest.mark.parametrize("way", ["replaced", "deleted"])
def test_a_content_that_no_file_has_any_more_goes_when_the_host_is_saved(host: Host, way: str) -> None:
    if way == "replaced":
        host.files.write_bytes("C:\\secret.config", b"nothing to see")
    else:
        host.files.delete("C:\\secret.config")
    assert blob(host.state_dir).exists()  # the state on disk still refers to it
    host.save()
    assert not blob(host.state_dir).exists()


def test_a_snapshot_keeps_contents_that_the_host_has_lost(host: Host, tmp_path: Path) -> None:
    folder = lab.StateFolder(tmp_path)
    lab.save_snapshot(folder, "before", ["win01"])
    host.files.delete("C:\\secret.config")
    host.save()
    assert not blob(host.state_dir).exists()
    lab.restore_snapshot(folder, "before", ["win01"])
    again = Host("win01", {}, tmp_path / "hosts" / "win01")
    assert again.load()
    assert again.files.read_bytes("C:\\secret.config") == SECRET


def test_loading_removes_what_a_killed_process_has_left(host: Host) -> None:
    blobs = host.state_dir / "blobs"
    (blobs / hashlib.sha256(b"orphan").hexdigest()).write_bytes(b"orphan")
    (blobs / ".upload-half").write_bytes(b"orphan")
    again = Host("win01", {}, host.state_dir)
    assert again.load()
    assert not [path for path in blobs.iterdir() if path.read_bytes() == b"orphan"]
    assert again.files.read_bytes("C:\\secret.config") == SECRET


@pytest.mark.parametrize(("part", "kind"), [("files", FileSystem), ("registry", Registry)])
def test_who_asks_at_the_same_moment_gets_the_same_part(
    tmp_path: Path, part: str, kind: type[object], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A host's first two logons come at once: what one writes the other must find."""
    host = Host("win01", {}, tmp_path / "hosts" / "win01")
    found: list[object] = []
    second = threading.Thread(target=lambda: found.append(getattr(host, part)))
    make = kind.__init__

    def make_slowly(made: object, *values: object) -> None:
        if second.ident is None:
            second.start()
            second.join(0.3)  # it would be done long before if nothing held it
        make(made, *values)

    monkeypatch.setattr(kind, "__init__", make_slowly)
    first = getattr(host, part)
    second.join(10)
    assert found == [first]
