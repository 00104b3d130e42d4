"""The real Ansible.Basic.cs, compiled, is the judge of winlab.arguments.basic: same verdicts, same words."""

from __future__ import annotations

import json
import random
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from winlab.arguments.basic import PASS_VARIABLES, Checker, Refused, Unhandled
from winlab.arguments.specs import DOUBLE, GUID, INT64, UINT32, VERSION, Spec, is_basic, literals_of, spec_of
from winlab.manifest import Script

from winlab import modules

HERE = Path(__file__).parent
CASES_PER_TWIN = 200
CASES_PER_OTHER_MODULE = 20
CASES_WHEN_SLOW = 1000
COLLECTIONS = ("ansible.windows", "community.windows")
WEB_REQUEST = "ansible_collections.ansible.windows.plugins.module_utils.WebRequest.psm1"
# Values of all kinds that JSON has, and texts that look like others.
ODD_VALUES: list[Any] = [
    "", " ", "text", "a,b , c", "yes", "No", "1", "0", "1.0", "1.5", "-7", " 12 ", "2147483648", "0x10", "null",
    '{"a": 1}', "{broken}", "k=v, k2='v 2'", 0, 1, -1, 3000000000, 1.5, 2.0, True, False, None, [], ["a"], ["a", 1, None],
    [{"a": "b"}], {}, {"a": "b"}, "VALUE", "é\u00fc\u2019", "C:\\x",
]  # fmt: skip


def _root(package: str) -> Path:
    # Not by its import specification: that is another one once a test has put Ansible's own finder in place.
    return next(path for entry in filter(None, sys.path) if (path := Path(entry, package)).is_dir())


def _modules() -> dict[str, Script]:
    found = {}
    for collection in COLLECTIONS:
        folder = _root("ansible_collections") / collection.replace(".", "/") / "plugins" / "modules"
        for path in sorted(folder.glob("*.ps1")):
            script = Script(path.name, str(path), path.read_bytes())
            if is_basic(script.text):
                found[f"{collection}.{path.stem}"] = script
    return found


def _utils() -> dict[str, Script]:
    path = _root("ansible_collections") / "ansible/windows/plugins/module_utils/WebRequest.psm1"
    return {WEB_REQUEST: Script(WEB_REQUEST, str(path), path.read_bytes())}


MODULES = _modules()


class Oracle:
    """The compiled class as a process."""

    def __init__(self, program: Path) -> None:
        self._process = subprocess.Popen(
            ["mono", str(program)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, encoding="utf-8"
        )

    def ask(self, spec: Any, fragments: Any, cases: list[dict[str, Any]]) -> list[dict[str, Any]]:
        assert self._process.stdin and self._process.stdout
        self._process.stdin.write(json.dumps({"spec": spec, "fragments": fragments, "cases": cases}) + "\n")
        self._process.stdin.flush()
        return list(json.loads(self._process.stdout.readline()))

    def close(self) -> None:
        assert self._process.stdin
        self._process.stdin.close()
        self._process.wait(10)


@pytest.fixture(scope="module")
def oracle(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Oracle]:
    if shutil.which("mcs") is None or shutil.which("mono") is None:
        pytest.skip("mcs and mono are not installed (Debian: mono-mcs, libmono-system-web-extensions4.0-cil)")
    program = tmp_path_factory.mktemp("oracle") / "oracle.exe"
    basic = _root("ansible") / "module_utils" / "csharp" / "Ansible.Basic.cs"
    compiled = subprocess.run(
        [
            "mcs", "-langversion:latest", "-nowarn:0414", "-r:System.Web.Extensions", f"-out:{program}", str(basic),
            *map(str, sorted((HERE / "oracle").glob("*.cs"))),
        ],
        capture_output=True,
        encoding="utf-8",
        check=False,
    )  # fmt: skip
    if compiled.returncode and "System.Web.Extensions" in compiled.stderr:
        pytest.skip("System.Web.Extensions is not installed (Debian: libmono-system-web-extensions4.0-cil)")
    assert compiled.returncode == 0, compiled.stderr
    oracle = Oracle(program)
    yield oracle
    oracle.close()


DELEGATED: dict[str, list[Any]] = {
    UINT32: [0, 1, 4000000000, "12"],
    GUID: ["{0F2B9D1E-7A3C-4D5E-8F60-718293A4B5C6}", "0f2b9d1e7a3c4d5e8f60718293a4b5c6"],
    VERSION: ["1.0", "5.1.14393", "4.0.30319.42000", "1.2.3.196609"],
    INT64: [0, -5, "50000000000"],
    DOUBLE: [1, "2.5", "-0.125"],
}


class Plain:
    """No environment, no accounts: what mono sees of a path is the text."""

    def expand(self, text: str) -> str:
        return text

    def sid(self, name: str) -> str:
        raise AssertionError(f"no generated case has an account, got {name}")


@pytest.mark.parametrize("name", sorted(MODULES))
def test_each_module_gets_the_same_verdict(name: str, oracle: Oracle) -> None:
    count = CASES_PER_TWIN if name in modules.names() else CASES_PER_OTHER_MODULE
    _compare(name, oracle, count, random.Random(name))


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(MODULES))
def test_each_module_gets_the_same_verdict_a_thousand_times(name: str, oracle: Oracle) -> None:
    _compare(name, oracle, CASES_WHEN_SLOW, random.Random(f"slow {name}"))


def _compare(name: str, oracle: Oracle, count: int, source: random.Random) -> None:
    script = MODULES[name]
    spec = spec_of(name, script, _utils())
    literal, fragments = literals_of(name, script, _utils())
    # Where several options are at fault, .NET's hash order decides which is named first: take the order from there.
    order = oracle.ask(literal, fragments, [{}])[0]["order"]
    spec = _in_order(spec, order)
    cases = [_arguments(spec, source) for _ in range(count)]
    for arguments, answer in zip(cases, oracle.ask(literal, fragments, cases), strict=True):
        assert _verdict(spec, arguments) == _verdict_of_oracle(answer), json.dumps(arguments)


def _verdict_of_oracle(answer: dict[str, Any]) -> dict[str, Any]:
    if "unhandled" in answer:
        # Mono leaves out the full stop that .NET Framework puts behind a null reference.
        return {"unhandled": answer["unhandled"].rstrip(".")}
    assert len(answer["lines"]) == 1
    result = json.loads(answer["lines"][0])
    params = answer.get("params")
    if params is not None:
        params = {key: _as_twins_get_it(value) for key, value in params.items()}
    return {"rc": answer["rc"], "result": _comparable(result), "params": params}


def _as_twins_get_it(value: Any) -> Any:
    """A SecurityIdentifier or a Version as JSON is its properties; a twin gets its text."""
    if isinstance(value, dict) and "AccountDomainSid" in value:
        return value["Value"]
    if isinstance(value, dict) and "MajorRevision" in value:
        numbers = (value[name] for name in ("Major", "Minor", "Build", "Revision"))
        return ".".join(str(number) for number in numbers if number >= 0)
    return value


def _verdict(spec: Spec, arguments: dict[str, Any]) -> dict[str, Any]:
    checker = Checker(spec, arguments, Plain())
    result: dict[str, Any] = {"changed": False}
    rc, params = 0, None
    try:
        checker.check()
        params = dict(checker.params)
    except Refused as refusal:
        rc = 0 if refusal.skipped else 1
        result["skipped" if refusal.skipped else "failed"] = True
        result["msg"] = refusal.msg if refusal.skipped else checker.mask(refusal.msg)
    except Unhandled as error:
        return {"unhandled": str(error).rstrip(".")}
    internal = {f"_ansible_{name}" for name in PASS_VARIABLES}
    shown = {key: value for key, value in checker.params.items() if key not in internal}
    result["invocation"] = {"module_args": checker.mask(shown)}
    if checker.deprecations:
        result["deprecations"] = checker.deprecations
    return {"rc": rc, "result": _comparable(result), "params": params}


def _comparable(result: dict[str, Any]) -> dict[str, Any]:
    """The list of unknown parameters follows the hash order of the arguments; compare it as a set."""
    msg = result.get("msg", "")
    match = re.match(
        r"(Unsupported parameters for \(.*?\) module: )(.*?)(( found in .*?)?\. Supported .*)", msg, re.DOTALL
    )
    if match:
        result = {**result, "msg": [match[1], sorted(match[2].split(", ")), match[3]]}
    return result


def _in_order(spec: Spec, order: list[Any]) -> Spec:
    options = {name: _in_order(spec.options[name], inner) for name, inner in order}
    assert set(options) == set(spec.options)
    return replace(spec, options=options)


def _arguments(spec: Spec, source: random.Random) -> dict[str, Any]:
    arguments = _level(spec, source)
    arguments["_ansible_module_name"] = "the.module.name"
    arguments["_ansible_check_mode"] = source.random() < 0.1
    arguments["_ansible_ignore_unknown_opts"] = source.random() < 0.05
    arguments["_ansible_verbosity"] = source.choice([0, 3])
    return arguments


def _level(spec: Spec, source: random.Random) -> dict[str, Any]:
    arguments: dict[str, Any] = {}
    share = source.choice([0.1, 0.4, 0.8])
    for name, option in spec.options.items():
        wanted = 0.97 if option.required else share
        if source.random() > wanted:
            continue
        key = source.choice([*option.aliases, name]) if source.random() < 0.3 else name
        if source.random() < 0.05:
            key = key.upper()
        arguments[key] = _value(option, source)
    if source.random() < 0.05:
        arguments["no_such_option"] = source.choice(ODD_VALUES)
    if source.random() < 0.02:
        arguments["_ansible_unknown"] = 1
    return arguments


def _value(option: Spec, source: random.Random) -> Any:
    # A PowerShell conversion of the module's own, not of Ansible.Basic: only valid values.
    if option.type in DELEGATED:
        return source.choice(DELEGATED[option.type])
    if source.random() < 0.08:
        return source.choice(_possible(option.type))
    if option.type == "list":
        elements = [_element(option, source) for _ in range(source.randrange(3))]
        # A colon in what Python makes of an odd path is another thing to mono than to Windows: see `_possible`.
        whole = option.elements == "path" and not all(isinstance(element, str) for element in elements)
        if option.elements == "dict" or whole:
            return elements
        return source.choice([elements, elements, ",".join(map(str, elements))])
    if option.type == "dict":
        return (
            _level(option, source) if option.options else source.choice([{}, {"a": 1, "b": None}, "x=1,y=2"])
        )
    return _scalar(option, option.type, source)


def _element(option: Spec, source: random.Random) -> Any:
    if option.elements == "dict":
        return _level(option, source) if source.random() < 0.95 else source.choice(ODD_VALUES)
    if source.random() < 0.05:
        return source.choice(_possible(option.elements or "str"))
    return _scalar(option, option.elements or "str", source)


def _scalar(option: Spec, kind: str, source: random.Random) -> Any:
    if option.choices and source.random() < 0.95:
        choice = source.choice(option.choices)
        return choice.upper() if isinstance(choice, str) and source.random() < 0.2 else choice
    pools: dict[str, list[Any]] = {
        "bool": [True, False, "yes", "NO", " on ", 1, 0, "t", "1.0"],
        "int": [0, 5, "5", "-3", 2147483647],
        "float": [0, 1.5, "2.25", "1,000.5", 7],
        "path": ["C:\\temp", "relative\\x", "\\\\?\\C:\\long", "C:/x y/z"],
        "json": [{"a": [1, 2]}, '{"a": 1}', "x"],
        "sid": ["S-1-5-18"],
    }
    return source.choice(pools.get(kind, ["text", "Text two", "a", "ab", 12, True, 1.5, "pässword"]))


def _possible(kind: str) -> list[Any]:
    """Odd values, without those that Windows and mono judge differently for a reason of their own."""
    if kind == "path":
        # Characters that Windows refuses and the empty path: tested by themselves, mono has other rules.
        return [v for v in ODD_VALUES if not isinstance(v, str) or (v.strip() and not set(v) & set('"<>|'))]
    if kind == "dict":
        return [value for value in ODD_VALUES if value != "{broken}"]
    if kind == "int":
        # Mono throws an overflow unwrapped, which the class then trips over; .NET wraps every exception.
        return [value for value in ODD_VALUES if value not in (3000000000, "2147483648")]
    if kind == "sid":
        return ["S-1-5-32-544"]
    return ODD_VALUES
