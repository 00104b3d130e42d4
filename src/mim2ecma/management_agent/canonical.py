"""The identity of an export: SHA-256 of the canonical XML of `ma-data`."""

from __future__ import annotations

import hashlib

from lxml import etree


def ma_sha256(agent: etree._Element) -> str | None:
    """Hash the canonical form of a management agent.

    Each `maexport` stamps the time into the root element, so the bytes of two exports differ although nothing
    changed (docs/architecture.md, "The run folder"). `ma-data` carries no such stamp. The form is Canonical
    XML 1.0, inclusive, without comments: line ends, quotes, attribute order and the way of writing empty
    elements do not count. Reading has removed processing instructions as well (`stream`); no product writes
    any.

    Args:
        agent: The element `ma-data`; of what surrounds it only namespaces in scope and `xml:` attributes
            count.

    Returns:
        64 hexadecimal digits, or `None` when there is no canonical form: a namespace is not an absolute URI
        (Canonical XML 1.0, 1.3). No product writes such a file.
    """
    digest = _Digest()
    try:
        etree.ElementTree(agent).write_c14n(digest, with_comments=False)  # type: ignore[arg-type]
    except etree.C14NError:
        return None
    return digest.hash.hexdigest()


class _Digest:
    """A file to write to that keeps only the hash, so that the canonical text never lies in memory."""

    def __init__(self) -> None:
        self.hash = hashlib.sha256()
        self.write = self.hash.update
