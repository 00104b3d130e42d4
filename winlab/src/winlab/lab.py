"""A lab: its definition, its state folder, its secrets, and the hosts built from them."""

from __future__ import annotations

import contextlib
import hashlib
import importlib
import json
import os
import secrets as randomness
import shutil
import string
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from winlab import foreign, lab_checks, scripts
from winlab.errors import WinlabError
from winlab.host import neighbours
from winlab.host.model import STATE_FILE, Host

DEFAULT_STATE = ".winlab"
DEFAULT_DEFINITION = "inventories/lab/winlab.yml"
SECRET_LENGTH = 24  # beyond any Windows policy; 24 of 66 characters are 145 bits
# No character that a shell, YAML, INI, a URL or an MSI property would have to quote.
_SYMBOLS = "-_."


@dataclass(frozen=True)
class Definition:
    """What a lab consists of."""

    path: Path
    secrets: tuple[str, ...]
    hosts: Mapping[str, dict[str, Any]]
    scripts: tuple[dict[str, Any], ...] = ()
    sha256: str = ""

    @property
    def base(self) -> Path:
        """The folder that relative paths in the definition start from."""
        return self.path.parent


def load_definition(path: Path) -> Definition:
    """Read a lab definition.

    Raises:
        WinlabError: the file is missing, is no YAML, or says something that means nothing.
    """
    try:
        data = path.read_bytes()
        content = yaml.safe_load(data)
    except OSError as error:
        raise WinlabError(
            f"{path}: lab definition: {error.strerror}; expected a file. Name one with --definition."
        ) from error
    except yaml.YAMLError as error:
        first = str(error).splitlines()[0]
        raise WinlabError(f"{path}: lab definition: {first}; expected YAML. Correct the file.") from error
    if not isinstance(content, dict) or not isinstance(content.get("hosts"), dict) or not content["hosts"]:
        raise WinlabError(f"{path}: lab definition: no hosts; expected a mapping `hosts:`. Add one.")
    lab_checks.check(path, content)
    hosts: dict[str, dict[str, Any]] = {}
    for name, entry in content["hosts"].items():
        hosts[str(name)] = entry
        if entry.get(neighbours.KEY) is not None:
            # With absolute folders.
            web = neighbours.checked(path, f"hosts.{name}.{neighbours.KEY}", entry[neighbours.KEY])
            hosts[str(name)] = {**entry, neighbours.KEY: web}
    return Definition(
        path.resolve(),
        tuple(str(name) for name in content.get("secrets") or ()),
        hosts,
        tuple(content.get("scripts") or ()),
        hashlib.sha256(data).hexdigest(),
    )


@dataclass(frozen=True)
class StateFolder:
    """The files of one lab on the controller (mode 0700/0600)."""

    path: Path

    @property
    def endpoints(self) -> Path:
        """Where the hosts answer, for the inventory."""
        return self.path / "endpoints.json"

    @property
    def ca(self) -> Path:
        """Folder of the lab's certificate authority."""
        return self.path / "ca"

    @property
    def hosts(self) -> Path:
        """One folder a host: its state and its blobs."""
        return self.path / "hosts"

    @property
    def snapshots(self) -> Path:
        """One folder a snapshot."""
        return self.path / "snapshots"

    @property
    def vault_key(self) -> Path:
        """The random key of `secrets.yml`."""
        return self.path / "vault.key"

    @property
    def secrets(self) -> Path:
        """The generated passwords, vaulted."""
        return self.path / "secrets.yml"

    @property
    def log(self) -> Path:
        """What the process has to say."""
        return self.path / "winlab.log"

    def certificate(self, host: str) -> Path:
        """Certificate and key of one host."""
        return self.path / "certificates" / f"{host}.pem"

    def make(self) -> None:
        """Create the folder."""
        try:
            self.path.mkdir(parents=True, exist_ok=True, mode=0o700)
            self.path.chmod(0o700)
        except OSError as error:
            raise WinlabError(
                f"{self.path}: state folder: {error.strerror}; expected a folder of your own. Name "
                "one with --state."
            ) from error

    def read_endpoints(self) -> dict[str, Any]:
        """The last known endpoints, empty when there are none."""
        try:
            content = json.loads(self.endpoints.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return content if isinstance(content, dict) else {}


def write_private(path: Path, data: bytes) -> None:
    """Write a file of mode 0600 in one step."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    temporary = path.with_name(path.name + ".new")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as stream:
        stream.write(data)
    temporary.replace(path)


def ensure_secrets(folder: StateFolder, names: tuple[str, ...]) -> dict[str, str]:
    """The lab's passwords; those that are missing are made and the vaulted file is written again.

    Raises:
        WinlabError: the file cannot be opened with the key beside it.
    """
    key = _ensure_key(folder)
    known = read_secrets(folder)
    missing = [name for name in names if name not in known]
    if missing or not folder.secrets.exists():
        known.update({name: new_secret() for name in missing})
        text = yaml.safe_dump(dict(sorted(known.items())), default_flow_style=False)
        write_private(folder.secrets, _vault(key).encrypt(text))
    return known


def read_secrets(folder: StateFolder) -> dict[str, str]:
    """The lab's passwords as they are, empty when there are none yet."""
    if not folder.secrets.exists():
        return {}
    from ansible.errors import AnsibleError  # noqa: PLC0415  (Ansible takes long to import)

    try:
        key = folder.vault_key.read_bytes().strip()
        content = yaml.safe_load(_vault(key).decrypt(folder.secrets.read_bytes()))
    except (OSError, AnsibleError, yaml.YAMLError) as error:
        raise WinlabError(
            f"{folder.secrets}: secrets: {type(error).__name__}; expected a vault that "
            f"{folder.vault_key} opens. "
            "Delete the state folder and run `winlab up` again."
        ) from error
    return {str(name): str(value) for name, value in (content or {}).items()}


def new_secret() -> str:
    """A random password with characters of all four kinds."""
    kinds = (string.ascii_lowercase, string.ascii_uppercase, string.digits, _SYMBOLS)
    chosen = [randomness.choice(kind) for kind in kinds]
    chosen += [randomness.choice("".join(kinds)) for _ in range(SECRET_LENGTH - len(chosen))]
    # It begins with a letter, so that no command line takes it for a switch.
    rest = chosen[1:]
    randomness.SystemRandom().shuffle(rest)
    return chosen[0] + "".join(rest)


def _ensure_key(folder: StateFolder) -> bytes:
    if not folder.vault_key.exists():
        write_private(folder.vault_key, randomness.token_urlsafe(32).encode() + b"\n")
    return folder.vault_key.read_bytes().strip()


def _vault(key: bytes) -> Any:
    from ansible.parsing.vault import VaultLib, VaultSecret  # noqa: PLC0415  (Ansible takes long to import)

    return VaultLib([("default", VaultSecret(key))])


@dataclass
class Lab:
    """The hosts of one definition, in one state folder."""

    definition: Definition
    folder: StateFolder
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)

    def prepare(self) -> None:
        """Make what `up` needs before any host: secrets and the registered scripts."""
        self.secrets = ensure_secrets(self.folder, self.definition.secrets)
        with _importable(self.definition.base):
            scripts.load_definition(self.definition.scripts, self.definition.base)

    def host(self, name: str) -> Host:
        """One host: as saved, or fresh from its definition.

        Raises:
            WinlabError: the state cannot be read, or the definition cannot be built.
        """
        entry = self.definition.hosts[name]
        host = Host(name, entry, self.folder.hosts / name)
        if not host.load():
            with _importable(self.definition.base):
                build = _builder(str(entry.get("template", "")))
            try:
                build(host, entry, dict(self.secrets), self.definition.base)
            except WinlabError:
                raise
            except Exception as error:
                if foreign.is_own(build):
                    raise
                raise foreign.mistake(f"{name}: template", build, error) from error
            host.touch()
            host.save()
        return host

    def forget(self, name: str) -> None:
        """Delete a host's state, so that the next `host` builds it anew.

        Raises:
            WinlabError: it cannot be deleted.
        """
        remove(self.folder.hosts / name)


def remove(folder: Path) -> None:
    """Delete a folder of the state; one that is not there is gone already.

    Raises:
        WinlabError: it cannot be deleted.
    """
    try:
        shutil.rmtree(folder)
    except FileNotFoundError:
        return
    except OSError as error:
        raise WinlabError(
            f"{error.filename or folder}: state: {error.strerror or error}; expected to delete it. "
            "Delete it yourself."
        ) from error


@contextlib.contextmanager
def _importable(folder: Path) -> Iterator[None]:
    """Let modules beside the definition be imported by it; what is installed goes before them."""
    path = str(folder)
    added = path not in sys.path
    if added:
        sys.path.append(path)
        importlib.invalidate_caches()
    try:
        yield
    finally:
        if added and path in sys.path:
            sys.path.remove(path)


def _builder(template: str) -> Any:
    """What makes a fresh host: `package.module:function` of somebody else's, or winlab's own templates."""
    module_name, found, function_name = template.partition(":")
    if not found:
        module_name, function_name = "winlab.products.templates", "build"
    try:
        return getattr(importlib.import_module(module_name), function_name)
    except (ImportError, AttributeError) as error:
        raise WinlabError(
            f"lab definition: template {template!r}: {error}; expected the name of a template or "
            "'package.module:function'. Correct the name or install the package."
        ) from error


def save_snapshot(folder: StateFolder, name: str, hosts: list[str]) -> Path:
    """Copy the saved state of all hosts.

    Raises:
        WinlabError: the name is no plain word, or a host has no state yet.
    """
    target = _snapshot_folder(folder, name)
    temporary = target.with_name(target.name + ".new")
    shutil.rmtree(temporary, ignore_errors=True)
    for host in hosts:
        _copy_host(folder.hosts / host, temporary / host)
    shutil.rmtree(target, ignore_errors=True)
    temporary.replace(target)
    return target


def restore_snapshot(folder: StateFolder, name: str, hosts: list[str]) -> None:
    """Put a snapshot's state in place of the present one; the hosts must not be in memory.

    Raises:
        WinlabError: there is no such snapshot, or it lacks a host.
    """
    source = _snapshot_folder(folder, name)
    if not source.is_dir():
        known = sorted(path.name for path in folder.snapshots.glob("*") if path.is_dir())
        raise WinlabError(
            f"{source}: snapshot: not found; expected one of "
            f"{', '.join(known) or 'none: there are no snapshots'}. "
            "Make one with `winlab snapshot NAME`."
        )
    for host in hosts:
        if not (source / host / STATE_FILE).exists():
            raise WinlabError(f"{source}: snapshot: no host {host}; expected its state. Make a new snapshot.")
    for host in hosts:
        remove(folder.hosts / host)
        _copy_host(source / host, folder.hosts / host)


def _snapshot_folder(folder: StateFolder, name: str) -> Path:
    if not name or not all(char.isalnum() or char in "-_" for char in name):
        raise WinlabError(f"{name!r}: snapshot name; expected letters, digits, '-' and '_'. Choose another.")
    return folder.snapshots / name


def _copy_host(source: Path, target: Path) -> None:
    if not (source / STATE_FILE).exists():
        raise WinlabError(
            f"{source}: snapshot: no state yet; expected a host that was up once. Run `winlab up`."
        )
    target.mkdir(parents=True, mode=0o700)
    shutil.copy2(source / STATE_FILE, target / STATE_FILE)
    blobs = target / "blobs"
    blobs.mkdir(mode=0o700)
    for blob in sorted((source / "blobs").glob("*")):
        if not blob.name.startswith("."):
            # Contents never change under their name, so that a second link is a copy.
            os.link(blob, blobs / blob.name)
