"""Twin of ansible.windows.async_status 3.3.0 (plugins/modules/async_status.ps1)."""

from __future__ import annotations

import json
import ntpath
from typing import Any

from winlab.arguments import legacy
from winlab.arguments.powershell import interpolated
from winlab.errors import ModuleFailure
from winlab.modules import Call, twin


@twin("ansible.windows.async_status")
def async_status(call: Call) -> dict[str, Any]:
    """Read, or remove, the result file of a job. Jobs are winlab/execution/asyncjobs.py."""
    job = legacy.param(call, "jid", failifempty=True, result={"changed": False})
    mode = legacy.param(call, "mode", default="status", validateset=("status", "cleanup"))
    folder = legacy.param(call, "_async_dir", type="path", failifempty=True)
    path = ntpath.join(folder, interpolated(job))  # line 16: Combine takes texts
    if not call.host.files.exists(path, call.session):
        raise ModuleFailure(f"could not find job at '{folder}'", ansible_job_id=job, started=1, finished=1)
    if str(mode).lower() == "cleanup":
        call.host.files.delete(path, recursive=True, session=call.session)
        return {"ansible_job_id": job, "erased": path}
    text = call.host.files.read_bytes(path, call.session)
    if not text:
        return {"results_file": path, "ansible_job_id": job, "started": 1, "finished": 0}
    try:
        data = json.loads(text.decode("utf-8-sig"))
    except ValueError:
        raise ModuleFailure(
            "Could not parse job output: ", ansible_job_id=job, results_file=path, started=1, finished=1
        ) from None
    if "started" not in data:
        data.update(finished=1, ansible_job_id=job)
    data.setdefault("finished", 0)
    return dict(data)
