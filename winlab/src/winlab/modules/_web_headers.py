"""The option `headers` of a web request, as `HttpWebRequest` takes it (WebRequest.psm1 lines 315-337)."""

from __future__ import annotations

import email.utils
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from winlab.errors import NotModelled
from winlab.modules._dotnet import DotNetError, invocation_text

if TYPE_CHECKING:
    from winlab.modules import Call

_ERROR_INVALID_PARAMETER = 87
# Properties that take any text, by the name that goes over the wire.
_PLAIN = {"accept": "Accept", "content-type": "Content-Type", "host": "Host", "referer": "Referer"}
_DATES = {"date": "Date", "if-modified-since": "If-Modified-Since"}
# Properties with rules of their own, and effects on how the request is sent.
_NOT_MODELLED = frozenset({"connection", "content-length", "expect", "transfer-encoding"})
# Restricted headers for which the util has no case, so that `Headers.Add` refuses them.
_RESTRICTED = frozenset({"proxy-connection", "keep-alive"})
_TOKEN = re.compile(r"\A[!#$%&'*+.^_`|~0-9A-Za-z-]+\Z")


def header_fields(call: Call, given: Mapping[str, Any]) -> dict[str, str]:
    """Name and value of each header as sent.

    Raises:
        DotNetError: .NET refuses one.
        NotModelled: one that winlab has no rules for.
    """
    fields: dict[str, str] = {}
    for name, value in given.items():
        lowered = name.lower()
        if lowered == "user-agent":
            continue  # see `http_agent`
        if lowered in _NOT_MODELLED:
            raise NotModelled(f"{call.name} with the header {name}", "It changes how .NET sends the request.")
        if lowered in _DATES:
            fields[_DATES[lowered]] = _date(call, name, value)
        elif lowered == "range":
            fields["Range"] = _range(call, value)
        else:
            fields[_PLAIN.get(lowered, name)] = _added(call, name, value)
    return fields


def _added(call: Call, name: str, value: Any) -> str:
    text = as_text(call, value).strip()
    if name.lower() in _RESTRICTED:
        raise _refused(
            f"The '{name}' header must be modified using the appropriate property or method.", "name"
        )
    if "\r" in text or "\n" in text:
        raise _refused("Specified value has invalid CRLF characters.", "value")
    if not _TOKEN.match(name):
        raise NotModelled(f"{call.name} with the header {name!r}", "Give a name of RFC 9110 5.1.")
    return text


def _refused(text: str, parameter: str) -> DotNetError:
    text = f"{text}\r\nParameter name: {parameter}"
    return DotNetError(_ERROR_INVALID_PARAMETER, "", invocation_text("Add", 2, text))


def as_text(call: Call, value: Any) -> str:
    """A value as PowerShell hands it to a parameter of type String.

    Raises:
        NotModelled: a mapping.
    """
    if isinstance(value, dict):
        raise NotModelled(f"{call.name} with the value {value!r}", "Give text.")
    if isinstance(value, list):
        return " ".join(as_text(call, item) for item in value)
    return "" if value is None else str(value)


def _date(call: Call, name: str, value: Any) -> str:
    try:
        moment = email.utils.parsedate_to_datetime(as_text(call, value))
    except ValueError as error:
        raise NotModelled(
            f"{call.name} with the header {name}: {value}", "Give a date of RFC 9110 5.6.7."
        ) from error
    return email.utils.formatdate(moment.timestamp(), usegmt=True)


def _range(call: Call, value: Any) -> str:
    """`AddRange(int)`: from that byte on, or the last ones."""
    try:
        number = int(as_text(call, value))
    except ValueError as error:
        raise NotModelled(f"{call.name} with the header Range: {value}", "Give a whole number.") from error
    return f"bytes={number}-" if number >= 0 else f"bytes={number}"
