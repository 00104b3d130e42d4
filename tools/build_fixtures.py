#!/usr/bin/env python3
"""Build the assemblies of tests/fixtures/assemblies with mono's `mcs`.

    tools/build_fixtures.py                     rebuild in place
    tools/build_fixtures.py --output FOLDER     build somewhere else, for comparison

`mcs` writes the same bytes for the same input, names of files included; so everything is compiled in a
temporary folder with relative names and copied from there.
"""

from __future__ import annotations

import argparse
import shutil
import struct
import subprocess
import sys
import tempfile
import zlib
from dataclasses import dataclass
from pathlib import Path

FIXTURES = Path(__file__).resolve().parent.parent / "tests" / "fixtures" / "assemblies"
SDK = "sdk/Microsoft.MetadirectoryServicesEx.dll"
GAC = "gac/root/GAC_MSIL/Gac.Library/v4.0_1.0.0.0__{token}/Gac.Library.dll"


@dataclass(frozen=True)
class Fixture:
    """One file to build.

    Attributes:
        path: Where it goes; a leading `-` builds it for others to refer to and does not keep it.
        source: Its C# file.
        symbols: Preprocessor symbols.
        references: Paths of other files of the table.
        name: Assembly name where the file is called otherwise.
        options: Further options of the compiler.
        embed: (path, resource name) of files to embed, packed as Costura packs them where the name says so.
    """

    path: str
    source: str
    symbols: tuple[str, ...] = ()
    references: tuple[str, ...] = ()
    name: str = ""
    options: tuple[str, ...] = ()
    embed: tuple[tuple[str, str], ...] = ()


SIGNED = ("-keyfile:keys/fixture.snk",)
OTHER = ("-keyfile:keys/other.snk",)
DELAYED = (*SIGNED, "-delaysign+")


def connector(path: str, *symbols: str, uses: tuple[str, ...] = (), **more: object) -> Fixture:
    """A connector that refers to the engine's library and to those in `uses`."""
    return Fixture(path, "Connector.cs", symbols, (SDK, *uses), **more)  # type: ignore[arg-type]


def library(path: str, *symbols: str, uses: tuple[str, ...] = (), **more: object) -> Fixture:
    """A library."""
    return Fixture(path, "Library.cs", symbols, uses, **more)  # type: ignore[arg-type]


def bases(path: str, *symbols: str, uses: tuple[str, ...] = ()) -> Fixture:
    """A connector with base classes, or the library that has them."""
    return Fixture(path, "Bases.cs", symbols, (SDK, *uses))


TABLE = (
    Fixture(SDK, "Sdk.cs"),
    connector("plain/Plain.Connector.dll"),
    # two levels deep
    library("chain/Chain.Leaf.dll", "SECOND"),
    library("chain/Chain.Middle.dll", "CALLS_TWO", uses=("chain/Chain.Leaf.dll",)),
    connector("chain/Chain.Connector.dll", "ONE", uses=("chain/Chain.Middle.dll",)),
    library("chain/Unrelated.dll"),
    # two libraries that need each other: the first is built without the call, then again with it
    library("-first/Cycle.One.dll"),
    library("cycle/Cycle.Two.dll", "SECOND", "CALLS_ONE", uses=("-first/Cycle.One.dll",)),
    library("cycle/Cycle.One.dll", "CALLS_TWO", uses=("cycle/Cycle.Two.dll",)),
    connector("cycle/Cycle.Connector.dll", "ONE", uses=("cycle/Cycle.One.dll",)),
    # a library that is not there
    library("-gone/Missing.Library.dll"),
    connector("missing/Missing.Connector.dll", "ONE", uses=("-gone/Missing.Library.dll",)),
    # a library that is there and lacks one itself
    library("-gone/Missing.Deep.dll", "SECOND"),
    library("missing/Missing.Middle.dll", "CALLS_TWO", uses=("-gone/Missing.Deep.dll",)),
    connector("missing/Indirect.Connector.dll", "ONE", uses=("missing/Missing.Middle.dll",)),
    # two versions of a strong-named library: one in the folder, the other in the global assembly cache
    library("-old/Clash.Library.dll", options=SIGNED),
    library("clash/Clash.Library.dll", "V2", options=SIGNED),
    library("clash/Clash.Other.dll", "SECOND", "CALLS_ONE", uses=("-old/Clash.Library.dll",)),
    connector("clash/Clash.Connector.dll", "TWO", uses=("clash/Clash.Library.dll", "clash/Clash.Other.dll")),
    library("clash/root/GAC_MSIL/Clash.Library/v4.0_1.0.0.0__{token}/Clash.Library.dll", options=SIGNED),
    # strong names: signed, delay-signed, none, and the right name of another publisher
    library("strong/Strong.Signed.dll", options=SIGNED),
    library("strong/Strong.Delayed.dll", "SECOND", options=DELAYED),
    connector(
        "strong/Strong.Connector.dll",
        "TWO",
        uses=("strong/Strong.Signed.dll", "strong/Strong.Delayed.dll"),
        options=SIGNED,
    ),
    library("-true/Impostor.Library.dll", options=SIGNED),
    library("strong/Impostor.Library.dll", options=OTHER),
    connector("strong/Impostor.Connector.dll", "ONE", uses=("-true/Impostor.Library.dll",)),
    # architecture
    connector("x86/X86.Connector.dll", options=("-platform:x86",)),
    connector("x86/X64.Connector.dll", options=("-platform:x64",)),
    connector(
        "x86/Preferred.Connector.exe",
        options=("-platform:anycpu32bitpreferred", "-target:exe", "-main:Fixture.Program"),
    ),
    library("x86/X86.Library.dll", options=("-platform:x86",)),
    connector("x86/Uses.Connector.dll", "ONE", uses=("x86/X86.Library.dll",)),
    # names
    library("case/MIXED.library.DLL", name="Mixed.Library"),
    connector("case/Mixed.Connector.dll", "ONE", uses=("case/MIXED.library.DLL",)),
    library("blank/Blank Library.dll"),
    connector("blank/Blank In Name.dll", "ONE", uses=("blank/Blank Library.dll",)),
    library("renamed/Right.Name.dll", name="Wrong.Name"),
    library("-right/Right.Name.dll"),
    connector("renamed/Renamed.Connector.dll", "ONE", uses=("-right/Right.Name.dll",)),
    # satellite and companions
    connector("satellite/Satellite.Connector.dll"),
    Fixture("satellite/de/Satellite.Connector.resources.dll", "Satellite.cs"),
    # embedded, with a library that the packer left out
    library("-packed/Left.Out.dll", "SECOND"),
    library("-packed/Packed.Library.dll", "CALLS_TWO", uses=("-packed/Left.Out.dll",)),
    connector(
        "embedded/Embedded.Connector.dll",
        "ONE",
        uses=("-packed/Packed.Library.dll",),
        embed=(("-packed/Packed.Library.dll", "costura.packed.library.dll.compressed"),),
    ),
    # a packed library that has one packed itself
    library("-packed/Inner.Library.dll", "SECOND"),
    library(
        "-packed/Outer.Library.dll",
        "CALLS_TWO",
        uses=("-packed/Inner.Library.dll",),
        embed=(("-packed/Inner.Library.dll", "costura.inner.library.dll.compressed"),),
    ),
    connector(
        "embedded/Nested.Connector.dll",
        "ONE",
        uses=("-packed/Outer.Library.dll",),
        embed=(("-packed/Outer.Library.dll", "costura.outer.library.dll.compressed"),),
    ),
    # embedded by hand: a resource that a development environment has named, beside one that is named alike
    library("-packed/Hand.Library.dll"),
    connector(
        "embedded/ByHand.Connector.dll",
        "ONE",
        uses=("-packed/Hand.Library.dll",),
        embed=(
            ("-packed/Inner.Library.dll", "Fixture.Other.Hand.Library.dll"),
            ("-packed/Hand.Library.dll", "Fixture.Resources.Hand.Library.dll"),
        ),
    ),
    # what is no connector
    connector("rules/Rules.Extension.dll", "RULES"),
    connector("noexport/NoExport.Connector.dll", "NOEXPORT"),
    # interfaces that the connector's class inherits: in its own file, from another, from a generic class
    bases("bases/Inner.Connector.dll"),
    bases("bases/Base.Library.dll", "LIBRARY"),
    bases("bases/Outer.Connector.dll", "DERIVED", uses=("bases/Base.Library.dll",)),
    bases("bases/Generic.Connector.dll", "GENERIC"),
    # a newer framework than Windows Server 2016 can have
    connector("net481/Net481.Connector.dll", "NET481"),
    connector("pinvoke/PInvoke.Connector.dll", "PINVOKE"),
    connector("late/Late.Connector.dll", "LATE"),
    # only in the global assembly cache
    library(GAC, options=SIGNED),
    connector("gac/Extensions/Gac.Connector.dll", "ONE", uses=(GAC,)),
    # a redirect decides
    library("-old/Redirect.Library.dll", options=SIGNED),
    library("redirect/Redirect.Library.dll", "V2", options=SIGNED),
    connector("redirect/Redirect.Connector.dll", "ONE", uses=("-old/Redirect.Library.dll",)),
)


def main() -> int:
    """Build everything."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--output", type=Path, default=FIXTURES)
    build(parser.parse_args().output)
    return 0


def build(output: Path) -> None:
    """Build all fixtures below a folder."""
    token = public_key_token((FIXTURES / "keys" / "fixture.snk").read_bytes())
    with tempfile.TemporaryDirectory() as name:
        work = Path(name)
        shutil.copytree(FIXTURES / "sources", work / "sources")
        shutil.copytree(FIXTURES / "keys", work / "keys")
        (work / "sources" / "Program.cs").write_text(
            "namespace Fixture { class Program { static void Main() { } } }\n"
        )
        for fixture in TABLE:
            compile_one(work, fixture, token)
            if not fixture.path.startswith("-"):
                keep(work / fixture.path.format(token=token), output / fixture.path.format(token=token))
    native = output / "pinvoke" / "Private.Native.dll"
    native.write_bytes(native_library(("KERNEL32.dll", "Private.Deeper.dll")))
    (output / "pinvoke" / "Private.Deeper.dll").write_bytes(native_library(()))


def compile_one(work: Path, fixture: Fixture, token: str) -> None:
    """Run the compiler for one row of the table."""
    path = fixture.path.format(token=token)
    (work / path).parent.mkdir(parents=True, exist_ok=True)
    # The assembly is named after the file that is compiled; where the two differ, the file is renamed
    # afterwards.
    suffix = Path(path).suffix
    out = str(Path(path).with_name(fixture.name + suffix)) if fixture.name else path
    command = ["mcs", "-nologo", "-target:library", "-warn:0", f"-out:./{out}"]
    command += [f"-define:{';'.join(fixture.symbols)}"] if fixture.symbols else []
    command += [f"-reference:./{reference.format(token=token)}" for reference in fixture.references]
    for index, (source, resource) in enumerate(fixture.embed):
        packed = work / f"embedded{index}.bin"
        # Costura writes a raw deflate stream; level and window are fixed, so the bytes are.
        content = (work / source).read_bytes()
        if resource.endswith(".compressed"):
            deflate = zlib.compressobj(9, zlib.DEFLATED, -15)
            content = deflate.compress(content) + deflate.flush()
        packed.write_bytes(content)
        command.append(f"-resource:{packed.name},{resource}")
    command += [*fixture.options, f"sources/{fixture.source}"]
    if "-target:exe" in fixture.options:
        command.append("sources/Program.cs")
    result = subprocess.run(command, cwd=work, capture_output=True, text=True, check=False)
    if result.returncode:
        sys.exit(f"{path}: {result.stdout}{result.stderr}")
    if out != path:
        (work / out).rename(work / path)


def keep(source: Path, target: Path) -> None:
    """Copy a file when its bytes are new."""
    target.parent.mkdir(parents=True, exist_ok=True)
    if not target.exists() or target.read_bytes() != source.read_bytes():
        shutil.copyfile(source, target)


def public_key_token(private_blob: bytes) -> str:
    """Token of a key in the form of a CAPI private key blob."""
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "src"))
    from mim2ecma.assemblies.names import token_of_key  # noqa: PLC0415

    bits = struct.unpack_from("<I", private_blob, 12)[0]
    # ECMA-335 II.6.2.1.3: signature algorithm, hash algorithm (SHA-1), length, then a CAPI public key blob.
    public = (
        struct.pack("<BBHI4sII", 6, 2, 0, 0x2400, b"RSA1", bits, 65537) + private_blob[20 : 20 + bits // 8]
    )
    return token_of_key(struct.pack("<III", 0x2400, 0x8004, len(public)) + public)


def native_library(imports: tuple[str, ...]) -> bytes:
    """Write a minimal 64-bit native library that imports from other modules."""
    alignment, base = 0x200, 0x1000
    rows, names = b"", b""
    names_at = 20 * (len(imports) + 1)
    for name in imports:
        rows += struct.pack("<IIIII", 0, 0, 0, base + names_at + len(names), 0)
        names += name.encode() + b"\0"
    content = rows + b"\0" * 20 + names
    content = content.ljust(-(-len(content) // alignment) * alignment, b"\0")
    directories = [(0, 0)] * 16
    if imports:
        directories[1] = (base, 20 * (len(imports) + 1))
    optional = struct.pack("<HBBIIIII", 0x20B, 14, 0, 0, len(content), 0, 0, base)
    optional += struct.pack("<QIIHHHHHH", 0x180000000, 0x1000, alignment, 6, 0, 0, 0, 6, 0)
    optional += struct.pack("<IIIIHH", 0, 0x2000, alignment, 0, 2, 0x160)
    optional += struct.pack("<QQQQII", 0x100000, 0x1000, 0x100000, 0x1000, 0, 16)
    optional += b"".join(struct.pack("<II", *entry) for entry in directories)
    header = b"MZ".ljust(60, b"\0") + struct.pack("<I", 64) + b"PE\0\0"
    header += struct.pack("<HHIIIHH", 0x8664, 1, 0, 0, 0, len(optional), 0x2022) + optional
    header += struct.pack(
        "<8sIIIIIIHHI", b".rdata", len(content), base, len(content), alignment, 0, 0, 0, 0, 0x40000040
    )
    return header.ljust(alignment, b"\0") + content


if __name__ == "__main__":
    sys.exit(main())
