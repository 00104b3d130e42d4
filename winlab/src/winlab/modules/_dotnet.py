r"""How files look from PowerShell 5.1 and the .NET Framework 4, which the modules are written in.

Message texts are those of mscorlib's English resources (`System.IO.__Error.WinIOError`) and of PowerShell's
`FileSystemProviderStrings`; where the runtime passes on the system's own text it ends in a line break.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from winlab.errors import Win32Error
from winlab.host import paths
from winlab.host.files import Entry

if TYPE_CHECKING:
    from winlab.host.files import FileSystem
    from winlab.host.sessions import Session
    from winlab.modules import Call

# `System.IO.FileAttributes`, in the order of their values, which is how ToString() lists them.
_ATTRIBUTE_ORDER = (
    "ReadOnly",
    "Hidden",
    "System",
    "Directory",
    "Archive",
    "ReparsePoint",
    "Compressed",
    "NotContentIndexed",
)
_ILLEGAL = frozenset('<>|"') | frozenset(map(chr, range(32)))
# Order of signs in NLS sorting, which Sort-Object uses: Microsoft Support, "Sort data in a range or table".
_SIGNS = ' !"#$%&()*,./:;?@[\\]^_`{|}~+<=>'
# Word sort gives these two the least weight of all, see "CompareStringEx", SORT_STRINGSORT.
_LIGHT = frozenset("-'")

_TEXTS: dict[int, str] = {
    2: "Could not find file '{path}'.",
    3: "Could not find a part of the path '{path}'.",
    5: "Access to the path '{path}' is denied.",
    32: "The process cannot access the file '{path}' because it is being used by another process.",
    80: "The file '{path}' already exists.",
    183: "Cannot create '{path}' because a file or directory with the same name already exists.",
    206: "The specified path, file name, or both are too long. The fully qualified file name must be less "
    "than 260 characters, and the directory name must be less than 248 characters.",
}


class DotNetError(Win32Error):
    """A failed call with the text of the .NET exception in place of the system's.

    Args:
        code: the Win32 error code.
        where: the path it was about; `message` names it where .NET does.
        message: the exception's text.
    """

    def __init__(self, code: int, where: str, message: str) -> None:
        super().__init__(code)
        self.where = where
        self.message = message
        self.args = (message,)


def text_of(error: Win32Error, path: str | None = None) -> str:
    """Return the message of the .NET exception for a failed call about `path`."""
    if isinstance(error, DotNetError):
        return error.message
    where = error.path if path is None else path
    template = _TEXTS.get(error.code)
    if template is not None:
        return template.format(path=where)
    if error.code == paths.ERROR_INVALID_NAME:
        if _ILLEGAL & set(where):
            return "Illegal characters in path."
        return "The given path's format is not supported."
    return f"{error.message}.\r\n"


def where_of(error: Win32Error) -> str:
    """Return the path that a failed call was about."""
    return error.where if isinstance(error, DotNetError) else error.path


def invocation_text(method: str, count: int, message: str) -> str:
    """Return what PowerShell makes of an exception in a .NET method that a script called."""
    return f'Exception calling "{method}" with "{count}" argument(s): "{message}"'


@contextmanager
def dotnet_errors(path: str | None = None) -> Iterator[None]:
    """Give failed calls inside the block the text of the .NET exception, about `path` where that is said."""
    try:
        yield
    except DotNetError:
        raise
    except Win32Error as error:
        raise DotNetError(error.code, path or error.path, text_of(error, path)) from error


@contextmanager
def method_errors(method: str, count: int) -> Iterator[None]:
    """Wrap failed calls inside the block as PowerShell does for a .NET method with `count` arguments."""
    try:
        yield
    except Win32Error as error:
        raise DotNetError(
            error.code, where_of(error), invocation_text(method, count, text_of(error))
        ) from error


_ERROR_FILENAME_TOO_LONG = 206
# Folders in folders before a path has 260 characters, about; a circle of links only.
_DEEPEST = 120


class Disk:
    """The file system as one module call sees it: its logon, its current folder, .NET's messages."""

    def __init__(self, call: Call) -> None:
        self.call = call
        self.files: FileSystem = call.host.files
        self.session: Session = call.session
        # WinRS starts a shell in the profile folder (MS-WSMV 2.2.4.37, WorkingDirectory absent).
        self.cwd = call.session.profile or "C:\\"

    def full(self, path: str) -> str:
        """Return the absolute path (`Path.GetFullPath`) without a trailing separator."""
        with dotnet_errors(path):
            return paths.normalise(path, self.cwd)

    def test(self, path: str | None) -> bool:
        """Return what ``Test-Path -LiteralPath`` returns."""
        return self._probe(path) is not None

    def is_leaf(self, path: str | None) -> bool:
        """Return what ``Test-Path -LiteralPath -PathType Leaf`` returns."""
        entry = self._probe(path)
        return entry is not None and not entry.is_dir

    def is_container(self, path: str | None) -> bool:
        """Return what ``Test-Path -LiteralPath -PathType Container`` returns."""
        entry = self._probe(path)
        return entry is not None and entry.is_dir

    def entry(self, path: str) -> Entry:
        """Return the entry at `path` (`Get-Item`)."""
        with dotnet_errors():
            return self.files.entry(self.full(path), self.session)

    def entries(self, path: str, hidden: bool = True) -> list[Entry]:
        """Return the entries of a folder (`Get-ChildItem`, with ``-Force`` unless `hidden` is False)."""
        with dotnet_errors():
            found = self.files.entries(self.full(path), self.session)
        return [entry for entry in found if hidden or not entry.attributes & {"Hidden", "System"}]

    def make_folder(self, path: str) -> None:
        """Create a folder and those above (``New-Item -ItemType Directory``); refuses an existing one."""
        full = self.full(path)
        if self.files.exists(full, self.session):
            raise DotNetError(183, full, f"An item with the specified name {full} already exists.")
        with dotnet_errors(full):
            self.files.mkdir(full, session=self.session)

    def remove(self, path: str) -> None:
        """Remove a file or a whole folder (``Remove-Item -Force -Recurse``)."""
        full = self.full(path)
        try:
            self.files.delete(full, recursive=True, session=self.session, force=True)
        except Win32Error as error:
            text = f"Cannot remove item {error.path or full}: {text_of(error)}"
            raise DotNetError(error.code, error.path or full, text) from error

    def copy_file(self, source: str, target: str, force: bool = True) -> None:
        """Copy one file (``Copy-Item -Force``).

        File.InternalCopy names the target in what it throws, unless the source cannot be opened.
        """
        destination, origin = self.full(target), self.full(source)
        with dotnet_errors(origin):
            self.files.open(origin, self.session).close()
        with dotnet_errors(destination):
            self.files.copy(origin, destination, self.session, force=force)

    def write(self, path: str, data: bytes) -> None:
        """Create or replace a file (``File.WriteAllText`` and its kin, or ``Copy-Item -Force`` onto it)."""
        full = self.full(path)
        with dotnet_errors(full):
            self.files.write_bytes(full, data, self.session, force=True)

    def digest(self, path: str, algorithm: str) -> str:
        """Return a file's digest in lower-case hexadecimal."""
        with dotnet_errors():
            return self.files.digest(self.full(path), algorithm, self.session)

    def file_hash(self, path: str) -> str:
        """Return the SHA-1 that `Get-FileChecksum` of Ansible.ModuleUtils.Legacy.psm1 (line 336) gives.

        It asks Get-FileHash, whose error names file and reason (github.com/ansible/ansible/issues/26885).
        """
        try:
            return self.digest(path, "sha1")
        except Win32Error as error:
            text = f"The file '{path}' cannot be read: {text_of(error)}."
            raise DotNetError(error.code, where_of(error), text) from error

    def owner_name(self, sid: str) -> str:
        r"""Return the account of an owner, or ``O:S-1-...`` for one that no longer exists (`Get-Acl`)."""
        try:
            return self.call.host.accounts.resolve(sid).account
        except Win32Error:
            return f"O:{sid}"

    def tree_size(self, path: str, depth: int = 0) -> int:
        """Return the sum of the sizes of all files below a folder.

        `EnumerateFiles` goes through links to folders: win_stat.ps1 line 143 asks for
        `SearchOption.AllDirectories`, which takes in reparse points (Microsoft's page "SearchOption Enum");
        upstream's target win_stat counts their files. In a circle it ends with a path that is too long.
        """
        if depth > _DEEPEST:
            raise Win32Error(_ERROR_FILENAME_TOO_LONG, path)
        total = 0
        for entry in self.entries(path):
            inner = join_path(path, entry.name)
            total += self.tree_size(inner, depth + 1) if entry.is_dir else entry.size
        return total

    def share_names(self, folder: str) -> str | list[str] | None:
        """Return the name of a folder's share, a list where there are several, None where there is none."""
        wanted = paths.fold(folder)
        names = [share.name for share in self.files.shares.values() if paths.fold(share.path) == wanted]
        return names[0] if len(names) == 1 else names or None

    def _probe(self, path: str | None) -> Entry | None:
        if not path:
            return None
        try:
            full = self.full(path)
            if not self.files.exists(full, self.session):
                return None
            return self.files.entry(self.files.final_path(full), self.session)
        except Win32Error:
            return None


def attribute_names(entry: Entry) -> list[str]:
    """Return the names of an entry's attributes in the order of `FileAttributes`."""
    present = set(entry.attributes)
    if entry.is_dir:
        present.add("Directory")
    if entry.link_type is not None:
        present.add("ReparsePoint")
    return [name for name in _ATTRIBUTE_ORDER if name in present] or ["Normal"]


def full_name(original: str, full: str) -> str:
    r"""Return `FileSystemInfo.FullName`: the absolute path, with the separator that `original` ended in."""
    return full + "\\" if original[-1:] in "\\/" and not full.endswith("\\") else full


def name_of(full: str) -> str:
    r"""Return `FileSystemInfo.Name`: the last name, or the path itself for a volume."""
    return paths.name(paths.normalise(full)) or full


def leaf(path: str) -> str:
    """Return what ``Split-Path -Leaf`` returns; works on text alone, so also for the controller's paths."""
    return path.replace("/", "\\").rstrip("\\").rpartition("\\")[2] or path


def parent_text(path: str) -> str:
    r"""Return what ``Split-Path`` returns: the path without its last name, as text."""
    text = path.replace("/", "\\")
    stripped = text.rstrip("\\")
    head, slash, _ = stripped.rpartition("\\")
    if not slash:
        return ""
    return head + "\\" if head.endswith(":") or not head else head


def directory_name(path: str) -> str:
    r"""Return what `Path.GetDirectoryName` returns: for ``C:\a\`` that is ``C:\a``."""
    text = path.replace("/", "\\")
    head, slash, _ = text.rpartition("\\")
    if not slash:
        return ""
    return head + "\\" if head.endswith(":") else head.rstrip("\\") or "\\"


def join_path(base: str, child: str) -> str:
    r"""Return what ``Join-Path`` returns: one ``\`` between both, every ``/`` turned into ``\``."""
    return paths.join(base.replace("/", "\\"), child.replace("/", "\\"))


def combine(base: str, child: str) -> str:
    r"""Return what `Path.Combine` returns: an absolute `child` wins; separators are kept."""
    if child[:1] in "\\/" or child[1:2] == ":":
        return child
    return base + child if base[-1:] in "\\/:" else f"{base}\\{child}"


def total_seconds(moment: float) -> float:
    """Return a time as `TimeSpan.TotalSeconds` since 1970: seconds with the 100 ns that NTFS keeps."""
    return round(moment, 7)


def culture_key(text: str) -> tuple[tuple[tuple[int, str], ...], str]:
    """Return a key that sorts as ``Sort-Object`` does in en-US: case-insensitive, signs, digits, letters."""
    weights = []
    for char in unicodedata.normalize("NFD", text.casefold()):
        if char in _LIGHT or unicodedata.combining(char):
            continue
        if char in _SIGNS:
            weights.append((0, chr(_SIGNS.index(char))))
        elif char.isdigit():
            weights.append((1, char))
        else:
            weights.append((2, char))
    return tuple(weights), text.casefold()
