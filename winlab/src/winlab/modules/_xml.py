"""XML documents as `System.Xml.XmlDocument` of the .NET Framework 4 loads and saves them.

Loading drops text of blanks only; saving indents by two blanks, ends lines with CR LF, writes ``<a></a>`` on
two lines and ``[]`` behind a document type, and marks the encoding that the declaration names. Sources:
Microsoft Learn, "XmlDocument.PreserveWhitespace", "XmlTextWriter.Formatting"; the check sums of saved files
in the upstream target of win_xml.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from xml.parsers import expat

from lxml import etree

from winlab.errors import NotModelled
from winlab.modules._texts import UTF8_BARE, Encoding, decode, encode, encoding_by_name

_DECLARATION = re.compile(r"^\s*<\?xml\s+(.*?)\s*\?>", re.DOTALL)
_ENCODING = re.compile(r"""encoding\s*=\s*["']([^"']+)["']""")
_PSEUDO_ATTRIBUTE = re.compile(r"""(\w+)\s*=\s*(["'])(.*?)\2""")
_DECLARATION_ROOM = 1024
_BLANKS = " \t\r\n"
_INDENT = "  "
_BREAK = "\r\n"

# lxml's own types say less than its nodes do.
Element = Any


class XmlError(Exception):
    """A text that is no XML document; the message is the parser's, .NET words it differently."""


@dataclass
class Document:
    """A document that was loaded.

    Attributes:
        root: the document element.
        declaration: what stands between ``<?xml`` and ``?>``, None without a declaration.
        doctype: the document type declaration as it is saved, None without one.
    """

    root: Element
    declaration: str | None = None
    doctype: str | None = None
    _short: set[Element] = field(default_factory=set)

    def encoding(self) -> Encoding:
        """Return the encoding that is saved with: the declaration's, else UTF-8 without a byte order mark."""
        match = _ENCODING.search(self.declaration or "")
        return encoding_by_name(match[1]) if match else UTF8_BARE

    def save(self) -> bytes:
        """Return the file's content."""
        parts = []
        if self.declaration is not None:
            parts.append(f"<?xml {self.declaration}?>")
        before = list(self.root.itersiblings(preceding=True))[::-1]
        parts.extend(_special(node) for node in before)
        if self.doctype is not None:
            parts.insert(1 if self.declaration is not None else 0, self.doctype)
        out: list[str] = []
        self._write(self.root, 0, out)
        parts.append("".join(out))
        parts.extend(_special(node) for node in self.root.itersiblings())
        return encode(_BREAK.join(parts), self.encoding())

    def add(self, parent: Element, child: Element) -> None:
        """Append an element that was made here; one without content is written ``<a />``."""
        parent.append(child)
        self._short.update(element for element in child.iter(etree.Element) if not len(element))
        self._short.discard(parent)

    def set_text(self, element: Element, text: str) -> None:
        """Replace all content of an element by a text (`InnerText`)."""
        tail = element.tail
        attributes = dict(element.attrib)
        element.clear()
        element.attrib.update(attributes)
        element.text, element.tail = text, tail
        self._short.discard(element)

    def _write(self, element: Element, depth: int, out: list[str]) -> None:
        name = qualified_name(element)
        out.append(f"<{name}{_attributes(element)}")
        children = list(element)
        if not children and element.text is None:
            # XmlTextWriter puts the end tag of an empty element that is not short on a line of its own.
            out.append(" />" if element in self._short else f">{_BREAK}{_INDENT * depth}</{name}>")
            return
        out.append(">")
        mixed = element.text is not None
        if mixed:
            out.append(_escape(element.text or ""))
        for child in children:
            if not mixed:
                out.append(_BREAK + _INDENT * (depth + 1))
            if isinstance(child.tag, str):
                self._write(child, depth + 1, out)
            else:
                out.append(_special(child))
            if child.tail is not None:
                mixed = True
                out.append(_escape(child.tail))
        if not mixed:
            out.append(_BREAK + _INDENT * depth)
        out.append(f"</{name}>")


def load(data: bytes) -> Document:
    """Read a document. Nothing outside of it is ever fetched, entities are not expanded.

    Raises:
        XmlError: it is not well-formed.
    """
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False, strip_cdata=False
    )
    try:
        root = etree.fromstring(data, parser)
    except etree.XMLSyntaxError as error:
        raise XmlError(str(error)) from error
    for node in root.iter():
        if node.text is not None and isinstance(node.tag, str) and not node.text.strip(_BLANKS):
            node.text = None
        if node.tail is not None and not node.tail.strip(_BLANKS):
            node.tail = None
    document = Document(root, _declaration(data), _doctype(root))
    flags = _short_flags(data)
    for element, is_short in zip(root.iter(etree.Element), flags, strict=True):
        if is_short:
            document._short.add(element)
    return document


def inner_text(node: Element) -> str:
    """Return `XmlNode.InnerText`: all text below, without comments and instructions."""
    if not isinstance(node.tag, str):
        return node.text or ""
    return "".join(_pieces(node))


def _pieces(node: Element) -> Iterator[str]:
    if node.text:
        yield node.text
    for child in node:
        if isinstance(child.tag, str):
            yield from _pieces(child)
        if child.tail:
            yield child.tail


def qualified_name(element: Element) -> str:
    """Return `XmlNode.Name` of an element: with its prefix."""
    local = etree.QName(element).localname
    return f"{element.prefix}:{local}" if element.prefix else local


def attributes_of(element: Element) -> list[tuple[str, str]]:
    """Return names and values of an element's attributes, namespace declarations included."""
    parent = element.getparent()
    known = parent.nsmap if parent is not None else {}
    declared = [
        (f"xmlns:{prefix}" if prefix else "xmlns", uri)
        for prefix, uri in element.nsmap.items()
        if known.get(prefix) != uri
    ]
    return declared + [(_attribute_name(element, name), value) for name, value in element.attrib.items()]


def _attribute_name(element: Element, name: str) -> str:
    qname = etree.QName(name)
    if qname.namespace is None:
        return qname.localname
    if qname.namespace == "http://www.w3.org/XML/1998/namespace":
        return f"xml:{qname.localname}"
    prefix = next(known for known, uri in element.nsmap.items() if uri == qname.namespace and known)
    return f"{prefix}:{qname.localname}"


def _attributes(element: Element) -> str:
    return "".join(f' {name}="{_escape(value, True)}"' for name, value in attributes_of(element))


def _escape(text: str, in_attribute: bool = False) -> str:
    """Escape as `XmlTextEncoder` does."""
    result = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    if in_attribute:
        return result.replace('"', "&quot;").replace("\r", "&#xD;").replace("\n", "&#xA;")
    return result.replace("\n", _BREAK)


def _special(node: Element) -> str:
    """Return a comment, a processing instruction or an entity reference as it is written."""
    return str(etree.tostring(node, encoding="unicode", with_tail=False)).replace("\n", _BREAK)


def _declaration(data: bytes) -> str | None:
    """Return the declaration in the form that `XmlDeclaration` writes: one blank between, double quotes."""
    match = _DECLARATION.match(decode(data[:_DECLARATION_ROOM], UTF8_BARE))
    if match is None:
        return None
    return " ".join(f'{name}="{value}"' for name, _, value in _PSEUDO_ATTRIBUTE.findall(match[1]))


def _doctype(root: Element) -> str | None:
    info = root.getroottree().docinfo
    if not info.doctype:
        return None
    internal = info.internalDTD
    if internal is not None and (list(internal.iterentities()) or list(internal.iterelements())):
        raise NotModelled(
            "an XML document type with declarations of its own", "Remove them from the document."
        )
    return f"{info.doctype[:-1]}[]>"


def _short_flags(data: bytes) -> list[bool]:
    """Tell for each element in document order whether it is written ``<a/>``, which lxml does not keep.

    At the end of such an element expat stands behind its tag, which then ends in ``/>``.
    """
    declared = _ENCODING.search(_declaration(data) or "")
    text = decode(data, encoding_by_name(declared[1]) if declared else UTF8_BARE).encode()
    parser = expat.ParserCreate("utf-8")
    flags: list[bool] = []
    open_elements: list[int] = []

    def start(_name: str, _attributes: dict[str, str]) -> None:
        open_elements.append(len(flags))
        flags.append(True)

    def end(_name: str) -> None:
        number = open_elements.pop()
        position = parser.CurrentByteIndex
        flags[number] = number == len(flags) - 1 and text[position - 2 : position] == b"/>"

    parser.StartElementHandler = start
    parser.EndElementHandler = end
    try:
        parser.Parse(text, True)
    except expat.ExpatError as error:
        raise XmlError(str(error)) from error
    return flags
