"""win_command, win_shell, win_powershell: only what is known by its content runs."""

from __future__ import annotations

import pytest
from winlab.errors import Win32Error, WinlabError
from winlab.scripts import Credential, ErrorRecord, ScriptError, ScriptResult, SecureText

from winlab import console, programs, scripts


@programs.program("test-args")
def show_arguments(call: programs.ProcessCall) -> programs.ProcessResult:
    text = "|".join(call.arguments) + "\r\n"
    return programs.ProcessResult(int(call.environment.get("TEST_RC", "0")), text, call.stdin.decode())


@pytest.fixture
def tool(windows):
    path = r"C:\Tools With Blank\args.exe"
    programs.install(windows.host, path, "test-args")
    return path


@pytest.mark.parametrize(
    ("options", "cmd", "stdout"),
    [
        ({"_raw_params": " whoami "}, "whoami", "win01\\administrator\r\n"),
        ({"cmd": "hostname.exe"}, "hostname.exe", "WIN01\r\n"),
        ({"argv": ["whoami"]}, r"C:\Windows\System32\whoami.exe", "win01\\administrator\r\n"),
        ({"cmd": "cmd.exe /c echo a & echo b"}, "cmd.exe /c echo a & echo b", "a \r\nb\r\n"),
        (
            {"argv": [r"C:\Tools With Blank\args.exe", "a b", 'c"d', "", r"e\ "[:-1]]},
            '"C:\\Tools With Blank\\args.exe" "a b" "c\\"d" "" e\\',
            'a b|c"d||e\\\r\n',
        ),
        (
            {"argv": ["args.exe", "x"], "chdir": r"C:\Tools With Blank"},
            '"C:\\Tools With Blank\\args.exe" x',
            "x\r\n",
        ),
    ],
)
def test_a_known_program_runs_with_its_arguments(windows, tool, options, cmd, stdout):
    result = windows.run("win_command", **options)
    assert (result["changed"], result["rc"], result["cmd"], result["stdout"]) == (True, 0, cmd, stdout)
    assert {"start", "end", "delta"} <= result.keys()


@pytest.mark.parametrize(
    ("options", "rc", "msg"),
    [
        (
            {"cmd": "nothing.exe"},
            2,
            'Failed to run: \'nothing.exe\': Exception calling "CreateProcess" with "7" argument(s): "CreateProcessW() '
            'failed (The system cannot find the file specified, Win32ErrorCode 2 - 0x00000002)"',
        ),
        (
            {"cmd": "whoami", "chdir": r"C:\none"},
            2,
            "Failed to run: 'whoami': Could not find specified -WorkingDirectory 'C:\\none'",
        ),
    ],
)
def test_what_cannot_start_fails_with_the_systems_code(windows, options, rc, msg):
    result = windows.run("win_command", **options)
    assert (result["failed"], result["changed"], result["rc"], result["msg"]) == (True, False, rc, msg)


def test_a_return_code_fails_and_still_reports_the_output(windows, tool):
    result = windows.run("win_command", argv=[tool, "a"], stdin="in", environment={"TEST_RC": "3010"})
    assert (result["failed"], result["changed"], result["rc"], result["msg"]) == (
        True,
        True,
        3010,
        "non-zero return code",
    )
    assert (result["stdout"], result["stderr"]) == ("a\r\n", "in")


@pytest.mark.parametrize("module", ["win_command", "win_shell"])
@pytest.mark.parametrize(
    ("option", "msg"),
    [
        ({"creates": r"C:\Windows\System32\cmd.exe"}, r"skipped, since C:\Windows\System32\cmd.exe exists"),
        ({"removes": r"C:\none"}, r"skipped, since C:\none does not exist"),
    ],
)
def test_creates_and_removes_skip_without_a_process(windows, module, option, msg):
    assert windows.run(module, _raw_params="whoami", **option) == {
        "changed": False,
        "cmd": "whoami",
        "msg": msg,
        "rc": 0,
        "skipped": True,
    }
    assert windows.host.processes.history() == []


@pytest.mark.parametrize("module", ["win_command", "win_shell"])
def test_check_mode_skips(windows, module):
    result = windows.run(module, _raw_params="whoami", check=True)
    assert result["skipped"] is True
    assert "does not support check mode" in result["msg"]


def test_an_unknown_executable_is_named_with_its_digest_and_never_run(windows):
    windows.host.files.write_bytes(r"C:\other.exe", b"MZ something else")
    result = windows.run("win_command", cmd=r"C:\other.exe /x")
    assert result["failed"] is True
    assert "C:\\other.exe (SHA-256 " in result["msg"]
    assert 'register_content("' in result["msg"]


def test_every_process_is_recorded_as_auditing_would_see_it(windows):
    windows.run("win_shell", _raw_params="whoami")
    seen = [(p.image.rpartition("\\")[2], p.user, p.exit_code) for p in windows.host.processes.history()]
    assert seen == [("powershell.exe", "WIN01\\Administrator", 0), ("whoami.exe", "WIN01\\Administrator", 0)]


@pytest.mark.parametrize(
    ("text", "rc", "stdout"),
    [
        ("whoami", 0, "win01\\administrator\r\n"),
        ("echo hello", 0, "hello\r\n"),
        ("exit 5", 5, ""),
        ("$env:COMPUTERNAME", 0, "WIN01\r\n"),
        ("$env:NONE", 0, ""),
        ("tzutil.exe /g", 0, "UTC"),
        ("cmd.exe /c 'mkdir C:\\new & rmdir /S /Q C:\\new'", 0, ""),
        ("sc.exe query none", 1, None),  # about_PowerShell_exe: 1 whatever the program returned
        ("sc.exe query none; exit $LASTEXITCODE", 1060, None),
        (r"& 'C:\Tools With Blank\args.exe' 'it''s' \"a b\"".replace('\\"', '"'), 0, "it's|a b\r\n"),
    ],
)
def test_plain_commands_run_in_powershell(windows, tool, text, rc, stdout):
    result = windows.run("win_shell", _raw_params=text)
    assert result["rc"] == rc
    assert stdout is None or result["stdout"] == stdout
    assert result.get("failed", False) is (rc != 0)


def test_cmd_is_used_as_the_shell_when_asked(windows):
    result = windows.run("win_shell", _raw_params="echo %COMPUTERNAME% & exit 3", executable="cmd")
    assert (result["rc"], result["stdout"]) == (3, "WIN01 \r\n")


def test_an_unknown_text_is_refused_with_the_lines_that_register_it(windows):
    text = "Get-ChildItem C:\\ | Where-Object { $_.Length }"
    result = windows.run("win_shell", _raw_params=text)
    assert result["failed"] is True
    assert f"sha256: {scripts.digest(text)}" in result["msg"]
    assert "behaviour:" in result["msg"]


SCRIPT = """
    param([string]$Name, $Secret, $Login)
    # says hello
    "Hello $Name"
"""
SHOULD = "[CmdletBinding(SupportsShouldProcess)]\nparam()\n'x'"


@scripts.script(SCRIPT)
def hello(call: scripts.ScriptCall) -> ScriptResult:
    return ScriptResult(
        output=[f"Hello {call.parameter('name')}", {"a": {"b": {"c": 1}}}],
        result={"secret": call.parameter("Secret") == SecureText("s3cret")},
        changed=False,
        warning=["careful"],
        information=["noted"],
        host_out="out",
        errors=[ErrorRecord("odd", category="InvalidData", target="t")],
        diff={"before": 1},
    )


@scripts.script(SHOULD)
def whatif(call: scripts.ScriptCall) -> ScriptResult:
    return ScriptResult(output=[call.check_mode, call.parameter("WhatIf")], changed=not call.check_mode)


@scripts.script("throw 'boom'")
def throws(call: scripts.ScriptCall) -> ScriptResult:
    raise ScriptError("boom")


def test_a_known_script_gives_all_streams_and_indentation_does_not_matter(windows):
    text = "\r\n".join(line.strip() for line in SCRIPT.splitlines())
    result = windows.run(
        "win_powershell",
        script=text,
        parameters={"Name": "you"},
        sensitive_parameters=[{"name": "Secret", "value": "s3cret"}],
        diff=True,
    )
    assert (result["changed"], result["failed"]) == (False, False)
    # depth 2: the list, the object and one more; what is deeper becomes text (lines 364-380)
    assert result["output"] == ["Hello you", {"a": {"b": "System.Collections.Hashtable"}}]
    assert (result["result"], result["warning"], result["host_out"]) == ({"secret": True}, ["careful"], "out")
    assert result["information"][0]["message_data"] == "noted"
    assert result["diff"] == {"before": 1}
    (error,) = result["error"]
    assert (error["exception"]["message"], error["category_info"]["category_id"], error["target_object"]) == (
        "odd",
        6,
        "t",
    )


def test_an_error_under_stop_makes_the_module_fail_without_a_message(windows):
    result = windows.run("win_powershell", script=SCRIPT, error_action="stop")
    assert result["failed"] is True
    assert "msg" not in result
    assert len(result["error"]) == 1


def test_a_throw_makes_the_module_fail(windows):
    result = windows.run("win_powershell", script="throw 'boom'")
    assert (result["failed"], result["error"][0]["exception"]["message"]) == (True, "boom")
    assert result["error"][0]["category_info"]["category"] == "OperationStopped"


@pytest.mark.parametrize(
    ("text", "runs"),
    [(SHOULD, True), ("throw 'boom'", False), (SHOULD.replace("Process)", "Process=$false)"), False)],
)
def test_in_check_mode_only_scripts_with_should_process_run(windows, text, runs):
    result = windows.run("win_powershell", script=text, check=True)
    if runs:
        assert (result["output"], result["changed"]) == ([True, True], False)
    else:
        assert (result["changed"], result["msg"]) == (True, "skipped, running in check mode")


def test_a_username_becomes_a_credential(windows):
    seen = []
    scripts.register(
        scripts.digest("'login'"), lambda call: seen.append(call.parameter("L")) or ScriptResult()
    )
    windows.run(
        "win_powershell",
        script="'login'",
        sensitive_parameters=[{"name": "L", "username": "u", "password": "p"}],
    )
    assert seen == [Credential("u", "p")]


def test_a_script_on_the_host_is_known_by_its_content(windows):
    windows.host.files.write_bytes(r"C:\x.ps1", SHOULD.encode("utf-8-sig"))
    assert windows.run("win_powershell", path=r"C:\x.ps1", remote_src=True)["output"] == [False, False]
    missing = windows.run("win_powershell", path=r"C:\y.ps1", remote_src=True)
    assert missing["msg"] == r"Could not find or access 'C:\y.ps1' on Windows host"


def test_an_unknown_script_fails_with_its_digest(windows):
    result = windows.run("win_powershell", script="Get-Unknown")
    assert result["failed"] is True
    assert scripts.digest("Get-Unknown") in result["msg"]


@programs.program("test-bytes")
def write_bytes(call: programs.ProcessCall) -> programs.ProcessResult:
    return programs.ProcessResult(0, console.written(bytes.fromhex(call.arguments[0])))


@pytest.mark.parametrize(
    ("data", "encoding", "text"),
    [
        ("c3bc", None, "ü"),
        ("c3bc", "us-ascii", "??"),  # two bytes that ASCII does not know
        ("fc", "Windows-1252", "ü"),
        ("93fa967b", "shift_jis", "日本"),
        ("93fa", None, "\ufffd\ufffd"),
        ("fffe6100", "shift_jis", "a"),  # a byte order mark wins (StreamReader)
        ("81", "ibm850", "ü"),
    ],
)
def test_output_is_read_in_the_encoding_that_is_named(windows, data, encoding, text):
    programs.install(windows.host, r"C:\b.exe", "test-bytes")
    line = rf"C:\b.exe {data}"
    assert windows.run("win_command", cmd=line, output_encoding_override=encoding)["stdout"] == text
    shell = windows.run("win_shell", _raw_params=line, executable="cmd", output_encoding_override=encoding)
    assert shell["stdout"] == text


@pytest.mark.parametrize(
    ("module", "options", "count", "prefix"),
    [
        ("win_command", {"cmd": "hostname.exe"}, 7, "Failed to run: 'hostname.exe': "),
        ("win_shell", {"_raw_params": "hostname.exe"}, 6, ""),
    ],
)
def test_an_encoding_that_dotnet_does_not_have_fails_after_the_process_has_run(
    windows, module, options, count, prefix
):
    result = windows.run(module, output_encoding_override="klingon", **options)
    assert (result["failed"], result["changed"], result["rc"]) == (True, False, 2)
    assert result["msg"].startswith(
        f'{prefix}Exception calling "CreateProcess" with "{count}" argument(s): "\'klingon\' is not a supported '
        "encoding name."
    )
    assert "hostname.exe" in [entry.image.rpartition("\\")[2] for entry in windows.host.processes.history()]


def test_an_encoding_that_winlab_does_not_know_is_not_guessed(windows):
    result = windows.run("win_command", cmd="hostname.exe", output_encoding_override="hz")
    assert "the encoding 'hz' is not modelled" in result["msg"]


def test_win_shell_counts_the_arguments_of_its_own_method(windows):
    result = windows.run("win_shell", _raw_params="x", executable="none")
    assert result["msg"] == (
        'Exception calling "CreateProcess" with "6" argument(s): "CreateProcessW() failed (The system cannot '
        'find the file specified, Win32ErrorCode 2)"'
    )


def test_cmd_writes_into_files_and_deletes_them(windows):
    for line in ("echo one> C:\\o.txt", "echo two>>C:\\o.txt", "cmd.exe /c exit 3 > C:\\p.txt"):
        result = windows.run("win_command", cmd=f'cmd /c "{line}"')
        assert (result["stdout"], result["stderr"]) == ("", "")
    assert result["rc"] == 3
    assert windows.host.files.read_bytes(r"C:\o.txt") == b"one\r\ntwo\r\n"
    assert windows.host.files.read_bytes(r"C:\p.txt") == b""
    assert windows.run("win_command", cmd=r"cmd /c del C:\o.txt C:\none.txt")["stdout"] == (
        "Could Not Find C:\\none.txt\r\n"
    )
    assert not windows.host.files.exists(r"C:\o.txt")
    assert windows.run("win_command", cmd=r"cmd /c echo a > C:\none\a.txt")["rc"] == 1


def test_whoami_lists_the_groups_of_the_token(windows):
    lines = windows.run("win_command", cmd="whoami /groups")["stdout"].split("\r\n")
    assert lines[:4] == ["", "GROUP INFORMATION", "-----------------", ""]
    (row,) = [line for line in lines if " S-1-5-32-544 " in line]
    assert row.split("  ")[0] == "BUILTIN\\Administrators"
    assert row.rstrip().endswith("Enabled group, Group owner")
    assert sum("S-1-" in line for line in lines) == len(windows.session.groups) + 1


def test_powershell_reads_its_commands_from_standard_input(windows):
    for line in ("powershell.exe -", "powershell.exe -NoProfile -Command -"):
        assert windows.run("win_command", cmd=line, stdin="Write-Host 'x'")["stdout"] == "x\r\n"


@programs.program("test-refused")
def refused(call: programs.ProcessCall) -> programs.ProcessResult:
    raise Win32Error(5, "C:\\x")


@programs.program("test-broken")
def broken(call: programs.ProcessCall) -> programs.ProcessResult:
    raise KeyError("colour")


@programs.program("test-nothing")
def nothing(call: programs.ProcessCall) -> programs.ProcessResult:
    return None  # type: ignore[return-value]


def test_a_call_that_fails_inside_a_program_is_its_own_end(windows):
    programs.install(windows.host, r"C:\refused.exe", "test-refused")
    result = windows.run("win_command", _raw_params=r"C:\refused.exe")
    assert (result["rc"], result["stderr"], result["msg"]) == (
        5,
        "Access is denied.\r\n",
        "non-zero return code",
    )


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("broken", ":broken: KeyError: 'colour'; expected a result. Correct that function; winlab.log has the place."),
        ("nothing", ":nothing: NoneType; expected a ProcessResult. Correct what the function returns."),
    ],
)  # fmt: skip
def test_a_program_of_somebody_else_that_is_wrong_is_named(windows, name, message):
    programs.install(windows.host, rf"C:\{name}.exe", f"test-{name}")
    with pytest.raises(WinlabError) as caught:
        windows.run("win_command", _raw_params=rf"C:\{name}.exe")
    assert str(caught.value) == f"win01: program test-{name}: {__name__}{message}"


@scripts.script("'wrong'")
def wrong(call: scripts.ScriptCall) -> ScriptResult:
    return {}["colour"]


@pytest.mark.parametrize(
    ("module", "options"),
    [("win_powershell", {"script": "'wrong'"}), ("win_shell", {"_raw_params": "'wrong'"})],
)
def test_a_script_of_somebody_else_that_is_wrong_is_named(windows, module, options):
    with pytest.raises(
        WinlabError, match=r"wrong: KeyError: 'colour'; expected a result. Correct that function"
    ):
        windows.run(module, **options)


def test_powershell_names_a_file_that_is_not_there(windows):
    result = windows.run("win_command", _raw_params=r"powershell.exe -File C:\none.ps1")
    assert result["rc"] == 0xFFFD0000
    assert result["stderr"].startswith(r"The argument 'C:\none.ps1' to the -File parameter does not exist.")
