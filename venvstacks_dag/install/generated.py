"""What installing adds to each package: INSTALLER, REQUESTED, RECORD (PEP 376, PEP 627). Pure."""

from __future__ import annotations

import hashlib
import posixpath
from collections.abc import Iterator

from venvstacks_dag.install.plan import INSTALLER, RECORD, REQUESTED, PlannedImage
from venvstacks_dag.install.record import record_hash, write_record

_CONTENTS = {INSTALLER: b"venvstacks-dag\n", REQUESTED: b""}


def generated_files(planned: PlannedImage, site_packages: str) -> dict[str, bytes]:
    """The contents of what is written into a package's metadata folder, by place in the layer.

    RECORD lists what the package has on the disk, itself and files that it shares with others
    included, and so no scripts; its paths are the shortest that lead there from `site_packages`.
    """
    folder = f"{site_packages}/{planned.image.property('dist_info')}"
    files = {f"{folder}/{name}": _CONTENTS[name] for name in planned.generated if name != RECORD}
    own = f"{folder}/{RECORD}"
    inside = f"{site_packages}/"

    def rows() -> Iterator[tuple[str, str, str]]:
        for file in planned.files:
            yield file.place, record_hash(file.entry.sha256), str(file.entry.size)
        for place, data in files.items():
            yield place, record_hash(hashlib.sha256(data).hexdigest()), str(len(data))
        yield own, "", ""

    record = write_record(
        (
            place.removeprefix(inside)
            if place.startswith(inside)
            else posixpath.relpath(f"/{place}", f"/{site_packages}"),
            digest,
            size,
        )
        for place, digest, size in rows()
    )
    return {**files, own: record}
