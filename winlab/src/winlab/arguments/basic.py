"""Ansible.Basic's argument check, restated from Ansible.Basic.cs of ansible-core 2.19: same order and words.

The real checks walk .NET hash tables; where several options are at fault at once, the order of their names
in the
message is that of the specification here and arbitrary there.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Protocol

from winlab.arguments.conversions import (
    CONVERTERS,
    NULL_REFERENCE,
    ConversionError,
    Folded,
    dotnet_type,
    to_bool,
    to_dict,
    to_int,
)
from winlab.arguments.powershell import dotnet_string
from winlab.arguments.specs import DELEGATES, Spec
from winlab.errors import Win32Error

HIDDEN = "VALUE_SPECIFIED_IN_NO_LOG_PARAMETER"
# passVars of Ansible.Basic.cs; anything else that starts with _ansible_ is an unsupported parameter.
PASS_VARIABLES = (
    "check_mode",
    "debug",
    "diff",
    "keep_remote_files",
    "ignore_unknown_opts",
    "module_name",
    "no_log",
    "remote_tmp",
    "selinux_special_fs",
    "shell_executable",
    "socket",
    "syslog_facility",
    "target_log_info",
    "tracebacks_for",
    "tmpdir",
    "verbosity",
    "version",
)
_PASS_BOOLS = ("check_mode", "debug", "diff", "keep_remote_files", "ignore_unknown_opts", "no_log")
# Path.GetInvalidPathChars of .NET Framework.
_INVALID_IN_PATH = frozenset('"<>|') | {chr(code) for code in range(32)}


class Resolver(Protocol):
    """What some option types ask the host."""

    def expand(self, text: str) -> str:
        """Environment variables replaced."""

    def sid(self, name: str) -> str:
        """The SID of an account; raises Win32Error when there is none."""


class Refused(Exception):  # noqa: N818  (named after what it says, as in errors.py)
    """FailJson or ExitJson of the real class.

    Args:
        msg: the message.
        skipped: check mode is not supported; no failure.
    """

    def __init__(self, msg: str, skipped: bool = False) -> None:
        super().__init__(msg)
        self.msg = msg
        self.skipped = skipped


class Unhandled(Exception):  # noqa: N818  (named after what it says, as in errors.py)
    """An exception that the real class lets out of its constructor; nothing but its text is reported."""


class Checker:
    """One check of one module's arguments.

    Args:
        spec: the module's specification.
        arguments: what the user typed and Ansible's own `_ansible_*` values; not changed.
        resolver: for paths and SIDs.

    Attributes:
        params: the arguments, filled in as far as the check came.
        internal: Ansible's own values that the class reads, without prefix.
        secrets: values of no_log options, in the order of the specification.
        deprecations: what Deprecate has noted.
    """

    def __init__(self, spec: Spec, arguments: Mapping[str, Any], resolver: Resolver) -> None:
        self._spec = spec
        self._resolver = resolver
        self._context: list[str] = []
        self.params: dict[str, Any] = Folded(arguments)
        self.internal: dict[str, Any] = {"module_name": "undefined win module"}
        self.secrets: list[str] = []
        self.deprecations: list[dict[str, Any]] = []

    def check(self) -> None:
        """Check and convert everything.

        Raises:
            Refused: with the message that the real class gives.
            Unhandled: where the real class throws.
        """
        aliases = self._aliases(self._spec, self.params)
        self._note_secrets(self._spec, self.params)
        legal = [*(f"_ansible_{name}" for name in PASS_VARIABLES), *self._spec.options, *aliases]
        self._arguments(self._spec, self.params, legal)

    @property
    def check_mode(self) -> bool:
        """Whether nothing may be changed."""
        return bool(self.internal.get("check_mode"))

    def mask(self, value: Any) -> Any:
        """RemoveNoLogValues: secrets replaced wherever they are."""
        if not self.secrets or value is None:
            return value
        if isinstance(value, Mapping):
            return {key: self.mask(item) for key, item in value.items()}
        if isinstance(value, list | tuple):
            return [self.mask(item) for item in value]
        text = dotnet_string(value)
        if text in self.secrets:
            return HIDDEN
        for secret in self.secrets:
            if secret in text:
                # The real class goes no further than the first secret that it finds in a text.
                return text.replace(secret, "*" * 8) if isinstance(value, str) else HIDDEN
        return value

    # The checks, in their order --------------------------------------------------------------------

    def _arguments(self, spec: Spec, params: dict[str, Any], legal: list[str]) -> None:
        self._unsupported(params, legal)
        if self.check_mode and not self._spec.supports_check_mode and not self._context:
            raise Refused(
                f"remote module ({self.internal['module_name']}) does not support check mode", skipped=True
            )
        for names in spec.mutually_exclusive:
            if sum(name in params for name in names) > 1:
                self._fail(f"parameters are mutually exclusive: {', '.join(names)}")
        self._required(spec, params)
        for name, option in spec.options.items():
            if params.get(name) is not None:
                params[name] = self._converted(name, option, params[name])
                self._check_choices(name, option, params[name])
        for names in spec.required_together:
            present = [name in params for name in names]
            if any(present) and not all(present):
                self._fail(f"parameters are required together: {', '.join(names)}")
        for names in spec.required_one_of:
            if not any(name in params for name in names):
                self._fail(f"one of the following is required: {', '.join(names)}")
        self._required_if(spec, params)
        for name, wanted in spec.required_by.items():
            missing = [other for other in wanted if other not in params]
            if name in params and missing:
                self._fail(f"missing parameter(s) required by '{name}': {', '.join(missing)}")
        for name, option in spec.options.items():
            params.setdefault(name, None)
            params[name] = self._sub_options(name, option, params[name])

    def _aliases(self, spec: Spec, params: dict[str, Any]) -> list[str]:
        found = []
        for name, option in spec.options.items():
            for alias in option.aliases:
                found.append(alias)
                if alias in params:
                    params[name] = params[alias]
            for deprecated in option.deprecated_aliases:
                alias = str(deprecated.get("name"))
                if alias in params:
                    msg = f"Alias '{alias}' is deprecated. See the module docs for more information"
                    self.deprecations.append(
                        {
                            "msg": self._in_context(msg, " - "),
                            "version": deprecated.get("version"),
                            "collection_name": deprecated.get("collection_name"),
                        }
                    )
        return found

    def _note_secrets(self, spec: Spec, params: Mapping[str, Any]) -> None:
        for name, option in spec.options.items():
            value = params.get(name)
            if option.no_log and value is not None and dotnet_string(value):
                self.secrets.append(dotnet_string(value))
            if option.removed_in_version is not None and name in params:
                msg = f"Param '{name}' is deprecated. See the module docs for more information"
                self.deprecations.append(
                    {
                        "msg": msg,
                        "version": str(option.removed_in_version),
                        "collection_name": option.removed_from_collection,
                    }
                )

    def _unsupported(self, params: dict[str, Any], legal: list[str]) -> None:
        folded = {name.casefold(): name for name in reversed(legal)}
        unknown: list[str] = []
        misspelt: list[tuple[str, str]] = []
        for key in list(params):
            known = folded.get(key.casefold())
            if known is None:
                unknown.append(key)
            elif key not in legal:
                misspelt.append((key, known))
            elif key.startswith("_ansible_"):
                self._take_internal(key.removeprefix("_ansible_"), params.pop(key))
        if unknown and not self.internal.get("ignore_unknown_opts"):
            supported = [name for name in legal if name.replace("_ansible_", "") not in PASS_VARIABLES]
            msg = f"Unsupported parameters for ({self.internal['module_name']}) module: {', '.join(unknown)}"
            raise Refused(f"{self._in_context(msg)}. Supported parameters include: {', '.join(supported)}")
        for key, known in misspelt:
            value = params.pop(key)
            params[known] = value

    def _take_internal(self, name: str, value: Any) -> None:
        if name in _PASS_BOOLS:
            value = to_bool(value)
        elif name == "verbosity":
            value = to_int(value)
        self.internal[name] = value

    def _required(self, spec: Spec, params: dict[str, Any]) -> None:
        missing = []
        for name, option in spec.options.items():
            if option.default is not None and name not in params:
                params[name] = option.default
            if option.required and name not in params:
                missing.append(name)
        if missing:
            self._fail(f"missing required arguments: {', '.join(missing)}")

    def _required_if(self, spec: Spec, params: Mapping[str, Any]) -> None:
        for check in spec.required_if:
            name, wanted, needs = check[0], check[1], check[2]
            one_is_enough = bool(check[3]) if len(check) > 3 else False
            value = params.get(name)
            if value is None or dotnet_string(value) != dotnet_string(wanted):
                continue
            needs = needs if isinstance(needs, list) else [needs]
            missing = [other for other in needs if other not in params]
            if len(missing) >= (len(needs) if one_is_enough else 1):
                term = "any" if one_is_enough else "all"
                self._fail(
                    f"{name} is {dotnet_string(wanted)} but {term} of the following are missing: "
                    f"{', '.join(missing)}"
                )

    def _converted(self, name: str, option: Spec, value: Any) -> Any:
        try:
            converted = self._convert(option.type, value)
        except ConversionError as error:
            kind = "delegate" if option.type in DELEGATES else option.type
            self._fail(
                f"argument for {name} is of type {dotnet_type(value)} and we were unable to convert "
                f"to {kind}: {error}"
            )
        return converted

    def _check_choices(self, name: str, option: Spec, converted: Any) -> None:
        choices = [dotnet_string(choice) for choice in option.choices]
        if choices:
            if option.type == "list" and None in converted:
                raise Unhandled(NULL_REFERENCE)
            values = [dotnet_string(v) for v in (converted if option.type == "list" else [converted])]
            allowed = {choice.casefold() for choice in choices}
            wrong = list(dict.fromkeys(v for v in values if v.casefold() not in allowed))
            if wrong:
                term = "one or more of" if option.type == "list" else "one of"
                self._fail(
                    f"value of {name} must be {term}: {', '.join(choices)}. Got no match for: "
                    f"{', '.join(wrong)}"
                )

    def _sub_options(self, name: str, option: Spec, value: Any) -> Any:
        if option.type == "dict":
            return self._sub_spec(name, option, value)
        if option.type != "list" or option.elements is None or value is None:
            return value
        if option.elements == "dict":
            return [self._sub_spec(name, option, element) for element in value]
        result = []
        for element in value:
            try:
                result.append(self._convert(option.elements, element))
            except ConversionError:
                if element is None:
                    raise Unhandled(NULL_REFERENCE) from None
                # The real class reports the wrapping TargetInvocationException here, not its cause.
                self._fail(
                    f"argument for list entry {name} is of type {dotnet_type(element)} and we were "
                    "unable to convert "
                    f"to {option.elements}: Exception has been thrown by the target of an invocation."
                )
        return result

    def _sub_spec(self, name: str, option: Spec, value: Any) -> Any:
        if option.apply_defaults and option.options and value is None:
            value = {}
        elif not option.options or value is None:
            return value
        self._context.append(name)
        try:
            # A converted option is changed where it is, so that a failure shows how far the check came.
            params = value if isinstance(value, Folded) else to_dict(value)
        except ConversionError as error:
            raise Unhandled(str(error)) from None
        aliases = self._aliases(option, params)
        self._note_secrets(option, params)
        self._arguments(option, params, [*option.options, *aliases])
        self._context.pop()
        return params

    def _convert(self, kind: str, value: Any) -> Any:
        if value is None and kind not in ("raw", "list"):
            raise ConversionError(NULL_REFERENCE)
        if kind == "path":
            return self._path(value)
        if kind == "sid":
            return self._sid(value)
        return CONVERTERS[kind](value)

    def _path(self, value: Any) -> str:
        text = dotnet_string(value)
        if text.startswith("\\\\?\\"):
            return text
        text = self._resolver.expand(text)
        if _INVALID_IN_PATH & set(text):
            raise ConversionError("string value contains invalid path characters, cannot convert to path")
        if not text.strip():
            raise ConversionError("The path is not of a legal form.")
        if ":" in text[2:]:
            raise ConversionError("The given path's format is not supported.")
        return text

    def _sid(self, value: Any) -> str:
        text = dotnet_string(value)
        if re.fullmatch(r"S-1-\d+(-\d+){0,15}", text, re.IGNORECASE):
            return text.upper()
        try:
            return self._resolver.sid(text)
        except Win32Error:
            raise ConversionError("Some or all identity references could not be translated.") from None

    def _fail(self, msg: str) -> None:
        raise Refused(self._in_context(msg))

    def _in_context(self, msg: str, prefix: str = " ") -> str:
        return f"{msg}{prefix}found in {' -> '.join(self._context)}" if self._context else msg
