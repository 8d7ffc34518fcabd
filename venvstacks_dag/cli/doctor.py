"""`venvstacks-dag doctor`: which shared libraries the binaries of built layers get."""

from __future__ import annotations

import argparse

from venvstacks_dag.cli.options import add_command, add_target, plain_environ, verbosity_of
from venvstacks_dag.cli.output import show, show_text


def register(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command."""
    parser = add_command(
        subparsers,
        "doctor",
        "say which shared libraries the modules of built layers get, and what is missing",
        "--json path/to/venvstacks.toml",
    )
    parser.add_argument(
        "--system",
        action="append",
        default=[],
        metavar="PATTERN",
        help="libraries that the system has, too, as 'libmpi.so.*' (repeatable)",
    )
    add_target(parser, "for this platform, or 'all' (repeatable)")
    parser.add_argument("--json", action="store_true", help="print JSON, with everything")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Run the command; 1 where something is missing. Raises `NotBuilt` or `SpecError`."""
    from venvstacks_dag.api.stack import load_stack
    from venvstacks_dag.digest import pretty_json
    from venvstacks_dag.drawing import libraries_json, libraries_text

    stack = load_stack(
        options.spec,
        build_dir=options.build_dir,
        targets=options.target,
        environ=plain_environ(options),
    )
    reports = stack.library_reports(options.system)
    missing = any(report.missing for report in reports)
    verbosity = verbosity_of(options)
    if options.json:
        show(pretty_json(libraries_json(reports)))
    elif verbosity >= 0 or missing:
        show_text(libraries_text(reports, everything=verbosity > 0))
    return 1 if missing else 0
