"""What `HttpWebRequest` does by itself until there is a response: challenges, redirects, the limit of time.

Sources: Microsoft Learn, ".NET Framework, System.Net.HttpWebRequest" (`AllowAutoRedirect`, which drops the
header Authorization; `MaximumAutomaticRedirections`; `Credentials`; `Timeout`), the English resources of
System.dll, and upstream's tests of win_uri and win_get_url (which verb is kept, and which response a
refused redirect leaves).
"""

from __future__ import annotations

import base64
import email.utils
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import IO, TYPE_CHECKING

from winlab.errors import NotModelled
from winlab.modules import _web_places as places
from winlab.modules._dotnet import DotNetError, invocation_text
from winlab.modules._http_statuses import server_error
from winlab.modules._uri import Uri, UriError
from winlab.modules._web_places import Proxy, Request
from winlab.modules._web_proxies import chosen_proxy
from winlab.modules._web_wire import Answer, WebError

if TYPE_CHECKING:
    from winlab.modules import Call

_REDIRECTS = frozenset({300, 301, 302, 303, 307})
_KEEP_VERB = frozenset({301, 302, 307})
_UNAUTHORIZED, _PROXY_AUTHENTICATION = 401, 407
# Status -> the options that answer it.
_CREDENTIALS = {
    _UNAUTHORIZED: ("use_default_credential", "url_username", "url_password"),
    _PROXY_AUTHENTICATION: ("proxy_use_default_credential", "proxy_username", "proxy_password"),
}
_FIRST_ERROR, _FIRST_REDIRECT = 400, 300
WITHOUT_BODY = frozenset({"GET", "HEAD", "CONNECT"})
_SCHEMES = re.compile(r"(?:\A|,)\s*(negotiate|kerberos|ntlm|digest|basic)\b", re.IGNORECASE)
# AuthenticationManager asks its modules in this order, the strongest first.
_BEFORE_BASIC = frozenset({"negotiate", "kerberos", "ntlm", "digest"})
_WITH_LOGON = frozenset({"negotiate", "kerberos", "ntlm"})


@dataclass
class Response:
    """A `WebResponse`, its body not read yet.

    Attributes:
        uri: where it came from, after redirects.
        method: of the request that it answers.
        answer: status and headers; None for a file.
        stream: a file's content; None for HTTP.
    """

    uri: Uri
    method: str
    answer: Answer | None = None
    stream: IO[bytes] | None = None

    def copy_to(self, write: Callable[[bytes], object]) -> None:
        """`Stream.CopyTo`.

        Raises:
            DotNetError: the connection ends before the body does.
        """
        try:
            if self.answer is not None:
                for piece in self.answer.pieces():
                    write(piece)
            elif self.stream is not None:
                while piece := self.stream.read(256 * 1024):
                    write(piece)
        except WebError as error:
            raise DotNetError(0, "", invocation_text("CopyTo", 1, error.message)) from error

    def last_modified(self, call: Call) -> float:
        """`LastModified`, in seconds since 1970: the present where the server does not say."""
        text = self.answer.header("Last-Modified") if self.answer is not None else None
        if text is None:
            return call.host.clock.now()
        try:
            return email.utils.parsedate_to_datetime(text).timestamp()
        except ValueError as error:
            raise NotModelled(
                f"{call.host.name}: the answer's Last-Modified: {text}", "Expected a date of RFC 9110 5.6.7."
            ) from error

    def close(self) -> None:
        """`Close`."""
        for part in (self.answer, self.stream):
            if part is not None:
                part.close()


class ResponseError(WebError):
    """A `WebException` that carries a whole response."""

    def __init__(self, message: str, response: Response) -> None:
        super().__init__(message, response.answer)
        self.response = response


@dataclass(frozen=True)
class Sent:
    """The first request: what is asked, with which headers and body, and whether redirects are followed."""

    uri: Uri
    method: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None
    follows: bool = True


class Conversation:
    """One `GetResponse` with its challenges and redirects.

    Args:
        call: the module's call, for its options.
        sent: the first request.
        timeout: seconds for all of it.
    """

    def __init__(self, call: Call, sent: Sent, timeout: float) -> None:
        self.call, self.follows = call, sent.follows
        self.uri, self.method, self.body = sent.uri, sent.method, sent.body
        self.headers = dict(sent.headers)
        self.redirects = 0
        self.proxy_authorization = ""
        self.tried: set[int] = set()
        self.deadline = time.monotonic() + timeout

    def run(self) -> Response:
        """Ask until the answer is one to give back.

        Raises:
            WebError: it is an error, or none comes.
        """
        while True:
            answer = self._ask()
            response = Response(self.uri, self.method, answer)
            if answer.status in (_UNAUTHORIZED, _PROXY_AUTHENTICATION) and self._authorize(answer):
                answer.close()
                continue
            if self.follows and answer.status in _REDIRECTS:
                self._redirect(answer)
                continue
            if answer.status >= _FIRST_ERROR or (self.follows and answer.status >= _FIRST_REDIRECT):
                raise ResponseError(server_error(answer.status, answer.reason), response)
            return response

    def _ask(self) -> Answer:
        try:
            server = chosen_proxy(self.call, self.uri)
            proxy = Proxy(server, self.proxy_authorization) if server is not None else None
            request = Request(
                self.method, self.uri, self._fields(), self.body, self.call.params["validate_certs"], proxy
            )
            return places.send(self.call.host, request, self.deadline)
        except WebError as error:
            if error.connecting and self.body is not None and not self.redirects:
                raise DotNetError(0, "", invocation_text("GetRequestStream", 0, error.message)) from error
            raise

    def _fields(self) -> tuple[tuple[str, str], ...]:
        fields = dict(self.headers)
        host = fields.pop("Host", self.uri.authority)
        if self.body is not None:
            fields |= {"Content-Length": str(len(self.body)), "Expect": "100-continue"}
        elif self.method.upper() not in WITHOUT_BODY:
            fields["Content-Length"] = "0"
        return (*fields.items(), ("Host", host), ("Connection", "Keep-Alive"))

    def _authorize(self, answer: Answer) -> bool:
        """Answer a challenge once, as far as it is Basic. Returns whether there is something new to send."""
        of_proxy = answer.status == _PROXY_AUTHENTICATION
        challenge = answer.header("Proxy-Authenticate" if of_proxy else "WWW-Authenticate") or ""
        schemes = {scheme.lower() for scheme in _SCHEMES.findall(challenge)}
        default, user, password = (self.call.params[name] for name in _CREDENTIALS[answer.status])
        if default:
            if schemes & _WITH_LOGON:
                raise self._not_modelled(f"the user's own logon for {challenge}")
            return False
        forced = not of_proxy and self.call.params["force_basic_auth"]
        if not user or forced or answer.status in self.tried or not schemes:
            return False
        if schemes & _BEFORE_BASIC:
            raise self._not_modelled(f"authentication by {challenge}")
        if self.redirects and not of_proxy:
            raise self._not_modelled("credentials for the target of a redirect")
        self.tried.add(answer.status)
        pair = f"{user}:{password or ''}".encode("cp1252", "replace")
        value = f"Basic {base64.b64encode(pair).decode()}"
        if of_proxy:
            self.proxy_authorization = value
        else:
            self.headers["Authorization"] = value
        return True

    def _redirect(self, answer: Answer) -> None:
        """Go on to another place; the header Authorization does not come along."""
        response = Response(self.uri, self.method, answer)
        self.redirects += 1
        if self.redirects > int(self.call.params["maximum_redirection"]):
            raise ResponseError("Too many automatic redirections were attempted.", response)
        location = answer.header("Location")
        if not location:
            raise self._not_modelled(f"a redirect ({answer.status}) without Location")
        try:
            target = self.uri.join(location)
        except UriError as error:
            raise self._not_modelled(f"a redirect to {location}") from error
        if not target.is_http:
            raise ResponseError(
                "Cannot handle redirect from HTTP/HTTPS protocols to other dissimilar ones.", response
            )
        answer.close()
        self.uri = target
        for name in ("Authorization", "Host"):
            self.headers.pop(name, None)
        posted = self.method.upper() == "POST" and answer.status in _KEEP_VERB - {307}
        if (posted or answer.status not in _KEEP_VERB) and self.method.upper() not in WITHOUT_BODY:
            self.method, self.body = "GET", None

    def _not_modelled(self, what: str) -> NotModelled:
        return NotModelled(f"{self.call.host.name}: {self.call.name}: {what}", "winlab answers Basic alone.")
