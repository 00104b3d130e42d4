"""`sc.exe` where it sets who may use a service, and what starts it.

Sources: Microsoft's pages "sc.exe sdset" and "sc.exe triggerinfo", and what the program prints.
"""

from __future__ import annotations

from winlab.errors import Win32Error
from winlab.host import service_security, service_triggers
from winlab.host.service_types import Service
from winlab.programs import ProcessCall, ProcessResult

ERROR_ACCESS_DENIED = 5
ERROR_INVALID_SECURITY_DESCR = 1338
# What each verb of `sc.exe` opens a service for.
NEEDED = {
    "query": (),
    "start": (service_security.START,),
    "stop": (service_security.STOP,),
    "delete": (service_security.DELETE,),
    "sdset": (service_security.WRITE_DAC,),
    "triggerinfo": (service_security.CHANGE_CONFIG,),
}


def require(call: ProcessCall, service: Service, rights: tuple[str, ...]) -> None:
    """Refuse as OpenService does.

    Raises:
        Win32Error: 5, the service's descriptor does not give these rights.
    """
    if not service_security.is_granted(service.security, call.session, rights):
        raise Win32Error(ERROR_ACCESS_DENIED, service.name)


def configure(call: ProcessCall) -> ProcessResult:
    """`sc sdset NAME SDDL` and `sc triggerinfo NAME TRIGGER...`, which replaces all triggers there were."""
    verb, name, *values = call.arguments
    verb = verb.lower()
    try:
        service = call.host.services.require(name)
        require(call, service, NEEDED[verb])
    except Win32Error as error:
        return _failed("OpenService", error.code, error.message)
    if verb == "sdset":
        try:
            service_security.parse("".join(values))
        except service_security.InvalidDescriptorError:
            broken = Win32Error(ERROR_INVALID_SECURITY_DESCR)
            function = "ConvertStringSecurityDescriptorToSecurityDescriptor"
            return _failed(function, broken.code, broken.message)
        call.host.services.configure(name, security="".join(values))
        return ProcessResult(0, "[SC] SetServiceObjectSecurity SUCCESS\r\n")
    triggers = () if [value.lower() for value in values] == ["delete"] else tuple(values)
    for text in triggers:
        service_triggers.shown(text)
    call.host.services.configure(name, triggers=triggers)
    return ProcessResult(0, "[SC] ChangeServiceConfig2 SUCCESS\r\n")


def _failed(function: str, code: int, message: str) -> ProcessResult:
    return ProcessResult(code, f"[SC] {function} FAILED {code}:\r\n\r\n{message}.\r\n\r\n")
