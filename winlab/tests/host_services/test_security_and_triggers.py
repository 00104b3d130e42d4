"""Who may use a service, and what starts it: `sc.exe sdset`, `sc.exe triggerinfo`."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from winlab.errors import NotModelled
from winlab.host import service_security as security
from winlab.host import service_triggers, sids
from winlab.host.model import Host
from winlab.host.service_types import Service
from winlab.host.sessions import Session
from winlab.programs import ProcessResult

from winlab import programs, system_programs

RESTRICTED = "D:(A;;CCDCLCSWRPWPDTLOCRSDRCWDWO;;;SY)(A;;CCDCLCSWRPWP;;;BA)(A;;CCLCSWLOCRRC;;;SU)"


@pytest.fixture
def windows(tmp_path: Path) -> Host:
    host = Host("win01", {}, tmp_path / "host")
    host.environment.seed()
    system_programs.install(host)
    host.services.create(Service("one", image_path=r"C:\Windows\System32\svchost.exe -k x"))
    return host


def session_of(host: Host, name: str = "Administrator") -> Session:
    return host.accounts.token(host.accounts.resolve(name).sid)


def sc(host: Host, line: str, name: str = "Administrator") -> ProcessResult:
    return programs.run(host, session_of(host, name), f"sc.exe {line}", cwd="C:\\")


@pytest.mark.parametrize(
    ("descriptor", "wanted", "granted"),
    [
        ("", [security.CHANGE_CONFIG, security.DELETE], True),
        (RESTRICTED, [security.CHANGE_CONFIG, security.START], True),
        (RESTRICTED, [security.DELETE], False),
        ("D:(D;;RP;;;BA)(A;;RPWP;;;BA)", [security.START], False),
        ("D:(D;;RP;;;BA)(A;;RPWP;;;BA)", [security.STOP], True),
        ("D:(A;;RPWP;;;BA)(D;;RP;;;BA)", [security.START], True),  # in their order
        ("D:(A;;RP;;;BA)(A;;WP;;;WD)", [security.START, security.STOP], True),
        ("D:", [security.START], False),
    ],
)
def test_rules_count_in_their_order(windows: Host, descriptor: str, wanted: list[str], granted: bool) -> None:
    session = session_of(windows)
    session = replace(session, groups=session.groups | {sids.ADMINISTRATORS, sids.EVERYONE})
    assert security.is_granted(descriptor, session, wanted) is granted


@pytest.mark.parametrize("rule", ["(A;CI;RP;;;BA)", "(A;;0x10;;;BA)", "(A;;ZZ;;;BA)", "(A;;RP;;;XX)"])
def test_other_rules_are_not_modelled(rule: str) -> None:
    with pytest.raises(NotModelled):
        security.parse(f"D:{rule}")


def test_a_descriptor_holds_for_administrators_too_and_outlives_the_state_file(
    windows: Host, tmp_path: Path
) -> None:
    assert sc(windows, f"sdset one {RESTRICTED}").stdout == "[SC] SetServiceObjectSecurity SUCCESS\r\n"
    assert sc(windows, "sdset one D:").rc == 5
    assert sc(windows, "delete one").rc == 5
    assert sc(windows, "triggerinfo one start/networkon").rc == 0
    windows.save()
    again = Host("win01", {}, windows.state_dir)
    assert again.load()
    service = again.services.require("one")
    assert (service.security, service.triggers) == (RESTRICTED, ("start/networkon",))


def test_what_is_no_descriptor_is_refused(windows: Host) -> None:
    result = sc(windows, "sdset one nonsense")
    assert result.rc == 1338
    assert "FAILED 1338" in result.stdout
    assert sc(windows, "sdset none D:").rc == 1060


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("start/namedpipe/abc", ("start_service", "network_endpoint", "named_pipe_event", ["abc"])),
        ("stop/networkoff", ("stop_service", "ip_address_availability", "network_last_ip_removal", [])),
        (
            "start/portopen/1;tcp;i;s",
            ("start_service", "firewall_port_event", "firewall_port_open", [["1", "tcp", "i", "s"]]),
        ),
        (
            "stop/custom/0e0682e2-9951-4e6d-a36a-a0047e616f28/11223344/aa",
            ("stop_service", "custom", "custom", ["ESIzRA==", "qg=="]),
        ),
        (
            "start/strcustom/0e0682e2-9951-4e6d-a36a-a0047e616f28/11",
            ("start_service", "custom", "custom", ["11"]),
        ),
    ],
)
def test_a_trigger_is_shown_as_win_service_info_shows_it(
    text: str, shown: tuple[str, str, str, list[object]]
) -> None:
    found = service_triggers.shown(text)
    data = [item["data"] for item in found["data_items"]]
    assert (found["action"], found["type"], found["sub_type"], data) == shown


@pytest.mark.parametrize(
    "text",
    [
        "start/device/x",
        "stop/namedpipe/a",
        "start/namedpipe",
        "start/networkon/x",
        "start/custom/x/1",
        "start",
    ],
)
def test_another_trigger_is_not_modelled(text: str) -> None:
    with pytest.raises(NotModelled):
        service_triggers.shown(text)


def test_triggers_replace_those_there_were(windows: Host) -> None:
    sc(windows, "triggerinfo one start/networkon start/domainjoin")
    assert windows.services.require("one").triggers == ("start/networkon", "start/domainjoin")
    sc(windows, "triggerinfo one delete")
    assert windows.services.require("one").triggers == ()
