"""The stack specification as frozen values: what `venvstacks.toml` says, checked and typed."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from pathlib import PurePath

from venvstacks_dag.fs import LinkMode
from venvstacks_dag.spec.kinds import LayerKind
from venvstacks_dag.spec.packing import NOTHING_SAID, PackingOptions


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerSpec:
    """What all layers have. ``key`` is the layer's place in the file, such as ``frameworks[0]``.

    ``platforms`` is None where the file does not say; an empty tuple switches the layer off.
    ``requirements`` are PEP 508 strings as written (they have been parsed once, so they are valid).
    ``musl`` is given where that is the C library on Linux, in place of glibc.
    ``line`` is the 1-based line of the layer's table in the file, ``lines`` has those of its
    fields, where known.
    """

    kind: LayerKind
    name: str
    env_name: str
    key: str
    requirements: tuple[str, ...] = ()
    platforms: tuple[str, ...] | None = None
    glibc: tuple[int, int] = (2, 28)
    macos: tuple[int, int] = (13, 0)
    musl: tuple[int, int] | None = None
    dynlib_exclude: tuple[str, ...] = ()
    package_indexes: tuple[tuple[str, str], ...] = ()
    index_overrides: tuple[tuple[str, str], ...] = ()
    priority_indexes: tuple[str, ...] = ()
    versioned: bool = False
    line: int | None = None
    lines: tuple[tuple[str, int], ...] = field(default=(), compare=False, repr=False)

    def line_of(self, name: str | None) -> int | None:
        """The line of a field, else of the layer."""
        return dict(self.lines).get(name or "", self.line)


@dataclass(frozen=True, slots=True, kw_only=True)
class RuntimeSpec(LayerSpec):
    """A base Python. ``python_implementation`` is as written, such as ``cpython@3.12.7``."""

    kind: LayerKind = "runtimes"
    python_implementation: str

    @property
    def uses_host_python(self) -> bool:
        """Whether the layer packs the interpreter that runs the build."""
        return self.python_implementation == "cpython@host"


@dataclass(frozen=True, slots=True, kw_only=True)
class LayeredSpec(LayerSpec):
    """A layer on top of others: ``runtime`` or ``frameworks`` is given, as base names, in order."""

    runtime: str | None = None
    frameworks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class FrameworkSpec(LayeredSpec):
    """Packages that several applications share."""

    kind: LayerKind = "frameworks"


@dataclass(frozen=True, slots=True, kw_only=True)
class ApplicationSpec(LayeredSpec):
    """A launch module with its packages. Paths are as written, relative to the specification."""

    kind: LayerKind = "applications"
    launch_module: str
    support_modules: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexSettings:
    """One ``[[tool.uv.index]]``. An explicit index serves only packages that name it."""

    name: str | None
    url: str
    default: bool = False
    explicit: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class UvSettings:
    """What ``[tool.uv]`` (or ``venvstacks.uv.toml``) says about where packages come from."""

    indexes: tuple[IndexSettings, ...] = ()
    sources: tuple[tuple[str, str], ...] = ()
    exclude_newer: datetime | None = None
    override_dependencies: tuple[str, ...] = ()
    constraint_dependencies: tuple[str, ...] = ()
    find_links: tuple[str, ...] = ()
    no_index: bool = False
    prerelease: str = "if-necessary-or-explicit"


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerOptions:
    """``[tool.venvstacks-dag.layers.<env>]``: what a layer changes in what packages require.

    ``exclude`` are names of packages that are left out although packages require them,
    ``overrides`` requirements that stand in for all others on the same package. Both may have
    markers (PEP 508); names are normalised. ``packing`` is for the layer's archives.
    """

    exclude: tuple[str, ...] = ()
    overrides: tuple[str, ...] = ()
    packing: PackingOptions = NOTHING_SAID


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolSettings:
    """``[tool.venvstacks-dag]``: what venvstacks itself does not know.

    ``runtime_archives`` is one place or several, each a folder, an address of one, or a single
    archive with ``#sha256=...`` behind it, as written. ``link_mode`` says how files of the store
    get into trees. ``layers`` has the options of single layers, by environment name. ``packing``
    is for all archives, ``targets`` for those of single platforms.
    """

    runtime_archives: str | tuple[str, ...] | None = None
    max_depth: int = 10
    link_mode: LinkMode = "auto"
    layers: tuple[tuple[str, LayerOptions], ...] = ()
    packing: PackingOptions = NOTHING_SAID
    targets: tuple[tuple[str, PackingOptions], ...] = ()

    def layer(self, env_name: str) -> LayerOptions:
        """The options of a layer."""
        return dict(self.layers).get(env_name) or LayerOptions()

    def packing_of(self, env_name: str, platform: str) -> PackingOptions:
        """How a layer is packed for a platform: the layer's word counts first, the stack's last."""
        target = dict(self.targets).get(platform) or PackingOptions()
        return self.layer(env_name).packing.over(target).over(self.packing)


@dataclass(frozen=True, slots=True, kw_only=True)
class StackSpec:
    """A whole specification. ``path`` is the absolute path of its file."""

    path: PurePath
    runtimes: tuple[RuntimeSpec, ...] = ()
    frameworks: tuple[FrameworkSpec, ...] = ()
    applications: tuple[ApplicationSpec, ...] = ()
    uv: UvSettings = field(default_factory=UvSettings)
    tool: ToolSettings = field(default_factory=ToolSettings)
    warnings: tuple[str, ...] = ()

    @property
    def layers(self) -> tuple[RuntimeSpec | FrameworkSpec | ApplicationSpec, ...]:
        """All layers in the order of the file: runtimes, frameworks, applications."""
        return (*self.runtimes, *self.frameworks, *self.applications)
