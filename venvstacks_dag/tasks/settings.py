"""Which stack is built, for what, and where everything about it lies."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from venvstacks_dag.platforms import PLATFORM_NAMES, host_platform
from venvstacks_dag.spec.packing import NOTHING_SAID, PackingOptions

STATE = ".state"
# The stages whose outputs may have the platform in their names.
_TAGGED = ("archive", "build", "publish")
# The stages that work for all platforms of a layer at once.
PLATFORMLESS = ("resolve", "fetch")
SPEC_NAME = "venvstacks.toml"
# In place of the names of all platforms.
ALL = "all"
_LAYERS = "layers"


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildSettings:
    """The folders of one build. All paths are absolute.

    ``platform`` is the platform that is built for, ``host`` the one that the build runs on, and
    ``targets`` all that this run builds for. Locks lie beside the specification, since users
    commit them; trees, archives and exports lie where the user asks, by default beside it too.
    ``tag_outputs`` puts the platform into the names of archives and manifests. With ``offline`` no
    connection is ever opened; ``fetched`` are the platforms that wheels are fetched for ahead,
    where not for all. ``local_wheels`` are folders of wheels that locks may take before any other;
    without ``index`` no index is asked. As with mirrors, a lock stays good when they change.
    ``packing`` is what is said of all archives, whatever the specification says.
    """

    spec: Path
    build_dir: Path
    output_dir: Path
    export_dir: Path
    platform: str
    host: str
    targets: tuple[str, ...]
    tag_outputs: bool = False
    offline: bool = False
    fetched: tuple[str, ...] = ()
    local_wheels: tuple[Path, ...] = ()
    index: bool = True
    packing: PackingOptions = NOTHING_SAID

    @classmethod
    def of(
        cls,
        spec: Path,
        *,
        build_dir: str | os.PathLike[str] = "_build",
        output_dir: str | os.PathLike[str] = "_artifacts",
        export_dir: str | os.PathLike[str] = "_export",
        tag_outputs: bool = False,
        offline: bool = False,
        targets: Iterable[str] = (),
        fetched: Iterable[str] = (),
        local_wheels: Iterable[str | os.PathLike[str]] = (),
        index: bool = True,
        packing: PackingOptions = NOTHING_SAID,
    ) -> BuildSettings:
        """The settings for `spec`, with venvstacks' default folders.

        `spec` is a file, or the folder of one that has the usual name. The folders are relative
        to that of the specification. `targets` (by default the host's platform) and `fetched` (by
        default all) are names of platforms, or "all". Where targets are named, outputs are tagged:
        archives of several platforms may lie in one folder. Raises `ValueError` for a name of none.
        """
        chosen, ahead = _platforms(targets), _platforms(fetched)
        host = host_platform()
        # One folder has one name here, however the user came to it: paths are parts of keys.
        if spec.is_dir():
            spec = spec / SPEC_NAME
        spec = Path(os.path.realpath(spec.parent), spec.name)
        return cls(
            spec=spec,
            build_dir=Path(os.path.realpath(spec.parent / build_dir)),
            output_dir=Path(os.path.realpath(spec.parent / output_dir)),
            export_dir=Path(os.path.realpath(spec.parent / export_dir)),
            platform=host,
            host=host,
            targets=chosen or (host,),
            tag_outputs=tag_outputs or bool(chosen),
            offline=offline,
            fetched=() if ahead == PLATFORM_NAMES else ahead,
            local_wheels=tuple(
                Path(os.path.realpath(spec.parent / folder)) for folder in local_wheels
            ),
            index=index,
            packing=packing,
        )

    def on(self, platform: str) -> BuildSettings:
        """The same build for another platform."""
        return replace(self, platform=platform)

    def also_for(self, platforms: Iterable[str]) -> BuildSettings:
        """The same build, for these platforms as well."""
        return replace(self, targets=tuple(dict.fromkeys((*self.targets, *platforms))))

    @property
    def is_host(self) -> bool:
        """Whether what is built can run on the machine that builds it."""
        return self.platform == self.host

    @property
    def target_option(self) -> str:
        """What commands that are proposed to the user need to work for this platform."""
        return "" if self.is_host else f"--target {self.platform} "

    @property
    def suffix(self) -> str:
        """What the names of tasks for this platform end with."""
        return "" if self.is_host else f"@{self.platform}"

    @property
    def tagged(self) -> bool:
        """Whether names of outputs have the platform in them: those for other platforms always."""
        return self.tag_outputs or not self.is_host

    def styles(self, stage: str) -> tuple[BuildSettings, ...]:
        """The same build in each way of naming what `stage` makes: plain, and tagged."""
        if stage not in _TAGGED or not self.is_host:
            return (self,)
        return replace(self, tag_outputs=False), replace(self, tag_outputs=True)

    @property
    def tag(self) -> str | None:
        """The platform as part of the names of manifests; None where they are not tagged."""
        return self.platform if self.tagged else None

    @property
    def state_dir(self) -> Path:
        """Stamps, logs and the task database: beside the trees, never inside them."""
        return self.build_dir / STATE

    @property
    def database(self) -> Path:
        """Doit's record of what it ran."""
        return self.state_dir / "doit.sqlite"

    @property
    def plan(self) -> Path:
        """The compiled plan."""
        return self.state_dir / "plan.json"

    @property
    def run_lock(self) -> Path:
        """The file whose lock a running build holds."""
        return self.state_dir / "run.lock"

    @property
    def lock_dir(self) -> Path:
        """Where the locks of all layers lie, one folder each."""
        return self.spec.parent / "requirements"

    def lock_folder(self, layer: str) -> Path:
        """The folder with a layer's lock, its metadata and its package list."""
        return self.lock_dir / layer

    @property
    def trees(self) -> Path:
        """Where the environments lie beside each other: those for other platforms apart."""
        return self.build_dir if self.is_host else self.build_dir / f"@{self.platform}"

    def tree(self, layer: str) -> Path:
        """A layer's environment."""
        return self.trees / layer

    def layer_state(self, layer: str) -> Path:
        """A layer's stamps, file lists and logs: apart, since a layer may have any name."""
        return self._state(layer, apart=not self.is_host)

    def _state(self, layer: str, *names: str, apart: bool) -> Path:
        # In one step: there are stamps by the ten thousands, and paths are slow to join.
        group = f"@{self.platform}" if apart else _LAYERS
        return self.build_dir.joinpath(STATE, group, layer, *names)

    def stamp(self, stage: str, layer: str) -> Path:
        """What a stage knows about its last good run on a layer.

        Tagged outputs lie beside those that are not, so there are stamps of both.
        """
        tag = "-tagged" if self.tagged and stage in _TAGGED else ""
        apart = not self.is_host and stage not in PLATFORMLESS
        return self._state(layer, f"{stage}{tag}.json", apart=apart)

    def manifest(self, stage: str, layer: str) -> Path:
        """The files that a stage made in a layer's tree."""
        return self.layer_state(layer) / f"{stage}.files.json"

    def log(self, stage: str, layer: str) -> Path:
        """The log of a stage's last run on a layer."""
        return self.stamp(stage, layer).with_name(f"{stage}.log")


def _platforms(names: Iterable[str]) -> tuple[str, ...]:
    """Platforms by their names, each once; "all" stands for all. Raises `ValueError`."""
    chosen = tuple(dict.fromkeys(known_platform(name) for name in names if name))
    return PLATFORM_NAMES if ALL in chosen else chosen


def known_platform(name: str) -> str:
    """The name, of a platform or "all". Raises `ValueError` for any other."""
    names = (ALL, *PLATFORM_NAMES)
    if name not in names:
        raise ValueError(f"there is no platform {name!r} (there are: {', '.join(names)})")
    return name
