"""From an observed command and its answer to the redacted record that a transcript keeps."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from winlab.transcripts.observation import FETCH, HELPER, MODULE, PUT, SCRIPT, Observed
from winlab.transcripts.redaction import Redactor, is_placeholder
from winlab.transcripts.rules import NOTHING, ONLY_SWITCHES, Rule, allowed

ASYNC_STATUS = "ansible.windows.async_status"
_LOGON_TYPES = frozenset(
    {"Interactive", "Network", "Batch", "Service", "NetworkCleartext", "NewCredentials", "Unlock"}
)
_LOGON_FLAGS = frozenset({"WithProfile", "NetCredentialsOnly"})
# What the header of a host tells, by the fact it comes from (setup.ps1, platform and distribution).
HOST_FACTS = {
    "ansible_distribution_version": "version",
    "ansible_distribution": "product",
    "ansible_os_installation_type": "installation_type",
    "ansible_powershell_version": "powershell",
    "ansible_system_vendor": "vendor",
}


def call(observed: Observed, redactor: Redactor) -> dict[str, Any]:
    """The redacted form of what was called."""
    found: dict[str, Any] = {"kind": observed.kind, "name": observed.name}
    if observed.sha256:
        found["sha256"] = observed.sha256
    found["arguments"] = redactor.value(dict(observed.arguments), _argument_rule(observed))
    for flag in ("check_mode", "diff_mode", "no_log", "asynchronous"):
        if getattr(observed, flag):
            found[flag] = True
    if observed.become is not None:
        found["become"] = redactor.value(dict(observed.become), _BECOME)
    if observed.environment:
        found["environment"] = redactor.value(dict(observed.environment), NOTHING)
    return found


def answer(  # noqa: PLR0917  (what a connection plugin gives)
    observed: Observed, redactor: Redactor, rc: int, stdout: bytes, stderr: bytes, job: str = ""
) -> dict[str, Any]:
    """The redacted form of what came back; `job` is the module whose result async_status hands on."""
    found: dict[str, Any] = {"rc": rc, "stdout": _stdout(observed, redactor, stdout, job)}
    if stderr:
        found["stderr"] = _text(redactor, stderr)
    return found


def host_facts(observed: Observed, redacted: Mapping[str, Any]) -> dict[str, Any]:
    """Build and product, when the answer of `setup` told them; from what the allow-list let stay."""
    stdout = redacted.get("stdout")
    if observed.name != "ansible.windows.setup" or not isinstance(stdout, dict):
        return {}
    facts = (stdout.get("json") or {}).get("ansible_facts")
    if not isinstance(facts, dict) or is_placeholder(facts):
        return {}
    return {name: facts[fact] for fact, name in HOST_FACTS.items() if isinstance(facts.get(fact), (str, int))}


def started_job(record: Mapping[str, Any], job: Any) -> str:
    """The module that a recorded call started as the job of this placeholder, empty when it did not."""
    called, answered = record.get("call") or {}, record.get("answer") or {}
    stdout = answered.get("stdout")
    result = (stdout.get("json") if isinstance(stdout, dict) else None) or {}
    same = called.get("asynchronous") and result.get("ansible_job_id") == job
    return str(called["name"]) if same else ""


def split_json(text: str) -> tuple[str, Any, str] | None:
    """Text before, the value, and text after the first line that begins a JSON object; None without one."""
    position = 0
    for line in text.splitlines(keepends=True):
        if line.startswith("{"):
            try:
                value, end = json.JSONDecoder().raw_decode(text, position)
            except ValueError:
                return None
            return text[:position], value, text[end:]
        position += len(line)
    return None


def _stdout(observed: Observed, redactor: Redactor, stdout: bytes, job: str) -> Any:
    if not stdout:
        return None
    found = split_json(stdout.decode("utf-8", "replace")) if observed.kind == MODULE else None
    if found is None:
        return _text(redactor, stdout)
    before, value, after = found
    known = observed.name in allowed().modules()
    # The source of a module that the list does not name may be somebody's own, and not public.
    source = observed.source if known else ""
    shown: dict[str, Any] = {"json": redactor.value(value, _result_rule(observed, job), source)}
    if before:
        shown["before"] = redactor.text(before)
    if after.strip():
        shown["after"] = redactor.text(after)
    return shown


def _text(redactor: Redactor, data: bytes) -> dict[str, Any]:
    text = data.decode("utf-8", "replace")
    stripped = text.rstrip("\r\n")
    return {"text": redactor.text(stripped), "end": text[len(stripped) :]}


def _argument_rule(observed: Observed) -> Rule:
    if observed.no_log:
        return _names_only(allowed().arguments(observed.name))
    if observed.kind == MODULE:
        return allowed().arguments(observed.name)
    if observed.kind == HELPER:
        return allowed().helpers.get(observed.name, NOTHING)
    if observed.kind in (PUT, FETCH):
        return _FILE
    return _SCRIPT if observed.kind == SCRIPT else NOTHING


def _result_rule(observed: Observed, job: str) -> Rule:
    return ONLY_SWITCHES if observed.no_log else allowed().results(observed.name, job)


def _names_only(rule: Rule) -> Rule:
    # `no_log: true` on a task: whoever wrote it wants nothing of it told, lengths included.
    return Rule("secret", fields={name: _names_only(item) for name, item in rule.fields.items()})


_FILE = Rule(fields={"path": Rule("well_known")})
_SCRIPT = Rule(
    fields={
        "text": Rule("name"),
        "echo": Rule("name"),
        "path": Rule("well_known"),
        "recurse": Rule("choice", frozenset({" -recurse"})),
    }
)
_BECOME = Rule(
    fields={
        "user": Rule("well_known"),
        "logon_type": Rule("choice", frozenset(map(str.lower, _LOGON_TYPES))),
        "logon_flags": Rule("choice", frozenset(map(str.lower, _LOGON_FLAGS))),
    }
)
