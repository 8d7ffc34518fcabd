"""Reading a specification from disk: the one place of this room that opens files."""

from __future__ import annotations

import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from venvstacks_dag.errors import SpecError, SpecProblem
from venvstacks_dag.fs import disk_errors
from venvstacks_dag.spec.document import MAX_BYTES
from venvstacks_dag.spec.findings import Findings
from venvstacks_dag.spec.model import StackSpec
from venvstacks_dag.spec.modules import ModuleReference
from venvstacks_dag.spec.parse import UV_FILE_NAME, draft_stack
from venvstacks_dag.spec.wording import nearest, quoted

SPEC_FILE_NAME = "venvstacks.toml"


def load_stack(path: Path, environ: Mapping[str, str]) -> StackSpec:
    """The specification in the file `path`, with the ``venvstacks.uv.toml`` beside it.

    Raises `SpecError` with all problems, missing files and modules among them, and `DiskError`
    where the operating system refuses to read.
    """
    path = path.absolute()
    with disk_errors("read", path):
        _check_is_file(path)
        data = _read(path)
        uv_path = path.with_name(UV_FILE_NAME)
        uv_data = _read(uv_path) if _kind(uv_path) == "file" else None
    draft = draft_stack(data, path, uv_data=uv_data, environ=environ)
    for module in draft.modules:
        _check_module(module, path.parent, draft.findings)
    return draft.finished()


def _check_is_file(path: Path) -> None:
    kind = _kind(path)
    if kind == "folder":
        problem = SpecProblem(message="this is a folder", fix=f"name the {SPEC_FILE_NAME} in it")
        raise SpecError(str(path), [problem])
    if kind is None:
        problem = SpecProblem(message="there is no such file", fix=f"name a {SPEC_FILE_NAME}")
        raise SpecError(str(path), [problem])


def _kind(path: Path) -> Literal["file", "folder"] | None:
    """What is at `path`, if anything is. Raises `OSError` where that cannot be told.

    `Path.exists` would take a path that may not be looked at for one that is not there.
    """
    try:
        mode = path.stat().st_mode
    except (FileNotFoundError, NotADirectoryError):
        return None
    return "folder" if stat.S_ISDIR(mode) else "file"


def _read(path: Path) -> bytes:
    """The file's bytes, but not many more than `parse_stack` would take."""
    with path.open("rb") as stream:
        return stream.read(MAX_BYTES + 1)


def _missing_fix(path: Path) -> str:
    """The file or folder beside a missing module that is called most like it, else its path."""
    try:
        siblings = sorted(sibling.name for sibling in path.parent.iterdir())
    except OSError:
        siblings = []
    source = f"{path.name}.py"
    near = source if source in siblings else nearest(path.name, siblings)
    return f"did you mean {quoted(near)}?" if near else f"it would be {path}"


def _check_module(module: ModuleReference, folder: Path, findings: Findings) -> None:
    """Note whether a module is not there, or cannot be what it is named as."""
    path = folder / module.text
    try:
        kind = _kind(path)
    except OSError as error:
        reason = error.strerror or str(error)
        message = f"the module {quoted(module.text)} cannot be read: {reason}"
        findings.problem(module.path, message, layer=module.layer)
        return
    if kind is None:
        fix = "write '/' between folders" if "\\" in module.text else _missing_fix(path)
        message = f"there is no file or folder {quoted(module.text)}"
        findings.problem(module.path, message, layer=module.layer, fix=fix)
    elif module.launches and kind == "file" and path.suffix != ".py":
        message = f"{quoted(module.text)} is no Python module: its name does not end in .py"
        findings.problem(module.path, message, layer=module.layer)
    elif module.launches and kind == "folder" and not (path / "__main__.py").is_file():
        message = f"{quoted(module.text)} has no __main__.py, so 'python -m' cannot run it"
        findings.warn(module.path, message, layer=module.layer)
