r"""How the registry looks from PowerShell 5.1 and `Microsoft.Win32.RegistryKey`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from winlab.host.registry import Registry, Value

if TYPE_CHECKING:
    from winlab.host.sessions import Session
    from winlab.modules import Call

# Both modules match with the case-insensitive ``-notmatch``.
_PATH = re.compile(r"^HK(CC|CR|CU|LM|U):\\", re.IGNORECASE)
# `RegistryValueKind` as ToString() gives it.
KINDS = {
    "none": "None",
    "string": "String",
    "expandstring": "ExpandString",
    "binary": "Binary",
    "dword": "DWord",
    "multistring": "MultiString",
    "qword": "QWord",
}


class Keys:
    """The registry as one module call sees it."""

    def __init__(self, call: Call) -> None:
        self.call = call
        self.registry: Registry = call.host.registry
        self.session: Session = call.session

    def expanded(self, value: Value) -> Value:
        """Return the value as `GetValue` gives it: references in an expandstring are replaced."""
        if value.type == "expandstring":
            return Value("expandstring", self.call.expand(str(value.data)))
        return value

    def get(self, path: str, name: str) -> Value | None:
        """Return a value as it is stored; the default value has the name ``""``."""
        return self.registry.get(path, name, self.session)


def is_drive_path(path: str) -> bool:
    r"""Tell whether `path` has the form ``HKLM:\x`` that the modules ask for."""
    return _PATH.search(path) is not None


def hex_bytes(data: bytes) -> list[str]:
    """Return bytes as ``0x01`` each."""
    return [f"0x{byte:02x}" for byte in data]
