"""Run the Molecule scenarios offline, each with simulated hosts of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def main() -> int:
    """Run `molecule test` for each scenario; the exit code is the first that is not 0."""
    binaries = Path(sys.executable).parent
    environment = {
        **os.environ,
        "PATH": f"{binaries}{os.pathsep}{os.environ['PATH']}",
        "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"),
        "ANSIBLE_HOME": str(ROOT / ".ansible"),
        "NO_PROXY": "127.0.0.1,localhost",
        "MIM2ECMA_ROOT": str(ROOT),
    }
    for scenario in sorted(path.parent.name for path in (ROOT / "molecule").glob("*/molecule.yml")):
        print(f"== molecule {scenario}", flush=True)
        code = subprocess.run(
            [str(binaries / "molecule"), "test", "--scenario-name", scenario],
            cwd=ROOT,
            env=environment,
            check=False,
        ).returncode
        if code:
            return code
    return 0


if __name__ == "__main__":
    sys.exit(main())
