"""win_certificate_store, on files that are made here."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    pkcs12,
)
from winlab.host import certificate_store, key_containers
from winlab.host.services import Service

from .certificates import (
    CANARY,
    CONTENTS,
    CURVE_ID,
    FOLDER,
    INFO,
    MACHINE,
    OWN_ID,
    OWN_KEY,
    ROOT,
    ROOT_ID,
    STORE,
    numbered,
)


@pytest.mark.parametrize(
    ("file", "ids"),
    [
        ("own.pem", [OWN_ID]),
        ("own.cer", [OWN_ID]),
        ("own.b64", [OWN_ID]),
        ("two.pem", [OWN_ID]),
        ("chain.p7b", {OWN_ID, ROOT_ID}),
        ("chain.pem", {OWN_ID, ROOT_ID}),
        ("own.pfx", [OWN_ID]),
        ("open.pfx", [OWN_ID]),
        ("full.pfx", {OWN_ID, ROOT_ID}),
        ("curve.pfx", [CURVE_ID]),
    ],
    ids=numbered,
)
def test_every_form_of_file_is_imported_once_and_removed_by_path(here, file, ids):
    options = {"password": CANARY} if file != "open.pfx" else {}
    predicted = here.store(file, check=True, **options)
    assert (predicted["changed"], here.thumbprints()) == (True, [])
    result = here.store(file, diff=True, **options)
    assert (result["changed"], type(ids)(result["thumbprints"])) == (True, ids)
    assert here.thumbprints() == sorted(ids)
    assert here.store(file, **options)["changed"] is False
    gone = here.store(file, state="absent", check=True, **options)
    assert (gone["changed"], here.thumbprints()) == (True, sorted(ids))
    assert here.store(file, state="absent", **options)["changed"] is True
    assert here.thumbprints() == []
    assert here.store(file, state="absent", **options)["changed"] is False


IMPORT = 'Failed to load cert from file: Exception calling "Import" with "3" argument(s): '
NO_MATCH = f'{IMPORT}"Cannot find the requested object.\r\n"'
WRONG_PASSWORD = f'{IMPORT}"The specified network password is not correct.\r\n"'


@pytest.mark.parametrize(
    ("options", "msg"),
    [
        (
            {"path": rf"{FOLDER}\none.cer"},
            rf"File at '{FOLDER}\none.cer' either does not exist or is not a file",
        ),
        ({"path": FOLDER}, f"File at '{FOLDER}' either does not exist or is not a file"),
        ({"path": rf"{FOLDER}\text.txt"}, NO_MATCH),
        ({"path": rf"{FOLDER}\binary.dat"}, NO_MATCH),
        ({"path": rf"{FOLDER}\key.pem"}, NO_MATCH),
        ({"path": rf"{FOLDER}\own.pfx"}, WRONG_PASSWORD),
        ({"path": rf"{FOLDER}\own.pfx", "password": "other"}, WRONG_PASSWORD),
        ({"path": rf"{FOLDER}\aes.pfx", "password": CANARY}, WRONG_PASSWORD),
        ({}, "state is present but all of the following are missing: path"),
        ({"state": "absent"}, "state is absent but any of the following are missing: path, thumbprint"),
        (
            {"state": "exported", "thumbprint": "AB"},
            "state is exported but all of the following are missing: path",
        ),
        (
            {"state": "there", "path": "x"},
            "value of state must be one of: absent, exported, present. Got no match for: there",
        ),
        (
            {"path": rf"{FOLDER}\own.cer", "store_location": "Elsewhere"},
            "value of store_location must be one of: CurrentUser, LocalMachine. Got no match for: Elsewhere",
        ),
        (
            {"path": rf"{FOLDER}\own.cer", "store_name": "Mine"},
            "unable to find store 'Mine': (CertOpenStore failed (The system cannot find the file specified, "
            "Win32ErrorCode 2 - 0x00000002))",
        ),
        (
            {"path": rf"{FOLDER}\own.cer", "store_type": "service", "store_location": "Nothing"},
            "value of store_location 'Nothing' is not a valid windows service",
        ),
        (
            {"state": "exported", "thumbprint": OWN_ID, "path": FOLDER},
            f"Cannot export cert to path '{FOLDER}' as it is a directory",
        ),
        (
            {"state": "exported", "thumbprint": OWN_ID, "path": r"C:\certs\new.cer"},
            "Found 0 certs when only expecting 1",
        ),
    ],
    ids=numbered,
)
def test_refusals_have_the_modules_words(here, options, msg):
    result = here.run(STORE, session=here.system, **options)
    assert (result["failed"], result["msg"]) == (True, msg)
    assert here.thumbprints() == []


@pytest.mark.parametrize(
    "form",
    [OWN_ID, OWN_ID.lower(), " ".join(OWN_ID[at : at + 2] for at in range(0, 40, 2)), f"{OWN_ID}A"],
    ids=numbered,
)
def test_a_thumbprint_is_found_in_any_form(here, form):
    here.store("own.cer")
    result = here.store(state="absent", thumbprint=form)
    assert (result["changed"], result["thumbprints"], here.thumbprints()) == (True, [form], [])


@pytest.mark.parametrize("form", ["AB", "ABC", f"\u200e{OWN_ID}", OWN_ID[:-2]], ids=numbered)
def test_another_thumbprint_finds_nothing(here, form):
    here.store("own.cer")
    assert here.store(state="absent", thumbprint=form)["changed"] is False
    assert here.run(INFO, thumbprint=form) == {"changed": False, "exists": False, "certificates": []}


@pytest.mark.parametrize(
    ("options", "root", "store"),
    [
        ({"store_name": "root"}, MACHINE, "Root"),
        ({"store_name": "CertificateAuthority"}, MACHINE, "CA"),
        ({"store_name": "TrustedPublisher"}, MACHINE, "TrustedPublisher"),
        ({"store_location": "CurrentUser"}, r"HKU\{sid}\SOFTWARE\Microsoft\SystemCertificates", "My"),
        (
            {"store_location": "currentuser", "store_name": "TrustedPeople"},
            r"HKU\{sid}\SOFTWARE\Microsoft\SystemCertificates",
            "TrustedPeople",
        ),
        (
            {"store_type": "service", "store_location": "backup"},
            r"HKLM\SOFTWARE\Microsoft\Cryptography\Services\Backup\SystemCertificates",
            "My",
        ),
    ],
    ids=numbered,
)
def test_a_store_lies_where_windows_keeps_it(here, options, root, store):
    here.windows.host.services.create(
        Service("Backup", "Backup", image_path=r"C:\Windows\System32\svchost.exe")
    )
    me = here.windows.session
    root = root.format(sid=me.sid)
    assert here.store("own.pem", session=me, check=True, **options)["changed"] is True
    assert here.thumbprints(store, root) == []
    assert here.store("own.pem", session=me, **options)["changed"] is True
    assert here.thumbprints(store, root) == [OWN_ID]
    assert here.store("own.pem", session=me, **options)["changed"] is False
    value = here.windows.host.registry.get(rf"{root}\{store}\Certificates\{OWN_ID}", "Blob")
    assert value.data.endswith(CONTENTS["own.cer"])


def test_a_services_stores_come_into_being_at_the_first_use(here):
    registry = here.windows.host.registry
    here.windows.host.services.create(
        Service("Backup", "Backup", image_path=r"C:\Windows\System32\svchost.exe")
    )
    options = {"state": "absent", "thumbprint": OWN_ID, "store_type": "service", "store_location": "Backup"}
    key = r"HKLM\SOFTWARE\Microsoft\Cryptography\Services\Backup\SystemCertificates"
    assert here.store(check=True, **options)["changed"] is True
    assert not registry.key_exists(key)
    assert here.store(**options)["changed"] is True
    assert len(registry.subkeys(key)) == 9
    assert here.store(**options)["changed"] is False


def test_a_users_stores_are_his_alone_and_show_the_machines_too(here):
    me, other = here.windows.session, here.windows.logon("SYSTEM", "service")
    here.store("own.cer", session=me, store_location="CurrentUser", store_name="TrustedPeople")
    here.store("chain.p7b", store_name="CA")
    found = {
        (who.user, store): here.run(INFO, session=who, store_location="CurrentUser", store_name=store)[
            "exists"
        ]
        for who in (me, other)
        for store in ("TrustedPeople", "CA", "My")
    }
    assert found == {
        ("Administrator", "TrustedPeople"): True,
        ("Administrator", "CA"): True,
        ("Administrator", "My"): False,
        ("SYSTEM", "TrustedPeople"): False,
        ("SYSTEM", "CA"): True,
        ("SYSTEM", "My"): False,
    }


def test_the_users_own_roots_need_somebody_at_the_screen(here):
    result = here.store("own.cer", store_location="CurrentUser", store_name="Root")
    assert "is not modelled" in result["msg"]
    assert "Windows asks on the screen" in result["msg"]


@pytest.mark.parametrize(
    ("options", "msg"),
    [
        (
            {"path": rf"{FOLDER}\own.cer"},
            f"Unable to import certificate with thumbprint '{OWN_ID}' with the current permissions: "
            "Access is denied.\r\n",
        ),
        (
            {"thumbprint": ROOT_ID, "state": "absent"},
            f'Unable to remove cert with thumbprint \'{ROOT_ID}\': Exception calling "Remove" with "1" '
            'argument(s): "Access is denied.\r\n"',
        ),
        (
            {"path": rf"{FOLDER}\own.cer", "store_type": "service", "store_location": "Backup"},
            'Unhandled exception while executing module: Exception calling "Register" with "2" argument(s): '
            '"CertRegisterSystemStore failed (Access is denied, Win32ErrorCode 5 - 0x00000005)"',
        ),
        (
            {"path": r"C:\closed\own.cer"},
            r"File at 'C:\closed\own.cer' either does not exist or is not a file",
        ),
        (
            {"path": r"C:\Windows\new.cer", "thumbprint": ROOT_ID, "state": "exported"},
            r"Failed to write cert to file due to permissions: Access to the path 'C:\Windows\new.cer' is denied.",
        ),
    ],
    ids=numbered,
)
def test_what_a_user_without_rights_is_told(here, options, msg):
    here.windows.host.services.create(
        Service("Backup", "Backup", image_path=r"C:\Windows\System32\svchost.exe")
    )
    here.windows.user("ada", "Users")
    ada = here.windows.logon("ada", "interactive")
    certificate_store.add(here.windows.host, "My", ROOT.public_bytes(Encoding.DER))
    result = here.run(STORE, session=ada, **options)
    assert (result["failed"], result["msg"]) == (True, msg)
    assert here.thumbprints() == [ROOT_ID]
    # In check mode nothing is tried, and his own stores are open to him.
    own = here.run(STORE, session=ada, path=rf"{FOLDER}\own.cer", store_location="CurrentUser")
    assert own["changed"] is True
    assert here.run(STORE, session=ada, path=rf"{FOLDER}\own.cer", check=True)["changed"] is True
    assert here.run(INFO, session=ada)["certificates"][0]["thumbprint"] == ROOT_ID


def test_a_network_logon_cannot_seal_a_users_key_and_a_machines_key_needs_none(here):
    options = {"session": here.windows.session, "password": CANARY}
    assert here.store("own.pfx", **options)["msg"] == WRONG_PASSWORD
    assert here.store("own.pfx", key_storage="user", **options)["msg"] == WRONG_PASSWORD
    assert here.store("own.pfx", key_storage="machine", **options)["changed"] is True
    assert here.store("own.pem", session=here.windows.session)["changed"] is False


@pytest.mark.parametrize(
    ("file", "storage", "who", "folder"),
    [
        ("own.pfx", "machine", "SYSTEM", key_containers.MACHINE_KEYS),
        ("own.pfx", "default", "SYSTEM", r"C:\ProgramData\Microsoft\Crypto\RSA\S-1-5-18"),
        (
            "own.pfx",
            "user",
            "Administrator",
            r"C:\Users\Administrator\AppData\Roaming\Microsoft\Crypto\RSA\{sid}",
        ),
        ("curve.pfx", "machine", "SYSTEM", r"C:\ProgramData\Microsoft\Crypto\Keys"),
        (
            "curve.pfx",
            "user",
            "Administrator",
            r"C:\Users\Administrator\AppData\Roaming\Microsoft\Crypto\Keys",
        ),
    ],
    ids=numbered,
)
def test_where_a_key_lies_and_who_finds_it(here, file, storage, who, folder):
    session = here.windows.logon(who, "service" if who == "SYSTEM" else "interactive")
    here.store(file, password=CANARY, key_storage=storage, session=session)
    folder = folder.format(sid=session.sid)
    (held,) = here.windows.host.files.entries(folder)
    (stored,) = certificate_store.all_of(here.windows.host, "My")
    assert (stored.key.name, stored.key.machine, stored.friendly_name) == (
        held.name,
        storage == "machine",
        "mine",
    )
    assert b"PRIVATE KEY" in certificate_store.private_key(here.windows.host, stored, session)
    here.windows.user("ada", "Users")
    assert (
        certificate_store.private_key(here.windows.host, stored, here.windows.logon("ada", "interactive"))
        == b""
    )
    # X509Store.Remove leaves the key behind.
    here.store(state="absent", thumbprint=stored.thumbprint, session=session)
    assert here.windows.host.files.exists(held.path)


def test_a_certificate_without_its_key_is_imported_again_with_it(here):
    here.store("own.cer")
    assert here.store("own.pfx", password=CANARY)["changed"] is True
    assert here.run(INFO)["certificates"][0]["has_private_key"] is True
    assert here.store("own.cer")["changed"] is False
    assert here.run(INFO)["certificates"][0]["has_private_key"] is True


@pytest.mark.parametrize(
    ("kind", "start"),
    [("der", CONTENTS["own.cer"]), ("pem", b"-----BEGIN CERTIFICATE-----\r\n"), ("pkcs12", b"0")],
    ids=numbered,
)
def test_a_certificate_is_exported_once(here, kind, start):
    here.store("own.pfx", password=CANARY)
    target = rf"{FOLDER}\out.bin"
    options = {
        "state": "exported",
        "thumbprint": OWN_ID,
        "path": target,
        "file_type": kind,
        "password": CANARY,
    }
    files = here.windows.host.files
    assert here.store(check=True, **options)["changed"] is True
    assert not files.exists(target)
    result = here.store(**options)
    assert (result["changed"], result["thumbprints"]) == (True, [OWN_ID])
    assert ("key_exportable" in result, result.get("key_exported")) == (
        kind == "pkcs12",
        False if kind == "pkcs12" else None,
    )
    content = files.read_bytes(target)
    assert content.startswith(start)
    assert here.store(**options)["changed"] is False
    # Another certificate in the file, or another form of the same, is replaced.
    files.write_bytes(target, ROOT.public_bytes(Encoding.DER))
    assert here.store(**options)["changed"] is True
    assert len(files.read_bytes(target)) == len(content)


def test_an_exported_file_holds_the_key(here, tmp_path: Path):
    here.store("own.pfx", password=CANARY)
    options = {"state": "exported", "thumbprint": OWN_ID, "path": rf"{FOLDER}\out.pfx", "file_type": "pkcs12"}
    here.store(password=CANARY, **options)
    content = here.windows.host.files.read_bytes(rf"{FOLDER}\out.pfx")
    loaded = pkcs12.load_pkcs12(content, CANARY.encode())
    assert loaded.key.private_numbers() == OWN_KEY.private_numbers()
    file = tmp_path / "out.pfx"
    file.write_bytes(content)
    done = subprocess.run(
        ["openssl", "pkcs12", "-in", str(file), "-passin", f"pass:{CANARY}", "-nokeys", "-info"],
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert "pbeWithSHA1And3-KeyTripleDES-CBC, Iteration 2000" in done.stderr


@pytest.mark.parametrize(
    ("options", "who", "text"),
    [
        ({"key_exportable": False}, "SYSTEM", "Key not valid for use in specified state."),
        ({"key_storage": "user"}, "Administrator", "Keyset does not exist"),
    ],
    ids=numbered,
)
def test_a_key_that_may_not_leave_or_is_not_there_is_not_exported(here, options, who, text):
    here.store("own.pfx", password=CANARY, **options)
    session = here.windows.logon(who, "service" if who == "SYSTEM" else "interactive")
    target = rf"{FOLDER}\out.pfx"
    export = {
        "state": "exported",
        "thumbprint": OWN_ID,
        "path": target,
        "file_type": "pkcs12",
        "session": session,
    }
    result = here.store(password=CANARY, **export)
    assert result["msg"] == (
        f'Failed to export certificate as bytes: Exception calling "Export" with "2" argument(s): "{text}\r\n"'
    )
    assert here.store(**{**export, "file_type": "der"})["changed"] is True


def test_check_mode_removes_the_old_file_of_an_export_as_the_module_does(here):
    here.store("own.cer")
    target = rf"{FOLDER}\text.txt"
    here.store(check=True, state="exported", thumbprint=OWN_ID, path=target)
    assert not here.windows.host.files.exists(target)
