"""Account names as the modules turn them into SIDs."""

from __future__ import annotations

from winlab.errors import Win32Error
from winlab.host import sids
from winlab.modules import Call
from winlab.modules._dotnet import DotNetError, invocation_text

# `IdentityNotMappedException`.
_NOT_MAPPED = "Some or all identity references could not be translated."
_ERROR_NONE_MAPPED = 1332


def translate(call: Call, name: str) -> str:
    r"""Return the SID of an account name or of a SID in text form.

    A local group is also found by ``.\name`` and ``HOST\name``, which Windows itself does not do: see
    module_utils/_SecurityIdentifier.psm1 and Ansible.ModuleUtils.SID.psm1.

    Raises:
        DotNetError: no such account, in the words of `NTAccount.Translate`.
    """
    if sids.is_sid(name):
        return name.upper()
    accounts = call.host.accounts
    domain, slash, account = name.partition("\\")
    if slash and domain.upper() in {".", call.host.computer_name.upper()} and accounts.group(account):
        name = account
    try:
        return accounts.resolve(name).sid
    except Win32Error as error:
        if error.code != _ERROR_NONE_MAPPED:
            raise
        raise DotNetError(error.code, name, invocation_text("Translate", 1, _NOT_MAPPED)) from error
