"""JSON as `ConvertTo-Json -Compress` of Windows PowerShell 5.1 writes it.

Source: Microsoft Learn, "ConvertTo-Json" and "JavaScriptSerializer": signs of HTML are escaped, other
letters are kept as they are.
"""

from __future__ import annotations

import json
import re
from typing import Any

from winlab.errors import NotModelled

# `-Depth 20` of win_uri.ps1 line 186.
_DEEPEST = 20
_ESCAPED = re.compile("[<>&'\x85\u2028\u2029]")


def to_json(value: Any) -> str:
    """Mappings, lists and plain values as text.

    Raises:
        NotModelled: deeper than the module asks for, where PowerShell would print names of types.
    """
    _require_shallow(value, 0)
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return _ESCAPED.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def _require_shallow(value: Any, depth: int) -> None:
    if isinstance(value, list | dict):
        if depth > _DEEPEST:
            raise NotModelled(f"JSON deeper than {_DEEPEST}", "PowerShell prints names of types there.")
        for item in value.values() if isinstance(value, dict) else value:
            _require_shallow(item, depth + 1)
