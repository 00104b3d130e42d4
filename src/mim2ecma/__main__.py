"""`python -m mim2ecma`."""

import sys

from mim2ecma.cli import main

if __name__ == "__main__":
    sys.exit(main())
