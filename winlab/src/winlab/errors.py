"""What can go wrong, and who is told: the person, the module's caller, or whoever maintains winlab."""

from __future__ import annotations

from typing import Any

# English system messages, as `net helpmsg` prints them; Windows adds no full stop of ours.
WIN32_MESSAGES: dict[int, str] = {
    2: "The system cannot find the file specified",
    3: "The system cannot find the path specified",
    5: "Access is denied",
    6: "The handle is invalid",
    13: "The data is invalid",
    17: "The system cannot move the file to a different disk drive",
    32: "The process cannot access the file because it is being used by another process",
    53: "The network path was not found",
    80: "The file exists",
    87: "The parameter is incorrect",
    112: "There is not enough space on the disk",
    123: "The filename, directory name, or volume label syntax is incorrect",
    145: "The directory is not empty",
    183: "Cannot create a file when that file already exists",
    206: "The filename or extension is too long",
    267: "The directory name is invalid",
    1053: "The service did not respond to the start or control request in a timely fashion",
    1056: "An instance of the service is already running",
    1058: "The service cannot be started, either because it is disabled or because it has no enabled "
    "devices associated with it",
    1059: "Circular service dependency was specified",
    1060: "The specified service does not exist as an installed service",
    1061: "The service cannot accept control messages at this time",
    1062: "The service has not been started",
    1068: "The dependency service or group failed to start",
    1069: "The service did not start due to a logon failure",
    1072: "The specified service has been marked for deletion",
    1073: "The specified service already exists",
    1075: "The dependency service does not exist or has been marked for deletion",
    1078: "The name is already in use as either a service name or a service display name",
    1190: "A system shutdown has already been scheduled",
    1219: "Multiple connections to a server or shared resource by the same user, using more than one user "
    "name, are not allowed",
    1312: "A specified logon session does not exist. It may already have been terminated",
    1314: "A required privilege is not held by the client",
    1326: "The user name or password is incorrect",
    1327: "Account restrictions are preventing this user from signing in",
    1330: "The password for this account has expired",
    1331: "This user can't sign in because this account is currently disabled",
    1332: "No mapping between account names and security IDs was done",
    1338: "The security descriptor structure is invalid",
    1371: "Cannot perform this operation on built-in accounts",
    1378: "The specified account name is already a member of the group",
    1385: "Logon failure: the user has not been granted the requested logon type at this computer",
    1387: "A member could not be added to or removed from the local group because the member does not exist",
    1793: "The user's account has expired",
    1907: "The user's password must be changed before signing in",
    1909: "The referenced account is currently locked out and may not be logged on to",
    2220: "The group name could not be found",
    2221: "The user name could not be found",
    2245: "The password does not meet the password policy requirements",
    4392: "The data present in the reparse point buffer is invalid",
}


class WinlabError(Exception):
    """Something the person at the command line must mend; the text is one sentence with the next step."""


class NotModelled(WinlabError):  # noqa: N818  (named after what it says, as in errors.py)
    """A real thing that winlab does not imitate. Never turned into a success.

    Args:
        what: the thing, by name (module, option, command, script, product).
        how: what to do to have it modelled.
    """

    def __init__(self, what: str, how: str) -> None:
        super().__init__(f"winlab: {what} is not modelled. {how}")
        self.what = what
        self.how = how


class ModuleFailure(Exception):  # noqa: N818  (named after what it says, as in errors.py)
    """What a module's FailJson reports: `msg` and further result keys."""

    def __init__(self, msg: str, **result: Any) -> None:
        super().__init__(msg)
        self.msg = msg
        self.result = result


class Win32Error(Exception):
    """A Windows call that failed.

    Args:
        code: the Win32 error code.
        path: the object it was about, if any.
    """

    def __init__(self, code: int, path: str = "") -> None:
        self.code = code
        self.path = path
        self.message = WIN32_MESSAGES.get(code, f"Win32 error {code}")
        super().__init__(f"{self.message}{f': {path}' if path else ''} (Win32 {code})")
