r"""Access rules of files and registry keys as `Get-Acl` and `Set-Acl` reach them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from winlab.errors import NotModelled, Win32Error
from winlab.host import acl, paths
from winlab.host.acl import Acl
from winlab.modules import Call
from winlab.modules._dotnet import Disk, DotNetError, invocation_text, text_of, where_of
from winlab.modules._registry import is_drive_path

ERROR_ACCESS_DENIED = 5
_ERROR_INVALID_DATA = 13
UNAUTHORIZED = "Attempted to perform an unauthorized operation."


class Securable:
    r"""A file, folder or registry key with access rules.

    Args:
        call: the module call.
        path: a path of the file system or ``HKLM:\...``.
        privileged: whether the module switches on the privileges that let an administrator pass every rule.
    """

    def __init__(self, call: Call, path: str, privileged: bool) -> None:
        self.path = path
        self.is_key = is_drive_path(path)
        self._disk = Disk(call)
        self._registry = call.host.registry
        if paths.fold(path.partition(":")[0]) == "CERT":
            raise NotModelled(
                f"certificate path {path} of {call.name}", "Keys of certificates have no rules here."
            )
        self._session = None if privileged and call.session.is_admin else call.session

    def exists(self) -> bool:
        """Return what ``Test-Path -LiteralPath`` returns."""
        if self.is_key:
            return self._registry.key_exists(self.path, self._disk.session)
        return self._disk.test(self.path)

    def is_file(self) -> bool:
        """Return what ``Test-Path -LiteralPath -PathType Leaf`` returns; a key is a container."""
        return not self.is_key and self._disk.is_leaf(self.path)

    def read(self) -> Acl:
        """Return the rules."""
        with _unauthorized("GetAccessControl", 0):
            if self.is_key:
                return self._registry.acl(self.path, self._session)
            return self._disk.files.acl(self._disk.full(self.path), self._session)

    def write(self, rules: Acl) -> None:
        """Replace the rules."""
        with _unauthorized("SetAccessControl", 1):
            if self.is_key:
                self._registry.set_acl(self.path, rules, self._session)
            else:
                self._disk.files.set_acl(self._disk.full(self.path), rules, self._session)


def mask_of(text: str, rights: Mapping[str, int], type_name: str) -> int:
    """Return the number of a text such as ``Read, Write`` (names in any case, or a number).

    Raises:
        DotNetError: a name is none of `rights`, as PowerShell words it.
    """
    folded = {name.lower(): value for name, value in rights.items()}
    mask = 0
    for part in text.split(","):
        name = part.strip()
        value = folded.get(name.lower())
        if value is None and name.isdigit():
            value = int(name)
        if value is None:
            raise DotNetError(
                _ERROR_INVALID_DATA,
                name,
                f'Cannot convert value "{text}" to type "System.Security.AccessControl.{type_name}". Error: '
                f'"Unable to match the identifier name {name} to a valid enumerator name. Specify one of the '
                f'following enumerator names and try again:\r\n{", ".join(rights)}"',
            )
        mask |= value
    return mask


def file_mask(mask: int, allow: bool) -> int:
    """Return the access mask of a `FileSystemAccessRule`, which adds or drops Synchronize on its own."""
    if allow:
        return mask | acl.SYNCHRONIZE
    return mask if mask == acl.FULL_CONTROL else mask & ~acl.SYNCHRONIZE


@contextmanager
def _unauthorized(method: str, count: int) -> Iterator[None]:
    try:
        yield
    except Win32Error as error:
        text = UNAUTHORIZED if error.code == ERROR_ACCESS_DENIED else text_of(error)
        raise DotNetError(error.code, where_of(error), invocation_text(method, count, text)) from error
