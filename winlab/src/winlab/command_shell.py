"""`cmd.exe /c COMMAND`: a few built-in commands, one program after another, output into a file.

Source: Microsoft's pages "cmd", "del", "echo", "exit", "set", "type", "Conditional processing symbols",
"Using command redirection operators".
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from winlab import command_lines, console
from winlab.errors import NotModelled, Win32Error
from winlab.programs import ProcessCall, ProcessResult, program

ERROR_FILE_NOT_FOUND = 2
# errorlevel after a command that does not exist, and after one that failed.
NOT_RECOGNISED = 1
_CALL = re.compile(r"(?is)^\s*(?:\"[^\"]*\"|\S+)\s+(?:/[dqsuv](?::\w+)?\s+)*/c\s+(?P<text>.*)$")
_TO_STDERR = re.compile(r"(?s)^(?P<text>[^<>|\"]*?)\s?(?:1>&2|>&2)$")
_TO_FILE = re.compile(r'(?s)^(?P<text>[^<>|"]*?)(?P<how>>>?)\s*(?P<file>"[^"]+"|[^\s<>|"&]+)\s*$')
_REDIRECTION = re.compile(r"[<>|]")
_JOINTS = ("&&", "||", "&")


@dataclass(frozen=True, slots=True)
class _Line:
    call: ProcessCall
    text: str
    rest: str


@program("cmd")
def cmd(call: ProcessCall) -> ProcessResult:
    """`cmd.exe /c COMMAND`; commands may be joined by `&`, `&&` and `||`."""
    match = _CALL.match(call.command_line)
    if match is None:
        raise NotModelled(f"{call.host.name}: {call.command_line}", "cmd.exe is imitated with /c COMMAND.")
    text = match["text"].strip()
    # The outer quotes go when there are exactly two of them around the whole.
    if text.startswith('"') and text.endswith('"') and text.count('"') == 2:
        text = text[1:-1]
    stdout = stderr = ""
    rc = 0
    for joint, part in _parts(text):
        if (joint == "&&" and rc) or (joint == "||" and not rc):
            continue
        result = _run_one(call, part)
        stdout, stderr, rc = stdout + result.stdout, stderr + result.stderr, result.rc
        if re.match(r"(?i)exit\b", part):
            break
    return ProcessResult(rc, stdout, stderr)


def _parts(text: str) -> list[tuple[str, str]]:
    """The commands of a line, each with what joins it to the one before."""
    parts: list[tuple[str, str]] = []
    joint, current, quoted, position = "", "", False, 0
    while position < len(text):
        character = text[position]
        quoted ^= character == '"'
        found = next((mark for mark in _JOINTS if not quoted and text.startswith(mark, position)), "")
        # `>&2` is a redirection, no joint.
        if found and not current.endswith(">"):
            parts.append((joint, current.lstrip()))
            joint, current = found, ""
            position += len(found)
            continue
        current += character
        position += 1
    return [(mark, part) for mark, part in [*parts, (joint, current.lstrip())] if part.strip()]


def _run_one(call: ProcessCall, text: str) -> ProcessResult:
    expanded = call.host.environment.expand(text, call.session, call.environment)
    redirected = _TO_STDERR.match(expanded)
    if redirected:
        expanded = redirected["text"]
    into = _TO_FILE.match(expanded)
    if into:
        expanded = into["text"]
    if _REDIRECTION.search(re.sub(r'"[^"]*"', "", expanded)):
        raise NotModelled(f"{call.host.name}: cmd.exe redirection in {text!r}", "Run the program by itself.")
    if expanded.lower().startswith("echo."):
        # Microsoft's page "echo": `echo.` writes what follows the dot, a blank line when nothing does.
        expanded = f"echo {expanded[len('echo.') :]}"
    name, _, rest = expanded.partition(" ")
    builtin = _BUILTINS.get(name.lower().lstrip("@"))
    result = builtin(_Line(call, expanded, rest)) if builtin else _external(call, name, expanded)
    if into:
        return _into_file(call, into, result)
    if redirected:
        return ProcessResult(result.rc, "", result.stdout + result.stderr)
    return result


def _into_file(call: ProcessCall, match: re.Match[str], result: ProcessResult) -> ProcessResult:
    """`COMMAND > FILE` and `COMMAND >> FILE`: standard output goes to the file."""
    path = _absolute(call, match["file"].strip('"'))
    files, data = call.host.files, console.raw(result.stdout)
    try:
        if match["how"] == ">>" and files.exists(path):
            data = files.read_bytes(path, call.session) + data
        files.write_bytes(path, data, call.session)
    except Win32Error as error:
        return ProcessResult(1, "", f"{error.message}.\r\n")
    return ProcessResult(result.rc, "", result.stderr)


def _absolute(call: ProcessCall, path: str) -> str:
    return path if ":" in path else rf"{call.cwd}\{path}"


def _external(call: ProcessCall, name: str, text: str) -> ProcessResult:
    try:
        return call.run(text)
    except Win32Error as error:
        if error.code != ERROR_FILE_NOT_FOUND:
            return ProcessResult(NOT_RECOGNISED, "", f"{error.message}.\r\n")
        return ProcessResult(
            NOT_RECOGNISED,
            "",
            f"'{name}' is not recognized as an internal or external command,\r\n"
            "operable program or batch file.\r\n",
        )


def _echo(line: _Line) -> ProcessResult:
    return ProcessResult(0, f"{line.rest}\r\n")


def _exit(line: _Line) -> ProcessResult:
    code = line.rest.lower().replace("/b", "").strip()
    return ProcessResult(int(code) & 0xFFFFFFFF if re.fullmatch(r"-?\d{1,10}", code) else 0)


def _ver(_line: _Line) -> ProcessResult:
    return ProcessResult(0, "\r\nMicrosoft Windows [Version 10.0.14393]\r\n")


def _cd(line: _Line) -> ProcessResult:
    if line.rest.strip():
        raise NotModelled(f"{line.call.host.name}: cmd.exe {line.text!r}", "Use the option chdir.")
    return ProcessResult(0, f"{line.call.cwd}\r\n")


def _set(line: _Line) -> ProcessResult:
    prefix = line.rest.strip()
    if "=" in prefix:
        return ProcessResult()
    lines = [
        f"{name}={value}\r\n"
        for name, value in sorted(line.call.environment.items(), key=lambda item: item[0].upper())
        if name.upper().startswith(prefix.upper())
    ]
    if not lines:
        return ProcessResult(1, "", f"Environment variable {prefix} not defined\r\n")
    return ProcessResult(0, "".join(lines))


def _type(line: _Line) -> ProcessResult:
    path = line.rest.strip().strip('"')
    full = path if ":" in path else rf"{line.call.cwd}\{path}"
    if not line.call.host.files.is_file(full):
        return ProcessResult(1, "", "The system cannot find the file specified.\r\n")
    content = line.call.host.files.read_bytes(full, line.call.session)
    return ProcessResult(0, console.written(content))


def _delete(line: _Line) -> ProcessResult:
    """`del FILE...`: a file that is not there is told, and is no error (Microsoft's page "del")."""
    if any(word.startswith("/") for word in line.rest.split()) or set("*?") & set(line.rest):
        raise NotModelled(f"{line.call.host.name}: cmd.exe {line.text!r}", "Give del names of files alone.")
    stdout = ""
    for path in _paths(line):
        if not line.call.host.files.is_file(path):
            stdout += f"Could Not Find {path}\r\n"
            continue
        try:
            line.call.host.files.delete(path, session=line.call.session)
        except Win32Error as error:
            stdout += f"{path}\r\n{error.message}.\r\n"
    return ProcessResult(0, stdout)


def _make_folder(line: _Line) -> ProcessResult:
    for path in _paths(line):
        if line.call.host.files.exists(path):
            return ProcessResult(1, "", f"A subdirectory or file {path} already exists.\r\n")
        line.call.host.files.mkdir(path, session=line.call.session)
    return ProcessResult()


def _remove_folder(line: _Line) -> ProcessResult:
    recursive = "/s" in line.rest.lower().split()
    for path in _paths(line):
        if not line.call.host.files.is_dir(path):
            return ProcessResult(2, "", "The system cannot find the file specified.\r\n")
        try:
            line.call.host.files.delete(path, recursive=recursive, session=line.call.session)
        except Win32Error as error:
            return ProcessResult(error.code, "", f"{error.message}.\r\n")
    return ProcessResult()


def _paths(line: _Line) -> list[str]:
    words = command_lines.split(f"x {line.rest}")[1:]
    return [word if ":" in word else rf"{line.call.cwd}\{word}" for word in words if not word.startswith("/")]


_MKLINK = re.compile(r'(?i)^\s*(?P<kind>/[djh])?\s*(?P<link>"[^"]*"|\S+)\s+(?P<target>"[^"]*"|\S+)\s*$')

_LINK_KINDS = {"/j": ("JunctionPoint", "Junction"), "/h": ("HardLink", "Hardlink")}


def _make_link(line: _Line) -> ProcessResult:
    r"""`mklink [/D | /J | /H] LINK TARGET` (Microsoft's page "mklink")."""
    match = _MKLINK.match(line.rest)
    kind = (match["kind"] or "").lower() if match else ""
    if match is None:
        return ProcessResult(1, "", "The syntax of the command is incorrect.\r\n")
    link, target = match["link"].strip('"'), match["target"].strip('"')
    full = link if ":" in link else rf"{line.call.cwd}\{link}"
    if line.call.host.files.exists(full):
        return ProcessResult(1, "", "Cannot create a file when that file already exists.\r\n")
    link_type, what = _LINK_KINDS.get(kind, ("SymbolicLink", "symbolic link"))
    try:
        line.call.host.files.make_link(
            full, target, link_type, is_dir=kind in ("/d", "/j"), session=line.call.session
        )
    except Win32Error as error:
        return ProcessResult(1, "", f"{error.message}.\r\n")
    return ProcessResult(0, f"{what} created for {link} <<===>> {target}\r\n")


_BUILTINS: dict[str, Callable[[_Line], ProcessResult]] = {
    "cd": _cd,
    "del": _delete,
    "echo": _echo,
    "erase": _delete,
    "exit": _exit,
    "md": _make_folder,
    "mkdir": _make_folder,
    "mklink": _make_link,
    "rd": _remove_folder,
    "rmdir": _remove_folder,
    "set": _set,
    "type": _type,
    "ver": _ver,
}
