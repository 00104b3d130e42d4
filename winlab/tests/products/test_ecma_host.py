"""The agent package and the ECMA Connector Host that it brings."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from winlab.errors import NotModelled, Win32Error
from winlab.host.registry import Value
from winlab.products import ecma_host, windows_server

from winlab import fault_effects

SETUP = r"C:\media\agent\AADConnectProvisioningAgentSetup.exe"
ECMA = ecma_host.HOST_FOLDER + r"\Service\ECMA"


def tls(box: Any) -> None:
    for key, name, data in ecma_host.TLS_VALUES:
        box.host.registry.set(key, name, Value("dword", data))


@pytest.fixture
def ready(dotnet_4_8: Any) -> Any:
    tls(dotnet_4_8)
    return dotnet_4_8


@pytest.fixture
def installed(ready: Any) -> Any:
    assert ready.run([SETUP, "/quiet"]).rc == 0
    return ready


def present(box: Any) -> bool:
    host = box.host
    return (
        host.files.exists(ecma_host.HOST_FOLDER)
        or host.files.exists(ecma_host.AGENT_FOLDER)
        or any(host.services.get(name) for name in (ecma_host.SERVICE, ecma_host.AGENT_SERVICE))
        or host.packages.get(ecma_host.PACKAGE_CODE) is not None
        or ecma_host.STATE in host.products
    )


def test_quiet_set_up_brings_products_services_and_microsofts_connectors(installed: Any) -> None:
    host = installed.host
    service = next(s for s in host.services.all() if s.display_name == "Microsoft ECMA2Host")
    assert (service.state, service.account) == ("running", r"NT AUTHORITY\NetworkService")
    agent = host.services.get("AADConnectProvisioningAgent")
    assert (agent.state, agent.account) == ("running", r"NT SERVICE\AADConnectProvisioningAgent")
    names = {product.name for product in host.packages.all()}
    assert {
        "Microsoft Entra Connect Provisioning Agent",
        "Microsoft Entra Connect Agent Updater",
        "Microsoft Entra Provisioning Agent Package",
    } <= names
    assert {
        "Microsoft.IAM.Connector.GenericLdap.dll",
        "Microsoft.IAM.Connector.GenericSql.dll",
        "Microsoft.IAM.Connector.PowerShell.dll",
        "Microsoft.IdentityManagement.MA.WebServices.dll",
        "Microsoft.MetadirectoryServicesEx.dll",
    } <= set(host.files.listdir(ECMA))


@pytest.mark.parametrize(
    "spoil",
    [
        lambda box: windows_server.dotnet(box.host, windows_server.DOTNET_4_6_2),
        lambda box: box.host.registry.set(
            windows_server.VERSION_KEY, "InstallationType", Value("string", "Server Core")
        ),
        lambda box: box.host.registry.delete_value(*ecma_host.TLS_VALUES[0][:2]),
        lambda box: box.host.registry.set(*ecma_host.TLS_VALUES[3][:2], Value("dword", 0)),
        lambda box: box.host.accounts.grant("SeDenyServiceLogonRight", "S-1-5-80-0"),
        lambda box: box.host.files.set_free_bytes("C", 20_000),
    ],
    ids=["old .NET", "Server Core", "TLS unset", "TLS off", "virtual account denied", "disk full"],
)
def test_set_up_without_its_requirements_ends_with_1603_and_leaves_nothing(
    ready: Any, spoil: Callable[[Any], None]
) -> None:
    spoil(ready)
    assert ready.run([SETUP, "/quiet"]).rc == 1603
    assert not present(ready)


def test_user_without_administrators_group_gets_1603(ready: Any) -> None:
    assert ready.run([SETUP, "/quiet"], ready.person("bob", "Users")).rc == 1603
    assert not present(ready)


def test_left_over_service_of_an_earlier_host_stops_the_set_up(installed: Any) -> None:
    installed.host.packages.remove(ecma_host.PACKAGE_CODE)
    assert installed.run([SETUP, "/quiet"]).rc == 1603


@pytest.mark.parametrize("words", [[], ["/norestart"], ["/quiet", "/strange"]])
def test_unknown_use_is_named(ready: Any, words: list[str]) -> None:
    with pytest.raises(NotModelled):
        ready.run([SETUP, *words])


@pytest.mark.parametrize(("code", "there"), [(0, True), (3010, True), (1603, False)])
def test_exit_code_is_what_the_definition_asks_for(make: Callable[..., Any], code: int, there: bool) -> None:
    box = make(setup_exit_codes={ecma_host.SETUP: code}, roles=["dotnet-4.8"])
    tls(box)
    assert box.run([SETUP, "/quiet"]).rc == code
    assert present(box) is there
    assert bool(box.host.pending_reboot()) is (code == 3010)


def test_second_run_changes_nothing(installed: Any) -> None:
    before = sorted((e.path, e.sha256) for e in installed.host.files.walk(r"C:\Program Files"))
    assert installed.run([SETUP, "/quiet"]).rc == 0
    assert before == sorted((e.path, e.sha256) for e in installed.host.files.walk(r"C:\Program Files"))


def test_running_service_holds_every_dll_and_a_stopped_one_none(installed: Any) -> None:
    host, path = installed.host, rf"{ECMA}\Microsoft.IAM.Connector.GenericSql.dll"
    with pytest.raises(Win32Error) as caught:
        host.files.write_bytes(path, b"MZ other")
    assert caught.value.code == 32
    host.services.stop(ecma_host.SERVICE)
    host.files.write_bytes(path, b"MZ other")
    assert host.files.read_bytes(path) == b"MZ other"


def test_cached_copy_of_a_configured_connector_is_not_refreshed(installed: Any) -> None:
    host = installed.host
    host.products[ecma_host.STATE]["connectors"].append({"name": "HR", "library": "Contoso.Hr.Connector"})
    host.services.stop(ecma_host.SERVICE)
    host.files.write_bytes(rf"{ECMA}\Contoso.Hr.Connector.dll", b"MZ one")
    host.services.start(ecma_host.SERVICE)
    copies = [
        rf"{ECMA}\Cache\HR\Contoso.Hr.Connector.dll",
        rf"{ECMA}\Cache\HR\AutosyncService\Contoso.Hr.Connector.dll",
    ]
    assert [host.files.read_bytes(path) for path in copies] == [b"MZ one"] * 2
    assert host.files.holder_of(copies[1]) == "service:ecma2host"
    host.services.stop(ecma_host.SERVICE)
    host.files.write_bytes(rf"{ECMA}\Contoso.Hr.Connector.dll", b"MZ two")
    host.services.start(ecma_host.SERVICE)
    assert [host.files.read_bytes(path) for path in copies] == [b"MZ one"] * 2


def test_removal_leaves_files_of_others(installed: Any) -> None:
    installed.host.services.stop(ecma_host.SERVICE)
    installed.host.files.write_bytes(rf"{ECMA}\Other.dll", b"MZ")
    assert installed.run([SETUP, "/uninstall", "/quiet"]).rc == 0
    assert [e.path for e in installed.host.files.walk(ecma_host.HOST_FOLDER) if not e.is_dir] == [
        rf"{ECMA}\Other.dll"
    ]
    assert installed.host.services.get(ecma_host.SERVICE) is None


def test_host_runs_again_after_a_reboot_and_a_reload(installed: Any) -> None:
    box = installed.again()
    box.host.reboot()
    assert box.host.services.get(ecma_host.SERVICE).state == "running"
    assert box.host.files.holder_of(rf"{ECMA}\Microsoft.IAM.Connector.GenericSql.dll")


CACHED = rf"{ecma_host.PACKAGE_CACHE}\{ecma_host.SETUP}"


def _stays(box, installed):
    box.host.faults.set("service", name="ECMA2Host")


def _overwritten(box, installed):
    box.host.files.write_bytes(CACHED, b"something else")


def _deleted(box, installed):
    box.host.files.delete(CACHED)


@pytest.mark.parametrize("spoil", [_stays, _overwritten, _deleted])
def test_a_removal_that_cannot_be_done_ends_with_a_fatal_error_and_changes_nothing(installed, spoil):
    fault_effects.attach(installed.host)
    spoil(installed, installed)
    ended = installed.run([SETUP, "/uninstall", "/quiet"])
    assert ended.rc == 1603
    states = {service.name: service.state for service in installed.host.services.all()}
    assert {states[name] for name in ("ECMA2Host", ecma_host.AGENT_SERVICE)} == {"running"}
    assert installed.host.packages.get(ecma_host.PACKAGE_CODE) is not None
