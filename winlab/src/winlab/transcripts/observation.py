"""What a remote command was: from its command line and standard input to a name and arguments.

The recorder sees them on the controller before they are sent, the replay after they have arrived; both use
this, so that they agree. Nothing here is redacted yet.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from winlab import modules
from winlab.manifest import DELIMITER, Action, Manifest, NotAManifest, UnknownLayout, decode
from winlab.transcripts.rules import allowed

MODULE, HELPER, SCRIPT, PUT, FETCH, UNREADABLE = "module", "helper", "script", "put", "fetch", "unreadable"
PUT_HELPERS = frozenset({"winrm_put_file.ps1", "psrp_put_file.ps1"})
FETCH_HELPERS = frozenset({"winrm_fetch_file.ps1", "psrp_fetch_file.ps1"})
_INTERNAL = "_ansible_"
_BECOME_FIELDS = (("user", "BecomeUser"), ("logon_type", "LogonType"), ("logon_flags", "LogonFlags"))
# How Ansible starts PowerShell with an encoded text (winrm_wire.md 1.4).
_ENCODED = re.compile(
    r"\A(?:powershell|pwsh)(?:\.exe)?\s(?:.*\s)?-EncodedCommand\s+(?P<text>[A-Za-z0-9+/=]+)\s*\Z",
    re.IGNORECASE | re.DOTALL,
)
# What plugins/shell/powershell.py puts around a text: strict mode before it, the exit code after it.
_STRICT = re.compile(r"\ASet-StrictMode -Version Latest\n")
_KEEP_RC = re.compile(r"[;\n]\s*If \(-not \$\?\) \{ If \(Get-Variable LASTEXITCODE[^\n]*\Z")


@dataclass(frozen=True)
class Observed:
    """One remote command.

    Attributes:
        kind: `module`, `helper`, `script`, `put`, `fetch` or `unreadable`.
        name: the module's full name, the helper's file, the name of a known script or `text`.
        sha256: digest of the module's source.
        arguments: as typed, without Ansible's own.
        check_mode: whether nothing was to be changed.
        diff_mode: whether a diff was wanted.
        no_log: whether the task is not to be logged.
        become: the become user and the logon type, None without become.
        asynchronous: whether the module only starts a job.
        environment: the task's environment.
        source: the module's source text.
    """

    kind: str
    name: str
    sha256: str = ""
    arguments: Mapping[str, Any] = field(default_factory=dict, repr=False)
    check_mode: bool = False
    diff_mode: bool = False
    no_log: bool = False
    become: Mapping[str, str] | None = field(default=None, repr=False)
    asynchronous: bool = False
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)
    source: str = field(default="", repr=False)


def observe(command: str, stdin: bytes | None) -> Observed:
    """Tell what a command line with its standard input does."""
    text = script_text(command)
    if not stdin:
        return _script(text)
    wrapper, _, rest = stdin.partition(DELIMITER)
    body = rest.partition(DELIMITER)[0]
    try:
        return of_manifest(decode(wrapper, body))
    except (NotAManifest, UnknownLayout):
        return Observed(UNREADABLE, "stdin")


def of_manifest(manifest: Manifest) -> Observed:
    """Tell what a manifest does."""
    action = manifest.actions[-1]
    become = next((item for item in manifest.actions if item.name == "become_wrapper.ps1"), None)
    wrapped: dict[str, Any] = {
        "become": _become(become) if become is not None else None,
        "asynchronous": any(item.name == "async_wrapper.ps1" for item in manifest.actions),
    }
    if action.name in PUT_HELPERS or action.name in FETCH_HELPERS:
        kind = PUT if action.name in PUT_HELPERS else FETCH
        return Observed(kind, "", arguments={"path": str(action.params.get("Path") or "")}, **wrapped)
    if action.name in allowed().helpers:
        return Observed(HELPER, action.name, arguments=dict(action.params), **wrapped)
    if action.name != "module_wrapper.ps1":
        return Observed(UNREADABLE, "helper", arguments={"helper": action.name, **action.params}, **wrapped)
    return _module(manifest, action, wrapped)


def _module(manifest: Manifest, action: Action, wrapped: dict[str, Any]) -> Observed:
    key = str(action.params.get("Script") or "")
    script = manifest.scripts.get(key)
    environment = {str(k): str(v) for k, v in (action.params.get("Environment") or {}).items()}
    name = modules.module_name(key)
    if script is None or name is None or not action.params.get("ForModule"):
        # The action `script`: its text starts the file that was transferred, with the user's arguments.
        text = script.text if script is not None else ""
        return Observed(SCRIPT, "script", arguments={"text": text}, environment=environment, **wrapped)
    given = _complex_args(action)
    return Observed(
        MODULE,
        name,
        sha256=script.sha256,
        arguments={key: value for key, value in given.items() if not key.startswith(_INTERNAL)},
        check_mode=bool(given.get("_ansible_check_mode")),
        diff_mode=bool(given.get("_ansible_diff")),
        no_log=bool(given.get("_ansible_no_log")),
        environment=environment,
        source=script.text,
        **wrapped,
    )


def script_text(command: str) -> str:
    """The PowerShell text of a command line, as Ansible normalises it before it encodes it."""
    match = _ENCODED.match(command.strip())
    if match is not None:
        try:
            command = base64.b64decode(match["text"], validate=True).decode("utf-16-le")
        except (binascii.Error, UnicodeDecodeError):
            return command
    lines = (line.strip() for line in command.strip().splitlines())
    text = "\n".join(line for line in lines if line)
    return _KEEP_RC.sub("", _STRICT.sub("", text)).strip()


def _script(text: str) -> Observed:
    for script in allowed().scripts:
        match = script.pattern.fullmatch(text)
        if match is not None:
            given = {name: value for name, value in match.groupdict().items() if value is not None}
            return Observed(SCRIPT, script.name, arguments=given)
    return Observed(SCRIPT, "text", arguments={"text": text})


def _become(action: Action) -> dict[str, str]:
    # secure_params, where the password is, is not looked at.
    return {name: str(action.params.get(key) or "") for name, key in _BECOME_FIELDS}


def _complex_args(action: Action) -> dict[str, Any]:
    for variable in action.params.get("Variables") or []:
        if isinstance(variable, dict) and variable.get("Name") == "complex_args":
            value = variable.get("Value")
            return dict(value) if isinstance(value, dict) else {}
    return {}
