"""Requests for `ftp:` URIs, as `FtpWebRequest` makes them: a file (RETR), or its date (MDTM).

Sources: Microsoft Learn, "System.Net.FtpWebRequest" and "FtpStatusCode"; RFC 959 4.2 (replies), RFC 3659 3
(MDTM); the English resources of System.dll (`net_ftpstatuscode_*`). Only a server on the host itself is known
(`host/ftp_servers.py`); that its words are those of RFC 959 is assumed.
"""

from __future__ import annotations

import email.utils
import io
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from winlab.errors import NotModelled, Win32Error
from winlab.host import ftp_servers, neighbours
from winlab.modules import _web_places as places
from winlab.modules import _web_wire as wire
from winlab.modules._uri import Uri
from winlab.modules._web_conversation import Response, ResponseError
from winlab.modules._web_wire import Answer, WebError

if TYPE_CHECKING:
    from winlab.modules import Call

RETRIEVE, MODIFIED = "RETR", "MDTM"
_OPENING, _FILE_STATUS = 150, 213
_OPENING_TEXT = "150 File status okay; about to open data connection.\r\n"
_REFUSALS = {
    ftp_servers.NOT_LOGGED_IN: "Not logged in.",
    ftp_servers.FILE_UNAVAILABLE: "File unavailable (e.g., file not found, no access).",
}


def respond(call: Call, uri: Uri, method: str) -> Response:
    """Ask for a file or its date.

    Raises:
        WebError: nobody answers, or the server refuses.
        NotModelled: a server elsewhere, or one that winlab has no answers of.
    """
    found = _server(call, uri)
    server, image = found
    user = str(call.params["url_username"] or "")
    password = str(call.params["url_password"] or "")
    if not user or call.params["force_basic_auth"]:
        user, password = "anonymous", "anonymous@"
    with call.host.lock:
        try:
            path = server(call.host, ftp_servers.FtpRequest(image, uri.local_path, user, password))
            entry = call.host.files.entry(path)
            stream = call.host.files.open(path)
        except ftp_servers.FtpRefusal as refusal:
            raise _refused(uri, method, refusal.code) from refusal
        except Win32Error as error:
            raise _refused(uri, method, ftp_servers.FILE_UNAVAILABLE) from error
    if method == RETRIEVE:
        return Response(uri, method, Answer(_OPENING, _OPENING_TEXT, (), stream))
    stream.close()
    text = f"{_FILE_STATUS} {datetime.fromtimestamp(entry.modified, UTC):%Y%m%d%H%M%S}\r\n"
    date = ("Last-Modified", email.utils.formatdate(entry.modified, usegmt=True))
    return Response(uri, method, Answer(_FILE_STATUS, text, (date,), io.BytesIO()))


def _server(call: Call, uri: Uri) -> tuple[ftp_servers.FtpServer, str]:
    name, host = uri.dns_name, call.host
    if call.params["proxy_url"]:
        raise NotModelled(f"{host.name}: {uri} by a proxy", "Set use_proxy: false.")
    if not places.is_own(host, name):
        if neighbours.find(host, name) is None:
            raise places.nowhere(name)
        raise NotModelled(f"{host.name}: {uri}", "winlab asks other machines with http and https, not FTP.")
    with host.lock:
        if not host.ports.is_open(uri.port):
            raise WebError(wire.CONNECT_FAILURE)
        found = ftp_servers.behind(host, uri.port)
    if found is None:
        raise NotModelled(f"{host.name}: {uri}", "What listens there has no answers in host/ftp_servers.py.")
    return found


def _refused(uri: Uri, method: str, code: int) -> ResponseError:
    answer = Answer(code, f"{code} {_REFUSALS[code]}\r\n", (), io.BytesIO())
    text = f"The remote server returned an error: ({code}) {_REFUSALS[code]}"
    return ResponseError(text, Response(uri, method, answer))
