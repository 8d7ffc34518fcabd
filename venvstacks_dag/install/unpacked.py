"""Wheels that are unpacked already: whether one is what a lock means, and what it says."""

from __future__ import annotations

from venvstacks_dag.errors import WheelRefused
from venvstacks_dag.fs import disk_errors
from venvstacks_dag.install.faults import WheelFault, printable, refused
from venvstacks_dag.install.metadata import read_name
from venvstacks_dag.store.model import Image, PinnedWheel


def check_pin(image: Image, pinned: PinnedWheel) -> None:
    """Raise `WheelRefused` unless `image` and the pin's file name are of what `pinned` names.

    Images are found by digest alone, and were checked against the pin that they were made for.
    Ask this at every use, since another lock may give that digest to another project.
    """
    try:
        pin = read_name(pinned)
    except WheelFault as fault:
        raise refused(pinned.filename, fault.rule) from fault
    has = dict(image.properties)
    name, version = has.get("name"), has.get("version")
    if (name, version) != (pin.name, str(pin.version)):
        raise WheelRefused(
            f"{printable(pinned.filename)} is not the wheel that the lock pins",
            where=str(image.folder),
            why=f"the lock gives {printable(pinned.name)} {pin.version} the sha256 "
            f"{pinned.sha256}, which is that of {f'{name} {version}' if name else 'no wheel'}",
            fix="find out where that lock came from, and lock the layer again",
        )


def read_metadata(image: Image) -> bytes:
    """METADATA of an unpacked wheel. Raises `DiskError`, `WheelRefused` where there is none."""
    path = f"{image.property('dist_info')}/METADATA"
    entry = next((each for each in image.entries if each.path == path), None)
    if entry is None:
        raise refused(path, "no METADATA in its image")
    with disk_errors("read", image.file(entry)):
        return image.file(entry).read_bytes()
