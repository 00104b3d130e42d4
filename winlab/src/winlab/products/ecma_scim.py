r"""The SCIM endpoint of the ECMA Connector Host: `https://<host>:<port>/ecma2host_<name>/scim`.

Sources: domain/ecma_host.md 2.2 (URL, token, attribute names), 2.6 (the anchor becomes the id), 3.3 (the
cache is in memory, a start runs the full import), 5 (what the test script asks), 0.6 (`Debug=true` switches
authentication off); RFC 7644 for the form of requests and errors. Modelled: `Users` (list with an `eq`
filter, get, create), `Schemas`, `cache`. The target system is a dictionary in the host's state. Assumed: 401
for a wrong token (an inference there), 404 for an unknown connector, and whether `cache` wants `Debug=true`:
sources disagree, so it answers unless the definition says `ecma_cache_needs_debug: true`.

Nothing here knows of sockets: `answer` is called by the listener, and by twins that ask a URL of their own
host.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
import ssl
import tempfile
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, unquote, urlsplit

from lxml import etree

from winlab.errors import Win32Error, WinlabError
from winlab.host import certificate_store
from winlab.products import ecma_configuration
from winlab.products.mim_configuration import ConfigurationError

if TYPE_CHECKING:
    from winlab.host.model import Host
    from winlab.host.services import ServiceRun

STATE = "ecma_scim"
LOG, SOURCE = "Microsoft ECMA2Host Logs", "ECMA2Host"
CONTENT_TYPE = "application/scim+json"
USER_SCHEMA = "urn:ietf:params:scim:schemas:core:2.0:User"
EXTENSION = "urn:ietf:params:scim:schemas:extension:ECMA2Host:2.0:User"
_LIST = "urn:ietf:params:scim:api:messages:2.0:ListResponse"
_ERROR = "urn:ietf:params:scim:api:messages:2.0:Error"
_PATH = re.compile(r"\A/ecma2host_(?P<name>[^/]+)/scim(?:/(?P<rest>.*))?\Z")
_FILTER = re.compile(r'\A\s*(?P<attribute>[\w:.-]+)\s+eq\s+"(?P<value>(?:[^"\\]|\\.)*)"\s*\Z', re.IGNORECASE)
_BEARER = re.compile(r"\Abearer +(?P<token>\S+)\s*\Z", re.IGNORECASE)


@dataclass(frozen=True)
class ScimReply:
    """One answer; `document` None for an empty body."""

    status: HTTPStatus
    document: Any = None

    @property
    def body(self) -> bytes:
        """The body as it is sent."""
        return b"" if self.document is None else json.dumps(self.document, sort_keys=True).encode()


@dataclass(frozen=True)
class Listening:
    """Where the running service listens, and with which certificate."""

    port: int
    thumbprint: str


def start(run: ServiceRun, file: str, switches: str) -> None:
    """Load the configuration and listen, as the service does when it starts.

    Args:
        run: the start of the service.
        file: its configuration file; without one, nothing listens.
        switches: its `.exe.config`.
    """
    host = run.host
    state = host.products.setdefault(STATE, {"targets": {}})
    state["connectors"], state["cache"] = {}, {}
    host.touch("host")
    if not host.files.is_file(file):
        return
    try:
        loaded = ecma_configuration.read(host.files.read_bytes(file, run.session))
    except (ConfigurationError, Win32Error) as error:
        _log(host, "error", f"{file}: {error}")
        return
    if not loaded.connectors:
        return
    problem = _obstacle(host, loaded)
    if problem:
        _log(host, "error", problem)
        return
    state["debug"] = _is_debug(host, switches)
    state["thumbprint"] = loaded.thumbprint
    for connector in loaded.connectors:
        state["connectors"][connector.name] = {
            # Under a name that `winlab show` hides; the token itself stands in the configuration file alone.
            "token_secret": _digest(connector.token),
            "anchor": connector.anchor,
            "object_type": connector.object_type,
            "attributes": [list(row) for row in connector.attributes],
        }
        objects = state["targets"].setdefault(connector.name, {})
        # Without an import the host does not see what is in the target already (domain/ecma_host.md 2.1).
        state["cache"][connector.name] = dict(objects) if connector.full_import else {}
    host.ports.listen(loaded.port, run.holder)
    _log(host, "information", f"Listening on port {loaded.port}, {len(loaded.connectors)} connector(s).")


def _obstacle(host: Host, loaded: ecma_configuration.Loaded) -> str:
    if host.ports.is_open(loaded.port):
        return f"Port {loaded.port} is in use by {host.ports.all()[loaded.port]}."
    certificate = certificate_store.get(host, certificate_store.MY, loaded.thumbprint)
    if certificate is None or not certificate_store.private_key(host, certificate):
        return f"Certificate {loaded.thumbprint} with its private key is not in LocalMachine\\My."
    return ""


def listening(host: Host, holder: str) -> Listening | None:
    """Where the service listens now, None when it does not."""
    state = host.products.get(STATE, {})
    if not state.get("connectors"):
        return None
    port = next((port for port, name in host.ports.all().items() if name == holder), None)
    return None if port is None else Listening(port, str(state["thumbprint"]))


def tls_context(host: Host, thumbprint: str) -> ssl.SSLContext:
    """What the endpoint speaks TLS with.

    Raises:
        WinlabError: the certificate is no longer in the store.
    """
    found = certificate_store.get(host, certificate_store.MY, thumbprint)
    if found is None:
        raise WinlabError(
            f"{host.name}: certificate {thumbprint}: not in LocalMachine\\My; expected it. "
            "Start the service again."
        )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    # ssl reads keys from files alone; mode 0600
    with tempfile.NamedTemporaryFile(prefix="winlab-") as file:
        file.write(certificate_store.private_key(host, found) + certificate_store.pem(found))
        file.flush()
        context.load_cert_chain(file.name)
    return context


def answer(  # noqa: PLR0911  (a table of resources)
    host: Host, method: str, target: str, authorization: str, body: bytes
) -> ScimReply:
    """Answer one request.

    Args:
        host: the host.
        method: `GET`, `POST`, ...
        target: path with query, percent-encoded.
        authorization: the header's value, empty for none.
        body: the request's body.
    """
    with host.lock:
        state = host.products.get(STATE, {})
        try:
            parts = urlsplit(target)
        except ValueError:
            return _failed(HTTPStatus.BAD_REQUEST, "the target is no URL")
        match = _PATH.match(unquote(parts.path))
        connector = state.get("connectors", {}).get(match["name"]) if match else None
        if match is None or connector is None:
            return _failed(HTTPStatus.NOT_FOUND, "no such connector; its name is case-sensitive")
        if not state["debug"] and not _is_authorized(connector, authorization):
            _log(host, "warning", f"{method} {parts.path}: the secret token does not match.")
            return _failed(HTTPStatus.UNAUTHORIZED, "the secret token does not match")
        request = _Request(host, state, match["name"], connector, method)
        resource, _, identifier = (match["rest"] or "").strip("/").partition("/")
        if resource.lower() == "cache":
            return request.cache()
        if resource.lower() == "schemas":
            _log(host, "information", f"{method} /schemas")
            return request.schemas()
        if resource.lower() == "users":
            return request.users(identifier, parts.query, body)
        return _failed(HTTPStatus.NOT_IMPLEMENTED, f"winlab: SCIM resource {resource!r} is not modelled")


@dataclass(frozen=True)
class _Request:
    """A request that has passed the token."""

    host: Host
    state: dict[str, Any]
    name: str
    connector: dict[str, Any]
    method: str

    @property
    def _cache(self) -> dict[str, Any]:
        found: dict[str, Any] = self.state["cache"][self.name]
        return found

    def cache(self) -> ScimReply:
        """Everything in memory: `[]` for an empty target, longer than 9 characters otherwise."""
        if self.method != "GET":
            return _failed(HTTPStatus.METHOD_NOT_ALLOWED, "cache is read only")
        if self.host.definition.get("ecma_cache_needs_debug") and not self.state["debug"]:
            return _failed(HTTPStatus.NOT_FOUND, "the cache is shown with Debug=true only")
        return ScimReply(HTTPStatus.OK, [self._cache[key] for key in sorted(self._cache)])

    def schemas(self) -> ScimReply:
        """The selected attributes."""
        rows = [
            {"name": name, "type": kind.lower(), "multiValued": False}
            for name, kind in self.connector["attributes"]
        ]
        return _listed([{"id": EXTENSION, "name": "User", "attributes": rows}])

    def users(self, identifier: str, query: str, body: bytes) -> ScimReply:
        """`Users`, as far as the host's test script and a first cycle need it."""
        if self.method == "GET" and identifier:
            found = self._cache.get(identifier)
            return _failed(HTTPStatus.NOT_FOUND, "no such user") if found is None else self._user(found)
        if self.method == "GET":
            return self._list(parse_qs(query).get("filter", [""])[0])
        if self.method == "POST" and not identifier:
            return self._create(body)
        return _failed(HTTPStatus.NOT_IMPLEMENTED, f"winlab: {self.method} of a user is not modelled")

    def _list(self, text: str) -> ScimReply:
        users = [self._cache[key] for key in sorted(self._cache)]
        if text:
            match = _FILTER.match(text)
            if match is None:
                return _failed(
                    HTTPStatus.BAD_REQUEST, f"winlab: filter {text!r} is not modelled", "invalidFilter"
                )
            name = match["attribute"].removeprefix(f"{EXTENSION}:")
            value = re.sub(r"\\(.)", r"\1", match["value"])
            users = [user for user in users if _value(user, name) == value]
        return _listed(users)

    def _user(self, found: dict[str, Any], status: HTTPStatus = HTTPStatus.OK) -> ScimReply:
        return ScimReply(status, found)

    def _create(self, body: bytes) -> ScimReply:  # noqa: PLR0911  (a table of refusals)
        document = _parsed(body)
        if document is None:
            return _failed(HTTPStatus.BAD_REQUEST, "no JSON object", "invalidSyntax")
        if not _names_user(document.get("schemas")):
            return _failed(HTTPStatus.BAD_REQUEST, f"schemas does not name {USER_SCHEMA}", "invalidValue")
        given = document.get(EXTENSION)
        values = given if isinstance(given, dict) else {}
        known = {name for name, _ in self.connector["attributes"]}
        unknown = sorted(set(values) - known)
        if unknown:
            return _failed(HTTPStatus.BAD_REQUEST, f"no such attribute: {', '.join(unknown)}", "invalidPath")
        compound = sorted(name for name, value in values.items() if isinstance(value, dict | list))
        if compound:
            return _failed(
                HTTPStatus.BAD_REQUEST, f"not a single value: {', '.join(compound)}", "invalidValue"
            )
        identifier = _identifier(values.get(self.connector["anchor"]))
        if not identifier:
            return _failed(HTTPStatus.BAD_REQUEST, f"no anchor {self.connector['anchor']}", "invalidValue")
        # What the target holds is refused even where the cache, without an import, does not know of it.
        objects = self.state["targets"][self.name]
        if identifier in objects:
            return _failed(HTTPStatus.CONFLICT, "the object exists", "uniqueness")
        user = {
            "schemas": [USER_SCHEMA, EXTENSION],
            "id": identifier,
            EXTENSION: {name: values[name] for name in sorted(values)},
            "meta": {"resourceType": "User"},
        }
        objects[identifier] = user
        self._cache[identifier] = user
        self.host.touch("host")
        return self._user(user, HTTPStatus.CREATED)


def _parsed(body: bytes) -> dict[str, Any] | None:
    """A JSON object as RFC 8259 has it: no NaN, no half of a surrogate pair; None for anything else."""
    try:
        document = json.loads(body, parse_constant=_refuse)
        json.dumps(document, ensure_ascii=False).encode()
    except (ValueError, RecursionError):
        return None
    return document if isinstance(document, dict) else None


def _refuse(constant: str) -> None:
    raise ValueError(constant)


def _names_user(given: Any) -> bool:
    """Whether `schemas` is a list of different URIs with that of a user (RFC 7643 3.1: it is required)."""
    return (
        isinstance(given, list)
        and all(isinstance(uri, str) for uri in given)
        and len(set(given)) == len(given)
        and USER_SCHEMA in given
    )


def _identifier(anchor: Any) -> str:
    """The id that a value of the anchor becomes, empty for what is none: an anchor is a text or a number."""
    if isinstance(anchor, bool) or not isinstance(anchor, str | int):
        return ""
    return str(anchor)


def _value(user: dict[str, Any], name: str) -> Any:
    values = {key.lower(): value for key, value in user[EXTENSION].items()}
    return user["id"] if name.lower() == "id" else values.get(name.lower())


def _listed(items: list[dict[str, Any]]) -> ScimReply:
    document = {
        "schemas": [_LIST],
        "totalResults": len(items),
        "startIndex": 1,
        "itemsPerPage": len(items),
        "Resources": items,
    }
    return ScimReply(HTTPStatus.OK, document)


def _failed(status: HTTPStatus, detail: str, kind: str = "") -> ScimReply:
    document = {"schemas": [_ERROR], "status": str(status.value), "detail": detail}
    if kind:
        document["scimType"] = kind  # RFC 7644, table 9
    return ScimReply(status, document)


def _is_authorized(connector: dict[str, Any], authorization: str) -> bool:
    match = _BEARER.match(authorization)
    return match is not None and hmac.compare_digest(_digest(match["token"]), connector["token_secret"])


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def _is_debug(host: Host, switches: str) -> bool:
    """The switch `Debug` of the service's `.config`, read when it starts (domain/ecma_host.md 3.3)."""
    if not host.files.is_file(switches):
        return False
    try:
        parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False)
        root = etree.fromstring(host.files.read_bytes(switches), parser)
    except etree.XMLSyntaxError:
        return False
    values = [
        item.get("value") or "" for item in root.iterfind("appSettings/add") if item.get("key") == "Debug"
    ]
    return any(value.lower() == "true" for value in values)


def _log(host: Host, level: str, text: str) -> None:
    # No event ids are documented (domain/ecma_host.md 1.6).
    host.events.write(LOG, SOURCE, 0, level, text)
