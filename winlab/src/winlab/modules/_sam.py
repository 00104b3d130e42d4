r"""What the account modules share: how .NET and ADSI resolve names and report failures.

Sources: Ansible.ModuleUtils.SID.psm1 (ansible-core 2.19), win_user_right.ps1 (ansible.windows 3.3.0, lines
190-267); texts of mscorlib's English resources and of `net helpmsg`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from winlab.errors import ModuleFailure, Win32Error
from winlab.host.accounts import Accounts
from winlab.host.sids import is_sid
from winlab.modules import Call
from winlab.modules._dotnet import DotNetError, invocation_text

NOT_TRANSLATED = "Some or all identity references could not be translated."
TRANSLATE_FAILED = invocation_text("Translate", 1, NOT_TRANSLATED)
ERROR_ACCESS_DENIED = 5

# Messages that `net helpmsg` gives where the Win32 code is not in `winlab.errors`.
_MESSAGES = {
    1316: "The specified account already exists",
    1317: "The specified account does not exist",
    1371: "Cannot perform this operation on built-in accounts",
    1376: "The specified local group does not exist",
    1377: "The specified account name is not a member of the group",
    1379: "The specified local group already exists",
    1388: "A new member could not be added to a local group because the member has the wrong account type",
    2202: "The specified username is invalid",
    2245: "The password does not meet the password policy requirements. Check the minimum password length, "
    "password complexity and password history requirements",
}


def system_text(error: Win32Error) -> str:
    """The system's text as COM passes it on, with its full stop and line break."""
    return f"{_MESSAGES.get(error.code, error.message)}.\r\n"


@contextmanager
def adsi(method: str, count: int) -> Iterator[None]:
    """Give failures inside the block the text that PowerShell makes of a failed ADSI method."""
    try:
        yield
    except DotNetError:
        raise
    except Win32Error as error:
        raise DotNetError(error.code, "", invocation_text(method, count, system_text(error))) from error


def require_administrator(call: Call) -> None:
    """Refuse as SAM does when somebody else wants to change something.

    Raises:
        Win32Error: 5.
    """
    if not call.session.is_admin:
        raise Win32Error(ERROR_ACCESS_DENIED)


def translate(call: Call, name: str) -> str:
    r"""`NTAccount.Translate`: the SID of a name; a `.` as domain is the machine.

    Raises:
        Win32Error: 1332.
    """
    if is_sid(name):
        return name.upper()
    domain, separator, rest = name.partition("\\")
    if separator and domain == ".":
        name = f"{call.host.computer_name}\\{rest}"
    return call.host.accounts.resolve(name).sid


def translate_account_or_group(call: Call, name: str) -> str:
    """The same, but a local group may be given with the machine's name (SID.psm1, win_user_right.ps1)."""
    domain, separator, rest = name.partition("\\")
    own = separator and domain.upper() in (".", call.host.computer_name)
    if own and call.host.accounts.group(rest) is not None:
        name = rest
    return translate(call, name)


def convert_to_sid(call: Call, name: str) -> str:
    """`Convert-ToSID` of Ansible.ModuleUtils.SID.psm1.

    Raises:
        ModuleFailure: nobody has that name.
    """
    try:
        return translate_account_or_group(call, name)
    except Win32Error as error:
        raise ModuleFailure(
            f"account_name {name} is not a valid account, cannot get SID: {TRANSLATE_FAILED}"
        ) from error


def convert_from_sid(accounts: Accounts, sid: str) -> str:
    """`Convert-FromSID` of Ansible.ModuleUtils.SID.psm1.

    Raises:
        ModuleFailure: nobody has that SID.
    """
    try:
        return accounts.resolve(sid).account
    except Win32Error as error:
        raise ModuleFailure(f"failed to convert sid '{sid}' to a logon name: {TRANSLATE_FAILED}") from error


def unique(items: Iterable[str]) -> list[str]:
    """Each item once, in the order of its first appearance, as a .NET set keeps them."""
    return list(dict.fromkeys(items))


def except_from(items: Iterable[str], others: Iterable[str]) -> list[str]:
    """`Enumerable.Except`."""
    gone = set(others)
    return [item for item in unique(items) if item not in gone]


def intersect(items: Iterable[str], others: Iterable[str]) -> list[str]:
    """`Enumerable.Intersect`."""
    kept = set(others)
    return [item for item in unique(items) if item in kept]
