"""What a service is, and what an executable does as one.

Sources: Microsoft's pages "CreateServiceW", "SERVICE_PRESHUTDOWN_INFO"; the words are those of
    `win_service_info`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from winlab.host.model import Host
    from winlab.host.sessions import Session

ERROR_SERVICE_NEVER_STARTED = 1077
DRIVER_TYPES = frozenset({"kernel_driver", "file_system_driver"})
# SERVICE_PRESHUTDOWN_INFO: 3 minutes, also what a service without a setting reports.
DEFAULT_PRE_SHUTDOWN_MS = 180_000


@dataclass(frozen=True, slots=True)
class Service:
    """One service as the SCM keeps it; the words are those of `win_service_info`.

    `security` is its descriptor (`host/service_security.py`), empty for the usual one; `triggers` are those
    of `host/service_triggers.py`. `delete_pending`: it goes when it stops.
    """

    name: str
    display_name: str = ""
    description: str = ""
    image_path: str = ""
    account: str = "LocalSystem"
    password: str = ""
    start_mode: str = "manual"
    state: str = "stopped"
    depends_on: tuple[str, ...] = ()
    pid: int = 0
    service_type: str = "win32_own_process"
    desktop_interact: bool = False
    error_control: str = "normal"
    load_order_group: str = ""
    sid_info: str = "none"
    required_privileges: tuple[str, ...] = ()
    failure_actions: tuple[tuple[str, int], ...] = ()
    failure_actions_on_non_crash_failure: bool = False
    failure_command: str = ""
    failure_reboot_msg: str = ""
    failure_reset_period_sec: int = 0
    pre_shutdown_timeout_ms: int = DEFAULT_PRE_SHUTDOWN_MS
    can_stop: bool = True
    can_pause: bool = False
    win32_exit_code: int = ERROR_SERVICE_NEVER_STARTED
    service_exit_code: int = 0
    security: str = ""
    triggers: tuple[str, ...] = ()
    delete_pending: bool = False

    @property
    def is_driver(self) -> bool:
        """Whether this is a driver, which has no account."""
        return self.service_type in DRIVER_TYPES


@dataclass(frozen=True, slots=True)
class ServiceRun:
    """What a service's behaviour is given when it starts or stops.

    Attributes:
        host: the host.
        service: the service as it is now.
        session: the logon it runs in.
        image: path of its executable.
        holder: the name under which it holds locked files.
    """

    host: Host
    service: Service
    session: Session
    image: str
    holder: str


ServiceHook = Callable[[ServiceRun], None]


@dataclass(frozen=True, slots=True)
class ServiceBehaviour:
    """What an executable does as a service. A hook raises `Win32Error` to refuse."""

    start: ServiceHook
    stop: ServiceHook
    can_pause: bool = False


def _nothing(_run: ServiceRun) -> None:
    """Run without doing anything anybody can see."""


_behaviours: dict[str, ServiceBehaviour] = {}


def register_service_behaviour(
    program: str,
    start: ServiceHook = _nothing,
    stop: ServiceHook = _nothing,
    *,
    can_pause: bool = False,
) -> None:
    """Say what an executable does as a service.

    Args:
        program: the program's name as `images.identify` gives it.
        start: called before the state becomes running.
        stop: called before the state becomes stopped; locks are taken off afterwards.
        can_pause: whether it takes pause and continue while it runs.
    """
    _behaviours[program] = ServiceBehaviour(start, stop, can_pause)


# The host process of Windows' own services.
register_service_behaviour("svchost")


def behaviour_of(program: str) -> ServiceBehaviour | None:
    """What this program does as a service, or None when it is no service."""
    return _behaviours.get(program)
