"""Which exact Python a layer is locked for."""

from __future__ import annotations

import sys
from contextlib import suppress

from venvstacks_dag.digest import parse_json
from venvstacks_dag.platforms import PythonVersion
from venvstacks_dag.tasks.context import BuildContext
from venvstacks_dag.tasks.plan import LayerPlan
from venvstacks_dag.tasks.stages.base import MissingInput, facts_of
from venvstacks_dag.tasks.stages.locks import metadata_file


def known_python(context: BuildContext, runtime: LayerPlan) -> PythonVersion | None:
    """The exact Python of a runtime, if it can be told without asking a provider."""
    if runtime.python_implementation == "cpython@host":
        return host_python()
    try:
        return PythonVersion.parse(runtime.python_implementation)
    except ValueError:
        kept = _locked_python(context, runtime)
        return PythonVersion.parse(kept) if kept else None


def python_of(context: BuildContext, layer: LayerPlan) -> str:
    """The exact Python that a layer is locked for. Raises `MissingInput`, `RuntimeUnavailable`."""
    if not layer.is_runtime:
        python: str = facts_of(context, "resolve", layer.runtime)["python"]
        return python
    if layer.python_implementation == "cpython@host":
        return str(host_python())
    with suppress(ValueError):
        exact = PythonVersion.parse(layer.python_implementation)
        # Not every PyPy can be locked for: wheels are chosen by the ABI of its release.
        if exact.implementation != "pypy":
            return str(exact)
    kept = None if context.relocks(layer.name) else _locked_python(context, layer)
    if kept is not None:
        return kept
    if context.run.flags.looking:
        # Which Python that is, may have to be asked of the network.
        raise MissingInput(f"python_implementation {layer.python_implementation!r} is not locked")
    from venvstacks_dag.runtimes import identify

    targets = context.targets(layer)
    return str(identify(layer.name, layer.python_implementation, targets, context.providers))


def _locked_python(context: BuildContext, layer: LayerPlan) -> str | None:
    """The exact Python that the lock was made for, if it is one that is asked for.

    "cpython@3.12" is the newest there is when the layer is locked; it stays, as pins do.
    """
    try:
        written = parse_json(metadata_file(context.settings, layer.name).read_bytes())
        python = PythonVersion.parse(written["python"])
    except (OSError, ValueError, KeyError, TypeError):
        return None
    asked = layer.python_implementation
    return str(python) if f"{python}.".startswith(f"{asked}.") else None


def host_python() -> PythonVersion:
    """The version of the interpreter that runs the build."""
    major, minor, micro = sys.version_info[:3]
    return PythonVersion(
        implementation=sys.implementation.name, major=major, minor=minor, micro=micro
    )
