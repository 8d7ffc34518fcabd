"""What a build may do, and must: written from the rules, knowing nothing of how stages decide.

A task has to run where what its output depends on is not what it was when the task last ended
well, or where its output was damaged; any other task must not run. What outputs depend on is
computed here from the sources and from what the locks hold in the end. Pure.

The rules are those that the project promises (docs/explanation/exactness.md): a launch module
concerns its application alone; what a lower layer brings and an upper one does not use is none
of its business; a lock that pins what it pinned rebuilds nothing; an option concerns the stages
that read it; where a folder lies concerns only what holds its path.
"""

from __future__ import annotations

import fnmatch
import hashlib
import json
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import PurePosixPath
from typing import Any

from packaging.markers import Marker
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

Basis = str
STAGES = ("resolve", "install", "link", "archive", "build")
KINDS = {"runtimes": "", "frameworks": "framework-", "applications": "app-"}
PUBLISH = "publish"
_ALL_PLATFORMS = (
    "win_amd64", "win_arm64", "linux_x86_64", "linux_aarch64", "macosx_arm64", "macosx_x86_64",
)  # fmt: skip
_LEVELS = {
    "tar.zst": {"fast": 8, "release": 19},
    "tar.xz": {"fast": 1, "release": 6},
    "tar.gz": {"fast": 6, "release": 9},
    "zip": {"fast": 6, "release": 9},
    "tar": {"fast": 0, "release": 0},
}
_UV_DEFAULTS: Mapping[str, Any] = {
    "index": [],
    "sources": {},
    "override-dependencies": [],
    "constraint-dependencies": [],
    "find-links": [],
    "no-index": False,
    "prerelease": "if-necessary-or-explicit",
    "exclude-newer": None,
}


@dataclass(frozen=True, kw_only=True)
class Options:
    """What is said on the command line; None where nothing is."""

    format: str | None = None
    profile: str | None = None
    level: int | None = None
    tagged: bool = False


@dataclass(frozen=True, kw_only=True)
class File:
    """A file of the sources."""

    text: str
    executable: bool = False

    @property
    def digest(self) -> str:
        """Of what it holds."""
        return hashlib.sha256(self.text.encode()).hexdigest()


@dataclass(frozen=True, kw_only=True)
class Sources:
    """All that a user may edit but the locks, and where the project lies.

    ``spec`` is the specification as data, ``files`` the modules by path; ``runtimes`` has the
    digest of the runtime there is of each version, ``libraries`` the shared libraries in wheels.
    ``schemas`` are those of stages that another version of the tool has changed.
    """

    spec: Mapping[str, Any]
    files: Mapping[str, File]
    options: Options
    folder: str
    host: str
    runtimes: Mapping[str, str]
    libraries: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    schemas: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Lock:
    """A lock with its companions, as they lie on the disk."""

    text: str
    about: Mapping[str, Any]

    @cached_property
    def data(self) -> dict[str, Any]:
        """What the lock holds: comments and layout play no part."""
        return tomllib.loads(self.text)

    @property
    def content(self) -> Basis:
        """All that it says."""
        return _digest(self.data)

    @cached_property
    def own(self) -> list[dict[str, Any]]:
        """The packages that the layer has itself."""
        packages: list[dict[str, Any]] = self.data.get("packages", [])
        return [each for each in packages if "from_lower_layer" not in each.get("marker", "")]

    @cached_property
    def here(self) -> list[dict[str, Any]]:
        """Those that are installed on the machine that builds."""
        return [
            each for each in self.own if "marker" not in each or Marker(each["marker"]).evaluate()
        ]


@dataclass(frozen=True, kw_only=True)
class Layer:
    """A layer of a specification; ``below`` are those that it lies on, nearest first."""

    name: str
    kind: str
    table: Mapping[str, Any]
    below: tuple[str, ...]
    platforms: frozenset[str]

    @property
    def modules(self) -> tuple[str, ...]:
        """The paths of an application's modules, the one that is launched first."""
        if self.kind != "applications":
            return ()
        return (self.table["launch_module"], *self.table.get("support_modules", ()))


def layers_of(spec: Mapping[str, Any]) -> dict[str, Layer]:
    """The layers by name, in the order of the specification.

    Raises `KeyError` or `ValueError` for one that would be refused.
    """
    found: dict[str, Layer] = {}
    for kind, prefix in KINDS.items():
        for table in spec.get(kind, ()):
            below = _below(table, found)
            usual = frozenset(_ALL_PLATFORMS)
            for name in below:
                usual &= found[name].platforms
            platforms = frozenset(table.get("platforms", usual))
            if not platforms <= usual:
                raise ValueError("a platform that a layer below does not have")
            name = prefix + table["name"]
            found[name] = Layer(name=name, kind=kind, table=table, below=below, platforms=platforms)
    return found


def _below(table: Mapping[str, Any], found: Mapping[str, Layer]) -> tuple[str, ...]:
    if "runtime" in table:
        return (table["runtime"],)
    names = [f"framework-{name}" for name in table.get("frameworks", ())]
    return _merged([[name, *found[name].below] for name in names] + [names])


def _merged(lists: list[list[str]]) -> tuple[str, ...]:
    """C3: the first head that is in no tail, again and again."""
    lists = [list(each) for each in lists if each]
    merged: list[str] = []
    while lists:
        heads = [each[0] for each in lists]
        free = [head for head in heads if not any(head in other[1:] for other in lists)]
        if not free:
            raise ValueError("the orders contradict each other")
        merged.append(free[0])
        lists = [rest for each in lists if (rest := [name for name in each if name != free[0]])]
    return tuple(merged)


def needed_for(spec: Mapping[str, Any], stage: str, layer: str) -> tuple[str, ...]:
    """A task with all that it needs, in the order of stages."""
    layers = layers_of(spec)
    below = layers[layer].below
    runtime = below[-1:]
    reached = {
        "install": {"resolve": (layer, *below), "install": (layer, *runtime)},
        "link": {"resolve": (layer, *below), "install": (layer, *below), "link": (layer, *below)},
    }
    reached["archive"] = {**reached["link"], "archive": (layer,)}
    reached["build"] = {
        **reached["link"], "archive": (layer, *below), "build": (layer, *below)
    }  # fmt: skip
    return tuple(f"{name}:{each}" for name, of in reached[stage].items() for each in of)


def tasks_of(spec: Mapping[str, Any], host: str) -> tuple[str, ...]:
    """All tasks of a whole build, those first that others need."""
    layers = layers_of(spec)
    locked = [f"resolve:{name}" for name, layer in layers.items() if layer.platforms]
    built = [name for name, layer in layers.items() if host in layer.platforms]
    return (*locked, *(f"{stage}:{name}" for stage in STAGES[1:] for name in built), PUBLISH)


class Model:
    """What each task's output depends on, for sources and the locks that a build left.

    `numbers` are those that manifests give their archives. They count how often an archive was
    made anew, which is history: of that, too, the model is only told.
    """

    def __init__(
        self, sources: Sources, locks: Mapping[str, Lock], numbers: Mapping[str, int]
    ) -> None:
        self.sources = sources
        self.locks = locks
        self.numbers = numbers
        self.layers = layers_of(sources.spec)
        self._known: dict[str, Basis] = {}

    def basis(self, task: str) -> Basis | None:
        """What the task's output depends on; None where its layers are not locked."""
        if task not in self._known:
            stage, _, layer = task.partition(":")
            try:
                value = getattr(self, f"_{stage}")(*([self.layers[layer]] if layer else []))
            except KeyError:
                return None
            self._known[task] = _digest([value, self.sources.schemas.get(stage)])
        return self._known[task]

    # --- one stage each ---------------------------------------------------------------

    def _resolve(self, layer: Layer) -> Any:
        below = [self.layers[name] for name in layer.below]
        amended = any(self._tool(each, "exclude") for each in below)
        changed = any(self._tool(each, "overrides") for each in below)
        versioned = bool(layer.table.get("versioned"))
        return {
            "requirements": layer.table["requirements"],
            "targets": self._targets(layer),
            "targets below": [self._targets(each) for each in below],
            "python": self._python(layer),
            "locks below": [[name, self.locks[name].content] for name in layer.below],
            "left out": [[self._tool(each, "exclude") for each in (layer, *below)]],
            "overridden": [[self._tool(each, "overrides") for each in (layer, *below)]],
            "lying below": [each.below for each in below] if changed else [],
            "asked below": [each.table["requirements"] for each in below] if amended else [],
            "uv": self._uv(),
            "bound": {
                package: index
                for each in (*reversed(below), layer)
                for package, index in each.table.get("package_indexes", {}).items()
            },
            "first": layer.table.get("priority_indexes", []),
            "versioned": versioned,
            "counted": self._module_bytes(layer) if versioned else {},
        }

    def _install(self, layer: Layer) -> Any:
        lock = self.locks[layer.name]
        pins = {each["name"]: [each["version"], _wheels(each)] for each in lock.here}
        asked = {canonicalize_name(Requirement(text).name) for text in layer.table["requirements"]}
        return {
            "pins": pins,
            # PEP 376: a package that was asked for by name is marked so.
            "asked for": sorted(asked & pins.keys()),
            "python": self._runtime(layer) if layer.kind == "runtimes" else self._abi(layer),
        }

    def _link(self, layer: Layer) -> Any:
        return {
            "shipped": self._linked(layer),
            # What is not shipped, and what only decides what is.
            "folder": self.sources.folder,
            "excluded": layer.table.get("dynlib_exclude", []),
            "target": self._target(layer),
        }

    def _archive(self, layer: Layer) -> Any:
        return {
            "shipped": self._linked(layer),
            "name": self._target(layer),
            "time": max(
                (
                    str(wheel["upload-time"])
                    for each in self.locks[layer.name].own
                    for wheel in each.get("wheels", ())
                    if "upload-time" in wheel
                ),
                default=None,
            ),
            **self._packing(layer),
        }

    def _build(self, layer: Layer) -> Any:
        about = self.locks[layer.name].about
        return {
            "archive": self._archive(layer),
            "number": self.numbers.get(layer.name),
            # Manifests tell by which versions of the stages archives are made.
            "tool": [self.sources.schemas.get(name) for name in ("install", "link", "archive")],
            "lock": [about[key] for key in ("requirements_hash", "lock_version", "locked_at")],
            "python": self._python(layer),
            "below": [self._target(self.layers[name]) for name in layer.below],
            "left out": [
                text
                for text in self._tool(layer, "exclude")
                if (marker := Requirement(text).marker) is None or marker.evaluate()
            ],
            "overridden": self._tool(layer, "overrides"),
            "support": [PurePosixPath(path).name for path in sorted(layer.modules[1:])],
            "origins": {
                each["name"]: [each.get("index"), [wheel.get("url") for wheel in each["wheels"]]]
                for each in self.locks[layer.name].here
            },
        }

    def _publish(self) -> Any:
        built = [each for each in self.layers.values() if self.sources.host in each.platforms]
        return {
            "layers": [[each.name, self._build(each)] for each in built],
            "locks": {each.name: self.locks[each.name].content for each in built},
        }

    # --- what stages have in common ---------------------------------------------------

    def _linked(self, layer: Layer) -> Any:
        """What of a layer is shipped."""
        below = [self.layers[name] for name in layer.below]
        return {
            "tree": self._install(layer),
            "below": [[self._target(each), bool(self._offered(each))] for each in below],
            "python": self._python(layer),
            "libraries": self._offered(layer),
            "modules": self._module_files(layer),
            "launched": PurePosixPath(layer.modules[0]).name if layer.modules else None,
        }

    def _offered(self, layer: Layer) -> list[str]:
        excluded = layer.table.get("dynlib_exclude", [])
        return sorted(
            library
            for pin in self.locks[layer.name].here
            for wheel in pin.get("wheels", ())
            for library in self.sources.libraries.get(_file_name(wheel), ())
            if not any(fnmatch.fnmatch(library, pattern) for pattern in excluded)
        )

    def _module_files(self, layer: Layer) -> dict[str, Any]:
        """All files of a layer's modules, by where they are put."""
        return {
            str(PurePosixPath(path).relative_to(PurePosixPath(module).parent)): [
                file.digest,
                file.executable,
            ]
            for module in layer.modules
            for path, file in self.sources.files.items()
            if path == module or path.startswith(f"{module}/")
        }

    def _module_bytes(self, layer: Layer) -> dict[str, str]:
        return {name: file[0] for name, file in self._module_files(layer).items()}

    def _runtime_of(self, layer: Layer) -> Layer:
        return self.layers[layer.below[-1]] if layer.below else layer

    def _python(self, layer: Layer) -> str:
        """The exact Python: of those that an implementation names, the one that was locked."""
        return str(self.locks[self._runtime_of(layer).name].about["python"])

    def _abi(self, layer: Layer) -> str:
        return self._python(layer).rpartition(".")[0]

    def _runtime(self, layer: Layer) -> str:
        return self.sources.runtimes[self._python(layer).partition("@")[2]]

    def _target(self, layer: Layer) -> str:
        """The name that a layer is deployed by."""
        if not layer.table.get("versioned"):
            return layer.name
        return f"{layer.name}@{self.locks[layer.name].about['lock_version']}"

    def _targets(self, layer: Layer) -> list[Any]:
        libc = layer.table.get("linux_target", "glibc@2.28")
        return [
            [name, libc if name.startswith("linux") else ""] for name in sorted(layer.platforms)
        ]

    def _tool(self, layer: Layer, name: str) -> list[str]:
        own = self._said.get("layers", {}).get(layer.name, {})
        found: list[str] = own.get(name, [])
        return found

    @property
    def _said(self) -> Mapping[str, Any]:
        said: Mapping[str, Any] = self.sources.spec.get("tool", {}).get("venvstacks-dag", {})
        return said

    def _uv(self) -> dict[str, Any]:
        said = self.sources.spec.get("tool", {}).get("uv", {})
        indexes = [
            {"name": None, "default": False, "explicit": False, **index}
            for index in said.get("index", ())
        ]
        return {**_UV_DEFAULTS, **said, "index": indexes}

    def _packing(self, layer: Layer) -> dict[str, Any]:
        """How a layer is packed: the command line counts most, then the layer, then all."""
        host = self.sources.host
        told = self.sources.options
        places = (
            {"format": told.format, "profile": told.profile, "level": told.level},
            _packing_in(self._said.get("layers", {}).get(layer.name, {})),
            _packing_in(self._said.get("targets", {}).get(host, {})),
            _packing_in(self._said),
        )
        found: dict[str, Any] = {"format": None, "profile": None, "level": None}
        for place in reversed(places):
            # A level is one of a format: another format's would mean something else.
            if place["format"] not in (None, found["format"]):
                found["level"] = None
            found |= {name: value for name, value in place.items() if value is not None}
        name, profile = found["format"] or "tar.zst", found["profile"] or "fast"
        level = _LEVELS[name][profile] if found["level"] is None else found["level"]
        return {"format": name, "level": level, "tagged": told.tagged}


def _packing_in(table: Mapping[str, Any]) -> dict[str, Any]:
    return {name: table.get(f"archive_{name}") for name in ("format", "profile", "level")}


def _wheels(package: Mapping[str, Any]) -> list[str]:
    return sorted(wheel["hashes"]["sha256"] for wheel in package.get("wheels", ()))


def _file_name(wheel: Mapping[str, Any]) -> str:
    return PurePosixPath(wheel.get("name") or wheel.get("path") or wheel["url"]).name


def _digest(value: Any) -> Basis:
    return hashlib.sha256(json.dumps(value, sort_keys=True, default=str).encode()).hexdigest()


# --- which tasks run --------------------------------------------------------------------


@dataclass(kw_only=True)
class Memory:
    """What is known of each task's last good run, and what has been damaged since.

    ``runs`` has what the output depended on; a task that is not in it has no output that counts.
    Tasks whose outputs have the platform in their names go by names of their own. Of those in
    ``unsure``, an input was edited while they ran: they may run again or not.
    """

    runs: dict[str, Basis] = field(default_factory=dict)
    damaged: set[str] = field(default_factory=set)
    unsure: set[str] = field(default_factory=set)

    def ended(self, task: str, basis: Basis) -> None:
        """A task has ended well. A tree that was made anew has nothing of what was linked."""
        self.runs[task] = basis
        self.damaged.discard(task)
        self.unsure.discard(task)
        if task.startswith("install:"):
            self.damaged.add(task.replace("install", "link", 1))

    def lost(self, task: str) -> None:
        """A task was stopped in the middle, or its record is gone."""
        self.runs.pop(task, None)
        self.unsure.discard(task)


def remembered_as(task: str, *, tagged: bool) -> str:
    """The name by which a task's last good run is known."""
    has_tag = task.partition(":")[0] in ("archive", "build", PUBLISH)
    return f"{task} (tagged)" if tagged and has_tag else task


def must_run(model: Model, memory: Memory, tasks: Iterable[str]) -> set[str]:
    """The tasks that have to run, which are all that may."""
    stale = set()
    for task in tasks:
        name = remembered_as(task, tagged=model.sources.options.tagged)
        basis = model.basis(task)
        if name in memory.damaged or basis is None or memory.runs.get(name) != basis:
            stale.add(task)
    # A tree that is made anew has nothing of what linking had put into it.
    anew = {task.replace("install", "link", 1) for task in stale if task.startswith("install:")}
    return stale | (anew & set(tasks))
