"""Arguments of the older modules: `Get-AnsibleParam` of Ansible.ModuleUtils.Legacy.psm1 (ansible-core 2.19).

These modules ignore options that they do not know and check only what each call asks for.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from winlab.arguments.powershell import as_float, as_int, dotnet_string, equals, interpolated
from winlab.errors import ModuleFailure, NotModelled

if TYPE_CHECKING:
    from winlab.modules import Call

# ConvertTo-Bool: everything else, typing errors included, is false.
_TRUE_TEXTS = frozenset({"yes", "on", "1", "true"})
# Characters that `Test-Path -IsValid` refuses in a file system path.
_INVALID_IN_PATH = frozenset('<>|"') | {chr(code) for code in range(32)}
_MISSING: Any = object()


def param(
    call: Call,
    name: str,
    *,
    type: str | None = None,
    default: Any = None,
    failifempty: bool = False,
    validateset: Sequence[Any] | None = None,
    aliases: Sequence[str] = (),
    result: Mapping[str, Any] | None = None,
    empty_message: str | None = None,
    validateset_message: str | None = None,
) -> Any:
    """The value of an option, as `Get-AnsibleParam` gives it to the module.

    Args:
        call: the invocation; its raw arguments are read.
        name: the option.
        type: `str`, `path`, `bool`, `int`, `float`, `list` or None for no conversion.
        default: used when the option is absent (an explicit null stays null).
        failifempty: whether an absent option ends the module.
        validateset: the allowed values, compared without regard to case.
        aliases: other names of the option.
        result: keys that the module reports with its failure (`-resultobj`).
        empty_message: text instead of the usual one for an absent option.
        validateset_message: text instead of the usual one for a value that is not allowed.

    Raises:
        ModuleFailure: with the text that the real function gives.
        NotModelled: an explicit null where the module counts on a text; what follows there differs by module.
    """
    keys = result or {}
    found, value = _find(call.raw, (name, *aliases))
    if found is None:
        if failifempty:
            raise ModuleFailure(
                empty_message or f"Get-AnsibleParam: Missing required argument: {name}", **keys
            )
        value = default
    else:
        name = found
        if validateset and not any(equals(allowed, value) for allowed in validateset):
            listed = ",".join(interpolated(allowed) for allowed in validateset)
            raise ModuleFailure(
                validateset_message
                or (
                    f"Get-AnsibleParam: Argument {name} needs to be one of {listed} but was "
                    f"{interpolated(value)}."
                ),
                **keys,
            )
    if value is None and found is not None and (failifempty or isinstance(default, str)):
        raise NotModelled(f"{call.name} with {name}: null", "Leave the option out or give it a value.")
    return None if value is None else _convert(call, name, value, type, keys)


def to_bool(value: Any) -> Any:
    """`$value | ConvertTo-Bool`; a list gives a list, as a pipeline does."""
    if isinstance(value, list):
        values = [to_bool(item) for item in value]
        return values[0] if len(values) == 1 else values or None
    return value is True or interpolated(value).lower() in _TRUE_TEXTS


def _find(arguments: Mapping[str, Any], wanted: Sequence[str]) -> tuple[str | None, Any]:
    folded = {key.casefold(): value for key, value in arguments.items()}
    for name in wanted:
        value = folded.get(name.casefold(), _MISSING)
        if value is not _MISSING:
            return name, value
    return None, None


def _convert(call: Call, name: str, value: Any, kind: str | None, keys: Mapping[str, Any]) -> Any:
    if kind == "path":
        return _path(call, name, value, keys)
    if kind == "list":
        return _list(name, value, keys)
    converter = _CONVERTERS.get(kind or "")
    return converter(value) if converter else value


def _path(call: Call, name: str, value: Any, keys: Mapping[str, Any]) -> str:
    text = call.expand(interpolated(value))
    # `Test-Path -IsValid` also refuses an empty path and a second colon.
    if not text or _INVALID_IN_PATH & set(text) or ":" in text[2:]:
        raise ModuleFailure(
            f"Get-AnsibleParam: Parameter '{name}' has an invalid path '{text}' specified.", **keys
        )
    return text


def _list(name: str, value: Any, keys: Mapping[str, Any]) -> list[Any]:
    if isinstance(value, list):
        return value
    if isinstance(value, str):
        return [part.strip() for part in value.split(",")]
    if isinstance(value, int) and not isinstance(value, bool):
        return [value]
    raise ModuleFailure(f"Get-AnsibleParam: Parameter '{name}' is not a YAML list.", **keys)


_CONVERTERS: Mapping[str, Callable[[Any], Any]] = {
    "str": dotnet_string,
    "bool": to_bool,
    "int": as_int,
    "float": as_float,
}
