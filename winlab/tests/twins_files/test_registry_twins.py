"""win_regedit and win_reg_stat: the cases of the upstream integration targets, and what the source adds."""

from __future__ import annotations

import pytest
from winlab.host.registry import Value

K = "HKLM:\\SOFTWARE\\Contoso"


def edit(windows, **options):
    return windows.run("win_regedit", **{"path": K, **options})


def stat(windows, path=K, **options):
    return windows.run("win_reg_stat", path=path, **options)


class TestData:
    @pytest.mark.parametrize(
        ("kind", "data", "stored"),
        [
            ("string", "x", "x"),
            ("string", 1, "1"),
            ("string", True, "True"),
            ("string", None, ""),
            ("expandstring", "%windir%", "%windir%"),
            ("dword", 1, 1),
            ("dword", "0x1F", 0x1F),
            ("dword", "12", 12),
            ("dword", "", 0),
            ("dword", None, 0),
            ("dword", 0xFFFFFFFF, 0xFFFFFFFF),
            ("dword", -1, 0xFFFFFFFF),
            ("dword", 2.0, 2),
            ("qword", 0xFFFFFFFFFFFFFFFF, 0xFFFFFFFFFFFFFFFF),
            ("qword", -1, 0xFFFFFFFFFFFFFFFF),
            ("multistring", ["a", "b"], ["a", "b"]),
            ("multistring", "a", ["a"]),
            ("multistring", [1, True], ["1", "True"]),
            ("multistring", None, []),
            ("binary", "hex:be,ef,BE", b"\xbe\xef\xbe"),
            ("binary", "beef", b"\xbe\xef"),
            ("binary", "be:ef", b"\xbe\xef"),
            ("binary", "hex: 00, 01", b"\x00\x01"),
            ("binary", "f", b"\x0f"),
            ("binary", "bee", b""),
            ("binary", "", b""),
            ("binary", None, b""),
            ("binary", 255, b"\xff"),
            ("binary", [1, "0x22", "3"], b"\x01\x22\x03"),
            ("none", "hex:00", b"\x00"),
            ("none", None, b""),
        ],
    )
    def test_is_stored_in_its_type_and_only_once(self, windows, kind, data, stored):
        options = {"name": "v", "type": kind} | ({"data": data} if data is not None else {})
        assert edit(windows, **options)["changed"] is True
        assert windows.host.registry.get(K, "v") == Value(kind, stored)
        assert edit(windows, **options) == {
            "changed": False,
            "data_changed": False,
            "data_type_changed": False,
        }

    def test_an_empty_list_sets_nothing(self, windows):
        """Line 457: a loop over nothing gives null."""
        edit(windows, name="v", data=[], type="multistring")
        assert windows.host.registry.values(K) == {}

    @pytest.mark.parametrize(
        ("kind", "data", "message"),
        [
            ("dword", 0xFFFFFFFF1, "data cannot be larger than 0xffffffff when type is dword"),
            (
                "qword",
                0xFFFFFFFFFFFFFFFF1,
                "data cannot be larger than 0xffffffffffffffff when type is qword",
            ),
            (
                "dword",
                1.1,
                "data '1.1' cannot be a decimal or float value with a remainder when type is dword or qword",
            ),
            (
                "binary",
                256,
                "cannot convert binary data '256' to byte array, please specify this value as a yaml byte array "
                "or a comma separated hex value string",
            ),
            (
                "dword",
                "abc",
                'Unhandled exception while executing module: Cannot convert value "abc" to type "System.UInt64". '
                'Error: "Input string was not in a correct format."',
            ),
        ],
    )
    def test_wrong_data(self, windows, kind, data, message):
        result = edit(windows, name="v", data=data, type=kind)
        assert (result["failed"], result["msg"]) == (True, message)
        assert not windows.host.registry.key_exists(K)

    @pytest.mark.parametrize(
        ("before", "kind", "data", "expected"),
        [
            (Value("string", "a"), "string", "A", (True, True, False)),
            (Value("string", "a"), "string", "a", (False, False, False)),
            (Value("string", "1"), "dword", 1, (True, False, True)),
            (Value("string", "x"), "binary", "hex:00", (True, True, True)),
            (Value("dword", 1), "string", "1", (True, False, True)),
            (Value("dword", 1), "qword", 2, (True, True, True)),
            (Value("multistring", ["a"]), "multistring", ["A"], (False, False, False)),
            (Value("multistring", ["a", "b"]), "multistring", ["b", "a"], (True, True, False)),
            (Value("binary", b"\x00"), "none", "hex:00", (True, False, True)),
        ],
    )
    def test_what_counts_as_a_change(self, windows, before, kind, data, expected):
        windows.host.registry.set(K, "v", before)
        result = edit(windows, name="v", data=data, type=kind)
        assert (result["changed"], result["data_changed"], result["data_type_changed"]) == expected


class TestKeys:
    def test_made_with_all_above_and_removed_with_all_below(self, windows):
        assert edit(windows, path=f"{K}\\a\\b") == {
            "changed": True,
            "data_changed": False,
            "data_type_changed": False,
        }
        assert edit(windows, path=f"{K}\\a\\b")["changed"] is False
        assert edit(windows, state="absent")["changed"] is True
        assert not windows.host.registry.key_exists(K)
        assert edit(windows, state="absent")["changed"] is False

    @pytest.mark.parametrize(
        ("options", "left"),
        [
            ({"name": "v"}, {"": "default"}),
            ({"name": "V", "delete_key": False}, {"": "default"}),
            ({"delete_key": False}, {"v": "x"}),
            ({"name": "none"}, {"v": "x", "": "default"}),
        ],
    )
    def test_one_value_is_removed(self, windows, options, left):
        edit(windows, name="v", data="x")
        edit(windows, data="default")
        result = edit(windows, state="absent", **options)
        assert result["changed"] is (options.get("name") != "none")
        assert {name: value.data for name, value in windows.host.registry.values(K).items()} == left

    def test_check_mode_changes_nothing(self, windows):
        edit(windows, name="v", data="x")
        before = windows.host.registry.to_state()
        for options in ({"name": "v", "data": "y"}, {"path": f"{K}\\n"}, {"state": "absent"}, {"data": "d"}):
            assert edit(windows, check=True, **options)["changed"] is True
        assert windows.host.registry.to_state() == before

    def test_a_type_without_a_name_becomes_string_with_a_warning(self, windows):
        result = edit(windows, data="x", type="dword")
        assert result["warnings"] == [
            "the data type when name is not specified can only be 'string', the type has automatically been "
            "converted"
        ]
        assert windows.host.registry.get(K, "") == Value("string", "x")

    @pytest.mark.parametrize("path", ["ABCD:\\efg", "HKLM\\SOFTWARE", "HKLM:"])
    def test_other_paths_are_refused(self, windows, path):
        assert edit(windows, path=path)["msg"] == (
            f"path: {path} is not a valid powershell path, see module documentation for examples."
        )

    def test_a_hive_itself_cannot_be_removed(self, windows):
        assert edit(windows, path="HKLM:\\", state="absent")["msg"] == (
            'failed to delete registry key at HKLM:\\: Exception calling "DeleteSubKeyTree" with "2" '
            'argument(s): "Cannot delete a registry hive\'s subtree."'
        )

    def test_every_hive_works(self, windows):
        for hive in ("HKCR", "HKCU", "HKLM", "HKU"):
            path = f"{hive}:\\{'Software' if hive != 'HKU' else '.DEFAULT'}\\x"
            assert edit(windows, path=path, name="v", data="1")["changed"] is True
            assert stat(windows, path, name="v")["value"] == "1"

    def test_hkcu_is_the_callers(self, windows):
        bob = windows.user("bob")
        assert edit(windows, path="HKCU:\\Software\\x", name="v", data="1", session=bob)["changed"]
        assert windows.host.registry.get(f"HKU:\\{bob.sid}\\Software\\x", "v") == Value("string", "1")
        assert stat(windows, "HKCU:\\Software\\x")["exists"] is False

    def test_a_user_may_not_write_the_machines(self, windows):
        bob = windows.user("bob")
        assert edit(windows, name="v", data="1", session=bob)["msg"] == (
            'failed to create registry key at HKLM:\\SOFTWARE\\Contoso: Exception calling "CreateSubKey" with "1" '
            "argument(s): \"Access to the registry key 'HKEY_LOCAL_MACHINE\\SOFTWARE\\Contoso' is denied.\""
        )
        edit(windows, name="v", data="1")
        assert edit(windows, name="v", data="1", session=bob)["msg"] == (
            'Unhandled exception while executing module: Exception calling "OpenSubKey" with "2" argument(s): '
            '"Requested registry access is not allowed."'
        )

    HIVE = "C:\\Users\\Default\\NTUSER.dat"

    def test_a_key_in_a_hive_file_is_edited_there(self, windows):
        call = {"path": "HKLM:\\ANSIBLE\\New", "hive": self.HIVE}
        assert edit(windows, check=True, **call)["changed"] is True
        assert edit(windows, **call)["changed"] is True
        assert edit(windows, **call)["changed"] is False
        assert edit(windows, name="v", data="1", **call)["changed"] is True
        assert edit(windows, name="v", data="1", **call)["changed"] is False
        assert not windows.host.registry.key_exists("HKLM:\\ANSIBLE")
        assert edit(windows, state="absent", **call)["changed"] is True
        assert edit(windows, state="absent", **call)["changed"] is False

    @pytest.mark.parametrize(
        ("hive", "message"),
        [
            ("C:\\none", "hive at path 'C:\\none' is not valid or accessible, cannot load hive"),
            (
                "C:\\data\\x",
                "failed to load registry hive from 'C:\\data\\x' to HKLM:\\ANSIBLE: Exception calling \".ctor\" "
                'with "2" argument(s): "Failed to load registry hive at C:\\data\\x (The configuration registry '
                'database is corrupt, Win32ErrorCode 1009)"',
            ),
        ],
    )
    def test_what_is_no_hive_file_is_refused(self, windows, hive, message):
        windows.write("C:\\data\\x", b"text")
        assert edit(windows, path="HKLM:\\ANSIBLE\\x", hive=hive)["msg"] == message

    def test_a_hive_that_was_left_loaded_is_unloaded_with_a_warning(self, windows):
        windows.host.registry.load_file("ANSIBLE", b"regf")
        result = edit(windows, path="HKLM:\\ANSIBLE\\x", hive=self.HIVE)
        assert result["warnings"] == [
            "hive already loaded at HKLM:\\ANSIBLE, had to unload hive for win_regedit to continue"
        ]


class TestDiff:
    @pytest.mark.parametrize(
        ("before", "options", "diff"),
        [
            (None, {"name": "v", "data": "x"}, ({}, {K: {"v": {"type": "String", "value": "x"}}})),
            (
                Value("dword", 1),
                {"name": "v", "data": 255, "type": "dword"},
                (
                    {K: {"v": {"type": "DWord", "value": "0x00000001"}}},
                    {K: {"v": {"type": "DWord", "value": "0x000000ff"}}},
                ),
            ),
            (
                Value("string", "x"),
                {"name": "v", "data": "hex:00,01", "type": "binary"},
                (
                    {K: {"v": {"type": "String", "value": "x"}}},
                    {K: {"v": {"type": "Binary", "value": ["0x00", "0x01"]}}},
                ),
            ),
            (
                Value("qword", 1),
                {"name": "v", "data": 1, "type": "qword"},
                (
                    {K: {"v": {"type": "QWord", "value": "0x0000000000000001"}}},
                    {K: {"v": {"type": "QWord", "value": "0x0000000000000001"}}},
                ),
            ),
            (
                Value("expandstring", "%SystemDrive%"),
                {"name": "v", "state": "absent"},
                ({K: {"v": {"type": "ExpandString", "value": "C:"}}}, {K: {}}),
            ),
            (Value("dword", 1), {"state": "absent"}, ({K: {}}, {})),
        ],
    )
    def test_shows_the_value_before_and_after(self, windows, before, options, diff):
        if before is not None:
            windows.host.registry.set(K, "v", before)
        result = edit(windows, diff=True, **options)
        assert (result["diff"]["before"], result["diff"]["after"]) == diff

    def test_in_check_mode_a_new_key_shows_without_its_value(self, windows):
        result = edit(windows, name="v", data="x", check=True, diff=True)
        assert result["diff"] == {"before": {}, "after": {K: {}}}


class TestStat:
    @pytest.mark.parametrize(
        ("value", "expected"),
        [
            (
                Value("binary", b"\x01\x16"),
                {"raw_value": ["0x01", "0x16"], "type": "REG_BINARY", "value": [1, 22]},
            ),
            (Value("dword", 1), {"raw_value": 1, "type": "REG_DWORD", "value": 1}),
            (Value("dword", 4294967295), {"raw_value": 4294967295, "type": "REG_DWORD", "value": 4294967295}),
            (
                Value("expandstring", "%windir%\\dir"),
                {"raw_value": "%windir%\\dir", "type": "REG_EXPAND_SZ", "value": "C:\\Windows\\dir"},
            ),
            (
                Value("qword", 18446744073709551615),
                {"raw_value": 18446744073709551615, "type": "REG_QWORD", "value": 18446744073709551615},
            ),
            (
                Value("multistring", ["a, b", "c"]),
                {"raw_value": ["a, b", "c"], "type": "REG_MULTI_SZ", "value": ["a, b", "c"]},
            ),
            (Value("string", "test"), {"raw_value": "test", "type": "REG_SZ", "value": "test"}),
            (Value("none", b""), {"raw_value": [], "type": "REG_NONE", "value": []}),
            (Value("none", b"\x00"), {"raw_value": ["0x00"], "type": "REG_NONE", "value": [0]}),
        ],
    )
    def test_every_type_as_upstream_expects_it(self, windows, value, expected):
        windows.host.registry.set(K, "v", value)
        assert stat(windows, name="V") == {"changed": False, "exists": True, **expected}
        assert stat(windows)["properties"] == {"v": expected}

    def test_a_key(self, windows):
        for name in ("nest1", "nest2"):
            windows.host.registry.create_key(f"{K}\\{name}")
        windows.host.registry.set(K, "", Value("string", "default"))
        windows.host.registry.set(K, "(Default)", Value("string", "custom"))
        result = stat(windows)
        assert result["sub_keys"] == ["nest1", "nest2"]
        assert (result["properties"][""]["value"], result["properties"]["(Default)"]["value"]) == (
            "default",
            "custom",
        )
        assert stat(windows, name="")["value"] == "default"

    @pytest.mark.parametrize("options", [{}, {"name": "v"}])
    def test_what_is_not_there(self, windows, options):
        assert stat(windows, **options) == {"changed": False, "exists": False}

    @pytest.mark.parametrize(
        "path", ["HKCR:\\*", "HKCC:\\Software", "HKCU:\\Software", "HKLM:\\Software", "HKU:\\.DEFAULT"]
    )
    def test_every_hive_has_something(self, windows, path):
        assert stat(windows, path)["exists"] is True

    @pytest.mark.parametrize(
        ("options", "message"),
        [
            ({"name": "a"}, "Get-AnsibleParam: Missing required argument: path"),
            (
                {"path": "ABCD:\\test"},
                "path: ABCD:\\test is not a valid registry path, see module documentation for examples.",
            ),
        ],
    )
    def test_wrong_arguments(self, windows, options, message):
        assert windows.run("win_reg_stat", **options)["msg"] == message
