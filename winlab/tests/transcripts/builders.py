"""Calls as Ansible sends them, built by the installed ansible-core."""

from __future__ import annotations

import json
from typing import Any

from winlab.manifest import DELIMITER
from winlab.transcripts import payload
from winlab.transcripts.format import Recorded


def stdin_of(
    module: str, arguments: dict[str, Any], environment: dict[str, str] | None = None, **call: Any
) -> bytes:
    return payload.module(
        Recorded(1, {"kind": "module", "name": module, **call}, {}), arguments, environment or {}
    )


def with_become(stdin: bytes, user: str, password: str) -> bytes:
    wrapper, _, body = stdin.partition(DELIMITER)
    manifest = json.loads(body)
    action = {
        "name": "become_wrapper.ps1",
        "params": {"BecomeUser": user, "LogonType": "Batch", "LogonFlags": None},
        "secure_params": {"BecomePassword": password},
    }
    manifest["actions"].insert(0, action)
    return wrapper + DELIMITER + json.dumps(manifest).encode()


def printed(result: dict[str, Any]) -> bytes:
    return json.dumps(result).encode() + b"\r\n"
