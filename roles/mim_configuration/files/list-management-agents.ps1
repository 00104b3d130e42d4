#!powershell
# Lists the management agents of MIM Synchronization Service by its WMI provider (mim_sync.md 3.1). Reads only.
[CmdletBinding(SupportsShouldProcess)]
param ()

$ErrorActionPreference = 'Stop'
$Ansible.Changed = $false
Get-CimInstance -Namespace 'root/MicrosoftIdentityIntegrationServer' -ClassName 'MIIS_ManagementAgent' |
    Sort-Object -Property Name |
    ForEach-Object -Process {
        @{
            Name = $_.Name
            Guid = $_.Guid
            Type = $_.Type
        }
    }
