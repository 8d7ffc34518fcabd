"""Stamps: what a stage knows about its last good run.

A stamp names every input that decided the output (as named parts, so that a difference can be
told in words), what the output looks like, and facts for the stages above. It is written last,
by rename: no stamp, no output. Nothing in a stamp depends on when or by whom it was written.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from venvstacks_dag.digest import parse_json, pretty_json, sha256_json
from venvstacks_dag.fs import write_if_changed

Parts = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Stamp:
    """One stage's last good run on one layer.

    ``parts`` are the inputs by name (plain JSON values), ``facts`` what other stages read, and
    ``outputs`` fingerprints of what was made, for the stage's own look at whether it is intact.
    """

    stage: str
    layer: str
    parts: Parts
    facts: Mapping[str, Any]
    outputs: Mapping[str, Any]

    @property
    def key(self) -> str:
        """The digest of all inputs."""
        return sha256_json(self.parts)


def read_stamp(path: Path) -> Stamp | None:
    """The stamp in a file; None where there is none or it is damaged (the stage then runs)."""
    try:
        value = parse_json(path.read_bytes())
        return Stamp(**value)
    except (OSError, ValueError, TypeError):
        return None


def write_stamp(path: Path, stamp: Stamp) -> None:
    """Keep a stamp. Raises `DiskError`."""
    value = {
        "stage": stamp.stage,
        "layer": stamp.layer,
        "parts": stamp.parts,
        "facts": stamp.facts,
        "outputs": stamp.outputs,
    }
    write_if_changed(path, pretty_json(value))
