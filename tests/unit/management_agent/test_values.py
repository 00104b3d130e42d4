"""Secrets in clear text and names of other things are found in values; a secret is never shown."""

import pytest
from export_builder import Value, export

from mim2ecma.management_agent import needs, read, secrets
from mim2ecma.management_agent.model import Parameter
from mim2ecma.management_agent.needs import NeedKind, find_needs
from mim2ecma.management_agent.secrets import (
    SecretSearch,
    holds_secret,
    is_password_attribute,
    reveals_secret,
)

SECRET = "Tr0ub4dor"

SUSPICIOUS = [
    ("Password", "string", SECRET),
    ("API key", "string", "abc123def456"),
    ("Export password", "string", SECRET),
    ("Password", "string", "NewYork2024"),
    ("Password", "string", "!geheim#1"),
    ("Connection", "string", "Server=db;Password=#1secret;"),
    ("Password for the import", "string", SECRET),
    ("Password (auxiliary)", "string", SECRET),
    ("Client secret", "string", SECRET),
    ("Connection string", "string", f"Server=db;User Id=sa;Password={SECRET};"),
    ("Connection", "string", f"server=db;uid=sa;pwd = {SECRET}"),
    ("URL", "string", f"https://svc:{SECRET}@host.example/path"),
    ("Script", "text", f"$dbPassword = '{SECRET}'"),
    ("Script", "text", f'$secret="{SECRET}"'),
    ("Script", "text", f"ConvertTo-SecureString -String '{SECRET}' -AsPlainText -Force"),
    ("Script", "text", f'$c = convertto-securestring "{SECRET}" -a -f'),
    ("Script", "text", f"Connect-Thing -User x -Password '{SECRET}'"),
    ("Script", "text", "$h = @{ Authorization = 'Bearer eyJhbGciOi.J9abc123' }"),
    ("Script", "text", "Authorization: Basic dXNlcjpwYXNzdzByZA=="),
    ("Configuration", "text", '{"client_secret": "' + SECRET + '"}'),
    ("Configuration", "text", f"<password>{SECRET}</password>"),
    ("Configuration", "text", f'<add key="x" apiKey="{SECRET}"/>'),
    ("Configuration", "text", f"AccountKey={SECRET}=="),
    ("Key", "text", "-----BEGIN RSA PRIVATE KEY-----\nMIIE"),
    ("Script", "text", f"$x.Password = '{SECRET}'"),
    ("Script", "text", f"$conf['password'] = '{SECRET}'"),
]
HARMLESS = [
    ("Password", "string", ""),
    ("Password", "checkbox", "1"),
    ("Password Attribute", "string", "userPassword"),
    ("Set Password SP Name", "string", "dbo.SetPassword"),
    ("Password script", "text", "param($Password)"),
    ("Password Management Script", "string", "C:\\MIM\\password.ps1"),
    ("Token URL", "string", "https://login.example/oauth"),
    ("Use credentials of the service", "string", "always"),
    ("Enable password operations", "string", "true"),
    ("Password", "string", "$(SECRET)"),
    ("Hostname", "string", "db01.test.example"),
    ("Connection", "string", "Server=db;Integrated Security=true;"),
    ("Connection", "string", "Server=db;Password=;"),
    ("Connection", "string", "Server=db;Password={0};"),
    ("Connection", "string", "Server=db;Password=%PASSWORD%"),
    ("URL", "string", "https://host.example:8080/path"),
    ("Script", "text", "$password = Get-Secret"),
    ("Script", "text", '$c = "Server=a;Password=" + $password + ";"'),
    ("Script", "text", "$url = 'https://a.example/?token=&page=1'"),
    ("Script", "text", "<password>********</password>"),
    ("Password", "string", "xxxxxx"),
    ("Script", "text", "$password = $args[0]"),
    ("Script", "text", "if ($password -eq $null) { throw 'no password given' }"),
    ("Script", "text", "$tokens = $line.Split(',')"),
    ("Script", "text", "ConvertTo-SecureString $plain -AsPlainText -Force"),
    ("Script", "text", "Connect-Thing -Password $credential"),
    ("Script", "text", "# the password is read from the vault"),
    ("Script", "text", "Add-Attribute 'export_password' ([String])"),
    ("Script", "text", "basic authentication is off; bearer of this letter"),
    ("Login", "drop-down", "Basic"),
]


@pytest.mark.parametrize(("name", "kind", "text"), SUSPICIOUS)
def test_what_looks_like_a_secret_is_suspicious_and_not_quoted(name, kind, text):
    reason = reveals_secret(name, kind, text)
    assert reason is not None
    assert SECRET not in reason


@pytest.mark.parametrize(("name", "kind", "text"), HARMLESS)
def test_what_does_not_is_left_alone(name, kind, text):
    assert reveals_secret(name, kind, text) is None


def test_a_secret_deep_in_a_script_is_found():
    script = "Write-Host 'working'\n" * 5000
    assert holds_secret(script) is None
    assert holds_secret(script + f"$pwd = '{SECRET}'\n" + script) == "a literal behind the word 'pwd'"


def test_what_is_too_long_or_too_full_counts_as_suspicious(monkeypatch):
    assert holds_secret("password " * 3000) == "a value too full of words for secrets to be searched"
    monkeypatch.setattr(secrets, "MAX_SEARCHED", 100)
    assert holds_secret("x" * 101) == "a value too long to be searched for secrets"
    search = SecretSearch()
    assert search.reveals("a", "string", "x" * 60) is None
    assert search.holds("x" * 40) is None
    assert search.reveals("a", "string", "") is None
    assert (
        search.holds("x")
        == search.reveals("a", "string", "x")
        == "a value too long to be searched for secrets"
    )


@pytest.mark.parametrize(
    ("name", "expected"), [("unicodePwd", True), ("userPassword", True), ("colour", False)]
)
def test_some_attributes_are_passwords(name, expected):
    assert is_password_attribute(name) is expected


# Needs -----------------------------------------------------------------------------------------------------------


def found(text, kind="string", name="Some value", dll=None, encrypted=False):
    parameter = Parameter(name, "connectivity", None, kind, encrypted, text)
    return [(need.kind.value, need.text) for need in find_needs([parameter], dll)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("C:\\Program Files\\A b\\import.ps1", [("file", "C:\\Program Files\\A b\\import.ps1")]),
        ("\\\\server\\share\\key.p12", [("file", "\\\\server\\share\\key.p12")]),
        ("D:\\data", [("file", "D:\\data")]),
        ("schema.xml", [("file", "schema.xml")]),
        ("my module.psm1", [("file", "my module.psm1")]),
        ("host.example:8443", [("address", "host.example:8443")]),
        ("https://user:pw123456@host.example:8443/x?key=1", [("address", "https://host.example:8443")]),
        ("LDAP://dc1.example", [("address", "ldap://dc1.example")]),
        (
            "Driver={ODBC Driver 17 for SQL Server};Server=db01;",
            [("address", "db01"), ("driver", "ODBC Driver 17 for SQL Server")],
        ),
        ("Provider=SQLOLEDB;Data Source=db01\\inst", [("address", "db01\\inst"), ("driver", "SQLOLEDB")]),
        ("DSN=People", [("data source name", "People")]),
        (
            "FileDSN=C:\\dsn\\people.dsn",
            [("data source name", "C:\\dsn\\people.dsn"), ("file", "C:\\dsn\\people.dsn")],
        ),
        ("nothing of the kind", []),
        ("12:30", []),
        ("", []),
    ],
)
def test_a_value_names_what_it_needs(text, expected):
    assert found(text) == expected


SCRIPT = r"""
Import-Module ActiveDirectory
import-module -Name "C:\Tools\My Module\mine.psd1"
Add-PSSnapin Microsoft.Exchange
Import-Module $common
. .\helper.ps1
$x = Get-Content 'schema file.xml'
$d = [System.Xml.XmlDocument]::new()
$key = Get-Item HKLM:\SOFTWARE\Example\Key
$p = "C:\Data\people.csv"
Invoke-RestMethod https://api.example/v1
$server = Get-ConfigParameter 'Server'
$regex = '^\d+\\\w+$'
"""


def test_a_script_names_what_it_needs():
    assert found(SCRIPT, "text") == [
        ("address", "https://api.example"),
        ("file", ".\\helper.ps1"),
        ("file", "C:\\Data\\people.csv"),
        ("file", "C:\\Tools\\My Module\\mine.psd1"),
        ("file", "schema file.xml"),
        ("module", "ActiveDirectory"),
        ("module", "C:\\Tools\\My"),
        ("module", "Microsoft.Exchange"),
        ("registry key", "HKLM:\\SOFTWARE\\Example\\Key"),
    ]


def test_a_web_service_project_is_a_file():
    dll = "Microsoft.IdentityManagement.MA.WebServices.dll"
    assert found("sap", "drop-down", "Web Service Project", dll) == [("file", "sap.wsconfig")]
    assert found("sap.wsconfig", "drop-down", "Web Service Project", dll) == [("file", "sap.wsconfig")]
    assert found("sap", "drop-down", "Web Service Project", "Other.dll") == []


def test_a_file_parameter_holds_a_path_or_its_content():
    assert found("C:\\dsn\\a.dsn", "file") == [("file", "C:\\dsn\\a.dsn")]
    assert found("W09EQkNdDQo=", "file") == []


def test_host_and_port_are_shown_with_their_names():
    assert found("db01", name="Host") == [("address", "Host db01")]
    assert found("636", name="Port") == [("address", "Port 636")]


def test_encrypted_values_are_never_searched():
    assert found("C:\\a.ps1", "encrypted-string", encrypted=True) == []


def test_of_a_secret_only_what_is_no_secret_is_named():
    assert found(f"Driver={{X}};Server=db;Password={SECRET}") == [("address", "db"), ("driver", "X")]
    assert found(SECRET, name="Password") == []


def test_the_list_of_needs_ends(monkeypatch):
    many = "\n".join(f"C:\\a\\{number}.ps1" for number in range(2000))
    assert len(found(many, "text")) == 500
    monkeypatch.setattr(needs, "MAX_SEARCHED", 100)
    assert found("C:\\a.ps1" + " " * 200) == []


def test_needs_of_a_whole_export_are_sorted():
    agent = read(export(values=[Value("b", "C:\\b.ps1"), Value("a", "C:\\a.ps1")]).encode()).agent
    found_needs = find_needs(agent.configuration.parameters, None)
    assert [(need.kind, need.text, need.where) for need in found_needs] == [
        (NeedKind.FILE, "C:\\a.ps1", "a"),
        (NeedKind.FILE, "C:\\b.ps1", "b"),
    ]
