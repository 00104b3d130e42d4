"""`cmd.exe /c COMMAND`: a few built-in commands, one program after another, output into a file.

Source: Microsoft's pages "cmd", "del", "echo", "exit", "set", "type", "Conditional processing symbols",
"Using command redirection operators".
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace

from winlab import command_lines, console
from winlab.errors import NotModelled, Win32Error
from winlab.host.links import ERROR_PRIVILEGE_NOT_HELD
from winlab.programs import ProcessCall, ProcessResult, find_executable, program

ERROR_FILE_NOT_FOUND = 2
# errorlevel after a command that does not exist, and after one that failed.
NOT_RECOGNISED = 1
_CALL = re.compile(
    r"(?is)^\s*(?:\"[^\"]*\"|\S+)\s+(?P<switches>(?:/[dqs]\s+|/[ef]:on\s+|/v:off\s+)*)/c\s+(?P<text>.*)$"
)
_TO_STDERR = re.compile(r"(?s)^(?P<text>[^<>|\"]*?)\s?(?:1>&2|>&2)$")
_TO_FILE = re.compile(r'(?s)^(?P<text>[^<>|"]*?)(?P<how>>>?)\s*(?P<file>"[^"]+"|[^\s<>|"&]+)\s*$')
_REDIRECTION = re.compile(r"[<>|]")
_JOINTS = ("&&", "||", "&")
# A built-in command ends at these, not only at a blank.
_NAME = re.compile(r"(?P<name>[A-Za-z]+)(?P<end>[\s/\\,;=+:.(\[\]\"]|$)")
_NO_PRIVILEGE = "You do not have sufficient privilege to perform this operation.\r\n"
_SYNTAX = "The syntax of the command is incorrect.\r\n"
_NULL_DEVICE = "nul"
# What a caret has escaped stands for itself; private characters carry it past the search for what does not.
_ESCAPED = 0xE000
# Variables that cmd.exe makes up; CD and ERRORLEVEL are the others.
_DYNAMIC = frozenset({"CMDCMDLINE", "CMDEXTVERSION", "DATE", "HIGHESTNUMANODENUMBER", "RANDOM", "TIME"})
# Commands of cmd.exe itself ("Windows Commands", and `help`) that are not imitated.
_NOT_MODELLED = frozenset(
    ("assoc", "break", "call", "cls", "color", "copy", "date", "dir", "dpath", "endlocal", "for", "ftype",
     "goto", "if", "keys", "move", "path", "pause", "popd", "prompt", "pushd", "rem", "ren", "rename",
     "setlocal", "shift", "start", "time", "title", "verify", "vol")
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Line:
    call: ProcessCall
    text: str
    rest: str
    variables: dict[str, str]
    errorlevel: int = 0


@program("cmd")
def cmd(call: ProcessCall) -> ProcessResult:
    """`cmd.exe /c COMMAND`; commands may be joined by `&`, `&&` and `||`."""
    match = _CALL.match(call.command_line)
    if match is None:
        raise NotModelled(f"{call.host.name}: {call.command_line}", "cmd.exe is imitated with /c COMMAND.")
    text = _without_outer_quotes(call, match["text"].strip(), match["switches"])
    # Variables are replaced in the whole line before anything of it runs, carets are read after that.
    text = _escaped(_expanded(call, text))
    variables = dict(call.environment)
    inside = replace(call, environment=variables)
    stdout = stderr = ""
    rc = 0
    for joint, part in _parts(text):
        if (joint == "&&" and rc) or (joint == "||" and not rc):
            continue
        result = _run_one(inside, part, variables, rc)
        stdout, stderr, rc = stdout + result.stdout, stderr + result.stderr, result.rc
        if re.match(r"(?i)@*exit\b", part):
            break
    return ProcessResult(rc, stdout, stderr)


def _without_outer_quotes(call: ProcessCall, text: str, switches: str) -> str:
    """The command behind /c: `cmd /?` tells how it treats quotes.

    They stay where exactly two are around the name of a program that holds a blank. Otherwise a first quote
    goes, and with it the last one on the line, whatever stands behind that.
    """
    if not text.startswith('"'):
        return text
    name, _, _ = text[1:].partition('"')
    if text.count('"') == 2 and " " in name and "/s" not in switches.lower() and _is_program(call, name):
        return text
    head, _, tail = text[1:].rpartition('"')
    return head + tail


def _is_program(call: ProcessCall, name: str) -> bool:
    return not set(name) & set("&<>()@^|") and (
        find_executable(call.host, name, call.cwd, call.environment) is not None
    )


def _expanded(call: ProcessCall, text: str) -> str:
    """The line with `%NAME%` replaced; what is not defined stays as it is, as at the prompt."""
    if "%" not in text:
        return text
    block = {
        name.upper(): value
        for name, value in call.host.environment.block(call.session, call.environment).items()
    }
    block.setdefault("CD", call.cwd)
    block.setdefault("ERRORLEVEL", "0")
    result, position = "", 0
    while (start := text.find("%", position)) >= 0:
        result += text[position:start]
        end = text.find("%", start + 1)
        name = text[start + 1 : end].upper() if end >= 0 else ""
        base = name.partition(":")[0]
        if base in _DYNAMIC - block.keys() or (base != name and base in block):
            raise NotModelled(
                f"{call.host.name}: cmd.exe {text[start : end + 1]}", "Use a variable by its name alone."
            )
        result += block.get(name, "%")
        position = end + 1 if name in block else start + 1
    return result + text[position:]


def _escaped(text: str) -> str:
    result, quoted, position = "", False, 0
    while position < len(text):
        character = text[position]
        if character == "^" and not quoted:
            position += 1
            character = text[position : position + 1]
            result += chr(_ESCAPED + ord(character)) if character and character.isascii() else character
        else:
            quoted ^= character == '"'
            result += character
        position += 1
    return result


def _plain(text: str) -> str:
    return "".join(
        chr(ord(char) - _ESCAPED) if _ESCAPED <= ord(char) < _ESCAPED + 128 else char for char in text
    )


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


def _run_one(call: ProcessCall, text: str, variables: dict[str, str], errorlevel: int) -> ProcessResult:
    command = text.lstrip("@ \t")
    if _is_not_modelled(command):
        raise NotModelled(
            f"{call.host.name}: cmd.exe {_plain(command)!r}",
            "Use a module, or a script that is registered.",
        )
    redirected = _TO_STDERR.match(command)
    if redirected:
        command = redirected["text"]
    into = _TO_FILE.match(command)
    if into:
        command = into["text"]
    if _REDIRECTION.search(re.sub(r'"[^"]*"', "", command)):
        raise NotModelled(
            f"{call.host.name}: cmd.exe redirection in {_plain(text)!r}", "Run the program by itself."
        )
    result = _command(call, _plain(command), variables, errorlevel)
    if into:
        return _into_file(call, into, result)
    if redirected:
        return ProcessResult(result.rc, "", result.stdout + result.stderr)
    return result


def _is_not_modelled(command: str) -> bool:
    """Blocks, labels, another drive, and built-in commands that nobody has written."""
    if command.startswith(("(", ":")) or re.match(r"[A-Za-z]:(?:\s|$)", command):
        return True
    found = _NAME.match(command)
    if found is None:
        return False
    name, end = found["name"].lower(), found["end"]
    if end == "." and re.match(r"\w", command[found.end() :]):
        return False  # the name of a file
    # Of those that are imitated, echo alone is without a blank behind its name.
    glued = name in _BUILTINS and name != "echo" and bool(end.strip())
    return name in _NOT_MODELLED or glued


def _command(call: ProcessCall, text: str, variables: dict[str, str], errorlevel: int) -> ProcessResult:
    found = _NAME.match(text)
    name = found["name"].lower() if found else ""
    builtin = _BUILTINS.get(name)
    if found is None or builtin is None or (found["end"] == "." and name != "echo"):
        return _external(call, text.partition(" ")[0], text)
    if name == "echo" and found["end"].strip():
        # Microsoft's page "echo": `echo.` writes what follows the dot, a blank line when nothing does.
        return ProcessResult(0, f"{text[found.end() :]}\r\n")
    return builtin(_Line(call, text, text[found.end() :], variables, errorlevel))


def _into_file(call: ProcessCall, match: re.Match[str], result: ProcessResult) -> ProcessResult:
    """`COMMAND > FILE` and `COMMAND >> FILE`: standard output goes to the file."""
    name = _plain(match["file"]).strip('"')
    if name.lower() == _NULL_DEVICE:
        return ProcessResult(result.rc, "", result.stderr)
    path = _absolute(call, name)
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
    said = line.rest.strip().lower()
    if not said:
        return ProcessResult(0, "ECHO is on.\r\n")
    return ProcessResult(0, "" if said in ("on", "off") else f"{line.rest}\r\n")


def _exit(line: _Line) -> ProcessResult:
    code = re.sub(r"(?i)^/b(?=\s|$)", "", line.rest.strip()).strip()
    if not code:
        return ProcessResult(line.errorlevel)
    if not re.fullmatch(r"-?\d{1,10}", code):
        raise NotModelled(f"{line.call.host.name}: cmd.exe {line.text!r}", "Give exit a number.")
    return ProcessResult(int(code) & 0xFFFFFFFF)


def _ver(_line: _Line) -> ProcessResult:
    return ProcessResult(0, "\r\nMicrosoft Windows [Version 10.0.14393]\r\n")


def _cd(line: _Line) -> ProcessResult:
    if line.rest.strip():
        raise NotModelled(f"{line.call.host.name}: cmd.exe {line.text!r}", "Use the option chdir.")
    return ProcessResult(0, f"{line.call.cwd}\r\n")


def _set(line: _Line) -> ProcessResult:
    """`set NAME=VALUE` for the commands that follow, `set [PREFIX]` (Microsoft's page "set_1")."""
    text = line.rest.lstrip()
    if text.startswith("/"):
        raise NotModelled(f"{line.call.host.name}: cmd.exe {line.text!r}", "Use set NAME=VALUE.")
    if text.startswith('"') and text.count('"') > 1:
        text = text[1 : text.rindex('"')]
    name, found, value = text.partition("=")
    if found:
        for known in [known for known in line.variables if known.upper() == name.upper()]:
            del line.variables[known]
        if value:
            line.variables[name] = value
        return ProcessResult()
    prefix = text.strip()
    lines = [
        f"{name}={value}\r\n"
        for name, value in sorted(line.variables.items(), key=lambda item: item[0].upper())
        if name.upper().startswith(prefix.upper())
    ]
    if not lines:
        return ProcessResult(1, "", f"Environment variable {prefix} not defined\r\n")
    return ProcessResult(0, "".join(lines))


def _type(line: _Line) -> ProcessResult:
    paths = _paths(line)
    if not paths:
        return ProcessResult(1, "", _SYNTAX)
    if len(paths) > 1 or set("*?") & set(line.rest):
        raise NotModelled(f"{line.call.host.name}: cmd.exe {line.text!r}", "Give type the name of one file.")
    if not line.call.host.files.is_file(paths[0]):
        return ProcessResult(1, "", "The system cannot find the file specified.\r\n")
    try:
        content = line.call.host.files.read_bytes(paths[0], line.call.session)
    except Win32Error as error:
        return ProcessResult(1, "", f"{error.message}.\r\n")
    return ProcessResult(0, console.written(content))


def _delete(line: _Line) -> ProcessResult:
    """`del FILE...`: a file that is not there is told, and is no error (Microsoft's page "del")."""
    if set("*?") & set(line.rest):
        raise NotModelled(f"{line.call.host.name}: cmd.exe {line.text!r}", "Give del names of files alone.")
    stdout = ""
    paths = _paths(line)
    if not paths:
        return ProcessResult(1, "", _SYNTAX)
    for path in paths:
        if not line.call.host.files.is_file(path):
            stdout += f"Could Not Find {path}\r\n"
            continue
        try:
            line.call.host.files.delete(path, session=line.call.session)
        except Win32Error as error:
            stdout += f"{path}\r\n{error.message}.\r\n"
    return ProcessResult(0, stdout)


def _make_folder(line: _Line) -> ProcessResult:
    paths = _paths(line)
    if not paths:
        return ProcessResult(1, "", _SYNTAX)
    for path in paths:
        if line.call.host.files.exists(path):
            return ProcessResult(1, "", f"A subdirectory or file {path} already exists.\r\n")
        try:
            line.call.host.files.mkdir(path, session=line.call.session)
        except Win32Error as error:
            return ProcessResult(1, "", f"{error.message}.\r\n")
    return ProcessResult()


def _remove_folder(line: _Line) -> ProcessResult:
    recursive = "/s" in line.rest.lower().split()
    paths = _paths(line, "/s", "/q")
    if not paths:
        return ProcessResult(1, "", _SYNTAX)
    for path in paths:
        if not line.call.host.files.is_dir(path):
            return ProcessResult(2, "", "The system cannot find the file specified.\r\n")
        try:
            line.call.host.files.delete(path, recursive=recursive, session=line.call.session)
        except Win32Error as error:
            return ProcessResult(error.code, "", f"{error.message}.\r\n")
    return ProcessResult()


def _paths(line: _Line, *switches: str) -> list[str]:
    """The paths that a command is given; other switches than these are not modelled."""
    words = command_lines.split(f"x {line.rest}")[1:]
    given = {word.lower() for word in words if word.startswith("/")}
    if not given <= set(switches):
        raise NotModelled(f"{line.call.host.name}: cmd.exe {line.text!r}", "Give it paths alone.")
    return [word if ":" in word else rf"{line.call.cwd}\{word}" for word in words if not word.startswith("/")]


_MKLINK = re.compile(r'(?i)^\s*(?P<kind>/[djh])?\s*(?P<link>"[^"]*"|\S+)\s+(?P<target>"[^"]*"|\S+)\s*$')

_LINK_KINDS = {"/j": ("JunctionPoint", "Junction"), "/h": ("HardLink", "Hardlink")}


def _make_link(line: _Line) -> ProcessResult:
    r"""`mklink [/D | /J | /H] LINK TARGET` (Microsoft's page "mklink")."""
    match = _MKLINK.match(line.rest)
    kind = (match["kind"] or "").lower() if match else ""
    if match is None:
        return ProcessResult(1, "", _SYNTAX)
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
        if error.code == ERROR_PRIVILEGE_NOT_HELD:
            return ProcessResult(1, "", _NO_PRIVILEGE)
        return ProcessResult(1, "", f"{error.message}.\r\n")
    return ProcessResult(0, f"{what} created for {link} <<===>> {target}\r\n")


_BUILTINS: dict[str, Callable[[_Line], ProcessResult]] = {
    "cd": _cd,
    "chdir": _cd,
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
