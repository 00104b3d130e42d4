"""Twin of ansible.windows.win_regedit 3.3.0 (plugins/modules/win_regedit.ps1)."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from winlab.arguments.powershell import as_int, dotnet_string, interpolated
from winlab.errors import ModuleFailure, Win32Error
from winlab.host.acl import KEY_READ, KEY_WRITE
from winlab.host.registry import Data, Value
from winlab.modules import Call, twin
from winlab.modules._dotnet import Disk, DotNetError, invocation_text
from winlab.modules._registry import KINDS, Keys, hex_bytes, is_drive_path

_MAX_BYTE = 255
_ERROR_ACCESS_DENIED = 5
_ERROR_INVALID_DATA = 13
_READ_AND_WRITE = KEY_READ | KEY_WRITE
_WHOLE = re.compile(r"([+-]?\d+|0[xX][0-9a-fA-F]+|)\Z")
_NOT_HEX = re.compile(r"[^a-f0-9\\,x\-:]")
_LOADED = "HKLM:\\ANSIBLE"
_ALREADY_LOADED = "hive already loaded at HKLM:\\ANSIBLE, had to unload hive for win_regedit to continue"
_NOT_HELD = (
    "for the current process: A required privilege is not held by the client (Failed to enable token "
    "privileges, Win32ErrorCode 1314)"
)
_CORRUPT = "The configuration registry database is corrupt"
_DEFAULT_IS_STRING = (
    "the data type when name is not specified can only be 'string', the type has automatically been converted"
)


@twin("ansible.windows.win_regedit")
def win_regedit(call: Call) -> dict[str, Any]:
    """Set or remove a key or value; compares type and data, text with case (lines 165-173, 266-368)."""
    return _Edit(call).run()


class _Edit:
    def __init__(self, call: Call) -> None:
        self.call = call
        self.keys = Keys(call)
        self.path = str(call.params["path"])
        self.kind = str(call.params["type"]).lower()
        self.result: dict[str, Any] = {"changed": False, "data_changed": False, "data_type_changed": False}
        self.before: Any = ""
        self.after: Any = ""
        if call.params["name"] is None and self.kind != "string":
            # Lines 118-122.
            self.result["warnings"] = [_DEFAULT_IS_STRING]
            self.kind = "string"
        self.name: str = call.params["name"] or ""

    def run(self) -> dict[str, Any]:
        if not is_drive_path(self.path):
            raise self._fail(
                f"path: {self.path} is not a valid powershell path, see module documentation for examples."
            )
        data = self._convert(self.call.params["data"])
        hive = self.call.params["hive"]
        if hive is not None:
            self._load(str(hive))
        try:
            if str(self.call.params["state"]).lower() == "absent":
                self._absent()
            else:
                self._present(data)
        finally:
            if hive is not None:
                self._unload(str(hive))
        if self.call.diff_mode:
            self.result["diff"] = {"before": self.before, "after": self.after}
        return self.result

    def _fail(self, message: str) -> ModuleFailure:
        return ModuleFailure(message, **self.result)

    def _load(self, hive: str) -> None:
        r"""Lines 484-514: put the hive of a file at HKLM:\ANSIBLE, in check mode, too."""
        disk, registry = Disk(self.call), self.keys.registry
        if not disk.test(hive):
            raise self._fail(f"hive at path '{hive}' is not valid or accessible, cannot load hive")
        if not self.call.session.is_admin:
            raise self._fail(f"failed to enable SeBackupPrivilege and SeRestorePrivilege {_NOT_HELD}")
        if registry.key_exists(_LOADED):
            self.result.setdefault("warnings", []).append(_ALREADY_LOADED)
            registry.unload_file("ANSIBLE")
        try:
            registry.load_file("ANSIBLE", disk.files.read_bytes(disk.full(hive)))
        except Win32Error as error:
            reason = f"Failed to load registry hive at {hive} ({_CORRUPT}, Win32ErrorCode {error.code})"
            text = invocation_text(".ctor", 2, reason)
            raise self._fail(
                f"failed to load registry hive from '{hive}' to HKLM:\\ANSIBLE: {text}"
            ) from error

    def _unload(self, hive: str) -> None:
        disk = Disk(self.call)
        content = self.keys.registry.unload_file("ANSIBLE")
        full = disk.full(hive)
        if content != disk.files.read_bytes(full):
            disk.files.write_bytes(full, content, force=True)

    def _convert(self, data: Any) -> Data | None:
        """Lines 375-466: the data in the form that the type wants; None leaves the value alone."""
        if self.kind in {"binary", "none"}:
            return self._bytes(data)
        if self.kind in {"dword", "qword"}:
            return self._integer(data)
        if self.kind == "multistring":
            return _texts(data)
        if data is None:
            # Lines 444-450: a text is never null, but the default value of a key stays as it is.
            return "" if self.name else None
        return dotnet_string(data)

    def _bytes(self, data: Any) -> bytes:
        if data is None:
            return b""
        if isinstance(data, str):
            return _from_hex(data)
        if isinstance(data, int) and data > _MAX_BYTE:
            raise self._fail(
                f"cannot convert binary data '{data}' to byte array, please specify this value as a yaml "
                "byte array or a comma separated hex value string"
            )
        return bytes(_to_byte(item) for item in (data if isinstance(data, list) else [data]))

    def _integer(self, data: Any) -> int:
        """Lines 396-443: what is stored is unsigned; a negative number wraps as it does in .NET."""
        bits = 32 if self.kind == "dword" else 64
        limit = (1 << bits) - 1
        number = _to_integer(data)
        if isinstance(number, float):
            raise self._fail(
                f"data '{interpolated(data)}' cannot be a decimal or float value with a remainder when type "
                "is dword or qword"
            )
        if number > limit:
            raise self._fail(f"data cannot be larger than {limit:#x} when type is {self.kind}")
        if number < -(1 << (bits - 1)):
            raise _conversion_error(
                data, f"Int{bits}", f"Value was either too large or too small for an Int{bits}."
            )
        return number % (1 << bits)

    def _absent(self) -> None:
        """Lines 200-264."""
        registry, session = self.keys.registry, self.keys.session
        if not registry.key_exists(self.path):
            return
        self._open_for_writing()
        if self.call.params["delete_key"] and not self.name:
            if not self.call.check_mode:
                self._try("delete registry key at", "DeleteSubKeyTree", 2, registry.delete_key)
            self.before, self.after = {self.path: {}}, {}
        else:
            stored = self.keys.get(self.path, self.name)
            if stored is None:
                return
            if not self.call.check_mode:
                registry.delete_value(self.path, self.name, session)
            # The diff of a removal shows the expanded text: line 237 does not ask for the stored one.
            shown = _shown(self.keys.expanded(stored))
            self.before, self.after = {self.path: {self.name: shown}}, {self.path: {}}
        self.result["changed"] = True

    def _present(self, data: Data | None) -> None:
        """Lines 266-368."""
        registry, session = self.keys.registry, self.keys.session
        is_there = registry.key_exists(self.path)
        self.before = {self.path: {}} if is_there else {}
        self.after = {self.path: {}}
        if is_there:
            self._open_for_writing()
        else:
            self.result["changed"] = True
            if self.call.check_mode:
                return
            self._try("create registry key at", "CreateSubKey", 1, registry.create_key)
        if data is None:
            return
        wanted = Value(self.kind, data)
        stored = registry.get(self.path, self.name, session)
        if stored is not None:
            retyped, differs = stored.type != wanted.type, _differs(stored.data, data)
            self.result["data_type_changed"], self.result["data_changed"] = retyped, differs
            self.before[self.path][self.name] = _shown(stored)
            if not retyped and not differs:
                self.after[self.path][self.name] = _shown(stored)
                return
        if not self.call.check_mode:
            registry.set(self.path, self.name, wanted, session)
        self.result["changed"] = True
        self.after[self.path][self.name] = _shown(wanted)

    def _open_for_writing(self) -> None:
        """``OpenSubKey($Path, $true)`` fails before anything else happens (lines 211 and 277)."""
        if not self.keys.registry.allowed(self.path, self.keys.session, _READ_AND_WRITE):
            text = invocation_text("OpenSubKey", 2, "Requested registry access is not allowed.")
            raise DotNetError(_ERROR_ACCESS_DENIED, self.path, text)

    def _try(self, what: str, method: str, count: int, function: Callable[..., object]) -> None:
        try:
            function(self.path, session=self.keys.session)
        except Win32Error as error:
            full = self.keys.registry.normalise(self.path, self.keys.session)
            message = f"Access to the registry key '{full}' is denied."
            if "\\" not in full:
                message = "Cannot delete a registry hive's subtree."
            text = invocation_text(method, count, message)
            raise self._fail(f"failed to {what} {self.path}: {text}") from error


def _differs(existing: Data, new: Data) -> bool:
    """Lines 165-173: lists are compared item by item without regard to case, other values with it."""
    if isinstance(existing, list | bytes):
        items = list(new) if isinstance(new, list | bytes) else [new]
        return [interpolated(item).casefold() for item in existing] != [
            interpolated(item).casefold() for item in items
        ]
    if isinstance(existing, int):
        return isinstance(new, list | bytes) or existing != _number(new)
    return existing != interpolated(list(new) if isinstance(new, bytes) else new)


def _number(value: str | int) -> int | None:
    """Return the number that a text stands for, as a comparison with a number converts it."""
    try:
        return int(value) if isinstance(value, int) else int(value, 0)
    except ValueError:
        return None


def _texts(data: Any) -> list[str] | None:
    """Lines 451-464: a loop over nothing gives null, so an empty list leaves the value alone."""
    if data is None:
        return []
    if isinstance(data, list):
        return [interpolated(item) for item in data] or None
    return [interpolated(data)]


def _shown(value: Value) -> dict[str, Any]:
    """Return a value as the diff shows it (lines 175-198)."""
    data: Any = value.data
    if isinstance(data, bytes):
        data = hex_bytes(data)
    elif isinstance(data, int):
        data = f"{data:#010x}" if value.type == "dword" else f"{data:#018x}"
    return {"type": KINDS[value.type], "value": data}


def _from_hex(text: str) -> bytes:
    """Lines 135-163: ``hex:be,ef``, ``be:ef``, ``beef``; an odd number of digits gives nothing."""
    digits = _NOT_HEX.sub("", text.lower().removeprefix("hex:")).replace(",", ":")
    if not digits:
        return b""
    if len(digits) == 1:
        pairs = [digits]
    elif ":" in digits:
        pairs = re.split(":+", digits)
    elif len(digits) % 2 == 0:
        pairs = [digits[start : start + 2] for start in range(0, len(digits), 2)]
    else:
        return b""
    return bytes(_hex_byte(pair) for pair in pairs)


def _hex_byte(pair: str) -> int:
    """`Convert.ToByte(pair, 16)`."""
    bare = pair.removeprefix("0x")
    if re.fullmatch("[0-9a-f]+", bare):
        if int(bare, 16) <= _MAX_BYTE:
            return int(bare, 16)
        message = "Value was either too large or too small for an unsigned byte."
    elif not pair:
        message = "Index was out of range. Must be non-negative and less than the size of the collection."
    else:
        message = "Could not find any recognizable digits."
    raise DotNetError(_ERROR_INVALID_DATA, pair, invocation_text("ToByte", 2, message))


def _to_byte(item: Any) -> int:
    number = as_int(item)
    if number is None:
        raise _conversion_error(item, "Byte", "Input string was not in a correct format.")
    if not 0 <= number <= _MAX_BYTE:
        raise _conversion_error(item, "Byte", "Value was either too large or too small for an unsigned byte.")
    return number


def _to_integer(data: Any) -> int | float:
    """Return a whole number, or the float that is none."""
    if data is None:
        return 0
    if isinstance(data, float):
        return data if data % 1 else int(data)
    if isinstance(data, int):
        return int(data)
    text = interpolated(data).strip()
    if not _WHOLE.match(text):
        raise _conversion_error(data, "UInt64", "Input string was not in a correct format.")
    number = int(text or "0", 16 if text.lower().startswith("0x") else 10)
    if not 0 <= number < 1 << 64:
        raise _conversion_error(data, "UInt64", "Value was either too large or too small for a UInt64.")
    return number


def _conversion_error(data: Any, kind: str, reason: str) -> DotNetError:
    text = f'Cannot convert value "{interpolated(data)}" to type "System.{kind}". Error: "{reason}"'
    return DotNetError(_ERROR_INVALID_DATA, "", text)
