r"""Text that is handed to `powershell.exe`: known scripts, and single plain commands.

winlab runs no PowerShell. Besides registered scripts, one simple line is understood when it starts a program
that the host has (`whoami`, `& "C:\x\maexport.exe" "My MA" out.xml`) or a script file whose content is
registered (`& C:\x\check.ps1 one two; exit $LASTEXITCODE`), prints a literal or a variable,
or exits. Everything else is unknown.
"""

from __future__ import annotations

import ntpath
import re
from dataclasses import dataclass, replace

from winlab import console, programs, scripts
from winlab.errors import NotModelled, Win32Error
from winlab.programs import ProcessResult
from winlab.scripts import ErrorRecord, ScriptCall, ScriptError, ScriptResult

# about_PowerShell_exe: after -Command the exit code is 1 when the last command failed, whatever a program
# returned.
FAILED = 1
_EXIT = re.compile(r"exit(?:\s+(?P<code>-?\d{1,10}|\$LASTEXITCODE))?", re.IGNORECASE)
_VARIABLE = re.compile(r"\$env:(?P<name>\w+)", re.IGNORECASE)
# A word without anything that PowerShell would evaluate.
_PLAIN = r"[^\s'\"`$&|;<>(){}@,#%*\[\]]+"
_QUOTED = r"'(?:[^']|'')*'|\"[^\"`$]*\""
_WORD = re.compile(rf"(?:{_QUOTED}|{_PLAIN})(?=\s|$)")
_SCRIPT = ".ps1"
# The start of a statement that runs a script file, whatever its arguments are.
_STARTS_SCRIPT = re.compile(
    r"(?:&\s*)?(?:'[^']*\.ps1'|\"[^\"]*\.ps1\"|[^\s'\"]+\.ps1)(?=\s|;|$)", re.IGNORECASE
)
# What CreateProcess starts; PowerShell opens anything else with the program that its extension is tied to.
_EXECUTABLES = frozenset({".exe", ".com"})


@dataclass(frozen=True, slots=True)
class _Command:
    words: list[str]
    called: bool


def run_text(call: ScriptCall) -> ProcessResult:
    """Run the text of a shell, and give what its process writes.

    Args:
        call: the script; `environment` and `cwd` are those of the PowerShell process.

    Raises:
        NotModelled: neither a known script nor a plain command.
    """
    if scripts.find(call.text) is not None:
        return _run_script(call)
    statements = _statements(call.text)
    if statements is None:
        if found := _STARTS_SCRIPT.match(call.text.strip()):
            raise NotModelled(
                f"{call.host.name}: the arguments of the script in {call.text.strip()!r} after {found[0]}",
                "Write each as a plain word, or in quotes and without anything that PowerShell evaluates.",
            )
        raise scripts.unknown(call.text, f"{call.host.name}: the PowerShell text")
    return _run_statements(call, statements)


def render(result: ScriptResult) -> ProcessResult:
    """A script's streams as the console of a PowerShell process shows them."""
    lines = [line for item in result.output for line in _lines(item)]
    lines += [f"WARNING: {text}" for text in result.warning]
    stdout = result.host_out + "".join(f"{line}\r\n" for line in lines)
    stderr = result.host_err + "".join(error_text(record) for record in result.errors)
    return ProcessResult(result.rc, stdout, stderr)


def error_text(record: ErrorRecord) -> str:
    """An error record as `Out-String` shows it, without the position that only a real script has."""
    category = f"{record.category}: ({record.target if record.target is not None else ''}:) "
    reason = record.exception_type.rpartition(".")[2]
    identifier = record.fully_qualified_error_id or record.message
    origin = record.origin or record.activity
    prefix = f"{origin} : " if origin else ""
    return (
        f"{prefix}{record.message}\r\n"
        f"    + CategoryInfo          : {category}[{record.activity}], {reason}\r\n"
        f"    + FullyQualifiedErrorId : {identifier}\r\n \r\n"
    )


def _run_script(call: ScriptCall) -> ProcessResult:
    try:
        return render(scripts.run(call))
    except ScriptError as error:
        return ProcessResult(FAILED, "", error_text(error.record))


def _lines(item: object) -> list[str]:
    if item is None:
        return []
    if isinstance(item, bool):
        return [str(item)]
    if isinstance(item, list | tuple):
        return [line for part in item for line in _lines(part)]
    return str(item).splitlines() or [""]


def _statements(text: str) -> list[_Command] | None:
    """The text as plain commands, or None when it is more than that."""
    lines = [part.strip() for line in text.splitlines() for part in _split_semicolons(line)]
    commands = [_command(line) for line in lines if line]
    if not commands or any(command is None for command in commands):
        return None
    return [command for command in commands if command is not None]


def _split_semicolons(line: str) -> list[str]:
    """Cut at semicolons outside quotes."""
    parts, current, quote = [], "", ""
    for character in line:
        if quote:
            quote = "" if character == quote else quote
        elif character in "'\"":
            quote = character
        elif character == ";":
            parts.append(current)
            current = ""
            continue
        current += character
    return [*parts, current]


def _command(line: str) -> _Command | None:
    if _EXIT.fullmatch(line) or _VARIABLE.fullmatch(line):
        return _Command(line.split(), called=False)
    called = line.startswith("& ")
    rest = line[2:].strip() if called else line
    words: list[str] = []
    while rest:
        match = _WORD.match(rest)
        if match is None:
            return None
        word = match[0]
        if not called and not words and word[0] in "'\"":
            # A quoted string by itself is an expression, not a command.
            return None
        words.append(_unquoted(word))
        rest = rest[match.end() :].lstrip()
    return _Command(words, called) if words else None


def _unquoted(word: str) -> str:
    if word[0] == "'":
        return word[1:-1].replace("''", "'")
    return word[1:-1] if word[0] == '"' else word


def _run_statements(call: ScriptCall, statements: list[_Command]) -> ProcessResult:
    stdout = stderr = ""
    last = 0
    failed = False
    for statement in statements:
        name = statement.words[0].lower()
        if name == "exit":
            code = statement.words[1] if len(statement.words) > 1 else "0"
            rc = last if code.upper() == "$LASTEXITCODE" else int(code)
            return ProcessResult(rc & 0xFFFFFFFF, stdout, stderr)
        if name in ("echo", "write-output", "write-host") and not statement.called:
            shown = statement.words[1:]
            separator = " " if name == "write-host" else "\r\n"
            stdout += separator.join(shown) + "\r\n"
            failed = False
            continue
        variable = _VARIABLE.fullmatch(statement.words[0])
        if variable and not statement.called:
            stdout += _variable(call, variable["name"])
            failed = False
            continue
        if statement.words[0].lower().endswith(_SCRIPT):
            try:
                result = render(scripts.run(_script_file(call, statement.words)))
            except ScriptError as error:
                # `throw` ends the text that started the script, too (about_Throw).
                return ProcessResult(FAILED, stdout, stderr + error_text(error.record))
            stdout, stderr = stdout + result.stdout, stderr + result.stderr
            last, failed = result.rc, result.rc != 0
            continue
        image = programs.find_executable(call.host, statement.words[0], call.cwd, call.environment)
        if image is None:
            raise scripts.unknown(call.text, f"{call.host.name}: the PowerShell text")
        if ntpath.splitext(image)[1].lower() not in _EXECUTABLES:
            raise NotModelled(
                f"{call.host.name}: a file that is no .exe, started by PowerShell ({image})",
                "Give it to its interpreter, or make it a .ps1 and register that.",
            )
        try:
            result = programs.run(
                call.host,
                call.session,
                statement.words,
                cwd=call.cwd,
                environment=call.environment,
                stdin=call.stdin,
                image=image,
            )
        except Win32Error as error:
            record = ErrorRecord(
                f"Program '{statement.words[0]}' failed to run: {error.message}",
                "System.Management.Automation.ApplicationFailedException",
                "NativeCommandFailed",
                "ResourceUnavailable",
            )
            stderr += error_text(record)
            failed = True
            continue
        # PowerShell reads a program's output in the console's code page and writes it anew.
        stdout += console.decode(result.stdout)
        stderr += console.decode(result.stderr)
        last, failed = result.rc, result.rc != 0
    return ProcessResult(FAILED if failed else 0, stdout, stderr)


def _script_file(call: ScriptCall, words: list[str]) -> ScriptCall:
    r"""The call of a script file: `PATH.ps1 ARGUMENT...`.

    Raises:
        NotModelled: nobody has registered what the file holds.
        Win32Error: the logon may not read it.
    """
    files = call.host.files
    path = ntpath.normpath(ntpath.join(call.cwd, words[0]))
    # Without a folder PowerShell looks in PATH alone (about_Command_Precedence).
    if not ntpath.dirname(words[0]) or not files.is_file(path):
        raise NotModelled(
            f"{call.host.name}: a script that is not there ({words[0]})",
            "Give the full path of a script that is on the host.",
        )
    text = files.read_bytes(path, call.session).decode("utf-8-sig", "replace")
    if scripts.find(text) is None:
        raise scripts.unknown(text, f"{call.host.name}: the script {path}")
    return replace(call, text=text, typed="", arguments=tuple(words[1:]))


def _variable(call: ScriptCall, name: str) -> str:
    """What `$env:NAME` prints: nothing at all for one that is not set."""
    wanted = name.upper()
    found = [value for key, value in call.environment.items() if key.upper() == wanted]
    return f"{found[0]}\r\n" if found else ""
