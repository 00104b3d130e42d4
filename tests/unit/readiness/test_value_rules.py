"""R14 to R16 and R20: what stands in values, and what is never shown of it."""

import pytest
from export_builder import (
    Definition,
    Partition,
    Step,
    Value,
    export,
)
from judging import judged, only, rules

CANARY = "c4nary-Tr0ub4dor"


def test_secrets_to_type_again_come_from_definitions_and_values():
    result = judged(
        definitions=[
            Definition("Filled", "encrypted-string"),
            Definition("Never filled", "encrypted-string"),
            Definition("Plain"),
        ],
        values=[Value("Filled", type="encrypted-string", encrypted=True), Value("Only here", encrypted=True)],
    )
    assert result.secrets_to_reenter == ("Filled", "Never filled", "Only here")
    assert only(result, "R14").severity.value == "information"


CLEAR = [
    ({"values": [Value("Password", CANARY)]}, "parameter-values, parameter 'Password'"),
    (
        {"values": [Value("Connection", f"Server=a;Password={CANARY}")]},
        "parameter-values, parameter 'Connection'",
    ),
    (
        {"values": [Value("Script", f"$password = '{CANARY}'", "text")]},
        "parameter-values, parameter 'Script'",
    ),
    ({"values": [Value("S", CANARY, "encrypted-string", encrypted=True)]}, "parameter-values, parameter 'S'"),
    ({"values": [Value("S", CANARY, "string", encrypted=True)]}, "parameter-values, parameter 'S'"),
    (
        {"definitions": [Definition("C", default=f"Server=a;pwd={CANARY};")]},
        "parameter-definitions, default of 'C'",
    ),
    (
        {"definitions": [Definition("E", "encrypted-string", default=CANARY)]},
        "parameter-definitions, default of 'E'",
    ),
    (
        {"partitions": [Partition(values=[Value("Secret", CANARY)])]},
        "partition 'default', parameter 'Secret'",
    ),
    (
        {"runs": {"Go": [Step("full-import", [Value("Token", CANARY)])]}},
        "run profile 'Go', parameter 'Token'",
    ),
    (
        {
            "flows_xml": "<export-attribute-flow><export-flow-set cd-object-type='person'><export-flow cd-attribute='unicodePwd'>"
            f"<constant-mapping><constant-value>{CANARY}</constant-value></constant-mapping></export-flow></export-flow-set>"
            "</export-attribute-flow>"
        },
        "export-attribute-flow, constant for 'unicodePwd'",
    ),
    ({"description": f"uses password={CANARY}"}, "description"),
]


@pytest.mark.parametrize(("options", "place"), CLEAR, ids=[case[1] for case in CLEAR])
def test_a_secret_in_clear_text_is_a_warning_and_never_shown(options, place):
    result = judged(**options)
    item = only(result, "R15")
    assert item.severity.value == "warning"
    assert item.where.startswith(place)
    assert CANARY not in str(result.to_dict())
    assert CANARY not in repr(result)


def test_many_secrets_are_told_one_by_one_up_to_a_limit():
    result = judged(values=[Value(f"Password {number}", CANARY) for number in range(60)])
    told = [item for item in result.findings if item.id == "R15"]
    assert len(told) == 51
    assert [item.found for item in told if item.where == "ma-data"] == [
        "10 more places that look like secrets in clear text"
    ]
    assert CANARY not in str(result.to_dict())


def test_a_suspicious_value_is_null_and_the_others_are_there():
    document = judged(values=[Value("Password", CANARY), Value("Hostname", "db01")]).to_dict()
    assert [(item["name"], item["value"]) for item in document["parameters"]] == [
        ("Password", None),
        ("Hostname", "db01"),
    ]


def test_other_files_and_needs_are_told():
    result = judged(
        values=[
            Value("Script path", "C:\\Scripts\\import.ps1"),
            Value("Schema", "schema.xml"),
            Value("URL", "https://api.example:8443/x"),
        ],
        password_dll="Passwords.dll",
        rules_dll="Rules.dll",
    )
    assert result.referenced_files == ("C:\\Scripts\\import.ps1", "schema.xml")
    assert only(result, "R16").found == (
        "password extension Passwords.dll (switched off), rules extension Rules.dll (not used by the host), "
        "file C:\\Scripts\\import.ps1, file schema.xml"
    )
    assert only(result, "R20").found == "address https://api.example:8443"
    document = result.to_dict()
    assert document["referenced_files"] == ["C:\\Scripts\\import.ps1", "schema.xml"]
    assert document["management_agent"]["rules_extension_dll"] == "Rules.dll"
    assert document["management_agent"]["password_extension_dll"] == "Passwords.dll"


def test_a_password_extension_may_be_switched_on():
    text = export(password_dll="P.dll").replace("enabled>0</password", "enabled>1</password")
    assert "(switched on)" in only(judged(text), "R16").found


def test_no_needs_no_finding():
    assert not {"R16", "R20"} & set(rules(judged(values=[Value("Mode", "fast")])))
