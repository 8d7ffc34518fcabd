"""What a user may set about where base runtimes come from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from venvstacks_dag.errors import RuntimeUnavailable
from venvstacks_dag.net import redact
from venvstacks_dag.runtimes.locations import ArchiveLocation, parse_location

ARCHIVES_VARIABLE = "VENVSTACKS_DAG_RUNTIMES"
ARCHIVES_KEY = "[tool.venvstacks-dag] runtime_archives"
PBS_VARIABLE = "PBS_INSTALLER_BASE_URL"


class NamesArchives(Protocol):
    """What says where archives are: the specification's settings, or the plan made of them."""

    @property
    def runtime_archives(self) -> str | tuple[str, ...] | None:
        """One place or several, as they were written."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RuntimeSettings:
    """Where to look for runtimes. ``archives`` are asked in their order, before the network.

    ``pbs_base_url`` is a mirror that holds python-build-standalone's files side by side.
    """

    archives: tuple[ArchiveLocation, ...] = ()
    pbs_base_url: str | None = None

    @classmethod
    def of(
        cls, spec_tool: NamesArchives, base: Path, environ: Mapping[str, str]
    ) -> RuntimeSettings:
        """The settings of a specification in the folder `base`, as the environment amends them.

        The environment's folder takes the place of the specification's, it does not add to it:
        what an offline site names is all that is asked. Its relative paths start at the working
        folder. Raises `RuntimeUnavailable` where a location makes no sense.
        """
        named = environ.get(ARCHIVES_VARIABLE)
        if named:
            archives: tuple[ArchiveLocation, ...] = (
                _location(named, Path.cwd(), ARCHIVES_VARIABLE),
            )
        else:
            written = spec_tool.runtime_archives or ()
            texts = (written,) if isinstance(written, str) else written
            archives = tuple(_location(text, base, ARCHIVES_KEY) for text in texts)
        return cls(archives=archives, pbs_base_url=environ.get(PBS_VARIABLE) or None)


def _location(text: str, base: Path, where: str) -> ArchiveLocation:
    try:
        return parse_location(text, base)
    except ValueError as error:
        raise RuntimeUnavailable(
            f"{redact(text)!r} is no place for runtime archives",
            where=where,
            why=str(error),
            fix="name a folder or an https:// address that holds archives and SHA256SUMS, "
            "or one archive followed by '#sha256=' and its digest",
        ) from error
