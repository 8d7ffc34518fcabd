"""A whole specification from its bytes: pure, and with all mistakes at once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import PurePath

from venvstacks_dag.errors import SpecError
from venvstacks_dag.spec.document import read_document
from venvstacks_dag.spec.fields import Table
from venvstacks_dag.spec.findings import Findings
from venvstacks_dag.spec.kinds import LAYER_KINDS
from venvstacks_dag.spec.layers import read_layers
from venvstacks_dag.spec.model import StackSpec, UvSettings
from venvstacks_dag.spec.modules import ModuleReference
from venvstacks_dag.spec.targets import default_macosx_target
from venvstacks_dag.spec.tool import read_tool
from venvstacks_dag.spec.uv import exclude_newer_of, index_names, read_uv
from venvstacks_dag.spec.wording import nearest, quoted

UV_FILE_NAME = "venvstacks.uv.toml"
_FIRST_LAYER = "a stack starts with [[runtimes]], name, python_implementation and requirements"


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A specification as far as it could be read, and what was noted on the way.

    ``spec`` may be used only where ``findings`` holds no problem: `finished` sees to that.
    """

    spec: StackSpec
    findings: Findings
    modules: tuple[ModuleReference, ...] = ()

    def finished(self) -> StackSpec:
        """The specification. Raises `SpecError` with all problems, in the order of the file."""
        if problems := self.findings.problems:
            raise SpecError(str(self.spec.path), problems)
        return replace(self.spec, warnings=self.findings.warnings)


def parse_stack(
    data: bytes, path: PurePath, *, uv_data: bytes | None, environ: Mapping[str, str]
) -> StackSpec:
    """The specification that the bytes of ``venvstacks.toml`` hold.

    ``path`` is the file's absolute path, ``uv_data`` what ``venvstacks.uv.toml`` beside it holds
    (None where there is none). Of ``environ``, ``MACOSX_DEPLOYMENT_TARGET`` and
    ``UV_EXCLUDE_NEWER`` count. Raises `SpecError` with every problem found; whether modules
    exist is not asked (see `load_stack`).
    """
    return draft_stack(data, path, uv_data=uv_data, environ=environ).finished()


def draft_stack(
    data: bytes, path: PurePath, *, uv_data: bytes | None, environ: Mapping[str, str]
) -> Draft:
    """What `parse_stack` returns, together with its problems instead of an error."""
    document = read_document(data)
    findings = document.findings
    if findings.problems:  # not TOML at all: nothing else could be said about it
        return Draft(spec=StackSpec(path=path), findings=findings)
    if not data.strip():
        document.problem((), "the file is empty", fix=_FIRST_LAYER)
    _check_tables(document)
    variables = Table({}, (), findings)
    tool = document.table("tool")
    uv = _read_uv(tool, uv_data, environ, variables)
    layers = read_layers(
        document,
        indexes=index_names(uv.indexes),
        macos=default_macosx_target(environ, variables),
    )
    spec = StackSpec(
        path=path,
        runtimes=layers.runtimes,
        frameworks=layers.frameworks,
        applications=layers.applications,
        uv=uv,
        tool=read_tool(tool, (*layers.runtimes, *layers.frameworks, *layers.applications)),
    )
    if not spec.layers and not findings.problems:
        document.problem((), "no layer is declared", fix=_FIRST_LAYER)
    return Draft(spec=spec, findings=findings, modules=layers.modules)


def _check_tables(document: Table) -> None:
    """A misspelt table of layers would be left out in silence; all others are the user's own."""
    for key in document.values:
        near = nearest(key, (*LAYER_KINDS, "tool"))
        if near is not None and near != key:
            fix = f"did you mean {quoted(near)}?"
            document.problem(key, f"unknown table {quoted(key)}", fix=fix)
        elif near is None:
            document.warn(key, f"{quoted(key)} has no effect here")


def _read_uv(
    tool: Table | None, uv_data: bytes | None, environ: Mapping[str, str], variables: Table
) -> UvSettings:
    """The settings of uv: those in the specification, or else those in the file beside it."""
    exclude_newer = exclude_newer_of(environ, variables)
    if tool is not None and "uv" in tool:
        if uv_data is not None:
            tool.warn("uv", f"{UV_FILE_NAME} is not read, since [tool.uv] is given here")
        return read_uv(tool.table("uv"), exclude_newer)
    if uv_data is None:
        return read_uv(None, exclude_newer)
    document = read_document(uv_data, file_name=UV_FILE_NAME)
    variables.findings.include(document.findings)
    if "tool" in document:
        # Left out in silence, they could let another index serve a package.
        message = f"settings in {UV_FILE_NAME} stand at its top"
        document.problem("tool", message, fix="write index = ... and not tool.uv.index = ...")
        return read_uv(None, exclude_newer)
    return read_uv(document, exclude_newer)
