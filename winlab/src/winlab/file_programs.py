r"""`reg.exe load|unload|import` and `sort.exe FILE`, as upstream's own integration targets use them.

Sources: Microsoft's pages "reg load", "reg unload", "reg import", "sort"; the format of the file is in
the page "How to add, modify, or delete registry subkeys and values by using a .reg file".
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from winlab.errors import NotModelled, Win32Error
from winlab.host import paths
from winlab.host.registry import Value
from winlab.programs import ProcessCall, ProcessResult, program

if TYPE_CHECKING:
    from winlab.host.files import FileSystem

ERROR_FILE_NOT_FOUND = 2
_DONE = "The operation completed successfully.\r\n\r\n"
_HEADER = "Windows Registry Editor Version 5.00"
# hex(N) names a type by its number (winnt.h, REG_*).
_HEX_TYPES = {
    "0": "none",
    "1": "string",
    "2": "expandstring",
    "3": "binary",
    "4": "dword",
    "7": "multistring",
    "b": "qword",
}
_KEY = re.compile(r"\A\[(?P<gone>-?)(?P<key>[^\]].*)\]\Z")
_VALUE = re.compile(r'\A(?:@|"(?P<name>(?:[^"\\]|\\.)*)")=(?P<data>.*)\Z')
_HEX = re.compile(r"\Ahex(?:\((?P<type>[0-9a-f])\))?:(?P<bytes>[0-9a-f,\s]*)\Z", re.IGNORECASE)
_DWORD = re.compile(r"\Adword:(?P<number>[0-9a-f]{1,8})\Z", re.IGNORECASE)


@program("reg")
def reg(call: ProcessCall) -> ProcessResult:
    r"""`reg load HKLM\NAME FILE`, `reg unload HKLM\NAME`, `reg import FILE`."""
    words = call.arguments
    verb = words[0].lower() if words else ""
    if verb == "load" and len(words) == 3:
        return _load(call, words[1], words[2])
    if verb == "unload" and len(words) == 2:
        return _unload(call, words[1])
    if verb == "import" and len(words) == 2:
        return _import(call, words[1])
    raise NotModelled(f"{call.host.name}: {call.command_line}", "Use win_regedit or win_reg_stat.")


def _error(message: str) -> ProcessResult:
    return ProcessResult(1, "", f"ERROR: {message}\r\n")


def _hive_name(call: ProcessCall, key: str) -> str:
    root, _, name = key.partition("\\")
    if root.upper() not in ("HKLM", "HKEY_LOCAL_MACHINE") or not name or "\\" in name:
        raise NotModelled(f"{call.host.name}: {call.command_line}", r"A hive is loaded at HKLM\NAME.")
    return name


# Which file a hive came from, by host and name: reg.exe leaves it to the system to know.
_LOADED = "registry_files"


def _load(call: ProcessCall, key: str, file: str) -> ProcessResult:
    name, files, registry = _hive_name(call, key), call.host.files, call.host.registry
    path = paths.normalise(file, call.cwd)
    if registry.key_exists(f"HKLM\\{name}"):
        return _error("The process cannot access the file because it is being used by another process.")
    try:
        registry.load_file(name, files.read_bytes(path, call.session))
    except Win32Error as error:
        return _error(f"{error.message}.")
    call.host.products.setdefault(_LOADED, {})[name.upper()] = path
    files.lock(path, _holder(name), exclusive=True)
    return ProcessResult(0, _DONE)


def _unload(call: ProcessCall, key: str) -> ProcessResult:
    name = _hive_name(call, key)
    path = call.host.products.get(_LOADED, {}).pop(name.upper(), None)
    if path is None:
        return _error("The parameter is incorrect.")
    call.host.files.unlock_all(_holder(name))
    call.host.files.write_bytes(path, call.host.registry.unload_file(name))
    return ProcessResult(0, _DONE)


def _holder(name: str) -> str:
    """Who has the file of a loaded hive open."""
    return f"hive:{name.upper()}"


def _import(call: ProcessCall, file: str) -> ProcessResult:
    path = paths.normalise(file, call.cwd)
    try:
        text = _text(call.host.files, path, call)
    except Win32Error:
        return _error(f"Error opening the file. There may be a disk or file system error. ({file})")
    if not text.startswith(_HEADER):
        return _error("The specified file is not a registry script.")
    registry, key = call.host.registry, ""
    for line in re.sub(r"\\\r?\n\s*", "", text).splitlines()[1:]:
        stripped = line.strip()
        if found := _KEY.match(stripped):
            key = found["key"]
            if found["gone"]:
                if registry.key_exists(key):
                    registry.delete_key(key, session=call.session)
                key = ""
            else:
                registry.create_key(key, call.session)
        elif key and (found := _VALUE.match(stripped)):
            _set(call, key, found["name"], found["data"])
        elif stripped and not stripped.startswith(";"):
            raise NotModelled(
                f"{call.host.name}: {file}: {stripped!r}", "Write the line as `regedit /e` does."
            )
    return ProcessResult(0, "", _DONE)


def _text(files: FileSystem, path: str, call: ProcessCall) -> str:
    data = files.read_bytes(path, call.session)
    wide = data[:2] in (b"\xff\xfe", b"\xfe\xff")
    return data.decode("utf-16" if wide else "utf-8-sig", "replace")


def _set(call: ProcessCall, key: str, name: str | None, data: str) -> None:
    registry = call.host.registry
    plain = re.sub(r"\\(.)", r"\1", name or "")
    if data == "-":
        if registry.get(key, plain) is not None:
            registry.delete_value(key, plain, call.session)
        return
    registry.set(key, plain, _value(call, data), call.session)


def _value(call: ProcessCall, data: str) -> Value:
    if data.startswith('"') and data.endswith('"'):
        return Value("string", re.sub(r"\\(.)", r"\1", data[1:-1]))
    if found := _DWORD.match(data):
        return Value("dword", int(found["number"], 16))
    found = _HEX.match(data)
    kind = _HEX_TYPES.get((found["type"] or "3").lower()) if found else None
    if found is None or kind is None:
        raise NotModelled(f"{call.host.name}: registry value {data!r}", "Write it as `regedit /e` does.")
    raw = bytes(int(part, 16) for part in found["bytes"].split(",") if part.strip())
    if kind in ("string", "expandstring"):
        return Value(kind, raw.decode("utf-16-le").rstrip("\0"))
    if kind == "multistring":
        return Value(kind, [text for text in raw.decode("utf-16-le").split("\0") if text])
    if kind in ("dword", "qword"):
        return Value(kind, int.from_bytes(raw, "little"))
    return Value(kind, raw)


@program("sort")
def sort(call: ProcessCall) -> ProcessResult:
    """`sort.exe FILE`: its lines, in order and without regard to case."""
    if len(call.arguments) != 1 or call.arguments[0].startswith("/"):
        raise NotModelled(f"{call.host.name}: {call.command_line}", "sort.exe is imitated with one file.")
    path = paths.normalise(call.arguments[0], call.cwd)
    if not call.host.files.is_file(path):
        return ProcessResult(1, "", f"{call.arguments[0]}The system cannot find the file specified.\r\n")
    text = call.host.files.read_bytes(path, call.session).decode("utf-8", "replace")
    lines = sorted(text.splitlines(), key=str.upper)
    return ProcessResult(0, "".join(f"{line}\r\n" for line in lines))
