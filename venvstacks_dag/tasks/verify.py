"""Verifying a build folder: every file of every environment against what the stages noted."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from pathlib import Path

from venvstacks_dag.archive.model import ArchiveEntry
from venvstacks_dag.deploy.check import Finding, check_tree
from venvstacks_dag.deploy.filelists import archived
from venvstacks_dag.deploy.verify import Report
from venvstacks_dag.digest import parse_json
from venvstacks_dag.errors import DeployError, DiskError
from venvstacks_dag.fs import HAS_MODES, TreeManifest, disk_errors, folders_above
from venvstacks_dag.fs.newtree import FOLDER_MODE, is_folder_mode
from venvstacks_dag.tasks.settings import STATE
from venvstacks_dag.tasks.stages.base import file_damage
from venvstacks_dag.tasks.stamps import read_stamp

_STAGES = ("install", "link")


def is_build_folder(folder: Path) -> bool:
    """Whether `folder` was built in."""
    return (folder / STATE / "layers").is_dir()


def verify_build(folder: Path, *, threads: int | None = None) -> Report:
    """Verify the environments in a build folder. Raises `DeployError` where there are none."""
    states = [state for state in sorted((folder / STATE / "layers").iterdir()) if state.is_dir()]
    findings: list[Finding] = []
    count = 0
    for state in states:
        tree = folder / state.name
        if not (state / "link.json").is_file():
            continue  # Locked only, or its build was stopped.
        count += 1
        entries = [entry for stage in _STAGES for entry in _noted(state, stage, findings)]
        findings += _compared(tree, entries, state.name, threads)
    if not count:
        raise DeployError("no environment was built here", where=str(folder))
    return Report(kind="build", layers=count, findings=tuple(sorted(findings)))


def _compared(
    tree: Path, entries: list[ArchiveEntry], layer: str, threads: int | None
) -> list[Finding]:
    if tree.is_symlink():
        return [Finding(layer=layer, path="", kind="changed", why="it is a link to another place")]
    if not tree.is_dir():
        return [Finding(layer=layer, path="", kind="missing")]
    findings = list(_folder_modes(tree, entries, layer))
    try:
        with disk_errors("look into", tree):
            findings += check_tree(tree, entries, layer=layer, threads=threads, exact_modes=False)
    except DiskError as error:
        if not isinstance(error.__cause__, PermissionError):
            raise
        why = f"something in it cannot be read, so no file was compared: {error.__cause__}"
        findings.append(Finding(layer=layer, path="", kind="changed", why=why))
    return findings


def _folder_modes(tree: Path, entries: list[ArchiveEntry], layer: str) -> Iterator[Finding]:
    """The folders of noted files that not everybody may enter, or that everybody may write to."""
    for folder in ("", *folders_above(entry.path for entry in entries)):
        try:
            mode = (tree / folder).lstat().st_mode
        except OSError:
            continue  # Its files are told of, or the folder above.
        if HAS_MODES and stat.S_ISDIR(mode) and not is_folder_mode(mode):
            why = f"the folder's mode is {stat.S_IMODE(mode):04o}, not {FOLDER_MODE:04o}"
            yield Finding(layer=layer, path=folder, kind="changed", why=why)


def _noted(state: Path, stage: str, findings: list[Finding]) -> list[ArchiveEntry]:
    path = state / f"{stage}.files.json"
    stamp = read_stamp(state / f"{stage}.json")
    fault = "its stamp is missing" if stamp is None else None
    if stamp is not None:
        fault = file_damage(path, stamp.outputs.get("manifest"))
    try:
        if fault is None:
            manifest = TreeManifest.from_json(parse_json(path.read_bytes()))
            return [archived(entry) for entry in manifest.entries]
    except (OSError, ValueError, TypeError) as error:
        fault = str(error)
    findings.append(
        Finding(layer=state.name, path="", kind="changed", why=f"its list of files: {fault}")
    )
    return []
