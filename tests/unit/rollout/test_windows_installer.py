import pytest

from mim2ecma.documents.errors import UsageError
from mim2ecma.rollout.windows_installer import advice, arguments, log_excerpt, scrub

SECRET = 'S3cr"et-canary'


def test_properties_are_quoted_and_quotation_marks_doubled():
    assert arguments({"STORESERVER": "localhost", "SERVICEPASSWORD": 'a "b" c', "LEFTOUT": None, "N": 1}) == (
        'STORESERVER="localhost" SERVICEPASSWORD="a ""b"" c" N="1"'
    )


@pytest.mark.parametrize("name", ["lower", "SQLServerStore", "A B", "A=1", "", "1A", 'A"'])
def test_a_private_or_broken_property_name_is_refused(name):
    with pytest.raises(UsageError, match="public property"):
        arguments({name: "x"})


@pytest.mark.parametrize("value", ["a\nb", "a\rb", "a\0b"])
def test_a_value_that_would_break_the_line_is_refused(value):
    with pytest.raises(UsageError, match="line break"):
        arguments({"A": value})


LOG = f"""MSI (s) (5C:A4) [10:00:00:000]: Command Line: SERVICEPASSWORD="{SECRET.replace('"', '""')}" SERVICEACCOUNT=mimsync
Action start 10:00:00: ConfigDB.
Product: Microsoft Identity Manager Synchronization Service -- Error 25009.The Microsoft Identity Manager Synchronization Service setup wizard cannot configure the specified database. {SECRET}
Action ended 10:00:01: ConfigDB. Return value 3.
Property(S): SERVICEPASSWORD = {SECRET}
"""


def test_the_error_line_of_a_log_is_told_without_the_secret():
    text = advice({"rc": 1603, "log": LOG, "msg": "unexpected rc"}, "mim01", "Sync.msi", [SECRET])
    assert text.startswith("mim01: Sync.msi: setup failed with 1603 (Product: ")
    assert "Error 25009" in text
    assert text.endswith(
        "Read the lines above `Return value 3` in the log; for MIM, most often SQL rights (25009)."
    )
    assert "canary" not in text


def test_without_an_error_line_the_lines_before_return_value_3_are_told():
    assert log_excerpt("one\ntwo\nthree\nfour\nfive\nAction ended: X. Return value 3.\nafter") == [
        "two",
        "three",
        "four",
        "five",
    ]


def test_an_empty_log_gives_no_excerpt():
    assert log_excerpt("") == []


@pytest.mark.parametrize("code", [1602, 1612, 1618, 1619, 1620, 1625, 1633, 1638, 1639, 1641])
def test_each_known_code_has_a_next_step(code):
    text = advice({"rc": code}, "h", "p.msi", [])
    assert f"with {code}; expected exit code 0 or 3010. " in text
    assert "net helpmsg" not in text


def test_an_unknown_code_is_told_too():
    assert "setup ended with 5; expected" in advice({"rc": 5}, "h", "p.exe", [])


def test_a_failure_before_setup_ran_is_told_by_its_text():
    text = advice({"msg": f"the file cannot be reached {SECRET}", "rc": 0}, "h", "p.msi", [SECRET])
    assert text.startswith("h: p.msi: the file cannot be reached ********; expected")


def test_values_of_password_properties_are_scrubbed_even_when_unknown():
    assert (
        scrub('X_PASSWORD="abc ""d" Y=1 DBPASSWORD=zzz', []) == "X_PASSWORD=******** Y=1 DBPASSWORD=********"
    )
