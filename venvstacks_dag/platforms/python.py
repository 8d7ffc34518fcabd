"""Python versions, as runtimes have them and as layers are locked for."""

from __future__ import annotations

import re
from dataclasses import dataclass

_EXACT = re.compile(r"(cpython|pypy)@(\d+)\.(\d+)\.(\d+)\Z", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class PythonVersion:
    """An exact interpreter: implementation (``cpython`` or ``pypy``) and X.Y.Z."""

    implementation: str = "cpython"
    major: int
    minor: int
    micro: int

    @classmethod
    def parse(cls, text: str) -> PythonVersion:
        """``cpython@3.12.7`` as a version. Raises `ValueError` on anything else."""
        match = _EXACT.match(text)
        if match is None:
            raise ValueError(f"expected an exact version such as 'cpython@3.12.7', not {text!r}")
        return cls(
            implementation=match[1], major=int(match[2]), minor=int(match[3]), micro=int(match[4])
        )

    @property
    def full(self) -> str:
        """``3.12.7``"""
        return f"{self.major}.{self.minor}.{self.micro}"

    @property
    def short(self) -> str:
        """``3.12``"""
        return f"{self.major}.{self.minor}"

    @property
    def short_tuple(self) -> tuple[int, int]:
        """``(3, 12)``"""
        return self.major, self.minor

    @property
    def nodot(self) -> str:
        """``312``"""
        return f"{self.major}{self.minor}"

    def __str__(self) -> str:
        return f"{self.implementation}@{self.full}"
