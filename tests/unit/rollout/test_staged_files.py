import base64
import json

import pytest

from mim2ecma.documents.errors import InputError
from mim2ecma.rollout import staged_files

LIST = r"C:\ProgramData\mim2ecma\ecma\staged.json"
OLD, NEW = "1" * 64, "2" * 64


def entry(name, digest):
    return {"path": rf"C:\ECMA\{name}", "sha256": digest}


def lies(name, digest):
    return {"path": rf"c:\ecma\{name}", "checksum": digest.upper()}


def read(content, *listing):
    text = content if isinstance(content, bytes) else json.dumps(content).encode()
    return staged_files.read(base64.b64encode(text).decode(), listing, "ecma01", LIST)


def test_no_list_means_that_nothing_is_ours():
    assert staged_files.read("", [], "ecma01", LIST) == {"ours": [], "interrupted": False, "service": ""}


def test_a_list_is_taken_as_it_is():
    files = [entry("a.dll", OLD)]
    assert read(files) == {"ours": files, "interrupted": False, "service": ""}
    assert read(b"\xef\xbb\xbf" + json.dumps(files).encode())["ours"] == files


@pytest.mark.parametrize(
    ("listing", "ours"),
    [
        ([lies("a.dll", OLD)], [entry("a.dll", OLD), entry("b.dll", NEW), entry("c.dll", OLD)]),
        (
            [lies("a.dll", NEW), lies("b.dll", NEW)],
            [entry("a.dll", NEW), entry("b.dll", NEW), entry("c.dll", OLD)],
        ),
    ],
)
def test_of_a_run_that_was_cut_short_both_builds_of_a_file_are_ours(listing, ours):
    planned = [
        {"target": rf"C:\ECMA\{name}", "sha256": NEW, "action": action, "owner": "ours"}
        for name, action in (("a.dll", "replace"), ("b.dll", "add"))
    ]
    text = staged_files.begun(
        [{"plan": {"files": planned}}], [entry("a.dll", OLD), entry("c.dll", OLD)], "started"
    )
    assert read(text.encode(), *listing) == {"ours": ours, "interrupted": True, "service": "started"}


@pytest.mark.parametrize(
    "content",
    [b"{", b"\xff\xfe\x00", b"7", b"null", b'[{"path": "x"}]', b"[7]", b'{"files": []}', b'{"files": 7}'],
)
def test_a_damaged_list_is_told(content):
    with pytest.raises(InputError) as caught:
        read(content)
    assert str(caught.value).startswith(
        rf"ecma01: {LIST}: not the list that a run writes; expected JSON with path and sha256"
    )
    assert "ecma_stage_replace" in str(caught.value)
