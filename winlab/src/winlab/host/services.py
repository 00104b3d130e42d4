r"""The service control manager: what is installed, what runs, and why a start fails.

Sources: Microsoft's pages "CreateServiceW", "StartServiceW", "Service User Accounts", "Log on as a service";
MS-SCMR 3.1.4 for the error codes.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

from winlab.errors import NotModelled, Win32Error
from winlab.host import images, logons, paths, service_registry, sids
from winlab.host.ports import WINDOWS_PORTS
from winlab.host.service_registry import SERVICES_KEY
from winlab.host.service_types import (
    Service,
    ServiceBehaviour,
    ServiceRun,
    behaviour_of,
    register_service_behaviour,
)
from winlab.host.volumes import USER_HIVE_FILE

if TYPE_CHECKING:
    from winlab.host.model import Host
    from winlab.host.sessions import Session

__all__ = ["Service", "ServiceBehaviour", "ServiceRun", "Services", "register_service_behaviour"]

ERROR_INVALID_SERVICE_ACCOUNT = 1057
ERROR_SERVICE_REQUEST_TIMEOUT = 1053
ERROR_DEPENDENT_SERVICES_RUNNING = 1051
ERROR_INVALID_SERVICE_CONTROL = 1052
ERROR_SERVICE_ALREADY_RUNNING = 1056
ERROR_SERVICE_DISABLED = 1058
ERROR_CIRCULAR_DEPENDENCY = 1059
ERROR_SERVICE_DOES_NOT_EXIST = 1060
ERROR_INVALID_PARAMETER = 87
ERROR_INVALID_NAME = 123
ERROR_SERVICE_NOT_ACTIVE = 1062
ERROR_SERVICE_DEPENDENCY_FAIL = 1068
ERROR_SERVICE_LOGON_FAILED = 1069
ERROR_SERVICE_DEPENDENCY_DELETED = 1075
ERROR_SERVICE_MARKED_FOR_DELETE = 1072
ERROR_SERVICE_EXISTS = 1073
ERROR_DUPLICATE_SERVICE_NAME = 1078

# Microsoft, "CreateServiceW": names have at most 256 characters, and no slash of either kind.
MAX_NAME = 256
# What changes while a service runs, without anybody configuring it.
_RUNNING = frozenset({"state", "pid", "win32_exit_code", "service_exit_code", "can_pause"})
_FORBIDDEN = frozenset("/\\")
START_MODES = ("boot", "system", "auto", "delayed", "manual", "disabled")
# Names the SCM itself understands for the accounts that have no password.
_PASSWORDLESS = {
    "localsystem": sids.SYSTEM,
    "nt authority\\system": sids.SYSTEM,
    "nt authority\\localservice": sids.LOCAL_SERVICE,
    "nt authority\\local service": sids.LOCAL_SERVICE,
    "nt authority\\networkservice": sids.NETWORK_SERVICE,
    "nt authority\\network service": sids.NETWORK_SERVICE,
}


class Services:
    """All services of one host.

    Args:
        host: the host.
    """

    def __init__(self, host: Host) -> None:
        self._host = host
        self._services: dict[str, Service] = {}
        # Services that a fault tells not to obey a stop.
        self.stubborn: set[str] = set()

    def get(self, name: str) -> Service | None:
        """A service by its name, without regard to case, or None."""
        return self._services.get(name.lower())

    def find(self, name: str) -> Service | None:
        """A service by name or by display name, or None."""
        wanted = name.lower()
        return self.get(name) or next(
            (service for service in self.all() if service.display_name.lower() == wanted), None
        )

    def all(self) -> list[Service]:
        """All services, sorted by name."""
        return [self._services[key] for key in sorted(self._services)]

    def dependents(self, name: str) -> list[Service]:
        """The services that depend on this one directly, sorted by name."""
        wanted = name.lower()
        return [service for service in self.all() if wanted in (d.lower() for d in service.depends_on)]

    def create(self, service: Service) -> Service:
        """Install a service; it does not start.

        Raises:
            Win32Error: 87 or 123 no possible name; 1072 name taken by one that is to go; 1073 name taken;
                1078 display name taken; 1057 no such account; 1059 it would depend on itself.
        """
        shown = service.display_name or service.name
        if not service.name or _FORBIDDEN & set(service.name):
            raise Win32Error(ERROR_INVALID_NAME, service.name)
        if len(service.name) > MAX_NAME or len(shown) > MAX_NAME:
            raise Win32Error(ERROR_INVALID_PARAMETER, service.name)
        known = self.get(service.name)
        if known is not None:
            raise Win32Error(
                ERROR_SERVICE_MARKED_FOR_DELETE if known.delete_pending else ERROR_SERVICE_EXISTS,
                service.name,
            )
        if self.find(shown) is not None:
            raise Win32Error(ERROR_DUPLICATE_SERVICE_NAME, shown)
        if self._leads_to(service.depends_on, service.name):
            raise Win32Error(ERROR_CIRCULAR_DEPENDENCY, service.name)
        # SYSTEM's and the service accounts' names are stored in the SCM's own spelling.
        created = replace(service, display_name=shown, account=self._account_name(service.account))
        self._store(created)
        return created

    def configure(self, name: str, **changes: Any) -> Service:
        """Change fields of a service; a running one keeps what it started with until it is started again.

        Raises:
            Win32Error: 1060 no such service; 1057 no such account; 1059 it would depend on itself; 1072 it
                goes when it stops; 1078 display name taken (Microsoft, "ChangeServiceConfigW").
        """
        service = self.require(name) if changes.keys() <= _RUNNING else self._unmarked(name)
        shown = changes.get("display_name")
        if shown and (self.find(shown) or service).name != service.name:
            raise Win32Error(ERROR_DUPLICATE_SERVICE_NAME, shown)
        if self._leads_to(changes.get("depends_on", ()), service.name):
            raise Win32Error(ERROR_CIRCULAR_DEPENDENCY, name)
        if "account" in changes:
            changes["account"] = self._account_name(str(changes["account"]))
        updated = replace(service, **changes)
        self._store(updated)
        return updated

    def _leads_to(self, names: Iterable[str], wanted: str) -> bool:
        """Whether one of these services is `wanted`, or depends on it, directly or not."""
        queue, seen = list(names), set[str]()
        while queue:
            name = queue.pop().lower()
            if name == wanted.lower():
                return True
            found = None if name in seen else self.get(name)
            seen.add(name)
            queue.extend(found.depends_on if found else ())
        return False

    def delete(self, name: str) -> None:
        """Remove a service; one that runs is marked, and goes when it stops (Microsoft, "DeleteService").

        Raises:
            Win32Error: 1060 no such service; 1072 marked already.
        """
        service = self._unmarked(name)
        if service.state != "stopped":
            self._store(replace(service, delete_pending=True))
            return
        self._forget(service)

    def _unmarked(self, name: str) -> Service:
        service = self.require(name)
        if service.delete_pending:
            raise Win32Error(ERROR_SERVICE_MARKED_FOR_DELETE, name)
        return service

    def _forget(self, service: Service) -> None:
        del self._services[service.name.lower()]
        key = rf"{SERVICES_KEY}\{service.name}"
        if self._host.registry.key_exists(key):
            self._host.registry.delete_key(key)
        self._host.touch("services")

    def start(self, name: str) -> Service:
        """Start a service and, before it, what it depends on.

        Raises:
            Win32Error: 2, 1053, 1056, 1058, 1060, 1068, 1069, 1072, or what the behaviour raises.
        """
        return self._start(self._unmarked(name), ())

    def _start(self, service: Service, above: tuple[str, ...]) -> Service:
        if service.state != "stopped":
            raise Win32Error(ERROR_SERVICE_ALREADY_RUNNING, service.name)
        if service.start_mode == "disabled":
            raise Win32Error(ERROR_SERVICE_DISABLED, service.name)
        if service.name.lower() in above:
            raise Win32Error(ERROR_CIRCULAR_DEPENDENCY, service.name)
        self._start_dependencies(service, (*above, service.name.lower()))
        try:
            running = self._launch(service)
        except Win32Error as error:
            self.configure(service.name, win32_exit_code=error.code)
            self._log_failure(service, error)
            raise
        self._host.events.write(
            "System",
            "Service Control Manager",
            7036,
            "information",
            f"The {service.display_name} service entered the running state.",
        )
        return running

    def _start_dependencies(self, service: Service, above: tuple[str, ...]) -> None:
        for name in service.depends_on:
            if name.startswith("+"):
                self._start_group(name[1:], service, above)
                continue
            needed = self.get(name)
            if needed is None or needed.delete_pending:
                raise Win32Error(ERROR_SERVICE_DEPENDENCY_DELETED, service.name)
            if needed.state == "stopped":
                try:
                    self._start(needed, above)
                except Win32Error as error:
                    if error.code == ERROR_CIRCULAR_DEPENDENCY:
                        raise
                    raise Win32Error(ERROR_SERVICE_DEPENDENCY_FAIL, service.name) from error

    def _start_group(self, group: str, service: Service, above: tuple[str, ...]) -> None:
        """Start a load-order group: at least one of its members has to run then ("CreateServiceW")."""
        members = [one for one in self.all() if one.load_order_group.lower() == group.lower()]
        for member in members:
            if member.state == "stopped" and not member.delete_pending:
                with suppress(Win32Error):
                    self._start(member, above)
        if all(self.require(member.name).state == "stopped" for member in members):
            raise Win32Error(ERROR_SERVICE_DEPENDENCY_FAIL, service.name)

    def _launch(self, service: Service) -> Service:
        if service.is_driver:
            return self.configure(service.name, state="running", win32_exit_code=0)
        session = self.session_of(service)
        image, _arguments = images.split_image_path(self._host, service.image_path)
        program = images.identify(self._host, image)
        behaviour = behaviour_of(program)
        if behaviour is None:
            # A program that is no service never reports to the SCM.
            raise Win32Error(ERROR_SERVICE_REQUEST_TIMEOUT, service.name)
        behaviour.start(ServiceRun(self._host, service, session, image, self.holder(service.name)))
        for port in WINDOWS_PORTS.get(service.name.lower(), ()):
            self._host.ports.listen(port, self.holder(service.name))
        hive = paths.join(session.profile, USER_HIVE_FILE)
        if session.sid not in sids.SERVICE_ACCOUNTS and self._host.files.is_file(hive):
            # The control manager loads the profile of the account (Microsoft, "Service User Accounts").
            self._host.files.lock(hive, self.holder(service.name), exclusive=True)
        process = self._host.processes.start(image, service.image_path, session.account, session.logon_id)
        return self.configure(
            service.name,
            state="running",
            pid=process.pid,
            win32_exit_code=0,
            service_exit_code=0,
            can_pause=behaviour.can_pause or service.can_pause,
        )

    def stop(self, name: str, force: bool = False) -> Service:
        """Stop a service.

        Args:
            name: its name.
            force: stop what depends on it first.

        Raises:
            Win32Error: 1051 something depends on it; 1052 it takes no stop; 1053 it does not answer; 1060;
                1062.
        """
        service = self.require(name)
        if service.state == "stopped":
            raise Win32Error(ERROR_SERVICE_NOT_ACTIVE, name)
        for dependent in self.dependents(service.name):
            if dependent.state != "stopped":
                if not force:
                    raise Win32Error(ERROR_DEPENDENT_SERVICES_RUNNING, name)
                self.stop(dependent.name, force=True)
        if not service.can_stop:
            raise Win32Error(ERROR_INVALID_SERVICE_CONTROL, name)
        if service.name.lower() in self.stubborn:
            raise Win32Error(ERROR_SERVICE_REQUEST_TIMEOUT, name)
        ended = self._end(service, run_hook=True)
        self._host.events.write(
            "System",
            "Service Control Manager",
            7036,
            "information",
            f"The {service.display_name} service entered the stopped state.",
        )
        return ended

    def pause(self, name: str) -> Service:
        """Pause a running service.

        Raises:
            Win32Error: 1052 it cannot pause; 1060; 1062 it does not run.
        """
        service = self.require(name)
        if service.state != "running":
            raise Win32Error(ERROR_SERVICE_NOT_ACTIVE, name)
        if not service.can_pause:
            raise Win32Error(ERROR_INVALID_SERVICE_CONTROL, name)
        return self.configure(name, state="paused")

    def resume(self, name: str) -> Service:
        """Let a paused service run again.

        Raises:
            Win32Error: 1052, 1060, 1062.
        """
        service = self.require(name)
        if service.state != "paused":
            raise Win32Error(ERROR_SERVICE_NOT_ACTIVE, name)
        return self.configure(name, state="running")

    def crash(self, name: str, exit_code: int = 1) -> Service:
        """End a service's process from outside, as `taskkill` or a fault does; no stop hook runs.

        Raises:
            Win32Error: 1060; 1062 it does not run.
        """
        service = self.require(name)
        if service.state == "stopped":
            raise Win32Error(ERROR_SERVICE_NOT_ACTIVE, name)
        ended = self._end(service, run_hook=False, exit_code=exit_code)
        self._host.events.write(
            "System",
            "Service Control Manager",
            7034,
            "error",
            f"The {service.display_name} service terminated unexpectedly.",
        )
        return ended

    def shut_down(self) -> None:
        """End every service, as the end of a session before a reboot does."""
        self.stubborn.clear()
        for service in self.all():
            if service.state != "stopped":
                self._end(service, run_hook=True)

    def boot(self) -> None:
        """Start what starts by itself; a failure is noted in the System log and the boot goes on."""
        for service in self.all():
            current = self.require(service.name)
            if current.start_mode in ("boot", "system", "auto", "delayed") and current.state == "stopped":
                try:
                    self.start(current.name)
                except (Win32Error, NotModelled) as error:
                    self._host.events.write(
                        "System", "Service Control Manager", 7001, "warning", f"{current.name}: {error}"
                    )

    def session_of(self, service: Service) -> Session:
        """The logon that a service runs in.

        Raises:
            Win32Error: 1069 when the logon is refused: password, account, or right.
        """
        known = _PASSWORDLESS.get(service.account.lower())
        try:
            if known is not None:
                return self._host.accounts.token(known, "service")
            if service.account.upper().startswith("NT SERVICE\\"):
                # A virtual account has no password, but needs the right, which NT SERVICE\ALL SERVICES has.
                principal = self._host.accounts.resolve(service.account)
                session = self._host.accounts.token(principal.sid, "service")
                if not session.holds("SeServiceLogonRight") or session.holds("SeDenyServiceLogonRight"):
                    raise Win32Error(logons.ERROR_LOGON_TYPE_NOT_GRANTED, service.account)
                return session
            return self._host.accounts.logon(service.account, service.password, "service")
        except Win32Error as error:
            raise Win32Error(ERROR_SERVICE_LOGON_FAILED, service.name) from error

    def _token_of(self, service: Service) -> Session:
        """The token that a running service has had since its logon."""
        account = service.account
        known = _PASSWORDLESS.get(account.lower()) or self._host.accounts.resolve(account).sid
        return self._host.accounts.token(known, "service")

    @staticmethod
    def holder(name: str) -> str:
        """The name under which a service's process holds locked files."""
        return f"service:{name.lower()}"

    def require(self, name: str) -> Service:
        """A service by name.

        Raises:
            Win32Error: 1060 no such service.
        """
        service = self.get(name)
        if service is None:
            raise Win32Error(ERROR_SERVICE_DOES_NOT_EXIST, name)
        return service

    def _account_name(self, account: str) -> str:
        if account.lower() in ("", "localsystem", "nt authority\\system", "system"):
            return "LocalSystem"
        if account.lower() in _PASSWORDLESS:
            return account
        try:
            principal = self._host.accounts.resolve(account)
        except Win32Error:
            # The virtual account of a service that is being created has no other name yet.
            if account.upper().startswith("NT SERVICE\\"):
                return account
            raise Win32Error(ERROR_INVALID_SERVICE_ACCOUNT, account) from None
        return rf".\{principal.name}" if principal.kind == "user" else principal.account

    def _end(self, service: Service, *, run_hook: bool, exit_code: int = 0) -> Service:
        if run_hook and not service.is_driver:
            self._run_stop_hook(service)
        self._host.files.unlock_all(self.holder(service.name))
        self._host.ports.close_all(self.holder(service.name))
        self._host.processes.end(service.pid, exit_code)
        ended = self.configure(service.name, state="stopped", pid=0, win32_exit_code=exit_code)
        if ended.delete_pending:
            self._forget(ended)
        return ended

    def _run_stop_hook(self, service: Service) -> None:
        image, _arguments = images.split_image_path(self._host, service.image_path)
        try:
            behaviour = behaviour_of(images.identify(self._host, image))
            session = self._token_of(service)
        except (Win32Error, NotModelled):
            # Its file or account went away while it ran: the process still ends.
            return
        if behaviour is not None:
            behaviour.stop(ServiceRun(self._host, service, session, image, self.holder(service.name)))

    def _log_failure(self, service: Service, error: Win32Error) -> None:
        if error.code == ERROR_SERVICE_LOGON_FAILED:
            cause = error.__cause__
            reason = cause.message if isinstance(cause, Win32Error) else error.message
            lacks_right = isinstance(cause, Win32Error) and cause.code == logons.ERROR_LOGON_TYPE_NOT_GRANTED
            self._host.events.write(
                "System",
                "Service Control Manager",
                7041 if lacks_right else 7038,
                "error",
                f"The {service.name} service was unable to log on as {service.account} with the currently "
                f"configured password due to the following error: {reason}.",
            )
        self._host.events.write(
            "System",
            "Service Control Manager",
            7000,
            "error",
            f"The {service.display_name} service failed to start due to the following error: "
            f"{error.message}.",
        )

    def _store(self, service: Service) -> None:
        before = self._services.get(service.name.lower())
        if before is None or service_registry.differ(before, service):
            service_registry.mirror(self._host, service)
        self._services[service.name.lower()] = service
        self._host.touch("services")

    def to_state(self) -> dict[str, Any]:
        """JSON-able state."""
        return {
            "services": [asdict(service) for service in self.all()],
            "stubborn": sorted(self.stubborn),
        }

    def load_state(self, state: dict[str, Any]) -> None:
        """Take back what `to_state` gave."""
        self._services = {}
        for item in state["services"]:
            restored = {
                **item,
                "depends_on": tuple(item["depends_on"]),
                "required_privileges": tuple(item["required_privileges"]),
                "triggers": tuple(item.get("triggers", ())),
                "failure_actions": tuple((kind, delay) for kind, delay in item["failure_actions"]),
            }
            self._services[item["name"].lower()] = Service(**restored)
        self.stubborn = set(state["stubborn"])
