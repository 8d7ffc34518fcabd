"""Reads what binaries say of themselves, whatever their format, and remembers it by content."""

from __future__ import annotations

import mmap
from collections.abc import Callable
from pathlib import Path

from venvstacks_dag.digest import canonical_json, parse_json
from venvstacks_dag.fs import disk_errors
from venvstacks_dag.link.facts import FileFacts, LibraryFacts
from venvstacks_dag.store import Store

# Given a file's SHA-256 and its path, so that answers can be remembered by content.
FactsReader = Callable[[str, Path], FileFacts]

# Raise the number when the same file would get other facts.
_KIND = "libraries-1"
_ELF = b"\x7fELF"
_PE = b"MZ"
_MACHO = (
    b"\xfe\xed\xfa\xce",
    b"\xce\xfa\xed\xfe",
    b"\xfe\xed\xfa\xcf",
    b"\xcf\xfa\xed\xfe",
    b"\xca\xfe\xba\xbe",
    b"\xca\xfe\xba\xbf",
)


def magic_of(path: Path) -> bytes:
    """The first bytes of a file that may be a binary by them, else b"". Raises `DiskError`."""
    with disk_errors("read", path), path.open("rb", buffering=0) as stream:
        magic = stream.read(4)
    return magic if magic == _ELF or magic in _MACHO or magic.startswith(_PE) else b""


def read_facts(_digest: str, path: Path) -> FileFacts:
    """The facts of the file at `path`, read anew; none if it is no library. Raises `DiskError`."""
    magic = magic_of(path)
    return _facts(path, magic) if magic else ()


def remembering(store: Store) -> FactsReader:
    """A reader that asks `store` first what a file with the same content said before."""

    def read(digest: str, path: Path) -> FileFacts:
        magic = magic_of(path)
        if not magic:
            return ()  # Reading four bytes is quicker than asking.
        known = _known(store, digest)
        if known is None:
            known = _facts(path, magic)
            store.keep(_KIND, digest, canonical_json([facts.as_json() for facts in known]))
        return known

    return read


def _known(store: Store, digest: str) -> FileFacts | None:
    data = store.cached(_KIND, digest)
    if data is None:
        return None
    try:
        return tuple(LibraryFacts.from_json(value) for value in parse_json(data))
    except (ValueError, TypeError, KeyError):
        return None


def _facts(path: Path, magic: bytes) -> FileFacts:
    with disk_errors("read", path), path.open("rb") as stream:
        image = mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ)
    with image:
        try:
            return _parsed(path, magic, image)
        except Exception:
            # The loader could not load such a file either, so nobody can depend on it.
            return ()


def _parsed(path: Path, magic: bytes, image: mmap.mmap) -> FileFacts:
    # Each of the libraries below takes a while to import, and most layers need but one.
    if magic == _ELF:
        from venvstacks_dag.link.elf import elf_facts  # noqa: PLC0415

        facts = elf_facts(image)
        return (facts,) if facts else ()
    if magic in _MACHO:
        from venvstacks_dag.link.macho import macho_facts  # noqa: PLC0415

        return tuple(macho_facts(image))
    from venvstacks_dag.link.pe import pe_facts  # noqa: PLC0415

    facts = pe_facts(path, image)
    return (facts,) if facts else ()
