"""Which files of a layer are shared libraries, and which of these are for other layers at all.

What a file is decides, not what it is called. An extension module is no library: Python finds it
by `sys.path`, and nothing else loads it.
"""

from __future__ import annotations

import re

from venvstacks_dag.fs import TreeEntry, TreeManifest
from venvstacks_dag.link.facts import FactsByDigest, facts_for
from venvstacks_dag.link.lookup import Binary
from venvstacks_dag.platforms import LayerLayout, TargetPlatform

# Suffixes that only extension modules have (PEP 3149; PEP 384 for the stable ABI; PyPy's own).
_EXTENSION = re.compile(r"(\.(cpython-[^./]+|abi3t?|pypy\d+-[^./]+)\.so|\.pyd)\Z")
# No binary is smaller than its headers.
_SMALLEST = 64
# What most files of a layer are by their name: they are not opened to see that they are that.
_TEXT_NAMES = """
py pyi pyx pxd pxi pyc c cc cpp cxx h hh hpp hxx cu cuh inl f f90 rs js mjs ts tsx jsx css scss
html htm json jsonl xml xsl svg md rst txt csv tsv toml yaml yml cfg ini conf in cmake pc map
ipynb tmpl j2 jinja template mo po pot typed png gif jpg jpeg ico webp ttf otf woff woff2 eot
npy npz zip gz bz2 xz zst whl jar pdf wav mat pkl hdf5 h5 parquet arrow sql tcl tex sh bat ps1
license
"""
_TEXT = frozenset(_TEXT_NAMES.split())


def possible_binaries(installed: TreeManifest) -> tuple[TreeEntry, ...]:
    """The files that have to be opened to see whether they are libraries or extension modules."""
    return tuple(
        entry
        for entry in installed.entries
        if entry.kind == "file" and entry.size >= _SMALLEST and not _is_text(entry.path)
    )


def _is_text(path: str) -> bool:
    folder, _, name = path.rpartition("/")
    return name.rpartition(".")[2].lower() in _TEXT or folder.endswith(".dist-info")


def binaries_of(
    installed: TreeManifest, facts: FactsByDigest, target: TargetPlatform
) -> tuple[Binary, ...]:
    """The shared libraries and extension modules that the loader of `target` would take.

    `facts` are of `possible_binaries`; those that it lacks are passed over.
    """
    return tuple(
        Binary(entry=entry, facts=fitting)
        for entry in possible_binaries(installed)
        if (fitting := facts_for(facts.get(entry.sha256, ()), target)) is not None
    )


def is_extension(binary: Binary) -> bool:
    """Whether Python loads it, by `sys.path`, rather than the system's loader by its name."""
    return binary.facts.is_extension or _EXTENSION.search(binary.path) is not None


def is_public(binary: Binary, layout: LayerLayout) -> bool:
    """Whether others may ask for a library at all."""
    return not is_extension(binary) and not _is_private(binary.path, str(layout.site_packages))


def _is_private(path: str, site: str) -> bool:
    """Whether a library is for its own package only, or not for loading at all.

    Libraries that auditwheel (``<name>.libs``) and delocate (``.dylibs``) put into a wheel are
    found by the rpath of that wheel's modules, and renamed so that nobody else asks for them.
    CUDA's stubs carry the SONAME of the driver's own libraries, so that offering them would hide
    the real ones; a ``.dSYM`` bundle repeats the name of the library that it describes.
    """
    folders = path.split("/")[:-1]
    if any(each in ("stubs", ".dylibs") or each.endswith(".dSYM") for each in folders):
        return True
    top = path.removeprefix(f"{site}/").split("/")[0]
    return path.startswith(f"{site}/") and top.endswith(".libs")
