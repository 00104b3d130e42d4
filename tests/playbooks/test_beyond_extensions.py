"""A connector that works on MIM only because of files outside `Extensions`."""

from __future__ import annotations

import hashlib

import pytest

from .test_round_trips import windows_tasks

SYNC = r"C:\Program Files\Microsoft Forefront Identity Manager\2010\Synchronization Service"
ECMA = r"C:\Program Files\Microsoft ECMA2Host\Service\ECMA"
CACHE = r"C:\Windows\Microsoft.NET\assembly\GAC_MSIL"
TOKEN = "2d7f263ed6561d2e"
JSON_IN_CACHE = rf"{CACHE}\Contoso.Json\v4.0_9.1.0.0__{TOKEN}\Contoso.Json.dll"


FILE, COPY, SERVICE = (f"ansible.windows.win_{name}" for name in ("file", "copy", "service"))
STOPPED, STARTED = (
    (SERVICE, {"name": "FIMSynchronizationService", "state": state}) for state in ("stopped", "started")
)


def move(source, target):
    """Tasks that move a file."""
    return [
        (FILE, {"path": target.rpartition("\\")[0], "state": "directory"}),
        (COPY, {"src": source, "dest": target, "remote_src": True}),
        (FILE, {"path": source, "state": "absent"}),
    ]


@pytest.fixture(scope="module")
def scattered_once(lab_process, migrated_once):
    """What a person does who scatters a connector's libraries, kept as a snapshot."""
    lab_process.back_to("migrated")
    tasks = [
        STOPPED,
        *move(rf"{SYNC}\Extensions\Contoso.Hr.Protocol.dll", rf"{SYNC}\Bin\Contoso.Hr.Protocol.dll"),
        *move(rf"{SYNC}\Extensions\Contoso.Json.dll", JSON_IN_CACHE),
    ]
    # Neither of these is the one that is wanted: another version, and an image for 32-bit programs.
    for other in (rf"v4.0_8.0.0.0__{TOKEN}", rf"v4.0_9.1.0.0__{TOKEN}"):
        kind = "GAC_32" if "9.1" in other else "GAC_MSIL"
        folder = rf"C:\Windows\Microsoft.NET\assembly\{kind}\Contoso.Json\{other}"
        tasks.append((FILE, {"path": folder, "state": "directory"}))
        tasks.append((COPY, {"content": "other", "dest": rf"{folder}\Contoso.Json.dll"}))
    lab_process.do("mim01", *tasks, STARTED)
    lab_process.keep("scattered")


@pytest.fixture
def scattered(lab_process, scattered_once):
    """The library that the connector names lies in Bin, and what that one needs in the assembly cache."""
    lab_process.back_to("scattered")
    return lab_process


def test_what_lies_in_bin_and_in_the_assembly_cache_is_fetched_and_nothing_else(scattered, tmp_path):
    before = scattered.lasting("mim01")
    result = scattered.play("migrate.yml")
    assert result.code == 0, result.output
    assert scattered.lasting("mim01") == before
    root = scattered.runs / "lab" / "mim01"
    mirrors = sorted(
        path.relative_to(root).as_posix()
        for mirror in ("Bin", "GAC")
        for path in (root / mirror).rglob("*")
        if path.is_file()
    )
    inner = f"GAC/v4/GAC_MSIL/Contoso.Json/v4.0_9.1.0.0__{TOKEN}/Contoso.Json.dll"
    assert mirrors == ["Bin/Contoso.Hr.Protocol.dll", "Bin/miiserver.exe.config", inner]
    closure = scattered.document("mim01/contoso-hr-*/closure.json")
    assert {entry["file"]: entry["place"] for entry in closure["stage"]} == {
        "Contoso.Hr.Connector.dll": "extensions",
        "Contoso.Hr.Protocol.dll": "bin",
        "Contoso.Json.dll": "gac",
    }
    assert {finding["id"] for finding in closure["findings"]} >= {"C2", "C3"}
    on_host = scattered.files("ecma01")
    for name, path in (("Contoso.Hr.Protocol.dll", mirrors[0]), ("Contoso.Json.dll", inner)):
        digest = hashlib.sha256((root / path).read_bytes()).hexdigest()
        assert on_host[rf"{ECMA}\{name}".lower()] == digest

    # A second run looks again and changes nothing.
    runs = windows_tasks(scattered, "playbooks/export.yml", tmp_path)
    looked = [task for host, _, task in runs if host == "mim01" and "assembly cache" in task]
    assert looked == ["ma_export : Look for it in the global assembly cache"]
    assert not [task for _, _, task in runs if "our temporary folder" in task]


def test_a_prediction_fetches_it_too_and_leaves_nothing_on_the_host(scattered):
    before = scattered.lasting("mim01")
    result = scattered.play("playbooks/export.yml", "--check")
    assert result.code == 0, result.output
    assert scattered.lasting("mim01") == before
    left = [path for path in scattered.files("mim01") if "mim2ecma." in path and "\\temp\\" in path]
    assert left == []


def test_a_library_that_is_nowhere_is_told(scattered):
    path = rf"{SYNC}\Bin\Contoso.Hr.Protocol.dll"
    scattered.do("mim01", STOPPED, (FILE, {"path": path, "state": "absent"}), STARTED)
    result = scattered.play("migrate.yml")
    assert result.code != 0
    assert (
        "C1 error: Contoso.Hr.Connector.dll: no file for 'Contoso.Hr.Protocol, Version=1.4.0.0" in result.flat
    )
