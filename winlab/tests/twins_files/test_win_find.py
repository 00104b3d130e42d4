"""win_find: the tree and the expectations of the upstream integration target, and what the source adds."""

from __future__ import annotations

import hashlib

import pytest
from winlab.host.acl import FILE_RIGHTS, Ace, Acl, both

from .conftest import NOW

ROOT = "C:\\find"
DAY = 86400


@pytest.fixture(autouse=True)
def _tree(windows):
    files = windows.host.files
    for name, size in {
        "single\\large.ps1": 2000,
        "single\\out_20161101-091005.log": 14,
        "single\\small.ps1": 2,
        "single\\test.ps1": 14,
        "single\\hidden.ps1": 14,
        "nested\\file.ps1": 3,
        "nested\\sub-nest\\FILE.ps1": 4,
        "nested\\sub-nest\\test.ps1": 5,
        "nested\\sub-nest\\sub-sub-nest\\test.ps1": 6,
        "link-dest\\link.ps1": 1,
    }.items():
        windows.write(f"{ROOT}\\{name}", bytes(size))
    files.set_attributes(f"{ROOT}\\single\\hidden.ps1", {"Hidden", "Archive"})
    files.make_link(f"{ROOT}\\nested\\link", f"{ROOT}\\link-dest", "SymbolicLink", is_dir=True)


def find(windows, folder, **options):
    paths = [f"{ROOT}\\{part}" for part in folder] if isinstance(folder, list) else f"{ROOT}\\{folder}"
    return windows.run("win_find", paths=paths, **options)


def names(result):
    return [item["path"][len(ROOT) + 1 :] for item in result["files"]]


SINGLE = ["single\\large.ps1", "single\\out_20161101-091005.log", "single\\small.ps1", "single\\test.ps1"]


@pytest.mark.parametrize(
    ("folder", "options", "expected", "examined"),
    [
        ("single", {}, SINGLE, 5),
        ("single", {"hidden": True}, ["single\\hidden.ps1", *SINGLE], 5),
        ("single", {"patterns": ["*.log", "out_*"]}, [SINGLE[1]], 5),
        ("single", {"patterns": "OUT_*"}, [SINGLE[1]], 5),
        ("single", {"patterns": "[lt]*"}, [SINGLE[0], SINGLE[3]], 5),
        ("single", {"patterns": r"out_\d{8}-\d{6}\.log", "use_regex": True}, [SINGLE[1]], 5),
        ("single", {"patterns": "^LARGE", "use_regex": True}, [SINGLE[0]], 5),
        ("single", {"patterns": "^LARGE", "use_regex": True, "case_sensitive": True}, [], 5),
        ("single", {"patterns": r"(?<d>\d{4})", "use_regex": True}, [SINGLE[1]], 5),
        ("single", {"size": "1k"}, [SINGLE[0]], 5),
        ("single", {"size": "-13"}, [SINGLE[2]], 5),
        ("single", {"size": "14b"}, [SINGLE[0], SINGLE[1], SINGLE[3]], 5),
        ("single", {"file_type": "directory"}, [], 5),
        (
            "nested",
            {"recurse": True},
            [
                "nested\\file.ps1",
                "nested\\sub-nest\\FILE.ps1",
                "nested\\sub-nest\\sub-sub-nest\\test.ps1",
                "nested\\sub-nest\\test.ps1",
            ],
            7,
        ),
        ("nested", {"recurse": True, "depth": 1}, ["nested\\file.ps1"], 3),
        (
            "nested",
            {"recurse": True, "depth": 2},
            ["nested\\file.ps1", "nested\\sub-nest\\FILE.ps1", "nested\\sub-nest\\test.ps1"],
            6,
        ),
        ("nested", {"file_type": "directory"}, ["nested\\link", "nested\\sub-nest"], 3),
        ("nested", {"file_type": "any"}, ["nested\\file.ps1", "nested\\link", "nested\\sub-nest"], 3),
        (["link-dest", "link-dest"], {}, ["link-dest\\link.ps1"], 1),
    ],
)
def test_what_is_found(windows, folder, options, expected, examined):
    result = find(windows, folder, **options)
    assert names(result) == expected
    assert (result["matched"], result["examined"], result["changed"]) == (len(expected), examined, False)


def test_follow_walks_through_links_and_shows_the_path_that_was_walked(windows):
    result = find(windows, "nested", recurse=True, follow=True, patterns="link.ps1")
    assert names(result) == ["nested\\link\\link.ps1"]


def test_one_file_in_full(windows):
    [item] = find(windows, "single", patterns="test.ps1")["files"]
    assert item == {
        "attributes": "Archive",
        "checksum": hashlib.sha1(bytes(14)).hexdigest(),
        "creationtime": NOW,
        "exists": True,
        "extension": ".ps1",
        "filename": "test.ps1",
        "hlnk_targets": [],
        "isarchive": True,
        "isdir": False,
        "ishidden": False,
        "isjunction": False,
        "islnk": False,
        "isreadonly": False,
        "isreg": True,
        "isshared": False,
        "lastaccesstime": NOW,
        "lastwritetime": NOW,
        "lnk_source": None,
        "lnk_target": None,
        "nlink": 1,
        "owner": "BUILTIN\\Administrators",
        "path": f"{ROOT}\\single\\test.ps1",
        "sharename": None,
        "size": 14,
    }


def test_a_folder_has_neither_size_checksum_nor_extension(windows):
    [item] = find(windows, "nested", file_type="directory", patterns="sub-nest")["files"]
    assert (item["size"], item["checksum"], item["extension"], item["isdir"], item["isreg"]) == (
        None,
        None,
        None,
        True,
        False,
    )


@pytest.mark.parametrize(
    ("age", "stamp", "expected"),
    [
        ("1d", "mtime", ["old"]),
        ("86400", "mtime", ["old"]),
        ("-1d", "mtime", ["new"]),
        ("-2w", "mtime", ["new", "old"]),
        ("0", "mtime", ["new", "old"]),
        ("1d", "ctime", []),
        ("1H", "atime", []),
    ],
)
def test_age(windows, age, stamp, expected):
    windows.write(f"{ROOT}\\date\\old")
    windows.write(f"{ROOT}\\date\\new")
    windows.host.files.set_times(f"{ROOT}\\date\\old", modified=NOW - 2 * DAY)
    result = find(windows, "date", age=age, age_stamp=stamp)
    assert [item["filename"] for item in result["files"]] == expected


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"age": "1y"}, "Invalid age pattern specified"),
        ({"size": "1x"}, "Invalid size pattern specified"),
        (
            {"age_stamp": "btime"},
            "value of age_stamp must be one of: mtime, ctime, atime. Got no match for: btime",
        ),
    ],
)
def test_wrong_options(windows, options, message):
    result = find(windows, "single", **options)
    assert (result["failed"], result["msg"]) == (True, message)


@pytest.mark.parametrize(
    ("path", "warning"),
    [
        ("none", "does not exist or is not accessible, skipping"),
        ("single\\large.ps1", "is a file not a directory, skipping"),
    ],
)
def test_what_is_no_folder_is_skipped_with_a_warning(windows, path, warning):
    result = find(windows, path)
    assert (result["files"], result["examined"]) == ([], 0)
    assert result["warnings"] == [f"Argument path '{ROOT}\\{path}' {warning}"]


def test_paths_come_sorted_by_culture_and_not_by_code_point(windows):
    for name in ("_a", "B", "a-c", "ab", "1", "ä"):
        windows.write(f"{ROOT}\\order\\{name}")
    assert [item["filename"] for item in find(windows, "order")["files"]] == [
        "_a",
        "1",
        "ä",
        "ab",
        "a-c",
        "B",
    ]


def test_a_user_sees_what_the_rules_let_him_see(windows):
    """Upstream tests.yml, "security tests"."""
    files, bob = windows.host.files, windows.user("bob")
    files.mkdir(f"{ROOT}\\s\\secure\\in")
    files.mkdir(f"{ROOT}\\s\\open\\in")
    admins = (both("S-1-5-32-544", FILE_RIGHTS["FullControl"]),)
    files.set_acl(f"{ROOT}\\s\\secure", Acl((Ace("S-1-5-32-544", 0x1F01FF),), protected=True))
    files.set_acl(f"{ROOT}", Acl(admins, protected=True))
    hidden = find(windows, "s", recurse=True, file_type="directory", session=bob)
    assert hidden["warnings"] == [f"Argument path '{ROOT}\\s' does not exist or is not accessible, skipping"]
    files.set_acl(f"{ROOT}\\s", files.acl(f"{ROOT}\\s").add(both(bob.sid, FILE_RIGHTS["Read"] | 0x100000)))
    found = find(windows, "s", recurse=True, file_type="directory", session=bob)
    assert names(found) == ["s\\open", "s\\open\\in", "s\\secure"]
    assert found["examined"] == 3


def test_a_pattern_that_only_net_understands_is_loud(windows):
    result = find(windows, "single", patterns=r"\p{Lu}", use_regex=True)
    assert "is not modelled" in result["msg"]


def test_depth_counts_subfolders_instead_of_levels(windows):
    """Line 252: the second subfolder of a folder gets one less than the first, and 0 means to the bottom."""
    for name in ("a", "b", "c"):
        windows.write(f"{ROOT}\\wide\\{name}\\1\\2\\deep.txt")
    found = names(find(windows, "wide", recurse=True, depth=2, file_type="any"))
    assert [name for name in found if name.endswith("deep.txt")] == [
        "wide\\b\\1\\2\\deep.txt",
        "wide\\c\\1\\2\\deep.txt",
    ]
    assert "wide\\a\\1" in found
    assert "wide\\a\\1\\2" not in found


def test_times_are_those_of_the_hosts_zone(windows):
    windows.run("win_timezone", timezone="Tokyo Standard Time")
    item = find(windows, "link-dest")["files"][0]
    east = NOW + 9 * 3600
    assert [item[key] for key in ("creationtime", "lastaccesstime", "lastwritetime")] == [east] * 3
    assert windows.run("win_stat", path=item["path"])["stat"]["lastwritetime"] == NOW
