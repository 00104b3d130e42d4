"""Read one file: what it is, what it needs, and whether it is a connector.

The file is never loaded. Two channels: `AssemblyError` when nothing can be said about it, `Assembly.warnings`
when a part of it cannot be read.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable, Collection
from pathlib import Path
from typing import TypeVar

from . import metadata as tables
from .assembly import Assembly, AssemblyError, ModuleReference, Resource
from .image import DamagedImageError, Image, NotAnImageError
from .metadata import Metadata, compressed_number
from .names import (
    KEY_BYTES,
    PUBLIC_KEY_FLAG,
    RETARGETABLE_FLAG,
    TOKEN_BYTES,
    AssemblyName,
    Version,
    token_of_key,
)

_T = TypeVar("_T")
_NONE: tuple[str, ...] = ()
_NO_CLASSES = (_NONE, _NONE, False)
_NO_RESOURCES: tuple[Resource, ...] = ()

EXTENSION_NAMESPACE = "Microsoft.MetadirectoryServices"
EXTENSION_ASSEMBLY = "microsoft.metadirectoryservicesex"

# Bits of the runtime header's flags (ECMA-335 II.25.3.3.1; 32-bit preferred: .NET 4.5 and later, corhdr.h).
_IL_ONLY, _REQUIRES_32_BIT, _IL_LIBRARY, _STRONG_NAME_SIGNED, _PREFERS_32_BIT = 0x1, 0x2, 0x4, 0x8, 0x20000
_MACHINES = {0x014C: "x86", 0x8664: "x64", 0xAA64: "arm64", 0x01C4: "arm", 0x0200: "ia64"}
_I386 = 0x014C
# Tags of coded indexes (ECMA-335 II.24.2.6).
_SCOPE_TAG_ASSEMBLY_REF = 2
_TYPE_TAG_REF = 1
_ATTRIBUTE_TAG_ASSEMBLY = 14
_ATTRIBUTE_TYPE_TAG_MEMBER_REF = 3
_PARENT_TAG_TYPE_REF = 1
_TYPE_TAG_DEF, _TYPE_TAG_SPEC = 0, 2
_ABSTRACT, _INTERFACE = 0x80, 0x20  # II.23.1.15

_CREATORS = ("CreateInstanceFrom", "CreateInstanceFromAndUnwrap")
_LOADERS = ("Load", "LoadFrom", "LoadFile", "LoadWithPartialName", "UnsafeLoadFrom", "ReflectionOnlyLoadFrom")
_SIGN_TYPES = {
    ("Microsoft.Win32", "Registry"): "registry",
    ("Microsoft.Win32", "RegistryKey"): "registry",
    ("System.Diagnostics", "Process"): "process",
    ("System.IO.Pipes", "NamedPipeClientStream"): "named-pipe",
    ("System.IO.Pipes", "NamedPipeServerStream"): "named-pipe",
    ("System.CodeDom.Compiler", "CodeDomProvider"): "compiler",
}
_LOADER_TYPES = {("System.Reflection", "Assembly"), ("System", "AppDomain"), ("System", "Activator")}
_SIGN_NAMES = tuple(sorted({name.encode() + b"\0" for _, name in (*_SIGN_TYPES, *_LOADER_TYPES)}))
_SIGN_BYTES = tuple(
    dict.fromkeys(
        name.encode() + b"\0" for name in (*sorted({name for _, name in _SIGN_TYPES}), *_LOADERS, *_CREATORS)
    )
)
"""How those names end in a heap. A name that ends another (`Load` in `PreLoad`) is kept there alone."""

CLASSES_LIMIT = 1000
"""Classes of one file that implement interfaces of the engine; a connector has one."""
BASES_LIMIT = 8
"""Classes between one of a connector and the first with an interface; one or two in practice."""
UNPACKED_LIMIT = 32 * 1024 * 1024
"""An embedded library that unpacks to more is not read: none of domain/ma_xml.md 13 comes near."""


def read_assembly(path: Path, *, digest: bool = False, label: str = "") -> Assembly:
    """Read a DLL or EXE.

    Args:
        path: The file.
        digest: Also hash the file, in the same pass.
        label: What messages call the file; its name when empty.

    Raises:
        AssemblyError: the file cannot be read, or is no portable executable, or its headers are damaged.
    """
    label = label or path.name
    try:
        with Image(path) as image:
            return _read(path, image, digest)
    except NotAnImageError as error:
        raise _error(
            label, error, "Check where the file comes from; a download may be a web page."
        ) from error
    except DamagedImageError as error:
        raise _error(label, error, "Fetch the file again.") from error
    except OSError as error:
        problem = DamagedImageError("file", error.strerror or type(error).__name__, "a readable file")
        raise _error(label, problem, "Check path and permissions.") from error


def read_embedded(content: bytes, label: str) -> Assembly:
    """Read a library that lies in memory, as one that was embedded in another.

    Raises:
        AssemblyError: as `read_assembly`.
    """
    try:
        with Image(content) as image:
            return _read(Path(label), image, digest=True)
    except DamagedImageError as error:
        raise _error(label, error, "Ask the connector's author for an intact build.") from error


def read_resource(source: Path | bytes, resource: Resource) -> bytes:
    """Return the content of an embedded resource.

    Unpacked when it is packed as Costura does (a raw deflate stream).

    Raises:
        DamagedImageError: the resource lies outside the file, or unpacks to more than `UNPACKED_LIMIT`.
    """
    with Image(source) as image:
        if image.cli is None or not resource.embedded:
            raise DamagedImageError(
                f"resource {resource.name}", "no content in this file", "an embedded resource"
            )
        where = f"resource {resource.name}"
        start = image.offset_of(image.cli.resources_address + resource.offset, 4, where)
        content = image.at(start + 4, int.from_bytes(image.at(start, 4, where), "little"), where)
    if content[:2] == b"MZ":
        return content
    # 47: zlib and gzip headers are recognised; -15: none, which is what Costura writes.
    window = 47 if content[:2] == b"\x1f\x8b" else -15
    unpack = zlib.decompressobj(window)
    try:
        plain = unpack.decompress(content, UNPACKED_LIMIT)
    except zlib.error as error:
        raise DamagedImageError(where, "bytes that do not unpack", "a library or a deflate stream") from error
    if unpack.unconsumed_tail:
        raise DamagedImageError(where, f"more than {UNPACKED_LIMIT} bytes unpacked", "less")
    return plain


def _error(label: str, error: DamagedImageError, next_step: str) -> AssemblyError:
    return AssemblyError(
        source=label, where=error.where, found=error.found, expected=error.expected, next_step=next_step
    )


def _read(path: Path, image: Image, digest: bool) -> Assembly:
    warnings: list[str] = []
    common = {
        "path": path,
        "length": image.length,
        "authenticode": image.has_authenticode,
        "file_version": _attempt(image.file_version, None, warnings),
        "sha256": image.sha256() if digest else None,
    }
    header = image.cli
    if header is None:
        imports = _attempt(image.imported_modules, _NONE, warnings)
        modules = tuple(ModuleReference(name, 0, "import") for name in imports)
        return Assembly(
            **common,  # type: ignore[arg-type]
            kind="native",
            architecture=_machine(image.machine),
            modules=modules,
            warnings=tuple(warnings),
        )
    start = image.offset_of(header.metadata_address, header.metadata_size, "metadata")
    data = Metadata(image.at(start, header.metadata_size, "metadata"))
    identity, public_key = _identity(data)
    modules = _modules(data)
    # A ready-to-run or NGEN image has native code too, but it is made from the metadata and binds nothing by
    # itself.
    mixed = not header.flags & (_IL_ONLY | _IL_LIBRARY)
    if mixed:
        imports = _attempt(image.imported_modules, _NONE, warnings)
        modules += tuple(
            ModuleReference(name, 0, "import") for name in imports if name.casefold() != "mscoree.dll"
        )
    kind = "module" if identity is None else "mixed" if mixed else "managed"
    interfaces, connector_types, inherits = _attempt(
        lambda: _extension_interfaces(data), _NO_CLASSES, warnings
    )
    return Assembly(
        **common,  # type: ignore[arg-type]
        kind=kind,
        architecture=_architecture(image.machine, header.flags),
        identity=identity,
        references=_references(data),
        modules=modules,
        resources=_attempt(lambda: _resources(data), _NO_RESOURCES, warnings),
        target_framework=_attempt(lambda: _target_framework(data), None, warnings),
        runtime_version=data.runtime_version,
        strong_name=_strong_name(bool(public_key), header.flags, header.strong_name_size),
        interfaces=interfaces,
        connector_types=connector_types,
        inherits=inherits,
        signs=_attempt(lambda: _signs(data), _NONE, warnings),
        warnings=tuple(warnings),
    )


def _attempt(read: Callable[[], _T], otherwise: _T, warnings: list[str]) -> _T:
    """Read a part that the closure can do without; what is damaged there becomes a warning."""
    try:
        return read()
    except DamagedImageError as error:
        warnings.append(str(error))
    except struct.error as error:
        warnings.append(f"short structure: {error}")
    return otherwise


def _identity(data: Metadata) -> tuple[AssemblyName | None, bytes]:
    if not data.count(tables.ASSEMBLY):
        return None, b""
    _, *version, _flags, key, name, culture = data.row(tables.ASSEMBLY, 1, "Assembly table")
    public_key = data.blob(key, KEY_BYTES)
    token = token_of_key(public_key) if public_key else ""
    return AssemblyName(data.string(name), _version(version), data.string(culture), token), public_key


def _references(data: Metadata) -> tuple[AssemblyName, ...]:
    found = []
    for *version, flags, key, name, culture, _hash in data.rows(tables.ASSEMBLY_REF):
        whole = bool(flags & PUBLIC_KEY_FLAG)
        blob = data.blob(key, KEY_BYTES if whole else TOKEN_BYTES)
        token = token_of_key(blob) if whole and blob else blob.hex()
        found.append(
            AssemblyName(
                data.string(name),
                _version(version),
                data.string(culture),
                token,
                bool(flags & RETARGETABLE_FLAG),
            )
        )
    return tuple(found)


def _version(parts: list[int]) -> Version:
    major, minor, build, revision = parts
    return major, minor, build, revision


def _modules(data: Metadata) -> tuple[ModuleReference, ...]:
    calls: dict[int, int] = {}
    for row in data.rows(tables.IMPL_MAP):
        calls[row[3]] = calls.get(row[3], 0) + 1
    found = []
    for index, (name,) in enumerate(data.rows(tables.MODULE_REF), start=1):
        # Without a call the row names another module of the same assembly, which stands in the File table as
        # well.
        if index in calls and name:
            found.append(ModuleReference(data.string(name), calls[index], "invoke"))
    # Files without metadata are linked resources (II.23.1.6); the runtime looks for them beside the assembly
    # all the same.
    found += [ModuleReference(data.string(name), 0, "file") for _flags, name, _hash in data.rows(tables.FILE)]
    return tuple(found)


def _resources(data: Metadata) -> tuple[Resource, ...]:
    return tuple(
        Resource(data.string(name), offset, implementation == 0)
        for offset, _flags, name, implementation in data.rows(tables.MANIFEST_RESOURCE)
    )


def _target_framework(data: Metadata) -> str | None:
    """Return the value of `TargetFrameworkAttribute` on the assembly.

    Such as `.NETFramework,Version=v4.8`.
    """
    parent = 1 << 5 | _ATTRIBUTE_TAG_ASSEMBLY
    for _, constructor, value in data.rows_of_parent(tables.CUSTOM_ATTRIBUTE, parent):
        if constructor & 7 != _ATTRIBUTE_TYPE_TAG_MEMBER_REF:
            continue
        owner = data.row(tables.MEMBER_REF, constructor >> 3, "MemberRef table")[0]
        if owner & 7 != _PARENT_TAG_TYPE_REF:
            continue
        _, name, _namespace = data.row(tables.TYPE_REF, owner >> 3, "TypeRef table")
        if not data.strings.startswith(b"TargetFrameworkAttribute\0", name):
            continue
        blob = data.blob(value, tables.NAME_LIMIT)
        if (
            blob[:2] != b"\x01\x00" or len(blob) < 3 or blob[2] == 0xFF
        ):  # II.23.3: prolog, then a string that may be null
            return None
        size, used = compressed_number(blob[2:6])
        return blob[2 + used : 2 + used + size].decode("utf-8", "replace") or None
    return None


def _extension_interfaces(data: Metadata) -> tuple[tuple[str, ...], tuple[str, ...], bool]:
    """Return interfaces, classes, and whether a class has a base that may bring more from another file."""
    # Nearly all files stop here: searching bytes costs far less than decoding every type reference.
    if EXTENSION_NAMESPACE.encode() + b"\0" not in data.strings:
        return _NO_CLASSES
    sdk = {
        index
        for index, row in enumerate(data.rows(tables.ASSEMBLY_REF), start=1)
        if data.string(row[6]).casefold() == EXTENSION_ASSEMBLY
    }
    wanted: dict[int, str] = {}
    for index, (scope, name, namespace) in enumerate(data.rows(tables.TYPE_REF), start=1):
        if (
            scope & 3 == _SCOPE_TAG_ASSEMBLY_REF
            and scope >> 2 in sdk
            and data.string(namespace) == EXTENSION_NAMESPACE
        ):
            wanted[index << 2 | _TYPE_TAG_REF] = data.string(name)
    own: dict[int, set[str]] = {}
    for owner, interface in data.rows(tables.INTERFACE_IMPL):
        if interface in wanted:
            own.setdefault(owner, set()).add(wanted[interface])
            _check_classes(own)
    return _classes(data, own)


def _classes(data: Metadata, own: dict[int, set[str]]) -> tuple[tuple[str, ...], tuple[str, ...], bool]:
    """Give each class that can be made the interfaces of its bases too, which no table repeats for it."""
    where = "InterfaceImpl table"
    candidates = set(own)
    frontier = {owner for owner in own if data.row(tables.TYPE_DEF, owner, where)[0] & _ABSTRACT}
    for _ in range(BASES_LIMIT if frontier else 0):
        frontier = {
            index
            for index, row in enumerate(data.rows(tables.TYPE_DEF), start=1)
            if row[3] & 3 == _TYPE_TAG_DEF and row[3] >> 2 in frontier
        } - candidates
        candidates |= frontier
        _check_classes(candidates)
        if not frontier:
            break
    interfaces: set[str] = set()
    classes: set[str] = set()
    inherits = False
    for index in candidates:
        flags, name, namespace, extends, *_ = data.row(tables.TYPE_DEF, index, where)
        if flags & (_ABSTRACT | _INTERFACE):
            continue
        classes.add(".".join(filter(None, (data.string(namespace), data.string(name)))))
        interfaces |= own.get(index, set())
        for _ in range(BASES_LIMIT):
            if extends & 3 != _TYPE_TAG_DEF or not extends:
                break
            interfaces |= own.get(extends >> 2, set())
            extends = data.row(tables.TYPE_DEF, extends >> 2, where)[3]
        inherits |= _is_foreign(data, extends)
    return tuple(sorted(interfaces)), tuple(sorted(classes)), inherits


def _is_foreign(data: Metadata, extends: int) -> bool:
    """True for a base class that is generic or lies in another file than those of .NET Framework."""
    if extends & 3 != _TYPE_TAG_REF:
        return extends & 3 == _TYPE_TAG_SPEC
    scope = data.row(tables.TYPE_REF, extends >> 2, "TypeDef table")[0]
    if scope & 3 != _SCOPE_TAG_ASSEMBLY_REF:
        return True
    name = data.string(data.row(tables.ASSEMBLY_REF, scope >> 2, "TypeRef table")[6]).casefold()
    return name not in {"mscorlib", "netstandard", "system"} and not name.startswith("system.")


def _check_classes(found: Collection[int]) -> None:
    if len(found) > CLASSES_LIMIT:
        raise DamagedImageError("InterfaceImpl table", f"more than {CLASSES_LIMIT} classes", "fewer")


def _signs(data: Metadata) -> tuple[str, ...]:
    """Look for what loads libraries or starts programs by names in no table (domain/ma_xml.md 13.3)."""
    if not any(name in data.strings for name in _SIGN_BYTES):
        return ()
    found: set[str] = set()
    loaders: set[int] = set()
    for index, (_scope, name, namespace) in enumerate(data.rows(tables.TYPE_REF), start=1):
        if not data.strings.startswith(_SIGN_NAMES, name):
            continue  # most types: comparing bytes is quicker than decoding two names
        full = (data.string(namespace), data.string(name))
        if full in _SIGN_TYPES:
            found.add(_SIGN_TYPES[full])
        elif full in _LOADER_TYPES:
            loaders.add(index << 3 | _PARENT_TAG_TYPE_REF)
    if loaders:
        names = {*_LOADERS, *_CREATORS}
        if any(
            owner in loaders and data.string(name) in names for owner, name, _ in data.rows(tables.MEMBER_REF)
        ):
            found.add("late-binding")
    return tuple(sorted(found))


def _strong_name(has_key: bool, flags: int, signature_size: int) -> str:
    if not has_key:
        return "none"
    return "signed" if flags & _STRONG_NAME_SIGNED and signature_size else "delay-signed"


def _architecture(machine: int, flags: int) -> str:
    if machine != _I386:
        return _machine(machine)
    if flags & _REQUIRES_32_BIT:
        # Both bits together mean preferred, not required (corhdr.h, COMIMAGE_FLAGS_32BITPREFERRED).
        return "anycpu-32bit-preferred" if flags & _PREFERS_32_BIT else "x86"
    return "anycpu" if flags & _IL_ONLY else "x86"


def _machine(machine: int) -> str:
    return _MACHINES.get(machine, f"machine-0x{machine:04x}")
