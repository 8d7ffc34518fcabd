"""The six platforms a layer can be built for, with the floor of each layer.

Nothing but `host_platform` asks the running machine anything.
"""

from __future__ import annotations

import platform
import re
import sys
from dataclasses import dataclass
from typing import Literal

OperatingSystem = Literal["linux", "macos", "windows"]
_SYSTEMS: dict[str, OperatingSystem] = {"linux": "linux", "macosx": "macos", "win": "windows"}

PLATFORM_NAMES: tuple[str, ...] = (
    "win_amd64",
    "win_arm64",
    "linux_x86_64",
    "linux_aarch64",
    "macosx_arm64",
    "macosx_x86_64",
)
DEFAULT_GLIBC = (2, 28)
DEFAULT_MUSL = (1, 2)
DEFAULT_MACOS = (13, 0)
_VERSION = re.compile(r"(\d{1,3})\.(\d{1,3})\Z", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetPlatform:
    """One platform, and the oldest system on it that a layer has to run on.

    ``glibc`` and ``musl`` count on Linux only, ``macos`` on macOS only; all as (major, minor).
    Where ``musl`` is given, that is the C library (as on Alpine Linux), and ``glibc`` is not used.
    """

    name: str
    glibc: tuple[int, int] = DEFAULT_GLIBC
    macos: tuple[int, int] = DEFAULT_MACOS
    musl: tuple[int, int] | None = None

    def __post_init__(self) -> None:
        if self.name not in PLATFORM_NAMES:
            raise ValueError(f"unknown platform {self.name!r}")

    @property
    def system(self) -> OperatingSystem:
        """``linux``, ``macos`` or ``windows``."""
        return _SYSTEMS[self.name.split("_", 1)[0]]

    @property
    def arch(self) -> str:
        """The machine as platform tags spell it: ``x86_64``, ``aarch64``, ``arm64``, ``amd64``."""
        return self.name.split("_", 1)[1]

    @property
    def uses_musl(self) -> bool:
        """Whether it is a Linux whose programs and wheels are made for musl."""
        return self.musl is not None and self.system == "linux"

    @property
    def shown(self) -> str:
        """The platform for messages, with its C library where that is not the usual one."""
        return f"{self.name} with musl" if self.uses_musl else self.name

    @property
    def is_windows(self) -> bool:
        """Whether Windows' folder names and launchers apply."""
        return self.system == "windows"

    def as_json(self) -> dict[str, object]:
        """The parts that matter for this platform, for keys and plans."""
        floor: dict[str, object] = {"name": self.name}
        if self.system == "linux" and self.musl is not None:
            floor["musl"] = list(self.musl)
        elif self.system == "linux":
            floor["glibc"] = list(self.glibc)
        if self.system == "macos":
            floor["macos"] = list(self.macos)
        return floor


def parse_linux_target(text: str) -> tuple[str, tuple[int, int]]:
    """``glibc@X.Y`` or ``musl@X.Y`` as the library and (X, Y); without a version, the usual one.

    Raises `ValueError` on anything else.
    """
    message = f"expected 'glibc', 'glibc@X.Y', 'musl' or 'musl@X.Y', not {text[:80]!r}"
    libc, _, version = text.partition("@")
    usual = {"glibc": DEFAULT_GLIBC, "musl": DEFAULT_MUSL}
    if libc not in usual:
        raise ValueError(message)
    return libc, usual[libc] if text == libc else _parse_version(version, message)


def parse_macosx_target(text: str) -> tuple[int, int]:
    """``13.0`` or ``13`` as (13, 0). Raises `ValueError` on anything else."""
    message = f"expected a macOS version such as '13.0', not {text[:80]!r}"
    return _parse_version(text if "." in text else f"{text}.0", message)


def _parse_version(text: str, message: str) -> tuple[int, int]:
    match = _VERSION.match(text)
    if match is None:
        raise ValueError(message)
    return int(match[1]), int(match[2])


def host_platform() -> str:
    """The platform that this process runs on. Raises `ValueError` if it is none of ours."""
    machine = platform.machine().lower()
    arm = machine in ("arm64", "aarch64")
    names = {
        "win32": "win_arm64" if arm else "win_amd64",
        "darwin": "macosx_arm64" if arm else "macosx_x86_64",
        "linux": "linux_aarch64" if arm else "linux_x86_64",
    }
    name = names.get(sys.platform)
    if name is None or not (arm or machine in ("x86_64", "amd64")):
        raise ValueError(f"no layers can be built for {sys.platform} on {machine}")
    return name
