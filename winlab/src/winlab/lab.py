"""A lab: its definition, its state folder, its secrets, and the hosts built from them."""

from __future__ import annotations

import hashlib
import importlib
import json
import os
import secrets as randomness
import shutil
import string
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from winlab import scripts
from winlab.errors import WinlabError
from winlab.host import audit, neighbours
from winlab.host.model import STATE_FILE, Host

DEFAULT_STATE = ".winlab"
DEFAULT_DEFINITION = "inventories/lab/winlab.yml"
SECRET_LENGTH = 24  # beyond any Windows policy; 24 of 66 characters are 145 bits
# No character that a shell, YAML, INI, a URL or an MSI property would have to quote.
_SYMBOLS = "-_."
_TOP_KEYS = frozenset({"secrets", "hosts", "scripts"})
# What winlab reads of a host: its templates, host model, listeners and products. A template of somebody else
# (`package.module:function`) has keys of its own.
_HOST_KEYS = frozenset(
    {
        "administrator",
        "audit_policy",
        "computer_name",
        "drives",
        "ecma_cache_needs_debug",
        "files",
        "management_agents",
        "reboot",
        "roles",
        "setup_exit_codes",
        "shares",
        "sql_servers",
        "template",
        "web",
        "windows_update",
        "winrm",
    }
)
_SQL_SERVER_KEYS = frozenset({"databases", "instance", "reachable", "sysadmins", "version"})
# What a set-up can be told to end with: as it would, a fatal error, a restart that is wanted.
_SETUP_EXIT_CODES = (0, 1603, 3010)


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
        WinlabError: the file is missing, is no YAML, or has keys that mean nothing.
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
    _refuse_unknown(path, "top level", content, _TOP_KEYS)
    hosts: dict[str, dict[str, Any]] = {}
    for name, entry in content["hosts"].items():
        if not isinstance(entry, dict):
            raise WinlabError(
                f"{path}: hosts.{name}: {type(entry).__name__}; expected a mapping. Correct it."
            )
        _check_host(path, str(name), entry)
        hosts[str(name)] = entry
    return Definition(
        path.resolve(),
        tuple(str(name) for name in content.get("secrets") or ()),
        hosts,
        tuple(content.get("scripts") or ()),
        hashlib.sha256(data).hexdigest(),
    )


def _check_host(path: Path, name: str, entry: dict[str, Any]) -> None:
    where = f"hosts.{name}"
    if ":" not in str(entry.get("template", "")):
        _refuse_unknown(path, where, entry, _HOST_KEYS)
    for setup, code in _mapping(path, f"{where}.setup_exit_codes", entry.get("setup_exit_codes")).items():
        if code not in _SETUP_EXIT_CODES or isinstance(code, bool):
            raise WinlabError(
                f"{path}: {where}.setup_exit_codes.{setup}: {code!r}; expected one of "
                f"{', '.join(map(str, _SETUP_EXIT_CODES))}. Correct it."
            )
    policy = _mapping(path, f"{where}.audit_policy", entry.get("audit_policy"))
    _refuse_unknown(path, f"{where}.audit_policy", policy, frozenset(audit.DEFAULTS))
    for subcategory, setting in policy.items():
        if setting not in audit.SETTINGS:
            raise WinlabError(
                f"{path}: {where}.audit_policy.{subcategory}: {setting!r}; expected one of "
                f"{', '.join(audit.SETTINGS)}. Correct it."
            )
    for server, facts in _mapping(path, f"{where}.sql_servers", entry.get("sql_servers")).items():
        inside = f"{where}.sql_servers.{server}"
        _refuse_unknown(path, inside, _mapping(path, inside, facts), _SQL_SERVER_KEYS)
    if neighbours.KEY in entry:
        entry[neighbours.KEY] = neighbours.checked(path, f"{where}.{neighbours.KEY}", entry[neighbours.KEY])


def _mapping(path: Path, where: str, value: Any) -> dict[str, Any]:
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise WinlabError(f"{path}: {where}: {type(value).__name__}; expected a mapping. Correct it.")
    return value


def _refuse_unknown(path: Path, where: str, entry: Mapping[str, Any], known: frozenset[str]) -> None:
    unknown = sorted(str(key) for key in set(entry) - known)
    if unknown:
        raise WinlabError(
            f"{path}: {where}: unknown key {', '.join(unknown)}; expected {', '.join(sorted(known))}. "
            "Correct the name."
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
        scripts.load_definition(self.definition.scripts, self.definition.base)

    def host(self, name: str) -> Host:
        """One host: as saved, or fresh from its definition.

        Raises:
            WinlabError: the state cannot be read, or the definition cannot be built.
        """
        entry = self.definition.hosts[name]
        host = Host(name, entry, self.folder.hosts / name)
        if not host.load():
            build = _builder(str(entry.get("template", "")))
            build(host, entry, dict(self.secrets), self.definition.base)
            host.touch()
            host.save()
        return host

    def forget(self, name: str) -> None:
        """Delete a host's state, so that the next `host` builds it anew."""
        shutil.rmtree(self.folder.hosts / name, ignore_errors=True)


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
        shutil.rmtree(folder.hosts / host, ignore_errors=True)
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
