"""maexport.exe and svrexport.exe.

Source: domain/mim_sync.md 3.1. Exit codes and texts of the real tools are not documented; here success is 0
    and everything
else 1, with a sentence on stdout, where `svrexport` is known to write its messages.
"""

from __future__ import annotations

import ntpath
from typing import TYPE_CHECKING

from winlab.errors import Win32Error
from winlab.products import media
from winlab.products.mim_configuration import STATE, SyncConfiguration
from winlab.programs import ProcessCall, ProcessResult, program

if TYPE_CHECKING:
    from winlab.host.model import Host
    from winlab.host.sessions import Session

SERVICE = "FIMSynchronizationService"
FAILED = 1
ACCESS_DENIED = "0x80070005 (E_ACCESSDENIED): access is denied."


class SyncAccessError(Exception):
    """The service does not talk to this caller."""


def is_member(host: Host, session: Session, *roles: str) -> bool:
    """Whether the token, as made at logon, has one of the role groups (domain/mim_sync.md 2)."""
    groups = host.products[STATE]["groups"]
    return any(session.in_group(groups[role]) for role in roles)


def require(host: Host, session: Session, *roles: str) -> SyncConfiguration:
    """The configuration, for a caller with one of the roles.

    Raises:
        SyncAccessError: no product, service stopped, or not a member since the last logon.
    """
    service = host.services.get(SERVICE)
    if host.products.get(STATE) is None or service is None:
        raise SyncAccessError("The Synchronization Service is not installed.")
    if service.state != "running":
        raise SyncAccessError("The Synchronization Service is not running.")
    if not is_member(host, session, *roles):
        raise SyncAccessError(ACCESS_DENIED)
    return SyncConfiguration(host)


@program("maexport")
def maexport(call: ProcessCall) -> ProcessResult:
    """`maexport "<management agent>" "<file>"`: one management agent as `export-ma`."""
    if len(call.arguments) != 2:
        return ProcessResult(FAILED, 'Usage: maexport "<management agent>" "<file>"\r\n')
    name, target = call.arguments
    try:
        configuration = require(call.host, call.session, "administrators")
    except SyncAccessError as error:
        return ProcessResult(FAILED, f"Error: {error}\r\n")
    agent = configuration.agent(name)
    if agent is None:
        return ProcessResult(FAILED, f'Error: the management agent "{name}" was not found.\r\n')
    path = ntpath.normpath(ntpath.join(call.cwd, target))
    if call.host.files.exists(path):
        return ProcessResult(FAILED, f'Error: the file "{path}" exists already.\r\n')
    try:
        call.host.files.write_bytes(path, configuration.export_agent(agent), call.session)
    except Win32Error as error:
        return ProcessResult(FAILED, f'Error: the file "{path}" was not written: {error.message}.\r\n')
    return ProcessResult(0, f'The management agent "{name}" was exported to "{path}".\r\n')


@program("svrexport")
def svrexport(call: ProcessCall) -> ProcessResult:
    """`svrexport "<empty folder>" [/v]`: `MV.xml` and one `MA-{GUID}.XML` for each management agent."""
    words = [word for word in call.arguments if word.lower() != "/v"]
    if len(words) != 1:
        return ProcessResult(FAILED, 'Usage: svrexport "<empty folder>" [/v]\r\n')
    folder = ntpath.normpath(ntpath.join(call.cwd, words[0]))
    try:
        configuration = require(call.host, call.session, "administrators")
    except SyncAccessError as error:
        return ProcessResult(FAILED, f"Error: {error}\r\n")
    if not call.host.files.is_dir(folder) or call.host.files.listdir(folder):
        return ProcessResult(FAILED, f'Error: "{folder}" is not an empty folder.\r\n')
    names = []
    try:
        for name, content in configuration.export_server().items():
            call.host.files.write_bytes(rf"{folder}\{name}", content, call.session)
            # The product leaves its files read-only (domain/ma_xml.md 2).
            call.host.files.set_attributes(rf"{folder}\{name}", {"Archive", "ReadOnly"})
            names.append(name)
    except Win32Error as error:
        return ProcessResult(FAILED, f'Error: "{folder}": {error.message}.\r\n')
    shown = "".join(f"{name}\r\n" for name in names) if "/v" in (w.lower() for w in call.arguments) else ""
    return ProcessResult(0, f"{shown}The server configuration was exported.\r\n")


media.known_program("maexport")
media.known_program("svrexport")
