"""Twin of ansible.windows.win_share 3.3.0 (plugins/modules/win_share.ps1, a legacy module)."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

from winlab.arguments.legacy import param
from winlab.errors import ModuleFailure, Win32Error
from winlab.host import paths, sids
from winlab.host.drives import NOBODY_HAS_ACCESS, Share
from winlab.modules import Call, twin
from winlab.modules._accounts import translate
from winlab.modules._dotnet import Disk, DotNetError, text_of

_RIGHTS = ("read", "change", "full")
_CACHING = ("BranchCache", "Documents", "Manual", "None", "Programs", "Unknown")
# What New-SmbShare makes when nothing is said: Microsoft Learn, "New-SmbShare".
_DEFAULTS = {
    "FolderEnumerationMode": "Unrestricted",
    "CachingMode": "Manual",
    "EncryptData": "False",
    "ScopeName": "*",
}
_NEW_ACCESS = (f"allow:read:{sids.EVERYONE}",)


@twin("ansible.windows.win_share")
def win_share(call: Call) -> dict[str, Any]:
    """Publish a folder, or stop to (lines 44-288)."""
    return _Publish(call).run()


@dataclass
class _Publish:
    call: Call
    result: dict[str, Any] = field(default_factory=lambda: {"changed": False, "actions": []})

    def run(self) -> dict[str, Any]:
        call = self.call
        self.disk = Disk(call)
        self.name: str = param(call, "name", type="str", failifempty=True)
        state: str = param(call, "state", type="str", default="present", validateset=("present", "absent"))
        action: str = param(call, "rule_action", type="str", default="set", validateset=("set", "add"))
        if state.lower() == "present":
            self._present(action.lower() == "set")
        elif self._share is not None:
            self._act(f"Remove-SmbShare -Force -Name {self.name}", None)
        return self.result

    @property
    def _share(self) -> Share | None:
        return self.disk.files.shares.get(paths.fold(self.name))

    def _act(self, action: str, share: Share | None) -> None:
        """Note what is done, and do it outside check mode."""
        self.result["actions"].append(action)
        self.result["changed"] = True
        if self.call.check_mode:
            return
        if not self.call.session.is_admin:
            raise DotNetError(5, self.name, "Access is denied. ")
        if share is None:
            self.disk.files.shares.pop(paths.fold(self.name), None)
        else:
            self.disk.files.shares[paths.fold(self.name)] = share
        self.call.host.touch("files")

    def _present(self, is_set: bool) -> None:
        call = self.call
        path: str = param(call, "path", type="path", failifempty=True)
        description: str = param(call, "description", type="str", default="")
        scope = param(call, "scope_name", type="str")
        listing = param(call, "list", type="bool", default=False)
        wanted = {
            kind: self._accounts(param(call, kind, type="str", default="")) for kind in (*_RIGHTS, "deny")
        }
        caching: str = param(call, "caching_mode", type="str", default="Manual", validateset=_CACHING)
        encrypt = bool(param(call, "encrypt", type="bool", default=False))
        if not self.disk.test(path):
            raise ModuleFailure(f"{path} directory does not exist on the host", **self.result)
        folder = self.disk.full(path)
        new = Share(self.name, folder, settings=tuple(_DEFAULTS.items()), access=_NEW_ACCESS)
        if self._share is None:
            self._act(f"New-SmbShare -Name {self.name} -Path {folder}", new)
            if call.check_mode:
                return
        share = self._share or new
        if share.path.casefold() != folder.casefold():
            self._act(f"Remove-SmbShare -Force -Name {self.name}", None)
            self._act(f"New-SmbShare -Name {self.name} -Path {folder}", new)
        self._set("Description", description)
        self._set("FolderEnumerationMode", "Unrestricted" if listing else "AccessBased")
        self._set("CachingMode", caching)
        self._set("EncryptData", str(encrypt))
        if scope:
            self._set("ScopeName", scope)
        wanted["change"] = [sid for sid in wanted["change"] if sid not in wanted["full"]]
        wanted["read"] = [sid for sid in wanted["read"] if sid not in wanted["full"] + wanted["change"]]
        self._access(wanted, is_set)

    def _set(self, name: str, value: str) -> None:
        """Lines 134-168: one property after the other, compared without regard to case."""
        share = self._current()
        settings = {**_DEFAULTS, **dict(share.settings), "Description": share.description}
        if settings[name].casefold() == value.casefold():
            return
        if name == "Description":
            changed = replace(share, description=value)
        else:
            del settings["Description"]
            changed = replace(share, settings=tuple({**settings, name: value}.items()))
        self._act(f"Set-SmbShare -Force -Name {self.name} -{name} {value}", changed)

    def _access(self, wanted: dict[str, list[str]], is_set: bool) -> None:
        """Lines 170-286: with "set" everything else goes, with "add" it stays."""
        present = self._current().shown_access
        for entry in present:
            kind, right, sid = entry.split(":")
            key = "deny" if kind == "deny" else right
            if sid in wanted[key]:
                wanted[key].remove(sid)
            elif is_set and not (entry == NOBODY_HAS_ACCESS and len(present) == 1):
                verb = "Unblock" if kind == "deny" else "Revoke"
                self._change(
                    f"{verb}-SmbShareAccess -Force -Name {self.name} -AccountName {self._shown(sid)}",
                    sid,
                    None,
                )
        for right in _RIGHTS:
            for sid in wanted[right]:
                text = f"Grant-SmbShareAccess -Force -Name {self.name} -AccountName {self._shown(sid)}"
                self._change(f"{text} -AccessRight {right.capitalize()}", sid, f"allow:{right}:{sid}")
        for sid in wanted["deny"]:
            text = f"Block-SmbShareAccess -Force -Name {self.name} -AccountName {self._shown(sid)}"
            self._change(text, sid, f"deny:full:{sid}")

    def _change(self, action: str, sid: str, entry: str | None) -> None:
        """Replace what an account may: allowing and refusing are kept apart."""
        share = self._current()
        refusing = entry.startswith("deny") if entry else action.startswith("Unblock")
        kept = tuple(
            old
            for old in share.access
            if not (old.endswith(f":{sid}") and old.startswith("deny") == refusing)
        )
        access = kept if entry is None else (*kept, entry)
        self._act(action, replace(share, access=tuple(sorted(access, key=lambda old: old[0] == "a"))))

    def _current(self) -> Share:
        share = self._share
        assert share is not None  # noqa: S101  made in `_present`, or check mode has returned
        return share

    def _accounts(self, text: str) -> list[str]:
        """`NormalizeAccounts`, lines 12-42: names are not trimmed one by one."""
        text = text.strip()
        result = []
        for name in text.split(",") if text else []:
            try:
                result.append(translate(self.call, name))
            except Win32Error as error:
                raise ModuleFailure(
                    f"account_name {name} is not a valid account, cannot get SID: {text_of(error)}",
                    changed=False,
                ) from error
        return result

    def _shown(self, sid: str) -> str:
        return self.call.host.accounts.display(sid)
