"""The three arrays of layer tables."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypedDict

from venvstacks_dag.spec.distinct import check_distinct, layer_name
from venvstacks_dag.spec.fields import Table
from venvstacks_dag.spec.findings import key_text
from venvstacks_dag.spec.kinds import LAYER_KINDS, LayerKind
from venvstacks_dag.spec.model import (
    ApplicationSpec,
    FrameworkSpec,
    RuntimeSpec,
)
from venvstacks_dag.spec.modules import ModuleReference, read_modules
from venvstacks_dag.spec.names import MAX_NAME_BYTES, env_name, name_faults
from venvstacks_dag.spec.references import Declared, read_references
from venvstacks_dag.spec.requirements import read_requirements
from venvstacks_dag.spec.targets import (
    read_linux_target,
    read_macosx_target,
    read_platforms,
    read_python_implementation,
)
from venvstacks_dag.spec.uv import check_index_name, read_package_indexes
from venvstacks_dag.spec.wording import quoted

_COMMON_FIELDS = (
    "name",
    "requirements",
    "platforms",
    "linux_target",
    "macosx_target",
    "dynlib_exclude",
    "package_indexes",
    "index_overrides",
    "priority_indexes",
    "versioned",
)
_FIELDS: Mapping[LayerKind, tuple[str, ...]] = {
    "runtimes": (*_COMMON_FIELDS, "python_implementation"),
    "frameworks": (*_COMMON_FIELDS, "runtime", "frameworks"),
    "applications": (
        *_COMMON_FIELDS,
        "runtime",
        "frameworks",
        "launch_module",
        "support_modules",
    ),
}
_DEPRECATED: Mapping[LayerKind, tuple[str, ...]] = {
    "runtimes": ("build_requirements", "fully_versioned_name"),
    "frameworks": ("build_requirements",),
    "applications": ("build_requirements",),
}


class _CommonFields(TypedDict):
    """What `LayerSpec` holds for every kind of layer."""

    name: str
    env_name: str
    key: str
    requirements: tuple[str, ...]
    platforms: tuple[str, ...] | None
    glibc: tuple[int, int]
    macos: tuple[int, int]
    musl: tuple[int, int] | None
    dynlib_exclude: tuple[str, ...]
    package_indexes: tuple[tuple[str, str], ...]
    index_overrides: tuple[tuple[str, str], ...]
    priority_indexes: tuple[str, ...]
    versioned: bool
    line: int | None
    lines: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Layers:
    """All layers of a file, and the modules that its applications name."""

    runtimes: tuple[RuntimeSpec, ...]
    frameworks: tuple[FrameworkSpec, ...]
    applications: tuple[ApplicationSpec, ...]
    modules: tuple[ModuleReference, ...]


def read_layers(document: Table, *, indexes: tuple[str, ...], macos: tuple[int, int]) -> Layers:
    """All layers of a specification, as far as they can be read; mistakes are noted.

    ``indexes`` are the names that index fields may use, ``macos`` the oldest macOS for layers
    that do not say.
    """
    reader = _Reader(document, indexes, macos)
    runtimes = [reader.runtime(table) for table in reader.tables["runtimes"]]
    frameworks = [
        reader.framework(table, place) for place, table in enumerate(reader.tables["frameworks"])
    ]
    applications = [reader.application(table) for table in reader.tables["applications"]]
    check_distinct(reader.tables)
    return Layers(
        runtimes=tuple(runtimes),
        frameworks=tuple(frameworks),
        applications=tuple(applications),
        modules=tuple(reader.modules),
    )


class _Reader:
    """Reads layer tables against what the rest of the file declares."""

    def __init__(self, document: Table, indexes: tuple[str, ...], macos: tuple[int, int]) -> None:
        self.modules: list[ModuleReference] = []
        self.tables = {
            kind: [_named(table, kind) for table in document.tables(kind)] for kind in LAYER_KINDS
        }
        frameworks: dict[str, int] = {}
        for place, table in enumerate(self.tables["frameworks"]):
            frameworks.setdefault(layer_name(table), place)
        self._declared = Declared(
            runtimes=frozenset(layer_name(table) for table in self.tables["runtimes"]),
            frameworks=frameworks,
            lists={layer_name(table): _listed(table) for table in self.tables["frameworks"]},
            applications=frozenset(layer_name(table) for table in self.tables["applications"]),
        )
        self._indexes = indexes
        self._macos = macos

    def runtime(self, table: Table) -> RuntimeSpec:
        """One of ``[[runtimes]]``."""
        common = self._common(table, "runtimes")
        implementation = read_python_implementation(table)
        return RuntimeSpec(**common, python_implementation=implementation or "")

    def framework(self, table: Table, place: int) -> FrameworkSpec:
        """One of ``[[frameworks]]``, the ``place``-th (from 0) in the file."""
        common = self._common(table, "frameworks")
        runtime, frameworks = read_references(table, self._declared, before=place)
        return FrameworkSpec(**common, runtime=runtime, frameworks=frameworks)

    def application(self, table: Table) -> ApplicationSpec:
        """One of ``[[applications]]``."""
        common = self._common(table, "applications")
        all_frameworks = len(self.tables["frameworks"])
        runtime, frameworks = read_references(table, self._declared, before=all_frameworks)
        modules = read_modules(table)
        self.modules += modules
        return ApplicationSpec(
            **common,
            runtime=runtime,
            frameworks=frameworks,
            launch_module="".join(module.text for module in modules if module.launches),
            support_modules=tuple(module.text for module in modules if not module.launches),
        )

    def _common(self, table: Table, kind: LayerKind) -> _CommonFields:
        _check_fields(table, kind)
        _check_name(table, kind)
        name = layer_name(table)
        glibc, musl = read_linux_target(table)
        return {
            "name": name,
            "env_name": env_name(kind, name),
            "key": key_text(table.path),
            "requirements": _read_layer_requirements(table),
            "platforms": read_platforms(table),
            "glibc": glibc,
            "musl": musl,
            "macos": read_macosx_target(table, self._macos),
            "dynlib_exclude": table.texts("dynlib_exclude"),
            "package_indexes": self._package_indexes(table),
            "index_overrides": self._index_overrides(table),
            "priority_indexes": self._priority_indexes(table),
            "versioned": table.flag("versioned"),
            "line": table.findings.line(table.path),
            "lines": tuple(
                (key, line)
                for key in table.values
                if (line := table.findings.line((*table.path, key))) is not None
            ),
        }

    def _package_indexes(self, table: Table) -> tuple[tuple[str, str], ...]:
        pairs = table.pairs("package_indexes")
        packages = table.table("package_indexes") if pairs else None
        return () if packages is None else read_package_indexes(packages, pairs, self._indexes)

    def _index_overrides(self, table: Table) -> tuple[tuple[str, str], ...]:
        pairs = table.pairs("index_overrides")
        overrides = table.table("index_overrides") if pairs else None
        if overrides is not None:
            for replaced, replacement in pairs:
                for name in (replaced, replacement):
                    check_index_name(overrides, replaced, name, self._indexes)
        return tuple(pairs)

    def _priority_indexes(self, table: Table) -> tuple[str, ...]:
        items = table.items("priority_indexes")
        for place, name in items:
            check_index_name(table, ("priority_indexes", place), name, self._indexes)
        return tuple(name for _, name in items)


def _named(table: Table, kind: LayerKind) -> Table:
    """The same table, its findings under the layer's name where it has one."""
    name = table.values.get("name")
    layer = None
    if isinstance(name, str) and name.isprintable() and 0 < len(name) <= MAX_NAME_BYTES:
        layer = env_name(kind, name)
    return Table(table.values, table.path, table.findings, layer=layer)


def _listed(table: Table) -> tuple[str, ...]:
    """What a framework's list holds of text: the rest is noted where the list is read."""
    listed = table.values.get("frameworks")
    return tuple(n for n in listed if isinstance(n, str)) if isinstance(listed, list) else ()


def _check_name(table: Table, kind: LayerKind) -> None:
    name = table.required_text("name", fix='write name = "..."')
    if name is None:
        return
    for message, fix in name_faults(kind, name):
        table.problem("name", message, fix=fix)
    if "@" in name:
        fix = "deployed versions are named like that: choose a name without '@'"
        table.warn("name", f"the name {quoted(name)} holds '@'", fix=fix)


def _check_fields(table: Table, kind: LayerKind) -> None:
    # Deprecated names are known but never suggested.
    current = {key: value for key, value in table.values.items() if key not in _DEPRECATED[kind]}
    Table(current, table.path, table.findings, layer=table.layer).refuse_unknown(_FIELDS[kind])
    if "build_requirements" in table:
        table.warn(
            "build_requirements", "this field is deprecated and has no effect", fix="remove it"
        )


def _read_layer_requirements(table: Table) -> tuple[str, ...]:
    if "requirements" not in table:
        fix = "write requirements = [] where there are none"
        table.problem("requirements", "the field 'requirements' is missing", fix=fix)
    return read_requirements(table, "requirements", direct=True)
