"""Makes the builder of synthetic exports importable."""

import sys
from pathlib import Path

ROOT = next(path for path in Path(__file__).resolve().parents if (path / "pyproject.toml").is_file())
sys.path.insert(0, str(ROOT / "tests" / "fixtures" / "exports"))
