"""Reading packages: what is in them, and what is no package."""

from __future__ import annotations

import pytest
from winlab.products import media
from winlab.products.msi_package import InvalidPackageError, MissingCabinetError, read_cabinet, read_package

SYNC = media.folder() / "mim-sync" / "Synchronization Service.msi"
HR = media.folder() / "connectors" / "ContosoHrConnector.msi"


def test_reads_identity_from_the_property_table() -> None:
    package = read_package(SYNC.read_bytes())
    assert package.name == "Microsoft Identity Manager Synchronization Service"
    assert package.version == "4.6.34.0"
    assert package.product_code == "{C0A6F3E2-6B1D-4E57-9D0A-57A1AB040634}"
    assert package.template.startswith("x64")


def test_reads_files_from_an_embedded_cabinet() -> None:
    files = read_package(HR.read_bytes()).files(lambda name: None)
    assert files["Contoso.Json.dll"] == media.assembly("connectors/Contoso.Json.dll")


def test_cabinet_beside_the_package_is_asked_for_by_name() -> None:
    package = read_package(SYNC.read_bytes())
    with pytest.raises(MissingCabinetError, match=r"Data1\.cab"):
        package.files(lambda name: None)
    files = package.files(lambda name: (SYNC.parent / name).read_bytes())
    assert files["maexport.exe"] == media.assembly("sync/maexport.exe")


@pytest.mark.parametrize("data", [b"", b"MZ", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), bytes(4096)])
def test_what_is_no_package_is_refused(data: bytes) -> None:
    with pytest.raises(InvalidPackageError):
        read_package(data)


@pytest.mark.parametrize("length", [600, 2048, 6000])
def test_truncated_package_is_refused_or_read_but_never_crashes(length: int) -> None:
    with pytest.raises(InvalidPackageError):
        read_package(HR.read_bytes()[:length]).files(lambda name: None)


@pytest.mark.parametrize("data", [b"", b"MSCF", b"MSCF" + bytes(100)])
def test_what_is_no_cabinet_is_refused(data: bytes) -> None:
    with pytest.raises(InvalidPackageError):
        read_cabinet(data)
