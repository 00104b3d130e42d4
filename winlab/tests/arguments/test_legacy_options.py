"""Get-AnsibleParam, as Ansible.ModuleUtils.Legacy.psm1 has it."""

from __future__ import annotations

from typing import Any

import pytest
from winlab.arguments import legacy
from winlab.errors import ModuleFailure, NotModelled
from winlab.modules import Call, expand_variables


def call(**arguments: Any) -> Call:
    return Call(
        host=None,  # type: ignore[arg-type]  (no option of these asks the host)
        session=None,  # type: ignore[arg-type]
        name="ansible.windows.win_example",
        params=arguments,
        raw=arguments,
        variables={"TEMP": r"C:\Temp"},
    )


@pytest.mark.parametrize(
    ("kind", "given", "value"),
    [
        ("bool", "yes", True),
        ("bool", "On", True),
        ("bool", 1, True),
        ("bool", "y", False),  # not in ConvertTo-Bool's list, unlike Ansible.Basic's
        ("bool", "nonsense", False),
        ("int", "12", 12),
        ("int", "1.5", 2),
        ("int", "2.5", 2),  # halves go to the even number
        ("int", "0x10", 16),
        ("int", "", 0),
        ("int", "x", None),
        ("int", 3000000000, None),
        ("float", "1.5", 1.5),
        ("str", True, "True"),
        ("str", ["a"], "System.Object[]"),
        ("list", "a, b", ["a", "b"]),
        ("list", 5, [5]),
        ("list", [1, "x"], [1, "x"]),
        ("path", "%temp%/x", r"C:\Temp/x"),
        (None, {"a": 1}, {"a": 1}),
    ],
)
def test_an_option_is_converted_as_powershell_does(kind: str | None, given: Any, value: Any) -> None:
    assert legacy.param(call(option=given), "option", type=kind) == value


def test_names_are_found_without_regard_to_case_and_by_alias() -> None:
    assert legacy.param(call(Source="x"), "src", aliases=("source",)) == "x"


def test_an_explicit_null_is_not_replaced_by_the_default() -> None:
    assert legacy.param(call(option=None), "option", type="bool", default=True) is None
    assert legacy.param(call(), "option", type="bool", default=True) is True


@pytest.mark.parametrize("keywords", [{"failifempty": True}, {"default": "d"}])
def test_an_explicit_null_where_a_text_is_counted_on_is_not_modelled(keywords: dict[str, Any]) -> None:
    with pytest.raises(NotModelled) as caught:
        legacy.param(call(option=None), "option", type="str", **keywords)
    assert str(caught.value) == (
        "winlab: ansible.windows.win_example with option: null is not modelled. Leave the option out or give it a value."
    )


@pytest.mark.parametrize(
    ("arguments", "keywords", "message"),
    [
        ({}, {"failifempty": True}, "Get-AnsibleParam: Missing required argument: state"),
        (
            {"state": "gone"},
            {"validateset": ("present", "absent")},
            "Get-AnsibleParam: Argument state needs to be one of present,absent but was gone.",
        ),
        ({"state": {"a": 1}}, {"type": "list"}, "Get-AnsibleParam: Parameter 'state' is not a YAML list."),
        (
            {"state": "a|b"},
            {"type": "path"},
            "Get-AnsibleParam: Parameter 'state' has an invalid path 'a|b' specified.",
        ),
    ],
)
def test_a_refusal_has_the_words_of_the_real_function(
    arguments: dict[str, Any], keywords: dict[str, Any], message: str
) -> None:
    with pytest.raises(ModuleFailure) as caught:
        legacy.param(call(**arguments), "state", result={"changed": False}, **keywords)
    assert caught.value.msg == message
    assert caught.value.result == {"changed": False}


def test_choices_are_compared_without_regard_to_case_and_kept_as_typed() -> None:
    assert legacy.param(call(state="Present"), "state", validateset=("present",)) == "Present"


@pytest.mark.parametrize(
    ("text", "expanded"),
    [
        ("%TEMP%\\a", "C:\\Temp\\a"),
        ("%temp%%temp%", "C:\\TempC:\\Temp"),
        ("%none%", "%none%"),
        ("100%", "100%"),
        ("50% of %TEMP%", "50% of C:\\Temp"),
    ],
)
def test_environment_variables_expand_as_windows_does(text: str, expanded: str) -> None:
    assert expand_variables(text, {"TEMP": r"C:\Temp"}) == expanded
