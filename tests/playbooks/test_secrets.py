"""Nothing secret in the output at any verbosity, in the run folder, or in a file on a host."""

import subprocess

import pytest

from .conftest import BINARIES


@pytest.fixture
def secrets(lab):
    text = subprocess.run(
        [
            str(BINARIES / "ansible-vault"),
            "view",
            "--vault-id",
            f"lab@{lab.state}/vault.key",
            str(lab.state / "secrets.yml"),
        ],
        capture_output=True,
        text=True,
        check=True,
        env=lab.environment,
    ).stdout
    values = [line.split(":", 1)[1].strip().strip("'\"") for line in text.splitlines() if ":" in line]
    assert len(values) >= 2
    assert all(len(value) >= 12 for value in values)
    return values


def test_no_password_appears_at_any_verbosity(lab, secrets):
    result = lab.play("migrate.yml", "-vvvvv", "--diff")
    assert result.code == 0, result.output[-4000:]
    for secret in secrets:
        assert secret not in result.output
    for path in lab.runs.rglob("*"):
        if path.is_file():
            data = path.read_bytes()
            for secret in secrets:
                assert secret.encode() not in data, path
                assert secret.encode("utf-16-le") not in data, path


def test_no_password_stays_in_a_file_on_a_host(lab, secrets):
    assert lab.play("migrate.yml").code == 0
    for host in ("mim01", "mim02", "ecma01"):
        blobs = {
            blob.name: blob for blob in (lab.state / "hosts" / host / "blobs").rglob("*") if blob.is_file()
        }
        for path, digest in lab.files(host).items():
            data = blobs[digest].read_bytes()
            for secret in secrets:
                assert secret.encode() not in data, (host, path)
                assert secret.encode("utf-16-le") not in data, (host, path)


def test_a_failed_setup_does_not_tell_the_password(lab, secrets):
    result = lab.play("migrate.yml", "-vvvvv", variables={"mim_sync_properties": {"ACCEPT_EULA": "0"}})
    assert "setup failed with 1603" in result.flat
    for secret in secrets:
        assert secret not in result.output


def test_the_secrets_are_vaulted_and_the_state_is_for_the_owner_only(lab):
    assert (lab.state / "secrets.yml").read_text().startswith("$ANSIBLE_VAULT;")
    for name in ("", "vault.key", "secrets.yml"):
        assert (lab.state / name).stat().st_mode & 0o077 == 0
