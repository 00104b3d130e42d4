"""Scripts with which win_powershell is tested: what each writes, by the documents of PowerShell and .NET.

Objects carry the properties that .NET documents for their type; how the module shows them is the twin's affair.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

from upstream_forms import form, unchanged
from winlab.host import timezones
from winlab.ps_objects import EnumValue, PSObject, TypeInfo
from winlab.scripts import ErrorRecord, ScriptCall, ScriptError, ScriptResult

_WRITE_ERROR = "Microsoft.PowerShell.Commands.WriteErrorException"
_MSCORLIB = "mscorlib, Version=4.0.0.0, Culture=neutral, PublicKeyToken=b77a5c561934e089"
_OBJECT = TypeInfo("System.Object", _MSCORLIB)
_STRING = TypeInfo("System.String", _MSCORLIB, _OBJECT)
_NO_PROMPT = "PowerShell is in NonInteractive mode. Read and Prompt functionality is not available."
# System.Exception: COR_E_EXCEPTION. System.ComponentModel.Win32Exception: E_FAIL.
_COR_E_EXCEPTION, _E_FAIL = -2146233088, -2147467259
_EPOCH = datetime(1970, 1, 1)
UNSPECIFIED, LOCAL, UTC_KIND = "Unspecified", "Local", "Utc"


def _text(call: ScriptCall, moment: datetime, kind: str) -> str:
    """`DateTime.ToString("o")`: Z for UTC, the offset for a local time, nothing otherwise."""
    text = moment.strftime("%Y-%m-%dT%H:%M:%S.0000000")
    if kind == UTC_KIND:
        return f"{text}Z"
    if kind == UNSPECIFIED:
        return text
    offset = moment.replace(tzinfo=timezones.current_zone(call.host).rules).strftime("%z")
    return f"{text}{offset[:3]}:{offset[3:5]}"


def _to_local(call: ScriptCall, moment: datetime, kind: str) -> tuple[datetime, str]:
    """`DateTime.ToLocalTime`: a time of kind Unspecified is taken for UTC."""
    if kind == LOCAL:
        return moment, LOCAL
    zone = timezones.current_zone(call.host)
    return zone.local(moment.replace(tzinfo=UTC)).replace(tzinfo=None), LOCAL


def _to_universal(call: ScriptCall, moment: datetime, kind: str) -> tuple[datetime, str]:
    """`DateTime.ToUniversalTime`: a time of kind Unspecified is taken for a local one."""
    if kind == UTC_KIND:
        return moment, UTC_KIND
    local = moment.replace(tzinfo=timezones.current_zone(call.host).rules)
    return local.astimezone(UTC).replace(tzinfo=None), UTC_KIND


def _epochs(call: ScriptCall) -> list[str]:
    """1970-01-01 in each kind, as it is, as local and as universal time; then two hours east of UTC."""
    texts = []
    for kind in (UNSPECIFIED, LOCAL, UTC_KIND):
        texts.append(_text(call, _EPOCH, kind))
        texts += [_text(call, *convert(call, _EPOCH, kind)) for convert in (_to_local, _to_universal)]
    east = _EPOCH.replace(tzinfo=UTC).astimezone(timezone(timedelta(hours=2)))
    return [*texts, f"{east:%Y-%m-%dT%H:%M:%S}.0000000+02:00"]


def _written(call: ScriptCall, message: str, line: int, target: Any = None) -> ErrorRecord:
    """An entry of Write-Error at the top level of a text (see `upstream_shell`)."""
    return ErrorRecord(
        message,
        _WRITE_ERROR,
        _WRITE_ERROR,
        activity="Write-Error",
        target=target,
        origin=call.text.strip(),
        stack=f"at <ScriptBlock>, <No file>: line {line}",
        iteration=(0, 0),
    )


def _not_parsed(message: str, identifier: str) -> ScriptError:
    exception = "System.Management.Automation.ParseException"
    return ScriptError(ErrorRecord(message, exception, identifier, "ParserError"))


@form("64737c08075d42d915fdca1a9ab3156d26b53d28114f0ec2915bbd91054d03e5")
def is_newer_than_five(call: ScriptCall, literals: tuple[str, ...]) -> ScriptResult:
    """Whether PowerShell is newer than 5.0: Windows Server 2016 has 5.1."""
    return unchanged(True)


@form("377434d1e70d4fa24f703bae773cae2f50e11de3f24fbfe424b1ddf55bbaff1d")
def epochs(call: ScriptCall, literals: tuple[str, ...]) -> ScriptResult:
    """1970-01-01 as DateTime of each kind, converted, and as DateTimeOffset."""
    return unchanged(*_epochs(call))


@form("d5295ce5612b4a0a3f213db02a87f189feb994e776d1263eacc627846a634616")
def execution_policy(call: ScriptCall, literals: tuple[str, ...]) -> ScriptResult:
    """The variable in which powershell.exe keeps its -ExecutionPolicy."""
    found = call.environment.get("PSExecutionPolicyPreference")
    return ScriptResult(output=[found] if found is not None else [])


@form("4d967a30111bf29f0eba01c448b375c1629b2fed01cdfcc3aed91f1b57d5dd5e")
def test_text(call: ScriptCall, literals: tuple[str, ...]) -> ScriptResult:
    """A text."""
    return ScriptResult(output=["test"])


@form("4bbb1f9446ff0829909d2fa9e71d95f6c7df7e30ac16ddf96e9a6b429d6b3ebf")
def output_text(call: ScriptCall, literals: tuple[str, ...]) -> ScriptResult:
    """Another text."""
    return ScriptResult(output=["output"])


@form("cba789772cd9694d06e482a472f2d007d6ed07e4395899c32e6a96b7d9602d4a")
def no_type_name(call: ScriptCall, literals: tuple[str, ...]) -> ScriptResult:
    """A bracket without the name of a type: the parser refuses it."""
    raise _not_parsed("Missing type name after '['.", "MissingTypename")


@form("1c27429a1817e09c4532f4ec4c0c5b8a28873ab9a08cc9b36a0e25550e7a27e8")
def python_text(call: ScriptCall, literals: tuple[str, ...]) -> ScriptResult:
    """Another language: the parser refuses its empty parentheses."""
    raise _not_parsed("An expression was expected after '('.", "ExpectedExpression")


def _folder(call: ScriptCall, path: str) -> PSObject:
    """A `System.IO.DirectoryInfo` as Get-Item gives it: .NET's properties and those of the provider."""
    entry = call.host.files.entry(path)
    parent, _, name = entry.path.rpartition("\\")
    provider = PSObject(
        {
            "Name": "FileSystem",
            "ImplementingType": TypeInfo(
                "Microsoft.PowerShell.Commands.FileSystemProvider", "System.Management.Automation"
            ),
            "Capabilities": EnumValue(
                "System.Management.Automation.Provider.ProviderCapabilities",
                "Filter, ShouldProcess, Credentials",
                4 | 16 | 32,
            ),
            "Drives": sorted(call.host.files.drives),
        },
        r"Microsoft.PowerShell.Core\FileSystem",
    )
    drive = PSObject({"Name": entry.path[0], "Provider": provider, "Root": entry.path[:3]}, entry.path[0])
    made = datetime.fromtimestamp(entry.created, UTC).replace(tzinfo=None)
    return PSObject(
        {
            "PSPath": rf"{provider.text}::{entry.path}",
            "PSChildName": name,
            "PSDrive": drive,
            "PSProvider": provider,
            "PSIsContainer": True,
            "BaseName": name,
            "Name": name,
            "FullName": entry.path,
            "Parent": f"{parent}\\",
            "Exists": True,
            "Root": entry.path[:3],
            "Extension": "",
            "CreationTimeUtc": _text(call, made, UTC_KIND),
        },
        entry.path,
    )


@form("a8639142d2225c57159450f639e3adfecf56c50cbfd76aa912ab81acca9cd20d")
def many_types(call: ScriptCall, literals: tuple[str, ...]) -> ScriptResult:
    """One object each of many types."""
    windows = _folder(
        call, call.host.environment.expand("%SystemRoot%", call.session, dict(call.environment))
    )
    read = EnumValue("System.IO.FileAccess", "Read", 1)
    exception = {
        "Message": "abc",
        "Data": {},
        "InnerException": None,
        "TargetSite": None,
        "StackTrace": None,
        "HelpLink": None,
        "Source": None,
        "HResult": _COR_E_EXCEPTION,
    }
    levels = ["level2", ["level3", "value"]]
    lists = ["entry 1", None, 1, levels, [], [1], [None], {"key": "value", "exceed": windows}]
    table = {
        "foo": "bar",
        "list": [{"foo": "bar"}, "value 2", _STRING],
        "empty_list": [],
        "null_list": [None],
        "list_with_1": [1],
        "nested": {"foo": "bar", "exceed": {"foo": "bar"}},
    }
    custom = {
        "Key": "value",
        "DateTime": _text(call, _EPOCH, UTC_KIND),
        "Enum": read,
        "List": ["value 1", "value 2"],
        "Nested": PSObject({"Exceed": {"foo": "bar"}, "Key": "value"}, "@{Exceed=...; Key=value}"),
    }
    hidden = EnumValue("System.IO.FileAttributes", "Hidden, Archive", 2 | 32)
    first = [
        None,
        "string",
        1,
        hidden,
        read,
        _OBJECT,
        _STRING,
        "a",
        PSObject(exception, "System.Exception: abc"),
    ]
    # A key of a hashtable wins over a property of the same name.
    rest = [[], [1], [None], lists, {}, table, {"foo": "bar"}, PSObject(custom, "@{...}"), windows]
    return ScriptResult(output=[*first, *_epochs(call), *rest])


@form("3631fbee274192121aa9248a72952afb74eba5b091448277143126075aa1b81c")
def deep_list(call: ScriptCall, literals: tuple[str, ...]) -> ScriptResult:
    """Lists in lists; the outermost one is enumerated."""
    deep = ["normal 3", ["squashed", ["even more squashed"]]]
    return ScriptResult(output=["normal 0", ["normal 1", ["normal 2", deep]]])


@form("a276c294a94b57c15ee4cf6b69d7a0365dab20d9b1ff9041f758a4d32c176bd9")
def result_list(call: ScriptCall, literals: tuple[str, ...]) -> ScriptResult:
    """`$Ansible.Result` as a list."""
    return ScriptResult(result=[_text(call, _EPOCH, UTC_KIND), "string"])


@form("a7b0759694c62a90f96a8f96c8cea0cda1150ae593394506d209413f9f67b42f")
def result_empty(call: ScriptCall, literals: tuple[str, ...]) -> ScriptResult:
    """`$Ansible.Result` as an empty list."""
    return ScriptResult(result=[])


@form("71b5bdd2a91b2cb428adc8b07d17a2098ce02fcaacd213c3f1f9a82ac4cc352f")
def folder_in_tmpdir(call: ScriptCall, literals: tuple[str, ...]) -> ScriptResult:
    """A folder in the module's own one."""
    call.host.files.mkdir(rf"{call.tmpdir}\Directory", session=call.session)
    return ScriptResult(output=[call.tmpdir])


@form("4ad0a8d287e0ed7cc2479a3ff51f5ff2ea97626e3198932b4c4eece39b5a6e94")
def error_between_outputs(call: ScriptCall, literals: tuple[str, ...]) -> ScriptResult:
    """An error between two outputs; with the preference Stop the script ends there."""
    record = _written(call, "error", 2)
    if call.error_action == "stop":
        raise ScriptError(record, ScriptResult(output=["output 1"]))
    return ScriptResult(output=["output 1", "output 2"], errors=[record])


@form("d26d942e26b8a06e660d7d50e670ecb870b041d0cbd1a509ec782ffcd8a62b72")
def error_of_a_function(call: ScriptCall, literals: tuple[str, ...]) -> ScriptResult:
    """A function in a pipeline writes an error with all that Write-Error takes, for the second of three."""
    lines = call.text.rstrip().splitlines()
    write = next(number for number, line in enumerate(lines, 1) if "Write-Error @" in line)
    record = ErrorRecord(
        "Access is denied",
        "System.ComponentModel.Win32Exception",
        # The command that wrote it comes after the identifier.
        "error id,Test-Function",
        "PermissionDenied",
        activity="Write-Error",
        target="some object",
        origin="Test-Function",
        reason="touch luck",
        target_name="target",
        target_type="directory",
        details=("error message", "recommended action"),
        hresult=_E_FAIL,
        stack=f"at Test-Function<Process>, <No file>: line {write}\r\n"
        f"at <ScriptBlock>, <No file>: line {len(lines)}",
        iteration=(2, 2),
    )
    return ScriptResult(errors=[record])


@form("b91cbab1d0fe4191d9bc063efc1d57d6e07a0b2cd71908b9db7651cec881cab2")
def throw_after_output(call: ScriptCall, literals: tuple[str, ...]) -> ScriptResult:
    """`throw` after an output."""
    raise ScriptError("exception", ScriptResult(output=["output 1"]))


@form("e94885772b5b908649f310d82fc4d6caa704acd7d6d2bc5b3039660b17f18fb2")
def set_failed(call: ScriptCall, literals: tuple[str, ...]) -> ScriptResult:
    """`$Ansible.Failed` between two outputs."""
    return ScriptResult(output=["output 1", "output 2"], failed=True)


@form("66fef3eb18939d7067d7b92261047a7a89e39ae332a6c3f7773b3b2a9cd7c562")
def throw_after_not_failed(call: ScriptCall, literals: tuple[str, ...]) -> ScriptResult:
    """`throw` after `$Ansible.Failed = $false`."""
    raise ScriptError("exception", ScriptResult(failed=False))


@form("40480b063b928fcd55e8c3ab0c835894478958e19f0c097ec0a9251324d322a3")
def read_line(call: ScriptCall, literals: tuple[str, ...]) -> ScriptResult:
    """`$Host.UI.ReadLine()`: the module's own host refuses (win_powershell.ps1 lines 189-192)."""
    record = ErrorRecord(
        f'Exception calling "ReadLine" with "0" argument(s): "{_NO_PROMPT}"',
        "System.Management.Automation.MethodInvocationException",
        "MethodInvocationException",
    )
    return ScriptResult(errors=[record])


@form("124177685b435d6bb48917b1d06942d3ab30e69d39cea5038043a63dc7ce39ab")
def all_parameters(call: ScriptCall, literals: tuple[str, ...]) -> ScriptResult:
    """Parameters of several types, as a hashtable."""
    names = ("String", "Switch", "Bool", "Int", "List", "Dict")
    return ScriptResult(output=[{name: call.parameter(name) for name in names}])


@form("4cf0199a377dc1f78f77b5e758bc12d6b6d2da727a2b2b4bb4f0a7b947eb9fe5")
def three_streams(call: ScriptCall, literals: tuple[str, ...]) -> ScriptResult:
    """Debug, verbose and warning with the preference Continue: each also goes to the host."""
    shown = (("DEBUG", "debug"), ("VERBOSE", "verbose"), ("WARNING", "warning"))
    console = "".join(f"{prefix}: {text}\r\n" for prefix, text in shown)
    return ScriptResult(debug=["debug"], verbose=["verbose"], warning=["warning"], host_out=console)


@form("bdde669b904b1f605b6f88fc2ad22d82ba42abebe06a577ef4847d723d4f1c47")
def information(call: ScriptCall, literals: tuple[str, ...]) -> ScriptResult:
    """Write-Information of a DateTime, with a tag."""
    now = datetime.fromtimestamp(call.host.clock.now(), UTC)
    record = {
        "message_data": _text(call, _EPOCH, UTC_KIND),
        "source": "Write-Information",
        "time_generated": f"{now:%Y-%m-%dT%H:%M:%S.%f}0Z",
        "tags": ["tag1"],
    }
    return ScriptResult(information=[record])


@form("81af9b11050dd500af65f789d6aaf8393d0c212f86f1e44e8da49a42212c9e21")
@form("f6e3ad38b419b49eecf136f38f15c7a015fd6c3e990afb597c13e8ecc6b74805")
def should_process(call: ScriptCall, literals: tuple[str, ...]) -> ScriptResult:
    """`$PSCmdlet.ShouldProcess`: not with -WhatIf; with -Confirm:$false nobody is asked."""
    return ScriptResult(output=[not call.parameter("WhatIf", False)])


@form("d66f8108b28c51ae797f0427fa04a070ebc785ec3929a6561e7230ed1f83bd85")
def check_mode(call: ScriptCall, literals: tuple[str, ...]) -> ScriptResult:
    """`$Ansible.CheckMode`."""
    return ScriptResult(output=[call.check_mode])


@form("4006ba11263457998dd9de59c93965d1de77bed1df1cbb1d52c8ef8c56b0e6d8")
def set_unchanged(call: ScriptCall, literals: tuple[str, ...]) -> ScriptResult:
    """`$Ansible.Changed = $false`."""
    return ScriptResult(changed=False)


@form("38d86d81e6498b2ce79f85a636961ec7cf2ae71544010da82ac313c995b2b5e9")
def console_output(call: ScriptCall, literals: tuple[str, ...]) -> ScriptResult:
    """The host, a child process with the same console, then .NET's console, each on both streams."""
    texts = [f"{where}{{}} café \U0001f4a9\r\n" for where in ("{}", "sub ", "")]
    names = (("host", "error"), ("stdout", "stderr"), ("stdout", "stderr"))
    call.host.processes.end(call.host.processes.start("powershell.exe", "", call.session.account).pid, 0)
    out, err = (
        "".join(
            text.replace("{}", name[stream], 1).replace("{}", "")
            for text, name in zip(texts, names, strict=True)
        )
        for stream in (0, 1)
    )
    return ScriptResult(host_out=out, host_err=err)


@form("31c32a6ad9b1e9846ca3074f03c301947e628291e4b9e8093a605775160b24fb")
def primitives_with_properties(call: ScriptCall, literals: tuple[str, ...]) -> ScriptResult:
    """A text and a number to which properties were added; the module takes them off (lines 371-385)."""
    return ScriptResult(output=["foo", 1])


@form("7594a1fe06734fd0eab6e8081355b7a716010700004df687a7c6cfab4ff7964b")
def error_with_target(call: ScriptCall, literals: tuple[str, ...]) -> ScriptResult:
    """Write-Error with hashtables in hashtables as target."""
    return ScriptResult(errors=[_written(call, "err", 1, {"1": {"2": {"3": {"4": {"foo": "bar"}}}}})])


@form("e7c6d16090a2eb6d706da6883caf38a2c9a3595ec424e1ab0186f755276aede0")
def set_diff(call: ScriptCall, literals: tuple[str, ...]) -> ScriptResult:
    """`$Ansible.Diff`."""
    after = {"foo": "bar", "nested": {"1": {"2": {"foo": "bar"}}}}
    return ScriptResult(diff={"before": {"foo": "foo"}, "after": after})


@form("17ee62d2bf95b11cfb6ab7edca5fa4622939b5ca2710e9c1ba60643e4e96338e")
def secure_strings(call: ScriptCall, literals: tuple[str, ...]) -> ScriptResult:
    """Two SecureStrings in clear."""
    return ScriptResult(
        output=[{name: call.parameter(name).value for name in ("SecureString1", "SecureString2")}]
    )


@form("2fbdb42fccbcd23e981495934a65e0b50837aded78469178b005947369cebdef")
def credentials(call: ScriptCall, literals: tuple[str, ...]) -> ScriptResult:
    """Two PSCredentials in clear."""
    found = {name: call.parameter(name) for name in ("Cred1", "Cred2")}
    return ScriptResult(
        output=[
            {name: {"UserName": item.username, "Password": item.password} for name, item in found.items()}
        ]
    )


@form("0673dd223cd535dcc3286bb83dc5415f87f7a3a1d1f18a8a8cc20162b49207b6")
def deep_result(call: ScriptCall, literals: tuple[str, ...]) -> ScriptResult:
    """`$Ansible.Result` four objects deep."""
    value: Any = PSObject({"Four": "abc"}, "@{Four=abc}")
    for name in ("Three", "Two", "One"):
        value = PSObject({name: value}, f"@{{{name}={value.text}}}")
    return ScriptResult(result=value)


_WMI_STATES = {"running": "Running", "stopped": "Stopped", "paused": "Paused"}
_WMI_START = {"auto": "Auto", "delayed": "Auto", "manual": "Manual", "disabled": "Disabled"}


@form("de03fc867500ebcff466e169ff9261d43c4e90f1c0b8902e2132609e231b9d59")
def wmi_service(call: ScriptCall, literals: tuple[str, ...]) -> ScriptResult:
    """`Get-WmiObject Win32_Service` of WinRM: the properties of the class, and the system's own."""
    service = call.host.services.require("WinRM")
    relative = f'Win32_Service.Name="{service.name}"'
    properties = {
        "__CLASS": "Win32_Service",
        "__NAMESPACE": r"root\cimv2",
        "__RELPATH": relative,
        "__SERVER": call.host.computer_name,
        "Name": service.name,
        "DisplayName": service.display_name,
        "PathName": service.image_path,
        "ProcessId": service.pid,
        "StartMode": _WMI_START[service.start_mode],
        "StartName": service.account,
        "State": _WMI_STATES[service.state],
    }
    text = rf"\\{call.host.computer_name}\root\cimv2:{relative}"
    return ScriptResult(output=[PSObject(properties, text)])


@form("d75ee05f594802cc6744b798d65157bc4327d6860354cd105d3ebccf26807b32")
def name_and_letter(call: ScriptCall, literals: tuple[str, ...]) -> ScriptResult:
    """test-script.ps1: a parameter and a letter."""
    return ScriptResult(output=[{"Name": call.parameter("Name"), "Unicode": "ü"}])
