"""What a Windows server has without our doing."""

from __future__ import annotations

import pytest

from mim2ecma.assemblies import known
from mim2ecma.assemblies.names import AssemblyName, Version
from mim2ecma.assemblies.request import nearest_framework
from mim2ecma.documents.errors import UsageError

ECMA, MICROSOFT, WPF, OPEN = "b77a5c561934e089", "b03f5f7f11d50a3a", "31bf3856ad364e35", "cc7b13ffcd2ddd51"


@pytest.mark.parametrize(
    ("name", "version", "token", "framework", "expected"),
    [
        ("mscorlib", (4, 0, 0, 0), ECMA, "4.6.2", True),
        ("mscorlib", (2, 0, 0, 0), ECMA, "4.8", True),  # older references are unified
        ("MSCORLIB", (4, 0, 0, 0), ECMA, "4.8", True),
        ("System.Runtime", (4, 1, 2, 0), MICROSOFT, "4.8", True),
        ("System.Runtime", (4, 1, 2, 0), MICROSOFT, "4.6.2", False),  # facades of 4.7.1 are newer
        ("System.Runtime", (4, 2, 2, 0), MICROSOFT, "4.8", False),  # .NET Core's
        ("netstandard", (2, 0, 0, 0), OPEN, "4.7.2", True),
        ("netstandard", (2, 0, 0, 0), OPEN, "4.6.2", False),
        ("netstandard", (2, 1, 0, 0), OPEN, "4.8", False),
        ("System.ValueTuple", (4, 0, 2, 0), OPEN, "4.8", True),
        ("System.Activities", (4, 0, 0, 0), WPF, "4.8", True),
        ("System.DirectoryServices.AccountManagement", (4, 0, 0, 0), ECMA, "4.8", True),
        ("Microsoft.JScript", (10, 0, 0, 0), MICROSOFT, "4.8", True),
        ("System.Speech", (4, 0, 0, 0), WPF, "4.8", True),
        ("System.WorkflowServices", (4, 0, 0, 0), WPF, "4.8", True),
        ("System.ServiceModel.Channels", (4, 0, 0, 0), WPF, "4.7.2", True),
        ("System.Data.Services.Design", (4, 0, 0, 0), ECMA, "4.8", True),
        ("System.Runtime.WindowsRuntime", (4, 0, 0, 0), ECMA, "4.8", True),
        ("Microsoft.VisualBasic.Compatibility", (8, 0, 0, 0), MICROSOFT, "4.8", True),
        ("Microsoft.VisualC.STLCLR", (2, 0, 0, 0), MICROSOFT, "4.8", True),
        # Microsoft's keys, but by NuGet and not in-box (domain/ma_xml.md 13.3)
        ("System.Buffers", (4, 0, 3, 0), OPEN, "4.8", False),
        ("System.Memory", (4, 0, 1, 1), OPEN, "4.8", False),
        ("System.Net.Http.Formatting", (5, 2, 3, 0), WPF, "4.8", False),
        ("System.Web.Mvc", (5, 2, 3, 0), WPF, "4.8", False),
        ("System.Threading.Tasks.Dataflow", (4, 5, 24, 0), MICROSOFT, "4.8", False),
        # the right name of another publisher
        ("System.Runtime", (4, 0, 0, 0), "0000000000000000", "4.8", False),
        ("System", (4, 0, 0, 0), "", "4.8", False),
    ],
)
def test_in_box_is_a_matter_of_name_publisher_and_version(
    name: str, version: Version, token: str, framework: str, expected: bool
) -> None:
    assert known.satisfied_in_box(AssemblyName(name, version, "", token), framework) is expected


def test_a_retargetable_reference_is_answered_by_the_framework() -> None:
    # Portable libraries refer to Silverlight's System.Core 2.0.5.0; the runtime maps them.
    reference = AssemblyName("System.Core", (2, 0, 5, 0), "", "7cec85d7bea7798e", retargetable=True)
    assert known.satisfied_in_box(reference, "4.8")


@pytest.mark.parametrize(
    ("name", "version", "expected"),
    [
        ("System.Management.Automation", (1, 0, 0, 0), True),
        ("System.Management.Automation", (3, 0, 0, 0), True),
        ("System.Management.Automation", (7, 2, 0, 0), False),  # PowerShell 7 is no part of Windows
        ("Microsoft.ActiveDirectory.Management", (10, 0, 0, 0), True),
    ],
)
def test_windows_has_windows_powershell(name: str, version: Version, expected: bool) -> None:
    assert (known.part_of_windows(AssemblyName(name, version, "", WPF)) is not None) is expected


@pytest.mark.parametrize(
    ("module", "status"),
    [
        ("kernel32", "windows"),
        ("KERNEL32.DLL", "windows"),
        ("advapi32.dll", "windows"),
        ("api-ms-win-core-file-l1-1-0.dll", "windows"),
        ("msvcrt.dll", "windows"),
        ("ucrtbase.dll", "windows"),
        ("msvcr120.dll", "redistributable"),
        ("vcruntime140.dll", "redistributable"),
        ("MSVCP140.dll", "redistributable"),
        ("sqlite3", "unknown"),
        ("oci.dll", "unknown"),
        ("winex11.drv", "unknown"),
    ],
)
def test_native_modules_are_of_windows_of_a_package_or_unknown(module: str, status: str) -> None:
    assert known.module_status(module) == status


def test_every_entry_of_the_data_can_be_read() -> None:
    for framework in known.frameworks():
        assert known.in_box(AssemblyName("mscorlib", (4, 0, 0, 0), "", ECMA), framework)
    assert known.frameworks() == ("4.6.2", "4.7.2", "4.8")


@pytest.mark.parametrize(
    ("given", "judged"),
    [("4.8", "4.8"), ("4.8.1", "4.8"), ("4.7.1", "4.6.2"), ("4.7.2", "4.7.2"), ("4.6.2", "4.6.2")],
)
def test_a_framework_between_two_listed_ones_is_judged_as_the_older(given: str, judged: str) -> None:
    assert nearest_framework(given) == judged


@pytest.mark.parametrize("given", ["4.5", "", "abc", "net472", "8.0"])
def test_a_framework_that_is_too_old_or_no_version_of_it_is_refused(given: str) -> None:
    with pytest.raises(UsageError, match="framework: version"):
        nearest_framework(given)
