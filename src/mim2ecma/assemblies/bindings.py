"""Binding redirects and probing paths of a program's `.exe.config`.

Only the program's own configuration counts: the runtime does not read `X.dll.config` for redirects
(domain/ma_xml.md 13.3). On MIM that is `miiserver.exe.config`; on the ECMA host the service and the wizard
have one each, and both load connectors (domain/ecma_host.md 3.2).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from lxml import etree

from mim2ecma.documents.errors import InputError

from .names import AssemblyName, Version, parse_version

NAMESPACE = "urn:schemas-microsoft-com:asm.v1"
RUNTIME = "v4.0.30319"
"""The runtime of MIM and of the ECMA host; a block that `appliesTo` another one is not read by it."""
CONFIG_BYTES = 4 * 1024 * 1024
"""The largest configuration file read; real ones have some kilobytes."""


@dataclass(frozen=True, slots=True)
class Redirect:
    """One `bindingRedirect` with the identity it belongs to."""

    name: str
    public_key_token: str
    culture: str
    low: Version
    high: Version
    new: Version


@dataclass(frozen=True, slots=True)
class Bindings:
    """What one program's configuration says about binding.

    Attributes:
        source: File the bindings come from, for messages.
        probing: Private paths below the program's folder, as written.
    """

    source: str
    redirects: tuple[Redirect, ...] = ()
    probing: tuple[str, ...] = ()

    def apply(self, reference: AssemblyName) -> AssemblyName:
        """Return the reference that the runtime looks for after redirection.

        Only strong names are redirected.
        """
        if not reference.is_strong:
            return reference
        for redirect in self.redirects:
            if (
                redirect.name.casefold() == reference.key
                and redirect.public_key_token == reference.public_key_token
                and redirect.culture == reference.culture
                and redirect.low <= reference.version <= redirect.high
            ):
                return replace(reference, version=redirect.new)
        return reference


def read_bindings(path: Path) -> Bindings:
    """Read a configuration file.

    Raises:
        InputError: it cannot be read or is no XML with the root `configuration`.
    """
    try:
        with path.open("rb") as file:
            content = file.read(CONFIG_BYTES + 1)
    except OSError as error:
        raise _error(
            path.name, "file", error.strerror or "an input error", "a readable configuration file"
        ) from error
    return parse_bindings(content, path.name)


def parse_bindings(content: bytes, source: str) -> Bindings:
    """Read the content of a configuration file; `source` names it in messages.

    Raises:
        InputError: as `read_bindings`.
    """
    if len(content) > CONFIG_BYTES:
        raise _error(source, "file", f"more than {CONFIG_BYTES} bytes", "a configuration file")
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
    try:
        root = etree.fromstring(content, parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        text = str(error).partition(" (<string>")[0]  # what lxml calls a source that lies in memory
        raise _error(source, "XML", text, "well-formed XML") from error
    if root.tag != "configuration":
        raise _error(source, "root element", f"'{root.tag}'", "'configuration'")
    redirects: list[Redirect] = []
    probing: list[str] = []
    for block in root.iterfind(f"runtime/{{{NAMESPACE}}}assemblyBinding"):
        if not RUNTIME.startswith(block.get("appliesTo", "").strip().casefold()):
            continue
        for element in block.iterfind(f"{{{NAMESPACE}}}probing"):
            probing += [part.strip() for part in element.get("privatePath", "").split(";") if part.strip()]
        for dependent in block.iterfind(f"{{{NAMESPACE}}}dependentAssembly"):
            redirects += _redirects(dependent)
    return Bindings(source, tuple(redirects), tuple(probing))


def _redirects(dependent: etree._Element) -> list[Redirect]:
    identity = dependent.find(f"{{{NAMESPACE}}}assemblyIdentity")
    if identity is None:
        return []
    culture = identity.get("culture", "neutral").strip().casefold()
    found = []
    for element in dependent.iterfind(f"{{{NAMESPACE}}}bindingRedirect"):
        low_text, _, high_text = element.get("oldVersion", "").partition("-")
        low = parse_version(low_text)
        high = parse_version(high_text) if high_text else low
        new = parse_version(element.get("newVersion", ""))
        if low is None or high is None or new is None:
            continue  # the runtime ignores an element that it cannot read
        found.append(
            Redirect(
                name=identity.get("name", "").strip(),
                public_key_token=identity.get("publicKeyToken", "").strip().casefold(),
                culture="" if culture == "neutral" else culture,
                low=low,
                high=high,
                new=new,
            )
        )
    return found


def _error(source: str, where: str, found: str, expected: str) -> InputError:
    return InputError(
        source=source,
        where=where,
        found=found,
        expected=expected,
        next_step="Fetch the file again or leave it out.",
    )
