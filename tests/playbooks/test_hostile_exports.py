"""Exports that are no connector's, and exports whose every text is a trap."""

import contextlib

import pytest
import yaml
from lxml import etree

from .conftest import ROOT, Lab

SQL_AGENT = """<export-ma server='MIM02' export-date='2026-11-01 10:00:00.000'>
<ma-data>
 <format-version>1</format-version>
 <id>{6D3C8A54-0B0E-4B0C-9C55-6E0B0D1B7A10}</id>
 <name>Payroll database</name>
 <category>MSSQL</category>
 <subtype></subtype>
 <ma-listname></ma-listname>
 <ma-companyname></ma-companyname>
 <version>3</version>
 <internal-version>0</internal-version>
 <private-configuration><oledbma-configuration><connection-info><authentication>integrated</authentication>
 <server>sql01.test.example</server><databasename>payroll</databasename><tablename>people</tablename></connection-info>
 </oledbma-configuration></private-configuration>
 <ma-partition-data></ma-partition-data>
 <ma-run-data></ma-run-data>
</ma-data>
<mv-data></mv-data>
</export-ma>
"""


@contextlib.contextmanager
def lab_with(tmp_path, export):
    """Hosts of which mim02 has one management agent, of our making."""
    definition = yaml.safe_load((ROOT / "inventories/lab/winlab.yml").read_text())
    definition["hosts"] = {name: definition["hosts"][name] for name in ("mim02", "ecma01")}
    definition["hosts"]["mim02"]["management_agents"] = [str(export)]
    for script in definition["scripts"]:
        script["path"] = str((ROOT / "inventories/lab" / script["path"]).resolve())
    path = tmp_path / "winlab.yml"
    path.write_text(yaml.safe_dump(definition))
    lab = Lab(tmp_path, path)
    lab.up()
    try:
        lab.adhoc("mim02,ecma01", "ansible.windows.win_ping")
        yield lab
    finally:
        lab.down()


def test_the_export_of_a_built_in_sql_management_agent_stops_before_the_ecma_host(tmp_path):
    export = tmp_path / "payroll.xml"
    export.write_text(SQL_AGENT)
    migrations = [{"management_agent": "Payroll database", "from": "mim02", "to": ["ecma01"]}]
    with lab_with(tmp_path, export) as lab:
        before = lab.lasting("ecma01")
        result = lab.play(
            "migrate.yml", "--limit", "mim02,ecma01", variables={"mim2ecma_migrations": migrations}
        )
        assert result.code != 0
        assert "R4 error: " in result.flat
        assert "Generic SQL" in result.flat
        assert lab.lasting("ecma01") == before
        record = next((lab.runs / "lab" / "records").glob("*.json")).read_text()
        assert '"outcome": "refused"' in record


STRUCTURAL = {"id", "name", "category", "format-version", "filename", "file-type", "syntax"}
"""Elements that say what the file is; a trap there would only make it another kind of file."""


@pytest.fixture
def trapped(migrated, tmp_path):
    """The kept export of mim01 with a template in every text that may be any text."""
    witness = tmp_path / "templated"
    trap = "{{ lookup('ansible.builtin.pipe', 'touch " + str(witness) + "') }}{% set x = 1 %}"
    export = next((migrated.runs / "lab").glob("mim01/*/export/*.xml"))
    tree = etree.parse(str(export), etree.XMLParser(resolve_entities=False, huge_tree=True))
    count = 0
    for element in tree.iter():
        local = etree.QName(element).localname if isinstance(element.tag, str) else None
        if (
            local
            and element.text
            and element.text.strip()
            and local not in STRUCTURAL
            and not element.text.strip().isdigit()
        ):
            element.text = trap
            count += 1
        if local == "parameter":
            element.set("name", trap)
        if local == "name" and etree.QName(element.getparent()).localname == "attribute-type":
            element.text = f"{element.text} {trap}"
            count += 1
    assert count > 20
    tree.write(str(export), encoding="utf-8")
    return migrated, witness


def test_nothing_from_an_export_is_ever_templated(trapped):
    lab, witness = trapped
    result = lab.play("playbooks/assess.yml", "-vvvv")
    assert "lookup('ansible.builtin.pipe'" in result.output, "the trap is shown as the text it is"
    lab.play("playbooks/stage.yml", "-vvvv")
    lab.play("migrate.yml", "--check", "--diff", "-vvv")
    assert not witness.exists()
