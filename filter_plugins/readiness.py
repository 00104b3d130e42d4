# Copyright (c) the mim2ecma maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Filters that inspect an exported management agent. Each has a sidecar that documents it.

They coerce arguments, call `mim2ecma.readiness` and map its errors. Their results are plain, untrusted data: nothing from
an export is ever templated.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path

from ansible.errors import AnsibleFilterError

VERSION = "0.1.0"
"""Version of mim2ecma that these filters belong to."""

SEVERITIES = ("error", "warning", "information")

FOUND = None
try:
    import mim2ecma

    FOUND = mim2ecma.__version__
    from mim2ecma.documents.errors import Mim2EcmaError
    from mim2ecma.readiness import Options, inspect
except ImportError:
    # Another version may lack these modules; then its number says more than that it cannot be imported.
    FOUND = None if FOUND == VERSION else FOUND


def require_package():
    """Raise unless the package of the same version can be imported."""
    if FOUND == VERSION:
        return
    found = "not importable" if FOUND is None else f"version {FOUND}"
    raise AnsibleFilterError(
        f"mim2ecma: {found} by {sys.executable}; expected {VERSION}. "
        "Install it there or build execution-environment.yml."
    )


def ma_inspect(path, object_types=None, strict=False, accept=None):
    """Inspect the file at a path of the controller; return the document `inspection`."""
    require_package()
    if not isinstance(path, (str, Path)):
        raise wrong("ma_inspect", "input", path, "the path of a file on the controller")
    if isinstance(object_types, str):
        object_types = [object_types]
    if not is_list_of_text(object_types or []):
        raise wrong("ma_inspect", "object_types", object_types, "a list of names")
    if not isinstance(strict, bool):
        raise wrong("ma_inspect", "strict", strict, "true or false")
    if not isinstance(accept or {}, Mapping) or not is_list_of_text(
        [*(accept or {}), *(accept or {}).values()]
    ):
        raise wrong("ma_inspect", "accept", accept, "a dictionary of rule to reason")
    try:
        options = Options(
            object_types=tuple(str(name) for name in object_types or []),
            strict=strict,
            accept={str(rule): str(reason) for rule, reason in (accept or {}).items()},
        )
        return inspect(Path(str(path)), options=options).to_dict()
    except Mim2EcmaError as error:
        raise AnsibleFilterError(str(error)) from error


def ma_findings(inspection, severity=None):
    """Return the findings of an inspection, all or those of one severity."""
    require_package()
    if severity is not None and severity not in SEVERITIES:
        raise wrong("ma_findings", "severity", severity, " or ".join(SEVERITIES))
    findings = part(inspection, "ma_findings", "findings", list)
    return [finding for finding in findings if severity is None or finding["severity"] == severity]


def ma_verdict(inspection):
    """Return the verdict of an inspection."""
    require_package()
    return part(inspection, "ma_verdict", "verdict", str)


def part(inspection, name, key, kind):
    """Take one key of an inspection, whatever was passed."""
    if not isinstance(inspection, Mapping) or not isinstance(inspection.get(key), kind):
        raise wrong(name, "input", inspection, "the result of ma_inspect")
    return inspection[key]


def is_list_of_text(value):
    """Whether a value is a list of strings."""
    return isinstance(value, (list, tuple)) and all(isinstance(item, str) for item in value)


def wrong(name, where, value, expected):
    """Build the error for an argument of the wrong kind; the value is not shown."""
    return AnsibleFilterError(
        f"{name}: {where}: {type(value).__name__}; expected {expected}. See 'ansible-doc -t filter {name}'."
    )


class FilterModule:
    """Registers the filters, whether or not the package is there."""

    def filters(self):
        """Return the filters by name."""
        return {"ma_inspect": ma_inspect, "ma_findings": ma_findings, "ma_verdict": ma_verdict}
