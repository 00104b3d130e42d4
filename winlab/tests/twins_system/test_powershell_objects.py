"""What win_powershell makes of objects, errors and places (win_powershell.ps1 lines 286-408, 447-472, 909-935)."""

from __future__ import annotations

import pytest
from winlab.modules._powershell_objects import convert
from winlab.ps_objects import EnumValue, PSObject, TypeInfo
from winlab.scripts import ErrorRecord, ScriptCall, ScriptError, ScriptResult

from winlab import scripts

READ = EnumValue("System.IO.FileAccess", "Read", 1)
OBJECT = TypeInfo("System.Object", "mscorlib")
STRING = TypeInfo("System.String", "mscorlib", OBJECT)
ITEM = PSObject({"Name": "a", "Inner": PSObject({"Deep": {"x": 1}}, "inner")}, "item")


@pytest.mark.parametrize(
    ("value", "depth", "shown"),
    [
        (READ, 0, {"Type": "System.IO.FileAccess", "String": "Read", "Value": 1}),
        (READ, -1, 1),
        (STRING, -1, "System.String"),
        (
            STRING,
            0,
            {
                "Name": "String",
                "FullName": "System.String",
                "AssemblyQualifiedName": "System.String, mscorlib",
                "BaseType": "System.Object",
            },
        ),
        (ITEM, -1, "item"),
        (ITEM, 0, {"Name": "a", "Inner": "inner"}),
        (ITEM, 1, {"Name": "a", "Inner": {"Deep": "System.Collections.Hashtable"}}),
        ([["a", ["b", "c"]]], 0, ["a System.Object[]"]),
        ([[None, True, 2.5, READ, STRING]], 0, [" True 2.5 Read System.String"]),
    ],
)
def test_what_is_too_deep_becomes_text(value, depth, shown):
    assert convert(value, depth) == shown


def test_lists_of_another_process_are_array_lists():
    assert convert([["a", ["b"]]], 0, remote=True) == ["a System.Collections.ArrayList"]


@pytest.fixture
def script(windows):
    def run(behaviour, **options):
        scripts.register(scripts.digest("'objects'"), behaviour)
        return windows.run("win_powershell", script="'objects'", **options)

    return run


def test_what_was_written_before_a_throw_stays(script):
    def throws(call: ScriptCall) -> ScriptResult:
        raise ScriptError("boom", ScriptResult(output=["before"], errors=[ErrorRecord("first")]))

    result = script(throws)
    assert (result["failed"], result["output"]) == (True, ["before"])
    assert [entry["exception"]["message"] for entry in result["error"]] == ["first", "boom"]


def test_an_error_record_shows_what_its_writer_said(script):
    record = ErrorRecord(
        "m", reason="why", target_name="n", target_type="t", details=("d", "r"), hresult=-1, iteration=(1, 2)
    )
    (shown,) = script(lambda call: ScriptResult(errors=[record]))["error"]
    assert shown["error_details"] == {"message": "d", "recommended_action": "r"}
    assert shown["exception"]["hresult"] == -1
    assert shown["pipeline_iteration_info"] == [1, 2]
    category = shown["category_info"]
    assert (category["reason"], category["target_name"], category["target_type"]) == ("why", "n", "t")


def test_the_modules_folder_is_gone_afterwards(windows, script):
    def uses(call: ScriptCall) -> ScriptResult:
        call.host.files.mkdir(rf"{call.tmpdir}\x")
        return ScriptResult(output=[call.tmpdir])

    (folder,) = script(uses)["output"]
    assert "ansible-moduletmp-" in folder
    assert not windows.host.files.exists(folder)


def test_powershell_keeps_its_execution_policy_in_a_variable(script):
    def policy(call: ScriptCall) -> ScriptResult:
        return ScriptResult(output=[call.environment.get("PSExecutionPolicyPreference")])

    words = ["-ExecutionPolicy", "Restricted"]
    assert script(policy, executable="powershell.exe", arguments=words)["output"] == ["Restricted"]
    assert script(policy)["output"] == [None]


@pytest.mark.parametrize(
    ("path", "there"),
    [
        (r"Cert:\LocalMachine\My", True),
        (r"cert:\LocalMachine\*", True),
        (r"Cert:\LocalMachine\None", False),
    ],
)
def test_stores_of_certificates_are_places(script, path, there):
    result = script(lambda call: ScriptResult(output=[call.cwd]), chdir=path)
    if there and "*" not in path:
        assert result["output"] == [path]
    skipped = script(lambda call: ScriptResult(), creates=path)
    assert skipped.get("msg", "") == (f"skipped, since {path} exists" if there else "")


def test_other_places_of_certificates_are_not_modelled(script):
    result = script(lambda call: ScriptResult(), creates=r"Cert:\CurrentUser\My")
    assert "is not modelled" in result["msg"]
