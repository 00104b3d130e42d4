import json

import pytest

from mim2ecma.documents.errors import InputError, UsageError
from mim2ecma.rollout import staging_changes as sc

ECMA = r"C:\Program Files\Microsoft ECMA2Host\Service\ECMA"
ONE, TWO = "1" * 64, "2" * 64


def file(name, action="add", digest=ONE, owner="ours", source="Extensions/x"):
    return {
        "target": rf"{ECMA}\{name}",
        "source": source,
        "sha256": digest,
        "action": action,
        "owner": owner,
        "reason": "r",
    }


def entry(*files, agent="HR"):
    return {"management_agent": agent, "plan": {"files": list(files)}, "source": "/run/export"}


def test_added_and_replaced_files_become_the_payload():
    changes = sc.changes(
        [entry(file("a.dll"), file(r"Cache\1\a.dll", "replace"), file("k.dll", "keep"))], ECMA
    )
    assert changes["payload"] == {
        "Cache/1/a.dll": "/run/export/Extensions/x",
        "a.dll": "/run/export/Extensions/x",
    }
    assert changes["added"] == [rf"{ECMA}\a.dll"]
    assert changes["replaced"] == [rf"{ECMA}\Cache\1\a.dll"]
    assert changes["replaced_relative"] == [r"Cache\1\a.dll"]
    assert changes["backup_folders"] == [r"Cache\1"]
    assert changes["refused"] == []


def test_a_refused_file_is_named_with_its_management_agent():
    refused = sc.changes([entry(file("v.dll", "refuse", owner="vendor"))], ECMA)["refused"]
    text = sc.refusal(refused[0], "ecma01")
    assert text.startswith(rf"ecma01: {ECMA}\v.dll: r; expected")
    assert "HR" in text


def test_two_agents_may_share_equal_bytes_but_not_different_ones():
    same = [entry(file("a.dll")), entry(file("A.DLL"), agent="Other")]
    assert len(sc.changes(same, ECMA)["refused"]) == 0
    with pytest.raises(UsageError, match="two different files"):
        sc.changes([entry(file("a.dll")), entry(file("A.DLL", digest=TWO), agent="Other")], ECMA)


@pytest.mark.parametrize(
    "target", [r"C:\Windows\x.dll", ECMA, rf"{ECMA}\..\x.dll", rf"{ECMA}2\x.dll", rf"{ECMA}\NUL"]
)
def test_a_target_elsewhere_is_refused(target):
    with pytest.raises((UsageError, InputError)):
        sc.changes([entry({**file("x"), "target": target})], ECMA)


def test_what_is_missing_or_different_on_the_host_is_named():
    listing = [
        {"path": rf"{ECMA}\A.dll".upper(), "checksum": ONE.upper()},
        {"path": rf"{ECMA}\b.dll", "checksum": TWO},
    ]
    plans = [entry(file("a.dll"), file("b.dll"), file("c.dll", "keep"), file("v.dll", "refuse"))]
    assert sc.differences(plans, listing) == [rf"{ECMA}\b.dll", rf"{ECMA}\c.dll"]
    assert sc.differences([plans[0]["plan"]], listing) == [rf"{ECMA}\b.dll", rf"{ECMA}\c.dll"]


def test_the_manifest_keeps_what_was_ours_and_adds_what_is_new():
    earlier = [{"path": rf"{ECMA}\old.dll", "sha256": TWO}]
    text = sc.manifest(
        [entry(file("a.dll"), file("k.dll", "keep", owner="foreign"), file("o.dll", "keep"))], earlier
    )
    assert [item["path"].rsplit("\\", 1)[1] for item in json.loads(text)] == ["a.dll", "o.dll", "old.dll"]
    assert sc.manifest([], json.loads(text)) == text


@pytest.mark.parametrize(
    ("image", "folder"),
    [
        (r'"C:\Program Files\X\Service\s.exe" -k', r"C:\Program Files\X\Service"),
        (r"C:\Program Files\X\Service\s.exe", r"C:\Program Files\X\Service"),
        (r"C:\X\s.EXE -run now", r"C:\X"),
        (r"C:\X\s", r"C:\X"),
    ],
)
def test_the_folder_of_a_service_is_read_from_its_image_path(image, folder):
    assert sc.service_folder(image) == folder


def test_the_files_of_a_closure_are_paired_with_their_sources():
    closure = {
        "connector": {"file": "Hr.dll"},
        "stage": [{"file": "Json.dll"}, {"file": r"de\Hr.resources.dll"}],
        "companions": ["Hr.dll.config", {"file": "log.xml"}],
    }
    files = sc.closure_files(closure, "/mirror", "/run/export/hr.xml")
    assert files["hr.xml"] == "/run/export/hr.xml"
    assert files["Extensions/de/Hr.resources.dll"] == "/mirror/de/Hr.resources.dll"
    assert len(files) == 6


def test_a_closure_cannot_name_a_file_elsewhere():
    closure = {"connector": {"file": "../../etc/passwd"}, "stage": [], "companions": []}
    with pytest.raises(InputError):
        sc.closure_files(closure, "/mirror", "/run/export/hr.xml")
