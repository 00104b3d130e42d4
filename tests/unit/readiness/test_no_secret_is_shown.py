"""R15, R16, R20 and the document: a secret in clear text is told by name and place, never by value."""

import json

import pytest
from export_builder import Definition, Value
from judging import judged, only

SECRET = "Hunter2-ZQX"

NAMES = [
    # words that look like "use", "allow" and "support" at their beginning
    "User password",
    "SQL user password",
    "Support password",
    "Password used for bind",
    "Username/Password",
    "Allowance password",
    # parts of a name without a border
    "AccessToken",
    "api_token",
    "BindPwd",
    "admin_pwd",
    "userpassword",
    "APIKey",
    "APIkey",
    "ClientSecret",
    # other words, other languages
    "Bind pass",
    "BindPass",
    "dbpass",
    "DB PW",
    "Passcode",
    "PIN",
    "PIN code",
    "Encryption key",
    "Subscription key",
    "Ocp-Apim-Subscription-Key",
    "SharedAccessKey",
    "Kennwort",
    "Passwort",
    "Benutzerkennwort",
    "Mot de passe",
    "Contraseña",
    # what only looks like the name of something else
    "Client secret (app id: 7)",
    "Password for file share",
    "Secret ID",
    "Password hash",
    "Password file password",
    "Password (auxiliary)",
    "\u0130 password",
]
OTHER_NAMES = [
    "Password attribute",
    "PasswordAttribute",
    "password_attribute_name",
    "Password policy",
    "Password Management Script",
    "Set Password SP Name",
    "Token URL",
    "Access key ID",
    "Secret name",
    "Secretary",
    "First export pass",
    "Pass-through mode",
    "Bypass list",
    "Spinning",
    "Compass",
    "Key column",
    "Primary key",
    "pwdLastSet",
]

VALUES = [
    # begins like code, but stands in a parameter of this name
    *[
        ("Password", "string", begin + SECRET)
        for begin in ("$", "(", "[", "&", "{", "<", "new-", "new ", "* ")
    ],
    ("Password", "string", f"$({SECRET})"),
    ("Password", "string", "true" + SECRET),
    ("Password", "text", SECRET),
    ("Password", "drop-down", SECRET),
    ("Password", "checkbox", SECRET),
    ("Password", "file", SECRET),
    ("Password", "label", SECRET),
    ("Password", "", SECRET),
    ("Mode", "checkbox", f"Password={SECRET}"),
    # connection strings
    ("Connection", "string", f"\u0130\u0130\u0130;Password={SECRET}"),
    ("Connection", "string", f"Server=db;Password=[{SECRET};"),
    ("Connection", "string", f"Server=db;Password=${SECRET};"),
    ("Connection", "text", f"Server=db;Password=({SECRET};"),
    ("Connection", "string", f"Uid=sa;PasswordServer={SECRET};"),
    ("Connection", "string", f"DSN=hr,UID=sa,PWD={SECRET}"),
    ("Connection", "string", f"DSN=hr UID=sa PWD={SECRET}"),
    ("Connection", "string", f"DSN = hr, UID = sa, PW = {SECRET}"),
    ("Connection", "string", f"Server=db;Uid=sa;Pass={SECRET};"),
    ("Connection", "string", f"Server=db;Kennwort={SECRET};"),
    # addresses
    ("Server", "string", f"sa:{SECRET}@db1"),
    ("Connection", "string", f"Server=sa:{SECRET}@db1;Database=x"),
    ("Server", "string", f"https://adm:p@{SECRET}@host/"),
    ("Url", "string", f"https://svc:{SECRET}/x@host"),
    ("Url", "string", "https://svc:12345/x@host"),
    ("Url", "string", f"https://svc:p'{SECRET}@host"),
    ("Url", "string", f"https://svc:${SECRET}@host"),
    ("Url", "string", f"redis://:{SECRET}@host"),
    ("Url", "string", f"https://host/api/x?code={SECRET}"),
    ("Url", "string", f"https://host/x?sv=2020&sig={SECRET}%3D"),
    ("Script", "text", f'$uri = "https://host/api/x?a=1&amp;code={SECRET}"\n'),
    # tokens that can be known by their look
    ("Header", "string", f"eyJhbGciOiJIUzI1NiJ9.{SECRET}.c2ln"),
    ("Header", "string", "ghp_" + SECRET.replace("-", "") + "abcdef"),
    ("Header", "string", "github_pat_" + SECRET.replace("-", "_") + "abcdef"),
    ("Header", "string", "glpat-" + SECRET + "abcdef"),
    ("Header", "string", "xoxb-" + SECRET + "-abcdef"),
    ("Header", "string", "SSWS " + SECRET + "abcdef"),
    ("Script", "text", f"Invoke-RestMethod https://adm:p@{SECRET}@host/\n"),
    ("Script", "text", f"$uri = 'https://svc:{SECRET}/x@host'\n"),
    ("Script", "text", f"git clone https://{SECRET.replace('-', '')}abcdefghijklm@host/x\n"),
    # markup and notations
    ("Configuration", "text", f'<add key="Password" value="{SECRET}"/>'),
    ("Configuration", "text", f'<add key="DbPassword" x="1" value="{SECRET}"/>'),
    ("Configuration", "text", f'<add value="{SECRET}" key="Password"/>'),
    ("Configuration", "text", f'<setting name="Password" a="b">\n  <value>{SECRET}</value>'),
    ("Configuration", "text", f'<Password a="b">{SECRET}</Password>'),
    ("Configuration", "text", f'<x:Password a="b"><![CDATA[{SECRET}]]></x:Password>'),
    ("Configuration", "text", '{"name": "password", "value": "' + SECRET + '"}'),
    # scripts
    ("Script", "text", f'New-Object System.Net.NetworkCredential("sa","{SECRET}")'),
    ("Script", "text", f"$c = New-Object Net.NetworkCredential -ArgumentList 'sa', '{SECRET}'"),
    ("Script", "text", f"[Net.NetworkCredential]::new($user, '{SECRET}')"),
    ("Script", "text", f'$pass="{SECRET}"'),
    ("Script", "text", f"$dbPw = '{SECRET}'"),
    ("Script", "text", f"$password = '${SECRET}'"),
    ("Script", "text", f"curl -s -u sa:{SECRET} https://host"),
    ("Script", "text", f"curl.exe --user 'sa:{SECRET}' https://host"),
    ("Script", "text", f"sqlcmd -S db -U sa -P {SECRET} -Q 'x'"),
    ("Script", "text", f"ConvertTo-SecureString {SECRET} -AsPlainText -Force"),
    ("Script", "text", f"ConvertTo-SecureString -AsPlainText -Force -String {SECRET}"),
    ("Script", "text", f"ConvertTo-SecureString -AsPlainText -Force 'a${SECRET}'"),
    ("Script", "text", f"'{SECRET}' | ConvertTo-SecureString -AsPlainText -Force"),
    ("Script", "text", f"Set-ItemProperty HKLM:\\Software\\Contoso -Name Password -Value {SECRET}"),
    ("Script", "text", f"reg add HKLM\\Software\\Contoso /v Password /t REG_SZ /d {SECRET}"),
    ("Script", "text", f"$password = ('{SECRET}')"),
    ("Script", "text", f"[string]$password = [string] '{SECRET}'"),
    ("Script", "text", f"$password = @'\n{SECRET}\n'@"),
    ("Script", "text", f"password: |\n  {SECRET}\n"),
    ("Script", "text", f"$params.Add('Password', '{SECRET}')"),
    ("Script", "text", f"ConvertTo-SecureString `\n  '{SECRET}' -AsPlainText"),
    ("Script", "text", f'[Convert]::ToBase64String([Text.Encoding]::ASCII.GetBytes("sa:{SECRET}"))'),
    ("Script", "text", f"net use Z: \\\\srv\\share {SECRET} /user:sa"),
    ("Configuration", "text", f"&lt;Password a=&quot;b&quot;&gt;{SECRET}&lt;/Password&gt;"),
    ("Configuration", "text", f"PuTTY-User-Key-File-2: ssh-rsa\nPrivate-Lines: 1\n{SECRET}"),
    ("Connection", "string", f"scott/{SECRET}@ORCL"),
    ("Connection", "string", f"Server=db;Password={' ' * 30}{SECRET}"),
    ("Connection", "string", f"pw: {SECRET}"),
    # command lines
    ("Command", "string", f"C:\\tools\\sync.exe -u sa -p {SECRET}"),
    ("Command", "string", f"C:\\tools\\sync.exe /P:{SECRET}"),
    ("Command", "string", f"C:\\tools\\sync.exe -password {SECRET}"),
    ("Command", "string", "C:\\tools\\sync.exe -password zqxgeheimzqx"),
    ("Command", "string", f"C:\\tools\\sync.exe /password:{SECRET}"),
    ("Command", "string", f"sync.exe --api-key {SECRET}"),
    ("Script", "text", f'"C:\\Program Files\\x\\sync.exe /user sa /pass {SECRET}"'),
    ("Script", "text", "Write-Host 'a'\n" * 40 + f'& "C:\\a b\\sync.exe /pass {SECRET}"\n' + "# b\n" * 40),
]


def shown(**options):
    result = judged(**options)
    return result, json.dumps(result.to_dict(), ensure_ascii=False) + repr(result)


@pytest.mark.parametrize("name", NAMES)
def test_a_name_that_says_secret_withholds_the_value(name):
    result, everything = shown(values=[Value(name, SECRET)])
    assert name in only(result, "R15").where
    assert SECRET not in everything


@pytest.mark.parametrize("name", OTHER_NAMES)
def test_a_name_of_something_else_does_not(name):
    result, everything = shown(values=[Value(name, "Orange")])
    assert "R15" not in [item.id for item in result.findings]
    assert "Orange" in everything


@pytest.mark.parametrize(("name", "kind", "text"), VALUES)
def test_a_value_with_a_secret_is_nowhere(name, kind, text):
    result, everything = shown(values=[Value(name, text, kind)])
    assert only(result, "R15").where.startswith(f"parameter-values, parameter '{name}'")
    for part in (SECRET, "Hunter2", "ZQX", "zqx", "12345"):
        assert part not in everything
    assert not [item for item in result.findings if item.id == "R16"]


@pytest.mark.parametrize(("name", "kind", "text"), VALUES)
def test_a_default_with_a_secret_is_told(name, kind, text):
    result, everything = shown(definitions=[Definition(name, kind, default=text)], values=())
    assert only(result, "R15").where.startswith(f"parameter-definitions, default of '{name}'")
    for part in (SECRET, "Hunter2", "ZQX", "zqx"):
        assert part not in everything


@pytest.mark.parametrize("kind", ["checkbox", "CheckBox", "string", "drop-down"])
@pytest.mark.parametrize("text", ["true", "False", "yes"])
def test_a_flag_is_no_secret_whatever_its_name(kind, text):
    assert "R15" not in [item.id for item in judged(values=[Value("Password", text, kind)]).findings]


@pytest.mark.parametrize(
    ("name", "kind", "text", "told"),
    [
        ("Password", "checkbox", "0", False),
        ("Password", "checkbox", "1", False),
        ("Password", "checkbox", "on", True),
        ("Enable password operations", "string", "1", False),
        ("Use credentials of the service", "drop-down", "Never", False),
        ("Enable password", "string", SECRET, True),
        ("Password", "string", "0", True),
        ("Password", "string", "********", False),
    ],
)
def test_numbers_and_words_are_flags_where_a_flag_is_asked_for(name, kind, text, told):
    found = [item.id for item in judged(values=[Value(name, text, kind)]).findings]
    assert ("R15" in found) is told


def flow(attribute, text):
    return (
        "<export-attribute-flow><export-flow-set cd-object-type='person'>"
        f"<export-flow cd-attribute='{attribute}'><constant-mapping><constant-value>{text}</constant-value>"
        "</constant-mapping></export-flow></export-flow-set></export-attribute-flow>"
    )


@pytest.mark.parametrize(
    ("attribute", "text", "told"),
    [
        ("InitialPassword", SECRET, True),
        ("dsMLPassword", SECRET, True),
        ("Passwort", SECRET, True),
        ("unicodePwd", SECRET, True),
        ("userpassword", SECRET, True),
        ("sambaNTPassword", SECRET, True),
        ("export_password", SECRET, True),
        ("info", f"Password={SECRET}", True),
        ("pwdLastSet", "0", False),
        ("passwordPolicies", "DisablePasswordExpiration", False),
        ("forceChangePasswordNextSignIn", "true", False),
        ("proxyAddresses", "SMTP:a@b.example", False),
        ("colour", "red", False),
    ],
)
def test_a_constant_that_flows_to_a_password_is_told(attribute, text, told):
    result, everything = shown(flows_xml=flow(attribute, text))
    found = [item.where for item in result.findings if item.id == "R15"]
    assert found == ([f"export-attribute-flow, constant for '{attribute}'"] if told else [])
    assert SECRET not in everything


def test_a_script_with_a_secret_is_named_instead_of_searched():
    script = f"Import-Module Contoso\n. C:\\Scripts\\common.ps1\n$pass = '{SECRET}'\n"
    result, everything = shown(values=[Value("Import script", script, "text")])
    assert only(result, "R20").found == "parameter 'Import script', which is not searched because of R15"
    assert result.referenced_files == ()
    assert "Contoso" not in everything
    assert "common.ps1" not in everything


def test_what_comes_after_the_most_that_is_searched_is_not_shown():
    result, everything = shown(
        values=[Value("a", "x\n" * 600_000, "text"), Value("b", f"C:\\{SECRET}\\a.exe")]
    )
    assert len([item for item in result.findings if item.id == "R15"]) == 2
    assert SECRET not in everything


# Noise -----------------------------------------------------------------------------------------------------------


def test_the_connectors_own_dll_is_no_other_one():
    result = judged(
        filename="Connector.dll",
        password_dll="CONNECTOR.dll",
        rules_dll="connector.DLL",
        values=[Value("Library", "Connector.dll")],
    )
    assert "R16" not in [item.id for item in result.findings]


def test_windows_names_are_told_once_whatever_their_case():
    result = judged(
        values=[
            Value("a", "Common.psm1"),
            Value("b", "common.PSM1"),
            Value("c", "https://Host.example/a"),
            Value("d", "https://host.example/b"),
        ]
    )
    assert result.referenced_files == ("Common.psm1",)
    assert only(result, "R16").found == "file Common.psm1"
    assert only(result, "R20").found == "address https://Host.example"


def test_a_long_name_is_told_without_its_middle():
    where = only(judged(values=[Value("Password " + "x" * 5000, SECRET)]), "R15").where
    assert where.startswith("parameter-values, parameter 'Password xx")
    assert "…" in where
    assert len(where) < 300
