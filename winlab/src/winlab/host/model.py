r"""One simulated Windows host: its components, its state file, its boot.

Sources for the pending-reboot markers: the registry locations that setup programs themselves look at
(Component Based Servicing, Windows Update, PendingFileRenameOperations), as ansible.windows `setup.ps1` and
`win_updates` read them.
"""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from winlab.errors import WinlabError
from winlab.faults import Faults
from winlab.host.accounts import Accounts
from winlab.host.audit import Audit
from winlab.host.certificates import Certificate, read_certificate
from winlab.host.clock import Clock
from winlab.host.environment import Environment
from winlab.host.events import Events
from winlab.host.packages import Packages
from winlab.host.ports import Ports
from winlab.host.processes import Processes
from winlab.host.services import Services

if TYPE_CHECKING:
    from winlab.host.files import FileSystem
    from winlab.host.registry import Registry

STATE_FORMAT = 1
STATE_FILE = "state.json"
NETBIOS_NAME_LIMIT = 15

CBS_REBOOT_KEY = r"HKLM\SOFTWARE\Microsoft\Windows\CurrentVersion\Component Based Servicing\RebootPending"
UPDATE_REBOOT_KEY = r"HKLM\SOFTWARE\Microsoft\Windows\CurrentVersion\WindowsUpdate\Auto Update\RebootRequired"
SESSION_MANAGER_KEY = r"HKLM\SYSTEM\CurrentControlSet\Control\Session Manager"
RENAME_VALUE = "PendingFileRenameOperations"
ACTIVE_NAME_KEY = r"HKLM\SYSTEM\CurrentControlSet\Control\ComputerName\ActiveComputerName"
NEXT_NAME_KEY = r"HKLM\SYSTEM\CurrentControlSet\Control\ComputerName\ComputerName"

# A host that has been up for a while when it is first seen.
INITIAL_UPTIME_SECONDS = 3 * 86_400
# EWX_REBOOT through shutdown.exe: the processes that are ended see this exit code (DBG_TERMINATE_PROCESS).
ENDED_BY_SHUTDOWN = 0x40010004


class Component(Protocol):
    """What every part of a host can do."""

    def to_state(self) -> dict[str, Any]:
        """JSON-able state."""

    def load_state(self, state: dict[str, Any]) -> None:
        """Take back what `to_state` gave."""


class Host:
    """The state of one host. `lock` is held while a twin or a program changes it.

    Args:
        name: the inventory's name of the host.
        definition: its part of the lab definition.
        state_dir: folder for `state.json` and `blobs/`.
        clock_source: real time, for tests.
    """

    def __init__(
        self,
        name: str,
        definition: dict[str, Any],
        state_dir: Path,
        clock_source: Callable[[], float] | None = None,
    ) -> None:
        self.name = name
        self.definition = definition
        self.state_dir = Path(state_dir)
        self.lock = threading.RLock()
        self._dirty: set[str] = set()
        self._retired = False
        self._pieces: dict[str, str] = {}
        self._stored: dict[str, dict[str, Any]] = {}
        self._lazy: dict[str, Any] = {}
        self.clock = (
            Clock(lambda: self.touch("clock"), clock_source)
            if clock_source
            else Clock(lambda: self.touch("clock"))
        )
        self.computer_name = str(definition.get("computer_name", name)).upper()[:NETBIOS_NAME_LIMIT]
        self.products: dict[str, dict[str, Any]] = {}
        self.features: dict[str, bool] = {}
        self.boot_time = self.clock.now() - INITIAL_UPTIME_SECONDS
        self.boot_count = 1
        self.unreachable_until = 0.0
        self.shutdown_due = 0.0
        self.reboot_hooks: list[Callable[[Host], None]] = []
        self.faults = Faults()
        self.events = Events(lambda: self.touch("events"), self.clock)
        self.ports = Ports(lambda: self.touch("ports"))
        self.audit = Audit(self)
        self.processes = Processes(lambda: self.touch("processes"), self.clock, self.audit.process_created)
        self.environment = Environment(self)
        self.services = Services(self)
        self.packages = Packages(self)
        self.accounts = Accounts(self)

    # Files and registry are made at first use: they keep what was loaded for them until then.

    @property
    def files(self) -> FileSystem:
        """Drives, folders and files."""
        from winlab.host.files import FileSystem  # noqa: PLC0415  (composed lazily)

        found: FileSystem = self._made("files", FileSystem)
        return found

    @property
    def registry(self) -> Registry:
        """The registry."""
        from winlab.host.registry import Registry  # noqa: PLC0415  (composed lazily)

        found: Registry = self._made("registry", Registry)
        return found

    def _made(self, name: str, make: Callable[[Host], Any]) -> Any:
        """Return a part that is made at first use, the same one to everybody who asks at the same moment."""
        if name in self._lazy:
            return self._lazy[name]
        with self.lock:
            if name not in self._lazy:
                made = make(self)
                self._restore(name, made)
                self._lazy[name] = made
            return self._lazy[name]

    @property
    def winrm_certificate(self) -> Certificate | None:
        """The certificate of the HTTPS listener, from the lab's folder; None where there is none."""
        path = self.state_dir.parent.parent / "certificates" / f"{self.name}.pem"
        return read_certificate(path) if path.is_file() else None

    # State ----------------------------------------------------------------------------------------

    def touch(self, component: str = "") -> None:
        """Note that something changed, so that `save` writes it.

        Args:
            component: which part; without it everything is written anew.
        """
        self._dirty.add(component or "*")

    @property
    def touched(self) -> bool:
        """Whether something waits to be saved."""
        return bool(self._dirty)

    def save(self) -> bool:
        """Write the state file if something changed. Returns whether it did.

        Only the parts that changed are turned into text again; the file is replaced in one step, mode 0600.

        Raises:
            WinlabError: the controller cannot write it; the next call tries again.
        """
        with self.lock:
            if not self._dirty or self._retired:
                return False
            dirty, self._dirty = self._dirty, set()
            for name, component in self._components().items():
                if "*" in dirty or name in dirty or name not in self._pieces:
                    self._pieces[name] = json.dumps(component.to_state(), sort_keys=True)
            self._pieces["host"] = json.dumps(self._own_state(), sort_keys=True)
            for name, stored in self._stored.items():
                self._pieces.setdefault(name, json.dumps(stored, sort_keys=True))
            text = ",\n".join(f"{json.dumps(name)}: {self._pieces[name]}" for name in sorted(self._pieces))
            try:
                self._write(f'{{"format": {STATE_FORMAT},\n{text}}}\n')
            except OSError as error:
                self._dirty |= dirty
                raise WinlabError(
                    f"{self.state_dir / STATE_FILE}: state of {self.name}: {error.strerror}; expected it "
                    "saved. Make room on the controller: what was done is kept in memory only."
                ) from error
            # After the state and not before: what the state on disk refers to must be there. A replaced file
            # may have held a secret, so its content does not outlive the save that forgets it.
            if "files" in self._lazy:
                self.files.collect_garbage()
            return True

    def _write(self, text: str) -> None:
        self.state_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
        target = self.state_dir / STATE_FILE
        temporary = target.with_suffix(".new")
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
                stream.write(text)
            temporary.replace(target)
        except OSError:
            temporary.unlink(missing_ok=True)
            raise

    def retire(self) -> None:
        """Save never again: another host takes the folder over, and what still runs here is nobody's."""
        with self.lock:
            self._retired = True

    def load(self) -> bool:
        """Read the state file. Returns False when there is none.

        Raises:
            WinlabError: the file is not one of ours.
        """
        path = self.state_dir / STATE_FILE
        if not path.exists():
            return False
        try:
            state = json.loads(path.read_text(encoding="utf-8"))
            if state.pop("format") != STATE_FORMAT:
                raise ValueError("another format")
            self._take(state)
        except (ValueError, KeyError, AttributeError, TypeError, IndexError, OSError) as error:
            raise WinlabError(
                f"{path}: state of {self.name}: {type(error).__name__}: {error}; expected what "
                f"`winlab up` has written, format {STATE_FORMAT}. Run `winlab reset`, or "
                "`winlab reset NAME` for a snapshot."
            ) from error
        return True

    def _take(self, state: dict[str, Any]) -> None:
        with self.lock:
            own = state.pop("host")
            self.products = own["products"]
            self.features = own["features"]
            self.computer_name = own["computer_name"]
            self.boot_time, self.boot_count = own["boot_time"], own["boot_count"]
            self.shutdown_due = own["shutdown_due"]
            self._stored, self._lazy, self._pieces = state, {}, {}
            for name, component in self._components().items():
                self._restore(name, component)
            # Both are read at once, so that a state that cannot be read is refused here.
            if "files" in state or "files" in self._lazy:
                self.files.sweep()
            if "registry" in state:
                self.registry.key_exists("HKLM\\SOFTWARE")
            self._dirty = set()

    def _own_state(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "computer_name": self.computer_name,
            "boot_time": self.boot_time,
            "boot_count": self.boot_count,
            "shutdown_due": self.shutdown_due,
            "products": self.products,
            "features": self.features,
        }

    def _components(self) -> dict[str, Component]:
        """The components that exist now; files and registry only after their first use."""
        return {
            "accounts": self.accounts,
            "clock": self.clock,
            "events": self.events,
            "packages": self.packages,
            "ports": self.ports,
            "processes": self.processes,
            "services": self.services,
            **self._lazy,
        }

    def _restore(self, name: str, component: Component) -> None:
        stored = self._stored.pop(name, None)
        if stored is not None:
            component.load_state(stored)

    # Boot -----------------------------------------------------------------------------------------

    @property
    def reachable(self) -> bool:
        """Whether the host answers now; during a reboot's outage it refuses connections."""
        return self.clock.now() >= self.unreachable_until

    def schedule_reboot(self, delay: float) -> None:
        """Reboot in `delay` seconds, as `shutdown.exe /r /t` does; `tick` lets it happen."""
        self.shutdown_due = self.clock.now() + delay
        self.touch("host")

    def abort_reboot(self) -> bool:
        """Forget a scheduled reboot. Returns False when there was none."""
        if not self.shutdown_due:
            return False
        self.shutdown_due = 0.0
        self.touch("host")
        return True

    def tick(self) -> bool:
        """Let a scheduled reboot happen when its time has come. Returns whether it did."""
        with self.lock:
            if not self.shutdown_due or self.clock.now() < self.shutdown_due:
                return False
            outage = self.faults.number("outage", "seconds")
            if outage is None:
                outage = float(self.definition.get("reboot", {}).get("outage", 0.0))
            self.reboot(outage)
            return True

    def reboot(self, outage: float = 0.0) -> None:
        """Restart: processes end, pending renames happen, markers go, services start, a new boot time.

        Args:
            outage: seconds for which the host refuses connections.
        """
        with self.lock:
            self.shutdown_due = 0.0
            self.events.write("System", "EventLog", 6006, "information", "The Event log service was stopped.")
            self.services.shut_down()
            self.audit.forget_logons()
            self.processes.end_all(ENDED_BY_SHUTDOWN)
            self._finish_pending()
            now = self.clock.now()
            self.unreachable_until = now + outage
            # Two boots within one tick of the clock still differ: clients tell them apart by this time.
            self.boot_time = max(now + outage, self.boot_time + 1.0)
            self.boot_count += 1
            self.events.write("System", "EventLog", 6005, "information", "The Event log service was started.")
            for hook in list(self.reboot_hooks):
                hook(self)
            self.services.boot()
            self.touch("host")

    def pending_reboot(self) -> list[str]:
        """Why a reboot is pending, one word a reason, sorted; empty when none is."""
        reasons = []
        if self.registry.key_exists(CBS_REBOOT_KEY):
            reasons.append("component_based_servicing")
        if self.registry.key_exists(UPDATE_REBOOT_KEY):
            reasons.append("windows_update")
        if self._renames():
            reasons.append("file_rename_operations")
        if self._next_name() != self.computer_name:
            reasons.append("computer_rename")
        return sorted(reasons)

    def make_hive_file(self, path: str, holder: str = "") -> None:
        """Make the file of a registry hive, which is opened for the registry alone while it is loaded.

        Args:
            path: the file; its content is not what the registry holds.
            holder: who keeps it loaded, empty when nobody does now.
        """
        from winlab.host.registry import HIVE_MAGIC  # noqa: PLC0415  (composed lazily)

        if not self.files.is_file(path):
            self.files.write_bytes(path, HIVE_MAGIC)
            self.files.set_attributes(path, {"Hidden", "System", "Archive"})
        if holder:
            self.files.lock(path, holder, exclusive=True)

    def mark_reboot_pending(self, reason: str = "component_based_servicing") -> None:
        """Set a marker as an installer does.

        Args:
            reason: `component_based_servicing` or `windows_update`.
        """
        keys = {"component_based_servicing": CBS_REBOOT_KEY, "windows_update": UPDATE_REBOOT_KEY}
        self.registry.create_key(keys[reason])

    def rename_at_boot(self, source: str, target: str = "") -> None:
        """Have a file moved at the next boot (MoveFileEx), or deleted when `target` is empty."""
        from winlab.host.registry import Value  # noqa: PLC0415  (composed lazily)

        pairs = [*self._renames(), f"\\??\\{source}", f"!\\??\\{target}" if target else ""]
        self.registry.set(SESSION_MANAGER_KEY, RENAME_VALUE, Value("multistring", pairs))

    def rename_computer(self, name: str) -> None:
        """Give the host another name, which takes effect at the next boot."""
        from winlab.host.registry import Value  # noqa: PLC0415  (composed lazily)

        self.registry.set(ACTIVE_NAME_KEY, "ComputerName", Value("string", self.computer_name))
        self.registry.set(NEXT_NAME_KEY, "ComputerName", Value("string", name.upper()[:NETBIOS_NAME_LIMIT]))

    def _renames(self) -> list[str]:
        value = self.registry.get(SESSION_MANAGER_KEY, RENAME_VALUE)
        return list(value.data) if value is not None and isinstance(value.data, list) else []

    def _next_name(self) -> str:
        value = self.registry.get(NEXT_NAME_KEY, "ComputerName")
        return str(value.data) if value is not None else self.computer_name

    def _finish_pending(self) -> None:
        from winlab.host.registry import Value  # noqa: PLC0415  (composed lazily)

        renames = self._renames()
        for source, target in zip(renames[::2], renames[1::2], strict=False):
            self._finish_rename(source.removeprefix("\\??\\"), target.lstrip("!").removeprefix("\\??\\"))
        if renames:
            self.registry.delete_value(SESSION_MANAGER_KEY, RENAME_VALUE)
        for key in (CBS_REBOOT_KEY, UPDATE_REBOOT_KEY):
            if self.registry.key_exists(key):
                self.registry.delete_key(key)
        if self._next_name() != self.computer_name:
            self.computer_name = self._next_name()
            self.registry.set(ACTIVE_NAME_KEY, "ComputerName", Value("string", self.computer_name))

    def _finish_rename(self, source: str, target: str) -> None:
        if not self.files.exists(source):
            return
        if target:
            if self.files.exists(target):
                self.files.delete(target)
            self.files.move(source, target)
        else:
            self.files.delete(source, recursive=True)
