"""What linking is asked, and what it decides: frozen values."""

from __future__ import annotations

import posixpath
from dataclasses import dataclass, field
from pathlib import Path

from venvstacks_dag.digest import sha256_bytes
from venvstacks_dag.fs import FILE_MODE, TreeEntry, TreeManifest
from venvstacks_dag.link.modules import Module
from venvstacks_dag.link.offers import Offers
from venvstacks_dag.platforms import LayerLayout


@dataclass(frozen=True, slots=True, kw_only=True)
class LowerLink:
    """A layer below: how it is named here (``env_name``) and where deployed (``install_target``).

    ``installed`` and ``linked`` are what the install and the link stage made in its tree,
    ``offers`` is what linking said of its shared libraries.
    """

    env_name: str
    install_target: str
    layout: LayerLayout
    installed: TreeManifest
    linked: TreeManifest
    offers: Offers = field(default_factory=Offers)

    @property
    def has_libraries(self) -> bool:
        """Whether anything is in the folder that it offers its shared libraries in."""
        prefix = f"{self.layout.dynlib_dir}/"
        return any(
            entry.path.startswith(prefix)
            for manifest in (self.installed, self.linked)
            for entry in manifest.entries
        )

    @property
    def library_digests(self) -> dict[str, str]:
        """What that folder's links have: by name, the digest of the content."""
        folder = self.layout.dynlib_dir
        aims = {
            posixpath.basename(entry.path): posixpath.normpath(f"{folder}/{entry.target}")
            for entry in self.linked.entries
            if entry.kind == "link" and entry.path.startswith(f"{folder}/")
        }
        if not aims:
            return {}
        contents = {entry.path: entry.sha256 for entry in self.installed.entries}
        return {name: contents[aim] for name, aim in aims.items() if aim in contents}


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkRequest:
    """One layer to link.

    ``install_target`` is the deployed folder's name: ``env_name``, or ``env_name@N`` of a
    versioned layer. ``below`` are the layers below, nearest first, the runtime last; a runtime
    has none. ``launch_module`` and ``support_modules`` are absolute paths of a module file or a
    package folder. ``dynlib_exclude`` are patterns for the end of a library's path. Only where the
    layer ``runs_here`` it is finished for the place where it lies.
    Raises `ValueError` where ``layout`` and ``below`` do not fit together.
    """

    layout: LayerLayout
    env_name: str
    install_target: str
    below: tuple[LowerLink, ...] = ()
    installed: TreeManifest
    launch_module: Path | None = None
    support_modules: tuple[Path, ...] = ()
    dynlib_exclude: tuple[str, ...] = ()
    runs_here: bool = True

    def __post_init__(self) -> None:
        kinds = [self.layout.is_runtime, *(lower.layout.is_runtime for lower in self.below)]
        if kinds != [False] * len(self.below) + [True]:
            raise ValueError(f"{self.env_name}: the lowest layer, and no other, must be a runtime")

    @property
    def runtime(self) -> LowerLink | None:
        """The runtime below; None for a layer that is one itself."""
        return self.below[-1] if self.below else None


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedEntry:
    """One file or link to make, and where a file's content is had from.

    ``content`` is the bytes themselves, or the path of a file to copy, which must still have
    the digest that ``entry`` states when it is copied; a link has none. A ``shared`` file is one
    that nobody writes to, so that the tree may have it as the other tree does: by a hard link.
    """

    entry: TreeEntry
    content: bytes | Path | None = None
    shared: bool = False


def planned_bytes(
    path: str, content: bytes, *, mode: int = FILE_MODE, local: bool = False
) -> PlannedEntry:
    """A file with `content`."""
    entry = TreeEntry(
        path=path, mode=mode, size=len(content), sha256=sha256_bytes(content), local=local
    )
    return PlannedEntry(entry=entry, content=content)


def planned_link(path: str, target: str) -> PlannedEntry:
    """A symbolic link to the relative `target`."""
    return PlannedEntry(entry=TreeEntry(path=path, kind="link", target=target))


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkPlan:
    """All that linking makes in a layer, sorted by path, and what the user should know of it.

    ``offers`` tells what the layer's shared libraries mean to the layers above.
    """

    entries: tuple[PlannedEntry, ...]
    warnings: tuple[str, ...] = ()
    offers: Offers = field(default_factory=Offers)

    @property
    def manifest(self) -> TreeManifest:
        """The plan as the manifest of what it makes."""
        return TreeManifest(entries=tuple(planned.entry for planned in self.entries))


@dataclass(frozen=True, slots=True, kw_only=True)
class Linked:
    """What linking made in a layer, and what the layer's libraries mean to the layers above."""

    manifest: TreeManifest
    offers: Offers


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkModules:
    """A request's modules as they were read; ``launch`` is None for a layer without one."""

    launch: Module | None = None
    support: tuple[Module, ...] = ()

    @property
    def all(self) -> tuple[Module, ...]:
        """The launch module, then the support modules."""
        return (self.launch, *self.support) if self.launch else self.support
