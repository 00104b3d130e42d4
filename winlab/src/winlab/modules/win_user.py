"""win_user.ps1 of ansible.windows 3.3.0."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Any

from winlab.errors import ModuleFailure, Win32Error
from winlab.host.accounts import Group, User
from winlab.host.logons import password_is_too_old
from winlab.host.timezones import local_time
from winlab.modules import Call, twin
from winlab.modules._sam import (
    adsi,
    except_from,
    intersect,
    require_administrator,
    system_text,
    translate,
)

# Lines 196-201: errors of LogonUser that prove the password right.
_PROVEN = frozenset({1327, 1328, 1329, 1385})
ERROR_LOGON_FAILURE = 1326
HIDDEN = "REDACTED"
ALWAYS = "always"
_BAD_DATE = (
    "Failed to parse account_expires as datetime string. "
    "Expecting datetime in yyyy-MM-dd or yyyy-MM-ddTHH:mm:ss.FFFFFFFK format."
)
_DATE = re.compile(
    r"(?P<day>\d{4}-\d{2}-\d{2})(?:T(?P<time>\d{2}:\d{2}:\d{2})(?:\.(?P<fraction>\d{1,7}))?"
    r"(?P<zone>Z|[+-]\d{2}:\d{2})?)?"
)
_NO_COLON = re.compile(r"([+-]\d{2})(\d{2})$")


@dataclass(frozen=True, slots=True)
class _Plain:
    """An option that is compared and set as it is: option, field, and whether case counts (lines 316-345)."""

    option: str
    field: str
    case_sensitive: bool


_PLAIN = (
    _Plain("fullname", "full_name", case_sensitive=True),
    _Plain("description", "description", case_sensitive=True),
    _Plain("home_directory", "home_directory", case_sensitive=False),
    _Plain("login_script", "login_script", case_sensitive=False),
    _Plain("profile", "profile_path", case_sensitive=False),
)
_FLAGS = (
    ("password_never_expires", "password_never_expires"),
    ("user_cannot_change_password", "user_cannot_change_password"),
)


@twin("ansible.windows.win_user")
def win_user(call: Call) -> dict[str, Any]:
    """Create, change, delete or show a local user.

    Order of effects as in the source: account, password (254-287), flags (289-397), groups (399-465). A user
    that check mode would create has no further prediction (line 267). With `update_password: always` the
    password is compared by a real network logon; a disabled account or an expired password always counts as
    another password (line 272).
    """
    if call.params["account_locked"] is True:
        raise ModuleFailure("account_locked must be set to 'no' if provided")
    task = _Task(call, _parse_expiry(call.params["account_expires"]))
    result = {"present": task.present, "absent": task.absent, "query": task.query}[call.params["state"]]()
    return {**result, **task.shown(), "diff": {"before": task.before, "after": task.after}}


def _parse_expiry(raw: str | None) -> float | None:
    """Seconds since 1970; 0 for `never`, None when the option is absent (lines 64-93)."""
    if not raw:
        return None
    text = _NO_COLON.sub(r"\1:\2", raw)
    if text.lower() == "never":
        return 0.0
    match = _DATE.fullmatch(text)
    if match is None:
        raise ModuleFailure(_BAD_DATE)
    try:
        moment = datetime.fromisoformat(f"{match['day']}T{match['time'] or '00:00:00'}")
    except ValueError as error:
        raise ModuleFailure(_BAD_DATE) from error
    zone = match["zone"] or "Z"
    offset = timedelta()
    if zone != "Z":
        offset = timedelta(hours=int(zone[1:3]), minutes=int(zone[4:6])) * (-1 if zone[0] == "-" else 1)
    return moment.replace(tzinfo=timezone(offset)).timestamp() + float(f"0.{match['fraction'] or '0'}")


class _Task:
    def __init__(self, call: Call, expires: float | None) -> None:
        self.call = call
        self.accounts = call.host.accounts
        self.name: str = call.params["name"]
        self.expires = expires
        self.changed = False
        self.user = self._find()
        self.before: Any = self._diff(self.user)
        self.after: Any = ""

    def _find(self) -> User | None:
        # A user is found by its bare name alone (line 128).
        wanted = self.name.lower()
        return next((user for user in self.accounts.users() if user.name.lower() == wanted), None)

    def _fail(self, message: str) -> ModuleFailure:
        """FailJson prints what has been done until then."""
        diff = {"before": self.before, "after": self.after}
        return ModuleFailure(message, changed=self.changed, diff=diff)

    def query(self) -> dict[str, Any]:
        self.after = self.before
        state = "present" if self.user else "absent"
        return {"msg": f"Querying user '{self.name}'", "state": state, "changed": False}

    def absent(self) -> dict[str, Any]:
        if self.user is None:
            return {"msg": f"User '{self.name}' was not found", "state": "absent", "changed": False}
        if not self.call.check_mode:
            with adsi("Delete", 2):
                require_administrator(self.call)
                self.accounts.delete_user(self.user.name)
        msg = f"User '{self.user.name}' deleted successfully"
        return {"msg": msg, "state": "absent", "changed": True}

    def present(self) -> dict[str, Any]:
        if self.user is None:
            self._create()
        if self.user is not None:
            self.after = self._diff(self.user)
            self._set_password()
            self._set_attributes()
            self._set_groups()
        return {"state": "present", "changed": self.changed}

    def _create(self) -> None:
        password = self.call.params["password"]
        self.after = {"name": self.name}
        if password is not None:
            self.after["password"] = HIDDEN
        if not self.call.check_mode:
            with adsi("SetInfo", 0):
                require_administrator(self.call)
                self.accounts.create_user(self.name, password or "")
            self.user = self._find()
        self.changed = True

    def _set_password(self) -> None:
        user, password = self.user, self.call.params["password"]
        if user is None or password is None or self.call.params["update_password"] != ALWAYS:
            return
        if not (user.disabled or self._is_expired(user)) and self._matches(user, password):
            return
        if not self.call.check_mode:
            with adsi("SetPassword", 1):
                require_administrator(self.call)
                self.accounts.set_password(user.name, password)
        self.changed = True
        self.after["password"] = f"CHANGED {HIDDEN}"

    def _matches(self, user: User, password: str) -> bool:
        try:
            session = self.accounts.logon(user.name, password, "network")
            self.call.host.audit.logged_off(session)
        except Win32Error as error:
            if error.code == ERROR_LOGON_FAILURE:
                return False
            if error.code in _PROVEN:
                return True
            # Ansible.AccessToken.cs, LogonUser and Win32Exception.
            raise self._fail(
                f"Failed to validate the user's credentials: Failed to logon .\\{user.name} "
                f"({system_text(error).strip()}, Win32ErrorCode {error.code} - 0x{error.code:08X})"
            ) from error
        return True

    def _set_attributes(self) -> None:
        user, params = self.user, self.call.params
        if user is None:
            return
        changes: dict[str, Any] = {}

        def note(option: str, field: str, current: Any, shown: Any = None) -> None:
            wanted = params[option]
            if wanted is not None and wanted != current:
                changes[field] = wanted
                self.after[option] = wanted if shown is None else shown

        note("account_disabled", "disabled", user.disabled)
        if self.expires is not None and self.expires != user.account_expires:
            changes["account_expires"] = self.expires
            # A DateTime of kind Local, which says its zone (lines 302-312); the one of ADSI does not.
            self.after["account_expires"] = self._format(self.expires, with_zone=True)
        if params["account_locked"] is not None and self.accounts.is_locked(user):
            changes.update(locked_since=0.0, bad_password_count=0)
            self.after["account_locked"] = False
        for plain in _PLAIN:
            wanted, current = params[plain.option], getattr(user, plain.field)
            if wanted is None or (wanted if plain.case_sensitive else wanted.lower()) == (
                current if plain.case_sensitive else current.lower()
            ):
                continue
            changes[plain.field] = wanted
            self.after[plain.option] = wanted
        note("password_expired", "password_expired", self._is_expired(user))
        for option, field in _FLAGS:
            note(option, field, getattr(user, field))
        if changes:
            self.changed = True
            self._apply(user, changes)

    def _apply(self, user: User, changes: dict[str, Any]) -> None:
        if self.call.check_mode:
            return
        with adsi("SetInfo", 0):
            require_administrator(self.call)
            if changes.get("password_expired") is False:
                # Taking `must change` away starts the password's age anew (SAM sets PasswordLastSet).
                changes["password_last_set"] = self.call.host.clock.now()
            self.accounts.update_user(user.name, **changes)

    def _is_expired(self, user: User) -> bool:
        return user.password_expired or password_is_too_old(self.call.host, user)

    def _set_groups(self) -> None:
        user, groups = self.user, self.call.params["groups"]
        if user is None or groups is None:
            return
        wanted = [self._local_group(name).sid for name in groups if name and name.strip()]
        current = [group.sid for group in self.accounts.groups_of(user.sid)]
        to_add: list[str] = []
        to_remove: list[str] = []
        action = self.call.params["groups_action"]
        if action in ("add", "replace"):
            to_add = except_from(wanted, current)
        if action == "remove":
            to_remove = intersect(wanted, current)
        elif action == "replace":
            to_remove = except_from(current, wanted)
        for verb, chosen in (("add", to_add), ("remove", to_remove)):
            for sid in chosen:
                self._change_membership(verb, sid, user)

    def _change_membership(self, verb: str, sid: str, user: User) -> None:
        group = self.accounts.group(sid)
        if group is None:
            raise self._fail(f"group '{sid}' not found")
        if not self.call.check_mode:
            try:
                with adsi(verb.capitalize(), 1):
                    require_administrator(self.call)
                    change = self.accounts.add_member if verb == "add" else self.accounts.remove_member
                    change(sid, user.sid)
            except Win32Error as error:
                raise self._fail(f"Failed to {verb} {group.name}: {error.message}") from error
        self.changed = True
        # Lines 457-462 keep bare names beside the `DOMAIN\name` ones that are there already.
        if verb == "add":
            self.after["groups"].append(group.name)
        elif group.name in self.after["groups"]:
            self.after["groups"].remove(group.name)

    def _local_group(self, name: str) -> Group:
        try:
            group = self.accounts.group(translate(self.call, name))
        except Win32Error:
            group = None
        if group is None:
            raise self._fail(f"group '{name}' not found")
        return group

    def _diff(self, user: User | None) -> Any:
        """Get-UserDiff, lines 137-180."""
        if user is None:
            return ""
        return {
            "account_disabled": user.disabled,
            "account_expires": self._format(user.account_expires),
            "account_locked": self.accounts.is_locked(user),
            "description": user.description,
            "fullname": user.full_name,
            "groups": [self.accounts.display(group.sid) for group in self.accounts.groups_of(user.sid)],
            "home_directory": user.home_directory,
            "login_script": user.login_script,
            "name": user.name,
            "password": HIDDEN,
            "password_expired": self._is_expired(user),
            "password_never_expires": user.password_never_expires,
            "profile": user.profile_path,
            "user_cannot_change_password": user.user_cannot_change_password,
        }

    def _format(self, expires: float, *, with_zone: bool = False) -> str:
        """Line 62: what the clocks of the host show then."""
        if not expires:
            return "never"
        moment = local_time(self.call.host, expires)
        fraction = f"{moment.microsecond:06d}0".rstrip("0")
        zone = moment.isoformat()[-6:] if with_zone else ""
        return f"{moment:%Y-%m-%dT%H:%M:%S}{'.' + fraction if fraction else ''}{zone}"

    def shown(self) -> dict[str, Any]:
        """The account as it is afterwards, lines 512-530."""
        user = self._find()
        if user is None:
            return {"name": self.name}
        root = f"WinNT://WORKGROUP/{self.call.host.computer_name}"
        return {
            "name": self.name,
            "fullname": user.full_name,
            "path": f"{root}/{user.name}",
            "description": user.description,
            "password_expired": self._is_expired(user),
            "password_never_expires": user.password_never_expires,
            "user_cannot_change_password": user.user_cannot_change_password,
            "account_disabled": user.disabled,
            "account_locked": self.accounts.is_locked(user),
            "sid": user.sid,
            "groups": [
                {"name": group.name, "path": f"{root}/{group.name}"}
                for group in self.accounts.groups_of(user.sid)
            ],
        }
