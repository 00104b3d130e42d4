from pathlib import Path

SITE = Path(__file__).with_name("site.yml")


def test_site_changes_a_bare_server_once(winlab_lab):
    first = winlab_lab.playbook(SITE)
    assert first.returncode == 0, first.stdout
    assert "changed=3" in first.stdout
    assert "changed=0" in winlab_lab.playbook(SITE).stdout
    assert "app" in [user["name"] for user in winlab_lab.show("win01")["accounts"]["users"]]
