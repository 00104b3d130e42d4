"""win_xml: the cases of the upstream integration target, how files are saved, and what the source adds."""

from __future__ import annotations

import codecs

import pytest

NAME = "community.windows.win_xml"
F = "C:\\data\\f.xml"
CONFIG = b'<?xml version="1.0" encoding="utf-8"?>\n<config>\n  <string key="foo">bar</string>\n  <setting></setting>\n</config>\n'
BOOKS = b'<books><works lang="en"><title lang="en" n="1">A</title><title lang="en" n="2">B</title></works></books>'


def edit(windows, data: bytes | None = CONFIG, **options):
    if data is not None:
        windows.write(F, data)
    return windows.run(NAME, **{"path": F, **options})


def body(windows) -> str:
    return windows.read(F).decode("utf-8-sig").replace("\r\n", "\n")


def test_an_element_is_added_once_and_the_file_saved_as_xmldocument_does(windows):
    call = {"xpath": "/config", "fragment": '<string key="answer">42</string>'}
    assert edit(windows, **call) == {"changed": True, "msg": "element changed"}
    assert windows.read(F) == codecs.BOM_UTF8 + (
        b'<?xml version="1.0" encoding="utf-8"?>\r\n<config>\r\n  <string key="foo">bar</string>\r\n'
        b'  <setting>\r\n  </setting>\r\n  <string key="answer">42</string>\r\n</config>'
    )
    assert edit(windows, None, **call) == {"changed": False, "msg": "not changed"}


@pytest.mark.parametrize(
    ("data", "options", "expected"),
    [
        (b"<a><b/></a>", {"xpath": "/a", "fragment": "<c/>"}, "<a>\n  <b />\n  <c />\n</a>"),
        (
            b"<a><b x='1'/></a>",
            {"xpath": "/a/b", "fragment": "<c>1</c>"},
            '<a>\n  <b x="1">\n    <c>1</c>\n  </b>\n</a>',
        ),
        (b"<a>t<b/>u</a>", {"xpath": "/a/b", "fragment": "<c/>"}, "<a>t<b>\n    <c />\n  </b>u</a>"),
        (
            b"<!-- x --><a><!-- y --><b/></a>",
            {"xpath": "/a", "fragment": "<c/>"},
            "<!-- x -->\n<a>\n  <!-- y -->\n  <b />\n  <c />\n</a>",
        ),
        (
            b'<!DOCTYPE a SYSTEM "a.dtd"><a><b/></a>',
            {"xpath": "/a", "fragment": "<c/>"},
            '<!DOCTYPE a SYSTEM "a.dtd"[]>\n<a>\n  <b />\n  <c />\n</a>',
        ),
        (
            b"<a><b>1</b></a>",
            {"xpath": "/a/b", "type": "text", "fragment": "<&>\"'"},
            "<a>\n  <b>&lt;&amp;&gt;\"'</b>\n</a>",
        ),
        (b"<a><b>1</b></a>", {"xpath": "/a/b", "state": "absent"}, "<a>\n</a>"),
        (b"<a><b/><b/><c/></a>", {"xpath": "//b", "state": "absent"}, "<a>\n  <c />\n</a>"),
        (
            b'<a><b k="1"/></a>',
            {"xpath": "/a/b", "type": "attribute", "attribute": "k", "fragment": 'x"\n'},
            '<a>\n  <b k="x&quot;&#xA;" />\n</a>',
        ),
        (
            b"<a><b/></a>",
            {"xpath": "/a/b", "type": "attribute", "attribute": "n", "fragment": "1"},
            '<a>\n  <b n="1" />\n</a>',
        ),
        (
            b'<a><b k="1" l="2"/></a>',
            {"xpath": "//@k", "type": "attribute", "attribute": "k", "state": "absent"},
            '<a>\n  <b l="2" />\n</a>',
        ),
        (
            b'<p:a xmlns:p="urn:x"><b k="1"/></p:a>',
            {"xpath": "/p:a/b", "type": "attribute", "attribute": "k", "fragment": "2"},
            '<p:a xmlns:p="urn:x">\n  <b k="2" />\n</p:a>',
        ),
        (
            b"<?xml version = '1.0'?><a><b>1</b></a>",
            {"xpath": "/a/b", "type": "text", "fragment": "2"},
            '<?xml version="1.0"?>\n<a>\n  <b>2</b>\n</a>',
        ),
    ],
)
@pytest.mark.parametrize("check", [False, True])
def test_changes(windows, data, options, expected, check):
    result = edit(windows, data, check=check, **options)
    removes_elements = options.get("state") == "absent" and "type" not in options
    # lines 146-149: in check mode the removal of elements is not noticed
    assert result["changed"] is not (check and removes_elements)
    assert windows.read(F) == data if check else body(windows) == expected


def test_a_file_without_declared_encoding_is_saved_as_utf8_without_mark(windows):
    """Upstream: plane-utf16be-bom-chinese-characters.xml, plane-utf8-bom-armenian-characters.xml."""
    for mark, codec in ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_BE, "utf-16-be")):
        data = mark + '<?xml version = "1.0"?>\n<p>\n   <y>1</y>\n   <n>久有</n>\n</p>'.encode(codec)
        edit(windows, data, xpath="/p/y", type="text", fragment="2")
        assert windows.read(F) == (
            '<?xml version="1.0"?>\r\n<p>\r\n  <y>2</y>\r\n  <n>久有</n>\r\n</p>'.encode()
        )


class TestCount:
    @pytest.mark.parametrize(
        ("options", "expected"),
        [
            ({"xpath": "//title"}, {"changed": False, "count": 2}),
            ({"xpath": "//none"}, {"changed": False, "count": 0}),
            (
                {"xpath": "//@lang", "type": "attribute", "attribute": "lang", "fragment": "nl"},
                {"changed": True, "count": 3, "msg": "attribute changed"},
            ),
            (
                {"xpath": "//works/title", "type": "text", "fragment": "x"},
                {"changed": True, "count": 2, "msg": "text changed"},
            ),
            (
                {"xpath": "//works/title", "fragment": "<i>added</i>"},
                {"changed": True, "count": 2, "msg": "element changed"},
            ),
        ],
    )
    def test_tells_how_many_were_found(self, windows, options, expected):
        assert edit(windows, BOOKS, count=True, **options) == expected
        again = edit(windows, None, count=True, **options)
        assert (again["changed"], again["count"]) == (False, expected["count"])


@pytest.mark.parametrize(
    ("data", "options", "message"),
    [
        (
            CONFIG,
            {"path": "C:\\none", "xpath": "/a"},
            "Specified path C:\\none does not exist or is not a file.",
        ),
        (CONFIG, {}, "Get-AnsibleParam: Missing required argument: xpath"),
        (
            CONFIG,
            {"xpath": "/config", "type": "attribute"},
            "Get-AnsibleParam: Missing required argument: attribute",
        ),
        (
            CONFIG,
            {"xpath": "/none", "fragment": "<a/>"},
            "The supplied xpath did not match any nodes.  If this is unexpected, check your xpath is valid for the "
            "xml file at supplied path.",
        ),
        (
            CONFIG,
            {"xpath": "/con[", "fragment": "<a/>"},
            "Unhandled exception while executing module: '/con[' has an invalid token.",
        ),
    ],
)
def test_refusals(windows, data, options, message):
    assert edit(windows, data, **options)["msg"] == message
    assert windows.read(F) == data


@pytest.mark.parametrize("data", [b"", b"<a>", b"no xml"])
def test_what_is_no_document_is_refused(windows, data):
    message = edit(windows, data, xpath="/a", fragment="<b/>")["msg"]
    assert message.startswith(f"Failed to parse file at '{F}' as an XML document: ")


def test_a_fragment_that_is_no_xml_is_refused(windows):
    assert edit(windows, xpath="/config", fragment="<a>")["msg"].startswith(
        "Failed to parse fragment as XML: "
    )


def test_backup(windows):
    result = edit(windows, xpath="/config/string", type="text", fragment="x", backup=True)
    assert windows.read(result["backup_file"]) == CONFIG


def test_external_entities_are_never_read(windows, tmp_path):
    secret = tmp_path / "secret"
    secret.write_text("s3cret")
    data = f'<!DOCTYPE a [<!ENTITY e SYSTEM "file://{secret}">]><a><b>&e;</b></a>'.encode()
    result = edit(windows, data, xpath="/a", fragment="<c/>")
    assert "is not modelled" in result["msg"]
    assert "s3cret" not in str(result)
