"""win_share: the cases of the upstream integration target."""

from __future__ import annotations

import pytest

D = "C:\\data"


def share(windows, **options):
    return windows.run("win_share", **{"name": "Test", "path": D, "list": True, **options})


@pytest.fixture(autouse=True)
def _folder(windows):
    windows.host.files.mkdir(D)


def access(windows):
    return set(windows.host.files.shares["TEST"].access)


class TestShare:
    def test_comes_once_and_goes_once(self, windows):
        first = share(windows)
        assert first["actions"] == [
            "New-SmbShare -Name Test -Path C:\\data",
            "Revoke-SmbShareAccess -Force -Name Test -AccountName Everyone",
        ]
        assert share(windows) == {"changed": False, "actions": []}
        assert windows.run("win_stat", path=D)["stat"]["sharename"] == "Test"
        assert share(windows, state="absent")["actions"] == ["Remove-SmbShare -Force -Name Test"]
        assert share(windows, state="absent") == {"changed": False, "actions": []}

    def test_its_content_is_reached_by_its_name(self, windows):
        windows.write(f"{D}\\f", b"1")
        share(windows, read="Administrators")
        assert windows.run("slurp", src="\\\\WIN01\\test\\f")["content"] == "MQ=="

    def test_nobody_reaches_it_when_no_right_is_given(self, windows):
        windows.write(f"{D}\\f", b"1")
        share(windows)
        assert "content" not in windows.run("slurp", src="\\\\WIN01\\test\\f")

    def test_check_mode_changes_nothing(self, windows):
        before = windows.host.files.to_state()
        assert share(windows, check=True)["actions"] == ["New-SmbShare -Name Test -Path C:\\data"]
        assert windows.host.files.to_state() == before
        share(windows)
        before = windows.host.files.to_state()
        assert share(windows, description="x", full="Administrators", check=True)["changed"]
        assert share(windows, state="absent", check=True)["changed"]
        assert windows.host.files.to_state() == before

    @pytest.mark.parametrize(
        ("options", "action"),
        [
            ({"description": "text"}, "Set-SmbShare -Force -Name Test -Description text"),
            ({"list": False}, "Set-SmbShare -Force -Name Test -FolderEnumerationMode AccessBased"),
            ({"caching_mode": "Programs"}, "Set-SmbShare -Force -Name Test -CachingMode Programs"),
            ({"encrypt": True}, "Set-SmbShare -Force -Name Test -EncryptData True"),
        ],
    )
    def test_properties_are_set_one_by_one(self, windows, options, action):
        share(windows)
        assert share(windows, **options) == {"changed": True, "actions": [action]}
        assert share(windows, **options) == {"changed": False, "actions": []}

    def test_another_folder_makes_it_anew(self, windows):
        share(windows)
        windows.host.files.mkdir("C:\\other")
        assert share(windows, path="C:\\other")["actions"][:2] == [
            "Remove-SmbShare -Force -Name Test",
            "New-SmbShare -Name Test -Path C:\\other",
        ]

    def test_rights_are_set_and_added(self, windows):
        options = {
            "full": "Administrators",
            "change": "Users,Administrators",
            "read": "Guests,Users",
            "deny": "Remote Desktop Users",
        }
        share(windows)
        assert share(windows, **options)["actions"] == [
            "Grant-SmbShareAccess -Force -Name Test -AccountName BUILTIN\\Guests -AccessRight Read",
            "Grant-SmbShareAccess -Force -Name Test -AccountName BUILTIN\\Users -AccessRight Change",
            "Grant-SmbShareAccess -Force -Name Test -AccountName BUILTIN\\Administrators -AccessRight Full",
            "Block-SmbShareAccess -Force -Name Test -AccountName BUILTIN\\Remote Desktop Users",
        ]
        assert share(windows, **options) == {"changed": False, "actions": []}
        assert access(windows) == {
            "deny:full:S-1-5-32-555",
            "allow:read:S-1-5-32-546",
            "allow:change:S-1-5-32-545",
            "allow:full:S-1-5-32-544",
        }
        added = share(windows, change="Remote Desktop Users", rule_action="add")
        assert added["changed"]
        assert access(windows) >= {"deny:full:S-1-5-32-555", "allow:change:S-1-5-32-555"}
        assert share(windows)["changed"]
        assert access(windows) == set()

    @pytest.mark.parametrize(
        ("options", "message"),
        [
            ({"path": "C:\\none"}, "C:\\none directory does not exist on the host"),
            (
                {"read": "nobody"},
                'account_name nobody is not a valid account, cannot get SID: Exception calling "Translate" with '
                '"1" argument(s): "Some or all identity references could not be translated."',
            ),
            (
                {"caching_mode": "x"},
                "Get-AnsibleParam: Argument caching_mode needs to be one of "
                "BranchCache,Documents,Manual,None,Programs,Unknown but was x.",
            ),
        ],
    )
    def test_refusals(self, windows, options, message):
        assert share(windows, **options)["msg"] == message
        assert "TEST" not in windows.host.files.shares

    def test_a_user_is_refused(self, windows):
        assert "Access is denied." in share(windows, session=windows.user("bob"))["msg"]
        assert "TEST" not in windows.host.files.shares
