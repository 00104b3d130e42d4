"""Any bytes become an export or one clear finding: encodings, wrappers, broken and hostile files."""

import hashlib
import pickle

import pytest
from export_builder import COMMENT, Attribute, Dsml, export, import_flow, ma_data
from lxml import etree

from mim2ecma.documents import limits
from mim2ecma.documents.errors import InputError
from mim2ecma.management_agent import Wrapper, read, stream

PLAIN = export()
FOREIGN = "{22222222-0000-0000-0000-000000000000}"


def problem(source):
    findings = read(source).findings
    assert [(item.id, item.severity.value) for item in findings] == [("R1", "error")]
    return findings[0]


# Encodings -------------------------------------------------------------------------------------------------------

UMLAUT = export(name="Zürich")
ENCODINGS = [
    ("utf-8", UMLAUT.encode(), "utf-8"),
    ("utf-8 with BOM", b"\xef\xbb\xbf" + UMLAUT.encode(), "utf-8-bom"),
    ("utf-16 LE with BOM", ("\ufeff" + UMLAUT).encode("utf-16-le"), "utf-16-le-bom"),
    ("utf-16 BE with BOM", ("\ufeff" + UMLAUT).encode("utf-16-be"), "utf-16-be-bom"),
    ("utf-16 LE without BOM", UMLAUT.encode("utf-16-le"), "utf-16-le"),
    ("utf-16 BE without BOM", UMLAUT.encode("utf-16-be"), "utf-16-be"),
    ("utf-32 LE with BOM", ("\ufeff" + UMLAUT).encode("utf-32-le"), "utf-32-le-bom"),
    ("utf-32 BE with BOM", ("\ufeff" + UMLAUT).encode("utf-32-be"), "utf-32-be-bom"),
    ("utf-32 LE without BOM", UMLAUT.encode("utf-32-le"), "utf-32-le"),
    ("utf-32 BE without BOM", UMLAUT.encode("utf-32-be"), "utf-32-be"),
    ("declared utf-8", b'<?xml version="1.0" encoding="UTF-8"?>\n' + UMLAUT.encode(), "utf-8"),
    (
        "declared ascii",
        b'<?xml version="1.0" encoding="us-ascii"?>' + UMLAUT.encode("ascii", "xmlcharrefreplace"),
        "us-ascii",
    ),
    (
        "declared cp1252",
        b'<?xml version="1.0" encoding="windows-1252"?>' + UMLAUT.encode("cp1252"),
        "windows-1252",
    ),
    (
        "declared latin-1",
        b"<?xml version='1.0' encoding='ISO-8859-1'?>" + UMLAUT.encode("latin-1"),
        "iso-8859-1",
    ),
    ("the mark wins", b'\xef\xbb\xbf<?xml version="1.0" encoding="utf-16"?>' + UMLAUT.encode(), "utf-8-bom"),
    (
        "PowerShell's redirection",
        ('\ufeff<?xml version="1.0" encoding="utf-8"?>\r\n' + UMLAUT.replace("\n", "\r\n")).encode(
            "utf-16-le"
        ),
        "utf-16-le-bom",
    ),
]


@pytest.mark.parametrize(
    ("content", "encoding"), [case[1:] for case in ENCODINGS], ids=[case[0] for case in ENCODINGS]
)
def test_an_export_is_the_same_in_every_encoding(content, encoding):
    result = read(content)
    assert result.findings == ()
    assert result.source.encoding == encoding
    assert result.source.wrapper is Wrapper.EXPORT_MA
    assert result.agent.name == "Zürich"
    assert result.source.ma_sha256 == read(UMLAUT.encode()).source.ma_sha256
    assert result.source.sha256 == hashlib.sha256(content).hexdigest()
    assert result.source.bytes == len(content)


UNREADABLE = [
    ("empty", b"", "file: the file is empty"),
    ("only a mark", b"\xef\xbb\xbf", "file: nothing"),
    ("only blanks", b" \r\n\t ", "file: only blanks"),
    ("a zip", b"PK\x03\x04rest", "first bytes: a ZIP archive, not XML"),
    ("a DLL", b"MZ\x90\x00", "first bytes: a Windows program or library, not XML"),
    ("an msi", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "first bytes: an OLE file"),
    ("random bytes", bytes(range(256)), "first bytes: binary data"),
    ("text", b"name,category\nHR,AD\n", "first bytes: text that does not begin with '<'"),
    ("HTML", b"\r\n<!DOCTYPE html>\n<html><body>export-ma</body></html>", "first line: an HTML page"),
    ("HTML without DOCTYPE", b"<HTML lang='en'><head>", "first line: an HTML page"),
    ("HTML with a mark in UTF-16", "\ufeff<html>".encode("utf-16-le"), "first line: an HTML page"),
    ("truncated", PLAIN.encode()[:900], "the file ends too early ("),
    ("truncated in a tag", b"<export-ma ser", "the file ends too early ("),
    ("two roots", PLAIN.encode() * 2, "something after the end of the root element"),
    ("a wrong end", b"<export-ma></export>", "Opening and ending tag mismatch"),
    ("not UTF-8", b"<export-ma>\xff\xfe</export-ma>", "line 1, column "),
    (
        "not what is declared",
        b'<?xml version="1.0" encoding="utf-16"?><a/>',
        "encoding 'utf-16' is declared, but the bytes",
    ),
    ("unknown encoding", b'<?xml version="1.0" encoding="x-none"?><a/>', "encoding 'x-none' is not known"),
    ("EBCDIC", b'<?xml version="1.0" encoding="cp037"?><a/>', "encoding 'cp037' is not supported"),
    ("EBCDIC bytes", '<?xml version="1.0" encoding="cp037"?><a/>'.encode("cp037"), "text in EBCDIC"),
    (
        "a mark of another encoding",
        b"\xff\xfe" + PLAIN.encode(),
        "mark (utf-16-le-bom) in front of text in another",
    ),
    (
        "a mark of UTF-32",
        b"\x00\x00\xfe\xff" + PLAIN.encode(),
        "mark (utf-32-be-bom) in front of text in another",
    ),
    ("two marks", b"\xef\xbb\xbf" * 2 + PLAIN.encode(), "text that does not begin with '<'"),
    ("NUL only", bytes(1000), "first bytes: binary data"),
    ("NUL at the end", b"<export-ma/>\x00", "something after the end of the root element"),
    ("UTF-7", b'<?xml version="1.0" encoding="utf-7"?><a/>', "encoding 'utf-7' is not supported"),
    ("no text encoding", b'<?xml version="1.0" encoding="rot13"?><a/>', "encoding 'rot13' is not supported"),
    (
        "half a character",
        ("\ufeff" + PLAIN).encode("utf-16-le") + b"\x00",
        "text: bytes that are not utf-16-le-bom",
    ),
    ("lone surrogate", b"\xff\xfe<\x00a\x00>\x00\x00\xd8", "text: bytes that are not utf-16-le-bom"),
    ("NUL", b"<export-ma>\x00</export-ma>", "Char 0x0 out of allowed range"),
    ("NUL by reference", b"<export-ma>&#0;</export-ma>", "xmlParseCharRef"),
    ("undefined entity", b"<export-ma>&xxe;</export-ma>", "Entity 'xxe' not defined"),
    ("undeclared prefix", b"<export-ma><d:x/></export-ma>", "Namespace prefix d"),
    ("an attribute twice", b"<export-ma a='1' a='2'/>", "Attribute a redefined"),
    (
        "a declaration inside",
        b"<export-ma><!ENTITY a 'b'></export-ma>",
        "a declaration that only a DTD may hold",
    ),
]


@pytest.mark.parametrize(
    ("content", "found"), [case[1:] for case in UNREADABLE], ids=[case[0] for case in UNREADABLE]
)
def test_an_unreadable_file_gives_one_finding(content, found):
    item = problem(content)
    assert found in f"{item.where}: {item.found}"
    assert item.next_step.endswith(".")


ENTITY = b"<!DOCTYPE a [<!ENTITY x %s>]><export-ma>&x;</export-ma>"


@pytest.mark.parametrize(
    "content",
    [
        ENTITY % b"'text'",
        ENTITY % b"SYSTEM 'file:///etc/passwd'",
        ENTITY % b"SYSTEM 'http://127.0.0.1:1/x'",
        b"<!DOCTYPE a SYSTEM 'http://127.0.0.1:1/x.dtd'><export-ma/>",
        b'<?xml version="1.0"?><!-- c --><!DOCTYPE l [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;&a;">]><l>&b;</l>',
        b"\xef\xbb\xbf\n<!doctype a><export-ma/>",
        "\ufeff<!DOCTYPE a [<!ENTITY x 'y'>]><a>&x;</a>".encode("utf-16-le"),
    ],
)
def test_a_dtd_is_refused_before_a_parser_sees_it(content, monkeypatch):
    monkeypatch.setattr(stream.etree, "fromstring", lambda *_: pytest.fail("a parser saw it"))
    assert problem(content).found == "a document type definition (DTD)"


def test_a_missing_file_is_an_error_of_its_own(tmp_path):
    with pytest.raises(
        InputError, match=r"none\.xml: file: No such file or directory; expected a readable file\. Check"
    ):
        read(tmp_path / "none.xml")


def test_a_folder_is_no_file(tmp_path):
    with pytest.raises(InputError, match="file: a folder; expected a regular file"):
        read(tmp_path)


def test_a_path_with_nul_is_an_error_too(tmp_path):
    with pytest.raises(InputError, match="a name that no file can have"):
        read(tmp_path / "a\x00b")


# Wrappers --------------------------------------------------------------------------------------------------------

WRAPPERS = [
    (export(), Wrapper.EXPORT_MA, True),
    (export(comment=False), Wrapper.EXPORT_MA, True),
    (export(packaged=True, server=None, name=None), Wrapper.PACKAGED, True),
    (export(wrapper="saved-ma-configuration"), Wrapper.SAVED_MA_CONFIGURATION, True),
    (export(wrapper="ma-data"), Wrapper.MA_DATA, True),
    (
        "<saved-mv-configuration server='A'><mv-data/></saved-mv-configuration>",
        Wrapper.SAVED_MV_CONFIGURATION,
        False,
    ),
    ("<Configuration><Connectors><Connector/></Connectors></Configuration>", Wrapper.CONFIGURATION, False),
    ("<Configuration><appSettings/></Configuration>", Wrapper.UNKNOWN, False),
    ("<export-ma server='A'/>", Wrapper.EXPORT_MA, False),
    ("<export-ma xmlns='urn:x'><ma-data/></export-ma>", Wrapper.UNKNOWN, False),
    ("<x:export-ma xmlns:x='urn:x'/>", Wrapper.UNKNOWN, False),
    ("<export-MA/>", Wrapper.UNKNOWN, False),
    ("<a><export-ma><ma-data/></export-ma></a>", Wrapper.UNKNOWN, False),
]


@pytest.mark.parametrize(("text", "wrapper", "has_agent"), WRAPPERS)
@pytest.mark.parametrize("large", [False, True])
def test_wrappers_are_told_apart(text, wrapper, has_agent, large, monkeypatch):
    if large:
        monkeypatch.setattr(stream, "_PARSED_WHOLE", 0)
    result = read(text.encode())
    assert result.findings == ()
    assert result.source.wrapper is wrapper
    assert (result.agent is not None) is has_agent


def test_server_and_date_come_from_the_root():
    source = read(export(server="MIM07", date="2024-02-03 04:05:06.789").encode()).source
    assert (source.server, source.export_date) == ("MIM07", "2024-02-03 04:05:06.789")


# Identity --------------------------------------------------------------------------------------------------------


def identity(text):
    return read(text.encode()).source.ma_sha256


@pytest.mark.parametrize(
    "text",
    [
        export(date="2030-01-01 00:00:00.000", server="OTHER"),
        export(comment=False),
        PLAIN.replace("\n", "\r\n"),
        PLAIN.replace("<join />", "<join></join>"),
        PLAIN.replace('required="true" ms-dsml:isAnchor="true"', 'ms-dsml:isAnchor="true"   required="true"'),
        PLAIN.replace("<version>", "<version><!-- edited -->"),
        export(metaverse=import_flow(FOREIGN)),
        export(wrapper="ma-data"),
    ],
    ids=[
        "another day",
        "no comment",
        "CRLF",
        "empty elements",
        "attribute order",
        "comment inside",
        "other flows",
        "no wrapper",
    ],
)
def test_the_identity_of_an_agent_does_not_depend_on_how_it_is_written(text):
    assert text != PLAIN
    assert identity(text) == identity(PLAIN)


@pytest.mark.parametrize("text", [export(name="Other"), PLAIN.replace(">3<", ">4<"), export(bits="1")])
def test_the_identity_changes_with_the_agent(text):
    assert identity(text) != identity(PLAIN)


@pytest.mark.parametrize("category", ["Extensible2", "AD"])
def test_the_identity_is_the_hash_of_canonical_xml(category):
    text = export(category=category)
    element = etree.fromstring(text).find("ma-data")
    element.tail = None
    canonical = etree.tostring(element, method="c14n", with_comments=False)
    assert identity(text) == hashlib.sha256(canonical).hexdigest()


@pytest.mark.parametrize("large", [False, True])
def test_what_has_no_canonical_form_has_no_identity(large, monkeypatch):
    if large:
        monkeypatch.setattr(stream, "_PARSED_WHOLE", 0)
    relative = Dsml(namespace="relative")
    assert problem(export(dsml=relative).encode()).found == "a namespace that is not an absolute URI"
    assert identity(export(dsml=relative, category="AD")) is None


def test_there_is_no_identity_without_an_agent():
    assert identity("<saved-mv-configuration/>") is None
    assert identity("<broken") is None


def test_an_export_goes_to_another_process_with_its_identity():
    result = read(export(category="AD").encode())
    copy = pickle.loads(pickle.dumps(result))
    assert copy == result
    assert copy.source.ma_sha256 == result.source.ma_sha256
    assert copy.source.ma_sha256 is not None


# Large files -----------------------------------------------------------------------------------------------------


@pytest.fixture
def pieces(monkeypatch):
    """Everything is read in small pieces and pruned, as large files are."""
    monkeypatch.setattr(stream, "_PARSED_WHOLE", 0)
    monkeypatch.setattr(limits, "CHUNK_BYTES", 997)


def many_flows(count=300):
    return "".join(
        import_flow(FOREIGN if number % 3 else "{11111111-2222-3333-4444-555555555555}")
        for number in range(count)
    )


def test_a_large_file_gives_the_same_as_a_small_one(pieces, monkeypatch):
    text = export(metaverse=many_flows(), attributes=[Attribute(f"a{number}") for number in range(200)])
    in_pieces = read(text.encode())
    monkeypatch.undo()
    assert in_pieces == read(text.encode())
    assert in_pieces.source.ma_sha256 == read(text.encode()).source.ma_sha256
    rules = in_pieces.agent.rules
    assert (rules.import_flows, rules.foreign_import_flows, rules.foreign_agents) == (100, 200, 1)


def test_what_is_not_needed_is_dropped_while_it_arrives(monkeypatch):
    before = "<other><x/><x/></other>" * 50
    text = export(metaverse=many_flows()).replace("<ma-data>", before + "<ma-data>")
    monkeypatch.setattr(stream, "_PARSED_WHOLE", 0)
    monkeypatch.setattr(limits, "CHUNK_BYTES", 997)
    raw = stream.read_raw(text.encode())
    root = raw.agent.getparent()
    assert len(root) < 10
    assert sum(1 for _ in root.iter("import-flow")) < 10
    assert raw.import_flows.total() == 300


def test_a_large_broken_file_says_so(pieces):
    assert "ends too early" in problem(export(metaverse=many_flows()).encode()[:-30]).found
    assert "tag mismatch" in problem(export(metaverse=many_flows() + "</a>").encode()).found


def test_so_many_sources_of_flows_are_counted_as_one(monkeypatch):
    monkeypatch.setattr("mim2ecma.management_agent.raw._MAX_SOURCES", 3)
    flows = "".join(import_flow(f"{{{number}}}") for number in range(10))
    assert read(export(metaverse=flows).encode()).agent.rules.foreign_agents == 4


def test_a_large_agent_that_is_not_ecma2_is_followed_without_its_tree(monkeypatch):
    monkeypatch.setattr(limits, "MAX_TREE_BYTES", 100_000)
    attributes = [Attribute(f"a{number}") for number in range(2000)]
    result = read(export(category="AD", attributes=attributes).encode())
    assert result.findings == ()
    assert (result.agent.name, result.agent.category, result.agent.complete) == ("HR people", "AD", False)
    assert result.source.ma_sha256 is None


def test_an_ecma2_agent_that_outgrows_memory_is_refused(monkeypatch):
    monkeypatch.setattr(limits, "MAX_TREE_BYTES", 100_000)
    item = problem(export(attributes=[Attribute(f"a{number}") for number in range(2000)]).encode())
    assert item.where == "ma-data"
    assert "more than fits in" in item.found


@pytest.mark.parametrize(
    ("options", "found"),
    [
        ({"attributes": [Attribute(f"a{number}", selected=False) for number in range(8)]}, "attribute types"),
        ({"classes": {f"c{number}": [] for number in range(8)}}, "classes"),
        ({"selected": [str(number) for number in range(8)]}, "selected attributes"),
        ({"runs": {str(number): [] for number in range(8)}}, "run profiles"),
    ],
)
def test_a_model_has_a_largest_size(monkeypatch, options, found):
    monkeypatch.setattr(limits, "MAX_MODEL_ITEMS", 7)
    assert problem(export(**options).encode()).found == f"more than 7 {found}"


def test_endless_input_ends(monkeypatch):
    monkeypatch.setattr(limits, "MAX_FILE_BYTES", 100_000)
    assert problem(export(metaverse=many_flows(1000)).encode()).found == "more than 0 MiB"


def test_a_start_tag_may_come_in_many_pieces(monkeypatch):
    monkeypatch.setattr(limits, "CHUNK_BYTES", 7)
    text = "<?xml version='1.0'?><!-- <a> --><?pi <b> ?>\n" + PLAIN.replace(
        "</ma-data>", "<x><![CDATA[<&]]>]]&gt;<?p ?></x></ma-data>"
    )
    assert read(text.encode()) == read_whole(text, monkeypatch)


def read_whole(text, monkeypatch):
    monkeypatch.undo()
    return read(text.encode())


@pytest.mark.parametrize("dsml", [Dsml(), Dsml("x", "y"), Dsml("", "m")], ids=["dsml:", "x:", "default"])
def test_prefixes_do_not_matter(dsml):
    assert read(export(dsml=dsml).encode()).agent == read(PLAIN.encode()).agent


def test_swapped_namespaces_are_not_taken_for_a_schema():
    swapped = Dsml(namespace="http://www.microsoft.com/MMS/DSML", ms_namespace="http://www.dsml.org/DSML")
    assert read(export(dsml=swapped).encode()).agent.schema.object_types == ()


def test_order_and_missing_children_do_not_matter():
    agent = read(
        b"<export-ma server='A'><ma-data><name>N</name><category>extensible2</category></ma-data></export-ma>"
    ).agent
    assert (agent.name, agent.is_ecma2, agent.partitions, agent.run_profiles) == ("N", True, (), ())
    text = ma_data()
    element = etree.fromstring(text)
    element[:] = reversed(element)
    assert read(etree.tostring(element)).agent == read(text.encode()).agent


def test_a_text_may_be_cut_by_comments_instructions_and_sections():
    plain, texts = (
        export(name="HR people"),
        ("H<!-- x -->R people", "HR <?x y?>people", "<![CDATA[HR people]]>"),
    )
    for text in texts:
        result = read(plain.replace("HR people", text).encode())
        assert result.agent.name == "HR people"
        assert result.source.ma_sha256 == read(plain.encode()).source.ma_sha256


def test_the_products_comment_is_ignored():
    assert COMMENT in PLAIN
    assert read(PLAIN.encode()).findings == ()
