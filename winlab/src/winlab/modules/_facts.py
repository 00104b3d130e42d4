"""Facts of a host, one function a subset, as setup.ps1 of ansible.windows 3.3.0 collects them.

A simulated host says so: `system_vendor` and `bios_version` are `winlab`. Its network card is invented: the
address is one of TEST-NET-1 (RFC 5737), since the loopback address that clients reach is never a fact of a
Windows host.
"""

from __future__ import annotations

import hashlib
import json
import ntpath
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from winlab import scripts
from winlab.host.clock import from_filetime
from winlab.host.timezones import Zone, current_zone
from winlab.modules import Call
from winlab.modules._dotnet import Disk

VENDOR = "winlab"
MODEL = "winlab simulated host"
MEMORY_MB = 8192
FREE_MEMORY_MB = 5320
PAGEFILE_MB = 1280
PROCESSORS = 2
PROCESSOR_NAME = "Intel(R) Xeon(R) CPU E5-2673 v4 @ 2.30GHz"
WORKGROUP = "WORKGROUP"
VERSION_KEY = r"HKLM\SOFTWARE\Microsoft\Windows NT\CurrentVersion"
SERVER_KEY = r"HKLM\SYSTEM\CurrentControlSet\Services\LanmanServer\Parameters"
SERVER_MANAGER_KEY = r"HKLM\SOFTWARE\Microsoft\ServerManager\ServicingStorage\ServerComponentCache"
# `DateTime` of the classic BIOS date that simulated hardware shows; it never changes.
BIOS_DATE = "01/01/2024"
SECONDS_PER_MINUTE = 60


@dataclass
class Gathering:
    """Facts on their way, with the warnings that came up."""

    call: Call
    fact_path: str | None
    facts: dict[str, Any] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)

    def text(self, key: str, name: str) -> str | None:
        """A registry value as text, or None."""
        value = self.call.host.registry.get(key, name)
        return None if value is None else str(value.data)

    def add(self, **facts: Any) -> None:
        """Add facts, each with the prefix `ansible_`."""
        self.facts.update({f"ansible_{name}": value for name, value in facts.items()})


def addresses(name: str) -> tuple[str, str]:
    """The invented IPv4 address and MAC of a host, the same each time for one name."""
    digest = hashlib.sha256(f"winlab network {name}".encode()).digest()
    # 00:15:5D is the prefix of Hyper-V's dynamic addresses, which virtual Windows servers mostly have.
    mac = ":".join(f"{octet:02X}" for octet in (0x00, 0x15, 0x5D, *digest[1:4]))
    return f"192.0.2.{digest[0] % 250 + 2}", mac


def _ip_addresses(run: Gathering) -> None:
    run.add(ip_addresses=[addresses(run.call.host.name)[0]])


def _bios(run: Gathering) -> None:
    identity = hashlib.sha256(f"winlab machine {run.call.host.name}".encode()).digest()
    run.add(
        bios_date=BIOS_DATE,
        bios_version=VENDOR,
        product_name=MODEL,
        product_serial=identity.hex()[:16].upper(),
        product_uuid=str(uuid.UUID(bytes=identity[:16])).upper(),
    )


def _date_time(run: Gathering) -> None:
    """Lines 629-658; `%s` of Windows PowerShell has five decimals, `%W` is the day of the year by seven."""
    zone = current_zone(run.call.host)
    utc = run.call.host.clock.utc()
    local = zone.local(utc)
    epoch = utc.timestamp()
    offset = local.utcoffset() or timedelta()
    run.add(
        date_time={
            "date": f"{local:%Y-%m-%d}",
            "day": f"{local:%d}",
            "epoch_local": f"{epoch + offset.total_seconds():.5f}",
            "epoch": f"{epoch:.5f}",
            "epoch_int": round(epoch),
            "hour": f"{local:%H}",
            "iso8601": f"{utc:%Y-%m-%dT%H:%M:%SZ}",
            "iso8601_basic": f"{local:%Y%m%dT%H%M%S%f}",
            "iso8601_basic_short": f"{local:%Y%m%dT%H%M%S}",
            "iso8601_micro": f"{utc:%Y-%m-%dT%H:%M:%S.%fZ}",
            "minute": f"{local:%M}",
            "month": f"{local:%m}",
            "second": f"{local:%S}",
            "time": f"{local:%H:%M:%S}",
            "tz": zone.name,
            "tz_offset": _offset_text(offset),
            "weekday": f"{local:%A}",
            "weekday_number": f"{local:%w}",
            "weeknumber": str(int(f"{local:%j}") // 7),
            "year": f"{local:%Y}",
        }
    )


def _offset_text(offset: timedelta) -> str:
    minutes = int(offset.total_seconds()) // SECONDS_PER_MINUTE
    sign = "-" if minutes < 0 else "+"
    return f"{sign}{abs(minutes) // 60:02d}:{abs(minutes) % 60:02d}"


def os_version(run: Gathering) -> str:
    """`[Environment]::OSVersion.Version`, such as 10.0.14393.0."""
    major = run.text(VERSION_KEY, "CurrentMajorVersionNumber") or "10"
    minor = run.text(VERSION_KEY, "CurrentMinorVersionNumber") or "0"
    return f"{major}.{minor}.{run.text(VERSION_KEY, 'CurrentBuildNumber') or '14393'}.0"


def _distribution(run: Gathering) -> None:
    """Lines 660-705: the caption comes from WMI, which only an administrator may ask over the network."""
    version = os_version(run)
    installed = run.call.host.registry.get(VERSION_KEY, "InstallTime")
    when = None
    if installed is not None and isinstance(installed.data, int):
        when = f"{datetime.fromtimestamp(from_filetime(installed.data), UTC):%Y-%m-%dT%H:%M:%SZ}"
    caption = None
    if run.call.session.is_admin:
        caption = f"Microsoft {run.text(VERSION_KEY, 'ProductName') or 'Windows Server 2016 Standard'}"
    run.add(
        distribution=caption,
        distribution_version=version,
        distribution_major_version=version.partition(".")[0],
        os_family="Windows",
        os_name=caption,
        os_product_type="server",
        os_installation_type=run.text(VERSION_KEY, "InstallationType"),
        os_install_date=when,
    )


def _env(run: Gathering) -> None:
    run.add(env={name: value.rstrip("\\") for name, value in run.call.variables.items()})


def _interfaces(run: Gathering) -> None:
    address, mac = addresses(run.call.host.name)
    run.add(
        interfaces=[
            {
                "connection_name": "Ethernet",
                "default_gateway": "192.0.2.1",
                "dns_domain": None,
                "interface_index": 4,
                "interface_name": "Microsoft Hyper-V Network Adapter",
                "ipv4": {"address": address, "prefix": "24"},
                "ipv6": None,
                "macaddress": mac,
                "mtu": 1500,
                "speed": 10000,
            }
        ]
    )


def _local(run: Gathering) -> None:
    """Lines 808-838: files of the folder `fact_path`; a script is known by its text like every other."""
    if not run.fact_path:
        return
    disk = Disk(run.call)
    if not disk.test(run.fact_path):
        run.warnings.append(f"Non existing path was set for local facts - {run.fact_path}")
        return
    for entry in disk.entries(run.fact_path, hidden=False):
        name, extension = ntpath.splitext(entry.name)
        if entry.is_dir or extension not in (".ps1", ".json"):
            continue
        text = run.call.host.files.read_bytes(entry.path, run.call.session).decode("utf-8-sig")
        if extension == ".ps1":
            output = scripts.run(
                scripts.ScriptCall(run.call.host, run.call.session, text, environment=run.call.variables)
            ).output
            value = output[0] if len(output) == 1 else output or None
        else:
            try:
                value = json.loads(text)
            except ValueError:
                run.warnings.append(
                    "Error when collecting local facts: ConvertFrom-Json : Invalid JSON primitive."
                )
                continue
        if value is not None:
            run.facts[f"ansible_{name}"] = value


def _memory(run: Gathering) -> None:
    is_admin = run.call.session.is_admin
    run.add(
        memtotal_mb=MEMORY_MB,
        memfree_mb=FREE_MEMORY_MB,
        swaptotal_mb=0,
        pagefiletotal_mb=PAGEFILE_MB if is_admin else None,
        pagefilefree_mb=PAGEFILE_MB if is_admin else None,
    )


def _platform(run: Gathering) -> None:
    """Lines 868-984."""
    host, is_admin = run.call.host, run.call.session.is_admin
    pending = host.pending_reboot()
    restart = run.text(SERVER_MANAGER_KEY, "RestartRequired")
    run.add(
        domain="",
        fqdn=host.computer_name,
        hostname=host.computer_name,
        netbios_name=host.computer_name,
        kernel=os_version(run),
        nodename=host.computer_name,
        machine_id=host.accounts.machine_sid,
        owner_name=run.text(VERSION_KEY, "RegisteredOwner") or "",
        system="Win32NT",
        system_description=run.text(SERVER_KEY, "srvcomment") or "",
        system_vendor=VENDOR,
        architecture="64-bit" if is_admin else None,
        owner_contact="",
        reboot_pending="component_based_servicing" in pending
        or "file_rename_operations" in pending
        or restart not in (None, "0", ""),
        architecture2="x86_64",
    )


def _powershell_version(run: Gathering) -> None:
    run.add(powershell_version=5)


def _processor(run: Gathering) -> None:
    listed = [part for n in range(PROCESSORS) for part in (str(n), "GenuineIntel", PROCESSOR_NAME)]
    run.add(
        processor=listed,
        processor_count=1,
        processor_vcpus=PROCESSORS,
        processor_cores=PROCESSORS,
        processor_threads_per_core=1,
    )


def _uptime(run: Gathering) -> None:
    host = run.call.host
    booted = current_zone(host).local(datetime.fromtimestamp(int(host.boot_time), UTC))
    run.add(
        lastboot=f"{booted:%Y-%m-%d %H:%M:%SZ}",
        uptime_seconds=max(0, round(host.clock.now() - host.boot_time)),
    )


def _user(run: Gathering) -> None:
    variables = {name.upper(): value for name, value in run.call.variables.items()}
    run.add(
        user_dir=variables.get("USERPROFILE"),
        user_gecos="",
        user_id=variables.get("USERNAME"),
        user_sid=run.call.session.sid,
    )


def _windows_domain(run: Gathering) -> None:
    run.add(windows_domain=WORKGROUP, windows_domain_member=False, windows_domain_role="Stand-alone server")


def _winrm(run: Gathering) -> None:
    """Lines 1096-1120: the certificate of the HTTPS listener, for those who may look into WSMan:."""
    certificate = run.call.host.winrm_certificate
    if certificate is None or not run.call.session.is_admin:
        return
    zone: Zone = current_zone(run.call.host)
    run.add(
        win_rm_certificate_expires=f"{zone.local(certificate.expires):%Y-%m-%d %H:%M:%S}",
        win_rm_certificate_thumbprint=certificate.thumbprint,
    )


def _virtual(run: Gathering) -> None:
    # No model or manufacturer that the module's tables know (lines 1136-1167).
    run.add(virtualization_role="NA", virtualization_type="NA")


def _nothing(_run: Gathering) -> None:
    """`facter` without facter.exe on the PATH, and subsets that are only names."""


COLLECTORS: tuple[tuple[tuple[str, ...], Callable[[Gathering], None]], ...] = (
    (("all_ipv4_addresses", "all_ipv6_addresses"), _ip_addresses),
    (("bios",), _bios),
    (("date_time",), _date_time),
    (("distribution",), _distribution),
    (("env",), _env),
    (("facter", "dns"), _nothing),
    (("interfaces",), _interfaces),
    (("local",), _local),
    (("memory",), _memory),
    (("platform",), _platform),
    (("powershell_version",), _powershell_version),
    (("processor",), _processor),
    (("uptime",), _uptime),
    (("user",), _user),
    (("windows_domain",), _windows_domain),
    (("winrm",), _winrm),
    (("virtual",), _virtual),
)
