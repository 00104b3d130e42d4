"""The quirks of real files together (domain/ma_xml.md 15), and names that are traps."""

import pytest
from export_builder import (
    Attribute,
    Definition,
    Dsml,
    Partition,
    Step,
    Value,
    export,
    import_flow,
)
from judging import judged

OTHER_AGENT = "{99999999-0000-0000-0000-000000000000}"


@pytest.mark.parametrize(
    ("text", "verdict"),
    [
        (export(list_name=""), "ready"),
        (export(list_name="PowerShell (Microsoft)"), "ready"),
        (export(dsml=Dsml("", "m")), "ready"),
        (export(attributes=[]), "not-ready"),
        (export(attributes=[Attribute("a.b")]), "ready-with-warnings"),
        (export(values=[Value("Name: with [brackets] 'and' \"quotes\"?", "x")]), "ready"),
        (export(values=[Value("Script", "Write-Host 'x'\n" * 8000, "text")]), "ready"),
        (export(partitions=[Partition(object_types=[])]), "ready-with-warnings"),
        (export(metaverse=import_flow(OTHER_AGENT)), "ready"),
        (export().replace("\n", "\r\n"), "ready"),
        (export(definitions=[Definition("C", default="Server=a;Password=hunter22;")]), "ready-with-warnings"),
    ],
)
def test_quirks_of_real_files_get_their_verdict(text, verdict):
    assert judged(text).verdict.value == verdict


NASTY = [
    "{{ lookup('pipe', 'touch pwned') }}",
    "a'b\"c`d$(e)",
    "..\\..\\a/b",
    "NUL",
    "\u202egnp.exe\u202c\u200f",
    "x" * 10_000,
    "]]>--></name>",
]


@pytest.mark.parametrize("name", NASTY)
def test_nasty_names_are_only_data(name):
    result = judged(
        name=name,
        classes={name: [Attribute(name, anchor=True), Attribute(name + "2")]},
        values=[Value(name, name)],
        partitions=[Partition(name, object_types=[name])],
        runs={name: [Step(name)]},
        filename=name,
        description=name,
    )
    document = result.to_dict()
    assert document["management_agent"]["name"] == name.strip()
    assert document["object_types"][0]["name"] == name.strip()
    for item in result.findings:
        assert "\u202e" not in item.text
        assert len(item.found) <= 1000
