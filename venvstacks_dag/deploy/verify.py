"""Verifying what was deployed, exported or published: every file against the manifests."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from venvstacks_dag.archive.read import iter_entries
from venvstacks_dag.archive.treedigest import tree_digest
from venvstacks_dag.deploy.bytecode import read_notes
from venvstacks_dag.deploy.check import Finding, FindingKind, check_tree, empty_folders
from venvstacks_dag.deploy.finish import launcher_files, local_files
from venvstacks_dag.deploy.layers import bytecode_path, layer_files
from venvstacks_dag.deploy.own import LAUNCHERS, MANIFEST, META, own_findings
from venvstacks_dag.deploy.papers import paper_findings
from venvstacks_dag.deploy.place import Place
from venvstacks_dag.deploy.stackfile import StackFile, read_stack
from venvstacks_dag.digest import parse_json, sha256_stream
from venvstacks_dag.errors import ArchiveError, DeployError
from venvstacks_dag.fs.files import PROGRAM_MODE, disk_errors
from venvstacks_dag.publish.model import LayerManifest
from venvstacks_dag.publish.names import STACK_NAME, layer_manifest_path

_STACK_FILES = f"{STACK_NAME}*.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What was verified (``kind``), how many layers, and what is not as it should be."""

    kind: str
    layers: int
    findings: tuple[Finding, ...]

    def as_json(self) -> dict[str, Any]:
        """Plain values."""
        return {
            "schema": 1,
            "kind": self.kind,
            "layers": self.layers,
            "findings": [asdict(finding) for finding in self.findings],
        }


def verify_folder(place: Place, *, threads: int | None = None) -> Report:
    """Verify the deployment, the export or the archives in a folder, whichever is there.

    Raises `DeployError` where there is none of them.
    """
    if place.exists():
        return verify_deployment(place, threads=threads)
    manifests = stack_files(place.folder)
    if not manifests:
        raise DeployError(
            "there is nothing to verify",
            where=str(place.folder),
            why="no layers were deployed, exported, built or published there",
        )
    layers = [layer for path in manifests for layer in _read(path).layers]
    if any(layer.archive is not None for layer in layers):
        return verify_artifacts(place.folder, threads=threads)
    return verify_export(place.folder, threads=threads)


def stack_files(folder: Path) -> list[Path]:
    """The manifests of stacks in an output folder, those of tagged outputs included."""
    # Bills of materials and provenance have such names, too, with a second extension.
    return sorted(path for path in (folder / META).glob(_STACK_FILES) if "." not in path.stem)


def verify_deployment(place: Place, *, threads: int | None = None) -> Report:
    """Verify the current version. Raises `DeployError` where there is none.

    Files that were made at the target are compared with what would be made there now.
    """
    version = place.current()
    if version is None:
        raise DeployError("nothing is deployed here", where=str(place.folder))
    tree, record = place.tree(version), place.record(version)
    assert record is not None
    with disk_errors("look into", tree):
        own = tuple(own_findings(tree, record.files))
    try:
        stack = place.stack(version)
    except DeployError as error:
        # Without the manifest there is no telling what else belongs there.
        name, why = MANIFEST.partition("/")[2], error.why or error.what
        found = Finding(layer=META, path=name, kind="changed", why=why)
        own = tuple(each for each in own if (each.layer, each.path) != (META, name))
        return Report(kind="deployment", layers=0, findings=tuple(sorted((found, *own))))
    findings = list(_stack_findings(tree, stack, relative=record.relative, threads=threads))
    expected = {META, LAUNCHERS, *(layer.install_target for layer in stack.layers)}
    findings += _launcher_findings(tree, stack)
    told = {(finding.layer, finding.path) for finding in findings}
    findings += (each for each in own if (each.layer, each.path) not in told)
    with disk_errors("look into", tree):
        findings += (
            Finding(layer=path.name, path="", kind="extra")
            for path in tree.iterdir()
            if path.name not in expected
        )
    return Report(kind="deployment", layers=len(stack.layers), findings=tuple(sorted(findings)))


def verify_export(folder: Path, *, threads: int | None = None) -> Report:
    """Verify the layers of a local export. Raises as `verify_deployment`."""
    findings: list[Finding] = []
    count = 0
    for path in stack_files(folder):
        stack = _read(path)
        count += len(stack.layers)
        findings += _stack_findings(folder, stack, relative=False, threads=threads)
    return Report(kind="export", layers=count, findings=tuple(sorted(findings)))


def verify_artifacts(folder: Path, *, threads: int | None = None) -> Report:
    """Verify archives, all that is in them, and what is told of them beside them.

    Archives that no manifest names are passed over.
    """
    layers: list[tuple[Path, LayerManifest]] = []
    papers: list[Finding] = []
    for path in stack_files(folder):
        platform = path.stem.removeprefix(STACK_NAME).removeprefix("-") or None
        stack = _read(path)
        papers += paper_findings(folder, platform, stack)
        layers += [
            (layer_manifest_path(folder, layer.layer_name, platform), layer)
            for layer in stack.layers
        ]
    with ThreadPoolExecutor(threads) as pool:
        found = pool.map(lambda each: list(_archive_findings(folder, *each)), layers)
        findings = sorted((*papers, *(finding for part in found for finding in part)))
    return Report(kind="artifacts", layers=len(layers), findings=tuple(findings))


def _read(path: Path) -> StackFile:
    with disk_errors("read a manifest", path):
        return read_stack(path.read_bytes(), str(path))


def _stack_findings(
    folder: Path, stack: StackFile, *, relative: bool, threads: int | None
) -> Iterator[Finding]:
    for layer in stack.layers:
        tree = folder / layer.install_target
        name = layer.install_target
        if tree.is_symlink() or not tree.is_dir():
            yield Finding(layer=name, path="", kind="missing")
            continue
        try:
            entries = layer_files(folder, layer)
            local = local_files(tree, relative=relative)
            bytecode = read_notes(bytecode_path(folder, layer))
        except DeployError as error:
            yield Finding(layer=name, path="", kind="changed", why=_in_one_line(error))
            continue
        with disk_errors("look into", tree):
            yield from check_tree(
                tree, entries, layer=name, local=local, bytecode=bytecode, threads=threads
            )
            known = (*(entry.path for entry in entries), *local, *bytecode)
            yield from empty_folders(tree, known, layer=name)


def _launcher_findings(tree: Path, stack: StackFile) -> Iterator[Finding]:
    folder = tree / LAUNCHERS
    try:
        expected = launcher_files(tree, stack)
    except DeployError:
        return  # A layer is damaged, which is told elsewhere.
    present = {path.name for path in folder.iterdir()} if folder.is_dir() else set()
    for name in sorted(present | expected.keys()):
        if name not in present:
            yield Finding(layer=LAUNCHERS, path=name, kind="missing")
        elif name not in expected:
            yield Finding(layer=LAUNCHERS, path=name, kind="extra")
        elif why := _launcher_fault(folder / name, expected[name]):
            yield Finding(layer=LAUNCHERS, path=name, kind="changed", why=why)


def _launcher_fault(path: Path, content: bytes) -> str | None:
    if path.is_symlink() or not path.is_file():
        return "it is no file"
    mode = stat.S_IMODE(path.stat().st_mode)
    if os.name != "nt" and mode != PROGRAM_MODE:
        return f"its mode is {mode:04o}, not {PROGRAM_MODE:04o}"
    return None if path.read_bytes() == content else "its content is another"


def _archive_findings(folder: Path, own: Path, layer: LayerManifest) -> Iterator[Finding]:
    assert layer.archive is not None
    path = folder / layer.archive.name
    problem = _archive_problem(path, layer)
    if problem is not None:
        kind, why = problem
        yield Finding(layer=layer.layer_name, path=path.name, kind=kind, why=why)
    try:
        value = parse_json(own.read_bytes())
    except FileNotFoundError:
        yield Finding(layer=layer.layer_name, path=own.name, kind="missing")
        return
    except (OSError, ValueError) as error:
        value = str(error)
    if value != layer.as_json():
        why = "it says something else than the manifest of the stack"
        yield Finding(layer=layer.layer_name, path=own.name, kind="changed", why=why)


def _archive_problem(path: Path, layer: LayerManifest) -> tuple[FindingKind, str] | None:
    archive = layer.archive
    assert archive is not None
    try:
        with path.open("rb") as stream:
            digest, size = sha256_stream(stream)
    except FileNotFoundError:
        return "missing", ""
    except OSError as error:
        return "changed", error.strerror or str(error)
    if (digest, size) != (archive.sha256, archive.size):
        return "changed", f"sha256 {digest} ({size} bytes) is not {archive.sha256}"
    try:
        entries = tuple(iter_entries(path))
    except ArchiveError as error:
        return "changed", error.why or error.what
    if layer.tree_digest not in (None, tree_digest(entries)):
        return "changed", "its files are not those that the manifest describes"
    return None


def _in_one_line(error: DeployError) -> str:
    return ": ".join(part for part in (error.what, error.why) if part)
