"""Command lines for Windows Installer, and what its failures mean."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from mim2ecma.documents.errors import UsageError
from mim2ecma.documents.printable import printable

_PUBLIC_PROPERTY = re.compile(r"[A-Z_][A-Z0-9_.]*\Z")
_LOG_LINES = 4
_LINE_LENGTH = 300
_HIDDEN = "********"
_MINIMUM_SECRET = 4
"""Shorter texts would blank out half of a log; a password policy asks for more anyway."""

# Windows Installer error codes (domain/mim_sync.md 1.4; general Windows).
_EXIT_CODES = {
    1602: ("was cancelled", "Look whether somebody or a policy ended it, and run again."),
    1603: (
        "failed",
        "Read the lines above `Return value 3` in the log; for MIM, most often SQL rights (25009).",
    ),
    1612: ("did not find its source", "Give the whole component folder, not the package alone."),
    1618: ("found another installation running", "Wait until that one has ended and run again."),
    1619: ("could not open the package", "Check that the copied file is whole and not blocked."),
    1620: (
        "did not take the file for a package",
        "Check that it is the MSI and not a web page saved under its name.",
    ),
    1625: ("was forbidden by policy", "Ask for an exemption from the software restriction policy."),
    1633: ("does not run on this processor", "Use the x64 package."),
    1638: ("found another version installed", "Remove that version, or leave the installed one as it is."),
    1639: ("did not understand its command line", "Check the extra properties for blanks and quotes."),
    1641: ("started a restart", "Add 1641 to what is expected only where a restart is allowed."),
}


def arguments(properties: Mapping[str, Any]) -> str:
    """Write public properties for the command line of msiexec.

    Values are always quoted and quotation marks doubled, as Windows Installer documents; the list form of
    Ansible's argument quoting would put the quotes around name and value, which msiexec reads differently.

    Args:
        properties: Name to value, in the order wanted; `None` leaves one out.

    Returns:
        For example `STORESERVER="localhost" SQLDB="FIMSynchronizationService"`.

    Raises:
        UsageError: A name is no public property, or a value holds a line break or NUL.
    """
    parts = []
    for name, value in properties.items():
        if value is None:
            continue
        if not _PUBLIC_PROPERTY.match(name):
            raise UsageError(
                source="msi_arguments",
                where=name,
                found="a name with other characters",
                expected="a public property: capital letters, digits, _ and . only",
                next_step="Private properties cannot be set from a command line; use a transform.",
            )
        text = str(value)
        if any(character in text for character in "\r\n\0"):
            raise UsageError(
                source="msi_arguments",
                where=name,
                found="a value with a line break or NUL",
                expected="text on one line",
                next_step="Correct the value of this property.",
            )
        parts.append('{}="{}"'.format(name, text.replace('"', '""')))
    return " ".join(parts)


def scrub(text: str, secrets: Iterable[str]) -> str:
    """Replace every secret in a text, however it is quoted.

    Args:
        text: For example a log of Windows Installer.
        secrets: Values that must not be seen.

    Returns:
        The text with asterisks in their places.
    """
    for secret in sorted({entry for entry in secrets if entry}, key=len, reverse=True):
        for form in (secret, secret.replace('"', '""')):
            if len(form) >= _MINIMUM_SECRET:
                text = text.replace(form, _HIDDEN)
    return re.sub(
        r"(?i)((?:PASSWORD|SECRET)\w*\s*=\s*)(\"(?:[^\"]|\"\")*\"|'[^']*'|[^\s;,]+)", rf"\1{_HIDDEN}", text
    )


def log_excerpt(log: str) -> list[str]:
    """Find the lines of a verbose log that tell why it failed.

    Args:
        log: The whole log.

    Returns:
        Lines with `-- Error`, else the ones before the first `Return value 3` (domain/mim_sync.md 1.4),
        else the last ones; at most a handful, cut.
    """
    lines = [line.strip() for line in log.splitlines() if line.strip()]
    errors = [line for line in lines if re.search(r"-- Error \d+|\bError \d{4,5}\b", line)]
    if not errors:
        stop = next((index for index, line in enumerate(lines) if "Return value 3" in line), len(lines))
        errors = lines[max(0, stop - _LOG_LINES) : stop]
    return [printable(line, _LINE_LENGTH) for line in dict.fromkeys(errors)][:_LOG_LINES]


def advice(result: Mapping[str, Any], host: str, package: str, secrets: Iterable[str]) -> str:
    """Say why an installation failed, without any secret.

    Args:
        result: Failed result of `ansible.windows.win_package`: `rc`, `log`, `msg`, `stdout`.
        host: Inventory name.
        package: File name of the installer.
        secrets: Values that were on the command line.

    Returns:
        `<host>: <package>: <found>; expected exit code 0 or 3010. <next step>`
    """
    hidden = list(secrets)
    code = result.get("rc")
    if not isinstance(code, int) or code == 0:
        text = printable(scrub(str(result.get("msg", "no text")), hidden), _LINE_LENGTH)
        expected = "expected exit code 0 or 3010. Check the path and the file on the host."
        return f"{host}: {package}: {text}; {expected}"
    phrase, next_step = _EXIT_CODES.get(code, ("ended", "Look the code up with `net helpmsg`."))
    excerpt = log_excerpt(scrub(str(result.get("log") or result.get("stdout") or ""), hidden))
    told = f" ({' | '.join(excerpt)})" if excerpt else ""
    return f"{host}: {package}: setup {phrase} with {code}{told}; expected exit code 0 or 3010. {next_step}"
