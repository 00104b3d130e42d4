"""The walk over a connector's references.

Breadth first, with a visited set because cycles exist (domain/ma_xml.md 13.3). For each reference the first
rule that holds decides: supplied by the host by name, in-box of .NET Framework, embedded, in the ECMA folder,
part of Windows, found on MIM (stage), missing. docs/closure.md says why in this order.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from mim2ecma.documents.findings import Finding, in_order
from mim2ecma.documents.safe_names import bare_file_name_problem

from . import known, native, remarks
from .assembly import Assembly, AssemblyError
from .closure import Closure, JsonObject, Sought, StagedFile, Surroundings
from .companions import Companion, companions_of, declared_companion
from .embedded import EmbeddedLibraries, EmbeddedLibrary
from .host import COPY_FOLDERS, DATA_FOLDER, HostFile
from .image import DamagedImageError
from .names import AssemblyName, format_version
from .reader import read_assembly
from .search import Candidate, Place

FILES_LIMIT = 5000
"""More files than that belong to no connector; the largest known has about 80 (domain/ma_xml.md 13.3)."""


def close(connector: Path, surroundings: Surroundings) -> Closure:
    """Walk over everything that a connector references.

    Args:
        connector: The connector's own file.
        surroundings: Folders, listing of the ECMA host, bindings.

    Raises:
        AssemblyError: the connector itself cannot be read.
        InputError: a folder cannot be listed.
    """
    return _Walk(surroundings).run(connector)


def what_the_host_has(host: Iterable[HostFile], ours: Sequence[HostFile]) -> tuple[HostFile, ...]:
    """Leave out of a listing what an earlier run of ours staged, and the copies and data of the service.

    A file counts as ours while its content is still what we put there. Without this, the files of the first
    run would look supplied by the host in the second. Only files of the ECMA folder itself answer a
    reference: the runtime looks beside the connector and not into folders below, such as one with a copy of
    old files.
    """
    staged = {(file.name.casefold(), file.sha256) for file in ours}
    elsewhere = COPY_FOLDERS | {DATA_FOLDER}
    there = [file for file in host if not elsewhere & file.folders]
    folder = min((file.depth for file in there if file.is_whole_path), default=0)
    return tuple(
        file
        for file in there
        if file.depth == (folder if file.is_whole_path else 0)
        and (file.name.casefold(), file.sha256) not in staged
    )


@dataclass(slots=True)
class Answer:
    """One entry of a list of the closure."""

    assembly: str
    version: str | None
    wanted_by: set[str] = field(default_factory=set)
    more: JsonObject = field(default_factory=dict)

    def to_dict(self) -> JsonObject:
        """The JSON form."""
        return {
            "assembly": self.assembly,
            "version": self.version,
            "wanted_by": sorted(self.wanted_by, key=str.casefold),
            **self.more,
        }


class _Walk:
    def __init__(self, surroundings: Surroundings) -> None:
        self.around = surroundings
        self.findings: list[Finding] = []
        self.staged: dict[str, StagedFile] = {}
        self.wanted_by: dict[str, set[str]] = {}
        self.answers: dict[str, dict[tuple[str, str], Answer]] = {
            name: {} for name in ("host_supplied", "in_box", "windows", "embedded", "missing")
        }
        self.embedded = EmbeddedLibraries()
        self.conflicts: dict[str, JsonObject] = {}
        self.clashing: dict[str, set[str]] = {}
        self.native: dict[str, JsonObject] = {}
        self.native_files: dict[str, Companion] = {}
        self.edges: set[tuple[str, str, str]] = set()
        self.queue: deque[tuple[Assembly, str]] = deque()
        self.host_by_name: dict[str, HostFile] = {}
        for file in surroundings.host:
            self.host_by_name.setdefault(file.name.casefold(), file)
        self.walked: dict[str, Assembly] = {}
        self.unsettled: dict[tuple[str, str, str], Sought] = {}
        self.read_files: dict[Path, Assembly | None] = {}

    def run(self, path: Path) -> Closure:
        connector = read_assembly(path, digest=True)
        place = next(
            (folder.place for folder in self.around.search.folders if path.parent == folder.path),
            Place.EXTENSIONS,
        )
        supplied = self._supplied_connector(connector)
        key = connector.identity.key if connector.identity else path.stem.casefold()
        if not supplied:
            # A connector that the host brings itself is not judged or walked: what it needs came with it.
            self.findings += remarks.about_connector(connector, self.around.framework)
            self.staged[key] = StagedFile(connector, place)
            self.wanted_by[key] = set()
            self._enter(connector, connector.path.name)
        self.connector_key = key
        while self.queue:
            assembly, label = self.queue.popleft()
            for reference in assembly.references:
                self._answer(reference, label, direct=assembly is connector)
            for module in assembly.modules:
                self._answer_module(module.name, module.kind, label)
        return self._result(connector, supplied)

    def _result(self, connector: Assembly, supplied: bool) -> Closure:
        stage = tuple(
            (self.staged[key], tuple(sorted(self.wanted_by[key], key=str.casefold)))
            for key in sorted(self.staged, key=lambda key: (key != self.connector_key, key))
        )
        companions: dict[str, Companion] = {
            companion.key: companion for companion in self.native_files.values()
        }
        libraries = set(self.staged) | self.embedded.names
        libraries |= {name for name, _ in self.answers["host_supplied"]}
        for assembly in (*(staged.assembly for staged, _ in stage), *self.walked.values()):
            for companion in companions_of(assembly, self.around.search, libraries):
                companions.setdefault(companion.key, companion)
        if supplied:
            # Projects of the Web Services connector are the user's own, whoever brings the connector.
            for companion in companions_of(connector, self.around.search, ()):
                if companion.kind == "wsconfig":
                    companions.setdefault(companion.key, companion)
        for name in self.around.declared:
            found, finding = declared_companion(name, self.around.search)
            self.findings += [finding] if finding else []
            if found and found.path.name.casefold() not in {staged.file.casefold() for staged, _ in stage}:
                companions.setdefault(found.key, found)
        return Closure(
            connector=connector,
            connector_supplied=supplied,
            stage=stage,
            lists={
                name: tuple(answers[key].to_dict() for key in sorted(answers))
                for name, answers in self.answers.items()
            },
            conflicts=tuple(self.conflicts[key] for key in sorted(self.conflicts)),
            native=tuple(self.native[key] for key in sorted(self.native)),
            companions=tuple(companions[key] for key in sorted(companions)),
            unsettled=tuple(self.unsettled[key] for key in sorted(self.unsettled)),
            extensions=tuple(
                folder.path for folder in self.around.search.folders if folder.place is Place.EXTENSIONS
            ),
            edges=tuple(sorted(self.edges)),
            findings=in_order(dict.fromkeys(self.findings)),
        )

    def _supplied_connector(self, connector: Assembly) -> bool:
        """True for a connector of Microsoft's that comes with the agent package (domain/ecma_host.md 3.2).

        Any other connector that lies on the host was put there by hand; it is walked, and the plan decides.
        """
        file = connector.path.name
        name = connector.identity.name if connector.identity else connector.path.stem
        on_host = self.host_by_name.get(file.casefold())
        more: JsonObject = {"file": file}
        if on_host is not None:
            more["identical"] = self._compare_with_host(name, connector, on_host)
            if not known.HOST_CONNECTOR_NAMES.fullmatch(file):
                return False
        elif self.around.host or file.casefold() not in known.HOST_CONNECTORS:
            return False
        else:
            more["reason"] = "documented to come with the agent package"
        version = on_host.version if on_host else None
        answer = self._note("host_supplied", AssemblyName(name), None, more)
        answer.version = format_version(version) if version else None
        return True

    def _enter(self, assembly: Assembly, label: str, inside: EmbeddedLibrary | None = None) -> None:
        """Take up a file whose references are to be walked, with what it carries inside."""
        if len(self.read_files) > FILES_LIMIT:
            self.findings.append(remarks.too_many(FILES_LIMIT))
            return
        self.findings += remarks.about_file(assembly, label, self.around.installed)
        self.embedded.take_up(assembly, label, inside)
        self.queue.append((assembly, label))

    def _answer(self, reference: AssemblyName, label: str, *, direct: bool) -> None:
        problem = bare_file_name_problem(reference.name + ".dll")
        if problem is not None:
            self._edge(label, reference, "missing")
            self._note("missing", reference, label, {"public_key_token": reference.public_key_token})
            self.findings.append(remarks.unusable_name(label, reference.name, problem))
            return
        if reference.key in known.HOST_SUPPLIED:
            self._note("host_supplied", reference, label, {"reason": "never staged"})
            self._edge(label, reference, "host_supplied")
            self.findings += remarks.about_extension_reference(reference, label)
        elif known.satisfied_in_box(reference, self.around.framework):
            self._note("in_box", reference, label, {"framework": self.around.framework})
            self._edge(label, reference, "in_box")
        elif reference.key in self.embedded.names:
            self._answer_embedded(reference, label)
        elif reference.key in self.staged:
            self._again(reference, label, direct=direct)
        elif self._on_host(reference) is not None:
            self._answer_from_host(reference, label, direct=direct)
        elif (windows := known.part_of_windows(reference)) is not None:
            more: JsonObject = {"needs": windows.needs} if windows.needs else {}
            self._note("windows", reference, label, more)
            self._edge(label, reference, "windows")
            self.findings += remarks.about_windows(windows, label)
        else:
            self._answer_from_mim(reference, label, direct=direct)

    def _answer_embedded(self, reference: AssemblyName, label: str) -> None:
        library = self.embedded.found[reference.key]
        first = not any(key[0] == reference.key for key in self.answers["embedded"])
        self._note("embedded", reference, label, {"in": library.holder, "resource": library.resource.name})
        self._edge(label, reference, "embedded")
        if not first:
            return
        inner_label = f"{reference.name} (embedded in {library.holder})"
        try:
            inner = self.embedded.read(library, inner_label)
        except (DamagedImageError, AssemblyError) as error:
            self.findings.append(remarks.unreadable_embedded(library.holder, library.resource, str(error)))
            return
        # The inner library lies in no folder, so nothing of it is looked for beside it; its references are
        # walked all the same, because packers leave libraries out (domain/ma_xml.md 13.3).
        self._enter(inner, inner_label, library)

    def _again(self, reference: AssemblyName, label: str, *, direct: bool) -> None:
        """A further reference to a file that is already staged."""
        staged = self.staged[reference.key]
        self.wanted_by[reference.key].add(label)
        self._edge(label, reference, "stage")
        self._seek(reference, staged)
        self._judge_binding(reference, staged, label, direct=direct)
        exact = self._exact_elsewhere(reference, staged)
        if exact is not None:
            key = f"versions:{reference.key}:{reference.version_text}"
            self.clashing.setdefault(key, set()).add(label)
            self.conflicts[key] = {
                "assembly": reference.name,
                "kind": "two-versions",
                "staged": staged.assembly.identity.version_text if staged.assembly.identity else None,
                "wanted": reference.version_text,
                "wanted_by": sorted(self.clashing[key], key=str.casefold),
                "place": exact.place.value,
            }
            self.findings.append(remarks.two_versions(reference, staged.assembly, label, exact.place.value))

    def _exact_elsewhere(self, reference: AssemblyName, staged: StagedFile) -> Candidate | None:
        identity = staged.assembly.identity
        if not reference.is_strong or identity is None or identity.version == reference.version:
            return None
        for candidate in self.around.search.candidates(reference):
            if candidate.path == staged.assembly.path:
                continue
            other = self._read(candidate)
            if (
                other
                and other.identity
                and _same(other.identity, reference)
                and other.identity.version == reference.version
            ):
                return candidate
        return None

    def _on_host(self, reference: AssemblyName) -> HostFile | None:
        for suffix in (".dll", ".exe"):
            found = self.host_by_name.get(reference.key + suffix)
            if found is not None:
                return found
        return None

    def _answer_from_host(self, reference: AssemblyName, label: str, *, direct: bool) -> None:
        on_host = self._on_host(reference)
        assert on_host is not None  # noqa: S101  (the caller looked)
        more: JsonObject = {"file": on_host.name}
        self._edge(label, reference, "host_supplied")
        ours = self._best(reference)
        if ours is not None:
            more["identical"] = self._compare_with_host(reference.name, ours.assembly, on_host)
            if (
                more["identical"]
                and not known.is_product_name(on_host.name)
                and on_host.key not in self.walked
            ):
                # The same bytes need the same files. Whoever put them there may have left some out.
                self.walked[on_host.key] = ours.assembly
                self._enter(ours.assembly, ours.file)
        self._note("host_supplied", reference, label, more)
        self.findings += remarks.about_host_version(
            reference, on_host, self.around.service, self.around.wizard, label, direct=direct
        )

    def _compare_with_host(self, name: str, ours: Assembly, on_host: HostFile) -> bool | None:
        if on_host.sha256 is None:
            relation = "unknown"
        elif on_host.sha256 == ours.sha256:
            return True
        elif on_host.version is None or ours.identity is None:
            relation = "different"
        elif on_host.version == ours.identity.version:
            relation = "same-version"
        else:
            relation = "older" if on_host.version < ours.identity.version else "newer"
        version = ours.identity.version_text if ours.identity else None
        self.conflicts[f"host:{on_host.key}"] = {
            "assembly": name,
            "kind": "on-host",
            "file": on_host.name,
            "mim_version": version,
            "host_version": format_version(on_host.version) if on_host.version else None,
            "host_is": relation,
        }
        self.findings.append(remarks.differs_on_host(name, version, on_host, relation))
        return None if relation == "unknown" else False

    def _answer_from_mim(self, reference: AssemblyName, label: str, *, direct: bool) -> None:
        best = self._best(reference)
        self._seek(reference, best)
        if best is None:
            inner = f"{reference.name} (embedded)"
            by_hand = self.embedded.by_hand(reference, inner)
            if by_hand is not None:
                library, assembly = by_hand
                self.findings.append(remarks.embedded_by_hand(library.holder, library.resource, reference))
                self._note(
                    "embedded", reference, label, {"in": library.holder, "resource": library.resource.name}
                )
                self._edge(label, reference, "embedded")
                self._enter(assembly, f"{reference.name} (embedded in {library.holder})", library)
                return
            self._note("missing", reference, label, {"public_key_token": reference.public_key_token})
            self._edge(label, reference, "missing")
            self.findings.append(remarks.missing(reference, label, self.around.framework, direct=direct))
            return
        self.staged[reference.key] = best
        self.wanted_by[reference.key] = {label}
        self._edge(label, reference, "stage")
        self.findings += remarks.about_place(reference, best.place.value, label)
        self.findings += remarks.about_facade(reference, best.assembly, self.around.framework)
        self._judge_binding(reference, best, label, direct=direct)
        self._enter(best.assembly, best.file)

    def _seek(self, reference: AssemblyName, staged: StagedFile | None) -> None:
        """Remember a reference that `Extensions` does not settle: MIM has it from elsewhere, if at all."""
        identity = staged.assembly.identity if staged else None
        exact = identity is not None and (not reference.is_strong or identity.version == reference.version)
        if staged is not None and staged.place is Place.EXTENSIONS and exact:
            return
        wanted = self.around.mim.apply(reference) if self.around.mim else reference
        for name in {reference, wanted}:
            self.unsettled[(name.key, name.version_text, name.public_key_token)] = Sought(name)

    def _judge_binding(
        self, reference: AssemblyName, staged: StagedFile, label: str, *, direct: bool
    ) -> None:
        around = self.around
        self.findings += remarks.about_binding(
            reference,
            staged.assembly,
            label,
            mim=around.mim,
            service=around.service,
            wizard=around.wizard,
            direct=direct,
        )

    def _best(self, reference: AssemblyName) -> StagedFile | None:
        """Return the file that MIM would load: the exact version first, by place.

        Else what the redirect says; else the first of that name.
        """
        wanted = self.around.mim.apply(reference) if self.around.mim else reference
        by_name: StagedFile | None = None
        for candidate in self.around.search.candidates(reference):
            assembly = self._read(candidate)
            if assembly is None or assembly.identity is None:
                continue
            if assembly.identity.key != reference.key:
                self.findings.append(
                    remarks.wrong_identity(candidate.path.name, assembly.identity, reference)
                )
                continue
            staged = StagedFile(assembly, candidate.place)
            if not reference.is_strong:
                if candidate.place is Place.GAC:
                    continue  # the runtime looks there for strong names alone
                return staged
            if _same(assembly.identity, reference) and assembly.identity.version in (
                wanted.version,
                reference.version,
            ):
                return staged
            if by_name is None and candidate.place is not Place.GAC:
                by_name = staged
        return by_name

    def _read(self, candidate: Candidate) -> Assembly | None:
        """Read a file once, however many references lead to it; None when it cannot be read."""
        path = candidate.path
        if path not in self.read_files:
            try:
                self.read_files[path] = read_assembly(path, digest=True)
            except AssemblyError as error:
                self.read_files[path] = None
                self.findings.append(remarks.unreadable(path.name, error))
        return self.read_files[path]

    def _answer_module(self, name: str, kind: str, label: str) -> None:
        file = name if "." in name else name + ".dll"
        key = file.casefold()
        entry = self.native.get(key)
        if entry is not None:
            wanted_by = entry["wanted_by"]
            assert isinstance(wanted_by, list)  # noqa: S101  (made below)
            if label not in wanted_by:
                wanted_by.append(label)
                wanted_by.sort(key=str.casefold)
            return
        located = native.locate(file, kind, self.around.search, self.embedded.names, self.host_by_name.keys())
        status, found = located.status, located.found
        if status == "unusable-name":
            problem = bare_file_name_problem(file) or "is no plain file name"
            self.findings.append(remarks.unusable_name(label, name, problem))
        beyond = found is not None and found.place is not Place.EXTENSIONS
        if beyond or status == "missing":
            self.unsettled[(key, "", "")] = Sought(AssemblyName(file), module=True)
        self.native[key] = {"module": name, "wanted_by": [label], "status": status}
        self.findings += native.about_module(name, status, label)
        if found is not None:
            self._stage_module(found, located.target, kind, label)

    def _stage_module(self, found: Candidate, target: str, kind: str, label: str) -> None:
        companion = Companion.read(found.path, target, "module" if kind == "file" else "native", label)
        self.native_files[companion.key] = companion
        assembly = self._read(found)
        if assembly is not None and assembly.kind in {"native", "module"}:
            self._enter(assembly, found.path.name)

    def _note(self, name: str, reference: AssemblyName, label: str | None, more: JsonObject) -> Answer:
        answers = self.answers[name]
        key = (reference.key, reference.version_text)
        answer = answers.setdefault(key, Answer(reference.name, reference.version_text, more=dict(more)))
        if label is not None:
            answer.wanted_by.add(label)
        return answer

    def _edge(self, label: str, reference: AssemblyName, answer: str) -> None:
        self.edges.add((label, reference.name, answer))


def _same(identity: AssemblyName, reference: AssemblyName) -> bool:
    return identity.public_key_token == reference.public_key_token
