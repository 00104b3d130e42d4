r"""Environment variables: the machine's and each user's in the registry, and the block a new process gets.

Sources: Microsoft's pages "Environment Variables" and "User Profiles";
`HKLM\SYSTEM\CurrentControlSet\Control\Session Manager\Environment` and `HKU\<SID>\Environment` are where
Windows itself keeps them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from winlab.host import sids

if TYPE_CHECKING:
    from winlab.host.model import Host
    from winlab.host.registry import Value
    from winlab.host.sessions import Session

MACHINE_KEY = r"HKLM\SYSTEM\CurrentControlSet\Control\Session Manager\Environment"

MACHINE_DEFAULTS: dict[str, str] = {
    "ComSpec": r"%SystemRoot%\system32\cmd.exe",
    "NUMBER_OF_PROCESSORS": "2",
    "OS": "Windows_NT",
    "Path": r"%SystemRoot%\system32;%SystemRoot%;%SystemRoot%\System32\Wbem;"
    r"%SYSTEMROOT%\System32\WindowsPowerShell\v1.0" + "\\",
    "PATHEXT": ".COM;.EXE;.BAT;.CMD;.VBS;.VBE;.JS;.JSE;.WSF;.WSH;.MSC",
    "PROCESSOR_ARCHITECTURE": "AMD64",
    "PROCESSOR_IDENTIFIER": "Intel64 Family 6 Model 79 Stepping 1, GenuineIntel",
    "PROCESSOR_LEVEL": "6",
    "PROCESSOR_REVISION": "4f01",
    "PSModulePath": r"%ProgramFiles%\WindowsPowerShell\Modules;"
    r"%SystemRoot%\system32\WindowsPowerShell\v1.0\Modules",
    "TEMP": r"%SystemRoot%\TEMP",
    "TMP": r"%SystemRoot%\TEMP",
    "USERNAME": "SYSTEM",
    "windir": r"%SystemRoot%",
}
USER_DEFAULTS: dict[str, str] = {
    "Path": r"%USERPROFILE%\AppData\Local\Microsoft\WindowsApps;",
    "TEMP": r"%USERPROFILE%\AppData\Local\Temp",
    "TMP": r"%USERPROFILE%\AppData\Local\Temp",
}
# Not in the registry: the system makes them for each process.
_FIXED: dict[str, str] = {
    "ALLUSERSPROFILE": r"C:\ProgramData",
    "CommonProgramFiles": r"C:\Program Files\Common Files",
    "CommonProgramFiles(x86)": r"C:\Program Files (x86)\Common Files",
    "CommonProgramW6432": r"C:\Program Files\Common Files",
    "ProgramData": r"C:\ProgramData",
    "ProgramFiles": r"C:\Program Files",
    "ProgramFiles(x86)": r"C:\Program Files (x86)",
    "ProgramW6432": r"C:\Program Files",
    "PUBLIC": r"C:\Users\Public",
    "SystemDrive": "C:",
    "SystemRoot": r"C:\Windows",
}


def expand_with(text: str, block: Mapping[str, str]) -> str:
    """Replace `%NAME%` by the block's value, without regard to case.

    What is no variable stays, and the percent sign behind it may begin the next one (Microsoft's page
    "ExpandEnvironmentStringsW").
    """
    folded = {name.upper(): value for name, value in block.items()}
    first, *rest = text.split("%")
    result = [first]
    position = 0
    while position < len(rest):
        value = folded.get(rest[position].upper()) if position + 1 < len(rest) else None
        if value is None:
            result.append("%" + rest[position])
            position += 1
        else:
            result.append(value + rest[position + 1])
            position += 2
    return "".join(result)


class Environment:
    """Variables of one host; everything is read from and written to its registry.

    Args:
        host: the host.
    """

    def __init__(self, host: Host) -> None:
        self._host = host

    def seed(self) -> None:
        """Write the machine's variables of a fresh Windows where the key is not there yet."""
        if not self._host.registry.key_exists(MACHINE_KEY):
            for name, value in MACHINE_DEFAULTS.items():
                self.set_machine(name, value)

    def machine(self) -> dict[str, str]:
        """The machine's variables, as stored (references not expanded)."""
        return {name: str(value.data) for name, value in self._variables(MACHINE_KEY).items()}

    def user(self, sid: str) -> dict[str, str]:
        """A user's variables, as stored."""
        return {name: str(value.data) for name, value in self._variables(self._user_key(sid)).items()}

    def set_machine(self, name: str, value: str | None) -> None:
        """Set one of the machine's variables, or remove it with None. Processes that run keep the old one.

        A value with a reference is stored as one to expand (REG_EXPAND_SZ), as set-ups do.
        """
        self._write(MACHINE_KEY, name, value)

    def set_user(self, sid: str, name: str, value: str | None) -> None:
        """Set or remove one of a user's variables."""
        self._write(self._user_key(sid), name, value)

    def block(self, session: Session, overrides: Mapping[str, str] | None = None) -> dict[str, str]:
        """The environment that a new process of this logon gets.

        Args:
            session: the logon.
            overrides: variables of a task's `environment`, which win.
        """
        result = dict(_FIXED)
        result.update(self._of_account(session))
        self._merge(result, self._variables(MACHINE_KEY))
        if session.sid not in (sids.SYSTEM, sids.LOCAL_SERVICE, sids.NETWORK_SERVICE):
            self._merge(result, self._variables(self._user_key(session.sid)))
            _put(result, "USERNAME", session.user)
        for name, value in (overrides or {}).items():
            _put(result, name, value)
        return dict(sorted(result.items(), key=lambda item: item[0].upper()))

    def expand(self, text: str, session: Session, overrides: Mapping[str, str] | None = None) -> str:
        """Expand `%NAME%` as a process of this logon would."""
        return expand_with(text, self.block(session, overrides)) if "%" in text else text

    def _of_account(self, session: Session) -> dict[str, str]:
        name = self._host.computer_name
        is_local_user = session.domain.upper() == name.upper()
        return {
            "APPDATA": session.profile + r"\AppData\Roaming",
            "COMPUTERNAME": name,
            "HOMEDRIVE": session.profile[:2],
            "HOMEPATH": session.profile[2:],
            "LOCALAPPDATA": session.profile + r"\AppData\Local",
            "LOGONSERVER": f"\\\\{name}",
            "USERDOMAIN": session.domain if is_local_user else "WORKGROUP",
            "USERDOMAIN_ROAMINGPROFILE": session.domain if is_local_user else "WORKGROUP",
            "USERNAME": session.user if is_local_user else f"{name}$",
            "USERPROFILE": session.profile,
        }

    def _merge(self, result: dict[str, str], variables: Mapping[str, Value]) -> None:
        for name, value in variables.items():
            text = str(value.data)
            # References are those of a REG_EXPAND_SZ alone (Microsoft's page "Registry Value Types").
            expanded = expand_with(text, result) if value.type == "expandstring" else text
            current = next((text for key, text in result.items() if key.upper() == name.upper()), None)
            # The user's Path is appended to the machine's; every other variable of the user wins.
            if name.upper() == "PATH" and current:
                expanded = f"{current.rstrip(';')};{expanded}"
            _put(result, name, expanded)

    def _variables(self, key: str) -> dict[str, Value]:
        """Return the values of a key that are variables: texts; of a key that is not there, Windows' own."""
        registry = self._host.registry
        stored = registry.values(key) if registry.key_exists(key) else {}
        if not stored:
            defaults = MACHINE_DEFAULTS if key == MACHINE_KEY else USER_DEFAULTS
            return {name: _variable(text) for name, text in defaults.items()}
        return {name: value for name, value in stored.items() if value.type in {"string", "expandstring"}}

    @staticmethod
    def _user_key(sid: str) -> str:
        return rf"HKU\{sid}\Environment"

    def _write(self, key: str, name: str, value: str | None) -> None:
        if key != MACHINE_KEY and not self._host.registry.key_exists(key):
            for default, text in USER_DEFAULTS.items():
                self._host.registry.set(key, default, _variable(text))
        if value is None:
            if self._host.registry.get(key, name) is not None:
                self._host.registry.delete_value(key, name)
            return
        self._host.registry.set(key, name, _variable(value))


def _variable(text: str) -> Value:
    from winlab.host.registry import Value  # noqa: PLC0415  (composed lazily, see model.Host)

    return Value("expandstring" if "%" in text else "string", text)


def _put(block: dict[str, str], name: str, value: str) -> None:
    """Set a variable whatever the case of its name is now."""
    for known in [key for key in block if key.upper() == name.upper()]:
        del block[known]
    block[name] = value
