"""What a deployment writes beside the layers of a version, and whether it is still that.

The version's record has the SHA-256 of each of these files: of the manifest, which vouches for the
layers, of what was noted, and of the scripts that start applications. Nothing vouches for itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from venvstacks_dag.deploy.check import Finding
from venvstacks_dag.digest import sha256_file
from venvstacks_dag.publish.names import METADATA_FOLDER, stack_manifest_path

META = METADATA_FOLDER
RECORD = "deployment.json"
LAUNCHERS = "bin"
MANIFEST = stack_manifest_path(Path()).as_posix()


def own_files(tree: Path) -> dict[str, str]:
    """Path and SHA-256 of all that a deployment wrote into the version `tree` but the record.

    Raises `OSError`.
    """
    return {path: sha256_file(tree / path) for path in _found(tree)}


def own_findings(tree: Path, noted: Mapping[str, str]) -> Iterator[Finding]:
    """What is no longer as it was noted; nothing where nothing was. Raises `OSError`."""
    present = set(_found(tree)) if noted else set()
    for path in sorted(present | noted.keys()):
        folder, _, name = path.partition("/")
        if path not in present:
            yield Finding(layer=folder, path=name, kind="missing")
        elif path not in noted:
            yield Finding(layer=folder, path=name, kind="extra")
        elif (tree / path).is_symlink() or sha256_file(tree / path) != noted[path]:
            why = "it is not what was written when it was deployed"
            yield Finding(layer=folder, path=name, kind="changed", why=why)


def _found(tree: Path) -> Iterator[str]:
    for folder in (META, LAUNCHERS):
        for path in sorted((tree / folder).rglob("*")):
            name = path.relative_to(tree).as_posix()
            if path.is_file() and name != f"{META}/{RECORD}":
                yield name
