import hashlib

import pytest

from mim2ecma.rollout import host_programs

ROOT = r"C:\Program Files\Microsoft ECMA2Host"
ECMA = rf"{ROOT}\Service\ECMA"


def test_a_configuration_is_fetched_once_and_again_when_it_changes(tmp_path):
    listing = [
        {
            "path": rf"{ROOT}\Service\Microsoft.ECMA2Host.Service.exe.config",
            "checksum": hashlib.sha256(b"a").hexdigest().upper(),
        }
    ]
    found = host_programs.configurations(listing, ECMA, tmp_path)
    assert found["service"]["same"] is False
    assert found["wizard"] == {"path": "", "kept": "", "same": True}
    kept = tmp_path / "Microsoft.ECMA2Host.Service.exe.config"
    assert found["service"]["kept"] == str(kept)
    kept.write_bytes(b"a")
    assert host_programs.configurations(listing, ECMA, tmp_path)["service"]["same"] is True
    kept.write_bytes(b"b")
    assert host_programs.configurations(listing, ECMA, tmp_path)["service"]["same"] is False


@pytest.mark.parametrize(
    ("release", "version"),
    [(533325, "4.8.1"), (528049, "4.8"), (461814, "4.7.2"), (394802, "4.6.2"), (None, "4.6.2")],
)
def test_the_release_of_the_framework_is_a_version(release, version):
    assert host_programs.describe({"Release": release}, ECMA)["framework"] == version


def test_free_space_is_that_of_the_drive_of_the_folder():
    told = host_programs.describe({"Free": {"C:\\": 7, "D:\\": -1}, "Marked": [r"C:\a"]}, ECMA)
    assert (told["free_bytes"], told["missing_drives"], told["marked"]) == (7, ["D:\\"], [r"C:\a"])
