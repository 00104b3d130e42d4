"""win_certificate_info, on files that are made here."""

from __future__ import annotations

import base64

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
)
from winlab.host import certificate_store

from .certificates import (
    CANARY,
    CURVE_ID,
    CURVE_KEY,
    INFO,
    OWN_ID,
    OWN_KEY,
    OWN_NAME,
    ROOT,
    ROOT_ID,
    certify,
    numbered,
)


def test_information_has_windows_words(here):
    here.store("chain.p7b")
    result = here.run(INFO)
    assert [item["thumbprint"] for item in result["certificates"]] == sorted([OWN_ID, ROOT_ID])
    (root,) = here.run(INFO, thumbprint=ROOT_ID.lower())["certificates"]
    expected = {
        "archived": False,
        "dns_names": ["Lab root"],
        "friendly_name": "",
        "has_private_key": False,
        "is_ca": True,
        "issued_by": "Lab root",
        "issuer": 'CN=Lab root, O="Nord, Süd", C=DE',
        "key_usages": ["CrlSign", "KeyCertSign", "DigitalSignature"],
        "path_length_constraint": 2,
        "raw": base64.b64encode(ROOT.public_bytes(Encoding.DER)).decode(),
        "serial_number": "00FD6F21",
        "signature_algorithm": "sha256RSA",
        "ski": "00FF10",
        "valid_from": 1714564800,
        "valid_from_iso8601": "2024-05-01T12:00:00Z",
        "version": 3,
    }
    assert {key: root[key] for key in expected} == expected
    texts = [(item["field"], item["critical"], item["value"]) for item in root["extensions"]]
    assert texts == [
        ("Basic Constraints", True, "Subject Type=CA, Path Length Constraint=2"),
        ("Key Usage", True, "Digital Signature, Certificate Signing, Off-line CRL Signing, CRL Signing (86)"),
        ("Subject Key Identifier", False, "00 ff 10"),
        (None, False, "05 00"),
    ]
    (own,) = here.run(INFO, thumbprint=OWN_ID)["certificates"]
    assert own["dns_names"] == ["host.test.example", "host.test.example", "alias"]
    assert own["intended_purposes"] == ["Server Authentication", ""]
    assert own["key_usages"] == ["KeyAgreement", "DecipherOnly"]
    assert (own["is_ca"], own["path_length_constraint"]) == (False, 0)
    assert {item["field"]: item["value"] for item in own["extensions"]} == {
        "Authority Information Access": "[1]Authority Info Access: Access Method=Certification Authority Issuer "
        "(1.3.6.1.5.5.7.48.2), Alternative Name=URL=http://x.example/a.crt",
        "Authority Key Identifier": "KeyID=00 ff 10",
        "Basic Constraints": "Subject Type=End Entity, Path Length Constraint=None",
        "CRL Distribution Points": "[1]CRL Distribution Point: Distribution Point Name:Full Name:"
        "URL=http://x.example/a.crl",
        "Enhanced Key Usage": "Server Authentication (1.3.6.1.5.5.7.3.1), Unknown Key Usage (1.2.3)",
        "Key Usage": "Key Agreement, Decipher Only (08, 80)",
        "Subject Alternative Name": "DNS Name=host.test.example, DNS Name=alias, IP Address=192.0.2.1",
    }


def test_the_public_key_is_the_bit_strings_content(here):
    for file, key in (("own.pfx", OWN_KEY), ("curve.pfx", CURVE_KEY)):
        here.store(file, password=CANARY)
        found = here.run(INFO, thumbprint=OWN_ID if key is OWN_KEY else CURVE_ID)["certificates"][0]
        raw = base64.b64decode(found["public_key"])
        assert key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo).endswith(raw)


@pytest.mark.parametrize(
    ("options", "result"),
    [
        ({"store_name": "Nowhere"}, {"exists": False, "certificates": []}),
        ({"store_name": "CertificateAuthority"}, {"exists": False, "certificates": []}),
        (
            {"store_location": "Elsewhere"},
            {
                "failed": True,
                "msg": "value of store_location must be one of: CurrentUser, LocalMachine. Got no match for: Elsewhere",
            },
        ),
    ],
    ids=numbered,
)
def test_information_on_what_is_not_there(here, options, result):
    here.store("chain.p7b", store_name="CA")
    found = here.run(INFO, **options)
    assert {key: found[key] for key in result} == result


def test_an_extension_whose_text_is_not_known_is_refused_by_name(here):
    policies = x509.CertificatePolicies(
        [x509.PolicyInformation(x509.ObjectIdentifier("1.2.3"), ["http://x.example/cps"])]
    )
    certificate = certify(OWN_NAME, OWN_NAME, OWN_KEY, OWN_KEY, 1, (policies, False))
    certificate_store.add(here.windows.host, "My", certificate.public_bytes(Encoding.DER))
    assert "certificate extension 2.5.29.32" in here.run(INFO)["msg"]


def test_no_password_and_no_key_reach_a_result_or_the_registry(here):
    results = [
        here.store("own.pfx", password=CANARY),
        here.store("own.pfx", password=f"{CANARY}x"),
        here.store(
            state="exported", thumbprint=OWN_ID, path=r"C:\no\x.pfx", file_type="pkcs12", password=CANARY
        ),
        here.run(INFO),
    ]
    registry = str(here.windows.host.registry.to_state())
    assert results[1]["failed"] and results[2]["failed"]
    for text in (*map(str, results), registry, str(here.windows.host.events.to_state())):
        assert CANARY not in text
        assert "PRIVATE KEY" not in text
