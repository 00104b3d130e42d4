"""What an administrator reads at two in the morning, and that nothing half done is left on the ECMA host."""

import contextlib
import json
import os
import re
import shutil

import pytest

from mim2ecma.rollout.claims import claim

from .conftest import ROOT

ECMA = r"C:\Program Files\Microsoft ECMA2Host\Service\ECMA"


@contextlib.contextmanager
def untouched(lab, host="ecma01"):
    """The host is the same afterwards, apart from what a logon leaves."""
    before = lab.lasting(host)
    yield
    assert lab.lasting(host) == before


def told(result, *parts):
    assert result.code not in {0}, result.output
    for part in parts:
        assert part in result.flat, f"{part!r} not in:\n{result.output}"


@pytest.mark.parametrize("host", ["mim01", "mim02", "ecma01"])
def test_a_wrong_password_is_told(lab, host):
    with untouched(lab):
        result = lab.play("migrate.yml", "--limit", host, variables={"ansible_password": "wrong-password"})
    told(
        result,
        f"{host}: WinRM: the credentials of Administrator were rejected; expected an account of this host and its password",
        "Check ansible_user and ansible_password (vault)",
    )


def test_a_host_that_is_away_is_told(lab):
    with untouched(lab):
        result = lab.play("migrate.yml", variables={"ansible_port": 9})
    told(
        result,
        "mim01: WinRM: nothing answers on port 9 of 127.",
        "expected the WinRM service. Check that the host runs",
    )


def test_an_untrusted_certificate_is_told(lab, tmp_path):
    from winlab import pki

    other = pki.ensure_ca(tmp_path / "another-authority")
    with untouched(lab):
        result = lab.play("migrate.yml", variables={"ansible_winrm_ca_trust_path": str(other)})
    told(
        result,
        "mim01: WinRM: the certificate is not trusted",
        "Give the authority's certificate in ansible_winrm_ca_trust_path",
    )


@pytest.mark.parametrize(
    "phase", ["playbooks/export.yml", "playbooks/prepare.yml", "playbooks/stage.yml", "playbooks/verify.yml"]
)
def test_a_phase_alone_tells_it_as_well(lab, phase):
    result = lab.play(phase, variables={"ansible_password": "wrong-password"})
    told(result, "the credentials of Administrator were rejected")


def test_missing_media_stop_the_run_before_anything(lab):
    with untouched(lab), untouched(lab, "mim01"):
        result = lab.play("migrate.yml", variables={"mim_sync_media_source": "/nowhere/media"})
    told(
        result,
        "mim01: mim_sync_media_source: no file /nowhere/media/Synchronization Service.msi on the controller; "
        'expected the component folder "Synchronization Service"',
        "Copy that whole folder from the ISO",
    )


def test_a_missing_installer_of_the_agent_stops_the_run_before_anything(lab):
    with untouched(lab), untouched(lab, "mim01"):
        result = lab.play("migrate.yml", variables={"ecma_host_installer": "/nowhere/setup.exe"})
    told(
        result,
        "ecma01: ecma_host_installer: no file /nowhere/setup.exe on the controller; expected AADConnect",
    )


def test_setup_that_ends_with_1603_is_told_from_its_log(lab):
    with untouched(lab):
        result = lab.play("migrate.yml", variables={"mim_sync_properties": {"ACCEPT_EULA": "0"}})
    told(
        result,
        "mim01: Synchronization Service.msi: setup failed with 1603 (",
        "expected exit code 0 or 3010. Read the lines above",
    )


def test_an_sql_server_that_is_away_is_told_before_setup(lab):
    lab.adhoc("mim01", "ansible.windows.win_service", "name=MSSQLSERVER state=stopped")
    with untouched(lab):
        result = lab.play("migrate.yml")
    told(
        result,
        "mim01: SQL Server localhost: not reached (",
        "expected a default instance",
        "Start SQL Server",
    )


def test_a_stopped_synchronization_service_is_told(lab):
    lab.adhoc("mim02", "ansible.windows.win_service", "name=FIMSynchronizationService state=stopped")
    with untouched(lab):
        result = lab.play("migrate.yml")
    told(
        result,
        "mim02: management agents of MIM Synchronization Service: ",
        "expected their list. Check that FIMSynchronizationService runs",
    )


def test_maexport_that_fails_is_told(lab):
    def fill(state):
        for drive in state["files"]["drives"]:
            drive["reserved"] = drive["size"]

    lab.edit("mim02", fill)
    with untouched(lab):
        result = lab.play("migrate.yml")
    told(
        result,
        "mim02: maexport.exe Fabrikam Badges (plant & campus): ended with",
        "expected 0. Check that FIMSynchronizationService runs",
    )


def test_a_server_configuration_that_is_not_imported_is_told(lab, tmp_path):
    for name in ("MV.xml", "MA-1.xml"):
        (tmp_path / name).write_text("<mv-data>")
    result = lab.play(
        "playbooks/prepare.yml", "--limit", "mim01", variables={"mim_configuration_source": str(tmp_path)}
    )
    told(
        result,
        f"mim01: server configuration {tmp_path}: MA-1.xml: not well-formed XML",
        "expected an import without errors. Look into the Application event log",
    )


def test_a_package_that_fails_does_not_cost_the_one_before_its_restart(lab, tmp_path):
    (tmp_path / "bad.msi").write_text("no package")
    media = ROOT / "winlab" / "src" / "winlab" / "media" / "connectors" / "ContosoHrConnector.msi"
    packages = [{"source": str(media)}, {"source": str(tmp_path / "bad.msi")}]
    result = lab.play(
        "playbooks/prepare.yml", "--limit", "mim01", variables={"mim_connector_packages": packages}
    )
    told(result, "mim01: bad.msi: ", "This installation package could not be opened")
    assert re.search(
        r"TASK \[mim_connector : Restart the service[^]]*\] \**\s+changed: \[mim01\]", result.output
    )


def test_an_unknown_management_agent_is_told_with_the_known_ones(lab):
    migrations = [{"management_agent": "fabrikam badges", "from": "mim02", "to": ["ecma01"]}]
    with untouched(lab):
        result = lab.play("migrate.yml", variables={"mim2ecma_migrations": migrations})
    told(
        result,
        "mim02: management agent fabrikam badges: not on this server; expected one of",
        "Fabrikam Badges (plant & campus)",
        "case matters",
    )


@pytest.mark.parametrize(
    "migrations",
    [
        [{"management_agent": "x", "from": "mim09", "to": ["ecma01"]}],
        [{"management_agent": "x", "from": "mim02", "to": ["ecma09"]}],
        [{"management_agent": "x", "from": "mim02", "to": []}],
        [],
    ],
)
def test_wrong_names_in_the_data_are_told(lab, migrations):
    with untouched(lab), untouched(lab, "mim01"):
        result = lab.play("migrate.yml", variables={"mim2ecma_migrations": migrations})
    told(result, "inventory: mim2ecma_migrations: ", "; expected one")


def test_malformed_xml_stops_the_assessment(migrated):
    export = next((migrated.runs / "lab").glob("mim01/*/export/*.xml"))
    export.write_bytes(export.read_bytes()[:-200])
    with untouched(migrated):
        result = migrated.play("playbooks/assess.yml")
    told(result, "R1 error: ", "; expected ")


def test_an_export_that_is_not_ready_stops_the_run_with_the_finding(migrated):
    export = next((migrated.runs / "lab").glob("mim01/*/export/*.xml"))
    text = export.read_text("utf-8")
    without, count = re.subn(r"(<export-enabled[^>]*>)1<", r"\g<1>0<", text)
    assert count == 1
    export.write_text(without, "utf-8", newline="")
    with untouched(migrated):
        result = migrated.play("playbooks/assess.yml")
    told(result, "R6 error: ")


def test_a_phase_without_the_one_before_says_which_to_run(lab):
    told(
        lab.play("playbooks/assess.yml"),
        "no export; expected the run folder of an earlier export. Run playbooks/export.yml first.",
    )


def test_staging_alone_touches_nothing_of_what_was_not_judged(lab):
    with untouched(lab):
        result = lab.play("playbooks/stage.yml")
    told(
        result,
        "ecma01: Contoso HR of mim01: its export is not there or was not judged since; "
        "expected the run folder of an assessed export. Run playbooks/export.yml and playbooks/assess.yml first.",
    )


def test_staging_alone_refuses_what_is_not_ready_with_the_finding(migrated):
    inspection = next((migrated.runs / "lab").glob("mim01/*/inspection.json"))
    content = json.loads(inspection.read_text())
    content["verdict"] = "not-ready"
    content["findings"].append(
        {
            "id": "R6",
            "severity": "error",
            "where": "export-enabled",
            "found": "0",
            "expected": "1",
            "next_step": "Do.",
        }
    )
    inspection.write_text(json.dumps(content))
    with untouched(migrated):
        result = migrated.play("playbooks/stage.yml")
    told(result, "R6 error: export-enabled: 0; expected 1. Do.")


def test_staging_alone_installs_nothing_for_a_connector_that_lacks_a_library(migrated):
    next((migrated.runs / "lab").glob("mim01/Extensions/Contoso.Hr.Protocol.dll")).unlink()
    told(
        migrated.play("playbooks/assess.yml"),
        "mim01: Contoso HR: C1 error: Contoso.Hr.Connector.dll: no file for",
    )
    migrated.reset("bare")
    with untouched(migrated):
        result = migrated.play("playbooks/stage.yml")
    told(result, "ecma01: Contoso HR: C1 error: Contoso.Hr.Connector.dll: no file for 'Contoso.Hr.Protocol")
    outcomes = {
        json.loads(path.read_text())["outcome"] for path in (migrated.runs / "lab" / "records").iterdir()
    }
    assert outcomes == {"refused"}


def test_run_folders_that_cannot_be_written_stop_the_run_before_anything(lab, tmp_path):
    (tmp_path / "file").write_text("")
    with untouched(lab), untouched(lab, "mim01"):
        result = lab.play("migrate.yml", variables={"mim2ecma_runs_dir": str(tmp_path / "file")})
    told(
        result,
        f"{tmp_path}/file/lab: controller: Not a directory; expected a place",
        "Check mim2ecma_runs_dir",
    )


@pytest.mark.parametrize("name", ["../lab", "..", "a/b", ""])
def test_the_name_of_an_inventory_leads_nowhere_else(lab, name):
    with untouched(lab), untouched(lab, "mim01"):
        result = lab.play("migrate.yml", variables={"mim2ecma_inventory_id": name})
    told(
        result, f"inventory: mim2ecma_inventory_id: {name}; expected the name of one folder, without a path."
    )


def test_a_second_run_on_the_same_host_is_refused(migrated):
    claim(migrated.runs / "lab", "ecma01", os.getpid())
    with untouched(migrated):
        result = migrated.play("migrate.yml")
    told(
        result,
        f"ecma01: run folders {migrated.runs}/lab: process {os.getpid()} of this controller works on this host; "
        "expected one run at a time.",
    )


def test_a_home_folder_in_the_place_of_the_run_folders_is_one_place(migrated):
    shutil.copytree(migrated.runs, migrated.folder / "home" / "runs", dirs_exist_ok=True)
    result = migrated.play(
        "playbooks/assess.yml",
        variables={"mim2ecma_runs_dir": "~/runs"},
        environment={"HOME": str(migrated.folder / "home")},
    )
    assert result.code == 0, result.output
    assert f"record: {migrated.folder}/home/runs/lab/records/" in result.flat


def test_a_run_without_an_inventory_does_not_end_as_if_all_were_well(lab, tmp_path):
    result = lab.play("migrate.yml", inventory=tmp_path / "nowhere")
    told(
        result,
        "inventory: group mim_hosts: no host; expected the servers that run MIM Synchronization Service.",
    )


def test_an_inventory_without_the_groups_is_told_them(lab, tmp_path):
    inventory = tmp_path / "hosts.yml"
    inventory.write_text("all: {children: {mim_hosts: {hosts: {a: }}, ecma_servers: {hosts: {b: }}}}\n")
    told(
        lab.play("migrate.yml", inventory=inventory),
        "inventory: group ecma_hosts: no host; expected the servers that run the ECMA Connector Host. "
        "Give an inventory with the groups mim_hosts and ecma_hosts (-i)",
    )


@pytest.mark.parametrize(
    "consent",
    ["ecma_host_manage_tls=false", "ecma_host_allow_reboot=false", '{"ecma_host_manage_tls": false}'],
)
@pytest.mark.parametrize("mode", [(), ("--check",)])
def test_without_consent_tls_is_not_switched_on_and_nothing_is_installed(migrated, consent, mode):
    migrated.reset("bare")
    with untouched(migrated):
        result = migrated.play("playbooks/stage.yml", "-e", consent, *mode)
    told(
        result,
        r"SCHANNEL\Protocols\TLS 1.2\Client: DisabledByDefault is missing; expected 0, for TLS 1.2 must be on",
        "Set ecma_host_manage_tls: true and ecma_host_allow_reboot: true",
    )


@pytest.mark.parametrize(
    ("playbook", "consent", "words"),
    [
        ("stage", "ecma_host_accept_terms=no", "ecma01: ecma_host_accept_terms: false; expected true"),
        ("preflight", "mim_sync_accept_eula=false", "mim01: mim_sync_accept_eula: false; expected true"),
    ],
)
def test_terms_that_are_refused_on_the_command_line_are_refused(migrated, playbook, consent, words):
    migrated.reset("bare")
    told(migrated.play(f"playbooks/{playbook}.yml", "-e", consent), words)


@pytest.mark.parametrize(
    ("payload", "words"),
    [
        ({"source": "/nowhere/hr.wsconfig"}, "/nowhere/hr.wsconfig: not on the controller; expected a file"),
        (
            {"source": "/etc/hostname", "management_agent": "Contoso Hr"},
            "/etc/hostname: for Contoso Hr; expected one of Contoso HR, Fabrikam Badges (plant & campus)",
        ),
    ],
)
def test_declared_payload_is_checked_before_anything(migrated, payload, words):
    migrated.reset("bare")
    with untouched(migrated):
        result = migrated.play("playbooks/stage.yml", variables={"ecma_stage_payload": [payload]})
    told(result, f"ecma01: ecma_stage_payload: {words}", "Correct")


def test_a_damaged_list_of_what_is_ours_is_told(migrated):
    migrated.do("ecma01", ("ansible.windows.win_copy", {"content": "{", "dest": migrated_manifest()}))
    with untouched(migrated):
        result = migrated.play("playbooks/stage.yml")
    told(
        result,
        f"ecma01: {migrated_manifest()}: not the list that a run writes; expected JSON",
        "remove the file",
    )


def test_a_connection_that_breaks_off_is_told(migrated):
    migrated.winlab("fault", "ecma01", "set", "drop", "operation=Command", "nth=3", "times=0")
    with untouched(migrated):
        result = migrated.play("playbooks/verify.yml")
    migrated.winlab("fault", "ecma01", "clear")
    told(result, "ecma01: WinRM: the connection broke off during the task '", "then run again")


def test_a_foreign_file_in_the_way_is_not_replaced(migrated):
    path = rf"{ECMA}\Contoso.Json.dll"
    migrated.do(
        "ecma01",
        ("ansible.windows.win_file", {"path": migrated_manifest(), "state": "absent"}),
        ("ansible.windows.win_service", {"name": "Microsoft ECMA2Host", "state": "stopped"}),
        ("ansible.windows.win_copy", {"content": "foreign", "dest": path}),
    )
    with untouched(migrated):
        result = migrated.play("playbooks/stage.yml")
    told(result, f"ecma01: {path}: ", "expected a place that is free or ours for Contoso HR")


def migrated_manifest():
    return r"C:\ProgramData\mim2ecma\ecma\staged.json"
