"""Scripts about accounts, the registry, shares, events and the environment."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from upstream_forms import form, unchanged
from winlab.errors import Win32Error
from winlab.host import paths, timezones
from winlab.host.drives import Share
from winlab.host.registry import Value
from winlab.scripts import FormFunction, ScriptCall, ScriptError, ScriptResult

ERROR_LOGON_FAILURE = 1326
MACHINE_ENVIRONMENT = r"HKLM\SYSTEM\CurrentControlSet\Control\Session Manager\Environment"


def _group(call: ScriptCall) -> dict[str, Any] | None:
    group = call.host.accounts.group(str(call.parameter("Name")))
    if group is None:
        return None
    return {"Name": group.name, "Description": group.description, "SID": {"Value": group.sid}}


@form("ff6eca970416c489bd4692a8db40add330f621c86a35f814d288f117e098f554")
def group_or_nothing(call: ScriptCall, literals: tuple[str, ...]) -> ScriptResult:
    """`Get-LocalGroup -ErrorAction SilentlyContinue`."""
    group = _group(call)
    return unchanged(group) if group else unchanged()


@form("0d73fcbfc01e14fa1f66c503aea1fb9ce2d167fc9ff582e06a87797cfc9f1182")
def group(call: ScriptCall, literals: tuple[str, ...]) -> ScriptResult:
    """`Get-LocalGroup`."""
    found = _group(call)
    if found is None:
        raise ScriptError(f"Group {call.parameter('Name')} was not found.")
    return unchanged(found)


@form("5c3d806a2496af6074a84f6823227961c42df71dc52ce2a101366dc075bafb4f")
def group_members(call: ScriptCall, literals: tuple[str, ...]) -> ScriptResult:
    """win_group: name and SID of each member, local ones with a dot, sorted by name."""
    accounts = call.host.accounts
    found = accounts.group(str(call.parameter("Name")))
    rows = []
    for sid in found.members if found else ():
        domain, _, user = accounts.display(sid).partition("\\")
        local = domain.upper() == call.host.computer_name.upper()
        rows.append({"Name": f"{'.' if local else domain}\\{user}", "SID": sid})
    return unchanged(*sorted(rows, key=lambda row: row["Name"]))


@form("af3dd5015f6c5335ee06a4f47bcf22d25fbf2b9d5b8c4bc49e9910f3b69d33b5")
@form("7a1323720c0bc77011bfe991544419853bf9913c6c8e687a64d81524124caaf5")
def built_in_administrator(call: ScriptCall, literals: tuple[str, ...]) -> ScriptResult:
    """The name of the local account whose SID ends in -500."""
    return unchanged(next(user.name for user in call.host.accounts.users() if user.rid == 500))


@form("87c4ad14741e9aedff427212a72bbdf7da35335186c4f694210f149363d03af3", free=(0,))
def account_name(call: ScriptCall, literals: tuple[str, ...]) -> ScriptResult:
    """An account's name as Windows itself writes it."""
    return unchanged(call.host.accounts.display(call.host.accounts.resolve(literals[0]).sid))


@form("5b67517f46a39a34a8ce38c678959a6179f5c539cbee000714715cc755259658")
def account_expires(call: ScriptCall, literals: tuple[str, ...]) -> ScriptResult:
    """win_user: when an account expires, local time; nothing when never."""
    user = call.host.accounts.user(str(call.parameter("Name")))
    if user is None:
        raise ScriptError(f"User {call.parameter('Name')} was not found.")
    return unchanged(_local(call, user.account_expires)) if user.account_expires else unchanged()


@form("b1814e5dc2eda51984478fef7634f1e5f84b685166d8fb71f1ea355acda33adf")
def expected_dates(call: ScriptCall, literals: tuple[str, ...]) -> ScriptResult:
    """win_user: four moments of 2040-10-27 in local time; the last is 14:30 two hours east."""
    hours = ((0, 0), (14, 30), (13, 30), (12, 30))
    return unchanged(*(_local(call, datetime(2040, 10, 27, h, m, tzinfo=UTC).timestamp()) for h, m in hours))


def _local(call: ScriptCall, moment: float) -> str:
    """A DateTime in the host's zone as win_powershell shows it: round-trip format, of kind Local."""
    local = timezones.current_zone(call.host).local(datetime.fromtimestamp(moment, UTC))
    text, offset = local.strftime("%Y-%m-%dT%H:%M:%S.0000000"), local.strftime("%z")
    return f"{text}{offset[:3]}:{offset[3:5]}"


@form("2662983f695899b50667a504732e5d572fd0ab582b56163c20d4ebeb6568b7ec")
def lock_account(call: ScriptCall, literals: tuple[str, ...]) -> ScriptResult:
    """win_user: ten logons with a wrong password, until the answer is another one than "wrong password"."""
    for _ in range(10):
        try:
            call.host.accounts.logon(call.arguments[0], "b@DP@ssw0rd", "network")
        except Win32Error as error:
            if error.code != ERROR_LOGON_FAILURE:
                break
    return ScriptResult()


@form("603c194c4dfe145e235fedf9d132a07885e871749e1b96d1c1ca80fc2b67c130", free=(1, 3))
def machine_variable_is(call: ScriptCall, literals: tuple[str, ...]) -> ScriptResult:
    """win_environment: whether a machine variable, not expanded, has a value (compared without case)."""
    value = call.host.registry.get(MACHINE_ENVIRONMENT, literals[0])
    return unchanged(value is not None and str(value.data).lower() == literals[1].lower())


@form("2926a82b6c2293e89871bb2949192144c0f3f84238c7b0d33781d924a108d470", free=(1,))
def machine_variable(call: ScriptCall, literals: tuple[str, ...]) -> ScriptResult:
    """win_environment: a machine variable, not expanded; nothing when it is not set."""
    value = call.host.registry.get(MACHINE_ENVIRONMENT, literals[0])
    return unchanged(value.data) if value else unchanged()


@form("1efda4fdbbfd2c0ad5328c7cf10d590bf08dfdf0fb29531636c39fcb08b7e11b", free=(1,))
def user_variable(call: ScriptCall, literals: tuple[str, ...]) -> ScriptResult:
    """win_environment: the same of the user."""
    value = call.host.registry.get(r"HKCU\Environment", literals[0], call.session)
    return unchanged(value.data) if value else unchanged()


@form("082377c1e39aaa923fb7c50e1057700dae39a5a88a2245c556e8020b644195fe")
def write_event(call: ScriptCall, literals: tuple[str, ...]) -> ScriptResult:
    """win_eventlog: one entry."""
    call.host.events.write("WinEventLogTest", "WinEventLogSource1", 12345, "information", "Test message")
    return ScriptResult()


def _load_hive(call: ScriptCall) -> None:
    content = call.host.files.read_bytes(r"C:\Users\Default\NTUSER.dat", call.session)
    call.host.registry.load_file("ANSIBLE", content)


def _unload_hive(call: ScriptCall) -> None:
    call.host.files.write_bytes(r"C:\Users\Default\NTUSER.dat", call.host.registry.unload_file("ANSIBLE"))


@form("03d0dcdf45b56cac60b5716656cc304c24d4a75eeb1139770d5ec1223261bf8f")
def key_in_hive(call: ScriptCall, literals: tuple[str, ...]) -> ScriptResult:
    """win_regedit: whether the default profile's hive has the key."""
    _load_hive(call)
    found = call.host.registry.key_exists(r"HKLM:\ANSIBLE\NewKey")
    _unload_hive(call)
    return unchanged(found)


@form("b529135ffd0caba3421d72874c73aa88679acf04c163fb70cf9c2dd83de9e700")
def value_in_hive(call: ScriptCall, literals: tuple[str, ...]) -> ScriptResult:
    """win_regedit: a value in the default profile's hive, when it is there."""
    _load_hive(call)
    key = r"HKLM:\ANSIBLE\NewKey"
    value = call.host.registry.get(key, "TestProp") if call.host.registry.key_exists(key) else None
    _unload_hive(call)
    return unchanged(value.data) if value and value.data else unchanged()


def _share(call: ScriptCall, name: str) -> Share | None:
    return call.host.files.shares.get(paths.fold(name))


@form("3e7edc67082a7f4c58226c6902bde1637436aab3c7f79add2a01f712a30ec1ac", free=(0,))
@form("f5fecb13d6df4b112d338463bf84c91c0df29d7917023e4027c79c94af3537d2", free=(0,))
def share_by_name(call: ScriptCall, literals: tuple[str, ...]) -> ScriptResult:
    """`Get-SmbShare | Where-Object Name`: a table when it is there, nothing otherwise."""
    share = _share(call, literals[0])
    if share is None:
        return ScriptResult()
    rows = ("", "Name ScopeName Path Description", "---- --------- ---- -----------",
            f"{share.name} * {share.path} {share.description}", "", "")  # fmt: skip
    return unchanged("\n".join(rows))


def share_property(name: str, usual: str) -> FormFunction:
    """`(Get-SmbShare -Name NAME).PROPERTY`."""

    def read(call: ScriptCall, literals: tuple[str, ...]) -> ScriptResult:
        share = _share(call, literals[0])
        if share is None:
            raise ScriptError(
                f"No MSFT_SMBShare objects found with property 'Name' equal to '{literals[0]}'."
            )
        return unchanged(
            share.description if name == "Description" else dict(share.settings).get(name, usual)
        )

    return read


form("4f544c99037b32edd673919ba49b3be7f0d4c9fff05033e74fab140daf892c5f", (0,))(
    share_property("CachingMode", "Manual")
)
form("a68a97c4da76337fbf5e4a1e6396d3dac70b9ce9805297e1d1082e8f5369e1cf", (0,))(
    share_property("EncryptData", "False")
)
form("ec63b4ab9db76c37f1046dfc7a51aaddd79913757d1623ab7679138b7f0ade0c", (0,))(
    share_property("Description", "")
)
form("3a47f634e383e1dfe244578aac366dec5e3fb627dc1efb595a4ffeeef40771f1", (0,))(
    share_property("FolderEnumerationMode", "Unrestricted")
)


@form("4d306a1ef0da1a7bb62dbaa5c64a187d5a5a09b44e65327c4e641dd4374af4c4", free=(0,))
def share_access(call: ScriptCall, literals: tuple[str, ...]) -> ScriptResult:
    """win_share: right, kind and account of each rule that `Get-SmbShareAccess` lists."""
    share = _share(call, literals[0])
    if share is None:
        raise ScriptError(f"No MSFT_SMBShare objects found with property 'Name' equal to '{literals[0]}'.")
    lines = []
    for rule in share.shown_access:
        kind, right, sid = rule.split(":", 2)
        lines.append(f"{right.capitalize()}|{kind.capitalize()}|{call.host.accounts.display(sid)}")
    return ScriptResult(host_out="".join(f"{line}\n" for line in lines))


@form("3b2f5c1ca5cd1ebafd1ffbce09599a6234a830746aff41c58f232eaf0625c8e4")
def no_service(call: ScriptCall, literals: tuple[str, ...]) -> ScriptResult:
    """win_service: the service that the first positional argument names; a named one leaves `$args` empty."""
    if not call.arguments:
        return unchanged()
    found = call.host.services.get(call.arguments[0])
    return unchanged({"Name": found.name}) if found else unchanged()


@form("eabe1cd39c9cf27cd046d3c63b7bdc23cf9d38669dbbe10d32e87cebb7855e62")
def page_file(call: ScriptCall, literals: tuple[str, ...]) -> ScriptResult:
    r"""The page file; Windows manages it by itself, so it is `C:\pagefile.sys`."""
    return unchanged(r"C:\pagefile.sys")


@form("ca18afe45000e903f1317c6971702e5b1057d0c072210d56d540f3b35253d301")
def full_temp(call: ScriptCall, literals: tuple[str, ...]) -> ScriptResult:
    """`%TEMP%` with short names made long."""
    return unchanged(paths.normalise(_variable(call, "TEMP")))


def _variable(call: ScriptCall, name: str) -> str:
    return next((value for key, value in call.environment.items() if key.upper() == name), "")


@form("0cdf0ca966ebcae9029083ee9712c03acc7993f3f0fc474f63bdc462e31725ec")
def working_folder(call: ScriptCall, literals: tuple[str, ...]) -> ScriptResult:
    """`$pwd.Path`."""
    return unchanged(call.cwd)


@form("4a8e8055d486c39651232dfc86bab2f25f05e4f282b49ebb8c671e4079c5a37b")
def two_mebibytes(call: ScriptCall, literals: tuple[str, ...]) -> ScriptResult:
    """win_async: a letter, two million times."""
    return unchanged("a" * 2097152)


SESSION_MANAGER = r"HKLM\SYSTEM\CurrentControlSet\Control\Session Manager"


@form("225e0bbf2301ece82ee4effbb76cd82e82ad5602a05918308de04c16616e8eba", free=(0,))
def reboot_once_more(call: ScriptCall, literals: tuple[str, ...]) -> ScriptResult:
    """win_reboot: while a file is there, have it removed at the next start, restart, and end with 1."""
    if not call.host.files.exists(literals[0]):
        return ScriptResult()
    pending = Value("multistring", [rf"\??\{literals[0]}", ""])
    call.host.registry.set(SESSION_MANAGER, "PendingFileRenameOperations", pending, call.session)
    call.host.schedule_reboot(0)
    return ScriptResult(rc=1)
