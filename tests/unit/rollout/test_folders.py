import hashlib
import stat

import pytest

from mim2ecma.documents.errors import InputError
from mim2ecma.rollout.folders import (
    Changes,
    checksums,
    make_folder,
    sha256,
    synchronise,
    write_copy,
    write_text,
)


@pytest.fixture
def sources(tmp_path):
    folder = tmp_path / "sources"
    folder.mkdir()
    (folder / "a").write_bytes(b"A")
    (folder / "b").write_bytes(b"B")
    return folder


def test_a_folder_ends_up_with_exactly_the_wanted_files(tmp_path, sources):
    target = tmp_path / "target"
    (target / "old").mkdir(parents=True)
    (target / "old" / "x").write_text("x")
    changes = synchronise(target, {"one/a": sources / "a", "b": sources / "b"})
    assert changes == Changes(("b", "one/a"), ("old/x",))
    assert sorted(path.relative_to(target).as_posix() for path in target.rglob("*")) == ["b", "one", "one/a"]


def test_a_second_time_changes_nothing(tmp_path, sources):
    synchronise(tmp_path / "t", {"a": sources / "a"})
    assert not synchronise(tmp_path / "t", {"a": sources / "a"})


def test_other_bytes_are_written_again(tmp_path, sources):
    synchronise(tmp_path / "t", {"a": sources / "a"})
    assert synchronise(tmp_path / "t", {"a": sources / "b"}).written == ("a",)
    assert (tmp_path / "t" / "a").read_bytes() == b"B"


def test_a_dry_run_only_says_what_it_would_do(tmp_path, sources):
    assert synchronise(tmp_path / "t", {"a": sources / "a"}, dry_run=True).written == ("a",)
    assert not (tmp_path / "t").exists()


def test_a_source_in_the_folder_itself_stays(tmp_path, sources):
    assert not synchronise(sources, {"a": sources / "a", "b": sources / "b"})


def test_a_link_is_replaced_by_a_file(tmp_path, sources):
    (tmp_path / "t").mkdir()
    (tmp_path / "t" / "a").symlink_to(sources / "a")
    assert synchronise(tmp_path / "t", {"a": sources / "a"}).written == ("a",)
    assert not (tmp_path / "t" / "a").is_symlink()


@pytest.mark.parametrize("name", ["../x", "/x", "a/../x", "a//b", "NUL", "a/con.txt", "x.", "a:b", ""])
def test_no_name_leaves_the_folder_or_means_a_device(tmp_path, sources, name):
    with pytest.raises(InputError):
        synchronise(tmp_path / "t", {name: sources / "a"})
    assert not (tmp_path / "t").exists()


def test_a_missing_source_is_one_clear_error(tmp_path, sources):
    (tmp_path / "t").mkdir()
    (tmp_path / "t" / "x").write_text("x")
    with pytest.raises(InputError, match="No such file"):
        synchronise(tmp_path / "t", {"x": sources / "none"})


def test_files_and_folders_are_for_the_owner_only(tmp_path):
    write_text(tmp_path / "deep" / "down" / "f", "x")
    assert stat.S_IMODE((tmp_path / "deep" / "down" / "f").stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "deep").stat().st_mode) == 0o700


def test_text_is_written_only_when_it_differs(tmp_path):
    assert write_text(tmp_path / "f", "x")
    assert not write_text(tmp_path / "f", "x")
    assert write_text(tmp_path / "f", "y")


@pytest.mark.parametrize(
    "write",
    [lambda target, source: write_copy(source, target), lambda target, source: write_text(target, "x")],
)
def test_a_broken_write_leaves_no_half_file(tmp_path, sources, monkeypatch, write):
    def refuse(self, other):
        raise OSError("disk full")

    monkeypatch.setattr("pathlib.Path.replace", refuse)
    folder = tmp_path / "t"
    with pytest.raises(OSError, match="disk full"):
        write(folder / "f", sources / "a")
    assert list(folder.iterdir()) == []


def test_checksums_are_what_sha256sum_reads(sources):
    digest = hashlib.sha256(b"A").hexdigest()
    assert checksums(sources, ["b", "a"]).splitlines()[0] == f"{digest}  a"
    assert sha256(sources / "a") == digest


def test_an_existing_folder_keeps_its_mode(tmp_path):
    (tmp_path / "open").mkdir(mode=0o755)
    make_folder(tmp_path / "open" / "inner")
    assert stat.S_IMODE((tmp_path / "open").stat().st_mode) == 0o755


def test_a_document_that_others_may_read_is_made_private_again(tmp_path):
    target = tmp_path / "new" / "plan.json"
    assert write_text(target, "{}", dry_run=True)
    assert not target.exists()
    assert write_text(target, "{}")
    assert not write_text(target, "{}")
    target.chmod(0o644)
    assert write_text(target, "{}", dry_run=True)
    assert target.stat().st_mode & 0o777 == 0o644
    assert write_text(target, "{}")
    assert target.stat().st_mode & 0o777 == 0o600
    assert not write_text(target, "{}")


def test_a_link_in_the_place_of_a_document_is_replaced(tmp_path):
    other = tmp_path / "other.json"
    other.write_text("{}")
    target = tmp_path / "plan.json"
    target.symlink_to(other)
    assert write_text(target, "{}")
    assert not target.is_symlink()
