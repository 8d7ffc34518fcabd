"""From a specification to what doit loads. Errors end here as doit's own, without a traceback."""

from __future__ import annotations

import gc
import os
import sys
import traceback
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from doit import get_initial_workdir, get_var
from doit.exceptions import InvalidDodoFile

from venvstacks_dag.errors import VenvstacksDagError
from venvstacks_dag.fs.processes import hear_of_children
from venvstacks_dag.spec.packing import packing_options
from venvstacks_dag.tasks.context import BuildContext
from venvstacks_dag.tasks.factory import namespace
from venvstacks_dag.tasks.interrupts import tell_of_interrupts_in_a_line
from venvstacks_dag.tasks.plan import load_plan, named_platforms
from venvstacks_dag.tasks.reporter import bound_reporter
from venvstacks_dag.tasks.settings import BuildSettings
from venvstacks_dag.tasks.spelling import check_variables


def build_context(
    settings: BuildSettings, environ: Mapping[str, str], *, keep_plan: bool = True
) -> BuildContext:
    """The surroundings of a build. Raises `SpecError`, `DiskError` or `StoreError`.

    Without `keep_plan`, nothing is written into the build folder.
    """
    return BuildContext(settings, load_plan(settings, environ, keep=keep_plan), environ)


def stack(default_spec: str = "venvstacks.toml") -> dict[str, Any]:
    """What a `dodo.py` takes into its globals: ``globals().update(stack("venvstacks.toml"))``.

    ``spec=PATH`` on the command line and ``VENVSTACKS_DAG_SPEC`` choose another specification,
    in this order; their paths are relative to where doit was called, `default_spec` to `dodo.py`.
    ``format=``, ``profile=`` and ``level=`` say how archives are packed.
    ``offline=1`` keeps the build off the network; ``target=NAME,NAME`` (or ``target=all``) says
    which platforms to build and to fetch for. Tasks of other platforms that are named on the
    command line, such as ``install:app-x@win_amd64``, are there without it.
    """
    tell_of_interrupts_in_a_line(of_all=True)
    hear_of_children()
    # What is imported and read makes many objects and hardly any cycles: to look for those takes
    # a twentieth of a build that has nothing to do.
    gc.set_threshold(50_000, 20, 20)
    check_variables()
    chosen = get_var("spec") or os.environ.get("VENVSTACKS_DAG_SPEC")
    if chosen:
        spec = Path(get_initial_workdir() or ".", Path(chosen).expanduser())
    else:
        spec = Path(default_spec)
    targets = (get_var("target") or "").split(",")
    try:
        settings = BuildSettings.of(
            spec,
            offline=(get_var("offline") or "0") != "0",
            targets=targets,
            fetched=targets,
            packing=packing_options(
                get_var("format"), get_var("profile"), _number("level", get_var("level"))
            ),
        )
        settings = settings.also_for(named_platforms(sys.argv[1:]))
        context = build_context(settings, os.environ, keep_plan=not _only_looks(sys.argv[1:]))
    except (VenvstacksDagError, ValueError) as error:
        message = str(error)
        if os.environ.get("VENVSTACKS_DAG_DEBUG", "0") not in ("", "0"):
            message += "\n" + traceback.format_exc()
        # doit prints this one without a traceback, and ends with its code for "cannot load".
        raise InvalidDodoFile(message) from error
    return dict(namespace(context, bound_reporter(context)))


def _only_looks(words: list[str]) -> bool:
    """Whether doit was called for `plan`: the command is its first word but for variables."""
    return next((word for word in words if "=" not in word or word[0] == "-"), None) == "plan"


def _number(name: str, text: str | None) -> int | None:
    if text is None or not text:
        return None
    if not (text.isascii() and text.isdigit() and len(text) < 4):
        raise ValueError(f"{name}={text}: expected a number")
    return int(text)
