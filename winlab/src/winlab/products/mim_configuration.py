"""The configuration of a simulated MIM Synchronization Service: management agents, metaverse, their XML.

Sources: domain/ma_xml.md 2 (wrappers), 3 (physical format), 4 (children of `ma-data`), 10 (metaverse);
    domain/mim_sync.md 3.
XML that came from a file is kept as it came: an export writes the very text of `ma-data` back.
"""

from __future__ import annotations

import codecs
import re
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from lxml import etree

if TYPE_CHECKING:
    from winlab.host.model import Host

STATE = "mim_sync"
_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
# As in real exports: nothing to resolve, no network, and single lines of megabytes (ma_xml.md 3).
_PARSER_OPTIONS: dict[str, Any] = {
    "resolve_entities": False,
    "no_network": True,
    "load_dtd": False,
    "huge_tree": True,
}
_BEFORE_ROOT = re.compile(r"\A(?:\s|<!--.*?-->|<\?.*?\?>)*", re.DOTALL)
_EMPTY_FLOWS = "<import-attribute-flow><per-ma-options></per-ma-options></import-attribute-flow>"

WARNING = "\r\n".join(
    (
        "<!--WARNING>",
        "!" * 67,
        "!!",
        "!! The contents of this file should not be edited.",
        "!! Any such modifications to this file may result in errors during import.",
        "!!",
        "!" * 67,
        "</WARNING-->",
    )
)

EMPTY_METAVERSE = "\r\n".join(
    (
        "<mv-data>",
        " <format-version>1</format-version>",
        " <version>1</version>",
        " <schema>",
        '  <dsml:dsml xmlns:dsml="http://www.dsml.org/DSML" xmlns:ms-dsml="http://www.microsoft.com/MMS/DSML">'
        '<dsml:directory-schema><dsml:class id="person" type="structural"><dsml:name>person</dsml:name>'
        "</dsml:class></dsml:directory-schema></dsml:dsml>",
        " </schema>",
        f" {_EMPTY_FLOWS}",
        ' <provisioning type="none" />',
        " <mv-deletion />",
        " <extension />",
        " <password-change-history-size>24</password-change-history-size>",
        " <password-sync>",
        "  <password-sync-enabled>0</password-sync-enabled>",
        " </password-sync>",
        "</mv-data>",
    )
)


class ConfigurationError(Exception):
    """XML that the product refuses; the text says why."""


@dataclass(frozen=True)
class ManagementAgent:
    """One management agent as the server holds it.

    Attributes:
        guid: its id, in braces.
        name: display name.
        category: `Extensible2` for ECMA 2 connectors.
        list_name: name of the package it was made from, often empty.
        dll: file name of the connector, empty for built-in ones.
        ma_data: the text of the element, as it came.
        mv_data: the text of the metaverse part that came with it, empty when the server's own is written.
    """

    guid: str
    name: str
    category: str
    list_name: str
    dll: str
    ma_data: str
    mv_data: str = ""


def decode(data: bytes) -> str:
    """The text of an XML file, by its byte order mark; UTF-8 without one."""
    encoding = next((name for mark, name in _BOMS if data.startswith(mark)), "utf-8")
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        raise ConfigurationError(f"not {error.encoding.upper()} at byte {error.start}") from error


def parse(text: str) -> etree._Element:
    """Parse and refuse what the product refuses: what is not well formed, and any DTD."""
    declaration = re.match(r"\s*<\?xml[^>]*\?>", text)
    body = text[declaration.end() :] if declaration else text
    # Looked for before the parser sees it, for entities in attributes would be expanded.
    if _BEFORE_ROOT.sub("", body, count=1).startswith("<!DOCTYPE"):
        raise ConfigurationError("DTD is prohibited in this XML document")
    try:
        return etree.fromstring(body.encode("utf-8"), etree.XMLParser(**_PARSER_OPTIONS))
    except etree.XMLSyntaxError as error:
        raise ConfigurationError(f"not well-formed XML: {error.msg}") from error


def element_text(text: str, name: str) -> str:
    """The text of the outermost element `name` with its tags, exactly as written; empty without one."""
    start = re.search(rf"<{re.escape(name)}(?=[\s>/])", text)
    end = text.rfind(f"</{name}>")
    if start is None or end < start.start():
        return ""
    return text[start.start() : end + len(name) + 3]


def read_management_agent(data: bytes, *roots: str) -> ManagementAgent:
    """Read a management agent from an export.

    Args:
        data: the file.
        roots: wrappers that are accepted, such as `export-ma`.

    Raises:
        ConfigurationError: another wrapper, a packaged template, no id or name.
    """
    text = decode(data)
    root = parse(text)
    if root.tag not in roots:
        raise ConfigurationError(f"root element {root.tag}; expected {' or '.join(roots)}")
    node = root.find("ma-data")
    if node is None or node.get("format") is not None:
        raise ConfigurationError("no configured management agent in it")
    values = {name: (node.findtext(name) or "").strip() for name in ("id", "name", "category", "ma-listname")}
    if not values["id"] or not values["name"]:
        raise ConfigurationError("a management agent without id or name")
    dll = node.findtext("private-configuration/MAConfig/extension-config/filename") or ""
    return ManagementAgent(
        guid=values["id"],
        name=values["name"],
        category=values["category"],
        list_name=values["ma-listname"],
        dll=dll.strip(),
        ma_data=element_text(text, "ma-data"),
        mv_data=element_text(text, "mv-data") if root.tag == "export-ma" else "",
    )


def read_metaverse(data: bytes) -> str:
    """The text of `mv-data` of a server export's MV.xml.

    Raises:
        ConfigurationError: not a metaverse file.
    """
    text = decode(data)
    root = parse(text)
    if root.tag != "saved-mv-configuration" or root.find("mv-data") is None:
        raise ConfigurationError(f"root element {root.tag}; expected saved-mv-configuration")
    return element_text(text, "mv-data")


class SyncConfiguration:
    """What the service keeps in its database.

    Args:
        host: a host that has the product.
    """

    def __init__(self, host: Host) -> None:
        self._host = host

    @property
    def _state(self) -> dict[str, Any]:
        return self._host.products[STATE]

    def agents(self) -> list[ManagementAgent]:
        """All management agents, sorted by name."""
        return sorted(
            (ManagementAgent(**item) for item in self._state["agents"]), key=lambda agent: agent.name
        )

    def agent(self, name: str) -> ManagementAgent | None:
        """A management agent by its exact name, or None."""
        return next((agent for agent in self.agents() if agent.name == name), None)

    def add(self, agent: ManagementAgent) -> None:
        """Add a management agent, or replace the one with its id."""
        kept = [item for item in self._state["agents"] if item["guid"] != agent.guid]
        self._state["agents"] = [*kept, asdict(agent)]
        self._host.touch("host")

    def replace_all(self, agents: list[ManagementAgent], metaverse: str) -> None:
        """Full replace, as an import of a server configuration does."""
        self._state["agents"] = [asdict(agent) for agent in agents]
        self._state["metaverse"] = metaverse
        self._host.touch("host")

    @property
    def metaverse(self) -> str:
        """The text of the server's `mv-data`."""
        return str(self._state["metaverse"])

    def export_agent(self, agent: ManagementAgent) -> bytes:
        """A single-MA export (`export-ma`): no declaration, CRLF, a new time stamp each time."""
        flows = element_text(self.metaverse, "import-attribute-flow") or _EMPTY_FLOWS
        metaverse = agent.mv_data or f"<mv-data>\r\n {flows}\r\n</mv-data>"
        return self._wrap("export-ma", f"{agent.ma_data}\r\n\r\n{metaverse}")

    def export_server(self) -> dict[str, bytes]:
        """A server export: file name to content, `MV.xml` and one `MA-{GUID}.XML` per management agent."""
        files = {"MV.xml": self._wrap("saved-mv-configuration", self.metaverse)}
        for agent in self.agents():
            files[f"MA-{agent.guid.upper()}.XML"] = self._wrap("saved-ma-configuration", agent.ma_data)
        return files

    def _wrap(self, root: str, content: str) -> bytes:
        server, date = self._host.computer_name, self._stamp()
        text = (
            f"<{root} server='{server}' export-date='{date}'>\r\n{WARNING}\r\n{content}\r\n\r\n</{root}>\r\n"
        )
        return text.encode("utf-8")

    def _stamp(self) -> str:
        """The host's time to the millisecond; never the same twice."""
        now = self._host.clock.utc()
        now = now.replace(microsecond=now.microsecond // 1000 * 1000)
        last = self._state.get("last_export")
        if last is not None:
            earliest = datetime.fromtimestamp(0, UTC) + timedelta(milliseconds=int(last) + 1)
            now = max(now, earliest)
        self._state["last_export"] = round((now - datetime.fromtimestamp(0, UTC)) / timedelta(milliseconds=1))
        self._host.touch("host")
        return f"{now:%Y-%m-%d %H:%M:%S}.{now.microsecond // 1000:03d}"
