"""From a specification to what doit loads. Errors end here as doit's own, without a traceback."""

from __future__ import annotations

import os
import traceback
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from doit import get_initial_workdir, get_var
from doit.exceptions import InvalidDodoFile

from venvstacks_dag.errors import VenvstacksDagError
from venvstacks_dag.tasks.context import BuildContext
from venvstacks_dag.tasks.factory import namespace
from venvstacks_dag.tasks.plan import load_plan
from venvstacks_dag.tasks.reporter import bound_reporter
from venvstacks_dag.tasks.settings import BuildSettings


def is_set(value: str | None) -> bool:
    """Whether a variable that switches something is there and says neither nothing nor "0"."""
    return value not in (None, "", "0")


def build_context(settings: BuildSettings, environ: Mapping[str, str]) -> BuildContext:
    """The surroundings of a build. Raises `SpecError` or `DiskError`.

    ``VENVSTACKS_DAG_OFFLINE`` keeps a build off the network, whatever `settings` say.
    """
    if is_set(environ.get("VENVSTACKS_DAG_OFFLINE")):
        settings = replace(settings, offline=True)
    return BuildContext(settings, load_plan(settings, environ), environ)


def stack(default_spec: str = "venvstacks.toml") -> dict[str, Any]:
    """What a `dodo.py` takes into its globals: ``globals().update(stack("venvstacks.toml"))``.

    ``spec=PATH`` on the command line and ``VENVSTACKS_DAG_SPEC`` choose another specification,
    in this order; their paths are relative to where doit was called, `default_spec` to `dodo.py`.
    ``offline=1`` keeps the build off the network; ``target=NAME,NAME`` says what to fetch for.
    """
    chosen = get_var("spec") or os.environ.get("VENVSTACKS_DAG_SPEC")
    if chosen:
        spec = Path(get_initial_workdir() or ".", Path(chosen).expanduser())
    else:
        spec = Path(default_spec)
    try:
        settings = BuildSettings.of(
            spec,
            offline=is_set(get_var("offline")),
            fetched=(get_var("target") or "").split(","),
        )
        context = build_context(settings, os.environ)
    except (VenvstacksDagError, ValueError) as error:
        message = str(error)
        if os.environ.get("VENVSTACKS_DAG_DEBUG", "0") not in ("", "0"):
            message += "\n" + traceback.format_exc()
        # doit prints this one without a traceback, and ends with its code for "cannot load".
        raise InvalidDodoFile(message) from error
    return dict(namespace(context, bound_reporter(context)))
