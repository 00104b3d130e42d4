"""What is decided for each file of an ECMA host."""

from __future__ import annotations

from typing import Any

import pytest

from mim2ecma.assemblies.host import HostFile
from mim2ecma.documents.schemas import validate
from mim2ecma.staging.plan import Action, HostState, StagingError, Wanted, make_plan, wanted_files

FOLDER = "C:\\Program Files\\Microsoft ECMA2Host\\Service\\ECMA"
OLD, NEW, OTHER = "a" * 64, "b" * 64, "c" * 64


def on_host(path: str, sha256: str | None = OLD, size: int = 10) -> HostFile:
    return HostFile(path if ":" in path else f"{FOLDER}\\{path}", sha256, size)


def wanted(target: str = "Contoso.dll", sha256: str = NEW, size: int = 20) -> Wanted:
    return Wanted(target, f"Extensions/{target}", sha256, size, "the connector")


def state(*files: HostFile, **more: Any) -> HostState:
    return HostState("ecma01", FOLDER, files, **more)


def decide(*files: HostFile, item: Wanted | None = None, **more: Any) -> tuple[str, str, str]:
    options = {name: more.pop(name) for name in ("replace", "keep") if name in more}
    plan = make_plan([item or wanted()], state(*files, **more), **options)
    first = next(file for file in plan.files if "Cache" not in file.target)
    return first.action.value, first.owner.value, first.reason


OURS_OLD = {"ours": (on_host("Contoso.dll", OLD),)}


@pytest.mark.parametrize(
    ("files", "more", "expected"),
    [
        ([], {}, ("add", "ours", "the connector; not on the host")),
        ([on_host("Contoso.dll", NEW)], {}, ("keep", "foreign", "the connector; the host has the same file")),
        (
            [on_host("CONTOSO.DLL", NEW)],
            {"ours": (on_host("contoso.dll", NEW),)},
            ("keep", "ours", "the connector; the host has the same file"),
        ),
        (
            [on_host("Contoso.dll")],
            OURS_OLD,
            ("replace", "ours", "the connector; an earlier run staged another build"),
        ),
        (
            [on_host("Contoso.dll", OTHER)],
            OURS_OLD,
            ("refuse", "foreign", "the connector; somebody changed the file that we staged"),
        ),
        (
            [on_host("Contoso.dll")],
            {},
            ("refuse", "foreign", "the connector; a file of unknown origin is there"),
        ),
        (
            [on_host("Contoso.dll")],
            {"replace": ["contoso.DLL"]},
            ("replace", "foreign", "the connector; replacing the foreign file was allowed"),
        ),
        (
            [on_host("Contoso.dll")],
            {"keep": ["Contoso.dll"]},
            ("keep", "foreign", "the connector; the host's own file stays, as decided"),
        ),
        (
            [on_host("Contoso.dll", None)],
            {},
            (
                "refuse",
                "foreign",
                "the connector; its content cannot be read: the listing has no SHA-256 of it",
            ),
        ),
    ],
)
def test_one_file_gets_one_action_with_owner_and_reason(
    files: list[HostFile], more: dict[str, Any], expected: tuple[str, str, str]
) -> None:
    assert decide(*files, **more) == expected


@pytest.mark.parametrize(
    ("name", "sha256", "more", "expected"),
    [
        # another file of that name came with the package: a person has to look
        ("Newtonsoft.Json.dll", OLD, {}, ("refuse", "vendor")),
        ("System.Buffers.dll", OLD, {}, ("refuse", "vendor")),
        ("Newtonsoft.Json.dll", NEW, {}, ("keep", "vendor")),
        # Microsoft's own connector: the host's build is the right one there
        ("Microsoft.IAM.Connector.GenericSql.dll", OLD, {}, ("keep", "vendor")),
        ("Microsoft.IdentityManagement.MA.WebServices.dll", OLD, {}, ("keep", "vendor")),
        # never replaced, not even when somebody asks for it
        ("Newtonsoft.Json.dll", OLD, {"replace": ["Newtonsoft.Json.dll"]}, ("refuse", "vendor")),
        (
            "Microsoft.MetadirectoryServicesEx.dll",
            OLD,
            {"replace": ["Microsoft.MetadirectoryServicesEx.dll"]},
            ("keep", "vendor"),
        ),
        # a list of the package's files decides where there is one
        ("Contoso.dll", OLD, {"vendor": (on_host("Contoso.dll"),)}, ("refuse", "vendor")),
        ("System.Buffers.dll", OLD, {"vendor": (on_host("Contoso.dll"),)}, ("refuse", "foreign")),
    ],
)
def test_files_of_the_agent_package_are_never_replaced(
    name: str, sha256: str, more: dict[str, Any], expected: tuple[str, str]
) -> None:
    assert decide(on_host(name, sha256), item=wanted(name), **more)[:2] == expected


def test_what_stays_although_it_differs_is_not_copied() -> None:
    name = "Microsoft.IAM.Connector.PowerShell.dll"
    [file] = make_plan([wanted(name)], state(on_host(name))).files
    assert (file.source, file.sha256) == (None, OLD)


def test_microsofts_own_connector_that_is_not_there_is_refused() -> None:
    action, owner, reason = decide(item=wanted("Microsoft.IAM.Connector.GenericLdap.dll"))
    assert (action, owner) == ("refuse", "vendor")
    assert "Microsoft delivers it with the agent package" in reason


@pytest.mark.parametrize(
    ("files", "more", "actions"),
    [
        # the connector was staged by us: both copies of the service follow
        (
            [
                on_host("Contoso.dll"),
                on_host("Cache\\hr\\Contoso.dll"),
                on_host("Cache\\hr\\AutosyncService\\contoso.DLL"),
            ],
            OURS_OLD,
            {"": "replace", "Cache\\hr": "replace", "Cache\\hr\\AutosyncService": "replace"},
        ),
        # one copy was made after the last change already
        (
            [
                on_host("Contoso.dll", NEW),
                on_host("Cache\\{GUID}\\Contoso.dll", NEW),
                on_host("Cache\\b\\Contoso.dll"),
            ],
            {"ours": (on_host("Contoso.dll", NEW),)},
            {"": "keep", "Cache\\{GUID}": "keep", "Cache\\b": "replace"},
        ),
        # only a stale copy is left of it
        ([on_host("Cache\\hr\\Contoso.dll")], {}, {"": "add", "Cache\\hr": "replace"}),
        # refused: so are its copies
        (
            [on_host("Contoso.dll"), on_host("Cache\\hr\\Contoso.dll")],
            {},
            {"": "refuse", "Cache\\hr": "refuse"},
        ),
        # a folder of that name elsewhere is no copy
        ([on_host("MAData\\hr\\Contoso.dll")], {}, {"": "add"}),
        ([on_host("C:\\Cache\\Contoso.dll")], {}, {"": "add"}),
    ],
)
def test_copies_of_the_service_follow_the_file_they_were_made_from(
    files: list[HostFile], more: dict[str, Any], actions: dict[str, str]
) -> None:
    plan = make_plan([wanted()], state(*files, **more))
    found = {file.target[len(FOLDER) + 1 :].rpartition("\\")[0]: file.action.value for file in plan.files}
    assert found == actions


@pytest.mark.parametrize("sha256", [OLD, NEW])
def test_a_copy_that_cannot_be_read_is_refused_as_the_file_itself_would_be(sha256: str) -> None:
    files = on_host("Contoso.dll", sha256), on_host("Cache\\Hr\\Contoso.dll", None)
    plan = make_plan([wanted()], state(*files, ours=(on_host("Contoso.dll", sha256),)))
    copy = next(file for file in plan.files if "Cache" in file.target)
    assert (copy.action, copy.reason) == (
        Action.REFUSE,
        "the connector; its content cannot be read: the listing has no SHA-256 of it",
    )


def test_copies_of_microsofts_own_connector_are_left_to_the_service() -> None:
    name = "Microsoft.IAM.Connector.PowerShell.dll"
    plan = make_plan([wanted(name)], state(on_host(name), on_host(f"Cache\\ps\\{name}", OTHER)))
    assert [(file.action, file.source) for file in plan.files] == [(Action.KEEP, None), (Action.KEEP, None)]


def test_a_second_plan_after_the_first_was_carried_out_keeps_all() -> None:
    items = [wanted(), wanted("de\\Contoso.resources.dll", OTHER)]
    first = make_plan(items, state())
    assert {file.action for file in first.files} == {Action.ADD}
    there = tuple(HostFile(file.target, file.sha256, file.bytes) for file in first.files)
    second = make_plan(items, state(*there, ours=there))
    assert {file.action for file in second.files} == {Action.KEEP}
    assert second.to_dict()["services"] == []


@pytest.mark.parametrize(
    ("found", "action", "reason"),
    [
        ("started", "stop, then start", "1 file changes; a running service holds its files and keeps copies"),
        ("", "stop, then start", "1 file changes; a running service holds its files and keeps copies"),
        (
            "stopped",
            "leave stopped",
            "1 file changes; the service does not run, ecma_stage_start_service alone starts it",
        ),
    ],
)
def test_the_service_stands_still_only_when_a_file_changes(found: str, action: str, reason: str) -> None:
    plan = make_plan([wanted()], state(service="ECMA2Host", service_state=found)).to_dict()
    assert plan["services"] == [
        {"name": "ECMA2Host", "state": found or None, "action": action, "reason": reason}
    ]


def test_the_backup_lists_what_is_replaced_and_what_a_rollback_removes() -> None:
    plan = make_plan(
        [wanted(), wanted("New.dll")], state(on_host("Contoso.dll"), **OURS_OLD), backup_folder="C:\\backup"
    ).to_dict()
    assert plan["backup"] == {
        "folder": "C:\\backup",
        "files": [{"path": f"{FOLDER}\\Contoso.dll", "sha256": OLD, "bytes": 10}],
        "remove_on_rollback": [f"{FOLDER}\\New.dll"],
        "bytes": 10,
    }
    validate("plan", plan)


@pytest.mark.parametrize(("free", "fits"), [(None, True), (200 * 1024 * 1024, True), (1024, False)])
def test_a_full_disk_stops_before_anything_is_done(free: int | None, fits: bool) -> None:
    if fits:
        assert make_plan([wanted()], state(free_bytes=free)).changes
        return
    with pytest.raises(
        StagingError, match=r"ecma01: disk of the ECMA folder: 1024 bytes free; expected 1048\d+"
    ):
        make_plan([wanted()], state(free_bytes=free))


def test_a_full_disk_does_not_matter_when_nothing_changes() -> None:
    assert make_plan([wanted()], state(on_host("Contoso.dll", NEW), free_bytes=0)).changes == ()


@pytest.mark.parametrize(
    "target",
    [
        "..\\evil.dll",
        "a\\..\\..\\evil.dll",
        "NUL.dll",
        "a.dll:s",
        "a.dll.",
        "C:evil.dll",
        "\\evil.dll",
        "a\\\\b\x00",
        "",
    ],
)
def test_a_target_that_is_no_plain_path_is_refused(target: str) -> None:
    with pytest.raises(StagingError, match="target"):
        make_plan([wanted(target)], state())


def test_two_different_files_for_one_target_are_refused() -> None:
    with pytest.raises(StagingError, match=r"target, 'Extensions/CONTOSO.dll' and 'Extensions/Contoso.dll'"):
        make_plan([wanted(), wanted("CONTOSO.dll", OTHER)], state())
    assert len(make_plan([wanted(), wanted("CONTOSO.dll")], state()).files) == 1


def test_a_declared_absolute_target_is_planned_where_it_is() -> None:
    item = Wanted("C:\\DSN\\hr.dsn", "/files/hr.dsn", NEW, 1, "declared payload", declared=True)
    [file] = make_plan([item], state()).files
    assert file.target == "C:\\DSN\\hr.dsn"


def test_what_nobody_declared_stays_below_the_folder() -> None:
    with pytest.raises(StagingError, match="is not below the ECMA folder"):
        make_plan([wanted("C:\\DSN\\hr.dsn")], state())


def test_a_declared_file_of_another_drive_follows_the_same_rules() -> None:
    item = Wanted("D:\\Data\\hr.csv", "/files/hr.csv", NEW, 1, "declared payload", declared=True)
    there = on_host("d:\\data\\HR.csv", OLD)
    assert make_plan([item], state(there)).files[0].action is Action.REFUSE
    assert make_plan([item], state(there, ours=(there,))).files[0].action is Action.REPLACE
    assert make_plan([item], state(there), replace=["D:\\Data\\hr.csv"]).files[0].action is Action.REPLACE
    assert make_plan([item], state(there), keep=["D:\\Data\\hr.csv"]).files[0].action is Action.KEEP


@pytest.mark.parametrize("name", ["C:\\Windows\\x.dll", "..\\x.dll", "Cache\\x\\Contoso.dll"])
def test_a_decision_about_a_place_that_is_not_ours_to_decide_is_refused(name: str) -> None:
    with pytest.raises(StagingError, match="Correct ecma_stage_keep or ecma_stage_replace"):
        make_plan([wanted()], state(), replace=[name])


def test_two_decisions_about_one_file_are_refused() -> None:
    with pytest.raises(StagingError, match="both keep and replace"):
        make_plan([wanted()], state(), replace=["Contoso.dll"], keep=["CONTOSO.DLL"])


def test_a_satellite_of_one_language_is_no_copy_of_another() -> None:
    names = ("de\\Contoso.resources.dll", "fr\\Contoso.resources.dll")
    copies = [on_host(f"Cache\\x\\{name}") for name in names]
    plan = make_plan([wanted(names[0], NEW), wanted(names[1], OTHER)], state(*copies))
    found = {file.target[len(FOLDER) + 1 :]: file.sha256 for file in plan.files}
    assert found == {
        names[0]: NEW,
        names[1]: OTHER,
        f"Cache\\x\\{names[0]}": NEW,
        f"Cache\\x\\{names[1]}": OTHER,
    }


def test_the_wanted_files_of_a_closure_are_connector_libraries_and_companions() -> None:
    closure = {
        "connector": {"file": "A.dll", "sha256": NEW, "bytes": 1},
        "stage": [
            {"file": "A.dll", "sha256": NEW, "bytes": 1, "wanted_by": []},
            {"file": "B.dll", "sha256": OLD, "bytes": 2, "wanted_by": ["A.dll"]},
        ],
        "companions": [
            {"file": "de\\A.resources.dll", "sha256": OTHER, "bytes": 3, "kind": "satellite", "of": "A.dll"}
        ],
    }
    assert [(item.target, item.source, item.what) for item in wanted_files(closure)] == [
        ("A.dll", "Extensions/A.dll", "the connector"),
        ("B.dll", "Extensions/B.dll", "a library that A.dll needs"),
        ("de\\A.resources.dll", "Extensions/de/A.resources.dll", "a companion (satellite) of A.dll"),
    ]


def test_a_plan_follows_its_schema_and_is_the_same_each_time() -> None:
    files = [on_host("Contoso.dll"), on_host("Cache\\x\\Contoso.dll")]
    plans = [
        make_plan([wanted("B.dll"), wanted()], state(*order, **OURS_OLD)).to_dict()
        for order in (files, files[::-1])
    ]
    validate("plan", plans[0])
    assert plans[0] == plans[1]
