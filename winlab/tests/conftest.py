"""Every twin that a test calls is held against the RETURN section of its module's documentation."""

from __future__ import annotations

import os

os.environ.setdefault("WINLAB_CHECK_RETURNS", "1")
