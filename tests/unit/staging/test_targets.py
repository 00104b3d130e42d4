"""Where declared files may lie."""

from __future__ import annotations

import pytest

from mim2ecma.staging.targets import declared_target_problem

ECMA = r"C:\Program Files\Microsoft ECMA2Host\Service\ECMA"


@pytest.mark.parametrize(
    "target",
    [
        "hr.wsconfig",
        r"MAData\Hr\codes.csv",
        r"D:\Data\Hr\codes.csv",
        r"C:\ProgramData\Contoso\hr.dsn",
        r"C:\Program Files\Contoso\Hr\worker.exe",
        r"c:\Program Files (x86)\Contoso\hr.ini",
        rf"{ECMA}\hr.ps1",
        r"C:\Contoso Windows\hr.ps1",
    ],
)
def test_a_plain_place_is_taken(target: str) -> None:
    assert declared_target_problem(target, ECMA) is None


@pytest.mark.parametrize(
    ("target", "problem"),
    [
        (r"C:\Windows\System32\hr.dll", "folder of Windows"),
        (r"c:\WINDOWS\hr.ini", "folder of Windows"),
        (r"D:\$Recycle.Bin\hr.ini", "folder of Windows"),
        (r"C:\Program Files\Microsoft ECMA2Host\Service\hr.config", "Microsoft's products"),
        (r"C:\Program Files\Microsoft SQL Server\hr.ini", "Microsoft's products"),
        (r"C:\Program Files (x86)\Common Files\hr.ini", "Microsoft's products"),
        (r"C:\Program Files\hr.ini", "Microsoft's products"),
        (r"C:\ProgramData\Microsoft\hr.ini", "Microsoft's products"),
        (r"C:\ProgramData\mim2ecma\ecma\staged.json", "this program"),
        (r"C:\PROGRA~1\Contoso\hr.ini", "short name"),
        (r"C:\hr.ini", "root of a drive"),
        (r"\\server\share\hr.ini", "whole path on a local drive"),
        (r"\\?\C:\Data\hr.ini", ""),
        (r"\Data\hr.ini", "whole path on a local drive"),
        ("C:hr.ini", "whole path on a local drive"),
        ("C:/Data/hr.ini", "whole path on a local drive"),
        (r"..\hr.ini", "climbs"),
        (rf"{ECMA}\..\hr.ini", "climbs"),
        (r"D:\Data\..\Windows\hr.ini", "climbs"),
        (r"D:\Data\NUL", "device"),
        (r"D:\Data\hr.ini:stream", "does not allow"),
        (r"D:\Data\hr.ini.", "ends with a dot"),
        (r"Cache\Hr\hr.dll", "own copies"),
        (rf"{ECMA}\Cache\Hr\AutosyncService\hr.dll", "own copies"),
        ("", "names no file"),
    ],
)
def test_any_other_is_refused_with_its_reason(target: str, problem: str) -> None:
    found = declared_target_problem(target, ECMA)
    assert found is not None
    assert problem in found
