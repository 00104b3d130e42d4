#!powershell
# Tells what no module tells: free space, the release of .NET Framework, and which files carry the mark of the web. Reads only.
[CmdletBinding(SupportsShouldProcess)]
param (
    [Parameter(Mandatory)][string[]]$Folder
)

$ErrorActionPreference = 'Stop'
$Ansible.Changed = $false
$free = @{}
$marked = foreach ($path in $Folder) {
    $root = [System.IO.Path]::GetPathRoot($path)
    $drive = New-Object -TypeName System.IO.DriveInfo -ArgumentList $root
    $free[$root] = if ($drive.IsReady) { $drive.AvailableFreeSpace } else { -1 }
    if (Test-Path -LiteralPath $path -PathType Container) {
        Get-ChildItem -LiteralPath $path -Recurse -Force -File |
            Where-Object -FilterScript { Get-Item -LiteralPath $_.FullName -Force -Stream 'Zone.Identifier' -ErrorAction SilentlyContinue } |
            ForEach-Object -Process { $_.FullName }
    }
}
$framework = Get-ItemProperty -LiteralPath 'HKLM:\SOFTWARE\Microsoft\NET Framework Setup\NDP\v4\Full' -ErrorAction SilentlyContinue
@{
    Free = $free
    Release = $framework.Release
    Marked = @($marked | Sort-Object -Unique)
}
