"""Twin of community.windows.win_xml 3.1.0 (plugins/modules/win_xml.ps1, a legacy module)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from lxml import etree

from winlab.arguments.legacy import param
from winlab.errors import ModuleFailure, NotModelled, Win32Error
from winlab.modules import Call, twin
from winlab.modules._dotnet import Disk, DotNetError, dotnet_errors, text_of
from winlab.modules._xml import (
    Document,
    Element,
    XmlError,
    attributes_of,
    inner_text,
    load,
    qualified_name,
)
from winlab.modules.win_copy import back_up

_NO_MATCH = (
    "The supplied xpath did not match any nodes.  If this is unexpected, check your xpath is valid for the "
    "xml file at supplied path."
)
# `$debug_level -gt 2`, line 93.
_DEBUG_VERBOSITY = 2


@twin("community.windows.win_xml")
def win_xml(call: Call) -> dict[str, Any]:
    """Add, change or remove what an XPath expression finds (lines 88-290)."""
    return _Edit(call).run()


class _DifferentError(Exception):
    """Two nodes are not the same (`Compare-XmlDoc`)."""


@dataclass
class _Edit:
    call: Call
    result: dict[str, Any] = field(default_factory=lambda: {"changed": False})

    def run(self) -> dict[str, Any]:
        """Lines 95-140 and 280-290."""
        call = self.call
        self.disk = Disk(call)
        self.path: str = param(call, "path", type="path", failifempty=True, aliases=("dest", "file"))
        self.fragment = param(call, "fragment", type="str", aliases=("xmlstring",))
        xpath: str = param(call, "xpath", type="str", failifempty=True)
        backup = param(call, "backup", type="bool", default=False)
        kind = str(
            param(call, "type", type="str", default="element", validateset=("element", "attribute", "text"))
        ).lower()
        self.attribute = param(call, "attribute", type="str", failifempty=kind == "attribute")
        self.state = str(param(call, "state", type="str", default="present")).lower()
        count = param(call, "count", type="bool", default=False)
        self.document = self._load()
        nodes = self._select(xpath)
        if count:
            self.result["count"] = len(nodes)
            if not self.fragment:
                return self.result
        if not nodes:
            self.result["msg"] = _NO_MATCH
            return self.result
        self.result["msg"] = "not changed"
        changed = {"element": self._elements, "text": self._texts, "attribute": self._attributes}[kind](nodes)
        if changed:
            self._save(f"{kind} {'removed' if self.state == 'absent' else 'changed'}", bool(backup))
        return self.result

    def _load(self) -> Document:
        if not self.disk.is_leaf(self.path):
            raise ModuleFailure(f"Specified path {self.path} does not exist or is not a file.", **self.result)
        try:
            with dotnet_errors():
                return load(self.disk.files.read_bytes(self.disk.full(self.path), self.disk.session))
        except (XmlError, Win32Error) as error:
            reason = text_of(error) if isinstance(error, Win32Error) else str(error)
            raise ModuleFailure(
                f"Failed to parse file at '{self.path}' as an XML document: {reason}", **self.result
            ) from error

    def _select(self, xpath: str) -> list[Any]:
        """Lines 121-127: only the prefix of the document element is known, a default namespace is none."""
        root = self.document.root
        known = {root.prefix: root.nsmap[root.prefix]} if root.prefix else {}
        try:
            found = root.getroottree().xpath(xpath, namespaces=known)
        except etree.XPathError as error:
            raise DotNetError(87, xpath, f"'{xpath}' has an invalid token.") from error
        if not isinstance(found, list):
            raise DotNetError(87, xpath, "Expression must evaluate to a node-set.")
        for node in found:
            if isinstance(node, str) and not getattr(node, "is_attribute", False):
                raise NotModelled(
                    f"XPath {xpath!r} of win_xml, which finds text nodes", "Name their elements."
                )
        return found

    def _elements(self, nodes: list[Any]) -> bool:
        """Lines 141-215. What the last node says decides whether the document is saved (line 183)."""
        if self.state == "absent":
            return self._remove(nodes)
        fragment = self._fragment()
        changed = False
        for node in nodes:
            changed = False
            candidate = self._copied(fragment, node)
            elements = list(node) or [node]
            if node.text is not None and not len(node):
                elements = []
            if any(self._same(candidate, element) for element in elements):
                continue
            if self.state == "present":
                self.document.add(node, candidate)
                self.result["msg"] += "xml added "
                changed = True
        return changed

    def _remove(self, nodes: list[Any]) -> bool:
        """Lines 142-160: in check mode nothing counts as a change."""
        removed = [str(etree.tostring(node, encoding="unicode", with_tail=False)) for node in nodes]
        if self.call.verbosity > _DEBUG_VERBOSITY:
            self.result["removed"] = ", ".join(removed)
        if self.call.check_mode:
            return False
        for node in nodes:
            parent = node.getparent()
            if parent is None:
                raise NotModelled("removing the document element with win_xml", "Remove the file instead.")
            _detach(node)
        return True

    def _fragment(self) -> Element:
        try:
            return load((self.fragment or "").encode()).root
        except XmlError as error:
            value = self.fragment or ""
            text = f'Cannot convert value "{value}" to type "System.Xml.XmlDocument". Error: "{error}"'
            self.result.pop("msg")
            raise ModuleFailure(f"Failed to parse fragment as XML: {text}", **self.result) from error

    def _copied(self, source: Element, parent: Element) -> Element:
        """`Copy-Xml`, lines 11-36: names keep their text, everything gets the document's namespace."""
        uri = etree.QName(self.document.root).namespace
        local = etree.QName(source).localname
        nsmap = None if uri in parent.nsmap.values() else {None: uri}
        made: Element = parent.makeelement(
            f"{{{uri}}}{local}" if uri else local, nsmap=nsmap if uri else None
        )
        for name, value in source.attrib.items():
            made.set(name, value)
        for child in source:
            if isinstance(child.tag, str):
                made.append(self._copied(child, made))
        # A text replaces what was copied before it: set_InnerText, line 33.
        if source.text is not None and not len(source):
            made.text = source.text
        return made

    def _same(self, candidate: Element, element: Element) -> bool:
        try:
            _compare(candidate, element)
        except _DifferentError as difference:
            if self.call.verbosity > _DEBUG_VERBOSITY:
                note = f"System.Management.Automation.RuntimeException: {difference}"
                self.result.setdefault("err", []).append(note)
            return False
        return True

    def _texts(self, nodes: list[Any]) -> bool:
        """Lines 217-224; the comparison ignores case."""
        changed = False
        wanted = self.fragment or ""
        for node in nodes:
            if isinstance(node, str):
                raise NotModelled("type text on attributes with win_xml", "Use type attribute.")
            if inner_text(node).casefold() != wanted.casefold():
                self.document.set_text(node, wanted)
                changed = True
        return changed

    def _attributes(self, nodes: list[Any]) -> bool:
        """Lines 225-279; comparisons ignore case."""
        if self.state not in ("present", "absent"):
            self.result["warnings"] = [
                f"Unexpected state when processing attribute {self.attribute}, "
                f"add was , state was {self.state}"
            ] * len(nodes)
            return False
        # Every node is looked at: no short circuit.
        changes = [self._attribute(node) for node in nodes]
        return any(changes)

    def _attribute(self, node: Any) -> bool:
        wanted = self.fragment or ""
        if isinstance(node, str):
            return self._found_attribute(node, wanted)
        if self.state == "absent":
            # Lines 268-272 compare the element's own name.
            if qualified_name(node).casefold() != self.attribute.casefold():
                return False
            node.attrib.pop(self.attribute, None)
            return True
        current = node.get(self.attribute)
        if current is not None and current.casefold() == wanted.casefold():
            return False
        if current is None and etree.QName(self.document.root).namespace:
            raise NotModelled(
                "adding an attribute with win_xml to a document with a namespace", "The real one adds two."
            )
        node.set(self.attribute, wanted)
        return True

    def _found_attribute(self, node: Any, wanted: str) -> bool:
        parent: Element = node.getparent()
        if self.state == "absent":
            parent.attrib.pop(self.attribute, None)
            return True
        if node.attrname.casefold() != self.attribute.casefold() or node.casefold() == wanted.casefold():
            return False
        parent.set(node.attrname, wanted)
        return True

    def _save(self, message: str, backup: bool) -> None:
        """`Save-ChangedXml`, lines 76-86."""
        self.result["changed"] = True
        if self.call.check_mode:
            self.result["msg"] += " check mode"
            return
        if backup:
            self.result["backup_file"] = back_up(self.disk, self.path, check_mode=False)
        self.disk.write(self.path, self.document.save())
        self.result["msg"] = message


def _detach(node: Any) -> None:
    """Remove a node; the text behind it stays where it was."""
    parent = node.getparent()
    if node.tail:
        previous = node.getprevious()
        if previous is not None:
            previous.tail = (previous.tail or "") + node.tail
        else:
            parent.text = (parent.text or "") + node.tail
    parent.remove(node)


def _compare(candidate: Element, element: Element) -> None:
    """`Compare-XmlDoc`, lines 38-73: names and values without regard to case."""
    if not isinstance(element.tag, str) or not isinstance(candidate.tag, str):
        raise _DifferentError("Actual name not same as expected")
    name = qualified_name(candidate)
    if name.casefold() != qualified_name(element).casefold():
        raise _DifferentError(
            f"Actual name not same as expected: actual={name}, expected={qualified_name(element)}"
        )
    ours, theirs = (
        [(key.casefold(), value.casefold()) for key, value in attributes_of(node)]
        for node in (candidate, element)
    )
    if ours != theirs:
        raise _DifferentError(f"attribute mismatch for actual={name}")
    if _child_count(candidate) != _child_count(element):
        raise _DifferentError(f"child node mismatch. for actual={name}")
    for one, other in zip(candidate, element, strict=False):
        _compare(other, one)
    if inner_text(candidate).casefold() != inner_text(element).casefold():
        raise _DifferentError(f"inner text mismatch for actual={name}")


def _child_count(element: Element) -> int:
    texts = [element.text, *(child.tail for child in element)]
    return len(element) + sum(text is not None for text in texts)
