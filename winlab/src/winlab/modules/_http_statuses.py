"""Status codes as the .NET Framework names them: in texts of `WebException`, and as `HttpStatusCode` prints.

Sources: Microsoft Learn, "System.Net.HttpStatusCode" (names and numbers), and the English resources of
System.dll (`net_httpstatuscode_*`), which a message takes in place of the server's own words where there is
one.
"""

from __future__ import annotations

# Number -> name of the member, as `ToString()` prints it. Five numbers from 300 to 307 have two names;
# which of them is printed is not specified, and assumed here.
NAMES: dict[int, str] = {
    100: "Continue", 101: "SwitchingProtocols",
    200: "OK", 201: "Created", 202: "Accepted", 203: "NonAuthoritativeInformation", 204: "NoContent",
    205: "ResetContent", 206: "PartialContent",
    300: "MultipleChoices", 301: "MovedPermanently", 302: "Found", 303: "SeeOther", 304: "NotModified",
    305: "UseProxy", 306: "Unused", 307: "TemporaryRedirect",
    400: "BadRequest", 401: "Unauthorized", 402: "PaymentRequired", 403: "Forbidden", 404: "NotFound",
    405: "MethodNotAllowed", 406: "NotAcceptable", 407: "ProxyAuthenticationRequired", 408: "RequestTimeout",
    409: "Conflict", 410: "Gone", 411: "LengthRequired", 412: "PreconditionFailed",
    413: "RequestEntityTooLarge", 414: "RequestUriTooLong", 415: "UnsupportedMediaType",
    416: "RequestedRangeNotSatisfiable", 417: "ExpectationFailed", 426: "UpgradeRequired",
    500: "InternalServerError", 501: "NotImplemented", 502: "BadGateway", 503: "ServiceUnavailable",
    504: "GatewayTimeout", 505: "HttpVersionNotSupported",
}  # fmt: skip
_TEXTS: dict[int, str] = {
    304: "Not Modified", 305: "Use Proxy Redirect",
    400: "Bad Request", 401: "Unauthorized", 402: "Payment Required", 403: "Forbidden", 404: "Not Found",
    405: "Method Not Allowed", 406: "Not Acceptable", 407: "Proxy Authentication Required",
    408: "Request Timeout", 409: "Conflict", 410: "Gone", 411: "Length Required",
    500: "Internal Server Error", 501: "Not Implemented", 502: "Bad Gateway", 503: "Server Unavailable",
    504: "Gateway Timeout", 505: "HTTP Version Not Supported",
}  # fmt: skip


def name_of(status: int) -> str:
    """What `$($Response.StatusCode)` prints: a number that has no name prints itself."""
    return NAMES.get(status, str(status))


def server_error(status: int, description: str) -> str:
    """The message of a `WebException` for an answer that is an error."""
    text = _TEXTS.get(status, description)
    return f"The remote server returned an error: ({status}){' ' if text else ''}{text}."
