"""What a module's source takes and what `ansible-doc` prints of it are the same, but for differences that are listed."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from winlab.arguments.psdata import Expression
from winlab.arguments.specs import DELEGATES, Spec, spec_of

from winlab import modules, pins

from . import test_against_get_ansible_param as older
from . import test_against_the_real_ansible_basic as basic

_WINDOWS, _COMMUNITY = "ansible.windows", "community.windows"
# (module, option, what differs) -> why the source is right; only what differs now may be listed.
DIFFERENCES: dict[tuple[str, str, str], str] = {
    (f"{_WINDOWS}.async_status", "jid", "type"): "async_status.ps1 line 10: no conversion",
    (f"{_WINDOWS}.async_status", "mode", "type"): "async_status.ps1 line 11: no conversion",
    (f"{_WINDOWS}.win_acl", "inherit", "choices"): "win_acl.ps1 line 94: any text, combined with commas too",
    (f"{_WINDOWS}.win_copy", "content", "presence"): "handled on the controller (plugins/action/win_copy.py)",
    (f"{_WINDOWS}.win_copy", "decrypt", "presence"): "handled on the controller",
    (f"{_WINDOWS}.win_copy", "local_follow", "presence"): "handled on the controller",
    (f"{_WINDOWS}.win_copy", "remote_src", "presence"): "handled on the controller, which sets _copy_mode",
    (f"{_WINDOWS}.win_copy", "directories", "presence"): "win_copy.ps1 line 36: from the action plugin",
    (f"{_WINDOWS}.win_copy", "files", "presence"): "win_copy.ps1 line 35: from the action plugin",
    (f"{_WINDOWS}.win_copy", "src", "required"): "win_copy.ps1 line 24: by the mode",
    (f"{_WINDOWS}.win_dsc", "free_form", "presence"): "win_dsc.ps1 makes its options from the resource",
    (f"{_WINDOWS}.win_dsc", "module_version", "presence"): "win_dsc.ps1 makes its options from the resource",
    (f"{_WINDOWS}.win_dsc", "resource_name", "presence"): "win_dsc.ps1 makes its options from the resource",
    (
        f"{_WINDOWS}.win_reg_stat",
        "name",
        "aliases",
    ): "win_reg_stat.ps1 line 12 lacks `property`: it is ignored",
    (f"{_WINDOWS}.win_shell", "free_form", "presence"): "sent as _raw_params, win_shell.ps1 line 49",
    (
        f"{_COMMUNITY}.win_lineinfile",
        "insertafter",
        "default",
    ): "win_lineinfile.ps1 line 351; EOF is set later",
    (f"{_COMMUNITY}.win_lineinfile", "insertafter", "choices"): "win_lineinfile.ps1 line 351: any text",
    (f"{_COMMUNITY}.win_lineinfile", "insertbefore", "choices"): "win_lineinfile.ps1 line 352: any text",
    (f"{_COMMUNITY}.win_xml", "attribute", "required"): "win_xml.ps1 line 110: with type attribute",
    (
        f"{_COMMUNITY}.win_xml",
        "state",
        "choices",
    ): "win_xml.ps1 line 111: any text, all but absent is present",
}
NAMES = sorted({*basic.MODULES, *older.NAMES})


@pytest.fixture(scope="module")
def documentation() -> dict[str, Any]:
    text = subprocess.run(
        [str(Path(sys.executable).with_name("ansible-doc")), "-t", "module", "--json", *NAMES],
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    return {name: entry["doc"].get("options", {}) for name, entry in json.loads(text).items()}


def test_every_twin_is_among_them() -> None:
    assert set(modules.names()) & set(pins.pinned()) <= set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_the_documentation_says_what_the_source_takes(name: str, documentation: dict[str, Any]) -> None:
    if name in basic.MODULES:
        options = spec_of(name, basic.MODULES[name], basic._utils()).options
    else:
        options = {statement.name: _as_spec(statement.switches) for statement in older.statements(name)}
    found = {
        (name, option, what): text for option, what, text in _differences("", options, documentation[name])
    }
    listed = {key for key in DIFFERENCES if key[0] == name}
    assert {key: text for key, text in found.items() if key not in listed} == {}
    assert listed <= set(found), "no longer a difference: take it from the list"


def _as_spec(switches: Mapping[str, Any]) -> Spec:
    aliases = switches.get("aliases") or []
    needed = switches.get("failifempty", False)
    return Spec(
        type=switches.get("type", "raw"),
        # Get-AnsibleParam knows no elements.
        elements="str" if switches.get("type") == "list" else None,
        required=needed is True or isinstance(needed, Expression),
        default=switches.get("default"),
        choices=tuple(switches.get("validateset") or ()),
        aliases=tuple(aliases if isinstance(aliases, list) else [aliases]),
    )


def _differences(
    where: str, options: Mapping[str, Spec], documented: Mapping[str, Any]
) -> Iterator[tuple[str, str, str]]:
    for name in sorted({*options, *documented}):
        if name.startswith("_"):
            continue  # Ansible's own: no user types them
        if (spec := options.get(name)) is None or (said := documented.get(name)) is None:
            yield (
                f"{where}{name}",
                "presence",
                "only in the documentation" if spec is None else "only in the source",
            )
            continue
        kind = "raw" if spec.type in DELEGATES else spec.type  # a conversion of the module's own
        for what, have, wanted in (
            ("type", kind, said.get("type", "str")),
            ("elements", spec.elements, said.get("elements")),
            ("required", spec.required, bool(said.get("required"))),
            ("default", _texts(spec.default), _texts(said.get("default"))),
            ("choices", sorted(map(str, spec.choices)), sorted(map(str, said.get("choices") or []))),
            ("aliases", sorted(spec.aliases), sorted(said.get("aliases") or [])),
        ):
            if have != wanted:
                yield f"{where}{name}", what, f"{have!r} in the source, {wanted!r} in the documentation"
        yield from _differences(f"{where}{name}.", spec.options, said.get("suboptions") or {})


def _texts(default: Any) -> list[str]:
    """A default as texts: `a,b` and [a, b] are the same, and so are no default and an empty one."""
    if default is None:
        return []
    values = default if isinstance(default, list) else str(default).split(",")
    return [text.lower() if text in ("True", "False") else text for text in map(str, values) if text]
