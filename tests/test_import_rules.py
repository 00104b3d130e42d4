"""Who may import whom (docs/architecture.md, "Rooms and who may call whom")."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
ORDER = [
    ["documents"],
    ["management_agent"],
    ["readiness", "assemblies"],
    ["staging"],
    ["wizard"],
    ["report"],
    ["rollout"],
    ["commands"],
    ["cli"],
    ["__main__"],
]
RANK = {name: rank for rank, names in enumerate(ORDER) for name in names}


def imported(path):
    """Absolute names that a Python file imports."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            if node.level == 1:
                continue  # within the room
            assert node.level == 0, f"{path}: an import that climbs out of its room; name it in full"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def python_files(*folders):
    found = [path for folder in folders for path in sorted((ROOT / folder).rglob("*.py"))]
    assert found, f"no Python file below {folders}"
    return found


def offenders(folders, forbidden):
    return [
        f"{path.relative_to(ROOT)}: {name}"
        for path in python_files(*folders)
        for name in imported(path)
        if name.split(".")[0] in forbidden
    ]


def test_mim2ecma_knows_neither_ansible_nor_winlab():
    assert offenders(["src/mim2ecma"], {"ansible", "ansible_collections", "winlab"}) == []


def test_winlab_does_not_know_mim2ecma():
    assert offenders(["winlab/src"], {"mim2ecma"}) == []


def test_plugins_do_not_know_winlab():
    assert offenders(["filter_plugins", "callback_plugins", "action_plugins", "library"], {"winlab"}) == []


@pytest.mark.parametrize("path", python_files("src/mim2ecma"), ids=lambda path: str(path.relative_to(ROOT)))
def test_a_package_never_imports_one_to_its_right(path):
    room = path.relative_to(ROOT / "src/mim2ecma").parts[0].removesuffix(".py")
    for name in imported(path):
        parts = name.split(".")
        if parts[0] == "mim2ecma" and len(parts) > 1 and parts[1] in RANK:
            other = parts[1]
            assert other == room or RANK[other] < RANK.get(room, 0), f"{room} imports {name}"


def test_the_rule_finds_an_offender(tmp_path):
    (tmp_path / "bad.py").write_text("import json\nfrom ansible.errors import AnsibleError\n")
    assert "ansible.errors.AnsibleError" in set(imported(tmp_path / "bad.py"))
