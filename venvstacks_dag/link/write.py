"""Linking on disk: read what a plan needs, make what it says, remove what it says no more."""

from __future__ import annotations

import glob
import os
import stat
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path, PurePosixPath

from venvstacks_dag.digest import sha256_bytes, sha256_file
from venvstacks_dag.errors import InputChanged, LinkError
from venvstacks_dag.fs import (
    LinkMode,
    TreeEntry,
    TreeManifest,
    atomic_write,
    disk_errors,
    make_folders,
    make_link,
    place_file,
    read_bytes,
    remove_path,
    staging_folder,
)
from venvstacks_dag.link.binaries import FactsReader, read_facts
from venvstacks_dag.link.facts import FactsByDigest
from venvstacks_dag.link.libraries import possible_binaries
from venvstacks_dag.link.model import Linked, LinkModules, LinkRequest, PlannedEntry
from venvstacks_dag.link.modules import read_module
from venvstacks_dag.link.plan import plan_links
from venvstacks_dag.platforms.layout import LAYER_CONFIG
from venvstacks_dag.reporting import Reporter


def link_layer(
    request: LinkRequest,
    tree: Path,
    *,
    previous: TreeManifest | None,
    reporter: Reporter,
    facts_reader: FactsReader = read_facts,
    announce: Callable[[TreeManifest], object] = lambda _: None,
    mode: LinkMode = "auto",
) -> Linked:
    """Make the installed `tree` a layer that runs, and say what was made in it.

    The layers below lie beside `tree`, under their environment names. `previous` is the
    manifest that an earlier call returned for the same tree: what is in it and no longer needed
    goes away, and what is right already is left as it is. `facts_reader` may remember answers by
    digest. `announce` is told, before anything changes, all that may be in the tree from then
    on: that is the `previous` of the next call if this one is killed. `mode` says how files that
    the runtime's tree has, too, get into this one.

    Everything shipped names peers as they are deployed. Where that is ``name@N``, links of that
    name are kept beside the trees of the build folder, so that the very bytes that are shipped
    also run there; only what is not shipped names peers as the build folder does.

    Raises `LinkError`, `InputChanged` where a module was edited meanwhile, and `DiskError`.
    """
    # Links on the way are followed, as postinstall does and as the kernel follows `../`.
    tree = Path(os.path.realpath(tree))
    facts = _library_facts(request, tree, facts_reader)
    plan = plan_links(request, facts, _read_modules(request), tree=tree)
    for warning in plan.warnings:
        reporter.warn(warning)
    announce(_either(plan.manifest, previous))
    kept = {planned.entry.path for planned in plan.entries}
    kept.update(entry.path for entry in request.installed.entries)
    removed = [e for e in (previous.entries if previous else ()) if e.path not in kept]
    for entry in removed:
        _take_away(tree, entry)
    # Beside the tree: what a killed run leaves there is swept, and never part of a layer.
    with staging_folder(tree.parent, tree.name) as working:
        written = sum(_put(tree, planned, working, mode) for planned in plan.entries)
    _stand_in_for_versions(request, tree)
    reporter.detail(
        f"{request.env_name}: linked {len(plan.entries)} files, "
        f"{written} of them written, {len(removed)} old ones removed"
    )
    return Linked(manifest=plan.manifest, offers=plan.offers)


def _either(planned: TreeManifest, previous: TreeManifest | None) -> TreeManifest:
    entries = {entry.path: entry for entry in previous.entries} if previous else {}
    entries.update((entry.path, entry) for entry in planned.entries)
    return TreeManifest.of(entries.values())


def _library_facts(request: LinkRequest, tree: Path, reader: FactsReader) -> FactsByDigest:
    if request.layout.target.is_windows:
        return {}  # Nothing is linked there.
    # What the runtime has of its own is found by its own programs, and is for nobody else.
    candidates = {e.sha256: e.path for e in possible_binaries(request.installed) if e.package}
    return {digest: reader(digest, tree / path) for digest, path in candidates.items()}


def _read_modules(request: LinkRequest) -> LinkModules:
    launch = request.launch_module
    try:
        return LinkModules(
            launch=read_module(launch) if launch else None,
            support=tuple(read_module(path) for path in request.support_modules),
        )
    except LinkError as error:
        error.layer = request.env_name
        raise


def _put(tree: Path, planned: PlannedEntry, working: Path, mode: LinkMode) -> bool:
    """Make one entry, by way of `working`, unless it is there already; tells whether it wasn't."""
    entry, path = planned.entry, tree / planned.entry.path
    with disk_errors("write", path):
        make_folders(path.parent)
    if entry.kind == "link":
        if path.is_symlink() and str(path.readlink()) == entry.target:
            return False
        make_link(entry.target, path)
        return True
    content = planned.content
    if planned.shared and isinstance(content, Path):
        return _share(content, path, entry, working, mode)
    data = _copied(content, entry) if isinstance(content, Path) else content
    assert data is not None
    if _holds(path, data, entry.mode):
        return False
    atomic_write(working / "new", data, mode=entry.mode)
    with disk_errors("write", path):
        (working / "new").replace(path)
    _drop_bytecode(path)
    return True


def _copied(source: Path, entry: TreeEntry) -> bytes:
    data = read_bytes(source)
    _demand_same(source, sha256_bytes(data), entry)
    return data


def _demand_same(source: Path, digest: str, entry: TreeEntry) -> None:
    if digest != entry.sha256:
        raise InputChanged(
            "a file was edited while it was being copied into the layer",
            where=str(source),
            fix="build again",
        )


def _share(source: Path, path: Path, entry: TreeEntry, working: Path, mode: LinkMode) -> bool:
    """Make `path` the file `source` of another tree; its bytes are copied only where need be.

    PyPy's library has tens of megabytes, and each layer on it has one.
    """
    with disk_errors("read", source):
        _demand_same(source, sha256_file(source), entry)
    with disk_errors("write", path):
        if path.is_file() and not path.is_symlink() and sha256_file(path) == entry.sha256:
            return False
        place_file(str(source), str(working / "new"), mode)
        (working / "new").replace(path)
    return True


def _holds(path: Path, data: bytes, mode: int) -> bool:
    try:
        status = path.lstat()
    except OSError:
        return False
    # Windows keeps no such modes; there a file's content alone tells.
    same_mode = os.name == "nt" or stat.S_IMODE(status.st_mode) == mode
    is_file = stat.S_ISREG(status.st_mode) and status.st_size == len(data)
    return is_file and same_mode and read_bytes(path) == data


def _take_away(tree: Path, entry: TreeEntry) -> None:
    """Remove what an earlier call made, and the folders that are empty then."""
    relative = PurePosixPath(entry.path)
    if relative.is_absolute() or ".." in relative.parts:
        raise LinkError(
            "a record of an earlier build names a path outside its layer", where=entry.path
        )
    path = tree / relative
    remove_path(path)
    _drop_bytecode(path)
    for folder in (tree / parent for parent in relative.parents[:-1]):
        try:
            folder.rmdir()
        except OSError:
            break  # It holds something else, or is gone already.


def _drop_bytecode(path: Path) -> None:
    """Forget what Python compiled of a module that has changed or gone.

    Running a layer in the build folder leaves bytecode there that is taken for current if the
    module has the same size and time in whole seconds, or (after postinstall) in any case.
    """
    if path.suffix != ".py":
        return
    cache = path.parent / "__pycache__"
    with disk_errors("remove", cache):
        for compiled in cache.glob(f"{glob.escape(path.stem)}.*.pyc"):
            compiled.unlink(missing_ok=True)
        if cache.is_dir() and not any(cache.iterdir()):
            cache.rmdir()


def _stand_in_for_versions(request: LinkRequest, tree: Path) -> None:
    """Keep links from versioned layers' deployed names to their trees; see `link_layer`."""
    if request.layout.target.is_windows:
        return  # Nothing shipped there refers to peers before postinstall has run.
    folder = tree.parent
    for name, alias in (
        (request.env_name, request.install_target),
        *((lower.env_name, lower.install_target) for lower in request.below),
    ):
        if alias != name:
            _stand_in(folder / alias, name)
    for old in folder.glob(f"{glob.escape(request.env_name)}@*"):
        # A layer that still asks for an older version must not be given this one.
        is_ours = old.is_symlink() and str(old.readlink()) == request.env_name
        if is_ours and old.name != request.install_target:
            remove_path(old)


def _stand_in(alias: Path, name: str) -> None:
    if alias.is_symlink() and str(alias.readlink()) == name:
        return
    taken = alias.exists() and not alias.is_symlink()
    if taken and not (alias / LAYER_CONFIG).is_file():
        raise LinkError(
            "the name of a versioned layer is taken in the build folder",
            where=str(alias),
            fix="remove what is there",
        )
    # By rename, since the layers above may be linked at the same time, and need it as well.
    with staging_folder(alias.parent, alias.name) as working:
        if taken:
            # A second copy of the layer: the build folder was copied with its links followed.
            with disk_errors("replace", alias), suppress(FileNotFoundError):
                alias.rename(working / "copy")
        make_link(name, working / alias.name)
        with disk_errors("link", alias):
            (working / alias.name).replace(alias)
