"""Which stack is built, for what, and where everything about it lies."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from venvstacks_dag.platforms import PLATFORM_NAMES, host_platform

STATE = ".state"
# The stages whose outputs may have the platform in their names.
_TAGGED = ("archive", "build", "publish")
SPEC_NAME = "venvstacks.toml"
# In place of the names of all platforms.
ALL = "all"
_LAYERS = "layers"


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildSettings:
    """The folders of one build. All paths are absolute.

    ``platform`` is the platform that is built for. Locks lie beside the specification, since
    users commit them; trees, archives and exports lie where the user asks, by default beside it
    too. ``tag_outputs`` puts the platform into the names of archives and manifests. With
    ``offline`` no connection is ever opened; ``fetched`` are the platforms that wheels are fetched
    for ahead, where not for all. ``local_wheels`` are folders of wheels that locks may take before
    any other; without ``index`` no index is asked. As with mirrors, a lock stays good when they
    change.
    """

    spec: Path
    build_dir: Path
    output_dir: Path
    export_dir: Path
    platform: str
    tag_outputs: bool = False
    offline: bool = False
    fetched: tuple[str, ...] = ()
    local_wheels: tuple[Path, ...] = ()
    index: bool = True

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
        fetched: Iterable[str] = (),
        local_wheels: Iterable[str | os.PathLike[str]] = (),
        index: bool = True,
    ) -> BuildSettings:
        """The settings for `spec`, with venvstacks' default folders, for the host's platform.

        `spec` is a file, or the folder of one that has the usual name. The folders are relative
        to that of the specification. `fetched` are names of platforms, or "all". Raises
        `ValueError` for a name of none.
        """
        names = tuple(dict.fromkeys(name for name in fetched if name))
        if unknown := [name for name in names if name not in (*PLATFORM_NAMES, ALL)]:
            known = ", ".join((ALL, *PLATFORM_NAMES))
            raise ValueError(f"there is no platform {unknown[0]!r} (there are: {known})")
        # One folder has one name here, however the user came to it: paths are parts of keys.
        if spec.is_dir():
            spec = spec / SPEC_NAME
        spec = Path(os.path.realpath(spec.parent), spec.name)
        return cls(
            spec=spec,
            build_dir=Path(os.path.realpath(spec.parent / build_dir)),
            output_dir=Path(os.path.realpath(spec.parent / output_dir)),
            export_dir=Path(os.path.realpath(spec.parent / export_dir)),
            platform=host_platform(),
            tag_outputs=tag_outputs,
            offline=offline,
            fetched=() if ALL in names else names,
            local_wheels=tuple(
                Path(os.path.realpath(spec.parent / folder)) for folder in local_wheels
            ),
            index=index,
        )

    @property
    def tag(self) -> str | None:
        """The platform as part of the names of manifests; None where they are not tagged."""
        return self.platform if self.tag_outputs else None

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

    def tree(self, layer: str) -> Path:
        """A layer's environment."""
        return self.build_dir / layer

    def layer_state(self, layer: str) -> Path:
        """A layer's stamps, file lists and logs: apart, since a layer may have any name."""
        return self.build_dir.joinpath(STATE, _LAYERS, layer)

    def stamp(self, stage: str, layer: str) -> Path:
        """What a stage knows about its last good run on a layer.

        Tagged outputs lie beside those that are not, so there are stamps of both.
        """
        tag = "-tagged" if self.tag_outputs and stage in _TAGGED else ""
        # In one step: there are stamps by the ten thousands, and paths are slow to join.
        return self.build_dir.joinpath(STATE, _LAYERS, layer, f"{stage}{tag}.json")

    def manifest(self, stage: str, layer: str) -> Path:
        """The files that a stage made in a layer's tree."""
        return self.layer_state(layer) / f"{stage}.files.json"

    def log(self, stage: str, layer: str) -> Path:
        """The log of a stage's last run on a layer."""
        return self.layer_state(layer) / f"{stage}.log"
