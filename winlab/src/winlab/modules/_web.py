"""module_utils/WebRequest.psm1 of ansible.windows 3.3.0: requests of win_get_url, win_uri and win_package."""

from __future__ import annotations

import base64
import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypeVar

from winlab.errors import ModuleFailure, NotModelled, Win32Error
from winlab.host import timezones
from winlab.modules import _ftp
from winlab.modules._dotnet import Disk, DotNetError, dotnet_errors, invocation_text
from winlab.modules._uri import Uri, UriError, parse
from winlab.modules._web_conversation import WITHOUT_BODY, Conversation, Response, ResponseError, Sent
from winlab.modules._web_headers import header_fields
from winlab.modules._web_wire import WebError

if TYPE_CHECKING:
    from winlab.modules import Call

T = TypeVar("T")
DEFAULT_AGENT = "ansible-httpget"
_AGENT_TWICE = "The 'User-Agent' header and the 'http_agent' was set, using the 'http_agent' for web request"
# KnownHttpVerb: these are found without case and sent in capitals; any other is sent as typed.
_KNOWN_VERBS = frozenset({"CONNECT", "GET", "HEAD", "MKCOL", "POST", "PUT"})
_METHOD = re.compile(r"\A[!#$%&'*+.^_`|~0-9A-Za-z-]+\Z")
_ERROR_INVALID_PARAMETER = 87


@dataclass
class WebRequest:
    """What Get-AnsibleWindowsWebRequest returns; a module may still set method and content type."""

    call: Call
    uri: Uri
    method: str
    headers: dict[str, str] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)

    @property
    def _timeout(self) -> int:
        """`Timeout` in seconds: -1 of .NET's milliseconds is out of reach for whole seconds."""
        seconds = int(self.call.params["url_timeout"])
        if seconds < 0:
            raise NotModelled(f"{self.call.name} with url_timeout {seconds}", "Give a number from 0.")
        return seconds

    @property
    def _follows(self) -> bool:
        """`AllowAutoRedirect` (WebRequest.psm1 lines 352-370)."""
        params = self.call.params
        if params["maximum_redirection"] == 0 or params["follow_redirects"] == "none":
            return False
        return params["follow_redirects"] == "all" or self.method.upper() in ("GET", "HEAD")

    def respond(self, body: bytes | None) -> Response:
        """`GetResponse`, after the body was written.

        Raises:
            WebError: as a `WebException`; with the response where there is one.
        """
        timeout = self._timeout
        if self.uri.is_file:
            return self._file()
        if not self.uri.is_http:
            return _ftp.respond(self.call, self.uri, self.method)
        sent = Sent(self.uri, self.method, self.headers, body, self._follows)
        return Conversation(self.call, sent, timeout).run()

    def _file(self) -> Response:
        disk = Disk(self.call)
        path = self.uri.local_path
        try:
            with self.call.host.lock, dotnet_errors(path):
                full = disk.full(path)
                stream = disk.files.open(full, self.call.session)
        except Win32Error as error:
            raise WebError(str(error.args[0] if isinstance(error, DotNetError) else error.message)) from error
        return Response(self.uri, self.method, stream=stream)


def to_uri(text: str, parameter: str = "Uri") -> Uri:
    """A text as an argument of type `System.Uri`.

    Raises:
        DotNetError: it is none; an error that no module catches.
    """
    try:
        return parse(text)
    except UriError as error:
        raise DotNetError(
            _ERROR_INVALID_PARAMETER,
            "",
            f"Cannot process argument transformation on parameter '{parameter}'. Cannot convert value "
            f'"{text}" to type "System.Uri". Error: "{error}"',
        ) from error


def get_request(call: Call, uri: Uri, warnings: list[str]) -> WebRequest:
    """Get-AnsibleWindowsWebRequest with the module's options.

    Args:
        call: the module's call.
        uri: what is asked for.
        warnings: gets what the util warns of.

    Raises:
        DotNetError: the options cannot be set.
        NotModelled: an option, or a scheme, that winlab has nothing for.
    """
    params = call.params
    if not uri.scheme:
        _fail_create("This operation is not supported for a relative URI.")
    if not uri.is_http and uri.scheme not in ("file", "ftp"):
        _fail_create("The URI prefix is not recognized.")
    if params["client_cert"]:
        if not str(params["client_cert"]).lower().startswith("cert:") and not Disk(call).test(
            params["client_cert"]
        ):
            raise DotNetError(2, "", f"Client certificate '{params['client_cert']}' does not exist")
        raise NotModelled(f"{call.name} with client_cert", "Servers that ask for a certificate are unknown.")
    method = str(params["url_method"] or ("GET" if uri.is_http or uri.is_file else _ftp.RETRIEVE))
    if uri.scheme == "ftp" and method != _ftp.RETRIEVE:
        raise NotModelled(f"{call.name} with {uri} and the method {method}", "Leave url_method out.")
    if uri.is_http and not _METHOD.match(method):
        raise NotModelled(f"{call.name} with the method {method!r}", "Give one of RFC 9110.")
    if method.upper() in _KNOWN_VERBS:
        method = method.upper()
    request = WebRequest(call, uri, method, warnings=warnings)
    if uri.is_http:
        request.headers.update(header_fields(call, params["headers"] or {}))
        _add_authorization(request)
        agent = _agent(call, warnings)
        if agent:
            request.headers["User-Agent"] = agent
        if int(params["maximum_redirection"]) < 0:
            raise NotModelled(f"{call.name} with maximum_redirection below 0", "Give a number from 0.")
    return request


def _fail_create(text: str) -> None:
    raise DotNetError(_ERROR_INVALID_PARAMETER, "", invocation_text("Create", 1, text))


def _add_authorization(request: WebRequest) -> None:
    """Lines 244-256: the default credential comes first; a forced header is plain ASCII."""
    params = request.call.params
    if params["use_default_credential"] or not params["url_username"] or not params["force_basic_auth"]:
        return
    pair = f"{params['url_username']}:{params['url_password'] or ''}".encode("ascii", "replace")
    request.headers["Authorization"] = f"Basic {base64.b64encode(pair).decode()}"


def _agent(call: Call, warnings: list[str]) -> str:
    """Lines 339-350: a header with exactly that name stands in where the option has its default."""
    agent = str(call.params["http_agent"] or "")
    headers = call.params["headers"] or {}
    if "User-Agent" not in headers:
        return agent
    if agent.lower() == DEFAULT_AGENT:
        return str(headers["User-Agent"])
    warnings.append(_AGENT_TWICE)
    return agent


def invoke(
    request: WebRequest,
    result: dict[str, Any],
    script: Callable[[Response], T],
    *,
    body: bytes | None = None,
    ignore_bad_response: bool = False,
) -> T:
    """Invoke-AnsibleWindowsWebRequest.

    Args:
        request: what to send.
        result: the module's result: gets `msg`, `status_code` and, at the end, `elapsed`.
        script: what is done with the response.
        body: what is sent along.
        ignore_bad_response: whether `script` gets every response, whatever its status.

    Raises:
        WebError: no response, or a bad one that is not ignored.
        Win32Error: the body cannot be sent, or `script` fails.
    """
    begun = time.monotonic()
    if body is not None and request.method.upper() in WITHOUT_BODY:
        text = "Cannot send a content-body with this verb-type."
        raise DotNetError(0, "", invocation_text("GetRequestStream", 0, text))
    response: Response | None = None
    try:
        try:
            response = request.respond(body)
        except WebError as error:
            # Lines 469-486: the description is no property of the exception, so `msg` is empty for now.
            response = error.response if isinstance(error, ResponseError) else None
            if not ignore_bad_response or response is None:
                result["msg"] = None
                result["status_code"] = response.answer.status if response and response.answer else None
                raise
        if response.answer is None:
            result.update(msg="OK", status_code=200)
        else:
            result.update(msg=response.answer.reason, status_code=response.answer.status)
        return script(response)
    finally:
        if response is not None:
            response.close()
        result["elapsed"] = time.monotonic() - begun


def failure(msg: str, result: dict[str, Any], warnings: list[str]) -> ModuleFailure:
    """`FailJson`: prints what the result holds at that moment, with another message."""
    kept = {key: value for key, value in result.items() if key != "msg"}
    return ModuleFailure(msg, **kept, **({"warnings": warnings} if warnings else {}))


def local_iso(call: Call, moment: float) -> str:
    """A time as `DateTime.ToString("o")` prints one of kind Local."""
    zone = timezones.current_zone(call.host)
    local = zone.local(datetime.fromtimestamp(moment, UTC))
    offset = local.strftime("%z")
    return f"{local:%Y-%m-%dT%H:%M:%S}.{local.microsecond * 10:07d}{offset[:3]}:{offset[3:]}"
