"""R17: the staged DLL's version against the recorded one."""

import pytest

from mim2ecma.readiness import compare_assembly_version


@pytest.mark.parametrize(
    ("recorded", "staged", "found"),
    [
        ("1.2.3.4", "1.2.3.4", None),
        ("1.2.3.4", "1.10.0.0", None),
        ("1.2", "1.2.0.0", None),
        ("1.10.0.0", "1.9.0.0", "assembly version 1.9.0.0, older than the 1.10.0.0"),
        ("1.2.3.4", "2.0.0.0", "assembly version 2.0.0.0, of another major version than the 1.2.3.4"),
        ("2.0.0.0", "1.0.0.0", "assembly version 1.0.0.0, older than the 2.0.0.0"),
        (None, "1.0.0.0", None),
        ("unknown", "1.0.0.0", None),
        ("1.0.0.0", "", None),
    ],
)
def test_an_older_dll_or_another_major_version_is_a_warning(recorded, staged, found):
    item = compare_assembly_version(recorded, staged, "Example.dll")
    if found is None:
        assert item is None
    else:
        assert item is not None
        assert (item.id, item.severity.value, item.where) == ("R17", "warning", "Example.dll")
        assert found in item.found
