"""PowerShell scripts, known by their text.

winlab runs no PowerShell. A script is recognised by the SHA-256 of its normalised text (each line stripped,
empty lines dropped), so that indentation and line ends do not matter; everything else does. An unknown text
is never run.
"""

from __future__ import annotations

import functools
import hashlib
import importlib
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from winlab import foreign
from winlab.errors import ModuleFailure, NotModelled, Win32Error, WinlabError
from winlab.host import audit

if TYPE_CHECKING:
    from winlab.host.model import Host
    from winlab.host.sessions import Session

_SHOWN = 60
# HRESULT of System.Management.Automation.RuntimeException (COR_E_SYSTEM).
RUNTIME_EXCEPTION = -2146233087


@dataclass(frozen=True, slots=True)
class Credential:
    """A PSCredential parameter."""

    username: str
    password: str


@dataclass(frozen=True, slots=True)
class SecureText:
    """A SecureString parameter."""

    value: str


@dataclass(frozen=True, slots=True)
class ErrorRecord:
    """An entry of PowerShell's error stream.

    Attributes:
        message: the exception's message.
        exception_type: full name of the .NET class.
        fully_qualified_error_id: identifies the error; the message for a plain `throw`.
        category: name of the ErrorCategory.
        activity: the command that failed.
        target: the object it was about.
        origin: what stands before the message where that is not the activity: for `Write-Error` the
            whole script or the function that called it.
        reason: of the category, where it is not the name of the exception's class.
        target_name: of the category, where it is not the target's text.
        target_type: of the category, where it is not the name of the target's class.
        details: message and recommended action that somebody put in place of the exception's.
        hresult: of the exception.
        stack: where it happened.
        iteration: positions in the pipeline.
    """

    message: str
    exception_type: str = "System.Management.Automation.RuntimeException"
    fully_qualified_error_id: str = ""
    category: str = "NotSpecified"
    activity: str = ""
    target: Any = None
    origin: str = ""
    reason: str = ""
    target_name: str = ""
    target_type: str = ""
    details: tuple[str, str] | None = None
    hresult: int = RUNTIME_EXCEPTION
    stack: str = "at <ScriptBlock>, <No file>: line 1"
    iteration: tuple[int, ...] = ()


class ScriptError(Exception):
    """What `throw`, or an error under `$ErrorActionPreference = 'Stop'`, does: the script ends here.

    Args:
        record: the error.
        so_far: what the script had written and set until then.
    """

    def __init__(self, record: ErrorRecord | str, so_far: ScriptResult | None = None) -> None:
        self.so_far = so_far
        self.record = (
            ErrorRecord(record, category="OperationStopped", fully_qualified_error_id=record)
            if isinstance(record, str)
            else record
        )
        super().__init__(self.record.message)


@dataclass(frozen=True, slots=True)
class ScriptCall:
    """A script at its start.

    Attributes:
        host: the host it runs on.
        session: the logon it runs in.
        text: the script as it came.
        parameters: named parameters; `Credential` and `SecureText` for sensitive ones.
        arguments: positional arguments (of a script file).
        check_mode: `$Ansible.CheckMode`, which is also `-WhatIf`.
        verbosity: `$Ansible.Verbosity`.
        cwd: the current location.
        environment: its variables.
        tmpdir: `$Ansible.Tmpdir`.
        stdin: what is piped into its process.
        error_action: `continue`, `stop` or `silently_continue`.
        typed: the text as its process got it, where that is more than `text`.
    """

    host: Host
    session: Session
    text: str
    parameters: Mapping[str, Any] = field(default_factory=dict)
    arguments: tuple[str, ...] = ()
    check_mode: bool = False
    verbosity: int = 0
    cwd: str = "C:\\"
    environment: Mapping[str, str] = field(default_factory=dict)
    tmpdir: str = ""
    stdin: bytes = b""
    error_action: str = "continue"
    typed: str = ""

    def parameter(self, name: str, default: Any = None) -> Any:
        """A named parameter without regard to case, or the default."""
        wanted = name.lower()
        return next((value for key, value in self.parameters.items() if key.lower() == wanted), default)


@dataclass(frozen=True, slots=True)
class ScriptResult:
    """What a script leaves behind.

    Attributes:
        output: objects on the output stream.
        result: `$Ansible.Result`.
        changed: `$Ansible.Changed`, true unless the script says otherwise.
        failed: `$Ansible.Failed`.
        errors: the error stream (non-terminating errors; raise `ScriptError` for the others).
        warning: the warning stream.
        verbose: the verbose stream.
        debug: the debug stream.
        information: the information stream, as `Write-Host` and `Write-Information` write it.
        host_out: what went to the console.
        host_err: what went to the console's error stream.
        diff: `$Ansible.Diff`.
        rc: exit code of the process where a shell runs the script (`exit N`).
    """

    output: list[Any] = field(default_factory=list)
    result: Any = field(default_factory=dict)
    changed: bool = True
    failed: bool = False
    errors: list[ErrorRecord] = field(default_factory=list)
    warning: list[str] = field(default_factory=list)
    verbose: list[str] = field(default_factory=list)
    debug: list[str] = field(default_factory=list)
    information: list[Any] = field(default_factory=list)
    host_out: str = ""
    host_err: str = ""
    diff: dict[str, Any] = field(default_factory=dict)
    rc: int = 0


ScriptFunction = Callable[[ScriptCall], ScriptResult]

_scripts: dict[str, ScriptFunction] = {}

FormFunction = Callable[[ScriptCall, tuple[str, ...]], ScriptResult]

# A literal on one line, as PowerShell reads it. In double quotes a backtick would be evaluated, and `$` where
# a name, a brace or a parenthesis follows (about_Variables, about_Quoting_Rules); `$!` is two plain signs.
_LITERAL = re.compile(r"'(?:[^'\n]|'')*'|\"(?:[^\"\n]|\"\")*\"")
_EVALUATED = re.compile(r"`|\$[\w{($?^:]")
# What win_tempfile names its folders: its default prefix and System.IO.Path.GetRandomFileName.
_RANDOM_NAME = re.compile(r"(?<![\w.])ansible\.[a-z0-9]{8}\.[a-z0-9]{3}(?!\w)")
# By the positions of the free literals, then by digest.
_forms: dict[tuple[int, ...], dict[str, FormFunction]] = {}


def normalise(text: str) -> str:
    """The text as it is compared: lines stripped, empty ones dropped."""
    lines = (line.strip() for line in text.removeprefix("\ufeff").splitlines())
    return "\n".join(line for line in lines if line)


def digest(text: str) -> str:
    """SHA-256 of the normalised text."""
    return hashlib.sha256(normalise(text).encode()).hexdigest()


def register(sha256: str, behaviour: ScriptFunction) -> None:
    """Say what the script with this digest does."""
    _scripts[sha256.lower()] = behaviour


def script(text: str) -> Callable[[ScriptFunction], ScriptFunction]:
    """Register a function as the behaviour of the script with this text."""

    def add(function: ScriptFunction) -> ScriptFunction:
        register(digest(text), function)
        return function

    return add


def form_of(text: str, free: Sequence[int]) -> tuple[str, tuple[str, ...]]:
    """Take a script apart into its form and its free literals.

    Args:
        text: the script.
        free: positions of the plain literals (quoted, on one line, nothing to evaluate) that may be anything.

    Returns:
        The digest of the normalised text with the free literals and the random part of win_tempfile's names
        emptied, and the contents of the free literals.
    """
    found: list[str] = []
    position = 0

    def empty(match: re.Match[str]) -> str:
        nonlocal position
        literal = match.group()
        quote = literal[0]
        if quote == '"' and _EVALUATED.search(literal):
            return literal
        position += 1
        if position - 1 not in free:
            return literal
        found.append(literal[1:-1].replace(quote * 2, quote))
        return quote * 2

    shape = _RANDOM_NAME.sub("<name>", _LITERAL.sub(empty, normalise(text)))
    return hashlib.sha256(shape.encode()).hexdigest(), tuple(found)


def register_form(sha256: str, behaviour: FormFunction, free: Sequence[int] = ()) -> None:
    """Say what scripts of one form do: the same text but for some literals, such as a path.

    Args:
        sha256: digest of the form, as `form_of` gives it.
        behaviour: gets the call and the free literals, all of which it must honour.
        free: positions of the free literals.
    """
    _forms.setdefault(tuple(free), {})[sha256] = behaviour


def find(text: str) -> ScriptFunction | None:
    """The behaviour of a script, or None."""
    behaviour = _scripts.get(digest(text))
    return behaviour or _find_form(text)


def _find_form(text: str) -> ScriptFunction | None:
    for free, known in _forms.items():
        sha256, literals = form_of(text, free)
        if sha256 in known:
            return functools.partial(_run_form, known[sha256], literals)
    return None


def _run_form(behaviour: FormFunction, literals: tuple[str, ...], call: ScriptCall) -> ScriptResult:
    return behaviour(call, literals)


def unknown(text: str, what: str = "the script") -> NotModelled:
    """The refusal of an unknown script, with the lines that register it."""
    first = next(iter(normalise(text).splitlines()), "")
    shown = first if len(first) <= _SHOWN else first[: _SHOWN - 1] + "…"
    return NotModelled(
        f"{what} that begins with {shown!r} (SHA-256 {digest(text)})",
        "Register it in the lab definition:\n"
        "scripts:\n"
        f"  - sha256: {digest(text)}\n"
        '    behaviour: "package.module:function"   # f(ScriptCall) -> ScriptResult',
    )


def run(call: ScriptCall) -> ScriptResult:
    """Run a script.

    Raises:
        NotModelled: nobody has registered it.
        ScriptError: it threw.
        WinlabError: a behaviour of somebody else raised, or returned something else than a `ScriptResult`.
    """
    behaviour = find(call.text)
    if behaviour is None:
        raise unknown(call.text)
    where = f"{call.host.name}: script with SHA-256 {digest(call.text)[:12]}"
    try:
        with audit.acting(call.session):
            return foreign.checked(where, behaviour, behaviour(call), ScriptResult)
    except (WinlabError, Win32Error, ModuleFailure, ScriptError):
        raise
    except Exception as error:
        if foreign.is_own(behaviour):
            raise
        raise foreign.mistake(where, behaviour, error) from error


def load_definition(entries: Iterable[Mapping[str, Any]], base: Path) -> None:
    """Register the scripts of a lab definition.

    Args:
        entries: items with `behaviour` and `path`, `sha256` or both.
        base: folder that `path` is relative to.

    Raises:
        WinlabError: a file is missing, differs from its digest, or a behaviour cannot be imported.
    """
    for entry in entries:
        sha256 = str(entry.get("sha256", "")).lower()
        path = entry.get("path")
        if path is not None:
            actual = _digest_of_file(base / str(path))
            if sha256 and sha256 != actual:
                raise WinlabError(
                    f"{base / str(path)}: lab definition: SHA-256 {actual}; expected {sha256}. "
                    "Check that the behaviour still does what the script does, then change the digest."
                )
            sha256 = actual
        register(sha256, _import_behaviour(str(entry.get("behaviour", ""))))


def _digest_of_file(path: Path) -> str:
    try:
        return digest(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise WinlabError(
            f"{path}: lab definition: {error.strerror}; expected a script. Correct `scripts:`."
        ) from error


def _import_behaviour(name: str) -> ScriptFunction:
    module_name, _, function_name = name.partition(":")
    try:
        found = getattr(importlib.import_module(module_name), function_name)
    except (ImportError, AttributeError, ValueError) as error:
        raise WinlabError(
            f"lab definition: scripts: behaviour {name!r}: {error}; expected 'package.module:function'. "
            "Correct the name, install the package, or put the module beside the definition."
        ) from error
    behaviour: ScriptFunction = found
    return behaviour
