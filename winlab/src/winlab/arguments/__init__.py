"""Arguments as the real module would see them: its own specification, checked the way Ansible checks it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from winlab.arguments.basic import PASS_VARIABLES, Checker, Refused, Resolver, Unhandled
from winlab.arguments.legacy import to_bool
from winlab.arguments.powershell import dotnet_string
from winlab.arguments.specs import TAKES_ANY_OPTION, Spec, has_fragments, is_basic, spec_of
from winlab.errors import NotModelled
from winlab.manifest import Script

__all__ = ["Checked", "Finished", "Resolver", "check"]

_INTERNAL = "_ansible_"
_LEGACY_CHECK_MODE = re.compile(r"Parse-Args\s.*-supports_check_mode\s+\$true", re.IGNORECASE)


class Finished(Exception):  # noqa: N818  (named after what it says, as in errors.py)
    """The module has ended before doing anything.

    Args:
        result: what it prints.
        rc: its exit code.
    """

    def __init__(self, result: dict[str, Any], rc: int) -> None:
        super().__init__(str(result.get("msg")))
        self.result = result
        self.rc = rc


@dataclass(frozen=True)
class Checked:
    """Arguments after the check, and how the module dresses its result.

    Attributes:
        params: what the module reads.
        check_mode: whether nothing may be changed.
        diff_mode: whether a diff is wanted.
        verbosity: number of `-v`.
    """

    params: dict[str, Any]
    check_mode: bool = False
    diff_mode: bool = False
    verbosity: int = 0
    _checker: Checker | None = field(default=None, repr=False)

    def mask(self, text: str) -> str:
        """A message without the values of no_log options."""
        return str(self._checker.mask(text)) if self._checker else text

    def dress(self, result: dict[str, Any]) -> dict[str, Any]:
        """Add what Ansible.Basic adds by itself; older modules print what they have."""
        if self._checker is None:
            return result
        dressed = {**result, "invocation": _invocation(self._checker)}
        if not self.diff_mode or not dressed.get("diff"):
            dressed.pop("diff", None)
        if self._checker.deprecations:
            dressed["deprecations"] = [*self._checker.deprecations, *result.get("deprecations", [])]
        return dressed


def check(
    name: str, script: Script, scripts: Mapping[str, Script], given: Mapping[str, Any], resolver: Resolver
) -> Checked:
    """Check a module's arguments as the module itself does.

    Args:
        name: the module's full name.
        script: its source.
        scripts: everything that came with it.
        given: the arguments as sent, Ansible's own included.
        resolver: what option types ask the host.

    Raises:
        Finished: the module ends here: refused arguments, or no support for check mode.
        NotModelled: the specification cannot be read.
    """
    if not is_basic(script.text):
        return _legacy(script, given)
    spec = spec_of(name, script, scripts)
    if name in TAKES_ANY_OPTION:
        spec = _with_any_option(spec, given)
    checker = Checker(spec, given, resolver)
    try:
        checker.check()
    except Refused as refusal:
        result: dict[str, Any] = {"changed": False, "msg": checker.mask(refusal.msg)}
        result["skipped" if refusal.skipped else "failed"] = True
        result["invocation"] = _invocation(checker)
        raise Finished(result, 0 if refusal.skipped else 1) from None
    except Unhandled as error:
        raise Finished(_unhandled(str(error), script), 1) from None
    _refuse_what_slips_through(name, spec, checker.params)
    internal = checker.internal
    return Checked(
        params=_as_modules_see_them(name, spec.options, checker.params),
        check_mode=checker.check_mode,
        diff_mode=bool(internal.get("diff")),
        verbosity=int(internal.get("verbosity") or 0),
        _checker=checker,
    )


def _as_modules_see_them(name: str, options: Mapping[str, Spec], params: Mapping[str, Any]) -> dict[str, Any]:
    """The values as a module's code takes them: choices are written as the specification lists them.

    Ansible.Basic keeps a choice as typed, and `-eq`, `switch`, enumerations and hashtables of PowerShell
    ignore its case; a twin need not. An explicit null where the code counts on a value is not modelled.
    """
    result: dict[str, Any] = {}
    for key, value in params.items():
        option = options.get(key)
        counted_on = option and (option.required or (option.default is not None and option.type != "bool"))
        if value is None and counted_on:
            raise NotModelled(f"{name} with {key}: null", "Leave the option out or give it a value.")
        result[key] = value if option is None else _as_listed(name, option, value)
    return result


def _refuse_what_slips_through(name: str, spec: Spec, params: Mapping[str, Any]) -> None:
    """`required_if` heeds case (Ansible.Basic.cs, CheckRequiredIf), the module's code behind it does not."""
    for option, wanted, needs, *one_is_enough in spec.required_if:
        typed, needed = params.get(option), needs if isinstance(needs, list) else [needs]
        if not isinstance(typed, str) or typed == wanted:
            continue
        missing = [other for other in needed if params.get(other) is None]
        refused = len(missing) >= (len(needed) if any(one_is_enough) else 1)
        if refused and typed.casefold() == dotnet_string(wanted).casefold():
            raise NotModelled(
                f"{name} with {option}: {typed} and without {', '.join(missing)}",
                f"Written {wanted}, it is refused.",
            )


def _as_listed(name: str, option: Spec, value: Any) -> Any:
    if isinstance(value, list):
        return [_as_listed(name, option, item) for item in value]
    if option.options and isinstance(value, Mapping):
        return _as_modules_see_them(name, option.options, value)
    if option.choices and isinstance(value, str):
        listed = {dotnet_string(choice).casefold(): choice for choice in option.choices}
        return listed.get(value.casefold(), value)
    return value


def _legacy(script: Script, given: Mapping[str, Any]) -> Checked:
    """Parse-Args of Ansible.ModuleUtils.Legacy.psm1."""
    check_mode = bool(to_bool(given.get("_ansible_check_mode", False)))
    if check_mode and not _LEGACY_CHECK_MODE.search(script.text):
        result = {"skipped": True, "changed": False, "msg": "remote module does not support check mode"}
        raise Finished(result, 0)
    return Checked(
        params={key: value for key, value in given.items() if not key.startswith(_INTERNAL)},
        check_mode=check_mode,
        diff_mode=bool(to_bool(given.get("_ansible_diff", False))),
        verbosity=int(given.get("_ansible_verbosity") or 0),
    )


def _with_any_option(spec: Spec, given: Mapping[str, Any]) -> Spec:
    known = {option.casefold() for option in spec.options}
    extra = {
        key: Spec(type="raw") for key in given if not key.startswith("_") and key.casefold() not in known
    }
    return replace(spec, options={**spec.options, **extra})


def _unhandled(text: str, script: Script) -> dict[str, Any]:
    """What module_wrapper.ps1 prints for an exception of `AnsibleModule::Create`."""
    count = 3 if has_fragments(script.text) else 2
    msg = f'Exception calling "Create" with "{count}" argument(s): "{text}"'
    return {"failed": True, "msg": f"Unhandled exception while executing module: {msg}", "exception": msg}


def _invocation(checker: Checker) -> dict[str, Any]:
    internal = {f"{_INTERNAL}{name}" for name in PASS_VARIABLES}
    shown = {key: value for key, value in checker.params.items() if key not in internal}
    return {"module_args": checker.mask(shown)}
