"""Hold the branch coverage of the package against its floor.

    tools/check_coverage.py coverage.json

`--cov-fail-under` counts statements and branches together, which is kinder than the floor that is meant.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

FLOOR = 95.0
"""Per cent of the branches of `mim2ecma` that the tests without hosts must take."""


def main() -> int:
    """Print the share of branches taken; 1 when it lies under the floor."""
    path = Path(sys.argv[1])
    try:
        totals = json.loads(path.read_text(encoding="utf-8"))["totals"]
        taken, branches = totals["covered_branches"], totals["num_branches"]
    except (OSError, ValueError, KeyError) as error:
        print(f"{path}: {error!r}; expected what `coverage json` writes. Run make test.", file=sys.stderr)
        return 2
    share = 100 * taken / max(branches, 1)
    print(f"branches of mim2ecma that tests take: {taken} of {branches}, {share:.1f} %; floor {FLOOR:.0f} %")
    return int(share < FLOOR)


if __name__ == "__main__":
    sys.exit(main())
