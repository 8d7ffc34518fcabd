"""What ``python_implementation`` asks for."""

from __future__ import annotations

import re
from dataclasses import dataclass

from venvstacks_dag.errors import RuntimeUnavailable
from venvstacks_dag.platforms import PythonVersion
from venvstacks_dag.runtimes.model import RuntimeRequest

HOST_PYTHON = "cpython@host"
_VERSIONED = re.compile(r"(cpython|pypy)@(\d{1,4}(?:\.\d{1,4}){0,2})(t?)\Z", re.ASCII)
_EXAMPLES = f"such as cpython@3.12.7, cpython@3.12 (its newest micro version) or {HOST_PYTHON}"


@dataclass(frozen=True, slots=True, kw_only=True)
class WantedPython:
    """An implementation and the leading parts of a version; no parts at all mean the host's."""

    implementation: str
    parts: tuple[int, ...]

    @classmethod
    def of(cls, request: RuntimeRequest) -> WantedPython:
        """What `request` asks for. Raises `RuntimeUnavailable` where nobody could ever serve it."""
        text = request.python_implementation
        if text == HOST_PYTHON:
            return cls(implementation="cpython", parts=())
        match = _VERSIONED.match(text)
        if match is None:
            raise RuntimeUnavailable(
                f"{text!r} is not a Python that can be asked for",
                layer=request.layer,
                fix=f"write an implementation and a version, {_EXAMPLES}",
            )
        if match[3]:
            raise RuntimeUnavailable(
                f"{text}: layers on free-threaded Pythons are not supported",
                layer=request.layer,
                fix=f"ask for {text[:-1]}",
            )
        return cls(implementation=match[1], parts=tuple(int(part) for part in match[2].split(".")))

    def __str__(self) -> str:
        return ".".join(str(part) for part in self.parts) or "host"

    @property
    def is_host(self) -> bool:
        """Whether the interpreter that runs the build is asked for."""
        return not self.parts

    def matches(self, version: PythonVersion) -> bool:
        """Whether `version` is one of those that are asked for. Never so for the host's."""
        have = (version.major, version.minor, version.micro)
        return (
            not self.is_host
            and version.implementation == self.implementation
            and have[: len(self.parts)] == self.parts
        )

    def distance(self, version: PythonVersion) -> tuple[int, ...]:
        """How far `version` is off, for sorting what could be had instead: the nearest first."""
        have = (version.major, version.minor, version.micro)
        parts = (*self.parts, *have[len(self.parts) :])
        return tuple(abs(mine - theirs) for mine, theirs in zip(parts, have, strict=True))
