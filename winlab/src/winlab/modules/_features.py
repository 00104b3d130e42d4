"""Roles and features of Windows Server 2016 that winlab knows by name.

Source: Microsoft's page "Windows Server Roles and Features" (`Get-WindowsFeature` on Windows Server 2016):
names, display names, which lies below which. The numbers that the cmdlets report as Id are made up.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Feature:
    """One role, role service or feature.

    Attributes:
        name: as the cmdlets take it.
        shown: display name.
        parent: the name of what it lies below, or empty.
        restart: whether a change needs a restart.
        needs_source: whether its files are not on the disk of a fresh server.
        tools: what comes with it when management tools are asked for.
    """

    name: str
    shown: str
    parent: str = ""
    restart: bool = False
    needs_source: bool = False
    tools: tuple[str, ...] = ()

    @property
    def identity(self) -> int:
        """A number that stands for the feature in results."""
        return list(FEATURES).index(self.name.lower()) + 1


_LIST = (
    Feature("AD-Domain-Services", "Active Directory Domain Services", tools=("RSAT-AD-Tools",)),
    Feature("DHCP", "DHCP Server", tools=("RSAT-DHCP",)),
    Feature("DNS", "DNS Server", tools=("RSAT-DNS-Server",)),
    Feature("FileAndStorage-Services", "File and Storage Services"),
    Feature("File-Services", "File and iSCSI Services", "FileAndStorage-Services"),
    Feature("FS-FileServer", "File Server", "File-Services"),
    Feature("Storage-Services", "Storage Services", "FileAndStorage-Services"),
    Feature("Hyper-V", "Hyper-V", restart=True, tools=("RSAT-Hyper-V-Tools",)),
    Feature("Web-Server", "Web Server (IIS)", tools=("Web-Mgmt-Tools", "Web-Mgmt-Console")),
    Feature("Web-WebServer", "Web Server", "Web-Server"),
    Feature("Web-Common-Http", "Common HTTP Features", "Web-WebServer"),
    Feature("Web-Default-Doc", "Default Document", "Web-Common-Http"),
    Feature("Web-Static-Content", "Static Content", "Web-Common-Http"),
    Feature("Web-Mgmt-Tools", "Management Tools", "Web-Server"),
    Feature("Web-Mgmt-Console", "IIS Management Console", "Web-Mgmt-Tools"),
    Feature("NET-Framework-Features", ".NET Framework 3.5 Features"),
    Feature(
        "NET-Framework-Core",
        ".NET Framework 3.5 (includes .NET 2.0 and 3.0)",
        "NET-Framework-Features",
        needs_source=True,
    ),
    Feature("NET-HTTP-Activation", "HTTP Activation", "NET-Framework-Features", needs_source=True),
    Feature("NET-Framework-45-Features", ".NET Framework 4.6 Features"),
    Feature("NET-Framework-45-Core", ".NET Framework 4.6", "NET-Framework-45-Features"),
    Feature("NET-Framework-45-ASPNET", "ASP.NET 4.6", "NET-Framework-45-Features"),
    Feature("NET-WCF-Services45", "WCF Services", "NET-Framework-45-Features"),
    Feature("NET-WCF-TCP-PortSharing45", "TCP Port Sharing", "NET-WCF-Services45"),
    Feature("Failover-Clustering", "Failover Clustering", tools=("RSAT-Clustering",)),
    Feature("GPMC", "Group Policy Management"),
    Feature("MSMQ", "Message Queuing"),
    Feature("PowerShellRoot", "Windows PowerShell"),
    Feature("PowerShell", "Windows PowerShell 5.1", "PowerShellRoot"),
    Feature("PowerShell-ISE", "Windows PowerShell ISE", "PowerShellRoot"),
    Feature("PowerShell-V2", "Windows PowerShell 2.0 Engine", "PowerShellRoot", needs_source=True),
    Feature("RSAT", "Remote Server Administration Tools"),
    Feature("RSAT-AD-Tools", "AD DS and AD LDS Tools", "RSAT"),
    Feature("RSAT-AD-PowerShell", "Active Directory module for Windows PowerShell", "RSAT-AD-Tools"),
    Feature("RSAT-Clustering", "Failover Clustering Tools", "RSAT"),
    Feature("RSAT-DHCP", "DHCP Server Tools", "RSAT"),
    Feature("RSAT-DNS-Server", "DNS Server Tools", "RSAT"),
    Feature("RSAT-Hyper-V-Tools", "Hyper-V Management Tools", "RSAT"),
    Feature("FS-SMB1", "SMB 1.0/CIFS File Sharing Support", restart=True),
    Feature("SNMP-Service", "SNMP Service"),
    Feature("Server-Gui-Mgmt-Infra", "Graphical Management Tools and Infrastructure", restart=True),
    Feature("Server-Gui-Shell", "Server Graphical Shell", restart=True),
    Feature("Telnet-Client", "Telnet Client"),
    Feature("TFTP-Client", "TFTP Client"),
    Feature("Windows-Defender-Features", "Windows Defender Features", restart=True),
    Feature("Windows-Defender", "Windows Defender", "Windows-Defender-Features", restart=True),
    Feature("Windows-Defender-Gui", "GUI for Windows Defender", "Windows-Defender-Features", restart=True),
    Feature("WoW64-Support", "WoW64 Support", restart=True),
)
FEATURES: dict[str, Feature] = {feature.name.lower(): feature for feature in _LIST}


def ancestors(name: str) -> list[Feature]:
    """What a feature lies below, the nearest first."""
    found: list[Feature] = []
    parent = FEATURES[name.lower()].parent
    while parent:
        found.append(FEATURES[parent.lower()])
        parent = found[-1].parent
    return found


def descendants(name: str) -> list[Feature]:
    """What lies below a feature, at any depth, in the list's order."""
    wanted = name.lower()
    return [
        feature for feature in _LIST if wanted in (above.name.lower() for above in ancestors(feature.name))
    ]
