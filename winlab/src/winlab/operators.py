"""What a person does at a simulated host's screen: operations that no remote command offers.

`winlab operator HOST run-wizard` asks the lab's process to do it; a test may call `run_wizard` on a `Host`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from winlab.errors import Win32Error, WinlabError
from winlab.host import logons
from winlab.products import ecma_host, ecma_wizard
from winlab.products.operator_answers import Answers

if TYPE_CHECKING:
    from winlab.host.model import Host
    from winlab.host.sessions import Session

RUN_WIZARD = "run-wizard"


def perform(host: Host, request: Mapping[str, Any], secrets: Mapping[str, str]) -> dict[str, Any]:
    """Do what the control endpoint is asked for.

    Args:
        host: the host.
        request: `action`, and what that action takes (see `run_wizard`); `secrets` maps `PAGE/FIELD` to the
            name of one of the lab's secrets.
        secrets: the lab's secrets.

    Raises:
        WinlabError: another action, or it could not be done.
    """
    if request.get("action") != RUN_WIZARD:
        raise WinlabError(
            f"{host.name}: operator: {request.get('action')!r}; expected {RUN_WIZARD}. Correct it."
        )
    typed: dict[str, str] = {}
    for field, name in dict(request.get("secrets") or {}).items():
        if name not in secrets:
            raise WinlabError(
                f"{host.name}: --secret {field}: {name}; expected one of {', '.join(sorted(secrets))}. "
                "List it under `secrets:` of the lab definition."
            )
        typed[field] = secrets[name]
    return run_wizard(
        host,
        request.get("answers"),
        source=str(request.get("source", "answers")),
        typed=typed,
        xml=str(request.get("xml") or ""),
        user=str(request.get("user") or ""),
        elevated=bool(request.get("elevated", True)),
        restart=bool(request.get("restart", False)),
    )


def run_wizard(
    host: Host,
    answers: Any,
    *,
    source: str = "answers",
    typed: Mapping[str, str] | None = None,
    xml: str = "",
    user: str = "",
    elevated: bool = True,
    restart: bool = False,
) -> dict[str, Any]:
    """Run the ECMA host's wizard as an operator.

    Args:
        host: the host.
        answers: the sheet, parsed JSON.
        source: its name, for messages.
        typed: what the operator types beyond the sheet, by `PAGE/FIELD`.
        xml: path on the host of the exported management agent.
        user: the operator's account; the host's administrator without it.
        elevated: whether the wizard is run as administrator.
        restart: whether the operator restarts the host's service afterwards.

    Raises:
        WinlabError: the wizard stops, and why.
    """
    sheet = Answers(answers, source)
    for field, value in (typed or {}).items():
        page, found, name = field.partition("/")
        if not found or not page or not name:
            raise WinlabError(f"{host.name}: secret {field!r}; expected PAGE/FIELD. Correct the option.")
        sheet.type_in(page, name, value)
    with host.lock:
        result = ecma_wizard.run(host, _logon(host, user, elevated), sheet, xml).to_dict()
        if restart:
            _restart(host)
            result["restart_needed"] = False
        host.save()
    return {"result": {**result, "files": list(result["files"]), "ignored": list(result["ignored"])}}


def _logon(host: Host, user: str, elevated: bool) -> Session:
    name = user or str(host.products.get("windows", {}).get("administrator", "Administrator"))
    try:
        found = host.accounts.resolve(name)
        if found.kind != "user":
            kind = found.kind.replace("_", " ")
            raise WinlabError(
                f"{host.name}: operator {name}: {kind}; expected the account of a person. "
                "Name one with --user."
            )
        session = host.accounts.token(found.sid, "interactive")
    except Win32Error as error:
        raise WinlabError(
            f"{host.name}: operator {name}: {error.message}; expected an account of the host. "
            "Name one with --user."
        ) from error
    # "Run as administrator" gives a member of Administrators the whole token; it makes nobody a member.
    return logons.unfiltered(host, session) if elevated else replace(session, elevated=False)


def _restart(host: Host) -> None:
    service = host.services.require(ecma_host.SERVICE)
    try:
        if service.state == "running":
            host.services.stop(service.name, force=True)
        host.services.start(service.name)
    except Win32Error as error:
        raise WinlabError(
            f"{host.name}: service {service.name}: {error.message}; expected it to start. See its event log."
        ) from error
