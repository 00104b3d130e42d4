"""The command line of msiexec.exe.

Source: Microsoft's pages "Command-Line Options", "Standard Installer Command-Line Options" and "Setting
Public Property Values on the Command Line": names are taken as upper case, a value with blanks stands in
quotation marks, a quotation mark in it is doubled. The text is read by msiexec itself, so the rules of
CommandLineToArgvW do not apply.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

# "Standard Installer Command-Line Options": /q without a letter is /qn; letters n, b, r, f and the suffixes +
# - !.
_UI_LEVEL = re.compile(r"q(?P<level>[nbrf]?)[+!-]*", re.IGNORECASE)
_LOG_FLAGS = re.compile(r"l(?P<flags>[iwearucmopvx*+!]*)", re.IGNORECASE)
_ACTION = re.compile(r"(?P<letter>[ixp])(?P<rest>.*)", re.IGNORECASE | re.DOTALL)
_PROPERTY = re.compile(r"(?P<name>[A-Za-z_][A-Za-z0-9_.]*)=(?P<value>.*)", re.DOTALL)
_PRODUCT_CODE = re.compile(r"\{[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}\}")
_LONG_ACTIONS = {"package": "install", "uninstall": "uninstall", "update": "patch"}
_SHORT_ACTIONS = {"i": "install", "x": "uninstall", "p": "patch"}
# Real options that nothing here imitates: repair, administrative install, advertising, and their companions.
_NOT_IMITATED = re.compile(
    r"(f[omusecvap]*|a|j[um]?|t|g|c|y|z|m|n|regserver|unregserver|help|\?|h)", re.IGNORECASE
)
DEFAULT_LOG_FLAGS = "iwearmo"


class BadCommandLineError(Exception):
    """msiexec shows its help and ends with 1639."""


class UnknownOptionError(Exception):
    """A real option that is not imitated."""


@dataclass(frozen=True)
class MsiCommand:
    """What msiexec is asked to do.

    Attributes:
        action: `install`, `uninstall` or `patch`.
        target: a package's path or a product code.
        ui: `n`, `b`, `r` or `f`.
        log: path of the log, or empty.
        log_flags: letters of `/L`, lower case, `*` and `v` included.
        restart: `ask` (the default), `never` or `always`.
        properties: public properties in upper case.
    """

    action: str
    target: str
    ui: str = "f"
    log: str = ""
    log_flags: str = ""
    restart: str = "ask"
    properties: Mapping[str, str] = field(default_factory=dict)

    @property
    def by_code(self) -> bool:
        """Whether the target is a product code."""
        return bool(_PRODUCT_CODE.fullmatch(self.target))


def tokens(command_line: str) -> Iterator[str]:
    """Cut a command line (without the program) at blanks outside quotes; `""` in quotes is one mark."""
    text = command_line.strip()
    position = 0
    while position < len(text):
        if text[position].isspace():
            position += 1
            continue
        piece: list[str] = []
        quoted = False
        while position < len(text) and (quoted or not text[position].isspace()):
            character = text[position]
            if character != '"':
                piece.append(character)
            elif quoted and text[position + 1 : position + 2] == '"':
                piece.append('"')
                position += 1
            else:
                quoted = not quoted
            position += 1
        if quoted:
            raise BadCommandLineError("a quotation mark is not closed")
        yield "".join(piece)


def without_program(command_line: str) -> str:
    """The command line without the name of the program."""
    text = command_line.lstrip()
    if text.startswith('"'):
        return text[1:].partition('"')[2]
    parts = text.split(None, 1)
    return parts[1] if len(parts) > 1 else ""


def parse(command_line: str) -> MsiCommand:
    """Read the command line that follows the program's name.

    Raises:
        BadCommandLineError: as msiexec refuses it.
        UnknownOptionError: a real option that is not imitated.
    """
    found: dict[str, str] = {}
    properties: dict[str, str] = {}
    words = tokens(command_line)
    for word in words:
        if word[:1] in "/-" and word:
            _option(word[1:], words, found)
            continue
        match = _PROPERTY.fullmatch(word)
        if match is None:
            raise BadCommandLineError(f"{word!r} is no option and no PROPERTY=value")
        properties[match["name"].upper()] = match["value"]
    if "action" not in found:
        raise BadCommandLineError("none of /i, /x, /p")
    if properties.get("REMOVE", "").upper() == "ALL" and found["action"] == "install":
        found["action"] = "uninstall"
    return MsiCommand(**found, properties=properties)


def _option(option: str, words: Iterator[str], found: dict[str, str]) -> None:
    lowered = option.lower()
    if lowered in _LONG_ACTIONS:
        _set_action(found, _LONG_ACTIONS[lowered], _argument(words, option))
    elif lowered in ("quiet", "passive"):
        found["ui"] = "n" if lowered == "quiet" else "b"
    elif lowered in ("norestart", "promptrestart", "forcerestart"):
        found["restart"] = {"norestart": "never", "promptrestart": "ask", "forcerestart": "always"}[lowered]
    elif lowered == "log":
        found["log"], found["log_flags"] = _argument(words, option), "*"
    elif match := _UI_LEVEL.fullmatch(option):
        found["ui"] = (match["level"] or "n").lower()
    elif match := _LOG_FLAGS.fullmatch(option):
        found["log"] = _argument(words, option)
        found["log_flags"] = match["flags"].lower() or DEFAULT_LOG_FLAGS
    elif _NOT_IMITATED.fullmatch(option):
        raise UnknownOptionError(f"/{option}")
    elif match := _ACTION.fullmatch(option):
        target = match["rest"] or _argument(words, option)
        _set_action(found, _SHORT_ACTIONS[match["letter"].lower()], target)
    else:
        raise BadCommandLineError(f"unknown option /{option}")


def _set_action(found: dict[str, str], action: str, target: str) -> None:
    if "action" in found:
        raise BadCommandLineError("more than one of /i, /x, /p")
    found["action"], found["target"] = action, target


def _argument(words: Iterator[str], option: str) -> str:
    word = next(words, "")
    if not word:
        raise BadCommandLineError(f"/{option} without its argument")
    return word
