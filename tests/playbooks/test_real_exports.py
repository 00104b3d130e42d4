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
@pytest.mark.parametrize("sample", SAMPLES, ids=lambda path: path.name)
def test_a_real_export_goes_the_whole_way(sample, tmp_path):
    from mim2ecma.readiness import inspect

    agent = inspect(sample).to_dict()["management_agent"]
    definition = yaml.safe_load((ROOT / "inventories/lab/winlab.yml").read_text())
    host = definition["hosts"]["mim02"]
    folder = tmp_path / "definition"
    shutil.copytree(ROOT / "inventories/lab", folder, symlinks=True)
    host["management_agents"] = [str(sample)]
    # The real connector's DLL is not ours to have: one of our own stands under its name.
    fixture = ROOT / "tests/fixtures/assemblies/plain/Plain.Connector.dll"
    host.setdefault("files", {})[f"{EXTENSIONS}\\{agent['connector_dll']}"] = str(fixture)
    for script in definition.get("scripts", []):
        script["path"] = str((ROOT / "inventories/lab" / script["path"]).resolve())
    (folder / "winlab.yml").write_text(yaml.safe_dump(definition))
    lab = Lab(tmp_path, folder / "winlab.yml")
    lab.up()
    try:
        result = lab.play(
            "migrate.yml",
            variables={
                "mim2ecma_migrations": [
                    {"management_agent": agent["name"], "from": "mim02", "to": ["ecma01"]}
                ],
                "ma_assess_object_types": ["Employee"],
            },
        )
        assert result.code == 0, result.output
        kept = next((lab.runs / "lab").glob("mim02/*/export/*.xml"))
        on_host = lab.files("ecma01")
        assert on_host[f"{ECMA}\\{kept.name}".lower()] == hashlib.sha256(kept.read_bytes()).hexdigest()
        again = lab.play(
            "migrate.yml",
            variables={
                "mim2ecma_migrations": [
                    {"management_agent": agent["name"], "from": "mim02", "to": ["ecma01"]}
                ],
                "ma_assess_object_types": ["Employee"],
            },
        )
        assert set(again.changed.values()) == {0}, again.output
    finally:
        lab.down()
