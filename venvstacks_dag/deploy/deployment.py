"""Deploying: a new version is made beside the old one, and then takes its place in one step."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from venvstacks_dag.archive.model import ArchiveEntry
from venvstacks_dag.deploy.arguments import LOCK_PATIENCE
from venvstacks_dag.deploy.finish import (
    Compiled,
    check_path,
    check_peers,
    finish_layers,
    write_launchers,
)
from venvstacks_dag.deploy.layers import (
    find_reusable,
    note_bytecode,
    share_bytecode,
    share_layer,
    unpack_layer,
)
from venvstacks_dag.deploy.lock import deployment_lock
from venvstacks_dag.deploy.offer import check_deployable, fetch_stack, refuse_older
from venvstacks_dag.deploy.own import MANIFEST, META, own_files
from venvstacks_dag.deploy.place import Place, Record, write_file
from venvstacks_dag.deploy.source import Source
from venvstacks_dag.deploy.stackfile import StackFile, choose, recounted_layers, set_digest
from venvstacks_dag.digest import sha256_json
from venvstacks_dag.errors import DeployError, DiskError
from venvstacks_dag.fs.files import disk_errors
from venvstacks_dag.fs.trees import remove_path
from venvstacks_dag.publish.model import LayerManifest

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class DeployOptions:
    """What is deployed and how.

    ``apps`` are the applications (none: all layers). ``compile_modules`` makes bytecode.
    ``relative`` makes layers that may be moved, or read only. ``allow_older`` takes layers that
    are older than the deployed ones. ``keep`` is how many versions are kept beside the current
    one. ``manifest_sha256`` is the only manifest that is taken. ``patience`` (seconds) is how
    long another deployment is waited for. ``sync`` has everything on the disk before the switch.
    ``afresh`` makes a new version in place of one with the same content, which is damaged.
    """

    apps: tuple[str, ...] = ()
    compile_modules: bool = True
    sync: bool = True
    afresh: bool = False
    relative: bool = False
    allow_older: bool = False
    keep: int = 1
    manifest_sha256: str | None = None
    patience: float = LOCK_PATIENCE


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployed:
    """How a deployment ended. ``changed`` is false where there was nothing to do."""

    version: str
    folder: Path
    stack: StackFile
    changed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class _Part:
    """Where a layer of the new version comes from: an archive, or an old version's tree."""

    layer: LayerManifest
    archive: Path | None = None
    version: str | None = None
    entries: tuple[ArchiveEntry, ...] = ()


def deploy(source: Source, place: Place, options: DeployOptions, say: Say) -> Deployed:
    """Make what `source` has the current version of `place`.

    Whatever goes wrong, and whenever the process is killed, the version that was current before
    stays so, untouched. Raises `DeployError`, `ArchiveError`, `DiskError`, `UnknownLayer`.
    """
    offered = fetch_stack(source, options.manifest_sha256)
    stack = choose(offered, options.apps)
    check_deployable(stack, source.shown)
    check_path(place.versions)
    place.make()
    with deployment_lock(
        place.lock, timeout=options.patience, on_wait=lambda: say("waits for another deployment")
    ) as lock:
        current = place.current()
        place.sweep(patience=options.patience)
        content = content_digest(stack, options)
        record = place.record(current) if current is not None else None
        replaced = current
        if current is not None and record is not None and record.content == content:
            if not options.afresh and _has_manifest(place, current) and place.is_intact(current):
                return _ended(place, current, stack, changed=False)
            # The way back leads past the damaged one.
            replaced = record.replaces
        elif current is not None and not options.allow_older:
            deployed = place.stack(current)
            refuse_older(deployed, stack)
            for name, what in recounted_layers(deployed, stack).items():
                say(f"{name}: {what}")
        version = place.new_name(content)
        parts = _gather(source, place, stack, current, say)
        switched = False
        try:
            _make(place, version, stack, parts, options, say, lock)
            place.write_record(
                version,
                Record(
                    content=content,
                    replaces=replaced,
                    compiled=options.compile_modules,
                    relative=options.relative,
                    manifest_sha256=offered.sha256,
                    apps=options.apps,
                    files=_own_files(place.tree(version)),
                ),
            )
            if options.sync:
                _to_disk()
            place.switch(version)
            switched = True
        except BaseException:
            if not switched:
                with contextlib.suppress(Exception):
                    remove_path(place.tree(version))
            raise
        place.write_launchers([app.layer_name for app in stack.apps])
        try:
            _prune(place, version, replaced, options.keep)
        except DiskError as error:
            # The next deployment tries again.
            say(f"old versions are left: {error.where}: {error.why}")
        return _ended(place, version, stack, changed=True)


def rollback(place: Place, options: DeployOptions, say: Say) -> Deployed:
    """Make the version current again that the current one replaced. Raises `DeployError`."""
    if not place.exists():
        raise DeployError("nothing is deployed here", where=str(place.folder))
    with deployment_lock(
        place.lock, timeout=options.patience, on_wait=lambda: say("waits for another deployment")
    ):
        current = place.current()
        record = place.record(current) if current is not None else None
        earlier = record.replaces if record is not None else None
        if earlier is None or place.record(earlier) is None:
            raise DeployError(
                "there is no earlier version to go back to",
                where=str(place.versions),
                fix="deploy the earlier archives, with --allow-older",
            )
        stack = place.stack(earlier)
        place.switch(earlier)
        return _ended(place, earlier, stack, changed=True)


def _has_manifest(place: Place, version: str) -> bool:
    try:
        place.stack(version)
    except DeployError:
        return False
    return True


def _own_files(tree: Path) -> dict[str, str]:
    with disk_errors("read", tree):
        return own_files(tree)


def content_digest(stack: StackFile, options: DeployOptions) -> str:
    """The digest of all that a version of `stack` holds, which its record has."""
    return sha256_json([set_digest(stack), options.compile_modules, options.relative])


def _gather(
    source: Source, place: Place, stack: StackFile, current: str | None, say: Say
) -> list[_Part]:
    """All that the new version is made of, whole and checked before anything is made."""
    whole = [*([current] if current else []), *(v for v in place.whole() if v != current)]
    versions = [version for version in whole if place.is_intact(version, META)]
    parts = []
    for layer in stack.layers:
        found = find_reusable(place, layer, versions)
        if found is not None:
            say(f"{layer.install_target}: as it is deployed")
            parts.append(_Part(layer=layer, version=found[0], entries=found[1]))
            continue
        assert layer.archive is not None
        say(f"{layer.install_target}: checks {layer.archive.name}")
        parts.append(_Part(layer=layer, archive=source.archive(layer.archive, place.downloads)))
    return parts


def _make(
    place: Place,
    version: str,
    stack: StackFile,
    parts: list[_Part],
    options: DeployOptions,
    say: Say,
    lock: int,
) -> None:
    tree = place.tree(version)
    with disk_errors("make", tree):
        tree.mkdir()
        tree.chmod(0o755)
    unchanged = {part.layer.install_target for part in parts if part.version is not None}
    compiled: dict[str, Compiled] = {}
    for part in parts:
        layer = part.layer
        compiled[layer.install_target] = "all" if options.compile_modules else "none"
        if part.version is None:
            assert part.archive is not None
            say(f"{layer.install_target}: unpacks")
            unpack_layer(part.archive, tree, layer)
            continue
        old = place.tree(part.version)
        share_layer(old, tree, layer, part.entries)
        record = place.record(part.version)
        has_bytecode = record is not None and record.compiled
        # Made by the same Python from the same sources, but for what each place has its own of.
        same = options.compile_modules and has_bytecode and layer.runtime_layer in unchanged
        if same and share_bytecode(old, tree, layer, part.entries):
            compiled[layer.install_target] = "local"
    write_file(tree / MANIFEST, stack.pretty())
    check_peers(tree, stack)
    write_launchers(tree, stack)
    say("finishes the layers")
    finish_layers(tree, stack.layers, compiled, relative=options.relative, lock=lock)
    for layer in stack.layers:
        note_bytecode(tree, layer, relative=options.relative)


def _to_disk() -> None:
    # Once for all files: what the switch makes current must outlast a loss of power.
    if hasattr(os, "sync"):
        os.sync()


def _prune(place: Place, version: str, replaced: str | None, keep: int) -> None:
    """Remove the versions before those that are kept, and what was fetched."""
    kept = {version, *([replaced] if replaced and keep else [])}
    kept.update([name for name in place.whole() if name not in kept][: max(keep - 1, 0)])
    for name in place.whole():
        if name not in kept:
            remove_path(place.tree(name))
    remove_path(place.downloads)


def _ended(place: Place, version: str, stack: StackFile, *, changed: bool) -> Deployed:
    return Deployed(version=version, folder=place.tree(version), stack=stack, changed=changed)
