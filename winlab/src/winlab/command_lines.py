r"""Windows command lines: one string, cut into arguments by each program itself.

Sources: Microsoft's page "CommandLineToArgvW"; the escaping is that of `ConvertTo-EscapedArgument` in
ansible.windows' `module_utils/Process.psm1`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

_NEEDS_QUOTES = re.compile(r'[\s"]')
_BACKSLASHES_BEFORE_QUOTE = re.compile(r'(\\+)\\"')
_TRAILING_BACKSLASHES = re.compile(r"(\\+)$")


def split(command_line: str) -> list[str]:
    """Cut a command line as CommandLineToArgvW does; the first part follows the rule for program names."""
    text = command_line.lstrip(" \t")
    if not text:
        return []
    # The program's name knows no backslash escapes: quotes only switch blanks on and off.
    first, rest = _program_name(text)
    return [first, *_arguments(rest)]


def _program_name(text: str) -> tuple[str, str]:
    if text.startswith('"'):
        name, _, rest = text[1:].partition('"')
        return name, rest
    match = re.match(r"[^ \t]*", text)
    end = match.end() if match else 0
    return text[:end], text[end:]


def _arguments(text: str) -> list[str]:
    arguments: list[str] = []
    current: list[str] = []
    in_quotes = started = False
    position = 0
    while position < len(text):
        character = text[position]
        if character == "\\":
            run = len(text) - position - len(text[position:].lstrip("\\"))
            position += run
            quote_follows = position < len(text) and text[position] == '"'
            current.append("\\" * (run // 2 if quote_follows else run))
            started = True
            if quote_follows and run % 2:
                current.append('"')
                position += 1
            continue
        if character == '"':
            started = True
            # Two quotes inside quotes are one quote.
            if in_quotes and text[position + 1 : position + 2] == '"':
                current.append('"')
                position += 1
            else:
                in_quotes = not in_quotes
        elif character in " \t" and not in_quotes:
            if started:
                arguments.append("".join(current))
            current, started = [], False
        else:
            current.append(character)
            started = True
        position += 1
    if started:
        arguments.append("".join(current))
    return arguments


def quote(argument: str) -> str:
    """One argument, escaped so that `split` gives it back."""
    if not argument:
        return '""'
    if not _NEEDS_QUOTES.search(argument):
        return argument
    escaped = argument.replace('"', '\\"')
    escaped = _BACKSLASHES_BEFORE_QUOTE.sub(lambda match: match[1] * 2 + '\\"', escaped)
    escaped = _TRAILING_BACKSLASHES.sub(lambda match: match[1] * 2, escaped)
    return f'"{escaped}"'


def join(arguments: Iterable[str]) -> str:
    """Several arguments as one command line."""
    return " ".join(quote(argument) for argument in arguments)
