"""The whole migration over PowerShell remoting: `lab_connection=psrp` is all that changes."""

from __future__ import annotations

import json

PSRP = {"lab_connection": "psrp"}


def open_shells(lab):
    return json.loads(lab.winlab("status", "--json").stdout)["shells"]


def test_the_whole_migration_runs_over_psrp_with_one_variable_changed(lab):
    first = lab.play("migrate.yml", variables=PSRP)
    assert first.code == 0, first.output
    assert sum(first.changed.values()) > 0
    again = lab.play("migrate.yml", variables=PSRP)
    assert again.code == 0, again.output
    assert set(again.changed.values()) == {0}
    assert set(open_shells(lab).values()) == {0}


def test_psrp_finds_nothing_to_do_where_winrm_has_migrated(migrated):
    result = migrated.play("migrate.yml", variables=PSRP)
    assert result.code == 0, result.output
    assert set(result.changed.values()) == {0}


def test_a_migration_over_winrm_leaves_no_shell_on_any_host(migrated):
    result = migrated.play("migrate.yml")
    assert result.code == 0, result.output
    assert set(open_shells(migrated).values()) == {0}
