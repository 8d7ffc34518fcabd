"""A layer's manifest: what programs that fetch and deploy layers read (venvstacks' format)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from venvstacks_dag.archive.names import name_problem
from venvstacks_dag.digest import is_sha256
from venvstacks_dag.errors import PublishError

if TYPE_CHECKING:
    from venvstacks_dag.spec.kinds import LayerKind


@dataclass(frozen=True, slots=True, kw_only=True)
class SupportModule:
    """A support module that an application brings along, and its hash (formats.md, fact 2)."""

    name: str
    hash: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AppModules:
    """The modules of an application. ``launch_module`` is the name that ``-m`` is given."""

    launch_module: str
    launch_module_hash: str
    support_modules: tuple[SupportModule, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishedArchive:
    """A layer's archive as published. ``build`` counts the archives of one lock version from 1.

    ``toolchain`` names what decided on its bytes beside its content: format, level, the compressing
    library with its version, and the schema of each stage.
    """

    build: int
    name: str
    platform: str
    size: int
    sha256: str
    toolchain: tuple[tuple[str, str | int], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerManifest:
    """All that is published about a layer.

    ``requirements_hash`` and the hashes of modules have their algorithm in front
    (``sha256:...``); ``locked_at`` is an ISO 8601 time in UTC. ``runtime_layer`` and
    ``required_layers`` (frameworks by C3, nearest first; None for runtimes) are deployed names.
    ``archive`` is None for a layer that is exported without one. ``excluded_packages`` are what
    the layer leaves out on purpose on its platform, and ``overrides`` what it puts in place of
    packages' requirements: where there are none, programs see the manifests that they know.
    ``tree_digest`` is that of all files and links that an archive of the layer holds
    (`archive.tree_digest`); venvstacks' own manifests have none.

    Names become file names where layers are deployed, so each must be a plain one: anything else
    raises `PublishError`.
    """

    layer_name: str
    install_target: str
    requirements_hash: str
    lock_version: int
    locked_at: str
    runtime_layer: str
    python_implementation: str
    bound_to_implementation: bool
    required_layers: tuple[str, ...] | None = None
    app: AppModules | None = None
    archive: PublishedArchive | None = None
    excluded_packages: tuple[str, ...] = ()
    overrides: tuple[str, ...] = ()
    tree_digest: str | None = None

    def __post_init__(self) -> None:
        names = [self.layer_name, self.install_target, self.runtime_layer]
        names += self.required_layers or ()
        if self.archive is not None:
            names.append(self.archive.name)
            _check_archive(self.archive, self.layer_name)
        if self.tree_digest is not None and not is_sha256(self.tree_digest):
            why = f"{self.tree_digest[:80]!r} is not a SHA-256"
            raise PublishError(
                "a layer's files are not described rightly", layer=self.layer_name, why=why
            )
        for name in names:
            problem = name_problem(name) or ("it has a '/'" if "/" in name else None)
            if problem is not None:
                raise PublishError(
                    f"a layer's manifest holds a name that is no file name: {name!r}",
                    layer=self.layer_name if name != self.layer_name else None,
                    why=problem,
                )

    @property
    def category(self) -> LayerKind:
        """The part of the stack's manifest that lists the layer."""
        if self.app is not None:
            return "applications"
        return "runtimes" if self.required_layers is None else "frameworks"

    def as_json(self) -> dict[str, Any]:
        """The manifest as venvstacks writes it: what does not apply to a layer is not there."""
        value: dict[str, Any] = {
            "layer_name": self.layer_name,
            "install_target": self.install_target,
            "requirements_hash": self.requirements_hash,
            "lock_version": self.lock_version,
            "locked_at": self.locked_at,
            "runtime_layer": self.runtime_layer,
            "python_implementation": self.python_implementation,
            "bound_to_implementation": self.bound_to_implementation,
        }
        if self.required_layers is not None:
            value["required_layers"] = list(self.required_layers)
        if self.app is not None:
            value["app_launch_module"] = self.app.launch_module
            value["app_launch_module_hash"] = self.app.launch_module_hash
            if self.app.support_modules:
                value["app_support_modules"] = [
                    {"name": module.name, "hash": module.hash}
                    for module in self.app.support_modules
                ]
        if self.excluded_packages:
            value["excluded_packages"] = list(self.excluded_packages)
        if self.overrides:
            value["overrides"] = list(self.overrides)
        if self.archive is not None:
            value["archive_build"] = self.archive.build
            value["archive_name"] = self.archive.name
            value["target_platform"] = self.archive.platform
            value["archive_size"] = self.archive.size
            value["archive_hashes"] = {"sha256": self.archive.sha256}
            if self.archive.toolchain:
                value["archive_toolchain"] = dict(self.archive.toolchain)
        if self.tree_digest is not None:
            value["tree_digest"] = self.tree_digest
        return value

    @classmethod
    def from_json(cls, value: object) -> LayerManifest:
        """The manifest that `as_json` gave; keys that are not known are left to others.

        Raises `PublishError` where a key is missing or holds something else than it should.
        """
        reader = _Reader(value)
        return cls(
            layer_name=reader.text("layer_name"),
            install_target=reader.text("install_target"),
            requirements_hash=reader.text("requirements_hash"),
            lock_version=reader.count("lock_version"),
            locked_at=reader.text("locked_at"),
            runtime_layer=reader.text("runtime_layer"),
            python_implementation=reader.text("python_implementation"),
            bound_to_implementation=reader.flag("bound_to_implementation"),
            required_layers=reader.texts("required_layers"),
            app=_app(reader),
            archive=_archive(reader),
            excluded_packages=reader.texts("excluded_packages") or (),
            overrides=reader.texts("overrides") or (),
            tree_digest=reader.text("tree_digest") if reader.has("tree_digest") else None,
        )


def _check_archive(archive: PublishedArchive, layer: str) -> None:
    why = None
    if not is_sha256(archive.sha256):
        why = f"{archive.sha256[:80]!r} is not a SHA-256"
    elif archive.build < 1:
        why = f"archive_build is {archive.build}, but counts from 1"
    elif archive.size < 0:
        why = f"archive_size is {archive.size}"
    if why is not None:
        raise PublishError("a layer's archive is not described rightly", layer=layer, why=why)


def _app(reader: _Reader) -> AppModules | None:
    if not reader.has("app_launch_module"):
        return None
    modules = [_Reader(module) for module in reader.items("app_support_modules")]
    return AppModules(
        launch_module=reader.text("app_launch_module"),
        launch_module_hash=reader.text("app_launch_module_hash"),
        support_modules=tuple(
            SupportModule(name=module.text("name"), hash=module.text("hash")) for module in modules
        ),
    )


def _archive(reader: _Reader) -> PublishedArchive | None:
    if not reader.has("archive_name"):
        return None
    return PublishedArchive(
        build=reader.count("archive_build"),
        name=reader.text("archive_name"),
        platform=reader.text("target_platform"),
        size=reader.count("archive_size"),
        sha256=_Reader(reader.value("archive_hashes")).text("sha256"),
        toolchain=reader.pairs("archive_toolchain"),
    )


class _Reader:
    """Takes typed values out of parsed JSON, or says what is wrong with it."""

    def __init__(self, value: object) -> None:
        if not isinstance(value, Mapping):
            raise PublishError("a manifest holds something else where a JSON object belongs")
        self._value = value

    def has(self, key: str) -> bool:
        return key in self._value

    def value(self, key: str) -> object:
        if key not in self._value:
            raise PublishError(f"a layer's manifest lacks {key!r}", layer=self._layer)
        return self._value[key]

    def text(self, key: str) -> str:
        value = self.value(key)
        if not isinstance(value, str):
            raise self._wrong(key, "a text")
        return value

    def count(self, key: str) -> int:
        value = self.value(key)
        if not isinstance(value, int) or isinstance(value, bool):
            raise self._wrong(key, "a whole number")
        return value

    def flag(self, key: str) -> bool:
        value = self.value(key)
        if not isinstance(value, bool):
            raise self._wrong(key, "true or false")
        return value

    def texts(self, key: str) -> tuple[str, ...] | None:
        if not self.has(key):
            return None
        items = self.items(key)
        if not all(isinstance(item, str) for item in items):
            raise self._wrong(key, "a list of texts")
        return tuple(str(item) for item in items)

    def items(self, key: str) -> list[object]:
        value = self._value.get(key, [])
        if not isinstance(value, list):
            raise self._wrong(key, "a list")
        return value

    def pairs(self, key: str) -> tuple[tuple[str, str | int], ...]:
        value = self._value.get(key, {})
        if not isinstance(value, Mapping):
            raise self._wrong(key, "an object")
        if not all(isinstance(item, str | int) for item in value.values()):
            raise self._wrong(key, "an object of texts and numbers")
        return tuple((str(name), item) for name, item in value.items())

    def _wrong(self, key: str, expected: str) -> PublishError:
        return PublishError(f"in a layer's manifest, {key!r} must be {expected}", layer=self._layer)

    @property
    def _layer(self) -> str | None:
        name = self._value.get("layer_name")
        return name if isinstance(name, str) else None
