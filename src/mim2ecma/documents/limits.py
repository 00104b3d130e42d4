"""Limits on untrusted input, each with its reason. docs/readiness-rules.md lists them for people."""

from __future__ import annotations

from typing import Final

KIB: Final = 1024
MIB: Final = 1024 * KIB

CHUNK_BYTES: Final = 32 * KIB
"""Bytes scanned and parsed at a time: small against the memory limit, large against the cost of a call."""

MAX_FILE_BYTES: Final = 2048 * MIB
"""Largest file read. The largest real export known has 2 MB (domain/ma_xml.md 3); this only ends endless
input."""

MAX_START_TAG_BYTES: Final = 1 * MIB
"""Longest start tag. No parser survives one with 10^6 attributes cheaply; real ones stay below 1 KiB."""

MAX_TEXT_BYTES: Final = 16 * MIB
"""Longest run of text without markup, and longest comment or CDATA section. Real values hold scripts of 100
KB (domain/ma_xml.md 7.3)."""

MAX_DECLARATIONS: Final = 100_000
"""Most comments, CDATA sections and processing instructions in a file. A real export has one comment."""

MAX_ATTRIBUTES: Final = 256
"""Most attributes of one element of `ma-data`: to put them in order costs a square. Real ones have up to
six."""

MAX_NAMESPACES: Final = 16
"""Most namespaces in scope of one element of `ma-data`, for the same reason. Real exports have the two of
DSML."""

MAX_TREE_BYTES: Final = 40 * MIB
"""Most memory spent on the element tree of one `ma-data`, estimated while reading. The real export of 2 MB
takes 26 MiB, so this is room for 3 MB of the same kind, or for one value of 5 MB."""

MAX_MODEL_ITEMS: Final = 50_000
"""Most attribute references, and most attribute types, of a schema that becomes a model. Real connectors have
up to a few hundred."""

MAX_LISTED_NAMES: Final = 12
"""Most names that one finding lists; the rest is counted."""

MAX_FOLDER_FILES: Final = 100_000
"""Most files taken from one folder on the command line."""
