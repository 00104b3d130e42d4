"""win_uri.ps1 of ansible.windows 3.3.0: ask a web service, and judge its answer by its status."""

from __future__ import annotations

import hashlib
import json
import re
from typing import Any

from winlab.arguments.powershell import is_true
from winlab.errors import ModuleFailure, NotModelled, Win32Error
from winlab.modules import Call, twin
from winlab.modules._dotnet import Disk, dotnet_errors, method_errors
from winlab.modules._http_statuses import name_of
from winlab.modules._web import failure, get_request, invoke, local_iso, to_uri
from winlab.modules._web_conversation import Response
from winlab.modules._web_wire import Answer, WebError
from winlab.modules._windows_json import to_json

_METHOD = re.compile(r"[A-Z]+\Z")
_JSON_TYPES = re.compile("text|json|javascript", re.IGNORECASE)


@twin("ansible.windows.win_uri", locked=False)
def win_uri(call: Call) -> dict[str, Any]:
    """Send one request.

    Every property of the response becomes a key, and every header after it, so that a header's text takes the
    place of a property's number (lines 107-123). Check mode asks all the same and writes no file (line 160).
    """
    return _Task(call).run()


class _Task:
    def __init__(self, call: Call) -> None:
        self.call, self.params = call, call.params
        self.disk = Disk(call)
        self.warnings: list[str] = []
        self.result: dict[str, Any] = {"elapsed": 0, "url": call.params["url"], "changed": False}

    def run(self) -> dict[str, Any]:
        """The module from line 82 on."""
        params = self.params
        method = str(params["url_method"]).upper()
        if not _METHOD.match(method):
            raise self._failure(
                "Parameter 'method' needs to be a single word in uppercase, like GET or POST."
            )
        if (skipped := self._skipped()) is not None:
            return {**self.result, "skipped": True, "msg": skipped}
        request = get_request(self.call, to_uri(str(params["url"])), self.warnings)
        if request.uri.is_file:
            raise NotModelled(
                f"win_uri with {request.uri}", "A file has no status; use win_get_url or slurp."
            )
        if params["content_type"] is not None:
            request.headers = {
                name: value for name, value in request.headers.items() if name != "Content-Type"
            }
            if params["content_type"]:
                request.headers["Content-Type"] = str(params["content_type"])
        try:
            invoke(request, self.result, self._take, body=self._body(), ignore_bad_response=True)
        except (WebError, Win32Error) as error:
            raise self._failure(
                f"Unhandled exception occurred when sending web request. Exception: {error.message}"
            ) from error
        return {**self.result, **({"warnings": self.warnings} if self.warnings else {})}

    def _skipped(self) -> str | None:
        """Lines 86-96."""
        creates, removes = self.params["creates"], self.params["removes"]
        with self.call.host.lock:
            if creates and self.disk.test(creates):
                return f"The 'creates' file or directory ({creates}) already exists."
            if removes and not self.disk.test(removes):
                return f"The 'removes' file or directory ({removes}) does not exist."
        return None

    def _body(self) -> bytes | None:
        """Lines 183-197: a list or a mapping goes as JSON, other values as their text."""
        body = self.params["body"]
        if body is None:
            return None
        if isinstance(body, list | dict):
            return to_json(body).encode()
        return (body if isinstance(body, str) else str(body)).encode()

    def _take(self, response: Response) -> None:
        """The script block of lines 104-181."""
        answer = response.answer
        if answer is None:
            raise NotModelled("win_uri with an answer without status", "Ask an HTTP server.")
        self.result.update(self._properties(response, answer))
        self.result.update(_headers(answer))
        dest = self.params["dest"]
        if self.params["return_content"] or dest:
            content = bytearray()
            response.copy_to(content.extend)
            if self.params["return_content"]:
                self._show(bytes(content))
            if dest:
                self._store(str(dest), bytes(content))
        status, wanted = answer.status, self.params["status_code"]
        if status not in wanted:
            raise self._failure(
                f"Status code of request '{status}' is not in list of valid status codes "
                f"{' '.join(map(str, wanted))} : {name_of(status)}'."
            )

    def _properties(self, response: Response, answer: Answer) -> dict[str, Any]:
        """The properties of HttpWebResponse as ConvertTo-Json prints them, in snake case."""
        content_type = answer.header("Content-Type") or ""
        length = answer.header("Content-Length") or ""
        return {
            "is_mutually_authenticated": False,
            "cookies": [],  # without a CookieContainer none are kept
            "headers": _names(answer),
            "supports_headers": True,
            "content_length": int(length) if length.isascii() and length.isdigit() else -1,
            "content_encoding": answer.header("Content-Encoding") or "",
            "content_type": content_type,
            "character_set": _character_set(content_type),
            "server": answer.header("Server"),
            "last_modified": local_iso(self.call, response.last_modified(self.call)),
            "status_code": answer.status,
            "status_description": answer.reason,
            "protocol_version": {
                "Major": answer.version // 10,
                "Minor": answer.version % 10,
                "Build": -1,
                "Revision": -1,
                "MajorRevision": -1,
                "MinorRevision": -1,
            },
            "response_uri": response.uri.absolute_uri,
            "method": response.method,
            "is_from_cache": False,
        }

    def _show(self, content: bytes) -> None:
        """Lines 132-142."""
        text = content.decode("utf-8", "replace")
        self.result["content"] = text
        if not text or not _JSON_TYPES.search(str(self.result.get("content_type", ""))):
            return
        try:
            found = json.loads(text, parse_constant=_refuse)
        except ValueError:
            return
        if is_true(found):
            self.result["json"] = found

    def _store(self, dest: str, content: bytes) -> None:
        """Lines 144-172."""
        with self.call.host.lock:
            changed = True
            if self.disk.test(dest):
                with method_errors("Open", 4), dotnet_errors(dest):
                    changed = self.disk.digest(dest, "sha256") != hashlib.sha256(content).hexdigest()
            self.result["changed"] = changed
            if changed and not self.call.check_mode:
                full = self.disk.full(dest)
                with method_errors("Create", 1), dotnet_errors(full):
                    self.disk.files.write_bytes(full, content, self.call.session)

    def _failure(self, msg: str) -> ModuleFailure:
        return failure(msg, self.result, self.warnings)


def _names(answer: Answer) -> list[str]:
    """The keys of a WebHeaderCollection: each once, as it was written first."""
    seen: dict[str, str] = {}
    for name, _ in answer.headers:
        seen.setdefault(name.lower(), name)
    return list(seen.values())


def _headers(answer: Answer) -> dict[str, str]:
    return {snake_case(name.replace("-", "")): answer.header(name) or "" for name in _names(answer)}


def snake_case(name: str) -> str:
    """Convert-StringToSnakeCase of Ansible.ModuleUtils.CamelConversion."""
    match = re.search(r"[A-Z]{3,}s", name)
    if match:
        replaced = name.replace(match[0], f"_{match[0].lower()}")
        name = replaced[1:] if replaced.startswith("_") and not name.startswith("_") else replaced
    name = re.sub(r"(.)([A-Z][a-z]+)", r"\1_\2", name)
    return re.sub(r"([a-z0-9])([A-Z])", r"\1_\2", name).lower()


def _refuse(name: str) -> None:
    """NaN and Infinity are no JSON."""
    raise ValueError(name)


def _character_set(content_type: str) -> str | None:
    """`CharacterSet`: the one named; without one ISO-8859-1 for text, nothing for the rest."""
    if not content_type.strip():
        return None
    match = re.search(r"charset\s*=\s*\"?([^\s;\"]+)", content_type, re.IGNORECASE)
    if match:
        return match[1]
    return "ISO-8859-1" if content_type.strip().lower().startswith("text/") else ""
