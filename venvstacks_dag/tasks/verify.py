"""Verifying a build folder: every file of every environment against what the stages noted."""

from __future__ import annotations

from pathlib import Path

from venvstacks_dag.archive.model import ArchiveEntry
from venvstacks_dag.deploy.check import Finding, check_tree
from venvstacks_dag.deploy.filelists import archived
from venvstacks_dag.deploy.verify import Report
from venvstacks_dag.digest import parse_json
from venvstacks_dag.errors import DeployError
from venvstacks_dag.fs import TreeManifest, disk_errors
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
        if not tree.is_dir():
            findings.append(Finding(layer=state.name, path="", kind="missing"))
            continue
        with disk_errors("look into", tree):
            findings += check_tree(
                tree, entries, layer=state.name, threads=threads, exact_modes=False
            )
    if not count:
        raise DeployError("no environment was built here", where=str(folder))
    return Report(kind="build", layers=count, findings=tuple(sorted(findings)))


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
