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
    if not isinstance(path, (str, Path)) or not str(path):
        raise wrong("ma_inspect", "input", kind_of(path), "the path of a file on the controller")
    if isinstance(object_types, str):
        object_types = [object_types]
    if object_types is not None and not is_list_of_text(object_types):
        raise wrong("ma_inspect", "object_types", kind_of(object_types), "a list of names")
    if not isinstance(strict, bool):
        raise wrong("ma_inspect", "strict", kind_of(strict), "true or false")
    if accept is not None and not (
        isinstance(accept, Mapping) and is_list_of_text([*accept, *accept.values()])
    ):
        raise wrong("ma_inspect", "accept", kind_of(accept), "a dictionary of rule to reason")
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
        found = "another word" if isinstance(severity, str) else kind_of(severity)
        raise wrong("ma_findings", "severity", found, " or ".join(SEVERITIES))
    findings = part(inspection, "ma_findings", "findings", list)
    if not all(isinstance(finding, Mapping) and "severity" in finding for finding in findings):
        raise wrong("ma_findings", "input", kind_of(inspection), "the result of ma_inspect")
    return [finding for finding in findings if severity is None or finding["severity"] == severity]


def ma_verdict(inspection):
    """Return the verdict of an inspection."""
    require_package()
    return part(inspection, "ma_verdict", "verdict", str)


def part(inspection, name, key, kind):
    """Take one key of an inspection, whatever was passed."""
    if not isinstance(inspection, Mapping) or not isinstance(inspection.get(key), kind):
        raise wrong(name, "input", kind_of(inspection), "the result of ma_inspect")
    return inspection[key]


def is_list_of_text(value):
    """Whether a value is a list of strings."""
    return isinstance(value, (list, tuple)) and all(isinstance(item, str) for item in value)


def wrong(name, where, found, expected):
    """Build the error for a wrong argument, of which the value is not shown."""
    return AnsibleFilterError(
        f"{name}: {where}: {found}; expected {expected}. See 'ansible-doc -t filter {name}'."
    )


def kind_of(value):
    """Name the kind of a value as playbooks know it; Ansible passes types of its own."""
    for kind in (str, dict, list):
        if isinstance(value, kind):
            return kind.__name__ if value else f"an empty {kind.__name__}"
    return type(value).__name__


class FilterModule:
    """Registers the filters, whether or not the package is there."""

    def filters(self):
        """Return the filters by name."""
        return {"ma_inspect": ma_inspect, "ma_findings": ma_findings, "ma_verdict": ma_verdict}
