"""The scan of the bytes sees every limit, wherever the pieces are cut, and passes what is allowed."""

import pytest

from mim2ecma.documents import limits
from mim2ecma.management_agent.problems import UnreadableError
from mim2ecma.management_agent.scan import Scanner

PIECES = (1, 2, 3, 7, 64, 100)


@pytest.fixture(autouse=True)
def small_limits(monkeypatch):
    monkeypatch.setattr(limits, "MAX_START_TAG_BYTES", 200)
    monkeypatch.setattr(limits, "MAX_TEXT_BYTES", 400)
    monkeypatch.setattr(limits, "MAX_DECLARATIONS", 5)
    monkeypatch.setattr("mim2ecma.management_agent.scan._LONGEST_ROOT_NAME", 50)


def scan(text, size):
    scanner = Scanner()
    data = text.encode()
    for start in range(0, len(data), size):
        scanner.feed(data[start : start + size])
    return scanner.root_name


LONG = "x" * 150
PASSES = [
    ("<a>", "a"),
    ("<a/>", "a"),
    ("\n <?xml version='1.0'?>\r\n<!-- <b> --><?p <c> ?> <p:a x='>'>text</p:a>", "p:a"),
    (f"<a b='{LONG}'/>", "a"),
    (f"<a b='{LONG}' c=\">\"><d/>{'t' * 300}</a>", "a"),
    (f"<a>{'t' * 300}<b/>{'t' * 300}</a>", "a"),
    (f"<a><![CDATA[{'<' * 300}]]></a>", "a"),
    (f"<a><!--{'<' * 300}--><b/></a>", "a"),
    (f"<a><?p {'<' * 300}?><b/></a>", "a"),
    ("<a>" + "!?" * 100 + "<!-- ! --><b>?!</b></a>", "a"),
    ("<a>" + "<!---->" * 5 + "</a>", "a"),
    (f"<a>{'<b/>' * 1000}</a>", "a"),
    ("text", ""),
    ("<1>" + "x" * 20, "1"),
    ("< a>" + "x" * 20, ""),
    ("<a", None),
    ("<!-- never", None),
    ("", None),
]


@pytest.mark.parametrize("size", PIECES)
@pytest.mark.parametrize(("text", "root"), PASSES)
def test_what_is_allowed_passes_with_its_root(text, root, size):
    if root == "" and text == "text":
        assert scan(text, size) is None  # too short to tell; the parser says what is wrong
        assert scan(text * 5, size) == ""
    else:
        assert scan(text, size) == root


REFUSED = [
    ("<!DOCTYPE a>", "a document type definition (DTD)"),
    ("<?xml version='1.0'?><!-- x -->\n<!doctype a []><a/>", "a document type definition (DTD)"),
    ("<" + "n" * 100, "a name of more than 0 KiB"),
    ("<!--" + "x" * 300, "a comment of more than 0 KiB"),
    ("<!---->" * 6 + "<a/>", "more than 5 comments"),
    (f"<a b='{LONG}' c='{LONG}'/>", "a start tag of more than 0 KiB"),
    (f"<a b='>{LONG}' c=\">{LONG}\"/>", "a start tag of more than 0 KiB"),
    (f"<a><b/><c d='{LONG * 2}", "a start tag of more than 0 KiB"),
    (f"<a>{'t' * 500}", "a text, comment or CDATA section of more than 0 KiB"),
    (f"<a>{'t' * 300}<!-- -->{'t' * 300}</a>", "a text, comment or CDATA section of more than 0 KiB"),
    (f"<a><![CDATA[{'<' * 500}]]></a>", "a text, comment or CDATA section of more than 0 KiB"),
    (f"<a><!--{'<!' * 300}--></a>", "a text, comment or CDATA section of more than 0 KiB"),
    ("<a>" + "<!---->" * 6, "more than 5 comments"),
    ("<a>" + "<?p?><![CDATA[]]><!---->" * 2, "more than 5 comments"),
    ("<a><!ENTITY x 'y'></a>", "a declaration that only a DTD may hold"),
    ("<a><!DOCTYPE a></a>", "a declaration that only a DTD may hold"),
    ("<a>" + "!" * 300 + "<!ELEMENT a></a>", "a declaration that only a DTD may hold"),
]


@pytest.mark.parametrize("size", PIECES)
@pytest.mark.parametrize(("text", "found"), REFUSED)
def test_what_is_not_allowed_is_refused_wherever_it_is_cut(text, found, size):
    with pytest.raises(UnreadableError) as caught:
        scan(text, size)
    assert caught.value.finding.found.startswith(found)
