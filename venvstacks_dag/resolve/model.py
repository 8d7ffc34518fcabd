"""What a layer's lock is made from, and what it is."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import PurePath

from packaging.pylock import Pylock
from packaging.utils import NormalizedName

from venvstacks_dag.platforms import PythonVersion, TargetPlatform

# PEP 751 cannot say "comes from elsewhere": venvstacks uses a marker that never holds.
SHARED_CLAUSE = "sys_platform == 'from_lower_layer'"


@dataclass(frozen=True, slots=True, kw_only=True)
class LowerLayer:
    """A layer below the one being locked, with its own pins (what it installs itself).

    ``targets`` are the layer's own, with its own floors; where they are not given, the
    floors of the layer being locked are taken for them. ``requirements`` are what the layer
    asks for itself: messages name them, and they bring back what is left out below.
    ``below`` are the environment names of all layers under it; ``exclude`` and ``overrides`` are
    its own (`Amendments` tells what they mean for the layers above).
    """

    env_name: str
    lock: LayerLock
    targets: tuple[TargetPlatform, ...] = ()
    requirements: tuple[str, ...] = ()
    below: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    overrides: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class LockRequest:
    """Everything that decides a layer's lock, beside what the indexes hold.

    ``requirements`` are PEP 508 strings; ``lower`` are the layers below, nearest first.
    ``overrides`` are those of the whole stack; ``layer_overrides`` (which win over them) and
    ``exclude`` are the layer's own.
    ``preferences`` are pins that later answers should keep where they can.
    ``lock_folder`` is the absolute folder of the lock file, which the paths of local wheels
    are written relative to (without it they are absolute); it decides no version.
    """

    env_name: str
    requirements: tuple[str, ...]
    python: PythonVersion
    targets: tuple[TargetPlatform, ...]
    lower: tuple[LowerLayer, ...] = ()
    overrides: tuple[str, ...] = ()
    layer_overrides: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    constraints: tuple[str, ...] = ()
    exclude_newer: datetime | None = None
    prerelease: str = "if-necessary-or-explicit"
    preferences: tuple[tuple[NormalizedName, str], ...] = ()
    lock_folder: PurePath | None = None

    @property
    def is_amended(self) -> bool:
        """Whether this layer or one below has overrides or exclusions of its own."""
        amended = (self.layer_overrides, self.exclude)
        return any(amended) or any(lower.overrides or lower.exclude for lower in self.lower)


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerLock:
    """A layer's lock: a PEP 751 document, and the digest of the request it answers.

    ``input_digest`` is "" where the lock was read from a file: the digest is kept beside it.
    ``folder`` is the absolute folder that the relative paths of local wheels start from.
    """

    env_name: str
    pylock: Pylock
    input_digest: str
    folder: PurePath | None = None
