"""Making one layer of a new version: from the version before, or from its archive."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from pathlib import Path

from venvstacks_dag.archive.model import ArchiveEntry
from venvstacks_dag.archive.names import link_problem
from venvstacks_dag.archive.read import unpack_archive
from venvstacks_dag.archive.treedigest import tree_digest
from venvstacks_dag.deploy.bytecode import (
    bytecode_fault,
    find_bytecode,
    is_unchecked,
    notes_of,
    read_notes,
    source_of_bytecode,
)
from venvstacks_dag.deploy.check import check_tree
from venvstacks_dag.deploy.filelists import (
    check_unpacked,
    read_lists,
    read_record,
    record_bytes,
)
from venvstacks_dag.deploy.finish import local_files
from venvstacks_dag.deploy.own import META
from venvstacks_dag.deploy.place import Place, write_file
from venvstacks_dag.deploy.stackfile import content_key
from venvstacks_dag.digest import sha256_file
from venvstacks_dag.errors import DeployError
from venvstacks_dag.fs.files import disk_errors
from venvstacks_dag.fs.newtree import FOLDER_MODE
from venvstacks_dag.fs.placing import place_file
from venvstacks_dag.fs.trees import folders_above, make_folders
from venvstacks_dag.publish.model import LayerManifest

_NOTED = "files"
_BYTECODE = "bytecode"


def noted_path(version: Path, layer: LayerManifest) -> Path:
    """Where a deployment notes the files of a layer that has no lists."""
    return version / META / _NOTED / f"{layer.install_target}.json"


def bytecode_path(version: Path, layer: LayerManifest) -> Path:
    """Where a deployment notes the bytecode that was made of a layer's modules."""
    return version / META / _BYTECODE / f"{layer.install_target}.json"


def note_bytecode(version: Path, layer: LayerManifest, *, relative: bool) -> None:
    """Note what bytecode a finished layer has. Raises `DeployError`, `DiskError`."""
    tree = version / layer.install_target
    modules = {entry.path for entry in layer_files(version, layer) if entry.kind == "file"}
    modules |= local_files(tree, relative=relative).keys()
    with disk_errors("read", tree):
        notes = notes_of(tree, modules)
    write_file(bytecode_path(version, layer), notes)


def layer_files(version: Path, layer: LayerManifest) -> tuple[ArchiveEntry, ...]:
    """What should be in a layer of a version, as its manifest vouches for it.

    Raises `DeployError` where the lists are missing, or not those that the manifest means.
    """
    tree = version / layer.install_target
    entries = read_lists(tree)
    if entries is None:
        entries = read_record(noted_path(version, layer))
    if layer.tree_digest is not None and tree_digest(entries) != layer.tree_digest:
        raise DeployError(
            "a layer's list of files is not the one that the manifest describes",
            where=str(tree),
        )
    return entries


def find_reusable(
    place: Place, layer: LayerManifest, versions: Iterable[str]
) -> tuple[str, tuple[ArchiveEntry, ...]] | None:
    """Which of `versions`, whose notes are intact, holds this very layer undamaged; its files."""
    for version in versions:
        try:
            known = {old.install_target: old for old in place.stack(version).layers}
            old = known.get(layer.install_target)
            if old is None or content_key(old) != content_key(layer):
                continue
            entries = layer_files(place.tree(version), old)
            if _is_whole(place.tree(version) / layer.install_target, entries):
                return version, entries
        except (DeployError, OSError):
            continue  # The archive has it, too.
    return None


def _is_whole(tree: Path, entries: Iterable[ArchiveEntry]) -> bool:
    findings = check_tree(tree, entries, layer=tree.name)
    return all(finding.kind == "extra" for finding in findings)


def share_layer(
    old: Path, new: Path, layer: LayerManifest, entries: Collection[ArchiveEntry]
) -> None:
    """Give the version `new` the files of a layer of the version `old`, by hard links.

    What is written where a layer is finished replaces files, so that no version changes with
    another. Raises `DiskError`, `DeployError`.
    """
    source, tree = old / layer.install_target, new / layer.install_target
    with disk_errors("write into", tree):
        for folder in ("", *folders_above(entry.path for entry in entries)):
            (tree / folder).mkdir()
            (tree / folder).chmod(FOLDER_MODE)
        for entry in entries:
            if entry.kind == "link":
                problem = link_problem(entry.name, entry.target)
                if problem is not None:
                    raise DeployError("a link is not allowed", where=entry.path, why=problem)
                (tree / entry.path).symlink_to(entry.target)
            else:
                place_file(str(source / entry.path), str(tree / entry.path))
    noted = noted_path(old, layer)
    if noted.is_file():
        write_file(noted_path(new, layer), noted.read_bytes())


def share_bytecode(
    old: Path, new: Path, layer: LayerManifest, entries: Iterable[ArchiveEntry]
) -> bool:
    """Give the shared modules of a layer their bytecode, too; whether all that was made is there.

    Nothing vouches for bytecode but what was noted when it was made, so that what differs from
    it, or was made later, stays behind. Raises `DiskError`.
    """
    source, tree = old / layer.install_target, new / layer.install_target
    modules = {entry.path for entry in entries if entry.kind == "file"}
    try:
        noted = read_notes(bytecode_path(old, layer))
    except DeployError:
        return False
    # That of the files which are made at each place is made there, too.
    wanted = [p for p in noted if source_of_bytecode(p) in modules and p not in modules]
    with disk_errors("write into", tree):
        present = set(find_bytecode(source, modules))
        for path in wanted:
            if path not in present or _bytecode_differs(source, path, noted[path]):
                return False
        for path in wanted:
            make_folders((tree / path).parent)
            place_file(str(source / path), str(tree / path))
    return bool(wanted)


def _bytecode_differs(tree: Path, path: str, noted: str) -> bool:
    module = source_of_bytecode(path)
    assert module is not None
    if bytecode_fault(tree / path, tree / module) or sha256_file(tree / path) != noted:
        return True
    with (tree / path).open("rb") as stream:
        return not is_unchecked(stream.read(16))


def unpack_layer(archive: Path, new: Path, layer: LayerManifest) -> tuple[ArchiveEntry, ...]:
    """Unpack a layer's archive into the version `new`, and check each file of it.

    Raises `ArchiveError`, `DeployError`, `DiskError`.
    """
    assert layer.archive is not None
    tree = new / layer.install_target
    entries = unpack_archive(archive, tree, expected_sha256=layer.archive.sha256)
    if entries[0].name != layer.install_target:
        raise DeployError(
            "an archive holds another layer than the manifest says",
            where=str(archive),
            why=f"its folder is {entries[0].name!r}, not {layer.install_target!r}",
        )
    if not check_unpacked(tree, entries, layer.tree_digest):
        write_file(noted_path(new, layer), record_bytes(entries))
    return entries
