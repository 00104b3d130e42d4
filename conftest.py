"""For every test of both distributions.

The folder `winlab/` is named like the package: imported by path, its tests would make a second, empty
`winlab` unless the real package is there before them.
"""

import winlab as _winlab  # noqa: F401
