"""Stacks as commands open and show them."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence

from venvstacks_dag.api.selection import Selection
from venvstacks_dag.api.stack import Stack, load_stack
from venvstacks_dag.api.status import tree_lines
from venvstacks_dag.api.work import Work
from venvstacks_dag.cli.options import plain_environ, verbosity_of
from venvstacks_dag.cli.output import show_text


def opened(options: argparse.Namespace, *, keep_plan: bool | None = None) -> Stack:
    """The stack that a command is for.

    Its compiled plan is kept unless nothing is to be written, by `keep_plan` or ``--show-only``.
    """
    folders = {"build_dir": options.build_dir}
    if options.command == "local-export":
        folders["export_dir"] = options.output_dir
    elif hasattr(options, "output_dir"):
        folders["output_dir"] = options.output_dir
    if hasattr(options, "export_dir"):
        folders["export_dir"] = options.export_dir
    if keep_plan is None:
        keep_plan = not getattr(options, "show_only", False)
    return load_stack(
        options.spec,
        **folders,
        tag_outputs=getattr(options, "tag_outputs", False),
        targets=getattr(options, "target", ()),
        archive_format=getattr(options, "format", None),
        archive_profile=getattr(options, "profile", None),
        archive_level=getattr(options, "level", None),
        local_wheels=getattr(options, "local_wheels", ()),
        index=getattr(options, "index", True),
        environ=plain_environ(options),
        verbosity=verbosity_of(options),
        keep_plan=keep_plan,
    )


def goes_on(stack: Stack, work: Work, options: argparse.Namespace) -> bool:
    """Show what is asked to be shown; whether the command is to be carried out after that."""
    warn(work.selection)
    if options.show or options.show_only or options.json:
        print_state(stack, work.selection, in_json=options.json, operations=True)
    if (options.show or options.show_only) and not options.json:
        print_preview(stack, work, in_json=False)
    return not (options.show_only or (options.json and not options.show))


def print_state(stack: Stack, selection: Selection, *, in_json: bool, operations: bool) -> None:
    """The layers, and with `operations` what is asked for each."""
    state = stack.state(selection, operations=operations, dependencies=not operations)
    if in_json:
        print(as_json(state))
        return
    show_text("".join(f"{line}\n" for line in tree_lines(state)))
    layers = [*state["runtimes"], *state["frameworks"], *state["applications"]]
    if not all(layer["has_valid_lock"] for layer in layers):
        print("* not locked, or outdated: `venvstacks-dag lock --if-needed` locks these")


def print_preview(stack: Stack, work: Work, *, in_json: bool) -> bool:
    """The tasks that would run, and why; whether there are any."""
    from venvstacks_dag.tasks.preview import is_something, preview_json, preview_lines

    found = stack.preview(work)
    if in_json:
        print(as_json(preview_json(found)))
    elif found:
        show_text("".join(f"{line}\n" for line in preview_lines(found)))
    else:
        print(stack.nothing_asked)
    return is_something(found)


def print_prunable(names: Sequence[str]) -> None:
    """What pruning would remove: not on standard output, which has the manifest for programs."""
    for name in names:
        print(f"would remove {name}", file=sys.stderr)
    if not names:
        print("Nothing to remove.", file=sys.stderr)


def as_json(value: object) -> str:
    """JSON in venvstacks' form: sorted keys, two spaces."""
    return json.dumps(value, indent=2, sort_keys=True)


def warn(selection: Selection) -> None:
    """Tell of patterns that fit nothing."""
    for warning in selection.warnings:
        print(f"warning: {warning}", file=sys.stderr)
