import hashlib
import json
import zipfile

import pytest

from mim2ecma.documents.errors import InputError
from mim2ecma.rollout import exports, run_folder

ROOT = r"C:\MIM\Extensions"
GUID = "{73CEE0A2-EF9F-5EAB-8343-FFE1ADBC1F08}"


def export(name="HR", guid=GUID, date="2026-01-01 10:00:00.000", category="Extensible2"):
    return (
        f"<export-ma server='s' export-date='{date}'><ma-data><format-version>1</format-version><id>{guid}</id><name>{name}</name>"
        f"<category>{category}</category></ma-data></export-ma>"
    ).encode()


def digest(data):
    return hashlib.sha256(data).hexdigest()


@pytest.fixture
def host(tmp_path):
    return tmp_path / "runs" / "lab" / "mim01"


def store(host, tmp_path, data, agents=("HR",), extensions=None, prediction=False):
    entries = {f"ma-{index}.xml": item for index, item in enumerate(data)}
    entries.update({f"Extensions/{name}": content for name, content in (extensions or {}).items()})
    archive = tmp_path / "export.zip"
    with zipfile.ZipFile(archive, "w") as opened:
        for name, content in entries.items():
            opened.writestr(name, content)
    wanted = {name: digest(content) for name, content in (extensions or {}).items()}
    return exports.store(host, archive, list(agents), wanted, prediction=prediction)


def test_an_export_lands_in_the_folder_of_its_name_and_guid(host, tmp_path):
    stored = store(host, tmp_path, [export()])
    assert stored.changed
    assert stored.exports[0].folder == host / "hr-73cee0a2"
    assert (host / "hr-73cee0a2" / "export" / "hr.xml").read_bytes() == export()
    found = run_folder.find(host, "HR")
    assert found.exists
    assert found.export == host / "hr-73cee0a2" / "export" / "hr.xml"
    assert found.to_dict()["assessed"] is False


def test_an_export_counts_as_assessed_until_another_one_takes_its_place(host, tmp_path):
    folder = store(host, tmp_path, [export()]).exports[0].folder
    inspection = {"verdict": "ready", "source": {"sha256": digest(export())}}
    (folder / "inspection.json").write_text(json.dumps(inspection))
    assert not run_folder.find(host, "HR").assessed, "the closure is missing"
    (folder / "closure.json").write_text("{}")
    assert run_folder.find(host, "HR").assessed
    store(host, tmp_path, [export(category="AD")])
    assert not run_folder.find(host, "HR").assessed, "the documents speak of the export before"


def test_an_export_that_is_not_ready_is_assessed_without_a_closure(host, tmp_path):
    folder = store(host, tmp_path, [export()]).exports[0].folder
    inspection = {"verdict": "not-ready", "source": {"sha256": digest(export())}}
    (folder / "inspection.json").write_text(json.dumps(inspection))
    assert run_folder.find(host, "HR").assessed


def test_the_same_management_agent_with_another_time_stamp_keeps_the_stored_file(host, tmp_path):
    store(host, tmp_path, [export()])
    again = store(host, tmp_path, [export(date="2026-02-02 10:00:00.000")])
    assert not again.changed
    assert again.exports[0].kept
    assert b"2026-01-01" in (host / "hr-73cee0a2" / "export" / "hr.xml").read_bytes()


def test_another_management_agent_replaces_the_stored_file(host, tmp_path):
    store(host, tmp_path, [export()])
    assert store(host, tmp_path, [export(category="AD")]).changed


def test_a_prediction_lies_beside_and_is_not_taken_for_the_export(host, tmp_path):
    store(host, tmp_path, [export()], prediction=True)
    assert not run_folder.find(host, "HR").exists
    assert run_folder.find(host, "HR", prediction=True).exists


def test_a_phase_is_predicted_from_the_real_export_where_none_was_predicted_since(host, tmp_path):
    store(host, tmp_path, [export(category="AD")], prediction=True)
    folder = store(host, tmp_path, [export()]).exports[0].folder
    inspection = {"verdict": "not-ready", "source": {"sha256": digest(export())}}
    (folder / "inspection.json").write_text(json.dumps(inspection))
    found = run_folder.find(host, "HR", prediction=True)
    assert found.export == folder / "export" / "hr.xml"
    assert found.assessed
    assert found.folder == folder / "prediction", "what is written stays beside the real documents"
    store(host, tmp_path, [export(category="AD")], prediction=True)
    found = run_folder.find(host, "HR", prediction=True)
    assert found.export == folder / "prediction" / "export" / "hr.xml"
    assert not found.assessed


def test_a_prediction_of_the_stored_management_agent_has_the_stored_bytes(host, tmp_path):
    store(host, tmp_path, [export()], prediction=True)
    store(host, tmp_path, [export(date="2026-02-02 10:00:00.000")])
    store(host, tmp_path, [export(date="2026-03-03 10:00:00.000")], prediction=True)
    assert b"2026-02-02" in run_folder.find(host, "HR", prediction=True).export.read_bytes()


def test_two_agents_of_one_host_have_folders_of_their_own(host, tmp_path):
    other = export("HR (old)", "{11111111-EF9F-5EAB-8343-FFE1ADBC1F08}")
    store(host, tmp_path, [export(), other], agents=["HR", "HR (old)"])
    assert run_folder.read_index(host) == {"HR": "hr-73cee0a2", "HR (old)": "hr-old-11111111"}


def test_connectors_files_are_mirrored_and_compared(host, tmp_path):
    extensions = {"a.dll": b"A", "de/a.resources.dll": b"R"}
    assert not exports.same_extensions(host, {name: digest(data) for name, data in extensions.items()})
    store(host, tmp_path, [export()], extensions=extensions)
    assert exports.same_extensions(host, {name: digest(data) for name, data in extensions.items()})
    assert not exports.same_extensions(host, {"a.dll": digest(b"A")})
    assert not exports.same_extensions(host, {"a.dll": digest(b"B"), "de/a.resources.dll": digest(b"R")})
    assert store(host, tmp_path, [export()], extensions={"a.dll": b"A"}).changed
    assert not (host / "Extensions" / "de").exists()


BROKEN = {
    "no file": ({}, ["HR"], {}, "no file from maexport.exe"),
    "malformed": ({"ma-0.xml": b"<export-ma>"}, ["HR"], {}, "expected"),
    "html": ({"ma-0.xml": b"<!DOCTYPE html><html></html>"}, ["HR"], {}, "expected"),
    "other name": ({"ma-0.xml": export("Payroll")}, ["HR"], {}, "'Payroll'; expected 'HR' with its GUID"),
    "no management agent": (
        {"ma-0.xml": b"<saved-mv-configuration/>"},
        ["HR"],
        {},
        "no management agent; expected 'HR'",
    ),
    "no guid": ({"ma-0.xml": export(guid="x")}, ["HR"], {}, "GUID"),
    "leaves its folder": ({"../x": b"", "ma-0.xml": export()}, ["HR"], {}, "expected"),
    "torn file": (
        {"ma-0.xml": export(), "Extensions/a.dll": b"A"},
        ["HR"],
        {"a.dll": digest(b"B")},
        "other bytes than the host listed",
    ),
    "file lost": (
        {"ma-0.xml": export(), "Extensions/a.dll": b"A"},
        ["HR"],
        {"a.dll": digest(b"A"), "b.dll": digest(b"B")},
        "other bytes",
    ),
    "files not fetched": (
        {"ma-0.xml": export()},
        ["HR"],
        {"a.dll": digest(b"A")},
        "changed while they were read",
    ),
}


@pytest.mark.parametrize(("entries", "agents", "wanted", "message"), BROKEN.values(), ids=BROKEN)
def test_nothing_is_kept_of_an_archive_that_is_not_as_expected(
    host, tmp_path, entries, agents, wanted, message
):
    archive = tmp_path / "export.zip"
    with zipfile.ZipFile(archive, "w") as opened:
        for name, content in entries.items():
            opened.writestr(name, content)
    with pytest.raises(InputError, match=message):
        exports.store(host, archive, agents, wanted)
    assert [path for path in host.rglob("*") if path.is_file()] == []
    assert list(host.glob(".*")) == []


def test_a_listing_becomes_relative_names():
    files = [{"path": r"c:\mim\EXTENSIONS\de\A.dll", "checksum": "AB"}]
    assert exports.listing(files, ROOT) == {"de/A.dll": "ab"}


@pytest.mark.parametrize(
    "path",
    [r"C:\Windows\x.dll", r"C:\MIM\Extensions\..\x", r"C:\MIM\Extensions\a:b", r"C:\MIM\Extensions\NUL"],
)
def test_a_listing_cannot_name_something_elsewhere(path):
    with pytest.raises(InputError):
        exports.listing([{"path": path, "checksum": "ab"}], ROOT)


def test_a_damaged_index_is_one_clear_error(host):
    host.mkdir(parents=True)
    for text in ("{", "[]", '{"agents": {"HR": "../x"}}', '{"agents": []}'):
        (host / "agents.json").write_text(text)
        with pytest.raises(InputError, match=r"agents\.json: .*; expected .*\. Remove the file and run"):
            run_folder.read_index(host)


def test_plans_are_read_for_one_host_and_a_missing_one_is_told(host, tmp_path):
    store(host, tmp_path, [export()])
    migrations = [{"from": "mim01", "management_agent": "HR"}]
    with pytest.raises(InputError, match=r"Run playbooks/stage\.yml first"):
        run_folder.plans(host.parent, migrations, "ecma01")
    assert run_folder.plans(host.parent, migrations, "ecma01", prediction=True) == []
    folder = host / "hr-73cee0a2" / "to" / "ecma01"
    folder.mkdir(parents=True)
    (folder / "plan.json").write_text(json.dumps({"files": []}))
    assert run_folder.plans(host.parent, migrations, "ecma01") == [{"files": []}]


@pytest.mark.parametrize("sum_of_it", [{}, {"checksum": None}, {"checksum": ""}])
def test_a_file_that_cannot_be_read_is_named(sum_of_it):
    with pytest.raises(InputError) as error:
        exports.listing([{"path": rf"{ROOT}\log\hr.log", **sum_of_it}], ROOT)
    assert str(error.value).startswith(
        rf"{ROOT}\log\hr.log: listing: no SHA-256, so that its content cannot be read; expected a file that"
    )


def test_a_file_that_cannot_be_read_does_not_matter_where_nothing_needs_it():
    files = [{"path": rf"{ROOT}\a.dll", "checksum": "AB"}, {"path": rf"{ROOT}\keys.bin", "checksum": None}]
    assert exports.listing(files, ROOT, wanted=lambda name: name == "a.dll") == {"a.dll": "ab"}
