"""The migration with single-MA exports that the real product wrote (not part of the project)."""

import hashlib
import shutil

import pytest
import yaml

from .conftest import ROOT, Lab

SAMPLES = sorted((ROOT.parent / "shared" / "samples" / "ecma2").glob("*.export-ma.xml"))
ECMA = r"C:\Program Files\Microsoft ECMA2Host\Service\ECMA"
EXTENSIONS = r"C:\Program Files\Microsoft Forefront Identity Manager\2010\Synchronization Service\Extensions"


@pytest.mark.skipif(not SAMPLES, reason="../shared/samples is not here")
def test_real_exports_go_the_whole_way(tmp_path):
    """All of them in one migration, as management agents of one MIM host."""
    from mim2ecma.readiness import inspect

    agents = [inspect(sample).to_dict()["management_agent"] for sample in SAMPLES]
    definition = yaml.safe_load((ROOT / "inventories/lab/winlab.yml").read_text())
    host = definition["hosts"]["mim02"]
    folder = tmp_path / "definition"
    shutil.copytree(ROOT / "inventories/lab", folder, symlinks=True)
    host["management_agents"] = [str(sample) for sample in SAMPLES]
    # The real connectors' DLLs are not ours to have: one of our own stands under their names.
    fixture = ROOT / "tests/fixtures/assemblies/plain/Plain.Connector.dll"
    for agent in agents:
        host.setdefault("files", {})[f"{EXTENSIONS}\\{agent['connector_dll']}"] = str(fixture)
    for script in definition.get("scripts", []):
        script["path"] = str((ROOT / "inventories/lab" / script["path"]).resolve())
    (folder / "winlab.yml").write_text(yaml.safe_dump(definition))
    variables = {
        "mim2ecma_migrations": [
            {"management_agent": agent["name"], "from": "mim02", "to": ["ecma01"]} for agent in agents
        ],
        "ma_assess_object_types": ["Employee"],
    }
    lab = Lab(tmp_path, folder / "winlab.yml")
    lab.up()
    try:
        result = lab.play("migrate.yml", variables=variables)
        assert result.code == 0, result.output
        kept = sorted((lab.runs / "lab").glob("mim02/*/export/*.xml"))
        assert len(kept) == len(SAMPLES)
        on_host = lab.files("ecma01")
        for path in kept:
            assert on_host[f"{ECMA}\\{path.name}".lower()] == hashlib.sha256(path.read_bytes()).hexdigest()
        again = lab.play("migrate.yml", variables=variables)
        assert (again.code, set(again.changed.values())) == (0, {0}), again.output
    finally:
        lab.down()
