"""What Ansible sends on standard input: the layout of ansible-core 2.19 (module_manifest.py)."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from winlab.errors import WinlabError

DELIMITER = b"\n\0\0\0\0\n"  # bootstrap_wrapper.ps1 stops at a line of four null characters
MAX_PART_BYTES = 64 * 1024 * 1024  # a manifest is 50 to 350 kB; arguments may add a script or a file's text
SUPPORTED = "ansible-core 2.19"


class NotAManifest(Exception):  # noqa: N818  (named after what it says, as in errors.py)
    """The input is no JSON at all, as when a Python module is sent to a Windows host."""


class UnknownLayout(WinlabError):  # noqa: N818  (named after what it says, as in errors.py)
    """JSON, but not as ansible-core 2.19 writes it."""

    def __init__(self, what: str) -> None:
        super().__init__(
            f"winlab: unknown manifest layout: {what}; expected that of {SUPPORTED}. "
            "Use an ansible-core >= 2.19.10, < 2.20 on the controller."
        )


@dataclass(frozen=True)
class Script:
    """One source that came along."""

    name: str
    path: str
    content: bytes = field(repr=False)

    @property
    def text(self) -> str:
        """The source text."""
        return self.content.decode("utf-8-sig", errors="replace")

    @property
    def sha256(self) -> str:
        """Digest of the source as sent."""
        return hashlib.sha256(self.content).hexdigest()


@dataclass(frozen=True)
class Action:
    """One step; the last one is the thing to do, those before wrap it."""

    name: str
    params: Mapping[str, Any]
    secure_params: Mapping[str, Any] = field(repr=False)


@dataclass(frozen=True)
class Manifest:
    """A whole manifest with the parameters of the exec wrapper."""

    actions: tuple[Action, ...]
    scripts: Mapping[str, Script]
    temp_path: str
    min_os_version: str
    min_ps_version: str

    def sources(self) -> Sources:
        """Source texts by name."""
        return Sources(self.scripts)


class Sources(Mapping[str, str]):
    """Source texts by name, decoded when asked for."""

    def __init__(self, scripts: Mapping[str, Script]) -> None:
        self._scripts = scripts

    def __getitem__(self, name: str) -> str:
        return self._scripts[name].text

    def __iter__(self) -> Iterator[str]:
        return iter(self._scripts)

    def __len__(self) -> int:
        return len(self._scripts)


def decode(wrapper: bytes, body: bytes) -> Manifest:
    """Read the two JSON parts.

    Args:
        wrapper: what stands before the first delimiter.
        body: what stands between the first and the second delimiter, or the rest.

    Raises:
        NotAManifest: the first part is no JSON object.
        UnknownLayout: it is another version's.
    """
    head = _json(wrapper, first=True)
    if head.get("name") != "exec_wrapper" or not isinstance(head.get("params"), dict):
        raise UnknownLayout(f"wrapper with keys {_keys(head)}")
    manifest = _json(body, first=False)
    actions, scripts = manifest.get("actions"), manifest.get("scripts")
    if not isinstance(actions, list) or not actions or not isinstance(scripts, dict):
        raise UnknownLayout(f"manifest with keys {_keys(manifest)}")
    params = head["params"]
    return Manifest(
        actions=tuple(_action(item) for item in actions),
        scripts={name: _script(name, item) for name, item in scripts.items()},
        temp_path=str(params.get("TempPath") or ""),
        min_os_version=str(params.get("MinOSVersion") or ""),
        min_ps_version=str(params.get("MinPSVersion") or ""),
    )


def _json(data: bytes, first: bool) -> dict[str, Any]:
    try:
        value = json.loads(data)
    except ValueError as error:
        if first:
            raise NotAManifest(str(error)) from error
        raise UnknownLayout(f"second part is no JSON ({error})") from error
    if not isinstance(value, dict):
        if first:
            raise NotAManifest(type(value).__name__)
        raise UnknownLayout(f"second part is a {type(value).__name__}")
    return value


def _action(item: Any) -> Action:
    if not isinstance(item, dict) or not isinstance(item.get("name"), str):
        raise UnknownLayout(f"action {_keys(item)}")
    params, secure = item.get("params", {}), item.get("secure_params", {})
    if not isinstance(params, dict) or not isinstance(secure, dict):
        raise UnknownLayout(f"parameters of action {item['name']}")
    return Action(item["name"], params, secure)


def _script(name: str, item: Any) -> Script:
    if not isinstance(item, dict) or not isinstance(item.get("script"), str):
        raise UnknownLayout(f"script {name}")
    try:
        return Script(name, str(item.get("path", "")), base64.b64decode(item["script"], validate=True))
    except binascii.Error as error:
        raise UnknownLayout(f"script {name} is no base64") from error


def _keys(value: Any) -> str:
    return ", ".join(sorted(map(str, value))) if isinstance(value, dict) else type(value).__name__
