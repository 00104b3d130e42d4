"""win_inet_proxy.ps1 of ansible.windows 3.3.0: the proxy of Internet Explorer and of what asks WinINet."""

from __future__ import annotations

from typing import Any

from winlab.errors import ModuleFailure, Win32Error
from winlab.host.proxies import (
    InetProxy,
    has_phonebook_entry,
    set_wininet,
    wininet,
)
from winlab.modules import Call, twin
from winlab.modules._dotnet import DotNetError, invocation_text
from winlab.modules._proxy_options import bypass_text, proxy_text


@twin("ansible.windows.win_inet_proxy")
def win_inet_proxy(call: Call) -> dict[str, Any]:
    """Set or remove the proxy of the user the module runs as.

    What WinINet does not keep is put back and reported (lines 465-483). The diff names the proxy `server`
    before and `proxy` after (lines 424 and 491).
    """
    proxy = proxy_text(call.params["proxy"], call)
    bypass = bypass_text(call.params["bypass"], proxy)
    connection: str | None = call.params["connection"]
    if connection is not None and not has_phonebook_entry(call.host, call.session, connection):
        raise ModuleFailure(f"The connection '{connection}' does not exist.")
    before = wininet(call.host, call.session, connection)
    wanted = InetProxy(
        call.params["auto_detect"], call.params["auto_config_url"] or None, proxy or None, bypass or None
    )
    shown_before = {**_shown(before), "server": before.proxy}
    changed = _fold(before) != _fold(wanted)
    if changed and not call.check_mode:
        _set(call, wanted, connection)
        if _fold(wininet(call.host, call.session, connection)) != _fold(wanted):
            _set(call, before, connection)
            raise ModuleFailure(
                f"Unknown error when trying to set auto_config_url '{wanted.auto_config_url or ''}', "
                f"proxy '{wanted.proxy or ''}', or bypass '{wanted.bypass or ''}'",
                diff={"before": shown_before},
            )
    after = {**_shown(wanted), "proxy": wanted.proxy}
    return {"changed": changed, "diff": {"before": shown_before, "after": after}}


def _set(call: Call, wanted: InetProxy, connection: str | None) -> None:
    try:
        set_wininet(call.host, wanted, call.session, connection)
    except Win32Error as error:
        # The module's own Win32Exception (lines 206-218, 385); that the code is this one is assumed.
        text = (
            "InternetSetOptionW(INTERNET_OPTION_PER_CONNECTION_OPTION) failed "
            f"({error.message}, Win32ErrorCode {error.code})"
        )
        raise DotNetError(error.code, "", invocation_text("Set", 0, text)) from error


def _fold(settings: InetProxy) -> tuple[Any, ...]:
    """`-ne` compares without case."""
    texts = (settings.auto_config_url, settings.proxy, settings.bypass)
    return (settings.auto_detect, *(text and text.lower() for text in texts))


def _shown(settings: InetProxy) -> dict[str, Any]:
    return {
        "auto_config_url": settings.auto_config_url,
        "auto_detect": settings.auto_detect,
        "bypass": settings.bypass,
    }
