"""What is in which layer, as frozen values."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from venvstacks_dag.spec.kinds import LayerKind
from venvstacks_dag.store import PinnedWheel


@dataclass(frozen=True, slots=True, kw_only=True)
class SharedPackage:
    """A package that a layer needs and that ``source``, the nearest layer with it, installs.

    ``source`` is None where no layer below has it: the lock is older than those below.
    """

    version: str
    source: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PlatformContents:
    """A layer on one platform: what it installs and what it shares, by package name.

    ``environment`` holds the values of the markers (PEP 508) there.
    """

    own: Mapping[str, PinnedWheel] = field(default_factory=dict)
    shared: Mapping[str, SharedPackage] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict)

    @property
    def size(self) -> int:
        """The bytes of its wheels, as far as the lock tells them."""
        return sum(wheel_size(wheel) for wheel in self.own.values())

    @property
    def unsized(self) -> int:
        """How many of its wheels have a size that the lock does not tell."""
        return sum(wheel.size is None for wheel in self.own.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerContents:
    """One layer. ``below`` is its import order after itself, ``direct`` what it is put on.

    ``exclude`` and ``overrides`` are how it amends what packages require.
    ``level`` is the length of the longest chain of layers below it, ``depth`` the number of all
    of them and itself. ``platforms`` is empty, and ``problem`` says why, where no lock is to be
    had that fits the specification.
    """

    name: str
    kind: LayerKind
    direct: tuple[str, ...] = ()
    below: tuple[str, ...] = ()
    level: int = 0
    requirements: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    overrides: tuple[str, ...] = ()
    platform_names: tuple[str, ...] = ()
    platforms: Mapping[str, PlatformContents] = field(default_factory=dict)
    problem: str | None = None

    @property
    def depth(self) -> int:
        """How many layers are under an interpreter of this one, itself included."""
        return len(self.below) + 1

    @property
    def size(self) -> int:
        """The bytes of its wheels on the platform where these are most."""
        return max((contents.size for contents in self.platforms.values()), default=0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Inventory:
    """All layers by name, in build order.

    ``overrides`` are requirements that replace others in the whole stack.
    """

    stack: str
    layers: Mapping[str, LayerContents]
    overrides: tuple[str, ...] = ()

    @property
    def platforms(self) -> tuple[str, ...]:
        """The platforms that any layer is meant for."""
        return tuple(
            dict.fromkeys(
                platform for layer in self.layers.values() for platform in layer.platform_names
            )
        )

    @property
    def packages(self) -> tuple[str, ...]:
        """The names of all packages that any layer installs or shares."""
        return tuple(sorted({name for _, contents in self._all() for name in _names(contents)}))

    @property
    def unlocked(self) -> tuple[LayerContents, ...]:
        """The layers of which nothing is known."""
        return tuple(layer for layer in self.layers.values() if layer.problem is not None)

    def holder(self, layer: str, platform: str, package: str) -> str | None:
        """The layer whose copy of a package is imported in `layer`: the first in its order."""
        for name in (layer, *self.layers[layer].below):
            contents = self.layers[name].platforms.get(platform)
            if contents is not None and package in contents.own:
                return name
        return None

    def _all(self) -> Iterator[tuple[LayerContents, PlatformContents]]:
        for layer in self.layers.values():
            for contents in layer.platforms.values():
                yield layer, contents


def _names(contents: PlatformContents) -> Iterable[str]:
    yield from contents.own
    yield from contents.shared


def wheel_size(wheel: PinnedWheel) -> int:
    """A wheel's bytes; 0 where the lock does not tell them."""
    return wheel.size or 0
