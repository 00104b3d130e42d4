"""The filters as Ansible calls them."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml

ansible = pytest.importorskip("ansible.errors", reason="Ansible is not installed")

REPOSITORY = Path(__file__).resolve().parents[3]
FIXTURES = REPOSITORY / "tests" / "fixtures" / "assemblies"
FOLDER = "C:\\Program Files\\Microsoft ECMA2Host\\Service\\ECMA"


def plugin(name: str) -> ModuleType:
    path = REPOSITORY / "filter_plugins" / f"{name}.py"
    spec = importlib.util.spec_from_file_location(f"filter_{name}", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def filters() -> dict[str, Any]:
    return dict(plugin("rollout").FilterModule().filters())


def closure(name: str = "chain/Chain.Connector.dll") -> dict[str, Any]:
    path = FIXTURES / name
    found: dict[str, Any] = filters()["assembly_closure"](str(path), search=[str(path.parent)])
    return found


def test_closure_and_plan_follow_from_each_other(tmp_path: Path) -> None:
    export = tmp_path / "hr.xml"
    export.write_text("<export-ma/>")
    plan = filters()["staging_plan"](
        {"management_agent": {"connector_dll": "CHAIN.connector.dll"}},
        closure(),
        [
            {
                "path": f"{FOLDER}\\Microsoft.IAM.Connector.GenericSql.dll",
                "checksum": "0" * 64,
                "size": 1,
                "isdir": False,
            }
        ],
        host="ecma01",
        ecma_folder=FOLDER,
        export=str(export),
        ours=[],
        service="ECMA2Host",
        backup="C:\\ProgramData\\mim2ecma",
    )
    assert [(file["action"], file["source"]) for file in plan["files"]] == [
        ("add", "Extensions/Chain.Connector.dll"),
        ("add", "Extensions/Chain.Leaf.dll"),
        ("add", "Extensions/Chain.Middle.dll"),
        ("add", "hr.xml"),
    ]


def test_a_closure_of_another_connector_is_refused() -> None:
    with pytest.raises(ansible.AnsibleFilterError) as error:
        filters()["staging_plan"](
            {"management_agent": {"connector_dll": "Other.dll"}},
            closure(),
            [],
            host="ecma01",
            ecma_folder=FOLDER,
        )
    assert str(error.value).startswith(
        "ecma01: closure: the connector 'Chain.Connector.dll'; expected 'Other.dll', which the "
        "management agent names."
    )


def test_an_unreadable_connector_is_an_ansible_error_with_the_text_for_people(tmp_path: Path) -> None:
    (tmp_path / "a.dll").write_text("<html>")
    with pytest.raises(ansible.AnsibleFilterError, match=r"a\.dll: file: first bytes"):
        filters()["assembly_closure"](str(tmp_path / "a.dll"))


def test_the_drawing_is_text() -> None:
    assert filters()["closure_drawing"](closure()).startswith("<svg ")


@pytest.mark.parametrize(
    ("name", "function"),
    [
        ("assembly_closure", "mim2ecma.assemblies.request:closure_document"),
        ("staging_plan", "mim2ecma.staging.request:plan_document"),
    ],
)
def test_each_sidecar_documents_exactly_the_options_there_are(name: str, function: str) -> None:
    import importlib
    import inspect

    module, attribute = function.split(":")
    parameters = inspect.signature(getattr(importlib.import_module(module), attribute)).parameters
    documented = yaml.safe_load((REPOSITORY / "filter_plugins" / f"{name}.yml").read_text())["DOCUMENTATION"][
        "options"
    ]
    first = next(iter(parameters))
    assert set(documented) == {"_input", *parameters} - {first}
