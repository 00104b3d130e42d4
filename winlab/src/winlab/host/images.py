r"""What an executable file is: known by its content, never by its name.

winlab's own executables say so in their content (`MZ winlab program <name>`); a real one (the setup EXE of a
medium, an assembly that we compiled) is registered by its SHA-256.
"""

from __future__ import annotations

import hashlib
import ntpath
import re
from typing import TYPE_CHECKING

from winlab.errors import NotModelled, Win32Error
from winlab.host.environment import expand_with

if TYPE_CHECKING:
    from winlab.host.model import Host
    from winlab.host.sessions import Session

_MARK = b"MZ winlab program "
_NAME = re.compile(rb"MZ winlab program ([A-Za-z0-9._-]{1,64})\n")
_MARK_LIMIT = 128
ERROR_FILE_NOT_FOUND = 2
ERROR_BAD_EXE_FORMAT = 193
# CreateProcess hands these to cmd.exe.
_SCRIPT_EXTENSIONS = frozenset({".bat", ".cmd"})

_by_digest: dict[str, str] = {}


def content_for(name: str) -> bytes:
    """The bytes of an executable that behaves as the program `name`.

    Raises:
        ValueError: the name has other characters than letters, digits, dot, dash and underscore.
    """
    content = _MARK + name.encode() + b"\n"
    if not _NAME.fullmatch(content):
        raise ValueError(f"program name {name!r}; expected up to 64 letters, digits, '.', '-', '_'")
    return content


def register_content(sha256: str, name: str) -> None:
    """Make a real executable, known by its digest, behave as the program `name`."""
    _by_digest[sha256.lower()] = name


def program_of(content: bytes) -> str | None:
    """The program that these bytes are, or None when nobody has registered them."""
    marked = _NAME.match(content[:_MARK_LIMIT])
    if marked:
        return marked[1].decode()
    return _by_digest.get(hashlib.sha256(content).hexdigest())


def identify(host: Host, path: str, session: Session | None = None) -> str:
    """The program that the file at `path` is.

    Args:
        host: the host.
        path: the executable.
        session: the logon that wants to run it; it must be allowed to read the file.

    Raises:
        Win32Error: 2 no such file; 5 not allowed; 193 not an executable.
        NotModelled: an executable nobody has registered.
    """
    if not host.files.is_file(path):
        raise Win32Error(ERROR_FILE_NOT_FOUND, path)
    with host.files.open(path, session) as stream:
        head = stream.read(_MARK_LIMIT)
    marked = _NAME.match(head)
    if marked:
        return marked[1].decode()
    digest = host.files.entry(path).sha256 or ""
    if digest in _by_digest:
        return _by_digest[digest]
    if not head.startswith(b"MZ") and ntpath.splitext(path)[1].lower() not in _SCRIPT_EXTENSIONS:
        raise Win32Error(ERROR_BAD_EXE_FORMAT, path)
    raise NotModelled(
        f"{host.name}: the executable {path} (SHA-256 {digest})",
        f'Register it: winlab.programs.register_content("{digest}", "<program>").',
    )


def split_image_path(host: Host, image_path: str) -> tuple[str, str]:
    r"""A service's ImagePath as (path of the executable, the rest).

    An unquoted path with blanks is tried word by word as CreateProcess does.
    """
    text = expand_with(image_path.strip(), {"SystemRoot": r"C:\Windows", "ProgramFiles": r"C:\Program Files"})
    if text.lower().startswith("\\systemroot\\"):
        text = "C:\\Windows" + text[len("\\systemroot") :]
    text = text.removeprefix("\\??\\")
    if text.startswith('"'):
        path, _, rest = text[1:].partition('"')
        return path, rest.strip()
    words = text.split(" ")
    for count in range(1, len(words) + 1):
        path = " ".join(words[:count])
        for candidate in (path, path + ".exe") if not ntpath.splitext(path)[1] else (path,):
            if host.files.is_file(candidate):
                return candidate, " ".join(words[count:]).strip()
    return words[0], " ".join(words[1:]).strip()
