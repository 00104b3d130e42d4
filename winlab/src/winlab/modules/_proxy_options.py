"""The options `proxy` and `bypass`, which win_http_proxy and win_inet_proxy read with the same lines."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from winlab.errors import ModuleFailure, NotModelled
from winlab.host.proxies import PROTOCOLS

if TYPE_CHECKING:
    from winlab.modules import Call


def proxy_text(given: Any, call: Call) -> str | None:
    """The option `proxy`, a text or a mapping, as text (win_http_proxy.ps1 lines 31-58).

    Keys are judged without case, and read with it (`ContainsKey`).

    Raises:
        ModuleFailure: keys that are no protocol.
        NotModelled: something else.
    """
    if isinstance(given, dict):
        unknown = sorted((str(key) for key in given if str(key).lower() not in PROTOCOLS), key=str.lower)
        if unknown:
            raise ModuleFailure(
                f"Invalid keys found in proxy: {', '.join(unknown)}. Valid keys are {', '.join(PROTOCOLS)}."
            )
        parts = (f"{name}={_plain_text(given[name], call)}" for name in PROTOCOLS if name in given)
        return ";".join(parts)
    return None if given is None else _plain_text(given, call)


def _plain_text(value: Any, call: Call) -> str:
    """A raw value as `ToString()` or a double-quoted string shows it.

    Raises:
        NotModelled: a list or a mapping.
    """
    if isinstance(value, list | dict):
        raise NotModelled(
            f"{call.name} with proxy {value!r}", "Give text, or a mapping of protocols to text."
        )
    return "" if value is None else str(value)


def bypass_text(given: list[str] | None, proxy: str | None) -> str | None:
    """The option `bypass` as text (win_http_proxy.ps1 lines 60-65).

    Raises:
        ModuleFailure: a list without a proxy.
    """
    # A list of one empty text is false for PowerShell.
    if not given or given == [""]:
        return None
    if not proxy:
        raise ModuleFailure("missing parameter(s) required by ''bypass'': proxy")
    return ";".join(given)
