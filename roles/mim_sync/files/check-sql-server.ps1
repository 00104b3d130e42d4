#!powershell
# Asks SQL Server, with the account that runs this, what setup of MIM Synchronization Service needs to know.
# Reads only, so check mode makes no difference. Answers one object; never throws for a server that is away.
[CmdletBinding(SupportsShouldProcess)]
param (
    [Parameter(Mandatory)][string]$Server,
    [string]$Instance = '',
    [Parameter(Mandatory)][string]$Database
)

$Ansible.Changed = $false
$answer = @{
    reachable = $false
    sysadmin = $false
    database_exists = $false
    version = ''
    detail = ''
}
$builder = New-Object -TypeName System.Data.SqlClient.SqlConnectionStringBuilder
$builder['Data Source'] = if ($Instance) { "$Server\$Instance" } else { $Server }
$builder['Initial Catalog'] = 'master'
$builder['Integrated Security'] = $true
$builder['Connect Timeout'] = 15
$connection = New-Object -TypeName System.Data.SqlClient.SqlConnection -ArgumentList $builder.ConnectionString
try {
    $connection.Open()
    $answer.reachable = $true
    $answer.version = $connection.ServerVersion
    $command = $connection.CreateCommand()
    $command.CommandText = "SELECT IS_SRVROLEMEMBER('sysadmin')"
    $answer.sysadmin = $command.ExecuteScalar() -eq 1
    $command.CommandText = 'SELECT COUNT(*) FROM sys.databases WHERE name = @name'
    $null = $command.Parameters.AddWithValue('@name', $Database)
    $answer.database_exists = $command.ExecuteScalar() -gt 0
}
catch {
    $answer.detail = $_.Exception.GetBaseException().Message
}
finally {
    $connection.Dispose()
}
$answer
