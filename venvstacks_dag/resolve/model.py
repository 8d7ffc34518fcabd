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
    asks for itself: messages name them.
    """

    env_name: str
    lock: LayerLock
    targets: tuple[TargetPlatform, ...] = ()
    requirements: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class LockRequest:
    """Everything that decides a layer's lock, beside what the indexes hold.

    ``requirements`` are PEP 508 strings; ``lower`` are the layers below, nearest first.
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
    constraints: tuple[str, ...] = ()
    exclude_newer: datetime | None = None
    prerelease: str = "if-necessary-or-explicit"
    preferences: tuple[tuple[NormalizedName, str], ...] = ()
    lock_folder: PurePath | None = None


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
