"""WS-Management messages as text in and text out (MS-WSMV, DSP0226); no sockets, no state.

Elements are found by namespace and name, never by prefix (winrm_wire.md 1.3).
"""

from __future__ import annotations

import base64
import binascii
import re
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape, quoteattr

from lxml import etree

SOAP = "http://www.w3.org/2003/05/soap-envelope"
ADDRESSING = "http://schemas.xmlsoap.org/ws/2004/08/addressing"
WSMAN = "http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd"
MS_WSMAN = "http://schemas.microsoft.com/wbem/wsman/1/wsman.xsd"
SHELL = "http://schemas.microsoft.com/wbem/wsman/1/windows/shell"
TRANSFER = "http://schemas.xmlsoap.org/ws/2004/09/transfer"
FAULT = "http://schemas.microsoft.com/wbem/wsman/1/wsmanfault"
WMI_ERROR = "http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/MSFT_WmiError"
POWERSHELL = "http://schemas.microsoft.com/powershell"

CREATE = f"{TRANSFER}/Create"
DELETE = f"{TRANSFER}/Delete"
COMMAND = f"{SHELL}/Command"
SEND = f"{SHELL}/Send"
RECEIVE = f"{SHELL}/Receive"
SIGNAL = f"{SHELL}/Signal"
CMD_SHELL = f"{SHELL}/cmd"

# Faults by name: WS-Man error codes (wsmerror.h) and the SOAP subcode they travel with.
TIMED_OUT = 2150858793
SHELL_NOT_FOUND = 2150858843
QUOTA_SHELLS = 2150859173
QUOTA_OPERATIONS = 0x803381A6
ENVELOPE_TOO_LARGE = 2150858789
BAD_ACTION = 2150858752
SHELL_EXISTS = 183  # ERROR_ALREADY_EXISTS
SCHEMA_INVALID = 2150858817
ACCESS_DENIED = 5
BUSY = 170
BROKEN_PIPE = 109

DEFAULT_OPERATION_TIMEOUT = 60.0  # MaxTimeoutms, `winrm get winrm/config`
LONGEST_OPERATION_TIMEOUT = 600.0
DEFAULT_ENVELOPE = 153_600
ENVELOPE_RESERVE = 2048  # what the SOAP around the streams takes (winrm_wire.md 1.3)
_DURATION = re.compile(r"\APT(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d+)?)S)?\Z")


class Malformed(Exception):  # noqa: N818  (named after what it says, as in errors.py)
    """The text is no SOAP request; the transport answers 400."""


class Fault(Exception):  # noqa: N818  (named after what it says, as in errors.py)
    """A WS-Man fault to answer with.

    Args:
        code: decimal WS-Man or Win32 code.
        reason: the text for people.
        subcode: qualified SOAP subcode.
        wmi: whether the code travels as an MSFT_WmiError, as quota faults do.
        message_id: what it answers, when known.
    """

    def __init__(
        self,
        code: int,
        reason: str,
        subcode: str = "w:InternalError",
        wmi: bool = False,
        message_id: str = "",
    ) -> None:
        super().__init__(f"{code}: {reason}")
        self.code = code
        self.reason = reason
        self.subcode = subcode
        self.wmi = wmi
        self.message_id = message_id


@dataclass(frozen=True)
class Message:
    """The header fields of one request, and its body's first element."""

    action: str
    message_id: str
    resource: str
    shell_id: str
    timeout: float
    max_envelope: int
    options: dict[str, str]
    body: etree._Element | None


@dataclass(frozen=True)
class StreamData:
    """One rsp:Stream of a Send."""

    command_id: str
    name: str
    data: bytes
    end: bool


def parse(data: bytes) -> Message:
    """Read a request.

    Raises:
        Malformed: no XML, a document type in it, or no SOAP envelope with an action.
    """
    try:
        # No entities, no network, no document type: what a client sends is never fetched or expanded.
        parser = etree.XMLParser(
            resolve_entities=False, no_network=True, load_dtd=False, remove_comments=True, remove_pis=True
        )
        root = etree.fromstring(data, parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        raise Malformed(f"not XML: {error}") from error
    if root.getroottree().docinfo.internalDTD is not None:
        raise Malformed("a document type declaration")
    header = root.find(f"{{{SOAP}}}Header")
    body = root.find(f"{{{SOAP}}}Body")
    if root.tag != f"{{{SOAP}}}Envelope" or header is None or body is None:
        raise Malformed("no SOAP 1.2 envelope")
    selectors = header.iterfind(f"{{{WSMAN}}}SelectorSet/{{{WSMAN}}}Selector")
    shell_id = next((item.text or "" for item in selectors if item.get("Name") == "ShellId"), "")
    options = header.iterfind(f"{{{WSMAN}}}OptionSet/{{{WSMAN}}}Option")
    action = _text(header, ADDRESSING, "Action")
    if not action:
        raise Malformed("no action")
    size = _text(header, WSMAN, "MaxEnvelopeSize")
    return Message(
        action=action,
        message_id=_text(header, ADDRESSING, "MessageID"),
        resource=_text(header, WSMAN, "ResourceURI"),
        shell_id=shell_id.strip(),
        timeout=_seconds(_text(header, WSMAN, "OperationTimeout")),
        max_envelope=int(size) if size.isdigit() and len(size) < 10 else DEFAULT_ENVELOPE,
        options={item.get("Name", ""): (item.text or "").strip() for item in options},
        body=body[0] if len(body) else None,
    )


def command_line(message: Message) -> tuple[str, list[str], str]:
    """Command, arguments and the client's own command id of a Command request."""
    body = _body(message, "CommandLine")
    command = body.findtext(f"{{{SHELL}}}Command") or ""
    arguments = [item.text or "" for item in body.iterfind(f"{{{SHELL}}}Arguments")]
    return command.strip(), arguments, body.get("CommandId", "")


def sent_streams(message: Message) -> list[StreamData]:
    """What a Send request carries.

    Raises:
        Fault: a stream is not base64.
    """
    found = []
    for item in _body(message, "Send").iterfind(f"{{{SHELL}}}Stream"):
        try:
            data = base64.b64decode(item.text or "", validate=True)
        except (binascii.Error, ValueError):
            raise Fault(
                SCHEMA_INVALID, "The stream is not valid base64.", "w:SchemaValidationError"
            ) from None
        end = item.get("End", "").lower() in ("true", "1")
        found.append(StreamData(item.get("CommandId", ""), item.get("Name", ""), data, end))
    return found


def wanted_command(message: Message) -> str:
    """The command id of a Receive, empty for a whole shell."""
    stream = _body(message, "Receive").find(f"{{{SHELL}}}DesiredStream")
    return stream.get("CommandId", "") if stream is not None else ""


def signal(message: Message) -> tuple[str, str]:
    """Command id and signal name (`terminate`, `ctrl_c`, `powershell/signal/crtl_c` ...) of a Signal."""
    body = _body(message, "Signal")
    return body.get("CommandId", ""), (body.findtext(f"{{{SHELL}}}Code") or "").rpartition("/")[2]


def shell_body(message: Message) -> etree._Element:
    """The rsp:Shell element of a Create."""
    return _body(message, "Shell")


def idle_timeout(message: Message) -> float:
    """Seconds without use after which the client of a Create gives its shell up; 0 when it names none."""
    text = (shell_body(message).findtext(f"{{{SHELL}}}IdleTimeOut") or "").strip()
    return _seconds(text) if text else 0.0


def runspace_pool(message: Message) -> tuple[str, str]:
    """Shell id and creation fragments of a Create for PowerShell remoting (MS-PSRP 3.1.5.3.1)."""
    body = shell_body(message)
    return body.get("ShellId", "").upper(), body.findtext(f"{{{POWERSHELL}}}creationXml") or ""


def created(message: Message, shell_id: str, owner: str, address: str) -> bytes:
    """The answer to a Create."""
    body = (
        f'<x:ResourceCreated xmlns:x="{TRANSFER}"><a:Address>http://{escape(address)}/wsman</a:Address>'
        f"<a:ReferenceParameters><w:ResourceURI>{escape(message.resource)}</w:ResourceURI><w:SelectorSet>"
        f'<w:Selector Name="ShellId">{escape(shell_id)}</w:Selector></w:SelectorSet></a:ReferenceParameters>'
        f"</x:ResourceCreated><rsp:Shell><rsp:ShellId>{escape(shell_id)}</rsp:ShellId>"
        f"<rsp:ResourceUri>{escape(message.resource)}</rsp:ResourceUri><rsp:Owner>{escape(owner)}</rsp:Owner>"
        "<rsp:InputStreams>stdin</rsp:InputStreams><rsp:OutputStreams>stdout "
        "stderr</rsp:OutputStreams></rsp:Shell>"
    )
    return _reply(message, f"{TRANSFER}/CreateResponse", body)


def command_started(message: Message, command_id: str) -> bytes:
    """The answer to a Command."""
    body = f"<rsp:CommandResponse><rsp:CommandId>{escape(command_id)}</rsp:CommandId></rsp:CommandResponse>"
    return _reply(message, f"{SHELL}/CommandResponse", body)


def received(
    message: Message, command_id: str, pieces: Iterable[tuple[str, bytes]], exit_code: int | None, done: bool
) -> bytes:
    """The answer to a Receive: stream pieces, and whether the command has ended.

    Args:
        message: the request.
        command_id: the command, empty for a whole shell.
        pieces: stream name and bytes.
        exit_code: sent with the end, None for none (PSRP has none).
        done: whether the command has ended and everything is sent.
    """
    identity = f" CommandId={quoteattr(command_id)}" if command_id else ""
    body = ["<rsp:ReceiveResponse>"]
    for name, data in pieces:
        text = base64.b64encode(data).decode("ascii")
        body.append(f"<rsp:Stream Name={quoteattr(name)}{identity}>{text}</rsp:Stream>")
    if command_id:
        state = "Done" if done else "Running"
        body.append(f'<rsp:CommandState{identity} State="{SHELL}/CommandState/{state}">')
        if done and exit_code is not None:
            body.append(f"<rsp:ExitCode>{exit_code}</rsp:ExitCode>")
        body.append("</rsp:CommandState>")
    body.append("</rsp:ReceiveResponse>")
    return _reply(message, f"{SHELL}/ReceiveResponse", "".join(body))


def acknowledged(message: Message) -> bytes:
    """The answer to Send, Signal and Delete."""
    elements = {SEND: "<rsp:SendResponse/>", SIGNAL: "<rsp:SignalResponse/>"}
    return _reply(message, f"{message.action}Response", elements.get(message.action, ""))


def fault(error: Fault, machine: str) -> bytes:
    """The body of a fault; the transport sends it with status 500 (winrm_wire.md 1.9)."""
    if error.wmi:
        detail = (
            "<e:MSFT_WmiError "
            f'xmlns:e="{WMI_ERROR}"><e:error_Code>{error.code}</e:error_Code></e:MSFT_WmiError>'
        )
    else:
        detail = (
            f'<f:WSManFault xmlns:f="{FAULT}" Code="{error.code}" Machine={quoteattr(machine)}>'
            f"<f:Message>{escape(error.reason)}</f:Message></f:WSManFault>"
        )
    sender = "Sender" if error.subcode not in ("w:TimedOut", "w:InternalError") else "Receiver"
    body = (
        f"<s:Fault><s:Code><s:Value>s:{sender}</s:Value><s:Subcode><s:Value>{escape(error.subcode)}</s:Value>"
        f'</s:Subcode></s:Code><s:Reason><s:Text xml:lang="en-US">{escape(error.reason)}</s:Text></s:Reason>'
        f"<s:Detail>{detail}</s:Detail></s:Fault>"
    )
    return _envelope("http://schemas.dmtf.org/wbem/wsman/1/wsman/fault", error.message_id, body)


def room_for_streams(message: Message) -> int:
    """Bytes of stream data that fit the client's envelope after base64."""
    return max((message.max_envelope - ENVELOPE_RESERVE) * 3 // 4, 1024)


def _reply(message: Message, action: str, body: str) -> bytes:
    return _envelope(action, message.message_id, body)


def _envelope(action: str, relates_to: str, body: str) -> bytes:
    text = (
        f'<s:Envelope xml:lang="en-US" xmlns:s="{SOAP}" xmlns:a="{ADDRESSING}" xmlns:w="{WSMAN}" '
        f'xmlns:p="{MS_WSMAN}" xmlns:rsp="{SHELL}"><s:Header><a:Action>{escape(action)}</a:Action>'
        f"<a:MessageID>uuid:{str(uuid.uuid4()).upper()}</a:MessageID>"
        f"<a:To>{ADDRESSING}/role/anonymous</a:To><a:RelatesTo>{escape(relates_to)}</a:RelatesTo></s:Header>"
        f"<s:Body>{body}</s:Body></s:Envelope>"
    )
    return text.encode("utf-8")


def _body(message: Message, name: str) -> etree._Element:
    if message.body is None or message.body.tag != f"{{{SHELL}}}{name}":
        raise Fault(SCHEMA_INVALID, f"The request has no {name} element.", "w:SchemaValidationError")
    return message.body


def _text(header: etree._Element, namespace: str, name: str) -> str:
    return (header.findtext(f"{{{namespace}}}{name}") or "").strip()


def _seconds(duration: str) -> float:
    match = _DURATION.match(duration)
    if match is None or not any(match.groups()):
        return DEFAULT_OPERATION_TIMEOUT
    hours, minutes, seconds = (float(part or 0) for part in match.groups())
    return min(hours * 3600 + minutes * 60 + seconds, LONGEST_OPERATION_TIMEOUT)


def quota_fault(kind: str, limit: int, message_id: str) -> Fault:
    """Too many shells, or too many operations in one shell."""
    if kind == "shells":
        reason = (
            "The WS-Management service cannot process the request. The maximum number of concurrent "
            "shells for this "
            f"user has been exceeded ({limit}). Close existing shells or raise the quota for this user."
        )
        return Fault(QUOTA_SHELLS, reason, "w:QuotaLimit", message_id=message_id)
    reason = (
        "The WS-Management service cannot process the request. This user is allowed a maximum number of "
        f"{limit} concurrent operations, which has been exceeded."
    )
    return Fault(QUOTA_OPERATIONS, reason, "w:QuotaLimit", wmi=True, message_id=message_id)


def timed_out(message: Message) -> Fault:
    """Nothing to report within the operation's time."""
    return Fault(
        TIMED_OUT,
        "The WS-Management service cannot complete the operation within the time specified in "
        "OperationTimeout.",
        "w:TimedOut",
        message_id=message.message_id,
    )


def shell_not_found(message: Message) -> Fault:
    """The shell does not exist, has ended, or belongs to somebody else."""
    reason = (
        "The request for the Windows Remote Shell with ShellId "
        f"{message.shell_id} failed because the shell was not found on the server. Possible causes are: the "
        "specified ShellId is incorrect or the shell no longer exists on the server. Provide the "
        "correct ShellId "
        "or create a new shell and retry the operation."
    )
    return Fault(SHELL_NOT_FOUND, reason, "w:InvalidSelectors", message_id=message.message_id)


KNOWN_ACTIONS: Sequence[str] = (CREATE, COMMAND, SEND, RECEIVE, SIGNAL, DELETE)
