"""Secrets in clear text and names of other things are found in values; a secret is never shown."""

import random

import pytest
from export_builder import Value, export

from mim2ecma.management_agent import needs, read, secret_names, secrets
from mim2ecma.management_agent.model import Parameter
from mim2ecma.management_agent.needs import NeedKind, find_needs
from mim2ecma.management_agent.secret_names import says_secret
from mim2ecma.management_agent.secrets import SecretSearch, holds_secret, reveals_secret
from mim2ecma.management_agent.vocabulary import Vocabulary, lowered

SECRET = "Tr0ub4dor"

SUSPICIOUS = [
    ("Command", "string", f"mysql -u root -p{SECRET} hr"),
    ("Command", "string", f"mysqldump.exe -p{SECRET}"),
    ("Command", "string", f"7z x -p{SECRET} a.7z"),
    ("Command", "string", f"sqlcmd -S db1 -U sa -P{SECRET}"),
    ("Command", "string", f"setx DB_PASSWORD {SECRET}"),
    ("Script", "text", f"Set-Variable password '{SECRET}'"),
    ("Script", "text", f'New-Variable -Name dbPassword -Value "{SECRET}"'),
    ("Script", "text", f"Set-Variable -Name dbPassword -Value {SECRET}"),
    ("Description", "string", f"The password is {SECRET}."),
    ("Description", "text", f"Das Kennwort lautet: {SECRET}"),
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
    ("Password", "string", "$(SECRET)"),
    ("Script", "text", f"$passwordField.Text = '{SECRET}'"),
    ("Script", "text", f"password-type={SECRET}"),
    ("Connection", "string", f"PasswordFormat=1;Password={SECRET}"),
]
HARMLESS = [
    ("Command", "string", "mysql -P3306 -h db1"),
    ("Command", "string", "mysql -p"),
    ("Command", "string", "7z x a.zip -pwd"),
    ("Command", "string", "sqlcmd -p1 -S db1"),
    ("Script", "text", "Set-Variable -Name password -Scope Global"),
    ("Script", "text", "Set-Variable -Name password -Value $credential.Password"),
    ("Description", "string", "The password is required"),
    ("Description", "string", "The password is 8 characters long"),
    ("Password", "string", ""),
    ("Password", "checkbox", "1"),
    ("Password Attribute", "string", "userPassword"),
    ("Set Password SP Name", "string", "dbo.SetPassword"),
    ("Password script", "text", "param($Password)"),
    ("Password Management Script", "string", "C:\\MIM\\password.ps1"),
    ("Token URL", "string", "https://login.example/oauth"),
    ("Use credentials of the service", "string", "always"),
    ("Enable password operations", "string", "true"),
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
    ("Principal", "string", "HTTP/web.contoso.example@CONTOSO.EXAMPLE"),
    ("Mail", "string", "SMTP:someone@contoso.example"),
    ("Command", "string", "C:\\tools\\sync.exe -p 8080"),
    ("Script", "text", "net use Z: \\\\srv\\share * /user:sa"),
    ("Script", "text", "# first pass: ImportUsers, second pass: ExportUsers"),
    ("Script", "text", "$values.Add('password', $password)"),
    ("Script", "text", "$password = [string]$args[0]"),
    ("Script", "text", "ConvertTo-SecureString turns text into a secure string"),
    ("Script", "text", "New-Object Net.NetworkCredential($user, $password)"),
    ("Script", "text", "curl -u $user:$password https://host"),
    ("Script", "text", "curl -u ${user}:${password} https://host"),
    ("Script", "text", '$uri = "https://host/x?code=$code&sig=${sig}"'),
    ("Script", "text", "<add key='Password' value='{0}'/>"),
    ("Script", "text", '$uri = "https://${user}:${password}@host/"'),
    ("Script", "text", "$uri = 'https://host:8443/x?mail=someone@contoso.example'"),
    ("Script", "text", "$uri = 'https://host:8443/x'; $mail = 'someone@contoso.example'"),
    ("Script", "text", "Get-Job -CancelToken `$pipe.CancelToken"),
    ("Script", "text", "Import-Thing -PasswordPolicy Strict1 -TokenType Jwt2"),
    ("URL", "string", "https://host.example:8443/x?mail=someone@contoso.example"),
    ("Script", "text", "$PasswordAttribute = 'unicodePwd'"),
    ("Script", "text", "passwordLastSet=pwdLastSet"),
    (
        "Configuration",
        "text",
        "<add key='PasswordPolicy' value='Strict1'/>\nSecretServerUrl=https://vault.example",
    ),
    ("Mapping", "string", "PasswordField=unicodePwd"),
]


@pytest.mark.parametrize(("name", "kind", "text"), SUSPICIOUS)
def test_what_looks_like_a_secret_is_suspicious_and_not_quoted(name, kind, text):
    reason = reveals_secret(name, kind, text)
    assert reason is not None
    assert SECRET not in reason


def test_texts_that_are_known_before_change_no_answer():
    known = SecretSearch(Vocabulary([text for _, _, text in SUSPICIOUS + HARMLESS]))
    for name, kind, text in SUSPICIOUS + HARMLESS:
        expected = reveals_secret(name, kind, text)
        assert SecretSearch(Vocabulary([text])).reveals(name, kind, text) == expected
        assert known.reveals(name, kind, text) == expected


@pytest.mark.parametrize(("name", "kind", "text"), HARMLESS)
def test_what_does_not_is_left_alone(name, kind, text):
    assert reveals_secret(name, kind, text) is None


def test_a_secret_deep_in_a_script_is_found():
    script = "Write-Host 'working'\n" * 5000
    assert holds_secret(script) is None
    assert holds_secret(script + f"$pwd = '{SECRET}'\n" + script) == "a literal behind the word 'pwd'"


def test_what_is_too_long_or_too_full_counts_as_suspicious(monkeypatch):
    assert holds_secret("password " * 5000) == "a value too full of words for secrets to be searched"
    monkeypatch.setattr(secrets, "MAX_SEARCHED", 100)
    assert holds_secret("x" * 102) == "a value too long to be searched for secrets"
    search = SecretSearch()
    assert search.reveals("a", "string", "x" * 60) is None
    assert search.holds("x" * 40) is None
    assert search.reveals("a", "string", "") is None
    assert (
        search.holds("x")
        == search.reveals("a", "string", "x")
        == "a value too long to be searched for secrets"
    )


def test_names_beyond_the_limit_count_as_suspicious(monkeypatch):
    monkeypatch.setattr(secrets, "MAX_SEARCHED_NAMES", 10)
    search = SecretSearch()
    assert search.reveals("Base name", "string", "x") is None
    assert search.reveals("ab", "string", "") is None
    assert search.reveals("a", "string", "x") == "a value too long to be searched for secrets"


@pytest.mark.parametrize(
    ("name", "expected"),
    [("unicodePwd", True), ("userPassword", True), ("colour", False), ("x" * 2000, True)],
)
def test_some_names_are_those_of_secrets(name, expected):
    assert says_secret(name) is expected


@pytest.mark.parametrize("seed", range(10))
def test_names_that_are_passed_over_are_none_of_a_secret(monkeypatch, seed):
    generator = random.Random(seed)
    parts = [
        *(name for name, _, _ in SUSPICIOUS),
        "Mot",
        "de",
        "Passe",
        "Contraseña",
        "lösenord",
        "hasło",
        "PIN",
        "otp",
    ]
    parts += [
        "schlüssel",
        "пароль",
        "Kenn",
        "wort",
        "pre",
        "shared",
        "Key",
        "credentials",
        " ",
        "_",
        "-",
        "A",
        "é",
    ]
    names = ["".join(generator.choices(parts, k=generator.randint(1, 4))) for _ in range(200)]
    names += [name.swapcase() for name in names]
    quick = [says_secret(name) for name in names]
    monkeypatch.setattr(secret_names, "STEMS", ("",))
    assert quick == [says_secret(name) for name in names]
    assert len(set(quick)) == 2


def test_lower_case_keeps_the_length():
    assert lowered("\u0130PASSWORD\u0130") == "ipasswordi"
    letters = "".join(map(chr, range(0x11000)))
    assert len(lowered(letters)) == len(letters)


# Needs -----------------------------------------------------------------------------------------------------------


def found(text, kind="string", name="Some value", dll=None, encrypted=False, suspicious=None):
    parameter = Parameter(name, "connectivity", None, kind, encrypted, text)
    found_needs = find_needs([parameter], dll, suspicious=suspicious)
    assert find_needs([parameter], dll, suspicious=suspicious, vocabulary=Vocabulary([text])) == found_needs
    return [(need.kind.value, need.text) for need in found_needs]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("C:\\Program Files\\A b\\import.ps1", [("file", "C:\\Program Files\\A b\\import.ps1")]),
        ("\\\\server\\share\\key.p12", [("file", "\\\\server\\share\\key.p12")]),
        ("D:\\data", [("file", "D:\\data")]),
        ("schema.xml", [("file", "schema.xml")]),
        ("my module.psm1", [("file", "my module.psm1")]),
        ("host.example:8443", [("address", "host.example:8443")]),
        ("https://host.example:8443/x?mail=a@b.example", [("address", "https://host.example:8443")]),
        ("https://[2001:db8::1]:8443/x", [("address", "https://[2001:db8::1]:8443")]),
        ("C:\\a.exe -File C:\\b\\c.ps1", [("file", "C:\\a.exe"), ("file", "C:\\b\\c.ps1")]),
        ("HKLM:\\SOFTWARE\\Windows NT\\A b", [("registry key", "HKLM:\\SOFTWARE\\Windows NT\\A b")]),
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
        ("module", "Microsoft.Exchange"),
        ("registry key", "HKLM:\\SOFTWARE\\Example\\Key"),
    ]


@pytest.mark.parametrize(
    ("line", "names"),
    [
        ("#Requires -Modules Az.Accounts, Az.Resources", ["Az.Accounts", "Az.Resources"]),
        ("#Requires -Modules @{ModuleName='Az.Accounts';ModuleVersion='1.0'}", ["Az.Accounts"]),
        (
            "Import-Module -Name SqlServer,'Active Directory', $more, \"Dns\" -Force",
            ["Active Directory", "Dns", "SqlServer"],
        ),
        ("Import-Module -Force -DisableNameChecking Dns", ["Dns"]),
        ("Import-Module 'My Modules\\Dns'", ["My Modules\\Dns"]),
        ("Import-Module -ErrorAction Stop Dns", []),
        ("Import-Module 'Dns -Secret x7'", []),
        ("Import-Module (Join-Path $folder Dns)", []),
        ("Import-Module", []),
        ("Import-Module " + "Dns," * 5000, ["Dns"]),
    ],
)
def test_modules_are_told_by_their_whole_names(line, names):
    assert found(f"{line}\n$x = 1\n", "text") == [("module", name) for name in names]


def test_a_module_that_is_a_file_is_told_once():
    assert found("using module .\\a.psm1\nImport-Module 'C:\\My Modules\\Dns'\n", "text") == [
        ("file", ".\\a.psm1"),
        ("file", "C:\\My Modules\\Dns"),
    ]


def test_members_and_namespaces_are_neither_files_nor_addresses():
    script = (
        "$rows = $response.json\n$settings = [xml]$node.configuration.config; $x = $script:state.xml\n"
        "$ns.AddNamespace('s', 'http://schemas.xmlsoap.org/soap/envelope/')\n$w = 'http://www.W3.org/2001/XMLSchema'\n"
        'Export-Csv "$day.csv"\n. $folder\\a.ps1\n'
    )
    assert found(script, "text") == [("file", "$day.csv"), ("file", "$folder\\a.ps1")]


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


def test_a_value_that_looks_like_a_secret_is_not_searched_at_all():
    assert found(f"Driver={{X}};Server=db;Password={SECRET}") == []
    assert found("C:\\a.ps1", name="Password") == []
    assert found(f"Import-Module Contoso\n$password = '{SECRET}'\n", "text") == []


# Values that the search for secrets would withhold; they are named as if it had missed them.
MISSED = [
    (f"C:\\tools\\sync.exe -password {SECRET}", [("file", "C:\\tools\\sync.exe")]),
    (f"C:\\tools\\sync.exe {SECRET}", [("file", "C:\\tools\\sync.exe")]),
    (f"C:\\tools\\sync.exe/pass:{SECRET}", [("file", "C:\\tools\\sync.exe")]),
    (f"C:\\tools\\sync /pass {SECRET}", [("file", "C:\\tools\\sync")]),
    (f"C:\\tools\\sync pass={SECRET}", [("file", "C:\\tools\\sync")]),
    (f"\\\\svc:{SECRET}@db1\\share", []),
    (f"sync.exe /pass {SECRET}", [("file", "sync.exe")]),
    (f"Data Source=db;Uid=sa;PasswordServer={SECRET};", [("address", "db")]),
    (f"Uid=sa;Password Server={SECRET};", []),
    (f"Server=sa:{SECRET}@db1;", []),
    (f"https://adm:p@{SECRET}@host/", [("address", "https://host")]),
    (f"https://svc:{SECRET}/x@host", []),
    ("https://svc:12345/x@host", []),
    ("https://svc:12345;x@host", []),
    ("https://svc:12'345@host", []),
    (f"https://svc:{SECRET}@" + "h" * 600, []),
    ("https://svc:12" + "3" * 600 + "@host", []),
    (f"DSN=hr,UID=sa,PWD={SECRET}", [("data source name", "hr")]),
    (f"DSN=hr UID=sa PWD={SECRET}", [("data source name", "hr")]),
    (f"DSN = hr x , UID = sa, PWD = {SECRET}", [("data source name", "hr x")]),
    (f"DSN=hr -p {SECRET}", [("data source name", "hr")]),
    (f"DSN=hr/PWD={SECRET}", []),
    (f"Provider=SQLOLEDB PWD={SECRET}", [("driver", "SQLOLEDB")]),
    (f"Driver={{x;PWD={SECRET}}}", []),
    (
        f"Set-ItemProperty HKLM:\\Software\\Contoso -Name Password -Value {SECRET}",
        [("registry key", "HKLM:\\Software\\Contoso")],
    ),
    (f"Set-It HKLM:\\Software\\Contoso Password {SECRET}", [("registry key", "HKLM:\\Software\\Contoso")]),
    (f"HKLM:\\Software\\Contoso -Value {SECRET}", [("registry key", "HKLM:\\Software\\Contoso")]),
    (f"\u0130\u0130\u0130;DSN=hr;PWD={SECRET}", [("data source name", "hr")]),
]


@pytest.mark.parametrize(("text", "expected"), MISSED)
@pytest.mark.parametrize("frame", ["{}", '"{}"\n', "'{}'\n"])
def test_only_names_are_taken_from_a_value(text, expected, frame):
    hits = found(frame.format(text), suspicious=())
    assert SECRET not in str(hits)
    assert "12" not in str(hits)
    if frame == "{}":
        assert hits == expected


@pytest.mark.parametrize(
    "text", [f"sa:{SECRET}@db1", f"db1 {SECRET}", f"db1;{SECRET}", f"https://sa:{SECRET}@db1"]
)
def test_what_stands_for_a_server_is_a_host_name(text):
    assert SECRET not in str(found(text, name="Server", suspicious=()))


def test_a_user_and_a_number_are_no_host_and_port():
    assert found("sa:12345", name="Login") == []
    assert found("db01:1433", name="Database server") == [("address", "db01:1433")]


COMMENTED = """<#
<copyright file="Import-Contoso.ps1" company="Contoso">
#>
# see Old-Contoso.ps1, and don't forget "quotes.ps1
#Requires -Modules ActiveDirectory
. .\\common.ps1 # not other.ps1
$colour = '#fff.xml'; $x = 5 <# inner.ps1 #> + 6
$uri = "https://contoso.example/#top"
$unfinished = 'a.xml' <# rest.ps1
"""


def test_comments_of_a_script_need_nothing():
    assert found(COMMENTED, "text") == [
        ("address", "https://contoso.example"),
        ("file", "#fff.xml"),
        ("file", ".\\common.ps1"),
        ("file", "a.xml"),
        ("module", "ActiveDirectory"),
    ]


def test_a_file_behind_an_address_is_no_file_of_its_own():
    assert found("Invoke-WebRequest https://host.example/a/b.xml\n", "text") == [
        ("address", "https://host.example")
    ]
    assert found("$x = 'Name: b.xml'\n. $env:TEMP\\c.ps1\n", "text") == [
        ("file", "$env:TEMP\\c.ps1"),
        ("file", "b.xml"),
    ]


def test_a_name_is_told_once_whatever_its_case():
    assert found(". .\\A.ps1\n. .\\a.PS1\n", "text") == [("file", ".\\A.ps1")]


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
