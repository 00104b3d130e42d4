#!powershell
# Takes the mark of the web from files: .NET Framework refuses to load a library that carries it (0x80131515).
[CmdletBinding(SupportsShouldProcess)]
param (
    [Parameter(Mandatory)][string[]]$Path
)

$ErrorActionPreference = 'Stop'
$Ansible.Changed = $false
foreach ($file in $Path) {
    if (Get-Item -LiteralPath $file -Force -Stream 'Zone.Identifier' -ErrorAction SilentlyContinue) {
        if (-not $Ansible.CheckMode) {
            Unblock-File -LiteralPath $file
        }
        $Ansible.Changed = $true
    }
}
