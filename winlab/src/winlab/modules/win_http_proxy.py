"""win_http_proxy.ps1 of ansible.windows 3.3.0: the proxy that WinHTTP uses, for the whole machine."""

from __future__ import annotations

from typing import Any

from winlab.errors import NotModelled, Win32Error
from winlab.host.proxies import (
    PROTOCOLS,
    HttpProxy,
    set_winhttp,
    winhttp,
    wininet,
)
from winlab.modules import Call, twin
from winlab.modules._dotnet import DotNetError, invocation_text
from winlab.modules._proxy_options import bypass_text, proxy_text


@twin("ansible.windows.win_http_proxy")
def win_http_proxy(call: Call) -> dict[str, Any]:
    """Set, remove or import the proxy.

    Everybody may read the settings; setting them needs an administrator (the module's notes). A protocol that
    WinHTTP does not know is refused by some hosts and kept by others (the comment in upstream's tests.yml).
    """
    proxy = proxy_text(call.params["proxy"], call)
    bypass = bypass_text(call.params["bypass"], proxy)
    before = winhttp(call.host)
    if call.params["source"] == "ie":
        imported = wininet(call.host, call.session)
        proxy, bypass = imported.proxy, imported.bypass
    wanted = HttpProxy(proxy or None, bypass or None)
    changed = _fold(before) != _fold(wanted)
    if changed and not call.check_mode:
        _require_known(call, wanted.proxy)
        _set(call, wanted)
    return {"changed": changed, "diff": {"before": _shown(before), "after": _shown(wanted)}}


def _set(call: Call, wanted: HttpProxy) -> None:
    try:
        set_winhttp(call.host, wanted, call.session)
    except Win32Error as error:
        # The module's own Win32Exception (lines 130-142, 178).
        text = f"WinHttpSetDefaultProxyConfiguration() failed ({error.message}, Win32ErrorCode {error.code})"
        raise DotNetError(error.code, "", invocation_text("Set", 0, text)) from error


def _require_known(call: Call, proxy: str | None) -> None:
    names = [entry.partition("=")[0].lower() for entry in (proxy or "").split(";") if "=" in entry]
    unknown = [name for name in names if name not in PROTOCOLS]
    if unknown:
        raise NotModelled(
            f"{call.host.name}: WinHTTP with the protocol {', '.join(unknown)}",
            "Hosts differ in what they make of it.",
        )


def _fold(settings: HttpProxy) -> tuple[str | None, str | None]:
    """`-ne` compares without case."""
    return (settings.proxy and settings.proxy.lower(), settings.bypass and settings.bypass.lower())


def _shown(settings: HttpProxy) -> dict[str, Any]:
    return {"proxy": settings.proxy, "bypass": settings.bypass}
