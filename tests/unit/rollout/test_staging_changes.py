import json

import pytest

from mim2ecma.documents.errors import InputError, UsageError
from mim2ecma.rollout import staged_files
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
        "ecma/Cache/1/a.dll": "/run/export/Extensions/x",
        "ecma/a.dll": "/run/export/Extensions/x",
    }
    assert changes["moves"] == [{"from": "ecma", "to": ECMA}]
    assert changes["added"] == [rf"{ECMA}\a.dll"]
    assert changes["replaced"] == [rf"{ECMA}\Cache\1\a.dll"]
    assert changes["backups"] == [{"target": rf"{ECMA}\Cache\1\a.dll", "folder": r"ecma\Cache\1"}]
    assert changes["folders"] == []
    assert changes["refused"] == []


def test_declared_files_elsewhere_have_slots_of_their_drive_and_folders_to_make():
    target = r"d:\Data\Hr\codes.csv"
    declared = {**file("x"), "target": target, "source": "/files/codes.csv"}
    changes = sc.changes([entry(file(r"de\a.resources.dll"), declared)], ECMA)
    assert changes["payload"]["drives/D/Data/Hr/codes.csv"] == "/files/codes.csv"
    assert changes["moves"] == [{"from": "ecma", "to": ECMA}, {"from": r"drives\D", "to": "D:"}]
    assert changes["folders"] == [rf"{ECMA}\de", r"d:\Data", r"d:\Data\Hr"]
    assert sc.target_folders([entry(declared)], ECMA) == [r"d:\Data\Hr"]


def test_marked_files_are_those_that_the_plans_bring_or_keep_as_they_are():
    plans = [entry(file("a.dll", "keep"), file("v.dll", "keep", source=None), file("r.dll", "refuse"))]
    marked = [rf"{ECMA}\A.DLL", rf"{ECMA}\v.dll", rf"{ECMA}\r.dll", rf"{ECMA}\other.dll"]
    assert sc.planned_among(plans, marked) == [rf"{ECMA}\A.DLL"]


def test_what_the_package_brought_is_told_from_what_others_put_there():
    listing = [
        {"path": rf"{ECMA}\Newtonsoft.Json.dll", "checksum": ONE},
        {"path": rf"{ECMA}\System.Ours.dll", "checksum": TWO},
        {"path": rf"{ECMA}\Foreign.dll", "checksum": TWO},
        {"path": rf"{ECMA}\before\System.Memory.dll", "checksum": TWO},
        {"path": rf"{ECMA}\..\Microsoft.ECMA2Host.Service.exe", "checksum": TWO},
    ]
    ours = [{"path": rf"{ECMA}\System.Ours.dll", "sha256": TWO}]
    assert [item["path"] for item in sc.vendor_files(listing, ECMA, ours)] == [rf"{ECMA}\Newtonsoft.Json.dll"]


def test_declared_targets_are_checked_before_anything_is_asked(tmp_path):
    (tmp_path / "a.csv").write_text("a")
    item = {"source": str(tmp_path / "a.csv"), "target": r"C:\Windows\a.csv"}
    with pytest.raises(UsageError, match="lies in a folder of Windows"):
        sc.payload_folders([item], ECMA, "ecma01")
    assert sc.payload_folders([{**item, "target": r"D:\Data\a.csv"}], ECMA, "ecma01") == [r"D:\Data"]
    assert sc.payload_folders([{**item, "target": r"MAData\a.csv"}], ECMA, "ecma01") == []


def test_a_refused_file_is_named_with_its_management_agent():
    refused = sc.changes([entry(file("v.dll", "refuse", owner="vendor"))], ECMA)["refused"]
    text = sc.refusal(refused[0], "ecma01")
    assert text.startswith(rf"ecma01: {ECMA}\v.dll: r; expected")
    assert "HR" in text
    assert "Microsoft's files are never replaced" in text
    foreign = sc.changes([entry(file("f.dll", "refuse", owner="foreign"))], ECMA)["refused"]
    assert "ecma_stage_replace" in sc.refusal(foreign[0], "ecma01")


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
    text = staged_files.finished(
        [entry(file("a.dll"), file("k.dll", "keep", owner="foreign"), file("o.dll", "keep"))], earlier
    )
    assert [item["path"].rsplit("\\", 1)[1] for item in json.loads(text)] == ["a.dll", "o.dll", "old.dll"]
    assert staged_files.finished([], json.loads(text)) == text


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
