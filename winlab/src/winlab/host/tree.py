"""The nodes that a volume consists of, and their form in the state file."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from winlab.host import acl, nesting, paths


@dataclass(frozen=True, slots=True)
class Entry:
    """What a folder listing says of one file or folder.

    Attributes:
        path: absolute, in the case it was made with.
        name: the last part of the path; the path itself for a volume.
        is_dir: True for folders and for links to folders.
        size: bytes; 0 for folders and links.
        sha256: of the content in hexadecimal; None for folders and links.
        created: seconds since 1970, UTC, as are the next two.
        modified: last write.
        accessed: last access.
        attributes: of `ReadOnly`, `Hidden`, `System`, `Archive`, `Compressed`, `NotContentIndexed`.
        owner: SID.
        link_type: `SymbolicLink`, `JunctionPoint` or None.
        link_target: what the link names, as it was written.
        hard_links: the other names of the same file.
    """

    path: str
    name: str
    is_dir: bool
    size: int
    sha256: str | None
    created: float
    modified: float
    accessed: float
    attributes: frozenset[str]
    owner: str
    link_type: str | None = None
    link_target: str | None = None
    hard_links: tuple[str, ...] = ()


@dataclass(slots=True, eq=False)
class Node:
    """A file (with `blob`), a folder (with `children`) or a link (with `link`)."""

    name: str
    owner: str
    parent: Node | None = None
    children: dict[str, Node] | None = None
    blob: str | None = None
    size: int = 0
    created: float = 0.0
    modified: float = 0.0
    accessed: float = 0.0
    attributes: frozenset[str] = frozenset()
    aces: tuple[acl.Ace, ...] = ()
    protected: bool = False
    # Inherited rules that came along with a move, until rules are set on it or above it; None: the folder's.
    kept: tuple[acl.Ace, ...] | None = None
    streams: dict[str, tuple[str, str, int]] = field(default_factory=dict)
    link: tuple[str, str] | None = None
    # All names of a file with hard links, this one included; each counts its bytes on the volume for itself.
    names: list[Node] = field(default_factory=list)

    def share(self) -> None:
        """Let the file's other names see what has changed under this one."""
        for other in self.names:
            if other is not self:
                other.owner, other.blob, other.size = self.owner, self.blob, self.size
                other.created, other.modified, other.accessed = self.created, self.modified, self.accessed
                other.attributes, other.aces, other.protected = self.attributes, self.aces, self.protected
                other.kept = self.kept
                other.streams = dict(self.streams)

    @property
    def is_dir(self) -> bool:
        """True for folders and for links to folders."""
        return self.children is not None

    def path(self) -> str:
        """Return the absolute path in the case it was made with."""
        names: list[str] = []
        node = self
        while node.parent is not None:
            names.append(node.name)
            node = node.parent
        return paths.join(node.name, *reversed(names)) if names else node.name

    def child(self, name: str) -> Node | None:
        """Return the entry of that name, in any case."""
        if self.children is None:
            return None
        found = self.children.get(paths.fold(name))
        return self._child_by_short_name(name) if found is None and "~" in name else found

    def _child_by_short_name(self, name: str) -> Node | None:
        """Return the entry whose 8.3 name that is; numbers go by the order in which the entries were made."""
        numbers: dict[tuple[str, str], int] = {}
        for child in (self.children or {}).values():
            base = paths.short_base(child.name)
            if base is None:
                continue
            numbers[base] = numbers.get(base, 0) + 1
            if paths.fold(name) == f"{base[0]}~{numbers[base]}{base[1]}":
                return child
        return None

    def sorted_children(self) -> list[Node]:
        """Return the entries as NTFS lists them: by their names in upper case."""
        children = self.children or {}
        return [children[name] for name in sorted(children)]

    def below(self) -> Iterator[Node]:
        """Yield everything below, depth first, a folder before its content; links are not followed."""
        waiting = [] if self.link is not None else self.sorted_children()[::-1]
        while waiting:
            node = waiting.pop()
            yield node
            if node.link is None:
                waiting.extend(reversed(node.sorted_children()))

    def effective(self) -> tuple[acl.Ace, ...]:
        """Return explicit and inherited access rules in canonical order."""
        heirs = []
        node = self
        while not node.protected and node.kept is None and node.parent is not None:
            heirs.append(node)
            node = node.parent
        rules = acl.canonical((*node.aces, *(node.kept or ())))
        return acl.down(rules, ((heir.aces, heir.owner, heir.is_dir) for heir in reversed(heirs)))

    def keep_rules(self) -> None:
        """Hold on to the rules as they are now, as a move within a volume does (KB310316)."""
        if not self.protected:
            self.kept = tuple(ace for ace in self.effective() if ace.inherited)

    def pass_rules_on(self) -> None:
        """Give this and all below the rules that its folders have, as setting rules does."""
        for node in (self, *self.below()):
            for name in node.names or (node,):
                name.kept = None

    def contents(self) -> Iterator[tuple[str, int]]:
        """Yield SHA-256 and size of the content and of each alternate stream."""
        if self.blob is not None:
            yield self.blob, self.size
        for _, blob, size in self.streams.values():
            yield blob, size

    def entry(self) -> Entry:
        """Return what a listing says."""
        kind, target = self.link or (None, None)
        return Entry(
            path=self.path(),
            name=self.name,
            is_dir=self.is_dir,
            size=self.size,
            sha256=self.blob,
            created=self.created,
            modified=self.modified,
            accessed=self.accessed,
            attributes=self.attributes,
            owner=self.owner,
            link_type=kind,
            link_target=target,
            hard_links=tuple(sorted(node.path() for node in self.names if node is not self)),
        )

    def to_state(self) -> dict[str, Any]:
        """Return the node and all below for the state file; what is usual is left out."""
        return nesting.to_state(self, Node._own_state, lambda node: (node.children or {}).values(), "c")

    def _own_state(self) -> dict[str, Any]:
        state: dict[str, Any] = {"n": self.name, "o": self.owner}
        state["t"] = [self.created, self.modified, self.accessed]
        if self.attributes:
            state["a"] = sorted(self.attributes)
        if self.aces:
            state["r"] = [ace.to_text() for ace in self.aces]
        if self.protected:
            state["p"] = True
        if self.kept is not None:
            state["k"] = [ace.to_text() for ace in self.kept]
        if self.streams:
            state["s"] = [list(stream) for _, stream in sorted(self.streams.items())]
        if self.link:
            state["l"] = list(self.link)
        if self.names:
            state["h"] = min(node.path() for node in self.names)
        if self.blob is not None:
            state["b"], state["z"] = self.blob, self.size
        if self.children is not None:
            state["c"] = []
        return state

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> Node:
        """Build the node and all below from what `to_state` returned."""
        linked: dict[str, list[Node]] = {}
        return nesting.from_state(
            state, lambda item, parent: cls._from_own_state(item, parent, linked), None, "c"
        )

    @classmethod
    def _from_own_state(
        cls, state: dict[str, Any], parent: Node | None, linked: dict[str, list[Node]]
    ) -> Node:
        created, modified, accessed = state["t"]
        link = state.get("l")
        node = cls(
            name=state["n"],
            owner=state["o"],
            parent=parent,
            children={} if "c" in state else None,
            blob=state.get("b"),
            size=state.get("z", 0),
            created=created,
            modified=modified,
            accessed=accessed,
            attributes=frozenset(state.get("a", ())),
            aces=tuple(acl.Ace.from_text(text) for text in state.get("r", ())),
            protected=state.get("p", False),
            kept=tuple(replace(acl.Ace.from_text(text), inherited=True) for text in state["k"])
            if "k" in state
            else None,
            streams={paths.fold(name): (name, blob, size) for name, blob, size in state.get("s", ())},
            link=(link[0], link[1]) if link else None,
        )
        if "h" in state:
            node.names = linked.setdefault(state["h"], [])
            node.names.append(node)
        if parent is not None:
            if parent.children is None:
                raise ValueError(f"{node.name} lies in {parent.name}, which is a file")
            parent.children[paths.fold(node.name)] = node
        return node
