"""``SHA256SUMS`` files, as GNU coreutils' ``sha256sum`` writes and checks them."""

from __future__ import annotations

import re

_LINE = re.compile(r"(?P<digest>[0-9A-Fa-f]{64}) [ *](?P<name>.+)\Z")


def parse_checksums(text: str) -> dict[str, str]:
    """Lower-case SHA-256 by file name.

    ``*`` marks binary mode and means nothing here; a leading ``./`` is taken off, as
    ``sha256sum ./*`` writes it. Raises `ValueError` that names the line: a line that is not
    understood may be the one that somebody relies on, and a file that has two digests has none.
    """
    digests: dict[str, str] = {}
    for number, line in enumerate(text.removeprefix("\ufeff").splitlines(), start=1):
        if not line.strip():
            continue
        match = _LINE.match(line)
        if match is None:
            raise ValueError(f"line {number} is not a SHA-256, two spaces and a file name")
        name, digest = match["name"].removeprefix("./"), match["digest"].lower()
        if digests.setdefault(name, digest) != digest:
            raise ValueError(f"line {number} gives {name} another digest than a line before")
    return digests
