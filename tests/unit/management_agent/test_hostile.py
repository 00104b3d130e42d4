"""Hostile files: each costs little more time and memory than its bytes, and ends in a finding."""

import subprocess
import sys

import pytest
from export_builder import Value, export, import_flow, ma_data

from mim2ecma.documents import limits
from mim2ecma.management_agent import crowding

FOREIGN = "{22222222-0000-0000-0000-000000000000}"
MEASURE = """
import sys, time
def peak():
    return int(next(line for line in open("/proc/self/status") if line.startswith("VmHWM")).split()[1]) * 1024
from pathlib import Path
import lxml.etree
before = peak()
from mim2ecma.readiness import inspect
start = time.process_time()
result = inspect(Path(sys.argv[1]))
result.to_dict()
print(time.process_time() - start, peak() - before, result.verdict.value, ";".join(item.found for item in result.findings if item.id == "R1"))
"""
BARE = """
import sys, time
import lxml.etree
start = time.process_time()
try:
    lxml.etree.parse(sys.argv[1], lxml.etree.XMLParser(huge_tree=True, resolve_entities=False))
except lxml.etree.XMLSyntaxError:
    pass
print(time.process_time() - start)
"""
SECONDS = 1  # more than a bare parse of the same bytes


def flood(unit, size):
    return unit * (size // len(unit))


def attributes(count):
    return " ".join(f'a{number}=""' for number in range(count))


def namespaces(count):
    return " ".join(f'xmlns:n{number}="urn:{number}"' for number in range(count))


MIB = limits.MIB
HOSTILE = [
    ("a line of 24 MB", export(metaverse=flood(import_flow(FOREIGN), 24 * MIB)), "ready"),
    ("a million levels", "<export-ma>" + "<a>" * 10**6, "Excessive depth in document"),
    (
        "a million attributes",
        "<export-ma " + " ".join(f'a{n}="1"' for n in range(10**6)) + "/>",
        "a start tag of more than 1024 KiB",
    ),
    (
        "a tag with quoted brackets",
        "<export-ma " + " ".join(f'a{n}=">"' for n in range(2 * 10**5)) + "/>",
        "a start tag of more than 1024 KiB",
    ),
    ("a huge start tag that is allowed", f"<export-ma a='{'x' * 900_000}'/>", "not-ready"),
    ("a huge name", "<" + "a" * 2 * MIB + "/>", "a name of more than 64 KiB"),
    ("a huge text", f"<export-ma>{'x' * 17 * MIB}</export-ma>", "more than 16384 KiB"),
    ("a huge comment", f"<export-ma><!--{'<' * 17 * MIB}--></export-ma>", "more than 16384 KiB"),
    ("a huge CDATA section", f"<export-ma><![CDATA[{'<' * 17 * MIB}]]></export-ma>", "more than 16384 KiB"),
    ("a huge comment in front", f"<!--{'x' * 2 * MIB}--><export-ma/>", "a comment of more than 1024 KiB"),
    ("a large value", export(private_xml=f"<x>{'x' * 8 * MIB}</x>"), "more than fits in"),
    ("many comments", "<export-ma>" + "<!---->" * 200_000 + "</export-ma>", "more than 100000 comments"),
    (
        "many CDATA sections",
        "<export-ma>" + "<![CDATA[<]]>" * 200_000 + "</export-ma>",
        "more than 100000 comments",
    ),
    ("many elements", "<export-ma><mv-data>" + "<a/>" * 2 * 10**6 + "</mv-data></export-ma>", "not-ready"),
    (
        "many elements in the agent",
        "<export-ma><ma-data>" + "<a/>" * 2 * 10**6 + "</ma-data></export-ma>",
        "more than fits in",
    ),
    ("attributes of the root", f"<export-ma {attributes(80_000)}><ma-data/></export-ma>", "not-ready"),
    (
        "attributes of the agent",
        f"<export-ma><ma-data {attributes(80_000)}/></export-ma>",
        "than 256 attributes",
    ),
    (
        "attributes deep in a large agent",
        f"<export-ma><ma-data>{'<a/>' * 300}<b {attributes(300)}/>{'<a/>' * 1_200_000}</ma-data></export-ma>",
        "more than fits in",
    ),
    (
        "namespaces of the root",
        f"<export-ma {namespaces(40_000)}><ma-data/></export-ma>",
        "than 16 namespaces",
    ),
    (
        "namespaces one in the other",
        "<export-ma><ma-data>"
        + "".join(f"<a xmlns:n{n}='urn:{n}'>" for n in range(2000))
        + "<b/>" * 1000
        + "</a>" * 2000
        + "</ma-data></export-ma>",
        "than 16 namespaces",
    ),
    (
        "namespaces used by many",
        f"<export-ma><ma-data {namespaces(3000)}>{''.join(f'<n{n % 3000}:b/>' for n in range(50_000))}"
        "</ma-data></export-ma>",
        "than 16 namespaces",
    ),
    (
        "namespaces beside each other",
        export(private_xml="".join(f"<a xmlns:n{n}='urn:{n}'/>" for n in range(3000))),
        "ready",
    ),
    ("a script full of assignments", export(values=[Value("S", "$a = 'b'; " * 50_000, "text")]), "ready"),
    *(
        (f"a value of {unit!r}", export(values=[Value("S", flood(unit, MIB - 2), "text")]), "ready")
        for unit in (
            "password=",
            "-pass ",
            "pw ",
            "://a:b",
            "?code=aaaaaa",
            "eyJ-",
            "<pin a ",
            "'#",
            "C:\\a.exe ",
        )
    ),
    *(
        (
            f"many values of {unit!r}",
            export(values=[Value(f"V {number}", flood(unit, 4000)) for number in range(262)]),
            "ready",
        )
        for unit in ("password ", "pw ", "=a:", "://", "curl -u ", "server=a.", "mysql ", "setx pw ")
    ),
    *(
        (
            f"many values with long names of {unit!r}",
            export(values=[Value(f"{number}{flood(unit, 800)}", "x") for number in range(20_000)]),
            "ready",
        )
        for unit in ("aB", "token url ", "security")
    ),
    ("many short values", export(values=[Value(f"v{number}", "a=b c") for number in range(49_000)]), "ready"),
    ("an attribute full of assignments", export(private_xml=f"<x y='{'a=b ' * 200_000}'/>"), "ready"),
    ("comments in front", "<!---->" * 100 + export(comment=False), "ready"),
    ("comments and blanks in front of nothing", "<!----> " * 120, "the file ends too early"),
    (
        "constants one in the other",
        export(
            flows_xml="<export-attribute-flow>"
            + "<constant-mapping>" * 1900
            + "x" * MIB
            + "</constant-mapping>" * 1900
            + "</export-attribute-flow>"
        ),
        "ready",
    ),
    (
        "a large agent behind the metaverse",
        f"<export-ma><mv-data/><ma-data>{'<a/>' * 2 * 10**6}</ma-data></export-ma>",
        "more than fits in",
    ),
    (
        "many strangers behind the agent",
        export(ma_data() + "<x>" + "<a/>" * 2 * 10**6 + "</x>"),
        "ready",
    ),
    # A text behind a tag is a node like any other, be it white space.
    ("many tails", export(private_xml=f"<x>{'x<a/>' * 297_000}</x>"), "more than fits in"),
    (
        "many tails on lines",
        export(private_xml=f"<x>{(chr(10) + '<a/>') * 297_000}</x>"),
        "more than fits in",
    ),
    (
        "many tails in pieces",
        export(private_xml=f"<x>{('x' * 16 + chr(10) + '<a/>') * 265_000}</x>"),
        "more than fits in",
    ),
    ("tails that fit", export(private_xml=f"<x>{'x<a/>' * 110_000}</x>"), "ready"),
    (
        "values full of bars and words",
        export(
            values=[
                Value("S", "setx pw " * 3900, "text"),
                *(Value("pasS" * 240 + f"{n}", ("a:@" + "|" * 17) * 199) for n in range(250)),
            ]
        ),
        "ready-with-warnings",
    ),
    ("a million tabs", export(private_xml=f"<x y='{'&#9;' * 10**5}'/>"), "ready"),
]


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
@pytest.mark.parametrize(
    ("text", "expected"), [case[1:] for case in HOSTILE], ids=[case[0] for case in HOSTILE]
)
def test_a_hostile_file_costs_little_and_gives_a_finding(tmp_path, text, expected):
    path = tmp_path / "hostile.xml"
    path.write_text(text)
    seconds, memory, rest = measured(MEASURE, path).split(" ", 2)
    assert expected in rest
    assert int(memory) <= path.stat().st_size + 64 * MIB
    if float(seconds) > SECONDS:  # a busy machine takes longer once, a slow reader each time
        again = min(float(measured(MEASURE, path).split()[0]) for _ in range(3))
        assert again <= float(measured(BARE, path)) + SECONDS


def measured(program, path):
    done = subprocess.run(
        [sys.executable, "-c", program, str(path)], capture_output=True, text=True, check=False
    )
    assert done.stderr == ""
    return done.stdout


@pytest.mark.parametrize("before", [0, 1, 639, 640, 641, 5000])
@pytest.mark.parametrize("count", [257, 300, 5000])
def test_a_crowded_tag_is_seen_wherever_it_stands(before, count):
    text = "<a>" + "x" * before + f"<b {attributes(count)}/><c>{'=' * 3000}</c></a>"
    assert crowding.looks_crowded(text.encode())


def test_a_tag_that_goes_on_in_the_next_piece_is_seen():
    assert crowding.looks_crowded(f"<a/><b {attributes(300)}".encode())
    assert crowding.looks_crowded(f"{attributes(300)}><c/>".encode())


@pytest.mark.parametrize(
    "text",
    [
        f"<a>{'x = y; ' * 5000}</a>",
        f"<a b='{'x' * 5000}'>{'=' * 5000}</a>",
        "<a b='1' c='2'/>" * 5000,
        export(),
        "",
    ],
)
def test_what_is_not_crowded_needs_no_closer_look(text):
    assert not crowding.looks_crowded(text.encode())
