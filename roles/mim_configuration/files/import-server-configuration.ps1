#!powershell
# Imports a server export (MV.xml and MA-*.XML) into a MIM Synchronization Service that has no management agent yet.
# Import is a full replace (mim_sync.md 3.3), so a server with management agents is refused here once more.
[CmdletBinding(SupportsShouldProcess)]
param (
    [Parameter(Mandatory)][string]$Path
)

$ErrorActionPreference = 'Stop'
$Ansible.Changed = $false
$agents = @(Get-CimInstance -Namespace 'root/MicrosoftIdentityIntegrationServer' -ClassName 'MIIS_ManagementAgent')
if ($agents.Count -gt 0) {
    throw "the server has $($agents.Count) management agents; expected none, for the import replaces all of them"
}
$parameters = Get-ItemProperty -LiteralPath 'HKLM:\SYSTEM\CurrentControlSet\Services\FIMSynchronizationService\Parameters'
$module = Join-Path -Path $parameters.Path -ChildPath 'UIShell\Microsoft.DirectoryServices.MetadirectoryServices.Config.dll'
Import-Module -Name $module
if (-not $Ansible.CheckMode) {
    $null = Import-MIISServerConfig -Path $Path
}
$Ansible.Changed = $true
