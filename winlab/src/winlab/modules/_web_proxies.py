"""Which proxy a web request takes (WebRequest.psm1 lines 283-312): the option's, the user's, or none."""

from __future__ import annotations

import fnmatch
import ipaddress
from typing import TYPE_CHECKING

from winlab.errors import NotModelled
from winlab.host.proxies import server_for, wininet
from winlab.modules._dotnet import DotNetError, invocation_text
from winlab.modules._uri import Uri, UriError, parse

if TYPE_CHECKING:
    from winlab.modules import Call

_ERROR_INVALID_PARAMETER = 87


def chosen_proxy(call: Call, uri: Uri) -> Uri | None:
    """The proxy for a request, None for a direct connection.

    Without `proxy_url` it is the one of WinINet, for the user the module runs as; what detects a proxy by
    itself finds none in a lab.

    Raises:
        DotNetError: the option is no address.
        NotModelled: the user's settings name a configuration script.
    """
    if not call.params["use_proxy"]:
        return None
    given = call.params["proxy_url"]
    if given:
        # New-Object WebProxy(address, BypassOnLocal = true)
        return None if _is_local(uri.dns_name) else _address(str(given))
    with call.host.lock:
        settings = wininet(call.host, call.session)
    if settings.auto_config_url:
        raise NotModelled(
            f"{call.host.name}: the proxy configuration script {settings.auto_config_url}",
            "Set use_proxy: false, or a proxy without a script.",
        )
    server = server_for(settings.proxy, uri.scheme) if settings.proxy else None
    if server is None or _is_bypassed(uri, settings.bypass or ""):
        return None
    return _address(server)


def _address(text: str) -> Uri:
    """`WebProxy.CreateProxyUri`: without a scheme it is http."""
    try:
        return parse(text if "://" in text else f"http://{text}")
    except UriError as error:
        raise DotNetError(_ERROR_INVALID_PARAMETER, "", invocation_text(".ctor", 2, str(error))) from error


def _is_local(name: str) -> bool:
    """`WebProxy.IsLocal`: loopback, or a name without a dot."""
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return "." not in name


def _is_bypassed(uri: Uri, bypass: str) -> bool:
    """WinINet's list: patterns, `<local>` for names without a dot, `<-loopback>` against its own rule."""
    entries = [entry.strip().lower() for entry in bypass.split(";") if entry.strip()]
    name = uri.dns_name
    is_loopback = name == "localhost" or (_is_local(name) and "." in name) or ":" in name
    if is_loopback and "<-loopback>" not in entries:
        return True
    if "<local>" in entries and "." not in name:
        return True
    candidates = (name, f"{name}:{uri.port}", f"{uri.scheme}://{name}", f"{uri.scheme}://{name}:{uri.port}")
    patterns = (entry for entry in entries if not entry.startswith("<"))
    return any(fnmatch.fnmatchcase(text, pattern) for pattern in patterns for text in candidates)
