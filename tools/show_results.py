"""Print where a migration left its results: tools/show_results.py RUNS/INVENTORY."""

from __future__ import annotations

import json
import sys
from pathlib import Path


def main() -> int:
    """Print one block for each record, the newest state of each pair of hosts."""
    root = Path(sys.argv[1])
    records = sorted(root.glob("*/*/to/*/record.json"))
    if not records:
        print(
            f"{root}: no record.json; expected one for each migration. Run the migration first.",
            file=sys.stderr,
        )
        return 1
    for record in records:
        content = json.loads(record.read_text())
        evidence = ", ".join(f"{host['name']} {host['evidence']}" for host in content["hosts"])
        print(f"{content['outcome']:10} {record}")
        print(f"           plan       {record.with_name('plan.json')}")
        print(f"           inspection {record.parent.parent.parent / 'inspection.json'}")
        print(f"           evidence   {evidence}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
