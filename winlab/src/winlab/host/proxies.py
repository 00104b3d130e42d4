r"""Proxy settings of Windows, where Windows keeps them: WinHTTP for the machine, WinINet for each user.

Sources: win_http_proxy.ps1 and win_inet_proxy.ps1 of ansible.windows 3.3.0 (flags, and which of them hide
which value), Microsoft Learn "INTERNET_PER_CONN_OPTION", "WinHttpSetDefaultProxyConfiguration", "netsh
winhttp". Both are binary registry values below `Internet Settings\Connections`. Their layout is documented
nowhere; it is what the values of real hosts show: a row of 32-bit numbers, and texts with their length
before them.
"""

from __future__ import annotations

import ntpath
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from winlab.errors import Win32Error
from winlab.host.registry import Value

if TYPE_CHECKING:
    from winlab.host.model import Host
    from winlab.host.sessions import Session

PROTOCOLS = ("http", "https", "ftp", "socks")
_SETTINGS = r"SOFTWARE\Microsoft\Windows\CurrentVersion\Internet Settings"
_POLICY = r"HKLM\SOFTWARE\Policies\Microsoft\Windows\CurrentVersion\Internet Settings"
_WINHTTP_KEY, _WINHTTP_VALUE = rf"HKLM\{_SETTINGS}\Connections", "WinHttpSettings"
_LAN = "DefaultConnectionSettings"
_WINHTTP_VERSION, _WININET_VERSION = 0x18, 0x46
_NUMBER = struct.Struct("<I")
# PER_CONN_FLAGS of win_inet_proxy.ps1, line 156.
_DIRECT, _PROXY, _AUTO_URL, _AUTO_DETECT = 1, 2, 4, 8
# A user that has never changed anything.
_FRESH_FLAGS = _DIRECT | _AUTO_DETECT
_TAIL = bytes(32)


@dataclass(frozen=True)
class HttpProxy:
    """What WinHTTP uses; None for nothing."""

    proxy: str | None = None
    bypass: str | None = None


@dataclass(frozen=True)
class InetProxy:
    """What WinINet uses on one connection, as win_inet_proxy.ps1 reads it (lines 272-287)."""

    auto_detect: bool = True
    auto_config_url: str | None = None
    proxy: str | None = None
    bypass: str | None = None


def winhttp(host: Host) -> HttpProxy:
    """WinHttpGetDefaultProxyConfiguration."""
    value = _value(host, _WINHTTP_KEY, _WINHTTP_VALUE, None)
    if value is None:
        return HttpProxy()
    flags, (proxy, bypass) = _unpacked(value, 2)
    return HttpProxy(proxy or None, bypass or None) if flags & _PROXY else HttpProxy()


def set_winhttp(host: Host, wanted: HttpProxy, session: Session) -> None:
    """WinHttpSetDefaultProxyConfiguration.

    Raises:
        Win32Error: 5 for everybody but administrators.
    """
    flags = _DIRECT | _PROXY if wanted.proxy else _DIRECT
    texts = (wanted.proxy or "", (wanted.bypass or "") if wanted.proxy else "")
    data = _packed(_WINHTTP_VERSION, flags, texts)
    host.registry.create_key(_WINHTTP_KEY, session)
    host.registry.set(_WINHTTP_KEY, _WINHTTP_VALUE, Value("binary", data), session)


def wininet(host: Host, session: Session, connection: str | None = None) -> InetProxy:
    """InternetQueryOption for one connection of a user; without a name, the local network."""
    value = _value(host, _connections(host), connection or _LAN, session)
    flags, texts = (_FRESH_FLAGS, ("", "", "")) if value is None else _unpacked(value, 3)
    proxy, bypass, url = texts
    return InetProxy(
        bool(flags & _AUTO_DETECT),
        (url or None) if flags & _AUTO_URL else None,
        (proxy or None) if flags & _PROXY else None,
        (bypass or None) if flags & _PROXY else None,
    )


def set_wininet(host: Host, wanted: InetProxy, session: Session, connection: str | None = None) -> None:
    """InternetSetOption for one connection, and the plain values beside it for the network."""
    flags = _DIRECT
    flags |= _AUTO_DETECT if wanted.auto_detect else 0
    flags |= _AUTO_URL if wanted.auto_config_url else 0
    proxy = wanted.proxy if wanted.proxy and _is_proxy_list(wanted.proxy) else ""
    flags |= _PROXY if proxy else 0
    data = _packed(_WININET_VERSION, flags, (proxy, wanted.bypass or "", wanted.auto_config_url or ""))
    key = _connections(host)
    host.registry.create_key(key, session)
    host.registry.set(key, connection or _LAN, Value("binary", data + _TAIL), session)
    if connection is not None:
        return
    above = ntpath.dirname(key)
    host.registry.set(above, "ProxyEnable", Value("dword", int(bool(proxy))), session)
    plain = (
        ("ProxyServer", proxy),
        ("ProxyOverride", wanted.bypass),
        ("AutoConfigURL", wanted.auto_config_url),
    )
    for name, text in plain:
        if text:
            host.registry.set(above, name, Value("string", text), session)
        elif host.registry.get(above, name, session) is not None:
            host.registry.delete_value(above, name, session)


def has_phonebook_entry(host: Host, session: Session, name: str) -> bool:
    r"""RasValidateEntryName: whether a phone book of the machine or of the user has that entry.

    Source: Microsoft Learn, "Phone-Book Files": `rasphone.pbk`, a section for each entry.
    """
    wanted = f"[{name.lower()}]"
    for base in (r"C:\ProgramData", rf"{session.profile}\AppData\Roaming"):
        path = phonebook(base)
        if host.files.is_file(path):
            text = host.files.read_bytes(path).decode("utf-8", "replace").lower()
            if wanted in (line.strip() for line in text.splitlines()):
                return True
    return False


def phonebook(base: str) -> str:
    r"""The phone book below `%ProgramData%` or `%APPDATA%`."""
    return rf"{base}\Microsoft\Network\Connections\Pbk\rasphone.pbk"


def server_for(proxy: str, scheme: str) -> str | None:
    """The proxy of a scheme: of a list by protocol, or the one for all."""
    entries = [entry.strip() for entry in proxy.replace(" ", ";").split(";") if entry.strip()]
    named = dict(entry.split("=", 1) for entry in entries if "=" in entry)
    for name, server in named.items():
        if name.lower() == scheme:
            return server
    return next((entry for entry in entries if "=" not in entry), None)


def _is_proxy_list(text: str) -> bool:
    """WinINet drops a list with a protocol that it does not know (upstream's tests.yml of win_inet_proxy)."""
    names = (entry.partition("=")[0].strip().lower() for entry in text.split(";") if "=" in entry)
    return all(name in PROTOCOLS for name in names)


def _connections(host: Host) -> str:
    """The key of the user, or of the machine where the policy says so (documentation of win_inet_proxy)."""
    value = _value(host, _POLICY, "ProxySettingsPerUser", None)
    return rf"{'HKLM' if value == 0 else 'HKCU'}\{_SETTINGS}\Connections"


def _value(host: Host, key: str, name: str, session: Session | None) -> Any:
    try:
        value = host.registry.get(key, name, session)
    except Win32Error:
        return None
    return None if value is None else value.data


def _packed(version: int, flags: int, texts: tuple[str, ...]) -> bytes:
    head = b"".join(_NUMBER.pack(number) for number in (version, 0, flags))
    coded = [text.encode("cp1252", "replace") for text in texts]
    return head + b"".join(_NUMBER.pack(len(text)) + text for text in coded)


def _unpacked(data: Any, count: int) -> tuple[int, tuple[str, ...]]:
    """Flags and texts; what cannot be read is as if nothing was set."""
    content = bytes(data) if isinstance(data, bytes | bytearray) else b""
    texts: list[str] = []
    try:
        flags = _NUMBER.unpack_from(content, 8)[0]
        position = 12
        for _ in range(count):
            length = _NUMBER.unpack_from(content, position)[0]
            position += _NUMBER.size
            texts.append(content[position : position + length].decode("cp1252", "replace"))
            position += length
    except struct.error:
        return _FRESH_FLAGS, ("",) * count
    return flags, tuple(texts)
