"""Elements with more attributes or namespaces than canonical XML takes in reasonable time are refused."""

import pytest
from lxml import etree

from mim2ecma.documents import limits
from mim2ecma.management_agent.crowding import check, looks_crowded
from mim2ecma.management_agent.problems import UnreadableError

MANY = limits.MAX_ATTRIBUTES + 1


def crowded(count):
    return "<x " + " ".join(f'a{number}=""' for number in range(count)) + "/>"


def nested(count):
    opening = "".join(f'<x xmlns:n{number}="urn:{number}">' for number in range(count))
    return opening + "</x>" * count


@pytest.mark.parametrize("before", ["", "y" * 100_000, "<z/>" * 50_000])
def test_a_crowded_tag_is_suspected_wherever_it_stands(before):
    assert looks_crowded(f"<ma-data>{before}{crowded(MANY)}</ma-data>".encode())


@pytest.mark.parametrize(
    "document",
    [
        "<ma-data>" + "<x a='' b=''/>" * 20_000 + "</ma-data>",
        f"<ma-data>{'text ' * 100_000}</ma-data>",
        f"<ma-data>{'a = b ' * 100_000}</ma-data>",
    ],
    ids=["many elements", "much text", "much text with signs of equality"],
)
def test_what_is_only_long_costs_no_closer_look_or_passes_it(document):
    if looks_crowded(document.encode()):
        check(etree.fromstring(document.encode()))


def test_a_tag_that_is_cut_off_counts_to_the_end():
    assert looks_crowded(f"<ma-data>{crowded(MANY)[:-2]}".encode())


@pytest.mark.parametrize(
    ("inner", "found"),
    [
        (crowded(MANY), "attributes in one element"),
        (nested(limits.MAX_NAMESPACES + 1), "namespaces in one place"),
    ],
    ids=["attributes", "namespaces"],
)
def test_a_crowded_element_is_refused(inner, found):
    document = f"<ma-data>{inner}</ma-data>".encode()
    assert looks_crowded(document)
    with pytest.raises(UnreadableError, match=f"more than [0-9]+ {found}"):
        check(etree.fromstring(document))


def test_namespaces_that_stand_one_after_the_other_do_not_add_up():
    siblings = "".join(f'<x xmlns:n{number}="urn:{number}"/>' for number in range(limits.MAX_NAMESPACES + 1))
    document = f"<export-ma xmlns:o='urn:o'><ma-data>{siblings}</ma-data></export-ma>".encode()
    assert looks_crowded(document)
    check(etree.fromstring(document)[0])
