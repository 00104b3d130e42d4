"""Ansible's small scripts of executor/powershell: temporary folder, home folder, file transfer."""

from __future__ import annotations

import base64
import binascii
import hashlib
import ntpath
from collections.abc import Mapping
from typing import Any, BinaryIO

from winlab.errors import Win32Error
from winlab.execution.steps import CommandResult, Run
from winlab.manifest import Action

# One line of put_file is 250,000 bytes in base64 (connection/winrm.py); twice that is refused.
MAX_LINE = 1024 * 1024
# fetch_file asks for 524,288 bytes at a time.
MAX_FETCH = 16 * 1024 * 1024
NEWLINE = "\r\n"


def mkdtemp(run: Run, action: Action, rest: tuple[Action, ...]) -> CommandResult:
    """powershell_mkdtemp.ps1: make a folder and print its path."""
    folder = run.expand(_text(action.params, "Directory"))
    path = ntpath.join(folder, _text(action.params, "Name"))
    with run.host.lock:
        if run.host.files.exists(path):
            return CommandResult.wrapper_failure(f"An item with the specified name {path} already exists.")
        try:
            run.host.files.mkdir(path, session=run.session)
        except Win32Error as error:
            return CommandResult.wrapper_failure(f"{error.message}: '{path}'.")
        full = run.host.files.entry(path).path
    return CommandResult(0, full + NEWLINE)


def expand_user(run: Run, action: Action, rest: tuple[Action, ...]) -> CommandResult:
    """powershell_expand_user.ps1: `~` and what is below it."""
    path = _text(action.params, "Path")
    if path == "~":
        path = run.session.profile
    elif path.startswith("~\\"):
        path = ntpath.join(run.session.profile, path[2:])
    return CommandResult(0, path + NEWLINE)


def put_file(run: Run, action: Action, rest: tuple[Action, ...]) -> CommandResult:
    """winrm_put_file.ps1: lines of base64 become a file; memory holds one line at a time."""
    path = _text(action.params, "Path")
    files = run.host.files
    digest = hashlib.sha1(usedforsecurity=False)
    with files.new_upload() as upload:
        while (line := run.reader.line(MAX_LINE)) is not None:
            try:
                data = base64.b64decode(line, validate=True)
            except binascii.Error:
                return CommandResult.wrapper_failure(
                    'Exception calling "FromBase64String" with "1" argument(s): "Invalid length for '
                    "a Base-64 char "
                    'array or string."'
                )
            digest.update(data)
            upload.write(data)
        try:
            sha256, size = upload.finish()
            with run.host.lock:
                files.adopt_blob(path, sha256, size, session=run.session)
        except Win32Error as error:
            return CommandResult.wrapper_failure(_io_error("Create", 1, error, path))
    sha1 = digest.hexdigest()
    if run.host.faults.take("sha1") is not None:
        sha1 = hashlib.sha1(sha1.encode(), usedforsecurity=False).hexdigest()
    return CommandResult(0, f'{{"sha1":"{sha1}"}}{NEWLINE}')


def fetch_file(run: Run, action: Action, rest: tuple[Action, ...]) -> CommandResult:
    """winrm_fetch_file.ps1: one piece of a file as a line of base64."""
    path = _text(action.params, "Path")
    size, offset = int(action.params.get("BufferSize", 0)), int(action.params.get("Offset", 0))
    try:
        stream = _opened(run, path)
    except Win32Error as error:
        return CommandResult.wrapper_failure(_io_error(".ctor", 4, error, path))
    if stream is not None:
        with stream:
            stream.seek(offset)
            data = stream.read(min(size, MAX_FETCH))
        return CommandResult(0, base64.b64encode(data).decode("ascii") + NEWLINE if data else "")
    if _is_folder(run, path):
        return CommandResult(0, "[DIR]" + NEWLINE)
    # `$host.UI.WriteErrorLine` writes plain text.
    return CommandResult(1, "", f"{path} does not exist{NEWLINE}")


def stream_file(run: Run, action: Action, rest: tuple[Action, ...]) -> CommandResult:
    """psrp_fetch_file.ps1: `[FILE]` and the whole file, a line of base64 for each piece."""
    path = _text(action.params, "Path")
    size = min(int(action.params.get("BufferSize", 0)), MAX_FETCH)
    try:
        stream = _opened(run, path)
    except Win32Error as error:
        return CommandResult.wrapper_failure(_io_error(".ctor", 4, error, path))
    if stream is not None:
        output = run.streams.output
        output.write("stdout", f"[FILE]{NEWLINE}".encode())
        with stream:
            while (data := stream.read(size)) and not run.streams.cancelled.is_set():
                output.write("stdout", base64.b64encode(data) + NEWLINE.encode())
        return CommandResult(0)
    if _is_folder(run, path):
        return CommandResult(0, "[DIR]" + NEWLINE)
    return CommandResult.error(f"{path} does not exist")


def _opened(run: Run, path: str) -> BinaryIO | None:
    """A file, open; None when there is none."""
    files = run.host.files
    with run.host.lock:
        return files.open(path, run.session) if files.is_file(path, run.session) else None


def _is_folder(run: Run, path: str) -> bool:
    with run.host.lock:
        return run.host.files.is_dir(path, run.session)


def _io_error(method: str, count: int, error: Win32Error, path: str) -> str:
    messages = {
        3: f"Could not find a part of the path '{path}'.",
        5: f"Access to the path '{path}' is denied.",
        32: f"The process cannot access the file '{path}' because it is being used by another process.",
        112: "There is not enough space on the disk.",
    }
    text = messages.get(error.code, error.message)
    return f'Exception calling "{method}" with "{count}" argument(s): "{text}"'


def _text(params: Mapping[str, Any], name: str) -> str:
    return str(params.get(name) or "")
