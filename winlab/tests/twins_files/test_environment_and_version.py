"""win_environment and win_file_version."""

from __future__ import annotations

import shutil
import subprocess

import pytest
from winlab.host.environment import MACHINE_KEY
from winlab.host.registry import Value


def env(windows, **options):
    return windows.run("win_environment", **{"level": "machine", **options})


class TestEnvironment:
    def test_a_machine_variable_comes_changes_and_goes(self, windows):
        first = env(windows, name="V", value="one", state="present")
        assert first == {
            "changed": True,
            "before_value": None,
            "value": "one",
            "values": {"V": {"changed": True, "before": None, "after": "one"}},
            "env_values": {"V": {"changed": True, "before": None, "after": "one"}},
        }
        assert windows.host.registry.get(MACHINE_KEY, "v") == Value("string", "one")
        assert env(windows, name="V", value="one", state="present")["changed"] is False
        second = env(windows, name="V", value="two", state="present")
        assert (second["changed"], second["before_value"]) == (True, "one")
        assert windows.host.environment.block(windows.admin)["V"] == "two"
        assert env(windows, name="V", state="absent")["before_value"] == "two"
        assert windows.host.registry.get(MACHINE_KEY, "V") is None
        assert env(windows, name="V", state="absent")["changed"] is False

    def test_case_alone_is_no_change(self, windows):
        env(windows, name="V", value="one", state="present")
        assert env(windows, name="V", value="ONE", state="present")["changed"] is False

    def test_references_are_expanded_when_compared(self, windows):
        windows.host.registry.set(MACHINE_KEY, "V", Value("expandstring", "%SystemDrive%\\x"))
        assert env(windows, name="V", value="C:\\x", state="present")["changed"] is False

    def test_a_users_variable_is_his_own(self, windows):
        bob = windows.user("bob")
        assert env(windows, name="V", value="x", level="user", session=bob)["changed"]
        assert env(windows, name="V", value="x", level="user", session=bob)["changed"] is False
        assert windows.host.registry.get(f"HKU\\{bob.sid}\\Environment", "V") == Value("string", "x")
        assert "V" not in windows.host.environment.block(windows.admin)
        assert windows.host.environment.user(bob.sid)["TEMP"] == "%USERPROFILE%\\AppData\\Local\\Temp"
        assert env(windows, name="V", level="user", session=bob, state="absent")["changed"]

    def test_a_process_variable_dies_with_the_process(self, windows):
        for _ in range(2):
            assert env(windows, name="V", value="x", level="process")["changed"] is True
        assert env(windows, name="SystemDrive", value="c:", level="process")["changed"] is False

    def test_many_at_once_an_empty_one_is_removed(self, windows):
        env(windows, name="gone", value="x")
        result = env(windows, variables={"a": "1", "gone": ""}, diff=True)
        assert result["changed"] is True
        assert result["env_values"]["gone"] == {"changed": True, "before": "x", "after": ""}
        assert result["diff"] == {"before": {"machine": {"gone": "x"}}, "after": {"machine": {"a": "1"}}}
        assert env(windows, variables={"a": "1", "gone": ""})["changed"] is False

    def test_check_mode_changes_nothing(self, windows):
        before = windows.host.registry.to_state()
        for level in ("machine", "user"):
            assert env(windows, name="V", value="x", level=level, check=True)["changed"] is True
        assert windows.host.registry.to_state() == before

    @pytest.mark.parametrize(
        ("options", "message"),
        [
            (
                {"name": "V", "state": "present"},
                "When state=present, value must be defined and not an empty string, if you wish to remove the "
                "envvar, set state=absent",
            ),
            (
                {"variables": {"a": "b"}, "state": "present"},
                "parameters are mutually exclusive: variables, state",
            ),
            ({}, "one of the following is required: name, variables"),
        ],
    )
    def test_refusals(self, windows, options, message):
        assert env(windows, **options)["msg"] == message

    def test_a_value_with_absent_is_warned_about(self, windows):
        assert env(windows, name="V", value="x", state="absent")["warnings"] == [
            "When removing environment variable 'V' it should not have a value 'x' set"
        ]

    def test_a_user_may_not_set_the_machines(self, windows):
        result = env(windows, name="V", value="x", session=windows.user("bob"))
        assert "Requested registry access is not allowed." in result["msg"]


@pytest.fixture(scope="module")
def assembly(tmp_path_factory):
    """Compile a real assembly with a version resource."""
    if shutil.which("mcs") is None:
        pytest.skip("the C# compiler mcs is not installed (Debian package mono-mcs)")
    folder = tmp_path_factory.mktemp("assembly")
    source = folder / "v.cs"
    source.write_text(
        'using System.Reflection;\n[assembly: AssemblyVersion("1.2.3.4")]\n'
        '[assembly: AssemblyFileVersion("5.6.7.8")]\n[assembly: AssemblyInformationalVersion("9.0 beta")]\n'
        "public class V {}\n"
    )
    subprocess.run(["mcs", "-target:library", f"-out:{folder / 'v.dll'}", str(source)], check=True)
    return (folder / "v.dll").read_bytes()


class TestFileVersion:
    NAME = "community.windows.win_file_version"

    @pytest.mark.parametrize("name", ["v.dll", "V.EXE"])
    def test_reads_the_resource_of_a_real_file(self, windows, assembly, name):
        windows.write(f"C:\\data\\{name}", assembly)
        result = windows.run(self.NAME, path=f"C:\\data\\{name}")
        assert result == {
            "changed": False,
            "win_file_version": {
                "path": f"C:\\data\\{name}",
                "file_version": "5.6.7.8",
                "product_version": "9.0 beta",
                "file_major_part": "5",
                "file_minor_part": "6",
                "file_build_part": "7",
                "file_private_part": "8",
                "file_version_raw": "5.6.7.8",
            },
        }

    @pytest.mark.parametrize("content", [b"", b"MZ winlab program x\n", b"no program"])
    def test_without_a_resource_everything_is_empty_or_zero(self, windows, content):
        windows.write("C:\\data\\x.exe", content)
        found = windows.run(self.NAME, path="C:\\data\\x.exe")["win_file_version"]
        assert (found["file_version"], found["file_major_part"], found["file_version_raw"]) == (
            "",
            "0",
            "0.0.0.0",
        )

    @pytest.mark.parametrize(
        ("path", "message"),
        [
            ("C:\\none.dll", "Specified path C:\\none.dll does not exist or is not a file."),
            ("C:\\Windows", "Specified path C:\\Windows does not exist or is not a file."),
            (
                "C:\\data\\a.txt",
                "Specified path C:\\data\\a.txt is not a valid file type; must be DLL or EXE.",
            ),
        ],
    )
    def test_refusals(self, windows, path, message):
        windows.write("C:\\data\\a.txt")
        result = windows.run(self.NAME, path=path)
        assert (result["msg"], result["win_file_version"]) == (message, {})
